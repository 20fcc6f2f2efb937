// Cases for tables: what they insert, update, delete and select, and how their values are encoded and decoded.
import { describe, expect } from "@effect/vitest"
import { BigDecimal, Clock, Effect, FastCheck, Option, Schema, Stream } from "effect"
import { Cursor, Engine, Errors, Result, Statement, type Value } from "effect-sa"
import { Column, MetaData, SchemaBase, Table } from "effect-sa/schema"
import { type Backend, tableName, withEngine } from "../support/Backend.js"

const PersonId = Schema.Int.pipe(Schema.brand("PersonId"))
const Settings = Schema.Struct({ theme: Schema.Literal("dark", "light"), size: Schema.Number })

let made = 0

/** A table of people under a name of its own, with a column of most kinds. */
const people = (name: string = tableName("person")) =>
  Table.make(name, {
    id: Column.integer.pipe(Column.schema(PersonId), Column.primaryKey, Column.autoIncrement),
    name: Column.varchar(50),
    email: Column.varchar(100).pipe(Column.nullable, Column.unique),
    active: Column.boolean.pipe(Column.withDefault(true)),
    balance: Column.decimal(10, 2).pipe(Column.schema(Schema.BigDecimal), Column.nullable),
    role: Column.enumeration("admin", "guest").pipe(Column.serverDefault("guest")),
    settings: Column.json.pipe(Column.schema(Settings), Column.nullable),
    number: Column.integer.pipe(Column.withDefault(() => ++made)),
    changed: Column.datetime(3).pipe(
      Column.nullable,
      Column.onUpdate(Effect.map(Clock.currentTimeMillis, (now) => new Date(now)))
    )
  })

/** Tables that are there while a test runs. */
const created = <const Tables extends ReadonlyArray<Table.Any>>(...tables: Tables) =>
  Effect.acquireRelease(MetaData.createAll(MetaData.make(...tables)), () =>
    Effect.ignore(MetaData.dropAll(MetaData.make(...tables)))
  )

const failed = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Effect.flip(effect), (error) => error)

export const tablesContract = (backend: Backend): void => {
  describe("a table", () => {
    withEngine(backend, "inserts rows with their defaults, and selects them decoded", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const before = made
        const inserted = yield* Engine.execute(
          person.insert({
            name: "Ada",
            balance: BigDecimal.unsafeFromString("12.50"),
            settings: { theme: "dark", size: 3 }
          })
        )
        expect([inserted.rowCount, inserted.lastInsertId]).toEqual([1, 1])
        yield* Engine.execute(person.insert({ name: "Grace", active: false, role: "admin", email: "g@example.org" }))
        const { rows } = yield* Engine.execute(person.select((query) => query.orderBy("id")))
        expect(rows.map((row) => Result.Row.toRecord(row))).toEqual([
          {
            id: 1,
            name: "Ada",
            email: null,
            active: true,
            balance: BigDecimal.normalize(BigDecimal.unsafeFromString("12.50")),
            role: "guest",
            settings: { theme: "dark", size: 3 },
            number: before + 1,
            changed: null
          },
          {
            id: 2,
            name: "Grace",
            email: "g@example.org",
            active: false,
            balance: null,
            role: "admin",
            settings: null,
            number: before + 2,
            changed: null
          }
        ])
        // By name, by place, and by column.
        const [ada] = rows
        expect([ada?.name, ada?.[1], ada && Result.Row.get(ada, person.columns.name)]).toMatchObject([
          "Ada",
          "Ada",
          { right: "Ada" }
        ])
      })
    )

    withEngine(
      backend,
      "takes values at execution as an object, in the order of its columns, and as arrays of both",
      () =>
        Effect.gen(function* () {
          const pair = Table.make(tableName("pair"), { a: Column.integer, b: Column.varchar(10).pipe(Column.nullable) })
          yield* created(pair)
          const insert = pair.insert()
          yield* Engine.execute(insert, { a: 1, b: "one" })
          yield* Engine.execute(insert, { a: 2 })
          yield* Engine.execute(insert, [3, "three"])
          yield* Engine.execute(insert, [
            [4, "four"],
            [5, null]
          ])
          yield* Engine.execute(insert, [{ a: 6, b: "six" }, { a: 7 }])
          expect((yield* Engine.execute(insert, [])).rowCount).toBe(0)
          const { rows } = yield* Engine.execute(pair.select((query) => query.orderBy("a")))
          expect(rows.map(({ a, b }) => [a, b])).toEqual([
            [1, "one"],
            [2, null],
            [3, "three"],
            [4, "four"],
            [5, null],
            [6, "six"],
            [7, null]
          ])
        })
    )

    withEngine(backend, "inserts many rows in one statement, each with defaults of its own", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const names = Array.from({ length: 500 }, (_, i) => `person ${i}`)
        const { rowCount } = yield* Engine.execute(person.insert(names.map((name) => ({ name }))))
        expect(rowCount).toBe(500)
        const { rows } = yield* Engine.execute(person.select((query) => query.orderBy("id")))
        expect(rows.map(({ name }) => name)).toEqual(names)
        expect(new Set(rows.map(({ number }) => number)).size).toBe(500)
      })
    )

    withEngine(backend, "leaves out what a row does not have, so that the database fills it in", () =>
      Effect.gen(function* () {
        const t = Table.make(tableName(), {
          id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
          state: Column.varchar(10).pipe(Column.serverDefault("new")),
          at: Column.datetime().pipe(Column.serverDefault(Column.currentTimestamp()))
        })
        yield* created(t)
        yield* Engine.execute(t.insert({}))
        yield* Engine.execute(t.insert([{}, {}]))
        const { rows } = yield* Engine.execute(t.select())
        expect(rows.map(({ state }) => state)).toEqual(["new", "new", "new"])
        expect(rows.every(({ at }) => Math.abs(at.getTime() - Date.now()) < 60_000)).toBe(true)
        // Beside a row that has it, a default that is a value is filled in; one that only the database knows is not.
        yield* Engine.execute(t.insert([{ state: "old" }, {}]))
        expect((yield* Engine.execute(t.select((query) => query.where("state", "=", "new")))).rowCount).toBe(4)
        // What the database has set is found by what it gave.
        const at = rows[0]?.at ?? new Date(0)
        const found = yield* Engine.execute(t.select((query) => query.where("at", "=", at).where("id", "=", 1)))
        expect(found.rowCount).toBe(1)
        const refused = yield* failed(Engine.execute(t.insert([{ at: new Date() }, {}])))
        expect(refused).toMatchObject({ _tag: "ArgumentError", argument: "values[1].at" })
      })
    )

    withEngine(backend, "updates with values, and with values that are given at execution", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Engine.execute(person.insert([{ name: "Ada" }, { name: "Grace" }, { name: "Joan" }]))
        const byId = <Query extends { where: (column: "id", operator: "=", value: number) => Query }>(query: Query) =>
          query.where("id", "=", 1)
        const { rowCount } = yield* Engine.execute(person.update({ name: "Ada Lovelace" }, byId))
        expect(rowCount).toBe(1)
        const who = Statement.param<number>("who")
        yield* Engine.execute(
          person.update(undefined, (query) => query.where("id", "=", who)),
          [
            { who: 2, name: "Grace Hopper", role: "admin" },
            { who: 3, name: "Joan Clarke", role: "guest" }
          ]
        )
        yield* Engine.execute(
          person.update({ settings: Statement.param("settings") }, (query) => query.where("id", "=", who)),
          [{ who: 2, settings: { theme: "light", size: 1 } }]
        )
        const { rows } = yield* Engine.execute(person.select((query) => query.orderBy("id")))
        expect(rows.map(({ name, role, settings }) => [name, role, settings])).toEqual([
          ["Ada Lovelace", "guest", null],
          ["Grace Hopper", "admin", { theme: "light", size: 1 }],
          ["Joan Clarke", "guest", null]
        ])
        // A column with onUpdate is set by every update, and not by an insert.
        expect(rows.every(({ changed }) => changed instanceof Date)).toBe(true)
        expect((yield* Engine.execute(person.update({ name: "x" }, byId), [])).rowCount).toBe(0)
      })
    )

    withEngine(backend, "deletes the rows that a condition chooses", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Engine.execute(person.insert([{ name: "Ada" }, { name: "Grace" }]))
        const remove = person.delete((query) => query.where("name", "=", Statement.param<string>("name")))
        expect((yield* Engine.execute(remove, { name: "Ada" })).rowCount).toBe(1)
        expect((yield* Engine.execute(remove, { name: "Ada" })).rowCount).toBe(0)
        expect((yield* Engine.execute(person.select())).rows.map(({ name }) => name)).toEqual(["Grace"])
      })
    )

    withEngine(backend, "leaves out or updates rows whose key another has, where it is told to", () =>
      Effect.gen(function* () {
        const columns = { sku: Column.varchar(10).pipe(Column.primaryKey), name: Column.varchar(20) }
        const stock = Table.make(tableName("stock"), { ...columns, pieces: Column.integer })
        yield* created(stock)
        yield* Engine.execute(stock.insert([{ sku: "a", name: "nut", pieces: 1 }]))
        const twice = yield* failed(Engine.execute(stock.insert({ sku: "a", name: "bolt", pieces: 2 })))
        expect(twice).toMatchObject({ _tag: "IntegrityError", reason: "UniqueViolation" })
        const loose = Table.make(stock.name, { ...columns, pieces: Column.integer.pipe(Column.serverDefault(0)) })
        const lacking = loose.insert({ sku: "a", name: "bolt" }, { onConflict: { update: ["pieces"] } })
        expect(yield* failed(Engine.execute(lacking))).toMatchObject({
          _tag: "ArgumentError",
          argument: 'onConflict.update, "pieces"'
        })
        yield* Engine.execute(stock.insert({ sku: "a", name: "bolt", pieces: 3 }, { onConflict: "ignore" }))
        const all = stock.select((query) => query.orderBy("sku"))
        expect((yield* Engine.execute(all)).rows.map(({ name, pieces }) => [name, pieces])).toEqual([["nut", 1]])
        yield* Engine.execute(
          stock.insert(
            [
              { sku: "a", name: "bolt", pieces: 4 },
              { sku: "b", name: "screw", pieces: 5 }
            ],
            { onConflict: { update: ["pieces"] } }
          )
        )
        expect((yield* Engine.execute(all)).rows.map(({ name, pieces }) => [name, pieces])).toEqual([
          ["nut", 4],
          ["screw", 5]
        ])
      })
    )

    if (backend.returning)
      withEngine(backend, "gives back decoded columns of what it inserts", () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const { rows } = yield* Engine.execute(
            person.insert([{ name: "Ada" }, { name: "Grace" }], { returning: ["id", "active", "role"] })
          )
          expect(rows.map(({ id, active, role }) => [id, active, role])).toEqual([
            [1, true, "guest"],
            [2, true, "guest"]
          ])
        })
      )

    withEngine(backend, "streams its rows decoded, and gives them to cursors and scalars", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Engine.execute(
          person.insert(Array.from({ length: 300 }, (_, i) => ({ name: `p${i}`, active: i % 2 === 0 })))
        )
        const actives = yield* Engine.stream(person.select((query) => query.orderBy("id"))).pipe(
          Stream.filter(({ active }) => active === true),
          Stream.runCount
        )
        expect(actives).toBe(150)
        expect(yield* Engine.scalar(person.select((query) => query.orderBy("id").limit(1)))).toEqual(
          Option.some(PersonId.make(1))
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { pool } = yield* Engine.Engine
            const connection = yield* pool.acquire
            for (const buffered of [true, false]) {
              const cursor = yield* Cursor.make(connection, { rows: "dict", buffered })
              yield* cursor.execute(person.select((query) => query.orderBy("id").limit(2)))
              expect((yield* cursor.fetchAll).map(({ active }) => active)).toEqual([true, false])
              yield* cursor.close
            }
          })
        )
      })
    )

    withEngine(
      backend,
      "has the same values whatever the engine's options are",
      () =>
        Effect.gen(function* () {
          const t = Table.make(tableName(), {
            n: Column.integer,
            big: Column.bigint("bigint"),
            text: Column.bigint("string"),
            price: Column.decimal(6, 2),
            on: Column.boolean,
            at: Column.datetime(),
            doc: Column.json
          })
          yield* created(t)
          const row = {
            n: 7,
            big: 2n ** 62n + 1n,
            text: "9007199254740993",
            price: "12.50",
            on: true,
            at: new Date(Date.UTC(2024, 1, 29, 12)),
            doc: ["x", { y: null }, 1.5]
          }
          yield* Engine.execute(t.insert(row))
          const { rows } = yield* Engine.execute(t.select())
          expect(rows.map((each) => Result.Row.toRecord(each))).toEqual([row])
          const refused = yield* failed(Engine.execute(t.select(), undefined, { integers: "string" }))
          expect(refused).toMatchObject({ _tag: "ArgumentError", argument: "options" })
        }),
      {
        integers: "string",
        decimals: "BigDecimal",
        dateTimes: "string",
        json: "text",
        booleans: "number"
      } satisfies Partial<Value.ValueOptions>
    )

    withEngine(backend, "keeps all digits of integers that are texts, or says that the database cannot", () =>
      Effect.gen(function* () {
        const t = Table.make(tableName(), { id: Column.integer, n: Column.bigint("string").pipe(Column.unsigned) })
        yield* created(t)
        yield* Engine.execute(t.insert({ id: 1, n: "9223372036854775807" }))
        const inserted = yield* Effect.either(Engine.execute(t.insert({ id: 2, n: "18446744073709551615" })))
        const { rows } = yield* Engine.execute(t.select((query) => query.orderBy("id")))
        const all = ["9223372036854775807", "18446744073709551615"]
        expect(rows.map(({ n }) => n)).toEqual(backend.isServer ? all : all.slice(0, 1))
        if (!backend.isServer) expect(inserted).toMatchObject({ left: { _tag: "DataError", reason: "OutOfRange" } })
      })
    )

    withEngine(backend, "keeps decimals of many zeros, which a BigDecimal writes with an exponent", () =>
      Effect.gen(function* () {
        const price = Table.make(tableName("price"), {
          id: Column.integer.pipe(Column.primaryKey),
          large: Column.decimal(20, 2).pipe(Column.schema(Schema.BigDecimal)),
          small: Column.decimal(20, 18).pipe(Column.schema(Schema.BigDecimal))
        })
        yield* created(price)
        const large = BigDecimal.make(1n, -17)
        const small = BigDecimal.make(1n, 18)
        yield* Engine.execute(price.insert({ id: 1, large, small }))
        const { rows } = yield* Engine.execute(price.select())
        expect(rows.map((row) => [BigDecimal.equals(row.large, large), BigDecimal.equals(row.small, small)])).toEqual([
          [true, true]
        ])
        const tooMany = { id: 2, large: BigDecimal.make(1n, -18), small: BigDecimal.make(1n, 19) }
        expect(yield* failed(Engine.execute(price.insert({ ...tooMany, small })))).toMatchObject({
          argument: "values.large"
        })
        expect(yield* failed(Engine.execute(price.insert({ ...tooMany, large })))).toMatchObject({
          argument: "values.small"
        })
      })
    )

    withEngine(backend, "refuses a long text that is no decimal at once", () =>
      Effect.gen(function* () {
        const price = Table.make(tableName("price"), { amount: Column.decimal(10, 2) })
        const zeros = "0".repeat(1_000_000)
        const begun = Date.now()
        for (const amount of [`${zeros}x`, `1.${zeros}x`, `1.${zeros}1`, `${zeros}`.replace(/0$/, "-")])
          expect(yield* failed(Engine.execute(price.insert({ amount })))).toMatchObject({ argument: "values.amount" })
        expect(Date.now() - begun).toBeLessThan(2_000)
      })
    )

    withEngine(backend, "refuses a time with more digits than its column keeps", () =>
      Effect.gen(function* () {
        const lap = Table.make(tableName("lap"), {
          whole: Column.time(),
          tenths: Column.time(1),
          at: Column.datetime(4)
        })
        yield* created(lap)
        const kept = { whole: "10:00:00", tenths: "-10:00:00.5", at: "2026-01-02 03:04:05.1234" }
        for (const [name, value] of [
          ["whole", "10:00:00.6"],
          ["tenths", "10:00:00.55"],
          ["at", "2026-01-02 03:04:05.12345"]
        ] as const) {
          const refused = yield* failed(Engine.execute(lap.insert({ ...kept, [name]: value })))
          expect(refused).toMatchObject({ _tag: "ArgumentError", argument: `values.${name}` })
        }
        yield* Engine.execute(lap.insert(kept))
        const { rows } = yield* Engine.execute(lap.select())
        expect(rows.map(Result.Row.toRecord)).toEqual([kept])
        yield* Engine.execute(lap.insert({ whole: "10:00:00.000", tenths: "10:00:00.500", at: "2026-01-02 03:04:05" }))
      })
    )

    withEngine(backend, "names a place in JSON as far as the schema does, because the keys of a record are data", () =>
      Effect.gen(function* () {
        const secret = "s3cret"
        const note = Table.make(tableName("note"), {
          body: Column.json.pipe(
            Column.schema(
              Schema.Struct({
                scores: Schema.Record({ key: Schema.String, value: Schema.Number }),
                list: Schema.Array(Schema.Struct({ size: Schema.Number }))
              })
            )
          )
        })
        yield* created(note)
        const wrong: ReadonlyArray<readonly [unknown, string]> = [
          [{ scores: { [secret]: "x" }, list: [] }, "values.body.scores"],
          [{ scores: {}, list: [{ size: 1 }, { size: "x" }] }, "values.body.list[1].size"]
        ]
        for (const [body, argument] of wrong) {
          const refused = yield* failed(Engine.execute(note.insert({ body: body as never })))
          expect(refused).toMatchObject({ _tag: "ArgumentError", argument })
          yield* Engine.execute(`INSERT INTO ${note.name} VALUES (?)`, [JSON.stringify(body)])
          const error = yield* failed(Engine.execute(note.select()))
          expect(error).toMatchObject({ _tag: "DataError" })
          expect(String(error) + JSON.stringify([error, refused])).not.toContain(secret)
          yield* Engine.execute(`DELETE FROM ${note.name}`)
        }
      })
    )

    withEngine(backend, "gives years as numbers beside integers that are bigints", () =>
      Effect.gen(function* () {
        const wine = Table.make(tableName("wine"), { id: Column.bigint("bigint"), year: Column.year })
        yield* created(wine)
        yield* Engine.execute(wine.insert({ id: 2n ** 60n, year: 2024 }))
        const { rows } = yield* Engine.execute(wine.select())
        expect(rows.map(Result.Row.toRecord)).toEqual([{ id: 2n ** 60n, year: 2024 }])
      })
    )

    withEngine(backend, "refuses JSON that would be other JSON in the database", () =>
      Effect.gen(function* () {
        const note = Table.make(tableName("note"), { body: Column.json })
        yield* created(note)
        const lone = JSON.parse('"\\ud800"')
        for (const body of [
          Number.NaN,
          { a: [1, Number.POSITIVE_INFINITY] },
          { a: null, b: Number.NaN },
          { [lone]: 1 },
          [lone]
        ])
          expect(yield* failed(Engine.execute(note.insert({ body })))).toMatchObject({ argument: "values.body" })
        const kept = { a: null, b: "NaN", c: "\\ud800", d: [null, 0] }
        yield* Engine.execute(note.insert({ body: kept }))
        const { rows } = yield* Engine.execute(note.select())
        expect(rows.map(({ body }) => body)).toEqual([kept])
      })
    )

    withEngine(backend, "updates a column whatever it is called, __proto__ too", () =>
      Effect.gen(function* () {
        const odd = Table.make(tableName("odd"), {
          id: Column.integer.pipe(Column.primaryKey),
          ["__proto__"]: Column.integer,
          constructor: Column.varchar(10)
        })
        yield* created(odd)
        const row = (proto: number, constructor: string) => ({ ["__proto__"]: proto, constructor })
        yield* Engine.execute(odd.insert({ id: 1, ...row(1, "a") }))
        yield* Engine.execute(odd.update(row(2, "b"), (query) => query.where("id", "=", 1)))
        const stored = Engine.execute(odd.select()).pipe(Effect.map(({ rows }) => rows.map(Result.Row.values)))
        expect(yield* stored).toEqual([[1, 2, "b"]])
        yield* Engine.execute(
          odd.update(undefined, (query) => query.where("id", "=", 1)),
          row(3, "c")
        )
        expect(yield* stored).toEqual([[1, 3, "c"]])
      })
    )

    withEngine(backend, "refuses conditions and options that are none, and values that cannot be read", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Engine.execute(person.insert({ name: "Ada" }))
        const secret = "s3cret"
        const unreadable = {
          get name(): string {
            throw new Error(secret)
          }
        }
        const throwing = () => {
          throw new Error(secret)
        }
        // What a program without types may do.
        const untyped: {
          readonly [name in "insert" | "update" | "delete" | "select"]: (
            ...args: ReadonlyArray<unknown>
          ) => Statement.Statement
        } = person as never
        const wrong: ReadonlyArray<readonly [Statement.Statement, string]> = [
          [untyped.delete(), "statement"],
          [untyped.delete(() => undefined), "statement"],
          [untyped.delete(throwing), "statement"],
          [untyped.update({ name: "x" }), "statement"],
          [untyped.update({ name: "x" }, () => ({})), "statement"],
          [untyped.update({ name: "x" }, throwing), "statement"],
          [untyped.select(5), "statement"],
          [untyped.select(throwing), "statement"],
          [untyped.insert({ name: "x" }, null), "options"],
          [untyped.insert({ name: "x" }, { onConflict: "update" }), "onConflict"],
          [untyped.insert({ name: "x" }, { onConflict: { update: "name" } }), "onConflict"],
          [untyped.insert({ name: "x" }, { returning: "name" }), "returning"],
          [untyped.insert(unreadable), "values"],
          [untyped.insert([unreadable]), "values"],
          [untyped.update(unreadable, (query: unknown) => query), "values"]
        ]
        for (const [statement, argument] of wrong) {
          const error = yield* failed(Engine.execute(statement))
          expect(error).toMatchObject({ _tag: "ArgumentError", argument })
          expect(String(error)).not.toContain(secret)
        }
        expect((yield* Engine.execute(person.select())).rows.map(({ name }) => name)).toEqual(["Ada"])
      })
    )

    withEngine(backend, "keeps JSON apart from NULL and text, whatever it holds", () =>
      Effect.gen(function* () {
        const t = Table.make(tableName(), { id: Column.integer, doc: Column.json })
        const n = Table.make(tableName(), { id: Column.integer, doc: Column.json.pipe(Column.nullable) })
        yield* created(t, n)
        const docs = [null, "text", "null", '"quoted"', "\\'`", 0, false, [], {}, [{ a: [null] }], ""]
        yield* Engine.execute(t.insert(docs.map((doc, id) => ({ id, doc }))))
        const { rows } = yield* Engine.execute(t.select((query) => query.orderBy("id")))
        expect(rows.map(({ doc }) => doc)).toEqual(docs)
        yield* Engine.execute(n.insert([{ id: 1, doc: null }, { id: 2 }]))
        expect(yield* Engine.scalar(`SELECT count(*) FROM ${n.name} WHERE doc IS NULL`)).toEqual(Option.some(2))
      })
    )

    withEngine(backend, "refuses what its columns do not take, before anything is sent, and shows no value", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const secret = "s3cret"
        const cases: ReadonlyArray<readonly [Statement.Statement<never>, unknown, string]> = [
          [person.insert(), { name: "x", nickname: secret }, "parameters.nickname"],
          [person.insert(), { email: secret }, "parameters.name"],
          [person.insert(), { name: 5 }, "parameters.name"],
          [person.insert(), { name: null }, "parameters.name"],
          [person.insert(), { name: undefined }, "parameters.name"],
          [person.insert(), { name: secret.repeat(20) }, "parameters.name"],
          [person.insert(), { name: "x", role: secret }, "parameters.role"],
          [person.insert(), { name: "x", settings: { theme: secret, size: 1 } }, "parameters.settings.theme"],
          [person.insert(), { name: "x", balance: secret }, "parameters.balance"],
          [person.insert(), [secret], "parameters"],
          [person.insert(), [{ name: "x" }, { name: "y", id: 1.5 }], "parameters[1].id"],
          [person.insert(), secret, "parameters"],
          [person.insert({ name: "x" }), { name: secret }, "parameters"],
          [person.insert(undefined, { onConflict: { update: [] } }), { name: "x" }, "onConflict.update"],
          [person.update(undefined, (query) => query), { nickname: secret }, "parameters"],
          [person.update({ name: Statement.param("n") }, (query) => query), { n: 5 }, "parameters.n"],
          [
            person.delete((query) => query.where("id", "=", Statement.param<number>("n"))),
            { m: secret },
            "parameters.n"
          ]
        ]
        for (const [statement, parameters, argument] of cases) {
          // A program without types can give anything.
          const error = yield* failed(Engine.execute(statement, parameters as Statement.Parameters))
          expect(error).toMatchObject({ _tag: "ArgumentError", argument })
          expect(Errors.render(error) + JSON.stringify(error)).not.toContain(secret)
        }
        expect((yield* Engine.execute(person.select())).rowCount).toBe(0)
      })
    )

    withEngine(backend, "fails typed for a value in the database that a schema refuses, and does not show it", () =>
      Effect.gen(function* () {
        const name = tableName()
        const loose = Table.make(name, {
          id: Column.integer,
          doc: Column.json,
          n: Column.integer.pipe(Column.nullable)
        })
        const strict = Table.make(name, { id: Column.integer, doc: Column.json.pipe(Column.schema(Settings)) })
        yield* created(loose)
        yield* Engine.execute(loose.insert({ id: 1, doc: { theme: "s3cret", size: 1 } }))
        const error = yield* failed(Engine.execute(strict.select()))
        expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
        expect(Errors.render(error)).toContain('column "doc"')
        expect(Errors.render(error)).not.toContain("s3cret")
        expect(yield* failed(Stream.runDrain(Engine.stream(strict.select())))).toMatchObject({ _tag: "DataError" })
        const required = Table.make(name, { n: Column.integer.pipe(Column.schema(PersonId)) })
        expect(yield* failed(Engine.execute(required.select()))).toMatchObject({ _tag: "DataError" })
      })
    )

    withEngine(backend, "takes any text in any place as data: names, values, comments, defaults", () =>
      Effect.gen(function* () {
        const texts = ["select", "a b", "a`b", 'a"b', "a'b", "a\\b", "?", ":a", "%s", "größe", "--", "a.b", "a;b", "/*"]
        for (const [i, word] of texts.entries()) {
          const t = Table.make(`${word}_${tableName()}`, {
            [word]: Column.varchar(60).pipe(Column.serverDefault(word), Column.comment(word)),
            [`${word} 2`]: Column.integer
          })
          yield* created(t)
          yield* Engine.execute(t.insert({ [`${word} 2`]: i }))
          yield* Engine.execute(t.update({ [`${word} 2`]: i + 1 }, (query) => query))
          // In a condition Kysely takes what stands before a dot for a table.
          const all = word.includes(".")
          const { rows } = yield* Engine.execute(t.select((query) => (all ? query : query.where(word, "=", word))))
          expect(rows.map((row) => [...row])).toEqual([[word, i + 1]])
        }
      })
    )

    withEngine(
      backend,
      "gives back every value that it takes",
      () =>
        Effect.gen(function* () {
          const t = Table.make(tableName(), {
            id: Column.integer.pipe(Column.primaryKey),
            text: Column.varchar(40),
            json: Column.json,
            flag: Column.boolean,
            small: Column.smallint,
            real: Column.double,
            bytes: Column.varbinary(40),
            day: Column.datetime(3)
          })
          yield* created(t)
          const string = FastCheck.fullUnicodeString({ maxLength: 20 }).filter((text) => !text.includes("\0"))
          const row = FastCheck.record({
            text: string,
            json: FastCheck.jsonValue({ maxDepth: 2 }).map((value): unknown => JSON.parse(JSON.stringify(value))),
            flag: FastCheck.boolean(),
            small: FastCheck.integer({ min: -32_768, max: 32_767 }),
            real: FastCheck.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
            bytes: FastCheck.uint8Array({ maxLength: 40 }),
            day: FastCheck.date({ min: new Date("1000-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z") })
          })
          const given = FastCheck.sample(row, { numRuns: 150, seed: 20_240_229 }).map((values, id) => ({
            id,
            ...values
          }))
          yield* Engine.execute(t.insert(given))
          const { rows } = yield* Engine.execute(t.select((query) => query.orderBy("id")))
          expect(rows.map((each) => Result.Row.toRecord(each))).toEqual(
            given.map((each) => ({ ...each, bytes: expect.anything() }))
          )
          expect(rows.map(({ bytes }) => [...bytes])).toEqual(given.map(({ bytes }) => [...bytes]))
        }),
      {},
      60_000
    )

    withEngine(backend, "is created and dropped by statements, which take no parameters", () =>
      Effect.gen(function* () {
        const t = Table.make(tableName(), { id: Column.integer.pipe(Column.primaryKey) })
        yield* Engine.execute(Table.create(t))
        expect(yield* failed(Engine.execute(Table.create(t)))).toMatchObject({
          _tag: "ProgrammingError",
          reason: "TableExists"
        })
        yield* Engine.execute(Table.create(t, { ifNotExists: true }))
        expect(yield* failed(Engine.execute(Table.create(t), [1]))).toMatchObject({
          _tag: "ArgumentError",
          argument: "parameters"
        })
        yield* Engine.execute(Table.drop(t))
        expect(yield* failed(Engine.execute(Table.drop(t)))).toMatchObject({
          _tag: "ProgrammingError",
          reason: "NoSuchTable"
        })
        yield* Engine.execute(Table.drop(t, { ifExists: true }))
      })
    )
  })

  describe("the columns of SchemaBase", () => {
    withEngine(backend, "give a key that is unique everywhere, and say when a row was made and changed", () =>
      Effect.gen(function* () {
        const note = Table.make(tableName("note"), { ...SchemaBase.columns, text: Column.varchar(20) })
        yield* created(note)
        yield* Engine.execute(note.insert([{ text: "a" }, { text: "b" }]))
        const first = (yield* Engine.execute(note.select((query) => query.orderBy("text")))).rows
        expect(new Set(first.map(({ pkid }) => pkid)).size).toBe(2)
        yield* Effect.sleep("20 millis")
        yield* Engine.execute(note.update({ text: "c" }, (query) => query.where("text", "=", "a")))
        const [changed] = (yield* Engine.execute(note.select((query) => query.where("text", "=", "c")))).rows
        expect(changed?.date_created).toEqual(first[0]?.date_created)
        expect((changed?.date_updated.getTime() ?? 0) - (first[0]?.date_updated.getTime() ?? 0)).toBeGreaterThan(0)
      })
    )
  })

  describe("MetaData", () => {
    const family = () => {
      const parent = Table.make(tableName("parent"), {
        id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
        boss: Column.integer.pipe(Column.nullable)
      })
      const child = Table.make(tableName("child"), {
        id: Column.integer.pipe(Column.primaryKey),
        parent: Column.integer.pipe(Column.references({ table: parent, column: "id" }, { onDelete: "cascade" }))
      })
      return { parent, child, metaData: MetaData.make(child, parent) }
    }

    withEngine(
      backend,
      "creates tables in the order of their foreign keys, leaves existing ones alone, and drops them",
      () =>
        Effect.gen(function* () {
          const { parent, child, metaData } = family()
          yield* MetaData.createAll(metaData)
          yield* Engine.execute(parent.insert({ id: 1 }))
          yield* Engine.execute(child.insert({ id: 1, parent: 1 }))
          yield* MetaData.createAll(metaData)
          expect((yield* Engine.execute(child.select())).rowCount).toBe(1)
          const orphan = yield* failed(Engine.execute(child.insert({ id: 2, parent: 9 })))
          expect(orphan).toMatchObject({ _tag: "IntegrityError", reason: "ForeignKeyViolation" })
          yield* Engine.execute(parent.delete((query) => query.where("id", "=", 1)))
          expect((yield* Engine.execute(child.select())).rowCount).toBe(0)
          yield* MetaData.dropAll(metaData)
          yield* MetaData.dropAll(metaData)
          expect(yield* failed(Engine.execute(child.select()))).toMatchObject({ reason: "NoSuchTable" })
        })
    )

    withEngine(backend, "refuses foreign keys in a circle, and makes nothing", () =>
      Effect.gen(function* () {
        const [a, b] = [tableName(), tableName()]
        const reference = (table: string) =>
          Column.integer.pipe(Column.nullable, Column.references({ table, column: "id" }))
        const id = Column.integer.pipe(Column.primaryKey)
        const metaData = MetaData.make(
          Table.make(a, { id, other: reference(b) }),
          Table.make(b, { id, other: reference(a) })
        )
        const error = yield* failed(MetaData.createAll(metaData))
        expect(error).toMatchObject({ _tag: "ArgumentError", argument: "foreign keys" })
        expect(yield* failed(Engine.execute(`SELECT * FROM ${a}`))).toMatchObject({ reason: "NoSuchTable" })
        const wrong = MetaData.make(Table.make(a, { id }), Table.make(b, {}))
        expect(yield* failed(MetaData.createAll(wrong))).toMatchObject({ _tag: "ArgumentError" })
        expect(yield* failed(Engine.execute(`SELECT * FROM ${a}`))).toMatchObject({ reason: "NoSuchTable" })
        expect(
          yield* failed(MetaData.createAll(MetaData.make(Table.make(a, { id }), Table.make(a, { id }))))
        ).toMatchObject({
          argument: "tables"
        })
      })
    )

    if (backend.transactionalDdl)
      withEngine(backend, "leaves nothing half made where DDL is part of transactions", () =>
        Effect.gen(function* () {
          const first = Table.make(tableName("a"), { id: Column.integer })
          const second = Table.make(tableName("b"), {
            id: Column.integer.pipe(Column.check("no_such_function(id) > 0"))
          })
          expect(yield* failed(MetaData.createAll(MetaData.make(first, second)))).toMatchObject({
            reason: "NoSuchFunction"
          })
          expect(yield* failed(Engine.execute(first.select()))).toMatchObject({ reason: "NoSuchTable" })
        })
      )

    withEngine(backend, "shows its tables as text, which makes them", () =>
      Effect.gen(function* () {
        const { child, metaData } = family()
        const { dialect } = yield* Engine.Engine
        const text = yield* MetaData.ddl(metaData, dialect)
        for (const sql of text.split(";\n").filter((each) => each !== "")) yield* Engine.execute(sql)
        expect((yield* Engine.execute(child.select())).rowCount).toBe(0)
        yield* MetaData.dropAll(metaData)
      })
    )

    withEngine(backend, "is read from a database, with tables that select and insert", () =>
      Effect.gen(function* () {
        const { parent, child, metaData } = family()
        yield* created(...metaData.tables)
        const reflected = yield* MetaData.reflect([parent.name, child.name])
        expect(reflected.tables.map(({ name }) => name).sort()).toEqual([child.name, parent.name].sort())
        const again = reflected.tables.find(({ name }) => name === child.name)
        expect(again?.definition.foreignKeys).toMatchObject([
          { columns: ["parent"], referencedTable: parent.name, referencedColumns: ["id"], onDelete: "cascade" }
        ])
        const person = people()
        yield* created(person)
        const [read] = (yield* MetaData.reflect([person.name])).tables
        if (read === undefined) throw new Error("the table is there")
        const table = Table.fromDefinition(read.definition)
        yield* Engine.execute(table.insert({ name: "Ada", active: true, number: 1, settings: { any: ["thing"] } }))
        const { rows } = yield* Engine.execute(table.select())
        expect(rows.map((row) => Result.Row.toRecord(row))).toMatchObject([
          { name: "Ada", active: true, role: "guest", settings: { any: ["thing"] } }
        ])
        expect(yield* failed(MetaData.reflect([tableName()]))).toMatchObject({ reason: "NoSuchTable" })
      })
    )
  })
}

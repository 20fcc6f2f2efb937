// Cases for Operations: what devsetgo_lib's DatabaseOperations does, and what it does not get right.
import { describe, expect } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Fiber, Logger, Option, Runtime, Schema } from "effect"
import { Engine } from "effect-sa"
import { QueryBuilder } from "effect-sa/kysely"
import { Column, MetaData, Operations, Table } from "effect-sa/schema"
import { type Backend, tableName, withEngine } from "../support/Backend.js"
import { millionRows } from "../support/millionRows.js"

const PersonId = Schema.Int.pipe(Schema.brand("PersonId"))
const personId = (id: number): typeof PersonId.Type => PersonId.make(id)

/** People under a table name of their own. */
const people = () =>
  Table.make(tableName("person"), {
    id: Column.integer.pipe(Column.schema(PersonId), Column.primaryKey, Column.autoIncrement),
    name: Column.varchar(50),
    email: Column.varchar(100).pipe(Column.nullable, Column.unique),
    active: Column.boolean.pipe(Column.withDefault(true)),
    role: Column.enumeration("admin", "guest").pipe(Column.serverDefault("guest")),
    date_created: Column.datetime(3).pipe(Column.withDefault(() => new Date("2026-01-02T03:04:05.678Z")))
  })

/** Visits, whose key has two columns. */
const visits = () =>
  Table.make(
    tableName("visit"),
    { person: Column.integer, day: Column.date, note: Column.varchar(20).pipe(Column.nullable) },
    { primaryKey: ["person", "day"] }
  )

/** Things whose key the program makes. */
const things = () =>
  Table.make(tableName("thing"), {
    id: Column.uuid.pipe(
      Column.primaryKey,
      Column.withDefault(() => crypto.randomUUID())
    ),
    name: Column.varchar(20)
  })

/** Tables that are there while a test runs. */
const created = (...tables: ReadonlyArray<Table.Any>) =>
  Effect.acquireRelease(MetaData.createAll(MetaData.make(...tables)), () =>
    Effect.ignore(MetaData.dropAll(MetaData.make(...tables)))
  )

const argumentOf = (u: unknown): unknown => (u instanceof Error && "argument" in u ? u.argument : u)

/** What an operation is refused with, and that it left no row. */
const refusedWithoutRows = <A, E, R>(table: Table.Any, operation: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(operation)
    expect(yield* Operations.countQuery(table)).toBe(0)
    return error
  })

export const operationsContract = (backend: Backend): void => {
  describe("Operations.executeOne", () => {
    withEngine(backend, "executeOne gives the rows of a select", () =>
      Effect.gen(function* () {
        const outcome = yield* Operations.executeOne("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y'")
        expect(outcome).toEqual({
          returnsRows: true,
          rows: [
            { a: 1, b: "x" },
            { a: 2, b: "y" }
          ],
          rowCount: 2,
          insertedPrimaryKey: Option.none()
        })
        const none = yield* Operations.executeOne("SELECT 1 AS a WHERE 1 = ?", [2])
        expect([none.returnsRows, none.rows]).toEqual([true, []])
      })
    )

    withEngine(backend, "executeOne gives row count, inserted key and returned rows of the rest", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const first = yield* Operations.executeOne(person.insert({ name: "Ada" }))
        expect(first).toEqual({ returnsRows: false, rows: [], rowCount: 1, insertedPrimaryKey: Option.some(1) })
        const second = yield* Operations.executeOne(person.insert(), { name: "Grace" })
        expect(second.insertedPrimaryKey).toEqual(Option.some(2))
        const updated = yield* Operations.executeOne(
          person.update({ active: false }, (query) => query.where("id", ">", 0))
        )
        expect([updated.rowCount, updated.insertedPrimaryKey]).toEqual([2, Option.none()])
        if (backend.returning) {
          const third = yield* Operations.executeOne(person.insert({ name: "Bob" }, { returning: ["id", "role"] }))
          expect([third.returnsRows, third.rows]).toEqual([true, [{ id: 3, role: "guest" }]])
        }
      })
    )
  })

  describe("Operations.executeMany", () => {
    withEngine(backend, "executeMany executes statements with their parameters, and gives the results of each", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const [inserted, one, all] = yield* Operations.executeMany([
          [person.insert(), [{ name: "Ada" }, { name: "Grace" }]],
          [`SELECT name FROM ${person.name} WHERE id = ?`, [2]],
          person.select((query) => query.orderBy("id"))
        ])
        expect([inserted.rowCount, one.rows]).toEqual([2, [{ name: "Grace" }]])
        expect(all.rows.map(({ id, active }) => [id, active])).toEqual([
          [1, true],
          [2, true]
        ])
      })
    )

    withEngine(backend, "executeMany is one transaction: all of it or nothing", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const error = yield* refusedWithoutRows(
          person,
          Operations.executeMany([
            person.insert({ name: "Ada", email: "a@example.org" }),
            person.insert({ name: "Eve", email: "a@example.org" })
          ])
        )
        expect(error).toMatchObject({ _tag: "IntegrityError", reason: "UniqueViolation" })
        expect(yield* Operations.executeMany([])).toEqual([])
      })
    )
  })

  describe("Operations.readOneRecord", () => {
    withEngine(
      backend,
      "readOneRecord gives the scalar of one column, a record of several, and none where there is no row",
      () =>
        Effect.gen(function* () {
          expect(yield* Operations.readOneRecord("SELECT 7 AS n")).toEqual(Option.some(7))
          expect(yield* Operations.readOneRecord("SELECT NULL AS n")).toEqual(Option.some(null))
          expect(yield* Operations.readOneRecord("SELECT 7 AS n, 'x' AS w")).toEqual(Option.some({ n: 7, w: "x" }))
          expect(yield* Operations.readOneRecord("SELECT 7 AS n WHERE 1 = ?", [0])).toEqual(Option.none())
        })
    )

    withEngine(backend, "readOneRecord fails where there are several rows, and drops no column of one", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Operations.readOneRecord("SELECT 1 AS n UNION ALL SELECT 2"))
        expect(error._tag).toBe("MultipleResultsFoundError")
        // scalar_one would give 1 here.
        expect(yield* Operations.readOneRecord("SELECT 1 AS id, 2 AS id")).toEqual(Option.some({ id: 1, id_1: 2 }))
      })
    )
  })

  describe("Operations.readQuery", () => {
    withEngine(backend, "readQuery gives the values of one column, and records of several", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Operations.createMany(person, [{ name: "Ada" }, { name: "Grace", active: false }])
        const db = QueryBuilder.make<Table.Database<typeof person>>()
        const query = db.selectFrom(person.name).orderBy("id")
        expect(yield* Operations.readQuery(query.select("name"))).toEqual(["Ada", "Grace"])
        expect(yield* Operations.readQuery(query.select(["id", "active"]))).toEqual([
          { id: 1, active: 1 },
          { id: 2, active: 0 }
        ])
        const decoded = yield* Operations.readQuery(person.select((each) => each.orderBy("id")))
        expect(decoded.map(({ active }) => active)).toEqual([true, false])
        expect(yield* Operations.readQuery(query.select("name").where("id", "=", 9))).toEqual([])
      })
    )

    withEngine(backend, "readQuery of what returns no rows is an error, and no empty list", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const error = yield* Effect.flip(Operations.readQuery(`UPDATE ${person.name} SET name = 'x'`))
        expect(error._tag).toBe("ResourceClosedError")
        const missing = yield* Effect.flip(Operations.readQuery(`SELECT nothing FROM ${person.name}`))
        expect(missing).toMatchObject({ _tag: "ProgrammingError" })
      })
    )

    withEngine(backend, "readQuery of a row that the schema refuses is an error, and no empty list", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Operations.createOne(person, { name: "Ada" })
        const strict = Table.make(person.name, {
          name: Column.varchar(50).pipe(Column.schema(Schema.Literal("Grace")))
        })
        const error = yield* Effect.flip(Operations.readQuery(strict.select()))
        expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
        expect(error.message).not.toContain("Ada")
      })
    )
  })

  describe("Operations.readMultiQuery", () => {
    withEngine(backend, "readMultiQuery gives the rows of several queries by name", () =>
      Effect.gen(function* () {
        const found = yield* Operations.readMultiQuery({
          numbers: "SELECT 1 AS n UNION ALL SELECT 2",
          pairs: ["SELECT ? AS a, 2 AS b", [1]],
          none: "SELECT 1 AS n WHERE 1 = 0"
        })
        expect(found).toEqual({ numbers: [1, 2], pairs: [{ a: 1, b: 2 }], none: [] })
        expect(yield* Operations.readMultiQuery({})).toEqual({})
      })
    )

    withEngine(backend, "readMultiQuery takes part in the transaction that it is in", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const found = yield* Engine.transaction(
          Effect.zipRight(
            Operations.createOne(person, { name: "Ada" }),
            Operations.readMultiQuery({ names: `SELECT name FROM ${person.name}` })
          ),
          backend.isServer ? { isolationLevel: "read committed" } : {}
        )
        expect(found.names).toEqual(["Ada"])
      })
    )

    if (backend.isServer)
      withEngine(
        backend,
        "readMultiQuery reads all at the same moment, whatever others commit between its queries",
        () =>
          Effect.gen(function* () {
            const person = people()
            yield* created(person)
            const count = `SELECT COUNT(*) AS n FROM ${person.name}`
            const reading = Operations.readMultiQuery({ before: count, pause: "SELECT SLEEP(0.4)", after: count })
            const [found] = yield* Effect.all(
              [reading, Effect.delay(Operations.createOne(person, { name: "Ada" }), "100 millis")],
              { concurrency: 2 }
            )
            expect([found.before, found.after]).toEqual([[0], [0]])
            expect(yield* Operations.countQuery(person)).toBe(1)
          })
      )

    if (backend.isServer)
      withEngine(backend, "readMultiQuery changes nothing", () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const error = yield* Effect.flip(
            Operations.readMultiQuery({ a: `INSERT INTO ${person.name} (name) VALUES ('x')` })
          )
          expect(error).toMatchObject({ _tag: "OperationalError", reason: "ReadOnly" })
        })
      )
  })

  describe("Operations.countQuery", () => {
    withEngine(backend, "countQuery counts the rows of a query and of a table", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Operations.createMany(
          person,
          Array.from({ length: 7 }, (_, i) => ({ name: `n${i % 3}` }))
        )
        const db = QueryBuilder.make<Table.Database<typeof person>>()
        const query = db.selectFrom(person.name)
        expect(yield* Operations.countQuery(person)).toBe(7)
        expect(yield* Operations.countQuery(query.selectAll().where("id", ">", personId(2)))).toBe(5)
        expect(yield* Operations.countQuery(query.select("name").distinct().orderBy("name"))).toBe(3)
        expect(yield* Operations.countQuery(query.select("name").groupBy("name"))).toBe(3)
        expect(yield* Operations.countQuery(query.select((each) => each.fn.countAll().as("n")))).toBe(1)
        expect(yield* Operations.countQuery(query.selectAll().orderBy("id").limit(2))).toBe(2)
        expect(yield* Operations.countQuery(person.select((each) => each.where("name", "=", "n0")))).toBe(3)
        expect(yield* Operations.countQuery(`SELECT * FROM ${person.name} WHERE id < :id; -- few`, { id: 4 })).toBe(3)
        expect(
          yield* Operations.countQuery(
            query
              .select("name")
              .where("id", "<", personId(3))
              .unionAll(query.select("name").where("id", "=", personId(7)))
          )
        ).toBe(3)
      })
    )

    withEngine(backend, "countQuery counts a join whose columns have the same names", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Operations.createMany(person, [{ name: "a" }, { name: "b" }, { name: "c" }])
        const join = `SELECT a.*, b.* FROM ${person.name} a JOIN ${person.name} b ON a.id <= b.id AND b.id < ?`
        expect(yield* Operations.countQuery(join, [9])).toBe(6)
        expect(yield* Operations.countQuery(`${join} ORDER BY a.id + ?`, [9, 1])).toBe(6)
        expect(yield* Operations.countQuery(`${join} LIMIT 4`, [9])).toBe(4)
      })
    )

    withEngine(backend, "countQuery and paginateQuery refuse what is no select, before anything is sent", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const statements = [
          `INSERT INTO ${person.name} (name) VALUES ('x')`,
          `SELECT 1; DELETE FROM ${person.name}`,
          person.insert({ name: "x" }),
          person.delete((query) => query)
        ]
        for (const statement of statements) {
          expect(argumentOf(yield* refusedWithoutRows(person, Operations.countQuery(statement)))).toBe("query")
          const paging = Operations.paginateQuery(statement, { page: 1, pageSize: 1 })
          expect(argumentOf(yield* refusedWithoutRows(person, paging))).toBe("query")
        }
      })
    )
  })

  describe("Operations.paginateQuery", () => {
    withEngine(backend, "paginateQuery gives items, total, page, pageSize and pages", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        yield* Operations.createMany(
          person,
          Array.from({ length: 7 }, (_, i) => ({ name: `n${i}` }))
        )
        const query = person.select((each) => each.where("id", ">", 0).orderBy("id", "desc"))
        const second = yield* Operations.paginateQuery(query, { page: 2, pageSize: 3 })
        expect({ ...second, items: second.items.map(({ id, active }) => [id, active]) }).toEqual({
          items: [
            [4, true],
            [3, true],
            [2, true]
          ],
          total: 7,
          page: 2,
          pageSize: 3,
          pages: 3
        })
        const names = yield* Operations.paginateQuery(`SELECT name FROM ${person.name} WHERE id < ? ORDER BY id`, {
          page: 3,
          pageSize: 3,
          parameters: [100]
        })
        expect(names.items).toEqual(["n6"])
        const past = yield* Operations.paginateQuery(query, { page: 9, pageSize: 3 })
        expect([past.items, past.total, past.pages]).toEqual([[], 7, 3])
        const none = yield* Operations.paginateQuery(`SELECT 1 AS n WHERE 1 = 0`, { page: 1, pageSize: 3 })
        expect(none).toEqual({ items: [], total: 0, page: 1, pageSize: 3, pages: 0 })
      })
    )

    withEngine(
      backend,
      "paginateQuery refuses a page or size below 1 or not whole, and a query with a limit of its own",
      () =>
        Effect.gen(function* () {
          for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
            const page = yield* Effect.flip(Operations.paginateQuery("SELECT 1 AS n", { page: wrong, pageSize: 1 }))
            expect(argumentOf(page)).toBe("page")
            const size = yield* Effect.flip(Operations.paginateQuery("SELECT 1 AS n", { page: 1, pageSize: wrong }))
            expect(argumentOf(size)).toBe("pageSize")
          }
          const limited = Operations.paginateQuery("SELECT 1 AS n LIMIT 3", { page: 1, pageSize: 1 })
          expect(argumentOf(yield* Effect.flip(limited))).toBe("query")
        })
    )
  })

  describe("Operations.paginateKeyset", () => {
    const places = () =>
      Table.make(
        tableName("place"),
        {
          id: Column.integer.pipe(Column.primaryKey),
          city: Column.varchar(20),
          score: Column.integer,
          price: Column.decimal(20, 2),
          seen: Column.datetime(3),
          note: Column.varchar(5).pipe(Column.nullable)
        },
        { indexes: [{ columns: ["city", "score"] }] }
      )

    const somePlaces = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        id: i + 1,
        city: `c${i % 2}`,
        score: i % 3,
        price: `123456789012345678.${i % 4}0`,
        seen: new Date(Date.UTC(2026, 0, 1) + (i % 5))
      }))

    withEngine(backend, "paginateKeyset gives every row once, forwards and backwards, whatever ties there are", () =>
      Effect.gen(function* () {
        const place = places()
        yield* created(place)
        yield* Operations.createMany(place, somePlaces(60))
        const rows = yield* Operations.readQuery(place.select())
        const orders: ReadonlyArray<ReadonlyArray<Operations.OrderBy<"id" | "city" | "score" | "price" | "seen">>> = [
          [],
          ["city", "score"],
          [
            ["city", "desc"],
            ["score", "desc"]
          ],
          ["city", ["score", "desc"]],
          ["price", "city"],
          [["seen", "desc"]],
          ["score", "id", "city"]
        ]
        for (const orderBy of orders) {
          for (const pageSize of [1, 7, 60, 100]) {
            if (pageSize === 1 && orderBy.length > 0) continue
            const options = { orderBy, pageSize }
            const forwards: Array<number> = []
            let page = yield* Operations.paginateKeyset(place, options)
            expect(Option.isNone(page.previous)).toBe(true)
            forwards.push(...page.items.map(({ id }) => id))
            while (Option.isSome(page.next) && forwards.length <= rows.length) {
              page = yield* Operations.paginateKeyset(place, { ...options, after: page.next.value })
              forwards.push(...page.items.map(({ id }) => id))
            }
            expect(forwards.toSorted((a, b) => a - b)).toEqual(rows.map(({ id }) => id).toSorted((a, b) => a - b))
            const backwards: Array<number> = page.items.map(({ id }) => id)
            while (Option.isSome(page.previous) && backwards.length <= rows.length) {
              page = yield* Operations.paginateKeyset(place, { ...options, before: page.previous.value })
              backwards.unshift(...page.items.map(({ id }) => id))
            }
            expect(backwards).toEqual(forwards)
          }
        }
        const sorted = yield* Operations.paginateKeyset(place, {
          orderBy: [
            ["city", "desc"],
            ["score", "desc"]
          ],
          pageSize: 3
        })
        expect(sorted.items.map(({ city, score, id }) => [city, score, id])).toEqual([
          ["c1", 2, 60],
          ["c1", 2, 54],
          ["c1", 2, 48]
        ])
      })
    )

    withEngine(backend, "paginateKeyset gives the rows that a condition chooses", () =>
      Effect.gen(function* () {
        const place = places()
        yield* created(place)
        yield* Operations.createMany(place, somePlaces(20))
        const page = (after?: { readonly score?: number; readonly id?: number }) =>
          Operations.paginateKeyset(place, {
            orderBy: ["score"],
            pageSize: 4,
            after,
            where: (query) => query.where("city", "=", "c1")
          })
        const first = yield* page()
        expect(first.items.map(({ city, score, id }) => [city, score, id])).toEqual([
          ["c1", 0, 4],
          ["c1", 0, 10],
          ["c1", 0, 16],
          ["c1", 1, 2]
        ])
        const next = yield* page(Option.getOrThrow(first.next))
        expect(next.items.map(({ id }) => id)).toEqual([8, 14, 20, 6])
      })
    )

    withEngine(backend, "paginateKeyset gives every row once where the database has set the time", () =>
      Effect.gen(function* () {
        const event = Table.make(
          tableName("event"),
          {
            id: Column.integer.pipe(Column.primaryKey),
            at: Column.datetime().pipe(Column.serverDefault(Column.currentTimestamp()))
          },
          { indexes: [{ columns: ["at"] }] }
        )
        yield* created(event)
        const ids = Array.from({ length: 7 }, (_, i) => i + 1)
        yield* Operations.createMany(
          event,
          ids.map((id) => ({ id }))
        )
        // Beside them times that the program has set.
        const now = new Date(Math.floor(Date.now() / 1000) * 1000)
        yield* Operations.createMany(event, [
          { id: 8, at: now },
          { id: 9, at: new Date(0) },
          { id: 10, at: now }
        ])
        for (const direction of ["asc", "desc"] as const) {
          const options = { orderBy: [["at", direction]], pageSize: 2 } as const
          const seen: Array<number> = []
          let page = yield* Operations.paginateKeyset(event, options)
          for (;;) {
            seen.push(...page.items.map(({ id }) => id))
            if (Option.isNone(page.next)) break
            page = yield* Operations.paginateKeyset(event, { ...options, after: page.next.value })
          }
          expect(seen.length).toBe(10)
          expect(seen.toSorted((a, b) => a - b)).toEqual([...ids, 8, 9, 10])
        }
      })
    )

    withEngine(backend, "paginateKeyset has cursors that stand in an URL, and refuses texts that are none", () =>
      Effect.gen(function* () {
        const place = places()
        yield* created(place)
        yield* Operations.createMany(place, somePlaces(20))
        const Cursor = Operations.cursorText(place)
        const options = { orderBy: [["seen", "desc"], "price"], pageSize: 3 } as const
        const first = yield* Operations.paginateKeyset(place, options)
        const after = Option.getOrThrow(first.next)
        const text = yield* Schema.encode(Cursor)(after)
        expect(text).toMatch(/^[\w-]+$/)
        expect(yield* Schema.decode(Cursor)(text)).toEqual(after)
        const wrong = [
          "",
          "%",
          "e30x",
          Buffer.from('{"nothing":["value",1]}').toString("base64url"),
          Buffer.from('{"id":["value","x"]}').toString("base64url")
        ]
        for (const each of wrong) expect((yield* Effect.flip(Schema.decode(Cursor)(each)))._tag).toBe("ParseError")
        const foreign = Operations.paginateKeyset(place, { ...options, after: { id: 1 } })
        expect(argumentOf(yield* Effect.flip(foreign))).toBe("after.seen")
      })
    )

    withEngine(backend, "paginateKeyset refuses orders that are not exact, by the column's name", () =>
      Effect.gen(function* () {
        const place = places()
        const page = (orderBy: ReadonlyArray<never>, rest = {}) =>
          Effect.map(Effect.flip(Operations.paginateKeyset(place, { orderBy, pageSize: 1, ...rest })), argumentOf)
        expect(yield* page(["note" as never])).toBe('orderBy[0], "note"')
        expect(yield* page(["city", "nothing"] as never)).toBe('orderBy[1], "nothing"')
        expect(yield* page(["city", "city"] as never)).toBe('orderBy[1], "city"')
        expect(yield* page([["city", "up"]] as never)).toBe('orderBy[0], "city"')
        expect(yield* page([], { pageSize: 0 })).toBe("pageSize")
        expect(yield* page([], { after: { id: 1 }, before: { id: 2 } })).toBe("before")
        expect(yield* page([], { after: "x" })).toBe("after")
        const none = Table.make("t", { a: Column.integer })
        expect(argumentOf(yield* Effect.flip(Operations.paginateKeyset(none, { orderBy: ["a"], pageSize: 1 })))).toBe(
          "table"
        )
        const float = Table.make("t", { a: Column.integer.pipe(Column.primaryKey), b: Column.float })
        expect(argumentOf(yield* Effect.flip(Operations.paginateKeyset(float, { orderBy: ["b"], pageSize: 1 })))).toBe(
          'orderBy[0], "b"'
        )
      })
    )

    withEngine(backend, "paginateKeyset goes without an index that the table is defined with and does not have", () =>
      Effect.gen(function* () {
        const place = places()
        yield* created(place)
        yield* Operations.createMany(place, somePlaces(20))
        const other = Table.make(
          place.name,
          { id: Column.integer.pipe(Column.primaryKey), score: Column.integer },
          { indexes: [{ columns: ["score"], name: "not_there" }] }
        )
        const page = yield* Operations.paginateKeyset(other, { orderBy: ["score"], pageSize: 2 })
        expect(page.items.map(({ id }) => id)).toEqual([1, 4])
      })
    )

    if (backend.isServer)
      withEngine(
        backend,
        "paginateKeyset reads no more than pageSize + 1 entries of an index of 1,000,000 rows, for any page",
        () =>
          Effect.gen(function* () {
            const place = Table.make(
              tableName("million"),
              {
                id: Column.integer.pipe(Column.primaryKey),
                city: Column.varchar(8),
                score: Column.integer,
                other: Column.integer
              },
              { indexes: [{ columns: ["city", "score"] }] }
            )
            yield* created(place)
            yield* Engine.execute(
              `INSERT INTO ${place.name} SELECT id, CONCAT('c', id DIV 350000), (id DIV 1000) % 10, id FROM (${millionRows}) m`
            )
            const pageSize = 20
            const readsOf = (
              options: Omit<Parameters<typeof Operations.paginateKeyset<string, never>>[1], "pageSize" | "where">
            ) =>
              Engine.withConnection(
                Effect.gen(function* () {
                  const read = Effect.map(
                    Engine.execute<{ Variable_name: string; Value: string }>(
                      "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_read_next', 'Handler_read_prev', 'Handler_read_rnd_next')"
                    ),
                    ({ rows }) => rows.reduce((sum, [, value]) => sum + Number(value), 0)
                  )
                  // SHOW STATUS reads a temporary table of its own, by rnd_next.
                  const atFirst = yield* read
                  const before = yield* read
                  const page = yield* Operations.paginateKeyset(place, { ...options, pageSize } as never)
                  const after = yield* read
                  return [page.items.length, after - before - (before - atFirst)] as const
                })
              )
            const orders = [
              [],
              ["city", "score"],
              [
                ["city", "desc"],
                ["score", "desc"]
              ]
            ] as const
            const cursors = [
              { id: 500_000, city: "c1", score: 0 },
              { id: 349_990, city: "c0", score: 9 },
              { id: 399_995, city: "c1", score: 9 },
              { id: 1, city: "c0", score: 0 },
              { id: 999_970, city: "c2", score: 9 },
              { id: 999_999, city: "c2", score: 9 }
            ]
            const counts: Array<number> = []
            for (const orderBy of orders) {
              for (const place of [{}, ...cursors.flatMap((cursor) => [{ after: cursor }, { before: cursor }])]) {
                const [items, reads] = yield* readsOf({ orderBy, ...place } as never)
                counts.push(items)
                expect([orderBy, place, reads <= pageSize + 1 ? "few" : reads]).toEqual([orderBy, place, "few"])
              }
            }
            expect(counts.filter((count) => count === pageSize).length).toBeGreaterThan(25)
          }),
        {},
        120_000
      )
  })

  describe("Operations.createOne", () => {
    withEngine(backend, "createOne gives the record as the database has it, decoded", () =>
      Effect.gen(function* () {
        const [person, visit, thing] = [people(), visits(), things()]
        yield* created(person, visit, thing)
        expect(yield* Operations.createOne(person, { name: "Ada" })).toEqual({
          id: 1,
          name: "Ada",
          email: null,
          active: true,
          role: "guest",
          date_created: new Date("2026-01-02T03:04:05.678Z")
        })
        const given = yield* Operations.createOne(person, { id: personId(40), name: "Grace", role: "admin" })
        expect([given.id, given.role]).toEqual([40, "admin"])
        const day = yield* Operations.createOne(visit, { person: 1, day: "2026-02-11" })
        expect(day).toEqual({ person: 1, day: "2026-02-11", note: null })
        const one = yield* Operations.createOne(thing, { name: "x" })
        expect(one.id).toMatch(/^[\da-f-]{36}$/)
      })
    )

    withEngine(backend, "createOne finds a record whose key is given where the database could count it up", () =>
      Effect.gen(function* () {
        const person = Table.make(tableName("person"), {
          id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
          name: Column.varchar(50)
        })
        yield* created(person)
        for (const id of [-5, 7, -1])
          expect(yield* Operations.createOne(person, { id, name: "Ada" })).toEqual({ id, name: "Ada" })
        expect(yield* Operations.createOne(person, { name: "Grace" })).toEqual({ id: 8, name: "Grace" })
      })
    )

    withEngine(backend, "createOne refuses what the table does not take by the column's name, without the value", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const secret = "not for messages ".repeat(10)
        const wrong: ReadonlyArray<readonly [unknown, string]> = [
          [{}, "values.name"],
          [{ name: secret }, "values.name"],
          [{ name: 1 }, "values.name"],
          [{ name: "x", nothing: secret }, "values.nothing"],
          [{ name: "x", role: secret }, "values.role"],
          [{ name: "x", id: 1.5 }, "values.id"],
          [{ name: undefined }, "values.name"],
          [[secret], "values"],
          [null, "values"]
        ]
        for (const [values, argument] of wrong) {
          const error = yield* refusedWithoutRows(person, Operations.createOne(person, values as never))
          expect([error._tag, argumentOf(error)]).toEqual(["ArgumentError", argument])
          expect(JSON.stringify([error, error.message])).not.toContain(secret)
        }
      })
    )
  })

  describe("Operations.createMany", () => {
    withEngine(
      backend,
      "createMany gives the number of records, and lets the database fill in what each leaves out",
      () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const number = yield* Operations.createMany(person, [
            { name: "a" },
            { name: "b" },
            { role: "admin", name: "c" },
            { name: "d", role: "admin" },
            { name: "e", id: personId(9) },
            { name: "f" }
          ])
          expect(number).toBe(6)
          const rows = yield* Operations.readQuery(person.select((query) => query.orderBy("name")))
          expect(rows.map(({ name, role }) => [name, role])).toEqual([
            ["a", "guest"],
            ["b", "guest"],
            ["c", "admin"],
            ["d", "admin"],
            ["e", "guest"],
            ["f", "guest"]
          ])
          expect(rows.map(({ id }) => id).toSorted((x, y) => x - y)).toEqual(rows.map(({ id }) => id))
          expect(rows[4]?.id).toBe(9)
          expect(yield* Operations.createMany(person, [])).toBe(0)
        })
    )

    withEngine(backend, "createMany is all or nothing, and says which record it was", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const records = Array.from({ length: 600 }, (_, i) => ({ name: `n${i}`, email: `e${i === 500 ? 3 : i}` }))
        const error = yield* refusedWithoutRows(person, Operations.createMany(person, [{ name: "first" }, ...records]))
        expect(error).toMatchObject({ _tag: "IntegrityError", reason: "UniqueViolation", parameterSet: 501 })
      })
    )

    withEngine(backend, "createMany refuses a wrong record by its place and column, before anything is sent", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const good = { name: "x" }
        const secret = "not for messages"
        const wrong: ReadonlyArray<readonly [ReadonlyArray<unknown>, string]> = [
          [[good, good, good, { name: "x", email: secret.repeat(10) }], "records[3].email"],
          [[good, good, {}], "records[2].name"],
          [[good, { ...good, role: "admin" }, { ...good, role: secret }], "records[2].role"],
          [[good, { ...good, nothing: secret }], "records[1].nothing"],
          [[good, secret], "records[1]"],
          [[good, null], "records[1]"]
        ]
        for (const [records, argument] of wrong) {
          const error = yield* refusedWithoutRows(person, Operations.createMany(person, records as never))
          expect([error._tag, argumentOf(error)]).toEqual(["ArgumentError", argument])
          expect(error.message).not.toContain(secret)
          const keyed = Operations.createManyWithKeys(person, "id", records as never)
          expect(argumentOf(yield* refusedWithoutRows(person, keyed))).toBe(argument)
        }
      })
    )

    withEngine(
      backend,
      "createMany inserts 100,000 records",
      () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const records = Array.from({ length: 100_000 }, (_, i) => ({ name: `name ${i}`, email: `${i}@example.org` }))
          expect(yield* Operations.createMany(person, records)).toBe(100_000)
          expect(yield* Operations.countQuery(person)).toBe(100_000)
        }),
      {},
      60_000
    )

    if (backend.isServer)
      withEngine(backend, "createMany keeps nothing when it is interrupted", () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const { pool } = yield* Engine.Engine
          const records = Array.from({ length: 50_000 }, (_, i) => ({ name: `name ${i}` }))
          const fiber = yield* Effect.fork(Operations.createMany(person, records))
          yield* pool.numbers.pipe(
            Effect.delay("1 millis"),
            Effect.repeat({ until: ({ used }) => used > 0, times: 5_000 })
          )
          yield* Effect.sleep("20 millis")
          expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
          expect(yield* Operations.countQuery(person)).toBe(0)
        })
      )
  })

  describe("Operations.createManyWithKeys", () => {
    withEngine(backend, "createManyWithKeys gives the key of every record, in order", () =>
      Effect.gen(function* () {
        const [person, visit, thing] = [people(), visits(), things()]
        yield* created(person, visit, thing)
        const ids = yield* Operations.createManyWithKeys(person, "id", [
          { name: "a" },
          { name: "b", role: "admin" },
          { name: "c", id: personId(20) },
          { name: "d" },
          { name: "e" }
        ])
        const names = yield* Operations.readQuery(person.select())
        expect(ids.map((id) => names.find((row) => row.id === id)?.name)).toEqual(["a", "b", "c", "d", "e"])
        expect(ids[2]).toBe(20)
        const days = yield* Operations.createManyWithKeys(
          visit,
          ["person", "day"],
          [
            { person: 2, day: "2026-02-12", note: "x" },
            { day: "2026-02-11", person: 1 }
          ]
        )
        expect(days).toEqual([
          { person: 2, day: "2026-02-12" },
          { person: 1, day: "2026-02-11" }
        ])
        const made = yield* Operations.createManyWithKeys(thing, "id", [{ name: "x" }, { name: "y" }])
        const rows = yield* Operations.readQuery(thing.select())
        expect(made.map((id) => rows.find((row) => row.id === id)?.name)).toEqual(["x", "y"])
        expect(yield* Operations.createManyWithKeys(person, "id", [])).toEqual([])
      })
    )

    withEngine(
      backend,
      "createManyWithKeys gives each record its own key, with many fibers at once",
      () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const runtime = yield* Effect.runtime<Engine.Engine>()
          let round = 0
          const check = FastCheck.asyncProperty(
            FastCheck.array(FastCheck.integer({ min: 1, max: 700 }), { minLength: 2, maxLength: 8 }),
            async (sizes) => {
              round++
              const exit = await Runtime.runPromiseExit(runtime)(
                Effect.gen(function* () {
                  const keys = yield* Effect.forEach(
                    sizes,
                    (size, fiber) =>
                      Operations.createManyWithKeys(
                        person,
                        "id",
                        Array.from({ length: size }, (_, i) => ({ name: `${round}/${fiber}/${i}` }))
                      ),
                    { concurrency: "unbounded" }
                  )
                  const rows = yield* Operations.readQuery(
                    person.select((query) => query.where("name", "like", `${round}/%`))
                  )
                  const byId = new Map<number, string>(rows.map(({ id, name }) => [id, name]))
                  return keys.flatMap((ids, fiber) =>
                    ids.flatMap((id, i) => (byId.get(id) === `${round}/${fiber}/${i}` ? [] : [`${fiber}/${i}`]))
                  )
                })
              )
              if (Exit.isFailure(exit)) throw new Error(Cause.pretty(exit.cause))
              expect(exit.value).toEqual([])
            }
          )
          yield* Effect.promise(() => FastCheck.assert(check, { numRuns: 12 }))
        }),
      {},
      60_000
    )

    withEngine(backend, "createManyWithKeys fails for keys that a number cannot hold, and keeps nothing", () =>
      Effect.gen(function* () {
        const person = Table.make(tableName("person"), {
          id: Column.bigint().pipe(Column.primaryKey, Column.autoIncrement),
          name: Column.varchar(50)
        })
        yield* created(person)
        yield* Operations.createMany(person, [{ id: Number.MAX_SAFE_INTEGER, name: "last" }])
        const error = yield* Effect.flip(
          Operations.createManyWithKeys(person, "id", [{ name: "a" }, { name: "b" }, { name: "c" }])
        )
        expect(error).toMatchObject({ _tag: "DataError", reason: "UnsafeInteger" })
        expect(yield* Operations.countQuery(person)).toBe(1)
      })
    )

    if (!backend.returning)
      withEngine(
        backend,
        "createManyWithKeys gives keys that are known for more records than a call has arguments",
        () =>
          Effect.gen(function* () {
            const thing = Table.make(tableName("thing"), { id: Column.integer.pipe(Column.primaryKey) })
            yield* created(thing)
            const records = Array.from({ length: 150_000 }, (_, id) => ({ id }))
            const keys = yield* Operations.createManyWithKeys(thing, "id", records)
            expect([keys.length, keys[0], keys.at(-1)]).toEqual([150_000, 0, 149_999])
          }),
        {},
        60_000
      )

    withEngine(backend, "createManyWithKeys refuses a key that is not the table's", () =>
      Effect.gen(function* () {
        const [person, visit] = [people(), visits()]
        for (const operation of [
          Effect.asVoid(Operations.createManyWithKeys(person, "name", [{ name: "x" }])),
          Effect.asVoid(Operations.createManyWithKeys(person, ["id", "name"], [{ name: "x" }])),
          Effect.asVoid(Operations.createManyWithKeys(visit, "person", [{ person: 1, day: "2026-01-01" }]))
        ])
          expect(argumentOf(yield* Effect.flip(operation))).toBe("key")
      })
    )

    if (backend.name === "mysql") {
      withEngine(backend, "createManyWithKeys refuses keys that MySQL does not say, before anything is sent", () =>
        Effect.gen(function* () {
          const made = Table.make(tableName("made"), {
            id: Column.char(36).pipe(Column.primaryKey, Column.serverDefault(Column.sql("(UUID())"))),
            name: Column.varchar(10)
          })
          yield* created(made)
          const many = yield* refusedWithoutRows(
            made,
            Operations.createManyWithKeys(made, "id", [{ id: "x", name: "a" }, { name: "b" }])
          )
          expect([many._tag, many.message.includes('"id"')]).toEqual(["NotSupportedError", true])
          const one = yield* refusedWithoutRows(made, Operations.createOne(made, { name: "a" }))
          expect(one._tag).toBe("NotSupportedError")
        })
      )

      withEngine(backend, "createManyWithKeys follows auto_increment_increment", () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const keys = Operations.createManyWithKeys(
            person,
            "id",
            Array.from({ length: 600 }, (_, i) => ({ name: `n${i}` }))
          )
          const ids = yield* Engine.withConnection(
            Effect.zipRight(
              Engine.execute("SET SESSION auto_increment_increment = 7, SESSION auto_increment_offset = 3"),
              keys
            )
          )
          const rows = yield* Operations.readQuery(person.select((query) => query.orderBy("id")))
          expect(ids).toEqual(rows.map(({ id }) => id))
          expect((ids[1] ?? 0) - (ids[0] ?? 0)).toBe(7)
        })
      )
    }

    if (backend.name !== "sqlite")
      withEngine(
        backend,
        "createManyWithKeys goes in several statements where one would be too long for the server",
        () =>
          Effect.gen(function* () {
            const long = Table.make(tableName("long"), {
              id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
              body: Column.mediumtext
            })
            yield* created(long)
            const records = Array.from({ length: 40 }, (_, i) => ({ body: String(i).padEnd(300_000, "x") }))
            const ids = yield* Operations.createManyWithKeys(long, "id", records)
            const heads = yield* Operations.readQuery(`SELECT LEFT(body, 3) FROM ${long.name} ORDER BY id`)
            expect(heads).toEqual(records.map(({ body }) => body.slice(0, 3)))
            expect(ids).toEqual(yield* Operations.readQuery(`SELECT id FROM ${long.name} ORDER BY id`))
          })
      )

    if (backend.isServer)
      withEngine(backend, "a key of 0, for which a server counts up, is known all the same", () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          const one = yield* Operations.createOne(person, { id: personId(0), name: "zero" })
          expect([one.id, one.name]).toEqual([1, "zero"])
          const many = Operations.createManyWithKeys(person, "id", [{ id: personId(0), name: "again" }])
          if (backend.name === "mariadb") expect(yield* many).toEqual([2])
          else expect(argumentOf(yield* Effect.flip(many))).toBe("records[0].id")
        })
      )
  })

  describe("Operations.updateOne", () => {
    withEngine(backend, "updateOne gives the record after the update, and leaves the rest as it is", () =>
      Effect.gen(function* () {
        const [person, visit] = [people(), visits()]
        yield* created(person, visit)
        const ada = yield* Operations.createOne(person, { name: "Ada" })
        yield* Operations.createOne(person, { name: "Grace" })
        const updated = yield* Operations.updateOne(person, ada.id, { name: "Ada L.", active: false })
        expect(updated).toEqual({ ...ada, name: "Ada L.", active: false })
        // The same values once more match the record, and change nothing.
        expect(yield* Operations.updateOne(person, { id: ada.id }, { name: "Ada L." })).toEqual(updated)
        expect(yield* Operations.countQuery(person.select((query) => query.where("name", "=", "Grace")))).toBe(1)
        yield* Operations.createMany(visit, [
          { person: 1, day: "2026-02-11" },
          { person: 1, day: "2026-02-12" }
        ])
        const day = yield* Operations.updateOne(visit, { person: 1, day: "2026-02-12" }, { note: "x" })
        expect(day).toEqual({ person: 1, day: "2026-02-12", note: "x" })
        expect(yield* Operations.readQuery(`SELECT note FROM ${visit.name} ORDER BY day`)).toEqual([null, "x"])
      })
    )

    withEngine(backend, "updateOne refuses values for the primary key and for date_created, by name", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const { id } = yield* Operations.createOne(person, { name: "Ada" })
        const wrong: ReadonlyArray<readonly [object, string]> = [
          [{ id: 5, name: "x" }, "values.id"],
          [{ date_created: new Date(), name: "x" }, "values.date_created"],
          [{ nothing: 1 }, "values.nothing"],
          [{ name: "x".repeat(51) }, "values.name"],
          [{}, "values"]
        ]
        for (const [values, argument] of wrong)
          expect(argumentOf(yield* Effect.flip(Operations.updateOne(person, id, values)))).toBe(argument)
        expect(yield* Operations.readQuery(`SELECT name FROM ${person.name}`)).toEqual(["Ada"])
      })
    )

    withEngine(backend, "updateOne and deleteOne fail where there is no such record", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const update = yield* Effect.flip(Operations.updateOne(person, personId(1), { name: "x" }))
        expect(update._tag).toBe("NoResultFoundError")
        expect((yield* Effect.flip(Operations.deleteOne(person, personId(1))))._tag).toBe("NoResultFoundError")
      })
    )

    withEngine(backend, "a key that is none of the table's is refused by name", () =>
      Effect.gen(function* () {
        const [person, visit] = [people(), visits()]
        const keyed = (table: typeof person | typeof visit, key: unknown) =>
          Effect.map(Effect.flip(Operations.deleteOne(table as typeof person, key as never)), argumentOf)
        expect(yield* keyed(person, "x")).toBe("key")
        expect(yield* keyed(person, null)).toBe("key")
        expect(yield* keyed(person, { id: "x" })).toBe("key.id")
        expect(yield* keyed(person, { id: 1, name: "x" })).toBe("key.name")
        expect(yield* keyed(visit, 1)).toBe("key")
        expect(yield* keyed(visit, { person: 1 })).toBe("key.day")
        expect(yield* keyed(visit, { person: 1, day: "2026-01-01", note: null })).toBe("key.note")
        const none = Table.make("t", { a: Column.integer })
        expect(argumentOf(yield* Effect.flip(Operations.deleteOne(none, 1)))).toBe("table")
      })
    )
  })

  describe("Operations.deleteMany", () => {
    withEngine(
      backend,
      "deleteOne deletes the one record, and deleteMany gives the number of those that were there",
      () =>
        Effect.gen(function* () {
          const [person, visit] = [people(), visits()]
          yield* created(person, visit)
          const ids = yield* Operations.createManyWithKeys(
            person,
            "id",
            Array.from({ length: 1200 }, (_, i) => ({ name: `n${i}` }))
          )
          yield* Operations.deleteOne(person, ids[0]!)
          expect(yield* Operations.countQuery(person)).toBe(1199)
          expect(yield* Operations.deleteMany(person, [...ids.slice(0, 1150), personId(99_999)])).toBe(1149)
          expect(yield* Operations.countQuery(person)).toBe(50)
          expect(yield* Operations.deleteMany(person, [])).toBe(0)
          yield* Operations.createMany(visit, [
            { person: 1, day: "2026-02-11" },
            { person: 1, day: "2026-02-12" },
            { person: 2, day: "2026-02-11" }
          ])
          const number = yield* Operations.deleteMany(visit, [
            { person: 1, day: "2026-02-12" },
            { person: 2, day: "2026-02-11" }
          ])
          expect(number).toBe(2)
          expect(yield* Operations.readQuery(`SELECT day FROM ${visit.name}`)).toEqual(["2026-02-11"])
        })
    )

    withEngine(backend, "deleteMany is all or nothing", () =>
      Effect.gen(function* () {
        const person = people()
        const pet = Table.make(tableName("pet"), {
          id: Column.integer.pipe(Column.primaryKey),
          owner: Column.integer.pipe(Column.references({ table: person.name, column: "id" }))
        })
        yield* created(person, pet)
        yield* Operations.createMany(person, [{ name: "a" }, { name: "b" }])
        yield* Operations.createOne(pet, { id: 1, owner: 2 })
        const error = yield* Effect.flip(Operations.deleteMany(person, [personId(1), personId(2)]))
        expect(error).toMatchObject({ _tag: "IntegrityError", reason: "ForeignKeyViolation" })
        expect(yield* Operations.countQuery(person)).toBe(2)
      })
    )
  })

  describe("Operations.upsertOne", () => {
    withEngine(backend, "upsertOne creates a record, or updates the columns named of the one that is there", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const first = yield* Operations.upsertOne(person, { name: "Ada", email: "a" }, { update: ["name"] })
        expect([first.id, first.name]).toEqual([1, "Ada"])
        const byEmail = yield* Operations.upsertOne(
          person,
          { name: "Ada L.", email: "a", role: "admin" },
          { update: ["name"] }
        )
        expect([byEmail.id, byEmail.name, byEmail.role]).toEqual([1, "Ada L.", "guest"])
        const byId = yield* Operations.upsertOne(
          person,
          { id: first.id, name: "x", role: "admin" },
          { update: ["role"] }
        )
        expect([byId.id, byId.name, byId.role]).toEqual([1, "Ada L.", "admin"])
        const kept = yield* Operations.upsertOne(person, { name: "y", email: "a" }, { update: [] })
        expect([kept.id, kept.name]).toEqual([1, "Ada L."])
        const other = yield* Operations.upsertOne(person, { name: "Grace" }, { update: ["name"] })
        expect(other.name).toBe("Grace")
        expect(yield* Operations.countQuery(person)).toBe(2)
      })
    )

    withEngine(
      backend,
      "upsertMany creates and updates in one transaction, and leaves keys and date_created alone",
      () =>
        Effect.gen(function* () {
          const person = people()
          yield* created(person)
          yield* Operations.createOne(person, { name: "Ada", email: "a" })
          const number = yield* Operations.upsertMany(
            person,
            [
              { name: "A", email: "a" },
              { name: "B", email: "b" },
              { name: "C", email: "c", role: "admin" }
            ],
            { update: ["name"] }
          )
          expect(number).toBe(3)
          expect(yield* Operations.readQuery(`SELECT name FROM ${person.name} ORDER BY name`)).toEqual(["A", "B", "C"])
          for (const update of [["id"], ["date_created"], ["nothing"]]) {
            const error = yield* Effect.flip(
              Operations.upsertMany(person, [{ name: "x" }], { update: update as never })
            )
            expect([error._tag, String(argumentOf(error)).includes(JSON.stringify(update[0]))]).toEqual([
              "ArgumentError",
              true
            ])
          }
        })
    )
  })

  describe("Operations and unique values", () => {
    withEngine(backend, "upsertOne finds the record that has a unique value which the program makes", () =>
      Effect.gen(function* () {
        const setting = Table.make(tableName("setting"), {
          id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
          place: Column.varchar(10).pipe(Column.unique, Column.withDefault("here")),
          name: Column.varchar(20)
        })
        yield* created(setting)
        const { id } = yield* Operations.createOne(setting, { name: "one" })
        expect(yield* Operations.upsertOne(setting, { name: "two" }, { update: ["name"] })).toEqual({
          id,
          place: "here",
          name: "two"
        })
        expect(yield* Operations.upsertOne(setting, { name: "three" }, { update: [] })).toMatchObject({
          id,
          name: "two"
        })
        expect(yield* Operations.countQuery(setting)).toBe(1)
      })
    )
  })

  describe("Operations and tables", () => {
    withEngine(
      backend,
      "getColumnsDetails, getPrimaryKeys and getTableNames tell of metadata and of the database",
      () =>
        Effect.gen(function* () {
          const [person, visit] = [people(), visits()]
          yield* created(person, visit)
          const defined = yield* Operations.getColumnsDetails(person)
          expect(Object.keys(defined)).toEqual(["id", "name", "email", "active", "role", "date_created"])
          expect(defined.id).toEqual({
            type: { _tag: "Integer", size: "INT", unsigned: false },
            nullable: false,
            primaryKey: true,
            unique: true,
            autoIncrement: true,
            default: undefined
          })
          expect([defined.email?.unique, defined.email?.nullable, defined.name?.unique]).toEqual([true, true, false])
          expect(defined.role?.default).toEqual({ _tag: "Value", value: "guest" })
          expect(yield* Operations.getColumnsDetails(person.name)).toEqual(defined)
          expect(yield* Operations.getPrimaryKeys(visit)).toEqual(["person", "day"])
          expect(yield* Operations.getPrimaryKeys(visit.name)).toEqual(["person", "day"])
          expect(yield* Operations.getTableNames(MetaData.make(person, visit))).toEqual([person.name, visit.name])
          const names = yield* Operations.getTableNames()
          expect(names.filter((name) => name === person.name || name === visit.name).length).toBe(2)
          const error = yield* Effect.flip(Operations.getColumnsDetails("no_such_table"))
          expect(error).toMatchObject({ _tag: "ProgrammingError", reason: "NoSuchTable" })
        })
    )
  })

  describe("Operations and keys", () => {
    withEngine(backend, "keys beyond 2^53 are exact, as bigints, texts and decimals", () =>
      Effect.gen(function* () {
        const first = 9_007_199_254_740_993n
        const whole = Table.make(tableName("whole"), {
          id: Column.bigint("bigint").pipe(Column.primaryKey, Column.autoIncrement),
          name: Column.varchar(10)
        })
        const worded = Table.make(whole.name, {
          id: Column.bigint("string").pipe(Column.primaryKey, Column.autoIncrement),
          name: Column.varchar(10)
        })
        const exact = Table.make(tableName("exact"), {
          id: Column.decimal(20, 2).pipe(Column.primaryKey),
          name: Column.varchar(10)
        })
        yield* created(whole)
        expect((yield* Operations.createOne(whole, { id: first, name: "a" })).id).toBe(first)
        expect((yield* Operations.createOne(whole, { name: "b" })).id).toBe(first + 1n)
        const ids = yield* Operations.createManyWithKeys(whole, "id", [{ name: "c" }, { name: "d" }])
        expect(ids).toEqual([first + 2n, first + 3n])
        const texts = yield* Operations.createManyWithKeys(worded, "id", [{ name: "e" }])
        const last = yield* Operations.readQuery(whole.select((query) => query.where("name", "=", "e")))
        expect(texts).toEqual([String(last[0]?.id)])
        expect((yield* Operations.updateOne(worded, String(first), { name: "A" })).name).toBe("A")
        yield* Operations.deleteOne(worded, String(first + 1n))
        expect(yield* Operations.deleteMany(whole, [first + 2n])).toBe(1)
        const page = yield* Operations.paginateKeyset(worded, {
          orderBy: [],
          pageSize: 1,
          after: { id: String(first) }
        })
        expect(page.items.map(({ name }) => name)).toEqual(["d"])
        // SQLite keeps decimals as doubles.
        if (!backend.isServer) return
        yield* created(exact)
        yield* Operations.createMany(exact, [
          { id: "123456789012345678.01", name: "a" },
          { id: "123456789012345678.02", name: "b" }
        ])
        yield* Operations.updateOne(exact, "123456789012345678.02", { name: "B" })
        yield* Operations.deleteOne(exact, "123456789012345678.01")
        expect(yield* Operations.readQuery(`SELECT name FROM ${exact.name}`)).toEqual(["B"])
        // Where it reads the whole table MariaDB compares a decimal with texts in a list as doubles.
        const prices = Array.from({ length: 80 }, (_, i) => `223456789012345678.${10 + i}`)
        yield* Operations.createMany(
          exact,
          prices.map((id) => ({ id, name: "x" }))
        )
        expect(
          yield* Operations.deleteMany(
            exact,
            prices.filter((_, i) => i % 2 === 0)
          )
        ).toBe(40)
      })
    )

    withEngine(backend, "names and values of any kind are just that", () =>
      Effect.gen(function* () {
        const hostile = [
          "a.b",
          "a as b",
          "x desc",
          "it's",
          'say "x"',
          "back`tick",
          "select",
          "é",
          "?",
          ":n",
          "a--b",
          "#"
        ]
        for (const name of hostile) {
          const table = Table.make(
            `${tableName("odd")} ${name}`,
            {
              id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
              [name]: Column.varchar(80)
            },
            { indexes: [{ columns: [name], name: "ix" }] }
          )
          yield* created(table)
          const value = `${name}'; DROP TABLE \\ ${name} --`
          const one = yield* Operations.createOne(table, { [name]: "first" } as never)
          expect(one).toEqual({ id: 1, [name]: "first" })
          const ids = yield* Operations.createManyWithKeys(table, "id", [{ [name]: value }] as never)
          const key = Number(ids[0])
          yield* Operations.updateOne(table, 1 as never, { [name]: value } as never)
          const orderBy = [[name, "desc"]] as never
          const page = yield* Operations.paginateKeyset(table, {
            orderBy,
            pageSize: 1,
            before: { id: 0, [name]: value } as never
          })
          expect(page.items).toEqual([{ id: 1, [name]: value }])
          const given = { id: key, [name]: "x" } as never
          expect(yield* Operations.upsertOne(table, given, { update: [name] as never })).toEqual(given)
          expect(yield* Operations.deleteMany(table, [1 as never])).toBe(1)
          expect(yield* Operations.countQuery(table)).toBe(1)
        }
      })
    )
  })

  describe("Operations and errors", () => {
    withEngine(backend, "operations fail with typed errors, give no dictionaries, and log no data", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const logged: Array<string> = []
        const logger = Logger.make(({ message }) => {
          logged.push(JSON.stringify(message))
        })
        const secret = "secret-of-ada"
        const errors = yield* Effect.gen(function* () {
          yield* Operations.createOne(person, { name: secret, email: secret })
          yield* Operations.readQuery(person.select())
          return [
            yield* Effect.flip(Operations.createOne(person, { name: secret, email: secret })),
            yield* Effect.flip(Operations.createMany(person, [{ name: secret, email: secret }])),
            yield* Effect.flip(Operations.updateOne(person, personId(7), { name: secret })),
            yield* Effect.flip(Operations.countQuery("SELECT nothing FROM nowhere")),
            yield* Effect.flip(Operations.deleteOne(person, personId(8)))
          ]
        }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
        expect(errors.map(({ _tag }) => _tag)).toEqual([
          "IntegrityError",
          "IntegrityError",
          "NoResultFoundError",
          "ProgrammingError",
          "NoResultFoundError"
        ])
        for (const error of errors) expect(error.message).not.toContain(secret)
        expect(logged.filter((line) => line.includes(secret))).toEqual([])
      })
    )

    withEngine(backend, "operations refuse options and lists that are none", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        // What a program without types may do.
        const untyped: {
          readonly [name in keyof typeof Operations]: (
            ...args: ReadonlyArray<unknown>
          ) => Effect.Effect<unknown, unknown, Engine.Engine>
        } = Operations as never
        const wrong: ReadonlyArray<readonly [Effect.Effect<unknown, unknown, Engine.Engine>, string]> = [
          [untyped.upsertOne(person, { name: "x" }), "options"],
          [untyped.upsertOne(person, { name: "x" }, { update: "name" }), "options"],
          [untyped.upsertMany(person, [{ name: "x" }], null), "options"],
          [untyped.deleteMany(person, null), "keys"],
          [untyped.createManyWithKeys(person, null, [{ name: "x" }]), "key"],
          [untyped.paginateQuery("SELECT 1"), "options"],
          [untyped.paginateKeyset(person), "options"],
          [untyped.paginateKeyset(person, { orderBy: "id", pageSize: 2 }), "orderBy"],
          [untyped.paginateKeyset(person, { orderBy: [null], pageSize: 2 }), "orderBy[0]"],
          [untyped.paginateKeyset(person, { orderBy: ["id"], pageSize: 2, where: () => undefined }), "statement"],
          [untyped.executeMany(null), "commands"],
          [untyped.readMultiQuery(null), "queries"]
        ]
        for (const [operation, argument] of wrong)
          expect(yield* Effect.flip(operation)).toMatchObject({ _tag: "ArgumentError", argument })
        expect(yield* Operations.countQuery(person)).toBe(0)
      })
    )

    withEngine(backend, "operations take part in a transaction, and are undone with it", () =>
      Effect.gen(function* () {
        const person = people()
        yield* created(person)
        const work = Effect.gen(function* () {
          const ids = yield* Operations.createManyWithKeys(person, "id", [{ name: "a" }, { name: "b" }])
          yield* Operations.updateOne(person, ids[0]!, { name: "c" })
          yield* Operations.deleteOne(person, ids[1]!)
          expect(yield* Operations.countQuery(person)).toBe(1)
          const page = yield* Operations.paginateQuery(person.select(), { page: 1, pageSize: 5 })
          expect([page.total, page.items.length]).toEqual([1, 1])
          return yield* Effect.fail("undo" as const)
        })
        expect(yield* Effect.flip(Engine.transaction(work))).toBe("undo")
        expect(yield* Operations.countQuery(person)).toBe(0)
      })
    )
  })
}

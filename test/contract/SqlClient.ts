// What the client for `@effect/sql` does by itself: statements, helpers, transactions, connections, spans.
import { Reactivity } from "@effect/experimental"
import { SqlClient as Sql, SqlError, SqlResolver, Statement as SqlStatement } from "@effect/sql"
import { MysqlClient } from "@effect/sql-mysql2"
import { describe, expect, it } from "@effect/vitest"
import {
  BigDecimal,
  Cause,
  Chunk,
  Config,
  ConfigProvider,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Redacted,
  Schema,
  Stream,
  Tracer
} from "effect"
import { Engine } from "effect-sa"
import * as SqlClient from "effect-sa/SqlClient"
import { type Backend, tableName } from "../support/Backend.js"
import { type SqlLayer, sqlLayers, sqlTable, withSql } from "../support/SqlLayers.js"
import {
  type Client,
  clientTraps,
  type ClientSubject,
  type Execute,
  mariadbTraps,
  pipeliningTraps
} from "../traps/client.js"
import { clumsyTraps, faultTraps, mariadbFaultTraps } from "../traps/faults.js"
import { Fell } from "../traps/Trap.js"

const upper = (name: string): string => name.toUpperCase()
const lower = (name: string): string => name.toLowerCase()

/** A tracer that keeps what it is asked for. */
const listening = () => {
  const spans: Array<{ readonly name: string; readonly attributes: Map<string, unknown>; readonly parent: string }> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const above = Option.getOrUndefined(parent)
      spans.push({ name, attributes, parent: above?._tag === "Span" ? above.name : "none" })
      return {
        _tag: "Span",
        name,
        spanId: `${spans.length}`,
        traceId: "trace",
        parent,
        context,
        links,
        kind,
        attributes,
        status: { _tag: "Started", startTime },
        sampled: true,
        attribute: (key, value) => {
          attributes.set(key, value)
        },
        event: () => {},
        addLinks: () => {},
        end: () => {}
      }
    },
    context: (run) => run()
  })
  return { spans, tracer }
}

const onLayer = (backend: Backend, { name, layer }: SqlLayer): void => {
  const table = (sql: Sql.SqlClient) =>
    sqlTable(sql, tableName("sql"), `id ${backend.autoIncrement}, name VARCHAR(50), n INTEGER`)

  describe(`${name}: `, () => {
    withSql(backend, layer(), "gives rows as plain objects, and an empty list for a statement without rows", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        expect(yield* sql`INSERT INTO ${sql(t)} ${sql.insert([{ name: "Ada" }, { name: "Grace" }])}`).toEqual([])
        const rows = yield* sql`SELECT id, name FROM ${sql(t)} ORDER BY id`
        expect(rows).toEqual([
          { id: 1, name: "Ada" },
          { id: 2, name: "Grace" }
        ])
        expect(rows.map((row) => Object.getPrototypeOf(row) === Object.prototype)).toEqual([true, true])
        expect(yield* sql`DELETE FROM ${sql(t)}`).toEqual([])
      })
    )

    withSql(backend, layer(), "gives a header by raw, and keeps columns of one name by values", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        expect(yield* sql`INSERT INTO ${sql(t)} ${sql.insert({ name: "Ada" })}`.raw).toMatchObject({
          fieldCount: 0,
          affectedRows: 1,
          insertId: 1
        })
        expect(yield* sql`SELECT id, name, id FROM ${sql(t)}`.values).toEqual([[1, "Ada", 1]])
        expect(yield* sql`SELECT id, name, id FROM ${sql(t)}`).toEqual([{ id: 1, name: "Ada" }])
        expect(yield* sql`SELECT name FROM ${sql(t)}`.raw).toEqual([{ name: "Ada" }])
        expect(yield* sql`UPDATE ${sql(t)} SET name = ${"Ada"}`.values).toEqual([])
      })
    )

    withSql(backend, layer(), "has the helpers of statements", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        const names = (where: SqlStatement.Fragment) =>
          Effect.map(sql<{ name: string }>`SELECT name FROM ${sql(t)} WHERE ${where} ORDER BY id`, (rows) =>
            rows.map(({ name }) => name)
          )
        yield* sql`INSERT INTO ${sql(t)} ${sql.insert([
          { name: "a", n: 1 },
          { name: "b", n: 2 },
          { name: "c", n: 3 }
        ])}`
        expect(yield* names(sql.in("n", [1, 3]))).toEqual(["a", "c"])
        expect(yield* names(sql.in("n", []))).toEqual([])
        expect(yield* names(sql`n IN ${sql.in([2])}`)).toEqual(["b"])
        expect(yield* names(sql.and([sql`n > ${1}`, "n < 3"]))).toEqual(["b"])
        expect(yield* names(sql.or([sql`n = ${1}`, sql`n = ${3}`]))).toEqual(["a", "c"])
        expect(yield* names(sql.join(" OR ", false)([sql`n = ${1}`, sql.literal("n = 2")]))).toEqual(["a", "b"])
        yield* sql`UPDATE ${sql(t)} SET ${sql.update({ id: 9, name: "z" }, ["id"])} WHERE n = ${1}`
        expect(yield* sql`SELECT n, name FROM ${sql(t)} ${sql.csv("ORDER BY", ["n DESC"])} LIMIT 1`).toEqual([
          { n: 3, name: "c" }
        ])
        expect(yield* sql.unsafe("SELECT ? AS v", ["x"])).toEqual([{ v: "x" }])
        expect(sql.onDialectOrElse({ sqlite: () => "sqlite", mysql: () => "mysql", orElse: () => "other" })).toBe(
          backend.isServer ? "mysql" : "sqlite"
        )
        const data = sql.updateValues(
          [
            { id: 2, name: "second" },
            { id: 3, name: "third" }
          ],
          "data"
        )
        yield* backend.isServer
          ? sql`UPDATE ${sql(t)} AS t INNER JOIN ${data} ON data.id = t.id SET t.name = data.name`
          : sql`UPDATE ${sql(t)} AS t SET name = data.name FROM ${data} WHERE data.id = t.id`
        expect(yield* names(sql`1 = 1`)).toEqual(["z", "second", "third"])
      })
    )

    withSql(backend, layer(), "makes one template a statement for each of its identifiers and fragments", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        yield* sql`INSERT INTO ${sql(t)} ${sql.insert({ name: "a", n: 7 })}`
        const pick = (what: unknown, n: unknown) => sql`SELECT ${what} AS v FROM ${sql(t)} WHERE n = ${n}`
        expect(yield* pick(sql("name"), 7)).toEqual([{ v: "a" }])
        expect(yield* pick(sql("n"), 7)).toEqual([{ v: 7 }])
        expect(yield* pick("text", 7)).toEqual([{ v: "text" }])
        expect(yield* pick(sql`1 + ${1}`, sql("n"))).toEqual([{ v: 2 }])
        expect(yield* pick(sql("name"), 7)).toEqual([{ v: "a" }])
        // What only looks like a part of a statement is a parameter.
        const forged = { _tag: "Identifier", value: "name" }
        expect(yield* pick(sql("n"), JSON.stringify(forged))).toEqual([])
        expect(yield* pick(sql("n"), forged)).toEqual([])
      })
    )

    withSql(backend, layer(), "gives integers beyond 2^53 exactly where SafeIntegers asks for them, by every way", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const large = 2n ** 53n + 1n
        const statement = sql`SELECT ${sql.literal(String(large))} AS n`
        const reserved = Effect.scoped(
          Effect.flatMap(sql.reserve, (connection) => connection.execute(`SELECT ${large} AS n`, [], undefined))
        )
        const ways = [
          statement,
          sql.withTransaction(statement),
          statement.withoutTransform,
          Effect.map(Stream.runCollect(statement.stream), Chunk.toReadonlyArray),
          reserved
        ]
        // The drop-in has sql-mysql2's values, which are exact by themselves.
        const expected = name === "the drop-in" ? String(large) : large
        for (const way of ways)
          expect(yield* Effect.provideService(way, Sql.SafeIntegers, true)).toEqual([{ n: expected }])
      })
    )

    withSql(backend, layer(), "compiles a fragment for each dialect that it is used in", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const statement = sql`SELECT 1 AS ${sql("one")}`
        const other = SqlStatement.makeCompiler({
          dialect: "pg",
          placeholder: (i) => `$${i}`,
          onIdentifier: (name) => `[${name}]`,
          onRecordUpdate: () => ["", []],
          onCustom: () => ["", []]
        })
        expect(other.compile(statement, false)[0]).toBe("SELECT 1 AS [one]")
        expect(yield* statement).toEqual([{ one: 1 }])
      })
    )

    withSql(
      backend,
      layer({ transformResultNames: upper, transformQueryNames: lower }),
      "renames identifiers and columns, and does not without transforms",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const t = yield* table(sql.withoutTransforms())
          yield* sql`INSERT INTO ${sql(t)} ${sql.insert({ NAME: "Ada" })}`
          const statement = sql`SELECT name FROM ${sql(t)}`
          expect(yield* statement).toEqual([{ NAME: "Ada" }])
          expect(yield* statement.withoutTransform).toEqual([{ name: "Ada" }])
          expect(Chunk.toReadonlyArray(yield* Stream.runCollect(statement.stream))).toEqual([{ NAME: "Ada" }])
          const plain = sql.withoutTransforms()
          expect(yield* plain`SELECT name FROM ${plain(t)}`).toEqual([{ name: "Ada" }])
          expect(plain.withoutTransforms()).toBe(plain)
          expect(sql.safe).toBe(sql)
        })
    )

    withSql(backend, layer(), "lets a transformer change statements", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const seen: Array<string> = []
        const changed = yield* SqlStatement.withTransformer(sql`SELECT 1 AS one`, (statement, sql, _, span) => {
          seen.push(span.name, statement.compile()[0])
          return Effect.succeed(sql`SELECT 2 AS two`)
        })
        expect(changed).toEqual([{ two: 2 }])
        expect(seen).toEqual(["sql.execute", "SELECT 1 AS one"])
      })
    )

    withSql(backend, layer(), "streams rows", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        yield* sql`INSERT INTO ${sql(t)} ${sql.insert(Array.from({ length: 500 }, (_, n) => ({ n })))}`
        const ns = sql<{ n: number }>`SELECT n FROM ${sql(t)} ORDER BY id`.stream
        expect(yield* Stream.runFold(ns, 0, (sum, { n }) => sum + n)).toBe(124_750)
        expect(yield* Stream.runCollect(Stream.take(ns, 2))).toEqual(Chunk.make({ n: 0 }, { n: 1 }))
        expect(yield* sql.withTransaction(Stream.runCount(ns))).toBe(500)
        expect(yield* Effect.flip(Stream.runDrain(sql`SELECT * FROM nowhere`.stream))).toMatchObject({
          _tag: "SqlError",
          cause: { reason: "NoSuchTable" }
        })
      })
    )

    withSql(backend, layer(), "makes spans with upstream's names when a tracer listens, and none when not", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const { spans, tracer } = listening()
        yield* Effect.withTracer(sql.withTransaction(sql`SELECT ${1} AS one`), tracer)
        expect(spans.map(({ name, parent }) => [name, parent])).toEqual([
          ["sql.transaction", "none"],
          ["sql.execute", "sql.transaction"]
        ])
        expect(Object.fromEntries(spans[1]?.attributes ?? [])).toMatchObject({
          "db.system.name": backend.isServer ? "mysql" : "sqlite",
          "db.operation.name": "execute",
          "db.query.text": "SELECT ? AS one"
        })
        yield* Effect.withTracer(Effect.withTracerEnabled(sql`SELECT 1 AS one`, false), tracer)
        expect(spans).toHaveLength(2)
      })
    )

    withSql(backend, layer(), "fails with a SqlError that carries the typed error, and shows no parameters", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        const insert = sql`INSERT INTO ${sql(t)} ${sql.insert({ id: 1, name: "secret-7391" })}`
        yield* insert
        const error = yield* Effect.flip(insert)
        expect(error).toBeInstanceOf(SqlError.SqlError)
        expect(SqlClient.isSqlFailure(error) && error.cause).toMatchObject({ reason: "UniqueViolation" })
        expect(error.message).toMatch(/^Failed to execute statement: ./)
        expect(Cause.pretty(Cause.fail(error))).not.toContain("secret-7391")
        const caught = Effect.catchTag(insert, "SqlError", () => Effect.succeed("caught" as const))
        expect(yield* caught).toBe("caught")
      })
    )

    withSql(backend, layer(), "refuses what it cannot bind or compile, with a SqlError", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const refused = [
          sql`SELECT ${undefined} AS v`,
          sql`SELECT ${Number.NaN} AS v`,
          sql`SELECT ${new Date(Number.NaN)} AS v`,
          sql.unsafe("SELECT ? AS v", []),
          sql`INSERT INTO t ${sql.insert([])}`
        ]
        for (const statement of refused) {
          expect(yield* Effect.flip(statement)).toMatchObject({ _tag: "SqlError", cause: { _tag: "ArgumentError" } })
        }
      })
    )

    withSql(backend, layer(), "commits, and rolls back to savepoints", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        const insert = (n: number) => sql`INSERT INTO ${sql(t)} ${sql.insert({ n })}`
        yield* sql.withTransaction(
          Effect.gen(function* () {
            yield* insert(1)
            expect(yield* Effect.flip(sql.withTransaction(Effect.zipRight(insert(2), Effect.fail("no"))))).toBe("no")
            yield* sql.withTransaction(insert(3))
          })
        )
        expect(yield* Effect.flip(sql.withTransaction(Effect.zipRight(insert(4), Effect.fail("no"))))).toBe("no")
        expect(yield* Effect.exit(sql.withTransaction(Effect.zipRight(insert(5), Effect.die("bug"))))).toEqual(
          Exit.die("bug")
        )
        expect(yield* sql`SELECT n FROM ${sql(t)} ORDER BY n`).toEqual([{ n: 1 }, { n: 3 }])
      })
    )

    withSql(backend, layer(), "refuses a statement that begins or ends a transaction within one", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const error = yield* Effect.flip(sql.withTransaction(Effect.zipRight(sql`SELECT 1 AS one`, sql`COMMIT`)))
        expect(error).toMatchObject({ _tag: "SqlError", cause: { _tag: "InvalidRequestError" } })
      })
    )

    withSql(backend, layer({ maxConnections: 1 }), "ends a transaction at once when its fiber is interrupted", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        const fiber = yield* Effect.fork(
          sql.withTransaction(Effect.zipRight(sql`INSERT INTO ${sql(t)} ${sql.insert({ n: 1 })}`, Effect.never))
        )
        yield* Effect.sleep("50 millis")
        yield* Fiber.interrupt(fiber).pipe(Effect.timeout("2 seconds"))
        expect(yield* sql`SELECT n FROM ${sql(t)}`).toEqual([])
      })
    )

    withSql(backend, layer(), "goes on in a transaction after a statement that defines data", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = tableName("defined")
        yield* Effect.addFinalizer(() => Effect.ignore(sql.unsafe(`DROP TABLE IF EXISTS ${t}`)))
        yield* sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`CREATE TABLE ${sql(t)} (n INTEGER)`
            yield* sql`INSERT INTO ${sql(t)} ${sql.insert({ n: 1 })}`
            yield* sql.withTransaction(sql`INSERT INTO ${sql(t)} ${sql.insert({ n: 2 })}`)
          })
        )
        expect(yield* sql`SELECT n FROM ${sql(t)} ORDER BY n`).toEqual([{ n: 1 }, { n: 2 }])
      })
    )

    withSql(backend, layer(), "refuses a COMMIT in a text of several statements, whatever they create", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        const ended = sql.withTransaction(
          Effect.zipRight(
            sql`INSERT INTO ${sql(t)} ${sql.insert({ n: 1 })}`,
            sql.unsafe(`CREATE TEMPORARY TABLE ${tableName("words")} (event INTEGER); COMMIT`)
          )
        )
        expect(yield* Effect.flip(ended)).toMatchObject({ cause: { _tag: "InvalidRequestError" } })
        expect(yield* sql`SELECT n FROM ${sql(t)}`).toEqual([])
      })
    )

    withSql(backend, layer(), "binds an object that says itself what it is as JSON, and fails where it throws", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        class Throwing {
          toJSON(): string {
            throw new Error("a secret")
          }
        }
        class Unreadable {
          get toJSON(): () => string {
            throw new Error("a secret")
          }
        }
        for (const value of [new Throwing(), new Unreadable()]) {
          const error = yield* Effect.flip(sql`SELECT ${value} AS value`)
          expect(error).toMatchObject({ _tag: "SqlError", cause: { _tag: "ArgumentError", argument: "parameters[0]" } })
          expect(String(error)).not.toContain("secret")
        }
      })
    )

    withSql(
      backend,
      layer(),
      "refuses what hides or wraps a value that cannot be bound, and never binds its JSON",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const refused: ReadonlyArray<unknown> = [
            Redacted.make(Number.NaN),
            Redacted.make(new Map()),
            Option.some(new Map()),
            BigDecimal.make(10n ** 80n + 1n, 0)
          ]
          for (const value of refused)
            expect(yield* Effect.flip(sql`SELECT ${value} AS value`)).toMatchObject({
              cause: { _tag: "ArgumentError", argument: "parameters[0]" }
            })
        })
    )

    withSql(backend, layer({ maxConnections: 3 }), "reserves a connection for as long as the scope lives", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* table(sql)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* sql.reserve
            yield* connection.executeUnprepared("BEGIN", [], undefined)
            yield* connection.execute(`INSERT INTO ${t} (n) VALUES (?)`, [1], undefined)
            expect(yield* connection.executeValues(`SELECT n FROM ${t}`, [])).toEqual([[1]])
            expect(yield* connection.executeRaw(`UPDATE ${t} SET n = 2`, [])).toMatchObject({ affectedRows: 1 })
            expect(yield* Stream.runCollect(connection.executeStream(`SELECT n FROM ${t}`, [], undefined))).toEqual(
              Chunk.make({ n: 2 })
            )
          })
        )
        // What was left open is rolled back when it goes back.
        yield* Effect.sleep("50 millis")
        expect(yield* sql`SELECT n FROM ${sql(t)}`).toEqual([])
        // A connection that is given as a transaction's is the one that statements run on.
        const ids = Effect.map(sql.unsafe("SELECT ? AS v", [1]), (rows) => rows.length)
        const given = Effect.scoped(
          Effect.flatMap(sql.reserve, (connection) =>
            Effect.provideService(ids, Sql.TransactionConnection, [connection, 0])
          )
        )
        expect(yield* given).toBe(1)
      })
    )
  })
}

const shared = (backend: Backend): void => {
  const both = SqlClient.layerFromEngine().pipe(
    Layer.provideMerge(Engine.layer({ url: backend.url, maxSize: 1, acquireTimeout: "2 seconds" }))
  )

  describe("a client of an engine shares with it", () => {
    withSql(backend, both, "one transaction, whichever of them began it", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* sqlTable(sql, tableName("shared"), "n INTEGER")
        const byEngine = (n: number) => Engine.execute(`INSERT INTO ${t} (n) VALUES (?)`, [n])
        const bySql = (n: number) => sql`INSERT INTO ${sql(t)} ${sql.insert({ n })}`
        // With one connection, whatever ran outside of the transaction would wait for it in vain.
        yield* Effect.flip(Engine.transaction(Effect.all([byEngine(1), bySql(2), Effect.fail("no")])))
        yield* Effect.flip(sql.withTransaction(Effect.all([byEngine(3), bySql(4), Effect.fail("no")])))
        yield* Engine.transaction(sql.withTransaction(byEngine(5)))
        yield* sql.withTransaction(Engine.transaction(bySql(6)))
        expect(yield* sql`SELECT n FROM ${sql(t)} ORDER BY n`).toEqual([{ n: 5 }, { n: 6 }])
      })
    )

    withSql(backend, both, "its transaction with batched requests, and no fiber that outlives it", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const engine = yield* Engine.Engine
        const t = yield* sqlTable(sql, tableName("batched"), "id INTEGER, name VARCHAR(20)")
        const byId = yield* SqlResolver.findById("ById", {
          Id: Schema.Int,
          Result: Schema.Struct({ id: Schema.Int, name: Schema.String }),
          ResultId: ({ id }) => id,
          execute: (ids) => sql`SELECT id, name FROM ${sql(t)} WHERE ${sql.in("id", ids)}`
        })
        // With one connection a statement outside of the transaction would wait for it in vain.
        const found = yield* engine.transaction(
          Effect.gen(function* () {
            yield* sql`INSERT INTO ${sql(t)} ${sql.insert([
              { id: 1, name: "a" },
              { id: 2, name: "b" }
            ])}`
            return yield* Effect.forEach([1, 2], byId.execute, { batching: true, concurrency: "unbounded" })
          })
        )
        expect(found.map(Option.map(({ name }) => name))).toEqual([Option.some("a"), Option.some("b")])
        const late = yield* sql.withTransaction(
          Effect.forkDaemon(Effect.exit(Effect.delay(sql`SELECT 1 AS one`, "50 millis")))
        )
        const exit = yield* Fiber.join(late)
        expect(Exit.isFailure(exit) && Cause.failureOption(exit.cause)).toMatchObject({
          value: { _tag: "SqlError", cause: { _tag: "InvalidRequestError" } }
        })
      })
    )

    withSql(backend, both, "a connection of several statements in one text", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* sqlTable(sql, tableName("several"), `id ${backend.autoIncrement}, name VARCHAR(20)`)
        const statement = sql`insert into ${sql(t)} ${sql.insert({ name: "a;b" })};
          select name from ${sql(t)} where name = ${"a;b"};`
        const expected = [expect.objectContaining({ affectedRows: 1 }), [{ name: "a;b" }]]
        expect(yield* statement.unprepared).toEqual(expected)
        expect(yield* sql.withTransaction(statement.unprepared)).toEqual([
          expect.objectContaining({ affectedRows: 1 }),
          [{ name: "a;b" }, { name: "a;b" }]
        ])
      })
    )

    withSql(backend, both, "several statements in one text, whatever the words in them are", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const [t, u] = [tableName("words"), tableName("words")]
        yield* Effect.addFinalizer(() => Effect.ignore(sql.unsafe(`DROP TABLE IF EXISTS ${t}`)))
        yield* Effect.addFinalizer(() => Effect.ignore(sql.unsafe(`DROP TABLE IF EXISTS ${u}`)))
        yield* sql.unsafe(`CREATE TABLE ${t} (event INTEGER, n INTEGER); INSERT INTO ${t} (event) VALUES (1)`)
        yield* sql.unsafe(`CREATE TABLE ${u} (n INTEGER) /* of a trigger */; INSERT INTO ${u} VALUES (1)`)
        expect(yield* sql`SELECT event FROM ${sql(t)} UNION ALL SELECT n FROM ${sql(u)}`).toEqual([
          { event: 1 },
          { event: 1 }
        ])
      })
    )

    withSql(
      backend,
      both,
      "a trigger with statements within itself, behind a comment and behind other statements",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const t = yield* sqlTable(sql, tableName("programs"), "n INTEGER")
          const u = yield* sqlTable(sql, tableName("programs"), "n INTEGER")
          const trigger = `CREATE TRIGGER ${tableName("trigger")} AFTER INSERT ON ${t} FOR EACH ROW
          BEGIN INSERT INTO ${u} (n) VALUES (1); INSERT INTO ${u} (n) VALUES (2); END`
          yield* sql.unsafe(`/* it copies */ ${trigger}`)
          yield* sql`INSERT INTO ${sql(t)} (n) VALUES (1)`
          expect(yield* sql`SELECT n FROM ${sql(u)} ORDER BY n`).toEqual([{ n: 1 }, { n: 2 }])
          yield* sql.unsafe(`DELETE FROM ${u}; ${trigger.replace("TRIGGER ", "TRIGGER second_")}`)
          yield* sql`INSERT INTO ${sql(t)} (n) VALUES (1)`
          expect(yield* sql`SELECT n FROM ${sql(u)} ORDER BY n`).toHaveLength(4)
        })
    )
  })
}

const dropIn = (backend: Backend): void => {
  describe("the drop-in", () => {
    withSql(backend, SqlClient.layer({ url: backend.url }), "provides the tags of both packages", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const mysql = yield* MysqlClient.MysqlClient
        expect(mysql).toBe(sql)
        expect(mysql[MysqlClient.TypeId]).toBe(MysqlClient.TypeId)
        expect(Redacted.value(mysql.config.url ?? Redacted.make(""))).toBe(backend.url)
        expect(SqlClient.MysqlClient.key).toBe(MysqlClient.MysqlClient.key)
      })
    )

    const config = ConfigProvider.fromMap(new Map([["DATABASE", backend.url]]))
    withSql(
      backend,
      SqlClient.layerConfig({ url: Config.redacted("DATABASE") }).pipe(Layer.provide(Layer.setConfigProvider(config))),
      "takes its configuration from Config",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          expect(yield* sql`SELECT 1 AS one`).toEqual([{ one: 1 }])
        })
    )

    it.scopedLive(`fails at once where there is no server, and for a password that is wrong [${backend.name}]`, () =>
      Effect.gen(function* () {
        const wrong = new URL(backend.url)
        wrong.password = "wrong"
        for (const url of ["mysql://nobody@127.0.0.1:1/none", wrong.href]) {
          const began = performance.now()
          const error = yield* Effect.flip(Layer.build(SqlClient.layer({ url })))
          expect(error).toMatchObject({ _tag: "SqlError", cause: { _tag: "OperationalError" } })
          expect(performance.now() - began).toBeLessThan(3_000)
        }
      })
    )

    it.scopedLive(`refuses by its name what would do nothing [${backend.name}]`, () =>
      Effect.gen(function* () {
        const refused: ReadonlyArray<readonly [SqlClient.SqlClientConfig, string]> = [
          [{ poolConfig: { timezone: "Z" } }, "poolConfig.timezone"],
          [{ poolConfig: { maxIdle: 0 } }, "poolConfig.maxIdle"],
          [{ poolConfig: { waitForConnections: false } }, "poolConfig.waitForConnections"],
          [{ maxConnections: 5, poolConfig: { connectionLimit: 9 } }, "maxSize"],
          [{ connectionTTL: "1 minutes", idleTimeout: "2 minutes" }, "idleTimeout"],
          [{ maxConnections: -1 }, "maxSize"]
        ]
        for (const [config, argument] of refused) {
          const error = yield* Effect.flip(Layer.build(SqlClient.layer({ url: backend.url, ...config })))
          expect(error).toMatchObject({ _tag: "SqlError", cause: { _tag: "ArgumentError", argument } })
        }
        yield* Layer.build(
          SqlClient.layer({
            url: backend.url,
            maxConnections: 2,
            poolConfig: { maxIdle: 2, queueLimit: 5, enableKeepAlive: true, charset: "utf8mb4_general_ci" }
          })
        )
      })
    )

    withSql(
      backend,
      SqlClient.layer({ url: backend.url, maxConnections: 1, leakThreshold: 1, recycle: 1 }),
      "keeps a reserved connection, however old it becomes, with its locks",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const connection = yield* sql.reserve
          const id = connection.executeValues("SELECT CONNECTION_ID()", [])
          const first = yield* id
          const lock = tableName("lock")
          yield* connection.executeValues(`SELECT GET_LOCK('${lock}', 1)`, [])
          yield* Effect.sleep("1500 millis")
          expect(yield* id).toEqual(first)
          expect(yield* connection.executeValues(`SELECT RELEASE_LOCK('${lock}')`, [])).toEqual([[1]])
        })
    )

    withSql(
      backend,
      SqlClient.layer({ url: backend.url, zeroDates: "string" }),
      "has the session's time zone as the server gives it, after a reset too",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const zone = sql<{ z: string }>`SELECT @@time_zone AS z`
          const before = yield* zone
          yield* sql`SET SESSION sort_buffer_size = 77824`
          expect(yield* zone).toEqual(before)
          expect(before).not.toEqual([{ z: "+00:00" }])
          expect(yield* sql`SELECT COUNT (*) AS n`).toEqual([{ n: 1 }])
        })
    )

    it.scopedLive(`of two clients neither's statements run in the other's transaction [${backend.name}]`, () =>
      Effect.gen(function* () {
        const make = Effect.provide(SqlClient.make({ url: backend.url, maxConnections: 1 }), Reactivity.layer)
        const [a, b] = yield* Effect.all([make, make])
        const id = (sql: Sql.SqlClient) =>
          Effect.map(sql<{ id: number }>`SELECT CONNECTION_ID() AS id`, (rows) => rows[0]?.id)
        const outside = [yield* id(a), yield* id(b)]
        const inside = yield* a.withTransaction(
          Effect.all([id(a), id(b), b.withTransaction(Effect.all([id(a), id(b)]))])
        )
        expect(inside).toEqual([...outside, outside])
      })
    )
  })
}

const clientOf = (client: Sql.SqlClient): Client => {
  const prepared: Execute = (sql, parameters) => client.unsafe(sql, parameters).values
  const unprepared: Execute = (sql, parameters) =>
    Effect.map(client.unsafe<object>(sql, parameters).unprepared, (rows) => rows.map((row) => Object.values(row)))
  return {
    execute: prepared,
    ways: { prepared, unprepared },
    stream: (sql) => client.unsafe(sql).stream,
    transaction: client.withTransaction,
    session: (body) =>
      Effect.scoped(
        Effect.flatMap(client.reserve, (connection) =>
          body((sql, parameters = []) => connection.executeValues(sql, parameters))
        )
      )
  }
}

/**
 * What programs for sql-mysql2 rely on: several statements in a text (T-08), a reserved connection that only who has it uses
 * (T-77), statements after DDL in a transaction (T-84), times as Dates (T-87). An engine falls into none of these.
 */
const asThere: ReadonlySet<string> = new Set(["T-08", "T-77", "T-84", "T-87"])

const traps = (backend: Backend): void => {
  const subject: ClientSubject = {
    url: backend.url,
    make: (url, maxConnections) =>
      SqlClient.make({ url, maxConnections }).pipe(Effect.map(clientOf), Effect.provide(Reactivity.layer))
  }
  describe(`the drop-in on ${backend.name} falls into no trap:`, () => {
    const onEvery = [...clientTraps, ...pipeliningTraps, ...faultTraps, ...clumsyTraps]
    const onMariadb = backend.name === "mariadb" ? [...mariadbTraps, ...mariadbFaultTraps] : []
    for (const { id, title, run } of [...onEvery, ...onMariadb]) {
      if (asThere.has(id)) continue
      it.scopedLive(`${title} (${id}, by the client for @effect/sql) [${backend.name}]`, () => run(subject))
    }
  })

  describe(`the drop-in on ${backend.name} is as sql-mysql2, which falls into this trap:`, () => {
    for (const { id, title, run } of faultTraps.filter((trap) => asThere.has(trap.id)))
      it.scopedLive(`${title} (${id}) [${backend.name}]`, () =>
        Effect.map(Effect.flip(run(subject)), (seen) => expect(seen).toBeInstanceOf(Fell))
      )
  })
}

export const sqlClientContract = (backend: Backend): void => {
  for (const layer of sqlLayers(backend)) onLayer(backend, layer)
  shared(backend)
  if (!backend.isServer) return
  dropIn(backend)
  traps(backend)
}

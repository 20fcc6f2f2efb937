// What a connection can do besides executing statements, and what it says of itself.
import { describe, expect, it } from "@effect/vitest"
import { Effect, HashMap, Logger, LogLevel, Option, Redacted } from "effect"
import { Connection, Cursor, type Driver, Engine, Errors, type Options, SAConnection, Statement } from "effect-sa"
import { type Backend, table, withEngine } from "../support/Backend.js"
import { observer } from "../support/observer.js"

const execute = (
  connection: Connection.Connection,
  sql: string
): Effect.Effect<Driver.DriverResult, Errors.StatementError> => {
  const compiled = Statement.compileText(sql, undefined, connection.dialect)
  return compiled instanceof Errors.ArgumentError
    ? Effect.fail(compiled)
    : connection.execute(compiled, connection.values)
}

const valueOf = (connection: Connection.Connection, sql: string) =>
  Effect.map(execute(connection, sql), ({ rows }) => rows[0]?.[0])

interface Logged {
  readonly message: unknown
  readonly level: string
  readonly about: Readonly<Record<string, unknown>>
}

/** Runs an effect with everything that is logged kept. */
const logging = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  level: LogLevel.LogLevel = LogLevel.Debug
): Effect.Effect<readonly [A, ReadonlyArray<Logged>], E, R> =>
  Effect.suspend(() => {
    const all: Array<Logged> = []
    const keeping = Logger.make(({ message, logLevel, annotations }) => {
      const [text] = Array.isArray(message) ? message : [message]
      all.push({ message: text, level: logLevel.label, about: Object.fromEntries(HashMap.toEntries(annotations)) })
    })
    return effect.pipe(
      Effect.map((value) => [value, all] as const),
      Effect.provide(Logger.replace(Logger.defaultLogger, keeping)),
      Logger.withMinimumLogLevel(level)
    )
  })

export const connectionContract = (backend: Backend): void => {
  const { url } = backend

  describe("a connection", () => {
    it.scopedLive(`says where it is, who is logged in, and since when [${backend.name}]`, () =>
      Effect.gen(function* () {
        const before = Date.now()
        const connection = yield* Connection.make({ url })
        const { server, address, user, database, connectedAt, lastUsedAt } = connection
        if (backend.isServer) {
          const given = new URL(url)
          expect(address).toBe(`${given.host}${given.pathname}`)
          expect(user).toBe(decodeURIComponent(given.username))
          expect(database).toBe(given.pathname.slice(1))
          expect(`${server.product} ${server.version}`).toMatch(backend.name === "mysql" ? /^MySQL \d/ : /^MariaDB \d/)
          expect(yield* valueOf(connection, "SELECT CONNECTION_ID()")).toBe(Number(connection.id))
        } else expect([address, user, database, server.product]).toEqual([":memory:", undefined, undefined, "SQLite"])
        expect(connection.status()).toMatchObject({ autocommit: true, inTransaction: false })
        expect(connectedAt.getTime()).toBeGreaterThanOrEqual(before)
        expect(connectedAt.getTime()).toBeLessThanOrEqual(Date.now())
        expect(lastUsedAt.call(connection).getTime()).toBeGreaterThanOrEqual(before - 1)
      })
    )

    it.scopedLive(`says when it was used last, which waiting is not [${backend.name}]`, () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({ url })
        const since = Date.now()
        yield* execute(connection, "SELECT 1")
        const used = connection.lastUsedAt().getTime()
        expect(used).toBeGreaterThanOrEqual(since - 1)
        yield* Effect.sleep("60 millis")
        expect(Math.abs(connection.lastUsedAt().getTime() - used)).toBeLessThanOrEqual(2)
        yield* execute(connection, "SELECT 1")
        expect(connection.lastUsedAt().getTime() - used).toBeGreaterThanOrEqual(55)
      })
    )

    it.scopedLive(`gives a sign of life, and after its end a typed error [${backend.name}]`, () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({ url })
        yield* connection.ping(1_000)
        connection.terminate()
        const error = yield* Effect.flip(connection.ping(1_000))
        expect(error._tag).toMatch(/^(?:Operational|Interface)Error$/)
      })
    )

    it.scopedLive(`can be ended twice, and by its scope after that [${backend.name}]`, () =>
      Effect.gen(function* () {
        const connection = yield* Effect.scoped(
          Effect.tap(Connection.make({ url }), (connection) =>
            Effect.sync(() => {
              connection.terminate()
              connection.terminate()
            })
          )
        )
        expect([connection.state(), connection.isSpent()]).toEqual(["spent", true])
        expect(yield* Effect.flip(execute(connection, "SELECT 1"))).toMatchObject({
          _tag: "OperationalError",
          reason: "ConnectionLost"
        })
      })
    )
  })

  describe("echo", () => {
    const echoing = <A, E>(
      options: Options.Options,
      body: Effect.Effect<A, E, Engine.Engine>,
      level?: LogLevel.LogLevel
    ) => logging(Effect.exit(body), level).pipe(Effect.provide(Engine.layer({ url, maxSize: 1, ...options })))

    it.live(
      `logs statements at Debug with their duration, and hides what is in their parameters [${backend.name}]`,
      () =>
        Effect.gen(function* () {
          const [, logged] = yield* echoing(
            { echo: true },
            Effect.zip(
              Engine.execute("SELECT ?, :b".replace(":b", "?"), ["s3cret", 5]),
              Engine.transaction(Engine.execute("SELECT 1"))
            )
          )
          expect(logged.map(({ message }) => message)).toEqual([
            "SELECT ?, ?",
            backend.isServer ? "BEGIN" : "BEGIN IMMEDIATE",
            "SELECT 1",
            "COMMIT"
          ])
          expect(logged.every(({ level }) => level === "DEBUG")).toBe(true)
          expect(logged[0]?.about).toEqual({
            connection: expect.any(String),
            parameters: "2, not shown",
            milliseconds: expect.any(Number),
            rows: 1
          })
          expect(JSON.stringify(logged)).not.toContain("s3cret")
        })
    )

    it.live(`shows parameters with logParameters, long ones in part [${backend.name}]`, () =>
      Effect.gen(function* () {
        const parameters = ["it's", 1.5, 2n, null, new Date(0), new Uint8Array(7), "x".repeat(500), Redacted.make("pw")]
        const [, logged] = yield* echoing(
          { echo: true, logParameters: true },
          Engine.execute(`SELECT ${parameters.map(() => "?").join(", ")}`, parameters)
        )
        expect(logged[0]?.about.parameters).toBe(
          `["it's", 1.5, 2, NULL, 1970-01-01T00:00:00.000Z, 7 bytes, "${"x".repeat(100)}…", "pw"]`
        )
      })
    )

    it.scopedLive(`logs several sets as one statement [${backend.name}]`, () =>
      Effect.gen(function* () {
        const run = (options: Options.Options) =>
          echoing(
            options,
            Effect.scoped(
              Effect.flatMap(table("id INTEGER"), (t) =>
                Engine.execute(`INSERT INTO ${t} VALUES (?)`, [[1], [2], [3], [4], [5]])
              )
            )
          )
        const insertOf = (logged: ReadonlyArray<Logged>) =>
          logged.filter(({ message }) => String(message).startsWith("INSERT")).map(({ about }) => about)
        const [, hidden] = yield* run({ echo: true })
        expect(insertOf(hidden)).toMatchObject([{ parameters: "5 sets, not shown", rows: 5 }])
        const [, shown] = yield* run({ echo: true, logParameters: true })
        expect(insertOf(shown)).toMatchObject([{ parameters: "[1], [2], [3] and 2 sets more" }])
      })
    )

    it.live(`logs what a statement failed with [${backend.name}]`, () =>
      Effect.gen(function* () {
        const [, logged] = yield* echoing({ echo: true }, Engine.execute("SELECT * FROM no_such_table"))
        expect(logged).toMatchObject([{ about: { failed: "ProgrammingError (NoSuchTable)" } }])
      })
    )

    if (backend.isServer) {
      it.live(`logs that a statement was interrupted [${backend.name}]`, () =>
        Effect.gen(function* () {
          const [, logged] = yield* echoing(
            { echo: true },
            Effect.timeout(Engine.execute("SELECT SLEEP(5)"), "100 millis")
          )
          expect(logged).toMatchObject([{ message: "SELECT SLEEP(5)", about: { failed: "interrupted" } }])
        })
      )
    }

    it.live(`is off unless asked for, and silent at Info [${backend.name}]`, () =>
      Effect.gen(function* () {
        const [, off] = yield* echoing({}, Engine.execute("SELECT 1"))
        const [, info] = yield* echoing({ echo: true }, Engine.execute("SELECT 1"), LogLevel.Info)
        expect([off, info]).toEqual([[], []])
      })
    )
  })

  if (!backend.isServer) {
    describe("what only servers have", () => {
      it.scopedLive("is refused with a typed error [sqlite]", () =>
        Effect.gen(function* () {
          const connection = yield* Connection.make({ url })
          for (const effect of [
            connection.selectDatabase("x"),
            connection.kill("1"),
            connection.setIsolationLevel("read committed")
          ])
            expect(yield* Effect.flip(effect)).toMatchObject({ _tag: "NotSupportedError" })
        })
      )
    })
    return
  }

  describe("selectDatabase", () => {
    const schema = Effect.gen(function* () {
      const admin = yield* observer(backend)
      const name = `other_${process.pid}_${backend.name}`
      yield* Effect.acquireRelease(admin.execute(`CREATE DATABASE IF NOT EXISTS ${name}`), () =>
        Effect.ignore(admin.execute(`DROP DATABASE ${name}`))
      )
      return name
    })

    it.scopedLive(`changes the database of names without one [${backend.name}]`, () =>
      Effect.gen(function* () {
        const name = yield* schema
        const connection = yield* Connection.make({ url })
        yield* connection.selectDatabase(name)
        expect(yield* valueOf(connection, "SELECT DATABASE()")).toBe(name)
      })
    )

    it.scopedLive(`is undone before the next user has the connection [${backend.name}]`, () =>
      Effect.gen(function* () {
        const name = yield* schema
        const engine = yield* Engine.make({ url, maxSize: 1 })
        const first = yield* engine.pool.use((connection) =>
          Effect.zipRight(connection.selectDatabase(name), valueOf(connection, "SELECT CONNECTION_ID()"))
        )
        const { rows } = yield* engine.execute("SELECT DATABASE(), CONNECTION_ID()")
        expect([...rows[0]!]).toEqual([new URL(url).pathname.slice(1), first])
      })
    )

    it.scopedLive(
      `fails with a typed error where there is none of that name, and changes nothing [${backend.name}]`,
      () =>
        Effect.gen(function* () {
          const connection = yield* Connection.make({ url })
          const error = yield* Effect.flip(connection.selectDatabase("no_such_database"))
          expect(error).toMatchObject({ _tag: "OperationalError", reason: "UnknownDatabase", errno: 1049 })
          expect(yield* valueOf(connection, "SELECT DATABASE()")).toBe(new URL(url).pathname.slice(1))
        })
    )

    it.scopedLive(`is refused while a stream is open [${backend.name}]`, () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({ url })
        const compiled = Statement.compileText("SELECT 1", undefined, connection.dialect)
        if (compiled instanceof Errors.ArgumentError) return yield* Effect.fail(compiled)
        yield* connection.stream(compiled, connection.values)
        expect(yield* Effect.flip(connection.selectDatabase("x"))).toMatchObject({ _tag: "InvalidRequestError" })
      })
    )
  })

  describe("setIsolationLevel", () => {
    const variable = backend.name === "mysql" ? "@@transaction_isolation" : "@@tx_isolation"

    it.scopedLive(`holds for the connection until it goes back [${backend.name}]`, () =>
      Effect.gen(function* () {
        const engine = yield* Engine.make({ url, maxSize: 1, isolationLevel: "read committed" })
        const read = `SELECT CONCAT(${variable}, ' ', CONNECTION_ID())`
        const own = yield* engine.pool.use((connection) =>
          Effect.zipRight(connection.setIsolationLevel("serializable"), valueOf(connection, read))
        )
        const { rows } = yield* engine.execute(read)
        expect(String(own)).toMatch(/^SERIALIZABLE \d+$/)
        expect(rows[0]?.[0]).toBe(String(own).replace("SERIALIZABLE", "READ-COMMITTED"))
      })
    )
  })

  describe("SAConnection.setIsolationLevel", () => {
    const variable = backend.name === "mysql" ? "@@transaction_isolation" : "@@tx_isolation"

    it.scopedLive(`holds for the transactions to come of a lent connection [${backend.name}]`, () =>
      Effect.gen(function* () {
        const engine = yield* Engine.make({ url, maxSize: 1 })
        const before = yield* engine.scalar<{ level: string }>(`SELECT ${variable} AS level`)
        const within = yield* engine.withConnection(
          Effect.flatMap(SAConnection.SAConnection, (connection) =>
            Effect.gen(function* () {
              yield* connection.setIsolationLevel("serializable")
              // A program without types can give anything; it would stand in a statement.
              const wrong = "serializable, READ ONLY" as "serializable"
              expect(yield* Effect.flip(connection.setIsolationLevel(wrong))).toMatchObject({
                _tag: "NotSupportedError"
              })
              return yield* connection.transaction(connection.scalar<{ level: string }>(`SELECT ${variable} AS level`))
            })
          )
        )
        expect(within).toEqual(Option.some("SERIALIZABLE"))
        expect(yield* engine.scalar<{ level: string }>(`SELECT ${variable} AS level`)).toEqual(before)
      })
    )
  })

  describe("kill", () => {
    it.scopedLive(`ends another connection [${backend.name}]`, () =>
      Effect.gen(function* () {
        const killer = yield* Connection.make({ url })
        const victim = yield* Connection.make({ url })
        yield* killer.kill(victim.id)
        const error = yield* Effect.flip(execute(victim, "SELECT SLEEP(1)"))
        expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
        expect(victim.isSpent()).toBe(true)
      })
    )

    it.scopedLive(`ends only a statement, where that is asked for [${backend.name}]`, () =>
      Effect.gen(function* () {
        const killer = yield* Connection.make({ url })
        const victim = yield* Connection.make({ url })
        const long = Effect.exit(
          execute(
            victim,
            "SELECT COUNT(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c"
          )
        )
        const killing = Effect.delay(killer.kill(victim.id, "statement"), "200 millis")
        const [exit] = yield* Effect.zip(long, killing, { concurrent: true })
        expect(exit).toMatchObject({ _tag: "Failure", cause: { error: { reason: "Interrupted", errno: 1317 } } })
        expect(yield* valueOf(victim, "SELECT 2")).toBe(2)
      })
    )

    it.scopedLive(`fails with a typed error for what is no connection [${backend.name}]`, () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({ url })
        expect(yield* Effect.flip(connection.kill("4294967290"))).toMatchObject({
          _tag: "OperationalError",
          errno: 1094
        })
        for (const id of ["", "1; DROP TABLE t", "-1", "x"])
          expect(yield* Effect.flip(connection.kill(id))).toMatchObject({ _tag: "ArgumentError", argument: "id" })
      })
    )
  })

  describe("multiStatements", () => {
    const several = (
      title: string,
      body: () => Effect.Effect<void, unknown, Engine.Engine>,
      options: Options.Options = { multiStatements: true }
    ): void => withEngine(backend, title, body, { maxSize: 1, ...options })

    several(
      "are refused by the server unless asked for",
      () =>
        Effect.gen(function* () {
          expect(yield* Effect.flip(Engine.execute("SELECT 1; SELECT 2"))).toMatchObject({ reason: "Syntax" })
          expect(yield* Effect.flip(Engine.execute("SET @a = 1; SET @b = 2"))).toMatchObject({ reason: "Syntax" })
        }),
      {}
    )

    several("execute all of a text, with parameters too", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const t = yield* table("id INTEGER, name VARCHAR(20)")
          yield* Engine.execute(
            `INSERT INTO ${t} VALUES (?, ?); INSERT INTO ${t} VALUES (?, ';?'); UPDATE ${t} SET name = ? WHERE id = 2`,
            [1, "it's; \\", 2, "two"]
          )
          const { rows } = yield* Engine.execute(`SELECT * FROM ${t} ORDER BY id`)
          expect(rows.map((row) => [...row])).toEqual([
            [1, "it's; \\"],
            [2, "two"]
          ])
        })
      )
    )

    several("give a result for each, in order", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const engine = yield* Engine.Engine
          yield* engine.pool.use((connection) =>
            Effect.gen(function* () {
              const cursor = yield* Cursor.make(connection)
              yield* cursor.execute("SELECT 1 AS a; SET @x = 5; SELECT @x AS b, ? AS c", ["c"])
              const first = yield* cursor.fetchAll
              expect(yield* cursor.nextSet).toBe(true)
              expect(yield* cursor.nextSet).toBe(true)
              const last = yield* cursor.fetchAll
              expect([first.map((row) => [...row]), last.map((row) => [...row])]).toEqual([[[1]], [[5, "c"]]])
              expect(yield* cursor.nextSet).toBe(false)
            }).pipe(Effect.scoped)
          )
        })
      )
    )

    several("fail where the first of them fails: what came before it is done", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const text = `INSERT INTO ${t} VALUES (1); INSERT INTO ${t} VALUES (1); INSERT INTO ${t} VALUES (2)`
          expect(yield* Effect.flip(Engine.execute(text))).toMatchObject({ reason: "UniqueViolation" })
          const { rows } = yield* Engine.execute(`SELECT id FROM ${t}`)
          expect(rows.map((row) => row[0])).toEqual([1])
        })
      )
    )

    several("leave nothing to the next user, whichever of them leaves it", () =>
      Effect.gen(function* () {
        yield* Engine.execute("SELECT 1; DO GET_LOCK('several', 1)")
        const { rows } = yield* Engine.execute("SELECT IS_FREE_LOCK('several')")
        expect(rows[0]?.[0]).toBe(1)
        yield* Engine.execute("SELECT 1; SET @left = 5")
        expect((yield* Engine.execute("SELECT @left")).rows[0]?.[0]).toBe(null)
      })
    )

    several("are one statement where the semicolon is not between two", () =>
      Effect.gen(function* () {
        const result = yield* Engine.execute("SELECT 0.1e0, ';' AS a, ? -- ; SELECT 2\n;", [1.5])
        expect([...result.rows[0]!]).toEqual([0.1, ";", 1.5])
      })
    )
  })
}

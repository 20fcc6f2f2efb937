// What the options make of a session: on every connection, and again after every reset.
import { describe, expect, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect } from "effect"
import { Connection, Engine, type Errors, type Options, Statement } from "effect-sa"
import { type Backend, tableName, withEngine } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"
import { account, targetOf } from "./Login.js"

const scalar = (sql: string) => Effect.map(Engine.execute(sql), (result) => result.rows[0]?.[0])

/** A variable of the session, and the same after somebody else has changed it and given the connection back. */
const beforeAndAfterReset = (read: string, change: string) =>
  Effect.gen(function* () {
    const before = yield* scalar(read)
    yield* Engine.execute(change)
    return [before, yield* scalar(read)]
  })

const failureOf = (options: Options.Options): Effect.Effect<Errors.ExecuteError, unknown> =>
  Effect.scoped(Effect.flatMap(Engine.make(options), (engine) => Effect.flip(engine.execute("SELECT 1"))))

export const sessionContract = (backend: Backend): void => {
  const isolation = backend.name === "mysql" ? "@@transaction_isolation" : "@@tx_isolation"
  const test = (
    title: string,
    options: Omit<Options.Options, "url">,
    body: () => Effect.Effect<void, unknown, Engine.Engine>
  ): void => withEngine(backend, title, body, { maxSize: 1, ...options })

  describe("sqlMode", () => {
    test("holds on every connection, and after every reset", { sqlMode: "ANSI_QUOTES,NO_ZERO_DATE" }, () =>
      Effect.gen(function* () {
        const modes = yield* beforeAndAfterReset("SELECT @@sql_mode", "SET sql_mode = 'TRADITIONAL'")
        expect(modes).toEqual(["ANSI_QUOTES,NO_ZERO_DATE", "ANSI_QUOTES,NO_ZERO_DATE"])
      })
    )

    test("may be none at all", { sqlMode: "" }, () =>
      Effect.gen(function* () {
        expect(yield* scalar("SELECT @@sql_mode")).toBe("")
      })
    )

    test("with ANSI_QUOTES: what stands in double quotes is a name", { sqlMode: "ANSI_QUOTES" }, () =>
      Effect.gen(function* () {
        const result = yield* Engine.execute(String.raw`SELECT ? AS "x?", ? AS "a\", ':n' AS "b"`, [1, "two"])
        expect(result.keys).toEqual(["x?", "a\\", "b"])
        expect([...result.rows[0]!]).toEqual([1, "two", ":n"])
      })
    )

    test("with NO_BACKSLASH_ESCAPES: a backslash escapes nothing", { sqlMode: "NO_BACKSLASH_ESCAPES" }, () =>
      Effect.gen(function* () {
        const result = yield* Engine.execute(String.raw`SELECT '\' AS a, ? AS b, "\" AS c, :n`.replace(":n", "?"), [
          "it's \\",
          2
        ])
        expect([...result.rows[0]!]).toEqual(["\\", "it's \\", "\\", 2])
        const named = yield* Engine.execute(String.raw`SELECT '\', :a, '?'`, { a: "\\'" })
        expect([...named.rows[0]!]).toEqual(["\\", "\\'", "?"])
      })
    )

    test("without these: a backslash escapes, and double quotes are those of strings", {}, () =>
      Effect.gen(function* () {
        const result = yield* Engine.execute(String.raw`SELECT '\'?', "\"?", ?`, [3])
        expect([...result.rows[0]!]).toEqual(["'?", '"?', 3])
      })
    )

    for (const sqlMode of ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]) {
      test(`"${sqlMode}" is kept to by literals too`, { sqlMode }, () =>
        Effect.gen(function* () {
          const said = String.raw`a\'"\b`
          const t = tableName()
          // No server prepares statements about triggers or prepared statements, so that their parameters go as literals.
          if (backend.name === "mysql") {
            yield* Engine.execute(`CREATE TABLE ${t} (v VARCHAR(20))`)
            yield* Engine.execute(`CREATE TRIGGER r${t} BEFORE INSERT ON ${t} FOR EACH ROW SET NEW.v = ?`, [said])
            yield* Engine.execute(`INSERT INTO ${t} VALUES ('')`)
            expect(yield* scalar(`SELECT v FROM ${t}`)).toBe(said)
            yield* Engine.execute(`DROP TABLE ${t}`)
          } else {
            const quoted = said.replaceAll("'", "''")
            const literal = sqlMode === "" ? quoted.replaceAll("\\", "\\\\") : quoted
            const read = Engine.withConnection(
              Effect.zipRight(Engine.execute(`PREPARE ${t} FROM ?`, [`SELECT '${literal}'`]), scalar(`EXECUTE ${t}`))
            )
            expect(yield* read).toBe(said)
          }
        })
      )
    }

    it.live(`that the server does not know fails each connect, and names the statement [${backend.name}]`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf({ url: backend.url, sqlMode: "NO_SUCH_MODE" })
        expect(error).toMatchObject({
          _tag: "ProgrammingError",
          errno: 1231,
          statement: "SET sql_mode = 'NO_SUCH_MODE'"
        })
      })
    )
  })

  it.live(`the options of a session are taken from Config [${backend.name}]`, () =>
    Effect.gen(function* () {
      const live = Engine.layerConfig({
        url: Config.redacted("URL"),
        sqlMode: Config.string("MODE"),
        isolationLevel: Config.literal("read committed", "serializable")("LEVEL"),
        initCommand: Config.array(Config.string(), "COMMANDS")
      })
      const given = [
        ["URL", backend.url],
        ["MODE", "ANSI_QUOTES"],
        ["LEVEL", "serializable"],
        ["COMMANDS", "SET @a = 1,SET @b = 2"]
      ] as const
      const { rows } = yield* Engine.execute(`SELECT @@sql_mode, ${isolation}, @a + @b`).pipe(
        Effect.provide(live),
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map(given)))
      )
      expect([...rows[0]!]).toEqual(["ANSI_QUOTES", "SERIALIZABLE", 3])
    })
  )

  describe("initCommand", () => {
    test(
      "is executed on every connection, and after every reset",
      { initCommand: ["SET @greeting = 'hello'", "SET SESSION group_concat_max_len = 12345"] },
      () =>
        Effect.gen(function* () {
          const read = "SELECT CONCAT(@greeting, @@group_concat_max_len)"
          const change = "SET @greeting = 'bye', group_concat_max_len = 1024"
          expect(yield* beforeAndAfterReset(read, change)).toEqual(["hello12345", "hello12345"])
        })
    )

    test("may be a select, which finds the session as it will be", { initCommand: "SELECT 1 UNION SELECT 2" }, () =>
      Effect.gen(function* () {
        expect(yield* scalar("SELECT 3")).toBe(3)
      })
    )

    it.scopedLive(`is no change that a reset would have to undo [${backend.name}]`, () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({
          url: backend.url,
          sqlMode: "ANSI",
          isolationLevel: "read committed",
          initCommand: ["SET SESSION group_concat_max_len = 2048", "SET @x = 1"]
        })
        expect(connection.recycle(false)).toBe("keep")
        const changing = Statement.compileText("SET @y = 1", undefined, connection.dialect)
        if (changing instanceof Error) return yield* Effect.fail(changing)
        yield* connection.execute(changing, connection.values)
        const recycled = connection.recycle(false)
        expect(typeof recycled === "string" ? recycled : yield* recycled).toBe("keep")
        expect(connection.recycle(false)).toBe("keep")
      })
    )

    for (const [title, initCommand, expected] of [
      ["a syntax error", "SETT x", { _tag: "ProgrammingError", reason: "Syntax", statement: "SETT x" }],
      ["an unknown table", ["SET @a = 1", "SELECT * FROM no_such_table"], { reason: "NoSuchTable" }],
      ["a wrong value", ["SELECT CAST('x' AS UNSIGNED)", "SELECT EXP(1000)"], { _tag: "ProgrammingError", errno: 1690 }]
    ] as const) {
      it.live(`that fails, by ${title}, fails each connect with a typed error [${backend.name}]`, () =>
        Effect.gen(function* () {
          const error = yield* failureOf({ url: backend.url, initCommand })
          const statement = typeof initCommand === "string" ? initCommand : initCommand.at(-1)
          expect(error).toMatchObject({ statement, ...expected })
          expect(["ProgrammingError", "OperationalError"]).toContain(error._tag)
        })
      )
    }

    it.scopedLive(`that fails leaves no connection on the server [${backend.name}]`, () =>
      Effect.gen(function* () {
        const user = yield* account(backend, "IDENTIFIED BY 'pw'")
        const admin = yield* observer(backend)
        const { host, port } = targetOf(backend)
        yield* failureOf({ host, port, user, password: "pw", initCommand: "SETT x" })
        yield* eventually(
          Effect.map(
            admin.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = ?", [user]),
            (found) => found.rowCount === 0
          )
        )
      })
    )

    for (const [command, named] of [
      ["SET time_zone = '+05:30'", "time_zone"],
      ["SET NAMES latin1", "character_set_client"],
      ["SET character_set_results = NULL", "character_set_results"],
      ["SET autocommit = 0", "autocommit"],
      ["SET session_track_state_change = 0", "session_track_state_change"],
      ["BEGIN", "the transaction"]
    ] as const) {
      it.live(`must leave what the driver relies on: ${command} [${backend.name}]`, () =>
        Effect.gen(function* () {
          const error = yield* failureOf({ url: backend.url, initCommand: command })
          expect(error).toMatchObject({ _tag: "ProgrammingError", reason: "Other", statement: command })
          expect(error.message).toContain(`initCommand must leave as it was: ${named}`)
        })
      )
    }

    it.live(`is over within connectTimeout [${backend.name}]`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf({
          url: backend.url,
          initCommand: "SELECT SLEEP(5)",
          connectTimeout: "300 millis",
          acquireTimeout: "500 millis"
        })
        expect(error).toMatchObject({ _tag: "PoolTimeoutError", cause: { reason: "ConnectTimeout" } })
      })
    )
  })

  describe("isolationLevel", () => {
    test("holds on every connection, and after every reset", { isolationLevel: "read committed" }, () =>
      Effect.gen(function* () {
        const change = "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"
        expect(yield* beforeAndAfterReset(`SELECT ${isolation}`, change)).toEqual(["READ-COMMITTED", "READ-COMMITTED"])
      })
    )

    it.live(`can be each of the four, also as an URL has it [${backend.name}]`, () =>
      Effect.gen(function* () {
        for (const level of ["READ-UNCOMMITTED", "READ COMMITTED", "repeatable read", "SERIALIZABLE"]) {
          const url = `${backend.url}?isolationLevel=${encodeURIComponent(level)}`
          const found = yield* Effect.scoped(
            Effect.flatMap(Engine.make({ url }), (engine) => engine.execute(`SELECT ${isolation}`))
          )
          expect(found.rows[0]?.[0]).toBe(level.toUpperCase().replace(" ", "-"))
        }
      })
    )

    test("gives way to a transaction's own", { isolationLevel: "serializable" }, () =>
      Effect.gen(function* () {
        const table = tableName()
        yield* Engine.execute(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY) ENGINE = InnoDB`)
        const level = (isolationLevel?: "read committed") =>
          Engine.transaction(
            Effect.gen(function* () {
              yield* Engine.execute(`SELECT * FROM ${table}`)
              // The list of transactions is made anew after a tenth of a second.
              yield* Effect.sleep("150 millis")
              return yield* scalar(
                "SELECT trx_isolation_level FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = CONNECTION_ID()"
              )
            }),
            isolationLevel === undefined ? {} : { isolationLevel }
          )
        expect([yield* level(), yield* level("read committed"), yield* level()]).toEqual([
          "SERIALIZABLE",
          "READ COMMITTED",
          "SERIALIZABLE"
        ])
        yield* Engine.execute(`DROP TABLE ${table}`)
      })
    )
  })

  describe("charset and collation", () => {
    test("utf8mb4: every character goes in and comes out", { charset: "utf8mb4" }, () =>
      Effect.gen(function* () {
        const text = "😀 \u{1d11e} ß 漢"
        expect(
          yield* Engine.execute("SELECT ?, HEX(?)", [text, "😀"]).pipe(Effect.map((r) => [...r.rows[0]!]))
        ).toEqual([text, "F09F9880"])
        const names = yield* Engine.execute(
          "SELECT @@character_set_client, @@character_set_connection, @@character_set_results"
        )
        expect([...names.rows[0]!]).toEqual(["utf8mb4", "utf8mb4", "utf8mb4"])
      })
    )

    test("a collation is the session's, after every reset too", { collation: "utf8mb4_bin" }, () =>
      Effect.gen(function* () {
        const read = "SELECT CONCAT(@@collation_connection, 'a' = 'A')"
        const change = "SET NAMES utf8mb4 COLLATE utf8mb4_general_ci"
        expect(yield* beforeAndAfterReset(read, change)).toEqual(["utf8mb4_bin0", "utf8mb4_bin0"])
      })
    )

    it.live(`a collation that the server does not know fails each connect [${backend.name}]`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf({ url: backend.url, collation: "no_such_collation" })
        expect(error).toMatchObject({ _tag: "OperationalError", errno: 1273 })
        expect("statement" in error && error.statement).toContain("COLLATE no_such_collation")
      })
    )
  })
}

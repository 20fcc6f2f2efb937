// executemany where something comes in its way: an interruption, a kill, a table that cannot undo, a trigger that fails, a
// session in another mode, a server that takes less than others.
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, type Scope } from "effect"
import { Engine, type Errors, type Value } from "effect-sa"
import { type Backend, servers, table, tableName, withEngine } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"
import { type Server, startMariadb } from "../support/servers/mariadb.js"
import { startMysql } from "../support/servers/mysql.js"

type Sets = ReadonlyArray<ReadonlyArray<Value.Parameter>>

const range = (length: number): ReadonlyArray<number> => Array.from({ length }, (_, i) => i)

const rowsOf = (
  sql: string
): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(Engine.execute(sql), ({ rows }) => rows.map((row) => [...row]))

/** What is of the program's making, and lives as long as the scope. */
const created = (
  kind: "TRIGGER" | "PROCEDURE",
  definition: (name: string) => string
): Effect.Effect<string, Errors.ExecuteError, Engine.Engine | Scope.Scope> =>
  Effect.suspend(() => {
    const name = tableName(kind.toLowerCase())
    return Effect.acquireRelease(Effect.as(Engine.execute(`CREATE ${kind} ${definition(name)}`), name), () =>
      Effect.ignore(Engine.execute(`DROP ${kind} IF EXISTS ${name}`))
    )
  })

/** A table on which a row takes its time. */
const slowTable = Effect.gen(function* () {
  const t = yield* table("id INTEGER PRIMARY KEY")
  yield* created("TRIGGER", (name) => `${name} BEFORE INSERT ON ${t} FOR EACH ROW SET @slept = SLEEP(0.01)`)
  return t
})

const duplicate = { _tag: "IntegrityError", reason: "UniqueViolation" }

/** Sets for a column of different numbers, of which the one at `place` is there already. */
const withDuplicate = (size: number, place: number): Sets => range(size).map((i) => [i === place ? -1 : i])

for (const backend of servers()) {
  describe(`an executemany on ${backend.name}`, () => {
    // MySQL's own list can be read whatever is in the statements of others.
    const processes = backend.name === "mysql" ? "performance_schema.processlist" : "information_schema.PROCESSLIST"
    const idOf = Effect.map(Engine.scalar("SELECT CONNECTION_ID()"), (id) => Number(Option.getOrThrow(id)))
    /** Whether this connection is in the middle of a statement. */
    const isRunning = (admin: Engine.Engine, id: number): Effect.Effect<boolean, Errors.ExecuteError> =>
      Effect.map(
        admin.execute(`SELECT 1 FROM ${processes} WHERE ID = ? AND COMMAND <> 'Sleep'`, [id]),
        ({ rowCount }) => rowCount > 0
      )
    const isGone = (admin: Engine.Engine, id: number): Effect.Effect<boolean, Errors.ExecuteError> =>
      Effect.map(admin.execute(`SELECT 1 FROM ${processes} WHERE ID = ?`, [id]), ({ rowCount }) => rowCount === 0)
    const hasTransaction = (admin: Engine.Engine, id: number): Effect.Effect<boolean, Errors.ExecuteError> =>
      Effect.map(
        admin.execute("SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = ?", [id]),
        ({ rowCount }) => rowCount > 0
      )

    const interrupted = (sets: Sets, delay: number) =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const t = yield* slowTable
        yield* Engine.execute(`INSERT INTO ${t} VALUES (-1)`)
        const insert = `INSERT INTO ${t} VALUES (?)`
        for (const run of [
          Engine.execute(insert, sets),
          Engine.transaction(
            Effect.zipRight(Engine.execute(`INSERT INTO ${t} VALUES (-2)`), Engine.execute(insert, sets))
          )
        ]) {
          const id = yield* idOf
          const fiber = yield* Effect.fork(run)
          yield* eventually(isRunning(admin, id))
          yield* Effect.sleep(delay)
          const asked = performance.now()
          expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
          expect(performance.now() - asked).toBeLessThan(250)
          yield* eventually(isGone(admin, id))
          yield* eventually(Effect.map(hasTransaction(admin, id), (has) => !has))
          expect(yield* rowsOf(`SELECT id FROM ${t}`)).toEqual([[-1]])
        }
      })

    // A row takes 10 ms. Both servers take 256 sets, or 64, as one batch.
    withEngine(
      backend,
      "that is interrupted returns at once, and leaves no part of its batch",
      () =>
        interrupted(
          range(256).map((i) => [i]),
          150
        ),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "that is interrupted while it looks for the set that failed leaves nothing of that",
      () => interrupted(withDuplicate(64, 63), 850),
      { maxSize: 1 }
    )

    for (const [what, kill, reason] of [
      ["statement", "KILL QUERY", "Interrupted"],
      ["connection", "KILL", "ConnectionLost"]
    ] as const) {
      withEngine(
        backend,
        `whose ${what} is killed fails, and keeps nothing of its batch`,
        () =>
          Effect.gen(function* () {
            const admin = yield* observer(backend)
            const t = yield* slowTable
            const insert = `INSERT INTO ${t} VALUES (?)`
            const id = yield* idOf
            const sets = range(256).map((i) => [i])
            const fiber = yield* Effect.fork(Effect.flip(Engine.execute(insert, sets)))
            yield* eventually(isRunning(admin, id))
            yield* Effect.sleep(100)
            yield* admin.execute(`${kill} ${id}`)
            expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "OperationalError", reason })
            yield* eventually(Effect.map(hasTransaction(admin, id), (has) => !has))
            yield* Engine.execute(insert, [[7], [8]])
            expect(yield* rowsOf(`SELECT id FROM ${t} ORDER BY id`)).toEqual([[7], [8]])
            // What was killed is the statement: its connection goes on.
            expect((yield* idOf) === id).toBe(what === "statement")
          }),
        { maxSize: 1 }
      )
    }

    // ---- tables that cannot undo --------------------------------------------------------------------------------------

    withEngine(backend, "on a table that cannot undo inserts no row twice, and names no set", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER")
        yield* Engine.execute(`DROP TABLE ${t}`)
        for (const [size, place] of [
          [2, 1],
          [300, 200],
          [300, 0]
        ] as const) {
          yield* Engine.execute(`CREATE TABLE ${t} (id INTEGER UNIQUE, k INTEGER) ENGINE = MyISAM`)
          yield* Engine.execute(`INSERT INTO ${t} VALUES (-1, -1)`)
          const sets = withDuplicate(size, place).map(([id]) => [id ?? null, 7])
          const failed = Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, sets)
          const error = yield* Effect.flip(place === 200 ? Engine.transaction(failed) : failed)
          expect(error).toMatchObject(duplicate)
          expect(error).not.toHaveProperty("parameterSet")
          // What came before the duplicate is there, as with one statement after the other.
          expect(yield* rowsOf(`SELECT id FROM ${t} WHERE k = 7 ORDER BY id`)).toEqual(range(place).map((i) => [i]))
          yield* Engine.execute(`DROP TABLE ${t}`)
        }
      })
    )

    withEngine(
      backend,
      "on a table that cannot undo has strict values in all rows only where all tables are strict",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER")
          yield* Engine.execute(`DROP TABLE ${t}`)
          yield* Engine.execute(`CREATE TABLE ${t} (id INTEGER, short VARCHAR(3)) ENGINE = MyISAM`)
          const insert = Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
            [1, "a"],
            [2, "too long"],
            [3, "c"]
          ])
          const inMode = (mode: string) =>
            Engine.withConnection(Effect.zipRight(Engine.execute(`SET sql_mode = '${mode}'`), insert))
          expect((yield* inMode("STRICT_TRANS_TABLES")).warningCount).toBe(1)
          const stored = rowsOf(`SELECT id, short FROM ${t} ORDER BY id`)
          expect(yield* stored).toEqual([
            [1, "a"],
            [2, "too"],
            [3, "c"]
          ])
          yield* Engine.execute(`DELETE FROM ${t}`)
          expect(yield* Effect.flip(inMode("STRICT_ALL_TABLES"))).toMatchObject({
            _tag: "DataError",
            reason: "TooLong"
          })
          expect(yield* stored).toEqual([[1, "a"]])
        })
    )

    withEngine(backend, "is not taken in by a temporary table that hides one that can undo", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, k INTEGER")
        yield* Engine.withConnection(
          Effect.gen(function* () {
            yield* Engine.execute(`CREATE TEMPORARY TABLE ${t} (id INTEGER, k INTEGER UNIQUE) ENGINE = MyISAM`)
            yield* Engine.execute(`INSERT INTO ${t} VALUES (0, 99)`)
            const sets = range(100).map((i) => [i, i])
            const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, sets))
            expect(error).toMatchObject(duplicate)
            expect(error).not.toHaveProperty("parameterSet")
            expect(yield* rowsOf(`SELECT count(*), count(DISTINCT k) FROM ${t}`)).toEqual([[100, 100]])
            yield* Engine.execute(`DROP TEMPORARY TABLE ${t}`)
          })
        )
        expect(yield* rowsOf(`SELECT count(*) FROM ${t}`)).toEqual([[0]])
      })
    )

    withEngine(backend, "names the set on a temporary table that can undo, in a schema of a strange name too", () =>
      Effect.gen(function* () {
        const schema = `\`em \`\`${process.pid}\``
        yield* Effect.acquireRelease(Engine.execute(`CREATE DATABASE IF NOT EXISTS ${schema}`), () =>
          Effect.ignore(Engine.execute(`DROP DATABASE IF EXISTS ${schema}`))
        )
        yield* Engine.withConnection(
          Effect.forEach(["TABLE", "TEMPORARY TABLE"], (kind) =>
            Effect.gen(function* () {
              const name = `${schema}.\`a table, "so to say"\n) ENGINE=MyISAM\``
              yield* Engine.execute(
                `CREATE ${kind} ${name} (id INTEGER UNIQUE, n VARCHAR(99) DEFAULT 'a
) ENGINE=MyISAM' COMMENT 'it''s
) ENGINE=MyISAM') ENGINE = InnoDB`
              )
              yield* Engine.execute(`INSERT INTO ${name} (id) VALUES (-1)`)
              const failed = Engine.execute(`INSERT INTO ${name} (id) VALUES (?)`, withDuplicate(300, 217))
              expect(yield* Effect.flip(failed)).toMatchObject({ ...duplicate, parameterSet: 217 })
              yield* Engine.execute(`DROP ${kind} ${name}`)
            })
          )
        )
      })
    )

    // ---- triggers -----------------------------------------------------------------------------------------------------

    withEngine(backend, "names the set for which a trigger failed, whatever row the server tells of", () =>
      Effect.gen(function* () {
        const log = yield* table("text VARCHAR(5), n INTEGER UNIQUE")
        const t = yield* table("id INTEGER PRIMARY KEY, text VARCHAR(20), n INTEGER")
        yield* created(
          "TRIGGER",
          (name) => `${name} BEFORE INSERT ON ${t} FOR EACH ROW BEGIN
            INSERT INTO ${log} VALUES ('ok', NULL), (NEW.text, NEW.n);
            IF NEW.id = 5000 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not that one at row 1'; END IF;
          END`
        )
        const sets = (place: number, bad: ReadonlyArray<Value.Parameter>): Sets =>
          range(300).map((i) => (i === place ? bad : [i, "ok", i]))
        for (const [place, bad, error] of [
          [150, [150, "too long", 150], { _tag: "DataError" }],
          [299, [299, "ok", 7], duplicate],
          [220, [5_000, "ok", 220], { _tag: "OperationalError", errno: 1644 }]
        ] as const) {
          const failed = Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, sets(place, bad))
          expect(yield* Effect.flip(failed)).toMatchObject({ ...error, parameterSet: place })
          yield* Engine.execute(`DELETE FROM ${t}`)
          yield* Engine.execute(`DELETE FROM ${log}`)
        }
      })
    )

    withEngine(
      backend,
      "names no set where it does not meet the same failure again, and leaves nothing of looking for it",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          // It counts the rows that it was called for, over both executions, and fails at these.
          for (const [first, second] of [
            [64, 1_000],
            [64, 100]
          ] as const) {
            const trigger = yield* created(
              "TRIGGER",
              (name) => `${name} BEFORE INSERT ON ${t} FOR EACH ROW BEGIN
              SET @rows = @rows + 1;
              IF @rows = ${first} THEN SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1062, MESSAGE_TEXT = 'first'; END IF;
              IF @rows = ${second} THEN SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1452, MESSAGE_TEXT = 'second'; END IF;
            END`
            )
            yield* Engine.withConnection(
              Effect.gen(function* () {
                yield* Engine.execute("SET @rows = 0")
                const sets = range(64).map((i) => [i])
                const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (?)`, sets))
                expect(error).toMatchObject({ _tag: "IntegrityError", errno: 1062 })
                expect(error).not.toHaveProperty("parameterSet")
                // It was looked for.
                expect(Number(Option.getOrThrow(yield* Engine.scalar("SELECT @rows")))).toBeGreaterThanOrEqual(100)
                expect(yield* rowsOf(`SELECT id FROM ${t}`)).toEqual([])
                expect(yield* rowsOf("SELECT @@autocommit")).toEqual([[1]])
              })
            )
            yield* Engine.execute(`DROP TRIGGER ${trigger}`)
          }
        })
    )

    // ---- sessions -----------------------------------------------------------------------------------------------------

    withEngine(
      backend,
      "keeps the tables locked that its session has locked, when it looks for the set that failed",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const t = yield* table("id INTEGER PRIMARY KEY")
          yield* Engine.withConnection(
            Effect.gen(function* () {
              yield* Engine.execute(`LOCK TABLES ${t} WRITE`)
              yield* Engine.execute(`INSERT INTO ${t} VALUES (-1)`)
              const failed = Engine.execute(`INSERT INTO ${t} VALUES (?)`, withDuplicate(64, 50))
              expect(yield* Effect.flip(failed)).toMatchObject({ ...duplicate, parameterSet: 50 })
              const read = Effect.zipRight(
                admin.execute("SET SESSION lock_wait_timeout = 1"),
                admin.execute(`SELECT * FROM ${t}`)
              )
              expect(yield* Effect.flip(admin.withConnection(read))).toMatchObject({ reason: "LockTimeout" })
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, [[1_000], [2_000]])
              yield* Engine.execute("UNLOCK TABLES")
            })
          )
          expect(yield* rowsOf(`SELECT id FROM ${t} ORDER BY id`)).toEqual([[-1], [1_000], [2_000]])
        })
    )

    withEngine(backend, "is part of the transaction that a session without autocommit is in", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const t = yield* table("id INTEGER PRIMARY KEY")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (-1)`)
        const seen = Effect.map(admin.scalar(`SELECT count(*) FROM ${t}`), Option.getOrNull)
        yield* Engine.withConnection(
          Effect.gen(function* () {
            yield* Engine.execute("SET autocommit = 0")
            const insert = (sets: Sets) => Engine.execute(`INSERT INTO ${t} VALUES (?)`, sets)
            expect(yield* Effect.flip(insert(withDuplicate(64, 50)))).toMatchObject({ ...duplicate, parameterSet: 50 })
            yield* insert(range(64).map((i) => [i]))
            expect(yield* seen).toBe(1)
            const more = withDuplicate(64, 30).map(([i]) => [Number(i) < 0 ? -1 : Number(i) + 100])
            expect(yield* Effect.flip(insert(more))).toMatchObject({ ...duplicate, parameterSet: 30 })
            expect(yield* rowsOf(`SELECT count(*), @@autocommit FROM ${t}`)).toEqual([[65, 0]])
            yield* Engine.execute("COMMIT")
            expect(yield* seen).toBe(65)
          })
        )
        expect(yield* rowsOf("SELECT @@autocommit")).toEqual([[1]])
      })
    )

    withEngine(backend, "in a session that is not strict stores what one statement for each set does", () =>
      Effect.gen(function* () {
        const columns = "id INTEGER PRIMARY KEY AUTO_INCREMENT, short VARCHAR(5), tiny TINYINT NOT NULL, day DATE"
        const [one, many] = [yield* table(columns), yield* table(columns)]
        const sets: Sets = range(300).map((i) => [
          "a".repeat(i % 9),
          i % 7 === 0 ? 1_000 : i % 11 === 0 ? "7 apples" : i,
          i % 5 === 0 ? "2024-02-31" : "2024-02-28"
        ])
        const insert = (t: string) => `INSERT INTO ${t} (short, tiny, day) VALUES (?, ?, ?)`
        const contents = (t: string) => rowsOf(`SELECT short, tiny, CAST(day AS CHAR(20)) FROM ${t} ORDER BY id`)
        for (const mode of ["", "NO_ZERO_DATE", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]) {
          yield* Engine.withConnection(
            Effect.gen(function* () {
              yield* Engine.execute(`SET sql_mode = '${mode}'`)
              yield* Effect.forEach(sets, (set) => Engine.execute(insert(one), set))
              yield* Engine.execute(insert(many), sets)
              expect(yield* contents(many)).toEqual(yield* contents(one))
              // NULL fails a row by itself, and is made a 0 in one of many.
              const withNull: Sets = [
                ["a", 1, null],
                ["b", null, null],
                ["c", 3, null]
              ]
              expect(yield* Effect.flip(Engine.execute(insert(many), withNull))).toMatchObject({
                reason: "NotNullViolation",
                parameterSet: 1
              })
              expect((yield* contents(many)).length).toBe(301)
              // And strict again, in the same session.
              yield* Engine.execute("SET sql_mode = 'STRICT_TRANS_TABLES'")
              expect(yield* Effect.flip(Engine.execute(insert(many), sets))).toMatchObject({
                _tag: "DataError",
                parameterSet: 0
              })
              expect((yield* contents(many)).length).toBe(301)
            })
          )
          yield* Engine.execute(`DELETE FROM ${one}`)
          yield* Engine.execute(`DELETE FROM ${many}`)
        }
      })
    )

    withEngine(
      backend,
      "goes on when the table was changed, or made anew, since the last one of the same text",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY AUTO_INCREMENT, v INTEGER")
          const insert = (sets: Sets) => Engine.execute(`INSERT INTO ${t} (v) VALUES (?)`, sets)
          const sets: Sets = range(300).map((i) => [i])
          const stored = rowsOf(`SELECT v FROM ${t} ORDER BY id`)
          yield* insert(sets)
          expect(yield* stored).toEqual(sets)
          yield* Engine.execute(`ALTER TABLE ${t} ADD COLUMN w INTEGER DEFAULT 7, MODIFY v VARCHAR(20)`)
          yield* insert(sets)
          expect(yield* stored).toEqual([...sets, ...sets].map(([v]) => [String(v)]))
          yield* Engine.execute(`DROP TABLE ${t}`)
          expect(yield* Effect.flip(insert(sets))).toMatchObject({ _tag: "ProgrammingError", reason: "NoSuchTable" })
          yield* Engine.execute(`CREATE TABLE ${t} (v DOUBLE, id INTEGER PRIMARY KEY AUTO_INCREMENT)`)
          yield* Engine.execute("FLUSH TABLES")
          yield* insert(sets)
          yield* insert(sets.map(([v]) => [Number(v) + 0.5]))
          expect(yield* stored).toEqual([...sets, ...sets.map(([v]) => [Number(v) + 0.5])])
          yield* Engine.execute(`ALTER TABLE ${t} MODIFY v DECIMAL(10,3)`)
          yield* insert([[1.2345], [2], [null]])
          expect((yield* stored).slice(-3)).toEqual([["1.235"], ["2.000"], [null]])
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "calls a procedure for each set, and stops at the one that fails", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        const add = yield* created("PROCEDURE", (name) => `${name}(IN n INTEGER) INSERT INTO ${t} VALUES (n)`)
        yield* Engine.execute(`CALL ${add}(?)`, [[1], [2], [3]])
        expect(yield* Effect.flip(Engine.execute(`CALL ${add}(?)`, [[4], [2], [5]]))).toMatchObject({
          ...duplicate,
          parameterSet: 1
        })
        expect(yield* rowsOf(`SELECT id FROM ${t} ORDER BY id`)).toEqual([[1], [2], [3], [4]])
      })
    )
  })

  // Global variables are nobody else's on a server of one's own.
  describe(`an executemany on a ${backend.name} that takes little`, () => {
    let server: Server | undefined
    const own = (): Backend => ({ ...backend, url: server?.url ?? "" })
    beforeAll(async () => {
      server = await startOwn(backend)
    }, 120_000)
    afterAll(async () => {
      await server?.stop()
    })

    /** A new engine, after the variables were set. */
    const withGlobals = <A, E>(
      globals: string,
      body: Effect.Effect<A, E, Engine.Engine | Scope.Scope>
    ): Effect.Effect<A, unknown, Scope.Scope> =>
      Effect.gen(function* () {
        const admin = yield* observer(own())
        yield* Effect.acquireRelease(admin.execute(`SET GLOBAL ${globals}`), () =>
          Effect.ignore(admin.execute("SET GLOBAL max_allowed_packet = DEFAULT, max_prepared_stmt_count = DEFAULT"))
        )
        const engine = yield* Engine.make({ url: own().url, maxSize: 1 })
        return yield* Effect.provideService(body, Engine.Engine, engine)
      })

    const columns = "id INTEGER PRIMARY KEY, a LONGTEXT CHARACTER SET utf8mb4, b LONGBLOB"
    const kibibyte = 1024

    it.scopedLive("packet stores sets that are together longer than it", () =>
      Effect.forEach([2, 64, 1_024], (size) =>
        withGlobals(
          `max_allowed_packet = ${size * kibibyte}`,
          Effect.gen(function* () {
            const t = yield* table(columns)
            const sets: Sets = range(1_500).map((i) => [i, "€😀".repeat(i % 50), new Uint8Array(i % 300)])
            const insert = Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, sets)
            expect((yield* Engine.transaction(insert)).rowCount).toBe(1_500)
            expect(yield* rowsOf(`SELECT id, CHAR_LENGTH(a), LENGTH(b) FROM ${t} ORDER BY id`)).toEqual(
              range(1_500).map((i) => [i, 2 * (i % 50), i % 300])
            )
          })
        )
      )
    )

    it.scopedLive("packet refuses a set that is longer than it, names it, and keeps the batches before", () =>
      withGlobals(
        `max_allowed_packet = ${64 * kibibyte}`,
        Effect.gen(function* () {
          const t = yield* table(columns)
          const sets = (from: number): Sets =>
            range(40).map((i) => [from + i, "a".repeat(3_000), new Uint8Array(i === 25 ? 70_000 : 3_000)])
          const insert = (from: number) => Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, sets(from))
          const tooLarge = { _tag: "OperationalError", reason: "PacketTooLarge", parameterSet: 25 }
          expect(yield* Effect.flip(insert(0))).toMatchObject(tooLarge)
          expect(yield* rowsOf(`SELECT id FROM ${t} ORDER BY id`)).toEqual(range(25).map((i) => [i]))
          // Of a transaction nothing is kept, because the server ends the connection.
          expect(yield* Effect.flip(Engine.transaction(insert(100)))).toMatchObject({ reason: "PacketTooLarge" })
          expect(yield* rowsOf(`SELECT count(*) FROM ${t}`)).toEqual([[25]])
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, sets(200).slice(0, 20))
          expect(yield* rowsOf(`SELECT count(*) FROM ${t}`)).toEqual([[45]])
        })
      )
    )

    it.scopedLive("packet refuses a value over 1 MiB that is longer than it, and its connection goes on", () =>
      withGlobals(
        `max_allowed_packet = ${2 * 1_024 * kibibyte}`,
        Effect.gen(function* () {
          const t = yield* table(columns)
          const sets: Sets = range(40).map((i) => [i, "a", new Uint8Array(i === 25 ? 2_200_000 : 3)])
          yield* Engine.transaction(
            Effect.gen(function* () {
              const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, sets))
              expect(error).toMatchObject({ _tag: "OperationalError", reason: "PacketTooLarge", parameterSet: 25 })
            })
          )
          expect(yield* rowsOf(`SELECT id FROM ${t} ORDER BY id`)).toEqual(range(25).map((i) => [i]))
        })
      )
    )

    it.scopedLive("number of prepared statements executes its sets in another way", () =>
      withGlobals(
        "max_prepared_stmt_count = 0",
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          yield* Engine.execute(
            `INSERT INTO ${t} VALUES (?)`,
            range(300).map((i) => [i])
          )
          const failed = Engine.execute(`INSERT INTO ${t} VALUES (?)`, [[300], [301], [7], [302]])
          expect(yield* Effect.flip(failed)).toMatchObject({ ...duplicate, parameterSet: 2 })
        })
      )
    )
  })
}

/** A server beside the one that the tests are given. */
const startOwn = async (backend: Backend): Promise<Server> => {
  const [name, start] =
    backend.name === "mysql"
      ? (["EFFECT_SA_TEST_MYSQL_URL", startMysql] as const)
      : (["EFFECT_SA_TEST_MARIADB_URL", startMariadb] as const)
  const given = process.env[name]
  delete process.env[name]
  try {
    return await start()
  } finally {
    if (given !== undefined) process.env[name] = given
  }
}

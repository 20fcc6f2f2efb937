// What is SQLite's own: values that its drivers handle badly, databases in memory, files and their locks.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Chunk, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, type Scope, Stream } from "effect"
import { Engine, type Errors, Pool, Statement, type Value } from "effect-sa"
import { sqlite, table, withEngine } from "../support/Backend.js"

const backend = sqlite()

/** A folder that is there while the scope lives. */
const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-sa-sqlite-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const urlOf = (path: string): string => `sqlite:///${encodeURIComponent(path)}`

const file: Effect.Effect<string, never, Scope.Scope> = Effect.map(folder, (path) => urlOf(join(path, "test.db")))

const first = (engine: Engine.Engine, sql: string, parameters?: ReadonlyArray<Value.Parameter>) =>
  Effect.map(engine.execute(sql, parameters), (result) => result.rows.map((row) => row[0] as unknown))

const elapsed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [number, A], E, R> =>
  Effect.map(Effect.timed(effect), ([duration, value]) => [Duration.toMillis(duration), value] as const)

describe("Values", () => {
  withEngine(backend, "a lone parameter of every kind reaches the database as what it is", () =>
    Effect.gen(function* () {
      const typeOf = (value: Value.Parameter) => Engine.scalar("SELECT typeof(?)", [value])
      const kinds: ReadonlyArray<readonly [Value.Parameter, string]> = [
        [true, "integer"],
        [false, "integer"],
        [1, "integer"],
        [-1, "integer"],
        [2 ** 53 - 1, "integer"],
        [5n, "integer"],
        [0.5, "real"],
        [1e300, "real"],
        ["", "text"],
        ["1", "text"],
        [new Uint8Array([1]), "blob"],
        [new Uint8Array(0), "blob"],
        [Buffer.from("a"), "blob"],
        [new Date(), "text"],
        [{ a: 1 }, "text"],
        [null, "null"],
        [Option.none(), "null"]
      ]
      for (const [value, type] of kinds) expect([value, yield* typeOf(value)]).toEqual([value, Option.some(type)])
    })
  )

  withEngine(backend, "a Buffer that is a window on others' memory is stored without what is around it", () =>
    Effect.gen(function* () {
      const around = Buffer.from("before-middle-after")
      const window = around.subarray(7, 13)
      const view = new Uint8Array(around.buffer, around.byteOffset + 7, 6)
      for (const bytes of [window, view]) {
        const found = yield* Engine.scalar("SELECT ? AS v", [bytes])
        expect(Buffer.from(Option.getOrThrow(found) as Uint8Array).toString()).toBe("middle")
        expect(yield* Engine.scalar("SELECT hex(?)", [bytes])).toEqual(Option.some("6D6964646C65"))
      }
    })
  )

  withEngine(backend, "integers above 2^53 go in exactly and come out exactly or not at all", () =>
    Effect.gen(function* () {
      for (const value of [2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n) - 1n]) {
        const text = yield* Engine.scalar("SELECT CAST(? AS TEXT)", [value])
        expect(text).toEqual(Option.some(String(value)))
        expect(yield* Engine.scalar("SELECT ? AS v", [value], { integers: "bigint" })).toEqual(Option.some(value))
        expect(yield* Engine.scalar("SELECT ? AS v", [value], { integers: "string" })).toEqual(
          Option.some(String(value))
        )
        expect(yield* Effect.flip(Engine.execute("SELECT ? AS v", [value]))).toMatchObject({
          _tag: "DataError",
          reason: "UnsafeInteger"
        })
      }
    })
  )

  withEngine(backend, "an integer that is too large for SQLite is a typed error, and nothing is stored", () =>
    Effect.gen(function* () {
      const t = yield* table("v BIGINT")
      const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (?)`, [2n ** 63n]))
      expect(error).toMatchObject({ _tag: "DataError", reason: "OutOfRange" })
      expect(error.message).not.toContain(String(2n ** 63n))
      expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
    })
  )

  withEngine(
    backend,
    "an integer beyond 2^53 in any column of integers can be read by the option that the error names",
    () =>
      Effect.gen(function* () {
        // SQLite's integers have 64 bits whatever the column is declared as.
        for (const type of ["INTEGER", "BIGINT", "INT", "INT8", "MEDIUMINT", "UNSIGNED BIG INT"]) {
          const t = yield* table(`v ${type}`)
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, [2n ** 60n])
          const error = yield* Effect.flip(Engine.execute(`SELECT v FROM ${t}`))
          expect([type, error]).toMatchObject([type, { _tag: "DataError", reason: "UnsafeInteger" }])
          const found = yield* Effect.either(Engine.scalar(`SELECT v FROM ${t}`, undefined, { integers: "bigint" }))
          expect([type, found]).toMatchObject([type, { _tag: "Right", right: Option.some(2n ** 60n) }])
        }
      })
  )

  withEngine(backend, "text with a NUL comes back whole, or is refused before it is cut", () =>
    Effect.gen(function* () {
      const t = yield* table("v TEXT")
      for (const value of ["\0", "a\0b", "\0\0end", "end\0"]) {
        yield* Engine.execute(`DELETE FROM ${t}`)
        const outcome = yield* Effect.either(Engine.execute(`INSERT INTO ${t} VALUES (?)`, [value]))
        const found = yield* Engine.execute(`SELECT v FROM ${t}`)
        if (outcome._tag === "Right") expect(found.rows.map((row) => row[0])).toEqual([value])
        else {
          expect(outcome.left).toMatchObject({ _tag: "NotSupportedError", reason: "NotSupported" })
          expect(found.rows).toHaveLength(0)
        }
      }
    })
  )

  withEngine(backend, "text that is stored in a column of another type is a typed error that names the column", () =>
    Effect.gen(function* () {
      const t = yield* table("a INTEGER, b DOUBLE, c DATETIME")
      yield* Engine.execute(`INSERT INTO ${t} VALUES ('x', 'y', 'z')`)
      for (const column of ["a", "b", "c"]) {
        const error = yield* Effect.flip(Engine.execute(`SELECT ${column} FROM ${t}`))
        expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
        expect(error.message).toContain(`"${column}"`)
        const inStream = yield* Effect.flip(Stream.runDrain(Engine.stream(`SELECT ${column} FROM ${t}`)))
        expect(inStream).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
      }
      expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
    })
  )

  withEngine(
    backend,
    "a decimal column that has something else is a typed error where it is asked for as BigDecimal",
    () =>
      Effect.gen(function* () {
        const t = yield* table("v DECIMAL(10,2)")
        for (const stored of ["'abc'", "''", "x'00'", "9e999", "-9e999"]) {
          yield* Engine.execute(`DELETE FROM ${t}`)
          yield* Engine.execute(`INSERT INTO ${t} VALUES (${stored})`)
          const select = `SELECT v FROM ${t}`
          const error = yield* Effect.flip(Engine.execute(select, undefined, { decimals: "BigDecimal" }))
          expect([stored, error]).toMatchObject([stored, { _tag: "DataError", reason: "InvalidValue" }])
          const inStream = Stream.runDrain(Engine.stream(select, undefined, { decimals: "BigDecimal" }))
          expect(yield* Effect.flip(inStream)).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
        }
        expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
      }),
    { maxSize: 1 }
  )

  withEngine(
    backend,
    "temporary tables of one borrower are gone for the next, however they were made",
    () =>
      Effect.gen(function* () {
        for (const sql of [
          "CREATE TABLE temp.leak (a)",
          "CREATE TEMP TABLE leak (a)",
          'CREATE TABLE "temp".leak (a)',
          "CREATE TABLE IF NOT EXISTS temp.leak (a)",
          "CREATE VIEW temp.leak AS SELECT 1"
        ]) {
          yield* Engine.execute(sql)
          expect([sql, yield* Effect.flip(Engine.execute("SELECT * FROM temp.leak"))]).toMatchObject([
            sql,
            { reason: "NoSuchTable" }
          ])
        }
      }),
    { maxSize: 1 }
  )

  withEngine(backend, "integers that a statement computes are numbers", () =>
    Effect.gen(function* () {
      const t = yield* table("v INTEGER")
      yield* Engine.execute(`INSERT INTO ${t} VALUES (1), (2)`)
      const found = yield* Engine.execute(
        `SELECT count(*), sum(v), max(v), avg(v), 1 + 1, 'a' || 'b', x'00ff' FROM ${t}`
      )
      expect([...(found.rows[0] ?? [])]).toEqual([2, 3, 2, 1.5, 2, "ab", new Uint8Array([0, 255])])
    })
  )

  withEngine(backend, "columns of one name do not vanish, and none is special", () =>
    Effect.gen(function* () {
      const found = yield* Engine.execute('SELECT 1 AS a, 2 AS a, 3 AS "__proto__", 4 AS "constructor"')
      expect(found.keys).toEqual(["a", "a", "__proto__", "constructor"])
      expect([...(found.rows[0] ?? [])]).toEqual([1, 2, 3, 4])
    })
  )
})

describe("Statements", () => {
  withEngine(backend, "surplus and missing parameters are refused, and nothing is executed", () =>
    Effect.gen(function* () {
      const t = yield* table("a INTEGER, b INTEGER")
      const insert = `INSERT INTO ${t} VALUES (?, ?)`
      const wrong: ReadonlyArray<ReadonlyArray<Value.Parameter>> = [[1], [1, 2, 3]]
      for (const parameters of wrong) {
        expect(yield* Effect.flip(Engine.execute(insert, parameters))).toMatchObject({ _tag: "ArgumentError" })
        expect(yield* Effect.flip(Engine.execute(insert, [[1, 2], parameters]))).toMatchObject({
          _tag: "ArgumentError"
        })
      }
      expect(yield* Effect.flip(Engine.execute(insert))).toMatchObject({ _tag: "ArgumentError" })
      expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
    })
  )

  withEngine(backend, "SQLite's other markers are refused rather than bound to NULL", () =>
    Effect.gen(function* () {
      const t = yield* table("a INTEGER")
      for (const sql of [
        `INSERT INTO ${t} VALUES (?1)`,
        `INSERT INTO ${t} VALUES ($a)`,
        `INSERT INTO ${t} VALUES (@a)`
      ]) {
        const outcome = yield* Effect.either(Engine.execute(sql))
        expect([sql, outcome._tag]).toEqual([sql, "Left"])
      }
      expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
    })
  )

  withEngine(backend, "several statements in one text are refused, and none of them is executed", () =>
    Effect.gen(function* () {
      const t = yield* table("a INTEGER")
      const several = [
        `INSERT INTO ${t} VALUES (1); INSERT INTO ${t} VALUES (2)`,
        `INSERT INTO ${t} VALUES (1);INSERT INTO ${t} VALUES (2);`,
        `INSERT INTO ${t} VALUES (1) /* ; */ ; DROP TABLE ${t}`,
        `SELECT 1; SELECT 2`,
        `; INSERT INTO ${t} VALUES (1); INSERT INTO ${t} VALUES (2)`
      ]
      for (const sql of several) {
        const error = yield* Effect.flip(Engine.execute(sql))
        expect([sql, error]).toMatchObject([sql, { _tag: "ProgrammingError", reason: "Syntax" }])
        expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
      }
    })
  )

  withEngine(backend, "a semicolon at the end, in a string, a comment or a trigger is no second statement", () =>
    Effect.gen(function* () {
      const t = yield* table("a TEXT")
      yield* Engine.execute(`INSERT INTO ${t} VALUES ('a;b');`)
      yield* Engine.execute(`INSERT INTO ${t} VALUES ('c'); -- done; really\n ; /* ; */`)
      yield* Engine.execute(
        `CREATE TRIGGER ${t}_x AFTER INSERT ON ${t} WHEN new.a = 'd' BEGIN UPDATE ${t} SET a = 'x' WHERE a = 'c'; UPDATE ${t} SET a = 'y' WHERE a = 'd'; END`
      )
      yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, ["d"])
      const found = yield* Engine.execute(`SELECT a FROM ${t} ORDER BY rowid`)
      expect(found.rows.map((row) => row[0])).toEqual(["a;b", "x", "y"])
    })
  )

  withEngine(
    backend,
    "a select that is prepared already gives the columns that the table has now",
    () =>
      Effect.gen(function* () {
        const t = yield* table("a INTEGER")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
        const all = Engine.execute(`SELECT * FROM ${t}`)
        expect((yield* all).keys).toEqual(["a"])
        yield* Engine.execute(`ALTER TABLE ${t} ADD COLUMN b VARCHAR(5) DEFAULT 'x'`)
        expect((yield* all).keys).toEqual(["a", "b"])
        expect([...((yield* all).rows[0] ?? [])]).toEqual([1, "x"])
        const streamed = yield* Stream.runCollect(Engine.stream(`SELECT * FROM ${t}`))
        expect(Chunk.toReadonlyArray(streamed).map((row) => [...row])).toEqual([[1, "x"]])
        yield* Engine.execute(`ALTER TABLE ${t} DROP COLUMN a`)
        expect((yield* all).keys).toEqual(["b"])
        expect((yield* all).rows.map((row) => [...row])).toEqual([["x"]])
      }),
    { maxSize: 1 }
  )

  withEngine(
    backend,
    "more different statements than are kept are executed all the same",
    () =>
      Effect.gen(function* () {
        for (let round = 0; round < 2; round++) {
          for (let i = 0; i < 20; i++) expect(yield* Engine.scalar(`SELECT ${i} + ?`, [1])).toEqual(Option.some(i + 1))
        }
      }),
    { maxSize: 1, statementCacheSize: 3 }
  )

  withEngine(backend, "foreign keys hold, on every connection", () =>
    Effect.gen(function* () {
      const parent = yield* table("id INTEGER PRIMARY KEY")
      const child = yield* table(`id INTEGER PRIMARY KEY, parent INTEGER REFERENCES ${parent} (id)`)
      const engine = yield* Engine.Engine
      const insert = Effect.flip(Engine.execute(`INSERT INTO ${child} VALUES (1, 99)`))
      expect(yield* insert).toMatchObject({ reason: "ForeignKeyViolation" })
      yield* engine.pool.clear
      expect(yield* insert).toMatchObject({ reason: "ForeignKeyViolation" })
      // A program may turn them off on its connection; the next to have it is not concerned.
      yield* Engine.withConnection(
        Effect.gen(function* () {
          yield* Engine.execute("PRAGMA foreign_keys = OFF")
          yield* Engine.execute(`INSERT INTO ${child} VALUES (2, 99)`)
        })
      )
      expect(yield* insert).toMatchObject({ reason: "ForeignKeyViolation" })
    })
  )
})

describe("A database in memory", () => {
  withEngine(
    backend,
    "is one for all connections of an engine",
    () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
        const engine = yield* Engine.Engine
        const three = yield* Effect.all([engine.acquire, engine.acquire, engine.acquire])
        const counts = yield* Effect.forEach(three, (conn) => conn.scalar(`SELECT count(*) FROM ${t}`))
        expect(counts).toEqual([Option.some(1), Option.some(1), Option.some(1)])
        expect((yield* engine.pool.numbers).used).toBe(3)
      }),
    { maxSize: 3 }
  )

  withEngine(
    backend,
    "is there after the pool was cleared, and after its connections were idle for too long",
    () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
        const engine = yield* Engine.Engine
        yield* engine.pool.clear
        expect((yield* engine.pool.numbers).size).toBe(0)
        expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(1))
        yield* engine.pool.numbers.pipe(
          Effect.delay("20 millis"),
          Effect.repeat({ until: ({ size }) => size === 0, times: 200 })
        )
        expect((yield* engine.pool.numbers).size).toBe(0)
        expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(1))
      }),
    { idleTimeout: 50 }
  )

  withEngine(
    backend,
    "is written by one connection at a time, and one that could not wait so long holds up nobody",
    () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        const engine = yield* Engine.Engine
        const a = yield* engine.acquire
        const b = yield* engine.acquire
        const transaction = yield* a.begin()
        yield* a.execute(`INSERT INTO ${t} VALUES (1)`)
        for (const sql of [`INSERT INTO ${t} VALUES (2)`, `SELECT * FROM ${t}`])
          expect(yield* Effect.flip(b.execute(sql))).toMatchObject({ _tag: "OperationalError", reason: "LockTimeout" })
        yield* transaction.commit
        yield* a.execute(`INSERT INTO ${t} VALUES (3)`)
        expect((yield* b.execute(`SELECT id FROM ${t} ORDER BY id`)).rows.map((row) => row[0])).toEqual([1, 3])
        yield* b.execute(`INSERT INTO ${t} VALUES (4)`)
        yield* Engine.execute(`INSERT INTO ${t} VALUES (5)`)
        expect(yield* a.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(4))
      }),
    { lockTimeout: 60 }
  )

  it.live("is another for each engine, and gone with it", () => {
    const url = "sqlite::memory:"
    class One extends Engine.Service<One>()("sqlite/One") {}
    class Two extends Engine.Service<Two>()("sqlite/Two") {}
    const both = Effect.gen(function* () {
      yield* One.execute("CREATE TABLE mine (id INTEGER)")
      yield* Two.execute("CREATE TABLE mine (id TEXT)")
      yield* One.execute("INSERT INTO mine VALUES (1)")
      expect(yield* One.scalar("SELECT count(*) FROM mine")).toEqual(Option.some(1))
      expect(yield* Two.scalar("SELECT count(*) FROM mine")).toEqual(Option.some(0))
    }).pipe(Effect.provide(Layer.merge(One.layer({ url }), Two.layer({ url }))))
    return Effect.zipRight(both, both)
  })

  it.live("makes no file", () =>
    Effect.gen(function* () {
      const before = readdirSync(process.cwd())
      yield* Engine.execute("CREATE TABLE t (id INTEGER)").pipe(Effect.provide(Engine.layer()))
      expect(readdirSync(process.cwd())).toEqual(before)
    })
  )
})

describe("A database in a file", () => {
  it.scopedLive("keeps its rows from one engine to the next", () =>
    Effect.gen(function* () {
      const url = yield* file
      yield* Effect.gen(function* () {
        yield* Engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        yield* Engine.execute("INSERT INTO t VALUES (?, ?)", [1, "kept"])
      }).pipe(Effect.provide(Engine.layer({ url })))
      const found = yield* Engine.scalar("SELECT v FROM t WHERE id = ?", [1]).pipe(
        Effect.provide(Engine.layer({ url }))
      )
      expect(found).toEqual(Option.some("kept"))
    })
  )

  it.scopedLive("may have a name with spaces, percent signs and letters of any language", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const name = "100% größe ü?#&.db"
      yield* Engine.execute("CREATE TABLE t (id INTEGER)").pipe(
        Effect.provide(Engine.layer({ url: urlOf(join(path, name)) }))
      )
      expect(readdirSync(path).filter((each) => each.endsWith(".db"))).toEqual([name])
    })
  )

  it.scopedLive("is in WAL mode, with foreign keys on", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.make({ url: yield* file })
      expect(yield* first(engine, "PRAGMA journal_mode")).toEqual(["wal"])
      expect(yield* first(engine, "PRAGMA foreign_keys")).toEqual([1])
      expect(yield* first(engine, "PRAGMA busy_timeout")).toEqual([0])
    })
  )

  it.scopedLive("that cannot be opened is a typed error, by its name", () =>
    Effect.gen(function* () {
      const path = yield* folder
      mkdirSync(join(path, "a-folder"))
      writeFileSync(
        join(path, "garbage.db"),
        "this is no database, and long enough to be taken for the header of one, which it is not\n".repeat(20)
      )
      for (const name of ["no/such/folder/x.db", "a-folder"]) {
        const engine = yield* Engine.make({ url: urlOf(join(path, name)), acquireTimeout: 200 })
        const [millis, error] = yield* elapsed(Effect.flip(engine.execute("SELECT 1")))
        const shown = `${error._tag} ${"cause" in error ? String(error.cause) : ""} ${error.message}`
        expect([name, shown]).toEqual([name, expect.stringMatching(/OperationalError/)])
        expect(shown).toContain(name)
        expect(millis).toBeLessThan(3_000)
      }
      const garbage = yield* Engine.make({ url: urlOf(join(path, "garbage.db")), acquireTimeout: 200 })
      expect(yield* Effect.flip(garbage.execute("SELECT 1"))).toMatchObject({
        _tag: "InternalError",
        reason: "Corrupt"
      })
    })
  )

  it.scopedLive("that cannot be opened fails an engine with minSize when it is made", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const error = yield* Effect.flip(
        Effect.scoped(Pool.make({ url: urlOf(join(path, "no", "x.db")), minSize: 1, acquireTimeout: 200 }))
      )
      expect(["OperationalError", "PoolTimeoutError"]).toContain(error._tag)
    })
  )
})

describe("Two connections of one file", () => {
  /** Two engines on one file with a table, as two programs would have. */
  const two = (lockTimeout: number, maxSize = 10) =>
    Effect.gen(function* () {
      const url = yield* file
      const a = yield* Engine.make({ url, lockTimeout })
      const b = yield* Engine.make({ url, lockTimeout, maxSize })
      yield* a.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)")
      yield* a.execute("INSERT INTO t VALUES (0, 0)")
      return { a, b }
    })

  /** Holds the write lock until told to let it go. */
  const holding = (engine: Engine.Engine) =>
    Effect.gen(function* () {
      const held = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkScoped(
        engine.transaction(
          Effect.gen(function* () {
            yield* engine.execute("UPDATE t SET v = v + 1 WHERE id = 0")
            yield* Deferred.succeed(held, undefined)
            yield* Deferred.await(release)
          })
        )
      )
      yield* Deferred.await(held)
      return { fiber, release: Deferred.succeed(release, undefined) }
    })

  it.scopedLive("wait for each other without stopping the event loop, and both write", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two(5_000)
      const holder = yield* holding(a)
      const waiter = yield* Effect.fork(b.execute("INSERT INTO t VALUES (1, 1)"))
      let ticks = 0
      let longest = 0
      let last = performance.now()
      const timer = setInterval(() => {
        ticks++
        longest = Math.max(longest, performance.now() - last)
        last = performance.now()
      }, 5)
      yield* Effect.sleep("300 millis")
      clearInterval(timer)
      expect(Option.isNone(yield* Fiber.poll(waiter))).toBe(true)
      expect(ticks).toBeGreaterThan(15)
      expect(longest).toBeLessThan(200)
      yield* holder.release
      yield* Fiber.join(holder.fiber)
      expect((yield* Fiber.join(waiter)).rowCount).toBe(1)
      expect(yield* first(a, "SELECT v FROM t ORDER BY id")).toEqual([1, 1])
    })
  )

  it.scopedLive("read what is committed while another writes", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two(200)
      const holder = yield* holding(a)
      expect(yield* first(b, "SELECT v FROM t WHERE id = 0")).toEqual([0])
      yield* holder.release
      yield* Fiber.join(holder.fiber)
      expect(yield* first(b, "SELECT v FROM t WHERE id = 0")).toEqual([1])
    })
  )

  it.scopedLive(
    "wait no longer than lockTimeout: then it is a LockTimeout, and the connection is as good as before",
    () =>
      Effect.gen(function* () {
        const { a, b } = yield* two(200)
        const holder = yield* holding(a)
        for (const attempt of [
          b.execute("INSERT INTO t VALUES (1, 1)"),
          b.transaction(b.execute("INSERT INTO t VALUES (1, 1)")),
          Stream.runDrain(b.stream("INSERT INTO t VALUES (1, 1) RETURNING id"))
        ]) {
          const [millis, error] = yield* elapsed(Effect.flip(attempt))
          expect(error).toMatchObject({ _tag: "OperationalError", reason: "LockTimeout" })
          expect(millis).toBeGreaterThanOrEqual(190)
          expect(millis).toBeLessThan(2_000)
        }
        expect(yield* first(b, "SELECT count(*) FROM t")).toEqual([1])
        yield* holder.release
        yield* Fiber.join(holder.fiber)
        expect((yield* b.execute("INSERT INTO t VALUES (1, 1)")).rowCount).toBe(1)
      })
  )

  const writes: ReadonlyArray<
    readonly [title: string, write: (b: Engine.Engine) => Effect.Effect<unknown, Errors.ExecuteError>]
  > = [
    ["a statement", (b) => b.execute("UPDATE t SET v = v + 10 WHERE id = 0")],
    ["a statement with RETURNING", (b) => b.execute("UPDATE t SET v = v + 10 WHERE id = 0 RETURNING v")],
    ["a transaction", (b) => b.transaction(b.execute("UPDATE t SET v = v + 10 WHERE id = 0"))],
    ["a stream", (b) => Stream.runDrain(b.stream("UPDATE t SET v = v + 10 WHERE id = 0 RETURNING v"))]
  ]
  for (const [title, write] of writes) {
    it.scopedLive(`hold no old snapshot after ${title} that met a lock: they can write when it is gone`, () =>
      Effect.gen(function* () {
        const { a, b } = yield* two(50, 1)
        const holder = yield* holding(a)
        expect(yield* Effect.flip(write(b))).toMatchObject({ reason: "LockTimeout" })
        expect(yield* first(b, "SELECT v FROM t")).toEqual([0])
        yield* holder.release
        yield* Fiber.join(holder.fiber)
        expect(yield* first(b, "SELECT v FROM t")).toEqual([1])
        yield* b.execute("UPDATE t SET v = v + 100 WHERE id = 0")
        expect(yield* first(a, "SELECT v FROM t")).toEqual([101])
      })
    )

    it.scopedLive(`hold no old snapshot after ${title} that waited for a lock and got it`, () =>
      Effect.gen(function* () {
        const { a, b } = yield* two(5_000, 1)
        const holder = yield* holding(a)
        const waiter = yield* Effect.fork(write(b))
        yield* Effect.sleep("40 millis")
        yield* holder.release
        yield* Fiber.join(holder.fiber)
        yield* Fiber.join(waiter)
        expect(yield* first(b, "SELECT v FROM t")).toEqual([11])
        yield* a.execute("UPDATE t SET v = v + 100 WHERE id = 0")
        expect(yield* first(b, "SELECT v FROM t")).toEqual([111])
        yield* b.execute("UPDATE t SET v = v + 1000 WHERE id = 0")
        expect(yield* first(a, "SELECT v FROM t")).toEqual([1111])
      })
    )
  }

  it.scopedLive("do not wait at all where lockTimeout is 0", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two(0)
      const holder = yield* holding(a)
      const [millis, error] = yield* elapsed(Effect.flip(b.execute("INSERT INTO t VALUES (1, 1)")))
      expect(error).toMatchObject({ _tag: "OperationalError", reason: "LockTimeout" })
      expect(millis).toBeLessThan(150)
      yield* holder.release
      yield* Fiber.join(holder.fiber)
    })
  )

  it.scopedLive("stop waiting at once when they are interrupted", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two(20_000)
      const holder = yield* holding(a)
      const waiter = yield* Effect.fork(b.execute("INSERT INTO t VALUES (1, 1)"))
      yield* Effect.sleep("60 millis")
      const [millis, exit] = yield* elapsed(Fiber.interrupt(waiter))
      expect(Exit.isInterrupted(exit)).toBe(true)
      expect(millis).toBeLessThan(500)
      yield* holder.release
      yield* Fiber.join(holder.fiber)
      // What was interrupted is not done later.
      yield* Effect.sleep("60 millis")
      expect(yield* first(b, "SELECT count(*) FROM t")).toEqual([1])
    })
  )

  it.scopedLive("that an engine's own pool lends take turns at writing: none of many updates is lost", () =>
    Effect.gen(function* () {
      const engine = yield* Engine.make({ url: yield* file, maxSize: 4 })
      yield* engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)")
      yield* engine.execute("INSERT INTO t VALUES (0, 0)")
      yield* Effect.forEach(
        Array.from({ length: 40 }, (_, i) => i),
        () =>
          engine.transaction(
            Effect.gen(function* () {
              const [v] = yield* first(engine, "SELECT v FROM t WHERE id = 0")
              yield* Effect.yieldNow()
              yield* engine.execute("UPDATE t SET v = ? WHERE id = 0", [Number(v) + 1])
            })
          ),
        { concurrency: 4, discard: true }
      )
      expect(yield* first(engine, "SELECT v FROM t WHERE id = 0")).toEqual([40])
    })
  )

  it.scopedLive("give a lock back when their lease ends in the middle of a transaction", () =>
    Effect.gen(function* () {
      const { a, b } = yield* two(300)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const conn = yield* a.acquire
          yield* conn.begin()
          yield* conn.execute("UPDATE t SET v = 9 WHERE id = 0")
        })
      )
      expect((yield* b.execute("UPDATE t SET v = v + 1 WHERE id = 0")).rowCount).toBe(1)
      expect(yield* first(b, "SELECT v FROM t WHERE id = 0")).toEqual([1])
    })
  )
})

describe("Statements", () => {
  withEngine(backend, "that load data are refused, and their stream does not run", () =>
    Effect.gen(function* () {
      const load = Statement.loadData("LOAD DATA LOCAL INFILE 'a' INTO TABLE t", Stream.die("it is not to be run"))
      const refused = { _tag: "NotSupportedError", reason: "NotSupported" }
      expect(yield* Effect.flip(Engine.execute(load))).toMatchObject(refused)
      expect(yield* Effect.flip(Stream.runDrain(Engine.stream(load)))).toMatchObject(refused)
      expect(yield* Effect.flip(Engine.transaction(Engine.execute(load)))).toMatchObject(refused)
      expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
    })
  )
})

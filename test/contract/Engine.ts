// Cases for Engine: statements, parameters, layers.
import { describe, expect, it } from "@effect/vitest"
import {
  Chunk,
  Config,
  ConfigProvider,
  Deferred,
  Effect,
  Either,
  Exit,
  Fiber,
  Layer,
  ManagedRuntime,
  Option,
  Redacted,
  Schema,
  Stream
} from "effect"
import { Connection, Cursor, Engine, Errors, Pool, Result, SAConnection, Statement } from "effect-sa"
import { type Backend, engineLayer, table, withEngine } from "../support/Backend.js"

export const engineContract = (backend: Backend): void => {
  describe("Engine.execute", () => {
    withEngine(backend, "gives the rows of a select with their columns", () =>
      Effect.gen(function* () {
        const result = yield* Engine.execute<{ one: number; word: string }>("SELECT 1 AS one, 'a' AS word")
        expect(result.keys).toEqual(["one", "word"])
        expect(result.rowCount).toBe(1)
        expect(result.returnsRows).toBe(true)
        const row = Option.getOrThrow(result.first)
        expect([row.one, row.word, row[0], row[1]]).toEqual([1, "a", 1, "a"])
        // It is a value: it can be read twice.
        expect(result.rows).toBe(result.rows)
      })
    )

    withEngine(backend, "counts the rows that a statement inserts, matches and deletes", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(20)")
        const inserted = yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
        expect([inserted.rowCount, inserted.returnsRows, inserted.rows.length]).toEqual([3, false, 0])
        const updated = yield* Engine.execute(`UPDATE ${t} SET name = 'a' WHERE id < ?`, [3])
        expect(updated.rowCount).toBe(2)
        if (backend.isServer) expect(updated.changedRows).toBe(1)
        expect((yield* Engine.execute(`DELETE FROM ${t}`)).rowCount).toBe(3)
      })
    )

    withEngine(backend, "gives the id that a row got", () =>
      Effect.gen(function* () {
        const t = yield* table(`id ${backend.autoIncrement}, name VARCHAR(20)`)
        expect((yield* Engine.execute(`INSERT INTO ${t} (name) VALUES (?)`, ["a"])).lastInsertId).toBe(1)
        expect((yield* Engine.execute(`INSERT INTO ${t} (name) VALUES (?)`, ["b"])).lastInsertId).toBe(2)
        expect((yield* Engine.execute(`UPDATE ${t} SET name = 'c'`)).lastInsertId).toBeUndefined()
      })
    )

    withEngine(backend, "gives an id above 2^53 exactly", () =>
      Effect.gen(function* () {
        const id = 9007199254740993n
        const t = yield* table(
          `id ${backend.autoIncrement.replace("INTEGER", backend.isServer ? "BIGINT" : "INTEGER")}, name VARCHAR(20)`
        )
        yield* Engine.execute(`INSERT INTO ${t} VALUES (?, 'a')`, [id - 1n])
        expect((yield* Engine.execute(`INSERT INTO ${t} (name) VALUES ('b')`)).lastInsertId).toBe(id)
        const error = yield* Effect.flip(Engine.execute(`SELECT id FROM ${t} WHERE id = ?`, [id]))
        expect(error).toMatchObject({ _tag: "DataError", reason: "UnsafeInteger" })
        expect(error.message).toContain('"id"')
        const exact = yield* Engine.execute(`SELECT id FROM ${t} WHERE id = ?`, [id], { integers: "bigint" })
        expect(exact.rows[0]?.[0]).toBe(id)
        const text = yield* Engine.execute(`SELECT id FROM ${t} WHERE id = ?`, [id], { integers: "string" })
        expect(text.rows[0]?.[0]).toBe(String(id))
      })
    )

    withEngine(backend, "takes ? markers with an array and :name markers with an object", () =>
      Effect.gen(function* () {
        const positional = yield* Engine.execute("SELECT ? AS a, ? AS b", [1, "x"])
        expect(positional.rows.map(Result.Row.values)).toEqual([[1, "x"]])
        const named = yield* Engine.execute("SELECT :a AS a, :b AS b, :a AS again", { a: 1, b: "x" })
        expect(named.rows.map(Result.Row.values)).toEqual([[1, "x", 1]])
      })
    )

    withEngine(backend, "finds no markers in strings, quoted identifiers and comments", () =>
      Effect.gen(function* () {
        const result = yield* Engine.execute("SELECT '?' AS a, ':x' AS b, /* ? :y */ ? AS `c?` -- ? :z\n", ["v"])
        expect(result.rows.map(Result.Row.values)).toEqual([["?", ":x", "v"]])
        expect(result.keys).toEqual(["a", "b", "c?"])
      })
    )

    withEngine(backend, "executes once for each set of parameters, and not at all for none", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(20)")
        const positional = yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
          [1, "a"],
          [2, "b"]
        ])
        expect(positional.rowCount).toBe(2)
        const named = yield* Engine.execute(`INSERT INTO ${t} VALUES (:id, :name)`, [
          { id: 3, name: "c" },
          { id: 4, name: null }
        ])
        expect(named.rowCount).toBe(2)
        expect((yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [])).rowCount).toBe(0)
        expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(4))
      })
    )

    const bad: ReadonlyArray<readonly [title: string, statement: string, parameters: unknown, argument: string]> = [
      ["missing parameters", "SELECT ?, ?", [1], "parameters"],
      ["surplus parameters", "SELECT ?", [1, 2], "parameters"],
      ["no parameters where there are markers", "SELECT ?", undefined, "parameters"],
      ["a missing name", "SELECT :a, :b", { a: 1 }, "parameters.b"],
      ["a surplus name", "SELECT :a", { a: 1, c: 2 }, "parameters.c"],
      ["an object for ? markers", "SELECT ?", { a: 1 }, "parameters"],
      ["an array for :name markers", "SELECT :a", [1], "parameters"],
      ["markers of two styles", "SELECT ?, :a", [1], "statement"],
      ["undefined", "SELECT ?", [undefined], "parameters[0]"],
      ["NaN", "SELECT ?", [Number.NaN], "parameters[0]"],
      ["an infinite number", "SELECT ?", [Number.POSITIVE_INFINITY], "parameters[0]"],
      ["an invalid date", "SELECT ?", [new Date(Number.NaN)], "parameters[0]"],
      ["a function", "SELECT ?", [() => 1], "parameters[0]"],
      ["a symbol", "SELECT ?", [Symbol("s")], "parameters[0]"],
      ["an object of a class", "SELECT ?", [new Map()], "parameters[0]"],
      ["a bigint beyond 64 bits", "SELECT ?", [2n ** 64n], "parameters[0]"],
      ["a lone surrogate", "SELECT ?", ["\ud800"], "parameters[0]"],
      ["JSON that is circular", "SELECT ?", [circular()], "parameters[0]"],
      ["a bad value in one of several sets", "SELECT ?", [[1], [Number.NaN]], "parameters[1][0]"],
      ["an empty text", "  -- nothing\n", undefined, "statement"]
    ]
    withEngine(backend, "refuses what cannot be executed, by the argument's name and before anything is sent", () =>
      Effect.gen(function* () {
        for (const [title, statement, parameters, argument] of bad) {
          const error = yield* Effect.flip(Engine.execute(statement, parameters as never))
          expect([title, error._tag]).toEqual([title, "ArgumentError"])
          if (error._tag === "ArgumentError") expect([title, error.argument]).toEqual([title, argument])
        }
        const unknown = yield* Effect.flip(Engine.execute(42 as never))
        expect(unknown).toMatchObject({ _tag: "ArgumentError", argument: "statement", given: "number" })
        // No connection was opened for any of them.
        const engine = yield* Engine.Engine
        expect((yield* engine.pool.numbers).size).toBe(0)
      })
    )

    withEngine(backend, "never shows a parameter in a message", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(40) UNIQUE")
        const secret = "s3cret-value"
        yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [1, secret])
        const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [2, secret]))
        expect(JSON.stringify(error) + String(error) + Errors.render(error)).not.toContain(secret)
        const refused = yield* Effect.flip(Engine.execute("SELECT ?", [{ [secret]: Symbol(secret) } as never, secret]))
        expect(JSON.stringify(refused) + String(refused)).not.toContain(secret)
      })
    )

    withEngine(backend, "executes a statement that carries the Statement symbol, with its row type", () =>
      Effect.gen(function* () {
        const statement = Statement.text<{ readonly id: number }>("SELECT :id AS id")
        const result = yield* Engine.execute(statement, { id: 7 })
        const id: number | undefined = result.rows[0]?.id
        expect(id).toBe(7)
      })
    )

    withEngine(
      backend,
      "runs statements of many fibers, each with its own answer",
      () =>
        Effect.gen(function* () {
          const answers = yield* Effect.forEach(
            Array.from({ length: 200 }, (_, i) => i),
            (i) => Engine.scalar("SELECT ? + 0", [i]),
            {
              concurrency: 50
            }
          )
          expect(answers.map(Option.getOrNull)).toEqual(Array.from({ length: 200 }, (_, i) => i))
          const engine = yield* Engine.Engine
          expect((yield* engine.pool.numbers).size).toBeLessThanOrEqual(4)
        }),
      { maxSize: 4 }
    )

    withEngine(backend, "gives the rows of RETURNING, where the database has it", () =>
      Effect.gen(function* () {
        const t = yield* table(`id ${backend.autoIncrement}, name VARCHAR(20)`)
        const attempt = Engine.execute(`INSERT INTO ${t} (name) VALUES (?) RETURNING id, name`, ["a"])
        if (backend.returning) expect((yield* attempt).rows.map(Result.Row.values)).toEqual([[1, "a"]])
        else expect(yield* Effect.flip(attempt)).toMatchObject({ _tag: "ProgrammingError", reason: "Syntax" })
      })
    )
  })

  describe("Errors", () => {
    const columns =
      "id INTEGER PRIMARY KEY, email VARCHAR(50) NOT NULL UNIQUE, age INTEGER, parent INTEGER, " +
      "CONSTRAINT age_is_positive CHECK (age > 0)"
    withEngine(backend, "classifies what constraints refuse", () =>
      Effect.gen(function* () {
        const t = yield* table(columns)
        const child = yield* table(
          `id INTEGER PRIMARY KEY, parent INTEGER, CONSTRAINT ${t}_fk FOREIGN KEY (parent) REFERENCES ${t} (id)`
        )
        yield* Engine.execute(`INSERT INTO ${t} (id, email) VALUES (1, 'a')`)
        const reason = (sql: string) =>
          Effect.map(Effect.flip(Engine.execute(sql)), (error) => [error._tag, "reason" in error ? error.reason : ""])
        expect(yield* reason(`INSERT INTO ${t} (id, email) VALUES (2, 'a')`)).toEqual([
          "IntegrityError",
          "UniqueViolation"
        ])
        expect(yield* reason(`INSERT INTO ${t} (id, email) VALUES (1, 'b')`)).toEqual([
          "IntegrityError",
          "UniqueViolation"
        ])
        expect(yield* reason(`INSERT INTO ${t} (id, email) VALUES (3, NULL)`)).toEqual([
          "IntegrityError",
          "NotNullViolation"
        ])
        expect(yield* reason(`INSERT INTO ${t} (id, email, age) VALUES (4, 'd', -1)`)).toEqual([
          "IntegrityError",
          "CheckViolation"
        ])
        expect(yield* reason(`INSERT INTO ${child} VALUES (1, 99)`)).toEqual(["IntegrityError", "ForeignKeyViolation"])
        yield* Engine.execute(`INSERT INTO ${child} VALUES (1, 1)`)
        expect(yield* reason(`DELETE FROM ${t} WHERE id = 1`)).toEqual(["IntegrityError", "ForeignKeyViolation"])
        const check = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} (id, email, age) VALUES (5, 'e', -1)`))
        expect(check).toMatchObject({ constraint: "age_is_positive" })
      })
    )

    withEngine(backend, "classifies statements that are wrong", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Engine.execute("SELEC 1"))
        expect(error).toMatchObject({ _tag: "ProgrammingError", reason: "Syntax", statement: "SELEC 1" })
        expect(yield* Effect.flip(Engine.execute("SELECT * FROM nowhere_at_all"))).toMatchObject({
          reason: "NoSuchTable"
        })
        const t = yield* table("id INTEGER PRIMARY KEY")
        expect(yield* Effect.flip(Engine.execute(`SELECT no_such FROM ${t}`))).toMatchObject({ reason: "NoSuchColumn" })
        expect(yield* Effect.flip(Engine.execute(`CREATE TABLE ${t} (id INTEGER)`))).toMatchObject({
          reason: "TableExists"
        })
        // The connection is as good as before.
        expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
      })
    )

    withEngine(backend, "refuses several statements in one text", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Engine.execute("SELECT 1; SELECT 2"))
        expect(error).toMatchObject({ _tag: "ProgrammingError", reason: "Syntax" })
      })
    )

    withEngine(backend, "lets a program catch by reason, and takes the reason out of the type", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        const insert = Engine.execute(`INSERT INTO ${t} VALUES (1)`).pipe(
          Effect.as("inserted"),
          Errors.catchReason("UniqueViolation", (error) => Effect.succeed(`${error._tag}: taken`))
        )
        expect([yield* insert, yield* insert]).toEqual(["inserted", "IntegrityError: taken"])
      })
    )
  })

  describe("Engine.stream", () => {
    const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n"
    withEngine(
      backend,
      "gives every row, in order",
      () =>
        Effect.gen(function* () {
          const t = yield* table("i INTEGER PRIMARY KEY")
          for (let from = 0; from < 5000; from += 500) {
            const values = Array.from({ length: 500 }, (_, i) => `(${from + i})`).join(",")
            yield* Engine.execute(`INSERT INTO ${t} VALUES ${values}`)
          }
          const sum = yield* Engine.stream<{ i: number }>(`SELECT i FROM ${t} ORDER BY i`).pipe(
            Stream.map((row) => row.i),
            Stream.runCollect
          )
          expect(Chunk.toReadonlyArray(sum)).toEqual(Array.from({ length: 5000 }, (_, i) => i))
        }),
      {},
      60_000
    )

    withEngine(
      backend,
      "that ends early frees the connection for the next",
      () =>
        Effect.gen(function* () {
          const first = yield* Engine.stream<{ i: number }>(
            backend.name === "sqlite" ? numbers : "SELECT 1 AS i UNION SELECT 2"
          ).pipe(Stream.take(1), Stream.runCollect)
          expect(Chunk.toReadonlyArray(first).map((row) => row.i)).toEqual([1])
          expect(yield* Engine.scalar("SELECT 5")).toEqual(Option.some(5))
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "fails with the statement's error", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Stream.runDrain(Engine.stream("SELECT * FROM nowhere_at_all")))
        expect(error).toMatchObject({ reason: "NoSuchTable" })
      })
    )

    withEngine(backend, "and a statement can run side by side on an engine", () =>
      Effect.gen(function* () {
        const t = yield* table("i INTEGER PRIMARY KEY")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1), (2), (3)`)
        const seen = yield* Engine.stream<{ i: number }>(`SELECT i FROM ${t} ORDER BY i`).pipe(
          Stream.mapEffect((row) => Engine.scalar<{ j: number }>(`SELECT i * 10 AS j FROM ${t} WHERE i = ?`, [row.i])),
          Stream.runCollect
        )
        expect(Chunk.toReadonlyArray(seen).map(Option.getOrNull)).toEqual([10, 20, 30])
      })
    )

    withEngine(backend, "refuses another statement on its own connection", () =>
      Effect.gen(function* () {
        const conn = yield* Effect.flatMap(Engine.Engine, (engine) => engine.acquire)
        const inner = yield* conn.stream(backend.name === "sqlite" ? numbers : "SELECT 1 AS i UNION SELECT 2").pipe(
          Stream.take(1),
          Stream.mapEffect(() => Effect.flip(conn.execute("SELECT 1"))),
          Stream.runCollect
        )
        expect(Chunk.toReadonlyArray(inner)).toMatchObject([{ _tag: "InvalidRequestError" }])
        expect((yield* conn.execute("SELECT 1")).rowCount).toBe(1)
      })
    )
  })

  describe("Layers", () => {
    it.live(`an engine by a ManagedRuntime closes with it [${backend.name}]`, () =>
      Effect.gen(function* () {
        const runtime = ManagedRuntime.make(engineLayer(backend))
        const engine = yield* Effect.promise(() => runtime.runPromise(Engine.Engine))
        expect(yield* engine.scalar("SELECT 1")).toEqual(Option.some(1))
        yield* Effect.promise(() => runtime.dispose())
        expect((yield* Effect.flip(engine.execute("SELECT 1")))._tag).toBe("PoolClosedError")
        expect((yield* engine.pool.numbers).size).toBe(0)
      })
    )

    it.live(`an engine from Config [${backend.name}]`, () =>
      Effect.gen(function* () {
        const live = Engine.layerConfig({ url: Config.redacted("DATABASE_URL"), maxSize: Config.integer("POOL") })
        const answer = yield* Engine.scalar("SELECT 1").pipe(
          Effect.provide(live),
          Effect.withConfigProvider(
            ConfigProvider.fromMap(
              new Map([
                ["DATABASE_URL", backend.url],
                ["POOL", "3"]
              ])
            )
          )
        )
        expect(answer).toEqual(Option.some(1))
        const missing = yield* Engine.scalar("SELECT 1").pipe(
          Effect.provide(live),
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map())),
          Effect.flip
        )
        expect(missing).toMatchObject({ _tag: "ConfigError" })
      })
    )

    it.live(`two engines in one program keep apart, also inside the transaction of one [${backend.name}]`, () => {
      class One extends Engine.Service<One>()("test/One") {}
      class Two extends Engine.Service<Two>()("test/Two") {}
      const id = backend.isServer ? "SELECT CONNECTION_ID()" : "SELECT 1"
      return Effect.gen(function* () {
        const name = `two_${process.pid}`
        yield* One.execute(`DROP TABLE IF EXISTS ${name}`)
        yield* One.execute(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY)`)
        const exit = yield* Effect.exit(
          One.transaction(
            Effect.gen(function* () {
              yield* One.execute(`INSERT INTO ${name} VALUES (1)`)
              const [a, b] = [yield* One.scalar(id), yield* Two.scalar(id)]
              if (backend.isServer) {
                expect(a).not.toEqual(b)
                // What the transaction of the one has not committed, the other does not see.
                expect(yield* Two.scalar(`SELECT count(*) FROM ${name}`)).toEqual(Option.some(0))
              } else {
                expect(yield* Effect.flip(Two.execute(`SELECT * FROM ${name}`))).toMatchObject({
                  reason: "NoSuchTable"
                })
              }
              return yield* Effect.fail("undo")
            })
          )
        )
        expect(exit).toEqual(Exit.fail("undo"))
        expect(yield* One.scalar(`SELECT count(*) FROM ${name}`)).toEqual(Option.some(0))
        yield* One.execute(`DROP TABLE ${name}`)
      }).pipe(Effect.provide(Layer.merge(One.layer({ url: backend.url }), Two.layer({ url: backend.url }))))
    })

    withEngine(backend, "connectionLayer lends one connection for as long as it lives", () =>
      Effect.gen(function* () {
        const engine = yield* Engine.Engine
        yield* Effect.gen(function* () {
          const conn = yield* SAConnection.SAConnection
          yield* conn.execute("SELECT 1")
          expect((yield* engine.pool.numbers).used).toBe(1)
        }).pipe(Effect.provide(Engine.connectionLayer))
      })
    )

    withEngine(backend, "withConnection runs every statement of its body on one connection", () =>
      Engine.withConnection(
        Effect.gen(function* () {
          const conn = yield* SAConnection.SAConnection
          yield* Engine.execute("CREATE TEMPORARY TABLE only_here (id INTEGER)")
          yield* conn.execute("INSERT INTO only_here VALUES (1)")
          expect(yield* Engine.scalar("SELECT count(*) FROM only_here")).toEqual(Option.some(1))
        })
      ).pipe(
        Effect.zipRight(Effect.flip(Engine.execute("SELECT * FROM only_here"))),
        Effect.map((error) => expect(error).toMatchObject({ reason: "NoSuchTable" })),
        Effect.asVoid
      )
    )

    it.scopedLive(`a pool by its layer, and an engine over it [${backend.name}]`, () =>
      Effect.gen(function* () {
        const pool = yield* Pool.Pool
        const engine = yield* Engine.fromPool
        expect(engine.pool).toBe(pool)
        expect(yield* engine.scalar("SELECT 1")).toEqual(Option.some(1))
        expect((yield* pool.numbers).idle).toBe(1)
        yield* pool.clear
        expect((yield* pool.numbers).idle).toBe(0)
      }).pipe(Effect.provide(Pool.layer({ url: backend.url })))
    )

    it.scopedLive(`opens minSize connections at once [${backend.name}]`, () =>
      Effect.gen(function* () {
        const engine = yield* Engine.make({ url: backend.url, minSize: 2 })
        expect((yield* engine.pool.numbers).idle).toBe(2)
      })
    )
  })

  describe("Result", () => {
    withEngine(backend, "gives one row, several, or says why not", () =>
      Effect.gen(function* () {
        const none = yield* Engine.execute("SELECT 1 AS a WHERE 1 = 0")
        const single = yield* Engine.execute<{ a: number }>("SELECT 1 AS a")
        const two = yield* Engine.execute<{ a: number }>("SELECT 1 AS a UNION ALL SELECT 1")
        expect((yield* Result.one(single)).a).toBe(1)
        expect((yield* Effect.flip(Result.one(none)))._tag).toBe("NoResultFoundError")
        expect((yield* Effect.flip(Result.one(two)))._tag).toBe("MultipleResultsFoundError")
        expect(yield* Result.oneOrNone(none)).toEqual(Option.none())
        expect(yield* Result.scalars(two)).toEqual([1, 1])
        expect((yield* Effect.flip(Result.scalars(two, 5)))._tag).toBe("NoSuchColumnError")
        expect((yield* Result.unique(two)).length).toBe(1)
        expect((yield* Result.partitions(two, 1)).map((part) => part.length)).toEqual([1, 1])
        expect((yield* Effect.flip(Result.partitions(two, 0)))._tag).toBe("ArgumentError")
        expect(yield* Result.mappings(two)).toEqual([{ a: 1 }, { a: 1 }])
        const t = yield* table("id INTEGER PRIMARY KEY")
        const insert = yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
        expect((yield* Effect.flip(Result.one(insert)))._tag).toBe("ResourceClosedError")
      })
    )

    withEngine(backend, "decodes its rows by a schema, or names the row and column that do not fit", () =>
      Effect.gen(function* () {
        const Person = Schema.Struct({ id: Schema.Int, name: Schema.NonEmptyString })
        const result = yield* Engine.execute("SELECT 1 AS id, 'Ada' AS name UNION ALL SELECT 2, ''")
        const error = yield* Effect.flip(Result.decode(Person)(result))
        expect(error._tag).toBe("ParseError")
        expect(error.message).toContain("[1]")
        expect(error.message).toContain('["name"]')
        const good = yield* Engine.execute("SELECT 1 AS id, 'Ada' AS name").pipe(Effect.flatMap(Result.decode(Person)))
        expect(good).toEqual([{ id: 1, name: "Ada" }])
      })
    )

    withEngine(backend, "has rows with equal values that are equal, and names that are ambiguous only when used", () =>
      Effect.gen(function* () {
        const result = yield* Engine.execute("SELECT 1 AS id, 'a' AS x, 2 AS id")
        const row = Option.getOrThrow(result.first)
        expect([...row]).toEqual([1, "a", 2])
        expect(row.x).toBe("a")
        expect(yield* Effect.flip(Result.Row.get(row, "id"))).toMatchObject({ _tag: "InvalidRequestError" })
        expect(yield* Effect.flip(Result.Row.get(row, "nothing"))).toMatchObject({ _tag: "NoSuchColumnError" })
        expect(yield* Result.Row.get(row, 2)).toBe(2)
        expect(Result.Row.toRecord(row)).toEqual({ id: 1, x: "a", id_1: 2 })
        expect(Either.isRight(Result.Row.get(row, "x"))).toBe(true)
      })
    )
  })

  describe("Cursor", () => {
    for (const buffered of [true, false]) {
      const kind = buffered ? "buffered" : "unbuffered"
      it.scopedLive(`fetches in steps, ${kind} [${backend.name}]`, () =>
        Effect.gen(function* () {
          const connection = yield* Connection.make({ url: backend.url })
          const cursor = yield* Cursor.make(connection, { buffered })
          expect(yield* Effect.flip(cursor.fetchOne)).toMatchObject({ _tag: "ProgrammingError", reason: "CursorState" })
          yield* cursor.execute("SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4")
          expect(yield* cursor.fetchOne).toEqual(Option.some([1]))
          expect(yield* cursor.fetchMany(2)).toEqual([[2], [3]])
          expect(yield* cursor.fetchAll).toEqual([[4]])
          expect(yield* cursor.fetchOne).toEqual(Option.none())
          expect(yield* cursor.rowNumber).toBe(4)
          expect(yield* cursor.rowCount).toBe(buffered ? 4 : -1)
          expect(Option.map(yield* cursor.description, (columns) => columns.map((column) => column.name))).toEqual(
            Option.some(["a"])
          )
          yield* cursor.execute("SELECT 5 AS b")
          expect(yield* cursor.fetchAll).toEqual([[5]])
          expect((yield* Effect.flip(cursor.fetchMany(0)))._tag).toBe("ArgumentError")
          yield* cursor.close
          expect(yield* Effect.flip(cursor.fetchOne)).toMatchObject({ reason: "CursorState" })
        })
      )
    }
  })

  describe("Pool on a database", () => {
    withEngine(
      backend,
      "waits for a connection that another holds, and says after acquireTimeout why it got none",
      () =>
        Effect.gen(function* () {
          const engine = yield* Engine.Engine
          const gate = yield* Deferred.make<void>()
          const holder = yield* Effect.fork(
            Engine.withConnection(Effect.zipRight(Engine.execute("SELECT 1"), Deferred.await(gate)))
          )
          yield* engine.pool.numbers.pipe(Effect.delay("1 millis"), Effect.repeat({ until: ({ used }) => used === 1 }))
          const error = yield* Effect.flip(Engine.execute("SELECT 1"))
          expect(error).toMatchObject({
            _tag: "PoolTimeoutError",
            reason: "AcquireTimeout",
            pool: { used: 1, maxSize: 1 }
          })
          yield* Deferred.succeed(gate, undefined)
          yield* Fiber.join(holder)
          expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
        }),
      { maxSize: 1, acquireTimeout: 150 }
    )

    withEngine(
      backend,
      "never lends what a user left behind: an open transaction is rolled back",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          yield* Effect.scoped(
            Effect.gen(function* () {
              const engine = yield* Engine.Engine
              const conn = yield* engine.acquire
              yield* conn.begin()
              yield* conn.execute(`INSERT INTO ${t} VALUES (1)`)
            })
          )
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        }),
      { maxSize: 1 }
    )

    it.scopedLive(`hands out nothing after close, and its users go on [${backend.name}]`, () =>
      Effect.gen(function* () {
        const engine = yield* Engine.make({ url: backend.url })
        const conn = yield* Effect.scoped(
          Effect.gen(function* () {
            const conn = yield* engine.acquire
            yield* engine.close
            expect((yield* Effect.flip(engine.execute("SELECT 1")))._tag).toBe("PoolClosedError")
            expect((yield* conn.execute("SELECT 1")).rowCount).toBe(1)
            return conn
          })
        )
        yield* engine.waitClosed
        expect((yield* engine.pool.numbers).size).toBe(0)
        expect((yield* Effect.flip(conn.execute("SELECT 1")))._tag).toBe("InvalidRequestError")
      })
    )

    it.scopedLive(`terminate ends what is in use with a typed error [${backend.name}]`, () =>
      Effect.gen(function* () {
        const engine = yield* Engine.make({ url: backend.url })
        yield* Effect.scoped(
          Effect.gen(function* () {
            const conn = yield* engine.acquire
            yield* engine.terminate
            yield* engine.waitClosed
            expect(yield* Effect.flip(conn.execute("SELECT 1"))).toMatchObject({
              _tag: "OperationalError",
              reason: "ConnectionLost"
            })
          })
        )
        expect((yield* engine.pool.numbers).size).toBe(0)
      })
    )
  })

  it.scopedLive(`hides the password wherever options are shown [${backend.name}]`, () =>
    Effect.gen(function* () {
      const engine = yield* Engine.make({ url: Redacted.make(backend.url) })
      const password = decodeURIComponent(new URL(backend.url).password)
      if (password !== "") expect(engine.address + JSON.stringify(engine.pool.values)).not.toContain(password)
    })
  )
}

const circular = (): unknown => {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}

// Cases for the sandbox: a program runs in it as it does anywhere, and nothing of it stays.
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import { Engine, Errors, Transaction } from "effect-sa"
import { Sandbox } from "effect-sa/testing"
import { type Backend, engineLayer, table } from "../support/Backend.js"

export const sandboxContract = (backend: Backend): void => {
  const count = (t: string) =>
    Effect.map(Engine.scalar<{ n: number }>(`SELECT COUNT(*) AS n FROM ${t}`), Option.getOrThrow)

  /** A body in a sandbox on a table with one row, which is as it was afterwards. */
  const inSandbox = (title: string, body: (t: string) => Effect.Effect<unknown, unknown, Engine.Engine>) =>
    it.scopedLive(`${title} [${backend.name}]`, () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(20)")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 'one')`)
        yield* Effect.provide(body(t), Sandbox.layer)
        const { rows } = yield* Engine.execute(`SELECT * FROM ${t}`)
        expect(rows.map((row) => [...row])).toEqual([[1, "one"]])
        const { pool } = yield* Engine.Engine
        expect(yield* pool.numbers).toMatchObject({ used: 0, waiting: 0 })
      }).pipe(Effect.provide(engineLayer(backend, { maxSize: 3 })))
    )

  describe("in a sandbox", () => {
    inSandbox("statements see what was done before them, and nothing of it stays", (t) =>
      Effect.gen(function* () {
        yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
          [2, "two"],
          [3, "three"]
        ])
        yield* Engine.execute(`DELETE FROM ${t} WHERE id = 1`)
        expect(yield* count(t)).toBe(2)
        const streamed = yield* Stream.runCount(Engine.stream(`SELECT * FROM ${t}`))
        expect(streamed).toBe(2)
        expect(yield* Engine.withConnection(count(t))).toBe(2)
      })
    )

    inSandbox("transactions commit, roll back and nest, whatever their options", (t) =>
      Effect.gen(function* () {
        const done: Array<string> = []
        yield* Engine.transaction(
          Effect.gen(function* () {
            expect((yield* Transaction.Transaction).depth).toBe(0)
            yield* Transaction.afterCommit(Effect.sync(() => void done.push("outer")))
            yield* Engine.execute(`INSERT INTO ${t} VALUES (2, 'two')`)
            yield* Effect.ignore(
              Engine.transaction(
                Effect.gen(function* () {
                  yield* Transaction.afterCommit(Effect.sync(() => void done.push("inner")))
                  yield* Engine.execute(`INSERT INTO ${t} VALUES (3, 'three')`)
                  return yield* Effect.fail("no")
                })
              )
            )
          }),
          { isolationLevel: "serializable", retry: Transaction.retryDeadlocks({ times: 2 }) }
        )
        expect(yield* count(t)).toBe(2)
        expect(done).toEqual(["outer"])
        const failed = yield* Effect.exit(
          Engine.transaction(Effect.zipRight(Engine.execute(`DELETE FROM ${t}`), Effect.fail("no")))
        )
        expect(failed._tag).toBe("Failure")
        expect(yield* count(t)).toBe(2)
        // The same again, many times over.
        for (let i = 10; i < 20; i++) yield* Engine.transaction(Engine.execute(`INSERT INTO ${t} VALUES (?, 'x')`, [i]))
        expect(yield* count(t)).toBe(12)
      })
    )

    inSandbox("a statement that fails leaves what was done before it", (t) =>
      Effect.gen(function* () {
        yield* Engine.execute(`INSERT INTO ${t} VALUES (2, 'two')`)
        const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (2, 'again')`))
        expect(error).toMatchObject({ _tag: "IntegrityError", reason: "UniqueViolation" })
        const inside = Engine.transaction(Engine.execute(`INSERT INTO ${t} VALUES (2, 'again')`))
        expect(yield* Effect.flip(inside)).toMatchObject({ reason: "UniqueViolation" })
        expect(yield* count(t)).toBe(2)
      })
    )

    inSandbox("handles begin, commit and roll back, and what they leave open is rolled back", (t) =>
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* Effect.flatMap(Engine.Engine, ({ acquire }) => acquire)
            const first = yield* connection.begin()
            yield* connection.execute(`INSERT INTO ${t} VALUES (2, 'two')`)
            expect(yield* connection.inTransaction).toBe(true)
            yield* first.commit
            expect(yield* connection.inTransaction).toBe(false)
            const second = yield* connection.begin()
            yield* connection.execute(`INSERT INTO ${t} VALUES (3, 'three')`)
            yield* second.rollback
            yield* connection.begin()
            yield* connection.execute(`INSERT INTO ${t} VALUES (4, 'four')`)
          })
        )
        expect(yield* count(t)).toBe(2)
      })
    )

    inSandbox("fibers take turns", (t) =>
      Effect.gen(function* () {
        const inserts = Array.from({ length: 20 }, (_, i) =>
          Engine.transaction(
            Effect.zipRight(Effect.yieldNow(), Engine.execute(`INSERT INTO ${t} VALUES (?, 'x')`, [i + 2]))
          )
        )
        yield* Effect.all(inserts, { concurrency: "unbounded" })
        expect(yield* count(t)).toBe(21)
      })
    )

    inSandbox("what would end its transaction is refused before it is sent", (t) =>
      Effect.gen(function* () {
        yield* Engine.execute(`INSERT INTO ${t} VALUES (2, 'two')`)
        for (const sql of ["COMMIT", "BEGIN", "ROLLBACK"])
          expect(yield* Effect.flip(Engine.execute(sql))).toBeInstanceOf(Errors.InvalidRequestError)
        if (!backend.transactionalDdl) {
          expect(yield* Effect.flip(Engine.execute(`ALTER TABLE ${t} ADD n INTEGER`))).toBeInstanceOf(
            Errors.InvalidRequestError
          )
          for (const sql of [
            `ANALYZE TABLE ${t}`,
            `/* all */ OPTIMIZE TABLE ${t}`,
            `CHECK TABLE ${t}`,
            `LOCK TABLES ${t} WRITE`,
            "UNLOCK TABLES",
            "FLUSH TABLES",
            `LOAD INDEX INTO CACHE ${t}`,
            `GRANT SELECT ON ${t} TO CURRENT_USER`
          ])
            expect(yield* Effect.flip(Engine.execute(sql))).toBeInstanceOf(Errors.InvalidRequestError)
          yield* Engine.execute("CREATE TEMPORARY TABLE sandboxed (id INTEGER)")
          yield* Engine.execute("DROP TEMPORARY TABLE sandboxed")
        } else {
          yield* Engine.execute(`ALTER TABLE ${t} ADD n INTEGER`)
        }
        expect(yield* count(t)).toBe(2)
        const connection = yield* Effect.scoped(
          Effect.flatMap(Engine.Engine, ({ acquire }) =>
            Effect.flatMap(acquire, (connection) => Effect.flip(connection.beginTwophase()))
          )
        )
        expect(connection).toBeInstanceOf(Errors.NotSupportedError)
      })
    )

    if (backend.isServer) {
      for (const [title, ending] of [
        ["a prepared statement", ["PREPARE ending FROM 'COMMIT'", "EXECUTE ending"]],
        ["one of several in a text", ["SELECT 1; COMMIT"]]
      ] as const) {
        it.scopedLive(`the end of its transaction by ${title} is a failure of that statement [${backend.name}]`, () =>
          Effect.gen(function* () {
            for (const sql of ending.slice(0, -1)) yield* Engine.execute(sql)
            const statement = ending.at(-1) ?? ""
            expect(yield* Effect.flip(Engine.execute(statement))).toBeInstanceOf(Errors.InvalidRequestError)
            expect(yield* Effect.flip(Engine.execute("SELECT 1"))).toBeInstanceOf(Errors.InvalidRequestError)
          }).pipe(
            Effect.provide(Sandbox.layer),
            Effect.provide(engineLayer(backend, { maxSize: 1, multiStatements: true }))
          )
        )
      }
    }

    it.scopedLive(`two do not see each other, nor does the engine see either [${backend.name}]`, () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(20)")
        // SQLite has one writer at a time: there the second waits for the first.
        const first = yield* Deferred.make<void>()
        const sandbox = (id: number) =>
          Effect.gen(function* () {
            yield* Engine.execute(`INSERT INTO ${t} VALUES (?, 'x')`, [id])
            expect(yield* count(t)).toBe(1)
            if (backend.isServer) yield* Deferred.await(first)
          }).pipe(Effect.provide(Sandbox.layer))
        const both = yield* Effect.forEach([1, 2], (id) => Effect.fork(sandbox(id)))
        yield* Effect.sleep("100 millis")
        expect(yield* count(t)).toBe(0)
        yield* Deferred.succeed(first, undefined)
        yield* Fiber.joinAll(both)
        expect(yield* count(t)).toBe(0)
      }).pipe(Effect.provide(engineLayer(backend, { maxSize: 3 })))
    )

    it.scopedLive(`an engine with a tag of its own has one too [${backend.name}]`, () => {
      class Shop extends Engine.Service<Shop>()("test/Shop") {}
      return Effect.gen(function* () {
        const t = yield* Effect.provideServiceEffect(table("id INTEGER PRIMARY KEY"), Engine.Engine, Shop)
        yield* Shop.transaction(Shop.execute(`INSERT INTO ${t} VALUES (1)`)).pipe(Effect.provide(Sandbox.layerOf(Shop)))
        expect(yield* Shop.scalar(`SELECT COUNT(*) FROM ${t}`)).toEqual(Option.some(0))
      }).pipe(Effect.provide(Shop.layer({ url: backend.url })))
    })

    if (backend.isServer)
      it.scopedLive(`one whose connection was lost says so, and takes nothing more [${backend.name}]`, () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(20)")
          yield* Effect.gen(function* () {
            yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 'x')`)
            yield* Effect.timeoutOption(Engine.execute("SELECT SLEEP(20)"), "50 millis")
            const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (2, 'x')`))
            expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
          }).pipe(Effect.provide(Sandbox.layer))
          expect(yield* count(t)).toBe(0)
        }).pipe(Effect.provide(engineLayer(backend)))
      )
  })
}

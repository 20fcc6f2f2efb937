import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Stream } from "effect"
import { Engine, type Errors } from "effect-sa"
import { servers, table, withEngine } from "../support/Backend.js"
import { eventually, observer, tcpSockets } from "../support/observer.js"

for (const backend of servers()) {
  const engineOf = (options: { readonly maxSize?: number } = {}) => Engine.make({ url: backend.url, ...options })
  const sleeping = (marker: string): string => `SELECT SLEEP(30) AS ${marker}`
  const runs = (admin: Engine.Engine, marker: string): Effect.Effect<boolean, Errors.ExecuteError> =>
    Effect.map(
      admin.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND ID <> CONNECTION_ID()", [
        `%AS ${marker}%`
      ]),
      (result) => result.rowCount > 0
    )

  /** Whether none of these connections is in a transaction. Others use the server, too. */
  const areInNone = (admin: Engine.Engine, ids: ReadonlySet<unknown>): Effect.Effect<boolean, Errors.ExecuteError> =>
    Effect.map(admin.execute("SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX"), ({ rows }) =>
      rows.every((row) => !ids.has(row[0]))
    )

  describe(`interruption on ${backend.name}`, () => {
    it.scopedLive("of a statement returns before the server has answered, and ends the statement there", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const engine = yield* engineOf({ maxSize: 1 })
        const fiber = yield* Effect.fork(engine.execute(sleeping("interrupted_one")))
        yield* eventually(runs(admin, "interrupted_one"))
        const exit = yield* Fiber.interrupt(fiber)
        expect(Exit.isInterrupted(exit)).toBe(true)
        // The pool's only connection is replaced: the next one is served although the server slept on.
        expect(yield* engine.scalar("SELECT 7")).toEqual(Option.some(7))
        yield* eventually(Effect.map(runs(admin, "interrupted_one"), (running) => !running))
        const { size, idle } = yield* engine.pool.numbers
        expect({ size, idle }).toEqual({ size: 1, idle: 1 })
      })
    )

    it.scopedLive("of a statement in a transaction rolls it back on the server", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const engine = yield* engineOf({ maxSize: 1 })
        const t = yield* table("id INTEGER PRIMARY KEY").pipe(Effect.provideService(Engine.Engine, admin))
        const ids = new Set<unknown>()
        const fiber = yield* Effect.fork(
          engine.transaction(
            Effect.gen(function* () {
              ids.add(Option.getOrThrow(yield* engine.scalar("SELECT CONNECTION_ID()")))
              yield* engine.execute(`INSERT INTO ${t} VALUES (1)`)
              yield* engine.execute(sleeping("interrupted_two"))
            })
          )
        )
        yield* eventually(runs(admin, "interrupted_two"))
        yield* Fiber.interrupt(fiber)
        yield* eventually(Effect.map(runs(admin, "interrupted_two"), (running) => !running))
        expect(yield* engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        yield* eventually(areInNone(admin, ids))
      })
    )

    it.scopedLive("by a time-out gives the time-out, not the server's time", () =>
      Effect.gen(function* () {
        const engine = yield* engineOf({ maxSize: 1 })
        const result = yield* Effect.timeoutOption(engine.execute(sleeping("interrupted_three")), "50 millis")
        expect(result).toEqual(Option.none())
        expect(yield* engine.scalar("SELECT 7")).toEqual(Option.some(7))
      })
    )

    it.scopedLive("of many statements at once leaves none on the server and the pool whole", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const engine = yield* engineOf({ maxSize: 10 })
        const fibers = yield* Effect.forEach(Array.from({ length: 30 }), () =>
          Effect.fork(engine.execute(sleeping("interrupted_many")))
        )
        yield* eventually(runs(admin, "interrupted_many"))
        yield* Fiber.interruptAll(fibers)
        yield* eventually(Effect.map(runs(admin, "interrupted_many"), (running) => !running))
        const { used, waiting } = yield* engine.pool.numbers
        expect({ used, waiting }).toEqual({ used: 0, waiting: 0 })
        expect(yield* engine.scalar("SELECT 7")).toEqual(Option.some(7))
      })
    )

    it.scopedLive("of a stream that was read in part frees its connection", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const engine = yield* engineOf({ maxSize: 1 })
        const started = yield* Deferred.make<void>()
        const rows =
          "SELECT a.table_name AS n FROM information_schema.COLUMNS a, information_schema.COLUMNS b LIMIT 500000"
        const fiber = yield* Effect.fork(
          engine.stream(rows).pipe(
            Stream.mapEffect(() => Effect.zipRight(Deferred.succeed(started, undefined), Effect.never)),
            Stream.runDrain
          )
        )
        yield* Deferred.await(started)
        yield* Fiber.interrupt(fiber)
        expect(yield* engine.scalar("SELECT 7")).toEqual(Option.some(7))
        const left = yield* engine.stream(rows).pipe(Stream.take(1), Stream.runCollect)
        expect(left.length).toBe(1)
        expect(yield* engine.scalar("SELECT 8")).toEqual(Option.some(8))
        yield* eventually(
          Effect.map(
            admin.execute(
              "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE '%LIMIT 500000%' AND ID <> CONNECTION_ID()"
            ),
            (result) => result.rowCount === 0
          )
        )
      })
    )

    it.live("at random moments leaves no lease, no connection and no transaction behind", () =>
      Effect.gen(function* () {
        const before = tcpSockets()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const admin = yield* observer(backend)
            const engine = yield* engineOf({ maxSize: 3 })
            const t = yield* table("id INTEGER PRIMARY KEY AUTO_INCREMENT, n INTEGER").pipe(
              Effect.provideService(Engine.Engine, admin)
            )
            const ids = new Set<unknown>()
            const noteId = Effect.map(engine.scalar("SELECT CONNECTION_ID()"), (id) => ids.add(Option.getOrThrow(id)))
            const work = (n: number): Effect.Effect<unknown, Errors.ExecuteError> =>
              n % 3 === 0
                ? engine.scalar("SELECT ?", [n])
                : engine.transaction(
                    Effect.zipRight(
                      Effect.zipRight(noteId, engine.execute(`INSERT INTO ${t} (n) VALUES (?)`, [n])),
                      engine.transaction(engine.execute(`INSERT INTO ${t} (n) VALUES (?)`, [n]))
                    )
                  )
            yield* Effect.forEach(
              Array.from({ length: 200 }, (_, n) => n),
              (n) => Effect.timeoutOption(work(n), Math.random() * 60),
              { concurrency: 12 }
            )
            yield* eventually(
              Effect.map(engine.pool.numbers, ({ used, waiting, opening }) => used + waiting + opening === 0)
            )
            // Else all were interrupted before anything was there to be left.
            expect(ids.size).toBeGreaterThan(1)
            // Both rows of a transaction are there, or none.
            expect((yield* admin.execute(`SELECT n FROM ${t} GROUP BY n HAVING count(*) <> 2`)).rowCount).toBe(0)
            yield* eventually(areInNone(admin, ids))
          })
        )
        yield* eventually(Effect.sync(() => tcpSockets() <= before))
      })
    )

    withEngine(
      backend,
      "an interrupted wait for a connection takes no place in the pool",
      () =>
        Effect.gen(function* () {
          const engine = yield* Engine.Engine
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* engine.acquire
              yield* Effect.forEach(
                Array.from({ length: 20 }),
                () => Effect.timeoutOption(engine.execute("SELECT 1"), "5 millis"),
                {
                  concurrency: "unbounded"
                }
              )
              expect((yield* engine.pool.numbers).waiting).toBe(0)
            })
          )
          expect(yield* engine.scalar("SELECT 1")).toEqual(Option.some(1))
        }),
      { maxSize: 1 }
    )
  })
}

// Reads of many fibers that share connections: each gets its own answer, whatever becomes of its neighbours.
import { describe, expect } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import { Engine } from "effect-sa"
import { servers, table, withEngine } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"

const range = (length: number): ReadonlyArray<number> => Array.from({ length }, (_, i) => i)

for (const backend of servers()) {
  describe(`reads that share connections of ${backend.name}`, () => {
    /** Executed often enough to be known as fast. */
    const learn = (sql: string) => Effect.forEach(range(10), (i) => Engine.execute(sql, [i]), { discard: true })
    const fast = "SELECT ? + 0 AS n"

    withEngine(
      backend,
      "get their own answers, on no more connections than the pool has",
      () =>
        Effect.gen(function* () {
          yield* learn(fast)
          const answers = yield* Effect.forEach(range(500), (i) => Engine.scalar(fast, [i]), {
            concurrency: "unbounded"
          })
          expect(answers.map(Option.getOrNull)).toEqual(range(500))
          const engine = yield* Engine.Engine
          expect((yield* engine.pool.numbers).size).toBeLessThanOrEqual(2)
        }),
      { maxSize: 2 }
    )

    withEngine(
      backend,
      "fail alone: a neighbour's error is not theirs",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
          // More than one row for some parameters: an error of the server in the middle of the pipeline.
          const sql = `SELECT (SELECT 1 UNION ALL SELECT 1 FROM ${t} WHERE ? > 0) AS n`
          yield* Effect.forEach(range(10), () => Engine.execute(sql, [0]), { discard: true })
          const exits = yield* Effect.forEach(
            range(100),
            (i) => Effect.exit(Engine.scalar(sql, [i % 3 === 0 ? 1 : 0])),
            {
              concurrency: "unbounded"
            }
          )
          expect(exits.map(Exit.isSuccess)).toEqual(range(100).map((i) => i % 3 !== 0))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "are interrupted alone: their neighbours are answered",
      () =>
        Effect.gen(function* () {
          yield* learn(fast)
          for (let round = 0; round < 20; round++) {
            const fibers = yield* Effect.forEach(range(20), (i) => Effect.fork(Engine.scalar(fast, [i])))
            yield* Effect.sleep(Math.random() * 3)
            yield* Fiber.interruptAll(fibers.filter((_, i) => i % 2 === 0))
            const answers = yield* Effect.forEach(
              fibers.filter((_, i) => i % 2 === 1),
              Fiber.join
            )
            expect(answers.map(Option.getOrNull)).toEqual(range(20).filter((i) => i % 2 === 1))
          }
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "that were fast and are slow this time hold nobody up who comes later, and are killed when they are interrupted",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const sql = "SELECT SLEEP(?) AS slow_this_time"
          yield* Effect.forEach(range(10), () => Engine.execute(sql, [0]), { discard: true })
          yield* learn(fast)
          const slow = yield* Effect.fork(Engine.execute(sql, [20]))
          yield* Effect.sleep("20 millis")
          // The other connection serves all of these while the slow one sleeps.
          const answers = yield* Effect.forEach(range(50), (i) => Engine.scalar(fast, [i]), {
            concurrency: "unbounded"
          })
          expect(answers.map(Option.getOrNull)).toEqual(range(50))
          expect(Option.isNone(yield* Fiber.poll(slow))).toBe(true)
          yield* Fiber.interrupt(slow)
          yield* eventually(
            Effect.map(
              admin.execute(
                "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE '%slow_this_time%' AND ID <> CONNECTION_ID()"
              ),
              (found) => found.rowCount === 0
            )
          )
          expect(yield* Engine.scalar(fast, [1])).toEqual(Option.some(1))
        }),
      { maxSize: 2 }
    )

    withEngine(
      backend,
      "are never part of a transaction of somebody else",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const count = `SELECT count(*) FROM ${t} WHERE id >= ?`
          yield* learn(count)
          const [, seen] = yield* Effect.all(
            [
              Effect.exit(
                Engine.transaction(
                  Effect.zipRight(
                    Engine.execute(`INSERT INTO ${t} VALUES (1)`),
                    Effect.zipRight(Effect.sleep("60 millis"), Effect.fail("undo"))
                  )
                )
              ),
              Effect.forEach(range(200), () => Effect.delay(Engine.scalar(count, [0]), Math.random() * 80), {
                concurrency: "unbounded"
              })
            ],
            { concurrency: 2 }
          )
          expect(new Set(seen.map(Option.getOrNull))).toEqual(new Set([0]))
        }),
      { maxSize: 3 }
    )
  })
}

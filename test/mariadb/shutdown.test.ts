// A server that goes away under its clients: by its own command, and by kill -9.
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Engine, type Errors } from "effect-sa"
import { startOwnMariadb } from "../support/servers/mariadb.js"

const server = Effect.acquireRelease(
  Effect.promise(() => startOwnMariadb()),
  (running) => Effect.promise(() => running.stop())
)

describe("a MariaDB that goes away", () => {
  type End = (engine: Engine.Engine, pid: number) => Effect.Effect<unknown, Errors.ExecuteError>
  const ends: ReadonlyArray<readonly [string, End]> = [
    [
      "and is shut down fails what is under way with a typed error, and what comes after it within its time",
      (engine) => engine.execute("SHUTDOWN")
    ],
    [
      "and is killed fails what is under way with a typed error, and what comes after it within its time",
      (_, pid) => Effect.sync(() => process.kill(pid, "SIGKILL"))
    ]
  ]
  for (const [title, end] of ends) {
    it.scopedLive(
      title,
      () =>
        Effect.gen(function* () {
          const { url, pid } = yield* server
          const engine = yield* Engine.make({ url, maxSize: 4, acquireTimeout: 500, endTimeout: 500 })
          yield* engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
          const statement = yield* Effect.fork(Effect.flip(engine.execute("SELECT SLEEP(30)")))
          const transaction = yield* Effect.fork(
            Effect.flip(
              engine.transaction(
                Effect.zipRight(engine.execute("INSERT INTO t VALUES (1)"), engine.execute("SELECT SLEEP(30)"))
              )
            )
          )
          const stream = yield* Effect.fork(
            Effect.flip(
              Effect.scoped(
                Effect.flatMap(engine.acquire, (connection) =>
                  Effect.zipRight(Effect.sleep("300 millis"), connection.execute("SELECT SLEEP(30)"))
                )
              )
            )
          )
          yield* Effect.sleep("500 millis")
          yield* Effect.ignore(end(engine, pid))
          for (const fiber of [statement, transaction, stream]) {
            const error = yield* Fiber.join(fiber)
            expect(error).toMatchObject({ _tag: "OperationalError" })
            expect(["ConnectionLost", "ServerShutdown", "Interrupted"]).toContain(Reflect.get(error, "reason"))
          }
          yield* Effect.sleep("1 seconds")
          const after = yield* Effect.flip(engine.execute("SELECT 1"))
          expect(after).toMatchObject({ _tag: "PoolTimeoutError", cause: { reason: "ConnectionRefused" } })
          const numbers = yield* engine.pool.numbers
          expect(numbers).toMatchObject({ used: 0, idle: 0, waiting: 0 })
        }),
      60_000
    )
  }
})

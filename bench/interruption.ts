// How long an interruption takes to return: of a statement that waits for a connection, one that the server is executing, one
// whose rows are half read, and one in a transaction, whose ROLLBACK it waits for. 50 ms is the limit of each.
// npm run bench:interruption; EFFECT_SA_BENCH_URL=mysql://… is the server, else a private MariaDB is started as the tests do.
import { Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { Engine } from "effect-sa"
import { millionRows } from "../test/support/millionRows.js"
import { startMariadb } from "../test/support/servers/mariadb.js"

const rounds = 100
const limit = 50

/** Milliseconds from the interruption of a fiber to its end. */
const interrupted = <A, E>(body: (begun: Deferred.Deferred<void>) => Effect.Effect<A, E, Engine.Engine>) =>
  Effect.gen(function* () {
    const begun = yield* Deferred.make<void>()
    const fiber = yield* Effect.fork(body(begun))
    yield* Deferred.await(begun)
    // What was begun is on its way to the server.
    yield* Effect.sleep("5 millis")
    const from = performance.now()
    const exit = yield* Fiber.interrupt(fiber)
    if (!Exit.isInterrupted(exit)) return yield* Effect.dieMessage("it ended before it was interrupted")
    return performance.now() - from
  })

const slow = Engine.execute("SELECT SLEEP(20)")
const rows = Engine.stream(millionRows)

const moments: Readonly<Record<string, Effect.Effect<number, never, Engine.Engine>>> = {
  "waiting for a connection": Effect.scoped(
    Effect.gen(function* () {
      const { acquire } = yield* Engine.Engine
      yield* Effect.orDie(Effect.all([acquire, acquire, acquire, acquire]))
      return yield* interrupted((begun) => Effect.zipRight(Deferred.succeed(begun, undefined), slow))
    })
  ),
  "executed by the server": interrupted((begun) => Effect.zipRight(Deferred.succeed(begun, undefined), slow)),
  "half read": interrupted((begun) =>
    Stream.runForEach(rows, () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.sleep("10 millis")))
  ),
  "in a transaction": interrupted((begun) =>
    Engine.transaction(Effect.zipRight(Deferred.succeed(begun, undefined), slow))
  ),
  "in a transaction, between its statements": interrupted((begun) =>
    Engine.transaction(
      Effect.zipRight(Effect.zipRight(Engine.execute("SELECT 1"), Deferred.succeed(begun, undefined)), Effect.never)
    )
  )
}

const at = (sorted: ReadonlyArray<number>, part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

const program = Effect.forEach(Object.entries(moments), ([name, moment]) =>
  Effect.map(Effect.replicateEffect(moment, rounds), (times) => {
    const sorted = [...times].sort((a, b) => a - b)
    process.stdout.write(
      `${name.padEnd(42)} median ${at(sorted, 0.5).toFixed(2)} ms, 99th percentile ${at(sorted, 0.99).toFixed(2)} ms\n`
    )
    return at(sorted, 0.99)
  })
)

const main = async (): Promise<void> => {
  const given = process.env.EFFECT_SA_BENCH_URL
  const server = given === undefined ? await startMariadb() : undefined
  try {
    const longest = await Effect.runPromise(
      Effect.provide(program, Engine.layer({ url: given ?? server?.url ?? "", maxSize: 4 }))
    )
    process.exitCode = longest.every((time) => time < limit) ? 0 : 1
  } finally {
    await server?.stop()
  }
}

await main()

// Networks that delay, drop, cut and swallow: what is under way ends with a typed failure or at its deadline, and when the
// network is well again so is the pool.
import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Stream } from "effect"
import { Engine, Errors, Transaction } from "effect-sa"
import { servers, tableName } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"
import { type Manner, proxy } from "../support/Proxy.js"

const pass: Manner = { _tag: "pass" }
const swallow: Manner = { _tag: "swallow" }
const drop: Manner = { _tag: "drop" }

/** What an effect gives, and the milliseconds that it took. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(effect, (value) => [value, performance.now() - begun] as const)
  })

for (const backend of servers()) {
  /** An engine that goes through a proxy, another that does not, and a table. */
  const setting = (options: Partial<Parameters<typeof Engine.make>[0]> = {}) =>
    Effect.gen(function* () {
      const direct = yield* observer(backend)
      const t = tableName("network")
      yield* Effect.acquireRelease(direct.execute(`CREATE TABLE ${t} (id INTEGER PRIMARY KEY)`), () =>
        Effect.ignore(direct.execute(`DROP TABLE ${t}`))
      )
      const network = yield* proxy(backend.url)
      const engine = yield* Engine.make({ maxSize: 2, closeTimeout: "500 millis", ...options, url: network.url })
      const ids = Effect.map(direct.execute(`SELECT id FROM ${t} ORDER BY id`), ({ rows }) => rows.map((row) => row[0]))
      return { network, engine, direct, t, ids }
    })

  const isServed = (engine: Engine.Engine) => Effect.isSuccess(engine.execute("SELECT 1"))

  describe(`through a network that is ill, to ${backend.name},`, () => {
    it.scopedLive("answers that come late are whole and in their order", () =>
      Effect.gen(function* () {
        const { network, engine, ids, t } = yield* setting({ maxSize: 4 })
        yield* network.become({ _tag: "delay", millis: 20 })
        const answers = yield* Effect.forEach(
          Array.from({ length: 60 }, (_, id) => id),
          (id) => engine.scalar("SELECT ? + 0", [id]),
          { concurrency: "unbounded" }
        )
        expect(answers.map(Option.getOrNull)).toEqual(Array.from({ length: 60 }, (_, id) => id))
        yield* engine.transaction(
          Effect.forEach([1, 2, 3], (id) => engine.execute(`INSERT INTO ${t} VALUES (?)`, [id]))
        )
        expect(yield* ids).toEqual([1, 2, 3])
      })
    )

    it.scopedLive("a login that takes longer than connectTimeout is a ConnectTimeout, and is over with the delay", () =>
      Effect.gen(function* () {
        const { network, engine } = yield* setting({ connectTimeout: 60, acquireTimeout: 400 })
        yield* network.become({ _tag: "delay", millis: 100 })
        const error = yield* Effect.flip(engine.execute("SELECT 1"))
        expect(error).toMatchObject({ _tag: "PoolTimeoutError", cause: { reason: "ConnectTimeout" } })
        yield* network.become(pass)
        expect(yield* isServed(engine)).toBe(true)
      })
    )

    it.scopedLive("connections that are dropped fail with ConnectionLost, and are replaced when that is over", () =>
      Effect.gen(function* () {
        const { network, engine } = yield* setting({ acquireTimeout: 300 })
        const running = yield* Effect.fork(Effect.flip(engine.execute("SELECT SLEEP(20)")))
        yield* eventually(Effect.map(network.connections, (open) => open === 1))
        yield* Effect.sleep("100 millis")
        yield* network.become(drop)
        expect(yield* Fiber.join(running)).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
        const [error, millis] = yield* timed(Effect.flip(engine.execute("SELECT 1")))
        expect(error).toMatchObject({ _tag: "PoolTimeoutError", cause: { reason: "ConnectionLost" } })
        expect(millis).toBeLessThan(1_000)
        yield* network.become(pass)
        expect(yield* isServed(engine)).toBe(true)
      })
    )

    it.scopedLive("an answer that is cut half-way is a typed failure, wherever the cut is", () =>
      Effect.gen(function* () {
        const { network, engine, ids, t } = yield* setting()
        let id = 0
        for (const bytes of [0, 1, 3, 4, 5, 10, 40, 100, 20_000]) {
          yield* network.become(pass)
          yield* eventually(isServed(engine))
          yield* network.become({ _tag: "cutAfter", bytes })
          const error = yield* Effect.flip(engine.execute("SELECT REPEAT('x', 300000) AS x, REPEAT('y', 9) AS y"))
          expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
        }
        // The server has done what it was not heard to say: nobody does it again.
        for (const bytes of [0, 3, 6]) {
          yield* network.become(pass)
          yield* eventually(isServed(engine))
          yield* network.become({ _tag: "cutAfter", bytes })
          const error = yield* Effect.flip(engine.execute(`INSERT INTO ${t} VALUES (${++id})`))
          expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
        }
        expect(yield* ids).toEqual([1, 2, 3])
      })
    )

    it.scopedLive("a stream that is cut half-way fails after the rows that came, and leaves the pool whole", () =>
      Effect.gen(function* () {
        const { network, engine } = yield* setting({ maxSize: 1 })
        yield* engine.execute("SELECT 1")
        yield* network.become({ _tag: "cutAfter", bytes: 400_000 })
        let rows = 0
        const exit = yield* Effect.exit(
          Stream.runForEach(
            engine.stream(
              "SELECT a.table_name AS n FROM information_schema.COLUMNS a, information_schema.COLUMNS b LIMIT 500000"
            ),
            () => Effect.sync(() => rows++)
          )
        )
        expect(rows).toBeGreaterThan(100)
        const failure = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
        expect(Option.getOrNull(failure)).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
        yield* network.become(pass)
        expect(yield* isServed(engine)).toBe(true)
      })
    )

    it.scopedLive("a COMMIT whose answer is cut or swallowed is CommitUnknown, and is never sent again", () =>
      Effect.gen(function* () {
        const { network, engine, ids, t } = yield* setting({ maxSize: 1, endTimeout: 300 })
        let bodies = 0
        const commit = (id: number, manner: Manner) =>
          Effect.flip(
            engine.transaction(
              Effect.gen(function* () {
                bodies++
                yield* engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
                yield* network.become(manner)
              }),
              // A policy that would run anything again.
              { retry: { ...Transaction.retryDeadlocks({ times: 3 }), while: () => true } }
            )
          )
        for (const bytes of [0, 2, 6]) {
          expect(yield* commit(bytes, { _tag: "cutAfter", bytes })).toMatchObject({ reason: "CommitUnknown" })
          yield* network.become(pass)
          yield* eventually(isServed(engine))
        }
        const [unheard, millis] = yield* timed(commit(100, swallow))
        expect(unheard).toMatchObject({ _tag: "OperationalError", reason: "CommitUnknown" })
        expect(millis).toBeGreaterThan(250)
        expect(millis).toBeLessThan(1_500)
        yield* network.become(pass)
        yield* network.cut
        yield* eventually(isServed(engine))
        expect(bodies).toBe(4)
        // What was cut off was committed; what was swallowed on its way there was not.
        expect(yield* ids).toEqual([0, 2, 6])
      })
    )

    it.scopedLive(
      "an acquire whose ping is swallowed obeys its one deadline, and says what the pool was doing (T-70)",
      () =>
        Effect.gen(function* () {
          const { network, engine } = yield* setting({ maxSize: 1, validateAfter: 0, acquireTimeout: 400 })
          yield* engine.execute("SELECT 1")
          yield* network.become(swallow)
          const [error, millis] = yield* timed(Effect.flip(engine.execute("SELECT 1")))
          expect(error).toBeInstanceOf(Errors.PoolTimeoutError)
          expect(error).toMatchObject({ reason: "AcquireTimeout", pool: { maxSize: 1 } })
          expect(millis).toBeGreaterThan(350)
          expect(millis).toBeLessThan(900)
          yield* network.become(pass)
          // The ping has a deadline of its own, after which the connection is replaced.
          yield* Effect.retry(engine.execute("SELECT 1"), { times: 10 })
        })
    )

    it.scopedLive("an interruption returns at once where not even the kill arrives", () =>
      Effect.gen(function* () {
        const { network, engine } = yield* setting({ maxSize: 1 })
        yield* engine.execute("SELECT 1")
        const fiber = yield* Effect.fork(engine.execute("SELECT SLEEP(20)"))
        yield* Effect.sleep("100 millis")
        yield* network.become(swallow)
        const [, millis] = yield* timed(Fiber.interrupt(fiber))
        expect(millis).toBeLessThan(200)
        yield* network.become(pass)
        expect(yield* isServed(engine)).toBe(true)
      })
    )

    it.scopedLive("a pool recovers by itself from an outage that swallows everything (T-72)", () =>
      Effect.gen(function* () {
        const { network, engine, direct } = yield* setting({
          maxSize: 4,
          acquireTimeout: 500,
          connectTimeout: 200,
          validateAfter: 0
        })
        yield* Effect.forEach([1, 2, 3, 4], () => engine.execute("SELECT SLEEP(0.02)"), { concurrency: "unbounded" })
        yield* network.become(swallow)
        // Some find connections that say nothing any more, and wait for an answer as long as they like; others get none.
        const during = yield* Effect.forEach(
          Array.from({ length: 30 }),
          () => Effect.exit(Effect.timeout(engine.execute("SELECT 1"), "700 millis")),
          { concurrency: 15 }
        )
        for (const exit of during) {
          const failure = Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()
          expect(["PoolTimeoutError", "TimeoutException"]).toContain(Option.getOrThrow(failure)._tag)
        }
        yield* network.become(pass)
        yield* Effect.sleep("2500 millis")
        const after = yield* Effect.forEach(
          Array.from({ length: 100 }),
          (_, id) => Effect.map(engine.scalar("SELECT ? + 0", [id]), Option.getOrNull),
          { concurrency: 20 }
        )
        expect(after).toEqual(Array.from({ length: 100 }, (_, id) => id))
        yield* eventually(
          Effect.map(engine.pool.numbers, ({ used, waiting, opening }) => used + waiting + opening === 0)
        )
        expect((yield* engine.pool.numbers).size).toBeLessThanOrEqual(4)
        // What the network has forgotten it does not keep open on the server, either.
        yield* network.cut
        yield* eventually(Effect.map(network.connections, (open) => open === 0))
        expect(yield* isServed(direct)).toBe(true)
      })
    )

    it.scopedLive("a body that is interrupted is rolled back before the interruption returns", () =>
      Effect.gen(function* () {
        const { network, engine, direct, t, ids } = yield* setting({ maxSize: 1 })
        const begun = yield* Effect.fork(
          engine.transaction(Effect.zipRight(engine.execute(`INSERT INTO ${t} VALUES (1)`), Effect.never))
        )
        yield* Effect.sleep("150 millis")
        yield* network.become({ _tag: "delay", millis: 100 })
        const [exit, millis] = yield* timed(Fiber.interrupt(begun))
        expect(Exit.isInterrupted(exit)).toBe(true)
        // There and back.
        expect(millis).toBeGreaterThan(180)
        const mine = yield* engine.scalar("SELECT CONNECTION_ID()")
        const open = yield* direct.execute(
          "SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = ?",
          [Number(Option.getOrNull(mine))]
        )
        expect(open.rowCount).toBe(0)
        expect(yield* ids).toEqual([])
        // It was rolled back, and not thrown away.
        expect(yield* network.connections).toBe(1)
      })
    )
  })
}

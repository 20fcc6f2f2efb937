// What a pool does when much time passes at once, and when the clock on the wall is set while time passes as ever.
import { describe, expect, it } from "@effect/vitest"
import { Clock, Data, Effect, Exit, Fiber, Option, type Scope, TestClock } from "effect"
import { LeasePool } from "effect-sa"
import { ordinary } from "../support/leasePool.js"

class OpenFailed extends Data.TaggedError("OpenFailed")<{ readonly message: string }> {}

type Pool = LeasePool.LeasePool<number, OpenFailed>

class Items {
  next = 0
  asked = 0
  fails = false
  readonly open = new Set<number>()
}

const hour = 3_600_000

const poolOf = (
  items: Items,
  options: Partial<LeasePool.Options<number, OpenFailed, never>> = {}
): Effect.Effect<Pool, OpenFailed, Scope.Scope> =>
  LeasePool.make<number, OpenFailed, never>({
    open: Effect.acquireRelease(
      Effect.suspend(() => {
        if (items.fails) return Effect.fail(new OpenFailed({ message: "away" }))
        items.open.add(++items.next)
        return Effect.succeed(items.next)
      }),
      (item) => Effect.sync(() => items.open.delete(item))
    ),
    terminate: (item) => items.open.delete(item),
    isBroken: (item) => !items.open.has(item),
    validate: () =>
      Effect.sync(() => {
        items.asked++
        return true
      }),
    recycle: () => "keep",
    verdict: () => "retry",
    ...ordinary,
    ...options
  })

const settle = Effect.yieldNow().pipe(Effect.repeatN(20))

const hold = (pool: Pool) => Effect.acquireRelease(pool.lease, (lease) => lease.release)

/** A clock of which the wall shows something else: it can be set, and time passes by it as by the other. */
const wallClock = Effect.map(Effect.clock, (clock) => {
  let shift = 0
  const shifted: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    currentTimeMillis: Effect.sync(() => clock.unsafeCurrentTimeMillis() + shift),
    currentTimeNanos: clock.currentTimeNanos,
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + shift,
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    sleep: (duration) => clock.sleep(duration)
  }
  return {
    clock: shifted,
    set: (millis: number) =>
      Effect.sync(() => {
        shift += millis
      })
  }
})

describe("LeasePool, when an hour passes at once,", () => {
  it.scoped("has told everybody who waited that their time is over, and serves whoever comes then", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1 })
      const lease = yield* hold(pool)
      const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.fork(Effect.flip(pool.use(Effect.succeed))))
      yield* settle
      yield* TestClock.adjust(hour)
      for (const fiber of waiting) expect((yield* Fiber.join(fiber))._tag).toBe("PoolTimeoutError")
      yield* lease.release
      expect(yield* pool.use(Effect.succeed)).toBe(lease.item)
    })
  )

  it.scoped("hands nobody an item whose lifetime was over meanwhile, neither idle nor just given back (T-78)", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { maxSize: 1, lifetime: 60_000, acquireTimeout: 2 * hour })
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      yield* TestClock.adjust(hour)
      const lease = yield* hold(pool)
      expect(lease.item).toBe(2)
      const waiting = yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      yield* TestClock.adjust(hour)
      // In use it stays, however old.
      expect(items.open.has(2)).toBe(true)
      yield* lease.release
      expect(yield* Fiber.join(waiting)).toBe(3)
      yield* settle
      expect([...items.open]).toEqual([3])
    })
  )

  it.scoped("has closed what was idle, and keeps minSize", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { minSize: 1, maxSize: 4, idleTimeout: 60_000 })
      const leases = yield* Effect.all([hold(pool), hold(pool), hold(pool)])
      for (const { release } of leases) yield* release
      yield* TestClock.adjust(hour)
      yield* settle
      expect(yield* pool.numbers).toMatchObject({ size: 1, idle: 1 })
      expect(items.open.size).toBe(1)
    })
  )

  it.scoped("has tried to open no more often than its pauses allow, and is served at the next try", () =>
    Effect.gen(function* () {
      const items = new Items()
      items.fails = true
      const pool = yield* poolOf(items, { acquireTimeout: 2 * hour })
      const waiting = yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      yield* TestClock.adjust(hour)
      expect(Option.isNone(yield* Fiber.poll(waiting))).toBe(true)
      items.fails = false
      yield* TestClock.adjust("1 seconds")
      expect(yield* Fiber.join(waiting)).toBe(1)
    })
  )
})

describe("LeasePool, when the clock is set", () => {
  it.scoped("back by an hour, lets nobody wait longer than acquireTimeout", () =>
    Effect.gen(function* () {
      const wall = yield* wallClock
      const pool = yield* Effect.withClock(poolOf(new Items(), { maxSize: 1 }), wall.clock)
      yield* hold(pool)
      const waiting = yield* Effect.fork(Effect.flip(pool.use(Effect.succeed)))
      yield* settle
      yield* TestClock.adjust(500)
      yield* wall.set(-hour)
      yield* TestClock.adjust(500)
      const exit = yield* Fiber.poll(waiting)
      expect(Option.isSome(exit)).toBe(true)
      expect((yield* Fiber.join(waiting))._tag).toBe("PoolTimeoutError")
    })
  )

  it.scoped("forward by an hour, lets everybody wait their whole time", () =>
    Effect.gen(function* () {
      const wall = yield* wallClock
      const pool = yield* Effect.withClock(poolOf(new Items(), { maxSize: 1 }), wall.clock)
      const lease = yield* hold(pool)
      const first = yield* Effect.fork(Effect.exit(pool.use(Effect.succeed)))
      yield* settle
      yield* TestClock.adjust(900)
      const second = yield* Effect.fork(Effect.exit(pool.use(Effect.succeed)))
      yield* settle
      yield* wall.set(hour)
      yield* TestClock.adjust(150)
      expect(Exit.isFailure(yield* Fiber.join(first))).toBe(true)
      expect(Option.isNone(yield* Fiber.poll(second))).toBe(true)
      yield* lease.release
      expect(yield* Fiber.join(second)).toEqual(Exit.succeed(lease.item))
    })
  )

  it.scoped("back by an hour, still asks what was idle for long, and replaces what is old", () =>
    Effect.gen(function* () {
      const items = new Items()
      const wall = yield* wallClock
      const pool = yield* Effect.withClock(poolOf(items, { validateAfter: 1_000, lifetime: 60_000 }), wall.clock)
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      yield* wall.set(-hour)
      yield* TestClock.adjust(5_000)
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      expect(items.asked).toBe(1)
      yield* TestClock.adjust(60_000)
      expect(yield* pool.use(Effect.succeed)).toBe(2)
    })
  )

  it.scoped("forward by an hour, keeps what is young", () =>
    Effect.gen(function* () {
      const wall = yield* wallClock
      const options = { lifetime: 60_000, idleTimeout: 60_000, validateAfter: 60_000 }
      const items = new Items()
      const pool = yield* Effect.withClock(poolOf(items, options), wall.clock)
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      yield* wall.set(hour)
      yield* TestClock.adjust(1_000)
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      expect(items.asked).toBe(0)
    })
  )
})

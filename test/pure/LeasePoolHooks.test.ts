// What a LeasePool does besides lending: hooks, numbers as they change, and who has kept what for too long.
import { describe, expect, it } from "@effect/vitest"
import { Data, Deferred, Effect, Exit, Fiber, Logger, type Scope, Stream, TestClock } from "effect"
import { LeasePool } from "effect-sa"
import { ordinary } from "../support/leasePool.js"

class Refused extends Data.TaggedError("Refused")<{ readonly kind: LeasePool.Verdict; readonly message: string }> {}

/** Integers that are opened one after the other, and what was done with them. */
class Items {
  next = 0
  readonly open = new Set<number>()
  readonly log: Array<string> = []

  readonly acquire: Effect.Effect<number, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => {
      this.open.add(++this.next)
      return this.next
    }),
    (item) => Effect.sync(() => this.open.delete(item))
  )
}

const poolOf = (items: Items, options: Partial<LeasePool.Options<number, Refused, never>> = {}) =>
  LeasePool.make<number, Refused, never>({
    open: items.acquire,
    terminate: (item) => {
      items.open.delete(item)
    },
    isBroken: (item) => !items.open.has(item),
    validate: () => Effect.succeed(true),
    recycle: (item) => {
      items.log.push(`recycle ${item}`)
      return "keep"
    },
    verdict: (error) => error.kind,
    ...ordinary,
    ...options
  })

const settle = Effect.yieldNow().pipe(Effect.repeatN(20))

describe("LeasePool.onCheckout", () => {
  it.scoped("runs before each user, who gets an item that is ready", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, {
        onCheckout: (item) => Effect.sync(() => void items.log.push(`ready ${item}`))
      })
      yield* pool.use((item) => Effect.sync(() => items.log.push(`use ${item}`)))
      yield* pool.use((item) => Effect.sync(() => items.log.push(`use ${item}`)))
      expect(items.log).toEqual(["ready 1", "use 1", "recycle 1", "ready 1", "use 1", "recycle 1"])
    })
  )

  it.scoped("ends an item for which it fails, and tries another as long as its user waits", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, {
        onCheckout: (item) =>
          item < 3 ? Effect.fail(new Refused({ kind: "retry", message: `not ${item}` })) : Effect.void
      })
      const used = yield* Effect.fork(pool.use(Effect.succeed))
      yield* TestClock.adjust("500 millis")
      expect(yield* Fiber.join(used)).toBe(3)
      expect([...items.open]).toEqual([3])
    })
  )

  it.scoped("has one deadline with the wait, and says what it failed with last", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, {
        onCheckout: () => Effect.fail(new Refused({ kind: "retry", message: "not now" }))
      })
      const used = yield* Effect.fork(Effect.flip(pool.use(Effect.succeed)))
      yield* TestClock.adjust("1 seconds")
      expect(yield* Fiber.join(used)).toMatchObject({ _tag: "PoolTimeoutError", cause: { message: "not now" } })
      yield* settle
      expect([items.open.size, (yield* pool.numbers).size]).toEqual([0, 0])
      // One that never ends is given up at the deadline.
      const slow = yield* poolOf(new Items(), { onCheckout: () => Effect.never })
      const waited = yield* Effect.fork(Effect.flip(slow.use(Effect.succeed)))
      yield* TestClock.adjust("1 seconds")
      expect(yield* Fiber.join(waited)).toMatchObject({ _tag: "PoolTimeoutError", reason: "AcquireTimeout" })
      expect((yield* slow.numbers).size).toBe(0)
    })
  )

  it.scoped("fails its user at once with what it failed with for good", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, {
        onCheckout: () => Effect.fail(new Refused({ kind: "fail", message: "never" }))
      })
      expect(yield* Effect.flip(pool.use(Effect.succeed))).toMatchObject({ _tag: "Refused", message: "never" })
      yield* settle
      expect(items.open.size).toBe(0)
    })
  )

  it.scoped("can be interrupted, which ends its item and frees its place", () =>
    Effect.gen(function* () {
      const items = new Items()
      const begun = yield* Deferred.make<void>()
      let first = true
      const pool = yield* poolOf(items, {
        maxSize: 1,
        onCheckout: () => {
          if (!first) return Effect.void
          first = false
          return Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never)
        }
      })
      const used = yield* Effect.fork(pool.use(Effect.succeed))
      yield* Deferred.await(begun)
      expect(Exit.isInterrupted(yield* Fiber.interrupt(used))).toBe(true)
      expect(yield* pool.use(Effect.succeed)).toBe(2)
    })
  )
})

describe("LeasePool.onCheckin", () => {
  it.scoped("runs when an item comes back, before it is judged and before anybody else has it", () =>
    Effect.gen(function* () {
      const items = new Items()
      const gate = yield* Deferred.make<void>()
      const pool = yield* poolOf(items, {
        maxSize: 1,
        onCheckin: (item) =>
          Effect.zipRight(
            Effect.sync(() => items.log.push(`back ${item}`)),
            Deferred.await(gate)
          )
      })
      yield* pool.use(() => Effect.void)
      const next = yield* Effect.fork(pool.use((item) => Effect.sync(() => items.log.push(`use ${item}`))))
      yield* settle
      expect(items.log).toEqual(["back 1"])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(next)
      expect(items.log.slice(0, 3)).toEqual(["back 1", "recycle 1", "use 1"])
    })
  )

  it.scoped("ends an item for which it throws, and whoever has used that does not notice", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, {
        maxSize: 1,
        onCheckin: () => {
          throw new Error("a bug")
        }
      })
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      expect(yield* Effect.scoped(pool.acquire)).toBe(2)
      yield* settle
      expect([...items.open]).toEqual([])
      expect(yield* pool.numbers).toMatchObject({ size: 0, used: 0 })
    })
  )

  it.scoped("ends an item for which it dies", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { onCheckin: () => Effect.die("a bug") })
      yield* pool.use(() => Effect.void)
      yield* settle
      expect(items.open.size).toBe(0)
      expect(yield* pool.use(Effect.succeed)).toBe(2)
    })
  )
})

describe("LeasePool.changes", () => {
  it.scoped("gives the numbers now and whenever they have changed, and ends with the pool", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1 })
      const seen: Array<string> = []
      const following = yield* Effect.fork(
        Stream.runForEach(pool.changes, ({ used, idle, opening, waiting }) =>
          Effect.sync(() => seen.push(`${used} used, ${idle} idle, ${opening} opening, ${waiting} waiting`))
        )
      )
      yield* settle
      const release = yield* Deferred.make<void>()
      const first = yield* Effect.fork(pool.use(() => Deferred.await(release)))
      yield* settle
      const second = yield* Effect.fork(pool.use(() => Effect.void))
      yield* settle
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.joinAll([first, second])
      yield* settle
      expect(seen[0]).toBe("0 used, 0 idle, 0 opening, 0 waiting")
      expect(seen).toContain("1 used, 0 idle, 0 opening, 0 waiting")
      expect(seen).toContain("1 used, 0 idle, 0 opening, 1 waiting")
      expect(seen.at(-1)).toBe("0 used, 1 idle, 0 opening, 0 waiting")
      yield* pool.close
      yield* Fiber.join(following)
    })
  )
})

describe("LeasePool.leakThreshold", () => {
  it.scoped("says once where an item was taken that has not come back", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => {
        lines.push(String(message))
      })
      yield* Effect.gen(function* () {
        const pool = yield* poolOf(new Items(), { leakThreshold: 2_000 })
        const forgetful = Effect.fn("forgetful")(function* () {
          return yield* pool.lease
        })
        const lease = yield* forgetful()
        yield* pool.use(() => Effect.void)
        yield* TestClock.adjust("1900 millis")
        expect(lines).toEqual([])
        yield* TestClock.adjust("10 seconds")
        expect(lines.length).toBe(1)
        expect(lines[0]).toMatch(/taken \d+ ms ago .* fiber #\d+/)
        expect(lines[0]).toContain("forgetful")
        expect(lines[0]).toContain("LeasePoolHooks.test.ts")
        yield* lease.release
        yield* TestClock.adjust("10 seconds")
        expect(lines.length).toBe(1)
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
    })
  )
})

describe("LeasePool.isClosed", () => {
  it.scoped("is false until it is closed or terminated", () =>
    Effect.gen(function* () {
      const closed = yield* poolOf(new Items())
      expect(yield* closed.isClosed).toBe(false)
      yield* closed.close
      expect(yield* closed.isClosed).toBe(true)
      const terminated = yield* poolOf(new Items())
      yield* terminated.terminate
      expect(yield* terminated.isClosed).toBe(true)
    })
  )
})

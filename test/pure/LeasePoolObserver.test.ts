// What a LeasePool tells its observer.
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, TestClock } from "effect"
import { LeasePool } from "effect-sa"
import { ordinary } from "../support/leasePool.js"

/** What was told, in order. */
class Told implements LeasePool.Observer {
  readonly log: Array<string> = []
  idle = 0
  used = 0
  waiting = 0
  created(milliseconds: number): void {
    this.log.push(`created in ${Math.round(milliseconds)}`)
  }
  waited(milliseconds: number): void {
    this.log.push(`waited ${Math.round(milliseconds)}`)
  }
  returned(milliseconds: number): void {
    this.log.push(`returned after ${Math.round(milliseconds)}`)
  }
  timedOut(): void {
    this.log.push("timed out")
  }
  changed({ idle, used, waiting }: { readonly idle: number; readonly used: number; readonly waiting: number }): void {
    Object.assign(this, { idle, used, waiting })
  }
  get numbers(): ReadonlyArray<number> {
    return [this.idle, this.used, this.waiting]
  }
}

const poolOf = (observer: LeasePool.Observer, options: Partial<LeasePool.Options<object, never, never>> = {}) =>
  LeasePool.make<object, never, never>({
    open: Effect.delay(
      Effect.sync(() => ({})),
      "30 millis"
    ),
    terminate: () => {},
    isBroken: () => false,
    validate: () => Effect.succeed(true),
    recycle: () => "keep",
    verdict: () => "retry",
    observer,
    ...ordinary,
    ...options
  })

const settle = Effect.yieldNow().pipe(Effect.repeatN(20))

describe("LeasePool.Observer", () => {
  it.scoped("is told of what is opened, of each wait, and of how long an item was lent", () =>
    Effect.gen(function* () {
      const told = new Told()
      const pool = yield* poolOf(told, { maxSize: 1 })
      const first = yield* Effect.fork(pool.use(() => Effect.sleep("100 millis")))
      yield* settle
      expect(told.numbers).toEqual([0, 0, 1])
      yield* TestClock.adjust("30 millis")
      expect(told.numbers).toEqual([0, 1, 0])
      const second = yield* Effect.fork(pool.use(() => Effect.sleep("5 millis")))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(first)
      yield* TestClock.adjust("5 millis")
      yield* Fiber.join(second)
      yield* pool.use(() => Effect.void)
      expect(told.log).toEqual([
        "created in 30",
        "waited 30",
        "returned after 100",
        "waited 100",
        "returned after 5",
        "waited 0",
        "returned after 0"
      ])
      expect(told.numbers).toEqual([1, 0, 0])
    })
  )

  it.scoped("is told of the same by every way to lend", () =>
    Effect.gen(function* () {
      const told = new Told()
      const pool = yield* poolOf(told, { minSize: 1, maxSize: 1 }).pipe(
        Effect.fork,
        Effect.tap(TestClock.adjust("30 millis")),
        Effect.flatMap(Fiber.join)
      )
      const during = TestClock.adjust("7 millis")
      yield* Effect.scoped(Effect.zipRight(pool.acquire, during))
      yield* Effect.scoped(Effect.zipRight(pool.hold, during))
      yield* Effect.flatMap(pool.lease, ({ release }) => Effect.zipRight(during, Effect.zipRight(release, release)))
      yield* Effect.exit(pool.use(() => Effect.zipRight(during, Effect.fail("no"))))
      yield* Effect.uninterruptibleMask((restore) =>
        pool.lendIn(restore, "alone", (loan) =>
          Effect.ensuring(
            during,
            Effect.sync(() => loan.giveBack())
          )
        )
      )
      expect(told.log.filter((line) => line !== "waited 0")).toEqual([
        "created in 30",
        ...Array.from({ length: 5 }, () => "returned after 7")
      ])
      expect(told.log.filter((line) => line === "waited 0")).toHaveLength(5)
    })
  )

  it.scoped("is told of an item that is shared when its last user gives it back, and of each user's wait", () =>
    Effect.gen(function* () {
      const told = new Told()
      const pool = yield* poolOf(told, { maxSize: 1, maxShare: 3 })
      const users = yield* Effect.fork(
        Effect.all(
          ["10 millis", "20 millis", "40 millis"].map((time) =>
            pool.useShared(() => Effect.sleep(time as "10 millis"))
          ),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("30 millis")
      yield* TestClock.adjust("40 millis")
      yield* Fiber.join(users)
      expect(told.log).toEqual(["created in 30", "waited 30", "waited 30", "waited 30", "returned after 40"])
    })
  )

  it.scoped("is told whose time was over, and of no use by who was interrupted before", () =>
    Effect.gen(function* () {
      const told = new Told()
      const pool = yield* poolOf(told, { maxSize: 1, acquireTimeout: 50 })
      const user = yield* Effect.fork(pool.use(() => Effect.sleep("200 millis")))
      yield* TestClock.adjust("30 millis")
      const late = yield* Effect.fork(Effect.exit(pool.use(() => Effect.void)))
      yield* settle
      const gone = yield* Effect.fork(pool.use(() => Effect.void))
      yield* settle
      expect(told.numbers).toEqual([0, 1, 2])
      yield* Fiber.interrupt(gone)
      yield* TestClock.adjust("50 millis")
      expect(Exit.isFailure(yield* Fiber.join(late))).toBe(true)
      expect(told.numbers).toEqual([0, 1, 0])
      yield* TestClock.adjust("200 millis")
      yield* Fiber.join(user)
      expect(told.log).toEqual(["created in 30", "waited 30", "timed out", "returned after 200"])
    })
  )

  it.scoped("is told the numbers after old items were closed, and nothing is left after the pool", () =>
    Effect.gen(function* () {
      const told = new Told()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pool = yield* poolOf(told, { maxSize: 3, idleTimeout: 10_000 })
          const use = (time: "1 seconds" | "9 seconds") => Effect.fork(pool.use(() => Effect.sleep(time)))
          yield* use("1 seconds")
          yield* use("1 seconds")
          yield* use("9 seconds")
          yield* TestClock.adjust("30 millis")
          yield* TestClock.adjust("9 seconds")
          expect(told.numbers).toEqual([3, 0, 0])
          // Two have been idle for long enough by now.
          yield* TestClock.adjust("6 seconds")
          expect(told.numbers).toEqual([1, 0, 0])
        })
      )
      expect(told.numbers).toEqual([0, 0, 0])
    })
  )
})

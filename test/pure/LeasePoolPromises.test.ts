// What other pools are tested for, of this one: under races, among broken items, and while opening fails.
import { describe, expect, it } from "@effect/vitest"
import { Data, Effect, Fiber, Random, type Scope, TestClock } from "effect"
import { LeasePool } from "effect-sa"
import { ordinary } from "../support/leasePool.js"

class OpenFailed extends Data.TaggedError("OpenFailed")<{ readonly message: string }> {}

class Items {
  next = 0
  fails = false
  readonly open = new Set<number>()
  readonly broken = new Set<number>()
  readonly used = new Set<number>()
  mostOpen = 0
}

const poolOf = (
  items: Items,
  options: Partial<LeasePool.Options<number, OpenFailed, never>> = {}
): Effect.Effect<LeasePool.LeasePool<number, OpenFailed>, OpenFailed, Scope.Scope> =>
  LeasePool.make<number, OpenFailed, never>({
    open: Effect.acquireRelease(
      Effect.suspend(() => {
        if (items.fails) return Effect.fail(new OpenFailed({ message: "away" }))
        items.open.add(++items.next)
        items.mostOpen = Math.max(items.mostOpen, items.open.size)
        return Effect.succeed(items.next)
      }),
      (item) => Effect.sync(() => items.open.delete(item))
    ),
    terminate: (item) => items.open.delete(item),
    isBroken: (item) => items.broken.has(item) || !items.open.has(item),
    validate: (item) => Effect.sync(() => !items.broken.has(item)),
    recycle: (item) => (items.broken.has(item) ? "discard" : "keep"),
    verdict: () => "retry",
    ...ordinary,
    acquireTimeout: 10_000,
    ...options
  })

const settle = Effect.yieldNow().pipe(Effect.repeatN(20))

const hold = (pool: LeasePool.LeasePool<number, OpenFailed>) =>
  Effect.acquireRelease(pool.lease, (lease) => lease.release)

describe("LeasePool keeps what pools are trusted for:", () => {
  it.scoped("who waits gets the item that comes back first, also while none can be opened", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items)
      const lease = yield* hold(pool)
      items.fails = true
      const waiting = yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      yield* TestClock.adjust("2 seconds")
      yield* lease.release
      expect(yield* Fiber.join(waiting)).toBe(lease.item)
    })
  )

  it.scoped("more broken idle items than anybody would try are no reason to fail", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { maxSize: 50 })
      const leases = yield* Effect.forEach(Array.from({ length: 50 }), () => hold(pool))
      for (const { release } of leases) yield* release
      for (const { item } of leases) items.broken.add(item)
      expect(yield* pool.use(Effect.succeed)).toBe(51)
      yield* settle
      expect([...items.open]).toEqual([51])
    })
  )

  it.scoped("items that break in use do not starve who waits", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { maxSize: 2 })
      const breaking = pool.use((item) =>
        Effect.zipRight(
          Effect.yieldNow(),
          Effect.sync(() => items.broken.add(item))
        )
      )
      yield* Effect.all(
        Array.from({ length: 200 }, () => breaking),
        { concurrency: "unbounded" }
      )
      expect(items.next).toBe(200)
      expect(items.mostOpen).toBeLessThanOrEqual(2)
      expect(yield* pool.numbers).toMatchObject({ used: 0, waiting: 0, opening: 0 })
    })
  )

  it.live(
    "ten thousand rounds of taking and clearing side by side lend no item twice and lose none",
    () =>
      Effect.gen(function* () {
        const items = new Items()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const pool = yield* poolOf(items, { maxSize: 5 })
            const round = pool.use((item) =>
              Effect.gen(function* () {
                expect(items.used.has(item)).toBe(false)
                expect(items.open.has(item)).toBe(true)
                items.used.add(item)
                if ((yield* Random.nextIntBetween(0, 4)) === 0) yield* Effect.yieldNow()
                items.used.delete(item)
              })
            )
            const taking = Effect.repeatN(round, 999)
            const clearing = Effect.repeatN(Effect.zipRight(pool.clear, Effect.yieldNow()), 1_999)
            yield* Effect.all([clearing, ...Array.from({ length: 10 }, () => taking)], { concurrency: "unbounded" })
            expect(items.mostOpen).toBeGreaterThan(1)
            expect(yield* pool.numbers).toMatchObject({ used: 0, waiting: 0 })
          })
        )
        expect(items.open.size).toBe(0)
      }),
    60_000
  )

  it.live("a hundred waits given up at random moments take no place", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const items = new Items()
        const pool = yield* poolOf(items, { maxSize: 1 })
        const use = pool.use(() => Effect.sleep("1 millis"))
        yield* Effect.forEach(
          Array.from({ length: 100 }),
          () => Effect.flatMap(Random.nextRange(0, 20), (millis) => Effect.timeoutOption(use, millis)),
          { concurrency: 10 }
        )
        expect(yield* pool.numbers).toMatchObject({ used: 0, waiting: 0, size: 1 })
        expect(items.mostOpen).toBe(1)
      })
    )
  )
})

import { describe, expect, it } from "@effect/vitest"
import {
  Cause,
  Chunk,
  Data,
  Deferred,
  Duration,
  Effect,
  Exit,
  FastCheck,
  Fiber,
  Option,
  Scope,
  TestClock
} from "effect"
import { Errors, LeasePool } from "effect-sa"
import { ordinary } from "../support/leasePool.js"

class OpenFailed extends Data.TaggedError("OpenFailed")<{
  readonly kind: LeasePool.Verdict
  readonly message: string
}> {}

/** Integers that know whether they are open, and whose opening the test decides. */
class Items {
  next = 0
  readonly open = new Set<number>()
  readonly broken = new Set<number>()
  readonly closedPolitely: Array<number> = []
  mostOpen = 0
  attempts = 0
  failure: OpenFailed | undefined
  opening: Effect.Effect<void> = Effect.void
  valid = true

  get acquire(): Effect.Effect<number, OpenFailed, Scope.Scope> {
    return Effect.zipRight(
      Effect.suspend(() => {
        this.attempts++
        return this.opening
      }),
      Effect.uninterruptible(
        Effect.suspend(() => {
          if (this.failure !== undefined) return Effect.fail(this.failure)
          const item = ++this.next
          this.open.add(item)
          this.mostOpen = Math.max(this.mostOpen, this.open.size)
          return Effect.as(
            Effect.addFinalizer(() =>
              Effect.sync(() => {
                if (this.open.delete(item)) this.closedPolitely.push(item)
              })
            ),
            item
          )
        })
      )
    )
  }
}

const poolOf = (
  items: Items,
  options: Partial<LeasePool.Options<number, OpenFailed, never>> = {}
): Effect.Effect<LeasePool.LeasePool<number, OpenFailed>, OpenFailed, Scope.Scope> =>
  LeasePool.make<number, OpenFailed, never>({
    open: items.acquire,
    terminate: (item) => {
      items.open.delete(item)
    },
    isBroken: (item) => items.broken.has(item) || !items.open.has(item),
    validate: () => Effect.sync(() => items.valid),
    recycle: (item) => (items.broken.has(item) ? "discard" : "keep"),
    verdict: (error) => error.kind,
    ...ordinary,
    ...options
  })

/** Takes an item and holds it until its lease is released, or the test ends. */
const hold = (pool: LeasePool.LeasePool<number, OpenFailed>) =>
  Effect.acquireRelease(pool.lease, (lease) => lease.release)

/** Gives the fibers of the pool time to run. */
const settle = Effect.yieldNow().pipe(Effect.repeatN(20))

describe("LeasePool", () => {
  it.scoped("lends idle items last in, first out", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items())
      const first = yield* hold(pool)
      const second = yield* hold(pool)
      yield* first.release
      yield* second.release
      expect(yield* pool.use(Effect.succeed)).toBe(second.item)
    })
  )

  it.scoped("serves who waits in the order of their coming", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1 })
      const lease = yield* hold(pool)
      const order: Array<number> = []
      const fibers = yield* Effect.forEach([1, 2, 3], (n) =>
        Effect.zipLeft(Effect.fork(pool.use(() => Effect.sync(() => order.push(n)))), settle)
      )
      yield* lease.release
      yield* Fiber.joinAll(fibers)
      expect(order).toEqual([1, 2, 3])
    })
  )

  it.scoped("fails after acquireTimeout with its numbers and the last failure to open", () =>
    Effect.gen(function* () {
      const items = new Items()
      items.failure = new OpenFailed({ kind: "retry", message: "not yet" })
      const pool = yield* poolOf(items)
      const fiber = yield* Effect.fork(Effect.flip(pool.use(Effect.succeed)))
      yield* settle
      yield* TestClock.adjust("1 seconds")
      const error = yield* Fiber.join(fiber)
      expect(error).toBeInstanceOf(Errors.PoolTimeoutError)
      if (error._tag !== "PoolTimeoutError") return
      expect(error.reason).toBe("AcquireTimeout")
      expect(error.cause).toBe(items.failure)
      expect(error.message).toContain("not yet")
      expect(error.pool.maxSize).toBe(2)
      expect((yield* pool.numbers).waiting).toBe(0)
      expect(items.attempts).toBeGreaterThan(3)
    })
  )

  it.scoped("has one deadline for an acquire, however often opening is tried again", () =>
    Effect.gen(function* () {
      const items = new Items()
      items.failure = new OpenFailed({ kind: "retry", message: "not yet" })
      const pool = yield* poolOf(items, { acquireTimeout: 500 })
      const fiber = yield* Effect.fork(Effect.flip(pool.use(Effect.succeed)))
      yield* settle
      for (let i = 0; i < 49; i++) yield* TestClock.adjust("10 millis")
      expect(Option.isNone(yield* Fiber.poll(fiber))).toBe(true)
      yield* TestClock.adjust("10 millis")
      expect((yield* Fiber.join(fiber))._tag).toBe("PoolTimeoutError")
    })
  )

  it.scoped("never hands out a failure that is over: after an outage everybody is served", () =>
    Effect.gen(function* () {
      const items = new Items()
      items.failure = new OpenFailed({ kind: "fail", message: "down" })
      const pool = yield* poolOf(items)
      for (let i = 0; i < 3; i++) expect((yield* Effect.flip(pool.use(Effect.succeed)))._tag).toBe("OpenFailed")
      items.failure = undefined
      for (let i = 0; i < 3; i++) expect(yield* pool.use(Effect.succeed)).toBe(1)
    })
  )

  it.scoped("fails everybody who waits at once when opening fails for good", () =>
    Effect.gen(function* () {
      const items = new Items()
      const gate = yield* Deferred.make<void>()
      items.opening = Deferred.await(gate)
      items.failure = new OpenFailed({ kind: "fail", message: "wrong password" })
      const pool = yield* poolOf(items, { maxSize: 1 })
      const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.fork(Effect.flip(pool.use(Effect.succeed))))
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      const errors = yield* Effect.forEach(fibers, Fiber.join)
      expect(errors.map((error) => error._tag)).toEqual(["OpenFailed", "OpenFailed", "OpenFailed"])
    })
  )

  it.scoped("waits for an item in use when no more can be opened, and fails at once when none is in use", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items)
      const lease = yield* hold(pool)
      items.failure = new OpenFailed({ kind: "exhausted", message: "too many" })
      const fiber = yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      yield* lease.release
      expect(yield* Fiber.join(fiber)).toBe(lease.item)
      yield* pool.clear
      yield* TestClock.adjust("1 seconds")
      expect((yield* Effect.flip(pool.use(Effect.succeed)))._tag).toBe("OpenFailed")
    })
  )

  it.scoped("can be interrupted while an item is being opened, and the late item serves the next", () =>
    Effect.gen(function* () {
      const items = new Items()
      items.opening = Effect.sleep("1 hours")
      const pool = yield* poolOf(items, { acquireTimeout: 10_000_000 })
      const fiber = yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      expect(items.attempts).toBe(1)
      // Interrupting returns without the clock having moved.
      expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
      const next = yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      yield* TestClock.adjust("1 hours")
      expect(yield* Fiber.join(next)).toBe(1)
      expect(items.attempts).toBe(1)
    })
  )

  it.scoped("gives an item back that arrives in the moment its user is interrupted", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1 })
      for (let i = 0; i < 50; i++) {
        const lease = yield* hold(pool)
        const fiber = yield* Effect.fork(pool.use(() => Effect.never))
        yield* settle
        yield* lease.release
        yield* Fiber.interrupt(fiber)
        const { idle, used } = yield* pool.numbers
        expect({ idle, used }).toEqual({ idle: 1, used: 0 })
      }
    })
  )

  it.scoped("hands out a free item at once while another is slow to open", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items)
      const lease = yield* hold(pool)
      items.opening = Effect.never
      const slow = yield* Effect.fork(pool.use(() => Effect.succeed("slow")))
      yield* settle
      yield* lease.release
      expect(yield* Fiber.join(slow)).toBe("slow")
      expect(yield* pool.use(() => Effect.succeed("fast"))).toBe("fast")
    })
  )

  it.scoped("wakes who waits when a broken item comes back", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { maxSize: 1 })
      const lease = yield* hold(pool)
      const fiber = yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      items.broken.add(lease.item)
      yield* lease.release
      expect(yield* Fiber.join(fiber)).toBe(2)
      expect((yield* pool.numbers).size).toBe(1)
    })
  )

  it.scoped("ends the idle items too when one is lost", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { recycle: (item) => (item === 1 ? "lost" : "keep") })
      const one = yield* hold(pool)
      const two = yield* hold(pool)
      yield* two.release
      yield* one.release
      yield* settle
      expect(items.open.size).toBe(0)
      expect((yield* pool.numbers).size).toBe(0)
    })
  )

  it.scoped("counts a lease's release once", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1 })
      const lease = yield* hold(pool)
      yield* lease.release
      const other = yield* hold(pool)
      yield* lease.release
      expect((yield* pool.numbers).used).toBe(1)
      yield* other.release
      expect((yield* pool.numbers).idle).toBe(1)
    })
  )

  it.scoped("replaces an item that is older than its lifetime, never one in use", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { lifetime: 1_000, maxSize: 1 })
      const lease = yield* hold(pool)
      yield* TestClock.adjust("10 seconds")
      expect(items.open.has(lease.item)).toBe(true)
      yield* lease.release
      yield* settle
      expect(items.open.size).toBe(0)
      expect(yield* pool.use(Effect.succeed)).toBe(2)
    })
  )

  it.scoped("gives the items of one moment lifetimes that differ", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { lifetime: 1_000_000, maxSize: 20 })
      const leases = yield* Effect.all(Array.from({ length: 20 }, () => hold(pool)))
      yield* Effect.forEach(leases, (lease) => lease.release)
      yield* TestClock.adjust("900 seconds")
      const left: Array<number> = []
      for (let i = 0; i < 5; i++) {
        yield* settle
        left.push((yield* pool.numbers).size)
        yield* TestClock.adjust("30 seconds")
      }
      expect(left.at(0)).toBeGreaterThan(0)
      expect(left.at(-1)).toBe(0)
      expect(new Set(left).size).toBeGreaterThan(2)
    })
  )

  it.scoped("closes what was idle for too long, but keeps minSize", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { idleTimeout: 2_000, minSize: 1, maxSize: 3 })
      const leases = yield* Effect.all([hold(pool), hold(pool), hold(pool)])
      yield* Effect.forEach(leases, (lease) => lease.release)
      yield* TestClock.adjust("1 seconds")
      yield* settle
      expect((yield* pool.numbers).size).toBe(3)
      yield* TestClock.adjust("3 seconds")
      yield* settle
      expect((yield* pool.numbers).size).toBe(1)
      expect(items.open.size).toBe(1)
    })
  )

  it.scoped("asks an item that was idle for long, and opens another when it does not answer", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { validateAfter: 1_000, maxSize: 1 })
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      items.valid = false
      expect(yield* pool.use(Effect.succeed)).toBe(1)
      yield* TestClock.adjust("1 seconds")
      expect(yield* pool.use(Effect.succeed)).toBe(2)
    })
  )

  it.scoped("refuses more waiters than maxWaiters", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1, maxWaiters: 1 })
      yield* hold(pool)
      yield* Effect.fork(pool.use(Effect.succeed))
      yield* settle
      const error = yield* Effect.flip(pool.use(Effect.succeed))
      expect(error).toMatchObject({ _tag: "PoolTimeoutError", reason: "TooManyWaiters" })
    })
  )

  it.scoped("opens minSize items at once", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { minSize: 2 })
      expect(items.open.size).toBe(2)
      expect((yield* pool.numbers).idle).toBe(2)
    })
  )

  it.effect("leaves nothing open when one of the first items cannot be opened", () =>
    Effect.gen(function* () {
      const items = new Items()
      let opened = 0
      const open = Effect.suspend(() =>
        ++opened === 3
          ? Effect.zipRight(Effect.yieldNow(), Effect.fail(new OpenFailed({ kind: "retry", message: "third" })))
          : items.acquire
      )
      const scope = yield* Scope.make()
      const exit = yield* Effect.exit(Scope.extend(poolOf(items, { open, minSize: 3, maxSize: 3 }), scope))
      expect(Exit.isFailure(exit) && Cause.failureOption(exit.cause)).toMatchObject({ value: { message: "third" } })
      expect(items.open.size).toBe(0)
      yield* Scope.close(scope, Exit.void)
    })
  )

  it.scoped("fails who waits with PoolClosedError when it is closed, and whoever comes later", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { maxSize: 1 })
      const lease = yield* hold(pool)
      const waiting = yield* Effect.fork(Effect.flip(pool.use(Effect.succeed)))
      yield* settle
      yield* pool.close
      expect((yield* Fiber.join(waiting))._tag).toBe("PoolClosedError")
      expect((yield* Effect.flip(pool.use(Effect.succeed)))._tag).toBe("PoolClosedError")
      // What is in use stays, and is closed when it comes back.
      expect(items.open.size).toBe(1)
      yield* lease.release
      yield* pool.waitClosed
      expect(items.closedPolitely).toEqual([1])
    })
  )

  it.scoped("fails who waits with PoolClosedError while an item is being opened for them", () =>
    Effect.gen(function* () {
      const items = new Items()
      items.opening = Effect.never
      const pool = yield* poolOf(items)
      const waiting = yield* Effect.fork(Effect.flip(pool.use(Effect.succeed)))
      yield* settle
      yield* pool.close
      expect((yield* Fiber.join(waiting))._tag).toBe("PoolClosedError")
    })
  )

  it.scoped("terminates what is in use and what is idle, and waitClosed returns", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items)
      const lease = yield* hold(pool)
      const other = yield* hold(pool)
      yield* other.release
      yield* pool.terminate
      expect(items.open.size).toBe(0)
      yield* pool.waitClosed
      yield* lease.release
      expect((yield* pool.numbers).size).toBe(0)
    })
  )

  it.scoped("waits for items in use until closeTimeout, and then terminates them", () =>
    Effect.gen(function* () {
      const items = new Items()
      const pool = yield* poolOf(items, { closeTimeout: 5_000 })
      yield* pool.lease
      yield* pool.close
      const waiting = yield* Effect.fork(pool.waitClosed)
      yield* settle
      yield* TestClock.adjust("4 seconds")
      expect(items.open.size).toBe(1)
      yield* TestClock.adjust("1 seconds")
      yield* Fiber.join(waiting)
      expect(items.open.size).toBe(0)
    })
  )

  it.scoped("refuses waitClosed before close", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items())
      expect((yield* Effect.flip(pool.waitClosed))._tag).toBe("InvalidRequestError")
    })
  )

  it.effect("closes everything when its scope ends", () =>
    Effect.gen(function* () {
      const items = new Items()
      yield* Effect.scoped(Effect.flatMap(poolOf(items, { minSize: 2 }), (pool) => pool.use(Effect.succeed)))
      expect(items.open.size).toBe(0)
      expect(items.closedPolitely.length).toBe(2)
    })
  )

  it.scoped("gives an item back when its user dies", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1 })
      const exit = yield* Effect.exit(pool.use(() => Effect.die("a bug")))
      expect(Exit.isFailure(exit) && Chunk.toReadonlyArray(Cause.defects(exit.cause))).toEqual(["a bug"])
      expect((yield* pool.numbers).idle).toBe(1)
    })
  )

  /** Users that hold an item by useShared until they are told to let go. */
  const sharer = (pool: LeasePool.LeasePool<number, OpenFailed>) =>
    Effect.gen(function* () {
      const done = yield* Deferred.make<void>()
      const got = yield* Deferred.make<number>()
      const fiber = yield* Effect.fork(
        pool.useShared((item) => Effect.zipRight(Deferred.succeed(got, item), Deferred.await(done)))
      )
      yield* settle
      return { fiber, done, item: Effect.map(Deferred.poll(got), Option.isSome), got: Deferred.await(got) }
    })

  it.scoped("lends one to a few who join though others are idle, and then an idle one", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { minSize: 3, maxSize: 3, maxShare: 8 })
      const got: Array<number> = []
      const loans: Array<LeasePool.Loan<number>> = []
      const join = (manner: LeasePool.Manner) =>
        Effect.uninterruptibleMask((restore) =>
          pool.lendIn(restore, manner, (loan) =>
            Effect.sync(() => {
              got.push(loan.item)
              loans.push(loan)
            })
          )
        )
      yield* Effect.forEach(["joined", "joined", "joined", "joined", "shared"] as const, join)
      const [a, b, c, d, e] = got
      expect([b === a, c === a, d === c, e === a || e === c]).toEqual([true, false, true, false])
      expect(yield* pool.numbers).toMatchObject({ used: 3, idle: 0 })
      for (const loan of loans) loan.giveBack()
      for (const loan of loans) loan.giveBack()
      expect(yield* pool.numbers).toMatchObject({ used: 0, idle: 3 })
    })
  )

  it.scoped("hands nothing over where something is to be done when an item comes back", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1, onCheckin: () => Effect.void })
      const loans: Array<LeasePool.Loan<number>> = []
      const borrow = Effect.uninterruptibleMask((restore) =>
        pool.lendIn(restore, "takes over", (loan) => Effect.sync(() => loans.push(loan)))
      )
      yield* borrow
      const next = yield* Effect.fork(borrow)
      yield* settle
      expect(pool.isTakenOver()).toBe(false)
      loans[0]!.handOver()
      expect(loans).toHaveLength(1)
      loans[0]!.giveBack()
      yield* Fiber.join(next)
      loans[1]!.giveBack()
    })
  )

  it.scoped("lends nothing that is shared any more when it is closed", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1, maxShare: 4 })
      const user = yield* sharer(pool)
      yield* pool.close
      expect(yield* Effect.flip(pool.useShared(() => Effect.void))).toMatchObject({ _tag: "PoolClosedError" })
      yield* Deferred.succeed(user.done, undefined)
    })
  )

  it.scoped("gives what is lent to whoever waits longest and takes it over, and then it comes back once", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1 })
      const loans: Array<LeasePool.Loan<number>> = []
      const borrow = (manner: LeasePool.Manner) =>
        Effect.fork(
          Effect.uninterruptibleMask((restore) =>
            pool.lendIn(restore, manner, (loan) => Effect.sync(() => loans.push(loan)))
          )
        )
      yield* borrow("alone")
      yield* settle
      loans[0]!.handOver()
      expect(loans).toHaveLength(1)
      const waiting = [yield* borrow("takes over"), yield* borrow("alone")]
      yield* settle
      expect(pool.isTakenOver()).toBe(true)
      loans[0]!.handOver()
      yield* Fiber.join(waiting[0]!)
      expect(loans).toHaveLength(2)
      // It is not theirs any more.
      loans[0]!.giveBack()
      loans[0]!.handOver()
      yield* settle
      expect(yield* pool.numbers).toMatchObject({ used: 1, waiting: 1 })
      // Who waits next wants it for themselves: it has to come back.
      loans[1]!.handOver()
      yield* settle
      expect(loans).toHaveLength(2)
      loans[1]!.giveBack()
      yield* Fiber.join(waiting[1]!)
      loans[2]!.giveBack()
      expect(yield* pool.numbers).toMatchObject({ used: 0, waiting: 0 })
    })
  )

  it.scoped("lends an item to several who share, as many as maxShare, idle ones first", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 2, maxShare: 2 })
      const users = [
        yield* sharer(pool),
        yield* sharer(pool),
        yield* sharer(pool),
        yield* sharer(pool),
        yield* sharer(pool)
      ]
      const served = yield* Effect.forEach(users, (each) => each.item)
      expect(served).toEqual([true, true, true, true, false])
      const items = yield* Effect.forEach(users.slice(0, 4), (each) => each.got)
      expect([...items].sort()).toEqual([1, 1, 2, 2])
      expect((yield* pool.numbers).used).toBe(2)
      // Who waits to share gets the first place that becomes free.
      yield* Deferred.succeed(users[0]!.done, undefined)
      yield* settle
      expect(yield* users[4]!.item).toBe(true)
      for (const each of users) yield* Deferred.succeed(each.done, undefined)
      yield* settle
      expect((yield* pool.numbers).idle).toBe(2)
    })
  )

  it.scoped("lets nobody join an item while somebody waits for one of their own", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 1, maxShare: 4 })
      const first = yield* sharer(pool)
      const alone = yield* Effect.fork(pool.use(() => Effect.succeed("alone")))
      yield* settle
      const late = yield* sharer(pool)
      expect(yield* late.item).toBe(false)
      yield* Deferred.succeed(first.done, undefined)
      expect(yield* Fiber.join(alone)).toBe("alone")
      yield* settle
      expect(yield* late.item).toBe(true)
      yield* Deferred.succeed(late.done, undefined)
    })
  )

  it.scoped("lets nobody join an item that is stalled or broken", () =>
    Effect.gen(function* () {
      const items = new Items()
      let stalled = false
      const pool = yield* poolOf(items, { maxSize: 1, maxShare: 4, isStalled: () => stalled })
      const first = yield* sharer(pool)
      stalled = true
      const second = yield* sharer(pool)
      expect(yield* second.item).toBe(false)
      items.broken.add(yield* first.got)
      stalled = false
      yield* Deferred.succeed(first.done, undefined)
      yield* settle
      expect(yield* second.got).toBe(2)
      yield* Deferred.succeed(second.done, undefined)
    })
  )

  it.scoped("never lends a shared item to somebody who wants one alone", () =>
    Effect.gen(function* () {
      const pool = yield* poolOf(new Items(), { maxSize: 2, maxShare: 4 })
      const first = yield* sharer(pool)
      const lease = yield* hold(pool)
      expect(lease.item).not.toBe(yield* first.got)
      yield* Deferred.succeed(first.done, undefined)
    })
  )

  type Command =
    | { readonly _tag: "share" }
    | { readonly _tag: "acquire" }
    | { readonly _tag: "release"; readonly user: number }
    | { readonly _tag: "interrupt"; readonly user: number }
    | { readonly _tag: "break"; readonly user: number }
    | { readonly _tag: "fail"; readonly kind: LeasePool.Verdict | undefined }
    | { readonly _tag: "slow"; readonly millis: number }
    | { readonly _tag: "wait"; readonly millis: number }
    | { readonly _tag: "clear" }

  const user = FastCheck.nat({ max: 20 })
  const command: FastCheck.Arbitrary<Command> = FastCheck.oneof(
    { weight: 6, arbitrary: FastCheck.constant<Command>({ _tag: "acquire" }) },
    { weight: 6, arbitrary: FastCheck.constant<Command>({ _tag: "share" }) },
    { weight: 5, arbitrary: user.map((n): Command => ({ _tag: "release", user: n })) },
    { weight: 3, arbitrary: user.map((n): Command => ({ _tag: "interrupt", user: n })) },
    { weight: 2, arbitrary: user.map((n): Command => ({ _tag: "break", user: n })) },
    {
      weight: 2,
      arbitrary: FastCheck.constantFrom<LeasePool.Verdict | undefined>("fail", "retry", "exhausted", undefined).map(
        (kind): Command => ({ _tag: "fail", kind })
      )
    },
    { weight: 1, arbitrary: FastCheck.constantFrom(0, 30).map((millis): Command => ({ _tag: "slow", millis })) },
    { weight: 3, arbitrary: FastCheck.nat({ max: 400 }).map((millis): Command => ({ _tag: "wait", millis })) },
    { weight: 1, arbitrary: FastCheck.constant<Command>({ _tag: "clear" }) }
  )

  interface User {
    readonly fiber: Fiber.RuntimeFiber<void, unknown>
    readonly done: Deferred.Deferred<void>
    item: number | undefined
  }

  const run = (commands: ReadonlyArray<Command>, maxSize: number, ending: "drain" | "close" | "terminate") =>
    Effect.scoped(
      Effect.gen(function* () {
        const items = new Items()
        const held = new Set<number>()
        const sharers = new Map<number, number>()
        const users: Array<User> = []
        const pool = yield* poolOf(items, { maxSize, maxShare: 3, lifetime: 300, idleTimeout: 200, validateAfter: 100 })
        const check = Effect.gen(function* () {
          const numbers = yield* pool.numbers
          expect(numbers.size).toBe(numbers.idle + numbers.used + numbers.opening)
          expect(numbers.size).toBeLessThanOrEqual(maxSize)
          expect(numbers.used).toBeGreaterThanOrEqual(held.size)
        })
        for (const each of commands) {
          const target = "user" in each ? users[each.user % Math.max(1, users.length)] : undefined
          switch (each._tag) {
            case "acquire": {
              const done = yield* Deferred.make<void>()
              const entry: { item: number | undefined } = { item: undefined }
              const body = (item: number) =>
                Effect.gen(function* () {
                  // No two users have one item, alone or shared.
                  expect(held.has(item) || sharers.has(item)).toBe(false)
                  held.add(item)
                  entry.item = item
                  yield* Deferred.await(done)
                }).pipe(Effect.ensuring(Effect.sync(() => held.delete(item))))
              const fiber = yield* Effect.fork(pool.use(body))
              users.push(Object.assign(entry, { fiber, done }))
              break
            }
            case "share": {
              const done = yield* Deferred.make<void>()
              const entry: { item: number | undefined } = { item: undefined }
              const count = (item: number, by: number): void => {
                const now = (sharers.get(item) ?? 0) + by
                if (now === 0) sharers.delete(item)
                else sharers.set(item, now)
              }
              const body = (item: number) =>
                Effect.gen(function* () {
                  expect(held.has(item)).toBe(false)
                  count(item, 1)
                  expect(sharers.get(item)).toBeLessThanOrEqual(3)
                  entry.item = item
                  yield* Effect.ensuring(
                    Deferred.await(done),
                    Effect.sync(() => count(item, -1))
                  )
                })
              const fiber = yield* Effect.fork(pool.useShared(body))
              users.push(Object.assign(entry, { fiber, done }))
              break
            }
            case "release":
              if (target !== undefined) yield* Deferred.succeed(target.done, undefined)
              break
            case "interrupt":
              if (target !== undefined) yield* Fiber.interrupt(target.fiber)
              break
            case "break":
              if (target?.item !== undefined) items.broken.add(target.item)
              break
            case "fail":
              items.failure =
                each.kind === undefined ? undefined : new OpenFailed({ kind: each.kind, message: each.kind })
              break
            case "slow":
              items.opening = each.millis === 0 ? Effect.void : Effect.sleep(Duration.millis(each.millis))
              break
            case "wait":
              yield* TestClock.adjust(Duration.millis(each.millis))
              break
            case "clear":
              yield* pool.clear
              break
          }
          yield* settle
          yield* check
        }
        // From here on everything can be opened, and everybody lets go.
        items.failure = undefined
        items.opening = Effect.void
        if (ending === "close") yield* pool.close
        if (ending === "terminate") yield* pool.terminate
        for (const each of users) yield* Deferred.succeed(each.done, undefined)
        for (let i = 0; i < 6; i++) {
          yield* TestClock.adjust("250 millis")
          yield* settle
        }
        yield* check
        // No waiter is lost: each was served, or was told why not.
        const exits = yield* Effect.forEach(users, (each) => Fiber.poll(each.fiber))
        expect(exits.every(Option.isSome)).toBe(true)
        // What a user found wrong with its item comes out as a defect.
        const defects = exits.flatMap((exit) =>
          Option.isSome(exit) && Exit.isFailure(exit.value) ? [...Cause.defects(exit.value.cause)] : []
        )
        expect(defects).toEqual([])
        const numbers = yield* pool.numbers
        expect(numbers.used).toBe(0)
        expect(numbers.waiting).toBe(0)
        expect(numbers.opening).toBe(0)
        expect(items.open.size).toBe(numbers.idle)
        if (ending !== "drain") {
          yield* pool.waitClosed
          expect(items.open.size).toBe(0)
        }
      })
    )

  it.effect(
    "never exceeds its size, lends no item twice and loses no waiter, under random interleavings",
    () =>
      Effect.gen(function* () {
        const cases = FastCheck.sample(
          FastCheck.tuple(
            FastCheck.array(command, { maxLength: 40 }),
            FastCheck.integer({ min: 1, max: 4 }),
            FastCheck.constantFrom<"drain" | "close" | "terminate">("drain", "close", "terminate")
          ),
          { numRuns: 120 }
        )
        for (const [commands, maxSize, ending] of cases) {
          yield* run(commands, maxSize, ending).pipe(
            Effect.tapErrorCause(() => Effect.sync(() => console.error(JSON.stringify({ commands, maxSize, ending }))))
          )
        }
      }),
    120_000
  )

  it.live("ends its fibers with it even where it was made in a region that cannot be interrupted", () =>
    Effect.gen(function* () {
      const items = new Items()
      const used = Effect.scoped(Effect.flatMap(poolOf(items, { minSize: 1 }), (pool) => pool.use(Effect.succeed)))
      yield* Effect.timeout(Effect.disconnect(Effect.uninterruptible(used)), "2 seconds")
      expect(items.open).toEqual(new Set())
    })
  )
})

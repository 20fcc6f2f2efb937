// Traps for pools of anything that is costly to open.
import { Clock, Data, Deferred, Effect, Exit, Fiber, Scope, TestClock, TestContext } from "effect"
import { Fell, must, mustFailTyped, told, type Trap, within } from "./Trap.js"

export class OpenFailed extends Data.TaggedError("OpenFailed")<{ readonly message: string }> {}

/** Integers that are opened and closed, as a trap wants it. */
export class Items {
  private last = 0
  readonly alive = new Set<number>()
  readonly broken = new Set<number>()
  readonly closedAt: Array<number> = []
  /** Why nothing can be opened now. */
  failure: OpenFailed | undefined
  /** What opening waits for. */
  gate: Effect.Effect<void> = Effect.void

  readonly open: Effect.Effect<number, OpenFailed, Scope.Scope> = Effect.zipRight(
    Effect.suspend(() => this.gate),
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (this.failure !== undefined) return Effect.fail(this.failure)
        this.alive.add(++this.last)
        return Effect.succeed(this.last)
      }),
      (item) => Effect.map(Clock.currentTimeMillis, (now) => this.end(item, now))
    )
  )

  isBroken(item: number): boolean {
    return this.broken.has(item) || !this.alive.has(item)
  }

  end(item: number, now?: number): void {
    if (this.alive.delete(item) && now !== undefined) this.closedAt.push(now)
  }
}

export interface PoolOptions {
  readonly minSize?: number
  readonly maxSize: number
  /** How old an item may become, in milliseconds. */
  readonly lifetime?: number
  /** How long the pool's end may wait for items that are lent, in milliseconds, where the pool has such a limit. */
  readonly closeTimeout?: number
}

/** A pool under test. Broken items are given back like others: it is the pool that must not lend them again. */
export interface Pool {
  readonly acquire: Effect.Effect<number, unknown, Scope.Scope>
  /** Returns at once. */
  readonly close: Effect.Effect<void>
  /** Returns at once. */
  readonly terminate: Effect.Effect<void>
  readonly waitClosed: Effect.Effect<void, unknown>
}

export interface PoolSubject {
  readonly make: (items: Items, options: PoolOptions) => Effect.Effect<Pool, unknown, Scope.Scope>
}

/** An item that is held until it is let go, or the trap ends. */
const hold = (pool: Pool) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
    const item = yield* Scope.extend(pool.acquire, scope)
    return { item, letGo: Scope.close(scope, Exit.void) }
  })

/** An item that is taken and given back at once. */
const use = (pool: Pool) => Effect.scoped(pool.acquire)

/** Time for what goes on in the background. */
const settle = Effect.sleep("50 millis")

/** Nothing can be opened until the trap ends. */
const stuck = (items: Items) =>
  Effect.gen(function* () {
    const gate = yield* Effect.acquireRelease(Deferred.make<void>(), (gate) => Deferred.succeed(gate, undefined))
    items.gate = Deferred.await(gate)
  })

/** What `effect/Pool` does. */
export const effectPoolTraps: ReadonlyArray<Trap<PoolSubject>> = [
  {
    id: "T-20",
    title: "after an outage nobody is served a failure that is over",
    run: (subject) =>
      Effect.gen(function* () {
        const items = new Items()
        const pool = yield* subject.make(items, { minSize: 3, maxSize: 3 })
        const held = yield* Effect.all([hold(pool), hold(pool), hold(pool)])
        items.failure = new OpenFailed({ message: "the server is away" })
        for (const { item } of held) items.broken.add(item)
        for (const { letGo } of held) yield* letGo
        yield* settle
        items.failure = undefined
        const exits = yield* Effect.forEach([1, 2, 3], () =>
          Effect.exit(use(pool)).pipe(within("3 seconds", "nobody was served"))
        )
        const failed = exits.filter(Exit.isFailure)
        yield* must(
          failed.length === 0,
          `${failed.length} of 3 got ${failed.map(told)[0]}, though it was back before they asked`
        )
      })
  },
  {
    id: "T-21",
    title: "waiting for an item that is being opened can be interrupted",
    run: (subject) =>
      Effect.gen(function* () {
        const items = new Items()
        yield* stuck(items)
        const pool = yield* subject.make(items, { maxSize: 1 })
        // Not a child: the trap itself would have to wait for one that cannot be interrupted.
        const fiber = yield* Effect.forkDaemon(use(pool))
        yield* settle
        yield* Fiber.interrupt(fiber).pipe(within("1 seconds", "the interruption had not returned after 1 s"))
      })
  },
  {
    id: "T-22",
    title: "what was given back last is lent first, so that what is not needed grows old",
    run: (subject) =>
      Effect.gen(function* () {
        const pool = yield* subject.make(new Items(), { maxSize: 2 })
        const first = yield* hold(pool)
        const second = yield* hold(pool)
        yield* first.letGo
        yield* second.letGo
        const next = yield* use(pool)
        yield* must(next === second.item, "the one that was idle for longest was lent")
      })
  },
  {
    id: "T-22",
    title: "items that were opened in one moment do not all end in one moment",
    run: (subject) =>
      Effect.gen(function* () {
        const items = new Items()
        const count = 20
        const pool = yield* subject.make(items, { maxSize: count, lifetime: 1_000_000 })
        const held = yield* Effect.all(Array.from({ length: count }, () => hold(pool)))
        for (const { letGo } of held) yield* letGo
        for (let i = 0; i < 110; i++) yield* TestClock.adjust("10 seconds")
        if (items.closedAt.length < count)
          return yield* Effect.fail(`only ${items.closedAt.length} have ended: the trap has shown nothing`)
        const moments = new Set(items.closedAt).size
        yield* must(moments > 2, `all ${count} ended in ${moments} moment(s) of a lifetime of 1000 s`)
      }).pipe(Effect.provide(TestContext.TestContext))
  },
  {
    id: "T-23",
    title: "whoever asks after the end gets an error, and is not interrupted",
    run: (subject) =>
      Effect.gen(function* () {
        const pool = yield* subject.make(new Items(), { maxSize: 1 })
        yield* pool.close
        yield* settle
        const fiber = yield* Effect.fork(use(pool))
        yield* mustFailTyped(yield* Fiber.await(fiber).pipe(within("1 seconds", "it waited for ever")))
      })
  },
  {
    id: "T-23",
    title: "the end of the pool has a deadline, whoever still holds an item",
    run: (subject) =>
      Effect.gen(function* () {
        const pool = yield* subject.make(new Items(), { maxSize: 1, closeTimeout: 200 })
        yield* hold(pool)
        yield* pool.close
        yield* pool.waitClosed.pipe(within("2 seconds", "the end had not come after 2 s, with one item still lent"))
      })
  }
]

/** What the pool of aiomysql 0.3 does. */
export const aiomysqlPoolTraps: ReadonlyArray<Trap<PoolSubject>> = [
  {
    id: "T-50",
    title: "an item that comes back broken wakes who waits",
    run: (subject) =>
      Effect.gen(function* () {
        const items = new Items()
        const pool = yield* subject.make(items, { maxSize: 1 })
        const held = yield* hold(pool)
        const waiting = yield* Effect.fork(use(pool))
        yield* settle
        items.broken.add(held.item)
        yield* held.letGo
        const item = yield* Fiber.join(waiting).pipe(
          within("1 seconds", "who waited still waited after 1 s, and the pool was empty")
        )
        yield* must(item !== held.item, "the broken item was lent again")
      })
  },
  {
    id: "T-52",
    title: "who waits when the pool is closed gets an error, and no item",
    run: (subject) =>
      Effect.gen(function* () {
        const pool = yield* subject.make(new Items(), { maxSize: 1 })
        const held = yield* hold(pool)
        const waiting = yield* Effect.fork(use(pool))
        yield* settle
        yield* pool.close
        yield* settle
        yield* held.letGo
        yield* mustFailTyped(yield* Fiber.await(waiting).pipe(within("1 seconds", "it waited for ever")))
      })
  },
  {
    id: "T-52",
    title: "terminating wakes who waits for the end",
    run: (subject) =>
      Effect.gen(function* () {
        const pool = yield* subject.make(new Items(), { maxSize: 1, closeTimeout: 30_000 })
        yield* hold(pool)
        yield* pool.close
        const waiting = yield* Effect.fork(pool.waitClosed)
        yield* settle
        yield* pool.terminate
        yield* Fiber.join(waiting).pipe(within("1 seconds", "the end had not come 1 s after it"))
      })
  },
  {
    id: "T-52",
    title: "terminating ends the idle items too",
    run: (subject) =>
      Effect.gen(function* () {
        const items = new Items()
        const pool = yield* subject.make(items, { maxSize: 2 })
        const held = yield* hold(pool)
        const other = yield* hold(pool)
        yield* other.letGo
        yield* settle
        yield* pool.terminate
        yield* settle
        const open = [...items.alive].map((item) => (item === held.item ? "the lent one" : "the idle one"))
        yield* must(open.length === 0, `${open.join(" and ")} was still open`)
      })
  },
  {
    id: "T-53",
    title: "a free item is lent at once while another is slow to open",
    run: (subject) =>
      Effect.gen(function* () {
        const items = new Items()
        const pool = yield* subject.make(items, { maxSize: 2 })
        const held = yield* hold(pool)
        yield* stuck(items)
        yield* Effect.fork(use(pool))
        yield* settle
        yield* held.letGo
        const item = yield* use(pool).pipe(within("1 seconds", "the free item was not lent within 1 s"))
        if (item !== held.item) return yield* new Fell({ message: "another item was lent" })
      })
  },
  {
    id: "T-54",
    title: "an item that is used again and again is replaced when its lifetime is over",
    run: (subject) =>
      Effect.gen(function* () {
        const pool = yield* subject.make(new Items(), { maxSize: 1, lifetime: 150 })
        const first = yield* use(pool)
        for (let i = 0; i < 15; i++) yield* Effect.delay(use(pool), "20 millis")
        yield* must((yield* use(pool)) !== first, "after 300 ms of use it is the one that might live for 150 ms")
      })
  }
]

// Traps for pools that look after what they lend: that ask it, replace it, and give up in time.
import { Effect, Exit, Fiber, type Scope } from "effect"
import { type Items, OpenFailed } from "./pool.js"
import { must, told, type Trap, within } from "./Trap.js"

/** Milliseconds. */
export interface LeaseOptions {
  readonly maxSize: number
  readonly acquireTimeout: number
  readonly lifetime?: number
  /** Asks an item whether it is there, each time before it is lent. */
  readonly check?: (item: number) => Effect.Effect<boolean>
}

export interface Lease {
  readonly item: number
  /** May be called twice by a user who is not careful. */
  readonly release: Effect.Effect<void>
}

export interface LeaseSubject {
  /** Nothing that cannot be opened can ever be, when `isForGood` says so. */
  readonly make: (
    items: Items,
    options: LeaseOptions,
    isForGood: (error: OpenFailed) => boolean
  ) => Effect.Effect<{ readonly lease: Effect.Effect<Lease, unknown> }, unknown, Scope.Scope>
  readonly newItems: () => Items
}

const never = () => false

/** A lease that ends with the trap, if not before. */
const lent = (pool: { readonly lease: Effect.Effect<Lease, unknown> }) =>
  Effect.acquireRelease(Effect.interruptible(pool.lease), (lease) => lease.release)

const settle = Effect.sleep("30 millis")

export const leaseTraps: ReadonlyArray<Trap<LeaseSubject>> = [
  {
    id: "T-70",
    title: "an item that does not answer when it is asked keeps nobody longer than they want to wait",
    run: ({ make, newItems }) =>
      Effect.gen(function* () {
        let answers = true
        const check = () => (answers ? Effect.succeed(true) : Effect.never)
        const pool = yield* make(newItems(), { maxSize: 1, acquireTimeout: 300, check }, never)
        yield* Effect.flatMap(pool.lease, ({ release }) => release)
        answers = false
        const waiting = yield* Effect.forkDaemon(Effect.exit(pool.lease))
        const exit = yield* Fiber.join(waiting).pipe(within("1 seconds", "it still waited after 1 s, for 300 ms"))
        yield* must(Exit.isFailure(exit), `it ended with ${told(exit)}`)
      })
  },
  {
    id: "T-71",
    title: "what is wrong for good is told at once, and not as a time that was over",
    run: ({ make, newItems }) =>
      Effect.gen(function* () {
        const items = newItems()
        items.failure = new OpenFailed({ message: "the password is wrong" })
        const pool = yield* make(items, { maxSize: 1, acquireTimeout: 1_500 }, () => true)
        const waiting = yield* Effect.forkDaemon(Effect.exit(pool.lease))
        const exit = yield* Fiber.join(waiting).pipe(within("1 seconds", "nothing was told for 1 s"))
        yield* must(told(exit).includes("the password is wrong"), `it ended with ${told(exit)}`)
      })
  },
  {
    id: "T-72",
    title: "after more failures to open than it has places, a pool serves whoever comes when that is over",
    run: ({ make, newItems }) =>
      Effect.gen(function* () {
        const items = newItems()
        items.failure = new OpenFailed({ message: "the server is away" })
        const pool = yield* make(items, { maxSize: 2, acquireTimeout: 200 }, never)
        for (let i = 0; i < 4; i++) yield* Effect.exit(pool.lease)
        items.failure = undefined
        const exit = yield* Effect.exit(lent(pool)).pipe(within("2 seconds", "nobody was served for 2 s"))
        yield* must(Exit.isSuccess(exit), `who came then got ${told(exit)}`)
      })
  },
  {
    id: "T-75",
    title: "an item that is released twice is lent to one user",
    run: ({ make, newItems }) =>
      Effect.gen(function* () {
        const pool = yield* make(newItems(), { maxSize: 2, acquireTimeout: 1_000 }, never)
        const first = yield* lent(pool)
        yield* first.release
        yield* first.release
        const [one, other] = [yield* lent(pool), yield* lent(pool)]
        yield* must(one.item !== other.item, `two users have the item ${one.item}`)
      })
  },
  {
    id: "T-78",
    title: "who waits is not handed an item whose lifetime is over",
    run: ({ make, newItems }) =>
      Effect.gen(function* () {
        const pool = yield* make(newItems(), { maxSize: 1, acquireTimeout: 2_000, lifetime: 100 }, never)
        const old = yield* lent(pool)
        const waiting = yield* Effect.fork(lent(pool))
        yield* Effect.sleep("200 millis")
        yield* old.release
        yield* settle
        const { item } = yield* Fiber.join(waiting).pipe(within("2 seconds", "who waited got none"))
        yield* must(item !== old.item, `who waited was handed the item of which the lifetime was over`)
      })
  }
]

// A pool as it is written in an afternoon, with the faults that pools have been known for: a place that is taken for an item
// which cannot be opened is never free again; whatever fails is tried until the time is over, and that is all who waits is
// told; the time does not count while an item is asked; a release counts each time; and who waits is handed what comes.
import { Clock, Deferred, Effect, Scope } from "effect"
import { Items, OpenFailed } from "../traps/pool.js"
import type { Lease, LeaseOptions, LeaseSubject } from "../traps/leases.js"

interface Born {
  readonly item: number
  readonly at: number
}

class NaivePool {
  private readonly free: Array<Born> = []
  private readonly waiting: Array<Deferred.Deferred<Born>> = []
  private taken = 0

  constructor(
    private readonly open: Effect.Effect<number, OpenFailed>,
    private readonly options: LeaseOptions
  ) {}

  readonly lease: Effect.Effect<Lease, unknown> = Effect.gen(this, function* () {
    const { check, lifetime = Number.POSITIVE_INFINITY, maxSize, acquireTimeout } = this.options
    const inTime = Effect.timeoutFail({
      duration: acquireTimeout,
      onTimeout: () => new OpenFailed({ message: "no item in time" })
    })
    const now = yield* Clock.currentTimeMillis
    const idle = this.free.pop()
    if (idle !== undefined && now - idle.at < lifetime) {
      if (check !== undefined) yield* check(idle.item)
      return this.leaseOf(idle)
    }
    if (this.taken < maxSize) {
      this.taken++
      const item = yield* Effect.retry(this.open, { while: () => true }).pipe(
        Effect.delay("20 millis"),
        Effect.interruptible,
        inTime
      )
      return this.leaseOf({ item, at: now })
    }
    const handed = yield* Deferred.make<Born>()
    this.waiting.push(handed)
    return this.leaseOf(yield* inTime(Deferred.await(handed)))
  })

  private leaseOf(born: Born): Lease {
    return {
      item: born.item,
      release: Effect.suspend(() => {
        const next = this.waiting.shift()
        if (next !== undefined) return Effect.asVoid(Deferred.succeed(next, born))
        this.free.push(born)
        return Effect.void
      })
    }
  }
}

export const naivePool: LeaseSubject = {
  newItems: () => new Items(),
  make: (items, options) =>
    Effect.map(Effect.scope, (scope) => {
      const open = Effect.delay(Scope.extend(items.open, scope), "5 millis")
      return new NaivePool(open, options)
    })
}

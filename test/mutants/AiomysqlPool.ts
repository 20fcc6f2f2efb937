// The pool of aiomysql 0.3 on Effect, with its faults: the lock of its condition is held while a connection is opened; a
// connection that comes back dead wakes nobody; `close` does not wake who waits for one, nor looks at them again when they
// wake; `terminate` forgets the idle connections and whoever waits for the end; and the time after which a connection is
// replaced begins anew with each use.
import { Clock, Deferred, Effect, Scope } from "effect"
import type { Items, Pool, PoolSubject } from "../traps/pool.js"

/** `asyncio.Condition` */
class Condition {
  private readonly lock = Effect.unsafeMakeSemaphore(1)
  private readonly waiting: Array<Deferred.Deferred<void>> = []

  readonly locked = this.lock.withPermits(1)

  /** To be run with the lock, which is free while it waits. */
  readonly wait: Effect.Effect<void> = Effect.gen(this, function* () {
    const notified = yield* Deferred.make<void>()
    this.waiting.push(notified)
    yield* this.lock.release(1)
    yield* Effect.ensuring(Deferred.await(notified), Effect.uninterruptible(this.lock.take(1)))
  })

  readonly notify: Effect.Effect<void> = Effect.suspend(() => {
    const next = this.waiting.shift()
    return next === undefined ? Effect.void : Deferred.succeed(next, undefined)
  })
}

class AiomysqlPool {
  private readonly condition = new Condition()
  private readonly free: Array<number> = []
  private readonly used = new Set<number>()
  private readonly terminated = new Set<number>()
  private readonly lastUsage = new Map<number, number>()
  private acquiring = 0
  private closing = false

  constructor(
    private readonly items: Items,
    private readonly open: Effect.Effect<number, unknown>,
    private readonly minSize: number,
    private readonly maxSize: number,
    private readonly recycle: number
  ) {}

  private get size(): number {
    return this.free.length + this.used.size + this.acquiring
  }

  private readonly connect = Effect.suspend(() => {
    this.acquiring++
    return this.open.pipe(
      Effect.ensuring(Effect.sync(() => this.acquiring--)),
      Effect.tap((item) => Effect.sync(() => this.free.push(item))),
      Effect.zipRight(this.condition.notify)
    )
  })

  /** To be run with the lock, also while it connects. */
  fill(overrideMin: boolean): Effect.Effect<void, unknown> {
    return Effect.gen(this, function* () {
      const now = yield* Clock.currentTimeMillis
      for (const item of this.free.splice(0)) {
        const isOld = now - (this.lastUsage.get(item) ?? now) > this.recycle
        if (isOld || this.items.isBroken(item)) this.items.end(item)
        else this.free.push(item)
      }
      while (this.size < this.minSize) yield* this.connect
      if (this.free.length === 0 && overrideMin && this.size < this.maxSize) yield* this.connect
    })
  }

  readonly acquire: Effect.Effect<number, unknown> = Effect.suspend(() =>
    this.closing
      ? Effect.fail("Cannot acquire connection after closing pool")
      : this.condition.locked(
          Effect.gen(this, function* () {
            while (true) {
              yield* this.fill(true)
              const item = this.free.shift()
              if (item !== undefined) {
                this.used.add(item)
                this.lastUsage.set(item, yield* Clock.currentTimeMillis)
                return item
              }
              yield* this.condition.wait
            }
          })
        )
  )

  release(item: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.terminated.delete(item)) return Effect.void
      this.used.delete(item)
      if (this.items.isBroken(item)) return Effect.void
      if (this.closing) this.items.end(item)
      else this.free.push(item)
      return Effect.asVoid(Effect.forkDaemon(this.condition.locked(this.condition.notify)))
    })
  }

  readonly close = Effect.sync(() => {
    this.closing = true
  })

  readonly terminate = Effect.sync(() => {
    this.closing = true
    for (const item of this.used) {
      this.items.end(item)
      this.terminated.add(item)
    }
    this.used.clear()
  })

  readonly waitClosed: Effect.Effect<void, unknown> = Effect.gen(this, function* () {
    if (!this.closing) return yield* Effect.fail(".wait_closed() should be called after .close()")
    for (const item of this.free.splice(0)) this.items.end(item)
    yield* this.condition.locked(
      Effect.gen(this, function* () {
        while (this.size > this.free.length) yield* this.condition.wait
      })
    )
  })
}

export const aiomysqlPool: PoolSubject = {
  make: (items, { minSize = 0, maxSize, lifetime = Number.POSITIVE_INFINITY }) =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const pool = new AiomysqlPool(items, Scope.extend(items.open, scope), minSize, maxSize, lifetime)
      yield* pool.fill(false)
      return {
        acquire: Effect.acquireRelease(Effect.interruptible(pool.acquire), (item) => pool.release(item)),
        close: pool.close,
        terminate: pool.terminate,
        waitClosed: pool.waitClosed
      } satisfies Pool
    })
}

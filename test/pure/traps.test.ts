import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { LeasePool } from "effect-sa"
import { aiomysqlPoolTraps, effectPoolTraps, type OpenFailed, type PoolSubject } from "../traps/pool.js"

const leasePool: PoolSubject = {
  make: (items, { minSize = 0, maxSize, lifetime = 0, closeTimeout = 1_000 }) =>
    LeasePool.make<number, OpenFailed, never>({
      open: items.open,
      terminate: (item) => items.end(item),
      isBroken: (item) => items.isBroken(item),
      validate: () => Effect.succeed(true),
      recycle: (item) => (items.isBroken(item) ? "discard" : "keep"),
      verdict: () => "retry",
      maxShare: 1,
      isStalled: () => false,
      minSize,
      maxSize,
      maxWaiters: 0,
      acquireTimeout: 30_000,
      idleTimeout: 0,
      lifetime,
      validateAfter: Number.POSITIVE_INFINITY,
      closeTimeout
    })
}

describe("LeasePool falls into no trap:", () => {
  for (const { id, title, run } of [...effectPoolTraps, ...aiomysqlPoolTraps]) {
    it.scopedLive(`${title} (${id})`, () => run(leasePool))
  }
})

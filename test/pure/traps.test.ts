import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { LeasePool } from "effect-sa"
import { type LeaseSubject, leaseTraps } from "../traps/leases.js"
import { aiomysqlPoolTraps, effectPoolTraps, Items, type OpenFailed, type PoolSubject } from "../traps/pool.js"

/** What a pool of the traps' integers has, unless a trap says otherwise. */
const usual = (items: Items) => ({
  open: items.open,
  terminate: (item: number) => items.end(item),
  isBroken: (item: number) => items.isBroken(item),
  validate: () => Effect.succeed(true),
  recycle: (item: number): LeasePool.Recycled => (items.isBroken(item) ? "discard" : "keep"),
  verdict: (): LeasePool.Verdict => "retry",
  maxShare: 1,
  isStalled: () => false,
  minSize: 0,
  maxWaiters: 0,
  acquireTimeout: 30_000,
  idleTimeout: 0,
  lifetime: 0,
  validateAfter: Number.POSITIVE_INFINITY,
  closeTimeout: 1_000
})

const leasePool: PoolSubject = {
  make: (items, options) => LeasePool.make<number, OpenFailed, never>({ ...usual(items), ...options })
}

const leases: LeaseSubject = {
  newItems: () => new Items(),
  make: (items, { check, ...options }, isForGood) =>
    LeasePool.make<number, OpenFailed, never>({
      ...usual(items),
      ...options,
      ...(check === undefined ? {} : { validate: check, validateAfter: 0 }),
      verdict: (error) => (isForGood(error) ? "fail" : "retry")
    })
}

describe("LeasePool falls into no trap:", () => {
  for (const { id, title, run } of [...effectPoolTraps, ...aiomysqlPoolTraps]) {
    it.scopedLive(`${title} (${id})`, () => run(leasePool))
  }
  for (const { id, title, run } of leaseTraps) it.scopedLive(`${title} (${id})`, () => run(leases))
})

// What tests of LeasePool say of a pool where they have nothing of their own to say.

/** A pool of two without sharing, idle times and lifetimes. Times are in milliseconds. */
export const ordinary = {
  maxShare: 1,
  isStalled: () => false,
  minSize: 0,
  maxSize: 2,
  maxWaiters: 0,
  acquireTimeout: 1_000,
  idleTimeout: 0,
  lifetime: 0,
  validateAfter: Number.POSITIVE_INFINITY,
  closeTimeout: 1_000
}

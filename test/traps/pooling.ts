// Traps for pools of connections to a server, in the server's own list of who is connected.
import { Effect, Exit, Fiber, type Scope } from "effect"
import { admin } from "./Admin.js"
import { eventually, must, type Trap, within } from "./Trap.js"

/** Milliseconds. */
export interface PoolingOptions {
  readonly maxSize: number
  readonly idleTimeout?: number
  readonly lifetime?: number
  readonly acquireTimeout?: number
}

export interface PoolingSubject {
  readonly url: string
  /** Lends connections, as what the server calls them. */
  readonly make: (
    url: string,
    options: PoolingOptions
  ) => Effect.Effect<{ readonly acquire: Effect.Effect<number, unknown, Scope.Scope> }, unknown, Scope.Scope>
}

export const poolingTraps: ReadonlyArray<Trap<PoolingSubject>> = [
  {
    id: "T-30",
    title: "a connection is not lent when its lifetime is over",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const pool = yield* make(url, { maxSize: 1, lifetime: 200 })
        const first = yield* Effect.scoped(pool.acquire)
        for (let i = 0; i < 10; i++) yield* Effect.delay(Effect.scoped(pool.acquire), "40 millis")
        const last = yield* Effect.scoped(pool.acquire)
        yield* must(last !== first, "it was lent after 400 ms, and may live for 200 ms")
      })
  },
  {
    id: "T-30",
    title: "who waits for a connection is told when their time is over",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const pool = yield* make(url, { maxSize: 1, acquireTimeout: 300 })
        yield* pool.acquire
        const waiting = yield* Effect.forkDaemon(Effect.exit(Effect.scoped(pool.acquire)))
        const exit = yield* Fiber.join(waiting).pipe(
          within("1 seconds", "nothing was told for 1 s, and it was to be 300 ms")
        )
        yield* must(Exit.isFailure(exit), "a second connection was lent, and there is one")
      })
  },
  {
    id: "T-74",
    title: "connections that are idle for too long are gone from the server",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const pool = yield* make(url, { maxSize: 3, idleTimeout: 300 })
        const ids = yield* Effect.scoped(Effect.all([pool.acquire, pool.acquire, pool.acquire]))
        const open = Effect.map(
          look.query(`SELECT ID FROM information_schema.PROCESSLIST WHERE ID IN (${ids.join(", ")})`),
          (rows) => rows.length
        )
        if ((yield* open) !== 3) return yield* Effect.fail("they were not there: the trap has shown nothing")
        const gone = eventually(Effect.map(open, (count) => count === 0))
        const exit = yield* Effect.exit(gone)
        yield* must(Exit.isSuccess(exit), `${yield* open} of 3 are open after 3 s, and were to be idle for 300 ms`)
      })
  }
]

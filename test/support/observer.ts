// Looking at what a server and this process have open, from outside of the engine under test.
import { Effect, type Scope } from "effect"
import { Engine, type Errors } from "effect-sa"
import type { Backend } from "./Backend.js"

/** An engine of one connection for looking and for killing. */
export const observer = (
  backend: Backend
): Effect.Effect<Engine.Engine, Errors.ConnectError | Errors.ArgumentError, Scope.Scope> =>
  Engine.make({ url: backend.url, maxSize: 1, idleTimeout: 0, recycle: 0 })

/** Waits until something is so, a second at the most: what takes longer has failed. */
export const eventually = <E>(so: Effect.Effect<boolean, E>): Effect.Effect<void, E | string> =>
  so.pipe(
    Effect.delay("5 millis"),
    Effect.repeat({ until: (is) => is }),
    Effect.timeoutFail({ duration: "1 seconds", onTimeout: () => "not so within a second" }),
    Effect.asVoid
  )

/** Sockets that this process has open. */
export const tcpSockets = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length

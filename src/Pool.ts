/**
 * A pool of connections (`aiomysql.Pool`): what `LeasePool` does, for connections to one database.
 *
 * @since 0.1.0
 */
import { Config, Context, Effect, Layer, type Scope, type Stream } from "effect"
import type { ConfigError } from "effect/ConfigError"
import * as Connection from "./Connection.js"
import type { Dialect } from "./Dialect.js"
import {
  ArgumentError,
  type ConnectError,
  type InvalidRequestError,
  isConnectError,
  kindOf,
  OperationalError,
  type PoolClosedError,
  type PoolNumbers,
  type PoolTimeoutError,
  type StatementError
} from "./Errors.js"
import * as LeasePool from "./LeasePool.js"
import * as Options from "./Options.js"
import type { Restore } from "./Turn.js"
import type { ValueOptions } from "./Value.js"

/**
 * What a program does with connections of a pool besides using them (SQLAlchemy's pool events). Statements of a hook see the
 * session as everybody does, and what they leave behind is reset as what anybody leaves behind.
 *
 * With `onCheckout` or `onCheckin` fibers share no connections (`pipelining`).
 *
 * @since 0.1.0
 * @category models
 */
export interface Hooks {
  /**
   * Runs once for each connection after it was opened; one that may take long has to have a time of its own. What it fails
   * with is what opening fails with; what is no error of a connection stands in the `cause` of an `OperationalError`
   * `CannotOpen`. What it sets in the session lasts until the first reset: `initCommand` is for what is to last.
   */
  readonly onConnect?: ((connection: Connection.Connection) => Effect.Effect<void, StatementError>) | undefined
  /**
   * Runs each time that a connection is lent, within `acquireTimeout`. A connection for which it fails is closed, and another
   * is tried, unless the failure is one for good.
   */
  readonly onCheckout?: ((connection: Connection.Connection) => Effect.Effect<void, StatementError>) | undefined
  /** Runs each time that a connection comes back, before it is reset. One for which it dies is closed. */
  readonly onCheckin?: ((connection: Connection.Connection) => Effect.Effect<void>) | undefined
}

/**
 * What a pool or an engine is made of: options, and hooks.
 *
 * @since 0.1.0
 * @category models
 */
export interface PoolOptions extends Options.Options, Hooks {}

/**
 * A pool of connections.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pool {
  readonly dialect: Dialect
  readonly values: ValueOptions
  /** Where the database is, for people. There is no password in it. */
  readonly address: string
  /**
   * Lends a connection to `body`, and takes it back when that ends, however it ends.
   *
   * *Fails with* what opening a connection failed with when it failed for good (a password, an unknown database);
   * `PoolTimeoutError` after `acquireTimeout`, which carries the last failure to open one; `PoolClosedError`.
   * *Interruption* of the wait is immediate.
   */
  readonly use: <A, E, R>(
    body: (connection: Connection.Connection) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | ConnectError | PoolTimeoutError | PoolClosedError, R>
  /**
   * As `use`, but the connection may have other users at the same time, all of them by `useShared`: for `executeShared`,
   * and nothing else.
   */
  readonly useShared: <A, E, R>(
    body: (connection: Connection.Connection) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | ConnectError | PoolTimeoutError | PoolClosedError, R>
  /** Lends a connection for who is in a region that cannot be interrupted, with the way out of it, and answers for its end. */
  readonly lendIn: <A, E, R>(
    restore: Restore,
    manner: LeasePool.Manner,
    body: (loan: LeasePool.Loan<Connection.Connection>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | ConnectError | PoolTimeoutError | PoolClosedError, R>
  /** Whether whoever waits longest for a connection takes it over. */
  readonly isTakenOver: () => boolean
  /** Statements that may be under way on one connection at once; 1 is no sharing. */
  readonly pipelining: number
  /** Lends a connection until the scope ends (`aiomysql.Pool.acquire`). Fails as `use` does. */
  readonly acquire: Effect.Effect<Connection.Connection, ConnectError | PoolTimeoutError | PoolClosedError, Scope.Scope>
  /** As `acquire`, for who may keep it as long as it likes: `leakThreshold` does not warn of that. */
  readonly hold: Effect.Effect<Connection.Connection, ConnectError | PoolTimeoutError | PoolClosedError, Scope.Scope>
  /** `minsize`, `maxsize`, `size`, `freesize` and more. */
  readonly numbers: Effect.Effect<PoolNumbers>
  /** The numbers now, and whenever they have changed; a slow reader gets the newest. It ends when the pool has closed. */
  readonly changes: Stream.Stream<PoolNumbers>
  /** Whether it was closed (`aiomysql.Pool.closed`). */
  readonly isClosed: Effect.Effect<boolean>
  /** Closes the idle connections (`aiomysql.Pool.clear`). */
  readonly clear: Effect.Effect<void>
  /** Lends no more; connections in use are closed when they come back (`aiomysql.Pool.close`). */
  readonly close: Effect.Effect<void>
  /** Closes everything at once (`aiomysql.Pool.terminate`). */
  readonly terminate: Effect.Effect<void>
  /**
   * Waits until all connections are closed, `closeTimeout` at the most, and then terminates
   * (`aiomysql.Pool.wait_closed`). *Fails with* `InvalidRequestError` when the pool was not closed before.
   */
  readonly waitClosed: Effect.Effect<void, InvalidRequestError>
}

/**
 * The tag of a pool.
 *
 * @since 0.1.0
 * @category tags
 */
export const Pool: Context.Tag<Pool, Pool> = Context.GenericTag<Pool>("effect-sa/Pool")

/** How long an idle connection may take for a sign of life. */
const validationTimeout = 2_000

/** What will not change by trying again, and what may. */
const verdict = (error: ConnectError): LeasePool.Verdict => {
  if (error._tag !== "OperationalError") return "fail"
  switch (error.reason) {
    case "ConnectionLost":
    case "ConnectionRefused":
    case "ConnectTimeout":
    case "HostNotFound":
    case "LockTimeout":
    case "ServerShutdown":
      return "retry"
    case "TooManyConnections":
      return "exhausted"
    default:
      return "fail"
  }
}

/** A hook whose failures are those of opening a connection. */
const hooked =
  (name: string, hook: NonNullable<Hooks["onConnect"]>) =>
  (connection: Connection.Connection): Effect.Effect<void, ConnectError> =>
    Effect.mapError(hook(connection), (cause) =>
      isConnectError(cause)
        ? cause
        : new OperationalError({ reason: "CannotOpen", message: `${name} failed: ${cause.message}`, cause })
    )

/** What tells the metrics of a pool, until the scope ends. */
const metricsOf = ({
  address,
  telemetry,
  pool: { minSize, maxSize }
}: Options.Settings): Effect.Effect<LeasePool.Observer, never, Scope.Scope> =>
  Effect.flatMap(
    Effect.promise(() => import("./TelemetryMetrics.js")),
    ({ observerOf }) => observerOf({ name: telemetry.poolName ?? address, minSize, maxSize })
  )

/**
 * Makes a pool that lives as long as the scope (`aiomysql.create_pool`), and opens `minSize` connections at once.
 *
 * *Fails with* `ArgumentError` for options that are wrong, and with what opening one of the first connections failed
 * with; nothing is left open then. *Releases*: the scope's end closes the pool and waits as `waitClosed` does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: PoolOptions): Effect.Effect<Pool, ConnectError | ArgumentError, Scope.Scope> =>
  makeWith(options, Options.settings)

/**
 * As `make`, for who has other settings for the same options.
 *
 * @internal
 */
export const makeWith = (
  options: PoolOptions,
  settingsOf: (options: Options.Options) => Effect.Effect<Options.Settings, ArgumentError>
): Effect.Effect<Pool, ConnectError | ArgumentError, Scope.Scope> =>
  Effect.gen(function* () {
    const { onConnect, onCheckout, onCheckin, ...given } = options
    for (const [argument, hook] of Object.entries({ onConnect, onCheckout, onCheckin })) {
      if (hook !== undefined && typeof hook !== "function")
        return yield* new ArgumentError({ argument, given: kindOf(hook), expected: "a function of a connection" })
    }
    const settings = yield* settingsOf(given)
    const opened = yield* Connection.opener(settings)
    const open = onConnect === undefined ? opened : Effect.tap(opened, hooked("onConnect", onConnect))
    const { recycle, ...times } = settings.pool
    const pipelining = onCheckout === undefined && onCheckin === undefined ? times.pipelining : 1
    const observer = settings.telemetry.metrics ? yield* metricsOf(settings) : undefined
    const lease = yield* LeasePool.make<Connection.Connection, ConnectError, never>({
      ...times,
      lifetime: recycle,
      maxShare: pipelining,
      isStalled: (connection) => connection.isStalled(),
      open,
      terminate: (connection) => connection.terminate(),
      isBroken: (connection) => connection.isSpent(),
      validate: (connection) =>
        Effect.match(connection.ping(validationTimeout), { onFailure: () => false, onSuccess: () => true }),
      recycle: (connection, isTakenOver) => connection.recycle(isTakenOver),
      verdict,
      onCheckout: onCheckout && hooked("onCheckout", onCheckout),
      onCheckin,
      observer
    })
    const { dialect, values, address } = settings
    return { ...lease, dialect, values, address, pipelining }
  })

/**
 * A layer with a pool.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: PoolOptions): Layer.Layer<Pool, ConnectError | ArgumentError> =>
  Layer.scoped(Pool, make(options))

/**
 * A layer with a pool whose options come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<PoolOptions>
): Layer.Layer<Pool, ConnectError | ArgumentError | ConfigError> =>
  Layer.scoped(Pool, Effect.flatMap(Config.unwrap(config), make))

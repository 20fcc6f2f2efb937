/**
 * Engines for tests, in which everything is rolled back at the end (as Ecto's sandbox): one connection in one transaction,
 * where the program's transactions are savepoints and do not know it.
 *
 * @since 0.1.0
 */
import { type Context, Effect, Layer, type Scope } from "effect"
import type { Connection } from "./Connection.js"
import type { Dialect } from "./Dialect.js"
import type { DriverResult, RowStream, SessionStatus } from "./Driver.js"
import * as Engine from "./Engine.js"
import {
  type AcquireError,
  type ConnectError,
  type DriverError,
  InvalidRequestError,
  NotSupportedError,
  OperationalError,
  type StatementError
} from "./Errors.js"
import * as LeasePool from "./LeasePool.js"
import { leadingWords, tokens } from "./Lexer.js"
import * as Pool from "./Pool.js"
import type { Compiled } from "./Statement.js"
import type { ValueOptions } from "./Value.js"

/** The savepoint that stands for the program's outermost transaction. There is one at a time. */
const savepointName = "effect_sa_sandbox"

const dialects = new WeakMap<Dialect, Dialect>()

/** The dialect whose transactions are savepoints; the same one for the same dialect, because texts are kept by it. */
const sandboxed = (dialect: Dialect): Dialect => {
  const known = dialects.get(dialect)
  if (known !== undefined) return known
  const made: Dialect = {
    ...dialect,
    begin: () => [dialect.savepoint(savepointName)],
    commit: dialect.releaseSavepoint(savepointName),
    commitAndChain: undefined,
    autocommit: undefined,
    rollback: dialect.rollbackToSavepoint(savepointName),
    twoPhase: new NotSupportedError({
      reason: "NotSupported",
      message: "a sandbox has no two-phase transactions: what is prepared could not be rolled back with the rest"
    })
  }
  dialects.set(dialect, made)
  return made
}

const committing: ReadonlySet<string> = new Set(
  "ANALYZE BACKUP CACHE CHANGE CHECK FLUSH GRANT IMPORT INSTALL LOCK OPTIMIZE REPAIR RESET REVOKE START STOP UNINSTALL UNLOCK".split(
    " "
  )
)

/**
 * Whether a statement that defines no data commits all the same: those that administer, and those that lock tables.
 * https://dev.mysql.com/doc/refman/9.7/en/implicit-commit.html
 */
const commitsByItself = ({ sql }: Compiled, { lexicon }: Dialect): boolean => {
  const [verb = "", second = ""] = leadingWords(sql, tokens(sql, lexicon), 2)
  if (verb === "ANALYZE") return /^(?:TABLE|LOCAL|NO_WRITE_TO_BINLOG)$/.test(second)
  return committing.has(verb) || (verb === "LOAD" && second === "INDEX") || (verb === "SET" && second === "PASSWORD")
}

/** What a text hides from who reads it, such as a COMMIT in a procedure, shows when it has been executed. */
const endedByStatement = (): InvalidRequestError =>
  new InvalidRequestError({
    message:
      "the sandbox is over: this statement has ended its transaction, and what was done before may have been kept"
  })

type Answer<A> = Effect.Effect<A, DriverError | InvalidRequestError>

/** A connection in a transaction that the program does not see. */
const sandboxedConnection = (inner: Connection): Connection => {
  const dialect = sandboxed(inner.dialect)
  const savepoint = inner.dialect.savepoint(savepointName)
  /** The program is in what it takes for a transaction. */
  let begun = false
  const hasEnded = (): boolean => !inner.isSpent() && !inner.status().inTransaction
  const isOver = (): boolean => inner.isSpent() || hasEnded()

  const noteBefore = (before: ReadonlyArray<string> | undefined): void => {
    if (before?.includes(savepoint) === true) begun = true
  }
  const refusal = (compiled?: Compiled): InvalidRequestError | undefined => {
    if (isOver()) {
      return new InvalidRequestError({
        message: "the sandbox is over: its connection was lost, or the database has ended its transaction"
      })
    }
    if (compiled === undefined) return undefined
    if (compiled.isControl)
      return new InvalidRequestError({ message: "in a sandbox no statement begins or ends a transaction" })
    if (dialect.name !== "mysql") return undefined
    const defines = compiled.isDdl && !/^\s*(?:create|drop)\s+temporary\b/i.test(compiled.sql)
    return defines || commitsByItself(compiled, dialect)
      ? new InvalidRequestError({
          message: `in a sandbox no statement ${defines ? "defines data" : "commits by itself"}: it would commit what the sandbox has to roll back`
        })
      : undefined
  }
  const guarded = <A>(
    compiled: Compiled | undefined,
    before: ReadonlyArray<string> | undefined,
    run: () => Answer<A>
  ): Answer<A> =>
    Effect.suspend(() => {
      const refused = refusal(compiled)
      if (refused !== undefined) return Effect.fail(refused)
      noteBefore(before)
      return Effect.tap(run(), () => (hasEnded() ? Effect.fail(endedByStatement()) : Effect.void))
    })
  const status = (): SessionStatus => {
    const status = inner.status()
    return { ...status, inTransaction: begun && status.inTransaction }
  }
  const control = (sql: string, timeout: number, before?: ReadonlyArray<string>): Answer<void> =>
    guarded(undefined, before, () =>
      Effect.map(inner.control(sql, timeout, before), () => {
        if (sql === savepoint) begun = true
        if (sql === dialect.commit || sql === dialect.rollback) begun = false
      })
    )
  const execute = (compiled: Compiled, values: ValueOptions, before?: ReadonlyArray<string>): Answer<DriverResult> =>
    guarded(compiled, before, () => inner.execute(compiled, values, before))

  return {
    id: inner.id,
    server: inner.server,
    address: inner.address,
    user: inner.user,
    database: inner.database,
    connectedAt: inner.connectedAt,
    lastUsedAt: () => inner.lastUsedAt(),
    dialect,
    values: inner.values,
    endTimeout: inner.endTimeout,
    state: () => {
      const state = inner.state()
      return state === "transaction" && !begun ? "idle" : state
    },
    status,
    execute,
    executeIn: (restore, compiled, values, before, ending) =>
      Effect.matchCauseEffect(restore(execute(compiled, values, before)), ending),
    executeSharedIn: (restore, compiled, values, ending) =>
      Effect.matchCauseEffect(restore(execute(compiled, values)), ending),
    isStalled: () => inner.isStalled(),
    stream: (compiled, values, before) => {
      const refused = refusal(compiled)
      if (refused !== undefined) return Effect.fail(refused)
      noteBefore(before)
      return inner.stream(compiled, values, before)
    },
    streamSets: (compiled, values): Effect.Effect<RowStream, DriverError | InvalidRequestError, Scope.Scope> => {
      const refused = refusal(compiled)
      return refused === undefined ? inner.streamSets(compiled, values) : Effect.fail(refused)
    },
    get warnings() {
      return inner.warnings
    },
    literal: (value) => inner.literal(value),
    control,
    commit: () => control(dialect.commit, inner.endTimeout),
    takeChained: () => undefined,
    giveBackChained: () => false,
    abandon: () => inner.abandon(),
    selectDatabase: (name) => guarded(undefined, undefined, () => inner.selectDatabase(name)),
    setIsolationLevel: (level) => guarded(undefined, undefined, () => inner.setIsolationLevel(level)),
    kill: (id, what) => inner.kill(id, what),
    ping: (timeout) => inner.ping(timeout),
    spend: () => inner.spend(),
    markChanged: () => inner.markChanged(),
    terminate: () => {
      // The pool of the sandbox ends; the connection goes back to where it is from.
      if (inner.isSpent()) inner.terminate()
    },
    isSpent: () => inner.isSpent(),
    recycle: () => {
      if (inner.isSpent() || inner.state() === "streaming") return "discard"
      return begun && !isOver()
        ? Effect.match(control(dialect.rollback, inner.endTimeout), {
            onFailure: (): LeasePool.Recycled => "discard",
            onSuccess: (): LeasePool.Recycled => "keep"
          })
        : "keep"
    }
  }
}

/** How long a fiber waits for its turn in a sandbox, in milliseconds. */
const turnTimeout = 30_000

/** A pool of the one connection of a sandbox. Once that is lost there is no other: what was done on it is gone. */
const poolOf = (connection: Connection, address: string): Effect.Effect<Pool.Pool, ConnectError, Scope.Scope> =>
  Effect.gen(function* () {
    let isTaken = false
    const open = Effect.suspend(() => {
      if (isTaken)
        return Effect.fail(
          new OperationalError({
            reason: "ConnectionLost",
            message: "the sandbox has lost its connection, and is over"
          })
        )
      isTaken = true
      return Effect.succeed(connection)
    })
    const lease = yield* LeasePool.make<Connection, ConnectError, never>({
      open,
      terminate: (connection) => connection.terminate(),
      isBroken: (connection) => connection.isSpent(),
      validate: () => Effect.succeed(true),
      recycle: (connection, isTakenOver) => connection.recycle(isTakenOver),
      verdict: () => "fail",
      maxShare: 1,
      isStalled: () => false,
      minSize: 0,
      maxSize: 1,
      maxWaiters: 0,
      acquireTimeout: turnTimeout,
      idleTimeout: 0,
      lifetime: 0,
      validateAfter: Number.POSITIVE_INFINITY,
      closeTimeout: turnTimeout
    })
    return { ...lease, dialect: connection.dialect, values: connection.values, address, pipelining: 1 }
  })

/**
 * An engine on one connection of another, whose every statement is rolled back when the scope ends. The program's outermost
 * transactions are savepoints, with all that belongs to transactions: nested ones, rollbacks, retries, `afterCommit`,
 * handles. Their isolation level and `readOnly` do nothing: the transaction around them is what it is.
 *
 * Fibers take turns on the connection, as with a pool of one. On MySQL and MariaDB statements that define data, administer
 * or lock tables are refused with an `InvalidRequestError`, because they would commit: tables are made before the sandbox.
 * One that commits without showing it, such as a CALL, fails after it was executed, and ends the sandbox; what it has
 * committed stays. Session variables that a program sets stay until the sandbox ends. An interrupted statement ends the
 * sandbox with its connection.
 *
 * *Fails with* what taking a connection and beginning a transaction fail with. *Releases*: the scope's end rolls back.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (engine: Engine.Engine): Effect.Effect<Engine.Engine, AcquireError | StatementError, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* engine.pool.acquire
    const { dialect, endTimeout } = connection
    const statements = dialect.begin({})
    if (statements instanceof NotSupportedError) return yield* Effect.fail(statements)
    yield* Effect.acquireRelease(
      Effect.forEach(statements, (sql) => connection.control(sql, 0), { discard: true }),
      () =>
        Effect.catchAll(connection.control(dialect.rollback, endTimeout), () => Effect.sync(() => connection.spend()))
    )
    const pool = yield* poolOf(sandboxedConnection(connection), engine.address)
    return yield* Effect.provideService(Engine.fromPool, Pool.Pool, pool)
  })

/**
 * A layer with a sandbox of the program's engine, made anew each time that it is provided.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Engine } from "effect-sa"
 * import { Sandbox } from "effect-sa/testing"
 *
 * const EngineLive = Engine.layer({ url: "sqlite::memory:" })
 *
 * // Whatever the program commits is gone when the test ends.
 * export const test = Engine.transaction(Engine.execute("DELETE FROM person")).pipe(
 *   Effect.provide(Sandbox.layer),
 *   Effect.provide(EngineLive)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Engine.Engine, AcquireError | StatementError, Engine.Engine> = Layer.fresh(
  Layer.scoped(Engine.Engine, Effect.flatMap(Engine.Engine, make))
)

/**
 * As `layer`, for an engine with a tag of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOf = <Self>(
  tag: Context.Tag<Self, Engine.Engine>
): Layer.Layer<Self, AcquireError | StatementError, Self> => Layer.fresh(Layer.scoped(tag, Effect.flatMap(tag, make)))

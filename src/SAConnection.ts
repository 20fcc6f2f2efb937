/**
 * A connection lent by an engine (`aiomysql.sa.SAConnection`): it executes statements, and begins transactions.
 *
 * @since 0.1.0
 */
import { Chunk, Context, Effect, FiberRef, Option, type Scope, Stream } from "effect"
import type { Connection } from "./Connection.js"
import type { BeginOptions, IsolationLevel } from "./Dialect.js"
import { type DriverResult, emptyResult, type RowStream } from "./Driver.js"
import type { Execute, Scalar, StreamRows } from "./Execute.js"
import { ArgumentError, InvalidRequestError, type StatementError } from "./Errors.js"
import * as Options from "./Options.js"
import * as Result from "./Result.js"
import * as SATransaction from "./SATransaction.js"
import * as Statement from "./Statement.js"
import * as Transaction from "./Transaction.js"
import { type Ending, type Restore, Turn } from "./Turn.js"
import * as TwoPhase from "./TwoPhase.js"
import type { ValueOptions } from "./Value.js"

/**
 * A connection that executes statements, alone or in transactions. Fibers that share it take turns.
 *
 * @since 0.1.0
 * @category models
 */
export interface SAConnection {
  /** As the server's process list names it. */
  readonly id: string
  readonly server: Connection["server"]
  /**
   * Executes a statement and reads its whole result.
   *
   * *Fails with* `ArgumentError` before anything is sent, for parameters that do not fit; what the database answers;
   * `InvalidRequestError` in a transaction that is over, or while a stream is open. *Interruption* returns at once,
   * spends the connection, and kills the statement on the server.
   */
  readonly execute: Execute<StatementError>
  /** The first column of the first row, if there is a row. Fails as `execute` does. */
  readonly scalar: Scalar<StatementError>
  /**
   * The rows of a statement as they are taken, in bounded memory. Until the stream ends, the connection does nothing else.
   * Fails as `execute` does. *Releases*: a stream that ends early frees the connection, or closes it where that is cheaper.
   */
  readonly stream: StreamRows<StatementError>
  /**
   * Runs a body in a transaction of this connection, or in a savepoint of the transaction that it is in; see
   * `Transaction.run` for what becomes of it.
   */
  readonly transaction: <A, E, R>(
    body: Effect.Effect<A, E, R>,
    options?: BeginOptions
  ) => Effect.Effect<A, E | Transaction.TransactionError | ArgumentError, Exclude<R, Transaction.Transaction>>
  /** Begins a transaction that is ended by hand; within one, gives an inner one that begins nothing. */
  readonly begin: (options?: BeginOptions) => Effect.Effect<SATransaction.SATransaction, Transaction.TransactionError>
  /** Begins a savepoint that is ended by hand; outside of a transaction, the transaction itself. */
  readonly beginNested: Effect.Effect<SATransaction.SATransaction, Transaction.TransactionError>
  /**
   * Begins a two-phase transaction (XA): one that is prepared before it is committed, so that no loss of a connection, a
   * process or a server can undo it. Its name is a fresh UUID unless one is given. Within it `begin` and `beginNested` give
   * what they give within any other.
   *
   * *Fails with* `ArgumentError` for a name that is too long, or none; `InvalidRequestError` when the connection is in a
   * transaction; `ProgrammingError` `XidExists` when the server has one of this name; `NotSupportedError` on SQLite.
   */
  readonly beginTwophase: (
    xid?: SATransaction.Xid
  ) => Effect.Effect<SATransaction.TwoPhaseTransaction, Transaction.TransactionError>
  /**
   * The names of all two-phase transactions that are prepared on the server, also those that their own sessions still
   * hold. MySQL says it only to who has the privilege XA_RECOVER_ADMIN, and answers 1401 otherwise.
   *
   * https://dev.mysql.com/doc/refman/9.7/en/xa-statements.html
   */
  readonly recoverTwophase: Effect.Effect<ReadonlyArray<SATransaction.Xid>, Transaction.TransactionError>
  /**
   * Commits what was prepared, on whichever connection that was.
   *
   * *Fails with* `ProgrammingError` `NoSuchXid` where none of this name is prepared, or (on MariaDB) the session that
   * prepared it still has it; `OperationalError` `CommitUnknown` when the connection is lost meanwhile: ask
   * `recoverTwophase` of another; `InvalidRequestError` when this connection is in another transaction. Interruption
   * waits for its end, at the longest `endTimeout`.
   *
   * @example
   * ```ts
   * import { Effect } from "effect"
   * import { Engine } from "effect-sa"
   *
   * // What a coordinator does when it starts again: what it had decided is committed, all else of it is rolled back.
   * export const settle = (engine: Engine.Engine, decided: ReadonlySet<string>) =>
   *   Effect.scoped(
   *     Effect.gen(function* () {
   *       const connection = yield* engine.acquire
   *       for (const xid of yield* connection.recoverTwophase) {
   *         if (typeof xid !== "string" || !xid.startsWith("transfer-")) continue
   *         yield* decided.has(xid) ? connection.commitPrepared(xid) : connection.rollbackPrepared(xid)
   *       }
   *     })
   *   )
   * ```
   */
  readonly commitPrepared: (xid: SATransaction.Xid) => Effect.Effect<void, Transaction.TransactionError>
  /** Rolls back what was prepared. *Fails as* `commitPrepared` does, and with `ConnectionLost` for `CommitUnknown`. */
  readonly rollbackPrepared: (xid: SATransaction.Xid) => Effect.Effect<void, Transaction.TransactionError>
  /**
   * Sets the isolation level of the transactions to come on this connection that do not name their own, until it goes back to
   * its pool (SQLAlchemy's `execution_options(isolation_level=…)`).
   *
   * *Fails with* `NotSupportedError` on SQLite, and as `execute` does.
   */
  readonly setIsolationLevel: (level: IsolationLevel) => Effect.Effect<void, StatementError>
  /** Whether the session is in a transaction. */
  readonly inTransaction: Effect.Effect<boolean>
  /** Whether it was closed. */
  readonly isClosed: Effect.Effect<boolean>
  /** Rolls back what is open and not prepared, and refuses statements from then on. It may be called twice. */
  readonly close: Effect.Effect<void, Transaction.TransactionError>
}

/**
 * The tag of a connection lent for a program.
 *
 * @since 0.1.0
 * @category tags
 */
export const SAConnection: Context.Tag<SAConnection, SAConnection> =
  Context.GenericTag<SAConnection>("effect-sa/SAConnection")

/**
 * What a fiber is in: a connection pinned for it, and the innermost level of the transaction on it. It is found in the
 * context by a tag of the engine's own, so that two engines never meet.
 *
 * @internal
 */
export interface Ambient {
  readonly connection: LentConnection
  readonly level: Transaction.Level | undefined
}

let ambients = 0

/** @internal */
export const makeAmbientTag = (): Context.Tag<Ambient, Ambient> =>
  Context.GenericTag<Ambient>(`effect-sa/Ambient/${++ambients}`)

/** @internal */
export const currentAmbient = (
  context: Context.Context<never>,
  tag: Context.Tag<Ambient, Ambient>
): Ambient | undefined => context.unsafeMap.get(tag.key)

/**
 * What else a body finds in its context within a transaction of an engine, by the context that it comes from.
 *
 * @internal
 */
export interface Companions {
  add: ((services: Map<string, unknown>, ambient: Ambient) => void) | undefined
}

/** @internal */
export class LentConnection implements SAConnection {
  readonly id: string
  readonly server: Connection["server"]
  private readonly turn = new Turn()
  private madeHandles: SATransaction.Handles | undefined
  private closed = false
  private seized = false

  constructor(
    private readonly connection: Connection,
    private readonly ambient: Context.Tag<Ambient, Ambient>,
    private readonly companions?: Companions
  ) {
    this.id = connection.id
    this.server = connection.server
  }

  /** For whoever is given this as a whole: its functions can be used without it. */
  handOut(): this {
    if (Object.hasOwn(this, "execute")) return this
    this.execute = this.execute.bind(this)
    this.scalar = this.scalar.bind(this)
    this.stream = this.stream.bind(this)
    this.transaction = this.transaction.bind(this)
    this.begin = this.begin.bind(this)
    this.setIsolationLevel = this.setIsolationLevel.bind(this)
    this.beginTwophase = this.beginTwophase.bind(this)
    this.commitPrepared = this.commitPrepared.bind(this)
    this.rollbackPrepared = this.rollbackPrepared.bind(this)
    return this
  }

  private get handles(): SATransaction.Handles {
    if (this.madeHandles === undefined) this.madeHandles = new SATransaction.Handles(this.connection, this.turn)
    return this.madeHandles
  }

  // Rows are of the type that the statement's type says, which is the caller's to know; here it is none.
  execute(
    statement: unknown,
    parameters?: Statement.Parameters,
    options?: Options.ExecuteOptions
  ): Effect.Effect<Result.Result<never>, StatementError> {
    return this.compiled(statement, parameters, options, (compiled, values) =>
      Effect.map(this.run(compiled, values), Result.make<never>)
    )
  }

  scalar(
    statement: unknown,
    parameters?: Statement.Parameters,
    options?: Options.ExecuteOptions
  ): Effect.Effect<Option.Option<never>, StatementError> {
    return Effect.flatMap(this.execute(statement, parameters, options), firstValue)
  }

  stream(
    statement: unknown,
    parameters?: Statement.Parameters,
    options?: Options.ExecuteOptions
  ): Stream.Stream<never, StatementError> {
    return Stream.unwrapScoped(
      this.compiled(statement, parameters, options, (compiled, values) => this.streamCompiled<never>(compiled, values))
    )
  }

  /** A statement whose parameters were checked, in the transaction that the fiber is in, if it is in one of this connection. */
  run(compiled: Statement.Compiled, values: ValueOptions): Effect.Effect<DriverResult, Transaction.TransactionError> {
    if (compiled.sets?.length === 0) return Effect.succeed(emptyResult)
    return this.part((before) => this.connection.execute(compiled, values, before), compiled)
  }

  /** As `run`, for who knows what the fiber is in, with what is made of the answer. */
  answerIn<A>(
    level: Transaction.Level | undefined,
    compiled: Statement.Compiled,
    values: ValueOptions,
    made: (answer: DriverResult) => A
  ): Effect.Effect<A, Transaction.TransactionError> {
    if (level === undefined || this.closed || compiled.sets?.length === 0)
      return Effect.map(this.run(compiled, values), made)
    return level.statementIn(
      (restore, before, ending) => this.connection.executeIn(restore, compiled, values, before, ending),
      compiled,
      made
    )
  }

  /** Several statements that nobody's comes between. Fails as the first that fails. */
  runAllIn(
    level: Transaction.Level | undefined,
    statements: ReadonlyArray<Statement.Compiled>,
    values: ValueOptions
  ): Effect.Effect<ReadonlyArray<DriverResult>, Transaction.TransactionError> {
    const all = (before: ReadonlyArray<string>) =>
      Effect.forEach(statements, (compiled, i) => this.connection.execute(compiled, values, i === 0 ? before : []))
    const kind: Transaction.StatementKind = {
      isDdl: statements.some(({ isDdl }) => isDdl),
      isRead: statements.every(({ isRead }) => isRead),
      isControl: statements.some(({ isControl }) => isControl)
    }
    return level === undefined || this.closed ? this.part(all, kind) : level.statement(all, kind)
  }

  /** The rows of a statement as they come, for who knows what the fiber is in. */
  rowsIn(
    level: Transaction.Level | undefined,
    compiled: Statement.Compiled,
    values: ValueOptions
  ): Effect.Effect<RowStream, Transaction.TransactionError, Scope.Scope> {
    const rows = (before: ReadonlyArray<string>) => this.connection.stream(compiled, values, before)
    return level === undefined || this.closed ? this.part(rows, compiled) : level.statement(rows, compiled)
  }

  streamCompiled<A extends object>(
    compiled: Statement.Compiled,
    values: ValueOptions
  ): Effect.Effect<Stream.Stream<Result.Row<A>, StatementError>, StatementError, Scope.Scope> {
    if (compiled.sets !== undefined) return Effect.fail(manyInStream())
    return Effect.map(
      this.part((before) => this.connection.stream(compiled, values, before), compiled),
      (rows) =>
        Stream.repeatEffectChunkOption(
          Effect.matchEffect(rows.pull, {
            onFailure: (error) => Effect.fail(Option.some(error)),
            onSuccess: (pulled) =>
              pulled === undefined
                ? Effect.fail(Option.none())
                : Effect.succeed(Chunk.unsafeFromArray(Result.makeRows<A>(rows.columns, pulled)))
          })
        )
    )
  }

  /** Runs what is part of the innermost transaction of this connection that the fiber is in, or waits its turn outside. */
  private part<A, E, R>(
    run: (before: ReadonlyArray<string>) => Effect.Effect<A, E, R>,
    kind: Transaction.StatementKind
  ): Effect.Effect<A, E | Transaction.TransactionError, R> {
    return Effect.withFiberRuntime((fiber) => {
      if (this.closed) return Effect.fail(closedError())
      const ambient = currentAmbient(fiber.getFiberRef(FiberRef.currentContext), this.ambient)
      const own = ambient?.connection === this ? ambient.level : undefined
      if (own !== undefined) return own.statement(run, kind)
      return this.inTurn(() => {
        const { level } = this.handles
        return level === undefined ? run([]) : level.statement(run, kind)
      })
    })
  }

  transaction<A, E, R>(
    body: Effect.Effect<A, E, R>,
    options?: BeginOptions
  ): Effect.Effect<A, E | Transaction.TransactionError | ArgumentError, Exclude<R, Transaction.Transaction>> {
    return Transaction.afterwards((committed, restore) => restore(this.transactionThen(body, options, committed)))
  }

  /** Runs what has waited its turn, unless the connection was closed in the meantime. */
  private inTurn<A, E, R>(run: () => Effect.Effect<A, E, R>): Effect.Effect<A, E | InvalidRequestError, R> {
    return this.turn.take(
      Effect.suspend(
        (): Effect.Effect<A, E | InvalidRequestError, R> => (this.closed ? Effect.fail(closedError()) : run())
      )
    )
  }

  /** What a body sees within a level of a transaction: that level. */
  private inside<R>(
    context: Context.Context<Exclude<R, Transaction.Transaction>>,
    level: Transaction.Level
  ): Context.Context<R> {
    // One copy of the context, where `Context.add` makes one for each service.
    const services = new Map(context.unsafeMap)
    services.set(Transaction.Transaction.key, level)
    const ambient: Ambient = { connection: this, level }
    services.set(this.ambient.key, ambient)
    this.companions?.add?.(services, ambient)
    // R is what the caller has and the two services that are added here.
    return Context.unsafeMake<R>(services)
  }

  /**
   * A transaction of a connection that nobody else can have yet, for who is in a region that cannot be interrupted and has
   * the way out of it. It is the way of `Engine.transaction`, with as few steps as possible (`npm run bench`).
   */
  transactionIn<A, E, R>(
    restore: Restore,
    body: Effect.Effect<A, E, R>,
    options: BeginOptions,
    surroundings: Transaction.Surroundings
  ): Effect.Effect<A, E | Transaction.TransactionError | ArgumentError, Exclude<R, Transaction.Transaction>> {
    this.seized = this.turn.seize()
    return Effect.withFiberRuntime((fiber) => {
      // The context is set and set back by hand: this region ends in no other way, and a scoped change costs ten steps.
      const outside = fiber.getFiberRef(FiberRef.currentContext)
      const back = FiberRef.set(FiberRef.currentContext, outside)
      const within = <B, E2, R2>(
        level: Transaction.Level,
        { onFailure, onSuccess }: Ending<A, E, B, E2, R2>
      ): Effect.Effect<B, E2, R2> =>
        Effect.matchCauseEffect(
          Effect.zipRight(
            // The caller's own context, which has what the body asks for.
            FiberRef.set(FiberRef.currentContext, this.inside(outside, level) as Context.Context<never>),
            restore(body as Effect.Effect<A, E>)
          ),
          {
            onSuccess: (value) => Effect.zipRight(back, onSuccess(value)),
            onFailure: (cause) => Effect.zipRight(back, onFailure(cause))
          }
        )
      return Transaction.runIn(restore, this.connection, options, within, surroundings)
    })
  }

  /** As `transaction`, but leaves it to the caller to run what was registered for after the commit. */
  transactionThen<A, E, R>(
    body: Effect.Effect<A, E, R>,
    options: BeginOptions | undefined,
    committed: Array<Effect.Effect<void>>
  ): Effect.Effect<A, E | Transaction.TransactionError | ArgumentError, Exclude<R, Transaction.Transaction>> {
    const within = (level: Transaction.Level): Effect.Effect<A, E, Exclude<R, Transaction.Transaction>> =>
      Effect.mapInputContext(body, (context: Context.Context<Exclude<R, Transaction.Transaction>>) =>
        this.inside<R>(context, level)
      )
    return Effect.withFiberRuntime((fiber) => {
      if (this.closed) return Effect.fail(closedError())
      const ambient = currentAmbient(fiber.getFiberRef(FiberRef.currentContext), this.ambient)
      if (ambient?.connection === this && ambient.level !== undefined) {
        const refused = refuseNested(options)
        return refused === undefined ? ambient.level.nested(within) : Effect.fail(refused)
      }
      return this.inTurn(
        (): Effect.Effect<A, E | Transaction.TransactionError | ArgumentError, Exclude<R, Transaction.Transaction>> => {
          const { level } = this.handles
          if (level === undefined)
            return Transaction.run(this.connection, options ?? {}, within, { committed, isTakenOver: () => false })
          const refused = refuseNested(options)
          return refused === undefined ? level.nested(within) : Effect.fail(refused)
        }
      )
    })
  }

  /** As `transaction`, for who knows what the fiber is in, and whose statements go on after one that defines data. */
  transactionFrom<A, E, R>(
    level: Transaction.Level | undefined,
    body: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | Transaction.TransactionError | ArgumentError, Exclude<R, Transaction.Transaction>> {
    const within = (level: Transaction.Level): Effect.Effect<A, E, Exclude<R, Transaction.Transaction>> =>
      Effect.mapInputContext(body, (context: Context.Context<Exclude<R, Transaction.Transaction>>) =>
        this.inside<R>(context, level)
      )
    if (level !== undefined) return level.nested(within)
    return Transaction.afterwards((committed, restore) =>
      restore(
        this.inTurn(() => {
          const { level } = this.handles
          const surroundings = { committed, isTakenOver: () => false, goesOnAfterDdl: true }
          return level === undefined
            ? Transaction.run(this.connection, Transaction.plainOptions, within, surroundings)
            : level.nested(within)
        })
      )
    )
  }

  begin(options: BeginOptions = {}): Effect.Effect<SATransaction.SATransaction, Transaction.TransactionError> {
    return this.byHand(Effect.suspend(() => this.handles.begin(options)))
  }

  /** Handles and the transaction of a body exclude each other: the one would wait for the other, or end it. */
  private byHand<A>(
    run: Effect.Effect<A, Transaction.TransactionError>
  ): Effect.Effect<A, Transaction.TransactionError> {
    return Effect.withFiberRuntime((fiber) => {
      if (this.closed) return Effect.fail(closedError())
      const ambient = currentAmbient(fiber.getFiberRef(FiberRef.currentContext), this.ambient)
      if (ambient?.connection === this && ambient.level !== undefined) return Effect.fail(notByHand())
      return this.inTurn(() => run)
    })
  }

  get beginNested(): Effect.Effect<SATransaction.SATransaction, Transaction.TransactionError> {
    return this.byHand(Effect.suspend(() => this.handles.beginNested()))
  }

  beginTwophase(
    xid?: SATransaction.Xid
  ): Effect.Effect<SATransaction.TwoPhaseTransaction, Transaction.TransactionError> {
    return this.byHand(Effect.suspend(() => this.handles.beginTwophase(xid)))
  }

  get recoverTwophase(): Effect.Effect<ReadonlyArray<SATransaction.Xid>, Transaction.TransactionError> {
    return this.byHand(Effect.suspend(() => TwoPhase.recover(this.connection)))
  }

  commitPrepared(xid: SATransaction.Xid): Effect.Effect<void, Transaction.TransactionError> {
    return Transaction.afterwards((committed, restore) => restore(this.endPrepared(xid, "commit", committed)))
  }

  rollbackPrepared(xid: SATransaction.Xid): Effect.Effect<void, Transaction.TransactionError> {
    return this.endPrepared(xid, "rollback", [])
  }

  private endPrepared(
    xid: SATransaction.Xid,
    how: "commit" | "rollback",
    committed: Array<Effect.Effect<void>>
  ): Effect.Effect<void, Transaction.TransactionError> {
    return this.byHand(Effect.uninterruptible(Effect.suspend(() => this.handles.endPrepared(xid, how, committed))))
  }

  setIsolationLevel(level: IsolationLevel): Effect.Effect<void, StatementError> {
    return this.part(() => this.connection.setIsolationLevel(level), setsSession)
  }

  get inTransaction(): Effect.Effect<boolean> {
    return Effect.sync(() => !this.connection.isSpent() && this.connection.status().inTransaction)
  }

  /** The connection goes back to the pool: whoever still has this handle must not reach it any more. */
  expire(): void {
    this.closed = true
    this.madeHandles?.abandon()
    if (this.seized) this.turn.release()
    this.seized = false
  }

  get isClosed(): Effect.Effect<boolean> {
    return Effect.sync(() => this.closed)
  }

  get close(): Effect.Effect<void, Transaction.TransactionError> {
    return Effect.withFiberRuntime((fiber) => {
      const ambient = currentAmbient(fiber.getFiberRef(FiberRef.currentContext), this.ambient)
      if (ambient?.connection === this && ambient.level !== undefined) return Effect.fail(notByHand())
      this.closed = true
      return this.handles.close
    })
  }

  private compiled<A, E, R>(
    statement: unknown,
    parameters: unknown,
    options: Options.ExecuteOptions | undefined,
    run: (compiled: Statement.Compiled, values: ValueOptions) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | Statement.Refusal, R> {
    return Effect.suspend(() =>
      Statement.compileWith(statement, parameters, this.connection.dialect, (compiled) =>
        withOptions(compiled, this.connection.values, options, run)
      )
    )
  }
}

const setsSession: Transaction.StatementKind = { isDdl: false, isRead: false, isControl: false }

const closedError = (): InvalidRequestError =>
  new InvalidRequestError({ message: "this connection was closed, or has gone back to the pool" })

const notByHand = (): InvalidRequestError =>
  new InvalidRequestError({
    message: "the connection is in the transaction of a body, which ends with it: use transaction for a savepoint in it"
  })

/**
 * A statement with what is said of this execution: how long it may take, and the types of its values over those of the
 * connection.
 *
 * @internal
 */
export const withOptions = <A, E, R>(
  compiled: Statement.Compiled,
  values: ValueOptions,
  options: Options.ExecuteOptions | undefined,
  run: (compiled: Statement.Compiled, values: ValueOptions) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | ArgumentError, R> => {
  if (options === undefined) return run(compiled, values)
  const { timeout, ...given } = options
  return Effect.flatMap(Options.timeoutOf({ timeout }), (stopAfter) => {
    const limited = stopAfter === undefined ? compiled : { ...compiled, stopAfter }
    if (compiled.values === undefined)
      return Effect.flatMap(Options.withValues(values, given), (values) => run(limited, values))
    const asked = Object.values(given).some((value) => value !== undefined)
    const expected = "none: the statement has its own"
    return asked
      ? Effect.fail(new ArgumentError({ argument: "options", given: "types of values", expected }))
      : run(limited, values)
  })
}

/** @internal */
export const manyInStream = (): ArgumentError =>
  new ArgumentError({ argument: "parameters", given: "several sets of parameters", expected: "one set, for a stream" })

/** A savepoint has no isolation level of its own. */
const refuseNested = (options: BeginOptions | undefined): ArgumentError | undefined => {
  const given = Object.entries(options ?? {}).find(([, value]) => value !== undefined)
  return given === undefined
    ? undefined
    : new ArgumentError({
        argument: given[0],
        given: "an option for a nested transaction",
        expected: "none: the outermost transaction decides"
      })
}

/** @internal */
export const firstValue = <A extends object>(
  result: Result.Result<A>
): Effect.Effect<Option.Option<A[keyof A]>, InvalidRequestError> =>
  Effect.mapError(Result.scalar(result), (error) => new InvalidRequestError({ message: error.message, cause: error }))

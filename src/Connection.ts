/**
 * One connection to a database and the state it is in. It is what pools hold; most programs use an `Engine` instead.
 *
 * A connection is *idle*, in a *transaction*, *streaming*, or *spent*: after a broken protocol, a lost socket, an
 * interrupted statement or a failed rollback nobody can say what state its session is in, so it does nothing any more
 * but fail at once, and is never used again.
 *
 * @since 0.1.0
 */
import { Context, Effect, type Scope } from "effect"
import type { Dialect, IsolationLevel } from "./Dialect.js"
import type * as Driver from "./Driver.js"
import {
  type DriverConnection,
  type DriverResult,
  executeIn,
  type Request,
  type RowStream,
  type ServerInfo,
  type SessionStatus
} from "./Driver.js"
import {
  ArgumentError,
  type ConnectError,
  type DataError,
  type DriverError,
  InvalidRequestError,
  isDriverError,
  NotSupportedError,
  OperationalError
} from "./Errors.js"
import { echoing } from "./Echo.js"
import type { Recycled } from "./LeasePool.js"
import * as Options from "./Options.js"
import * as RowTransform from "./RowTransform.js"
import type { Compiled } from "./Statement.js"
import { type Commits, Succession } from "./Succession.js"
import type { Ending, Restore } from "./Turn.js"
import { bind, type BoundValue, defaultValueOptions, type Parameter, type ValueOptions } from "./Value.js"

/**
 * What a connection is in the middle of.
 *
 * @since 0.1.0
 * @category models
 */
export type State = "idle" | "transaction" | "streaming" | "spent"

/**
 * A warning about a statement.
 *
 * @since 0.1.0
 * @category models
 */
export type Warning = Driver.Warning

/**
 * One connection (`aiomysql.Connection`). Its statements run one at a time; who shares it between fibers must see to
 * that, as `SAConnection` does.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  /** As the server's process list names it (`aiomysql.Connection.thread_id`). */
  readonly id: string
  readonly server: ServerInfo
  /** Where the database is, for people (`get_host_info`, `host`, `port`). There is no password in it. */
  readonly address: string
  /** Who logged in (`aiomysql.Connection.user`); undefined where nobody does. */
  readonly user: string | undefined
  /** The default database by the options (`aiomysql.Connection.db`), to which a reset goes back. */
  readonly database: string | undefined
  readonly connectedAt: Date
  /** When the database last answered (`aiomysql.Connection.last_usage`). */
  readonly lastUsedAt: () => Date
  readonly dialect: Dialect
  readonly values: ValueOptions
  /** Milliseconds that COMMIT and ROLLBACK may take. */
  readonly endTimeout: number
  readonly state: () => State
  readonly status: () => SessionStatus
  /**
   * Executes a compiled statement and reads its whole answer. `before` are statements to execute before it, such as BEGIN,
   * on one way to the server; when one fails, so does the whole.
   *
   * *Fails with* what the database answers, and `InvalidRequestError` while a stream is open. *Interruption* returns at
   * once and spends the connection; the statement is killed on the server.
   */
  readonly execute: (
    compiled: Compiled,
    values: ValueOptions,
    before?: ReadonlyArray<string>
  ) => Effect.Effect<DriverResult, DriverError | InvalidRequestError>
  /** As `execute`, for who is in a region that cannot be interrupted, and has the way out of it. */
  readonly executeIn: <B, E, R>(
    restore: Restore,
    compiled: Compiled,
    values: ValueOptions,
    before: ReadonlyArray<string>,
    ending: Ending<DriverResult, DriverError | InvalidRequestError, B, E, R>
  ) => Effect.Effect<B, E, R>
  /**
   * As `executeIn`, on a connection that others may use in the same way at the same time: a statement that leaves nothing
   * behind and takes no locks. *Interruption* returns at once, and leaves the others their answers.
   */
  readonly executeSharedIn: <B, E, R>(
    restore: Restore,
    compiled: Compiled,
    values: ValueOptions,
    ending: Ending<DriverResult, DriverError | InvalidRequestError, B, E, R>
  ) => Effect.Effect<B, E, R>
  /** Whether the statement whose turn it is takes long. */
  readonly isStalled: () => boolean
  /** Executes a compiled statement and gives its rows as they are pulled, until the scope ends. Fails as `execute`. */
  readonly stream: (
    compiled: Compiled,
    values: ValueOptions,
    before?: ReadonlyArray<string>
  ) => Effect.Effect<RowStream, DriverError | InvalidRequestError, Scope.Scope>
  /** As `stream`, and each further result set by `RowStream.next`, where `stream` passes over them. Fails as `execute`. */
  readonly streamSets: (
    compiled: Compiled,
    values: ValueOptions
  ) => Effect.Effect<RowStream, DriverError | InvalidRequestError, Scope.Scope>
  /**
   * What the database warns of about the last statement that used a table or was warned of (SHOW WARNINGS,
   * `aiomysql.Connection.show_warnings`): as many as the server keeps. That there are any, the result of the statement says for nothing. SQLite has no warnings.
   *
   * *Fails with* `InvalidRequestError` while a stream is open, and with what the database answers.
   */
  readonly warnings: Effect.Effect<ReadonlyArray<Warning>, DriverError | InvalidRequestError>
  /**
   * A value as a literal of SQL, quotes and all, as this session reads it now (`aiomysql.Connection.literal`, `escape`): with
   * backslashes escaped, or as they are where the session has NO_BACKSLASH_ESCAPES. It is for people to read, and for
   * statements that take no parameters, such as the DEFAULT of a column. Values of statements are parameters.
   *
   * *Fails with* `ArgumentError` for what cannot be bound, and with `DataError` for what the database has no literal of.
   *
   * https://dev.mysql.com/doc/refman/9.7/en/string-literals.html
   *
   * @example
   * ```ts
   * import { Effect } from "effect"
   * import { Engine } from "effect-sa"
   *
   * export const withGreeting = (greeting: string) =>
   *   Effect.gen(function* () {
   *     const { pool } = yield* Engine.Engine
   *     const literal = yield* pool.use((connection) => connection.literal(greeting))
   *     yield* Engine.execute(`CREATE TABLE visit (id INTEGER PRIMARY KEY, greeting VARCHAR(50) DEFAULT ${literal})`)
   *   })
   * ```
   */
  readonly literal: (value: Parameter) => Effect.Effect<string, ArgumentError | DataError>
  /** Executes a statement that the connection's owner answers for, such as COMMIT; 0 is no time limit. */
  readonly control: (
    sql: string,
    timeout: number,
    before?: ReadonlyArray<string>
  ) => Effect.Effect<void, DriverError | InvalidRequestError>
  /**
   * Commits. With `andChain` the next transaction begins with it, where the database can do that: it is nobody's until
   * `takeChained`, and rolled back before anything else is executed. Once several have followed each other so, `handOver` is
   * called as soon as the COMMIT was sent: what is executed then goes out with it, and is undone should it fail.
   */
  readonly commit: (andChain: boolean, handOver?: () => void) => Effect.Effect<void, DriverError | InvalidRequestError>
  /**
   * Takes the transaction that began with the last commit, if there is one that nobody has taken, and gives what is to be
   * sent with its first statement.
   */
  readonly takeChained: () => ReadonlyArray<string> | undefined
  /**
   * Makes this the database of names that do not say theirs (`aiomysql.Connection.select_db`), until the connection goes
   * back to its pool.
   *
   * *Fails with* `OperationalError` `UnknownDatabase` or `AccessDenied`, with `NotSupportedError` on SQLite, and with
   * `InvalidRequestError` while a stream is open.
   *
   * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_init_db.html
   */
  readonly selectDatabase: (name: string) => Effect.Effect<void, DriverError | InvalidRequestError>
  /**
   * Sets the isolation level of the transactions to come on this connection that do not name their own, until it goes back
   * to its pool (SQLAlchemy's `execution_options(isolation_level=…)`).
   *
   * *Fails with* `NotSupportedError` on SQLite, and with `InvalidRequestError` while a stream is open.
   *
   * https://dev.mysql.com/doc/refman/9.7/en/set-transaction.html
   */
  readonly setIsolationLevel: (level: IsolationLevel) => Effect.Effect<void, DriverError | InvalidRequestError>
  /**
   * Ends another connection by its `id`, or only the statement that it is executing (`aiomysql.Connection.kill`).
   *
   * *Fails with* `ArgumentError` for what is no id; `OperationalError` where there is no such connection, or it is somebody
   * else's and this user may not; `NotSupportedError` on SQLite; `InvalidRequestError` while a stream is open.
   *
   * https://dev.mysql.com/doc/refman/9.7/en/kill.html
   */
  readonly kill: (
    id: string,
    what?: "connection" | "statement"
  ) => Effect.Effect<void, DriverError | ArgumentError | InvalidRequestError>
  /** Asks for a sign of life (`aiomysql.Connection.ping`, which never reconnects here). */
  readonly ping: (timeout: number) => Effect.Effect<void, DriverError>
  /** Gives back what `takeChained` gave, where nothing can have come of it yet; whether that was so. */
  readonly giveBackChained: () => boolean
  /** Ends the connection, but not before a COMMIT is answered that others came behind. */
  readonly abandon: () => void
  /** Nothing is known of the session any more. */
  readonly spend: () => void
  /** Something may be left in the session: it is reset before the next user has it. */
  readonly markChanged: () => void
  /** Ends the connection at once. */
  readonly terminate: () => void
  /** Whether it is of no more use. */
  readonly isSpent: () => boolean
  /**
   * What a pool does with it when it comes back: keep it, reset it first where anything may be left, or end it. A
   * transaction that began with the last commit is kept only for somebody who takes it over.
   */
  readonly recycle: (isTakenOver: boolean) => Recycled | Effect.Effect<Recycled>
}

/**
 * The tag of a connection.
 *
 * @since 0.1.0
 * @category tags
 */
export const Connection: Context.Tag<Connection, Connection> = Context.GenericTag<Connection>("effect-sa/Connection")

/** A statement that others wait behind takes long when it takes longer than this, in milliseconds. */
const stalledAfter = 2

/** How long a reset may take before the connection is ended instead. */
const resetTimeout = 5_000

const noParameters: ReadonlyArray<BoundValue> = []
const nothing: ReadonlyArray<string> = []

class DriverBackedConnection implements Connection {
  readonly id: string
  readonly server: ServerInfo
  readonly address: string
  readonly user: string | undefined
  readonly database: string | undefined
  readonly connectedAt = new Date()
  readonly dialect: Dialect
  readonly values: ValueOptions
  readonly endTimeout: number
  private streaming = false
  private spent = false
  private changed = false
  /** The session may have a two-phase transaction that the program began by a statement of its own. */
  private hadTwoPhase = false
  private readonly succession: Succession

  constructor(
    private readonly driver: DriverConnection,
    settings: Options.Settings,
    commits: Commits
  ) {
    this.succession = new Succession(driver, settings.dialect, commits)
    this.id = driver.id
    this.server = driver.server
    this.address = settings.address
    this.user = settings.user
    this.database = settings.database
    this.dialect = settings.dialect
    this.values = settings.values
    this.endTimeout = settings.endTimeout
  }

  state(): State {
    if (this.isSpent()) return "spent"
    if (this.streaming) return "streaming"
    return this.status().inTransaction ? "transaction" : "idle"
  }

  status(): SessionStatus {
    const status = this.driver.status()
    return this.succession.hasNext ? { ...status, inTransaction: false } : status
  }

  execute(
    compiled: Compiled,
    values: ValueOptions,
    before = nothing
  ): Effect.Effect<DriverResult, DriverError | InvalidRequestError> {
    const refused = this.refusal()
    if (refused !== undefined) return refused
    if (compiled.leavesState) this.noteState(compiled)
    if (this.succession.isCommitting && !mayFollowCommit(compiled))
      return this.succession.whenAnswered(() => this.execute(compiled, values, before))
    if (this.succession.isBetween())
      return this.unchained(compiled, before, (before) => this.execute(compiled, values, before))
    return withItsRows(
      compiled,
      compiled.sets === undefined
        ? this.driver.execute(requestOf(compiled, values, before, false))
        : this.driver.executeMany({
            sql: compiled.sql,
            sets: compiled.sets,
            values: compiled.values ?? values,
            timeout: 0,
            stopAfter: compiled.stopAfter,
            before
          })
    )
  }

  executeIn<B, E, R>(
    restore: Restore,
    compiled: Compiled,
    values: ValueOptions,
    before: ReadonlyArray<string>,
    ending: Ending<DriverResult, DriverError | InvalidRequestError, B, E, R>
  ): Effect.Effect<B, E, R> {
    const isPlain = compiled.rows === undefined && !this.streaming && !this.isSpent() && mayFollowCommit(compiled)
    return !isPlain || this.succession.isBetween()
      ? Effect.matchCauseEffect(restore(Effect.suspend(() => this.execute(compiled, values, before))), ending)
      : executeIn(restore, this.driver, requestOf(compiled, values, before, false), ending)
  }

  executeSharedIn<B, E, R>(
    restore: Restore,
    compiled: Compiled,
    values: ValueOptions,
    ending: Ending<DriverResult, DriverError | InvalidRequestError, B, E, R>
  ): Effect.Effect<B, E, R> {
    return compiled.rows !== undefined || this.streaming || this.isSpent() || this.succession.isBetween()
      ? Effect.matchCauseEffect(restore(Effect.suspend(() => this.executeShared(compiled, values))), ending)
      : executeIn(restore, this.driver, requestOf(compiled, values, nothing, true), ending)
  }

  private executeShared(
    compiled: Compiled,
    values: ValueOptions
  ): Effect.Effect<DriverResult, DriverError | InvalidRequestError> {
    const refused = this.refusal()
    if (refused !== undefined) return refused
    const shared = (before: ReadonlyArray<string>) =>
      withItsRows(compiled, this.driver.execute(requestOf(compiled, values, before, true)))
    return this.succession.isBetween() ? this.unchained(compiled, nothing, shared) : shared(nothing)
  }

  private noteState({ sql }: Compiled): void {
    this.changed = true
    if (/\bXA\b/i.test(sql)) this.hadTwoPhase = true
  }

  lastUsedAt(): Date {
    return new Date(Date.now() - (performance.now() - this.driver.lastAnswerAt()))
  }

  isStalled(): boolean {
    return this.driver.waitingFor() > stalledAfter
  }

  stream(
    compiled: Compiled,
    values: ValueOptions,
    before = nothing
  ): Effect.Effect<RowStream, DriverError | InvalidRequestError, Scope.Scope> {
    return this.streamed(compiled, values, before, false)
  }

  streamSets(
    compiled: Compiled,
    values: ValueOptions
  ): Effect.Effect<RowStream, DriverError | InvalidRequestError, Scope.Scope> {
    return this.streamed(compiled, values, nothing, true)
  }

  private streamed(
    compiled: Compiled,
    values: ValueOptions,
    before: ReadonlyArray<string>,
    setBySet: boolean
  ): Effect.Effect<RowStream, DriverError | InvalidRequestError, Scope.Scope> {
    return Effect.uninterruptibleMask((restore) => {
      const refused = this.refusal()
      if (refused !== undefined) return refused
      if (compiled.leavesState) this.noteState(compiled)
      this.streaming = true
      const over = Effect.sync(() => {
        this.streaming = false
      })
      const begin = (before: ReadonlyArray<string>) =>
        Effect.flatMap(this.driver.stream({ ...requestOf(compiled, values, before, false), setBySet }), (stream) =>
          compiled.rows === undefined ? Effect.succeed(stream) : RowTransform.ofStream(compiled.rows, stream)
        )
      const begun = this.succession.whenAnswered(() =>
        this.succession.isBetween() ? this.unchained(compiled, before, begin) : begin(before)
      )
      return restore(begun).pipe(
        Effect.tapErrorCause(() => over),
        Effect.tap((stream) => Effect.addFinalizer(() => Effect.zipRight(stream.close, over)))
      )
    })
  }

  get warnings(): Effect.Effect<ReadonlyArray<Warning>, DriverError | InvalidRequestError> {
    return Effect.suspend(
      (): Effect.Effect<ReadonlyArray<Warning>, DriverError | InvalidRequestError> =>
        this.refusal() ?? this.driver.warnings
    )
  }

  literal(value: Parameter): Effect.Effect<string, ArgumentError | DataError> {
    return Effect.suspend((): Effect.Effect<string, ArgumentError | DataError> => {
      const bound = bind(value, "value")
      if (bound instanceof ArgumentError) return Effect.fail(bound)
      const literal = this.dialect.literal(bound, this.status().noBackslashEscapes !== true)
      return typeof literal === "string" ? Effect.succeed(literal) : Effect.fail(literal)
    })
  }

  control(sql: string, timeout: number, before = nothing): Effect.Effect<void, DriverError | InvalidRequestError> {
    return Effect.suspend((): Effect.Effect<unknown, DriverError | InvalidRequestError> => {
      const refused = this.refusal()
      if (refused !== undefined) return refused
      const run = (before: ReadonlyArray<string>) =>
        this.driver.execute({
          sql,
          parameters: noParameters,
          values: defaultValueOptions,
          timeout,
          before,
          shared: false
        })
      return this.succession.whenAnswered(() =>
        this.succession.isBetween() ? this.unchained(endsByItself, before, run) : run(before)
      )
    })
  }

  commit(andChain: boolean, handOver?: () => void): Effect.Effect<void, DriverError | InvalidRequestError> {
    const { commit, commitAndChain } = this.dialect
    if (!andChain || commitAndChain === undefined) return this.control(commit, this.endTimeout)
    if (handOver !== undefined && this.succession.mayHandOver && this.isAsItWas)
      return this.commitAhead(commitAndChain, handOver)
    return Effect.map(this.control(commitAndChain, this.endTimeout), () => this.succession.begun())
  }

  /**
   * Commits, and lets the next user go on before that is answered. Should it fail, what comes behind it is kept by nobody, and
   * ends with the connection.
   */
  private commitAhead(sql: string, handOver: () => void): Effect.Effect<void, DriverError | InvalidRequestError> {
    const refused = this.refusal()
    if (refused !== undefined) return refused
    let told: ((hasWorked: boolean) => void) | undefined
    const request: Request = {
      sql,
      parameters: noParameters,
      values: defaultValueOptions,
      timeout: this.endTimeout,
      before: nothing,
      shared: false,
      ahead: {
        sent: () => {
          told = this.succession.sent()
          handOver()
        },
        answered: (hasWorked) => {
          if (!hasWorked) this.spent = true
          told?.(hasWorked)
        }
      }
    }
    return executeIn(asItIs, this.driver, request, {
      onFailure: Effect.failCause,
      onSuccess: () => Effect.void
    })
  }

  /** Whether the next user would find the session as everybody does, without anything being done for that. */
  private get isAsItWas(): boolean {
    return !(
      this.changed ||
      this.hadTwoPhase ||
      this.driver.hasLimit === true ||
      this.driver.isRetired() ||
      this.driver.status().changed
    )
  }

  giveBackChained(): boolean {
    return this.succession.giveBack()
  }

  abandon(): void {
    // What others came behind gets its answer; then the connection is of no use, and is closed.
    if (this.succession.isCommitting) this.spent = true
    else this.terminate()
  }

  takeChained(): ReadonlyArray<string> | undefined {
    return this.succession.take()
  }

  /**
   * Runs a statement outside of the transaction that began with the last commit. ROLLBACK goes on one way to the server with
   * what only reads or writes rows: should the server refuse it, these stay in a transaction, which ends with the connection.
   * Anything else waits for its answer.
   */
  private unchained<A, E>(
    { leavesState, isDdl }: Pick<Compiled, "leavesState" | "isDdl">,
    before: ReadonlyArray<string>,
    run: (before: ReadonlyArray<string>) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | DriverError | InvalidRequestError> {
    let endings = nothing
    const ran = Effect.suspend((): Effect.Effect<A, E | DriverError | InvalidRequestError> => {
      if (!this.succession.isBetween()) return run(before)
      endings = this.succession.end()
      const last = endings[endings.length - 1]
      return (leavesState || isDdl) && last !== undefined
        ? Effect.zipRight(
            this.control(last, this.endTimeout, endings.slice(0, -1)),
            Effect.suspend(() => run(before))
          )
        : run([...endings, ...before])
    })
    return this.succession
      .whenAnswered(() => ran)
      .pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            if (isDriverError(error) && error.statement !== undefined && endings.includes(error.statement))
              this.spent = true
          })
        ),
        // Before anything was sent an interruption leaves the transaction as it was.
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            this.succession.lookAgain(this.isSpent())
          })
        )
      )
  }

  selectDatabase(name: string): Effect.Effect<void, DriverError | InvalidRequestError> {
    return Effect.suspend(() => {
      const refused = this.refusal()
      if (refused !== undefined) return refused
      this.changed = true
      const select = () => this.driver.selectDatabase(name, 0)
      return this.succession.whenAnswered(() =>
        this.succession.isBetween() ? this.unchained(endsByItself, nothing, select) : select()
      )
    })
  }

  setIsolationLevel(level: IsolationLevel): Effect.Effect<void, DriverError | InvalidRequestError> {
    return Effect.suspend((): Effect.Effect<void, DriverError | InvalidRequestError> => {
      const statement = this.dialect.sessionIsolation(level)
      if (typeof statement !== "string") return Effect.fail(statement)
      this.changed = true
      return this.control(statement, 0)
    })
  }

  kill(
    id: string,
    what: "connection" | "statement" = "connection"
  ): Effect.Effect<void, DriverError | ArgumentError | InvalidRequestError> {
    if (this.dialect.name === "sqlite")
      return Effect.fail(
        new NotSupportedError({
          reason: "NotSupported",
          message: "SQLite has no connections but those of this process"
        })
      )
    if (!/^\d+$/.test(id))
      return Effect.fail(
        new ArgumentError({ argument: "id", given: "another text", expected: "the id of a connection" })
      )
    return this.control(`KILL ${what === "statement" ? "QUERY" : "CONNECTION"} ${id}`, 0)
  }

  ping(timeout: number): Effect.Effect<void, DriverError> {
    return this.driver.ping(timeout)
  }

  spend(): void {
    this.spent = true
  }

  markChanged(): void {
    this.changed = true
  }

  terminate(): void {
    this.driver.destroy()
  }

  isSpent(): boolean {
    return this.spent || this.driver.closed() !== undefined
  }

  /** A connection at rest is in no transaction. */
  private endChained(): Effect.Effect<Recycled> {
    const endings = this.succession.end()
    return Effect.match(this.control(endings[endings.length - 1] ?? "", resetTimeout, endings.slice(0, -1)), {
      onFailure: (): Recycled => "discard",
      onSuccess: (): Recycled => {
        const { autocommit, inTransaction } = this.driver.status()
        return inTransaction || !autocommit ? "discard" : "keep"
      }
    })
  }

  private refusal(): Effect.Effect<never, DriverError | InvalidRequestError> | undefined {
    if (this.streaming) {
      return Effect.fail(
        new InvalidRequestError({
          message: "a stream is open on this connection: read it to its end, or close it, first"
        })
      )
    }
    if (!this.isSpent()) return undefined
    return Effect.fail(
      new OperationalError({
        reason: "ConnectionLost",
        message: "the connection is spent: it was lost or interrupted before"
      })
    )
  }

  recycle(isTakenOver: boolean): Recycled | Effect.Effect<Recycled> {
    if (this.succession.isCommitting) {
      return this.succession.whenAnswered(() => {
        const recycled = this.recycle(false)
        return typeof recycled === "string" ? Effect.succeed(recycled) : recycled
      })
    }
    if (this.driver.closed() === "lost" || this.driver.isRetired()) return "lost"
    // A fiber that was forked may still be in the middle of a statement, which the next user must not meet.
    if (this.isSpent() || this.streaming || this.driver.isBusy()) return "discard"
    const { inTransaction, autocommit, changed } = this.driver.status()
    // What is prepared must not meet a reset: see TwoPhase.Branch.
    if (this.hadTwoPhase && inTransaction) return "discard"
    if (!changed && !this.changed) {
      if (autocommit && !inTransaction) return "keep"
      if (this.succession.hasNext && isTakenOver) return "keep"
      if (this.succession.isBetween()) return this.endChained()
    }
    this.succession.forget()
    return Effect.match(this.driver.reset(resetTimeout), {
      onFailure: (): Recycled => "discard",
      onSuccess: (): Recycled => {
        this.changed = false
        return "keep"
      }
    })
  }
}

/** For what is not to be interrupted. */
const asItIs: Restore = (effect) => effect

/**
 * Whether a statement commits nothing by itself, and leaves nothing: it can be undone, should the COMMIT before it fail. What
 * has a time of its own is not to be blamed for that of the COMMIT.
 */
const mayFollowCommit = ({ leavesState, isDdl, sets, data, stopAfter }: Compiled): boolean =>
  !leavesState && !isDdl && sets === undefined && data === undefined && stopAfter === undefined

/** What is executed after what ends a transaction has been answered. */
const endsByItself: Pick<Compiled, "leavesState" | "isDdl"> = { leavesState: true, isDdl: false }

/** The answer with what the statement makes of its rows. */
const withItsRows = ({ rows }: Compiled, answer: Effect.Effect<DriverResult, DriverError>) =>
  rows === undefined ? answer : Effect.flatMap(answer, (result) => RowTransform.ofResult(rows, result))

const requestOf = (
  compiled: Compiled,
  values: ValueOptions,
  before: ReadonlyArray<string>,
  shared: boolean
): Request => ({
  sql: compiled.sql,
  parameters: compiled.parameters,
  values: compiled.values ?? values,
  timeout: 0,
  stopAfter: compiled.stopAfter,
  before,
  shared,
  data: compiled.data
})

/**
 * Opens connections with these settings: the driver is made once, for the scope, and each connection lives in the scope
 * that it is opened in.
 *
 * @since 0.1.0
 * @category constructors
 */
export const opener = (
  settings: Options.Settings
): Effect.Effect<Effect.Effect<Connection, ConnectError, Scope.Scope>, ConnectError, Scope.Scope> =>
  Effect.map(settings.driver, (driver) => {
    const commits: Commits = { work: true }
    return Effect.map(
      driver.connect,
      (connection) =>
        new DriverBackedConnection(
          settings.echo === undefined ? connection : echoing(connection, settings.echo),
          settings,
          commits
        )
    )
  })

/**
 * Opens one connection without a pool (`aiomysql.connect`), which the end of the scope closes.
 *
 * *Fails with* `ArgumentError` for options that are wrong, and with what connecting failed with.
 * *Interruption* leaves nothing open.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Connection, Cursor } from "effect-sa"
 *
 * export const program = Effect.scoped(
 *   Effect.gen(function* () {
 *     const connection = yield* Connection.make({ url: "sqlite::memory:" })
 *     const cursor = yield* Cursor.make(connection)
 *     yield* cursor.execute("SELECT 1 + 1")
 *     return yield* cursor.fetchOne
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options.Options): Effect.Effect<Connection, ConnectError | ArgumentError, Scope.Scope> =>
  Effect.flatMap(Options.settings(options), (settings) => Effect.flatten(opener(settings)))

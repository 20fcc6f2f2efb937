/**
 * The driver for MySQL and MariaDB: mysql2 logs in, and from there the command phase is ours.
 */
import { Effect, FiberSet, type Scope } from "effect"
import type { Dialect } from "../Dialect.js"
import {
  type Ahead,
  type Driver,
  type DriverConnection,
  type DriverResult,
  emptyResult,
  executeEach,
  type LocalData,
  type ManyRequest,
  type Request,
  type RowStream,
  type ResultSetEnd,
  type ServerInfo,
  type SessionStatus,
  type Start,
  streamOf,
  type Warning
} from "../Driver.js"
import {
  type ConnectError,
  type DriverError,
  type InterfaceError,
  OperationalError,
  ProgrammingError
} from "../Errors.js"
import { withoutParameters } from "../ErrorClass.js"
import { tokens } from "../Lexer.js"
import { type BoundValue, type Column, defaultValueOptions } from "../Value.js"
import * as ExecuteMany from "./ExecuteMany.js"
import * as LoadData from "./LoadData.js"
import { type LoggedIn, type LoginSettings, loadMysql2, login, type Mysql2 } from "./Login.js"
import { classify, withoutLiterals } from "./MysqlErrors.js"
import type { Err } from "./wire/Answer.js"
import * as Session from "./Session.js"
import * as StatementTimeout from "./StatementTimeout.js"
import * as Commands from "./wire/Commands.js"
import { Command, FieldType, Status } from "./wire/Constants.js"
import { type Conversation, drainBudget, Exchange, type Plan } from "./wire/Conversation.js"
import { Shapes } from "./wire/Shape.js"
import * as Warnings from "./Warnings.js"
import { type Attached, attach } from "./wire/Socket.js"

/** What a driver for one server is made of. Times are in milliseconds. */
export interface MysqlSettings extends LoginSettings {
  /** For TCP, TLS, login and the first statement together. */
  readonly connectTimeout: number
  /** Prepared statements kept for each connection. */
  readonly statementCacheSize: number
  /** How long a statement may take that does not say so itself; 0 is no limit. */
  readonly statementTimeout: number
  readonly warnings: Warnings.WarningPolicy
  /** How the sessions read a text. */
  readonly dialect: Dialect
  readonly session: Session.SessionSettings
}

/** How long a KILL from a control connection may take, with its login. */
const killTimeout = 5_000

/** How long the server may take to close its side after COM_QUIT. */
const quitTimeout = 1_000

/** How long the rest of a stream that nobody wants may take to arrive; then the connection is ended instead. */
const drainTimeout = 20

/** How long the answer of an interrupted statement may take on a connection that others share. */
const disownedTimeout = 250

/** A command of the driver's own; `sql` where it is a statement. */
interface Step {
  readonly packet: Buffer
  readonly sql?: string
}

/** A statement that the server has prepared, or is preparing. */
interface PreparedStatement extends Plan {
  readonly key: string
  id: number
  lastUse: number
  /** Where whole numbers go as doubles, for programs that were written for mysql2. */
  readonly doubles?: ReadonlyArray<boolean> | undefined
}

/** Makes a driver. The scope's end waits for the kills that are under way. */
export const make = (settings: MysqlSettings): Effect.Effect<Driver, InterfaceError, Scope.Scope> =>
  Effect.gen(function* () {
    const mysql2 = yield* loadMysql2
    const shapes = new Shapes()
    const kills = yield* FiberSet.make<void, never>()
    const run = yield* FiberSet.runtime(kills)<never>()
    yield* Effect.addFinalizer(() => FiberSet.awaitEmpty(kills))
    const killer = makeKiller(
      connect(
        mysql2,
        { ...settings, localInfile: false, statementTimeout: 0, session: Session.plainSession },
        shapes,
        () => {}
      ),
      (effect) => {
        run(effect)
      }
    )
    return {
      name: "mysql",
      connect: connect(mysql2, settings, shapes, killer)
    }
  })

const connect = (
  mysql2: Mysql2,
  settings: MysqlSettings,
  shapes: Shapes,
  kill: (threadId: number) => void
): Effect.Effect<DriverConnection, ConnectError, Scope.Scope> =>
  login(mysql2, settings).pipe(
    Effect.flatMap((loggedIn) => setUp(loggedIn, settings, shapes, kill)),
    Effect.timeoutFail({
      duration: settings.connectTimeout,
      onTimeout: () =>
        new OperationalError({
          reason: "ConnectTimeout",
          message: `no connection to ${settings.socketPath ?? `${settings.host}:${settings.port}`} within ${settings.connectTimeout} ms`
        })
    })
  )

const setUp = (
  loggedIn: LoggedIn,
  settings: MysqlSettings,
  shapes: Shapes,
  kill: (threadId: number) => void
): Effect.Effect<DriverConnection, ConnectError, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() => new MysqlConnection(loggedIn, settings, shapes, kill)),
      (connection) => connection.quit
    )
    yield* Effect.mapError(
      connection.setUp(0),
      (error): ConnectError =>
        error._tag === "DataError" || error._tag === "IntegrityError"
          ? new ProgrammingError({
              reason: "Other",
              message: error.message,
              errno: error.errno,
              sqlState: error.sqlState,
              statement: error.statement,
              cause: error
            })
          : error
    )
    return connection
  })

/**
 * Kills statements from a control connection of its own. Whatever is to be killed while one is open goes over it: a
 * thousand interruptions at once do not make a thousand logins.
 */
const makeKiller = (
  connectControl: Effect.Effect<DriverConnection, ConnectError, Scope.Scope>,
  run: (effect: Effect.Effect<void>) => void
): ((threadId: number) => void) => {
  let waiting: Array<number> = []
  let running = false
  const killAll = (connection: DriverConnection): Effect.Effect<void> =>
    Effect.suspend(() => {
      const threadId = waiting.pop()
      if (threadId === undefined) return Effect.void
      // It may have ended by itself: "no such thread" is as good as killed.
      const request: Request = {
        sql: `KILL ${threadId}`,
        parameters: [],
        values: defaultValueOptions,
        timeout: 0,
        before: [],
        shared: false
      }
      return Effect.zipRight(Effect.ignore(connection.execute(request)), killAll(connection))
    })
  const start = (): void => {
    running = true
    run(control)
  }
  const control = Effect.scoped(Effect.flatMap(connectControl, killAll)).pipe(
    Effect.timeout(killTimeout),
    Effect.catchAll((error) => {
      waiting = []
      return Effect.logWarning(`interrupted statements could not be killed on the server: ${error.message}`)
    }),
    Effect.ensuring(
      Effect.sync(() => {
        running = false
        // What came while the control connection said goodbye has another.
        if (waiting.length > 0) start()
      })
    )
  )
  return (threadId) => {
    waiting.push(threadId)
    if (!running) start()
  }
}

class MysqlConnection implements DriverConnection {
  readonly id: string
  readonly server: ServerInfo
  readonly hasLimit: boolean
  private readonly attached: Attached
  private readonly conversation: Conversation
  private readonly statements = new Map<string, PreparedStatement>()
  private readonly executor: ExecuteMany.Executor
  private knownLimits: ExecuteMany.SessionLimits | undefined
  private uses = 0
  /** The server's changes that the prepared statements know of. */
  private seenChanges = 0
  /** Statements under way that are not shared. */
  private retired = false
  private exclusive = 0
  private destroyed = false
  /** A statement is under way that others came behind without waiting for its answer. */
  private isAhead = false
  /** One of those was interrupted: the connection ends as soon as the one ahead is answered. */
  private doomed = false

  constructor(
    private readonly loggedIn: LoggedIn,
    private readonly settings: MysqlSettings,
    shapes: Shapes,
    private readonly kill: (threadId: number) => void
  ) {
    this.id = String(loggedIn.threadId)
    this.server = loggedIn.server
    this.hasLimit = settings.statementTimeout > 0
    this.attached = attach(loggedIn.socket, loggedIn.receive, {
      deprecateEof: loggedIn.deprecateEof,
      extendedMetadata: loggedIn.extendedMetadata,
      cachesMetadata: loggedIn.cachesMetadata,
      shapes,
      classify: (err: Err, statement) => classify(err, loggedIn.server.product, statement)
    })
    this.conversation = this.attached.conversation
    this.executor = {
      dialect: settings.dialect,
      hasBulk: loggedIn.hasBulk,
      execute: (request, encoded) => this.execute(request, encoded),
      inTransaction: () => this.status().inTransaction,
      destroy: () => this.destroy()
    }
  }

  status(): SessionStatus {
    const { status, changed } = this.conversation
    return {
      inTransaction: (status & Status.IN_TRANS) !== 0,
      autocommit: (status & Status.AUTOCOMMIT) !== 0,
      changed,
      noBackslashEscapes: (status & Status.NO_BACKSLASH_ESCAPES) !== 0
    }
  }

  waitingFor(): number {
    return this.conversation.outstanding === 0 ? 0 : performance.now() - this.conversation.headSince
  }

  lastAnswerAt(): number {
    return this.conversation.headSince
  }

  isBusy(): boolean {
    return this.exclusive > 0
  }

  closed(): "lost" | "destroyed" | undefined {
    if (this.destroyed || this.doomed) return "destroyed"
    return this.conversation.failure === undefined ? undefined : "lost"
  }

  destroy(why = "the connection was closed"): void {
    if (this.conversation.failure === undefined) this.destroyed = true
    this.conversation.fail(new OperationalError({ reason: "ConnectionLost", message: why }))
    this.attached.destroy()
  }

  /** Says goodbye and waits a moment for the server's; a server that does not answer is left. */
  get quit(): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.closed() !== undefined) {
        this.attached.destroy()
        return resume(Effect.void)
      }
      this.conversation.tell(Commands.simple(Command.QUIT))
      const timer = setTimeout(() => this.destroy(), quitTimeout)
      this.attached.end(() => {
        clearTimeout(timer)
        resume(Effect.void)
      })
    })
  }

  /** Ends a connection in the middle of a statement, on both sides, but not before what is ahead of the others is answered. */
  private abandon(why?: string): void {
    if (this.destroyed || this.conversation.failure !== undefined) return
    this.doomed = true
    if (this.isAhead) return
    this.destroy(why)
    this.kill(this.loggedIn.threadId)
  }

  // ---- session ------------------------------------------------------------------------------------------------------

  setUp(timeout: number): Effect.Effect<void, DriverError> {
    return this.setSession([], timeout)
  }

  ping(timeout: number): Effect.Effect<void, DriverError> {
    return Effect.asVoid(this.command([{ packet: Commands.simple(Command.PING) }], timeout))
  }

  /** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_init_db.html */
  selectDatabase(name: string, timeout: number): Effect.Effect<void, DriverError> {
    return Effect.asVoid(this.command([{ packet: Commands.simple(Command.INIT_DB, name) }], timeout))
  }

  /** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_reset_connection.html */
  reset(timeout: number): Effect.Effect<void, DriverError> {
    return Effect.suspend(() => {
      this.statements.clear()
      this.knownLimits = undefined
      const { database } = this.settings
      // The server keeps the default database over a reset; there is no way back to having none.
      if (this.conversation.schemaChanged && database === undefined) {
        return Effect.fail(new OperationalError({ reason: "Other", message: "the default database cannot be unset" }))
      }
      const before = [
        { packet: Commands.simple(Command.RESET_CONNECTION) },
        ...(this.conversation.schemaChanged && database !== undefined
          ? [{ packet: Commands.simple(Command.INIT_DB, database) }]
          : [])
      ]
      return this.setSession(before, timeout)
    })
  }

  /** Makes the session what the options say, on one way to the server with what comes before. */
  private setSession(before: ReadonlyArray<Step>, timeout: number): Effect.Effect<void, DriverError> {
    const { session } = this.settings
    const steps = Session.setup(session).map((sql) => ({ packet: Commands.simple(Command.QUERY, sql), sql }))
    return Effect.flatMap(this.command([...before, ...steps], timeout), (last) => {
      this.conversation.forgetChanges()
      if (session.initCommands.length === 0) return Effect.void
      const changed = [
        ...Session.changed(last?.rows[0] ?? [], session.manner),
        ...(this.status().inTransaction ? ["the transaction, which is open"] : [])
      ]
      return changed.length === 0 ? Effect.void : Effect.fail(initCommandError(session.initCommands, changed))
    })
  }

  /** Commands in one write; the last one's result. Fails with the first error. */
  private command(steps: ReadonlyArray<Step>, timeout: number): Effect.Effect<DriverResult | undefined, DriverError> {
    return this.answered(timeout, (done) => {
      let left = steps.length
      let failed: DriverError | undefined
      for (const { packet, sql } of steps) {
        const settle = (exchange: Exchange): void => {
          failed ??= exchange.error
          if (--left === 0) done(failed === undefined ? Effect.succeed(exchange.first) : Effect.fail(failed))
        }
        const kind = sql === undefined ? "simple" : "text"
        this.conversation.begin(new Exchange(kind, sql, undefined, defaultValueOptions, settle), packet)
      }
    })
  }

  /** An effect that is interrupted, or out of time, by ending the connection on both sides. */
  private answered<A>(
    timeout: number,
    begin: (done: (answer: Effect.Effect<A, DriverError>) => void) => void,
    shared = false
  ): Effect.Effect<A, DriverError> {
    return Effect.async<A, DriverError>((resume) => {
      if (timeout === 0 || timeout > longestTimer) {
        begin(resume)
      } else {
        const timer = setTimeout(() => {
          resume(Effect.fail(tooLate(timeout)))
          this.abandon()
        }, timeout)
        begin((answer) => {
          clearTimeout(timer)
          resume(answer)
        })
      }
      return Effect.sync(shared ? this.leaveShared : this.leave)
    })
  }

  /** For the sake of who shares the connection: a moment for the answer that nobody wants any more. */
  private abandonUnlessAnswered(): void {
    const { answered, outstanding } = this.conversation
    setTimeout(() => {
      if (this.conversation.answered < answered + outstanding) this.abandon()
    }, disownedTimeout)
  }

  // ---- statements ---------------------------------------------------------------------------------------------------

  execute(request: Request, encoded?: ExecuteMany.Encoded): Effect.Effect<DriverResult, DriverError> {
    const limit = this.limitOf(request)
    if (limit > 0)
      return StatementTimeout.within(request, limit, this.server.product, (within) => this.execute(within, encoded))
    if (request.data !== undefined) return this.load(request, request.data)
    const { ahead } = request
    if (ahead !== undefined) return Effect.async((resume) => Effect.sync(this.startAhead(request, ahead, resume)))
    return this.answered(request.timeout, (done) => this.startNow(request, done, encoded), request.shared)
  }

  /** See `Driver.executeIn`. */
  readonly start: Start = (request, done) => {
    const { ahead, data, shared, timeout } = request
    if (data !== undefined || this.limitOf(request) > 0) return undefined
    if (ahead !== undefined) return this.startAhead(request, ahead, done)
    if (timeout > 0) return undefined
    this.startNow(request, done)
    return shared ? this.leaveShared : this.leave
  }

  private readonly leave = (): void => this.abandon()
  private readonly leaveShared = (): void => this.abandonUnlessAnswered()

  private startNow(
    request: Request,
    done: (answer: Effect.Effect<DriverResult, DriverError>) => void,
    encoded?: ExecuteMany.Encoded
  ): void {
    const answered = (exchange: Exchange | undefined, error: DriverError | undefined): void => {
      if (!request.shared) this.exclusive--
      if (error !== undefined) return done(Effect.fail(withoutParameters(this.seen(error), request.parameters)))
      const result = exchange?.first ?? emptyResult
      done(exchange?.last?.warningCount ? this.heeded(request, result) : Effect.succeed(result))
    }
    if (request.shared) return this.run(request, undefined, answered, encoded)
    this.exclusive++
    this.attached.atOnce(() => this.run(request, undefined, answered, encoded))
  }

  /** Begins what others come behind: it goes out with what they send in this turn of the event loop. */
  private startAhead(
    request: Request,
    ahead: Ahead,
    done: (answer: Effect.Effect<DriverResult, DriverError>) => void
  ): () => void {
    const { timeout } = request
    let isOver = false
    const end = (answer: Effect.Effect<DriverResult, DriverError> | undefined, why?: string): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      this.isAhead = false
      const hasWorked = answer !== undefined && why === undefined
      if (!hasWorked || this.doomed) this.abandon(why)
      ahead.answered(hasWorked)
      if (answer !== undefined) done(answer)
    }
    const timer =
      timeout === 0 || timeout > longestTimer
        ? undefined
        : setTimeout(() => end(Effect.fail(tooLate(timeout)), failedAhead), timeout)
    this.isAhead = true
    this.attached.together(() =>
      this.run(request, undefined, (exchange, error) =>
        error === undefined
          ? end(Effect.succeed(exchange?.first ?? emptyResult))
          : end(Effect.fail(this.seen(error)), failedAhead)
      )
    )
    if (!isOver) ahead.sent()
    return () => end(undefined)
  }

  get warnings(): Effect.Effect<ReadonlyArray<Warning>, DriverError> {
    return Effect.map(this.showWarnings(undefined), (found) => found.map(({ warning }) => warning))
  }

  private showWarnings(request: Request | undefined): Effect.Effect<ReadonlyArray<Warnings.Found>, DriverError> {
    return Effect.map(this.execute(showWarnings), ({ rows }) =>
      rows.map((row) => Warnings.warningOf(row, this.server.product, request))
    )
  }

  /** Does with the warnings of a statement what is to be done with warnings. Those of SHOW WARNINGS are the statement's. */
  private heeded(request: Request, result: DriverResult): Effect.Effect<DriverResult, DriverError> {
    const policy = this.settings.warnings
    const { sql, shared } = request
    if (policy === "ignore" || request === showWarnings) return Effect.succeed(result)
    if (shared) return Effect.as(Warnings.heedNumber(result.warningCount, sql), result)
    return this.showWarnings(request).pipe(
      Effect.mapError(Warnings.unheard),
      Effect.flatMap((found) => Warnings.heed(policy, found, sql)),
      Effect.as(result)
    )
  }

  stream(request: Request): Effect.Effect<RowStream, DriverError> {
    const limit = this.limitOf(request)
    if (limit > 0) return StatementTimeout.within(request, limit, this.server.product, (within) => this.stream(within))
    if (request.data !== undefined) return Effect.map(this.load(request, request.data), streamOf)
    return this.answered(request.timeout, (done) => {
      const begun = (exchange: Exchange): void => {
        // What failed before it had columns is reported when it settles.
        if (exchange.shape !== undefined || (exchange.endedSets > 0 && exchange.error === undefined))
          done(Effect.succeed(new MysqlRowStream(exchange, this.conversation, 0, () => this.abandon())))
      }
      this.run(request, begun, (_, error) => {
        if (error !== undefined) done(Effect.fail(withoutParameters(this.seen(error), request.parameters)))
      })
    })
  }

  /** Notes what an error says of the connection. */
  private seen(error: DriverError): DriverError {
    if (error._tag !== "OperationalError") return error
    // A packet that is too long is answered with an error, and then the server closes: it reads nothing more.
    if (error.errno === 1153) this.destroy()
    // The server takes no writes any more, or its sessions do not; in a transaction of the program that is the program's.
    if (error.reason === "ReadOnly" && (error.errno !== 1792 || !this.status().inTransaction)) this.retired = true
    return error
  }

  isRetired(): boolean {
    return this.retired
  }

  executeMany(request: ManyRequest): Effect.Effect<DriverResult, DriverError> {
    const limit = this.limitOf(request)
    if (limit > 0) return StatementTimeout.all(request, limit, this.executeMany({ ...request, stopAfter: 0 }))
    return Effect.mapError(
      this.fixesVariables(request.sql)
        ? executeEach((each) => this.execute(each), request)
        : ExecuteMany.executeMany(this.executor, request, this.limits),
      (error) => withoutParameters(error, request.sets.flat())
    )
  }

  /** How long a statement may take, in milliseconds; 0 is no limit. What has a time already is not a program's statement. */
  private limitOf({ stopAfter, timeout }: Pick<Request, "stopAfter" | "timeout">): number {
    const limit = timeout === 0 ? (stopAfter ?? this.settings.statementTimeout) : 0
    return limit > longestTimer ? 0 : limit
  }

  /** What the session allows. It is asked for once, and again while something in the session may have changed. */
  private get limits(): Effect.Effect<ExecuteMany.SessionLimits, DriverError> {
    return Effect.suspend(() => {
      if (this.knownLimits !== undefined && !this.conversation.changed) return Effect.succeed(this.knownLimits)
      return Effect.tap(ExecuteMany.readLimits(this.executor), (limits) =>
        Effect.sync(() => {
          this.knownLimits = limits
        })
      )
    })
  }

  private load(request: Request, data: LocalData): Effect.Effect<DriverResult, DriverError> {
    if (!this.settings.localInfile) return Effect.fail(LoadData.isOff(request.sql))
    const { before, timeout } = request
    const prepared = Effect.forEach(
      before,
      (sql) => this.execute({ ...request, sql, parameters: [], before: [], data: undefined }),
      { discard: true }
    )
    const loaded = Effect.suspend(() =>
      LoadData.load(this.attached, request, this.inlined(request), data, {
        begun: () => this.exclusive++,
        settled: () => this.exclusive--,
        abandoned: () => this.abandon()
      })
    )
    const all = Effect.zipRight(prepared, loaded)
    return timeout === 0 ? all : Effect.timeoutFail(all, { duration: timeout, onTimeout: () => tooLate(timeout) })
  }

  /**
   * Sends a statement, prepared where it has parameters or returns rows of tables. Those rows come in the binary protocol,
   * because the text protocol rounds FLOAT to six digits.
   */
  private run(
    request: Request,
    begun: ((exchange: Exchange) => void) | undefined,
    done: (exchange: Exchange | undefined, error: DriverError | undefined) => void,
    encoded?: ExecuteMany.Encoded
  ): void {
    const { sql, parameters, before } = request
    if (before.length > 0) return this.runAfter(request, begun, done)
    if (encoded !== undefined) return this.runEncoded(request, encoded, done)
    if (this.settings.multiStatements && hasSeveral(sql, this.settings.dialect))
      return this.runInlined(request, begun, done)
    if (parameters.length === 0 && !returnsRows(sql)) return this.runText(sql, request, begun, done)
    this.forgetOutdated()
    const key = this.statementKey(sql, parameters)
    const isForOnce = !request.shared && (Commands.hasLong(parameters) || this.fixesVariables(sql))
    const known = isForOnce ? undefined : this.statements.get(key)
    if (known !== undefined) return this.runPrepared(known, request, begun, done, true)
    this.prepare(key, sql, (statement, error) => {
      if (statement !== undefined && isForOnce) return this.runOnce(statement, request, begun, done)
      if (statement !== undefined) {
        this.remember(statement)
        return this.runPrepared(statement, request, begun, done, false)
      }
      // 1295: not a statement that can be prepared. 1461: the server holds all the prepared statements it may.
      if (error?._tag === "InterfaceError" || (error?.errno !== 1295 && error?.errno !== 1461))
        return done(undefined, error)
      this.runInlined(request, begun, done)
    })
  }

  /** Sends a statement with literals in place of its markers. */
  private runInlined(
    request: Request,
    begun: ((exchange: Exchange) => void) | undefined,
    done: (exchange: Exchange | undefined, error: DriverError | undefined) => void
  ): void {
    this.runText(this.inlined(request), request, begun, (exchange, failure) =>
      done(exchange, failure === undefined || request.parameters.length === 0 ? failure : withoutLiterals(failure))
    )
  }

  /** The statement with literals in place of its markers, as the session reads them now. */
  private inlined({ sql, parameters }: Request): string {
    return this.settings.dialect.inline(sql, parameters, this.status().noBackslashEscapes !== true)
  }

  /** Sends a statement by a command that is made for it. */
  private runEncoded(
    request: Request,
    encoded: ExecuteMany.Encoded,
    done: (exchange: Exchange | undefined, error: DriverError | undefined) => void
  ): void {
    const { text, types, encode } = encoded
    const key = this.server.product === "MySQL" ? `${types},${text}` : text
    const run = (statement: PreparedStatement, mayPrepareAgain: boolean): void => {
      statement.lastUse = ++this.uses
      const exchange = new Exchange("binary", request.sql, statement, request.values, (settled) => {
        if (!mayPrepareAgain || !isToBePreparedAgain(settled.error)) return done(settled, settled.error)
        this.forget(statement)
        this.runEncoded(request, encoded, done)
      })
      this.begin(exchange, undefined, encode(statement.id))
    }
    this.forgetOutdated()
    const known = this.statements.get(key)
    if (known !== undefined) return run(known, true)
    const prepared = (statement: PreparedStatement | undefined, error: DriverError | undefined): void => {
      if (statement === undefined) return done(undefined, error)
      this.remember(statement)
      run(statement, false)
    }
    this.prepare(key, text, prepared, request.sql)
  }

  /** Sends the statements that come before, and then the statement, without waiting for their answers. */
  private runAfter(
    request: Request,
    begun: ((exchange: Exchange) => void) | undefined,
    done: (exchange: Exchange | undefined, error: DriverError | undefined) => void
  ): void {
    let failed: DriverError | undefined
    for (const sql of request.before) {
      const exchange = new Exchange("simple", sql, undefined, undefined, (settled) => {
        failed ??= settled.error
      })
      exchange.isOwn = Session.isOwn(sql)
      this.conversation.begin(exchange, Commands.simple(Command.QUERY, sql))
    }
    const begunUnlessFailed =
      begun === undefined
        ? undefined
        : (exchange: Exchange): void => {
            if (failed === undefined) begun(exchange)
            else this.conversation.discard(exchange, drainBudget)
          }
    this.run({ ...request, before: [] }, begunUnlessFailed, (exchange, error) => done(exchange, failed ?? error))
  }

  private statementKey(sql: string, parameters: ReadonlyArray<BoundValue>): string {
    return this.server.product === "MySQL" && parameters.length > 0 ? `${Commands.typeKey(parameters)}${sql}` : sql
  }

  /** `text` is what is sent: the statement itself, or the statement with literals in place of its markers. */
  private runText(
    text: string,
    request: Request,
    begun: ((exchange: Exchange) => void) | undefined,
    done: (exchange: Exchange | undefined, error: DriverError | undefined) => void
  ): void {
    const exchange = new Exchange("text", request.sql, undefined, request.values, (settled) =>
      done(settled, settled.error)
    )
    exchange.isOwn = Session.isOwn(text)
    this.begin(exchange, begun, Commands.simple(Command.QUERY, text), request.setBySet)
  }

  private runPrepared(
    statement: PreparedStatement,
    request: Request,
    begun: ((exchange: Exchange) => void) | undefined,
    done: (exchange: Exchange | undefined, error: DriverError | undefined) => void,
    mayPrepareAgain: boolean
  ): void {
    statement.lastUse = ++this.uses
    const exchange = new Exchange("binary", request.sql, statement, request.values, (settled) => {
      if (!mayPrepareAgain || !isToBePreparedAgain(settled.error)) return done(settled, settled.error)
      this.forget(statement)
      this.run(request, begun, done)
    })
    this.begin(
      exchange,
      begun,
      Commands.execute(statement.id, request.parameters, true, statement.doubles),
      request.setBySet
    )
  }

  /**
   * Executes a statement that is for this execution only. Its long parameters go ahead in pieces, no faster than the socket
   * takes them: no packet has to hold them all. What was sent ahead belongs to whoever executes next.
   */
  private runOnce(
    statement: PreparedStatement,
    { sql, parameters, values, setBySet }: Request,
    begun: ((exchange: Exchange) => void) | undefined,
    done: (exchange: Exchange | undefined, error: DriverError | undefined) => void
  ): void {
    const { conversation } = this
    const pieces = Commands.sendLong(statement.id, parameters)
    const send = (): void => {
      const piece = conversation.failure === undefined ? pieces.next().value : undefined
      if (piece !== undefined) {
        conversation.tell(piece)
        return this.attached.drain(send)
      }
      const exchange = new Exchange("binary", sql, statement, values, (settled) => {
        conversation.tell(Commands.closeStatement(statement.id))
        done(settled, settled.error)
      })
      this.begin(exchange, begun, Commands.execute(statement.id, parameters, false, statement.doubles), setBySet)
    }
    send()
  }

  private begin(
    exchange: Exchange,
    begun: ((exchange: Exchange) => void) | undefined,
    packet: Buffer,
    setBySet = false
  ): void {
    if (begun !== undefined) {
      exchange.streaming = true
      exchange.setBySet = setBySet
      exchange.onRows = () => begun(exchange)
    }
    this.conversation.begin(exchange, packet)
  }

  private prepare(
    key: string,
    sql: string,
    done: (statement: PreparedStatement | undefined, error: DriverError | undefined) => void,
    /** The program's statement, for errors. */
    asked = sql
  ): void {
    const exchange = new Exchange("prepare", asked, undefined, undefined, (settled) => {
      if (settled.error !== undefined || settled.prepared === undefined) {
        // 1461: a statement of this connection that is closed makes room for another.
        return settled.error?.errno === 1461 && this.forgetOldest()
          ? this.prepare(key, sql, done, asked)
          : done(undefined, settled.error)
      }
      const statement: PreparedStatement = {
        key,
        id: settled.prepared.id,
        lastUse: 0,
        shape: undefined,
        columns: settled.columns,
        doubles: exchange.parameterTypes?.map((type) => !integers.has(type))
      }
      done(statement, undefined)
    })
    if (this.settings.session.manner === "mysql2") exchange.parameterTypes = []
    this.conversation.begin(exchange, Commands.simple(Command.STMT_PREPARE, sql))
  }

  /** Keeps a statement, and closes the one that was not used for longest where there are too many. */
  private remember(statement: PreparedStatement): void {
    const before = this.statements.get(statement.key)
    if (before !== undefined) this.forget(before)
    if (this.statements.size >= this.settings.statementCacheSize) this.forgetOldest()
    this.statements.set(statement.key, statement)
  }

  /** A prepared statement keeps the default database and the modes of the session that it was prepared in. */
  private forgetOutdated(): void {
    if (this.seenChanges === this.conversation.changes) return
    this.seenChanges = this.conversation.changes
    for (const statement of this.statements.values()) this.forget(statement)
  }

  /** With MySQL a prepared statement keeps the types that user variables had: another value is cut to fit, silently. */
  private fixesVariables(sql: string): boolean {
    return this.server.product === "MySQL" && sql.includes("@") && userVariable.test(sql)
  }

  /** Closes the statement that was not used for longest, if there is any. */
  private forgetOldest(): boolean {
    let oldest: PreparedStatement | undefined
    for (const kept of this.statements.values()) {
      if (oldest === undefined || kept.lastUse < oldest.lastUse) oldest = kept
    }
    if (oldest !== undefined) this.forget(oldest)
    return oldest !== undefined
  }

  private forget(statement: PreparedStatement): void {
    this.statements.delete(statement.key)
    this.conversation.tell(Commands.closeStatement(statement.id))
  }
}

/** A stream's rows, as the conversation reads them: those of one result set. */
class MysqlRowStream implements RowStream {
  readonly columns: ReadonlyArray<Column>
  private known: ResultSetEnd | undefined
  /** The result sets after this one are read. */
  private isOver = false

  constructor(
    private readonly exchange: Exchange,
    private readonly conversation: Conversation,
    /** Which result set of the answer it is, from 0. */
    private readonly place: number,
    private readonly abandon: () => void
  ) {
    this.columns = exchange.shape?.columns ?? []
  }

  end(): ResultSetEnd | undefined {
    const { endedSets, finished, last } = this.exchange
    if (this.known === undefined && last !== undefined && endedSets === this.place + 1)
      this.known = { ...last, hasNext: !finished }
    return this.known
  }

  get pull(): RowStream["pull"] {
    return Effect.async((resume) => {
      const take = (): void => {
        const { exchange } = this
        if (this.isOver) {
          resume(Effect.succeed(undefined))
        } else if (exchange.rows.length > 0) {
          const rows = this.conversation.take(exchange)
          // The next rows are read while these are worked on.
          resume(Effect.succeed(rows))
          this.conversation.readOn()
        } else if (exchange.error !== undefined) {
          resume(Effect.fail(exchange.error))
        } else if (exchange.finished || exchange.isBetween) {
          resume(Effect.succeed(undefined))
        } else this.wait(take)
      }
      take()
      return this.giveUp
    })
  }

  get next(): RowStream["next"] {
    return Effect.async((resume) => {
      const { exchange, conversation } = this
      const enter = (): void => {
        if (exchange.shape !== undefined || (exchange.endedSets > this.place + 1 && exchange.error === undefined))
          resume(Effect.succeed(new MysqlRowStream(exchange, conversation, this.place + 1, this.abandon)))
        else if (exchange.error !== undefined) resume(Effect.fail(exchange.error))
        else this.wait(enter)
      }
      const leave = (): void => {
        if (exchange.error !== undefined) return resume(Effect.fail(exchange.error))
        if (!exchange.finished && !exchange.isBetween) return this.wait(leave)
        this.end()
        this.isOver = true
        if (exchange.finished) return resume(Effect.succeed(undefined))
        conversation.enterNextSet(exchange)
        enter()
      }
      if (this.isOver) return resume(Effect.succeed(undefined))
      if (!exchange.finished && !exchange.isBetween) conversation.skipSet(exchange)
      leave()
      return this.giveUp
    })
  }

  /** Calls back when there are rows, or the result set or the answer is over, or the next one has begun. */
  private wait(then: () => void): void {
    this.exchange.onRows = then
    this.conversation.readOn()
  }

  private get giveUp(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.exchange.onRows = undefined
      this.abandon()
    })
  }

  get close(): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      if (this.exchange.finished) return resume(Effect.void)
      // A transaction is worth more than the time to read the rest of its stream.
      const keep = (this.conversation.status & Status.IN_TRANS) !== 0
      const timer = keep ? undefined : setTimeout(this.abandon, drainTimeout)
      this.exchange.onRows = () => {
        clearTimeout(timer)
        resume(Effect.void)
      }
      this.conversation.discard(this.exchange, keep ? Number.POSITIVE_INFINITY : drainBudget)
    })
  }
}

/** Types of parameters for which mysql2 sends whole numbers as integers, and doubles for others. */
const integers: ReadonlySet<number> = new Set([FieldType.TINY, FieldType.SHORT, FieldType.LONG, FieldType.LONGLONG])

/** 1243: the server does not know the statement. 1615: a table changed too much under it. Neither has executed anything. */
const isToBePreparedAgain = (error: DriverError | undefined): boolean =>
  error !== undefined && error._tag !== "InterfaceError" && (error.errno === 1243 || error.errno === 1615)

const initCommandError = (commands: ReadonlyArray<string>, changed: ReadonlyArray<string>): ProgrammingError =>
  new ProgrammingError({
    reason: "Other",
    message: `initCommand must leave as it was: ${changed.join(", ")}`,
    statement: commands.join("; ")
  })

const showWarnings: Request = {
  sql: "SHOW WARNINGS",
  parameters: [],
  values: defaultValueOptions,
  timeout: 0,
  before: [],
  shared: false
}

/** What those hear who came behind it. */
const failedAhead = "the COMMIT before it on this connection failed, and took it along"

/** What a timer can hold, 24 days; for more than that it would be over at once. */
const longestTimer = 2 ** 31 - 1

const tooLate = (timeout: number): OperationalError =>
  new OperationalError({ reason: "StatementTimeout", message: `no answer within ${timeout} ms` })

/** Whether a text has more than one statement, which no server prepares. */
const hasSeveral = (sql: string, { lexicon }: Dialect): boolean => {
  if (!sql.includes(";")) return false
  const lexed = tokens(sql, lexicon).filter((token) => token.kind !== "comment")
  const first = lexed.findIndex((token) => sql[token.start] === ";")
  return first >= 0 && lexed.slice(first).some((token) => sql[token.start] !== ";")
}

/** `@name`, and not `@@name`. It may stand in a string as well. */
const userVariable = /(?<!@)@(?!@)/

const leading = String.raw`(?:[\s(]|/\*(?!!|M!)[\s\S]*?\*/|--\s[^\n]*\n|#[^\n]*\n)*`
const reading = new RegExp(`^${leading}${StatementTimeout.limit}(?:select|with|values|table|call)\\b`, "i")
const returning = new RegExp(
  `^${leading}${StatementTimeout.limit}(?:insert|replace|delete)\\b[\\s\\S]*\\breturning\\b`,
  "i"
)

/** Whether a statement is of a kind that answers with rows of tables, and can be prepared. */
const returnsRows = (sql: string): boolean => reading.test(sql) || returning.test(sql)

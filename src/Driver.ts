/**
 * The contract between effect-sa and what speaks to a database: a driver opens connections, and a connection executes
 * statements, one at a time or pipelined, and says what state its session is in.
 *
 * @since 0.1.0
 */
import { Cause, Effect, type Scope, type Stream } from "effect"
import { atParameterSet, type ConnectError, type DriverError } from "./Errors.js"
import type { Ending, Restore } from "./Turn.js"
import type { BoundValue, Column, ValueOptions } from "./Value.js"

/**
 * The database behind a connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerInfo {
  readonly product: "MySQL" | "MariaDB" | "SQLite"
  /** As the server says it: `10.11.19-MariaDB-0+deb12u1`. */
  readonly version: string
}

/**
 * What a session is in the middle of, as the last answer of the database said.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionStatus {
  readonly inTransaction: boolean
  readonly autocommit: boolean
  /** The database said that a variable, the default database or a temporary table changed, since the last reset. */
  readonly changed: boolean
  /** A backslash in a string of the session's statements is just that (NO_BACKSLASH_ESCAPES). */
  readonly noBackslashEscapes?: boolean | undefined
}

/**
 * Data that a statement loads from this side (LOAD DATA LOCAL). It is sent only to a server that asks for just this name,
 * while that statement runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface LocalData {
  readonly name: string
  readonly stream: Stream.Stream<Uint8Array | string, unknown>
}

/**
 * Who is told of a statement that others come behind: that it was sent, so that they may send too, and, before any of theirs is
 * answered, that it was answered, or will not be. The driver calls each once, outside of any effect.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ahead {
  readonly sent: () => void
  readonly answered: (hasWorked: boolean) => void
}

/**
 * A statement as drivers take it: SQL with a `?` for each parameter.
 *
 * @since 0.1.0
 * @category models
 */
export interface Request {
  readonly sql: string
  readonly parameters: ReadonlyArray<BoundValue>
  readonly values: ValueOptions
  /** Milliseconds until the driver gives the connection up and fails with `StatementTimeout`; 0 is never. */
  readonly timeout: number
  /**
   * Milliseconds after which the database is to stop the statement, which then fails with `StatementTimeout`; 0 is never.
   * Undefined is as the driver was made. A driver that cannot do that refuses the request.
   */
  readonly stopAfter?: number | undefined
  /**
   * Statements to execute before it, such as BEGIN, on one way to the server. When one fails, so does the request, and
   * nobody may rely on the statement having been executed, or not.
   */
  readonly before: ReadonlyArray<string>
  /**
   * Others may have statements on the connection at the same time. When this one is interrupted its answer is awaited a
   * moment longer, for their sake, and the connection is closed only if it does not come.
   */
  readonly shared: boolean
  /**
   * Others come behind it on the connection, without waiting for its answer. It goes out together with them. Whatever becomes of
   * them its answer is awaited; when it fails the connection is closed, and they fail with it.
   */
  readonly ahead?: Ahead | undefined
  /** What the statement loads from this side; a driver that cannot do that refuses the request. */
  readonly data?: LocalData | undefined
  /** A stream stops at the end of each result set, for `RowStream.next`. Without it those after the first are passed over. */
  readonly setBySet?: boolean | undefined
}

/**
 * A statement to execute once for each of several sets of parameters, in order. Drivers may do that in fewer statements,
 * where nobody can tell the difference but by the time it takes and by what a failure undoes.
 *
 * @since 0.1.0
 * @category models
 */
export interface ManyRequest extends Pick<Request, "sql" | "values" | "timeout" | "before" | "stopAfter"> {
  readonly sets: ReadonlyArray<ReadonlyArray<BoundValue>>
}

/**
 * A statement's whole answer. `columns` is undefined where the statement returns no rows; results of one shape share one
 * `columns` array, so that what is made for a shape can be kept.
 *
 * @since 0.1.0
 * @category models
 */
export interface DriverResult {
  readonly columns: ReadonlyArray<Column> | undefined
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
  /** Rows matched by an UPDATE, and inserted or deleted by others. */
  readonly affectedRows: number
  /** Rows that an UPDATE made different, where the database says. */
  readonly changedRows: number | undefined
  /** The first id that an AUTO_INCREMENT column got, exactly. */
  readonly lastInsertId: number | bigint | undefined
  readonly warningCount: number
  /** The one row has the values of a procedure's OUT and INOUT parameters, under their names. */
  readonly isOutParameters?: boolean | undefined
  /** What the server says of it in words, such as how many rows it matched. */
  readonly info?: string | undefined
  /** The server's status flags at its end, as a number. */
  readonly serverStatus?: number | undefined
  /** Milliseconds between the statement's turn and its answer, as seen from here. */
  readonly elapsed: number
  /** The result set after this one, of a statement that has several. */
  readonly next: DriverResult | undefined
}

/**
 * The answer of what executed nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const emptyResult: DriverResult = {
  columns: undefined,
  rows: [],
  affectedRows: 0,
  changedRows: 0,
  lastInsertId: undefined,
  warningCount: 0,
  elapsed: 0,
  next: undefined
}

/**
 * The results of one statement for several sets of parameters as one: rows one after the other, numbers added up, and the
 * id that was generated first.
 *
 * @since 0.1.0
 * @category combining
 */
export const sumOfResults = (results: ReadonlyArray<DriverResult>): DriverResult => {
  const last = results.at(-1)
  if (last === undefined) return emptyResult
  const sum = (of: (result: DriverResult) => number): number => results.reduce((total, result) => total + of(result), 0)
  return {
    columns: last.columns,
    rows: results.flatMap(({ rows }) => rows),
    affectedRows: sum(({ affectedRows }) => affectedRows),
    changedRows: results.some(({ changedRows }) => changedRows === undefined)
      ? undefined
      : sum(({ changedRows = 0 }) => changedRows),
    lastInsertId: results.find(({ lastInsertId }) => lastInsertId !== undefined)?.lastInsertId,
    warningCount: sum(({ warningCount }) => warningCount),
    elapsed: sum(({ elapsed }) => elapsed),
    next: undefined
  }
}

/**
 * Executes a statement once for each set of parameters, in order, and fails with what the first one to fail failed with.
 *
 * @since 0.1.0
 * @category combining
 */
export const executeEach = (
  execute: (request: Request) => Effect.Effect<DriverResult, DriverError>,
  { sql, sets, values, timeout, before }: ManyRequest
): Effect.Effect<DriverResult, DriverError> =>
  Effect.map(
    Effect.forEach(sets, (parameters, i) =>
      Effect.mapError(
        execute({ sql, parameters, values, timeout, before: i === 0 ? before : [], shared: false }),
        (error) => atParameterSet(error, i)
      )
    ),
    sumOfResults
  )

/**
 * What a database says of a result set at its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResultSetEnd
  extends Pick<DriverResult, "affectedRows" | "changedRows" | "lastInsertId" | "warningCount" | "isOutParameters"> {
  /** Another result set follows. */
  readonly hasNext: boolean
}

/**
 * The rows of a statement as they come, read no faster than they are pulled: of its first result set, or of one that
 * `next` has given.
 *
 * @since 0.1.0
 * @category models
 */
export interface RowStream {
  /** None where the statement returns no rows. */
  readonly columns: ReadonlyArray<Column>
  /** The next rows, at least one; undefined after the last. Interruption makes the connection unusable. */
  readonly pull: Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>> | undefined, DriverError>
  /** What came with the end of the result set; undefined as long as that was not read. */
  readonly end: () => ResultSetEnd | undefined
  /**
   * Goes to the next result set, of a request that is `setBySet`, past what was not pulled of this one; undefined after the
   * last. This one gives no more rows then, and closing any of them closes all. Interruption makes the connection unusable.
   */
  readonly next: Effect.Effect<RowStream | undefined, DriverError>
  /** Ends the stream where it is. The connection is usable after it, or closed, whichever is cheaper. It may be called twice. */
  readonly close: Effect.Effect<void>
}

/**
 * A result that is there, as a stream: for statements whose answer comes at once, whole.
 *
 * @since 0.1.0
 * @category constructors
 */
export const streamOf = (result: DriverResult): RowStream => {
  const { columns = [], next } = result
  let rows: ReadonlyArray<ReadonlyArray<unknown>> | undefined = result.rows.length === 0 ? undefined : result.rows
  const taken = (): ReadonlyArray<ReadonlyArray<unknown>> | undefined => {
    const taken = rows
    rows = undefined
    return taken
  }
  return {
    columns,
    pull: Effect.sync(taken),
    end: () => ({ ...result, hasNext: next !== undefined }),
    next: Effect.sync(() => {
      taken()
      return next === undefined ? undefined : streamOf(next)
    }),
    close: Effect.sync(taken)
  }
}

/**
 * A warning about a statement. What its message quotes of a value is left out, as in errors.
 *
 * @since 0.1.0
 * @category models
 */
export interface Warning {
  readonly level: "Note" | "Warning" | "Error"
  /** The server's number, as `errno` of errors. */
  readonly code: number
  readonly message: string
}

/**
 * Begins a statement without an effect of its own.
 *
 * @since 0.1.0
 * @category models
 */
export type Start = (
  request: Request,
  done: (answer: Effect.Effect<DriverResult, DriverError>) => void
) => (() => void) | undefined

/**
 * Executes a statement for who is in a region that cannot be interrupted, and has the way out of it: in as few steps as
 * possible (`npm run bench:hotpath`), because an effect that can be interrupted by itself has a region of its own.
 *
 * @since 0.1.0
 * @category combining
 */
export const executeIn = <B, E, R>(
  restore: Restore,
  connection: DriverConnection,
  request: Request,
  ending: Ending<DriverResult, DriverError, B, E, R>
): Effect.Effect<B, E, R> => {
  const { start } = connection
  if (start === undefined) return Effect.matchCauseEffect(restore(connection.execute(request)), ending)
  let interrupt: (() => void) | undefined
  const answer = Effect.async<DriverResult, DriverError>((resume) => {
    interrupt = start(request, resume)
    if (interrupt === undefined) resume(connection.execute(request))
  })
  return Effect.matchCauseEffect(restore(answer), {
    onFailure: (cause) => {
      if (interrupt !== undefined && Cause.isInterrupted(cause)) interrupt()
      return ending.onFailure(cause)
    },
    onSuccess: ending.onSuccess
  })
}

/**
 * One connection. `closed` says whether it is `lost` (the socket failed, the server went away, the protocol was broken) or
 * was `destroyed` by this side; once it is either, it stays so.
 *
 * @since 0.1.0
 * @category models
 */
export interface DriverConnection {
  /** As the server's process list names it; unique in the process for databases without one. */
  readonly id: string
  readonly server: ServerInfo
  readonly status: () => SessionStatus
  /** Milliseconds for which the statement whose turn it is has been waiting for its answer; 0 when there is none. */
  readonly waitingFor: () => number
  /** When the database last answered, by `performance.now`. */
  readonly lastAnswerAt: () => number
  /** Whether a statement that nobody shares the connection with is under way. */
  readonly isBusy: () => boolean
  readonly closed: () => "lost" | "destroyed" | undefined
  /**
   * Whether the database is no longer what it was when the connection was opened: it takes no writes now, as a server that was
   * demoted. The connection goes on, and is of no use to the next user.
   */
  readonly isRetired: () => boolean
  /**
   * Executes a statement and reads its whole answer. *Interruption* returns at once: the connection is closed, and the
   * statement is killed on the server.
   */
  readonly execute: (request: Request) => Effect.Effect<DriverResult, DriverError>
  /**
   * As `execute`, for who is in a region that cannot be interrupted: `done` is called once, with the answer, and what is
   * returned does what an interruption does. Undefined where a request takes more than that; then nothing was begun.
   */
  readonly start?: Start | undefined
  /** Statements have a time that the driver was made with. */
  readonly hasLimit?: boolean | undefined
  /** Executes a statement for each set of parameters. Fails with what the first one to fail failed with. *Interruption* as `execute`. */
  readonly executeMany: (request: ManyRequest) => Effect.Effect<DriverResult, DriverError>
  /** Executes a statement and gives its rows as they are pulled. A statement without rows gives none. */
  readonly stream: (request: Request) => Effect.Effect<RowStream, DriverError>
  /** Makes this the database of names that do not say theirs, until the next reset. */
  readonly selectDatabase: (name: string, timeout: number) => Effect.Effect<void, DriverError>
  /** What the database warns of about the last statement. */
  readonly warnings: Effect.Effect<ReadonlyArray<Warning>, DriverError>
  /** Asks for a sign of life; afterwards `status` is the server's own word. */
  readonly ping: (timeout: number) => Effect.Effect<void, DriverError>
  /** Makes the session new: rolls back, forgets variables, temporary tables, locks and prepared statements. */
  readonly reset: (timeout: number) => Effect.Effect<void, DriverError>
  /** Ends the connection at once, without a word to the server. It may be called twice. */
  readonly destroy: () => void
}

/**
 * The same connection with other ways to execute. It has no `start` but a given one.
 *
 * @since 0.1.0
 * @category combinators
 */
export const executingBy = (
  connection: DriverConnection,
  ways: Pick<DriverConnection, "execute" | "executeMany" | "stream" | "start">
): DriverConnection => ({
  id: connection.id,
  server: connection.server,
  status: () => connection.status(),
  waitingFor: () => connection.waitingFor(),
  lastAnswerAt: () => connection.lastAnswerAt(),
  isBusy: () => connection.isBusy(),
  closed: () => connection.closed(),
  isRetired: () => connection.isRetired(),
  hasLimit: connection.hasLimit,
  ...ways,
  selectDatabase: (name, timeout) => connection.selectDatabase(name, timeout),
  get warnings() {
    return connection.warnings
  },
  ping: (timeout) => connection.ping(timeout),
  reset: (timeout) => connection.reset(timeout),
  destroy: () => connection.destroy()
})

/**
 * What opens connections to one database.
 *
 * @since 0.1.0
 * @category models
 */
export interface Driver {
  readonly name: string
  /** Opens a connection; the scope's end closes it politely. Interruption leaves nothing open. */
  readonly connect: Effect.Effect<DriverConnection, ConnectError, Scope.Scope>
}

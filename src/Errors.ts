/**
 * The errors of effect-sa: the exceptions of the Python DB-API (PEP 249), of `aiomysql.sa` and of the pool, as tagged
 * errors with a `reason` that says which kind.
 *
 * @since 0.1.0
 */
import { Data, Effect } from "effect"
import { dual } from "effect/Function"

// ---------------------------------------------------------------------------------------------------------------------
// reasons

/**
 * What an {@link InterfaceError} is about: the server said something outside the protocol (`Protocol`), or the database
 * driver could not be loaded (`DriverUnavailable`).
 *
 * @since 0.1.0
 * @category reasons
 */
export type InterfaceReason = "Protocol" | "DriverUnavailable"

/**
 * What a {@link DataError} is about.
 *
 * @since 0.1.0
 * @category reasons
 */
export type DataReason = "OutOfRange" | "TooLong" | "InvalidValue" | "DivisionByZero" | "UnsafeInteger" | "ZeroDate"

/**
 * What an {@link OperationalError} is about.
 *
 * @since 0.1.0
 * @category reasons
 */
export type OperationalReason =
  | "AccessDenied"
  | "Authentication"
  | "CannotOpen"
  | "CommitUnknown"
  | "ConnectTimeout"
  | "ConnectionLost"
  | "ConnectionRefused"
  | "Deadlock"
  | "DiskFull"
  | "HostNotFound"
  | "Interrupted"
  | "LockTimeout"
  | "PacketTooLarge"
  | "ReadOnly"
  | "RolledBack"
  | "SerializationFailure"
  | "ServerShutdown"
  | "SourceFailed"
  | "StatementTimeout"
  | "Tls"
  | "TooManyConnections"
  | "UnknownDatabase"
  | "Other"

/**
 * What an {@link IntegrityError} is about.
 *
 * @since 0.1.0
 * @category reasons
 */
export type IntegrityReason =
  | "UniqueViolation"
  | "ForeignKeyViolation"
  | "NotNullViolation"
  | "CheckViolation"
  | "Other"

/**
 * What an {@link InternalError} is about.
 *
 * @since 0.1.0
 * @category reasons
 */
export type InternalReason = "Corrupt" | "OutOfMemory" | "Other"

/**
 * What a {@link ProgrammingError} is about.
 *
 * @since 0.1.0
 * @category reasons
 */
export type ProgrammingReason =
  | "Syntax"
  | "NoSuchTable"
  | "NoSuchColumn"
  | "NoSuchFunction"
  | "TableExists"
  | "DatabaseExists"
  | "NoSuchSavepoint"
  | "NoSuchXid"
  | "XidExists"
  | "CursorState"
  | "Other"

/**
 * What a {@link NotSupportedError} is about.
 *
 * @since 0.1.0
 * @category reasons
 */
export type NotSupportedReason = "NotSupported"

// ---------------------------------------------------------------------------------------------------------------------
// the errors of PEP 249

/**
 * What every database error carries. `statement` is the statement's text without its parameters; `errno` and `sqlState`
 * are the server's; `constraint` is the constraint's or key's name where the server says it. `parameterSet` is the place,
 * from 0, of the set of parameters that failed, of a statement that was executed for several.
 *
 * @since 0.1.0
 * @category models
 */
export interface DatabaseErrorFields<Reason extends string> {
  readonly reason: Reason
  readonly message: string
  readonly errno?: number | undefined
  readonly sqlState?: string | undefined
  readonly statement?: string | undefined
  readonly constraint?: string | undefined
  readonly parameterSet?: number | undefined
  readonly cause?: unknown
}

/**
 * The interface to the database failed, rather than the database: a broken protocol, a driver that is not there
 * (PEP 249 `InterfaceError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class InterfaceError extends Data.TaggedError("InterfaceError")<DatabaseErrorFields<InterfaceReason>> {}

/**
 * A value is the trouble: out of range, too long, not exact as a number (PEP 249 `DataError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class DataError extends Data.TaggedError("DataError")<DatabaseErrorFields<DataReason>> {}

/**
 * The database's operation is the trouble, not the program: a lost connection, a deadlock, a refused password (PEP 249
 * `OperationalError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class OperationalError extends Data.TaggedError("OperationalError")<DatabaseErrorFields<OperationalReason>> {}

/**
 * A constraint refuses the statement (PEP 249 `IntegrityError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class IntegrityError extends Data.TaggedError("IntegrityError")<DatabaseErrorFields<IntegrityReason>> {}

/**
 * The database is in trouble itself (PEP 249 `InternalError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class InternalError extends Data.TaggedError("InternalError")<DatabaseErrorFields<InternalReason>> {}

/**
 * The program's statement is wrong: its syntax, a table that is not there (PEP 249 `ProgrammingError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class ProgrammingError extends Data.TaggedError("ProgrammingError")<DatabaseErrorFields<ProgrammingReason>> {}

/**
 * The database, or this driver on it, cannot do what was asked (PEP 249 `NotSupportedError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class NotSupportedError extends Data.TaggedError("NotSupportedError")<DatabaseErrorFields<NotSupportedReason>> {}

// ---------------------------------------------------------------------------------------------------------------------
// the errors of aiomysql.sa

/**
 * An argument is outside its domain; nothing was sent (`aiomysql.sa.ArgumentError`). It names the argument, the kind of
 * the value that was given (never the value) and what was expected.
 *
 * @since 0.1.0
 * @category errors
 */
export class ArgumentError extends Data.TaggedError("ArgumentError")<{
  readonly argument: string
  readonly given: string
  readonly expected: string
}> {
  override get message(): string {
    return `${this.argument}: expected ${this.expected}, got ${this.given}`
  }
}

/**
 * The request does not fit the state of what it was made of: a statement on a transaction that is over, on a connection
 * that is streaming (`aiomysql.sa.InvalidRequestError`). `cause` is what brought that state about, where it is known.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidRequestError extends Data.TaggedError("InvalidRequestError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * A row has no column of that name (`aiomysql.sa.NoSuchColumnError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class NoSuchColumnError extends Data.TaggedError("NoSuchColumnError")<{
  readonly column: string
  readonly columns: ReadonlyArray<string>
}> {
  override get message(): string {
    return `no column ${JSON.stringify(this.column)}; the row has ${this.columns.map((name) => JSON.stringify(name)).join(", ")}`
  }
}

/**
 * The result has no rows to give: its statement returned none, or it is closed (`aiomysql.sa.ResourceClosedError`).
 *
 * @since 0.1.0
 * @category errors
 */
export class ResourceClosedError extends Data.TaggedError("ResourceClosedError")<{
  readonly message: string
}> {}

/**
 * A result that had to have a row has none (`sqlalchemy.exc.NoResultFound`).
 *
 * @since 0.1.0
 * @category errors
 */
export class NoResultFoundError extends Data.TaggedError("NoResultFoundError")<{
  readonly message: string
}> {}

/**
 * A result that had to have one row at the most has several (`sqlalchemy.exc.MultipleResultsFound`).
 *
 * @since 0.1.0
 * @category errors
 */
export class MultipleResultsFoundError extends Data.TaggedError("MultipleResultsFoundError")<{
  readonly message: string
}> {}

// ---------------------------------------------------------------------------------------------------------------------
// the errors of the pool

/**
 * The pool's numbers at one moment. `size` is `idle + used + opening`.
 *
 * @since 0.1.0
 * @category models
 */
export interface PoolNumbers {
  readonly size: number
  readonly idle: number
  readonly used: number
  readonly opening: number
  readonly waiting: number
  readonly minSize: number
  /** 0 is unlimited. */
  readonly maxSize: number
}

/**
 * No connection within `acquireTimeout` (`AcquireTimeout`), or more waiters than `maxWaiters` (`TooManyWaiters`). It
 * carries the pool's numbers and, as `cause`, the last failure to open a connection while this caller waited.
 *
 * @since 0.1.0
 * @category errors
 */
export class PoolTimeoutError extends Data.TaggedError("PoolTimeoutError")<{
  readonly reason: "AcquireTimeout" | "TooManyWaiters"
  readonly message: string
  readonly pool: PoolNumbers
  readonly cause?: unknown
}> {}

/**
 * The pool is closed: nothing more is handed out, and who waited is told so.
 *
 * @since 0.1.0
 * @category errors
 */
export class PoolClosedError extends Data.TaggedError("PoolClosedError")<{
  readonly message: string
}> {}

// ---------------------------------------------------------------------------------------------------------------------
// unions and guards

/**
 * PEP 249's `DatabaseError`: what a database answers when a statement fails.
 *
 * @since 0.1.0
 * @category models
 */
export type DatabaseError =
  | DataError
  | OperationalError
  | IntegrityError
  | InternalError
  | ProgrammingError
  | NotSupportedError

/**
 * What a driver can fail with once it is connected.
 *
 * @since 0.1.0
 * @category models
 */
export type DriverError = InterfaceError | DatabaseError

/**
 * What opening a connection can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type ConnectError = InterfaceError | OperationalError | NotSupportedError | InternalError | ProgrammingError

/**
 * What taking a connection from a pool can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type AcquireError = ConnectError | PoolTimeoutError | PoolClosedError

/**
 * What a statement on a connection that is already there can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type StatementError = DriverError | ArgumentError | InvalidRequestError

/**
 * What a statement on an engine can fail with: taking the connection, and the statement.
 *
 * @since 0.1.0
 * @category models
 */
export type ExecuteError = AcquireError | StatementError

const databaseErrorTags: ReadonlySet<string> = new Set([
  "DataError",
  "OperationalError",
  "IntegrityError",
  "InternalError",
  "ProgrammingError",
  "NotSupportedError"
] satisfies ReadonlyArray<DatabaseError["_tag"]>)

const tagOf = (u: unknown): string | undefined =>
  typeof u === "object" && u !== null && "_tag" in u && typeof u._tag === "string" ? u._tag : undefined

/**
 * Whether this is one of PEP 249's database errors, as `except DatabaseError` in Python.
 *
 * @since 0.1.0
 * @category guards
 */
export const isDatabaseError = (u: unknown): u is DatabaseError => {
  const tag = tagOf(u)
  return tag !== undefined && databaseErrorTags.has(tag)
}

/**
 * Whether a driver can have failed with this: a database error or an `InterfaceError`.
 *
 * @since 0.1.0
 * @category guards
 */
export const isDriverError = (u: unknown): u is DriverError => isDatabaseError(u) || u instanceof InterfaceError

/**
 * Whether opening a connection can have failed with this.
 *
 * @since 0.1.0
 * @category guards
 */
export const isConnectError = (u: unknown): u is ConnectError =>
  isDriverError(u) && u._tag !== "DataError" && u._tag !== "IntegrityError"

/**
 * The same error, of the set of parameters at this place.
 *
 * @since 0.1.0
 * @category combining
 */
export const atParameterSet = (error: DriverError, parameterSet: number): DriverError =>
  withFields(error, { parameterSet })

/**
 * The same error, of this statement.
 *
 * @since 0.1.0
 * @category combining
 */
export const ofStatement = (error: DriverError, statement: string): DriverError => withFields(error, { statement })

/**
 * The same error with other fields.
 *
 * @internal
 */
export const withFields = (
  error: DriverError,
  changed: Partial<Omit<DatabaseErrorFields<string>, "reason">>
): DriverError => {
  const { message, errno, sqlState, statement, constraint, parameterSet, cause } = error
  const fields = { message, errno, sqlState, statement, constraint, parameterSet, cause, ...changed }
  switch (error._tag) {
    case "InterfaceError":
      return new InterfaceError({ ...fields, reason: error.reason })
    case "DataError":
      return new DataError({ ...fields, reason: error.reason })
    case "OperationalError":
      return new OperationalError({ ...fields, reason: error.reason })
    case "IntegrityError":
      return new IntegrityError({ ...fields, reason: error.reason })
    case "InternalError":
      return new InternalError({ ...fields, reason: error.reason })
    case "ProgrammingError":
      return new ProgrammingError({ ...fields, reason: error.reason })
    case "NotSupportedError":
      return new NotSupportedError({ ...fields, reason: error.reason })
  }
}

/**
 * SQLAlchemy's `InvalidRequestError` and the errors below it.
 *
 * @since 0.1.0
 * @category models
 */
export type InvalidRequest =
  | InvalidRequestError
  | NoSuchColumnError
  | ResourceClosedError
  | NoResultFoundError
  | MultipleResultsFoundError

/**
 * Whether `except InvalidRequestError` of SQLAlchemy would catch this.
 *
 * @since 0.1.0
 * @category guards
 */
export const isInvalidRequest = (u: unknown): u is InvalidRequest =>
  u instanceof InvalidRequestError ||
  u instanceof NoSuchColumnError ||
  u instanceof ResourceClosedError ||
  u instanceof NoResultFoundError ||
  u instanceof MultipleResultsFoundError

/**
 * Whether `except ArgumentError` of `aiomysql.sa` would catch this: an `ArgumentError` or an error below it.
 *
 * @since 0.1.0
 * @category guards
 */
export const isArgument = (u: unknown): u is ArgumentError | InvalidRequest =>
  u instanceof ArgumentError || isInvalidRequest(u)

/**
 * Whether the connection that this came from is gone, as far as the error tells.
 *
 * @since 0.1.0
 * @category guards
 */
export const isConnectionLoss = (error: DriverError): boolean =>
  error._tag === "InterfaceError"
    ? error.reason === "Protocol"
    : error._tag === "OperationalError" && (error.reason === "ConnectionLost" || error.reason === "ServerShutdown")

// ---------------------------------------------------------------------------------------------------------------------
// catching by reason

type ReasonsOf<E> = E extends { readonly reason: infer R extends string } ? R : never

type WithReason<E, K extends string> = E extends { readonly reason: infer R }
  ? K & R extends never
    ? never
    : E & { readonly reason: K & R }
  : never

type WithoutReason<E, K extends string> = E extends { readonly reason: infer R extends string }
  ? K & R extends never
    ? E
    : Exclude<R, K> extends never
      ? never
      : E & { readonly reason: Exclude<R, K> }
  : E

/**
 * Recovers from the errors that have this `reason`, whichever class they are of; what is left in the error channel no
 * longer has it.
 *
 * @example
 * ```ts
 * import { Data, Effect } from "effect"
 * import { Engine, Errors } from "effect-sa"
 *
 * class EmailTaken extends Data.TaggedError("EmailTaken")<{ readonly email: string }> {}
 *
 * export const signUp = (email: string) =>
 *   Engine.execute("INSERT INTO member (email) VALUES (?)", [email]).pipe(
 *     Errors.catchReason("UniqueViolation", () => Effect.fail(new EmailTaken({ email })))
 *   )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const catchReason: {
  <E, const K extends ReasonsOf<E>, A2, E2, R2>(
    reason: K,
    handler: (error: WithReason<E, K>) => Effect.Effect<A2, E2, R2>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, WithoutReason<E, K> | E2, R | R2>
  <A, E, R, const K extends ReasonsOf<E>, A2, E2, R2>(
    self: Effect.Effect<A, E, R>,
    reason: K,
    handler: (error: WithReason<E, K>) => Effect.Effect<A2, E2, R2>
  ): Effect.Effect<A | A2, WithoutReason<E, K> | E2, R | R2>
} = dual(
  3,
  <A, E, R, K extends string, A2, E2, R2>(
    self: Effect.Effect<A, E, R>,
    reason: K,
    handler: (error: WithReason<E, K>) => Effect.Effect<A2, E2, R2>
  ): Effect.Effect<A | A2, WithoutReason<E, K> | E2, R | R2> => {
    const has = (error: E | WithReason<E, K>): error is WithReason<E, K> =>
      typeof error === "object" && error !== null && "reason" in error && error.reason === reason
    return Effect.catchAll(
      self,
      (error): Effect.Effect<A2, WithoutReason<E, K> | E2, R2> =>
        // An error without the reason is of the rest: TypeScript cannot see that the guard divides E in just these two.
        has(error) ? handler(error) : Effect.fail(error as WithoutReason<E, K>)
    )
  }
)

// ---------------------------------------------------------------------------------------------------------------------
// rendering

/**
 * Renders an error in one line for people: its class, reason, message and statement. Parameters are never part of it.
 *
 * @since 0.1.0
 * @category rendering
 */
export const render = (error: { readonly _tag: string; readonly message: string }): string => {
  const reason = "reason" in error ? ` (${error.reason})` : ""
  const errno = "errno" in error && typeof error.errno === "number" ? ` [${error.errno}]` : ""
  const statement =
    "statement" in error && typeof error.statement === "string" ? ` — in: ${shorten(error.statement)}` : ""
  return `${error._tag}${reason}${errno}: ${error.message}${statement}`
}

const shorten = (sql: string): string => {
  const line = sql.replace(/\s+/g, " ").trim()
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`
}

/**
 * Names the kind of a value for a message, never the value itself: `string`, `null`, `Date`, `array`, …
 *
 * @since 0.1.0
 * @category rendering
 */
export const kindOf = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  if (typeof value === "number") {
    return Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? "number" : "an infinite number"
  }
  if (typeof value !== "object") return typeof value
  const name = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === "string" && name !== "" && name !== "Object" ? name : "object"
}

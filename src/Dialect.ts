/**
 * The contract of a dialect: how a database is spoken to, as data and pure functions.
 *
 * @since 0.1.0
 */
import type { DataError, NotSupportedError } from "./Errors.js"
import type { Lexicon, Token } from "./Lexer.js"
import type { BoundValue } from "./Value.js"

/**
 * The isolation levels, the least isolated first. Statements have them as they are given: what a program without types gives
 * must be one of these.
 *
 * @since 0.1.0
 * @category models
 */
export const isolationLevels = ["read uncommitted", "read committed", "repeatable read", "serializable"] as const

/**
 * The isolation levels of the SQL standard, as SQLAlchemy names them in lower case.
 *
 * @since 0.1.0
 * @category models
 */
export type IsolationLevel = (typeof isolationLevels)[number]

/**
 * Whether this is an isolation level.
 *
 * @since 0.1.0
 * @category guards
 */
export const isIsolationLevel = (u: unknown): u is IsolationLevel => isolationLevels.some((level) => level === u)

/**
 * How a transaction begins.
 *
 * @since 0.1.0
 * @category models
 */
export interface BeginOptions {
  readonly isolationLevel?: IsolationLevel | undefined
  readonly readOnly?: boolean | undefined
  /** The snapshot is taken at once rather than by the first read (InnoDB). */
  readonly consistentSnapshot?: boolean | undefined
}

/**
 * The name of a two-phase transaction in bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface XidBytes {
  readonly globalId: Uint8Array
  readonly branch: Uint8Array
  readonly formatId: number
}

/**
 * The statements of two-phase transactions.
 *
 * @since 0.1.0
 * @category models
 */
export interface TwoPhaseStatements {
  readonly start: (xid: XidBytes) => string
  /** Nothing more becomes part of it. */
  readonly end: (xid: XidBytes) => string
  readonly prepare: (xid: XidBytes) => string
  readonly commit: (xid: XidBytes) => string
  /** Commits what was ended and not prepared. */
  readonly commitOnePhase: (xid: XidBytes) => string
  readonly rollback: (xid: XidBytes) => string
  /** Lists what is prepared, so that no byte of a name is lost. */
  readonly recover: (product: "MySQL" | "MariaDB" | "SQLite") => string
}

/**
 * A dialect. What differs between databases of one dialect (MySQL and MariaDB) is told apart by the connection's server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Dialect {
  readonly name: "mysql" | "sqlite"
  readonly lexicon: Lexicon
  /** An identifier in the database's own quotes. */
  readonly quoteIdentifier: (name: string) => string
  /** The statements that begin a transaction, in order, or why it cannot begin so. */
  readonly begin: (options: BeginOptions) => ReadonlyArray<string> | NotSupportedError
  readonly commit: string
  /** Commits, and begins another transaction with the same characteristics at once, where the database can. */
  readonly commitAndChain: string | undefined
  /** What makes each statement of the session a transaction of its own, or none, where the database knows that. */
  readonly autocommit: { readonly on: string; readonly off: string } | undefined
  readonly rollback: string
  readonly savepoint: (name: string) => string
  readonly rollbackToSavepoint: (name: string) => string
  readonly releaseSavepoint: (name: string) => string
  /** How transactions are prepared before they are committed, or why they cannot be. */
  readonly twoPhase: TwoPhaseStatements | NotSupportedError
  /** The statement that sets the isolation level of every transaction of a session to come. */
  readonly sessionIsolation: (level: IsolationLevel) => string | NotSupportedError
  /**
   * Whether a statement may leave something in the session that the database does not report: true unless it is certain
   * that it does not.
   */
  readonly mayLeaveState: (sql: string, tokens: ReadonlyArray<Token>) => boolean
  /**
   * A value as a literal that means the same, for a session in which backslashes in strings escape, or do not; or why there
   * is none.
   */
  readonly literal: (value: BoundValue, backslashes: boolean) => string | DataError
  /** The statement with a literal for each `?`, as a session reads it in which backslashes in strings escape, or do not. */
  readonly inline: (sql: string, parameters: ReadonlyArray<BoundValue>, backslashes: boolean) => string
}

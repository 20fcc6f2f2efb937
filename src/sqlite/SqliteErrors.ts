/**
 * What SQLite's result codes mean here: one table, by extended code first, by primary code second, and by message for
 * code 1, which is the same for everything that is wrong with a statement.
 *
 * https://sqlite.org/rescode.html
 */
import { data, type ErrorClass, integrity, internal, operational, programming, toError } from "../ErrorClass.js"
import type { DatabaseError } from "../Errors.js"

const byCode: ReadonlyMap<number, ErrorClass> = new Map<number, ErrorClass>([
  [275, integrity("CheckViolation")], // SQLITE_CONSTRAINT_CHECK
  [787, integrity("ForeignKeyViolation")], // SQLITE_CONSTRAINT_FOREIGNKEY
  [1811, integrity("ForeignKeyViolation")], // SQLITE_CONSTRAINT_TRIGGER, which foreign keys with RESTRICT give too
  [1299, integrity("NotNullViolation")], // SQLITE_CONSTRAINT_NOTNULL
  [1555, integrity("UniqueViolation")], // SQLITE_CONSTRAINT_PRIMARYKEY
  [2067, integrity("UniqueViolation")], // SQLITE_CONSTRAINT_UNIQUE
  [2579, integrity("UniqueViolation")], // SQLITE_CONSTRAINT_ROWID
  [3091, data("InvalidValue")], // SQLITE_CONSTRAINT_DATATYPE, of STRICT tables
  [517, operational("SerializationFailure")], // SQLITE_BUSY_SNAPSHOT
  [3, operational("AccessDenied")], // SQLITE_PERM
  [4, operational("Other")], // SQLITE_ABORT
  [5, operational("LockTimeout")], // SQLITE_BUSY
  [6, operational("LockTimeout")], // SQLITE_LOCKED
  [7, internal("OutOfMemory")], // SQLITE_NOMEM
  [8, operational("ReadOnly")], // SQLITE_READONLY
  [9, operational("Interrupted")], // SQLITE_INTERRUPT
  [10, operational("Other")], // SQLITE_IOERR
  [11, internal("Corrupt")], // SQLITE_CORRUPT
  [13, operational("DiskFull")], // SQLITE_FULL
  [14, operational("CannotOpen")], // SQLITE_CANTOPEN
  [18, data("TooLong")], // SQLITE_TOOBIG
  [19, integrity("Other")], // SQLITE_CONSTRAINT
  [20, data("InvalidValue")], // SQLITE_MISMATCH
  [23, operational("AccessDenied")], // SQLITE_AUTH
  [25, programming("Other")], // SQLITE_RANGE
  [26, internal("Corrupt")] // SQLITE_NOTADB
])

const byMessage: ReadonlyArray<readonly [RegExp, ErrorClass]> = [
  [/syntax error|incomplete input|unrecognized token/, programming("Syntax")],
  [/^no such table|^no such view/, programming("NoSuchTable")],
  [/no such column|has no column named/, programming("NoSuchColumn")],
  [/^no such function|^wrong number of arguments to function/, programming("NoSuchFunction")],
  [/^no such savepoint/, programming("NoSuchSavepoint")],
  [/already exists$/, programming("TableExists")],
  [/integer overflow/, data("OutOfRange")],
  [/malformed JSON/, data("InvalidValue")],
  [/readonly database/, operational("ReadOnly")]
]

/** Whether the embedded database threw this. */
export const isSqliteError = (thrown: unknown): boolean =>
  thrown instanceof Error && ("errcode" in thrown || "rawCode" in thrown || thrown.name === "SqliteError")

const codeOf = (error: object): number => {
  if ("errcode" in error && typeof error.errcode === "number") return error.errcode
  if ("rawCode" in error && typeof error.rawCode === "number") return error.rawCode
  return 1
}

const classOf = (code: number, message: string): ErrorClass => {
  const known = byCode.get(code) ?? (code === 1 ? undefined : byCode.get(code & 0xff))
  return known ?? byMessage.find(([pattern]) => pattern.test(message))?.[1] ?? programming("Other")
}

/** `UNIQUE constraint failed: person.email`: what is after the colon. */
const constraintOf = (message: string): string | undefined => /constraint failed: (.+)$/.exec(message)?.[1]

/** Whether somebody else holds a lock that may be gone in a moment. A snapshot that is out of date stays so. */
export const isBusy = (thrown: unknown): boolean => {
  if (typeof thrown !== "object" || thrown === null) return false
  const code = codeOf(thrown)
  return code !== 517 && ((code & 0xff) === 5 || (code & 0xff) === 6)
}

/** The typed error for what the embedded database threw. */
export const classify = (thrown: unknown, statement: string | undefined): DatabaseError => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const errno = codeOf(error)
  const found = classOf(errno, error.message)
  const fields = {
    errno,
    sqlState: undefined,
    statement,
    message: error.message,
    constraint: found.tag === "IntegrityError" ? constraintOf(error.message) : undefined
  }
  return toError(found, fields)
}

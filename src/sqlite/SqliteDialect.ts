/**
 * The dialect of SQLite, as tables and pure functions.
 *
 * @since 0.1.0
 */
import { BigDecimal } from "effect"
import type { Dialect } from "../Dialect.js"
import { DataError, NotSupportedError } from "../Errors.js"
import { leadingWords, type Lexicon, tokens } from "../Lexer.js"
import { type BoundValue, formatDateTime, formatDecimal } from "../Value.js"

const lexicon: Lexicon = {
  backslashEscapes: false,
  hashComments: false,
  dashesNeedSpace: false,
  executableComments: false,
  brackets: true
}

const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

const unsupported = (message: string): NotSupportedError => new NotSupportedError({ reason: "NotSupported", message })

/** Statements after which the session is as it was: all but PRAGMA, ATTACH, temporary tables and what is not known. */
const plainVerbs: ReadonlySet<string> = new Set(
  "SELECT INSERT UPDATE DELETE REPLACE WITH VALUES EXPLAIN BEGIN COMMIT END ROLLBACK SAVEPOINT RELEASE ALTER DROP ANALYZE REINDEX VACUUM".split(
    " "
  )
)

const maxInteger = 2n ** 63n - 1n

/** A value as a literal of what it is bound as. https://sqlite.org/lang_expr.html#literal_values_constants_ */
const literal = (value: BoundValue): string => {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : exponential(value)
    case "bigint":
      return value.toString()
    case "string":
      return quoteText(value)
    default:
      if (value === null) return "NULL"
      if (value instanceof Date) return quoteText(formatDateTime(value))
      return BigDecimal.isBigDecimal(value) ? quoteText(formatDecimal(value)) : blob(value)
  }
}

/** A number with an exponent is a REAL. */
const exponential = (value: number): string => {
  const text = Object.is(value, -0) ? "-0" : String(value)
  return text.includes("e") ? text : `${text}e0`
}

const blob = (bytes: Uint8Array): string => `x'${Buffer.from(bytes).toString("hex")}'`

/** A string literal ends at a NUL. */
const quoteText = (text: string): string =>
  text.includes("\0") ? `CAST(${blob(Buffer.from(text))} AS TEXT)` : `'${text.replaceAll("'", "''")}'`

const inline = (sql: string, parameters: ReadonlyArray<BoundValue>): string => {
  let text = ""
  let from = 0
  let next = 0
  for (const token of tokens(sql, lexicon)) {
    if (token.kind !== "qmark" || next >= parameters.length) continue
    text += sql.slice(from, token.start) + literal(parameters[next++]!)
    from = token.end
  }
  return text + sql.slice(from)
}

export const dialect: Dialect = {
  name: "sqlite",
  lexicon,
  quoteIdentifier,
  /**
   * A transaction that may write takes the write lock when it begins: one that began as a reader cannot always become a
   * writer, and would find out in its middle. SQLite's transactions are serializable, so every level is kept.
   * https://sqlite.org/lang_transaction.html
   */
  begin: ({ readOnly, consistentSnapshot }) =>
    consistentSnapshot === true
      ? unsupported("SQLite takes its snapshot with the first read, never with BEGIN")
      : [readOnly === true ? "BEGIN DEFERRED" : "BEGIN IMMEDIATE"],
  commit: "COMMIT",
  commitAndChain: undefined,
  autocommit: undefined,
  rollback: "ROLLBACK",
  savepoint: (name) => `SAVEPOINT ${quoteIdentifier(name)}`,
  rollbackToSavepoint: (name) => `ROLLBACK TO SAVEPOINT ${quoteIdentifier(name)}`,
  releaseSavepoint: (name) => `RELEASE SAVEPOINT ${quoteIdentifier(name)}`,
  twoPhase: unsupported("SQLite has no two-phase transactions"),
  sessionIsolation: () => unsupported("SQLite has one isolation level, serializable"),
  mayLeaveState: (sql, tokens) => {
    const verb = leadingWords(sql, tokens, 1)[0]
    // CREATE TEMP …, and also CREATE TABLE temp.…
    if (verb === "CREATE")
      return tokens.some((token) => /^["`[]?temp(?:orary)?["`\]]?$/i.test(sql.slice(token.start, token.end)))
    return verb === undefined || !plainVerbs.has(verb)
  },
  literal: (value) =>
    typeof value === "bigint" && value > maxInteger
      ? new DataError({ reason: "OutOfRange", message: "SQLite has no integers above 2^63-1" })
      : literal(value),
  inline
}

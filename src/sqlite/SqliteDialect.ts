/**
 * The dialect of SQLite, as tables and pure functions.
 *
 * @since 0.1.0
 */
import type { Dialect } from "../Dialect.js"
import { NotSupportedError } from "../Errors.js"
import { leadingWords, type Lexicon } from "../Lexer.js"

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
  rollback: "ROLLBACK",
  savepoint: (name) => `SAVEPOINT ${quoteIdentifier(name)}`,
  rollbackToSavepoint: (name) => `ROLLBACK TO SAVEPOINT ${quoteIdentifier(name)}`,
  releaseSavepoint: (name) => `RELEASE SAVEPOINT ${quoteIdentifier(name)}`,
  sessionIsolation: () => unsupported("SQLite has one isolation level, serializable"),
  mayLeaveState: (sql, tokens) => {
    const verb = leadingWords(sql, tokens, 1)[0]
    // CREATE TEMP …, and also CREATE TABLE temp.…
    if (verb === "CREATE")
      return tokens.some((token) => /^["`[]?temp(?:orary)?["`\]]?$/i.test(sql.slice(token.start, token.end)))
    return verb === undefined || !plainVerbs.has(verb)
  }
}

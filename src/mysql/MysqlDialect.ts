/**
 * The dialect of MySQL and MariaDB, as tables and pure functions.
 *
 * @since 0.1.0
 */
import { BigDecimal } from "effect"
import {
  type BeginOptions,
  type Dialect,
  type IsolationLevel,
  isIsolationLevel,
  type TwoPhaseStatements,
  type XidBytes
} from "../Dialect.js"
import { NotSupportedError } from "../Errors.js"
import { leadingWords, type Lexicon, type Token, tokens } from "../Lexer.js"
import { type BoundValue, formatDateTime, formatDecimal } from "../Value.js"

export const lexicon: Lexicon = {
  backslashEscapes: true,
  hashComments: true,
  dashesNeedSpace: true,
  executableComments: true,
  brackets: false
}

export const autocommit = { on: "SET autocommit = 1", off: "SET autocommit = 0" } as const

const quoteIdentifier = (name: string): string => `\`${name.replaceAll("`", "``")}\``

const levelWords = (level: IsolationLevel): string => level.toUpperCase()

/**
 * https://dev.mysql.com/doc/refman/9.7/en/commit.html and set-transaction.html: the level of SET TRANSACTION holds for
 * the transaction that comes next, and only that.
 */
const begin = ({ isolationLevel, readOnly, consistentSnapshot }: BeginOptions): ReadonlyArray<string> => {
  const characteristics = [
    ...(consistentSnapshot === true ? ["WITH CONSISTENT SNAPSHOT"] : []),
    ...(readOnly === true ? ["READ ONLY"] : [])
  ]
  const start = `START TRANSACTION ${characteristics.join(", ")}`.trimEnd()
  return isolationLevel === undefined
    ? [characteristics.length === 0 ? "BEGIN" : start]
    : [`SET TRANSACTION ISOLATION LEVEL ${levelWords(isolationLevel)}`, start]
}

const hex = (bytes: Uint8Array): string => `X'${Buffer.from(bytes).toString("hex")}'`

/** In bytes, so that no character set and no quote can change a name. */
const xidText = ({ globalId, branch, formatId }: XidBytes): string => `${hex(globalId)},${hex(branch)},${formatId}`

/** https://dev.mysql.com/doc/refman/9.7/en/xa-statements.html */
const twoPhase: TwoPhaseStatements = {
  start: (xid) => `XA START ${xidText(xid)}`,
  end: (xid) => `XA END ${xidText(xid)}`,
  prepare: (xid) => `XA PREPARE ${xidText(xid)}`,
  commit: (xid) => `XA COMMIT ${xidText(xid)}`,
  commitOnePhase: (xid) => `XA COMMIT ${xidText(xid)} ONE PHASE`,
  rollback: (xid) => `XA ROLLBACK ${xidText(xid)}`,
  // MySQL says the bytes to be text, which not all are, unless it is asked to write them as 0x…; MariaDB says bytes.
  recover: (product) => (product === "MariaDB" ? "XA RECOVER" : "XA RECOVER CONVERT XID")
}

const wordSet = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/))

/** Statements that change data or read it, and leave nothing else behind. */
const plainVerbs: ReadonlySet<string> = wordSet(`
  BEGIN COMMIT DELETE DESC DESCRIBE EXPLAIN INSERT RELEASE REPLACE ROLLBACK SAVEPOINT SELECT SHOW START TABLE
  UPDATE VALUES WITH
`)

/** Words that stand before a parenthesis without being a function. */
const keywordsBeforeParenthesis: ReadonlySet<string> = wordSet(`
  AGAINST ALL AND ANY AS BETWEEN BINARY BY CASE CHAR COLUMNS DECIMAL DISTINCT DOUBLE ELSE EXCEPT EXISTS FILTER
  FLOAT FROM HAVING IN INDEX INTERSECT INTO IS JOIN KEY LATERAL LIKE LIMIT MATCH NCHAR NOT ON OR OVER PARTITION
  RETURNING ROW SELECT SET SIGNED SOME THEN TYPE UNION UNSIGNED UPDATE USING VALUE VALUES VARCHAR WHEN WHERE WITH
  XOR
`)

/** Built-in functions that leave the session as it is. Any other name before a parenthesis may be a stored function. */
const pureFunctions: ReadonlySet<string> = wordSet(`
  ABS ADDDATE ADDTIME AGAINST ANY_VALUE ASCII AVG BIN BIT_AND BIT_COUNT BIT_LENGTH BIT_OR CAST CEIL CEILING
  CHARACTER_LENGTH CHARSET CHAR_LENGTH COALESCE COLLATION CONCAT CONCAT_WS CONNECTION_ID CONV CONVERT CONVERT_TZ
  COUNT CRC32 CURDATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURTIME DATABASE DATE DATEDIFF
  DATETIME DATE_ADD DATE_FORMAT DATE_SUB DAY DAYNAME DAYOFMONTH DAYOFWEEK DAYOFYEAR DENSE_RANK ELT EXP EXTRACT
  FIELD FIND_IN_SET FIRST_VALUE FLOOR FORMAT FOUND_ROWS FROM_DAYS FROM_UNIXTIME GREATEST GROUPING GROUP_CONCAT HEX
  HOUR IF IFNULL INET6_ATON INET6_NTOA INET_ATON INET_NTOA INSERT INSTR INTERVAL ISNULL JSON_ARRAY JSON_ARRAYAGG
  JSON_CONTAINS JSON_EXTRACT JSON_KEYS JSON_LENGTH JSON_MERGE_PATCH JSON_OBJECT JSON_OBJECTAGG JSON_QUOTE
  JSON_REPLACE JSON_SET JSON_TABLE JSON_TYPE JSON_UNQUOTE JSON_VALID JSON_VALUE LAG LAST_DAY LAST_INSERT_ID
  LAST_VALUE LCASE LEAD LEAST LEFT LENGTH LN LOCATE LOG LOG10 LOG2 LOWER LPAD LTRIM MAKEDATE MATCH MAX MD5
  MICROSECOND MID MIN MINUTE MOD MONTH MONTHNAME NOW NTILE NULLIF OCTET_LENGTH PERCENT_RANK PI POSITION POW POWER
  QUARTER RADIANS RAND RANK REGEXP_LIKE REGEXP_REPLACE REPEAT REPLACE REVERSE RIGHT ROUND ROW_COUNT ROW_NUMBER
  RPAD RTRIM SECOND SHA1 SHA2 SIGN SLEEP SPACE SQRT STD STDDEV STRCMP STR_TO_DATE SUBDATE SUBSTR SUBSTRING
  SUBSTRING_INDEX SUBTIME SUM SYSDATE TIME TIMEDIFF TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF TO_DAYS TO_SECONDS TRIM
  TRUNCATE UCASE UNHEX UNIX_TIMESTAMP UPPER USER UTC_DATE UTC_TIME UTC_TIMESTAMP UUID UUID_SHORT VARIANCE VERSION
  WEEK WEEKDAY YEAR
`)

/** Words after which a name before a parenthesis is a table with its columns. */
const namesTable: ReadonlySet<string> = wordSet(`
  AS IGNORE INSERT INTO REFERENCES REPLACE TABLE
`)

/**
 * What the server does not report by session tracking: user variables set by an expression, GET_LOCK, stored functions,
 * LOCK TABLES, SET TRANSACTION, XA, HANDLER and the like.
 */
const mayLeaveState = (sql: string, all: ReadonlyArray<Token>): boolean => {
  const lexed = all.filter((token) => token.kind !== "comment")
  const [verb, second] = leadingWords(sql, lexed, 2)
  if (verb === undefined || !plainVerbs.has(verb)) return true
  // BEGIN NOT ATOMIC is a program.
  if (verb === "BEGIN" && second !== undefined && second !== "WORK") return true
  // A common table expression is a name before a parenthesis too, and declares its columns so.
  const cte = verb === "WITH"
  for (let i = 0; i < lexed.length; i++) {
    const token = lexed[i]!
    if (token.kind === "variable" && !sql.startsWith("@@", token.start)) return true
    // Of several statements in one text only the first was looked at.
    if (token.kind === "symbol" && sql[token.start] === ";" && i < lexed.length - 1) return true
    if (token.kind === "symbol" && sql[token.start] === "(" && i > 0) {
      const before = lexed[i - 1]!
      // What stands in double quotes may be a name too: that is for the session to say.
      const isName =
        before.kind === "quoted" ||
        (before.kind === "string" && sql[before.start] === '"') ||
        (before.kind === "word" && !isKnown(sql, before))
      if (isName && !isTableName(sql, lexed, i - 1) && !(cte && isCte(sql, lexed, i))) return true
    }
  }
  return false
}

/** Whether a word before a parenthesis is a function that is known to leave nothing, or no function. */
const isKnown = (sql: string, token: Token): boolean => {
  const word = sql.slice(token.start, token.end).toUpperCase()
  return pureFunctions.has(word) || keywordsBeforeParenthesis.has(word)
}

/** Whether the name at `index` follows INSERT INTO and the like, perhaps with its database before it. */
const isTableName = (sql: string, lexed: ReadonlyArray<Token>, index: number): boolean => {
  let at = index - 1
  if (at > 0 && lexed[at]!.kind === "symbol" && sql[lexed[at]!.start] === ".") at -= 2
  const before = lexed[at]
  return before?.kind === "word" && namesTable.has(sql.slice(before.start, before.end).toUpperCase())
}

/** Whether the parenthesis at `index` encloses a list of names and is followed by AS and another: `t (a, b) AS (…)`. */
const isCte = (sql: string, lexed: ReadonlyArray<Token>, index: number): boolean => {
  const textAt = (at: number): string => {
    const token = lexed[at]
    return token === undefined ? "" : sql.slice(token.start, token.end).toUpperCase()
  }
  const isName = (at: number): boolean =>
    lexed[at]?.kind === "word" || lexed[at]?.kind === "quoted" || textAt(at) === ","
  let at = index + 1
  while (isName(at)) at++
  return textAt(at) === ")" && textAt(at + 1) === "AS" && textAt(at + 2) === "("
}

/**
 * A value as a literal. `backslashes` is false where the session has NO_BACKSLASH_ESCAPES, which its status says.
 * https://dev.mysql.com/doc/refman/9.7/en/string-literals.html
 */
export const literal = (value: BoundValue, backslashes: boolean): string => {
  switch (typeof value) {
    case "number":
      return Object.is(value, -0) ? "-0e0" : Number.isSafeInteger(value) ? String(value) : exponential(value)
    case "bigint":
      return value.toString()
    case "string":
      return quoteText(value, backslashes)
    default:
      if (value === null) return "NULL"
      if (value instanceof Date) return `'${formatDateTime(value)}'`
      return BigDecimal.isBigDecimal(value) ? decimalText(value) : bytesText(value)
  }
}

/** With a point even where nothing comes after it: without one it would be an integer. */
const decimalText = (value: BigDecimal.BigDecimal): string => {
  const text = formatDecimal(value)
  return text.includes(".") ? text : `${text}.`
}

/** Without its character set MySQL would take it for a number wherever one can stand. */
const bytesText = (value: Uint8Array): string => `_binary x'${Buffer.from(value).toString("hex")}'`

/** A number with an exponent is a double; without one it would be a decimal. */
const exponential = (value: number): string => {
  const text = String(value)
  return text.includes("e") ? text : `${text}e0`
}

const quoteText = (text: string, backslashes: boolean): string => {
  const doubled = text.replaceAll("'", "''")
  return `'${backslashes ? doubled.replaceAll("\\", "\\\\").replaceAll("\0", "\\0") : doubled}'`
}

/** The statement with each marker replaced by a literal, for statements that the server does not prepare. */
const inlineBy =
  (lexicon: Lexicon): Dialect["inline"] =>
  (sql, parameters, backslashes) => {
    let text = ""
    let from = 0
    let next = 0
    for (const token of tokens(sql, { ...lexicon, backslashEscapes: backslashes })) {
      if (token.kind !== "qmark" || next >= parameters.length) continue
      text += sql.slice(from, token.start) + literal(parameters[next++]!, backslashes)
      from = token.end
    }
    return text + sql.slice(from)
  }

export const inline: Dialect["inline"] = inlineBy(lexicon)

export const dialect: Dialect = {
  name: "mysql",
  lexicon,
  quoteIdentifier,
  begin,
  commit: "COMMIT",
  commitAndChain: "COMMIT AND CHAIN",
  autocommit,
  rollback: "ROLLBACK",
  savepoint: (name) => `SAVEPOINT ${quoteIdentifier(name)}`,
  rollbackToSavepoint: (name) => `ROLLBACK TO SAVEPOINT ${quoteIdentifier(name)}`,
  releaseSavepoint: (name) => `RELEASE SAVEPOINT ${quoteIdentifier(name)}`,
  twoPhase,
  sessionIsolation: (level) =>
    isIsolationLevel(level)
      ? `SET SESSION TRANSACTION ISOLATION LEVEL ${levelWords(level)}`
      : new NotSupportedError({ reason: "NotSupported", message: "there is no isolation level of this name" }),
  mayLeaveState,
  literal,
  inline
}

/** Modes that stand for several, ANSI_QUOTES among them: MySQL's one, and those that MariaDB has besides. */
const withAnsiQuotes: ReadonlySet<string> = wordSet("ANSI ANSI_QUOTES DB2 MAXDB MSSQL POSTGRESQL")

/** One dialect for each way to read a text, so that what is known of a text is known once. */
const variants = new Map<string, Dialect>()

/**
 * The dialect of sessions with this `sql_mode`, as far as that changes how a text is read: ANSI_QUOTES makes double quotes
 * those of identifiers, and with NO_BACKSLASH_ESCAPES a backslash in a string is just that.
 * https://dev.mysql.com/doc/refman/9.7/en/sql-mode.html
 */
export const withModes = (sqlMode: string | undefined): Dialect => {
  const modes = (sqlMode ?? "").toUpperCase().split(",")
  const ansiQuotes = modes.some((mode) => withAnsiQuotes.has(mode.trim()))
  const backslashEscapes = !modes.some((mode) => mode.trim() === "NO_BACKSLASH_ESCAPES")
  if (!ansiQuotes && backslashEscapes) return dialect
  const key = `${ansiQuotes},${backslashEscapes}`
  let variant = variants.get(key)
  if (variant === undefined) {
    const own = { ...lexicon, ansiQuotes, backslashEscapes }
    variants.set(key, (variant = { ...dialect, lexicon: own, inline: inlineBy(own) }))
  }
  return variant
}

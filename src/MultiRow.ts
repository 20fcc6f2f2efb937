/**
 * Statements that insert one row of values, made statements that insert many: what makes executemany fast.
 *
 * A statement is recognised only where it surely does with n rows what it does when it is executed n times; every other
 * one is executed once for each row. Each row of the new statement has its own copy of the expressions in it, so these
 * may be made of markers, literals, operators and functions that look at nothing but their arguments, the session and
 * the clock. What follows the rows is there once and evaluated for each of them, so there a function must not make
 * anything up either. Nothing may look at the table, at variables, or at what the statement before has done.
 *
 * Three things differ nevertheless. A failure undoes all rows of its statement, where the table can undo. AUTO_INCREMENT
 * may leave out other numbers. And without MySQL's strict mode, or on its tables without transactions, a value that its
 * column cannot hold fails a row by itself, but is made to fit, with a warning, in any row of many but the first.
 *
 * @since 0.1.0
 */
import { type Lexicon, type Token, tokens } from "./Lexer.js"

/**
 * A statement that inserts one row, in parts: the row in its parentheses, and the text before and after it.
 *
 * @since 0.1.0
 * @category models
 */
export interface MultiRow {
  readonly head: string
  readonly row: string
  readonly tail: string
  readonly parametersPerRow: number
  /** What each marker of the row is. */
  readonly markers: ReadonlyArray<Marker>
  /** Every value of the row is a marker, a literal or a word such as DEFAULT: nothing is called, and no marker in an expression. */
  readonly isPlain: boolean
  /** The table's name, and its database's where the statement has it. */
  readonly table: { readonly schema: string | undefined; readonly name: string }
}

/**
 * What a marker is: a column's `whole` value; the only `argument` of functions, beside strings at the most, which decide by
 * themselves what they take it for; or an `operand`, which may be taken for what is beside it.
 *
 * @since 0.1.0
 * @category models
 */
export type Marker = "whole" | "argument" | "operand"

/**
 * What is to be known of a dialect here; a `Dialect` is one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Grammar {
  readonly name: "mysql" | "sqlite"
  readonly lexicon: Lexicon
}

const wordSet = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/))

/** What may stand between INSERT and INTO; SQLite's OR REPLACE and the like are read apart. */
const modifiers = wordSet("LOW_PRIORITY DELAYED HIGH_PRIORITY IGNORE")

/** Words that are values by themselves, or end one. */
const constants = wordSet(`
  CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEFAULT END FALSE LOCALTIME LOCALTIMESTAMP NULL TRUE UTC_DATE
  UTC_TIME UTC_TIMESTAMP
`)

/** Words after which a name is one of a type, a collation or a character set. */
const beforeNames = wordSet("AS COLLATE SET USING")

/** Words of expressions that no column can have as its name unless it is quoted. */
const reserved = wordSet(`
  AND AS BETWEEN BINARY BOTH CASE CHAR CHARACTER COLLATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER
  DECIMAL DEFAULT DISTINCT DIV DOUBLE ELSE FALSE FLOAT FOR FROM IN INT INTEGER INTERVAL IS LEADING LIKE LOCALTIME
  LOCALTIMESTAMP MOD NOT NULL OR REGEXP RLIKE SET THEN TRAILING TRUE UNSIGNED USING UTC_DATE UTC_TIME UTC_TIMESTAMP
  WHEN XOR
`)

/** Words that can stand before a parenthesis and are no functions then. */
const operators = wordSet(
  "AND BETWEEN BINARY CASE DIV ELSE IN INTERVAL IS LIKE MOD NOT OR REGEXP RLIKE SET THEN WHEN WHERE XOR"
)

/** Words that begin a subquery, or give what depends on how many rows there are or were. */
const refused = wordSet("CURRVAL NEXTVAL ROWNUM SELECT TABLE VALUES WITH")

const symbols: ReadonlySet<string> = new Set("()+-*/%<>=!|&^~.,")

/** Functions that give the same for the same arguments, in one session and at one time. */
const steady: Readonly<Record<Grammar["name"], ReadonlySet<string>>> = {
  mysql: wordSet(`
    ABS ADDDATE ADDTIME AES_DECRYPT AES_ENCRYPT ASCII BIN BIN_TO_UUID BIT_COUNT BIT_LENGTH CAST CEIL CEILING CHAR
    CHARACTER_LENGTH CHARSET CHAR_LENGTH COALESCE COLLATION COMPRESS CONCAT CONCAT_WS CONNECTION_ID CONV CONVERT
    CONVERT_TZ CRC32 CURDATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURTIME DATABASE DATE DATEDIFF
    DATE_ADD DATE_FORMAT DATE_SUB DAY DAYNAME DAYOFMONTH DAYOFWEEK DAYOFYEAR DEFAULT ELT EXP EXTRACT FIELD FIND_IN_SET
    FLOOR FORMAT FROM_BASE64 FROM_DAYS FROM_UNIXTIME GREATEST HEX HOUR IF IFNULL INET6_ATON INET6_NTOA INET_ATON
    INET_NTOA INSERT INSTR INTERVAL ISNULL JSON_ARRAY JSON_ARRAY_APPEND JSON_ARRAY_INSERT JSON_CONTAINS
    JSON_CONTAINS_PATH JSON_DEPTH JSON_EXTRACT JSON_INSERT JSON_KEYS JSON_LENGTH JSON_MERGE_PATCH JSON_MERGE_PRESERVE
    JSON_OBJECT JSON_QUOTE JSON_REMOVE JSON_REPLACE JSON_SEARCH JSON_SET JSON_TYPE JSON_UNQUOTE JSON_VALID JSON_VALUE
    LAST_DAY LCASE LEAST LEFT LENGTH LN LOCALTIME LOCALTIMESTAMP LOCATE LOG LOG10 LOG2 LOWER LPAD LTRIM MAKEDATE
    MAKETIME MD5 MICROSECOND MID MINUTE MOD MONTH MONTHNAME NOW NULLIF OCT OCTET_LENGTH ORD PERIOD_ADD PERIOD_DIFF PI
    POINT POSITION POW POWER QUARTER QUOTE REGEXP_INSTR REGEXP_REPLACE REGEXP_SUBSTR REPEAT REPLACE REVERSE RIGHT ROUND
    RPAD RTRIM SCHEMA SECOND SEC_TO_TIME SHA SHA1 SHA2 SIGN SOUNDEX SPACE SQRT STRCMP STR_TO_DATE ST_GEOMFROMGEOJSON
    ST_GEOMFROMTEXT ST_GEOMFROMWKB ST_POINTFROMTEXT ST_SRID SUBDATE SUBSTR SUBSTRING SUBSTRING_INDEX SUBTIME SYSDATE
    TIME TIMEDIFF TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF TIME_FORMAT TIME_TO_SEC TO_BASE64 TO_DAYS TO_SECONDS TRIM
    TRUNCATE UCASE UNCOMPRESS UNHEX UNIX_TIMESTAMP UPPER USER UTC_DATE UTC_TIME UTC_TIMESTAMP UUID_TO_BIN VERSION WEEK
    WEEKDAY WEEKOFYEAR YEAR YEARWEEK
  `),
  sqlite: wordSet(`
    ABS CAST CEIL CEILING CHAR COALESCE CONCAT CONCAT_WS DATE DATETIME EXP FLOOR FORMAT GLOB HEX IF IFNULL IIF INSTR
    JSON JSONB JSONB_ARRAY JSONB_EXTRACT JSONB_INSERT JSONB_OBJECT JSONB_PATCH JSONB_REMOVE JSONB_REPLACE JSONB_SET
    JSON_ARRAY JSON_ARRAY_LENGTH JSON_EXTRACT JSON_INSERT JSON_OBJECT JSON_PATCH JSON_QUOTE JSON_REMOVE JSON_REPLACE
    JSON_SET JSON_TYPE JSON_VALID JULIANDAY LENGTH LIKE LN LOG LOG10 LOG2 LOWER LTRIM MAX MIN MOD NULLIF OCTET_LENGTH PI
    POW POWER PRINTF QUOTE REPLACE ROUND RTRIM SIGN SOUNDEX SQRT STRFTIME SUBSTR SUBSTRING TIME TIMEDIFF TRIM TRUNC
    TYPEOF UNHEX UNICODE UNISTR UNIXEPOCH UPPER ZEROBLOB
  `)
}

/** Functions that make something up each time, which they may where every row has its own. */
const inventive: Readonly<Record<Grammar["name"], ReadonlySet<string>>> = {
  mysql: wordSet("RAND RANDOM_BYTES UUID UUID_SHORT"),
  sqlite: wordSet("RANDOM RANDOMBLOB")
}

/** A token that is no comment, with its text in capitals, quotes and all. */
interface Piece extends Token {
  readonly text: string
}

type Pieces = ReadonlyArray<Piece>

const piecesOf = (sql: string, lexed: ReadonlyArray<Token>): Pieces => {
  const pieces: Array<Piece> = []
  for (const token of lexed) {
    if (token.kind !== "comment") pieces.push({ ...token, text: sql.slice(token.start, token.end).toUpperCase() })
  }
  return pieces
}

/** A session can be told that a backslash in a string is a character like others. Then the tokens might be others too. */
const dependsOnBackslashes = (sql: string, lexed: ReadonlyArray<Token>, lexicon: Lexicon): boolean => {
  if (!lexicon.backslashEscapes || !sql.includes("\\")) return false
  const others = tokens(sql, { ...lexicon, backslashEscapes: false })
  return others.length !== lexed.length || others.some((other, i) => other.end !== lexed[i]?.end)
}

/** Reads pieces from the left: what it passes over is what it was asked to. */
class Reader {
  at = 0
  constructor(private readonly pieces: Pieces) {}

  get text(): string | undefined {
    return this.pieces[this.at]?.text
  }

  skip(text: string): boolean {
    if (this.text !== text) return false
    this.at++
    return true
  }

  /** A name, perhaps with its database's before it. */
  name(): boolean {
    const piece = this.pieces[this.at]
    if (piece === undefined || !isName(piece)) return false
    this.at++
    return this.skip(".") ? this.name() : true
  }

  /** Names in parentheses, be it none. */
  names(): boolean {
    if (!this.skip("(")) return false
    if (this.skip(")")) return true
    do {
      if (!this.name()) return false
    } while (this.skip(","))
    return this.skip(")")
  }
}

/** Where quotes make an identifier the lexer sees a string, and MySQL's names may begin with a digit. */
const isName = ({ kind }: Piece): boolean =>
  kind === "word" || kind === "quoted" || kind === "string" || kind === "number"

interface RowStart {
  /** The place of the parenthesis that opens the row. */
  readonly open: number
  /** The pieces of the table's name. */
  readonly table: Pieces
}

/** Where the row begins, for `INSERT … INTO table (columns) VALUES (`. */
const rowStart = (pieces: Pieces): RowStart | undefined => {
  const reader = new Reader(pieces)
  if (!reader.skip("INSERT") && !reader.skip("REPLACE")) return undefined
  while (modifiers.has(reader.text ?? "")) reader.at++
  // INSERT OR REPLACE, OR IGNORE, … of SQLite
  if (reader.skip("OR")) reader.at++
  reader.skip("INTO")
  const named = reader.at
  if (!reader.name()) return undefined
  const table = pieces.slice(named, reader.at)
  if (reader.skip("AS") && !reader.name()) return undefined
  if (reader.skip("PARTITION") && !reader.names()) return undefined
  if (reader.text === "(" && !reader.names()) return undefined
  if (!reader.skip("VALUES") && !reader.skip("VALUE")) return undefined
  return reader.text === "(" ? { open: reader.at, table } : undefined
}

/** An identifier without its quotes. */
const unquoted = (text: string): string => {
  const quote = text[0] ?? ""
  return /[`"]/.test(quote) ? text.slice(1, -1).replaceAll(quote + quote, quote) : text
}

/** The place of the parenthesis that closes the one at `open`. */
const closing = (pieces: Pieces, open: number): number | undefined => {
  let depth = 0
  for (let at = open; at < pieces.length; at++) {
    if (pieces[at]!.text === "(") depth++
    else if (pieces[at]!.text === ")" && --depth === 0) return at
  }
  return undefined
}

interface Tail {
  readonly start: number
  /** What the row is called in it: `AS new(a, b)` of MySQL. */
  readonly alias: string | undefined
}

/** Where what can follow a row begins, after the row's own alias; undefined for anything else. */
const tailOf = (pieces: Pieces, end: number): Tail | undefined => {
  const reader = new Reader(pieces)
  reader.at = end
  let alias: string | undefined
  if (reader.skip("AS")) {
    alias = reader.text
    if (!reader.name() || (reader.text === "(" && !reader.names())) return undefined
  }
  if (reader.text !== undefined && reader.text !== "ON" && reader.text !== "RETURNING") return undefined
  return { start: reader.at, alias }
}

/**
 * Whether ON DUPLICATE KEY UPDATE sets a column to itself: `id = id`. Where that is the AUTO_INCREMENT column of a row
 * that the same statement has inserted, MySQL fails, although nothing would change (error 1869).
 */
const setsToItself = (pieces: Pieces, { start, alias }: Tail): boolean => {
  const reader = new Reader(pieces)
  for (let at = start + 1; at < pieces.length; at++) {
    reader.at = at + 1
    if (pieces[at]!.text !== "=" || !reader.name() || !ends.has(reader.text ?? "")) continue
    const isOfNewRow = alias !== undefined && reader.at > at + 2 && isSameName(pieces[at + 1]!.text, alias)
    if (!isOfNewRow && isSameName(pieces[at - 1]!.text, pieces[reader.at - 1]!.text)) return true
  }
  return false
}

/** What can follow a value in ON DUPLICATE KEY UPDATE. */
const ends: ReadonlySet<string> = new Set(["", ",", "RETURNING"])

const isSameName = (one: string, other: string): boolean =>
  one.replaceAll(/[`"]/g, "") === other.replaceAll(/[`"]/g, "")

type Place = "row" | "tail"

const isOperand = ({ kind }: Piece): boolean => kind === "qmark" || kind === "string" || kind === "number"

/** Whether the piece at `at` means the same in a statement of many rows. */
const isRepeatable = (pieces: Pieces, at: number, place: Place, dialect: Grammar["name"]): boolean => {
  const piece = pieces[at]!
  const next = pieces[at + 1]
  switch (piece.kind) {
    case "number":
    case "string":
      // Functions have names like these too.
      return next?.text !== "("
    case "quoted":
      return place === "tail" && next?.text !== "("
    case "qmark":
      // ?1 of SQLite is the first parameter, in whichever row.
      return place === "row" && !(next?.kind === "number" && next.start === piece.end)
    case "symbol":
      return symbols.has(piece.text)
    case "word":
      return next?.text === "(" ? isRepeatableCall(pieces, at, place, dialect) : isRepeatableWord(pieces, at, place)
    case "named":
    case "format":
    case "pyformat":
    case "variable":
    case "comment":
      return false
  }
}

/** Whether a word before a parenthesis is a function that may be repeated, or none at all. */
const isRepeatableCall = (pieces: Pieces, at: number, place: Place, dialect: Grammar["name"]): boolean => {
  const { text, end } = pieces[at]!
  const before = pieces[at - 1]?.text
  // A function of a database's own, by its whole name.
  if (before === ".") return false
  // A type in a cast, or ON CONFLICT (columns).
  if (operators.has(text) || before === "AS" || (text === "CONFLICT" && before === "ON")) return true
  if (place === "tail" && text === "VALUES") {
    const reader = new Reader(pieces)
    reader.at = at + 2
    return reader.name() && reader.text === ")"
  }
  // With space between, some names of MySQL's functions are names of stored ones.
  if (pieces[at + 1]!.start !== end) return false
  return steady[dialect].has(text) || (place === "row" && inventive[dialect].has(text))
}

/**
 * Whether a word that is no function may be repeated. In a row a column would be what an earlier row or a default left in
 * it. A word beside an operand is none: it is an operator, a unit, or what says of which kind a literal is.
 */
const isRepeatableWord = (pieces: Pieces, at: number, place: Place): boolean => {
  const { text } = pieces[at]!
  const before = pieces[at - 1]
  const next = pieces[at + 1]
  // $name is a parameter of SQLite's, NEXT VALUE FOR a sequence's.
  if (refused.has(text) || text.startsWith("$") || (text === "VALUE" && next?.text === "FOR")) return false
  if (place === "tail" || reserved.has(text)) return true
  if (next !== undefined && isOperand(next)) return true
  if (before === undefined) return false
  return isOperand(before) || before.text === ")" || constants.has(before.text) || beforeNames.has(before.text)
}

/**
 * The parts of an `INSERT` or `REPLACE … VALUES` statement with one row, or undefined where it is not certain that many
 * rows in one statement are what many statements are. Markers are `?`, as in compiled statements, and all in the row.
 *
 * @since 0.1.0
 * @category recognising
 */
export const recognise = (sql: string, { name, lexicon }: Grammar): MultiRow | undefined => {
  const lexed = tokens(sql, lexicon)
  const pieces = piecesOf(sql, lexed)
  const begun = rowStart(pieces)
  if (begun === undefined) return undefined
  const { open } = begun
  const close = closing(pieces, open)
  if (close === undefined || dependsOnBackslashes(sql, lexed, lexicon)) return undefined
  for (let at = open; at <= close; at++) if (!isRepeatable(pieces, at, "row", name)) return undefined
  const values = valuesOf(pieces, open, close)
  const markers = values.flatMap(markersOf)
  if (markers.length === 0) return undefined
  let end = pieces.length
  while (pieces[end - 1]!.text === ";") end--
  const statement = pieces.slice(0, end)
  const tail = tailOf(statement, close + 1)
  if (tail === undefined || (name === "mysql" && setsToItself(statement, tail))) return undefined
  for (let at = tail.start; at < end; at++) if (!isRepeatable(statement, at, "tail", name)) return undefined
  const [first, last] = [pieces[open]!.start, pieces[close]!.end]
  const names = begun.table.flatMap(({ start, end, text }) => (text === "." ? [] : [unquoted(sql.slice(start, end))]))
  const table = { schema: names.at(-2), name: names.at(-1) ?? "" }
  return {
    head: sql.slice(0, first),
    row: sql.slice(first, last),
    tail: sql.slice(last),
    parametersPerRow: markers.length,
    markers,
    isPlain: markers.every((marker) => marker === "whole") && !values.flat().some(({ text }) => text === "("),
    table
  }
}

/** The row's values: what is between its own commas. */
const valuesOf = (pieces: Pieces, open: number, close: number): ReadonlyArray<Pieces> => {
  const values: Array<Pieces> = []
  let depth = 0
  let from = open + 1
  for (let at = from; at <= close; at++) {
    const { text } = pieces[at]!
    if (depth === 0 && (text === "," || at === close)) {
      values.push(pieces.slice(from, at))
      from = at + 1
    } else if (text === "(") depth++
    else if (text === ")") depth--
  }
  return values
}

const markersOf = (value: Pieces): ReadonlyArray<Marker> => {
  const markers = value.filter(({ kind }) => kind === "qmark")
  if (value.length === 1) return markers.map(() => "whole")
  const isArgument = markers.length === 1 && value.every((_, at) => isOfCall(value, at))
  return markers.map(() => (isArgument ? "argument" : "operand"))
}

/** Whether the piece can be one of functions that are called with markers and strings. */
const isOfCall = (value: Pieces, at: number): boolean => {
  const { kind, text } = value[at]!
  if (kind === "word") return value[at + 1]?.text === "(" && !operators.has(text)
  return kind === "qmark" || kind === "string" || text === "(" || text === ")" || text === ","
}

/**
 * The statement with so many rows, at least one. With one it is the text that was recognised.
 *
 * @since 0.1.0
 * @category making
 */
export const statementOf = ({ head, row, tail }: MultiRow, rows: number): string =>
  `${head}${row}${`,${row}`.repeat(rows - 1)}${tail}`

/**
 * How much one statement may hold.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits<in A> {
  readonly maxRows: number
  /** 65,535 for a prepared statement of MySQL and MariaDB, 32,766 for one of SQLite. */
  readonly maxParameters: number
  /** Of text and values together, in bytes: `max_allowed_packet` of MySQL and MariaDB, less the packet's own head. */
  readonly maxBytes: number
  /** The bytes of a value, as it is sent. */
  readonly sizeOf: (value: A) => number
}

/**
 * Cuts sets of parameters into batches for one statement each, in order. A batch keeps within the limits, unless it is a
 * single row that is over them by itself.
 *
 * The batches have few different sizes, so that the statements for them have few different texts, which are prepared
 * once each: as many rows as the limits allow whatever is in them, or else a power of two.
 *
 * @since 0.1.0
 * @category batches
 */
export const batches = <A>(
  parts: MultiRow,
  sets: ReadonlyArray<ReadonlyArray<A>>,
  { maxRows, maxParameters, maxBytes, sizeOf }: Limits<A>
): ReadonlyArray<ReadonlyArray<ReadonlyArray<A>>> => {
  const full = Math.max(1, Math.floor(Math.min(maxRows, maxParameters / parts.parametersPerRow)))
  const textOfRow = Buffer.byteLength(parts.row) + 1
  // There is a comma less than there are rows.
  const budget = maxBytes + 1 - Buffer.byteLength(parts.head) - Buffer.byteLength(parts.tail)
  /** How many sets from this one on fit, no more than `full`. */
  const fitting = (from: number): number => {
    const most = Math.min(full, sets.length - from)
    let bytes = 0
    for (let rows = 0; rows < most; rows++) {
      bytes += textOfRow
      for (const value of sets[from + rows]!) bytes += sizeOf(value)
      if (bytes > budget) return rows
    }
    return most
  }
  const cut: Array<ReadonlyArray<ReadonlyArray<A>>> = []
  for (let from = 0; from < sets.length; ) {
    const fits = fitting(from)
    const rows = fits === full ? full : powerOfTwoWithin(Math.max(1, fits))
    cut.push(sets.slice(from, from + rows))
    from += rows
  }
  return cut
}

/** The greatest power of two that is not above this whole number. */
const powerOfTwoWithin = (most: number): number => 2 ** (31 - Math.clz32(most))

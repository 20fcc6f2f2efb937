/**
 * What is known of the text of a statement, whatever its parameters: where its markers stand, what it does, and what it may
 * leave behind.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Dialect.js"
import { ArgumentError } from "./Errors.js"
import { leadingWords, type Token, tokens } from "./Lexer.js"

/**
 * How the markers of texts are written, by PEP 249's names: `qmark` is `?`, `named` is `:name`, `format` is `%s`, and
 * `pyformat` is `%(name)s`.
 *
 * @since 0.1.0
 * @category models
 */
export type Paramstyle = "qmark" | "named" | "format" | "pyformat"

/** One dialect for each style of each, so that what is known of a text is known once. */
const withPercents = new WeakMap<Dialect, Map<"format" | "pyformat", Dialect>>()

/**
 * The dialect of texts with these markers besides `?` and `:name`.
 *
 * @since 0.1.0
 * @category parsing
 */
export const withParamstyle = (dialect: Dialect, paramstyle: Paramstyle | undefined): Dialect => {
  if (paramstyle !== "format" && paramstyle !== "pyformat") return dialect
  const variants = withPercents.get(dialect) ?? new Map<"format" | "pyformat", Dialect>()
  withPercents.set(dialect, variants)
  const variant = variants.get(paramstyle) ?? { ...dialect, lexicon: { ...dialect.lexicon, percents: paramstyle } }
  variants.set(paramstyle, variant)
  return variant
}

/**
 * What is known of a text.
 *
 * @since 0.1.0
 * @category models
 */
export interface SqlText {
  /** The text with `?` for every marker. */
  readonly sql: string
  /** The name of each marker; undefined for a text whose markers have none. */
  readonly names: ReadonlyArray<string> | undefined
  readonly count: number
  /** It may leave something in the session that the database does not report. */
  readonly leavesState: boolean
  /** It defines, changes or drops tables and the like. */
  readonly isDdl: boolean
  /** It reads, takes no locks and leaves nothing behind. */
  readonly isRead: boolean
  /** It begins or ends a transaction. */
  readonly isControl: boolean
  /** The name of the file that the server will ask for. */
  readonly fileName: string | undefined
}

/** Texts that are kept, for each dialect. A program that makes new texts all the time pushes the oldest out. */
const keptTexts = 1_024

type Kept = Map<string, SqlText | ArgumentError>

const written = new WeakMap<Dialect, Kept>()
const built = new WeakMap<Dialect, Kept>()

const keptBy = (texts: WeakMap<Dialect, Kept>, dialect: Dialect): Kept => {
  let kept = texts.get(dialect)
  if (kept === undefined) texts.set(dialect, (kept = new Map()))
  return kept
}

const keep = (kept: Kept, sql: string, text: SqlText | ArgumentError): SqlText | ArgumentError => {
  if (kept.size >= keptTexts) {
    const oldest = kept.keys().next()
    if (oldest.done !== true) kept.delete(oldest.value)
  }
  kept.set(sql, text)
  return text
}

/**
 * What is known of a text that a person wrote, with markers of one style.
 *
 * @since 0.1.0
 * @category parsing
 */
export const ofWritten = (sql: string, dialect: Dialect): SqlText | ArgumentError => {
  const kept = keptBy(written, dialect)
  return kept.get(sql) ?? keep(kept, sql, parseWritten(sql, dialect))
}

/**
 * What is known of a text that was built, whose only markers are `?`: what looks like another is part of it.
 *
 * @since 0.1.0
 * @category parsing
 */
export const ofBuilt = (sql: string, dialect: Dialect): SqlText | ArgumentError => {
  const kept = keptBy(built, dialect)
  return kept.get(sql) ?? keep(kept, sql, parseBuilt(sql, dialect))
}

const parseBuilt = (sql: string, dialect: Dialect): SqlText | ArgumentError => {
  const lexed = tokens(sql, { ...dialect.lexicon, percents: undefined })
  const count = lexed.filter(({ kind }) => kind === "qmark").length
  return isEmpty(sql, lexed) ? emptyText() : { sql, names: undefined, count, ...characteristics(sql, lexed, dialect) }
}

const markerKinds: Readonly<Record<Paramstyle, string>> = {
  qmark: "?",
  named: ":name",
  format: "%s",
  pyformat: "%(name)s"
}

const isMarker = (token: Token): token is Token & { readonly kind: Paramstyle } => token.kind in markerKinds

const parseWritten = (sql: string, dialect: Dialect): SqlText | ArgumentError => {
  const lexed = tokens(sql, dialect.lexicon)
  if (isEmpty(sql, lexed)) return emptyText()
  const markers = lexed.filter(isMarker)
  const styles = [...new Set(markers.map(({ kind }) => kind))]
  if (styles.length > 1) {
    return new ArgumentError({
      argument: "statement",
      given: `markers of ${styles.length === 2 ? "two" : "several"} styles, ${styles.map((style) => markerKinds[style]).join(" and ")}`,
      expected: "markers of one style"
    })
  }
  const rest = { count: markers.length, ...characteristics(sql, lexed, dialect) }
  const style: Paramstyle | undefined = styles[0]
  switch (style) {
    case undefined:
    case "qmark":
      return { sql, names: undefined, ...rest }
    case "named":
      return {
        sql: withQmarks(sql, markers),
        names: markers.map(({ start, end }) => sql.slice(start + 1, end)),
        ...rest
      }
    case "format":
      return { sql: withQmarks(sql, markers, lexed), names: undefined, ...rest }
    case "pyformat": {
      const names = markers.map(({ start, end }) => sql.slice(start + 2, end - 2))
      return { sql: withQmarks(sql, markers, lexed), names, ...rest }
    }
  }
}

const isEmpty = (sql: string, lexed: ReadonlyArray<Token>): boolean =>
  lexed.every((token) => token.kind === "comment" || sql[token.start] === ";")

const emptyText = (): ArgumentError =>
  new ArgumentError({ argument: "statement", given: "a text without a statement", expected: "one statement" })

const ddlVerbs: ReadonlySet<string> = new Set(["CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME"])

const characteristics = (
  sql: string,
  lexed: ReadonlyArray<Token>,
  dialect: Dialect
): Pick<SqlText, "leavesState" | "isDdl" | "isRead" | "isControl" | "fileName"> => {
  const words = leadingWords(sql, lexed, 2)
  const verb = words[0]
  const leavesState = dialect.mayLeaveState(sql, lexed)
  return {
    leavesState,
    isRead: verb === "SELECT" && !leavesState && !lexed.some((token) => takesMore(sql, token)),
    isControl: isControl(words) || (verb === "SET" && lexed.some((token) => setsAutocommit(sql, token))),
    fileName: verb === "LOAD" ? fileNameOf(sql, lexed) : undefined,
    isDdl: verb !== undefined && ddlVerbs.has(verb)
  }
}

/** BEGIN and its kind, XA too; not ROLLBACK TO a savepoint, nor BEGIN NOT ATOMIC, which is a program. */
const isControl = ([verb, second]: ReadonlyArray<string>): boolean => {
  switch (verb) {
    case "COMMIT":
    case "END":
      return true
    case "ROLLBACK":
      return second !== "TO"
    case "BEGIN":
      return second !== "NOT"
    case "START":
      return second === "TRANSACTION"
    case "XA":
      return second !== "RECOVER"
    default:
      return false
  }
}

/** To switch autocommit on commits, and without it a session is always in a transaction. */
const setsAutocommit = (sql: string, token: Token): boolean =>
  token.kind !== "string" && /^(?:@@(?:session\.|local\.)?)?`?autocommit`?$/i.test(sql.slice(token.start, token.end))

/**
 * The name in `LOAD DATA LOCAL INFILE 'name'`, or LOAD XML. One with quotes or backslashes in it is none: what it means
 * depends on the session.
 */
const fileNameOf = (sql: string, lexed: ReadonlyArray<Token>): string | undefined => {
  const all = lexed.filter((token) => token.kind !== "comment").map((token) => sql.slice(token.start, token.end))
  const infile = all.findIndex((each) => each.toUpperCase() === "INFILE")
  const before = all.slice(0, Math.max(0, infile)).join(" ")
  return /^LOAD (?:DATA|XML) (?:(?:LOW_PRIORITY|CONCURRENT) )?LOCAL$/i.test(before)
    ? /^(['"])([^'"\\]+)\1$/.exec(all[infile + 1] ?? "")?.[2]
    : undefined
}

/** FOR UPDATE, LOCK IN SHARE MODE, INTO OUTFILE: a select with any of these words may do more than read. */
const takesMore = (sql: string, token: Token): boolean =>
  token.kind === "word" && /^(?:for|lock|into)$/i.test(sql.slice(token.start, token.end))

/**
 * The text with `?` for its markers. Where `%` marks them `%%` is a `%`, in strings too, as Python has it; `lexed` says
 * where comments stand, which stay as they are.
 */
const withQmarks = (sql: string, markers: ReadonlyArray<Token>, lexed?: ReadonlyArray<Token>): string => {
  const halved = (from: number, to: number): string => {
    const part = sql.slice(from, to)
    return lexed === undefined ? part : part.replaceAll("%%", "%")
  }
  const kept = lexed === undefined ? [] : lexed.filter(({ kind }) => kind === "comment")
  let text = ""
  let from = 0
  for (const token of [...markers, ...kept].sort((a, b) => a.start - b.start)) {
    text += halved(from, token.start) + (token.kind === "comment" ? sql.slice(token.start, token.end) : "?")
    from = token.end
  }
  return text + halved(from, sql.length)
}

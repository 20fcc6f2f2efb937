/**
 * Splits SQL text into its tokens, so that what stands in strings, quoted identifiers and comments is never taken for
 * anything else. It knows how SQL is written, not what it means.
 *
 * @since 0.1.0
 */

/**
 * How a database writes SQL, where they differ.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lexicon {
  /** A backslash in a string escapes the next character. */
  readonly backslashEscapes: boolean
  /** What stands in double quotes is an identifier. Without it, it is a string, in which a backslash may escape. */
  readonly ansiQuotes?: boolean | undefined
  /** `#` begins a comment. */
  readonly hashComments: boolean
  /** `--` begins a comment only before white space or a control character. */
  readonly dashesNeedSpace: boolean
  /** What stands in a `/*! … *\/` comment is executed. */
  readonly executableComments: boolean
  /** `[name]` is a quoted identifier. */
  readonly brackets: boolean
  /** `%s` is a marker, and with `pyformat` also `%(name)s`; `%%` stands for `%`. Not SQL's own, but the program's. */
  readonly percents?: "format" | "pyformat" | undefined
}

/**
 * What a token is. A `string` is what stands in single or double quotes (which are identifiers on some databases: for
 * finding markers there is no difference), a `quoted` is what can only be an identifier, a `named` is `:name`, a `format`
 * is `%s`, a `pyformat` is `%(name)s`.
 *
 * @since 0.1.0
 * @category models
 */
export type TokenKind =
  | "word"
  | "number"
  | "string"
  | "quoted"
  | "comment"
  | "qmark"
  | "named"
  | "format"
  | "pyformat"
  | "variable"
  | "symbol"

/**
 * A token: its kind, and where in the text it stands.
 *
 * @since 0.1.0
 * @category models
 */
export interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
}

const isWordStart = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code === 36 || code >= 128

const isDigit = (code: number): boolean => code >= 48 && code <= 57

const isWordPart = (code: number): boolean => isWordStart(code) || isDigit(code)

/** What servers take for the space that two dashes need: DEL too. */
const isControl = (code: number): boolean => code <= 32 || code === 127

const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13)

/**
 * The tokens of a text, in order; white space is left out. A string or comment that is not closed ends with the text.
 *
 * @since 0.1.0
 * @category lexing
 */
export const tokens = (sql: string, lexicon: Lexicon): ReadonlyArray<Token> => {
  const found: Array<Token> = []
  const length = sql.length
  let at = 0

  const isBound = (before: number): boolean =>
    before >= 0 && (sql[before] === ":" || isWordPart(sql.charCodeAt(before)))
  const wordEnd = (from: number): number => {
    let end = from
    while (end < length && isWordPart(sql.charCodeAt(end))) end++
    return end
  }
  /** The end of what is quoted: the quote doubled stands for itself. */
  const quotedEnd = (quote: string, escapes: boolean): number => {
    let end = at + 1
    while (end < length) {
      const char = sql[end]
      if (escapes && char === "\\") end += 2
      else if (char !== quote) end++
      else if (sql[end + 1] === quote) end += 2
      else return end + 1
    }
    return length
  }
  const until = (mark: string, from: number): number => {
    const index = sql.indexOf(mark, from)
    return index < 0 ? length : index + mark.length
  }
  const add = (kind: TokenKind, end: number): void => {
    found.push({ kind, start: at, end: Math.min(end, length) })
    at = end
  }

  /** `%s` or `%(name)s`. */
  const percentMarker = (): "format" | "pyformat" | undefined => {
    if (sql[at + 1] === "s" && !isWordPart(sql.charCodeAt(at + 2))) return "format"
    return lexicon.percents === "pyformat" && /^%\([^)]+\)s/.test(sql.slice(at, at + 80)) ? "pyformat" : undefined
  }

  while (at < length) {
    const code = sql.charCodeAt(at)
    const char = sql[at]
    const next = sql[at + 1]
    if (isSpace(code)) at++
    else if (isWordStart(code)) add("word", wordEnd(at))
    else if (isDigit(code)) add("number", wordEnd(at))
    else if (char === '"' && lexicon.ansiQuotes === true) add("quoted", quotedEnd('"', false))
    else if (char === "'" || char === '"') add("string", quotedEnd(char, lexicon.backslashEscapes))
    else if (char === "`") add("quoted", quotedEnd("`", false))
    else if (char === "[" && lexicon.brackets) add("quoted", until("]", at))
    else if (char === "#" && lexicon.hashComments) add("comment", until("\n", at))
    else if (
      char === "-" &&
      next === "-" &&
      (!lexicon.dashesNeedSpace || at + 2 >= length || isControl(sql.charCodeAt(at + 2)))
    )
      add("comment", until("\n", at))
    else if (char === "/" && next === "*") {
      const opener = lexicon.executableComments ? /^\/\*M?!\d*/.exec(sql.slice(at, at + 10)) : null
      if (opener === null) add("comment", until("*/", at + 2))
      else add("symbol", at + opener[0].length)
    } else if (char === "*" && next === "/" && lexicon.executableComments) add("symbol", at + 2)
    else if (char === "?") add("qmark", at + 1)
    else if (char === "%" && lexicon.percents !== undefined) {
      const kind = percentMarker()
      if (kind === undefined) add("symbol", at + (next === "%" ? 2 : 1))
      else add(kind, kind === "format" ? at + 2 : until(")s", at))
    }
    // `label:LOOP` of a stored program and `::` are none.
    else if (char === ":" && at + 1 < length && isWordStart(sql.charCodeAt(at + 1)) && !isBound(at - 1))
      add("named", wordEnd(at + 1))
    else if (char === "@") add("variable", wordEnd(next === "@" ? at + 2 : at + 1))
    else add("symbol", at + 1)
  }
  return found
}

/**
 * The words of a statement in capitals, as far as `most`, without comments and strings.
 *
 * @since 0.1.0
 * @category lexing
 */
export const leadingWords = (sql: string, lexed: ReadonlyArray<Token>, most: number): ReadonlyArray<string> => {
  const words: Array<string> = []
  for (const token of lexed) {
    if (words.length === most) break
    if (token.kind === "word") words.push(sql.slice(token.start, token.end).toUpperCase())
    else if (token.kind !== "comment" && token.kind !== "symbol") break
  }
  return words
}

/**
 * The tokens of an SQL text by their places, and what names and strings mean without their quotes.
 *
 * @since 0.1.0
 */
import { type Lexicon, type Token, tokens } from "./Lexer.js"

/**
 * The tokens of a text, without its comments, by their places.
 *
 * @since 0.1.0
 * @category models
 */
export class Words {
  readonly all: ReadonlyArray<Token>
  constructor(
    readonly sql: string,
    lexicon: Lexicon
  ) {
    this.all = tokens(sql, lexicon).filter((token) => token.kind !== "comment")
  }
  get count(): number {
    return this.all.length
  }
  /** The token as it stands; empty beyond the end. */
  text(at: number): string {
    const token = this.all[at]
    return token === undefined ? "" : this.sql.slice(token.start, token.end)
  }
  /** A word in capitals; empty for what is quoted, and for everything else. */
  word(at: number): string {
    return this.all[at]?.kind === "word" ? this.text(at).toUpperCase() : ""
  }
  kind(at: number): Token["kind"] | undefined {
    return this.all[at]?.kind
  }
  isSymbol(at: number, symbol: string): boolean {
    return this.kind(at) === "symbol" && this.text(at) === symbol
  }
  /** Nothing stands between this token and the next. */
  touchesNext(at: number): boolean {
    return this.all[at]?.end === this.all[at + 1]?.start
  }
  /** The place of the parenthesis that closes the one at `open`; the last place where none does. */
  closing(open: number): number {
    let depth = 0
    for (let at = open; at < this.count; at++) {
      if (this.isSymbol(at, "(")) depth++
      else if (this.isSymbol(at, ")") && --depth === 0) return at
    }
    return this.count - 1
  }
  /** The text from one token to another, both included. */
  slice(from: number, to: number): string {
    return this.sql.slice(this.all[from]?.start ?? 0, this.all[to]?.end ?? 0)
  }
  /** What stands in the parentheses that open at `open`. */
  within(open: number): string {
    return this.sql.slice(this.all[open]?.end ?? 0, this.all[this.closing(open)]?.start ?? 0).trim()
  }
  /** The first and the last place of each part between commas, of those from `from` up to `to`. */
  parts(from: number, to: number): ReadonlyArray<readonly [first: number, last: number]> {
    const found: Array<readonly [number, number]> = []
    let first = from
    for (let at = from; at < to; at++) {
      if (this.isSymbol(at, "(")) at = this.closing(at)
      else if (this.isSymbol(at, ",")) {
        found.push([first, at - 1])
        first = at + 1
      }
    }
    if (first < to) found.push([first, to - 1])
    return found
  }
}

/**
 * A name without its quotes.
 *
 * @since 0.1.0
 * @category reading
 */
export const unquotedName = (text: string): string => {
  const quote = text[0]
  if (quote === "[") return text.slice(1, -1)
  return quote === '"' || quote === "`" || quote === "'" ? text.slice(1, -1).replaceAll(quote + quote, quote) : text
}

const escaped: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "0": "\0", b: "\b", Z: "\x1a" }

/**
 * What a string literal means.
 *
 * @since 0.1.0
 * @category reading
 */
export const unquotedText = (literal: string, lexicon: Lexicon): string => {
  const quote = literal[0]
  const end = literal.length - 1
  let text = ""
  for (let at = 1; at < end; at++) {
    const char = literal[at]!
    const next = literal[at + 1] ?? ""
    if (char === quote) at++
    if (char !== "\\" || !lexicon.backslashEscapes) text += char
    else {
      // A wildcard of LIKE keeps its backslash.
      text += next === "%" || next === "_" ? `\\${next}` : (escaped[next] ?? next)
      at++
    }
  }
  return text
}

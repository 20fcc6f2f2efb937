/**
 * The parts of a text that may be told where values are not to be seen: its words and names, with `?` in the place of every
 * value. What is in doubt is taken for a value.
 *
 * @since 0.1.0
 */
import { type Lexicon, type Token, tokens } from "./Lexer.js"

/** Characters that are read of a text: what comes after them is told of no statement. */
const readCharacters = 8_192

/** No name of a database, a table or a column is longer, with its quotes. */
const nameCharacters = 130

/**
 * A part of a text that may be told. A `value` is what stands for one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Piece {
  readonly kind: "word" | "name" | "value" | "marker" | "symbol"
  readonly text: string
  /** Something stood between it and the one before. */
  readonly isApart: boolean
}

/** The place of the first token that two readings of a text do not have in common. */
const agreement = (one: ReadonlyArray<Token>, other: ReadonlyArray<Token>): number => {
  const shorter = Math.min(one.length, other.length)
  for (let i = 0; i < shorter; i++) {
    if (one[i]!.start !== other[i]!.start || one[i]!.end !== other[i]!.end) return i
  }
  return one.length === other.length ? one.length : shorter
}

/** A word that is one in every reading: no typographic quotes, no dollar quotes. */
const isPlainWord = (word: string): boolean =>
  /^[\w$]+$/.test(word) ? !/^\$|\$[^$]*\$/.test(word) : /^[\p{L}\p{N}\p{M}_]+$/u.test(word)

/** What begins another string, identifier or comment. */
const opensSomething = /['"`#]|--|\/\*/

/** Values that are words. */
const wordValues: ReadonlySet<string> = new Set(["TRUE", "FALSE"])

/** What a sign that belongs to a number stands behind. */
const beforeSign: ReadonlySet<string> = new Set(["(", ",", "=", "<", ">"])

/** Makes pieces of a text, up to the first thing that can be read in two ways; that and all behind it is one value. */
class Pieces {
  readonly all: Array<Piece> = []
  private readonly lexed: ReadonlyArray<Token>
  private readonly sql: string
  /** The first token that another session might read otherwise. */
  private readonly certain: number

  constructor(given: string, lexicon: Lexicon) {
    this.sql = given.length > readCharacters ? given.slice(0, readCharacters) : given
    const plain: Lexicon = { ...lexicon, percents: undefined }
    this.lexed = tokens(this.sql, plain)
    this.certain = this.sql.includes("\\") ? this.certainBeside(plain) : this.lexed.length
    this.read()
    if (given.length > readCharacters) this.all.push({ kind: "symbol", text: "…", isApart: true })
  }

  /** Sessions of servers can be told to read backslashes and double quotes in another way. SQLite has one way. */
  private certainBeside(lexicon: Lexicon): number {
    if (lexicon.brackets) return this.lexed.length
    const others = [
      { backslashEscapes: true, ansiQuotes: false },
      { backslashEscapes: true, ansiQuotes: true },
      { backslashEscapes: false, ansiQuotes: false }
    ]
    return Math.min(...others.map((other) => agreement(this.lexed, tokens(this.sql, { ...lexicon, ...other }))))
  }

  private text(at: number): string {
    const token = this.lexed[at]
    return token === undefined ? "" : this.sql.slice(token.start, token.end)
  }

  private kind(at: number): Token["kind"] | undefined {
    return this.lexed[at]?.kind
  }

  /** Nothing stands between this token and the one before it. */
  private touches(at: number): boolean {
    const token = this.lexed[at]
    return token !== undefined && at > 0 && this.lexed[at - 1]!.end === token.start
  }

  private add(kind: Piece["kind"], at: number, text: string): void {
    this.all.push({ kind, text, isApart: at > 0 && !this.touches(at) })
  }

  private read(): void {
    for (let at = 0; at < this.lexed.length; ) {
      const next = at < this.certain ? this.readAt(at) : undefined
      if (next === undefined) {
        this.add("value", at, "?")
        return
      }
      at = next
    }
  }

  /** Reads from a token on, and gives the place of the next; undefined where nobody can say what it is. */
  private readAt(at: number): number | undefined {
    const text = this.text(at)
    switch (this.kind(at)) {
      case "comment":
        return at + 1
      case "string":
        return this.readString(at)
      case "number":
        return this.readNumber(at)
      case "quoted":
        return this.readName(at, text)
      case "word":
        if (!isPlainWord(text)) return undefined
        if (wordValues.has(text.toUpperCase())) this.add("value", at, "?")
        else this.add("word", at, text)
        return at + 1
      case "qmark":
      case "named":
      case "format":
      case "pyformat":
        this.add("marker", at, text)
        return at + 1
      case "variable":
        this.add("name", at, text)
        return at + 1
      case "symbol":
        return this.readSymbol(at, text)
      case undefined:
        return undefined
    }
  }

  /** `x'0f'`, `b'1'` and `n'text'` are one value. */
  private readString(at: number): number {
    const before = this.all.at(-1)
    if (this.touches(at) && before?.kind === "word" && /^[xbn]$/i.test(before.text)) {
      this.all.pop()
      this.all.push({ ...before, kind: "value", text: "?" })
    } else this.add("value", at, "?")
    return at + 1
  }

  /** A quoted name that does not end is none. */
  private readName(at: number, text: string): number | undefined {
    const last = text[0] === "[" ? "]" : text[0]
    if (text.length < 2 || text.length > nameCharacters || text.at(-1) !== last) return undefined
    this.add("name", at, text)
    return at + 1
  }

  /** A number with the sign that belongs to it. */
  private readNumber(at: number): number {
    const sign = this.all.at(-1)
    const before = this.all.at(-2)
    if (this.touches(at) && (sign?.text === "-" || sign?.text === "+") && beforeSign.has(before?.text ?? "")) {
      this.all.pop()
      this.all.push({ kind: "value", text: "?", isApart: sign.isApart })
    } else this.add("value", at, "?")
    return this.numberEnd(at)
  }

  /** `0x0f`, `1.5e-3` and `1.e5` are several tokens and one value. */
  private numberEnd(at: number): number {
    let next = at + 1
    while (this.touches(next)) {
      const text = this.text(next)
      const isExponent =
        (text === "-" || text === "+") &&
        /e$/i.test(this.text(next - 1)) &&
        this.touches(next + 1) &&
        this.kind(next + 1) === "number"
      if (text !== "." && this.kind(next) !== "number" && this.kind(next) !== "word" && !isExponent) break
      next++
    }
    return next
  }

  private readSymbol(at: number, text: string): number | undefined {
    if (text.startsWith("/*")) return this.readExecutable(at)
    // Nothing that all sessions read in the same way has one outside of quotes.
    if (text === "\\") return undefined
    const isFraction = text === "." && this.kind(at + 1) === "number" && this.touches(at + 1) && !this.isInName(at)
    this.add(isFraction ? "value" : "symbol", at, isFraction ? "?" : text)
    return isFraction ? this.numberEnd(at + 1) : at + 1
  }

  /** A dot stands behind a name. */
  private isInName(at: number): boolean {
    const before = this.touches(at) ? this.kind(at - 1) : undefined
    return before === "word" || before === "quoted" || before === "number"
  }

  /**
   * `/*! … *\/` is executed by some servers and a comment for others, so it is passed over. What may begin a string in it is
   * one for some, and the end of it is somewhere else then.
   */
  private readExecutable(at: number): number | undefined {
    const { end } = this.lexed[at]!
    const close = this.sql.indexOf("*/", end)
    if (close < 0 || opensSomething.test(this.sql.slice(end, close))) return undefined
    const next = this.lexed.findIndex((token, i) => i > at && token.start >= close + 2)
    return next < 0 ? this.lexed.length : next
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// the text

/**
 * The pieces of a text, in order.
 *
 * @since 0.1.0
 * @category reading
 */
export const piecesOf = (sql: string, lexicon: Lexicon): ReadonlyArray<Piece> => new Pieces(sql, lexicon).all

/**
 * The place of the parenthesis that closes the one at `open`; undefined where none does.
 *
 * @since 0.1.0
 * @category reading
 */
export const closing = (pieces: ReadonlyArray<Piece>, open: number): number | undefined => {
  let depth = 0
  for (let at = open; at < pieces.length; at++) {
    if (pieces[at]!.text === "(") depth++
    else if (pieces[at]!.text === ")" && --depth === 0) return at
  }
  return undefined
}

const isPlace = (piece: Piece | undefined): boolean => piece?.text === "?"

/** Places of pieces that say nothing new: `IN (?, ?, ?)` becomes `IN (?)`, and of equal rows of VALUES one is left. */
const repeated = (pieces: ReadonlyArray<Piece>): ReadonlySet<number> => {
  const found = new Set<number>()
  const leaveOut = (from: number, to: number): void => {
    for (let at = from; at <= to; at++) found.add(at)
  }
  const written = (from: number, to: number): string =>
    pieces
      .slice(from, to + 1)
      .map(({ text }) => text)
      .join(" ")
  pieces.forEach((piece, at) => {
    if (piece.kind !== "word" || pieces[at + 1]?.text !== "(") return
    const word = piece.text.toUpperCase()
    const end = closing(pieces, at + 1)
    if (end === undefined) return
    if (word === "IN") {
      const list = pieces.slice(at + 2, end)
      if (list.every((each, i) => (i % 2 === 0 ? isPlace(each) : each.text === ","))) leaveOut(at + 3, end - 1)
    } else if (word === "VALUES" || word === "VALUE") {
      let row = written(at + 1, end)
      for (let last = end; pieces[last + 1]?.text === "," && pieces[last + 2]?.text === "("; ) {
        const close = closing(pieces, last + 2)
        if (close === undefined) return
        const next = written(last + 2, close)
        if (next === row) leaveOut(last + 1, close)
        row = next
        last = close
      }
    }
  })
  return found
}

/**
 * The text of pieces, with one of what is repeated.
 *
 * @since 0.1.0
 * @category reading
 */
export const textOf = (pieces: ReadonlyArray<Piece>): string => {
  const left = repeated(pieces)
  let text = ""
  pieces.forEach((piece, at) => {
    if (!left.has(at)) text += piece.isApart && text !== "" ? ` ${piece.text}` : piece.text
  })
  return text
}

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

/** `@name` and `@@name`. What is quoted behind the sign is a token of its own: `@'name'`, and the host of a user. */
const isPlainVariable = (variable: string): boolean => {
  const name = variable.replace(/^@@?/, "")
  return name === "" || (/^[\w$.]+$/.test(name) && isPlainWord(name.replaceAll(".", "_")))
}

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
      case "format":
      case "pyformat":
        this.add("marker", at, text)
        return at + 1
      case "named":
        if (!isPlainWord(text.slice(1))) return undefined
        this.add("marker", at, text)
        return at + 1
      case "variable":
        if (!isPlainVariable(text)) return undefined
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
    let next = at + 1
    while (next < this.lexed.length && this.lexed[next]!.start < close + 2) next++
    return next
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
 * The place of the parenthesis that closes the one at a place. What nothing closes is not in it.
 *
 * @since 0.1.0
 * @category models
 */
export type Closings = ReadonlyMap<number, number>

/**
 * Where each parenthesis is closed, in one pass: texts can have thousands of them within each other.
 *
 * @since 0.1.0
 * @category reading
 */
export const closingsOf = (pieces: ReadonlyArray<Piece>): Closings => {
  const closings = new Map<number, number>()
  const open: Array<number> = []
  pieces.forEach(({ text }, at) => {
    if (text === "(") open.push(at)
    else if (text === ")") {
      const opened = open.pop()
      if (opened !== undefined) closings.set(opened, at)
    }
  })
  return closings
}

/** Pieces that say nothing new: `IN (?, ?, ?)` becomes `IN (?)`, and of equal rows of VALUES one is left. */
class Repeated {
  /** The places of what is left out. */
  readonly places = new Set<number>()
  /** Rows are compared up to here. Those within them are not compared once more for each parenthesis around them. */
  private compared = 0

  constructor(
    private readonly pieces: ReadonlyArray<Piece>,
    private readonly closings: Closings
  ) {
    pieces.forEach((piece, at) => {
      if (piece.kind !== "word") return
      const word = piece.text.toUpperCase()
      if (word === "IN") this.readList(at + 1)
      else if ((word === "VALUES" || word === "VALUE") && at >= this.compared) this.readRows(at + 1)
    })
  }

  private leaveOut(from: number, to: number): void {
    for (let at = from; at <= to; at++) this.places.add(at)
  }

  /** A list that has anything but values is none. */
  private readList(open: number): void {
    const end = this.closings.get(open)
    if (end === undefined) return
    for (let at = open + 1; at < end; at++) {
      if (this.pieces[at]!.text !== ((at - open) % 2 === 1 ? "?" : ",")) return
    }
    this.leaveOut(open + 2, end - 1)
  }

  private readRows(open: number): void {
    let row: string | undefined
    let from = open
    for (let end = this.closings.get(from); end !== undefined; end = this.closings.get(from)) {
      const next = this.written(from, end)
      // With the comma before it.
      if (next === row) this.leaveOut(from - 1, end)
      row = next
      this.compared = end
      if (this.pieces[end + 1]?.text !== ",") return
      from = end + 2
    }
  }

  private written(from: number, to: number): string {
    let text = ""
    for (let at = from; at <= to; at++) text += ` ${this.pieces[at]!.text}`
    return text
  }
}

/**
 * The text of pieces, with one of what is repeated.
 *
 * @since 0.1.0
 * @category reading
 */
export const textOf = (pieces: ReadonlyArray<Piece>, closings: Closings): string => {
  const { places } = new Repeated(pieces, closings)
  let text = ""
  pieces.forEach((piece, at) => {
    if (!places.has(at)) text += piece.isApart && text !== "" ? ` ${piece.text}` : piece.text
  })
  return text
}

/**
 * Reads the text of CREATE TABLE as databases keep it, for what their catalogs do not say.
 *
 * @since 0.1.0
 */
import type { Lexicon } from "./Lexer.js"
import { unquotedName, Words } from "./SqlWords.js"

/**
 * What a column's definition says that catalogs do not, or not exactly.
 *
 * @since 0.1.0
 * @category models
 */
export interface ColumnText {
  readonly name: string
  readonly autoIncrement: boolean
  readonly default: string | undefined
  readonly generated: { readonly sql: string; readonly stored: boolean } | undefined
}

/**
 * What the text of a CREATE TABLE says, in its order. Constraints without a name have none here.
 *
 * @since 0.1.0
 * @category models
 */
export interface TableText {
  readonly columns: ReadonlyArray<ColumnText>
  readonly uniques: ReadonlyArray<{ readonly name: string | undefined; readonly columns: ReadonlyArray<string> }>
  readonly foreignKeys: ReadonlyArray<{ readonly name: string | undefined }>
  readonly checks: ReadonlyArray<{ readonly name: string | undefined; readonly expression: string }>
  /** MySQL's indexes: their definitions as they stand. */
  readonly indexes: ReadonlyArray<{ readonly name: string; readonly definition: string }>
}

const constraintWords: ReadonlySet<string> = new Set(["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"])
const indexWords: ReadonlySet<string> = new Set(["KEY", "INDEX", "FULLTEXT", "SPATIAL", "VECTOR"])

/**
 * Reads the text of a CREATE TABLE as SQLite keeps it, or as MySQL and MariaDB show it.
 *
 * @since 0.1.0
 * @category reading
 */
export const tableText = (sql: string, lexicon: Lexicon): TableText => {
  const words = new Words(sql, lexicon)
  const columns: Array<ColumnText> = []
  const uniques: Array<TableText["uniques"][number]> = []
  const foreignKeys: Array<TableText["foreignKeys"][number]> = []
  const checks: Array<TableText["checks"][number]> = []
  const indexes: Array<TableText["indexes"][number]> = []
  const open = words.all.findIndex((_, at) => words.isSymbol(at, "("))
  const elements = open < 0 || words.word(1) === "VIRTUAL" ? [] : words.parts(open + 1, words.closing(open))

  /** The names of the columns in the parentheses that open here. */
  const namesIn = (at: number): ReadonlyArray<string> =>
    words.parts(at + 1, words.closing(at)).map(([first]) => unquotedName(words.text(first)))

  for (const [first, last] of elements) {
    const isUniqueKey = words.word(first) === "UNIQUE" && indexWords.has(words.word(first + 1))
    // On SQLite these words are names.
    if ((indexWords.has(words.word(first)) || isUniqueKey) && !lexicon.brackets) {
      const before = words.all.findIndex((_, at) => at >= first && words.isSymbol(at, "(")) - 1
      indexes.push({ name: unquotedName(words.text(before)), definition: words.slice(first, last) })
      continue
    }
    const isColumn = !constraintWords.has(words.word(first))
    const column = { name: unquotedName(words.text(first)), autoIncrement: false }
    let fallback: string | undefined
    let generated: ColumnText["generated"]
    let name: string | undefined
    let at = isColumn ? first + 1 : first
    while (at <= last) {
      const word = words.word(at)
      const opens = words.isSymbol(at + 1, "(")
      if (word === "CONSTRAINT") {
        name = unquotedName(words.text(at + 1))
        at += 2
      } else if (word === "CHECK" && opens) {
        checks.push({ name, expression: words.within(at + 1) })
        name = undefined
        at = words.closing(at + 1) + 1
      } else if (word === "UNIQUE") {
        uniques.push({ name, columns: opens ? namesIn(at + 1) : [column.name] })
        name = undefined
        at = opens ? words.closing(at + 1) + 1 : at + 1
      } else if (word === "REFERENCES") {
        foreignKeys.push({ name })
        name = undefined
        at += 2
      } else if (word === "DEFAULT") {
        const end = defaultEnd(words, at + 1)
        fallback = words.slice(at + 1, end)
        at = end + 1
      } else if (word === "AS" && opens) {
        const close = words.closing(at + 1)
        const kind = words.word(close + 1)
        generated = { sql: words.within(at + 1), stored: kind === "STORED" || kind === "PERSISTENT" }
        at = close + 1
      } else if (word === "AUTOINCREMENT" || word === "AUTO_INCREMENT") {
        column.autoIncrement = true
        at++
      } else at = words.isSymbol(at, "(") ? words.closing(at) + 1 : at + 1
    }
    if (isColumn) columns.push({ ...column, default: fallback, generated })
  }
  return { columns, uniques, foreignKeys, checks, indexes }
}

/** The last token of a default: an expression in parentheses, a call, or a literal with its sign or its introducer. */
const defaultEnd = (words: Words, from: number): number => {
  if (words.isSymbol(from, "(")) return words.closing(from)
  if (words.isSymbol(from, "-") || words.isSymbol(from, "+")) return numberEnd(words, from + 1)
  if (words.kind(from) === "number" || words.isSymbol(from, ".")) return numberEnd(words, from)
  if (words.kind(from) !== "word") return from
  if (words.isSymbol(from + 1, "(")) return words.closing(from + 1)
  return words.kind(from + 1) === "string" && words.touchesNext(from) ? from + 1 : from
}

/** `1.5e-3` is several tokens. */
const numberEnd = (words: Words, from: number): number => {
  let end = from
  const goesOn = (at: number): boolean =>
    words.kind(at) === "number" ||
    words.isSymbol(at, ".") ||
    (/e$/i.test(words.text(at - 1)) && (words.isSymbol(at, "-") || words.isSymbol(at, "+"))) ||
    words.kind(at) === "word"
  while (words.touchesNext(end) && goesOn(end + 1)) end++
  return end
}

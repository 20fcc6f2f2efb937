/**
 * The text of a SELECT, and where its parts are that stand at its end: by what it is sorted, limited and locked.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Dialect.js"
import { ArgumentError } from "./Errors.js"
import { tokens } from "./Lexer.js"
import type { Compiled } from "./Statement.js"

/**
 * A SELECT.
 *
 * @since 0.1.0
 * @category models
 */
export interface Select {
  readonly compiled: Compiled
  /** Its text, without a semicolon at the end. */
  readonly sql: string
  readonly isLimited: boolean
  /** It has FOR UPDATE, or another clause that locks rows. */
  readonly isLocking: boolean
  /** The same rows in any order, and without locks. */
  readonly unordered: { readonly sql: string; readonly parameters: Compiled["parameters"] }
}

interface Part {
  readonly text: string
  readonly start: number
  readonly end: number
}

/**
 * What is known of a statement that is a SELECT, or why it is none.
 *
 * @since 0.1.0
 * @category reading
 */
export const selectOf = (compiled: Compiled, { lexicon }: Dialect): Select | ArgumentError => {
  if (compiled.sets !== undefined) return refuse("a statement for several sets of parameters")
  const all = tokens(compiled.sql, lexicon).filter(({ kind }) => kind !== "comment")
  const parts: Array<Part> = []
  let depth = 0
  for (const { kind, start, end } of all) {
    const text = kind === "word" || kind === "symbol" ? compiled.sql.slice(start, end).toUpperCase() : ""
    if (text === ")") depth--
    if (depth === 0) parts.push({ text, start, end })
    if (text === "(") depth++
  }
  while (parts.at(-1)?.text === ";") parts.pop()
  const [first] = parts
  if (first === undefined || !/^(?:SELECT|WITH|VALUES|TABLE|\()$/.test(first.text))
    return refuse("a statement that is no SELECT")
  const words = parts.map(({ text }) => text)
  if (words.includes(";")) return refuse("several statements")
  if (changes(words)) return refuse("a statement that is no SELECT")
  const sql = compiled.sql.slice(0, parts.at(-1)?.end)
  const orderAt = words.findLastIndex(
    (word, at) => word === "ORDER" && words[at + 1] === "BY" && words[at - 1] !== "FOR" && words[at - 1] !== "."
  )
  const limitAt = placeOf(
    words,
    (word, next) => word === "LIMIT" || (word === "FETCH" && /^(?:FIRST|NEXT)$/.test(next))
  )
  const lockAt = placeOf(
    words,
    (word, next) => (word === "FOR" && /^(?:UPDATE|SHARE)$/.test(next)) || (word === "LOCK" && next === "IN")
  )
  const isLimited = limitAt >= 0
  const end = isLimited ? parts.length : Math.min(...[orderAt, lockAt, parts.length].filter((at) => at >= 0))
  const cut = end === parts.length ? sql.length : (parts[end]?.start ?? sql.length)
  const markers = all.filter(({ kind, start }) => kind === "qmark" && start < cut).length
  return {
    compiled,
    sql,
    isLimited,
    isLocking: lockAt >= 0,
    unordered: { sql: sql.slice(0, cut), parameters: compiled.parameters.slice(0, markers) }
  }
}

/** A name of a table may come before a column of one of these names. */
const placeOf = (words: ReadonlyArray<string>, is: (word: string, next: string) => boolean): number =>
  words.findIndex((word, at) => words[at - 1] !== "." && is(word, words[at + 1] ?? ""))

/** WITH may stand before statements that change rows, and SELECT … INTO gives none. */
const changes = (words: ReadonlyArray<string>): boolean =>
  placeOf(words, (word) => word === "INTO") >= 0 ||
  (words[0] === "WITH" &&
    placeOf(words, (word) => /^(?:INSERT|UPDATE|DELETE|REPLACE)$/.test(word)) >= 0 &&
    placeOf(words, (word) => word === "SELECT") < 0)

const refuse = (given: string): ArgumentError => new ArgumentError({ argument: "query", given, expected: "a SELECT" })

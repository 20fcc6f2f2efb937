/**
 * Reads the names of types, the defaults and the expressions that databases write. It goes by tokens, so that what stands in
 * strings and quoted names is never taken for anything else.
 *
 * @since 0.1.0
 */
import { BigDecimal, Option } from "effect"
import type { Lexicon } from "./Lexer.js"
import { unquotedName, unquotedText, Words } from "./SqlWords.js"
import type { IntegerSize, LobSize, ServerDefault, SqlType } from "./TableDefinition.js"
import { formatDecimal } from "./Value.js"

// ---------------------------------------------------------------------------------------------------------------------
// types

const integerSizes: Readonly<Record<string, IntegerSize>> = {
  TINYINT: "TINYINT",
  SMALLINT: "SMALLINT",
  MEDIUMINT: "MEDIUMINT",
  INT: "INT",
  INTEGER: "INT",
  BIGINT: "BIGINT"
}

const lobSizes: Readonly<Record<string, LobSize>> = { "": "NORMAL", TINY: "TINY", MEDIUM: "MEDIUM", LONG: "LONG" }

/**
 * The type of this name, as MySQL and MariaDB write types in information_schema, and programs in SQLite. One that has no
 * name of its own in `SqlType`, or more than that can hold, is `Other`.
 *
 * @since 0.1.0
 * @category reading
 */
export const typeOf = (text: string, lexicon: Lexicon): SqlType => {
  const words = new Words(text, lexicon)
  const other: SqlType = { _tag: "Other", name: text }
  const open = words.all.findIndex((_, at) => words.isSymbol(at, "("))
  const close = open < 0 ? -1 : words.closing(open)
  const named = words.all.flatMap((_, at) => (open >= 0 && at >= open && at <= close ? [] : [words.word(at)]))
  const given = words.all.flatMap((_, at) => (at > open && at < close && !words.isSymbol(at, ",") ? [at] : []))
  const name = named.join(" ")
  if (name === "ENUM" && given.every((at) => words.kind(at) === "string"))
    return { _tag: "Enum", values: given.map((at) => unquotedText(words.text(at), lexicon)) }
  const numbers = given.map((at) => (/^\d+$/.test(words.text(at)) ? Number(words.text(at)) : Number.NaN))
  if (numbers.some(Number.isNaN)) return other
  return simpleType(name, numbers) ?? other
}

const simpleType = (name: string, numbers: ReadonlyArray<number>): SqlType | undefined => {
  const [first, second] = numbers
  const unsigned = name.endsWith(" UNSIGNED")
  const base = unsigned ? name.slice(0, -" UNSIGNED".length) : name
  const size = integerSizes[base]
  if (size !== undefined && numbers.length < 2) {
    const isBoolean = size === "TINYINT" && first === 1 && !unsigned
    return isBoolean ? { _tag: "Boolean" } : { _tag: "Integer", size, unsigned }
  }
  if (base === "DECIMAL" || base === "NUMERIC")
    return first === undefined ? undefined : { _tag: "Decimal", precision: first, scale: second ?? 0, unsigned }
  const lob = /^(TINY|MEDIUM|LONG|)(TEXT|BLOB)$/.exec(name)
  if (lob !== null && first === undefined)
    return { _tag: lob[2] === "TEXT" ? "Text" : "Blob", size: lobSizes[lob[1] ?? ""] ?? "NORMAL" }
  if (second !== undefined) return undefined
  switch (name) {
    case "CHAR":
      return { _tag: "Char", length: first ?? 1 }
    case "BINARY":
      return { _tag: "Binary", length: first ?? 1 }
    case "VARCHAR":
      return first === undefined ? undefined : { _tag: "Varchar", length: first }
    case "VARBINARY":
      return first === undefined ? undefined : { _tag: "Varbinary", length: first }
    case "TIME":
      return { _tag: "Time", fraction: first ?? 0 }
    case "DATETIME":
      return { _tag: "DateTime", fraction: first ?? 0 }
    case "TIMESTAMP":
      return { _tag: "Timestamp", fraction: first ?? 0 }
    case "YEAR":
      return { _tag: "Year" }
  }
  return first === undefined ? plainTypes[name] : undefined
}

const plainTypes: Readonly<Record<string, SqlType>> = {
  BOOLEAN: { _tag: "Boolean" },
  BOOL: { _tag: "Boolean" },
  FLOAT: { _tag: "Float" },
  DOUBLE: { _tag: "Double" },
  "DOUBLE PRECISION": { _tag: "Double" },
  REAL: { _tag: "Double" },
  DATE: { _tag: "Date" },
  JSON: { _tag: "Json" }
}

// ---------------------------------------------------------------------------------------------------------------------
// expressions and defaults

/**
 * How texts of a database are read, and how an expression is written for the session that will read it again.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reading {
  readonly lexicon: Lexicon
  readonly session: Lexicon
  readonly quoteText: (text: string) => string
}

/**
 * An expression as a program would write it: without parentheses around all of it, and without the character sets that
 * MySQL writes before strings, which are those of the connection.
 *
 * @since 0.1.0
 * @category reading
 */
export const expressionOf = (text: string, { lexicon, quoteText }: Reading): string => {
  const words = new Words(text, lexicon)
  let [first, last] = [0, words.count - 1]
  while (first < last && words.isSymbol(first, "(") && words.closing(first) === last) {
    first++
    last--
  }
  let written = ""
  let from = words.all[first]?.start ?? 0
  for (let at = first; at <= last; at++) {
    const token = words.all[at]!
    const isString = token.kind === "string" && text[token.start] === "'"
    const isIntroducer = words.word(at) === "_UTF8MB4" && words.kind(at + 1) === "string"
    if (!isString && !isIntroducer) continue
    written += text.slice(from, token.start)
    if (isString) written += quoteText(unquotedText(words.text(at), lexicon))
    from = token.end
  }
  return written + text.slice(from, words.all[last]?.end ?? 0)
}

const numberText = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i

/**
 * A default value that was given as text, in the type of its column: a number where that is one, and text otherwise, which
 * holds all digits of a decimal.
 *
 * @since 0.1.0
 * @category reading
 */
export const valueDefault = (text: string, type: SqlType): ServerDefault => {
  const isNumber = numberText.test(text)
  switch (type._tag) {
    case "Integer":
    case "Boolean":
    case "Year": {
      if (!/^[-+]?\d+$/.test(text)) return { _tag: "Value", value: text }
      const number = Number(text)
      return { _tag: "Value", value: Number.isSafeInteger(number) ? number : BigInt(text) }
    }
    case "Float":
    case "Double":
      return { _tag: "Value", value: isNumber ? Number(text) : text }
    case "Decimal":
      return { _tag: "Value", value: /^[-+\d.]+e/i.test(text) ? plainDigits(text) : text }
    default:
      return { _tag: "Value", value: text }
  }
}

const plainDigits = (text: string): string =>
  Option.match(BigDecimal.fromString(text), {
    onNone: () => text,
    onSome: (decimal) => formatDecimal(BigDecimal.normalize(decimal))
  })

/**
 * A default that was given as SQL; undefined for NULL, which is what a column has that has none.
 *
 * @since 0.1.0
 * @category reading
 */
export const sqlDefault = (text: string, type: SqlType, reading: Reading): ServerDefault | undefined => {
  const sql = expressionOf(text, reading)
  const words = new Words(sql, reading.session)
  if (words.count === 1 && words.word(0) === "NULL") return undefined
  if (words.count === 1 && words.kind(0) === "string" && sql.startsWith("'"))
    return valueDefault(unquotedText(sql, reading.session), type)
  if (numberText.test(sql)) return numberDefault(sql, type)
  if (type._tag === "Boolean" && words.count === 1 && /^(?:TRUE|FALSE)$/.test(words.word(0)))
    return { _tag: "Value", value: words.word(0) === "TRUE" ? 1 : 0 }
  const fraction = currentTimestamp(words)
  return fraction !== undefined && fraction === fractionOf(type)
    ? { _tag: "CurrentTimestamp", fraction }
    : { _tag: "Expression", sql }
}

/**
 * The time of now as a default of SQLite, with so many digits of a second that are not zero; its clock has three. It is written
 * as a Date is bound, with milliseconds, because SQLite compares texts.
 *
 * @since 0.1.0
 * @category defaults
 */
export const sqliteTimestamp = (fraction: number): string => {
  const known = Math.min(fraction, 3)
  const zeros = "0".repeat(Math.max(fraction, 3) - known)
  return `(substr(strftime('%Y-%m-%d %H:%M:%f', 'now'), 1, ${20 + known}) || '${zeros}')`
}

/** A number without quotes is one, also where its column is of another type. */
const numberDefault = (sql: string, type: SqlType): ServerDefault => {
  const value = valueDefault(sql, type)
  if (type._tag === "Decimal" || (value._tag === "Value" && typeof value.value !== "string")) return value
  const number = Number(sql)
  if (/^[-+]?\d+$/.test(sql)) return { _tag: "Value", value: Number.isSafeInteger(number) ? number : BigInt(sql) }
  return { _tag: "Value", value: number }
}

/** The digits of a second that a column of this type has, where it is of date and time. */
const fractionOf = (type: SqlType): number | undefined =>
  type._tag === "DateTime" || type._tag === "Timestamp" ? type.fraction : undefined

/** The digits of `CURRENT_TIMESTAMP`, `current_timestamp()` or `CURRENT_TIMESTAMP(3)`; undefined for anything else. */
const currentTimestamp = (words: Words): number | undefined => {
  if (words.word(0) !== "CURRENT_TIMESTAMP" && words.word(0) !== "NOW") return undefined
  if (words.count === 1) return 0
  if (!words.isSymbol(1, "(") || words.closing(1) !== words.count - 1) return undefined
  if (words.count === 3) return 0
  return words.count === 4 && /^\d$/.test(words.text(2)) ? Number(words.text(2)) : undefined
}

/**
 * The values in `column IN ('a', 'b')`; undefined for any other expression.
 *
 * @since 0.1.0
 * @category reading
 */
export const valuesIn = (expression: string, column: string, lexicon: Lexicon): ReadonlyArray<string> | undefined => {
  const words = new Words(expression, lexicon)
  const isIn = unquotedName(words.text(0)) === column && words.word(1) === "IN" && words.isSymbol(2, "(")
  if (!isIn || words.closing(2) !== words.count - 1) return undefined
  const parts = words.parts(3, words.count - 1)
  return parts.every(([first, last]) => first === last && words.kind(first) === "string")
    ? parts.map(([at]) => unquotedText(words.text(at), lexicon))
    : undefined
}

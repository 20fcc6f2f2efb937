// What a program got, held to what it must get.
import { isDeepStrictEqual } from "node:util"
import { BigDecimal, DateTime } from "effect"
import type { Driver, Value } from "effect-sa"
import type { Exchange } from "effect-sa/mysql/wire/Conversation"
import type { ExpectedResult } from "./Answers.js"
import type { Reader } from "./Reader.js"
import type { Turn } from "./Session.js"

/** Values by what they are; decimals and times by what they mean. */
const same = (actual: unknown, expected: unknown): boolean => {
  if (Object.is(actual, expected)) return true
  if (BigDecimal.isBigDecimal(expected)) {
    return BigDecimal.isBigDecimal(actual) && actual.value === expected.value && actual.scale === expected.scale
  }
  if (DateTime.isDateTime(expected)) return DateTime.isDateTime(actual) && DateTime.Equivalence(actual, expected)
  return isDeepStrictEqual(actual, expected)
}

const show = (value: unknown): string => {
  const written = JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `${each}n` : each)) ?? String(value)
  return written.length > 200 ? `${written.slice(0, 200)}…` : written
}

const differentRows = (
  actual: ReadonlyArray<ReadonlyArray<unknown>>,
  expected: ReadonlyArray<ReadonlyArray<unknown>>,
  columns: ReadonlyArray<Value.Column> | undefined
): string | undefined => {
  if (actual.length !== expected.length) return `${actual.length} rows instead of ${expected.length}`
  for (const [i, row] of expected.entries()) {
    if (actual[i]?.length !== row.length) return `row ${i} has ${actual[i]?.length} values instead of ${row.length}`
    for (const [j, value] of row.entries()) {
      const got = actual[i]?.[j]
      if (!same(got, value))
        return `row ${i}, column ${j} (${columns?.[j]?.typeName}): ${show(got)} instead of ${show(value)}`
    }
  }
  return undefined
}

const differentResult = (actual: ExpectedResult | undefined, expected: ExpectedResult): string | undefined => {
  if (actual === undefined) return "a result is missing"
  if (!isDeepStrictEqual(actual.columns, expected.columns))
    return `columns ${show(actual.columns)} instead of ${show(expected.columns)}`
  for (const key of ["affectedRows", "changedRows", "lastInsertId", "warningCount", "isOutParameters"] as const) {
    if (actual[key] !== expected[key]) return `${key} is ${show(actual[key])} instead of ${show(expected[key])}`
  }
  return differentRows(actual.rows, expected.rows, expected.columns)
}

/** What a turn got that it should not have got; undefined when all is as it must be. */
export const different = (
  { answer, stream }: Turn,
  exchange: Exchange,
  reader: Reader | undefined
): string | undefined => {
  if (answer === undefined) return undefined
  const { expected } = answer
  const { error } = exchange
  if (expected.end === "refused") {
    // Who does not read a stream to its end may not come to the value that is refused.
    if (stream !== undefined && error?._tag !== "InterfaceError") return undefined
    return error?._tag === "DataError" && error.reason === expected.reason
      ? undefined
      : `${error?._tag ?? "no error"} instead of DataError ${expected.reason}`
  }
  if (expected.end === "error") {
    if (error === undefined) return `no error instead of ${expected.errno}`
    return error._tag !== "InterfaceError" && error.errno === expected.errno && error.sqlState === expected.sqlState
      ? undefined
      : `${error._tag} instead of ${expected.errno}`
  }
  if (error !== undefined) return `${error._tag}: ${error.message}`
  if (expected.end === "done") return undefined
  if (expected.end === "prepared") {
    const { end: _, ...prepared } = expected
    return isDeepStrictEqual(exchange.prepared, prepared) ? undefined : `prepared as ${show(exchange.prepared)}`
  }
  return reader === undefined
    ? differentResults(exchange.first, expected.results)
    : differentStream(reader, exchange, expected.results)
}

const differentResults = (first: Exchange["first"], expected: ReadonlyArray<ExpectedResult>): string | undefined => {
  let actual: Driver.DriverResult | undefined = first
  for (const [i, result] of expected.entries()) {
    const found = differentResult(actual, result)
    if (found !== undefined) return `result ${i}: ${found}`
    actual = actual?.next
  }
  return actual === undefined ? undefined : "a result too many"
}

const differentStream = (
  { sets, enough, use }: Reader,
  { first }: Exchange,
  expected: ReadonlyArray<ExpectedResult>
): string | undefined => {
  const withoutRows = expected.map((result) => ({ ...result, rows: [] }))
  // Unless it is asked for them, a stream passes over later result sets.
  const found = use.setBySet ? undefined : differentResults(first, withoutRows)
  if (found !== undefined) return found
  const read = use.setBySet ? expected : expected.slice(0, 1)
  if (!enough && sets.length !== read.length) return `a stream of ${sets.length} result sets instead of ${read.length}`
  for (const [i, { columns, rows, end, isCut }] of sets.entries()) {
    const result = read[i]
    if (result === undefined) return "a stream with a result set too many"
    if (use.setBySet && !isDeepStrictEqual(columns, result.columns))
      return `result set ${i} of a stream has columns ${show(columns)} instead of ${show(result.columns)}`
    const isWhole = !isCut && !(enough && i === sets.length - 1)
    const other =
      differentRows(rows, isWhole ? result.rows : result.rows.slice(0, rows.length), result.columns) ??
      (use.setBySet && end !== undefined ? differentResult(end, withoutRows[i]!) : undefined)
    if (other !== undefined) return `result set ${i} of a stream: ${other}`
  }
  return undefined
}

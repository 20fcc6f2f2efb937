/**
 * Answers of a database in the shapes that programs on `@effect/sql` know: rows as plain objects or as arrays, and for a
 * statement without rows a header, with the members that mysql2's has.
 *
 * @since 0.1.0
 */
import { type DriverResult, emptyResult } from "./Driver.js"
import type { Column } from "./Value.js"

type Values = ReadonlyArray<unknown>
type Make = (values: Values) => Record<string, unknown>

/** What makes a row's object of its values, made once for the columns of a result. */
const makers = new WeakMap<ReadonlyArray<Column>, Make>()

const makerOf = (columns: ReadonlyArray<Column>): Make => {
  let make = makers.get(columns)
  if (make === undefined) makers.set(columns, (make = generated(columns) ?? looping(columns)))
  return make
}

/** A function with every name in place makes objects of one shape, several times as fast as a loop. */
const generated = (columns: ReadonlyArray<Column>): Make | undefined => {
  if (columns.length > 200) return undefined
  const members = columns.map(({ name }, i) => `[${JSON.stringify(name)}]: values[${i}]`)
  try {
    return new Function("values", `return { ${members.join(", ")} }`) as Make
  } catch {
    // A process may be started so that it makes no code from strings.
    return undefined
  }
}

const looping =
  (columns: ReadonlyArray<Column>): Make =>
  (values) =>
    Object.fromEntries(columns.map(({ name }, i) => [name, values[i]]))

/**
 * Rows as plain objects; of columns with one name the last one's value is there.
 *
 * @since 0.1.0
 * @category making
 */
export const objects = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<Values>
): ReadonlyArray<Record<string, unknown>> => {
  const make = makerOf(columns)
  const made = new Array<Record<string, unknown>>(rows.length)
  for (let i = 0; i < rows.length; i++) made[i] = make(rows[i]!)
  return made
}

/**
 * What a statement without rows has done.
 *
 * @since 0.1.0
 * @category models
 */
export interface Header {
  readonly fieldCount: number
  readonly affectedRows: number
  /** The id that was generated, 0 where none was; as text where a number cannot hold it. */
  readonly insertId: number | string
  readonly info: string
  readonly serverStatus: number
  readonly warningStatus: number
  readonly changedRows: number
}

const headerOf = (result: DriverResult): Header => {
  const { affectedRows, lastInsertId = 0, info = "", serverStatus = 0, warningCount, changedRows = 0 } = result
  return {
    fieldCount: 0,
    affectedRows,
    insertId: typeof lastInsertId === "number" ? lastInsertId : lastInsertId.toString(),
    info,
    serverStatus,
    warningStatus: warningCount,
    changedRows: /\bchanged: /i.test(info) || serverStatus === 0 ? changedRows : 0
  }
}

type One = (result: DriverResult) => unknown

const rowsOrHeader: One = (result) =>
  result.columns === undefined ? headerOf(result) : objects(result.columns, result.rows)

const valuesOrHeader: One = (result) => (result.columns === undefined ? headerOf(result) : result.rows)

/** Of several results all, in order; one result as it is. */
const all = (first: DriverResult, one: One): unknown => {
  if (first.next === undefined) return one(first)
  const made: Array<unknown> = []
  for (let result: DriverResult | undefined = first; result !== undefined; result = result.next) made.push(one(result))
  return made
}

const none: ReadonlyArray<never> = []

/**
 * The rows of an answer, none where the statement has none. Of several results each, rows or a header.
 *
 * @since 0.1.0
 * @category making
 */
export const rows = (first: DriverResult): ReadonlyArray<unknown> => {
  if (first.next !== undefined) return listOf(all(first, rowsOrHeader))
  return first.columns === undefined ? none : objects(first.columns, first.rows)
}

/**
 * As `rows`, with arrays for rows: columns with one name keep their values.
 *
 * @since 0.1.0
 * @category making
 */
export const values = (first: DriverResult): ReadonlyArray<ReadonlyArray<unknown>> => {
  // Of several results the types do not tell: a list of them is what `@effect/sql` takes for rows.
  if (first.next !== undefined) return listOf(all(first, valuesOrHeader))
  return first.columns === undefined ? none : first.rows
}

const listOf = (made: unknown): ReadonlyArray<ReadonlyArray<unknown>> => (Array.isArray(made) ? made : none)

/**
 * Rows, or the header of a statement without rows. Of several results each.
 *
 * @since 0.1.0
 * @category making
 */
export const raw = (first: DriverResult): unknown => all(first, rowsOrHeader)

/**
 * The results of statements that were sent one by one, as those of one.
 *
 * @since 0.1.0
 * @category making
 */
export const chained = (results: ReadonlyArray<DriverResult>): DriverResult =>
  results.reduceRight<DriverResult | undefined>(
    (next, result) => ({ ...result, next: result.next ?? next }),
    undefined
  ) ?? emptyResult

/**
 * The fragments and statements of `@effect/sql`, turned into text and parameters for a dialect.
 *
 * Their segments are what counts: what the client, whose tag made them, speaks to is not. `sql.onDialect` has chosen by that
 * client already when the fragment was made, and a statement whose client renames identifiers or columns
 * (`transformQueryNames`, `transformResultNames`) is refused, because it would have other names here.
 *
 * @since 0.1.0
 */
import type * as Sql from "@effect/sql/Statement"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, kindOf, NotSupportedError } from "./Errors.js"
import { quote } from "./Identifier.js"

/** The symbol by which `@effect/sql` marks its fragments. */
const FragmentId = Symbol.for("@effect/sql/Fragment")

/**
 * Whether this is a fragment of `@effect/sql`; its statements are fragments too.
 *
 * @since 0.1.0
 * @category guards
 */
export const isFragment = (u: unknown): u is Sql.Fragment =>
  typeof u === "object" && u !== null && FragmentId in u && "segments" in u && Array.isArray(u.segments)

/**
 * Text with `?`, and a parameter for each.
 *
 * @since 0.1.0
 * @category models
 */
export interface FragmentText {
  readonly sql: string
  readonly parameters: ReadonlyArray<unknown>
}

type Refusal = ArgumentError | NotSupportedError

const isRefusal = (u: FragmentText | Refusal): u is Refusal => u instanceof Error

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const unsupported = (message: string): NotSupportedError => new NotSupportedError({ reason: "NotSupported", message })

/**
 * The text and the parameters of a fragment.
 *
 * @since 0.1.0
 * @category compiling
 */
export const text = (fragment: Sql.Fragment, dialect: Dialect): FragmentText | Refusal => {
  const found = ofSegments(fragment.segments, dialect)
  return isRefusal(found) ? found : (renaming(fragment) ?? found)
}

/** What a statement's client would make other names of; a fragment has no client. */
const renaming = (fragment: Sql.Fragment): ArgumentError | undefined => {
  const refused = (what: string): ArgumentError =>
    refuse("statement", `a statement of a client that renames ${what}`, "one of its withoutTransforms()")
  if ("transformRows" in fragment && fragment.transformRows !== undefined) return refused("columns")
  const compile: unknown = Reflect.get(fragment, "compile")
  if (typeof compile !== "function") return undefined
  const sqlOf = (withoutTransform: boolean): unknown =>
    Reflect.get(Reflect.apply(compile, fragment, [withoutTransform]), 0)
  try {
    return sqlOf(false) === sqlOf(true) ? undefined : refused("identifiers")
  } catch {
    return refuse("statement", "a statement that its client cannot compile", "another")
  }
}

const ofSegments = (segments: ReadonlyArray<Sql.Segment>, dialect: Dialect): FragmentText | Refusal => {
  let sql = ""
  const parameters: Array<unknown> = []
  for (const segment of segments) {
    const found = ofSegment(segment, dialect)
    if (isRefusal(found)) return found
    sql += found.sql
    for (const parameter of found.parameters) parameters.push(parameter)
  }
  return { sql, parameters }
}

const plain = (sql: string, parameters: ReadonlyArray<unknown> = []): FragmentText => ({ sql, parameters })

const ofSegment = (segment: Sql.Segment, dialect: Dialect): FragmentText | Refusal => {
  switch (segment._tag) {
    case "Literal":
      return plain(segment.value, segment.params)
    case "Identifier":
      return identifier(segment.value, dialect)
    case "Parameter":
      return plain("?", [segment.value])
    case "ArrayHelper":
      return list(segment.value)
    case "RecordInsertHelper":
      return withReturning(insert(segment.value, dialect), returningOf(segment), dialect)
    case "RecordUpdateHelperSingle":
      if (returningOf(segment) !== undefined && dialect.name === "mysql")
        return unsupported("MySQL and MariaDB have no RETURNING for updates")
      return withReturning(update(segment.value, segment.omit, dialect), returningOf(segment), dialect)
    case "RecordUpdateHelper":
      return unsupported("sql.updateValues: UPDATE … FROM (VALUES …) is PostgreSQL's and SQL Server's")
    case "Custom":
      return unsupported(`a custom fragment: ${JSON.stringify(segment.kind)} is known to another client only`)
    default:
      return unknownSegment(segment)
  }
}

/** A segment of a later `@effect/sql`. */
const unknownSegment = (_segment: never): ArgumentError =>
  refuse("statement", "a segment of a kind that is not known", "one of the kinds of @effect/sql")

/** A dot separates the parts of a name, such as those of a table and its column. */
const identifier = (name: string, dialect: Dialect): FragmentText | ArgumentError => {
  const parts = name.split(".").map((part) => quote(part, dialect))
  return parts.find((part) => part instanceof ArgumentError) ?? plain(parts.join("."))
}

/** `()` is an error on servers, and whether nothing or everything is meant only the caller knows. */
const list = (values: ReadonlyArray<unknown>): FragmentText | ArgumentError => {
  if (values.length === 0)
    return refuse("statement", "an empty list", "at least one value: sql.in(column, values) takes none too")
  const found = values.map(valueOf)
  return found.find((value) => value instanceof ArgumentError) ?? plain(`(${values.map(() => "?").join(",")})`, found)
}

/** What `@effect/sql` would make NULL of is refused: a fragment that is more than a parameter. */
const valueOf = (value: unknown): unknown => {
  if (!isFragment(value)) return value
  const [segment, ...more] = value.segments
  return more.length === 0 && segment?._tag === "Parameter"
    ? segment.value
    : refuse("statement", "a fragment in the place of a value", "a value")
}

type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

const insert = (rows: Rows, dialect: Dialect): FragmentText | Refusal => {
  const [first] = rows
  if (first === undefined) return refuse("values", "no rows", "at least one")
  const keys = Object.keys(first)
  const values: Array<unknown> = []
  for (const [place, row] of rows.entries()) {
    const other = [...new Set([...keys, ...Object.keys(row)])].find(
      (key) => !Object.hasOwn(row, key) || !Object.hasOwn(first, key)
    )
    if (other !== undefined) {
      const given = Object.hasOwn(row, other) ? "a value that the first row does not have" : "nothing"
      return refuse(`values[${place}].${other}`, given, "the same keys in each row")
    }
    const found = valuesOf(row, keys, `values[${place}].`)
    if (found instanceof ArgumentError) return found
    for (const value of found) values.push(value)
  }
  if (keys.length === 0 && dialect.name === "sqlite")
    return rows.length === 1 ? plain("DEFAULT VALUES") : unsupported("SQLite has no rows without columns but one")
  const row = `(${keys.map(() => "?").join(",")})`
  const columns = names(keys, dialect)
  return columns instanceof ArgumentError
    ? columns
    : plain(`(${columns.join(",")}) VALUES ${rows.map(() => row).join(",")}`, values)
}

const update = (
  record: Readonly<Record<string, unknown>>,
  omitted: ReadonlyArray<string>,
  dialect: Dialect
): FragmentText | ArgumentError => {
  const keys = Object.keys(record).filter((key) => !omitted.includes(key))
  if (keys.length === 0) return refuse("values", "an update that sets nothing", "a value for at least one column")
  const columns = names(keys, dialect)
  const values = valuesOf(record, keys, "values.")
  if (columns instanceof ArgumentError) return columns
  return values instanceof ArgumentError ? values : plain(columns.map((name) => `${name} = ?`).join(", "), values)
}

const names = (keys: ReadonlyArray<string>, dialect: Dialect): ReadonlyArray<string> | ArgumentError => {
  const found = keys.map((key) => identifier(key, dialect))
  return found.find((each) => each instanceof ArgumentError) ?? found.flatMap((each) => ("sql" in each ? each.sql : []))
}

const valuesOf = (
  record: Readonly<Record<string, unknown>>,
  keys: ReadonlyArray<string>,
  path: string
): ReadonlyArray<unknown> | ArgumentError => {
  const values: Array<unknown> = []
  for (const key of keys) {
    const value = valueOf(record[key])
    if (value instanceof ArgumentError) return refuse(`${path}${key}`, value.given, value.expected)
    if (value === undefined) return refuse(`${path}${key}`, "undefined", "a value; null is NULL")
    values.push(value)
  }
  return values
}

/** The types do not show it. */
const returningOf = (segment: object): unknown => Reflect.get(segment, "returningIdentifier")

const withReturning = (found: FragmentText | Refusal, returning: unknown, dialect: Dialect): FragmentText | Refusal => {
  if (isRefusal(found) || returning === undefined) return found
  const what = returned(returning, dialect)
  return isRefusal(what) ? what : plain(`${found.sql} RETURNING ${what.sql}`, [...found.parameters, ...what.parameters])
}

const returned = (returning: unknown, dialect: Dialect): FragmentText | Refusal => {
  if (typeof returning === "string") return plain(returning)
  return isFragment(returning)
    ? ofSegments(returning.segments, dialect)
    : refuse("statement", kindOf(returning), "SQL text or a fragment to return")
}

/**
 * Values between a column's schema and the database: encoded on their way there, decoded on their way back.
 *
 * @since 0.1.0
 */
import { BigDecimal, Either, Option, ParseResult, type Schema, type SchemaAST } from "effect"
import type { Properties } from "./Column.js"
import { ArgumentError, DataError, kindOf } from "./Errors.js"
import * as SchemaCheck from "./SchemaCheck.js"
import { bindJson, defaultValueOptions, formatDecimal, type ValueOptions } from "./Value.js"

/**
 * What encodes and decodes the values of a column.
 *
 * @since 0.1.0
 * @category models
 */
export interface ColumnCodec {
  /** A value of the program as it is bound, or why the column does not take it. `argument` names it in messages. */
  readonly encode: (value: unknown, argument: string) => unknown
  /** A value that the database gave, as the program has it. Undefined where it is that already. */
  readonly decode: ((value: unknown) => unknown) | undefined
}

/**
 * The codec of a column of a table.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (table: string, name: string, properties: Properties, exact: boolean): ColumnCodec => {
  const { schema, type, nullable, integers } = properties
  const isPlain = SchemaCheck.make(schema)
  const encodeEither = ParseResult.encodeUnknownEither(schema)
  const expected = String(schema.ast)
  const isJson = type._tag === "Json"

  /** An integer's digits go as the integer: SQLite would make a number of a text that it cannot hold. */
  const isDigits = type._tag === "Integer" && integers === "string"
  const asBound = (value: unknown, argument: string): unknown => {
    // A JSON column takes texts in JSON: a string would be taken for one.
    if (isJson) return bindJson(value, argument)
    if (typeof value !== "string") return value
    if (isDigits) return BigInt(value)
    return type._tag === "Decimal" ? inDigits(value) : value
  }

  const encode = (value: unknown, argument: string): unknown => {
    if (value === null && nullable) return null
    if (value === undefined || (value === null && !isJson)) {
      return new ArgumentError({ argument, given: value === null ? "null" : "undefined", expected })
    }
    if (isPlain?.(value)) return asBound(value, argument)
    const encoded = encodeEither(value)
    if (Either.isLeft(encoded))
      return new ArgumentError({ argument: argument + pathOf(encoded.left, schema), given: kindOf(value), expected })
    return asBound(encoded.right, argument)
  }

  // SQLite reads a YEAR by what is stored, which is an integer.
  const isInteger = type._tag === "Integer" || type._tag === "Year"
  const ofDatabase = exact && integers === "number" && isInteger ? fromBigInt : undefined
  const ofText = exact && integers === "string" ? String : ofDatabase
  if (!properties.decodes && ofText === undefined) return { encode, decode: undefined }

  const decodeEither = ParseResult.decodeUnknownEither(schema)
  const column = `column ${JSON.stringify(name)} of table ${JSON.stringify(table)}`
  const decode = (value: unknown): unknown => {
    if (value === null && (nullable || !isJson)) {
      if (nullable) return null
      throw new DataError({
        reason: "InvalidValue",
        message: `${column} is NULL, which it cannot be by its definition`
      })
    }
    const given = ofText === undefined ? value : ofText(value)
    if (given === undefined) throw unsafeInteger(column)
    if (!properties.decodes || isPlain?.(given)) return given
    const decoded = decodeEither(given)
    if (Either.isRight(decoded)) return decoded.right
    throw new DataError({
      reason: "InvalidValue",
      message: `${column} has a value that its schema refuses${at(pathOf(decoded.left, schema))}; expected ${expected}`
    })
  }
  return { encode, decode }
}

/** A BigDecimal of many zeros is written with an exponent. */
const inDigits = (text: string): string =>
  text.includes("e") ? Option.match(BigDecimal.fromString(text), { onNone: () => text, onSome: formatDecimal }) : text

const fromBigInt = (value: unknown): unknown => {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}

const unsafeInteger = (column: string): DataError =>
  new DataError({
    reason: "UnsafeInteger",
    message: `${column} has an integer beyond 2^53, which a number cannot hold exactly; make it Column.bigint("bigint")`
  })

const at = (path: string): string => (path === "" ? "" : ` at ${path}`)

/** Where in a structure the trouble is, as far as the schema names it: keys of a record are data. */
const pathOf = (issue: ParseResult.ParseIssue, { ast }: Schema.Schema.AnyNoContext): string => {
  const path = ParseResult.ArrayFormatter.formatIssueSync(issue)[0]?.path ?? []
  const named = new Set<PropertyKey>()
  addNames(ast, named, new Set())
  const unnamed = path.findIndex((key) => typeof key !== "number" && !named.has(key))
  return path
    .slice(0, unnamed < 0 ? path.length : unnamed)
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
}

/** The names of the properties that a schema has anywhere. */
const addNames = (ast: SchemaAST.AST, names: Set<PropertyKey>, seen: Set<SchemaAST.AST>): void => {
  if (seen.has(ast)) return
  seen.add(ast)
  for (const each of partsOf(ast, names)) addNames(each, names, seen)
}

const partsOf = (ast: SchemaAST.AST, names: Set<PropertyKey>): ReadonlyArray<SchemaAST.AST> => {
  switch (ast._tag) {
    case "TypeLiteral":
      for (const { name } of ast.propertySignatures) names.add(name)
      return [...ast.propertySignatures, ...ast.indexSignatures].map(({ type }) => type)
    case "TupleType":
      return [...ast.elements, ...ast.rest].map(({ type }) => type)
    case "Union":
      return ast.types
    case "Refinement":
      return [ast.from]
    case "Transformation":
      return [ast.from, ast.to]
    case "Suspend":
      return [ast.f()]
    case "Declaration":
      return ast.typeParameters
    default:
      return []
  }
}

/**
 * The types of values that codecs decode: all exact. Integers are bigints where any of the columns has them so.
 *
 * @since 0.1.0
 * @category models
 */
export const valueOptions = (exact: boolean): ValueOptions => (exact ? exactIntegers : defaultValueOptions)

const exactIntegers: ValueOptions = { ...defaultValueOptions, integers: "bigint" }

/**
 * Parameters, columns and values: what can be bound to a statement, what a column of a result is, and which type its
 * values have in the program. `ValueReader` makes them so.
 *
 * @since 0.1.0
 */
import { BigDecimal, DateTime, Option, Redacted } from "effect"
import { ArgumentError, kindOf } from "./Errors.js"

// ---------------------------------------------------------------------------------------------------------------------
// parameters

/**
 * What JSON can hold. Plain objects and arrays are bound as their JSON text.
 *
 * @since 0.1.0
 * @category models
 */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/**
 * A method of this name says what an object of a class of the program's own is bound as (the encoders in aiomysql's
 * `conv`). It is called each time the object is bound; if it throws, or gives what cannot be bound, that is an
 * `ArgumentError` before anything is sent.
 *
 * @example
 * ```ts
 * import { BigDecimal } from "effect"
 * import { Engine, Value } from "effect-sa"
 *
 * class Money {
 *   constructor(readonly cents: bigint) {}
 *   [Value.toParameter]() {
 *     return BigDecimal.make(this.cents, 2)
 *   }
 * }
 *
 * export const pay = (price: Money) => Engine.execute("INSERT INTO payment (amount) VALUES (?)", [price])
 * ```
 *
 * @since 0.1.0
 * @category symbols
 */
export const toParameter: unique symbol = Symbol.for("effect-sa/Value/toParameter")

/**
 * An object that says itself what it is bound as.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bindable {
  readonly [toParameter]: () => Parameter
}

/**
 * What can be bound to a marker of a statement.
 *
 * `boolean` is bound as 1 or 0; a safe integer as an integer, any other number as a double; `Date` and `DateTime` as
 * date and time in UTC with milliseconds; `BigDecimal` as an exact decimal of up to 65 digits, as many as servers have;
 * plain objects and arrays as JSON text; `Option.none()` as NULL; `Redacted` as the value it hides; an object with
 * `toParameter` as what that gives. `undefined`, `NaN`, infinities, invalid dates, text with lone surrogates and every
 * other object are refused with an `ArgumentError`.
 *
 * @since 0.1.0
 * @category models
 */
export type Parameter =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | DateTime.DateTime
  | BigDecimal.BigDecimal
  | Json
  | Bindable
  | Option.Option<Exclude<BoundValue | boolean | DateTime.DateTime | Json | Bindable, null>>
  | Redacted.Redacted<BoundValue | boolean>

/**
 * A parameter as drivers take it: checked, and reduced to what a database knows.
 *
 * @since 0.1.0
 * @category models
 */
export type BoundValue = null | number | bigint | string | Uint8Array | Date | BigDecimal.BigDecimal

const minInt64 = -(2n ** 63n)
const maxUint64 = 2n ** 64n - 1n

/**
 * Reduces a parameter to what drivers take, or says why it cannot be bound. `argument` is the parameter's name or place,
 * for the message.
 *
 * @since 0.1.0
 * @category binding
 */
export const bind = (value: unknown, argument: string): BoundValue | ArgumentError => {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? value : refuse(argument, kindOf(value), "a finite number")
    case "string":
      return value.isWellFormed()
        ? value
        : refuse(argument, "a string with a lone surrogate", "well-formed Unicode text")
    case "boolean":
      return value ? 1 : 0
    case "bigint":
      return value >= minInt64 && value <= maxUint64
        ? value
        : refuse(argument, "a bigint beyond 64 bits", "a bigint between -2^63 and 2^64-1 (larger ones: BigDecimal)")
    case "object":
      return value === null ? null : bindObject(value, argument)
    default:
      return refuse(argument, typeof value, "a value that can be bound")
  }
}

const bindObject = (value: object, argument: string): BoundValue | ArgumentError => {
  if (toParameter in value) return bindOwn(value, argument)
  if (value instanceof Uint8Array) return value
  if (value instanceof Date) return bindDate(value, argument)
  if (DateTime.isDateTime(value)) return bindDate(DateTime.toDateUtc(value), argument)
  if (BigDecimal.isBigDecimal(value)) return bindDecimal(value, argument)
  if (Option.isOption(value)) return Option.isNone(value) ? null : bind(value.value, argument)
  if (Redacted.isRedacted(value)) return bind(Redacted.value(value), argument)
  if (Array.isArray(value) || isPlainObject(value)) return bindJson(value, argument)
  return refuse(argument, kindOf(value), "a value that can be bound")
}

/** What an object gives for itself, however often that is another of its kind. */
const bindOwn = (value: { readonly [toParameter]: unknown }, argument: string): BoundValue | ArgumentError => {
  const own = value[toParameter]
  if (typeof own !== "function") return refuse(argument, `${kindOf(value)} whose toParameter is no function`, "one")
  try {
    return bind(own.call(value), argument)
  } catch {
    return refuse(argument, `${kindOf(value)} whose toParameter failed`, "a value that can be bound")
  }
}

/** Servers have decimals of 65 digits. Of longer ones they would cut digits off, or make them the largest, and say nothing. */
const mostDigits = 65
const beyondDigits = 10n ** BigInt(mostDigits)

const bindDecimal = (value: BigDecimal.BigDecimal, argument: string): BigDecimal.BigDecimal | ArgumentError => {
  const { scale } = value
  const size = value.value < 0n ? -value.value : value.value
  const fits =
    size < beyondDigits &&
    scale <= mostDigits &&
    (scale >= 0 || size === 0n || (-scale < mostDigits && size.toString().length - scale <= mostDigits))
  return fits
    ? value
    : refuse(argument, `a BigDecimal of more than ${mostDigits} digits`, `one of ${mostDigits} digits or fewer`)
}

const bindDate = (value: Date, argument: string): Date | ArgumentError => {
  const year = value.getUTCFullYear()
  if (Number.isNaN(year)) return refuse(argument, "an invalid Date", "a valid Date")
  return year >= 0 && year <= 9999
    ? value
    : refuse(argument, "a Date outside the years 0 to 9999", "a Date within them")
}

/** JSON.stringify writes a lone surrogate, and nothing else of that range, as an escape. */
const escapedSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

/** JSON.stringify writes NaN and infinities as null. */
const finite = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? "not finite" : value

/**
 * A value as JSON, or why JSON cannot hold it: functions and bigints, NaN and infinities, and text with lone surrogates.
 *
 * @since 0.1.0
 * @category binding
 */
export const bindJson = (value: unknown, argument: string): string | ArgumentError => {
  const refused = (): ArgumentError =>
    refuse(argument, `${kindOf(value)} that JSON cannot hold`, "a value that JSON can hold")
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text === undefined) return refused()
    if (!text.isWellFormed() || escapedSurrogate.test(text))
      return refuse(argument, "JSON with a lone surrogate", "well-formed Unicode text")
    return text.includes("null") && JSON.stringify(value, finite) !== text ? refused() : text
  } catch {
    return refused()
  }
}

/**
 * Whether this is an object literal, or one without a prototype: what named parameters come in.
 *
 * @since 0.1.0
 * @category binding
 */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

/**
 * A date and time as `YYYY-MM-DD HH:MM:SS.mmm`, in UTC.
 *
 * @since 0.1.0
 * @category binding
 */
export const formatDateTime = (date: Date): string => date.toISOString().slice(0, 23).replace("T", " ")

/**
 * A decimal in plain digits, without an exponent.
 *
 * @since 0.1.0
 * @category binding
 */
export const formatDecimal = (decimal: BigDecimal.BigDecimal): string => {
  const digits = (decimal.value < 0n ? -decimal.value : decimal.value).toString()
  const sign = decimal.value < 0n ? "-" : ""
  if (decimal.scale <= 0) return sign + (digits === "0" ? "0" : digits + "0".repeat(-decimal.scale))
  const padded = digits.padStart(decimal.scale + 1, "0")
  return `${sign}${padded.slice(0, -decimal.scale)}.${padded.slice(-decimal.scale)}`
}

// ---------------------------------------------------------------------------------------------------------------------
// columns

/**
 * A column of a result: its name, the table it is from as the statement names it (empty for an expression), and its
 * type by the database's own name (`INTEGER`, `VARCHAR`, …; empty where SQLite knows none).
 *
 * @since 0.1.0
 * @category models
 */
export interface Column {
  readonly name: string
  readonly table: string
  readonly typeName: string
  /** Whether it can be NULL; undefined where the database does not say. */
  readonly nullable: boolean | undefined
  /** Digits of a decimal, or the length in characters or bytes, where the database says. */
  readonly length: number | undefined
  /** Digits after the point. */
  readonly scale: number | undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// values

/**
 * Makes a value of the program from a database's value that is not NULL. It is called again for a value that was read
 * already where a later value of its row could not be read.
 *
 * @since 0.1.0
 * @category models
 */
export type Decoder<in A> = (value: A, column: Column) => unknown

const signedTypes = ["TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "DECIMAL", "FLOAT", "DOUBLE"] as const

const otherTextTypes = [
  "TINYINT(1)",
  "BIT(1)",
  "BIT",
  "YEAR",
  "DATE",
  "TIME",
  "DATETIME",
  "TIMESTAMP",
  "CHAR",
  "VARCHAR",
  "TEXT",
  "ENUM",
  "SET",
  "JSON",
  "UUID",
  "INET4",
  "INET6"
] as const

const bytesTypes = [
  "BINARY",
  "VARBINARY",
  "BLOB",
  "VECTOR",
  "GEOMETRY",
  "POINT",
  "LINESTRING",
  "POLYGON",
  "MULTIPOINT",
  "MULTILINESTRING",
  "MULTIPOLYGON",
  "GEOMETRYCOLLECTION"
] as const

/**
 * The types whose values decoders get as text.
 *
 * @since 0.1.0
 * @category models
 */
export type TextType =
  | (typeof signedTypes)[number]
  | `${(typeof signedTypes)[number]} UNSIGNED`
  | (typeof otherTextTypes)[number]

/**
 * The types whose values decoders get as bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type BytesType = (typeof bytesTypes)[number]

/**
 * Decoders by the type of a column (the decoders in aiomysql's `conv`), named as `Column.typeName` has it. The more exact
 * name comes first: `TINYINT(1)` before `TINYINT`, `BIGINT UNSIGNED` before `BIGINT`, `POINT` before `GEOMETRY`. On SQLite
 * the declared type decides, under the name that MySQL has for it: INTEGER is `INT`, BOOLEAN is `TINYINT(1)`, NUMERIC is
 * `DECIMAL`, REAL is `DOUBLE`; an expression has none.
 *
 * A decoder gets the value as text that holds all of it: an integer's, a bit field's or a decimal's digits, a number as
 * JavaScript writes it, a date and time as the database does, JSON unparsed. What is bytes it gets as bytes. A decoder that
 * throws fails its statement with a `DataError` that names the column.
 *
 * @example
 * ```ts
 * import { Engine } from "effect-sa"
 *
 * export const EngineLive = Engine.layer({
 *   decoders: {
 *     "TINYINT(1)": (digits) => digits !== "0",
 *     DECIMAL: Number,
 *     DATE: (text) => new Date(`${text}T00:00:00Z`)
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type Decoders = { readonly [Type in TextType]?: Decoder<string> | undefined } & {
  readonly [Type in BytesType]?: Decoder<Uint8Array> | undefined
}

/**
 * The types that a decoder can be for.
 *
 * @since 0.1.0
 * @category models
 */
export const decodableTypes: ReadonlyArray<TextType | BytesType> = [
  ...signedTypes.flatMap((type) => [type, `${type} UNSIGNED` as const]),
  ...otherTextTypes,
  ...bytesTypes
]

/**
 * Which type the values of a column have in the program. A column has one type, whichever row it is in and whichever
 * protocol carried it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ValueOptions {
  /**
   * Integers of columns that can hold more than 2^53: `number` fails with a `DataError` where one is not exact, `bigint`
   * and `string` hold all. Smaller columns are always numbers. Default `number`.
   */
  readonly integers: "number" | "bigint" | "string"
  /** DECIMAL: `string` keeps every digit as the database shows it. Default `string`. */
  readonly decimals: "string" | "BigDecimal"
  /** DATETIME and TIMESTAMP: `Date` up to milliseconds, and a string where the column has microseconds. Default `Date`. */
  readonly dateTimes: "Date" | "DateTime" | "string"
  /** JSON columns. `text` is the way to keep integers inside that a number cannot hold. Default `parsed`. */
  readonly json: "parsed" | "text"
  /** TINYINT(1), BIT(1) and SQLite's BOOLEAN. Default `number`. */
  readonly booleans: "number" | "boolean"
  /** Dates such as `0000-00-00` or `2024-00-15`, which no calendar has. Default `fail`, with a `DataError`. */
  readonly zeroDates: "fail" | "string"
  /** Functions of the program's own, by the type of a column. They come before every other option. Default none. */
  readonly decoders?: Decoders | undefined
  /**
   * Whose types they are, where not this package's: then no other option but `zeroDates` counts.
   *
   * @internal
   */
  readonly manner?: "mysql2" | undefined
}

/**
 * The value types that hold unless options say otherwise.
 *
 * @since 0.1.0
 * @category models
 */
export const defaultValueOptions: ValueOptions = {
  integers: "number",
  decimals: "string",
  dateTimes: "Date",
  json: "parsed",
  booleans: "number",
  zeroDates: "fail"
}

/** Options that were combined before: over which, with which decoders, and the rest as text. */
const combined = new WeakMap<ValueOptions, WeakMap<object, Map<string, ValueOptions>>>()

const noDecoders = {}

/**
 * Options over others. It is the same object for the same options, with the same decoders: what is known of results is
 * kept by it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const overriding = (values: ValueOptions, over: Partial<ValueOptions>): ValueOptions => {
  const { integers, decimals, dateTimes, json, booleans, zeroDates, decoders } = over
  const byDecoders = kept(combined, values, () => new WeakMap<object, Map<string, ValueOptions>>())
  const byRest = kept(byDecoders, decoders ?? noDecoders, () => new Map<string, ValueOptions>())
  return kept(byRest, `${integers},${decimals},${dateTimes},${json},${booleans},${zeroDates}`, () => ({
    integers: integers ?? values.integers,
    decimals: decimals ?? values.decimals,
    dateTimes: dateTimes ?? values.dateTimes,
    json: json ?? values.json,
    booleans: booleans ?? values.booleans,
    zeroDates: zeroDates ?? values.zeroDates,
    decoders: decoders === undefined ? values.decoders : { ...values.decoders, ...decoders },
    ...(values.manner === undefined ? {} : { manner: values.manner })
  }))
}

/** What is kept under a key, made if it is not there. */
const kept = <K, V>(
  map: { readonly get: (key: K) => V | undefined; readonly set: (key: K, value: V) => unknown },
  key: K,
  make: () => V
): V => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

/**
 * Whether these are decoders, each under the name of a type.
 *
 * @since 0.1.0
 * @category guards
 */
export const isDecoders = (u: unknown): u is Decoders =>
  isPlainObject(u) &&
  Object.entries(u).every(
    ([name, decode]) =>
      decodableTypes.some((type) => type === name) && (decode === undefined || typeof decode === "function")
  )

/**
 * Whether decoders get the values of this type as bytes.
 *
 * @since 0.1.0
 * @category guards
 */
export const isBytesType = (name: string): name is BytesType => bytesTypes.some((type) => type === name)

/**
 * Whether decoders get the values of this type as text.
 *
 * @since 0.1.0
 * @category guards
 */
export const isTextType = (name: string): name is TextType =>
  decodableTypes.some((type) => type === name) && !isBytesType(name)

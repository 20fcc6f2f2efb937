/**
 * Parameters, columns and values: what can be bound to a statement, what a column of a result is, and which type its
 * values have in the program.
 *
 * @since 0.1.0
 */
import { BigDecimal, DateTime, Option, Redacted } from "effect"
import { ArgumentError, DataError, kindOf } from "./Errors.js"

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
 * What can be bound to a marker of a statement.
 *
 * `boolean` is bound as 1 or 0; a safe integer as an integer, any other number as a double; `Date` and `DateTime` as
 * date and time in UTC with milliseconds; `BigDecimal` as an exact decimal; plain objects and arrays as JSON text;
 * `Option.none()` as NULL; `Redacted` as the value it hides. `undefined`, `NaN`, infinities, invalid dates, text with
 * lone surrogates and every other object are refused with an `ArgumentError`.
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
  | Option.Option<Exclude<BoundValue | boolean | DateTime.DateTime | Json, null>>
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
  if (value instanceof Uint8Array) return value
  if (value instanceof Date) return bindDate(value, argument)
  if (DateTime.isDateTime(value)) return bindDate(DateTime.toDateUtc(value), argument)
  if (BigDecimal.isBigDecimal(value)) return value
  if (Option.isOption(value)) return Option.isNone(value) ? null : bind(value.value, argument)
  if (Redacted.isRedacted(value)) return bind(Redacted.value(value), argument)
  if (Array.isArray(value) || isPlainObject(value)) return bindJson(value, argument)
  return refuse(argument, kindOf(value), "a value that can be bound")
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

const bindJson = (value: object, argument: string): string | ArgumentError => {
  try {
    const text = JSON.stringify(value)
    return text.isWellFormed() && !escapedSurrogate.test(text)
      ? text
      : refuse(argument, "JSON with a lone surrogate", "well-formed Unicode text")
  } catch {
    return refuse(argument, `${kindOf(value)} that JSON cannot hold`, "a value that JSON can hold")
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
  /** JSON columns. `text` is the way to keep numbers beyond 2^53 inside. Default `parsed`. */
  readonly json: "parsed" | "text"
  /** TINYINT(1), BIT(1) and SQLite's BOOLEAN. Default `number`. */
  readonly booleans: "number" | "boolean"
  /** Dates such as `0000-00-00` or `2024-00-15`, which no calendar has. Default `fail`, with a `DataError`. */
  readonly zeroDates: "fail" | "string"
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

/** A value cannot be what the options ask for. Thrown by readers, caught by the driver that runs them. */
const fail = (reason: "UnsafeInteger" | "ZeroDate" | "InvalidValue", message: string): never => {
  throw new DataError({ reason, message })
}

/**
 * An integer given as digits, as the options ask.
 *
 * @since 0.1.0
 * @category reading
 */
export const readIntegerText = (
  text: string,
  column: string,
  integers: ValueOptions["integers"]
): number | bigint | string => {
  if (!/^-?\d+$/.test(text))
    return fail("InvalidValue", `column ${JSON.stringify(column)} has a text that is no integer`)
  if (integers === "string") return text
  if (integers === "bigint") return BigInt(text)
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : unsafeInteger(column)
}

/**
 * An integer given as a bigint, as the options ask.
 *
 * @since 0.1.0
 * @category reading
 */
export const readBigInt = (
  value: bigint,
  column: string,
  integers: ValueOptions["integers"]
): number | bigint | string => {
  if (integers === "bigint") return value
  if (integers === "string") return value.toString()
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : unsafeInteger(column)
}

/** Fails for an integer that a number cannot hold. */
const unsafeInteger = (column: string): never =>
  fail(
    "UnsafeInteger",
    `column ${JSON.stringify(column)} has an integer beyond 2^53, which a number cannot hold exactly; ask for integers: "bigint" or "string"`
  )

/**
 * A date and time given as `YYYY-MM-DD HH:MM:SS[.ffffff]` in UTC, as the options ask.
 *
 * @since 0.1.0
 * @category reading
 */
export const readDateTimeText = (text: string, column: string, options: ValueOptions): Date | DateTime.Utc | string => {
  if (options.dateTimes === "string") return text
  const parts = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?Z?$/.exec(text)
  if (parts === null)
    return fail("InvalidValue", `column ${JSON.stringify(column)} has a text that is no date and time`)
  if (Number(parts[4] ?? 0) > 23 || Number(parts[5] ?? 0) > 59 || Number(parts[6] ?? 0) > 59) {
    return fail("InvalidValue", `column ${JSON.stringify(column)} has a time that no clock has`)
  }
  const fraction = (parts[7] ?? "").padEnd(6, "0")
  if (fraction.slice(3) !== "000") {
    return fail(
      "InvalidValue",
      `column ${JSON.stringify(column)} has microseconds, which a Date cannot hold; ask for dateTimes: "string"`
    )
  }
  return readDateTime(
    Number(parts[1]),
    Number(parts[2]),
    Number(parts[3]),
    Number(parts[4] ?? 0),
    Number(parts[5] ?? 0),
    Number(parts[6] ?? 0),
    Number(fraction.slice(0, 3)),
    column,
    options,
    text
  )
}

/**
 * A date and time given in parts, as the options ask; `text` is what it is by the `string` policy for dates that no
 * calendar has.
 *
 * @since 0.1.0
 * @category reading
 */
export const readDateTime = (
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  millisecond: number,
  column: string,
  options: ValueOptions,
  text: string
): Date | DateTime.Utc | string => {
  const time = utc(year, month, day, hour, minute, second, millisecond)
  if (time === undefined) {
    return options.zeroDates === "string"
      ? text
      : fail(
          "ZeroDate",
          `column ${JSON.stringify(column)} has a date that no calendar has; ask for zeroDates: "string" to read it as text`
        )
  }
  return options.dateTimes === "DateTime" ? DateTime.unsafeMake(time) : new Date(time)
}

/** Milliseconds since 1970, or undefined where the calendar has no such day. */
const utc = (y: number, mo: number, d: number, h: number, mi: number, s: number, ms: number): number | undefined => {
  if (mo < 1 || mo > 12 || d < 1 || d > 31) return undefined
  let time = Date.UTC(y, mo - 1, d, h, mi, s, ms)
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  if (y < 100) time = new Date(time).setUTCFullYear(y, mo - 1, d)
  return d <= 28 || new Date(time).getUTCDate() === d ? time : undefined
}

/**
 * A JSON text, as the options ask.
 *
 * @since 0.1.0
 * @category reading
 */
export const readJson = (text: string, column: string, options: ValueOptions): unknown => {
  if (options.json === "text") return text
  try {
    return JSON.parse(text)
  } catch {
    return fail(
      "InvalidValue",
      `column ${JSON.stringify(column)} has a text that is no JSON; ask for json: "text" to read it`
    )
  }
}

/**
 * A decimal's digits, as the options ask.
 *
 * @since 0.1.0
 * @category reading
 */
export const readDecimal = (text: string, options: ValueOptions): string | BigDecimal.BigDecimal =>
  options.decimals === "string"
    ? text
    : Option.getOrElse(
        Option.filter(BigDecimal.fromString(text), () => /^[-+]?\d*\.?\d+(?:e[-+]?\d+)?$/i.test(text)),
        () => fail("InvalidValue", "a decimal column has a text that is no decimal")
      )

const floatText = new Float32Array(1)

/**
 * The shortest number that is the same 32-bit float: 0.1 for the float nearest to 0.1.
 *
 * @since 0.1.0
 * @category reading
 */
export const shortestFloat = (value: number): number => {
  if (value === 0 || !Number.isFinite(value)) return value
  // Six digits are always told apart, but for the smallest floats, which have fewer.
  for (let digits = Math.abs(value) < 1.2e-38 ? 1 : 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits))
    floatText[0] = short
    if (floatText[0] === value) return short
  }
  return value
}

/** Gives `error` for what a reader threw; anything else that is thrown is a bug and stays one. */
export const dataErrorOf = (thrown: unknown): DataError | undefined =>
  thrown instanceof DataError ? thrown : undefined

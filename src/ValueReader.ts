/**
 * Values of databases made values of the program: which type they get is what the value options say, and what that type
 * cannot hold exactly is a `DataError` that names the column. Readers throw it; the driver that runs them catches it.
 *
 * @since 0.1.0
 */
import { BigDecimal, DateTime, Option } from "effect"
import { DataError } from "./Errors.js"
import { type Column, type Decoder, isBytesType, isTextType, type ValueOptions } from "./Value.js"

/**
 * The value types that lose nothing: what decoders are given, as text.
 *
 * @since 0.1.0
 * @category models
 */
export const exactValueOptions: ValueOptions = {
  integers: "string",
  decimals: "string",
  dateTimes: "string",
  json: "text",
  booleans: "number",
  zeroDates: "string"
}

/**
 * What becomes of the values of a column that has a decoder, given as `exactValueOptions` reads them; undefined where it
 * has none. `names` are those of its type, the most exact first.
 *
 * @since 0.1.0
 * @category reading
 */
export const decoding = (
  { decoders }: ValueOptions,
  column: Column,
  names: ReadonlyArray<string>
): ((exact: unknown) => unknown) | undefined => {
  if (decoders === undefined) return undefined
  for (const name of names) {
    if (isBytesType(name)) {
      const decode = decoders[name]
      if (decode !== undefined) return (exact) => decoded(decode, bytesOf(exact, column), column)
    } else if (isTextType(name)) {
      const decode = decoders[name]
      if (decode !== undefined) return (exact) => decoded(decode, textOf(exact, column), column)
    }
  }
  return undefined
}

const decoded = <A>(decode: Decoder<A>, value: A, column: Column): unknown => {
  try {
    return decode(value, column)
  } catch (cause) {
    throw new DataError({
      reason: "InvalidValue",
      message: `column ${JSON.stringify(column.name)} of type ${column.typeName} has a value that its decoder cannot decode`,
      cause
    })
  }
}

const textOf = (exact: unknown, { name }: Column): string => {
  if (exact instanceof Uint8Array)
    return fail("InvalidValue", `column ${JSON.stringify(name)} has bytes, and its decoder is for text`)
  return Object.is(exact, -0) ? "-0" : String(exact)
}

const bytesOf = (exact: unknown, { name }: Column): Uint8Array =>
  exact instanceof Uint8Array
    ? exact
    : fail("InvalidValue", `column ${JSON.stringify(name)} has text or a number, and its decoder is for bytes`)

/** A value cannot be what the options ask for. */
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
  // ZEROFILL is for people: the text protocol has its zeros, the binary one has not.
  if (integers === "string") return text.replace(/^0+(?=\d)/, "")
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
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return fail(
      "InvalidValue",
      `column ${JSON.stringify(column)} has a text that is no JSON; ask for json: "text" to read it`
    )
  }
  return manyDigits.test(text) && hasInexactInteger(text)
    ? fail(
        "UnsafeInteger",
        `column ${JSON.stringify(column)} has an integer in its JSON that a number cannot hold exactly; ask for json: "text" to read it`
      )
    : parsed
}

/** An integer of fewer digits is a number. */
const manyDigits = /\d{16}/

/** Whether an integer in this JSON is another after it was parsed. Other numbers are doubles to begin with. */
const hasInexactInteger = (json: string): boolean => {
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at)
    if (char === 0x22) at = endOfString(json, at)
    else if (isNumeric(char)) {
      const start = at
      while (at < json.length && isNumeric(json.charCodeAt(at))) at++
      if (!isExact(json.slice(start, at))) return true
    }
  }
  return false
}

/** A digit, or another character of a number. */
const isNumeric = (char: number): boolean =>
  (char >= 0x30 && char <= 0x39) || char === 0x2b || char === 0x2d || char === 0x2e || char === 0x45 || char === 0x65

/** Where the string ends that begins here: at the next quote without a backslash that is for it. */
const endOfString = (json: string, start: number): number => {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let backslashes = 0
    while (json[end - 1 - backslashes] === "\\") backslashes++
    if (end < 0 || backslashes % 2 === 0) return end < 0 ? json.length : end
  }
}

/** Whether a number gives back the digits of an integer, as it does when JavaScript has written them. */
const isExact = (number: string): boolean => {
  if (!/^-?\d{16,}$/.test(number)) return true
  const value = Number(number)
  return String(value) === number || (Number.isFinite(value) && BigInt(value) === BigInt(number))
}

/**
 * A decimal's digits, as the options ask.
 *
 * @since 0.1.0
 * @category reading
 */
export const readDecimal = (text: string, column: string, options: ValueOptions): string | BigDecimal.BigDecimal =>
  options.decimals === "string"
    ? text
    : Option.getOrElse(
        Option.filter(BigDecimal.fromString(text), () => /^[-+]?\d*\.?\d+(?:e[-+]?\d+)?$/i.test(text)),
        () => fail("InvalidValue", `column ${JSON.stringify(column)} has a text that is no decimal`)
      )

const floatText = new Float32Array(1)

/** Its shortest digits are those of a number above it, which no column of floats would take. */
const largestFloat = 3.4028234663852886e38

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
    if (floatText[0] === value && Math.abs(short) <= largestFloat) return short
  }
  return value
}

/** The error of a statement for what a reader threw; anything else that is thrown is a bug and stays one. */
export const dataErrorOf = (thrown: unknown, statement: string | undefined): DataError | undefined =>
  thrown instanceof DataError
    ? new DataError({
        reason: thrown.reason,
        message: thrown.message,
        statement,
        ...(thrown.cause === undefined ? {} : { cause: thrown.cause })
      })
    : undefined

/**
 * Values between SQLite's storage classes and the program: by the column's declared type, and by storage class for
 * expressions.
 *
 * https://sqlite.org/datatype3.html
 */
import { BigDecimal, Option } from "effect"
import { DataError, NotSupportedError } from "../Errors.js"
import { type BoundValue, type Column, formatDateTime, formatDecimal, type ValueOptions } from "../Value.js"
import { decoding, exactValueOptions, readBigInt, readDateTimeText, readDecimal, readJson } from "../ValueReader.js"
import type { NativeColumn, NativeParameter } from "./SqliteNative.js"

type Stored = null | number | bigint | string | Uint8Array

/** Reads one value that is not NULL. */
type Reader = (value: Exclude<Stored, null>) => unknown

const maxInt64 = 2n ** 63n - 1n

/** A parameter as SQLite stores it, or why it cannot. Integers go as bigint: as a number they would be stored as REAL. */
export const toNative = (value: BoundValue, keepsNul: boolean): NativeParameter | DataError | NotSupportedError => {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value
    case "bigint":
      return value <= maxInt64
        ? value
        : new DataError({ reason: "OutOfRange", message: "SQLite has no integers above 2^63-1" })
    case "string":
      return keepsNul || !value.includes("\0")
        ? value
        : new NotSupportedError({
            reason: "NotSupported",
            message: "libsql cuts text at a NUL character when it is read; bind it as a Uint8Array"
          })
    default:
      if (value === null || value instanceof Uint8Array) return value
      if (value instanceof Date) return formatDateTime(value)
      return BigDecimal.isBigDecimal(value) ? formatDecimal(value) : null
  }
}

/** The columns of a result, with a reader for each. */
export interface SqliteShape {
  readonly native: ReadonlyArray<NativeColumn>
  readonly columns: ReadonlyArray<Column>
  readonly readers: ReadonlyArray<Reader>
}

export const makeShape = (native: ReadonlyArray<NativeColumn>, values: ValueOptions): SqliteShape => {
  const columns = native.map(columnOf)
  return {
    native,
    columns,
    readers: native.map((column, i) => decodingReader(column, columns[i]!, values))
  }
}

export const readRow = (shape: SqliteShape, stored: ReadonlyArray<Stored>): ReadonlyArray<unknown> => {
  const { readers } = shape
  const count = readers.length
  const row = new Array<unknown>(count)
  for (let i = 0; i < count; i++) {
    const value = stored[i]!
    row[i] = value === null ? null : readers[i]!(value)
  }
  return row
}

/** `DECIMAL(10, 2)` in its parts. */
const declared = (
  type: string | null
): { readonly name: string; readonly length?: number; readonly scale?: number } => {
  const parts = /^\s*([^(]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)\s*(.*))?$/.exec((type ?? "").toUpperCase())
  if (parts === null) return { name: "" }
  const [, name = "", length, scale] = parts
  return {
    name,
    ...(length === undefined ? {} : { length: Number(length) }),
    ...(scale === undefined ? {} : { scale: Number(scale) })
  }
}

const columnOf = (column: NativeColumn): Column => {
  const { name, length, scale } = declared(column.type)
  return { name: column.name, table: column.table ?? "", typeName: name, nullable: undefined, length, scale }
}

/** MySQL's names for types that are declared by another: those are what decoders are named by. */
const sameTypes: Readonly<Record<string, ReadonlyArray<string>>> = {
  BOOL: ["TINYINT(1)", "TINYINT"],
  BOOLEAN: ["TINYINT(1)", "TINYINT"],
  INTEGER: ["INT"],
  "INTEGER UNSIGNED": ["INT UNSIGNED", "INT"],
  NUMERIC: ["DECIMAL"],
  REAL: ["DOUBLE"],
  "DOUBLE PRECISION": ["DOUBLE"]
}

/** The names of a declared type for which there may be a decoder, the most exact first. */
const typeNamesOf = (column: NativeColumn): ReadonlyArray<string> => {
  const { name, length } = declared(column.type)
  if (Object.hasOwn(sameTypes, name)) return sameTypes[name] ?? []
  const sized = /^(?:TINY|MEDIUM|LONG)(TEXT|BLOB)$/.exec(name)?.[1]
  if (sized !== undefined) return [sized]
  return [
    ...(name === "TINYINT" && length === 1 ? ["TINYINT(1)"] : []),
    name,
    ...(name.endsWith(" UNSIGNED") ? [name.slice(0, -" UNSIGNED".length)] : [])
  ]
}

/** A column's reader, by the program's decoder where it has one. */
const decodingReader = (native: NativeColumn, column: Column, values: ValueOptions): Reader => {
  const decode = decoding(values, column, typeNamesOf(native))
  if (decode === undefined) return readerOf(native, values)
  const read = readerOf(native, exactValueOptions)
  return (value) => decode(read(value))
}

const readerOf = (column: NativeColumn, values: ValueOptions): Reader => {
  const { name: type, length, scale } = declared(column.type)
  const name = column.name
  const isTinyBoolean = type === "TINYINT" && length === 1
  if (type === "BOOLEAN" || type === "BOOL" || isTinyBoolean) {
    const number = integer(name, "number")
    return values.booleans === "boolean" ? (value) => number(value) !== 0 : number
  }
  // SQLite's integers have 64 bits, whatever the column is declared as.
  if (type.includes("INT")) return integer(name, values.integers)
  if (type === "DATETIME" || type === "TIMESTAMP") return dateTime(name, (length ?? 0) > 3, values)
  const text = textOf(name)
  if (type === "DATE" || type === "TIME") return text
  if (type === "JSON") return (value) => readJson(text(value), name, values)
  if (type === "DECIMAL" || type === "NUMERIC")
    return (value) => readDecimal(decimalText(name, value, scale), name, values)
  if (type.includes("CHAR") || type.includes("CLOB") || type.includes("TEXT")) return text
  if (type.includes("BLOB") || type.includes("BINARY")) return bytes
  if (type.includes("REAL") || type.includes("FLOA") || type.includes("DOUB")) return real(name)
  return byStorageClass(name, values)
}

const unexpected = (name: string, expected: string, value: Stored): never => {
  const found = typeof value === "string" ? "text" : value instanceof Uint8Array ? "bytes" : "a number"
  throw new DataError({
    reason: "InvalidValue",
    message: `column ${JSON.stringify(name)} is declared as ${expected} and has ${found}`
  })
}

const integer =
  (name: string, integers: ValueOptions["integers"]): Reader =>
  (value) => {
    if (typeof value === "bigint") return readBigInt(value, name, integers)
    return typeof value === "number" && integers === "number" ? value : unexpected(name, "an integer", value)
  }

const real =
  (name: string): Reader =>
  (value) =>
    typeof value === "number" || typeof value === "bigint" ? Number(value) : unexpected(name, "a real number", value)

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Text that was stored as bytes is text where it can be. */
const textOf =
  (name: string) =>
  (value: Exclude<Stored, null>): string => {
    if (!(value instanceof Uint8Array)) return String(value)
    try {
      return utf8.decode(value)
    } catch {
      return unexpected(name, "text", value)
    }
  }

const bytes: Reader = (value) =>
  value instanceof Uint8Array ? plainBytes(value) : new TextEncoder().encode(String(value))

/** A Uint8Array of its own, not a Buffer over memory that others share. */
const plainBytes = (value: Uint8Array): Uint8Array => new Uint8Array(value)

const dateTime =
  (name: string, microseconds: boolean, values: ValueOptions): Reader =>
  (value) => {
    if (typeof value !== "string")
      return values.dateTimes === "string" ? textOf(name)(value) : unexpected(name, "a date and time", value)
    return microseconds ? value : readDateTimeText(value, name, values)
  }

/** SQLite keeps what looks like a number as one: the digits after the point come from the declaration. */
const decimalText = (name: string, value: Exclude<Stored, null>, scale: number | undefined): string => {
  if (typeof value === "number") return digitsOf(name, value, scale)
  if (typeof value === "bigint" && scale !== undefined && scale > 0) return `${value}.${"0".repeat(scale)}`
  return textOf(name)(value)
}

/** SQLite keeps so many digits of a text that it makes a float of. https://sqlite.org/datatype3.html#type_affinity */
const keptDigits = 15

/**
 * A float with the declared digits after the point. One with more digits than SQLite keeps may have been rounded when it was
 * stored, and is not taken for a decimal.
 */
const digitsOf = (name: string, value: number, scale: number | undefined): string => {
  if (Math.abs(value) * 10 ** (scale ?? 0) < 10 ** keptDigits) {
    const digits = scale === undefined ? plainDigits(value) : value.toFixed(Math.min(scale, 100))
    return /^-[0.]+$/.test(digits) ? digits.slice(1) : digits
  }
  const shortest = Option.map(BigDecimal.fromString(String(value)), BigDecimal.normalize)
  const places = scale ?? 0
  if (Option.isSome(shortest) && shortest.value.scale <= places && digitCount(shortest.value) <= keptDigits)
    return formatDecimal(BigDecimal.scale(shortest.value, places))
  throw new DataError({
    reason: "InvalidValue",
    message: `column ${JSON.stringify(name)} has a decimal of more digits than SQLite keeps: declare it as TEXT`
  })
}

const digitCount = ({ value }: BigDecimal.BigDecimal): number => String(value).replace("-", "").length

/** JavaScript writes small numbers with an exponent. */
const plainDigits = (value: number): string =>
  Option.match(BigDecimal.fromString(String(value)), { onNone: () => String(value), onSome: formatDecimal })

const byStorageClass =
  (name: string, values: ValueOptions): Reader =>
  (value) => {
    if (typeof value === "bigint") return readBigInt(value, name, values.integers)
    return value instanceof Uint8Array ? plainBytes(value) : value
  }

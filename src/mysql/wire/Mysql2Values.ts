/**
 * Values as mysql2 gives them with `supportBigNumbers`, for programs that were written for it: dates by the time zone of
 * the process, integers that a number cannot hold as text, bytes as a Buffer, geometry as points.
 *
 * Both protocols give one type here, where mysql2's differ: FLOAT is the shortest number that is the same float, and TIME
 * has the digits that are not zero. Dates that no calendar has are what the option `zeroDates` says, never an invalid Date.
 */
import { DataError } from "../../Errors.js"
import type { ValueOptions } from "../../Value.js"
import { shortestFloat } from "../../ValueReader.js"
import type { ColumnDefinition } from "./Answer.js"
import type { Bytes } from "./Bytes.js"
import { binaryCharset, FieldFlag, FieldType } from "./Constants.js"
import type { Reader } from "./RowReader.js"

const nullable = <A, B>(value: A | null, read: (value: A) => B): B | null => (value === null ? null : read(value))

/** The reader of a column in the text protocol. */
export const textReader = (d: ColumnDefinition, values: ValueOptions): Reader => {
  switch (d.type) {
    case FieldType.TINY:
    case FieldType.SHORT:
    case FieldType.INT24:
    case FieldType.LONG:
    case FieldType.YEAR:
    case FieldType.FLOAT:
    case FieldType.DOUBLE:
      return (bytes) => nullable(bytes.ascii(), Number)
    case FieldType.LONGLONG:
      return (bytes) => nullable(bytes.ascii(), integerOfText)
    case FieldType.DATE:
    case FieldType.DATETIME:
    case FieldType.TIMESTAMP:
      return (bytes) => nullable(bytes.ascii(), (text) => dateOfText(text, d.name, values))
    case FieldType.TIME:
      return (bytes) => nullable(bytes.ascii(), withoutZeros)
    default:
      return sameInBoth(d)
  }
}

/** The reader of a column in the binary protocol, of a value that is not NULL. */
export const binaryReader = (d: ColumnDefinition, values: ValueOptions): Reader => {
  const unsigned = (d.flags & FieldFlag.UNSIGNED) !== 0
  switch (d.type) {
    case FieldType.TINY:
      return unsigned ? (bytes) => bytes.uint8() : (bytes) => (bytes.uint8() << 24) >> 24
    case FieldType.SHORT:
      return unsigned ? (bytes) => bytes.uint16() : (bytes) => (bytes.uint16() << 16) >> 16
    case FieldType.YEAR:
      return (bytes) => bytes.uint16()
    case FieldType.INT24:
    case FieldType.LONG:
      return unsigned ? (bytes) => bytes.uint32() : (bytes) => bytes.int32()
    case FieldType.LONGLONG:
      return unsigned ? (bytes) => integerOf(bytes.uint64()) : (bytes) => integerOf(bytes.int64())
    case FieldType.FLOAT:
      return (bytes) => shortestFloat(bytes.float())
    case FieldType.DOUBLE:
      return (bytes) => bytes.double()
    case FieldType.DATE:
    case FieldType.DATETIME:
    case FieldType.TIMESTAMP:
      return (bytes) => binaryDate(bytes, d.name, values)
    case FieldType.TIME:
      return binaryTime
    case FieldType.NULL:
      return () => null
    default:
      return sameInBoth(d)
  }
}

/** Types that are length-encoded strings in both protocols. */
const sameInBoth = (d: ColumnDefinition): Reader => {
  switch (d.type) {
    case FieldType.DECIMAL:
    case FieldType.NEWDECIMAL:
      return (bytes) => bytes.ascii()
    case FieldType.GEOMETRY:
      return (bytes) => nullable(bytes.bytes(), (raw) => geometry(buffer(raw)))
    case FieldType.VECTOR:
      return (bytes) => nullable(bytes.bytes(), (raw) => floats(buffer(raw)))
    default:
      if (d.type === FieldType.JSON || d.format === "json")
        return (bytes) => nullable(bytes.text(), (text) => json(text, d.name))
      return d.charset === binaryCharset ? (bytes) => nullable(bytes.bytes(), buffer) : (bytes) => bytes.text()
  }
}

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

// ---------------------------------------------------------------------------------------------------------------------
// integers

const integerOf = (value: number | bigint): number | string =>
  typeof value === "number" && Number.isSafeInteger(value) ? value : value.toString()

const integerOfText = (text: string): number | string => {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text.replace(/^0+(?=\d)/, "")
}

// ---------------------------------------------------------------------------------------------------------------------
// dates and times

const noSuchDate = (column: string): never => {
  throw new DataError({
    reason: "ZeroDate",
    message: `column ${JSON.stringify(column)} has a date that no calendar has; ask for zeroDates: "string" to read it as text`
  })
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value))

const localDate = (
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  millisecond: number,
  column: string,
  values: ValueOptions,
  text: () => string
): Date | string => {
  const hasDay = month >= 1 && month <= 12 && day >= 1 && (day <= 28 || day <= daysIn(year, month))
  if (!hasDay) return values.zeroDates === "string" ? text() : noSuchDate(column)
  const date = new Date(year, month - 1, day, hour, minute, second, millisecond)
  // The constructor takes the years 0 to 99 for 1900 to 1999.
  if (year < 100) date.setFullYear(year, month - 1, day)
  return date
}

const daysIn = (year: number, month: number): number => {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const dateOfText = (text: string, column: string, values: ValueOptions): Date | string => {
  const part = (from: number, to: number): number => Number(text.slice(from, to))
  return localDate(
    part(0, 4),
    part(5, 7),
    part(8, 10),
    part(11, 13),
    part(14, 16),
    part(17, 19),
    Number(text.slice(20, 23).padEnd(3, "0")),
    column,
    values,
    () => text
  )
}

const binaryDate = (bytes: Bytes, column: string, values: ValueOptions): Date | string => {
  const length = bytes.uint8()
  const end = bytes.at + length
  const year = length >= 4 ? bytes.uint16() : 0
  const month = length >= 4 ? bytes.uint8() : 0
  const day = length >= 4 ? bytes.uint8() : 0
  const hour = length >= 7 ? bytes.uint8() : 0
  const minute = length >= 7 ? bytes.uint8() : 0
  const second = length >= 7 ? bytes.uint8() : 0
  const micro = length >= 11 ? bytes.uint32() : 0
  bytes.at = end
  const text = (): string =>
    `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}${length < 7 ? "" : ` ${two(hour)}:${two(minute)}:${two(second)}`}`
  return localDate(year, month, day, hour, minute, second, (micro / 1000) | 0, column, values, text)
}

/** `10:00:00.500000` is `10:00:00.5`. */
const withoutZeros = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text)

/** `[-]HH:MM:SS[.ffffff]`, with as many hours as there are. */
const binaryTime = (bytes: Bytes): string => {
  const length = bytes.uint8()
  const end = bytes.at + length
  const negative = length >= 8 && bytes.uint8() === 1
  const days = length >= 8 ? bytes.uint32() : 0
  const hours = length >= 8 ? bytes.uint8() : 0
  const minutes = length >= 8 ? bytes.uint8() : 0
  const seconds = length >= 8 ? bytes.uint8() : 0
  const micro = length >= 12 ? bytes.uint32() : 0
  bytes.at = end
  const fraction = micro === 0 ? "" : `.${String(micro).padStart(6, "0")}`.replace(/0+$/, "")
  return `${negative ? "-" : ""}${two(days * 24 + hours)}:${two(minutes)}:${two(seconds)}${fraction}`
}

// ---------------------------------------------------------------------------------------------------------------------
// JSON

/** What a reviver is told besides key and value, by a Node.js that has it. */
interface Source {
  readonly source?: string
}

type Reviver = (key: string, value: unknown, context?: Source) => unknown

/** An integer that a number cannot hold is its digits. */
const reviver: Reviver = (_key, value, context) =>
  typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
    ? context?.source
    : value

const json = (text: string, column: string): unknown => {
  try {
    return /\d{16}/.test(text) ? JSON.parse(text, reviver) : JSON.parse(text)
  } catch {
    throw new DataError({
      reason: "InvalidValue",
      message: `column ${JSON.stringify(column)} has a text that is no JSON`
    })
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// geometry and vectors

const floats = (raw: Buffer): ReadonlyArray<number> =>
  Array.from({ length: raw.length >> 2 }, (_, i) => raw.readFloatLE(i * 4))

interface Point {
  readonly x: number
  readonly y: number
}

type Geometry = Point | ReadonlyArray<Geometry> | null

/** Well-known binary after four bytes that name the reference system; what is cut off or of another kind is null. */
const geometry = (raw: Buffer): Geometry => {
  let at = 4
  const number = (little: boolean): number => {
    at += 8
    return little ? raw.readDoubleLE(at - 8) : raw.readDoubleBE(at - 8)
  }
  const count = (little: boolean): number => {
    at += 4
    return little ? raw.readUInt32LE(at - 4) : raw.readUInt32BE(at - 4)
  }
  const point = (little: boolean): Point => ({ x: number(little), y: number(little) })
  const several = (little: boolean, one: () => Geometry): ReadonlyArray<Geometry> => {
    const found: Array<Geometry> = []
    for (let left = count(little); left > 0; left--) found.push(one())
    return found
  }
  const shape = (): Geometry => {
    const little = raw[at++] === 1
    const points = (): ReadonlyArray<Geometry> => several(little, () => point(little))
    switch (count(little)) {
      case 1:
        return point(little)
      case 2:
        return points()
      case 3:
        return several(little, points)
      case 4:
      case 5:
      case 6:
      case 7:
        return several(little, shape)
      default:
        return null
    }
  }
  try {
    return shape()
  } catch (thrown) {
    if (thrown instanceof RangeError) return null
    throw thrown
  }
}

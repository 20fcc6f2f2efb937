/**
 * The shape of a result set: its columns, and for each a reader of its values in the text and in the binary protocol,
 * chosen once. Both readers of a column give the same type, which the value options decide.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 */
import { isUtf8 } from "node:buffer"
import { DataError } from "../../Errors.js"
import type { Column, ValueOptions } from "../../Value.js"
import {
  decoding,
  exactValueOptions,
  readBigInt,
  readDateTime,
  readDateTimeText,
  readDecimal,
  readIntegerText,
  readJson,
  shortestFloat
} from "../../ValueReader.js"
import type { ColumnDefinition } from "./Answer.js"
import { type Bytes, protocolError } from "./Bytes.js"
import { binaryCharset, FieldFlag, FieldType } from "./Constants.js"
import * as Mysql2Values from "./Mysql2Values.js"
import { makeRowsReader, nullBytes, type Reader, type RowsReader } from "./RowReader.js"

export interface Shape {
  readonly columns: ReadonlyArray<Column>
  readonly text: ReadonlyArray<Reader>
  readonly binary: ReadonlyArray<Reader>
  /** Reads many binary rows at once. */
  readonly readRows: RowsReader
  readonly values: ValueOptions
}

const makeShape = (
  definitions: ReadonlyArray<ColumnDefinition>,
  columns: ReadonlyArray<Column>,
  values: ValueOptions
): Shape => {
  const binary = definitions.map((definition, i) => reader(binaryReader, definition, columns[i]!, values))
  return {
    columns,
    text: definitions.map((definition, i) => reader(textReader, definition, columns[i]!, values)),
    binary,
    readRows: makeRowsReader(binary),
    values
  }
}

/** Results of this kind have one class of rows, whatever their values are read as. */
interface KnownColumns {
  readonly columns: ReadonlyArray<Column>
  readonly shapes: WeakMap<ValueOptions, Shape>
}

/** Results whose columns are kept. */
const keptResults = 256

/**
 * The shapes of results that were seen, by the bytes of their metadata: connections that execute the same statement have
 * one shape, and with it one class of rows.
 */
export class Shapes {
  private readonly known = new Map<string, KnownColumns>()

  of(definitions: ReadonlyArray<ColumnDefinition>, metadata: Buffer, values: ValueOptions): Shape {
    const { columns, shapes } = this.columnsOf(definitions, metadata.latin1Slice(0, metadata.length))
    const known = shapes.get(values)
    if (known !== undefined) return known
    const made = makeShape(definitions, columns, values)
    shapes.set(values, made)
    return made
  }

  private columnsOf(definitions: ReadonlyArray<ColumnDefinition>, key: string): KnownColumns {
    const known = this.known.get(key)
    if (known !== undefined) return known
    const made: KnownColumns = { columns: definitions.map(columnOf), shapes: new WeakMap() }
    this.known.set(key, made)
    if (this.known.size > keptResults) {
      const [oldest] = this.known.keys()
      if (oldest !== undefined) this.known.delete(oldest)
    }
    return made
  }
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_row.html */
export const readTextRow = (bytes: Bytes, shape: Shape, start: number, end: number): ReadonlyArray<unknown> => {
  const readers = shape.text
  const count = readers.length
  const row = new Array<unknown>(count)
  bytes.at = start
  for (let i = 0; i < count; i++) row[i] = readers[i]!(bytes)
  bytes.finish(end)
  return row
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html#sect_protocol_binary_resultset_row */
export const readBinaryRow = (bytes: Bytes, shape: Shape, start: number, end: number): ReadonlyArray<unknown> => {
  const readers = shape.binary
  const count = readers.length
  const row = new Array<unknown>(count)
  const buffer = bytes.buffer
  const nulls = start + 1
  bytes.at = nulls + nullBytes(count)
  for (let i = 0; i < count; i++) {
    row[i] = buffer[nulls + ((i + 2) >> 3)]! & (1 << ((i + 2) & 7)) ? null : readers[i]!(bytes)
  }
  bytes.finish(end)
  return row
}

// ---------------------------------------------------------------------------------------------------------------------

const isJson = (d: ColumnDefinition): boolean => d.type === FieldType.JSON || d.format === "json"

const isUnsigned = (d: ColumnDefinition): boolean => (d.flags & FieldFlag.UNSIGNED) !== 0

/** TINYINT(1) and BIT(1), which the option `booleans` is about. */
const isBoolean = (d: ColumnDefinition): boolean =>
  (d.type === FieldType.TINY || d.type === FieldType.BIT) && d.length === 1

/** More digits after the second than a Date has. */
const isMicroseconds = (d: ColumnDefinition): boolean => d.decimals > 3

const isDateTime = (d: ColumnDefinition): boolean => d.type === FieldType.DATETIME || d.type === FieldType.TIMESTAMP

/** A column's reader in one of the protocols, by the program's decoder where it has one. */
const reader = (
  make: (d: ColumnDefinition, values: ValueOptions) => Reader,
  d: ColumnDefinition,
  column: Column,
  values: ValueOptions
): Reader => {
  const decode = decoding(values, column, typeNamesOf(d))
  if (decode === undefined) return make(d, values)
  const read = make(d, exactValueOptions)
  return (bytes) => {
    const exact = read(bytes)
    return exact === null ? null : decode(exact)
  }
}

/** What differs between the two protocols is how bytes become digits or text; what those become is decided here. */
const textReader = (d: ColumnDefinition, values: ValueOptions): Reader => {
  if (values.manner === "mysql2") return Mysql2Values.textReader(d, values)
  const name = d.name
  switch (d.type) {
    case FieldType.TINY:
    case FieldType.SHORT:
    case FieldType.INT24:
    case FieldType.LONG:
    case FieldType.YEAR:
      return isBoolean(d) && values.booleans === "boolean"
        ? (bytes) => nullable(bytes.ascii(), (text) => text !== "0")
        : (bytes) => nullable(bytes.ascii(), Number)
    case FieldType.LONGLONG:
      return (bytes) => nullable(bytes.ascii(), (text) => readIntegerText(text, name, values.integers))
    case FieldType.FLOAT:
      return hasFixedDigits(d)
        ? (bytes) => nullable(bytes.ascii(), (text) => shortestFloat(Math.fround(Number(text))))
        : (bytes) => nullable(bytes.ascii(), (text) => (/^-?0$/.test(text) ? Number(text) : roundedFloat(name)))
    case FieldType.DOUBLE:
      return (bytes) => nullable(bytes.ascii(), Number)
    case FieldType.DATETIME:
    case FieldType.TIMESTAMP:
      return isMicroseconds(d)
        ? (bytes) => bytes.ascii()
        : (bytes) => nullable(bytes.ascii(), (text) => readDateTimeText(text, name, values))
    case FieldType.DATE:
    case FieldType.TIME:
      return (bytes) => bytes.ascii()
    default:
      return lengthEncodedReader(d, values)
  }
}

/** FLOAT(M, D), which the text protocol sends with D digits: that is all there are. */
const hasFixedDigits = (d: ColumnDefinition): boolean => d.decimals < notFixed

/** From here on, `decimals` means that there is no fixed number of them. MariaDB has more than one such value. */
const notFixed = 31

/** Six digits of a FLOAT are those of many. */
const roundedFloat = (column: string): never => {
  throw new DataError({
    reason: "InvalidValue",
    message: `column ${JSON.stringify(column)} is a FLOAT, of which servers send six digits only for a statement that is not prepared; select it CAST(… AS DOUBLE)`
  })
}

const binaryReader = (d: ColumnDefinition, values: ValueOptions): Reader => {
  if (values.manner === "mysql2") return Mysql2Values.binaryReader(d, values)
  const unsigned = isUnsigned(d)
  switch (d.type) {
    case FieldType.TINY:
      if (isBoolean(d) && values.booleans === "boolean") return (bytes) => bytes.uint8() !== 0
      return unsigned ? (bytes) => bytes.uint8() : (bytes) => (bytes.uint8() << 24) >> 24
    case FieldType.SHORT:
    case FieldType.YEAR:
      return unsigned ? (bytes) => bytes.uint16() : (bytes) => (bytes.uint16() << 16) >> 16
    case FieldType.INT24:
    case FieldType.LONG:
      return unsigned ? (bytes) => bytes.uint32() : (bytes) => bytes.int32()
    case FieldType.LONGLONG: {
      const integer = integerReader(d.name, values.integers)
      return unsigned ? (bytes) => integer(bytes.uint64()) : (bytes) => integer(bytes.int64())
    }
    case FieldType.FLOAT:
      return (bytes) => shortestFloat(bytes.float())
    case FieldType.DOUBLE:
      return (bytes) => bytes.double()
    case FieldType.DATETIME:
    case FieldType.TIMESTAMP:
      return dateTimeReader(d, values)
    case FieldType.DATE:
      return (bytes) => dateText(bytes, bytes.uint8())
    case FieldType.TIME:
      return (bytes) => timeText(bytes, d.decimals)
    case FieldType.NULL:
      return () => null
    default:
      return lengthEncodedReader(d, values)
  }
}

/** Types that are length-encoded strings in both protocols. */
const lengthEncodedReader = (d: ColumnDefinition, values: ValueOptions): Reader => {
  switch (d.type) {
    case FieldType.DECIMAL:
    case FieldType.NEWDECIMAL:
      return (bytes) => nullable(bytes.ascii(), (text) => readDecimal(text, d.name, values))
    case FieldType.BIT:
      return bitReader(d, values)
    case FieldType.GEOMETRY:
    case FieldType.VECTOR:
      return (bytes) => bytes.bytes()
    default:
      if (isJson(d)) return (bytes) => nullable(utf8(bytes, d.name), (text) => readJson(text, d.name, values))
      if (d.charset === binaryCharset) return (bytes) => bytes.bytes()
      if (!isUtf8Charset(d.charset)) return (bytes) => nullable(bytes.bytes(), () => otherCharset(d.name))
      // What is stored as a text is one.
      return d.isStored ? (bytes) => bytes.text() : (bytes) => utf8(bytes, d.name)
  }
}

/**
 * A text, which servers send in UTF-8. Bytes that are sent as a text, as MySQL does with a parameter of bytes in the place of
 * a text, would have this character in them.
 */
const utf8 = (bytes: Bytes, column: string): string | null => {
  const start = bytes.at
  const text = bytes.text()
  return text === null || !text.includes("\ufffd") || isText(bytes, start) ? text : notText(column)
}

const isText = (bytes: Bytes, start: number): boolean => {
  const end = bytes.at
  bytes.at = start
  bytes.length()
  const text = bytes.buffer.subarray(bytes.at, end)
  bytes.at = end
  return isUtf8(text)
}

const notText = (column: string): never => {
  throw new DataError({
    reason: "InvalidValue",
    message: `column ${JSON.stringify(column)} is sent as a text and has bytes that are none; select it CAST(… AS BINARY)`
  })
}

/**
 * Collations below 255 of utf8mb3, utf8mb4 and ascii. Above they are of utf8mb4, but for a few of MariaDB's that results do not
 * have. https://dev.mysql.com/doc/refman/9.7/en/charset-charsets.html
 */
const isUtf8Charset = (collation: number): boolean =>
  collation > 254 ||
  (collation >= 192 && collation <= 247 && (collation <= 215 || collation >= 223)) ||
  lowUtf8.has(collation)

const lowUtf8: ReadonlySet<number> = new Set([0, 11, 33, 45, 46, 65, 76, 83])

const otherCharset = (column: string): never => {
  throw new DataError({
    reason: "InvalidValue",
    message: `column ${JSON.stringify(column)} is sent in another character set than utf8mb4: the session's character_set_results was changed`
  })
}

const nullable = <A, B>(value: A | null, read: (value: A) => B): B | null => (value === null ? null : read(value))

const integerReader = (name: string, integers: ValueOptions["integers"]): ((value: number | bigint) => unknown) => {
  switch (integers) {
    case "number":
      return (value) =>
        typeof value === "number" && Number.isSafeInteger(value) ? value : readBigInt(BigInt(value), name, integers)
    case "bigint":
      return (value) => BigInt(value)
    case "string":
      return (value) => value.toString()
  }
}

/** Bits are big-endian bytes. Up to 53 of them are a number. */
const bitReader = (d: ColumnDefinition, values: ValueOptions): Reader => {
  const narrow = d.length <= 53
  const asBoolean = isBoolean(d) && values.booleans === "boolean"
  return (bytes) => {
    const raw = bytes.bytes()
    if (raw === null) return null
    if (raw.length > 8) throw protocolError("a BIT of more than 64 bits")
    let value = 0n
    for (const byte of raw) value = (value << 8n) | BigInt(byte)
    if (asBoolean) return value !== 0n
    return narrow ? Number(value) : readBigInt(value, d.name, values.integers)
  }
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value))

/** `YYYY-MM-DD` from a binary date of this length, which is 0 for the zero date. */
const dateText = (bytes: Bytes, length: number): string => {
  if (length === 0) return "0000-00-00"
  const text = `${String(bytes.uint16()).padStart(4, "0")}-${two(bytes.uint8())}-${two(bytes.uint8())}`
  bytes.at += length - 4
  return text
}

/** What has no fixed number of digits has all. */
const fractionText = (microseconds: number, decimals: number): string =>
  decimals === 0 ? "" : `.${String(microseconds).padStart(6, "0").slice(0, decimals)}`

const dateTimeReader = (d: ColumnDefinition, values: ValueOptions): Reader => {
  const asText = isMicroseconds(d) || values.dateTimes === "string"
  // Dates that follow each other are often of one day: when that begins is kept.
  let knownDay = -1
  let dayStart = 0
  return (bytes) => {
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
    if (!asText && month > 0 && day > 0 && day < 29 && year > 99 && values.dateTimes === "Date") {
      const key = (year << 9) | (month << 5) | day
      if (key !== knownDay) {
        knownDay = key
        dayStart = Date.UTC(year, month - 1, day)
      }
      return new Date(dayStart + ((hour * 60 + minute) * 60 + second) * 1000 + ((micro / 1000) | 0))
    }
    const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`
    const text = `${date} ${two(hour)}:${two(minute)}:${two(second)}${fractionText(micro, d.decimals)}`
    if (asText) return text
    return readDateTime(year, month, day, hour, minute, second, (micro / 1000) | 0, d.name, values, text)
  }
}

/** `[-]HH:MM:SS[.ffffff]`, with as many hours as there are. */
const timeText = (bytes: Bytes, decimals: number): string => {
  const length = bytes.uint8()
  const end = bytes.at + length
  const negative = length >= 8 && bytes.uint8() === 1
  const days = length >= 8 ? bytes.uint32() : 0
  const hours = length >= 8 ? bytes.uint8() : 0
  const minutes = length >= 8 ? bytes.uint8() : 0
  const seconds = length >= 8 ? bytes.uint8() : 0
  const micro = length >= 12 ? bytes.uint32() : 0
  bytes.at = end
  return `${negative ? "-" : ""}${two(days * 24 + hours)}:${two(minutes)}:${two(seconds)}${fractionText(micro, decimals)}`
}

// ---------------------------------------------------------------------------------------------------------------------

const typeNames: Readonly<Record<number, string>> = {
  [FieldType.DECIMAL]: "DECIMAL",
  [FieldType.TINY]: "TINYINT",
  [FieldType.SHORT]: "SMALLINT",
  [FieldType.LONG]: "INT",
  [FieldType.FLOAT]: "FLOAT",
  [FieldType.DOUBLE]: "DOUBLE",
  [FieldType.NULL]: "NULL",
  [FieldType.TIMESTAMP]: "TIMESTAMP",
  [FieldType.LONGLONG]: "BIGINT",
  [FieldType.INT24]: "MEDIUMINT",
  [FieldType.DATE]: "DATE",
  [FieldType.TIME]: "TIME",
  [FieldType.DATETIME]: "DATETIME",
  [FieldType.YEAR]: "YEAR",
  [FieldType.VARCHAR]: "VARCHAR",
  [FieldType.BIT]: "BIT",
  [FieldType.VECTOR]: "VECTOR",
  [FieldType.JSON]: "JSON",
  [FieldType.NEWDECIMAL]: "DECIMAL",
  [FieldType.ENUM]: "ENUM",
  [FieldType.SET]: "SET",
  [FieldType.GEOMETRY]: "GEOMETRY"
}

const isBlob = (type: number): boolean => type >= FieldType.TINY_BLOB && type <= FieldType.BLOB

/** Types that servers mark as unsigned, and of which there is no signed one. */
const neverSigned: ReadonlySet<number> = new Set([FieldType.YEAR, FieldType.BIT, FieldType.TIMESTAMP])

const typeNameOf = (d: ColumnDefinition): string => {
  if (isJson(d)) return "JSON"
  if (d.extendedType !== "") return d.extendedType.toUpperCase()
  const bytes = d.charset === binaryCharset
  if (d.flags & FieldFlag.ENUM && !bytes) return "ENUM"
  if (d.flags & FieldFlag.SET && !bytes) return "SET"
  if (isBlob(d.type)) return bytes ? "BLOB" : "TEXT"
  if (d.type === FieldType.STRING) return bytes ? "BINARY" : "CHAR"
  if (d.type === FieldType.VAR_STRING || d.type === FieldType.VARCHAR) return bytes ? "VARBINARY" : "VARCHAR"
  const name = typeNames[d.type] ?? `type ${d.type}`
  return isUnsigned(d) && !neverSigned.has(d.type) ? `${name} UNSIGNED` : name
}

/** The names of a type for which there may be a decoder, the most exact first. */
const typeNamesOf = (d: ColumnDefinition): ReadonlyArray<string> => {
  const name = typeNameOf(d)
  return [
    ...(isBoolean(d) ? [d.type === FieldType.BIT ? "BIT(1)" : "TINYINT(1)"] : []),
    name,
    ...(name.endsWith(" UNSIGNED") ? [name.slice(0, -" UNSIGNED".length)] : []),
    ...(d.type === FieldType.GEOMETRY ? ["GEOMETRY"] : [])
  ]
}

const scaleOf = (d: ColumnDefinition): number | undefined => {
  if (d.type === FieldType.NEWDECIMAL) return d.decimals
  return isDateTime(d) || d.type === FieldType.TIME ? Math.min(d.decimals, 6) : undefined
}

const columnOf = (d: ColumnDefinition): Column => ({
  name: d.name,
  table: d.table,
  typeName: typeNameOf(d),
  nullable: (d.flags & FieldFlag.NOT_NULL) === 0,
  length: d.length,
  scale: scaleOf(d)
})

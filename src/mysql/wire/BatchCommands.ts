/**
 * Commands that carry many sets of parameters: COM_STMT_EXECUTE of a statement with many rows, and MariaDB's
 * COM_STMT_BULK_EXECUTE. Both say the type of each column once for all rows, so what goes together must agree on them.
 */
import { BigDecimal } from "effect"
import type { BoundValue } from "../../Value.js"
import { asText, framed, isIntegral, parameterType, sizeOf, unsignedFlag, write } from "./Commands.js"
import { Command, FieldType } from "./Constants.js"

type Set = ReadonlyArray<BoundValue>

/** Sets that agree on the types of their columns, and these types; a column that is NULL in all of them has the type NULL. */
export interface Run {
  readonly sets: ReadonlyArray<Set>
  readonly types: ReadonlyArray<number>
  /** Their values have no more bytes than this. */
  readonly size: number
}

/** Integers of so many digits are the same number as DOUBLE, whatever column they go to. */
const sameAsDouble = 1e15

/** A column while its types are looked at. */
interface ColumnType {
  type: number
  /** It has an integer that could be another number as DOUBLE. */
  hasLarge: boolean
}

/**
 * Cuts sets into runs that agree on types and have no more values than these bytes allow, in order. In a column of numbers
 * with and without fractions all go as DOUBLE, as long as that is the same number.
 */
export function* runsOf(sets: ReadonlyArray<Set>, maxBytes: number): Generator<Run, undefined> {
  for (let from = 0; from < sets.length; ) {
    const columns = (sets[from] ?? []).map((): ColumnType => ({ type: FieldType.NULL, hasLarge: false }))
    let size = 0
    let to = from
    while (to < sets.length) {
      const set = sets[to]!
      const more = sizeWithin(set)
      if (to > from && (size + more > maxBytes || !set.every((value, i) => agrees(columns[i]!, value)))) break
      set.forEach((value, i) => {
        take(columns[i]!, value)
      })
      size += more
      to++
    }
    yield { sets: sets.slice(from, to), types: columns.map(({ type }) => type), size }
    from = to
  }
  return undefined
}

/** Bytes that the values of a set have at the most, each with its indicator. A text is not measured: that costs as much as writing it. */
export const sizeWithin = (set: Set): number => {
  let size = 0
  for (let i = 0; i < set.length; i++) {
    const value = set[i]!
    size += 1 + (typeof value === "string" ? 9 + 3 * value.length : valueSize(value))
  }
  return size
}

const isLargeInteger = (value: BoundValue): boolean =>
  typeof value === "bigint" || (typeof value === "number" && isIntegral(value) && Math.abs(value) >= sameAsDouble)

/** The type of a value, with 256 for what needs the sign bit. */
const typeOf = (value: BoundValue): number =>
  typeof value === "string" ? FieldType.VAR_STRING : parameterType(value) + (unsignedFlag(value) === 0 ? 0 : 256)

/** Whether a value can go in the column. */
const agrees = ({ type, hasLarge }: ColumnType, value: BoundValue): boolean => {
  if (value === null || type === FieldType.NULL) return true
  const own = typeOf(value)
  if (own === type) return true
  if (type === FieldType.DOUBLE && own === FieldType.LONGLONG) return !isLargeInteger(value)
  return type === FieldType.LONGLONG && own === FieldType.DOUBLE && !hasLarge
}

/** The column has a value that agrees with it. */
const take = (column: ColumnType, value: BoundValue): void => {
  if (value === null) return
  if (column.type !== FieldType.DOUBLE) column.type = typeOf(value)
  if (!column.hasLarge) column.hasLarge = isLargeInteger(value)
}

/** Where MySQL fixes a statement's types, they are part of what it is known by. */
export const typesKey = (types: ReadonlyArray<number>): string => String.fromCharCode(...types)

const valueSize = (value: BoundValue): number => (value === null ? 0 : sizeOf(asText(value)))

/** So many characters have a length of one byte, whatever they are. */
const shortText = 83

const writeAs = (packet: Buffer, type: number, value: BoundValue, at: number): number => {
  if (typeof value === "string" && value.length <= shortText) {
    const length = packet.utf8Write(value, at + 1, shortText * 3)
    packet[at] = length
    return at + 1 + length
  }
  if (type === FieldType.DOUBLE && typeof value === "number") return packet.writeDoubleLE(value, at)
  return write(packet, BigDecimal.isBigDecimal(value) ? asText(value) : value, at)
}

const writeTypes = (packet: Buffer, types: ReadonlyArray<number>, from: number): number => {
  let at = from
  for (const type of types) {
    packet[at] = type & 0xff
    packet[at + 1] = type > 0xff ? 0x80 : 0
    at += 2
  }
  return at
}

/**
 * COM_STMT_EXECUTE of a statement that has a marker for each value of each row.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html
 */
export const executeRows = (id: number, { sets, types, size }: Run): Buffer => {
  const count = sets.length * types.length
  const nullBytes = (count + 7) >> 3
  const packet = Buffer.allocUnsafe(15 + nullBytes + 2 * count + size)
  packet[4] = Command.STMT_EXECUTE
  packet.writeUInt32LE(id, 5)
  packet[9] = 0 // no cursor
  packet.writeUInt32LE(1, 10) // iterations, always one
  packet.fill(0, 14, 14 + nullBytes)
  packet[14 + nullBytes] = 1 // types follow
  let at = 15 + nullBytes
  for (let row = 0; row < sets.length; row++) at = writeTypes(packet, types, at)
  let parameter = 0
  for (const set of sets) {
    for (let i = 0; i < types.length; i++, parameter++) {
      const value = set[i]!
      if (value === null) packet[14 + (parameter >> 3)]! |= 1 << (parameter & 7)
      else at = writeAs(packet, types[i]!, value, at)
    }
  }
  return framed(packet.subarray(0, at))
}

const Indicator = { NONE: 0, NULL: 1 } as const

/** In the flags of COM_STMT_BULK_EXECUTE: types follow. */
const sendTypes = 128

/**
 * COM_STMT_BULK_EXECUTE: one statement, executed by the server for each row.
 * https://mariadb.com/docs/server/reference/clientserver-protocol/3-binary-protocol-prepared-statements/com_stmt_bulk_execute
 */
export const bulkExecute = (id: number, { sets, types, size }: Run): Buffer => {
  const packet = Buffer.allocUnsafe(11 + 2 * types.length + size)
  packet[4] = Command.STMT_BULK_EXECUTE
  packet.writeUInt32LE(id, 5)
  packet.writeUInt16LE(sendTypes, 9)
  let at = writeTypes(packet, types, 11)
  for (const set of sets) {
    for (let i = 0; i < types.length; i++) {
      const value = set[i]!
      packet[at++] = value === null ? Indicator.NULL : Indicator.NONE
      if (value !== null) at = writeAs(packet, types[i]!, value, at)
    }
  }
  return framed(packet.subarray(0, at))
}

/**
 * Commands that carry many sets of parameters: COM_STMT_EXECUTE of a statement with many rows, which says the type of each
 * value, and MariaDB's COM_STMT_BULK_EXECUTE, which says the type of each column once for all rows.
 *
 * A value has the type that it has by itself, whatever is in the other rows. Another one, such as DOUBLE for an integer among
 * fractions, is not the same to every column and in every expression.
 */
import { BigDecimal } from "effect"
import type { BoundValue } from "../../Value.js"
import { asText, framed, parameterType, sizeOf, unsignedFlag, write } from "./Commands.js"
import { Command, FieldType } from "./Constants.js"

type Set = ReadonlyArray<BoundValue>

/** Sets that agree on the type of each of their columns. */
export interface Run {
  readonly sets: ReadonlyArray<Set>
  /** A column that is NULL in all sets has the type NULL. */
  readonly types: ReadonlyArray<number>
  /** It ends because the set after it has other types. */
  readonly isCut: boolean
}

/** In a type: the value needs the sign bit. */
const unsigned = 0x100

/** The type of a value, sign and all. */
const typeOf = (value: BoundValue): number =>
  typeof value === "string" ? FieldType.VAR_STRING : parameterType(value) + (unsignedFlag(value) === 0 ? 0 : unsigned)

/**
 * The longest run of sets from this place on whose values have no more bytes than these. It has one set at least. NULL agrees
 * with every type where it is a column's `whole` value.
 */
export const runFrom = (
  sets: ReadonlyArray<Set>,
  from: number,
  maxBytes: number,
  whole: ReadonlyArray<boolean>
): Run => {
  const types = sets[from]!.map(typeOf)
  let size = sizeWithin(sets[from]!)
  let isCut = false
  let to = from + 1
  for (; to < sets.length && !isCut; to++) {
    const set = sets[to]!
    size += sizeWithin(set)
    if (size > maxBytes) break
    isCut = !agree(types, set, whole)
    if (isCut) break
  }
  return { sets: sets.slice(from, to), types, isCut }
}

/** Whether the set has these types. It gives its own to the columns that were NULL before. */
const agree = (types: Array<number>, set: Set, whole: ReadonlyArray<boolean>): boolean => {
  let hasNew = false
  for (let i = 0; i < set.length; i++) {
    const type = typeOf(set[i]!)
    if (type === types[i]) continue
    if (!whole[i] || (type !== FieldType.NULL && types[i] !== FieldType.NULL)) return false
    hasNew = true
  }
  if (hasNew) for (let i = 0; i < set.length; i++) if (types[i] === FieldType.NULL) types[i] = typeOf(set[i]!)
  return true
}

/** Bytes that the values of a set have at the most, each with its indicator. A text is not measured: that costs as much as writing it. */
export const sizeWithin = (set: Set): number => {
  let size = 0
  for (let i = 0; i < set.length; i++) {
    const value = set[i]!
    size += 1 + (typeof value === "string" ? 9 + 3 * value.length : value === null ? 0 : sizeOf(asText(value)))
  }
  return size
}

const sizeOfAll = (sets: ReadonlyArray<Set>): number => {
  let size = 0
  for (const set of sets) size += sizeWithin(set)
  return size
}

/**
 * The type of each value, row by row. A NULL that is a column's `whole` value has the type of the first value in its column
 * that is none, so that one statement serves rows with and without it; within an expression it has the type NULL.
 */
export const typesOf = (sets: ReadonlyArray<Set>, whole: ReadonlyArray<boolean>): ReadonlyArray<number> => {
  const types: Array<number> = []
  const ofColumn = whole.map((): number => FieldType.NULL)
  for (const set of sets) {
    for (let i = 0; i < set.length; i++) {
      const type = typeOf(set[i]!)
      types.push(type)
      if (type !== FieldType.NULL && ofColumn[i] === FieldType.NULL) ofColumn[i] = type
    }
  }
  for (let at = 0; at < types.length; at++) {
    const i = at % whole.length
    if (types[at] === FieldType.NULL && whole[i] === true) types[at] = ofColumn[i]!
  }
  return types
}

const isNumber = (type: number): boolean => (type & 0xff) === FieldType.LONGLONG || type === FieldType.DOUBLE

/**
 * What a statement of many rows is known by, besides its text, where the server fixes its types: these of a row, if all rows
 * have them, or those of all rows. Numbers that are a column's `whole` value are of one kind: the server takes them as they
 * are, each time.
 */
export const typesKey = (types: ReadonlyArray<number>, whole: ReadonlyArray<boolean>): string => {
  const columns = whole.length
  const kindAt = (at: number): number =>
    whole[at % columns] === true && isNumber(types[at]!) ? FieldType.LONGLONG : types[at]!
  let isUniform = true
  for (let at = columns; at < types.length && isUniform; at++) isUniform = kindAt(at) === kindAt(at - columns)
  let key = ""
  for (let at = 0; at < (isUniform ? columns : types.length); at++) key += String.fromCharCode(kindAt(at))
  return key
}

/** So many characters have a length of one byte, whatever they are. */
const shortText = 83

const writeAt = (packet: Buffer, value: BoundValue, at: number): number => {
  if (typeof value === "string" && value.length <= shortText) {
    const length = packet.utf8Write(value, at + 1, packet.length - at - 1)
    packet[at] = length
    return at + 1 + length
  }
  return write(packet, BigDecimal.isBigDecimal(value) ? asText(value) : value, at)
}

const writeTypes = (packet: Buffer, types: ReadonlyArray<number>, from: number): number => {
  let at = from
  for (let i = 0; i < types.length; i++) {
    const type = types[i]!
    packet[at] = type & 0xff
    packet[at + 1] = (type & unsigned) === 0 ? 0 : 0x80
    at += 2
  }
  return at
}

/**
 * COM_STMT_EXECUTE of a statement that has a marker for each value of each row.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html
 */
export const executeRows = (id: number, sets: ReadonlyArray<Set>, types: ReadonlyArray<number>): Buffer => {
  const count = types.length
  const nullBytes = (count + 7) >> 3
  const packet = Buffer.allocUnsafe(15 + nullBytes + 2 * count + sizeOfAll(sets))
  packet[4] = Command.STMT_EXECUTE
  packet.writeUInt32LE(id, 5)
  packet[9] = 0 // no cursor
  packet.writeUInt32LE(1, 10) // iterations, always one
  packet.fill(0, 14, 14 + nullBytes)
  packet[14 + nullBytes] = 1 // types follow
  let at = writeTypes(packet, types, 15 + nullBytes)
  let parameter = 0
  for (const set of sets) {
    for (let i = 0; i < set.length; i++, parameter++) {
      const value = set[i]!
      if (value === null) packet[14 + (parameter >> 3)]! |= 1 << (parameter & 7)
      else at = writeAt(packet, value, at)
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
export const bulkExecute = (id: number, sets: ReadonlyArray<Set>, types: ReadonlyArray<number>): Buffer => {
  const packet = Buffer.allocUnsafe(11 + 2 * types.length + sizeOfAll(sets))
  packet[4] = Command.STMT_BULK_EXECUTE
  packet.writeUInt32LE(id, 5)
  packet.writeUInt16LE(sendTypes, 9)
  let at = writeTypes(packet, types, 11)
  for (const set of sets) {
    for (let i = 0; i < set.length; i++) {
      const value = set[i]!
      packet[at++] = value === null ? Indicator.NULL : Indicator.NONE
      if (value !== null) at = writeAt(packet, value, at)
    }
  }
  return framed(packet.subarray(0, at))
}

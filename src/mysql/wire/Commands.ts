/**
 * The commands of the client as bytes, each with its packet header.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
 */
import { BigDecimal } from "effect"
import { type BoundValue, formatDecimal } from "../../Value.js"
import { Command, FieldType, maxPayload } from "./Constants.js"

/** A command without content, or with a text. */
export const simple = (command: number, text = ""): Buffer => {
  const length = Buffer.byteLength(text)
  const packet = Buffer.allocUnsafe(5 + length)
  packet[4] = command
  packet.utf8Write(text, 5, length)
  return framed(packet)
}

export const closeStatement = (id: number): Buffer => {
  const packet = Buffer.allocUnsafe(9)
  packet[4] = Command.STMT_CLOSE
  packet.writeUInt32LE(id, 5)
  return framed(packet)
}

/** The field type as which a parameter is sent; with it goes 128 for an unsigned one. */
export const parameterType = (value: BoundValue): number => {
  switch (typeof value) {
    case "string":
      return FieldType.VAR_STRING
    case "number":
      return isIntegral(value) ? FieldType.LONGLONG : FieldType.DOUBLE
    case "bigint":
      return FieldType.LONGLONG
    default:
      if (value === null) return FieldType.NULL
      if (value instanceof Date) return FieldType.DATETIME
      return BigDecimal.isBigDecimal(value) ? FieldType.NEWDECIMAL : FieldType.BLOB
  }
}

/** A safe integer travels as an integer; -0 does not, because integers have no such thing. */
export const isIntegral = (value: number): boolean => Number.isSafeInteger(value) && !Object.is(value, -0)

const beyondInt64 = (value: BoundValue): boolean => typeof value === "bigint" && value > 0x7fffffffffffffffn

/** What goes with a parameter's type where its value needs the sign bit. */
export const unsignedFlag = (value: BoundValue): number => (beyondInt64(value) ? 0x80 : 0)

/**
 * The types of parameters as a key: MySQL fixes a prepared statement's parameter types at its first execution and then
 * stores wrong values silently where another comes, so each combination has its own statement there.
 */
export const typeKey = (parameters: ReadonlyArray<BoundValue>): string => {
  let key = ""
  for (const value of parameters) {
    key += value === null ? "" : String.fromCharCode(parameterType(value) + (beyondInt64(value) ? 256 : 0))
    key += ","
  }
  return key
}

/** Values longer than this, in bytes or UTF-16 units, can be sent apart from COM_STMT_EXECUTE. */
export const longLength = 1024 * 1024

const isLong = (value: BoundValue): value is string | Uint8Array =>
  (typeof value === "string" || value instanceof Uint8Array) && value.length > longLength

export const hasLong = (parameters: ReadonlyArray<BoundValue>): boolean => {
  for (let i = 0; i < parameters.length; i++) if (isLong(parameters[i]!)) return true
  return false
}

/** Few enough that a server puts them together without much copying, and far below what one packet may have. */
const longPiece = 512 * 1024

/**
 * COM_STMT_SEND_LONG_DATA, in pieces, for each long parameter. The server does not answer them.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_send_long_data.html
 */
export function* sendLong(id: number, parameters: ReadonlyArray<BoundValue>): Generator<Buffer, undefined> {
  for (const [index, value] of parameters.entries()) {
    if (!isLong(value)) continue
    for (let from = 0, to = 0; from < value.length; from = to) {
      to = Math.min(value.length, from + longPiece)
      if (typeof value === "string" && isHighSurrogate(value, to - 1)) to--
      const piece = typeof value === "string" ? Buffer.from(value.slice(from, to)) : value.subarray(from, to)
      const packet = Buffer.allocUnsafe(11 + piece.length)
      packet[4] = Command.STMT_SEND_LONG_DATA
      packet.writeUInt32LE(id, 5)
      packet.writeUInt16LE(index, 9)
      packet.set(piece, 11)
      yield framed(packet)
    }
  }
  return undefined
}

/** A text is not cut within a character. */
const isHighSurrogate = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xd800

/**
 * COM_STMT_EXECUTE, with or without the values that `sendLong` sends. `doubles` says where whole numbers go as doubles.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html
 */
export const execute = (
  id: number,
  parameters: ReadonlyArray<BoundValue>,
  withLong = true,
  doubles?: ReadonlyArray<boolean>
): Buffer => {
  const count = parameters.length
  const nullBytes = (count + 7) >> 3
  const head = 14 + (count === 0 ? 0 : nullBytes + 1 + 2 * count)
  const prepared = count === 0 ? parameters : parameters.map(asText)
  let size = head
  for (const value of prepared) size += withLong || !isLong(value) ? sizeOf(value) : 0
  const packet = Buffer.allocUnsafe(size)
  packet[4] = Command.STMT_EXECUTE
  packet.writeUInt32LE(id, 5)
  packet[9] = 0 // no cursor
  packet.writeUInt32LE(1, 10) // iterations, always one
  if (count === 0) return framed(packet)
  packet.fill(0, 14, 14 + nullBytes)
  packet[14 + nullBytes] = 1 // types follow
  let typeAt = 15 + nullBytes
  let at = head
  for (let i = 0; i < count; i++) {
    const value = parameters[i]!
    const isDouble = typeof value === "number" && doubles?.[i] === true
    packet[typeAt] = isDouble ? FieldType.DOUBLE : parameterType(value)
    packet[typeAt + 1] = unsignedFlag(value)
    typeAt += 2
    if (isDouble) at = packet.writeDoubleLE(value, at)
    else if (value === null) packet[14 + (i >> 3)]! |= 1 << (i & 7)
    else if (withLong || !isLong(value)) at = write(packet, prepared[i]!, at)
  }
  return framed(packet)
}

/** Decimals travel as text. */
export const asText = (value: BoundValue): Exclude<BoundValue, BigDecimal.BigDecimal> =>
  BigDecimal.isBigDecimal(value) ? formatDecimal(value) : value

const lengthSize = (length: number): number => (length < 251 ? 1 : length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 9)

export const sizeOf = (value: BoundValue): number => {
  if (value === null) return 0
  if (typeof value === "number" || typeof value === "bigint") return 8
  if (value instanceof Date) return 12
  const length = typeof value === "string" ? Buffer.byteLength(value) : value instanceof Uint8Array ? value.length : 0
  return lengthSize(length) + length
}

export const write = (packet: Buffer, value: BoundValue, at: number): number => {
  switch (typeof value) {
    case "string": {
      const length = Buffer.byteLength(value)
      const start = writeLength(packet, length, at)
      packet.utf8Write(value, start, length)
      return start + length
    }
    case "number":
      if (isIntegral(value)) {
        packet.writeInt32LE(value | 0, at)
        packet.writeInt32LE(Math.floor(value / 0x100000000) | 0, at + 4)
      } else packet.writeDoubleLE(value, at)
      return at + 8
    case "bigint":
      packet.writeBigUInt64LE(BigInt.asUintN(64, value), at)
      return at + 8
    default:
      if (value instanceof Date) return writeDate(packet, value, at)
      if (value instanceof Uint8Array) {
        const start = writeLength(packet, value.length, at)
        packet.set(value, start)
        return start + value.length
      }
      return at
  }
}

const writeLength = (packet: Buffer, length: number, at: number): number => {
  if (length < 251) return packet.writeUInt8(length, at)
  if (length < 0x10000) {
    packet[at] = 0xfc
    return packet.writeUInt16LE(length, at + 1)
  }
  if (length < 0x1000000) {
    packet[at] = 0xfd
    return packet.writeUIntLE(length, at + 1, 3)
  }
  packet[at] = 0xfe
  packet.writeUInt32LE(length % 0x100000000, at + 1)
  return packet.writeUInt32LE(Math.floor(length / 0x100000000), at + 5)
}

const writeDate = (packet: Buffer, date: Date, at: number): number => {
  packet[at] = 11
  packet.writeUInt16LE(date.getUTCFullYear(), at + 1)
  packet[at + 3] = date.getUTCMonth() + 1
  packet[at + 4] = date.getUTCDate()
  packet[at + 5] = date.getUTCHours()
  packet[at + 6] = date.getUTCMinutes()
  packet[at + 7] = date.getUTCSeconds()
  packet.writeUInt32LE(date.getUTCMilliseconds() * 1000, at + 8)
  return at + 12
}

/** Fills in the header of a packet whose payload begins at 4, and splits it where it is over 16 MiB. */
export const framed = (packet: Buffer): Buffer => {
  const length = packet.length - 4
  if (length < maxPayload) {
    packet.writeUInt32LE(length, 0) // the sequence number, the fourth byte, is 0
    return packet
  }
  const pieces: Array<Buffer> = []
  // A payload of a whole multiple of the longest one ends with an empty packet.
  for (let from = 0, sequence = 0; from <= length; from += maxPayload, sequence++) {
    const piece = packet.subarray(4 + from, 4 + Math.min(length, from + maxPayload))
    const header = Buffer.allocUnsafe(4)
    header.writeUInt32LE(piece.length + (sequence & 0xff) * 0x1000000, 0)
    pieces.push(header, piece)
  }
  return Buffer.concat(pieces)
}

/** In how many packets a command went out, so that the answer's sequence number is known. */
export const packetsOf = (packet: Buffer): number => Math.floor((packet.length - 4) / (maxPayload + 4)) + 1

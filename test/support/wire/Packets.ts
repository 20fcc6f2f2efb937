// What a server sends, as bytes: the other side of src/mysql/wire.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
import { maxPayload, Status } from "effect-sa/mysql/wire/Constants"

export const u8 = (n: number): Buffer => Buffer.from([n])
export const u16 = (n: number): Buffer => Buffer.from([n & 0xff, n >> 8])
export const u32 = (n: number): Buffer => Buffer.from([n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, (n >> 24) & 0xff])

export const lengthEncoded = (n: number | bigint): Buffer => {
  if (n < 251) return u8(Number(n))
  if (n < 0x10000) return Buffer.concat([u8(0xfc), u16(Number(n))])
  if (n < 0x1000000) return Buffer.concat([u8(0xfd), u32(Number(n)).subarray(0, 3)])
  const eight = Buffer.alloc(9, 0xfe)
  eight.writeBigUInt64LE(BigInt(n), 1)
  return eight
}

/** A length-encoded string, or the mark of NULL. */
export const text = (value: string | Uint8Array | null): Buffer => {
  if (value === null) return u8(0xfb)
  const bytes = Buffer.from(value)
  return Buffer.concat([lengthEncoded(bytes.length), bytes])
}

/** The header of a packet. */
export const header = (length: number, sequence: number): Buffer => u32(length + (sequence & 0xff) * 0x1000000)

/** A payload as the packets that it takes: several from 16 MiB on. */
export const pieces = (payload: Uint8Array): ReadonlyArray<Buffer> => {
  const found: Array<Buffer> = []
  for (let from = 0; ; from += maxPayload) {
    const piece = Buffer.from(payload.buffer, payload.byteOffset + from, Math.min(maxPayload, payload.length - from))
    found.push(piece)
    if (piece.length < maxPayload) return found
  }
}

/** Payloads as packets, whose numbers begin at `first`. */
export const packets = (payloads: ReadonlyArray<Uint8Array>, first = 1): Buffer => {
  let sequence = first
  return Buffer.concat(payloads.flatMap(pieces).flatMap((piece) => [header(piece.length, sequence++), piece]))
}

export interface OkFields {
  readonly header?: number
  readonly affectedRows?: number | bigint
  readonly lastInsertId?: number | bigint
  readonly status?: number
  readonly warnings?: number
  readonly info?: string
  readonly tracked?: Buffer
}

export const ok = ({
  header = 0,
  affectedRows = 0,
  lastInsertId = 0,
  status = Status.AUTOCOMMIT,
  warnings = 0,
  info,
  tracked
}: OkFields = {}): Buffer =>
  Buffer.concat([
    u8(header),
    lengthEncoded(affectedRows),
    lengthEncoded(lastInsertId),
    u16(tracked === undefined ? status : status | Status.SESSION_STATE_CHANGED),
    u16(warnings),
    ...(info === undefined && tracked === undefined ? [] : [text(info ?? "")]),
    ...(tracked === undefined ? [] : [text(tracked)])
  ])

/** A session-state record of an OK packet. */
export const record = (type: number, value: Buffer): Buffer => Buffer.concat([u8(type), text(value)])

export const eof = (status: number = Status.AUTOCOMMIT, warnings = 0): Buffer =>
  Buffer.concat([u8(0xfe), u16(warnings), u16(status)])

export const err = (errno: number, message: string, sqlState = "HY000"): Buffer =>
  Buffer.concat([u8(0xff), u16(errno), Buffer.from(`#${sqlState}${message}`)])

/** The first packet of the answer to COM_STMT_PREPARE. */
export const prepared = (id: number, columns: number, parameters: number): Buffer =>
  Buffer.concat([u8(0), u32(id), u16(columns), u16(parameters), u8(0), u16(0)])

/** The server asks for a file of this name. */
export const fileRequest = (name: string): Buffer => Buffer.concat([u8(0xfb), Buffer.from(name)])

export interface ColumnFields {
  readonly name: string
  readonly type: number
  readonly flags?: number
  readonly charset?: number
  readonly length?: number
  readonly decimals?: number
  /** MariaDB's extended metadata: the data type and the format. */
  readonly extendedType?: string
  readonly format?: string
}

export const column = (
  { name, type, flags = 0, charset = 63, length = 20, decimals = 0, extendedType, format }: ColumnFields,
  extended: boolean
): Buffer => {
  const records = Buffer.concat([
    ...(extendedType === undefined ? [] : [record(0, Buffer.from(extendedType))]),
    ...(format === undefined ? [] : [record(1, Buffer.from(format))])
  ])
  return Buffer.concat([
    ...["def", "db", "t", "t0", name, name].map(text),
    ...(extended ? [text(records)] : []),
    u8(12),
    u16(charset),
    u32(length),
    u8(type),
    u16(flags),
    u8(decimals),
    u16(0)
  ])
}

/** The NULL bitmap of a binary row, then what is not NULL. */
export const binaryRow = (values: ReadonlyArray<Buffer | null>): Buffer => {
  const nulls = Buffer.alloc((values.length + 9) >> 3)
  for (const [i, value] of values.entries()) if (value === null) nulls[(i + 2) >> 3]! |= 1 << ((i + 2) & 7)
  return Buffer.concat([u8(0), nulls, ...values.flatMap((value) => (value === null ? [] : [value]))])
}

export const textRow = (values: ReadonlyArray<string | Uint8Array | null>): Buffer => Buffer.concat(values.map(text))

/** What the two sides agreed on at the login. */
export interface Modes {
  readonly deprecateEof: boolean
  readonly extendedMetadata: boolean
}

export const modern: Modes = { deprecateEof: true, extendedMetadata: false }
export const modes: ReadonlyArray<Modes> = [
  modern,
  { deprecateEof: false, extendedMetadata: false },
  { deprecateEof: true, extendedMetadata: true },
  { deprecateEof: false, extendedMetadata: true }
]

/** A result set as a server sends it: the number of columns, their definitions, rows, the end. */
export const resultSet = (
  columns: ReadonlyArray<ColumnFields>,
  rows: ReadonlyArray<Buffer>,
  { deprecateEof, extendedMetadata }: Modes,
  status: number = Status.AUTOCOMMIT,
  warnings = 0
): ReadonlyArray<Buffer> => [
  lengthEncoded(columns.length),
  ...columns.map((each) => column(each, extendedMetadata)),
  ...(deprecateEof ? [] : [eof()]),
  ...rows,
  deprecateEof ? ok({ header: 0xfe, status, warnings }) : eof(status, warnings)
]

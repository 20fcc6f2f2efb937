/**
 * The generic answers of the server: OK, ERR, EOF, the answer to COM_STMT_PREPARE, and column definitions.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_response_packets.html
 */
import { type Bytes, protocolError } from "./Bytes.js"
import { SessionTrack, Status } from "./Constants.js"

/** An OK packet, or an EOF packet, which has less to say. */
export interface Ok {
  readonly affectedRows: number
  readonly lastInsertId: number | bigint
  readonly status: number
  readonly warningCount: number
  /** What the server says in words: `Rows matched: 1  Changed: 1  Warnings: 0`. */
  readonly info: string
  /** Session-state records: a variable, the default database or anything else changed. */
  readonly stateChanged: boolean
  readonly schemaChanged: boolean
}

export interface Err {
  readonly errno: number
  readonly sqlState: string
  readonly message: string
}

export const readOk = (bytes: Bytes, start: number, end: number): Ok => {
  const reader = bytes
  reader.at = start + 1
  const affectedRows = Number(reader.lengthEncoded() ?? 0)
  const lastInsertId = reader.lengthEncoded() ?? 0
  const status = reader.uint16()
  const warningCount = reader.uint16()
  if (reader.at > end) throw protocolError("an OK packet that ends too early")
  let info = ""
  let stateChanged = false
  let schemaChanged = false
  // With CLIENT_SESSION_TRACK, which is always asked for, the words have a length. Some servers leave them out at the end.
  if (reader.at < end) info = reader.text() ?? ""
  if (status & Status.SESSION_STATE_CHANGED && reader.at < end) {
    const length = reader.length()
    const recordsEnd = reader.at + Math.max(0, length)
    if (recordsEnd > end) throw protocolError("session-state records beyond their packet")
    while (reader.at < recordsEnd) {
      const type = reader.uint8()
      reader.skipText()
      if (type === SessionTrack.SCHEMA) schemaChanged = true
      if (type <= SessionTrack.STATE_CHANGE) stateChanged = true
    }
  }
  if (reader.at > end) throw protocolError("an OK packet whose content is beyond its end")
  return { affectedRows, lastInsertId, status, warningCount, info, stateChanged, schemaChanged }
}

export const readEof = (bytes: Bytes, start: number, end: number): Ok => {
  if (end - start < 5) throw protocolError("an EOF packet that ends too early")
  bytes.at = start + 1
  const warningCount = bytes.uint16()
  const status = bytes.uint16()
  return { affectedRows: 0, lastInsertId: 0, status, warningCount, info: "", stateChanged: false, schemaChanged: false }
}

/** Servers keep a message within 512 bytes. Patterns are looked for in it, which must not take long. */
const longestMessage = 2_048

export const readErr = (buffer: Buffer, start: number, end: number): Err => {
  if (end - start < 3) throw protocolError("an ERR packet that ends too early")
  const errno = buffer.readUInt16LE(start + 1)
  const hasState = end - start >= 9 && buffer[start + 3] === 0x23
  const message = start + (hasState ? 9 : 3)
  return {
    errno,
    sqlState: hasState ? buffer.latin1Slice(start + 4, start + 9) : "HY000",
    message: buffer.utf8Slice(message, Math.min(end, message + longestMessage))
  }
}

/** The answer to COM_STMT_PREPARE. */
export interface Prepared {
  readonly id: number
  readonly columnCount: number
  readonly parameterCount: number
}

export const readPrepared = (buffer: Buffer, start: number, end: number): Prepared => {
  if (end - start < 12) throw protocolError("an answer to COM_STMT_PREPARE that ends too early")
  return {
    id: buffer.readUInt32LE(start + 1),
    columnCount: buffer.readUInt16LE(start + 5),
    parameterCount: buffer.readUInt16LE(start + 7)
  }
}

/** A column definition, as far as it matters here. */
export interface ColumnDefinition {
  readonly name: string
  readonly table: string
  /** It is the column of a table, and not an expression. */
  readonly isStored: boolean
  readonly charset: number
  readonly length: number
  readonly type: number
  readonly flags: number
  readonly decimals: number
  /** MariaDB's extended metadata: the data type (`uuid`, `inet6`, `point`) or the format (`json`), or empty. */
  readonly extendedType: string
  readonly format: string
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_column_definition.html */
export const readColumnDefinition = (bytes: Bytes, end: number, extended: boolean): ColumnDefinition => {
  bytes.skipText() // catalog
  bytes.skipText() // schema
  const table = bytes.text() ?? ""
  const isStored = (bytes.text() ?? "") !== "" // the original table
  const name = bytes.text() ?? ""
  bytes.skipText() // original name
  let extendedType = ""
  let format = ""
  if (extended) {
    const recordsEnd = bytes.length() + bytes.at
    while (bytes.at < recordsEnd) {
      const kind = bytes.uint8()
      const value = bytes.text() ?? ""
      if (kind === 0) extendedType = value
      else if (kind === 1) format = value
    }
    if (bytes.at > end) throw protocolError("extended metadata beyond its packet")
  }
  if (end - bytes.at < 11) throw protocolError("a column definition that ends too early")
  bytes.at++ // length of the fixed fields
  const charset = bytes.uint16()
  const length = bytes.uint32()
  const type = bytes.uint8()
  const flags = bytes.uint16()
  const decimals = bytes.uint8()
  return { name, table, isStored, charset, length, type, flags, decimals, extendedType, format }
}

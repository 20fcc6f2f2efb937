/**
 * Reads the rows of a binary result set in one go, packet after packet, by a function that is made for their shape.
 *
 * This is the fast path of selects (`npm run bench`, select of 1,000 rows): a generated function has a reader at a fixed
 * place for each column, so that the engine can put the readers' code in line, and makes arrays of just the right size.
 * A loop over readers costs nearly twice as much. What is not a whole row in one packet is left to `Conversation`.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html#sect_protocol_binary_resultset_row
 */
import type { Bytes } from "./Bytes.js"
import { maxPayload } from "./Constants.js"

/** Reads one value that is not known to be NULL by other means. */
export type Reader = (bytes: Bytes) => unknown

/**
 * Reads the rows that stand whole in `bytes` from `at` to `end`, the first of them in the packet of this sequence number,
 * and gives where the first packet begins that is anything else. Where a value cannot be read it throws, and
 * `bytes.packet` says where that row's packet begins.
 */
export type RowsReader = (
  bytes: Bytes,
  at: number,
  end: number,
  sequence: number,
  rows: Array<ReadonlyArray<unknown>>
) => number

/** Bytes of the NULL bitmap of a row, whose first two bits mean nothing. */
export const nullBytes = (columns: number): number => (columns + 9) >> 3

const looping =
  (readers: ReadonlyArray<Reader>): RowsReader =>
  (bytes, at, end, sequence, rows) => {
    const { buffer } = bytes
    const count = readers.length
    const values = 5 + nullBytes(count)
    let packet = at
    let expected = sequence
    for (;;) {
      bytes.packet = packet
      const next = wholeRow(buffer, packet, end, expected)
      if (next === 0) return packet
      bytes.at = packet + values
      const row = new Array<unknown>(count)
      for (let i = 0; i < count; i++) {
        row[i] = buffer[packet + 5 + ((i + 2) >> 3)]! & (1 << ((i + 2) & 7)) ? null : readers[i]!(bytes)
      }
      bytes.finish(next)
      rows.push(row)
      packet = next
      expected = (expected + 1) & 0xff
    }
  }

/** Where the packet at `at` ends, if it is a row, whole and in its place; 0 if not. */
const wholeRow = (buffer: Buffer, at: number, end: number, sequence: number): number => {
  if (end - at < 5) return 0
  const length = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16)
  const next = at + 4 + length
  return length > 0 && length < maxPayload && next <= end && buffer[at + 3] === sequence && buffer[at + 4] === 0
    ? next
    : 0
}

/** A shape with more columns is read by the loop: the function would be too long to be optimised. */
const mostColumns = 200

/** So many rows are read by the loop before a function is made: making one costs as much as reading them. */
const rowsBefore = 200

const generated = (readers: ReadonlyArray<Reader>): RowsReader | undefined => {
  const values = readers.map(
    (_, i) => `(buffer[packet + ${5 + ((i + 2) >> 3)}] & ${1 << ((i + 2) & 7)}) !== 0 ? null : r${i}(bytes)`
  )
  const source = `return (bytes, at, end, sequence, rows) => {
    const buffer = bytes.buffer
    let packet = at
    for (;;) {
      bytes.packet = packet
      const next = wholeRow(buffer, packet, end, sequence)
      if (next === 0) return packet
      bytes.at = packet + ${5 + nullBytes(readers.length)}
      const row = [${values.join(", ")}]
      bytes.finish(next)
      rows.push(row)
      packet = next
      sequence = (sequence + 1) & 0xff
    }
  }`
  try {
    return new Function("wholeRow", ...readers.map((_, i) => `r${i}`), source)(wholeRow, ...readers)
  } catch {
    // A process may be started so that it makes no code from strings.
    return undefined
  }
}

/** Reads by the loop at first, and by a function made for the shape once that has paid off. */
export const makeRowsReader = (readers: ReadonlyArray<Reader>): RowsReader => {
  let read = looping(readers)
  let left = readers.length > mostColumns ? Number.POSITIVE_INFINITY : rowsBefore
  return (bytes, at, end, sequence, rows) => {
    if (left <= 0) return read(bytes, at, end, sequence, rows)
    const before = rows.length
    const stopped = read(bytes, at, end, sequence, rows)
    left -= rows.length - before
    if (left <= 0) read = generated(readers) ?? read
    return stopped
  }
}

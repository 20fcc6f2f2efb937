/**
 * A cursor over the bytes of a packet, for the basic data types of the protocol.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_data_types.html
 *
 * For speed it does not check each step against the packet's end: whoever has read a packet checks once, with `finish`
 * or by comparing `at` with the end. Reading beyond the buffer gives nothing worse than wrong values.
 */
import { InterfaceError } from "../../Errors.js"

declare global {
  /** Methods that every Node.js Buffer has and its type declarations leave out: `toString` and `write` without the detour. */
  interface Buffer {
    utf8Slice(start: number, end: number): string
    latin1Slice(start: number, end: number): string
    utf8Write(text: string, start: number, length: number): number
  }
}

/** What the server sent is outside the protocol. Thrown by codecs, caught where bytes come in. */
export const protocolError = (message: string): InterfaceError =>
  new InterfaceError({ reason: "Protocol", message: `the server broke the protocol: ${message}` })

export class Bytes {
  buffer: Buffer = Buffer.alloc(0)
  at = 0
  /** Where the packet begins that is being read, for who reads many. */
  packet = 0

  open(buffer: Buffer, at: number): this {
    this.buffer = buffer
    this.at = at
    return this
  }

  uint8(): number {
    return this.buffer[this.at++] ?? 0
  }

  uint16(): number {
    const buffer = this.buffer
    const at = this.at
    this.at = at + 2
    return buffer[at]! | (buffer[at + 1]! << 8)
  }

  uint24(): number {
    const buffer = this.buffer
    const at = this.at
    this.at = at + 3
    return buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16)
  }

  int32(): number {
    const buffer = this.buffer
    const at = this.at
    this.at = at + 4
    return buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  /** A length-encoded integer, which is a number up to 2^53 and exact above; null for the NULL mark. */
  lengthEncoded(): number | bigint | null {
    const first = this.uint8()
    if (first < 0xfb) return first
    if (first === 0xfc) return this.uint16()
    if (first === 0xfd) return this.uint24()
    if (first === 0xfe) return this.uint64()
    if (first === 0xfb) return null
    throw protocolError("a length that begins with 0xFF")
  }

  /** A number up to 2^53, exact as a bigint above. */
  uint64(): number | bigint {
    const low = this.uint32()
    const high = this.uint32()
    return high < 0x200000 ? high * 0x100000000 + low : (BigInt(high) << 32n) + BigInt(low)
  }

  /** A number within ±2^53, exact as a bigint beyond. */
  int64(): number | bigint {
    const low = this.uint32()
    const high = this.int32()
    return high < 0x200000 && high >= -0x200000 ? high * 0x100000000 + low : (BigInt(high) << 32n) + BigInt(low)
  }

  float(): number {
    const at = this.at
    this.at = at + 4
    this.within()
    return this.buffer.readFloatLE(at)
  }

  double(): number {
    const at = this.at
    this.at = at + 8
    this.within()
    return this.buffer.readDoubleLE(at)
  }

  /** The length of a length-encoded string; -1 for NULL. */
  length(): number {
    const first = this.buffer[this.at++]
    if (first === undefined) throw protocolError("a packet that ends too early")
    if (first < 0xfb) return first
    if (first === 0xfb) return -1
    this.at--
    const length = this.lengthEncoded()
    if (typeof length !== "number") throw protocolError("a length beyond 2^53")
    return length
  }

  /** A length-encoded string in UTF-8; null for NULL. */
  text(): string | null {
    const length = this.length()
    if (length < 0) return null
    const start = this.at
    this.at = start + length
    this.within()
    return length === 0 ? "" : this.buffer.utf8Slice(start, this.at)
  }

  /** A length-encoded string of ASCII digits and signs; null for NULL. */
  ascii(): string | null {
    const length = this.length()
    if (length < 0) return null
    const start = this.at
    this.at = start + length
    this.within()
    return this.buffer.latin1Slice(start, this.at)
  }

  /** A copy of a length-encoded string's bytes; null for NULL. */
  bytes(): Uint8Array | null {
    const length = this.length()
    if (length < 0) return null
    const start = this.at
    this.at = start + length
    this.within()
    // Not `slice`, which of a Buffer is a Buffer over the same memory.
    const copy = new Uint8Array(length)
    copy.set(this.buffer.subarray(start, this.at))
    return copy
  }

  skipText(): void {
    const length = this.length()
    if (length > 0) this.at += length
    this.within()
  }

  private within(): void {
    if (this.at > this.buffer.length) throw protocolError("a length beyond the end of its packet")
  }

  /** Checks that just the packet was read. */
  finish(end: number): void {
    if (this.at !== end) throw protocolError(`a packet with ${end - this.at} bytes more than its content`)
  }
}

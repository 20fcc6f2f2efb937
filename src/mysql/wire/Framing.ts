/**
 * Cuts the stream of bytes into packets, and joins payloads that the protocol splits at 16 MiB.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
 */
import { protocolError } from "./Bytes.js"
import { maxPayload } from "./Constants.js"

const nothing = Buffer.alloc(0)

/** No server sends more in one piece: the largest max_allowed_packet is 1 GiB. */
const longestPayload = 2 ** 30 + 2 ** 16

export class Framing {
  /** The payload that `next` found: `buffer` from `start` to `end`, with the sequence number of its first packet. */
  buffer: Buffer = nothing
  start = 0
  end = 0
  sequence = 0
  /** In how many packets the payload came. */
  pieces = 0

  /** What is not cut yet: one buffer from `at` on, then further ones, joined only once they hold a whole packet. */
  private head: Buffer = nothing
  private at = 0
  /** `head` is the socket's, which reads into it again. */
  private borrowed = false
  private tail: Array<Buffer> = []
  private tailLength = 0
  /** Parts of a payload over 16 MiB. */
  private parts: Array<Buffer> = []
  private partsLength = 0

  /** Takes what came. The bytes are the socket's: `keep` must be called before it reads again. */
  push(chunk: Buffer): void {
    if (this.at === this.head.length && this.tailLength === 0) {
      this.head = chunk
      this.at = 0
      this.borrowed = true
    } else {
      this.tail.push(Buffer.from(chunk))
      this.tailLength += chunk.length
    }
  }

  /** Keeps what is not cut yet. */
  keep(): void {
    if (!this.borrowed) return
    this.borrowed = false
    this.head = this.at === this.head.length ? nothing : Buffer.from(this.head.subarray(this.at))
    this.at = 0
  }

  /** Finds the next payload, if it is there as a whole. */
  next(): boolean {
    for (;;) {
      if (!this.have(4)) return false
      const head = this.head
      const at = this.at
      const length = head[at]! | (head[at + 1]! << 8) | (head[at + 2]! << 16)
      if (!this.have(4 + length)) return false
      const sequence = this.head[this.at + 3]!
      if (this.parts.length === 0) this.sequence = sequence
      else if (sequence !== ((this.sequence + this.parts.length) & 0xff)) throw protocolError("a packet out of order")
      this.pieces = this.parts.length + 1
      this.start = this.at + 4
      this.end = this.start + length
      this.buffer = this.head
      this.at = this.end
      if (length < maxPayload && this.partsLength === 0) return true
      this.parts.push(
        this.borrowed
          ? Buffer.from(this.buffer.subarray(this.start, this.end))
          : this.buffer.subarray(this.start, this.end)
      )
      this.partsLength += length
      if (this.partsLength > longestPayload) throw protocolError("a packet that does not end")
      if (length < maxPayload) {
        this.buffer = Buffer.concat(this.parts, this.partsLength)
        this.start = 0
        this.end = this.partsLength
        this.parts = []
        this.partsLength = 0
        return true
      }
    }
  }

  /** Gives what is there of the bytes that come next to a reader, which says where it stopped; not within a long payload. */
  read(reader: (buffer: Buffer, at: number) => number): void {
    if (this.parts.length === 0) this.at = reader(this.head, this.at)
  }

  /** Whether just these bytes come next; if so, they are passed over. */
  skip(expected: Buffer): boolean {
    const length = expected.length
    if (this.head.length - this.at < length) return false
    if (expected.compare(this.head, this.at, this.at + length) !== 0) return false
    this.at += length
    return true
  }

  /** Whether so many bytes are there, in one buffer. */
  private have(length: number): boolean {
    const inHead = this.head.length - this.at
    if (inHead >= length) return true
    if (inHead + this.tailLength < length) return false
    this.head = Buffer.concat([this.head.subarray(this.at), ...this.tail])
    this.borrowed = false
    this.at = 0
    this.tail = []
    this.tailLength = 0
    return true
  }
}

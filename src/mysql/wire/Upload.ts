/**
 * Cuts what a stream gives into the packets of a file: chunks of any size become pieces of one size, and only its end is
 * empty, because an empty packet is the end of a file.
 */
import { DataError, kindOf } from "../../Errors.js"

/** Far below what a server takes in one packet, and enough that packets cost nothing. */
export const pieceLength = 64 * 1024

const headerLength = 4

const nothing: Uint8Array = new Uint8Array(0)

export class Upload {
  private elements: ReadonlyArray<Uint8Array | string> = []
  private index = 0
  private bytes = nothing
  private at = 0
  private packet = Buffer.allocUnsafe(headerLength + pieceLength)
  private filled = headerLength
  /** The first half of a character that was cut in two between two texts. */
  private half = ""

  constructor(private readonly statement: string) {}

  /** Takes further chunks, after `next` has no more packets. They are not looked at any more when it has none again. */
  give(elements: ReadonlyArray<Uint8Array | string>): void {
    this.elements = elements
    this.index = 0
  }

  /** The next whole packet, with room for its header; undefined where more chunks are needed for it. */
  next(): Buffer | DataError | undefined {
    for (;;) {
      if (this.at < this.bytes.length) {
        const end = Math.min(this.bytes.length, this.at + this.packet.length - this.filled)
        this.packet.set(this.bytes.subarray(this.at, end), this.filled)
        this.filled += end - this.at
        this.at = end
        if (this.filled < this.packet.length) continue
        const whole = this.packet
        this.packet = Buffer.allocUnsafe(headerLength + pieceLength)
        this.filled = headerLength
        return whole
      }
      const element = this.elements[this.index]
      if (this.index++ >= this.elements.length) return undefined
      const bytes = this.bytesOf(element)
      if (bytes instanceof DataError) return bytes
      this.bytes = bytes
      this.at = 0
    }
  }

  /** What is left, and the end of the file. */
  end(): ReadonlyArray<Buffer> | DataError {
    if (this.half !== "") return this.refuse("text that ends within a character")
    const end = Buffer.alloc(headerLength)
    return this.filled === headerLength ? [end] : [this.packet.subarray(0, this.filled), end]
  }

  private bytesOf(element: unknown): Uint8Array | DataError {
    if (typeof element === "string") {
      const text = this.half + element
      const last = text.charCodeAt(text.length - 1)
      this.half = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : ""
      const whole = this.half === "" ? text : text.slice(0, -1)
      return whole.isWellFormed() ? Buffer.from(whole) : this.refuse("text with a lone surrogate")
    }
    if (!(element instanceof Uint8Array)) return this.refuse(kindOf(element))
    return this.half === "" || element.length === 0 ? element : this.refuse("bytes within a character")
  }

  private refuse(given: string): DataError {
    return new DataError({
      reason: "InvalidValue",
      message: `the data to load: expected chunks of bytes or well-formed text, got ${given}`,
      statement: this.statement
    })
  }
}

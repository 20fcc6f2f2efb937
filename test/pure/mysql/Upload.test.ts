// Files for a server: how they are cut into packets, and when a conversation sends them.
import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { Errors, Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command } from "effect-sa/mysql/wire/Constants"
import { Conversation, Exchange } from "effect-sa/mysql/wire/Conversation"
import { Framing } from "effect-sa/mysql/wire/Framing"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import { pieceLength, Upload } from "effect-sa/mysql/wire/Upload"
import { err, ok, packets } from "../../support/wire/Packets.js"

type Chunk = Uint8Array | string

/** What is sent of these chunks, given a few at a time, without headers. */
const cut = (...given: ReadonlyArray<ReadonlyArray<Chunk>>): ReadonlyArray<Buffer> | Errors.DataError => {
  const upload = new Upload("LOAD DATA")
  const found: Array<Buffer> = []
  for (const chunks of given) {
    upload.give(chunks)
    for (let packet = upload.next(); packet !== undefined; packet = upload.next()) {
      if (packet instanceof Errors.DataError) return packet
      found.push(packet.subarray(4))
    }
  }
  const end = upload.end()
  return end instanceof Errors.DataError ? end : [...found, ...end.map((packet) => packet.subarray(4))]
}

const packetsOf = (...given: ReadonlyArray<ReadonlyArray<Chunk>>): ReadonlyArray<Buffer> => {
  const found = cut(...given)
  if (found instanceof Errors.DataError) throw found
  return found
}

describe("Upload", () => {
  it("sends just what it is given, in pieces of one length, and only the end is empty", () => {
    const chunk = FastCheck.oneof(
      FastCheck.uint8Array({ maxLength: 100 }),
      FastCheck.tuple(FastCheck.integer({ min: -2, max: 2 }), FastCheck.nat(255)).map(([more, byte]) =>
        Buffer.alloc(pieceLength + more, byte)
      ),
      FastCheck.string({ unit: "grapheme", maxLength: 100 }),
      FastCheck.constant("")
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.array(chunk, { maxLength: 5 }), { maxLength: 5 }), (given) => {
        const found = packetsOf(...given)
        expect(Buffer.concat(found).equals(Buffer.concat(given.flat().map((each) => Buffer.from(each))))).toBe(true)
        expect(found.findIndex(({ length }) => length === 0)).toBe(found.length - 1)
        expect(found.slice(0, -2).every(({ length }) => length === pieceLength)).toBe(true)
      }),
      { numRuns: 200 }
    )
  })

  it("ends after a whole number of pieces with the end alone", () => {
    expect(packetsOf([new Uint8Array(2 * pieceLength)]).map(({ length }) => length)).toEqual([
      pieceLength,
      pieceLength,
      0
    ])
    expect(packetsOf().map(({ length }) => length)).toEqual([0])
    expect(packetsOf(["", new Uint8Array(0)], []).map(({ length }) => length)).toEqual([0])
  })

  it("puts characters together that were cut in two between texts", () => {
    const text = "a\u{1d11e}b\u{1f600}"
    for (let at = 0; at <= text.length; at++) {
      const parts = [text.slice(0, at), "", text.slice(at)]
      expect(Buffer.concat(packetsOf(parts)).toString()).toBe(text)
      expect(Buffer.concat(packetsOf(...parts.map((part) => [part]))).toString()).toBe(text)
    }
  })

  it("refuses what is no text and no bytes, and never shows it", () => {
    for (const chunks of [
      ["secret \ud834"],
      ["secret \ud834", "x"],
      ["\udd1e"],
      ["\ud834", Buffer.from("secret")],
      [7],
      [null],
      [["secret"]]
    ]) {
      const error = cut(chunks as ReadonlyArray<Chunk>)
      expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue", statement: "LOAD DATA" })
      expect(JSON.stringify(error)).not.toContain("secret")
    }
  })
})

describe("a conversation about a file", () => {
  class Client {
    readonly written: Array<Buffer> = []
    settled: Exchange | undefined
    asked = 0
    readonly conversation = new Conversation({
      deprecateEof: true,
      extendedMetadata: false,
      shapes: new Shapes(),
      classify: (error, statement) => classify(error, "MySQL", statement),
      write: (packet) => this.written.push(packet),
      pause: () => {},
      resume: () => {},
      end: () => {}
    })

    begin(name?: string): Exchange {
      const exchange = new Exchange("text", "LOAD DATA", undefined, Value.defaultValueOptions, (settled) => {
        this.settled = settled
      })
      if (name !== undefined) exchange.file = { name, asked: () => this.asked++ }
      this.conversation.begin(exchange, Commands.simple(Command.QUERY, "LOAD DATA"))
      return exchange
    }

    receive(first: number, payload: Uint8Array): void {
      this.conversation.receive(packets([payload], first))
    }
  }

  const asking = (name: string): Buffer => Buffer.concat([Buffer.from([0xfb]), Buffer.from(name)])
  const piece = (text: string): Buffer => Buffer.concat([Buffer.alloc(4), Buffer.from(text)])
  const protocol = { _tag: "InterfaceError", reason: "Protocol" }

  it("numbers the packets on from the server's, and takes the answer after them", () => {
    const client = new Client()
    const exchange = client.begin("größe.csv")
    client.receive(1, asking("größe.csv"))
    expect(client.asked).toBe(1)
    const pieces = 300
    for (let i = 0; i < pieces; i++) client.conversation.upload(exchange, piece(`${i}\n`))
    client.conversation.upload(exchange, piece(""))
    const framing = new Framing()
    framing.push(Buffer.concat(client.written.slice(1)))
    const numbers: Array<number> = []
    while (framing.next()) numbers.push(framing.sequence)
    expect(numbers).toEqual(Array.from({ length: pieces + 1 }, (_, i) => (i + 2) & 0xff))
    client.receive((pieces + 3) & 0xff, ok({ affectedRows: pieces }))
    expect(client.settled?.first?.affectedRows).toBe(pieces)
    expect(client.conversation.failure).toBeUndefined()
  })

  it("is over when the server asks for another file, for none that was offered, or twice", () => {
    const other = new Client()
    other.begin("a")
    other.receive(1, asking("/etc/passwd"))
    const none = new Client()
    none.begin()
    none.receive(1, asking("/etc/passwd"))
    const longer = new Client()
    longer.begin("a")
    longer.receive(1, asking("a\0"))
    const twice = new Client()
    const exchange = twice.begin("a")
    twice.receive(1, asking("a"))
    twice.conversation.upload(exchange, piece(""))
    twice.receive(3, asking("a"))
    expect([other.asked, none.asked, longer.asked, twice.asked]).toEqual([0, 0, 0, 1])
    for (const { settled, conversation } of [other, none, longer, twice]) {
      expect(settled?.error).toMatchObject(protocol)
      expect(conversation.failure).toMatchObject(protocol)
    }
  })

  it("is over when the server answers in the middle, with its error where it gives one", () => {
    const error = new Client()
    const first = error.begin("a")
    error.receive(1, asking("a"))
    error.conversation.upload(first, piece("1\n"))
    error.receive(3, err(1317, "interrupted", "70100"))
    expect(error.settled?.error).toMatchObject({ _tag: "OperationalError", reason: "Interrupted" })
    expect(error.conversation.failure).toBeDefined()
    const fine = new Client()
    const second = fine.begin("a")
    fine.receive(1, asking("a"))
    fine.conversation.upload(second, piece("1\n"))
    fine.receive(3, ok())
    expect(fine.settled?.error).toMatchObject(protocol)
    // Nothing is sent any more.
    const sent = fine.written.length
    fine.conversation.upload(second, piece("2\n"))
    expect(fine.written.length).toBe(sent)
  })

  it("sends nothing that the server would take for the file", () => {
    const client = new Client()
    client.begin("a")
    const sent = client.written.length
    const other = client.begin()
    expect(client.settled).toBe(other)
    expect(other.error).toMatchObject({ _tag: "ProgrammingError", reason: "Other" })
    client.conversation.tell(Commands.closeStatement(1))
    expect(client.written.length).toBe(sent)
    // Nor before the server has asked does the file begin.
    client.conversation.upload(other, piece("1\n"))
    expect(client.written.length).toBe(sent)
    client.receive(1, ok())
    client.begin()
    expect(client.written.length).toBe(sent + 1)
  })
})

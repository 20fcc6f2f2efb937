// The conversation of the wire protocol against sessions at random, as `npm run fuzz` plays them, but fewer.
import { randomInt } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import { Errors, Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command, FieldType, maxPayload, Status } from "effect-sa/mysql/wire/Constants"
import { Conversation, type ConversationOptions, Exchange } from "effect-sa/mysql/wire/Conversation"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import type { Kind } from "../../support/wire/Answers.js"
import { type Counts, fuzz } from "../../support/wire/Fuzz.js"
import { held } from "../../support/wire/Memory.js"
import {
  binaryRow,
  column,
  header,
  lengthEncoded,
  modern,
  packets,
  prepared,
  resultSet,
  text,
  textRow
} from "../../support/wire/Packets.js"
import { capturedSessions } from "../../support/wire/Vector.js"

const captured = capturedSessions()

const enough = 5_000

/** A run that must find nothing. */
const passes = (seed: number): Counts => {
  const { counts, finding } = fuzz({ seed, packets: enough, captured })
  expect(finding?.report).toBeUndefined()
  expect(counts.packets).toBeGreaterThanOrEqual(enough)
  return counts
}

describe("random sessions", () => {
  it("of one seed keep every promise, and come to every end that there is", () => {
    const { settled, ends, right, sessions } = passes(1)
    expect([...settled.keys()]).toEqual(
      expect.arrayContaining(["done", "a result", "several results", "prepared", "InterfaceError Protocol"])
    )
    expect([...settled.keys()].filter((end) => end.startsWith("DataError")).length).toBeGreaterThan(1)
    expect([...ends.keys()].filter((end) => end.startsWith("the server broke")).length).toBeGreaterThan(10)
    expect(right).toBeGreaterThan(sessions / 5)
  })

  it("of a seed that is another each time keep every promise", () => {
    const seed = randomInt(2 ** 32)
    console.info(`the seed of the random sessions is ${seed}`)
    passes(seed)
  })

  it("are the same again for the same seed", () => {
    expect(passes(3).settled).toEqual(passes(3).settled)
  })
})

// ---------------------------------------------------------------------------------------------------------------------
// a fuzz test that finds nothing anywhere proves nothing

class Throwing extends Conversation {
  override receive(chunk: Buffer): void {
    super.receive(chunk)
    if (chunk.includes(0xfe)) throw new RangeError("out of range")
  }
}

/** Settles what waits once more when the end comes. */
class SettlingTwice extends Conversation {
  private last: Exchange | undefined

  override begin(exchange: Exchange, packet: Buffer): void {
    this.last = exchange
    super.begin(exchange, packet)
  }

  override fail(failure: Errors.DriverError): void {
    super.fail(failure)
    this.last?.settle(this.last)
  }
}

class NeverEnding extends Conversation {
  override fail(): void {}
}

class WritingAfterTheEnd extends Conversation {
  constructor(private readonly io: ConversationOptions) {
    super(io)
  }

  override tell(packet: Buffer): void {
    this.io.write(packet)
  }
}

class MisreadingDigits extends Conversation {
  override receive(chunk: Buffer): void {
    super.receive(Buffer.from(chunk.map((byte) => (byte === 0x37 ? 0x38 : byte))))
  }
}

class LosingRows extends Conversation {
  override take(exchange: Exchange): Array<ReadonlyArray<unknown>> {
    return super.take(exchange).slice(1)
  }
}

class WithoutTypedErrors extends Conversation {
  override fail(): void {
    super.fail(new Error("gone") as unknown as Errors.DriverError)
  }
}

class Looping extends Conversation {
  override receive(chunk: Buffer): void {
    super.receive(chunk)
    while (this.failure !== undefined) this.forgetChanges()
  }
}

const broken: ReadonlyArray<
  readonly [title: string, make: (options: ConversationOptions) => Conversation, fault: RegExp]
> = [
  ["throws", (options) => new Throwing(options), /^thrown: RangeError/],
  ["settles twice", (options) => new SettlingTwice(options), /settled (?:twice|.* not finished|after the end)/],
  ["never ends", (options) => new NeverEnding(options), /^the end of the socket was not its end/],
  ["writes after its end", (options) => new WritingAfterTheEnd(options), /written after the end/],
  ["misreads values", (options) => new MisreadingDigits(options), /instead of/],
  ["loses rows of streams", (options) => new LosingRows(options), /rows instead of/],
  ["ends with an error that has no type", (options) => new WithoutTypedErrors(options), /no error of a driver/],
  ["loops without an end", (options) => new Looping(options), /took more than/]
]

describe("a fuzz test", () => {
  for (const [title, make, fault] of broken) {
    it(`finds a conversation that ${title}, and says how to see it again`, () => {
      const { finding } = fuzz({ seed: 1, packets: enough, captured, make, stuckAfter: 300 })
      expect(finding?.fault).toMatch(fault)
      expect(finding?.report).toContain(`npm run fuzz -- --seed 1 --only ${finding?.session}`)
      expect(finding?.report).toMatch(/bytes, as far as needed: [0-9a-f]*/)
      const again = fuzz({ seed: 1, packets: enough, only: finding?.session, captured, make, stuckAfter: 300 })
      expect([again.finding?.session, again.counts.sessions]).toEqual([finding?.session, 1])
    })
  }
})

// ---------------------------------------------------------------------------------------------------------------------
// memory

describe("a conversation with a server that never ends", () => {
  const client = () => {
    let paused = false
    const conversation = new Conversation({
      ...modern,
      shapes: new Shapes(),
      classify: (error, statement) => classify(error, "MySQL", statement),
      write: () => {},
      pause: () => {
        paused = true
      },
      resume: () => {
        paused = false
      },
      end: () => {}
    })
    const begin = (kind: Kind): Exchange => {
      const rows = kind === "text" || kind === "binary" ? Value.defaultValueOptions : undefined
      const exchange = new Exchange(kind, "SELECT 1", undefined, rows, () => {})
      conversation.begin(exchange, Commands.simple(Command.QUERY, "SELECT 1"))
      return exchange
    }
    return { conversation, begin, isPaused: () => paused }
  }

  const megabytes = 32
  const chunk = 64 * 1024

  /** Megabytes held after so many have come, all of this payload again and again. It stops where the client pauses. */
  const heldOf = (
    { conversation, isPaused }: ReturnType<typeof client>,
    payload: Buffer,
    first: number
  ): { readonly more: number; readonly came: number } => {
    const before = held()
    let sequence = first
    let came = 0
    let waiting: Array<Buffer> = []
    let size = 0
    while (came < megabytes * 2 ** 20 && !isPaused()) {
      waiting.push(header(payload.length, sequence++), payload)
      size += payload.length + 4
      if (size < chunk) continue
      // Memory of its own, as what a socket gives has.
      conversation.receive(Buffer.concat(waiting))
      came += size
      size = 0
      waiting = []
    }
    const more = held() - before
    return { more, came: came / 2 ** 20 }
  }

  const columns = [{ name: "v", type: FieldType.VAR_STRING, charset: 255 }]
  const row = textRow(["x".repeat(1_000)])
  const rowsBegin = resultSet(columns, [], modern).slice(0, -1)

  it("holds of a stream that nobody takes from what it may buffer, and pauses", () => {
    const each = client()
    each.begin("text").streaming = true
    each.conversation.receive(packets(rowsBegin))
    const { more, came } = heldOf(each, row, 3)
    expect(each.isPaused()).toBe(true)
    expect(came).toBeLessThan(0.3)
    expect(more).toBeLessThan(2)
  })

  it("holds nothing of the rest of a stream that nobody wants", () => {
    const each = client()
    const exchange = each.begin("text")
    exchange.streaming = true
    each.conversation.receive(packets(rowsBegin))
    each.conversation.discard(exchange, Number.POSITIVE_INFINITY)
    const { more, came } = heldOf(each, row, 3)
    expect(came).toBeGreaterThanOrEqual(megabytes)
    expect(more).toBeLessThan(2)
    expect(exchange.finished).toBe(false)
  })

  it("holds nothing of the rows behind one that could not be read", () => {
    const [unsafe, safe] = [Buffer.from("0100000000002000", "hex"), Buffer.alloc(8)]
    const long = "x".repeat(1_000)
    const rows = {
      text: [textRow(["9007199254740993", ""]), textRow(["0", long])],
      binary: [binaryRow([unsafe, text("")]), binaryRow([safe, text(long)])]
    } as const
    for (const kind of ["text", "binary"] as const) {
      const each = client()
      const exchange = each.begin(kind)
      const [first, next] = rows[kind]
      each.conversation.receive(
        packets(resultSet([{ name: "n", type: FieldType.LONGLONG }, ...columns], [first], modern).slice(0, -1))
      )
      expect(exchange.error).toMatchObject({ _tag: "DataError", reason: "UnsafeInteger" })
      const { more, came } = heldOf(each, next, 5)
      expect(came).toBeGreaterThanOrEqual(megabytes)
      expect(more).toBeLessThan(2)
    }
  })

  it("holds nothing of the definitions that come with a prepared statement", () => {
    const each = client()
    const exchange = each.begin("prepare")
    each.conversation.receive(packets([prepared(1, 0xffff, 0xffff)]))
    const { more } = heldOf(each, column({ name: "n".repeat(500), type: FieldType.LONG }, false), 2)
    expect(exchange.finished).toBe(false)
    expect(more).toBeLessThan(2)
  })

  it("holds nothing of the further results of a stream", () => {
    const each = client()
    const exchange = each.begin("text")
    exchange.streaming = true
    each.conversation.receive(packets([...resultSet(columns, [], modern, Status.MORE_RESULTS_EXISTS), ...rowsBegin]))
    const { more, came } = heldOf(each, row, 6)
    expect(came).toBeGreaterThanOrEqual(megabytes)
    expect(more).toBeLessThan(2)
  })

  it("holds nothing of what comes after its own end", () => {
    const each = client()
    const exchange = each.begin("text")
    each.conversation.fail(new Errors.OperationalError({ reason: "ConnectionLost", message: "gone" }))
    const { more } = heldOf(each, row, 1)
    expect(exchange.finished).toBe(true)
    expect(more).toBeLessThan(2)
  })

  it("holds what has come of a long packet, and not much more", () => {
    const each = client()
    each.begin("text")
    const before = held()
    each.conversation.receive(header(maxPayload - 1, 1))
    for (let came = 0; came < maxPayload - chunk; came += chunk) each.conversation.receive(Buffer.alloc(chunk))
    const more = held() - before
    expect(more).toBeGreaterThan(14)
    expect(more).toBeLessThan(18)
    expect(each.conversation.failure).toBeUndefined()
  })

  it("holds what has come of a payload without an end, and not much more", () => {
    const each = client()
    const exchange = each.begin("text")
    const before = held()
    const pieces = 4
    for (let sequence = 1; sequence <= pieces; sequence++) {
      each.conversation.receive(header(maxPayload, sequence))
      for (let came = 0; came < maxPayload; came += chunk)
        each.conversation.receive(Buffer.alloc(Math.min(chunk, maxPayload - came)))
    }
    const more = held() - before
    expect(exchange.finished).toBe(false)
    expect(more).toBeGreaterThan(16 * pieces - 2)
    expect(more).toBeLessThan(16 * pieces + 2)
  })

  it("is told of more columns than there can be, and of a length that no packet has", () => {
    for (const payload of [lengthEncoded(2 ** 32), textRow([null]), lengthEncoded(0x10000)]) {
      const each = client()
      const exchange = each.begin("text")
      each.conversation.receive(packets([payload]))
      expect(exchange.error).toMatchObject({ _tag: "InterfaceError", reason: "Protocol" })
    }
  })
})

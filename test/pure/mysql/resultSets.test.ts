// The result sets of a stream that is read set by set, driven by bytes: no server and no socket.
import { describe, expect, it } from "@effect/vitest"
import { Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command, FieldType, Status } from "effect-sa/mysql/wire/Constants"
import { Conversation, Exchange, type Plan } from "effect-sa/mysql/wire/Conversation"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import {
  binaryRow,
  type ColumnFields,
  eof,
  err,
  type Modes,
  modern,
  modes,
  ok,
  packets,
  resultSet,
  u32
} from "../../support/wire/Packets.js"

const id: ReadonlyArray<ColumnFields> = [{ name: "id", type: FieldType.LONG }]
const two: ReadonlyArray<ColumnFields> = [
  { name: "a", type: FieldType.LONG },
  { name: "b", type: FieldType.LONG }
]
const more = Status.AUTOCOMMIT | Status.MORE_RESULTS_EXISTS
const row = (...values: ReadonlyArray<number>): Buffer => binaryRow(values.map(u32))

class Client {
  pauses = 0
  readonly conversation: Conversation
  readonly exchange: Exchange
  woken = 0

  constructor(modes: Modes, plan?: Plan) {
    this.conversation = new Conversation({
      ...modes,
      shapes: new Shapes(),
      classify: (error, statement) => classify(error, "MySQL", statement),
      write: () => {},
      pause: () => this.pauses++,
      resume: () => this.pauses--,
      end: () => {}
    })
    this.exchange = new Exchange("binary", "CALL p()", plan, Value.defaultValueOptions, () => {})
    this.exchange.streaming = true
    this.exchange.setBySet = true
    this.conversation.begin(this.exchange, Commands.simple(Command.QUERY, "CALL p()"))
    this.listen()
  }

  private listen(): void {
    this.exchange.onRows = () => {
      this.woken++
      this.listen()
    }
  }

  /** Receives in pieces of this size, at the most. */
  receive(bytes: Buffer, size: number): void {
    for (let from = 0; from < bytes.length; from += size)
      this.conversation.receive(Buffer.from(bytes.subarray(from, from + size)))
  }
}

/** Three result sets, one of them without rows or columns, and the end of a call. */
const answer = (mode: Modes): Buffer =>
  packets([
    ...resultSet(id, [row(1), row(2), row(3)], mode, more),
    ok({ affectedRows: 7, status: more }),
    ...resultSet(two, [row(4, 5)], mode, more),
    ok({ affectedRows: 1, warnings: 2 })
  ])

const sizes = [1, 3, 7, 64, 10_000]

describe("A stream that is read set by set", () => {
  it("stands still at the end of each result set until it is told to go on", () => {
    for (const mode of modes) {
      for (const size of sizes) {
        const client = new Client(mode)
        const { conversation, exchange } = client
        client.receive(answer(mode), size)
        expect([conversation.take(exchange), exchange.isBetween, exchange.endedSets]).toEqual([
          [[1], [2], [3]],
          true,
          1
        ])
        expect(client.pauses).toBe(1)
        // Nothing else lets it read on.
        conversation.readOn()
        expect(exchange.endedSets).toBe(1)
        conversation.enterNextSet(exchange)
        expect([exchange.shape, exchange.rows, exchange.endedSets, exchange.last?.affectedRows]).toEqual([
          undefined,
          [],
          2,
          7
        ])
        conversation.enterNextSet(exchange)
        expect(exchange.shape?.columns.map(({ name }) => name)).toEqual(["a", "b"])
        expect([conversation.take(exchange), exchange.endedSets]).toEqual([[[4, 5]], 3])
        conversation.enterNextSet(exchange)
        expect([exchange.finished, exchange.error, exchange.last?.warningCount, client.pauses]).toEqual([
          true,
          undefined,
          2,
          0
        ])
        // It holds none of the result sets that are over.
        expect(exchange.first?.next).toBeUndefined()
      }
    }
  })

  it("skips what was not taken of a result set, and no more", () => {
    for (const mode of modes) {
      for (const size of sizes) {
        const client = new Client(mode)
        const { conversation, exchange } = client
        const bytes = answer(mode)
        const cut = Math.min(size * 9, 50)
        client.receive(bytes.subarray(0, cut), size)
        conversation.skipSet(exchange)
        client.receive(bytes.subarray(cut), size)
        expect([exchange.rows, exchange.isBetween, exchange.endedSets]).toEqual([[], true, 1])
        conversation.enterNextSet(exchange)
        conversation.enterNextSet(exchange)
        expect(conversation.take(exchange)).toEqual([[4, 5]])
      }
    }
  })

  it("keeps nothing of a result set that was read and not taken when it goes to the next", () => {
    for (const mode of modes) {
      const client = new Client(mode)
      const { conversation, exchange } = client
      client.receive(answer(mode), 10_000)
      expect(exchange.rows).toHaveLength(3)
      conversation.enterNextSet(exchange)
      expect([exchange.rows, exchange.bytes]).toEqual([[], 0])
      conversation.enterNextSet(exchange)
      expect(conversation.take(exchange)).toEqual([[4, 5]])
    }
  })

  it("passes over all that is left when nobody wants it, wherever it stands", () => {
    for (const stop of [0, 1, 2, 3]) {
      const client = new Client(modern)
      const { conversation, exchange } = client
      if (stop === 0) conversation.discard(exchange, Number.POSITIVE_INFINITY)
      client.receive(answer(modern), 10)
      for (let i = 1; i < stop; i++) conversation.enterNextSet(exchange)
      if (stop > 0) conversation.discard(exchange, Number.POSITIVE_INFINITY)
      expect([stop, exchange.finished, exchange.rows, client.pauses]).toEqual([stop, true, [], 0])
    }
  })

  it("has the error of a result set that fails, also behind others", () => {
    const client = new Client(modern)
    const { conversation, exchange } = client
    client.receive(packets([...resultSet(id, [row(1)], modern, more), err(1644, "broken", "45000")]), 5)
    expect([conversation.take(exchange), exchange.error]).toEqual([[[1]], undefined])
    conversation.enterNextSet(exchange)
    expect([exchange.finished, exchange.error]).toMatchObject([true, { errno: 1644 }])
  })

  it("passes over the result sets after the first when it is not read set by set", () => {
    const client = new Client(modern)
    const { conversation, exchange } = client
    exchange.setBySet = false
    client.receive(answer(modern), 11)
    expect([exchange.finished, conversation.take(exchange), client.pauses]).toEqual([true, [[1], [2], [3]], 0])
  })
})

describe("OUT parameters", () => {
  const out = Status.PS_OUT_PARAMS | more

  it("are told from other rows by the status at their end, or after their columns", () => {
    for (const mode of modes) {
      const client = new Client(mode)
      const { conversation, exchange } = client
      exchange.setBySet = false
      exchange.streaming = false
      // Old servers say it after the columns, and not at the end.
      const old = resultSet(id, [row(9)], mode, more).with(2, eof(out))
      const sent = mode.deprecateEof ? resultSet(id, [row(9)], mode, out) : old
      conversation.receive(packets([...resultSet(id, [row(1)], mode, more), ...sent, ok()]))
      const flags: Array<unknown> = []
      for (let result = exchange.first; result !== undefined; result = result.next)
        flags.push([result.rows, result.isOutParameters])
      expect(flags).toEqual([
        [[[1]], false],
        [[[9]], true],
        [[], false]
      ])
    }
  })

  it("are known again where the metadata is known", () => {
    for (const mode of modes) {
      const plan: Plan = { shape: undefined, columns: undefined }
      for (let i = 0; i < 3; i++) {
        const client = new Client(mode, plan)
        client.exchange.streaming = false
        client.exchange.setBySet = false
        const set = resultSet(id, [row(9)], mode, out)
        const sent = mode.deprecateEof ? set : resultSet(id, [row(9)], mode, more).with(2, eof(out))
        client.conversation.receive(packets([...sent, ok()]))
        const { first } = client.exchange
        expect([i, first?.rows, first?.isOutParameters, first?.next?.isOutParameters]).toEqual([i, [[9]], true, false])
      }
    }
  })
})

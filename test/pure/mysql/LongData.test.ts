// COM_STMT_SEND_LONG_DATA, and the COM_STMT_EXECUTE that leaves out what was sent by it.
import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command, FieldType } from "effect-sa/mysql/wire/Constants"
import { Framing } from "effect-sa/mysql/wire/Framing"
import type { Value } from "effect-sa"

const { longLength } = Commands

/** What a server puts together for each parameter, and the length of the longest packet. */
const received = (
  id: number,
  parameters: ReadonlyArray<Value.BoundValue>
): { readonly values: ReadonlyMap<number, Buffer>; readonly longest: number } => {
  const pieces = new Map<number, Array<Buffer>>()
  let longest = 0
  for (const packet of Commands.sendLong(id, parameters)) {
    const framing = new Framing()
    framing.push(packet)
    expect(framing.next()).toBe(true)
    const { buffer, start, end, sequence } = framing
    expect([sequence, buffer[start], buffer.readUInt32LE(start + 1)]).toEqual([0, Command.STMT_SEND_LONG_DATA, id])
    const index = buffer.readUInt16LE(start + 5)
    const found = pieces.get(index) ?? []
    pieces.set(index, [...found, Buffer.from(buffer.subarray(start + 7, end))])
    expect(end - start).toBeGreaterThan(7)
    longest = Math.max(longest, end - start)
    expect(framing.next()).toBe(false)
  }
  return { values: new Map([...pieces].map(([index, parts]) => [index, Buffer.concat(parts)])), longest }
}

describe("long parameters", () => {
  it("are bytes and text above a length, and nothing else", () => {
    const bytes = new Uint8Array(longLength)
    const text = "x".repeat(longLength)
    const short = [null, 1, 2n ** 63n, new Date(0), "", bytes, text]
    expect(Commands.hasLong([])).toBe(false)
    expect(Commands.hasLong(short)).toBe(false)
    expect([...Commands.sendLong(1, short)]).toEqual([])
    for (const long of [new Uint8Array(longLength + 1), `${text}x`]) {
      expect(Commands.hasLong([long])).toBe(true)
      expect(Commands.hasLong([...short, long])).toBe(true)
    }
  })

  it("arrive whole, each at its place, in packets of a bounded length", () => {
    // An odd beginning moves the cuts to any place in a character.
    const odd = FastCheck.string({ unit: "grapheme", maxLength: 7 })
    const length = FastCheck.integer({ min: longLength + 1, max: 3 * longLength })
    const long = FastCheck.oneof(
      length.map((bytes) => Buffer.alloc(bytes, "0123456789abcdef")),
      FastCheck.tuple(odd, length).map(([start, units]) => start + "\u{1d11e}ä".repeat(Math.ceil(units / 3)))
    )
    const short = FastCheck.constantFrom<Value.BoundValue>(null, 1, "short", new Uint8Array([1]))
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.oneof(long, short), { maxLength: 5 }), (parameters) => {
        const { values, longest } = received(7, parameters)
        const expected = [...parameters.entries()].filter(([, value]) => Commands.hasLong([value]))
        expect([...values.keys()]).toEqual(expected.map(([index]) => index))
        for (const [index, value] of expected)
          expect(values.get(index)?.equals(Buffer.from(value as string | Uint8Array))).toBe(true)
        expect(longest).toBeLessThanOrEqual(2 * 1024 * 1024)
      }),
      { numRuns: 20 }
    )
  })

  it("are typed and not null in the execution, without their values", () => {
    const long = new Uint8Array(longLength + 1)
    const text = "x".repeat(longLength + 1)
    const packet = Commands.execute(7, [1, long, null, text, "s"], false)
    const types = 4 + 10 + 1 + 1
    expect(packet[4 + 10]).toBe(0b00100)
    expect([0, 1, 2, 3, 4].map((i) => packet[types + 2 * i])).toEqual([
      FieldType.LONGLONG,
      FieldType.BLOB,
      FieldType.NULL,
      FieldType.VAR_STRING,
      FieldType.VAR_STRING
    ])
    expect(packet.subarray(types + 10).toString("hex")).toBe("0100000000000000" + "0173")
    // With them it is as ever.
    expect(Commands.execute(7, [long], true).length).toBeGreaterThan(longLength)
    expect(Commands.execute(7, [long]).equals(Commands.execute(7, [long], true))).toBe(true)
  })
})

// The command phase of the wire protocol, driven by bytes: no server and no socket.
import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, FastCheck } from "effect"
import { Errors, Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import { Bytes } from "effect-sa/mysql/wire/Bytes"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command, FieldFlag, FieldType, maxPayload, SessionTrack, Status } from "effect-sa/mysql/wire/Constants"
import { Conversation, Exchange, type Plan } from "effect-sa/mysql/wire/Conversation"
import { Framing } from "effect-sa/mysql/wire/Framing"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import {
  binaryRow,
  type ColumnFields,
  column,
  eof,
  err,
  lengthEncoded,
  type Modes,
  modern,
  modes,
  ok,
  packets,
  prepared,
  record,
  resultSet,
  text,
  textRow,
  u8,
  u16,
  u32
} from "../../support/wire/Packets.js"

class Client {
  readonly written: Array<Buffer> = []
  readonly settled: Array<Exchange> = []
  pauses = 0
  ends = 0
  readonly conversation: Conversation

  constructor(readonly modes: Modes & { readonly cachesMetadata?: boolean } = modern) {
    this.conversation = new Conversation({
      ...modes,
      shapes: new Shapes(),
      classify: (error, statement) => classify(error, "MySQL", statement),
      write: (packet) => this.written.push(packet),
      pause: () => this.pauses++,
      resume: () => this.pauses--,
      end: () => this.ends++
    })
  }

  begin(
    kind: "simple" | "text" | "binary" | "prepare",
    plan?: Plan,
    values: Value.ValueOptions = Value.defaultValueOptions
  ): Exchange {
    const exchange = new Exchange(
      kind,
      "SELECT 1",
      plan,
      kind === "simple" || kind === "prepare" ? undefined : values,
      (settled) => {
        this.settled.push(settled)
      }
    )
    this.conversation.begin(exchange, Commands.simple(Command.QUERY, "SELECT 1"))
    return exchange
  }

  receive(...payloads: ReadonlyArray<Uint8Array>): void {
    this.conversation.receive(packets(payloads))
  }
}

const idAndName: ReadonlyArray<ColumnFields> = [
  { name: "id", type: FieldType.LONG },
  { name: "name", type: FieldType.VAR_STRING, charset: 255 }
]

const protocol = { _tag: "InterfaceError", reason: "Protocol" }

// ---------------------------------------------------------------------------------------------------------------------

describe("Framing", () => {
  const collect = (framing: Framing): Array<Buffer> => {
    const found: Array<Buffer> = []
    while (framing.next()) found.push(Buffer.from(framing.buffer.subarray(framing.start, framing.end)))
    return found
  }

  it("gives back the payloads, however the bytes are cut into chunks", () => {
    const payload = FastCheck.oneof(
      FastCheck.uint8Array({ maxLength: 30 }),
      FastCheck.uint8Array({ minLength: 250, maxLength: 1_000 })
    )
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(payload, { maxLength: 12 }),
        FastCheck.array(FastCheck.nat(), { maxLength: 20 }),
        (payloads, cuts) => {
          const stream = packets(payloads)
          const at = [...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort(
            (a, b) => a - b
          )
          const framing = new Framing()
          const found: Array<Buffer> = []
          for (let i = 0; i + 1 < at.length; i++) {
            framing.push(Buffer.from(stream.subarray(at[i], at[i + 1])))
            found.push(...collect(framing))
          }
          expect(found.map((each) => each.toString("hex"))).toEqual(
            payloads.map((each) => Buffer.from(each).toString("hex"))
          )
          expect(framing.next()).toBe(false)
        }
      ),
      { numRuns: 500 }
    )
  })

  it("gives the number of each packet", () => {
    const framing = new Framing()
    framing.push(packets([u8(1), u8(2), u8(3)], 254))
    const numbers: Array<number> = []
    while (framing.next()) numbers.push(framing.sequence)
    expect(numbers).toEqual([254, 255, 0])
  })

  it("joins payloads of 16 MiB and more, and knows where they end", () => {
    const framing = new Framing()
    for (const length of [maxPayload - 1, maxPayload, maxPayload + 5, 2 * maxPayload]) {
      const payload = Buffer.alloc(length, length & 0xff)
      payload.writeUInt32LE(length, length - 4)
      const stream = packets([payload, u8(7)])
      const found: Array<readonly [number, number]> = []
      for (let from = 0; from < stream.length; from += 1_000_003) {
        framing.push(stream.subarray(from, from + 1_000_003))
        while (framing.next()) {
          const size = framing.end - framing.start
          found.push([size, size < 4 ? framing.buffer[framing.start]! : framing.buffer.readUInt32LE(framing.end - 4)])
        }
      }
      expect(found).toEqual([
        [length, length],
        [1, 7]
      ])
    }
  })

  it("passes over only what is there as a whole", () => {
    const framing = new Framing()
    framing.push(Buffer.from([1, 2]))
    expect(framing.skip(Buffer.from([1, 2, 3]))).toBe(false)
    expect(framing.skip(Buffer.from([1, 3]))).toBe(false)
    expect(framing.skip(Buffer.from([1]))).toBe(true)
    expect(framing.skip(Buffer.from([2]))).toBe(true)
    framing.push(packets([u8(9)]))
    expect(framing.next()).toBe(true)
  })
})

describe("Commands", () => {
  it("are packets, split where they are too long for one, and numbered", () => {
    for (const length of [0, 5, maxPayload - 2, maxPayload - 1, maxPayload, 2 * maxPayload]) {
      const packet = Commands.simple(Command.QUERY, "x".repeat(length))
      const framing = new Framing()
      framing.push(packet)
      expect(framing.next()).toBe(true)
      expect([framing.end - framing.start, framing.buffer[framing.start], framing.sequence, framing.pieces]).toEqual([
        length + 1,
        Command.QUERY,
        0,
        Commands.packetsOf(packet)
      ])
      expect(framing.next()).toBe(false)
    }
  })

  /** What a server reads of COM_STMT_EXECUTE. */
  const executed = (parameters: ReadonlyArray<Value.BoundValue>): ReadonlyArray<unknown> => {
    const framing = new Framing()
    framing.push(Commands.execute(0x01020304, parameters))
    expect(framing.next()).toBe(true)
    const { buffer, start, end } = framing
    expect([buffer[start], buffer.readUInt32LE(start + 1), buffer[start + 5], buffer.readUInt32LE(start + 6)]).toEqual([
      Command.STMT_EXECUTE,
      0x01020304,
      0,
      1
    ])
    if (parameters.length === 0) {
      expect(end - start).toBe(10)
      return []
    }
    const nulls = start + 10
    const types = nulls + ((parameters.length + 7) >> 3) + 1
    expect(buffer[types - 1]).toBe(1)
    const bytes = new Bytes().open(buffer, types + 2 * parameters.length)
    const found = parameters.map((_, i) => {
      const type = buffer[types + 2 * i]!
      const unsigned = buffer[types + 2 * i + 1] === 128
      if (buffer[nulls + (i >> 3)]! & (1 << (i & 7))) return null
      switch (type) {
        case FieldType.LONGLONG: {
          const low = buffer.readBigUInt64LE(bytes.at)
          bytes.at += 8
          return unsigned ? low : BigInt.asIntN(64, low)
        }
        case FieldType.DOUBLE:
          bytes.at += 8
          return buffer.readDoubleLE(bytes.at - 8)
        case FieldType.VAR_STRING:
          return bytes.text()
        case FieldType.NEWDECIMAL:
          return `decimal ${bytes.text()}`
        case FieldType.BLOB:
          return Buffer.from(bytes.bytes() ?? []).toString("hex")
        case FieldType.DATETIME: {
          const size = bytes.uint8()
          const end = bytes.at + size
          const parts = size === 0 ? [0, 0, 0] : [bytes.uint16(), bytes.uint8(), bytes.uint8()]
          const time = size > 4 ? [bytes.uint8(), bytes.uint8(), bytes.uint8()] : [0, 0, 0]
          const micros = size > 7 ? bytes.uint32() : 0
          expect(bytes.at).toBe(end)
          const date = new Date(0)
          date.setUTCFullYear(parts[0]!, parts[1]! - 1, parts[2])
          date.setUTCHours(time[0]!, time[1], time[2], micros / 1000)
          return date
        }
        default:
          throw new Error(`a parameter of type ${type}`)
      }
    })
    expect(bytes.at).toBe(end)
    return found
  }

  it("carry any parameters as a server reads them", () => {
    const value: FastCheck.Arbitrary<readonly [Value.BoundValue, unknown]> = FastCheck.oneof(
      FastCheck.constant([null, null] as const),
      FastCheck.maxSafeInteger().map((n) => [n, BigInt(n)] as const),
      FastCheck.double({ noNaN: true, noDefaultInfinity: true }).map(
        (n) => [n, Number.isSafeInteger(n) && !Object.is(n, -0) ? BigInt(n) : n] as const
      ),
      FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map((n) => [n, n] as const),
      FastCheck.string({ unit: "binary", maxLength: 300 }).map((s) => [s, s] as const),
      FastCheck.uint8Array({ maxLength: 300 }).map((b) => [b, Buffer.from(b).toString("hex")] as const),
      FastCheck.date({
        min: new Date("0000-01-01T00:00:00Z"),
        max: new Date("9999-12-31T23:59:59.999Z"),
        noInvalidDate: true
      }).map((d) => [d, d] as const),
      FastCheck.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(
        (n) => [BigDecimal.make(n, 4), `decimal ${Value.formatDecimal(BigDecimal.make(n, 4))}`] as const
      )
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(value, { maxLength: 20 }), (values) => {
        expect(executed(values.map(([bound]) => bound))).toStrictEqual(values.map(([, read]) => read))
      }),
      { numRuns: 500 }
    )
    expect(executed(["x".repeat(70_000), new Uint8Array(70_000), "é".repeat(150)])).toEqual([
      "x".repeat(70_000),
      "00".repeat(70_000),
      "é".repeat(150)
    ])
  })

  it("have another key for other types, and the same key for other values", () => {
    const key = Commands.typeKey
    const kinds: ReadonlyArray<Value.BoundValue> = [
      1,
      0.5,
      "a",
      2n ** 63n,
      new Date(0),
      new Uint8Array(1),
      BigDecimal.make(1n, 0),
      null
    ]
    expect(new Set(kinds.map((kind) => key([kind]))).size).toBe(kinds.length)
    expect(key([1, "a"])).toBe(key([2n, "b"]))
    expect(key([1])).not.toBe(key([-0]))
    expect(key([null, 1])).not.toBe(key([1, null]))
    expect(key([1, 1])).not.toBe(key([1]))
  })
})

describe("Conversation", () => {
  it("reads OK with all that it says", () => {
    const client = new Client()
    const exchange = client.begin("text")
    client.receive(
      ok({ affectedRows: 3, lastInsertId: 2n ** 60n, warnings: 2, info: "Rows matched: 3  Changed: 1  Warnings: 0" })
    )
    expect(exchange.finished).toBe(true)
    expect(exchange.first).toMatchObject({
      affectedRows: 3,
      changedRows: 1,
      lastInsertId: 2n ** 60n,
      warningCount: 2,
      columns: undefined,
      next: undefined
    })
    expect([client.settled, client.conversation.outstanding]).toEqual([[exchange], 0])
  })

  it("reads OK without words at its end, and with words in any language", () => {
    for (const info of [undefined, "", "größe Changed: 7"]) {
      const client = new Client()
      const exchange = client.begin("text")
      client.receive(ok({ affectedRows: 9, ...(info === undefined ? {} : { info }) }))
      expect([exchange.error, exchange.first?.changedRows]).toEqual([undefined, info === "größe Changed: 7" ? 7 : 9])
    }
  })

  it("knows from session-state records what changed", () => {
    const cases: ReadonlyArray<readonly [Buffer, boolean, boolean]> = [
      [record(SessionTrack.SYSTEM_VARIABLES, Buffer.concat([text("sql_mode"), text("")])), true, false],
      [record(SessionTrack.SCHEMA, text("other")), true, true],
      [record(SessionTrack.STATE_CHANGE, text("1")), true, false],
      [record(4, text("T_______")), false, false],
      [Buffer.concat([record(4, text("x")), record(SessionTrack.SCHEMA, text("b"))]), true, true],
      [Buffer.alloc(0), false, false]
    ]
    for (const [tracked, changed, schemaChanged] of cases) {
      const client = new Client()
      client.begin("simple")
      client.receive(ok({ tracked }))
      expect([client.conversation.failure, client.conversation.changed, client.conversation.schemaChanged]).toEqual([
        undefined,
        changed,
        schemaChanged
      ])
      client.conversation.forgetChanges()
      expect(client.conversation.changed).toBe(false)
    }
  })

  it("reads ERR as the typed error, and goes on with the next command", () => {
    for (const kind of ["simple", "text", "binary", "prepare"] as const) {
      const client = new Client()
      const exchange = client.begin(kind)
      const next = client.begin("simple")
      client.receive(err(1062, "Duplicate entry 'x' for key 'email'", "23000"))
      expect(exchange.error).toMatchObject({
        _tag: "IntegrityError",
        reason: "UniqueViolation",
        constraint: "email",
        statement: "SELECT 1",
        sqlState: "23000"
      })
      expect(next.finished).toBe(false)
      client.receive(ok())
      expect([next.finished, next.error, client.conversation.failure]).toEqual([true, undefined, undefined])
    }
  })

  it("reads ERR with a message that is far too long in a short time", () => {
    const client = new Client()
    const exchange = client.begin("text")
    const before = performance.now()
    client.receive(err(1062, `Duplicate entry ${"'".repeat(200_000)}`, "23000"))
    expect(exchange.error).toMatchObject({ _tag: "IntegrityError", errno: 1062 })
    expect(exchange.error?.message.length).toBeLessThan(3_000)
    expect(performance.now() - before).toBeLessThan(3_000)
  })

  it("reads ERR in the middle of rows", () => {
    for (const mode of modes) {
      const client = new Client(mode)
      const exchange = client.begin("text")
      const answer = resultSet(idAndName, [textRow(["1", "a"])], mode).slice(0, -1)
      client.receive(...answer, err(1317, "Query execution was interrupted", "70100"))
      expect(exchange.error).toMatchObject({ _tag: "OperationalError", reason: "Interrupted" })
      expect(client.conversation.failure).toBeUndefined()
    }
  })

  it("reads a result set of the text protocol and of the binary one, in every mode", () => {
    for (const mode of modes) {
      const client = new Client(mode)
      const asText = client.begin("text")
      const asBinary = client.begin("binary")
      client.receive(
        ...resultSet(
          idAndName,
          [textRow(["1", "é😀"]), textRow(["-2", null]), textRow(["3", ""])],
          mode,
          Status.AUTOCOMMIT | Status.IN_TRANS,
          5
        )
      )
      client.receive(
        ...resultSet(
          idAndName,
          [binaryRow([u32(1), text("é😀")]), binaryRow([u32(-2), null]), binaryRow([u32(3), text("")])],
          mode
        )
      )
      for (const exchange of [asText, asBinary]) {
        expect(exchange.error).toBeUndefined()
        expect(exchange.first?.rows).toEqual([
          [1, "é😀"],
          [-2, null],
          [3, ""]
        ])
        expect(exchange.first?.columns?.map(({ name, table, typeName }) => [name, table, typeName])).toEqual([
          ["id", "t", "INT"],
          ["name", "t", "VARCHAR"]
        ])
      }
      expect(asText.first?.warningCount).toBe(5)
      expect(client.conversation.outstanding).toBe(0)
    }
  })

  it("reads every type to the same value in both protocols", () => {
    const f32 = Buffer.alloc(4)
    f32.writeFloatLE(0.1)
    const f64 = Buffer.alloc(8)
    f64.writeDoubleLE(-1.5e300)
    const i64 = (n: bigint): Buffer => {
      const eight = Buffer.alloc(8)
      eight.writeBigUInt64LE(BigInt.asUintN(64, n))
      return eight
    }
    const unsigned = FieldFlag.UNSIGNED
    const date = [u16(2024), u8(2), u8(29)]
    const cases: ReadonlyArray<
      readonly [column: Omit<ColumnFields, "name">, text: string | Uint8Array, binary: Buffer, value: unknown]
    > = [
      [{ type: FieldType.TINY }, "-128", u8(0x80), -128],
      [{ type: FieldType.TINY, flags: unsigned }, "255", u8(255), 255],
      [{ type: FieldType.TINY, length: 1 }, "1", u8(1), 1],
      [{ type: FieldType.SHORT }, "-32768", u16(0x8000), -32768],
      [{ type: FieldType.SHORT, flags: unsigned }, "65535", u16(0xffff), 65535],
      [{ type: FieldType.YEAR, flags: unsigned }, "2155", u16(2155), 2155],
      [{ type: FieldType.INT24 }, "-8388608", u32(-8388608), -8388608],
      [{ type: FieldType.LONG }, "-2147483648", u32(-2147483648), -2147483648],
      [{ type: FieldType.LONG, flags: unsigned }, "4294967295", u32(-1), 4294967295],
      [{ type: FieldType.LONGLONG }, "-9007199254740991", i64(-9007199254740991n), -9007199254740991],
      [{ type: FieldType.LONGLONG, flags: unsigned }, "9007199254740991", i64(9007199254740991n), 9007199254740991],
      [{ type: FieldType.FLOAT, decimals: 1 }, "0.1", f32, 0.1],
      [{ type: FieldType.DOUBLE, decimals: 31 }, "-1.5e300", f64, -1.5e300],
      [
        { type: FieldType.NEWDECIMAL, decimals: 2 },
        "-1234567890123456789.50",
        text("-1234567890123456789.50"),
        "-1234567890123456789.50"
      ],
      [{ type: FieldType.DATE }, "2024-02-29", Buffer.concat([u8(4), ...date]), "2024-02-29"],
      [{ type: FieldType.DATE }, "0000-00-00", u8(0), "0000-00-00"],
      [
        { type: FieldType.DATETIME },
        "2024-02-29 00:00:00",
        Buffer.concat([u8(4), ...date]),
        new Date("2024-02-29T00:00:00Z")
      ],
      [
        { type: FieldType.DATETIME },
        "2024-02-29 12:34:56",
        Buffer.concat([u8(7), ...date, u8(12), u8(34), u8(56)]),
        new Date("2024-02-29T12:34:56Z")
      ],
      [
        { type: FieldType.TIMESTAMP, decimals: 3 },
        "2024-02-29 12:34:56.789",
        Buffer.concat([u8(11), ...date, u8(12), u8(34), u8(56), u32(789_000)]),
        new Date("2024-02-29T12:34:56.789Z")
      ],
      [
        { type: FieldType.DATETIME, decimals: 6 },
        "2024-02-29 12:34:56.000009",
        Buffer.concat([u8(11), ...date, u8(12), u8(34), u8(56), u32(9)]),
        "2024-02-29 12:34:56.000009"
      ],
      [
        { type: FieldType.DATETIME, decimals: 6 },
        "2024-02-29 00:00:00.000000",
        Buffer.concat([u8(4), ...date]),
        "2024-02-29 00:00:00.000000"
      ],
      [{ type: FieldType.TIME }, "00:00:00", u8(0), "00:00:00"],
      [
        { type: FieldType.TIME },
        "-838:59:59",
        Buffer.concat([u8(8), u8(1), u32(34), u8(22), u8(59), u8(59)]),
        "-838:59:59"
      ],
      [
        { type: FieldType.TIME, decimals: 6 },
        "01:02:03.000004",
        Buffer.concat([u8(12), u8(0), u32(0), u8(1), u8(2), u8(3), u32(4)]),
        "01:02:03.000004"
      ],
      [{ type: FieldType.TIME, decimals: 3 }, "00:00:00.000", u8(0), "00:00:00.000"],
      [{ type: FieldType.BIT, length: 1, flags: unsigned }, u8(1), text(u8(1)), 1],
      [{ type: FieldType.BIT, length: 10, flags: unsigned }, Buffer.from([3, 255]), text(Buffer.from([3, 255])), 1023],
      [{ type: FieldType.JSON, charset: 255 }, '{"a": [1]}', text('{"a": [1]}'), { a: [1] }],
      [{ type: FieldType.BLOB, charset: 255 }, "é", text("é"), "é"],
      [
        { type: FieldType.BLOB, charset: 63 },
        Buffer.from([0, 255]),
        text(Buffer.from([0, 255])),
        new Uint8Array([0, 255])
      ],
      [{ type: FieldType.STRING, charset: 63 }, u8(7), text(u8(7)), new Uint8Array([7])],
      [{ type: FieldType.STRING, charset: 255, flags: FieldFlag.ENUM }, "b", text("b"), "b"],
      [{ type: FieldType.GEOMETRY, charset: 255 }, u8(1), text(u8(1)), new Uint8Array([1])]
    ]
    for (const mode of modes) {
      const columns = cases.map(([fields], i) => ({ ...fields, name: `c${i}` }))
      const client = new Client(mode)
      const asText = client.begin("text")
      const asBinary = client.begin("binary")
      client.receive(
        ...resultSet(columns, [textRow(cases.map(([, each]) => each)), textRow(cases.map(() => null))], mode)
      )
      client.receive(
        ...resultSet(columns, [binaryRow(cases.map(([, , each]) => each)), binaryRow(cases.map(() => null))], mode)
      )
      const expected = [cases.map(([, , , value]) => value), cases.map(() => null)]
      expect([asText.error, asText.first?.rows]).toStrictEqual([undefined, expected])
      expect([asBinary.error, asBinary.first?.rows]).toStrictEqual([undefined, expected])
    }
  })

  it("fails a statement, and not the connection, for a value that the options cannot hold", () => {
    const columns: ReadonlyArray<ColumnFields> = [{ name: "big", type: FieldType.LONGLONG }]
    const client = new Client()
    const asText = client.begin("text")
    client.receive(
      ...resultSet(
        columns,
        ["1", "9007199254740993", "3"].map((each) => textRow([each])),
        modern
      )
    )
    expect(asText.error).toMatchObject({ _tag: "DataError", reason: "UnsafeInteger", statement: "SELECT 1" })
    const next = client.begin("text", undefined, { ...Value.defaultValueOptions, integers: "bigint" })
    client.receive(...resultSet(columns, [textRow(["9007199254740993"])], modern))
    expect([next.error, next.first?.rows]).toEqual([undefined, [[9007199254740993n]]])
    expect(client.conversation.failure).toBeUndefined()
  })

  it("reads the answer to COM_STMT_PREPARE, with its definitions", () => {
    for (const mode of modes) {
      for (const [columns, parameters] of [
        [0, 0],
        [0, 2],
        [3, 0],
        [2, 2]
      ] as const) {
        const client = new Client(mode)
        const exchange = client.begin("prepare")
        const block = (count: number): ReadonlyArray<Buffer> =>
          count === 0
            ? []
            : [
                ...Array.from({ length: count }, () => column(idAndName[0]!, mode.extendedMetadata)),
                ...(mode.deprecateEof ? [] : [eof()])
              ]
        const answer = [prepared(77, columns, parameters), ...block(parameters), ...block(columns)]
        for (const [i, payload] of answer.entries()) {
          expect(exchange.finished).toBe(false)
          client.conversation.receive(packets([payload], i + 1))
        }
        expect(exchange.finished).toBe(true)
        expect(exchange.prepared).toEqual({ id: 77, columnCount: columns, parameterCount: parameters })
        expect(client.conversation.outstanding).toBe(0)
      }
    }
  })

  it("reads several results of one statement, in order", () => {
    for (const mode of modes) {
      const client = new Client(mode)
      const exchange = client.begin("text")
      const more = Status.AUTOCOMMIT | Status.MORE_RESULTS_EXISTS
      client.receive(
        ...resultSet(idAndName, [textRow(["1", "a"])], mode, more),
        ok({ affectedRows: 4, status: more }),
        ...resultSet([{ name: "n", type: FieldType.LONG }], [textRow(["5"]), textRow(["6"])], mode, more),
        ok({ affectedRows: 2 })
      )
      expect([exchange.finished, exchange.error]).toEqual([true, undefined])
      const results: Array<unknown> = []
      for (let result = exchange.first; result !== undefined; result = result.next)
        results.push([result.columns?.map(({ name }) => name), result.rows, result.affectedRows])
      expect(results).toEqual([
        [["id", "name"], [[1, "a"]], 0],
        [undefined, [], 4],
        [["n"], [[5], [6]], 0],
        [undefined, [], 2]
      ])
    }
  })

  it("ends several results with the error of one of them", () => {
    const client = new Client()
    const exchange = client.begin("text")
    client.receive(
      ...resultSet(idAndName, [], modern, Status.MORE_RESULTS_EXISTS),
      err(1146, "Table 't.x' doesn't exist", "42S02")
    )
    expect([exchange.finished, exchange.error]).toMatchObject([true, { reason: "NoSuchTable" }])
  })

  it("takes metadata that it knows as it is, and reads metadata that changed", () => {
    for (const mode of modes) {
      const client = new Client(mode)
      const plan: Plan = { shape: undefined, columns: undefined }
      const answer = (columns: ReadonlyArray<ColumnFields>, rows: ReadonlyArray<Buffer>): Exchange => {
        const exchange = client.begin("binary", plan)
        // Byte by byte: the known metadata arrives in pieces too.
        for (const byte of packets(resultSet(columns, rows, mode))) client.conversation.receive(Buffer.from([byte]))
        return exchange
      }
      const row = [binaryRow([u32(1), text("a")])]
      const first = answer(idAndName, row)
      const again = answer(idAndName, row)
      expect([again.error, again.first?.rows]).toEqual([undefined, [[1, "a"]]])
      expect(first.first?.rows).toEqual([[1, "a"]])
      // The table was altered: same number of columns, another type.
      const altered = answer([{ name: "id", type: FieldType.SHORT }, idAndName[1]!], [binaryRow([u16(1), text("a")])])
      expect([altered.error, altered.first?.rows]).toEqual([undefined, [[1, "a"]]])
      const wider = answer(
        [...idAndName, { name: "more", type: FieldType.TINY }],
        [binaryRow([u32(1), text("a"), u8(9)])]
      )
      expect([wider.error, wider.first?.rows]).toEqual([undefined, [[1, "a", 9]]])
      expect(answer(idAndName, row).first?.rows).toEqual([[1, "a"]])
      expect(client.conversation.failure).toBeUndefined()
    }
  })

  it("takes known metadata at once where it comes with the rows in one chunk", () => {
    for (const mode of modes) {
      const client = new Client(mode)
      const plan: Plan = { shape: undefined, columns: undefined }
      const stream = packets(resultSet(idAndName, [binaryRow([u32(1), text("a")])], mode))
      const exchanges = [client.begin("binary", plan), client.begin("binary", plan), client.begin("binary", plan)]
      client.conversation.receive(Buffer.concat([stream, stream, stream]))
      for (const exchange of exchanges) expect([exchange.error, exchange.first?.rows]).toEqual([undefined, [[1, "a"]]])
      expect(exchanges[2]?.shape).toBe(exchanges[1]?.shape)
    }
  })

  it("reads rows whose columns came with the statement, or with an earlier answer, and are left out since", () => {
    const mode = { ...modern, cachesMetadata: true }
    const client = new Client(mode)
    const prepare = client.begin("prepare")
    client.receive(
      prepared(5, 2, 1),
      column({ name: "?", type: FieldType.LONG }, false),
      ...idAndName.map((each) => column(each, false))
    )
    expect(prepare.columns?.definitions.map(({ name }) => name)).toEqual(["id", "name"])
    const plan: Plan = { shape: undefined, columns: prepare.columns }
    const rows = (exchange: Exchange) => [
      exchange.error,
      exchange.first?.columns?.map(({ name }) => name),
      exchange.first?.rows
    ]
    /** The number of columns says whether they follow. */
    const answer = (
      columns: ReadonlyArray<ColumnFields>,
      areSent: boolean,
      ...each: ReadonlyArray<Buffer>
    ): Exchange => {
      const exchange = client.begin("binary", plan)
      const [, ...rest] = resultSet(columns, each, modern)
      const head = Buffer.from([columns.length, areSent ? 1 : 0])
      client.receive(head, ...(areSent ? rest : rest.slice(columns.length)))
      return exchange
    }
    const row = binaryRow([u32(1), text("a")])
    expect(rows(answer(idAndName, false, row, row))).toEqual([
      undefined,
      ["id", "name"],
      [
        [1, "a"],
        [1, "a"]
      ]
    ])
    expect(rows(answer(idAndName, false))).toEqual([undefined, ["id", "name"], []])
    const other = [{ name: "ID", type: FieldType.LONGLONG }, idAndName[1]!]
    expect(rows(answer(other, true, binaryRow([u32(7), u32(0), text("b")])))).toEqual([
      undefined,
      ["ID", "name"],
      [[7, "b"]]
    ])
    expect(rows(answer(other, false, binaryRow([u32(8), u32(0), text("c")])))).toEqual([
      undefined,
      ["ID", "name"],
      [[8, "c"]]
    ])
    // Other types of values are asked for.
    const asText = client.begin("binary", plan, { ...Value.defaultValueOptions, integers: "string" })
    client.receive(Buffer.from([2, 0]), binaryRow([u32(9), u32(0), text("d")]), ok({ header: 0xfe }))
    expect(rows(asText)).toEqual([undefined, ["ID", "name"], [["9", "d"]]])
    // Of a text they are always sent.
    const plain = client.begin("text")
    const [, ...rest] = resultSet(idAndName, [textRow(["1", "a"])], modern)
    client.receive(Buffer.from([2, 1]), ...rest)
    expect(rows(plain)).toEqual([undefined, ["id", "name"], [[1, "a"]]])
    expect(client.conversation.failure).toBeUndefined()
  })

  it("reads such rows also where EOF packets end columns", () => {
    const mode = { deprecateEof: false, extendedMetadata: false, cachesMetadata: true }
    const client = new Client(mode)
    const prepare = client.begin("prepare")
    const columns = idAndName.map((each) => column(each, false))
    client.receive(prepared(5, 2, 1), column({ name: "?", type: FieldType.LONG }, false), eof(), ...columns, eof())
    expect(prepare.finished).toBe(true)
    expect(prepare.columns?.definitions.map(({ name }) => name)).toEqual(["id", "name"])
    const plan: Plan = { shape: undefined, columns: prepare.columns }
    const row = binaryRow([u32(1), text("a")])
    for (const sent of [columns, [], []]) {
      const exchange = client.begin("binary", plan)
      client.receive(Buffer.from([2, sent.length === 0 ? 0 : 1]), ...sent, eof(), row, row, eof())
      expect([exchange.error, exchange.finished, exchange.first?.rows.length]).toEqual([undefined, true, 2])
    }
  })

  it("takes no rows whose columns were never sent", () => {
    const mode = { ...modern, cachesMetadata: true }
    const known = new Client(mode).begin("prepare").columns
    for (const [plan, head] of [
      [undefined, [2, 0]],
      [{ shape: undefined, columns: known }, [2, 0]],
      [{ shape: undefined, columns: undefined }, [2]]
    ] as const) {
      const client = new Client(mode)
      const exchange = client.begin("binary", plan && { ...plan })
      client.receive(Buffer.from(head), binaryRow([u32(1), text("a")]))
      expect(exchange.error).toMatchObject({ _tag: "InterfaceError" })
    }
  })

  it("reads rows over 16 MiB, and rows that begin as an end does", () => {
    const client = new Client()
    const exchange = client.begin("text")
    const long = "x".repeat(maxPayload + 10)
    client.receive(
      ...resultSet(
        [{ name: "v", type: FieldType.LONG_BLOB, charset: 255 }],
        [textRow(["a"]), textRow([long]), textRow([null]), textRow([""])],
        modern
      )
    )
    const rows = exchange.first?.rows ?? []
    expect([exchange.error, rows.length, rows[1]?.[0] === long, rows[2], rows[3]]).toEqual([
      undefined,
      4,
      true,
      [null],
      [""]
    ])
  })

  it("pauses a stream that nobody takes from, and reads on when it is taken", () => {
    const client = new Client()
    const exchange = client.begin("text")
    exchange.streaming = true
    let woken = 0
    exchange.onRows = () => woken++
    const row = textRow(["1", "x".repeat(1_000)])
    const rows = Array.from({ length: 1_000 }, () => row)
    client.receive(...resultSet(idAndName, rows, modern))
    expect(woken).toBe(1)
    expect(client.pauses).toBe(1)
    expect(exchange.rows.length).toBeLessThan(300)
    let taken = 0
    for (let round = 0; !exchange.finished || exchange.rows.length > 0; round++) {
      expect(round).toBeLessThan(100)
      taken += client.conversation.take(exchange).length
      client.conversation.readOn()
    }
    expect([taken, client.pauses, exchange.error]).toEqual([1_000, 0, undefined])
  })

  it("does not stay paused by a stream that ended before anybody took from it", () => {
    for (const kind of ["text", "binary"] as const) {
      const client = new Client()
      const exchange = client.begin(kind)
      exchange.streaming = true
      exchange.onRows = () => {}
      const long = "x".repeat(70_000)
      const rows = kind === "text" ? textRow(["1", long]) : binaryRow([u32(1), text(long)])
      client.receive(...resultSet(idAndName, [rows, rows, rows], modern))
      // Who closes a stream lets the rest go, unless there is no rest.
      if (!exchange.finished) client.conversation.discard(exchange, Number.POSITIVE_INFINITY)
      expect([exchange.finished, client.pauses]).toEqual([true, 0])
      const next = client.begin("simple")
      client.receive(ok())
      expect(next.finished).toBe(true)
    }
  })

  it("gives with a result set nothing of the one before it, which nobody took", () => {
    const client = new Client()
    const exchange = client.begin("text")
    exchange.streaming = true
    exchange.setBySet = true
    const more = Status.AUTOCOMMIT | Status.MORE_RESULTS_EXISTS
    client.receive(
      ...resultSet(idAndName, [textRow(["1", "a"])], modern, more),
      ...resultSet(idAndName, [textRow(["2", "b"])], modern)
    )
    expect([exchange.isBetween, exchange.rows]).toEqual([true, [[1, "a"]]])
    client.conversation.enterNextSet(exchange)
    expect([exchange.finished, client.conversation.take(exchange)]).toEqual([true, [[2, "b"]]])
  })

  it("passes over the rest of a stream that is short, and ends the connection for a long one", () => {
    for (const [count, lost] of [
      [10, false],
      [2_000, true]
    ] as const) {
      const client = new Client()
      const exchange = client.begin("text")
      exchange.streaming = true
      const [head, ...rest] = [resultSet(idAndName, [], modern).slice(0, 3), textRow(["1", "x".repeat(1_000)])]
      client.receive(...head)
      client.conversation.discard(exchange, 256 * 1024)
      const end = ok({ header: 0xfe })
      client.conversation.receive(packets([...Array.from({ length: count }, () => rest[0]!), end], 4))
      expect([count, exchange.finished, client.conversation.failure !== undefined, client.ends]).toEqual([
        count,
        true,
        lost,
        lost ? 1 : 0
      ])
      if (lost) expect(exchange.error).toMatchObject({ reason: "ConnectionLost" })
    }
  })

  it("gives pipelined commands their answers in order, the error of one to none but it", () => {
    const client = new Client()
    const [a, b, c] = [client.begin("simple"), client.begin("text"), client.begin("simple")]
    client.conversation.receive(
      Buffer.concat([packets([ok()]), packets([err(1064, "syntax", "42000")]), packets([ok()])])
    )
    expect([a.error, b.error && kindOf(b.error), c.error]).toEqual([undefined, "Syntax", undefined])
    expect(client.settled).toEqual([a, b, c])
  })

  it("fails everybody who waits, once, when the connection fails", () => {
    const client = new Client()
    const exchanges = [client.begin("simple"), client.begin("binary"), client.begin("prepare")]
    const lost = new Errors.OperationalError({ reason: "ConnectionLost", message: "gone" })
    client.conversation.fail(lost)
    client.conversation.fail(new Errors.OperationalError({ reason: "Other", message: "again" }))
    for (const exchange of exchanges) expect(exchange.error).toBe(lost)
    const late = client.begin("simple")
    expect([late.error, client.settled.length, client.ends]).toEqual([lost, 4, 1])
    client.receive(ok())
    expect(client.conversation.failure).toBe(lost)
  })

  it("takes a word of the server that nobody asked for as the end", () => {
    const client = new Client()
    client.conversation.receive(
      packets([err(4031, "The client was disconnected by the server because of inactivity.", "HY000")], 0)
    )
    expect(client.conversation.failure).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
    const waiting = new Client()
    const exchange = waiting.begin("simple")
    waiting.conversation.receive(packets([err(1053, "Server shutdown in progress", "08S01")], 0))
    expect(exchange.error).toMatchObject({ reason: "ServerShutdown" })
  })

  const garbled: ReadonlyArray<
    readonly [title: string, kind: "simple" | "text" | "binary" | "prepare", stream: () => Buffer]
  > = [
    ["a packet out of order", "text", () => packets([ok()], 2)],
    ["an empty packet", "text", () => packets([Buffer.alloc(0)])],
    ["an OK packet that is cut", "text", () => packets([Buffer.from([0, 0])])],
    [
      "an OK packet whose words go on in the packet behind it",
      "text",
      () => Buffer.concat([packets([Buffer.from([0, 0, 0, 2, 0, 0, 0, 9])]), packets([ok({ info: "of the next" })])])
    ],
    ["an OK packet that is cut, for a simple command", "simple", () => packets([Buffer.from([0])])],
    ["an ERR packet that is cut", "text", () => packets([Buffer.from([0xff, 1])])],
    ["an EOF packet that is cut, for a simple command", "simple", () => packets([Buffer.from([0xfe])])],
    ["a column count that is cut", "text", () => packets([Buffer.from([0xfc])])],
    ["no columns", "text", () => packets([Buffer.from([0xfc, 0, 0])])],
    ["too many columns", "text", () => packets([lengthEncoded(2 ** 40)])],
    ["a file that is asked for", "text", () => packets([Buffer.from([0xfb, 0x2f, 0x65])])],
    ["a column definition that is cut", "text", () => packets([u8(1), column(idAndName[0]!, false).subarray(0, 12)])],
    [
      "a column definition with a length beyond its end",
      "text",
      () => packets([u8(1), Buffer.from([3, 1, 2, 3, 250, 0, 0])])
    ],
    ["rows for a command that has none", "simple", () => packets([u8(1)])],
    ["a prepared statement's answer that is cut", "prepare", () => packets([Buffer.from([0, 1, 0])])],
    [
      "a text row that is too short",
      "text",
      () => packets([...resultSet(idAndName, [], modern).slice(0, 3), textRow(["1"])])
    ],
    [
      "a text row that is too long",
      "text",
      () => packets([...resultSet(idAndName, [], modern).slice(0, 3), textRow(["1", "a", "b"])])
    ],
    [
      "a text row with a length beyond its end",
      "text",
      () => packets([...resultSet(idAndName, [], modern).slice(0, 3), Buffer.from([1, 0x31, 200, 0x61])])
    ],
    [
      "a binary row that is too short",
      "binary",
      () => packets([...resultSet(idAndName, [], modern).slice(0, 3), Buffer.from([0, 0, 1])])
    ],
    [
      "a binary row of one byte",
      "binary",
      () => packets([...resultSet(idAndName, [], modern).slice(0, 3), Buffer.from([0])])
    ],
    [
      "a binary row that is too long",
      "binary",
      () =>
        packets([
          ...resultSet(idAndName, [], modern).slice(0, 3),
          Buffer.concat([binaryRow([u32(1), text("a")]), u8(0)])
        ])
    ],
    [
      "a binary double that is cut",
      "binary",
      () =>
        packets([
          ...resultSet([{ name: "d", type: FieldType.DOUBLE }], [], modern).slice(0, 2),
          Buffer.from([0, 0, 1, 2])
        ])
    ],
    [
      "a binary float that is cut",
      "binary",
      () => packets([...resultSet([{ name: "f", type: FieldType.FLOAT }], [], modern).slice(0, 2), Buffer.from([0, 0])])
    ],
    [
      "a BIT of more than 64 bits, which would take forever to read",
      "text",
      () =>
        packets([
          ...resultSet([{ name: "b", type: FieldType.BIT, length: 64 }], [], modern).slice(0, 2),
          textRow([Buffer.alloc(1_000_000, 0xff)])
        ])
    ],
    [
      "a binary row that does not begin as one",
      "binary",
      () =>
        packets([...resultSet([{ name: "d", type: FieldType.TINY }], [], modern).slice(0, 2), Buffer.from([7, 0, 1])])
    ]
  ]
  for (const [title, kind, stream] of garbled) {
    it(`ends with a typed error at ${title}`, () => {
      const client = new Client()
      const exchange = client.begin(kind)
      const other = client.begin("simple")
      client.conversation.receive(stream())
      expect(exchange.error).toMatchObject(protocol)
      expect([other.error, client.ends, client.settled.length]).toMatchObject([protocol, 1, 2])
    })
  }
})

const kindOf = (error: Errors.DriverError): string => error.reason

// The commands that carry many sets of parameters, byte for byte, and which sets go in one.
import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, Effect, FastCheck } from "effect"
import { emptyResult } from "effect-sa/Driver"
import { recognise } from "effect-sa/MultiRow"
import { type Encoded, executeMany, type Executor } from "effect-sa/mysql/ExecuteMany"
import { dialect } from "effect-sa/mysql/MysqlDialect"
import { bulkExecute, executeRows, runFrom, sizeWithin, typesKey, typesOf } from "effect-sa/mysql/wire/BatchCommands"
import { Command, FieldType } from "effect-sa/mysql/wire/Constants"
import { type BoundValue, defaultValueOptions, formatDateTime, formatDecimal } from "effect-sa/Value"

type Set = ReadonlyArray<BoundValue>

const { LONGLONG, DOUBLE, NULL, VAR_STRING, DATETIME, NEWDECIMAL, BLOB } = FieldType
const unsignedLonglong = LONGLONG + 0x100

/** The payload as hexadecimal digits, and a check of the header before it. */
const payload = (packet: Buffer): string => {
  expect(packet.readUIntLE(0, 3)).toBe(packet.length - 4)
  expect(packet[3]).toBe(0)
  return packet.subarray(4).toString("hex")
}

const hex = (...parts: ReadonlyArray<string>): string => parts.join("").replaceAll(" ", "")

// ---------------------------------------------------------------------------------------------------------------------
// reading commands

/** A reader of the protocol manual's own, for what a server would read. */
class Reader {
  at = 4
  constructor(readonly packet: Buffer) {}

  bytes(length: number): Buffer {
    this.at += length
    if (this.at > this.packet.length) throw new Error("beyond the packet")
    return this.packet.subarray(this.at - length, this.at)
  }

  lengthEncoded(): Buffer {
    const first = this.bytes(1)[0]!
    if (first < 251) return this.bytes(first)
    const size = first === 0xfc ? 2 : first === 0xfd ? 3 : 8
    return this.bytes(
      Number(
        this.bytes(size)
          .toReversed()
          .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
      )
    )
  }

  types(count: number): ReadonlyArray<number> {
    return Array.from({ length: count }, () => {
      const [type, flag] = this.bytes(2)
      return type! + (flag === 0x80 ? 0x100 : 0)
    })
  }

  /** As text that says which type it has. */
  value(type: number): string {
    switch (type) {
      case LONGLONG:
        return `integer ${this.bytes(8).readBigInt64LE()}`
      case unsignedLonglong:
        return `integer ${this.bytes(8).readBigUInt64LE()}`
      case DOUBLE: {
        const value = this.bytes(8).readDoubleLE()
        return `double ${Object.is(value, -0) ? "-0" : value}`
      }
      case VAR_STRING:
        return `text ${this.lengthEncoded().toString()}`
      case NEWDECIMAL:
        return `decimal ${this.lengthEncoded().toString()}`
      case BLOB:
        return `bytes ${this.lengthEncoded().toString("hex")}`
      case DATETIME: {
        const date = this.lengthEncoded()
        const number = (at: number, digits: number) => String(date[at]).padStart(digits, "0")
        const day = `${String(date.readUInt16LE(0)).padStart(4, "0")}-${number(2, 2)}-${number(3, 2)}`
        const second = `${number(4, 2)}:${number(5, 2)}:${number(6, 2)}`
        return `date ${day} ${second}.${String(date.readUInt32LE(7) / 1000).padStart(3, "0")}`
      }
      default:
        throw new Error(`a value of the type ${type}`)
    }
  }
}

/** What a server must read for a value. */
const shown = (value: BoundValue): string => {
  if (value === null) return "null"
  if (typeof value === "string") return `text ${value}`
  if (typeof value === "bigint") return `integer ${value}`
  if (typeof value === "number") {
    if (Object.is(value, -0)) return "double -0"
    return `${Number.isSafeInteger(value) ? "integer" : "double"} ${value}`
  }
  if (value instanceof Date) return `date ${formatDateTime(value)}`
  return BigDecimal.isBigDecimal(value)
    ? `decimal ${formatDecimal(value)}`
    : `bytes ${Buffer.from(value).toString("hex")}`
}

const readBulk = (packet: Buffer, columns: number): ReadonlyArray<ReadonlyArray<string>> => {
  const reader = new Reader(packet)
  expect(reader.bytes(7).toString("hex")).toBe("fa" + "01000000" + "8000")
  const types = reader.types(columns)
  const rows: Array<ReadonlyArray<string>> = []
  while (reader.at < packet.length) {
    rows.push(types.map((type) => (reader.bytes(1)[0] === 1 ? "null" : reader.value(type))))
  }
  return rows
}

const readRows = (packet: Buffer, columns: number, rows: number): ReadonlyArray<ReadonlyArray<string>> => {
  const reader = new Reader(packet)
  expect(reader.bytes(10).toString("hex")).toBe("17" + "01000000" + "00" + "01000000")
  const nulls = reader.bytes((rows * columns + 7) >> 3)
  expect(reader.bytes(1)[0]).toBe(1)
  const types = reader.types(rows * columns)
  const values = types.map((type, at) => (nulls[at >> 3]! & (1 << (at & 7)) ? "null" : reader.value(type)))
  expect(reader.at).toBe(packet.length)
  return Array.from({ length: rows }, (_, row) => values.slice(row * columns, (row + 1) * columns))
}

// ---------------------------------------------------------------------------------------------------------------------
// values

const lengths = [0, 1, 82, 83, 84, 85, 250, 251, 252, 0xffff, 0x10000]

const texts = FastCheck.oneof(
  FastCheck.string({ unit: "grapheme", maxLength: 100 }),
  FastCheck.tuple(FastCheck.constantFrom(...lengths), FastCheck.constantFrom("a", "é", "€", "\0")).map(
    ([length, unit]) => unit.repeat(length)
  ),
  FastCheck.constantFrom("😀".repeat(41), "😀".repeat(42), `${"😀".repeat(41)}a`)
)

const values: FastCheck.Arbitrary<BoundValue> = FastCheck.oneof(
  FastCheck.constant(null),
  FastCheck.integer(),
  FastCheck.maxSafeInteger(),
  FastCheck.double({ noNaN: true, noDefaultInfinity: true }),
  FastCheck.constantFrom(-0, 0, 1e15, 2 ** 53),
  FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  texts,
  FastCheck.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
  FastCheck.tuple(FastCheck.bigInt(), FastCheck.integer({ min: -5, max: 300 })).map(([value, scale]) =>
    BigDecimal.make(value, scale)
  ),
  FastCheck.constantFrom(...lengths).map((length) => new Uint8Array(length).fill(7))
)

/** Sets whose columns have few types, as a program's do. */
const setsOf = (maxLength: number): FastCheck.Arbitrary<ReadonlyArray<Set>> =>
  FastCheck.integer({ min: 1, max: 4 }).chain((columns) => {
    const few = FastCheck.array(values, { minLength: 1, maxLength: 3 }).chain((some) => FastCheck.constantFrom(...some))
    const column = FastCheck.array(FastCheck.oneof(few, FastCheck.constantFrom(1, 2, 0.5, null)), {
      minLength: maxLength,
      maxLength,
      size: "max"
    })
    return FastCheck.tuple(
      FastCheck.integer({ min: 1, max: maxLength }),
      ...Array.from({ length: columns }, () => column)
    ).map(([length, ...of]) => Array.from({ length }, (_, row) => of.map((each) => each[row]!)))
  })

const typeOf = (value: BoundValue): number => typesOf([[value]], [false])[0]!

describe("COM_STMT_BULK_EXECUTE", () => {
  it("has the type of each column once, and an indicator before each value", () => {
    const sets: ReadonlyArray<Set> = [
      [1, "a", null],
      [null, "é", null],
      [-2, "", null]
    ]
    const { types } = runFrom(sets, 0, 1_000, [true, true, true])
    expect(types).toEqual([LONGLONG, VAR_STRING, NULL])
    expect(payload(bulkExecute(0x01020304, sets, types))).toBe(
      hex(
        "fa 04030201 8000",
        "0800 fd00 0600",
        "00 0100000000000000  00 01 61    01",
        "01                   00 02 c3a9  01",
        "00 feffffffffffffff  00 00       01"
      )
    )
  })

  it("has values of every type as the server reads them", () => {
    const row: Set = [
      2n ** 64n - 1n,
      -(2n ** 63n),
      1.5,
      -0,
      BigDecimal.unsafeFromString("-1.50"),
      new Date("2024-01-31T23:59:58.123Z"),
      new Uint8Array([0, 255])
    ]
    const { types } = runFrom(
      [row, row],
      0,
      1_000,
      row.map(() => true)
    )
    const bytes = hex(
      "00 ffffffffffffffff",
      "00 0000000000000080",
      "00 000000000000f83f",
      "00 0000000000000080",
      `00 05 ${Buffer.from("-1.50").toString("hex")}`,
      "00 0b e807 01 1f 17 3b 3a 78e00100",
      "00 02 00ff"
    )
    expect(payload(bulkExecute(1, [row, row], types))).toBe(
      hex("fa 01000000 8000", "0880 0800 0500 0500 f600 0c00 fc00", bytes, bytes)
    )
  })
})

describe("COM_STMT_EXECUTE for many rows", () => {
  it("has the type of each value, and a bit for each NULL", () => {
    const sets: ReadonlyArray<Set> = [
      [1, "a"],
      [null, "é"],
      [0.5, null],
      [2n ** 63n, null],
      [null, null]
    ]
    const types = typesOf(sets, [true, true])
    expect(payload(executeRows(0x01020304, sets, types))).toBe(
      hex(
        "17 04030201 00 01000000",
        // The third, sixth and eighth value; the ninth and tenth.
        "a4 03",
        "01",
        "0800 fd00  0800 fd00  0500 fd00  0880 fd00  0800 fd00",
        "0100000000000000 01 61",
        "02 c3a9",
        "000000000000e03f",
        "0000000000000080"
      )
    )
  })
})

describe("commands for many sets", () => {
  it("say to the server what the values are, and are no longer than was said before", () => {
    FastCheck.assert(
      FastCheck.property(setsOf(20), (sets) => {
        const columns = sets[0]!.length
        const whole = sets[0]!.map(() => true)
        const size = sets.reduce((sum, set) => sum + sizeWithin(set), 0)
        const packet = executeRows(1, sets, typesOf(sets, whole))
        expect(readRows(packet, columns, sets.length)).toEqual(sets.map((set) => set.map(shown)))
        expect(packet.length).toBeLessThanOrEqual(4 + 11 + size + (2 + 1 / 8) * sets.length * columns + 1)
        const run = runFrom(sets, 0, Number.POSITIVE_INFINITY, whole)
        const bulk = bulkExecute(1, run.sets, run.types)
        expect(readBulk(bulk, columns)).toEqual(run.sets.map((set) => set.map(shown)))
        expect(bulk.length).toBeLessThanOrEqual(4 + 7 + 2 * columns + size)
      }),
      { numRuns: 300 }
    )
  })

  it("go on in a second packet where they are over 16 MiB", () => {
    const value = new Uint8Array(9_000_000)
    const packet = bulkExecute(1, [[value], [value]], [BLOB])
    expect(packet.readUIntLE(0, 3)).toBe(0xffffff)
    expect(packet[4 + 0xffffff + 3]).toBe(1)
  })
})

describe("a run of sets", () => {
  const agrees = (types: ReadonlyArray<number>, set: Set, whole: ReadonlyArray<boolean>): boolean =>
    set.every((value, i) => {
      const type = typeOf(value)
      return type === types[i] || (whole[i] === true && (type === NULL || types[i] === NULL))
    })

  it("agrees on types, keeps within its bytes, and ends only where the next set does not fit; the runs are the sets", () => {
    const cases = FastCheck.tuple(
      setsOf(40),
      FastCheck.constantFrom(0, 30, 100, 1_000, 1e9),
      FastCheck.array(FastCheck.boolean(), { minLength: 4, maxLength: 4 })
    )
    FastCheck.assert(
      FastCheck.property(cases, ([sets, maxBytes, wholes]) => {
        const whole = sets[0]!.map((_, i) => wholes[i]!)
        const all: Array<Set> = []
        while (all.length < sets.length) {
          const { sets: run, types, isCut } = runFrom(sets, all.length, maxBytes, whole)
          expect(run.length).toBeGreaterThan(0)
          for (const set of run) expect(agrees(types, set, whole)).toBe(true)
          // Each type is one of its values'.
          types.forEach((type, i) => {
            expect(run.some((set) => typeOf(set[i]!) === type)).toBe(true)
          })
          const size = run.reduce((sum, set) => sum + sizeWithin(set), 0)
          if (run.length > 1) expect(size).toBeLessThanOrEqual(maxBytes)
          all.push(...run)
          const next = sets[all.length]
          if (next === undefined) expect(isCut).toBe(false)
          else if (size + sizeWithin(next) <= maxBytes)
            expect([isCut, agrees(types, next, whole)]).toEqual([true, false])
          else expect(isCut).toBe(false)
        }
        expect(all).toEqual(sets)
      }),
      { numRuns: 500 }
    )
  })

  it("has no integer as another number's type", () => {
    for (const [one, other] of [
      [1, 0.5],
      [1, -0],
      [1, 2n ** 63n],
      [1n, 2 ** 53],
      ["1", 1],
      [new Date(0), "1970-01-01"],
      [BigDecimal.unsafeFromString("1"), 1],
      [new Uint8Array(), ""]
    ] as ReadonlyArray<Set>) {
      expect(runFrom([[one!], [other!]], 0, 1_000, [true])).toMatchObject({ sets: [[one]], isCut: true })
      expect(typesOf([[one!], [other!]], [true])).toEqual([typeOf(one!), typeOf(other!)])
    }
    expect(runFrom([[1], [2n ** 63n - 1n], [null]], 0, 1_000, [true]).sets.length).toBe(3)
    expect(runFrom([[1], [null]], 0, 1_000, [false]).sets.length).toBe(1)
    expect(runFrom([[null], [1], [0.5]], 0, 1_000, [true])).toMatchObject({ types: [LONGLONG], isCut: true })
  })
})

describe("what a statement of many rows is known by", () => {
  const key = (sets: ReadonlyArray<Set>, whole: ReadonlyArray<boolean>) => typesKey(typesOf(sets, whole), whole)

  it("is a row's types where all rows have them, whatever is NULL and which numbers there are", () => {
    const whole = [true, true]
    const one = key(
      [
        [1, "a"],
        [2, "b"]
      ],
      whole
    )
    expect(one.length).toBe(2)
    expect(
      key(
        [
          [0.5, "a"],
          [2, "b"],
          [2n ** 63n, "c"]
        ],
        whole
      )
    ).toBe(one)
    expect(
      key(
        [
          [null, "a"],
          [2, null]
        ],
        whole
      )
    ).toBe(one)
    expect(
      key(
        [
          [null, null],
          [2, "b"]
        ],
        whole
      )
    ).toBe(one)
    expect(
      key(
        [
          [null, "a"],
          [null, "b"]
        ],
        whole
      )
    ).not.toBe(one)
    expect(
      key(
        [
          ["1", "a"],
          ["2", "b"]
        ],
        whole
      )
    ).not.toBe(one)
  })

  it("is every value's type where rows differ, and in expressions", () => {
    const date = new Date(0)
    const mixed = key(
      [
        [1, "a"],
        [2, date]
      ],
      [true, true]
    )
    expect(mixed).not.toBe(
      key(
        [
          [1, date],
          [2, "a"]
        ],
        [true, true]
      )
    )
    expect(mixed).not.toBe(
      key(
        [
          [1, "a"],
          [2, "b"]
        ],
        [true, true]
      )
    )
    expect(key([[1], [0.5]], [false])).not.toBe(key([[0.5], [1]], [false]))
    expect(key([[1], [null]], [false])).not.toBe(key([[1], [2]], [false]))
  })
})

describe("the markers of a row", () => {
  const markersOf = (row: string) => {
    const parts = recognise(`INSERT INTO t VALUES (${row})`, dialect)
    return [parts?.markers, parts?.isPlain]
  }

  it("are whole values, arguments of functions, or operands", () => {
    expect(markersOf("?, ?")).toEqual([["whole", "whole"], true])
    expect(markersOf("?, 1, 'a', NULL, DEFAULT /* ( */")).toEqual([["whole"], true])
    expect(markersOf("?, UUID()")).toEqual([["whole"], false])
    expect(markersOf("?, NOW(), RAND(5)")).toEqual([["whole"], false])
    expect(markersOf("(?)")).toEqual([["argument"], false])
    expect(markersOf("UUID_TO_BIN(?), ?")).toEqual([["argument", "whole"], false])
    expect(markersOf("UNHEX(REPLACE(?, '-', ''))")).toEqual([["argument"], false])
    for (const operand of [
      "? + 1",
      "-?",
      "IFNULL(?, 5)",
      "CAST(? AS DATE)",
      "? COLLATE utf8mb4_bin",
      "LEFT(?, 3)",
      "NOT (?)"
    ]) {
      expect([operand, ...markersOf(`?, ${operand}, ?`)]).toEqual([operand, ["whole", "operand", "whole"], false])
    }
    for (const operands of ["CONCAT(?, ?)", "? IN (?)", "COALESCE(?, ?)"]) {
      expect([operands, ...markersOf(operands)]).toEqual([operands, ["operand", "operand"], false])
    }
  })
})

describe("executemany", () => {
  interface Sent {
    readonly rows: ReadonlyArray<ReadonlyArray<string>>
    readonly bytes: number
    readonly text: string
  }

  /** Executes on a server that answers everything with OK, and gives what it was sent. */
  const sentFor = (sql: string, sets: ReadonlyArray<Set>, maxPacket: number, hasBulk: boolean, isStrict = true) => {
    const sent: Array<Sent> = []
    const columns = sets[0]!.length
    const executor: Executor = {
      dialect,
      hasBulk,
      execute: (request, encoded?: Encoded) =>
        Effect.sync(() => {
          if (encoded === undefined) {
            sent.push({ rows: [request.parameters.map(shown)], bytes: 0, text: request.sql })
          } else {
            const packet = encoded.encode(1)
            const isBulk = packet[4] === Command.STMT_BULK_EXECUTE
            const count = encoded.text.split("?").length - 1
            const rows = isBulk ? readBulk(packet, columns) : readRows(packet, columns, count / columns)
            sent.push({ rows, bytes: packet.length - 4, text: encoded.text })
          }
          return emptyResult
        }),
      inTransaction: () => false,
      destroy: () => {}
    }
    const request = { sql, sets, values: defaultValueOptions, timeout: 0, before: [] }
    Effect.runSync(executeMany(executor, request, Effect.succeed({ maxPacket, isStrict })))
    return sent
  }
  const insertFor = ([set = []]: ReadonlyArray<Set>) => `INSERT INTO t VALUES (${set.map(() => "?").join(", ")})`

  it("sends every set once and in order, in commands that the server takes", () => {
    const cases = FastCheck.tuple(
      setsOf(400),
      FastCheck.constantFrom(1_024, 4_096, 65_536, 1_048_576, 16_777_216),
      FastCheck.boolean()
    )
    FastCheck.assert(
      FastCheck.property(cases, ([sets, maxPacket, hasBulk]) => {
        const sent = sentFor(insertFor(sets), sets, maxPacket, hasBulk)
        expect(sent.flatMap(({ rows }) => rows)).toEqual(sets.map((set) => set.map(shown)))
        for (const { rows, bytes, text } of sent) {
          expect(Buffer.byteLength(text)).toBeLessThan(maxPacket)
          if (rows.length > 1) expect(bytes).toBeLessThan(maxPacket)
          expect(bytes).toBeLessThan(2 * 1024 * 1024)
        }
      }),
      { numRuns: 100 }
    )
  })

  it("is one bulk execution for sets of the same types, and many rows for others", () => {
    const sets: ReadonlyArray<Set> = Array.from({ length: 1_000 }, (_, i) => [i, i % 3 === 0 ? null : "text"])
    expect(sentFor(insertFor(sets), sets, 16_777_216, true).map(({ rows }) => rows.length)).toEqual([1_000])
    const inRows = [256, 256, 256, 128, 64, 32, 8]
    expect(sentFor(insertFor(sets), sets, 16_777_216, false).map(({ rows }) => rows.length)).toEqual(inRows)
    const mixed = sets.map(([i, text]) => [Number(i) % 2 === 0 ? i! : 0.5, text!])
    expect(sentFor(insertFor(sets), mixed, 16_777_216, true).map(({ rows }) => rows.length)).toEqual(inRows)
    expect(sentFor(insertFor(sets), mixed, 16_777_216, false).map(({ rows }) => rows.length)).toEqual(inRows)
    // Long enough runs are worth a bulk execution each.
    const halves = sets.map(([i, text]) => [Number(i) < 500 ? i! : 0.5, text!])
    expect(sentFor(insertFor(sets), halves, 16_777_216, true).map(({ rows }) => rows.length)).toEqual([500, 500])
  })

  it("is one execution for each set where no other is surely the same", () => {
    const sets: ReadonlyArray<Set> = [[1], [2], [3]]
    const countOf = (sql: string, hasBulk: boolean, isStrict = true) =>
      sentFor(sql, sets, 16_777_216, hasBulk, isStrict).length
    for (const hasBulk of [true, false]) {
      expect(countOf("INSERT INTO t VALUES (?)", hasBulk, false)).toBe(3)
      expect(countOf("UPDATE t SET a = ?", hasBulk)).toBe(3)
      expect(countOf("INSERT INTO t SELECT ?", hasBulk)).toBe(3)
    }
    // MySQL, to which a marker's type depends on what is beside it.
    expect(countOf("INSERT INTO t VALUES (? + 1)", false)).toBe(3)
    expect(countOf("INSERT INTO t VALUES (? + 1)", true)).toBe(2)
    expect(countOf("INSERT INTO t VALUES (ABS(?))", false)).toBe(2)
  })

  it("is one command only for sets that agree where a marker is an argument", () => {
    const sets: ReadonlyArray<Set> = [["a"], ["b"], [null], ["c"], ["d"], [1], [2]]
    const rows = (hasBulk: boolean) =>
      sentFor("INSERT INTO t VALUES (UNHEX(?))", sets, 16_777_216, hasBulk).map(({ rows }) => rows.length)
    expect(rows(false)).toEqual([2, 1, 2, 2])
    expect(rows(true)).toEqual([4, 2, 1])
  })
})

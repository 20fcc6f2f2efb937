import { describe, expect, it } from "@effect/vitest"
import { Errors, Value } from "effect-sa"
import type { ColumnDefinition } from "effect-sa/mysql/wire/Answer"
import { Bytes } from "effect-sa/mysql/wire/Bytes"
import { FieldFlag, FieldType } from "effect-sa/mysql/wire/Constants"
import { readBinaryRow, readTextRow, type Shape, Shapes } from "effect-sa/mysql/wire/Shape"
import { binaryRow, text, textRow, u8, u16, u32 } from "../../support/wire/Packets.js"

const utf8mb4 = 255
const binary = 63

const column = (fields: Partial<ColumnDefinition> & { readonly type: number }): ColumnDefinition => ({
  name: "v",
  table: "t",
  isStored: false,
  charset: binary,
  length: 20,
  flags: 0,
  decimals: 0,
  extendedType: "",
  format: "",
  ...fields
})

const options = (over: Partial<Value.ValueOptions>): Value.ValueOptions =>
  Value.overriding(Value.defaultValueOptions, over)

const shapeOf = (definition: ColumnDefinition, values: Value.ValueOptions = Value.defaultValueOptions): Shape =>
  new Shapes().of([definition], Buffer.from("metadata"), values)

const fromText = (shape: Shape, value: string | Uint8Array | null): unknown => {
  const payload = textRow([value])
  return readTextRow(new Bytes().open(payload, 0), shape, 0, payload.length)[0]
}

const fromBinary = (shape: Shape, value: Buffer | null): unknown => {
  const payload = binaryRow([value])
  return readBinaryRow(new Bytes().open(payload, 0), shape, 0, payload.length)[0]
}

const failed = (read: () => unknown): Errors.DataError => {
  try {
    read()
  } catch (thrown) {
    if (thrown instanceof Errors.DataError) return thrown
    throw thrown
  }
  throw new Error("it did not fail")
}

const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

describe("A column's readers", () => {
  it("take no FLOAT from six digits, which are those of many", () => {
    const shape = shapeOf(column({ type: FieldType.FLOAT, decimals: 31 }))
    for (const digits of ["0.1", "1.5", "123456", "1e-30"]) {
      const error = failed(() => fromText(shape, digits))
      expect([error.reason, error.message.includes('"v"')]).toEqual(["InvalidValue", true])
    }
    for (const [digits, value] of [
      ["0", 0],
      ["-0", -0],
      [null, null]
    ] as const)
      expect(fromText(shape, digits)).toBe(value)
    expect(fromBinary(shape, f32(0.1))).toBe(0.1)
  })

  it("take a FLOAT with a fixed number of digits from those", () => {
    const shape = shapeOf(column({ type: FieldType.FLOAT, decimals: 3 }))
    expect([fromText(shape, "9999.999"), fromBinary(shape, f32(9999.999))]).toEqual([9999.999, 9999.999])
  })

  it("give all the digits of a second where their number is not fixed", () => {
    const date = [u16(1970), u8(1), u8(1)]
    for (const decimals of [31, 39]) {
      const dateTime = column({ type: FieldType.DATETIME, decimals })
      expect(fromBinary(shapeOf(dateTime), Buffer.concat([u8(11), ...date, u8(0), u8(0), u8(0), u32(500_000)]))).toBe(
        "1970-01-01 00:00:00.500000"
      )
      expect(fromBinary(shapeOf(dateTime), Buffer.concat([u8(4), ...date]))).toBe("1970-01-01 00:00:00.000000")
      const time = column({ type: FieldType.TIME, decimals })
      expect(fromBinary(shapeOf(time), Buffer.concat([u8(12), u8(1), u32(0), u8(1), u8(2), u8(3), u32(4)]))).toBe(
        "-01:02:03.000004"
      )
      expect([shapeOf(dateTime).columns[0]?.scale, shapeOf(time).columns[0]?.scale]).toEqual([6, 6])
    }
  })

  it("take no bytes for a text that are none", () => {
    const shape = shapeOf(column({ type: FieldType.VAR_STRING, charset: utf8mb4 }))
    for (const bytes of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xef, 0xbf, 0xbd, 0x80]]) {
      for (const read of [fromText(shape, "ok"), fromBinary(shape, text("ok"))]) expect(read).toBe("ok")
      expect(failed(() => fromText(shape, Uint8Array.from(bytes))).reason).toBe("InvalidValue")
      expect(failed(() => fromBinary(shape, text(Buffer.from(bytes)))).reason).toBe("InvalidValue")
    }
    for (const whole of ["\ufffd", "a\ufffdé😀", "\ufffd".repeat(300)])
      expect([fromText(shape, whole), fromBinary(shape, text(whole))]).toEqual([whole, whole])
    // A table has no such text: there it is not looked for.
    const stored = shapeOf(column({ type: FieldType.VAR_STRING, charset: utf8mb4, isStored: true }))
    expect(fromBinary(stored, text("\ufffdé"))).toBe("\ufffdé")
    const json = shapeOf(column({ type: FieldType.JSON, charset: utf8mb4 }))
    expect(failed(() => fromText(json, Uint8Array.from([0x22, 0xff, 0x22]))).reason).toBe("InvalidValue")
  })

  it("take no text in a character set that the session was not to have", () => {
    for (const charset of [5, 8, 28, 35, 47, 54, 128, 183, 248]) {
      const shape = shapeOf(column({ type: FieldType.VAR_STRING, charset, isStored: true }))
      for (const read of [() => fromText(shape, "a"), () => fromBinary(shape, text("a"))]) {
        const error = failed(read)
        expect([error.reason, error.message.includes('"v"')]).toEqual(["InvalidValue", true])
        expect(error.message).toContain("character_set_results")
      }
      expect([fromText(shape, null), fromBinary(shape, null)]).toEqual([null, null])
    }
    for (const charset of [11, 33, 45, 46, 65, 83, 192, 215, 223, 224, 247, 255, 278, 309, 1070, 2304]) {
      const shape = shapeOf(column({ type: FieldType.VAR_STRING, charset, isStored: true }))
      expect([fromText(shape, "é😀"), fromBinary(shape, text("é😀"))]).toEqual(["é😀", "é😀"])
    }
  })

  it("know an ENUM and a SET of bytes as the bytes that they are", () => {
    for (const flags of [FieldFlag.ENUM, FieldFlag.SET]) {
      const shape = shapeOf(column({ type: FieldType.STRING, flags }))
      expect(shape.columns[0]?.typeName).toBe("BINARY")
      expect(fromText(shape, Uint8Array.from([0xff]))).toEqual(Uint8Array.from([0xff]))
    }
    expect(
      shapeOf(column({ type: FieldType.STRING, flags: FieldFlag.ENUM, charset: utf8mb4 })).columns[0]?.typeName
    ).toBe("ENUM")
  })
})

describe("A column's decoder", () => {
  it("gets the same from both protocols, and never a NULL", () => {
    const seen: Array<unknown> = []
    const decoders: Value.Decoders = {
      BIGINT: (digits, { name }) => {
        seen.push([digits, name])
        return seen.length
      }
    }
    const shape = shapeOf(column({ type: FieldType.LONGLONG }), options({ decoders }))
    const i64 = Buffer.alloc(8)
    i64.writeBigInt64LE(-(2n ** 60n))
    expect([
      fromText(shape, "-1152921504606846976"),
      fromBinary(shape, i64),
      fromText(shape, null),
      fromBinary(shape, null)
    ]).toEqual([1, 2, null, null])
    expect(seen).toEqual([
      ["-1152921504606846976", "v"],
      ["-1152921504606846976", "v"]
    ])
  })

  it("reads rows in the generated function as in the loop", () => {
    const decoders: Value.Decoders = { INT: (digits) => `#${digits}` }
    const shape = shapeOf(column({ type: FieldType.LONG }), options({ decoders }))
    const payloads = Array.from({ length: 1_000 }, (_, i) => (i % 7 === 0 ? null : u32(i)))
    const expected = payloads.map((value, i) => [value === null ? null : `#${i}`])
    for (let from = 0; from < payloads.length; from += 100) {
      const packets = payloads.slice(from, from + 100).map((value, i) => {
        const payload = binaryRow([value])
        const header = u32(payload.length)
        header[3] = i
        return Buffer.concat([header, payload])
      })
      const buffer = Buffer.concat(packets)
      const rows: Array<ReadonlyArray<unknown>> = []
      expect(shape.readRows(new Bytes().open(buffer, 0), 0, buffer.length, 0, rows)).toBe(buffer.length)
      expect(rows).toEqual(expected.slice(from, from + 100))
    }
  })

  it("is asked for by the more exact name first", () => {
    const decoders: Value.Decoders = Object.fromEntries(Value.decodableTypes.map((type) => [type, () => type]))
    const cases: ReadonlyArray<
      readonly [Partial<ColumnDefinition> & { readonly type: number }, string, Value.Decoders?]
    > = [
      [{ type: FieldType.TINY, length: 1 }, "TINYINT(1)"],
      [{ type: FieldType.TINY, length: 1 }, "TINYINT", { TINYINT: () => "TINYINT" }],
      [{ type: FieldType.TINY, length: 4 }, "TINYINT"],
      [{ type: FieldType.LONG, flags: FieldFlag.UNSIGNED }, "INT UNSIGNED"],
      [{ type: FieldType.LONG, flags: FieldFlag.UNSIGNED }, "INT", { INT: () => "INT" }],
      [{ type: FieldType.LONG }, "7", { "INT UNSIGNED": () => "INT UNSIGNED" }],
      [{ type: FieldType.GEOMETRY, extendedType: "point" }, "POINT"],
      [{ type: FieldType.GEOMETRY, extendedType: "point" }, "GEOMETRY", { GEOMETRY: () => "GEOMETRY" }],
      [{ type: FieldType.STRING, charset: utf8mb4, extendedType: "uuid" }, "UUID"],
      [{ type: FieldType.BLOB, charset: utf8mb4, format: "json" }, "JSON"],
      [{ type: FieldType.BLOB, charset: utf8mb4 }, "TEXT"],
      [{ type: FieldType.BLOB }, "BLOB"]
    ]
    for (const [fields, expected, own] of cases)
      expect([fields, String(fromText(shapeOf(column(fields), options({ decoders: own ?? decoders })), "7"))]).toEqual([
        fields,
        expected
      ])
  })
})

describe("Shapes", () => {
  it("give the same columns for the same metadata, whatever the values are read as", () => {
    const shapes = new Shapes()
    const definitions = [column({ type: FieldType.LONGLONG })]
    const metadata = Buffer.from("one")
    const numbers = shapes.of(definitions, metadata, Value.defaultValueOptions)
    const bigints = shapes.of(definitions, metadata, options({ integers: "bigint" }))
    expect(bigints).not.toBe(numbers)
    expect(bigints.columns).toBe(numbers.columns)
    expect(shapes.of(definitions, metadata, Value.defaultValueOptions)).toBe(numbers)
    expect(shapes.of(definitions, metadata, options({ integers: "bigint" }))).toBe(bigints)
    expect(shapes.of(definitions, Buffer.from("two"), Value.defaultValueOptions).columns).not.toBe(numbers.columns)
  })

  it("are kept for the last results, and no more of them than that", () => {
    const shapes = new Shapes()
    const of = (i: number) =>
      shapes.of([column({ type: FieldType.LONG })], Buffer.from(String(i)), Value.defaultValueOptions)
    const first = of(0)
    expect(of(0)).toBe(first)
    for (let i = 1; i < 300; i++) of(i)
    expect(of(0)).not.toBe(first)
    expect(of(299)).toBe(of(299))
  })
})

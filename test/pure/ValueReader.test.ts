import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, DateTime, FastCheck } from "effect"
import { Errors, Value } from "effect-sa"
import * as ValueReader from "effect-sa/ValueReader"

const failed = (read: () => unknown): Errors.DataError => {
  try {
    read()
  } catch (thrown) {
    if (thrown instanceof Errors.DataError) return thrown
    throw thrown
  }
  throw new Error("it did not fail")
}

describe("ValueReader.shortestFloat", () => {
  it("gives a number that is the same float, for any float", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.float({ noNaN: true, noDefaultInfinity: true }), (float) => {
        expect(Object.is(Math.fround(ValueReader.shortestFloat(float)), float)).toBe(true)
      }),
      { numRuns: 5_000 }
    )
  })

  it("gives back the decimal of up to six digits that the float was made from", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.integer({ min: -999_999, max: 999_999 }),
        FastCheck.integer({ min: -30, max: 30 }),
        (digits, exponent) => {
          const decimal = Number(`${digits}e${exponent}`) + 0
          expect(ValueReader.shortestFloat(Math.fround(decimal))).toBe(decimal)
        }
      ),
      { numRuns: 2_000 }
    )
    for (const decimal of [0, 0.1, 0.2, 0.3, 1.1, 16777216, 3.4e38, 1e-38])
      expect(ValueReader.shortestFloat(Math.fround(decimal))).toBe(decimal)
  })

  it("is never above the largest float, so that it can be stored again", () => {
    const [largest = 0, next = 0] = new Float32Array(new Uint32Array([0x7f7fffff, 0x7f7ffffe]).buffer)
    for (const float of [largest, -largest]) expect(ValueReader.shortestFloat(float)).toBe(float)
    expect(ValueReader.shortestFloat(next)).toBe(3.4028233e38)
  })

  it("keeps the sign of zero, and finds the shortest for the smallest floats too", () => {
    expect(Object.is(ValueReader.shortestFloat(-0), -0)).toBe(true)
    expect(ValueReader.shortestFloat(Math.fround(1e-45))).toBe(1e-45)
    expect(ValueReader.shortestFloat(Math.fround(3e-42))).toBe(3e-42)
  })
})

describe("ValueReader.readDateTimeText", () => {
  const read = (text: string, options: Partial<Value.ValueOptions> = {}) =>
    ValueReader.readDateTimeText(text, "col", { ...Value.defaultValueOptions, ...options })

  it("reads what databases write, in UTC", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["2024-02-29 12:34:56", "2024-02-29T12:34:56.000Z"],
      ["2024-02-29 12:34:56.7", "2024-02-29T12:34:56.700Z"],
      ["2024-02-29 12:34:56.789", "2024-02-29T12:34:56.789Z"],
      ["2024-02-29 12:34:56.789000", "2024-02-29T12:34:56.789Z"],
      ["2024-02-29T12:34:56.789Z", "2024-02-29T12:34:56.789Z"],
      ["2024-02-29 12:34", "2024-02-29T12:34:00.000Z"],
      ["2024-02-29", "2024-02-29T00:00:00.000Z"],
      ["0001-01-01 00:00:00", "0001-01-01T00:00:00.000Z"],
      ["0000-02-29 00:00:00", "0000-02-29T00:00:00.000Z"],
      ["9999-12-31 23:59:59.999", "9999-12-31T23:59:59.999Z"]
    ]
    for (const [text, iso] of cases) {
      const date = read(text)
      expect([text, date instanceof Date && date.toISOString()]).toEqual([text, iso])
      const utc = read(text, { dateTimes: "DateTime" })
      expect([text, DateTime.isDateTime(utc) && DateTime.formatIso(utc)]).toEqual([text, iso])
      expect(read(text, { dateTimes: "string" })).toBe(text)
    }
  })

  it("reads back every date that is bound", () => {
    const dates = FastCheck.date({
      min: new Date("0000-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59.999Z"),
      noInvalidDate: true
    })
    FastCheck.assert(
      FastCheck.property(dates, (date) => {
        expect(read(Value.formatDateTime(date))).toStrictEqual(date)
      }),
      { numRuns: 1_000 }
    )
  })

  it("fails for days that no calendar has, or gives their text by option", () => {
    for (const text of [
      "0000-00-00 00:00:00",
      "2024-00-15",
      "2024-02-00",
      "2023-02-29",
      "2024-02-30",
      "2024-04-31",
      "2024-13-01",
      "2024-01-32",
      "1900-02-29"
    ]) {
      const error = failed(() => read(text))
      expect([text, error.reason]).toEqual([text, "ZeroDate"])
      expect(error.message).toContain('"col"')
      expect(error.message).toContain("zeroDates")
      expect(error.message).not.toContain(text)
      expect(read(text, { zeroDates: "string" })).toBe(text)
      expect(read(text, { dateTimes: "string" })).toBe(text)
    }
  })

  it("never shifts a time that no clock has into another", () => {
    for (const text of [
      "2024-01-01 24:00:00",
      "2024-01-01 25:00:00",
      "2024-01-01 10:60:00",
      "2024-01-01 10:00:60",
      "2024-01-01 99:99:99"
    ])
      expect([text, failed(() => read(text)).reason]).toEqual([
        text,
        expect.stringMatching(/^(InvalidValue|ZeroDate)$/)
      ])
  })

  it("fails for microseconds that a Date cannot hold, and names the option", () => {
    const error = failed(() => read("2024-02-29 12:34:56.789001"))
    expect(error.reason).toBe("InvalidValue")
    expect(error.message).toContain("dateTimes")
  })

  it("fails for what is no date and time", () => {
    for (const text of [
      "",
      "x",
      "12:34:56",
      "2024-02-29 12",
      "2024-2-9",
      "20240229",
      "2024-02-29 12:34:56.1234567",
      "2024-02-29 12:34:56+02:00",
      " 2024-02-29",
      "2024-02-29\n",
      "-2024-02-29"
    ])
      expect([text, failed(() => read(text)).reason]).toEqual([text, "InvalidValue"])
  })
})

describe("The other readers", () => {
  it("give integers as the options ask, or fail by the column's name", () => {
    for (const text of ["9007199254740992", "-9007199254740992", "18446744073709551615", "9007199254740993"]) {
      for (const read of [
        (integers: Value.ValueOptions["integers"]) => ValueReader.readIntegerText(text, "c", integers),
        (integers: Value.ValueOptions["integers"]) => ValueReader.readBigInt(BigInt(text), "c", integers)
      ]) {
        expect(read("bigint")).toBe(BigInt(text))
        expect(read("string")).toBe(text)
        const error = failed(() => read("number"))
        expect(error.reason).toBe("UnsafeInteger")
        expect(error.message).toContain('"c"')
        expect(error.message).not.toContain(text)
      }
    }
    for (const safe of [0, 1, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(ValueReader.readIntegerText(String(safe), "c", "number")).toBe(safe)
      expect(ValueReader.readBigInt(BigInt(safe), "c", "number")).toBe(safe)
    }
  })

  it("give JSON parsed or as text, and fail for what is none", () => {
    const options = Value.defaultValueOptions
    expect(ValueReader.readJson('{"a":[1]}', "c", options)).toEqual({ a: [1] })
    expect(ValueReader.readJson("null", "c", options)).toBeNull()
    expect(ValueReader.readJson("{", "c", { ...options, json: "text" })).toBe("{")
    const error = failed(() => ValueReader.readJson("{s3cret", "c", options))
    expect([error.reason, error.message.includes("s3cret")]).toEqual(["InvalidValue", false])
  })

  it("fail with a DataError for digits that are none, whatever the options ask", () => {
    for (const text of ["", "abc", "1.2.3", "0x", "--1", "1,5"]) {
      const decimals = { ...Value.defaultValueOptions, decimals: "BigDecimal" } as const
      expect([text, failed(() => ValueReader.readDecimal(text, "c", decimals)).reason]).toEqual([text, "InvalidValue"])
    }
    for (const text of ["abc", "1.5", "--1"])
      expect([text, failed(() => ValueReader.readIntegerText(text, "c", "bigint")).reason]).toEqual([
        text,
        "InvalidValue"
      ])
  })

  it("give decimals with every digit", () => {
    const text = "-12345678901234567890.1234567891"
    expect(ValueReader.readDecimal(text, "c", Value.defaultValueOptions)).toBe(text)
    const decimal = ValueReader.readDecimal(text, "c", { ...Value.defaultValueOptions, decimals: "BigDecimal" })
    expect(BigDecimal.isBigDecimal(decimal) && Value.formatDecimal(decimal)).toBe(text)
  })

  it("give integers without the zeros of ZEROFILL", () => {
    for (const [text, digits] of [
      ["00000000000000000042", "42"],
      ["0", "0"],
      ["000", "0"],
      ["-7", "-7"]
    ] as const) {
      expect(ValueReader.readIntegerText(text, "c", "string")).toBe(digits)
      expect(ValueReader.readIntegerText(text, "c", "bigint")).toBe(BigInt(digits))
      expect(ValueReader.readIntegerText(text, "c", "number")).toBe(Number(digits))
    }
  })

  it("fail for an integer inside of JSON that a number cannot hold, and for no other", () => {
    const options = Value.defaultValueOptions
    for (const json of [
      "9007199254740993",
      "-9007199254740993",
      '{"id": 9007199254740993}',
      '["\\"", 12345678901234567890123]',
      '{"a\\\\": 9007199254740995}',
      `[${"9".repeat(400)}]`,
      "[1, 2, 18446744073709551615]",
      "1000000000000000000000000"
    ]) {
      const error = failed(() => ValueReader.readJson(json, "col", options))
      expect([json, error.reason]).toEqual([json, "UnsafeInteger"])
      expect(error.message).toContain('"col"')
      expect(error.message).toContain('json: "text"')
      expect(ValueReader.readJson(json, "col", { ...options, json: "text" })).toBe(json)
    }
    for (const json of [
      "9007199254740991",
      "9007199254740992",
      "-9007199254740994",
      "18446744073709552000",
      "100000000000000000000",
      "9223372036854775808",
      "0.1234567890123456789",
      "1.2345678901234567e30",
      "12345678901234567e5",
      '"9007199254740993"',
      '{"9007199254740993": "\\"9007199254740993"}',
      '["\\\\", "9007199254740993"]'
    ])
      expect(ValueReader.readJson(json, "col", options)).toEqual(JSON.parse(json))
  })

  it("read back whatever JSON.stringify writes", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.oneof(
          FastCheck.jsonValue(),
          FastCheck.array(FastCheck.oneof(FastCheck.double(), FastCheck.maxSafeInteger(), FastCheck.string()))
        ),
        (value) => {
          const json = JSON.stringify(value)
          expect(ValueReader.readJson(json, "c", Value.defaultValueOptions)).toEqual(JSON.parse(json))
        }
      ),
      { numRuns: 1_000 }
    )
  })
})

describe("ValueReader.decoding", () => {
  const column: Value.Column = {
    name: "price",
    table: "t",
    typeName: "DECIMAL",
    nullable: true,
    length: 12,
    scale: 2
  }
  const decoded = (decoders: Value.Decoders, names: ReadonlyArray<string>, exact: unknown): unknown =>
    ValueReader.decoding({ ...Value.defaultValueOptions, decoders }, column, names)?.(exact)

  it("is none for a column without a decoder", () => {
    expect(ValueReader.decoding(Value.defaultValueOptions, column, ["DECIMAL"])).toBeUndefined()
    const decoders: Value.Decoders = { DATE: String, BIGINT: undefined }
    for (const names of [["DECIMAL"], ["BIGINT"], [], ["toString"]])
      expect(ValueReader.decoding({ ...Value.defaultValueOptions, decoders }, column, names)).toBeUndefined()
  })

  it("takes the more exact name first", () => {
    const decoders: Value.Decoders = {
      TINYINT: (text) => `tiny ${text}`,
      "TINYINT(1)": (text) => `boolean ${text}`,
      GEOMETRY: (bytes) => bytes.length
    }
    expect(decoded(decoders, ["TINYINT(1)", "TINYINT"], 1)).toBe("boolean 1")
    expect(decoded(decoders, ["TINYINT UNSIGNED", "TINYINT"], 1)).toBe("tiny 1")
    expect(decoded(decoders, ["POINT", "GEOMETRY"], new Uint8Array(25))).toBe(25)
  })

  it("gives decoders text that holds all of a value, or bytes, and the column", () => {
    const decoders: Value.Decoders = { DOUBLE: (text, { name }) => [text, name], BLOB: (bytes) => bytes }
    for (const [exact, text] of [
      [-0, "-0"],
      [0, "0"],
      [1e300, "1e+300"],
      ["0.10", "0.10"],
      [2n ** 64n, "18446744073709551616"]
    ] as const)
      expect(decoded(decoders, ["DOUBLE"], exact)).toEqual([text, "price"])
    const bytes = new Uint8Array([1, 2])
    expect(decoded(decoders, ["BLOB"], bytes)).toBe(bytes)
  })

  it("fails with a DataError that names the column where a decoder throws, whatever it throws", () => {
    for (const thrown of [
      new Error("s3cret"),
      "s3cret",
      undefined,
      null,
      new Errors.DataError({ reason: "TooLong", message: "s3cret" })
    ]) {
      const decode = () => {
        throw thrown
      }
      for (const [names, exact] of [
        [["DECIMAL"], "1"],
        [["BLOB"], new Uint8Array(1)]
      ] as const) {
        const error = failed(() => decoded({ DECIMAL: decode, BLOB: decode }, names, exact))
        expect(error.reason).toBe("InvalidValue")
        expect(error.message).toContain('"price"')
        expect(error.message).not.toContain("s3cret")
        expect(error.cause ?? undefined).toBe(thrown ?? undefined)
        const ofStatement = ValueReader.dataErrorOf(error, "SELECT 1")
        expect([ofStatement?.statement, ofStatement?.message]).toEqual(["SELECT 1", error.message])
        expect(ofStatement?.cause ?? undefined).toBe(thrown ?? undefined)
      }
    }
  })

  it("fails for bytes where its decoder is for text, and the other way round", () => {
    for (const [names, exact] of [
      [["UUID"], new Uint8Array(16)],
      [["BLOB"], "text"],
      [["BLOB"], 5]
    ] as const) {
      const error = failed(() => decoded({ UUID: String, BLOB: String }, names, exact))
      expect([error.reason, error.message.includes('"price"')]).toEqual(["InvalidValue", true])
      expect(error.message).toMatch(/its decoder is for (?:text|bytes)$/)
    }
  })
})

describe("ValueReader.dataErrorOf", () => {
  it("is none for what is a bug", () => {
    for (const thrown of [new Error("x"), new TypeError("x"), undefined, "x"])
      expect(ValueReader.dataErrorOf(thrown, "SELECT 1")).toBeUndefined()
  })
})

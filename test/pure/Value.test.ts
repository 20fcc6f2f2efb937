import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, DateTime, FastCheck, Option, Redacted } from "effect"
import { Errors, Value } from "effect-sa"

const refused = (value: unknown): string => {
  const found = Value.bind(value, "p")
  if (!(found instanceof Errors.ArgumentError)) throw new Error(`not refused: ${String(found)}`)
  expect(found.argument).toBe("p")
  return found.given
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

describe("Value.bind", () => {
  it("reduces every kind of parameter to what databases know", () => {
    const date = new Date("2024-02-29T12:34:56.789Z")
    const bytes = new Uint8Array([1, 2])
    const decimal = BigDecimal.unsafeFromString("1.50")
    const cases: ReadonlyArray<readonly [unknown, Value.BoundValue]> = [
      [null, null],
      [true, 1],
      [false, 0],
      [0, 0],
      [-1.5, -1.5],
      [5n, 5n],
      [2n ** 64n - 1n, 2n ** 64n - 1n],
      [-(2n ** 63n), -(2n ** 63n)],
      ["", ""],
      ["é😀\0", "é😀\0"],
      [bytes, bytes],
      [date, date],
      [DateTime.unsafeMake(date), date],
      [DateTime.unsafeMakeZoned(date, { timeZone: "Asia/Kolkata" }), date],
      [decimal, decimal],
      [Option.none(), null],
      [Option.some(5), 5],
      [Option.some(true), 1],
      [Option.some(Option.none()), null],
      [Redacted.make("x"), "x"],
      [Redacted.make(true), 1],
      [Option.some(Redacted.make(1n)), 1n],
      [{ a: 1, b: undefined }, '{"a":1}'],
      [[], "[]"],
      [[1, "a", null], '[1,"a",null]'],
      [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
      [{ at: date }, '{"at":"2024-02-29T12:34:56.789Z"}']
    ]
    for (const [value, bound] of cases) expect(Value.bind(value, "p")).toStrictEqual(bound)
    expect(Object.is(Value.bind(-0, "p"), -0)).toBe(true)
  })

  it("refuses what no database can hold, by its kind and never by its value", () => {
    const circular: Record<string, unknown> = { secret: "s3cret" }
    circular.self = circular
    class Account {
      secret = "s3cret"
    }
    const cases: ReadonlyArray<readonly [unknown, string]> = [
      [undefined, "undefined"],
      [Number.NaN, "NaN"],
      [Number.POSITIVE_INFINITY, "infinite"],
      [Number.NEGATIVE_INFINITY, "infinite"],
      [() => "s3cret", "function"],
      [Symbol("s3cret"), "symbol"],
      [new Account(), "Account"],
      [new Map([["s3cret", 1]]), "Map"],
      [new Set(), "Set"],
      [Promise.resolve(1), "Promise"],
      [new Uint16Array(1), "Uint16Array"],
      [new ArrayBuffer(1), "ArrayBuffer"],
      [new DataView(new ArrayBuffer(1)), "DataView"],
      [/s3cret/, "RegExp"],
      [new Date(Number.NaN), "invalid"],
      [new Date("+010000-01-01T00:00:00Z"), "outside"],
      [new Date("-000001-12-31T23:59:59Z"), "outside"],
      [2n ** 64n, "64 bits"],
      [-(2n ** 63n) - 1n, "64 bits"],
      ["s3cret\ud800", "surrogate"],
      ["\udc00s3cret", "surrogate"],
      [circular, "JSON"],
      [{ big: 1n }, "JSON"],
      [[1n], "JSON"],
      [{ toJSON: () => undefined }, "JSON"],
      [Option.some(undefined), "undefined"],
      [Option.some(Number.NaN), "NaN"],
      [Redacted.make(Number.NaN), "NaN"]
    ]
    for (const [value, kind] of cases) {
      const given = refused(value)
      expect(given).toContain(kind)
      expect(given).not.toContain("s3cret")
    }
  })

  it("refuses text with lone surrogates inside of JSON too", () => {
    expect(refused({ a: "\ud800" })).toContain("surrogate")
    expect(refused(["\udc00"])).toContain("surrogate")
    expect(refused({ "\ud800": 1 })).toContain("surrogate")
    // A pair, and a backslash that only looks like one, are well.
    expect(Value.bind({ a: "😀" }, "p")).toBe('{"a":"😀"}')
    expect(Value.bind({ a: "\\ud800" }, "p")).toBe('{"a":"\\\\ud800"}')
  })

  it("takes the first and the last day that a text of four digits for the year can say", () => {
    for (const text of ["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]) {
      const bound = Value.bind(new Date(text), "p")
      expect(bound instanceof Date && Value.formatDateTime(bound)).toBe(text.slice(0, 23).replace("T", " "))
    }
  })

  it("gives well-formed text for any JSON", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.jsonValue(), { maxLength: 3 }), (value) => {
        const bound = Value.bind(value, "p")
        if (bound instanceof Errors.ArgumentError) throw bound
        expect(JSON.parse(String(bound))).toEqual(JSON.parse(JSON.stringify(value)))
      })
    )
  })
})

describe("Value.formatDecimal", () => {
  it("gives the digits without an exponent, and all of them", () => {
    const cases: ReadonlyArray<readonly [bigint, number, string]> = [
      [0n, 0, "0"],
      [0n, 3, "0.000"],
      [0n, -3, "0"],
      [5n, 0, "5"],
      [5n, 1, "0.5"],
      [-5n, 3, "-0.005"],
      [12345n, 2, "123.45"],
      [-12345n, 5, "-0.12345"],
      [12n, -3, "12000"],
      [-1n, -20, "-100000000000000000000"]
    ]
    for (const [value, scale, text] of cases) expect(Value.formatDecimal(BigDecimal.make(value, scale))).toBe(text)
  })

  it("gives a text that is the same decimal, for any", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
        FastCheck.integer({ min: -30, max: 60 }),
        (value, scale) => {
          const decimal = BigDecimal.make(value, scale)
          const text = Value.formatDecimal(decimal)
          expect(text).toMatch(/^-?\d+(\.\d+)?$/)
          expect(BigDecimal.equals(BigDecimal.unsafeFromString(text), decimal)).toBe(true)
        }
      )
    )
  })
})

describe("Value.shortestFloat", () => {
  it("gives a number that is the same float, for any float", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.float({ noNaN: true, noDefaultInfinity: true }), (float) => {
        expect(Object.is(Math.fround(Value.shortestFloat(float)), float)).toBe(true)
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
          expect(Value.shortestFloat(Math.fround(decimal))).toBe(decimal)
        }
      ),
      { numRuns: 2_000 }
    )
    for (const decimal of [0, 0.1, 0.2, 0.3, 1.1, 16777216, 3.4e38, 1e-38])
      expect(Value.shortestFloat(Math.fround(decimal))).toBe(decimal)
  })

  it("keeps the sign of zero, and finds the shortest for the smallest floats too", () => {
    expect(Object.is(Value.shortestFloat(-0), -0)).toBe(true)
    expect(Value.shortestFloat(Math.fround(1e-45))).toBe(1e-45)
    expect(Value.shortestFloat(Math.fround(3e-42))).toBe(3e-42)
  })
})

describe("Value.readDateTimeText", () => {
  const read = (text: string, options: Partial<Value.ValueOptions> = {}) =>
    Value.readDateTimeText(text, "col", { ...Value.defaultValueOptions, ...options })

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

describe("Value's other readers", () => {
  it("give integers as the options ask, or fail by the column's name", () => {
    for (const text of ["9007199254740992", "-9007199254740992", "18446744073709551615", "9007199254740993"]) {
      for (const read of [
        (integers: Value.ValueOptions["integers"]) => Value.readIntegerText(text, "c", integers),
        (integers: Value.ValueOptions["integers"]) => Value.readBigInt(BigInt(text), "c", integers)
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
      expect(Value.readIntegerText(String(safe), "c", "number")).toBe(safe)
      expect(Value.readBigInt(BigInt(safe), "c", "number")).toBe(safe)
    }
  })

  it("give JSON parsed or as text, and fail for what is none", () => {
    const options = Value.defaultValueOptions
    expect(Value.readJson('{"a":[1]}', "c", options)).toEqual({ a: [1] })
    expect(Value.readJson("null", "c", options)).toBeNull()
    expect(Value.readJson("{", "c", { ...options, json: "text" })).toBe("{")
    const error = failed(() => Value.readJson("{s3cret", "c", options))
    expect([error.reason, error.message.includes("s3cret")]).toEqual(["InvalidValue", false])
  })

  it("fail with a DataError for digits that are none, whatever the options ask", () => {
    for (const text of ["", "abc", "1.2.3", "0x", "--1", "1,5"]) {
      const decimals = { ...Value.defaultValueOptions, decimals: "BigDecimal" } as const
      expect([text, failed(() => Value.readDecimal(text, decimals)).reason]).toEqual([text, "InvalidValue"])
    }
    for (const text of ["abc", "1.5", "--1"])
      expect([text, failed(() => Value.readIntegerText(text, "c", "bigint")).reason]).toEqual([text, "InvalidValue"])
  })

  it("give decimals with every digit", () => {
    const text = "-12345678901234567890.1234567891"
    expect(Value.readDecimal(text, Value.defaultValueOptions)).toBe(text)
    const decimal = Value.readDecimal(text, { ...Value.defaultValueOptions, decimals: "BigDecimal" })
    expect(BigDecimal.isBigDecimal(decimal) && Value.formatDecimal(decimal)).toBe(text)
  })
})

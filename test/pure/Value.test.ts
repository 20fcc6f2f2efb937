import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, DateTime, FastCheck, Option, Redacted } from "effect"
import { Errors, Value } from "effect-sa"

const refused = (value: unknown): string => {
  const found = Value.bind(value, "p")
  if (!(found instanceof Errors.ArgumentError)) throw new Error(`not refused: ${String(found)}`)
  expect(found.argument).toBe("p")
  return found.given
}

/** Objects that say what they are bound as. */
class Own {
  constructor(private readonly value: unknown) {}
  [Value.toParameter](): unknown {
    return this.value
  }
}

class Money {
  constructor(private readonly cents: bigint) {}
  [Value.toParameter](): Value.Parameter {
    return BigDecimal.make(this.cents, 2)
  }
}

class Throwing {
  [Value.toParameter](): Value.Parameter {
    throw new Error("s3cret")
  }
}

class Circular {
  [Value.toParameter](): Value.Parameter {
    return Option.some(this)
  }
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
      [{ at: date }, '{"at":"2024-02-29T12:34:56.789Z"}'],
      [new Money(150n), decimal],
      [Option.some(new Money(150n)), decimal],
      [new Own(new Own(new Own(7))), 7],
      [new Own(null), null],
      [new Own({ a: 1 }), '{"a":1}'],
      [new Own(Option.none()), null]
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
      [Redacted.make(Number.NaN), "NaN"],
      [new Own(undefined), "undefined"],
      [new Own(Number.NaN), "NaN"],
      [new Own(new Account()), "Account"],
      [new Throwing(), "Throwing whose toParameter failed"],
      [new Circular(), "Circular whose toParameter failed"],
      [{ [Value.toParameter]: "s3cret" }, "no function"],
      [BigDecimal.make(10n ** 65n, 0), "65 digits"],
      [BigDecimal.make(-(10n ** 65n), 0), "65 digits"],
      [BigDecimal.make(1n, 66), "65 digits"],
      [BigDecimal.make(1n, -65), "65 digits"],
      [BigDecimal.make(12n, -64), "65 digits"],
      [BigDecimal.make(1n, -(10 ** 9)), "65 digits"],
      [BigDecimal.make(1n, 10 ** 9), "65 digits"]
    ]
    for (const [value, kind] of cases) {
      const given = refused(value)
      expect(given).toContain(kind)
      expect(given).not.toContain("s3cret")
    }
  })

  it("takes decimals of as many digits as servers have, wherever their point is", () => {
    for (const decimal of [
      BigDecimal.make(10n ** 65n - 1n, 0),
      BigDecimal.make(-(10n ** 65n) + 1n, 65),
      BigDecimal.make(10n ** 65n - 1n, 30),
      BigDecimal.make(1n, 65),
      BigDecimal.make(1n, -64),
      BigDecimal.make(99n, -63),
      BigDecimal.make(0n, -1000)
    ]) {
      expect(Value.bind(decimal, "p")).toBe(decimal)
      expect(Value.formatDecimal(decimal).replace(/^-/, "").replace(/^0\./, "").replace(".", "").length).toBeLessThan(
        66
      )
    }
  })

  it("refuses JSON in which a number is none, which JSON would hold as null", () => {
    for (const value of [
      { n: Number.NaN },
      [Number.POSITIVE_INFINITY],
      { a: [null, { b: -Number.POSITIVE_INFINITY }] }
    ])
      expect(Value.bind(value, "x")).toMatchObject({ _tag: "ArgumentError", argument: "x" })
    expect(Value.bind({ n: null, text: "null" }, "x")).toBe('{"n":null,"text":"null"}')
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

describe("Value.overriding", () => {
  const base = Value.defaultValueOptions

  it("gives the options of a statement over those of its engine", () => {
    expect(Value.overriding(base, { integers: "bigint" })).toEqual({ ...base, integers: "bigint" })
    expect(Value.overriding(base, { json: undefined } as never)).toEqual(base)
  })

  it("gives the same object for the same options, so that what is known of results is found again", () => {
    const decoders: Value.Decoders = { DECIMAL: Number }
    for (const over of [{}, { integers: "bigint" }, { decoders }, { decoders, json: "text" }] as const)
      expect(Value.overriding(base, over)).toBe(Value.overriding(base, { ...over }))
    expect(Value.overriding(base, { integers: "bigint" })).not.toBe(Value.overriding(base, { integers: "string" }))
    expect(Value.overriding(base, { decoders })).not.toBe(Value.overriding(base, {}))
    expect(Value.overriding(base, { decoders })).not.toBe(Value.overriding(base, { decoders: { ...decoders } }))
  })

  it("adds decoders to those of the engine, and puts them in the place of those of the same type", () => {
    const ofEngine: Value.Decoders = { DECIMAL: Number, DATE: (text) => `engine ${text}` }
    const ofStatement: Value.Decoders = { DATE: (text) => `statement ${text}`, BLOB: (bytes) => bytes.length }
    const engine = Value.overriding(base, { decoders: ofEngine })
    expect(Value.overriding(engine, { decoders: ofStatement }).decoders).toEqual({ ...ofEngine, ...ofStatement })
    expect(Value.overriding(engine, { integers: "bigint" }).decoders).toEqual(ofEngine)
  })
})

describe("Value.isDecoders", () => {
  it("takes functions under the names of types, and nothing else", () => {
    for (const decoders of [{}, { DECIMAL: Number, "TINYINT(1)": Boolean }, { BLOB: undefined }])
      expect(Value.isDecoders(decoders)).toBe(true)
    for (const type of Value.decodableTypes) expect(Value.isDecoders({ [type]: String })).toBe(true)
    for (const other of [
      undefined,
      null,
      "DECIMAL",
      Number,
      [Number],
      new Map([["DECIMAL", Number]]),
      { decimal: Number },
      { DECIMALS: Number },
      { DECIMAL: "Number" },
      { DECIMAL: null },
      { toString: String }
    ])
      expect(Value.isDecoders(other)).toBe(false)
  })
})

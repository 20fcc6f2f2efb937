// The types of columns, and for each what a program binds and what it reads: the table that docs/values.md has for people.
import { createHash } from "node:crypto"
import { BigDecimal, DateTime, Option, Redacted } from "effect"
import { Value } from "effect-sa"
import type { Backend } from "../support/Backend.js"

export type Options = Partial<Value.ValueOptions>

/** One type of columns, and what is bound with what is to be read. */
export interface Case {
  readonly title: string
  readonly type: string
  readonly options?: Options
  readonly values: ReadonlyArray<readonly [bound: Value.Parameter, read: unknown]>
  /** What stands in the place of the value, around its marker. */
  readonly expression?: string
  /** The text protocol has too little of it, so that reading it fails. */
  readonly isCutInText?: boolean
}

export const decimal = BigDecimal.unsafeFromString
export const bytes = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)
export const allBytes = Uint8Array.from({ length: 256 }, (_, i) => i)
export const moment = new Date("2024-02-29T12:34:56.789Z")
export const second = new Date("2024-02-29T12:34:56Z")
const same = <A>(...values: ReadonlyArray<A>): ReadonlyArray<readonly [A, A]> =>
  values.map((value) => [value, value] as const)

/** Values that compare by what they are: Effect's own classes by their text, long bytes by a digest, all else as it is. */
export const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array && value.length > 1_000)
    return `${value.constructor.name} ${value.length} ${createHash("sha1").update(value).digest("hex")}`
  if (DateTime.isDateTime(value)) return `DateTime ${DateTime.formatIso(value)}`
  if (BigDecimal.isBigDecimal(value)) return `BigDecimal ${BigDecimal.format(value)}`
  return value
}

// ---------------------------------------------------------------------------------------------------------------------
// geometries, as servers keep them: the reference system, and the well-known binary form

const f64 = (...numbers: ReadonlyArray<number>): Buffer => {
  const buffer = Buffer.alloc(8 * numbers.length)
  for (const [i, number] of numbers.entries()) buffer.writeDoubleLE(number, 8 * i)
  return buffer
}

const u32 = (number: number): Buffer => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(number)
  return buffer
}

const shape = (kind: number, ...content: ReadonlyArray<Buffer>): Buffer =>
  Buffer.concat([Buffer.from([1]), u32(kind), ...content])

const many = (...parts: ReadonlyArray<Buffer>): Buffer => Buffer.concat([u32(parts.length), ...parts])

const stored = (wkb: Buffer): Uint8Array => Uint8Array.from(Buffer.concat([u32(0), wkb]))

const pointOf = (x: number, y: number): Buffer => shape(1, f64(x, y))
const lineOf = (...points: ReadonlyArray<Buffer>): Buffer => shape(2, many(...points))
const polygonOf = (...points: ReadonlyArray<Buffer>): Buffer => shape(3, many(many(...points)))

const line = [f64(0, 0), f64(1, 2.5), f64(-3, 1e10)]
const triangle = [f64(0, 0), f64(4, 0), f64(0, 3), f64(0, 0)]

const geometries: ReadonlyArray<readonly [type: string, text: string, read: Uint8Array]> = [
  ["POINT", "POINT(1 -2.5)", stored(pointOf(1, -2.5))],
  ["LINESTRING", "LINESTRING(0 0,1 2.5,-3 1e10)", stored(lineOf(...line))],
  ["POLYGON", "POLYGON((0 0,4 0,0 3,0 0))", stored(polygonOf(...triangle))],
  ["MULTIPOINT", "MULTIPOINT(1 2,3 4)", stored(shape(4, many(pointOf(1, 2), pointOf(3, 4))))],
  ["MULTILINESTRING", "MULTILINESTRING((0 0,1 2.5,-3 1e10))", stored(shape(5, many(lineOf(...line))))],
  ["MULTIPOLYGON", "MULTIPOLYGON(((0 0,4 0,0 3,0 0)))", stored(shape(6, many(polygonOf(...triangle))))],
  [
    "GEOMETRYCOLLECTION",
    "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 2.5,-3 1e10))",
    stored(shape(7, many(pointOf(1, 2), lineOf(...line))))
  ],
  ["GEOMETRY", "POINT(1 -2.5)", stored(pointOf(1, -2.5))]
]

/** A point with these coordinates, as servers keep it. */
export const storedPoint = (x: number, y: number): Uint8Array => stored(pointOf(x, y))

/** 32-bit floats, as MySQL keeps a VECTOR. */
export const vector = (...numbers: ReadonlyArray<number>): Uint8Array =>
  new Uint8Array(Float32Array.from(numbers).buffer)

// ---------------------------------------------------------------------------------------------------------------------
// every database

const texts = same(
  "",
  "a",
  "it's",
  '"',
  "\\",
  "\\'",
  "%_",
  "é",
  "日本",
  "😀👩‍👩‍👧",
  " padded ",
  "a\nb\r\nc\t",
  "\u0001\u007f\u0085\ufeff\ufffd\uffff",
  "\u{10ffff}",
  "?",
  ":name",
  "NULL",
  "0"
)

const onEvery = (charset: string): ReadonlyArray<Case> => [
  { title: "INTEGER", type: "INTEGER", values: same<number>(0, 1, -1, 127, 128, 2147483647, -2147483648) },
  { title: "SMALLINT", type: "SMALLINT", values: same<number>(0, -1, 32767, -32768) },
  {
    title: "BIGINT",
    type: "BIGINT",
    values: [
      ...same<number>(0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 32 - 1, -(2 ** 32)),
      ...same<number>(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
      [5n, 5],
      [-5n, -5]
    ]
  },
  {
    title: "BIGINT as bigint",
    type: "BIGINT",
    options: { integers: "bigint" },
    values: [[0, 0n], [-7, -7n], ...same(2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n))]
  },
  {
    title: "BIGINT as text",
    type: "BIGINT",
    options: { integers: "string" },
    values: [
      [0, "0"],
      [2n ** 53n + 1n, "9007199254740993"],
      [2n ** 63n - 1n, "9223372036854775807"],
      [-(2n ** 63n), "-9223372036854775808"]
    ]
  },
  {
    title: "DOUBLE",
    type: "DOUBLE",
    values: same<number>(
      0,
      3,
      -3,
      0.1,
      -1.5,
      1 / 3,
      1e300,
      -1e-300,
      5e-324,
      2.2250738585072014e-308,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      2 ** 53 + 2,
      0.30000000000000004
    )
  },
  {
    title: "DECIMAL(20,6)",
    type: "DECIMAL(20,6)",
    values: [
      [decimal("12345678.901234"), "12345678.901234"],
      [decimal("-0.1"), "-0.100000"],
      ["0.5", "0.500000"],
      [7, "7.000000"],
      [-2n, "-2.000000"],
      [decimal("0"), "0.000000"],
      [decimal("12e3"), "12000.000000"]
    ]
  },
  {
    title: "DECIMAL as BigDecimal",
    type: "DECIMAL(20,6)",
    options: { decimals: "BigDecimal" },
    values: [
      [decimal("12345678.901234"), decimal("12345678.901234")],
      [-5, decimal("-5")]
    ]
  },
  { title: "VARCHAR", type: `VARCHAR(100)${charset}`, values: texts },
  {
    title: "TEXT",
    type: `TEXT${charset}`,
    values: [...texts, ...same("x".repeat(250), "x".repeat(251), "é".repeat(30_000))]
  },
  { title: "CHAR", type: `CHAR(8)${charset}`, values: same("a", "12345678", "😀") },
  {
    title: "BLOB",
    type: "BLOB",
    values: [
      ...same(bytes(), bytes(0), bytes(0, 0, 1), allBytes, bytes(0xff, 0xfe, 0xfb)),
      ...same(new Uint8Array(250), new Uint8Array(251), new Uint8Array(60_000).fill(7)),
      [Buffer.from("é'\\"), bytes(0xc3, 0xa9, 0x27, 0x5c)],
      [allBytes.subarray(10, 13), bytes(10, 11, 12)]
    ]
  },
  { title: "VARBINARY", type: "VARBINARY(300)", values: same(bytes(), bytes(0), allBytes, bytes(0x20, 0x20)) },
  {
    title: "DATETIME",
    type: "DATETIME",
    values: [
      ...same(
        second,
        new Date("1000-01-01T00:00:00Z"),
        new Date("9999-12-31T23:59:59Z"),
        new Date("1969-12-31T00:00:00Z")
      ),
      ["2024-02-29 12:34:56", second]
    ]
  },
  {
    title: "DATETIME(3)",
    type: "DATETIME(3)",
    values: [
      ...same(
        moment,
        second,
        new Date("2024-03-31T02:30:00.001Z"),
        new Date("2024-10-27T01:30:00.999Z"),
        new Date(0),
        new Date("0001-01-01T00:00:00.001Z"),
        new Date("9999-12-31T23:59:59.999Z")
      ),
      [DateTime.unsafeMake(moment), moment],
      [DateTime.unsafeMakeZoned(moment, { timeZone: "Asia/Tokyo" }), moment],
      ["2024-02-29 12:34:56.789", moment]
    ]
  },
  {
    title: "DATETIME(3) as DateTime",
    type: "DATETIME(3)",
    options: { dateTimes: "DateTime" },
    values: [
      [moment, DateTime.unsafeMake(moment)],
      [DateTime.unsafeMakeZoned(moment, { timeZone: "Asia/Tokyo" }), DateTime.unsafeMake(moment)]
    ]
  },
  {
    title: "DATETIME(3) as text",
    type: "DATETIME(3)",
    options: { dateTimes: "string" },
    values: [
      [moment, "2024-02-29 12:34:56.789"],
      [second, "2024-02-29 12:34:56.000"]
    ]
  },
  {
    title: "DATETIME(6), which is text because a Date has no microseconds",
    type: "DATETIME(6)",
    values: same(
      "2024-02-29 12:34:56.123456",
      "2024-02-29 12:34:56.000000",
      "2024-02-29 00:00:00.000000",
      "1999-12-31 23:59:59.999999"
    )
  },
  { title: "DATE", type: "DATE", values: same("2024-02-29", "1000-01-01", "0001-01-01", "9999-12-31", "1970-01-01") },
  { title: "TIME", type: "TIME", values: same("00:00:00", "12:34:56", "23:59:59", "01:00:00") },
  { title: "BOOLEAN", type: "BOOLEAN", values: [[true, 1], [false, 0], ...same<number>(0, 1)] },
  {
    title: "BOOLEAN as boolean",
    type: "BOOLEAN",
    options: { booleans: "boolean" },
    values: [...same(true, false), [1, true], [0, false]]
  },
  { title: "TINYINT(1)", type: "TINYINT(1)", values: [[true, 1], [false, 0], ...same<number>(2, -1, 127, -128)] },
  {
    title: "TINYINT(1) as boolean",
    type: "TINYINT(1)",
    options: { booleans: "boolean" },
    values: [...same(true, false), [2, true], [-1, true]]
  },
  {
    title: "JSON",
    type: "JSON",
    values: [
      ...same<Value.Json>({}, [], [1, 2.5, -3e10, null, true, "é😀"], {
        a: { b: [{ c: 'it\'s "quoted" \\ \n \u0000' }] }
      }),
      ...same<Value.Json>([Number.MAX_SAFE_INTEGER, "9007199254740993"]),
      ["null", null],
      ['"text"', "text"],
      ["[1, 2]", [1, 2]]
    ]
  }
]

// ---------------------------------------------------------------------------------------------------------------------
// servers

const integers: ReadonlyArray<Case> = [
  { title: "TINYINT", type: "TINYINT(4)", options: { booleans: "boolean" }, values: same<number>(0, 1, -128, 127) },
  { title: "TINYINT UNSIGNED", type: "TINYINT UNSIGNED", values: same<number>(0, 128, 255) },
  { title: "SMALLINT UNSIGNED", type: "SMALLINT UNSIGNED", values: same<number>(0, 32768, 65535) },
  { title: "MEDIUMINT", type: "MEDIUMINT", values: same<number>(0, -1, 8388607, -8388608) },
  { title: "MEDIUMINT UNSIGNED", type: "MEDIUMINT UNSIGNED", values: same<number>(0, 16777215) },
  { title: "INTEGER UNSIGNED", type: "INTEGER UNSIGNED", values: same<number>(0, 2147483648, 4294967295) },
  {
    title: "INTEGER as bigint, which is a number still",
    type: "INTEGER",
    options: { integers: "bigint" },
    values: same<number>(5, -5)
  },
  { title: "BIGINT UNSIGNED", type: "BIGINT UNSIGNED", values: same<number>(0, 1, Number.MAX_SAFE_INTEGER) },
  {
    title: "BIGINT UNSIGNED as bigint",
    type: "BIGINT UNSIGNED",
    options: { integers: "bigint" },
    values: [[0, 0n], ...same(2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n)]
  },
  {
    title: "BIGINT UNSIGNED as text",
    type: "BIGINT UNSIGNED",
    options: { integers: "string" },
    values: [
      [2n ** 63n, "9223372036854775808"],
      [2n ** 64n - 1n, "18446744073709551615"]
    ]
  },
  { title: "TINYINT(3) ZEROFILL", type: "TINYINT(3) ZEROFILL", values: same<number>(0, 7, 255) },
  { title: "INTEGER(8) ZEROFILL", type: "INTEGER(8) ZEROFILL", values: same<number>(0, 42, 4294967295) },
  {
    title: "BIGINT(20) ZEROFILL as text, without the zeros that are for people",
    type: "BIGINT(20) ZEROFILL",
    options: { integers: "string" },
    values: [
      [0, "0"],
      [42, "42"],
      [2n ** 64n - 1n, "18446744073709551615"]
    ]
  },
  { title: "BIT(1)", type: "BIT(1)", values: [[true, 1], [false, 0], ...same<number>(1, 0)] },
  { title: "BIT(1) as boolean", type: "BIT(1)", options: { booleans: "boolean" }, values: same(true, false) },
  { title: "BIT(10)", type: "BIT(10)", values: same<number>(0, 1, 512, 1023) },
  { title: "BIT(53)", type: "BIT(53)", values: same<number>(0, 2 ** 52, Number.MAX_SAFE_INTEGER) },
  {
    title: "BIT(53) as bigint, which is a number still",
    type: "BIT(53)",
    options: { integers: "bigint" },
    values: same<number>(1, Number.MAX_SAFE_INTEGER)
  },
  { title: "BIT(64)", type: "BIT(64)", values: same<number>(0, Number.MAX_SAFE_INTEGER) },
  {
    title: "BIT(64) as bigint",
    type: "BIT(64)",
    options: { integers: "bigint" },
    values: same(1n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n)
  },
  {
    title: "BIT(64) as text",
    type: "BIT(64)",
    options: { integers: "string" },
    values: [[2n ** 64n - 1n, "18446744073709551615"]]
  },
  { title: "YEAR", type: "YEAR", values: same<number>(0, 1901, 2024, 2155) }
]

const numbersOf = (backend: Backend): ReadonlyArray<Case> => [
  {
    title: "FLOAT, as the shortest number that is the same float",
    type: "FLOAT",
    isCutInText: true,
    values: [
      ...same<number>(0.1, -0.1, 1.5, 16777216, 1.2345678, 0.3333333, 1e-30, 3.4e38, 123456.79, 4194304.5),
      ...same<number>(3.4028234663852886e38, -3.4028234663852886e38, 3.4028233e38, 1.1754944e-38, 1e-45),
      [16777217, 16777216],
      [0.1 + 0.2, 0.3]
    ]
  },
  { title: "FLOAT that is zero", type: "FLOAT", values: same<number>(0) },
  { title: "FLOAT(7,3)", type: "FLOAT(7,3)", values: [...same<number>(0, 1.5, -2.125, 9999.999), [0.0004, 0]] },
  { title: "FLOAT UNSIGNED", type: "FLOAT UNSIGNED", isCutInText: true, values: same<number>(0.1, 3.4e38) },
  { title: "DOUBLE(10,3)", type: "DOUBLE(10,3)", values: [...same<number>(0, 1.5, -9999999.999), [1.0004, 1]] },
  // MariaDB and SQLite know no negative zero.
  { title: "DOUBLE with a negative zero", type: "DOUBLE", values: [[-0, backend.name === "mysql" ? -0 : 0]] },
  {
    title: "DECIMAL beyond what a number holds",
    type: "DECIMAL(38,10)",
    values: [
      [decimal("1234567890123456789012345678.0123456789"), "1234567890123456789012345678.0123456789"],
      [decimal("-0.0000000001"), "-0.0000000001"],
      [2n ** 64n - 1n, "18446744073709551615.0000000000"],
      [-(2n ** 63n), "-9223372036854775808.0000000000"]
    ]
  },
  {
    title: "DECIMAL(65,0)",
    type: "DECIMAL(65,0)",
    values: [
      [decimal("9".repeat(65)), "9".repeat(65)],
      [decimal(`-${"9".repeat(65)}`), `-${"9".repeat(65)}`],
      ["1", "1"]
    ]
  },
  {
    title: "DECIMAL(65,30) as BigDecimal",
    type: "DECIMAL(65,30)",
    options: { decimals: "BigDecimal" },
    values: same(
      decimal(`${"9".repeat(35)}.${"9".repeat(30)}`),
      decimal("-0.000000000000000000000000000001"),
      decimal("0")
    )
  },
  { title: "DECIMAL(30,30)", type: "DECIMAL(30,30)", values: same(`0.${"9".repeat(30)}`, `-0.${"0".repeat(29)}1`) },
  { title: "DECIMAL UNSIGNED", type: "DECIMAL(5,2) UNSIGNED", values: same("999.99", "0.00") },
  {
    title: "DECIMAL ZEROFILL, which is the same decimal",
    type: "DECIMAL(10,2) ZEROFILL",
    options: { decimals: "BigDecimal" },
    values: same(decimal("12.5"), decimal("0"))
  }
]

const datesOf = (backend: Backend): ReadonlyArray<Case> => [
  {
    title: "TIMESTAMP",
    type: "TIMESTAMP NULL",
    values: same(second, new Date("2038-01-19T03:14:07Z"), new Date("1970-01-01T00:00:01Z"))
  },
  { title: "TIMESTAMP(3)", type: "TIMESTAMP(3) NULL", values: same(moment, new Date("2024-03-31T02:30:00.001Z")) },
  {
    title: "TIMESTAMP(6)",
    type: "TIMESTAMP(6) NULL",
    values: same("2024-02-29 12:34:56.123456", "2024-02-29 12:34:56.000000")
  },
  {
    title: "TIMESTAMP as DateTime",
    type: "TIMESTAMP NULL",
    options: { dateTimes: "DateTime" },
    values: [[second, DateTime.unsafeMake(second)]]
  },
  {
    title: "TIMESTAMP(1) as text",
    type: "TIMESTAMP(1) NULL",
    options: { dateTimes: "string" },
    values: [[second, "2024-02-29 12:34:56.0"]]
  },
  { title: "DATETIME(1)", type: "DATETIME(1)", values: same(new Date("2024-02-29T12:34:56.700Z")) },
  { title: "DATETIME(2)", type: "DATETIME(2)", values: same(new Date("2024-02-29T12:34:56.780Z")) },
  {
    title: "DATETIME(4)",
    type: "DATETIME(4)",
    values: [
      ["2024-02-29 12:34:56.7891", "2024-02-29 12:34:56.7891"],
      [moment, "2024-02-29 12:34:56.7890"]
    ]
  },
  { title: "DATETIME(5)", type: "DATETIME(5)", values: same("2024-02-29 12:34:56.78912") },
  {
    title: "DATETIME as text",
    type: "DATETIME",
    options: { dateTimes: "string" },
    values: [
      [second, "2024-02-29 12:34:56"],
      ["2024-02-29", "2024-02-29 00:00:00"]
    ]
  },
  {
    title: "DATETIME(6) from a Date",
    type: "DATETIME(6)",
    options: { dateTimes: "DateTime" },
    values: [[moment, "2024-02-29 12:34:56.789000"]]
  },
  {
    title: "DATETIME from a Date with milliseconds, which MySQL rounds and MariaDB cuts off",
    type: "DATETIME",
    values: [
      [moment, backend.name === "mysql" ? new Date("2024-02-29T12:34:57Z") : second],
      [new Date("2024-02-29T12:34:56.499Z"), second]
    ]
  },
  { title: "DATE from a Date", type: "DATE", values: [[new Date("2024-02-29T00:00:00Z"), "2024-02-29"]] },
  {
    title: "DATETIME(3) of the first years",
    type: "DATETIME(3)",
    values: same(
      new Date("0000-01-01T00:00:00Z"),
      new Date("0099-12-31T00:00:00Z"),
      new Date("0001-01-01T00:00:00Z"),
      new Date("0100-02-28T23:59:59.999Z")
    )
  },
  {
    title: "TIME over a day and below zero",
    type: "TIME",
    values: same("838:59:59", "-838:59:59", "-00:00:01", "100:00:00", "24:00:00")
  },
  { title: "TIME(1)", type: "TIME(1)", values: same("00:00:00.0", "-100:00:00.5") },
  { title: "TIME(3)", type: "TIME(3)", values: same("00:00:00.000", "12:34:56.789", "-00:00:00.001") },
  { title: "TIME(4)", type: "TIME(4)", values: same("12:34:56.7891") },
  {
    title: "TIME(6)",
    type: "TIME(6)",
    values: same("00:00:00.000000", "12:34:56.000001", "-100:00:00.500000", "838:59:58.999999")
  }
]

const textsOf = (backend: Backend): ReadonlyArray<Case> => [
  { title: "TINYTEXT", type: "TINYTEXT CHARACTER SET utf8mb4", values: same("", "é".repeat(127)) },
  { title: "MEDIUMTEXT", type: "MEDIUMTEXT CHARACTER SET utf8mb4", values: same("", "a".repeat(70_000)) },
  { title: "LONGTEXT", type: "LONGTEXT CHARACTER SET utf8mb4", values: same("", "😀".repeat(20_000)) },
  { title: "TEXT with a NUL", type: "TEXT CHARACTER SET utf8mb4", values: same("\0", "a\0b", "\0\0") },
  { title: "VARCHAR of a binary collation", type: "VARCHAR(9) COLLATE utf8mb4_bin", values: same("é", "É", "a ") },
  {
    title: "VARCHAR of the server's newest collation",
    type: `VARCHAR(9) COLLATE ${backend.name === "mysql" ? "utf8mb4_0900_ai_ci" : "uca1400_ai_ci"}`,
    values: same("é", "😀")
  },
  {
    title: "TEXT of another character set",
    type: "VARCHAR(20) CHARACTER SET latin1",
    values: same("é", "plain", "£ä", "€")
  },
  { title: "VARCHAR in utf16", type: "VARCHAR(20) CHARACTER SET utf16", values: same("", "aé日😀", "\u{10ffff}") },
  { title: "CHAR in utf32", type: "CHAR(20) CHARACTER SET utf32", values: same("", "aé日😀") },
  { title: "TEXT in ucs2", type: "TEXT CHARACTER SET ucs2", values: same("", "aé日") },
  { title: "VARCHAR in utf8mb3", type: "VARCHAR(20) CHARACTER SET utf8mb3", values: same("aé日") },
  { title: "VARCHAR in cp1251", type: "VARCHAR(20) CHARACTER SET cp1251", values: same("Привет") },
  { title: "VARCHAR in gbk", type: "VARCHAR(20) CHARACTER SET gbk", values: same("中文\\'") },
  { title: "VARCHAR in sjis", type: "VARCHAR(20) CHARACTER SET sjis", values: same("表示'") },
  {
    title: "ENUM",
    type: "ENUM('a', 'é', 'it''s', '😀') CHARACTER SET utf8mb4",
    values: same("a", "é", "it's", "😀")
  },
  { title: "ENUM in latin1", type: "ENUM('a', 'é') CHARACTER SET latin1", values: [...same("a", "é"), [2, "é"]] },
  { title: "SET", type: "SET('x', 'y', 'z')", values: [...same("", "x", "x,z", "x,y,z"), [5, "x,z"]] },
  { title: "SET in utf16", type: "SET('é', '日') CHARACTER SET utf16", values: same("", "é,日") }
]

const bytesOf = (): ReadonlyArray<Case> => [
  { title: "BINARY", type: "BINARY(4)", values: same(bytes(1, 2, 3, 4), bytes(0, 0, 0, 0), bytes(255, 0, 255, 0)) },
  { title: "TINYBLOB", type: "TINYBLOB", values: same(bytes(), allBytes.subarray(1)) },
  { title: "MEDIUMBLOB", type: "MEDIUMBLOB", values: same(bytes(), new Uint8Array(70_000).fill(0xfb)) },
  { title: "LONGBLOB", type: "LONGBLOB", values: same(bytes(), new Uint8Array(0x10000)) },
  {
    title: "VARCHAR of the character set binary",
    type: "VARCHAR(9) CHARACTER SET binary",
    values: same(bytes(0, 255))
  },
  { title: "TEXT of the character set binary", type: "TEXT CHARACTER SET binary", values: same(bytes(0, 255)) },
  ...geometries.map(
    ([type, text, read]): Case => ({ title: type, type, expression: "ST_GeomFromText(?)", values: [[text, read]] })
  ),
  {
    title: "GEOMETRY from its bytes",
    type: "GEOMETRY",
    values: same(...geometries.map(([, , read]) => read))
  }
]

const onMysql: ReadonlyArray<Case> = [
  {
    title: "VECTOR",
    type: "VECTOR(3)",
    values: same(vector(1, -2.5, 3.4e38), vector(0, 0, 1e-45))
  },
  {
    title: "VECTOR from text",
    type: "VECTOR(4)",
    expression: "TO_VECTOR(?)",
    values: [["[1,2,0.5]", vector(1, 2, 0.5)]]
  },
  {
    title: "JSON with values of MySQL's own types",
    type: "JSON",
    expression: "JSON_ARRAY(CAST(? AS DECIMAL(10,2)), TRUE, DATE'2024-02-29', NULL, 1e100)",
    values: [["1.50", [1.5, true, "2024-02-29", null, 1e100]]]
  }
]

const onMariadb: ReadonlyArray<Case> = [
  {
    title: "UUID",
    type: "UUID",
    values: [
      ...same("123e4567-e89b-12d3-a456-426655440000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
      ["123E4567E89B12D3A456426655440000", "123e4567-e89b-12d3-a456-426655440000"]
    ]
  },
  { title: "INET4", type: "INET4", values: same("0.0.0.0", "192.168.1.255") },
  { title: "INET6", type: "INET6", values: same("::", "2001:db8::ff00:42:8329", "::ffff:192.0.2.128") }
]

// ---------------------------------------------------------------------------------------------------------------------
// SQLite

const onSqlite: ReadonlyArray<Case> = [
  { title: "INT of any name", type: "UNSIGNED BIG INT", options: { integers: "bigint" }, values: same(0n, 2n ** 62n) },
  { title: "REAL", type: "REAL", values: same<number>(0.1, -1e300, 5, Number.MAX_VALUE) },
  { title: "FLOAT, which has 64 bits", type: "FLOAT", values: same<number>(0.1, 1.2345678901234567) },
  {
    title: "NUMERIC(12,3)",
    type: "NUMERIC(12,3)",
    values: [
      [decimal("1.5"), "1.500"],
      [7, "7.000"],
      [decimal("123456789.123"), "123456789.123"],
      [2n ** 53n + 1n, "9007199254740993.000"],
      [decimal("1000000000000.5"), "1000000000000.500"],
      [1e20, "100000000000000000000.000"],
      [decimal("0.0005"), "0.001"],
      [decimal("-0.0004"), "0.000"]
    ]
  },
  {
    title: "DECIMAL without a declared number of digits",
    type: "DECIMAL",
    values: [
      [decimal("1.50"), "1.5"],
      [decimal("0.0000001"), "0.0000001"],
      [7, "7"],
      [decimal("-123456789012.345"), "-123456789012.345"]
    ]
  },
  {
    title: "DECIMAL that is declared as TEXT, which keeps all digits",
    type: "TEXT",
    values: [[decimal(`${"9".repeat(35)}.${"9".repeat(30)}`), `${"9".repeat(35)}.${"9".repeat(30)}`]]
  },
  {
    title: "a column without a type, whose values are by storage class",
    type: "",
    options: { integers: "bigint" },
    values: [
      ...same<Value.Parameter>("a", 1.5, 2n ** 62n, bytes(0, 255)),
      [true, 1n],
      [moment, "2024-02-29 12:34:56.789"]
    ]
  },
  { title: "TIMESTAMP", type: "TIMESTAMP", values: same(moment, second) },
  { title: "DATETIME keeps the milliseconds that it does not declare", type: "DATETIME", values: same(moment) },
  { title: "TEXT that was stored as bytes", type: "TEXT", values: [[Buffer.from("é"), "é"]] }
]

export const casesOf = (backend: Backend): ReadonlyArray<Case> => {
  if (!backend.isServer) return [...onEvery(""), ...onSqlite]
  return [
    ...onEvery(" CHARACTER SET utf8mb4"),
    ...integers,
    ...numbersOf(backend),
    ...datesOf(backend),
    ...textsOf(backend),
    ...bytesOf(),
    ...(backend.name === "mysql" ? onMysql : onMariadb)
  ]
}

// ---------------------------------------------------------------------------------------------------------------------
// parameters

/** An object of a class of the program's own. */
export class Celsius {
  constructor(readonly degrees: number) {}
  [Value.toParameter](): Value.Parameter {
    return this.degrees
  }
}

/** Every kind of parameter, the column that it goes into, and what is read there. */
export const parameters: ReadonlyArray<readonly [title: string, type: string, bound: Value.Parameter, read: unknown]> =
  [
    ["true", "BOOLEAN", true, 1],
    ["false", "BOOLEAN", false, 0],
    ["a number", "BIGINT", 5, 5],
    ["a fraction", "DOUBLE", 0.25, 0.25],
    ["a bigint", "BIGINT", 5n, 5],
    ["a string", "VARCHAR(50)", "it's", "it's"],
    ["a Date", "DATETIME(3)", moment, moment],
    ["a DateTime", "DATETIME(3)", DateTime.unsafeMake(moment), moment],
    ["a zoned DateTime", "DATETIME(3)", DateTime.unsafeMakeZoned(moment, { timeZone: "America/New_York" }), moment],
    ["a BigDecimal", "DECIMAL(20,6)", decimal("1.25"), "1.250000"],
    ["a Uint8Array", "BLOB", bytes(0, 1, 255), bytes(0, 1, 255)],
    ["a Buffer", "BLOB", Buffer.from([0, 1, 255]), bytes(0, 1, 255)],
    ["an Option of a value", "BIGINT", Option.some(7), 7],
    ["an Option of a Date", "DATETIME(3)", Option.some(moment), moment],
    ["no Option", "BIGINT", Option.none(), null],
    ["a Redacted", "VARCHAR(50)", Redacted.make("hidden"), "hidden"],
    ["Redacted bytes", "BLOB", Redacted.make(bytes(1)), bytes(1)],
    ["an object", "JSON", { a: [1, null] }, { a: [1, null] }],
    ["an array", "JSON", ["x", { y: 2 }], ["x", { y: 2 }]],
    ["an object of a class", "DOUBLE", new Celsius(-40.5), -40.5],
    ["an Option of such an object", "DOUBLE", Option.some(new Celsius(0.5)), 0.5],
    ["null", "VARCHAR(50)", null, null]
  ]

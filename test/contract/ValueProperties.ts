// Random values of every type, by every way into a table and out of it again.
import { describe, expect } from "@effect/vitest"
import { BigDecimal, Effect, FastCheck, Runtime, Stream } from "effect"
import { Engine, Statement, Value } from "effect-sa"
import { shortestFloat } from "effect-sa/ValueReader"
import { type Backend, table, withEngine } from "../support/Backend.js"
import { type Options, plain, storedPoint } from "./ValueCases.js"
import { executed, streamed, valueOf, waysOf } from "./ValueWays.js"

/** Runs a property with the engine of the test. */
export const property = <A>(
  arbitrary: FastCheck.Arbitrary<A>,
  body: (value: A) => Effect.Effect<void, unknown, Engine.Engine>,
  numRuns = 60
): Effect.Effect<void, never, Engine.Engine> =>
  Effect.flatMap(Effect.runtime<Engine.Engine>(), (runtime) =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(arbitrary, (value) => Runtime.runPromise(runtime)(body(value))),
        { numRuns }
      )
    )
  )

// ---------------------------------------------------------------------------------------------------------------------
// kinds of values

/** A kind of random values: the column, and what is read for what is bound. */
export interface Kind {
  readonly title: string
  readonly type: string
  readonly options?: Options
  readonly arbitrary: FastCheck.Arbitrary<readonly [bound: Value.Parameter, read: unknown]>
  /** The text protocol has too little of it, so that reading it fails. */
  readonly isCutInText?: boolean
  /** A file has no form of it. */
  readonly isNotLoaded?: boolean
}

const pair = <A extends Value.Parameter>(arbitrary: FastCheck.Arbitrary<A>): Kind["arbitrary"] =>
  arbitrary.map((value) => [value, value] as const)

/** What has a meaning to some part on the way. */
export const delicate = FastCheck.array(
  FastCheck.constantFrom(
    "'",
    '"',
    "\\",
    "`",
    "\n",
    "\r",
    "\t",
    "%",
    "_",
    "?",
    ":a",
    "@x",
    "#",
    "-- ",
    "/*",
    "*/",
    ";",
    "😀",
    "é",
    "\ufeff",
    "\ufffd",
    "\u{10ffff}",
    "\u200b",
    "\x1a",
    "NULL",
    " "
  ),
  { maxLength: 20 }
).map((parts) => parts.join(""))

const someText = FastCheck.oneof(FastCheck.string({ unit: "binary", maxLength: 60 }), delicate)

const digits = (count: number, value: number): string => String(value).padStart(count, "0")

const dateBetween = (min: string, max: string): FastCheck.Arbitrary<Date> =>
  FastCheck.date({ min: new Date(min), max: new Date(max), noInvalidDate: true })

const anyDate = dateBetween("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z")

const wholeSeconds = (date: Date): Date => new Date(Math.floor(date.getTime() / 1000) * 1000)

const decimals = (precision: number, scale: number): Kind["arbitrary"] =>
  FastCheck.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }).map((value) => {
    const decimal = BigDecimal.make(value, scale)
    const sign = value < 0n ? "-" : ""
    const all = String(value < 0n ? -value : value).padStart(scale + 1, "0")
    return [decimal, `${sign}${all.slice(0, all.length - scale)}${scale > 0 ? `.${all.slice(-scale)}` : ""}`] as const
  })

const kindsOnEvery = (backend: Backend): ReadonlyArray<Kind> => [
  {
    title: "strings",
    type: backend.isServer ? "TEXT CHARACTER SET utf8mb4" : "TEXT",
    // An embedded database may refuse text with a NUL: that is tested with its driver.
    arbitrary: pair(someText.map((text) => (backend.isServer ? text : text.replaceAll("\0", "0"))))
  },
  {
    title: "numbers",
    type: "DOUBLE",
    // MariaDB and SQLite write a negative zero as zero.
    arbitrary: pair(
      FastCheck.double({ noNaN: true, noDefaultInfinity: true }).map((value) =>
        backend.name === "mysql" ? value : value + 0
      )
    )
  },
  { title: "integers", type: "BIGINT", arbitrary: pair(FastCheck.maxSafeInteger()) },
  {
    title: "bigints",
    type: "BIGINT",
    options: { integers: "bigint" },
    arbitrary: pair(FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
  },
  { title: "decimals", type: "DECIMAL(20,6)", arbitrary: decimals(backend.isServer ? 20 : 15, 6) },
  { title: "booleans", type: "BOOLEAN", options: { booleans: "boolean" }, arbitrary: pair(FastCheck.boolean()) },
  { title: "bytes", type: "BLOB", arbitrary: pair(FastCheck.uint8Array({ maxLength: 400 })) },
  {
    title: "JSON",
    type: "JSON",
    arbitrary: FastCheck.oneof(
      FastCheck.array(FastCheck.jsonValue({ maxDepth: 3 }), { maxLength: 4 }),
      FastCheck.dictionary(FastCheck.string({ maxLength: 8 }), FastCheck.jsonValue({ maxDepth: 3 }), {
        maxKeys: 4,
        noNullPrototype: true
      })
    ).map((value) => [value as Value.Json, JSON.parse(JSON.stringify(value))] as const)
  },
  { title: "dates", type: "DATETIME(3)", arbitrary: pair(anyDate) },
  {
    title: "dates with microseconds",
    type: "DATETIME(6)",
    arbitrary: pair(
      FastCheck.tuple(anyDate, FastCheck.integer({ min: 0, max: 999 })).map(
        ([date, micros]) => `${Value.formatDateTime(date)}${digits(3, micros)}`
      )
    )
  },
  { title: "days", type: "DATE", arbitrary: pair(anyDate.map((date) => date.toISOString().slice(0, 10))) }
]

/** A whole number of so many bits. */
const whole = (type: string, bits: number, unsigned: boolean): Kind => ({
  title: `${type} values`,
  type,
  arbitrary: pair(
    FastCheck.integer(unsigned ? { min: 0, max: 2 ** bits - 1 } : { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
  )
})

const kindsOnServers: ReadonlyArray<Kind> = [
  whole("TINYINT", 8, false),
  whole("SMALLINT UNSIGNED", 16, true),
  whole("MEDIUMINT", 24, false),
  whole("INTEGER UNSIGNED", 32, true),
  {
    title: "unsigned bigints",
    type: "BIGINT UNSIGNED",
    options: { integers: "bigint" },
    arbitrary: pair(FastCheck.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  },
  {
    title: "zero-filled integers as text",
    type: "BIGINT(20) ZEROFILL",
    options: { integers: "string" },
    arbitrary: FastCheck.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => [value, String(value)] as const)
  },
  {
    title: "floats",
    type: "FLOAT",
    isCutInText: true,
    arbitrary: FastCheck.float({ noNaN: true, noDefaultInfinity: true })
      // A zero can be told from its text; MariaDB keeps no sign of it.
      .filter((value) => value !== 0)
      .map((value) => [value, shortestFloat(value)] as const)
  },
  { title: "decimals of 65 digits", type: "DECIMAL(65,30)", arbitrary: decimals(65, 30) },
  { title: "large whole decimals", type: "DECIMAL(65,0)", arbitrary: decimals(65, 0) },
  {
    title: "bit fields",
    type: "BIT(64)",
    options: { integers: "bigint" },
    isNotLoaded: true,
    arbitrary: pair(FastCheck.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  },
  {
    title: "short bit fields",
    type: "BIT(17)",
    isNotLoaded: true,
    arbitrary: pair(FastCheck.integer({ min: 0, max: 2 ** 17 - 1 }))
  },
  { title: "years", type: "YEAR", arbitrary: pair(FastCheck.integer({ min: 1901, max: 2155 })) },
  {
    title: "times",
    type: "TIME(6)",
    arbitrary: pair(
      FastCheck.tuple(
        FastCheck.boolean(),
        FastCheck.integer({ min: 0, max: 838 }),
        FastCheck.integer({ min: 0, max: 59 }),
        FastCheck.integer({ min: 0, max: 59 }),
        FastCheck.integer({ min: 1, max: 999_999 })
      )
        .filter(([, hour, minute, second]) => hour < 838 || minute < 59 || second < 59)
        .map(
          ([negative, hour, minute, second, micros]) =>
            `${negative ? "-" : ""}${digits(2, hour)}:${digits(2, minute)}:${digits(2, second)}.${digits(6, micros)}`
        )
    )
  },
  { title: "dates of whole seconds", type: "DATETIME", arbitrary: pair(anyDate.map(wholeSeconds)) },
  {
    title: "timestamps",
    type: "TIMESTAMP(3) NULL",
    arbitrary: pair(dateBetween("1970-01-01T00:00:01Z", "2038-01-19T03:14:07.999Z"))
  },
  {
    title: "strings in latin1",
    type: "TEXT CHARACTER SET latin1",
    arbitrary: pair(
      FastCheck.array(FastCheck.constantFrom(..." aZ'\"\\%_?~¡£äÿ€"), { maxLength: 40 }).map((all) => all.join(""))
    )
  },
  { title: "strings in utf16", type: "TEXT CHARACTER SET utf16", arbitrary: pair(someText) },
  {
    title: "members of an ENUM",
    type: "ENUM('a', 'it''s', 'é', '😀') CHARACTER SET utf8mb4",
    arbitrary: pair(FastCheck.constantFrom("a", "it's", "é", "😀"))
  },
  {
    title: "members of a SET",
    type: "SET('a', 'it''s', 'é', '😀') CHARACTER SET utf8mb4",
    arbitrary: pair(FastCheck.subarray(["a", "it's", "é", "😀"]).map((members) => members.join(",")))
  },
  {
    title: "points",
    type: "POINT",
    arbitrary: pair(
      FastCheck.tuple(
        FastCheck.double({ noNaN: true, noDefaultInfinity: true }),
        FastCheck.double({ noNaN: true, noDefaultInfinity: true })
      ).map(([x, y]) => storedPoint(x, y))
    )
  }
]

const kindsOnMysql: ReadonlyArray<Kind> = [
  {
    title: "vectors",
    type: "VECTOR(8)",
    arbitrary: pair(
      FastCheck.array(FastCheck.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 8 }).map(
        (numbers) => new Uint8Array(Float32Array.from(numbers).buffer)
      )
    )
  }
]

const kindsOnMariadb: ReadonlyArray<Kind> = [
  { title: "UUIDs", type: "UUID", arbitrary: pair(FastCheck.uuid()) },
  { title: "IPv4 addresses", type: "INET4", arbitrary: pair(FastCheck.ipV4()) },
  {
    title: "IPv6 addresses",
    type: "INET6",
    arbitrary: pair(
      FastCheck.array(FastCheck.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 }).map((groups) =>
        groups.map((group) => group.toString(16)).join(":")
      )
    )
  }
]

export const kindsOf = (backend: Backend): ReadonlyArray<Kind> => [
  ...kindsOnEvery(backend),
  ...(backend.isServer ? kindsOnServers : []),
  ...(backend.name === "mysql" ? kindsOnMysql : []),
  ...(backend.name === "mariadb" ? kindsOnMariadb : [])
]

// ---------------------------------------------------------------------------------------------------------------------
// files

/** A bound value as it stands in a file, with what has a meaning there escaped. */
const inFile = (bound: Value.BoundValue): Buffer => {
  if (bound === null) return Buffer.from("\\N")
  if (bound instanceof Uint8Array) return Buffer.from(escaped(Buffer.from(bound).toString("latin1")), "latin1")
  if (bound instanceof Date) return Buffer.from(Value.formatDateTime(bound))
  return Buffer.from(escaped(BigDecimal.isBigDecimal(bound) ? Value.formatDecimal(bound) : asDigits(bound)))
}

const asDigits = (value: string | number | bigint): string => (Object.is(value, -0) ? "-0" : String(value))

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0" }

const escaped = (text: string): string => text.replaceAll(/[\\\t\n\0]/g, (char) => escapes[char] ?? char)

const boundOf = (value: Value.Parameter): Value.BoundValue => {
  const bound = Value.bind(value, "value")
  if (bound !== null && typeof bound === "object" && "_tag" in bound && bound._tag === "ArgumentError") throw bound
  return bound as Value.BoundValue
}

const load = (t: string, values: ReadonlyArray<Value.Parameter>) => {
  const bound = values.map(boundOf)
  const charset = bound.some((value) => value instanceof Uint8Array) ? "binary" : "utf8mb4"
  const lines = bound.map((value, id) => Buffer.concat([Buffer.from(`${id}\t`), inFile(value), Buffer.from("\n")]))
  return Engine.execute(
    Statement.loadData(
      `LOAD DATA LOCAL INFILE 'values' INTO TABLE ${t} CHARACTER SET ${charset} (id, v)`,
      Stream.fromIterable(lines)
    )
  )
}

// ---------------------------------------------------------------------------------------------------------------------

const values = (kind: Kind, maxLength: number) => FastCheck.array(kind.arbitrary, { minLength: 1, maxLength })

/** What is read for NULL, and for these. */
const readsOf = (pairs: ReadonlyArray<readonly [unknown, unknown]>): ReadonlyArray<unknown> =>
  pairs.map(([, read]) => plain(read))

export const valuePropertiesContract = (backend: Backend): void => {
  describe("Random values", () => {
    for (const kind of kindsOf(backend)) {
      const { title, type, options, isCutInText = false, isNotLoaded = false } = kind
      const columns = `id INTEGER PRIMARY KEY, v ${type}`

      withEngine(
        backend,
        `${title} come back equal from execute and stream`,
        () =>
          Effect.gen(function* () {
            const t = yield* table(columns)
            const ways = waysOf(backend, t, options).filter(({ isText }) => !isText || !isCutInText)
            yield* property(
              values(kind, 12),
              (pairs) =>
                Effect.gen(function* () {
                  yield* Engine.execute(`DELETE FROM ${t}`)
                  for (const [id, [bound]] of pairs.entries())
                    yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [id, bound])
                  for (const { name, read } of ways)
                    expect([name, (yield* read).map(plain)]).toStrictEqual([name, readsOf(pairs)])
                }),
              8
            )
          }),
        { maxSize: 2 },
        60_000
      )

      withEngine(
        backend,
        `${title} come back equal from executemany`,
        () =>
          Effect.gen(function* () {
            const t = yield* table(columns)
            yield* property(
              FastCheck.array(kind.arbitrary, { maxLength: 60 }),
              (pairs) =>
                Effect.gen(function* () {
                  yield* Engine.execute(`DELETE FROM ${t}`)
                  const { rowCount } = yield* Engine.execute(
                    `INSERT INTO ${t} VALUES (?, ?)`,
                    pairs.map(([bound], id) => [id, bound])
                  )
                  expect(rowCount).toBe(pairs.length)
                  const found = yield* streamed(`SELECT v FROM ${t} ORDER BY id`, undefined, options)
                  expect(found.map(plain)).toStrictEqual(readsOf(pairs))
                }),
              6
            )
          }),
        {},
        60_000
      )

      withEngine(
        backend,
        `${title} as literals are what they are as parameters`,
        () =>
          Effect.gen(function* () {
            const t = yield* table(columns)
            const { pool } = yield* Engine.Engine
            yield* property(
              values(kind, 12),
              (pairs) =>
                Effect.gen(function* () {
                  yield* Engine.execute(`DELETE FROM ${t}`)
                  for (const [id, [bound]] of pairs.entries()) {
                    const literal = yield* pool.use((connection) => connection.literal(bound))
                    yield* Engine.execute(`INSERT INTO ${t} VALUES (${id}, ${literal})`)
                  }
                  const found = yield* executed(`SELECT v FROM ${t} ORDER BY id`, undefined, options)
                  expect(found.map(plain)).toStrictEqual(readsOf(pairs))
                }),
              8
            )
          }),
        {},
        60_000
      )

      if (backend.isServer && !isNotLoaded) {
        withEngine(
          backend,
          `${title} come back equal from LOAD DATA`,
          () =>
            Effect.gen(function* () {
              const t = yield* table(columns)
              yield* property(
                values(kind, 60),
                (pairs) =>
                  Effect.gen(function* () {
                    yield* Engine.execute(`DELETE FROM ${t}`)
                    const loaded = yield* load(
                      t,
                      pairs.map(([bound]) => bound)
                    )
                    expect(loaded.rowCount).toBe(pairs.length)
                    const found = yield* executed(`SELECT v FROM ${t} ORDER BY id`, undefined, options)
                    expect(found.map(plain)).toStrictEqual(readsOf(pairs))
                  }),
                6
              )
            }),
          { localInfile: true },
          60_000
        )
      }
    }

    withEngine(backend, "an integer comes back exactly, or fails by the name of its column", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, v BIGINT")
        let id = 0
        yield* property(FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) =>
          Effect.gen(function* () {
            yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [++id, value])
            const read = yield* Effect.either(valueOf(t, id))
            if (Number.isSafeInteger(Number(value))) expect(read).toMatchObject({ right: Number(value) })
            else
              expect(read).toMatchObject({
                left: { _tag: "DataError", reason: "UnsafeInteger", message: expect.stringContaining('column "v"') }
              })
          })
        )
      })
    )

    withEngine(backend, "any string is stored as it is, or refused before anything is sent where it is no text", () =>
      Effect.gen(function* () {
        const t = yield* table(`id INTEGER PRIMARY KEY, v TEXT ${backend.isServer ? "CHARACTER SET utf8mb4" : ""}`)
        let id = 0
        const units = FastCheck.oneof(
          FastCheck.integer({ min: 1, max: 0xffff }),
          FastCheck.integer({ min: 0xd800, max: 0xdfff })
        )
        yield* property(
          FastCheck.array(units, { maxLength: 12 }).map((codes) => String.fromCharCode(...codes)),
          (text) =>
            Effect.gen(function* () {
              const stored = yield* Effect.either(Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [++id, text]))
              if (text.isWellFormed()) expect(yield* valueOf(t, id)).toBe(text)
              else {
                expect(stored).toMatchObject({ left: { _tag: "ArgumentError", argument: "parameters[1]" } })
                expect(yield* executed(`SELECT v FROM ${t} WHERE id = ?`, [id])).toEqual([])
              }
            }),
          120
        )
      })
    )

    withEngine(
      backend,
      "Rows with any of their columns NULL come back whole",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, a VARCHAR(50), b DOUBLE, c BLOB, d BIGINT")
          const row = FastCheck.tuple(
            FastCheck.option(FastCheck.string({ maxLength: 20 }).map((text) => text.replaceAll("\0", ""))),
            FastCheck.option(FastCheck.integer().map((n) => n / 8)),
            FastCheck.option(FastCheck.uint8Array({ maxLength: 10 })),
            FastCheck.option(FastCheck.integer())
          )
          yield* property(
            FastCheck.array(row, { minLength: 1, maxLength: 20 }),
            (rows) =>
              Effect.gen(function* () {
                yield* Engine.execute(`DELETE FROM ${t}`)
                yield* Engine.execute(
                  `INSERT INTO ${t} VALUES (?, ?, ?, ?, ?)`,
                  rows.map((values, id) => [id, ...values])
                )
                const result = yield* Engine.execute(`SELECT a, b, c, d FROM ${t} ORDER BY id`)
                expect(result.rows.map((found) => [...found])).toStrictEqual(rows)
              }),
            12
          )
        }),
      {},
      60_000
    )
  })
}

// Cases for executemany: in however few commands it goes to the database, it leaves and says what executing the statement
// for each set by itself does.
import { createHash } from "node:crypto"
import { describe, expect } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Either, FastCheck, Option, Redacted, Runtime, type Scope } from "effect"
import { Cursor, Engine, type Errors, type Value } from "effect-sa"
import { isPlainObject } from "effect-sa/Value"
import { type Backend, table, withEngine } from "../support/Backend.js"
import { observer } from "../support/observer.js"

type Set = ReadonlyArray<Value.Parameter>
type Rows = ReadonlyArray<ReadonlyArray<unknown>>
type Body = Effect.Effect<void, unknown, Engine.Engine | Scope.Scope>

/** Every value as it is: no integer is too large for it. */
const rowsOf = (sql: string): Effect.Effect<Rows, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(Engine.execute(sql, undefined, { integers: "string" }), ({ rows }) => rows.map((row) => [...row]))

/** Rows whose numbers are small. */
const valuesOf = (sql: string): Effect.Effect<Rows, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(Engine.execute(sql), ({ rows }) => rows.map((row) => [...row].map(asNumber)))

/** A sum is a decimal on servers, and a decimal is text. */
const asNumber = (value: unknown): unknown => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value)

interface OneByOne {
  readonly count: number
  readonly warnings: number
  readonly rows: Rows
  /** What the first set to fail failed with, and which one that was. */
  readonly failed: { readonly error: Errors.ExecuteError; readonly place: number } | undefined
}

/** What executemany promises, in the plainest way. */
const oneByOne = (sql: string, sets: ReadonlyArray<Set>): Effect.Effect<OneByOne, never, Engine.Engine> =>
  Effect.gen(function* () {
    let count = 0
    let warnings = 0
    const rows: Array<ReadonlyArray<unknown>> = []
    for (const [place, set] of sets.entries()) {
      // As the one set that it is: arrays among its values are JSON.
      const executed = yield* Effect.either(Engine.execute(sql, [set]))
      if (Either.isLeft(executed)) return { count, warnings, rows, failed: { error: executed.left, place } }
      count += executed.right.rowCount
      warnings += executed.right.warningCount
      rows.push(...executed.right.rows.map((row) => [...row]))
    }
    return { count, warnings, rows, failed: undefined }
  })

/** What says which error it is; the words may tell of another row. */
const kindOf = (error: Errors.ExecuteError): unknown => ({
  tag: error._tag,
  reason: "reason" in error ? error.reason : undefined,
  errno: "errno" in error ? error.errno : undefined
})

const placeOf = (error: Errors.ExecuteError): number | undefined =>
  "parameterSet" in error ? error.parameterSet : undefined

// ---------------------------------------------------------------------------------------------------------------------
// values

const arbitrary = FastCheck

const pieces = arbitrary.array(
  arbitrary.constantFrom(
    "a",
    "B",
    "7",
    " ",
    "é",
    "€",
    "😀",
    "\0",
    "\\",
    "'",
    '"',
    "`",
    "\n",
    "%",
    "--",
    "?",
    ";",
    "\u001a"
  ),
  { maxLength: 12 }
)

/** Around the lengths at which a text is written in another way. */
const boundaries = [0, 1, 82, 83, 84, 85, 249, 250, 251, 252]

const texts = arbitrary.oneof(
  pieces.map((parts) => parts.join("")),
  arbitrary.constantFrom(
    ...boundaries.flatMap((length) => ["a".repeat(length), "€".repeat(length), "😀".repeat(length / 2)])
  )
)

const longTexts = arbitrary.constantFrom("x😀".repeat(25_000), "é".repeat(70_000), "a".repeat(65_536))

const bytes = arbitrary.oneof(
  arbitrary.uint8Array({ maxLength: 20 }),
  arbitrary.constantFrom(250, 251, 65_535, 65_536, 200_000).map((length) => new Uint8Array(length).fill(0xe2))
)

const small = arbitrary.integer({ min: -99, max: 99 })
const wholes = arbitrary.oneof(
  small,
  arbitrary.integer(),
  arbitrary.constantFrom(0, 2 ** 31, -(2 ** 31), 1e14, 999_999_999_999_999, 1e15, Number.MAX_SAFE_INTEGER)
)
const fractions = arbitrary.oneof(
  arbitrary.constantFrom(0.5, 1.5, 2.5, -0.5, 0.1, 1.005, -0, 1e-7, 123456.789, 1e15 + 0.5),
  small.map((n) => n / 8)
)
const doubles = arbitrary.oneof(
  fractions,
  arbitrary.double({ noNaN: true, noDefaultInfinity: true }),
  arbitrary.constantFrom(1e308, -1e308, 5e-324, 2 ** 60, 1e20)
)
const int64s = arbitrary.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const beyondInt64 = arbitrary.bigInt({ min: 2n ** 63n, max: 2n ** 64n - 1n })
const decimals = arbitrary
  .tuple(arbitrary.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), arbitrary.integer({ min: -3, max: 12 }))
  .map(([value, scale]) => BigDecimal.make(value, scale))
const dates = arbitrary.date({
  min: new Date("1980-01-01T00:00:00Z"),
  max: new Date("2037-12-31T00:00:00Z"),
  noInvalidDate: true
})
const dateTexts = dates.map((date) => date.toISOString().slice(0, 23).replace("T", " "))
const json = arbitrary.oneof(
  arbitrary.dictionary(
    arbitrary.constantFrom("a", "b", "é😀"),
    arbitrary.oneof(small, texts, arbitrary.constant(null)),
    { noNullPrototype: true }
  ),
  arbitrary.array(arbitrary.oneof(small, arbitrary.boolean()), { maxLength: 4 })
)

/** The same in another wrapping. */
const wrapped = (values: FastCheck.Arbitrary<Value.Parameter>): FastCheck.Arbitrary<Value.Parameter> =>
  arbitrary.tuple(values, arbitrary.integer({ min: 0, max: 9 })).map(([value, how]): Value.Parameter => {
    if (typeof value !== "string" && typeof value !== "number") return value
    if (how === 0) return Option.some(value)
    return how === 1 ? Redacted.make(value) : value
  })

const nothing = arbitrary.constantFrom<Value.Parameter>(null, Option.none())
const oneof = (...of: ReadonlyArray<FastCheck.Arbitrary<Value.Parameter>>) => wrapped(arbitrary.oneof(...of))
/** For a column that takes it or not. */
const anything = oneof(
  small,
  wholes,
  doubles,
  int64s,
  beyondInt64,
  decimals,
  dates,
  dateTexts,
  texts,
  bytes,
  json,
  nothing,
  arbitrary.boolean()
)

/**
 * The value without bytes that other tests stumble over: while a statement with such in it is running, MySQL's process list
 * cannot be read by those.
 */
const narrowed = (value: Value.Parameter): Value.Parameter => {
  if (typeof value === "string") return value.replaceAll("😀", "€€")
  if (value instanceof Uint8Array) return value.map((byte) => byte & 0x7f)
  if (Option.isOption(value)) return Option.map(value, (some) => narrowed(some) as typeof some)
  if (Redacted.isRedacted(value)) return Redacted.make(narrowed(Redacted.value(value)) as string)
  return Array.isArray(value) || isPlainObject(value)
    ? (JSON.parse(JSON.stringify(value).replaceAll("😀", "€€")) as Value.Json)
    : value
}

interface ColumnKind {
  readonly type: string
  /** The column's content, so that nothing in it can be missed. */
  readonly shown: (name: string) => string
  readonly fits: FastCheck.Arbitrary<Value.Parameter>
  /** What does not fit is refused by its type, before any row is looked at. */
  readonly isTyped?: boolean
}

const plain = (name: string): string => name
const asText = (name: string): string => `CAST(${name} AS CHAR(100))`
const asHex = (name: string): string => `HEX(${name})`

const serverColumns = (backend: Backend): ReadonlyArray<ColumnKind> => [
  {
    type: "TINYINT",
    shown: plain,
    fits: oneof(
      small,
      fractions.filter((n) => Math.abs(n) < 99),
      arbitrary.boolean(),
      nothing
    )
  },
  {
    type: "INT",
    shown: plain,
    fits: oneof(
      arbitrary.integer(),
      small.map((n) => n / 2),
      small.map(String),
      nothing
    )
  },
  {
    type: "BIGINT",
    shown: plain,
    fits: oneof(
      wholes,
      int64s,
      small,
      small.map((n) => n / 2),
      nothing
    )
  },
  {
    type: "BIGINT UNSIGNED",
    shown: plain,
    fits: oneof(beyondInt64, arbitrary.nat(), arbitrary.constant(0.5), nothing)
  },
  {
    type: "DOUBLE",
    shown: plain,
    fits: oneof(doubles, wholes, int64s, small, nothing, arbitrary.constantFrom("0.1", "-7"))
  },
  {
    type: "FLOAT",
    shown: plain,
    fits: oneof(fractions, small, arbitrary.constantFrom(16_777_217, 0.1, 1e30), nothing)
  },
  { type: "DECIMAL(40,13)", shown: plain, fits: oneof(decimals, wholes, fractions, int64s, small, nothing) },
  // Numbers as text, where there is little room for their digits.
  {
    type: "VARCHAR(6)",
    shown: asHex,
    fits: oneof(
      small,
      small,
      fractions.filter((n) => String(n).length < 6),
      arbitrary.constantFrom(12_345, 1e5),
      nothing
    )
  },
  {
    type: "VARCHAR(700) CHARACTER SET utf8mb4",
    shown: asHex,
    fits: oneof(texts, wholes, doubles, decimals, dates, json, nothing)
  },
  {
    type: "LONGTEXT CHARACTER SET utf8mb4",
    shown: asHex,
    fits: oneof(texts, longTexts, wholes, doubles, dates, nothing)
  },
  { type: "LONGBLOB", shown: asHex, fits: oneof(bytes, texts, longTexts, wholes, doubles, nothing) },
  {
    type: "DATETIME(3)",
    shown: asText,
    fits: oneof(
      dates,
      dateTexts,
      dates.map((date) => DateTime.unsafeMake(date)),
      arbitrary.constant(20240102030405),
      nothing
    )
  },
  {
    type: "DATE",
    shown: asText,
    fits: oneof(
      dateTexts.map((text) => text.slice(0, 10)),
      arbitrary.constant(20240102),
      nothing
    )
  },
  {
    type: "TIME(3)",
    shown: asText,
    fits: oneof(arbitrary.constantFrom<Value.Parameter>("-101:02:03.5", "23:59:59.999", 101_112, 1.5), nothing)
  },
  { type: "YEAR", shown: plain, fits: oneof(arbitrary.constantFrom<Value.Parameter>(2024, 99, "1999", 1.5), nothing) },
  { type: "BIT(20)", shown: asText, fits: oneof(arbitrary.nat(99), arbitrary.boolean(), nothing) },
  {
    type: "ENUM('a','b','7')",
    shown: asText,
    fits: oneof(arbitrary.constantFrom<Value.Parameter>("a", "b", "7", 1, 2, 3), nothing)
  },
  { type: "JSON", shown: asHex, fits: oneof(json, arbitrary.constantFrom('"text"', "5", "null", "[0.5]"), nothing) },
  ...(backend.name === "mariadb"
    ? [
        { type: "UUID", shown: plain, fits: oneof(arbitrary.uuid(), nothing), isTyped: true },
        {
          type: "INET6",
          shown: plain,
          fits: oneof(arbitrary.ipV6(), arbitrary.constantFrom("1.2.3.4", "::"), nothing),
          isTyped: true
        }
      ]
    : [])
]

const withClass = (name: string): string => `typeof(${name}), hex(${name}), COALESCE(${name}, NULL)`

const sqliteColumns: ReadonlyArray<ColumnKind> = [
  { type: "INTEGER", shown: withClass, fits: oneof(wholes, fractions, int64s, texts, nothing) },
  { type: "REAL", shown: withClass, fits: oneof(doubles, wholes, nothing) },
  { type: "VARCHAR(700)", shown: withClass, fits: oneof(texts, wholes, doubles, decimals, dates, json, nothing) },
  { type: "BLOB", shown: withClass, fits: oneof(bytes, texts, longTexts, wholes, nothing) },
  { type: "STUFF", shown: withClass, fits: oneof(anything, beyondInt64) }
]

/** Expressions with markers; in none of them is a marker the column's whole value. */
const expressions: ReadonlyArray<string> = [
  "COALESCE(?, ?)",
  "CONCAT(?, '-', ?)",
  "? + 1",
  "? / 3",
  "-?",
  "(?)",
  "IF(? IS NULL, 'n', ?)",
  "IFNULL(?, 5)",
  "JSON_OBJECT('v', ?)",
  "JSON_ARRAY(IFNULL(?, 5))",
  "JSON_EXTRACT('{\"a\": 1, \"b\": [2]}', CONCAT('$.', ?))",
  "REGEXP_REPLACE('abcabc', COALESCE(?, 'b'), COALESCE(?, 'X'))",
  "? IN (?, 3)",
  "'abc' LIKE ?",
  "UPPER(?)",
  "LEFT('abcdefgh', ?)",
  "CASE ? WHEN 1 THEN 'one' ELSE ? END",
  "ROUND(?, 1)",
  "CAST(? AS DECIMAL(20,5))",
  "CAST(? AS CHAR(50))",
  "CONVERT_TZ('2024-05-06 07:08:09', ?, '+00:00')",
  "RAND(7)",
  "HEX(?)",
  "UNHEX(REPLACE(?, '-', ''))",
  "COALESCE(?, 'none')",
  "NULLIF(?, 'a')",
  "ABS(?)",
  "FROM_UNIXTIME(?)",
  "JSON_QUOTE(?)",
  "LAST_DAY(?)"
]

const words = arbitrary.constantFrom("a", "b", "$.a", "c$", "+02:00", "-01:00", "7", "4d7953514c", "x".repeat(30))

/** What can be bound to a marker of an expression: often values of one type, as in a program. */
const operands: ReadonlyArray<FastCheck.Arbitrary<Value.Parameter>> = [
  oneof(small, fractions, decimals, words, dates, nothing),
  oneof(small, nothing),
  small,
  words,
  oneof(words, nothing),
  dates,
  decimals
]

/** Sets that fit as a rule; in so many of a hundred places there is a value from anywhere. */
const setsOf = (
  kinds: ReadonlyArray<Pick<ColumnKind, "fits" | "isTyped">>,
  unfit: number,
  maxLength: number
): FastCheck.Arbitrary<ReadonlyArray<Set>> => {
  const values = kinds.map(({ fits, isTyped }) =>
    unfit === 0 || isTyped === true
      ? fits
      : arbitrary.oneof({ arbitrary: fits, weight: 100 - unfit }, { arbitrary: anything, weight: unfit })
  )
  return arbitrary.array(arbitrary.tuple(...values), { minLength: 2, maxLength, size: "max" })
}

interface Case {
  /** The row's values as SQL, after that of the column `n`. */
  readonly row: string
  readonly columns: ReadonlyArray<number>
  readonly sets: ReadonlyArray<Set>
}

// ---------------------------------------------------------------------------------------------------------------------
// the contract

export const executeManyContract = (backend: Backend, runs: number): void => {
  const isSqlite = backend.name === "sqlite"
  const { isServer } = backend
  const withTest = (title: string, body: () => Body, maxSize = 1): void =>
    withEngine(backend, title, body, { maxSize }, 120_000)

  /**
   * Executes cases on two tables with these columns, one by one and with executemany, and compares what they leave. Of a
   * failure it compares which it was, and holds that the batches before are whole.
   */
  const compareAll = (
    kinds: ReadonlyArray<ColumnKind>,
    cases: FastCheck.Arbitrary<Case>,
    failsInOrder: boolean
  ): Body =>
    Effect.gen(function* () {
      const columns = `n INTEGER PRIMARY KEY, ${kinds.map(({ type }, i) => `c${i} ${type}`).join(", ")}`
      const [one, many] = [yield* table(columns), yield* table(columns)]
      const runtime = yield* Effect.runtime<Engine.Engine>()
      const seen = { stored: 0, failed: 0 }
      const body = ({ row, columns, sets: given }: Case) =>
        Effect.gen(function* () {
          const names = columns.map((i) => `c${i}`)
          const shown = columns.map((i) => kinds[i]!.shown(`c${i}`)).join(", ")
          const sql = (name: string) => `INSERT INTO ${name} (${["n", ...names].join(", ")}) VALUES (?, ${row})`
          const sets = given.map((set, n): Set => [n, ...(backend.name === "mysql" ? set.map(narrowed) : set)])
          yield* Engine.execute(`DELETE FROM ${one}`)
          yield* Engine.execute(`DELETE FROM ${many}`)
          const expected = yield* oneByOne(sql(one), sets)
          const found = yield* Effect.either(Engine.execute(sql(many), sets))
          const stored = yield* rowsOf(`SELECT n, ${shown} FROM ${one} ORDER BY n`)
          const kept = yield* rowsOf(`SELECT n, ${shown} FROM ${many} ORDER BY n`)
          if (expected.failed === undefined) {
            expect(found).toMatchObject({ _tag: "Right", right: { rowCount: expected.count } })
            expect(kept).toEqual(stored)
            seen.stored++
          } else {
            if (Either.isRight(found)) throw new Error(`stored what fails one by one: ${expected.failed.error.message}`)
            // An expression may be looked at before the rows before its own are: which of several wrong sets it is then
            // depends on the server, and none is named.
            if (failsInOrder) {
              expect(kindOf(found.left)).toEqual(kindOf(expected.failed.error))
              expect(placeOf(found.left)).toBe(expected.failed.place)
            } else if (placeOf(found.left) !== undefined) expect(placeOf(found.left)).toBe(expected.failed.place)
            expect(kept).toEqual(stored.slice(0, kept.length))
            seen.failed++
          }
        })
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(cases, (each) => Runtime.runPromise(runtime)(body(each))),
          { numRuns: runs }
        )
      )
      expect(seen.stored).toBeGreaterThan(runs / 4)
      expect(seen.failed).toBeGreaterThan(0)
    })

  describe("executemany", () => {
    withTest("stores what one statement for each set stores, whatever the types of its values are", () => {
      const kinds = isSqlite ? sqliteColumns : serverColumns(backend)
      const some = arbitrary.uniqueArray(arbitrary.integer({ min: 0, max: kinds.length - 1 }), {
        minLength: 1,
        maxLength: 4
      })
      const cases = arbitrary.tuple(some, arbitrary.constantFrom(0, 0, 0, 2)).chain(([columns, unfit]) => {
        const own = columns.map((i) => kinds[i]!)
        return setsOf(own, unfit, 24).map((sets): Case => ({ row: columns.map(() => "?").join(", "), columns, sets }))
      })
      return compareAll(kinds, cases, true)
    })

    if (isServer) {
      withTest("evaluates an expression for each set by itself", () => {
        const kind: ColumnKind = { type: "VARCHAR(700) CHARACTER SET utf8mb4", shown: asHex, fits: nothing }
        const cases = arbitrary
          .tuple(arbitrary.constantFrom("?", ...expressions), arbitrary.constantFrom(...expressions))
          .chain(([a, b]) => {
            const markers = `${a}${b}`.split("?").length - 1
            const fits = arbitrary.constantFrom(...operands)
            return arbitrary
              .array(fits, { minLength: markers, maxLength: markers })
              .chain((each) =>
                setsOf(
                  each.map((fits) => ({ fits })),
                  0,
                  8
                )
              )
              .map((sets): Case => ({ row: `${a}, ${b}`, columns: [0, 1], sets }))
          })
        return compareAll([kind, kind], cases, false)
      })
    }

    if (isServer) {
      withTest("evaluates so too where a marker is taken for something by what is in other sets", () =>
        Effect.gen(function* () {
          const huge = BigDecimal.unsafeFromString("75822104188641709766000")
          const cases: ReadonlyArray<readonly [row: string, sets: ReadonlyArray<Set>]> = [
            [
              "JSON_ARRAY(IFNULL(?, 5)), IFNULL(?, 5)",
              [
                ["+02:00", huge],
                ["4d7953514c", huge],
                ["a", huge]
              ]
            ],
            [
              "JSON_ARRAY(IFNULL(?, 5)), ?",
              [
                ["7", 1],
                ["a", 1],
                ["8", 1]
              ]
            ],
            [
              "JSON_ARRAY(IFNULL(?, 5)), ?",
              [
                [null, 1],
                [2, 1],
                ["a", 1]
              ]
            ],
            ["FROM_UNIXTIME(?), NULL", [[0], [0.5], [1]]],
            ["JSON_ARRAY(?), NULL", [[1], [0.5], ["1"], [null]]],
            ["? / 3, NULL", [[1], [0.5], [BigDecimal.unsafeFromString("1.0")]]],
            [
              "? IN (?, 3), NULL",
              [
                [1, 1],
                [2, 2],
                [3, 1]
              ]
            ],
            ["REGEXP_REPLACE('abc', ?, 'X'), NULL", [["a"], ["b"], ["c"]]],
            ["CONVERT_TZ('2024-05-06 07:08:09', ?, '+00:00'), NULL", [["+01:00"], ["+02:00"], ["-03:00"]]],
            ["RAND(?), NULL", [[7], [7], [8]]],
            ["? , RAND(7)", [[0], [0], [0]]]
          ]
          for (const [row, sets] of cases) {
            const columns = `id ${backend.autoIncrement}, c VARCHAR(99), d VARCHAR(99)`
            const [one, many] = [yield* table(columns), yield* table(columns)]
            const insert = (name: string) => `INSERT INTO ${name} (c, d) VALUES (${row})`
            const { failed } = yield* oneByOne(insert(one), sets)
            expect(yield* Effect.either(Engine.execute(insert(many), sets))).toMatchObject({
              _tag: failed === undefined ? "Right" : "Left"
            })
            const contents = (name: string) => rowsOf(`SELECT c, d FROM ${name} ORDER BY id`)
            const stored = yield* contents(many)
            const expected = yield* contents(one)
            expect([row, stored]).toEqual([row, failed === undefined ? expected : expected.slice(0, stored.length)])
          }
        })
      )

      withTest("does not depend on what the same statement was executed with before", () =>
        Effect.gen(function* () {
          for (const { type, shown, fits } of serverColumns(backend)) {
            const columns = `id ${backend.autoIncrement}, c ${type}`
            const [one, many] = [yield* table(columns), yield* table(columns)]
            const insert = (name: string) => `INSERT INTO ${name} (c) VALUES (?)`
            const values = FastCheck.sample(fits, 80).map(backend.name === "mysql" ? narrowed : (value) => value)
            for (let from = 0; from < values.length; from += 4) {
              const sets = values.slice(from, from + 4).map((value): Set => [value])
              const expected = yield* oneByOne(insert(one), sets)
              const found = yield* Effect.either(Engine.execute(insert(many), sets))
              expect([type, found._tag]).toEqual([type, expected.failed === undefined ? "Right" : "Left"])
              if (expected.failed !== undefined) break
            }
            const contents = (name: string) => rowsOf(`SELECT ${shown("c")} FROM ${name} ORDER BY id`)
            const stored = yield* contents(many)
            expect(stored).toEqual((yield* contents(one)).slice(0, stored.length))
          }
        })
      )

      withTest("stores an integer as one, whatever the numbers beside it are", () =>
        Effect.gen(function* () {
          for (const [type, sets, expected] of [
            [
              "VARCHAR(20)",
              [[0.5], [123_456_789_012_345], [2n ** 63n]],
              ["0.5", "123456789012345", "9223372036854775808"]
            ],
            [
              "DECIMAL(30,2)",
              [[0.5], [2 ** 53 - 1], [2n ** 63n]],
              ["0.50", "9007199254740991.00", "9223372036854775808.00"]
            ],
            [
              "BIGINT UNSIGNED",
              [[1.5], [2 ** 53 - 1], [2n ** 64n - 1n]],
              ["2", "9007199254740991", "18446744073709551615"]
            ],
            ["TEXT", [[1e15], [0.1], [7]], ["1000000000000000", "0.1", "7"]]
          ] as const) {
            const t = yield* table(`id ${backend.autoIncrement}, c ${type}`)
            yield* Engine.execute(`INSERT INTO ${t} (c) VALUES (?)`, sets)
            expect((yield* rowsOf(`SELECT CAST(c AS CHAR(99)) FROM ${t} ORDER BY id`)).flat()).toEqual(expected)
          }
          // As a double it would have room, as 1.2e5.
          const t = yield* table("c VARCHAR(5)")
          const failed = Engine.execute(`INSERT INTO ${t} VALUES (?)`, [[0.5], [123_456]])
          expect(yield* Effect.flip(failed)).toMatchObject({ _tag: "DataError", reason: "TooLong", parameterSet: 1 })
        })
      )

      withTest("computes for each set what the table computes for a row", () =>
        Effect.gen(function* () {
          const t = yield* table(
            `id ${backend.autoIncrement}, n INTEGER, plus INTEGER DEFAULT (n + 1), made VARCHAR(40) DEFAULT (UUID()),
             twice INTEGER AS (n * 2) STORED, computed VARCHAR(20) AS (CONCAT('n', n)) VIRTUAL, word VARCHAR(9) DEFAULT 'none'`
          )
          const sets = Array.from({ length: 500 }, (_, n) => [n])
          yield* Engine.execute(`INSERT INTO ${t} (n) VALUES (?)`, sets)
          yield* Engine.execute(`INSERT INTO ${t} (n, made, word) VALUES (?, UUID(), DEFAULT)`, sets)
          const rows = yield* valuesOf(`SELECT n, plus, twice, computed, word FROM ${t} ORDER BY id`)
          expect(rows).toEqual([...sets, ...sets].map(([n]) => [n, n! + 1, n! * 2, `n${n}`, "none"]))
          expect(yield* valuesOf(`SELECT count(DISTINCT made) FROM ${t}`)).toEqual([[1_000]])
        })
      )
    }

    withTest("stores every byte and characters of every length", () =>
      Effect.gen(function* () {
        const columns = `n INTEGER PRIMARY KEY, text VARCHAR(400)${isServer ? " CHARACTER SET utf8mb4" : ""}, bytes BLOB`
        const [one, many] = [yield* table(columns), yield* table(columns)]
        const all = Uint8Array.from({ length: 256 }, (_, i) => i)
        const sets = [0, 1, 20, 41, 42, 83, 84, 85, 100].flatMap((length) =>
          ["a", "é", "€", "😀", "a😀", "\\", "'"].map((unit): Set => [unit.repeat(length), all.slice(length)])
        )
        const insert = (name: string) => `INSERT INTO ${name} VALUES (?, ?, ?)`
        const numbered = sets.map((set, n): Set => [n, ...set])
        yield* oneByOne(insert(one), numbered)
        yield* Engine.execute(insert(many), numbered)
        const { rows } = yield* Engine.execute(`SELECT n, text, bytes FROM ${many} ORDER BY n`)
        expect(rows.map(([n, text, bytes]) => [n, text, [...Object(bytes)]])).toEqual(
          numbered.map(([n, text, bytes]) => [n, text, [...Object(bytes)]])
        )
        const hex = (name: string) => rowsOf(`SELECT HEX(text), HEX(bytes) FROM ${name} ORDER BY n`)
        expect(yield* hex(many)).toEqual(yield* hex(one))
      })
    )

    withTest("keeps the order and the number of its sets, however many they are", () =>
      Effect.gen(function* () {
        const t = yield* table(`id ${backend.autoIncrement}, n INTEGER, half DOUBLE, text VARCHAR(20)`)
        for (const size of [1, 2, 3, 63, 64, 65, 255, 256, 257, 511, 513, 5_000, 20_000]) {
          yield* Engine.execute(`DELETE FROM ${t}`)
          const sets = Array.from(
            { length: size },
            (_, i): Set => [i, i % 3 === 0 ? i : i + 0.5, i % 5 === 0 ? null : `${i}`]
          )
          const insert = Engine.execute(`INSERT INTO ${t} (n, half, text) VALUES (?, ?, ?)`, sets)
          const result = yield* Engine.transaction(insert)
          expect([result.rowCount, result.changedRows]).toEqual([size, size])
          const { rows } = yield* Engine.execute(`SELECT n, half, text FROM ${t} ORDER BY id`)
          expect(rows.map((row) => [...row])).toEqual(sets)
        }
      })
    )

    withTest("stores sets that are long together, and one that is long by itself among them", () =>
      Effect.gen(function* () {
        const t = yield* table(`id INTEGER PRIMARY KEY, bytes ${isServer ? "LONGBLOB" : "BLOB"}`)
        // More than 16 MiB together; 3 MB and 1 MiB and a bit are sent in pieces.
        const lengths = [10, 3_000_000, 5, ...Array.from({ length: 30 }, () => 600_000), 2 ** 20, 2 ** 20 + 1, 7, 0]
        const sets = lengths.map((length, i): Set => [i, new Uint8Array(length).fill(i)])
        expect((yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, sets)).rowCount).toBe(sets.length)
        const sum = isServer ? "SHA2(bytes, 256)" : "LENGTH(bytes)"
        const expected = sets.map(([id, bytes]) => {
          const { length } = bytes as Uint8Array
          return [
            id,
            length,
            isServer
              ? createHash("sha256")
                  .update(bytes as Uint8Array)
                  .digest("hex")
              : length
          ]
        })
        expect(yield* valuesOf(`SELECT id, LENGTH(bytes), ${sum} FROM ${t} ORDER BY id`)).toEqual(expected)
      })
    )

    withTest("does nothing for no sets", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        const insert = `INSERT INTO ${t} VALUES (?)`
        expect((yield* Engine.execute(insert, [])).rowCount).toBe(0)
        expect((yield* Engine.transaction(Engine.execute(insert, []))).rowCount).toBe(0)
        expect(yield* rowsOf(`SELECT * FROM ${t}`)).toEqual([])
      })
    )

    withTest("takes parameters by name, of a connection, of a cursor and of an engine alike", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, n INTEGER")
        const named = (from: number) => Array.from({ length: 300 }, (_, i) => ({ id: from + i, n: i }))
        const insert = `INSERT INTO ${t} (n, id) VALUES (:n, :id)`
        expect((yield* Engine.execute(insert, named(0))).rowCount).toBe(300)
        const { acquire, pool } = yield* Engine.Engine
        const lent = Effect.flatMap(acquire, (connection) => connection.execute(insert, named(1_000)))
        expect((yield* Effect.scoped(lent)).rowCount).toBe(300)
        const ofCursor = pool.use((connection) =>
          Effect.scoped(
            Effect.gen(function* () {
              const cursor = yield* Cursor.make(connection)
              return [yield* cursor.executeMany(insert, named(2_000)), yield* cursor.rowCount]
            })
          )
        )
        expect(yield* ofCursor).toEqual([300, 300])
        expect(yield* valuesOf(`SELECT count(*), sum(id - n) FROM ${t}`)).toEqual([[900, 900_000]])
      })
    )

    withTest("says the first id that was generated", () =>
      Effect.gen(function* () {
        const t = yield* table(`id ${backend.autoIncrement}, n INTEGER`)
        const insert = `INSERT INTO ${t} (n) VALUES (?)`
        for (const size of [1, 2, 300, 1_000]) {
          const { lastInsertId } = yield* Engine.execute(
            insert,
            Array.from({ length: size }, (_, n) => [n])
          )
          expect(yield* valuesOf(`SELECT id, n FROM ${t} ORDER BY id LIMIT 1`)).toEqual([[lastInsertId, 0]])
          yield* Engine.execute(`DELETE FROM ${t}`)
        }
      })
    )

    withTest("counts and returns what one statement for each set does", () =>
      Effect.gen(function* () {
        const columns = "id INTEGER PRIMARY KEY, k INTEGER UNIQUE, n INTEGER"
        const update = isSqlite
          ? "ON CONFLICT (id) DO UPDATE SET n = coalesce(n, 0) + excluded.n"
          : "ON DUPLICATE KEY UPDATE n = n + VALUES(n)"
        const ignore = isSqlite ? "INSERT OR IGNORE" : "INSERT IGNORE"
        const returning = backend.returning ? ["", " RETURNING id, n AS m"] : [""]
        const sets = Array.from({ length: 700 }, (_, i): Set => [(i * 7) % 300, i % 13 === 0 ? null : i % 211, i % 4])
        for (const tail of returning) {
          for (const sql of [
            (name: string) => `${ignore} INTO ${name} VALUES (?, ?, ?)${tail}`,
            (name: string) => `REPLACE INTO ${name} VALUES (?, ?, ?)${tail}`,
            (name: string) => `INSERT INTO ${name} (id, k, n) VALUES (?, NULLIF(?, -1), ?) ${update}${tail}`
          ]) {
            const [one, many] = [yield* table(columns), yield* table(columns)]
            const collides = sql("").includes("NULLIF")
              ? sets.map(([id, , n], i): Set => [id ?? null, i % 300 === 0 ? null : -1, n ?? null])
              : sets
            const expected = yield* Engine.transaction(oneByOne(sql(one), collides))
            const result = yield* Engine.transaction(Engine.execute(sql(many), collides))
            expect(expected.failed).toBe(undefined)
            expect([result.rowCount, result.warningCount]).toEqual([expected.count, expected.warnings])
            expect(result.rows.map((row) => [...row])).toEqual(expected.rows)
            expect(result.keys).toEqual(tail === "" ? [] : ["id", "m"])
            const all = (name: string) => rowsOf(`SELECT * FROM ${name} ORDER BY id`)
            expect(yield* all(many)).toEqual(yield* all(one))
          }
        }
      })
    )

    if (backend.returning) {
      withTest("that returns a value which the options cannot express fails with it, and names no other set", () =>
        Effect.gen(function* () {
          const t = yield* table("id BIGINT PRIMARY KEY")
          const sets = Array.from({ length: 10 }, (_, i) => [i === 6 ? 2n ** 60n : BigInt(i)])
          const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (?) RETURNING id`, sets))
          expect(error).toMatchObject({ _tag: "DataError", reason: "UnsafeInteger" })
          expect([undefined, 6]).toContain(placeOf(error))
          // The row is there: it is its value that cannot be read.
          const ids = (yield* rowsOf(`SELECT id FROM ${t} ORDER BY id`)).flat()
          expect(ids.slice(0, 6)).toEqual(["0", "1", "2", "3", "4", "5"])
          expect(ids.at(-1)).toBe(String(2n ** 60n))
        })
      )
    }

    withTest("executes statements of any kind for each set", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, n INTEGER")
        const range = Array.from({ length: 300 }, (_, i) => i)
        yield* Engine.execute(
          `INSERT INTO ${t} VALUES (?, ?)`,
          range.map((i) => [i, 0])
        )
        const updated = yield* Engine.execute(`UPDATE ${t} SET n = ? WHERE id < ?`, [
          [1, 10],
          [2, 5],
          [3, 0],
          [2, 5]
        ])
        expect(updated.rowCount).toBe(20)
        expect(updated.changedRows).toBe(isSqlite ? undefined : 15)
        const found = yield* Engine.execute(`SELECT id, n FROM ${t} WHERE id = ?`, [[7], [999], [3]])
        expect(found.rows.map((row) => [...row])).toEqual([
          [7, 1],
          [3, 2]
        ])
        expect(
          (yield* Engine.execute(
            `DELETE FROM ${t} WHERE id = ?`,
            range.map((i) => [i * 2])
          )).rowCount
        ).toBe(150)
        const selected = `INSERT INTO ${t} SELECT id + ?, n FROM ${t} WHERE id = ?`
        expect(
          (yield* Engine.execute(selected, [
            [1_000, 1],
            [2_000, 1_001],
            [1, 2]
          ])).rowCount
        ).toBe(2)
        expect(yield* valuesOf(`SELECT count(*), max(id) FROM ${t}`)).toEqual([[152, 3_001]])
      })
    )

    withTest("works as the first statement of a transaction, and after a read", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        const sets = (from: number) => Array.from({ length: 300 }, (_, i) => [from + i])
        const insert = (from: number) => Engine.execute(`INSERT INTO ${t} VALUES (?)`, sets(from))
        const count = Effect.map(Engine.scalar(`SELECT count(*) FROM ${t}`), Option.getOrNull)
        yield* Engine.transaction(insert(0))
        expect(yield* count).toBe(300)
        yield* Engine.transaction(Effect.zipRight(count, insert(1_000)))
        expect(yield* count).toBe(600)
        yield* Effect.either(Engine.transaction(Effect.zipRight(insert(2_000), Effect.fail("undo"))))
        expect(yield* count).toBe(600)
        yield* Engine.transaction(
          Effect.gen(function* () {
            yield* insert(3_000)
            yield* Effect.either(Engine.transaction(Effect.zipRight(insert(4_000), Effect.fail("undo"))))
            expect(yield* count).toBe(900)
          })
        )
        expect(yield* count).toBe(900)
      })
    )
  })

  describe("an executemany that fails", () => {
    interface Fault {
      readonly what: string
      readonly bad: { readonly [column: string]: Value.Parameter }
      readonly error: unknown
    }
    const integrity = (reason: string) => ({ _tag: "IntegrityError", reason })
    const faults: ReadonlyArray<Fault> = [
      { what: "a duplicate key", bad: { k: -1 }, error: integrity("UniqueViolation") },
      { what: "NULL", bad: { must: null }, error: integrity("NotNullViolation") },
      { what: "a foreign key", bad: { parent: 99 }, error: integrity("ForeignKeyViolation") },
      { what: "a check", bad: { positive: -1 }, error: integrity("CheckViolation") },
      ...(isSqlite
        ? []
        : [
            {
              what: "a text that is too long",
              bad: { short: "too long" },
              error: { _tag: "DataError", reason: "TooLong" }
            },
            { what: "a number out of range", bad: { tiny: 1_000 }, error: { _tag: "DataError", reason: "OutOfRange" } },
            {
              what: "a date that is none",
              bad: { day: "2024-13-32" },
              error: { _tag: "DataError", reason: "InvalidValue" }
            }
          ])
    ]
    const good = { must: 1, parent: 1, positive: 1, short: "short", tiny: 1, day: "2024-01-31" }
    const made = Effect.gen(function* () {
      const parent = yield* table("id INTEGER PRIMARY KEY")
      yield* Engine.execute(`INSERT INTO ${parent} VALUES (1)`)
      const t = yield* table(
        `id INTEGER PRIMARY KEY, k INTEGER UNIQUE, must INTEGER NOT NULL, parent INTEGER, positive INTEGER, short VARCHAR(5),
         tiny TINYINT, day DATE, bytes ${isSqlite ? "BLOB" : "LONGBLOB"},
         CONSTRAINT c_${parent} CHECK (positive > 0), FOREIGN KEY (parent) REFERENCES ${parent} (id)`
      )
      yield* Engine.execute(`INSERT INTO ${t} (id, k, must) VALUES (-1, -1, 1)`)
      return t
    })
    const insert = (t: string) =>
      `INSERT INTO ${t} (id, k, must, parent, positive, short, tiny, day, bytes)
       VALUES (:id, :k, :must, :parent, :positive, :short, :tiny, :day, :bytes)`
    const setsFor = (size: number, place: number, { bad }: Fault, bytes: Uint8Array | null) =>
      Array.from({ length: size }, (_, i) => ({ id: i, k: i, ...good, bytes, ...(i === place ? bad : {}) }))
    const ids = (t: string) =>
      Effect.map(rowsOf(`SELECT id FROM ${t} WHERE id >= 0 ORDER BY id`), (rows) => rows.map(([id]) => Number(id)))
    const range = (to: number) => Array.from({ length: to }, (_, i) => i)
    /** The same connection as ever, in no transaction. */
    const session = isServer ? rowsOf("SELECT CONNECTION_ID(), @@autocommit, @@sql_mode") : Effect.succeed<Rows>([])

    for (const fault of faults) {
      withTest(`by ${fault.what} names the set, and keeps the batches before at the most`, () =>
        Effect.gen(function* () {
          const before = yield* session
          for (const [size, place] of [
            [2, 0],
            [2, 1],
            [300, 0],
            [300, 100],
            [300, 255],
            [300, 256],
            [300, 299]
          ] as const) {
            const t = yield* made
            const error = yield* Effect.flip(Engine.execute(insert(t), setsFor(size, place, fault, null)))
            expect(error).toMatchObject({
              ...Object(fault.error),
              parameterSet: place,
              statement: expect.stringContaining(t)
            })
            const kept = yield* ids(t)
            expect(kept).toEqual(range(kept.length))
            // A batch has 256 sets at the most here, or all of them.
            if (isSqlite) expect(kept.length).toBe(place)
            else expect(kept.length).toBeLessThanOrEqual(place < 256 ? 0 : place)
          }
          expect(yield* session).toEqual(before)
        })
      )
    }

    withTest("in a later batch keeps the batches before, and of its own nothing", () =>
      Effect.gen(function* () {
        const bytes = new Uint8Array(100_000)
        for (const fault of faults) {
          for (const place of [9, 25, 39]) {
            const t = yield* made
            const error = yield* Effect.flip(Engine.execute(insert(t), setsFor(40, place, fault, bytes)))
            expect(error).toMatchObject({ ...Object(fault.error), parameterSet: place })
            const kept = yield* ids(t)
            expect(kept).toEqual(range(kept.length))
            // Ten sets are about 1 MiB, which is what a batch may have.
            expect(kept.length).toBeLessThanOrEqual(place)
            expect(kept.length).toBeGreaterThan(place - 11)
          }
        }
      })
    )

    withTest("in a transaction leaves that as it was before its last batch, to be committed or rolled back", () =>
      Effect.gen(function* () {
        for (const fault of faults) {
          for (const [size, place] of [
            [2, 1],
            [300, 0],
            [300, 299]
          ] as const) {
            for (const commits of [true, false]) {
              const t = yield* made
              const body = Effect.gen(function* () {
                yield* Engine.execute(`INSERT INTO ${t} (id, must) VALUES (5000, 1)`)
                const error = yield* Effect.flip(Engine.execute(insert(t), setsFor(size, place, fault, null)))
                expect(error).toMatchObject({ ...Object(fault.error), parameterSet: place })
                yield* Engine.execute(`INSERT INTO ${t} (id, must) VALUES (6000, 1)`)
                const kept = yield* ids(t)
                if (!commits) yield* Effect.fail(kept)
                return kept
              })
              const kept = Either.merge(yield* Effect.either(Engine.transaction(body))) as ReadonlyArray<number>
              expect(kept.slice(0, -2)).toEqual(range(kept.length - 2))
              expect(kept.length - 2).toBeLessThanOrEqual(place)
              expect(yield* ids(t)).toEqual(commits ? kept : [])
            }
          }
        }
      })
    )

    withTest("in a savepoint is undone with it, and the transaction goes on", () =>
      Effect.gen(function* () {
        const t = yield* made
        const [fault] = faults
        yield* Engine.transaction(
          Effect.gen(function* () {
            yield* Engine.execute(`INSERT INTO ${t} (id, must) VALUES (5000, 1)`)
            const inner = Engine.execute(insert(t), setsFor(600, 590, fault!, null))
            expect(yield* Effect.flip(Engine.transaction(inner))).toMatchObject({ parameterSet: 590 })
            expect(yield* ids(t)).toEqual([5_000])
            yield* Engine.execute(insert(t), setsFor(300, -1, fault!, null))
          })
        )
        expect(yield* ids(t)).toEqual([...range(300), 5_000])
      })
    )

    if (isServer) {
      withTest("leaves no transaction, no lock and nothing else in its session", () =>
        Effect.gen(function* () {
          const other = yield* observer(backend)
          // Nobody is to wait for a row.
          yield* other.execute("SET SESSION innodb_lock_wait_timeout = 1")
          for (const fault of faults) {
            const t = yield* made
            yield* Engine.withConnection(
              Effect.gen(function* () {
                const before = yield* session
                yield* Effect.flip(Engine.execute(insert(t), setsFor(300, 200, fault, null)))
                expect(yield* session).toEqual(before)
                const open = "SELECT count(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = ?"
                expect(yield* other.scalar(open, [Number(before[0]?.[0])])).toEqual(Option.some(0))
                yield* other.execute(`INSERT INTO ${t} (id, k, must) VALUES (0, 0, 1), (199, 199, 1), (299, 299, 1)`)
                yield* Engine.execute(insert(t), setsFor(150, -1, fault, null).slice(1))
              })
            )
            expect((yield* ids(t)).length).toBe(152)
          }
        })
      )
    }
  })
}

// Both layers on one server, statement by statement: what `@effect/sql-mysql2` gives, this package's client gives. Where it
// gives something else on purpose, that is in a list of differences, by the statement and the way.
import { Reactivity } from "@effect/experimental"
import type { SqlClient as Sql } from "@effect/sql"
import { MysqlClient } from "@effect/sql-mysql2"
import { afterAll, beforeAll, describe, expect, it, vi } from "@effect/vitest"
import { Chunk, Effect, Redacted, Stream } from "effect"
import * as SqlClient from "effect-sa/SqlClient"
import { type Backend, tableName } from "../support/Backend.js"

type Way = "execute" | "values" | "unprepared" | "stream" | "raw" | "withoutTransform"

const everyWay: ReadonlyArray<Way> = ["execute", "values", "unprepared", "stream", "raw", "withoutTransform"]

/** `{t}` in its text is a table that each client has for itself. */
interface Compared {
  readonly label: string
  readonly text: string
  readonly parameters?: ReadonlyArray<unknown>
  readonly ways?: ReadonlyArray<Way>
}

/** What a program sees of a value: its class too. */
const seen = (value: unknown): unknown => {
  if (value instanceof Date) return `Date ${Number.isNaN(value.getTime()) ? "invalid" : value.toISOString()}`
  if (Buffer.isBuffer(value)) return `Buffer ${value.toString("hex")}`
  if (Array.isArray(value)) return value.map(seen)
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, seen(each)]))
  return Object.is(value, -0) ? "-0" : value
}

/** What a statement gives by one way: what it has read, or that it fails, or that nothing ever comes. */
const outcome = (
  sql: Sql.SqlClient,
  way: Way,
  text: string,
  parameters: ReadonlyArray<unknown>
): Effect.Effect<string> => {
  const statement = sql.unsafe(text, parameters)
  const run: Effect.Effect<unknown, unknown> =
    way === "execute"
      ? statement
      : way === "stream"
        ? Effect.map(Stream.runCollect(statement.stream), Chunk.toReadonlyArray)
        : statement[way]
  return Effect.sandbox(run).pipe(
    Effect.map((value) => JSON.stringify(seen(value))),
    Effect.timeoutTo({ duration: "2 seconds", onSuccess: (value) => value, onTimeout: () => "nothing comes" }),
    Effect.catchAll(() => Effect.succeed("fails"))
  )
}

interface Side {
  readonly sql: Sql.SqlClient
  readonly table: string
}

interface Sides {
  readonly ours: Side
  readonly theirs: Side
}

/** Both clients, and for each a table of its own with the same columns and rows. */
const sides = (backend: Backend, columns: string, rows: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const ours = { sql: yield* SqlClient.make({ url: backend.url, maxConnections: 2 }), table: tableName("ours") }
    const theirs = {
      // One that hangs keeps its connection.
      sql: yield* MysqlClient.make({ url: Redacted.make(backend.url), maxConnections: 20 }),
      table: tableName("theirs")
    }
    for (const { table } of [ours, theirs]) {
      yield* Effect.acquireRelease(ours.sql.unsafe(`CREATE TABLE ${table} (${columns})`), () =>
        Effect.ignore(ours.sql.unsafe(`DROP TABLE ${table}`))
      )
      for (const row of rows) yield* ours.sql.unsafe(`INSERT INTO ${table} ${row}`)
    }
    return { ours, theirs }
  }).pipe(Effect.provide(Reactivity.layer))

interface Difference {
  readonly what: string
  readonly here: string
  readonly there: string
}

const compare = ({ ours, theirs }: Sides, statements: ReadonlyArray<Compared>) =>
  Effect.gen(function* () {
    const different: Array<Difference> = []
    for (const { label, text, parameters = [], ways = everyWay } of statements) {
      for (const way of ways) {
        const by = ({ sql, table }: Side) => outcome(sql, way, text.replaceAll("{t}", table), parameters)
        const [here, there] = [yield* by(ours), yield* by(theirs)]
        if (here !== there) different.push({ what: `${label} by ${way}`, here, there })
      }
    }
    return different
  })

// ---------------------------------------------------------------------------------------------------------------------
// columns

const both: ReadonlyArray<readonly [type: string, ...values: ReadonlyArray<string>]> = [
  ["TINYINT", "-128", "127"],
  ["TINYINT UNSIGNED", "255"],
  ["TINYINT(1)", "1"],
  ["SMALLINT", "-32768"],
  ["SMALLINT UNSIGNED", "65535"],
  ["MEDIUMINT", "-8388608"],
  ["MEDIUMINT UNSIGNED", "16777215"],
  ["INT", "-2147483648", "7"],
  ["INT UNSIGNED", "4294967295"],
  ["INT(6) ZEROFILL", "42"],
  ["BIGINT", "9007199254740991", "9007199254740992", "-9007199254740992", "-9223372036854775808", "5"],
  ["BIGINT UNSIGNED", "18446744073709551615"],
  ["BIGINT(20) ZEROFILL", "42"],
  ["DECIMAL(20,5)", "1.5", "-0.00001"],
  ["FLOAT", "0.1"],
  ["FLOAT(7,2)", "1.25"],
  ["DOUBLE", "0.1", "1e300", "-0e0"],
  ["YEAR", "2024", "0"],
  ["BIT(1)", "b'1'"],
  ["BIT(20)", "b'10101'"],
  ["DATE", "'2024-02-29'", "'1000-01-01'", "'9999-12-31'"],
  ["TIME", "'10:11:12'", "'-838:59:59'", "'00:00:00'"],
  ["TIME(3)", "'10:11:12.500'"],
  ["TIME(6)", "'-10:11:12.000001'"],
  ["DATETIME", "'2024-02-29 12:34:56'", "'1000-01-01 00:00:00'"],
  ["DATETIME(3)", "'2024-02-29 12:34:56.789'"],
  ["DATETIME(6)", "'2024-02-29 12:34:56.789123'"],
  ["TIMESTAMP NULL", "'2024-02-29 12:34:56'"],
  ["TIMESTAMP(6) NULL", "'2024-02-29 12:34:56.7891'"],
  ["CHAR(5)", "'abc'"],
  ["VARCHAR(20)", "'é😀'", "''"],
  ["VARCHAR(20) CHARACTER SET latin1", "'é'"],
  ["TEXT", "'t'"],
  ["BINARY(3)", "x'0102'"],
  ["VARBINARY(5)", "x'ff'"],
  ["BLOB", "x'00ff'"],
  ["ENUM('a','b')", "'b'"],
  ["SET('a','b')", "'a,b'"],
  ["JSON", '\'{"a":[1,2.5,null,"x"]}\'', "'[12345678901234567890]'", "'3'", "'null'"],
  ["POINT", "ST_GeomFromText('POINT(1 -2.5)')"],
  ["LINESTRING", "ST_GeomFromText('LINESTRING(0 0,1 2.5)')"],
  ["POLYGON", "ST_GeomFromText('POLYGON((0 0,4 0,0 3,0 0))')"],
  ["MULTIPOINT", "ST_GeomFromText('MULTIPOINT((1 2),(3 4))')"],
  ["GEOMETRY", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')"]
]

const onMariadb: typeof both = [
  ["UUID", "'123e4567-e89b-12d3-a456-426655440000'"],
  ["INET6", "'::1'"]
]

const onMysql: typeof both = [["VECTOR(2)", "STRING_TO_VECTOR('[1,2.5]')"]]

/** Types that give something else here, and why. */
const columnDifferences = (backend: Backend): ReadonlyArray<string> => [
  // The shortest number that is the same float, as by the other ways.
  ...["execute", "values", "raw", "withoutTransform"].map((way) => `FLOAT by ${way}`),
  // As by the other ways, without zeros at the end.
  ...["unprepared", "stream"].map((way) => `TIME(3) by ${way}`),
  // NULL is NULL, and no empty list.
  ...(backend.name === "mysql" ? ["unprepared", "stream"].map((way) => `VECTOR(2) by ${way}`) : [])
]

const columnsTest = (backend: Backend, zone: string): void => {
  describe(`in ${zone}`, () => {
    beforeAll(() => {
      vi.stubEnv("TZ", zone)
    })
    afterAll(() => {
      vi.unstubAllEnvs()
    })

    it.scopedLive(
      `columns of every type have the values that sql-mysql2 gives them, but for FLOAT and the zeros of TIME [${backend.name}]`,
      () =>
        Effect.gen(function* () {
          expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(zone)
          const types = [...both, ...(backend.name === "mariadb" ? onMariadb : onMysql)]
          const different: Array<string> = []
          for (const [type, ...values] of types) {
            const found = yield* Effect.scoped(
              Effect.flatMap(
                sides(backend, `id INTEGER PRIMARY KEY AUTO_INCREMENT, v ${type}`, [
                  ...values.map((value) => `(v) VALUES (${value})`),
                  "(v) VALUES (NULL)"
                ]),
                (both) => compare(both, [{ label: type, text: "SELECT v FROM {t} ORDER BY id" }])
              )
            )
            different.push(...found.map(({ what }) => what))
          }
          expect(different.sort()).toEqual([...columnDifferences(backend)].sort())
        }),
      60_000
    )
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// statements by chance

/** The same numbers each time: a failure can be looked at. */
const chance = (seed: number): ((below: number) => number) => {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const tableColumns =
  "id INTEGER PRIMARY KEY AUTO_INCREMENT, i INTEGER, b BIGINT, s VARCHAR(40), d DATETIME(3), n DECIMAL(12,3), f DOUBLE, x VARBINARY(20)"

const somebody = [
  (pick: (below: number) => number) => ["i", pick(2_000) - 1_000],
  (pick: (below: number) => number) => ["b", pick(2) === 0 ? pick(1_000_000) : null],
  (pick: (below: number) => number) => ["s", ["", "a'b\\c", "é😀", "plain", "%_"][pick(5)]],
  (pick: (below: number) => number) => [
    "d",
    new Date(Date.UTC(2024, pick(12), 1 + pick(28), pick(24), pick(60), 1, pick(1_000)))
  ],
  (pick: (below: number) => number) => ["n", `${pick(1_000)}.${pick(10)}5`],
  (pick: (below: number) => number) => ["f", pick(1_000) / 8],
  (pick: (below: number) => number) => ["x", Buffer.from([pick(256), 0, pick(256)])]
] as const

const selected = [
  "id",
  "i",
  "b",
  "s",
  "d",
  "n",
  "f",
  "x",
  "i + id AS sum",
  "UPPER(s) AS s",
  "COUNT(*) OVER () AS c",
  "n * 2 AS n2",
  "DATE(d) AS day",
  "CAST(d AS TIME) AS t",
  "HEX(x)",
  "b IS NULL AS nothing",
  "CAST(i AS CHAR) AS text"
]

const statementsByChance = (seed: number, count: number): ReadonlyArray<Compared> => {
  const pick = chance(seed)
  const some = <A>(from: ReadonlyArray<A>): A => {
    const found = from[pick(from.length)]
    if (found === undefined) throw new Error("nothing to pick from")
    return found
  }
  return Array.from({ length: count }, (_, i): Compared => {
    const [column = "i", value] = some(somebody)(pick)
    switch (pick(6)) {
      case 0: {
        const record = Object.fromEntries(somebody.map((make) => make(pick)))
        const names = Object.keys(record)
        return {
          label: `insert ${i}`,
          text: `INSERT INTO {t} (${names.join()}) VALUES (${names.map(() => "?").join()})`,
          parameters: Object.values(record),
          ways: [some(["execute", "raw", "unprepared", "values"] as const)]
        }
      }
      case 1:
        return {
          label: `update ${i}`,
          text: `UPDATE {t} SET ${String(column)} = ? WHERE id % 3 = ${pick(3)}`,
          parameters: [value],
          ways: [some(["execute", "raw", "unprepared"] as const)]
        }
      case 2:
        return {
          label: `delete ${i}`,
          text: `DELETE FROM {t} WHERE id = ?`,
          parameters: [1 + pick(60)],
          ways: [some(["execute", "raw"] as const)]
        }
      default: {
        const columns = Array.from({ length: 1 + pick(5) }, () => some(selected))
        const comparison = some(["=", "<", ">=", "<>", "<=>"])
        return {
          label: `select ${i}`,
          text: `SELECT ${columns.join(", ")} FROM {t} WHERE ${String(column)} ${comparison} ? OR id < ? ORDER BY id LIMIT ${1 + pick(20)}`,
          parameters: [value, pick(30)]
        }
      }
    }
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// parameters and the rest

/** Statements that give something else here, each with what they give here and there. */
const differences = (early: Date): ReadonlyArray<Compared & Omit<Difference, "what">> => {
  const one = (
    label: string,
    text: string,
    parameters: ReadonlyArray<unknown>,
    way: Way,
    here: string,
    there: string
  ) => ({
    label,
    text,
    parameters,
    ways: [way],
    here,
    there
  })
  return [
    one("undefined", "SELECT ? AS v", [undefined], "unprepared", "fails", '[{"v":null}]'),
    one("an object", "SELECT ? AS v", [{ a: 1 }], "unprepared", '[{"v":"{\\"a\\":1}"}]', '[{"v":"[object Object]"}]'),
    one("a list", "SELECT HEX(?) AS v", [[1, 2]], "unprepared", '[{"v":"5B312C325D"}]', "fails"),
    one("an invalid Date", "SELECT HEX(?) AS v", [new Date(Number.NaN)], "unprepared", "fails", '[{"v":null}]'),
    one("a column __proto__", "SELECT 1 AS `__proto__`", [], "execute", '[{"__proto__":1}]', "fails"),
    one(
      "a column __proto__ of a stream",
      "SELECT 1 AS `__proto__`",
      [],
      "stream",
      '[{"__proto__":1}]',
      "nothing comes"
    ),
    one(
      "a date of the year 99",
      "SELECT CAST('0099-02-03' AS DATE) AS d",
      [],
      "execute",
      JSON.stringify(seen([{ d: early }])),
      JSON.stringify(seen([{ d: new Date(1999, 1, 3) }]))
    ),
    one("a bigint", "SELECT HEX(?) AS v", [5n], "execute", '[{"v":"5"}]', '[{"v":"35"}]'),
    one("several statements", "SELECT 1 AS a; SELECT 2 AS b", [], "execute", '[[{"a":1}],[{"b":2}]]', "fails")
  ]
}

/** What is bound the same, in places of several kinds. Each text is of its own: sql-mysql2 keeps the types of the first. */
const parameters: ReadonlyArray<unknown> = [
  1,
  -1,
  2 ** 53 - 1,
  1.5,
  1e300,
  "a",
  "é😀",
  "a'b\\c",
  "",
  true,
  false,
  null,
  new Date("2024-02-29T12:34:56.789Z"),
  Buffer.from("xyz")
]

const places = ["?", "? IS NULL", "CONCAT(?)", "COALESCE(?, 5)", "? = 'a'"]
const placesOfNumbers = ["? + 1", "? / 3", "1.5 * ?", "HEX(?)", "CAST(? AS DECIMAL(20, 2))", "ABS(?)"]

const sameParameters = (backend: Backend): void => {
  it.scopedLive(`parameters become what they become there [${backend.name}]`, () =>
    Effect.gen(function* () {
      const both = yield* sides(backend, "id INTEGER")
      const statements = parameters.flatMap((parameter, i) =>
        [...places, ...(typeof parameter === "number" || typeof parameter === "boolean" ? placesOfNumbers : [])].map(
          (place): Compared => ({
            label: `${place} of ${JSON.stringify(seen(parameter))}`,
            text: `SELECT ${place} AS v${i}`,
            parameters: [parameter],
            ways: ["execute"]
          })
        )
      )
      expect(yield* compare(both, statements)).toEqual([])
      const limited = { label: "limit", text: "SELECT 1 AS one LIMIT ?", parameters: [1] }
      expect(yield* compare(both, [limited])).toEqual([])
    })
  )
}

const typesOfParameters = (backend: Backend): void => {
  it.scopedLive(`a text may have parameters of other types than before [${backend.name}]`, () =>
    Effect.gen(function* () {
      const sql = yield* Effect.provide(SqlClient.make({ url: backend.url, maxConnections: 1 }), Reactivity.layer)
      for (const given of [1, "a", 1.5, "é", null, 2, "b"])
        expect(yield* sql`SELECT ${given} AS typed`).toEqual([{ typed: given }])
    })
  )
}

const zeroDates = (backend: Backend): void => {
  it.scopedLive(
    `a date that no calendar has fails, or is text by the option, and is no invalid Date [${backend.name}]`,
    () =>
      Effect.gen(function* () {
        const text = "SELECT CAST('2024-02-29' AS DATE) AS d FROM DUAL WHERE 1 = 0"
        const made = SqlClient.make({ url: backend.url, initCommand: "SET SESSION sql_mode = ''" })
        const asText = SqlClient.make({
          url: backend.url,
          initCommand: "SET SESSION sql_mode = ''",
          zeroDates: "string"
        })
        const [strict, lenient] = yield* Effect.all([made, asText]).pipe(Effect.provide(Reactivity.layer))
        expect(yield* strict.unsafe(text)).toEqual([])
        const t = tableName("zero")
        yield* Effect.acquireRelease(strict.unsafe(`CREATE TABLE ${t} (d DATE, m DATETIME)`), () =>
          Effect.ignore(strict.unsafe(`DROP TABLE ${t}`))
        )
        yield* strict.unsafe(`INSERT INTO ${t} VALUES ('0000-00-00', '0000-00-00 00:00:00')`)
        expect(yield* Effect.flip(strict.unsafe(`SELECT d FROM ${t}`))).toMatchObject({
          cause: { _tag: "DataError", reason: "ZeroDate" }
        })
        expect(yield* lenient.unsafe(`SELECT d FROM ${t}`)).toEqual([{ d: "0000-00-00" }])
      })
  )
}

export const sqlClientComparison = (backend: Backend): void => {
  describe("beside sql-mysql2", () => {
    columnsTest(backend, "America/New_York")
    columnsTest(backend, "UTC")

    it.scopedLive(
      `hundreds of statements made by chance give what sql-mysql2 gives [${backend.name}]`,
      () =>
        Effect.gen(function* () {
          const both = yield* sides(backend, tableColumns)
          const inserts = statementsByChance(7, 900)
            .filter(({ label }) => label.startsWith("insert"))
            .slice(0, 60)
          const statements = [...inserts, ...statementsByChance(1, 400)]
          expect(yield* compare(both, statements)).toEqual([])
          expect(statements.length).toBeGreaterThan(400)
        }),
      60_000
    )

    it.scopedLive(`what is bound otherwise on purpose is just that [${backend.name}]`, () =>
      Effect.gen(function* () {
        const both = yield* sides(backend, "id INTEGER")
        const early = new Date(2000, 1, 3)
        early.setFullYear(99)
        for (const { here, there, ...statement } of differences(early)) {
          const found = yield* compare(both, [statement])
          const what = `${statement.label} by ${statement.ways?.join()}`
          expect([statement.label, found]).toEqual([statement.label, [{ what, here, there }]])
        }
      })
    )

    sameParameters(backend)
    typesOfParameters(backend)
    zeroDates(backend)
  })
}

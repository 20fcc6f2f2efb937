// Functions of the program's own for values: decoders by the type of a column, and objects that say what they are bound as.
import { describe, expect } from "@effect/vitest"
import { Effect } from "effect"
import { Engine, type Errors, Value } from "effect-sa"
import { type Backend, table, withEngine } from "../support/Backend.js"
import { bytes, Celsius, decimal, moment, type Options } from "./ValueCases.js"
import { executed, procedureOf, streamed, waysOf } from "./ValueWays.js"

/** What decoders are given: the value, and the name of its column. */
const seen = (value: string | Uint8Array, { name, typeName }: Value.Column): unknown => [name, typeName, value]

/** A decoder for every type. */
const all: Value.Decoders = Object.fromEntries(Value.decodableTypes.map((type) => [type, seen]))

interface Decoded {
  readonly type: string
  readonly bound: Value.Parameter
  /** The type's name on servers, and on SQLite. */
  readonly names: readonly [string, string]
  readonly given: string | Uint8Array
}

const onEvery: ReadonlyArray<Decoded> = [
  { type: "INTEGER", bound: -5, names: ["INT", "INTEGER"], given: "-5" },
  { type: "SMALLINT", bound: 7, names: ["SMALLINT", "SMALLINT"], given: "7" },
  { type: "BIGINT", bound: 2n ** 53n + 1n, names: ["BIGINT", "BIGINT"], given: "9007199254740993" },
  { type: "BOOLEAN", bound: true, names: ["TINYINT", "BOOLEAN"], given: "1" },
  { type: "TINYINT(1)", bound: 2, names: ["TINYINT", "TINYINT"], given: "2" },
  { type: "DOUBLE", bound: 1.5e300, names: ["DOUBLE", "DOUBLE"], given: "1.5e+300" },
  { type: "DECIMAL(20,6)", bound: decimal("-1.5"), names: ["DECIMAL", "DECIMAL"], given: "-1.500000" },
  { type: "VARCHAR(50)", bound: "it's é", names: ["VARCHAR", "VARCHAR"], given: "it's é" },
  { type: "CHAR(5)", bound: "a", names: ["CHAR", "CHAR"], given: "a" },
  { type: "TEXT", bound: "日", names: ["TEXT", "TEXT"], given: "日" },
  { type: "LONGTEXT", bound: "日", names: ["TEXT", "LONGTEXT"], given: "日" },
  { type: "DATE", bound: "2024-02-29", names: ["DATE", "DATE"], given: "2024-02-29" },
  { type: "TIME", bound: "12:34:56", names: ["TIME", "TIME"], given: "12:34:56" },
  { type: "DATETIME(3)", bound: moment, names: ["DATETIME", "DATETIME"], given: "2024-02-29 12:34:56.789" },
  { type: "JSON", bound: '{"n": 9007199254740993}', names: ["JSON", "JSON"], given: '{"n": 9007199254740993}' },
  { type: "BLOB", bound: bytes(0, 255), names: ["BLOB", "BLOB"], given: bytes(0, 255) },
  { type: "VARBINARY(9)", bound: bytes(0, 255), names: ["VARBINARY", "VARBINARY"], given: bytes(0, 255) }
]

const onServer = (type: string, name: string, bound: Value.Parameter, given: string | Uint8Array): Decoded => ({
  type,
  bound,
  names: [name, ""],
  given
})

const onServers: ReadonlyArray<Decoded> = [
  onServer("TINYINT UNSIGNED", "TINYINT UNSIGNED", 255, "255"),
  onServer("BIGINT UNSIGNED", "BIGINT UNSIGNED", 2n ** 64n - 1n, "18446744073709551615"),
  onServer("BIGINT(20) ZEROFILL", "BIGINT UNSIGNED", 7, "7"),
  onServer("BIT(1)", "BIT", true, "1"),
  onServer("BIT(64)", "BIT", 2n ** 64n - 1n, "18446744073709551615"),
  onServer("YEAR", "YEAR", 2024, "2024"),
  onServer("FLOAT", "FLOAT", 0.1, "0.1"),
  onServer("DECIMAL(65,30)", "DECIMAL", decimal("0.1"), `0.1${"0".repeat(29)}`),
  onServer("DECIMAL(5,2) UNSIGNED", "DECIMAL UNSIGNED", decimal("0.1"), "0.10"),
  onServer("DATETIME", "DATETIME", moment, ""),
  onServer("DATETIME(6)", "DATETIME", "2024-02-29 12:34:56.123456", "2024-02-29 12:34:56.123456"),
  onServer("TIMESTAMP(3) NULL", "TIMESTAMP", moment, "2024-02-29 12:34:56.789"),
  onServer("TIME(3)", "TIME", "-100:00:00.500", "-100:00:00.500"),
  onServer("ENUM('a', 'b')", "ENUM", "b", "b"),
  onServer("SET('a', 'b')", "SET", "a,b", "a,b"),
  onServer("BINARY(2)", "BINARY", bytes(1), bytes(1, 0)),
  onServer("ENUM('a') CHARACTER SET binary", "BINARY", "a", bytes(0x61))
]

const onMysql: ReadonlyArray<Decoded> = [onServer("VECTOR(1)", "VECTOR", bytes(0, 0, 128, 63), bytes(0, 0, 128, 63))]

const onMariadb: ReadonlyArray<Decoded> = [
  onServer("UUID", "UUID", "123e4567-e89b-12d3-a456-426655440000", "123e4567-e89b-12d3-a456-426655440000"),
  onServer("INET4", "INET4", "192.168.1.1", "192.168.1.1"),
  onServer("INET6", "INET6", "2001:db8::1", "2001:db8::1")
]

const casesOf = (backend: Backend): ReadonlyArray<Decoded> => [
  ...onEvery,
  ...(backend.isServer ? onServers : []),
  ...(backend.name === "mysql" ? onMysql : []),
  ...(backend.name === "mariadb" ? onMariadb : [])
]

export const decodersContract = (backend: Backend): void => {
  const { isServer } = backend

  describe("Decoders", () => {
    withEngine(backend, "get every type's value whole, by every way, and never a NULL", () =>
      Effect.gen(function* () {
        for (const { type, bound, names, given } of casesOf(backend)) {
          const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
          const procedure = yield* procedureOf(backend, t)
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ?), (2, NULL)`, [bound])
          // A DATETIME of whole seconds is rounded by MySQL and cut by MariaDB.
          const exact = given !== "" ? given : `2024-02-29 12:34:${backend.name === "mysql" ? 57 : 56}`
          const expected = [["v", names[isServer ? 0 : 1], exact], null]
          for (const { name: way, read, isText } of waysOf(backend, t, { decoders: all }, procedure)) {
            if (isText && type === "FLOAT") continue
            expect([type, way, yield* read]).toStrictEqual([type, way, expected])
          }
        }
      })
    )

    withEngine(
      backend,
      "of an engine hold for its statements, and a statement adds its own",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, d DECIMAL(10,2), b BOOLEAN, x BLOB")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, '1.5', 1, ?)`, [bytes(1, 2, 3)])
          const read = (options?: Options) =>
            Effect.map(Engine.execute(`SELECT d, b, x FROM ${t}`, undefined, options), ({ rows }) => [
              ...(rows[0] ?? [])
            ])
          expect(yield* read()).toStrictEqual([1.5, true, bytes(1, 2, 3)])
          const decoders: Value.Decoders = { DECIMAL: (text) => `EUR ${text}`, BLOB: (bytes) => bytes.length }
          expect(yield* read({ decoders })).toStrictEqual(["EUR 1.50", true, 3])
          expect(yield* read({ decoders: { DECIMAL: undefined }, decimals: "string" })).toStrictEqual([
            "1.50",
            true,
            bytes(1, 2, 3)
          ])
          // A statement's decoders are its own: the next has the engine's again.
          expect(yield* read()).toStrictEqual([1.5, true, bytes(1, 2, 3)])
        }),
      { decoders: { DECIMAL: Number, "TINYINT(1)": (digits) => digits !== "0" } }
    )

    withEngine(backend, "by the more exact name come first, and those of a type without its sign hold for both", () =>
      Effect.gen(function* () {
        const t = yield* table(
          `id INTEGER PRIMARY KEY, a TINYINT(1), b TINYINT, c BIGINT${isServer ? ", d BIGINT UNSIGNED, e INTEGER UNSIGNED" : ""}`
        )
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 1, 1, 1${isServer ? ", 1, 1" : ""})`)
        const decoders: Value.Decoders = {
          "TINYINT(1)": () => "tinyint(1)",
          TINYINT: () => "tinyint",
          BIGINT: () => "bigint",
          "BIGINT UNSIGNED": () => "bigint unsigned",
          INT: () => "int"
        }
        const [row = []] = (yield* Engine.execute(`SELECT * FROM ${t}`, undefined, { decoders })).rows
        expect([...row]).toEqual([
          "int",
          "tinyint(1)",
          "tinyint",
          "bigint",
          ...(isServer ? ["bigint unsigned", "int"] : [])
        ])
      })
    )

    withEngine(
      backend,
      "that throw fail their statement by the name of the column, and the connection goes on",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v VARCHAR(50)")
          const procedure = yield* procedureOf(backend, t)
          yield* Engine.execute(
            `INSERT INTO ${t} VALUES (?, ?)`,
            Array.from({ length: 500 }, (_, id) => [id, id === 400 ? "s3cret" : "a"])
          )
          const thrown = new Error("s3cret")
          const decoders: Value.Decoders = {
            VARCHAR: (text) => {
              if (text === "s3cret") throw thrown
              return text.toUpperCase()
            }
          }
          for (const { name: way, read } of waysOf(backend, t, { decoders }, procedure)) {
            const error: Errors.ExecuteError = yield* Effect.flip(read)
            expect([way, error]).toMatchObject([way, { _tag: "DataError", reason: "InvalidValue", cause: thrown }])
            expect(error.message).toContain('column "v"')
            expect(error.message).not.toContain("s3cret")
          }
          expect(yield* executed(`SELECT v FROM ${t} WHERE id < 2 ORDER BY id`, undefined, { decoders })).toEqual([
            "A",
            "A"
          ])
          // So many rows that a function of their own reads them.
          const rows = yield* streamed(`SELECT v FROM ${t} WHERE id <> 400`, undefined, { decoders })
          expect(rows).toEqual(Array.from({ length: 499 }, () => "A"))
        }),
      { maxSize: 2 }
    )

    withEngine(backend, "are refused where they are no functions, or for a type that is not known", () =>
      Effect.gen(function* () {
        for (const decoders of [{ DECIMALS: Number }, { decimal: Number }, { DECIMAL: "Number" }, "DECIMAL", []]) {
          const error = yield* Effect.flip(Engine.execute("SELECT 1", undefined, { decoders } as never))
          expect(error).toMatchObject({ _tag: "ArgumentError", argument: "decoders" })
          const made = yield* Effect.flip(Effect.scoped(Engine.make({ url: backend.url, decoders } as never)))
          expect(made).toMatchObject({ _tag: "ArgumentError", argument: "decoders" })
        }
      })
    )

    if (!isServer) {
      withEngine(backend, "for text fail where SQLite has bytes, and the other way round", () =>
        Effect.gen(function* () {
          const cases: ReadonlyArray<readonly [type: string, stored: Value.Parameter, decoders: Value.Decoders]> = [
            ["UUID", bytes(1, 2), { UUID: (text) => text }],
            ["VECTOR", "text", { VECTOR: (raw) => raw }]
          ]
          for (const [type, stored, decoders] of cases) {
            const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
            yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ?)`, [stored])
            const error = yield* Effect.flip(executed(`SELECT v FROM ${t}`, undefined, { decoders }))
            expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
            expect(error.message).toContain('column "v"')
          }
        })
      )
    }

    if (isServer) {
      withEngine(backend, "may read a date that no calendar has", () =>
        Engine.withConnection(
          Effect.gen(function* () {
            yield* Engine.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
            const t = yield* table("id INTEGER PRIMARY KEY, v DATETIME")
            yield* Engine.execute(`INSERT INTO ${t} VALUES (1, '0000-00-00'), (2, '2024-02-29')`)
            const decoders: Value.Decoders = {
              DATETIME: (text) => (text.startsWith("0000") ? null : new Date(`${text.replace(" ", "T")}Z`))
            }
            expect(yield* executed(`SELECT v FROM ${t} ORDER BY id`, undefined, { decoders })).toEqual([
              null,
              new Date("2024-02-29T00:00:00Z")
            ])
          })
        )
      )

      withEngine(backend, "of expressions are those of the type that the server gives them", () =>
        Effect.gen(function* () {
          const decoders: Value.Decoders = { DECIMAL: Number, GEOMETRY: (raw) => raw.length }
          expect(yield* executed("SELECT SUM(i) FROM (SELECT 1 AS i) AS t", undefined, { decoders })).toEqual([1])
          expect(yield* executed("SELECT ST_GeomFromText('POINT(1 2)')", undefined, { decoders })).toEqual([25])
          expect(yield* executed("SELECT POINT(1, 2)", undefined, { decoders })).toEqual([25])
        })
      )
    }
  })

  describe("An object of a class of the program's own", () => {
    withEngine(
      backend,
      "is bound as what it gives for itself, and refused by its kind where that cannot be bound",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v DOUBLE")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [1, new Celsius(-40.5)])
          yield* Engine.execute(`INSERT INTO ${t} VALUES (:id, :v)`, [
            { id: 2, v: new Celsius(0.5) },
            { id: 3, v: new Celsius(1.5) }
          ])
          expect(yield* executed(`SELECT v FROM ${t} ORDER BY id`)).toEqual([-40.5, 0.5, 1.5])
          const error = yield* Effect.flip(
            Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [4, new Celsius(Number.NaN)])
          )
          expect(error).toMatchObject({ _tag: "ArgumentError", argument: "parameters[1]", given: "NaN" })
        })
    )
  })
}

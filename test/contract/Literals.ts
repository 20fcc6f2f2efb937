// Values as literals of SQL: for people, and for statements that take no parameters.
import { describe, expect } from "@effect/vitest"
import { Effect, FastCheck, Option } from "effect"
import { Connection, Engine, type Errors, type Value } from "effect-sa"
import { type Backend, table, tableName, withEngine } from "../support/Backend.js"
import { allBytes, bytes, decimal, moment, parameters, plain } from "./ValueCases.js"
import { delicate, kindsOf, property } from "./ValueProperties.js"
import { executed, valueOf } from "./ValueWays.js"

const literalOf = (
  value: Value.Parameter
): Effect.Effect<string, Errors.AcquireError | Errors.ArgumentError | Errors.DataError, Engine.Engine> =>
  Effect.flatMap(Engine.Engine, ({ pool }) => pool.use((connection) => connection.literal(value)))

export const literalsContract = (backend: Backend): void => {
  const { isServer } = backend

  describe("A literal", () => {
    withEngine(backend, "means in a column what the value means as a parameter, for every kind of value", () =>
      Effect.gen(function* () {
        for (const [title, type, bound, read] of parameters) {
          const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
          const literal = yield* literalOf(bound)
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ${literal})`, [1])
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [2, bound])
          expect([title, (yield* executed(`SELECT v FROM ${t} ORDER BY id`)).map(plain)]).toStrictEqual([
            title,
            [plain(read), plain(read)]
          ])
          if (type === "JSON" || read === null) continue
          const found = yield* Engine.scalar(`SELECT count(*) FROM ${t} WHERE v = ${literal}`)
          expect([title, found]).toEqual([title, Option.some(2)])
        }
      })
    )

    withEngine(backend, "has the type of the value by itself", () =>
      Effect.gen(function* () {
        const values: ReadonlyArray<readonly [value: Value.Parameter, read: unknown]> = [
          [null, null],
          [true, 1],
          [5, 5],
          [-5n, -5],
          [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
          [1.5, 1.5],
          [1e300, 1e300],
          [5e-324, 5e-324],
          ...(isServer ? ([[-0, backend.name === "mysql" ? -0 : 0]] as const) : []),
          [2 ** 60, 2 ** 60],
          [decimal("1.50"), "1.50"],
          [decimal("5"), "5"],
          [decimal("-0.0001"), "-0.0001"],
          [decimal("12e3"), "12000"],
          ['it\'s \\ "é" 😀', 'it\'s \\ "é" 😀'],
          ["", ""],
          [moment, "2024-02-29 12:34:56.789"],
          [{ a: ["it's", 1] }, '{"a":["it\'s",1]}'],
          [bytes(), bytes()],
          [allBytes, allBytes],
          [Option.none(), null]
        ]
        for (const [value, read] of values) {
          const sql = `SELECT ${yield* literalOf(value)} AS v`
          expect([sql, yield* executed(sql)]).toStrictEqual([sql, [read]])
        }
      })
    )

    withEngine(backend, "is the same value for the database as the parameter", () =>
      Effect.gen(function* () {
        for (const { title, arbitrary } of kindsOf(backend)) {
          // A text is not equal to itself as JSON, and a database has no such text or vector beside a column.
          if (title === "JSON" || title === "vectors" || title === "points" || title === "members of a SET") continue
          yield* property(
            arbitrary,
            ([bound]) =>
              Effect.gen(function* () {
                const sql = `SELECT ${yield* literalOf(bound)} = ? AS v`
                expect([title, sql, yield* executed(sql, [bound])]).toEqual([title, sql, [1]])
              }),
            12
          )
        }
      })
    )

    withEngine(backend, "stands in DDL, which takes no parameters", () =>
      Effect.gen(function* () {
        const t = tableName()
        const defaults: ReadonlyArray<readonly [type: string, value: Value.Parameter, read: unknown]> = [
          ["VARCHAR(50)", 'it\'s \\ "é"', 'it\'s \\ "é"'],
          ["INTEGER", -5, -5],
          ["DOUBLE", 1.5, 1.5],
          ["DECIMAL(10,2)", decimal("5"), "5.00"],
          ["DATETIME(3)", moment, moment],
          ["VARBINARY(9)", bytes(0, 39, 255), bytes(0, 39, 255)],
          ["BOOLEAN", true, 1]
        ]
        const columns: Array<string> = []
        for (const [i, [type, value]] of defaults.entries())
          columns.push(`v${i} ${type} DEFAULT ${yield* literalOf(value)}`)
        yield* table(`id INTEGER PRIMARY KEY, ${columns.join(", ")}`, t)
        yield* Engine.execute(`INSERT INTO ${t} (id) VALUES (1)`)
        const [row = []] = (yield* Engine.execute(`SELECT * FROM ${t}`)).rows
        expect([...row].slice(1)).toStrictEqual(defaults.map(([, , read]) => read))
      })
    )

    withEngine(backend, "is refused for what cannot be bound, by its kind and never by its value", () =>
      Effect.gen(function* () {
        for (const value of [undefined, Number.NaN, "s3cret\ud800", Symbol("s3cret"), new Map([["s3cret", 1]])]) {
          const error = yield* Effect.flip(literalOf(value as never))
          expect(error).toMatchObject({ _tag: "ArgumentError", argument: "value" })
          expect(error.message).not.toContain("s3cret")
        }
        if (!isServer) {
          const error = yield* Effect.flip(literalOf(2n ** 63n))
          expect(error).toMatchObject({ _tag: "DataError", reason: "OutOfRange" })
        }
      })
    )

    withEngine(backend, "is made by a connection without a pool too", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* Connection.make({ url: backend.url })
          expect(yield* connection.literal("it's")).toBe("'it''s'")
        })
      )
    )

    if (!isServer) return

    withEngine(backend, "of bytes is bytes wherever it stands, and no number", () =>
      Effect.gen(function* () {
        const literal = yield* literalOf(bytes(0x35))
        const t = yield* table("id INTEGER PRIMARY KEY, v DOUBLE")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ${literal})`)
        yield* Engine.execute(`INSERT INTO ${t} VALUES (2, ?)`, [bytes(0x35)])
        expect(yield* executed(`SELECT v FROM ${t}`)).toEqual([5, 5])
        expect(yield* executed(`SELECT ${literal} + 0`)).toEqual([5])
      })
    )

    withEngine(backend, "of a text is what the session reads it as: backslashes escape, or are themselves", () =>
      Engine.withConnection(
        Effect.gen(function* () {
          const { pool } = yield* Engine.Engine
          expect(yield* literalOf("a\\b")).toBe("'a\\\\b'")
          yield* pool.use((connection) =>
            Effect.gen(function* () {
              const run = (sql: string) => connection.control(sql, 0)
              expect(yield* connection.literal("a\\b")).toBe("'a\\\\b'")
              yield* run("SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')")
              expect(yield* connection.literal("a\\b")).toBe("'a\\b'")
              expect(yield* connection.literal("a\0b")).toBe("'a\0b'")
              connection.markChanged()
            })
          )
          // The session is another's then, and has its modes back.
          expect(yield* literalOf("a\\b")).toBe("'a\\\\b'")
        })
      )
    )

    withEngine(
      backend,
      "means the same where the session takes backslashes for themselves",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v TEXT CHARACTER SET utf8mb4, w BLOB, j JSON")
          expect(yield* literalOf("a\\b")).toBe("'a\\b'")
          let id = 0
          yield* property(
            FastCheck.tuple(
              FastCheck.oneof(delicate, FastCheck.string({ unit: "binary", maxLength: 40 })),
              FastCheck.uint8Array({ maxLength: 40 }),
              FastCheck.array(FastCheck.string(), { maxLength: 3 })
            ),
            ([text, raw, json]) =>
              Effect.gen(function* () {
                const own = ++id
                const literals = [yield* literalOf(text), yield* literalOf(raw), yield* literalOf(json)]
                yield* Engine.execute(`INSERT INTO ${t} VALUES (${own}, ${literals.join(", ")})`)
                const [row = []] = (yield* Engine.execute(`SELECT v, w, j FROM ${t} WHERE id = ?`, [own])).rows
                expect([...row]).toStrictEqual([text, raw, json])
                // And with a marker behind it, which is found where the session sees it.
                yield* Engine.execute(`UPDATE ${t} SET v = ${literals[0]} WHERE id = ?`, [own])
                expect(yield* valueOf(t, own)).toBe(text)
              }),
            60
          )
        }),
      { sqlMode: "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES" },
      60_000
    )
  })
}

// Cases for values: what goes into a column comes out equal, as the type that the options say, by whichever way.
import { describe, expect } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, FastCheck, Option } from "effect"
import { Engine, Value } from "effect-sa"
import { type Backend, table, tableName, withEngine } from "../support/Backend.js"
import {
  bytes,
  type Case,
  casesOf,
  decimal,
  moment,
  type Options,
  parameters as kinds,
  plain,
  second
} from "./ValueCases.js"
import { expressionsOf } from "./ValueExpressions.js"
import { property } from "./ValueProperties.js"
import { asText, executed, procedureOf, streamed, valueOf, waysOf } from "./ValueWays.js"

export const valuesContract = (backend: Backend): void => {
  describe("Columns", () => {
    for (const { title, type, options, values, expression = "?", isCutInText = false } of casesOf(backend)) {
      withEngine(
        backend,
        `${title}: what goes in comes out, by every way`,
        () =>
          Effect.gen(function* () {
            const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
            const procedure = yield* procedureOf(backend, t)
            for (const [index, [bound]] of values.entries())
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ${expression})`, [index + 1, bound])
            yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [values.length + 1, null])
            const expected = [...values.map(([, read]) => read), null].map(plain)
            for (const { name, read, isText } of waysOf(backend, t, options, procedure)) {
              if (isText && isCutInText) {
                const error = yield* Effect.flip(read)
                expect([name, error]).toMatchObject([name, { _tag: "DataError", reason: "InvalidValue" }])
                expect(error.message).toContain('column "v"')
                expect(error.message).toContain("CAST(… AS DOUBLE)")
              } else expect([name, (yield* read).map(plain)]).toStrictEqual([name, expected])
            }
          }),
        { maxSize: 2 }
      )
    }

    withEngine(backend, "a column that is NULL in every row is null, whatever its type", () =>
      Effect.gen(function* () {
        // MySQL has no TIMESTAMP that is NULL by itself, but it has one that may be.
        for (const { title, type } of casesOf(backend)) {
          const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
          yield* Engine.execute(`INSERT INTO ${t} (id) VALUES (1), (2)`)
          expect([title, yield* executed(`SELECT v FROM ${t}`)]).toEqual([title, [null, null]])
          if (backend.isServer)
            expect([title, yield* asText(`SELECT v FROM ${t}`, undefined)]).toEqual([title, [null, null]])
        }
      })
    )

    withEngine(backend, "bytes are plain Uint8Arrays that no other value shares memory with", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, v BLOB")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
          [1, bytes(1, 2, 3)],
          [2, bytes(4, 5, 6)]
        ])
        const [a, b] = (yield* Engine.execute(`SELECT v FROM ${t} ORDER BY id`)).rows.map((row) => row[0] as Uint8Array)
        expect([a?.constructor, b?.constructor]).toEqual([Uint8Array, Uint8Array])
        a?.fill(9)
        expect([b, yield* valueOf(t, 1)]).toStrictEqual([bytes(4, 5, 6), bytes(1, 2, 3)])
        expect(a?.buffer).not.toBe(b?.buffer)
      })
    )

    // MariaDB's own limit for a packet is 16 MiB unless it is set up otherwise.
    if (backend.name === "mysql") {
      withEngine(backend, "a value over 16 MiB goes in and comes out whole", () =>
        Effect.gen(function* () {
          const big = Buffer.alloc(17_000_000, "0123456789abcdef")
          const t = yield* table("id INTEGER PRIMARY KEY, v LONGBLOB")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [1, big])
          expect(yield* Engine.scalar(`SELECT LENGTH(v) FROM ${t}`)).toEqual(Option.some(big.length))
          const found = yield* valueOf(t, 1)
          expect(found instanceof Uint8Array && big.equals(found)).toBe(true)
          const [again] = yield* streamed(`SELECT v FROM ${t}`)
          expect(again instanceof Uint8Array && big.equals(again)).toBe(true)
        })
      )
    }

    withEngine(backend, "JSON as text can be read by a program of its own", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, v JSON")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [1, { big: 1, list: [true, "é"] }])
        yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [2, '{"n": 9007199254740993}'])
        const one = yield* valueOf(t, 1, { json: "text" })
        expect(typeof one).toBe("string")
        expect(JSON.parse(String(one))).toEqual({ big: 1, list: [true, "é"] })
        expect(yield* valueOf(t, 2, { json: "text" })).toBe('{"n": 9007199254740993}')
      })
    )

    withEngine(
      backend,
      "the options of an engine hold for its statements, and a statement's own come first",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v BIGINT, d DECIMAL(10,2), b BOOLEAN, j JSON, m DATETIME(3)")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ?, ?, ?, ?, ?)`, [2n ** 60n, "1.5", true, [1], moment])
          const select = `SELECT v, d, b, j, m FROM ${t}`
          const read = (options?: Options) =>
            Effect.map(Engine.execute(select, undefined, options), (result) => [...(result.rows[0] ?? [])].map(plain))
          const byEngine = ["1152921504606846976", "BigDecimal 1.5", true, "[1]", "2024-02-29 12:34:56.789"]
          expect((yield* read()).map((value) => value)).toStrictEqual(byEngine)
          expect(
            yield* read({
              integers: "bigint",
              decimals: "string",
              booleans: "number",
              json: "parsed",
              dateTimes: "DateTime"
            })
          ).toStrictEqual([2n ** 60n, "1.50", 1, [1], "DateTime 2024-02-29T12:34:56.789Z"])
          // A statement's options are its own: the next has the engine's again.
          expect(yield* read()).toStrictEqual(byEngine)
        }),
      { integers: "string", decimals: "BigDecimal", booleans: "boolean", json: "text", dateTimes: "string" }
    )

    withEngine(backend, "an unknown value option is refused by its name", () =>
      Effect.gen(function* () {
        for (const options of [{ integers: "float" }, { booleans: true }, { nonsense: 1 }]) {
          const error = yield* Effect.flip(Engine.execute("SELECT 1", undefined, options as never))
          expect(error).toMatchObject({ _tag: "ArgumentError", argument: Object.keys(options)[0] })
        }
      })
    )
  })

  describe("Values that an option cannot hold", () => {
    withEngine(
      backend,
      "an integer beyond 2^53 fails with the column and the option, and its connection goes on",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v BIGINT")
          for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n]) {
            yield* Engine.execute(`DELETE FROM ${t}`)
            yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
              [1, 1],
              [2, value],
              [3, 3]
            ])
            for (const { name: way, read } of waysOf(backend, t, undefined)) {
              const error = yield* Effect.flip(read)
              expect([way, error]).toMatchObject([way, { _tag: "DataError", reason: "UnsafeInteger" }])
              expect(error.message).toContain('"v"')
              expect(error.message).toContain("bigint")
              expect(error.message).not.toContain(String(value))
            }
            expect(yield* valueOf(t, 2, { integers: "bigint" })).toBe(value)
            expect(yield* valueOf(t, 2, { integers: "string" })).toBe(String(value))
          }
          expect(yield* Engine.scalar("SELECT 5")).toEqual(Option.some(5))
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "JSON that is none, in a column that allows it, fails by name", () =>
      Effect.gen(function* () {
        // Servers check JSON when it is stored; only SQLite keeps anything.
        const t = yield* table("id INTEGER PRIMARY KEY, v JSON")
        const insert = Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [1, "{not json"])
        const outcome = backend.isServer ? insert : Effect.zipRight(insert, valueOf(t, 1))
        const error = yield* Effect.flip(outcome)
        if (backend.name === "mariadb")
          expect(error).toMatchObject({ _tag: "IntegrityError", reason: "CheckViolation" })
        else expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
        if (!backend.isServer) expect(yield* valueOf(t, 1, { json: "text" })).toBe("{not json")
      })
    )

    withEngine(
      backend,
      "an integer inside of JSON that a number cannot hold fails with the column and the option",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v JSON")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ?)`, [
            '{"id": 9007199254740993, "name": "9007199254740993"}'
          ])
          for (const { name: way, read } of waysOf(backend, t, undefined)) {
            const error = yield* Effect.flip(read)
            expect([way, error]).toMatchObject([way, { _tag: "DataError", reason: "UnsafeInteger" }])
            expect(error.message).toContain('column "v"')
            expect(error.message).toContain('json: "text"')
          }
          expect(yield* valueOf(t, 1, { json: "text" })).toContain("9007199254740993,")
        })
    )

    withEngine(backend, "a decimal of more digits than servers have is refused before anything is sent", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, v VARCHAR(100)")
        for (const value of [`1${"0".repeat(65)}`, `0.${"0".repeat(65)}1`]) {
          const error = yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (1, ?)`, [decimal(value)]))
          expect(error).toMatchObject({ _tag: "ArgumentError", argument: "parameters[0]" })
          expect(error.message).toContain("65 digits")
        }
        expect(yield* executed(`SELECT count(*) FROM ${t}`)).toEqual([0])
      })
    )

    if (!backend.isServer) {
      withEngine(backend, "a number in a column of another declared type fails by name", () =>
        Effect.gen(function* () {
          const cases: ReadonlyArray<readonly [type: string, options: Options, stored: Value.Parameter]> = [
            ["INTEGER", { integers: "bigint" }, 1.5],
            ["INTEGER", { integers: "string" }, 1e300],
            ["INTEGER", {}, "a"],
            ["INTEGER", {}, bytes(1)],
            ["DATETIME", {}, 5],
            ["DATETIME", {}, "no date"],
            ["DATETIME", {}, "2024-02-29 12:34:56.123456"],
            ["DOUBLE", {}, "a"],
            ["TEXT", {}, bytes(0xff)],
            ["DECIMAL(20,6)", {}, decimal("1234567890.123456")],
            ["DECIMAL(20,6)", {}, 1.2345678901234567e300],
            ["DECIMAL(20,6)", {}, decimal("12345678901234567890")],
            ["DECIMAL(20,6)", { decimals: "BigDecimal" }, "a"]
          ]
          for (const [type, options, stored] of cases) {
            const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
            yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ?)`, [stored])
            for (const { name: way, read } of waysOf(backend, t, options)) {
              const error = yield* Effect.flip(read)
              expect([type, way, error]).toMatchObject([type, way, { _tag: "DataError", reason: "InvalidValue" }])
              expect(error.message).toContain('column "v"')
            }
          }
        })
      )

      withEngine(backend, "a decimal of up to 15 digits is kept exactly", () =>
        Effect.gen(function* () {
          for (const [type, scale] of [
            ["DECIMAL(16,0)", 0],
            ["DECIMAL", 1],
            ["DECIMAL(16,2)", 2],
            ["NUMERIC(20,6)", 6],
            ["DECIMAL(20,12)", 12]
          ] as const) {
            const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
            let id = 0
            const most = 10n ** 15n - 1n
            yield* property(FastCheck.bigInt({ min: -most, max: most }), (digits) =>
              Effect.gen(function* () {
                const value = BigDecimal.make(digits, scale)
                yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [++id, value])
                // Without a declaration there are as many digits as are needed.
                const read = type === "DECIMAL" ? BigDecimal.normalize(value) : value
                expect(yield* valueOf(t, id)).toBe(Value.formatDecimal(read))
              })
            )
          }
        })
      )
    }

    if (backend.name === "mysql") {
      withEngine(backend, "bytes that MySQL takes for a text fail by name, or are bytes by a CAST", () =>
        Effect.gen(function* () {
          for (const read of [executed, streamed]) {
            const error = yield* Effect.flip(read("SELECT ? AS v", [bytes(0xff, 0)]))
            expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
            expect(error.message).toContain('column "v"')
            expect(yield* read("SELECT CAST(? AS BINARY) AS v", [bytes(0xff, 0)])).toEqual([bytes(0xff, 0)])
          }
          // This character is a text's own.
          expect(yield* executed("SELECT ? AS v", ["\ufffd"])).toEqual(["\ufffd"])
        })
      )
    }

    if (backend.isServer) {
      withEngine(backend, "a text in a character set that the session was given by a statement fails by name", () =>
        Engine.withConnection(
          Effect.gen(function* () {
            yield* Engine.execute("SET NAMES latin1")
            for (const read of [executed, (sql: string) => asText(sql, undefined)]) {
              const error = yield* Effect.flip(read("SELECT CONCAT('a', CHAR(233 USING latin1)) AS v"))
              expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
              expect(error.message).toContain('column "v"')
              expect(yield* read("SELECT 1")).toEqual([1])
            }
          })
        )
      )

      withEngine(backend, "a bit field beyond 2^53 fails with the column and the option", () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v BIT(64)")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ?)`, [2n ** 53n])
          for (const { name: way, read } of waysOf(backend, t, undefined)) {
            const error = yield* Effect.flip(read)
            expect([way, error]).toMatchObject([way, { _tag: "DataError", reason: "UnsafeInteger" }])
            expect(error.message).toContain('column "v"')
          }
        })
      )

      withEngine(backend, "dates that no calendar has fail by name, or are text by option", () =>
        Engine.withConnection(
          Effect.gen(function* () {
            yield* Engine.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'")
            const types = ["DATETIME", "DATETIME(3)", "TIMESTAMP NULL", "TIMESTAMP(3) NULL"]
            for (const type of types) {
              const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
              const fraction = type.includes("3") ? ".000" : ""
              const dates = type.startsWith("DATETIME")
                ? [
                    "0000-00-00 00:00:00",
                    "2024-00-15 00:00:00",
                    "2024-02-00 10:11:12",
                    "2023-02-31 00:00:00",
                    "2023-02-29 23:59:59"
                  ]
                : ["0000-00-00 00:00:00"]
              for (const date of dates) {
                yield* Engine.execute(`DELETE FROM ${t}`)
                yield* Engine.execute(`INSERT INTO ${t} VALUES (1, '${date}')`)
                for (const dateTimes of ["Date", "DateTime"] as const) {
                  for (const { name: way, read } of waysOf(backend, t, { dateTimes })) {
                    const error = yield* Effect.flip(read)
                    expect([type, date, way, error]).toMatchObject([
                      type,
                      date,
                      way,
                      { _tag: "DataError", reason: "ZeroDate" }
                    ])
                    expect(error.message).toContain('"v"')
                    expect(error.message).toContain("zeroDates")
                  }
                  for (const { name: way, read } of waysOf(backend, t, { dateTimes, zeroDates: "string" }))
                    expect([type, way, yield* read]).toStrictEqual([type, way, [date + fraction]])
                }
                for (const { name: way, read } of waysOf(backend, t, { dateTimes: "string" }))
                  expect([type, way, yield* read]).toStrictEqual([type, way, [date + fraction]])
              }
            }
            // DATE and DATETIME(6) are text anyway.
            const t = yield* table("id INTEGER PRIMARY KEY, v DATE, w DATETIME(6)")
            yield* Engine.execute(
              `INSERT INTO ${t} VALUES (1, '0000-00-00', '0000-00-00'), (2, '2024-00-15', '2024-02-00')`
            )
            for (const [column, read] of [
              ["v", ["0000-00-00", "2024-00-15"]],
              ["w", ["0000-00-00 00:00:00.000000", "2024-02-00 00:00:00.000000"]]
            ] as const) {
              const select = `SELECT ${column} FROM ${t} ORDER BY id`
              expect([yield* executed(select), yield* asText(select, undefined)]).toStrictEqual([read, read])
            }
          })
        )
      )

      withEngine(backend, "a procedure's rows have the types that a select gives them", () =>
        Effect.gen(function* () {
          const t = yield* table(
            "id INTEGER PRIMARY KEY, f FLOAT, d DOUBLE, b BIGINT, m DATETIME(6), x BLOB, j JSON, e BIT(1)"
          )
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, ?, ?, ?, ?, ?, ?, 1)`, [
            1.2345678,
            0.30000000000000004,
            2n ** 53n - 1n,
            "2024-02-29 12:34:56.000000",
            bytes(0, 255),
            { a: 1 }
          ])
          const p = tableName("p")
          yield* Effect.acquireRelease(
            Engine.execute(`CREATE PROCEDURE ${p}(n INTEGER) SELECT * FROM ${t} WHERE id = n`),
            () => Effect.ignore(Engine.execute(`DROP PROCEDURE ${p}`))
          )
          const values = (sql: string, parameters?: ReadonlyArray<Value.Parameter>) =>
            Effect.map(Engine.execute(sql, parameters), (result) => result.rows.map((row) => [...row]))
          const selected = yield* values(`SELECT * FROM ${t} WHERE id = ?`, [1])
          expect(selected).toStrictEqual([
            [1, 1.2345678, 0.30000000000000004, 2 ** 53 - 1, "2024-02-29 12:34:56.000000", bytes(0, 255), { a: 1 }, 1]
          ])
          expect(yield* values(`CALL ${p}(?)`, [1])).toStrictEqual(selected)
          expect(yield* values(`CALL ${p}(1)`)).toStrictEqual(selected)
        })
      )
    }
  })

  describe("Parameters", () => {
    withEngine(backend, "of every kind are bound the same way by every path", () =>
      Effect.gen(function* () {
        for (const [title, type, bound, read] of kinds) {
          const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
          const insert = `INSERT INTO ${t} VALUES (?, ?)`
          const named = `INSERT INTO ${t} VALUES (:id, :v)`
          yield* Engine.execute(insert, [1, bound])
          yield* Engine.execute(named, { id: 2, v: bound })
          yield* Engine.execute(insert, [[3, bound]])
          yield* Engine.execute(named, [
            { id: 4, v: bound },
            { id: 5, v: bound }
          ])
          yield* Engine.transaction(Engine.execute(insert, [6, bound]))
          yield* Engine.withConnection(Engine.execute(insert, [7, bound]))
          yield* streamed(insert, [8, bound])
          yield* Engine.execute(`UPDATE ${t} SET v = ? WHERE id = ?`, [bound, 1])
          const found = (yield* Engine.execute(`SELECT v FROM ${t} ORDER BY id`)).rows.map((row) => row[0] as unknown)
          expect([title, found]).toStrictEqual([title, Array.from({ length: 8 }, () => read)])
        }
      })
    )

    withEngine(backend, "find the rows that they were stored with", () =>
      Effect.gen(function* () {
        for (const [title, type, bound, read] of kinds) {
          // JSON is compared by servers as JSON, which has no parameters; NULL is equal to nothing.
          if (type === "JSON" || read === null) continue
          const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [1, bound])
          const found = yield* Engine.scalar(`SELECT count(*) FROM ${t} WHERE v = ?`, [bound])
          expect([title, found]).toEqual([title, Option.some(1)])
          const read2 = yield* valueOf(t, 1)
          const again = yield* Engine.scalar(`SELECT count(*) FROM ${t} WHERE v = ?`, [read2 as Value.Parameter])
          expect([title, again]).toEqual([title, Option.some(1)])
        }
      })
    )

    withEngine(backend, "stand after LIMIT and OFFSET", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        yield* Engine.execute(
          `INSERT INTO ${t} VALUES (?)`,
          Array.from({ length: 9 }, (_, i) => [i])
        )
        const ids = (limit: Value.Parameter, offset: Value.Parameter) =>
          Effect.map(Engine.execute(`SELECT id FROM ${t} ORDER BY id LIMIT ? OFFSET ?`, [limit, offset]), (result) =>
            result.rows.map((row) => row[0] as unknown)
          )
        expect(yield* ids(2, 3)).toEqual([3, 4])
        expect(yield* ids(1n, 0n)).toEqual([0])
        expect(yield* ids(0, 0)).toEqual([])
      })
    )

    withEngine(backend, "of one statement may change their types from one execution to the next", () =>
      Effect.gen(function* () {
        const fraction = 0.25
        const columns: ReadonlyArray<readonly [type: string, options: Options | undefined, ...Case["values"]]> = [
          [
            "DECIMAL(20,6)",
            undefined,
            [5, "5.000000"],
            ["1234567.890125", "1234567.890125"],
            [fraction, "0.250000"],
            [null, null],
            [decimal("2.125"), "2.125000"],
            [7n, "7.000000"],
            [true, "1.000000"],
            [6, "6.000000"],
            [Option.none(), null],
            ["3", "3.000000"]
          ],
          [
            "BIGINT",
            { integers: "bigint" },
            [null, null],
            ["7", 7n],
            [5, 5n],
            [2n ** 63n - 1n, 2n ** 63n - 1n],
            [-5, -5n],
            [decimal("12"), 12n],
            [true, 1n]
          ],
          [
            "DOUBLE",
            undefined,
            [1, 1],
            ["1.25", 1.25],
            [2.5, 2.5],
            [decimal("0.5"), 0.5],
            [3n, 3],
            [null, null],
            [1e300, 1e300]
          ],
          [
            "DATETIME(3)",
            undefined,
            [moment, moment],
            ["2024-02-29 12:34:56.789", moment],
            [null, null],
            [DateTime.unsafeMake(second), second],
            ["2024-02-29 12:34:56", second]
          ],
          [
            "VARCHAR(50)",
            undefined,
            ["a", "a"],
            [5, "5"],
            ["1.50", "1.50"],
            [5n, "5"],
            [null, null],
            [decimal("1.250"), "1.250"],
            ["é", "é"]
          ],
          ["JSON", undefined, [{ a: 1 }, { a: 1 }], [null, null], ["[1]", [1]], [[2], [2]]]
        ]
        for (const [type, options, ...values] of columns) {
          const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
          // Forwards and backwards, one by one on one connection: the first type must not hold for the others.
          const turns = [...values, ...[...values].reverse()]
          yield* Engine.withConnection(
            Effect.forEach(turns, ([bound], id) => Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [id + 1, bound]))
          )
          yield* Engine.execute(
            `INSERT INTO ${t} VALUES (?, ?)`,
            turns.map(([bound], id) => [id + 101, bound])
          )
          const found = yield* Engine.execute(`SELECT v FROM ${t} ORDER BY id`, undefined, options)
          const expected = turns.map(([, read]) => read)
          expect([type, found.rows.map((row) => row[0] as unknown)]).toStrictEqual([type, [...expected, ...expected]])
        }
      })
    )

    if (backend.isServer) {
      withEngine(backend, "that are unsigned and signed take turns in one statement", () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v DECIMAL(30,0)")
          const values = [1n, 2n ** 64n - 1n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 63n - 1n]
          yield* Engine.withConnection(
            Effect.forEach(values, (value, id) => Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [id, value]))
          )
          const found = yield* Engine.execute(`SELECT v FROM ${t} ORDER BY id`)
          expect(found.rows.map((row) => row[0])).toEqual(values.map(String))
        })
      )
    }
  })

  describe("Expressions", () => {
    withEngine(backend, "have the type that the database gives them, by every way", () =>
      Effect.gen(function* () {
        for (const [expression, expected] of expressionsOf(backend)) {
          const sql = `SELECT ${expression}`
          const found = [yield* executed(sql), yield* streamed(sql), yield* Engine.transaction(executed(sql))]
          if (backend.isServer) found.push(yield* asText(sql, undefined))
          expect([expression, ...found]).toStrictEqual([expression, ...found.map(() => [expected])])
        }
      })
    )

    if (backend.isServer) {
      withEngine(backend, "of the time are what their digits are", () =>
        Effect.gen(function* () {
          for (const read of [executed, (sql: string) => asText(sql, undefined)]) {
            const [six] = yield* read("SELECT NOW(6)")
            expect(six).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/)
            const age = Date.now() - Date.parse(`${String(six).replace(" ", "T")}Z`)
            expect(Math.abs(age)).toBeLessThan(60_000)
            const [three] = yield* read("SELECT NOW(3)")
            expect(three).toBeInstanceOf(Date)
            expect(yield* read("SELECT CURTIME(2)")).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d\.\d\d$/)])
          }
        })
      )

      withEngine(backend, "that are user variables have the type of what was put into them", () =>
        Engine.withConnection(
          Effect.gen(function* () {
            for (const [bound, read] of [
              [5, 5],
              [1.5, 1.5],
              ["it's é😀", "it's é😀"],
              [decimal("1.50"), "1.50"],
              [null, null]
            ] as const) {
              yield* Engine.execute("SET @x = ?", [bound])
              expect([bound, yield* executed("SELECT @x")]).toStrictEqual([bound, [read]])
            }
          })
        )
      )

      withEngine(
        backend,
        "of doubles and of decimals with a fixed number of digits are rounded where they are sent as text",
        () =>
          Effect.gen(function* () {
            // EXPLAIN and SHOW answer in this way: what they show is for people.
            expect(yield* executed("SELECT PI()")).toEqual([Math.PI])
            expect(yield* asText("SELECT PI()", undefined)).toEqual([Number(Math.PI.toFixed(6))])
          })
      )
    }
  })

  if (backend.isServer) {
    describe("What changes in a session", () => {
      withEngine(backend, "holds for statements that were prepared before: the default database", () =>
        Effect.gen(function* () {
          const names = [tableName("one"), tableName("two")]
          yield* Effect.forEach(names, (name) =>
            Effect.acquireRelease(Engine.execute(`CREATE DATABASE ${name}`), () =>
              Effect.ignore(Engine.execute(`DROP DATABASE ${name}`))
            )
          )
          yield* Engine.withConnection(
            Effect.gen(function* () {
              for (const name of names) {
                yield* Engine.execute(`CREATE TABLE ${name}.t (v VARCHAR(50))`)
                yield* Engine.execute(`INSERT INTO ${name}.t VALUES ('${name}')`)
              }
              for (const name of [...names, ...names]) {
                yield* Engine.execute(`USE ${name}`)
                expect(yield* executed("SELECT v FROM t")).toEqual([name])
                yield* Engine.execute("INSERT INTO t VALUES (?)", [["more"], ["than"], ["one"]])
                expect(yield* executed(`SELECT count(*) > 3 FROM ${name}.t`)).toEqual([1])
                yield* Engine.execute("DELETE FROM t WHERE v <> ?", [name])
              }
            })
          )
        })
      )

      withEngine(backend, "holds for statements that were prepared before: how texts are read", () =>
        Engine.withConnection(
          Effect.gen(function* () {
            const select = "SELECT CONCAT('a' || 'b', 1 / 3)"
            expect(yield* executed(select)).toEqual(["00.3333"])
            yield* Engine.execute("SET SESSION sql_mode = 'PIPES_AS_CONCAT', div_precision_increment = 6")
            expect(yield* executed(select)).toEqual(["ab0.333333"])
          })
        )
      )

      withEngine(backend, "holds for statements that were prepared before: the types of user variables", () =>
        Engine.withConnection(
          Effect.gen(function* () {
            const t = yield* table("id INTEGER PRIMARY KEY, v VARCHAR(50), w INTEGER")
            let id = 0
            for (const value of ["1", "1.5", "'abc'", "12345678901234567890.5", "-1e300", "NULL"]) {
              // Servers say nothing of a variable that gets its value so.
              yield* executed(`SELECT @x := ${value}`)
              const [read] = yield* executed("SELECT CONCAT(@x, '')")
              const [same] = yield* executed(`SELECT CONCAT(${value}, '')`)
              expect([value, read]).toEqual([value, same])
              const rows = Array.from({ length: 3 }, () => [++id, 0])
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?, @x, ?)`, rows)
              const stored = yield* executed(`SELECT v FROM ${t} WHERE id > ?`, [id - 3])
              expect([value, stored]).toEqual([value, [same, same, same]])
            }
          })
        )
      )
    })
  }

  describe("Counts and ids", () => {
    withEngine(backend, "an id that a row gets is exact, up to the largest that there is", () =>
      Effect.gen(function* () {
        const [type, last] = backend.isServer
          ? ["BIGINT UNSIGNED PRIMARY KEY AUTO_INCREMENT", 2n ** 64n - 1n]
          : ["INTEGER PRIMARY KEY AUTOINCREMENT", 2n ** 63n - 1n]
        const exact = (id: bigint) => (id > BigInt(Number.MAX_SAFE_INTEGER) ? id : Number(id))
        for (const before of [0n, 2n ** 53n - 3n, 2n ** 53n - 2n, 2n ** 53n - 1n, 2n ** 62n, last - 4n]) {
          const t = yield* table(`id ${type}, v INTEGER`)
          if (before > 0n) yield* Engine.execute(`INSERT INTO ${t} (id, v) VALUES (?, 0)`, [before])
          const insert = `INSERT INTO ${t} (v) VALUES (?)`
          const one = yield* Engine.execute(insert, [1])
          expect([before, one.lastInsertId, one.rowCount]).toEqual([before, exact(before + 1n), 1])
          const many = yield* Engine.execute(insert, [[2], [3]])
          expect([before, many.lastInsertId, many.rowCount]).toEqual([before, exact(before + 2n), 2])
          const select = `SELECT id FROM ${t} WHERE v > 0 ORDER BY id`
          expect(yield* executed(select, undefined, { integers: "bigint" })).toEqual(
            [1n, 2n, 3n].map((n) => before + n)
          )
        }
      })
    )

    withEngine(backend, "an UPDATE counts the rows that it matched, and those that are different now", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, v INTEGER")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
          [1, 1],
          [2, 2],
          [3, 3]
        ])
        // SQLite does not say which of them are different.
        const changed = (count: number) => (backend.isServer ? count : undefined)
        for (const [sql, matched, different] of [
          [`UPDATE ${t} SET v = 1`, 3, 2],
          [`UPDATE ${t} SET v = 1`, 3, 0],
          [`UPDATE ${t} SET v = id WHERE id > 1`, 2, 2],
          [`UPDATE ${t} SET v = 9 WHERE id = 0`, 0, 0]
        ] as const) {
          const { rowCount, changedRows } = yield* Engine.execute(sql)
          expect([sql, rowCount, changedRows]).toEqual([sql, matched, changed(different)])
        }
        const many = yield* Engine.execute(`UPDATE ${t} SET v = ? WHERE id = ?`, [
          [1, 1],
          [7, 2],
          [7, 3],
          [7, 4]
        ])
        expect([many.rowCount, many.changedRows]).toEqual([3, changed(2)])
      })
    )

    if (backend.isServer) {
      withEngine(backend, "counts do not depend on the language of the server", () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v INTEGER UNIQUE")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 1), (2, 2)`)
          const unchanged = `UPDATE ${t} SET v = 1 WHERE id = 1`
          // In another language the words before the numbers are not known.
          yield* Engine.withConnection(
            Effect.gen(function* () {
              yield* Engine.execute("SET SESSION lc_messages = 'de_DE'")
              expect((yield* Engine.execute(unchanged)).changedRows).toBe(1)
            })
          )
          yield* Effect.acquireUseRelease(
            Engine.execute("SET GLOBAL lc_messages = 'de_DE'"),
            () =>
              Effect.scoped(
                Effect.gen(function* () {
                  const engine = yield* Engine.make({ url: backend.url })
                  const { rowCount, changedRows } = yield* engine.execute(unchanged)
                  expect([rowCount, changedRows]).toEqual([1, 0])
                  const error = yield* Effect.flip(engine.execute(`UPDATE ${t} SET v = 2 WHERE id = 1`))
                  expect(error).toMatchObject({ _tag: "IntegrityError", reason: "UniqueViolation" })
                  expect(error).toMatchObject({ constraint: expect.stringContaining("v") })
                })
              ),
            () => Effect.orDie(Engine.execute("SET GLOBAL lc_messages = 'en_US'"))
          )
        })
      )

      withEngine(backend, "LAST_INSERT_ID of an expression is the id of the statement", () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, v BIGINT UNSIGNED")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 1)`)
          for (const id of [7, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
            const { lastInsertId } = yield* Engine.execute(`UPDATE ${t} SET v = LAST_INSERT_ID(?)`, [id])
            expect(lastInsertId).toBe(id)
          }
        })
      )
    }
  })
}

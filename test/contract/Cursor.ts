// What cursors promise on every database. What only servers have, procedures and several result sets, is in ServerCursor.
import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, Chunk, DateTime, Deferred, Effect, Exit, Fiber, Option, Redacted, Scope, Stream } from "effect"
import { Connection, Cursor, type Errors, Statement } from "effect-sa"
import { type Backend, tableName } from "../support/Backend.js"
import { held } from "../support/wire/Memory.js"

type Body = (connection: Connection.Connection) => Effect.Effect<void, unknown, Scope.Scope>

/** A test with a connection of its own. */
export const withConnection = (
  backend: Backend,
  title: string,
  body: Body,
  options: Omit<Parameters<typeof Connection.make>[0], "url"> = {},
  timeout?: number
): void =>
  it.scopedLive(
    `${title} [${backend.name}]`,
    () => Effect.flatMap(Connection.make({ url: backend.url, ...options }), body),
    timeout
  )

/** Executes and reads all. */
const rowsOf = <A extends object>(
  cursor: Cursor.Cursor<A>,
  statement: Statement.Executable,
  parameters?: Cursor.Arguments
): Effect.Effect<ReadonlyArray<A>, Errors.StatementError> =>
  Effect.zipRight(cursor.execute(statement, parameters), cursor.fetchAll)

/** A table for this connection alone. */
const temporary = (
  connection: Connection.Connection,
  columns: string,
  values = ""
): Effect.Effect<string, Errors.StatementError, Scope.Scope> =>
  Effect.gen(function* () {
    const name = tableName()
    const cursor = yield* Effect.orDie(Cursor.make(connection))
    yield* cursor.execute(`CREATE TEMPORARY TABLE ${name} (${columns})`)
    if (values !== "") yield* cursor.execute(`INSERT INTO ${name} VALUES ${values}`)
    return name
  })

/** Rows from 1 to `count`, 10,000 at the most, each with a text of 100 characters. */
const numbers = (backend: Backend, count: number): string => {
  const digits =
    "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 " +
    "UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
  const text = backend.isServer ? "REPEAT('x', 100)" : "printf('%0100d', 0)"
  return (
    `SELECT i, ${text} AS text FROM (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 AS i ` +
    `FROM ${digits} a CROSS JOIN ${digits} b CROSS JOIN ${digits} c CROSS JOIN ${digits} e) n ` +
    `WHERE i <= ${count} ORDER BY i`
  )
}

const cursorState = { _tag: "ProgrammingError", reason: "CursorState" }

const kinds: ReadonlyArray<readonly [kind: string, buffered: boolean]> = [
  ["buffered", true],
  ["unbuffered", false]
]

const threeRows = "SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3"

export const cursorContract = (backend: Backend): void => {
  describe("Cursor.execute", () => {
    withConnection(backend, "takes parameters in an array, in an object, and a single one by itself", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        expect(yield* rowsOf(cursor, "SELECT ? AS a, ? AS b", [1, "x"])).toEqual([[1, "x"]])
        expect(yield* rowsOf(cursor, "SELECT :a AS a, :b AS b", { a: 1, b: "x" })).toEqual([[1, "x"]])
        const single: ReadonlyArray<readonly [Cursor.SingleParameter, unknown]> = [
          [7, 7],
          ["text", "text"],
          [null, null],
          [true, 1],
          [2n ** 53n - 1n, 2 ** 53 - 1],
          [Option.some("some"), "some"],
          [Option.none(), null],
          [Redacted.make("secret"), "secret"]
        ]
        for (const [parameter, value] of single) {
          expect(yield* rowsOf(cursor, "SELECT ? AS v", parameter)).toEqual([[value]])
        }
        const t = yield* temporary(connection, "d DATETIME, n DECIMAL(5,2), b BLOB")
        const date = new Date("2024-02-03T04:05:06Z")
        expect(yield* cursor.execute(`INSERT INTO ${t} (d) VALUES (?)`, date)).toBe(1)
        expect(yield* cursor.execute(`INSERT INTO ${t} (d) VALUES (?)`, DateTime.unsafeMake(date))).toBe(1)
        expect(yield* rowsOf(cursor, `SELECT d FROM ${t} WHERE d = ?`, date)).toEqual([[date], [date]])
        expect(yield* cursor.execute(`UPDATE ${t} SET n = ?`, BigDecimal.unsafeFromString("1.50"))).toBe(2)
        expect(yield* rowsOf(cursor, `SELECT DISTINCT n FROM ${t}`)).toEqual([["1.50"]])
        const bytes = Uint8Array.of(0, 255)
        expect(yield* cursor.execute(`UPDATE ${t} SET b = ?`, bytes)).toBe(2)
        expect(yield* rowsOf(cursor, `SELECT DISTINCT b FROM ${t}`)).toEqual([[bytes]])
      })
    )

    withConnection(
      backend,
      "takes statements that carry the Statement symbol, and several sets of parameters",
      (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection)
          expect(yield* rowsOf(cursor, Statement.text("SELECT :n AS n"), { n: 3 })).toEqual([[3]])
          const t = yield* temporary(connection, "id INTEGER PRIMARY KEY, name VARCHAR(20)")
          expect(
            yield* cursor.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
              [1, "a"],
              [2, "b"]
            ])
          ).toBe(2)
          expect(yield* cursor.rowCount).toBe(2)
        })
    )

    withConnection(backend, "refuses parameters that do not fit, and stays where it was", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        yield* cursor.execute(threeRows)
        const refused = (statement: string, parameters?: unknown) =>
          Effect.flip(cursor.execute(statement, parameters as Cursor.Arguments))
        const named = (argument: string) => ({ _tag: "ArgumentError", argument })
        expect(yield* refused("SELECT ?, ?", 1)).toMatchObject(named("parameters"))
        expect(yield* refused("SELECT 1", 1)).toMatchObject(named("parameters"))
        expect(yield* refused("SELECT :a", 1)).toMatchObject(named("parameters"))
        expect(yield* refused("SELECT ?", { a: 1 })).toMatchObject(named("parameters"))
        expect(yield* refused("SELECT ?", () => 1)).toMatchObject(named("parameters[0]"))
        expect(yield* refused("SELECT ?", Number.NaN)).toMatchObject(named("parameters[0]"))
        expect(yield* cursor.fetchAll).toEqual([[1], [2], [3]])
      })
    )

    for (const [kind, buffered] of kinds) {
      withConnection(
        backend,
        `gives the rows and the id that a statement without rows came to, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            const t = yield* temporary(connection, `id ${backend.autoIncrement}, name VARCHAR(20)`)
            const cursor = yield* Cursor.make(connection, { buffered })
            expect(yield* cursor.lastRowId).toBeUndefined()
            expect(yield* cursor.execute(`INSERT INTO ${t} (name) VALUES (?)`, "a")).toBe(1)
            expect([yield* cursor.rowCount, yield* cursor.lastRowId]).toEqual([1, 1])
            expect(yield* cursor.description).toEqual(Option.none())
            expect(yield* cursor.execute(`INSERT INTO ${t} (name) VALUES (?)`, "b")).toBe(1)
            expect(yield* cursor.lastRowId).toBe(2)
            expect(yield* cursor.execute(`UPDATE ${t} SET name = 'c'`)).toBe(2)
            expect(yield* cursor.lastRowId).toBeUndefined()
            // Nothing is left to read: the connection is free.
            expect(connection.state()).toBe("idle")
          })
      )
    }

    for (const [kind, buffered] of kinds) {
      withConnection(backend, `failed leaves no rows behind, and the cursor as good as before, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered })
          yield* cursor.execute(threeRows)
          expect(yield* Effect.flip(cursor.execute("SELECT * FROM nowhere_at_all"))).toMatchObject({
            reason: "NoSuchTable"
          })
          expect(yield* Effect.flip(cursor.fetchOne)).toMatchObject(cursorState)
          expect(yield* cursor.rowCount).toBe(-1)
          expect(yield* rowsOf(cursor, threeRows)).toEqual([[1], [2], [3]])
        })
      )
    }

    withConnection(backend, "of several fibers runs one after the other, each with its own answer", (connection) =>
      Effect.gen(function* () {
        for (const [, buffered] of kinds) {
          const cursor = yield* Cursor.make(connection, { buffered })
          // Who executes and who fetches take turns: a fiber's own rows may be gone when it fetches, but never mixed.
          const one = (i: number) =>
            Effect.map(
              Effect.zipRight(cursor.execute("SELECT ? AS a UNION ALL SELECT ?", [i, i]), cursor.fetchAll),
              (rows) => rows.map(([value]) => value)
            )
          const found = yield* Effect.forEach(
            Array.from({ length: 50 }, (_, i) => i),
            one,
            { concurrency: 10 }
          )
          for (const values of found) expect(new Set(values).size).toBeLessThanOrEqual(1)
          expect(found.some((values) => values.length === 2)).toBe(true)
          expect(yield* rowsOf(cursor, threeRows)).toHaveLength(3)
        }
      })
    )
  })

  describe("Cursor.executeMany", () => {
    withConnection(backend, "executes for each set or single parameter, and for none not at all", (connection) =>
      Effect.gen(function* () {
        const t = yield* temporary(connection, "id INTEGER PRIMARY KEY, name VARCHAR(20)")
        for (const [, buffered] of kinds) {
          const cursor = yield* Cursor.make(connection, { buffered })
          const insert = `INSERT INTO ${t} (id) VALUES (?)`
          expect(yield* cursor.executeMany(insert, [1, 2, 3])).toBe(3)
          expect(yield* cursor.executeMany(`INSERT INTO ${t} VALUES (:id, :name)`, [{ id: 4, name: "d" }])).toBe(1)
          expect(yield* cursor.executeMany(insert, [])).toBe(0)
          expect(yield* cursor.execute(insert, [])).toBe(0)
          expect(yield* cursor.executeMany(`DELETE FROM ${t}`, [])).toBe(0)
          expect(yield* cursor.rowCount).toBe(0)
          expect(yield* Effect.flip(cursor.fetchAll)).toMatchObject(cursorState)
          expect(yield* rowsOf(cursor, `SELECT count(*) FROM ${t}`)).toEqual([[4]])
          expect(
            yield* cursor.executeMany(`UPDATE ${t} SET name = ? WHERE id <= ?`, [
              ["x", 2],
              ["y", 1]
            ])
          ).toBe(3)
          // The rows of before are still coming when the next statement is executed.
          yield* cursor.execute(numbers(backend, 1_000))
          yield* cursor.fetchOne
          expect(yield* cursor.executeMany(`DELETE FROM ${t} WHERE id = ?`, [1, 2, 3, 4])).toBe(4)
        }
      })
    )

    withConnection(backend, "refuses sets that do not fit the markers, also the second", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        const refused = (statement: string, sets: unknown) =>
          Effect.flip(cursor.executeMany(statement, sets as ReadonlyArray<Statement.ParameterSet>))
        expect(yield* refused("SELECT ?", 5)).toMatchObject({ _tag: "ArgumentError", argument: "sets" })
        expect(yield* refused("SELECT ?, ?", [[1, 2], { a: 1 }])).toMatchObject({ _tag: "ArgumentError" })
        expect(yield* refused("SELECT ?", [1, undefined])).toMatchObject({ _tag: "ArgumentError" })
        expect(yield* refused("SELECT ?", [[1], [1, 2]])).toMatchObject({ argument: "parameters[1]" })
        expect(yield* refused("  ", [])).toMatchObject({ argument: "statement" })
      })
    )
  })

  describe("Cursor fetching", () => {
    for (const [kind, buffered] of kinds) {
      withConnection(backend, `gives arraySize rows unless told, and fewer at the end, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered, arraySize: 2 })
          expect(yield* cursor.arraySize).toBe(2)
          yield* cursor.execute(`${threeRows} UNION ALL SELECT 4 UNION ALL SELECT 5`)
          expect(yield* cursor.fetchMany()).toEqual([[1], [2]])
          yield* cursor.setArraySize(1)
          expect(yield* cursor.fetchMany()).toEqual([[3]])
          expect(yield* cursor.fetchMany(10)).toEqual([[4], [5]])
          expect(yield* cursor.fetchMany(10)).toEqual([])
          expect(yield* cursor.fetchOne).toEqual(Option.none())
          expect(yield* cursor.fetchAll).toEqual([])
          for (const size of [0, -1, 1.5, Number.NaN]) {
            expect(yield* Effect.flip(cursor.fetchMany(size))).toMatchObject({
              _tag: "ArgumentError",
              argument: "size"
            })
            expect(yield* Effect.flip(cursor.setArraySize(size))).toMatchObject({ argument: "size" })
            expect(yield* Effect.flip(Cursor.make(connection, { arraySize: size }))).toMatchObject({
              argument: "arraySize"
            })
          }
          const other = yield* Cursor.make(connection)
          expect(yield* other.arraySize).toBe(1)
        })
      )

      withConnection(backend, `gives thousands of rows in order, however they are asked for, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered })
          yield* cursor.execute(numbers(backend, 10_000))
          const found: Array<unknown> = []
          for (let i = 0; i < 100; i++) {
            const one = yield* cursor.fetchOne
            if (Option.isSome(one)) found.push(one.value[0])
            for (const row of yield* cursor.fetchMany(i).pipe(Effect.orElseSucceed(() => []))) found.push(row[0])
            expect(yield* cursor.rowNumber).toBe(found.length)
          }
          for (const row of yield* cursor.fetchAll) found.push(row[0])
          expect(found).toEqual(Array.from({ length: 10_000 }, (_, i) => i + 1))
          expect(connection.state()).toBe("idle")
        })
      )
    }

    withConnection(backend, "before a statement, without rows, and after close is a typed error", (connection) =>
      Effect.gen(function* () {
        for (const [, buffered] of kinds) {
          const cursor = yield* Cursor.make(connection, { buffered })
          const reading: ReadonlyArray<Effect.Effect<unknown, Errors.StatementError>> = [
            cursor.fetchOne,
            cursor.fetchMany(2),
            cursor.fetchAll,
            Stream.runCollect(cursor.stream),
            cursor.scroll(0)
          ]
          for (const read of reading) expect(yield* Effect.flip(read)).toMatchObject(cursorState)
          expect(yield* Effect.flip(cursor.nextSet)).toMatchObject(cursorState)
          expect(yield* Effect.flip(cursor.warnings)).toMatchObject(cursorState)
          expect(yield* Effect.flip(cursor.outParameters)).toMatchObject(cursorState)
          expect([yield* cursor.rowCount, yield* cursor.rowNumber, yield* cursor.warningCount]).toEqual([-1, 0, -1])

          yield* temporary(connection, "id INTEGER")
          yield* cursor.execute(`CREATE TEMPORARY TABLE ${tableName()} (id INTEGER)`)
          for (const read of reading) expect(yield* Effect.flip(read)).toMatchObject(cursorState)
          expect(yield* cursor.nextSet).toBe(false)

          yield* cursor.execute(threeRows)
          expect(yield* cursor.isClosed).toBe(false)
          yield* cursor.close
          yield* cursor.close
          expect(yield* cursor.isClosed).toBe(true)
          const closed: ReadonlyArray<Effect.Effect<unknown, Errors.StatementError>> = [
            ...reading,
            cursor.execute("SELECT 1"),
            cursor.executeMany("SELECT ?", [1]),
            cursor.callProc("p"),
            cursor.outParameters,
            cursor.nextSet,
            cursor.warnings,
            cursor.mogrify("SELECT 1")
          ]
          for (const each of closed) {
            expect(yield* Effect.flip(each)).toMatchObject({ ...cursorState, message: "the cursor is closed" })
          }
        }
      })
    )

    withConnection(backend, "of a value that the options cannot hold fails, and frees the connection", (connection) =>
      Effect.gen(function* () {
        const t = yield* temporary(connection, "id BIGINT", "(1), (9007199254740993), (2)")
        for (const [, buffered] of kinds) {
          const cursor = yield* Cursor.make(connection, { buffered })
          const error = yield* Effect.flip(rowsOf(cursor, `SELECT id FROM ${t}`))
          expect(error).toMatchObject({ _tag: "DataError", reason: "UnsafeInteger" })
          if (!buffered) expect(yield* Effect.flip(cursor.fetchOne)).toMatchObject({ reason: "UnsafeInteger" })
          expect(connection.state()).toBe("idle")
          const exact = yield* Cursor.make(connection, { buffered, integers: "bigint" })
          expect(yield* rowsOf(exact, `SELECT id FROM ${t}`)).toEqual([[1n], [9007199254740993n], [2n]])
        }
      })
    )
  })

  describe("Cursor.scroll", () => {
    withConnection(backend, "moves a buffered cursor to and fro, and not out of its rows", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        const outOfRange = { _tag: "ArgumentError", argument: "value" }
        const at = (row: number) =>
          Effect.gen(function* () {
            expect(yield* cursor.rowNumber).toBe(row)
            expect(yield* cursor.fetchOne).toEqual(Option.some([row + 1]))
          })
        yield* cursor.execute(`${threeRows} UNION ALL SELECT 4`)
        yield* cursor.scroll(1)
        yield* at(1)
        yield* cursor.scroll(-2)
        yield* at(0)
        yield* cursor.scroll(3, "absolute")
        yield* at(3)
        // Behind the last row; back from there.
        yield* cursor.scroll(-1)
        yield* at(3)
        yield* cursor.scroll(0, "absolute")
        yield* cursor.scroll(0)
        for (const [value, mode] of [
          [-1, "relative"],
          [4, "relative"],
          [-1, "absolute"],
          [4, "absolute"],
          [1_000, "relative"]
        ] as const) {
          expect(yield* Effect.flip(cursor.scroll(value, mode))).toMatchObject({
            ...outOfRange,
            message: expect.stringContaining("a row from 0 to 3")
          })
        }
        yield* at(0)
        expect(yield* Effect.flip(cursor.scroll(0.5))).toMatchObject(outOfRange)
        expect(yield* Effect.flip(cursor.scroll(0, "sideways" as "relative"))).toMatchObject({ argument: "mode" })
        yield* cursor.execute("SELECT 1 AS a WHERE 1 = 0")
        expect(yield* Effect.flip(cursor.scroll(0))).toMatchObject(outOfRange)
      })
    )

    withConnection(backend, "moves an unbuffered cursor forward only", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection, { buffered: false })
        yield* cursor.execute(numbers(backend, 10_000))
        yield* cursor.scroll(9)
        expect(Option.map(yield* cursor.fetchOne, ([i]) => i)).toEqual(Option.some(10))
        yield* cursor.scroll(7_000, "absolute")
        expect(yield* cursor.rowNumber).toBe(7_000)
        expect(Option.map(yield* cursor.fetchOne, ([i]) => i)).toEqual(Option.some(7_001))
        yield* cursor.scroll(0)
        for (const [value, mode] of [
          [-1, "relative"],
          [7_000, "absolute"],
          [-5, "absolute"]
        ] as const) {
          expect(yield* Effect.flip(cursor.scroll(value, mode))).toMatchObject({ _tag: "NotSupportedError" })
        }
        expect(yield* cursor.rowNumber).toBe(7_001)
        yield* cursor.scroll(9_999, "absolute")
        expect((yield* cursor.fetchAll).map(([i]) => i)).toEqual([10_000])
        expect(yield* Effect.flip(cursor.scroll(0))).toMatchObject({ _tag: "ArgumentError", argument: "value" })

        yield* cursor.execute(numbers(backend, 300))
        expect(yield* Effect.flip(cursor.scroll(300))).toMatchObject({ _tag: "ArgumentError", argument: "value" })
        expect(yield* cursor.rowNumber).toBe(300)
        expect(yield* cursor.fetchAll).toEqual([])
        expect(connection.state()).toBe("idle")
      })
    )
  })

  describe("Cursor.nextSet", () => {
    for (const [kind, buffered] of kinds) {
      withConnection(backend, `is false after the only result set, whose numbers stay, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered })
          yield* cursor.execute(numbers(backend, 2_000))
          yield* cursor.fetchOne
          expect(yield* cursor.nextSet).toBe(false)
          expect(yield* cursor.nextSet).toBe(false)
          expect(yield* cursor.fetchAll).toEqual([])
          expect(yield* cursor.rowCount).toBe(buffered ? 2_000 : -1)
          expect(Option.isSome(yield* cursor.description)).toBe(true)
          expect(connection.state()).toBe("idle")
        })
      )
    }
  })

  describe("Cursor.mogrify", () => {
    const values: ReadonlyArray<readonly [type: string, value: Cursor.SingleParameter]> = [
      ["INTEGER", null],
      ["INTEGER", true],
      ["INTEGER", -7],
      ["BIGINT", 2n ** 62n],
      ["DOUBLE", 0.1],
      ["DOUBLE", -1e300],
      ["VARCHAR(40)", "plain"],
      ["VARCHAR(40)", "o'clock, \"quoted\" ''"],
      ["VARCHAR(40)", "back \\ slash \\n \\' \\0 \\"],
      ["VARCHAR(40)", "? and :name -- no comment"],
      ["VARCHAR(40)", "é 🐘\n"],
      ["DATETIME(3)", new Date("2024-02-03T04:05:06.789Z")],
      ["DECIMAL(30,3)", BigDecimal.unsafeFromString("123456789012.901")],
      ["BLOB", Uint8Array.of(0, 39, 92, 255)]
    ]
    withConnection(backend, "gives a text that means what the statement and its parameters do", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection, { integers: "bigint" })
        for (const [type, value] of values) {
          const t = yield* temporary(connection, `id INTEGER, v ${type}, mark VARCHAR(9)`)
          const insert = `INSERT INTO ${t} VALUES (:id, :v, ':v ?') -- :v`
          yield* cursor.execute(insert, { id: 1, v: value })
          const text = yield* cursor.mogrify(insert, { id: 2, v: value })
          yield* cursor.execute(text)
          const [bound, written] = yield* rowsOf(cursor, `SELECT v, mark FROM ${t} ORDER BY id`)
          expect([text, bound]).toEqual([text, written])
        }
        expect(yield* cursor.mogrify("INSERT INTO tbl VALUES (?, ?)", [1, "a"])).toBe("INSERT INTO tbl VALUES (1, 'a')")
        expect(yield* cursor.mogrify("SELECT :a, :b, :a", { a: 1, b: "x" })).toBe("SELECT 1, 'x', 1")
        expect(yield* cursor.mogrify("SELECT 1")).toBe("SELECT 1")
      })
    )

    withConnection(backend, "sends nothing, hides what is Redacted, and refuses what does not fit", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        yield* cursor.execute(threeRows)
        const secret = Redacted.make("hunter2")
        expect(yield* cursor.mogrify("SELECT * FROM nowhere WHERE a = ?", secret)).toBe(
          "SELECT * FROM nowhere WHERE a = '<redacted>'"
        )
        expect(yield* cursor.mogrify("SELECT :a, :b", { a: secret, b: 1 })).toBe("SELECT '<redacted>', 1")
        expect(yield* Effect.flip(cursor.mogrify("SELECT ?", [1, 2]))).toMatchObject({ _tag: "ArgumentError" })
        expect(yield* Effect.flip(cursor.mogrify("SELECT ?", [[1], [2]]))).toMatchObject({ _tag: "ArgumentError" })
        expect(yield* cursor.fetchAll).toEqual([[1], [2], [3]])
      })
    )
  })

  describe("Cursor.description", () => {
    for (const [kind, buffered] of kinds) {
      withConnection(backend, `has the seven fields of PEP 249 for each column, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered })
          expect(yield* cursor.description).toEqual(Option.none())
          const t = yield* temporary(
            connection,
            "id INTEGER NOT NULL, price DECIMAL(10,2), name VARCHAR(20) NOT NULL, made DATETIME, picture BLOB, many BIGINT"
          )
          yield* cursor.execute(`SELECT id, price, name, made, picture, many FROM ${t}`)
          const columns = Option.getOrThrow(yield* cursor.description)
          expect(columns.map(({ name, typeCode, table }) => [name, typeCode, table])).toEqual([
            ["id", "NUMBER", t],
            ["price", "NUMBER", t],
            ["name", "STRING", t],
            ["made", "DATETIME", t],
            ["picture", "BINARY", t],
            ["many", "NUMBER", t]
          ])
          const [id, price, name] = columns
          expect([price?.precision, price?.scale]).toEqual([10, 2])
          expect([id?.precision, id?.scale, name?.precision, name?.scale]).toEqual(Array(4).fill(undefined))
          expect(name?.displaySize).toBe(20)
          expect(name?.internalSize).toBe(backend.isServer ? 80 : undefined)
          expect([id?.nullOk, price?.nullOk]).toEqual(backend.isServer ? [false, true] : [undefined, undefined])
          yield* cursor.fetchAll
          yield* cursor.execute(`DELETE FROM ${t}`)
          expect(yield* cursor.description).toEqual(Option.none())
        })
      )
    }
  })

  describe("Cursor rows", () => {
    withConnection(
      backend,
      "are tuples, or dicts of which the second column of a name has its table before it",
      (connection) =>
        Effect.gen(function* () {
          const a = yield* temporary(connection, "id INTEGER, name VARCHAR(20)", "(1, 'x'), (2, 'y')")
          const b = yield* temporary(connection, "id INTEGER, a_id INTEGER", "(10, 1), (20, 2)")
          const joined = `SELECT * FROM ${a} JOIN ${b} ON ${a}.id = ${b}.a_id ORDER BY ${a}.id`
          for (const [, buffered] of kinds) {
            const tuples = yield* Cursor.make(connection, { buffered, rows: "tuple" })
            expect(yield* rowsOf(tuples, joined)).toEqual([
              [1, "x", 10, 1],
              [2, "y", 20, 2]
            ])
            const dicts = yield* Cursor.make(connection, { buffered, rows: "dict" })
            expect(yield* rowsOf(dicts, joined)).toEqual([
              { id: 1, name: "x", [`${b}.id`]: 10, a_id: 1 },
              { id: 2, name: "y", [`${b}.id`]: 20, a_id: 2 }
            ])
            yield* dicts.execute(joined)
            expect(Option.map(yield* dicts.fetchOne, (row) => Object.keys(row))).toEqual(
              Option.some(["id", "name", `${b}.id`, "a_id"])
            )
            expect(yield* dicts.fetchMany(5)).toEqual([{ id: 2, name: "y", [`${b}.id`]: 20, a_id: 2 }])
          }
        })
    )

    withConnection(backend, "lose no value, whatever the columns are called", (connection) =>
      Effect.gen(function* () {
        const t = yield* temporary(connection, "id INTEGER", "(5)")
        const cursor = yield* Cursor.make(connection, { rows: "dict" })
        expect(yield* rowsOf(cursor, "SELECT 1 AS a, 2 AS a, 3 AS a, 4 AS a_1")).toEqual([
          { a: 1, a_1: 2, a_2: 3, a_1_1: 4 }
        ])
        expect(yield* rowsOf(cursor, `SELECT id, id, id FROM ${t}`)).toEqual([{ id: 5, [`${t}.id`]: 5, id_1: 5 }])
        yield* cursor.execute(
          "SELECT 1 AS `__proto__`, 2 AS `constructor`, 3 AS `7`".replaceAll("`", backend.isServer ? "`" : '"')
        )
        const [row = {}] = yield* cursor.fetchAll
        expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
        expect([Object.entries(row).length, Reflect.getOwnPropertyDescriptor(row, "__proto__")?.value]).toEqual([3, 1])
      })
    )

    withConnection(
      backend,
      "mix buffered, tuple or dict and parsed or text JSON as the classes of aiomysql are mixed",
      (connection) =>
        Effect.gen(function* () {
          const t = yield* temporary(connection, "id INTEGER, document JSON", `(1, '{"a": [1, 2]}'), (2, NULL)`)
          for (const [, buffered] of kinds) {
            for (const json of ["parsed", "text"] as const) {
              const text = yield* Cursor.make(connection, { json: "text" })
              yield* text.execute(`SELECT document FROM ${t} WHERE id = 1`)
              const document = json === "parsed" ? { a: [1, 2] } : Option.getOrThrow(yield* text.fetchOne)[0]
              expect(typeof document).toBe(json === "parsed" ? "object" : "string")
              const select = `SELECT id, document FROM ${t} ORDER BY id`
              const tuples = yield* Cursor.make(connection, { buffered, json })
              expect(yield* rowsOf(tuples, select)).toEqual([
                [1, document],
                [2, null]
              ])
              const dicts = yield* Cursor.make(connection, { buffered, json, rows: "dict" })
              expect(yield* rowsOf(dicts, select)).toEqual([
                { id: 1, document },
                { id: 2, document: null }
              ])
            }
          }
        })
    )

    withConnection(
      backend,
      "have the types of the cursor's value options, over those of its connection",
      (connection) =>
        Effect.gen(function* () {
          const t = yield* temporary(
            connection,
            "id BIGINT, price DECIMAL(10,2), made DATETIME, flag TINYINT(1)",
            "(1, 1.50, '2024-02-03 04:05:06', 1)"
          )
          const plain = yield* Cursor.make(connection)
          expect(yield* rowsOf(plain, `SELECT * FROM ${t}`)).toEqual([[1n, "1.50", "2024-02-03 04:05:06", 1]])
          for (const [, buffered] of kinds) {
            const cursor = yield* Cursor.make(connection, {
              buffered,
              integers: "string",
              decimals: "BigDecimal",
              booleans: "boolean"
            })
            expect(yield* rowsOf(cursor, `SELECT * FROM ${t}`)).toEqual([
              ["1", BigDecimal.unsafeFromString("1.50"), "2024-02-03 04:05:06", true]
            ])
          }
        }),
      { integers: "bigint", dateTimes: "string" }
    )

    withConnection(backend, "of options that are not known or do not fit are refused by name", (connection) =>
      Effect.gen(function* () {
        for (const [options, argument] of [
          [{ rows: "list" }, "rows"],
          [{ buffered: "no" }, "buffered"],
          [{ arraySize: "1" }, "arraySize"],
          [{ json: "xml" }, "json"],
          [{ integer: "bigint" }, "integer"]
        ] as const) {
          const error = yield* Effect.flip(Cursor.make(connection, options as unknown as Cursor.Options))
          expect(error._tag).toBe("ArgumentError")
          expect(error.argument).toContain(argument)
        }
      })
    )
  })

  describe("Cursor, unbuffered,", () => {
    withConnection(
      backend,
      "lets its connection take no other statement before the last row, and every one after",
      (connection) =>
        Effect.gen(function* () {
          const streaming = yield* Cursor.make(connection, { buffered: false })
          const other = yield* Cursor.make(connection)
          const another = yield* Cursor.make(connection, { buffered: false })
          yield* streaming.execute(numbers(backend, 5_000))
          yield* streaming.fetchOne
          expect(connection.state()).toBe("streaming")
          for (const cursor of [other, another]) {
            expect(yield* Effect.flip(cursor.execute("SELECT 1"))).toMatchObject({ _tag: "InvalidRequestError" })
            expect(yield* Effect.flip(cursor.executeMany("SELECT ?", [1]))).toMatchObject({
              _tag: "InvalidRequestError"
            })
          }
          expect(yield* Effect.flip(streaming.warnings)).toMatchObject({ _tag: "InvalidRequestError" })
          expect(yield* streaming.fetchAll).toHaveLength(4_999)
          for (const cursor of [other, another]) expect(yield* rowsOf(cursor, "SELECT 1")).toEqual([[1]])
        })
    )

    withConnection(
      backend,
      "is free for the next statement of its own, and after close for everybody's",
      (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered: false })
          for (let i = 0; i < 3; i++) {
            yield* cursor.execute(numbers(backend, 10_000))
            expect(yield* cursor.fetchMany(3)).toHaveLength(3)
          }
          expect(yield* rowsOf(cursor, "SELECT 1")).toEqual([[1]])
          yield* cursor.execute(numbers(backend, 10_000))
          yield* cursor.fetchOne
          yield* cursor.close
          expect(connection.state()).toBe("idle")
          const other = yield* Cursor.make(connection)
          expect(yield* rowsOf(other, "SELECT 2")).toEqual([[2]])
        })
    )

    withConnection(
      backend,
      "is ended by its scope, and leaves its connection free or ended, in no time",
      (connection) =>
        Effect.gen(function* () {
          for (const count of [10, 10_000]) {
            const body = Effect.gen(function* () {
              const cursor = yield* Cursor.make(connection, { buffered: false })
              yield* cursor.execute(numbers(backend, count))
              yield* cursor.fetchOne
            })
            yield* Effect.timeout(Effect.scoped(body), "2 seconds")
            if (count === 10) expect(connection.state()).toBe("idle")
            else expect(["idle", "spent"]).toContain(connection.state())
          }
        })
    )

    withConnection(
      backend,
      "holds a bounded part of what it reads, however slowly it is fetched, streamed or scrolled",
      (connection) =>
        Effect.gen(function* () {
          const text = backend.isServer ? "REPEAT('x', 1000)" : "printf('%01000d', 0)"
          const big = numbers(backend, 10_000).replace(/SELECT i, .*? AS text/, `SELECT i, ${text} AS text`)
          // 10,000 rows of 1,000 characters, seven times over: 70 MB.
          const sql = `SELECT n.i, n.text FROM (${big}) n CROSS JOIN (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7) m`
          const cursor = yield* Cursor.make(connection, { buffered: false })
          // What the first reading needs for good, such as code, is not what is measured.
          yield* cursor.execute(numbers(backend, 1_000))
          yield* cursor.fetchAll
          const before = held()
          let most = 0
          const look = Effect.sync(() => {
            most = Math.max(most, held() - before)
          })
          yield* cursor.execute(sql)
          for (let i = 0; i < 10; i++) yield* Effect.zipRight(cursor.fetchMany(1_000), look)
          yield* cursor.scroll(10_000)
          yield* look
          let rows = 0
          yield* cursor.stream.pipe(
            Stream.runForEachChunk((chunk) => {
              rows += chunk.length
              expect(chunk.length).toBeLessThanOrEqual(256)
              return rows % 10_240 < 256 ? Effect.zipRight(Effect.sleep("5 millis"), look) : Effect.void
            })
          )
          expect(rows).toBe(50_000)
          expect(most).toBeLessThan(10)
        }),
      {},
      60_000
    )
  })

  describe("Cursor.stream", () => {
    for (const [kind, buffered] of kinds) {
      withConnection(backend, `gives the rows that are left in chunks, ${kind}`, (connection) =>
        Effect.gen(function* () {
          for (const rows of ["tuple", "dict"] as const) {
            const cursor = yield* Cursor.make(connection, { buffered, rows })
            yield* cursor.execute(numbers(backend, 3_000))
            yield* cursor.scroll(10)
            const chunks = yield* Stream.runCollect(Stream.chunks(cursor.stream))
            const found = Chunk.toReadonlyArray(Chunk.flatten(chunks)).map((row) => Object.values(row)[0])
            expect(found).toEqual(Array.from({ length: 2_990 }, (_, i) => i + 11))
            expect(chunks.length).toBeGreaterThan(5)
            expect(yield* cursor.fetchOne).toEqual(Option.none())
            expect(connection.state()).toBe("idle")
          }
        })
      )

      withConnection(backend, `that ends early leaves the rest to be fetched, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered })
          yield* cursor.execute(numbers(backend, 2_000))
          expect(yield* Stream.runCount(Stream.take(cursor.stream, 1))).toBe(1)
          // A chunk was taken, and its rows count as fetched.
          const place = yield* cursor.rowNumber
          expect(place).toBeLessThanOrEqual(256)
          expect((yield* cursor.fetchAll).length).toBe(2_000 - place)
        })
      )

      withConnection(
        backend,
        `fails when the cursor is moved to other rows or closed meanwhile, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            for (const [move, message] of [
              [(cursor: Cursor.Cursor) => cursor.execute("SELECT 1"), "moved away"],
              [(cursor: Cursor.Cursor) => cursor.close, "closed"]
            ] as const) {
              const cursor = yield* Cursor.make(connection, { buffered })
              yield* cursor.execute(numbers(backend, 2_000))
              const moved = Stream.tap(cursor.stream, () => move(cursor))
              const error = yield* Effect.flip(Stream.runDrain(moved))
              expect(error).toMatchObject({ ...cursorState, message: expect.stringContaining(message) })
              yield* cursor.close
            }
          })
      )
    }

    withConnection(backend, "can be run by one fiber while others wait for their turns", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection, { buffered: false })
        yield* cursor.execute(numbers(backend, 5_000))
        const counts = yield* Effect.all(
          [
            Stream.runCount(cursor.stream),
            Effect.iterate(0, { while: (n) => n < 1_000, body: (n) => Effect.as(cursor.fetchOne, n + 1) }),
            Stream.runCount(cursor.stream)
          ],
          { concurrency: "unbounded" }
        )
        expect(counts[0] + counts[1] + counts[2]).toBeGreaterThanOrEqual(5_000)
        expect(counts[0] + counts[2]).toBeLessThanOrEqual(5_000)
        expect(connection.state()).toBe("idle")
      })
    )
  })

  describe("Cursor and its scope", () => {
    withConnection(
      backend,
      "the end of the scope closes the cursor, also while a fiber is in the middle of something",
      (connection) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const cursor = yield* Scope.extend(Cursor.make(connection, { buffered: false }), scope)
          yield* cursor.execute(numbers(backend, 10_000))
          const started = yield* Deferred.make<void>()
          const fiber = yield* Effect.forkDaemon(
            cursor.stream.pipe(
              Stream.tap(() => Deferred.succeed(started, undefined)),
              Stream.rechunk(1),
              Stream.tap(() => Effect.yieldNow()),
              Stream.runDrain,
              Effect.exit
            )
          )
          yield* Deferred.await(started)
          yield* Scope.close(scope, Exit.void)
          const exit = yield* Fiber.join(fiber)
          expect(yield* cursor.isClosed).toBe(true)
          expect(yield* Effect.flip(cursor.fetchOne)).toMatchObject(cursorState)
          if (Exit.isFailure(exit)) expect(String(exit.cause)).toContain("the cursor is closed")
          expect(connection.state()).not.toBe("streaming")
        })
    )

    withConnection(backend, "cursors of one connection keep apart", (connection) =>
      Effect.gen(function* () {
        const [a, b] = [yield* Cursor.make(connection), yield* Cursor.make(connection, { rows: "dict" })]
        yield* a.execute(threeRows)
        yield* b.execute("SELECT 4 AS b UNION ALL SELECT 5")
        expect([yield* a.fetchOne, yield* b.fetchOne]).toEqual([Option.some([1]), Option.some({ b: 4 })])
        yield* b.close
        expect(yield* a.fetchAll).toEqual([[2], [3]])
        expect(a.connection).toBe(connection)
      })
    )
  })

  if (!backend.isServer) {
    describe("Cursor of an embedded database", () => {
      withConnection(backend, "has no procedures, and no warnings", (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection)
          expect(yield* Effect.flip(cursor.callProc("p", [1]))).toMatchObject({ _tag: "NotSupportedError" })
          yield* cursor.execute("SELECT 'a' + 1")
          expect([yield* cursor.warningCount, yield* cursor.warnings, yield* connection.warnings]).toEqual([0, [], []])
        })
      )

      withConnection(backend, "counts the rows that RETURNING gave, also unbuffered", (connection) =>
        Effect.gen(function* () {
          const t = yield* temporary(connection, `id ${backend.autoIncrement}, name VARCHAR(20)`)
          for (const [, buffered] of kinds) {
            const cursor = yield* Cursor.make(connection, { buffered })
            yield* cursor.execute(`INSERT INTO ${t} (name) VALUES ('a'), ('b') RETURNING name`)
            expect(yield* cursor.fetchAll).toEqual([["a"], ["b"]])
            expect(yield* cursor.lastRowId).toBe(buffered ? 2 : 4)
          }
        })
      )
    })
  }
}

// What cursors promise on servers: procedures, several result sets, warnings.
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Either, Fiber, Option, type Scope, Stream } from "effect"
import { Connection, Cursor, type Errors, type Value } from "effect-sa"
import { type Backend, tableName } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"
import { held } from "../support/wire/Memory.js"
import { withConnection } from "./Cursor.js"

const cursorState = { _tag: "ProgrammingError", reason: "CursorState" }

const kinds: ReadonlyArray<readonly [kind: string, buffered: boolean]> = [
  ["buffered", true],
  ["unbuffered", false]
]

/** 10,000 rows with a text of so many characters. */
const manyRows = (length: number): string => {
  const digits =
    "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 " +
    "UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
  return `SELECT a.d AS n, REPEAT('x', ${length}) AS text FROM ${digits} a, ${digits} b, ${digits} c, ${digits} d`
}

/** Every result set that is left: its rows, or none where it has none. */
const resultSets = <A extends object>(
  cursor: Cursor.Cursor<A>
): Effect.Effect<ReadonlyArray<ReadonlyArray<A> | undefined>, Errors.StatementError> =>
  Effect.gen(function* () {
    const found: Array<ReadonlyArray<A> | undefined> = []
    do {
      found.push(Option.isSome(yield* cursor.description) ? yield* cursor.fetchAll : undefined)
    } while (yield* cursor.nextSet)
    return found
  })

export const serverCursorContract = (backend: Backend): void => {
  /** Executes by a connection of its own, which no test spends. */
  const setUp = (...statements: ReadonlyArray<string>): Effect.Effect<void, unknown> =>
    Effect.scoped(
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(yield* Connection.make({ url: backend.url }))
        for (const statement of statements) yield* cursor.execute(statement)
      })
    )

  /** A procedure that is there while the scope lives. */
  const procedure = (definition: string, quoted?: string): Effect.Effect<string, unknown, Scope.Scope> => {
    const name = quoted ?? tableName("p")
    return Effect.acquireRelease(Effect.as(setUp(`CREATE PROCEDURE ${name}${definition}`), name), () =>
      Effect.ignore(setUp(`DROP PROCEDURE ${name}`))
    )
  }

  describe("Cursor.callProc", () => {
    for (const [kind, buffered] of kinds) {
      withConnection(backend, `gives the result sets of a procedure, one after the other, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const p = yield* procedure(
            "(n INT) BEGIN SELECT n AS a; SELECT n + 1 AS b, 'x' AS c UNION SELECT 0, 'y'; END"
          )
          const tuples = yield* Cursor.make(connection, { buffered })
          // The end of a call is a result set without rows.
          expect(yield* tuples.callProc(p, [4])).toBe(buffered ? 1 : -1)
          expect(yield* resultSets(tuples)).toEqual([
            [[4]],
            [
              [5, "x"],
              [0, "y"]
            ],
            undefined
          ])
          expect(yield* tuples.outParameters).toEqual({})
          const dicts = yield* Cursor.make(connection, { buffered, rows: "dict" })
          yield* dicts.callProc(p, [7])
          expect(yield* resultSets(dicts)).toEqual([
            [{ a: 7 }],
            [
              { b: 8, c: "x" },
              { b: 0, c: "y" }
            ],
            undefined
          ])
          expect(connection.state()).toBe("idle")
        })
      )

      withConnection(
        backend,
        `gives OUT and INOUT parameters by name, with the types that they are declared with, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            const p = yield* procedure(
              `(IN a INT, OUT i INT, OUT u BIGINT UNSIGNED, OUT d DECIMAL(10,2), OUT f FLOAT, OUT s VARCHAR(10), OUT t TEXT,
              OUT l VARCHAR(10) CHARACTER SET latin1, OUT e ENUM('x', 'é'), OUT day DATE, OUT at DATETIME, OUT fine DATETIME(6),
              OUT time TIME(3), OUT bytes VARBINARY(10), OUT picture BLOB, OUT none VARCHAR(10), INOUT io INT)
            BEGIN
              SELECT a AS first;
              SET i = -a, u = 18446744073709551615, d = 12.3, f = 0.1, s = 'héllo', t = '🐘', l = 'é', e = 'é',
                day = '2024-02-03', at = '2024-02-03 04:05:06', fine = '2024-02-03 04:05:06.123456', time = '-26:01:02.5',
                bytes = x'c3a9', picture = x'00ff', io = io + 1;
              SELECT a AS second;
            END`
            )
            const cursor = yield* Cursor.make(connection, { buffered, integers: "bigint" })
            const parameters: Array<Value.Parameter> = Array(17).fill(null)
            parameters[0] = 3
            parameters[16] = 41
            yield* cursor.callProc(p, parameters)
            expect(yield* resultSets(cursor)).toEqual([[[3]], [[3]], undefined])
            const expected = {
              i: -3,
              u: 18446744073709551615n,
              d: "12.30",
              f: 0.1,
              s: "héllo",
              t: "🐘",
              l: "é",
              e: "é",
              day: "2024-02-03",
              at: new Date("2024-02-03T04:05:06Z"),
              fine: "2024-02-03 04:05:06.123456",
              time: "-26:01:02.500",
              bytes: Uint8Array.of(0xc3, 0xa9),
              picture: Uint8Array.of(0, 255),
              none: null,
              io: 42
            }
            expect(yield* cursor.outParameters).toEqual(expected)
            expect(yield* cursor.outParameters).toEqual(expected)
          })
      )

      withConnection(
        backend,
        `of a procedure without result sets is at its end, and knows its OUT parameters, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            const p = yield* procedure(
              "(IN a INT, IN b INT, OUT quotient INT, OUT rest INT) SET quotient = a DIV b, rest = a MOD b"
            )
            const cursor = yield* Cursor.make(connection, { buffered })
            for (const [a, b] of [
              [7, 2],
              [20, 6]
            ] as const) {
              expect(yield* cursor.callProc(p, [a, b, null, null])).toBe(0)
              expect(yield* cursor.description).toEqual(Option.none())
              expect(yield* cursor.outParameters).toEqual({ quotient: Math.floor(a / b), rest: a % b })
              expect(yield* cursor.nextSet).toBe(false)
              expect(yield* cursor.outParameters).toEqual({ quotient: Math.floor(a / b), rest: a % b })
            }
            expect(connection.state()).toBe("idle")
            yield* cursor.execute("SELECT 1")
            expect(yield* Effect.flip(cursor.outParameters)).toMatchObject(cursorState)
          })
      )

      withConnection(
        backend,
        `of a procedure without parameters and rows is one result set, its end, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            const t = tableName()
            const p = yield* procedure(
              `() BEGIN CREATE TEMPORARY TABLE ${t} (id INT); INSERT INTO ${t} VALUES (1), (2); END`
            )
            const cursor = yield* Cursor.make(connection, { buffered })
            yield* cursor.callProc(p)
            expect(yield* resultSets(cursor)).toEqual([undefined])
            yield* cursor.execute(`SELECT count(*) FROM ${t}`)
            expect(yield* cursor.fetchAll).toEqual([[2]])
          })
      )
    }

    withConnection(
      backend,
      "of an unbuffered cursor knows OUT parameters only when it has come to the end",
      (connection) =>
        Effect.gen(function* () {
          const p = yield* procedure("(OUT a INT) BEGIN SET a = 5; SELECT 1; SELECT 2; END")
          const cursor = yield* Cursor.make(connection, { buffered: false })
          yield* cursor.callProc(p, [null])
          expect(yield* Effect.flip(cursor.outParameters)).toMatchObject({
            ...cursorState,
            message: expect.stringContaining("nextSet")
          })
          expect([yield* cursor.nextSet, yield* cursor.nextSet]).toEqual([true, true])
          expect(yield* cursor.outParameters).toEqual({ a: 5 })
          const buffered = yield* Cursor.make(connection)
          yield* buffered.callProc(p, [null])
          expect(yield* buffered.outParameters).toEqual({ a: 5 })
          expect(yield* buffered.fetchAll).toEqual([[1]])
        })
    )

    withConnection(backend, "takes the name as it is, with its database or without, whatever is in it", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        const database = tableName("odd-db ")
        yield* Effect.acquireRelease(setUp(`CREATE DATABASE \`${database}\``), () =>
          Effect.ignore(setUp(`DROP DATABASE \`${database}\``))
        )
        const quote = (name: string): string => `\`${name.replaceAll("`", "``")}\``
        for (const [i, name] of [
          "plain",
          "with space",
          "o'clock",
          'say "x"',
          "a;b--",
          "sélect",
          "?",
          ":n",
          "a`b",
          "a.b",
          "(x)"
        ].entries()) {
          const odd = `${name} ${process.pid}`
          const given = /[.`]/.test(odd) ? quote(odd) : odd
          yield* procedure("(n INT) SELECT n", quote(odd))
          yield* procedure("(n INT) SELECT -n", `\`${database}\`.${quote(odd)}`)
          yield* cursor.callProc(given, [i])
          expect([name, yield* cursor.fetchAll]).toEqual([name, [[i]]])
          yield* cursor.callProc(quote(odd), [i])
          expect([name, yield* cursor.fetchAll]).toEqual([name, [[i]]])
          yield* cursor.callProc(`${database}.${given}`, [i + 1])
          expect([name, yield* cursor.fetchAll]).toEqual([name, [[-i - 1]]])
        }
      })
    )

    withConnection(backend, "lets nothing but a name be executed by the name", (connection) =>
      Effect.gen(function* () {
        const p = yield* procedure("() SELECT 1")
        const t = tableName()
        const cursor = yield* Cursor.make(connection)
        yield* cursor.execute(`CREATE TEMPORARY TABLE ${t} (id INT)`)
        for (const name of [`${p}(); DROP TABLE ${t}; --`, `${p}() -- `, `${p}\0`, `${p}/* */`, `'${p}'`, `${p}\\`]) {
          const error = yield* Effect.flip(cursor.callProc(name))
          expect([name, error._tag]).toEqual([name, "ProgrammingError"])
        }
        for (const name of ["", ".", "a.", ".b", "a.b.c", "`a", "a`", "a`b", "``", "\ud800", 5, undefined]) {
          const error = yield* Effect.flip(cursor.callProc(name as string))
          expect([name, error._tag]).toEqual([name, "ArgumentError"])
        }
        expect(yield* cursor.execute(`DELETE FROM ${t}`)).toBe(0)
      })
    )

    withConnection(backend, "takes every kind of parameter, arrays and objects as JSON", (connection) =>
      Effect.gen(function* () {
        const p = yield* procedure("(a TEXT, b TEXT) SELECT a, b")
        const cursor = yield* Cursor.make(connection)
        yield* cursor.callProc(p, [[1, 2], [3]])
        expect(yield* cursor.fetchAll).toEqual([["[1,2]", "[3]"]])
        yield* cursor.callProc(p, [{ x: 1 }, Option.none()])
        expect(yield* cursor.fetchAll).toEqual([['{"x":1}', null]])
        const refused = (parameters: unknown) => Effect.flip(cursor.callProc(p, parameters as ReadonlyArray<null>))
        expect(yield* refused([1, undefined])).toMatchObject({ _tag: "ArgumentError", argument: "parameters[1]" })
        expect(yield* refused({ a: 1, b: 2 })).toMatchObject({ _tag: "ArgumentError", argument: "parameters" })
        // Too few and too many are for the server to refuse, and so is a procedure that is not there.
        expect(yield* refused([1])).toMatchObject({ _tag: "ProgrammingError", errno: 1318 })
        expect(yield* refused([1, 2, 3])).toMatchObject({ _tag: "ProgrammingError", errno: 1318 })
        expect(yield* Effect.flip(cursor.callProc("no_such_procedure"))).toMatchObject({ reason: "NoSuchFunction" })
        yield* cursor.callProc(p, ["x", "y"])
        expect(yield* cursor.fetchAll).toEqual([["x", "y"]])
      })
    )

    withConnection(backend, "refuses to give OUT parameters that servers send wrongly", (connection) =>
      Effect.gen(function* () {
        const p = yield* procedure("(OUT a BIT(5), OUT b INT) SET a = b'101', b = 2")
        const cursor = yield* Cursor.make(connection)
        yield* cursor.callProc(p, [null, null])
        const error = yield* Effect.flip(cursor.outParameters)
        expect(error).toMatchObject({ _tag: "NotSupportedError" })
        expect(error.message).toContain('"a"')
      })
    )

    withConnection(
      backend,
      "gives the OUT parameters of a procedure that is dropped, or says that it is gone",
      (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection)
          const p = tableName("p")
          yield* cursor.execute(`CREATE PROCEDURE ${p}(OUT a VARCHAR(10)) SET a = 'x'`)
          yield* cursor.callProc(p, [null])
          const other = yield* Cursor.make(connection)
          yield* other.execute(`DROP PROCEDURE ${p}`)
          // Only MySQL has to be asked what the value is.
          if (backend.name === "mysql")
            expect(yield* Effect.flip(cursor.outParameters)).toMatchObject({ reason: "NoSuchFunction" })
          else expect(yield* cursor.outParameters).toEqual({ a: "x" })
        })
    )

    it.scopedLive(`gives texts to who may execute the procedure and nothing else [${backend.name}]`, () =>
      Effect.gen(function* () {
        const p = yield* procedure("(OUT a VARCHAR(10), OUT b VARBINARY(10)) SET a = 'é', b = 'x'")
        const database = new URL(backend.url).pathname.slice(1)
        const user = tableName("caller")
        yield* Effect.acquireRelease(
          setUp(`CREATE USER ${user}@'%' IDENTIFIED BY 'Secret-1'`, `GRANT EXECUTE ON PROCEDURE ${p} TO ${user}@'%'`),
          () => Effect.ignore(setUp(`DROP USER ${user}@'%'`))
        )
        const url = new URL(backend.url)
        url.username = user
        url.password = "Secret-1"
        const cursor = yield* Cursor.make(yield* Connection.make({ url: url.href }))
        yield* cursor.callProc(`${database}.${p}`, [null, null])
        expect(yield* cursor.outParameters).toEqual({ a: "é", b: Uint8Array.of(120) })
        // A name is not told apart by its case.
        yield* cursor.callProc(p.toUpperCase(), [null, null])
        expect(yield* cursor.outParameters).toEqual({ a: "é", b: Uint8Array.of(120) })
      })
    )
  })

  describe("Cursor.nextSet on a server", () => {
    for (const [kind, buffered] of kinds) {
      withConnection(backend, `passes over what was not fetched of a result set, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const p = yield* procedure(
            `() BEGIN ${manyRows(100)}; SELECT 2 AS two; ${manyRows(10)}; SELECT 4 AS four; END`
          )
          const cursor = yield* Cursor.make(connection, { buffered })
          yield* cursor.callProc(p)
          expect(yield* cursor.fetchMany(3)).toHaveLength(3)
          expect(yield* cursor.nextSet).toBe(true)
          expect([yield* cursor.rowNumber, yield* cursor.fetchAll]).toEqual([0, [[2]]])
          expect(yield* cursor.nextSet).toBe(true)
          expect(yield* cursor.nextSet).toBe(true)
          const description = Option.getOrThrow(yield* cursor.description)
          expect(description.map(({ name }) => name)).toEqual(["four"])
          expect(yield* cursor.fetchOne).toEqual(Option.some([4]))
          expect(yield* cursor.nextSet).toBe(true)
          expect(yield* Effect.flip(cursor.fetchOne)).toMatchObject(cursorState)
          expect([yield* cursor.nextSet, yield* cursor.nextSet, connection.state()]).toEqual([false, false, "idle"])
        })
      )

      withConnection(backend, `goes through hundreds of result sets, each with its own rows, ${kind}`, (connection) =>
        Effect.gen(function* () {
          const p = yield* procedure(
            "(n INT) BEGIN DECLARE i INT DEFAULT 0; WHILE i < n DO SELECT i, REPEAT('x', i) AS text; SET i = i + 1; END WHILE; END"
          )
          const cursor = yield* Cursor.make(connection, { buffered })
          yield* cursor.callProc(p, [500])
          const found = yield* resultSets(cursor)
          expect(found).toEqual([...Array.from({ length: 500 }, (_, i) => [[i, "x".repeat(i)]]), undefined])
          // Also when nothing of them is wanted.
          yield* cursor.callProc(p, [500])
          yield* cursor.execute("SELECT 1")
          expect(yield* cursor.fetchAll).toEqual([[1]])
        })
      )

      withConnection(
        backend,
        `of a call that fails in the middle says so, and leaves the connection as it was, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            const p = yield* procedure("() BEGIN SELECT 1; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'broken'; END")
            const cursor = yield* Cursor.make(connection, { buffered })
            const failed: Effect.Effect<unknown, Errors.StatementError> = buffered
              ? cursor.callProc(p)
              : Effect.zipRight(Effect.zipRight(cursor.callProc(p), cursor.fetchAll), cursor.nextSet)
            expect(yield* Effect.flip(failed)).toMatchObject({ errno: 1644, message: "broken" })
            expect(connection.state()).toBe("idle")
            if (!buffered) expect(yield* Effect.flip(cursor.nextSet)).toMatchObject({ errno: 1644 })
            yield* cursor.execute("SELECT 2")
            expect(yield* cursor.fetchAll).toEqual([[2]])
          })
      )

      withConnection(
        backend,
        `is not needed to free the connection: close and the next statement do, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            const p = yield* procedure(`(OUT a INT) BEGIN SELECT 1; ${manyRows(100)}; SET a = 1; SELECT 3; END`)
            const cursor = yield* Cursor.make(connection, { buffered })
            for (let i = 0; i < 3; i++) {
              yield* cursor.callProc(p, [null])
              expect(yield* cursor.fetchOne).toEqual(Option.some([1]))
              yield* cursor.execute("SELECT 2")
              expect(yield* cursor.fetchAll).toEqual([[2]])
            }
            yield* cursor.callProc(p, [null])
            yield* cursor.nextSet
            yield* cursor.close
            expect(connection.state()).toBe("idle")
            const other = yield* Cursor.make(connection)
            yield* other.execute("SELECT 3")
            expect(yield* other.fetchAll).toEqual([[3]])
          })
      )
    }

    for (const [kind, buffered] of kinds) {
      withConnection(
        backend,
        `goes from statement to statement of one text, where the options allow several, ${kind}`,
        (connection) =>
          Effect.gen(function* () {
            const cursor = yield* Cursor.make(connection, { buffered })
            const t = tableName()
            const text = `CREATE TEMPORARY TABLE ${t} (id INT); INSERT INTO ${t} VALUES (?), (2); SELECT id FROM ${t}; SELECT 5 AS five`
            yield* cursor.execute(text, 1)
            expect(yield* Effect.flip(cursor.fetchAll)).toMatchObject(cursorState)
            expect([yield* cursor.nextSet, yield* cursor.rowCount]).toEqual([true, 2])
            expect([yield* cursor.nextSet, yield* cursor.fetchAll]).toEqual([true, [[1], [2]]])
            expect([yield* cursor.nextSet, yield* cursor.fetchAll]).toEqual([true, [[5]]])
            expect([yield* cursor.nextSet, connection.state()]).toEqual([false, "idle"])
            // Nothing of a result set is taken for the next one's, whether it was fetched or not.
            yield* cursor.execute("SELECT 1 UNION SELECT 2; SELECT 3; SELECT 4 UNION SELECT 5")
            yield* Effect.sleep("20 millis")
            expect([yield* cursor.nextSet, yield* cursor.nextSet]).toEqual([true, true])
            expect(yield* cursor.fetchOne).toEqual(Option.some([4]))
            expect(yield* cursor.nextSet).toBe(false)
            // What fails in the middle ends all.
            const failing = Effect.zipRight(
              cursor.execute("SELECT 1; SELECT * FROM no_such_table; SELECT 3"),
              cursor.nextSet
            )
            expect(yield* Effect.flip(failing)).toMatchObject({ reason: "NoSuchTable" })
            yield* cursor.execute("SELECT 6")
            expect(yield* cursor.fetchAll).toEqual([[6]])
          }),
        { multiStatements: true }
      )
    }

    withConnection(
      backend,
      "skips long result sets in bounded memory",
      (connection) =>
        Effect.gen(function* () {
          // Two of 16 MB each.
          const p = yield* procedure(`() BEGIN ${manyRows(1_600)}; ${manyRows(1_600)}; SELECT 3; END`)
          const cursor = yield* Cursor.make(connection, { buffered: false })
          yield* cursor.execute(manyRows(10))
          yield* Stream.runDrain(cursor.stream)
          const before = held()
          let most = Number.NEGATIVE_INFINITY
          const looking = yield* Effect.forkScoped(
            Effect.forever(
              Effect.delay(
                Effect.sync(() => {
                  most = Math.max(most, held() - before)
                }),
                "50 millis"
              )
            )
          )
          yield* cursor.callProc(p)
          yield* cursor.fetchOne
          expect([yield* cursor.nextSet, yield* cursor.nextSet]).toEqual([true, true])
          yield* Fiber.interrupt(looking)
          expect(yield* cursor.fetchAll).toEqual([[3]])
          expect(Number.isFinite(most)).toBe(true)
          expect(most).toBeLessThan(10)
        }),
      {},
      60_000
    )

    withConnection(backend, "is interrupted at once, and ends the statement on the server", (connection) =>
      Effect.gen(function* () {
        const p = yield* procedure("() BEGIN SELECT 1; DO SLEEP(30); SELECT 2; END")
        const cursor = yield* Cursor.make(connection, { buffered: false })
        yield* cursor.callProc(p)
        expect(yield* cursor.fetchAll).toEqual([[1]])
        const [took, next] = yield* Effect.timed(Effect.timeoutOption(cursor.nextSet, "50 millis"))
        expect(next).toEqual(Option.none())
        expect(Duration.toMillis(took)).toBeLessThan(1_000)
        expect(connection.state()).toBe("spent")
        expect(yield* Effect.flip(cursor.execute("SELECT 1"))).toMatchObject({ reason: "ConnectionLost" })
        const looking = yield* observer(backend)
        yield* eventually(
          Effect.map(
            looking.scalar("SELECT count(*) FROM information_schema.PROCESSLIST WHERE ID = ?", [Number(connection.id)]),
            (left) => Option.contains(left, 0)
          )
        )
      })
    )
  })

  describe("Cursor.warnings", () => {
    withConnection(
      backend,
      "are those of the last statement, counted without asking, and without the values in them",
      (connection) =>
        Effect.gen(function* () {
          for (const [, buffered] of kinds) {
            const cursor = yield* Cursor.make(connection, { buffered })
            yield* cursor.execute("SELECT 'secret' + 1")
            expect(yield* cursor.warningCount).toBe(buffered ? 1 : -1)
            yield* cursor.fetchAll
            expect(yield* cursor.warningCount).toBe(1)
            const warnings = yield* cursor.warnings
            expect(warnings).toMatchObject([{ level: "Warning", code: 1292, message: expect.stringMatching(/DOUBLE/) }])
            expect(JSON.stringify(warnings)).not.toContain("secret")
            expect(yield* cursor.warnings).toEqual(warnings)
            expect(yield* connection.warnings).toEqual(warnings)

            yield* cursor.execute("DROP TABLE IF EXISTS no_such_table_at_all")
            expect(yield* cursor.warnings).toMatchObject([{ level: "Note", code: 1051 }])
            yield* cursor.execute("SELECT 1")
            yield* cursor.fetchAll
            expect([yield* cursor.warningCount, yield* cursor.warnings]).toEqual([0, []])

            const t = tableName()
            yield* cursor.execute(`CREATE TEMPORARY TABLE ${t} (id INT PRIMARY KEY)`)
            yield* cursor.execute(`INSERT IGNORE INTO ${t} VALUES (1), (1), (2), (2)`)
            expect(yield* cursor.warningCount).toBe(2)
            expect((yield* cursor.warnings).map(({ code }) => code)).toEqual([1062, 1062])
          }
        })
    )

    withConnection(backend, "of a failed statement are the connection's, with the error among them", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        yield* Effect.flip(cursor.execute("SELECT * FROM no_such_table_at_all"))
        expect(yield* Effect.flip(cursor.warnings)).toMatchObject(cursorState)
        expect(yield* connection.warnings).toMatchObject([{ level: "Error", code: 1146 }])
      })
    )
  })

  describe("Cursor.mogrify on a server", () => {
    withConnection(backend, "writes strings as the session reads them", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection)
        const t = tableName()
        yield* cursor.execute(`CREATE TEMPORARY TABLE ${t} (bound VARCHAR(40), written VARCHAR(40))`)
        const texts = ["back \\ slash", "\\'; --", "o'clock", "nul \0 here", "\\", "'\\''"]
        for (const [mode, backslash] of [
          ["NO_BACKSLASH_ESCAPES", "\\"],
          ["", "\\\\"]
        ] as const) {
          yield* cursor.execute(`SET SESSION sql_mode = '${mode}'`)
          expect(yield* cursor.mogrify("SELECT ?", "\\")).toBe(`SELECT '${backslash}'`)
          for (const text of texts) {
            yield* cursor.execute(`DELETE FROM ${t}`)
            yield* cursor.execute(`INSERT INTO ${t} (bound) VALUES (?)`, text)
            yield* cursor.execute(yield* cursor.mogrify(`UPDATE ${t} SET written = ?`, text))
            yield* cursor.execute(`SELECT bound, written FROM ${t}`)
            expect([mode, ...(yield* cursor.fetchAll)]).toEqual([mode, [text, text]])
          }
        }
      })
    )
  })

  describe("Cursor on a server", () => {
    withConnection(backend, "fetching is interrupted at once, and spends the connection", (connection) =>
      Effect.gen(function* () {
        const cursor = yield* Cursor.make(connection, { buffered: false })
        const slow = cursor.execute("SELECT SLEEP(30)").pipe(Effect.zipRight(cursor.fetchOne), Effect.either)
        const [took, found] = yield* Effect.timed(Effect.timeoutOption(slow, "100 millis"))
        expect(found).toEqual(Option.none())
        expect(Duration.toMillis(took)).toBeLessThan(1_000)
        expect(connection.state()).toBe("spent")
        expect(Either.isLeft(yield* Effect.either(cursor.execute("SELECT 1")))).toBe(true)
        yield* cursor.close
      })
    )

    withConnection(backend, "waits for nobody when its scope ends while a statement runs", (connection) =>
      Effect.gen(function* () {
        const [took] = yield* Effect.timed(
          Effect.scoped(
            Effect.gen(function* () {
              const cursor = yield* Cursor.make(connection)
              yield* Effect.forkDaemon(cursor.execute("SELECT SLEEP(2)"))
              yield* Effect.sleep("50 millis")
            })
          )
        )
        expect(Duration.toMillis(took)).toBeLessThan(1_000)
      })
    )

    withConnection(
      backend,
      "streams inside of a transaction, whose other statements wait until it is closed",
      (connection) =>
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { buffered: false })
          const other = yield* Cursor.make(connection)
          const t = tableName()
          yield* other.execute(`CREATE TEMPORARY TABLE ${t} (id INT)`)
          yield* other.execute("BEGIN")
          yield* other.execute(`INSERT INTO ${t} VALUES (1)`)
          yield* cursor.execute(manyRows(1_000))
          yield* cursor.fetchOne
          expect(yield* Effect.flip(other.execute("COMMIT"))).toMatchObject({ _tag: "InvalidRequestError" })
          yield* cursor.close
          expect(connection.state()).toBe("transaction")
          yield* other.execute("COMMIT")
          expect(connection.state()).toBe("idle")
        })
    )
  })
}

// Cases for how long a statement may take, on servers.
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Option, Stream } from "effect"
import { Engine, Errors } from "effect-sa"
import { type Backend, table, withEngine } from "../support/Backend.js"

/** Takes as long as it is let, and reads tables. */
const endless =
  "SELECT COUNT(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c"

const tooLong = { _tag: "OperationalError", reason: "StatementTimeout" }

/** An effect, and how many milliseconds it took. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const begun = performance.now()
    const value = yield* effect
    return [value, performance.now() - begun] as const
  })

export const statementTimeoutContract = (backend: Backend): void => {
  describe("a statement that takes longer than it may", () => {
    withEngine(
      backend,
      "is stopped by the server, and its connection goes on",
      () =>
        Effect.gen(function* () {
          const id = yield* Engine.scalar("SELECT CONNECTION_ID()")
          const [error, took] = yield* timed(Effect.flip(Engine.execute(endless)))
          expect(error).toMatchObject({ ...tooLong, statement: endless })
          expect("errno" in error && error.errno).toBe(backend.name === "mariadb" ? 1969 : 3024)
          // An upper bound that only a statement that nobody stops would pass.
          expect(took).toBeLessThan(10_000)
          expect(yield* Engine.scalar("SELECT CONNECTION_ID()")).toEqual(id)
          expect(yield* Effect.flip(Stream.runDrain(Engine.stream(endless)))).toMatchObject(tooLong)
        }),
      { statementTimeout: 150, maxSize: 1 }
    )

    withEngine(
      backend,
      "is stopped by its own time, which holds instead of the engine's",
      () =>
        Effect.gen(function* () {
          expect(yield* Effect.flip(Engine.execute(endless, [], { timeout: "150 millis" }))).toMatchObject(tooLong)
          expect(yield* Effect.flip(Engine.scalar(endless, [], { timeout: 150 }))).toMatchObject(tooLong)
          expect(yield* Effect.flip(Stream.runDrain(Engine.stream(endless, [], { timeout: 150 })))).toMatchObject(
            tooLong
          )
          const slow = "SELECT SLEEP(0.4) AS slept, ? AS given"
          const { rows } = yield* Engine.execute(slow, [7], { timeout: Duration.infinity })
          expect(rows.map((row) => [...row])).toEqual([[0, 7]])
          yield* Effect.scoped(
            Effect.gen(function* () {
              const connection = yield* Effect.flatMap(Engine.Engine, ({ acquire }) => acquire)
              expect(yield* Effect.flip(connection.execute(endless, [], { timeout: 150 }))).toMatchObject(tooLong)
              expect(yield* connection.scalar("SELECT 1")).toEqual(Option.some(1))
            })
          )
        }),
      { statementTimeout: "10 seconds" }
    )

    withEngine(
      backend,
      "is none that has more time than a timer can hold, nor is the COMMIT behind it",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const slow = `INSERT INTO ${t} SELECT 1 + SLEEP(0.1)`
          yield* Engine.transaction(Engine.execute(slow, [], { timeout: "60 days" }))
          expect(yield* Engine.scalar("SELECT SLEEP(0.1)", [], { timeout: 2 ** 31 - 1 })).toEqual(Option.some(0))
          expect(yield* Engine.scalar(`SELECT COUNT(*) FROM ${t}`)).toEqual(Option.some(1))
        }),
      { endTimeout: "60 days" }
    )

    withEngine(backend, "leaves the transaction that it is in as it was, where the server stops it", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY")
        yield* Engine.transaction(
          Effect.gen(function* () {
            yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
            expect(yield* Effect.flip(Engine.execute(endless, [], { timeout: 150 }))).toMatchObject(tooLong)
            yield* Engine.execute(`INSERT INTO ${t} VALUES (2)`)
          })
        )
        expect(yield* Engine.scalar(`SELECT COUNT(*) FROM ${t}`)).toEqual(Option.some(2))
      })
    )

    withEngine(backend, "is killed where the server does not stop it, and nothing of it stays", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, n BIGINT")
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 0)`)
        const [error] = yield* timed(
          Effect.flip(Engine.execute(`UPDATE ${t} SET n = (${endless})`, [], { timeout: 200 }))
        )
        expect(error).toMatchObject(tooLong)
        const many = Array.from({ length: 3 }, (_, i) => [i + 10, 1])
        expect(
          yield* Effect.flip(Engine.execute(`INSERT INTO ${t} SELECT ?, ? + (${endless})`, many, { timeout: 200 }))
        ).toMatchObject(tooLong)
        // What was killed is undone when its session has ended.
        yield* Effect.retry(
          Effect.filterOrFail(
            Engine.execute<{ id: number; n: number }>(`SELECT id, n FROM ${t} FOR UPDATE`, [], {
              timeout: "5 seconds"
            }),
            ({ rows }) => rows.length === 1 && rows[0]?.n === 0,
            () => new Errors.InvalidRequestError({ message: "something of it stayed" })
          ),
          { times: 20, while: (error) => error._tag === "InvalidRequestError" }
        )
      })
    )

    withEngine(backend, "keeps its values, its types and what it returns", () =>
      Effect.gen(function* () {
        const t = yield* table(`id ${backend.autoIncrement}, f FLOAT, name VARCHAR(20)`)
        const limited = { timeout: "5 seconds" } as const
        const inserted = yield* Engine.execute(`INSERT INTO ${t} (f, name) VALUES (?, ?)`, [0.1, "a"], limited)
        expect([inserted.rowCount, inserted.lastInsertId]).toEqual([1, 1])
        const many = yield* Engine.execute(
          `INSERT INTO ${t} (f, name) VALUES (:f, :name)`,
          [
            { f: 0.2, name: "b" },
            { f: 0.3, name: "c" }
          ],
          limited
        )
        expect(many.rowCount).toBe(2)
        for (const select of [
          `SELECT f, name FROM ${t} ORDER BY id`,
          `/* why */ select  f, name from ${t} order by id`
        ]) {
          const { rows } = yield* Engine.execute(select, undefined, limited)
          expect(rows.map((row) => [...row])).toEqual([
            [0.1, "a"],
            [0.2, "b"],
            [0.3, "c"]
          ])
        }
        const error = yield* Effect.flip(Engine.execute(`SELECT no_such FROM ${t}`, [], limited))
        expect(error).toMatchObject({ _tag: "ProgrammingError", statement: `SELECT no_such FROM ${t}` })
        const wrong = yield* Effect.flip(Engine.execute("SELECT 1", [], { timeout: -1 }))
        expect(wrong).toMatchObject({ _tag: "ArgumentError", argument: "timeout" })
      })
    )
  })
}

/** SQLite has none. */
export const noStatementTimeout = (backend: Backend): void => {
  describe("a time that a statement may take", () => {
    withEngine(backend, "is refused where nothing could stop it", () =>
      Effect.gen(function* () {
        const refused = { _tag: "NotSupportedError" }
        expect(yield* Effect.flip(Engine.execute("SELECT 1", [], { timeout: 100 }))).toMatchObject(refused)
        expect(yield* Effect.flip(Engine.execute("SELECT ?", [[1]], { timeout: 100 }))).toMatchObject(refused)
        expect(yield* Effect.flip(Stream.runDrain(Engine.stream("SELECT 1", [], { timeout: 100 })))).toMatchObject(
          refused
        )
        expect(yield* Engine.scalar("SELECT 1", [], { timeout: 0 })).toEqual(Option.some(1))
      })
    )
    it.effect(`is no option of its engines [${backend.name}]`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(Engine.make({ url: backend.url, statementTimeout: 100 })))
        expect(error).toMatchObject({ _tag: "ArgumentError", argument: "statementTimeout" })
      })
    )
  })
}

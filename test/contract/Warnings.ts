// Cases for warnings, on servers: they are told, ignored or failures, as the option says.
import { describe, expect, it } from "@effect/vitest"
import { Effect, HashMap, Logger, LogLevel, Option } from "effect"
import { Connection, Cursor, Engine } from "effect-sa"
import { type Backend, table } from "../support/Backend.js"

interface Line {
  readonly level: string
  readonly message: string
  readonly statement: string
}

/** Runs with an engine, and gives what was logged. */
const withLog = <A, E>(
  backend: Backend,
  options: Omit<Parameters<typeof Engine.layer>[0] & object, "url">,
  body: Effect.Effect<A, E, Engine.Engine>
) =>
  Effect.suspend(() => {
    const lines: Array<Line> = []
    const logger = Logger.make(({ logLevel, message, annotations }) => {
      lines.push({
        level: logLevel.label,
        message: String(message),
        statement: String(Option.getOrElse(HashMap.get(annotations, "statement"), () => ""))
      })
    })
    return body.pipe(
      Effect.provide(Engine.layer({ url: backend.url, ...options })),
      Logger.withMinimumLogLevel(LogLevel.Debug),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Effect.map((value) => ({ value, lines }))
    )
  })

/** A division by zero in a SELECT warns on both servers. */
const warns = "SELECT 1/0 AS nothing"

export const warningsContract = (backend: Backend): void => {
  describe(`warnings on ${backend.name}`, () => {
    it.live("are counted by every result, and logged with their statement by default", () =>
      Effect.gen(function* () {
        const { value, lines } = yield* withLog(backend, {}, Engine.execute(warns))
        expect(value.warningCount).toBe(1)
        expect(lines.filter(({ level }) => level === "WARN")).toEqual([
          { level: "WARN", message: expect.stringMatching(/Division by 0/), statement: warns }
        ])
      })
    )

    it.live("that are notes are logged at Debug", () =>
      Effect.gen(function* () {
        const { lines } = yield* withLog(backend, {}, Engine.execute("DROP TABLE IF EXISTS no_such_table_at_all"))
        expect(lines.map(({ level }) => level)).toEqual(["DEBUG"])
      })
    )

    it.live("are ignored when that is asked for, and then cost nothing", () =>
      Effect.gen(function* () {
        const questions = Effect.map(Engine.execute("SHOW SESSION STATUS LIKE 'Questions'"), ({ rows }) =>
          Number(rows[0]?.[1])
        )
        const { value, lines } = yield* withLog(
          backend,
          { warnings: "ignore", maxSize: 1 },
          Effect.gen(function* () {
            const before = yield* questions
            const { warningCount } = yield* Engine.execute(warns)
            return [warningCount, (yield* questions) - before] as const
          })
        )
        expect(value).toEqual([1, 2])
        expect(lines).toEqual([])
      })
    )

    it.live("fail the statement when that is asked for, with what they would be as errors, but not notes", () =>
      Effect.gen(function* () {
        const { value } = yield* withLog(
          backend,
          { warnings: "fail" },
          Effect.scoped(
            Effect.gen(function* () {
              const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(3)")
              yield* Engine.execute("DROP TABLE IF EXISTS no_such_table_at_all")
              const cut = yield* Effect.flip(
                Engine.transaction(Engine.execute(`INSERT IGNORE INTO ${t} VALUES (?, ?)`, [1, "much too long"]))
              )
              return [cut, yield* Engine.scalar(`SELECT count(*) FROM ${t}`)] as const
            })
          )
        )
        expect(value[0]).toMatchObject({ _tag: "DataError", errno: 1265 })
        expect(value[1]).toEqual(Option.some(0))
      })
    )

    it.live("of a read that shares its connection are counted in the log", () =>
      Effect.gen(function* () {
        const many = Effect.all(
          Array.from({ length: 60 }, () => Engine.execute(warns)),
          { concurrency: "unbounded" }
        )
        const { value, lines } = yield* withLog(backend, { maxSize: 1 }, Effect.zipRight(many, many))
        expect(value.every(({ warningCount }) => warningCount === 1)).toBe(true)
        expect(lines.length).toBe(120)
        expect(lines.some(({ message }) => message === "the database has 1 warning")).toBe(true)
      })
    )

    it.scopedLive("of the last statement are listed on demand", () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({ url: backend.url, warnings: "ignore" })
        const cursor = yield* Cursor.make(connection)
        yield* cursor.execute(warns)
        const [first] = yield* cursor.warnings
        expect(first).toMatchObject({ level: expect.stringMatching(/Warning|Error/), code: 1365 })
        yield* cursor.execute("SELECT 1")
        expect(yield* cursor.warnings).toEqual([])
        // The server's own list stays until a statement uses a table.
        yield* cursor.execute("SELECT count(*) FROM information_schema.ENGINES")
        expect(yield* connection.warnings).toEqual([])
      })
    )
  })
}

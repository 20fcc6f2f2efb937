// Both layers on one server, statement by statement: what `@effect/sql-mysql2` gives, this package's client gives. Where it
// gives something else on purpose, that is in `differences`, with what each of them gives.
import { Reactivity } from "@effect/experimental"
import type { SqlClient as Sql } from "@effect/sql"
import { MysqlClient } from "@effect/sql-mysql2"
import { describe, expect, it } from "@effect/vitest"
import { Chunk, Effect, Redacted, Stream } from "effect"
import * as SqlClient from "effect-sa/SqlClient"
import { type Backend, tableName } from "../support/Backend.js"

/** Both clients of a server; the one that is compared with comes second. */
export const both = (backend: Backend) =>
  Effect.all([
    SqlClient.make({ url: backend.url, maxConnections: 1 }),
    MysqlClient.make({ url: Redacted.make(backend.url), maxConnections: 1 })
  ]).pipe(Effect.provide(Reactivity.layer))

/** What a program sees of a value: its class too. */
const seen = (value: unknown): unknown => {
  if (value instanceof Date) return `Date ${Number.isNaN(value.getTime()) ? "invalid" : value.toISOString()}`
  if (Buffer.isBuffer(value)) return `Buffer ${value.toString("hex")}`
  if (value instanceof Uint8Array) return `Uint8Array ${Buffer.from(value).toString("hex")}`
  if (Array.isArray(value)) return value.map(seen)
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, seen(each)]))
  return Object.is(value, -0) ? "-0" : value
}

type Way = "execute" | "values" | "unprepared" | "stream" | "raw" | "withoutTransform"

const ways: ReadonlyArray<Way> = ["execute", "values", "unprepared", "stream", "raw", "withoutTransform"]

/** What a statement gives by one way: its rows, or that it fails. */
export const outcome = (
  sql: Sql.SqlClient,
  way: Way,
  text: string,
  parameters: ReadonlyArray<unknown>
): Effect.Effect<unknown> => {
  const statement = sql.unsafe(text, parameters)
  const run: Effect.Effect<unknown, unknown> =
    way === "execute"
      ? statement
      : way === "stream"
        ? Effect.map(Stream.runCollect(statement.stream), Chunk.toReadonlyArray)
        : statement[way]
  return Effect.match(Effect.sandbox(run), { onFailure: () => "fails", onSuccess: seen })
}

interface Compared {
  readonly text: string
  readonly parameters?: ReadonlyArray<unknown>
  readonly ways?: ReadonlyArray<Way>
}

/** The statements that give something else, each with what it gives here and there. */
export const compare = (backend: Backend, statements: ReadonlyArray<Compared>) =>
  Effect.gen(function* () {
    const [ours, theirs] = yield* both(backend)
    const different: Array<string> = []
    for (const { text, parameters = [], ways: by = ways } of statements) {
      for (const way of by) {
        const here = JSON.stringify(yield* outcome(ours, way, text, parameters))
        const there = JSON.stringify(yield* outcome(theirs, way, text, parameters))
        if (here !== there) different.push(`${way}: ${text}${parameters.length === 0 ? "" : ` ${JSON.stringify(parameters.map(seen))}`}: ${here}, there ${there}`)
      }
    }
    return different
  })

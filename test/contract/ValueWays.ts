// The ways to read a column: by each of them its values are to be the same.
import { expect } from "@effect/vitest"
import { Chunk, Effect, type Scope, Stream } from "effect"
import { Cursor, Engine, type Errors, type Value } from "effect-sa"
import { type Backend, tableName } from "../support/Backend.js"
import { type Options, plain } from "./ValueCases.js"

export type Read = Effect.Effect<ReadonlyArray<unknown>, Errors.ExecuteError, Engine.Engine>

export interface Way {
  readonly name: string
  readonly read: Read
  /** The answer comes in the text protocol, the other ones in the binary one. */
  readonly isText: boolean
}

const selectOf = (t: string): string => `SELECT v FROM ${t} ORDER BY id`

/** The first column of a statement's rows. */
export const executed = (sql: string, parameters?: ReadonlyArray<Value.Parameter>, options?: Options): Read =>
  Effect.map(Engine.execute(sql, parameters, options), (result) => result.rows.map((row): unknown => row[0]))

/** The first column of a statement's rows, read as a stream. */
export const streamed = (sql: string, parameters?: ReadonlyArray<Value.Parameter>, options?: Options): Read =>
  Engine.stream(sql, parameters, options).pipe(
    Stream.map((row): unknown => row[0]),
    Stream.runCollect,
    Effect.map(Chunk.toReadonlyArray)
  )

/** Of a statement that the server has prepared by another statement: those answer in the text protocol. */
export const asText = (
  sql: string,
  options: Options | undefined,
  read: (sql: string, parameters: undefined, options?: Options) => Read = executed
): Read => {
  const name = tableName("prepared")
  return Engine.withConnection(
    Effect.zipRight(
      Engine.execute(`PREPARE ${name} FROM '${sql.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`),
      read(`EXECUTE ${name}`, undefined, options)
    )
  )
}

const byCursor = (sql: string, buffered: boolean, options: Options | undefined): Read =>
  Effect.flatMap(Engine.Engine, ({ pool }) =>
    pool.use((connection) =>
      Effect.scoped(
        Effect.gen(function* () {
          const cursor = yield* Cursor.make(connection, { ...options, buffered })
          yield* cursor.execute(sql)
          return (yield* cursor.fetchAll).map((row): unknown => row[0])
        })
      )
    )
  )

/** So many reads at once that they share connections. One that fails interrupts no other: that would end its connection. */
const atOnce = (read: Read): Read =>
  Effect.flatMap(
    Effect.forEach(Array.from({ length: 8 }), () => Effect.either(read), { concurrency: "unbounded" }),
    (all) =>
      Effect.flatMap(Effect.all(all), ([first = [], ...rest]) =>
        Effect.sync(() => {
          for (const other of rest) expect(other.map(plain)).toStrictEqual(first.map(plain))
          return first
        })
      )
  )

/** Every way to read the column `v` of a table. */
export const waysOf = (
  backend: Backend,
  t: string,
  options: Options | undefined,
  procedure?: string
): ReadonlyArray<Way> => {
  const select = selectOf(t)
  const where = `SELECT v FROM ${t} WHERE id >= ? ORDER BY id`
  const binary: ReadonlyArray<readonly [string, Read]> = [
    ["with a parameter", executed(where, [0], options)],
    ["without parameters", executed(select, undefined, options)],
    ["once more, from the same prepared statement", executed(select, undefined, options)],
    ["after a comment", executed(`/* for the log */ ${select}`, undefined, options)],
    ["by a stream", streamed(select, undefined, options)],
    ["by a stream with a parameter", streamed(where, [0], options)],
    ["in a transaction", Engine.transaction(executed(select, undefined, options))],
    ["by many at once", atOnce(executed(select, undefined, options))],
    ["by a cursor", byCursor(select, true, options)],
    ["by an unbuffered cursor", byCursor(select, false, options)],
    ...(procedure === undefined
      ? []
      : ([
          ["by a procedure", executed(`CALL ${procedure}()`, undefined, options)],
          ["by a stream of a procedure", streamed(`CALL ${procedure}()`, undefined, options)]
        ] as const))
  ]
  const text: ReadonlyArray<readonly [string, Read]> = backend.isServer
    ? [
        ["as text", asText(select, options)],
        ["by a stream as text", asText(select, options, streamed)],
        ["as text in a transaction", Engine.transaction(asText(select, options))]
      ]
    : []
  return [
    ...binary.map(([name, read]) => ({ name, read, isText: false })),
    ...text.map(([name, read]) => ({ name, read, isText: true }))
  ]
}

/** A procedure that reads the column `v` of a table, there while the scope lives; none where there are no procedures. */
export const procedureOf = (
  backend: Backend,
  t: string
): Effect.Effect<string | undefined, Errors.ExecuteError, Engine.Engine | Scope.Scope> => {
  const name = tableName("p")
  return backend.isServer
    ? Effect.acquireRelease(Effect.as(Engine.execute(`CREATE PROCEDURE ${name}() ${selectOf(t)}`), name), () =>
        Effect.ignore(Engine.execute(`DROP PROCEDURE ${name}`))
      )
    : Effect.succeed(undefined)
}

/** A value of one row by its id. */
export const valueOf = (
  t: string,
  id: number,
  options?: Options
): Effect.Effect<unknown, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(executed(`SELECT v FROM ${t} WHERE id = ?`, [id], options), ([value]) => value)

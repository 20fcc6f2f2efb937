/**
 * The keys of records that are inserted.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import * as Engine from "./Engine.js"
import { ArgumentError, NotSupportedError } from "./Errors.js"
import { atRecord, multiRow, type Run } from "./RecordBatches.js"
import { checkKnown, insertsOf, type Operation } from "./RecordInsert.js"
import * as RecordKey from "./RecordKey.js"
import type { AnyRecord } from "./RecordKey.js"
import * as Result from "./Result.js"
import type { Field, Source } from "./TableStatement.js"

/**
 * The fields of the primary key, which is what these columns must be. *Fails with* `ArgumentError` where they are not.
 *
 * @since 0.1.0
 * @category keys
 */
export const keyFields = (
  source: Source,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Field>, ArgumentError> =>
  Effect.flatMap(RecordKey.fieldsOf(source), (fields) => {
    const isKey = names.length === fields.length && fields.every(({ name }) => names.includes(name))
    return isKey
      ? Effect.succeed(fields)
      : Effect.fail(
          new ArgumentError({
            argument: "key",
            given: names.map((name) => JSON.stringify(name)).join(", ") || "no columns",
            expected: `the primary key, ${fields.map(({ name }) => JSON.stringify(name)).join(", ")}`
          })
        )
  })

/**
 * Inserts the runs, and gives the keys that RETURNING gives.
 *
 * @since 0.1.0
 * @category keys
 */
export const keysReturned = (
  source: Source,
  fields: ReadonlyArray<Field>,
  runs: ReadonlyArray<Run>
): Operation<ReadonlyArray<AnyRecord>> =>
  Effect.gen(function* () {
    const returning = fields.map(({ name }) => name)
    const inserts = yield* insertsOf(source, runs, { returning })
    const results = yield* Engine.transaction(
      Effect.forEach(inserts, ({ run, insert }) =>
        Effect.mapError(Engine.execute<object>(insert), atRecord(run.offset))
      )
    )
    return results.flatMap(({ rows }) => rows.map(Result.Row.toRecord))
  })

/** What a session says of how it counts, and how much it takes at once. */
const session = Engine.execute<{ readonly step: number; readonly packet: number }>(
  "SELECT @@auto_increment_increment AS step, @@max_allowed_packet AS packet",
  undefined,
  { integers: "number" }
)

/**
 * Inserts the runs, and gives the keys that are given, or that the server counts up: for the rows of one statement one after the
 * other, from the number that it says.
 *
 * @since 0.1.0
 * @category keys
 */
export const keysCounted = (
  source: Source,
  fields: ReadonlyArray<Field>,
  runs: ReadonlyArray<Run>
): Operation<ReadonlyArray<AnyRecord>> =>
  Effect.gen(function* () {
    const counting = fields.find(({ properties }) => properties.autoIncrement)
    for (const { offset, records } of runs) {
      yield* checkKnown(source, fields, records[0] ?? {})
      if (counting !== undefined && Object.hasOwn(records[0] ?? {}, counting.name)) {
        const zero = records.findIndex((record) => RecordKey.isZero(counting.codec.encode(record[counting.name], "")))
        if (zero >= 0) yield* Effect.fail(countsZero(`records[${offset + zero}].${counting.name}`))
      }
    }
    const inserts = yield* insertsOf(source, runs)
    const { dialect } = yield* Engine.Engine
    return yield* Engine.transaction(
      Effect.gen(function* () {
        const { rows } = yield* session
        const [{ step, packet } = { step: 1, packet: 0 }] = rows
        const keys: Array<AnyRecord> = []
        for (const { run, insert } of inserts) {
          const given = run.records.map((record) => keyOf(fields, record))
          if (counting === undefined || Object.hasOwn(run.records[0] ?? {}, counting.name)) {
            yield* Effect.mapError(Engine.execute(insert), atRecord(run.offset))
            for (const key of given) keys.push(key)
            continue
          }
          let place = 0
          for (const { statement, rows: count } of yield* multiRow(insert, dialect, packet)) {
            const { lastInsertId } = yield* Engine.execute(statement)
            if (lastInsertId === undefined) return yield* Effect.fail(notCounted(source, counting))
            for (let i = 0; i < count; i++, place++) {
              const id = BigInt(lastInsertId) + BigInt(i) * BigInt(step)
              keys.push({ ...given[place], [counting.name]: yield* RecordKey.counted(source, counting, id) })
            }
          }
        }
        return keys
      })
    )
  })

const keyOf = (fields: ReadonlyArray<Field>, record: AnyRecord): AnyRecord =>
  Object.fromEntries(fields.flatMap(({ name }) => (Object.hasOwn(record, name) ? [[name, record[name]]] : [])))

/** Unless its `sql_mode` has NO_AUTO_VALUE_ON_ZERO. */
const countsZero = (argument: string): ArgumentError =>
  new ArgumentError({ argument, given: "the number 0, for which the server counts up", expected: "another, or none" })

const notCounted = ({ name }: Source, field: Field): NotSupportedError =>
  new NotSupportedError({
    reason: "NotSupported",
    message: `the server has not counted up column ${JSON.stringify(field.name)} of table ${JSON.stringify(name)}; nothing was kept`
  })

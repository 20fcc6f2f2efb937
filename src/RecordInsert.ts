/**
 * Records inserted, and read back as the database has them.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import * as Engine from "./Engine.js"
import { ArgumentError, type ExecuteError, kindOf, NoResultFoundError, NotSupportedError } from "./Errors.js"
import { atRecord, filledIn, hasReturning, insertOf, type Run } from "./RecordBatches.js"
import * as RecordKey from "./RecordKey.js"
import { type AnyRecord, type Bound, isRecord } from "./RecordKey.js"
import * as Result from "./Result.js"
import { SAConnection } from "./SAConnection.js"
import type { Statement } from "./Statement.js"
import type * as Table from "./Table.js"
import type { Field, SelectQuery, Source } from "./TableStatement.js"
import * as TableStatement from "./TableStatement.js"

/**
 * What an operation is: it requires an engine, and can fail as statements do.
 *
 * @since 0.1.0
 * @category models
 */
export type Operation<A, E = never> = Effect.Effect<A, ExecuteError | E, Engine.Engine>

/**
 * A row of a table as a record. Its type is what the table's columns say, which decode it.
 *
 * @since 0.1.0
 * @category rows
 */
export const rowOf = <F extends Table.Fields>(row: Result.RowBase): Table.RowOf<F> =>
  Result.Row.toRecord(row) as Table.RowOf<F>

/**
 * Runs a body on one connection, and tells it whether the server has INSERT … RETURNING.
 *
 * @since 0.1.0
 * @category inserting
 */
export const onServer = <A, E, R>(body: (returning: boolean) => Effect.Effect<A, E, R>) =>
  Engine.withConnection(Effect.flatMap(SAConnection, ({ server }) => body(hasReturning(server))))

/**
 * There is no record with a key.
 *
 * @since 0.1.0
 * @category rows
 */
export const missing = ({ name }: Source): NoResultFoundError =>
  new NoResultFoundError({ message: `table ${JSON.stringify(name)} has no record with this key` })

/**
 * The statement that selects what has these values.
 *
 * @since 0.1.0
 * @category rows
 */
export const selectBy = (source: Source, bound: Bound): Statement<never> =>
  TableStatement.select(source, (query) =>
    bound.reduce(
      (refined: SelectQuery, [name, value]) => refined.where(TableStatement.columnOf(source, name), "=", value),
      query
    )
  )

/**
 * The row that has these values. *Fails with* `NoResultFoundError` where there is none.
 *
 * @since 0.1.0
 * @category rows
 */
export const rowBy = (source: Source, bound: Bound): Operation<Result.RowBase, NoResultFoundError> =>
  Effect.flatMap(Engine.execute<object>(selectBy(source, bound)), ({ rows: [row] }) =>
    row === undefined ? Effect.fail(missing(source)) : Effect.succeed(row)
  )

/**
 * A record with the keys that the program makes: made here, so that they are known.
 *
 * @since 0.1.0
 * @category inserting
 */
export const withKeys = (source: Source, record: AnyRecord): Effect.Effect<AnyRecord> =>
  withMade(keyDefaults(source), record)

/**
 * A record with what the program makes of these columns, where it does not have them.
 *
 * @since 0.1.0
 * @category inserting
 */
export const withMade = (fields: ReadonlyArray<Field>, record: AnyRecord): Effect.Effect<AnyRecord> => {
  const absent = fields.filter(({ name }) => !Object.hasOwn(record, name))
  return absent.length === 0
    ? Effect.succeed(record)
    : Effect.map(
        Effect.forEach(absent, ({ name, properties }) =>
          Effect.map(properties.insertDefault ?? Effect.succeed(undefined), (value) => [name, value] as const)
        ),
        (entries) => ({ ...record, ...Object.fromEntries(entries) })
      )
}

/**
 * The columns of the key that the program makes.
 *
 * @since 0.1.0
 * @category inserting
 */
export const keyDefaults = (source: Source): ReadonlyArray<Field> =>
  source.primaryKey.flatMap((name) => {
    const field = source.fields.get(name)
    return field?.properties.insertDefault === undefined ? [] : [field]
  })

/**
 * What was given for a record, if it is one.
 *
 * @since 0.1.0
 * @category inserting
 */
export const recordOf = (argument: string, given: unknown): Effect.Effect<AnyRecord, ArgumentError> =>
  isRecord(given)
    ? Effect.succeed(given)
    : Effect.fail(
        new ArgumentError({
          argument,
          given: kindOf(given),
          expected: "an object with the columns of a record"
        })
      )

/**
 * Inserts a record, and gives the row that RETURNING gives.
 *
 * @since 0.1.0
 * @category inserting
 */
export const insertReturning = (
  source: Source,
  record: AnyRecord,
  options: TableStatement.InsertOptions
): Operation<Result.RowBase, NoResultFoundError> =>
  Effect.gen(function* () {
    const returning = [...source.fields.keys()]
    const insert = yield* filledIn(TableStatement.insert(source, record, { ...options, returning }))
    const { rows } = yield* Engine.execute<object>(insert)
    const [row] = rows
    return row ?? (yield* Effect.fail(missing(source)))
  })

/**
 * Inserts a record, and reads it by its key, in one transaction.
 *
 * @since 0.1.0
 * @category inserting
 */
export const insertThenRead = (source: Source, record: AnyRecord): Operation<Result.RowBase, NoResultFoundError> =>
  Effect.gen(function* () {
    const fields = yield* RecordKey.fieldsOf(source)
    yield* checkKnown(source, fields, record)
    const insert = yield* filledIn(TableStatement.insert(source, record, {}))
    return yield* Engine.transaction(
      Effect.gen(function* () {
        const { lastInsertId } = yield* Engine.execute(insert)
        const bound = fields.map((field) => {
          const { name, properties } = field
          const given = Object.hasOwn(record, name)
            ? RecordKey.comparable(field, record[name], `values.${name}`)
            : undefined
          const mayBeCounted = given === undefined || given === null || RecordKey.isZero(given)
          const isCounted = properties.autoIncrement && mayBeCounted && lastInsertId !== undefined
          return [name, isCounted ? lastInsertId : given] as const
        })
        return yield* rowBy(source, bound)
      })
    )
  })

/**
 * Which key a record gets must be given, or counted up by the database.
 *
 * @since 0.1.0
 * @category inserting
 */
export const checkKnown = (
  { name }: Source,
  key: ReadonlyArray<Field>,
  record: AnyRecord
): Effect.Effect<void, NotSupportedError> => {
  const unknown = key.find((field) => !Object.hasOwn(record, field.name) && !field.properties.autoIncrement)
  return unknown === undefined
    ? Effect.void
    : Effect.fail(
        new NotSupportedError({
          reason: "NotSupported",
          message: `MySQL does not say what column ${JSON.stringify(unknown.name)} of table ${JSON.stringify(name)} gets: give the key, or let Column.withDefault make it`
        })
      )
}

/**
 * The statements of the runs, each checked before the first is sent.
 *
 * @since 0.1.0
 * @category inserting
 */
export const insertsOf = (
  source: Source,
  runs: ReadonlyArray<Run>,
  options: TableStatement.InsertOptions = {}
): Effect.Effect<
  ReadonlyArray<{ readonly run: Run; readonly insert: Statement<never> }>,
  ArgumentError | NotSupportedError
> => Effect.forEach(runs, (run) => Effect.map(insertOf(source, run, options), (insert) => ({ run, insert })))

/**
 * Executes inserts, all or none, and adds up their rows.
 *
 * @since 0.1.0
 * @category inserting
 */
export const insertAll = (
  inserts: ReadonlyArray<{ readonly run: Run; readonly insert: Statement<never> }>
): Operation<number> =>
  inserts.length === 0
    ? Effect.succeed(0)
    : Effect.map(
        Engine.transaction(
          Effect.forEach(inserts, ({ run, insert }) => Effect.mapError(Engine.execute(insert), atRecord(run.offset)))
        ),
        (results) => results.reduce((sum, { rowCount }) => sum + rowCount, 0)
      )

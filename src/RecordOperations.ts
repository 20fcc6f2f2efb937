/**
 * Records of tables created, updated and deleted by their keys (devsetgo_lib's `create_one`, `update_one`, `delete_one` and
 * their kind). What is wrong with a record is an `ArgumentError` that names it, `records[3].email`, before anything is sent.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import * as Engine from "./Engine.js"
import { ArgumentError, kindOf, type NoResultFoundError } from "./Errors.js"
import { filledIn, runsOf } from "./RecordBatches.js"
import {
  insertAll,
  insertReturning,
  insertsOf,
  insertThenRead,
  keyDefaults,
  missing,
  onServer,
  type Operation,
  recordOf,
  rowBy,
  rowOf,
  selectBy,
  withKeys,
  withMade
} from "./RecordInsert.js"
import * as RecordKey from "./RecordKey.js"
import { type AnyRecord, type Bound, isRecord, type Key } from "./RecordKey.js"
import { keyFields, keysCounted, keysReturned } from "./RecordKeys.js"
import type * as Result from "./Result.js"
import type { Statement } from "./Statement.js"
import type * as Table from "./Table.js"
import type { DeleteQuery, Source, UpdateQuery } from "./TableStatement.js"
import * as TableStatement from "./TableStatement.js"

// ---------------------------------------------------------------------------------------------------------------------
// creating

/**
 * Creates a record, and gives it as the database has it (devsetgo_lib's `create_one`): by RETURNING where there is one, and
 * else read by its key, in one transaction.
 *
 * *Fails with* `ArgumentError`, before anything is sent, for what the table does not take; with `NotSupportedError`, before
 * too, on MySQL for a table whose key is neither given nor counted up; as `Engine.execute` does. *Interruption* leaves
 * nothing half-made.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Column, Operations, Table } from "effect-sa/schema"
 *
 * const person = Table.make("person", {
 *   id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
 *   name: Column.varchar(50)
 * })
 *
 * export const ada = Operations.createOne(person, { name: "Ada" }).pipe(Effect.map((record) => record.id))
 * ```
 *
 * @since 0.1.0
 * @category creating
 */
export const createOne = <Name extends string, F extends Table.Fields>(
  table: Table.Table<Name, F>,
  values: Table.InsertOf<F>
): Operation<Table.RowOf<F>, NoResultFoundError> =>
  Effect.gen(function* () {
    const { source } = table
    const record = yield* Effect.flatMap(recordOf("values", values), (given) => withKeys(source, given))
    return rowOf<F>(
      yield* onServer((returning) => (returning ? insertReturning(source, record, {}) : insertThenRead(source, record)))
    )
  })

/**
 * Creates records in one transaction, all or none, and gives their number (devsetgo_lib's `create_many`). Records that
 * follow each other and have the same columns go in one statement for many.
 *
 * *Fails with* `ArgumentError`, before anything is sent, for what the table does not take; with what the database answers,
 * whose `parameterSet` is the place of the record where the database says. Nothing is kept then, nor after an *interruption*.
 *
 * @since 0.1.0
 * @category creating
 */
export const createMany = <Name extends string, F extends Table.Fields>(
  { source }: Table.Table<Name, F>,
  records: ReadonlyArray<Table.InsertOf<F>>
): Operation<number> =>
  Effect.gen(function* () {
    const inserts = yield* Effect.flatMap(runsOf(records), (runs) => insertsOf(source, runs))
    return yield* insertAll(inserts)
  })

/**
 * Creates records as `createMany`, and gives the primary key of each, in order: the values of the one column that is named,
 * or records of the several. Keys that are given are known, and so are those that the program makes (`Column.withDefault`).
 * MariaDB and SQLite say which ones they have made (RETURNING). MySQL makes numbers for the rows of one statement that follow
 * each other by `auto_increment_increment`, whatever other connections insert meanwhile, and says which is the first.
 *
 * *Fails with* `NotSupportedError`, before anything is sent, on MySQL for keys that are neither given nor counted up;
 * otherwise as `createMany`. A trigger that sets the key itself goes unnoticed on MySQL.
 *
 * https://dev.mysql.com/doc/refman/9.7/en/innodb-auto-increment-handling.html
 *
 * @example
 * ```ts
 * import { Column, Operations, Table } from "effect-sa/schema"
 *
 * const person = Table.make("person", {
 *   id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
 *   name: Column.varchar(50)
 * })
 *
 * export const ids = Operations.createManyWithKeys(person, "id", [{ name: "Ada" }, { name: "Grace" }])
 * ```
 *
 * @since 0.1.0
 * @category creating
 */
export const createManyWithKeys: {
  <Name extends string, F extends Table.Fields, K extends keyof F & string>(
    table: Table.Table<Name, F>,
    key: K,
    records: ReadonlyArray<Table.InsertOf<F>>
  ): Operation<ReadonlyArray<Table.RowOf<F>[K]>>
  <Name extends string, F extends Table.Fields, const K extends ReadonlyArray<keyof F & string>>(
    table: Table.Table<Name, F>,
    key: K,
    records: ReadonlyArray<Table.InsertOf<F>>
  ): Operation<ReadonlyArray<Pick<Table.RowOf<F>, K[number]>>>
} = (
  { source }: Table.Any,
  key: string | ReadonlyArray<string>,
  records: ReadonlyArray<AnyRecord>
): Operation<ReadonlyArray<never>> =>
  Effect.gen(function* () {
    const names = typeof key === "string" ? [key] : key
    if (!Array.isArray(names))
      return yield* new ArgumentError({
        argument: "key",
        given: kindOf(key),
        expected: "a column, or an array of them"
      })
    const fields = yield* keyFields(source, names)
    const runs = yield* Effect.flatMap(runsOf(records), (given) =>
      keyDefaults(source).length === 0
        ? Effect.succeed(given)
        : Effect.flatMap(
            Effect.forEach(records, (record) => withKeys(source, record)),
            runsOf
          )
    )
    if (runs.length === 0) return []
    const rows = yield* onServer((returning) =>
      returning ? keysReturned(source, fields, runs) : keysCounted(source, fields, runs)
    )
    // The columns that are named are of the types that the table says.
    return (typeof key === "string" ? rows.map((row) => row[key]) : rows) as ReadonlyArray<never>
  })

// ---------------------------------------------------------------------------------------------------------------------
// updating

/** Columns that an update leaves alone: what a record is known by, and when it came. */
const isFixed = ({ primaryKey }: Source, name: string): boolean => primaryKey.includes(name) || name === "date_created"

const checkFixed = (
  source: Source,
  argument: string,
  names: ReadonlyArray<string>
): Effect.Effect<void, ArgumentError> => {
  const fixed = names.find((name) => isFixed(source, name))
  return fixed === undefined
    ? Effect.void
    : Effect.fail(
        new ArgumentError({
          argument: argument === "values" ? `values.${fixed}` : `${argument}, ${JSON.stringify(fixed)}`,
          given: argument === "values" ? "a value" : "a column that stays as it is",
          expected: "only columns that are not of the primary key, nor date_created"
        })
      )
}

/**
 * Sets columns of the record with this key, and gives it as it is then (devsetgo_lib's `update_one`), in one transaction. The
 * primary key and `date_created` stay as they are.
 *
 * *Fails with* `NoResultFoundError` where there is no such record; with `ArgumentError`, before anything is sent, for values
 * of the primary key or of `date_created`, and for what the table does not take; as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category updating
 */
export const updateOne = <Name extends string, F extends Table.Fields>(
  { source }: Table.Table<Name, F>,
  key: Key<F>,
  values: Table.UpdateOf<F>
): Operation<Table.RowOf<F>, NoResultFoundError> =>
  Effect.gen(function* () {
    const bound = yield* RecordKey.bound(source, key, "key")
    const record = yield* recordOf("values", values)
    yield* checkFixed(source, "values", Object.keys(record))
    const update = yield* filledIn(
      TableStatement.update(source, record, (query) =>
        bound.reduce(
          (refined: UpdateQuery, [name, value]) => refined.where(TableStatement.columnOf(source, name), "=", value),
          query
        )
      )
    )
    const row = yield* Engine.transaction(
      Effect.flatMap(Engine.execute(update), ({ rowCount }) =>
        rowCount === 0 ? Effect.fail(missing(source)) : rowBy(source, bound)
      )
    )
    return rowOf<F>(row)
  })

/**
 * What becomes of a record whose key, or other unique value, another record has.
 *
 * @since 0.1.0
 * @category models
 */
export interface UpsertOptions<F extends Table.Fields> {
  /** The columns that are set in the record that is there. None: it is left as it is. */
  readonly update: ReadonlyArray<keyof F & string>
}

/** The program's own values of an update, such as its date, go along. */
const conflictOf = (
  source: Source,
  options: { readonly update: ReadonlyArray<string> }
): Effect.Effect<TableStatement.InsertOptions, ArgumentError> => {
  if (!isRecord(options) || !Array.isArray(options.update))
    return Effect.fail(
      new ArgumentError({ argument: "options", given: kindOf(options), expected: "an object with update, an array" })
    )
  const { update } = options
  return Effect.map(checkFixed(source, "update", update), () => {
    if (update.length === 0) return { onConflict: "ignore" }
    const own = [...source.fields.values()].flatMap(({ name, properties }) =>
      properties.updateDefault !== undefined && properties.insertDefault !== undefined ? [name] : []
    )
    return { onConflict: { update: [...new Set([...update, ...own])] } }
  })
}

/**
 * Creates a record, or updates columns of the one that has its key or another of its unique values, and gives it as the
 * database has it then.
 *
 * *Fails* as `createOne`, and with `ArgumentError` for columns in `update` that are of the primary key or `date_created`.
 *
 * @since 0.1.0
 * @category updating
 */
export const upsertOne = <Name extends string, F extends Table.Fields>(
  table: Table.Table<Name, F>,
  values: Table.InsertOf<F>,
  upsert: UpsertOptions<F>
): Operation<Table.RowOf<F>, NoResultFoundError> =>
  Effect.gen(function* () {
    const { source } = table
    const options = yield* conflictOf(source, upsert)
    const unique = new Set(uniques(table).flat())
    const made = [...source.fields.values()].filter(
      ({ name, properties }) => properties.insertDefault !== undefined && unique.has(name)
    )
    const record = yield* Effect.flatMap(recordOf("values", values), (given) => withMade(made, given))
    const row = yield* onServer((returning) =>
      returning && upsert.update.length > 0
        ? insertReturning(source, record, options)
        : upsertThenRead(table, record, options, returning)
    )
    return rowOf<F>(row)
  })

/** What no two records have the same of: the key, and each unique index. */
const uniques = ({ definition }: Table.Any): ReadonlyArray<ReadonlyArray<string>> => [
  definition.primaryKey,
  ...definition.indexes.filter(({ unique }) => unique).map(({ columns }) => columns)
]

/** The record that was there is the first that has one of the unique values; a new one has them all. */
const upsertThenRead = (
  table: Table.Any,
  record: AnyRecord,
  options: TableStatement.InsertOptions,
  returning: boolean
): Operation<Result.RowBase, NoResultFoundError> =>
  Effect.gen(function* () {
    const { source } = table
    const given = uniques(table).flatMap((names) =>
      names.length > 0 && names.every((name) => Object.hasOwn(record, name) && record[name] !== null)
        ? [names.flatMap((name) => source.fields.get(name) ?? [])]
        : []
    )
    if (given.length === 0)
      return yield* returning ? insertReturning(source, record, options) : insertThenRead(source, record)
    const insert = yield* filledIn(TableStatement.insert(source, record, options))
    return yield* Engine.transaction(
      Effect.gen(function* () {
        yield* Engine.execute(insert)
        for (const fields of given) {
          const bound = fields.map(
            (field) => [field.name, RecordKey.comparable(field, record[field.name], `values.${field.name}`)] as const
          )
          const { rows } = yield* Engine.execute<object>(selectBy(source, bound))
          if (rows[0] !== undefined) return rows[0]
        }
        return yield* Effect.fail(missing(source))
      })
    )
  })

/**
 * Creates records, or updates columns of those that have their keys or other unique values, in one transaction, all or none;
 * gives the number of records. *Fails* as `createMany`.
 *
 * @since 0.1.0
 * @category updating
 */
export const upsertMany = <Name extends string, F extends Table.Fields>(
  { source }: Table.Table<Name, F>,
  records: ReadonlyArray<Table.InsertOf<F>>,
  upsert: UpsertOptions<F>
): Operation<number> =>
  Effect.gen(function* () {
    const options = yield* conflictOf(source, upsert)
    const inserts = yield* Effect.flatMap(runsOf(records), (runs) => insertsOf(source, runs, options))
    yield* insertAll(inserts)
    return records.length
  })

// ---------------------------------------------------------------------------------------------------------------------
// deleting

/**
 * Deletes the record with this key (devsetgo_lib's `delete_one`).
 *
 * *Fails with* `NoResultFoundError` where there is no such record; as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category deleting
 */
export const deleteOne = <Name extends string, F extends Table.Fields>(
  { source }: Table.Table<Name, F>,
  key: Key<F>
): Operation<void, NoResultFoundError> =>
  Effect.flatMap(RecordKey.bound(source, key, "key"), (bound) =>
    Effect.flatMap(Engine.execute(deleteBy(source, [bound])), ({ rowCount }) =>
      rowCount === 0 ? Effect.fail(missing(source)) : Effect.void
    )
  )

/** Keys of one statement: each is a range to read, and more are not faster. */
const mostKeys = 500

/**
 * Deletes the records with these keys in one transaction, and gives the number of those that were there (devsetgo_lib's
 * `delete_many`). *Fails* as `Engine.execute` does; nothing is deleted then.
 *
 * @since 0.1.0
 * @category deleting
 */
export const deleteMany = <Name extends string, F extends Table.Fields>(
  { source }: Table.Table<Name, F>,
  keys: ReadonlyArray<Key<F>>
): Operation<number> =>
  Effect.gen(function* () {
    if (!Array.isArray(keys))
      return yield* new ArgumentError({ argument: "keys", given: kindOf(keys), expected: "an array of keys" })
    const all = yield* Effect.forEach(keys, (key, i) => RecordKey.bound(source, key, `keys[${i}]`))
    if (all.length === 0) return 0
    const batches = Array.from({ length: Math.ceil(all.length / mostKeys) }, (_, i) =>
      all.slice(i * mostKeys, (i + 1) * mostKeys)
    )
    const results = yield* Engine.transaction(
      Effect.forEach(batches, (batch) => Engine.execute(deleteBy(source, batch)))
    )
    return results.reduce((sum, { rowCount }) => sum + rowCount, 0)
  })

const deleteBy = (source: Source, keys: ReadonlyArray<Bound>): Statement<never> =>
  TableStatement.remove(source, (query): DeleteQuery => {
    const [name] = source.primaryKey
    if (source.primaryKey.length === 1 && name !== undefined) {
      const values = keys.flatMap((bound) => bound.map(([, value]) => value))
      return query.where(TableStatement.columnOf(source, name), "in", values)
    }
    return query.where((each) =>
      each.or(
        keys.map((bound) =>
          each.and(bound.map(([name, value]) => each(TableStatement.columnOf(source, name), "=", value)))
        )
      )
    )
  })

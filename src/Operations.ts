/**
 * Operations on a database (devsetgo_lib's `DatabaseOperations`): statements executed, queries read and counted, records
 * created, updated and deleted, and what tables are like. All of them require an `Engine.Engine`, and take part in the
 * transaction that they are in. They fail with typed errors, and log nothing.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type * as Engine from "./Engine.js"
import type { ExecuteError } from "./Errors.js"
import * as Inspector from "./Inspector.js"
import type { MetaData } from "./MetaData.js"
import * as Table from "./Table.js"
import type { ServerDefault, SqlType, TableDefinition } from "./TableDefinition.js"

export {
  type Cursor,
  cursorText,
  type Direction,
  type KeysetOptions,
  type KeysetPage,
  type OrderBy,
  paginateKeyset
} from "./KeysetPage.js"
export {
  type AnyStatement,
  type Command,
  type CommandRow,
  executeMany,
  executeOne,
  type Outcome,
  readMultiQuery,
  readOneRecord,
  readQuery,
  type RowOf,
  type Shaped
} from "./QueryOperations.js"
export { countQuery, type Page, type PageOptions, paginateQuery } from "./QueryPages.js"
export type { Key } from "./RecordKey.js"
export {
  createMany,
  createManyWithKeys,
  createOne,
  deleteMany,
  deleteOne,
  updateOne,
  upsertMany,
  upsertOne,
  type UpsertOptions
} from "./RecordOperations.js"

/**
 * What a column is like.
 *
 * @since 0.1.0
 * @category models
 */
export interface ColumnDetails {
  readonly type: SqlType
  readonly nullable: boolean
  readonly primaryKey: boolean
  /** No two rows have the same value of it alone. */
  readonly unique: boolean
  readonly autoIncrement: boolean
  /** What the database fills in. */
  readonly default: ServerDefault | undefined
}

type Details = { readonly [name: string]: ColumnDetails }

const detailsOf = ({ columns, primaryKey, indexes }: TableDefinition): Details => {
  const isUnique = (name: string): boolean =>
    [primaryKey, ...indexes.filter(({ unique }) => unique).map((index) => index.columns)].some(
      (names) => names.length === 1 && names[0] === name
    )
  return Object.fromEntries(
    columns.map(({ name, type, nullable, autoIncrement, default: serverDefault }) => [
      name,
      {
        type,
        nullable,
        primaryKey: primaryKey.includes(name),
        unique: isUnique(name),
        autoIncrement,
        default: serverDefault
      }
    ])
  )
}

/**
 * The columns of a table by name (devsetgo_lib's `get_columns_details`): of a Table as it is defined; of a name as the table
 * is in the database.
 *
 * *Fails with* `ProgrammingError` `NoSuchTable` where the database has no table of the name; as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category looking
 */
export function getColumnsDetails(table: Table.Any): Effect.Effect<Details>
export function getColumnsDetails(name: string): Effect.Effect<Details, ExecuteError, Engine.Engine>
export function getColumnsDetails(table: Table.Any | string): Effect.Effect<Details, ExecuteError, Engine.Engine> {
  return Effect.map(definitionOf(table), detailsOf)
}

/** What is defined needs no database. */
const definitionOf = (table: Table.Any | string): Effect.Effect<TableDefinition, ExecuteError, Engine.Engine> =>
  Table.isTable(table)
    ? Effect.succeed(table.definition)
    : Effect.flatMap(Inspector.tables([table]), ([found]) =>
        found === undefined ? Effect.dieMessage("a table that is there has a definition") : Effect.succeed(found)
      )

/**
 * The columns of a table's primary key, in its order (devsetgo_lib's `get_primary_keys`): of a Table as it is defined; of a
 * name as the table is in the database. *Fails* as `getColumnsDetails`.
 *
 * @since 0.1.0
 * @category looking
 */
export function getPrimaryKeys(table: Table.Any): Effect.Effect<ReadonlyArray<string>>
export function getPrimaryKeys(name: string): Effect.Effect<ReadonlyArray<string>, ExecuteError, Engine.Engine>
export function getPrimaryKeys(
  table: Table.Any | string
): Effect.Effect<ReadonlyArray<string>, ExecuteError, Engine.Engine> {
  return Effect.map(definitionOf(table), ({ primaryKey }) => primaryKey)
}

/**
 * The names of the tables (devsetgo_lib's `get_table_names`): of metadata as they are defined; without it those that are in
 * the database. *Fails* as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category looking
 */
export function getTableNames(metaData: MetaData): Effect.Effect<ReadonlyArray<string>>
export function getTableNames(): Effect.Effect<ReadonlyArray<string>, ExecuteError, Engine.Engine>
export function getTableNames(metaData?: MetaData): Effect.Effect<ReadonlyArray<string>, ExecuteError, Engine.Engine> {
  return metaData === undefined ? Inspector.tableNames : Effect.succeed(metaData.tables.map(({ name }) => name))
}

/**
 * What is in a database: its tables as definitions, in one shape for MySQL, MariaDB and SQLite (SQLAlchemy's `inspect`).
 *
 * It looks at the current database of a server (where none is chosen, there are no tables), and at the main database of SQLite; temporary and attached tables are not
 * seen. Constraints and indexes are in the order of their names. A table that `Ddl` has made comes back as it was, but for
 * what the database changes: servers write the expressions of checks and defaults in their own way, MySQL keeps no name for
 * a primary key, and SQLite has no comments.
 *
 * - A type that `SqlType` has no name for is `Other`. Collations and character sets of columns, storage engines, partitions,
 *   WITHOUT ROWID and STRICT, and whether a column is invisible or a check enforced, are not part of a definition.
 * - A default of NULL is none.
 * - An index that InnoDB has made for a foreign key is left out: one that is not unique, over just the columns of the foreign
 *   key in their order, with the foreign key's name (or with the name of its first column, where the foreign key's own is
 *   `<table>_ibfk_<n>`, which the server has made up). An index of the program over the same columns with another name is
 *   there, and so is one whose columns are in another order.
 * - An index that is more than columns in order has a `definition`.
 * - What has no name in SQLite gets one: `<table>_uq_<n>`, `<table>_ibfk_<n>`, `<table>_chk_<n>`.
 * - A table of another schema that a foreign key refers to is `<schema>.<table>`.
 * - Servers describe a table without characters beyond U+FFFF, and write `?` for them. A literal default is given exactly
 *   nevertheless (but for a column of MariaDB that is NOT NULL, where its table has no rows); the values of an ENUM, and
 *   expressions, have the question mark. The same holds for default bytes that are no text.
 *
 * @since 0.1.0
 */
import { Effect, Option } from "effect"
import { Engine } from "./Engine.js"
import { type ExecuteError, ProgrammingError } from "./Errors.js"
import { mysqlNames, mysqlTables } from "./MysqlCatalog.js"
import { sqliteNames, sqliteTables } from "./SqliteCatalog.js"
import type {
  CheckDefinition,
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  TableDefinition
} from "./TableDefinition.js"

/** On one connection: each may have a current database of its own. */
const onEngine = <A>(
  look: (engine: Engine) => Effect.Effect<A, ExecuteError>
): Effect.Effect<A, ExecuteError, Engine> => Effect.flatMap(Engine, (engine) => engine.withConnection(look(engine)))

const namesOf = (kind: "tables" | "views", name?: string) =>
  onEngine((engine) =>
    engine.dialect.name === "mysql" ? mysqlNames(engine, kind, name) : sqliteNames(engine, kind, name)
  )

/** Whether the database takes these for the same table: some compare names of tables without regard to case. */
const isSame = (found: string, name: string): boolean => found.toLowerCase() === name.toLowerCase()

const tablesOf = (engine: Engine, name: string | undefined) =>
  engine.dialect.name === "mysql" ? mysqlTables(engine, name) : sqliteTables(engine, name)

/**
 * The names of the tables. Fails as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category looking
 */
export const tableNames: Effect.Effect<ReadonlyArray<string>, ExecuteError, Engine> = namesOf("tables")

/**
 * The names of the views. Fails as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category looking
 */
export const viewNames: Effect.Effect<ReadonlyArray<string>, ExecuteError, Engine> = namesOf("views")

/**
 * The table of this name, if there is one. Its name is compared as the database compares names of tables. Fails as
 * `Engine.execute` does.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Inspector } from "effect-sa/schema"
 *
 * export const columnNames = Inspector.table("person").pipe(
 *   Effect.map(Option.map((person) => person.columns.map((column) => column.name)))
 * )
 * ```
 *
 * @since 0.1.0
 * @category looking
 */
export const table = (name: string): Effect.Effect<Option.Option<TableDefinition>, ExecuteError, Engine> =>
  onEngine((engine) =>
    Effect.map(tablesOf(engine, name), (found) => Option.fromNullable(found.find((each) => isSame(each.name, name))))
  )

/**
 * Whether there is a table of this name. Fails as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category looking
 */
export const hasTable = (name: string): Effect.Effect<boolean, ExecuteError, Engine> =>
  Effect.map(namesOf("tables", name), (found) => found.some((each) => isSame(each, name)))

/** One table, which must be there. */
const theTable = (name: string): Effect.Effect<TableDefinition, ExecuteError, Engine> =>
  Effect.flatMap(table(name), (found) =>
    Option.isSome(found)
      ? Effect.succeed(found.value)
      : Effect.fail(
          new ProgrammingError({ reason: "NoSuchTable", message: `there is no table ${JSON.stringify(name)}` })
        )
  )

/**
 * All tables, or those of these names in this order.
 *
 * *Fails with* `ProgrammingError` `NoSuchTable` where one of the names is no table's; as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category looking
 */
export const tables = (
  names?: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<TableDefinition>, ExecuteError, Engine> =>
  names === undefined ? onEngine((engine) => tablesOf(engine, undefined)) : Effect.forEach(names, theTable)

/**
 * The columns of a table, in order. *Fails with* `ProgrammingError` `NoSuchTable` where there is no such table.
 *
 * @since 0.1.0
 * @category looking
 */
export const columns = (name: string): Effect.Effect<ReadonlyArray<ColumnDefinition>, ExecuteError, Engine> =>
  Effect.map(theTable(name), (found) => found.columns)

/**
 * The columns of a table's primary key, in the key's order. *Fails with* `ProgrammingError` `NoSuchTable` where there is no
 * such table.
 *
 * @since 0.1.0
 * @category looking
 */
export const primaryKey = (name: string): Effect.Effect<ReadonlyArray<string>, ExecuteError, Engine> =>
  Effect.map(theTable(name), (found) => found.primaryKey)

/**
 * The indexes of a table and its unique constraints. *Fails with* `ProgrammingError` `NoSuchTable` where there is no such
 * table.
 *
 * @since 0.1.0
 * @category looking
 */
export const indexes = (name: string): Effect.Effect<ReadonlyArray<IndexDefinition>, ExecuteError, Engine> =>
  Effect.map(theTable(name), (found) => found.indexes)

/**
 * The foreign keys of a table. *Fails with* `ProgrammingError` `NoSuchTable` where there is no such table.
 *
 * @since 0.1.0
 * @category looking
 */
export const foreignKeys = (name: string): Effect.Effect<ReadonlyArray<ForeignKeyDefinition>, ExecuteError, Engine> =>
  Effect.map(theTable(name), (found) => found.foreignKeys)

/**
 * The checks of a table. *Fails with* `ProgrammingError` `NoSuchTable` where there is no such table.
 *
 * @since 0.1.0
 * @category looking
 */
export const checks = (name: string): Effect.Effect<ReadonlyArray<CheckDefinition>, ExecuteError, Engine> =>
  Effect.map(theTable(name), (found) => found.checks)

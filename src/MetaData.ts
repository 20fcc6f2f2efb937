/**
 * Tables together (`sqlalchemy.MetaData`): created and dropped in the order of their foreign keys, shown as text, and read
 * from a database.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import * as Ddl from "./Ddl.js"
import type { Dialect } from "./Dialect.js"
import * as Engine from "./Engine.js"
import { ArgumentError, type ExecuteError } from "./Errors.js"
import * as Inspector from "./Inspector.js"
import * as Statement from "./Statement.js"
import * as Table from "./Table.js"

/**
 * Tables that belong together.
 *
 * @since 0.1.0
 * @category models
 */
export interface MetaData {
  readonly tables: ReadonlyArray<Table.Any>
}

/**
 * Tables together, in any order.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (...tables: ReadonlyArray<Table.Any>): MetaData => ({ tables })

/**
 * The tables that are in a database, or those of them that are named, with their columns, keys, indexes and checks
 * (SQLAlchemy's `MetaData.reflect`). Their rows have the database's values.
 *
 * *Fails with* `ProgrammingError` `NoSuchTable` where one that is named is not there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const reflect = (names?: ReadonlyArray<string>): Effect.Effect<MetaData, ExecuteError, Engine.Engine> =>
  Effect.map(Inspector.tables(names), (definitions) => make(...definitions.map(Table.fromDefinition)))

/** The tables, each after those that it refers to. */
const sorted = ({ tables }: MetaData): Effect.Effect<ReadonlyArray<Table.Any>, ArgumentError> => {
  const byName = new Map<string, Table.Any>()
  for (const table of tables) {
    if (byName.has(table.name.toLowerCase())) {
      const given = `two tables of the name ${JSON.stringify(table.name)}`
      return Effect.fail(new ArgumentError({ argument: "tables", given, expected: "tables of different names" }))
    }
    byName.set(table.name.toLowerCase(), table)
  }
  const definitions = Ddl.sortTables(tables.map(({ definition }) => definition))
  return definitions instanceof ArgumentError
    ? Effect.fail(definitions)
    : Effect.succeed(definitions.flatMap(({ name }) => byName.get(name.toLowerCase()) ?? []))
}

/** The texts that create the tables. All are made before any is executed: a wrong table leaves nothing half made. */
const creating = (
  metaData: MetaData,
  dialect: Dialect,
  ifNotExists: boolean
): Effect.Effect<ReadonlyArray<string>, Statement.Refusal> =>
  Effect.flatMap(sorted(metaData), (tables) =>
    Effect.map(
      Effect.forEach(tables, ({ definition }) => {
        const texts = Ddl.createTable(definition, dialect, { ifNotExists })
        return "_tag" in texts ? Effect.fail(texts) : Effect.succeed(texts)
      }),
      (texts) => texts.flat()
    )
  )

/** A text that is executed as it is, whatever looks like a marker in it. */
const asItIs = (sql: string): Statement.Statement<never> => ({
  [Statement.TypeId]: { text: () => ({ sql, parameters: [] }), _A: (_: never) => _ }
})

/** Where DDL is part of transactions, all of it or nothing. Elsewhere each statement commits by itself. */
const together = (
  texts: (dialect: Dialect) => Effect.Effect<ReadonlyArray<string>, Statement.Refusal>
): Effect.Effect<void, ExecuteError, Engine.Engine> =>
  Effect.flatMap(Engine.Engine, (engine) =>
    Effect.flatMap(texts(engine.dialect), (all) => {
      const executed = Effect.forEach(all, (sql) => engine.execute(asItIs(sql)), { discard: true })
      return engine.dialect.name === "sqlite" ? engine.transaction(executed) : executed
    })
  )

/**
 * Creates the tables that are not there yet, each after those that it refers to (`sqlalchemy.MetaData.create_all`). One that
 * is there is left alone, whatever it is like.
 *
 * *Fails with* `ArgumentError`, before anything is sent, for a table that no database would take or tables that refer to
 * each other in a circle; with what the database answers. On SQLite it is all of them or none. MySQL and MariaDB commit each
 * table by itself, and with it the transaction that is open: what was created before a failure, or an *interruption*, stays.
 *
 * @since 0.1.0
 * @category DDL
 */
export const createAll = (metaData: MetaData): Effect.Effect<void, ExecuteError, Engine.Engine> =>
  together((dialect) => creating(metaData, dialect, true))

/**
 * Drops the tables that are there, each before those that it refers to (`sqlalchemy.MetaData.drop_all`). Fails as
 * `createAll`.
 *
 * @since 0.1.0
 * @category DDL
 */
export const dropAll = (metaData: MetaData): Effect.Effect<void, ExecuteError, Engine.Engine> =>
  together((dialect) =>
    Effect.flatMap(sorted(metaData), (tables) =>
      Effect.forEach([...tables].reverse(), ({ name }) => {
        const sql = Ddl.dropTable(name, dialect, { ifExists: true })
        return typeof sql === "string" ? Effect.succeed(sql) : Effect.fail(sql)
      })
    )
  )

/**
 * The statements that create the tables in a database of this dialect, as text to read or to keep. Nothing is executed.
 *
 * *Fails with* `ArgumentError` as `createAll` does.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Engine } from "effect-sa"
 * import { Column, MetaData, Table } from "effect-sa/schema"
 *
 * const person = Table.make("person", { id: Column.integer.pipe(Column.primaryKey), name: Column.varchar(50) })
 *
 * export const shown = Effect.flatMap(Engine.Engine, ({ dialect }) => MetaData.ddl(MetaData.make(person), dialect))
 * ```
 *
 * @since 0.1.0
 * @category DDL
 */
export const ddl = (metaData: MetaData, dialect: Dialect): Effect.Effect<string, Statement.Refusal> =>
  Effect.map(creating(metaData, dialect, false), (texts) => texts.map((sql) => `${sql};\n`).join(""))

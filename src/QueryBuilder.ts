/**
 * Kysely, to build queries with: they are executed by an engine, a connection or a cursor of this package, on whichever
 * database that is.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import {
  type CompiledQuery,
  createQueryId,
  type DatabaseIntrospector,
  DeduplicateJoinsPlugin,
  DefaultQueryExecutor,
  type Dialect as KyselyDialect,
  type DialectAdapter,
  DialectAdapterBase,
  DummyDriver,
  HandleEmptyInListsPlugin,
  Kysely,
  type KyselyPlugin,
  type QueryCompiler,
  type QueryId,
  type QueryResult,
  type RawBuilder,
  type RootOperationNode,
  WithSchemaPlugin
} from "kysely"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, DataError } from "./Errors.js"
import { compile } from "./KyselyCompiler.js"
import type { RowTransform, Rows } from "./RowTransform.js"
import * as Statement from "./Statement.js"
import type { Column } from "./Value.js"

/**
 * What a query builder can be made with.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Plugins of Kysely, such as its `CamelCasePlugin`: they see each query once, when it is first compiled, and all rows. */
  readonly plugins?: ReadonlyArray<KyselyPlugin> | undefined
}

const notHere =
  "a query builder of effect-sa has no connection: give the query to Engine.execute, Engine.stream or a cursor, and use Engine.transaction"

const nowhere = (): Promise<never> => Promise.reject(new Error(notHere))

/** A query with its plugins, as `execute` takes it: what is in a builder's `compile()`. */
const compiledQuery = <O>(
  query: RootOperationNode,
  queryId: QueryId,
  plugins: ReadonlyArray<KyselyPlugin>
): CompiledQuery<O> & Statement.Statement => {
  const rows = rowTransform(plugins, queryId)
  const inSql = {
    query,
    queryId,
    /** It depends on the database. */
    get sql(): string {
      throw new Error("the SQL of a query is made when it is executed, for the database that it is executed on")
    },
    get parameters(): ReadonlyArray<unknown> {
      return []
    },
    [Statement.TypeId]: { text: (dialect: Dialect) => compile(query, dialect), rows, _A: (_: never) => _ }
  }
  // Who looks at the whole of it, in a log or a test, is not refused.
  return Object.defineProperties(inSql, { sql: { enumerable: false }, parameters: { enumerable: false } })
}

class Adapter extends DialectAdapterBase {
  override get supportsReturning(): boolean {
    return true
  }
  override acquireMigrationLock(): Promise<void> {
    return nowhere()
  }
  override releaseMigrationLock(): Promise<void> {
    return nowhere()
  }
}

const adapter: DialectAdapter = new Adapter()

const compiler: QueryCompiler = { compileQuery: (node, queryId) => compiledQuery(node, queryId, []) }

const introspector: DatabaseIntrospector = { getSchemas: nowhere, getTables: nowhere, getMetadata: nowhere }

/** What stands in for a dialect of Kysely: it speaks to no database. */
const anyDialect: KyselyDialect = {
  createDriver: () => new DummyDriver(),
  createQueryCompiler: () => compiler,
  createAdapter: () => adapter,
  createIntrospector: () => introspector
}

/** Keeps track of the plugins, and compiles to what `execute` takes. */
class Executor extends DefaultQueryExecutor {
  constructor(plugins: ReadonlyArray<KyselyPlugin>) {
    super(compiler, adapter, { provideConnection: nowhere }, [...plugins])
  }
  override compileQuery<O>(node: RootOperationNode, queryId: QueryId): CompiledQuery<O> {
    return compiledQuery(node, queryId, this.plugins)
  }
  override withConnectionProvider(): Executor {
    return this
  }
  override withPlugin(plugin: KyselyPlugin): Executor {
    return new Executor([...this.plugins, plugin])
  }
  override withPlugins(plugins: ReadonlyArray<KyselyPlugin>): Executor {
    return new Executor([...this.plugins, ...plugins])
  }
  override withPluginAtFront(plugin: KyselyPlugin): Executor {
    return new Executor([plugin, ...this.plugins])
  }
  override withoutPlugins(): Executor {
    return new Executor([])
  }
}

/**
 * A Kysely that builds queries for any database, typed by its tables. Its queries are executed by `Engine.execute` and all
 * that executes statements; a query's rows have the type that Kysely gives them, and one that changes rows without returning
 * any has none. The SQL is made once for each query object and database.
 *
 * What a query says that has no meaning on the database of the engine, such as `onDuplicateKeyUpdate` on SQLite, *fails* with
 * `NotSupportedError` when it is executed, and what is not a whole query, or has `undefined` for a value, with
 * `ArgumentError`; nothing is sent. A plugin that fails on rows makes that a `DataError`, whose `cause` is its error.
 *
 * It has no connection: its own `execute`, `stream` and `transaction` are rejected.
 *
 * https://kysely.dev
 *
 * @example
 * ```ts
 * import { Engine } from "effect-sa"
 * import { type Generated, QueryBuilder } from "effect-sa/kysely"
 *
 * interface Tables {
 *   readonly person: { readonly id: Generated<number>; readonly name: string }
 * }
 *
 * const db = QueryBuilder.make<Tables>()
 *
 * // The rows have a property `name`, a string.
 * export const named = Engine.execute(db.selectFrom("person").select("name").where("id", "=", 1))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <DB>({ plugins = [] }: Options = {}): Kysely<DB> =>
  new Kysely<DB>({
    config: { dialect: anyDialect },
    driver: new DummyDriver(),
    executor: new Executor(plugins),
    dialect: anyDialect
  })

/**
 * A query of a Kysely that was made elsewhere.
 *
 * @since 0.1.0
 * @category models
 */
export interface Foreign<O> {
  readonly compile: () => CompiledQuery<O>
  readonly toOperationNode: () => RootOperationNode
}

/**
 * A query of a Kysely that was made elsewhere, or `` sql`…` `` by itself, as a statement. Which plugins that Kysely has
 * cannot be seen: `plugins` are those that are to see the rows, and `[]` where there are none. To `` sql`…` `` they are
 * shown before it is compiled, too, as a query of a Kysely with these plugins would be.
 *
 * @example
 * ```ts
 * import { Engine } from "effect-sa"
 * import { QueryBuilder, sql } from "effect-sa/kysely"
 *
 * const now = QueryBuilder.statement(sql<{ now: string }>`select current_timestamp as ${sql.id("now")}`)
 *
 * export const result = Engine.execute(now)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const statement: {
  <O>(raw: RawBuilder<O>, options?: Options): Statement.Statement<Statement.RowOf<O>>
  <O>(
    query: Foreign<O>,
    options: { readonly plugins: ReadonlyArray<KyselyPlugin> }
  ): Statement.Statement<Statement.RowOf<O>>
} = (query: RawBuilder<unknown> | Foreign<unknown>, { plugins = [] }: Options = {}): Statement.Statement<never> => {
  const whole = "isRawBuilder" in query ? plugins.reduce((raw, plugin) => raw.withPlugin(plugin), query) : query
  let node: RootOperationNode | ArgumentError | undefined
  return {
    [Statement.TypeId]: {
      text: (dialect) => {
        node ??= nodeOf(whole)
        return node instanceof ArgumentError ? node : compile(node, dialect)
      },
      rows: rowTransform(plugins, createQueryId()),
      _A: (_: never) => _
    }
  }
}

/** Plugins of the other Kysely run here, and may fail. */
const nodeOf = (query: RawBuilder<unknown> | Foreign<unknown>): RootOperationNode | ArgumentError => {
  try {
    return query.toOperationNode()
  } catch {
    return new ArgumentError({
      argument: "statement",
      given: "a query that Kysely cannot compile",
      expected: "another"
    })
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// rows

/** Plugins of Kysely that leave rows as they are. */
const ofQueriesOnly: ReadonlyArray<unknown> = [DeduplicateJoinsPlugin, HandleEmptyInListsPlugin, WithSchemaPlugin]

type Records = ReadonlyArray<Record<string, unknown>>

/** The plugins on rows as records, which is how Kysely has them; nothing where no plugin changes rows. */
const rowTransform = (plugins: ReadonlyArray<KyselyPlugin>, queryId: QueryId): RowTransform | undefined => {
  const acting = plugins.filter(({ constructor }) => !ofQueriesOnly.includes(constructor))
  if (acting.length === 0) return undefined
  const transformed = (records: Array<Record<string, unknown>>): Effect.Effect<Records, DataError> =>
    Effect.flatMap(
      Effect.tryPromise({
        try: async () => {
          let result: QueryResult<Record<string, unknown>> = { rows: records }
          for (const plugin of acting) result = await plugin.transformResult({ result, queryId })
          return result.rows
        },
        catch: (cause) => invalid("a plugin of the query failed on its rows", cause)
      }),
      checked
    )
  const columnsOf = newColumns()
  const together = ({ columns, rows }: Rows): Effect.Effect<Rows, DataError> =>
    Effect.flatMap(recordsOf(columns, rows), (records) =>
      Effect.map(transformed(records), (records) => {
        const made = columnsOf(columns, records)
        return { columns: made, rows: records.map((record) => made.map(({ name }) => record[name])) }
      })
    )
  /** A row of nulls says what the columns are called of which there are no rows. */
  const ofNothing = (columns: ReadonlyArray<Column>): Effect.Effect<ReadonlyArray<Column>, DataError> =>
    Effect.map(together({ columns, rows: [columns.map(() => null)] }), ({ columns }) => columns)
  return { columns: ofNothing, rows: (rows) => Effect.map(together(rows), ({ rows }) => rows), together }
}

const invalid = (message: string, cause?: unknown): DataError =>
  new DataError({ reason: "InvalidValue", message, cause })

const isRecord = (u: unknown): u is Record<string, unknown> => typeof u === "object" && u !== null

const checked = (rows: unknown): Effect.Effect<Records, DataError> =>
  Array.isArray(rows) && rows.every(isRecord)
    ? Effect.succeed(rows)
    : Effect.fail(invalid("a plugin of the query made something of its rows that are no rows"))

const recordsOf = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<unknown>>
): Effect.Effect<Array<Record<string, unknown>>, DataError> => {
  const names = columns.map(({ name }) => name)
  const twice = names.find((name, place) => names.indexOf(name) < place)
  return twice === undefined
    ? Effect.succeed(rows.map((row) => Object.fromEntries(names.map((name, place) => [name, row[place]]))))
    : Effect.fail(
        invalid(
          `two columns are named ${JSON.stringify(twice)}: plugins get rows as records, which can hold only one of them`
        )
      )
}

/** Columns by what plugins call them; those of one shape are kept, because what is made for a shape is kept with them. */
const newColumns = () => {
  const known = new WeakMap<ReadonlyArray<Column>, Map<string, ReadonlyArray<Column>>>()
  return (columns: ReadonlyArray<Column>, records: Records): ReadonlyArray<Column> => {
    const names = [...new Set(records.flatMap((record) => Object.keys(record)))]
    const key = JSON.stringify(names)
    const byNames = known.get(columns) ?? new Map<string, ReadonlyArray<Column>>()
    known.set(columns, byNames)
    const made = byNames.get(key) ?? renamed(columns, names)
    byNames.set(key, made)
    return made
  }
}

/** What is not a column's name by now is that of the column in its place, if each is to have one. */
const renamed = (columns: ReadonlyArray<Column>, names: ReadonlyArray<string>): ReadonlyArray<Column> => {
  const isOld = (name: string): boolean => columns.some((column) => column.name === name)
  const left = columns.filter(({ name }) => !names.includes(name))
  const added = names.filter((name) => !isOld(name))
  if (left.length === 0 && added.length === 0) return columns
  if (left.length === added.length) {
    return columns.map((column) => {
      const place = left.indexOf(column)
      return place < 0 ? column : { ...column, name: added[place] ?? column.name }
    })
  }
  return names.map((name) => columns.find((column) => column.name === name) ?? { ...unknownColumn, name })
}

const unknownColumn: Column = {
  name: "",
  table: "",
  typeName: "",
  nullable: undefined,
  length: undefined,
  scale: undefined
}

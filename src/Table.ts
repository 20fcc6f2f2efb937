/**
 * Tables as values: made of columns, they say what their rows are, in the program and in the database, and give the
 * statements that insert, update, delete and select them.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import type {
  ColumnType,
  DeleteQueryBuilder,
  DeleteResult,
  SelectQueryBuilder,
  UpdateQueryBuilder,
  UpdateResult
} from "kysely"
import * as Column from "./Column.js"
import * as ColumnCodec from "./ColumnCodec.js"
import * as Ddl from "./Ddl.js"
import type { Dialect } from "./Dialect.js"
import { NotSupportedError } from "./Errors.js"
import type { Param } from "./Param.js"
import * as Statement from "./Statement.js"
import type {
  CheckDefinition,
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  ReferentialAction,
  TableDefinition
} from "./TableDefinition.js"
import * as TableStatement from "./TableStatement.js"

/**
 * @since 0.1.0
 * @category symbols
 */
export const TypeId: unique symbol = Symbol.for("effect-sa/Table")

/**
 * @since 0.1.0
 * @category symbols
 */
export type TypeId = typeof TypeId

/**
 * The columns of a table by their names, in order.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fields {
  readonly [name: string]: Column.Any
}

/**
 * A column of a table.
 *
 * @since 0.1.0
 * @category models
 */
export interface TableColumn<out C extends Column.Any = Column.Any, out Name extends string = string> {
  readonly name: Name
  /** The name of its table. */
  readonly table: string
  readonly column: C
}

/**
 * What has a table's name and columns in its type.
 *
 * @since 0.1.0
 * @category models
 */
export interface Typed<out Name extends string, out F extends Fields> {
  readonly [TypeId]: { readonly _Fields: (_: never) => F }
  readonly name: Name
}

/**
 * A table (`sqlalchemy.Table`).
 *
 * @since 0.1.0
 * @category models
 */
export interface Table<Name extends string, F extends Fields> extends Typed<Name, F> {
  /** Its columns, by name (SQLAlchemy's `table.c`). */
  readonly columns: { readonly [K in keyof F & string]: TableColumn<F[K], K> }
  readonly definition: TableDefinition
  /** The schemas of its rows, of what is inserted, and of what updates set. */
  readonly schemas: {
    readonly row: Schema.Schema<RowOf<F>, EncodedRowOf<F>>
    readonly insert: Schema.Schema<InsertOf<F>, EncodedInsertOf<F>>
    readonly update: Schema.Schema<UpdateOf<F>, EncodedUpdateOf<F>>
  }
  /** What its statements are made of. */
  readonly source: TableStatement.Source
  /**
   * Inserts rows: these, or those that are given at execution, as an object, an array of values in the order of the columns,
   * or an array of either. Columns without a value get their defaults, made anew for each row.
   *
   * *Fails with*, when executed, `ArgumentError` for a value that a column refuses, an unknown column, or one that must have
   * a value and has none; nothing was sent then.
   */
  readonly insert: {
    <const Names extends ReadonlyArray<keyof F & string>>(
      values: WithParams<InsertOf<F>> | ReadonlyArray<InsertOf<F>> | undefined,
      options: InsertOptions<F> & { readonly returning: Names }
    ): Statement.Statement<Pick<RowOf<F>, Names[number]>>
    (
      values?: WithParams<InsertOf<F>> | ReadonlyArray<InsertOf<F>>,
      options?: InsertOptions<F>
    ): Statement.Statement<never>
  }
  /**
   * Sets columns of the rows that a condition chooses: to these values, or, where there are none, to those that are given at
   * execution under the names of columns. Columns with `onUpdate` are set too. Fails as `insert`.
   */
  readonly update: (
    values: WithParams<UpdateOf<F>> | undefined,
    where: (query: UpdateQuery<Name, F>) => UpdateQuery<Name, F>
  ) => Statement.Statement<never>
  /** Deletes the rows that a condition chooses. */
  readonly delete: (where: (query: DeleteQuery<Name, F>) => DeleteQuery<Name, F>) => Statement.Statement<never>
  /** Selects rows, all columns of them, decoded. */
  readonly select: (refine?: (query: SelectQuery<Name, F>) => SelectQuery<Name, F>) => Statement.Statement<RowOf<F>>
}

/**
 * Any table.
 *
 * @since 0.1.0
 * @category models
 */
export interface Any extends Typed<string, Fields> {
  readonly columns: { readonly [name: string]: TableColumn }
  readonly definition: TableDefinition
  readonly source: TableStatement.Source
}

// ---------------------------------------------------------------------------------------------------------------------
// types

type Simplify<A> = { readonly [K in keyof A]: A[K] }

type OptionalNames<F extends Fields> = { [K in keyof F]: Column.IsOptional<F[K]> extends true ? K : never }[keyof F]

/**
 * A row in the program.
 *
 * @since 0.1.0
 * @category types
 */
export type RowOf<F extends Fields> = Simplify<{ readonly [K in keyof F]: Column.TypeOf<F[K]> }>

/**
 * What is inserted: columns that can be NULL, count up or have a default need not be there.
 *
 * @since 0.1.0
 * @category types
 */
export type InsertOf<F extends Fields> = Simplify<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: Column.TypeOf<F[K]> } & {
    readonly [K in OptionalNames<F>]?: Column.TypeOf<F[K]>
  }
>

/**
 * What an update sets.
 *
 * @since 0.1.0
 * @category types
 */
export type UpdateOf<F extends Fields> = Simplify<{ readonly [K in keyof F]?: Column.TypeOf<F[K]> }>

/**
 * A row as the database gives it.
 *
 * @since 0.1.0
 * @category types
 */
export type EncodedRowOf<F extends Fields> = Simplify<{ readonly [K in keyof F]: Column.EncodedOf<F[K]> }>

/**
 * What is inserted, as the database takes it.
 *
 * @since 0.1.0
 * @category types
 */
export type EncodedInsertOf<F extends Fields> = Simplify<
  { readonly [K in Exclude<keyof F, OptionalNames<F>>]: Column.EncodedOf<F[K]> } & {
    readonly [K in OptionalNames<F>]?: Column.EncodedOf<F[K]>
  }
>

/**
 * What an update sets, as the database takes it.
 *
 * @since 0.1.0
 * @category types
 */
export type EncodedUpdateOf<F extends Fields> = Simplify<{ readonly [K in keyof F]?: Column.EncodedOf<F[K]> }>

/**
 * Values, or places for values that are given at execution.
 *
 * @since 0.1.0
 * @category types
 */
export type WithParams<A> = { readonly [K in keyof A]: A[K] | Param<A[K]> }

/**
 * A table as Kysely knows it: with the database's own types, because an expression or an alias cannot be decoded.
 *
 * @since 0.1.0
 * @category types
 */
export type KyselyTable<F extends Fields> = {
  [K in keyof F]: ColumnType<
    Column.EncodedOf<F[K]>,
    Column.EncodedOf<F[K]> | (Column.IsOptional<F[K]> extends true ? undefined : never),
    Column.EncodedOf<F[K]>
  >
}

/**
 * The tables of a program as Kysely's database interface.
 *
 * @example
 * ```ts
 * import { QueryBuilder } from "effect-sa/kysely"
 * import { Column, Table } from "effect-sa/schema"
 *
 * const person = Table.make("person", { id: Column.integer, name: Column.varchar(50) })
 * const visit = Table.make("visit", { person: Column.integer, day: Column.date })
 *
 * const db = QueryBuilder.make<Table.Database<typeof person | typeof visit>>()
 *
 * export const visitors = db
 *   .selectFrom("visit")
 *   .innerJoin("person", "person.id", "visit.person")
 *   .select(["person.name", "visit.day"])
 * ```
 *
 * @since 0.1.0
 * @category types
 */
export type Database<T> = {
  [Each in T as Each extends Typed<infer Name, Fields> ? Name : never]: Each extends Typed<string, infer F>
    ? KyselyTable<F>
    : never
}

/**
 * The type of a table's rows in the program.
 *
 * @since 0.1.0
 * @category types
 */
export type Row<T> = T extends Typed<string, infer F> ? RowOf<F> : never

/**
 * The type of what is inserted into a table.
 *
 * @since 0.1.0
 * @category types
 */
export type Insert<T> = T extends Typed<string, infer F> ? InsertOf<F> : never

/**
 * The type of what updates of a table set.
 *
 * @since 0.1.0
 * @category types
 */
export type Update<T> = T extends Typed<string, infer F> ? UpdateOf<F> : never

/** The database of one table. */
type Own<Name extends string, F extends Fields> = { [K in Name]: KyselyTable<F> }

/**
 * A Kysely query that selects from the table.
 *
 * @since 0.1.0
 * @category types
 */
export type SelectQuery<Name extends string, F extends Fields> = SelectQueryBuilder<Own<Name, F>, Name, object>

/**
 * A Kysely query that updates the table.
 *
 * @since 0.1.0
 * @category types
 */
export type UpdateQuery<Name extends string, F extends Fields> = UpdateQueryBuilder<
  Own<Name, F>,
  Name,
  Name,
  UpdateResult
>

/**
 * A Kysely query that deletes from the table.
 *
 * @since 0.1.0
 * @category types
 */
export type DeleteQuery<Name extends string, F extends Fields> = DeleteQueryBuilder<Own<Name, F>, Name, DeleteResult>

/**
 * How rows are inserted.
 *
 * @since 0.1.0
 * @category models
 */
export type InsertOptions<F extends Fields> = TableStatement.InsertOptions<keyof F & string>

// ---------------------------------------------------------------------------------------------------------------------
// constructors

/**
 * What a table has besides its columns: keys, indexes and checks over several of them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<Names extends string = string> {
  /** The columns of the primary key, in its order. Default: those that are `Column.primaryKey`. */
  readonly primaryKey?: ReadonlyArray<Names> | undefined
  readonly indexes?:
    | ReadonlyArray<{
        readonly columns: ReadonlyArray<Names>
        readonly unique?: boolean | undefined
        /** Default: made of the table's and the columns' names. */
        readonly name?: string | undefined
      }>
    | undefined
  readonly foreignKeys?:
    | ReadonlyArray<{
        readonly columns: ReadonlyArray<Names>
        readonly references: { readonly table: string; readonly columns: ReadonlyArray<string> }
        readonly onDelete?: ReferentialAction | undefined
        readonly onUpdate?: ReferentialAction | undefined
        readonly name?: string | undefined
      }>
    | undefined
  /** Conditions in SQL. They are not checked: they must not come from outside. */
  readonly checks?: ReadonlyArray<CheckDefinition> | undefined
  readonly comment?: string | undefined
}

/**
 * Makes a table of columns. It is a value: nothing is checked before the table is created in a database, and no database is
 * needed to make it.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Engine } from "effect-sa"
 * import { Column, MetaData, Table } from "effect-sa/schema"
 *
 * const PersonId = Schema.Int.pipe(Schema.brand("PersonId"))
 *
 * const person = Table.make("person", {
 *   id: Column.integer.pipe(Column.schema(PersonId), Column.primaryKey, Column.autoIncrement),
 *   name: Column.varchar(50),
 *   email: Column.varchar(100).pipe(Column.nullable, Column.unique)
 * })
 *
 * export const program = Effect.gen(function* () {
 *   yield* MetaData.createAll(MetaData.make(person))
 *   yield* Engine.execute(person.insert({ name: "Ada" }))
 *   const { rows } = yield* Engine.execute(person.select((query) => query.where("name", "=", "Ada")))
 *   return rows.map((row) => row.id)
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <const Name extends string, F extends Fields>(
  name: Name,
  fields: F,
  options: Options<keyof F & string> = {}
): Table<Name, F> => {
  const definition = definitionOf(name, fields, options)
  const entries = Object.entries(fields)
  const exact = entries.some(([, { properties }]) => properties.integers !== "number")
  const source: TableStatement.Source = {
    name,
    exact,
    primaryKey: definition.primaryKey,
    fields: new Map(
      entries.map(([column, { properties }]) => [
        column,
        { name: column, properties, codec: ColumnCodec.make(name, column, properties, exact) }
      ])
    )
  }
  return {
    [TypeId]: { _Fields: (_: never) => _ },
    name,
    definition,
    source,
    columns: columnsOf(name, fields),
    get schemas() {
      return schemasOf(fields)
    },
    insert: (values?: unknown, given: TableStatement.InsertOptions = {}) =>
      TableStatement.insert(source, values, given),
    // The query that a caller refines is typed by the table; the one that it is, is of any table.
    update: (values, where) => TableStatement.update(source, values, where as never),
    delete: (where) => TableStatement.remove(source, where as never),
    select: (refine) => TableStatement.select(source, (refine ?? ((query: unknown) => query)) as never)
  }
}

const columnsOf = <F extends Fields>(
  table: string,
  fields: F
): { readonly [K in keyof F & string]: TableColumn<F[K], K> } =>
  // One for each of the fields, under its name.
  Object.fromEntries(Object.entries(fields).map(([name, column]) => [name, { name, table, column }])) as {
    [K in keyof F & string]: TableColumn<F[K], K>
  }

/** A column's schema with NULL where it can be that. */
const schemaOf = ({ properties: { schema, nullable } }: Column.Any): Schema.Schema.AnyNoContext =>
  nullable ? Schema.NullOr(schema) : schema

const schemasOf = <Name extends string, F extends Fields>(fields: F): Table<Name, F>["schemas"] => {
  const entries = Object.entries(fields)
  const optional = (column: Column.Any) => Schema.optionalWith(schemaOf(column), { exact: true })
  const row = Object.fromEntries(entries.map(([name, column]) => [name, schemaOf(column)]))
  const update = Object.fromEntries(entries.map(([name, column]) => [name, optional(column)]))
  const insert = Object.fromEntries(
    entries.map(([name, column]) => [name, isOptional(column) ? optional(column) : schemaOf(column)])
  )
  // The columns' types say what their schemas are; a struct that is made of entries does not know.
  return {
    row: Schema.Struct(row),
    insert: Schema.Struct(insert),
    update: Schema.Struct(update)
  } as unknown as Table<Name, F>["schemas"]
}

const isOptional = ({ properties }: Column.Any): boolean =>
  properties.nullable ||
  properties.autoIncrement ||
  properties.serverDefault !== undefined ||
  properties.insertDefault !== undefined

const definitionOf = (name: string, fields: Fields, options: Options): TableDefinition => {
  const entries = Object.entries(fields)
  const columns = entries.map(([column, { properties }]) => columnDefinition(column, properties))
  const having = (key: "primaryKey" | "unique" | "index"): ReadonlyArray<string> =>
    entries.flatMap(([column, { properties }]) => (properties[key] ? [column] : []))
  const indexes: ReadonlyArray<IndexDefinition> = [
    ...having("unique").map((column) => indexOf(name, [column], true)),
    ...having("index").map((column) => indexOf(name, [column], false)),
    ...(options.indexes ?? []).map((index) => indexOf(name, index.columns, index.unique === true, index.name))
  ]
  const foreignKeys: ReadonlyArray<ForeignKeyDefinition> = [
    ...entries.flatMap(
      ([
        column,
        {
          properties: { references }
        }
      ]) =>
        references === undefined
          ? []
          : [
              {
                name: nameOf("fk", name, [column]),
                columns: [column],
                referencedTable: references.table,
                referencedColumns: [references.column],
                onDelete: references.onDelete,
                onUpdate: references.onUpdate
              }
            ]
    ),
    ...(options.foreignKeys ?? []).map((key) => ({
      name: key.name ?? nameOf("fk", name, key.columns),
      columns: key.columns,
      referencedTable: key.references.table,
      referencedColumns: key.references.columns,
      onDelete: key.onDelete ?? "no action",
      onUpdate: key.onUpdate ?? "no action"
    }))
  ]
  const checks: ReadonlyArray<CheckDefinition> = [
    ...entries.flatMap(
      ([
        column,
        {
          properties: { check }
        }
      ]) => (check === undefined ? [] : [{ name: nameOf("ck", name, [column]), expression: check }])
    ),
    ...(options.checks ?? [])
  ]
  return {
    name,
    columns,
    primaryKey: options.primaryKey ?? having("primaryKey"),
    indexes,
    foreignKeys,
    checks,
    comment: options.comment
  }
}

const columnDefinition = (name: string, properties: Column.Properties): ColumnDefinition => ({
  name,
  type: properties.type,
  nullable: properties.nullable,
  autoIncrement: properties.autoIncrement,
  default: properties.serverDefault,
  onUpdateCurrentTimestamp: properties.onUpdateCurrentTimestamp,
  comment: properties.comment
})

const indexOf = (
  table: string,
  columns: ReadonlyArray<string>,
  unique: boolean,
  name = nameOf(unique ? "uq" : "ix", table, columns)
): IndexDefinition => ({ name, columns, unique })

/** A name for what has none: of its kind, its table and its columns. */
const nameOf = (kind: string, table: string, columns: ReadonlyArray<string>): string =>
  [kind, table, ...columns].join("_")

/**
 * Makes a table of a definition, such as one that was read from a database. Its rows have the database's values.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromDefinition = (definition: TableDefinition): Table<string, Fields> => {
  const { name, columns, ...rest } = definition
  const fields = Object.fromEntries(columns.map((column) => [column.name, columnOf(column)]))
  const table: Table<string, Fields> = make(name, fields, { primaryKey: rest.primaryKey })
  return { ...table, schemas: table.schemas, definition }
}

const columnOf = (definition: ColumnDefinition): Column.Any => {
  const plain = Column.ofSqlType(definition.type)
  const nullable: Column.Any = definition.nullable ? plain.pipe(Column.nullable) : plain
  const counting: Column.Any = definition.autoIncrement ? Column.autoIncrement(nullable) : nullable
  const dated: Column.Any = definition.onUpdateCurrentTimestamp ? Column.onUpdateCurrentTimestamp(counting) : counting
  const described: Column.Any = definition.comment === undefined ? dated : Column.comment(definition.comment)(dated)
  return definition.default === undefined ? described : Column.serverDefault(definition.default)(described)
}

/**
 * Whether this is a table.
 *
 * @since 0.1.0
 * @category guards
 */
export const isTable = (u: unknown): u is Any => typeof u === "object" && u !== null && TypeId in u

// ---------------------------------------------------------------------------------------------------------------------
// DDL

/**
 * Creates the table (SQLAlchemy's `CreateTable`), as a statement. Where a database needs a statement of its own for each
 * index, and the table has some, it is a `NotSupportedError` when it is executed: `MetaData.createAll` executes several.
 *
 * @since 0.1.0
 * @category DDL
 */
export const create = (
  table: Any,
  options: { readonly ifNotExists?: boolean | undefined } = {}
): Statement.Statement<never> =>
  definition((dialect) => {
    const texts = Ddl.createTable(table.definition, dialect, options)
    if ("_tag" in texts) return texts
    const [sql = "", ...others] = texts
    return others.length === 0
      ? { sql, parameters: [] }
      : new NotSupportedError({
          reason: "NotSupported",
          message: `table ${JSON.stringify(table.name)} needs ${texts.length} statements here: use MetaData.createAll`
        })
  })

/**
 * Drops the table (SQLAlchemy's `DropTable`), as a statement.
 *
 * @since 0.1.0
 * @category DDL
 */
export const drop = (
  table: Any,
  options: { readonly ifExists?: boolean | undefined } = {}
): Statement.Statement<never> =>
  definition((dialect) => {
    const sql = Ddl.dropTable(table.name, dialect, options)
    return typeof sql === "string" ? { sql, parameters: [] } : sql
  })

const definition = (text: (dialect: Dialect) => Statement.Text | Statement.Refusal): Statement.Statement<never> => ({
  [Statement.TypeId]: { text, _A: (_: never) => _ }
})

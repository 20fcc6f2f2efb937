/**
 * Columns of tables as values: an SQL type, what the database keeps true of it, and a schema between the database's value and
 * the program's.
 *
 * A column begins with its type and is made what it should be in a pipe: `Column.varchar(100).pipe(Column.unique)`. A
 * pipe never changes a column; it makes another.
 *
 * @since 0.1.0
 */
import { Effect, Schema, SchemaAST } from "effect"
import { type Any, type Column, make, type Properties } from "./ColumnModel.js"
import type { ReferentialAction, ServerDefault } from "./TableDefinition.js"

export {
  type Any,
  type Column,
  type EncodedOf,
  type IsOptional,
  isColumn,
  type Properties,
  type Reference,
  TypeId,
  type TypeOf
} from "./ColumnModel.js"
export * from "./ColumnType.js"

const withProperties = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Any,
  properties: Partial<Properties>
): Column<Type, Encoded, Nullable, Optional> => make({ ...self.properties, ...properties })

/**
 * A column that can be NULL, which is `null` in the program. A row can be inserted without it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const nullable = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Column<Type, Encoded, Nullable, Optional>
): Column<Type, Encoded, true, true> => withProperties(self, { nullable: true })

/**
 * A column of the primary key. Several make a key of several columns, in their order.
 *
 * @since 0.1.0
 * @category combinators
 */
export const primaryKey = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Column<Type, Encoded, Nullable, Optional>
): Column<Type, Encoded, Nullable, Optional> => withProperties(self, { primaryKey: true })

/**
 * A column of which no two rows have the same value.
 *
 * @since 0.1.0
 * @category combinators
 */
export const unique = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Column<Type, Encoded, Nullable, Optional>
): Column<Type, Encoded, Nullable, Optional> => withProperties(self, { unique: true })

/**
 * A column with an index of its own.
 *
 * @since 0.1.0
 * @category combinators
 */
export const index = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Column<Type, Encoded, Nullable, Optional>
): Column<Type, Encoded, Nullable, Optional> => withProperties(self, { index: true })

/**
 * An integer that the database counts up for rows that have none.
 *
 * @since 0.1.0
 * @category combinators
 */
export const autoIncrement = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Column<Type, Encoded, Nullable, Optional>
): Column<Type, Encoded, Nullable, true> => withProperties(self, { autoIncrement: true })

/**
 * What a schema says when it encodes to another type than the column has.
 *
 * @since 0.1.0
 * @category types
 */
export interface SchemaMismatch<Type, Encoded> {
  readonly theSchemaEncodesTo: Encoded
  readonly theColumnHas: Type
}

/**
 * A column whose value in the program is what a schema makes of it: a branded id, an enum, a struct in JSON, money as a
 * BigDecimal.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Column } from "effect-sa/schema"
 *
 * const PersonId = Schema.Int.pipe(Schema.brand("PersonId"))
 *
 * export const id = Column.integer.pipe(Column.schema(PersonId), Column.primaryKey, Column.autoIncrement)
 * export const price = Column.decimal(10, 2).pipe(Column.schema(Schema.BigDecimal))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const schema =
  <A, I>(schema: Schema.Schema<A, I>) =>
  <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
    self: Column<Type, Encoded, Nullable, Optional>
  ): [I] extends [Type] ? Column<A, Encoded, Nullable, Optional> : SchemaMismatch<Type, I> =>
    // Which of the two it is the types decide; here it is always the column.
    withProperties(self, { schema: composed(self.properties.schema, schema), decodes: true }) as never

/** The one after the other; a schema that takes anything adds nothing. */
const composed = (first: Schema.Schema.AnyNoContext, second: Schema.Schema.AnyNoContext): Schema.Schema.AnyNoContext =>
  first.ast === SchemaAST.unknownKeyword ? second : Schema.compose(first, second, { strict: false })

/**
 * SQL that the database computes a default from, such as `(UUID())`. It is not checked: it must not come from outside.
 *
 * @since 0.1.0
 * @category defaults
 */
export const sql = (expression: string): ServerDefault => ({ _tag: "Expression", sql: expression })

/**
 * The time of the insert, with `fraction` digits after the second.
 *
 * @since 0.1.0
 * @category defaults
 */
export const currentTimestamp = (fraction = 0): ServerDefault => ({ _tag: "CurrentTimestamp", fraction })

/**
 * A column that the database fills in (SQLAlchemy's `server_default`): with a value as the database has it, or with what
 * `Column.sql` and `Column.currentTimestamp` say.
 *
 * @since 0.1.0
 * @category combinators
 */
export const serverDefault =
  (value: ServerDefault | string | number | bigint | boolean) =>
  <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
    self: Column<Type, Encoded, Nullable, Optional>
  ): Column<Type, Encoded, Nullable, true> =>
    withProperties(self, {
      serverDefault:
        typeof value === "object" ? value : { _tag: "Value", value: typeof value === "boolean" ? Number(value) : value }
    })

/**
 * A value of the program, a function that makes one, or an effect that does, for each row anew.
 *
 * @since 0.1.0
 * @category defaults
 */
export type Default<Type> = Type | (() => Type) | Effect.Effect<Type>

/** NULL, where a column can be that: `nullable` comes before a default of `null`. */
type NullOf<Nullable extends boolean> = Nullable extends true ? null : never

const effectOf = <Type>(value: Default<Type>): Effect.Effect<unknown> => {
  if (Effect.isEffect(value)) return value
  return typeof value === "function"
    ? Effect.sync((): unknown => Reflect.apply(value, undefined, []))
    : Effect.succeed(value)
}

/**
 * A column that the program fills in for a row that is inserted without it (SQLAlchemy's `default`): by a value, a function,
 * or an effect, which run once for each row.
 *
 * @example
 * ```ts
 * import { DateTime, Effect } from "effect"
 * import { Column } from "effect-sa/schema"
 *
 * export const id = Column.uuid.pipe(Column.primaryKey, Column.withDefault(() => crypto.randomUUID()))
 * export const state = Column.enumeration("open", "closed").pipe(Column.withDefault("open"))
 * export const created = Column.datetime(3).pipe(Column.withDefault(Effect.map(DateTime.now, DateTime.toDateUtc)))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withDefault =
  <const Value>(value: Default<Value>) =>
  <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
    self: Column<Type, Encoded, Nullable, Optional>
  ): [Value] extends [Type | NullOf<Nullable>] ? Column<Type, Encoded, Nullable, true> : SchemaMismatch<Type, Value> =>
    // Which of the two it is the types decide; here it is always the column.
    withProperties(self, { insertDefault: effectOf(value) }) as never

/**
 * A column that the program sets with every update that has no value for it (SQLAlchemy's `onupdate`).
 *
 * @since 0.1.0
 * @category combinators
 */
export const onUpdate =
  <const Value>(value: Default<Value>) =>
  <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
    self: Column<Type, Encoded, Nullable, Optional>
  ): [Value] extends [Type | NullOf<Nullable>]
    ? Column<Type, Encoded, Nullable, Optional>
    : SchemaMismatch<Type, Value> =>
    // Which of the two it is the types decide; here it is always the column.
    withProperties(self, { updateDefault: effectOf(value) }) as never

/**
 * A column that refers to a column of another table, or of its own.
 *
 * @example
 * ```ts
 * import { Column } from "effect-sa/schema"
 *
 * export const owner = Column.integer.pipe(
 *   Column.references({ table: "person", column: "id" }, { onDelete: "cascade" })
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const references =
  (
    target: { readonly table: string | { readonly name: string }; readonly column: string },
    actions: { readonly onDelete?: ReferentialAction; readonly onUpdate?: ReferentialAction } = {}
  ) =>
  <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
    self: Column<Type, Encoded, Nullable, Optional>
  ): Column<Type, Encoded, Nullable, Optional> =>
    withProperties(self, {
      references: {
        table: typeof target.table === "string" ? target.table : target.table.name,
        column: target.column,
        onDelete: actions.onDelete ?? "no action",
        onUpdate: actions.onUpdate ?? "no action"
      }
    })

/**
 * A column whose values keep a condition in SQL, which names the column itself. It is not checked: it must not come from
 * outside.
 *
 * @since 0.1.0
 * @category combinators
 */
export const check =
  (expression: string) =>
  <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
    self: Column<Type, Encoded, Nullable, Optional>
  ): Column<Type, Encoded, Nullable, Optional> =>
    withProperties(self, { check: expression })

/**
 * A column with a comment, where the database keeps one.
 *
 * @since 0.1.0
 * @category combinators
 */
export const comment =
  (text: string) =>
  <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
    self: Column<Type, Encoded, Nullable, Optional>
  ): Column<Type, Encoded, Nullable, Optional> =>
    withProperties(self, { comment: text })

/**
 * A column that the database sets to the time of each update (MySQL's ON UPDATE CURRENT_TIMESTAMP). SQLite has none:
 * `onUpdate` does the same from the program, everywhere.
 *
 * @since 0.1.0
 * @category combinators
 */
export const onUpdateCurrentTimestamp = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Column<Type, Encoded, Nullable, Optional>
): Column<Type, Encoded, Nullable, Optional> => withProperties(self, { onUpdateCurrentTimestamp: true })

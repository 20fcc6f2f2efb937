/**
 * What a column of a table is.
 *
 * @since 0.1.0
 */
import { type Effect, Pipeable, type Schema } from "effect"
import type { ReferentialAction, ServerDefault, SqlType } from "./TableDefinition.js"

/**
 * @since 0.1.0
 * @category symbols
 */
export const TypeId: unique symbol = Symbol.for("effect-sa/Column")

/**
 * @since 0.1.0
 * @category symbols
 */
export type TypeId = typeof TypeId

/**
 * A column. `Type` is its value in the program, `Encoded` the one that the database gives and takes; both without NULL, which
 * `Nullable` adds. With `Optional` a row can be inserted without it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Column<out Type, out Encoded, out Nullable extends boolean, out Optional extends boolean>
  extends Pipeable.Pipeable {
  readonly [TypeId]: {
    readonly _Type: (_: never) => Type
    readonly _Encoded: (_: never) => Encoded
    readonly _Nullable: (_: never) => Nullable
    readonly _Optional: (_: never) => Optional
  }
  readonly properties: Properties
}

/**
 * Any column.
 *
 * @since 0.1.0
 * @category models
 */
export type Any = Column<unknown, unknown, boolean, boolean>

/**
 * What a column is, but for its name.
 *
 * @since 0.1.0
 * @category models
 */
export interface Properties {
  readonly type: SqlType
  /** Integers of this column are read as what: a number, where it is not said. */
  readonly integers: "number" | "bigint" | "string"
  /** Between the database's value and the program's; NULL is beside it. */
  readonly schema: Schema.Schema.AnyNoContext
  /** The program has other values than the database gives, or has them checked. */
  readonly decodes: boolean
  readonly nullable: boolean
  readonly primaryKey: boolean
  readonly unique: boolean
  readonly index: boolean
  readonly autoIncrement: boolean
  readonly serverDefault: ServerDefault | undefined
  /** What a row is inserted with that has no value for the column. */
  readonly insertDefault: Effect.Effect<unknown> | undefined
  /** What a row is updated with when the update has no value for the column. */
  readonly updateDefault: Effect.Effect<unknown> | undefined
  readonly onUpdateCurrentTimestamp: boolean
  readonly references: Reference | undefined
  /** A condition on the column in SQL. */
  readonly check: string | undefined
  readonly comment: string | undefined
}

/**
 * The column of another table, or of the same one, that a column refers to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reference {
  readonly table: string
  readonly column: string
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

/**
 * The value of a column in the program: with NULL, where it can be that.
 *
 * @since 0.1.0
 * @category types
 */
export type TypeOf<C> =
  C extends Column<infer Type, unknown, infer Nullable, boolean> ? Type | (Nullable extends true ? null : never) : never

/**
 * The value of a column as the database gives and takes it.
 *
 * @since 0.1.0
 * @category types
 */
export type EncodedOf<C> =
  C extends Column<unknown, infer Encoded, infer Nullable, boolean>
    ? Encoded | (Nullable extends true ? null : never)
    : never

/**
 * Whether a row can be inserted without the column.
 *
 * @since 0.1.0
 * @category types
 */
export type IsOptional<C> = C extends Column<unknown, unknown, boolean, infer Optional> ? Optional : never

const variance = {
  _Type: (_: never) => _,
  _Encoded: (_: never) => _,
  _Nullable: (_: never) => _,
  _Optional: (_: never) => _
}

/**
 * A column with these properties.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  properties: Properties
): Column<Type, Encoded, Nullable, Optional> => ({
  ...Pipeable.Prototype,
  [TypeId]: variance,
  properties
})

/**
 * Whether this is a column.
 *
 * @since 0.1.0
 * @category guards
 */
export const isColumn = (u: unknown): u is Any => typeof u === "object" && u !== null && TypeId in u

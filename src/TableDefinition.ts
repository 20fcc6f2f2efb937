/**
 * What a table is, as data that no database is particular about: its columns and their SQL types, keys, indexes and checks.
 *
 * @since 0.1.0
 */

/**
 * The type of a column as SQL has it. `Other` is a type that only its database knows, by the name it has there.
 *
 * @since 0.1.0
 * @category models
 */
export type SqlType =
  | { readonly _tag: "Integer"; readonly size: IntegerSize; readonly unsigned: boolean }
  | { readonly _tag: "Boolean" }
  | { readonly _tag: "Decimal"; readonly precision: number; readonly scale: number; readonly unsigned: boolean }
  | { readonly _tag: "Float" }
  | { readonly _tag: "Double" }
  /** Lengths are in characters. */
  | { readonly _tag: "Char"; readonly length: number }
  | { readonly _tag: "Varchar"; readonly length: number }
  | { readonly _tag: "Text"; readonly size: LobSize }
  /** Lengths are in bytes. */
  | { readonly _tag: "Binary"; readonly length: number }
  | { readonly _tag: "Varbinary"; readonly length: number }
  | { readonly _tag: "Blob"; readonly size: LobSize }
  | { readonly _tag: "Date" }
  /** Digits after the second, 0 to 6. */
  | { readonly _tag: "Time"; readonly fraction: number }
  | { readonly _tag: "DateTime"; readonly fraction: number }
  | { readonly _tag: "Timestamp"; readonly fraction: number }
  | { readonly _tag: "Year" }
  | { readonly _tag: "Json" }
  | { readonly _tag: "Enum"; readonly values: ReadonlyArray<string> }
  | { readonly _tag: "Other"; readonly name: string }

/**
 * How large an integer can be: 1, 2, 3, 4 or 8 bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type IntegerSize = "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT"

/**
 * How long a text or a blob can be: 2^8, 2^16, 2^24 or 2^32 bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type LobSize = "TINY" | "NORMAL" | "MEDIUM" | "LONG"

/**
 * What the database fills in for a value that is not given: a value, or an expression in SQL.
 *
 * @since 0.1.0
 * @category models
 */
export type ServerDefault =
  | { readonly _tag: "Value"; readonly value: string | number | bigint | null }
  | { readonly _tag: "CurrentTimestamp"; readonly fraction: number }
  | { readonly _tag: "Expression"; readonly sql: string }

/**
 * A column, but for its place.
 *
 * @since 0.1.0
 * @category models
 */
export interface ColumnDefinition {
  readonly name: string
  readonly type: SqlType
  readonly nullable: boolean
  readonly autoIncrement: boolean
  readonly default: ServerDefault | undefined
  /** The database sets it to the time of each update (MySQL's ON UPDATE CURRENT_TIMESTAMP). */
  readonly onUpdateCurrentTimestamp: boolean
  readonly comment: string | undefined
  /** The database computes it from the row's other columns, in SQL; such a column has no default. */
  readonly generated?: { readonly sql: string; readonly stored: boolean } | undefined
}

/**
 * An index, or a unique constraint, over columns in order.
 *
 * @since 0.1.0
 * @category models
 */
export interface IndexDefinition {
  readonly name: string
  readonly columns: ReadonlyArray<string>
  readonly unique: boolean
  /**
   * An index that is more than columns in order (expressions, parts of texts, descending order, a condition, FULLTEXT) as its
   * database writes it: MySQL inside of CREATE TABLE, SQLite as CREATE INDEX. `columns` are then those that it names.
   */
  readonly definition?: string | undefined
}

/**
 * What becomes of a row when the one that it refers to goes, or changes its key.
 *
 * @since 0.1.0
 * @category models
 */
export type ReferentialAction = "no action" | "restrict" | "cascade" | "set null" | "set default"

/**
 * Columns that refer to columns of another table, or of this one.
 *
 * @since 0.1.0
 * @category models
 */
export interface ForeignKeyDefinition {
  readonly name: string
  readonly columns: ReadonlyArray<string>
  readonly referencedTable: string
  readonly referencedColumns: ReadonlyArray<string>
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

/**
 * A condition that every row keeps, in SQL.
 *
 * @since 0.1.0
 * @category models
 */
export interface CheckDefinition {
  readonly name: string
  readonly expression: string
}

/**
 * A table.
 *
 * @since 0.1.0
 * @category models
 */
export interface TableDefinition {
  readonly name: string
  /** In order. */
  readonly columns: ReadonlyArray<ColumnDefinition>
  /** The names of its columns, in the key's order; none where the table has no primary key. */
  readonly primaryKey: ReadonlyArray<string>
  readonly indexes: ReadonlyArray<IndexDefinition>
  readonly foreignKeys: ReadonlyArray<ForeignKeyDefinition>
  readonly checks: ReadonlyArray<CheckDefinition>
  readonly comment: string | undefined
}

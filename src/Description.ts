/**
 * The columns of a result as PEP 249 describes them.
 *
 * https://peps.python.org/pep-0249/#description
 *
 * @since 0.1.0
 */
import type { Column } from "./Value.js"

/**
 * PEP 249's type objects: the kinds of types that it tells apart.
 *
 * @since 0.1.0
 * @category models
 */
export type TypeCode = "STRING" | "BINARY" | "NUMBER" | "DATETIME"

/**
 * A column in the seven fields of PEP 249 (`name`, `type_code`, `display_size`, `internal_size`, `precision`, `scale`,
 * `null_ok`), besides what a `Column` says. What a database does not say is undefined.
 *
 * @since 0.1.0
 * @category models
 */
export interface ColumnDescription extends Column {
  /** Undefined where the database names no type: SQLite's expressions, and NULL. */
  readonly typeCode: TypeCode | undefined
  /** Characters, or bytes of a binary column, that the longest value has. */
  readonly displaySize: number | undefined
  /** Bytes that the longest value of a text or binary column has. */
  readonly internalSize: number | undefined
  /** Significant digits of a DECIMAL. */
  readonly precision: number | undefined
  /** As `nullable`. */
  readonly nullOk: boolean | undefined
}

/** By the first that fits: a POINT is no INT. */
const typeCodes: ReadonlyArray<readonly [RegExp, TypeCode]> = [
  [/BLOB|BINARY|GEOM|POINT|LINESTRING|POLYGON|VECTOR/, "BINARY"],
  [/CHAR|TEXT|CLOB|JSON|ENUM|^SET$|UUID|INET/, "STRING"],
  [/^(?:DATE|TIME)/, "DATETIME"],
  [/INT|DEC|NUM|FLOA|DOUB|REAL|BOOL|BIT|YEAR/, "NUMBER"]
]

const typeCodeOf = (typeName: string): TypeCode | undefined => typeCodes.find(([names]) => names.test(typeName))?.[1]

/** Connections speak utf8mb4, and servers give lengths in bytes. */
const bytesPerCharacter = 4

/**
 * Describes a column. A server says how many bytes the longest value takes, SQLite what the declaration has in parentheses.
 *
 * @since 0.1.0
 * @category constructors
 */
export const describe = (column: Column, isServer: boolean): ColumnDescription => {
  const { typeName, length, nullable } = column
  const typeCode = typeCodeOf(typeName)
  const isText = typeCode === "STRING" || typeCode === "BINARY"
  const isWide = isServer && typeCode === "STRING" && length !== undefined
  return {
    ...column,
    typeCode,
    displaySize: isWide ? Math.floor(length / bytesPerCharacter) : length,
    internalSize: isServer && isText ? length : undefined,
    precision: /^(?:DEC|NUM)/.test(typeName) ? precisionOf(column, isServer) : undefined,
    nullOk: nullable
  }
}

/** What a server says of a decimal is the length of its text, with the sign and the point. */
const precisionOf = ({ length, scale, typeName }: Column, isServer: boolean): number | undefined => {
  if (!isServer || length === undefined) return length
  return length - ((scale ?? 0) > 0 ? 1 : 0) - (typeName.includes("UNSIGNED") ? 0 : 1)
}

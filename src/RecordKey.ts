/**
 * The primary keys of records: values of a table's key columns, and the condition that finds a record by them.
 *
 * @since 0.1.0
 */
import { BigDecimal, Effect, Option } from "effect"
import { ArgumentError, DataError, kindOf } from "./Errors.js"
import type * as Table from "./Table.js"
import type { Field, Source } from "./TableStatement.js"

/**
 * What says which record is meant: the value of the key's column, or an object where the key has several.
 *
 * @since 0.1.0
 * @category models
 */
export type Key<F extends Table.Fields> = Table.RowOf<F>[keyof F] | Table.UpdateOf<F>

/**
 * A record, whatever its columns.
 *
 * @since 0.1.0
 * @category models
 */
export type AnyRecord = Readonly<Record<string, unknown>>

/**
 * Values of columns as they are bound, by the columns' names.
 *
 * @since 0.1.0
 * @category models
 */
export type Bound = ReadonlyArray<readonly [name: string, value: unknown]>

/**
 * Whether this is an object of columns and values.
 *
 * @since 0.1.0
 * @category guards
 */
export const isRecord = (u: unknown): u is AnyRecord => {
  if (typeof u !== "object" || u === null || Array.isArray(u)) return false
  const prototype = Object.getPrototypeOf(u)
  return prototype === Object.prototype || prototype === null
}

/**
 * The fields of a table's primary key, in its order. *Fails with* `ArgumentError` for a table without one.
 *
 * @since 0.1.0
 * @category keys
 */
export const fieldsOf = (source: Source): Effect.Effect<ReadonlyArray<Field>, ArgumentError> => {
  const fields = source.primaryKey.flatMap((name) => source.fields.get(name) ?? [])
  return fields.length > 0
    ? Effect.succeed(fields)
    : Effect.fail(
        new ArgumentError({
          argument: "table",
          given: `${JSON.stringify(source.name)}, which has no primary key`,
          expected: "a table with one"
        })
      )
}

/**
 * A column's value as it is compared: servers compare a text with a number as two doubles, which are not exact.
 *
 * @since 0.1.0
 * @category keys
 */
export const comparable = ({ properties, codec }: Field, value: unknown, argument: string): unknown => {
  const encoded = codec.encode(value, argument)
  if (typeof encoded !== "string") return encoded
  switch (properties.type._tag) {
    case "Integer":
      return BigInt(encoded)
    case "Decimal":
      return Option.getOrElse(BigDecimal.fromString(encoded), () => encoded)
    default:
      return encoded
  }
}

/**
 * The values of a key as they are compared. *Fails with* `ArgumentError` for a value that its column refuses, for a column
 * of the key that has none, and for one that is not of the key.
 *
 * @since 0.1.0
 * @category keys
 */
export const bound = (source: Source, key: unknown, argument: string): Effect.Effect<Bound, ArgumentError> =>
  Effect.flatMap(fieldsOf(source), (fields) => {
    const [first] = fields
    const isValue = fields.length === 1 && !(isRecord(key) && first !== undefined && Object.hasOwn(key, first.name))
    if (!isValue && !isRecord(key)) {
      const expected = `an object with ${fields.map(({ name }) => name).join(", ")}`
      return Effect.fail(new ArgumentError({ argument, given: kindOf(key), expected }))
    }
    const record = isRecord(key) ? key : {}
    const surplus = isValue ? undefined : Object.keys(record).find((name) => !source.primaryKey.includes(name))
    if (surplus !== undefined) {
      const expected = `only ${fields.map(({ name }) => name).join(", ")}`
      return Effect.fail(new ArgumentError({ argument: `${argument}.${surplus}`, given: "a value", expected }))
    }
    return Effect.forEach(fields, (field) => {
      const place = isValue ? argument : `${argument}.${field.name}`
      const value = comparable(field, isValue ? key : record[field.name], place)
      return value instanceof ArgumentError ? Effect.fail(value) : Effect.succeed([field.name, value] as const)
    })
  })

/**
 * Whether a value that is bound is the number 0, for which MySQL and MariaDB count up.
 *
 * @since 0.1.0
 * @category guards
 */
export const isZero = (bound: unknown): boolean => bound === 0 || bound === 0n

/**
 * A number that the database has counted up to, as the column's value in the program.
 *
 * @since 0.1.0
 * @category keys
 */
export const counted = (
  { name: table, exact }: Source,
  { name, codec }: Field,
  id: bigint
): Effect.Effect<unknown, DataError> =>
  Effect.suspend(() => {
    const value = exact ? id : Number(id)
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      const column = `column ${JSON.stringify(name)} of table ${JSON.stringify(table)}`
      const message = `${column} was counted beyond 2^53, which a number cannot hold exactly; make it Column.bigint("bigint")`
      return Effect.fail(new DataError({ reason: "UnsafeInteger", message }))
    }
    try {
      return Effect.succeed(codec.decode === undefined ? value : codec.decode(value))
    } catch (thrown) {
      if (thrown instanceof DataError) return Effect.fail(thrown)
      throw thrown
    }
  })

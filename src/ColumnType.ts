/**
 * The types of columns: what each column begins with.
 *
 * @since 0.1.0
 */
import { BigDecimal, Option, Schema } from "effect"
import { type Column, make, type Properties } from "./ColumnModel.js"
import type { IntegerSize, LobSize, SqlType } from "./TableDefinition.js"
import { formatDecimal } from "./Value.js"

/**
 * A column of a type, which must have a value and has no default.
 *
 * @since 0.1.0
 * @category models
 */
export type Plain<Type, Encoded = Type> = Column<Type, Encoded, false, false>

const ofType = <Type, Encoded>(
  type: SqlType,
  schema: Schema.Schema<Type, Encoded>,
  integers: Properties["integers"] = "number"
): Plain<Type, Encoded> =>
  make({
    type,
    integers,
    schema,
    decodes: false,
    nullable: false,
    primaryKey: false,
    unique: false,
    index: false,
    autoIncrement: false,
    serverDefault: undefined,
    insertDefault: undefined,
    updateDefault: undefined,
    onUpdateCurrentTimestamp: false,
    references: undefined,
    check: undefined,
    comment: undefined
  })

const bits: Readonly<Record<IntegerSize, number>> = { TINYINT: 8, SMALLINT: 16, MEDIUMINT: 24, INT: 32, BIGINT: 64 }

/** The integers of a size that a number can hold. */
const integerSchema = (size: IntegerSize, unsigned: boolean): Schema.Schema<number> => {
  const range = 2 ** bits[size]
  const least = Math.max(unsigned ? 0 : -range / 2, Number.MIN_SAFE_INTEGER)
  const most = Math.min(unsigned ? range - 1 : range / 2 - 1, Number.MAX_SAFE_INTEGER)
  return Schema.Number.pipe(
    Schema.filter((value) => Number.isInteger(value) && value >= least && value <= most, {
      identifier: `an integer from ${least} to ${most}`
    })
  )
}

const integerOf = (size: IntegerSize): Plain<number> =>
  ofType({ _tag: "Integer", size, unsigned: false }, integerSchema(size, false))

/**
 * An integer of 1 byte.
 *
 * @since 0.1.0
 * @category types
 */
export const tinyint: Plain<number> = integerOf("TINYINT")

/**
 * An integer of 2 bytes.
 *
 * @since 0.1.0
 * @category types
 */
export const smallint: Plain<number> = integerOf("SMALLINT")

/**
 * An integer of 3 bytes.
 *
 * @since 0.1.0
 * @category types
 */
export const mediumint: Plain<number> = integerOf("MEDIUMINT")

/**
 * An integer of 4 bytes.
 *
 * @since 0.1.0
 * @category types
 */
export const integer: Plain<number> = integerOf("INT")

/**
 * An integer of 8 bytes, as a `number` unless another type is asked for. One beyond 2^53 is a `DataError` as a number.
 *
 * @since 0.1.0
 * @category types
 */
export const bigint: {
  (integers?: "number"): Plain<number>
  (integers: "bigint"): Plain<bigint>
  (integers: "string"): Plain<string>
} = (integers: Properties["integers"] = "number"): Plain<never> => {
  const type: SqlType = { _tag: "Integer", size: "BIGINT", unsigned: false }
  return make({ ...ofType(type, bigintSchema(integers, false), integers).properties })
}

const bigintSchema = (integers: Properties["integers"], unsigned: boolean): Schema.Schema.AnyNoContext => {
  const least = unsigned ? 0n : -(2n ** 63n)
  const most = unsigned ? 2n ** 64n - 1n : 2n ** 63n - 1n
  const identifier = `an integer from ${least} to ${most}`
  switch (integers) {
    case "number":
      return integerSchema("BIGINT", unsigned)
    case "bigint":
      return Schema.BigIntFromSelf.pipe(Schema.filter((value) => value >= least && value <= most, { identifier }))
    case "string":
      return Schema.String.pipe(
        Schema.filter((text) => /^-?\d{1,20}$/.test(text) && BigInt(text) >= least && BigInt(text) <= most, {
          identifier
        })
      )
  }
}

/**
 * An exact decimal of `precision` digits, `scale` of them after the point, as its text. `Column.schema(Schema.BigDecimal)`
 * makes it a BigDecimal.
 *
 * @since 0.1.0
 * @category types
 */
export const decimal = (precision: number, scale: number): Plain<string> =>
  ofType(
    { _tag: "Decimal", precision, scale, unsigned: false },
    Schema.String.pipe(
      Schema.filter((text) => isDecimal(text, precision, scale), {
        identifier: `a decimal of ${precision} digits, ${scale} of them after the point`
      })
    )
  )

/** Whether a column of these digits keeps a decimal as it is. A BigDecimal of many zeros is written with an exponent. */
const isDecimal = (text: string, precision: number, scale: number): boolean => {
  const exponent = /^-?\d(?:\.\d{1,65})?e[-+]\d{1,2}$/.test(text) ? BigDecimal.fromString(text) : Option.none()
  if (Option.isSome(exponent)) return isDecimal(formatDecimal(exponent.value), precision, scale)
  const parts = /^-?(\d*)(?:\.(\d*))?$/.exec(text)
  if (parts === null || !/\d/.test(text)) return false
  const [, whole = "", fraction = ""] = parts
  let zeros = 0
  while (whole[zeros] === "0") zeros++
  let end = fraction.length
  while (fraction[end - 1] === "0") end--
  return whole.length - zeros <= precision - scale && end <= scale
}

/**
 * A number of 32 bits.
 *
 * @since 0.1.0
 * @category types
 */
export const float: Plain<number> = ofType({ _tag: "Float" }, Schema.Finite)

/**
 * A number of 64 bits.
 *
 * @since 0.1.0
 * @category types
 */
export const double: Plain<number> = ofType({ _tag: "Double" }, Schema.Finite)

/**
 * `true` or `false`, which databases keep as 1 or 0.
 *
 * @since 0.1.0
 * @category types
 */
export const boolean: Plain<boolean, number> = make({
  ...ofType(
    { _tag: "Boolean" },
    Schema.transform(Schema.Number, Schema.Boolean, {
      strict: true,
      decode: (value) => value !== 0,
      encode: (value) => (value ? 1 : 0)
    })
  ).properties,
  decodes: true
})

/** Text of as many characters as Unicode counts, which databases count too. */
const characters = (most: number): Schema.Schema<string> =>
  Schema.String.pipe(
    Schema.filter((text) => text.length <= most || (text.length <= 2 * most && [...text].length <= most), {
      identifier: `a text of at most ${most} characters`
    })
  )

/**
 * Text of exactly `length` characters, or fewer, which are then filled up with spaces that nobody sees.
 *
 * @since 0.1.0
 * @category types
 */
export const char = (length: number): Plain<string> => ofType({ _tag: "Char", length }, characters(length))

/**
 * Text of at most `length` characters.
 *
 * @since 0.1.0
 * @category types
 */
export const varchar = (length: number): Plain<string> => ofType({ _tag: "Varchar", length }, characters(length))

const lobBytes: Readonly<Record<LobSize, number>> = {
  TINY: 2 ** 8 - 1,
  NORMAL: 2 ** 16 - 1,
  MEDIUM: 2 ** 24 - 1,
  LONG: 2 ** 32 - 1
}

const textOf = (size: LobSize): Plain<string> =>
  ofType(
    { _tag: "Text", size },
    Schema.String.pipe(
      Schema.filter((text) => text.length * 3 <= lobBytes[size] || Buffer.byteLength(text) <= lobBytes[size], {
        identifier: `a text of at most ${lobBytes[size]} bytes`
      })
    )
  )

/**
 * Text of at most 64 KiB.
 *
 * @since 0.1.0
 * @category types
 */
export const text: Plain<string> = textOf("NORMAL")

/**
 * Text of at most 16 MiB.
 *
 * @since 0.1.0
 * @category types
 */
export const mediumtext: Plain<string> = textOf("MEDIUM")

/**
 * Text of at most 4 GiB.
 *
 * @since 0.1.0
 * @category types
 */
export const longtext: Plain<string> = textOf("LONG")

const bytes = (most: number): Schema.Schema<Uint8Array> =>
  Schema.Uint8ArrayFromSelf.pipe(
    Schema.filter((value) => value.length <= most, { identifier: `at most ${most} bytes` })
  )

/**
 * Exactly `length` bytes, or fewer, which are then filled up with zeros.
 *
 * @since 0.1.0
 * @category types
 */
export const binary = (length: number): Plain<Uint8Array> => ofType({ _tag: "Binary", length }, bytes(length))

/**
 * At most `length` bytes.
 *
 * @since 0.1.0
 * @category types
 */
export const varbinary = (length: number): Plain<Uint8Array> => ofType({ _tag: "Varbinary", length }, bytes(length))

const blobOf = (size: LobSize): Plain<Uint8Array> => ofType({ _tag: "Blob", size }, bytes(lobBytes[size]))

/**
 * At most 64 KiB of bytes.
 *
 * @since 0.1.0
 * @category types
 */
export const blob: Plain<Uint8Array> = blobOf("NORMAL")

/**
 * At most 16 MiB of bytes.
 *
 * @since 0.1.0
 * @category types
 */
export const mediumblob: Plain<Uint8Array> = blobOf("MEDIUM")

/**
 * At most 4 GiB of bytes.
 *
 * @since 0.1.0
 * @category types
 */
export const longblob: Plain<Uint8Array> = blobOf("LONG")

/**
 * A day, as `YYYY-MM-DD`.
 *
 * @since 0.1.0
 * @category types
 */
export const date: Plain<string> = ofType(
  { _tag: "Date" },
  Schema.String.pipe(Schema.pattern(/^\d{4}-\d\d-\d\d$/, { identifier: "a date, YYYY-MM-DD" }))
)

/** The digits after the second that a column keeps as they are, as a pattern: it would round more, or cut them off. */
const digitsAfter = (fraction: number): string => {
  // Other fractions are refused when the table is created.
  const most = Number.isInteger(fraction) && fraction >= 0 && fraction < 6 ? fraction : 6
  return most === 0 ? "(?:\\.0{1,6})?" : `(?:\\.\\d{1,${most}}0*)?`
}

/**
 * A time of day or a duration, as `hh:mm:ss`, with `fraction` digits after the second.
 *
 * @since 0.1.0
 * @category types
 */
export const time = (fraction = 0): Plain<string> =>
  ofType(
    { _tag: "Time", fraction },
    Schema.String.pipe(
      Schema.pattern(new RegExp(`^-?\\d{1,3}:[0-5]\\d:[0-5]\\d${digitsAfter(fraction)}$`), {
        identifier: `a time, hh:mm:ss, with ${fraction} digits after the second`
      })
    )
  )

/** What a date and time is in the program: a Date up to milliseconds, text beyond. */
type DateTimeOf<Fraction extends number> = Fraction extends 4 | 5 | 6 ? string : Date

const dateTimeSchema = (fraction: number): Schema.Schema.AnyNoContext =>
  fraction > 3
    ? Schema.String.pipe(
        Schema.pattern(new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d${digitsAfter(fraction)}$`), {
          identifier: `a date and time, YYYY-MM-DD hh:mm:ss, with ${fraction} digits after the second`
        })
      )
    : Schema.ValidDateFromSelf

const dateTimeOf = <Fraction extends number>(type: SqlType, fraction: Fraction): Plain<DateTimeOf<Fraction>> =>
  make(ofType(type, dateTimeSchema(fraction)).properties)

/**
 * A date and time in UTC, with `fraction` digits after the second: a `Date` up to 3 of them, text for more.
 *
 * @since 0.1.0
 * @category types
 */
export const datetime = <const Fraction extends 0 | 1 | 2 | 3 | 4 | 5 | 6 = 0>(
  ...[fraction]: Fraction extends 0 ? [fraction?: Fraction] : [fraction: Fraction]
): Plain<DateTimeOf<Fraction>> =>
  make(dateTimeOf({ _tag: "DateTime", fraction: fraction ?? 0 }, fraction ?? 0).properties)

/**
 * A moment between 1970 and 2038, with `fraction` digits after the second: a `Date` up to 3 of them, text for more.
 *
 * @since 0.1.0
 * @category types
 */
export const timestamp = <const Fraction extends 0 | 1 | 2 | 3 | 4 | 5 | 6 = 0>(
  ...[fraction]: Fraction extends 0 ? [fraction?: Fraction] : [fraction: Fraction]
): Plain<DateTimeOf<Fraction>> =>
  make(dateTimeOf({ _tag: "Timestamp", fraction: fraction ?? 0 }, fraction ?? 0).properties)

/**
 * A year from 1901 to 2155.
 *
 * @since 0.1.0
 * @category types
 */
export const year: Plain<number> = ofType(
  { _tag: "Year" },
  Schema.Number.pipe(
    Schema.filter((value) => Number.isInteger(value) && ((value >= 1901 && value <= 2155) || value === 0), {
      identifier: "a year from 1901 to 2155"
    })
  )
)

/**
 * A value that JSON can hold. `Column.schema` says which.
 *
 * @since 0.1.0
 * @category types
 */
export const json: Plain<unknown> = ofType({ _tag: "Json" }, Schema.Unknown)

/**
 * One of these texts.
 *
 * @since 0.1.0
 * @category types
 */
export const enumeration = <const Values extends readonly [string, ...ReadonlyArray<string>]>(
  ...values: Values
): Plain<Values[number]> => make(ofType({ _tag: "Enum", values }, Schema.Literal(...values)).properties)

/**
 * A universally unique identifier, as its 36 characters.
 *
 * @since 0.1.0
 * @category types
 */
export const uuid: Plain<string> = ofType({ _tag: "Char", length: 36 }, Schema.UUID)

/**
 * A type that only its database knows, by the name that it has there. Values are what the database gives and takes.
 *
 * @since 0.1.0
 * @category types
 */
export const other = (name: string): Plain<unknown> => ofType({ _tag: "Other", name }, Schema.Unknown)

/**
 * A column of a type whose values are read as the database gives them: what `MetaData.reflect` makes.
 *
 * @since 0.1.0
 * @category types
 */
export const ofSqlType = (type: SqlType): Plain<unknown> => {
  switch (type._tag) {
    case "Integer":
      return type.size === "BIGINT"
        ? make({ ...ofType(type, bigintSchema("bigint", type.unsigned), "bigint").properties })
        : ofType(type, integerSchema(type.size, type.unsigned))
    case "Boolean":
      return boolean
    case "Decimal":
      return make({ ...decimal(type.precision, type.scale).properties, type })
    case "Float":
      return float
    case "Double":
      return double
    case "Char":
      return char(type.length)
    case "Varchar":
      return varchar(type.length)
    case "Text":
      return textOf(type.size)
    case "Binary":
      return binary(type.length)
    case "Varbinary":
      return varbinary(type.length)
    case "Blob":
      return blobOf(type.size)
    case "Date":
      return date
    case "Time":
      return time(type.fraction)
    case "DateTime":
    case "Timestamp":
      return make(ofType(type, dateTimeSchema(type.fraction)).properties)
    case "Year":
      return year
    case "Json":
      return json
    case "Enum":
      return make(ofType(type, Schema.Literal(...type.values)).properties)
    case "Other":
      return other(type.name)
  }
}

/**
 * The same column without a sign, for integers and decimals of MySQL and MariaDB.
 *
 * @since 0.1.0
 * @category combinators
 */
export const unsigned = <Type, Encoded, Nullable extends boolean, Optional extends boolean>(
  self: Column<Type, Encoded, Nullable, Optional>
): Column<Type, Encoded, Nullable, Optional> => {
  const { type, integers } = self.properties
  switch (type._tag) {
    case "Integer":
      return make({
        ...self.properties,
        type: { ...type, unsigned: true },
        schema: type.size === "BIGINT" ? bigintSchema(integers, true) : integerSchema(type.size, true)
      })
    case "Decimal":
      return make({
        ...self.properties,
        type: { ...type, unsigned: true }
      })
    default:
      return self
  }
}

// Columns of every type, and random values of theirs: how a server sends them in both protocols, and what the program
// gets. What a value becomes is said here again on purpose, from the value itself and not from the bytes.
import { BigDecimal, DateTime } from "effect"
import type { Errors, Value } from "effect-sa"
import { FieldFlag, FieldType } from "effect-sa/mysql/wire/Constants"
import { type ColumnFields, text, u8, u16, u32 } from "./Packets.js"
import type { Random } from "./Random.js"

/** The program does not get the value: its statement fails with a DataError for this reason. */
export class Refused {
  constructor(readonly reason: Errors.DataReason) {}
}

/** One value: null is NULL. */
export interface Sent {
  readonly text: string | Uint8Array | null
  readonly binary: Buffer | null
  readonly value: unknown
  /** Where the text protocol has another. */
  readonly valueInText?: unknown
}

/** A type of columns, with its name in the program and its values. */
interface ColumnType {
  readonly fields: Omit<ColumnFields, "name">
  readonly typeName: string
  readonly scale?: number
  readonly value: (random: Random, options: Value.ValueOptions) => Sent
}

export interface RandomColumn extends ColumnType {
  readonly fields: ColumnFields
  readonly nullable: boolean
}

const utf8 = 255
const unsignedName = (name: string, unsigned: boolean): string => (unsigned ? `${name} UNSIGNED` : name)
const unsignedFlag = (unsigned: boolean): number => (unsigned ? FieldFlag.UNSIGNED : 0)

// ---------------------------------------------------------------------------------------------------------------------
// numbers

const i64 = (n: bigint): Buffer => {
  const eight = Buffer.alloc(8)
  eight.writeBigUInt64LE(BigInt.asUintN(64, n))
  return eight
}

/** A whole number of so many bits: often one at the edge. */
const wholeNumber = (random: Random, bits: number, unsigned: boolean): bigint => {
  const [least, most] = unsigned
    ? [0n, 2n ** BigInt(bits) - 1n]
    : [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
  if (random.chance(0.3)) return random.pick([least, most, 0n, 1n, least + 1n, most - 1n])
  // Where a number stops to be exact.
  if (bits === 64 && random.chance(0.3)) return 2n ** 53n + BigInt(random.between(-2, 3))
  const value = random.bits(random.between(1, bits))
  return unsigned ? value : BigInt.asIntN(bits, value)
}

const smallInteger =
  (type: number, name: string, bits: number, encode: (n: number) => Buffer) =>
  (random: Random): ColumnType => {
    const unsigned = random.chance(0.5)
    return {
      fields: { type, flags: unsignedFlag(unsigned), length: random.between(2, 11) },
      typeName: unsignedName(name, unsigned),
      value: (random) => {
        const value = Number(wholeNumber(random, bits, unsigned))
        return { text: String(value), binary: encode(value), value }
      }
    }
  }

const year = (): ColumnType => ({
  fields: { type: FieldType.YEAR, flags: FieldFlag.UNSIGNED, length: 4 },
  typeName: "YEAR",
  value: (random) => {
    const value = random.chance(0.1) ? 0 : random.between(1901, 2155)
    return { text: String(value).padStart(4, "0"), binary: u16(value), value }
  }
})

const boolean = (): ColumnType => ({
  fields: { type: FieldType.TINY, length: 1 },
  typeName: "TINYINT",
  value: (random, { booleans }) => {
    const value = random.chance(0.9) ? random.below(2) : random.between(-128, 127)
    return { text: String(value), binary: u8(value & 0xff), value: booleans === "boolean" ? value !== 0 : value }
  }
})

/** What the options make of an integer that may be beyond 2^53. */
const asAsked = (value: bigint, integers: Value.ValueOptions["integers"]): unknown => {
  if (integers === "bigint") return value
  if (integers === "string") return String(value)
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
    ? Number(value)
    : new Refused("UnsafeInteger")
}

const bigInteger = (random: Random): ColumnType => {
  const unsigned = random.chance(0.5)
  return {
    fields: { type: FieldType.LONGLONG, flags: unsignedFlag(unsigned) },
    typeName: unsignedName("BIGINT", unsigned),
    value: (random, { integers }) => {
      const value = wholeNumber(random, random.chance(0.95) ? 53 : 64, unsigned)
      return { text: String(value), binary: i64(value), value: asAsked(value, integers) }
    }
  }
}

const bits = (random: Random): ColumnType => {
  const length = random.chance(0.3) ? 1 : random.between(1, 64)
  return {
    fields: { type: FieldType.BIT, flags: FieldFlag.UNSIGNED, length },
    typeName: "BIT",
    value: (random, { integers, booleans }) => {
      const value = random.chance(0.9) ? random.bits(Math.min(length, 53)) : random.bits(length)
      const bytes = i64(value)
        .reverse()
        .subarray(8 - ((length + 7) >> 3))
      const number = length <= 53 ? Number(value) : asAsked(value, integers)
      return {
        text: bytes,
        binary: text(bytes),
        value: length === 1 && booleans === "boolean" ? value === 1n : number
      }
    }
  }
}

/** The shortest digits that are the nearest to this 32-bit float of all. */
const shortest = (value: number): number => {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return Number(value.toPrecision(9))
}

const signed = (value: number): string => (Object.is(value, -0) ? "-0" : String(value))

/** A FLOAT, of which the text protocol has too few digits. */
const float = (random: Random): ColumnType => {
  const unsigned = random.chance(0.1)
  return {
    fields: { type: FieldType.FLOAT, flags: unsignedFlag(unsigned), length: 12, decimals: 31 },
    typeName: unsignedName("FLOAT", unsigned),
    value: (random) => {
      const bytes = random.bytes(4)
      const any = bytes.readFloatLE(0)
      const read = Math.fround(Number.isFinite(any) ? random.pick([any, 0, -0, 0.1, 3e38, 1e-45]) : 0.1)
      const binary = Buffer.alloc(4)
      binary.writeFloatLE(read)
      const value = read === 0 ? read : shortest(read)
      return { text: signed(value), binary, value, valueInText: value === 0 ? value : new Refused("InvalidValue") }
    }
  }
}

/** FLOAT(M, 3), which is the same in both. */
const fixedFloat = (): ColumnType => ({
  fields: { type: FieldType.FLOAT, length: 10, decimals: 3 },
  typeName: "FLOAT",
  value: (random) => {
    const value = random.between(-1_000, 1_000) / 8
    const binary = Buffer.alloc(4)
    binary.writeFloatLE(value)
    return { text: value.toFixed(3), binary, value }
  }
})

const double = (): ColumnType => ({
  fields: { type: FieldType.DOUBLE, length: 22, decimals: 31 },
  typeName: "DOUBLE",
  value: (random) => {
    const binary = random.bytes(8)
    if (!Number.isFinite(binary.readDoubleLE(0)) || random.chance(0.5))
      binary.writeDoubleLE(random.pick([0, -0, 0.1, 1e300, 5e-324, -123456.789, 2 ** 53]))
    const value = binary.readDoubleLE(0)
    return { text: signed(value), binary, value }
  }
})

const decimal = (random: Random): ColumnType => {
  const scale = random.between(0, 10)
  const unsigned = random.chance(0.3)
  return {
    fields: { type: FieldType.NEWDECIMAL, flags: unsignedFlag(unsigned), length: 40, decimals: scale },
    typeName: unsignedName("DECIMAL", unsigned),
    scale,
    value: (random, { decimals }) => {
      const value = random.bits(random.between(1, 120)) * (unsigned || random.chance(0.5) ? 1n : -1n)
      const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0")
      const point = digits.length - scale
      const written = `${value < 0n ? "-" : ""}${digits.slice(0, point)}${scale === 0 ? "" : `.${digits.slice(point)}`}`
      return {
        text: written,
        binary: text(written),
        value: decimals === "string" ? written : BigDecimal.make(value, scale)
      }
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// dates and times

const digits = (value: number, width: number): string => String(value).padStart(width, "0")

const daysOf = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      ? 29
      : 28
    : [4, 6, 9, 11].includes(month)
      ? 30
      : 31

/** A date, sometimes one that no calendar has: servers can be told to keep those. */
const randomDate = (random: Random): { readonly year: number; readonly month: number; readonly day: number } => {
  const year = random.chance(0.8) ? random.between(1970, 2037) : random.between(0, 9999)
  const month = random.between(1, 12)
  if (random.chance(0.05)) return { year: 0, month: 0, day: 0 }
  if (random.chance(0.1)) return { year, month: 6, day: random.between(1, 2) }
  if (random.chance(0.03)) return { year, month: random.pick([0, month]), day: 0 }
  if (random.chance(0.02)) return { year, month: 2, day: random.between(29, 31) }
  return { year, month, day: random.chance(0.3) ? daysOf(year, month) : random.between(1, daysOf(year, month)) }
}

const date = (): ColumnType => ({
  fields: { type: FieldType.DATE, length: 10 },
  typeName: "DATE",
  value: (random) => {
    const { year, month, day } = randomDate(random)
    const value = `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`
    const zero = year === 0 && month === 0 && day === 0
    return { text: value, binary: zero ? u8(0) : Buffer.concat([u8(4), u16(year), u8(month), u8(day)]), value }
  }
})

/** Digits after the second, where the column has any. */
const fraction = (micros: number, decimals: number): string =>
  decimals === 0 ? "" : `.${digits(micros, 6).slice(0, decimals)}`

/** Microseconds that a column with so many digits can hold, often none. */
const randomMicros = (random: Random, decimals: number): number => {
  const unit = 10 ** (6 - decimals)
  return random.chance(0.4) ? 0 : random.below(10 ** decimals) * unit
}

const dateTime = (random: Random): ColumnType => {
  const decimals = random.chance(0.4) ? 0 : random.between(0, 6)
  const type = random.pick([FieldType.DATETIME, FieldType.TIMESTAMP])
  return {
    fields: { type, flags: unsignedFlag(type === FieldType.TIMESTAMP), length: 26, decimals },
    typeName: type === FieldType.DATETIME ? "DATETIME" : "TIMESTAMP",
    scale: decimals,
    value: (random, { dateTimes, zeroDates }) => {
      const { year, month, day } = randomDate(random)
      const midnight = month === 0 || random.chance(0.2)
      const [hour, minute, second] = midnight ? [0, 0, 0] : [random.below(24), random.below(60), random.below(60)]
      const micros = midnight ? 0 : randomMicros(random, decimals)
      const written = `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)} ${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}${fraction(micros, decimals)}`
      const parts = [u16(year), u8(month), u8(day), u8(hour), u8(minute), u8(second), u32(micros)]
      // A server leaves out what is zero at the end.
      const count = micros > 0 ? 7 : hour + minute + second > 0 ? 6 : year + month + day > 0 ? 3 : 0
      const body = Buffer.concat(parts.slice(0, count))
      const value = (): unknown => {
        if (decimals > 3 || dateTimes === "string") return written
        if (month === 0 || day === 0 || day > daysOf(year, month))
          return zeroDates === "string" ? written : new Refused("ZeroDate")
        const iso = `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}.${digits(micros, 6).slice(0, 3)}Z`
        return dateTimes === "Date" ? new Date(iso) : DateTime.unsafeMake(iso)
      }
      return { text: written, binary: Buffer.concat([u8(body.length), body]), value: value() }
    }
  }
}

const time = (random: Random): ColumnType => {
  const decimals = random.chance(0.4) ? 0 : random.between(0, 6)
  return {
    fields: { type: FieldType.TIME, length: 17, decimals },
    typeName: "TIME",
    scale: decimals,
    value: (random) => {
      const zero = random.chance(0.1)
      const [hours, minutes, seconds] = zero ? [0, 0, 0] : [random.below(839), random.below(60), random.between(1, 59)]
      const micros = zero ? 0 : randomMicros(random, decimals)
      const negative = !zero && random.chance(0.3)
      const value = `${negative ? "-" : ""}${digits(hours, 2)}:${digits(minutes, 2)}:${digits(seconds, 2)}${fraction(micros, decimals)}`
      const parts = [
        u8(negative ? 1 : 0),
        u32(Math.floor(hours / 24)),
        u8(hours % 24),
        u8(minutes),
        u8(seconds),
        ...(micros > 0 ? [u32(micros)] : [])
      ]
      const body = zero ? Buffer.alloc(0) : Buffer.concat(parts)
      return { text: value, binary: Buffer.concat([u8(body.length), body]), value }
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// text, bytes and JSON

const letters = ["a", "b", " ", "0", "'", "\\", "\0", "é", "ß", "語", "😀", "\u{10ffff}"]

/** A length, often one at which the encoding of lengths changes, or longer than a chunk of a socket. */
const randomLength = (random: Random): number => {
  if (random.chance(0.9)) return random.below(30)
  return random.chance(0.9) ? random.pick([250, 251, 252, 300]) : random.pick([0xffff, 0x10000, 70_000])
}

export const randomText = (random: Random, length = randomLength(random)): string => {
  if (length > 1_000) return random.pick(letters).repeat(length)
  let value = ""
  for (let i = 0; i < length; i++) value += random.pick(letters)
  return value
}

const asText = (value: string): Sent => ({ text: value, binary: text(value), value })
const asBytes = (value: Buffer): Sent => ({ text: value, binary: text(value), value: new Uint8Array(value) })

const textType =
  (type: number, typeName: string, more: Partial<ColumnFields> = {}) =>
  (): ColumnType => ({
    fields: { type, charset: utf8, ...more },
    typeName,
    value: (random) => asText(randomText(random))
  })

const byteType =
  (type: number, typeName: string, more: Partial<ColumnFields> = {}) =>
  (): ColumnType => ({
    fields: { type, charset: 63, ...more },
    typeName,
    value: (random) => asBytes(random.bytes(random.chance(0.95) ? random.below(20) : random.below(400)))
  })

const randomJson = (random: Random, depth = 0): Value.Json => {
  switch (random.below(depth < 3 ? 6 : 4)) {
    case 0:
      return random.pick([null, true, false])
    case 1:
      return random.between(-1_000_000, 1_000_000) / 4
    case 2:
    case 3:
      return randomText(random, random.below(8))
    case 4:
      return Array.from({ length: random.below(4) }, () => randomJson(random, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, (_, i) => [`k${i}`, randomJson(random, depth + 1)])
      )
  }
}

const json = (fields: Omit<ColumnFields, "name">) => (): ColumnType => ({
  fields,
  typeName: "JSON",
  value: (random, options) => {
    const value = randomJson(random)
    const written = JSON.stringify(value, null, random.pick([0, 1]))
    return { text: written, binary: text(written), value: options.json === "text" ? written : value }
  }
})

const none = (): ColumnType => ({
  fields: { type: FieldType.NULL },
  typeName: "NULL",
  value: () => ({ text: null, binary: null, value: null })
})

// ---------------------------------------------------------------------------------------------------------------------

const types: ReadonlyArray<(random: Random) => ColumnType> = [
  smallInteger(FieldType.TINY, "TINYINT", 8, (n) => u8(n & 0xff)),
  smallInteger(FieldType.SHORT, "SMALLINT", 16, (n) => u16(n & 0xffff)),
  smallInteger(FieldType.INT24, "MEDIUMINT", 24, u32),
  smallInteger(FieldType.LONG, "INT", 32, u32),
  year,
  boolean,
  bigInteger,
  bits,
  float,
  fixedFloat,
  double,
  decimal,
  date,
  dateTime,
  dateTime,
  time,
  textType(FieldType.VAR_STRING, "VARCHAR"),
  textType(FieldType.VARCHAR, "VARCHAR"),
  textType(FieldType.STRING, "CHAR"),
  textType(FieldType.BLOB, "TEXT"),
  textType(FieldType.LONG_BLOB, "TEXT"),
  textType(FieldType.STRING, "ENUM", { flags: FieldFlag.ENUM }),
  textType(FieldType.STRING, "SET", { flags: FieldFlag.SET }),
  byteType(FieldType.VAR_STRING, "VARBINARY"),
  byteType(FieldType.STRING, "BINARY"),
  byteType(FieldType.TINY_BLOB, "BLOB"),
  byteType(FieldType.MEDIUM_BLOB, "BLOB"),
  byteType(FieldType.GEOMETRY, "GEOMETRY"),
  byteType(FieldType.VECTOR, "VECTOR"),
  json({ type: FieldType.JSON, charset: utf8 }),
  none
]

/** Types that only MariaDB's extended metadata tells from others. */
const extendedTypes: ReadonlyArray<(random: Random) => ColumnType> = [
  textType(FieldType.STRING, "UUID", { extendedType: "uuid" }),
  textType(FieldType.STRING, "INET6", { extendedType: "inet6" }),
  byteType(FieldType.GEOMETRY, "POINT", { extendedType: "point" }),
  json({ type: FieldType.LONG_BLOB, charset: utf8, format: "json" })
]

/** A column of texts that are longer than a chunk of a socket: two of them are more than a stream holds. */
export const longColumn: RandomColumn = {
  fields: { name: "long", type: FieldType.LONG_BLOB, charset: utf8, length: 0xffffffff },
  typeName: "TEXT",
  nullable: true,
  value: (random) => asText(random.pick(["a", "é"]).repeat(70_000))
}

export const randomColumn = (random: Random, extended: boolean): RandomColumn => {
  const type = random.pick(extended && random.chance(0.2) ? extendedTypes : types)(random)
  const nullable = random.chance(0.7) || type.typeName === "NULL"
  const flags = (type.fields.flags ?? 0) | (nullable ? 0 : FieldFlag.NOT_NULL)
  return { ...type, nullable, fields: { ...type.fields, flags, name: randomText(random, random.between(1, 6)) } }
}

/** A value of the column: one in six is NULL where that can be. */
export const randomValue = ({ nullable, value }: RandomColumn, random: Random, options: Value.ValueOptions): Sent =>
  nullable && random.chance(1 / 6) ? { text: null, binary: null, value: null } : value(random, options)

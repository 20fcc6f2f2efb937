/**
 * How one option is read, from a value of the program or from the text of an URL, and what is said of one that is wrong.
 *
 * @since 0.1.0
 */
import { Duration, Either, Option, Redacted } from "effect"
import { ArgumentError, kindOf } from "./Errors.js"
import { nameHere } from "./OtherNames.js"

/**
 * An option: `read` gives undefined for what it cannot be.
 *
 * @since 0.1.0
 * @category models
 */
export interface Field<A> {
  readonly expected: string
  readonly read: (given: unknown) => A | undefined
}

export type Fields = Readonly<Record<string, Field<unknown>>>

export type Read<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Field<infer A> ? A : never }

export const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

export const integer = (least: number, most: number): Field<number> => ({
  expected:
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`,
  read: (given) => {
    const value = typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given
    return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : undefined
  }
})

export const count: Field<number> = integer(0, Number.MAX_SAFE_INTEGER)

/** `off` is what an endless time means for this option. */
export const duration = (least: number, off: number, never = false): Field<number> => ({
  expected: `a duration of at least ${least} ms, as a number of milliseconds or like "30 seconds"`,
  read: (given) => {
    const text = typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given
    // -1 is how aiomysql and SQLAlchemy say "never" for pool_recycle.
    if ((never && text === -1) || text === "infinity") return off
    if (typeof text === "number" && !(text >= 0)) return undefined
    const millis = Option.map(Duration.decodeUnknown(text), Duration.toMillis)
    if (Option.isNone(millis) || millis.value < least) return undefined
    return Number.isFinite(millis.value) ? millis.value : off
  }
})

export const text: Field<string> = {
  expected: "a text that is not empty",
  read: (given) => (typeof given === "string" && given !== "" && !given.includes("\0") ? given : undefined)
}

/** One text, or an array of texts. */
export const texts = (expected: string): Field<ReadonlyArray<string>> => ({
  expected,
  read: (given) => {
    const all: ReadonlyArray<unknown> = Array.isArray(given) ? given : [given]
    const read = all.flatMap((each) => text.read(each) ?? [])
    return read.length === all.length ? read : undefined
  }
})

/** A text of this form. */
export const textLike = (form: RegExp, expected: string): Field<string> => ({
  expected,
  read: (given) => (typeof given === "string" && form.test(given) ? given : undefined)
})

export const secret: Field<Redacted.Redacted> = {
  expected: "a text or a Redacted text",
  read: (given) => {
    if (typeof given === "string") return Redacted.make(given)
    return Redacted.isRedacted(given) && typeof Redacted.value(given) === "string"
      ? (given as Redacted.Redacted)
      : undefined
  }
}

export const oneOf = <const A extends string>(...allowed: ReadonlyArray<A>): Field<A> => ({
  expected: allowed.map((each) => JSON.stringify(each)).join(" or "),
  read: (given) => allowed.find((each) => each === given)
})

export const flag: Field<boolean> = {
  expected: "true or false",
  read: (given) => {
    if (typeof given === "boolean") return given
    return given === "true" || given === "1" ? true : given === "false" || given === "0" ? false : undefined
  }
}

/** What is so in any case: it can be said, and nothing else can. */
export const always = <A>(field: Field<A>, value: A, expected: string): Field<A> => ({
  expected,
  read: (given) => (field.read(given) === value ? value : undefined)
})

/**
 * Reads the options that are given, or says which of them is wrong or has no place.
 *
 * @since 0.1.0
 * @category reading
 */
export const readAll = <F extends Fields>(
  fields: F,
  database: string,
  given: Readonly<Record<string, unknown>>,
  /** Names that are known anywhere, for who writes one of them in another way. */
  names: ReadonlyArray<string> = Object.keys(fields)
): Either.Either<Read<F>, ArgumentError> => {
  const read: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field === undefined) return Either.left(unknownOption(names, database, name))
    const option = field.read(value)
    if (option === undefined) {
      return Either.left(
        refuse(name, typeof value === "number" ? `the number ${value}` : kindOf(value), field.expected)
      )
    }
    read[name] = option
  }
  // Each name was read by the field of that name.
  return Either.right(read as Read<F>)
}

const unknownOption = (names: ReadonlyArray<string>, database: string, name: string): ArgumentError => {
  const here = nameHere(name, names)
  if (here !== undefined) return refuse(name, "an option that is not known", here)
  // What stands in an URL in the place of a name may be a piece of a password.
  return /^\w+$/.test(name)
    ? refuse(name, "an option that is not known", `one of the options for ${database}`)
    : refuse("url", "an option without a name", "name=value")
}

/**
 * Parameters as programs bind them that were written for mysql2.
 *
 * @since 0.1.0
 */
import { BigDecimal, DateTime, Effect, Option, Redacted } from "effect"
import { ArgumentError, kindOf } from "./Errors.js"
import { bind, type BoundValue, isPlainObject, toParameter } from "./Value.js"

/**
 * As `Value.bind`, but that dates have the time zone of the process, and that objects which say themselves what they are as JSON
 * are that.
 *
 * @since 0.1.0
 * @category binding
 */
export const bindLikeMysql2 = (value: unknown, argument: string): BoundValue | ArgumentError => {
  // A whole number may be sent as a double, and true is none.
  if (typeof value === "boolean") return value ? 1n : 0n
  if (Redacted.isRedacted(value)) return bindLikeMysql2(Redacted.value(value), argument)
  if (Option.isOption(value)) return Option.isNone(value) ? null : bindLikeMysql2(value.value, argument)
  const bound = bind(value, argument)
  if (bound instanceof Date) return asLocal(bound)
  return bound instanceof ArgumentError && isOfAClass(value) ? (bindJson(value, argument) ?? bound) : bound
}

/** As JSON, where the object says itself what it is as that. What it throws may have its data in it, and is not told. */
const bindJson = (value: object, argument: string): BoundValue | ArgumentError | undefined => {
  try {
    return typeof Reflect.get(value, "toJSON") === "function" ? bind(JSON.stringify(value), argument) : undefined
  } catch {
    return new ArgumentError({
      argument,
      given: `${kindOf(value)} that JSON cannot hold`,
      expected: "a value that JSON can hold"
    })
  }
}

/** What `bind` knows nothing about: of what it knows, and refuses, the JSON is no value of the program. */
const isOfAClass = (value: unknown): value is object =>
  typeof value === "object" &&
  value !== null &&
  !isPlainObject(value) &&
  !Array.isArray(value) &&
  !(value instanceof Date) &&
  !(toParameter in value) &&
  !BigDecimal.isBigDecimal(value) &&
  !DateTime.isDateTime(value) &&
  !Effect.isEffect(value)

/** The date whose parts in UTC are the parts of this one in the time zone of the process. */
const asLocal = (date: Date): Date => {
  const local = new Date(
    Date.UTC(
      date.getFullYear(),
      date.getMonth(),
      date.getDate(),
      date.getHours(),
      date.getMinutes(),
      date.getSeconds(),
      date.getMilliseconds()
    )
  )
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  if (date.getFullYear() < 100) local.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate())
  return local
}

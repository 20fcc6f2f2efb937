/**
 * What a dialect's table of codes says of one: the class of the error and its reason.
 *
 * @since 0.1.0
 */
import {
  type DatabaseError,
  type DatabaseErrorFields,
  DataError,
  type DataReason,
  type DriverError,
  IntegrityError,
  type IntegrityReason,
  InternalError,
  type InternalReason,
  NotSupportedError,
  OperationalError,
  type OperationalReason,
  ProgrammingError,
  type ProgrammingReason,
  withFields
} from "./Errors.js"

export type ErrorClass =
  | { readonly tag: "DataError"; readonly reason: DataReason }
  | { readonly tag: "OperationalError"; readonly reason: OperationalReason }
  | { readonly tag: "IntegrityError"; readonly reason: IntegrityReason }
  | { readonly tag: "InternalError"; readonly reason: InternalReason }
  | { readonly tag: "ProgrammingError"; readonly reason: ProgrammingReason }
  | { readonly tag: "NotSupportedError"; readonly reason: "NotSupported" }

export const data = (reason: DataReason): ErrorClass => ({ tag: "DataError", reason })
export const operational = (reason: OperationalReason): ErrorClass => ({ tag: "OperationalError", reason })
export const integrity = (reason: IntegrityReason): ErrorClass => ({ tag: "IntegrityError", reason })
export const internal = (reason: InternalReason): ErrorClass => ({ tag: "InternalError", reason })
export const programming = (reason: ProgrammingReason): ErrorClass => ({ tag: "ProgrammingError", reason })
export const notSupported: ErrorClass = { tag: "NotSupportedError", reason: "NotSupported" }

/** The error of this class with these fields. */
export const toError = (found: ErrorClass, fields: Omit<DatabaseErrorFields<string>, "reason">): DatabaseError => {
  switch (found.tag) {
    case "DataError":
      return new DataError({ ...fields, reason: found.reason })
    case "OperationalError":
      return new OperationalError({ ...fields, reason: found.reason })
    case "IntegrityError":
      return new IntegrityError({ ...fields, reason: found.reason })
    case "InternalError":
      return new InternalError({ ...fields, reason: found.reason })
    case "ProgrammingError":
      return new ProgrammingError({ ...fields, reason: found.reason })
    case "NotSupportedError":
      return new NotSupportedError({ ...fields, reason: found.reason })
  }
}

/** Shorter texts and numbers are found everywhere, and tell nothing. */
const shortest = 4

/** Databases cut long values: so much of one is looked for. */
const longest = 24

const shown = (parameter: unknown): string => {
  if (typeof parameter === "string") return parameter
  if (typeof parameter === "number" || typeof parameter === "bigint") return String(parameter)
  return parameter instanceof Uint8Array ? new TextDecoder().decode(parameter.subarray(0, longest * 4)) : ""
}

/** A message without what may be one of these parameters in it. */
export const maskParameters = (message: string, parameters: ReadonlyArray<unknown>): string => {
  let masked = message
  for (const parameter of parameters) {
    const text = shown(parameter)
    if (text.length < shortest) continue
    masked = masked.replaceAll(text, "…")
    const beginning = text.slice(0, longest)
    const at = text.length > longest ? masked.indexOf(beginning) : -1
    // Where the value ends is not known.
    if (at >= 0) masked = `${masked.slice(0, at)}…`
  }
  return masked
}

/**
 * The same error without a parameter in its message: which numbers quote what they were given no table tells, and a parameter
 * does not belong into messages and logs.
 */
export const withoutParameters = (error: DriverError, parameters: ReadonlyArray<unknown>): DriverError => {
  const message = maskParameters(error.message, parameters)
  if (message === error.message) return error
  return withFields(error, { message, cause: undefined })
}

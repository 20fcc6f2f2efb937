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
  IntegrityError,
  type IntegrityReason,
  InternalError,
  type InternalReason,
  NotSupportedError,
  OperationalError,
  type OperationalReason,
  ProgrammingError,
  type ProgrammingReason
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

/**
 * What a server warns of, and what becomes of that. The number of warnings comes with every answer and costs nothing; what
 * they say is asked for where there are any.
 * https://dev.mysql.com/doc/refman/9.7/en/show-warnings.html
 */
import { Effect } from "effect"
import type { Request, ServerInfo, Warning } from "../Driver.js"
import { maskParameters } from "../ErrorClass.js"
import { type DatabaseError, type DriverError, OperationalError } from "../Errors.js"
import { classify } from "./MysqlErrors.js"

/** What becomes of warnings: `log` them, `ignore` them, or `fail` the statement with the first one. */
export type WarningPolicy = "log" | "ignore" | "fail"

/** A warning, and the error that it is where warnings are to fail. */
export interface Found {
  readonly warning: Warning
  readonly error: DatabaseError
}

/** From a row of SHOW WARNINGS. */
export const warningOf = (
  row: ReadonlyArray<unknown>,
  product: ServerInfo["product"],
  request?: Pick<Request, "sql" | "parameters">
): Found => {
  const [level, code, message] = row
  const errno = Number(code)
  const said = maskParameters(String(message), request?.parameters ?? [])
  const error = classify({ errno, sqlState: "", message: said }, product, request?.sql)
  return {
    warning: { level: level === "Note" || level === "Error" ? level : "Warning", code: errno, message: error.message },
    error
  }
}

/** Logs what was found, notes at Debug, or fails with the first that is more than a note. */
export const heed = (
  policy: Exclude<WarningPolicy, "ignore">,
  found: ReadonlyArray<Found>,
  statement: string
): Effect.Effect<void, DriverError> => {
  if (policy === "fail") {
    const first = found.find(({ warning }) => warning.level !== "Note")
    return first === undefined ? Effect.void : Effect.fail(first.error)
  }
  return Effect.forEach(
    found,
    ({ warning: { level, code, message } }) => {
      const log = level === "Note" ? Effect.logDebug : Effect.logWarning
      return Effect.annotateLogs(log(`the database warns: ${message}`), { code, statement })
    },
    { discard: true }
  )
}

/** Of a statement that shares its connection only the number is known: its neighbours may have come in between. */
export const heedNumber = (count: number, statement: string): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWarning(`the database has ${count} ${count === 1 ? "warning" : "warnings"}`), {
    statement
  })

/** A statement whose warnings could not be asked for: what it did is done. */
export const unheard = (error: DriverError): DriverError =>
  new OperationalError({
    reason: "Other",
    message: `the statement was executed with warnings, which could not be read: ${error.message}`,
    cause: error
  })

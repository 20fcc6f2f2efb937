/**
 * Statements in the log (aiomysql's and SQLAlchemy's `echo`): a driver's connection that logs what it executes. Where
 * nothing is to be logged there is no such connection, so that it costs nothing.
 *
 * @since 0.1.0
 */
import { BigDecimal, Cause, Effect, Exit } from "effect"
import {
  type DriverConnection,
  type DriverResult,
  executingBy,
  type ManyRequest,
  type Request,
  type RowStream
} from "./Driver.js"
import type { DriverError } from "./Errors.js"
import { type BoundValue, formatDecimal } from "./Value.js"

/**
 * What is logged besides the statements.
 *
 * @since 0.1.0
 * @category models
 */
export interface EchoSettings {
  readonly logParameters: boolean
}

/** Characters that are shown of a text, and sets that are shown of many. */
const shownCharacters = 100
const shownSets = 3

const show = (value: BoundValue): string => {
  if (typeof value === "string")
    return JSON.stringify(value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value)
  if (value === null) return "NULL"
  if (typeof value !== "object") return String(value)
  if (value instanceof Date) return value.toISOString()
  return BigDecimal.isBigDecimal(value) ? formatDecimal(value) : `${value.length} bytes`
}

const showSet = (set: ReadonlyArray<BoundValue>): string => `[${set.map(show).join(", ")}]`

/** What the log says of parameters: how many there are, or what they are. */
const showParameters = (
  { parameters, sets }: Partial<Pick<Request & ManyRequest, "parameters" | "sets">>,
  { logParameters }: EchoSettings
): Readonly<Record<string, string>> => {
  if (sets !== undefined) {
    if (!logParameters) return { parameters: `${sets.length} sets, not shown` }
    const rest = sets.length > shownSets ? ` and ${sets.length - shownSets} sets more` : ""
    return { parameters: `${sets.slice(0, shownSets).map(showSet).join(", ")}${rest}` }
  }
  if (parameters === undefined || parameters.length === 0) return {}
  return { parameters: logParameters ? showSet(parameters) : `${parameters.length}, not shown` }
}

const outcomeOf = (exit: Exit.Exit<DriverResult | RowStream, DriverError>): Readonly<Record<string, unknown>> => {
  if (Exit.isSuccess(exit)) {
    return "rows" in exit.value
      ? { rows: exit.value.columns === undefined ? exit.value.affectedRows : exit.value.rows.length }
      : {}
  }
  const failure = Cause.failureOption(exit.cause)
  if (failure._tag === "Some") return { failed: `${failure.value._tag} (${failure.value.reason})` }
  return { failed: Cause.isInterruptedOnly(exit.cause) ? "interrupted" : "defect" }
}

/**
 * The same connection, whose statements go to Effect's log at Debug, each when it is answered: its text, the connection,
 * milliseconds, rows, and what it failed with.
 *
 * @since 0.1.0
 * @category combinators
 */
export const echoing = (connection: DriverConnection, settings: EchoSettings): DriverConnection => {
  const logged = <A extends DriverResult | RowStream>(
    request: Pick<Request, "sql" | "before">,
    parameters: () => Readonly<Record<string, string>>,
    run: Effect.Effect<A, DriverError>
  ): Effect.Effect<A, DriverError> =>
    Effect.suspend(() => {
      const begun = performance.now()
      return Effect.onExit(run, (exit) =>
        Effect.suspend(() => {
          const milliseconds = Math.round((performance.now() - begun) * 1000) / 1000
          const about = { ...parameters(), milliseconds, ...outcomeOf(exit) }
          return Effect.zipRight(
            Effect.forEach(request.before, (sql) => Effect.logDebug(sql), { discard: true }),
            Effect.annotateLogs(Effect.logDebug(request.sql), about)
          ).pipe(Effect.annotateLogs("connection", connection.id))
        })
      )
    })
  const told =
    <R extends Request | ManyRequest, A extends DriverResult | RowStream>(
      run: (request: R) => Effect.Effect<A, DriverError>
    ) =>
    (request: R): Effect.Effect<A, DriverError> =>
      logged(request, () => showParameters(request, settings), run(request))
  return executingBy(connection, {
    execute: told((request: Request) => connection.execute(request)),
    executeMany: told((request: ManyRequest) => connection.executeMany(request)),
    stream: told((request: Request) => connection.stream(request))
  })
}

/**
 * What the client for `@effect/sql` fails with: a `SqlError` that carries the typed error.
 *
 * @since 0.1.0
 */
import { SqlError } from "@effect/sql/SqlError"
import type { ExecuteError } from "./Errors.js"

/**
 * A `SqlError`, by its tag and its class, whose `cause` is the typed error of this package: its `reason`, `errno`,
 * `constraint` and the rest. The message says what was tried and what the database said to it, and holds no parameters.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { SqlClient as Sql } from "@effect/sql"
 * import * as SqlClient from "effect-sa/SqlClient"
 *
 * export const signUp = (email: string) =>
 *   Effect.gen(function* () {
 *     const sql = yield* Sql.SqlClient
 *     yield* sql`INSERT INTO account ${sql.insert({ email })}`
 *   }).pipe(
 *     Effect.catchTag("SqlError", (error) =>
 *       SqlClient.isSqlFailure(error) && error.cause._tag === "IntegrityError"
 *         ? Effect.logInfo(`taken: ${error.cause.constraint}`)
 *         : Effect.fail(error)
 *     )
 *   )
 * ```
 *
 * @since 0.1.0
 * @category errors
 */
export class SqlFailure extends SqlError {
  override readonly cause: ExecuteError

  constructor(doing: string, cause: ExecuteError) {
    super({ cause, message: `${doing}: ${cause.message}` })
    this.cause = cause
  }
}

/**
 * Whether this is a `SqlError` of this package, with a typed cause.
 *
 * @since 0.1.0
 * @category guards
 */
export const isSqlFailure = (u: unknown): u is SqlFailure => u instanceof SqlFailure

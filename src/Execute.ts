/**
 * The functions that execute statements, as engines and connections have them: which type the rows have follows from the
 * statement.
 *
 * @since 0.1.0
 */
import type { Effect, Option, Stream } from "effect"
import type { ExecuteOptions } from "./Options.js"
import type { Result, Row } from "./Result.js"
import type { Executable, Parameters, Query, RowOf } from "./Statement.js"

/**
 * Executes a statement and reads its whole result.
 *
 * @since 0.1.0
 * @category models
 */
export interface Execute<E, R = never> {
  <O>(query: Query<O>, parameters?: Parameters, options?: ExecuteOptions): Effect.Effect<Result<RowOf<O>>, E, R>
  <A extends object = Record<string, unknown>>(
    statement: Executable<A>,
    parameters?: Parameters,
    options?: ExecuteOptions
  ): Effect.Effect<Result<A>, E, R>
}

/**
 * Executes a statement, and gives the first column of the first row, if there is a row.
 *
 * @since 0.1.0
 * @category models
 */
export interface Scalar<E, R = never> {
  <O>(
    query: Query<O>,
    parameters?: Parameters,
    options?: ExecuteOptions
  ): Effect.Effect<Option.Option<RowOf<O>[keyof RowOf<O>]>, E, R>
  <A extends object = Record<string, unknown>>(
    statement: Executable<A>,
    parameters?: Parameters,
    options?: ExecuteOptions
  ): Effect.Effect<Option.Option<A[keyof A]>, E, R>
}

/**
 * Executes a statement, and gives its rows as they are taken.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamRows<E, R = never> {
  <O>(query: Query<O>, parameters?: Parameters, options?: ExecuteOptions): Stream.Stream<Row<RowOf<O>>, E, R>
  <A extends object = Record<string, unknown>>(
    statement: Executable<A>,
    parameters?: Parameters,
    options?: ExecuteOptions
  ): Stream.Stream<Row<A>, E, R>
}

/**
 * What a statement makes of the rows that a driver gives, before they become rows of a result.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { DriverResult, RowStream } from "./Driver.js"
import type { DriverError } from "./Errors.js"
import type { Column } from "./Value.js"

/**
 * Rows as drivers give them, by place.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rows {
  readonly columns: ReadonlyArray<Column>
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
}

/**
 * Makes other rows of a statement's rows: all of them, or those of a stream as they come. It gives the same array of
 * columns for the same one, because what is made for a shape is kept by it.
 *
 * @since 0.1.0
 * @category models
 */
export interface RowTransform {
  /** The columns of the rows that come of rows with these. */
  readonly columns: (columns: ReadonlyArray<Column>) => Effect.Effect<ReadonlyArray<Column>, DriverError>
  readonly rows: (rows: Rows) => Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, DriverError>
}

/**
 * A result with other rows; one without rows stays as it is.
 *
 * @since 0.1.0
 * @category transforming
 */
export const ofResult = (transform: RowTransform, result: DriverResult): Effect.Effect<DriverResult, DriverError> => {
  const { columns, rows, next } = result
  const rest = next === undefined ? Effect.succeed(undefined) : ofResult(transform, next)
  if (columns === undefined) return Effect.map(rest, (next) => ({ ...result, next }))
  return Effect.zipWith(
    Effect.zip(transform.columns(columns), transform.rows({ columns, rows })),
    rest,
    ([columns, rows], next) => ({ ...result, columns, rows, next })
  )
}

/**
 * A stream with other rows, each piece of them as it is pulled.
 *
 * @since 0.1.0
 * @category transforming
 */
export const ofStream = (transform: RowTransform, stream: RowStream): Effect.Effect<RowStream, DriverError> =>
  Effect.map(transform.columns(stream.columns), (columns) => ({
    columns,
    pull: Effect.flatMap(stream.pull, (rows) =>
      rows === undefined ? Effect.succeed(undefined) : transform.rows({ columns: stream.columns, rows })
    ),
    end: stream.end,
    next: Effect.flatMap(stream.next, (next) =>
      next === undefined ? Effect.succeed(undefined) : ofStream(transform, next)
    ),
    close: stream.close
  }))

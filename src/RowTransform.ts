/**
 * What a statement makes of the rows that a driver gives, before they become rows of a result.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { DriverResult, RowStream } from "./Driver.js"
import { DataError, type DriverError } from "./Errors.js"
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
  /** Both at once, where the columns depend on the rows: then `columns` says what they are where there are none. */
  readonly together?: ((rows: Rows) => Effect.Effect<Rows, DriverError>) | undefined
}

const transformed = (transform: RowTransform, given: Rows): Effect.Effect<Rows, DriverError> =>
  transform.together !== undefined && given.rows.length > 0
    ? transform.together(given)
    : Effect.zipWith(transform.columns(given.columns), transform.rows(given), (columns, rows) => ({ columns, rows }))

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
  return Effect.zipWith(transformed(transform, { columns, rows }), rest, ({ columns, rows }, next) => ({
    ...result,
    columns,
    rows,
    next
  }))
}

/**
 * A stream with other rows, each piece of them as it is pulled. Where the columns depend on the rows, the first piece is
 * pulled at once, and all others have its columns, or fail.
 *
 * @since 0.1.0
 * @category transforming
 */
export const ofStream = (transform: RowTransform, stream: RowStream): Effect.Effect<RowStream, DriverError> =>
  // Nobody else has the stream to close it yet.
  Effect.onError(opened(transform, stream), () => stream.close)

const opened = (transform: RowTransform, stream: RowStream): Effect.Effect<RowStream, DriverError> => {
  const { together } = transform
  if (stream.columns.length === 0) return Effect.succeed(withPieces(transform, stream, [], stream.pull))
  if (together === undefined) {
    const pull = Effect.flatMap(
      Effect.suspend(() => stream.pull),
      (rows) => (rows === undefined ? Effect.succeed(undefined) : transform.rows({ columns: stream.columns, rows }))
    )
    return Effect.map(transform.columns(stream.columns), (columns) => withPieces(transform, stream, columns, pull))
  }
  return Effect.gen(function* () {
    const piece = pieceOf(stream, together)
    let first = yield* piece
    const columns = first?.columns ?? (yield* transform.columns(stream.columns))
    const pull = Effect.flatMap(
      Effect.suspend(() => {
        const taken = first
        first = undefined
        return taken === undefined ? piece : Effect.succeed(taken)
      }),
      (rows) => {
        if (rows === undefined) return Effect.succeed(undefined)
        return rows.columns === columns ? Effect.succeed(rows.rows) : Effect.fail(otherColumns(columns, rows.columns))
      }
    )
    return withPieces(transform, stream, columns, pull)
  })
}

/** The stream with other columns and rows, and so those after it. */
const withPieces = (
  transform: RowTransform,
  stream: RowStream,
  columns: ReadonlyArray<Column>,
  pull: RowStream["pull"]
): RowStream => ({
  columns,
  pull,
  end: () => stream.end(),
  next: Effect.flatMap(
    Effect.suspend(() => stream.next),
    (next) => (next === undefined ? Effect.succeed(undefined) : ofStream(transform, next))
  ),
  close: Effect.suspend(() => stream.close)
})

/** The next piece that has rows left. */
const pieceOf = (
  stream: RowStream,
  together: (rows: Rows) => Effect.Effect<Rows, DriverError>
): Effect.Effect<Rows | undefined, DriverError> =>
  Effect.flatMap(
    Effect.suspend(() => stream.pull),
    (rows) =>
      rows === undefined
        ? Effect.succeed(undefined)
        : Effect.flatMap(together({ columns: stream.columns, rows }), (made) =>
            made.rows.length === 0 ? pieceOf(stream, together) : Effect.succeed(made)
          )
  )

const otherColumns = (columns: ReadonlyArray<Column>, others: ReadonlyArray<Column>): DataError => {
  const named = (all: ReadonlyArray<Column>): string => all.map(({ name }) => name).join(", ")
  return new DataError({
    reason: "InvalidValue",
    message: `rows of a stream have the columns of its first, ${named(columns)}: later ones have ${named(others)}`
  })
}

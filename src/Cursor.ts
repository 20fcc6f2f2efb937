/**
 * A cursor over a connection (PEP 249, `aiomysql.Cursor` and `SSCursor`): it executes a statement, and then moves over
 * its rows. An engine's results are values and need none; a cursor is for who wants to fetch in steps.
 *
 * @since 0.1.0
 */
import { Effect, Exit, Option, Scope } from "effect"
import type { Connection } from "./Connection.js"
import type { DriverResult, RowStream } from "./Driver.js"
import { ArgumentError, NotSupportedError, ProgrammingError, type StatementError } from "./Errors.js"
import * as Statement from "./Statement.js"
import type { Column, ValueOptions } from "./Value.js"

/**
 * How a cursor reads.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Whether `execute` reads all rows (`Cursor`) or they are read as they are fetched (`SSCursor`). Default true. */
  readonly buffered?: boolean | undefined
  /** Rows that `fetchMany` gives unless told. Default 1, as PEP 249 has it. */
  readonly arraySize?: number | undefined
}

/**
 * A row by position.
 *
 * @since 0.1.0
 * @category models
 */
export type Tuple = ReadonlyArray<unknown>

/**
 * A cursor. Its fetching functions fail with a `ProgrammingError` (reason `CursorState`) before a statement that returns
 * rows was executed, and after `close`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cursor {
  /** Executes a statement in place of the one before, and gives `rowCount`. */
  readonly execute: (
    statement: Statement.Executable,
    parameters?: Statement.Parameters
  ) => Effect.Effect<number, StatementError>
  /** Executes a statement once for each set of parameters, and gives the sum of the row counts. */
  readonly executeMany: (
    statement: Statement.Executable,
    sets: ReadonlyArray<Statement.ParameterSet>
  ) => Effect.Effect<number, StatementError>
  readonly fetchOne: Effect.Effect<Option.Option<Tuple>, StatementError>
  /** The next rows, `arraySize` unless told, fewer at the end. */
  readonly fetchMany: (size?: number) => Effect.Effect<ReadonlyArray<Tuple>, StatementError>
  /** The rows that are left. */
  readonly fetchAll: Effect.Effect<ReadonlyArray<Tuple>, StatementError>
  /** Goes to the next result set, if there is one. What is left of this one is passed over. */
  readonly nextSet: Effect.Effect<boolean, StatementError>
  /** Rows returned or affected; -1 while that is not known. */
  readonly rowCount: Effect.Effect<number>
  /** The place of the next row. */
  readonly rowNumber: Effect.Effect<number>
  readonly lastRowId: Effect.Effect<number | bigint | undefined>
  /** The columns of the result; none for a statement that returns no rows. */
  readonly description: Effect.Effect<Option.Option<ReadonlyArray<Column>>>
  /** Ends the cursor; rows that were not fetched are given up. It may be called twice. */
  readonly close: Effect.Effect<void>
}

const state = (message: string): ProgrammingError => new ProgrammingError({ reason: "CursorState", message })

/** A statement's rows as a cursor has them: there, or still to come. */
interface Position {
  readonly columns: ReadonlyArray<Column> | undefined
  readonly rowCount: number
  readonly lastRowId: number | bigint | undefined
  /** Rows that were read and not fetched. */
  rows: ReadonlyArray<Tuple>
  at: number
  readonly stream: RowStream | undefined
  readonly next: DriverResult | undefined
}

class ConnectionCursor implements Cursor {
  private position: Position | undefined
  private fetched = 0
  private closed = false
  /** Of the stream that is being read. */
  private scope: Scope.CloseableScope | undefined

  constructor(
    private readonly connection: Connection,
    private readonly buffered: boolean,
    private readonly arraySize: number,
    private readonly values: ValueOptions
  ) {
    this.execute = this.execute.bind(this)
    this.executeMany = this.executeMany.bind(this)
    this.fetchMany = this.fetchMany.bind(this)
  }

  execute(statement: Statement.Executable, parameters?: Statement.Parameters): Effect.Effect<number, StatementError> {
    return Effect.suspend((): Effect.Effect<number, StatementError> => {
      if (this.closed) return Effect.fail(state("the cursor is closed"))
      const compiled = Statement.compile(statement, parameters, this.connection.dialect)
      if (compiled instanceof ArgumentError) return Effect.fail(compiled)
      const run =
        this.buffered || compiled.sets !== undefined
          ? Effect.map(this.connection.execute(compiled, this.values), positionOf)
          : this.open(compiled)
      return Effect.map(Effect.zipRight(this.release, run), (position) => {
        this.position = position
        this.fetched = 0
        return position.rowCount
      })
    })
  }

  executeMany(
    statement: Statement.Executable,
    sets: ReadonlyArray<Statement.ParameterSet>
  ): Effect.Effect<number, StatementError> {
    return this.execute(statement, sets)
  }

  private open(compiled: Statement.Compiled): Effect.Effect<Position, StatementError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.make(), (scope) =>
        restore(Scope.extend(this.connection.stream(compiled, this.values), scope)).pipe(
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
          Effect.map((stream) => {
            this.scope = scope
            const columns = stream.columns.length === 0 ? undefined : stream.columns
            return { columns, rowCount: -1, lastRowId: undefined, rows: [], at: 0, stream, next: undefined }
          })
        )
      )
    )
  }

  /** Gives up what was being read. */
  private get release(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const scope = this.scope
      this.scope = undefined
      this.position = undefined
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    })
  }

  /** Rows from here on: those that were read, or the next that the stream has. None is the end. */
  private get more(): Effect.Effect<Position, StatementError> {
    return Effect.suspend((): Effect.Effect<Position, StatementError> => {
      const position = this.position
      if (this.closed) return Effect.fail(state("the cursor is closed"))
      if (position === undefined) return Effect.fail(state("nothing was executed"))
      if (position.columns === undefined) return Effect.fail(state("the statement returned no rows"))
      if (position.at < position.rows.length || position.stream === undefined) return Effect.succeed(position)
      return Effect.map(position.stream.pull, (rows) => {
        position.rows = rows ?? []
        position.at = 0
        return position
      })
    })
  }

  private take(position: Position, most: number): ReadonlyArray<Tuple> {
    const rows = position.rows.slice(position.at, position.at + most)
    position.at += rows.length
    this.fetched += rows.length
    return rows
  }

  get fetchOne(): Effect.Effect<Option.Option<Tuple>, StatementError> {
    return Effect.map(this.more, (position) => Option.fromNullable(this.take(position, 1)[0]))
  }

  fetchMany(size: number = this.arraySize): Effect.Effect<ReadonlyArray<Tuple>, StatementError> {
    return Number.isSafeInteger(size) && size > 0
      ? this.collect(size)
      : Effect.fail(
          new ArgumentError({ argument: "size", given: `the number ${size}`, expected: "a whole number above 0" })
        )
  }

  get fetchAll(): Effect.Effect<ReadonlyArray<Tuple>, StatementError> {
    return this.collect(Number.POSITIVE_INFINITY)
  }

  private collect(size: number): Effect.Effect<ReadonlyArray<Tuple>, StatementError> {
    return Effect.suspend(() => {
      const rows: Array<Tuple> = []
      return Effect.as(
        Effect.repeat(
          Effect.map(this.more, (position) => {
            const taken = this.take(position, size - rows.length)
            for (const row of taken) rows.push(row)
            return taken.length
          }),
          { until: (taken) => taken === 0 || rows.length >= size }
        ),
        rows
      )
    })
  }

  get nextSet(): Effect.Effect<boolean, StatementError> {
    return Effect.suspend((): Effect.Effect<boolean, StatementError> => {
      if (this.closed) return Effect.fail(state("the cursor is closed"))
      if (this.position?.stream !== undefined) {
        return Effect.fail(
          new NotSupportedError({
            reason: "NotSupported",
            message: "an unbuffered cursor has the first result set only"
          })
        )
      }
      const next = this.position?.next
      return Effect.map(this.release, () => {
        this.position = next === undefined ? undefined : positionOf(next)
        this.fetched = 0
        return next !== undefined
      })
    })
  }

  get rowCount(): Effect.Effect<number> {
    return Effect.sync(() => this.position?.rowCount ?? -1)
  }

  get rowNumber(): Effect.Effect<number> {
    return Effect.sync(() => this.fetched)
  }

  get lastRowId(): Effect.Effect<number | bigint | undefined> {
    return Effect.sync(() => this.position?.lastRowId)
  }

  get description(): Effect.Effect<Option.Option<ReadonlyArray<Column>>> {
    return Effect.sync(() => Option.fromNullable(this.position?.columns))
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.closed = true
      return this.release
    })
  }
}

const positionOf = (result: DriverResult): Position => ({
  columns: result.columns,
  rowCount: result.columns === undefined ? result.affectedRows : result.rows.length,
  lastRowId: result.lastInsertId,
  rows: result.rows,
  at: 0,
  stream: undefined,
  next: result.next
})

/**
 * Makes a cursor, which the end of the scope closes (`aiomysql.Connection.cursor`).
 *
 * *Fails with* `ArgumentError` for an `arraySize` that is no whole number above 0.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  connection: Connection,
  { buffered = true, arraySize = 1 }: Options = {}
): Effect.Effect<Cursor, ArgumentError, Scope.Scope> =>
  Number.isSafeInteger(arraySize) && arraySize > 0
    ? Effect.acquireRelease(
        Effect.sync(() => new ConnectionCursor(connection, buffered, arraySize, connection.values)),
        (cursor) => cursor.close
      )
    : Effect.fail(
        new ArgumentError({
          argument: "arraySize",
          given: `the number ${arraySize}`,
          expected: "a whole number above 0"
        })
      )

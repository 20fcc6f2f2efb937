/**
 * A cursor over a connection (PEP 249): it executes a statement, and then moves over its rows. aiomysql's classes of
 * cursors are options of one here: `Cursor`, `SSCursor` (`buffered: false`), `DictCursor` (`rows: "dict"`),
 * `DeserializationCursor` (`json`, which is parsed by default), and any mix of them.
 *
 * An engine's results are values and need no cursor; a cursor is for who wants to fetch in steps.
 *
 * @since 0.1.0
 */
import { Chunk, Effect, Either, Exit, Option, Redacted, Scope, Stream } from "effect"
import type { Connection, Warning } from "./Connection.js"
import { type ColumnDescription, describe } from "./Description.js"
import { type DriverResult, emptyResult, type RowStream } from "./Driver.js"
import { ArgumentError, kindOf, NotSupportedError, ProgrammingError, type StatementError } from "./Errors.js"
import * as ConnectionOptions from "./Options.js"
import * as Procedure from "./Procedure.js"
import { type Dict, ResultSet, toDict, type Tuple } from "./ResultSet.js"
import * as Statement from "./Statement.js"
import { Turn } from "./Turn.js"
import { type Column, isPlainObject, type Json, type Parameter, type ValueOptions } from "./Value.js"

export type { ColumnDescription, TypeCode } from "./Description.js"
export type { Dict, Tuple } from "./ResultSet.js"

// ---------------------------------------------------------------------------------------------------------------------
// what it takes and gives

/**
 * How a cursor reads: its own options, and the value options of its statements over those of the connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Partial<ValueOptions> {
  /** Whether `execute` reads all rows (`Cursor`) or they are read as they are fetched (`SSCursor`). Default true. */
  readonly buffered?: boolean | undefined
  /** Whether a row is an array (`Cursor`) or an object by column names (`DictCursor`). Default `tuple`. */
  readonly rows?: "tuple" | "dict" | undefined
  /** Rows that `fetchMany` gives unless told. Default 1, as PEP 249 has it. */
  readonly arraySize?: number | undefined
}

/**
 * One parameter, for a statement with one `?`. Arrays and plain objects are sets of parameters: JSON needs one around it.
 *
 * @since 0.1.0
 * @category models
 */
export type SingleParameter = Exclude<Parameter, ReadonlyArray<Json> | { readonly [key: string]: Json }>

/**
 * What goes with a statement: a set of parameters, several sets, or one parameter by itself.
 *
 * @since 0.1.0
 * @category models
 */
export type Arguments = Statement.Parameters | SingleParameter

/**
 * A cursor whose rows are of type `A`. Fibers that share it take turns. Everything but reading its numbers fails with a
 * `ProgrammingError` (reason `CursorState`) after `close`, and what reads rows also before a statement that returns rows.
 *
 * While an unbuffered cursor has rows to come, its connection takes no other statements: they fail with an
 * `InvalidRequestError`. The connection is free once the last row of the last result set was read, and after `close`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cursor<out A extends object = Tuple> {
  readonly connection: Connection
  /**
   * Executes a statement in place of the one before, what is left of which is passed over, and gives `rowCount`
   * (`aiomysql.Cursor.execute`).
   *
   * *Fails with* `ArgumentError` before anything is sent, for parameters that do not fit; what the database answers;
   * `InvalidRequestError` while another cursor streams on the connection. *Interruption* returns at once, spends the
   * connection, and kills the statement on the server.
   */
  readonly execute: (
    statement: Statement.Executable | Statement.Query<unknown>,
    parameters?: Arguments
  ) => Effect.Effect<number, StatementError>
  /**
   * Executes a statement once for each set of parameters, in fewer statements where that is the same, and gives the sum of
   * the row counts (`aiomysql.Cursor.executemany`). No sets are no execution. Fails as `execute`.
   */
  readonly executeMany: (
    statement: Statement.Executable | Statement.Query<unknown>,
    sets: ReadonlyArray<Statement.ParameterSet | SingleParameter>
  ) => Effect.Effect<number, StatementError>
  /**
   * Calls a procedure, `name` or `database.name`, and gives `rowCount` of its first result set (`aiomysql.Cursor.callproc`).
   * `nextSet` goes through its result sets, after which comes an empty one, the end of the call. OUT parameters have a place
   * in `parameters`, with any value; `outParameters` has what became of them and of INOUT parameters.
   *
   * Fails as `execute`, and with `NotSupportedError` on SQLite.
   */
  readonly callProc: (name: string, parameters?: ReadonlyArray<Parameter>) => Effect.Effect<number, StatementError>
  /**
   * The OUT and INOUT parameters of the procedure that was called last, by name, with the types that they are declared with.
   * An unbuffered cursor knows them when it has come to the last result set.
   *
   * *Fails with* `ProgrammingError` (`CursorState`) before that, and with `NotSupportedError` for parameters of type BIT,
   * which servers send wrongly. MySQL says of texts only by another statement in which character set they are.
   */
  readonly outParameters: Effect.Effect<Dict, StatementError>
  /** The next row, if there is one. */
  readonly fetchOne: Effect.Effect<Option.Option<A>, StatementError>
  /** The next rows, `arraySize` unless told, fewer at the end. */
  readonly fetchMany: (size?: number) => Effect.Effect<ReadonlyArray<A>, StatementError>
  /** The rows that are left. */
  readonly fetchAll: Effect.Effect<ReadonlyArray<A>, StatementError>
  /**
   * The rows that are left, in chunks and no faster than they are taken (`async for row in cursor`). The rows of a chunk
   * count as fetched when it is taken. Fails as fetching, and when the cursor is moved to other rows meanwhile.
   */
  readonly stream: Stream.Stream<A, StatementError>
  /**
   * Moves to another row: so many further, or to that place, from 0 (`aiomysql.Cursor.scroll`).
   *
   * *Fails with* `ArgumentError` where there is no such row: a buffered cursor stays where it is, an unbuffered one is at the
   * end then. An unbuffered cursor reads on to the row in bounded memory; backwards it fails with `NotSupportedError`.
   */
  readonly scroll: (value: number, mode?: "relative" | "absolute") => Effect.Effect<void, StatementError>
  /**
   * Goes to the next result set, if there is one (`aiomysql.Cursor.nextset`). What is left of this one is passed over, in
   * bounded memory. The numbers of the last result set stay where there is none.
   */
  readonly nextSet: Effect.Effect<boolean, StatementError>
  /** Rows returned or affected; -1 while that is not known, which of rows that are not buffered it never is. */
  readonly rowCount: Effect.Effect<number>
  /** The place of the next row, from 0. */
  readonly rowNumber: Effect.Effect<number>
  /** The id that an AUTO_INCREMENT column got, exactly. */
  readonly lastRowId: Effect.Effect<number | bigint | undefined>
  /** The columns of the result set in PEP 249's seven fields and more; none for one without rows. */
  readonly description: Effect.Effect<Option.Option<ReadonlyArray<ColumnDescription>>>
  /** Rows that `fetchMany` gives unless told. */
  readonly arraySize: Effect.Effect<number>
  /** *Fails with* `ArgumentError` for a size that is no whole number above 0. */
  readonly setArraySize: (size: number) => Effect.Effect<void, ArgumentError>
  /** Warnings about the statement, as many as it has caused; -1 while that is not known. */
  readonly warningCount: Effect.Effect<number>
  /**
   * The warnings about the statement, asked of the server only if there are any: they are those of the last statement of the
   * connection. Fails as `Connection.warnings`.
   */
  readonly warnings: Effect.Effect<ReadonlyArray<Warning>, StatementError>
  /**
   * The statement with literals in place of its markers, for people to read (`aiomysql.Cursor.mogrify`). It is never sent:
   * parameters go apart from the statement. What is `Redacted` is shown as `<redacted>`.
   *
   * *Fails with* `ArgumentError` for parameters that do not fit, and with `NotSupportedError` for a statement that the
   * database cannot have.
   */
  readonly mogrify: (
    statement: Statement.Executable | Statement.Query<unknown>,
    parameters?: Arguments
  ) => Effect.Effect<string, Statement.Refusal | ProgrammingError>
  readonly isClosed: Effect.Effect<boolean>
  /**
   * Ends the cursor; rows that were not fetched are read and given up, so that the connection is free. It may be called
   * twice. The end of the cursor's scope ends it too, and takes no time for that: where much was not fetched it closes the
   * connection instead. *Interruption*, while it reads, spends the connection.
   */
  readonly close: Effect.Effect<void>
}

// ---------------------------------------------------------------------------------------------------------------------
// arguments

const state = (message: string): ProgrammingError => new ProgrammingError({ reason: "CursorState", message })

const closedError = (): ProgrammingError => state("the cursor is closed")

const notExecuted = (): ProgrammingError => state("no statement was executed, or it failed")

const isPositive = (size: unknown): size is number => typeof size === "number" && Number.isSafeInteger(size) && size > 0

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const refuseSize = (argument: string, given: unknown): ArgumentError =>
  refuse(argument, typeof given === "number" ? `the number ${given}` : kindOf(given), "a whole number above 0")

/** One parameter by itself is a set of one. */
const asSet = (given: unknown): unknown =>
  given === undefined || Array.isArray(given) || isPlainObject(given) ? given : [given]

/** What is to stay hidden is hidden from people too. */
const withoutSecrets = (given: unknown): unknown => {
  const hidden = (value: unknown): unknown => (Redacted.isRedacted(value) ? "<redacted>" : value)
  if (Array.isArray(given)) return given.map(hidden)
  return isPlainObject(given)
    ? Object.fromEntries(Object.entries(given).map(([name, value]) => [name, hidden(value)]))
    : given
}

// ---------------------------------------------------------------------------------------------------------------------
// the cursor

/** Rows of a chunk of `stream`, at the most. */
const streamChunk = 256

/** What was called, and what is known of its OUT parameters. */
interface Call {
  readonly name: Procedure.Name
  out: Procedure.Out | undefined
  /** As they were read for who has asked first. */
  read: Dict | undefined
}

type Rows<A> = (columns: ReadonlyArray<Column>) => (row: Tuple) => A

class ConnectionCursor<A extends object> implements Cursor<A> {
  private set: ResultSet | undefined
  private toRow: ((row: Tuple) => A) | undefined
  private call: Call | undefined
  private closed = false
  /** Of the stream that is being read. */
  private scope: Scope.CloseableScope | undefined
  private readonly turn = new Turn()

  constructor(
    readonly connection: Connection,
    private readonly buffered: boolean,
    private size: number,
    private readonly values: ValueOptions,
    private readonly rowsOf: Rows<A>
  ) {
    this.execute = this.execute.bind(this)
    this.executeMany = this.executeMany.bind(this)
    this.callProc = this.callProc.bind(this)
    this.fetchMany = this.fetchMany.bind(this)
    this.scroll = this.scroll.bind(this)
    this.setArraySize = this.setArraySize.bind(this)
    this.mogrify = this.mogrify.bind(this)
  }

  // ---- turns and the connection -------------------------------------------------------------------------------------

  /** Runs what nobody else may be in the middle of. Who is, when the cursor's scope ends, frees the connection. */
  private inTurn<B, E>(run: () => Effect.Effect<B, E>): Effect.Effect<B, E | ProgrammingError> {
    const open = Effect.suspend(
      (): Effect.Effect<B, E | ProgrammingError> => (this.closed ? Effect.fail(closedError()) : run())
    )
    return Effect.ensuring(
      this.turn.take(open),
      Effect.suspend(() => (this.closed && !this.turn.isTaken ? this.free : Effect.void))
    )
  }

  /** Ends the stream that is being read, as cheaply as can be. */
  private get free(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const scope = this.scope
      this.scope = undefined
      return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
    })
  }

  /** Reads. What nothing more comes from leaves the connection free. */
  private reading<B, E>(set: ResultSet, read: Effect.Effect<B, E>): Effect.Effect<B, E> {
    return Effect.ensuring(
      read,
      Effect.suspend(() => (set.isOver ? this.free : Effect.void))
    )
  }

  /** Leaves the result of the statement before. What is left of it is read, because its connection is wanted. */
  private get leave(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { set } = this
      this.set = undefined
      this.call = undefined
      return this.scope === undefined || set === undefined
        ? this.free
        : Effect.ensuring(Effect.ignore(set.drain), this.free)
    })
  }

  // ---- executing ----------------------------------------------------------------------------------------------------

  execute(
    statement: Statement.Executable | Statement.Query<unknown>,
    parameters?: Arguments
  ): Effect.Effect<number, StatementError> {
    return this.inTurn(() => this.compiled(statement, asSet(parameters), (compiled) => this.run(compiled)))
  }

  executeMany(
    statement: Statement.Executable | Statement.Query<unknown>,
    sets: ReadonlyArray<Statement.ParameterSet | SingleParameter>
  ): Effect.Effect<number, StatementError> {
    return this.inTurn((): Effect.Effect<number, StatementError> => {
      if (!Array.isArray(sets)) return Effect.fail(refuse("sets", kindOf(sets), "an array of sets of parameters"))
      return this.compiled(statement, sets.map(asSet), (compiled) => {
        if (sets.length === 0) return this.run({ ...compiled, sets })
        if (compiled.sets !== undefined) return this.run(compiled)
        const expected = "an array for each execution of ? markers, an object for each of names"
        return Effect.fail(refuse("sets", "sets that do not fit the markers", expected))
      })
    })
  }

  private compiled<A, E>(
    statement: Statement.Executable | Statement.Query<unknown>,
    parameters: unknown,
    run: (compiled: Statement.Compiled) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | Statement.Refusal> {
    return Statement.compileWith(statement, parameters, this.connection.dialect, run)
  }

  callProc(name: string, parameters: ReadonlyArray<Parameter> = []): Effect.Effect<number, StatementError> {
    return this.inTurn((): Effect.Effect<number, StatementError> => {
      const { dialect } = this.connection
      if (dialect.name === "sqlite")
        return Effect.fail(new NotSupportedError({ reason: "NotSupported", message: "SQLite has no procedures" }))
      const call = Procedure.compile(name, parameters, dialect)
      if (call instanceof ArgumentError) return Effect.fail(call)
      return this.run(call.compiled, { name: call.name, out: undefined, read: undefined })
    })
  }

  private run(compiled: Statement.Compiled, call?: Call): Effect.Effect<number, StatementError> {
    const executed = Effect.suspend((): Effect.Effect<DriverResult | RowStream, StatementError> => {
      if (compiled.sets?.length === 0) return Effect.succeed(emptyResult)
      return this.buffered || compiled.sets !== undefined
        ? this.connection.execute(compiled, this.values)
        : this.open(compiled)
    })
    return Effect.zipRight(
      this.leave,
      Effect.flatMap(executed, (source) => {
        this.call = call
        if (call !== undefined && !("pull" in source)) call.out = Procedure.outOf(source)
        return this.enter(ResultSet.of(source))
      })
    )
  }

  private open(compiled: Statement.Compiled): Effect.Effect<RowStream, StatementError> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.make(), (scope) =>
        restore(Scope.extend(this.connection.streamSets(compiled, this.values), scope)).pipe(
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
          Effect.tap(() =>
            Effect.sync(() => {
              this.scope = scope
            })
          )
        )
      )
    )
  }

  /** Stands in a result set, or, where that has the OUT parameters of a call, in the one after it. Gives `rowCount`. */
  private enter(set: ResultSet): Effect.Effect<number, StatementError> {
    const { call } = this
    this.set = set
    this.toRow = undefined
    const stay = Effect.as(this.reading(set, Effect.void), set.count)
    if (call === undefined) return stay
    return Effect.flatMap(this.isOut(set), (isOut) => {
      if (!isOut) return stay
      call.out = { columns: set.columns, values: set.current ?? [] }
      return Effect.flatMap(this.reading(set, set.next), (next) => (next === undefined ? stay : this.enter(next)))
    })
  }

  /** Whether it has OUT parameters. They are one row, and what kind of row it was a server says after it. */
  private isOut(set: ResultSet): Effect.Effect<boolean, StatementError> {
    if (set.end !== undefined) return Effect.succeed(set.end.isOutParameters === true)
    if (set.ready > 1) return Effect.succeed(false)
    return Effect.flatMap(this.reading(set, set.readMore), () => this.isOut(set))
  }

  // ---- moving -------------------------------------------------------------------------------------------------------

  /** The result set that has rows to read, or why there is none. */
  private readable(): Either.Either<ResultSet, ProgrammingError> {
    const { set } = this
    if (this.closed) return Either.left(closedError())
    if (set === undefined) return Either.left(notExecuted())
    return set.returnsRows ? Either.right(set) : Either.left(state("the statement returned no rows"))
  }

  private take(set: ResultSet, most: number): ReadonlyArray<A> {
    const toRow = (this.toRow ??= this.rowsOf(set.columns))
    return set.take(most).map(toRow)
  }

  /** The next rows, as many as are asked for. Rows that were read already need no turn. */
  private fetch(most: number): Effect.Effect<ReadonlyArray<A>, StatementError> {
    return Effect.suspend(() => {
      const { set } = this
      const isThere = set?.returnsRows === true && (set.ready >= most || set.end !== undefined)
      if (isThere && !this.closed && !this.turn.isTaken) return Effect.succeed(this.take(set, most))
      const rows: Array<A> = []
      const more = (): Effect.Effect<ReadonlyArray<A>, StatementError> =>
        Effect.flatMap(this.readable(), (set) => {
          for (const row of this.take(set, most - rows.length)) rows.push(row)
          if (rows.length >= most || set.end !== undefined) return Effect.succeed(rows)
          return Effect.flatMap(this.reading(set, set.readMore), more)
        })
      return this.inTurn(more)
    })
  }

  get fetchOne(): Effect.Effect<Option.Option<A>, StatementError> {
    return Effect.map(this.fetch(1), ([row]) => Option.fromNullable(row))
  }

  fetchMany(size?: number): Effect.Effect<ReadonlyArray<A>, StatementError> {
    return Effect.suspend(() => {
      const most = size ?? this.size
      return isPositive(most) ? this.fetch(most) : Effect.fail(refuseSize("size", most))
    })
  }

  get fetchAll(): Effect.Effect<ReadonlyArray<A>, StatementError> {
    return this.fetch(Number.POSITIVE_INFINITY)
  }

  get stream(): Stream.Stream<A, StatementError> {
    const chunksOf = (set: ResultSet): Stream.Stream<A, StatementError> =>
      Stream.repeatEffectChunkOption(
        Effect.matchEffect(this.chunkOf(set), {
          onFailure: (error) => Effect.fail(Option.some(error)),
          onSuccess: (rows) =>
            rows.length === 0 ? Effect.fail(Option.none()) : Effect.succeed(Chunk.unsafeFromArray(rows))
        })
      )
    return Stream.unwrap(
      Effect.map(
        this.inTurn(() => this.readable()),
        chunksOf
      )
    )
  }

  /** Rows that are there, or else the next that come; none at the end. */
  private chunkOf(set: ResultSet): Effect.Effect<ReadonlyArray<A>, StatementError> {
    const more = (): Effect.Effect<ReadonlyArray<A>, StatementError> => {
      if (this.set !== set) return Effect.fail(state("the cursor was moved away from the rows of the stream"))
      return set.ready > 0 || set.end !== undefined
        ? Effect.succeed(this.take(set, streamChunk))
        : Effect.flatMap(this.reading(set, set.readMore), more)
    }
    return this.inTurn(more)
  }

  scroll(value: number, mode: "relative" | "absolute" = "relative"): Effect.Effect<void, StatementError> {
    return this.inTurn(() =>
      Effect.flatMap(this.readable(), (set): Effect.Effect<void, StatementError> => {
        if (mode !== "relative" && mode !== "absolute")
          return Effect.fail(refuse("mode", kindOf(mode), "relative or absolute"))
        if (!Number.isSafeInteger(value)) return Effect.fail(refuse("value", kindOf(value), "a whole number"))
        const target = mode === "relative" ? set.place + value : value
        return this.reading(set, set.goTo(target))
      })
    )
  }

  get nextSet(): Effect.Effect<boolean, StatementError> {
    return this.inTurn(() => {
      const { set } = this
      if (set === undefined) return Effect.fail(notExecuted())
      return Effect.flatMap(
        this.reading(set, set.next),
        (next): Effect.Effect<boolean, StatementError> =>
          next === undefined ? Effect.succeed(false) : Effect.as(this.enter(next), true)
      )
    })
  }

  // ---- what is known ------------------------------------------------------------------------------------------------

  get outParameters(): Effect.Effect<Dict, StatementError> {
    return this.inTurn((): Effect.Effect<Dict, StatementError> => {
      const { call, set } = this
      if (call === undefined) return Effect.fail(state("no procedure was called"))
      if (call.read !== undefined) return Effect.succeed(call.read)
      if (call.out === undefined) {
        const isOver = set !== undefined && (set.stream === undefined || set.end?.hasNext === false)
        const tooEarly = "OUT parameters come after the last result set: nextSet goes there"
        return isOver ? Effect.succeed({}) : Effect.fail(state(tooEarly))
      }
      return Effect.tap(Procedure.readOut(this.connection, call.name, call.out), (read) =>
        Effect.sync(() => {
          call.read = read
        })
      )
    })
  }

  get rowCount(): Effect.Effect<number> {
    return Effect.sync(() => this.set?.count ?? -1)
  }

  get rowNumber(): Effect.Effect<number> {
    return Effect.sync(() => this.set?.place ?? 0)
  }

  get lastRowId(): Effect.Effect<number | bigint | undefined> {
    return Effect.sync(() => this.set?.end?.lastInsertId)
  }

  get description(): Effect.Effect<Option.Option<ReadonlyArray<ColumnDescription>>> {
    return Effect.sync(() => {
      const isServer = this.connection.server.product !== "SQLite"
      return this.set?.returnsRows === true
        ? Option.some(this.set.columns.map((column) => describe(column, isServer)))
        : Option.none()
    })
  }

  get arraySize(): Effect.Effect<number> {
    return Effect.sync(() => this.size)
  }

  setArraySize(size: number): Effect.Effect<void, ArgumentError> {
    return Effect.suspend(() => {
      if (!isPositive(size)) return Effect.fail(refuseSize("size", size))
      this.size = size
      return Effect.void
    })
  }

  get warningCount(): Effect.Effect<number> {
    return Effect.sync(() => this.set?.end?.warningCount ?? -1)
  }

  get warnings(): Effect.Effect<ReadonlyArray<Warning>, StatementError> {
    return this.inTurn((): Effect.Effect<ReadonlyArray<Warning>, StatementError> => {
      const { set } = this
      if (set === undefined) return Effect.fail(notExecuted())
      const hasNone = set.end?.warningCount === 0 && !set.end.hasNext
      return hasNone ? Effect.succeed([]) : this.connection.warnings
    })
  }

  mogrify(
    statement: Statement.Executable | Statement.Query<unknown>,
    parameters?: Arguments
  ): Effect.Effect<string, Statement.Refusal | ProgrammingError> {
    return Effect.suspend((): Effect.Effect<string, Statement.Refusal | ProgrammingError> => {
      if (this.closed) return Effect.fail(closedError())
      return this.compiled(statement, withoutSecrets(asSet(parameters)), (compiled) => {
        if (compiled.sets !== undefined)
          return Effect.fail(refuse("parameters", "several sets of parameters", "one set, for one text"))
        const backslashes = this.connection.status().noBackslashEscapes !== true
        return Effect.succeed(this.connection.dialect.inline(compiled.sql, compiled.parameters, backslashes))
      })
    })
  }

  // ---- the end ------------------------------------------------------------------------------------------------------

  get isClosed(): Effect.Effect<boolean> {
    return Effect.sync(() => this.closed)
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.closed = true
      return this.turn.take(this.leave)
    })
  }

  /** Ends the cursor at once. Whoever is in the middle of something frees the connection after it. */
  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.closed = true
      return this.turn.isTaken ? Effect.void : this.free
    })
  }
}

/**
 * Makes a cursor, which the end of the scope ends (`aiomysql.Connection.cursor`). The type of its rows follows from the
 * option `rows`.
 *
 * *Fails with* `ArgumentError` for an option that is not known or does not fit.
 *
 * @example
 * ```ts
 * import { Effect, type Option } from "effect"
 * import { Connection, Cursor } from "effect-sa"
 *
 * export const program = Effect.scoped(
 *   Effect.gen(function* () {
 *     const connection = yield* Connection.make({ url: "sqlite::memory:" })
 *     const cursor = yield* Cursor.make(connection, { rows: "dict", buffered: false })
 *     yield* cursor.execute("SELECT 1 AS id, 'Ada' AS name UNION SELECT 2, ?", ["Grace"])
 *     const first: Option.Option<Cursor.Dict> = yield* cursor.fetchOne // { id: 1, name: "Ada" }
 *     const others = yield* cursor.fetchMany(10)
 *     return [first, others]
 *   })
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export function make(
  connection: Connection,
  options: Options & { readonly rows: "dict" }
): Effect.Effect<Cursor<Dict>, ArgumentError, Scope.Scope>
export function make(
  connection: Connection,
  options?: Options & { readonly rows?: "tuple" | undefined }
): Effect.Effect<Cursor<Tuple>, ArgumentError, Scope.Scope>
export function make(
  connection: Connection,
  options?: Options
): Effect.Effect<Cursor<Tuple | Dict>, ArgumentError, Scope.Scope>
export function make(
  connection: Connection,
  { buffered = true, rows = "tuple", arraySize = 1, ...values }: Options = {}
): Effect.Effect<Cursor<Tuple> | Cursor<Dict>, ArgumentError, Scope.Scope> {
  return Effect.gen(function* () {
    if (typeof buffered !== "boolean") return yield* refuse("buffered", kindOf(buffered), "true or false")
    if (rows !== "tuple" && rows !== "dict") return yield* refuse("rows", kindOf(rows), "tuple or dict")
    if (!isPositive(arraySize)) return yield* refuseSize("arraySize", arraySize)
    // Without options of its own a cursor shares what is known of results with the connection.
    const read =
      Object.keys(values).length === 0
        ? connection.values
        : yield* ConnectionOptions.withValues(connection.values, values)
    const open = <A extends object>(rowsOf: Rows<A>) =>
      Effect.acquireRelease(
        Effect.sync(() => new ConnectionCursor(connection, buffered, arraySize, read, rowsOf)),
        (cursor) => cursor.end
      )
    return yield* rows === "dict" ? open(toDict) : open(() => (row) => row)
  })
}

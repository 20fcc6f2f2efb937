/**
 * A result set that is read in steps: the rows that were read, the place in them, and where more come from.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import { type DriverResult, emptyResult, type ResultSetEnd, type RowStream } from "./Driver.js"
import { ArgumentError, type DriverError, NotSupportedError } from "./Errors.js"
import type { Column } from "./Value.js"

/**
 * A row by position.
 *
 * @since 0.1.0
 * @category models
 */
export type Tuple = ReadonlyArray<unknown>

/**
 * A row by the names of its columns. The second column of a name has its table before it, `b.id`, as in aiomysql; where
 * that is taken too, or there is no table, it has a number behind it, `id_1`, so that no value is lost.
 *
 * @since 0.1.0
 * @category models
 */
export type Dict = { readonly [column: string]: unknown }

/** The names that columns have in a `Dict`. */
const dictNames = (columns: ReadonlyArray<Column>): ReadonlyArray<string> => {
  const names = new Set<string>()
  for (const { name, table } of columns) {
    const qualified = `${table}.${name}`
    if (!names.has(name)) names.add(name)
    else if (table !== "" && !names.has(qualified)) names.add(qualified)
    else {
      let number = 1
      while (names.has(`${name}_${number}`)) number++
      names.add(`${name}_${number}`)
    }
  }
  return [...names]
}

/**
 * What makes a `Dict` of a row of these columns.
 *
 * @since 0.1.0
 * @category rows
 */
export const toDict = (columns: ReadonlyArray<Column>): ((row: Tuple) => Dict) => {
  const names = dictNames(columns)
  // To assign to this name would set the object's prototype.
  if (names.includes("__proto__")) return (row) => Object.fromEntries(names.map((name, place) => [name, row[place]]))
  return (row) => {
    const dict: Record<string, unknown> = {}
    for (let place = 0; place < names.length; place++) dict[names[place]!] = row[place]
    return dict
  }
}

/**
 * A result set and the place in it. Of a buffered one all rows are there; one that is streamed reads them as they are
 * wanted, keeps none that were taken or passed, and goes forward only.
 *
 * @since 0.1.0
 * @category models
 */
export class ResultSet {
  /** None where there are no rows to read, and none will be. */
  readonly columns: ReadonlyArray<Column>
  private rows: ReadonlyArray<Tuple>
  /** The place of the next row in `rows`. */
  private at = 0
  /** Rows of the set that were before `rows`. */
  private passed = 0
  private known: ResultSetEnd | undefined
  private failure: DriverError | undefined

  private constructor(private readonly source: DriverResult | RowStream) {
    this.columns = source.columns ?? []
    if (isStream(source)) {
      this.rows = []
      this.known = this.columns.length === 0 ? endOf(source) : undefined
    } else {
      this.rows = source.rows
      this.known = { ...source, hasNext: source.next !== undefined }
    }
  }

  static of(source: DriverResult | RowStream): ResultSet {
    return new ResultSet(source)
  }

  /** What the database said at its end; undefined while more rows may come. */
  get end(): ResultSetEnd | undefined {
    return this.known
  }

  /** Nothing more is read, of it or of others after it. */
  get isOver(): boolean {
    return this.failure !== undefined || this.known?.hasNext === false
  }

  /** It is streamed, and so may be the result sets after it. */
  get stream(): RowStream | undefined {
    return isStream(this.source) ? this.source : undefined
  }

  get returnsRows(): boolean {
    return this.columns.length > 0
  }

  /** The place of the next row, from 0. */
  get place(): number {
    return this.passed + this.at
  }

  /** Rows returned, or affected where there are none to return; -1 while that is not known. */
  get count(): number {
    if (!this.returnsRows) return this.known?.affectedRows ?? -1
    return this.stream === undefined ? this.rows.length : -1
  }

  /** Rows that are there to be taken. */
  get ready(): number {
    return this.rows.length - this.at
  }

  /** Takes rows that are there, so many at the most. */
  take(most: number): ReadonlyArray<Tuple> {
    const taken = this.rows.slice(this.at, this.at + most)
    this.at += taken.length
    return taken
  }

  /** The row at the place, if it is there, without taking it. */
  get current(): Tuple | undefined {
    return this.rows[this.at]
  }

  /** Reads more rows behind those that are there, or the end. */
  get readMore(): Effect.Effect<void, DriverError> {
    const { source } = this
    if (!isStream(source) || this.known !== undefined) return Effect.void
    return Effect.map(this.reading(source.pull), (rows) => {
      if (rows === undefined) {
        this.known = endOf(source)
        return
      }
      const left = this.rows.slice(this.at)
      this.passed += this.at
      this.at = 0
      this.rows = left.length === 0 ? rows : [...left, ...rows]
    })
  }

  /** The result set after it, where there is one. What is left of this one is passed over. */
  get next(): Effect.Effect<ResultSet | undefined, DriverError> {
    const { source } = this
    const next: Effect.Effect<DriverResult | RowStream | undefined, DriverError> = isStream(source)
      ? source.next
      : Effect.succeed(source.next)
    return Effect.map(this.reading(next), (found) => {
      this.at = this.rows.length
      if (isStream(source)) this.known = endOf(source)
      return found === undefined ? undefined : new ResultSet(found)
    })
  }

  /** What has failed once fails always: a stream ends with its failure. */
  private reading<A>(read: Effect.Effect<A, DriverError>): Effect.Effect<A, DriverError> {
    if (this.failure !== undefined) return Effect.fail(this.failure)
    return Effect.tapError(read, (error) =>
      Effect.sync(() => {
        this.failure = error
      })
    )
  }

  /** Reads all that is left, of it and of the result sets after it, and keeps nothing. */
  get drain(): Effect.Effect<void, DriverError> {
    return Effect.flatMap(this.next, (next) => (next === undefined ? Effect.void : next.drain))
  }

  /**
   * Goes to the row of this number, from 0.
   *
   * *Fails with* `ArgumentError` where there is none: one that is buffered stays where it is, one that is streamed is at its
   * end then. Backwards a streamed one fails with `NotSupportedError`.
   */
  goTo(target: number): Effect.Effect<void, DriverError | ArgumentError> {
    if (this.stream === undefined) {
      if (target < 0 || target >= this.rows.length) return Effect.fail(noSuchRow(target, this.rows.length))
      this.at = target
      return Effect.void
    }
    return target < this.place ? Effect.fail(backwards()) : this.readTo(target)
  }

  private readTo(target: number): Effect.Effect<void, DriverError | ArgumentError> {
    return Effect.suspend(() => {
      this.at = Math.min(target - this.passed, this.rows.length)
      if (this.at < this.rows.length) return Effect.void
      if (this.known !== undefined) return Effect.fail(noSuchRow(target, this.place))
      return Effect.flatMap(this.readMore, () => this.readTo(target))
    })
  }
}

const isStream = (source: DriverResult | RowStream): source is RowStream => "pull" in source

/** A stream knows its end once it gave its last row. */
const endOf = (stream: RowStream): ResultSetEnd => stream.end() ?? { ...emptyResult, hasNext: false }

const noSuchRow = (target: number, rows: number): ArgumentError =>
  new ArgumentError({
    argument: "value",
    given: `the row ${target}`,
    expected: rows === 0 ? "nothing, because there are no rows" : `a row from 0 to ${rows - 1}`
  })

const backwards = (): NotSupportedError =>
  new NotSupportedError({ reason: "NotSupported", message: "an unbuffered cursor does not scroll backwards" })

/**
 * The result of a statement that was read whole, and its rows.
 *
 * A result is a value: its members are plain and can be read twice. A row has its columns as properties, where the names
 * are free, and as `row[0]`; it iterates over its values, and two rows with equal values are equal.
 *
 * @since 0.1.0
 */
import { Effect, Either, Equal, Hash, Option, Schema } from "effect"
import type { ParseError } from "effect/ParseResult"
import type { DriverResult } from "./Driver.js"
import {
  ArgumentError,
  InvalidRequestError,
  MultipleResultsFoundError,
  NoResultFoundError,
  NoSuchColumnError,
  ResourceClosedError
} from "./Errors.js"
import type { Column } from "./Value.js"

// ---------------------------------------------------------------------------------------------------------------------
// rows

const ShapeId: unique symbol = Symbol.for("effect-sa/Row/shape")
const ValuesId: unique symbol = Symbol.for("effect-sa/Row/values")

/** What the rows of one result have in common. */
interface RowShape {
  readonly names: ReadonlyArray<string>
  /** The tables of the columns, as the statement named them. */
  readonly tables: ReadonlyArray<string>
  /** Where a name stands; -1 where it stands in several places. */
  readonly places: ReadonlyMap<string, number>
}

/**
 * What every row has, whatever its columns.
 *
 * @since 0.1.0
 * @category models
 */
export interface RowBase extends Iterable<unknown>, Equal.Equal {
  readonly [index: number]: unknown
  readonly [ShapeId]: RowShape
  readonly [ValuesId]: ReadonlyArray<unknown>
}

/**
 * A row (`aiomysql.sa.result.RowProxy`): its columns by name as properties, by place as `row[0]`.
 *
 * @since 0.1.0
 * @category models
 */
export type Row<A extends object = Record<string, unknown>> = Readonly<A> & RowBase

type RowClass = new (values: ReadonlyArray<unknown>) => RowBase

/** What all rows have. */
abstract class AnyRow {
  readonly [index: number]: unknown
  abstract get [ShapeId](): RowShape
  /** The values in order, out of sight of who looks at a row's own properties. */
  abstract get [ValuesId](): ReadonlyArray<unknown>
  [Symbol.iterator](): Iterator<unknown> {
    return this[ValuesId][Symbol.iterator]()
  }
  [Equal.symbol](that: Equal.Equal): boolean {
    if (!isRow(that)) return false
    const values = this[ValuesId]
    const others = that[ValuesId]
    return values.length === others.length && values.every((value, place) => sameValue(value, others[place]))
  }
  [Hash.symbol](): number {
    return Hash.array(this[ValuesId].map((value) => (isStructure(value) ? 0 : value)))
  }
  toJSON(): Record<string, unknown> {
    return toRecord(this[ShapeId], this[ValuesId])
  }
  get [Symbol.toStringTag](): string {
    return "Row"
  }
}

/** A name that a property can have: not one that rows have themselves, nor one that JavaScript gives a meaning of its own. */
const isFree = (name: string): boolean => !/^(?:__proto__|constructor|toJSON|\d+)$/.test(name)

const rowClasses = new WeakMap<ReadonlyArray<Column>, RowClass>()

/** Results of one shape share their columns, so a class is made once for each shape. */
const rowClassOf = (columns: ReadonlyArray<Column>): RowClass => {
  const known = rowClasses.get(columns)
  if (known !== undefined) return known
  const made = makeRowClass(columns)
  rowClasses.set(columns, made)
  return made
}

interface Property {
  readonly name: string
  readonly place: number
}

const makeRowClass = (columns: ReadonlyArray<Column>): RowClass => {
  const names = columns.map(({ name }) => name)
  const places = new Map<string, number>()
  names.forEach((name, place) => {
    places.set(name, places.has(name) ? -1 : place)
  })
  const shape: RowShape = { names, places, tables: columns.map(({ table }) => table) }
  const own = names.flatMap((name, place) => (places.get(name) === place && isFree(name) ? [{ name, place }] : []))
  const Made = withProperties(own, own.length === names.length)
  Object.setPrototypeOf(Made.prototype, AnyRow.prototype)
  Object.defineProperty(Made.prototype, ShapeId, { value: shape })
  names.forEach((_, place) => {
    Object.defineProperty(Made.prototype, place, {
      get(this: RowBase) {
        return this[ValuesId][place]
      }
    })
  })
  for (const [name, place] of places) {
    if (place >= 0 || !isFree(name)) continue
    // An ambiguous name is an error only when it is used; a property has no other way to say so. `get` has.
    Object.defineProperty(Made.prototype, name, {
      get() {
        throw ambiguous(name)
      }
    })
  }
  return Made
}

/**
 * A class whose constructor sets these properties. Its source is generated, because a constructor that names its properties
 * makes a row several times as fast as a loop over names (`npm run bench`, select of 1,000 rows). A row whose columns are
 * all properties has its values there and nowhere else; others keep them beside. Where a process does not allow code from
 * strings, it is the loop.
 */
const withProperties = (own: ReadonlyArray<Property>, isAll: boolean): RowClass => {
  const property = (name: string): string => `this[${JSON.stringify(name)}]`
  const sets = own.map(({ name, place }) => `${property(name)} = values[${place}]`).join(";")
  const source = isAll
    ? `constructor(values) { ${sets} } get [ValuesId]() { return [${own.map(({ name }) => property(name)).join(", ")}] }`
    : `#values; constructor(values) { this.#values = values; ${sets} } get [ValuesId]() { return this.#values }`
  try {
    return new Function("ValuesId", `return class { ${source} }`)(ValuesId)
  } catch {
    return loopingRow(own)
  }
}

const loopingRow = (own: ReadonlyArray<Property>): RowClass =>
  class extends AnyRow {
    declare readonly [ShapeId]: RowShape
    readonly #values: ReadonlyArray<unknown>
    constructor(values: ReadonlyArray<unknown>) {
      super()
      this.#values = values
      for (const { name, place } of own) Reflect.set(this, name, values[place])
    }
    get [ValuesId](): ReadonlyArray<unknown> {
      return this.#values
    }
  }

/** Dates, bytes and JSON have no equality that Effect knows; they are compared by what is in them. */
const isStructure = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Equal.isEqual(value)

const sameValue = (a: unknown, b: unknown): boolean => {
  if (Equal.equals(a, b) || Object.is(a, b)) return true
  if (!isStructure(a) || !isStructure(b)) return false
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime()
  if (a instanceof Uint8Array)
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i])
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, i) => sameValue(each, b[i]))
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => key in b && sameValue(Reflect.get(a, key), Reflect.get(b, key)))
  )
}

const ambiguous = (name: string): InvalidRequestError =>
  new InvalidRequestError({
    message: `the name ${JSON.stringify(name)} is ambiguous: several columns have it; use the column's place`
  })

/** Every column under a name of its own: the second `id` is `id_1`. */
const toRecord = ({ names }: RowShape, values: ReadonlyArray<unknown>): Record<string, unknown> => {
  const entries: Array<readonly [string, unknown]> = []
  const used = new Map<string, number>()
  names.forEach((name, place) => {
    const times = used.get(name) ?? 0
    used.set(name, times + 1)
    entries.push([times === 0 ? name : `${name}_${times}`, values[place]])
  })
  return Object.fromEntries(entries)
}

/**
 * Whether this is a row of a result.
 *
 * @since 0.1.0
 * @category rows
 */
export const isRow = (u: unknown): u is RowBase => typeof u === "object" && u !== null && ShapeId in u

/**
 * A column by which a row can be asked, such as one of a Table.
 *
 * @since 0.1.0
 * @category rows
 */
export interface ColumnReference<out Name extends string = string> {
  readonly name: Name
  readonly table: string
}

/** What a row has under a name, a place or a column. */
type ValueAt<A, K> = K extends keyof A ? A[K] : K extends ColumnReference<infer Name> ? ValueAt<A, Name> : unknown

/** Where a column stands; -1 where it stands in several places. */
const placeOf = (shape: RowShape, column: string | number | ColumnReference): number | undefined => {
  if (typeof column === "number") return column in shape.names ? column : undefined
  if (typeof column === "string") return shape.places.get(column)
  const places = shape.names.flatMap((name, place) =>
    name === column.name && shape.tables[place] === column.table ? [place] : []
  )
  const [place, another] = places
  // A statement may give a table another name: then the column is known by its name alone.
  return another === undefined ? (place ?? shape.places.get(column.name)) : -1
}

/**
 * Functions on rows.
 *
 * @since 0.1.0
 * @category rows
 */
export const Row = {
  /**
   * A column's value by name, whatever the name, by place, or by a Table's column, which also tells apart what two tables of
   * a join have under one name.
   *
   * *Fails with* `NoSuchColumnError` where there is none, and `InvalidRequestError` where the name is ambiguous.
   */
  get: <A extends object, K extends (keyof A & string) | number | ColumnReference | (string & {})>(
    row: Row<A>,
    column: K
  ): Either.Either<ValueAt<A, K>, NoSuchColumnError | InvalidRequestError> => {
    const shape = row[ShapeId]
    const place = placeOf(shape, column)
    const name = typeof column === "object" ? column.name : String(column)
    if (place === undefined) return Either.left(new NoSuchColumnError({ column: name, columns: shape.names }))
    if (place < 0) return Either.left(ambiguous(name))
    // The row's type is the caller's word for what the statement returns; this is where it is taken.
    return Either.right(row[ValuesId][place] as ValueAt<A, K>)
  },
  /** Whether the row has a column of this name (`name in row`). */
  has: (row: RowBase, name: string): boolean => row[ShapeId].places.has(name),
  /** The names of the columns, in order. */
  keys: (row: RowBase): ReadonlyArray<string> => row[ShapeId].names,
  /** The values, in order (`RowProxy.as_tuple`). */
  values: (row: RowBase): ReadonlyArray<unknown> => row[ValuesId],
  /** A plain object; of columns with the same name the second is `name_1` (SQLAlchemy's `row._mapping`). */
  toRecord: (row: RowBase): Record<string, unknown> => toRecord(row[ShapeId], row[ValuesId])
}

/**
 * Makes rows of values as drivers give them.
 *
 * @since 0.1.0
 * @category rows
 */
export const makeRows = <A extends object>(
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<unknown>>
): ReadonlyArray<Row<A>> => {
  const RowOf = rowClassOf(columns)
  // The row's type is the caller's word for what the statement returns; this is where it is taken.
  return rows.map((values) => new RowOf(values) as Row<A>)
}

// ---------------------------------------------------------------------------------------------------------------------
// results

/**
 * A result that was read whole (`aiomysql.sa.ResultProxy`, buffered).
 *
 * @since 0.1.0
 * @category models
 */
export interface Result<out A extends object = Record<string, unknown>> {
  /** The names of the columns, in order. */
  readonly keys: ReadonlyArray<string>
  readonly columns: ReadonlyArray<Column>
  readonly rows: ReadonlyArray<Row<A>>
  readonly first: Option.Option<Row<A>>
  /** Rows returned; for a statement that returns none, rows matched by an UPDATE, inserted or deleted. */
  readonly rowCount: number
  /** Rows that an UPDATE made different; undefined where the database does not say. */
  readonly changedRows: number | undefined
  /** The id that an AUTO_INCREMENT column got, exactly: a bigint above 2^53. Of several rows, MySQL's is the first one's. */
  readonly lastInsertId: number | bigint | undefined
  /** Whether the statement was one that returns rows, be it none. */
  readonly returnsRows: boolean
  readonly warningCount: number
}

const noColumns: ReadonlyArray<Column> = []
const noRows: ReadonlyArray<never> = []

class BufferedResult<A extends object> implements Result<A> {
  private made: ReadonlyArray<Row<A>> | undefined

  constructor(private readonly raw: DriverResult) {}

  get columns(): ReadonlyArray<Column> {
    return this.raw.columns ?? noColumns
  }
  get keys(): ReadonlyArray<string> {
    return this.columns.map((column) => column.name)
  }
  /** Made when they are asked for: who only counts does not pay for rows. */
  get rows(): ReadonlyArray<Row<A>> {
    this.made ??= this.raw.columns === undefined ? noRows : makeRows<A>(this.raw.columns, this.raw.rows)
    return this.made
  }
  get first(): Option.Option<Row<A>> {
    return Option.fromNullable(this.rows[0])
  }
  get rowCount(): number {
    return this.raw.columns === undefined ? this.raw.affectedRows : this.raw.rows.length
  }
  get changedRows(): number | undefined {
    return this.raw.changedRows
  }
  get lastInsertId(): number | bigint | undefined {
    return this.raw.lastInsertId
  }
  get returnsRows(): boolean {
    return this.raw.columns !== undefined
  }
  get warningCount(): number {
    return this.raw.warningCount
  }
  toJSON(): unknown {
    const { keys, rows, rowCount, lastInsertId } = this
    return { _id: "Result", keys, rows, rowCount, lastInsertId: lastInsertId?.toString() }
  }
}

/**
 * The result of what a driver answered. A statement with several results gives the first that returns rows.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A extends object>(raw: DriverResult): Result<A> => {
  let found: DriverResult | undefined = raw
  while (found !== undefined && found.columns === undefined) found = found.next
  return new BufferedResult<A>(found ?? raw)
}

const returned = <A extends object>(result: Result<A>): Either.Either<ReadonlyArray<Row<A>>, ResourceClosedError> =>
  result.returnsRows
    ? Either.right(result.rows)
    : Either.left(new ResourceClosedError({ message: "the statement returns no rows" }))

/**
 * The only row (`sqlalchemy.Result.one`).
 *
 * *Fails with* `NoResultFoundError` and `MultipleResultsFoundError` where it is not the only one, and
 * `ResourceClosedError` for a statement that returns no rows.
 *
 * @since 0.1.0
 * @category getters
 */
export const one = <A extends object>(
  result: Result<A>
): Effect.Effect<Row<A>, NoResultFoundError | MultipleResultsFoundError | ResourceClosedError> =>
  Effect.flatMap(oneOrNone(result), (row) =>
    Option.isSome(row)
      ? Effect.succeed(row.value)
      : Effect.fail(new NoResultFoundError({ message: "no row was found when one was required" }))
  )

/**
 * The only row, if there is one (`sqlalchemy.Result.one_or_none`). Fails as `one` does, but for no row.
 *
 * @since 0.1.0
 * @category getters
 */
export const oneOrNone = <A extends object>(
  result: Result<A>
): Effect.Effect<Option.Option<Row<A>>, MultipleResultsFoundError | ResourceClosedError> =>
  Either.flatMap(returned(result), (rows) =>
    rows.length > 1
      ? Either.left(new MultipleResultsFoundError({ message: `${rows.length} rows were found when one was required` }))
      : Either.right(Option.fromNullable(rows[0]))
  )

/**
 * The first column of the first row, if there is a row (`ResultProxy.scalar`).
 *
 * *Fails with* `ResourceClosedError` for a statement that returns no rows.
 *
 * @since 0.1.0
 * @category getters
 */
export const scalar = <A extends object>(
  result: Result<A>
): Effect.Effect<Option.Option<A[keyof A]>, ResourceClosedError> =>
  Either.map(returned(result), (rows) => Option.map(Option.fromNullable(rows[0]), valueAt<A>(0)))

const valueAt =
  <A extends object>(place: number) =>
  (row: Row<A>): A[keyof A] =>
    // A column's value is of one of the row type's types; which one, the place does not say.
    row[ValuesId][place] as A[keyof A]

/**
 * One column of every row, the first unless another place is named (`sqlalchemy.Result.scalars`).
 *
 * *Fails with* `NoSuchColumnError` where there is no such place, and `ResourceClosedError` as `scalar` does.
 *
 * @since 0.1.0
 * @category getters
 */
export const scalars = <A extends object>(
  result: Result<A>,
  place = 0
): Effect.Effect<ReadonlyArray<A[keyof A]>, ResourceClosedError | NoSuchColumnError> =>
  Either.flatMap(
    returned(result),
    (rows): Either.Either<ReadonlyArray<A[keyof A]>, NoSuchColumnError> =>
      place in result.columns
        ? Either.right(rows.map(valueAt<A>(place)))
        : Either.left(new NoSuchColumnError({ column: String(place), columns: result.keys }))
  )

/**
 * Every row as a plain object (`sqlalchemy.Result.mappings`); of columns with the same name the second is `name_1`.
 *
 * @since 0.1.0
 * @category getters
 */
export const mappings = <A extends object>(
  result: Result<A>
): Effect.Effect<ReadonlyArray<Record<string, unknown>>, ResourceClosedError> =>
  Either.map(returned(result), (rows) => rows.map(Row.toRecord))

/**
 * The rows without those that equal one before them (`sqlalchemy.Result.unique`).
 *
 * @since 0.1.0
 * @category getters
 */
export const unique = <A extends object>(
  result: Result<A>
): Effect.Effect<ReadonlyArray<Row<A>>, ResourceClosedError> =>
  Either.map(returned(result), (rows) => {
    const byHash = new Map<number, Array<Row<A>>>()
    return rows.filter((row) => {
      const same = byHash.get(Hash.hash(row))
      if (same === undefined) byHash.set(Hash.hash(row), [row])
      else if (same.some((each) => Equal.equals(each, row))) return false
      else same.push(row)
      return true
    })
  })

/**
 * The rows in pieces of `size`, the last with what is left (`sqlalchemy.Result.partitions`).
 *
 * *Fails with* `ArgumentError` for a size that is no whole number above 0.
 *
 * @since 0.1.0
 * @category getters
 */
export const partitions = <A extends object>(
  result: Result<A>,
  size: number
): Effect.Effect<ReadonlyArray<ReadonlyArray<Row<A>>>, ResourceClosedError | ArgumentError> =>
  Either.flatMap(returned(result), (rows) =>
    Number.isSafeInteger(size) && size > 0
      ? Either.right(
          Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size))
        )
      : Either.left(
          new ArgumentError({ argument: "size", given: `the number ${size}`, expected: "a whole number above 0" })
        )
  )

/**
 * The rows decoded by a schema; a row that does not fit fails with a `ParseError` that names the row and the column.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Engine, Result } from "effect-sa"
 *
 * const Person = Schema.Struct({ id: Schema.Int, name: Schema.NonEmptyString })
 *
 * export const people = Engine.execute("SELECT id, name FROM person").pipe(Effect.flatMap(Result.decode(Person)))
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const decode = <A, I, R>(
  schema: Schema.Schema<A, I, R>
): ((result: Result<object>) => Effect.Effect<ReadonlyArray<A>, ParseError | ResourceClosedError, R>) => {
  const decodeRows = Schema.decodeUnknown(Schema.Array(schema))
  return (result) => Effect.flatMap(returned(result), (rows) => decodeRows(rows))
}

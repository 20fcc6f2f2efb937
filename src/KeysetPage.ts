/**
 * Pages of a table by where the last one ended, not by their number: a page far back costs no more than the first.
 *
 * @since 0.1.0
 */
import { Effect, Option, ParseResult, Schema } from "effect"
import * as Engine from "./Engine.js"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, type ExecuteError, kindOf } from "./Errors.js"
import { checkCount } from "./QueryPages.js"
import * as RecordKey from "./RecordKey.js"
import * as Result from "./Result.js"
import * as Statement from "./Statement.js"
import type * as Table from "./Table.js"
import type { Field, SelectQuery, Source } from "./TableStatement.js"
import * as TableStatement from "./TableStatement.js"

/**
 * A direction of an order.
 *
 * @since 0.1.0
 * @category models
 */
export type Direction = "asc" | "desc"

/**
 * A column that a page is sorted by, ascending unless it says otherwise.
 *
 * @since 0.1.0
 * @category models
 */
export type OrderBy<Name extends string = string> = Name | readonly [column: Name, direction: Direction]

/**
 * A place between two rows of a table: the values of the columns of the order, and of the primary key, of the row beside it.
 * A whole row is one too. `cursorText` makes it a text that can stand in an URL.
 *
 * @since 0.1.0
 * @category models
 */
export type Cursor<F extends Table.Fields> = Table.UpdateOf<F>

/**
 * Which page is asked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeysetOptions<Name extends string, F extends Table.Fields> {
  /** The columns of an index, in its order. The primary key comes after them by itself, in the direction of the last. */
  readonly orderBy: ReadonlyArray<OrderBy<keyof F & string>>
  readonly pageSize: number
  /** The page after this place. Without `after` and `before` it is the first one. */
  readonly after?: Cursor<F> | undefined
  /** The page before this place. */
  readonly before?: Cursor<F> | undefined
  /** Which rows of the table. Then the database chooses the index, which need not be that of the order. */
  readonly where?: ((query: Table.SelectQuery<Name, F>) => Table.SelectQuery<Name, F>) | undefined
}

/**
 * A page of a table.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeysetPage<F extends Table.Fields> {
  readonly items: ReadonlyArray<Table.RowOf<F>>
  /** What to give as `after` for the page after this one, where there is one. */
  readonly next: Option.Option<Cursor<F>>
  /** What to give as `before` for the page before this one, where there is one. */
  readonly previous: Option.Option<Cursor<F>>
}

/** A column of the whole order. */
interface Term {
  readonly field: Field
  readonly direction: Direction
}

const refuse = (argument: string, given: string, expected: string): Effect.Effect<never, ArgumentError> =>
  Effect.fail(new ArgumentError({ argument, given, expected }))

/** Types whose values databases do not sort as they compare them with a value of the program. */
const unsortable: ReadonlySet<string> = new Set(["Float", "Enum", "Json"])

const termsOf = (source: Source, orderBy: ReadonlyArray<OrderBy>): Effect.Effect<ReadonlyArray<Term>, ArgumentError> =>
  Effect.gen(function* () {
    const key = yield* RecordKey.fieldsOf(source)
    const terms: Array<Term> = []
    if (!Array.isArray(orderBy)) return yield* refuse("orderBy", kindOf(orderBy), "an array of columns")
    for (const [place, each] of orderBy.entries()) {
      if (typeof each !== "string" && !Array.isArray(each))
        return yield* refuse(`orderBy[${place}]`, kindOf(each), "a column, or a column and its direction")
      const [name, direction] = typeof each === "string" ? [each, "asc" as const] : each
      const argument = `orderBy[${place}], ${JSON.stringify(name)}`
      const field = source.fields.get(name)
      if (field === undefined)
        return yield* refuse(argument, "no column", `a column of table ${JSON.stringify(source.name)}`)
      if (direction !== "asc" && direction !== "desc")
        return yield* refuse(argument, "another direction", "asc or desc")
      if (terms.some((term) => term.field === field))
        return yield* refuse(argument, "a column twice", "each column once")
      if (field.properties.nullable)
        return yield* refuse(
          argument,
          "a column that can be NULL",
          "one that cannot: NULL is neither before nor after a value"
        )
      if (unsortable.has(field.properties.type._tag))
        return yield* refuse(
          argument,
          `a column of type ${field.properties.type._tag}`,
          "one that is sorted as it is compared"
        )
      terms.push({ field, direction })
    }
    const direction = terms.at(-1)?.direction ?? "asc"
    const rest = key.filter((field) => !terms.some((term) => term.field === field))
    return [...terms, ...rest.map((field) => ({ field, direction }))]
  })

/**
 * The index that has the rows in this order, where the table is defined with one. A secondary index ends with the primary
 * key in InnoDB, and is read in both directions.
 */
const indexOf = ({ definition }: Table.Any, terms: ReadonlyArray<Term>): string | undefined => {
  if (terms.some(({ direction }) => direction !== terms[0]?.direction)) return undefined
  const { primaryKey, indexes } = definition
  const isInOrder = (columns: ReadonlyArray<string>): boolean => {
    const whole = [...columns, ...primaryKey.filter((name) => !columns.includes(name))]
    return terms.every(({ field }, place) => whole[place] === field.name)
  }
  if (isInOrder(primaryKey)) return "PRIMARY"
  return indexes.find((index) => index.definition === undefined && isInOrder(index.columns))?.name
}

/**
 * The rows past a place: `a > ? or (a = ? and (b > ? or (b = ? and id > ?)))`, of which servers make as many ranges as it has
 * columns, in order; of `(a, b, id) > (?, ?, ?)` MariaDB makes none. That none is before `a` is said once more for databases
 * that look no further.
 */
const past = (
  query: SelectQuery,
  sorted: (field: Field) => string,
  terms: ReadonlyArray<Term>,
  bound: ReadonlyArray<unknown>
): SelectQuery =>
  query.where((each) => {
    const compared = terms.map(({ field, direction }, place) => {
      const [name, isUp] = [sorted(field), direction === "asc"]
      return {
        beyond: each(name, isUp ? ">" : "<", bound[place]),
        from: each(name, isUp ? ">=" : "<=", bound[place]),
        equal: each(name, "=", bound[place])
      }
    })
    const beyond = compared
      .slice(0, -1)
      .reduceRight(
        (inner, { beyond, equal }) => each.or([beyond, each.and([equal, inner])]),
        each.and(compared.slice(-1).map(({ beyond }) => beyond))
      )
    return compared.length === 1 ? beyond : each.and([...compared.slice(0, 1).map(({ from }) => from), beyond])
  })

/** A column as it is sorted and compared. */
const sortedBy =
  (source: Source, { name: dialect }: Dialect) =>
  ({ name, properties: { type } }: Field): string =>
    dialect === "sqlite" && (type._tag === "DateTime" || type._tag === "Timestamp") && type.fraction <= 3
      ? TableStatement.millisecondsOf(source, name)
      : TableStatement.columnOf(source, name)

const boundOf = (
  terms: ReadonlyArray<Term>,
  cursor: unknown,
  argument: string
): Effect.Effect<ReadonlyArray<unknown>, ArgumentError> => {
  if (!RecordKey.isRecord(cursor)) {
    const names = terms.map(({ field }) => field.name).join(", ")
    return refuse(argument, "no cursor", `an object with ${names}`)
  }
  return Effect.forEach(terms, ({ field }) => {
    const value = RecordKey.comparable(field, cursor[field.name], `${argument}.${field.name}`)
    return value instanceof ArgumentError ? Effect.fail(value) : Effect.succeed(value)
  })
}

/** Other indexes may seem cheaper to a server that does not see that few rows will do. */
const reading = (
  engine: Engine.Engine,
  source: Source,
  select: Statement.Statement<never>,
  index: string | undefined
): Effect.Effect<Result.Result<object>, ExecuteError> => {
  const definition = select[Statement.TypeId]
  if (index === undefined || engine.dialect.name !== "mysql" || !("text" in definition))
    return engine.execute<object>(select)
  const { quoteIdentifier } = engine.dialect
  const table = ` from ${quoteIdentifier(source.name)}`
  const forced: Statement.Statement<never> = {
    [Statement.TypeId]: {
      ...definition,
      text: (dialect) => {
        const text = definition.text(dialect)
        return "_tag" in text
          ? text
          : { ...text, sql: text.sql.replace(table, () => `${table} force index (${quoteIdentifier(index)})`) }
      }
    }
  }
  return Effect.catchIf(
    engine.execute<object>(forced),
    (error) => error._tag === "ProgrammingError" && error.errno === noSuchIndex,
    () => engine.execute<object>(select)
  )
}

/** MySQL's and MariaDB's number for an index that the table does not have. */
const noSuchIndex = 1176

/**
 * A page of a table: the rows after a place, before one, or the first ones, in the order of some columns, and where the pages
 * beside it begin. Rows that come and go meanwhile move no others from page to page. On MySQL and MariaDB a page of a table
 * that is defined with an index over the columns of the order reads `pageSize + 1` entries of it at the most, wherever it is,
 * as long as `where` leaves nothing out.
 *
 * *Fails with* `ArgumentError`, before anything is sent, for a size that is no whole number above 0, both places at once, a
 * place that is not of this order, a table without a primary key, and a column in the order that is unknown, can be NULL, or
 * is of a type that is not sorted as it is compared (FLOAT, ENUM, JSON); as `Engine.execute` does.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Column, Operations, Table } from "effect-sa/schema"
 *
 * const person = Table.make(
 *   "person",
 *   { id: Column.integer.pipe(Column.primaryKey), city: Column.varchar(50), name: Column.varchar(50) },
 *   { indexes: [{ columns: ["city", "name"] }] }
 * )
 *
 * export const twoPages = Effect.gen(function* () {
 *   const options = { orderBy: ["city", "name"], pageSize: 20 } as const
 *   const first = yield* Operations.paginateKeyset(person, options)
 *   if (Option.isNone(first.next)) return first.items
 *   const second = yield* Operations.paginateKeyset(person, { ...options, after: first.next.value })
 *   return [...first.items, ...second.items]
 * })
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const paginateKeyset = <Name extends string, F extends Table.Fields>(
  table: Table.Table<Name, F>,
  options: KeysetOptions<Name, F>
): Effect.Effect<KeysetPage<F>, ExecuteError, Engine.Engine> =>
  Effect.gen(function* () {
    const { source } = table
    if (!RecordKey.isRecord(options)) return yield* refuse("options", kindOf(options), "an object with orderBy")
    const { orderBy, pageSize, after, before, where } = options
    yield* checkCount("pageSize", pageSize)
    if (after !== undefined && before !== undefined) yield* refuse("before", "a place beside after", "one of them")
    const terms = yield* termsOf(source, orderBy)
    const isBackward = before !== undefined
    const directed = isBackward ? terms.map(reversed) : terms
    const place = after ?? before
    const bound = place === undefined ? undefined : yield* boundOf(terms, place, isBackward ? "before" : "after")
    const engine = yield* Engine.Engine
    const sorted = sortedBy(source, engine.dialect)
    const select = TableStatement.select(source, (query) => {
      const chosen = where === undefined ? query : refinedBy(where, query)
      const placed = bound === undefined ? chosen : past(chosen, sorted, directed, bound)
      return directed
        .reduce((ordered: SelectQuery, { field, direction }) => ordered.orderBy(sorted(field), direction), placed)
        .limit(pageSize + 1)
    })
    const { rows } = yield* reading(engine, source, select, where === undefined ? indexOf(table, terms) : undefined)
    const found = rows.slice(0, pageSize).map(Result.Row.toRecord)
    if (isBackward) found.reverse()
    const hasMore = rows.length > pageSize
    // Rows of the table, decoded by its columns, and parts of them.
    const items = found as unknown as ReadonlyArray<Table.RowOf<F>>
    const cursorAt = (row: RecordKey.AnyRecord | undefined, isThere: boolean): Option.Option<Cursor<F>> =>
      row === undefined || !isThere
        ? Option.none()
        : Option.some(Object.fromEntries(terms.map(({ field: { name } }) => [name, row[name]])) as Cursor<F>)
    return {
      items,
      next: cursorAt(found.at(-1), isBackward || hasMore),
      previous: cursorAt(found[0], isBackward ? hasMore : after !== undefined)
    }
  })

const reversed = ({ field, direction }: Term): Term => ({ field, direction: direction === "asc" ? "desc" : "asc" })

/** The query that a caller refines is typed by the table; the one that it is, is of any table. */
const refinedBy = <Name extends string, F extends Table.Fields>(
  where: (query: Table.SelectQuery<Name, F>) => Table.SelectQuery<Name, F>,
  query: SelectQuery
): SelectQuery => where(query as unknown as Table.SelectQuery<Name, F>) as unknown as SelectQuery

// ---------------------------------------------------------------------------------------------------------------------
// cursors as text

/** A value as JSON has it, with what kind it is of. */
const Portable = Schema.Union(
  Schema.Tuple(Schema.Literal("value"), Schema.Union(Schema.String, Schema.Number, Schema.Boolean)),
  Schema.Tuple(Schema.Literal("integer"), Schema.BigInt),
  Schema.Tuple(Schema.Literal("date"), Schema.Date),
  Schema.Tuple(Schema.Literal("bytes"), Schema.Uint8ArrayFromBase64Url)
)

const Portables = Schema.parseJson(Schema.Record({ key: Schema.String, value: Portable }))

const portableOf = (value: unknown): typeof Portable.Type | undefined => {
  if (value instanceof Date) return ["date", value]
  if (value instanceof Uint8Array) return ["bytes", value]
  switch (typeof value) {
    case "bigint":
      return ["integer", value]
    case "string":
    case "number":
    case "boolean":
      return ["value", value]
    default:
      return undefined
  }
}

/**
 * Cursors of a table as texts that can stand in an URL. A text that is none of the table's is refused by decoding, as
 * `ParseError`, or as an `ArgumentError` by `paginateKeyset`. It is not encrypted: it shows the values of the order's columns
 * to who decodes it.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Column, Operations, Table } from "effect-sa/schema"
 *
 * const person = Table.make("person", { id: Column.integer.pipe(Column.primaryKey), name: Column.varchar(50) })
 * const Cursor = Operations.cursorText(person)
 *
 * export const pageAfter = (text: string) =>
 *   Effect.gen(function* () {
 *     const after = yield* Schema.decode(Cursor)(text)
 *     return yield* Operations.paginateKeyset(person, { orderBy: ["name"], pageSize: 20, after })
 *   })
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const cursorText = <Name extends string, F extends Table.Fields>({
  source
}: Table.Table<Name, F>): Schema.Schema<Cursor<F>, string> => {
  const Columns = Schema.declare((u: unknown): u is Cursor<F> => RecordKey.isRecord(u), {
    identifier: `a cursor of table ${JSON.stringify(source.name)}`
  })
  const Text = Schema.compose(Schema.StringFromBase64Url, Portables)
  return Schema.transformOrFail(Text, Columns, {
    strict: true,
    decode: (portables, _, ast) => {
      const values: Record<string, unknown> = {}
      for (const [name, [, value]] of Object.entries(portables)) {
        const field = source.fields.get(name)
        if (field === undefined)
          return ParseResult.fail(new ParseResult.Type(ast, name, "a column that is not of the table"))
        const decoded = decodedBy(field, value)
        if (Option.isNone(decoded))
          return ParseResult.fail(new ParseResult.Type(ast, name, "a value that its column refuses"))
        values[name] = decoded.value
      }
      return ParseResult.succeed(values as Cursor<F>)
    },
    encode: (cursor, _, ast) => {
      const portables: Record<string, typeof Portable.Type> = {}
      for (const [name, value] of Object.entries(cursor)) {
        const encoded = source.fields.get(name)?.codec.encode(value, name)
        const portable = portableOf(encoded)
        if (portable === undefined)
          return ParseResult.fail(new ParseResult.Type(ast, name, "a value that no cursor can have"))
        portables[name] = portable
      }
      return ParseResult.succeed(portables)
    }
  })
}

const decodedBy = ({ codec }: Field, value: unknown): Option.Option<unknown> => {
  try {
    const decoded = codec.decode === undefined ? value : codec.decode(value)
    return codec.encode(decoded, "") instanceof ArgumentError ? Option.none() : Option.some(decoded)
  } catch {
    return Option.none()
  }
}

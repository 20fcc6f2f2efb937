/**
 * Queries counted, and given page by page (devsetgo_lib's `count_query` and its kind).
 *
 * @since 0.1.0
 */
import { Effect, Option } from "effect"
import type { Dialect } from "./Dialect.js"
import * as Engine from "./Engine.js"
import { ArgumentError, type ExecuteError, kindOf, type ResourceClosedError } from "./Errors.js"
import { type AnyStatement, atOneMoment, type RowOf, type Shaped, shaped } from "./QueryOperations.js"
import { type Select, selectOf } from "./SelectText.js"
import * as Statement from "./Statement.js"
import * as Table from "./Table.js"
import { isPlainObject, type ValueOptions } from "./Value.js"

// ---------------------------------------------------------------------------------------------------------------------
// counting

/** A select as a statement whose rows are read as the select's own are. */
const statementOf = (
  { compiled: { values, rows } }: Select,
  sql: string,
  parameters: ReadonlyArray<unknown>
): Statement.Statement<never> => ({
  [Statement.TypeId]: { text: () => ({ sql, parameters }), values, rows, _A: (_: never) => _ }
})

const counting = (sql: string, parameters: ReadonlyArray<unknown> = []): Statement.Statement<never> => ({
  [Statement.TypeId]: { text: () => ({ sql, parameters }), _A: (_: never) => _ }
})

const numbers: Partial<ValueOptions> = { integers: "number" }

const countOf = (engine: Engine.Engine, statement: Statement.Statement<never>): Effect.Effect<number, ExecuteError> =>
  Effect.map(
    engine.scalar<{ readonly n: number }>(statement, undefined, numbers),
    Option.getOrElse(() => 0)
  )

/** MySQL's and MariaDB's number for two columns of one name in what a SELECT is FROM. */
const duplicateColumn = 1060

const countRows = (engine: Engine.Engine, select: Select): Effect.Effect<number, ExecuteError> => {
  const { sql, parameters } = select.unordered
  return Effect.catchIf(
    countOf(engine, counting(`SELECT COUNT(*) AS n FROM (${sql}\n) AS counted`, parameters)),
    (error) => error._tag === "ProgrammingError" && error.errno === duplicateColumn,
    () => countNamed(engine, select)
  )
}

/** Columns of one name get names of their own. How many there are the database says, without reading a row. */
const countNamed = (engine: Engine.Engine, select: Select): Effect.Effect<number, ExecuteError> => {
  const { sql, parameters } = select.unordered
  if (select.isLimited)
    return Effect.map(engine.execute(statementOf(select, select.sql, select.compiled.parameters)), (it) => it.rowCount)
  return Effect.flatMap(engine.execute(counting(`${sql}\nLIMIT 0`, parameters)), ({ columns }) => {
    const names = columns.map((_, place) => `c${place}`).join(", ")
    return countOf(
      engine,
      counting(`WITH counted (${names}) AS (${sql}\n) SELECT COUNT(*) AS n FROM counted`, parameters)
    )
  })
}

const compiledSelect = (
  engine: Engine.Engine,
  query: AnyStatement,
  parameters: Statement.Parameters | undefined
): Effect.Effect<Select, Statement.Refusal> =>
  Statement.compileWith(query, parameters, engine.dialect, (compiled) => {
    const select = selectOf(compiled, engine.dialect)
    return select instanceof ArgumentError ? Effect.fail(select) : Effect.succeed(select)
  })

const countTable = (table: Table.Any, dialect: Dialect): Statement.Statement<never> =>
  counting(`SELECT COUNT(*) AS n FROM ${dialect.quoteIdentifier(table.name)}`)

/**
 * How many rows a query gives, or a table has (devsetgo_lib's `count_query`). The rows are counted by the database, without
 * the query's ORDER BY; several columns may have the same name.
 *
 * *Fails with* `ArgumentError` for what is no SELECT, before anything is sent; as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category reading
 */
export const countQuery = (
  query: AnyStatement | Table.Any,
  parameters?: Statement.Parameters
): Effect.Effect<number, ExecuteError, Engine.Engine> =>
  Effect.flatMap(Engine.Engine, (engine) =>
    Table.isTable(query)
      ? countOf(engine, countTable(query, engine.dialect))
      : Effect.flatMap(compiledSelect(engine, query, parameters), (select) => countRows(engine, select))
  )

// ---------------------------------------------------------------------------------------------------------------------
// pages

/**
 * Which page is asked for.
 *
 * @since 0.1.0
 * @category models
 */
export interface PageOptions {
  /** From 1. */
  readonly page: number
  readonly pageSize: number
  /** Parameters of the query. */
  readonly parameters?: Statement.Parameters | undefined
}

/**
 * A page of a query's rows.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page<out A> {
  /** As `readQuery` gives them. Past the last page there are none. */
  readonly items: ReadonlyArray<A>
  /** Rows on all pages. */
  readonly total: number
  readonly page: number
  readonly pageSize: number
  /** How many pages there are. */
  readonly pages: number
}

/**
 * What is wrong with a number that must be a whole one above 0.
 *
 * @since 0.1.0
 * @category checks
 */
export const checkCount = (argument: string, given: unknown): Effect.Effect<void, ArgumentError> =>
  typeof given === "number" && Number.isSafeInteger(given) && given >= 1
    ? Effect.void
    : Effect.fail(
        new ArgumentError({
          argument,
          given: typeof given === "number" ? `the number ${given}` : kindOf(given),
          expected: "a whole number above 0"
        })
      )

/**
 * A page of a query's rows by its number, and how many there are, both of the same moment. The query needs an ORDER BY over
 * what is unique, or pages may have rows in common; it can have no LIMIT of its own. A page far back costs as much as all
 * pages before it: `paginateKeyset` does not.
 *
 * *Fails with* `ArgumentError`, before anything is sent, for a page or size that is no whole number above 0, and for a query
 * that cannot be limited; as `readQuery` does.
 *
 * @example
 * ```ts
 * import { Operations } from "effect-sa/schema"
 *
 * export const second = Operations.paginateQuery("SELECT id, name FROM person ORDER BY name, id", {
 *   page: 2,
 *   pageSize: 20
 * })
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const paginateQuery = <S extends AnyStatement>(
  query: S,
  options: PageOptions
): Effect.Effect<Page<Shaped<RowOf<S>>>, ExecuteError | ResourceClosedError, Engine.Engine> =>
  Effect.gen(function* () {
    if (!isPlainObject(options)) {
      const expected = "an object with page and pageSize"
      return yield* new ArgumentError({ argument: "options", given: kindOf(options), expected })
    }
    const { page, pageSize, parameters } = options
    yield* checkCount("page", page)
    yield* checkCount("pageSize", pageSize)
    const offset = (page - 1) * pageSize
    if (!Number.isSafeInteger(offset + pageSize)) {
      const expected = "a page whose rows can be numbered within 2^53"
      return yield* new ArgumentError({ argument: "page", given: `the number ${page}`, expected })
    }
    const engine = yield* Engine.Engine
    const select = yield* compiledSelect(engine, query, parameters)
    if (select.isLimited || select.isLocking) {
      const given = select.isLimited ? "a query with a LIMIT of its own" : "a query that locks rows"
      return yield* new ArgumentError({ argument: "query", given, expected: "a query without" })
    }
    const limited = [...select.compiled.parameters, pageSize, offset]
    const read = engine.execute(statementOf(select, `${select.sql}\nLIMIT ? OFFSET ?`, limited))
    const [total, items] = yield* atOneMoment(
      Effect.zip(countRows(engine, select), Effect.flatMap(read, shaped<RowOf<S>>))
    )
    return { items, total, page, pageSize, pages: Math.ceil(total / pageSize) }
  })

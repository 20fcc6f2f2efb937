/**
 * Statements executed and queries read, counted and given page by page (devsetgo_lib's `execute_one`, `read_query`,
 * `count_query` and their kind).
 *
 * @since 0.1.0
 */
import { Effect, Option } from "effect"
import type { Dialect } from "./Dialect.js"
import * as Engine from "./Engine.js"
import { ArgumentError, type ExecuteError, kindOf, MultipleResultsFoundError, ResourceClosedError } from "./Errors.js"
import * as Result from "./Result.js"
import { type Select, selectOf } from "./SelectText.js"
import * as Statement from "./Statement.js"
import * as Table from "./Table.js"
import type { ValueOptions } from "./Value.js"

/**
 * What can be executed: SQL text, a query of Kysely, a statement of a Table, and all else that `Engine.execute` takes.
 *
 * @since 0.1.0
 * @category models
 */
export type AnyStatement = Statement.Query<unknown> | Statement.Executable

/**
 * The type of a statement's rows.
 *
 * @since 0.1.0
 * @category types
 */
export type RowOf<S> = S extends string
  ? Record<string, unknown>
  : S extends Statement.Query<infer O>
    ? Statement.RowOf<O>
    : S extends Statement.Executable<infer A>
      ? A
      : Record<string, unknown>

/**
 * A statement, or a statement and its parameters.
 *
 * @since 0.1.0
 * @category models
 */
export type Command = AnyStatement | readonly [statement: AnyStatement, parameters?: Statement.Parameters | undefined]

/**
 * The type of the rows of a command.
 *
 * @since 0.1.0
 * @category types
 */
export type CommandRow<C> = C extends readonly [infer S, ...ReadonlyArray<unknown>] ? RowOf<S> : RowOf<C>

type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never

/**
 * What a row of type `A` is read as: the value of its one column, or a record of its several.
 *
 * @since 0.1.0
 * @category types
 */
export type Shaped<A> = [A] extends [never]
  ? never
  : string extends keyof A
    ? unknown
    : [keyof A] extends [never]
      ? unknown
      : true extends IsUnion<keyof A>
        ? { readonly [K in keyof A]: A[K] }
        : A[keyof A]

/** An engine takes both kinds of statements; its functions have a type for each, and none for both. */
const either = (statement: AnyStatement) => statement as Statement.Executable<never>

const isPair = (command: Command): command is readonly [AnyStatement, (Statement.Parameters | undefined)?] =>
  Array.isArray(command)

const executeCommand = (
  command: Command
): Effect.Effect<Result.Result<Record<string, unknown>>, ExecuteError, Engine.Engine> =>
  isPair(command) ? Engine.execute(either(command[0]), command[1]) : Engine.execute(either(command))

// ---------------------------------------------------------------------------------------------------------------------
// executing

/**
 * What came of a statement. One that returns no rows has an empty array of them; `INSERT … RETURNING` has both, rows and
 * what was inserted.
 *
 * @since 0.1.0
 * @category models
 */
export interface Outcome<out A> {
  /** Whether the statement was one that returns rows, be it none. */
  readonly returnsRows: boolean
  readonly rows: ReadonlyArray<{ readonly [K in keyof A]: A[K] }>
  /** Rows returned; for a statement that returns none, rows matched by an UPDATE, inserted or deleted. */
  readonly rowCount: number
  /** The number that an auto-increment key got, of several rows the first one's (SQLAlchemy's `inserted_primary_key`). */
  readonly insertedPrimaryKey: Option.Option<number | bigint>
}

const outcomeOf = <A>(result: Result.Result<Record<string, unknown>>): Outcome<A> => ({
  returnsRows: result.returnsRows,
  rows: recordsOf<A>(result),
  rowCount: result.rowCount,
  insertedPrimaryKey: Option.fromNullable(result.lastInsertId)
})

/** Every column of every row; of columns with the same name the second is `name_1`. */
const recordsOf = <A>(
  result: Result.Result<Record<string, unknown>>
): ReadonlyArray<{ readonly [K in keyof A]: A[K] }> =>
  // The rows' type is the caller's word for what the statement returns; this is where it is taken.
  result.rows.map(Result.Row.toRecord) as unknown as ReadonlyArray<A>

/**
 * Executes a statement, and says what came of it (devsetgo_lib's `execute_one`): the rows of a select; of others the number
 * of rows, the key of what was inserted, and the rows that RETURNING gives.
 *
 * *Fails*, and is *interrupted*, as `Engine.execute`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Operations } from "effect-sa/schema"
 *
 * export const insertedKey = Operations.executeOne("INSERT INTO person (name) VALUES (?)", ["Ada"]).pipe(
 *   Effect.map((outcome) => outcome.insertedPrimaryKey)
 * )
 * ```
 *
 * @since 0.1.0
 * @category executing
 */
export const executeOne = <S extends AnyStatement>(
  statement: S,
  parameters?: Statement.Parameters,
  options?: Partial<ValueOptions>
): Effect.Effect<Outcome<RowOf<S>>, ExecuteError, Engine.Engine> =>
  Effect.map(Engine.execute<Record<string, unknown>>(either(statement), parameters, options), outcomeOf<RowOf<S>>)

/**
 * Executes statements in one transaction, all or none, and says what came of each (devsetgo_lib's `execute_many`). Within a
 * transaction it is a savepoint of that.
 *
 * *Fails* with what the first statement to fail failed with; nothing is kept then, nor after an *interruption*.
 *
 * @example
 * ```ts
 * import { Operations } from "effect-sa/schema"
 *
 * export const moved = Operations.executeMany([
 *   ["UPDATE account SET cents = cents - ? WHERE id = ?", [100, 1]],
 *   ["UPDATE account SET cents = cents + ? WHERE id = ?", [100, 2]],
 *   "DELETE FROM reservation"
 * ])
 * ```
 *
 * @since 0.1.0
 * @category executing
 */
export const executeMany = <const Commands extends ReadonlyArray<Command>>(
  commands: Commands
): Effect.Effect<{ readonly [K in keyof Commands]: Outcome<CommandRow<Commands[K]>> }, ExecuteError, Engine.Engine> =>
  Effect.map(
    Engine.transaction(Effect.forEach(commands, executeCommand)),
    // One outcome for each of the commands, in order.
    (results) =>
      results.map(outcomeOf) as unknown as { readonly [K in keyof Commands]: Outcome<CommandRow<Commands[K]>> }
  )

// ---------------------------------------------------------------------------------------------------------------------
// reading

const noRows = (): ResourceClosedError =>
  new ResourceClosedError({ message: "the statement returns no rows, so there is nothing to read" })

/** What the columns make of the rows: one gives its values, several give records. */
const shaped = <A>(
  result: Result.Result<Record<string, unknown>>
): Effect.Effect<ReadonlyArray<Shaped<A>>, ResourceClosedError> => {
  if (!result.returnsRows) return Effect.fail(noRows())
  const items =
    result.columns.length === 1 ? result.rows.map((row) => Result.Row.values(row)[0]) : recordsOf<unknown>(result)
  // The rows' type is the caller's word for what the statement returns; this is where it is taken.
  return Effect.succeed(items as ReadonlyArray<Shaped<A>>)
}

/**
 * The rows of a query (devsetgo_lib's `read_query`): of one column its values, of several columns records with all of them,
 * the second `id` as `id_1`.
 *
 * *Fails with* `ResourceClosedError` for a statement that returns no rows; as `Engine.execute` does.
 *
 * @since 0.1.0
 * @category reading
 */
export const readQuery = <S extends AnyStatement>(
  query: S,
  parameters?: Statement.Parameters
): Effect.Effect<ReadonlyArray<Shaped<RowOf<S>>>, ExecuteError | ResourceClosedError, Engine.Engine> =>
  Effect.flatMap(executeCommand([query, parameters]), shaped<RowOf<S>>)

/**
 * The only row of a query, if there is one (devsetgo_lib's `read_one_record`): the value of one column, or a record of
 * several. A NULL that was read is `Option.some(null)`.
 *
 * *Fails with* `MultipleResultsFoundError` where there are more: which of them was meant nobody knows. Otherwise as
 * `readQuery`.
 *
 * @since 0.1.0
 * @category reading
 */
export const readOneRecord = <S extends AnyStatement>(
  query: S,
  parameters?: Statement.Parameters
): Effect.Effect<
  Option.Option<Shaped<RowOf<S>>>,
  ExecuteError | ResourceClosedError | MultipleResultsFoundError,
  Engine.Engine
> =>
  Effect.flatMap(readQuery(query, parameters), (rows) =>
    rows.length > 1
      ? Effect.fail(new MultipleResultsFoundError({ message: `${rows.length} rows were found when one was required` }))
      : Effect.succeed(rows.length === 0 ? Option.none() : Option.some<Shaped<RowOf<S>>>(rows[0]!))
  )

/**
 * Runs reads in one transaction that changes nothing, so that they all see the database at the same moment. In a transaction
 * that is there already they see what that sees.
 */
const atOneMoment = <A, E, R>(body: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let begun = false
    const noted = Effect.suspend(() => {
      begun = true
      return body
    })
    const options = { isolationLevel: "repeatable read", readOnly: true } as const
    return Effect.catchAll(Engine.transaction(noted, options), (error) =>
      // Within a transaction these options are refused, before anything was done.
      error instanceof ArgumentError && !begun ? Engine.transaction(body) : Effect.fail(error)
    )
  })

/**
 * The rows of several queries by name, each as `readQuery` gives them, all of the same moment (devsetgo_lib's
 * `read_multi_query`): they are read in one read-only transaction.
 *
 * *Fails* as `readQuery`, with what the first query to fail failed with.
 *
 * @example
 * ```ts
 * import { Operations } from "effect-sa/schema"
 *
 * export const overview = Operations.readMultiQuery({
 *   people: "SELECT id, name FROM person",
 *   visitors: ["SELECT person FROM visit WHERE day = ?", ["2026-02-11"]]
 * })
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const readMultiQuery = <const Queries extends { readonly [name: string]: Command }>(
  queries: Queries
): Effect.Effect<
  { readonly [K in keyof Queries]: ReadonlyArray<Shaped<CommandRow<Queries[K]>>> },
  ExecuteError | ResourceClosedError,
  Engine.Engine
> =>
  Effect.map(
    atOneMoment(
      Effect.forEach(Object.entries(queries), ([name, query]) =>
        Effect.map(Effect.flatMap(executeCommand(query), shaped<unknown>), (rows) => [name, rows] as const)
      )
    ),
    // One entry for each of the queries, under its name.
    (entries) => Object.fromEntries(entries) as { [K in keyof Queries]: ReadonlyArray<Shaped<CommandRow<Queries[K]>>> }
  )

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
  { page, pageSize, parameters }: PageOptions
): Effect.Effect<Page<Shaped<RowOf<S>>>, ExecuteError | ResourceClosedError, Engine.Engine> =>
  Effect.gen(function* () {
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

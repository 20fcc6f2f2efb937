/**
 * Statements executed and queries read (devsetgo_lib's `execute_one`, `read_query` and their kind).
 *
 * @since 0.1.0
 */
import { Effect, Option } from "effect"
import * as Engine from "./Engine.js"
import { ArgumentError, type ExecuteError, kindOf, MultipleResultsFoundError, ResourceClosedError } from "./Errors.js"
import * as Result from "./Result.js"
import type * as Statement from "./Statement.js"
import type { ExecuteOptions } from "./Options.js"
import { isPlainObject } from "./Value.js"

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
 * what was inserted, on SQLite: MariaDB says no key beside the rows, which can have it.
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
  options?: ExecuteOptions
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
    Array.isArray(commands)
      ? Engine.transaction(Effect.forEach(commands, executeCommand))
      : Effect.fail(new ArgumentError({ argument: "commands", given: kindOf(commands), expected: "an array" })),
    // One outcome for each of the commands, in order.
    (results) =>
      results.map(outcomeOf) as unknown as { readonly [K in keyof Commands]: Outcome<CommandRow<Commands[K]>> }
  )

// ---------------------------------------------------------------------------------------------------------------------
// reading

const noRows = (): ResourceClosedError =>
  new ResourceClosedError({ message: "the statement returns no rows, so there is nothing to read" })

/**
 * What the columns make of the rows: one gives its values, several give records. *Fails with* `ResourceClosedError` for the
 * result of a statement that returns no rows.
 *
 * @since 0.1.0
 * @category reading
 */
export const shaped = <A>(
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
 *
 * @since 0.1.0
 * @category reading
 */
export const atOneMoment = <A, E, R>(body: Effect.Effect<A, E, R>) =>
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
 * `read_multi_query`): they are read in one transaction, which is read-only on MySQL and MariaDB.
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
    isPlainObject(queries)
      ? atOneMoment(
          Effect.forEach(Object.entries(queries), ([name, query]) =>
            Effect.map(Effect.flatMap(executeCommand(query), shaped<unknown>), (rows) => [name, rows] as const)
          )
        )
      : Effect.fail(new ArgumentError({ argument: "queries", given: kindOf(queries), expected: "an object" })),
    // One entry for each of the queries, under its name.
    (entries) => Object.fromEntries(entries) as { [K in keyof Queries]: ReadonlyArray<Shaped<CommandRow<Queries[K]>>> }
  )

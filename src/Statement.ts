/**
 * Everything that can be executed, turned into SQL with `?` markers and a list of checked parameters.
 *
 * Text takes markers of one style: `?` (PEP 249's `qmark`) with an array of parameters, or `:name` (`named`) with an
 * object; with the option `paramstyle` also `%s` (`format`) and `%(name)s` (`pyformat`). What stands in strings, quoted
 * identifiers and comments is no marker. An array of arrays, or for named markers of objects, executes the statement once
 * for each.
 *
 * Queries of Kysely, statements and fragments of `@effect/sql`, statements of a Table, and whatever else carries the
 * Statement symbol have parameters of their own; those that `param` left open are given by name.
 *
 * @since 0.1.0
 */
import type * as Sql from "@effect/sql/Statement"
import { Effect, Stream } from "effect"
import type { Compilable, DeleteResult, InsertResult, MergeResult, UpdateResult } from "kysely"
import type { Dialect } from "./Dialect.js"
import type { LocalData } from "./Driver.js"
import { ArgumentError, kindOf, NotSupportedError } from "./Errors.js"
import * as Fragment from "./Fragment.js"
import { Param } from "./Param.js"
import type { RowTransform } from "./RowTransform.js"
import { ofBuilt, ofWritten, type SqlText } from "./SqlText.js"
import { bind, type BoundValue, isPlainObject, type Parameter, type ValueOptions } from "./Value.js"

/**
 * What carries a definition under this symbol can be executed.
 *
 * @since 0.1.0
 * @category symbols
 */
export const TypeId: unique symbol = Symbol.for("effect-sa/Statement")

/**
 * @since 0.1.0
 * @category symbols
 */
export type TypeId = typeof TypeId

/**
 * A statement whose rows are of type `A`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Statement<out A extends object = object> {
  readonly [TypeId]: Definition<A>
}

/**
 * Why a statement cannot be executed; nothing was sent.
 *
 * @since 0.1.0
 * @category models
 */
export type Refusal = ArgumentError | NotSupportedError

/**
 * What a statement says of itself: its text, or what it is with the parameters of an execution.
 *
 * @since 0.1.0
 * @category models
 */
export type Definition<A extends object = object> = Fixed<A> | Template<A>

/**
 * A statement whose text is the same at each execution.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fixed<out A extends object = object> {
  /**
   * The text for a dialect, a pure function: it is asked once for each dialect, and what it gives is kept as long as the
   * statement is. A text without `parameters` has markers that are filled at execution.
   */
  readonly text: (dialect: Dialect) => Text | Refusal
  /** What LOAD DATA LOCAL loads. */
  readonly data?: Stream.Stream<Uint8Array | string, unknown> | undefined
  /** The types of the values of its rows, whatever the engine's are. Then none may be asked for besides. */
  readonly values?: ValueOptions | undefined
  /** What becomes of its rows. */
  readonly rows?: RowTransform | undefined
  readonly _A: (_: never) => A
}

/**
 * A statement that makes more of what is given at execution than to fill markers: its text depends on that, or something has
 * to be found out first.
 *
 * @since 0.1.0
 * @category models
 */
export interface Template<out A extends object = object> {
  /**
   * The statement that it is with these parameters, and those that are for its markers. It is asked at each execution,
   * before anything is sent.
   */
  readonly given: (
    parameters: unknown
  ) => Effect.Effect<{ readonly statement: Statement<A>; readonly parameters: unknown }, Refusal>
  readonly _A: (_: never) => A
}

/**
 * The text of a statement. `parameters` are its own: an array with one for each `?`, those left open as a `Param`, or an
 * object for `:name`. `sets` are several such arrays.
 *
 * @since 0.1.0
 * @category models
 */
export interface Text {
  readonly sql: string
  readonly parameters?: ReadonlyArray<unknown> | { readonly [name: string]: unknown } | undefined
  readonly sets?: ReadonlyArray<ReadonlyArray<unknown>> | undefined
}

/**
 * What `execute` takes besides Kysely's queries: text, what carries the Statement symbol, and the statements and fragments
 * of `@effect/sql`.
 *
 * @since 0.1.0
 * @category models
 */
export type Executable<A extends object = object> = string | Statement<A> | Sql.Statement<A> | Sql.Fragment

/**
 * A query of Kysely. One that changes rows and returns none has rows of no type.
 *
 * @since 0.1.0
 * @category models
 */
export type Query<O> = Compilable<O>

/**
 * The type of the rows of a Kysely query: none for one that changes rows and returns nothing.
 *
 * @since 0.1.0
 * @category models
 */
export type RowOf<O> = O extends InsertResult | UpdateResult | DeleteResult | MergeResult
  ? never
  : O extends object
    ? O
    : never

/**
 * One set of parameters: by position for `?`, by name for `:name`.
 *
 * @since 0.1.0
 * @category models
 */
export type ParameterSet = ReadonlyArray<Parameter> | { readonly [name: string]: Parameter }

/**
 * The parameters of a statement: one set, or an array of sets for executemany.
 *
 * @since 0.1.0
 * @category models
 */
export type Parameters = ParameterSet | ReadonlyArray<ParameterSet>

/**
 * A statement from text whose rows have a type that the program knows.
 *
 * @example
 * ```ts
 * import { Engine, Statement } from "effect-sa"
 *
 * const personById = Statement.text<{ readonly id: number; readonly name: string }>(
 *   "SELECT id, name FROM person WHERE id = :id"
 * )
 *
 * export const ada = Engine.execute(personById, { id: 1 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const text = <A extends object>(sql: string): Statement<A> => ({
  [TypeId]: { text: () => ({ sql }), _A: (_: never) => _ }
})

/**
 * A statement that loads data from this side: `LOAD DATA LOCAL INFILE 'name' INTO TABLE …`, the fastest way into a table of
 * MySQL or MariaDB. The data is the stream's, text as UTF-8: `CHARACTER SET utf8mb4` tells the server so, which reads it in
 * the character set of the database otherwise. The name in the statement is a label, and no file is ever opened. The option
 * `localInfile` must be on.
 *
 * The stream runs in the fiber of the statement, once for each execution, and no faster than the server reads. *Fails*,
 * when executed, with `NotSupportedError` when `localInfile` is off, and on SQLite; with `OperationalError` `SourceFailed`,
 * whose `cause` is the stream's error, when the stream fails. Then, and on *interruption*, the connection is ended, so that
 * the server undoes the statement. The stream must not itself wait for the connection that loads it: in a transaction it can
 * use no statements of the same engine.
 *
 * https://dev.mysql.com/doc/refman/9.7/en/load-data.html, aiomysql's `local_infile`
 *
 * @example
 * ```ts
 * import { Stream } from "effect"
 * import { Engine, Statement } from "effect-sa"
 *
 * const lines = Stream.make("1,Ada\n", "2,Grace\n")
 *
 * export const load = Engine.execute(
 *   Statement.loadData(
 *     "LOAD DATA LOCAL INFILE 'people' INTO TABLE person CHARACTER SET utf8mb4 FIELDS TERMINATED BY ','",
 *     lines
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const loadData = (
  sql: string,
  data: Stream.Stream<Uint8Array | string, unknown>,
  parameters?: ParameterSet
): Statement => ({
  [TypeId]: { text: () => ({ sql, parameters }), data, _A: (_: never) => _ }
})

/**
 * A value that is given when the statement is executed (SQLAlchemy's `bindparam`). It stands wherever a value can stand in
 * a Kysely query or in a statement of a Table; a name may stand in several places, and is given once.
 *
 * @example
 * ```ts
 * import { Engine, Statement } from "effect-sa"
 * import { QueryBuilder } from "effect-sa/kysely"
 *
 * const db = QueryBuilder.make<{ person: { id: number; name: string } }>()
 *
 * const rename = db
 *   .updateTable("person")
 *   .set({ name: Statement.param<string>("name") })
 *   .where("id", "=", Statement.param<number>("id"))
 *
 * export const renamed = Engine.execute(rename, [
 *   { id: 1, name: "Ada" },
 *   { id: 2, name: "Grace" }
 * ])
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const param = <A = unknown>(name: string): Param<A> => new Param<A>(name)

/**
 * Whether this carries the Statement symbol.
 *
 * @since 0.1.0
 * @category guards
 */
export const isStatement = (u: unknown): u is Statement => typeof u === "object" && u !== null && TypeId in u

/**
 * A statement as connections execute it. `sets` is there for executemany, and then `parameters` is empty.
 *
 * @since 0.1.0
 * @category models
 */
export interface Compiled extends Pick<SqlText, "sql" | "leavesState" | "isDdl" | "isRead" | "isControl"> {
  readonly parameters: ReadonlyArray<BoundValue>
  readonly sets: ReadonlyArray<ReadonlyArray<BoundValue>> | undefined
  /** What it loads from this side. */
  readonly data: LocalData | undefined
  /** The types of its values, where it says so itself. */
  readonly values: ValueOptions | undefined
  /** What becomes of its rows. */
  readonly rows: RowTransform | undefined
  /** How long it may take, in milliseconds; 0 is no limit. Undefined is as the engine was made. */
  readonly stopAfter?: number | undefined
  /** The same object for the same text: what is learned of a text can be kept with it. */
  readonly text: object
}

/**
 * Turns a statement and its parameters into what connections execute, or says what is wrong with them; an effect does, where
 * a statement has to find out first.
 *
 * @since 0.1.0
 * @category compiling
 */
export const compile = (
  executable: unknown,
  parameters: unknown,
  dialect: Dialect
): Compiled | Refusal | Effect.Effect<Compiled, Refusal> => {
  try {
    return compileAny(executable, parameters, dialect)
  } catch {
    // Getters, proxies and definitions are the program's. What they throw may have a value in it.
    return refuse("statement", "a statement, or parameters, that failed when they were read", "what can be read")
  }
}

const compileAny = (
  executable: unknown,
  parameters: unknown,
  dialect: Dialect
): Compiled | Refusal | Effect.Effect<Compiled, Refusal> => {
  if (typeof executable === "string") return compileText(executable, parameters, dialect)
  const statement = statementOf(executable)
  if (!isStatement(statement)) return statement
  const definition = statement[TypeId]
  if ("text" in definition) return compileFixed(statement, definition, parameters, dialect)
  return Effect.flatMap(definition.given(parameters), (filled) =>
    compileWith(filled.statement, filled.parameters, dialect, Effect.succeed)
  )
}

/**
 * As `compile`, for a text.
 *
 * @since 0.1.0
 * @category compiling
 */
export const compileText = (sql: string, parameters: unknown, dialect: Dialect): Compiled | ArgumentError =>
  compileTextOf({ sql }, parameters, dialect)

/**
 * Compiles a statement, and goes on with that: at once, where nothing has to be found out first.
 *
 * @since 0.1.0
 * @category compiling
 */
export const compileWith = <A, E, R>(
  executable: unknown,
  parameters: unknown,
  dialect: Dialect,
  run: (compiled: Compiled) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | Refusal, R> => {
  const compiled = compile(executable, parameters, dialect)
  return isCompiled(compiled) ? run(compiled) : Effect.flatMap(compiled, run)
}

const isCompiled = (u: Compiled | Refusal | Effect.Effect<Compiled, Refusal>): u is Compiled => !Effect.isEffect(u)

/** Statements that were made of what is none, such as queries of Kysely. */
const adapted = new WeakMap<object, Statement | ArgumentError>()

const statementOf = (executable: unknown): Statement | ArgumentError => {
  if (isStatement(executable)) return executable
  if (typeof executable !== "object" || executable === null) return noStatement(executable)
  const known = adapted.get(executable)
  if (known !== undefined) return known
  const made = adapt(executable)
  adapted.set(executable, made)
  return made
}

const adapt = (executable: object): Statement | ArgumentError => {
  if (Fragment.isFragment(executable))
    return { [TypeId]: { text: (dialect) => Fragment.text(executable, dialect), _A: (_: never) => _ } }
  if (!("toOperationNode" in executable) || !("compile" in executable) || typeof executable.compile !== "function")
    return noStatement(executable)
  try {
    const compiled: unknown = executable.compile()
    return isStatement(compiled)
      ? compiled
      : refuse(
          "statement",
          "a query of a Kysely of its own, whose plugins cannot be seen",
          "a query of QueryBuilder.make, or QueryBuilder.statement(query, { plugins })"
        )
  } catch {
    return refuse("statement", "a query that Kysely cannot compile", "a whole query")
  }
}

const noStatement = (given: unknown): ArgumentError => refuse("statement", kindOf(given), "SQL text or a statement")

const texts = new WeakMap<Statement, WeakMap<Dialect, Text | Refusal>>()

/** The text of a statement for a dialect, made once. */
const textOf = (statement: Statement, definition: Fixed, dialect: Dialect): Text | Refusal => {
  let byDialect = texts.get(statement)
  if (byDialect === undefined) texts.set(statement, (byDialect = new WeakMap()))
  const known = byDialect.get(dialect)
  if (known !== undefined) return known
  const text = definition.text(dialect)
  byDialect.set(dialect, text)
  return text
}

const isRefusal = (u: unknown): u is Refusal => u instanceof ArgumentError || u instanceof NotSupportedError

const compileFixed = (
  statement: Statement,
  definition: Fixed,
  parameters: unknown,
  dialect: Dialect
): Compiled | Refusal => {
  const text = textOf(statement, definition, dialect)
  if (isRefusal(text)) return text
  const { data, values, rows } = definition
  const compiled = compileTextOf(text, parameters, dialect, data)
  return isRefusal(compiled) || (values === undefined && rows === undefined) ? compiled : { ...compiled, values, rows }
}

const compileTextOf = (
  text: Text,
  parameters: unknown,
  dialect: Dialect,
  data?: Stream.Stream<Uint8Array | string, unknown>
): Compiled | ArgumentError => {
  const { sql, parameters: own, sets } = text
  if (!sql.isWellFormed()) return refuse("statement", "a text with a lone surrogate", "well-formed Unicode text")
  const isBuilt = Array.isArray(own) || sets !== undefined
  const parsed = isBuilt ? ofBuilt(sql, dialect) : ofWritten(sql, dialect)
  if (parsed instanceof ArgumentError) return parsed
  const found =
    own === undefined && sets === undefined
      ? compileGiven(parsed, parameters)
      : compileOwn(parsed, own, sets, parameters)
  if (found instanceof ArgumentError || (data === undefined && parsed.fileName === undefined)) return found
  return compileLoad(found, data, parsed.fileName)
}

/** A statement that loads from this side, and what it loads: neither goes without the other. */
const compileLoad = (
  compiled: Compiled,
  stream: Stream.Stream<Uint8Array | string, unknown> | undefined,
  name: string | undefined
): Compiled | ArgumentError => {
  if (stream === undefined)
    return refuse("statement", "LOAD DATA LOCAL without data", "Statement.loadData, which has the data")
  if (name === undefined)
    return refuse("statement", "another", "LOAD DATA LOCAL INFILE 'name', a name without quotes and backslashes in it")
  if (typeof stream !== "object" || stream === null || !(Stream.StreamTypeId in stream))
    return refuse("data", kindOf(stream), "a Stream of bytes or text")
  if (compiled.sets !== undefined)
    return refuse("parameters", "several sets", "one set, because the data is loaded once")
  return { ...compiled, data: { name, stream } }
}

const none: ReadonlyArray<BoundValue> = []

/** A text with parameters of its own: what is given at execution is for those that were left open. */
const compileOwn = (
  parsed: SqlText,
  own: Text["parameters"],
  sets: Text["sets"],
  given: unknown
): Compiled | ArgumentError => {
  const open = Array.isArray(own) ? namesOf(own) : noNames
  if (open.length > 0 && Array.isArray(own)) return compileOpen(parsed, own, open, given)
  if (given !== undefined && !isEmptySet(given))
    return refuse("parameters", kindOf(given), "none, because the statement has its own")
  if (sets !== undefined) return bindSets(parsed, sets)
  return compileOne(parsed, own)
}

const noNames: ReadonlyArray<string> = []

/** The names of the parameters that were left open, each once. */
const namesOf = (own: ReadonlyArray<unknown>): ReadonlyArray<string> => {
  let names: Array<string> | undefined
  for (const value of own) {
    if (value instanceof Param) {
      names ??= []
      if (!names.includes(value.name)) names.push(value.name)
    }
  }
  return names ?? noNames
}

const isEmptySet = (given: unknown): boolean =>
  Array.isArray(given) ? given.length === 0 : isPlainObject(given) && Object.keys(given).length === 0

const compileOpen = (
  parsed: SqlText,
  own: ReadonlyArray<unknown>,
  open: ReadonlyArray<string>,
  given: unknown
): Compiled | ArgumentError => {
  if (Array.isArray(given)) {
    const sets: Array<ReadonlyArray<unknown>> = []
    for (let i = 0; i < given.length; i++) {
      const set = filled(own, open, given[i], `parameters[${i}]`)
      if (set instanceof ArgumentError) return set
      sets.push(set)
    }
    return bindSets(parsed, sets)
  }
  const set = filled(own, open, given, "parameters")
  return set instanceof ArgumentError ? set : compileOne(parsed, set)
}

/** The parameters of a statement with those that are given in their places. */
const filled = (
  own: ReadonlyArray<unknown>,
  open: ReadonlyArray<string>,
  set: unknown,
  argument: string
): ReadonlyArray<unknown> | ArgumentError => {
  const refused = checkNames(open, set, argument)
  if (refused !== undefined || !isPlainObject(set)) return refused ?? own
  const values = new Array<unknown>(own.length)
  for (let i = 0; i < own.length; i++) {
    const value = own[i]
    const given = value instanceof Param ? filledParam(value, set[value.name], argument) : value
    if (given instanceof ArgumentError) return given
    values[i] = given
  }
  return values
}

const filledParam = ({ name, encode }: Param, given: unknown, argument: string): unknown =>
  encode === undefined ? given : encode(given, `${argument}.${name}`)

/** A text whose parameters are all given at execution. */
const compileGiven = (parsed: SqlText, given: unknown): Compiled | ArgumentError => {
  if (given === undefined) {
    return parsed.count === 0
      ? compiledOf(parsed, none, undefined)
      : refuse(
          "parameters",
          "none",
          parsed.names === undefined ? countOf(parsed.count) : `an object with ${unique(parsed.names)}`
        )
  }
  return isMany(parsed, given) ? bindSets(parsed, given) : compileOne(parsed, given)
}

const compileOne = (parsed: SqlText, given: unknown): Compiled | ArgumentError => {
  const set = bindSet(parsed, given, "parameters")
  return set instanceof ArgumentError ? set : compiledOf(parsed, set, undefined)
}

const bindSets = (parsed: SqlText, given: ReadonlyArray<unknown>): Compiled | ArgumentError => {
  const sets = new Array<ReadonlyArray<BoundValue>>(given.length)
  for (let i = 0; i < given.length; i++) {
    const set = bindSet(parsed, given[i], `parameters[${i}]`)
    if (set instanceof ArgumentError) return set
    sets[i] = set
  }
  return compiledOf(parsed, none, sets)
}

const compiledOf = (
  parsed: SqlText,
  parameters: ReadonlyArray<BoundValue>,
  sets: ReadonlyArray<ReadonlyArray<BoundValue>> | undefined
): Compiled => ({
  sql: parsed.sql,
  parameters,
  sets,
  leavesState: parsed.leavesState,
  isDdl: parsed.isDdl,
  isRead: parsed.isRead && sets === undefined,
  isControl: parsed.isControl,
  data: undefined,
  values: undefined,
  rows: undefined,
  text: parsed
})

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const countOf = (count: number): string => (count === 1 ? "1 parameter" : `${count} parameters`)

/**
 * Whether these are several sets: arrays for `?`, objects for `:name`. An object among the parameters of a text with `?`
 * is a JSON value. No sets at all, for a statement that has markers, are several too: it is executed for none.
 */
const isMany = ({ names, count }: SqlText, given: unknown): given is ReadonlyArray<unknown> => {
  if (!Array.isArray(given)) return false
  if (given.length === 0) return count > 0
  return names === undefined ? given.every(Array.isArray) : given.every(isPlainObject)
}

const bindSet = (parsed: SqlText, given: unknown, argument: string): ReadonlyArray<BoundValue> | ArgumentError =>
  parsed.names === undefined ? bindPositional(parsed.count, given, argument) : bindNamed(parsed.names, given, argument)

const bindPositional = (count: number, given: unknown, argument: string): ReadonlyArray<BoundValue> | ArgumentError => {
  if (!Array.isArray(given)) {
    // No parameters by name fit a statement without markers.
    if (count === 0 && isPlainObject(given) && Object.keys(given).length === 0) return none
    return refuse(argument, kindOf(given), `an array of ${countOf(count)}, because the markers are ?`)
  }
  if (given.length !== count) return refuse(argument, countOf(given.length), countOf(count))
  const bound = new Array<BoundValue>(count)
  for (let i = 0; i < count; i++) {
    const value = bind(given[i], `${argument}[${i}]`)
    if (value instanceof ArgumentError) return value
    bound[i] = value
  }
  return bound
}

const bindNamed = (
  names: ReadonlyArray<string>,
  given: unknown,
  argument: string
): ReadonlyArray<BoundValue> | ArgumentError => {
  const refused = checkNames(names, given, argument)
  if (refused !== undefined || !isPlainObject(given)) return refused ?? none
  const bound: Array<BoundValue> = []
  for (const name of names) {
    const value = bind(given[name], `${argument}.${name}`)
    if (value instanceof ArgumentError) return value
    bound.push(value)
  }
  return bound
}

/** Whether there is a value for each name, and no other. */
const checkNames = (names: ReadonlyArray<string>, given: unknown, argument: string): ArgumentError | undefined => {
  if (!isPlainObject(given))
    return refuse(argument, given === undefined ? "none" : kindOf(given), `an object with ${unique(names)}`)
  for (const name of names) {
    if (!Object.hasOwn(given, name)) return refuse(`${argument}.${name}`, "nothing", "a value")
  }
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) return refuse(`${argument}.${name}`, "a value", `only ${unique(names)}`)
  }
  return undefined
}

const unique = (names: ReadonlyArray<string>): string => [...new Set(names)].join(", ")

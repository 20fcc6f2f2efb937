/**
 * Everything that can be executed, turned into SQL with `?` markers and a list of checked parameters.
 *
 * Text takes markers of one style: `?` (PEP 249's `qmark`) with an array of parameters, or `:name` (`named`) with an
 * object. What stands in strings, quoted identifiers and comments is no marker. An array of arrays, or for `:name` of
 * objects, executes the statement once for each.
 *
 * @since 0.1.0
 */
import { Stream } from "effect"
import type { Dialect } from "./Dialect.js"
import type { LocalData } from "./Driver.js"
import { ArgumentError, kindOf } from "./Errors.js"
import { leadingWords, type Token, tokens } from "./Lexer.js"
import { bind, type BoundValue, isPlainObject, type Parameter } from "./Value.js"

/**
 * What carries a method of this name can be executed: it says for a dialect which text and parameters it is.
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
  readonly [TypeId]: {
    readonly text: (dialect: Dialect) => string | ArgumentError
    /** Parameters of its own; then none may be given besides. */
    readonly parameters: ParameterSet | undefined
    /** What LOAD DATA LOCAL loads. */
    readonly data?: Stream.Stream<Uint8Array | string, unknown> | undefined
    readonly _A: (_: never) => A
  }
}

/**
 * What `execute` takes: text, or anything that carries the Statement symbol.
 *
 * @since 0.1.0
 * @category models
 */
export type Executable<A extends object = object> = string | Statement<A>

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
  [TypeId]: { text: () => sql, parameters: undefined, _A: (_: never) => _ }
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
): Statement => ({ [TypeId]: { text: () => sql, parameters, data, _A: (_: never) => _ } })

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
export interface Compiled {
  readonly sql: string
  readonly parameters: ReadonlyArray<BoundValue>
  readonly sets: ReadonlyArray<ReadonlyArray<BoundValue>> | undefined
  /** It may leave something in the session that the database does not report. */
  readonly leavesState: boolean
  /** It defines, changes or drops tables and the like. */
  readonly isDdl: boolean
  /** It reads, takes no locks and leaves nothing behind. */
  readonly isRead: boolean
  /** It begins or ends a transaction. */
  readonly isControl: boolean
  /** What it loads from this side. */
  readonly data: LocalData | undefined
  /** The same object for the same text: what is learned of a text can be kept with it. */
  readonly text: object
}

/** What is known of a text, whatever its parameters. */
interface Parsed {
  readonly sql: string
  /** The name of each marker; undefined for a text with `?`. */
  readonly names: ReadonlyArray<string> | undefined
  readonly count: number
  readonly leavesState: boolean
  readonly isDdl: boolean
  readonly isRead: boolean
  readonly isControl: boolean
  /** The name of the file that the server will ask for. */
  readonly fileName: string | undefined
}

/** Texts that are kept parsed, for each dialect. A program that makes new texts all the time pushes the oldest out. */
const keptTexts = 1_024

const parsedTexts = new WeakMap<Dialect, Map<string, Parsed | ArgumentError>>()

const parsedOf = (sql: string, dialect: Dialect): Parsed | ArgumentError => {
  let kept = parsedTexts.get(dialect)
  if (kept === undefined) parsedTexts.set(dialect, (kept = new Map()))
  const known = kept.get(sql)
  if (known !== undefined) return known
  const parsed = parse(sql, dialect)
  if (kept.size >= keptTexts) {
    const oldest = kept.keys().next()
    if (oldest.done !== true) kept.delete(oldest.value)
  }
  kept.set(sql, parsed)
  return parsed
}

const ddlVerbs: ReadonlySet<string> = new Set(["CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME"])

const parse = (sql: string, dialect: Dialect): Parsed | ArgumentError => {
  const lexed = tokens(sql, dialect.lexicon)
  const verb = leadingWords(sql, lexed, 1)[0]
  if (verb === undefined && lexed.every((token) => token.kind === "comment" || sql[token.start] === ";")) {
    return new ArgumentError({ argument: "statement", given: "a text without a statement", expected: "one statement" })
  }
  const named = lexed.filter((token) => token.kind === "named")
  const qmarks = lexed.filter((token) => token.kind === "qmark").length
  if (named.length > 0 && qmarks > 0) {
    return new ArgumentError({
      argument: "statement",
      given: "markers of two styles, ? and :name",
      expected: "markers of one style"
    })
  }
  const leavesState = dialect.mayLeaveState(sql, lexed)
  const rest = {
    leavesState,
    isRead: verb === "SELECT" && !leavesState && !lexed.some((token) => takesMore(sql, token)),
    isControl: isControl(leadingWords(sql, lexed, 2)),
    fileName: verb === "LOAD" ? fileNameOf(sql, lexed) : undefined,
    isDdl: verb !== undefined && ddlVerbs.has(verb)
  }
  if (named.length === 0) return { sql, names: undefined, count: qmarks, ...rest }
  const names = named.map((token) => sql.slice(token.start + 1, token.end))
  return { sql: withQmarks(sql, named), names, count: names.length, ...rest }
}

/** BEGIN and its kind; not ROLLBACK TO a savepoint, nor BEGIN NOT ATOMIC, which is a program. */
const isControl = ([verb, second]: ReadonlyArray<string>): boolean => {
  switch (verb) {
    case "COMMIT":
    case "END":
      return true
    case "ROLLBACK":
      return second !== "TO"
    case "BEGIN":
      return second !== "NOT"
    case "START":
      return second === "TRANSACTION"
    default:
      return false
  }
}

/**
 * The name in `LOAD DATA LOCAL INFILE 'name'`, or LOAD XML. One with quotes or backslashes in it is none: what it means
 * depends on the session.
 */
const fileNameOf = (sql: string, lexed: ReadonlyArray<Token>): string | undefined => {
  const all = lexed.filter((token) => token.kind !== "comment").map((token) => sql.slice(token.start, token.end))
  const infile = all.findIndex((each) => each.toUpperCase() === "INFILE")
  const before = all.slice(0, Math.max(0, infile)).join(" ")
  return /^LOAD (?:DATA|XML) (?:(?:LOW_PRIORITY|CONCURRENT) )?LOCAL$/i.test(before)
    ? /^(['"])([^'"\\]+)\1$/.exec(all[infile + 1] ?? "")?.[2]
    : undefined
}

/** FOR UPDATE, LOCK IN SHARE MODE, INTO OUTFILE: a select with any of these words may do more than read. */
const takesMore = (sql: string, token: Token): boolean =>
  token.kind === "word" && /^(?:for|lock|into)$/i.test(sql.slice(token.start, token.end))

const withQmarks = (sql: string, named: ReadonlyArray<Token>): string => {
  let text = ""
  let from = 0
  for (const token of named) {
    text += `${sql.slice(from, token.start)}?`
    from = token.end
  }
  return text + sql.slice(from)
}

const none: ReadonlyArray<BoundValue> = []

/**
 * Turns a statement and its parameters into what connections execute, or says what is wrong with them.
 *
 * @since 0.1.0
 * @category compiling
 */
export const compile = (
  executable: Executable | unknown,
  parameters: unknown,
  dialect: Dialect
): Compiled | ArgumentError => {
  let sql: string | ArgumentError
  let given = parameters
  let data: Stream.Stream<Uint8Array | string, unknown> | undefined
  if (typeof executable === "string") sql = executable
  else if (isStatement(executable)) {
    sql = executable[TypeId].text(dialect)
    data = executable[TypeId].data
    const own = executable[TypeId].parameters
    if (own !== undefined) {
      if (given !== undefined) return refuse("parameters", kindOf(given), "none, because the statement has its own")
      given = own
    }
  } else return refuse("statement", kindOf(executable), "SQL text or a statement")
  if (typeof sql !== "string") return sql
  if (!sql.isWellFormed()) return refuse("statement", "a text with a lone surrogate", "well-formed Unicode text")
  const parsed = parsedOf(sql, dialect)
  if (parsed instanceof ArgumentError) return parsed
  const found = given === undefined ? compileWithout(parsed) : compileWith(parsed, given)
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

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const countOf = (count: number): string => (count === 1 ? "1 parameter" : `${count} parameters`)

const compileWithout = (parsed: Parsed): Compiled | ArgumentError =>
  parsed.count === 0
    ? compiled(parsed, none, undefined)
    : refuse(
        "parameters",
        "none",
        parsed.names === undefined ? countOf(parsed.count) : `an object with ${unique(parsed.names)}`
      )

const compileWith = (parsed: Parsed, given: unknown): Compiled | ArgumentError => {
  if (isMany(parsed, given)) {
    const sets: Array<ReadonlyArray<BoundValue>> = []
    for (let i = 0; i < given.length; i++) {
      const set = bindSet(parsed, given[i], `parameters[${i}]`)
      if (set instanceof ArgumentError) return set
      sets.push(set)
    }
    return compiled(parsed, none, sets)
  }
  const set = bindSet(parsed, given, "parameters")
  return set instanceof ArgumentError ? set : compiled(parsed, set, undefined)
}

const compiled = (
  parsed: Parsed,
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
  text: parsed
})

/**
 * Whether these are several sets: arrays for `?`, objects for `:name`. An object among the parameters of a text with `?`
 * is a JSON value. No sets at all, for a statement that has markers, are several too: it is executed for none.
 */
const isMany = ({ names, count }: Parsed, given: unknown): given is ReadonlyArray<unknown> => {
  if (!Array.isArray(given)) return false
  if (given.length === 0) return count > 0
  return names === undefined ? given.every(Array.isArray) : given.every(isPlainObject)
}

const bindSet = (parsed: Parsed, given: unknown, argument: string): ReadonlyArray<BoundValue> | ArgumentError =>
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
  if (!isPlainObject(given)) return refuse(argument, kindOf(given), `an object with ${unique(names)}`)
  const bound: Array<BoundValue> = []
  for (const name of names) {
    if (!Object.hasOwn(given, name)) return refuse(`${argument}.${name}`, "nothing", "a value")
    const value = bind(given[name], `${argument}.${name}`)
    if (value instanceof ArgumentError) return value
    bound.push(value)
  }
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) return refuse(`${argument}.${name}`, "a value", `only ${unique(names)}`)
  }
  return bound
}

const unique = (names: ReadonlyArray<string>): string => [...new Set(names)].join(", ")

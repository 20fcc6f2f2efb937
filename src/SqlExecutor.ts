/**
 * How the client for `@effect/sql` executes: texts and parameters to statements, and those to answers, in the transaction
 * that a fiber is in. It knows `@effect/sql`'s `TransactionConnection`, by which its resolvers carry a transaction along.
 *
 * @since 0.1.0
 */
import { SafeIntegers, TransactionConnection } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { Chunk, type Context, Effect, FiberRef, Option, type Scope, Stream } from "effect"
import type { DriverResult, RowStream } from "./Driver.js"
import type { Core } from "./Engine.js"
import { ArgumentError, type ExecuteError } from "./Errors.js"
import { type Token, tokens } from "./Lexer.js"
import type { Ambient } from "./SAConnection.js"
import { SqlFailure } from "./SqlFailure.js"
import * as SqlRows from "./SqlRows.js"
import { ofBuilt, type SqlText } from "./SqlText.js"
import type { Compiled } from "./Statement.js"
import type { bind, BoundValue, ValueOptions } from "./Value.js"

/**
 * What makes other rows of rows, such as ones with other names.
 *
 * @since 0.1.0
 * @category models
 */
export type TransformRows = <A extends object>(rows: ReadonlyArray<A>) => ReadonlyArray<A>

/**
 * A statement as it is executed, several that are sent one by one, or why it cannot be.
 *
 * @since 0.1.0
 * @category models
 */
export type Prepared = Compiled | ReadonlyArray<Compiled> | ArgumentError

/**
 * Binds a parameter, as `Value.bind` does.
 *
 * @since 0.1.0
 * @category models
 */
export type Bind = typeof bind

const failed = (error: ExecuteError): SqlFailure => new SqlFailure("Failed to execute statement", error)

/** What is known of a text with several statements: each of them, and all as one. */
interface Several {
  readonly parts: ReadonlyArray<SqlText>
  readonly whole: SqlText
}

/**
 * Executes for the clients of one engine.
 *
 * @since 0.1.0
 * @category models
 */
export class SqlExecutor {
  private readonly several = new WeakMap<SqlText, Several | "one" | ArgumentError>()
  private readonly exactValues: ValueOptions

  constructor(
    readonly core: Core,
    readonly bind: Bind,
    /** Whether a text may have several statements on its way to the database; without it they are sent one by one. */
    private readonly isMultiple: boolean
  ) {
    this.exactValues = { ...core.engine.pool.values, integers: "bigint" }
    core.companions.add ??= (services, ambient) => {
      const outer = connectionIn(services)
      const others = outer?.core === core ? outer.outer : outer
      services.set(TransactionConnection.key, [new SqlConnection(this, ambient, others), ambient.level?.depth ?? 0])
    }
  }

  /**
   * What a fiber is in, of this engine: a transaction, or a connection that was reserved and is given as a transaction's.
   * A transaction of another client is none.
   */
  ambientOf(context: Context.Context<never>): Ambient | undefined {
    const services = context.unsafeMap
    const given = connectionIn(services)
    if (given?.core === this.core) return given.ambient
    const own: Ambient | undefined = services.get(this.core.ambientTag.key)
    if (own !== undefined || given === undefined) return own
    let outer = given.outer
    while (outer !== undefined && outer.core !== this.core) outer = outer.outer
    return outer?.ambient
  }

  /** What is known of a text whose markers are `?`. */
  text(sql: string): SqlText | ArgumentError {
    return sql.isWellFormed()
      ? ofBuilt(sql, this.core.engine.dialect)
      : refuse("statement", "a text with a lone surrogate", "well-formed Unicode text")
  }

  prepare(text: SqlText | ArgumentError, parameters: ReadonlyArray<unknown>): Prepared {
    if (text instanceof ArgumentError) return text
    if (text.fileName !== undefined)
      return refuse("statement", "LOAD DATA LOCAL", "Statement.loadData of an engine, which has the data")
    const { count } = text
    if (parameters.length !== count) return refuse("parameters", String(parameters.length), `${count}, one for each ?`)
    const bound = new Array<BoundValue>(count)
    for (let i = 0; i < count; i++) {
      const value = this.bind(parameters[i], `parameters[${i}]`)
      if (value instanceof ArgumentError) return value
      bound[i] = value
    }
    if (!text.sql.includes(";")) return compiledOf(text, bound)
    const several = this.severalOf(text)
    if (several instanceof ArgumentError) return several
    if (several === "one") return compiledOf(text, bound)
    if (this.isMultiple) return compiledOf(several.whole, bound)
    let from = 0
    return several.parts.map((part) => compiledOf(part, bound.slice(from, (from += part.count))))
  }

  /**
   * The statement as a fiber asks for it: with `SafeIntegers` of `@effect/sql`, columns that can hold more than 2^53 are
   * bigints. The values of `layer` are exact without it, as strings where they must be.
   */
  as(prepared: Prepared, { unsafeMap }: Context.Context<never>): Prepared {
    if (unsafeMap.get(SafeIntegers.key) !== true || prepared instanceof ArgumentError) return prepared
    const exact = (statement: Compiled): Compiled => ({ ...statement, values: this.exactValues })
    return isOne(prepared) ? exact(prepared) : prepared.map(exact)
  }

  /** Executes, and makes of the answer what is asked for. */
  answer<A>(
    prepared: Prepared,
    ambient: Ambient | undefined,
    made: (answer: DriverResult) => A
  ): Effect.Effect<A, SqlFailure> {
    if (prepared instanceof ArgumentError) return Effect.fail(failed(prepared))
    if (isOne(prepared)) return Effect.mapError(this.core.answer(prepared, ambient, made), failed)
    return Effect.mapBoth(this.core.answerAll(prepared, ambient), {
      onFailure: failed,
      onSuccess: (results) => made(SqlRows.chained(results))
    })
  }

  /** The rows as they are taken, as objects. */
  stream(
    prepared: Prepared,
    ambient: Ambient | undefined,
    transformRows: TransformRows | undefined
  ): Effect.Effect<Stream.Stream<Record<string, unknown>, SqlFailure>, SqlFailure, Scope.Scope> {
    if (prepared instanceof ArgumentError) return Effect.fail(failed(prepared))
    if (!isOne(prepared))
      return Effect.fail(failed(refuse("statement", "several statements", "one statement, for a stream")))
    return Effect.mapBoth(this.core.rows(prepared, ambient), {
      onFailure: failed,
      onSuccess: (rows) => streamOf(rows, transformRows)
    })
  }

  /** The statements of a text, where there are several. */
  private severalOf(text: SqlText): Several | "one" | ArgumentError {
    const known = this.several.get(text)
    if (known !== undefined) return known
    const found = this.split(text)
    this.several.set(text, found)
    return found
  }

  private split({ sql }: SqlText): Several | "one" | ArgumentError {
    const { lexicon } = this.core.engine.dialect
    const lexed = tokens(sql, { ...lexicon, percents: undefined }).filter(({ kind }) => kind !== "comment")
    const parts: Array<SqlText> = []
    let from = 0
    let first = 0
    for (let at = 0; at <= lexed.length; at++) {
      const end = lexed[at]?.start ?? sql.length
      if (at < lexed.length && sql[end] !== ";") continue
      // What has statements within itself goes on to the end of the text.
      const isProgram = hasStatements(sql, lexed.slice(first, Math.min(at, first + tokensBeforeKind)))
      const part = at > first ? this.text(sql.slice(from, isProgram ? sql.length : end)) : undefined
      if (part instanceof ArgumentError) return part
      if (part !== undefined) parts.push(part)
      if (isProgram) break
      from = end + 1
      first = at + 1
    }
    if (parts.length < 2) return "one"
    const whole: SqlText = {
      sql,
      names: undefined,
      count: parts.reduce((sum, { count }) => sum + count, 0),
      leavesState: parts.some(({ leavesState }) => leavesState),
      isDdl: parts.some(({ isDdl }) => isDdl),
      isRead: false,
      isControl: parts.some(({ isControl }) => isControl),
      fileName: parts.find(({ fileName }) => fileName !== undefined)?.fileName
    }
    return { parts, whole }
  }
}

/** `CREATE OR REPLACE DEFINER = somebody @ somewhere AGGREGATE FUNCTION`, with executable comments around each. */
const tokensBeforeKind = 24

const programs: ReadonlySet<string> = new Set(["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"])

/** What else is created and altered, whose names may be the words for programs. */
const others: ReadonlySet<string> = new Set(
  "TABLE VIEW INDEX DATABASE SCHEMA USER ROLE SEQUENCE SERVER TABLESPACE LOGFILE INSTANCE RESOURCE SPATIAL".split(" ")
)

/** Whether a statement that begins with these tokens has statements within itself, as a trigger does. */
const hasStatements = (sql: string, lexed: ReadonlyArray<Token>): boolean => {
  const [verb, ...words] = lexed
    .filter(({ kind }) => kind === "word")
    .map(({ start, end }) => sql.slice(start, end).toUpperCase())
  switch (verb) {
    case "CREATE":
    case "ALTER":
      return programs.has(words.find((word) => programs.has(word) || others.has(word)) ?? "")
    case "BEGIN":
      return words[0] === "NOT"
    default:
      return false
  }
}

const isOne = (prepared: Compiled | ReadonlyArray<Compiled>): prepared is Compiled => !Array.isArray(prepared)

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const compiledOf = (text: SqlText, parameters: ReadonlyArray<BoundValue>): Compiled => ({
  sql: text.sql,
  parameters,
  sets: undefined,
  leavesState: text.leavesState,
  isDdl: text.isDdl,
  isRead: text.isRead,
  isControl: text.isControl,
  data: undefined,
  values: undefined,
  rows: undefined,
  text
})

const streamOf = (
  rows: RowStream,
  transformRows: TransformRows | undefined
): Stream.Stream<Record<string, unknown>, SqlFailure> =>
  Stream.repeatEffectChunkOption(
    Effect.matchEffect(rows.pull, {
      onFailure: (error) => Effect.fail(Option.some(new SqlFailure("Failed to stream statement", error))),
      onSuccess: (pulled) => {
        if (pulled === undefined) return Effect.fail(Option.none())
        const made = SqlRows.objects(rows.columns, pulled)
        return Effect.succeed(Chunk.unsafeFromArray(transformRows === undefined ? made : transformRows(made)))
      }
    })
  )

// ---------------------------------------------------------------------------------------------------------------------
// connections

/** The connection of a transaction or a reservation, if it is of a client of this package. */
const connectionIn = (services: ReadonlyMap<string, unknown>): SqlConnection | undefined => {
  const given = services.get(TransactionConnection.key)
  if (!Array.isArray(given)) return undefined
  const [connection] = given
  return connection instanceof SqlConnection ? connection : undefined
}

/**
 * One connection, as `@effect/sql` knows connections: that of a transaction, or one that was reserved.
 *
 * @since 0.1.0
 * @category models
 */
export class SqlConnection implements Connection {
  constructor(
    private readonly executor: SqlExecutor,
    readonly ambient: Ambient,
    /** That of the transaction of another engine around this one. */
    readonly outer: SqlConnection | undefined
  ) {}

  get core(): Core {
    return this.executor.core
  }

  private run<A>(
    sql: string,
    parameters: ReadonlyArray<unknown>,
    made: (answer: DriverResult) => A
  ): Effect.Effect<A, SqlFailure> {
    const { executor } = this
    return Effect.withFiberRuntime((fiber) => {
      const prepared = executor.prepare(executor.text(sql), parameters)
      return executor.answer(executor.as(prepared, fiber.getFiberRef(FiberRef.currentContext)), this.ambient, made)
    })
  }

  execute(
    sql: string,
    parameters: ReadonlyArray<unknown>,
    transformRows: TransformRows | undefined
  ): Effect.Effect<ReadonlyArray<unknown>, SqlFailure> {
    return this.run(sql, parameters, (answer) => transformed(SqlRows.rows(answer), transformRows))
  }

  executeRaw(sql: string, parameters: ReadonlyArray<unknown>): Effect.Effect<unknown, SqlFailure> {
    return this.run(sql, parameters, SqlRows.raw)
  }

  executeValues(
    sql: string,
    parameters: ReadonlyArray<unknown>
  ): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, SqlFailure> {
    return this.run(sql, parameters, SqlRows.values)
  }

  executeUnprepared(
    sql: string,
    parameters: ReadonlyArray<unknown>,
    transformRows: TransformRows | undefined
  ): Effect.Effect<ReadonlyArray<unknown>, SqlFailure> {
    return this.execute(sql, parameters, transformRows)
  }

  executeStream(
    sql: string,
    parameters: ReadonlyArray<unknown>,
    transformRows: TransformRows | undefined
  ): Stream.Stream<Record<string, unknown>, SqlFailure> {
    const { executor } = this
    return Stream.unwrapScoped(
      Effect.withFiberRuntime<Stream.Stream<Record<string, unknown>, SqlFailure>, SqlFailure, Scope.Scope>((fiber) => {
        const prepared = executor.prepare(executor.text(sql), parameters)
        const asked = executor.as(prepared, fiber.getFiberRef(FiberRef.currentContext))
        return executor.stream(asked, this.ambient, transformRows)
      })
    )
  }
}

/**
 * Rows as a client's transformation has them.
 *
 * @since 0.1.0
 * @category combinators
 */
export const transformed = (
  rows: ReadonlyArray<unknown>,
  transformRows: TransformRows | undefined
): ReadonlyArray<unknown> =>
  // What is in the list are rows, headers and lists of rows: objects all.
  transformRows === undefined ? rows : transformRows(rows as ReadonlyArray<object>)

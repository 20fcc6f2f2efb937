/**
 * The statements of the client for `@effect/sql`, and the tag of templates that makes them. The text of a template is made
 * once; a statement with plain parameters goes from there straight to the engine.
 *
 * @since 0.1.0
 */
import type { Row } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Sql from "@effect/sql/Statement"
import { Effect, Effectable, type Fiber, FiberRef, identity, type Scope, Stream, type Tracer } from "effect"
import type { DriverResult } from "./Driver.js"
import { ArgumentError } from "./Errors.js"
import { type Prepared, type SqlExecutor, transformed, type TransformRows } from "./SqlExecutor.js"
import type { SqlFailure } from "./SqlFailure.js"
import * as SqlRows from "./SqlRows.js"
import type { SqlText } from "./SqlText.js"
import { clientSpan, isTraced } from "./Tracing.js"

/**
 * What the statements of a client have in common.
 *
 * @since 0.1.0
 * @category models
 */
export interface Manner {
  readonly executor: SqlExecutor
  readonly compiler: Sql.Compiler
  readonly transformRows: TransformRows | undefined
  readonly spanAttributes: ReadonlyArray<readonly [string, unknown]>
}

// ---------------------------------------------------------------------------------------------------------------------
// spans

/** A statement that has a span by its name of `@effect/sql` is given none by the engine beside it. */
const withoutOther = <A, E, R>(statement: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withTracerEnabled(statement, false)

type Text = readonly [sql: string, params: ReadonlyArray<unknown>]

/** The names of `@effect/sql`, by which dashboards know them. */
const described = (
  span: Tracer.Span,
  attributes: Manner["spanAttributes"],
  operation: string,
  compiled: Text
): Text => {
  for (const [key, value] of attributes) span.attribute(key, value)
  span.attribute("db.operation.name", operation)
  span.attribute("db.query.text", compiled[0])
  return compiled
}

// ---------------------------------------------------------------------------------------------------------------------
// templates

/** The classes of what helpers such as `sql.in` give, which are parts of statements and no parameters. */
const helpersOf = (base: Sql.Constructor): ReadonlySet<unknown> =>
  new Set(
    [base("a"), base.in([]), base.insert({}), base.update({}), base.updateValues([], "a")].map(
      (helper) => helper.constructor
    )
  )

type Helper =
  | Sql.ArrayHelper
  | Sql.RecordInsertHelper
  | Sql.RecordUpdateHelper
  | Sql.RecordUpdateHelperSingle
  | Sql.Identifier

/** The text of a template whose arguments were identifiers and plain parameters. */
interface Template {
  /** The identifier in each place; undefined for a parameter. */
  readonly identifiers: ReadonlyArray<string | undefined>
  readonly parameters: number
  readonly text: SqlText | ArgumentError
}

/** Makes statements of templates, and knows the texts of those it has seen. */
class Templates {
  private readonly helpers: ReadonlySet<unknown>
  private readonly identifier: unknown
  private readonly known = new WeakMap<TemplateStringsArray, Template>()

  constructor(
    base: Sql.Constructor,
    private readonly manner: Manner
  ) {
    this.helpers = helpersOf(base)
    this.identifier = base("a").constructor
  }

  isHelper(argument: unknown): argument is Helper {
    return typeof argument === "object" && argument !== null && this.helpers.has(argument.constructor)
  }

  private isIdentifier(argument: unknown): argument is Sql.Identifier {
    return typeof argument === "object" && argument !== null && argument.constructor === this.identifier
  }

  /** Whether an argument is a parameter, and not a part of the text. */
  private isPlain(argument: unknown): boolean {
    return (
      typeof argument !== "object" ||
      argument === null ||
      !(this.helpers.has(argument.constructor) || Sql.FragmentId in argument)
    )
  }

  /** The text and the parameters, where the arguments are nothing but identifiers and parameters. */
  prepare(strings: TemplateStringsArray, given: ReadonlyArray<unknown>): Prepared | undefined {
    const known = this.known.get(strings)
    const template = known !== undefined && this.fits(known, given) ? known : this.learn(strings, given)
    if (template === undefined) return undefined
    const { text, identifiers, parameters } = template
    const { executor } = this.manner
    if (parameters === given.length) return executor.prepare(text, given)
    return executor.prepare(
      text,
      given.filter((_, i) => identifiers[i] === undefined)
    )
  }

  private fits({ identifiers }: Template, given: ReadonlyArray<unknown>): boolean {
    for (let i = 0; i < given.length; i++) {
      const argument = given[i]
      const expected = identifiers[i]
      if (
        expected === undefined ? !this.isPlain(argument) : !this.isIdentifier(argument) || argument.value !== expected
      )
        return false
    }
    return true
  }

  private learn(strings: TemplateStringsArray, given: ReadonlyArray<unknown>): Template | undefined {
    if (!given.every((argument) => this.isPlain(argument) || this.isIdentifier(argument))) return undefined
    const { compiler, executor } = this.manner
    const identifiers = given.map((argument) => (this.isIdentifier(argument) ? argument.value : undefined))
    const [sql] = compiler.compile(fragment(this.segments(strings, given)), false)
    const template: Template = {
      identifiers,
      parameters: identifiers.filter((each) => each === undefined).length,
      text: executor.text(sql)
    }
    this.known.set(strings, template)
    return template
  }

  segments(strings: TemplateStringsArray, given: ReadonlyArray<unknown>): ReadonlyArray<Sql.Segment> {
    const segments: Array<Sql.Segment> = []
    const literal = (value: string | undefined): void => {
      if (value !== undefined && value !== "") segments.push({ _tag: "Literal", value })
    }
    literal(strings[0])
    given.forEach((argument, i) => {
      if (Sql.isFragment(argument)) segments.push(...argument.segments)
      else segments.push(this.isHelper(argument) ? argument : { _tag: "Parameter", value: argument })
      literal(strings[i + 1])
    })
    return segments
  }
}

const fragment = (segments: ReadonlyArray<Sql.Segment>): Sql.Fragment => ({ segments, [Sql.FragmentId]: identity })

// ---------------------------------------------------------------------------------------------------------------------
// statements

/** Where the segments of a statement come from. */
type Source =
  | { readonly strings: TemplateStringsArray; readonly given: ReadonlyArray<unknown>; readonly templates: Templates }
  | ReadonlyArray<Sql.Segment>

/**
 * A statement of a client.
 *
 * @since 0.1.0
 * @category models
 */
export class SqlStatement<A> extends Effectable.Class<ReadonlyArray<A>, SqlError> implements Sql.Statement<A> {
  constructor(
    private readonly manner: Manner,
    private readonly source: Source,
    private readonly constructorOf: () => Sql.Constructor
  ) {
    super()
  }

  get [Sql.FragmentId](): (_: never) => Sql.FragmentId {
    return identity
  }

  get segments(): ReadonlyArray<Sql.Segment> {
    return "strings" in this.source
      ? this.source.templates.segments(this.source.strings, this.source.given)
      : this.source
  }

  get transformRows(): TransformRows | undefined {
    return this.manner.transformRows
  }

  compile(withoutTransform = false): Text {
    return this.manner.compiler.compile(fragment(this.segments), withoutTransform)
  }

  private prepare(withoutTransform: boolean): Prepared {
    if (!withoutTransform && "strings" in this.source) {
      const prepared = this.source.templates.prepare(this.source.strings, this.source.given)
      if (prepared !== undefined) return prepared
    }
    return this.prepareCompiled(() => this.compile(withoutTransform))
  }

  /** A compiler throws for what it cannot make a text of, such as an insert of no rows. */
  private prepareCompiled(compile: () => Text): Prepared {
    const { executor } = this.manner
    try {
      const [sql, parameters] = compile()
      return executor.prepare(executor.text(sql), parameters)
    } catch {
      return new ArgumentError({
        argument: "statement",
        given: "one that cannot be compiled",
        expected: "a whole statement: an insert, for example, of one row at least"
      })
    }
  }

  private run<X>(
    operation: string,
    withoutTransform: boolean,
    made: (answer: DriverResult) => X
  ): Effect.Effect<X, SqlFailure> {
    return Effect.withFiberRuntime((fiber) => {
      const { executor } = this.manner
      const services = fiber.getFiberRef(FiberRef.currentContext)
      const ambient = executor.ambientOf(services)
      if (fiber.getFiberRef(Sql.currentTransformer)._tag === "None" && !isTraced(fiber))
        return executor.answer(executor.as(this.prepare(withoutTransform), services), ambient, made)
      return Effect.useSpan("sql.execute", clientSpan, (span) =>
        Effect.flatMap(this.replaced(fiber, span), (statement) => {
          const prepared = this.prepareCompiled(() =>
            described(span, this.manner.spanAttributes, operation, statement.compile(withoutTransform))
          )
          return withoutOther(executor.answer(executor.as(prepared, services), ambient, made))
        })
      )
    })
  }

  /** What `Statement.withTransformer` makes of this statement. */
  private replaced(
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    span: Tracer.Span
  ): Effect.Effect<Sql.Statement<unknown>> {
    const transformer = fiber.getFiberRef(Sql.currentTransformer)
    return transformer._tag === "None"
      ? Effect.succeed(this)
      : transformer.value(this, this.constructorOf(), fiber.getFiberRefs(), span)
  }

  // What rows a statement has is the caller's to know: his type is taken for them below.

  commit(): Effect.Effect<ReadonlyArray<A>, SqlFailure> {
    return this.rows("execute", false, this.manner.transformRows)
  }

  private rows(
    operation: string,
    withoutTransform: boolean,
    transformRows: TransformRows | undefined
  ): Effect.Effect<ReadonlyArray<A>, SqlFailure> {
    return this.run(
      operation,
      withoutTransform,
      (answer) => transformed(SqlRows.rows(answer), transformRows) as ReadonlyArray<A>
    )
  }

  get withoutTransform(): Effect.Effect<ReadonlyArray<A>, SqlFailure> {
    return this.rows("executeWithoutTransform", true, undefined)
  }

  get raw(): Effect.Effect<unknown, SqlFailure> {
    return this.run("executeRaw", true, SqlRows.raw)
  }

  get values(): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, SqlFailure> {
    return this.run("executeValues", false, SqlRows.values)
  }

  get unprepared(): Effect.Effect<ReadonlyArray<A>, SqlFailure> {
    return this.rows("executeUnprepared", false, this.manner.transformRows)
  }

  get stream(): Stream.Stream<A, SqlFailure> {
    type Rows = Stream.Stream<A, SqlFailure>
    return Stream.unwrapScoped(
      Effect.withFiberRuntime((fiber): Effect.Effect<Rows, SqlFailure, Scope.Scope> => {
        const { executor, transformRows } = this.manner
        const services = fiber.getFiberRef(FiberRef.currentContext)
        const ambient = executor.ambientOf(services)
        const streamed = (prepared: Prepared) =>
          executor.stream(executor.as(prepared, services), ambient, transformRows) as Effect.Effect<
            Rows,
            SqlFailure,
            Scope.Scope
          >
        if (fiber.getFiberRef(Sql.currentTransformer)._tag === "None" && !isTraced(fiber))
          return streamed(this.prepare(false))
        return Effect.flatMap(Effect.makeSpanScoped("sql.execute", clientSpan), (span) =>
          Effect.flatMap(this.replaced(fiber, span), (statement) => {
            const prepared = this.prepareCompiled(() =>
              described(span, this.manner.spanAttributes, "executeStream", statement.compile())
            )
            return withoutOther(streamed(prepared))
          })
        )
      })
    )
  }

  override toString(): string {
    return JSON.stringify(this.toJSON())
  }

  /** For logs, which is why it has no parameters. */
  toJSON(): unknown {
    const [sql] = this.compile()
    return { _id: "@effect/sql/Statement", sql }
  }
}

/**
 * The tag of templates of a client, with its helpers.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (manner: Manner): Sql.Constructor => {
  const { compiler } = manner
  // Its helpers are pure. It keeps what it has made by the acquirer, which nobody asks for a connection.
  const base = Sql.make(
    Effect.die("statements of this client are executed by themselves"),
    compiler,
    manner.spanAttributes,
    manner.transformRows
  )
  const templates = new Templates(base, manner)
  const self = (): Sql.Constructor => sql
  const tag = (strings: unknown, ...given: ReadonlyArray<unknown>): unknown => {
    return isTemplate(strings) ? new SqlStatement(manner, { strings, given, templates }, self) : base(String(strings))
  }
  const { literal, insert, update, updateValues, and, or, csv, join, onDialect, onDialectOrElse } = base
  const members = {
    unsafe: <A extends object = Row>(text: string, params?: ReadonlyArray<unknown>): Sql.Statement<A> =>
      new SqlStatement<A>(
        manner,
        [{ _tag: "Literal", value: text, ...(params === undefined ? {} : { params }) }],
        self
      ),
    literal,
    in: base.in,
    insert,
    update,
    updateValues,
    and,
    or,
    csv,
    join,
    onDialect,
    onDialectOrElse
  }
  // A function has one type for both of its uses only in a declaration.
  const sql = Object.assign(tag as unknown as Sql.Constructor, members)
  return sql
}

const isTemplate = (u: unknown): u is TemplateStringsArray => Array.isArray(u) && "raw" in u

/**
 * Telemetry of statements by OpenTelemetry's conventions for databases: a driver whose connections make a span of each
 * statement where a tracer listens, note how long it took where metrics are asked for, and log what was slow. Where
 * nothing of it is asked for there is no such driver, so that it costs nothing.
 *
 * No parameter is looked at, and of a text only what `SqlSummary` tells of it.
 *
 * https://opentelemetry.io/docs/specs/semconv/database/
 *
 * @since 0.1.0
 */
import {
  Cause,
  Clock,
  Context,
  DefaultServices,
  Effect,
  Exit,
  Fiber,
  FiberRef,
  type MetricLabel,
  Option,
  type Tracer
} from "effect"
import {
  type Driver,
  type DriverConnection,
  executingBy,
  type ManyRequest,
  type Request,
  type RowStream,
  type ServerInfo,
  type Start
} from "./Driver.js"
import type { DriverError } from "./Errors.js"
import type { Lexicon } from "./Lexer.js"
import { Summaries, type SqlSummary } from "./SqlSummary.js"
import { type Attributes, Durations, type Failure, failureOf, withoutValues } from "./TelemetryMetrics.js"
import { clientSpan, isTraced } from "./Tracing.js"

/**
 * What is told of the statements and the pool of an engine.
 *
 * @since 0.1.0
 * @category models
 */
export interface TelemetrySettings {
  /** Spans are made where a tracer listens. */
  readonly spans: boolean
  /** Metrics are updated. */
  readonly metrics: boolean
  /** Statements that take so many milliseconds are logged; 0 is none. */
  readonly slowStatement: number
  /** What the pool is called in metrics; undefined where it is called by its address. */
  readonly poolName: string | undefined
}

/**
 * The database that is told of.
 *
 * @since 0.1.0
 * @category models
 */
export interface ObservedDatabase {
  readonly lexicon: Lexicon
  /** For people, as the settings have it. */
  readonly address: string
  /** The database by the options; a file, of SQLite. */
  readonly namespace: string | undefined
  /** Undefined for a database in this process. A socket has no port. */
  readonly server: { readonly address: string; readonly port: number | undefined } | undefined
}

const systemNames: Readonly<Record<ServerInfo["product"], string>> = {
  MySQL: "mysql",
  MariaDB: "mariadb",
  SQLite: "sqlite"
}

const attributesOf = (product: ServerInfo["product"], { namespace, server }: ObservedDatabase): Attributes => ({
  "db.system.name": systemNames[product],
  ...(namespace === undefined ? {} : { "db.namespace": namespace }),
  ...(server === undefined ? {} : { "server.address": server.address }),
  ...(server?.port === undefined ? {} : { "server.port": String(server.port) })
})

// ---------------------------------------------------------------------------------------------------------------------
// one statement

/** What is executed, of one request. */
type Called = Pick<Request, "sql" | "before"> & { readonly sets?: ManyRequest["sets"] }

/** One statement from its beginning to its end. */
class Watch {
  private readonly begun = performance.now()
  /** Since when the database is waited for; undefined while the program has rows to read. */
  private waitingSince: number | undefined = this.begun
  private waited = 0
  private isOver = false

  constructor(
    private readonly observed: ObservedConnection,
    private readonly called: Called,
    private readonly span: Tracer.Span | undefined,
    private readonly clock: Clock.Clock | undefined,
    private readonly labels: ReadonlyArray<MetricLabel.MetricLabel>,
    /** Of the text itself, which is summed up once. Undefined as long as nobody has asked. */
    private own?: SqlSummary
  ) {}

  /** The database is waited for. */
  resume(): void {
    this.waitingSince ??= performance.now()
  }

  /** The program has what it waited for, and may want more. */
  pause(now = performance.now()): void {
    if (this.waitingSince !== undefined) this.waited += now - this.waitingSince
    this.waitingSince = undefined
  }

  /** It is over, once. Gives what is to be logged. Rows are not for tracers. */
  end(exit: Exit.Exit<void, DriverError>): Effect.Effect<void> | undefined {
    if (this.isOver) return undefined
    this.isOver = true
    const now = performance.now()
    this.pause(now)
    const failure = Exit.isFailure(exit) ? failureOf(exit.cause) : undefined
    if (this.span !== undefined) this.endSpan(this.span, exit, failure)
    const { durations, settings } = this.observed
    durations?.note(operationOf(this.called, this.ownSummary), failure, now - this.begun, this.labels)
    return settings.slowStatement > 0 && this.waited >= settings.slowStatement ? this.slow(failure) : undefined
  }

  private get ownSummary(): SqlSummary {
    return (this.own ??= this.observed.own(this.called))
  }

  private endSpan(span: Tracer.Span, exit: Exit.Exit<void, DriverError>, failure: Failure | undefined): void {
    const isInterrupted = Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)
    if (failure !== undefined && !isInterrupted) {
      if (failure.status !== undefined) span.attribute("db.response.status_code", failure.status)
      span.attribute("error.type", failure.type)
    }
    const told = Exit.isFailure(exit) ? Exit.mapError(exit, withoutValues) : exit
    span.end(this.clock?.unsafeCurrentTimeNanos() ?? 0n, told)
  }

  private slow(failure: Failure | undefined): Effect.Effect<void> {
    const { address, id } = this.observed
    const { summary = "of another kind", text } = this.observed.summary(this.called, this.ownSummary)
    return Effect.logWarning(`slow statement: ${summary}`).pipe(
      Effect.annotateLogs({
        statement: text,
        milliseconds: Math.round(this.waited * 1000) / 1000,
        connection: id,
        address,
        ...(failure === undefined ? {} : { failed: failure.type })
      })
    )
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// one connection

/** What all connections of an engine have in common. */
interface Common {
  readonly settings: TelemetrySettings
  readonly database: ObservedDatabase
  readonly summaries: Summaries
  /** An address has one product, unless another server has taken its place. */
  readonly products: Map<ServerInfo["product"], OfProduct>
}

/** A span's name and attributes. */
interface Described {
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/** What is the same for all statements on one product. */
interface OfProduct {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly durations: Durations | undefined
  /** Of statements that are sent alone. */
  readonly described: WeakMap<SqlSummary, Described>
}

const ofProduct = (product: ServerInfo["product"], { settings, database }: Common): OfProduct => {
  const attributes = attributesOf(product, database)
  const port = database.server?.port
  return {
    // In spans it is a number.
    attributes: { ...attributes, ...(port === undefined ? {} : { "server.port": port }) },
    durations: settings.metrics ? new Durations(attributes) : undefined,
    described: new WeakMap()
  }
}

/** What is told of the statements of one connection. */
class ObservedConnection {
  readonly settings: TelemetrySettings
  readonly address: string
  readonly id: string
  private readonly product: OfProduct
  /** Statements are watched whether or not a tracer listens. */
  private readonly isAlways: boolean

  constructor(
    private readonly connection: DriverConnection,
    private readonly common: Common
  ) {
    const { settings, database, products } = common
    const { product } = connection.server
    this.settings = settings
    this.address = database.address
    this.id = connection.id
    this.isAlways = settings.metrics || settings.slowStatement > 0
    this.product = products.get(product) ?? ofProduct(product, common)
    products.set(product, this.product)
  }

  get durations(): Durations | undefined {
    return this.product.durations
  }

  /** The connection whose statements are told of. */
  get observed(): DriverConnection {
    const { connection } = this
    return executingBy(connection, {
      execute: (request) => this.watching(request, () => connection.execute(request), answered),
      start: this.start,
      executeMany: (request) => this.watching(request, () => connection.executeMany(request), answered),
      stream: (request) => this.watching(request, () => connection.stream(request), streamed)
    })
  }

  /** As the driver's own, where nobody wants to know. */
  private get start(): Start | undefined {
    const { start } = this.connection
    if (start === undefined || this.isAlways) return undefined
    return (request, done) => {
      const fiber = Fiber.getCurrentFiber()
      return Option.isSome(fiber) && isTraced(fiber.value) ? undefined : start(request, done)
    }
  }

  /** Runs a request as it is where nobody wants to know, and else with a watch that `done` has when it is answered. */
  private watching<A>(
    called: Called,
    run: () => Effect.Effect<A, DriverError>,
    done: (answer: A, watch: Watch) => Effect.Effect<A>
  ): Effect.Effect<A, DriverError> {
    return Effect.withFiberRuntime((fiber) => {
      const isSeen = this.settings.spans && isTraced(fiber)
      if (!isSeen && !this.isAlways) return run()
      const labels = fiber.getFiberRef(FiberRef.currentMetricLabels)
      if (isSeen) return this.traced(fiber, called, labels, run, done)
      return Effect.uninterruptibleMask((restore) =>
        watched(restore(run()), new Watch(this, called, undefined, undefined, labels), done)
      )
    })
  }

  private traced<A>(
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    called: Called,
    labels: ReadonlyArray<MetricLabel.MetricLabel>,
    run: () => Effect.Effect<A, DriverError>,
    done: (answer: A, watch: Watch) => Effect.Effect<A>
  ): Effect.Effect<A, DriverError> {
    const own = this.own(called)
    const { name, attributes } = this.described(called, own)
    const clock = fiber.getFiberRef(FiberRef.currentTracerTimingEnabled)
      ? Context.get(fiber.getFiberRef(DefaultServices.currentServices), Clock.Clock)
      : undefined
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.makeSpan(name, { ...clientSpan, attributes }), (span) =>
        watched(restore(run()), new Watch(this, called, span, clock, labels, own), done)
      )
    )
  }

  /** The name and the attributes of a span. */
  private described(called: Called, own: SqlSummary): Described {
    const told = this.summary(called, own)
    const known = this.product.described.get(told)
    if (known !== undefined) return known
    const { summary, text } = told
    const operation = operationOf(called, own)
    const described: Described = {
      name: summary ?? this.common.database.namespace ?? String(this.product.attributes["db.system.name"]),
      attributes: {
        ...this.product.attributes,
        ...(operation === undefined ? {} : { "db.operation.name": operation }),
        ...(summary === undefined ? {} : { "db.query.summary": summary }),
        ...(isBatch(called) ? { "db.operation.batch.size": called.sets.length } : {}),
        "db.query.text": text
      }
    }
    // What is told of several statements at once is made anew each time, and found never again.
    this.product.described.set(told, described)
    return described
  }

  /** What may be told of a request's own text. Long ones are summed up anew each time. */
  readonly own = ({ sql }: Called): SqlSummary => this.common.summaries.of(sql)

  /** What may be told of a request, and of the statements that go before its own, such as BEGIN. */
  summary(called: Called, own: SqlSummary): SqlSummary {
    const { summaries } = this.common
    if (!isBatch(called) && called.before.length === 0) return own
    return {
      operation: own.operation,
      summary: isBatch(called) && own.summary !== undefined ? `BATCH ${own.summary}` : own.summary,
      text: [...called.before.map((sql) => summaries.of(sql).text), own.text].join("; ")
    }
  }
}

/** Fewer than two are no batch. */
const isBatch = (called: Called): called is Called & { readonly sets: ManyRequest["sets"] } =>
  called.sets !== undefined && called.sets.length > 1

const operationOf = (called: Called, { operation }: SqlSummary): string | undefined =>
  isBatch(called) && operation !== undefined ? `BATCH ${operation}` : operation

/** What is run in a region that cannot be interrupted, but for itself. */
const watched = <A>(
  run: Effect.Effect<A, DriverError>,
  watch: Watch,
  done: (answer: A, watch: Watch) => Effect.Effect<A>
): Effect.Effect<A, DriverError> =>
  Effect.matchCauseEffect(run, {
    onFailure: (cause) => {
      const failed = Exit.failCause(cause)
      const log = watch.end(failed)
      return log === undefined ? failed : Effect.zipRight(log, failed)
    },
    onSuccess: (answer) => done(answer, watch)
  })

/** A statement is over with its answer. */
const answered = <A>(answer: A, watch: Watch): Effect.Effect<A> => {
  const log = watch.end(Exit.void)
  return log === undefined ? Effect.succeed(answer) : Effect.as(log, answer)
}

/** A stream is over with its last row, with what reading one failed with, or when it is closed. */
const streamed = (stream: RowStream, watch: Watch): Effect.Effect<RowStream> => {
  watch.pause()
  return Effect.succeed(watchedStream(stream, watch))
}

const watchedStream = (stream: RowStream, watch: Watch): RowStream => {
  const ended = Effect.suspend(() => watch.end(Exit.void) ?? Effect.void)
  const step = <A>(run: Effect.Effect<A, DriverError>, isLast: (answer: A) => boolean): Effect.Effect<A, DriverError> =>
    Effect.uninterruptibleMask((restore) => {
      watch.resume()
      return watched(restore(run), watch, (answer) => {
        watch.pause()
        return isLast(answer) ? Effect.as(ended, answer) : Effect.succeed(answer)
      })
    })
  return {
    columns: stream.columns,
    pull: step(
      Effect.suspend(() => stream.pull),
      (rows) => rows === undefined && stream.end()?.hasNext !== true
    ),
    end: () => stream.end(),
    next: Effect.map(
      step(
        Effect.suspend(() => stream.next),
        (next) => next === undefined
      ),
      (next) => (next === undefined ? undefined : watchedStream(next, watch))
    ),
    close: Effect.zipRight(
      Effect.suspend(() => stream.close),
      ended
    )
  }
}

/**
 * The same driver, whose connections tell of their statements.
 *
 * @since 0.1.0
 * @category combinators
 */
export const observing = (driver: Driver, settings: TelemetrySettings, database: ObservedDatabase): Driver => {
  const common: Common = { settings, database, summaries: new Summaries(database.lexicon), products: new Map() }
  return {
    name: driver.name,
    connect: Effect.map(driver.connect, (connection) => new ObservedConnection(connection, common).observed)
  }
}

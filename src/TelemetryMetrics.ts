/**
 * The metrics of OpenTelemetry's conventions for databases, as Effect's metrics: how long operations take, and what is in
 * a pool.
 *
 * https://opentelemetry.io/docs/specs/semconv/database/database-metrics/
 *
 * @since 0.1.0
 */
import { Cause, Effect, Metric, MetricBoundaries, MetricKey, MetricLabel, Option, type Scope } from "effect"
import { type DriverError, type PoolNumbers, withFields } from "./Errors.js"
import type { Observer } from "./LeasePool.js"

/**
 * Names and values of a metric's attributes.
 *
 * @since 0.1.0
 * @category models
 */
export type Attributes = Readonly<Record<string, string>>

type Labels = ReadonlyArray<MetricLabel.MetricLabel>

const noLabels: Labels = []

/** The convention's, in seconds. */
const boundaries = MetricBoundaries.fromIterable([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])

/** Exporters of Effect's metrics read the unit from this label. */
const labelsOf = (unit: string, attributes: Attributes): Labels =>
  Object.entries({ ...attributes, unit }).map(([name, value]) => MetricLabel.make(name, value))

// Metrics that are made of a key with all its labels are found at once; Metric.tagged would look them up at each update.

const seconds = (name: string, description: string, attributes: Attributes): Metric.Metric.Histogram<number> =>
  Metric.fromMetricKey(
    MetricKey.taggedWithLabels(MetricKey.histogram(name, boundaries, description), labelsOf("s", attributes))
  )

/** What goes up and down, by what it has changed: pools of one name add up. */
const amount = (
  name: string,
  description: string,
  unit: string,
  attributes: Attributes,
  incremental = false
): Metric.Metric.Counter<number> =>
  Metric.fromMetricKey(
    MetricKey.taggedWithLabels(MetricKey.counter(name, { description, incremental }), labelsOf(unit, attributes))
  )

// ---------------------------------------------------------------------------------------------------------------------
// operations

/**
 * What an operation failed with. `status` is the database's own number.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failure {
  readonly type: string
  readonly status: string | undefined
}

/**
 * What an operation failed with, by the convention's words: the database's number, or the tag of the error.
 *
 * @since 0.1.0
 * @category models
 */
export const failureOf = (cause: Cause.Cause<DriverError>): Failure => {
  const error = Option.getOrUndefined(Cause.failureOption(cause))
  if (error !== undefined) {
    const status = error.errno === undefined ? undefined : String(error.errno)
    return { type: status ?? error._tag, status }
  }
  return { type: Cause.isInterruptedOnly(cause) ? "InterruptedException" : "_OTHER", status: undefined }
}

/**
 * An error of the same class that says its class, its reason and the database's number: `OperationalError Deadlock (1213)`.
 * Databases quote texts, keys and values in what they say, and a program can raise errors that say anything.
 *
 * @since 0.1.0
 * @category models
 */
export const withoutValues = (error: DriverError): DriverError => {
  const { _tag, errno } = error
  return withFields(error, {
    message: `${_tag} ${error.reason}${errno === undefined ? "" : ` (${errno})`}`,
    sqlState: undefined,
    statement: undefined,
    constraint: undefined,
    cause: undefined
  })
}

/** Metrics of one `Durations`: Effect keeps each for as long as the process lives. */
const mostMetrics = 500

/** Beyond so many metrics no number of a failure is new: a program can raise errors of any, and operations need room. */
const mostWithNumbers = 300

/** Two are for what has no room: what succeeds, and what fails. */
const mostWithOperations = mostMetrics - 2

const otherFailure: Failure = { type: "_OTHER", status: undefined }

const keyOf = (operation: string | undefined, failure: Failure | undefined): string =>
  `${operation ?? ""}/${failure?.type ?? ""}`

/**
 * How long the operations of an engine take: `db.client.operation.duration`.
 *
 * @since 0.1.0
 * @category metrics
 */
export class Durations {
  private readonly metrics = new Map<string, Metric.Metric.Histogram<number>>()

  constructor(private readonly attributes: Attributes) {}

  /** `labels` are those that the fiber gives to its metrics. */
  note(operation: string | undefined, failure: Failure | undefined, milliseconds: number, labels: Labels): void {
    this.metric(operation, failure).unsafeUpdate(milliseconds / 1000, labels)
  }

  /** As much is told apart as there is room for. */
  private metric(operation: string | undefined, failure: Failure | undefined): Metric.Metric.Histogram<number> {
    if (failure === undefined)
      return this.within(mostWithOperations, operation, undefined) ?? this.of(undefined, undefined)
    return (
      this.within(mostWithNumbers, operation, failure) ??
      this.within(mostWithOperations, operation, otherFailure) ??
      this.of(undefined, otherFailure)
    )
  }

  /** The metric that there is, or a new one where there are fewer than so many. */
  private within(
    most: number,
    operation: string | undefined,
    failure: Failure | undefined
  ): Metric.Metric.Histogram<number> | undefined {
    return this.metrics.size < most ? this.of(operation, failure) : this.metrics.get(keyOf(operation, failure))
  }

  private of(operation: string | undefined, failure: Failure | undefined): Metric.Metric.Histogram<number> {
    const key = keyOf(operation, failure)
    const known = this.metrics.get(key)
    if (known !== undefined) return known
    const metric = this.make(operation, failure)
    this.metrics.set(key, metric)
    return metric
  }

  private make(operation: string | undefined, failure: Failure | undefined): Metric.Metric.Histogram<number> {
    return seconds("db.client.operation.duration", "How long operations of the database client take.", {
      ...this.attributes,
      ...(operation === undefined ? {} : { "db.operation.name": operation }),
      ...(failure === undefined ? {} : { "error.type": failure.type }),
      ...(failure?.status === undefined ? {} : { "db.response.status_code": failure.status })
    })
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// pools

/**
 * What a pool's metrics are told of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface PoolOfMetrics {
  /** `db.client.connection.pool.name` */
  readonly name: string
  readonly minSize: number
  /** 0 is unlimited. */
  readonly maxSize: number
}

/** What stands in the metrics of one pool. */
class PoolMetrics implements Observer {
  private readonly idle: Metric.Metric.Counter<number>
  private readonly used: Metric.Metric.Counter<number>
  private readonly pending: Metric.Metric.Counter<number>
  private readonly timeouts: Metric.Metric.Counter<number>
  private readonly createTime: Metric.Metric.Histogram<number>
  private readonly waitTime: Metric.Metric.Histogram<number>
  private readonly useTime: Metric.Metric.Histogram<number>
  private readonly limits: ReadonlyArray<readonly [Metric.Metric.Counter<number>, number]>
  private told: Pick<PoolNumbers, "idle" | "used" | "waiting"> = { idle: 0, used: 0, waiting: 0 }

  constructor({ name, minSize, maxSize }: PoolOfMetrics) {
    const pool = { "db.client.connection.pool.name": name }
    const connections = (metric: string, description: string, attributes: Attributes = pool) =>
      amount(`db.client.connection.${metric}`, description, "{connection}", attributes)
    const time = (metric: string, description: string) => seconds(`db.client.connection.${metric}`, description, pool)
    const count = (state: string) =>
      connections("count", "Connections that are in the state.", { ...pool, "db.client.connection.state": state })
    this.idle = count("idle")
    this.used = count("used")
    this.pending = amount(
      "db.client.connection.pending_requests",
      "Requests that wait for an open connection.",
      "{request}",
      pool
    )
    this.timeouts = amount(
      "db.client.connection.timeouts",
      "Requests whose time was over before there was a connection.",
      "{timeout}",
      pool,
      true
    )
    this.createTime = time("create_time", "How long it took to open a connection.")
    this.waitTime = time("wait_time", "How long it took to get an open connection from the pool.")
    this.useTime = time("use_time", "How long a connection was lent.")
    this.limits = [
      [connections("idle.min", "Idle connections that are kept."), minSize],
      // A pool without a limit has none to tell.
      ...(maxSize === 0
        ? []
        : [
            [connections("idle.max", "Idle connections at the most."), maxSize] as const,
            [connections("max", "Open connections at the most."), maxSize] as const
          ])
    ]
  }

  open(): void {
    for (const [limit, value] of this.limits) limit.unsafeUpdate(value, noLabels)
    for (const each of [this.idle, this.used, this.pending, this.timeouts]) each.unsafeUpdate(0, noLabels)
  }

  close(): void {
    for (const [limit, value] of this.limits) limit.unsafeUpdate(-value, noLabels)
    this.changed({ idle: 0, used: 0, waiting: 0 })
  }

  created(milliseconds: number): void {
    this.createTime.unsafeUpdate(milliseconds / 1000, noLabels)
  }

  waited(milliseconds: number): void {
    this.waitTime.unsafeUpdate(milliseconds / 1000, noLabels)
  }

  returned(milliseconds: number): void {
    this.useTime.unsafeUpdate(milliseconds / 1000, noLabels)
  }

  timedOut(): void {
    this.timeouts.unsafeUpdate(1, noLabels)
  }

  changed({ idle, used, waiting }: Pick<PoolNumbers, "idle" | "used" | "waiting">): void {
    const { told } = this
    if (idle !== told.idle) this.idle.unsafeUpdate(idle - told.idle, noLabels)
    if (used !== told.used) this.used.unsafeUpdate(used - told.used, noLabels)
    if (waiting !== told.waiting) this.pending.unsafeUpdate(waiting - told.waiting, noLabels)
    this.told = { idle, used, waiting }
  }
}

/**
 * Observes a pool, and tells its metrics until the scope ends: then the pool counts for nothing in them.
 *
 * @since 0.1.0
 * @category metrics
 */
export const observerOf = (pool: PoolOfMetrics): Effect.Effect<Observer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const metrics = new PoolMetrics(pool)
      metrics.open()
      return metrics
    }),
    (metrics) => Effect.sync(() => metrics.close())
  )

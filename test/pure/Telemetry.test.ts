// The option `telemetry`, and what it makes of a driver.
import { describe, expect, it } from "@effect/vitest"
import { Cause, ConfigProvider, Config, Effect, Either, Exit, Metric } from "effect"
import { type Connection, Engine, Errors, Options, type Pool } from "effect-sa"
import { optionsOf } from "effect-sa/DatabaseConfig"
import type { Request } from "effect-sa/Driver"
import { lexicon as mysql } from "effect-sa/mysql/MysqlDialect"
import { read as readSqlClientConfig } from "effect-sa/SqlClientConfig"
import { observing, type TelemetrySettings } from "effect-sa/Telemetry"
import { Durations } from "effect-sa/TelemetryMetrics"
import { defaultValueOptions } from "effect-sa/Value"
import { endOf, listening, saidBy } from "../support/tracing.js"

const read = (options: object): Either.Either<Options.Settings, Errors.ArgumentError> =>
  Effect.runSync(Effect.either(Options.settings(options as Options.Options)))

const telemetryOf = (telemetry: unknown) => Either.map(read({ telemetry }), (settings) => settings.telemetry)

const refused = (options: object): string => {
  const found = Either.flip(read(options))
  return Either.isRight(found) ? found.right.message : "accepted"
}

describe("the option telemetry", () => {
  it("is spans, and nothing else, where nothing is said", () => {
    const byDefault = { spans: true, metrics: false, slowStatement: 0, poolName: undefined }
    expect(Either.getOrThrow(telemetryOf(undefined))).toEqual(byDefault)
    expect(Either.getOrThrow(telemetryOf({}))).toEqual(byDefault)
  })

  it("has each of its members, on every database", () => {
    const telemetry = { spans: false, metrics: true, slowStatement: "2 seconds", poolName: "orders" }
    for (const url of ["mysql://app@db/shop", "sqlite::memory:"])
      expect(Either.getOrThrow(read({ url, telemetry })).telemetry).toEqual({
        spans: false,
        metrics: true,
        slowStatement: 2_000,
        poolName: "orders"
      })
    expect(Either.getOrThrow(telemetryOf({ slowStatement: "infinity" })).slowStatement).toBe(0)
  })

  it("is refused by the name of the member that is wrong, or that there is not", () => {
    for (const [telemetry, message] of [
      [{ spans: "yes" }, /^telemetry\.spans: expected true or false, got string$/],
      [{ metrics: 2 }, /^telemetry\.metrics: expected true or false/],
      [{ slowStatement: "soon" }, /^telemetry\.slowStatement: expected a duration/],
      [{ slowStatement: -5 }, /^telemetry\.slowStatement: /],
      [{ metrics: true, poolName: "" }, /^telemetry\.poolName: /],
      [{ poolName: "orders" }, /^telemetry\.poolName: expected metrics: true as well/],
      [{ traces: true }, /^telemetry\.traces: expected one of the options for telemetry/],
      [{ "a b": true }, /^telemetry: /],
      [true, /^telemetry: expected an object of spans, metrics, slowStatement, poolName, got boolean$/],
      [null, /^telemetry: .*got null$/],
      [["spans"], /^telemetry: .*got array$/],
      [new Map([["metrics", true]]), /^telemetry: expected an object of/],
      [new Set(["metrics"]), /^telemetry: /],
      [new Date(0), /^telemetry: /],
      [() => ({}), /^telemetry: /],
      [Object.create({ metrics: true }), /^telemetry: /],
      [
        new (class {
          readonly metrics = true
        })(),
        /^telemetry: /
      ]
    ] as const)
      expect([telemetry, refused({ telemetry })]).toEqual([telemetry, expect.stringMatching(message)])
  })

  it("may be an object without a prototype", () => {
    const telemetry = Object.assign(Object.create(null), { metrics: true })
    expect(Either.getOrThrow(telemetryOf(telemetry)).metrics).toBe(true)
  })

  it("stands in no URL", () => {
    for (const url of ["mysql://db/shop?telemetry=true", "sqlite::memory:?telemetry=true"])
      expect(refused({ url })).toMatch(/^telemetry: expected an object/)
    expect(refused({ url: "mysql://db/shop?slowStatement=5" })).toMatch(/^slowStatement: .*not known/)
  })

  it("goes through the configurations of databases and of clients for @effect/sql", () => {
    const telemetry = { metrics: true, slowStatement: 250 }
    const options = Effect.runSync(
      optionsOf({ database_uri: "sqlite+aiosqlite:///:memory:", connect_args: { telemetry } })
    )
    expect(Either.getOrThrow(read(options)).telemetry).toMatchObject(telemetry)
    const wrong = Effect.runSync(
      Effect.flip(optionsOf({ database_uri: "sqlite::memory:", connect_args: { telemetry: { spans: 1.5 } } }))
    )
    expect(wrong.argument).toBe("telemetry.spans")
    const client = Either.getOrThrow(readSqlClientConfig({ url: "mysql://app@db/shop", telemetry }))
    expect(Either.getOrThrow(read(client.options)).telemetry).toMatchObject(telemetry)
  })

  it.effect("can be read from a configuration, member by member", () =>
    Effect.gen(function* () {
      const config: Config.Config<Pool.PoolOptions> = Config.unwrap<Pool.PoolOptions>({
        telemetry: { metrics: Config.boolean("METRICS"), slowStatement: Config.duration("SLOW") }
      })
      const options = yield* Effect.withConfigProvider(
        config,
        ConfigProvider.fromMap(
          new Map([
            ["METRICS", "true"],
            ["SLOW", "2 seconds"]
          ])
        )
      )
      expect(Either.getOrThrow(read(options)).telemetry).toMatchObject({ metrics: true, slowStatement: 2_000 })
    })
  )

  it.live("without anything to tell leaves the connections of the driver as they are", () =>
    Effect.gen(function* () {
      const driverOf = (telemetry: Options.TelemetryOptions | undefined) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { driver } = yield* Options.settings(telemetry === undefined ? {} : { telemetry })
            const connection = yield* (yield* driver).connect
            return Object.getPrototypeOf(connection) === Object.prototype
          })
        )
      // The driver's own is an instance of a class.
      expect([yield* driverOf({ spans: false }), yield* driverOf(undefined)]).toEqual([false, true])
    })
  )

  it.live("does not change what a connection says of itself", () =>
    Effect.gen(function* () {
      const seen = (telemetry: Options.TelemetryOptions) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { pool } = yield* Engine.make({ telemetry })
            const of = (connection: Connection.Connection) => ({
              state: connection.state(),
              status: connection.status(),
              server: connection.server,
              isStalled: connection.isStalled(),
              isSpent: connection.isSpent()
            })
            const connection = yield* pool.acquire
            yield* connection.ping(1_000)
            expect(yield* connection.warnings).toEqual([])
            const before = of(connection)
            connection.terminate()
            return [before, of(connection)]
          })
        )
      expect(yield* seen({ spans: true, metrics: true })).toEqual(yield* seen({ spans: false }))
    })
  )
})

const nothing: TelemetrySettings = { spans: false, metrics: false, slowStatement: 0, poolName: undefined }

/** The driver of a database in memory, which tells of its statements; and how often a text was summed up for that. */
const counted = (settings: Partial<TelemetrySettings>) =>
  Effect.gen(function* () {
    let times = 0
    // It is copied each time that a text is read.
    const lexicon = new Proxy(mysql, {
      ownKeys: (target) => {
        times++
        return Reflect.ownKeys(target)
      }
    })
    const { driver } = yield* Options.settings({ telemetry: { spans: false } })
    const database = { lexicon, address: "here", namespace: undefined, server: undefined }
    const connection = yield* observing(yield* driver, { ...nothing, ...settings }, database).connect
    return { connection, times: () => times }
  })

const request = (sql: string): Request => ({
  sql,
  parameters: [],
  values: defaultValueOptions,
  timeout: 0,
  before: [],
  shared: false
})

describe("what is told of a statement", () => {
  it.scopedLive("is made once of its text, also where that is too long to be kept", () =>
    Effect.gen(function* () {
      const { tracer } = listening()
      const long = `SELECT 1 IN (${"1, ".repeat(2_000)} 1) AS one`
      for (const settings of [
        { spans: true },
        { spans: true, metrics: true, slowStatement: 0.000_001 },
        { metrics: true, slowStatement: 0.000_001 }
      ]) {
        const { connection, times } = yield* counted(settings)
        yield* Effect.withTracer(connection.execute(request(long)), tracer)
        expect([settings, times()]).toEqual([settings, 1])
      }
    })
  )
})

/** One of each class, as databases would word it. */
const failures: ReadonlyArray<readonly [Errors.DriverError, string]> = [
  [new Errors.InterfaceError({ reason: "Protocol", message: "s3cr3t" }), "InterfaceError Protocol"],
  [new Errors.DataError({ reason: "TooLong", message: "s3cr3t", errno: 1406 }), "DataError TooLong (1406)"],
  [
    new Errors.OperationalError({ reason: "Deadlock", message: "s3cr3t", errno: 1213 }),
    "OperationalError Deadlock (1213)"
  ],
  [
    new Errors.IntegrityError({
      reason: "UniqueViolation",
      message: "s3cr3t",
      errno: 1062,
      statement: "s3cr3t",
      constraint: "s3cr3t",
      cause: new Error("s3cr3t")
    }),
    "IntegrityError UniqueViolation (1062)"
  ],
  [new Errors.InternalError({ reason: "Corrupt", message: "s3cr3t", errno: 11 }), "InternalError Corrupt (11)"],
  [
    new Errors.ProgrammingError({ reason: "Syntax", message: "near 's3cr3t'", errno: 1064 }),
    "ProgrammingError Syntax (1064)"
  ],
  [new Errors.NotSupportedError({ reason: "NotSupported", message: "s3cr3t" }), "NotSupportedError NotSupported"]
]

describe("the span of what fails", () => {
  it.scopedLive("has the class of the error, its reason and its number, and nothing that the database said", () =>
    Effect.gen(function* () {
      const { driver } = yield* Options.settings({ telemetry: { spans: false } })
      const real = yield* driver
      const database = { lexicon: mysql, address: "here", namespace: undefined, server: undefined }
      for (const [error, message] of failures) {
        const failing = {
          ...real,
          connect: Effect.map(
            real.connect,
            (connection) =>
              new Proxy(connection, {
                get: (of, name) => (name === "execute" ? () => Effect.fail(error) : Reflect.get(of, name, of))
              })
          )
        }
        const { spans, tracer } = listening()
        const connection = yield* observing(failing, { ...nothing, spans: true }, database).connect
        const exit = yield* Effect.exit(Effect.withTracer(connection.execute(request("SELECT 1")), tracer))
        // The program has the error itself.
        expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe(error)
        const [span] = spans
        const ended = span?.exit()
        const told = ended?._tag === "Failure" ? Cause.squash(ended.cause) : undefined
        expect(told).toMatchObject({ _tag: error._tag, reason: error.reason, message })
        expect(Object.getPrototypeOf(told)).toBe(Object.getPrototypeOf(error))
        expect([span && endOf(span), span && saidBy(span)]).toEqual(["failure", expect.stringContaining(message)])
        expect(span && saidBy(span)).not.toContain("s3cr3t")
        expect(JSON.stringify(told)).not.toContain("s3cr3t")
      }
    })
  )
})

describe("the durations of operations", () => {
  it.live("are no more than 500 metrics, whatever succeeds and fails", () =>
    Effect.gen(function* () {
      const namespace = "bounded durations"
      const durations = new Durations({ "db.namespace": namespace })
      const note = (operation: string | undefined, type: string | undefined): void =>
        durations.note(operation, type === undefined ? undefined : { type, status: type }, 1, [])
      for (let i = 0; i < 300; i++) {
        note(`A${i}`, undefined)
        note(`A${i % 7}`, `${i}`)
      }
      for (let i = 0; i < 1_000; i++) {
        note(`B${i}`, undefined)
        note(`C${i}`, `${i}`)
        note(undefined, `${i}`)
      }
      const all = yield* Metric.snapshot
      const states = all.flatMap(({ metricKey, metricState }) =>
        metricKey.tags.some(({ value }) => value === namespace) && "count" in metricState ? [metricState.count] : []
      )
      expect(states.length).toBeLessThanOrEqual(500)
      expect(states.length).toBeGreaterThan(300)
      // Nothing is lost.
      expect(states.reduce<number>((sum, each) => sum + Number(each), 0)).toBe(3_600)
    })
  )
})

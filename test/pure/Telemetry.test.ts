// The option `telemetry`, and what it makes of a driver.
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Config, Effect, Either } from "effect"
import { type Connection, Engine, type Errors, Options, type Pool } from "effect-sa"
import { optionsOf } from "effect-sa/DatabaseConfig"
import { read as readSqlClientConfig } from "effect-sa/SqlClientConfig"

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
      [["spans"], /^telemetry: .*got array$/]
    ] as const)
      expect([telemetry, refused({ telemetry })]).toEqual([telemetry, expect.stringMatching(message)])
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

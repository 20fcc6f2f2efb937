import { Duration, Either, Redacted } from "effect"
import { read, type SqlClientConfig } from "effect-sa/SqlClientConfig"
import { describe, expect, it } from "vitest"

const optionsOf = (config: SqlClientConfig) => Either.getOrThrow(read(config)).options

describe("the configuration of the client for @effect/sql", () => {
  it("gives each member of sql-mysql2's the meaning that it has there", () => {
    const password = Redacted.make("secret")
    expect(
      optionsOf({
        host: "db",
        port: 3307,
        database: "shop",
        username: "app",
        password,
        maxConnections: 7,
        connectionTTL: "2 minutes"
      })
    ).toMatchObject({
      host: "db",
      port: 3307,
      database: "shop",
      user: "app",
      password,
      maxSize: 7,
      idleTimeout: Duration.toMillis("2 minutes"),
      multiStatements: true,
      minSize: 1,
      allowPublicKeyRetrieval: true
    })
  })

  it("leaves to the options what is wrong in an URL or in a time, and throws nothing", () => {
    expect(optionsOf({ url: "mysql://app:secret@db/%zz" })).toMatchObject({ url: "mysql://app:secret@db/%zz" })
    // @ts-expect-error: no duration.
    expect(optionsOf({ connectionTTL: "soon" })).toMatchObject({ idleTimeout: "soon" })
    // @ts-expect-error: no options.
    const refused = read({ poolConfig: null })
    expect(Either.isLeft(refused) && refused.left).toMatchObject({ argument: "poolConfig" })
  })

  it("lets an URL hold over host, port, user, password and database", () => {
    const options = optionsOf({ url: "mysql://app@db/shop", host: "other", username: "other", database: "other" })
    expect(options).toMatchObject({ url: "mysql://app@db/shop" })
    expect([options.host, options.user, options.database]).toEqual([undefined, undefined, undefined])
  })

  it("gives what mysql2's options mean here", () => {
    expect(
      optionsOf({
        poolConfig: {
          queueLimit: 4,
          connectionLimit: 6,
          connectTimeout: 500,
          maxPreparedStatements: 9,
          charset: "utf8mb4_bin",
          ssl: { ca: "-----BEGIN CERTIFICATE-----", rejectUnauthorized: true }
        }
      })
    ).toMatchObject({
      maxWaiters: 4,
      maxSize: 6,
      connectTimeout: 500,
      statementCacheSize: 9,
      collation: "utf8mb4_bin",
      tls: { ca: "-----BEGIN CERTIFICATE-----", verify: "ca" }
    })
  })

  it("refuses mysql2's options by name where they would do nothing, and shows no values", () => {
    const refused = [
      { dateStrings: true },
      { timezone: "Z" as const },
      { ssl: "Amazon RDS" },
      { infileStreamFactory: () => undefined as never }
    ]
    for (const poolConfig of refused) {
      const [name] = Object.keys(poolConfig)
      const error = Either.getOrThrow(Either.flip(read({ poolConfig })))
      expect(error.argument).toBe(`poolConfig.${name}`)
      expect(error.message).not.toContain("Amazon")
    }
  })

  it("says where the server is, for spans, by the URL where there is one", () => {
    const { spanAttributes } = Either.getOrThrow(
      read({
        url: Redacted.make("mysql://app:secret@db.internal:3307/shop"),
        host: "other",
        spanAttributes: { team: "a" }
      })
    )
    expect(Object.fromEntries(spanAttributes)).toEqual({
      team: "a",
      "db.system.name": "mysql",
      "server.address": "db.internal",
      "server.port": 3307,
      "db.namespace": "shop"
    })
  })
})

import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Options } from "effect-sa"
import * as DatabaseConfig from "effect-sa/DatabaseConfig"

const mysql = "mysql+aiomysql://app:pass-word@db.internal:3306/shop"
const sqlite = "sqlite+aiosqlite:///:memory:?cache=shared"

/** The settings that a configuration comes to. */
const settingsOf = (config: DatabaseConfig.Config) => Effect.flatMap(DatabaseConfig.optionsOf(config), Options.settings)

/** What is wrong with a configuration, which need not be of its type. */
const refusalOf = (config: unknown) => Effect.flip(DatabaseConfig.optionsOf(config as DatabaseConfig.Config))

describe("DatabaseConfig", () => {
  it.effect("makes each parameter the option that it is here", () =>
    Effect.gen(function* () {
      const { pool, echo, address, user } = yield* settingsOf({
        database_uri: Redacted.make(mysql),
        echo: true,
        hide_parameters: false,
        future: true,
        pool_pre_ping: true,
        pool_size: 7,
        max_overflow: 3,
        pool_recycle: 3600,
        pool_timeout: 1.5,
        pool_use_lifo: true,
        query_cache_size: 100,
        isolation_level: "READ COMMITTED",
        connect_args: { connect_timeout: 2, init_command: "SET @a = 1", local_infile: true, program_name: "shop" }
      })
      expect([address, user]).toEqual(["db.internal:3306/shop", "app"])
      expect(echo).toEqual({ logParameters: true })
      expect(pool).toMatchObject({ maxSize: 10, validateAfter: 0, recycle: 3_600_000, acquireTimeout: 1500 })
    })
  )

  it.effect("gives options under their names, times in milliseconds", () =>
    Effect.gen(function* () {
      const { url, ...options } = yield* DatabaseConfig.optionsOf({
        database_uri: mysql,
        pool_recycle: -1,
        query_cache_size: 100,
        isolation_level: "REPEATABLE-READ",
        connect_args: {
          connect_timeout: 2,
          db: undefined,
          unix_socket: undefined,
          sqlMode: "ANSI_QUOTES",
          charset: "utf8mb4"
        }
      })
      expect(Redacted.isRedacted(url)).toBe(true)
      expect(options).toEqual({
        recycle: -1,
        statementCacheSize: 100,
        isolationLevel: "repeatable read",
        connectTimeout: 2000,
        sqlMode: "ANSI_QUOTES",
        charset: "utf8mb4"
      })
    })
  )

  it.effect("adds the overflow to the size of the pool, as SQLAlchemy does", () =>
    Effect.gen(function* () {
      const maxSizeOf = (config: object) =>
        Effect.map(settingsOf({ database_uri: mysql, ...config }), ({ pool }) => pool.maxSize)
      expect(yield* maxSizeOf({})).toBe(10)
      expect(yield* maxSizeOf({ pool_size: 5, max_overflow: 10 })).toBe(15)
      expect(yield* maxSizeOf({ pool_size: 5, max_overflow: 0 })).toBe(5)
      expect(yield* maxSizeOf({ pool_size: 5 })).toBe(15)
      expect(yield* maxSizeOf({ max_overflow: 2 })).toBe(7)
      expect(yield* maxSizeOf({ pool_size: 0 })).toBe(0)
      expect(yield* maxSizeOf({ pool_size: 5, max_overflow: -1 })).toBe(0)
    })
  )

  it.effect("takes what SQLite has, a shared database in memory too", () =>
    Effect.gen(function* () {
      const settings = yield* settingsOf({
        database_uri: sqlite,
        echo: false,
        future: true,
        pool_recycle: 3600,
        pool_pre_ping: false,
        isolation_level: "SERIALIZABLE",
        hide_parameters: true,
        connect_args: { timeout: 3, check_same_thread: false }
      })
      expect([settings.address, settings.dialect.name]).toEqual([":memory:", "sqlite"])
    })
  )

  it.effect("refuses by its name what the database does not support", () =>
    Effect.gen(function* () {
      for (const name of ["pool_size", "max_overflow", "pool_timeout"]) {
        const error = yield* refusalOf({ database_uri: sqlite, [name]: 5 })
        expect([error._tag, error.argument, error.given]).toEqual([
          "ArgumentError",
          name,
          "a parameter that SQLite does not have"
        ])
      }
      expect((yield* refusalOf({ database_uri: sqlite, isolation_level: "READ COMMITTED" })).argument).toBe(
        "isolation_level"
      )
    })
  )

  it.effect("refuses by its name what is not known", () =>
    Effect.gen(function* () {
      for (const name of [
        "poolclass",
        "pool_sise",
        "execution_options",
        "echo_pool",
        "maxSize",
        "__proto__x",
        "constructor"
      ]) {
        for (const database_uri of [sqlite, mysql]) {
          const error = yield* refusalOf({ database_uri, [name]: 5 })
          expect([error.argument, error.given]).toEqual([name, "a parameter that is not known"])
        }
      }
      expect((yield* refusalOf({ database_uri: mysql, connect_args: { nonsense: 1 } })).argument).toBe(
        "connect_args.nonsense"
      )
      expect((yield* refusalOf({ database_uri: sqlite, connect_args: { init_command: "x" } })).argument).toBe(
        "connect_args.initCommand"
      )
      expect((yield* refusalOf({ database_uri: mysql, connect_args: { url: mysql } })).argument).toBe(
        "connect_args.url"
      )
      expect((yield* refusalOf({ database_uri: mysql, pool_size: 2, connect_args: { maxSize: 2 } })).argument).toBe(
        "connect_args.maxSize"
      )
    })
  )

  it.effect("refuses values of other kinds, and shows none of them", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [string, unknown]> = [
        ["echo", "debug"],
        ["echo", 1],
        ["future", false],
        ["hide_parameters", "no"],
        ["hide_parameters", false],
        ["pool_pre_ping", 1],
        ["pool_size", "5"],
        ["pool_size", -1],
        ["pool_size", 1.5],
        ["max_overflow", -2],
        ["pool_recycle", "1 hour"],
        ["pool_recycle", Number.NaN],
        ["pool_timeout", 0],
        ["pool_use_lifo", false],
        ["query_cache_size", 0],
        ["isolation_level", "AUTOCOMMIT"],
        ["isolation_level", 1],
        ["connect_args", []],
        ["connect_args", "charset=utf8mb4"]
      ]
      for (const [name, value] of wrong) {
        const error = yield* refusalOf({ database_uri: mysql, [name]: value })
        expect([error._tag, error.argument, value]).toEqual(["ArgumentError", name, value])
      }
      expect((yield* refusalOf({ database_uri: mysql, connect_args: { connect_timeout: "2" } })).argument).toBe(
        "connect_args.connect_timeout"
      )
      expect((yield* refusalOf({ database_uri: sqlite, connect_args: { check_same_thread: true } })).argument).toBe(
        "connect_args.check_same_thread"
      )
    })
  )

  it.effect("refuses the URI of a database that is not supported by its scheme, without showing the URI", () =>
    Effect.gen(function* () {
      for (const scheme of [
        "postgresql+asyncpg",
        "postgresql",
        "oracle",
        "oracle+oracledb",
        "mssql+pyodbc",
        "mssql+aioodbc",
        "mongodb"
      ]) {
        const error = yield* refusalOf({ database_uri: `${scheme}://app:pass-word@host/db` })
        expect([error._tag, error.argument]).toEqual(["ArgumentError", "database_uri"])
        expect(error.message).toContain(`an URL with the scheme ${scheme}`)
        expect(error.message).not.toContain("pass-word")
      }
      for (const uri of [undefined, 5, "", "no uri", null])
        expect((yield* refusalOf({ database_uri: uri })).argument).toBe("database_uri")
      expect((yield* refusalOf(undefined)).argument).toBe("config")
      expect((yield* refusalOf({ database_uri: `${mysql}?nonsense=1` })).argument).toBe("nonsense")
    })
  )
})

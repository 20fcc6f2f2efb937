/**
 * The options of an engine, a pool or a connection: from a value, an URL or `Config` to settings that are checked and
 * whole. Every option acts, or is refused by its name.
 *
 * @since 0.1.0
 */
import { userInfo } from "node:os"
import { Duration, Effect, Either, Option, Redacted, type Scope } from "effect"
import type { Dialect } from "./Dialect.js"
import type { Driver } from "./Driver.js"
import { ArgumentError, type ConnectError, kindOf } from "./Errors.js"
import type { TlsSettings } from "./mysql/Login.js"
import { dialect as mysqlDialect } from "./mysql/MysqlDialect.js"
import { dialect as sqliteDialect } from "./sqlite/SqliteDialect.js"
import { defaultValueOptions, type ValueOptions } from "./Value.js"

/**
 * TLS to a MySQL or MariaDB server. `true` is the same as `{}`: on, with the server's certificate and name verified
 * against the certificate authorities that Node.js trusts.
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  /** Certificate authorities to trust instead, in PEM. */
  readonly ca?: string | undefined
  /** The client's certificate, in PEM, and its key. */
  readonly cert?: string | undefined
  readonly key?: string | Redacted.Redacted | undefined
  /** Whether the server's certificate and name are verified. Default true. */
  readonly verify?: boolean | undefined
  /** The name that the certificate must have. Default: the host. */
  readonly serverName?: string | undefined
}

/**
 * What an engine is made of. All are optional: without an URL and a host it is an embedded SQLite database in memory.
 *
 * Every option can stand in the URL's query too, `tls` as `true` or `false`: `mysql://app@db.internal/shop?maxSize=20&acquireTimeout=5%20seconds`.
 * Where an option is given both ways, the one given here holds. Durations are `Duration.DurationInput`; a number is in
 * milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Partial<ValueOptions> {
  /**
   * `mysql://user:password@host:port/database` (also `mariadb://` and SQLAlchemy's `mysql+aiomysql://`), or
   * `sqlite::memory:`, `sqlite:///relative.db`, `sqlite:////absolute.db`. User, password and database are percent-encoded.
   */
  readonly url?: string | Redacted.Redacted | undefined

  // MySQL and MariaDB
  /** Default `localhost`. */
  readonly host?: string | undefined
  /** Default 3306. */
  readonly port?: number | undefined
  /** A Unix domain socket, instead of host and port. */
  readonly unixSocket?: string | undefined
  /** Default: the user of the operating system, as the mysql client has it. */
  readonly user?: string | undefined
  readonly password?: string | Redacted.Redacted | undefined
  readonly database?: string | undefined
  /** Default off. */
  readonly tls?: boolean | TlsOptions | undefined
  /** For TCP, TLS, login and the first statement together. Default 10 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * Whether `Statement.loadData` may send data to the server (aiomysql's `local_infile`). Default false: the server is told
   * that it will get no files. Either way no server gets anything but what a statement brings along.
   */
  readonly localInfile?: boolean | undefined

  // SQLite
  /** How long a statement waits for a lock that another connection holds. Default 5 seconds. */
  readonly lockTimeout?: Duration.DurationInput | undefined

  // every database
  /** Prepared statements that each connection keeps. Default 256: a server holds 16,382 for all. */
  readonly statementCacheSize?: number | undefined
  /** How long COMMIT and ROLLBACK may take. Default 30 seconds. */
  readonly endTimeout?: Duration.DurationInput | undefined

  // the pool
  /** Connections that are opened at once and kept. Default 0: a program starts without its database. */
  readonly minSize?: number | undefined
  /** Connections at the most, 0 is unlimited. Default 10, as aiomysql. */
  readonly maxSize?: number | undefined
  /** How long a caller waits for a connection, its opening included. Default 30 seconds. */
  readonly acquireTimeout?: Duration.DurationInput | undefined
  /** Callers that may wait at once, 0 is unlimited. Default 0. */
  readonly maxWaiters?: number | undefined
  /** How long a connection may be idle before it is closed, but for `minSize`. Default 10 minutes. */
  readonly idleTimeout?: Duration.DurationInput | undefined
  /** How old a connection may become (aiomysql's `pool_recycle`); up to a tenth less, by chance. Default 30 minutes. */
  readonly recycle?: Duration.DurationInput | undefined
  /**
   * A connection that was idle for longer than this is asked for a sign of life before it is used; 0 asks every time.
   * Default 5 seconds: what a server closes is noticed without asking, what a network swallows is not.
   */
  readonly validateAfter?: Duration.DurationInput | undefined
  /**
   * MySQL and MariaDB: reads of many fibers that may be under way on one connection at once, when all connections are in
   * use; 1 is none. Only selects outside of transactions that take no locks, leave nothing behind and have been fast so far.
   * Default 16.
   */
  readonly pipelining?: number | undefined
  /** How long the pool waits at its end for connections in use, before it closes them too. Default 30 seconds. */
  readonly closeTimeout?: Duration.DurationInput | undefined
}

/**
 * The pool's part of the settings. Times are in milliseconds; 0 turns off `idleTimeout`, `recycle` and `maxWaiters`.
 *
 * @since 0.1.0
 * @category models
 */
export interface PoolSettings {
  readonly minSize: number
  readonly maxSize: number
  readonly acquireTimeout: number
  readonly maxWaiters: number
  readonly idleTimeout: number
  readonly recycle: number
  readonly validateAfter: number
  readonly closeTimeout: number
  readonly pipelining: number
}

/**
 * Options that are checked and whole.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  readonly dialect: Dialect
  /** The driver, made for the scope. */
  readonly driver: Effect.Effect<Driver, ConnectError, Scope.Scope>
  /** Where the database is, for people: `db.internal:3306/shop`. There is no password in it. */
  readonly address: string
  readonly endTimeout: number
  readonly values: ValueOptions
  readonly pool: PoolSettings
}

// ---------------------------------------------------------------------------------------------------------------------
// one option

/** How an option is read: from a value of the program or the text of an URL; undefined where it is neither. */
interface Field<A> {
  readonly expected: string
  readonly read: (given: unknown) => A | undefined
}

const integer = (least: number, most: number): Field<number> => ({
  expected:
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`,
  read: (given) => {
    const value = typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given
    return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : undefined
  }
})

const count = integer(0, Number.MAX_SAFE_INTEGER)

/** `off` is what an endless time means for this option. */
const duration = (least: number, off: number, never = false): Field<number> => ({
  expected: `a duration of at least ${least} ms, as a number of milliseconds or like "30 seconds"`,
  read: (given) => {
    const text = typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given
    // -1 is how aiomysql and SQLAlchemy say "never" for pool_recycle.
    if ((never && text === -1) || text === "infinity") return off
    if (typeof text === "number" && !(text >= 0)) return undefined
    const millis = Option.map(Duration.decodeUnknown(text), Duration.toMillis)
    if (Option.isNone(millis) || millis.value < least) return undefined
    return Number.isFinite(millis.value) ? millis.value : off
  }
})

const text: Field<string> = {
  expected: "a text that is not empty",
  read: (given) => (typeof given === "string" && given !== "" && !given.includes("\0") ? given : undefined)
}

const secret: Field<Redacted.Redacted> = {
  expected: "a text or a Redacted text",
  read: (given) => {
    if (typeof given === "string") return Redacted.make(given)
    return Redacted.isRedacted(given) && typeof Redacted.value(given) === "string"
      ? (given as Redacted.Redacted)
      : undefined
  }
}

const oneOf = <const A extends string>(...allowed: ReadonlyArray<A>): Field<A> => ({
  expected: allowed.map((each) => JSON.stringify(each)).join(" or "),
  read: (given) => allowed.find((each) => each === given)
})

const flag: Field<boolean> = {
  expected: "true or false",
  read: (given) => {
    if (typeof given === "boolean") return given
    return given === "true" || given === "1" ? true : given === "false" || given === "0" ? false : undefined
  }
}

const tlsFields = { ca: text, cert: text, key: secret, verify: flag, serverName: text }

const tls: Field<TlsSettings | "off"> = {
  expected: `true, false or an object of ${Object.keys(tlsFields).join(", ")}`,
  read: (given) => {
    const switched = flag.read(given)
    if (switched === false) return "off"
    const options: unknown = switched === true ? {} : given
    if (typeof options !== "object" || options === null) return undefined
    const entries = Object.entries(options).filter(([, value]) => value !== undefined)
    const fields: Readonly<Record<string, Field<unknown>>> = tlsFields
    if (entries.some(([name, value]) => fields[name]?.read(value) === undefined)) return undefined
    const found = Object.fromEntries(entries)
    return {
      ca: text.read(found.ca),
      cert: text.read(found.cert),
      key: secret.read(found.key),
      verify: flag.read(found.verify) ?? true,
      serverName: text.read(found.serverName)
    }
  }
}

const valueFields = {
  integers: oneOf("number", "bigint", "string"),
  decimals: oneOf("string", "BigDecimal"),
  dateTimes: oneOf("Date", "DateTime", "string"),
  json: oneOf("parsed", "text"),
  booleans: oneOf("number", "boolean"),
  zeroDates: oneOf("fail", "string")
}

const poolFields = {
  minSize: count,
  maxSize: count,
  acquireTimeout: duration(1, Number.POSITIVE_INFINITY),
  maxWaiters: count,
  idleTimeout: duration(0, 0),
  recycle: duration(0, 0, true),
  validateAfter: duration(0, Number.POSITIVE_INFINITY),
  closeTimeout: duration(0, Number.POSITIVE_INFINITY)
}

const commonFields = {
  ...valueFields,
  ...poolFields,
  statementCacheSize: integer(1, 16_382),
  endTimeout: duration(1, 0)
}

const mysqlFields = {
  ...commonFields,
  host: text,
  port: integer(1, 65_535),
  unixSocket: text,
  user: text,
  password: secret,
  database: text,
  tls,
  localInfile: flag,
  pipelining: integer(1, 1_024),
  connectTimeout: duration(1, 2 ** 31 - 1)
}

const sqliteFields = {
  ...commonFields,
  lockTimeout: duration(0, Number.POSITIVE_INFINITY),
  /** SQLAlchemy's way to say that connections share a database in memory, which they always do here. */
  cache: oneOf("shared")
}

type Fields = Readonly<Record<string, Field<unknown>>>

type Read<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Field<infer A> ? A : never }

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

/** Reads the options that are given, or says which of them is wrong or has no place. */
const readAll = <F extends Fields>(
  fields: F,
  database: string,
  given: Readonly<Record<string, unknown>>
): Either.Either<Read<F>, ArgumentError> => {
  const read: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field === undefined) {
      // What stands in an URL in the place of a name may be a piece of a password.
      if (!/^\w+$/.test(name)) return Either.left(refuse("url", "an option without a name", "name=value"))
      return Either.left(refuse(name, "an option that is not known", `one of the options for ${database}`))
    }
    const option = field.read(value)
    if (option === undefined) {
      return Either.left(
        refuse(name, typeof value === "number" ? `the number ${value}` : kindOf(value), field.expected)
      )
    }
    read[name] = option
  }
  // Each name was read by the field of that name.
  return Either.right(read as Read<F>)
}

// ---------------------------------------------------------------------------------------------------------------------
// URLs

type Target =
  | { readonly database: "mysql"; readonly given: Readonly<Record<string, unknown>> }
  | { readonly database: "sqlite"; readonly location: string; readonly given: Readonly<Record<string, unknown>> }

const schemes: Readonly<Record<string, Target["database"]>> = {
  mysql: "mysql",
  mariadb: "mysql",
  "mysql+aiomysql": "mysql",
  "mysql+asyncmy": "mysql",
  "mysql+pymysql": "mysql",
  "mariadb+aiomysql": "mysql",
  sqlite: "sqlite",
  "sqlite+aiosqlite": "sqlite"
}

/** Says what is wrong without showing the URL, which may hold a password. */
const refuseUrl = (given: string, expected: string): Either.Either<never, ArgumentError> =>
  Either.left(refuse("url", given, expected))

const readUrl = (url: string): Either.Either<Target, ArgumentError> => {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined)
    return refuseUrl(
      url === "" ? "an empty text" : "a text that is no URL",
      "an URL such as mysql://user@host/database or sqlite::memory:"
    )
  const database = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined
  if (database === undefined) {
    return refuseUrl(`an URL with the scheme ${scheme}`, `one of the schemes ${Object.keys(schemes).join(", ")}`)
  }
  const rest = url.slice(scheme.length + 1)
  return database === "sqlite" ? readSqliteUrl(rest) : readMysqlUrl(rest)
}

const decode = (encoded: string): string | undefined => {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

const readQuery = (query: string): Either.Either<Readonly<Record<string, string>>, ArgumentError> => {
  const given: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(query)) {
    if (name in given) return Either.left(refuse(name, "two values in the URL", "one"))
    given[name] = value
  }
  return Either.right(given)
}

/** As SQLAlchemy: three slashes and a relative path, or four and an absolute one; nothing is a database in memory. */
const readSqliteUrl = (rest: string): Either.Either<Target, ArgumentError> => {
  const [, path = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(rest) ?? []
  if (/^\/\/[^/]/.test(path))
    return refuseUrl("a SQLite URL with a host", "sqlite::memory:, sqlite:///relative.db or sqlite:////absolute.db")
  const location = decode(path.startsWith("//") ? path.slice(3) : path)
  if (location === undefined || location.includes("\0"))
    return refuseUrl("a path that is not percent-encoded", "a percent-encoded path")
  return Either.map(
    readQuery(query),
    (given): Target => ({
      database: "sqlite",
      location: location === "" ? ":memory:" : location,
      given
    })
  )
}

const readMysqlUrl = (rest: string): Either.Either<Target, ArgumentError> => {
  const parts =
    /^\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?(\[[0-9A-Fa-f:.%]+\]|[^:/?@[\]]*)(?::(\d+))?(?:\/([^?/]*))?(?:\?(.*))?$/s.exec(
      rest
    )
  if (parts === null)
    return refuseUrl("an URL of another form", "mysql://user:password@host:port/database, percent-encoded")
  const [, user, password, host = "", port, database, query = ""] = parts
  const decoded = [user, password, host.replace(/^\[|\]$/g, ""), database].map((part) =>
    part === undefined || part === "" ? part : (decode(part) ?? null)
  )
  if (decoded.includes(null)) return refuseUrl("a part that is not percent-encoded", "percent-encoded parts")
  const [decodedUser, decodedPassword, decodedHost, decodedDatabase] = decoded
  const named = Object.entries({
    user: decodedUser || undefined,
    password: decodedPassword,
    host: decodedHost || undefined,
    port,
    database: decodedDatabase || undefined
  }).filter(([, value]) => value !== undefined)
  return Either.flatMap(readQuery(query), (given): Either.Either<Target, ArgumentError> => {
    const twice = named.find(([name]) => name in given)
    return twice === undefined
      ? Either.right({ database: "mysql", given: { ...given, ...Object.fromEntries(named) } })
      : Either.left(refuse(twice[0], "two values in the URL", "one"))
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// settings

const targetOf = (options: Options): Either.Either<Target, ArgumentError> => {
  const { url, ...given } = options
  if (url === undefined) {
    const asksForServer = (["host", "port", "unixSocket", "user", "password", "database", "tls"] as const).some(
      (name) => options[name] !== undefined
    )
    return Either.right(
      asksForServer ? { database: "mysql", given } : { database: "sqlite", location: ":memory:", given }
    )
  }
  const plain: unknown = Redacted.isRedacted(url) ? Redacted.value(url) : url
  if (typeof plain !== "string") return Either.left(refuse("url", kindOf(plain), "a text or a Redacted text"))
  const explicit = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return Either.map(readUrl(plain), (target) => ({ ...target, given: { ...target.given, ...explicit } }))
}

const valuesOf = (read: Read<typeof valueFields>): ValueOptions => {
  const { integers, decimals, dateTimes, json, booleans, zeroDates } = { ...defaultValueOptions, ...read }
  return { integers, decimals, dateTimes, json, booleans, zeroDates }
}

/** A time-out for SQLite's drivers and pool alike. */
const seconds = (n: number): number => n * 1000

const poolOf = (read: Read<typeof poolFields>, pipelining: number): Either.Either<PoolSettings, ArgumentError> => {
  const { minSize = 0, maxSize = 10, maxWaiters = 0 } = read
  if (maxSize !== 0 && minSize > maxSize) {
    return Either.left(refuse("minSize", `the number ${minSize}`, `at most maxSize, which is ${maxSize}`))
  }
  return Either.right({
    minSize,
    maxSize,
    maxWaiters,
    acquireTimeout: read.acquireTimeout ?? seconds(30),
    idleTimeout: read.idleTimeout ?? seconds(600),
    recycle: read.recycle ?? seconds(1800),
    validateAfter: read.validateAfter ?? seconds(5),
    closeTimeout: read.closeTimeout ?? seconds(30),
    pipelining
  })
}

/**
 * Checks options and makes them whole.
 *
 * *Fails with* `ArgumentError` naming the first option that is wrong, unknown, or of another database.
 *
 * @since 0.1.0
 * @category constructors
 */
export const settings = (options: Options): Effect.Effect<Settings, ArgumentError> =>
  Either.flatMap(targetOf(options), (target) =>
    target.database === "mysql" ? mysqlSettings(target.given) : sqliteSettings(target)
  )

/** A socket is a whole address; a host or port beside it would do nothing. */
const oneAddress = (read: Read<typeof mysqlFields>): boolean =>
  read.unixSocket === undefined || (read.host === undefined && read.port === undefined)

const twoAddresses = (): ArgumentError => refuse("unixSocket", "a socket beside a host or port", "one of them")

const mysqlSettings = (given: Readonly<Record<string, unknown>>): Either.Either<Settings, ArgumentError> =>
  Either.flatMap(
    Either.filterOrLeft(readAll(mysqlFields, "MySQL and MariaDB", given), oneAddress, twoAddresses),
    (read) =>
      Either.map(poolOf(read, read.pipelining ?? 16), (pool): Settings => {
        const { host = "localhost", port = 3306, unixSocket, database } = read
        const driverSettings = {
          host,
          port,
          socketPath: unixSocket,
          user: read.user ?? userInfo().username,
          password: read.password ?? Redacted.make(""),
          database,
          tls: read.tls === "off" ? undefined : read.tls,
          connectTimeout: read.connectTimeout ?? seconds(10),
          localInfile: read.localInfile ?? false,
          statementCacheSize: read.statementCacheSize ?? 256
        }
        return {
          dialect: mysqlDialect,
          driver: Effect.flatMap(
            Effect.promise(() => import("./mysql/MysqlDriver.js")),
            (module) => module.make(driverSettings)
          ),
          address: `${unixSocket ?? `${host}:${port}`}${database === undefined ? "" : `/${database}`}`,
          endTimeout: read.endTimeout ?? seconds(30),
          values: valuesOf(read),
          pool
        }
      })
  )

const sqliteSettings = ({
  location,
  given
}: Extract<Target, { readonly database: "sqlite" }>): Either.Either<Settings, ArgumentError> =>
  Either.flatMap(readAll(sqliteFields, "SQLite", given), (read) =>
    Either.map(poolOf(read, 1), (pool): Settings => {
      const driverSettings = {
        location,
        lockTimeout: read.lockTimeout ?? seconds(5),
        statementCacheSize: read.statementCacheSize ?? 256
      }
      return {
        dialect: sqliteDialect,
        driver: Effect.flatMap(
          Effect.promise(() => import("./sqlite/SqliteDriver.js")),
          (module) => module.make(driverSettings)
        ),
        address: location,
        endTimeout: read.endTimeout ?? seconds(30),
        values: valuesOf(read),
        pool
      }
    })
  )

/**
 * The value options of a statement over those of its engine; the same object where there are none.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withValues = (
  values: ValueOptions,
  given: Partial<ValueOptions> | undefined
): Either.Either<ValueOptions, ArgumentError> =>
  given === undefined
    ? Either.right(values)
    : Either.map(readAll(valueFields, "values", { ...given }), (read) => ({ ...values, ...read }))

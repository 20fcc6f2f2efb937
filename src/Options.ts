/**
 * The options of an engine, a pool or a connection: from a value, an URL or `Config` to settings that are checked and
 * whole. Every option acts, or is refused by its name.
 *
 * @since 0.1.0
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { type Duration, Effect, Either, Redacted, type Scope } from "effect"
import type { Dialect, IsolationLevel } from "./Dialect.js"
import type { Driver } from "./Driver.js"
import type { EchoSettings } from "./Echo.js"
import { type ArgumentError, type ConnectError, kindOf, type OperationalError } from "./Errors.js"
import * as MysqlOptions from "./mysql/MysqlOptions.js"
import {
  always,
  count,
  duration,
  type Field,
  flag,
  integer,
  oneOf,
  type Read,
  readAll,
  refuse,
  text,
  texts
} from "./OptionField.js"
import { type Paramstyle, withParamstyle } from "./SqlText.js"
import { dialect as sqliteDialect } from "./sqlite/SqliteDialect.js"
import type { ObservedDatabase, TelemetrySettings } from "./Telemetry.js"
import { readUrl, type Target } from "./Url.js"
import { decodableTypes, defaultValueOptions, isDecoders, overriding, type ValueOptions } from "./Value.js"

/**
 * TLS to a MySQL or MariaDB server. `true` is the same as `{}`: on, with the server's certificate and name verified
 * against the certificate authorities that Node.js trusts.
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  /** Certificate authorities to trust instead, in PEM: the text, not the path of a file. */
  readonly ca?: string | undefined
  /** The client's certificate, in PEM, and its key, one not without the other. */
  readonly cert?: string | undefined
  readonly key?: string | Redacted.Redacted | undefined
  /**
   * Whether the server's certificate and name are verified. Default true. With `"ca"` any name will do, as long as one of
   * the authorities has signed: for certificates without names, such as those that MySQL makes by itself.
   */
  readonly verify?: boolean | "ca" | undefined
  /** The name that the certificate must have. Default: the host. */
  readonly serverName?: string | undefined
}

/**
 * What is told of statements and of the pool, by OpenTelemetry's conventions for databases. No values of a program are in any
 * of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface TelemetryOptions {
  /** Whether each statement is a span, where a tracer listens. Without one it costs nothing. Default true. */
  readonly spans?: boolean | undefined
  /** Whether the durations of statements and what happens in the pool are metrics. Default false. */
  readonly metrics?: boolean | undefined
  /** Statements that the database takes so long for are logged as warnings; 0 is none. Default 0. */
  readonly slowStatement?: Duration.DurationInput | undefined
  /** What the pool is called in metrics. Default: the address of its database. */
  readonly poolName?: string | undefined
}

/**
 * What an engine is made of. All are optional: without an URL and a host it is an embedded SQLite database in memory.
 *
 * Every option can stand in the URL's query too, but for objects and arrays: `mysql://app@db.internal/shop?maxSize=20&acquireTimeout=5%20seconds`.
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
  /**
   * The server's RSA key, in PEM: caching_sha2_password and sha256_password encrypt passwords by it where there is no TLS
   * (aiomysql's `server_public_key`).
   */
  readonly serverPublicKey?: string | undefined
  /**
   * Whether the server may send that key itself. Default: only a server on this machine, because whoever sits between
   * here and there could send another, and read the password.
   */
  readonly allowPublicKeyRetrieval?: boolean | undefined
  /** Whether the server may ask for the password as it is, over TLS or a Unix domain socket. Default false. */
  readonly allowClearPassword?: boolean | undefined
  /** Whether a text may have several statements. Default false: what slips into a text cannot end one and begin another. */
  readonly multiStatements?: boolean | undefined
  /** The character set, `utf8mb4`, which is the only one. */
  readonly charset?: string | undefined
  /** The collation by which the session compares literals. Default: the server's for utf8mb4. */
  readonly collation?: string | undefined
  /**
   * The session's `sql_mode`, such as `"STRICT_ALL_TABLES,ANSI_QUOTES"`, after resets too. Default: the server's own. One
   * that changes how texts are read (ANSI_QUOTES, NO_BACKSLASH_ESCAPES) belongs here even where the server has it anyway.
   */
  readonly sqlMode?: string | undefined
  /** Statements to execute on each connection after it was opened, and again after each reset (`init_command`). */
  readonly initCommand?: string | ReadonlyArray<string> | undefined
  /** Of transactions that do not name their own. Default: the server's. SQLite's are `"serializable"`. */
  readonly isolationLevel?: IsolationLevel | undefined
  /** True, which is so in any case: what is to happen together belongs in a transaction. */
  readonly autocommit?: boolean | undefined
  /** What the server's performance_schema shows as `program_name`. */
  readonly programName?: string | undefined
  /** What it shows of the program besides. */
  readonly connectAttributes?: { readonly [name: string]: string } | undefined

  /**
   * What becomes of warnings: `"log"` them, notes at Debug; `"ignore"` them; `"fail"` the statement with the first that is
   * more than a note, though it was executed. Default `"log"`: a value that was cut off should be heard of. What they say is
   * asked for where there are any. `"fail"` goes without `pipelining`; streams do not look at warnings.
   */
  readonly warnings?: "log" | "ignore" | "fail" | undefined

  /**
   * How long a statement may take. The server stops it, and goes on with the session and its transaction: MariaDB whatever
   * changes or reads rows, MySQL what reads. Of any other the connection is given up, which kills it. MySQL ends a `SLEEP` so without an error. Default: no limit. A
   * statement's own `timeout` holds instead.
   */
  readonly statementTimeout?: Duration.DurationInput | undefined

  // SQLite
  /** How long a statement waits for a lock that another connection holds. Default 5 seconds. */
  readonly lockTimeout?: Duration.DurationInput | undefined

  // every database
  /**
   * Which markers texts may have besides `?` and `:name`, by PEP 249's names: `"format"` adds `%s`, `"pyformat"` adds `%s` and
   * `%(name)s`, as aiomysql has them. In a text with such markers `%%` stands for `%`. Default: none, which is what `"qmark"`
   * and `"named"` say.
   */
  readonly paramstyle?: Paramstyle | undefined
  /** Prepared statements that each connection keeps. Default 256: a server holds 16,382 for all. */
  readonly statementCacheSize?: number | undefined
  /** How long COMMIT and ROLLBACK may take. Default 30 seconds. */
  readonly endTimeout?: Duration.DurationInput | undefined
  /** Whether statements go to Effect's log, at Debug, with their duration (aiomysql's `echo`). Default false. */
  readonly echo?: boolean | undefined
  /** Whether `echo` shows parameters. Default false: what they hold is not for logs. */
  readonly logParameters?: boolean | undefined
  /** Spans, metrics, and a log of slow statements. Default: spans, where a tracer listens. It does not stand in an URL. */
  readonly telemetry?: TelemetryOptions | undefined

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
  /**
   * Warns once of a connection that was taken so long ago and has not come back, and says where: the fiber and its spans. 0,
   * the default, never: to know where costs some microseconds each time.
   */
  readonly leakThreshold?: Duration.DurationInput | undefined
}

/**
 * The pool's part of the settings. Times are in milliseconds; 0 turns off `idleTimeout`, `recycle`, `maxWaiters` and
 * `leakThreshold`.
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
  readonly leakThreshold: number
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
  /** Who logs in; undefined where nobody does. */
  readonly user: string | undefined
  /** The default database that was asked for. */
  readonly database: string | undefined
  readonly endTimeout: number
  readonly values: ValueOptions
  readonly pool: PoolSettings
  /** Undefined where nothing is logged. */
  readonly echo: EchoSettings | undefined
  readonly telemetry: TelemetrySettings
}

// ---------------------------------------------------------------------------------------------------------------------
// the options, each with how it is read

const valueFields = {
  integers: oneOf("number", "bigint", "string"),
  decimals: oneOf("string", "BigDecimal"),
  dateTimes: oneOf("Date", "DateTime", "string"),
  json: oneOf("parsed", "text"),
  booleans: oneOf("number", "boolean"),
  zeroDates: oneOf("fail", "string"),
  decoders: {
    expected: `an object of functions under the names of types, which are ${decodableTypes.join(", ")}`,
    read: (given: unknown) => (isDecoders(given) ? given : undefined)
  }
}

const poolFields = {
  minSize: count,
  maxSize: count,
  acquireTimeout: duration(1, Number.POSITIVE_INFINITY),
  maxWaiters: count,
  idleTimeout: duration(0, 0),
  recycle: duration(0, 0, true),
  validateAfter: duration(0, Number.POSITIVE_INFINITY),
  closeTimeout: duration(0, Number.POSITIVE_INFINITY),
  leakThreshold: duration(0, 0)
}

const telemetryFields = { spans: flag, metrics: flag, slowStatement: duration(0, 0), poolName: text }

/** What has its members elsewhere, such as a `Map`, would be taken for an object without any. */
const isPlainObject = (given: unknown): given is object => {
  if (typeof given !== "object" || given === null) return false
  const prototype: unknown = Object.getPrototypeOf(given)
  return prototype === Object.prototype || prototype === null
}

/** A member that is wrong is refused by its own name. */
const telemetry: Field<Either.Either<TelemetrySettings, ArgumentError>> = {
  expected: `an object of ${Object.keys(telemetryFields).join(", ")}`,
  read: (given) => {
    if (!isPlainObject(given)) return undefined
    const read = Either.flatMap(
      readAll(telemetryFields, "telemetry", { ...given }),
      ({ spans = true, metrics = false, slowStatement = 0, poolName }) =>
        poolName !== undefined && !metrics
          ? Either.left(refuse("poolName", "a name without metrics", "metrics: true as well"))
          : Either.right({ spans, metrics, slowStatement, poolName })
    )
    return Either.mapLeft(read, ({ argument, given, expected }) =>
      refuse(argument === "url" ? "telemetry" : `telemetry.${argument}`, given, expected)
    )
  }
}

const defaultTelemetry: TelemetrySettings = { spans: true, metrics: false, slowStatement: 0, poolName: undefined }

const commonFields = {
  ...valueFields,
  ...poolFields,
  paramstyle: oneOf<Paramstyle>("qmark", "named", "format", "pyformat"),
  statementCacheSize: integer(1, 16_382),
  endTimeout: duration(1, 0),
  echo: flag,
  logParameters: flag,
  telemetry
}

const mysqlFields = { ...commonFields, ...MysqlOptions.fields }

const sqliteFields = {
  ...commonFields,
  lockTimeout: duration(0, Number.POSITIVE_INFINITY),
  isolationLevel: always(oneOf("serializable"), "serializable", '"serializable", which all transactions of SQLite are'),
  /** SQLAlchemy's way to say that connections share a database in memory, which they always do here. */
  cache: oneOf("shared")
}

// ---------------------------------------------------------------------------------------------------------------------
// settings

/** Options that say without an URL that the database is a server. */
const ofServers = ["host", "port", "unixSocket", "user", "password", "database", "tls"] as const

const targetOf = (options: Options): Either.Either<Target, ArgumentError> => {
  const { url, ...given } = options
  if (url === undefined) {
    const asksForServer = ofServers.some((name) => options[name] !== undefined)
    return Either.right(
      asksForServer ? { database: "mysql", given } : { database: "sqlite", location: ":memory:", given }
    )
  }
  const plain: unknown = Redacted.isRedacted(url) ? Redacted.value(url) : url
  if (typeof plain !== "string") return Either.left(refuse("url", kindOf(plain), "a text or a Redacted text"))
  const explicit = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return Either.map(readUrl(plain), (target) => ({ ...target, given: { ...target.given, ...explicit } }))
}

const seconds = (n: number): number => n * 1000

/** Prepared statements of a connection. */
const statementCacheSize = 256

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
    leakThreshold: read.leakThreshold ?? 0,
    pipelining
  })
}

const echoOf = ({
  echo = false,
  logParameters
}: Read<typeof commonFields>): Either.Either<EchoSettings | undefined, ArgumentError> => {
  if (echo) return Either.right({ logParameters: logParameters ?? false })
  return logParameters === true
    ? Either.left(refuse("logParameters", "true without echo", "echo: true as well"))
    : Either.right(undefined)
}

/**
 * The driver, whose statements are told of where that is asked for. What tells of them is loaded with the driver: no import
 * pays for it.
 */
const observedDriver = (
  driver: Settings["driver"],
  settings: TelemetrySettings,
  database: ObservedDatabase
): Settings["driver"] =>
  settings.spans || settings.metrics || settings.slowStatement > 0
    ? Effect.zipWith(
        driver,
        Effect.promise(() => import("./Telemetry.js")),
        (driver, { observing }) => observing(driver, settings, database)
      )
    : driver

/** What all databases have in common, and what was made of the options of one. */
const settingsOf = (
  read: Read<typeof commonFields>,
  pipelining: number,
  target: Pick<Settings, "dialect" | "driver" | "address" | "user" | "database">,
  observed: Pick<ObservedDatabase, "lexicon" | "namespace" | "server">
): Either.Either<Settings, ArgumentError> =>
  Either.gen(function* () {
    const telemetry = yield* read.telemetry ?? Either.right(defaultTelemetry)
    return {
      ...target,
      driver: observedDriver(target.driver, telemetry, { ...observed, address: target.address }),
      dialect: withParamstyle(target.dialect, read.paramstyle),
      endTimeout: read.endTimeout ?? seconds(30),
      values: overriding(defaultValueOptions, read),
      pool: yield* poolOf(read, pipelining),
      echo: yield* echoOf(read),
      telemetry
    }
  })

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

/**
 * As `settings`, for a server whose sessions and values are to be as mysql2 has them. Of the options for values only
 * `zeroDates` counts.
 *
 * @internal
 */
export const settingsLikeMysql2 = (options: Options): Effect.Effect<Settings, ArgumentError> =>
  Either.flatMap(targetOf(options), (target) =>
    target.database === "mysql"
      ? mysqlSettings(target.given, "mysql2")
      : Either.left(refuse("url", "a database of SQLite", "the URL of a MySQL or MariaDB server"))
  )

/** Every option of any database. */
const names = ["url", ...new Set([...Object.keys(mysqlFields), ...Object.keys(sqliteFields)])]

const mysqlSettings = (
  given: Readonly<Record<string, unknown>>,
  manner: "own" | "mysql2" = "own"
): Either.Either<Settings, ArgumentError> =>
  Either.flatMap(readAll(mysqlFields, "MySQL and MariaDB", given, names), (read) =>
    Either.flatMap(MysqlOptions.target(read, read.statementCacheSize ?? statementCacheSize, manner), (target) =>
      Either.map(
        settingsOf(read, read.pipelining ?? (read.warnings === "fail" ? 1 : 16), target, {
          lexicon: target.dialect.lexicon,
          namespace: target.database,
          server: serverOf(read)
        }),
        (settings) => (manner === "own" ? settings : { ...settings, values: { ...settings.values, manner } })
      )
    )
  )

/** Where a server is, as MysqlOptions has it: a socket is a whole address. */
const serverOf = ({ host = "localhost", port = 3306, unixSocket }: MysqlOptions.Read): ObservedDatabase["server"] =>
  unixSocket === undefined ? { address: host, port } : { address: unixSocket, port: undefined }

const sqliteSettings = ({
  location,
  given
}: Extract<Target, { readonly database: "sqlite" }>): Either.Either<Settings, ArgumentError> =>
  Either.flatMap(readAll(sqliteFields, "SQLite", given, names), (read) => {
    const driverSettings = {
      location,
      lockTimeout: read.lockTimeout ?? seconds(5),
      statementCacheSize: read.statementCacheSize ?? statementCacheSize
    }
    const target = {
      dialect: sqliteDialect,
      driver: Effect.flatMap(
        Effect.promise(() => import("./sqlite/SqliteDriver.js")),
        (module) => module.make(driverSettings)
      ),
      address: location,
      user: undefined,
      database: undefined
    }
    return settingsOf(read, 1, target, {
      // SQLite takes what stands in double quotes for a name: it is told not to take it for a text where there is none.
      lexicon: { ...sqliteDialect.lexicon, ansiQuotes: true },
      namespace: location,
      server: undefined
    })
  })

// ---------------------------------------------------------------------------------------------------------------------
// option files

/**
 * Options, and the option file that gives what they leave out.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileOptions extends Options {
  /** The file, such as `~/.my.cnf` (aiomysql's `read_default_file`). */
  readonly readDefaultFile: string
  /** Groups to read besides `[client]` (`read_default_group`). */
  readonly readDefaultGroup?: string | ReadonlyArray<string> | undefined
}

/** What is given; the rest may be left out of any options. */
const given = <A extends Options>(options: A): A =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as A

/** Names of what the program itself says, in the URL too. */
const explicitNames = (options: Options): Either.Either<ReadonlySet<string>, ArgumentError> =>
  options.url === undefined
    ? Either.right(new Set(Object.keys(given(options))))
    : Either.flatMap(targetOf(options), (target) =>
        target.database === "mysql"
          ? Either.right(new Set(Object.keys(target.given)))
          : Either.left(refuse("readDefaultFile", "an option file for SQLite", "the URL of a server, or none"))
      )

/**
 * Adds to options what an option file of MySQL's or MariaDB's clients says (aiomysql's `read_default_file`): user, password,
 * host, port, socket, database, the files of TLS, and more. What the options say themselves, in the URL too, holds. The
 * groups `[client]` and those that `readDefaultGroup` names are read, with the files that they include; of an option that
 * is there several times the last holds, and what is not known is passed over, as it is for other programs.
 *
 * *Fails with* `OperationalError` `CannotOpen`, which names the file, for one that is not there or cannot be read, and
 * `ArgumentError`, which names file and line, for what is wrong in it.
 *
 * https://dev.mysql.com/doc/refman/9.7/en/option-files.html
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Engine, Options } from "effect-sa"
 *
 * // FileSystem is provided by @effect/platform-node's NodeFileSystem.layer, or another.
 * export const EngineLive = Layer.unwrapEffect(
 *   Effect.map(Options.fromFile({ readDefaultFile: "~/.my.cnf", database: "shop", maxSize: 20 }), Engine.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromFile = ({
  readDefaultFile,
  readDefaultGroup = [],
  ...options
}: FileOptions): Effect.Effect<Options, ArgumentError | OperationalError, FileSystem> =>
  Effect.gen(function* () {
    const read = yield* readAll(
      { readDefaultFile: text, readDefaultGroup: texts("the name of a group, or an array of names") },
      "option files",
      {
        readDefaultFile: readDefaultFile ?? "",
        readDefaultGroup
      }
    )
    const explicit = yield* explicitNames(options)
    const groups = new Set(["client", ...(read.readDefaultGroup ?? [])])
    const files = yield* Effect.promise(() => import("./mysql/OptionFiles.js"))
    const found = given(yield* files.load(read.readDefaultFile ?? "", groups, explicit))
    const hasAddress = "unixSocket" in found || explicit.has("unixSocket") || explicit.has("host")
    return { ...(hasAddress ? {} : { host: "localhost" }), ...found, ...given(options) }
  })

/**
 * What can be said of one execution of a statement: the types of its values, and how long it may take.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecuteOptions extends Partial<ValueOptions> {
  /**
   * How long the statement may take, instead of the engine's `statementTimeout`; 0 or `Duration.infinity` is no limit. It fails with
   * `OperationalError` `StatementTimeout` then. Of a stream it is the time until its last row. SQLite has none.
   */
  readonly timeout?: Duration.DurationInput | undefined
}

/**
 * The time that a statement may take, in milliseconds; undefined where nothing is said.
 *
 * @since 0.1.0
 * @category combinators
 */
export const timeoutOf = ({ timeout }: ExecuteOptions): Either.Either<number | undefined, ArgumentError> =>
  Either.map(
    readAll({ timeout: duration(0, 0) }, "statements", timeout === undefined ? {} : { timeout }),
    (read) => read.timeout
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
    : Either.map(readAll(valueFields, "values", { ...given }), (read) => overriding(values, read))

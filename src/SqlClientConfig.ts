/**
 * The configuration of the client for `@effect/sql`: that of `@effect/sql-mysql2` and this package's own, made options.
 * Every member acts, or is refused by its name.
 *
 * @since 0.1.0
 */
import type { MysqlClientConfig } from "@effect/sql-mysql2/MysqlClient"
import { Duration, Either, Option, Redacted } from "effect"
import { ArgumentError, kindOf } from "./Errors.js"
import type { PoolOptions } from "./Pool.js"
import type { ValueOptions } from "./Value.js"

/** What has another name there, or is what it is there. */
type Settled =
  | "url"
  | "host"
  | "port"
  | "user"
  | "password"
  | "database"
  | "maxSize"
  | "multiStatements"
  | "paramstyle"
  | "lockTimeout"
  | Exclude<keyof ValueOptions, "zeroDates">

/**
 * The configuration of `MysqlClient` of `@effect/sql-mysql2`, and besides it the options of this package's pools.
 *
 * `url` holds over `host`, `port`, `username`, `password` and `database`, as it does there. `connectionTTL` is how long a
 * connection may be idle. Of `poolConfig`, mysql2's options, those act that have a counterpart here, and those are refused
 * by name whose value would ask for something else than this package does.
 *
 * @since 0.1.0
 * @category models
 */
export interface SqlClientConfig extends Omit<MysqlClientConfig, "url" | "password">, Omit<PoolOptions, Settled> {
  readonly url?: string | Redacted.Redacted | undefined
  readonly password?: string | Redacted.Redacted | undefined
}

/**
 * What a configuration comes to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Read {
  readonly options: PoolOptions
  readonly config: MysqlClientConfig
  readonly transformResultNames: ((name: string) => string) | undefined
  readonly transformQueryNames: ((name: string) => string) | undefined
  readonly spanAttributes: ReadonlyArray<readonly [string, unknown]>
}

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

type Some = { readonly [Name in keyof PoolOptions]?: unknown }

/** What an option of mysql2 means here; undefined where it means something that is not here. */
type Meaning = (given: unknown) => Some | undefined

const nothing: Some = {}

/** The option may say what is so in any case. */
const only =
  (...allowed: ReadonlyArray<unknown>): Meaning =>
  (given) =>
    allowed.includes(given) ? nothing : undefined

const as =
  (name: keyof PoolOptions): Meaning =>
  (given) => ({ [name]: given })

const charset: Meaning = (given) => {
  if (typeof given !== "string" || !/^utf8mb4(?:_\w+)?$/i.test(given)) return undefined
  return given.includes("_") ? { collation: given.toLowerCase() } : nothing
}

const ssl: Meaning = (given) => {
  if (given === undefined || given === false) return nothing
  if (typeof given !== "object" || given === null) return undefined
  const {
    ca,
    cert,
    key,
    rejectUnauthorized = true,
    verifyIdentity = false,
    ...rest
  }: Record<string, unknown> = {
    ...given
  }
  if (Object.values(rest).some((value) => value !== undefined)) return undefined
  const text = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString() : value)
  // Without verifyIdentity mysql2 looks at who has signed, and at no name.
  const verify = rejectUnauthorized === false ? false : verifyIdentity === true ? true : "ca"
  const pem = Object.entries({ ca, cert, key }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, text(value)] as const]
  )
  return { tls: { ...Object.fromEntries(pem), verify } }
}

const meanings: Readonly<Record<string, Meaning>> = {
  connectionLimit: as("maxSize"),
  idleTimeout: as("idleTimeout"),
  queueLimit: as("maxWaiters"),
  connectTimeout: as("connectTimeout"),
  maxPreparedStatements: as("statementCacheSize"),
  connectAttributes: as("connectAttributes"),
  enableCleartextPlugin: as("allowClearPassword"),
  socketPath: as("unixSocket"),
  host: as("host"),
  port: as("port"),
  user: as("user"),
  password: as("password"),
  database: as("database"),
  uri: as("url"),
  charset,
  ssl,
  waitForConnections: only(true),
  resetOnRelease: only(true),
  enableKeepAlive: only(true),
  gracefulEnd: only(true),
  supportBigNumbers: only(true),
  multipleStatements: only(true),
  timezone: only("local"),
  typeCast: only(true),
  trace: only(true, false),
  bigNumberStrings: only(false),
  decimalNumbers: only(false),
  dateStrings: only(false),
  jsonStrings: only(false),
  rowsAsArray: only(false),
  namedPlaceholders: only(false),
  nestTables: only(false),
  stringifyObjects: only(false),
  insecureAuth: only(false),
  compress: only(false),
  debug: only(false)
}

/** What mysql2's options mean, or which is refused. */
const readPoolConfig = (poolConfig: unknown, maxConnections: number): Some | ArgumentError => {
  if (typeof poolConfig !== "object" || poolConfig === null)
    return refuse("poolConfig", kindOf(poolConfig), "an object with options of mysql2")
  let options: Some = {}
  for (const [name, given] of Object.entries(poolConfig)) {
    if (given === undefined) continue
    // A pool here keeps what it has opened until that was idle for too long.
    const meaning = name === "maxIdle" ? only(...atLeast(given, maxConnections)) : meanings[name]
    const found = meaning?.(given)
    if (found === undefined)
      return refuse(
        `poolConfig.${name}`,
        meaning === undefined ? "an option of mysql2 that has no meaning here" : kindOf(given),
        name === "maxIdle"
          ? "at least maxConnections: idleTimeout says when idle ones are closed"
          : "another value, or none"
      )
    options = { ...options, ...found }
  }
  return options
}

const atLeast = (given: unknown, least: number): ReadonlyArray<unknown> =>
  typeof given === "number" && given >= least ? [given] : []

/** The options of the program, each said once. */
const joined = (first: Some, second: Some): Some | ArgumentError => {
  for (const name of Object.keys(second)) {
    const twice = Reflect.get(first, name) !== undefined && Reflect.get(second, name) !== undefined
    if (twice) return refuse(name, "a value, and another in poolConfig", "one of them")
  }
  return { ...second, ...first }
}

const given = (options: object): Some =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

/** A path that is not percent-encoded is found where options are read. */
const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** Where the server is, for spans. */
const attributesOf = (
  url: string | undefined,
  { host = "localhost", port = 3306, database, spanAttributes = {} }: SqlClientConfig
): ReadonlyArray<readonly [string, unknown]> => {
  const target = url !== undefined && URL.canParse(url) ? new URL(url) : undefined
  const namespace = target === undefined ? database : decoded(target.pathname.slice(1))
  return [
    ...Object.entries(spanAttributes),
    ["db.system.name", "mysql"],
    ["server.address", target?.hostname ?? host],
    ["server.port", target === undefined ? port : Number(target.port || 3306)],
    ...(namespace ? [["db.namespace", namespace] as const] : [])
  ]
}

/**
 * Reads a configuration.
 *
 * @since 0.1.0
 * @category reading
 */
export const read = (config: SqlClientConfig): Either.Either<Read, ArgumentError> => {
  const { url, host, port, database, username, password, maxConnections, connectionTTL, poolConfig, ...rest } = config
  const { spanAttributes: _, transformResultNames, transformQueryNames, ...own } = rest
  if (connectionTTL !== undefined && own.idleTimeout !== undefined)
    return Either.left(refuse("idleTimeout", "a time beside connectionTTL", "one of them, which are the same"))
  const target = url === undefined ? { host, port, database, user: username, password } : { url }
  const limits = {
    maxSize: maxConnections,
    idleTimeout:
      connectionTTL === undefined
        ? own.idleTimeout
        : Option.getOrElse(Option.map(Duration.decodeUnknown(connectionTTL), Duration.toMillis), () => connectionTTL)
  }
  const pooled = poolConfig === undefined ? nothing : readPoolConfig(poolConfig, maxConnections ?? 10)
  if (pooled instanceof ArgumentError) return Either.left(pooled)
  const options = joined(given({ ...own, ...target, ...limits }), pooled)
  if (options instanceof ArgumentError) return Either.left(options)
  const plain = Redacted.isRedacted(url) ? Redacted.value(url) : url
  const defaults: PoolOptions = {
    // As the client of @effect/sql-mysql2 is: it finds out at once whether there is a server.
    minSize: 1,
    collation: "utf8mb4_unicode_ci",
    warnings: "ignore",
    allowPublicKeyRetrieval: true
  }
  return Either.right({
    // What is wrong in them is found, and named, where options are read.
    options: { ...defaults, multiStatements: true, ...options } as PoolOptions,
    config: {
      ...config,
      url: plain === undefined ? undefined : Redacted.make(plain),
      password: typeof password === "string" ? Redacted.make(password) : password
    },
    transformResultNames,
    transformQueryNames,
    spanAttributes: attributesOf(plain, config)
  })
}

/**
 * The configuration of a database as devsetgo_lib and SQLAlchemy have it, made the options of an engine. Every parameter
 * acts, or is refused by its name.
 *
 * @since 0.1.0
 */
import { Effect, Either, Redacted } from "effect"
import { type IsolationLevel, isolationLevels } from "./Dialect.js"
import { ArgumentError, kindOf } from "./Errors.js"
import { always, type Field, integer, refuse, secret } from "./OptionField.js"
import * as Options from "./Options.js"
import { readUrl } from "./Url.js"

/**
 * The configuration of a database (devsetgo_lib's `DBConfig`). Times are in seconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Config {
  /**
   * `mysql+aiomysql://user:password@host:port/database`, `sqlite+aiosqlite:///file.db`, `sqlite+aiosqlite:///:memory:`, and
   * what `Options.url` can be besides.
   */
  readonly database_uri: string | Redacted.Redacted
  /** Whether statements go to the log: `Options.echo`. */
  readonly echo?: boolean | undefined
  /** Whether the log shows no parameters, which is so unless this is false; then `echo` must be true. */
  readonly hide_parameters?: boolean | undefined
  /** True, which is so in any case. */
  readonly future?: boolean | undefined
  /** Whether a connection is asked for a sign of life each time it is used: `Options.validateAfter`. */
  readonly pool_pre_ping?: boolean | undefined
  /** Connections at the most, with `max_overflow`; 0 is unlimited. Not on SQLite. Default 5, where `max_overflow` is given. */
  readonly pool_size?: number | undefined
  /** Connections beyond `pool_size`; -1 is unlimited. Not on SQLite. Default 10, where `pool_size` is given. */
  readonly max_overflow?: number | undefined
  /** How old a connection may become; -1 is any age: `Options.recycle`. */
  readonly pool_recycle?: number | undefined
  /** How long a caller waits for a connection: `Options.acquireTimeout`. Not on SQLite. */
  readonly pool_timeout?: number | undefined
  /** True, which is so in any case: the connection that was used last is used next. */
  readonly pool_use_lifo?: boolean | undefined
  /** Prepared statements that each connection keeps: `Options.statementCacheSize`. */
  readonly query_cache_size?: number | undefined
  /** Of transactions that do not name their own, such as `"READ COMMITTED"`: `Options.isolationLevel`. */
  readonly isolation_level?: string | undefined
  /**
   * What aiomysql's `connect` takes, such as `connect_timeout` in seconds, `init_command`, `charset`, or aiosqlite's `timeout`;
   * and any of `Options` by its own name.
   */
  readonly connect_args?: { readonly [name: string]: unknown } | undefined
}

type Parameter = Exclude<keyof Config, "database_uri">

const seconds = (least: number): Field<number> => ({
  expected: `a number of seconds from ${least}`,
  read: (given) => (typeof given === "number" && Number.isFinite(given) && given >= least ? given * 1000 : undefined)
})

const orNever = (field: Field<number>, expected: string): Field<number> => ({
  expected,
  read: (given) => (given === -1 ? given : field.read(given))
})

const whole = integer(0, Number.MAX_SAFE_INTEGER)

const switched: Field<boolean> = {
  expected: "true or false",
  read: (given) => (typeof given === "boolean" ? given : undefined)
}

const isolationLevel: Field<IsolationLevel> = {
  expected: isolationLevels.map((level) => JSON.stringify(level.toUpperCase())).join(", "),
  read: (given) =>
    typeof given === "string"
      ? isolationLevels.find((level) => level === given.toLowerCase().replaceAll(/[-_]/g, " "))
      : undefined
}

const record: Field<Readonly<Record<string, unknown>>> = {
  expected: "an object of what connecting takes",
  read: (given) =>
    typeof given === "object" && given !== null && !Array.isArray(given) && !Redacted.isRedacted(given)
      ? { ...given }
      : undefined
}

const numberOf = (field: Field<number>): Field<number> => ({
  expected: field.expected,
  read: (given) => (typeof given === "number" ? field.read(given) : undefined)
})

const fields = {
  echo: switched,
  hide_parameters: switched,
  future: always(switched, true, "true, which is so in any case"),
  pool_pre_ping: switched,
  pool_size: numberOf(whole),
  max_overflow: orNever(numberOf(whole), "a whole number from 0, or -1 for any"),
  pool_recycle: orNever(seconds(0), "a number of seconds from 0, or -1 for any age"),
  pool_timeout: seconds(0.001),
  pool_use_lifo: always(switched, true, "true, which is so in any case"),
  query_cache_size: numberOf(integer(1, 16_382)),
  isolation_level: isolationLevel,
  connect_args: record
} satisfies { readonly [K in Parameter]: Field<unknown> }

/** What SQLite has not: its connections are in this process, and cost next to nothing. */
const notOnSqlite: ReadonlySet<string> = new Set<Parameter>(["pool_size", "max_overflow", "pool_timeout"])

type Read = { readonly [K in Parameter]?: (typeof fields)[K] extends Field<infer A> ? A : never }

const readParameters = (
  given: Readonly<Record<string, unknown>>,
  database: "mysql" | "sqlite"
): Either.Either<Read, ArgumentError> => {
  const read: Record<string, unknown> = {}
  const product = database === "sqlite" ? "SQLite" : "MySQL and MariaDB"
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue
    const field: Field<unknown> | undefined = Object.hasOwn(fields, name) ? Reflect.get(fields, name) : undefined
    const supported = Object.keys(fields).filter((each) => database !== "sqlite" || !notOnSqlite.has(each))
    if (field === undefined || !supported.includes(name)) {
      const what = field === undefined ? "a parameter that is not known" : `a parameter that ${product} does not have`
      return Either.left(refuse(nameOf(name), what, `one of those for ${product}, which are ${supported.join(", ")}`))
    }
    const parameter = field.read(value)
    if (parameter === undefined) return Either.left(refuse(name, givenOf(value), field.expected))
    read[name] = parameter
  }
  // Each name was read by the field of that name.
  return Either.right(read as Read)
}

const givenOf = (value: unknown): string =>
  typeof value === "number" ? `the number ${value}` : typeof value === "boolean" ? String(value) : kindOf(value)

/** What stands in the place of a name may be anything. */
const nameOf = (name: string): string => (/^\w+$/.test(name) ? name : "config")

/** aiomysql's names of what connecting takes, where more than their form differs from the option's. */
const otherNames: Readonly<Record<string, string>> = { db: "database", passwd: "password" }

/** What `connect_args` says, as options. */
const connectOptions = (
  given: Readonly<Record<string, unknown>>,
  database: "mysql" | "sqlite"
): Either.Either<Readonly<Record<string, unknown>>, ArgumentError> => {
  const options: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue
    const isTime = name === "connect_timeout" || (name === "timeout" && database === "sqlite")
    if (isTime) {
      const time = seconds(0.001).read(value)
      if (time === undefined)
        return Either.left(refuse(`connect_args.${name}`, givenOf(value), seconds(0.001).expected))
      options[name === "timeout" ? "lockTimeout" : "connectTimeout"] = time
      continue
    }
    if (name === "check_same_thread" && database === "sqlite") {
      if (value !== false)
        return Either.left(refuse(`connect_args.${name}`, givenOf(value), "false, which is so in any case"))
      continue
    }
    options[(Object.hasOwn(otherNames, name) ? otherNames[name] : undefined) ?? camelCase(name)] = value
  }
  return Either.right(options)
}

const camelCase = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Connections at the most, as SQLAlchemy's two numbers say together; nothing where neither is given. */
const maxSizeOf = ({ pool_size, max_overflow }: Read): { readonly maxSize?: number } => {
  if (pool_size === undefined && max_overflow === undefined) return {}
  if (pool_size === 0 || max_overflow === -1) return { maxSize: 0 }
  return { maxSize: (pool_size ?? 5) + (max_overflow ?? 10) }
}

/**
 * The options of an engine that a configuration asks for.
 *
 * *Fails with* `ArgumentError`, which names the parameter, for one that is unknown, wrong, or not for this database, and for
 * the URI of a database that is not supported.
 *
 * @since 0.1.0
 * @category reading
 */
export const optionsOf = (config: Config): Effect.Effect<Options.Options, ArgumentError> =>
  Effect.gen(function* () {
    if (typeof config !== "object" || config === null)
      return yield* refuse("config", kindOf(config), "an object with database_uri")
    const { database_uri, ...given } = config
    const uri = secret.read(database_uri)
    if (uri === undefined)
      return yield* refuse(
        "database_uri",
        database_uri === undefined ? "nothing" : kindOf(database_uri),
        secret.expected
      )
    const { database } = yield* Either.mapLeft(readUrl(Redacted.value(uri)), renamed)
    const read = yield* readParameters(given, database)
    const connect = yield* connectOptions(read.connect_args ?? {}, database)
    if (read.hide_parameters === false && read.echo !== true)
      return yield* refuse("hide_parameters", "false without echo", "true, or echo: true as well")
    const own: Readonly<Record<string, unknown>> = { url: uri, ...maxSizeOf(read), ...sameOptions(read) }
    const twice = Object.keys(connect).find((name) => Object.hasOwn(own, name))
    if (twice !== undefined)
      return yield* refuse(`connect_args.${twice}`, "what another parameter says too", "one of them")
    // Their kinds are checked now, as those of all options.
    const options = { ...connect, ...own } as Options.Options
    yield* Effect.mapError(Options.settings(options), (error) => inConfig(error, connect, read))
    return options
  })

/** Those that are one option each. */
const sameOptions = (read: Read): Readonly<Record<string, unknown>> => ({
  ...(read.echo === undefined ? {} : { echo: read.echo }),
  ...(read.hide_parameters === false ? { logParameters: true } : {}),
  ...(read.pool_pre_ping === true ? { validateAfter: 0 } : {}),
  ...(read.pool_recycle === undefined ? {} : { recycle: read.pool_recycle }),
  ...(read.pool_timeout === undefined ? {} : { acquireTimeout: read.pool_timeout }),
  ...(read.query_cache_size === undefined ? {} : { statementCacheSize: read.query_cache_size }),
  ...(read.isolation_level === undefined ? {} : { isolationLevel: read.isolation_level })
})

const renamed = ({ argument, given, expected }: ArgumentError): ArgumentError =>
  new ArgumentError({ argument: argument === "url" ? "database_uri" : argument, given, expected })

/** What an option is called in the configuration. */
const parameterOf: Readonly<Record<string, Parameter>> = {
  echo: "echo",
  logParameters: "hide_parameters",
  validateAfter: "pool_pre_ping",
  maxSize: "pool_size",
  recycle: "pool_recycle",
  acquireTimeout: "pool_timeout",
  statementCacheSize: "query_cache_size",
  isolationLevel: "isolation_level"
}

/** An option that is wrong came from `connect_args`, from a parameter of its own, or from the URI. */
const inConfig = (error: ArgumentError, connect: Readonly<Record<string, unknown>>, read: Read): ArgumentError => {
  const { argument, given, expected } = renamed(error)
  const parameter = Object.hasOwn(parameterOf, argument) ? parameterOf[argument] : undefined
  if (Object.hasOwn(connect, argument))
    return new ArgumentError({ argument: `connect_args.${argument}`, given, expected })
  return parameter !== undefined && Object.hasOwn(read, parameter)
    ? new ArgumentError({ argument: parameter, given, expected })
    : new ArgumentError({ argument, given, expected })
}

/**
 * The options that only MySQL and MariaDB have: how each is read, and the settings that they make.
 */
import { userInfo } from "node:os"
import { Effect, Either, Redacted, type Scope } from "effect"
import { type Dialect, type IsolationLevel, isolationLevels } from "../Dialect.js"
import type { Driver } from "../Driver.js"
import type { ArgumentError, ConnectError } from "../Errors.js"
import * as OptionField from "../OptionField.js"
import { type Field, flag, refuse, secret, text, textLike, texts } from "../OptionField.js"
import type { TlsSettings } from "./Login.js"
import { withModes } from "./MysqlDialect.js"
import type { Manner } from "./Session.js"

// ---------------------------------------------------------------------------------------------------------------------
// one option

const certificate = textLike(
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/,
  "a text in PEM, not the path of a file with it"
)

const privateKey: Field<Redacted.Redacted> = {
  expected: "a text in PEM, not the path of a file with it",
  read: (given) => {
    const key = secret.read(given)
    return key !== undefined && /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(Redacted.value(key)) ? key : undefined
  }
}

const verify: Field<TlsSettings["verify"]> = {
  expected: 'true, false or "ca"',
  read: (given) => {
    if (given === "ca") return "authority"
    const verified = flag.read(given)
    return verified === undefined ? undefined : verified ? "authority and name" : "nothing"
  }
}

const tlsFields = { ca: certificate, cert: certificate, key: privateKey, verify, serverName: text }

const tls: Field<TlsSettings | "off"> = {
  expected:
    "true, false or an object of ca, cert, key, verify, serverName, whose certificates and key are texts in PEM, cert and key together",
  read: (given) => {
    const switched = flag.read(given)
    if (switched === false) return "off"
    const options: unknown = switched === true ? {} : given
    if (typeof options !== "object" || options === null) return undefined
    const read = OptionField.readAll(tlsFields, "tls", { ...options })
    if (Either.isLeft(read)) return undefined
    const { ca, cert, key, verify = "authority and name", serverName } = read.right
    return (cert === undefined) === (key === undefined) ? { ca, cert, key, verify, serverName } : undefined
  }
}

/** In an URL also as SQLAlchemy and the servers write it: `READ COMMITTED`, `READ-COMMITTED`. */
const isolationLevel: Field<IsolationLevel> = {
  expected: isolationLevels.map((level) => JSON.stringify(level)).join(" or "),
  read: (given) =>
    typeof given === "string"
      ? isolationLevels.find((level) => level === given.toLowerCase().replaceAll(/[-_]/g, " "))
      : undefined
}

const charset = OptionField.always(
  { expected: "", read: (given) => (typeof given === "string" ? given.toLowerCase() : undefined) },
  "utf8mb4",
  '"utf8mb4", the only character set in which no text is lost on its way: others belong into columns, and into CONVERT'
)

const autocommit = OptionField.always(
  flag,
  true,
  "true: each statement is its own transaction; several in one are for Engine.transaction or SAConnection.begin, because what is left open is rolled back when a connection goes back to its pool"
)

/** ORACLE reads texts in another language, in which BEGIN begins a program and `:name` is a marker of its own. */
const sqlMode: Field<string> = {
  expected: 'the names of modes with commas between them, such as "STRICT_ALL_TABLES,ANSI_QUOTES"; not ORACLE',
  read: (given) =>
    typeof given === "string" &&
    /^(?:[A-Z_]+(?:\s*,\s*[A-Z_]+)*)?$/i.test(given) &&
    !/(?:^|[\s,])ORACLE(?:$|[\s,])/i.test(given)
      ? given
      : undefined
}

/** A server refuses a client that has more to say of itself. */
const attributeBytes = 65_536

const connectAttributes: Field<Readonly<Record<string, string>>> = {
  expected: `an object of texts, ${attributeBytes} bytes at the most, whose names do not begin with "_"`,
  read: (given) => {
    if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined
    const entries: ReadonlyArray<readonly [string, unknown]> = Object.entries(given)
    const read = entries.flatMap(([name, value]) =>
      /^[^_]/.test(name) && typeof value === "string" ? [[name, value] as const] : []
    )
    const bytes = read.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0)
    return read.length === entries.length && bytes <= attributeBytes ? Object.fromEntries(read) : undefined
  }
}

export const fields = {
  host: text,
  port: OptionField.integer(1, 65_535),
  unixSocket: text,
  user: text,
  password: secret,
  database: text,
  tls,
  serverPublicKey: textLike(/-----BEGIN (?:RSA )?PUBLIC KEY-----/, "a text in PEM, not the path of a file with it"),
  allowPublicKeyRetrieval: flag,
  allowClearPassword: flag,
  connectTimeout: OptionField.duration(1, 2 ** 31 - 1),
  localInfile: flag,
  multiStatements: flag,
  charset,
  collation: textLike(/^\w{1,64}$/, 'the name of a collation, such as "utf8mb4_unicode_ci"'),
  sqlMode,
  initCommand: texts("a statement, or an array of statements"),
  isolationLevel,
  autocommit,
  programName: text,
  connectAttributes,
  pipelining: OptionField.integer(1, 1_024),
  statementTimeout: OptionField.duration(1, 0),
  warnings: OptionField.oneOf("log", "ignore", "fail")
}

// ---------------------------------------------------------------------------------------------------------------------
// settings

export type Read = OptionField.Read<typeof fields>

/** What the options of a server come to. */
export interface Target {
  readonly dialect: Dialect
  readonly driver: Effect.Effect<Driver, ConnectError, Scope.Scope>
  readonly address: string
  readonly user: string
  readonly database: string | undefined
}

/** What goes together with what, beyond each option for itself. */
const refusal = (read: Read): ArgumentError | undefined => {
  const { unixSocket, host, port, tls, allowClearPassword, warnings, pipelining = 1 } = read
  // A socket is a whole address; a host or port beside it would do nothing.
  if (unixSocket !== undefined && (host !== undefined || port !== undefined))
    return refuse("unixSocket", "a socket beside a host or port", "one of them")
  if (allowClearPassword === true && unixSocket === undefined && (tls === undefined || tls === "off"))
    return refuse("allowClearPassword", "true without TLS", "tls as well, or a Unix domain socket")
  // Whose warnings are to fail it must be asked for them before anybody else's statement.
  if (warnings === "fail" && pipelining > 1)
    return refuse("pipelining", `the number ${pipelining}`, '1, or none given, with warnings: "fail"')
  return undefined
}

/** Nobody, where the operating system has no name for whoever runs this: the server says then that this is nobody. */
const systemUser = (): string => {
  try {
    return userInfo().username
  } catch {
    return ""
  }
}

export const target = (
  read: Read,
  statementCacheSize: number,
  manner: Manner
): Either.Either<Target, ArgumentError> => {
  const refused = refusal(read)
  if (refused !== undefined) return Either.left(refused)
  const { host = "localhost", port = 3306, unixSocket, database, sqlMode } = read
  const user = read.user ?? systemUser()
  const dialect = withModes(sqlMode)
  const settings = {
    host,
    port,
    socketPath: unixSocket,
    user,
    password: read.password ?? Redacted.make(""),
    database,
    tls: read.tls === "off" ? undefined : read.tls,
    serverPublicKey: read.serverPublicKey,
    allowPublicKeyRetrieval: read.allowPublicKeyRetrieval,
    allowClearPassword: read.allowClearPassword ?? false,
    connectTimeout: read.connectTimeout ?? 10_000,
    localInfile: read.localInfile ?? false,
    multiStatements: read.multiStatements ?? false,
    connectAttributes: {
      ...read.connectAttributes,
      ...(read.programName === undefined ? {} : { program_name: read.programName })
    },
    statementCacheSize,
    statementTimeout: read.statementTimeout ?? 0,
    warnings: read.warnings ?? "log",
    dialect,
    session: {
      collation: read.collation,
      sqlMode,
      isolationLevel: read.isolationLevel,
      initCommands: read.initCommand ?? [],
      manner
    }
  }
  return Either.right({
    dialect,
    driver: Effect.flatMap(
      Effect.promise(() => import("./MysqlDriver.js")),
      (module) => module.make(settings)
    ),
    address: `${unixSocket ?? `${host.includes(":") ? `[${host}]` : host}:${port}`}${database === undefined ? "" : `/${database}`}`,
    user,
    database
  })
}

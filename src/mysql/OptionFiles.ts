/**
 * Options from the option files of MySQL's and MariaDB's clients: reads the files, with those that they include, and turns
 * what they say into options.
 */
import { homedir } from "node:os"
import type { FileSystem } from "@effect/platform/FileSystem"
import { Context, Duration, Effect, Either, Redacted } from "effect"
import { ArgumentError, OperationalError } from "../Errors.js"
import { count, type Field } from "../OptionField.js"
import { fields } from "./MysqlOptions.js"
import { type Line, parse, showPlace } from "./OptionFile.js"

/** The tag of @effect/platform, which has this key: to import it would load that package for every program. */
export const FileSystemTag: Context.Tag<FileSystem, FileSystem> =
  Context.GenericTag<FileSystem>("@effect/platform/FileSystem")

type Failure = ArgumentError | OperationalError

type Option = Extract<Line, { readonly kind: "option" }>

// ---------------------------------------------------------------------------------------------------------------------
// files

/** A file that includes another, and so on, up to this many. The servers' clients have the same limit. */
const deepest = 10

const cannotRead = (path: string) => (error: { readonly message: string }) =>
  new OperationalError({ reason: "CannotOpen", message: `${path} cannot be read: ${error.message}`, cause: error })

const expanded = (path: string): string => (path === "~" || path.startsWith("~/") ? homedir() + path.slice(1) : path)

const readText = (path: string): Effect.Effect<string, Failure, FileSystem> =>
  Effect.flatMap(FileSystemTag, (files) => Effect.mapError(files.readFileString(expanded(path)), cannotRead(path)))

/** The options of a file and of those that it includes, in the order in which they hold: of one name, the last. */
const readFile = (path: string, depth: number): Effect.Effect<ReadonlyArray<Option>, Failure, FileSystem> =>
  Effect.flatMap(readText(path), (text) =>
    Effect.flatMap(parse(text, path), (lines) =>
      Effect.map(
        Effect.forEach(lines, (line) => readLine(line, depth)),
        (each) => each.flat()
      )
    )
  )

const readLine = (line: Line, depth: number): Effect.Effect<ReadonlyArray<Option>, Failure, FileSystem> => {
  if (line.kind === "option") return Effect.succeed([line])
  if (depth >= deepest)
    return Effect.fail(
      new ArgumentError({
        argument: showPlace(line.place),
        given: "an include within includes, or in a circle",
        expected: `${deepest} files that include one another at the most`
      })
    )
  if (line.kind === "include") return readFile(line.path, depth + 1)
  const folder = line.path.replace(/(?<=.)\/+$/, "")
  return FileSystemTag.pipe(
    Effect.flatMap((files) => Effect.mapError(files.readDirectory(expanded(folder)), cannotRead(folder))),
    Effect.flatMap((names) => {
      const files = names.filter((name) => name.endsWith(".cnf")).sort()
      return Effect.forEach(files, (name) => readFile(`${folder}/${name}`, depth + 1))
    }),
    Effect.map((each) => each.flat())
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// options

/** What the files say, by the names here; each with its place. */
class Found {
  private readonly last = new Map<string, Option>()
  readonly initCommands: Array<Option> = []

  constructor(options: ReadonlyArray<Option>) {
    for (const option of options) {
      const { name } = option
      const plain = name.replace(/^loose-/, "")
      const [, turned, rest = ""] = /^(skip|disable|enable)-(.*)$/.exec(plain) ?? []
      if (plain === "init-command") this.initCommands.push(option)
      else if (turned !== undefined && flags.has(rest))
        this.last.set(rest, { ...option, name: rest, value: turned === "enable" ? "1" : "0" })
      else this.last.set(plain, option)
    }
  }

  option(name: string): Option | undefined {
    return this.last.get(name)
  }

  text(name: string): string | undefined {
    return this.option(name)?.value
  }

  /** One without a value is on. */
  flag(name: string): boolean | undefined {
    const option = this.option(name)
    if (option === undefined) return undefined
    return option.value === undefined || /^(?:1|on|true)$/i.test(option.value)
  }
}

/** Options that `skip-` and the like can be put before. */
const flags: ReadonlySet<string> = new Set(["ssl", "ssl-verify-server-cert", "local-infile", "get-server-public-key"])

/** What makes TLS stricter than it can be made here: who relies on one of these is not to have less. */
const cannotBeKept: ReadonlyArray<string> = [
  "ssl-capath",
  "ssl-crl",
  "ssl-crlpath",
  "ssl-cipher",
  "tls-version",
  "tls-ciphersuites",
  "ssl-fp",
  "ssl-fplist"
]

const refusal = ({ name, place }: Pick<Option, "name" | "place">, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument: `${name} in ${showPlace(place)}`, given, expected })

/** What files can say. What they do not say, or the program says itself, is undefined. */
export interface FoundOptions {
  readonly user: string | undefined
  readonly password: Redacted.Redacted | undefined
  readonly host: string | undefined
  readonly port: number | undefined
  readonly unixSocket: string | undefined
  readonly database: string | undefined
  readonly charset: string | undefined
  readonly connectTimeout: Duration.Duration | undefined
  readonly tls: Tls | false | undefined
  readonly serverPublicKey: string | undefined
  readonly allowPublicKeyRetrieval: boolean | undefined
  readonly allowClearPassword: boolean | undefined
  readonly localInfile: boolean | undefined
  readonly initCommand: ReadonlyArray<string> | undefined
}

interface Tls {
  readonly verify: boolean | "ca"
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: Redacted.Redacted | undefined
}

const timeout: Field<Duration.Duration> = {
  expected: "seconds, or 0 for no end",
  read: (given) => {
    const seconds = count.read(given)
    return seconds === undefined ? undefined : seconds === 0 ? Duration.infinity : Duration.seconds(seconds)
  }
}

/** An option that is one here too. Without a value a client would ask whoever sits before it. */
const read = <A>(option: Option | undefined, field: Field<A>): Either.Either<A | undefined, ArgumentError> => {
  if (option === undefined) return Either.right(undefined)
  if (option.value === undefined)
    return Either.left(refusal(option, "a name without a value", "a value, because there is nobody to ask"))
  if (option.value === "" && option.name !== "password") return Either.right(undefined)
  const value = field.read(option.value)
  return value === undefined ? Either.left(refusal(option, "another text", field.expected)) : Either.right(value)
}

type Address = Pick<FoundOptions, "host" | "port" | "unixSocket">

/**
 * The clients connect to a socket where the host is this one, and over TCP to any other. Where the program says a part of
 * the address, the files give only what goes with it.
 */
const addressOf = (found: Found, explicit: ReadonlySet<string>): Either.Either<Address, ArgumentError> =>
  Either.gen(function* () {
    const host = yield* read(found.option("host"), fields.host)
    const port = found.text("port") === "0" ? undefined : yield* read(found.option("port"), fields.port)
    const unixSocket = yield* read(found.option("socket"), fields.unixSocket)
    const protocol = found.option("protocol")
    const isOver = protocol?.value?.toUpperCase()
    if (protocol !== undefined && isOver !== "TCP" && (isOver !== "SOCKET" || unixSocket === undefined))
      return yield* Either.left(refusal(protocol, "another protocol", "TCP, or SOCKET and socket as well"))
    const nowhere: Address = { host: undefined, port: undefined, unixSocket: undefined }
    if (explicit.has("unixSocket")) return nowhere
    const isLocal = host === undefined || host === "localhost"
    const overSocket = isOver === "SOCKET" || (isOver === undefined && isLocal)
    return overSocket && unixSocket !== undefined && !explicit.has("host") && !explicit.has("port")
      ? { ...nowhere, unixSocket }
      : { ...nowhere, host, port }
  })

/** Whether and how TLS is on; undefined where the files say nothing of it, or only that it is welcome. */
const verificationOf = (found: Found): Either.Either<Tls["verify"] | "off" | undefined, ArgumentError> => {
  const unkept = cannotBeKept.map((name) => found.option(name)).find((option) => (option?.value ?? "") !== "")
  if (unkept !== undefined)
    return Either.left(
      refusal(unkept, "what cannot be kept to here", "of TLS only ssl, ssl-mode, ssl-ca, ssl-cert and ssl-key")
    )
  const mode = found.option("ssl-mode")
  switch (mode?.value?.toUpperCase()) {
    case "DISABLED":
      return Either.right("off")
    case "REQUIRED":
      return Either.right(false)
    case "VERIFY_CA":
      return Either.right("ca")
    case "VERIFY_IDENTITY":
      return Either.right(true)
    case "PREFERRED":
      return Either.right(verificationWithout(found))
    default:
      return mode === undefined
        ? Either.right(verificationWithout(found))
        : Either.left(refusal(mode, "another mode", "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY"))
  }
}

/** By what there is besides ssl-mode: MariaDB's clients do not have that. */
const verificationWithout = (found: Found): boolean | "off" | undefined => {
  const ssl = found.flag("ssl")
  if (ssl === false) return "off"
  const isVerified = found.flag("ssl-verify-server-cert")
  const hasFiles = ["ssl-ca", "ssl-cert", "ssl-key"].some((name) => (found.text(name) ?? "") !== "")
  return ssl === true || isVerified === true || hasFiles ? (isVerified ?? true) : undefined
}

/** The text of the file that an option names. */
const fileOf = (found: Found, name: string): Effect.Effect<string | undefined, Failure, FileSystem> =>
  Effect.suspend(() => {
    const path = found.text(name)
    return path === undefined || path === "" ? Effect.succeed(undefined) : readText(path)
  })

const tlsOf = (found: Found): Effect.Effect<FoundOptions["tls"], Failure, FileSystem> =>
  Effect.flatMap(verificationOf(found), (verify): Effect.Effect<FoundOptions["tls"], Failure, FileSystem> => {
    if (verify === undefined) return Effect.succeed(undefined)
    if (verify === "off") return Effect.succeed(false)
    return Effect.all({
      verify: Effect.succeed(verify),
      ca: fileOf(found, "ssl-ca"),
      cert: fileOf(found, "ssl-cert"),
      key: Effect.map(fileOf(found, "ssl-key"), (key) => (key === undefined ? undefined : Redacted.make(key)))
    })
  })

/**
 * The options that these groups of a file give. `explicit` are the names of those that the program gives itself: what the
 * files say of these is not even looked at.
 *
 * *Fails with* `OperationalError` `CannotOpen` for a file that cannot be read, and `ArgumentError` for a line or an option
 * that is wrong; both name the file.
 */
export const load = (
  file: string,
  groups: ReadonlySet<string>,
  explicit: ReadonlySet<string>
): Effect.Effect<FoundOptions, Failure, FileSystem> =>
  Effect.gen(function* () {
    const options = yield* readFile(file, 0)
    const found = new Found(options.filter(({ group }) => groups.has(group)))
    const unless = <A, E, R>(name: keyof FoundOptions, reading: Effect.Effect<A, E, R>) =>
      explicit.has(name) ? Effect.succeed(undefined) : reading
    const own = <A>(name: keyof FoundOptions, there: string, field: Field<A>) =>
      unless(name, read(found.option(there), field))
    const flag = (name: keyof FoundOptions, there: string) => unless(name, Effect.succeed(found.flag(there)))
    const commands = found.initCommands.flatMap(({ value }) => (value === undefined || value === "" ? [] : [value]))
    const address = yield* addressOf(found, explicit)
    return {
      user: yield* own("user", "user", fields.user),
      password: yield* own("password", "password", fields.password),
      host: explicit.has("host") ? undefined : address.host,
      port: explicit.has("port") ? undefined : address.port,
      unixSocket: address.unixSocket,
      database: yield* own("database", "database", fields.database),
      charset: yield* own("charset", "default-character-set", fields.charset),
      connectTimeout: yield* own("connectTimeout", "connect-timeout", timeout),
      tls: yield* unless("tls", tlsOf(found)),
      serverPublicKey: yield* unless("serverPublicKey", fileOf(found, "server-public-key-path")),
      allowPublicKeyRetrieval: yield* flag("allowPublicKeyRetrieval", "get-server-public-key"),
      allowClearPassword: yield* flag("allowClearPassword", "enable-cleartext-plugin"),
      localInfile: yield* flag("localInfile", "local-infile"),
      initCommand: explicit.has("initCommand") || commands.length === 0 ? undefined : commands
    }
  })

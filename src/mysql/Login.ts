/**
 * Connecting and logging in, which mysql2 does well: sockets, TLS, every method of authentication. Once it has logged in,
 * its socket is taken over and mysql2 has no further part.
 *
 * This is the only file that imports mysql2, and what it touches inside mysql2 is in `Internals`: a test fails when an
 * upgrade changes any of it.
 */
import { connect, isIP, type Socket } from "node:net"
import * as tls from "node:tls"
import { Effect, Redacted, type Scope } from "effect"
import type { ServerInfo } from "../Driver.js"
import { type ConnectError, InterfaceError, OperationalError } from "../Errors.js"
import * as Ed25519 from "./Ed25519.js"
import { classifyConnect } from "./MysqlErrors.js"
import { Capability, ExtendedCapability } from "./wire/Constants.js"

/** Where a server is and who asks. */
export interface LoginSettings {
  readonly host: string
  readonly port: number
  /** A Unix domain socket, instead of host and port. */
  readonly socketPath: string | undefined
  readonly user: string
  readonly password: Redacted.Redacted
  readonly database: string | undefined
  readonly tls: TlsSettings | undefined
  /** The server's RSA key in PEM, by which passwords are encrypted where TLS does not. */
  readonly serverPublicKey: string | undefined
  /** Whether the server may send that key itself; undefined is only from this machine. */
  readonly allowPublicKeyRetrieval: boolean | undefined
  /** Whether a server may ask for the password as it is, which is sent over TLS and Unix domain sockets only. */
  readonly allowClearPassword: boolean
  /** Whether the server is told that it may ask for files. */
  readonly localInfile: boolean
  /** Whether a text may hold several statements. */
  readonly multiStatements: boolean
  /** What the server is told of the program. */
  readonly connectAttributes: Readonly<Record<string, string>>
}

/** TLS: on when it is there. */
export interface TlsSettings {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: Redacted.Redacted | undefined
  /** What is verified: who signed the server's certificate, and that it is for this server. */
  readonly verify: "authority and name" | "authority" | "nothing"
  /** The name that the certificate must have, where it is not the host. */
  readonly serverName: string | undefined
}

/** A socket that has logged in, and what the greeting said. */
export interface LoggedIn {
  readonly socket: Socket
  /** Has what comes from the socket given to this; the bytes are the socket's, which reads into them again. */
  readonly receive: (receiver: (chunk: Buffer) => void) => void
  readonly threadId: number
  readonly server: ServerInfo
  readonly deprecateEof: boolean
  readonly extendedMetadata: boolean
  /** Whether it leaves out the columns of a prepared statement that it has sent before (MariaDB). */
  readonly cachesMetadata: boolean
  /** Whether it takes MariaDB's COM_STMT_BULK_EXECUTE. */
  readonly hasBulk: boolean
}

interface Started {
  readonly connection: Internals
  readonly receive: Opened["receive"]
}

/** What is used of a mysql2 connection beyond its documented surface. */
export interface Internals {
  stream: Socket
  readonly threadId: number
  readonly serverCapabilityFlags: number
  readonly _handshakePacket: { readonly serverVersion: string; readonly mariadbExtendedCapabilityFlags: number } | null
  readonly _mariadbExtendedMetadata: boolean
  readonly _command: { clientFlags: number; mariadbExtendedClientFlags: number }
  /** What answers the server in the login, once it is known which method that is. */
  _authPlugin: AuthPlugin | undefined
  readonly packetParser: { execute(chunk: Buffer): void }
  startTLS(secured: (error?: Error) => void): void
  on(event: "error" | "connect", listener: (error: unknown) => void): void
  emit(event: "error", error: Error): void
  destroy(): void
}

/** One method of authentication in the middle of a login: given what the server sent, it gives what is to be sent. */
type AuthPlugin = (data: Buffer) => unknown

/** mysql2, as far as it is used. */
export interface Mysql2 {
  createConnection(options: Record<string, unknown>): Internals
}

/** Loaded when an engine for a server is made: programs on SQLite never pay for it. */
export const loadMysql2: Effect.Effect<Mysql2, InterfaceError> = Effect.map(
  Effect.tryPromise({
    try: () => import("mysql2"),
    catch: (cause) => new InterfaceError({ reason: "DriverUnavailable", message: "mysql2 could not be loaded", cause })
  }),
  // Its types tell of the documented surface only.
  (module) => module.default as unknown as Mysql2
)

/**
 * Off: what only mysql2's own command phase knows (query attributes), a parser mode nobody asked for (IGNORE_SPACE) and,
 * unless asked for, LOCAL INFILE. FOUND_ROWS is on by mysql2's default: an UPDATE counts the rows it matched.
 */
const flagsOf = ({ localInfile }: LoginSettings): string =>
  `-CLIENT_QUERY_ATTRIBUTES,-IGNORE_SPACE,-ODBC,${localInfile ? "+" : "-"}LOCAL_FILES`

/** Opens a socket and logs in. The scope's end destroys the socket. Interruption leaves nothing open. */
export const login = (mysql2: Mysql2, settings: LoginSettings): Effect.Effect<LoggedIn, ConnectError, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => start(mysql2, settings)),
      ({ connection }) => Effect.sync(() => destroy(connection))
    ),
    (started) => Effect.zipRight(loggedIn(started.connection, settings), takeOver(started))
  )

/** A socket, and a way to have what comes from it given to others than who listens to its `data`. */
interface Opened {
  readonly socket: Socket
  readonly receive: LoggedIn["receive"] | undefined
}

/** As much as Node.js reads at once. */
const readSize = 64 * 1024

/**
 * Opens a socket that reads into one piece of memory. Without that Node.js makes a new one of 64 KiB for each read, which
 * costs a point select more than decoding its answer does. TLS reads for itself.
 */
const open = ({ socketPath, host, port, tls }: LoginSettings): Opened => {
  // mysql2 listens to `data` until it has logged in.
  let receiver = (chunk: Buffer): void => {
    socket.emit("data", Buffer.from(chunk))
  }
  const onread = {
    buffer: Buffer.allocUnsafeSlow(readSize),
    callback: (length: number, buffer: Uint8Array): boolean => {
      receiver(Buffer.from(buffer.buffer, buffer.byteOffset, length))
      return true
    }
  }
  const socket: Socket = connect({
    ...(socketPath === undefined ? { host, port, noDelay: true, keepAlive: true } : { path: socketPath }),
    ...(tls === undefined ? { onread } : {})
  })
  const receive = (next: (chunk: Buffer) => void): void => {
    receiver = next
  }
  return { socket, receive: tls === undefined ? receive : undefined }
}

const start = (mysql2: Mysql2, settings: LoginSettings): Started => {
  const opened = open(settings)
  const connection = mysql2.createConnection({
    stream: () => opened.socket,
    user: settings.user,
    password: Redacted.value(settings.password),
    ...(settings.database === undefined ? {} : { database: settings.database }),
    // For what mysql2 makes of the knowledge: nobody can listen there.
    ...(settings.socketPath === undefined ? {} : { socketPath: settings.socketPath }),
    ...(settings.tls === undefined ? {} : { ssl: {} }),
    charset: "UTF8MB4_GENERAL_CI",
    connectTimeout: 0, // the deadline is the caller's, and covers more than mysql2's
    authPlugins: { client_ed25519: Ed25519.plugin(Redacted.value(settings.password)) },
    enableCleartextPlugin: settings.allowClearPassword && isPrivate(settings),
    multipleStatements: settings.multiStatements,
    connectAttributes: { ...settings.connectAttributes, ...whoIsThis },
    flags: flagsOf(settings)
  })
  // A listener for good: errors that come after the end must have a taker.
  connection.on("error", () => {})
  const command = connection._command
  command.clientFlags |= Capability.DEPRECATE_EOF | Capability.PS_MULTI_RESULTS
  // A server reads these only if it has extended metadata, which mysql2 asks for by itself.
  command.mariadbExtendedClientFlags |= ExtendedCapability.STMT_BULK_OPERATIONS | ExtendedCapability.CACHE_METADATA
  if (settings.tls !== undefined) connection.startTLS = startTls(connection, settings, settings.tls)
  guard(connection, settings)
  return { connection, receive: opened.receive }
}

/** Whether nobody but the server can read what is sent. */
const isPrivate = ({ tls, socketPath }: LoginSettings): boolean => tls !== undefined || socketPath !== undefined

/** This package's version, as package.json has it. */
const clientVersion = "0.1.0"

/** Otherwise mysql2 would say that it is the client. */
const whoIsThis = { _client_name: "effect-sa", _client_version: clientVersion, _pid: String(process.pid) }

const destroy = (connection: Internals): void => {
  connection.destroy()
  connection.stream.destroy()
}

const whereOf = ({ socketPath, host, port }: LoginSettings): string => socketPath ?? `${host}:${port}`

const loggedIn = (connection: Internals, settings: LoginSettings): Effect.Effect<Internals, ConnectError> =>
  Effect.async((resume) => {
    connection.on("connect", () => resume(Effect.succeed(connection)))
    connection.on("error", (error) => resume(Effect.fail(classifyConnect(explained(error), whereOf(settings)))))
  })

const authenticationError = (message: string): Error =>
  Object.assign(new Error(message), { code: "AUTH_SWITCH_PLUGIN_ERROR" })

/** What a server calls a method is its own business, and may be anything. */
const longestName = 64

/** What mysql2 says of methods that it has not, or has turned off, in words that fit the options here. */
const explained = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error
  if ("code" in error && error.code === "MYSQL_CLEAR_PASSWORD_NOT_ENABLED")
    return authenticationError(
      "the server asks for the password as it is (mysql_clear_password): that needs the option allowClearPassword, and TLS or a Unix domain socket"
    )
  const unknown = /unknown plugin (.*?)\. See /.exec(error.message)
  return unknown === null
    ? error
    : authenticationError(
        `the server asks for the method of authentication "${unknown[1]?.slice(0, longestName)}", which is not supported`
      )
}

// ---------------------------------------------------------------------------------------------------------------------
// passwords encrypted by the server's key

/** How caching_sha2_password and sha256_password ask the server for its public key. */
const isKeyRequest = (answer: unknown): boolean =>
  Buffer.isBuffer(answer) && answer.length === 1 && (answer[0] === 1 || answer[0] === 2)

/**
 * Without TLS, caching_sha2_password and sha256_password encrypt the password by the server's RSA key. mysql2 takes that
 * key from whoever answers: who sits between client and server sends his own, and reads the password. Here a key is
 * asked for only where that was allowed, or the server is on this machine.
 */
const guard = (connection: Internals, settings: LoginSettings): void => {
  const guarded =
    (plugin: AuthPlugin): AuthPlugin =>
    (data) => {
      try {
        const answer = plugin(data)
        return isKeyRequest(answer) ? insteadOfKey(plugin, answer, connection, settings) : answer
      } catch (thrown) {
        throw authenticationError(thrown instanceof Error ? thrown.message : String(thrown))
      }
    }
  let current: AuthPlugin | undefined
  Object.defineProperty(connection, "_authPlugin", {
    get: () => current,
    set: (plugin: AuthPlugin | undefined) => {
      current = plugin === undefined ? undefined : guarded(plugin)
    }
  })
}

/** What is sent where a method would ask for a key. */
const insteadOfKey = (
  plugin: AuthPlugin,
  request: unknown,
  connection: Internals,
  { password, serverPublicKey, allowPublicKeyRetrieval, socketPath }: LoginSettings
): unknown => {
  // There is nothing to encrypt, and the end of an empty text says so.
  if (Redacted.value(password) === "") return Buffer.from([0])
  // As if the server had sent it.
  if (serverPublicKey !== undefined) return plugin(Buffer.from(serverPublicKey))
  if (socketPath !== undefined) return request
  if (allowPublicKeyRetrieval ?? isThisMachine(connection.stream.remoteAddress)) return request
  throw new Error(
    "the server wants the password encrypted by a key that it would send itself, which anybody between here and there could replace: use TLS, give the key as serverPublicKey, or set allowPublicKeyRetrieval"
  )
}

/** Whether what is sent to this address never leaves the machine. */
export const isThisMachine = (address: string | undefined): boolean =>
  address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address)

const takeOver = ({ connection, receive }: Started): Effect.Effect<LoggedIn, ConnectError> =>
  Effect.suspend(() => {
    const socket = connection.stream
    const handshake = connection._handshakePacket
    if (handshake === null || socket.destroyed) {
      return Effect.fail(
        new OperationalError({ reason: "ConnectionLost", message: "the server closed the connection after the login" })
      )
    }
    socket.removeAllListeners("data")
    const { serverVersion, mariadbExtendedCapabilityFlags: extended } = handshake
    // MariaDB says so for old replicas, which know no major version above 5.
    const version = serverVersion.replace(/^5\.5\.5-/, "")
    const server: ServerInfo = { product: /mariadb/i.test(version) ? "MariaDB" : "MySQL", version }
    return Effect.succeed({
      socket,
      receive: receive ?? ((receiver) => socket.on("data", receiver)),
      threadId: connection.threadId,
      server,
      deprecateEof: (connection.serverCapabilityFlags & Capability.DEPRECATE_EOF) !== 0,
      extendedMetadata: connection._mariadbExtendedMetadata,
      cachesMetadata: connection._mariadbExtendedMetadata && (extended & ExtendedCapability.CACHE_METADATA) !== 0,
      hasBulk: connection._mariadbExtendedMetadata && (extended & ExtendedCapability.STMT_BULK_OPERATIONS) !== 0
    })
  })

/** Made once for each driver's settings: reading many authorities takes milliseconds. */
const contexts = new WeakMap<TlsSettings, tls.SecureContext>()

const contextOf = (settings: TlsSettings): tls.SecureContext => {
  let context = contexts.get(settings)
  if (context === undefined) {
    const { ca, cert, key } = settings
    context = tls.createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key: Redacted.value(key) })
    })
    contexts.set(settings, context)
  }
  return context
}

/**
 * TLS by our own settings. mysql2 checks the certificate of a host given by address against "localhost"; here an address
 * is checked as an address, and a name as a name.
 */
const startTls =
  (connection: Internals, settings: LoginSettings, tlsSettings: TlsSettings) =>
  (secured: (error?: Error) => void): void => {
    const { verify, serverName } = tlsSettings
    const name = serverName ?? settings.host
    connection.stream.removeAllListeners("data")
    let done = false
    const finish = (error?: Error): void => {
      if (!done) {
        done = true
        secured(error)
      } else if (error !== undefined) {
        // A server of TLS 1.3 looks at a client's certificate when the client is already done.
        connection.emit("error", Object.assign(error, { code: "HANDSHAKE_SSL_ERROR" }))
      }
    }
    try {
      const secure = tls.connect(
        {
          socket: connection.stream,
          secureContext: contextOf(tlsSettings),
          rejectUnauthorized: verify !== "nothing",
          checkServerIdentity: (_host, certificate) =>
            verify === "authority and name" ? tls.checkServerIdentity(name, certificate) : undefined,
          ...(isIP(name) === 0 ? { servername: name } : {})
        },
        () => finish()
      )
      secure.on("error", finish)
      secure.on("data", (chunk: Buffer) => connection.packetParser.execute(chunk))
      connection.stream = secure
    } catch (thrown) {
      // A certificate or key that cannot be read.
      finish(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }

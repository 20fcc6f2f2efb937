// Servers that ask for what a client must not give, or cannot: no real one can be made to do that without more software.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
import { createServer, type Server, type Socket } from "node:net"
import { TLSSocket } from "node:tls"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { Engine, type Errors, type Options } from "effect-sa"
import { isThisMachine } from "effect-sa/mysql/Login"
import { makeAuthority } from "../support/servers/certificates.js"

const authority = makeAuthority("a scripted authority")
const identity = authority.issue("a scripted server", ["localhost", "127.0.0.1"])

const ssl = 0x800
const ok = Buffer.from([0, 0, 0, 2, 0, 0, 0])

/** Asks for another method of authentication. */
const switchTo = (method: string): Buffer => Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${method}\0`), scramble])

const scramble = Buffer.from("12345678901234567890\0")

const greeting = (capabilities: number): Buffer => {
  const flags = Buffer.alloc(4)
  flags.writeUInt32LE(capabilities)
  return Buffer.concat([
    Buffer.from("\x0a8.4.0-scripted\0", "latin1"),
    Buffer.from([1, 0, 0, 0]),
    scramble.subarray(0, 8),
    Buffer.from([0]),
    flags.subarray(0, 2),
    Buffer.from([45, 2, 0]),
    flags.subarray(2),
    Buffer.from([21]),
    Buffer.alloc(10),
    scramble.subarray(8),
    Buffer.from("mysql_native_password\0")
  ])
}

interface LoginServer {
  readonly port: number
  /** All that clients have sent, after TLS was taken off. */
  readonly received: () => string
}

/** Answers the client's packets of the login with these, one after the other, and what comes after with OK. */
const loginServer = (
  answers: ReadonlyArray<Buffer | "nothing">,
  capabilities = 0x00ff_f7ff & ~0x20
): Effect.Effect<LoginServer, never, Scope.Scope> => {
  const sockets = new Set<Socket>()
  let received = ""

  const converse = (socket: Socket): void => {
    const left = [...answers]
    let rest = Buffer.alloc(0)
    socket.on("error", () => {})
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1")
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 4 && rest.length >= 4 + rest.readUIntLE(0, 3)) {
        const length = rest.readUIntLE(0, 3)
        const sequence = rest[3] ?? 0
        rest = rest.subarray(4 + length)
        // A request for TLS is the beginning of a login only.
        if (length === 32 && sequence === 1) {
          socket.removeAllListeners("data")
          socket.pause()
          // What came with it is TLS already.
          if (rest.length > 0) socket.unshift(rest)
          return converse(new TLSSocket(socket, { isServer: true, cert: identity.cert, key: identity.key }))
        }
        const answer = left.length === 0 ? ok : left.shift()
        if (answer !== undefined && answer !== "nothing") socket.write(framed(sequence + 1, answer))
      }
    })
  }

  return Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.write(framed(0, greeting(capabilities)))
        converse(socket)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return {
        port: typeof address === "object" && address !== null ? address.port : 0,
        received: () => received
      }
    })
  )
}

const framed = (sequence: number, payload: Buffer): Buffer => {
  const header = Buffer.alloc(4)
  header.writeUInt32LE(payload.length + sequence * 0x1000000)
  return Buffer.concat([header, payload])
}

const password = "s3cret-pässwörd"
const asSent = Buffer.from(password).toString("latin1")
const refused = { _tag: "OperationalError", reason: "Authentication" }
const tls = { ca: authority.ca }

const login = (
  { port }: LoginServer,
  options: Options.Options = {}
): Effect.Effect<void, Errors.ConnectError | Errors.ArgumentError> =>
  Effect.scoped(Effect.asVoid(Engine.make({ host: "127.0.0.1", port, user: "app", password, minSize: 1, ...options })))

describe("a server that asks for the password as it is", () => {
  const asking = [switchTo("mysql_clear_password"), ok]

  for (const [title, options] of [
    ["without TLS", {}],
    ["over TLS, where that was not allowed", { tls }]
  ] as const) {
    it.scopedLive(`does not get it ${title}`, () =>
      Effect.gen(function* () {
        const server = yield* loginServer(asking, 0x00ff_ffff & ~0x20)
        const error = yield* Effect.flip(login(server, options))
        expect(error).toMatchObject(refused)
        expect(error.message).toContain("allowClearPassword")
        expect(error.message).not.toContain(password)
        expect(server.received()).not.toContain(asSent)
      })
    )
  }

  it.scopedLive("gets it over TLS from who allows that", () =>
    Effect.gen(function* () {
      const server = yield* loginServer(asking, 0x00ff_ffff & ~0x20)
      yield* login(server, { tls, allowClearPassword: true })
      expect(server.received()).toContain(`${asSent}\0`)
    })
  )
})

describe("a server that asks for a method that is not supported", () => {
  for (const [title, request, method] of [
    ["by its name", switchTo("dialog"), "dialog"],
    ["by the old request, which has no name", Buffer.from([0xfe]), ""]
  ] as const) {
    it.scopedLive(`is left with a typed error that names it: ${title}`, () =>
      Effect.gen(function* () {
        const server = yield* loginServer([request, ok])
        const error = yield* Effect.flip(login(server))
        expect(error).toMatchObject(refused)
        expect(error.message).toContain(`"${method}"`)
      })
    )
  }

  it.scopedLive("and then says nothing is left after connectTimeout", () =>
    Effect.gen(function* () {
      const server = yield* loginServer([switchTo("mysql_native_password"), "nothing"])
      const error = yield* Effect.flip(login(server, { connectTimeout: "200 millis" }))
      expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectTimeout" })
    })
  )
})

it.scopedLive("a server is told of the program what the options say, with its login", () =>
  Effect.gen(function* () {
    const server = yield* loginServer([ok])
    yield* login(server, { programName: "shop", connectAttributes: { team: "payments" } })
    for (const told of ["_client_name", "effect-sa", "program_name", "shop", "team", "payments"])
      expect(server.received()).toContain(`${String.fromCharCode(told.length)}${told}`)
  })
)

it.scopedLive("a server without TLS is told nothing by who asks for TLS", () =>
  Effect.gen(function* () {
    const server = yield* loginServer([ok], 0x00ff_ffff & ~0x20 & ~ssl)
    const error = yield* Effect.flip(login(server, { tls: true }))
    expect(error).toMatchObject({ _tag: "OperationalError", reason: "Tls" })
    expect(server.received()).toBe("")
  })
)

it.scopedLive("a server that sends a key of its own gets no password by it, where that was not allowed", () =>
  Effect.gen(function* () {
    const fullAuthentication = Buffer.from([1, 4])
    const server = yield* loginServer([switchTo("caching_sha2_password"), fullAuthentication, ok])
    const error = yield* Effect.flip(login(server, { allowPublicKeyRetrieval: false }))
    expect(error).toMatchObject(refused)
    // The switch was answered by the scrambled password, of 32 bytes, and the request for more by nothing.
    expect(server.received().length).toBeGreaterThan(0)
    expect(server.received().endsWith("\x02")).toBe(false)
  })
)

it("only addresses of this machine may send a key unasked", () => {
  for (const address of ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
    expect([address, isThisMachine(address)]).toEqual([address, true])
  for (const address of [
    undefined,
    "10.0.0.1",
    "128.0.0.1",
    "1270.0.0.1",
    "::2",
    "fe80::1",
    "::ffff:10.127.0.1",
    "::11"
  ])
    expect([address, isThisMachine(address)]).toEqual([address, false])
})

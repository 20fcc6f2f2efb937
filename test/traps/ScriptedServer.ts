// A server that knows just enough of the protocol to let a client log in, and then does what it is told.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
import { createServer, type Server, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

export interface ScriptedServer {
  readonly url: string
  /** The capabilities that the last client has announced. */
  readonly capabilities: () => number
  /** All that clients have sent since they were told nothing more. */
  readonly unanswered: () => string
}

/** What becomes of a command: an answer, perhaps the last one on this connection, or the end of the connection. */
export type Answer =
  | { readonly send: Buffer; readonly last?: boolean }
  /** For commands that have no answer. */
  | "nothing"
  | "hang up"

export const command = { query: 3, prepare: 22, execute: 23, sendLongData: 24 } as const

export const ok = Buffer.from([0, 0, 0, 2, 0, 0, 0])

const headerLength = 4

const packet = (sequence: number, payload: Buffer): Buffer => {
  const header = Buffer.alloc(headerLength)
  header.writeUInt32LE(payload.length + sequence * 0x1000000)
  return Buffer.concat([header, payload])
}

/** All of the old ones but for TLS and compression: PROTOCOL_41, PLUGIN_AUTH, and that it takes files. */
const capabilities = 0x00ff_f7ff & ~0x0000_0800 & ~0x0000_0020

const greeting = (): Buffer => {
  const flags = Buffer.alloc(4)
  flags.writeUInt32LE(capabilities)
  return Buffer.concat([
    Buffer.from("\x0a8.4.0-scripted\0", "latin1"),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from("12345678\0"),
    flags.subarray(0, 2),
    Buffer.from([45, 2, 0]),
    flags.subarray(2),
    Buffer.from([21]),
    Buffer.alloc(10),
    Buffer.from("123456789012\0"),
    Buffer.from("mysql_native_password\0")
  ])
}

/** `answerTo` is given the payload of each command; the statements that set up a session are answered with OK before. */
export const scriptedServer = (
  answerTo: (payload: Buffer) => Answer
): Effect.Effect<ScriptedServer, never, Scope.Scope> => {
  const sockets = new Set<Socket>()
  let announced = 0
  let unanswered = ""

  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    let rest = Buffer.alloc(0)
    let loggedIn = false
    let over = false
    const answer = (payload: Buffer): Answer => {
      if (!loggedIn) {
        loggedIn = true
        announced = payload.readUInt32LE(0)
        return { send: ok }
      }
      return payload[0] === command.query && /^(?:\0\x01)?SET /.test(payload.toString("latin1", 1))
        ? { send: ok }
        : answerTo(payload)
    }
    socket.on("data", (bytes: Buffer) => {
      if (over) unanswered += bytes.toString("latin1")
      rest = Buffer.concat([rest, bytes])
      while (!over && rest.length >= headerLength && rest.length >= headerLength + rest.readUIntLE(0, 3)) {
        const length = headerLength + rest.readUIntLE(0, 3)
        const given = answer(rest.subarray(headerLength, length))
        if (given === "hang up") {
          over = true
          socket.destroy()
        } else if (given !== "nothing") {
          socket.write(packet((rest[3] ?? 0) + 1, given.send))
          over = given.last === true
        }
        rest = rest.subarray(length)
        if (over) unanswered += rest.toString("latin1")
      }
    })
    socket.write(packet(0, greeting()))
  }

  return Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer(serve)
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
      const port = typeof address === "object" && address !== null ? address.port : 0
      return {
        url: `mysql://app:secret@127.0.0.1:${port}/shop`,
        capabilities: () => announced,
        unanswered: () => unanswered
      }
    })
  )
}

export interface RogueServer extends ScriptedServer {
  readonly hasAsked: () => boolean
}

/** Answers statements by asking for a file of this side. */
export const rogueServer = (path: string): Effect.Effect<RogueServer, never, Scope.Scope> => {
  const asking = Buffer.concat([Buffer.from([0xfb]), Buffer.from(path)])
  let asked = false
  return Effect.map(
    scriptedServer((payload) => {
      const isStatement = [command.execute, command.prepare, command.query].some((each) => each === payload[0])
      if (!isStatement) return { send: ok }
      asked = true
      return { send: asking, last: true }
    }),
    (server) => ({ ...server, hasAsked: () => asked })
  )
}

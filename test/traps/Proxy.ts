// A proxy before a MySQL server that sees each packet of the client and may act on it. Without TLS and compression.
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

/**
 * What becomes of a statement on its way to the server: `cut` ends both connections, another goes instead of it, and the others
 * answer with an error.
 */
export type Fate = "pass" | "cut" | "refuse" | "conflict" | "read-only" | { readonly instead: string }

export interface Proxy {
  readonly url: string
  /** The text of each COM_QUERY that arrived. */
  readonly statements: ReadonlyArray<string>
  /** How many connections there have been; the first is 1. */
  readonly connections: () => number
  /** Bytes that the server has sent to clients. */
  readonly received: () => number
}

const comQuery = 3
const comPrepare = 22
const headerLength = 4

/** What a server says that refuses so. */
const refusals: Readonly<Record<Exclude<Fate, "pass" | "cut" | object>, readonly [errno: number, said: string]>> = {
  refuse: [1317, "#70100was interrupted"],
  conflict: [1213, "#40001Deadlock found when trying to get lock; try restarting transaction"],
  "read-only": [
    1290,
    "#HY000The MySQL server is running with the --read-only option so it cannot execute this statement"
  ]
}

/** An error packet with the answer's first sequence number. */
const refusal = (fate: keyof typeof refusals): Buffer => {
  const [errno, said] = refusals[fate]
  const payload = Buffer.concat([Buffer.from([0xff, errno & 0xff, errno >> 8]), Buffer.from(said)])
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 1]), payload])
}

/** A packet that asks for a statement's text. */
const query = (statement: string): Buffer => {
  const payload = Buffer.concat([Buffer.from([comQuery]), Buffer.from(statement)])
  return Buffer.concat([Buffer.from([payload.length & 0xff, payload.length >> 8, 0, 0]), payload])
}

let sockets = 0

/** For who counts bytes: a Unix domain socket holds 200 KiB on its way, where TCP on one machine holds megabytes. */
const unixSocketPath = (): string => join(tmpdir(), `effect-sa-proxy-${process.pid}-${++sockets}.sock`)

export const proxy = (
  url: string,
  fateOf: (statement: string, connection: number) => Fate,
  listenOn: "tcp" | "unix" = "tcp"
): Effect.Effect<Proxy, never, Scope.Scope> => {
  const target = new URL(url)
  const statements: Array<string> = []
  const open = new Set<Socket>()
  let received = 0
  let connections = 0

  const serve = (client: Socket): void => {
    const connection = ++connections
    const server = connect(Number(target.port), target.hostname)
    const end = (): void => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      open.add(socket)
      socket.setNoDelay(true)
      socket.on("error", end)
      socket.on("close", () => {
        open.delete(socket)
        end()
      })
    }
    server.on("data", (bytes: Buffer) => {
      received += bytes.length
    })
    server.pipe(client)
    let rest: Buffer = Buffer.alloc(0)
    client.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= headerLength && rest.length >= headerLength + rest.readUIntLE(0, 3)) {
        const packet = rest.subarray(0, headerLength + rest.readUIntLE(0, 3))
        rest = rest.subarray(packet.length)
        const isQuery = packet[3] === 0 && packet[headerLength] === comQuery
        // A client with query attributes says first how many there are: none, in one set.
        const isPrepare = packet[3] === 0 && packet[headerLength] === comPrepare
        const text = packet.toString("utf8", headerLength + 1)
        const statement = isQuery ? text.replace(/^\0\x01/, "") : isPrepare ? text : undefined
        if (isQuery && statement !== undefined) statements.push(statement)
        const fate = statement === undefined ? "pass" : fateOf(statement, connection)
        if (fate === "cut") return end()
        if (fate === "pass") server.write(packet)
        else if (typeof fate === "object") server.write(query(fate.instead))
        else client.write(refusal(fate))
      }
    })
  }

  return Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer(serve)
      const listening = (): void => resume(Effect.succeed(server))
      if (listenOn === "unix") server.listen(unixSocketPath(), listening)
      else server.listen(0, "127.0.0.1", listening)
    }),
    (server) =>
      Effect.sync(() => {
        for (const socket of open) socket.destroy()
        server.close()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      const through = new URL(url)
      const { protocol, username, password, pathname } = through
      const place = typeof address === "string" ? "" : `127.0.0.1:${address?.port ?? 0}`
      const query = typeof address === "string" ? `?unixSocket=${encodeURIComponent(address)}` : through.search
      return {
        url: `${protocol}//${username}:${password}@${place}${pathname}${query}`,
        statements,
        connections: () => connections,
        received: () => received
      }
    })
  )
}

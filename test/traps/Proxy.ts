// A proxy before a MySQL server that sees each packet of the client and may act on it. Without TLS and compression.
import { connect, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

/** What becomes of a statement on its way to the server: `cut` ends both connections, `refuse` answers with an error. */
export type Fate = "pass" | "cut" | "refuse"

export interface Proxy {
  readonly url: string
  /** The text of each COM_QUERY that arrived. */
  readonly statements: ReadonlyArray<string>
  /** Bytes that the server has sent to clients. */
  readonly received: () => number
}

const comQuery = 3
const headerLength = 4

/** An error packet with the answer's first sequence number: 1317, the statement was interrupted. */
const refusal = (): Buffer => {
  const payload = Buffer.concat([Buffer.from([0xff, 1317 & 0xff, 1317 >> 8]), Buffer.from("#70100was interrupted")])
  return Buffer.concat([Buffer.from([payload.length, 0, 0, 1]), payload])
}

let sockets = 0

/** For who counts bytes: a Unix domain socket holds 200 KiB on its way, where TCP on one machine holds megabytes. */
const unixSocketPath = (): string => join(tmpdir(), `effect-sa-proxy-${process.pid}-${++sockets}.sock`)

export const proxy = (
  url: string,
  fateOf: (statement: string) => Fate,
  listenOn: "tcp" | "unix" = "tcp"
): Effect.Effect<Proxy, never, Scope.Scope> => {
  const target = new URL(url)
  const statements: Array<string> = []
  const open = new Set<Socket>()
  let received = 0

  const serve = (client: Socket): void => {
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
        const statement = isQuery ? packet.toString("utf8", headerLength + 1).replace(/^\0\x01/, "") : undefined
        if (statement !== undefined) statements.push(statement)
        const fate = statement === undefined ? "pass" : fateOf(statement)
        if (fate === "cut") return end()
        if (fate === "refuse") client.write(refusal())
        else server.write(packet)
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
        received: () => received
      }
    })
  )
}

// A proxy before a MySQL server that sees each packet of the client and may act on it. Without TLS and compression.
import { connect, createServer, type Server, type Socket } from "node:net"
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

export const proxy = (url: string, fateOf: (statement: string) => Fate): Effect.Effect<Proxy, never, Scope.Scope> => {
  const target = new URL(url)
  const statements: Array<string> = []
  const sockets = new Set<Socket>()
  let received = 0

  const serve = (client: Socket): void => {
    const server = connect(Number(target.port), target.hostname)
    const end = (): void => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on("error", end)
      socket.on("close", () => {
        sockets.delete(socket)
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
      const through = new URL(url)
      through.hostname = "127.0.0.1"
      through.port = String(typeof address === "object" && address !== null ? address.port : 0)
      return { url: through.href, statements, received: () => received }
    })
  )
}

// A TCP proxy before a real server, that does to connections what networks do. It knows nothing of the protocol; the one of
// the traps (test/traps/Proxy.ts) does.
import { connect, createServer, type Server, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

/**
 * What becomes of what arrives: it passes, perhaps so many milliseconds later; or it is taken and never passed on, and all
 * that comes after it on that connection with it, even when others pass again; or, of what servers answer, so many bytes
 * pass and then the connection ends; or whoever connects is hung up on, and who is connected too.
 */
export type Manner =
  | { readonly _tag: "pass" }
  | { readonly _tag: "delay"; readonly millis: number }
  | { readonly _tag: "swallow" }
  | { readonly _tag: "cutAfter"; readonly bytes: number }
  | { readonly _tag: "drop" }

export interface Proxy {
  /** The server's URL, by way of the proxy. */
  readonly url: string
  /** Deals with all connections in this manner from now on. */
  readonly become: (manner: Manner) => Effect.Effect<void>
  /** Ends all connections there are, as a reset does; gives how many. */
  readonly cut: Effect.Effect<number>
  /** Connections that it holds open, on one side at the least. */
  readonly connections: Effect.Effect<number>
}

/** The two sockets of one connection. */
class Link {
  private swallowed = false
  private over = false
  /** The manner by which it is cut, and how much of the answer may still pass. */
  private cutting: Manner | undefined
  private left = 0
  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly manner: () => Manner,
    private readonly ended: (link: Link) => void
  ) {
    this.carry(client, server, false)
    this.carry(server, client, true)
  }

  end(): void {
    if (this.over) return
    this.over = true
    this.client.resetAndDestroy()
    this.server.resetAndDestroy()
    this.ended(this)
  }

  private carry(from: Socket, to: Socket, isAnswer: boolean): void {
    from.setNoDelay(true)
    // The end of one side is not heard of on the other, either, when nothing passes.
    const end = (): void => {
      if (!this.swallowed) this.end()
    }
    from.on("error", end)
    from.on("close", end)
    to.on("drain", () => from.resume())
    from.on("data", (bytes: Buffer) => {
      if (!this.swallowed) this.pass(bytes, from, to, isAnswer)
    })
  }

  private pass(bytes: Buffer, from: Socket, to: Socket, isAnswer: boolean): void {
    const manner = this.manner()
    const write = (): void => {
      if (!to.destroyed && !to.write(bytes)) from.pause()
    }
    switch (manner._tag) {
      case "pass":
        return write()
      case "delay":
        setTimeout(write, manner.millis)
        return
      case "swallow":
        this.swallowed = true
        return
      case "cutAfter":
        if (this.cutting !== manner) {
          this.cutting = manner
          this.left = manner.bytes
        }
        if (isAnswer) this.left -= bytes.length
        if (!isAnswer || this.left >= 0) return write()
        // What passes is sent before the connection ends.
        this.swallowed = true
        to.end(bytes.subarray(0, bytes.length + this.left), () => this.end())
        return
      case "drop":
        return this.end()
    }
  }
}

export const proxy = (url: string): Effect.Effect<Proxy, never, Scope.Scope> => {
  const target = new URL(url)
  const links = new Set<Link>()
  let manner: Manner = { _tag: "pass" }

  const cut = (): number => {
    const count = links.size
    for (const link of links) link.end()
    return count
  }

  const serve = (client: Socket): void => {
    if (manner._tag === "drop") {
      client.resetAndDestroy()
      return
    }
    const server = connect(Number(target.port), target.hostname)
    const link = new Link(
      client,
      server,
      () => manner,
      (over) => links.delete(over)
    )
    links.add(link)
  }

  return Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer(serve)
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        cut()
        server.close()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      const through = new URL(url)
      through.port = String(typeof address === "object" && address !== null ? address.port : 0)
      return {
        url: through.href,
        become: (next) =>
          Effect.sync(() => {
            manner = next
            if (next._tag === "drop") cut()
          }),
        cut: Effect.sync(cut),
        connections: Effect.sync(() => links.size)
      }
    })
  )
}

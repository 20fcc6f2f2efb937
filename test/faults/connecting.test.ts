import { createServer, type Server, type Socket } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, type Scope } from "effect"
import { Engine, type Errors } from "effect-sa"
import { servers } from "../support/Backend.js"
import { eventually, observer, tcpSockets } from "../support/observer.js"

/** A server on a port of its own that does with each socket what it is told. */
const listener = (
  serve: (socket: Socket) => void
): Effect.Effect<{ readonly port: number; readonly sockets: Set<Socket> }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<{ readonly server: Server; readonly port: number; readonly sockets: Set<Socket> }>((resume) => {
      const sockets = new Set<Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
        socket.on("error", () => {})
        serve(socket)
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(
          Effect.succeed({ server, sockets, port: typeof address === "object" && address !== null ? address.port : 0 })
        )
      })
    }),
    ({ server, sockets }) =>
      Effect.async<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  )

const failureOf = (options: Parameters<typeof Engine.make>[0]): Effect.Effect<Errors.ExecuteError, unknown> =>
  Effect.scoped(Effect.flatMap(Engine.make(options), (engine) => Effect.flip(engine.execute("SELECT 1"))))

describe("connecting to a server that is not there or not well", () => {
  it.live("a refused connection is told with the reason, when acquireTimeout is over", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(
        Effect.map(
          listener(() => {}),
          (free) => free.port
        )
      )
      const before = tcpSockets()
      const error = yield* failureOf({ url: `mysql://a:b@127.0.0.1:${port}/d`, acquireTimeout: 500 })
      expect(error).toMatchObject({
        _tag: "PoolTimeoutError",
        cause: { _tag: "OperationalError", reason: "ConnectionRefused" }
      })
      expect(error.message).toContain("ECONNREFUSED")
      yield* eventually(Effect.sync(() => tcpSockets() <= before))
    })
  )

  it.live("minSize opens at once, and says at once that it cannot", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(
        Effect.map(
          listener(() => {}),
          (free) => free.port
        )
      )
      const error = yield* Effect.flip(
        Effect.scoped(Engine.make({ url: `mysql://a:b@127.0.0.1:${port}/d`, minSize: 1 }))
      )
      expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionRefused" })
    })
  )

  it.scopedLive("a server that says nothing is given connectTimeout, and no socket stays", () =>
    Effect.gen(function* () {
      const silent = yield* listener(() => {})
      const error = yield* failureOf({
        url: `mysql://a:b@127.0.0.1:${silent.port}/d`,
        connectTimeout: 100,
        acquireTimeout: 250
      })
      expect(error).toMatchObject({
        _tag: "PoolTimeoutError",
        cause: { _tag: "OperationalError", reason: "ConnectTimeout" }
      })
      yield* eventually(Effect.sync(() => silent.sockets.size === 0))
    })
  )

  it.scopedLive(
    "an acquire that is interrupted while the server says nothing returns at once, and no socket stays",
    () =>
      Effect.gen(function* () {
        const silent = yield* listener(() => {})
        yield* Effect.scoped(
          Effect.gen(function* () {
            const engine = yield* Engine.make({ url: `mysql://a:b@127.0.0.1:${silent.port}/d` })
            const exit = yield* Effect.exit(Effect.timeout(engine.execute("SELECT 1"), "50 millis"))
            expect(Exit.isFailure(exit)).toBe(true)
          })
        )
        yield* eventually(Effect.sync(() => silent.sockets.size === 0))
      })
  )

  it.scopedLive("a server that hangs up is a typed failure", () =>
    Effect.gen(function* () {
      const rude = yield* listener((socket) => socket.destroy())
      const error = yield* failureOf({ url: `mysql://a:b@127.0.0.1:${rude.port}/d`, acquireTimeout: 200 })
      expect(error).toMatchObject({
        _tag: "PoolTimeoutError",
        cause: { _tag: "OperationalError", reason: "ConnectionLost" }
      })
    })
  )

  it.scopedLive("a server that speaks something else is a typed failure, and nothing hangs", () =>
    Effect.gen(function* () {
      const web = yield* listener((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
      const error = yield* failureOf({
        url: `mysql://a:b@127.0.0.1:${web.port}/d`,
        acquireTimeout: 500,
        connectTimeout: 200
      })
      expect(["PoolTimeoutError", "InterfaceError", "OperationalError"]).toContain(error._tag)
      yield* eventually(Effect.sync(() => web.sockets.size === 0))
    })
  )
})

for (const backend of servers()) {
  describe(`login on ${backend.name}`, () => {
    const url = new URL(backend.url)
    const target = { host: url.hostname, port: Number(url.port) }
    const user = decodeURIComponent(url.username)
    const password = decodeURIComponent(url.password)

    it.scopedLive("with a wrong password fails at once, and leaves no connection on the server", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const error = yield* failureOf({ ...target, user, password: "wrong" })
        expect(error).toMatchObject({ _tag: "OperationalError", reason: "Authentication", errno: 1045 })
        yield* eventually(
          Effect.map(
            admin.execute(
              "SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'unauthenticated user' OR COMMAND = 'Connect'"
            ),
            (found) => found.rowCount === 0
          )
        )
      })
    )

    it.live("to an unknown database fails at once", () =>
      Effect.gen(function* () {
        const error = yield* failureOf({ ...target, user, password, database: "no_such_database" })
        expect(error).toMatchObject({ _tag: "OperationalError", reason: "UnknownDatabase", errno: 1049 })
      })
    )

    it.scopedLive("closes politely: the server counts no aborted connection", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const aborted = Effect.map(admin.execute("SHOW GLOBAL STATUS LIKE 'Aborted_clients'"), (result) =>
          Number(result.rows[0]?.[1])
        )
        // Other tests kill connections of the same server meanwhile: one round without any is enough, and with rude closing
        // there would be none.
        const round = Effect.gen(function* () {
          const before = yield* aborted
          yield* Effect.scoped(
            Effect.flatMap(Engine.make({ url: backend.url, minSize: 3 }), (engine) => engine.execute("SELECT 1"))
          )
          yield* Effect.sleep("20 millis")
          return (yield* aborted) - before
        })
        const counted = yield* Effect.repeat(round, { until: (more) => more === 0, times: 40 })
        expect(counted).toBe(0)
      })
    )
  })
}

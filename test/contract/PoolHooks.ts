// Cases for what a pool does besides lending, with connections of a database.
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { type Connection, Engine, Errors, type Pool, Statement } from "effect-sa"
import type { Backend } from "../support/Backend.js"

const valueOf = (connection: Connection.Connection, sql: string) =>
  Effect.suspend((): Effect.Effect<unknown, Errors.StatementError> => {
    const compiled = Statement.compileText(sql, undefined, connection.dialect)
    return compiled instanceof Errors.ArgumentError
      ? Effect.fail(compiled)
      : Effect.map(connection.execute(compiled, connection.values), ({ rows }) => rows[0]?.[0])
  })

export const poolHooksContract = (backend: Backend): void => {
  const withHooks = <A, E>(
    title: string,
    hooks: (log: Array<string>) => Pool.PoolOptions,
    body: (log: Array<string>) => Effect.Effect<A, E, Engine.Engine>
  ) =>
    it.live(`${title} [${backend.name}]`, () => {
      const log: Array<string> = []
      return Effect.provide(body(log), Engine.layer({ url: backend.url, ...hooks(log) }))
    })

  describe("hooks", () => {
    withHooks(
      "run when a connection is opened, lent, and given back",
      (log) => ({
        maxSize: 1,
        onConnect: (connection) =>
          Effect.map(valueOf(connection, "SELECT 1"), (one) => void log.push(`connect ${one}`)),
        onCheckout: () => Effect.sync(() => void log.push("checkout")),
        onCheckin: () => Effect.sync(() => void log.push("checkin"))
      }),
      (log) =>
        Effect.gen(function* () {
          yield* Engine.execute("SELECT 1")
          yield* Engine.transaction(Engine.execute("SELECT 2"))
          const { pool } = yield* Engine.Engine
          yield* pool.numbers.pipe(Effect.repeat({ until: ({ used }) => used === 0 }))
          expect(log).toEqual(["connect 1", "checkout", "checkin", "checkout", "checkin"])
        })
    )

    withHooks(
      "that fail for a new connection fail whoever waits, typed",
      () => ({ onConnect: (connection) => Effect.asVoid(valueOf(connection, "SELECT * FROM no_such_table")) }),
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(Engine.execute("SELECT 1"))
          expect(error).toMatchObject({ _tag: "ProgrammingError", reason: "NoSuchTable" })
          const { pool } = yield* Engine.Engine
          expect((yield* pool.numbers).size).toBe(0)
        })
    )

    withHooks(
      "that fail for what is no error of a connection say so",
      () => ({
        onConnect: () => Effect.fail(new Errors.InvalidRequestError({ message: "not today" }))
      }),
      () =>
        Effect.gen(function* () {
          expect(yield* Effect.flip(Engine.execute("SELECT 1"))).toMatchObject({
            _tag: "OperationalError",
            reason: "CannotOpen",
            message: "onConnect failed: not today",
            cause: { _tag: "InvalidRequestError" }
          })
        })
    )

    let refusals = 0
    withHooks(
      "close a connection that is refused, and try another",
      () => ({
        maxSize: 1,
        onCheckout: () =>
          ++refusals < 3
            ? Effect.fail(new Errors.OperationalError({ reason: "ConnectionLost", message: "not this one" }))
            : Effect.void
      }),
      () =>
        Effect.gen(function* () {
          expect(yield* Engine.scalar("SELECT 7")).toEqual(Option.some(7))
          expect(refusals).toBe(3)
        })
    )

    withHooks(
      "leave nothing behind for the next user",
      () => ({
        maxSize: 1,
        onCheckout: (connection) =>
          backend.isServer ? Effect.asVoid(valueOf(connection, "SELECT @left := 5")) : Effect.void
      }),
      () =>
        Effect.gen(function* () {
          // The hook's own is there for its user, and is gone before it runs again.
          if (backend.isServer) expect(yield* Engine.scalar("SELECT @left")).toEqual(Option.some(5))
          expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
        })
    )

    it.live(`are functions [${backend.name}]`, () =>
      Effect.gen(function* () {
        // A program without types can give anything.
        const wrong = { url: backend.url, onConnect: "SELECT 1" } as unknown as Pool.PoolOptions
        expect(yield* Effect.flip(Effect.scoped(Engine.make(wrong)))).toMatchObject({
          _tag: "ArgumentError",
          argument: "onConnect"
        })
      })
    )
  })

  describe("the numbers of a pool", () => {
    withHooks(
      "can be followed while it is used",
      () => ({ maxSize: 1 }),
      () =>
        Effect.gen(function* () {
          const { pool } = yield* Engine.Engine
          const used = yield* Effect.fork(
            Stream.runHead(Stream.filter(pool.changes, ({ used, idle }) => used === 0 && idle === 1))
          )
          yield* Effect.yieldNow()
          yield* Engine.execute("SELECT 1")
          expect(Option.isSome(yield* used)).toBe(true)
        })
    )
  })
}

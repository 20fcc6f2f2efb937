// A client of one connection, with faults that clients have been known for: it kills an interrupted statement after it has
// let go of the connection; it rolls back whenever the connection comes back; it runs a transaction again whatever it failed
// of; and it looks at its connection only when a transaction has failed.
import { Effect, FiberRef, Stream } from "effect"
import mysql2 from "mysql2"
import type { Client, ClientSubject, Execute } from "../traps/client.js"

export const clumsyClient: Pick<ClientSubject, "make"> = {
  make: (url) =>
    Effect.gen(function* () {
      // Without a listener, the end of a connection would be the end of the process.
      const connect = () => mysql2.createConnection({ uri: url, rowsAsArray: true }).on("error", () => {})
      let current = connect()
      yield* Effect.addFinalizer(() => Effect.sync(() => current.destroy()))
      const reconnect = Effect.sync(() => {
        current.destroy()
        current = connect()
      })
      const turn = Effect.unsafeMakeSemaphore(1)
      const inTransaction = yield* FiberRef.make(false)

      const killLate = Effect.sync(() => {
        const { threadId } = current
        setTimeout(() => {
          const control = connect()
          control.query(`KILL QUERY ${threadId}`, () => control.destroy())
        }, 150)
      })
      const query: Execute = (sql, parameters = []) =>
        Effect.async((resume) => {
          current.query({ sql, values: [...parameters] }, (error, rows) =>
            resume(
              error === null ? Effect.succeed(Array.isArray(rows) ? (rows as unknown as []) : []) : Effect.fail(error)
            )
          )
        })
      const execute: Execute = (sql, parameters) =>
        Effect.flatMap(FiberRef.get(inTransaction), (isIn) =>
          isIn
            ? query(sql, parameters)
            : turn
                .withPermits(1)(Effect.zipLeft(query(sql, parameters), query("ROLLBACK")))
                .pipe(Effect.onInterrupt(() => killLate))
        )
      return {
        execute,
        ways: { execute },
        stream: () => Stream.empty,
        transaction: (body) =>
          Effect.locally(
            inTransaction,
            true
          )(Effect.zipRight(query("BEGIN"), Effect.zipLeft(body, query("COMMIT")))).pipe(
            Effect.tapError(() => Effect.delay(reconnect, "200 millis")),
            Effect.retry({ times: 2 }),
            turn.withPermits(1)
          ),
        session: (body) => body(execute)
      } satisfies Client
    })
}

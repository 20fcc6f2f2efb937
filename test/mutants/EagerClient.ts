// A client that sends the first statement of a transaction right after BEGIN, and does not look at the answer to BEGIN
// before: what the server refuses to begin runs all the same, each statement for itself.
import { Effect, Stream } from "effect"
import mysql2 from "mysql2"
import type { Client, ClientSubject } from "../traps/client.js"

type Query = (sql: string) => Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, Error>

const clientOf = (query: Query): Client => ({
  execute: query,
  ways: {},
  stream: () => Stream.empty,
  transaction: (body) =>
    Effect.gen(function* () {
      const [, value] = yield* Effect.all([query("BEGIN"), body], { concurrency: "unbounded" })
      yield* query("COMMIT")
      return value
    }).pipe(Effect.uninterruptible),
  session: (body) => body(query)
})

export const eagerClient: Pick<ClientSubject, "make"> = {
  make: (url) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() =>
          // Without a listener, the end of the server would be the end of the process.
          mysql2.createConnection({ uri: url, rowsAsArray: true }).on("error", () => {})
        ),
        (connection) => Effect.sync(() => connection.destroy())
      ),
      (connection) =>
        clientOf((sql) =>
          Effect.async((resume) => {
            connection.query(sql, (error, rows) =>
              resume(
                error === null
                  ? Effect.succeed(
                      Array.isArray(rows) ? (rows as unknown as ReadonlyArray<ReadonlyArray<unknown>>) : []
                    )
                  : Effect.fail(error)
              )
            )
          })
        )
    )
}

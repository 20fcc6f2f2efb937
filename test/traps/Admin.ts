// A connection for arranging what a trap needs and for looking at the server, beside the client under test.
import { Effect, type Scope } from "effect"
import mysql2 from "mysql2"
import { eventually } from "./Trap.js"

export interface Admin {
  readonly query: (sql: string, parameters?: ReadonlyArray<string | number>) => Effect.Effect<Rows, Error>
  /** Ends a connection and waits until the server has none of that number. */
  readonly kill: (connectionId: number) => Effect.Effect<void, unknown>
  /** Waits until a statement with this text in it runs. */
  readonly runs: (text: string) => Effect.Effect<void, unknown>
  /** Waits until no statement with this text in it runs. */
  readonly ended: (text: string) => Effect.Effect<void, unknown>
  /** A table that is there until the trap ends. */
  readonly table: (columns: string) => Effect.Effect<string, Error, Scope.Scope>
}

export type Rows = ReadonlyArray<ReadonlyArray<unknown>>

let tables = 0

export const admin = (url: string): Effect.Effect<Admin, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const connection = yield* Effect.acquireRelease(
      Effect.sync(() =>
        // Without a listener, the end of the server would be the end of the process.
        mysql2.createConnection({ uri: url, rowsAsArray: true }).on("error", () => {})
      ),
      (connection) => Effect.sync(() => connection.destroy())
    )
    const query: Admin["query"] = (sql, parameters = []) =>
      Effect.async((resume) => {
        connection.query({ sql, values: [...parameters] }, (error, rows) =>
          resume(error === null ? Effect.succeed((Array.isArray(rows) ? rows : []) as Rows) : Effect.fail(error))
        )
      })
    // A subject that fell may still hold a lock on what the trap drops at its end.
    yield* query("SET SESSION lock_wait_timeout = 1")
    const processes = (condition: string, parameter: string | number) =>
      Effect.map(
        query(`SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND ${condition}`, [
          parameter
        ]),
        (rows) => rows.length
      )
    return {
      query,
      kill: (id) =>
        Effect.zipRight(query(`KILL ${id}`), eventually(Effect.map(processes("ID = ?", id), (count) => count === 0))),
      runs: (text) => eventually(Effect.map(processes("INFO LIKE ?", `%${text}%`), (count) => count > 0)),
      ended: (text) => eventually(Effect.map(processes("INFO LIKE ?", `%${text}%`), (count) => count === 0)),
      table: (columns) =>
        Effect.acquireRelease(
          Effect.suspend(() => {
            const name = `trap_${process.pid}_${++tables}`
            return Effect.as(query(`CREATE TABLE ${name} (${columns})`), name)
          }),
          (name) => Effect.ignore(query(`DROP TABLE ${name}`))
        )
    }
  })

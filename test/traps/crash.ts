// A trap for servers: what was committed is there after a crash of the server's process.
import { Effect } from "effect"
import type { OwnServer } from "../support/servers/mariadb.js"
import { admin } from "./Admin.js"
import { must, type Trap } from "./Trap.js"

export interface CrashSubject {
  readonly server: () => OwnServer
  /** What is set in the server before, where that is not how it was started. */
  readonly settings: ReadonlyArray<string>
}

const rows = 8

export const crashTraps: ReadonlyArray<Trap<CrashSubject>> = [
  {
    id: "T-40",
    title: "what was committed is there after kill -9 of the server",
    run: ({ server, settings }) =>
      Effect.gen(function* () {
        const name = `trap_crash_${process.pid}`
        yield* Effect.scoped(
          Effect.gen(function* () {
            const look = yield* admin(server().url)
            yield* look.query(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY)`)
            // What came before is written, whatever is set now.
            yield* Effect.sleep("1200 millis")
            for (const setting of settings) yield* look.query(setting)
            for (let id = 0; id < rows; id++) yield* look.query(`INSERT INTO ${name} VALUES (${id})`)
            server().kill()
          })
        )
        yield* Effect.promise(server().startAgain)
        const look = yield* admin(server().url)
        const kept = (yield* look.query(`SELECT id FROM ${name}`)).length
        yield* look.query(`DROP TABLE ${name}`)
        yield* must(kept === rows, `${rows - kept} of ${rows} committed rows are lost`)
      })
  }
]

// A trap for whoever says what an error of a server means.
import { Effect, type Scope } from "effect"
import { admin } from "./Admin.js"
import { must, type Trap } from "./Trap.js"

export interface ErrorsSubject {
  readonly url: string
  /** Executes a statement that fails, and gives the reason that the failure has. */
  readonly reasonOf: (url: string, sql: string) => Effect.Effect<string, unknown, Scope.Scope>
}

export const errorTraps: ReadonlyArray<Trap<ErrorsSubject>> = [
  {
    id: "T-43",
    title: "a row that a CHECK refuses is told as that, by the numbers of each server",
    run: ({ url, reasonOf }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER, CHECK (id > 0)")
        const reason = yield* reasonOf(url, `INSERT INTO ${t} VALUES (-1)`)
        yield* must(reason === "CheckViolation", `it is told as ${reason}`)
      })
  }
]

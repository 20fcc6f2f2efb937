// Traps for clients that load data into a server from this side: LOAD DATA LOCAL.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, type Scope, Stream } from "effect"
import { admin } from "./Admin.js"
import { rogueServer } from "./ScriptedServer.js"
import { must, told, type Trap, within } from "./Trap.js"

/** A client that may load data. */
export interface Loader {
  readonly execute: (sql: string) => Effect.Effect<unknown, unknown>
  readonly load: (sql: string, data: Stream.Stream<Uint8Array, Error>) => Effect.Effect<unknown, unknown>
}

export interface LoadSubject {
  /** A server that the traps may use. */
  readonly url: string
  readonly make: (url: string) => Effect.Effect<Loader, unknown, Scope.Scope>
}

const inTime = within("4 seconds", "it had not ended after 4 s")

export const loadTraps: ReadonlyArray<Trap<LoadSubject>> = [
  {
    id: "T-46",
    title: "of data whose stream fails nothing is stored",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER")
        const client = yield* make(url)
        const data = Stream.concat(Stream.make(Buffer.from("1\n2\n")), Stream.fail(new Error("on purpose")))
        const exit = yield* Effect.exit(client.load(`LOAD DATA LOCAL INFILE 'data' INTO TABLE ${t}`, data)).pipe(inTime)
        if (Exit.isSuccess(exit)) return yield* Effect.fail("it succeeded: the stream did not fail")
        yield* look.ended(t)
        const [row] = yield* look.query(`SELECT count(*) FROM ${t}`)
        yield* must(Number(row?.[0]) === 0, `it ended with ${told(exit)}, and stored ${row?.[0]} rows`)
      })
  },
  {
    id: "T-81",
    title: "a server that asks for a file, when it was to delete rows, gets none",
    run: ({ make }) =>
      Effect.gen(function* () {
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-sa-trap-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
        )
        const secret = "what nobody was to read"
        yield* Effect.sync(() => writeFileSync(join(folder, "secret"), secret))
        const server = yield* rogueServer(join(folder, "secret"))
        const client = yield* make(server.url)
        // A server that has the file says nothing more.
        yield* Effect.timeoutOption(Effect.exit(client.execute("DELETE FROM person")), "500 millis").pipe(inTime)
        if (!server.hasAsked())
          return yield* Effect.fail("the server was not asked anything: the trap has shown nothing")
        yield* must(!server.unanswered().includes(secret), "the server has the content of a file that it named")
      })
  }
]

// Traps for clients of embedded SQLite, with a pool of their own.
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Exit, type Scope } from "effect"
import { must, mustFailTyped, told, type Trap, within } from "./Trap.js"

export type Execute = (
  sql: string,
  parameters?: ReadonlyArray<unknown>
) => Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, unknown>

export interface SqliteClient {
  readonly execute: Execute
  /** Lends one connection to a body. */
  readonly session: <A>(body: (execute: Execute) => Effect.Effect<A, unknown>) => Effect.Effect<A, unknown>
}

export interface SqliteSubject {
  /** A client of `:memory:` with two connections, which live so many milliseconds where that is given. */
  readonly make: (options: { readonly lifetime?: number }) => Effect.Effect<SqliteClient, unknown, Scope.Scope>
  /** Arguments for Node.js to bind `true` to a statement, in a process of its own. */
  readonly bindTrue: ReadonlyArray<string>
}

const inTime = within("4 seconds", "it had not ended after 4 s")

export const sqliteTraps: ReadonlyArray<Trap<SqliteSubject>> = [
  {
    id: "T-33",
    title: "an integer above 2^53 is read exactly, or not at all",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make({})
        const stored = 2n ** 53n + 1n
        const exit = yield* Effect.exit(client.execute(`SELECT ${stored}`)).pipe(inTime)
        if (Exit.isFailure(exit)) return yield* mustFailTyped(exit)
        const read = exit.value[0]?.[0]
        yield* must(String(read) === String(stored), `${stored} was read as ${read}`)
      })
  },
  {
    id: "T-33",
    title: "a parameter more than the statement has markers is refused",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make({})
        yield* mustFailTyped(yield* Effect.exit(client.execute("SELECT ?", [1, 2])).pipe(inTime))
      })
  },
  {
    id: "T-33",
    title: "a boolean parameter does not end the process",
    run: ({ bindTrue }) =>
      Effect.gen(function* () {
        const ended = yield* Effect.async<string>((resume) => {
          const child = execFile(process.execPath, [...bindTrue], (error) =>
            resume(Effect.succeed(error === null ? "" : `${error.signal ?? `code ${error.code}`}`))
          )
          return Effect.sync(() => child.kill())
        }).pipe(within("20 seconds", "the process had not ended after 20 s"))
        yield* must(ended === "", `the process ended with ${ended}`)
      })
  },
  {
    id: "T-34",
    title: "connections to :memory: see one database",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make({})
        yield* client.execute("CREATE TABLE t (id INTEGER)")
        // While one connection is lent, the other one has to serve.
        const busy = client.session((execute) => Effect.zipRight(execute("SELECT 1"), Effect.sleep("200 millis")))
        const look = Effect.delay(Effect.exit(client.execute("SELECT count(*) FROM t")), "50 millis")
        const [exit] = yield* Effect.all([look, busy], { concurrency: "unbounded" }).pipe(inTime)
        yield* must(Exit.isSuccess(exit), `the table that was made is not there: ${told(exit)}`)
      })
  },
  {
    id: "T-34",
    title: "what is in :memory: outlives the connections",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make({ lifetime: 200 })
        yield* client.execute("CREATE TABLE t (id INTEGER)")
        yield* Effect.sleep("600 millis")
        const exit = yield* Effect.exit(client.execute("SELECT count(*) FROM t")).pipe(inTime)
        yield* must(Exit.isSuccess(exit), `the table that was made is not there: ${told(exit)}`)
      })
  }
]

/** Clients that write to one file. */
export interface WritersSubject {
  /** A client of the file with two connections. */
  readonly make: (file: string) => Effect.Effect<WritingClient, unknown, Scope.Scope>
}

export interface WritingClient {
  readonly execute: Execute
  readonly transaction: (body: (execute: Execute) => Effect.Effect<void, unknown>) => Effect.Effect<void, unknown>
}

/** The longest time, in milliseconds, in which nothing else happened in this process. */
const longestStandstill = Effect.acquireRelease(
  Effect.sync(() => {
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 5)
    return { timer, longest: () => longest }
  }),
  ({ timer }) => Effect.sync(() => clearInterval(timer))
)

export const writersTraps: ReadonlyArray<Trap<WritersSubject>> = [
  {
    id: "T-88",
    title: "a second writer waits for the first without holding up the process, and is served",
    run: ({ make }) =>
      Effect.gen(function* () {
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-sa-writers-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
        )
        const client = yield* make(join(folder, "writers.db"))
        yield* client.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        const standstill = yield* longestStandstill
        const insert = (id: number) => (execute: Execute) => execute(`INSERT INTO t VALUES (${id})`)
        const first = client.transaction((execute) =>
          Effect.zipLeft(Effect.asVoid(insert(1)(execute)), Effect.sleep("200 millis"))
        )
        const second = Effect.delay(
          client.transaction((execute) => Effect.asVoid(insert(2)(execute))),
          "50 millis"
        )
        const exits = yield* Effect.all([Effect.exit(first), Effect.exit(second)], { concurrency: 2 }).pipe(inTime)
        const failed = exits.find(Exit.isFailure)
        yield* must(
          failed === undefined,
          `one of them ended with ${told(failed ?? Exit.void)}, and the process stood still for ${standstill.longest().toFixed(0)} ms`
        )
        yield* must(standstill.longest() < 150, `the process stood still for ${standstill.longest().toFixed(0)} ms`)
      })
  }
]

// Traps for rows, for statements that are made of tables, and for operations above them.
import { Effect, Exit, Logger, LogLevel, type Scope } from "effect"
import { Fell, must, mustFailTyped, told, type Trap } from "./Trap.js"

export interface Rows {
  readonly execute: (sql: string) => Effect.Effect<ReadonlyArray<unknown>, unknown>
  /** Whether two rows are equal, as programs ask. */
  readonly equal: (one: unknown, other: unknown) => boolean
  /** A row as people see it. */
  readonly show: (row: unknown) => string
}

export interface RowsSubject {
  readonly make: Effect.Effect<Rows, unknown, Scope.Scope>
}

const tried = <A>(what: string, run: () => A): Effect.Effect<A, Fell> =>
  Effect.try({ try: run, catch: (thrown) => new Fell({ message: `${what} threw: ${String(thrown)}` }) })

export const rowsTraps: ReadonlyArray<Trap<RowsSubject>> = [
  {
    id: "T-64",
    title: "rows in which two columns have one name are compared by their values, and shown with both",
    run: ({ make }) =>
      Effect.gen(function* () {
        const { execute, equal, show } = yield* make
        const [one, two, three] = yield* execute(
          "SELECT 1 AS x, 2 AS x UNION ALL SELECT 1, 2 UNION ALL SELECT 1, 3 ORDER BY 2, 1"
        )
        yield* must(yield* tried("comparing them", () => equal(one, two)), "equal rows were different")
        yield* must(!(yield* tried("comparing them", () => equal(two, three))), "different rows were equal")
        const shown = yield* tried("showing one", () => show(three))
        yield* must(/1.*3/s.test(shown), `a row of 1 and 3 was shown as ${shown}`)
      })
  }
]

/**
 * A client with a table `item (id INTEGER PRIMARY KEY, name VARCHAR(20), pieces INTEGER DEFAULT 7, changed INTEGER)`, whose
 * column `changed` is set to 99 by updates that have no value for it.
 */
export interface TableClient {
  readonly execute: (
    sql: string,
    parameters?: ReadonlyArray<ReadonlyArray<unknown>>
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, unknown>
  readonly insert: (record: Readonly<Record<string, unknown>>) => Effect.Effect<void, unknown>
  /** Updates every row. */
  readonly update: (record: Readonly<Record<string, unknown>>) => Effect.Effect<void, unknown>
  /** How many statements it keeps compiled, after it was given so many different ones. */
  readonly keptOf: (statements: ReadonlyArray<string>) => Effect.Effect<number, unknown>
}

export interface TableSubject {
  readonly make: Effect.Effect<TableClient, unknown, Scope.Scope>
}

export const tableTraps: ReadonlyArray<Trap<TableSubject>> = [
  {
    id: "T-65",
    title: "a column that an inserted row does not have is left to the database",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make
        const exit = yield* Effect.exit(client.insert({ id: 1, name: "nut" }))
        yield* must(Exit.isSuccess(exit), `the insert ended with ${told(exit)}`)
        const [row] = yield* client.execute("SELECT pieces FROM item")
        yield* must(row?.[0] === 7, `the column with DEFAULT 7 had ${String(row?.[0])}`)
      })
  },
  {
    id: "T-65",
    title: "an update sets the columns that are set with every update",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make
        yield* client.execute("INSERT INTO item (id, name) VALUES (1, 'nut')")
        const exit = yield* Effect.exit(client.update({ name: "bolt" }))
        yield* must(Exit.isSuccess(exit), `the update ended with ${told(exit)}`)
        const [row] = yield* client.execute("SELECT changed FROM item")
        yield* must(row?.[0] === 99, `the column had ${String(row?.[0])} after the update`)
      })
  },
  {
    id: "T-65",
    title: "an empty list of parameter sets executes nothing",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make
        yield* Effect.exit(client.execute("INSERT INTO item (name) VALUES (?)", []))
        const rows = yield* client.execute("SELECT id FROM item WHERE name IS NULL")
        yield* must(rows.length === 0, `${rows.length} rows were inserted`)
      })
  },
  {
    id: "T-65",
    title: "what is kept of compiled statements is bounded",
    run: ({ make }) =>
      Effect.gen(function* () {
        const client = yield* make
        const kept = yield* client.keptOf(Array.from({ length: 5_000 }, (_, i) => `SELECT ${i}`))
        yield* must(kept < 5_000, `all ${kept} statements were kept`)
      })
  }
]

/** Operations on a database with a table `item (id INTEGER PRIMARY KEY, name VARCHAR(20))`, as programs call them. */
export interface Operations {
  /** The rows of a statement. */
  readonly readQuery: (sql: string) => Effect.Effect<unknown, unknown>
  /** The first row of a statement. */
  readonly readOne: (sql: string) => Effect.Effect<unknown, unknown>
}

export interface OperationsSubject {
  readonly make: Effect.Effect<Operations, unknown, Scope.Scope>
}

const values = (u: unknown): ReadonlyArray<unknown> =>
  typeof u === "object" && u !== null ? (Symbol.iterator in u ? [...(u as Iterable<unknown>)] : Object.values(u)) : [u]

export const operationsTraps: ReadonlyArray<Trap<OperationsSubject>> = [
  {
    id: "T-66",
    title: "a statement that fails is a failure, not a value that describes one",
    run: ({ make }) =>
      Effect.gen(function* () {
        const { readQuery } = yield* make
        yield* mustFailTyped(yield* Effect.exit(readQuery("SELECT * FROM no_such_table")))
      })
  },
  {
    id: "T-66",
    title: "rows in which two columns have one name are all there",
    run: ({ make }) =>
      Effect.gen(function* () {
        const { readQuery } = yield* make
        const exit = yield* Effect.exit(readQuery("SELECT 1 AS x, 2 AS x UNION ALL SELECT 3, 4"))
        if (Exit.isFailure(exit)) return yield* mustFailTyped(exit)
        const rows = values(exit.value)
        yield* must(rows.length === 2, `of two rows ${rows.length} came`)
        yield* must(values(rows[0]).length === 2, `of two columns ${values(rows[0]).length} came`)
      })
  },
  {
    id: "T-66",
    title: "a record that is read has all its columns",
    run: ({ make }) =>
      Effect.gen(function* () {
        const { readOne } = yield* make
        const record = yield* readOne("SELECT 1 AS one, 2 AS two")
        yield* must(values(record).length === 2, `of two columns ${values(record).length} came`)
      })
  },
  {
    id: "T-66",
    title: "what is read is not logged",
    run: ({ make }) =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const logger = Logger.make(({ message }) => {
          lines.push(JSON.stringify(message))
        })
        const { readQuery } = yield* make
        yield* readQuery("SELECT 'a secret' AS word").pipe(
          Logger.withMinimumLogLevel(LogLevel.All),
          Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        )
        yield* must(!lines.join("").includes("a secret"), `the log has ${lines.join(" ")}`)
      })
  }
]

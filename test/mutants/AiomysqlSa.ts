// What aiomysql.sa 0.3 and devsetgo_lib make of statements and rows, over this package's engine, with their faults: a row
// is a mapping by name that cannot be made when two columns share one; an insert lists every column of the table; a column's
// onupdate is called as what it is not; compiled statements are kept for ever; an empty list of parameters is none; and
// operations answer a failure with a dictionary, drop what they cannot shape, and log what they read.
import { Data, Effect } from "effect"
import { Engine, type Value } from "effect-sa"
import type { OperationsSubject, RowsSubject, TableSubject } from "../traps/tables.js"

/** What Python raises. */
class Raised extends Data.TaggedError("Raised")<{ readonly message: string }> {}

class RowProxy {
  constructor(
    private readonly names: ReadonlyArray<string>,
    private readonly values: ReadonlyArray<unknown>
  ) {}
  private get(name: string): unknown {
    if (this.names.filter((each) => each === name).length > 1)
      throw new Raised({ message: `Ambiguous column name '${name}' in result set` })
    return this.values[this.names.indexOf(name)]
  }
  private get items(): ReadonlyArray<readonly [string, unknown]> {
    return this.names.map((name) => [name, this.get(name)])
  }
  equals(other: unknown): boolean {
    return other instanceof RowProxy && JSON.stringify(this.items) === JSON.stringify(other.items)
  }
  show(): string {
    return JSON.stringify(this.items)
  }
}

const memory = Engine.make({ url: "sqlite::memory:" })

const item = "item (id INTEGER PRIMARY KEY, name VARCHAR(20), pieces INTEGER DEFAULT 7, changed INTEGER)"

export const aiomysqlRows: RowsSubject = {
  make: Effect.map(memory, (engine) => ({
    execute: (sql) =>
      Effect.map(engine.execute(sql), ({ keys, rows }) => rows.map((row) => new RowProxy(keys, [...row]))),
    equal: (one, other) => one instanceof RowProxy && one.equals(other),
    show: (row) => (row instanceof RowProxy ? row.show() : String(row))
  }))
}

export const aiomysqlTables: TableSubject = {
  make: Effect.gen(function* () {
    const engine = yield* memory
    yield* engine.execute(`CREATE TABLE ${item}`)
    const cache = new Map<string, string>()
    return {
      execute: (sql, parameters) =>
        Effect.map(
          // `if not multiparams`: an empty list is none, and the statement runs once, with NULL for what it lacks.
          parameters === undefined || parameters.length === 0
            ? engine.execute(sql.replace("(?)", "(NULL)"))
            : engine.execute(sql, parameters as ReadonlyArray<ReadonlyArray<Value.Parameter>>),
          ({ rows }) => rows.map((row) => [...row])
        ),
      insert: (record) =>
        Effect.asVoid(
          engine.execute(
            "INSERT INTO item (id, name, pieces, changed) VALUES (?, ?, ?, ?)",
            ["id", "name", "pieces", "changed"].map((name) => (record[name] ?? null) as Value.Parameter)
          )
        ),
      update: () => Effect.fail(new Raised({ message: "'ColumnDefault' object has no attribute 'is_callable'" })),
      keptOf: (statements) =>
        Effect.sync(() => {
          for (const sql of statements) cache.set(sql, sql)
          return cache.size
        })
    }
  })
}

export const devsetgoOperations: OperationsSubject = {
  make: Effect.map(memory, (engine) => {
    const records = (sql: string) =>
      Effect.map(engine.execute(sql), ({ keys, rows }) => rows.map((row) => new RowProxy(keys, [...row]).show()))
    return {
      readQuery: (sql) =>
        records(sql).pipe(
          Effect.tap((rows) => Effect.log(`read_query returned ${rows.join(", ")}`)),
          Effect.map((rows) => rows.map((row) => Object.values(Object.fromEntries(JSON.parse(row))))),
          Effect.catchAllDefect(() => Effect.succeed([])),
          Effect.catchAll((error) => Effect.succeed({ error: "SQLAlchemyError", details: error.message }))
        ),
      // `result.scalar_one()`
      readOne: (sql) => Effect.map(engine.execute(sql), ({ rows }) => [...(rows[0] ?? [])][0])
    }
  })
}

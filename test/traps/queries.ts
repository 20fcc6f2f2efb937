// Traps for what executes queries that a program builds.
import { Statement } from "@effect/sql"
import { Effect, type Scope } from "effect"
import { InsertQueryNode, type KyselyPlugin, PrimitiveValueListNode, ValuesNode } from "kysely"
import { must, type Trap } from "./Trap.js"

/** An insert of one value into a column, which a plugin makes. */
export interface BuiltInsert {
  /** Its parameters, as they are shown to who asks. */
  readonly parameters: Effect.Effect<ReadonlyArray<unknown>, unknown>
  readonly execute: Effect.Effect<unknown, unknown>
  /** The values in the column. */
  readonly stored: Effect.Effect<ReadonlyArray<unknown>, unknown>
}

export interface QuerySubject {
  readonly make: (plugin: KyselyPlugin) => Effect.Effect<BuiltInsert, unknown, Scope.Scope>
}

/** A default that is made by the program: the next number. */
const numbering = (): KyselyPlugin => {
  let number = 0
  return {
    transformQuery: ({ node }) =>
      InsertQueryNode.is(node)
        ? InsertQueryNode.cloneWith(node, { values: ValuesNode.create([PrimitiveValueListNode.create([++number])]) })
        : node,
    transformResult: async ({ result }) => result
  }
}

export const queryTraps: ReadonlyArray<Trap<QuerySubject>> = [
  {
    id: "T-35",
    title: "a query that was looked at executes what was shown: its defaults are made once",
    run: ({ make }) =>
      Effect.gen(function* () {
        const insert = yield* make(numbering())
        const shown = yield* insert.parameters
        const again = yield* insert.parameters
        yield* must(
          String(again) === String(shown),
          `its parameters were ${String(shown)}, and ${String(again)} when asked for again`
        )
        yield* insert.execute
        const stored = yield* insert.stored
        yield* must(String(stored) === String(shown), `it showed ${String(shown)}, and stored ${String(stored)}`)
      })
  }
]

/** A compiler of statements of `@effect/sql` for each of two dialects. */
export interface CompilerSubject {
  readonly mysql: Statement.Compiler
  readonly sqlite: Statement.Compiler
  /** One for MySQL that writes names in capitals. */
  readonly upper: Statement.Compiler
}

/** Falls unless each compiler quotes names as its dialect does, whichever has compiled the fragment before. */
const mustCompileForEach = (
  compilers: CompilerSubject,
  fragment: () => Statement.Fragment,
  around: (fragment: Statement.Fragment) => Statement.Fragment
) =>
  Effect.gen(function* () {
    const quotes = { mysql: "`", sqlite: '"' }
    for (const [first, second] of [
      ["mysql", "sqlite"],
      ["sqlite", "mysql"]
    ] as const) {
      for (const withoutTransform of [false, true]) {
        const shared = fragment()
        compilers[first].compile(shared, withoutTransform)
        const [text] = compilers[second].compile(around(shared), withoutTransform)
        yield* must(
          text.includes(quotes[second]) && !text.includes(quotes[first]),
          `after ${first}, the text for ${second} was ${text}`
        )
      }
    }
  })

export const compilerTraps: ReadonlyArray<Trap<CompilerSubject>> = [
  {
    id: "T-12",
    title: "a fragment that two dialects share is compiled for each",
    run: (compilers) => {
      const sql = Statement.make(Effect.die("nothing is executed"), compilers.sqlite, [], undefined)
      return mustCompileForEach(
        compilers,
        () => sql`SELECT ${sql("name")}`,
        (shared) => shared
      )
    }
  },
  {
    id: "T-12",
    title: "a fragment in the RETURNING of two dialects is compiled for each",
    run: (compilers) => {
      const sql = Statement.make(Effect.die("nothing is executed"), compilers.sqlite, [], undefined)
      return mustCompileForEach(
        compilers,
        () => sql`${sql("id")}`,
        (shared) => sql`INSERT INTO ${sql("person")} ${sql.insert({ name: "Ada" }).returning(shared)}`
      )
    }
  },
  {
    id: "T-12",
    title: "a fragment that two clients rename in other ways is compiled for each",
    run: (compilers) => {
      const sql = Statement.make(Effect.die("nothing is executed"), compilers.sqlite, [], undefined)
      const shared = sql`SELECT ${sql("name")}`
      compilers.upper.compile(shared, false)
      const [plain] = compilers.mysql.compile(shared, false)
      return must(plain === "SELECT `name`", `after the client that renames, the text was ${plain}`)
    }
  }
]

// Traps for what executes queries that a program builds.
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

import { describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { Engine, Statement } from "effect-sa"
import { QueryBuilder } from "effect-sa/kysely"
import { statementsContract } from "../contract/Statements.js"
import { sqlite } from "../support/Backend.js"
import { type QuerySubject, queryTraps } from "../traps/queries.js"

statementsContract(sqlite())

const engine: QuerySubject = {
  make: (plugin) =>
    Effect.gen(function* () {
      const engine = yield* Engine.make()
      yield* engine.execute("CREATE TABLE item (made INTEGER)")
      const db = QueryBuilder.make<{ readonly item: { readonly made: number } }>({ plugins: [plugin] })
      const insert = db.insertInto("item").values({ made: 0 })
      return {
        parameters: Statement.compileWith(insert, undefined, engine.dialect, ({ parameters }) =>
          Effect.succeed(parameters)
        ),
        execute: engine.execute(insert),
        stored: Effect.map(engine.scalar("SELECT made FROM item"), Option.toArray)
      }
    })
}

describe("A query falls into no trap:", () => {
  for (const { id, title, run } of queryTraps) it.scopedLive(`${title} (${id})`, () => run(engine))
})

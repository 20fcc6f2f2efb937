import { fileURLToPath } from "node:url"
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine, type Value } from "effect-sa"
import { type Execute, type SqliteClient, type SqliteSubject, sqliteTraps } from "../traps/sqlite.js"

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const clientOf = (engine: Engine.Engine): SqliteClient => {
  const execute: Execute = (sql, parameters) =>
    // What a program in JavaScript may pass, whatever the types say.
    Effect.map(engine.execute(sql, parameters as ReadonlyArray<Value.Parameter> | undefined), (result) =>
      result.rows.map((row) => [...row])
    )
  return { execute, session: (body) => engine.withConnection(body(execute)) }
}

const engine: SqliteSubject = {
  make: ({ lifetime = 0 }) =>
    Effect.map(Engine.make({ url: "sqlite::memory:", maxSize: 2, recycle: lifetime }), clientOf),
  bindTrue: [
    file("../../node_modules/tsx/dist/cli.mjs"),
    "--tsconfig",
    file("../../tsconfig.json"),
    file("../traps/bindTrue.ts")
  ]
}

describe("an engine on embedded SQLite falls into no trap:", () => {
  for (const { id, title, run } of sqliteTraps) it.scopedLive(`${title} (${id})`, () => run(engine))
})

import { describe, it } from "@effect/vitest"
import { dialect as mysql } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"
import * as SqlCompiler from "effect-sa/SqlCompiler"
import { compilerTraps, type CompilerSubject } from "../traps/queries.js"

const compilers: CompilerSubject = {
  mysql: SqlCompiler.make(mysql, undefined),
  sqlite: SqlCompiler.make(sqlite, undefined),
  upper: SqlCompiler.make(mysql, (name) => name.toUpperCase())
}

describe("A compiler of statements of @effect/sql falls into no trap:", () => {
  for (const { id, title, run } of compilerTraps) it.scopedLive(`${title} (${id})`, () => run(compilers))
})

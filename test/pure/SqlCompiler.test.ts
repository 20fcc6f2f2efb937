import { Statement } from "@effect/sql"
import { MysqlClient } from "@effect/sql-mysql2"
import { describe, it } from "@effect/vitest"
import { dialect as mysql } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"
import * as SqlCompiler from "effect-sa/SqlCompiler"
import { compilerTraps, type CompilerSubject } from "../traps/queries.js"

const upper = (name: string): string => name.toUpperCase()

const own: CompilerSubject = {
  mysql: SqlCompiler.make(mysql, undefined),
  sqlite: SqlCompiler.make(sqlite, undefined),
  upper: SqlCompiler.make(mysql, upper)
}

/** Those of others keep their texts with the fragments. */
const besideOthers: CompilerSubject = {
  mysql: own.mysql,
  sqlite: Statement.makeCompilerSqlite(),
  upper: MysqlClient.makeCompiler(upper)
}

describe("A compiler of statements of @effect/sql falls into no trap:", () => {
  for (const { id, title, run } of compilerTraps) {
    it.scopedLive(`${title} (${id})`, () => run(own))
    it.scopedLive(`${title}, beside compilers that keep texts (${id})`, () => run(besideOthers))
  }
})

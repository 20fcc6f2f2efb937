import { fileURLToPath } from "node:url"
import { describe, it } from "@effect/vitest"
import { Effect, Equal } from "effect"
import { Engine, Result, Statement, type Value } from "effect-sa"
import { Column, MetaData, Operations, Table } from "effect-sa/schema"
import {
  type OperationsSubject,
  operationsTraps,
  type RowsSubject,
  rowsTraps,
  type TableSubject,
  tableTraps
} from "../traps/tables.js"
import {
  type Execute,
  type SqliteClient,
  type SqliteSubject,
  sqliteTraps,
  type WritersSubject,
  writersTraps
} from "../traps/sqlite.js"

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

const writers: WritersSubject = {
  make: (path) =>
    Effect.map(Engine.make({ url: `sqlite:${path}`, maxSize: 2 }), (engine) => {
      const { execute } = clientOf(engine)
      return { execute, transaction: (body) => engine.transaction(body(execute)) }
    })
}

const rows: RowsSubject = {
  make: Effect.map(Engine.make(), (engine) => ({
    execute: (sql) => Effect.map(engine.execute(sql), (result) => result.rows),
    equal: Equal.equals,
    show: (row) => (Result.isRow(row) ? JSON.stringify(row) : String(row))
  }))
}

const item = Table.make("item", {
  id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
  name: Column.varchar(20).pipe(Column.nullable),
  pieces: Column.integer.pipe(Column.serverDefault(7)),
  changed: Column.integer.pipe(Column.nullable, Column.onUpdate(99))
})

const tables: TableSubject = {
  make: Effect.gen(function* () {
    const engine = yield* Engine.make()
    yield* Effect.provideService(MetaData.createAll(MetaData.make(item)), Engine.Engine, engine)
    const keptBy = (sql: string) => {
      const compiled = Statement.compileText(sql, undefined, engine.dialect)
      return "text" in compiled ? compiled.text : compiled
    }
    return {
      execute: (sql, parameters) =>
        Effect.map(
          // What a program in JavaScript may pass, whatever the types say.
          engine.execute(sql, parameters as ReadonlyArray<ReadonlyArray<Value.Parameter>> | undefined),
          (result) => result.rows.map((row) => [...row])
        ),
      insert: (record) => Effect.asVoid(engine.execute(item.insert(record))),
      update: (record) => Effect.asVoid(engine.execute(item.update(record, (query) => query))),
      keptOf: (statements) =>
        Effect.sync(() => {
          const made = statements.map((sql) => [sql, keptBy(sql)] as const)
          return made.reverse().filter(([sql, text]) => keptBy(sql) === text).length
        })
    }
  })
}

const operations: OperationsSubject = {
  make: Effect.map(Engine.make(), (engine) => ({
    readQuery: (sql) => Effect.provideService(Operations.readQuery(sql), Engine.Engine, engine),
    readOne: (sql) => Effect.flatten(Effect.provideService(Operations.readOneRecord(sql), Engine.Engine, engine))
  }))
}

describe("an engine on embedded SQLite falls into no trap:", () => {
  for (const { id, title, run } of sqliteTraps) it.scopedLive(`${title} (${id})`, () => run(engine))
  for (const { id, title, run } of writersTraps) it.scopedLive(`${title} (${id})`, () => run(writers))
  for (const { id, title, run } of rowsTraps) it.scopedLive(`${title} (${id})`, () => run(rows))
  for (const { id, title, run } of tableTraps) it.scopedLive(`${title} (${id})`, () => run(tables))
  for (const { id, title, run } of operationsTraps) it.scopedLive(`${title} (${id})`, () => run(operations))
})

import { Effect, ManagedRuntime } from "effect"
import { Engine } from "effect-sa"
import { type EffectOperations, runMany } from "../effect.js"
import { check, poolSize, serve, table, tableRows } from "../workload.js"

interface Point {
  readonly id: number
}

const select = (i: number) =>
  Effect.map(Engine.execute<Point>(`SELECT * FROM ${table} WHERE id = ?`, [i % tableRows]), (result) =>
    check(result.rows[0]?.id === i % tableRows)
  )

const operations: EffectOperations<Engine.Engine> = {
  select,
  rows: () =>
    Effect.map(Engine.execute<Point>(`SELECT * FROM ${table}`), (result) => check(result.rows.length === tableRows)),
  transaction: (i) =>
    Engine.transaction(
      Effect.zipRight(Engine.execute(`UPDATE ${table} SET n = n + 1 WHERE id = ?`, [i % tableRows]), select(i))
    )
}

await serve(async (url) => {
  const runtime = ManagedRuntime.make(Engine.layer({ url, maxSize: poolSize }))
  return {
    run: (kind, concurrency, until) => runtime.runPromise(runMany(operations[kind], concurrency, until)),
    close: () => runtime.dispose()
  }
})

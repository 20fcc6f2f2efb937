// What the contenders do that are effect-sa with one option or another.
import { Effect, ManagedRuntime, Option } from "effect"
import { Engine } from "effect-sa"
import { type Contender, inProcess, type Operations } from "./contender.js"
import { type EffectOperation, readStream, runMany } from "./effect.js"
import {
  check,
  insertRows,
  insertTable,
  isSlow,
  poolSize,
  rowsToInsert,
  slowStatement,
  streamTable,
  table,
  tableRows
} from "./workload.js"

interface Point {
  readonly id: number
}

const select = (i: number) =>
  Effect.map(Engine.execute<Point>(`SELECT * FROM ${table} WHERE id = ?`, [i % tableRows]), (result) =>
    check(result.rows[0]?.id === i % tableRows)
  )

const sleep = Effect.map(Engine.scalar<{ readonly slept: number }>(slowStatement), (slept) =>
  check(Option.contains(slept, 0))
)

export const operations = {
  select,
  rows: () =>
    Effect.map(Engine.execute<Point>(`SELECT * FROM ${table}`), (result) => check(result.rows.length === tableRows)),
  transaction: (i) =>
    Engine.transaction(
      Effect.zipRight(Engine.execute(`UPDATE ${table} SET n = n + 1 WHERE id = ?`, [i % tableRows]), select(i))
    ),
  insert: () =>
    Effect.zipRight(
      Engine.execute(`TRUNCATE TABLE ${insertTable}`),
      Effect.map(Engine.execute(`INSERT INTO ${insertTable} VALUES (?, ?, ?, ?)`, rowsToInsert), ({ rowCount }) =>
        check(rowCount === insertRows)
      )
    ),
  stream: () => readStream(Engine.stream<Point>(`SELECT * FROM ${streamTable}`)),
  mixed: (i) => (isSlow(i) ? sleep : select(i))
} satisfies Operations<EffectOperation<Engine.Engine>>

/** An engine with the pool that every contender has; `options` are what else it is given. */
export const contender = async (
  url: string,
  able: Operations<EffectOperation<Engine.Engine>>,
  options: { readonly pipelining?: number } = {}
): Promise<Contender> => {
  const runtime = ManagedRuntime.make(Engine.layer({ url, maxSize: poolSize, ...options }))
  return inProcess(
    able,
    (...load) => runtime.runPromise(runMany(...load)),
    () => runtime.dispose()
  )
}

// What the contenders do that are effect-sa with one option or another.
import { Effect, Layer, ManagedRuntime, Option } from "effect"
import { Connection, Engine, Pool } from "effect-sa"
import { type Contender, inProcess, type Operations } from "./contender.js"
import { acquireMany, type EffectOperation, readStream, runMany } from "./effect.js"
import {
  check,
  checkColumns,
  checkRows,
  columnsStatement,
  insertRows,
  insertTable,
  isSlow,
  rowsStatement,
  rowsToInsert,
  slowStatement,
  streamTable,
  table,
  tableRows
} from "./workload.js"

export interface Point {
  readonly id: number
}

export type Columns = Readonly<Record<string, unknown>>

const select = (i: number) =>
  Effect.map(Engine.execute<Point>(`SELECT * FROM ${table} WHERE id = ?`, [i % tableRows]), (result) =>
    check(result.rows[0]?.id === i % tableRows)
  )

const sleep = Effect.map(Engine.scalar<{ readonly slept: number }>(slowStatement), (slept) =>
  check(Option.contains(slept, 0))
)

export const operationsOf = (url: string, pool: Pool.Pool) =>
  ({
    select,
    rows: (_, size) =>
      Effect.map(Engine.execute<Point>(rowsStatement(size)), ({ rows }) =>
        checkRows(rows.length, rows.at(-1)?.id, size)
      ),
    columns: (_, size) =>
      Effect.map(Engine.execute<Columns>(columnsStatement(size)), ({ rows }) =>
        checkColumns(rows.length, rows.at(-1)?.[`c${size - 1}`], size)
      ),
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
    mixed: (i) => (isSlow(i) ? sleep : select(i)),
    acquire: acquireMany(() => pool.use(() => Effect.void)),
    // What it costs in Effect to take anything at all and give it back.
    bare: acquireMany(() =>
      Effect.acquireUseRelease(
        Effect.succeed(pool),
        () => Effect.void,
        () => Effect.void
      )
    ),
    connect: () => Effect.scoped(Effect.asVoid(Connection.make({ url })))
  }) satisfies Operations<EffectOperation<Engine.Engine>>

/** An engine with a pool of the size that every contender has; `options` are what else it is given. */
export const contender = async (
  url: string,
  poolSize: number,
  able: (pool: Pool.Pool) => Operations<EffectOperation<Engine.Engine>>,
  options: { readonly pipelining?: number } = {}
): Promise<Contender> => {
  const pool = Pool.layer({ url, maxSize: poolSize, ...options })
  const runtime = ManagedRuntime.make(Layer.provideMerge(Layer.effect(Engine.Engine, Engine.fromPool), pool))
  return inProcess(
    able(await runtime.runPromise(Pool.Pool)),
    (...load) => runtime.runPromise(runMany(...load)),
    () => runtime.dispose()
  )
}

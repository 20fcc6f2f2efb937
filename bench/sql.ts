// The same program on the layer of @effect/sql-mysql2 and on that of this package.
import { SqlClient } from "@effect/sql"
import { Duration, Effect, type Layer, ManagedRuntime, Redacted } from "effect"
import { type Contender, inProcess } from "./contender.js"
import { acquireMany, type EffectOperation, readStream, runMany } from "./effect.js"
import { targetOf } from "./target.js"
import {
  check,
  checkColumns,
  checkRows,
  chunksToInsert,
  columnsStatement,
  insertTable,
  isSlow,
  rowsStatement,
  slowStatement,
  streamTable,
  table,
  tableRows
} from "./workload.js"

interface Point {
  readonly id: number
}

/** What both layers take. */
const configOf = (url: string, poolSize: number) => {
  const { user, password, ...target } = targetOf(url)
  return {
    ...target,
    username: user,
    password: Redacted.make(password),
    maxConnections: poolSize,
    connectionTTL: Duration.minutes(45)
  }
}

export const sqlContender = async (
  url: string,
  poolSize: number,
  layer: (config: ReturnType<typeof configOf>) => Layer.Layer<SqlClient.SqlClient, unknown>
): Promise<Contender> => {
  const runtime = ManagedRuntime.make(layer(configOf(url, poolSize)))
  const sql = await runtime.runPromise(SqlClient.SqlClient)
  const select: EffectOperation<never> = (i) =>
    Effect.map(sql<Point>`SELECT * FROM ${sql(table)} WHERE id = ${i % tableRows}`, (rows) =>
      check(rows[0]?.id === i % tableRows)
    )
  const sleep = Effect.map(sql.unsafe<{ readonly slept: number }>(slowStatement), (rows) => check(rows[0]?.slept === 0))
  return inProcess<EffectOperation<never>>(
    {
      select,
      rows: (_, size) =>
        Effect.map(sql.unsafe<Point>(rowsStatement(size)), (rows) => checkRows(rows.length, rows.at(-1)?.id, size)),
      columns: (_, size) =>
        Effect.map(sql.unsafe<Readonly<Record<string, unknown>>>(columnsStatement(size)), (rows) =>
          checkColumns(rows.length, rows.at(-1)?.[`c${size - 1}`], size)
        ),
      transaction: (i) =>
        sql.withTransaction(
          Effect.zipRight(sql`UPDATE ${sql(table)} SET n = n + 1 WHERE id = ${i % tableRows}`, select(i, 0))
        ),
      insert: () =>
        Effect.zipRight(
          sql`TRUNCATE TABLE ${sql(insertTable)}`,
          Effect.forEach(chunksToInsert(), (chunk) => sql`INSERT INTO ${sql(insertTable)} ${sql.insert(chunk)}`, {
            discard: true
          })
        ),
      stream: () => readStream(sql<Point>`SELECT * FROM ${sql(streamTable)}`.stream),
      mixed: (i) => (isSlow(i) ? sleep : select(i, 0)),
      acquire: acquireMany(() => Effect.scoped(Effect.asVoid(sql.reserve)))
    },
    (...load) => runtime.runPromise(runMany(...load)),
    () => runtime.dispose()
  )
}

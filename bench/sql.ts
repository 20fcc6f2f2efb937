// The same program on the layer of @effect/sql-mysql2 and on that of this package.
import { SqlClient } from "@effect/sql"
import { Duration, Effect, type Layer, ManagedRuntime, Redacted } from "effect"
import { type Contender, inProcess } from "./contender.js"
import { type EffectOperation, readStream, runMany } from "./effect.js"
import {
  check,
  insertChunk,
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

/** What both layers take. */
const configOf = (url: string) => {
  const target = new URL(url)
  return {
    host: target.hostname,
    port: Number(target.port),
    username: decodeURIComponent(target.username),
    password: Redacted.make(decodeURIComponent(target.password)),
    database: target.pathname.slice(1),
    maxConnections: poolSize,
    connectionTTL: Duration.minutes(45)
  }
}

export const sqlContender = async (
  url: string,
  layer: (config: ReturnType<typeof configOf>) => Layer.Layer<SqlClient.SqlClient, unknown>
): Promise<Contender> => {
  const runtime = ManagedRuntime.make(layer(configOf(url)))
  const sql = await runtime.runPromise(SqlClient.SqlClient)
  const select: EffectOperation<never> = (i) =>
    Effect.map(sql<Point>`SELECT * FROM ${sql(table)} WHERE id = ${i % tableRows}`, (rows) =>
      check(rows[0]?.id === i % tableRows)
    )
  const sleep = Effect.map(sql.unsafe<{ readonly slept: number }>(slowStatement), (rows) => check(rows[0]?.slept === 0))
  return inProcess<EffectOperation<never>>(
    {
      select,
      rows: () => Effect.map(sql<Point>`SELECT * FROM ${sql(table)}`, (rows) => check(rows.length === tableRows)),
      transaction: (i) =>
        sql.withTransaction(
          Effect.zipRight(sql`UPDATE ${sql(table)} SET n = n + 1 WHERE id = ${i % tableRows}`, select(i))
        ),
      insert: () => {
        const chunks = Array.from({ length: insertRows / insertChunk }, (_, chunk) =>
          rowsToInsert
            .slice(chunk * insertChunk, (chunk + 1) * insertChunk)
            .map(([id, name, n, part]) => ({ id, name, n, part }))
        )
        return Effect.zipRight(
          sql`TRUNCATE TABLE ${sql(insertTable)}`,
          Effect.forEach(chunks, (chunk) => sql`INSERT INTO ${sql(insertTable)} ${sql.insert(chunk)}`, {
            discard: true
          })
        )
      },
      stream: () => readStream(sql<Point>`SELECT * FROM ${sql(streamTable)}`.stream),
      mixed: (i) => (isSlow(i) ? sleep : select(i))
    },
    (...load) => runtime.runPromise(runMany(...load)),
    () => runtime.dispose()
  )
}

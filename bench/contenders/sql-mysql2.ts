import { SqlClient } from "@effect/sql"
import { MysqlClient } from "@effect/sql-mysql2"
import { Duration, Effect, ManagedRuntime, Redacted } from "effect"
import { inProcess, serve } from "../contender.js"
import { type EffectOperation, readStream, runMany } from "../effect.js"
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
} from "../workload.js"

interface Point {
  readonly id: number
}

await serve(async (url) => {
  const target = new URL(url)
  const runtime = ManagedRuntime.make(
    MysqlClient.layer({
      host: target.hostname,
      port: Number(target.port),
      username: decodeURIComponent(target.username),
      password: Redacted.make(decodeURIComponent(target.password)),
      database: target.pathname.slice(1),
      maxConnections: poolSize,
      connectionTTL: Duration.minutes(45),
      // Without it the pool closes every connection that is idle for a moment.
      poolConfig: { maxIdle: poolSize, idleTimeout: 60_000 }
    })
  )
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
})

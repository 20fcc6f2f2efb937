// effect-sa as programs are that come from aiomysql.sa: each operation takes a connection, executes on it, gives it back.
import { Effect } from "effect"
import { Engine, SAConnection } from "effect-sa"
import { serve } from "../contender.js"
import { acquireMany, readStream } from "../effect.js"
import { type Columns, contender, type Point } from "../engine.js"
import {
  check,
  checkColumns,
  checkRows,
  columnsStatement,
  insertRows,
  insertTable,
  rowsStatement,
  rowsToInsert,
  streamTable,
  table,
  tableRows
} from "../workload.js"

const lent = <A, E>(body: (connection: SAConnection.SAConnection) => Effect.Effect<A, E>) =>
  Engine.withConnection(Effect.flatMap(SAConnection.SAConnection, body))

const select = (connection: SAConnection.SAConnection, i: number) =>
  Effect.map(connection.execute<Point>(`SELECT * FROM ${table} WHERE id = ?`, [i % tableRows]), (result) =>
    check(result.rows[0]?.id === i % tableRows)
  )

await serve((url, poolSize) =>
  contender(url, poolSize, () => ({
    select: (i) => lent((connection) => select(connection, i)),
    rows: (_, size) =>
      Effect.map(
        lent((connection) => connection.execute<Point>(rowsStatement(size))),
        ({ rows }) => checkRows(rows.length, rows.at(-1)?.id, size)
      ),
    columns: (_, size) =>
      Effect.map(
        lent((connection) => connection.execute<Columns>(columnsStatement(size))),
        ({ rows }) => checkColumns(rows.length, rows.at(-1)?.[`c${size - 1}`], size)
      ),
    transaction: (i) =>
      lent((connection) =>
        Effect.flatMap(connection.begin(), (transaction) =>
          connection
            .execute(`UPDATE ${table} SET n = n + 1 WHERE id = ?`, [i % tableRows])
            .pipe(Effect.zipRight(select(connection, i)), Effect.zipRight(transaction.commit))
        )
      ),
    insert: () =>
      lent((connection) =>
        Effect.zipRight(
          connection.execute(`TRUNCATE TABLE ${insertTable}`),
          Effect.map(
            connection.execute(`INSERT INTO ${insertTable} VALUES (?, ?, ?, ?)`, rowsToInsert),
            ({ rowCount }) => check(rowCount === insertRows)
          )
        )
      ),
    stream: () => lent((connection) => readStream(connection.stream<Point>(`SELECT * FROM ${streamTable}`))),
    acquire: acquireMany(() => Engine.withConnection(Effect.void))
  }))
)

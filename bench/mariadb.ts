// The `mariadb` connector, by promises; its commands are pipelined by default.
import { createConnection, createPool, type PoolConnection, type UpsertResult } from "mariadb"
import { type Contender, inProcess, type Operations } from "./contender.js"
import { type PromiseOperation, runMany } from "./promise.js"
import { targetOf } from "./target.js"
import {
  acquiresAtOnce,
  check,
  checkColumns,
  checkRows,
  checkStream,
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

/** A row as an array or as an object. */
type Row = Readonly<Record<string | number, unknown>>

export const mariadbContender = async (
  url: string,
  poolSize: number,
  rowsAsArray: boolean,
  able: (operations: Required<Omit<Operations<PromiseOperation>, "bare">>) => Operations<PromiseOperation>,
  /** Whether the statements of a transaction are sent without waiting for each other's answers. */
  pipelines = false
): Promise<Contender> => {
  // BIGINT as a number, as every other contender gives it; a bigint would be its default.
  const options = { ...targetOf(url), rowsAsArray, bigIntAsNumber: true, insertIdAsNumber: true }
  const pool = createPool({ ...options, connectionLimit: poolSize })
  const id = rowsAsArray ? 0 : "id"
  const update = `UPDATE ${table} SET n = n + 1 WHERE id = ?`
  const point = `SELECT * FROM ${table} WHERE id = ?`
  const checkPoint = (rows: ReadonlyArray<Row>, i: number): void => check(rows[0]?.[id] === i % tableRows)
  // Prepared: its cache of prepared statements makes `execute` the faster of its two ways here.
  const select: PromiseOperation = async (i) =>
    checkPoint(await pool.execute<ReadonlyArray<Row>>(point, [i % tableRows]), i)
  const onConnection = async (body: (connection: PoolConnection) => Promise<void>): Promise<void> => {
    const connection = await pool.getConnection()
    await body(connection)
    await connection.release()
  }
  return inProcess<PromiseOperation>(
    able({
      select,
      rows: async (_, size) => {
        const rows = await pool.execute<ReadonlyArray<Row>>(rowsStatement(size))
        checkRows(rows.length, rows.at(-1)?.[id], size)
      },
      columns: async (_, size) => {
        const rows = await pool.execute<ReadonlyArray<Row>>(columnsStatement(size))
        checkColumns(rows.length, rows.at(-1)?.[rowsAsArray ? size - 1 : `c${size - 1}`], size)
      },
      transaction: (i) =>
        onConnection(async (connection) => {
          if (pipelines) {
            // Nothing waits for an answer but the COMMIT.
            const [, , rows] = await Promise.all([
              connection.beginTransaction(),
              connection.execute(update, [i % tableRows]),
              connection.execute<ReadonlyArray<Row>>(point, [i % tableRows])
            ])
            checkPoint(rows, i)
          } else {
            await connection.beginTransaction()
            await connection.execute(update, [i % tableRows])
            checkPoint(await connection.execute<ReadonlyArray<Row>>(point, [i % tableRows]), i)
          }
          await connection.commit()
        }),
      // Its `batch` sends all rows in the bulk commands of MariaDB.
      insert: async () => {
        await pool.query(`TRUNCATE TABLE ${insertTable}`)
        const results = await pool.batch<UpsertResult | Array<UpsertResult>>(
          `INSERT INTO ${insertTable} VALUES (?, ?, ?, ?)`,
          rowsToInsert
        )
        // It gives several where a value made it begin another command.
        check([results].flat().reduce((sum, { affectedRows }) => sum + affectedRows, 0) === insertRows)
      },
      // By events, which is faster than to iterate.
      stream: () =>
        onConnection(
          (connection) =>
            new Promise((resolve, reject) => {
              let rows = 0
              let sumOfIds = 0
              connection
                .queryStream(`SELECT * FROM ${streamTable}`)
                .on("data", (row) => {
                  rows++
                  sumOfIds += row[id]
                })
                .on("error", reject)
                .on("end", () => {
                  checkStream(rows, sumOfIds)
                  resolve()
                })
            })
        ),
      mixed: (i, size) =>
        isSlow(i)
          ? pool
              .execute<ReadonlyArray<Row>>(slowStatement)
              .then((rows) => check(Number(rows[0]?.[rowsAsArray ? 0 : "slept"]) === 0))
          : select(i, size),
      acquire: async () => {
        for (let i = 0; i < acquiresAtOnce; i++) {
          const connection = await pool.getConnection()
          await connection.release()
        }
      },
      connect: async () => {
        const connection = await createConnection(options)
        await connection.end()
      }
    }),
    runMany,
    () => pool.end()
  )
}

// mysql2 by its promises, as most programs use it; with rows as arrays, so that nothing else differs from the callbacks.
// It has no stream of its own.
import { createPool, type RowDataPacket } from "mysql2/promise"
import { inProcess, serve } from "../contender.js"
import { pointSelect, poolOptions, update } from "../mysql2.js"
import { type PromiseOperation, runMany } from "../promise.js"
import {
  acquiresAtOnce,
  check,
  checkRows,
  insertChunk,
  insertRows,
  insertTable,
  rowsStatement,
  rowsToInsert,
  tableRows
} from "../workload.js"

await serve(async (url, poolSize) => {
  const pool = createPool(poolOptions(url, poolSize))
  const point = (i: number) => ({ sql: pointSelect, values: [i % tableRows], rowsAsArray: true })
  return inProcess<PromiseOperation>(
    {
      select: async (i) => {
        const [rows] = await pool.execute<Array<RowDataPacket>>(point(i))
        check(rows[0]?.[0] === i % tableRows)
      },
      rows: async (_, size) => {
        const [rows] = await pool.execute<Array<RowDataPacket>>({ sql: rowsStatement(size), rowsAsArray: true })
        checkRows(rows.length, rows.at(-1)?.[0], size)
      },
      transaction: async (i) => {
        const connection = await pool.getConnection()
        await connection.beginTransaction()
        await connection.execute(update, [i % tableRows])
        const [rows] = await connection.execute<Array<RowDataPacket>>(point(i))
        check(rows[0]?.[0] === i % tableRows)
        await connection.commit()
        connection.release()
      },
      insert: async () => {
        await pool.query(`TRUNCATE TABLE ${insertTable}`)
        for (let from = 0; from < insertRows; from += insertChunk) {
          await pool.query(`INSERT INTO ${insertTable} VALUES ?`, [rowsToInsert.slice(from, from + insertChunk)])
        }
      },
      acquire: async () => {
        for (let i = 0; i < acquiresAtOnce; i++) {
          const connection = await pool.getConnection()
          connection.release()
        }
      }
    },
    runMany,
    () => pool.end()
  )
})

// mysql2 by its callbacks, the fastest way that it has, with rows as arrays or as objects. Statements that are executed again
// and again are prepared (`execute`), as its documentation advises; what is sent once in a text of its own is not (`query`).
import mysql2, { type QueryOptions } from "mysql2"
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
  insertChunk,
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

/** The pool of every contender that stands on mysql2. Without `maxIdle` it would be the same: it is here to be seen. */
export const poolOptions = (url: string, poolSize: number) => ({
  ...targetOf(url),
  connectionLimit: poolSize,
  maxIdle: poolSize
})

export const pointSelect = `SELECT * FROM ${table} WHERE id = ?`
export const update = `UPDATE ${table} SET n = n + 1 WHERE id = ?`

/** A row as an array or as an object. */
type Row = Readonly<Record<string | number, unknown>>

export const mysql2Contender = async (
  url: string,
  poolSize: number,
  rowsAsArray: boolean,
  able: (operations: Required<Omit<Operations<PromiseOperation>, "bare">>) => Operations<PromiseOperation>
): Promise<Contender> => {
  const pool = mysql2.createPool(poolOptions(url, poolSize))
  const id = rowsAsArray ? 0 : "id"
  const settle =
    (resolve: (rows: ReadonlyArray<Row>) => void, reject: (error: Error) => void) =>
    (error: Error | null, rows: unknown): void =>
      error === null && Array.isArray(rows) ? resolve(rows) : error === null ? resolve([]) : reject(error)
  const execute = (statement: QueryOptions) =>
    new Promise<ReadonlyArray<Row>>((resolve, reject) =>
      pool.execute({ ...statement, rowsAsArray }, settle(resolve, reject))
    )
  const point = (i: number) => ({ sql: pointSelect, values: [i % tableRows], rowsAsArray })
  const select: PromiseOperation = (i) => execute(point(i)).then((rows) => check(rows[0]?.[id] === i % tableRows))
  const transaction: PromiseOperation = (i) =>
    new Promise<void>((resolve, reject) =>
      pool.getConnection((failed, connection) => {
        if (failed !== null) return reject(failed)
        const end = (error: Error): void => {
          connection.destroy()
          reject(error)
        }
        connection.query("BEGIN", (error) => {
          if (error !== null) return end(error)
          connection.execute(update, [i % tableRows], (error) => {
            if (error !== null) return end(error)
            connection.execute(
              point(i),
              settle((rows) => {
                check(rows[0]?.[id] === i % tableRows)
                connection.query("COMMIT", (error) => {
                  if (error !== null) return end(error)
                  connection.release()
                  resolve()
                })
              }, end)
            )
          })
        })
      })
    )
  const insert = async (): Promise<void> => {
    const query = (sql: string, values: Array<unknown>) =>
      new Promise<void>((resolve, reject) =>
        pool.query(sql, values, (error) => (error === null ? resolve() : reject(error)))
      )
    await query(`TRUNCATE TABLE ${insertTable}`, [])
    for (let from = 0; from < insertRows; from += insertChunk) {
      await query(`INSERT INTO ${insertTable} VALUES ?`, [rowsToInsert.slice(from, from + insertChunk)])
    }
  }
  // By events: twice as fast as to iterate over it, and no slower than a prepared statement's stream.
  const stream = () =>
    new Promise<void>((resolve, reject) => {
      let rows = 0
      let sumOfIds = 0
      pool
        .query({ sql: `SELECT * FROM ${streamTable}`, rowsAsArray })
        .stream()
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
  const acquire = () =>
    new Promise<void>((resolve, reject) => {
      const again = (left: number): void => {
        if (left === 0) return resolve()
        pool.getConnection((error, connection) => {
          if (error !== null) return reject(error)
          connection.release()
          again(left - 1)
        })
      }
      again(acquiresAtOnce)
    })
  const connect = () =>
    new Promise<void>((resolve, reject) => {
      const connection = mysql2.createConnection(targetOf(url))
      connection.once("error", reject)
      connection.connect((error) => {
        if (error !== null) return reject(error)
        connection.end((error) => (error === undefined || error === null ? resolve() : reject(error)))
      })
    })
  return inProcess<PromiseOperation>(
    able({
      select,
      rows: (_, size) =>
        execute({ sql: rowsStatement(size) }).then((rows) => checkRows(rows.length, rows.at(-1)?.[id], size)),
      columns: (_, size) =>
        execute({ sql: columnsStatement(size) }).then((rows) =>
          checkColumns(rows.length, rows.at(-1)?.[rowsAsArray ? size - 1 : `c${size - 1}`], size)
        ),
      transaction,
      insert,
      stream,
      mixed: (i, size) =>
        isSlow(i)
          ? execute({ sql: slowStatement }).then((rows) => check(rows[0]?.[rowsAsArray ? 0 : "slept"] === 0))
          : select(i, size),
      acquire,
      connect
    }),
    runMany,
    () => new Promise((resolve) => pool.end(() => resolve()))
  )
}

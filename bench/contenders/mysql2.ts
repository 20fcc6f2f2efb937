import mysql2 from "mysql2"
import { check, poolSize, runnerOf, serve, table, tableRows } from "../workload.js"

type Row = ReadonlyArray<unknown>

await serve(async (url) => {
  const target = new URL(url)
  const pool = mysql2.createPool({
    host: target.hostname,
    port: Number(target.port),
    user: decodeURIComponent(target.username),
    password: decodeURIComponent(target.password),
    database: target.pathname.slice(1),
    connectionLimit: poolSize,
    maxIdle: poolSize
  })
  const settle =
    (resolve: (rows: ReadonlyArray<Row>) => void, reject: (error: Error) => void) =>
    (error: Error | null, rows: unknown): void =>
      error === null && Array.isArray(rows) ? resolve(rows) : error === null ? resolve([]) : reject(error)
  const select = (i: number) => ({
    sql: `SELECT * FROM ${table} WHERE id = ?`,
    values: [i % tableRows],
    rowsAsArray: true
  })
  return {
    run: runnerOf({
      select: (i) =>
        new Promise<ReadonlyArray<Row>>((resolve, reject) => pool.execute(select(i), settle(resolve, reject))).then(
          (rows) => check(rows[0]?.[0] === i % tableRows)
        ),
      rows: () =>
        new Promise<ReadonlyArray<Row>>((resolve, reject) =>
          pool.execute({ sql: `SELECT * FROM ${table}`, rowsAsArray: true }, settle(resolve, reject))
        ).then((rows) => check(rows.length === tableRows)),
      transaction: (i) =>
        new Promise<void>((resolve, reject) =>
          pool.getConnection((failed, connection) => {
            if (failed !== null) return reject(failed)
            const end = (error: Error): void => {
              connection.destroy()
              reject(error)
            }
            connection.query("BEGIN", (error) => {
              if (error !== null) return end(error)
              connection.execute(`UPDATE ${table} SET n = n + 1 WHERE id = ?`, [i % tableRows], (error) => {
                if (error !== null) return end(error)
                connection.execute(
                  select(i),
                  settle((rows) => {
                    check(rows[0]?.[0] === i % tableRows)
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
    }),
    close: () => new Promise((resolve) => pool.end(() => resolve()))
  }
})

// The tables that are read. They are made anew by every run.
import mysql2 from "mysql2"
import { insertTable, type Kind, streamRows, streamTable, table, tableRows } from "./workload.js"

/** Makes the tables that these kinds need, and gives the server's version. */
export const fill = (url: string, kinds: ReadonlySet<Kind>): Promise<string> => {
  const streams = kinds.has("stream") ? [...create(streamTable), ...fillStreamTable] : []
  return query(url, [...create(table), fillTable, ...streams, ...createInsertTable])
}

/** Removes the table that takes room. */
export const clear = (url: string): Promise<string> =>
  query(url, [`DROP TABLE IF EXISTS ${streamTable}, ${insertTable}`])

const createInsertTable = [
  `DROP TABLE IF EXISTS ${insertTable}`,
  `CREATE TABLE ${insertTable} (id INT PRIMARY KEY, name VARCHAR(40), n INT, part DOUBLE)`
]

const create = (name: string): ReadonlyArray<string> => [
  `DROP TABLE IF EXISTS ${name}`,
  `CREATE TABLE ${name} (id INT PRIMARY KEY, name VARCHAR(40), n INT, big BIGINT, at DATETIME)`
]

const fillTable = `INSERT INTO ${table} VALUES ${Array.from(
  { length: tableRows },
  (_, i) => `(${i}, 'name of number ${i}', ${i}, ${i * 1_000_000}, '2024-01-02 03:04:05')`
).join(",")}`

/** Each row of the small table becomes so many of the large one. A part at a time: no server likes a huge transaction. */
const copies = streamRows / tableRows
const parts = 10
const fillStreamTable = Array.from({ length: parts }, (_, part) => {
  const id = `few.id * ${copies} + many.id`
  const rows = tableRows / parts
  return `INSERT INTO ${streamTable}
    SELECT ${id}, CONCAT('name of number ', ${id}), ${id}, (${id}) * 1000000, few.at
    FROM ${table} few JOIN ${table} many ON many.id < ${copies}
    WHERE few.id >= ${part * rows} AND few.id < ${(part + 1) * rows} ORDER BY few.id, many.id`
})

const query = (url: string, statements: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const connection = mysql2.createConnection({ uri: url, multipleStatements: true, rowsAsArray: true })
    connection.query(`${statements.join(";")}; SELECT VERSION()`, (error, results) => {
      connection.destroy()
      if (error !== null) reject(error)
      else resolve(JSON.stringify(Array.isArray(results) ? results.at(-1) : ""))
    })
  })

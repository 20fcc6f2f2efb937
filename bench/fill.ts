// The tables that are read. They are made anew by every run.
import mysql2 from "mysql2"
import {
  columnCounts,
  columnsRows,
  columnsTable,
  columnValue,
  insertTable,
  streamRows,
  streamTable,
  type Task,
  table,
  tableRows
} from "./workload.js"

/** Makes the tables that these tasks need, and gives the server's version. */
export const fill = (url: string, tasks: ReadonlyArray<Task>): Promise<string> => {
  const needsLarge = tasks.some(({ kind, size }) => kind === "stream" || (kind === "rows" && size > tableRows))
  const needsColumns = tasks.some(({ kind }) => kind === "columns")
  return query(url, [
    ...create(table),
    fillTable,
    ...(needsLarge ? [...create(streamTable), ...fillStreamTable] : []),
    ...(needsColumns ? columnCounts.flatMap(createColumns) : []),
    ...createInsertTable
  ])
}

/** Removes the tables. */
export const clear = (url: string): Promise<string> =>
  query(url, [
    `DROP TABLE IF EXISTS ${[table, streamTable, insertTable, ...columnCounts.map(columnsTable)].join(", ")}`
  ])

/** A table with so many columns, numbers and words, the first of which is the key. */
const createColumns = (columns: number): ReadonlyArray<string> => {
  const name = columnsTable(columns)
  const each = Array.from({ length: columns }, (_, i) => i)
  const rows = Array.from({ length: columnsRows }, (_, row) => {
    const values = each.map((column) => columnValue(row, column))
    return `(${values.map((value) => (typeof value === "number" ? value : `'${value}'`)).join()})`
  })
  return [
    `DROP TABLE IF EXISTS ${name}`,
    `CREATE TABLE ${name} (${each.map((i) => `c${i} ${i % 2 === 0 ? "INT" : "VARCHAR(20)"}`).join()}, PRIMARY KEY (c0))`,
    `INSERT INTO ${name} VALUES ${rows.join()}`
  ]
}

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

/** Executes all of them, and gives the server's version. */
const query = (url: string, statements: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const connection = mysql2.createConnection({ uri: url, multipleStatements: true, rowsAsArray: true })
    connection.query(`${statements.join(";")}; SELECT VERSION()`, (error, results) => {
      connection.destroy()
      if (error !== null) return reject(error)
      // The result of each statement; the last has one row of one column.
      const last: unknown = Array.isArray(results) ? results.at(-1) : undefined
      const row: unknown = Array.isArray(last) ? last[0] : undefined
      resolve(Array.isArray(row) ? String(row[0]) : "unknown")
    })
  })

// Kysely on a pool of mysql2. Queries are built each time, as its programs do; it prepares nothing.
import { Kysely, MysqlDialect, sql } from "kysely"
import { createPool } from "mysql2"
import { inProcess, serve } from "../contender.js"
import { poolOptions } from "../mysql2.js"
import { type PromiseOperation, runMany } from "../promise.js"
import {
  acquiresAtOnce,
  check,
  checkRows,
  checkStream,
  chunksToInsert,
  insertTable,
  streamTable,
  table,
  tableRows
} from "../workload.js"

interface Filled {
  readonly id: number
  readonly name: string
  readonly n: number
  readonly big: number
  readonly at: Date
}

interface Tables {
  readonly [table]: Filled
  readonly [streamTable]: Filled
  readonly [insertTable]: { id: number; name: string; n: number; part: number | null }
}

await serve(async (url, poolSize) => {
  const db = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: createPool(poolOptions(url, poolSize)) }) })
  const point = (from: Pick<Kysely<Tables>, "selectFrom">, i: number): Promise<void> =>
    from
      .selectFrom(table)
      .selectAll()
      .where("id", "=", i % tableRows)
      .executeTakeFirst()
      .then((row) => check(row?.id === i % tableRows))
  return inProcess<PromiseOperation>(
    {
      select: (i) => point(db, i),
      rows: async (_, size) => {
        const from = db.selectFrom(size > tableRows ? streamTable : table)
        const rows = await from.selectAll().where("id", "<", size).execute()
        checkRows(rows.length, rows.at(-1)?.id, size)
      },
      transaction: (i) =>
        db.transaction().execute(async (transaction) => {
          await transaction
            .updateTable(table)
            .set((is) => ({ n: is("n", "+", 1) }))
            .where("id", "=", i % tableRows)
            .execute()
          await point(transaction, i)
        }),
      insert: async () => {
        await sql`TRUNCATE TABLE ${sql.table(insertTable)}`.execute(db)
        for (const chunk of chunksToInsert()) await db.insertInto(insertTable).values(chunk).execute()
      },
      stream: async () => {
        let rows = 0
        let sumOfIds = 0
        for await (const row of db.selectFrom(streamTable).selectAll().stream()) {
          rows++
          sumOfIds += row.id
        }
        checkStream(rows, sumOfIds)
      },
      acquire: async () => {
        for (let i = 0; i < acquiresAtOnce; i++) await db.connection().execute(() => Promise.resolve())
      }
    },
    runMany,
    () => db.destroy()
  )
})

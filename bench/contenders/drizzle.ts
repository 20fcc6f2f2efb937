// Drizzle on a pool of mysql2, with its prepared queries where it has them: they are built once, and not prepared by the server.
// A connection of its pool cannot be had for itself.
import { eq, lt, sql } from "drizzle-orm"
import { bigint, datetime, double, int, mysqlTable, varchar } from "drizzle-orm/mysql-core"
import { drizzle } from "drizzle-orm/mysql2"
import { createPool } from "mysql2/promise"
import { inProcess, serve } from "../contender.js"
import { poolOptions } from "../mysql2.js"
import { type PromiseOperation, runMany } from "../promise.js"
import {
  check,
  checkRows,
  checkStream,
  chunksToInsert,
  insertTable,
  streamTable,
  table,
  tableRows
} from "../workload.js"

const filled = (name: string) =>
  mysqlTable(name, {
    id: int("id").primaryKey(),
    name: varchar("name", { length: 40 }),
    n: int("n"),
    big: bigint("big", { mode: "number" }),
    at: datetime("at")
  })

const small = filled(table)
const large = filled(streamTable)
const inserted = mysqlTable(insertTable, {
  id: int("id").primaryKey(),
  name: varchar("name", { length: 40 }),
  n: int("n"),
  part: double("part")
})

await serve(async (url, poolSize) => {
  const pool = createPool(poolOptions(url, poolSize))
  const db = drizzle({ client: pool })
  const point = db
    .select()
    .from(small)
    .where(eq(small.id, sql.placeholder("id")))
    .prepare()
  const first = (from: typeof small) =>
    db
      .select()
      .from(from)
      .where(lt(from.id, sql.placeholder("size")))
      .prepare()
  const [fromSmall, fromLarge] = [first(small), first(large)]
  const all = db.select().from(large).prepare()
  return inProcess<PromiseOperation>(
    {
      select: async (i) => {
        const rows = await point.execute({ id: i % tableRows })
        check(rows[0]?.id === i % tableRows)
      },
      rows: async (_, size) => {
        const rows = await (size > tableRows ? fromLarge : fromSmall).execute({ size })
        checkRows(rows.length, rows.at(-1)?.id, size)
      },
      // A prepared query belongs to the pool, not to the transaction.
      transaction: (i) =>
        db.transaction(async (transaction) => {
          const id = i % tableRows
          await transaction
            .update(small)
            .set({ n: sql`${small.n} + 1` })
            .where(eq(small.id, id))
          const rows = await transaction.select().from(small).where(eq(small.id, id))
          check(rows[0]?.id === id)
        }),
      insert: async () => {
        await db.execute(sql`TRUNCATE TABLE ${inserted}`)
        for (const chunk of chunksToInsert()) await db.insert(inserted).values(chunk)
      },
      stream: async () => {
        let rows = 0
        let sumOfIds = 0
        for await (const row of all.iterator()) {
          rows++
          sumOfIds += row.id
        }
        checkStream(rows, sumOfIds)
      }
    },
    runMany,
    () => pool.end()
  )
})

// What tables cost: 100,000 records created by Operations.createMany, each value encoded and checked by its column, beside the
// same rows by executemany without a table; and the same rows selected both ways. Rounds take turns in one process.
// npm run bench:records; EFFECT_SA_BENCH_URL=mysql://… is the server, else a private MariaDB is started as the tests do.
import { Effect, Schema } from "effect"
import { Engine } from "effect-sa"
import { Column, MetaData, Operations, Table } from "effect-sa/schema"
import { startMariadb } from "../test/support/servers/mariadb.js"

const count = 100_000
const rounds = 7

const Id = Schema.Int.pipe(Schema.brand("Id"))
const record = Table.make("bench_record", {
  id: Column.integer.pipe(Column.schema(Id), Column.primaryKey),
  name: Column.varchar(50),
  active: Column.boolean,
  price: Column.decimal(10, 2),
  at: Column.datetime(3)
})
const tables = MetaData.make(record)

const at = new Date(Date.UTC(2024, 1, 29))
const records = Array.from({ length: count }, (_, i) => ({
  id: Id.make(i),
  name: `record number ${i}`,
  active: i % 2 === 0,
  price: "12.50",
  at
}))
const rows = records.map(({ id, name, active, price, at }) => [id, name, active, price, at])

const timed = <A, E, R>(run: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(run, () => performance.now() - begun)
  })
const emptied = <A, E, R>(run: Effect.Effect<A, E, R>) =>
  Effect.zipRight(Engine.execute("TRUNCATE TABLE bench_record"), timed(run))

const median = (times: ReadonlyArray<number>): number =>
  [...times].sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN

const program = Effect.gen(function* () {
  yield* MetaData.dropAll(tables)
  yield* MetaData.createAll(tables)
  const insert = "INSERT INTO bench_record (id, name, active, price, at) VALUES (?, ?, ?, ?, ?)"
  const times: Record<"raw" | "created" | "read" | "selected", Array<number>> = {
    raw: [],
    created: [],
    read: [],
    selected: []
  }
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const raw = yield* emptied(Engine.transaction(Engine.execute(insert, rows)))
    const created = yield* emptied(Operations.createMany(record, records))
    const read = yield* timed(Effect.map(Engine.execute("SELECT * FROM bench_record"), (result) => result.rows.length))
    const selected = yield* timed(Effect.map(Engine.execute(record.select()), (result) => result.rows.length))
    if (round === 0) continue
    times.raw.push(raw)
    times.created.push(created)
    times.read.push(read)
    times.selected.push(selected)
  }
  yield* MetaData.dropAll(tables)
  return times
})

const main = async (): Promise<void> => {
  const given = process.env.EFFECT_SA_BENCH_URL
  const server = given === undefined ? await startMariadb() : undefined
  try {
    const url = given ?? server?.url ?? ""
    const { raw, created, read, selected } = await Effect.runPromise(
      Effect.provide(program, Engine.layer({ url, maxSize: 1 }))
    )
    process.stdout.write(
      `${count} rows, medians of ${rounds}: executemany ${median(raw).toFixed(0)} ms, Operations.createMany ${median(created).toFixed(0)} ms, ${(median(created) / median(raw)).toFixed(2)} times as long; ` +
        `read ${median(read).toFixed(0)} ms, by the table ${median(selected).toFixed(0)} ms, ${(median(selected) / median(read)).toFixed(2)} times as long\n`
    )
    process.exitCode = median(created) < 3 * median(raw) ? 0 : 1
  } finally {
    await server?.stop()
  }
}

await main()

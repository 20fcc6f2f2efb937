// A small shop's inventory: items with their stock, orders, and every movement of stock, so that the books always add up.
//
// It needs nothing installed: without DATABASE_URL the database is an embedded SQLite in memory. The same program runs on a
// server:
//
//   DATABASE_URL=mysql://user:password@localhost:3306/test npx tsx examples/inventory.ts
//
// It makes the tables shop_item and shop_movement, and drops them at its end.
import { BigDecimal, Config, Console, Data, Effect, Option, Redacted, Schema } from "effect"
import { Engine, Errors, Statement, Transaction } from "effect-sa"
import { QueryBuilder, sql } from "effect-sa/kysely"
import { Column, MetaData, Operations, Table } from "effect-sa/schema"

const EngineLive = Engine.layerConfig({
  url: Config.redacted("DATABASE_URL").pipe(Config.withDefault(Redacted.make("sqlite::memory:")))
})

// ---- the tables -----------------------------------------------------------------------------------------------------

const Sku = Schema.String.pipe(Schema.pattern(/^[A-Z]{2}-\d{3}$/), Schema.brand("Sku"))
type Sku = typeof Sku.Type

const item = Table.make("shop_item", {
  sku: Column.char(6).pipe(Column.schema(Sku), Column.primaryKey),
  name: Column.varchar(60),
  // Money is exact: DECIMAL in the database, BigDecimal in the program.
  price: Column.decimal(10, 2).pipe(Column.schema(Schema.BigDecimal)),
  pieces: Column.integer.pipe(Column.withDefault(0), Column.check("pieces >= 0")),
  tags: Column.json.pipe(Column.schema(Schema.Array(Schema.String)), Column.withDefault([]))
})

const movement = Table.make(
  "shop_movement",
  {
    id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
    item: Column.char(6).pipe(
      Column.schema(Sku),
      Column.references({ table: item, column: "sku" }, { onDelete: "restrict" })
    ),
    kind: Column.enumeration("delivery", "order", "return"),
    pieces: Column.integer,
    order_number: Column.varchar(20).pipe(Column.nullable)
  },
  { indexes: [{ columns: ["item", "kind"] }] }
)

const tables = MetaData.make(item, movement)
const db = QueryBuilder.make<Table.Database<typeof item | typeof movement>>()

// ---- what the shop does ---------------------------------------------------------------------------------------------

class OutOfStock extends Data.TaggedError("OutOfStock")<{ readonly sku: Sku }> {}

// `pieces + ?` is computed by the database, so that nobody's change is lost; the names are filled at each execution.
const addPieces = db
  .updateTable("shop_item")
  .set((eb) => ({ pieces: eb("pieces", "+", Statement.param<number>("pieces")) }))
  .where("sku", "=", Statement.param<string>("sku"))

/** Moves stock, and writes down why. It has to run in a transaction, which its type says. */
const move = (sku: Sku, kind: "delivery" | "order" | "return", pieces: number, order?: string) =>
  Effect.gen(function* () {
    yield* Transaction.Transaction
    yield* Engine.execute(addPieces, { sku, pieces })
    yield* Engine.execute(movement.insert({ item: sku, kind, pieces, order_number: order ?? null }))
  }).pipe(Errors.catchReason("CheckViolation", () => Effect.fail(new OutOfStock({ sku }))))

const deliver = (deliveries: ReadonlyArray<readonly [sku: Sku, pieces: number]>) =>
  Engine.transaction(Effect.forEach(deliveries, ([sku, pieces]) => move(sku, "delivery", pieces), { discard: true }))

/** Takes everything that an order asks for, or nothing of it. */
const order = (number: string, lines: ReadonlyArray<readonly [sku: Sku, pieces: number]>) =>
  Engine.transaction(
    Effect.forEach(lines, ([sku, pieces]) => move(sku, "order", -pieces, number), { discard: true }),
    { retry: Transaction.retryDeadlocks({ times: 5 }) }
  )

// An expression has the type that the database gives it, so the program says which it wants: a number, of any database.
const moved = db
  .selectFrom("shop_movement")
  .innerJoin("shop_item", "shop_item.sku", "shop_movement.item")
  .select(["shop_item.name", "shop_item.pieces", sql<number>`cast(sum(shop_movement.pieces) as signed)`.as("booked")])
  .groupBy(["shop_item.sku", "shop_item.name", "shop_item.pieces"])
  .orderBy("shop_item.name")

// ---- a day in the shop ----------------------------------------------------------------------------------------------

const sku = Schema.decodeSync(Sku)
const euros = (text: string) => BigDecimal.unsafeFromString(text)
const [bolt, nut, spanner] = [sku("BO-001"), sku("NU-001"), sku("SP-010")]

const say = (what: string, text: string) => Console.log(`${what.padEnd(14)} ${text}`)

const stock = Effect.map(Engine.execute(item.select((query) => query.orderBy("name"))), ({ rows }) =>
  rows.map(({ name, pieces }) => `${pieces} × ${name}`).join(", ")
)

const program = Effect.gen(function* () {
  yield* Operations.createMany(item, [
    { sku: bolt, name: "Bolt M8", price: euros("0.35"), tags: ["metric", "steel"] },
    { sku: nut, name: "Nut M8", price: euros("0.10"), tags: ["metric"] },
    { sku: spanner, name: "Spanner 13", price: euros("12.90") }
  ])
  yield* deliver([
    [bolt, 500],
    [nut, 800],
    [spanner, 5]
  ])
  yield* say("delivered", yield* stock)

  yield* order("2024-001", [
    [bolt, 40],
    [nut, 40]
  ])
  yield* say("order 001", yield* stock)

  // The nuts are there, the spanners are not: the rollback puts the nuts back.
  const refused = yield* order("2024-002", [
    [nut, 10],
    [spanner, 6]
  ]).pipe(
    Effect.as("went out"),
    Effect.catchTag("OutOfStock", ({ sku }) => Effect.succeed(`refused, not enough of ${sku}`))
  )
  yield* say("order 002", refused)
  yield* say("still", yield* stock)

  // Ten orders at once: each is all or nothing, and none takes what another has.
  const taken = yield* Effect.forEach(
    Array.from({ length: 10 }, (_, i) => `2024-1${i}`),
    (number) => Effect.option(order(number, [[spanner, 1]])),
    { concurrency: "unbounded" }
  )
  yield* say("at once", `${taken.filter(Option.isSome).length} of 10 orders got a spanner`)

  const { rows } = yield* Engine.execute(moved)
  for (const { name, pieces, booked } of rows)
    yield* say("the books", `${name}: ${pieces} in stock, ${booked} booked${pieces === booked ? "" : " (!)"}`)

  const { items, total } = yield* Operations.paginateQuery(db.selectFrom("shop_movement").selectAll().orderBy("id"), {
    page: 1,
    pageSize: 3
  })
  yield* say("movements", `${items.map(({ kind, pieces }) => `${kind} ${pieces}`).join(", ")} … of ${total}`)

  const raised = yield* Operations.updateOne(item, spanner, { price: euros("13.50") })
  yield* say("new price", `${raised.name} ${BigDecimal.format(raised.price)}`)

  // What the database keeps true it also says: an item with movements cannot go.
  const kept = yield* Operations.deleteOne(item, nut).pipe(
    Effect.as("gone"),
    Errors.catchReason("ForeignKeyViolation", () => Effect.succeed("kept, it has movements"))
  )
  yield* say("without nuts", kept)
})

const main = Effect.acquireUseRelease(
  Effect.zipRight(MetaData.dropAll(tables), MetaData.createAll(tables)),
  () => program,
  () => Effect.orDie(MetaData.dropAll(tables))
).pipe(
  Effect.provide(EngineLive),
  Effect.catchAll((error) => {
    process.exitCode = 1
    return Console.error(Errors.render(error))
  })
)

await Effect.runPromise(main)

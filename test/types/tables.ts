// What the types of tables promise, held by the compiler: test/types/types.test.ts compiles this file.
import { type BigDecimal, type Brand, Effect, Schema } from "effect"
import { Engine, type Errors, type Result, Statement } from "effect-sa"
import { Column, type MetaData, SchemaBase, Table } from "effect-sa/schema"
import { QueryBuilder } from "effect-sa/kysely"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

type ValueOf<T> = T extends Effect.Effect<infer A, unknown, unknown> ? A : never

const PersonId = Schema.Int.pipe(Schema.brand("PersonId"))
type PersonId = number & Brand.Brand<"PersonId">

const person = Table.make("person", {
  id: Column.integer.pipe(Column.schema(PersonId), Column.primaryKey, Column.autoIncrement),
  name: Column.varchar(50),
  active: Column.boolean.pipe(Column.withDefault(true)),
  balance: Column.decimal(10, 2).pipe(Column.schema(Schema.BigDecimal), Column.nullable),
  role: Column.enumeration("admin", "guest").pipe(Column.serverDefault("guest")),
  settings: Column.json.pipe(Column.schema(Schema.Struct({ theme: Schema.String }))),
  born: Column.date.pipe(Column.nullable),
  seen: Column.datetime(3).pipe(Column.onUpdate(() => new Date())),
  exact: Column.datetime(6),
  large: Column.bigint("bigint")
})

// ---- rows -----------------------------------------------------------------------------------------------------------

holds<
  Equal<
    Table.Row<typeof person>,
    {
      readonly id: PersonId
      readonly name: string
      readonly active: boolean
      readonly balance: BigDecimal.BigDecimal | null
      readonly role: "admin" | "guest"
      readonly settings: { readonly theme: string }
      readonly born: string | null
      readonly seen: Date
      readonly exact: string
      readonly large: bigint
    }
  >
>()

holds<
  Equal<
    Table.Insert<typeof person>,
    {
      readonly name: string
      readonly settings: { readonly theme: string }
      readonly seen: Date
      readonly exact: string
      readonly large: bigint
      readonly id?: PersonId
      readonly active?: boolean
      readonly balance?: BigDecimal.BigDecimal | null
      readonly role?: "admin" | "guest"
      readonly born?: string | null
    }
  >
>()
holds<Equal<Table.Update<typeof person>["balance"], BigDecimal.BigDecimal | null | undefined>>()
holds<Equal<Schema.Schema.Type<typeof person.schemas.row>, Table.Row<typeof person>>>()
holds<Equal<Schema.Schema.Encoded<typeof person.schemas.row>["balance"], string | null>>()
holds<Equal<Schema.Schema.Encoded<typeof person.schemas.row>["active"], number>>()
holds<Equal<Schema.Schema.Type<typeof person.schemas.insert>, Table.Insert<typeof person>>>()

// ---- statements -----------------------------------------------------------------------------------------------------

const selected = Engine.execute(person.select((query) => query.where("name", "=", "Ada").orderBy("id").limit(3)))
holds<Equal<ValueOf<typeof selected>, Result.Result<Table.Row<typeof person>>>>()
const returned = Engine.execute(
  person.insert(
    { name: "Ada", settings: { theme: "dark" }, seen: new Date(), exact: "", large: 1n },
    { returning: ["id", "balance"] }
  )
)
holds<Equal<ValueOf<typeof returned>, Result.Result<Pick<Table.Row<typeof person>, "id" | "balance">>>>()

// SQLAlchemy's bindparam, in values and in conditions.
Engine.execute(
  person.update({ name: Statement.param("name") }, (query) => query.where("id", "=", Statement.param<number>("who"))),
  [{ name: "Ada", who: 1 }]
)

// @ts-expect-error a column that must have a value
person.insert({ name: "Ada" })
// @ts-expect-error a column that is not there
person.update({ nickname: "Ada" }, (query) => query)
// @ts-expect-error a value of another type
person.update({ active: "yes" }, (query) => query)
// @ts-expect-error a key that is no PersonId
person.update({ id: 1 }, (query) => query)
// @ts-expect-error a column that is not there
person.select((query) => query.where("nickname", "=", "Ada"))
// @ts-expect-error a column that is not there
person.insert(undefined, { returning: ["nickname"] })

// A schema must encode to what the column holds, and a default must be one of its values.
// @ts-expect-error a column of numbers has no texts
Table.make("t", { n: Column.integer.pipe(Column.schema(Schema.Trim)) })
// @ts-expect-error a default of another type
Table.make("t", { n: Column.integer.pipe(Column.withDefault("one")) })
// @ts-expect-error a default of NULL for a column that cannot be that
Table.make("t", { n: Column.integer.pipe(Column.withDefault(null)) })
Table.make("t", { n: Column.integer.pipe(Column.nullable, Column.withDefault(null), Column.onUpdate(null)) })
// @ts-expect-error a role that is none
Table.make("t", { role: Column.enumeration("admin", "guest").pipe(Column.withDefault("owner")) })
Table.make("t", { id: Column.uuid.pipe(Column.withDefault(Effect.sync(() => crypto.randomUUID()))) })

// ---- Kysely ---------------------------------------------------------------------------------------------------------

const visit = Table.make("visit", { ...SchemaBase.columns, person: Column.integer, day: Column.date })
const db = QueryBuilder.make<Table.Database<typeof person | typeof visit>>()
const joined = Engine.execute(
  db.selectFrom("visit").innerJoin("person", "person.id", "visit.person").select(["person.name", "visit.day"])
)
holds<Equal<ValueOf<typeof joined>, Result.Result<{ name: string; day: string }>>>()
// What Kysely selects has the database's types.
const balances = Engine.execute(db.selectFrom("person").select(["balance", "active"]))
holds<Equal<ValueOf<typeof balances>, Result.Result<{ balance: string | null; active: number }>>>()
// What changes rows and returns none has rows of no type.
const deleted = Engine.execute(db.deleteFrom("visit").where("day", "<", "2024-01-01"))
holds<Equal<ValueOf<typeof deleted>, Result.Result<never>>>()
// Columns with a default need not be inserted.
db.insertInto("visit").values({
  person: 1,
  day: "2024-02-29",
  pkid: "x",
  date_created: new Date(),
  date_updated: new Date()
})
db.insertInto("visit").values({ person: 1, day: "2024-02-29" })
// @ts-expect-error a column that must have a value
db.insertInto("visit").values({ person: 1 })

export type { Errors, MetaData }

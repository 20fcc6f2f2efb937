// What the types of Operations and Database promise, held by the compiler: test/types/types.test.ts compiles this file.
import { Config, type Effect, type Layer, type Option, Schema, type Scope } from "effect"
import { Engine, type Errors } from "effect-sa"
import { QueryBuilder } from "effect-sa/kysely"
import { Column, Database, MetaData, Operations, Table } from "effect-sa/schema"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

type ErrorOf<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never
type RequirementOf<T> = T extends Effect.Effect<unknown, unknown, infer R> ? R : never
type ValueOf<T> = T extends Effect.Effect<infer A, unknown, unknown> ? A : never

const PersonId = Schema.Int.pipe(Schema.brand("PersonId"))
type PersonId = typeof PersonId.Type

const person = Table.make("person", {
  id: Column.integer.pipe(Column.schema(PersonId), Column.primaryKey, Column.autoIncrement),
  name: Column.varchar(50),
  active: Column.boolean.pipe(Column.withDefault(true))
})

const visit = Table.make(
  "visit",
  { person: Column.integer, day: Column.date },
  { primaryKey: ["person", "day"], indexes: [{ columns: ["day"] }] }
)

const db = QueryBuilder.make<Table.Database<typeof person | typeof visit>>()

// ---- reading ---------------------------------------------------------------------------------------------------------

const names = Operations.readQuery(db.selectFrom("person").select("name"))
holds<Equal<ValueOf<typeof names>, ReadonlyArray<string>>>()
holds<Equal<ErrorOf<typeof names>, Errors.ExecuteError | Errors.ResourceClosedError>>()
holds<Equal<RequirementOf<typeof names>, Engine.Engine>>()

const pairs = Operations.readQuery(db.selectFrom("person").select(["name", "active"]))
holds<Equal<ValueOf<typeof pairs>, ReadonlyArray<{ readonly name: string; readonly active: number }>>>()

const decoded = Operations.readQuery(person.select())
holds<
  Equal<
    ValueOf<typeof decoded>,
    ReadonlyArray<{ readonly id: PersonId; readonly name: string; readonly active: boolean }>
  >
>()

const anything = Operations.readQuery("SELECT 1 AS n")
holds<Equal<ValueOf<typeof anything>, ReadonlyArray<unknown>>>()

const one = Operations.readOneRecord(db.selectFrom("person").select("name"))
holds<Equal<ValueOf<typeof one>, Option.Option<string>>>()
holds<Equal<ErrorOf<typeof one>, Errors.ExecuteError | Errors.ResourceClosedError | Errors.MultipleResultsFoundError>>()

const several = Operations.readMultiQuery({
  names: db.selectFrom("person").select("name"),
  people: person.select(),
  text: ["SELECT ? AS n", [1]]
})
holds<Equal<ValueOf<typeof several>["names"], ReadonlyArray<string>>>()
holds<Equal<ValueOf<typeof several>["people"][number]["id"], PersonId>>()
holds<Equal<ValueOf<typeof several>["text"], ReadonlyArray<unknown>>>()

const page = Operations.paginateQuery(person.select(), { page: 1, pageSize: 10 })
holds<Equal<ValueOf<typeof page>["items"][number]["active"], boolean>>()
holds<Equal<ValueOf<typeof page>["pages"], number>>()

const keyset = Operations.paginateKeyset(visit, { orderBy: ["day", ["person", "desc"]], pageSize: 10 })
holds<Equal<ValueOf<typeof keyset>["items"][number]["day"], string>>()
// @ts-expect-error a table is sorted by its own columns
Operations.paginateKeyset(visit, { orderBy: ["name"], pageSize: 10 })

// ---- executing -------------------------------------------------------------------------------------------------------

const inserted = Operations.executeOne(person.insert({ name: "Ada" }, { returning: ["id"] }))
holds<Equal<ValueOf<typeof inserted>["rows"][number]["id"], PersonId>>()
holds<Equal<ErrorOf<typeof inserted>, Errors.ExecuteError>>()

const outcomes = Operations.executeMany([
  [person.insert(), { name: "Ada" }],
  person.select(),
  db.selectFrom("visit").select("day")
])
holds<Equal<ValueOf<typeof outcomes>[1]["rows"][number]["id"], PersonId>>()
holds<Equal<ValueOf<typeof outcomes>[2]["rows"][number]["day"], string>>()
// @ts-expect-error there are three outcomes
type Fourth = ValueOf<typeof outcomes>[3]

// ---- records ---------------------------------------------------------------------------------------------------------

const created = Operations.createOne(person, { name: "Ada" })
holds<Equal<ValueOf<typeof created>, { readonly id: PersonId; readonly name: string; readonly active: boolean }>>()
// @ts-expect-error a person has a name
Operations.createOne(person, { active: true })
// @ts-expect-error a person has no age
Operations.createOne(person, { name: "Ada", age: 36 })
// @ts-expect-error each of the records has a name
Operations.createMany(person, [{ name: "Ada" }, {}])

const ids = Operations.createManyWithKeys(person, "id", [{ name: "Ada" }])
holds<Equal<ValueOf<typeof ids>, ReadonlyArray<PersonId>>>()
const days = Operations.createManyWithKeys(visit, ["person", "day"], [{ person: 1, day: "2026-02-11" }])
holds<Equal<ValueOf<typeof days>[number], Pick<Table.Row<typeof visit>, "person" | "day">>>()
// @ts-expect-error a key is made of columns
Operations.createManyWithKeys(person, "age", [{ name: "Ada" }])

declare const id: PersonId
const updated = Operations.updateOne(person, id, { name: "Ada" })
holds<Equal<ErrorOf<typeof updated>, Errors.ExecuteError | Errors.NoResultFoundError>>()
Operations.updateOne(visit, { person: 1, day: "2026-02-11" }, { day: "2026-02-12" })
// @ts-expect-error a name is a string
Operations.updateOne(person, id, { name: 5 })
// @ts-expect-error no column of the table holds a Date
Operations.deleteOne(person, new Date())
// @ts-expect-error only columns can be updated
Operations.upsertOne(person, { name: "Ada" }, { update: ["age"] })

const deleted = Operations.deleteMany(person, [id])
holds<Equal<ValueOf<typeof deleted>, number>>()

// ---- tables ----------------------------------------------------------------------------------------------------------

const defined = Operations.getPrimaryKeys(person)
holds<Equal<typeof defined, Effect.Effect<ReadonlyArray<string>>>>()
const found = Operations.getPrimaryKeys("person")
holds<Equal<typeof found, Effect.Effect<ReadonlyArray<string>, Errors.ExecuteError, Engine.Engine>>>()

// ---- the database ----------------------------------------------------------------------------------------------------

const layer = Database.layer({ database_uri: "sqlite+aiosqlite:///:memory:" }, MetaData.make(person, visit))
holds<Equal<typeof layer, Layer.Layer<Database.Database | Engine.Engine, Errors.ConnectError | Errors.ArgumentError>>>()
Database.layerConfig({ database_uri: Config.redacted("URI"), pool_size: Config.integer("POOL_SIZE") })
// @ts-expect-error there is no such parameter
Database.layer({ database_uri: "sqlite+aiosqlite:///:memory:", pool_sise: 5 })

declare const database: Database.Database
holds<Equal<typeof database.getDbSession, Effect.Effect<Database.Session, Errors.AcquireError, Scope.Scope>>>()
const inSession = database.session(Engine.transaction(created))
holds<Equal<ErrorOf<typeof inSession>, Errors.ExecuteError | Errors.NoResultFoundError>>()
export type { Fourth }

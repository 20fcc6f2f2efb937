// What the types promise of statements that are built, held by the compiler: test/types/types.test.ts compiles this file.
import type * as Sql from "@effect/sql/Statement"
import type { Effect, Option, Stream } from "effect"
import { Engine, type Errors, type Result, type SAConnection, Statement } from "effect-sa"
import { type Generated, type Kysely, QueryBuilder, sql } from "effect-sa/kysely"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

type ErrorOf<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never
type ValueOf<T> = T extends Effect.Effect<infer A, unknown, unknown> ? A : never

interface Tables {
  readonly person: { readonly id: Generated<number>; readonly name: string; readonly age: number | null }
}

const db = QueryBuilder.make<Tables>()
holds<Equal<typeof db, Kysely<Tables>>>()

// ---- rows ------------------------------------------------------------------------------------------------------------

const ids = Engine.execute(db.selectFrom("person").select(["id"]))
holds<Equal<ValueOf<typeof ids>, Result.Result<{ id: number }>>>()
holds<Equal<ErrorOf<typeof ids>, Errors.ExecuteError>>()

const renamed = Engine.execute(db.selectFrom("person").select(["age as years", (eb) => eb.lit(1).as("one")]))
holds<Equal<ValueOf<typeof renamed>, Result.Result<{ years: number | null; one: 1 }>>>()

const age = Engine.scalar(db.selectFrom("person").select("age"))
holds<Equal<ValueOf<typeof age>, Option.Option<number | null>>>()

const streamed = Engine.stream(db.selectFrom("person").select("name"))
holds<Equal<typeof streamed, Stream.Stream<Result.Row<{ name: string }>, Errors.ExecuteError, Engine.Engine>>>()

declare const connection: SAConnection.SAConnection
const onConnection = connection.execute(db.selectFrom("person").select("name"))
holds<Equal<ValueOf<typeof onConnection>, Result.Result<{ name: string }>>>()

const inserted = Engine.execute(db.insertInto("person").values({ name: "Ada" }))
holds<Equal<ValueOf<typeof inserted>, Result.Result<never>>>()
const updated = Engine.execute(db.updateTable("person").set({ name: "Ada" }))
holds<Equal<ValueOf<typeof updated>, Result.Result<never>>>()
const deleted = Engine.execute(db.deleteFrom("person"))
holds<Equal<ValueOf<typeof deleted>, Result.Result<never>>>()
const returned = Engine.execute(db.insertInto("person").values({ name: "Ada" }).returning("id"))
holds<Equal<ValueOf<typeof returned>, Result.Result<{ id: number }>>>()
const created = Engine.execute(db.schema.createTable("person").addColumn("id", "integer"))
holds<Equal<ValueOf<typeof created>, Result.Result<never>>>()

const raw = QueryBuilder.statement(sql<{ n: number }>`select 1 as n`)
holds<Equal<typeof raw, Statement.Statement<{ n: number }>>>()
const foreign = QueryBuilder.statement(db.selectFrom("person").select("id"), { plugins: [] })
holds<Equal<typeof foreign, Statement.Statement<{ id: number }>>>()
// @ts-expect-error which plugins the Kysely of a query has cannot be seen
QueryBuilder.statement(db.selectFrom("person").select("id"))
// @ts-expect-error raw SQL by itself is no query: it is made a statement
Engine.execute(sql`select 1`)

declare const statement: Sql.Statement<{ readonly id: number }>
const fromTag = Engine.execute(statement)
holds<Equal<ValueOf<typeof fromTag>, Result.Result<{ readonly id: number }>>>()
declare const fragment: Sql.Fragment
const fromFragment = Engine.execute(fragment)
holds<Equal<ErrorOf<typeof fromFragment>, Errors.ExecuteError>>()

// ---- parameters ------------------------------------------------------------------------------------------------------

const { param } = Statement
db.selectFrom("person").selectAll().where("id", "=", param<number>("id"))
db.selectFrom("person")
  .selectAll()
  .where("id", "in", [1, param<number>("id")])
db.updateTable("person").set({ name: param<string>("name") })
db.insertInto("person").values({ name: param<string>("name"), age: param<number>("age") })
// @ts-expect-error a name is no number
db.selectFrom("person").selectAll().where("name", "=", param<number>("name"))
// @ts-expect-error a name is no number
db.updateTable("person").set({ name: param<number>("name") })
// @ts-expect-error there is no such column
db.selectFrom("person").select("height")
// @ts-expect-error a name is asked for, an id is not
db.insertInto("person").values({ id: 1 })

// ---- markers ---------------------------------------------------------------------------------------------------------

Engine.layer({ paramstyle: "pyformat" })
// @ts-expect-error a style has one of PEP 249's names, without those that no text here has
Engine.layer({ paramstyle: "numeric" })

// What is built on `@effect/sql`, on this package's client: used as its documentation says.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PersistedQueue, Reactivity } from "@effect/experimental"
import {
  EntityAddress,
  EntityId,
  EntityType,
  Envelope,
  Message,
  MessageStorage,
  Reply,
  RunnerAddress,
  Runner,
  RunnerStorage,
  ShardId,
  ShardingConfig,
  Snowflake,
  SqlMessageStorage,
  SqlRunnerStorage
} from "@effect/cluster"
import { CommandExecutor, Headers, Path } from "@effect/platform"
import { Rpc } from "@effect/rpc"
import { Migrator, Model, SqlClient as Sql, SqlPersistedQueue, SqlResolver, SqlSchema } from "@effect/sql"
import * as Drizzle from "@effect/sql-drizzle/Mysql"
import * as Kysely from "@effect/sql-kysely/Mysql"
import * as KyselySqlite from "@effect/sql-kysely/Sqlite"
import { MysqlMigrator } from "@effect/sql-mysql2"
import { describe, expect } from "@effect/vitest"
import { int, mysqlTable, varchar } from "drizzle-orm/mysql-core"
import { eq } from "drizzle-orm"
import type { MySqlRemoteDatabase } from "drizzle-orm/mysql-proxy"
import { Chunk, Context, Effect, Exit, Layer, Option, Schema, Stream } from "effect"
import { type Backend, tableName } from "../support/Backend.js"
import { realFiles } from "../support/fileSystem.js"
import { type SqlLayer, sqlLayers, sqlTable, withSql } from "../support/SqlLayers.js"

/** A migrator asks for it, to write a schema down, which is not asked of it here. */
const noCommands = Layer.succeed(
  CommandExecutor.CommandExecutor,
  CommandExecutor.makeExecutor(() => Effect.dieMessage("no commands are run here"))
)

/** Queries of Drizzle are effects by what `@effect/sql-drizzle` adds to them, which its types say for one kind of module only. */
const drizzled = (query: unknown) => query as Effect.Effect<ReadonlyArray<unknown>, unknown>

class Person extends Schema.Class<Person>("Person")({ id: Schema.Int, name: Schema.String }) {}

class Member extends Model.Class<Member>("Member")({
  id: Model.Generated(Schema.Int),
  name: Schema.NonEmptyString
}) {}

/** What an entity of the cluster is asked for, once for each key. */
const Greet = Rpc.make("Greet", {
  payload: { key: Schema.String, name: Schema.String },
  success: Schema.String,
  primaryKey: ({ key }) => key
})

/** A request is saved once, read by the runner of its shard, interrupted, answered, and then read no more. */
const keepsMessages = Effect.gen(function* () {
  const messages = yield* MessageStorage.MessageStorage
  const next = yield* Effect.map(Snowflake.makeGenerator, (generator) => Effect.sync(() => generator.unsafeNext()))
  const shard = ShardId.make("default", 1)
  const address = EntityAddress.make({
    shardId: shard,
    entityType: EntityType.EntityType.make("Greeter"),
    entityId: EntityId.make("Ada")
  })
  const requestOf = (key: string, name: string) =>
    Effect.map(
      next,
      (requestId) =>
        new Message.OutgoingRequest<typeof Greet>({
          envelope: Envelope.makeRequest<typeof Greet>({
            requestId,
            address,
            tag: "Greet",
            payload: Greet.payloadSchema.make({ key, name }),
            headers: Headers.fromInput({ "x-tenant": "Zürich" })
          }),
          context: Context.empty(),
          lastReceivedReply: Option.none(),
          rpc: Greet,
          respond: () => Effect.void
        })
    )
  const read = Effect.map(messages.unprocessedMessages([shard]), (found) => found.map(({ envelope }) => envelope))

  const request = yield* requestOf("first", "Grace 🙂")
  const { requestId } = request.envelope
  expect(yield* messages.saveRequest(request)).toEqual(MessageStorage.SaveResult.Success())
  const again = yield* requestOf("first", "Grace 🙂")
  expect(yield* messages.saveRequest(again)).toEqual(
    MessageStorage.SaveResult.Duplicate({ originalId: requestId, lastReceivedReply: Option.none() })
  )
  expect(yield* messages.requestIdForPrimaryKey({ address, tag: "Greet", id: "first" })).toEqual(Option.some(requestId))

  yield* messages.saveEnvelope(Message.OutgoingEnvelope.interrupt({ address, id: yield* next, requestId }))
  const saved = { requestId, address, payload: { key: "first", name: "Grace 🙂" }, headers: { "x-tenant": "Zürich" } }
  expect(yield* read).toMatchObject([
    { _tag: "Request", tag: "Greet", ...saved },
    { _tag: "Interrupt", address, requestId }
  ])
  // What a runner has read is not given to another one, until its shard is reset.
  expect(yield* read).toEqual([])
  yield* messages.resetShards([shard])
  expect(yield* read).toHaveLength(2)
  expect(yield* messages.unprocessedMessages([ShardId.make("default", 2)])).toEqual([])
  expect(yield* messages.unprocessedMessagesById([requestId])).toMatchObject([
    { envelope: { _tag: "Request", ...saved } }
  ])

  const reply = new Reply.WithExit<typeof Greet>({ requestId, id: yield* next, exit: Exit.succeed("Hello, Grace 🙂") })
  expect(yield* messages.repliesFor([request])).toEqual([])
  yield* messages.saveReply(new Reply.ReplyWithContext({ reply, context: Context.empty(), rpc: Greet }))
  expect(yield* messages.repliesFor([request])).toEqual([reply])
  expect(yield* messages.saveRequest(again)).toEqual(
    MessageStorage.SaveResult.Duplicate({ originalId: requestId, lastReceivedReply: Option.some(reply) })
  )
  yield* messages.resetShards([shard])
  expect(yield* read).toEqual([])

  yield* messages.clearReplies(requestId)
  expect(yield* messages.repliesFor([request])).toEqual([])
  expect(yield* read).toMatchObject([{ _tag: "Request", ...saved }])
  yield* messages.clearAddress(address)
  expect(yield* messages.requestIdForPrimaryKey({ address, tag: "Greet", id: "first" })).toEqual(Option.none())
})

const people = (sql: Sql.SqlClient, backend: Backend) =>
  Effect.tap(
    sqlTable(sql, tableName("people"), `id ${backend.autoIncrement}, name VARCHAR(50) NOT NULL`),
    (t) => sql`INSERT INTO ${sql(t)} ${sql.insert([{ name: "Ada" }, { name: "Grace" }, { name: "Mary" }])}`
  )

const onLayer = (backend: Backend, { name, layer }: SqlLayer): void => {
  describe(`${name}: `, () => {
    withSql(backend, layer(), "SqlSchema decodes what a statement gives", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* people(sql, backend)
        const byName = SqlSchema.findOne({
          Request: Schema.String,
          Result: Person,
          execute: (name) => sql`SELECT id, name FROM ${sql(t)} WHERE name = ${name}`
        })
        expect(yield* byName("Grace")).toEqual(Option.some(new Person({ id: 2, name: "Grace" })))
        expect(yield* byName("Nobody")).toEqual(Option.none())
      })
    )

    withSql(
      backend,
      layer({ maxConnections: 1 }),
      "SqlResolver makes one statement of many requests, in a transaction too",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const t = yield* people(sql, backend)
          let statements = 0
          const make = (withContext: boolean) => {
            const options = {
              Id: Schema.Int,
              Result: Person,
              ResultId: (person: Person) => person.id,
              execute: (ids: ReadonlyArray<number>) => {
                statements++
                return sql<{ id: number; name: string }>`SELECT id, name FROM ${sql(t)} WHERE ${sql.in("id", ids)}`
              }
            }
            return withContext
              ? SqlResolver.findById("ById", { ...options, withContext: true })
              : SqlResolver.findById("ById", options)
          }
          for (const withContext of [false, true]) {
            const byId = yield* make(withContext)
            const all = Effect.forEach([1, 2, 3, 9], byId.execute, { batching: true, concurrency: "unbounded" })
            const names = Effect.map(all, (found) => found.map(Option.map(({ name }) => name)).map(Option.getOrNull))
            statements = 0
            expect(yield* names).toEqual(["Ada", "Grace", "Mary", null])
            expect(statements).toBe(1)
            // With the only connection in the transaction, a statement outside of it would wait for ever.
            const inside = yield* sql
              .withTransaction(
                Effect.gen(function* () {
                  yield* sql`UPDATE ${sql(t)} SET name = ${"Hedy"} WHERE id = ${1}`
                  const seen = yield* names
                  return yield* Effect.fail(seen)
                })
              )
              .pipe(Effect.flip, Effect.timeout("5 seconds"))
            expect(inside).toEqual(["Hedy", "Grace", "Mary", null])
            expect(yield* names).toEqual(["Ada", "Grace", "Mary", null])
          }
        })
    )

    withSql(backend, layer(), "Model.makeRepository inserts, finds, updates and deletes", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* people(sql, backend)
        const repository = yield* Model.makeRepository(Member, { tableName: t, spanPrefix: "Member", idColumn: "id" })
        const made = yield* repository.insert(Member.insert.make({ name: "Alan" }))
        expect(made).toEqual(new Member({ id: made.id, name: "Alan" }))
        expect(yield* repository.findById(made.id)).toEqual(Option.some(made))
        const renamed = yield* repository.update(Member.update.make({ id: made.id, name: "Alan T." }))
        expect(renamed.name).toBe("Alan T.")
        yield* repository.delete(made.id)
        expect(yield* repository.findById(made.id)).toEqual(Option.none())
        // In one transaction with others, and gone with it.
        const gone = yield* sql
          .withTransaction(Effect.flatMap(repository.insert(Member.insert.make({ name: "Kurt" })), Effect.fail))
          .pipe(Effect.flip)
        expect(gone).toMatchObject({ name: "Kurt" })
        expect(yield* sql`SELECT id FROM ${sql(t)} WHERE name = ${"Kurt"}`).toEqual([])
      })
    )

    withSql(backend, layer(), "Model.makeDataLoaders gives each record its own id, in a transaction too", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* people(sql, backend)
        const names = Array.from({ length: 12 }, (_, i) => `member ${i}`)
        // Loaders execute where they were made: these are in the transaction that they are made in, if any.
        const insertAll = Effect.gen(function* () {
          const loaders = yield* Model.makeDataLoaders(Member, {
            tableName: t,
            spanPrefix: "Member",
            idColumn: "id",
            window: "5 millis"
          })
          const made = yield* Effect.forEach(names, (name) => loaders.insert(Member.insert.make({ name })), {
            concurrency: "unbounded",
            batching: true
          })
          expect(made.map(({ name }) => name)).toEqual(names)
          expect(new Set(made.map(({ id }) => id)).size).toBe(12)
          const found = yield* Effect.forEach(made, ({ id }) => loaders.findById(id), { concurrency: "unbounded" })
          expect(found).toEqual(made.map(Option.some))
          return made
        })
        const stored = sql<{ name: string }>`SELECT name FROM ${sql(t)} WHERE id > ${3} ORDER BY id`
        const gone = yield* sql.withTransaction(Effect.flatMap(insertAll, Effect.fail)).pipe(Effect.flip)
        expect(gone).toHaveLength(12)
        expect(yield* stored).toEqual([])
        yield* sql.withTransaction(insertAll)
        expect(yield* stored).toEqual(names.map((name) => ({ name })))
        yield* insertAll
        expect((yield* stored).map(({ name }) => name).sort()).toEqual([...names, ...names].sort())
      })
    )

    withSql(backend, layer(), "a migrator runs each migration once, from files and from records", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const [table, made, other] = [tableName("migrations"), tableName("made"), tableName("other")]
        yield* Effect.addFinalizer(() =>
          Effect.forEach([table, made, other], (t) => Effect.ignore(sql.unsafe(`DROP TABLE IF EXISTS ${t}`)))
        )
        const migration = (statement: string): string => `
          import { SqlClient } from "@effect/sql"
          import { Effect } from "effect"
          export default Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(${JSON.stringify(statement)}))`
        // Where imports find the packages.
        const inside = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(process.cwd(), "node_modules/.migrations-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
        )
        writeFileSync(join(inside, "package.json"), '{ "type": "module" }')
        writeFileSync(join(inside, "0001_table.js"), migration(`CREATE TABLE ${made} (id INTEGER PRIMARY KEY)`))
        writeFileSync(join(inside, "0002_row.js"), migration(`INSERT INTO ${made} VALUES (1)`))
        const run = MysqlMigrator.run({ loader: MysqlMigrator.fromFileSystem(inside), table }).pipe(
          Effect.provide([realFiles, Path.layer, noCommands])
        )
        expect(yield* run).toEqual([
          [1, "table"],
          [2, "row"]
        ])
        expect(yield* run).toEqual([])
        expect(yield* sql`SELECT id FROM ${sql(made)}`).toEqual([{ id: 1 }])
        const fromRecord = Migrator.fromRecord({
          "0003_other": Effect.zipRight(
            sql.unsafe(`CREATE TABLE ${other} (id INTEGER PRIMARY KEY)`),
            sql.unsafe(`INSERT INTO ${other} VALUES (5)`)
          )
        })
        expect(yield* Migrator.make({})({ loader: fromRecord, table })).toEqual([[3, "other"]])
        expect(yield* sql`SELECT id FROM ${sql(other)}`).toEqual([{ id: 5 }])
      })
    )

    withSql(backend, layer(), "@effect/sql-kysely executes its queries, in transactions too", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* people(sql, backend)
        interface Tables {
          readonly [table: string]: { readonly id: number; readonly name: string }
        }
        const db = yield* (backend.name === "sqlite" ? KyselySqlite : Kysely).make<Tables>()
        expect(yield* db.selectFrom(t).select(["id", "name"]).where("id", "=", 2)).toEqual([{ id: 2, name: "Grace" }])
        yield* db
          .withTransaction(Effect.zipRight(db.deleteFrom(t).where("id", "=", 2), Effect.fail("no")))
          .pipe(Effect.flip)
        expect(yield* db.selectFrom(t).select("id").orderBy("id")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }])
      })
    )

    withSql(
      backend,
      Layer.merge(layer(), Reactivity.layer),
      "a reactive query runs again when what it depends on has changed",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const t = yield* people(sql, backend)
          const counts = sql.reactive([t], sql<{ n: number }>`SELECT COUNT(*) AS n FROM ${sql(t)}`)
          const insert = sql`INSERT INTO ${sql(t)} ${sql.insert({ name: "Emmy" })}`
          const seen = yield* counts.pipe(
            Stream.map((rows) => rows[0]?.n),
            Stream.tap((n) =>
              n === 3 ? Effect.forkDaemon(Effect.delay(Reactivity.mutation(insert, [t]), "20 millis")) : Effect.void
            ),
            Stream.take(2),
            Stream.runCollect,
            Effect.timeout("5 seconds")
          )
          expect(Chunk.toReadonlyArray(seen)).toEqual([3, 4])
        })
    )

    if (!backend.isServer) return

    // Its statement for SQLite has RETURNING in a place where no SQLite takes it.
    withSql(backend, layer(), "SqlPersistedQueue gives each element to one who takes it", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = tableName("queue")
        yield* Effect.addFinalizer(() => Effect.ignore(sql.unsafe(`DROP TABLE IF EXISTS ${t}`)))
        yield* Effect.gen(function* () {
          const queue = yield* PersistedQueue.make({ name: "numbers", schema: Schema.Int })
          yield* Effect.forEach([1, 2, 3], (n) => queue.offer(n), { discard: true })
          const taken = yield* Effect.forEach([1, 2, 3], () => queue.take((n) => Effect.succeed(n)))
          expect([...taken].sort()).toEqual([1, 2, 3])
        }).pipe(
          Effect.provide(
            PersistedQueue.layer.pipe(
              Layer.provide(SqlPersistedQueue.layerStore({ tableName: t, pollInterval: "20 millis" }))
            )
          ),
          Effect.timeout("10 seconds")
        )
      })
    )

    withSql(backend, layer(), "@effect/sql-drizzle executes its queries", () =>
      Effect.gen(function* () {
        const sql = yield* Sql.SqlClient
        const t = yield* people(sql, backend)
        const db = (yield* Drizzle.make()) as unknown as MySqlRemoteDatabase
        const table = mysqlTable(t, {
          id: int("id").primaryKey().autoincrement(),
          name: varchar("name", { length: 50 }).notNull()
        })
        yield* drizzled(db.insert(table).values({ name: "Rosalind" }))
        expect(yield* drizzled(db.select().from(table).where(eq(table.id, 4)))).toEqual([{ id: 4, name: "Rosalind" }])
      })
    )

    withSql(
      backend,
      layer(),
      "@effect/cluster keeps its runners, locks and messages",
      () =>
        Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          const prefix = tableName("cluster")
          yield* Effect.addFinalizer(() =>
            Effect.gen(function* () {
              const tables = yield* sql<{ t: string }>`SELECT TABLE_NAME AS t FROM information_schema.TABLES
                WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE ${`${prefix}\\_%`}`
              yield* sql`SET FOREIGN_KEY_CHECKS = 0; ${sql.literal(tables.map(({ t }) => `DROP TABLE ${t}`).join(";"))}`
            }).pipe(Effect.ignore)
          )
          yield* Effect.gen(function* () {
            const runners = yield* RunnerStorage.RunnerStorage
            const address = RunnerAddress.make("localhost", 34_431)
            const machine = yield* runners.register(Runner.make({ address, groups: ["default"], weight: 1 }), true)
            expect(Number(machine)).toBeGreaterThan(0)
            expect((yield* runners.getRunners).map(([runner]) => runner.address)).toEqual([address])
            const shards = [ShardId.make("default", 1), ShardId.make("default", 2)]
            expect(yield* runners.acquire(address, shards)).toEqual(shards)
            expect(yield* runners.refresh(address, shards)).toEqual(shards)
            yield* runners.release(address, ShardId.make("default", 1))
            yield* runners.releaseAll(address)
            yield* runners.unregister(address)
            expect(yield* runners.getRunners).toEqual([])
          }).pipe(Effect.provide(SqlRunnerStorage.layerWith({ prefix })), Effect.scoped)
          yield* Effect.provide(keepsMessages, SqlMessageStorage.layerWith({ prefix }))
        }).pipe(Effect.provide(ShardingConfig.layer())),
      30_000
    )
  })
}

export const sqlClientEcosystemContract = (backend: Backend): void => {
  for (const layer of sqlLayers(backend)) onLayer(backend, layer)
}

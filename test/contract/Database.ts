// Cases for Database: an engine, tables and sessions by a configuration.
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Config, Effect, Exit, Fiber, Layer, Option, Redacted, Scope } from "effect"
import { Engine } from "effect-sa"
import { Column, Database, Inspector, MetaData, Operations, Table } from "effect-sa/schema"
import { type Backend, tableName } from "../support/Backend.js"

/** People and the pets that they own, the pets first. */
const tables = () => {
  const owners = tableName("owner")
  const pet = Table.make(tableName("pet"), {
    id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
    owner: Column.integer.pipe(Column.references({ table: owners, column: "id" }))
  })
  const owner = Table.make(owners, {
    id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
    name: Column.varchar(20)
  })
  return { owner, pet, metaData: MetaData.make(pet, owner) }
}

const uriOf = (backend: Backend): string =>
  backend.isServer ? backend.url.replace(/^\w+:/, "mysql+aiomysql:") : "sqlite+aiosqlite:///:memory:?cache=shared"

export const databaseContract = (backend: Backend): void => {
  /** Runs a test with a database and its two tables, which are dropped at the end. */
  const withDatabase = (
    title: string,
    body: (
      given: ReturnType<typeof tables>
    ) => Effect.Effect<void, unknown, Database.Database | Engine.Engine | Scope.Scope>
  ): void =>
    it.live(`${title} [${backend.name}]`, () => {
      const given = tables()
      const whole = Effect.gen(function* () {
        const database = yield* Database.Database
        yield* database.createTables
        yield* Effect.scoped(body(given))
        yield* Effect.sleep("5 millis")
        expect(yield* database.engine.pool.numbers).toMatchObject({ used: 0, waiting: 0, opening: 0 })
      })
      const dropped = Effect.ignore(MetaData.dropAll(given.metaData))
      const config = { database_uri: uriOf(backend), pool_recycle: 3600, pool_pre_ping: true }
      return Effect.provide(Effect.ensuring(whole, dropped), Database.layer(config, given.metaData))
    })

  describe("Database.layer", () => {
    withDatabase("gives a database and its engine, on which operations run", ({ owner }) =>
      Effect.gen(function* () {
        const { engine, metaData } = yield* Database.Database
        expect(engine).toBe(yield* Engine.Engine)
        expect(metaData.tables.length).toBe(2)
        expect(yield* Operations.createOne(owner, { name: "Ada" })).toEqual({ id: 1, name: "Ada" })
      })
    )

    it.live(`has a configuration from Config [${backend.name}]`, () =>
      Effect.flatMap(Database.Database, ({ engine }) =>
        Effect.map(engine.scalar("SELECT 1 AS n"), (n) => expect(n).toEqual(Option.some(1)))
      ).pipe(
        Effect.provide(
          Database.layerConfig({ database_uri: Config.redacted("URI"), pool_recycle: Config.integer("RECYCLE") })
        ),
        Effect.withConfigProvider(
          ConfigProvider.fromMap(
            new Map([
              ["URI", uriOf(backend)],
              ["RECYCLE", "-1"]
            ])
          )
        )
      )
    )

    it.effect(`refuses a parameter before anything is opened [${backend.name}]`, () =>
      Effect.gen(function* () {
        const config = { database_uri: Redacted.make(uriOf(backend)), pool_sise: 5 }
        const error = yield* Effect.flip(Layer.launch(Database.layer(config)))
        expect(error).toMatchObject({ _tag: "ArgumentError", argument: "pool_sise" })
      })
    )
  })

  describe("Database.createTables", () => {
    withDatabase(
      "creates tables in the order of their foreign keys, and leaves those that are there alone",
      ({ owner, pet }) =>
        Effect.gen(function* () {
          const { createTables } = yield* Database.Database
          yield* Operations.createMany(owner, [{ name: "a" }])
          yield* Operations.createMany(pet, [{ owner: 1 }])
          yield* createTables
          expect(yield* Operations.countQuery(owner)).toBe(1)
          const error = yield* Effect.flip(Operations.createOne(pet, { owner: 9 }))
          expect(error).toMatchObject({ _tag: "IntegrityError", reason: "ForeignKeyViolation" })
        })
    )

    it.live(`fails with what is wrong with a table, and leaves nothing half-made [${backend.name}]`, () => {
      const { owner } = tables()
      const broken = Table.make(tableName("broken"), { id: Column.integer, price: Column.decimal(5, 9) })
      return Effect.gen(function* () {
        const { createTables } = yield* Database.Database
        const error = yield* Effect.flip(createTables)
        expect(error._tag).toBe("ArgumentError")
        expect(yield* Inspector.hasTable(owner.name)).toBe(false)
      }).pipe(Effect.provide(Database.layer({ database_uri: uriOf(backend) }, MetaData.make(owner, broken))))
    })

    if (!backend.isServer)
      it.live("leaves nothing half-made on SQLite when the database refuses a table", () => {
        const { owner } = tables()
        const broken = Table.make(tableName("broken"), {
          id: Column.integer.pipe(Column.check("no_such_function(id)"))
        })
        return Effect.gen(function* () {
          const { createTables } = yield* Database.Database
          const error = yield* Effect.flip(createTables)
          expect(error._tag).not.toBe("ArgumentError")
          expect(yield* Inspector.tableNames).toEqual([])
        }).pipe(Effect.provide(Database.layer({ database_uri: uriOf(backend) }, MetaData.make(owner, broken))))
      })
  })

  describe("Database.session", () => {
    withDatabase("commits on success, and rolls back on failure", ({ owner }) =>
      Effect.gen(function* () {
        const { session } = yield* Database.Database
        yield* session(Operations.createOne(owner, { name: "kept" }))
        const failed = yield* Effect.flip(
          session(Effect.zipRight(Operations.createOne(owner, { name: "undone" }), Effect.fail("no" as const)))
        )
        expect(failed).toBe("no")
        expect(yield* Operations.readQuery(`SELECT name FROM ${owner.name}`)).toEqual(["kept"])
      })
    )
  })

  describe("Database.getDbSession", () => {
    withDatabase("is a transaction that is committed on request, and else rolled back", ({ owner }) =>
      Effect.gen(function* () {
        const { getDbSession } = yield* Database.Database
        yield* Effect.scoped(
          Effect.gen(function* () {
            const session = yield* getDbSession
            yield* session.execute(owner.insert({ name: "first" }))
            expect(yield* session.scalar(`SELECT COUNT(*) AS n FROM ${owner.name}`)).toEqual(Option.some(1))
            if (backend.isServer) expect(yield* Operations.countQuery(owner)).toBe(0)
            yield* session.commit
            expect(yield* Operations.countQuery(owner)).toBe(1)
            yield* session.execute(owner.insert({ name: "second" }))
            yield* session.rollback
            yield* session.execute(owner.insert({ name: "third" }))
            yield* session.commit
            yield* session.commit
            yield* session.execute(owner.insert({ name: "fourth" }))
          })
        )
        expect(yield* Operations.readQuery(`SELECT name FROM ${owner.name} ORDER BY id`)).toEqual(["first", "third"])
      })
    )

    withDatabase("gives fibers that share a session one transaction", ({ owner }) =>
      Effect.gen(function* () {
        const { getDbSession } = yield* Database.Database
        const insert = (name: string) => owner.insert({ name })
        yield* Effect.scoped(
          Effect.gen(function* () {
            const session = yield* getDbSession
            yield* Effect.forEach(["a", "b", "c"], (name) => session.execute(insert(name)), { concurrency: 3 })
            yield* session.rollback
            yield* Effect.forEach(["d", "e"], (name) => session.execute(insert(name)), { concurrency: 2 })
            yield* session.commit
          })
        )
        const names = yield* Operations.readQuery(`SELECT name FROM ${owner.name} ORDER BY name`)
        expect(names).toEqual(["d", "e"])
      })
    )

    withDatabase("gives its connection back, rolled back, when its fiber is interrupted", ({ owner }) =>
      Effect.gen(function* () {
        const { getDbSession } = yield* Database.Database
        const fiber = yield* Effect.fork(
          Effect.scoped(
            Effect.flatMap(getDbSession, (session) =>
              Effect.zipRight(session.execute(owner.insert({ name: "x" })), Effect.never)
            )
          )
        )
        yield* Effect.sleep("30 millis")
        yield* Fiber.interrupt(fiber)
        expect(yield* Operations.countQuery(owner)).toBe(0)
      })
    )
  })

  describe("Database.disconnect", () => {
    it.live(`closes the engine, and may be called twice [${backend.name}]`, () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const database = yield* Scope.extend(Database.make({ database_uri: uriOf(backend) }), scope)
        yield* database.engine.execute("SELECT 1")
        yield* database.disconnect
        yield* database.disconnect
        const error = yield* Effect.flip(database.engine.execute("SELECT 1"))
        expect(error._tag).toBe("PoolClosedError")
        yield* Scope.close(scope, Exit.void)
      })
    )
  })
}

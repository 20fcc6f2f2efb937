// Systems that have the faults: each as the subject of its traps, used as its documentation says.
import { createReadStream } from "node:fs"
import { Readable } from "node:stream"
import { Reactivity } from "@effect/experimental"
import { Statement } from "@effect/sql"
import { MysqlClient } from "@effect/sql-mysql2"
import { Effect, Exit, Fiber, Pool, Redacted, Scope, Stream } from "effect"
import Database from "libsql"
import { Kysely, SqliteDialect } from "kysely"
import mysql2 from "mysql2"
import type { Client, ClientSubject, Execute } from "../traps/client.js"
import type { LoadSubject } from "../traps/load.js"
import type { PoolSubject } from "../traps/pool.js"
import type { PoolingSubject } from "../traps/pooling.js"
import type { CompilerSubject, QuerySubject } from "../traps/queries.js"
import type { SqliteSubject, WritersSubject } from "../traps/sqlite.js"

export const effectPool: PoolSubject = {
  make: (items, { minSize = 0, maxSize, lifetime = 3_600_000 }) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const pool = yield* Pool.makeWithTTL({
        acquire: items.open,
        min: minSize,
        max: maxSize,
        timeToLive: lifetime,
        timeToLiveStrategy: "creation"
      }).pipe(Scope.extend(scope))
      // Its only end is that of its scope, which waits.
      let ending: Fiber.RuntimeFiber<void> | undefined
      const close = Effect.gen(function* () {
        ending ??= yield* Effect.forkDaemon(Scope.close(scope, Exit.void))
      })
      yield* Effect.addFinalizer(() => close)
      return {
        acquire: Effect.tap(Pool.get(pool), (item) =>
          Effect.addFinalizer(() => (items.isBroken(item) ? Pool.invalidate(pool, item) : Effect.void))
        ),
        close,
        terminate: close,
        waitClosed: Effect.suspend(() => (ending === undefined ? Effect.never : Fiber.join(ending)))
      }
    })
}

const clientOf = (client: MysqlClient.MysqlClient): Client => {
  const prepared: Execute = (sql, parameters) => client.unsafe(sql, parameters).values
  const unprepared: Execute = (sql, parameters) =>
    Effect.map(client.unsafe<object>(sql, parameters).unprepared, (rows) => rows.map((row) => Object.values(row)))
  return {
    execute: prepared,
    ways: { prepared, unprepared },
    stream: (sql) => client.unsafe(sql).stream,
    transaction: client.withTransaction,
    session: (body) =>
      Effect.scoped(
        Effect.flatMap(client.reserve, (connection) =>
          body((sql, parameters = []) => connection.executeValues(sql, parameters))
        )
      )
  }
}

export const sqlMysql2: Pick<ClientSubject, "make"> = {
  make: (url, maxConnections) =>
    MysqlClient.make({ url: Redacted.make(url), maxConnections }).pipe(
      Effect.map(clientOf),
      Effect.provide(Reactivity.layer)
    )
}

/** As `sqlMysql2`, with the limit of connections in the options for the pool. */
export const sqlMysql2Options: Pick<ClientSubject, "make"> = {
  make: (url, connectionLimit) =>
    MysqlClient.make({ url: Redacted.make(url), poolConfig: { connectionLimit } }).pipe(
      Effect.map(clientOf),
      Effect.provide(Reactivity.layer)
    )
}

/** The pool of mysql2 with the options that it has: it has none for how old a connection may become, and for how long to wait. */
export const mysql2Pool: Pick<PoolingSubject, "make"> = {
  make: (url, { maxSize, idleTimeout = 60_000 }) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => mysql2.createPool({ uri: url, connectionLimit: maxSize, idleTimeout })),
        (pool) => Effect.sync(() => pool.end(() => {}))
      ),
      (pool) => ({
        acquire: Effect.map(
          Effect.acquireRelease(
            Effect.async<mysql2.PoolConnection, Error>((resume) => {
              pool.getConnection((error, connection) =>
                resume(error === null ? Effect.succeed(connection) : Effect.fail(error))
              )
            }),
            (connection) => Effect.sync(() => connection.release())
          ),
          (connection) => connection.threadId
        )
      })
    )
}

/** Opens files of this side by the names that the server asks for, unless a statement says otherwise. */
export const mysql2Loading: Pick<LoadSubject, "make"> = {
  make: (url) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() =>
          mysql2
            .createConnection({ uri: url, infileStreamFactory: (path) => createReadStream(path) })
            .on("error", () => {})
        ),
        (connection) => Effect.sync(() => connection.destroy())
      ),
      (connection) => {
        const query = (options: mysql2.QueryOptions): Effect.Effect<unknown, Error> =>
          Effect.async((resume) => {
            connection.query(options, (error, rows) =>
              resume(error === null ? Effect.succeed(rows) : Effect.fail(error))
            )
          })
        return {
          execute: (sql) => query({ sql }),
          load: (sql, data) =>
            query({
              sql,
              infileStreamFactory: () => Readable.from(Stream.toAsyncIterable(data), { objectMode: false })
            })
        }
      }
    )
}

const executeOn =
  (database: Database.Database): Execute =>
  (sql, parameters = []) =>
    Effect.try({
      try: () => {
        const statement = database.prepare(sql)
        if (statement.reader) return statement.raw(true).all([...parameters]) as ReadonlyArray<ReadonlyArray<unknown>>
        statement.run([...parameters])
        return []
      },
      catch: (error) => error
    })

/** A connection is a database of libsql; the pool is the one that comes with Effect. */
export const libsql: SqliteSubject = {
  make: ({ lifetime = 3_600_000 }) =>
    Effect.map(
      Pool.makeWithTTL({
        acquire: Effect.acquireRelease(
          Effect.sync(() => new Database(":memory:")),
          (database) => Effect.sync(() => database.close())
        ),
        min: 0,
        max: 2,
        timeToLive: lifetime,
        timeToLiveStrategy: "creation"
      }),
      (pool) => {
        const lent = Effect.map(Pool.get(pool), executeOn)
        return {
          execute: (sql, parameters) => Effect.scoped(Effect.flatMap(lent, (execute) => execute(sql, parameters))),
          session: (body) => Effect.scoped(Effect.flatMap(lent, body))
        }
      }
    ),
  bindTrue: ["--eval", 'new (require("libsql"))(":memory:").prepare("SELECT ?").all([true])']
}

/** Two connections to one file, of which one that finds a lock waits for it for so long as it was told. */
export const libsqlWriters: WritersSubject = {
  make: (file) =>
    Effect.gen(function* () {
      const open = Effect.acquireRelease(
        Effect.sync(() => new Database(file, { timeout: 1_000 })),
        (database) => Effect.sync(() => database.close())
      )
      const free = [executeOn(yield* open), executeOn(yield* open)]
      const lent = Effect.acquireRelease(
        Effect.suspend(() => {
          const execute = free.pop()
          return execute === undefined ? Effect.fail("both connections are lent") : Effect.succeed(execute)
        }),
        (execute) => Effect.sync(() => free.push(execute))
      )
      return {
        execute: (sql, parameters) => Effect.scoped(Effect.flatMap(lent, (execute) => execute(sql, parameters))),
        transaction: (body) =>
          Effect.scoped(
            Effect.flatMap(lent, (execute) =>
              Effect.onError(
                Effect.zipRight(execute("BEGIN IMMEDIATE"), Effect.zipLeft(body(execute), execute("COMMIT"))),
                () => Effect.ignore(execute("ROLLBACK"))
              )
            )
          )
      }
    })
}

export const sqlCompilers: CompilerSubject = {
  mysql: MysqlClient.makeCompiler(),
  sqlite: Statement.makeCompilerSqlite(),
  upper: MysqlClient.makeCompiler((name) => name.toUpperCase())
}

export const kyselyItself: QuerySubject = {
  make: (plugin) =>
    Effect.gen(function* () {
      const database = new Database(":memory:")
      database.exec("CREATE TABLE item (made INTEGER)")
      const kysely = yield* Effect.acquireRelease(
        Effect.sync(
          () =>
            new Kysely<{ readonly item: { readonly made: number } }>({
              dialect: new SqliteDialect({ database }),
              plugins: [plugin]
            })
        ),
        (kysely) => Effect.promise(() => kysely.destroy())
      )
      const insert = kysely.insertInto("item").values({ made: 0 })
      return {
        parameters: Effect.sync(() => insert.compile().parameters),
        execute: Effect.tryPromise(() => insert.execute()),
        stored: Effect.map(
          Effect.tryPromise(() => kysely.selectFrom("item").select("made").execute()),
          (rows) => rows.map(({ made }) => made)
        )
      }
    })
}

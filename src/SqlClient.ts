/**
 * A client for `@effect/sql` over this package's pools: for programs that were written for `@effect/sql-mysql2`, which
 * change their layer and nothing else, and for programs with an engine that use what is built on `@effect/sql`.
 *
 * `layer` gives what `MysqlClient.layer` gives, on an engine of its own. `layerFromEngine` gives a client of the program's
 * engine: both share its pool and its transactions.
 *
 * @since 0.1.0
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as Client from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Sql from "@effect/sql/Statement"
import type { MysqlClient as Mysql, TypeId as MysqlTypeId } from "@effect/sql-mysql2/MysqlClient"
import { Cause, Config, Context, Effect, FiberRef, Layer, type Scope, Tracer } from "effect"
import type { ConfigError } from "effect/ConfigError"
import * as Engine from "./Engine.js"
import { ArgumentError, type ExecuteError } from "./Errors.js"
import { bindLikeMysql2 } from "./Mysql2Binding.js"
import { settingsLikeMysql2 } from "./Options.js"
import * as Pool from "./Pool.js"
import type { Ambient } from "./SAConnection.js"
import { read, type SqlClientConfig } from "./SqlClientConfig.js"
import * as SqlCompiler from "./SqlCompiler.js"
import { type Bind, SqlConnection, SqlExecutor } from "./SqlExecutor.js"
import { isSqlFailure, SqlFailure } from "./SqlFailure.js"
import * as SqlStatement from "./SqlStatement.js"
import { clientSpan, isTraced } from "./Tracing.js"
import { bind } from "./Value.js"

export {
  /**
   * What the client fails with.
   *
   * @since 0.1.0
   * @category errors
   */
  isSqlFailure,
  /**
   * What the client fails with.
   *
   * @since 0.1.0
   * @category errors
   */
  SqlFailure
}
export type {
  /**
   * What `layer` takes.
   *
   * @since 0.1.0
   * @category models
   */
  SqlClientConfig
}

/**
 * The tag of `@effect/sql-mysql2`, which is not loaded for it.
 *
 * @since 0.1.0
 * @category tags
 */
export const MysqlClient: Context.Tag<Mysql, Mysql> = Context.GenericTag<Mysql>("@effect/sql-mysql2/MysqlClient")

// A type of another module's symbol cannot be had without loading that module; it is registered under this name.
const mysqlTypeId = Symbol.for("@effect/sql-mysql2/MysqlClient") as MysqlTypeId

// ---------------------------------------------------------------------------------------------------------------------
// transactions

/** What a body failed with, on its way past what a transaction fails with. */
class OfBody<out E> {
  constructor(readonly error: E) {}
}

/** Runs a body in a transaction, or in a savepoint of the one that the fiber is in. */
const transaction = <A, E, R>(
  core: Engine.Core,
  body: Effect.Effect<A, E, R>,
  ambient: Ambient | undefined
): Effect.Effect<A, E | SqlFailure, R> =>
  Effect.catchAllCause(
    core.transaction(
      Effect.mapError(body, (error) => new OfBody(error)),
      ambient
    ),
    (cause) =>
      Effect.failCause(
        Cause.map(cause, (error): E | SqlFailure =>
          error instanceof OfBody ? error.error : new SqlFailure("Failed to run a transaction", error)
        )
      )
  )

const makeWithTransaction =
  (executor: SqlExecutor, spanAttributes: SqlStatement.Manner["spanAttributes"]): Client.SqlClient["withTransaction"] =>
  (body) =>
    Effect.withFiberRuntime((fiber) => {
      const ambient = executor.ambientOf(fiber.getFiberRef(FiberRef.currentContext))
      if (!isTraced(fiber)) return transaction(executor.core, body, ambient)
      return Effect.useSpan("sql.transaction", clientSpan, (span) => {
        for (const [key, value] of spanAttributes) span.attribute(key, value)
        const within = Effect.provideService(
          Effect.withTracerEnabled(body, true),
          Tracer.ParentSpan,
          span
        ) as typeof body
        const ended = (event: string): Effect.Effect<void> =>
          Effect.map(Effect.clock, (clock) => span.event(event, clock.unsafeCurrentTimeNanos()))
        const isNested = ambient?.level !== undefined
        // Its BEGIN and COMMIT have this span, and none of the engine's beside it.
        const alone = Effect.withTracerEnabled(transaction(executor.core, within, ambient), false)
        return Effect.onExit(alone, (exit) =>
          ended(`db.transaction.${exit._tag === "Failure" ? "rollback" : isNested ? "savepoint" : "commit"}`)
        )
      })
    })

// ---------------------------------------------------------------------------------------------------------------------
// clients

interface ClientSettings {
  readonly compiler: Sql.Compiler
  readonly transformRows: SqlStatement.Manner["transformRows"]
  readonly spanAttributes: SqlStatement.Manner["spanAttributes"]
}

/** A client, with members of its own besides. */
const clientOf = <Members extends object>(
  executor: SqlExecutor,
  { compiler, transformRows, spanAttributes }: ClientSettings,
  own: Members
): Effect.Effect<Client.SqlClient & Members, never, Reactivity.Reactivity> =>
  Effect.map(Reactivity.Reactivity, (reactivity) => {
    const reserve: Effect.Effect<Connection, SqlError, Scope.Scope> = Effect.mapBoth(executor.core.hold, {
      onFailure: (error) => new SqlFailure("Failed to acquire connection", error),
      onSuccess: (connection) => new SqlConnection(executor, { connection, level: undefined }, undefined)
    })
    const shared = {
      [Client.TypeId]: Client.TypeId,
      withTransaction: makeWithTransaction(executor, spanAttributes),
      reserve,
      reactive: reactivity.stream,
      reactiveMailbox: reactivity.query,
      ...own
    }
    type Made = Client.SqlClient & Members
    const made = (manner: SqlStatement.Manner): Made => {
      // It has itself as a member, which no expression can say.
      const client = Object.assign(SqlStatement.make(manner), shared, {
        safe: undefined,
        withoutTransforms: (): Made => (manner.transformRows === undefined ? client : plain)
      }) as unknown as Made
      return Object.assign(client, { safe: client })
    }
    const plain = made({
      executor,
      compiler: compiler.withoutTransform,
      transformRows: undefined,
      spanAttributes
    })
    return made({ executor, compiler, transformRows, spanAttributes })
  })

const failedToConnect = (error: ExecuteError): SqlFailure => new SqlFailure("SqlClient: Failed to connect", error)

const executorOf = (engine: Engine.Engine, bind: Bind, isMultiple: boolean): Effect.Effect<SqlExecutor, SqlFailure> => {
  const core = Engine.coreOf(engine)
  return core === undefined
    ? Effect.fail(
        failedToConnect(
          new ArgumentError({
            argument: "engine",
            given: "another object",
            expected: "an engine that this package has made"
          })
        )
      )
    : Effect.succeed(new SqlExecutor(core, bind, isMultiple))
}

/**
 * Makes a client with an engine of its own, as `MysqlClient.make` of `@effect/sql-mysql2` does: its values, its time zone, its
 * flags. It connects once before it is there.
 *
 * *Fails with* `SqlFailure`, for a configuration that is wrong and for a server that is not there. *Releases*: the scope's
 * end closes its pool.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (config: SqlClientConfig): Effect.Effect<Mysql, SqlError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function* () {
    const found = yield* read(config)
    const pool = yield* Pool.makeWith(found.options, settingsLikeMysql2)
    const engine = yield* Effect.provideService(Engine.fromPool, Pool.Pool, pool)
    const executor = yield* executorOf(engine, bindLikeMysql2, true)
    const { transformQueryNames, transformResultNames, spanAttributes } = found
    return yield* clientOf(
      executor,
      {
        compiler: SqlCompiler.make(engine.dialect, transformQueryNames),
        transformRows:
          transformResultNames === undefined ? undefined : Sql.defaultTransforms(transformResultNames).array,
        spanAttributes
      },
      // The compiler does not see which symbol it is.
      { [mysqlTypeId]: mysqlTypeId, config: found.config } as Pick<Mysql, MysqlTypeId | "config">
    )
  }).pipe(Effect.mapError((error) => (error instanceof SqlFailure ? error : failedToConnect(error))))

const layerOf = <E>(
  made: Effect.Effect<Mysql, E, Scope.Scope | Reactivity.Reactivity>
): Layer.Layer<Mysql | Client.SqlClient, E> =>
  Layer.scopedContext(
    Effect.map(made, (client) => Context.add(Context.make(MysqlClient, client), Client.SqlClient, client))
  ).pipe(Layer.provide(Reactivity.layer))

/**
 * A layer with the tags `SqlClient` of `@effect/sql` and `MysqlClient` of `@effect/sql-mysql2`, in the place of the latter's.
 *
 * A text may have several statements, as `Model` of `@effect/sql` needs it: what slips into a text of `sql.unsafe` or
 * `sql.literal` can end one statement and begin another.
 *
 * *Fails with* `SqlError` when there is no connection, which is asked for once. *Releases*: its pool.
 *
 * @example
 * ```ts
 * import { SqlClient as Sql } from "@effect/sql"
 * import { Effect, Redacted } from "effect"
 * import * as SqlClient from "effect-sa/SqlClient"
 *
 * const program = Effect.gen(function* () {
 *   const sql = yield* Sql.SqlClient
 *   return yield* sql`SELECT id, name FROM person WHERE id = ${1}`
 * })
 *
 * export const main = program.pipe(
 *   Effect.provide(SqlClient.layer({ url: Redacted.make("mysql://app:secret@db.internal:3306/shop"), maxConnections: 20 }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (config: SqlClientConfig): Layer.Layer<Mysql | Client.SqlClient, ConfigError | SqlError> =>
  layerOf(make(config))

/**
 * As `layer`, with a configuration that comes from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<SqlClientConfig>
): Layer.Layer<Mysql | Client.SqlClient, ConfigError | SqlError> => layerOf(Effect.flatMap(Config.unwrap(config), make))

/**
 * What a client of an engine can be told: how it renames identifiers and columns, and what its spans say besides.
 *
 * @since 0.1.0
 * @category models
 */
export interface EngineClientOptions {
  readonly transformResultNames?: ((name: string) => string) | undefined
  readonly transformQueryNames?: ((name: string) => string) | undefined
  readonly spanAttributes?: Record<string, unknown> | undefined
}

/**
 * Makes a client of an engine that is there, on any database: both share one pool and one transaction, and values are of the
 * engine's types; with `SafeIntegers` of `@effect/sql`, those that can be beyond 2^53 are bigints. A text with several
 * statements is sent one by one, on one connection.
 *
 * *Fails with* `SqlFailure` for an engine that this package has not made.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromEngine = (
  engine: Engine.Engine,
  { transformResultNames, transformQueryNames, spanAttributes = {} }: EngineClientOptions = {}
): Effect.Effect<Client.SqlClient, SqlError, Reactivity.Reactivity> =>
  Effect.flatMap(executorOf(engine, bind, false), (executor) =>
    clientOf(
      executor,
      {
        compiler: SqlCompiler.make(engine.dialect, transformQueryNames),
        transformRows:
          transformResultNames === undefined ? undefined : Sql.defaultTransforms(transformResultNames).array,
        spanAttributes: [...Object.entries(spanAttributes), ["db.system.name", engine.dialect.name]]
      },
      {}
    )
  )

/**
 * A layer with the tag `SqlClient` of `@effect/sql` over the program's engine.
 *
 * @example
 * ```ts
 * import { SqlClient as Sql } from "@effect/sql"
 * import { Effect, Layer } from "effect"
 * import { Engine } from "effect-sa"
 * import * as SqlClient from "effect-sa/SqlClient"
 *
 * const Live = SqlClient.layerFromEngine().pipe(Layer.provideMerge(Engine.layer({ url: "sqlite::memory:" })))
 *
 * // One transaction for both.
 * export const main = Engine.transaction(
 *   Effect.gen(function* () {
 *     const sql = yield* Sql.SqlClient
 *     yield* Engine.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT)")
 *     yield* sql`INSERT INTO person ${sql.insert({ name: "Ada" })}`
 *   })
 * ).pipe(Effect.provide(Live))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromEngine = (
  options: EngineClientOptions = {}
): Layer.Layer<Client.SqlClient, SqlError, Engine.Engine> => layerFrom(Engine.Engine, options)

/**
 * As `layerFromEngine`, over an engine with a tag of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFrom = <Self>(
  tag: Context.Tag<Self, Engine.Engine>,
  options: EngineClientOptions = {}
): Layer.Layer<Client.SqlClient, SqlError, Self> =>
  Layer.effect(
    Client.SqlClient,
    Effect.flatMap(tag, (engine) => fromEngine(engine, options))
  ).pipe(Layer.provide(Reactivity.layer))

/**
 * A database by its configuration (devsetgo_lib's `DBConfig` and `AsyncDatabase`): an engine, the tables that a program has,
 * and sessions.
 *
 * @since 0.1.0
 */
import { Config as EffectConfig, Context, Effect, Layer, type Scope, Stream } from "effect"
import type { ConfigError } from "effect/ConfigError"
import { type Config, optionsOf } from "./DatabaseConfig.js"
import * as Engine from "./Engine.js"
import type { AcquireError, ArgumentError, ConnectError, ExecuteError, StatementError } from "./Errors.js"
import type { Execute, Scalar, StreamRows } from "./Execute.js"
import * as MetaData from "./MetaData.js"
import type { SAConnection } from "./SAConnection.js"
import type { SATransaction } from "./SATransaction.js"
import type * as Statement from "./Statement.js"
import type * as Transaction from "./Transaction.js"
import type { ExecuteOptions } from "./Options.js"

export type { Config } from "./DatabaseConfig.js"

/**
 * A connection in a transaction that is committed when it is asked to be. What is not committed is rolled back at the end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Session {
  readonly connection: SAConnection
  /** Executes a statement in the transaction; see `SAConnection.execute`. */
  readonly execute: Execute<StatementError>
  /** The first column of the first row, if there is a row. */
  readonly scalar: Scalar<StatementError>
  /** The rows of a statement as they are taken. */
  readonly stream: StreamRows<StatementError>
  /** Commits what was done. The next statement begins the next transaction. */
  readonly commit: Effect.Effect<void, Transaction.TransactionError>
  /** Rolls back what was done since the last commit. The next statement begins the next transaction. */
  readonly rollback: Effect.Effect<void, Transaction.TransactionError>
}

/**
 * A database.
 *
 * @since 0.1.0
 * @category models
 */
export interface Database {
  readonly engine: Engine.Engine
  readonly metaData: MetaData.MetaData
  /**
   * Runs a body in a transaction: commits when it succeeds, rolls back when it fails, dies or is interrupted. Everything on
   * the engine takes part, the functions of `Operations` too. It is `Engine.transaction` of this database.
   */
  readonly session: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | ExecuteError, Exclude<R, Transaction.Transaction>>
  /**
   * A session that is committed by hand (devsetgo_lib's `get_db_session`). What is on the engine does not take part: the
   * session has functions of its own. *Releases*: the scope's end rolls back what was not committed.
   */
  readonly getDbSession: Effect.Effect<Session, AcquireError, Scope.Scope>
  /** Creates the tables that are not there yet; see `MetaData.createAll`. */
  readonly createTables: Effect.Effect<void, ExecuteError>
  /** Closes the engine: lends no more connections, and waits for those in use, `closeTimeout` at the most. */
  readonly disconnect: Effect.Effect<void>
}

/**
 * The tag of a program's database.
 *
 * @since 0.1.0
 * @category tags
 */
export const Database: Context.Tag<Database, Database> = Context.GenericTag<Database>("effect-sa/Database")

type AnyStatement = Statement.Query<unknown> | Statement.Executable

/** A connection takes both kinds; its functions have a type for each, and none for both. */
const either = (statement: AnyStatement) => statement as Statement.Executable<never>

/** A transaction after the other, each begun by the first statement in it: one that only waits holds no lock. */
const sessionOf = (connection: SAConnection): Effect.Effect<Session> =>
  Effect.map(Effect.makeSemaphore(1), (turn) => {
    let current: SATransaction | undefined
    const begun = Effect.suspend(() =>
      current === undefined
        ? Effect.uninterruptibleMask((restore) =>
            Effect.map(restore(connection.begin()), (transaction) => {
              current = transaction
            })
          )
        : Effect.void
    )
    // A statement has its turn until it is done, or it could come after a commit, in no transaction.
    const inTurn = <A, E>(statement: Effect.Effect<A, E>): Effect.Effect<A, E | Transaction.TransactionError> =>
      turn.withPermits(1)(Effect.zipRight(begun, statement))
    const ended = (end: (transaction: SATransaction) => SATransaction["commit"]): Session["commit"] =>
      turn.withPermits(1)(
        Effect.uninterruptible(
          Effect.suspend(() => {
            const transaction = current
            current = undefined
            return transaction === undefined ? Effect.void : end(transaction)
          })
        )
      )
    return {
      connection,
      execute: (statement: AnyStatement, parameters?: Statement.Parameters, options?: ExecuteOptions) =>
        inTurn(connection.execute(either(statement), parameters, options)),
      scalar: (statement: AnyStatement, parameters?: Statement.Parameters, options?: ExecuteOptions) =>
        inTurn(connection.scalar(either(statement), parameters, options)),
      stream: (statement: AnyStatement, parameters?: Statement.Parameters, options?: ExecuteOptions) =>
        Stream.unwrap(Effect.as(inTurn(Effect.void), connection.stream(either(statement), parameters, options))),
      commit: ended(({ commit }) => commit),
      rollback: ended(({ rollback }) => rollback)
    }
  })

/**
 * A database over an engine that the program has already.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromEngine = (engine: Engine.Engine, metaData: MetaData.MetaData = MetaData.make()): Database => ({
  engine,
  metaData,
  session: (body) => engine.transaction(body),
  getDbSession: Effect.flatMap(engine.acquire, sessionOf),
  createTables: Effect.provideService(MetaData.createAll(metaData), Engine.Engine, engine),
  disconnect: Effect.zipRight(engine.close, Effect.orDie(engine.waitClosed))
})

/**
 * Makes a database that lives as long as the scope.
 *
 * *Fails with* `ArgumentError`, which names the parameter, for one that is unknown, wrong, or not for this database, and for
 * the URI of a database that is not supported; as `Engine.make` does. *Releases*: the scope's end disconnects.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  config: Config,
  metaData?: MetaData.MetaData
): Effect.Effect<Database, ConnectError | ArgumentError, Scope.Scope> =>
  Effect.map(Effect.flatMap(optionsOf(config), Engine.make), (engine) => fromEngine(engine, metaData))

/** The database, and its engine for who requires just that. */
const layerOf = <E>(made: Effect.Effect<Database, E, Scope.Scope>): Layer.Layer<Database | Engine.Engine, E> =>
  Layer.scopedContext(
    Effect.map(made, (database) => Context.make(Database, database).pipe(Context.add(Engine.Engine, database.engine)))
  )

/**
 * A layer with a database, and with its engine. Fails as `make`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Column, Database, MetaData, Operations, Table } from "effect-sa/schema"
 *
 * const person = Table.make("person", {
 *   id: Column.integer.pipe(Column.primaryKey, Column.autoIncrement),
 *   name: Column.varchar(50)
 * })
 *
 * const DatabaseLive = Database.layer(
 *   { database_uri: "sqlite+aiosqlite:///:memory:?cache=shared", pool_recycle: 3600 },
 *   MetaData.make(person)
 * )
 *
 * export const program = Effect.gen(function* () {
 *   const database = yield* Database.Database
 *   yield* database.createTables
 *   return yield* Operations.createOne(person, { name: "Ada" })
 * }).pipe(Effect.provide(DatabaseLive))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  config: Config,
  metaData?: MetaData.MetaData
): Layer.Layer<Database | Engine.Engine, ConnectError | ArgumentError> => layerOf(make(config, metaData))

/**
 * A layer with a database whose configuration comes from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { Database } from "effect-sa/schema"
 *
 * export const DatabaseLive = Database.layerConfig({ database_uri: Config.redacted("DATABASE_URI") })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: EffectConfig.Config.Wrap<Config>,
  metaData?: MetaData.MetaData
): Layer.Layer<Database | Engine.Engine, ConnectError | ArgumentError | ConfigError> =>
  layerOf(Effect.flatMap(EffectConfig.unwrap(config), (given) => make(given, metaData)))

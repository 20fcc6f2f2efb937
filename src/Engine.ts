/**
 * The engine (`aiomysql.sa.Engine`): a pool, a dialect, and the transaction that a fiber is in.
 *
 * `Engine.layer` provides the tag `Engine.Engine`, which the functions of this module require. For several databases in
 * one program, `Engine.Service` makes a tag with the same functions for each.
 *
 * @since 0.1.0
 */
import { Config, Context, Effect, FiberRef, Layer, type Scope, Stream } from "effect"
import type { ConfigError } from "effect/ConfigError"
import type { Connection } from "./Connection.js"
import type { BeginOptions, Dialect } from "./Dialect.js"
import type { Execute, Scalar, StreamRows } from "./Execute.js"
import {
  type AcquireError,
  ArgumentError,
  type ConnectError,
  type DriverError,
  type ExecuteError,
  type InvalidRequestError
} from "./Errors.js"
import { type DriverResult, emptyResult, type RowStream } from "./Driver.js"
import type { ExecuteOptions } from "./Options.js"
import { Pace } from "./Pace.js"
import * as Pool from "./Pool.js"
import * as Result from "./Result.js"
import {
  type Ambient,
  type Companions,
  currentAmbient,
  firstValue,
  LentConnection,
  makeAmbientTag,
  manyInStream,
  SAConnection,
  withOptions
} from "./SAConnection.js"
import * as Statement from "./Statement.js"
import * as Transaction from "./Transaction.js"
import type { Ending } from "./Turn.js"
import type { ValueOptions } from "./Value.js"

/**
 * An engine. Inside of a transaction, or of `withConnection`, everything runs on the one connection of that; outside,
 * each statement takes a connection from the pool and gives it back.
 *
 * @since 0.1.0
 * @category models
 */
export interface Engine {
  readonly dialect: Dialect
  readonly pool: Pool.Pool
  /** Where the database is, for people. There is no password in it. */
  readonly address: string
  /**
   * Executes a statement and reads its whole result (`aiomysql.sa.SAConnection.execute`).
   *
   * `parameters` is an array for `?` markers, an object for `:name` markers, or an array of those to execute the statement
   * once for each. `options` say which types the values of this result have.
   *
   * *Fails with* `ArgumentError` before anything is sent, where the parameters do not fit; as `Pool.use` where there is no
   * connection; with what the database answers; with `InvalidRequestError` in a transaction that is over.
   * *Interruption* returns at once; the statement is killed on the server, and its connection is not used again.
   */
  readonly execute: Execute<ExecuteError>
  /** The first column of the first row, if there is a row (`aiomysql.sa.SAConnection.scalar`). Fails as `execute` does. */
  readonly scalar: Scalar<ExecuteError>
  /**
   * The rows of a statement as they are taken, in bounded memory, with back-pressure (SQLAlchemy's `stream`). The stream
   * holds a connection until it ends. Fails as `execute` does.
   */
  readonly stream: StreamRows<ExecuteError>
  /**
   * Runs a body in a transaction: commits when it succeeds, rolls back when it fails, dies or is interrupted. Within a
   * transaction of this engine it is a savepoint. See `Transaction.run` for every outcome.
   *
   * *Fails with* what the body failed with; what beginning or committing failed with; `ArgumentError` for options that a
   * savepoint cannot have.
   */
  readonly transaction: <A, E, R>(
    body: Effect.Effect<A, E, R>,
    options?: Transaction.Options<E | ExecuteError>
  ) => Effect.Effect<A, E | ExecuteError, Exclude<R, Transaction.Transaction>>
  /** Runs a body whose statements all run on one connection, which the tag `SAConnection` gives too. */
  readonly withConnection: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | AcquireError, Exclude<R, SAConnection>>
  /**
   * Lends a connection until the scope ends (`aiomysql.sa.Engine.acquire`); what is open then is rolled back. Within a
   * transaction or `withConnection` it is the connection of that: waiting for another could wait for oneself.
   */
  readonly acquire: Effect.Effect<SAConnection, AcquireError, Scope.Scope>
  /** `aiomysql.sa.Engine.close` */
  readonly close: Effect.Effect<void>
  /** `aiomysql.sa.Engine.terminate` */
  readonly terminate: Effect.Effect<void>
  /** `aiomysql.sa.Engine.wait_closed` */
  readonly waitClosed: Effect.Effect<void, InvalidRequestError>
}

/**
 * What the client for `@effect/sql` needs of an engine besides: the ways of statements that are compiled already, for who
 * has looked up what the fiber is in.
 *
 * @internal
 */
export interface Core {
  readonly engine: Engine
  readonly ambientTag: Context.Tag<Ambient, Ambient>
  readonly companions: Companions
  readonly answer: <A>(
    compiled: Statement.Compiled,
    ambient: Ambient | undefined,
    made: (answer: DriverResult) => A
  ) => Effect.Effect<A, ExecuteError>
  /** Several statements on one connection, without anything of others in between. */
  readonly answerAll: (
    statements: ReadonlyArray<Statement.Compiled>,
    ambient: Ambient | undefined
  ) => Effect.Effect<ReadonlyArray<DriverResult>, ExecuteError>
  readonly rows: (
    compiled: Statement.Compiled,
    ambient: Ambient | undefined
  ) => Effect.Effect<RowStream, ExecuteError, Scope.Scope>
  /** A transaction in which statements go on after one that defines data; a savepoint within a transaction. */
  readonly transaction: <A, E, R>(
    body: Effect.Effect<A, E, R>,
    ambient: Ambient | undefined
  ) => Effect.Effect<A, E | ExecuteError, R>
  /** A connection of its own until the scope ends, however long that is. */
  readonly hold: Effect.Effect<LentConnection, AcquireError, Scope.Scope>
}

/** What comes before a statement outside of transactions. */
const nothing: ReadonlyArray<string> = []

const cores = new WeakMap<Engine, Core>()

/** @internal */
export const coreOf = (engine: Engine): Core | undefined => cores.get(engine)

const makeEngine = (pool: Pool.Pool): Engine => {
  const { dialect } = pool
  const ambientTag = makeAmbientTag()
  const companions: Companions = { add: undefined }
  const lentOf = (connection: Connection): LentConnection => new LentConnection(connection, ambientTag, companions)

  const paces = new WeakMap<object, Pace>()
  const paceOf = (text: object): Pace => {
    let pace = paces.get(text)
    if (pace === undefined) paces.set(text, (pace = new Pace()))
    return pace
  }

  /** Checks a statement before any connection is asked for, and looks up what the fiber is in. */
  const prepared = <A, E, R>(
    statement: unknown,
    parameters: unknown,
    options: ExecuteOptions | undefined,
    run: (compiled: Statement.Compiled, values: ValueOptions, ambient: Ambient | undefined) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | Statement.Refusal, R> =>
    Effect.withFiberRuntime((fiber): Effect.Effect<A, E | Statement.Refusal, R> => {
      const ambient = currentAmbient(fiber.getFiberRef(FiberRef.currentContext), ambientTag)
      return Statement.compileWith(statement, parameters, dialect, (compiled) =>
        options === undefined
          ? run(compiled, pool.values, ambient)
          : withOptions(compiled, pool.values, options, (compiled, values) => run(compiled, values, ambient))
      )
    })

  /** Executes a statement of a fiber that is in no transaction. */
  const outside = <A>(
    compiled: Statement.Compiled,
    values: ValueOptions,
    made: (answer: DriverResult) => A
  ): Effect.Effect<A, ExecuteError> => {
    const pace = compiled.isRead && pool.pipelining > 1 ? paceOf(compiled.text) : undefined
    const manner = pace === undefined || !pace.isFast ? "alone" : pace.isQuick ? "joined" : "shared"
    return Effect.uninterruptibleMask((restore) =>
      pool.lendIn(restore, manner, (loan) => {
        const ending: Ending<DriverResult, DriverError | InvalidRequestError, A, ExecuteError, never> = {
          onFailure: (cause) => {
            loan.giveBack()
            return Effect.failCause(cause)
          },
          onSuccess: (answer) => {
            loan.giveBack()
            pace?.note(answer.elapsed)
            return Effect.succeed(made(answer))
          }
        }
        return manner === "alone"
          ? loan.item.executeIn(restore, compiled, values, nothing, ending)
          : loan.item.executeSharedIn(restore, compiled, values, ending)
      })
    )
  }

  // Rows are of the type that the statement's type says, which is the caller's to know; here it is none.
  const execute = (
    statement: unknown,
    parameters?: Statement.Parameters,
    options?: ExecuteOptions
  ): Effect.Effect<Result.Result<never>, ExecuteError> =>
    prepared(
      statement,
      parameters,
      options,
      (compiled, values, ambient): Effect.Effect<Result.Result<never>, ExecuteError> => {
        if (compiled.sets?.length === 0) return Effect.succeed(Result.make<never>(emptyResult))
        if (ambient !== undefined)
          return ambient.connection.answerIn(ambient.level, compiled, values, Result.make<never>)
        return outside(compiled, values, Result.make<never>)
      }
    )

  /** A handle that ends with the scope, before its connection goes back. */
  const untilTheEnd = (connection: Connection): Effect.Effect<LentConnection, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => lentOf(connection).handOut()),
      (lent) => Effect.sync(() => lent.expire())
    )
  const lend = Effect.flatMap(pool.acquire, untilTheEnd)

  /** A body with a handle that ends with it. */
  const lendTo = <A, E, R>(body: (lent: LentConnection) => Effect.Effect<A, E, R>) =>
    pool.use((connection) => {
      const lent = lentOf(connection).handOut()
      return Effect.ensuring(
        body(lent),
        Effect.sync(() => lent.expire())
      )
    })

  const inAmbient = <A, E, R, E2, R2>(
    within: (ambient: Ambient) => Effect.Effect<A, E, R>,
    outside: Effect.Effect<A, E2, R2>
  ): Effect.Effect<A, E | E2, R | R2> =>
    Effect.withFiberRuntime((fiber): Effect.Effect<A, E | E2, R | R2> => {
      const ambient = currentAmbient(fiber.getFiberRef(FiberRef.currentContext), ambientTag)
      return ambient === undefined ? outside : within(ambient)
    })

  /** A transaction of a fiber that is in none, on a connection of the pool. */
  const transactionOutside = <A, E, R>(body: Effect.Effect<A, E, R>, begin: BeginOptions, goesOnAfterDdl: boolean) =>
    Effect.uninterruptibleMask((restore) =>
      pool.lendIn(restore, "takes over", (loan) => {
        const lent = lentOf(loan.item)
        return lent.transactionIn(restore, body, begin, {
          isTakenOver: pool.isTakenOver,
          handOver: () => {
            lent.expire()
            loan.handOver()
          },
          ended: () => {
            lent.expire()
            loan.giveBack()
          },
          goesOnAfterDdl
        })
      })
    )

  const transaction: Engine["transaction"] = (body, options) => {
    const { retry, ...given } = options ?? {}
    const begin = options === undefined ? Transaction.plainOptions : given
    const outermost = Transaction.retrying(transactionOutside(body, begin, false), retry)
    return inAmbient(({ connection, level }) => {
      if (retry === undefined) return connection.transaction(body, begin)
      if (level === undefined) return Transaction.retrying(connection.transaction(body, begin), retry)
      return Effect.fail(
        new ArgumentError({
          argument: "retry",
          given: "a policy for a nested transaction",
          expected: "none: only the outermost transaction can run again, because a deadlock rolls all of it back"
        })
      )
    }, outermost)
  }

  const withConnection: Engine["withConnection"] = <A, E, R>(body: Effect.Effect<A, E, R>) => {
    const pinned = (connection: LentConnection): Effect.Effect<A, E, Exclude<R, SAConnection>> =>
      body.pipe(
        Effect.provideService(SAConnection, connection),
        Effect.provideService(ambientTag, { connection, level: undefined })
      ) as Effect.Effect<A, E, Exclude<R, SAConnection>> // R never has this engine's own tag
    return inAmbient(
      ({ connection }): Effect.Effect<A, E, Exclude<R, SAConnection>> =>
        Effect.provideService(body, SAConnection, connection.handOut()),
      lendTo(pinned)
    )
  }

  const engine: Engine = {
    dialect,
    pool,
    address: pool.address,
    execute,
    scalar: (statement: unknown, parameters?: Statement.Parameters, options?: ExecuteOptions) =>
      Effect.flatMap(execute(statement, parameters, options), firstValue),
    stream: (
      statement: unknown,
      parameters?: Statement.Parameters,
      options?: ExecuteOptions
    ): Stream.Stream<never, ExecuteError> =>
      Stream.unwrapScoped(
        prepared(statement, parameters, options, (compiled, values, ambient) =>
          compiled.sets !== undefined
            ? Effect.fail(manyInStream())
            : Effect.flatMap(ambient === undefined ? lend : Effect.succeed(ambient.connection), (connection) =>
                connection.streamCompiled<never>(compiled, values)
              )
        )
      ),
    transaction,
    withConnection,
    acquire: inAmbient(({ connection }) => Effect.succeed(connection.handOut()), lend),
    close: pool.close,
    terminate: pool.terminate,
    waitClosed: pool.waitClosed
  }
  cores.set(engine, {
    engine,
    ambientTag,
    companions,
    answer: (compiled, ambient, made) =>
      ambient === undefined
        ? outside(compiled, pool.values, made)
        : ambient.connection.answerIn(ambient.level, compiled, pool.values, made),
    answerAll: (statements, ambient) =>
      ambient === undefined
        ? pool.use((connection) => Effect.forEach(statements, (each) => connection.execute(each, pool.values)))
        : ambient.connection.runAllIn(ambient.level, statements, pool.values),
    rows: (compiled, ambient) =>
      Effect.flatMap(ambient === undefined ? lend : Effect.succeed(ambient.connection), (connection) =>
        connection.rowsIn(ambient?.level, compiled, pool.values)
      ),
    transaction: <A, E, R>(body: Effect.Effect<A, E, R>, ambient: Ambient | undefined) =>
      ambient === undefined
        ? transactionOutside(body, Transaction.plainOptions, true)
        : ambient.connection.transactionFrom(ambient.level, body),
    hold: Effect.flatMap(pool.hold, untilTheEnd)
  })
  return engine
}

/**
 * Makes an engine that lives as long as the scope (`aiomysql.sa.create_engine`). Without an URL it is an embedded SQLite
 * database in memory.
 *
 * *Fails with* `ArgumentError` for options that are wrong, and as `Pool.make` does. *Releases*: the scope's end closes
 * the pool.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Pool.PoolOptions = {}
): Effect.Effect<Engine, ConnectError | ArgumentError, Scope.Scope> => Effect.map(Pool.make(options), makeEngine)

/**
 * An engine over a pool that the program has already.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPool: Effect.Effect<Engine, never, Pool.Pool> = Effect.map(Pool.Pool, makeEngine)

// ---------------------------------------------------------------------------------------------------------------------
// tags

/**
 * What an engine's tag has besides being one: the engine's functions, which require it, and its layers.
 *
 * @since 0.1.0
 * @category tags
 */
export interface Statics<Self> {
  /** See `Engine.execute`. */
  readonly execute: Execute<ExecuteError, Self>
  /** See `Engine.scalar`. */
  readonly scalar: Scalar<ExecuteError, Self>
  /** See `Engine.stream`. */
  readonly stream: StreamRows<ExecuteError, Self>
  /** See `Engine.transaction`. */
  readonly transaction: <A, E, R>(
    body: Effect.Effect<A, E, R>,
    options?: Transaction.Options<E | ExecuteError>
  ) => Effect.Effect<A, E | ExecuteError, Exclude<R, Transaction.Transaction> | Self>
  /** See `Engine.withConnection`. */
  readonly withConnection: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | AcquireError, Exclude<R, SAConnection> | Self>
  /** A layer with an engine. */
  readonly layer: (options?: Pool.PoolOptions) => Layer.Layer<Self, ConnectError | ArgumentError>
  /** A layer with an engine whose options come from `Config`. */
  readonly layerConfig: (
    config: Config.Config.Wrap<Pool.PoolOptions>
  ) => Layer.Layer<Self, ConnectError | ArgumentError | ConfigError>
  /** A layer with one connection of the engine, lent for as long as the layer lives. */
  readonly connectionLayer: Layer.Layer<SAConnection, AcquireError, Self>
}

type AnyStatement = Statement.Query<unknown> | Statement.Executable

/** An engine takes both kinds; its functions have a type for each, and none for both. */
const either = (statement: AnyStatement) => statement as Statement.Executable<never>

const statics = <Self>(tag: Context.Tag<Self, Engine>): Statics<Self> => ({
  execute: (statement: AnyStatement, parameters?: Statement.Parameters, options?: ExecuteOptions) =>
    Effect.flatMap(tag, (engine) => engine.execute(either(statement), parameters, options)),
  scalar: (statement: AnyStatement, parameters?: Statement.Parameters, options?: ExecuteOptions) =>
    Effect.flatMap(tag, (engine) => engine.scalar(either(statement), parameters, options)),
  stream: (statement: AnyStatement, parameters?: Statement.Parameters, options?: ExecuteOptions) =>
    Stream.unwrap(Effect.map(tag, (engine) => engine.stream(either(statement), parameters, options))),
  transaction: (body, options) => Effect.flatMap(tag, (engine) => engine.transaction(body, options)),
  withConnection: (body) => Effect.flatMap(tag, (engine) => engine.withConnection(body)),
  layer: (options) => Layer.scoped(tag, make(options)),
  layerConfig: (config) => Layer.scoped(tag, Effect.flatMap(Config.unwrap(config), make)),
  connectionLayer: Layer.scoped(
    SAConnection,
    Effect.flatMap(tag, (engine) => engine.acquire)
  )
})

/**
 * Makes the tag of an engine, for a program with several databases.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Engine } from "effect-sa"
 *
 * class Orders extends Engine.Service<Orders>()("app/Orders") {}
 * class Stock extends Engine.Service<Stock>()("app/Stock") {}
 *
 * const program = Effect.zip(Orders.execute("SELECT 1"), Stock.execute("SELECT 2"))
 *
 * export const main = program.pipe(
 *   Effect.provide(Layer.merge(Orders.layer({ url: "sqlite::memory:" }), Stock.layer({ url: "sqlite::memory:" })))
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export const Service =
  <Self>() =>
  <const Id extends string>(id: Id): Context.TagClass<Self, Id, Engine> & Statics<Self> => {
    const tag = Context.Tag(id)<Self, Engine>()
    return Object.assign(tag, statics(tag))
  }

/**
 * The tag of a program's engine.
 *
 * @since 0.1.0
 * @category tags
 */
export const Engine: Context.Tag<Engine, Engine> = Context.GenericTag<Engine>("effect-sa/Engine")

const main = statics(Engine)

/**
 * Executes a statement and reads its whole result; see the method of `Engine`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Engine } from "effect-sa"
 *
 * export const program = Engine.execute("SELECT id, name FROM person WHERE id = ?", [1]).pipe(
 *   Effect.map((result) => result.first)
 * )
 * ```
 *
 * @since 0.1.0
 * @category executing
 */
export const execute: Statics<Engine>["execute"] = main.execute

/**
 * The first column of the first row, if there is a row.
 *
 * @since 0.1.0
 * @category executing
 */
export const scalar: Statics<Engine>["scalar"] = main.scalar

/**
 * The rows of a statement as they are taken, in bounded memory.
 *
 * @example
 * ```ts
 * import { Stream } from "effect"
 * import { Engine } from "effect-sa"
 *
 * export const names = Engine.stream<{ name: string }>("SELECT name FROM person").pipe(Stream.map((row) => row.name))
 * ```
 *
 * @since 0.1.0
 * @category executing
 */
export const stream: Statics<Engine>["stream"] = main.stream

/**
 * Runs a body in a transaction, or in a savepoint of the one it is in.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Engine, Transaction } from "effect-sa"
 *
 * export const transfer = (from: number, to: number, cents: number) =>
 *   Engine.transaction(
 *     Effect.gen(function* () {
 *       yield* Engine.execute("UPDATE account SET cents = cents - ? WHERE id = ?", [cents, from])
 *       yield* Engine.execute("UPDATE account SET cents = cents + ? WHERE id = ?", [cents, to])
 *     }),
 *     { isolationLevel: "repeatable read", retry: Transaction.retryDeadlocks({ times: 5 }) }
 *   )
 * ```
 *
 * @since 0.1.0
 * @category executing
 */
export const transaction: Statics<Engine>["transaction"] = main.transaction

/**
 * Runs a body whose statements all run on one connection.
 *
 * @since 0.1.0
 * @category executing
 */
export const withConnection: Statics<Engine>["withConnection"] = main.withConnection

/**
 * A layer with an engine.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Engine } from "effect-sa"
 *
 * export const main = Engine.execute("SELECT 1 AS one").pipe(
 *   Effect.provide(Engine.layer({ url: "sqlite::memory:" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Statics<Engine>["layer"] = main.layer

/**
 * A layer with an engine whose options come from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { Engine } from "effect-sa"
 *
 * export const EngineLive = Engine.layerConfig({ url: Config.redacted("DATABASE_URL") })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Statics<Engine>["layerConfig"] = main.layerConfig

/**
 * A layer with one connection of the engine, lent for as long as the layer lives.
 *
 * @since 0.1.0
 * @category layers
 */
export const connectionLayer: Statics<Engine>["connectionLayer"] = main.connectionLayer

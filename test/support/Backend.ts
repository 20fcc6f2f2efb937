// A database that the contract suites run against, and how a test gets an engine on it.
import { expect, it } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { Engine, type Errors, type Options, type Value } from "effect-sa"

export interface Backend {
  readonly name: "sqlite" | "mariadb" | "mysql"
  readonly url: string
  /** Statements run on a server that can kill them; an embedded database runs them in this process. */
  readonly isServer: boolean
  /** DDL is part of a transaction and can be rolled back. */
  readonly transactionalDdl: boolean
  readonly returning: boolean
  /** A column that counts up by itself, with the table's primary key. */
  readonly autoIncrement: string
}

/** A missing server fails the run: it is never skipped. */
const fromEnvironment = (name: string): string => {
  const url = process.env[name]
  if (url === undefined || url === "")
    throw new Error(`${name} is not set: run the tests by npm test, which starts what they need`)
  return url
}

export const sqlite = (): Backend => ({
  name: "sqlite",
  url: "sqlite::memory:",
  isServer: false,
  transactionalDdl: true,
  returning: true,
  autoIncrement: "INTEGER PRIMARY KEY AUTOINCREMENT"
})

export const mariadb = (): Backend => ({
  name: "mariadb",
  url: fromEnvironment("EFFECT_SA_TEST_MARIADB_URL"),
  isServer: true,
  transactionalDdl: false,
  returning: true,
  autoIncrement: "INTEGER PRIMARY KEY AUTO_INCREMENT"
})

export const mysql = (): Backend => ({
  name: "mysql",
  url: fromEnvironment("EFFECT_SA_TEST_MYSQL_URL"),
  isServer: true,
  transactionalDdl: false,
  returning: false,
  autoIncrement: "INTEGER PRIMARY KEY AUTO_INCREMENT"
})

export type EngineOptions = Omit<Options.Options, "url"> & Partial<Value.ValueOptions>

let tables = 0

/** A name that no other test has. */
export const tableName = (prefix = "t"): string => `${prefix}_${process.pid}_${++tables}`

export const engineLayer = (
  backend: Backend,
  options: EngineOptions = {}
): Layer.Layer<Engine.Engine, Errors.ConnectError | Errors.ArgumentError> =>
  Engine.layer({ url: backend.url, ...options })

/**
 * Runs a test with an engine of its own, and holds it to what every test must leave behind: no lease, no waiter, nothing
 * being opened, and on a server no transaction of its connections.
 */
export const withEngine = (
  backend: Backend,
  title: string,
  body: () => Effect.Effect<void, unknown, Engine.Engine | Scope.Scope>,
  options: EngineOptions = {},
  timeout?: number
): void =>
  it.live(
    `${title} [${backend.name}]`,
    () =>
      Effect.gen(function* () {
        const engine = yield* Engine.Engine
        yield* Effect.scoped(body())
        const { used, waiting, opening } = yield* settled(engine)
        expect({ used, waiting, opening }).toEqual({ used: 0, waiting: 0, opening: 0 })
      }).pipe(Effect.provide(engineLayer(backend, options))),
    timeout
  )

/** What comes back is made ready for the next user in the background, which takes a moment. */
const settled = (engine: Engine.Engine): Effect.Effect<Errors.PoolNumbers> =>
  engine.pool.numbers.pipe(
    Effect.delay("2 millis"),
    Effect.repeat({ until: ({ used, opening }) => used + opening === 0, times: 500 }),
    Effect.zipRight(engine.pool.numbers)
  )

/** A table that is there while the scope lives. */
export const table = (
  columns: string,
  name: string = tableName()
): Effect.Effect<string, Errors.ExecuteError, Engine.Engine | Scope.Scope> =>
  Effect.acquireRelease(Effect.as(Engine.execute(`CREATE TABLE ${name} (${columns})`), name), () =>
    Effect.ignore(Engine.execute(`DROP TABLE IF EXISTS ${name}`))
  )

/** The servers that this run has: fault tests run on each. */
export const servers = (): ReadonlyArray<Backend> => {
  const found = [
    ...(process.env.EFFECT_SA_TEST_MARIADB_URL ? [mariadb()] : []),
    ...(process.env.EFFECT_SA_TEST_MYSQL_URL ? [mysql()] : [])
  ]
  if (found.length === 0)
    throw new Error("no server to test on: run the tests by npm test, which starts what they need")
  return found
}

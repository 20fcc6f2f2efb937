// The layers with a `SqlClient` on a backend: the drop-in, and the one over an engine.
import type { SqlClient as Sql } from "@effect/sql"
import { it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import { Engine } from "effect-sa"
import * as SqlClient from "effect-sa/SqlClient"
import type { Backend } from "./Backend.js"

export interface SqlLayer {
  readonly name: string
  readonly layer: (config?: Partial<SqlClient.SqlClientConfig>) => Layer.Layer<Sql.SqlClient, unknown>
}

export const sqlLayers = (backend: Backend): ReadonlyArray<SqlLayer> => [
  ...(backend.isServer
    ? [
        {
          name: "the drop-in",
          layer: (config: Partial<SqlClient.SqlClientConfig> = {}) => SqlClient.layer({ url: backend.url, ...config })
        }
      ]
    : []),
  {
    name: "a client of an engine",
    layer: ({ maxConnections, ...config } = {}) =>
      SqlClient.layerFromEngine(config).pipe(
        Layer.provide(Engine.layer({ url: backend.url, maxSize: maxConnections ?? 10 }))
      )
  }
]

/** Runs a test with a client of its own. */
export const withSql = <Provided>(
  backend: Backend,
  layer: Layer.Layer<Provided, unknown>,
  title: string,
  body: () => Effect.Effect<void, unknown, Provided | Scope.Scope>,
  timeout?: number
): void => it.scopedLive(`${title} [${backend.name}]`, () => Effect.provide(Effect.scoped(body()), layer), timeout)

/** A table that is there while the scope lives. */
export const sqlTable = (sql: Sql.SqlClient, name: string, columns: string) =>
  Effect.acquireRelease(Effect.as(sql.unsafe(`CREATE TABLE ${name} (${columns})`), name), () =>
    Effect.ignore(sql.unsafe(`DROP TABLE IF EXISTS ${name}`))
  )

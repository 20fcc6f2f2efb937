// What the types of the client for `@effect/sql` promise, held by the compiler: test/types/types.test.ts compiles this file.
import type { SqlClient as Sql, SqlError } from "@effect/sql"
import type { MysqlClient } from "@effect/sql-mysql2"
import { Config, type ConfigError, Effect, type Layer, Redacted } from "effect"
import type { Engine } from "effect-sa"
import * as SqlClient from "effect-sa/SqlClient"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

// ---- the layers take each other's places -----------------------------------------------------------------------------

const theirs: MysqlClient.MysqlClientConfig = { url: Redacted.make("mysql://localhost/shop"), maxConnections: 5 }
const layer = SqlClient.layer(theirs)
holds<Equal<typeof layer, ReturnType<typeof MysqlClient.layer>>>()
holds<Equal<typeof SqlClient.MysqlClient, typeof MysqlClient.MysqlClient>>()

const configured = SqlClient.layerConfig({
  url: Config.redacted("DATABASE_URL"),
  maxConnections: Config.integer("MAX")
})
holds<
  Equal<
    typeof configured,
    Layer.Layer<MysqlClient.MysqlClient | Sql.SqlClient, ConfigError.ConfigError | SqlError.SqlError>
  >
>()

const overEngine = SqlClient.layerFromEngine()
holds<Equal<typeof overEngine, Layer.Layer<Sql.SqlClient, SqlError.SqlError, Engine.Engine>>>()

// ---- options of this package stand beside theirs, and what is settled cannot be said ----------------------------------

SqlClient.layer({ ...theirs, statementTimeout: "5 seconds", acquireTimeout: "1 seconds", minSize: 2 })
// @ts-expect-error multiStatements is always on
SqlClient.layer({ multiStatements: false })
// @ts-expect-error values are as sql-mysql2 has them
SqlClient.layer({ integers: "bigint" })
// @ts-expect-error maxConnections is its name here
SqlClient.layer({ maxSize: 3 })

// ---- failures carry typed causes ---------------------------------------------------------------------------------------

export const reason = (error: SqlError.SqlError): string | undefined =>
  SqlClient.isSqlFailure(error) && error.cause._tag === "IntegrityError" ? error.cause.reason : undefined

export const program = (sql: Sql.SqlClient) =>
  Effect.map(sql.withTransaction(sql<{ readonly id: number }>`SELECT 1 AS id`), (rows) => rows[0]?.id)

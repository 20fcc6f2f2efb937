// Who is measured, and how each does it, in words for people who read docs/performance.md.

/** Whom every other contender is held against. */
export const peer = "mysql2"

/** The limit of what a client can do: it is in C, with a thread for each operation, and does nothing with the rows. */
export const limit = "sysbench"

/** effect-sa as a program has it that does nothing special. */
export const own = "effect-sa"

export const contenders: Readonly<Record<string, string>> = {
  "effect-sa": "`Engine.execute`, `Engine.transaction`, `Engine.stream`; for an insert, a list of parameter sets",
  "effect-sa-saconnection":
    "takes an `SAConnection` for each operation, executes on it and gives it back; `begin` and `commit`",
  "effect-sa-sql": "the layer of `effect-sa/SqlClient` under a program of `@effect/sql`",
  "effect-sa-unshared": "as `effect-sa`, with `pipelining: 1`; only beside slow statements",
  mysql2:
    "by callbacks, prepared statements (`execute`), rows as arrays; inserts 5,000 rows a statement; `.stream()` by events",
  "mysql2-promise": "the same by promises",
  "mysql2-objects": "`mysql2` with rows as objects, where many are read",
  mariadb:
    "`mariadb`, the connector of MariaDB: prepared and pipelined, rows as arrays; `batch`; `queryStream` by events",
  "mariadb-pipelined":
    "`mariadb`, whose transaction sends BEGIN and both statements at once: for programs that need nothing of the first one's answer",
  "mariadb-objects": "`mariadb` with rows as objects, where many are read",
  "sql-mysql2":
    "`@effect/sql-mysql2`: tagged templates, `withTransaction`, `sql.insert` of 5,000 rows, streams by chunks",
  kysely: "Kysely on a pool of mysql2: queries are built each time",
  drizzle: "Drizzle on a pool of mysql2: prepared queries where it has them",
  aiomysql: "aiomysql in Python: a pool and cursors, `executemany`, `SSCursor` for the stream",
  "aiomysql-sa":
    "aiomysql.sa in Python: tables of SQLAlchemy 1.4 with a cache of compiled statements; it cannot stream",
  sysbench:
    "the limit: a client in C, a thread and a prepared statement for each operation under way; rows are not looked at"
}

export const contenderNames = Object.keys(contenders)

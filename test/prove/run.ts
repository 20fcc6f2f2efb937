// `npm run prove`: runs every trap on a system that has the fault. There it must be red: a trap that stays green on the
// fault would also be green on this package if that had it, and proves nothing. The tests run the same traps on this package.
// EFFECT_SA_TEST_MARIADB_URL=mysql://… uses a server that is there; else a private MariaDB is started as the tests do.
import { Cause, Effect, Exit, Logger, LogLevel, Option, Scope } from "effect"
import { aiomysqlPool } from "../mutants/AiomysqlPool.js"
import { aiomysqlRows, aiomysqlTables, devsetgoOperations } from "../mutants/AiomysqlSa.js"
import { aiomysqlTransactions } from "../mutants/AiomysqlTransactions.js"
import { clumsyClient } from "../mutants/ClumsyClient.js"
import { eagerClient } from "../mutants/EagerClient.js"
import { naivePool } from "../mutants/NaivePool.js"
import { oneTableOfErrors } from "../mutants/OneTableOfErrors.js"
import { type OwnServer, startMariadb, startOwnMariadb } from "../support/servers/mariadb.js"
import { clientTraps, mariadbTraps, pipeliningTraps } from "../traps/client.js"
import { clumsyTraps, faultTraps, mariadbFaultTraps, optionTraps } from "../traps/faults.js"
import { errorTraps } from "../traps/errors.js"
import { crashTraps } from "../traps/crash.js"
import { leaseTraps } from "../traps/leases.js"
import { loadTraps } from "../traps/load.js"
import { aiomysqlPoolTraps, effectPoolTraps } from "../traps/pool.js"
import { poolingTraps } from "../traps/pooling.js"
import { compilerTraps, queryTraps } from "../traps/queries.js"
import { sqliteTraps, writersTraps } from "../traps/sqlite.js"
import { operationsTraps, rowsTraps, tableTraps } from "../traps/tables.js"
import { transactionTraps } from "../traps/transactions.js"
import { Fell, told, type Trap } from "../traps/Trap.js"
import {
  effectPool,
  kyselyItself,
  libsql,
  libsqlWriters,
  mysql2Loading,
  mysql2Pool,
  sqlCompilers,
  sqlMysql2,
  sqlMysql2Options
} from "./subjects.js"

/** How long a trap may take. Each has shorter limits of its own for what it looks at. */
const limit = "8 seconds"

/** Traps that these versions do not fall into, though earlier ones did or were said to: kept for this package's sake. */
const notSeen: ReadonlySet<string> = new Set([
  "@effect/sql-mysql2: bytes as parameters arrive as they are, or are refused, whichever way the statement goes",
  "@effect/sql-mysql2: JSON is read as what it says, also where it is a text with a type beside it"
])

interface Outcome {
  readonly trap: string
  readonly what: string
  readonly verdict: "red" | "GREEN (proves nothing)" | "BROKEN (not the trap)" | "not seen"
  readonly seen: string
}

/** Runs one trap; what it leaves behind may be as stuck as the fault makes it, and is not waited for. */
const prove = <Subject>(system: string, subject: Subject, { id, title, run }: Trap<Subject>): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const exit = yield* run(subject).pipe(
      Scope.extend(scope),
      Effect.disconnect,
      Effect.timeoutOption(limit),
      Effect.exit
    )
    yield* Effect.ignore(Effect.timeoutOption(Effect.disconnect(Scope.close(scope, Exit.void)), "1 seconds"))
    const outcome = { trap: id, what: `${system}: ${title}` }
    if (Exit.isSuccess(exit)) {
      if (Option.isNone(exit.value))
        return { ...outcome, verdict: "BROKEN (not the trap)", seen: `no verdict within ${limit}` }
      return notSeen.has(outcome.what)
        ? { ...outcome, verdict: "not seen", seen: "nothing: this version does not have the fault" }
        : { ...outcome, verdict: "GREEN (proves nothing)", seen: "nothing: it passed" }
    }
    const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
    return failure instanceof Fell
      ? { ...outcome, verdict: "red", seen: failure.message }
      : { ...outcome, verdict: "BROKEN (not the trap)", seen: told(exit) }
  })

const proveAll = (url: string, own: OwnServer): Effect.Effect<ReadonlyArray<Outcome>> => {
  const each = <Subject>(system: string, subject: Subject, traps: ReadonlyArray<Trap<Subject>>) =>
    traps.map((trap) => prove(system, subject, trap))
  return Effect.all([
    ...each("effect/Pool", effectPool, effectPoolTraps),
    ...each("aiomysql's pool (a mutant)", aiomysqlPool, aiomysqlPoolTraps),
    ...each("a naive pool (a mutant)", naivePool, leaseTraps),
    ...each("@effect/sql-mysql2", { ...sqlMysql2, url }, [...clientTraps, ...mariadbTraps]),
    ...each("@effect/sql-mysql2", { ...sqlMysql2, url }, [...faultTraps, ...mariadbFaultTraps]),
    ...each("@effect/sql-mysql2", { ...sqlMysql2Options, url }, optionTraps),
    ...each("@effect/sql-mysql2", sqlCompilers, compilerTraps),
    ...each("a clumsy client (a mutant)", { ...clumsyClient, url }, clumsyTraps),
    ...each(
      "a server with innodb_flush_log_at_trx_commit=0",
      { server: () => own, settings: ["SET GLOBAL innodb_flush_log_at_trx_commit = 0"] },
      crashTraps
    ),
    ...each("MySQL's table of errors for all (a mutant)", { ...oneTableOfErrors, url }, errorTraps),
    ...each("mysql2's pool", { ...mysql2Pool, url }, poolingTraps),
    ...each("mysql2", { ...mysql2Loading, url }, loadTraps),
    ...each("a client that pipelines BEGIN (a mutant)", { ...eagerClient, url }, pipeliningTraps),
    ...each("libsql", libsql, sqliteTraps),
    ...each("libsql", libsqlWriters, writersTraps),
    ...each("Kysely", kyselyItself, queryTraps),
    ...each("aiomysql.sa's rows (a mutant)", aiomysqlRows, rowsTraps),
    ...each("aiomysql.sa's tables (a mutant)", aiomysqlTables, tableTraps),
    ...each("aiomysql.sa's transactions (a mutant)", { ...aiomysqlTransactions, url }, transactionTraps),
    ...each("devsetgo_lib's operations (a mutant)", devsetgoOperations, operationsTraps)
  ])
}

const print = (outcomes: ReadonlyArray<Outcome>): void => {
  const rows = [
    ["trap", "what was run", "verdict", "what was seen"],
    ...outcomes.map(({ trap, what, verdict, seen }) => [trap, what, verdict, seen])
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of rows) {
    process.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")}\n`)
  }
}

const main = async (): Promise<number> => {
  const server = await startMariadb()
  const own = await startOwnMariadb()
  try {
    const outcomes = await Effect.runPromise(proveAll(server.url, own).pipe(Logger.withMinimumLogLevel(LogLevel.None)))
    print(outcomes)
    const passed = outcomes.filter(({ verdict }) => verdict === "red").length
    const failed = outcomes.length - passed - outcomes.filter(({ verdict }) => verdict === "not seen").length
    process.stdout.write(`${passed} passed, ${failed} failed\n`)
    return failed === 0 && passed > 0 ? 0 : 1
  } finally {
    await Promise.all([server.stop(), own.stop()])
  }
}

// What fell may leave fibers and sockets that never end.
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n0 passed, 1 failed\n`)
    process.exit(1)
  }
)

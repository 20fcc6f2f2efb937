// `npm run soak`: moves money between accounts while everything goes wrong, and then counts. `-- --seconds N` (60),
// `--server mariadb|mysql` (both, one after the other), `--seed S` for the choices by chance of an earlier run. It starts
// servers of its own, and ends with 1 when anything was lost, done twice, left open, or failed without a type.
import { randomInt } from "node:crypto"
import { cpus, totalmem } from "node:os"
import { parseArgs } from "node:util"
import { Cause, Effect, Exit, Fiber, Logger, LogLevel, Option, Random } from "effect"
import { Engine } from "effect-sa"
import { proxy } from "../support/Proxy.js"
import { type OwnServer, startOwnMariadb } from "../support/servers/mariadb.js"
import { startOwnMysql } from "../support/servers/mysql.js"
import { chaos, type Done, deeds, nothingDone } from "./Chaos.js"
import { accounts, Ledger } from "./Ledger.js"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    server: { type: "string" },
    seed: { type: "string" }
  }
})

const wrong = (what: string): never => {
  process.stderr.write(`${what}\n`)
  return process.exit(2)
}

const whole = (name: string, value: string): number =>
  /^\d+$/.test(value) ? Number(value) : wrong(`--${name} must be a whole number, and is ${value}`)

const starts: Readonly<Record<string, () => Promise<OwnServer>>> = { mariadb: startOwnMariadb, mysql: startOwnMysql }

const seconds = whole("seconds", values.seconds)
const seed = values.seed === undefined ? randomInt(2 ** 32) : whole("seed", values.seed)
const chosen = Object.entries(starts).filter(([name]) => values.server === undefined || values.server === name)
if (chosen.length === 0) wrong(`--server must be one of ${Object.keys(starts).join(" and ")}, and is ${values.server}`)

const fibers = 32
const connections = 16

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Where a terminal shows it each line takes the place of the one before. */
const progress = (line: string): void => {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${line}` : `${line}\n`)
}

/** What must become so soon after the end. */
const soon = <E>(so: Effect.Effect<boolean, E>): Effect.Effect<boolean, E> =>
  so.pipe(
    Effect.delay("10 millis"),
    Effect.repeat({ until: (is) => is }),
    Effect.timeoutTo({ duration: "3 seconds", onSuccess: () => true, onTimeout: () => false })
  )

const count = (admin: Engine.Engine, sql: string) =>
  Effect.map(admin.scalar(sql), (value) => Number(Option.getOrNull(value)))

/** Everybody that is connected but for who asks, and for the server itself. */
const others =
  "SELECT count(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER NOT IN ('system user', 'event_scheduler')"
const transactions = "SELECT count(*) FROM information_schema.INNODB_TRX"

/** The engine is whole: nothing lent, nobody waiting, and every connection of it does its work. */
const checkEngine = (engine: Engine.Engine, violations: Array<string>) =>
  Effect.gen(function* () {
    const isAtRest = yield* soon(
      Effect.map(engine.pool.numbers, ({ used, waiting, opening }) => used + waiting + opening === 0)
    )
    if (!isAtRest) violations.push(`the pool is not at rest: ${JSON.stringify(yield* engine.pool.numbers)}`)
    const working = yield* Effect.exit(
      Effect.scoped(
        Effect.flatMap(Effect.all(Array.from({ length: connections }, () => engine.acquire)), (lent) =>
          Effect.forEach(lent, (connection) => connection.execute("SELECT 1"))
        )
      )
    )
    if (Exit.isFailure(working)) violations.push(`a connection does not work: ${Cause.pretty(working.cause)}`)
  })

const run = (name: string, server: OwnServer) =>
  Effect.gen(function* () {
    const admin = yield* Engine.make({ url: server.url, maxSize: 2 })
    const version = Option.getOrElse(yield* admin.scalar("SELECT version()"), () => "?")
    yield* Ledger.setUp(admin)
    const through = yield* proxy(server.url)
    const done: Done = nothingDone()
    const begun = performance.now()
    const ledger = yield* Effect.scoped(
      Effect.gen(function* () {
        const engine = yield* Engine.make({
          url: through.url,
          maxSize: connections,
          acquireTimeout: "20 seconds",
          connectTimeout: "2 seconds",
          endTimeout: "2 seconds"
        })
        const ledger = new Ledger(engine)
        const workers = yield* Effect.forEach(Array.from({ length: fibers }), () => Effect.fork(ledger.work))
        const auditor = yield* Effect.fork(ledger.audit)
        const wrecker = yield* Effect.fork(chaos({ server, proxy: through, admin, secondsBetweenRestarts: 10 }, done))
        const report = Effect.gen(function* () {
          const { used, idle, waiting } = yield* engine.pool.numbers
          const { acknowledged, refused, unknown, interrupted } = ledger.counts.outcomes
          const wreckage = Object.values(done).reduce((sum, times) => sum + times, 0)
          progress(
            `${name} ${((performance.now() - begun) / 1_000).toFixed(0)} s: ${acknowledged} acknowledged, ${refused} refused, ${unknown} unknown, ${interrupted} interrupted; ${wreckage} faults, ${done["restart with kill -9"]} restarts; ${used} used, ${idle} idle, ${waiting} waiting; ${ledger.violations.length} violations`
          )
        })
        const reporter = yield* Effect.fork(Effect.forever(Effect.delay(report, "1 seconds")))
        yield* Effect.sleep(`${seconds} seconds`)
        yield* Fiber.interrupt(wrecker)
        yield* ledger.stop
        yield* Fiber.joinAll([...workers, auditor])
        yield* Fiber.interrupt(reporter)
        if (process.stderr.isTTY) process.stderr.write("\n")
        yield* checkEngine(engine, ledger.violations)
        return ledger
      })
    )
    const { violations } = ledger
    if (!(yield* soon(Effect.map(count(admin, others), (open) => open === 0))))
      violations.push(`${yield* count(admin, others)} connections are left on the server`)
    if (!(yield* soon(Effect.map(count(admin, transactions), (open) => open === 0))))
      violations.push(`${yield* count(admin, transactions)} transactions are left on the server`)
    const found = yield* ledger.verify(admin)
    return { version, done, ledger, found, took: (performance.now() - begun) / 1_000 }
  })

type Report = Effect.Effect.Success<ReturnType<typeof run>>

const table = (name: string, { version, done, ledger, found, took }: Report): void => {
  const { outcomes, kinds, refusals, slowest, audits } = ledger.counts
  const row = (label: string, value: number | string): void => print(`${String(value).padStart(12)}  ${label}`)
  const attempts = Object.values(outcomes).reduce((sum, times) => sum + times, 0)
  print("")
  print(`${name} ${version}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, seed ${seed}`)
  row("seconds", took.toFixed(1))
  row(`transfers tried, by ${fibers} fibers on ${connections} connections between ${accounts} accounts`, attempts)
  for (const [kind, times] of Object.entries(kinds)) row(`  ${kind}`, times)
  row("acknowledged", outcomes.acknowledged)
  row("refused", outcomes.refused)
  for (const [reason, times] of [...refusals].sort((a, b) => b[1] - a[1])) row(`  ${reason}`, times)
  row(`unknown (CommitUnknown), of which made: ${found.unknownMade}`, outcomes.unknown)
  row("interrupted while they were being ended", outcomes.interrupted)
  row("transfers in the table", found.rows)
  row("times that the sum was read meanwhile", audits)
  row("milliseconds that the slowest took", slowest.toFixed(0))
  for (const deed of deeds) row(deed, done[deed])
  row("violations", ledger.violations.length)
  for (const violation of ledger.violations.slice(0, 30)) print(`  ${violation}`)
}

const soak = async (name: string, start: () => Promise<OwnServer>): Promise<boolean> => {
  const server = await start()
  try {
    const exit = await Effect.runPromiseExit(
      Effect.scoped(run(name, server)).pipe(
        Effect.withRandom(Random.make(seed)),
        // That opening a connection failed and is tried again is what is wanted here.
        Logger.withMinimumLogLevel(LogLevel.Error)
      )
    )
    if (Exit.isFailure(exit)) {
      print(`${name}: ${Cause.pretty(exit.cause)}`)
      return false
    }
    table(name, exit.value)
    return exit.value.ledger.violations.length === 0 && exit.value.ledger.counts.outcomes.acknowledged > 0
  } finally {
    await server.stop()
  }
}

print(`seed ${seed}, ${seconds} seconds on each of ${chosen.map(([name]) => name).join(" and ")}`)
let isSound = true
for (const [name, start] of chosen) isSound = (await soak(name, start)) && isSound
process.exitCode = isSound ? 0 : 1

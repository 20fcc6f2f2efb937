// What telemetry adds to a statement: of a driver that answers at once, so that nothing else is measured, and of embedded
// SQLite, so that it can be seen beside what a statement costs. npm run bench:telemetry
import { Effect, Metric, Runtime, Scope, Tracer } from "effect"
import { Engine, type Options } from "effect-sa"
import { type Driver, type DriverConnection, emptyResult, type Request } from "../src/Driver.js"
import { lexicon } from "../src/mysql/MysqlDialect.js"
import { observing, type TelemetrySettings } from "../src/Telemetry.js"
import { defaultValueOptions } from "../src/Value.js"

const rounds = 5_000
const runs = 61

/** Spans that are made, and kept by nobody: what an exporter costs is its own. */
const listening = Tracer.make({
  span: (name, parent, context, links, startTime, kind) => {
    const attributes = new Map<string, unknown>()
    return {
      _tag: "Span",
      name,
      spanId: "0000000000000001",
      traceId: "00000000000000000000000000000001",
      parent,
      context,
      links,
      kind,
      attributes,
      status: { _tag: "Started", startTime },
      sampled: true,
      attribute: (key, value) => {
        attributes.set(key, value)
      },
      event: () => {},
      addLinks: () => {},
      end: () => {}
    }
  },
  context: (run) => run()
})

const none: TelemetrySettings = { spans: false, metrics: false, slowStatement: 0, poolName: undefined }

const ways: ReadonlyArray<readonly [name: string, telemetry: TelemetrySettings, isTraced: boolean]> = [
  ["off", none, false],
  ["by default, nobody listens", { ...none, spans: true }, false],
  ["slowStatement", { ...none, spans: true, slowStatement: 1_000 }, false],
  ["metrics", { ...none, spans: true, metrics: true }, false],
  ["a tracer listens", { ...none, spans: true }, true],
  ["a tracer listens, and metrics", { ...none, spans: true, metrics: true }, true]
]

// ---------------------------------------------------------------------------------------------------------------------
// a driver that answers at once

const answer = Effect.succeed(emptyResult)
const nothing = Effect.void

const instant: DriverConnection = {
  id: "1",
  server: { product: "MariaDB", version: "10.11" },
  status: () => ({ inTransaction: false, autocommit: true, changed: false }),
  waitingFor: () => 0,
  lastAnswerAt: () => 0,
  isBusy: () => false,
  closed: () => undefined,
  isRetired: () => false,
  execute: () => answer,
  executeMany: () => answer,
  stream: () => Effect.never,
  selectDatabase: () => nothing,
  warnings: Effect.succeed([]),
  ping: () => nothing,
  reset: () => nothing,
  destroy: () => {}
}

const driver: Driver = { name: "instant", connect: Effect.succeed(instant) }

const database = {
  lexicon,
  address: "db.internal:3306/shop",
  namespace: "shop",
  server: { address: "db.internal", port: 3306 }
}

const request: Request = {
  sql: "SELECT id, name, email, age, created FROM person WHERE id = ?",
  parameters: [1],
  values: defaultValueOptions,
  timeout: 0,
  before: [],
  shared: false
}

/** Nanoseconds for one, of each, the best of many runs that take turns: what else the machine does is no part of it. */
const measured = (runOf: ReadonlyArray<() => void>, rounds: number): ReadonlyArray<number> => {
  const best = runOf.map(() => Number.POSITIVE_INFINITY)
  for (let i = 0; i < runs; i++) {
    runOf.forEach((run, place) => {
      const start = performance.now()
      run()
      best[place] = Math.min(best[place]!, ((performance.now() - start) / rounds) * 1e6)
    })
  }
  return best
}

/** One fiber that executes a statement again and again. */
const again = <A, E, R>(one: Effect.Effect<A, E, R>, rounds: number): Effect.Effect<void, E, R> =>
  Effect.asVoid(Effect.repeatN(one, rounds - 1))

const scope = Effect.runSync(Scope.make())

const ofInstant = ways.map(([, settings, isTraced]) => {
  const isOff = !settings.spans && !settings.metrics && settings.slowStatement === 0
  const { connect } = isOff ? driver : observing(driver, settings, database)
  const connection = Effect.runSync(Scope.extend(connect, scope))
  const statement = again(
    Effect.suspend(() => connection.execute(request)),
    rounds
  )
  return () => Effect.runSync(isTraced ? Effect.withTracer(statement, listening) : statement)
})

// ---------------------------------------------------------------------------------------------------------------------
// embedded SQLite, by an engine

const engineRounds = 500

const program = Effect.gen(function* () {
  const runtime = yield* Effect.runtime<never>()
  const engines = yield* Effect.forEach(ways, ([, { poolName: _, ...telemetry }, isTraced]) =>
    Effect.map(Engine.make({ telemetry } satisfies Options.Options), (engine) => {
      const statement = again(engine.execute("SELECT 1 AS one, ? AS two", [2]), engineRounds)
      return () => void Runtime.runSync(runtime)(isTraced ? Effect.withTracer(statement, listening) : statement)
    })
  )
  return measured(engines, engineRounds)
})

const print = (title: string, times: ReadonlyArray<number>): void => {
  process.stdout.write(`${title}\n`)
  const [off = Number.NaN] = times
  ways.forEach(([name], place) => {
    const time = times[place] ?? Number.NaN
    process.stdout.write(
      `  ${name.padEnd(32)} ${time.toFixed(0).padStart(7)} ns  +${(time - off).toFixed(0).padStart(5)} ns  ×${(time / off).toFixed(2)}\n`
    )
  })
}

print(`a driver that answers at once, the best of ${runs} runs of ${rounds}`, measured(ofInstant, rounds))
print(
  `an engine on SQLite in memory, the best of ${runs} runs of ${engineRounds}`,
  await Effect.runPromise(Effect.scoped(Effect.orDie(program)))
)

// What the metrics were updated for can be seen: a measurement of nothing would show none.
const noted = Effect.runSync(Metric.snapshot).filter(
  ({ metricKey }) => metricKey.name === "db.client.operation.duration"
)
process.exitCode = noted.length > 0 ? 0 : 1

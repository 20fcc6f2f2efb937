// Cases for telemetry: the spans of statements, metrics of statements and pools, and the log of slow statements.
import { SqlClient as Sql } from "@effect/sql"
import { describe, expect, it } from "@effect/vitest"
import {
  Deferred,
  Effect,
  Exit,
  Fiber,
  HashMap,
  Layer,
  Logger,
  Metric,
  type MetricPair,
  MetricState,
  Stream
} from "effect"
import { Connection, Cursor, Engine, type Errors, type Options } from "effect-sa"
import * as SqlClient from "effect-sa/SqlClient"
import { type Backend, table, tableName } from "../support/Backend.js"
import { endOf, listening, saidBy, type SeenSpan } from "../support/tracing.js"

const engineWith = (backend: Backend, telemetry: Options.TelemetryOptions | undefined, options: Options.Options = {}) =>
  Engine.layer({ url: backend.url, ...(telemetry === undefined ? {} : { telemetry }), ...options })

/** The spans of what runs, with an engine that is made where nobody listens. */
const spansOf = <A, E>(
  backend: Backend,
  body: Effect.Effect<A, E, Engine.Engine>,
  options: Options.Options = {}
): Effect.Effect<ReadonlyArray<SeenSpan>, E | Errors.ConnectError | Errors.ArgumentError> =>
  Effect.suspend(() => {
    const { spans, tracer } = listening()
    return Effect.as(Effect.provide(Effect.withTracer(body, tracer), engineWith(backend, undefined, options)), spans)
  })

const named = (spans: ReadonlyArray<SeenSpan>): ReadonlyArray<string> => spans.map(({ name }) => name)

const attribute = (span: SeenSpan | undefined, name: string): unknown => span?.attributes.get(name)

/** Takes as long as it is let, on servers. */
const endless = "SELECT SLEEP(20)"

/** Takes about 30 ms. */
const slow = (backend: Backend): string =>
  backend.isServer
    ? "SELECT SLEEP(0.4), 'secret'"
    : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT COUNT(*), 'secret' FROM n"

const rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i FROM n"

// ---------------------------------------------------------------------------------------------------------------------
// metrics, of a registry that the whole process has

type Label = readonly [string, string]

const metrics = (
  name: string,
  ...labels: ReadonlyArray<Label>
): Effect.Effect<ReadonlyArray<MetricPair.MetricPair.Untyped>> =>
  Effect.map(Metric.snapshot, (all) =>
    all.filter(
      ({ metricKey }) =>
        metricKey.name === name &&
        labels.every(([key, value]) => metricKey.tags.some((tag) => tag.key === key && tag.value === value))
    )
  )

const only = (name: string, ...labels: ReadonlyArray<Label>) =>
  Effect.map(metrics(name, ...labels), (found) => {
    expect([name, found.length]).toEqual([name, 1])
    return found[0]!
  })

const counted = (name: string, ...labels: ReadonlyArray<Label>): Effect.Effect<number | bigint> =>
  Effect.map(only(name, ...labels), ({ metricState }) =>
    MetricState.isCounterState(metricState) ? metricState.count : Number.NaN
  )

interface Measured {
  readonly count: number
  readonly sum: number
  readonly max: number
}

const measured = (name: string, ...labels: ReadonlyArray<Label>): Effect.Effect<Measured> =>
  Effect.map(only(name, ...labels), ({ metricState }) =>
    MetricState.isHistogramState(metricState) ? metricState : { count: Number.NaN, sum: Number.NaN, max: Number.NaN }
  )

const tagsOf = ({ metricKey }: MetricPair.MetricPair.Untyped): Record<string, string> =>
  Object.fromEntries(metricKey.tags.map(({ key, value }) => [key, value]))

/** What has just come back is there again a moment later. */
const untilIdle = Effect.flatMap(Engine.Engine, ({ pool }) =>
  Effect.repeat(Effect.delay(pool.numbers, "2 millis"), {
    until: ({ used, opening }) => used + opening === 0,
    times: 500
  })
)

// ---------------------------------------------------------------------------------------------------------------------
// logs

const withLog = <A, E>(
  backend: Backend,
  telemetry: Options.TelemetryOptions,
  body: Effect.Effect<A, E, Engine.Engine>
): Effect.Effect<ReadonlyArray<{ readonly message: string; readonly about: Record<string, unknown> }>, unknown> =>
  Effect.suspend(() => {
    const lines: Array<{ readonly message: string; readonly about: Record<string, unknown> }> = []
    const logger = Logger.make(({ logLevel, message, annotations }) => {
      if (logLevel.label === "WARN")
        lines.push({ message: String(message), about: Object.fromEntries(HashMap.toEntries(annotations)) })
    })
    return body.pipe(
      Effect.provide(engineWith(backend, telemetry, backend.isServer ? { warnings: "ignore" } : {})),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Effect.as(lines)
    )
  })

// ---------------------------------------------------------------------------------------------------------------------

export const telemetryContract = (backend: Backend): void => {
  const onServer = backend.isServer ? new URL(backend.url) : undefined
  const namespace = onServer === undefined ? ":memory:" : onServer.pathname.slice(1)
  const system = backend.name

  describe(`spans on ${backend.name}`, () => {
    it.live("are of the convention: a client's, named by a summary, with where the database is", () =>
      Effect.gen(function* () {
        const spans = yield* spansOf(
          backend,
          Effect.scoped(
            Effect.gen(function* () {
              const t = yield* table("id INTEGER, name VARCHAR(20)", tableName("span"))
              yield* Engine.execute(`SELECT name FROM ${t} WHERE id IN (1, 2) AND name <> ?`, ["Ada"])
            })
          )
        )
        const [create, select, drop] = spans
        const t = String(attribute(select, "db.query.summary")).slice("SELECT ".length)
        expect(named(spans)).toEqual([`CREATE TABLE ${t}`, `SELECT ${t}`, `DROP TABLE ${t}`])
        expect([create, select, drop].map((span) => span && endOf(span))).toEqual(["success", "success", "success"])
        expect(select?.kind).toBe("client")
        expect(Object.fromEntries(select?.attributes ?? [])).toEqual({
          "db.system.name": system,
          "db.namespace": namespace,
          "db.operation.name": "SELECT",
          "db.query.summary": `SELECT ${t}`,
          "db.query.text": `SELECT name FROM ${t} WHERE id IN (?) AND name <> ?`,
          ...(onServer === undefined
            ? {}
            : { "server.address": onServer.hostname, "server.port": Number(onServer.port || 3306) })
        })
      })
    )

    it.live("stand in the span that the fiber is in", () =>
      Effect.gen(function* () {
        const spans = yield* spansOf(
          backend,
          Effect.withSpan(
            Effect.zipRight(Engine.execute("SELECT 1"), Engine.transaction(Engine.execute("SELECT 2"))),
            "request"
          )
        )
        const ofStatements = spans.filter(({ name }) => name !== "request")
        expect(ofStatements.length).toBeGreaterThan(2)
        expect([...new Set(ofStatements.map(({ parent }) => parent))]).toEqual(["request"])
      })
    )

    it.live("of a transaction tell of its end, and of its beginning where that has a way of its own", () =>
      Effect.gen(function* () {
        const spans = yield* spansOf(
          backend,
          Effect.scoped(
            Effect.gen(function* () {
              const t = yield* table("id INTEGER", tableName("span"))
              yield* Engine.transaction(Engine.execute(`INSERT INTO ${t} VALUES (1)`))
              yield* Effect.exit(
                Engine.transaction(Effect.zipRight(Engine.execute(`INSERT INTO ${t} VALUES (2)`), Effect.fail("no")))
              )
              yield* Engine.transaction(Engine.transaction(Engine.execute(`SELECT id FROM ${t}`)))
            })
          )
        )
        const operations = spans.map((span) => attribute(span, "db.operation.name"))
        expect(operations.filter((each) => each === "COMMIT" || each === "ROLLBACK")).toEqual([
          "COMMIT",
          "ROLLBACK",
          "COMMIT"
        ])
        expect(operations).toContain("RELEASE")
        // BEGIN is a statement of its own, or travels with the first.
        const texts = spans.map((span) => String(attribute(span, "db.query.text")))
        expect(texts.filter((text) => /^BEGIN/.test(text)).length).toBe(3)
        expect(texts.filter((text) => /effect_sa|SAVEPOINT/.test(text)).length).toBeGreaterThan(0)
      })
    )

    it.live("of several sets of parameters are of a batch", () =>
      Effect.gen(function* () {
        const spans = yield* spansOf(
          backend,
          Effect.scoped(
            Effect.gen(function* () {
              const t = yield* table("id INTEGER", tableName("span"))
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, [[1], [2], [3]])
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, [[4]])
            })
          )
        )
        const inserts = spans.filter(({ name }) => name.includes("INSERT"))
        expect(inserts.map((span) => attribute(span, "db.operation.name"))).toEqual(["BATCH INSERT", "INSERT"])
        expect(inserts.map(({ name }) => name.replace(/ span_.*/, ""))).toEqual(["BATCH INSERT", "INSERT"])
        expect(inserts.map((span) => attribute(span, "db.operation.batch.size"))).toEqual([3, undefined])
      })
    )

    it.live("of what fails have the database's number, and no part of the text in what it failed with", () =>
      Effect.gen(function* () {
        const spans = yield* spansOf(
          backend,
          Effect.gen(function* () {
            yield* Effect.exit(Engine.execute("SELECT * FROM no_such_table"))
            yield* Effect.exit(Engine.execute("SELECT SELECT 'secret' ?", ["private"]))
          })
        )
        const number = { mariadb: ["1146", "1064"], mysql: ["1146", "1064"], sqlite: ["1", "1"] }[backend.name]
        expect(spans.map(endOf)).toEqual(["failure", "failure"])
        expect(spans.map((span) => attribute(span, "db.response.status_code"))).toEqual(number)
        expect(spans.map((span) => attribute(span, "error.type"))).toEqual(number)
        expect(saidBy(spans[1]!)).toContain("ProgrammingError Syntax")
        expect(saidBy(spans[1]!)).not.toMatch(/secret|private/)
      })
    )

    it.live("have no value in anything that they say, neither of parameters nor of texts nor of rows", () =>
      Effect.gen(function* () {
        const spans = yield* spansOf(
          backend,
          Effect.scoped(
            Effect.gen(function* () {
              const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(20)", tableName("span"))
              yield* Engine.execute(`INSERT INTO ${t} VALUES (7123471, 'secret')`)
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [7123472, "secret"])
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [
                [7123473, "secret"],
                [7123474, "secret"]
              ])
              yield* Engine.execute(`SELECT name FROM ${t} WHERE name = 'secret' AND id = 7123471`)
              yield* Effect.exit(Engine.execute(`INSERT INTO ${t} VALUES (7123471, 'secret')`))
              yield* Effect.exit(Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [7123472, "secret"]))
              yield* Stream.runDrain(Engine.stream(`SELECT name FROM ${t} WHERE name = 'secret' AND id > ?`, [7123471]))
            })
          )
        )
        expect(spans.length).toBe(9)
        expect(spans.map(saidBy).filter((said) => /secret|712347[1-4]/.test(said))).toEqual([])
      })
    )

    it.live("end when a stream has given its last row, when it is closed before, and when it fails", () =>
      Effect.gen(function* () {
        const open: Array<string> = []
        const { spans, tracer } = listening()
        const look = Effect.sync(() =>
          open.push(...spans.filter((span) => endOf(span) === "open").map(({ name }) => name))
        )
        yield* Effect.gen(function* () {
          yield* Stream.runForEach(Stream.take(Engine.stream(rows), 2), () => look)
          expect(spans.map(endOf)).toEqual(["success"])
          expect(yield* Stream.runCount(Engine.stream(rows))).toBe(900)
          yield* Effect.exit(Stream.runDrain(Engine.stream("SELECT * FROM no_such_table")))
        }).pipe(Effect.withTracer(tracer), Effect.provide(engineWith(backend, undefined)))
        expect(open).toEqual(["SELECT SELECT SELECT", "SELECT SELECT SELECT"])
        expect(spans.map(endOf)).toEqual(["success", "success", "failure"])
        expect(spans.map((span) => attribute(span, "ended twice"))).toEqual([undefined, undefined, undefined])
      })
    )

    if (backend.isServer)
      it.live("of what is interrupted end as that, and not as an error", () =>
        Effect.gen(function* () {
          const spans = yield* spansOf(
            backend,
            Effect.gen(function* () {
              yield* Engine.execute("SELECT 1")
              const fiber = yield* Effect.fork(Engine.execute(endless))
              yield* Effect.sleep("50 millis")
              expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
            })
          )
          expect(spans.map(endOf)).toEqual(["success", "interrupted"])
          expect(attribute(spans[1], "error.type")).toBeUndefined()
        })
      )

    it.live("are made by a connection without a pool, and by its cursor", () =>
      Effect.gen(function* () {
        const { spans, tracer } = listening()
        yield* Effect.withTracer(
          Effect.scoped(
            Effect.gen(function* () {
              const connection = yield* Connection.make({ url: backend.url })
              const cursor = yield* Cursor.make(connection)
              yield* cursor.execute("SELECT 1 + ?", [1])
            })
          ),
          tracer
        )
        expect(named(spans)).toEqual(["SELECT"])
        expect(attribute(spans[0], "db.query.text")).toBe("SELECT ? + ?")
      })
    )

    it.live("are not made where only Effect's own tracer is, with `spans: false`, or where tracing is off", () =>
      Effect.gen(function* () {
        // Nobody can look into Effect's own tracer, but a span that was made would be seen by what it is made with.
        let made = 0
        const counting = Effect.withClock(
          Engine.execute("SELECT 1"),
          new Proxy(yield* Effect.clock, {
            get: (clock, name, receiver) => {
              const stack = new Error().stack ?? ""
              if (name === "unsafeCurrentTimeNanos" && /unsafeMakeSpan|makeSpan/.test(stack)) made++
              return Reflect.get(clock, name, receiver)
            }
          })
        )
        const { spans, tracer } = listening()
        yield* Effect.gen(function* () {
          yield* counting
          expect(made).toBe(0)
          yield* Effect.withTracerEnabled(Effect.withTracer(Engine.execute("SELECT 1"), tracer), false)
          expect(spans).toHaveLength(0)
          // It would have been seen.
          yield* Effect.withTracer(counting, tracer)
          expect([made, spans.length]).toEqual([1, 1])
        }).pipe(Effect.provide(engineWith(backend, undefined)))
        yield* Effect.provide(
          Effect.withTracer(Engine.execute("SELECT 1"), tracer),
          engineWith(backend, { spans: false })
        )
        expect(spans).toHaveLength(1)
      })
    )

    it.live("of a client for `@effect/sql` are its own, and those of the engine for all else", () =>
      Effect.gen(function* () {
        const { spans, tracer } = listening()
        const program = Effect.gen(function* () {
          const sql = yield* Sql.SqlClient
          yield* sql`SELECT ${1} AS one`
          yield* sql.withTransaction(Effect.zipRight(Engine.execute("SELECT 2"), sql`SELECT ${3} AS three`))
          yield* Stream.runDrain(sql`SELECT ${4} AS four`.stream)
          yield* Engine.execute("SELECT 5")
        })
        yield* Effect.withTracer(program, tracer).pipe(
          Effect.provide(SqlClient.layerFromEngine().pipe(Layer.provideMerge(engineWith(backend, undefined))))
        )
        expect(spans.map(({ name, parent }) => [name, parent])).toEqual([
          ["sql.execute", undefined],
          ["sql.transaction", undefined],
          ["SELECT", "sql.transaction"],
          ["sql.execute", "sql.transaction"],
          ["sql.execute", undefined],
          ["SELECT", undefined]
        ])
        expect(spans.map(endOf)).toEqual(spans.map(() => "success"))
      })
    )

    it.live("carry the annotations that the fiber has for its spans", () =>
      Effect.gen(function* () {
        const spans = yield* spansOf(backend, Effect.annotateSpans(Engine.execute("SELECT 1"), "tenant", "blue"))
        expect(attribute(spans[0], "tenant")).toBe("blue")
      })
    )
  })

  describe(`metrics on ${backend.name}`, () => {
    it.live("have how long operations take, by operation and by what they failed with", () =>
      Effect.gen(function* () {
        const run = tableName("run")
        yield* Effect.gen(function* () {
          yield* Engine.execute(slow(backend))
          yield* Engine.execute("SELECT 1")
          yield* Effect.exit(Engine.execute("SELECT * FROM no_such_table"))
          yield* Stream.runDrain(Engine.stream(rows))
          yield* Engine.transaction(Engine.execute("SELECT 2"))
        }).pipe(Effect.tagMetrics("run", run), Effect.provide(engineWith(backend, { metrics: true })))
        const name = "db.client.operation.duration"
        const selects = yield* metrics(name, ["run", run], ["db.operation.name", "SELECT"])
        const [succeeded] = selects.filter((each) => tagsOf(each)["error.type"] === undefined)
        const [failed] = selects.filter((each) => tagsOf(each)["error.type"] !== undefined)
        expect(selects).toHaveLength(2)
        const status = backend.isServer ? "1146" : "1"
        const everywhere = {
          run,
          unit: "s",
          "db.system.name": system,
          "db.namespace": namespace,
          "db.operation.name": "SELECT",
          ...(onServer === undefined
            ? {}
            : { "server.address": onServer.hostname, "server.port": onServer.port || "3306" })
        }
        expect(tagsOf(succeeded!)).toEqual(everywhere)
        expect(tagsOf(failed!)).toEqual({ ...everywhere, "error.type": status, "db.response.status_code": status })
        const state = succeeded!.metricState
        expect(MetricState.isHistogramState(state)).toBe(true)
        if (!MetricState.isHistogramState(state)) return
        expect(state.count).toBe(4)
        // Seconds, and not milliseconds.
        expect(state.max).toBeGreaterThan(0.01)
        expect(state.max).toBeLessThan(20)
        expect(state.buckets.map(([boundary]) => boundary).filter(Number.isFinite)).toEqual([
          0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10
        ])
        expect(yield* measured(name, ["run", run], ["db.operation.name", "COMMIT"])).toMatchObject({ count: 1 })
      })
    )

    if (backend.isServer)
      it.live("tell what was interrupted from what was answered", () =>
        Effect.gen(function* () {
          const run = tableName("run")
          yield* Effect.gen(function* () {
            yield* Engine.execute("SELECT 1")
            const fiber = yield* Effect.fork(Engine.execute(endless))
            yield* Effect.sleep("50 millis")
            yield* Fiber.interrupt(fiber)
          }).pipe(Effect.tagMetrics("run", run), Effect.provide(engineWith(backend, { metrics: true })))
          const noted = yield* metrics("db.client.operation.duration", ["run", run])
          expect(new Set(noted.map((each) => tagsOf(each)["error.type"]))).toEqual(
            new Set([undefined, "InterruptedException"])
          )
        })
      )

    it.live("are not updated unless that is asked for", () =>
      Effect.gen(function* () {
        const run = tableName("run")
        yield* Engine.execute("SELECT 1").pipe(
          Effect.tagMetrics("run", run),
          Effect.provide(engineWith(backend, { spans: true, slowStatement: "10 seconds" }))
        )
        expect(yield* metrics("db.client.operation.duration", ["run", run])).toEqual([])
      })
    )

    it.live("have the state of the pool, its limits, and every wait, until it is closed", () =>
      Effect.gen(function* () {
        const poolName = tableName("pool")
        const pool: Label = ["db.client.connection.pool.name", poolName]
        const count = (state: string) =>
          counted("db.client.connection.count", pool, ["db.client.connection.state", state])
        const number = (name: string) => counted(`db.client.connection.${name}`, pool)
        const time = (name: string) => measured(`db.client.connection.${name}`, pool)
        yield* Effect.gen(function* () {
          expect([yield* number("idle.min"), yield* number("idle.max"), yield* number("max")]).toEqual([1, 2, 2])
          expect([yield* count("idle"), yield* count("used")]).toEqual([1, 0])
          const { pool } = yield* Engine.Engine
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* pool.acquire
              yield* pool.acquire
              expect([yield* count("idle"), yield* count("used")]).toEqual([0, 2])
              const late = yield* Effect.fork(Effect.exit(pool.use(() => Effect.void)))
              yield* Effect.repeat(Effect.delay(pool.numbers, "2 millis"), { until: ({ waiting }) => waiting === 1 })
              expect(yield* number("pending_requests")).toBe(1)
              expect(Exit.isFailure(yield* Fiber.join(late))).toBe(true)
              expect([yield* number("pending_requests"), yield* number("timeouts")]).toEqual([0, 1])
            })
          )
          yield* untilIdle
          expect([yield* count("idle"), yield* count("used")]).toEqual([2, 0])
          // One waits for another that keeps its connection for a while.
          const begun = yield* Deferred.make<void>()
          const long = Effect.zipRight(Deferred.succeed(begun, undefined), Effect.sleep("60 millis"))
          const users = yield* Effect.fork(Effect.all([pool.use(() => long), pool.use(() => long)], { concurrency: 2 }))
          yield* Deferred.await(begun)
          yield* Effect.yieldNow()
          yield* pool.use(() => Effect.void)
          yield* Fiber.join(users)
          yield* untilIdle
          // Two were lent for the test, two to those that kept them, and one to the one that waited.
          const waits = yield* time("wait_time")
          expect(waits.count).toBe(5)
          expect(waits.max).toBeGreaterThan(0.02)
          expect(waits.max).toBeLessThan(10)
          const uses = yield* time("use_time")
          expect(uses.count).toBe(5)
          expect(uses.sum).toBeGreaterThan(0.1)
          const created = yield* time("create_time")
          expect(created.count).toBe(2)
          expect(created.sum).toBeGreaterThan(0)
          expect(created.max).toBeLessThan(10)
        }).pipe(
          Effect.provide(
            engineWith(backend, { metrics: true, poolName }, { minSize: 1, maxSize: 2, acquireTimeout: 150 })
          )
        )
        expect([yield* count("idle"), yield* count("used"), yield* number("pending_requests")]).toEqual([0, 0, 0])
        expect([yield* number("idle.min"), yield* number("idle.max"), yield* number("max")]).toEqual([0, 0, 0])
        const units = Object.fromEntries(
          (yield* Metric.snapshot)
            .filter((each) => tagsOf(each)[pool[0]] === poolName)
            .map((each) => [each.metricKey.name.replace("db.client.connection.", ""), tagsOf(each).unit])
        )
        expect(units).toEqual({
          count: "{connection}",
          "idle.min": "{connection}",
          "idle.max": "{connection}",
          max: "{connection}",
          pending_requests: "{request}",
          timeouts: "{timeout}",
          create_time: "s",
          wait_time: "s",
          use_time: "s"
        })
      })
    )

    it.live("of two pools of one name are those of both together", () =>
      Effect.gen(function* () {
        const poolName = tableName("pool")
        const idle = counted(
          "db.client.connection.count",
          ["db.client.connection.pool.name", poolName],
          ["db.client.connection.state", "idle"]
        )
        const options = { url: backend.url, minSize: 1, telemetry: { metrics: true, poolName } }
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* Engine.make(options)
            yield* Effect.scoped(
              Effect.gen(function* () {
                yield* Engine.make(options)
                expect(yield* idle).toBe(2)
              })
            )
            expect(yield* idle).toBe(1)
          })
        )
        expect(yield* idle).toBe(0)
      })
    )
  })

  describe(`the log of slow statements on ${backend.name}`, () => {
    it.live("has what took long, once, without its values", () =>
      Effect.gen(function* () {
        const lines = yield* withLog(
          backend,
          { slowStatement: "200 millis" },
          Effect.zipRight(Engine.execute("SELECT 'fast'"), Engine.execute(slow(backend)))
        )
        expect(lines).toHaveLength(1)
        expect(lines[0]).toEqual({
          message: backend.isServer ? "slow statement: SELECT" : "slow statement: SELECT SELECT SELECT",
          about: {
            statement: backend.isServer
              ? "SELECT SLEEP(?), ?"
              : expect.stringMatching(/SELECT COUNT\(\*\), \? FROM n$/),
            milliseconds: expect.any(Number),
            connection: expect.stringMatching(/./),
            address: expect.stringContaining(namespace)
          }
        })
        expect(lines[0]?.about.milliseconds).toBeGreaterThan(200)
        expect(JSON.stringify(lines)).not.toContain("secret")
      })
    )

    it.live("has what failed too, with what it failed with", () =>
      Effect.gen(function* () {
        const lines = yield* withLog(
          backend,
          { slowStatement: "0.0001 millis" },
          Effect.exit(Engine.execute("SELECT * FROM no_such_table"))
        )
        expect(lines.map(({ message, about }) => [message, about.failed])).toEqual([
          ["slow statement: SELECT no_such_table", backend.isServer ? "1146" : "1"]
        ])
      })
    )

    it.live("does not count the time that a program takes for the rows of a stream", () =>
      Effect.gen(function* () {
        const read = Stream.runForEach(Stream.rechunk(Stream.take(Engine.stream(rows), 3), 1), () =>
          Effect.sleep("150 millis")
        )
        expect(yield* withLog(backend, { slowStatement: "400 millis" }, read)).toEqual([])
        expect(yield* withLog(backend, { slowStatement: "0.0001 millis" }, read)).toHaveLength(1)
      })
    )
  })
}

// A thousand interruptions at random moments of whatever a statement goes through: the wait for a connection, the opening of
// one, the sending, the half of an answer, a stream.
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, Random, Stream } from "effect"
import { Engine, type Errors } from "effect-sa"
import { servers, tableName } from "../support/Backend.js"
import { eventually, observer, tcpSockets } from "../support/observer.js"

/** An engine, or a connection of it. */
interface Executor {
  readonly execute: (sql: string, parameters?: ReadonlyArray<number>) => Effect.Effect<unknown, Errors.ExecuteError>
  readonly stream: (sql: string) => Stream.Stream<unknown, Errors.ExecuteError>
}

const rounds = 1_000
const connections = 6

for (const backend of servers()) {
  describe(`a thousand interruptions on ${backend.name}`, () => {
    it.live(
      "leave no statement on the server, no lease, and a pool of which every connection works",
      () =>
        Effect.gen(function* () {
          const sockets = tcpSockets()
          yield* Effect.scoped(
            Effect.gen(function* () {
              const admin = yield* observer(backend)
              const t = tableName("thousand")
              // A user of its own, by whom its connections are known on a server that others use too.
              const user = `thousand_${process.pid}`
              yield* Effect.acquireRelease(
                Effect.all([
                  admin.execute(`CREATE USER ${user}@'%' IDENTIFIED BY 'a password'`),
                  admin.execute(`GRANT ALL ON *.* TO ${user}@'%'`),
                  admin.execute(`CREATE TABLE ${t} (id INTEGER PRIMARY KEY)`),
                  admin.execute(
                    `INSERT INTO ${t} VALUES (?)`,
                    Array.from({ length: 150 }, (_, id) => [id])
                  )
                ]),
                () =>
                  Effect.all([
                    Effect.ignore(admin.execute(`DROP TABLE IF EXISTS ${t}`)),
                    Effect.ignore(admin.execute(`DROP USER ${user}@'%'`))
                  ])
              )
              const url = new URL(backend.url)
              url.username = user
              url.password = encodeURIComponent("a password")
              const ofUser = (condition: string) =>
                Effect.map(
                  admin.scalar(
                    `SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = '${user}' AND ${condition}`
                  ),
                  (count) => Number(Option.getOrThrow(count))
                )
              const { interrupted, answered } = yield* Effect.scoped(
                Effect.gen(function* () {
                  const engine = yield* Engine.make({ url: url.href, maxSize: connections })
                  const rows = `SELECT a.id AS n, REPEAT('x', 100) AS filling FROM ${t} a, ${t} b`
                  const kinds: ReadonlyArray<(on: Executor, n: number) => Effect.Effect<unknown, Errors.ExecuteError>> =
                    [
                      (on, n) => on.execute("SELECT ?", [n]),
                      (on) => on.execute("SELECT SLEEP(0.03)"),
                      (on) => on.execute(rows),
                      (on) => Stream.runDrain(on.stream(rows)),
                      (on) => Stream.runHead(on.stream(rows)),
                      // Whoever comes next has to wait until a connection is opened.
                      (on) => Effect.zipRight(engine.pool.clear, on.execute("SELECT 1")),
                      (on, n) => on.execute(`UPDATE ${t} SET id = id WHERE id = ?`, [n % 150])
                    ]
                  const ended = { interrupted: 0, answered: 0 }
                  const round = (n: number) =>
                    Effect.gen(function* () {
                      const kind = kinds[n % kinds.length] ?? Effect.die
                      // One in sixteen is left to its end, however busy the machine is.
                      const millis = n % 16 === 0 ? 20_000 : yield* Random.nextRange(0, 15)
                      const limited = (on: Executor) => Effect.timeoutOption(kind(on, n), millis)
                      // The half of them begin to wait for a connection, the others have one.
                      const end = yield* n % 2 === 0
                        ? limited(engine)
                        : Effect.scoped(Effect.flatMap(engine.acquire, limited))
                      ended[Option.isNone(end) ? "interrupted" : "answered"]++
                    })
                  yield* Effect.forEach(
                    Array.from({ length: rounds }, (_, n) => n),
                    round,
                    { concurrency: 24, discard: true }
                  )
                  yield* eventually(Effect.map(ofUser("COMMAND <> 'Sleep'"), (running) => running === 0))
                  yield* eventually(
                    Effect.map(engine.pool.numbers, ({ used, waiting, opening }) => used + waiting + opening === 0)
                  )
                  const ids = yield* Effect.scoped(
                    Effect.flatMap(Effect.all(Array.from({ length: connections }, () => engine.acquire)), (lent) =>
                      Effect.forEach(lent, (connection) => connection.scalar("SELECT CONNECTION_ID()"))
                    )
                  )
                  expect(new Set(ids.map(Option.getOrThrow)).size).toBe(connections)
                  yield* eventually(Effect.map(ofUser("TRUE"), (open) => open <= connections))
                  return ended
                })
              )
              // Else the times were not what statements take.
              expect(interrupted).toBeGreaterThan(rounds / 4)
              expect(answered).toBeGreaterThan(rounds / 100)
              yield* eventually(Effect.map(ofUser("TRUE"), (open) => open === 0))
            })
          )
          yield* eventually(Effect.sync(() => tcpSockets() <= sockets))
        }),
      60_000
    )
  })
}

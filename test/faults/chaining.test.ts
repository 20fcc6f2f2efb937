// A commit that begins the next transaction (COMMIT AND CHAIN): it saves whoever waits a way to the server, and must never
// be seen by anybody who did not ask for a transaction.
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Random, Scheduler, Scope, Stream } from "effect"
import { Connection, Engine, Errors, Statement } from "effect-sa"
import { servers, table, withEngine } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"

/** How often this session has executed a command of this name. */
const times = (command: string) =>
  Effect.map(Engine.execute(`SHOW SESSION STATUS LIKE 'Com_${command}'`), (result) => Number(result.rows[0]?.[1]))

/** `SET TRANSACTION` without a scope is refused within a transaction. */
const notInTransaction = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"

for (const backend of servers()) {
  const run = (connection: Connection.Connection, sql: string) =>
    Effect.suspend(() => {
      const compiled = Statement.compileText(sql, undefined, connection.dialect)
      return compiled instanceof Errors.ArgumentError
        ? Effect.die(compiled)
        : connection.execute(compiled, connection.values)
    })

  describe(`transactions that follow each other on ${backend.name}`, () => {
    withEngine(
      backend,
      "begin with the commit of the one before while others wait, and with BEGIN when nobody did",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, n INTEGER")
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 0)`)
          const add = Engine.transaction(Engine.execute(`UPDATE ${t} SET n = n + 1 WHERE id = 1`))
          const before = [yield* times("begin"), yield* times("commit")] as const
          yield* Effect.all(
            Array.from({ length: 20 }, () => add),
            { concurrency: "unbounded" }
          )
          expect(yield* times("begin")).toBe(before[0] + 1)
          expect(yield* times("commit")).toBe(before[1] + 20)
          yield* add
          expect(yield* times("begin")).toBe(before[0] + 2)
          expect(yield* Engine.scalar(`SELECT n FROM ${t}`)).toEqual(Option.some(21))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "leave whoever comes between them in none: what they write is there at once, and what they set is allowed",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const t = yield* table("id INTEGER PRIMARY KEY")
          const seen = (id: number) =>
            Effect.map(admin.execute(`SELECT 1 FROM ${t} WHERE id = ?`, [id]), (found) => found.rowCount === 1)
          const wrote: Array<boolean> = []
          const write = (id: number) =>
            Effect.gen(function* () {
              if (id % 3 === 0) {
                yield* Engine.transaction(Engine.execute(`INSERT INTO ${t} VALUES (?)`, [id]))
                return
              }
              if (id % 3 === 1) yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
              else
                yield* Engine.withConnection(
                  Effect.zipRight(Engine.execute(notInTransaction), Engine.execute(`INSERT INTO ${t} VALUES (?)`, [id]))
                )
              wrote.push(yield* seen(id))
            })
          yield* Effect.forEach(
            Array.from({ length: 60 }, (_, id) => id),
            write,
            { concurrency: "unbounded" }
          )
          expect(wrote).toEqual(Array.from({ length: 40 }, () => true))
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(60))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "have the isolation level and the access mode that each asked for",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const write = (id: number) => Engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
          const exits = yield* Effect.forEach(
            Array.from({ length: 30 }, (_, id) => id),
            (id) =>
              Effect.exit(
                id % 2 === 0
                  ? Engine.transaction(write(id))
                  : Engine.transaction(write(id), { isolationLevel: "read committed", readOnly: id % 4 === 1 })
              ),
            { concurrency: "unbounded" }
          )
          exits.forEach((exit, id) => {
            expect(Exit.isSuccess(exit)).toBe(id % 4 !== 1)
          })
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(
            Option.some(exits.filter(Exit.isSuccess).length)
          )
        }),
      { maxSize: 1 }
    )

    it.scopedLive("is rolled back where nobody takes it: a connection rests in no transaction", () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({ url: backend.url })
        yield* connection.commit(true)
        expect(connection.state()).toBe("idle")
        // For somebody who waits it is kept as it is.
        expect(connection.recycle(true)).toBe("keep")
        const resting = connection.recycle(false)
        expect(Effect.isEffect(resting)).toBe(true)
        expect(yield* Effect.isEffect(resting) ? resting : Effect.succeed(resting)).toBe("keep")
        expect(connection.takeChained()).toBe(undefined)
        yield* connection.control(notInTransaction, 0)
        // Whoever takes it is in a transaction.
        yield* connection.commit(true)
        expect(connection.takeChained()).toEqual([])
        expect(connection.state()).toBe("transaction")
        const refused = yield* Effect.flip(connection.control(notInTransaction, 0))
        expect(refused).toMatchObject({ errno: 1568 })
      })
    )

    it.scopedLive("is over before a statement of somebody who asked for none, of whatever kind", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const connection = yield* Connection.make({ url: backend.url })
        const name = `chained_${process.pid}`
        yield* Effect.addFinalizer(() => Effect.ignore(admin.execute(`DROP TABLE IF EXISTS ${name}`)))
        const chained = <A, E>(effect: Effect.Effect<A, E>) => Effect.zipRight(connection.commit(true), effect)
        yield* chained(run(connection, `CREATE TABLE ${name} (id INTEGER PRIMARY KEY)`))
        yield* chained(run(connection, `INSERT INTO ${name} VALUES (1)`))
        expect(yield* admin.scalar(`SELECT count(*) FROM ${name}`)).toEqual(Option.some(1))
        yield* chained(run(connection, `SELECT * FROM ${name}`))
        expect(connection.status().inTransaction).toBe(false)
        yield* chained(run(connection, notInTransaction))
        yield* chained(
          Effect.scoped(
            Effect.gen(function* () {
              const compiled = Statement.compileText(`SELECT * FROM ${name}`, undefined, connection.dialect)
              if (compiled instanceof Errors.ArgumentError) return yield* compiled
              const stream = yield* connection.stream(compiled, connection.values)
              expect(yield* stream.pull).toEqual([[1]])
            })
          )
        )
        expect(connection.status().inTransaction).toBe(false)
        expect(connection.recycle(false)).not.toBe("lost")
      })
    )

    withEngine(
      backend,
      "of many fibers, some of them failing, interrupted or outside of transactions, lose nothing and keep nothing they should not",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const t = yield* table("id INTEGER PRIMARY KEY AUTO_INCREMENT, n INTEGER")
          const insert = (n: number) => Engine.execute(`INSERT INTO ${t} (n) VALUES (?)`, [n])
          /** One piece of work; gives how many rows it must have left, at the least and at the most. */
          const work = (kind: number): Effect.Effect<readonly [number, number], Errors.ExecuteError, Engine.Engine> => {
            switch (kind) {
              case 0:
                return Effect.as(insert(0), [1, 1])
              case 1:
                return Effect.as(Engine.transaction(Effect.zipRight(insert(1), insert(1))), [2, 2])
              case 2:
                return Effect.as(Effect.flip(Engine.transaction(Effect.zipRight(insert(2), Effect.fail("no")))), [0, 0])
              case 3:
                return Effect.as(Engine.execute(`SELECT count(*) FROM ${t} WHERE id = 1`), [0, 0])
              case 4:
                return Effect.as(Engine.transaction(Effect.void), [0, 0])
              case 5:
                return Effect.as(Engine.transaction(Engine.transaction(insert(5))), [1, 1])
              default:
                return Effect.gen(function* () {
                  const fiber = yield* Effect.fork(Engine.transaction(insert(6)))
                  yield* Effect.sleep(yield* Random.nextIntBetween(0, 4))
                  const exit = yield* Fiber.interrupt(fiber)
                  return Exit.isSuccess(exit) ? [1, 1] : [0, 1]
                })
            }
          }
          const loop = Effect.forEach(Array.from({ length: 40 }), () =>
            Effect.flatMap(Random.nextIntBetween(0, 7), work)
          )
          const all = yield* Effect.all(
            Array.from({ length: 12 }, () => loop),
            { concurrency: "unbounded" }
          )
          const bounds = all.flat().reduce(([least, most], [a, b]) => [least + a, most + b] as const, [0, 0] as const)
          const rows = Number(Option.getOrThrow(yield* admin.scalar(`SELECT count(*) FROM ${t}`)))
          expect(rows).toBeGreaterThanOrEqual(bounds[0])
          expect(rows).toBeLessThanOrEqual(bounds[1])
          // Whoever is at rest now holds nothing: the table can be had by somebody else at once.
          yield* eventually(Effect.isSuccess(admin.execute(`ALTER TABLE ${t} ADD COLUMN more INTEGER`)))
        }),
      { maxSize: 3 },
      30_000
    )

    withEngine(
      backend,
      "are ended for good by their COMMIT and ROLLBACK, whatever the server's completion_type is",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const t = yield* table("id INTEGER PRIMARY KEY")
          yield* Effect.acquireRelease(admin.execute("SET GLOBAL completion_type = 'CHAIN'"), () =>
            Effect.ignore(admin.execute("SET GLOBAL completion_type = 'NO_CHAIN'"))
          )
          const engine = yield* Engine.make({ url: backend.url, maxSize: 1 })
          const insert = (id: number) => engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
          yield* Effect.forEach(
            Array.from({ length: 20 }, (_, id) => id),
            (id) => (id % 2 === 0 ? engine.transaction(insert(id)) : insert(id)),
            { concurrency: "unbounded" }
          )
          expect(yield* admin.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(20))
        }),
      { maxSize: 2 }
    )

    withEngine(
      backend,
      "begin with the next statement when the first, a savepoint, was refused and never sent",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          yield* Engine.withConnection(
            Effect.gen(function* () {
              const scope = yield* Scope.make()
              const pull = yield* Scope.extend(Stream.toPull(Engine.stream("SELECT 1 UNION SELECT 2")), scope)
              yield* pull
              const failed = Engine.transaction(
                Effect.gen(function* () {
                  const refused = yield* Effect.flip(Engine.transaction(Engine.execute(`INSERT INTO ${t} VALUES (1)`)))
                  expect(refused).toMatchObject({ _tag: "InvalidRequestError" })
                  yield* Scope.close(scope, Exit.void)
                  yield* Engine.execute(`INSERT INTO ${t} VALUES (2)`)
                  return yield* Effect.fail("no")
                })
              )
              expect(yield* Effect.flip(failed)).toBe("no")
            })
          )
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        }),
      { maxSize: 1 }
    )

    /** Lets others run before the operation at this place, and then as any scheduler. */
    const yieldingAt = (place: number): Scheduler.Scheduler => {
      const usual = new Scheduler.MixedScheduler(2048)
      let operations = 0
      return {
        scheduleTask: (task, priority) => usual.scheduleTask(task, priority),
        shouldYield: () => (operations++ === place ? 0 : false)
      }
    }

    withEngine(
      backend,
      "keep nothing of a body that fails, at whatever step its first statement was interrupted",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          for (let place = 0; place < 40; place++) {
            const body = Effect.gen(function* () {
              const first = Effect.withScheduler(Engine.execute(`SELECT * FROM ${t} WHERE id = -1`), yieldingAt(place))
              const fiber = yield* Effect.fork(first)
              yield* Effect.yieldNow()
              yield* Fiber.interrupt(fiber)
              yield* Effect.ignore(Engine.execute(`INSERT INTO ${t} VALUES (?)`, [place]))
              return yield* Effect.fail("no")
            })
            expect(Exit.isFailure(yield* Effect.exit(Engine.transaction(body)))).toBe(true)
          }
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "keep nothing of a body that fails, at whatever steps its first two statements were interrupted",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const cutAt = (place: number) =>
            Effect.gen(function* () {
              const select = Engine.execute(`SELECT * FROM ${t} WHERE id = -1`)
              const fiber = yield* Effect.fork(Effect.withScheduler(select, yieldingAt(place)))
              yield* Effect.yieldNow()
              yield* Fiber.interrupt(fiber)
            })
          for (let first = 4; first < 16; first++)
            for (let second = 4; second < 24; second++) {
              const body = Effect.gen(function* () {
                yield* cutAt(first)
                yield* cutAt(second)
                yield* Effect.ignore(Engine.execute(`INSERT INTO ${t} VALUES (?)`, [first * 100 + second]))
                return yield* Effect.fail("no")
              })
              expect(Exit.isFailure(yield* Effect.exit(Engine.transaction(body)))).toBe(true)
            }
          const { rows } = yield* Engine.execute(`SELECT id FROM ${t}`)
          expect(rows.map((row) => row[0])).toEqual([])
        }),
      { maxSize: 1 },
      30_000
    )

    withEngine(
      backend,
      "lose nothing of whoever comes next, at whatever step their first statement was interrupted",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const written: Array<number> = []
          for (let place = 0; place < 40; place++) {
            const before = yield* Effect.fork(
              Engine.transaction(Effect.zipRight(Engine.execute(`DELETE FROM ${t} WHERE id = -1`), Effect.sleep(3)))
            )
            yield* Effect.sleep(1)
            yield* Effect.ignore(
              Engine.withConnection(
                Effect.gen(function* () {
                  const first = Engine.execute(`SELECT * FROM ${t} WHERE id = -1`)
                  const fiber = yield* Effect.fork(Effect.withScheduler(first, yieldingAt(place)))
                  yield* Effect.yieldNow()
                  yield* Fiber.interrupt(fiber)
                  yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, [place])
                  written.push(place)
                })
              )
            )
            yield* Fiber.join(before)
          }
          expect(written.length).toBeGreaterThan(5)
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(written.length))
        }),
      { maxSize: 1 }
    )
  })
}

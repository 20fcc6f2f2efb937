// Servers that crash, that take no more connections, that end idle sessions, that become read-only, and whose commits wait:
// servers of these tests' own, because everybody on them is concerned.
import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Random } from "effect"
import { Connection, Engine, Errors, Transaction } from "effect-sa"
import { servers, tableName } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"
import { ownServer } from "../support/servers/own.js"
import { crashTraps } from "../traps/crash.js"

const range = (length: number): ReadonlyArray<number> => Array.from({ length }, (_, i) => i)

const connectionId = (engine: Pick<Engine.Engine, "scalar">) =>
  Effect.map(engine.scalar("SELECT CONNECTION_ID()"), (id) => Number(Option.getOrThrow(id)))

for (const backend of servers()) {
  describe(`a ${backend.name} of one's own`, () => {
    const server = ownServer(backend)
    const admin = Effect.suspend(() => observer({ ...backend, url: server().url }))
    const engineOf = (options: Partial<Parameters<typeof Engine.make>[0]> = {}) =>
      Effect.suspend(() => Engine.make({ ...options, url: server().url }))
    const tableOf = (direct: Engine.Engine, columns: string) =>
      Effect.suspend(() => {
        const name = tableName("crash")
        return Effect.acquireRelease(Effect.as(direct.execute(`CREATE TABLE ${name} (${columns})`), name), () =>
          Effect.ignore(direct.execute(`DROP TABLE ${name}`))
        )
      })
    /** Sets something global until the scope ends. */
    const setGlobal = (direct: Engine.Engine, name: string, value: number) =>
      Effect.acquireRelease(
        Effect.zipLeft(direct.scalar(`SELECT @@GLOBAL.${name}`), direct.execute(`SET GLOBAL ${name} = ${value}`)),
        (before) => Effect.ignore(direct.execute(`SET GLOBAL ${name} = ${Number(Option.getOrNull(before))}`))
      )
    const isGone = (direct: Engine.Engine, id: number) =>
      Effect.map(
        direct.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?", [id]),
        ({ rowCount }) => rowCount === 0
      )

    for (const { id, title, run } of crashTraps)
      it.scopedLive(`falls into no trap: ${title} (${id})`, () => run({ server, settings: [] }), 60_000)

    it.scopedLive(
      "killed by kill -9 under load and started again loses nothing that was acknowledged, and the pool recovers by itself",
      () =>
        Effect.gen(function* () {
          const direct = yield* admin
          const flush = yield* direct.scalar("SELECT @@innodb_flush_log_at_trx_commit")
          // 0 may lose what was committed.
          expect([1, 2]).toContain(Option.getOrNull(flush))
          const t = yield* tableOf(direct, "id INTEGER PRIMARY KEY")
          const engine = yield* engineOf({ maxSize: 8, acquireTimeout: "20 seconds", endTimeout: "1 seconds" })
          const acknowledged: Array<number> = []
          const inDoubt: Array<number> = []
          const reasons = new Set<string>()
          let over = false
          let next = 0
          const insert = (id: number) => engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
          const once = Effect.suspend(() => {
            const id = ++next
            return Effect.matchCauseEffect(id % 2 === 0 ? insert(id) : engine.transaction(insert(id)), {
              onSuccess: () => Effect.sync(() => acknowledged.push(id)),
              onFailure: (cause) => {
                const failure = Cause.failureOption(cause)
                const reason = Option.isSome(failure) ? String(Reflect.get(failure.value, "reason")) : "no failure"
                reasons.add(reason)
                // A statement in a transaction of its own is committed with it, or not.
                if (reason === "CommitUnknown" || id % 2 === 0) inDoubt.push(id)
                return Effect.sleep("5 millis")
              }
            })
          })
          const work = Effect.whileLoop({ while: () => !over, body: () => once, step: () => {} })
          const workers = yield* Effect.forEach(range(16), () => Effect.fork(work))
          const goesOn = Effect.suspend(() => {
            const before = acknowledged.length
            return Effect.sleep("5 millis").pipe(
              Effect.repeat({ until: () => acknowledged.length > before + 50 }),
              Effect.timeout("10 seconds")
            )
          })
          for (let crash = 0; crash < 2; crash++) {
            yield* goesOn
            server().kill()
            yield* Effect.promise(server().startAgain)
          }
          yield* goesOn
          over = true
          yield* Fiber.joinAll(workers).pipe(Effect.timeout("25 seconds"))
          expect(reasons.size).toBeGreaterThan(0)
          for (const reason of reasons) {
            expect(["ConnectionLost", "ServerShutdown", "Interrupted", "CommitUnknown"]).toContain(reason)
          }
          const stored = new Set((yield* direct.execute(`SELECT id FROM ${t}`)).rows.map((row) => Number(row[0])))
          expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
          const allowed = new Set([...acknowledged, ...inDoubt])
          expect([...stored].filter((id) => !allowed.has(id))).toEqual([])
          yield* eventually(
            Effect.map(engine.pool.numbers, ({ used, waiting, opening }) => used + waiting + opening === 0)
          )
        }),
      90_000
    )

    it.scopedLive("whose commits wait: a COMMIT that is killed is CommitUnknown, and its body runs once (T-76)", () =>
      Effect.gen(function* () {
        const direct = yield* admin
        const t = yield* tableOf(direct, "id INTEGER PRIMARY KEY")
        const engine = yield* engineOf({ maxSize: 1 })
        let bodies = 0
        yield* Effect.scoped(
          Effect.gen(function* () {
            const locker = yield* direct.acquire
            const other = yield* engineOf({ maxSize: 1 })
            const committing = yield* Effect.fork(
              Effect.flip(
                engine.transaction(
                  Effect.gen(function* () {
                    bodies++
                    yield* engine.execute(`INSERT INTO ${t} VALUES (1)`)
                    yield* locker.execute("FLUSH TABLES WITH READ LOCK")
                    return yield* connectionId(engine)
                  }),
                  { retry: { ...Transaction.retryDeadlocks({ times: 3 }), while: () => true } }
                )
              )
            )
            const waiting = Effect.map(
              other.scalar("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'COMMIT%'"),
              Option.getOrUndefined
            )
            yield* eventually(Effect.map(waiting, (id) => id !== undefined))
            yield* other.execute(`KILL ${Number(yield* waiting)}`)
            expect(yield* Fiber.join(committing)).toMatchObject({ _tag: "OperationalError", reason: "CommitUnknown" })
            yield* locker.execute("UNLOCK TABLES")
          })
        )
        expect(bodies).toBe(1)
        expect(yield* engine.scalar("SELECT 1")).toEqual(Option.some(1))
      })
    )

    it.scopedLive("whose commits wait: a COMMIT is not interrupted, and has a deadline of its own", () =>
      Effect.gen(function* () {
        const direct = yield* admin
        const t = yield* tableOf(direct, "id INTEGER PRIMARY KEY")
        const committed: Array<number> = []
        const commit = (engine: Engine.Engine, locker: Pick<Engine.Engine, "execute">, id: number) =>
          engine.transaction(
            Effect.gen(function* () {
              yield* engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
              yield* Transaction.afterCommit(Effect.sync(() => committed.push(id)))
              yield* locker.execute("FLUSH TABLES WITH READ LOCK")
            })
          )
        const patient = yield* engineOf({ maxSize: 1, endTimeout: "10 seconds" })
        const hasty = yield* engineOf({ maxSize: 1, endTimeout: 300 })
        yield* Effect.scoped(
          Effect.gen(function* () {
            const locker = yield* direct.acquire
            const committing = yield* Effect.fork(commit(patient, locker, 1))
            yield* Effect.sleep("300 millis")
            const interrupting = yield* Effect.fork(Fiber.interrupt(committing))
            yield* Effect.sleep("200 millis")
            expect(Option.isNone(yield* Fiber.poll(interrupting))).toBe(true)
            yield* locker.execute("UNLOCK TABLES")
            yield* Fiber.join(interrupting)
            expect(committed).toEqual([1])
            const begun = performance.now()
            const unheard = yield* Effect.flip(commit(hasty, locker, 2))
            expect(performance.now() - begun).toBeLessThan(1_500)
            expect(unheard).toMatchObject({ _tag: "OperationalError", reason: "CommitUnknown" })
            yield* locker.execute("UNLOCK TABLES")
          })
        )
        const rows = (yield* direct.execute(`SELECT id FROM ${t} ORDER BY id`)).rows.map((row) => row[0])
        expect(rows[0]).toBe(1)
        expect(committed).toEqual([1])
      })
    )

    it.scopedLive(
      "that takes no more connections is told at once by a pool that has none, and waited for by others (T-71)",
      () =>
        Effect.gen(function* () {
          const direct = yield* admin
          // Whoever may administer has one connection more.
          const user = "somebody"
          yield* Effect.acquireRelease(
            Effect.zipRight(
              direct.execute(`CREATE USER ${user}@'%' IDENTIFIED BY 'a password'`),
              direct.execute(`GRANT SELECT ON *.* TO ${user}@'%'`)
            ),
            () => Effect.ignore(direct.execute(`DROP USER ${user}@'%'`))
          )
          const url = new URL(server().url)
          url.username = user
          url.password = encodeURIComponent("a password")
          const make = Engine.make({ url: url.href, maxSize: 3, acquireTimeout: "5 seconds" })
          const engine = yield* make
          const none = yield* make
          const id = yield* connectionId(engine)
          // MariaDB has no limit below ten; what is left of it is taken up here.
          yield* setGlobal(direct, "max_connections", 10)
          yield* Effect.scoped(
            Effect.gen(function* () {
              const another = Connection.make({ url: url.href })
              const refused = yield* Effect.flip(Effect.repeatN(another, 20))
              expect(refused).toMatchObject({ reason: "TooManyConnections" })
              const begun = performance.now()
              const error = yield* Effect.flip(none.execute("SELECT 1"))
              expect(error).toMatchObject({ _tag: "OperationalError", reason: "TooManyConnections", errno: 1040 })
              expect(performance.now() - begun).toBeLessThan(1_000)
              // This one has a connection, which somebody else has just now.
              const held = yield* Effect.fork(engine.execute("SELECT SLEEP(0.3)"))
              yield* Effect.sleep("50 millis")
              expect(yield* connectionId(engine)).toBe(id)
              yield* Fiber.join(held)
            })
          )
          yield* eventually(Effect.isSuccess(none.execute("SELECT 1")))
        })
    )

    it.scopedLive(
      "that ends idle sessions: none of them is handed out, neither at rest nor in the moment of its end (T-41)",
      () =>
        Effect.gen(function* () {
          const direct = yield* admin
          yield* setGlobal(direct, "wait_timeout", 1)
          const engine = yield* engineOf({ maxSize: 4, idleTimeout: 0, recycle: 0 })
          const ids = yield* Effect.forEach(
            range(4),
            () =>
              Effect.scoped(
                Effect.gen(function* () {
                  const connection = yield* engine.acquire
                  yield* Effect.sleep("50 millis")
                  return Number(connection.id)
                })
              ),
            { concurrency: "unbounded" }
          )
          expect(new Set(ids).size).toBe(4)
          yield* Effect.sleep("900 millis")
          // Statement after statement over the moments in which the sessions end.
          for (let i = 0; i < 60; i++) {
            yield* engine.execute("SELECT 1")
            yield* Effect.sleep("10 millis")
          }
          for (const id of ids.slice(0, 3)) yield* eventually(isGone(direct, id))
          yield* Effect.sleep("1500 millis")
          const answers = yield* Effect.forEach(range(8), () => engine.scalar("SELECT 1"), { concurrency: "unbounded" })
          expect(answers).toEqual(range(8).map(() => Option.some(1)))
          const inTransaction = yield* Effect.exit(
            engine.transaction(Effect.zipRight(engine.execute("SELECT 1"), Effect.sleep("1500 millis")))
          )
          // It was the transaction's own idleness.
          expect(Exit.isFailure(inTransaction)).toBe(true)
          expect(
            Option.getOrNull(Cause.failureOption(Exit.isFailure(inTransaction) ? inTransaction.cause : Cause.empty))
          ).toBeInstanceOf(Errors.OperationalError)
          expect(yield* engine.scalar("SELECT 1")).toEqual(Option.some(1))
        })
    )

    it.scopedLive(
      "that becomes read-only fails writes with ReadOnly, and the pool keeps none of those connections (T-44, T-73)",
      () =>
        Effect.gen(function* () {
          const direct = yield* admin
          const t = yield* tableOf(direct, "id INTEGER PRIMARY KEY")
          const user = "writer"
          yield* Effect.acquireRelease(
            Effect.zipRight(
              direct.execute(`CREATE USER ${user}@'%' IDENTIFIED BY 'a password'`),
              direct.execute(`GRANT SELECT, INSERT ON *.* TO ${user}@'%'`)
            ),
            () => Effect.ignore(direct.execute(`DROP USER ${user}@'%'`))
          )
          const url = new URL(server().url)
          url.username = user
          url.password = encodeURIComponent("a password")
          const engine = yield* Engine.make({ url: url.href, maxSize: 3 })
          const held = (millis: number) =>
            Effect.scoped(
              Effect.flatMap(engine.acquire, (connection) => Effect.as(Effect.sleep(millis), Number(connection.id)))
            )
          const before = yield* Effect.forEach(range(3), () => held(50), { concurrency: "unbounded" })
          expect(new Set(before).size).toBe(3)
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* setGlobal(direct, "read_only", 1)
              const insert = engine.execute(`INSERT INTO ${t} VALUES (1)`)
              expect(yield* Effect.flip(insert)).toMatchObject({
                _tag: "OperationalError",
                reason: "ReadOnly",
                errno: 1290
              })
              // The ones that were idle were opened to the same server: they go, too.
              for (const id of before) yield* eventually(isGone(direct, id))
              const inTransaction = engine.transaction(Effect.zipRight(engine.execute("SELECT 1"), insert))
              expect(yield* Effect.flip(inTransaction)).toMatchObject({ reason: "ReadOnly" })
              // Reading goes on.
              expect(yield* engine.scalar("SELECT 1")).toEqual(Option.some(1))
            })
          )
          yield* engine.execute(`INSERT INTO ${t} VALUES (1)`)
          expect(yield* engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(1))
        })
    )

    it.scopedLive("goes on after connections were killed at random moments, also those that were at rest", () =>
      Effect.gen(function* () {
        const direct = yield* admin
        const t = yield* tableOf(direct, "id INTEGER PRIMARY KEY AUTO_INCREMENT, n INTEGER")
        const engine = yield* engineOf({ maxSize: 4 })
        let over = false
        const work = Effect.whileLoop({
          while: () => !over,
          body: () =>
            Effect.ignore(
              engine.transaction(
                Effect.zipRight(
                  engine.execute(`INSERT INTO ${t} (n) VALUES (1)`),
                  engine.execute(`INSERT INTO ${t} (n) VALUES (-1)`)
                )
              )
            ),
          step: () => {}
        })
        const workers = yield* Effect.forEach(range(8), () => Effect.fork(work))
        for (let i = 0; i < 60; i++) {
          const { rows } = yield* direct.execute(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'tester' AND ID <> CONNECTION_ID()"
          )
          if (rows.length > 0) {
            const victim = rows[yield* Random.nextIntBetween(0, rows.length)]?.[0]
            yield* Effect.ignore(direct.execute(`KILL ${Number(victim)}`))
          }
          yield* Effect.sleep("10 millis")
        }
        over = true
        yield* Fiber.joinAll(workers).pipe(Effect.timeout("10 seconds"))
        expect(yield* direct.scalar(`SELECT CAST(sum(n) AS SIGNED) FROM ${t}`)).toEqual(Option.some(0))
        yield* eventually(
          Effect.map(engine.pool.numbers, ({ used, waiting, opening }) => used + waiting + opening === 0)
        )
        expect(yield* direct.scalar("SELECT count(*) FROM information_schema.INNODB_TRX")).toEqual(Option.some(0))
      })
    )
  })
}

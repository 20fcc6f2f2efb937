// Transactions that follow each other so closely that the next begins before the COMMIT of the one before is answered. On
// servers of these tests' own, because a lock makes every COMMIT on them wait.
import { Reactivity } from "@effect/experimental"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, type Scope, Stream } from "effect"
import { Engine, type Errors } from "effect-sa"
import * as SqlClient from "effect-sa/SqlClient"
import { servers, tableName } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"
import { ownServer } from "../support/servers/own.js"
import { proxy } from "../traps/Proxy.js"

type Body<A, E> = Effect.Effect<A, E>

for (const backend of servers()) {
  describe(`a transaction behind the COMMIT of another on ${backend.name}`, () => {
    const server = ownServer(backend)
    const admin = Effect.suspend(() => observer({ ...backend, url: server().url }))

    interface Setting {
      /** An engine for looking and for killing. */
      readonly other: Engine.Engine
      readonly engine: Engine.Engine
      readonly t: string
      readonly insert: (id: number) => Effect.Effect<unknown, Errors.ExecuteError>
      /** The ids that others see. */
      readonly ids: Effect.Effect<ReadonlyArray<unknown>, Errors.ExecuteError>
      /** Whether the one connection has sent COMMIT, and its id. */
      readonly committing: Effect.Effect<Option.Option<number>, Errors.ExecuteError>
      /** Transactions with these bodies, all of which wait for the one connection before the first of them has it. */
      readonly queue: <A, E>(
        ...bodies: ReadonlyArray<Body<A, E>>
      ) => Effect.Effect<
        ReadonlyArray<Fiber.Fiber<A, E | Errors.ExecuteError>>,
        Errors.ExecuteError | string,
        Scope.Scope
      >
      /** Makes every COMMIT wait until the scope ends, or `unlock`. */
      readonly locker: Effect.Effect<
        { readonly lock: Body<void, Errors.ExecuteError>; readonly unlock: Body<void, Errors.ExecuteError> },
        Errors.ExecuteError,
        Scope.Scope
      >
    }

    const setting = (options: Partial<Parameters<typeof Engine.make>[0]> = {}) =>
      Effect.gen(function* () {
        const direct = yield* admin
        const t = yield* Effect.acquireRelease(
          Effect.suspend(() => {
            const name = tableName("handover")
            return Effect.as(direct.execute(`CREATE TABLE ${name} (id INTEGER PRIMARY KEY)`), name)
          }),
          (name) => Effect.ignore(direct.execute(`DROP TABLE ${name}`))
        )
        const other = yield* admin
        const engine = yield* Engine.make({ ...options, url: server().url, maxSize: 1 })
        let ofQueue = 100
        const insert = (id: number) => engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
        const queue: Setting["queue"] = (...bodies) =>
          Effect.gen(function* () {
            const go = yield* Deferred.make<void>()
            // Three that follow each other: from then on no COMMIT is waited for.
            const before = yield* Effect.forEach([0, 1, 2], (i) =>
              Effect.forkScoped(
                engine.transaction(Effect.zipRight(i === 0 ? Deferred.await(go) : Effect.void, insert(++ofQueue)))
              )
            )
            const fibers = yield* Effect.forEach(bodies, (body) => Effect.forkScoped(engine.transaction(body)))
            yield* eventually(Effect.map(engine.pool.numbers, ({ waiting }) => waiting === 2 + bodies.length))
            yield* Deferred.succeed(go, undefined)
            yield* Effect.forEach(before, Fiber.join)
            return fibers
          })
        const made: Setting = {
          other,
          engine,
          t,
          insert,
          ids: Effect.map(other.execute(`SELECT id FROM ${t} WHERE id < 100 ORDER BY id`), ({ rows }) =>
            rows.map((row) => row[0])
          ),
          committing: Effect.map(
            other.scalar("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'COMMIT%'"),
            Option.map(Number)
          ),
          queue,
          locker: Effect.map(direct.acquire, (connection) => ({
            lock: Effect.asVoid(connection.execute("FLUSH TABLES WITH READ LOCK")),
            unlock: Effect.asVoid(connection.execute("UNLOCK TABLES"))
          }))
        }
        return made
      })

    /** One transaction whose COMMIT waits, and the next with this body, which has begun; gives both, and the connection. */
    const behind = <A, E>(at: Setting, body: Body<A, E>) =>
      Effect.gen(function* () {
        const { lock, unlock } = yield* at.locker
        const begun = yield* Deferred.make<void>()
        const [first, next] = yield* at.queue<unknown, E | Errors.ExecuteError>(
          Effect.zipRight(at.insert(1), lock),
          Effect.zipRight(Deferred.succeed(begun, undefined), body)
        )
        yield* Deferred.await(begun)
        yield* eventually(Effect.map(at.committing, Option.isSome))
        const id = Option.getOrThrow(yield* at.committing)
        return { first: first!, next: next!, unlock, id }
      })

    it.scopedLive("begins before that is answered, and both are kept", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        const { first, next, unlock } = yield* behind(at, at.insert(2))
        expect(Option.isNone(yield* Fiber.poll(first))).toBe(true)
        expect(yield* at.ids).toEqual([])
        yield* unlock
        yield* Fiber.join(first)
        yield* Fiber.join(next)
        expect(yield* at.ids).toEqual([1, 2])
      })
    )

    it.scopedLive("is interrupted at once, while the other's COMMIT gets its answer", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        const { first, next, unlock, id } = yield* behind(at, at.insert(2))
        yield* Effect.sleep("20 millis")
        const exit = yield* Effect.timeoutFail(Fiber.interrupt(next), { duration: 500, onTimeout: () => "it waits" })
        expect(Exit.isInterrupted(exit)).toBe(true)
        expect(Option.isNone(yield* Fiber.poll(first))).toBe(true)
        yield* unlock
        yield* Fiber.join(first)
        // What was under way behind it is not kept, and its connection is not used again.
        yield* at.insert(3)
        expect(yield* at.ids).toEqual([1, 3])
        const isGone = Effect.map(
          at.other.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?", [id]),
          ({ rowCount }) => rowCount === 0
        )
        yield* eventually(isGone)
      })
    )

    const firsts: ReadonlyArray<readonly [string, (at: Setting) => Effect.Effect<unknown, Errors.ExecuteError>]> = [
      ["a table", (at) => at.engine.execute(`CREATE TABLE ${at.t}_never (id INTEGER)`)],
      ["a variable", (at) => at.engine.execute("SET @a = 1")],
      ["a savepoint", (at) => at.engine.transaction(at.insert(2))],
      ["several rows", (at) => at.engine.execute(`INSERT INTO ${at.t} VALUES (?)`, [[2], [3]])],
      ["a stream", (at) => Stream.runDrain(at.engine.stream(`SELECT * FROM ${at.t}`))]
    ]
    for (const [what, first] of firsts)
      it.scopedLive(`is interrupted at once where its first statement waits for that: ${what}`, () =>
        Effect.gen(function* () {
          const at = yield* setting()
          const { first: committing, next, unlock, id } = yield* behind(at, first(at))
          yield* Effect.sleep("20 millis")
          yield* Effect.timeoutFail(Fiber.interrupt(next), { duration: 500, onTimeout: () => "it waits" })
          yield* unlock
          yield* Fiber.join(committing)
          expect(Option.map(yield* at.engine.scalar("SELECT CONNECTION_ID()"), Number)).toEqual(Option.some(id))
          yield* at.insert(4)
          expect(yield* at.ids).toEqual([1, 4])
        })
      )

    it.scopedLive("finds nothing in the session that the one before has set", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        const look = Effect.map(
          at.engine.execute("SELECT @mine, @@time_zone, @@SQL_NOTES, IS_USED_LOCK('handover')"),
          ({ rows }) => [rows[0]?.[0], rows[0]?.[1], rows[0]?.[2], rows[0]?.[3]]
        )
        const changes = Effect.gen(function* () {
          yield* at.engine.execute("SET @mine = 1, time_zone = '+05:00', SQL_NOTES = 0")
          yield* at.engine.execute("SELECT GET_LOCK('handover', 0)")
          return yield* look
        })
        const [first, next] = yield* at.queue(changes, look)
        expect((yield* Fiber.join(first!)).slice(0, 3)).toEqual([1, "+05:00", 0])
        expect(yield* Fiber.join(next!)).toEqual([null, "+00:00", 1, null])
      })
    )

    it.scopedLive("that ends without a statement leaves the connection to its COMMIT, and to whoever comes next", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        const { first, next, unlock, id } = yield* behind(at, Effect.fail("nothing to do"))
        expect(yield* Effect.flip(Fiber.join(next))).toBe("nothing to do")
        const third = yield* Effect.fork(at.engine.scalar("SELECT CONNECTION_ID()"))
        yield* Effect.sleep("20 millis")
        expect(Option.isNone(yield* Fiber.poll(first))).toBe(true)
        yield* unlock
        yield* Fiber.join(first)
        expect(Option.map(yield* Fiber.join(third), Number)).toEqual(Option.some(id))
        expect(yield* at.ids).toEqual([1])
      })
    )

    for (const [what, statement] of [
      ["a row", (at: Setting) => at.insert(2)],
      ["a table", (at: Setting) => at.engine.execute(`CREATE TABLE ${at.t}_more (id INTEGER)`)]
    ] as const)
      it.scopedLive(`keeps nothing of what it wrote, ${what}, when that is refused in a session that lives on`, () =>
        Effect.gen(function* () {
          const at = yield* setting()
          const committed: Array<string> = []
          const { first, next, unlock, id } = yield* behind(
            at,
            Effect.tap(statement(at), () => Effect.sync(() => committed.push(what)))
          )
          yield* Effect.sleep("20 millis")
          yield* at.other.execute(`KILL QUERY ${id}`)
          expect(yield* Effect.flip(Fiber.join(first))).toMatchObject({ reason: "CommitUnknown" })
          expect(yield* Effect.flip(Fiber.join(next))).toMatchObject({ reason: "ConnectionLost" })
          yield* unlock
          expect(committed).toEqual([])
          expect((yield* at.ids).includes(2)).toBe(false)
          const tables = yield* at.other.execute("SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = ?", [
            `${at.t}_more`
          ])
          expect(tables.rowCount).toBe(0)
          // From now on COMMITs are waited for, and everything works.
          const later = yield* at.queue(at.insert(4), at.insert(5))
          yield* Effect.forEach(later, Fiber.join)
          expect((yield* at.ids).filter((id) => Number(id) > 3)).toEqual([4, 5])
        })
      )

    it.scopedLive("is not kept where the one before has ended all the same, and an error was the answer", () =>
      Effect.gen(function* () {
        const direct = yield* setting()
        let refuses = false
        let behindIt: ReadonlyArray<string> = []
        // It commits by itself, and then fails: nothing is open any more when the statement behind it is executed.
        const between = yield* proxy(server().url, (statement) =>
          refuses && statement === "COMMIT AND CHAIN" ? { instead: "DROP TABLE no_such_table" } : "pass"
        )
        const engine = yield* Engine.make({ url: between.url, maxSize: 1 })
        const insert = (id: number) => engine.execute(`INSERT INTO ${direct.t} VALUES (?)`, [id])
        const go = yield* Deferred.make<void>()
        const fibers = yield* Effect.forEach([11, 12, 13, 1, 2], (id) =>
          Effect.forkScoped(
            engine.transaction(
              Effect.gen(function* () {
                if (id === 11) yield* Deferred.await(go)
                yield* insert(id)
                refuses = id === 1
                behindIt = between.statements.slice(-1)
              })
            )
          )
        )
        yield* eventually(Effect.map(engine.pool.numbers, ({ waiting }) => waiting === 4))
        yield* Deferred.succeed(go, undefined)
        const [, , , first, next] = yield* Effect.forEach(fibers, Fiber.await)
        expect(first).toMatchObject({ _tag: "Failure", cause: { error: { reason: "CommitUnknown" } } })
        expect(next).toMatchObject({ _tag: "Failure", cause: { error: { reason: "ConnectionLost" } } })
        yield* Effect.sleep("50 millis")
        expect(yield* direct.ids).toEqual([1, 11, 12, 13])
        expect(behindIt).toEqual(["COMMIT AND CHAIN"])
      })
    )

    it.scopedLive("is surely rolled back when the connection is lost at that COMMIT, which is in doubt", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        const { first, next, unlock, id } = yield* behind(at, at.insert(2))
        yield* at.other.execute(`KILL ${id}`)
        expect(yield* Effect.flip(Fiber.join(first))).toMatchObject({ reason: "CommitUnknown" })
        expect(yield* Effect.flip(Fiber.join(next))).toMatchObject({ reason: "ConnectionLost" })
        yield* unlock
        yield* at.insert(3)
        expect((yield* at.ids).filter((id) => Number(id) > 1)).toEqual([3])
      })
    )

    it.scopedLive("is rolled back when that COMMIT takes longer than endTimeout", () =>
      Effect.gen(function* () {
        const at = yield* setting({ endTimeout: 400 })
        const { first, next, unlock } = yield* behind(at, at.insert(2))
        expect(yield* Effect.flip(Fiber.join(first))).toMatchObject({ reason: "CommitUnknown" })
        expect(yield* Effect.flip(Fiber.join(next))).toMatchObject({ reason: "ConnectionLost" })
        yield* unlock
        yield* at.insert(3)
        expect((yield* at.ids).filter((id) => Number(id) > 1)).toEqual([3])
      })
    )

    it.scopedLive("leaves the session as it was for whoever wants no transaction", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        const plain = (id: number) =>
          Effect.zipRight(
            at.insert(id),
            Effect.map(at.ids, (ids) => ids.includes(id))
          )
        const [first] = yield* at.queue(Effect.void)
        const others = yield* Effect.forEach([4, 5, 6], (id) => Effect.forkScoped(plain(id)))
        yield* Fiber.join(first!)
        expect(yield* Effect.forEach(others, Fiber.join)).toEqual([true, true, true])
        const [failing] = yield* at.queue(Effect.zipRight(at.insert(7), Effect.fail("no")))
        expect(yield* Effect.flip(Fiber.join(failing!))).toBe("no")
        expect(yield* plain(8)).toBe(true)
        expect(yield* at.engine.scalar("SELECT @@autocommit")).toEqual(Option.some(1))
        expect(yield* at.ids).toEqual([4, 5, 6, 8])
      })
    )

    it.scopedLive("cannot be made to commit halfway by autocommit", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        const sets = ["SET autocommit = 1", "set @@session.autocommit = on", "SET @a = 1, SESSION autocommit = 1"]
        for (const set of sets) {
          const [fiber] = yield* at.queue(Effect.zipRight(at.insert(1), at.engine.execute(set)))
          expect(yield* Effect.flip(Fiber.join(fiber!))).toMatchObject({ _tag: "InvalidRequestError" })
        }
        expect(yield* at.ids).toEqual([])
      })
    )

    it.scopedLive("goes on after a statement that defines data, where a client of @effect/sql asked for it", () =>
      Effect.gen(function* () {
        const at = yield* setting()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const sql = yield* Effect.provide(SqlClient.fromEngine(at.engine), Reactivity.layer)
            const go = yield* Deferred.make<void>()
            const before = yield* Effect.forEach([101, 102, 103], (id) =>
              Effect.forkScoped(
                sql.withTransaction(Effect.zipRight(id === 101 ? Deferred.await(go) : Effect.void, at.insert(id)))
              )
            )
            const after = yield* Effect.forkScoped(
              sql.withTransaction(
                Effect.gen(function* () {
                  yield* at.insert(1)
                  yield* at.engine.execute(`CREATE TABLE ${at.t}_else (id INTEGER)`)
                  yield* at.insert(2)
                  return yield* Effect.fail("after all")
                })
              )
            )
            yield* eventually(Effect.map(at.engine.pool.numbers, ({ waiting }) => waiting === 3))
            yield* Deferred.succeed(go, undefined)
            yield* Effect.forEach(before, Fiber.join)
            expect(String(yield* Effect.flip(Fiber.join(after)))).toContain("after all")
          })
        )
        yield* at.engine.execute(`DROP TABLE ${at.t}_else`)
        // What came before was committed by it, and what came after is a transaction of its own, as upstream.
        expect(yield* at.ids).toEqual([1, 2])
      })
    )
  })
}

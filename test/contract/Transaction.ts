// Cases for transactions: every row of the outcome table that a database can be made to show by itself.
import { describe, expect } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Ref } from "effect"
import { Engine, Errors, Transaction } from "effect-sa"
import { type Backend, table, withEngine } from "../support/Backend.js"

export const transactionContract = (backend: Backend): void => {
  const insert = (t: string, id: number) => Engine.execute(`INSERT INTO ${t} VALUES (?)`, [id])
  const ids = (t: string) =>
    Effect.map(Engine.execute<{ id: number }>(`SELECT id FROM ${t} ORDER BY id`), (result) =>
      result.rows.map((row) => row.id)
    )
  const fresh = table("id INTEGER PRIMARY KEY")

  describe("Engine.transaction", () => {
    withEngine(backend, "commits when its body succeeds", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        expect(yield* Engine.transaction(Effect.as(insert(t, 1), "done"))).toBe("done")
        expect(yield* ids(t)).toEqual([1])
      })
    )

    withEngine(backend, "rolls back when its body fails, dies or is interrupted", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const failed = yield* Effect.exit(Engine.transaction(Effect.zipRight(insert(t, 1), Effect.fail("no"))))
        expect(failed).toEqual(Exit.fail("no"))
        const died = yield* Effect.exit(Engine.transaction(Effect.zipRight(insert(t, 2), Effect.die("bug"))))
        expect(died).toEqual(Exit.die("bug"))
        const reached = yield* Deferred.make<void>()
        const fiber = yield* Effect.fork(
          Engine.transaction(
            insert(t, 3).pipe(Effect.zipRight(Deferred.succeed(reached, undefined)), Effect.zipRight(Effect.never))
          )
        )
        yield* Deferred.await(reached)
        expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
        expect(yield* ids(t)).toEqual([])
      })
    )

    withEngine(
      backend,
      "runs all of its body on one connection",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          yield* Engine.transaction(
            Effect.gen(function* () {
              yield* insert(t, 1)
              expect(yield* ids(t)).toEqual([1])
              const engine = yield* Engine.Engine
              expect((yield* engine.pool.numbers).used).toBe(1)
              // Also what asks for a connection by hand: waiting for a second one could wait for oneself.
              const conn = yield* Effect.scoped(engine.acquire)
              expect((yield* conn.execute(`SELECT * FROM ${t}`)).rowCount).toBe(1)
            })
          )
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "within another is a savepoint: its failure undoes its own part only", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        yield* Engine.transaction(
          Effect.gen(function* () {
            yield* insert(t, 1)
            yield* Effect.exit(Engine.transaction(Effect.zipRight(insert(t, 2), Effect.fail("inner"))))
            yield* Engine.transaction(insert(t, 3))
            yield* Effect.exit(
              Engine.transaction(Effect.zipRight(Engine.transaction(insert(t, 4)), Effect.fail("outer of the inner")))
            )
          })
        )
        expect(yield* ids(t)).toEqual([1, 3])
      })
    )

    withEngine(backend, "keeps concurrent nested transactions apart: who succeeds loses nothing", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        yield* Engine.transaction(
          Effect.forEach(
            Array.from({ length: 20 }, (_, i) => i),
            (i) =>
              Effect.exit(
                Engine.transaction(
                  insert(t, i).pipe(
                    Effect.zipRight(Effect.sleep((i * 7) % 5)),
                    Effect.zipRight(i % 2 === 0 ? Effect.void : Effect.fail("odd"))
                  )
                )
              ),
            { concurrency: "unbounded" }
          )
        )
        expect(yield* ids(t)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
      })
    )

    withEngine(backend, "gives its body the Transaction that it can require", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const mustBeIn = (id: number) => Effect.zipRight(Transaction.Transaction, insert(t, id))
        yield* Engine.transaction(mustBeIn(1))
        const depths = yield* Engine.transaction(
          Effect.all([
            Effect.map(Transaction.Transaction, (transaction) => transaction.depth),
            Engine.transaction(Effect.map(Transaction.Transaction, (transaction) => transaction.depth))
          ])
        )
        expect(depths).toEqual([0, 1])
      })
    )

    withEngine(backend, "runs what is registered for after the commit once, and only then", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const log = yield* Ref.make<ReadonlyArray<string>>([])
        const note = (line: string) => Ref.update(log, (lines) => [...lines, line])
        yield* Engine.transaction(
          Effect.gen(function* () {
            yield* Transaction.afterCommit(note("after"))
            yield* insert(t, 1)
            yield* note("body")
          })
        )
        yield* Effect.exit(
          Engine.transaction(Effect.zipRight(Transaction.afterCommit(note("never")), Effect.fail("no")))
        )
        expect(yield* log).toEqual(["body", "after"])
      })
    )

    withEngine(backend, "refuses statements of a fiber that outlives it", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const gate = yield* Deferred.make<void>()
        const fiber = yield* Engine.transaction(
          Effect.forkDaemon(Effect.zipRight(Deferred.await(gate), Effect.flip(insert(t, 1))))
        )
        yield* Deferred.succeed(gate, undefined)
        expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "InvalidRequestError" })
        expect(yield* ids(t)).toEqual([])
      })
    )

    withEngine(backend, "refuses options that a savepoint cannot have, and a retry within another", () =>
      Engine.transaction(
        Effect.gen(function* () {
          const level = yield* Effect.flip(Engine.transaction(Effect.void, { isolationLevel: "serializable" }))
          expect(level).toMatchObject({ _tag: "ArgumentError", argument: "isolationLevel" })
          const retry = yield* Effect.flip(
            Engine.transaction(Effect.void, { retry: Transaction.retryDeadlocks({ times: 1 }) })
          )
          expect(retry).toMatchObject({ _tag: "ArgumentError", argument: "retry" })
        })
      )
    )

    if (backend.isServer)
      withEngine(backend, "is run again after the reasons that its policy names, and after no others", () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const attempts = yield* Ref.make(0)
          const body = Effect.gen(function* () {
            const attempt = yield* Ref.updateAndGet(attempts, (n) => n + 1)
            yield* insert(t, attempt)
            if (attempt < 3) yield* Engine.execute("KILL CONNECTION_ID()")
          })
          const once = yield* Effect.flip(Engine.transaction(body, { retry: Transaction.retryDeadlocks({ times: 5 }) }))
          expect(once).toMatchObject({ _tag: "OperationalError" })
          expect(yield* Ref.get(attempts)).toBe(1)
          yield* Ref.set(attempts, 0)
          yield* Engine.transaction(body, {
            retry: Transaction.retryReasons(["ConnectionLost", "Interrupted"], { times: 5, base: "1 millis" })
          })
          expect([yield* Ref.get(attempts), yield* ids(t)]).toEqual([3, [3]])
          const transient = Transaction.retryTransient({ times: 1 })
          const error = (reason: Errors.OperationalReason) => new Errors.OperationalError({ reason, message: "" })
          expect(transient.while(error("LockTimeout"))).toBe(true)
          expect(transient.while(error("CommitUnknown"))).toBe(false)
          expect(transient.while(error("AccessDenied"))).toBe(false)
        })
      )

    withEngine(backend, "whose BEGIN is refused is typed, and rolls nothing back", () =>
      Effect.gen(function* () {
        const engine = yield* Engine.Engine
        const conn = yield* engine.acquire
        yield* conn.execute(backend.isServer ? "START TRANSACTION" : "BEGIN")
        const error = yield* Effect.flip(conn.transaction(Effect.void))
        expect(error._tag).toBe("InvalidRequestError")
        // The transaction that was there before still is.
        expect(yield* conn.inTransaction).toBe(true)
        yield* conn.execute("ROLLBACK")
      })
    )

    withEngine(backend, "treats DDL as the database does", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const other = `${t}_ddl`
        const exit = yield* Effect.exit(
          Engine.transaction(
            Effect.gen(function* () {
              yield* insert(t, 1)
              yield* Engine.execute(`CREATE TABLE ${other} (id INTEGER)`)
              yield* Engine.execute(`DROP TABLE ${other}`)
              yield* insert(t, 2)
            })
          )
        )
        if (backend.transactionalDdl) {
          expect(Exit.isSuccess(exit)).toBe(true)
          expect(yield* ids(t)).toEqual([1, 2])
        } else {
          // It committed: more DDL is fine, anything else would run outside of the transaction.
          expect(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "").toContain("has committed this transaction")
          expect(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "").toContain("nothing was undone")
          expect(yield* ids(t)).toEqual([1])
        }
      })
    )

    withEngine(backend, "with isolation level and read only begins so", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        yield* Engine.transaction(insert(t, 1), { isolationLevel: "serializable" })
        const read = Engine.transaction(ids(t), { readOnly: true })
        expect(yield* read).toEqual([1])
        if (backend.isServer) {
          const error = yield* Effect.flip(Engine.transaction(insert(t, 2), { readOnly: true }))
          expect(error).toMatchObject({ _tag: "OperationalError", reason: "ReadOnly" })
        }
      })
    )

    withEngine(backend, "begins with the first statement that is sent, whatever was refused before it", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const exit = yield* Effect.exit(
          Engine.transaction(
            Effect.gen(function* () {
              yield* Engine.execute(`INSERT INTO ${t} VALUES (?)`, [])
              yield* Effect.flip(Engine.execute(`INSERT INTO ${t} VALUES (?)`, [1, 2]))
              yield* insert(t, 1)
              yield* insert(t, 2)
              return yield* Effect.fail("undo")
            })
          )
        )
        expect(exit).toEqual(Exit.fail("undo"))
        expect(yield* ids(t)).toEqual([])
      })
    )

    withEngine(backend, "sends nothing when its body executes nothing", () =>
      Effect.gen(function* () {
        expect(yield* Engine.transaction(Effect.succeed("nothing"))).toBe("nothing")
        expect(yield* Effect.flip(Engine.transaction(Effect.fail("mine" as const)))).toBe("mine")
        expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
      })
    )

    withEngine(backend, "refuses options that are not what they should be", () =>
      Effect.gen(function* () {
        const level = yield* Effect.flip(
          Engine.transaction(Effect.void, { isolationLevel: "chaos; DROP TABLE x" as never })
        )
        expect(level).toMatchObject({ _tag: "ArgumentError", argument: "isolationLevel" })
        const readOnly = yield* Effect.flip(Engine.transaction(Effect.void, { readOnly: "yes" as never }))
        expect(readOnly).toMatchObject({ _tag: "ArgumentError", argument: "readOnly" })
      })
    )

    withEngine(backend, "ends the handle that a body took of its connection", () =>
      Effect.gen(function* () {
        const engine = yield* Engine.Engine
        const conn = yield* Engine.transaction(Effect.scoped(engine.acquire))
        expect((yield* Effect.flip(conn.execute("SELECT 1")))._tag).toBe("InvalidRequestError")
        const lent = yield* Effect.scoped(engine.acquire)
        expect((yield* Effect.flip(lent.execute("SELECT 1")))._tag).toBe("InvalidRequestError")
        const gate = yield* Deferred.make<void>()
        const fiber = yield* Engine.withConnection(
          Effect.forkDaemon(Effect.zipRight(Deferred.await(gate), Effect.flip(Engine.execute("SELECT 1"))))
        )
        yield* Deferred.succeed(gate, undefined)
        expect((yield* Fiber.join(fiber))._tag).toBe("InvalidRequestError")
      })
    )

    withEngine(
      backend,
      "keeps nothing of the statements that forked fibers were in the middle of when it rolled back",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const sets = Array.from({ length: 20 }, (_, i) => [i])
          for (let round = 0; round < 15; round++) {
            const inner =
              round % 2 === 0
                ? insert(t, 1000 + round)
                : Engine.execute(`INSERT INTO ${t} /* ${round} */ VALUES (?)`, sets)
            const forked = Effect.forkDaemon(Effect.exit(inner))
            const pause = round % 3 === 0 ? Effect.yieldNow() : Effect.sleep(round % 4)
            yield* Effect.exit(Engine.transaction(Effect.zipRight(Effect.zipRight(forked, pause), Effect.fail("no"))))
            // What comes next has a connection of its own.
            yield* Engine.transaction(Effect.zipRight(Engine.scalar("SELECT 1"), Effect.sleep(2)))
          }
          yield* Effect.sleep("50 millis")
          expect(yield* ids(t)).toEqual([])
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "that succeeds waits for the statements of fibers that it forked", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const sets = Array.from({ length: 20 }, (_, i) => [i])
        const fiber = yield* Engine.transaction(
          Effect.zipLeft(
            Effect.forkDaemon(Effect.exit(Engine.execute(`INSERT INTO ${t} VALUES (?)`, sets))),
            Effect.sleep(2)
          )
        )
        yield* Fiber.join(fiber)
        const kept = (yield* ids(t)).length
        expect([0, 20]).toContain(kept)
      })
    )

    withEngine(
      backend,
      "runs what is for after the commit when it holds nothing any more, each of it, and not of what was undone",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const seen: Array<unknown> = []
          const look = Effect.matchCause(Engine.scalar(`SELECT count(*) FROM ${t}`), {
            onFailure: (cause) => seen.push(cause),
            onSuccess: (count) => seen.push(Option.getOrNull(count))
          })
          const engine = yield* Engine.Engine
          const later = Effect.provideService(Effect.asVoid(look), Engine.Engine, engine)
          const body = Effect.gen(function* () {
            yield* insert(t, 1)
            yield* Transaction.afterCommit(Effect.die("a bug"))
            yield* Effect.exit(
              Engine.transaction(Effect.zipRight(Transaction.afterCommit(later), Effect.fail("undone")))
            )
            yield* Transaction.afterCommit(later)
          })
          yield* Engine.transaction(body)
          expect(seen).toEqual([1])
          yield* Engine.execute(`DELETE FROM ${t}`)
          yield* Engine.withConnection(Engine.transaction(body))
          expect(seen).toEqual([1, 1])
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "refuses handles and statements that would end it", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const engine = yield* Engine.Engine
        yield* Engine.transaction(
          Effect.gen(function* () {
            yield* insert(t, 1)
            for (const sql of ["ROLLBACK", "COMMIT", "BEGIN", "rollback /* x */"]) {
              expect((yield* Effect.flip(Engine.execute(sql)))._tag).toBe("InvalidRequestError")
            }
            const conn = yield* Effect.scoped(engine.acquire)
            expect((yield* Effect.flip(conn.begin()))._tag).toBe("InvalidRequestError")
            expect((yield* Effect.flip(conn.beginNested))._tag).toBe("InvalidRequestError")
            expect((yield* Effect.flip(conn.close))._tag).toBe("InvalidRequestError")
          })
        )
        expect(yield* ids(t)).toEqual([1])
      })
    )

    withEngine(backend, "survives a constraint that its body catches", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        yield* Engine.transaction(
          Effect.gen(function* () {
            yield* insert(t, 1)
            expect(yield* Effect.flip(insert(t, 1))).toMatchObject({ reason: "UniqueViolation" })
            yield* insert(t, 2)
          })
        )
        expect(yield* ids(t)).toEqual([1, 2])
      })
    )
  })

  describe("SAConnection.begin", () => {
    withEngine(backend, "is ended by hand, and an inner one commits nothing", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const engine = yield* Engine.Engine
        yield* Effect.scoped(
          Effect.gen(function* () {
            const conn = yield* engine.acquire
            const outer = yield* conn.begin()
            yield* conn.execute(`INSERT INTO ${t} VALUES (1)`)
            const inner = yield* conn.begin()
            expect([outer.kind, inner.kind]).toEqual(["root", "inner"])
            yield* inner.commit
            expect(yield* conn.inTransaction).toBe(true)
            yield* outer.commit
            expect(yield* conn.inTransaction).toBe(false)
            expect((yield* Effect.flip(outer.commit))._tag).toBe("InvalidRequestError")
            yield* outer.rollback
          })
        )
        expect(yield* ids(t)).toEqual([1])
      })
    )

    withEngine(backend, "whose inner one rolls back refuses statements until the outermost ends", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const engine = yield* Engine.Engine
        const conn = yield* engine.acquire
        const outer = yield* conn.begin()
        yield* conn.execute(`INSERT INTO ${t} VALUES (1)`)
        const inner = yield* conn.begin()
        yield* inner.rollback
        expect((yield* Effect.flip(conn.execute(`INSERT INTO ${t} VALUES (2)`)))._tag).toBe("InvalidRequestError")
        expect((yield* Effect.flip(outer.commit))._tag).toBe("InvalidRequestError")
        yield* conn.execute(`INSERT INTO ${t} VALUES (3)`)
        expect((yield* conn.execute(`SELECT * FROM ${t}`)).rows.map((row) => row[0])).toEqual([3])
      })
    )

    withEngine(backend, "with beginNested has savepoints", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const engine = yield* Engine.Engine
        const conn = yield* engine.acquire
        const outer = yield* conn.begin()
        yield* conn.execute(`INSERT INTO ${t} VALUES (1)`)
        const savepoint = yield* conn.beginNested
        expect(savepoint.kind).toBe("nested")
        yield* conn.execute(`INSERT INTO ${t} VALUES (2)`)
        yield* savepoint.rollback
        yield* savepoint.rollback
        const second = yield* conn.beginNested
        yield* conn.execute(`INSERT INTO ${t} VALUES (3)`)
        yield* second.commit
        yield* outer.commit
        expect((yield* conn.execute(`SELECT id FROM ${t} ORDER BY id`)).rows.map((row) => row[0])).toEqual([1, 3])
      })
    )

    withEngine(backend, "that is still open when the connection closes is rolled back, savepoints and all", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const engine = yield* Engine.Engine
        const conn = yield* engine.acquire
        yield* conn.begin()
        yield* conn.beginNested
        yield* conn.execute(`INSERT INTO ${t} VALUES (1)`)
        yield* conn.close
        yield* conn.close
        expect((yield* Effect.flip(conn.execute("SELECT 1")))._tag).toBe("InvalidRequestError")
        expect(yield* ids(t)).toEqual([])
      })
    )
  })

  withEngine(backend, "a statement in a transaction gives what the database gives to nobody else", () =>
    Effect.gen(function* () {
      const t = yield* fresh
      const seen = yield* Engine.transaction(Effect.zipRight(insert(t, 1), Engine.scalar(`SELECT count(*) FROM ${t}`)))
      expect(seen).toEqual(Option.some(1))
    })
  )
}

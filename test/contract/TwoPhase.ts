// Cases for two-phase transactions, on servers that have them. What a test leaves prepared would lock rows for ever: each
// rolls back what bears its names.
import { describe, expect } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Schedule, type Scope, Stream } from "effect"
import { Engine, type Errors, type SAConnection, type SATransaction, Transaction } from "effect-sa"
import { type Backend, table, withEngine } from "../support/Backend.js"
import { eventually } from "../support/observer.js"

type Xid = SATransaction.Xid

const globalIdOf = (xid: Xid): string =>
  typeof xid === "string" ? xid : Buffer.from(xid.globalId as Uint8Array).toString("latin1")

const sameXid = (one: Xid, other: Xid): boolean => JSON.stringify(one) === JSON.stringify(other)

let names = 0

/** On MariaDB the session that prepared it may still be on its end. */
export const again = { times: 200, schedule: Schedule.spaced("5 millis") }

export interface Names {
  /** Begins every name of this test. */
  readonly prefix: string
  /** The names of this test that are prepared, as the server says. */
  readonly prepared: Effect.Effect<ReadonlyArray<Xid>, unknown>
  /** Another connection. */
  readonly other: SAConnection.SAConnection
}

/**
 * Names that no other test has; what is still prepared under them is rolled back. A table is to be made before them, so
 * that it is dropped after that: what is prepared keeps it.
 */
export const xids = (backend: Backend): Effect.Effect<Names, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const prefix = `t${process.pid}.${++names}.`
    const engine = yield* Engine.make({ url: backend.url, maxSize: 1 })
    const other = yield* engine.acquire
    const prepared = Effect.map(other.recoverTwophase, (all) =>
      all.filter((xid) => globalIdOf(xid).startsWith(prefix)).sort()
    )
    yield* Effect.addFinalizer(() =>
      Effect.ignore(
        Effect.flatMap(prepared, (left) =>
          Effect.forEach(left, (xid) => Effect.retry(other.rollbackPrepared(xid), again))
        )
      )
    )
    return { prefix, prepared, other }
  })

export const twoPhaseContract = (backend: Backend): void => {
  const fresh = Effect.suspend(() => table("id INTEGER PRIMARY KEY, n INTEGER"))
  const insert = (conn: SAConnection.SAConnection, t: string, id: number) =>
    conn.execute(`INSERT INTO ${t} VALUES (?, 0)`, [id])
  const ids = (conn: SAConnection.SAConnection, t: string) =>
    Effect.map(conn.execute<{ id: number }>(`SELECT id FROM ${t} ORDER BY id`), ({ rows }) => rows.map(({ id }) => id))
  const acquire = Effect.flatMap(Engine.Engine, (engine) => engine.acquire)
  const reasonOf = (error: { readonly _tag: string }): string => `${error._tag} ${Reflect.get(error, "reason") ?? ""}`

  describe("SAConnection.beginTwophase", () => {
    withEngine(backend, "commits what it has prepared, and nobody sees it before", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        const conn = yield* acquire
        const trans = yield* conn.beginTwophase(`${prefix}a`)
        expect([trans.kind, trans.xid]).toEqual(["twophase", `${prefix}a`])
        yield* insert(conn, t, 1)
        expect(yield* prepared).toEqual([])
        yield* trans.prepare
        expect(yield* trans.isActive).toBe(true)
        expect(yield* trans.state).toBe("prepared")
        expect(yield* prepared).toEqual([`${prefix}a`])
        expect(yield* ids(other, t)).toEqual([])
        yield* trans.commit
        expect(yield* trans.isActive).toBe(false)
        expect(yield* prepared).toEqual([])
        expect(yield* ids(other, t)).toEqual([1])
        expect(yield* conn.inTransaction).toBe(false)
      })
    )

    withEngine(backend, "commits in one phase what it has not prepared", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        const conn = yield* acquire
        const trans = yield* conn.beginTwophase(`${prefix}a`)
        yield* insert(conn, t, 1)
        yield* trans.commit
        expect(yield* prepared).toEqual([])
        expect(yield* ids(other, t)).toEqual([1])
      })
    )

    withEngine(backend, "rolls back what is prepared and what is not, and again does nothing", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        const conn = yield* acquire
        for (const [i, prepare] of [false, true].entries()) {
          const trans = yield* conn.beginTwophase(`${prefix}${i}`)
          yield* insert(conn, t, i)
          if (prepare) yield* trans.prepare
          yield* trans.rollback
          yield* trans.rollback
          yield* trans.close
          expect(yield* trans.isActive).toBe(false)
        }
        expect(yield* prepared).toEqual([])
        expect(yield* ids(other, t)).toEqual([])
      })
    )

    withEngine(backend, "leaves its connection fit for whatever is begun after it", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, other } = yield* xids(backend)
        const conn = yield* acquire
        let id = 0
        const ends: ReadonlyArray<(trans: SATransaction.TwoPhaseTransaction) => Effect.Effect<void, unknown>> = [
          (trans) => trans.commit,
          (trans) => trans.rollback,
          (trans) => trans.close,
          (trans) => Effect.zipRight(trans.prepare, trans.commit),
          (trans) => Effect.zipRight(trans.prepare, trans.rollback),
          (trans) => Effect.zipRight(trans.prepare, conn.commitPrepared(trans.xid)),
          (trans) => Effect.zipRight(trans.prepare, conn.rollbackPrepared(trans.xid))
        ]
        for (const end of ends) {
          yield* Effect.flatMap(conn.beginTwophase(`${prefix}${++id}`), end)
          const after = yield* conn.begin()
          expect(after.kind).toBe("root")
          expect(yield* conn.inTransaction).toBe(true)
          yield* insert(conn, t, ++id)
          yield* after.rollback
          expect(yield* ids(other, t)).toEqual([])
          yield* conn.transaction(insert(conn, t, id))
          yield* conn.execute(`DELETE FROM ${t}`)
        }
      })
    )

    withEngine(backend, "takes a fresh name where none is given", () =>
      Effect.gen(function* () {
        const conn = yield* acquire
        const one = yield* conn.beginTwophase()
        yield* one.rollback
        const two = yield* conn.beginTwophase()
        yield* two.rollback
        for (const { xid } of [one, two]) expect(xid).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
        expect(one.xid).not.toBe(two.xid)
      })
    )

    withEngine(backend, "takes any name that fits, and finds it again as it was given", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        const bytes = (text: string) => Buffer.from(prefix + text, "latin1")
        const given: ReadonlyArray<Xid> = [
          `${prefix}o'brien`,
          `${prefix}\\' OR "1"="1`,
          `${prefix}a; DROP TABLE ${t}; --`,
          `${prefix}\0\n\x1a\u007f`,
          `${prefix}日本 🦀`,
          prefix.padEnd(64, "x"),
          { globalId: new Uint8Array(bytes("\xff\xfe\0")), branch: "", formatId: 1 },
          { globalId: `${prefix}text`, branch: "its branch", formatId: 7 },
          { globalId: `${prefix}text`, branch: "its other branch", formatId: 0 },
          { globalId: `${prefix}text`, branch: new Uint8Array([0, 255]), formatId: 2 ** 31 - 1 },
          { globalId: `${prefix}text`, branch: "'".repeat(64), formatId: 1 }
        ]
        for (const [i, xid] of given.entries()) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const conn = yield* acquire
              const trans = yield* conn.beginTwophase(xid)
              yield* insert(conn, t, i)
              yield* trans.prepare
              const found = yield* prepared
              expect(found.filter((each) => sameXid(each, xid))).toEqual([xid])
            })
          )
        }
        // By what was recovered, not by what was given.
        for (const xid of yield* prepared) yield* Effect.retry(other.commitPrepared(xid), again)
        expect(yield* ids(other, t)).toEqual(given.map((_, i) => i))
      })
    )

    withEngine(backend, "refuses a name that does not fit, before anything is sent", () =>
      Effect.gen(function* () {
        const conn = yield* acquire
        const wrong: ReadonlyArray<readonly [given: unknown, argument: string]> = [
          ["x".repeat(65), "xid.globalId"],
          ["é".repeat(33), "xid.globalId"],
          ["\ud800", "xid.globalId"],
          [{ globalId: "a", branch: "x".repeat(65) }, "xid.branch"],
          [{ globalId: "a", branch: 7 }, "xid.branch"],
          [{ globalId: "a", formatId: -1 }, "xid.formatId"],
          [{ globalId: "a", formatId: 1.5 }, "xid.formatId"],
          [{ globalId: "a", formatId: 2 ** 32 }, "xid.formatId"],
          [{ globalId: "a", formatId: "1" }, "xid.formatId"],
          [{}, "xid.globalId"],
          [null, "xid"],
          [7, "xid"],
          [new Uint8Array(3), "xid"]
        ]
        const calls = [conn.beginTwophase, conn.commitPrepared, conn.rollbackPrepared] as ReadonlyArray<
          (xid: Xid) => Effect.Effect<unknown, Transaction.TransactionError>
        >
        for (const call of calls) {
          for (const [given, argument] of wrong) {
            expect(yield* Effect.flip(call(given as Xid))).toMatchObject({ _tag: "ArgumentError", argument })
          }
        }
        expect(yield* conn.inTransaction).toBe(false)
      })
    )

    withEngine(backend, "takes no statement, and nothing that would begin, once it is prepared", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        const conn = yield* acquire
        const trans = yield* conn.beginTwophase(`${prefix}a`)
        yield* insert(conn, t, 1)
        yield* trans.prepare
        const refusals: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          insert(conn, t, 2),
          conn.execute("SELECT 1"),
          conn.execute(`DROP TABLE ${t}`),
          Stream.runCollect(conn.stream("SELECT 1")),
          conn.transaction(insert(conn, t, 3)),
          conn.begin(),
          conn.beginNested,
          conn.beginTwophase(`${prefix}b`),
          conn.commitPrepared(`${prefix}other`),
          trans.prepare
        ]
        for (const refused of refusals) {
          expect(yield* Effect.flip(refused)).toMatchObject({ _tag: "InvalidRequestError" })
        }
        expect(yield* conn.recoverTwophase).toContain(`${prefix}a`)
        yield* trans.close
        expect(yield* prepared).toEqual([`${prefix}a`])
        yield* trans.commit
        expect(yield* ids(other, t)).toEqual([1])
      })
    )

    withEngine(backend, "refuses what its end has left nothing of, and to be begun within another", () =>
      Effect.gen(function* () {
        const { prefix } = yield* xids(backend)
        const conn = yield* acquire
        const trans = yield* conn.beginTwophase(`${prefix}a`)
        expect(yield* Effect.flip(conn.beginTwophase(`${prefix}b`))).toMatchObject({ _tag: "InvalidRequestError" })
        yield* trans.commit
        for (const late of [trans.commit, trans.prepare]) {
          expect(yield* Effect.flip(late)).toMatchObject({ _tag: "InvalidRequestError" })
        }
        const root = yield* conn.begin()
        expect(yield* Effect.flip(conn.beginTwophase())).toMatchObject({ _tag: "InvalidRequestError" })
        yield* root.rollback
        const within = conn.transaction(Effect.flip(conn.beginTwophase()))
        expect(yield* within).toMatchObject({ _tag: "InvalidRequestError" })
        yield* conn.execute("BEGIN")
        expect(yield* Effect.flip(conn.beginTwophase())).toMatchObject({ _tag: "InvalidRequestError" })
      })
    )

    withEngine(backend, "has savepoints and inner transactions in it, and one that rolls back ends it", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        const conn = yield* acquire
        const trans = yield* conn.beginTwophase(`${prefix}a`)
        const inner = yield* conn.begin()
        expect(inner.kind).toBe("inner")
        yield* insert(conn, t, 1)
        yield* inner.commit
        const savepoint = yield* conn.beginNested
        yield* insert(conn, t, 2)
        yield* savepoint.rollback
        yield* Effect.exit(conn.transaction(Effect.zipRight(insert(conn, t, 3), Effect.fail("undo"))))
        yield* conn.transaction(insert(conn, t, 4))
        const left = yield* conn.beginNested
        yield* trans.prepare
        expect(yield* left.isActive).toBe(false)
        yield* trans.commit
        expect(yield* ids(other, t)).toEqual([1, 4])

        const second = yield* conn.beginTwophase(`${prefix}b`)
        yield* insert(conn, t, 5)
        yield* Effect.flatMap(conn.begin(), (within) => within.rollback)
        expect(yield* second.isActive).toBe(false)
        for (const refused of [insert(conn, t, 6), second.prepare, second.commit]) {
          expect(yield* Effect.flip(refused)).toMatchObject({ _tag: "InvalidRequestError" })
        }
        yield* insert(conn, t, 7)
        expect(yield* ids(other, t)).toEqual([1, 4, 7])
        expect(yield* prepared).toEqual([])
      })
    )

    withEngine(backend, "runs what its bodies registered for after the commit when it is committed, not before", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix } = yield* xids(backend)
        const conn = yield* acquire
        const seen: Array<string> = []
        const note = (what: string) => Effect.sync(() => void seen.push(what))
        for (const end of ["commit", "commitPrepared", "rollback"] as const) {
          const trans = yield* conn.beginTwophase(`${prefix}${end}`)
          yield* conn.transaction(
            Effect.zipRight(insert(conn, t, seen.length), Transaction.afterCommit(note(`after ${end}`)))
          )
          yield* trans.prepare
          yield* note(`prepared ${end}`)
          yield* end === "commitPrepared" ? conn.commitPrepared(trans.xid) : trans[end]
        }
        expect(seen).toEqual([
          "prepared commit",
          "after commit",
          "prepared commitPrepared",
          "after commitPrepared",
          "prepared rollback"
        ])
      })
    )

    withEngine(backend, "of a name that there is, or to end one that there is not, is a typed failure", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, other } = yield* xids(backend)
        const conn = yield* acquire
        const trans = yield* conn.beginTwophase(`${prefix}a`)
        expect(reasonOf(yield* Effect.flip(other.beginTwophase(`${prefix}a`)))).toBe("ProgrammingError XidExists")
        // The connection that was refused is none the worse.
        yield* insert(other, t, 1)
        const root = yield* other.begin()
        yield* root.rollback
        expect(yield* ids(other, t)).toEqual([1])
        expect(reasonOf(yield* Effect.flip(other.commitPrepared(`${prefix}none`)))).toBe("ProgrammingError NoSuchXid")
        expect(reasonOf(yield* Effect.flip(other.rollbackPrepared(`${prefix}none`)))).toBe("ProgrammingError NoSuchXid")
        yield* trans.rollback
      })
    )

    withEngine(backend, "that the server rolled back fails with why, and leaves its connection free", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 0), (2, 0)`)
        const conn = yield* acquire
        const update = (on: SAConnection.SAConnection, id: number) =>
          on.execute(`UPDATE ${t} SET n = n + 1 WHERE id = ?`, [id])
        for (const end of ["prepare", "commit", "rollback"] as const) {
          const trans = yield* conn.beginTwophase(`${prefix}${end}`)
          yield* update(conn, 1)
          // It has written more: the other is the cheaper one to keep.
          const rival = yield* other.begin()
          yield* other.execute(`INSERT INTO ${t} VALUES (10, 0), (11, 0), (12, 0), (13, 0), (14, 0)`)
          yield* update(other, 2)
          const waits = yield* Effect.fork(update(other, 1))
          yield* Effect.sleep("200 millis")
          const deadlock = yield* Effect.flip(update(conn, 2))
          expect(reasonOf(deadlock)).toBe("OperationalError Deadlock")
          yield* Fiber.join(waits)
          yield* rival.rollback
          expect(yield* Effect.flip(conn.execute("SELECT 1"))).toMatchObject({ _tag: "InvalidRequestError" })
          expect(yield* trans.isActive).toBe(false)
          if (end === "rollback") yield* trans.rollback
          else expect(yield* Effect.flip(trans[end])).toMatchObject({ reason: "Deadlock" })
          yield* trans.close
          expect(yield* conn.scalar(`SELECT n FROM ${t} WHERE id = 1`)).toEqual(Option.some(0))
        }
        expect(yield* prepared).toEqual([])
      })
    )

    withEngine(
      backend,
      "that goes back to its pool is rolled back, and kept when it is prepared, and hurts nobody after it",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const { prefix, prepared, other } = yield* xids(backend)
          const use = Effect.zipRight(
            Engine.transaction(Engine.execute(`SELECT * FROM ${t}`)),
            Engine.execute("SELECT 1")
          )
          const stale: Array<SATransaction.SATransaction> = []
          const leave = (name: string, prepare: boolean, close: boolean, id: number) =>
            Effect.scoped(
              Effect.gen(function* () {
                const conn = yield* acquire
                const trans = yield* conn.beginTwophase(prefix + name)
                stale.push(trans)
                yield* insert(conn, t, id)
                if (prepare) yield* trans.prepare
                if (close) yield* conn.close
              })
            )
          yield* leave("left", false, false, 1)
          yield* use
          yield* leave("closed", false, true, 2)
          yield* use
          expect(yield* prepared).toEqual([])
          yield* leave("prepared", true, false, 3)
          yield* use
          yield* leave("prepared and closed", true, true, 4)
          yield* use
          expect(yield* prepared).toEqual([`${prefix}prepared`, `${prefix}prepared and closed`])
          expect(yield* ids(other, t)).toEqual([])
          // A handle whose connection somebody else has does nothing to it.
          yield* Engine.transaction(
            Effect.gen(function* () {
              yield* Engine.execute(`INSERT INTO ${t} VALUES (9, 0)`)
              for (const handle of stale) {
                expect(yield* Effect.flip(handle.commit)).toMatchObject({ _tag: "InvalidRequestError" })
                yield* handle.rollback
                yield* handle.close
              }
            })
          )
          expect(yield* prepared).toEqual([`${prefix}prepared`, `${prefix}prepared and closed`])
          yield* other.commitPrepared(`${prefix}prepared`)
          yield* other.rollbackPrepared(`${prefix}prepared and closed`)
          expect(yield* ids(other, t)).toEqual([3, 9])
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "is rolled back by an interrupted statement, and not by the interruption of who prepares",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const { prefix, prepared, other } = yield* xids(backend)
          yield* Effect.scoped(
            Effect.gen(function* () {
              const conn = yield* acquire
              const trans = yield* conn.beginTwophase(`${prefix}slept`)
              yield* insert(conn, t, 1)
              yield* Effect.timeoutOption(conn.execute("SELECT SLEEP(30)"), "100 millis")
              yield* trans.close
              expect(yield* Effect.flip(trans.commit)).toMatchObject({ _tag: "InvalidRequestError" })
            })
          )
          yield* Effect.scoped(
            Effect.gen(function* () {
              const conn = yield* acquire
              const trans = yield* conn.beginTwophase(`${prefix}lost`)
              yield* Effect.timeoutOption(conn.execute("SELECT SLEEP(30)"), "100 millis")
              expect(yield* Effect.flip(trans.prepare)).toMatchObject({ reason: "ConnectionLost" })
            })
          )
          expect(yield* prepared).toEqual([])
          yield* Effect.scoped(
            Effect.gen(function* () {
              const conn = yield* acquire
              const trans = yield* conn.beginTwophase(`${prefix}kept`)
              yield* insert(conn, t, 2)
              const begun = yield* Deferred.make<void>()
              const fiber = yield* Effect.fork(
                Effect.zipRight(Deferred.succeed(begun, undefined), Effect.zipRight(trans.prepare, Effect.never))
              )
              yield* Deferred.await(begun)
              yield* Effect.yieldNow()
              yield* Fiber.interrupt(fiber)
              const isPrepared = (yield* trans.state) === "prepared"
              expect((yield* prepared).length).toBe(isPrepared ? 1 : 0)
              yield* trans.commit
            })
          )
          expect(yield* ids(other, t)).toEqual([2])
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "that is prepared survives the end of its connection, and says so to who would end it", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        for (const [i, end] of (["commit", "rollback"] as const).entries()) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const conn = yield* acquire
              const trans = yield* conn.beginTwophase(prefix + end)
              yield* insert(conn, t, i)
              yield* trans.prepare
              yield* other.execute(`KILL ${conn.id}`)
              yield* eventually(Effect.map(Effect.either(conn.recoverTwophase), ({ _tag }) => _tag === "Left"))
              const error = yield* Effect.flip(trans[end])
              expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
              expect(error.message).toContain("still prepared")
            })
          )
          expect(yield* prepared).toEqual([prefix + end])
          yield* Effect.retry(
            end === "commit" ? other.commitPrepared(prefix + end) : other.rollbackPrepared(prefix + end),
            {
              times: 50
            }
          )
        }
        expect(yield* ids(other, t)).toEqual([0])
        expect(yield* prepared).toEqual([])
      })
    )

    withEngine(
      backend,
      "is recovered whatever types of values the engine asks for",
      () =>
        Effect.gen(function* () {
          const { prefix, prepared } = yield* xids(backend)
          const conn = yield* acquire
          const trans = yield* conn.beginTwophase({ globalId: prefix, branch: "b", formatId: 5 })
          yield* trans.prepare
          expect(yield* conn.recoverTwophase).toContainEqual({ globalId: prefix, branch: "b", formatId: 5 })
          yield* trans.rollback
          expect(yield* prepared).toEqual([])
        }),
      { integers: "bigint" }
    )

    withEngine(backend, "waits for a stream that is open, and is none the worse", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, other } = yield* xids(backend)
        const conn = yield* acquire
        const trans = yield* conn.beginTwophase(`${prefix}a`)
        yield* insert(conn, t, 1)
        yield* insert(conn, t, 2)
        yield* conn.stream(`SELECT * FROM ${t}`).pipe((stream) =>
          Effect.scoped(
            Effect.gen(function* () {
              const pull = yield* Stream.toPull(stream)
              yield* pull
              for (const refused of [trans.prepare, trans.commit]) {
                expect(yield* Effect.flip(refused)).toMatchObject({ _tag: "InvalidRequestError" })
              }
            })
          )
        )
        yield* trans.prepare
        yield* trans.commit
        expect(yield* ids(other, t)).toEqual([1, 2])
      })
    )
  })

  describe("handles of a connection that went back to its pool", () => {
    withEngine(
      backend,
      "end nobody else's transaction",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const stale = yield* Effect.scoped(
            Effect.gen(function* () {
              const conn = yield* acquire
              const root = yield* conn.begin()
              const nested = yield* conn.beginNested
              return [root, nested]
            })
          )
          const exit = yield* Effect.exit(
            Engine.transaction(
              Effect.gen(function* () {
                yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 0)`)
                for (const handle of stale) {
                  expect(yield* handle.isActive).toBe(false)
                  yield* Effect.flip(handle.commit)
                  yield* handle.rollback
                }
                return yield* Effect.fail("undo")
              })
            )
          )
          expect(Exit.isFailure(exit) && Cause.failureOption(exit.cause)).toEqual(Option.some("undo"))
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        }),
      { maxSize: 1 }
    )
  })
}

/** Where a database has no two-phase transactions. */
export const noTwoPhaseContract = (backend: Backend): void => {
  describe("SAConnection.beginTwophase", () => {
    withEngine(backend, "is refused before anything is sent, as is all that belongs to it", () =>
      Effect.gen(function* () {
        const conn = yield* Effect.flatMap(Engine.Engine, (engine) => engine.acquire)
        const calls: ReadonlyArray<Effect.Effect<unknown, Errors.StatementError>> = [
          conn.beginTwophase(),
          conn.recoverTwophase,
          conn.commitPrepared("a"),
          conn.rollbackPrepared("a")
        ]
        for (const call of calls) expect(yield* Effect.flip(call)).toMatchObject({ _tag: "NotSupportedError" })
        expect(yield* conn.inTransaction).toBe(false)
        yield* conn.transaction(conn.execute("SELECT 1"))
      })
    )
  })
}

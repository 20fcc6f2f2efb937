// What the COMMIT of one transaction leaves to the next, by a session that says what it is told to.
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { SessionStatus } from "effect-sa/Driver"
import { Succession } from "../../src/Succession.js"

const autocommit = { on: "SET autocommit = 1", off: "SET autocommit = 0" }

const sessionOf = (commits = { work: true }) => {
  const session: { inTransaction: boolean; autocommit: boolean; changed: boolean } = {
    inTransaction: true,
    autocommit: true,
    changed: false
  }
  const status = (): SessionStatus => ({ ...session })
  return { session, commits, succession: new Succession({ status }, { autocommit, rollback: "ROLLBACK" }, commits) }
}

/** One in which transactions have followed each other, so that the next COMMIT is not waited for. */
const busy = () => {
  const made = sessionOf()
  for (let i = 0; i < 2; i++) {
    made.succession.begun()
    made.succession.take()
  }
  made.session.autocommit = false
  return made
}

describe("Succession", () => {
  it("switches autocommit off with the second transaction in a row, once", () => {
    const { succession } = sessionOf()
    expect(succession.take()).toBe(undefined)
    const taken = Array.from({ length: 4 }, () => {
      succession.begun()
      return succession.take()
    })
    expect(taken).toEqual([[], [autocommit.off], [], []])
  })

  it.effect("waits for the COMMIT that was sent last, whichever before it is answered late", () =>
    Effect.gen(function* () {
      const { succession } = busy()
      const first = succession.sent()
      succession.take()
      const second = succession.sent()
      let hasGone = false
      const waiting = yield* Effect.fork(
        succession.whenAnswered(() =>
          Effect.sync(() => {
            hasGone = true
          })
        )
      )
      yield* Effect.yieldNow()
      first(true)
      yield* Effect.yieldNow()
      expect([succession.isCommitting, hasGone]).toEqual([true, false])
      second(true)
      yield* Fiber.join(waiting)
      expect([succession.isCommitting, hasGone]).toEqual([false, true])
    })
  )

  it("gives back what was taken only while nothing of it can have been answered", () => {
    const { succession } = busy()
    const answered = succession.sent()
    succession.take()
    expect([succession.giveBack(), succession.hasNext]).toEqual([true, true])
    succession.take()
    answered(true)
    expect([succession.giveBack(), succession.hasNext]).toEqual([false, false])
  })

  it("hands nothing over any more, in no session of the pool, after a COMMIT that failed", () => {
    const { commits, succession } = busy()
    expect(succession.mayHandOver).toBe(true)
    succession.sent()(false)
    expect([succession.mayHandOver, commits.work]).toEqual([false, false])
    const other = sessionOf(commits)
    for (let i = 0; i < 3; i++) {
      other.succession.begun()
      expect(other.succession.take()).toEqual([])
    }
  })

  it("puts a session right by what is wrong with it", () => {
    const { session, succession } = busy()
    session.inTransaction = false
    expect(succession.isBetween()).toBe(true)
    expect(succession.end()).toEqual([autocommit.on])
    expect(succession.isBetween()).toBe(false)
    session.inTransaction = true
    succession.lookAgain(false)
    expect(succession.end()).toEqual(["ROLLBACK", autocommit.on])
  })
})

// Two-phase transactions under faults: what is lost, what is not, and who says so.
import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Either, FastCheck } from "effect"
import { Engine, type SAConnection, type SATransaction } from "effect-sa"
import { again, xids } from "../contract/TwoPhase.js"
import { servers, table, withEngine } from "../support/Backend.js"
import { eventually } from "../support/observer.js"
import { ownServer } from "../support/servers/own.js"
import { proxy } from "../traps/Proxy.js"

const root = fileURLToPath(new URL("../../", import.meta.url))
const tsx = createRequire(import.meta.url).resolve("tsx/cli")

/** Prepares in a process that is killed with kill -9, and tells by which signal it ended. */
const prepareAndDie = (url: string, xid: string, t: string) =>
  Effect.async<string | null>((resume) => {
    const child = spawn(
      process.execPath,
      [tsx, "--tsconfig", "tsconfig.json", "test/faults/twophase.child.ts", url, xid, t],
      { cwd: root, stdio: ["ignore", "ignore", "inherit"] }
    )
    child.on("close", (code, signal) => resume(Effect.succeed(signal ?? (code === 137 ? "SIGKILL" : String(code)))))
  })

const idsOf = (conn: SAConnection.SAConnection, t: string) =>
  Effect.map(conn.execute(`SELECT id FROM ${t} ORDER BY id`), ({ rows }) => rows.map((row) => row[0]))

const fresh = Effect.suspend(() => table("id INTEGER PRIMARY KEY, n INTEGER"))

for (const backend of servers()) {
  describe(`two-phase transactions on ${backend.name}`, () => {
    const cuts: ReadonlyArray<
      readonly [
        at: RegExp,
        step: "prepare" | "commit",
        prepareBefore: boolean,
        reason: string,
        left: "prepared" | "none"
      ]
    > = [
      [/^XA END/, "prepare", false, "ConnectionLost", "none"],
      [/^XA PREPARE/, "prepare", false, "CommitUnknown", "none"],
      [/^XA END/, "commit", false, "ConnectionLost", "none"],
      [/^XA COMMIT/, "commit", false, "CommitUnknown", "none"],
      [/^XA COMMIT/, "commit", true, "CommitUnknown", "prepared"]
    ]
    for (const [at, step, prepareBefore, reason, left] of cuts) {
      const what = `${prepareBefore ? "prepared before" : "not prepared before"}`
      withEngine(
        backend,
        `say ${reason} when the connection is lost at ${at.source.slice(1)}, ${what}, at ${step}`,
        () =>
          Effect.gen(function* () {
            const t = yield* fresh
            const { prefix, prepared, other } = yield* xids(backend)
            const between = yield* proxy(backend.url, (statement) => (at.test(statement) && armed ? "cut" : "pass"))
            let armed = false
            const engine = yield* Engine.make({ url: between.url, maxSize: 1 })
            const conn = yield* engine.acquire
            const trans = yield* conn.beginTwophase(`${prefix}a`)
            yield* conn.execute(`INSERT INTO ${t} VALUES (1, 0)`)
            if (prepareBefore) yield* trans.prepare
            armed = true
            expect(yield* Effect.flip(trans[step])).toMatchObject({ _tag: "OperationalError", reason })
            yield* trans.rollback
            yield* eventually(Effect.map(prepared, (found) => found.length === (left === "prepared" ? 1 : 0)))
            if (left === "prepared") yield* Effect.retry(other.commitPrepared(`${prefix}a`), again)
            expect(yield* idsOf(other, t)).toEqual(left === "prepared" ? [1] : [])
          })
      )
    }

    withEngine(backend, "of which the server refuses a step are rolled back, and their connection goes on", () =>
      Effect.gen(function* () {
        const t = yield* fresh
        const { prefix, prepared, other } = yield* xids(backend)
        let refused: RegExp | undefined
        const between = yield* proxy(backend.url, (statement) => (refused?.test(statement) ? "refuse" : "pass"))
        const engine = yield* Engine.make({ url: between.url, maxSize: 1 })
        const conn = yield* engine.acquire
        for (const [i, [at, step]] of (
          [
            [/^XA PREPARE/, "prepare"],
            [/^XA COMMIT/, "commit"]
          ] as const
        ).entries()) {
          const trans = yield* conn.beginTwophase(`${prefix}${i}`)
          yield* conn.execute(`INSERT INTO ${t} VALUES (${i}, 0)`)
          refused = at
          expect(yield* Effect.flip(trans[step])).toMatchObject({ reason: "Interrupted" })
          refused = undefined
          expect(yield* Effect.flip(trans.commit)).toMatchObject({ _tag: "InvalidRequestError" })
          expect(yield* prepared).toEqual([])
          expect(yield* idsOf(other, t)).toEqual([])
          yield* Effect.flatMap(conn.begin(), (after) => after.rollback)
        }
        // One that is prepared stays so, and can be tried again.
        const trans = yield* conn.beginTwophase(`${prefix}again`)
        yield* conn.execute(`INSERT INTO ${t} VALUES (9, 0)`)
        yield* trans.prepare
        refused = /^XA (?:COMMIT|ROLLBACK)/
        expect(yield* Effect.flip(trans.commit)).toMatchObject({ reason: "Interrupted" })
        expect(yield* Effect.flip(trans.rollback)).toMatchObject({ reason: "Interrupted" })
        refused = undefined
        expect(yield* prepared).toEqual([`${prefix}again`])
        yield* trans.commit
        expect(yield* idsOf(other, t)).toEqual([9])
      })
    )

    withEngine(
      backend,
      "that a killed process had prepared are committed by another",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const { prefix, prepared, other } = yield* xids(backend)
          expect(yield* prepareAndDie(backend.url, `${prefix}dead`, t)).toBe("SIGKILL")
          expect(yield* prepared).toEqual([`${prefix}dead`])
          yield* Effect.retry(other.commitPrepared(`${prefix}dead`), again)
          expect(yield* idsOf(other, t)).toEqual([1])
        }),
      {},
      60_000
    )

    type Command = "begin" | "prepare" | "commit" | "rollback" | "close" | "execute" | "inner" | "stale"
    const commands: FastCheck.Arbitrary<ReadonlyArray<Command>> = FastCheck.array(
      FastCheck.constantFrom<Command>(
        "begin",
        "begin",
        "prepare",
        "commit",
        "rollback",
        "close",
        "execute",
        "execute",
        "inner",
        "stale"
      ),
      { minLength: 3, maxLength: 14 }
    )
    const seed = Date.now() % 1e6
    withEngine(
      backend,
      "do in any order what their states say, and the server says the same",
      () =>
        Effect.gen(function* () {
          const t = yield* fresh
          const { prefix, prepared, other } = yield* xids(backend)
          let next = 0
          for (const run of FastCheck.sample(commands, { numRuns: 40, seed })) {
            yield* Effect.scoped(
              Effect.gen(function* () {
                const conn = yield* Effect.flatMap(Engine.Engine, (engine) => engine.acquire)
                let state: "none" | "active" | "prepared" = "none"
                let current: SATransaction.TwoPhaseTransaction | undefined
                let stale: SATransaction.TwoPhaseTransaction | undefined
                let pending: Array<number> = []
                const kept: Array<number> = []
                const end = (keep: boolean) => {
                  if (keep) kept.push(...pending)
                  pending = []
                  state = "none"
                  stale = current
                }
                for (const [at, command] of run.entries()) {
                  const where = `seed ${seed}: ${run.slice(0, at + 1).join(" ")}`
                  const was: typeof state = state
                  const succeeds = (step: Effect.Effect<unknown, unknown> | undefined) =>
                    step === undefined ? Effect.succeed(undefined) : Effect.map(Effect.either(step), Either.isRight)
                  switch (command) {
                    case "begin": {
                      const begun = yield* Effect.either(conn.beginTwophase(`${prefix}${++next}`))
                      expect(Either.isRight(begun), where).toBe(was === "none")
                      if (Either.isRight(begun)) {
                        current = begun.right
                        state = "active"
                      }
                      break
                    }
                    case "prepare":
                      expect((yield* succeeds(current?.prepare)) ?? false, where).toBe(was === "active")
                      if (was === "active") state = "prepared"
                      break
                    case "commit":
                      expect((yield* succeeds(current?.commit)) ?? false, where).toBe(was !== "none")
                      if (was !== "none") end(true)
                      break
                    case "rollback":
                      expect((yield* succeeds(current?.rollback)) ?? true, where).toBe(true)
                      if (was !== "none") end(false)
                      break
                    case "close":
                      expect((yield* succeeds(current?.close)) ?? true, where).toBe(true)
                      if (was === "active") end(false)
                      break
                    case "execute": {
                      const id = ++next
                      const did = yield* succeeds(conn.execute(`INSERT INTO ${t} VALUES (?, 0)`, [id]))
                      expect(did, where).toBe(was !== "prepared")
                      if (was === "none") kept.push(id)
                      if (was === "active") pending.push(id)
                      break
                    }
                    case "inner": {
                      if (was === "none") break
                      const inner = yield* Effect.either(conn.begin())
                      expect(Either.isRight(inner), where).toBe(was === "active")
                      if (Either.isRight(inner)) yield* inner.right.commit
                      break
                    }
                    case "stale":
                      if (stale === undefined) break
                      expect(yield* succeeds(stale.commit), where).toBe(false)
                      yield* stale.rollback
                      break
                  }
                  expect((yield* prepared).length, where).toBe(state === "prepared" ? 1 : 0)
                  expect(yield* idsOf(other, t), where).toEqual(kept)
                  if (current !== undefined) expect(yield* current.isActive, where).toBe(state !== "none")
                }
                if (current !== undefined) yield* current.rollback
              })
            )
            yield* other.execute(`DELETE FROM ${t}`)
          }
        }),
      {},
      60_000
    )
  })
}

for (const backend of servers()) {
  describe(`two-phase transactions on a ${backend.name} that is killed`, () => {
    const server = ownServer(backend)

    it.scopedLive(
      "are there when it is started again, and are committed and rolled back by their names",
      () =>
        Effect.gen(function* () {
          const { url, kill, startAgain } = server()
          const engine = yield* Engine.make({ url, maxSize: 4 })
          yield* engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")
          yield* Effect.scoped(
            Effect.gen(function* () {
              for (const [id, name] of ["kept", "undone", "not prepared"].entries()) {
                const conn = yield* engine.acquire
                const trans = yield* conn.beginTwophase({ globalId: name, branch: "o'brien" })
                yield* conn.execute(`INSERT INTO t VALUES (${id}, 0)`)
                if (name !== "not prepared") yield* trans.prepare
              }
              kill()
              yield* Effect.promise(startAgain)
            })
          )
          yield* Effect.retry(engine.execute("SELECT 1"), again)
          const conn = yield* engine.acquire
          const found = yield* conn.recoverTwophase
          expect(found).toHaveLength(2)
          for (const xid of found) {
            const isKept = typeof xid !== "string" && xid.globalId === "kept"
            yield* isKept ? conn.commitPrepared(xid) : conn.rollbackPrepared(xid)
          }
          expect(yield* idsOf(conn, "t")).toEqual([0])
          expect(yield* conn.recoverTwophase).toEqual([])
        }),
      120_000
    )
  })
}

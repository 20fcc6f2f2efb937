import { describe, expect } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Stream } from "effect"
import { Engine, type Errors, Transaction } from "effect-sa"
import { servers, table, withEngine } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"

const connectionId = Effect.map(Engine.scalar("SELECT CONNECTION_ID()"), (id) => Number(Option.getOrThrow(id)))

for (const backend of servers()) {
  const kill = (admin: Engine.Engine, id: number): Effect.Effect<void, Errors.ExecuteError | string> =>
    Effect.zipRight(
      admin.execute(`KILL ${id}`),
      eventually(
        Effect.map(
          admin.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?", [id]),
          (found) => found.rowCount === 0
        )
      )
    )

  describe(`a connection killed on ${backend.name}`, () => {
    withEngine(
      backend,
      "while it is idle is never handed out",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const id = yield* connectionId
          yield* kill(admin, id)
          expect(yield* connectionId).not.toBe(id)
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "in the middle of a statement is a typed failure, and the next one is served",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const exit = yield* Effect.exit(
            Engine.withConnection(
              Effect.gen(function* () {
                const id = yield* connectionId
                const fiber = yield* Effect.fork(Engine.execute("SELECT SLEEP(20)"))
                yield* Effect.sleep("20 millis")
                yield* kill(admin, id)
                return yield* Fiber.join(fiber)
              })
            )
          )
          expect(Exit.isFailure(exit)).toBe(true)
          const error = yield* Effect.flip(exit)
          expect(error).toMatchObject({ _tag: "OperationalError" })
          expect(["ConnectionLost", "Interrupted"]).toContain(Reflect.get(Object(error), "reason"))
          expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "inside a transaction fails it with a typed error, not a defect, whatever its body does",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const t = yield* table("id INTEGER PRIMARY KEY")
          const killed = Effect.gen(function* () {
            yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
            yield* kill(admin, yield* connectionId)
          })
          // The body's next statement finds out.
          const found = yield* Effect.flip(Engine.transaction(Effect.zipRight(killed, Engine.execute("SELECT 1"))))
          expect(found).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
          // The body catches it and succeeds: the transaction fails all the same.
          const caught = yield* Effect.flip(
            Engine.transaction(Effect.zipRight(killed, Effect.ignore(Engine.execute("SELECT 1"))))
          )
          expect(caught).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
          // The body fails with something else: that is what the transaction fails with.
          const other = yield* Effect.flip(Engine.transaction(Effect.zipRight(killed, Effect.fail("mine" as const))))
          expect(other).toBe("mine")
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "before COMMIT is sent or answered leaves the commit in doubt, and says so",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const t = yield* table("id INTEGER PRIMARY KEY")
          const error = yield* Effect.flip(
            Engine.transaction(
              Effect.gen(function* () {
                yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
                const id = yield* connectionId
                // Not waited for: the end of the socket is on its way when COMMIT goes out.
                yield* admin.execute(`KILL ${id}`)
              })
            )
          )
          expect(error).toMatchObject({ _tag: "OperationalError" })
          expect(["CommitUnknown", "ConnectionLost"]).toContain(Reflect.get(Object(error), "reason"))
          expect(yield* Engine.scalar("SELECT 1")).toEqual(Option.some(1))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "before BEGIN makes that a typed failure, with no ROLLBACK after it",
      () =>
        Effect.gen(function* () {
          const admin = yield* observer(backend)
          const engine = yield* Engine.Engine
          yield* Effect.scoped(
            Effect.gen(function* () {
              const conn = yield* engine.acquire
              yield* kill(admin, Number(conn.id))
              const error = yield* Effect.flip(conn.transaction(Effect.die("the body must not run")))
              expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
            })
          )
          expect(yield* engine.scalar("SELECT 1")).toEqual(Option.some(1))
        }),
      { maxSize: 1 }
    )
  })

  describe(`what a user leaves in the session of ${backend.name}`, () => {
    const leftovers: ReadonlyArray<
      readonly [title: string, leave: ReadonlyArray<string>, look: string, clean: unknown]
    > = [
      ["a session variable", ["SET SESSION sort_buffer_size = 77824"], "SELECT @@sort_buffer_size = 77824", 0],
      ["a user variable", ["SET @left = 1"], "SELECT @left IS NULL", 1],
      ["a user variable set by a select", ["SELECT @left := 1"], "SELECT @left IS NULL", 1],
      ["the time zone", ["SET time_zone = '+05:00'"], "SELECT @@time_zone", "+00:00"],
      ["autocommit", ["SET autocommit = 0"], "SELECT @@autocommit", 1],
      ["the default database", ["USE information_schema"], "SELECT DATABASE() = 'information_schema'", 0],
      ["a lock", ["SELECT GET_LOCK('effect_sa_left', 0)"], "SELECT IS_USED_LOCK('effect_sa_left') IS NULL", 1],
      [
        "a transaction",
        ["START TRANSACTION"],
        "SELECT count(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = CONNECTION_ID()",
        0
      ],
      [
        "a transaction's isolation level",
        ["SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
        `SELECT @@${backend.name === "mariadb" ? "tx" : "transaction"}_isolation`,
        "REPEATABLE-READ"
      ]
    ]
    for (const [title, leave, look, clean] of leftovers) {
      withEngine(
        backend,
        `${title} does not reach the next`,
        () =>
          Effect.gen(function* () {
            const id = yield* connectionId
            for (const sql of leave) yield* Engine.execute(sql)
            expect(yield* Engine.scalar(look)).toEqual(Option.some(clean))
            // It was reset, not replaced.
            expect(yield* connectionId).toBe(id)
          }),
        { maxSize: 1 }
      )
    }

    withEngine(
      backend,
      "costs a plain statement nothing: nothing was left, nothing is reset",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY, name VARCHAR(20)")
          // A reset sets the session's own counters back.
          const questions = Effect.map(Engine.execute("SHOW SESSION STATUS LIKE 'Questions'"), (result) =>
            Number(result.rows[0]?.[1])
          )
          for (let i = 0; i < 20; i++) yield* Engine.scalar("SELECT 1")
          const before = yield* questions
          expect(before).toBeGreaterThan(20)
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?)`, [1, "a"])
          yield* Engine.execute(`UPDATE ${t} SET name = upper(name) WHERE id = ?`, [1])
          yield* Engine.scalar(`SELECT count(*) FROM ${t} WHERE name LIKE ?`, ["A%"])
          yield* Engine.transaction(Engine.execute(`DELETE FROM ${t} WHERE id = ?`, [1]))
          expect(yield* questions).toBeGreaterThan(before)
        }),
      { maxSize: 1 }
    )
  })

  describe(`a transaction on ${backend.name}`, () => {
    withEngine(
      backend,
      "one of whose statements was interrupted was rolled back, and is not in doubt",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const error = yield* Effect.flip(
            Engine.transaction(
              Effect.zipRight(
                Engine.execute(`INSERT INTO ${t} VALUES (1)`),
                Effect.option(Effect.timeout(Engine.execute("SELECT SLEEP(5)"), "30 millis"))
              )
            )
          )
          expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        }),
      { maxSize: 1 }
    )

    withEngine(
      backend,
      "goes on after a stream in it that ended early, however long that is",
      () =>
        Effect.gen(function* () {
          const t = yield* table("id INTEGER PRIMARY KEY")
          const rows =
            "SELECT a.table_name AS n FROM information_schema.COLUMNS a, information_schema.COLUMNS b LIMIT 60000"
          yield* Engine.transaction(
            Effect.gen(function* () {
              yield* Engine.execute(`INSERT INTO ${t} VALUES (1)`)
              yield* Stream.runHead(Engine.stream(rows))
              yield* Engine.execute(`INSERT INTO ${t} VALUES (2)`)
            })
          )
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(2))
        }),
      { maxSize: 1 }
    )
  })

  describe(`a deadlock on ${backend.name}`, () => {
    /** Two transactions that each hold a row that the other wants. */
    const collide = (
      t: string,
      run: (first: number, second: number) => Effect.Effect<unknown, unknown, Engine.Engine>
    ) =>
      Effect.zipRight(
        Engine.execute(`INSERT INTO ${t} VALUES (1, 0), (2, 0)`),
        Effect.all([Effect.exit(run(1, 2)), Effect.exit(run(2, 1))], { concurrency: 2 })
      )
    const add = (t: string, id: number) => Engine.execute(`UPDATE ${t} SET n = n + 1 WHERE id = ?`, [id])
    const both = (t: string, first: number, second: number) =>
      Effect.zipRight(Effect.zipRight(add(t, first), Effect.sleep("50 millis")), add(t, second))

    withEngine(backend, "is typed, and undoes the whole transaction of its victim", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, n INTEGER")
        const exits = yield* collide(t, (first, second) => Engine.transaction(both(t, first, second)))
        const failures = yield* Effect.forEach(exits.filter(Exit.isFailure), Effect.flip)
        expect(failures).toMatchObject([{ _tag: "OperationalError", reason: "Deadlock" }])
        expect((yield* Engine.execute(`SELECT n FROM ${t}`)).rows.map((row) => row[0])).toEqual([1, 1])
      })
    )

    withEngine(backend, "that its body catches fails the transaction all the same, and runs nothing more", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, n INTEGER")
        const after: Array<unknown> = []
        const exits = yield* collide(t, (first, second) =>
          Engine.transaction(
            Effect.catchAll(both(t, first, second), () =>
              Effect.map(Effect.flip(add(t, first)), (error) => after.push(error))
            )
          )
        )
        expect(after).toMatchObject([{ _tag: "InvalidRequestError" }])
        const failures = yield* Effect.forEach(exits.filter(Exit.isFailure), Effect.flip)
        expect(failures).toMatchObject([{ _tag: "OperationalError", reason: "Deadlock" }])
        expect((yield* Engine.execute(`SELECT n FROM ${t}`)).rows.map((row) => row[0])).toEqual([1, 1])
      })
    )

    withEngine(backend, "is over when the transaction is run again by retryDeadlocks", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, n INTEGER")
        const exits = yield* collide(t, (first, second) =>
          Engine.transaction(both(t, first, second), { retry: Transaction.retryDeadlocks({ times: 5 }) })
        )
        expect(exits.every(Exit.isSuccess)).toBe(true)
        expect((yield* Engine.execute(`SELECT n FROM ${t}`)).rows.map((row) => row[0])).toEqual([2, 2])
      })
    )
  })
}

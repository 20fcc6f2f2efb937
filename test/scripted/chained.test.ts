// A server that refuses ROLLBACK, which a real one does only when it is killed in just that moment.
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Connection, type Driver, Errors, Options, Statement } from "effect-sa"

/** A connection of which every statement works but ROLLBACK, and what it was asked to execute. */
const refusing = (executed: Array<ReadonlyArray<string>>): Driver.DriverConnection => {
  const refused = new Errors.OperationalError({ reason: "Interrupted", message: "no", statement: "ROLLBACK" })
  return {
    id: "1",
    server: { product: "MariaDB", version: "10.11" },
    status: () => ({ inTransaction: true, autocommit: true, changed: false }),
    waitingFor: () => 0,
    lastAnswerAt: () => 0,
    isBusy: () => false,
    isRetired: () => false,
    closed: () => undefined,
    execute: ({ before, sql }) => {
      executed.push([...before, sql])
      return [...before, sql].includes("ROLLBACK") ? Effect.fail(refused) : Effect.succeed({ ...emptyAnswer })
    },
    executeMany: () => Effect.fail(refused),
    stream: () => Effect.fail(refused),
    selectDatabase: () => Effect.void,
    warnings: Effect.succeed([]),
    ping: () => Effect.void,
    reset: () => Effect.void,
    destroy: () => {}
  }
}

const emptyAnswer: Driver.DriverResult = {
  columns: undefined,
  rows: [],
  affectedRows: 0,
  changedRows: 0,
  lastInsertId: undefined,
  warningCount: 0,
  elapsed: 0,
  next: undefined
}

const connectionTo = (driver: Driver.DriverConnection) =>
  Effect.flatMap(Options.settings({ url: "mysql://nobody@127.0.0.1/nothing" }), (settings) =>
    Effect.flatten(
      Connection.opener({ ...settings, driver: Effect.succeed({ name: "scripted", connect: Effect.succeed(driver) }) })
    )
  )

const execute = (connection: Connection.Connection, sql: string) => {
  const compiled = Statement.compileText(sql, undefined, connection.dialect)
  return compiled instanceof Errors.ArgumentError
    ? Effect.die(compiled)
    : connection.execute(compiled, connection.values)
}

describe("a transaction that began with a commit and cannot be rolled back", () => {
  for (const [title, sql, sent] of [
    ["what writes rows goes with the ROLLBACK", "INSERT INTO t VALUES (1)", [["ROLLBACK", "INSERT INTO t VALUES (1)"]]],
    ["what could commit waits for the answer and is not sent", "CREATE TABLE t (id INT)", [["ROLLBACK"]]],
    ["what could leave something waits for the answer and is not sent", "CALL p()", [["ROLLBACK"]]]
  ] as const) {
    it.scoped(`fails the next statement and ends the connection, so that nothing stays: ${title}`, () =>
      Effect.gen(function* () {
        const executed: Array<ReadonlyArray<string>> = []
        const connection = yield* connectionTo(refusing(executed))
        yield* connection.commit(true)
        expect(yield* Effect.flip(execute(connection, sql))).toMatchObject({ reason: "Interrupted" })
        expect(executed).toEqual([["COMMIT AND CHAIN"], ...sent])
        expect(connection.isSpent()).toBe(true)
        expect(connection.recycle(true)).toBe("discard")
      })
    )
  }

  it.scoped("is not kept by a connection at rest", () =>
    Effect.gen(function* () {
      const connection = yield* connectionTo(refusing([]))
      yield* connection.commit(true)
      const resting = connection.recycle(false)
      expect(yield* Effect.isEffect(resting) ? resting : Effect.succeed(resting)).toBe("discard")
    })
  )
})

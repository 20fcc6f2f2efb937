// The handles of aiomysql.sa 0.3 over this package's connection, with their faults: what a connection is in is set before
// the statement that begins it has worked; an inner rollback ends the transaction while the outer block goes on; closing a
// savepoint sends nothing, and closing a connection ends only what is innermost; and of two-phase transactions the name is
// bound at XA START and pasted elsewhere, XA COMMIT never has ONE PHASE, nothing is forgotten at the end, and recovering
// reads the format's number for the name.
import { Data, Effect } from "effect"
import { Connection, Errors, Statement } from "effect-sa"
import type { Handle, Session, TransactionSubject, TwoPhaseHandle } from "../traps/transactions.js"

/** What Python raises. */
class Raised extends Data.TaggedError("Raised")<{ readonly message: string }> {}

type Run = (sql: string) => Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, unknown>

interface State {
  current: Node | undefined
  savepoints: number
}

/** `Transaction` and its kinds. */
class Node implements Handle {
  active = true
  constructor(
    readonly parent: Node | undefined,
    private readonly doCommit: Effect.Effect<unknown, unknown>,
    private readonly doRollback: Effect.Effect<unknown, unknown>
  ) {}
  private get isAlive(): boolean {
    return this.parent === undefined ? this.active : this.parent.active
  }
  private end(what: Effect.Effect<unknown, unknown>): Effect.Effect<void, unknown> {
    return Effect.map(what, () => {
      this.active = false
    })
  }
  get commit(): Effect.Effect<void, unknown> {
    return Effect.suspend(() =>
      this.isAlive ? this.end(this.doCommit) : Effect.fail(new Raised({ message: "This transaction is inactive" }))
    )
  }
  get rollback(): Effect.Effect<void, unknown> {
    return Effect.suspend(() => (this.isAlive ? this.end(this.doRollback) : Effect.void))
  }
  get close(): Effect.Effect<void, unknown> {
    return Effect.suspend(() => (this.isAlive && this.parent === undefined ? this.rollback : Effect.void))
  }
}

const sessionOf = (run: Run): Session => {
  const state: State = { current: undefined, savepoints: 0 }
  const ending = (sql: string, after: Node | undefined) =>
    Effect.ensuring(
      run(sql),
      Effect.sync(() => {
        state.current = after
      })
    )
  const begin: Effect.Effect<Handle, unknown> = Effect.suspend(() => {
    const { current } = state
    if (current !== undefined) {
      return Effect.succeed(
        new Node(
          current,
          Effect.void,
          Effect.suspend(() => current.rollback)
        )
      )
    }
    const root = new Node(undefined, ending("COMMIT", undefined), ending("ROLLBACK", undefined))
    state.current = root
    return Effect.as(run("BEGIN"), root)
  })
  const beginNested: Effect.Effect<Handle, unknown> = Effect.suspend(() => {
    const parent = state.current
    if (parent === undefined) return begin
    const name = `aiomysql_sa_savepoint_${++state.savepoints}`
    const nested = new Node(
      parent,
      ending(`RELEASE SAVEPOINT ${name}`, parent),
      ending(`ROLLBACK TO SAVEPOINT ${name}`, parent)
    )
    state.current = nested
    return Effect.as(run(`SAVEPOINT ${name}`), nested)
  })
  const beginTwophase = (xid: string): Effect.Effect<TwoPhaseHandle, unknown> =>
    Effect.suspend(() => {
      if (state.current !== undefined) return Effect.fail(new Raised({ message: "already in progress" }))
      let isPrepared = false
      const end = (verb: string) =>
        Effect.suspend(() =>
          Effect.zipRight(isPrepared ? Effect.void : run(`XA END '${xid}'`), run(`XA ${verb} '${xid}'`))
        )
      const node = new Node(undefined, end("COMMIT"), end("ROLLBACK"))
      state.current = node
      const handle: TwoPhaseHandle = {
        commit: Effect.suspend(() => node.commit),
        rollback: Effect.suspend(() => node.rollback),
        close: Effect.suspend(() => node.close),
        prepare: Effect.gen(function* () {
          yield* run(`XA END '${xid}'`)
          yield* run(`XA PREPARE '${xid}'`)
          isPrepared = true
        })
      }
      return Effect.as(run(`XA START '${xid.replaceAll("'", "''")}'`), handle)
    })
  return {
    execute: run,
    begin,
    beginNested,
    beginTwophase,
    recover: Effect.map(run("XA RECOVER"), (rows) => rows.map((row) => row[0])),
    close: Effect.gen(function* () {
      if (state.current !== undefined) yield* state.current.rollback
      // `Engine.release`: what is left open is an error.
      const left = state.current
      if (left?.active === true)
        return yield* Effect.fail(new Raised({ message: "Cannot release a connection with not finished transaction" }))
    })
  }
}

export const aiomysqlTransactions: Pick<TransactionSubject, "make"> = {
  make: (url) =>
    Effect.map(Connection.make({ url }), (connection) =>
      sessionOf((sql) =>
        Effect.suspend((): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, unknown> => {
          const compiled = Statement.compileText(sql, undefined, connection.dialect)
          return compiled instanceof Errors.ArgumentError
            ? Effect.fail(compiled)
            : Effect.map(connection.execute(compiled, connection.values), ({ rows }) => rows)
        })
      )
    )
}

// Traps for transactions as handles, in the manner of aiomysql.sa.
import { Effect, Exit, type Scope } from "effect"
import { type Admin, admin } from "./Admin.js"
import { proxy } from "./Proxy.js"
import { must, mustFailTyped, told, type Trap } from "./Trap.js"

type Step<A = void> = Effect.Effect<A, unknown>

export interface Handle {
  readonly commit: Step
  readonly rollback: Step
  readonly close: Step
}

export interface TwoPhaseHandle extends Handle {
  readonly prepare: Step
}

/** A connection under test. */
export interface Session {
  readonly execute: (sql: string) => Step<unknown>
  readonly begin: Step<Handle>
  readonly beginNested: Step<Handle>
  readonly beginTwophase: (xid: string) => Step<TwoPhaseHandle>
  /** Names that are prepared. */
  readonly recover: Step<ReadonlyArray<unknown>>
  /** Gives the connection back. */
  readonly close: Step
}

export interface TransactionSubject {
  readonly url: string
  readonly make: (url: string) => Effect.Effect<Session, unknown, Scope.Scope>
}

const rowsOf = (look: Admin, table: string): Effect.Effect<string, Error> =>
  Effect.map(look.query(`SELECT id FROM ${table} ORDER BY id`), (rows) => rows.join(",") || "none")

let names = 0
/** With a quote in it, as people have in theirs. */
const quoted = (): string => `o'brien.${process.pid}.${++names}`
const plain = (): string => `trap.${process.pid}.${++names}`

/** What a subject leaves prepared would keep its rows locked. */
const forget = (look: Admin, xid: string): Effect.Effect<void> =>
  Effect.ignore(look.query(`XA ROLLBACK X'${Buffer.from(xid).toString("hex")}'`))

export const transactionTraps: ReadonlyArray<Trap<TransactionSubject>> = [
  {
    id: "T-60",
    title: "after an inner rollback nothing runs outside of a transaction before the outer one ends",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const session = yield* make(url)
        yield* session.begin
        yield* session.execute(`INSERT INTO ${t} VALUES (1)`)
        const inner = yield* session.begin
        yield* inner.rollback
        const exit = yield* Effect.exit(session.execute(`INSERT INTO ${t} VALUES (2)`))
        const kept = yield* rowsOf(look, t)
        yield* must(kept === "none", `rows that others see before the outer one has ended: ${kept}`)
        yield* mustFailTyped(exit)
      })
  },
  ...(["begin", "beginNested"] as const).map(
    (how): Trap<TransactionSubject> => ({
      id: "T-61",
      title: `a ${how} that failed leaves nothing behind that the connection's end would stumble over`,
      run: ({ url, make }) =>
        Effect.gen(function* () {
          const look = yield* admin(url)
          const t = yield* look.table("id INTEGER PRIMARY KEY")
          let refuse = false
          const between = yield* proxy(url, (statement) =>
            refuse && /^(BEGIN|SAVEPOINT)/.test(statement) ? "refuse" : "pass"
          )
          const session = yield* make(between.url)
          if (how === "beginNested") yield* session.begin
          yield* session.execute(`SELECT 1 FROM ${t}`)
          refuse = true
          const begun = yield* Effect.exit(session[how])
          if (Exit.isSuccess(begun)) return yield* Effect.fail("nothing was refused: the trap has shown nothing")
          refuse = false
          if (how === "begin") {
            // Whoever tries again must be in a transaction then.
            yield* Effect.exit(session.begin)
            yield* Effect.exit(session.execute(`INSERT INTO ${t} VALUES (1)`))
            const kept = yield* rowsOf(look, t)
            yield* must(kept === "none", `after a second begin, rows that others see before its end: ${kept}`)
          }
          const closed = yield* Effect.exit(session.close)
          yield* must(Exit.isSuccess(closed), `its close ended with ${told(closed)}`)
        })
    })
  ),
  {
    id: "T-62",
    title: "a connection that is closed with an open savepoint rolls back the whole transaction",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        yield* look.query(`INSERT INTO ${t} VALUES (1)`)
        const session = yield* make(url)
        yield* session.begin
        yield* session.execute(`DELETE FROM ${t}`)
        yield* session.beginNested
        const closed = yield* Effect.exit(session.close)
        yield* must(Exit.isSuccess(closed), `its close ended with ${told(closed)}`)
        const locked = yield* Effect.exit(look.query(`SELECT id FROM ${t} FOR UPDATE NOWAIT`))
        yield* must(Exit.isSuccess(locked), `after its close the rows are still locked: ${told(locked)}`)
      })
  },
  {
    id: "T-62",
    title: "closing a savepoint undoes what was done in it",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const session = yield* make(url)
        const root = yield* session.begin
        yield* session.execute(`INSERT INTO ${t} VALUES (1)`)
        const savepoint = yield* session.beginNested
        yield* session.execute(`INSERT INTO ${t} VALUES (2)`)
        yield* savepoint.close
        yield* root.commit
        const kept = yield* rowsOf(look, t)
        yield* must(
          kept === "1",
          `rows after the commit: ${kept}; of a savepoint that was closed, nothing was to be kept`
        )
      })
  },
  {
    id: "T-63",
    title: "a two-phase transaction with a quote in its name is prepared, found and committed",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const xid = quoted()
        yield* Effect.addFinalizer(() => forget(look, xid))
        const session = yield* make(url)
        const trans = yield* session.beginTwophase(xid)
        yield* session.execute(`INSERT INTO ${t} VALUES (1)`)
        const ended = yield* Effect.exit(Effect.zipRight(trans.prepare, trans.commit))
        yield* must(Exit.isSuccess(ended), `it ended with ${told(ended)}`)
        const kept = yield* rowsOf(look, t)
        yield* must(kept === "1", `rows after the commit: ${kept}`)
      })
  },
  {
    id: "T-63",
    title: "a two-phase transaction commits that was not prepared",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const xid = plain()
        yield* Effect.addFinalizer(() => forget(look, xid))
        const session = yield* make(url)
        const trans = yield* session.beginTwophase(xid)
        yield* session.execute(`INSERT INTO ${t} VALUES (1)`)
        const ended = yield* Effect.exit(trans.commit)
        yield* must(Exit.isSuccess(ended), `its commit ended with ${told(ended)}`)
        const kept = yield* rowsOf(look, t)
        yield* must(kept === "1", `rows after the commit: ${kept}`)
      })
  },
  {
    id: "T-63",
    title: "what is begun after a two-phase transaction is a transaction",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const xid = plain()
        yield* Effect.addFinalizer(() => forget(look, xid))
        const session = yield* make(url)
        const trans = yield* session.beginTwophase(xid)
        yield* trans.prepare
        yield* trans.commit
        const second = yield* session.begin
        yield* session.execute(`INSERT INTO ${t} VALUES (1)`)
        yield* second.rollback
        const kept = yield* rowsOf(look, t)
        yield* must(kept === "none", `rows after a rollback: ${kept}`)
      })
  },
  {
    id: "T-63",
    title: "what is prepared is recovered by its name",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const xid = plain()
        yield* Effect.addFinalizer(() => forget(look, xid))
        const [session, other] = [yield* make(url), yield* make(url)]
        const trans = yield* session.beginTwophase(xid)
        yield* trans.prepare
        const found = yield* Effect.exit(other.recover)
        yield* must(
          Exit.isSuccess(found) && found.value.includes(xid),
          `recovering ended with ${told(found)}, without ${xid}`
        )
        yield* trans.rollback
      })
  }
]

/**
 * Two-phase transactions: what is prepared, so that it can be committed whatever happens meanwhile, and what becomes of it.
 * As a state machine that knows no pool and no handles.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { Connection } from "./Connection.js"
import type { TwoPhaseStatements, XidBytes } from "./Dialect.js"
import {
  ArgumentError,
  type DriverError,
  InterfaceError,
  InvalidRequestError,
  isDriverError,
  NotSupportedError,
  OperationalError
} from "./Errors.js"
import * as Statement from "./Statement.js"
import * as Transaction from "./Transaction.js"
import { defaultValueOptions } from "./Value.js"
import * as Xid from "./Xid.js"

/**
 * Where a two-phase transaction is. `active` takes statements; `prepared` takes none, and is kept by the server whatever
 * becomes of its connection; `ended` was committed or rolled back, or nobody here knows.
 *
 * @since 0.1.0
 * @category models
 */
export type State = "active" | "prepared" | "ended"

type Step = Effect.Effect<void, Transaction.TransactionError>

/** Its numbers are those of branches that the server has rolled back, or does not have (any more). */
const rolledBack: ReadonlySet<number | undefined> = new Set([1402, 1613, 1614])
const unknownXid = 1397

const isRolledBack = (error: Transaction.TransactionError): boolean =>
  isDriverError(error) && error._tag === "OperationalError" && rolledBack.has(error.errno)

const isGone = (error: Transaction.TransactionError): boolean =>
  isRolledBack(error) || (error._tag === "ProgrammingError" && error.errno === unknownXid)

/** How long a look at the session may take after a failure. */
const lookTimeout = 5_000

/**
 * What the levels of a two-phase transaction share. After a deadlock the session stays in it, and it can only be rolled
 * back.
 */
class BranchRoot extends Transaction.Root {
  override noteFailure(error: DriverError): Effect.Effect<void> {
    const isKilled = isRolledBack(error) || (error._tag === "OperationalError" && error.reason === "Deadlock")
    return Effect.map(super.noteFailure(error), () => {
      if (isKilled && this.phase._tag === "active") this.phase = { _tag: "dead", killer: error }
    })
  }
}

/**
 * What one session does of a two-phase transaction (its branch). Its steps are run one at a time, where they cannot be
 * interrupted.
 *
 * | | active | prepared | rolled back by the server | ended |
 * |---|---|---|---|---|
 * | a statement | runs | `InvalidRequestError` | `InvalidRequestError` | `InvalidRequestError` |
 * | `prepare` | XA END, XA PREPARE | `InvalidRequestError` | fails with what it was | `InvalidRequestError` |
 * | `commit` | XA END, XA COMMIT … ONE PHASE | XA COMMIT | fails with what it was | `InvalidRequestError` |
 * | `rollback` | XA END, XA ROLLBACK | XA ROLLBACK | XA ROLLBACK | nothing |
 *
 * @internal
 */
export class Branch {
  state: State = "active"
  readonly root: Transaction.Root
  readonly level: Transaction.Level

  constructor(
    private readonly host: Transaction.Host,
    private readonly statements: TwoPhaseStatements,
    private readonly xid: XidBytes
  ) {
    this.root = new BranchRoot(host, [], false)
    this.level = new Transaction.Level(this.root, 0)
  }

  isNamed(xid: XidBytes): boolean {
    return this.statements.commit(xid) === this.statements.commit(this.xid)
  }

  /**
   * A session of MariaDB whose XA START was refused, for one, because there is one of this name, takes no other statement
   * as it should until a ROLLBACK.
   */
  get start(): Step {
    const { host } = this
    return Effect.tapError(host.control(this.statements.start(this.xid), 0), (error) =>
      isDriverError(error) && !host.isSpent()
        ? Effect.catchAll(Effect.uninterruptible(host.control(host.dialect.rollback, host.endTimeout)), () =>
            Effect.sync(() => host.spend())
          )
        : Effect.void
    )
  }

  get prepare(): Step {
    return Effect.suspend(() => {
      switch (this.state) {
        case "active":
          return Effect.zipRight(this.endStatements, this.sendPrepare)
        case "prepared":
          return Effect.fail(invalid(preparedAlready))
        case "ended":
          return Effect.fail(invalid(over))
      }
    })
  }

  get commit(): Step {
    return Effect.suspend(() => {
      switch (this.state) {
        case "active":
          return Effect.zipRight(this.endStatements, this.sendCommitOnePhase)
        case "prepared":
          return this.commitPrepared
        case "ended":
          return Effect.fail(invalid(over))
      }
    })
  }

  get rollback(): Step {
    return Effect.suspend(() => {
      switch (this.state) {
        case "active":
          return this.rollbackActive
        case "prepared":
          return this.rollbackPrepared
        case "ended":
          return Effect.void
      }
    })
  }

  /**
   * The connection goes to somebody else: nothing is sent on it any more. A session that still has what is prepared is
   * ended and not reset: MariaDB lets go of it by half at a reset, and then answers OK to a COMMIT of another session that
   * commits nothing.
   */
  abandon(): void {
    if (this.state === "prepared" && this.host.status().inTransaction) this.host.spend()
    this.end(over)
  }

  private end(why: string): void {
    this.state = "ended"
    this.root.phase = { _tag: "ended", why }
  }

  private control(statement: keyof Omit<TwoPhaseStatements, "recover">): Step {
    return this.host.control(this.statements[statement](this.xid), this.host.endTimeout)
  }

  /** After this the server takes no statement for it. What it refuses here has not been prepared and is rolled back. */
  private get endStatements(): Step {
    const ended = Effect.suspend((): Step => {
      const { phase } = this.root
      if (this.host.isSpent()) return Effect.fail(lost(rollsBack))
      switch (phase._tag) {
        case "dead":
          return Effect.fail(phase.killer)
        case "committed":
          return Effect.fail(invalid("a statement of the program's own has ended this two-phase transaction"))
        case "ended":
          return Effect.fail(invalid(over))
        case "active":
          return this.control("end")
      }
    })
    return Effect.catchAll(Effect.zipRight(this.sure, ended), (error) =>
      this.isUntouched(error) ? Effect.fail(error) : Effect.zipRight(this.discard, Effect.fail(error))
    )
  }

  /** Of a statement that was interrupted it has to be asked what it did. */
  private get sure(): Effect.Effect<void> {
    return Effect.suspend(() => (this.root.isUnsure ? this.root.becomeSure : Effect.void))
  }

  /** What is refused here, while a stream is open, was never sent. */
  private isUntouched(error: Transaction.TransactionError): boolean {
    return this.root.phase._tag === "active" && !isDriverError(error)
  }

  private get sendPrepare(): Step {
    return Effect.suspend(() => (this.host.isSpent() ? this.lostBefore : this.answeredPrepare))
  }

  private get lostBefore(): Step {
    this.end(over)
    return Effect.fail(lost(rollsBack))
  }

  private get answeredPrepare(): Step {
    return Effect.matchEffect(this.control("prepare"), {
      onSuccess: () =>
        Effect.sync(() => {
          this.state = "prepared"
          this.root.phase = { _tag: "ended", why: preparedTakesNone }
        }),
      onFailure: (error) => {
        if (this.host.isSpent()) {
          this.end(over)
          return Effect.fail(unknown("XA PREPARE", "is prepared, or was rolled back", error))
        }
        return Effect.flatMap(this.discard, (isSure) =>
          Effect.fail(isSure ? error : unknown("XA PREPARE", "is prepared, or was rolled back", error))
        )
      }
    })
  }

  private get sendCommitOnePhase(): Step {
    return Effect.suspend(() => (this.host.isSpent() ? this.lostBefore : this.answeredCommit))
  }

  private get answeredCommit(): Step {
    return Effect.matchEffect(this.control("commitOnePhase"), {
      onSuccess: () => Effect.sync(() => this.end(over)),
      onFailure: (error) => {
        if (this.host.isSpent()) {
          this.end(over)
          return Effect.fail(unknown("XA COMMIT", "was committed, or rolled back", error))
        }
        return Effect.zipRight(this.discard, Effect.fail(error))
      }
    })
  }

  /** One that the server refuses is still prepared, and can be committed later, unless there is none of this name. */
  private get commitPrepared(): Step {
    if (this.host.isSpent()) return Effect.fail(lost(stillPrepared))
    return Effect.matchEffect(this.control("commit"), {
      onSuccess: () => Effect.sync(() => this.end(over)),
      onFailure: (error) => {
        if (this.host.isSpent()) {
          this.end(over)
          return Effect.fail(unknown("XA COMMIT", "was committed, or is still prepared", error))
        }
        return isGone(error) ? Effect.zipRight(this.forget, Effect.fail(error)) : Effect.fail(error)
      }
    })
  }

  private get rollbackPrepared(): Step {
    if (this.host.isSpent()) return Effect.fail(lost(stillPrepared))
    return Effect.matchEffect(this.control("rollback"), {
      onSuccess: () => Effect.sync(() => this.end(over)),
      onFailure: (error) => {
        if (!isGone(error)) return Effect.fail(error)
        return Effect.zipRight(this.forget, isRolledBack(error) ? Effect.void : Effect.fail(error))
      }
    })
  }

  private get rollbackActive(): Step {
    return Effect.suspend(() => {
      this.end(over)
      // A connection that was lost or interrupted is rolled back by the server when it notices.
      if (this.host.isSpent()) return Effect.void
      return Effect.zipRight(
        Effect.ignore(this.control("end")),
        Effect.catchAll(this.control("rollback"), (error) => {
          if (isGone(error)) return this.forget
          this.host.spend()
          return Effect.fail(error)
        })
      )
    })
  }

  /** Rolls back what is of no more use. Whether it surely is: a session that cannot say so is ended. */
  private get discard(): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const isLost = this.host.isSpent()
      return Effect.match(this.rollbackActive, { onSuccess: () => !isLost, onFailure: () => false })
    })
  }

  /** There is nothing left on the server, and the session has to say that it is in no transaction. */
  private get forget(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.end(over)
      return Effect.match(this.host.ping(lookTimeout), {
        onFailure: () => this.host.spend(),
        onSuccess: () => {
          if (this.host.status().inTransaction) this.host.spend()
        }
      })
    })
  }
}

/**
 * Ends what some other session has prepared, where it cannot be interrupted.
 *
 * @internal
 */
export const endPrepared = (
  host: Transaction.Host,
  statements: TwoPhaseStatements,
  xid: XidBytes,
  how: "commit" | "rollback"
): Step =>
  Effect.suspend(() => {
    if (host.isSpent()) return Effect.fail(lost(stillPrepared))
    return Effect.catchAll(host.control(statements[how](xid), host.endTimeout), (error): Step => {
      if (how === "rollback") return isRolledBack(error) ? Effect.void : Effect.fail(error)
      return host.isSpent()
        ? Effect.fail(unknown("XA COMMIT", "was committed, or is still prepared", error))
        : Effect.fail(error)
    })
  })

/**
 * What is prepared on a server.
 *
 * @internal
 */
export const recover = (
  connection: Connection
): Effect.Effect<ReadonlyArray<Xid.Xid>, Transaction.TransactionError> => {
  const { dialect, server } = connection
  if (dialect.twoPhase instanceof NotSupportedError) return Effect.fail(dialect.twoPhase)
  const compiled = Statement.compileText(dialect.twoPhase.recover(server.product), undefined, dialect)
  if (compiled instanceof ArgumentError) return Effect.fail(compiled)
  // It leaves nothing in the session, and its values are to be as they are, whatever the options ask for.
  return Effect.flatMap(
    connection.execute({ ...compiled, leavesState: false }, defaultValueOptions),
    ({ rows }): Effect.Effect<ReadonlyArray<Xid.Xid>, InterfaceError> => {
      const xids = rows.map(Xid.ofRecovered)
      const known = xids.filter((xid) => xid !== undefined)
      return known.length === xids.length
        ? Effect.succeed(known)
        : Effect.fail(new InterfaceError({ reason: "Protocol", message: "XA RECOVER has rows of an unknown shape" }))
    }
  )
}

const over = "this two-phase transaction is over"
const preparedAlready = "this two-phase transaction is prepared already: commit it, or roll it back"
const preparedTakesNone =
  "the two-phase transaction of this connection is prepared: until it is committed or rolled back there are no statements"
const rollsBack = "its connection was lost before it was prepared or committed: the server rolls it back"
const stillPrepared =
  "the connection was lost before: it is still prepared, and another connection can commit it or roll it back by its xid"

const invalid = (message: string): InvalidRequestError => new InvalidRequestError({ message })

const lost = (message: string): OperationalError => new OperationalError({ reason: "ConnectionLost", message })

/** What was sent and not answered: nobody may take it for either. */
const unknown = (at: string, what: string, cause: Transaction.TransactionError): OperationalError =>
  new OperationalError({
    reason: "CommitUnknown",
    message: `the connection was lost at ${at}: the two-phase transaction ${what}; recoverTwophase says whether it is prepared (${cause.message})`,
    errno: isDriverError(cause) ? cause.errno : undefined,
    sqlState: isDriverError(cause) ? cause.sqlState : undefined,
    statement: isDriverError(cause) ? cause.statement : undefined,
    cause
  })

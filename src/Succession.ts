/**
 * Transactions of one session that follow each other: what the COMMIT of one leaves to the next, and what puts the session
 * right for whoever wants no transaction (docs/adr/0010 and 0014). It knows what state the session is in, and sends nothing.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { Dialect } from "./Dialect.js"
import type { DriverConnection } from "./Driver.js"

/**
 * What all sessions of a pool know of each other.
 *
 * @since 0.1.0
 * @category models
 */
export interface Commits {
  /** No COMMIT has failed behind which the next transaction came. */
  work: boolean
}

const nothing: ReadonlyArray<string> = []

/**
 * The transactions of one session.
 *
 * @since 0.1.0
 * @category models
 */
export class Succession {
  /** The session is in a transaction that began with the last COMMIT, and nobody has taken it. */
  private isUntaken = false
  /** How many in a row began so. */
  private length = 0
  /** Autocommit was switched off, by `take`: whether it is, the session's status says. */
  private isSwitched = false
  /** Who waits for the answer of the COMMIT that others have come behind; undefined where there is none. */
  private waiting: Array<() => void> | undefined

  constructor(
    private readonly session: Pick<DriverConnection, "status">,
    private readonly dialect: Pick<Dialect, "autocommit" | "rollback">,
    private readonly commits: Commits
  ) {}

  /** Whether there is a transaction that nobody has taken. */
  get hasNext(): boolean {
    return this.isUntaken
  }

  /** Whether others have come behind a COMMIT that is not answered yet. */
  get isCommitting(): boolean {
    return this.waiting !== undefined
  }

  /**
   * Whether the next transaction may go on before the COMMIT of this one is answered: what comes behind is then in a
   * transaction in any case, because autocommit is off.
   */
  get mayHandOver(): boolean {
    return this.isSwitched && this.commits.work && !this.session.status().autocommit
  }

  /** Whether the session has to be put right before a statement that is in no transaction. */
  isBetween(): boolean {
    return this.isUntaken || (this.waiting === undefined && this.isLeftOpen())
  }

  /** Whether the next statement would begin a transaction by itself. */
  private isLeftOpen(): boolean {
    if (!this.isSwitched) return false
    const { autocommit, inTransaction } = this.session.status()
    return !autocommit && !inTransaction
  }

  /** A COMMIT that begins the next transaction was answered. */
  begun(): void {
    this.isUntaken = this.session.status().inTransaction
  }

  /**
   * Such a COMMIT was sent, and others may come behind it. What is given is to be called when it is answered, which may be
   * after one of those has sent its own.
   */
  sent(): (hasWorked: boolean) => void {
    const waiting: Array<() => void> = []
    this.isUntaken = true
    this.waiting = waiting
    return (hasWorked) => {
      // Where commits fail, as those of Galera clusters do, each would take the transaction behind it along.
      if (!hasWorked) this.commits.work = false
      if (this.waiting === waiting) this.waiting = undefined
      for (const go of waiting) go()
    }
  }

  /** Gives the transaction back that was taken, where nothing can have been answered of it; whether that was so. */
  giveBack(): boolean {
    if (this.waiting === undefined) return false
    this.isUntaken = true
    return true
  }

  /** Goes on when the COMMIT that is under way is answered, if there is one. */
  whenAnswered<A, E>(then: () => Effect.Effect<A, E>): Effect.Effect<A, E> {
    if (this.waiting === undefined) return then()
    return Effect.flatMap(
      Effect.async<void>((resume) => {
        if (this.waiting === undefined) resume(Effect.void)
        else this.waiting.push(() => resume(Effect.void))
      }),
      then
    )
  }

  /** Takes the next transaction, and gives what goes out with its first statement; undefined where there is none. */
  take(): ReadonlyArray<string> | undefined {
    if (!this.isUntaken) {
      this.length = 0
      return undefined
    }
    this.isUntaken = false
    this.length++
    const { autocommit } = this.dialect
    // One transaction that follows another may be by chance; where it is the rule, the next commits are not waited for.
    if (this.isSwitched || this.length < 2 || autocommit === undefined || !this.commits.work) return nothing
    this.isSwitched = true
    return [autocommit.off]
  }

  /** Gives what puts the session right, and takes it for done. */
  end(): ReadonlyArray<string> {
    const { autocommit, rollback } = this.dialect
    const endings = [
      ...(this.isUntaken ? [rollback] : []),
      ...(this.isSwitched && autocommit !== undefined ? [autocommit.on] : [])
    ]
    this.forget()
    return endings
  }

  /** What was to be done by `end` was not, or not all of it: the session says what is so. */
  lookAgain(isSpent: boolean): void {
    const { autocommit, inTransaction } = this.session.status()
    this.isUntaken = !isSpent && inTransaction
    this.isSwitched = !autocommit
  }

  /** The session is new. */
  forget(): void {
    this.isUntaken = false
    this.isSwitched = false
    this.length = 0
  }
}

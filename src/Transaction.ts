/**
 * Transactions: what begins them, what ends them, and what becomes of them in between. It knows no pool and no SQL: the
 * connection it is given runs the statements that the dialect names.
 *
 * @since 0.1.0
 */
import { Cause, Context, type Duration, Effect, Schedule } from "effect"
import { type BeginOptions, type Dialect, type IsolationLevel, isIsolationLevel, isolationLevels } from "./Dialect.js"
import type { SessionStatus } from "./Driver.js"
import {
  ArgumentError,
  type DriverError,
  InvalidRequestError,
  isDriverError,
  kindOf,
  NotSupportedError,
  OperationalError
} from "./Errors.js"
import { type Ending, type Restore, Turn } from "./Turn.js"

/**
 * What a transaction needs of the connection it runs on.
 *
 * @since 0.1.0
 * @category models
 */
export interface Host {
  readonly dialect: Dialect
  readonly endTimeout: number
  readonly status: () => SessionStatus
  readonly isSpent: () => boolean
  readonly control: (
    sql: string,
    timeout: number,
    before?: ReadonlyArray<string>
  ) => Effect.Effect<void, DriverError | InvalidRequestError>
  /**
   * With `andChain` the next transaction begins with it, which nobody has until `takeChained`. Where somebody may go on before
   * the answer has come, `handOver` is called as soon as it was sent.
   */
  readonly commit: (andChain: boolean, handOver?: () => void) => Effect.Effect<void, DriverError | InvalidRequestError>
  /**
   * Takes the transaction that has begun with the last commit: what is to be sent with its first statement, whose answer that
   * statement need not wait for. Undefined where there is none.
   */
  readonly takeChained: () => ReadonlyArray<string> | undefined
  readonly ping: (timeout: number) => Effect.Effect<void, DriverError>
  readonly spend: () => void
  /** Gives back what `takeChained` gave, where nothing can have come of it yet; whether that was so. */
  readonly giveBackChained: () => boolean
  /** Ends the connection, whatever it is doing for this transaction. */
  readonly abandon: () => void
  readonly markChanged: () => void
}

/**
 * How a transaction runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<in E = never> extends BeginOptions {
  /** Default: the database's own, REPEATABLE READ on MySQL and MariaDB. SQLite's is always serializable. */
  readonly isolationLevel?: IsolationLevel | undefined
  /** Runs the whole body again after a failure that the policy names, where the database surely rolled back. */
  readonly retry?: RetryPolicy<E> | undefined
}

/**
 * Which failures run a transaction again, and when.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy<in E = unknown> {
  readonly while: (error: E) => boolean
  readonly schedule: Schedule.Schedule<unknown, unknown>
}

/**
 * What beginning and ending a transaction can fail with, besides its body.
 *
 * @since 0.1.0
 * @category models
 */
export type TransactionError = DriverError | InvalidRequestError | ArgumentError

/**
 * The transaction that the program is in: for code that must run in one, and says so in its type.
 *
 * @since 0.1.0
 * @category models
 */
export interface Transaction {
  /** 0 for the outermost, 1 for the first savepoint in it, and so on. */
  readonly depth: number
  /**
   * Runs an effect once, after the outermost transaction has committed and let go of its connection; never if it does not
   * commit, nor if the nested transaction that registered it was rolled back. What it fails with is logged. It is not
   * interrupted.
   */
  readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
}

/**
 * The tag that `Engine.transaction` provides to its body.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Engine, Transaction } from "effect-sa"
 *
 * // Its type says that it can only run in a transaction.
 * export const recordSale = (id: number) =>
 *   Effect.zipRight(Transaction.Transaction, Engine.execute("INSERT INTO sale (id) VALUES (?)", [id]))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export const Transaction: Context.Tag<Transaction, Transaction> =
  Context.GenericTag<Transaction>("effect-sa/Transaction")

/**
 * Runs an effect once, after the outermost transaction around it has committed.
 *
 * @since 0.1.0
 * @category combinators
 */
export const afterCommit = (effect: Effect.Effect<void>): Effect.Effect<void, never, Transaction> =>
  Effect.flatMap(Transaction, (transaction) => transaction.afterCommit(effect))

/**
 * How often a transaction is run again, and after which pauses: `times` times more, after a pause by chance that doubles from
 * `base`, 10 milliseconds unless given.
 *
 * @since 0.1.0
 * @category retrying
 */
export interface RetryOptions {
  readonly times: number
  readonly base?: Duration.DurationInput | undefined
}

/**
 * The reasons of an `OperationalError` after which the database has surely rolled back, so that a transaction can be run again.
 * `CommitUnknown` is none: it may have been committed.
 *
 * @since 0.1.0
 * @category retrying
 */
export type RetryableReason = Exclude<OperationalError["reason"], "CommitUnknown">

const pauses = ({ times, base = "10 millis" }: RetryOptions): Schedule.Schedule<unknown, unknown> =>
  Schedule.intersect(Schedule.jittered(Schedule.exponential(base)), Schedule.recurs(times))

/**
 * Runs a transaction again after failures with these reasons.
 *
 * @example
 * ```ts
 * import { Engine, Transaction } from "effect-sa"
 *
 * export const counted = Engine.transaction(Engine.execute("UPDATE counter SET n = n + 1"), {
 *   retry: Transaction.retryReasons(["Deadlock", "LockTimeout"], { times: 3, base: "50 millis" })
 * })
 * ```
 *
 * @since 0.1.0
 * @category retrying
 */
export const retryReasons = (reasons: ReadonlyArray<RetryableReason>, options: RetryOptions): RetryPolicy => {
  const retried: ReadonlySet<string> = new Set(reasons)
  return {
    while: (error) =>
      error instanceof OperationalError && error.reason !== "CommitUnknown" && retried.has(error.reason),
    schedule: pauses(options)
  }
}

/**
 * Runs a transaction again when the database rolled it back to resolve a deadlock or a conflict of serializable
 * transactions.
 *
 * @since 0.1.0
 * @category retrying
 */
export const retryDeadlocks = (options: RetryOptions): RetryPolicy =>
  retryReasons(["Deadlock", "SerializationFailure"], options)

/**
 * As `retryDeadlocks`, and also when a lock was not to be had in time, and when the connection or the server went away before
 * COMMIT was sent.
 *
 * @since 0.1.0
 * @category retrying
 */
export const retryTransient = (options: RetryOptions): RetryPolicy =>
  retryReasons(["Deadlock", "SerializationFailure", "LockTimeout", "ConnectionLost", "ServerShutdown"], options)

// ---------------------------------------------------------------------------------------------------------------------
// the state of a transaction

/**
 * `active`; `dead`: the server rolled it back under its body; `committed`: DDL committed it under its body; `ended`, and
 * `why` it takes no more statements.
 */
type Phase =
  | { readonly _tag: "active" }
  | { readonly _tag: "dead"; readonly killer: DriverError }
  | { readonly _tag: "committed" }
  | { readonly _tag: "ended"; readonly why: string }

const active: Phase = { _tag: "active" }
const committed: Phase = { _tag: "committed" }
const ended: Phase & { readonly _tag: "ended" } = {
  _tag: "ended",
  why: "this transaction is over: a fiber that outlives it cannot go on in it, and does not fall back to another connection"
}

const noBeginning: ReadonlyArray<string> = []

/** How long a look at the session's state may take after a failed statement. */
const statusTimeout = 5_000

/**
 * What all levels of one transaction share.
 *
 * @internal
 */
export class Root {
  phase: Phase = active
  savepoints = 0
  /** The statements that begin it, until they go out: with the first statement, on the same way to the server. */
  private beginning: ReadonlyArray<string>
  /** The beginning that a statement was to carry which was interrupted, and the connection not ended. */
  private interrupted: ReadonlyArray<string> | undefined
  /** The beginning that the statement under way carries. */
  private underWay: ReadonlyArray<string> = []
  /** The commit of the transaction before has begun it. */
  isChained = false
  readonly committedEffects: Array<Effect.Effect<void>> = []
  /** Whether statements go on after one that defines data has committed what came before. */
  goesOnAfterDdl = false

  /** @param isPlain whether it has the characteristics that the session gives to any transaction. */
  constructor(
    readonly host: Host,
    beginning: ReadonlyArray<string>,
    readonly isPlain: boolean
  ) {
    this.beginning = beginning
  }

  /** Whether there is anything to end: a transaction without statements was never begun. */
  get isBegun(): boolean {
    return this.beginning.length === 0
  }

  /**
   * Runs a statement after the beginning: with a statement that only reads, on one way to the server; any other waits until
   * the server has begun, because it would be executed, and kept, even if the server refused to.
   */
  begun<A, E, R, B, E2, R2>(
    restore: Restore,
    beginning: ReadonlyArray<string>,
    run: RunIn<A, E, R>,
    isRead: boolean,
    ending: Ending<A, E | TransactionError, B, E2, R2>
  ): Effect.Effect<B, E2, R | R2> {
    const last = beginning.at(-1)
    if (isRead || this.isChained || last === undefined) return run(restore, beginning, ending)
    return Effect.matchCauseEffect(restore(this.host.control(last, 0, beginning.slice(0, -1))), {
      onFailure: ending.onFailure,
      onSuccess: () => run(restore, [], ending)
    })
  }

  /** The statement that was to carry the beginning was never sent: the next one carries it. */
  keepBeginning(taken: ReadonlyArray<string>): void {
    if (this.underWay.length === 0 || taken.length === 0) return
    this.underWay = []
    this.beginning = taken
  }

  /** What the next statement has to carry. */
  takeBeginning(): ReadonlyArray<string> {
    const taken = this.beginning
    if (taken.length === 0) return taken
    this.beginning = []
    const chained = this.isPlain ? this.host.takeChained() : undefined
    if (chained !== undefined) {
      this.isChained = true
      this.underWay = chained
      return chained
    }
    // What the first of several statements set is left in the session when a later one fails.
    if (taken.length > 1) this.host.markChanged()
    this.underWay = taken
    return taken
  }

  /**
   * After a statement that worked: DDL commits, and the status flag of the answer says so.
   * https://dev.mysql.com/doc/refman/9.7/en/implicit-commit.html
   */
  noteSuccess(): void {
    this.underWay = []
    if (this.phase === active && !this.host.status().inTransaction) this.phase = committed
  }

  /**
   * After a statement that was interrupted. Once it was sent, that ends the connection, and with it the transaction. One
   * that the connection has outlived was never sent, or had been answered.
   */
  private noteInterruption(taken: ReadonlyArray<string>): void {
    if (this.phase !== active) return
    if (this.host.isSpent()) this.phase = { _tag: "dead", killer: lost("one of its statements was interrupted") }
    else this.interrupted = taken
  }

  /** Whether it has to be asked what an interrupted statement has done. */
  get isUnsure(): boolean {
    return this.interrupted !== undefined
  }

  /** Asks for the session's state, and puts the beginning back that was never sent. */
  get becomeSure(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const taken = this.interrupted ?? []
      this.underWay = []
      if (this.phase !== active) {
        this.interrupted = undefined
        return Effect.void
      }
      const gone = lost("one of its statements was interrupted")
      // Until there is an answer nothing is known: who asks may be interrupted too.
      return Effect.match(this.host.isSpent() ? Effect.fail(gone) : this.host.ping(statusTimeout), {
        onFailure: () => {
          this.interrupted = undefined
          this.phase = { _tag: "dead", killer: gone }
        },
        onSuccess: () => {
          this.interrupted = undefined
          if (this.host.status().inTransaction) return
          if (taken.length > 0) this.beginning = taken
          else this.phase = { _tag: "dead", killer: gone }
        }
      })
    })
  }

  /** After a statement that did not work; `taken` is the beginning that it was to carry. */
  noteCause(cause: Cause.Cause<unknown>, taken: ReadonlyArray<string>): Effect.Effect<void> {
    const failure = Cause.failureOption(cause)
    if (failure._tag === "None") {
      this.noteInterruption(taken)
      return Effect.void
    }
    // What is refused here was never sent.
    if (failure.value instanceof InvalidRequestError) this.keepBeginning(taken)
    if (!isDriverError(failure.value)) return Effect.void
    const look = this.noteFailure(failure.value)
    // Until the look is over nothing is known: it may be interrupted too.
    this.interrupted = noBeginning
    return Effect.zipRight(
      look,
      Effect.sync(() => {
        this.interrupted = undefined
      })
    )
  }

  /** After a statement that failed: an error says nothing of the session's state, so it is asked for. */
  noteFailure(error: DriverError): Effect.Effect<void> {
    if (this.phase !== active) return Effect.void
    // A transaction whose beginning was refused, or a part of it, is not the one that was asked for.
    const refused = error.statement !== undefined && this.underWay.includes(error.statement)
    const wasBeginning = this.underWay.length > 0
    this.underWay = []
    const look = this.host.isSpent() ? Effect.fail(error) : this.host.ping(statusTimeout)
    return Effect.match(look, {
      onFailure: () => {
        this.phase = { _tag: "dead", killer: error }
      },
      onSuccess: () => {
        if (refused) this.phase = { _tag: "dead", killer: error }
        else if (!this.host.status().inTransaction)
          this.phase = wasBeginning || endsTransaction(error) ? { _tag: "dead", killer: error } : committed
      }
    })
  }
}

const lost = (why: string): OperationalError =>
  new OperationalError({ reason: "ConnectionLost", message: `the transaction was rolled back: ${why}` })

/** Errors with which the server rolls back the whole transaction. Any other that ends one is of DDL, which commits first. */
const endsTransaction = (error: DriverError): boolean =>
  error._tag === "OperationalError" &&
  (error.reason === "Deadlock" || error.reason === "SerializationFailure" || error.reason === "LockTimeout")

/**
 * Runs a statement, after what is given, for who is in a region that cannot be interrupted: it can be, by `restore`.
 *
 * @internal
 */
export type RunIn<A, E, R> = <B, E2, R2>(
  restore: Restore,
  before: ReadonlyArray<string>,
  ending: Ending<A, E, B, E2, R2>
) => Effect.Effect<B, E2, R | R2>

/**
 * What a transaction has to know of a statement.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatementKind {
  readonly isDdl: boolean
  readonly isRead: boolean
  /** It begins or ends a transaction. */
  readonly isControl: boolean
}

/**
 * One level of a transaction, as long as its body runs: what statements go through. Statements of several fibers on one
 * level take turns, and a nested level has its turn as a whole.
 *
 * @since 0.1.0
 * @category models
 */
export class Level implements Transaction {
  private readonly turn = new Turn()
  private over = false

  /** @internal */
  constructor(
    readonly root: Root,
    readonly depth: number
  ) {}

  /** Whether statements can still be part of it. */
  get isActive(): boolean {
    return !this.over && this.root.phase === active
  }

  afterCommit(effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.sync(() => {
      this.root.committedEffects.push(effect)
    })
  }

  /**
   * Runs a statement as part of the transaction. `run` is given what has to be executed before it, on one way to the
   * server: the transaction's beginning, for its first statement, if that only reads.
   *
   * *Fails with* `InvalidRequestError` when the transaction is over, was rolled back by the server, or was committed by
   * DDL and this is not more of it.
   */
  statement<A, E, R>(
    run: (before: ReadonlyArray<string>) => Effect.Effect<A, E, R>,
    kind: StatementKind
  ): Effect.Effect<A, E | TransactionError, R> {
    const runIn: RunIn<A, E, R> = (restore, before, ending) =>
      Effect.matchCauseEffect(restore(Effect.suspend(() => run(before))), ending)
    return this.statementIn(runIn, kind, (value) => value)
  }

  /** As `statement`, for one that takes care of interruptions by itself; `made` is what becomes of its outcome. */
  statementIn<A, E, R, B>(
    run: RunIn<A, E, R>,
    { isDdl, isRead, isControl }: StatementKind,
    made: (value: A) => B
  ): Effect.Effect<B, E | TransactionError, R> {
    return Effect.uninterruptibleMask((restore) =>
      this.turn.hold(restore, (): Effect.Effect<B, E | TransactionError, R> => {
        if (!this.root.isUnsure) return this.inTurn(restore, run, isDdl, isRead, isControl, made)
        return Effect.matchCauseEffect(restore(this.root.becomeSure), {
          onSuccess: () => this.inTurn(restore, run, isDdl, isRead, isControl, made),
          onFailure: (cause) => {
            this.turn.release()
            return Effect.failCause(cause)
          }
        })
      })
    )
  }

  private inTurn<A, E, R, B>(
    restore: Restore,
    run: RunIn<A, E, R>,
    isDdl: boolean,
    isRead: boolean,
    isControl: boolean,
    made: (value: A) => B
  ): Effect.Effect<B, E | TransactionError, R> {
    const refused = this.refusal(isDdl, isControl)
    if (refused !== undefined) {
      this.turn.release()
      return Effect.fail(refused)
    }
    const beginning = this.root.takeBeginning()
    return this.root.begun<A, E, R, B, E | TransactionError, never>(restore, beginning, run, isRead, {
      onSuccess: (value) => {
        this.root.noteSuccess()
        this.turn.release()
        return Effect.succeed(made(value))
      },
      onFailure: (cause) =>
        Effect.ensuring(
          Effect.zipRight(restore(this.root.noteCause(cause, beginning)), Effect.failCause(cause)),
          Effect.sync(() => this.turn.release())
        )
    })
  }

  /** Runs a body at a level of its own, in a savepoint, while no other statement of this level runs. */
  nested<A, E, R>(body: (level: Level) => Effect.Effect<A, E, R>): Effect.Effect<A, E | TransactionError, R> {
    return this.turn.take(
      Effect.suspend((): Effect.Effect<A, E | TransactionError, R> => {
        if (this.root.isUnsure) return Effect.flatMap(this.root.becomeSure, () => this.nestedNow(body))
        return this.nestedNow(body)
      })
    )
  }

  private nestedNow<A, E, R>(
    body: (level: Level) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | TransactionError, R> {
    const refused = this.refusal(false)
    if (refused !== undefined) return Effect.fail(refused)
    return this.root.phase === committed
      ? runOutside(this.root, this.depth + 1, body)
      : runNested(this.root, this.depth + 1, body)
  }

  /** @internal */
  end(): void {
    this.over = true
  }

  /** Whether a statement of some fiber is under way. */
  get isBusy(): boolean {
    return this.turn.isTaken
  }

  /** Nothing more is begun, and what is under way has ended. */
  get settled(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.over = true
      return this.turn.isTaken ? this.turn.take(Effect.void) : Effect.void
    })
  }

  private refusal(isDdl: boolean, isControl = false): InvalidRequestError | undefined {
    const { phase } = this.root
    if (isControl) {
      return new InvalidRequestError({
        message: "a transaction is begun and ended by its functions, not by a statement in it"
      })
    }
    if (this.over) return new InvalidRequestError({ message: ended.why })
    switch (phase._tag) {
      case "ended":
        return new InvalidRequestError({ message: phase.why })
      case "active":
        return undefined
      case "dead":
        return new InvalidRequestError({
          message: "the server has rolled this transaction back: it takes no more statements",
          cause: phase.killer
        })
      case "committed":
        return isDdl || this.root.goesOnAfterDdl
          ? undefined
          : new InvalidRequestError({
              message: "a statement that defines data has committed this transaction: it takes no others any more"
            })
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// running

/**
 * Runs a body in a transaction of the connection: commits when it succeeds, rolls back when it fails, dies or is
 * interrupted.
 *
 * | the body | the transaction | what happens | the outcome |
 * |---|---|---|---|
 * | succeeds | active | COMMIT | the body's value, or why COMMIT failed: `CommitUnknown` when the connection was lost then |
 * | succeeds | dead | nothing: the server rolled back | fails with what killed it |
 * | succeeds | committed by DDL | nothing: there is nothing left to commit | the body's value |
 * | fails, dies, is interrupted | active | ROLLBACK; when that fails the connection is spent | the body's cause, then the rollback's failure |
 * | fails, dies, is interrupted | dead | nothing | the body's cause |
 * | fails, dies, is interrupted | committed by DDL | nothing can be undone | the body's cause, then an `InvalidRequestError` that says so |
 *
 * COMMIT and ROLLBACK cannot be interrupted, and have a deadline of their own.
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, E, R>(
  host: Host,
  options: BeginOptions,
  body: (level: Level) => Effect.Effect<A, E, R>,
  surroundings: Surroundings
): Effect.Effect<A, E | TransactionError, R> =>
  Effect.uninterruptibleMask((restore) =>
    runIn(
      restore,
      host,
      options,
      <B, E2, R2>(level: Level, ending: Ending<A, E, B, E2, R2>): Effect.Effect<B, E2, R | R2> =>
        Effect.matchCauseEffect(restore(Effect.suspend(() => body(level))), ending),
      surroundings
    )
  )

/**
 * What a transaction has to know of where it runs.
 *
 * @internal
 */
export interface Surroundings {
  /** Where it puts what is to run after its commit; without it runs that itself, after `ended`. */
  readonly committed?: Array<Effect.Effect<void>> | undefined
  /** Whether the connection has a next user already, who begins a transaction too. */
  readonly isTakenOver: () => boolean
  /** Gives the connection to that user, who goes on while the COMMIT that was sent is not answered yet. */
  readonly handOver?: (() => void) | undefined
  /** Is called once, when the transaction is over. */
  readonly ended?: (() => void) | undefined
  /** Whether statements go on after one that defines data has committed what came before; without it only such do. */
  readonly goesOnAfterDdl?: boolean | undefined
}

/**
 * As `run`, for who is in a region that cannot be interrupted and has the way out of it. `body` is run in that region, with
 * what is to be done at its end.
 *
 * @internal
 */
export const runIn = <A, E, R>(
  restore: Restore,
  host: Host,
  options: BeginOptions,
  body: <B, E2, R2>(level: Level, ending: Ending<A, E, B, E2, R2>) => Effect.Effect<B, E2, R | R2>,
  { committed, isTakenOver, handOver, ended, goesOnAfterDdl = false }: Surroundings
): Effect.Effect<A, E | TransactionError, R> => {
  const runRoot = (root: Root): Effect.Effect<A, E | TransactionError, R> => {
    root.goesOnAfterDdl = goesOnAfterDdl
    const level = new Level(root, 0)
    const failed = <E2>(cause: Cause.Cause<E2>): Effect.Effect<never, E2> => {
      ended?.()
      return Effect.failCause(cause)
    }
    const undo = <E2>(cause: Cause.Cause<E2>): Effect.Effect<never, E2 | TransactionError> => {
      level.end()
      abandonIfBusy(level)
      return Effect.catchAllCause(rollback(root, cause), failed)
    }
    const keep = (value: A): Effect.Effect<A, TransactionError> =>
      Effect.matchCauseEffect(commit(root, isTakenOver(), handOver), {
        onFailure: failed,
        onSuccess: () => {
          ended?.()
          const effects = root.committedEffects
          if (effects.length === 0) return Effect.succeed(value)
          if (committed === undefined) return Effect.as(runCommitted(effects), value)
          committed.push(...effects)
          return Effect.succeed(value)
        }
      })
    return body<A, E | TransactionError, never>(level, {
      onSuccess: (value) => {
        level.end()
        // A fiber that the body forked may be in the middle of a statement: a success waits for its end.
        return level.isBusy
          ? Effect.matchCauseEffect(restore(level.settled), { onSuccess: () => keep(value), onFailure: undo })
          : keep(value)
      },
      onFailure: undo
    })
  }
  const root = start(host, options)
  if (root instanceof Root) return runRoot(root)
  return Effect.matchCauseEffect(restore(root), {
    onSuccess: runRoot,
    onFailure: (cause) => {
      ended?.()
      return Effect.failCause(cause)
    }
  })
}

/** What is to be rolled back waits for nobody: a statement that is under way ends with its connection. */
const abandonIfBusy = ({ isBusy, root }: Level): void => {
  if (!isBusy) return
  root.host.abandon()
  if (root.phase === active) root.phase = { _tag: "dead", killer: lost("a statement was under way when it failed") }
}

/**
 * Runs a transaction, and then, when it holds nothing any more, what it says was registered for after its commit.
 *
 * @internal
 */
export const afterwards = <A, E, R>(
  transaction: (committed: Array<Effect.Effect<void>>, restore: Restore) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) => {
    const committed: Array<Effect.Effect<void>> = []
    return Effect.flatMap(transaction(committed, restore), (value) =>
      committed.length === 0 ? Effect.succeed(value) : Effect.as(runCommitted(committed), value)
    )
  })

/** One that fails is logged, and the others run. */
const runCommitted = (effects: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void> =>
  Effect.forEach(
    effects,
    (effect) => Effect.catchAllCause(effect, (cause) => Effect.logError("an effect for after a commit failed", cause)),
    { discard: true }
  )

/** A transaction that begins with its first statement, or at once where it has to see the database as it is now. */
const start = (host: Host, options: BeginOptions): Root | Effect.Effect<Root, TransactionError> => {
  if (options.consistentSnapshot === true) return Effect.map(begin(host, options), () => new Root(host, [], false))
  const beginning = beginningOf(host, options)
  return Array.isArray(beginning) ? new Root(host, beginning, isPlain(options)) : Effect.fail(beginning)
}

const isPlain = ({ isolationLevel, readOnly }: BeginOptions): boolean =>
  isolationLevel === undefined && readOnly !== true

const beginningOf = (
  host: Host,
  options: BeginOptions
): Array<string> | InvalidRequestError | NotSupportedError | OperationalError | ArgumentError => {
  const refused = options === plainOptions ? undefined : refusedOption(options)
  if (refused !== undefined) return refused
  if (host.isSpent()) {
    return new OperationalError({
      reason: "ConnectionLost",
      message: "the connection was lost before the transaction began"
    })
  }
  if (host.status().inTransaction) {
    return new InvalidRequestError({ message: "the connection is in a transaction already" })
  }
  const statements = host.dialect.begin(options)
  return statements instanceof NotSupportedError ? statements : [...statements]
}

/** The options of a transaction that has the characteristics of its session. */
export const plainOptions: BeginOptions = {}

/** What stands in a statement as it is given must be one of the words that may. */
const refusedOption = (options: BeginOptions): ArgumentError | undefined => {
  const { isolationLevel, readOnly, consistentSnapshot, ...rest } = options
  const [unknown] = Object.entries(rest).filter(([, value]) => value !== undefined)
  if (unknown !== undefined) {
    return new ArgumentError({
      argument: unknown[0],
      given: "an option that is not known",
      expected: "isolationLevel, readOnly, consistentSnapshot or retry"
    })
  }
  if (isolationLevel !== undefined && !isIsolationLevel(isolationLevel)) {
    return new ArgumentError({
      argument: "isolationLevel",
      given: kindOf(isolationLevel),
      expected: isolationLevels.map((level) => JSON.stringify(level)).join(" or ")
    })
  }
  for (const [argument, given] of Object.entries({ readOnly, consistentSnapshot })) {
    if (given !== undefined && typeof given !== "boolean") {
      return new ArgumentError({ argument, given: kindOf(given), expected: "true or false" })
    }
  }
  return undefined
}

/**
 * Begins a transaction now; nothing is rolled back when it cannot.
 *
 * @since 0.1.0
 * @category running
 */
export const begin = (host: Host, options: BeginOptions): Effect.Effect<void, TransactionError> =>
  Effect.suspend((): Effect.Effect<void, TransactionError> => {
    const beginning = beginningOf(host, options)
    if (!Array.isArray(beginning)) return Effect.fail(beginning)
    // What the first of several statements set is left in the session when a later one fails.
    if (beginning.length > 1) host.markChanged()
    return host.control(beginning[beginning.length - 1] ?? "", 0, beginning.slice(0, -1))
  })

/**
 * Commits what is active, or says what became of it.
 *
 * @internal
 */
export const commit = (
  root: Root,
  isTakenOver = false,
  handOver?: () => void
): Effect.Effect<void, TransactionError> => {
  if (root.isUnsure) return Effect.flatMap(root.becomeSure, () => commit(root, isTakenOver, handOver))
  const { phase, host } = root
  const andChain = root.isPlain && isTakenOver
  root.phase = ended
  switch (phase._tag) {
    case "dead":
      return Effect.fail(phase.killer)
    case "committed":
    case "ended":
      return Effect.void
    case "active":
      if (!root.isBegun) return Effect.void
      // COMMIT was never sent, so nothing is in doubt: the server rolls back when it sees the end of the connection.
      if (host.isSpent()) return Effect.fail(lost("its connection was lost before COMMIT"))
      return Effect.mapError(host.commit(andChain, handOver), (error) => {
        // Whether there is a transaction left is not known: the session is made new before anybody else has it.
        host.markChanged()
        return commitError(error, host, andChain)
      })
  }
}

/**
 * A COMMIT that was sent and not answered may have happened, or not: nobody may take it for either. Nor one that was
 * refused where it should begin another transaction too, unless the server says that it rolled back.
 */
const commitError = (error: TransactionError, host: Host, andChain: boolean): TransactionError => {
  if (!isDriverError(error) || (andChain ? endsTransaction(error) : !host.isSpent())) return error
  return new OperationalError({
    reason: "CommitUnknown",
    message: `${host.isSpent() ? "the connection was lost at COMMIT" : "COMMIT failed"}, which may or may not have happened: ${error.message}`,
    errno: error.errno,
    sqlState: error.sqlState,
    statement: host.dialect.commit,
    cause: error
  })
}

const rollback = <E>(root: Root, cause: Cause.Cause<E>): Effect.Effect<never, E | TransactionError> => {
  switch (root.phase._tag) {
    case "dead":
    case "ended":
      root.phase = ended
      return Effect.failCause(cause)
    case "committed":
      root.phase = ended
      return withConsequence(
        cause,
        new InvalidRequestError({
          message: "nothing was undone: a statement that defines data had committed this transaction before it failed"
        })
      )
    case "active":
      return Effect.matchEffect(rollbackNow(root), {
        onSuccess: () => Effect.failCause(cause),
        onFailure: (error) => withConsequence(cause, error)
      })
  }
}

/**
 * Rolls back what is active, for who does not have a body whose cause matters more.
 *
 * @internal
 */
export const rollbackNow = (root: Root): Effect.Effect<void, TransactionError> => {
  const { phase, host } = root
  root.phase = ended
  // A connection that was lost or interrupted is rolled back by the server when it notices.
  return phase._tag !== "active" || !root.isBegun || host.isSpent() || (root.isChained && host.giveBackChained())
    ? Effect.void
    : Effect.tapError(host.control(host.dialect.rollback, host.endTimeout), () => Effect.sync(() => host.spend()))
}

/**
 * The body's cause, and after it what came of it. A typed failure must not hide a defect or an interruption from who
 * catches failures: then it goes to the log.
 */
const withConsequence = <E, E2>(cause: Cause.Cause<E>, error: E2): Effect.Effect<never, E | E2> =>
  Cause.isFailure(cause)
    ? Effect.failCause(Cause.sequential(cause, Cause.fail(error)))
    : Effect.zipRight(Effect.logWarning("after a transaction's body ended", error), Effect.failCause(cause))

/** As `run`, in a savepoint of a transaction that is under way. */
const runNested = <A, E, R>(
  root: Root,
  depth: number,
  body: (level: Level) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | TransactionError, R> => {
  const { host } = root
  const name = `effect_sa_${++root.savepoints}`
  const level = new Level(root, depth)
  const registered = root.committedEffects.length
  const ran = Effect.zipLeft(
    Effect.suspend(() => body(level)),
    level.settled
  )
  return Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(savepoint(root, name, restore), () =>
      Effect.matchCauseEffect(restore(ran), {
        onSuccess: (value) => {
          switch (root.phase._tag) {
            case "dead":
              return Effect.fail(root.phase.killer)
            case "active":
              return Effect.as(noted(root, host.control(host.dialect.releaseSavepoint(name), host.endTimeout)), value)
            case "committed":
            case "ended":
              return Effect.succeed(value)
          }
        },
        onFailure: (cause) => {
          level.end()
          // What was registered in it is undone with it.
          root.committedEffects.length = registered
          abandonIfBusy(level)
          if (root.phase !== active || host.isSpent()) return Effect.failCause(cause)
          const undo = Effect.zipRight(
            host.control(host.dialect.rollbackToSavepoint(name), host.endTimeout),
            host.control(host.dialect.releaseSavepoint(name), host.endTimeout)
          )
          return Effect.matchEffect(noted(root, undo), {
            onSuccess: () => Effect.failCause(cause),
            onFailure: (error) => {
              // What the savepoint's body did cannot be told from the rest any more: the whole is given up.
              host.spend()
              if (isDriverError(error)) root.phase = { _tag: "dead", killer: error }
              return withConsequence(cause, error)
            }
          })
        }
      })
    )
  )
}

/** A nested body where a statement that defines data has ended the transaction: there is nothing to set a savepoint in. */
const runOutside = <A, E, R>(
  root: Root,
  depth: number,
  body: (level: Level) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | TransactionError, R> => {
  const level = new Level(root, depth)
  return Effect.ensuring(
    Effect.suspend(() => body(level)),
    level.settled
  )
}

/** Begins a savepoint, and the transaction with it if that has not begun. In a region that cannot be interrupted. */
const savepoint = (root: Root, name: string, restore: Restore): Effect.Effect<void, TransactionError> => {
  const beginning = root.takeBeginning()
  return Effect.matchCauseEffect(restore(root.host.control(root.host.dialect.savepoint(name), 0, beginning)), {
    onSuccess: () => Effect.sync(() => root.noteSuccess()),
    onFailure: (cause) => Effect.zipRight(restore(root.noteCause(cause, beginning)), Effect.failCause(cause))
  })
}

const noted = <A>(
  root: Root,
  control: Effect.Effect<A, DriverError | InvalidRequestError>
): Effect.Effect<A, DriverError | InvalidRequestError> =>
  Effect.tapBoth(control, {
    onFailure: (error) => (isDriverError(error) ? root.noteFailure(error) : Effect.void),
    onSuccess: () => Effect.sync(() => root.noteSuccess())
  })

/**
 * Runs a whole transaction again as its policy says, but never one whose COMMIT is in doubt. A policy of one's own answers
 * for what it lets through: the database must surely have rolled back.
 *
 * @since 0.1.0
 * @category retrying
 */
export const retrying = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  policy: RetryPolicy<E> | undefined
): Effect.Effect<A, E, R> =>
  policy === undefined
    ? self
    : Effect.retry(self, {
        while: (error) =>
          !(error instanceof OperationalError && error.reason === "CommitUnknown") && policy.while(error),
        schedule: policy.schedule
      })

/**
 * Transactions as handles, for programs that begin and end them by themselves (`aiomysql.sa.Transaction` and its kind).
 *
 * A handle belongs to its connection: what `begin` started is not ambient, and `Engine.execute` does not see it.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { BeginOptions, TwoPhaseStatements, XidBytes } from "./Dialect.js"
import type { ServerInfo } from "./Driver.js"
import { ArgumentError, InvalidRequestError, NotSupportedError } from "./Errors.js"
import * as Transaction from "./Transaction.js"
import type { Turn } from "./Turn.js"
import * as TwoPhase from "./TwoPhase.js"
import * as Xid from "./Xid.js"

export type {
  /**
   * The name of a two-phase transaction: a text, or its parts.
   *
   * @since 0.1.0
   * @category models
   */
  Xid,
  /**
   * A name in parts.
   *
   * @since 0.1.0
   * @category models
   */
  XidParts
} from "./Xid.js"

/**
 * A transaction that is ended by hand.
 *
 * @since 0.1.0
 * @category models
 */
export interface SATransaction {
  /**
   * `root` began a transaction, `nested` a savepoint; `inner` is one that `begin` gave within another: it begins nothing,
   * its commit commits nothing, and its rollback rolls back what it is in. `twophase` is a `TwoPhaseTransaction`.
   */
  readonly kind: "root" | "nested" | "inner" | "twophase"
  /** Whether it can still be committed. */
  readonly isActive: Effect.Effect<boolean>
  /**
   * Commits. *Fails with* `InvalidRequestError` when it is not active any more; `OperationalError` with the reason
   * `CommitUnknown` when the connection was lost meanwhile; what killed it, when the server had rolled it back.
   */
  readonly commit: Effect.Effect<void, Transaction.TransactionError>
  /** Rolls back; once it is over this does nothing. */
  readonly rollback: Effect.Effect<void, Transaction.TransactionError>
  /** Rolls back what is still open; the same as `rollback`. */
  readonly close: Effect.Effect<void, Transaction.TransactionError>
}

/**
 * A transaction that can be prepared before it is committed (`aiomysql.sa.TwoPhaseTransaction`): once `prepare` has
 * succeeded the server keeps it, locks and all, whatever becomes of the connection, this process or the server itself,
 * until it is committed or rolled back, by this handle or by its xid from any connection.
 *
 * A failure with the reason `CommitUnknown` means that the connection was lost while the server was asked: at `prepare` it
 * is prepared or was rolled back, at `commit` it was committed, rolled back, or is still prepared. Nothing tries again by
 * itself; `SAConnection.recoverTwophase` of another connection says what is prepared.
 *
 * `prepare`, `commit` and `rollback` are not interrupted once they have begun, and have the deadline `endTimeout`.
 *
 * https://dev.mysql.com/doc/refman/9.7/en/xa-states.html
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Engine } from "effect-sa"
 *
 * // Both databases, or none: what is prepared in both is committed in both, if need be after a crash, by its name.
 * export const move = (id: string, from: Engine.Engine, to: Engine.Engine) =>
 *   Effect.scoped(
 *     Effect.gen(function* () {
 *       const source = yield* (yield* from.acquire).beginTwophase({ globalId: id, branch: "from" })
 *       const target = yield* (yield* to.acquire).beginTwophase({ globalId: id, branch: "to" })
 *       yield* source.prepare
 *       yield* target.prepare
 *       yield* source.commit
 *       yield* target.commit
 *     })
 *   )
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface TwoPhaseTransaction extends SATransaction {
  readonly kind: "twophase"
  /** Its name, by which other connections find it. */
  readonly xid: Xid.Xid
  readonly state: Effect.Effect<TwoPhase.State>
  /**
   * Makes sure that it can be committed (XA END, XA PREPARE). Its connection takes no more statements until it is over.
   * *Fails with* what the server answers, which has rolled it back then; `CommitUnknown` when the connection was lost at
   * XA PREPARE; `InvalidRequestError` when it is prepared already, or over.
   */
  readonly prepare: Effect.Effect<void, Transaction.TransactionError>
  /**
   * Commits what is prepared, or in one phase what is not. *Fails as* `SATransaction.commit` does; one that is prepared
   * stays so, where the server refuses.
   */
  readonly commit: Effect.Effect<void, Transaction.TransactionError>
  /** Rolls back, also what is prepared; once it is over this does nothing. */
  readonly rollback: Effect.Effect<void, Transaction.TransactionError>
  /** Rolls back what is not prepared. What is prepared stays so: it is for `commit` and `rollback` to decide. */
  readonly close: Effect.Effect<void, Transaction.TransactionError>
}

/**
 * What is open on a connection.
 *
 * @internal
 */
interface Open {
  active: boolean
  readonly level: Transaction.Level
  /** Undoes on the server what it is for. */
  undo(): Effect.Effect<void, Transaction.TransactionError>
  readonly close: Effect.Effect<void, Transaction.TransactionError>
  /** Nothing is sent for it any more. */
  abandon(): void
}

/** What handles need of the connection that they belong to. */
interface Host extends Transaction.Host {
  readonly server: ServerInfo
}

/**
 * The handles that are open on one connection, innermost last.
 *
 * @internal
 */
export class Handles {
  private open: ReadonlyArray<Open> = []

  constructor(
    private readonly host: Host,
    /** What all statements of the connection take turns by. */
    readonly turn: Turn
  ) {}

  /** What statements of the connection go through. */
  get level(): Transaction.Level | undefined {
    return this.open.at(-1)?.level
  }

  /** `aiomysql.sa.SAConnection.begin` */
  begin(options: BeginOptions): Effect.Effect<SATransaction, Transaction.TransactionError> {
    return Effect.suspend(() => {
      const parent = this.open.at(-1)
      if (parent === undefined) return this.beginRoot(options)
      if (!parent.active || !parent.level.isActive) return Effect.fail(inactive())
      return Effect.sync(() => this.push(new Handle("inner", this, parent, parent.level)))
    })
  }

  /** `aiomysql.sa.SAConnection.begin_nested` */
  beginNested(): Effect.Effect<SATransaction, Transaction.TransactionError> {
    return Effect.suspend(() => {
      const parent = this.open.at(-1)
      if (parent === undefined) return this.beginRoot({})
      if (!parent.active || !parent.level.isActive) return Effect.fail(inactive())
      const { root, depth } = parent.level
      const handle = new Handle(
        "nested",
        this,
        parent,
        new Transaction.Level(root, depth + 1),
        `effect_sa_${++root.savepoints}`
      )
      return Effect.map(
        parent.level.statement(() => this.control((dialect) => dialect.savepoint(handle.savepoint)), control),
        () => this.push(handle)
      )
    })
  }

  /** `aiomysql.sa.SAConnection.begin_twophase` */
  beginTwophase(given: Xid.Xid | undefined): Effect.Effect<TwoPhaseTransaction, Transaction.TransactionError> {
    return this.named(given === undefined ? crypto.randomUUID() : given, (statements, bytes, xid) => {
      if (this.open.length > 0) return Effect.fail(openAlready())
      if (this.host.status().inTransaction) return Effect.fail(openAlready())
      const branch = new TwoPhase.Branch(this.host, statements, bytes)
      return Effect.map(branch.start, () => {
        const handle = new TwoPhaseHandle(this, branch, xid)
        this.push(handle)
        return handle
      })
    })
  }

  /** `aiomysql.sa.SAConnection.commit_prepared` and `rollback_prepared`. The handle of this connection ends as if by itself. */
  endPrepared(
    xid: Xid.Xid,
    how: "commit" | "rollback",
    committed: Array<Effect.Effect<void>>
  ): Effect.Effect<void, Transaction.TransactionError> {
    return this.named(xid, (statements, bytes): Effect.Effect<void, Transaction.TransactionError> => {
      const [own] = this.open
      if (own === undefined) return TwoPhase.endPrepared(this.host, statements, bytes, how)
      return own instanceof TwoPhaseHandle && own.isPrepared(bytes)
        ? own.endNow(how, committed)
        : Effect.fail(openAlready())
    })
  }

  private named<A>(
    xid: Xid.Xid,
    then: (
      statements: TwoPhaseStatements,
      bytes: XidBytes,
      xid: Xid.Xid
    ) => Effect.Effect<A, Transaction.TransactionError>
  ): Effect.Effect<A, Transaction.TransactionError> {
    const { dialect, server } = this.host
    if (dialect.twoPhase instanceof NotSupportedError) return Effect.fail(dialect.twoPhase)
    const bytes = Xid.bytesOf(xid, server.product)
    return bytes instanceof ArgumentError ? Effect.fail(bytes) : then(dialect.twoPhase, bytes, xid)
  }

  /** Rolls back whatever is open and not prepared. */
  get close(): Effect.Effect<void, Transaction.TransactionError> {
    return Effect.suspend(() => this.open[0]?.close ?? Effect.void)
  }

  /** The connection goes to somebody else, whose transaction no handle of this one may reach. */
  abandon(): void {
    for (const each of this.open) each.abandon()
    this.open = []
  }

  /** @internal */
  control(statement: (dialect: Transaction.Host["dialect"]) => string): ReturnType<Transaction.Host["control"]> {
    return this.host.control(statement(this.host.dialect), this.host.endTimeout)
  }

  /** A handle and what is in it are over. */
  remove(handle: Open): void {
    this.keepTo(this.open.indexOf(handle))
  }

  /** What is in a handle is over. */
  removeInner(handle: Open): void {
    if (this.open.includes(handle)) this.keepTo(this.open.indexOf(handle) + 1)
  }

  private keepTo(end: number): void {
    if (end < 0) return
    for (const each of this.open.slice(end)) each.active = false
    this.open = this.open.slice(0, end)
  }

  private beginRoot(options: BeginOptions): Effect.Effect<SATransaction, Transaction.TransactionError> {
    return Effect.map(Transaction.begin(this.host, options), () =>
      this.push(
        new Handle("root", this, undefined, new Transaction.Level(new Transaction.Root(this.host, [], false), 0))
      )
    )
  }

  private push<A extends Open>(handle: A): A {
    this.open = [...this.open, handle]
    return handle
  }
}

/** Savepoints are neither. */
const control: Transaction.StatementKind = { isDdl: false, isRead: false, isControl: false }

const inactive = (): InvalidRequestError => new InvalidRequestError({ message: "this transaction is inactive" })

const openAlready = (): InvalidRequestError =>
  new InvalidRequestError({ message: "the connection is in a transaction already" })

class Handle implements SATransaction, Open {
  active = true

  constructor(
    readonly kind: "root" | "nested" | "inner",
    private readonly handles: Handles,
    private readonly parent: Open | undefined,
    readonly level: Transaction.Level,
    readonly savepoint = ""
  ) {}

  get isActive(): Effect.Effect<boolean> {
    return Effect.sync(() => this.active && this.level.isActive)
  }

  get commit(): Effect.Effect<void, Transaction.TransactionError> {
    return Transaction.afterwards((committed, restore) =>
      restore(
        this.handles.turn.take(
          Effect.suspend((): Effect.Effect<void, Transaction.TransactionError> => {
            const wasActive = this.active
            this.handles.remove(this)
            return wasActive ? this.keep(committed) : Effect.fail(inactive())
          })
        )
      )
    )
  }

  /** Keeps on the server what this handle is for. */
  private keep(committed: Array<Effect.Effect<void>>): Effect.Effect<void, Transaction.TransactionError> {
    switch (this.kind) {
      case "inner":
        return Effect.void
      case "nested":
        return this.level.statement(
          () => this.handles.control((dialect) => dialect.releaseSavepoint(this.savepoint)),
          control
        )
      case "root":
        this.level.end()
        return Effect.uninterruptible(
          Effect.map(Transaction.commit(this.level.root), () => {
            committed.push(...this.level.root.committedEffects)
          })
        )
    }
  }

  get rollback(): Effect.Effect<void, Transaction.TransactionError> {
    return this.handles.turn.take(
      Effect.uninterruptible(
        Effect.suspend((): Effect.Effect<void, Transaction.TransactionError> => {
          const wasActive = this.active
          this.handles.remove(this)
          return wasActive ? this.undo() : Effect.void
        })
      )
    )
  }

  get close(): Effect.Effect<void, Transaction.TransactionError> {
    return this.rollback
  }

  abandon(): void {
    this.active = false
    this.level.end()
  }

  /**
   * Undoes on the server what this handle is for. An inner one undoes what it is in, and leaves that handle open but
   * inactive: until it ends the connection refuses statements, which would otherwise run outside of any transaction.
   */
  undo(): Effect.Effect<void, Transaction.TransactionError> {
    switch (this.kind) {
      case "inner":
        return Effect.suspend(() => {
          const { parent } = this
          if (parent === undefined || !parent.active) return Effect.void
          parent.active = false
          return parent.undo()
        })
      case "nested":
        return this.level.isActive
          ? this.level
              .statement(
                () =>
                  Effect.zipRight(
                    this.handles.control((dialect) => dialect.rollbackToSavepoint(this.savepoint)),
                    this.handles.control((dialect) => dialect.releaseSavepoint(this.savepoint))
                  ),
                control
              )
              .pipe(Effect.tap(() => Effect.sync(() => this.level.end())))
          : Effect.void
      case "root":
        this.level.end()
        return Transaction.rollbackNow(this.level.root)
    }
  }
}

class TwoPhaseHandle implements TwoPhaseTransaction, Open {
  readonly kind = "twophase"
  active = true

  constructor(
    private readonly handles: Handles,
    private readonly branch: TwoPhase.Branch,
    readonly xid: Xid.Xid
  ) {}

  get level(): Transaction.Level {
    return this.branch.level
  }

  get state(): Effect.Effect<TwoPhase.State> {
    return Effect.sync(() => this.branch.state)
  }

  get isActive(): Effect.Effect<boolean> {
    return Effect.sync(() => this.active && (this.branch.state === "prepared" || this.level.isActive))
  }

  isPrepared(xid: XidBytes): boolean {
    return this.branch.state === "prepared" && this.branch.isNamed(xid)
  }

  get prepare(): Effect.Effect<void, Transaction.TransactionError> {
    return this.inTurn(() => (this.active ? this.branch.prepare : Effect.fail(inactive())))
  }

  get commit(): Effect.Effect<void, Transaction.TransactionError> {
    return Transaction.afterwards((committed, restore) => restore(this.inTurn(() => this.endNow("commit", committed))))
  }

  get rollback(): Effect.Effect<void, Transaction.TransactionError> {
    return this.inTurn(() => this.endNow("rollback", []))
  }

  get close(): Effect.Effect<void, Transaction.TransactionError> {
    return this.inTurn(() => (this.branch.state === "prepared" ? Effect.void : this.endNow("rollback", [])))
  }

  undo(): Effect.Effect<void, Transaction.TransactionError> {
    return this.branch.rollback
  }

  abandon(): void {
    this.active = false
    this.branch.abandon()
  }

  /** For who has the turn. */
  endNow(
    how: "commit" | "rollback",
    committed: Array<Effect.Effect<void>>
  ): Effect.Effect<void, Transaction.TransactionError> {
    return Effect.suspend((): Effect.Effect<void, Transaction.TransactionError> => {
      switch (how) {
        case "commit":
          if (!this.active) return Effect.fail(inactive())
          return Effect.map(this.branch.commit, () => {
            committed.push(...this.level.root.committedEffects)
          })
        case "rollback":
          return this.active ? this.branch.rollback : Effect.void
      }
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          // One that is prepared is open until the server has ended it.
          if (!this.active || this.branch.state === "ended") this.handles.remove(this)
        })
      )
    )
  }

  /** What is in it is over, whatever comes of this. */
  private inTurn(
    step: () => Effect.Effect<void, Transaction.TransactionError>
  ): Effect.Effect<void, Transaction.TransactionError> {
    return this.handles.turn.take(
      Effect.uninterruptible(
        Effect.suspend(() => {
          this.handles.removeInner(this)
          return step()
        })
      )
    )
  }
}

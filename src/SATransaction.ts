/**
 * Transactions as handles, for programs that begin and end them by themselves (`aiomysql.sa.Transaction` and its kind).
 *
 * A handle belongs to its connection: what `begin` started is not ambient, and `Engine.execute` does not see it.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { BeginOptions } from "./Dialect.js"
import { InvalidRequestError } from "./Errors.js"
import * as Transaction from "./Transaction.js"
import type { Turn } from "./Turn.js"

/**
 * A transaction that is ended by hand.
 *
 * @since 0.1.0
 * @category models
 */
export interface SATransaction {
  /**
   * `root` began a transaction, `nested` a savepoint; `inner` is one that `begin` gave within another: it begins nothing,
   * its commit commits nothing, and its rollback rolls back what it is in.
   */
  readonly kind: "root" | "nested" | "inner"
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
 * The handles that are open on one connection, innermost last.
 *
 * @internal
 */
export class Handles {
  private open: ReadonlyArray<Handle> = []

  constructor(
    private readonly host: Transaction.Host,
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
      if (!parent.active) return Effect.fail(inactive())
      return Effect.sync(() => this.push(new Handle("inner", this, parent, parent.level)))
    })
  }

  /** `aiomysql.sa.SAConnection.begin_nested` */
  beginNested(): Effect.Effect<SATransaction, Transaction.TransactionError> {
    return Effect.suspend(() => {
      const parent = this.open.at(-1)
      if (parent === undefined) return this.beginRoot({})
      if (!parent.active) return Effect.fail(inactive())
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

  /** Rolls back whatever is open. */
  get close(): Effect.Effect<void, Transaction.TransactionError> {
    return Effect.suspend(() => this.open[0]?.rollback ?? Effect.void)
  }

  /** @internal */
  control(statement: (dialect: Transaction.Host["dialect"]) => string): ReturnType<Transaction.Host["control"]> {
    return this.host.control(statement(this.host.dialect), this.host.endTimeout)
  }

  /** A handle and what is in it are over. */
  remove(handle: Handle): void {
    const at = this.open.indexOf(handle)
    if (at < 0) return
    for (const each of this.open.slice(at)) each.active = false
    this.open = this.open.slice(0, at)
  }

  private beginRoot(options: BeginOptions): Effect.Effect<SATransaction, Transaction.TransactionError> {
    return Effect.map(Transaction.begin(this.host, options), () =>
      this.push(
        new Handle("root", this, undefined, new Transaction.Level(new Transaction.Root(this.host, [], false), 0))
      )
    )
  }

  private push(handle: Handle): Handle {
    this.open = [...this.open, handle]
    return handle
  }
}

/** Savepoints are neither. */
const control: Transaction.StatementKind = { isDdl: false, isRead: false, isControl: false }

const inactive = (): InvalidRequestError => new InvalidRequestError({ message: "this transaction is inactive" })

class Handle implements SATransaction {
  active = true

  constructor(
    readonly kind: SATransaction["kind"],
    private readonly handles: Handles,
    private readonly parent: Handle | undefined,
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

  /**
   * Undoes on the server what this handle is for. An inner one undoes what it is in, and leaves that handle open but
   * inactive: until it ends the connection refuses statements, which would otherwise run outside of any transaction.
   */
  private undo(): Effect.Effect<void, Transaction.TransactionError> {
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

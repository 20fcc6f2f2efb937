// Accounts, transfers between them, and what must be so of both when all is over, whatever happened meanwhile.
import { Cause, Effect, Exit, Option, Random } from "effect"
import { type Engine, type Errors, type SAConnection, Transaction } from "effect-sa"

export const accounts = 100
const opening = 10_000

/** What whoever made a transfer knows of it at its end. */
export type Outcome =
  /** It was told that the transfer is made. */
  | "acknowledged"
  /** It failed, or was interrupted before its end had begun: it is not made. */
  | "refused"
  /** `CommitUnknown`. */
  | "unknown"
  /** Interrupted while it was being ended, which nobody heard the end of. */
  | "interrupted"

export type Kind = "plain" | "nested" | "handles"

interface Transfer {
  readonly id: number
  readonly source: number
  readonly target: number
  readonly cents: number
}

/** The business of a transfer says no, after the money was moved. */
class Declined extends Error {
  readonly _tag = "Declined"
}

type TransferError = Errors.ExecuteError | Declined

export interface Counts {
  readonly outcomes: Record<Outcome, number>
  readonly kinds: Record<Kind, number>
  /** Why transfers were refused. */
  readonly refusals: Map<string, number>
  slowest: number
  audits: number
}

/** How long a transfer may take in the worst case, with all that it waits for. What takes longer hangs. */
const patience = "60 seconds"

type Execute = (sql: string, parameters: ReadonlyArray<number>) => Effect.Effect<unknown, Errors.ExecuteError>

const take = (execute: Execute, { source, cents }: Transfer) =>
  execute("UPDATE account SET cents = cents - ? WHERE id = ?", [cents, source])

const give = (execute: Execute, { target, cents }: Transfer) =>
  execute("UPDATE account SET cents = cents + ? WHERE id = ?", [cents, target])

const record = (execute: Execute, { id, source, target, cents }: Transfer) =>
  execute("INSERT INTO transfer (id, source, target, cents) VALUES (?, ?, ?, ?)", [id, source, target, cents])

const reasonOf = (error: TransferError): string =>
  "reason" in error ? `${error._tag} ${String(error.reason)}` : error._tag

/** A read that shares its connection with others, once it is known to be fast. */
const look = "SELECT cents FROM account WHERE id = ?"

export class Ledger {
  private readonly outcomes = new Map<number, Outcome>()
  private readonly moved: Array<Transfer> = []
  readonly violations: Array<string> = []
  readonly counts: Counts = {
    outcomes: { acknowledged: 0, refused: 0, unknown: 0, interrupted: 0 },
    kinds: { plain: 0, nested: 0, handles: 0 },
    refusals: new Map(),
    slowest: 0,
    audits: 0
  }
  private over = false

  constructor(private readonly engine: Engine.Engine) {}

  static setUp(admin: Engine.Engine): Effect.Effect<void, Errors.ExecuteError> {
    return Effect.gen(function* () {
      yield* admin.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, cents BIGINT NOT NULL)")
      // No unique key: a transfer that is made twice is to be seen, not refused.
      yield* admin.execute(
        "CREATE TABLE transfer (id BIGINT NOT NULL, source INTEGER NOT NULL, target INTEGER NOT NULL, cents BIGINT NOT NULL, KEY (id))"
      )
      yield* admin.execute(
        "INSERT INTO account VALUES (?, ?)",
        Array.from({ length: accounts }, (_, id) => [id, opening])
      )
    })
  }

  /** Whoever makes transfers, or looks, ends with what is under way. */
  readonly stop = Effect.sync(() => {
    this.over = true
  })

  /** Makes transfers one after the other. */
  get work(): Effect.Effect<void> {
    return Effect.whileLoop({
      while: () => !this.over,
      body: () => this.transfer,
      step: () => {}
    })
  }

  /** Looks at the sum, which is the same at any moment, and at single accounts. */
  get audit(): Effect.Effect<void> {
    const sum = this.engine.transaction(this.engine.scalar("SELECT CAST(sum(cents) AS SIGNED) FROM account"), {
      readOnly: true
    })
    const looks = Effect.forEach([1, 2, 3, 4, 5], (id) => this.engine.scalar(look, [id]), { concurrency: "unbounded" })
    const once = Effect.zip(sum, looks).pipe(
      Effect.tap(([total]) =>
        Effect.sync(() => {
          this.counts.audits++
          const seen = Number(Option.getOrNull(total))
          if (seen !== accounts * opening) this.violations.push(`a reader saw the sum ${seen}`)
        })
      ),
      Effect.ignore,
      Effect.catchAllDefect((defect) => Effect.sync(() => this.violations.push(`a reader died of ${String(defect)}`))),
      Effect.zipRight(Effect.sleep("20 millis"))
    )
    return Effect.whileLoop({ while: () => !this.over, body: () => once, step: () => {} })
  }

  private get transfer(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const source = yield* Random.nextIntBetween(0, accounts)
      const transfer: Transfer = {
        id: this.moved.length,
        source,
        target: (source + (yield* Random.nextIntBetween(1, accounts))) % accounts,
        cents: yield* Random.nextIntBetween(1, 500)
      }
      this.moved.push(transfer)
      const kind = yield* Random.choice(["plain", "plain", "nested", "handles"] as const).pipe(Effect.orDie)
      this.counts.kinds[kind]++
      const pause = (yield* Random.nextBoolean) ? 0 : yield* Random.nextIntBetween(0, 8)
      const declines = (yield* Random.nextIntBetween(0, 20)) === 0
      const isInterrupted = (yield* Random.nextIntBetween(0, 10)) === 0
      const patienceOfCaller = yield* Random.nextIntBetween(0, 120)
      /** What the transfer itself has seen of its progress. */
      const progress = { ending: false, committed: false }
      const finish = Effect.zipRight(
        Effect.sleep(pause),
        declines
          ? Effect.fail(new Declined())
          : Effect.sync(() => {
              progress.ending = true
            })
      )
      const made = this.make(kind, transfer, finish, () => {
        progress.committed = true
      })
      const begun = performance.now()
      const exit = yield* (
        isInterrupted
          ? Effect.asSome(made).pipe(Effect.timeoutOption(patienceOfCaller), Effect.map(Option.flatten))
          : Effect.asSome(made)
      ).pipe(
        Effect.disconnect,
        Effect.timeoutTo({
          duration: patience,
          onSuccess: (value) => value,
          onTimeout: () => {
            this.violations.push(`transfer ${transfer.id} (${kind}) hangs`)
            return Option.none<void>()
          }
        }),
        Effect.exit
      )
      this.counts.slowest = Math.max(this.counts.slowest, performance.now() - begun)
      const outcome = this.judge(transfer, kind, exit, progress)
      this.outcomes.set(transfer.id, outcome)
      this.counts.outcomes[outcome]++
      // Whoever was told that there is no server waits a moment, as programs do.
      if (outcome === "refused" && !declines && !isInterrupted) yield* Effect.sleep("10 millis")
    }).pipe(
      Effect.catchAllDefect((defect) =>
        Effect.sync(() => {
          this.violations.push(`a worker died of ${String(defect)}`)
        })
      )
    )
  }

  private judge(
    { id }: Transfer,
    kind: Kind,
    exit: Exit.Exit<Option.Option<void>, TransferError>,
    { ending, committed }: { readonly ending: boolean; readonly committed: boolean }
  ): Outcome {
    if (Exit.isSuccess(exit)) {
      if (Option.isSome(exit.value)) {
        if (!committed) this.violations.push(`transfer ${id} (${kind}) was acknowledged, and not committed`)
        return "acknowledged"
      }
      if (committed) return "acknowledged"
      return ending ? "interrupted" : "refused"
    }
    const failure = Cause.failureOption(exit.cause)
    if (Option.isNone(failure) || Cause.isDie(exit.cause)) {
      this.violations.push(`transfer ${id} (${kind}) ended with no typed failure: ${Cause.pretty(exit.cause)}`)
      return committed ? "acknowledged" : "interrupted"
    }
    if (committed) this.violations.push(`transfer ${id} (${kind}) failed, and was committed`)
    const reason = reasonOf(failure.value)
    if (reason === "OperationalError CommitUnknown") return "unknown"
    this.counts.refusals.set(reason, (this.counts.refusals.get(reason) ?? 0) + 1)
    return "refused"
  }

  private make(
    kind: Kind,
    transfer: Transfer,
    finish: Effect.Effect<void, Declined>,
    committed: () => void
  ): Effect.Effect<void, TransferError> {
    const { engine } = this
    const execute: Execute = (sql, parameters) => engine.execute(sql, parameters)
    const noted = Transaction.afterCommit(Effect.sync(committed))
    const retry = Transaction.retryDeadlocks({ times: 8, base: "5 millis" })
    switch (kind) {
      case "plain":
        return engine.transaction(
          Effect.all([take(execute, transfer), give(execute, transfer), record(execute, transfer), noted, finish], {
            discard: true
          }),
          { retry }
        )
      case "nested":
        return engine.transaction(
          Effect.gen(function* () {
            yield* take(execute, transfer)
            // What is done twice here is undone with its savepoint.
            const undone = Effect.zipRight(take(execute, transfer), Effect.fail("undo" as const))
            yield* Effect.catchAll(engine.transaction(undone), (error) =>
              error === "undo" ? Effect.void : Effect.fail(error)
            )
            yield* engine.transaction(
              Effect.zipRight(give(execute, transfer), engine.transaction(record(execute, transfer)))
            )
            yield* noted
            yield* finish
          }),
          { retry }
        )
      case "handles":
        return Effect.retry(
          Effect.scoped(
            Effect.flatMap(engine.acquire, (connection) => byHandles(connection, transfer, finish, committed))
          ),
          {
            while: (error) => error._tag !== "Declined" && retry.while(error),
            schedule: retry.schedule
          }
        )
    }
  }

  /** What is in the tables at the end, against what is known of each transfer. */
  verify(
    admin: Engine.Engine
  ): Effect.Effect<{ readonly rows: number; readonly unknownMade: number }, Errors.ExecuteError> {
    return Effect.gen(this, function* () {
      const made = new Map<number, number>()
      const expected = Array.from({ length: accounts }, () => opening)
      let unknownMade = 0
      for (const row of (yield* admin.execute("SELECT id, source, target, cents FROM transfer")).rows) {
        const [id, source, target, cents] = [...row].map(Number)
        const known = id === undefined ? undefined : this.moved[id]
        if (
          id === undefined ||
          known === undefined ||
          source === undefined ||
          target === undefined ||
          cents === undefined
        )
          this.violations.push(`a transfer of the id ${id} that nobody made`)
        else {
          made.set(id, (made.get(id) ?? 0) + 1)
          expected[source] = (expected[source] ?? 0) - cents
          expected[target] = (expected[target] ?? 0) + cents
        }
      }
      for (const { id } of this.moved) {
        const times = made.get(id) ?? 0
        const outcome = this.outcomes.get(id)
        if (times > 1) this.violations.push(`transfer ${id}, ${outcome}, is there ${times} times`)
        if (outcome === "acknowledged" && times === 0)
          this.violations.push(`transfer ${id} was acknowledged, and is lost`)
        if (outcome === "refused" && times > 0) this.violations.push(`transfer ${id} was refused, and is there`)
        if (outcome === undefined) this.violations.push(`transfer ${id} has no outcome`)
        if (outcome === "unknown" && times === 1) unknownMade++
      }
      const balances = (yield* admin.execute("SELECT id, cents FROM account ORDER BY id")).rows.map((row) =>
        [...row].map(Number)
      )
      for (const [id = -1, cents = Number.NaN] of balances) {
        if (cents !== expected[id])
          this.violations.push(`account ${id} has ${cents}, and by its transfers ${expected[id]}`)
      }
      const sum = balances.reduce((total, [, cents = Number.NaN]) => total + cents, 0)
      if (sum !== accounts * opening) this.violations.push(`the sum is ${sum}, and was ${accounts * opening}`)
      return { rows: [...made.values()].reduce((total, times) => total + times, 0), unknownMade }
    })
  }
}

/** A transaction by two handles, of which the inner one begins and commits nothing. */
const byHandles = (
  connection: SAConnection.SAConnection,
  transfer: Transfer,
  finish: Effect.Effect<void, Declined>,
  committed: () => void
): Effect.Effect<void, TransferError> =>
  Effect.gen(function* () {
    const execute: Execute = (sql, parameters) => connection.execute(sql, parameters)
    const outer = yield* connection.begin()
    yield* take(execute, transfer)
    const inner = yield* connection.begin()
    yield* give(execute, transfer)
    yield* record(execute, transfer)
    yield* inner.commit
    yield* finish
    yield* Effect.tap(outer.commit, Effect.sync(committed))
  })

/**
 * A pool of anything that is costly to open, lent to one user at a time. It knows nothing of databases.
 *
 * Idle items are lent last in, first out, so that what is not needed grows old and can go; who waits is served first
 * come, first served. The number of items, idle, lent and being opened, never exceeds `maxSize`.
 *
 * Items are opened, checked and recycled by fibers of the pool, never by the fiber that asks for one. So a wait can
 * always be interrupted, and an item that comes too late for one user serves the next.
 *
 * @since 0.1.0
 */
import {
  Cause,
  type Clock,
  Deferred,
  Effect,
  Exit,
  type Fiber,
  FiberId,
  FiberSet,
  Option,
  Queue,
  Scope,
  Stream
} from "effect"
import { InvalidRequestError, PoolClosedError, type PoolNumbers, PoolTimeoutError } from "./Errors.js"
import { LeaseWatch } from "./LeaseWatch.js"
import type { Restore } from "./Turn.js"

/**
 * What becomes of an item that was given back: `keep` lends it again, `discard` ends it, `lost` ends it and every idle
 * one too, because what broke it (a server that went away) has most likely broken them.
 *
 * @since 0.1.0
 * @category models
 */
export type Recycled = "keep" | "discard" | "lost"

/**
 * What a failure to open means: `fail` is for good and fails everybody who waits; `retry` may pass and is tried again
 * until who waits has waited long enough; `exhausted` is like `retry` as long as the pool has items that may be given
 * back, and like `fail` when it has none.
 *
 * @since 0.1.0
 * @category models
 */
export type Verdict = "fail" | "retry" | "exhausted"

/**
 * What a pool is made of. All times are in milliseconds; 0 turns off `idleTimeout`, `lifetime` and `maxWaiters`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<A, E, R> {
  /**
   * Opens an item in a scope of its own, whose end closes the item politely. That is given `closeTimeout`; then the item
   * is terminated.
   */
  readonly open: Effect.Effect<A, E, R | Scope.Scope>
  /** Ends an item at once. It may be called twice. */
  readonly terminate: (item: A) => void
  /** Whether an idle item is known to be broken, without asking it anything. */
  readonly isBroken: (item: A) => boolean
  /** Asks an item that was idle for longer than `validateAfter` whether it is still there. */
  readonly validate: (item: A) => Effect.Effect<boolean>
  /**
   * Judges an item that is given back: at once, or with an effect where something must be done to it first. `isTakenOver`
   * says whether it goes to somebody who waits to take it over as it is left.
   */
  readonly recycle: (item: A, isTakenOver: boolean) => Recycled | Effect.Effect<Recycled>
  readonly verdict: (error: E) => Verdict
  /** How many users an item may have at once by `useShared`; 1 is no sharing. */
  readonly maxShare: number
  /** Whether what an item's users are doing takes long, so that no more should join them. */
  readonly isStalled: (item: A) => boolean
  readonly minSize: number
  /** 0 is unlimited. */
  readonly maxSize: number
  readonly maxWaiters: number
  readonly acquireTimeout: number
  readonly idleTimeout: number
  /** How old an item may become. Each gets up to a tenth less, by chance, so that they do not all end together. */
  readonly lifetime: number
  /** 0 asks every time, `Infinity` never. */
  readonly validateAfter: number
  readonly closeTimeout: number
  /**
   * Makes an item ready for its next user, within the time that the user may wait. An item for which that fails is ended;
   * unless it failed for good, by `verdict`, another is tried.
   */
  readonly onCheckout?: ((item: A) => Effect.Effect<void, E>) | undefined
  /** Runs when a user gives an item back, before it is judged. An item for which that dies is ended. */
  readonly onCheckin?: ((item: A) => Effect.Effect<void>) | undefined
  /** Warns of items that were taken so long ago and have not come back; 0 never. Default 0. */
  readonly leakThreshold?: number | undefined
  /** Who is told what happens in the pool. */
  readonly observer?: Observer | undefined
}

/**
 * Who is told what happens in a pool, at once: it must be quick, and must not throw. Times are in milliseconds, with
 * fractions.
 *
 * @since 0.1.0
 * @category models
 */
export interface Observer {
  /** An item was opened, which took so long. */
  readonly created: (milliseconds: number) => void
  /** Somebody got an item, and had to wait so long for it. */
  readonly waited: (milliseconds: number) => void
  /** An item came back that was lent for so long; one that was shared, when its last user gave it back. */
  readonly returned: (milliseconds: number) => void
  /** Somebody's time was over before there was an item for them. */
  readonly timedOut: () => void
  /** The numbers are others than before. */
  readonly changed: (numbers: PoolNumbers) => void
}

/**
 * An item that is lent until its `release`, which counts once.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease<A> {
  readonly item: A
  readonly release: Effect.Effect<void>
}

/**
 * A pool of items of type `A`, which fail to open with `E`.
 *
 * @since 0.1.0
 * @category models
 */
export interface LeasePool<A, E> {
  /**
   * Lends an item to `body`, and takes it back when that ends, however it ends.
   *
   * *Fails with* what opening failed with when it failed for good; `PoolTimeoutError` after `acquireTimeout`;
   * `PoolClosedError`. *Interruption* of the wait is immediate.
   */
  readonly use: <B, E2, R2>(
    body: (item: A) => Effect.Effect<B, E2, R2>
  ) => Effect.Effect<B, E | PoolTimeoutError | PoolClosedError | E2, R2>
  /**
   * As `use`, but the item may have other users at the same time, all of them by `useShared`. An idle item is taken first;
   * when there is none, the one that was joined last and has room. Nobody joins while others wait for an item of their own.
   */
  readonly useShared: <B, E2, R2>(
    body: (item: A) => Effect.Effect<B, E2, R2>
  ) => Effect.Effect<B, E | PoolTimeoutError | PoolClosedError | E2, R2>
  /**
   * Lends an item for who is in a region that cannot be interrupted, has the way out of it, and answers for the lease's end:
   * `body` is run in that region, and opens it with `restore` where it can be interrupted. Fails as `use` does.
   */
  readonly lendIn: <B, E2, R2>(
    restore: Restore,
    manner: Manner,
    body: (loan: Loan<A>) => Effect.Effect<B, E2, R2>
  ) => Effect.Effect<B, E | PoolTimeoutError | PoolClosedError | E2, R2>
  /** Whether whoever waits longest takes an item over. */
  readonly isTakenOver: () => boolean
  /** Lends an item until the scope ends. Fails as `use` does. */
  readonly acquire: Effect.Effect<A, E | PoolTimeoutError | PoolClosedError, Scope.Scope>
  /** As `acquire`, for who may keep it as long as it likes: nobody is warned of that. */
  readonly hold: Effect.Effect<A, E | PoolTimeoutError | PoolClosedError, Scope.Scope>
  /** Lends an item until its lease is released. Whoever calls this must see to it; `use` and `acquire` do it by themselves. */
  readonly lease: Effect.Effect<Lease<A>, E | PoolTimeoutError | PoolClosedError>
  /** The pool's numbers now. */
  readonly numbers: Effect.Effect<PoolNumbers>
  /** The pool's numbers now, and whenever they have changed; a slow reader gets the newest. It ends with the pool. */
  readonly changes: Stream.Stream<PoolNumbers>
  /** Whether `close` or `terminate` was called. */
  readonly isClosed: Effect.Effect<boolean>
  /** Ends the idle items. What is lent stays lent. */
  readonly clear: Effect.Effect<void>
  /** Lends no more, fails who waits, ends the idle items, and ends the lent ones when they are given back. */
  readonly close: Effect.Effect<void>
  /** As `close`, and ends the lent items at once. */
  readonly terminate: Effect.Effect<void>
  /**
   * Waits until a closed pool has no items left; after `closeTimeout` it terminates what is still lent.
   *
   * *Fails with* `InvalidRequestError` when the pool was not closed before.
   */
  readonly waitClosed: Effect.Effect<void, InvalidRequestError>
}

/**
 * How an item is used: by nobody else at the same time; by several (see `useShared`); by several, and by a few of them even
 * where others are idle; or as the user before left it.
 *
 * @since 0.1.0
 * @category models
 */
export type Manner = "alone" | "shared" | "joined" | "takes over"

/**
 * An item that is lent to who answers for its end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Loan<out A> {
  readonly item: A
  /** Gives it back; it may be called twice. */
  readonly giveBack: () => void
  /** Gives it to whoever waits longest, if that one takes it over: then there is nothing to give back. */
  readonly handOver: () => void
}

/** An item and what the pool knows of it. */
class Entry<A> {
  state: "lent" | "idle" | "checked" | "gone" = "lent"
  idleSince = 0
  /** Users that share it; 0 for one user alone. */
  sharers = 0
  /** When it was lent, where somebody observes that. */
  takenAt: number | undefined
  constructor(
    readonly item: A,
    readonly scope: Scope.CloseableScope,
    /** When its lifetime ends. */
    readonly expires: number
  ) {}
}

/** A fiber that waits, as a link of the queue. */
class Waiter<A, E> {
  state: "new" | "waiting" | "served" | "over" = "new"
  entry: Entry<A> | undefined
  lastFailure: E | undefined
  before: Waiter<A, E> | undefined
  after: Waiter<A, E> | undefined
  resume: (effect: Effect.Effect<Entry<A>, E | PoolTimeoutError | PoolClosedError>) => void = () => {}
  constructor(
    readonly deadline: number,
    readonly shares: boolean,
    readonly takesOver: boolean
  ) {}
}

/** First in, first out, and a way out from the middle for who is interrupted. */
class WaiterQueue<A, E> {
  length = 0
  first: Waiter<A, E> | undefined
  private last: Waiter<A, E> | undefined
  add(waiter: Waiter<A, E>): void {
    waiter.before = this.last
    if (this.last === undefined) this.first = waiter
    else this.last.after = waiter
    this.last = waiter
    this.length++
  }
  remove(waiter: Waiter<A, E>): void {
    if (waiter.before === undefined) this.first = waiter.after
    else waiter.before.after = waiter.after
    if (waiter.after === undefined) this.last = waiter.before
    else waiter.after.before = waiter.before
    waiter.before = waiter.after = undefined
    this.length--
  }
}

const firstRetryDelay = 50
const longestRetryDelay = 1_000

/** Runs an effect in a fiber that ends with the pool. */
type Fork<R> = (effect: Effect.Effect<unknown, never, R>) => Fiber.RuntimeFiber<unknown>

class LeasePoolState<A, E, R> {
  private readonly idle: Array<Entry<A>> = []
  private readonly entries = new Set<Entry<A>>()
  private readonly waiters = new WaiterQueue<A, E>()
  /** Items that several may use at once, the one that was joined last at the end. */
  private readonly shared: Array<Entry<A>> = []
  /** Items being opened. */
  private opening = 0
  /** Idle items being asked whether they are there, and returned ones being recycled: they will come, or free a place. */
  private coming = 0
  /** Items that have left the pool and are being closed politely. */
  private closing = 0
  /** The fibers that open items; they are interrupted when the pool closes. */
  private readonly openers = new Set<Fiber.RuntimeFiber<unknown>>()
  private failedRounds = 0
  private pausing = false
  private watchingDeadlines = false
  private phase: "open" | "closed" = "open"
  /** Who follows the numbers. */
  private readonly followers = new Set<Queue.Queue<PoolNumbers>>()
  private readonly watch: LeaseWatch | undefined

  constructor(
    private readonly options: Options<A, E, R>,
    private readonly clock: Clock.Clock,
    private readonly fork: Fork<R>,
    private readonly emptied: Deferred.Deferred<void>
  ) {
    const threshold = options.leakThreshold ?? 0
    this.watch = threshold > 0 ? new LeaseWatch(threshold) : undefined
  }

  numbers(): PoolNumbers {
    const { minSize, maxSize } = this.options
    const idle = this.idle.length
    const used = this.entries.size - idle
    const opening = this.opening
    return { size: idle + used + opening, idle, used, opening, waiting: this.waiters.length, minSize, maxSize }
  }

  get isClosed(): boolean {
    return this.phase === "closed"
  }

  get isTakenOver(): boolean {
    // What is to be done when an item comes back is done before anybody else has it.
    return this.waiters.first?.takesOver === true && this.options.onCheckin === undefined
  }

  /** The numbers are others than before. */
  private noteChange(): void {
    const { observer } = this.options
    if (this.followers.size === 0 && observer === undefined) return
    const numbers = this.numbers()
    observer?.changed(numbers)
    for (const follower of this.followers) follower.unsafeOffer(numbers)
  }

  get changes(): Stream.Stream<PoolNumbers> {
    return Stream.unwrapScoped(
      Effect.map(
        Effect.acquireRelease(Queue.sliding<PoolNumbers>(1), (queue) => {
          this.followers.delete(queue)
          return Queue.shutdown(queue)
        }),
        (queue) => {
          this.followers.add(queue)
          queue.unsafeOffer(this.numbers())
          const ended = Deferred.await(this.emptied)
          return Stream.changes(Stream.interruptWhen(Stream.fromQueue(queue), ended))
        }
      )
    )
  }

  /** Milliseconds of the clock that nobody sets: whoever waits for a second waits for a second, whatever the wall shows. */
  private now(): number {
    return Math.trunc(Number(this.clock.unsafeCurrentTimeNanos()) / 1e6)
  }

  /** As `now`, with fractions. */
  exactly(): number {
    return Number(this.clock.unsafeCurrentTimeNanos()) / 1e6
  }

  /** Tells the observer of an item that was lent to somebody who began to wait for it then. */
  noteWait(entry: Entry<A>, observer: Observer, begun: number): Entry<A> {
    const now = this.exactly()
    observer.waited(now - begun)
    entry.takenAt ??= now
    return entry
  }

  // ---- lending ------------------------------------------------------------------------------------------------------

  /** The item on top, if it can be lent without asking or waiting for anything. */
  takeNow(): Entry<A> | undefined {
    if (this.waiters.length > 0) return undefined
    for (let entry = this.idle.at(-1); entry !== undefined; entry = this.idle.at(-1)) {
      const now = this.now()
      if (this.isUnfit(entry, now)) {
        this.idle.pop()
        this.end(entry)
      } else if (now - entry.idleSince >= this.options.validateAfter) {
        return undefined
      } else {
        this.idle.pop()
        entry.state = "lent"
        this.noteChange()
        return entry
      }
    }
    return undefined
  }

  /** As `takeNow`, or an item whose users have room for one more; with `joins` one of few users rather than an idle one. */
  takeShared(joins: boolean): Entry<A> | undefined {
    if (this.waiters.length > 0 || this.phase === "closed") return undefined
    if (joins) {
      const few = this.options.maxShare / 4
      const joined = this.shared.findLast((entry) => entry.sharers < few && this.hasRoom(entry))
      if (joined !== undefined) {
        joined.sharers++
        return joined
      }
    }
    const idle = this.takeNow()
    if (idle !== undefined) {
      idle.sharers = 1
      this.shared.push(idle)
      return idle
    }
    for (let i = this.shared.length - 1; i >= 0; i--) {
      const entry = this.shared[i]!
      if (!this.hasRoom(entry)) continue
      entry.sharers++
      this.growForSharers()
      return entry
    }
    return undefined
  }

  private hasRoom(entry: Entry<A>): boolean {
    return (
      entry.state === "lent" &&
      entry.sharers < this.options.maxShare &&
      !this.options.isStalled(entry.item) &&
      !this.isUnfit(entry, this.now())
    )
  }

  /** Sharing is no reason to stay small: while items have several users, another is opened, one at a time. */
  private growForSharers(): void {
    const { maxSize } = this.options
    const room = maxSize === 0 || this.entries.size + this.opening < maxSize
    if (room && this.opening + this.coming === 0 && !this.pausing && this.phase === "open") this.startOpening()
  }

  /** Waits for an item. To be run where it can be interrupted, and followed by `giveUp` when it was. */
  wait(waiter: Waiter<A, E>): Effect.Effect<Entry<A>, E | PoolTimeoutError | PoolClosedError> {
    return Effect.async((resume) => {
      if (this.phase === "closed") {
        resume(Effect.fail(closedError()))
        return
      }
      if (this.options.maxWaiters > 0 && this.waiters.length >= this.options.maxWaiters) {
        resume(
          Effect.fail(
            new PoolTimeoutError({
              reason: "TooManyWaiters",
              message: `${this.waiters.length} already wait for a connection, and maxWaiters is ${this.options.maxWaiters}`,
              pool: this.numbers()
            })
          )
        )
        return
      }
      waiter.resume = resume
      waiter.state = "waiting"
      this.waiters.add(waiter)
      this.noteChange()
      this.watchDeadlines()
      this.supply()
    })
  }

  /** When the wait of somebody ends who begins to wait now. */
  newDeadline(): number {
    return this.now() + this.options.acquireTimeout
  }

  /** After an interrupted wait: leaves the queue, or gives back what arrived too late to be noticed. */
  giveUp(waiter: Waiter<A, E>): void {
    if (waiter.state === "waiting") this.leave(waiter)
    if (waiter.entry !== undefined) this.giveBack(waiter.entry)
  }

  private leave(waiter: Waiter<A, E>): void {
    waiter.state = "over"
    this.waiters.remove(waiter)
    this.noteChange()
  }

  private failWaiters(cause: Cause.Cause<E | PoolClosedError>): void {
    for (let waiter = this.waiters.first; waiter !== undefined; waiter = this.waiters.first) {
      this.leave(waiter)
      waiter.resume(Effect.failCause(cause))
    }
  }

  /** Lends to whoever waits longest, or keeps the item for who comes next. */
  private offer(entry: Entry<A>): void {
    const waiter = this.waiters.first
    if (waiter === undefined) {
      entry.state = "idle"
      entry.idleSince = this.now()
      this.idle.push(entry)
      this.noteChange()
      return
    }
    entry.state = "lent"
    this.serve(waiter, entry)
    if (waiter.shares) {
      entry.sharers = 1
      this.shared.push(entry)
      this.fillShared(entry)
    }
  }

  private serve(waiter: Waiter<A, E>, entry: Entry<A>): void {
    this.waiters.remove(waiter)
    waiter.state = "served"
    waiter.entry = entry
    this.noteChange()
    waiter.resume(Effect.succeed(entry))
  }

  /** Lends a shared item to those who wait next, as long as they share and there is room. */
  private fillShared(entry: Entry<A>): void {
    for (let waiter = this.waiters.first; waiter?.shares === true && this.hasRoom(entry); waiter = this.waiters.first) {
      entry.sharers++
      this.serve(waiter, entry)
    }
  }

  // ---- supply -------------------------------------------------------------------------------------------------------

  /** Sets on its way what who waits needs and the size allows: idle items that must be asked first, then new ones. */
  private supply(): void {
    if (this.phase === "closed") return
    while (this.waiters.length > this.coming + this.opening) {
      const entry = this.idle.pop()
      if (entry === undefined) break
      this.checkIdle(entry)
    }
    const { minSize, maxSize } = this.options
    while (
      // Opening may fail before the call returns, and then there is a pause.
      !this.pausing &&
      (this.waiters.length > this.coming + this.opening || this.entries.size + this.opening < minSize) &&
      (maxSize === 0 || this.entries.size + this.opening < maxSize)
    ) {
      this.startOpening()
    }
  }

  private startOpening(): void {
    const opener = this.fork(Effect.catchAllCause(this.openOne(), (cause) => Effect.sync(() => this.openFailed(cause))))
    this.openers.add(opener)
    opener.addObserver(() => this.openers.delete(opener))
  }

  /** Opens an item, and takes it in or ends its scope: whatever happens, it is in one of the two hands. */
  private openOne(): Effect.Effect<void, E, R> {
    this.opening++
    this.noteChange()
    const { observer } = this.options
    const begun = observer === undefined ? 0 : this.exactly()
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.make(), (scope) =>
        Effect.matchCauseEffect(restore(Scope.extend(this.options.open, scope)), {
          onFailure: (cause) =>
            Effect.zipRight(
              Scope.close(scope, Exit.failCause(cause)),
              Effect.suspend(() => {
                this.opening--
                this.noteChange()
                this.noteEmpty()
                return Effect.failCause(cause)
              })
            ),
          onSuccess: (item) =>
            Effect.sync(() => {
              this.opening--
              this.failedRounds = 0
              observer?.created(this.exactly() - begun)
              this.adopt(item, scope)
            })
        })
      )
    )
  }

  /** Opens `minSize` items, or ends those that could be opened when one could not. */
  fill(): Effect.Effect<void, E, R> {
    const first = Array.from({ length: this.options.minSize }, () => this.openOne())
    return Effect.all(first, { concurrency: "unbounded", discard: true })
  }

  private adopt(item: A, scope: Scope.CloseableScope): void {
    const { lifetime } = this.options
    const expires = lifetime === 0 ? Number.POSITIVE_INFINITY : this.now() + lifetime * (1 - 0.1 * Math.random())
    const entry = new Entry(item, scope, expires)
    this.entries.add(entry)
    if (this.phase === "closed") this.end(entry)
    else this.offer(entry)
  }

  private openFailed(cause: Cause.Cause<E>): void {
    if (this.phase === "closed") return
    const failure = Option.getOrUndefined(Cause.failureOption(cause))
    const verdict = failure === undefined ? "fail" : this.options.verdict(failure)
    if (verdict === "fail" || (verdict === "exhausted" && this.entries.size + this.opening === 0)) {
      this.failWaiters(cause)
    } else {
      for (let waiter = this.waiters.first; waiter !== undefined; waiter = waiter.after) waiter.lastFailure = failure
    }
    if (this.waiters.length > 0 || this.entries.size + this.opening < this.options.minSize) this.pauseThenSupply(cause)
  }

  /** One pause serves all that failed together; then whoever still waits is served again. */
  private pauseThenSupply(cause: Cause.Cause<E>): void {
    if (this.pausing) return
    this.pausing = true
    // Once an outage: who waits hears of it when their time is over, but whoever looks at the log sees it now.
    const warn =
      this.failedRounds === 0
        ? Effect.logWarning(`opening failed, and is tried again: ${messageOf(cause)}`)
        : Effect.void
    // Whoever comes during a pause is there for the next try, however short their time is.
    const longest = Math.min(longestRetryDelay, this.options.acquireTimeout / 4)
    const delay = Math.min(longest, firstRetryDelay * 2 ** this.failedRounds++) * (0.75 + 0.25 * Math.random())
    const resume = Effect.sync(() => {
      this.pausing = false
      this.supply()
    })
    this.fork(Effect.zipRight(warn, Effect.zipRight(Effect.sleep(delay), resume)))
  }

  /** Asks an item that has been idle for long whether it is still there, and lends it when it is. */
  private checkIdle(entry: Entry<A>): void {
    const now = this.now()
    if (this.isUnfit(entry, now)) return this.end(entry)
    if (now - entry.idleSince < this.options.validateAfter) return this.offer(entry)
    entry.state = "checked"
    this.coming++
    this.fork(
      Effect.map(Effect.exit(this.options.validate(entry.item)), (exit) => {
        this.coming--
        this.settle(entry, Exit.isSuccess(exit) && exit.value ? "keep" : "lost")
      })
    )
  }

  private isUnfit(entry: Entry<A>, now: number): boolean {
    return now >= entry.expires || this.options.isBroken(entry.item)
  }

  // ---- taking back --------------------------------------------------------------------------------------------------

  /** Gives a lent item to whoever waits longest, if that one takes it as it is. */
  handOver(entry: Entry<A>): boolean {
    const waiter = this.waiters.first
    if (waiter === undefined || !this.isTakenOver || entry.state !== "lent" || this.isUnfit(entry, this.now()))
      return false
    this.noteReturn(entry)
    this.serve(waiter, entry)
    return true
  }

  /** Whoever had an item has it no longer. */
  private noteReturn(entry: Entry<A>): void {
    this.watch?.giveBack(entry)
    if (entry.takenAt === undefined) return
    this.options.observer?.returned(this.exactly() - entry.takenAt)
    entry.takenAt = undefined
  }

  /** Takes an item back. It counts once, whoever calls it again. */
  giveBack(entry: Entry<A>): void {
    if (entry.state !== "lent") return
    if (entry.sharers > 0 && !this.leaveShared(entry)) return
    this.noteReturn(entry)
    const recycled = this.recycled(entry)
    if (typeof recycled === "string") {
      this.settle(entry, recycled)
    } else {
      entry.state = "checked"
      this.coming++
      this.fork(
        Effect.map(Effect.exit(recycled), (exit) => {
          this.coming--
          this.settle(entry, Exit.isSuccess(exit) ? exit.value : "discard")
        })
      )
    }
  }

  /** What becomes of an item, after what is to be done when it comes back. */
  private recycled({ item }: Entry<A>): Recycled | Effect.Effect<Recycled> {
    const { onCheckin, recycle } = this.options
    if (onCheckin === undefined || this.options.isBroken(item)) return recycle(item, this.isTakenOver)
    const checkedIn = Effect.suspend(() => onCheckin(item))
    return Effect.flatMap(checkedIn, () => {
      // Nobody takes over what somebody else has had in the meantime.
      const recycled = recycle(item, false)
      return typeof recycled === "string" ? Effect.succeed(recycled) : recycled
    })
  }

  /** Ends an item that could not be made ready for its user. */
  discard(entry: Entry<A>): void {
    if (entry.state !== "lent") return
    this.end(entry)
    this.supply()
  }

  /** Notes who has an item from now on, where that is watched. */
  noteTaken(entry: Entry<A>): Effect.Effect<Entry<A>> {
    return this.watch === undefined ? Effect.succeed(entry) : Effect.as(this.watch.take(entry, this.now()), entry)
  }

  /** Nobody is to be warned of this item. */
  leaveUnwatched(entry: Entry<A>): void {
    this.watch?.giveBack(entry)
  }

  /** Warns of what has been lent for too long. */
  reportLeaks(): Effect.Effect<void> {
    return this.watch?.report(this.now()) ?? Effect.void
  }

  /** What somebody hears whose time was over before an item was ready for them. */
  lateFor(lastFailure: E | undefined): PoolTimeoutError {
    const pool = this.numbers()
    this.options.observer?.timedOut()
    return new PoolTimeoutError({
      reason: "AcquireTimeout",
      message: timeoutMessage(this.options.acquireTimeout, pool, lastFailure),
      pool,
      cause: lastFailure
    })
  }

  /** Milliseconds until then, one at least. */
  timeUntil(deadline: number): number {
    return Math.max(1, deadline - this.now())
  }

  /** One user fewer; whether it was the last. */
  private leaveShared(entry: Entry<A>): boolean {
    entry.sharers--
    if (entry.sharers > 0) {
      this.fillShared(entry)
      return false
    }
    this.shared.splice(this.shared.indexOf(entry), 1)
    return true
  }

  private settle(entry: Entry<A>, recycled: Recycled): void {
    if (entry.state === "gone") return this.supply()
    if (recycled === "keep" && this.phase === "open" && !this.isUnfit(entry, this.now())) return this.offer(entry)
    this.end(entry)
    if (recycled === "lost") this.clear()
    this.supply()
  }

  // ---- ending -------------------------------------------------------------------------------------------------------

  /** Takes an item out of the pool, and closes it: politely in the background, or at once where it is broken. */
  private end(entry: Entry<A>): void {
    if (entry.state === "gone") return
    entry.state = "gone"
    this.entries.delete(entry)
    this.watch?.giveBack(entry)
    this.noteChange()
    if (this.options.isBroken(entry.item)) this.options.terminate(entry.item)
    this.closeScope(entry)
  }

  private closeScope(entry: Entry<A>): void {
    this.closing++
    this.fork(
      Effect.interruptible(Scope.close(entry.scope, Exit.void)).pipe(
        Effect.disconnect,
        Effect.timeoutOption(this.options.closeTimeout),
        Effect.onExit(() =>
          Effect.sync(() => {
            this.options.terminate(entry.item)
            this.closing--
            this.noteEmpty()
          })
        )
      )
    )
  }

  clear(): void {
    for (const entry of this.idle.splice(0)) this.end(entry)
  }

  /** Ends the idle items that are too old, but keeps `minSize`. The oldest are at the bottom. */
  reap(): void {
    const { idleTimeout, minSize } = this.options
    const now = this.now()
    const before = this.entries.size
    const kept = this.idle.splice(0).filter((entry) => {
      const stale = idleTimeout > 0 && now - entry.idleSince >= idleTimeout && this.entries.size > minSize
      if (stale || this.isUnfit(entry, now)) this.end(entry)
      return entry.state === "idle"
    })
    this.idle.push(...kept)
    // What was said meanwhile counted those that are idle as used.
    if (this.entries.size !== before) this.noteChange()
    this.supply()
  }

  close(): void {
    if (this.phase === "closed") return
    this.phase = "closed"
    this.failWaiters(Cause.fail(closedError()))
    for (const opener of this.openers) opener.unsafeInterruptAsFork(FiberId.none)
    this.clear()
    this.noteEmpty()
  }

  terminate(): void {
    for (const entry of this.entries) this.options.terminate(entry.item)
    this.close()
    for (const entry of this.entries) this.end(entry)
  }

  private noteEmpty(): void {
    if (this.phase === "closed" && this.entries.size === 0 && this.opening === 0 && this.closing === 0) {
      Deferred.unsafeDone(this.emptied, Exit.void)
    }
  }

  // ---- deadlines ----------------------------------------------------------------------------------------------------

  /**
   * One fiber for all who wait: they came in the order of their deadlines, so only the first one's counts. A timer for
   * each would cost more than the wait.
   */
  private watchDeadlines(): void {
    if (this.watchingDeadlines) return
    this.watchingDeadlines = true
    const sleep = Effect.suspend(() => Effect.sleep(Math.max(1, (this.waiters.first?.deadline ?? 0) - this.now())))
    const expire = Effect.sync(() => {
      this.expireWaiters()
      this.watchingDeadlines = this.waiters.length > 0
      return this.watchingDeadlines
    })
    this.fork(Effect.repeat(Effect.zipRight(sleep, expire), { while: (waiting) => waiting }))
  }

  private expireWaiters(): void {
    const now = this.now()
    for (let waiter = this.waiters.first; waiter !== undefined && waiter.deadline <= now; waiter = this.waiters.first) {
      const late = this.lateFor(waiter.lastFailure)
      this.leave(waiter)
      waiter.resume(Effect.fail(late))
    }
  }
}

class LentItem<A, E, R> implements Loan<A> {
  private isMine = true

  constructor(
    private readonly state: LeasePoolState<A, E, R>,
    private readonly entry: Entry<A>
  ) {}

  get item(): A {
    return this.entry.item
  }

  giveBack(): void {
    if (this.isMine) this.state.giveBack(this.entry)
    this.isMine = false
  }

  handOver(): void {
    if (this.isMine && this.state.handOver(this.entry)) this.isMine = false
  }
}

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const thrown = Cause.squash(cause)
  return thrown instanceof Error ? thrown.message : String(thrown)
}

const closedError = () => new PoolClosedError({ message: "the pool is closed" })

const timeoutMessage = (timeout: number, pool: PoolNumbers, failure: unknown): string => {
  const numbers = `${pool.used} of ${pool.maxSize === 0 ? "unlimited" : pool.maxSize} in use, ${pool.opening} opening, ${pool.waiting} waiting`
  const last =
    typeof failure === "object" && failure !== null && "message" in failure
      ? `; the last attempt to open one failed: ${String(failure.message)}`
      : ""
  return `no connection within ${timeout} ms (${numbers})${last}`
}

/**
 * Makes a pool that lives as long as the scope, and opens `minSize` items at once.
 *
 * *Fails with* what opening one of the first items failed with; the others are ended then.
 * *Releases*: the scope's end closes the pool and waits as `waitClosed` does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A, E, R>(options: Options<A, E, R>): Effect.Effect<LeasePool<A, E>, E, R | Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const emptied = yield* Deferred.make<void>()
    const run = yield* FiberSet.makeRuntime<R, unknown, never>()
    // Even where the pool is made in a region that cannot be interrupted its fibers end with it.
    const fork: Fork<R> = (effect) => run(Effect.interruptible(effect))
    const state = new LeasePoolState<A, E, R>(options, clock, fork, emptied)

    // The wait is interrupted by its time-out even where, as in a finalizer, nothing else may interrupt it.
    const waitClosed = Effect.timeoutTo(Effect.interruptible(Deferred.await(emptied)), {
      duration: options.closeTimeout,
      onSuccess: () => Effect.void,
      onTimeout: () =>
        Effect.zipRight(
          Effect.logWarning(
            `the pool was closed ${options.closeTimeout} ms ago and is still in use: it is terminated now`
          ),
          Effect.sync(() => state.terminate())
        )
    }).pipe(Effect.flatten)

    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        Effect.sync(() => state.close()),
        waitClosed
      )
    )
    yield* Effect.onError(state.fill(), () =>
      Effect.zipRight(
        Effect.sync(() => state.close()),
        waitClosed
      )
    )
    yield* reaper(options, state, fork)

    /** Lends an item within a region that cannot be interrupted, but for the wait. */
    const take = <B, E2, R2>(
      restore: Restore,
      manner: Manner,
      deadline: number | undefined,
      then: (entry: Entry<A>) => Effect.Effect<B, E2, R2>
    ): Effect.Effect<B, E | PoolTimeoutError | PoolClosedError | E2, R2> => {
      const shares = options.maxShare > 1 && (manner === "shared" || manner === "joined")
      const entry = shares ? state.takeShared(manner === "joined") : state.takeNow()
      if (entry !== undefined) return then(entry)
      const waiter = new Waiter<A, E>(deadline ?? state.newDeadline(), shares, manner === "takes over")
      return Effect.matchCauseEffect(restore(state.wait(waiter)), {
        onFailure: (cause) => {
          state.giveUp(waiter)
          return Effect.failCause(cause)
        },
        onSuccess: then
      })
    }

    const { onCheckout } = options
    const isPlain = onCheckout === undefined && (options.leakThreshold ?? 0) === 0

    /** As `take`, and makes the item ready: another is tried until the deadline where that fails. */
    const obtain = (
      restore: Restore,
      manner: Manner
    ): Effect.Effect<Entry<A>, E | PoolTimeoutError | PoolClosedError> => {
      if (isPlain) return take(restore, manner, undefined, Effect.succeed)
      const deadline = state.newDeadline()
      // A hook sees a session as everybody does.
      const as = manner === "takes over" && onCheckout !== undefined ? "alone" : manner
      const attempt = (round: number): Effect.Effect<Entry<A>, E | PoolTimeoutError | PoolClosedError> =>
        take(restore, as, deadline, (entry): Effect.Effect<Entry<A>, E | PoolTimeoutError | PoolClosedError> => {
          if (onCheckout === undefined) return state.noteTaken(entry)
          const ready = Effect.timeoutOption(
            Effect.suspend(() => onCheckout(entry.item)),
            state.timeUntil(deadline)
          )
          return Effect.matchCauseEffect(restore(ready), {
            onFailure: (cause) => {
              state.discard(entry)
              const failure = Cause.failureOption(cause)
              return Option.isNone(failure) || options.verdict(failure.value) === "fail"
                ? Effect.failCause(cause)
                : again(round, failure.value)
            },
            onSuccess: (inTime) => {
              if (Option.isSome(inTime)) return state.noteTaken(entry)
              state.discard(entry)
              return Effect.fail(state.lateFor(undefined))
            }
          })
        })
      /** After a pause, as for items that cannot be opened. */
      const again = (round: number, failure: E): Effect.Effect<Entry<A>, E | PoolTimeoutError | PoolClosedError> => {
        const delay = Math.min(longestRetryDelay, firstRetryDelay * 2 ** round)
        return delay >= state.timeUntil(deadline)
          ? Effect.fail(state.lateFor(failure))
          : Effect.zipRight(
              restore(Effect.sleep(delay)),
              Effect.suspend(() => attempt(round + 1))
            )
      }
      return attempt(0)
    }

    const { observer } = options
    const checkOut: typeof obtain =
      observer === undefined
        ? obtain
        : (restore, manner) =>
            Effect.suspend(() => {
              const begun = state.exactly()
              return Effect.map(obtain(restore, manner), (entry) => state.noteWait(entry, observer, begun))
            })

    const lendIn: LeasePool<A, E>["lendIn"] = (restore, manner, body) => {
      const lent = (entry: Entry<A>) => body(new LentItem(state, entry))
      // As few steps as possible where nobody looks on (`npm run bench:hotpath`).
      return isPlain && observer === undefined
        ? take(restore, manner, undefined, lent)
        : Effect.flatMap(checkOut(restore, manner), lent)
    }

    const useAs =
      (manner: Manner): LeasePool<A, E>["use"] =>
      (body) =>
        Effect.uninterruptibleMask((restore) =>
          lendIn(restore, manner, (loan) =>
            Effect.matchCauseEffect(restore(Effect.suspend(() => body(loan.item))), {
              onFailure: (cause) => {
                loan.giveBack()
                return Effect.failCause(cause)
              },
              onSuccess: (value) => {
                loan.giveBack()
                return Effect.succeed(value)
              }
            })
          )
        )

    const acquire = (isWatched: boolean): LeasePool<A, E>["acquire"] =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(checkOut(restore, "alone"), (entry) => {
          if (!isWatched) state.leaveUnwatched(entry)
          return Effect.as(
            Effect.addFinalizer(() => Effect.sync(() => state.giveBack(entry))),
            entry.item
          )
        })
      )

    const pool: LeasePool<A, E> = {
      use: useAs("alone"),
      useShared: useAs("shared"),
      lendIn,
      isTakenOver: () => state.isTakenOver,
      acquire: acquire(true),
      hold: acquire(false),
      lease: Effect.uninterruptibleMask((restore) =>
        Effect.map(checkOut(restore, "alone"), (entry) => {
          let released = false
          return {
            item: entry.item,
            release: Effect.sync(() => {
              if (released) return
              released = true
              state.giveBack(entry)
            })
          }
        })
      ),
      numbers: Effect.sync(() => state.numbers()),
      changes: Stream.suspend(() => state.changes),
      isClosed: Effect.sync(() => state.isClosed),
      clear: Effect.sync(() => state.clear()),
      close: Effect.sync(() => state.close()),
      terminate: Effect.sync(() => state.terminate()),
      waitClosed: Effect.suspend(() =>
        state.isClosed
          ? waitClosed
          : Effect.fail(new InvalidRequestError({ message: "waitClosed before close: nothing would end the wait" }))
      )
    }
    return pool
  })

/**
 * Looks for items that have grown too old, and for those that were lent for too long: twice in the shortest of the times, but
 * at most every half second.
 */
const reaper = <A, E, R>(
  options: Options<A, E, R>,
  state: LeasePoolState<A, E, R>,
  fork: Fork<R>
): Effect.Effect<void> =>
  Effect.sync(() => {
    const times = [options.idleTimeout, options.lifetime, options.leakThreshold ?? 0].filter((time) => time > 0)
    if (times.length === 0) return
    const interval = Math.min(Math.max(Math.min(...times) / 2, 500), 30_000)
    const look = Effect.suspend(() => {
      state.reap()
      return state.reportLeaks()
    })
    fork(Effect.forever(Effect.zipRight(Effect.sleep(interval), look)))
  })

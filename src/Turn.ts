/**
 * Taking turns: one effect at a time, first come, first served. Without anybody to wait for it costs no more than a flag.
 *
 * @since 0.1.0
 */
import { type Cause, Effect } from "effect"

/**
 * Makes an effect interruptible again within `Effect.uninterruptibleMask`.
 *
 * @since 0.1.0
 * @category models
 */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * What becomes of an effect's outcome, as `Effect.matchCauseEffect` takes it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ending<in A, in E, out B, out E2, out R> {
  readonly onSuccess: (value: A) => Effect.Effect<B, E2, R>
  readonly onFailure: (cause: Cause.Cause<E>) => Effect.Effect<B, E2, R>
}

interface Waiting {
  state: "waiting" | "called" | "gone"
  readonly call: () => void
}

/**
 * Runs effects one at a time.
 *
 * @since 0.1.0
 * @category models
 */
export class Turn {
  private taken = false
  private waiting: Array<Waiting> = []

  /** Takes the turn at once, if nobody has it: for who answers for `release`. */
  seize(): boolean {
    if (this.taken) return false
    this.taken = true
    return true
  }

  /**
   * Runs `body` when it has its turn, for who is in a region that cannot be interrupted, has the way out of it, and answers
   * for `release`. The wait can be interrupted.
   */
  hold<A, E, R>(restore: Restore, body: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return this.seize() ? body() : this.wait(restore, body)
  }

  /** Calls the next. */
  release(): void {
    for (let first = this.waiting.shift(); first !== undefined; first = this.waiting.shift()) {
      if (first.state === "gone") continue
      first.state = "called"
      first.call()
      return
    }
    this.taken = false
  }

  /** Whether somebody has the turn now. */
  get isTaken(): boolean {
    return this.taken
  }

  /** Runs an effect when it has its turn, and calls the next when it ends, however it ends. The wait can be interrupted. */
  take<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) => this.hold(restore, () => this.run(restore(effect))))
  }

  private run<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.matchCauseEffect(effect, {
      onFailure: (cause) => {
        this.release()
        return Effect.failCause(cause)
      },
      onSuccess: (value) => {
        this.release()
        return Effect.succeed(value)
      }
    })
  }

  private wait<A, E, R>(restore: Restore, then: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      let waiting: Waiting | undefined
      const called = Effect.async<void>((resume) => {
        waiting = { state: "waiting", call: () => resume(Effect.void) }
        this.waiting.push(waiting)
      })
      return Effect.matchCauseEffect(restore(called), {
        onFailure: (cause) => {
          // A turn that came in the moment of the interruption goes to the next.
          if (waiting?.state === "called") this.release()
          else if (waiting !== undefined) waiting.state = "gone"
          return Effect.failCause(cause)
        },
        onSuccess: then
      })
    })
  }
}

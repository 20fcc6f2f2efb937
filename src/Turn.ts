/**
 * Taking turns: one effect at a time, first come, first served. Without anybody to wait for it costs no more than a flag.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"

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

  /** Calls the next. */
  release(): void {
    this.next()
  }

  /** Whether somebody has the turn now. */
  get isTaken(): boolean {
    return this.taken
  }

  /** Runs an effect when it has its turn, and calls the next when it ends, however it ends. The wait can be interrupted. */
  take<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) => {
      if (!this.taken) {
        this.taken = true
        return this.run(restore(effect))
      }
      return this.wait(restore, () => this.run(restore(effect)))
    })
  }

  private run<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.matchCauseEffect(effect, {
      onFailure: (cause) => {
        this.next()
        return Effect.failCause(cause)
      },
      onSuccess: (value) => {
        this.next()
        return Effect.succeed(value)
      }
    })
  }

  private wait<A, E, R>(
    restore: (effect: Effect.Effect<void>) => Effect.Effect<void>,
    then: () => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      let waiting: Waiting | undefined
      const called = Effect.async<void>((resume) => {
        waiting = { state: "waiting", call: () => resume(Effect.void) }
        this.waiting.push(waiting)
      })
      return Effect.matchCauseEffect(restore(called), {
        onFailure: (cause) => {
          // A turn that came in the moment of the interruption goes to the next.
          if (waiting?.state === "called") this.next()
          else if (waiting !== undefined) waiting.state = "gone"
          return Effect.failCause(cause)
        },
        onSuccess: then
      })
    })
  }

  private next(): void {
    for (let first = this.waiting.shift(); first !== undefined; first = this.waiting.shift()) {
      if (first.state === "gone") continue
      first.state = "called"
      first.call()
      return
    }
    this.taken = false
  }
}

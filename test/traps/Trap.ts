// A trap is a fault that a system of this kind can have, written as a specification that such a system does not pass.
// `npm run prove` runs the traps on systems that have the fault; the tests run the same traps on this package.
import { Cause, Data, type Duration, Effect, Exit, Option, type Scope } from "effect"

/** The subject fell into the trap. Any other failure of a trap's `run` says nothing about the subject. */
export class Fell extends Data.TaggedError("Fell")<{ readonly message: string }> {}

export interface Trap<in Subject> {
  readonly id: string
  /** What a subject without the fault does. */
  readonly title: string
  readonly run: (subject: Subject) => Effect.Effect<void, unknown, Scope.Scope>
}

/** Falls unless it holds; `seen` says what was seen instead. */
export const must = (holds: boolean, seen: string): Effect.Effect<void, Fell> =>
  holds ? Effect.void : Effect.fail(new Fell({ message: seen }))

/** Falls when an effect takes longer, even one that cannot be interrupted: that is left behind. */
export const within =
  (duration: Duration.DurationInput, seen: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | Fell, R> =>
    Effect.timeoutFail(Effect.disconnect(effect), { duration, onTimeout: () => new Fell({ message: seen }) })

/** The first line of what an effect ended with. */
export const told = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return `a success with ${JSON.stringify(exit.value)}`
  if (Cause.isInterruptedOnly(exit.cause)) return "an interruption"
  const kind = Cause.isDie(exit.cause) ? "a defect" : "a failure"
  return `${kind}: ${Cause.pretty(exit.cause).split("\n")[0]?.trim()}`
}

/** Falls unless it failed with an error that the caller can catch by its type, and nothing else. */
export const mustFailTyped = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void, Fell> =>
  must(
    Exit.isFailure(exit) && Option.isSome(Cause.failureOption(exit.cause)) && !Cause.isDie(exit.cause),
    `it ended with ${told(exit)}`
  )

/** Waits for what the trap itself needs; a subject has no part in it. */
export const eventually = <E>(so: Effect.Effect<boolean, E>): Effect.Effect<void, E | string> =>
  so.pipe(
    Effect.delay("10 millis"),
    Effect.repeat({ until: (is) => is }),
    Effect.timeoutFail({ duration: "3 seconds", onTimeout: () => "not so within three seconds" }),
    Effect.asVoid
  )

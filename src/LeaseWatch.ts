/**
 * Who has what from a pool, and since when: to say where something was taken that has not come back.
 *
 * @since 0.1.0
 */
import { Cause, Data, Effect } from "effect"

/** What is thrown nowhere: its trace says where a fiber was. */
class Taken extends Data.TaggedError("Taken")<{ readonly message: string }> {}

interface Lease {
  readonly since: number
  /** The spans that the fiber was in, innermost first. */
  readonly place: string
  reported: boolean
}

/**
 * Leases that have lasted longer than a threshold, in milliseconds, are told once each.
 *
 * @since 0.1.0
 * @category models
 */
export class LeaseWatch {
  private readonly leases = new Map<object, Lease>()

  constructor(readonly threshold: number) {}

  /** Notes that this fiber has taken a thing. */
  take(thing: object, now: number): Effect.Effect<void> {
    return Effect.withFiberRuntime((fiber) =>
      Effect.map(Effect.flip(Effect.sandbox(Effect.fail(new Taken({ message: "" })))), (cause) => {
        // Frames of the caller come with the spans that it is in; those of this package and of Effect say nothing.
        const spans = Cause.pretty(cause)
          .split("\n")
          .slice(1)
          .filter((line) => !/node_modules|node:internal|\/Lease(?:Watch|Pool)\.[jt]s/.test(line))
        const place = [`fiber #${fiber.id().id}`, ...spans].join("\n")
        this.leases.set(thing, { since: now, place, reported: false })
      })
    )
  }

  giveBack(thing: object): void {
    this.leases.delete(thing)
  }

  /** Warns of leases that have become too old since it was asked last. */
  report(now: number): Effect.Effect<void> {
    const overdue = [...this.leases.values()].filter((lease) => !lease.reported && now - lease.since >= this.threshold)
    return Effect.forEach(
      overdue,
      (lease) => {
        lease.reported = true
        return Effect.logWarning(
          `a connection was taken ${now - lease.since} ms ago and has not come back; it was taken by ${lease.place}`
        )
      },
      { discard: true }
    )
  }
}

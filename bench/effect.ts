// How the contenders that are Effect programs run many operations at once: a fiber for each.
import { Effect } from "effect"
import type { Kind } from "./workload.js"

export const runMany = <R>(
  operation: (i: number) => Effect.Effect<void, unknown, R>,
  concurrency: number,
  until: () => boolean
): Effect.Effect<number, unknown, R> =>
  Effect.suspend(() => {
    let done = 0
    const loop = (first: number): Effect.Effect<void, unknown, R> => {
      let i = first
      return Effect.whileLoop({
        while: until,
        body: () => {
          i += concurrency
          return operation(i)
        },
        step: () => {
          done++
        }
      })
    }
    const fibers = Array.from({ length: concurrency }, (_, i) => i)
    return Effect.map(Effect.forEach(fibers, loop, { concurrency: "unbounded", discard: true }), () => done)
  })

export type EffectOperations<R> = Readonly<Record<Kind, (i: number) => Effect.Effect<void, unknown, R>>>

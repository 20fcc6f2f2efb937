// How the contenders that are Effect programs run many operations at once, a fiber for each, and read a stream.
import { Effect, Stream } from "effect"
import type { Note } from "./contender.js"
import { acquiresAtOnce, checkStream, leastOf, type Task } from "./workload.js"

/** Is given its number, and the size of what it reads. */
export type EffectOperation<R> = (i: number, size: number) => Effect.Effect<void, unknown, R>

export const runMany = <R>(
  operation: EffectOperation<R>,
  { concurrency, size }: Task,
  until: () => boolean,
  note?: Note
): Effect.Effect<number, unknown, R> =>
  Effect.suspend(() => {
    let done = 0
    const least = leastOf(concurrency)
    const loop = (first: number): Effect.Effect<void, unknown, R> => {
      let next = first
      let i = first
      let started = 0
      return Effect.whileLoop({
        // Everybody does some: of ten thousand, the last begin late, and to begin is not what is measured.
        while: () => next < first + least * concurrency || until(),
        body: () => {
          i = next
          next += concurrency
          if (note !== undefined) started = performance.now()
          return operation(i, size)
        },
        step: () => {
          done++
          note?.(i, performance.now() - started)
        }
      })
    }
    const fibers = Array.from({ length: concurrency }, (_, i) => i)
    return Effect.map(Effect.forEach(fibers, loop, { concurrency: "unbounded", discard: true }), () => done)
  })

/** Takes something and gives it back, as often as an operation of this kind does it. */
export const acquireMany =
  <E, R>(acquire: () => Effect.Effect<void, E, R>): EffectOperation<R> =>
  () => {
    let left = acquiresAtOnce
    return Effect.whileLoop({ while: () => left > 0, body: acquire, step: () => left-- })
  }

/** Reads a stream to its end, by chunks: of the ways to read one that is the fastest for every contender. */
export const readStream = <R>(stream: Stream.Stream<{ readonly id: number }, unknown, R>) =>
  Effect.suspend(() => {
    let rows = 0
    let sumOfIds = 0
    return Effect.map(
      Stream.runForEachChunk(stream, (chunk) => {
        for (const row of chunk) {
          rows++
          sumOfIds += row.id
        }
        return Effect.void
      }),
      () => checkStream(rows, sumOfIds)
    )
  })

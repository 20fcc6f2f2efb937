// How the contenders that are made of promises run many operations at once: a loop for each.
import type { Note } from "./contender.js"

export type PromiseOperation = (i: number) => Promise<void>

export const runMany = async (
  operation: PromiseOperation,
  concurrency: number,
  until: () => boolean,
  note?: Note
): Promise<number> => {
  let done = 0
  const loop = async (first: number): Promise<void> => {
    for (let i = first; until(); i += concurrency) {
      const started = note === undefined ? 0 : performance.now()
      await operation(i)
      done++
      note?.(i, performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, (_, i) => loop(i)))
  return done
}

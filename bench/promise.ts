// How the contenders that are made of promises run many operations at once: a loop for each.
import type { Note } from "./contender.js"
import { leastOf, type Task } from "./workload.js"

/** Is given its number, and the size of what it reads. */
export type PromiseOperation = (i: number, size: number) => Promise<void>

export const runMany = async (
  operation: PromiseOperation,
  { concurrency, size }: Task,
  until: () => boolean,
  note?: Note
): Promise<number> => {
  let done = 0
  const loop = async (first: number): Promise<void> => {
    // Everybody does some: of ten thousand, the last begin late, and to begin is not what is measured.
    const least = first + leastOf(concurrency) * concurrency
    let i = first
    do {
      const started = note === undefined ? 0 : performance.now()
      await operation(i, size)
      done++
      note?.(i, performance.now() - started)
      i += concurrency
    } while (i < least || until())
  }
  await Promise.all(Array.from({ length: concurrency }, (_, i) => loop(i)))
  return done
}

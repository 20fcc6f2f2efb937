/**
 * How fast statements are, learned from how fast they have been: what is fast may share a connection with others, because it
 * does not hold them up.
 *
 * @since 0.1.0
 */

/** Executions that must have been seen before a statement counts as fast. */
const enough = 8

/** A statement is fast when it takes less than this on average, in milliseconds. */
const fast = 2

/** How much of the average is the last execution: one slow execution in a row of fast ones makes the statement slow for a while. */
const weight = 1 / 8

/**
 * The pace of one statement.
 *
 * @since 0.1.0
 * @category models
 */
export class Pace {
  private seen = 0
  private average = 0

  get isFast(): boolean {
    return this.seen >= enough && this.average < fast
  }

  /** Notes an execution that took so many milliseconds. */
  note(elapsed: number): void {
    this.seen++
    this.average += (elapsed - this.average) * weight
  }
}

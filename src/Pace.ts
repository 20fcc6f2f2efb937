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
 * What takes less than this, the way to the server included, is worth a try: one behind the other, statements take less,
 * because only the first waits for the way.
 */
const promising = 1

/** What takes less than this even so is quick: a few that wait for each other are still fast. */
const quick = 0.5

/** Executions after which it can be told how long statements take one behind the other, and after which it is tried again. */
const tried = 16
const pause = 256

/**
 * The pace of one statement.
 *
 * @since 0.1.0
 * @category models
 */
export class Pace {
  private seen = 0
  private average = 0
  private quickSince = 0
  private quickFrom = enough

  /** It may share a connection with others where there is none for each. */
  isFast = false
  /** It may share a connection with a few others, though there is one for each. */
  isQuick = false

  /** Notes an execution that took so many milliseconds. */
  note(elapsed: number): void {
    this.seen++
    this.average += (elapsed - this.average) * weight
    this.isFast = this.seen >= enough && this.average < fast
    if (!this.isQuick) {
      if (this.average >= promising || this.seen < this.quickFrom) return
      this.isQuick = true
      this.quickSince = this.seen
    } else if (this.average >= promising || (this.average >= quick && this.seen >= this.quickSince + tried)) {
      this.isQuick = false
      this.quickFrom = this.seen + pause
    }
  }
}

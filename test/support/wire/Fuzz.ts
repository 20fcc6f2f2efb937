// Plays random sessions against the conversation until so many packets were sent, or one breaks a promise.
import { isDeepStrictEqual } from "node:util"
import { createContext, runInContext } from "node:vm"
import type { Conversation, ConversationOptions, Exchange } from "effect-sa/mysql/wire/Conversation"
import { type Outcome, run } from "./Play.js"
import { type Captured, describe, randomSession, type Session } from "./Session.js"

export interface FuzzOptions {
  readonly seed: number
  readonly packets: number
  /** Only the session of this number. */
  readonly only?: number | undefined
  readonly captured: ReadonlyArray<Captured>
  /** The conversation to test. */
  readonly make?: (options: ConversationOptions) => Conversation
  /** Milliseconds after which a loop is taken for an endless one. */
  readonly stuckAfter?: number
  /** Told after every few thousand packets. */
  readonly progress?: (counts: Counts) => void
}

export interface Counts {
  sessions: number
  packets: number
  /** Sessions whose answers were right. */
  right: number
  /** Conversations that ended by themselves, by the words of their error. */
  readonly ends: Map<string, number>
  /** What exchanges ended with. */
  readonly settled: Map<string, number>
  /** Milliseconds of the session that took longest. */
  slowest: number
}

export interface Finding {
  readonly session: number
  readonly fault: string
  /** How to see it again, for people. */
  readonly report: string
}

/** Milliseconds that a session may take, on a slow machine that has other things to do: longer when it is of 100 MB. */
const longest = ({ bytes }: Session): number => (bytes.length > 10 * 2 ** 20 ? 15_000 : 3_000)

const count = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

const endOf = (exchange: Exchange): string => {
  if (exchange.error !== undefined) return `${exchange.error._tag} ${exchange.error.reason}`
  if (exchange.prepared !== undefined) return "prepared"
  if (exchange.first === undefined) return "done"
  return exchange.first.next === undefined ? "a result" : "several results"
}

/**
 * Bytes in one piece must come to the same as in many. Only what was read without an error is compared: a broken value is
 * noticed as such or as the break of the protocol that it is, depending on which bytes of its packet's successor are there.
 */
const dependsOnChunks = (session: Session, outcome: Outcome, make: FuzzOptions["make"]): string | undefined => {
  const whole = run({ ...session, cuts: [0, session.bytes.length] }, make)
  if (whole.fault !== undefined) return `in one piece: ${whole.fault}`
  for (const [i, exchange] of outcome.exchanges.entries()) {
    const other = whole.exchanges[i]
    if (exchange.error !== undefined && other?.error !== undefined) return undefined
    if (exchange.error !== undefined || other?.error !== undefined)
      return `exchange ${i}: ${endOf(exchange)}, but ${other === undefined ? "nothing" : endOf(other)} in one piece (${(exchange.error ?? other?.error)?.message})`
    for (
      let one = exchange.first, two = other?.first;
      one !== undefined || two !== undefined;
      one = one.next, two = two.next
    ) {
      if (one === undefined || two === undefined) return `exchange ${i} has another number of results in one piece`
      if (!isDeepStrictEqual({ ...one, elapsed: 0, next: 0 }, { ...two, elapsed: 0, next: 0 }))
        return `exchange ${i} has another result in one piece`
    }
  }
  return undefined
}

/** Plays one session, and once more in one piece where that can be compared. */
const play = (session: Session, make: FuzzOptions["make"]): Outcome => {
  const outcome = run(session, make)
  if (outcome.fault !== undefined || session.done.length === 0) return outcome
  const comparable =
    session.order === "pipelined" &&
    session.closeAfter === undefined &&
    session.stop === session.bytes.length &&
    session.turns.every(
      ({ stream, answer }) => stream === undefined && (answer?.file === undefined || session.promptly)
    )
  return comparable ? { ...outcome, fault: dependsOnChunks(session, outcome, make) } : outcome
}

/** Runs what may never end. */
const limited = <A>(timeout: number, task: () => A): A | undefined => {
  let result: A | undefined
  const context = createContext({
    task: () => {
      result = task()
    }
  })
  try {
    runInContext("task()", context, { timeout })
  } catch (thrown) {
    // It is an error of the other context, and no instance of this one's class.
    if (Reflect.get(Object(thrown), "code") !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw thrown
  }
  return result
}

/** Leaves out what is not needed to break the promise, as far as that is found in a short time. */
const reduce = (session: Session, make: FuzzOptions["make"]): Session => {
  // A right session is right only as it is.
  if (session.done.length === 0) return session
  const until = performance.now() + 5_000
  let best = session
  for (let size = session.bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= best.bytes.length && performance.now() < until; ) {
      const bytes = Buffer.concat([best.bytes.subarray(0, at), best.bytes.subarray(at + size)])
      const moved = best.cuts.map((cut) => Math.min(cut <= at ? cut : Math.max(at, cut - size), bytes.length))
      const smaller: Session = {
        ...best,
        bytes,
        stop: Math.min(best.stop, bytes.length),
        cuts: [...new Set([...moved, bytes.length])]
      }
      if (play(smaller, make).fault === undefined) at += size
      else best = smaller
    }
  }
  return best
}

const mostShown = 2_000

const reportOf = (options: FuzzOptions, number: number, session: Session, fault: string): string => {
  // What is left may do other things than the whole did, such as never end.
  const reduced = fault.startsWith("it took")
    ? session
    : (limited(20_000, () => reduce(session, options.make)) ?? session)
  const hex = reduced.bytes.subarray(0, mostShown).toString("hex")
  const left = reduced.bytes.length - mostShown
  return [
    `session ${number} of seed ${options.seed}: ${fault}`,
    `again: npm run fuzz -- --seed ${options.seed} --only ${number}`,
    describe(session),
    `bytes, as far as needed: ${hex}${left > 0 ? `… and ${left} more` : ""}`,
    `cut at: ${reduced.cuts.slice(0, 100).join(" ")}${reduced.stop < reduced.bytes.length ? `, stopped at ${reduced.stop}` : ""}`
  ].join("\n")
}

/** Sessions that are played under one time limit: setting it up takes longer than a session does. */
const batch = 50

/** Gives the first session that broke a promise, if any did. */
export const fuzz = (options: FuzzOptions): { readonly counts: Counts; readonly finding: Finding | undefined } => {
  const { seed, packets, only, captured, make, stuckAfter = 30_000, progress } = options
  const counts: Counts = { sessions: 0, packets: 0, right: 0, ends: new Map(), settled: new Map(), slowest: 0 }
  let number = only ?? 0
  let nextReport = 0
  let current: Session | undefined

  const next = (): string | undefined => {
    const session = randomSession(seed, number, captured)
    current = session
    counts.sessions++
    const before = performance.now()
    const outcome = play(session, make)
    const took = performance.now() - before
    counts.packets += session.packets
    counts.slowest = Math.max(counts.slowest, took)
    if (session.done.length === 0) counts.right++
    if (outcome.failure !== undefined) count(counts.ends, outcome.failure.message.replaceAll(/\d+/g, "…"))
    for (const exchange of outcome.exchanges) count(counts.settled, endOf(exchange))
    return outcome.fault ?? (took > longest(session) ? `it took ${Math.round(took)} ms` : undefined)
  }

  while (counts.packets < packets) {
    const fault = limited(stuckAfter, (): { readonly fault: string | undefined } => {
      for (let left = batch; left > 0 && counts.packets < packets; left--, number++) {
        const fault = next()
        if (fault !== undefined) return { fault }
        if (only !== undefined) return { fault: undefined }
      }
      return { fault: undefined }
    })
    if (current === undefined) break
    const what = fault === undefined ? `it took more than ${stuckAfter} ms` : fault.fault
    if (what !== undefined)
      return { counts, finding: { session: number, fault: what, report: reportOf(options, number, current, what) } }
    if (only !== undefined) break
    if (counts.packets >= nextReport) {
      progress?.(counts)
      nextReport = counts.packets + 20_000
    }
  }
  return { counts, finding: undefined }
}

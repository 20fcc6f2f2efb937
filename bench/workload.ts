// What is measured, in words that every contender understands.

/** What a contender may be able to do. */
export type Kind = "select" | "rows" | "transaction" | "insert" | "stream" | "mixed"

interface Workload {
  readonly kind: Kind
  /** How many operations are under way at once. */
  readonly concurrency: number
  /** What is counted: operations, or the rows that they read. */
  readonly unit: "operation" | "row"
  /** Rows of an operation, where rows are counted. */
  readonly rows?: number
  /**
   * Whether it has processes of its own, in which there was nothing else before: where memory is to be seen, and where
   * contenders that can do nothing else are to be as warm as those that can. The other workloads share their processes.
   */
  readonly alone: boolean
}

/** Rows of the table that is streamed; their ids are 0, 1, 2 and so on. */
export const streamRows = 1_000_000
export const streamTable = "effect_sa_bench_stream"

/** Rows that are inserted at once, by contenders that cut them themselves in so many. */
export const insertRows = 100_000
export const insertChunk = 5_000
export const insertTable = "effect_sa_bench_insert"

const stated = <Name extends string>(all: Readonly<Record<Name, Workload>>): Readonly<Record<Name, Workload>> => all

export const workloads = stated({
  "point select, 1 fiber": { kind: "select", concurrency: 1, unit: "operation", alone: false },
  "point select, 8 fibers": { kind: "select", concurrency: 8, unit: "operation", alone: false },
  "point select, 64 fibers": { kind: "select", concurrency: 64, unit: "operation", alone: false },
  "select of 1,000 rows, 8 fibers": { kind: "rows", concurrency: 8, unit: "operation", alone: false },
  "transaction of update and select, 64 fibers": {
    kind: "transaction",
    concurrency: 64,
    unit: "operation",
    alone: false
  },
  "insert of 100,000 rows, 1 fiber": { kind: "insert", concurrency: 1, unit: "row", rows: insertRows, alone: false },
  "stream of a million rows, 1 fiber": {
    kind: "stream",
    concurrency: 1,
    unit: "row",
    rows: streamRows,
    alone: true
  },
  "point select with 1 % slow, 64 fibers": { kind: "mixed", concurrency: 64, unit: "operation", alone: true }
})

export type WorkloadName = keyof typeof workloads

export const workloadNames = Object.keys(workloads) as ReadonlyArray<WorkloadName>

export const poolSize = 8

/** Rows of the table; a point select reads one of them by key. */
export const tableRows = 1_000
export const table = "effect_sa_bench"

/**
 * What is inserted: id, name, n and part, in which every seventh is NULL. Each column has one type of value, as columns of
 * a program have; numbers with and without fractions in one column would keep effect-sa from bulk execution.
 */
export const rowsToInsert: ReadonlyArray<readonly [number, string, number, number | null]> = Array.from(
  { length: insertRows },
  (_, i) => [i, `name of number ${i}`, i * 3, i % 7 === 0 ? null : i / 7] as const
)

/** No contender gets away with a wrong answer. */
export const check = (right: boolean): void => {
  if (!right) throw new Error("wrong answer")
}

/** The rows of a stream, by their number and the sum of their ids. */
export const checkStream = (rows: number, sumOfIds: number): void =>
  check(rows === streamRows && sumOfIds === (streamRows * (streamRows - 1)) / 2)

/** What the slow ones of mixed operations execute: another statement than the fast ones, which answers 0 after 100 ms. */
export const slowStatement = "SELECT SLEEP(0.1) AS slept"
const slowShare = 0.01

/** Whether an operation is a slow one. Which are is scattered as if by chance, and the same for every contender. */
export const isSlow = (i: number): boolean => {
  let mixed = Math.imul(i + 1, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae3d)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 < slowShare
}

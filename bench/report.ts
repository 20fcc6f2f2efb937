// What came out: a line for each workload and contender, and what some contenders show of each other.
import type { Measured } from "./contender.js"
import { quantile, type Spread, spread } from "./statistics.js"
import { type WorkloadName, workloads } from "./workload.js"

/** Whom every other contender is held against. */
export const peer = "mysql2"

/** What was measured of one workload, by contender, round by round. */
export interface Rounds {
  readonly workload: WorkloadName
  readonly contenders: ReadonlyMap<string, ReadonlyArray<Measured>>
  /** Bytes that were resident in each contender's process at its start. */
  readonly start: ReadonlyMap<string, number>
}

interface Line {
  readonly workload: WorkloadName
  readonly contender: string
  /** Of what `throughput` and `cpu` are. */
  readonly unit: "operation" | "row"
  /** Units a second. */
  readonly throughput: Spread
  /** Microseconds of CPU for a unit, median. */
  readonly cpu: number
  /** Of the throughput to the peer's in the same round; undefined where the peer does not run. */
  readonly ratio: Spread | undefined
  /** The most that was resident in any round, in bytes; undefined where it is not known. */
  readonly memory: number | undefined
  /**
   * How much that is above the start of the process, where the workload has a process of its own. What loading the modules
   * took and freed, some 40 MiB, is used again first, and does not count.
   */
  readonly memoryGrowth: number | undefined
  /** Of the fast operations in milliseconds, where slow ones run beside them. */
  readonly latency: { readonly median: Spread; readonly percentile99: Spread } | undefined
}

/** A figure of one contender over that of another in the same round. */
interface Comparison {
  readonly workload: WorkloadName
  readonly figure: string
  readonly contender: string
  readonly to: string
  readonly ratio: Spread
  /** What the median must not exceed. */
  readonly limit: number | undefined
}

export interface Report {
  readonly lines: ReadonlyArray<Line>
  readonly comparisons: ReadonlyArray<Comparison>
}

const rate = ({ count, seconds }: Measured): number => count / seconds
const percentile99 = ({ latency }: Measured): number => latency?.percentile99 ?? Number.NaN

/** The rounds of one over those of another. */
const over = (
  figure: (measured: Measured) => number,
  all: ReadonlyArray<Measured>,
  others: ReadonlyArray<Measured>
): Spread => spread(all.flatMap((each, i) => (others[i] === undefined ? [] : [figure(each) / figure(others[i])])))

export const reportOf = (all: ReadonlyArray<Rounds>): Report => ({
  lines: all.flatMap((rounds) => [...rounds.contenders.keys()].map((contender) => lineOf(rounds, contender))),
  comparisons: all.flatMap(comparisonsOf)
})

const lineOf = ({ workload, contenders, start }: Rounds, contender: string): Line => {
  const { alone, unit } = workloads[workload]
  const all = contenders.get(contender) ?? []
  const peers = contenders.get(peer)
  const memories = all.flatMap((each) => each.memory ?? [])
  const memory = memories.length === 0 ? undefined : Math.max(...memories)
  const latencies = all.flatMap((each) => each.latency ?? [])
  return {
    workload,
    contender,
    unit,
    throughput: spread(all.map(rate)),
    cpu: quantile(
      all.map(({ cpu }) => cpu),
      0.5
    ),
    ratio: peers && over(rate, all, peers),
    memory,
    memoryGrowth: alone && memory !== undefined ? Math.max(0, memory - (start.get(contender) ?? 0)) : undefined,
    latency:
      latencies.length === 0
        ? undefined
        : {
            median: spread(latencies.map(({ median }) => median)),
            percentile99: spread(latencies.map((latency) => latency.percentile99))
          }
  }
}

/** What is compared besides the throughputs with the peer's: effect-sa with the limit, and with itself without sharing. */
const comparisonsOf = ({ workload, contenders }: Rounds): ReadonlyArray<Comparison> => {
  const contender = "effect-sa"
  const own = contenders.get(contender)
  const compare = (
    figure: string,
    of: (measured: Measured) => number,
    to: string,
    limit: number | undefined
  ): ReadonlyArray<Comparison> => {
    const others = contenders.get(to)
    if (own === undefined || others === undefined) return []
    return [{ workload, figure, contender, to, ratio: over(of, own, others), limit }]
  }
  return [
    ...compare("throughput", rate, "sysbench", undefined),
    ...compare("99th percentile of the fast ones", percentile99, "effect-sa-unshared", 1.5)
  ]
}

/** Those whose median is above what it may be. */
export const exceeded = ({ comparisons }: Report): ReadonlyArray<Comparison> =>
  comparisons.filter(({ ratio, limit }) => limit !== undefined && !(ratio.median <= limit))

const number = (value: number, digits = 0): string =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })

const withSpread = ({ median, low, high }: Spread, unit: string, digits = 0): string =>
  `${number(median, digits)}${unit} (${number(low, digits)} to ${number(high, digits)})`

const mebibytes = (bytes: number): string => number(bytes / 2 ** 20)

const printLine = (line: Line): string => {
  const { contender, unit, throughput, cpu, ratio, memory, memoryGrowth, latency } = line
  const columns = [
    withSpread(throughput, unit === "row" ? " rows/s" : " /s").padEnd(42),
    `${number(cpu, unit === "row" ? 2 : 1)} µs CPU`.padStart(14),
    (ratio === undefined ? "" : withSpread(ratio, ` × ${peer}`, 2)).padEnd(30),
    (memory === undefined ? "" : `${mebibytes(memory)} MiB`) +
      (memoryGrowth === undefined ? "" : ` (+${mebibytes(memoryGrowth)})`),
    latency === undefined
      ? ""
      : `fast ones ${withSpread(latency.median, " ms", 1)}, 99 % ${withSpread(latency.percentile99, " ms", 1)}`
  ]
  return `  ${contender.padEnd(20)}${columns.join("  ").trimEnd()}`
}

const printComparison = ({ figure, contender, to, ratio, limit }: Comparison): string =>
  `  ${figure}: ${contender} is ${withSpread(ratio, ` × ${to}`, 2)}${limit === undefined ? "" : `, at most ${number(limit, 1)}`}`

export const print = ({ lines, comparisons }: Report): string =>
  [...new Set(lines.map(({ workload }) => workload))]
    .flatMap((workload) => [
      "",
      workload,
      ...lines.filter((line) => line.workload === workload).map(printLine),
      ...comparisons.filter((comparison) => comparison.workload === workload).map(printComparison)
    ])
    .join("\n")
    .concat("\n")

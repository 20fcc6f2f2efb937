// What came out: a line for each workload and contender, the points of the growth curves, and what was to be reached.
import type { Measured } from "./contender.js"
import { limit, own, peer } from "./contenders.js"
import { quantile, type Spread, spread } from "./statistics.js"
import { type Figure, type Target, targets } from "./targets.js"
import type { Curve, Workload } from "./workload.js"

/** What was measured of one workload, by contender, round by round. */
export interface Rounds {
  readonly workload: Workload
  readonly contenders: ReadonlyMap<string, ReadonlyArray<Measured>>
  /** Bytes that were resident in each contender's process at its start. */
  readonly start: ReadonlyMap<string, number>
}

export interface Line {
  readonly workload: string
  readonly contender: string
  /** Of what `throughput`, `cost` and `cpu` are. */
  readonly unit: Workload["unit"]
  readonly shows: Workload["shows"]
  /** Units a second. */
  readonly throughput: Spread
  /** Microseconds for a unit, while as many were under way as the workload says. */
  readonly cost: Spread
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

/** What became of a target. */
export interface Outcome {
  readonly name: string
  readonly contender: string
  /** Against whom, and in which unit: `× mysql2`, `µs`. */
  readonly against: string
  readonly value: Spread
  readonly bound: Target["bound"]
  readonly reached: boolean
}

export interface CurveReport {
  readonly curve: Curve
  /** By contender, in the order of the curve's points. */
  readonly lines: ReadonlyMap<string, ReadonlyArray<{ readonly at: number; readonly line: Line }>>
}

export interface Report {
  readonly lines: ReadonlyArray<Line>
  readonly curves: ReadonlyArray<CurveReport>
  readonly outcomes: ReadonlyArray<Outcome>
}

const rate = ({ count, seconds }: Measured): number => count / seconds

/** A figure of one round. What is not known of it is not a number. */
const figures: Readonly<Record<Figure, (measured: Measured, start: number | undefined) => number>> = {
  throughput: rate,
  cost: (measured) => 1e6 / rate(measured),
  percentile99: ({ latency }) => latency?.percentile99 ?? Number.NaN,
  growth: ({ memory }, start) =>
    memory === undefined || start === undefined ? Number.NaN : Math.max(0, memory - start) / 2 ** 20
}

export const reportOf = (all: ReadonlyArray<Rounds>, curves: ReadonlyArray<Curve>): Report => {
  const byName = new Map(all.map((rounds) => [rounds.workload.name, rounds]))
  const onCurves = new Set(curves.flatMap(({ points }) => points.map((point) => point.workload.name)))
  const main = all.filter(({ workload }) => !onCurves.has(workload.name))
  return {
    lines: main.flatMap((rounds) => [...rounds.contenders.keys()].map((contender) => lineOf(rounds, contender))),
    curves: curves.flatMap((curve) => curveOf(curve, byName)),
    outcomes: [...targets.flatMap((target) => outcomeOf(target, byName)), ...main.flatMap(inFront)]
  }
}

const lineOf = ({ workload, contenders, start }: Rounds, contender: string): Line => {
  const { name, alone, unit, shows } = workload
  const all = contenders.get(contender) ?? []
  const peers = contenders.get(peer)
  const memories = all.flatMap((each) => each.memory ?? [])
  const memory = memories.length === 0 ? undefined : Math.max(...memories)
  const latencies = all.flatMap((each) => each.latency ?? [])
  return {
    workload: name,
    contender,
    unit,
    shows,
    throughput: spread(all.map(rate)),
    cost: spread(all.map((each) => figures.cost(each, undefined))),
    cpu: quantile(
      all.map(({ cpu }) => cpu),
      0.5
    ),
    ratio: peers && over(all, peers),
    memory,
    memoryGrowth: alone && memory !== undefined ? Math.max(0, memory - (start.get(contender) ?? memory)) : undefined,
    latency:
      latencies.length === 0
        ? undefined
        : {
            median: spread(latencies.map(({ median }) => median)),
            percentile99: spread(latencies.map(({ percentile99 }) => percentile99))
          }
  }
}

/** The throughputs of one over those of another in the same round. */
const over = (all: ReadonlyArray<Measured>, others: ReadonlyArray<Measured>): Spread =>
  spread(all.flatMap((each, i) => (others[i] === undefined ? [] : [rate(each) / rate(others[i])])))

const curveOf = (curve: Curve, byName: ReadonlyMap<string, Rounds>): ReadonlyArray<CurveReport> => {
  const measured = curve.points.flatMap(({ at, workload }) => {
    const rounds = byName.get(workload.name)
    return rounds === undefined ? [] : [{ at, rounds }]
  })
  if (measured.length === 0) return []
  const lines = curve.contenders.flatMap((contender) => {
    const points = measured.filter(({ rounds }) => rounds.contenders.has(contender))
    if (points.length === 0) return []
    return [[contender, points.map(({ at, rounds }) => ({ at, line: lineOf(rounds, contender) }))] as const]
  })
  return [{ curve, lines: new Map(lines) }]
}

const keeps = (bound: Target["bound"], value: number): boolean =>
  "atLeast" in bound ? value >= bound.atLeast : value <= bound.atMost

const outcomeOf = (
  { name, figure, of, to, by, bound }: Target,
  byName: ReadonlyMap<string, Rounds>
): ReadonlyArray<Outcome> => {
  const valuesOf = ({ workload, contender }: Target["of"]): ReadonlyArray<number> => {
    const rounds = byName.get(workload)
    const start = rounds?.start.get(contender)
    return (rounds?.contenders.get(contender) ?? []).map((measured) => figures[figure](measured, start))
  }
  const values = valuesOf(of)
  const others = to === undefined ? values.map(() => 0) : valuesOf(to)
  const held = values.flatMap((value, i) => {
    const other = others[i]
    return other === undefined ? [] : [by === "ratio" ? value / other : value - other]
  })
  if (held.length === 0) return []
  const value = spread(held)
  const against =
    by === "difference" || to === undefined ? "" : to.contender === of.contender ? "× itself" : `× ${to.contender}`
  return [{ name, contender: of.contender, against, value, bound, reached: keeps(bound, value.median) }]
}

const isOther = (contender: string): boolean =>
  contender !== limit && contender !== own && !contender.startsWith(`${own}-`) && contender !== "effect"

/** effect-sa against whoever is the fastest of the others. */
const inFront = ({ workload, contenders }: Rounds): ReadonlyArray<Outcome> => {
  const all = contenders.get(own)
  if (all === undefined || !workload.ranked) return []
  const ratios = [...contenders].flatMap(([contender, others]) =>
    isOther(contender) ? [{ contender, value: over(all, others) }] : []
  )
  const [closest] = ratios.sort((a, b) => a.value.median - b.value.median)
  if (closest === undefined) return []
  const bound = { atLeast: 1 }
  return [
    {
      name: `in front of every other: ${workload.name}`,
      contender: own,
      against: `× ${closest.contender}`,
      value: closest.value,
      bound,
      reached: keeps(bound, closest.value.median)
    }
  ]
}

// ---------------------------------------------------------------------------------------------------------------------
// words

export const number = (value: number, digits = 0): string =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** A number with three digits or more: as many after the point as that takes. */
export const threeDigits = (value: number): string =>
  number(value, value >= 100 || value === 0 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3)

export const withSpread = ({ median, low, high }: Spread, unit: string, print = threeDigits): string =>
  `${print(median)}${unit} (${print(low)} to ${print(high)})`

export const mebibytes = (bytes: number): string => number(bytes / 2 ** 20)

/** A time that is given in microseconds, in the unit that suits it. */
export const time = (microseconds: number): string =>
  microseconds >= 1_000
    ? `${threeDigits(microseconds / 1_000)} ms`
    : microseconds >= 1
      ? `${threeDigits(microseconds)} µs`
      : `${threeDigits(microseconds * 1_000)} ns`

export const bounded = (bound: Target["bound"]): string =>
  "atLeast" in bound ? `at least ${bound.atLeast}` : `at most ${bound.atMost}`

const printLine = ({ contender, unit, shows, throughput, cost, cpu, ratio, memory, memoryGrowth, latency }: Line) => {
  const columns = [
    (shows === "time" ? withSpread(cost, "", time) : withSpread(throughput, unit === "row" ? " rows/s" : " /s")).padEnd(
      42
    ),
    `${time(cpu)} CPU`.padStart(14),
    (ratio === undefined ? "" : withSpread(ratio, ` × ${peer}`)).padEnd(30),
    (memory === undefined ? "" : `${mebibytes(memory)} MiB`) +
      (memoryGrowth === undefined ? "" : ` (+${mebibytes(memoryGrowth)})`),
    latency === undefined
      ? ""
      : `fast ones ${withSpread(latency.median, " ms")}, 99 % ${withSpread(latency.percentile99, " ms")}`
  ]
  return `  ${contender.padEnd(24)}${columns.join("  ").trimEnd()}`
}

const printCurve = ({ curve, lines }: CurveReport): ReadonlyArray<string> => [
  "",
  `${curve.name}: ${curve.operation}`,
  ...[...lines].map(
    ([contender, points]) =>
      `  ${contender.padEnd(24)}${points.map(({ at, line }) => `${number(at)}: ${time(line.cost.median)}`).join(", ")}`
  )
]

const printOutcome = ({ name, against, value, bound, reached }: Outcome): string =>
  `  ${reached ? "reached" : "short  "}  ${name}: ${withSpread(value, against === "" ? "" : ` ${against}`)}, ${bounded(bound)}`

export const print = ({ lines, curves, outcomes }: Report): string =>
  [
    ...[...new Set(lines.map(({ workload }) => workload))].flatMap((workload) => [
      "",
      workload,
      ...lines.filter((line) => line.workload === workload).map(printLine)
    ]),
    ...curves.flatMap(printCurve),
    "",
    "targets",
    ...outcomes.map(printOutcome)
  ]
    .join("\n")
    .concat("\n")

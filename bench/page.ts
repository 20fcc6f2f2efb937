// docs/performance.md, made of what was measured.
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { contenders, limit, own, peer } from "./contenders.js"
import {
  bounded,
  type CurveReport,
  type Line,
  mebibytes,
  number,
  type Outcome,
  type Report,
  threeDigits,
  time,
  withSpread
} from "./report.js"

export interface Run {
  /** The server's version, in its own words. */
  readonly server: string
  readonly node: string
  readonly cores: number
  readonly rounds: number
  readonly milliseconds: number
}

const longest = 30

/** A bar whose length says how much of the most it is. What is more than nothing can be seen. */
export const bar = (value: number, most: number, logarithmicFrom?: number): string => {
  if (!(value > 0 && most > 0)) return ""
  const part =
    logarithmicFrom === undefined || most <= logarithmicFrom
      ? value / most
      : Math.log(value / logarithmicFrom) / Math.log(most / logarithmicFrom)
  return "█".repeat(Math.min(longest, Math.max(1, Math.round(part * longest))))
}

type Align = "left" | "right"

const table = (
  head: ReadonlyArray<readonly [title: string, align: Align]>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<string> => {
  const widths = head.map(([title], i) => Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>): string =>
    `| ${cells.map((cell, i) => (head[i]?.[1] === "right" ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join(" | ")} |`
  const rule = head.map(([, align], i) => {
    const dashes = "-".repeat((widths[i] ?? 3) - 1)
    return align === "right" ? `${dashes}:` : `-${dashes}`
  })
  return [line(head.map(([title]) => title)), line(rule), ...rows.map(line)]
}

const versionOf = (name: string): string => {
  const file = fileURLToPath(new URL(`../node_modules/${name}/package.json`, import.meta.url))
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }
  return `${name} ${version}`
}

/** The product and its version, without what a distribution adds. */
const serverOf = ({ server }: Run): string => {
  const [version = server] = /^[\d.]+/.exec(server) ?? []
  return `${server.includes("MariaDB") ? "MariaDB" : "MySQL"} ${version}`
}

const packages = ["effect", "mysql2", "mariadb", "@effect/sql-mysql2", "kysely", "drizzle-orm"]

/** effect-sa is to be found at once. */
const named = (contender: string): string => (contender === own ? `**${contender}**` : contender)

const outcomes = (all: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  table(
    [
      ["target", "left"],
      ["to reach", "right"],
      ["median (quartiles)", "right"],
      ["against", "left"],
      ["", "left"]
    ],
    all.map(({ name, bound, value, against, reached }) => [
      name,
      bounded(bound),
      withSpread(value, ""),
      against,
      reached ? "reached" : "**short**"
    ])
  )

/** What a line's bar shows. */
const shown = ({ shows, cost, throughput }: Line): number => (shows === "time" ? cost.median : throughput.median)

const section = (workload: string, lines: ReadonlyArray<Line>): ReadonlyArray<string> => {
  const [first] = lines
  if (first === undefined) return []
  const isTime = first.shows === "time"
  // The fastest first.
  const sorted = [...lines].sort((a, b) => b.throughput.median - a.throughput.median)
  const most = Math.max(...lines.map(shown))
  const hasLatency = lines.some(({ latency }) => latency !== undefined)
  const hasMemory = lines.some(({ memory }) => memory !== undefined)
  const head: ReadonlyArray<readonly [string, Align]> = [
    ["contender", "left"],
    [isTime ? "time, median (quartiles)" : `${first.unit}s a second, median (quartiles)`, "right"],
    [isTime ? "shorter is better" : "longer is better", "left"],
    [`× ${peer}`, "right"],
    [`CPU per ${first.unit}`, "right"],
    ...(hasMemory ? [["peak memory, MiB", "right"] as const] : []),
    ...(hasLatency ? [["fast ones: median, 99 %", "right"] as const] : [])
  ]
  const rows = sorted.map((line) => [
    named(line.contender),
    isTime ? withSpread(line.cost, "", time) : withSpread(line.throughput, "", number),
    bar(shown(line), most),
    line.ratio === undefined ? "" : threeDigits(line.ratio.median),
    time(line.cpu),
    ...(hasMemory ? [memoryOf(line)] : []),
    ...(hasLatency ? [line.latency === undefined ? "" : latencyOf(line.latency)] : [])
  ])
  return [`### ${headingOf(workload)}`, "", ...notesOf(workload), ...table(head, rows), ""]
}

const memoryOf = ({ memory, memoryGrowth }: Line): string =>
  memory === undefined
    ? ""
    : `${mebibytes(memory)}${memoryGrowth === undefined ? "" : ` (+${mebibytes(memoryGrowth)})`}`

const latencyOf = ({ median, percentile99 }: NonNullable<Line["latency"]>): string =>
  `${threeDigits(median.median)} ms, ${threeDigits(percentile99.median)} ms`

const headingOf = (workload: string): string => workload.charAt(0).toUpperCase() + workload.slice(1)

/** What a reader must know of a workload to read its figures. */
const notes: Readonly<Record<string, string>> = {
  "select of 1,000 rows, 8 fibers": "Contenders without `-objects` that stand on a raw driver read rows as arrays.",
  "acquire and release, 1 fiber": "A connection is taken from the pool and given back, and nothing is executed.",
  "bare acquireUseRelease, 1 fiber":
    "`Effect.acquireUseRelease` of a plain value, in the process of effect-sa: what any pool costs at least in Effect.",
  "connect, 1 fiber":
    "Opens a connection outside of a pool, and closes it. effect-sa also sets its session up, which takes a statement.",
  "insert of 100,000 rows, 1 fiber":
    "Of four columns, into an empty table, as many rows at a time as each contender makes of it.",
  "point select with 1 % slow, 64 fibers":
    "One statement in a hundred takes 100 ms in the server: what that does to the others.",
  import:
    "In a fresh process. Contenders that are programs of Effect have imported `effect` before, which does not count: it has a line of its own. effect-sa loads its driver when the first connection is opened."
}

const notesOf = (workload: string): ReadonlyArray<string> => {
  const note = notes[workload]
  return note === undefined ? [] : [note, ""]
}

const curveSection = ({ curve, lines }: CurveReport): ReadonlyArray<string> => {
  const all = [...lines.values()].flat().map(({ line }) => line.cost.median)
  const most = Math.max(...all)
  const from = curve.logarithmic ? Math.min(...all) / 2 : undefined
  const rows = [...lines].flatMap(([contender, points]) =>
    points.map(({ at, line }, i) => [
      i === 0 ? named(contender) : "",
      number(at),
      withSpread(line.cost, "", time),
      bar(line.cost.median, most, from),
      time(line.cpu)
    ])
  )
  return [
    `### ${headingOf(curve.name)}`,
    "",
    `The cost of ${curve.operation}${curve.logarithmic ? "; the bars are logarithmic" : ""}.`,
    "",
    ...table(
      [
        ["contender", "left"],
        [curve.of, "right"],
        ["time per operation, median (quartiles)", "right"],
        ["shorter is better", "left"],
        ["CPU per operation", "right"]
      ],
      rows
    ),
    ""
  ]
}

/** Who was not there, or left out. */
const leftOut = ({ lines }: Report): ReadonlyArray<string> => {
  const measured = new Set(lines.map(({ contender }) => contender))
  const absent = Object.keys(contenders).filter((name) => !measured.has(name))
  return absent.length === 0 ? [] : [`- Not measured in this run: ${absent.map((name) => `\`${name}\``).join(", ")}.`]
}

export const page = (run: Run, report: Report): string => {
  const names = [...new Set(report.lines.map(({ workload }) => workload))]
  const reached = report.outcomes.filter((outcome) => outcome.reached).length
  return [
    "# Performance",
    "",
    "_This page is made by `npm run bench` and not written by hand._",
    "",
    `Measured in one run on ${serverOf(run)}, Node.js ${run.node.replace(/^v/, "")} and ${run.cores} cores, which the server, the contenders and whatever else the machine did had to share: ${packages.map(versionOf).join(", ")}.`,
    "",
    "## How",
    "",
    "Every contender has a process of its own, with a pool of eight connections to the same server, and does the job in the",
    `fastest way that its documentation recommends. They take turns: in each of ${run.rounds} rounds each has ${number(run.milliseconds)} ms for a workload (longer`,
    "operations run once), and who goes first changes. A longer round before the first warms up and does not count. Every answer is",
    "checked.",
    "",
    "- _Median (quartiles)_ is over the rounds; of three rounds the quartiles are the lowest and the highest. Where those of two contenders",
    "  overlap, neither is faster.",
    `- _× ${peer}_ is the median of the throughput over that of \`${peer}\` in the same round.`,
    "- _CPU_ is what the contender's process used for an operation or a row, in user and system mode, all threads. The server's is not in it.",
    "- _Peak memory_ is the most that was resident in any round; in brackets, above the start of the process, for workloads that have",
    "  processes of their own. In the others it has what the workloads before them left behind.",
    "- _Fibers_ are operations under way at once: fibers in Effect, promises elsewhere, tasks in Python.",
    "",
    ...table(
      [
        ["contender", "left"],
        ["how it does it", "left"]
      ],
      Object.entries(contenders).map(([name, how]) => [named(name), how])
    ),
    "",
    "## Targets",
    "",
    `What effect-sa is to reach, ${reached} of ${report.outcomes.length} reached in this run. _In front of every other_ is held against the fastest of the`,
    `others, without \`${limit}\`, which is the limit.`,
    "",
    ...outcomes(report.outcomes),
    "",
    "## Workloads",
    "",
    ...names.flatMap((name) =>
      section(
        name,
        report.lines.filter((line) => line.workload === name)
      )
    ),
    ...(report.curves.length === 0
      ? []
      : ["## Growth", "", "Time per operation is the time of a measurement by the operations that ended in it.", ""]),
    ...report.curves.flatMap(curveSection),
    "## What is not shown",
    "",
    ...leftOut(report),
    "- _Connect_ is shown of those that open connections themselves; the others leave it to one of them. `mysql2-promise` has no stream,",
    "  Drizzle lends no connection, aiomysql.sa cannot stream: they have no line there.",
    "- Who takes more than ten seconds for one operation is measured in one round only.",
    `- \`${limit}\` has a thread and a connection for each operation under way, and does only point selects, 64 at the most.`,
    "- The contenders in Python are not in the growth curves, which are about clients for Node.js.",
    "- A server on another machine: here the way to it takes no time, so that what a client costs is all there is to see.",
    "- MySQL: `npm run bench -- --server mysql` measures the same on it.",
    "",
    "All figures of all rounds are in `bench/results/latest.json` after a run.",
    ""
  ].join("\n")
}

// What the benchmark makes of its figures, and whether its parts fit together. What it measures is seen when it runs.
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import type { Measured } from "../../bench/contender.js"
import { contenderNames, own } from "../../bench/contenders.js"
import { bar, page } from "../../bench/page.js"
import { type Rounds, reportOf, threeDigits, time } from "../../bench/report.js"
import { targets } from "../../bench/targets.js"
import { curves, isSlow, type Workload, workloads } from "../../bench/workload.js"

const named = (name: string): Workload => {
  const found = workloads.find((workload) => workload.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** Rounds of a second each, with so many operations. */
const at = (counts: ReadonlyArray<number>, more: Partial<Measured> = {}): ReadonlyArray<Measured> =>
  counts.map((count) => ({ count, seconds: 1, cpu: 1, memory: undefined, latency: undefined, ...more }))

const roundsOf = (
  workload: Workload,
  contenders: Readonly<Record<string, ReadonlyArray<Measured>>>,
  start: Readonly<Record<string, number>> = {}
): Rounds => ({ workload, contenders: new Map(Object.entries(contenders)), start: new Map(Object.entries(start)) })

const pointSelect = named("point select, 64 fibers")

describe("the parts of the benchmark", () => {
  it("have a program for every contender", () => {
    const missing = contenderNames.filter(
      (name) => !existsSync(fileURLToPath(new URL(`../../bench/contenders/${name}.ts`, import.meta.url)))
    )
    expect(missing).toEqual([])
  })

  it("have targets of workloads and contenders that there are", () => {
    const names = new Set(
      [...workloads, ...curves.flatMap(({ points }) => points.map((point) => point.workload))].map(({ name }) => name)
    )
    const sides = targets.flatMap(({ of, to }) => (to === undefined ? [of] : [of, to]))
    expect(sides.length).toBeGreaterThan(targets.length)
    for (const { workload, contender } of sides)
      expect([workload, names.has(workload), contenderNames.includes(contender)]).toEqual([workload, true, true])
  })

  it("have no two workloads of one name, and curves of contenders that there are", () => {
    const names = [...workloads, ...curves.flatMap(({ points }) => points.map((point) => point.workload))].map(
      ({ name }) => name
    )
    expect(names.length).toBe(new Set(names).size)
    expect(curves.flatMap(({ contenders }) => contenders).filter((name) => !contenderNames.includes(name))).toEqual([])
  })

  it("take one operation in a hundred for a slow one", () => {
    const slow = Array.from({ length: 100_000 }, (_, i) => i).filter(isSlow).length
    expect(slow).toBeGreaterThan(900)
    expect(slow).toBeLessThan(1_100)
  })
})

describe("the report", () => {
  it("holds each round against the same round of mysql2, not the medians against each other", () => {
    const { lines } = reportOf([roundsOf(pointSelect, { [own]: at([10, 40, 90]), mysql2: at([10, 10, 30]) })], [])
    const line = lines.find(({ contender }) => contender === own)
    expect(line?.throughput).toEqual({ median: 40, low: 10, high: 90 })
    expect(line?.ratio).toEqual({ median: 3, low: 1, high: 4 })
  })

  it("says of a target that it is reached only when its median is on the right side", () => {
    const target = (counts: ReadonlyArray<number>) =>
      reportOf([roundsOf(pointSelect, { [own]: at(counts), mysql2: at([100, 100, 100]) })], []).outcomes.find(
        ({ against, name }) => against === "× mysql2" && name === "point select at 64 fibers"
      )
    expect(target([190, 200, 900])).toMatchObject({ reached: true, value: { median: 2 } })
    expect(target([10, 199, 900])).toMatchObject({ reached: false, value: { median: 1.99 } })
  })

  it("has no target reached of which nothing is known", () => {
    const stream = named("stream of a million rows, 1 fiber")
    const growth = (memory: number | undefined) =>
      reportOf([roundsOf(stream, { [own]: at([1], { memory }) }, { [own]: 2 ** 20 })], []).outcomes
    expect(growth(undefined)).toMatchObject([{ reached: false }])
    expect(growth(11 * 2 ** 20)).toMatchObject([{ reached: true, value: { median: 10 } }])
    expect(growth(99 * 2 ** 20)).toMatchObject([{ reached: false, value: { median: 98 } }])
    expect(reportOf([], []).outcomes).toEqual([])
  })

  it("says microseconds above something as a difference", () => {
    const [outcome] = reportOf(
      [
        roundsOf(named("acquire and release, 1 fiber"), { [own]: at([250_000]) }),
        roundsOf(named("bare acquireUseRelease, 1 fiber"), { [own]: at([500_000]) })
      ],
      []
    ).outcomes
    expect(outcome).toMatchObject({ against: "", value: { median: 2 }, reached: false })
  })

  it("holds effect-sa against the fastest of the others, which neither its own kind nor the limit is", () => {
    const { outcomes } = reportOf(
      [
        roundsOf(pointSelect, {
          [own]: at([100]),
          "effect-sa-sql": at([300]),
          sysbench: at([900]),
          kysely: at([20]),
          mariadb: at([125])
        })
      ],
      []
    )
    expect(outcomes.filter(({ name }) => name.startsWith("in front"))).toMatchObject([
      { against: "× mariadb", value: { median: 0.8 }, reached: false }
    ])
  })

  it("puts the points of a curve in its lines, and not among the workloads", () => {
    const [curve] = curves
    const all = curve!.points.map(({ at: fibers, workload }) => roundsOf(workload, { [own]: at([1_000_000 / fibers]) }))
    const report = reportOf(all, curves)
    expect(report.lines).toEqual([])
    expect(report.curves.map((each) => each.curve.name)).toEqual([curve!.name])
    const costs = report.curves[0]?.lines.get(own)?.map(({ at: fibers, line }) => [fibers, line.cost.median])
    expect(costs).toEqual(curve!.points.map(({ at: fibers }) => [fibers, fibers]))
  })

  it("writes numbers as people read them", () => {
    expect([12_345.6, 123.4, 12.34, 1.234, 0.01234, 0].map(threeDigits)).toEqual([
      "12,346",
      "123",
      "12.3",
      "1.23",
      "0.012",
      "0"
    ])
    expect([0.25, 2.5, 2_500].map(time)).toEqual(["250 ns", "2.50 µs", "2.50 ms"])
  })
})

describe("docs/performance.md", () => {
  const run = { server: "10.11.0-MariaDB-0+deb12u1", node: "v22.0.0", cores: 2, rounds: 3, milliseconds: 400 }
  const text = page(
    run,
    reportOf([roundsOf(pointSelect, { mysql2: at([100]), [own]: at([400]), "sql-mysql2": at([3]) })], [])
  )

  it("says that it is made, on what, and of whom", () => {
    expect(text).toContain("made by `npm run bench` and not written by hand")
    expect(text).toContain("MariaDB 10.11.0, Node.js 22.0.0 and 2 cores")
    for (const name of contenderNames) expect(text).toMatch(new RegExp(`^\\| (\\*\\*)?${name}(\\*\\*)? +\\|`, "m"))
  })

  it("shows the fastest first, with bars as long as the figures are large", () => {
    const lines = text.split("\n").filter((line) => line.includes("█"))
    expect(lines.map((line) => /^\| \**([\w-]+)/.exec(line)?.[1])).toEqual([own, "mysql2", "sql-mysql2"])
    expect(lines.map((line) => line.match(/█/g)?.length)).toEqual([30, 8, 1])
  })

  it("says which targets were missed", () => {
    expect(text).toMatch(/point select at 64 fibers +\| +at least 2 \|.*\| × mysql2 +\| reached/)
    expect(text).toContain("3 of 3 reached")
  })

  it("has tables whose rows are as wide as their heads", () => {
    const tables = text.split("\n\n").filter((block) => block.startsWith("|"))
    expect(tables.length).toBe(3)
    for (const table of tables) {
      const widths = new Set(
        table
          .trimEnd()
          .split("\n")
          .map((line) => line.split("|").length)
      )
      expect(widths.size).toBe(1)
    }
  })

  it("has bars that can be seen whenever there is something, and are never too long", () => {
    expect([bar(0, 10), bar(0.001, 10), bar(10, 10), bar(50, 10)].map((each) => each.length)).toEqual([0, 1, 30, 30])
    expect([bar(1, 10_000, 0.5), bar(100, 10_000, 0.5), bar(10_000, 10_000, 0.5)].map((each) => each.length)).toEqual([
      2, 16, 30
    ])
    expect(bar(Number.NaN, 10)).toBe("")
  })
})

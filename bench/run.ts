// The benchmark: one server, every contender in a process of its own, rounds that take turns, medians and their spread.
//   npm run bench                                    all of it, on a private MariaDB that is started as the tests do
//   npm run bench -- --server mysql                  on a private MySQL
//   npm run bench -- --rounds 9 --milliseconds 700   how many rounds, and how long each contender has in one
//   npm run bench -- --only select                   workloads and curves whose name has this in it
//   npm run bench -- --contenders effect-sa,mysql2   these contenders only
//   npm run bench -- --without-curves                without the growth curves
//   npm run bench -- --strict                        ends with 1 where a target is missed, of which a busy machine may be guilty
//   npm run bench -- --write                         writes docs/performance.md also where the run was not whole
// EFFECT_SA_BENCH_URL=mysql://… uses a server that is there, where no --server is given. All figures, those of each round too,
// are in bench/results/; docs/performance.md is written by a whole run on MariaDB.
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type Server, startMariadb } from "../test/support/servers/mariadb.js"
import { startMysql } from "../test/support/servers/mysql.js"
import type { Measured, Ready } from "./contender.js"
import { contenderNames } from "./contenders.js"
import { clear, fill } from "./fill.js"
import { importable, importOnce } from "./imports.js"
import { page } from "./page.js"
import { print, type Rounds, reportOf } from "./report.js"
import { type Running, start } from "./running.js"
import {
  curves as allCurves,
  imports,
  poolSize,
  workloads as allWorkloads,
  type Task,
  type Workload
} from "./workload.js"

const starters = { mariadb: startMariadb, mysql: startMysql }
const usual = { rounds: 3, milliseconds: 400 }

/** Who takes so many seconds for one operation is measured in one round only. */
const longest = 10

const { values: given } = parseArgs({
  options: {
    server: { type: "string" },
    rounds: { type: "string", default: String(usual.rounds) },
    milliseconds: { type: "string", default: String(usual.milliseconds) },
    only: { type: "string", default: "" },
    contenders: { type: "string", default: contenderNames.join() },
    "without-curves": { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
    write: { type: "boolean", default: false }
  }
})
const rounds = Number(given.rounds)
const milliseconds = Number(given.milliseconds)
const contenders = given.contenders.split(",")
const isAsked = ({ name }: { readonly name: string }): boolean => name.includes(given.only)
const workloads = allWorkloads.filter(isAsked)
const curves = given["without-curves"] ? [] : allCurves.filter(isAsked)

/** Workloads that share the processes of these contenders. */
interface Group {
  readonly name: string
  readonly contenders: ReadonlyArray<string>
  readonly workloads: ReadonlyArray<Workload>
}

const sharing = workloads.filter(({ alone }) => !alone)
const groups: ReadonlyArray<Group> = [
  { name: `${sharing.length} workloads`, contenders, workloads: sharing },
  ...workloads.flatMap((workload) =>
    workload.alone && workload.task !== undefined ? [{ name: workload.name, contenders, workloads: [workload] }] : []
  ),
  ...curves.flatMap(({ name, contenders: able, points }) => {
    const asked = able.filter((each) => contenders.includes(each))
    const all = points.map(({ workload }) => workload)
    // A process has one pool.
    const sizes = [...new Set(all.map((workload) => workload.poolSize))]
    return sizes.map((size) => ({
      name: sizes.length === 1 ? name : `${name}: ${size}`,
      contenders: asked,
      workloads: all.filter((workload) => workload.poolSize === size)
    }))
  })
].filter((group) => group.workloads.length > 0)

const log = (line: string): void => {
  process.stderr.write(`  ${line}\n`)
}

/** Why the run cannot be done as it was asked for. */
const refused = (): string | undefined => {
  const unknown = contenders.find((name) => !contenderNames.includes(name))
  if (unknown !== undefined) return `--contenders ${unknown}: there are ${contenderNames.join(", ")}`
  if (given.server !== undefined && !Object.hasOwn(starters, given.server))
    return `--server ${given.server}: mariadb or mysql`
  if (workloads.length + curves.length === 0) return `--only ${given.only}: no workload has this in its name`
  if (!(rounds >= 1 && milliseconds >= 1)) return "--rounds and --milliseconds: numbers from 1"
  return undefined
}

const startServer = (): Promise<Server> => {
  const url = process.env.EFFECT_SA_BENCH_URL
  if (given.server === undefined && url !== undefined) return Promise.resolve({ url, stop: () => Promise.resolve() })
  return starters[given.server === "mysql" ? "mysql" : "mariadb"]()
}

/** What each contender has said that it can do. */
const abilities = new Map<string, Ready>()

const isAble = ({ kinds, mostAtOnce = Number.POSITIVE_INFINITY }: Ready, { task }: Workload): boolean =>
  task !== undefined && kinds.includes(task.kind) && task.concurrency <= mostAtOnce

/** Starts the contenders that can do any of these. */
const startAll = async (group: Group, url: string, running: Map<string, Running>) => {
  const isOfUse = (ready: Ready) => group.workloads.some((workload) => isAble(ready, workload))
  for (const name of group.contenders) {
    const known = abilities.get(name)
    if (known !== undefined && !isOfUse(known)) continue
    const contender = await start(name, url, group.workloads[0]?.poolSize ?? poolSize)
    const { ready } = contender
    if (ready.missing !== undefined) log(`${name} ${ready.missing}`)
    abilities.set(name, ready)
    if (isOfUse(ready)) running.set(name, contender)
    else await contender.end()
  }
}

/** Calls for each contender in each round; who goes first changes from round to round. Round 0 warms up. */
const inTurns = async (
  names: ReadonlyArray<string>,
  round: number,
  measure: (name: string) => Promise<void>
): Promise<void> => {
  for (const turn of names.keys()) {
    const name = names[(turn + round) % names.length]
    if (name !== undefined) await measure(name)
  }
}

/** Where thousands are under way it takes longer until each has had several turns, and their start is a small part of it. */
const longer = ({ concurrency }: Task): number => Math.max(1, concurrency / 2_000)

/** Whether the first round has shown that the others would take too much of everybody's time. */
const isLong = (first: Measured | undefined): boolean => first !== undefined && first.seconds > longest

/** A process starts cold: the round before the first is longer, has some operations at the least, and does not count. */
const warmUp = async (contender: Running, task: Task, milliseconds: number): Promise<void> => {
  let operations = 0
  let taken = 0
  while (operations < 5 && taken < longest / 2) {
    const { count, seconds } = await contender.ask({ task, milliseconds })
    operations += count / task.counts
    taken += seconds
  }
}

/** All rounds of workloads that share the contenders' processes. */
const measure = async (group: Group, url: string): Promise<ReadonlyArray<Rounds>> => {
  const running = new Map<string, Running>()
  try {
    await startAll(group, url, running)
    const start = new Map([...running].map(([name, { ready }]) => [name, ready.memory]))
    const measured = group.workloads.map((workload) => {
      const able = [...running].flatMap(([name, { ready }]) => (isAble(ready, workload) ? [name] : []))
      return { workload, start, contenders: new Map(able.map((name) => [name, [] as Array<Measured>])) }
    })
    log(group.name)
    for (let round = 0; round <= rounds; round++) {
      log(round === 0 ? "  warming up" : `  round ${round} of ${rounds}`)
      for (const { workload, contenders } of measured) {
        await inTurns([...contenders.keys()], round, async (name) => {
          const contender = running.get(name)
          if (workload.task === undefined || contender === undefined) return
          if (round > 1 && isLong(contenders.get(name)?.[0])) return
          const time = milliseconds * longer(workload.task)
          if (round === 0) return warmUp(contender, workload.task, 3 * time)
          contenders.get(name)?.push(await contender.ask({ task: workload.task, milliseconds: time }))
        })
      }
    }
    return measured
  } finally {
    for (const contender of running.values()) await contender.end()
  }
}

/** Imports are quick: three in each round. Nobody says of them what it lacks. */
const measureImports = async (): Promise<Rounds> => {
  log(imports.name)
  const asked = importable.filter((name) => name === "effect" || contenders.includes(name))
  const measured = new Map(asked.map((name) => [name, [] as Array<Measured>]))
  for (let round = 0; round <= 3 * rounds; round++) {
    await inTurns(asked, round, async (name) => {
      const once = importOnce(name)
      if (round > 0 && once !== undefined) measured.get(name)?.push(once)
    })
  }
  const done = new Map([...measured].filter(([, all]) => all.length > 0))
  return { workload: imports, contenders: done, start: new Map() }
}

/** Why this is not the run that docs/performance.md shows. */
const notWhole = (): string | undefined => {
  if (given.server === "mysql") return "it ran on MySQL"
  if (workloads.length < allWorkloads.length || curves.length < allCurves.length)
    return "workloads or curves were left out"
  if (rounds < usual.rounds || milliseconds < usual.milliseconds) return "it was shorter than usual"
  const absent = contenderNames.filter((name) => (abilities.get(name)?.kinds ?? []).length === 0)
  return absent.length > 0 ? `${absent.join(", ")} did not run` : undefined
}

const main = async (): Promise<void> => {
  const begun = performance.now()
  const server = await startServer()
  try {
    const version = await fill(
      server.url,
      groups.flatMap((group) => group.workloads.flatMap(({ task }) => task ?? []))
    )
    const measured: Array<Rounds> = []
    for (const group of groups) {
      const since = performance.now()
      measured.push(...(await measure(group, server.url)))
      log(`  took ${((performance.now() - since) / 1_000).toFixed(0)} s`)
    }
    if (workloads.includes(imports)) measured.push(await measureImports())
    await clear(server.url)
    const report = reportOf(measured, curves)
    process.stdout.write(print(report))
    const run = { server: version, node: process.version, cores: cpus().length, rounds, milliseconds }
    write(run, measured, report)
    log(`${Math.round((performance.now() - begun) / 60_000)} minutes`)
    if (given.strict && report.outcomes.some(({ reached }) => !reached)) process.exitCode = 1
  } finally {
    await server.stop()
  }
}

const write = (
  run: Parameters<typeof page>[0],
  measured: ReadonlyArray<Rounds>,
  report: ReturnType<typeof reportOf>
): void => {
  const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
  mkdirSync(fileOf("./results/"), { recursive: true })
  const file = given.server === "mysql" ? "results/latest-mysql.json" : "results/latest.json"
  const everyRound = measured.map(({ workload, contenders, start }) => ({
    workload: workload.name,
    contenders: Object.fromEntries(contenders),
    start: Object.fromEntries(start)
  }))
  const curves = report.curves.map(({ curve, lines }) => ({ curve: curve.name, lines: Object.fromEntries(lines) }))
  writeFileSync(fileOf(file), JSON.stringify({ ...run, ...report, curves, everyRound }, undefined, 2))
  log(`written to bench/${file}`)
  const because = notWhole()
  if (because === undefined || given.write) {
    writeFileSync(fileOf("../docs/performance.md"), page(run, report))
    log("written to docs/performance.md")
  } else {
    log(`docs/performance.md is as it was: ${because}`)
  }
}

const refusal = refused()
if (refusal === undefined) await main()
else {
  log(refusal)
  process.exitCode = 1
}

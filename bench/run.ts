// The benchmark: one server, every contender in a process of its own, rounds that take turns, medians and their spread.
//   npm run bench                                    all workloads, on a private MariaDB that is started as the tests do
//   npm run bench -- --server mysql                  on a private MySQL
//   npm run bench -- --rounds 15 --milliseconds 700  how many rounds, and how long each contender has in one
//   npm run bench -- --only select                   workloads whose name has this in it
//   npm run bench -- --contenders effect-sa,mysql2   these contenders only
// EFFECT_SA_BENCH_URL=mysql://… uses a server that is there, where no --server is given.
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type Server, startMariadb } from "../test/support/servers/mariadb.js"
import { startMysql } from "../test/support/servers/mysql.js"
import type { Measured } from "./contender.js"
import { clear, fill } from "./fill.js"
import { exceeded, peer, print, type Rounds, reportOf } from "./report.js"
import { type Running, start } from "./running.js"
import { type Kind, type WorkloadName, workloadNames, workloads } from "./workload.js"

const everyContender = ["effect-sa", "effect-sa-unshared", "effect-sa-sql", peer, "sql-mysql2", "sysbench"]
const starters = { mariadb: startMariadb, mysql: startMysql }

const { values: given } = parseArgs({
  options: {
    server: { type: "string" },
    rounds: { type: "string", default: "9" },
    milliseconds: { type: "string", default: "700" },
    only: { type: "string", default: "" },
    contenders: { type: "string", default: everyContender.join() }
  }
})
const rounds = Number(given.rounds)
const milliseconds = Number(given.milliseconds)
const names = workloadNames.filter((name) => name.includes(given.only))
const contenders = given.contenders.split(",")

/** The workloads that share processes, and each of the others. */
const groups = [
  names.filter((name) => !workloads[name].alone),
  ...names.flatMap((name) => (workloads[name].alone ? [[name]] : []))
].filter((group) => group.length > 0)

const log = (line: string): void => {
  process.stderr.write(`  ${line}\n`)
}

/** Why the run cannot be done as it was asked for. */
const refused = (): string | undefined => {
  const unknown = contenders.find((name) => !everyContender.includes(name))
  if (unknown !== undefined) return `--contenders ${unknown}: there are ${everyContender.join(", ")}`
  if (given.server !== undefined && !Object.hasOwn(starters, given.server))
    return `--server ${given.server}: mariadb or mysql`
  if (names.length === 0) return `--only ${given.only}: no workload has this in its name`
  if (!(rounds >= 1 && milliseconds >= 1)) return "--rounds and --milliseconds: numbers from 1"
  return undefined
}

const startServer = (): Promise<Server> => {
  const url = process.env.EFFECT_SA_BENCH_URL
  if (given.server === undefined && url !== undefined) return Promise.resolve({ url, stop: () => Promise.resolve() })
  return starters[given.server === "mysql" ? "mysql" : "mariadb"]()
}

/** What each contender has said that it can do. */
const abilities = new Map<string, ReadonlyArray<Kind>>()

/** Starts the contenders that can do any of these. */
const startAll = async (group: ReadonlyArray<WorkloadName>, url: string, running: Map<string, Running>) => {
  const isOfUse = (kinds: ReadonlyArray<Kind>) => group.some((name) => kinds.includes(workloads[name].kind))
  for (const name of contenders) {
    const known = abilities.get(name)
    if (known !== undefined && !isOfUse(known)) continue
    const contender = await start(name, url)
    const { kinds, missing } = contender.ready
    if (missing !== undefined) log(`${name} ${missing}`)
    abilities.set(name, kinds)
    if (isOfUse(kinds)) running.set(name, contender)
    else await contender.end()
  }
}

/** All rounds of workloads that share the contenders' processes. */
const measure = async (group: ReadonlyArray<WorkloadName>, url: string): Promise<ReadonlyArray<Rounds>> => {
  const running = new Map<string, Running>()
  try {
    await startAll(group, url, running)
    const start = new Map([...running].map(([name, { ready }]) => [name, ready.memory]))
    const measured = group.map((workload) => {
      const able = [...running.keys()].filter((name) => abilities.get(name)?.includes(workloads[workload].kind))
      return { workload, start, contenders: new Map(able.map((name) => [name, [] as Array<Measured>])) }
    })
    log(group.length === 1 ? String(group[0]) : `${group.length} workloads`)
    for (let round = -1; round < rounds; round++) {
      log(round < 0 ? "  warming up" : `  round ${round + 1} of ${rounds}`)
      for (const { workload, contenders } of measured) {
        const able = [...contenders.keys()]
        for (const turn of able.keys()) {
          // Who goes first changes from round to round.
          const name = able[(turn + round + able.length) % able.length]!
          // A process starts cold: the round before the first is longer, and does not count.
          const order = { workload, milliseconds: round < 0 ? 3 * milliseconds : milliseconds }
          const result = await running.get(name)!.ask(order)
          if (round >= 0) contenders.get(name)?.push(result)
        }
      }
    }
    return measured
  } finally {
    for (const contender of running.values()) await contender.end()
  }
}

const main = async (): Promise<void> => {
  const server = await startServer()
  try {
    const version = await fill(server.url, new Set(names.map((name) => workloads[name].kind)))
    const measured: Array<Rounds> = []
    for (const group of groups) measured.push(...(await measure(group, server.url)))
    await clear(server.url)
    const report = reportOf(measured)
    process.stdout.write(print(report))
    const folder = fileURLToPath(new URL("./results/", import.meta.url))
    const file = given.server === "mysql" ? "latest-mysql.json" : "latest.json"
    mkdirSync(folder, { recursive: true })
    const machine = { server: version, node: process.version, cores: cpus().length }
    writeFileSync(`${folder}${file}`, JSON.stringify({ ...machine, rounds, milliseconds, ...report }, undefined, 2))
    log(`written to bench/results/${file}`)
    for (const { workload, figure, limit } of exceeded(report)) {
      log(`${workload}: the ${figure} is above ${limit} times what it is held against`)
      process.exitCode = 1
    }
  } finally {
    await server.stop()
  }
}

const refusal = refused()
if (refusal === undefined) await main()
else {
  log(refusal)
  process.exitCode = 1
}

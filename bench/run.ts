// The benchmark: every contender in a process of its own, one server, rounds that take turns, medians and their spread.
//   npm run bench                     all workloads
//   npm run bench -- --rounds 15      more rounds
//   npm run bench -- --only select    workloads whose name has this in it
// EFFECT_SA_BENCH_URL=mysql://… uses a server that is there; else a private MariaDB is started as the tests do.
import { type ChildProcess, fork } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import mysql2 from "mysql2"
import { startMariadb } from "../test/support/servers/mariadb.js"
import { type Measured, type Order, table, tableRows, type WorkloadName, workloads } from "./workload.js"

const peer = "mysql2"
const contenders = ["effect-sa", peer, "sql-mysql2"]

const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}
const rounds = Number(argument("rounds") ?? 9)
const milliseconds = Number(argument("milliseconds") ?? 700)
const names = (Object.keys(workloads) as Array<WorkloadName>).filter((name) => name.includes(argument("only") ?? ""))

const ask = (child: ChildProcess, order: Order): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("a contender ended by itself"))
    child.once("exit", ended)
    child.once("message", (message) => {
      child.off("exit", ended)
      resolve(message as Measured)
    })
    child.send(order)
  })

const start = (name: string, url: string): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL(`./contenders/${name}.ts`, import.meta.url)), {
      env: { ...process.env, EFFECT_SA_BENCH_URL: url },
      stdio: ["ignore", "inherit", "inherit", "ipc"]
    })
    const ended = (code: number | null): void => reject(new Error(`${name} ended with ${code}`))
    child.once("exit", ended)
    child.once("message", () => {
      child.off("exit", ended)
      resolve(child)
    })
  })

const query = (url: string, statements: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const connection = mysql2.createConnection({ uri: url, multipleStatements: true, rowsAsArray: true })
    connection.query(`${statements.join(";")}; SELECT VERSION()`, (error, results) => {
      connection.destroy()
      if (error !== null) reject(error)
      else resolve(JSON.stringify(Array.isArray(results) ? results.at(-1) : ""))
    })
  })

const fill = (url: string): Promise<string> => {
  const rows = Array.from(
    { length: tableRows },
    (_, i) => `(${i}, 'name of number ${i}', ${i}, ${i * 1_000_000}, '2024-01-02 03:04:05')`
  )
  return query(url, [
    `DROP TABLE IF EXISTS ${table}`,
    `CREATE TABLE ${table} (id INT PRIMARY KEY, name VARCHAR(40), n INT, big BIGINT, at DATETIME)`,
    `INSERT INTO ${table} VALUES ${rows.join(",")}`
  ])
}

const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

interface Line {
  readonly workload: WorkloadName
  readonly contender: string
  /** Operations a second: the median, and the quarter below and above it. */
  readonly throughput: { readonly median: number; readonly low: number; readonly high: number }
  /** Microseconds of CPU for an operation, median. */
  readonly cpu: number
  /** Of the throughput to the peer's in the same round: the median, and the quarter below and above it. */
  readonly ratio: { readonly median: number; readonly low: number; readonly high: number }
  readonly memory: number
}

const spread = (values: ReadonlyArray<number>) => ({
  median: quantile(values, 0.5),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75)
})

const main = async (): Promise<void> => {
  const given = process.env.EFFECT_SA_BENCH_URL
  const server = given === undefined ? await startMariadb() : { url: given, stop: () => Promise.resolve() }
  const children = new Map<string, ChildProcess>()
  try {
    const version = await fill(server.url)
    for (const name of contenders) children.set(name, await start(name, server.url))
    const measured = new Map<string, Array<Measured>>()
    const key = (workload: WorkloadName, contender: string): string => `${workload}|${contender}`
    for (let round = -1; round < rounds; round++) {
      process.stderr.write(round < 0 ? "  warming up\n" : `  round ${round + 1} of ${rounds}\n`)
      for (const workload of names) {
        // Who goes first changes from round to round.
        const order = contenders.map((_, i) => contenders[(i + round + contenders.length) % contenders.length]!)
        for (const contender of order) {
          const result = await ask(children.get(contender)!, { workload, milliseconds })
          if (round < 0) continue
          const all = measured.get(key(workload, contender)) ?? []
          all.push(result)
          measured.set(key(workload, contender), all)
        }
      }
    }
    const lines: Array<Line> = []
    for (const workload of names) {
      const peers = measured.get(key(workload, peer)) ?? []
      for (const contender of contenders) {
        const all = measured.get(key(workload, contender)) ?? []
        const rates = all.map(({ operations, seconds }) => operations / seconds)
        lines.push({
          workload,
          contender,
          throughput: spread(rates),
          cpu: quantile(
            all.map(({ cpu }) => cpu),
            0.5
          ),
          ratio: spread(rates.map((rate, i) => rate / (peers[i]!.operations / peers[i]!.seconds))),
          memory: Math.max(...all.map(({ memory }) => memory))
        })
      }
    }
    print(lines)
    const folder = fileURLToPath(new URL("./results/", import.meta.url))
    mkdirSync(folder, { recursive: true })
    const file = `${folder}latest.json`
    writeFileSync(
      file,
      JSON.stringify(
        { server: version, node: process.version, cores: cpus().length, rounds, milliseconds, lines },
        undefined,
        2
      )
    )
    process.stderr.write(`  written to bench/results/latest.json\n`)
  } finally {
    for (const child of children.values()) {
      child.send("end")
    }
    await server.stop()
  }
}

const print = (lines: ReadonlyArray<Line>): void => {
  const number = (value: number, digits = 0): string =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
  for (const workload of new Set(lines.map((line) => line.workload))) {
    process.stdout.write(`\n${workload}\n`)
    for (const line of lines.filter((each) => each.workload === workload)) {
      const { throughput, ratio } = line
      process.stdout.write(
        `  ${line.contender.padEnd(14)}${number(throughput.median).padStart(9)} /s (${number(throughput.low)} to ${number(throughput.high)})`.padEnd(
          52
        ) +
          `${number(line.cpu, 1).padStart(8)} µs CPU   ${number(ratio.median, 2)} × ${peer} (${number(ratio.low, 2)} to ${number(ratio.high, 2)})   ${number(line.memory / 2 ** 20)} MiB\n`
      )
    }
  }
}

await main()

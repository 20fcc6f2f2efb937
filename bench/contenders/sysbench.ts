// The limit: sysbench, a client in C with a thread and a connection for each operation that is under way. Where it is not
// installed there is none.
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { which } from "../../test/support/servers/process.js"
import { absent, type Contender, type Measured, serve } from "../contender.js"
import { table, tableRows } from "../workload.js"

const script = fileURLToPath(new URL("./sysbench.lua", import.meta.url))

/** What the script prints at its end. CPU time is in seconds. */
const measuredIn = (output: string): Measured => {
  const { events, seconds, cpu } = JSON.parse(output) as { events: number; seconds: number; cpu: number }
  return { count: events, seconds, cpu: (cpu * 1e6) / Math.max(1, events), memory: undefined, latency: undefined }
}

const present = (program: string, url: string): Contender => {
  const target = new URL(url)
  const run = (threads: number, seconds: number): Promise<Measured> => {
    const words = [
      `--mysql-host=${target.hostname}`,
      `--mysql-port=${target.port}`,
      `--mysql-user=${decodeURIComponent(target.username)}`,
      `--mysql-db=${target.pathname.slice(1)}`,
      "--verbosity=0",
      "--percentile=0",
      `--threads=${threads}`,
      `--time=${seconds}`,
      `--table=${table}`,
      `--rows=${tableRows}`
    ]
    // Everybody on the machine can see a command's words, but not its environment.
    const env = { ...process.env, MYSQL_PWD: decodeURIComponent(target.password) }
    return new Promise((resolve, reject) =>
      execFile(program, [...words, script, "run"], { env }, (error, output) =>
        error === null ? resolve(measuredIn(output)) : reject(new Error(`sysbench failed: ${output}`))
      )
    )
  }
  return {
    kinds: ["select"],
    // It has a connection for each, and servers let in some hundred.
    mostAtOnce: 64,
    // It counts in whole seconds.
    measure: ({ task, milliseconds }) => run(task.concurrency, Math.max(1, Math.round(milliseconds / 1_000))),
    close: () => Promise.resolve()
  }
}

await serve(async (url) => {
  const program = which("sysbench")
  return program === undefined
    ? absent("is not installed (Debian: apt-get install sysbench): the limit is left out")
    : present(program, url)
})

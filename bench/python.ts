// The contenders in Python: a process of theirs that is told what to do, and looked at from here.
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { which } from "../test/support/servers/process.js"
import { absent, type Contender, type Measured, type Order, watchMemory } from "./contender.js"
import { targetOf } from "./target.js"
import {
  acquiresAtOnce,
  insertRows,
  insertTable,
  type Kind,
  streamRows,
  streamTable,
  table,
  tableRows
} from "./workload.js"

const script = fileURLToPath(new URL("./contenders/contender.py", import.meta.url))

/** Debian's own Python, for which python3-aiomysql is installed, before any other. */
export const python = (): string | undefined => (existsSync("/usr/bin/python3") ? "/usr/bin/python3" : which("python3"))

/** What the script says first. */
type Greeting = { readonly missing: string } | { readonly kinds: ReadonlyArray<Kind> }

/** Bytes of a process that are resident, where the system shows them as Linux does. */
const residentOf = (pid: number): number | undefined => {
  try {
    const [, kibibytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024
  } catch {
    return undefined
  }
}

const install = "(Debian: apt-get install python3-aiomysql python3-sqlalchemy): it is left out"

export const pythonContender = async (
  url: string,
  poolSize: number,
  words: ReadonlyArray<string>
): Promise<Contender> => {
  const program = python()
  if (program === undefined) return absent(`is not measured, there is no Python ${install}`)
  const given = {
    target: targetOf(url),
    poolSize,
    table,
    tableRows,
    streamTable,
    streamRows,
    insertTable,
    insertRows,
    acquiresAtOnce
  }
  // Everybody on the machine can see a command's words, but not its environment.
  const env = { ...process.env, EFFECT_SA_BENCH_PYTHON: JSON.stringify(given) }
  const child = spawn(program, [script, ...words], { env, stdio: ["pipe", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const closed = (): void => reject(new Error("the contender in Python ended by itself"))
      lines.once("close", closed)
      lines.once("line", (line) => {
        lines.off("close", closed)
        resolve(JSON.parse(line))
      })
    })
  // What the script says is typed by the script.
  const greeting = (await answer()) as Greeting
  if ("missing" in greeting) return absent(`is not measured, Python has no ${greeting.missing} ${install}`)
  const { pid } = child
  const resident = (): number => (pid === undefined ? 0 : (residentOf(pid) ?? 0))
  const isSeen = resident() > 0
  return {
    kinds: greeting.kinds,
    memory: resident,
    measure: async (order: Order) => {
      const memory = watchMemory(resident)
      child.stdin.write(`${JSON.stringify(order)}\n`)
      const { count, seconds, cpu } = (await answer()) as Pick<Measured, "count" | "seconds" | "cpu">
      const peak = memory()
      return { count, seconds, cpu, memory: isSeen ? peak : undefined, latency: undefined }
    },
    close: () => {
      child.stdin.end()
      return ended
    }
  }
}

// How long it takes to import a package: in fresh processes, one for each import.
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Measured } from "./contender.js"
import { python } from "./python.js"

const root = fileURLToPath(new URL("..", import.meta.url))

interface Import {
  /** What a program that uses the contender has imported anyway; it does not count. */
  readonly before: string | undefined
  readonly modules: ReadonlyArray<string>
}

const node = (...modules: ReadonlyArray<string>): Import => ({ before: undefined, modules })
const withEffect = (...modules: ReadonlyArray<string>): Import => ({ before: "effect", modules })

/** Programs of Effect have imported `effect` anyway; what that takes is shown by itself. */
const inNode: Readonly<Record<string, Import>> = {
  effect: node("effect"),
  "effect-sa": withEffect("effect-sa"),
  "effect-sa-sql": withEffect("@effect/sql", "effect-sa/SqlClient"),
  mysql2: node("mysql2"),
  "mysql2-promise": node("mysql2/promise"),
  mariadb: node("mariadb"),
  "sql-mysql2": withEffect("@effect/sql", "@effect/sql-mysql2"),
  kysely: node("kysely", "mysql2"),
  drizzle: node("drizzle-orm/mysql2", "drizzle-orm/mysql-core")
}

const inPython: Readonly<Record<string, string>> = {
  aiomysql: "aiomysql",
  "aiomysql-sa": "aiomysql.sa, sqlalchemy"
}

/** The program says two numbers: seconds, and microseconds of CPU. */
const run = (program: string, words: ReadonlyArray<string>): Measured => {
  const output = execFileSync(program, words, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  const [seconds = Number.NaN, cpu = Number.NaN] = output.trim().split(" ").map(Number)
  return { count: 1, seconds, cpu, memory: undefined, latency: undefined }
}

const nodeProgram = ({ before, modules }: Import): string => `
  ${before === undefined ? "" : `await import(${JSON.stringify(before)})`}
  const cpu = process.cpuUsage()
  const start = performance.now()
  ${modules.map((name) => `await import(${JSON.stringify(name)})`).join("\n")}
  const seconds = (performance.now() - start) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  console.log(seconds, user + system)`

const pythonProgram = (modules: string): string => `
import time
cpu, start = time.process_time(), time.perf_counter()
import ${modules}
print(time.perf_counter() - start, (time.process_time() - cpu) * 1e6)`

/** Imports what a contender is once; undefined where that cannot be. */
export const importOnce = (contender: string): Measured | undefined => {
  const imported = inNode[contender]
  if (imported !== undefined) return run(process.execPath, ["--input-type=module", "--eval", nodeProgram(imported)])
  const modules = inPython[contender]
  const program = python()
  if (modules === undefined || program === undefined) return undefined
  try {
    return run(program, ["-c", pythonProgram(modules)])
  } catch {
    return undefined
  }
}

export const importable: ReadonlyArray<string> = [...Object.keys(inNode), ...Object.keys(inPython)]

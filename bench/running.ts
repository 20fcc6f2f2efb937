// The process of a contender as its parent sees it. What it does itself is in contender.ts.
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Measured, Order, Ready } from "./contender.js"

export interface Running {
  readonly ready: Ready
  readonly ask: (order: Order) => Promise<Measured>
  readonly end: () => Promise<void>
}

const answerOf = (child: ChildProcess, name: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`${name} ended by itself with ${code}`))
    child.once("exit", ended)
    child.once("message", (message) => {
      child.off("exit", ended)
      resolve(message)
    })
  })

export const start = async (name: string, url: string, poolSize: number): Promise<Running> => {
  const child = fork(fileURLToPath(new URL(`./contenders/${name}.ts`, import.meta.url)), {
    env: { ...process.env, EFFECT_SA_BENCH_URL: url, EFFECT_SA_BENCH_POOL_SIZE: String(poolSize) },
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  // The other side of each message is typed in contender.ts.
  const ready = (await answerOf(child, name)) as Ready
  return {
    ready,
    ask: (order) => {
      child.send(order)
      return answerOf(child, name) as Promise<Measured>
    },
    end: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve()
        child.once("exit", () => resolve())
        child.send("end")
      })
  }
}

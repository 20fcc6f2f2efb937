// What is measured, in words that every contender understands, and how a contender answers for it.

/** The workloads, with how many run at once. */
export const workloads = {
  "point select, 1 fiber": { kind: "select", concurrency: 1 },
  "point select, 8 fibers": { kind: "select", concurrency: 8 },
  "point select, 64 fibers": { kind: "select", concurrency: 64 },
  "select of 1,000 rows, 8 fibers": { kind: "rows", concurrency: 8 },
  "transaction of update and select, 64 fibers": { kind: "transaction", concurrency: 64 }
} as const

export type WorkloadName = keyof typeof workloads
export type Kind = (typeof workloads)[WorkloadName]["kind"]

export const poolSize = 8
/** Rows of the table; a point select reads one of them by key. */
export const tableRows = 1_000
export const table = "effect_sa_bench"

/** What a contender does once for a kind; `i` counts up. */
export type Operations = Readonly<Record<Kind, (i: number) => Promise<void>>>

/** A contender that can do better than one promise for each operation says how it runs many at once. */
export type Runner = (kind: Kind, concurrency: number, until: () => boolean) => Promise<number>

/** Runs operations, so many at once, until it is time; gives how many there were. */
export const runnerOf =
  (operations: Operations): Runner =>
  async (kind, concurrency, until) => {
    const operation = operations[kind]
    let done = 0
    const loop = async (first: number): Promise<void> => {
      for (let i = first; until(); i += concurrency) {
        await operation(i)
        done++
      }
    }
    await Promise.all(Array.from({ length: concurrency }, (_, i) => loop(i)))
    return done
  }

export interface Order {
  readonly workload: WorkloadName
  readonly milliseconds: number
}

export interface Measured {
  readonly operations: number
  readonly seconds: number
  /** Microseconds of CPU of the whole process for each operation. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
}

/** The process of a contender: does what it is told by its parent, one order at a time. */
export const serve = async (
  connect: (url: string) => Promise<{ readonly run: Runner; readonly close: () => Promise<void> }>
): Promise<void> => {
  const url = process.env.EFFECT_SA_BENCH_URL
  if (url === undefined) throw new Error("run this by npm run bench")
  const { run, close } = await connect(url)
  process.on("message", async (order: Order | "end") => {
    if (order === "end") {
      await close()
      process.disconnect()
      return
    }
    const { kind, concurrency } = workloads[order.workload]
    const cpu = process.cpuUsage()
    const start = performance.now()
    const end = start + order.milliseconds
    const operations = await run(kind, concurrency, () => performance.now() < end)
    const seconds = (performance.now() - start) / 1_000
    const used = process.cpuUsage(cpu)
    const measured: Measured = {
      operations,
      seconds,
      cpu: (used.user + used.system) / Math.max(1, operations),
      memory: process.memoryUsage().rss
    }
    process.send?.(measured)
  })
  process.send?.("ready")
}

/** No contender gets away with a wrong answer. */
export const check = (right: boolean): void => {
  if (!right) throw new Error("wrong answer")
}

// The process of a contender: says what it can do, and does what it is told by its parent, one order at a time.
import { quantile } from "./statistics.js"
import { isSlow, type Kind, type Task } from "./workload.js"

export interface Order {
  readonly task: Task
  readonly milliseconds: number
}

/** What a contender says when it is ready for orders. */
export interface Ready {
  readonly kinds: ReadonlyArray<Kind>
  /** The most operations at once that it can have under way. */
  readonly mostAtOnce: number | undefined
  /** Bytes that are resident. */
  readonly memory: number
  /** What it lacks on this machine, where it can do nothing. */
  readonly missing: string | undefined
}

export interface Measured {
  /** Operations or rows, whichever the workload counts. */
  readonly count: number
  readonly seconds: number
  /** Microseconds of CPU of the whole process for each of `count`. */
  readonly cpu: number
  /** The most bytes that were resident; undefined where nobody can see them. */
  readonly memory: number | undefined
  /** Of the fast ones in milliseconds, where slow ones run beside them. */
  readonly latency: Latency | undefined
}

export interface Latency {
  readonly median: number
  readonly percentile99: number
}

export interface Contender {
  readonly kinds: ReadonlyArray<Kind>
  readonly mostAtOnce?: number
  readonly missing?: string
  /** Bytes that are resident, where the work is done by another process than this. */
  readonly memory?: () => number
  readonly measure: (order: Order) => Promise<Measured>
  readonly close: () => Promise<void>
}

/** A contender that is not there: it can do nothing, and says why. */
export const absent = (missing: string): Contender => ({
  kinds: [],
  missing,
  measure: () => Promise.reject(new Error(missing)),
  close: () => Promise.resolve()
})

export const serve = async (connect: (url: string, poolSize: number) => Promise<Contender>): Promise<void> => {
  const { EFFECT_SA_BENCH_URL: url, EFFECT_SA_BENCH_POOL_SIZE: poolSize } = process.env
  if (url === undefined || poolSize === undefined) throw new Error("run this by npm run bench")
  const { kinds, mostAtOnce, missing, memory, measure, close } = await connect(url, Number(poolSize))
  process.on("message", async (order: Order | "end") => {
    if (order === "end") {
      await close()
      process.disconnect()
      return
    }
    process.send?.(await measure(order))
  })
  // Also when the parent is gone.
  process.on("disconnect", () => process.exit())
  const ready: Ready = { kinds, mostAtOnce, missing, memory: memory?.() ?? process.memoryUsage.rss() }
  process.send?.(ready)
}

/** Is told which operation has ended, and after how many milliseconds. */
export type Note = (i: number, elapsed: number) => void

/** The operations of a contender by kind. What it lacks it cannot do. */
export type Operations<Operation> = Readonly<Partial<Record<Kind, Operation>>>

/** A contender whose operations run in this process. `runMany` runs one kind, many at once, and gives how many there were. */
export const inProcess = <Operation>(
  operations: Operations<Operation>,
  runMany: (operation: Operation, task: Task, until: () => boolean, note: Note | undefined) => Promise<number>,
  close: () => Promise<void>
): Contender => ({
  kinds: Object.keys(operations) as ReadonlyArray<Kind>,
  close,
  measure: async ({ task, milliseconds }) => {
    const operation = operations[task.kind]
    if (operation === undefined) throw new Error(`cannot do ${task.kind}`)
    const fast: Array<number> = []
    const noteFast: Note = (i, elapsed) => {
      if (!isSlow(i)) fast.push(elapsed)
    }
    const note = task.kind === "mixed" ? noteFast : undefined
    const memory = watchMemory(process.memoryUsage.rss)
    const cpu = process.cpuUsage()
    const start = performance.now()
    const end = start + milliseconds
    const operationsDone = await runMany(operation, task, () => performance.now() < end, note)
    const seconds = (performance.now() - start) / 1_000
    const used = process.cpuUsage(cpu)
    const count = operationsDone * task.counts
    return {
      count,
      seconds,
      cpu: (used.user + used.system) / Math.max(1, count),
      memory: memory(),
      latency: note === undefined ? undefined : { median: quantile(fast, 0.5), percentile99: quantile(fast, 0.99) }
    }
  }
})

/** Samples what is resident until it is asked for the most. The kernel's own peak is of the whole life of the process. */
export const watchMemory = (resident: () => number): (() => number) => {
  let peak = 0
  const sample = (): void => {
    peak = Math.max(peak, resident())
  }
  sample()
  const timer = setInterval(sample, 10)
  return () => {
    clearInterval(timer)
    sample()
    return peak
  }
}

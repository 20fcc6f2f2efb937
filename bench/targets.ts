// What effect-sa is to reach, as figures of one run on two cores against MariaDB 10.11. Being in front of every other
// contender on every line is a target too; those are made of what was measured, in report.ts.
import { own } from "./contenders.js"

/** Figures of one round: units a second, microseconds for a unit, milliseconds of the slowest hundredth, MiB. */
export type Figure = "throughput" | "cost" | "percentile99" | "growth"

interface Side {
  readonly workload: string
  readonly contender: string
}

export interface Target {
  readonly name: string
  readonly figure: Figure
  readonly of: Side
  /** What it is held against; undefined where the figure stands for itself. */
  readonly to: Side | undefined
  readonly by: "ratio" | "difference"
  readonly bound: { readonly atLeast: number } | { readonly atMost: number }
}

const throughput = (name: string, workload: string, to: string, atLeast: number): Target => ({
  name,
  figure: "throughput",
  of: { workload, contender: own },
  to: { workload, contender: to },
  by: "ratio",
  bound: { atLeast }
})

const transaction = "transaction of update and select, 64 fibers"
const stream = "stream of a million rows, 1 fiber"
const mixed = "point select with 1 % slow, 64 fibers"

export const targets: ReadonlyArray<Target> = [
  throughput("point select at 64 fibers", "point select, 64 fibers", "mysql2", 2),
  throughput("point select at 64 fibers", "point select, 64 fibers", "sql-mysql2", 4),
  throughput("transaction of two statements", transaction, "mysql2", 1.4),
  throughput("transaction of two statements", transaction, "sql-mysql2", 3),
  throughput("select of 1,000 rows, against arrays", "select of 1,000 rows, 8 fibers", "mysql2", 1.2),
  throughput("stream of a million rows", stream, "mysql2", 1.2),
  {
    name: "memory of the stream above the start of its process, MiB",
    figure: "growth",
    of: { workload: stream, contender: own },
    to: undefined,
    by: "difference",
    bound: { atMost: 64 }
  },
  throughput("insert of 100,000 rows", "insert of 100,000 rows, 1 fiber", "mysql2", 1.5),
  {
    name: "acquire and release, µs above a bare acquireUseRelease",
    figure: "cost",
    of: { workload: "acquire and release, 1 fiber", contender: own },
    to: { workload: "bare acquireUseRelease, 1 fiber", contender: own },
    by: "difference",
    bound: { atMost: 1 }
  },
  {
    name: "cost of a point select at 10,000 fibers, against 64",
    figure: "cost",
    of: { workload: "growth with fibers: 10000", contender: own },
    to: { workload: "growth with fibers: 64", contender: own },
    by: "ratio",
    bound: { atMost: 1.3 }
  },
  {
    name: "slowest hundredth of fast statements beside slow ones, against connections that are not shared",
    figure: "percentile99",
    of: { workload: mixed, contender: own },
    to: { workload: mixed, contender: "effect-sa-unshared" },
    by: "ratio",
    bound: { atMost: 1.5 }
  }
]

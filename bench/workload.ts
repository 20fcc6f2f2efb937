// What is measured, in words that every contender understands.

/** What a contender may be able to do. */
export type Kind =
  | "select"
  | "rows"
  | "columns"
  | "transaction"
  | "insert"
  | "stream"
  | "mixed"
  | "acquire"
  | "bare"
  | "connect"

/** What a contender does in one measurement. */
export interface Task {
  readonly kind: Kind
  /** How many operations are under way at once. */
  readonly concurrency: number
  /** Of kinds that come in sizes, the rows or columns that an operation reads; else 0. */
  readonly size: number
  /** How many units an operation counts for. */
  readonly counts: number
}

export interface Workload {
  readonly name: string
  /** Undefined where no process of a contender does it, but fresh ones of Node.js and Python. */
  readonly task: Task | undefined
  /** What is counted. */
  readonly unit: "operation" | "row"
  /** People read how many there are in a second, or how long one takes. */
  readonly shows: "rate" | "time"
  /**
   * Whether it has processes of its own, in which there was nothing else before: where memory is to be seen, and where
   * contenders that can do nothing else are to be as warm as those that can. The other workloads share their processes.
   */
  readonly alone: boolean
  /** Whether one contender can be in front of another here. */
  readonly ranked: boolean
  /** Connections of each contender's pool. */
  readonly poolSize: number
}

export const poolSize = 8

/** Rows of the table; a point select reads one of them by key. */
export const tableRows = 1_000
export const table = "effect_sa_bench"

/** Rows of the table that is streamed, and of which larger selects read the first; their ids are 0, 1, 2 and so on. */
export const streamRows = 1_000_000
export const streamTable = "effect_sa_bench_stream"

/** Rows that are inserted at once, by contenders that cut them themselves in so many. */
export const insertRows = 100_000
export const insertChunk = 5_000
export const insertTable = "effect_sa_bench_insert"

/** Rows of each table that has so many columns. */
export const columnsRows = 100
export const columnCounts = [1, 5, 20, 50, 100] as const
export const columnsTable = (columns: number): string => `effect_sa_bench_columns_${columns}`

/** Connections that an operation takes and gives back, one after the other: one alone is too quick to be measured. */
export const acquiresAtOnce = 100

const workload = (
  name: string,
  { kind, concurrency = 1, size = 0, counts = 1 }: Partial<Task> & Pick<Task, "kind">,
  {
    unit = "operation",
    shows = "rate",
    alone = false,
    ranked = true,
    poolSize: size8 = poolSize
  }: Partial<Workload> = {}
): Workload => ({
  name,
  task: { kind, concurrency, size, counts },
  unit,
  shows,
  alone,
  ranked,
  poolSize: size8
})

const pointSelect = (concurrency: number): Workload =>
  workload(`point select, ${concurrency} ${concurrency === 1 ? "fiber" : "fibers"}`, { kind: "select", concurrency })

/** Its contenders are fresh processes that import a package. */
export const imports: Workload = {
  name: "import",
  task: undefined,
  unit: "operation",
  shows: "time",
  alone: true,
  ranked: true,
  poolSize
}

export const workloads: ReadonlyArray<Workload> = [
  pointSelect(1),
  pointSelect(8),
  pointSelect(64),
  pointSelect(512),
  workload("select of 1,000 rows, 8 fibers", { kind: "rows", concurrency: 8, size: 1_000 }),
  workload("transaction of update and select, 64 fibers", { kind: "transaction", concurrency: 64 }),
  workload("acquire and release, 1 fiber", { kind: "acquire", counts: acquiresAtOnce }, { shows: "time" }),
  workload(
    "bare acquireUseRelease, 1 fiber",
    { kind: "bare", counts: acquiresAtOnce },
    { shows: "time", ranked: false }
  ),
  workload("connect, 1 fiber", { kind: "connect" }, { shows: "time" }),
  workload(
    "select of 100,000 rows, 1 fiber",
    { kind: "rows", size: 100_000, counts: 100_000 },
    { unit: "row", alone: true }
  ),
  workload("insert of 100,000 rows, 1 fiber", { kind: "insert", counts: insertRows }, { unit: "row", alone: true }),
  workload("stream of a million rows, 1 fiber", { kind: "stream", counts: streamRows }, { unit: "row", alone: true }),
  workload("point select with 1 % slow, 64 fibers", { kind: "mixed", concurrency: 64 }, { alone: true, ranked: false }),
  imports
]

/** How the cost of an operation grows with something. */
export interface Curve {
  readonly name: string
  /** What grows, as the head of a column. */
  readonly of: string
  readonly operation: string
  readonly contenders: ReadonlyArray<string>
  readonly points: ReadonlyArray<{ readonly at: number; readonly workload: Workload }>
  /** Costs that differ by powers of ten are drawn by their logarithm. */
  readonly logarithmic: boolean
}

const curve = (
  name: string,
  of: string,
  operation: string,
  contenders: ReadonlyArray<string>,
  at: ReadonlyArray<number>,
  task: (at: number) => Partial<Task> & Pick<Task, "kind">,
  {
    logarithmic = false,
    poolSizeOf = () => poolSize
  }: { logarithmic?: boolean; poolSizeOf?: (at: number) => number } = {}
): Curve => ({
  name,
  of,
  operation,
  contenders,
  logarithmic,
  points: at.map((at) => ({ at, workload: workload(`${name}: ${at}`, task(at), { poolSize: poolSizeOf(at) }) }))
})

const fast = ["effect-sa", "mysql2", "mariadb"]

export const curves: ReadonlyArray<Curve> = [
  curve(
    "growth with fibers",
    "fibers",
    "a point select",
    [...fast, "sql-mysql2"],
    [1, 8, 64, 512, 2_000, 10_000],
    (concurrency) => ({ kind: "select", concurrency })
  ),
  curve(
    "growth with rows",
    "rows",
    "a select of so many rows, 1 fiber",
    [...fast, "sql-mysql2"],
    [1, 10, 100, 1_000, 10_000, 100_000],
    (size) => ({ kind: "rows", size }),
    { logarithmic: true }
  ),
  curve(
    "growth with columns",
    "columns",
    `a select of ${columnsRows} rows of so many columns, 1 fiber`,
    [...fast, "sql-mysql2"],
    columnCounts,
    (size) => ({ kind: "columns", size }),
    { logarithmic: true }
  ),
  curve(
    "growth with the pool",
    "connections",
    "a point select, 64 fibers",
    fast,
    [1, 2, 4, 8, 16, 32],
    () => ({ kind: "select", concurrency: 64 }),
    { poolSizeOf: (at) => at }
  )
]

// ---------------------------------------------------------------------------------------------------------------------
// statements, data and answers

/** Reads the first rows of a table, in the order of its key. Programs have the number in the text, as here. */
export const rowsStatement = (size: number): string =>
  `SELECT * FROM ${size > tableRows ? streamTable : table} WHERE id < ${size}`

export const columnsStatement = (columns: number): string => `SELECT * FROM ${columnsTable(columns)}`

/** What is in a column of a row: numbers and words take turns. The first column is the key. */
export const columnValue = (row: number, column: number): number | string =>
  column % 2 === 0 ? row * (column + 1) : `value ${column} of ${row}`

/** No contender gets away with a wrong answer. */
export const check = (right: boolean): void => {
  if (!right) throw new Error("wrong answer")
}

/** The rows of a select, by their number and the id of the last. */
export const checkRows = (rows: number, lastId: unknown, size: number): void =>
  check(rows === size && lastId === size - 1)

/** The rows of a select of many columns, by their number and the last value of the last. */
export const checkColumns = (rows: number, last: unknown, columns: number): void =>
  check(rows === columnsRows && last === columnValue(columnsRows - 1, columns - 1))

/** The rows of a stream, by their number and the sum of their ids. */
export const checkStream = (rows: number, sumOfIds: number): void =>
  check(rows === streamRows && sumOfIds === (streamRows * (streamRows - 1)) / 2)

/**
 * What is inserted: id, name, n and part, in which every seventh is NULL. Each column has one type of value, as columns of
 * a program have; numbers with and without fractions in one column would keep effect-sa from bulk execution.
 */
export const rowsToInsert: ReadonlyArray<readonly [number, string, number, number | null]> = Array.from(
  { length: insertRows },
  (_, i) => [i, `name of number ${i}`, i * 3, i % 7 === 0 ? null : i / 7] as const
)

/** The same as objects, a part at a time, for contenders that take them so. */
export const chunksToInsert = () =>
  Array.from({ length: insertRows / insertChunk }, (_, chunk) =>
    rowsToInsert
      .slice(chunk * insertChunk, (chunk + 1) * insertChunk)
      .map(([id, name, n, part]) => ({ id, name, n, part }))
  )

/** What the slow ones of mixed operations execute: another statement than the fast ones, which answers 0 after 100 ms. */
export const slowStatement = "SELECT SLEEP(0.1) AS slept"
const slowShare = 0.01

/** Whether an operation is a slow one. Which are is scattered as if by chance, and the same for every contender. */
export const isSlow = (i: number): boolean => {
  let mixed = Math.imul(i + 1, 0x9e3779b1)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca77)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae3d)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 < slowShare
}

/** How many operations each of so many fibers does at the least. */
export const leastOf = (concurrency: number): number => (concurrency > 512 ? 5 : 1)

/**
 * Records on their way into a table: checked before anything is sent, and inserted in as few statements as their columns
 * allow.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { Dialect } from "./Dialect.js"
import { atParameterSet, ArgumentError, type ExecuteError, isDriverError, kindOf, NotSupportedError } from "./Errors.js"
import type { ServerInfo } from "./Driver.js"
import { type AnyRecord, isRecord } from "./RecordKey.js"
import * as Statement from "./Statement.js"
import type { InsertOptions, Source } from "./TableStatement.js"
import * as TableStatement from "./TableStatement.js"

/**
 * Records that follow each other and have the same columns. They go in one statement, in which the database fills in the
 * columns that they do not have.
 *
 * @since 0.1.0
 * @category models
 */
export interface Run {
  /** The place of the first one among all. */
  readonly offset: number
  readonly records: ReadonlyArray<AnyRecord>
}

/**
 * The records in runs. *Fails with* `ArgumentError` for what is no record.
 *
 * @since 0.1.0
 * @category checks
 */
export const runsOf = (records: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Run>, ArgumentError> =>
  Effect.suspend(() => {
    if (!Array.isArray(records))
      return Effect.fail(
        new ArgumentError({ argument: "records", given: kindOf(records), expected: "an array of records" })
      )
    const runs: Array<{ readonly offset: number; readonly records: Array<AnyRecord> }> = []
    let names: ReadonlyArray<string> | undefined
    for (let place = 0; place < records.length; place++) {
      const record: unknown = records[place]
      if (!isRecord(record)) {
        const expected = "an object with the columns of a record"
        return Effect.fail(new ArgumentError({ argument: `records[${place}]`, given: kindOf(record), expected }))
      }
      const own = Object.keys(record)
      const run = runs.at(-1)
      if (run !== undefined && names !== undefined && haveSame(names, own, record)) run.records.push(record)
      else {
        runs.push({ offset: place, records: [record] })
        names = own
      }
    }
    return Effect.succeed(runs)
  })

const haveSame = (names: ReadonlyArray<string>, own: ReadonlyArray<string>, record: AnyRecord): boolean =>
  names.length === own.length && names.every((name, at) => own[at] === name || Object.hasOwn(record, name))

/**
 * The insert of a run, its values checked and encoded: what is wrong with one of them is said here, under the record's place.
 *
 * @since 0.1.0
 * @category checks
 */
export const insertOf = (
  source: Source,
  { offset, records }: Run,
  options: InsertOptions = {}
): Effect.Effect<Statement.Statement<never>, Statement.Refusal> =>
  Effect.mapError(filledIn(TableStatement.insert(source, records, options)), (error) =>
    error instanceof ArgumentError ? placed(error, offset) : error
  )

/**
 * What a statement of a table is, once its values are checked and encoded.
 *
 * @since 0.1.0
 * @category checks
 */
export const filledIn = (
  statement: Statement.Statement<never>
): Effect.Effect<Statement.Statement<never>, Statement.Refusal> => {
  const definition = statement[Statement.TypeId]
  return "text" in definition
    ? Effect.succeed(statement)
    : Effect.map(definition.given(undefined), (filled) => filled.statement)
}

/** The statement says `values[2].name`: the third of its run. */
const placed = ({ argument, given, expected }: ArgumentError, offset: number): ArgumentError =>
  new ArgumentError({
    argument: argument.replace(/^values\[(\d+)\]/, (_, place) => `records[${Number(place) + offset}]`),
    given,
    expected
  })

/**
 * The error of a run, whose `parameterSet` is the place among all records.
 *
 * @since 0.1.0
 * @category checks
 */
export const atRecord =
  (offset: number) =>
  (error: ExecuteError): ExecuteError =>
    offset > 0 && isDriverError(error) && error.parameterSet !== undefined
      ? atParameterSet(error, error.parameterSet + offset)
      : error

/**
 * Whether a server has INSERT … RETURNING.
 *
 * @since 0.1.0
 * @category checks
 */
export const hasReturning = ({ product, version }: ServerInfo): boolean => {
  switch (product) {
    case "SQLite":
      return true
    case "MySQL":
      return false
    case "MariaDB": {
      const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? []
      return Number(major) > 10 || (Number(major) === 10 && Number(minor) >= 5)
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// statements of many rows

/** Rows of one statement: its text grows with them, and more are not faster. */
const mostRows = 256

/** Markers that a prepared statement of MySQL may have. */
const mostMarkers = 65_535

/** Bytes of the values of one statement, where the server allows as many. */
const mostBytes = 1024 * 1024

/**
 * An insert as statements of many rows each, in order, none longer than a server takes; and how many rows each has.
 *
 * @since 0.1.0
 * @category batches
 */
export const multiRow = (
  insert: Statement.Statement<never>,
  dialect: Dialect,
  maxPacket: number
): Effect.Effect<
  ReadonlyArray<{ readonly statement: Statement.Statement<never>; readonly rows: number }>,
  Statement.Refusal
> =>
  Effect.suspend(() => {
    const definition = insert[Statement.TypeId]
    const text = "text" in definition ? definition.text(dialect) : notFixed()
    if (text instanceof ArgumentError || text instanceof NotSupportedError) return Effect.fail(text)
    const { sql, sets = [] } = text
    const markers = sets[0]?.length ?? 0
    const row = `, (${Array.from({ length: markers }, () => "?").join(", ")})`
    const most = Math.max(1, Math.min(mostRows, Math.floor(mostMarkers / Math.max(1, markers))))
    const limit = Math.min(mostBytes, maxPacket / 2)
    const batches: Array<{ readonly statement: Statement.Statement<never>; readonly rows: number }> = []
    let batch: Array<ReadonlyArray<unknown>> = []
    let bytes = 0
    const flush = (): void => {
      if (batch.length === 0) return
      const parameters = batch.flat()
      const whole = sql + row.repeat(batch.length - 1)
      const statement: Statement.Statement<never> = {
        [Statement.TypeId]: { text: () => ({ sql: whole, parameters }), _A: (_: never) => _ }
      }
      batches.push({ statement, rows: batch.length })
      batch = []
      bytes = 0
    }
    for (const set of sets) {
      const size = set.reduce<number>((sum, value) => sum + sizeOf(value), 0)
      if (batch.length >= most || bytes + size > limit) flush()
      batch.push(set)
      bytes += size
    }
    flush()
    return Effect.succeed(batches)
  })

const notFixed = (): ArgumentError =>
  new ArgumentError({ argument: "statement", given: "a statement without a text", expected: "one that is filled in" })

/** No less than what the value takes in a packet. */
const sizeOf = (value: unknown): number => {
  if (typeof value === "string") return value.length * 3 + 9
  return value instanceof Uint8Array ? value.length + 9 : 80
}

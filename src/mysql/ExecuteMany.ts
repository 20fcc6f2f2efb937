/**
 * One statement for many sets of parameters, in as few commands as its server can do it: MariaDB's bulk execution, or an
 * INSERT with many rows. What neither is surely right for is executed once for each set.
 */
import { Effect } from "effect"
import { type DriverResult, emptyResult, executeEach, type ManyRequest, type Request, sumOfResults } from "../Driver.js"
import { atParameterSet, type DriverError } from "../Errors.js"
import { batches, type MultiRow, recognise, statementOf } from "../MultiRow.js"
import { type BoundValue, defaultValueOptions } from "../Value.js"
import { dialect } from "./MysqlDialect.js"
import { bulkExecute, executeRows, type Run, runsOf, sizeWithin, typesKey } from "./wire/BatchCommands.js"

/** A statement that is sent prepared, by a command that is made for it. */
export interface Encoded {
  /** The text that is prepared. */
  readonly text: string
  /** What the prepared statement is known by, besides its text. */
  readonly types: string
  readonly encode: (id: number) => Buffer
}

/** What this needs of a connection. */
export interface Executor {
  readonly hasBulk: boolean
  readonly execute: (request: Request, encoded?: Encoded) => Effect.Effect<DriverResult, DriverError>
  readonly inTransaction: () => boolean
  /** Ends the connection: what it did cannot be undone in any other way. */
  readonly destroy: () => void
}

/** What the session allows. */
export interface SessionLimits {
  /** `max_allowed_packet`, in bytes. */
  readonly maxPacket: number
  /** A value that does not fit fails its statement, whichever row it is in. */
  readonly isStrict: boolean
}

type Set = ReadonlyArray<BoundValue>

/** Bytes of values in one command: more is not faster, and less is in memory at once. */
const batchBytes = 1024 * 1024

/** Rows of one statement: the text grows with them, and more are not faster. */
const batchRows = 256

/** Markers that a prepared statement may have. */
const maxMarkers = 65_535

/** Fewer sets are not worth the statement that is prepared for them. */
const fewSets = 2

export const readLimits = (executor: Executor): Effect.Effect<SessionLimits, DriverError> =>
  Effect.map(
    executor.execute({ ...plain, sql: "SELECT @@max_allowed_packet, @@sql_mode" }),
    ({ rows: [row = []] }): SessionLimits => ({
      maxPacket: Number(row[0]),
      isStrict: /\bSTRICT_(?:TRANS|ALL)_TABLES\b/.test(String(row[1]))
    })
  )

const plain: Omit<Request, "sql"> = {
  parameters: [],
  values: defaultValueOptions,
  timeout: 0,
  before: [],
  shared: false
}

/** Executes the statement for each set, in order. Fails with what a set failed with, and says which one it was. */
export const executeMany = (
  executor: Executor,
  request: ManyRequest,
  limits: Effect.Effect<SessionLimits, DriverError>
): Effect.Effect<DriverResult, DriverError> =>
  Effect.suspend(() => {
    const { sql, sets } = request
    const parts = sets.length < fewSets ? undefined : recognise(sql, dialect)
    if (parts === undefined) return executeEach(executor.execute, request)
    // What begins a transaction goes ahead, so that what is asked for next is part of it.
    const begun =
      request.before.length === 0
        ? Effect.void
        : executor.execute({ ...plain, sql: request.before.at(-1) ?? "", before: request.before.slice(0, -1) })
    const rest = { ...request, before: [] }
    return Effect.zipRight(
      begun,
      Effect.flatMap(limits, ({ maxPacket, isStrict }) => {
        if (!isStrict) return executeEach(executor.execute, rest)
        const bytes = Math.min(batchBytes, maxPacket - 1024 - sql.length * 4)
        return inBatches(executor, rest, parts, bytes)
      })
    )
  })

const inBatches = (
  executor: Executor,
  request: ManyRequest,
  parts: MultiRow,
  bytes: number
): Effect.Effect<DriverResult, DriverError> => {
  const isBulk = executor.hasBulk && !/\breturning\b/i.test(parts.tail)
  const runs = isBulk ? runsOf(request.sets, bytes) : multiRowRuns(request.sets, parts, bytes)
  const next = (offset: number, sum: DriverResult): Effect.Effect<DriverResult, DriverError> =>
    Effect.suspend(() => {
      const run = runs.next().value
      if (run === undefined) return Effect.succeed(sum)
      const few = { ...request, sets: run.sets }
      const executed =
        run.sets.length < fewSets
          ? executeEach(executor.execute, few)
          : Effect.catchAll(isBulk ? bulk(executor, few, run) : multiRow(executor, few, parts, run), (error) =>
              Effect.flatMap(failedRow(executor, few, parts, error), (row) =>
                Effect.fail(row === undefined ? error : atParameterSet(error, row))
              )
            )
      const placed = Effect.mapError(executed, (error) =>
        error.parameterSet === undefined ? error : atParameterSet(error, offset + error.parameterSet)
      )
      return Effect.flatMap(placed, (result) => next(offset + run.sets.length, sumOfResults(sum, result)))
    })
  return next(0, emptyResult)
}

/** Runs whose statements have few different numbers of rows, so that few are prepared. */
function* multiRowRuns(sets: ReadonlyArray<Set>, parts: MultiRow, maxBytes: number): Generator<Run, undefined> {
  const sizeOf = (value: BoundValue): number => sizeWithin([value])
  const limits = { maxRows: batchRows, maxParameters: maxMarkers, maxBytes, sizeOf }
  for (const { sets: alike, types } of runsOf(sets, maxBytes)) {
    for (const batch of batches(parts, alike, limits)) {
      yield { sets: batch, types, size: batch.reduce((size, set) => size + sizeWithin(set), 0) }
    }
  }
  return undefined
}

const bulk = (executor: Executor, { sql, values, timeout }: ManyRequest, run: Run) =>
  executor.execute(
    { ...plain, sql, values, timeout },
    { text: sql, types: typesKey(run.types), encode: (id) => bulkExecute(id, run) }
  )

const multiRow = (executor: Executor, { sql, values, timeout }: ManyRequest, parts: MultiRow, run: Run) =>
  executor.execute(
    { ...plain, sql, values, timeout },
    { text: statementOf(parts, run.sets.length), types: typesKey(run.types), encode: (id) => executeRows(id, run) }
  )

/**
 * Which row of a batch failed, counted from 0: the server says it in its message or, MariaDB does, in its diagnostics;
 * where it does not, it is found out.
 * https://mariadb.com/docs/server/reference/sql-statements/programmatic-compound-statements/programmatic-compound-statements-diagnostics/get-diagnostics
 */
const failedRow = (
  executor: Executor,
  request: ManyRequest,
  parts: MultiRow,
  error: DriverError
): Effect.Effect<number | undefined> => {
  if (error._tag !== "IntegrityError" && error._tag !== "DataError") return Effect.succeed(undefined)
  const told = / at row (\d+)$/.exec(error.message)
  if (told !== null) return Effect.succeed(Number(told[1]) - 1)
  const found = executor.hasBulk
    ? Effect.orElse(diagnosedRow(executor), () => probedRow(executor, request, parts))
    : probedRow(executor, request, parts)
  return Effect.orElseSucceed(found, () => undefined)
}

/** From MariaDB 10.7 on. */
const diagnosedRow = (executor: Executor): Effect.Effect<number | undefined, DriverError> =>
  Effect.map(
    Effect.zipRight(
      executor.execute({ ...plain, sql: "GET DIAGNOSTICS CONDITION 1 @effect_sa_row = ROW_NUMBER" }),
      executor.execute({ ...plain, sql: "SELECT @effect_sa_row" })
    ),
    ({ rows }) => {
      const row = Number(rows[0]?.[0] ?? 0)
      return row > 0 ? row - 1 : undefined
    }
  )

/**
 * Executes the rows of a batch that failed one by one until one fails again, and undoes all of it: only on a table that can
 * undo, which has undone the batch too.
 */
const probedRow = (
  executor: Executor,
  request: ManyRequest,
  { table }: MultiRow
): Effect.Effect<number | undefined, DriverError> => {
  const run = (statement: string) => executor.execute({ ...plain, sql: statement })
  const inTransaction = executor.inTransaction()
  const probe = Effect.acquireUseRelease(
    run(inTransaction ? "SAVEPOINT effect_sa_probe" : "BEGIN"),
    () =>
      Effect.match(executeEach(executor.execute, request), {
        onFailure: (error) => error.parameterSet,
        onSuccess: () => undefined
      }),
    () =>
      Effect.catchAll(run(inTransaction ? "ROLLBACK TO SAVEPOINT effect_sa_probe" : "ROLLBACK"), () =>
        Effect.sync(() => executor.destroy())
      )
  )
  return Effect.flatMap(isTransactional(executor, table), (is) => (is ? probe : Effect.succeed(undefined)))
}

const isTransactional = (
  executor: Executor,
  { schema, name }: MultiRow["table"]
): Effect.Effect<boolean, DriverError> =>
  Effect.map(
    executor.execute({
      ...plain,
      sql:
        "SELECT 1 FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON t.ENGINE = e.ENGINE " +
        "WHERE t.TABLE_SCHEMA = IFNULL(?, DATABASE()) AND t.TABLE_NAME = ? AND e.TRANSACTIONS = 'YES'",
      parameters: [schema ?? null, name]
    }),
    ({ rows }) => rows.length > 0
  )

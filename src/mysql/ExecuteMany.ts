/**
 * One statement for many sets of parameters, in as few commands as its server can do it: MariaDB's bulk execution, or an
 * INSERT with many rows. What neither is surely right for is executed once for each set.
 */
import { Effect, Either } from "effect"
import type { Dialect } from "../Dialect.js"
import {
  type DriverResult,
  executeEach,
  type ManyRequest,
  type Request,
  type SessionStatus,
  sumOfResults
} from "../Driver.js"
import { atParameterSet, type DriverError } from "../Errors.js"
import { tokens } from "../Lexer.js"
import { batches, type MultiRow, recognise, statementOf } from "../MultiRow.js"
import { type BoundValue, defaultValueOptions } from "../Value.js"
import { bulkExecute, executeRows, runFrom, sizeWithin, typesKey, typesOf } from "./wire/BatchCommands.js"

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
  /** How the session reads a text. */
  readonly dialect: Dialect
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

/** Sets that go in one command. */
interface Batch {
  readonly sets: ReadonlyArray<Set>
  /** Executes these sets, or some of them, in one command. */
  readonly execute: (sets: ReadonlyArray<Set>) => Effect.Effect<DriverResult, DriverError>
}

/** Bytes of values in one command: more is not faster, and less is in memory at once. */
const batchBytes = 1024 * 1024

/** Rows of one statement: the text grows with them, and more are not faster. */
const batchRows = 256

/** Markers that a prepared statement may have. */
const maxMarkers = 65_535

/** Fewer sets are not worth the statement that is prepared for them. */
const fewSets = 2

/** Fewer sets than these that agree on their types, among others that do not, are not worth a bulk execution. */
const fewAlike = 64

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
    const parts = sets.length < fewSets ? undefined : recognise(sql, executor.dialect)
    if (parts === undefined || !isAlike(executor, parts)) return executeEach(executor.execute, request)
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

/**
 * Whether the server does with many rows what it does with one. In an expression MySQL takes a marker for what is beside it,
 * `?` in `IFNULL(?, 5)` for an integer, until a value comes that is none: then it makes the statement ready anew, with other
 * types for the markers of all rows.
 * https://dev.mysql.com/doc/refman/9.7/en/prepare.html
 */
const isAlike = ({ hasBulk }: Executor, { markers }: MultiRow): boolean =>
  hasBulk || !markers.some((marker) => marker === "operand")

const inBatches = (
  executor: Executor,
  request: ManyRequest,
  parts: MultiRow,
  bytes: number
): Effect.Effect<DriverResult, DriverError> => {
  const all = batchesOf(executor, request, parts, bytes)
  const next = (offset: number, results: ReadonlyArray<DriverResult>): Effect.Effect<DriverResult, DriverError> =>
    Effect.suspend(() => {
      const batch = all.next().value
      if (batch === undefined) return Effect.succeed(sumOfResults(results))
      const oneByOne = executeEach(executor.execute, { ...request, sets: batch.sets })
      const executed =
        batch.sets.length < fewSets
          ? oneByOne
          : Effect.catchAll(batch.execute(batch.sets), (error) =>
              isNotPrepared(error)
                ? oneByOne
                : Effect.flatMap(failedSet(executor, batch, parts, error), (place) =>
                    Effect.fail(place === undefined ? error : atParameterSet(error, place))
                  )
            )
      const placed = Effect.mapError(executed, (error) =>
        error.parameterSet === undefined ? error : atParameterSet(error, offset + error.parameterSet)
      )
      return Effect.flatMap(placed, (result) => next(offset + batch.sets.length, [...results, result]))
    })
  return next(0, [])
}

/** The sets in batches, in order. A batch of one set is for who executes sets one by one. */
function* batchesOf(
  { hasBulk, execute }: Executor,
  { sql, sets, values, timeout }: ManyRequest,
  parts: MultiRow,
  maxBytes: number
): Generator<Batch, undefined> {
  const request: Request = { ...plain, sql, values, timeout }
  const whole = parts.markers.map((marker) => marker === "whole")
  const inRows = (some: ReadonlyArray<Set>): ReturnType<Batch["execute"]> => {
    const types = typesOf(some, whole)
    return execute(request, {
      text: statementOf(parts, some.length),
      types: typesKey(types, whole),
      encode: (id) => executeRows(id, some, types)
    })
  }
  const sizeOf = (value: BoundValue): number => sizeWithin([value])
  const limits = { maxRows: batchRows, maxParameters: maxMarkers, maxBytes, sizeOf }
  // A bulk execution makes every expression ready for the first row only, its types and what is constant in it. By the
  // protocol's manual it returns no rows.
  const isBulk = hasBulk && parts.isPlain && !/\breturning\b/i.test(parts.tail)
  // To MySQL the type of a function's argument may depend on those of all other markers.
  const mayMix = hasBulk || whole.every((is) => is)
  for (let from = 0; from < sets.length; ) {
    const run = isBulk || !mayMix ? runFrom(sets, from, maxBytes, whole) : undefined
    if (isBulk && run !== undefined && (!run.isCut || run.sets.length >= fewAlike)) {
      yield {
        sets: run.sets,
        execute: (some) => execute(request, { text: sql, types: "", encode: (id) => bulkExecute(id, some, run.types) })
      }
      from += run.sets.length
    } else {
      const some = run === undefined || mayMix ? sets.slice(from, from + batchRows) : run.sets
      for (const batch of batches(parts, some, limits)) yield { sets: batch, execute: inRows }
      from += some.length
    }
  }
  return undefined
}

/** The server does not prepare it (1295), or holds all the prepared statements that it may (1461). Nothing was executed. */
const isNotPrepared = (error: DriverError): boolean =>
  error._tag !== "InterfaceError" && (error.errno === 1295 || error.errno === 1461)

// ---- which set failed -----------------------------------------------------------------------------------------------

/**
 * Which set of a batch failed, counted from 0, if that can be found out. Servers do not say it of every error, and what they
 * say is wrong where it was a trigger's statement that failed. So it is looked for where all of that can be undone.
 */
const failedSet = (
  executor: Executor,
  batch: Batch,
  { table }: MultiRow,
  error: DriverError
): Effect.Effect<number | undefined> => {
  if (!isOfSet(error)) return Effect.succeed(undefined)
  const inTransaction = executor.inTransaction()
  const found = Effect.flatMap(tableOf(executor, table), ({ isTransactional, autocommit }) =>
    isTransactional
      ? undone(executor, { inTransaction, autocommit }, search(batch, error, 0, batch.sets.length, false))
      : Effect.succeed(undefined)
  )
  return Effect.orElseSucceed(found, () => undefined)
}

/** Whether it may be about the values of one set. What has no reason of its own may be: a trigger's signal, a type that does not fit. */
const isOfSet = (error: DriverError): boolean => {
  switch (error._tag) {
    case "IntegrityError":
    case "DataError":
      // One without a number is of this side, about a row that was returned.
      return error.errno !== undefined
    case "OperationalError":
      return error.reason === "Other"
    case "InterfaceError":
    case "InternalError":
    case "NotSupportedError":
    case "ProgrammingError":
      return false
  }
}

/**
 * Executes halves of what is left, from the left, until one set is. The sets before `from` are executed; the failed one is
 * before `to`, which `isSeen` says was seen: what failed once may not fail again, when others work on the same rows.
 */
const search = (
  batch: Batch,
  error: DriverError,
  from: number,
  to: number,
  isSeen: boolean
): Effect.Effect<number | undefined, DriverError> => {
  if (isSeen && to - from === 1) return Effect.succeed(from)
  const middle = Math.max(from + 1, (from + to) >> 1)
  return Effect.flatMap(Effect.either(batch.execute(batch.sets.slice(from, middle))), (executed) => {
    if (Either.isRight(executed)) {
      return middle === to ? Effect.succeed(undefined) : search(batch, error, middle, to, isSeen)
    }
    return isSame(executed.left, error) ? search(batch, error, from, middle, true) : Effect.succeed(undefined)
  })
}

const isSame = (one: DriverError, other: DriverError): boolean =>
  one._tag !== "InterfaceError" && other._tag !== "InterfaceError" && one.errno === other.errno

/**
 * Undoes what was executed. BEGIN would be simpler, but releases the tables that the session has locked. Interruption ends
 * the connection: it may come between two statements.
 */
const undone = <A>(
  executor: Executor,
  { inTransaction, autocommit }: Pick<SessionStatus, "inTransaction" | "autocommit">,
  effect: Effect.Effect<A, DriverError>
): Effect.Effect<A, DriverError> => {
  const run = (statements: ReadonlyArray<string>) =>
    Effect.forEach(statements, (sql) => executor.execute({ ...plain, sql }), { discard: true })
  const [before, after] = inTransaction
    ? [[`SAVEPOINT ${savepoint}`], [`ROLLBACK TO SAVEPOINT ${savepoint}`, `RELEASE SAVEPOINT ${savepoint}`]]
    : autocommit
      ? [["SET autocommit = 0"], ["ROLLBACK", "SET autocommit = 1"]]
      : [[], ["ROLLBACK"]]
  const destroy = Effect.sync(() => executor.destroy())
  const back = Effect.tapError(run(after), () => destroy)
  return Effect.onInterrupt(
    Effect.zipRight(
      run(before),
      Effect.matchEffect(effect, {
        onFailure: (error) => Effect.zipRight(back, Effect.fail(error)),
        onSuccess: (value) => Effect.as(back, value)
      })
    ),
    () => destroy
  )
}

const savepoint = "effect_sa_search"

interface Table {
  readonly isTransactional: boolean
  readonly autocommit: boolean
}

/** What the table, perhaps a temporary one, and the session are. */
const tableOf = (executor: Executor, { schema, name }: MultiRow["table"]): Effect.Effect<Table, DriverError> => {
  const names = schema === undefined ? [name] : [schema, name]
  const shown = executor.execute({
    ...plain,
    sql: `SHOW CREATE TABLE ${names.map(executor.dialect.quoteIdentifier).join(".")}`
  })
  return Effect.flatMap(shown, ({ rows }) =>
    Effect.map(
      executor.execute({
        ...plain,
        sql: "SELECT @@autocommit, TRANSACTIONS FROM information_schema.ENGINES WHERE ENGINE = ?",
        parameters: [engineIn(String(rows[0]?.[1]), executor.dialect)]
      }),
      ({ rows: [row] }): Table => ({ isTransactional: row?.[1] === "YES", autocommit: row?.[0] !== 0 })
    )
  )
}

/** The storage engine in CREATE TABLE: an option, after the columns in parentheses. */
const engineIn = (create: string, { lexicon }: Dialect): string => {
  let depth = 0
  let before = ""
  for (const token of tokens(create, lexicon)) {
    const text = create.slice(token.start, token.end)
    if (token.kind === "symbol") depth += text === "(" ? 1 : text === ")" ? -1 : 0
    if (depth === 0 && before === "ENGINE=") return text
    before = text === "=" ? `${before}=` : text
  }
  return ""
}

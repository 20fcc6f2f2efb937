/**
 * The driver for embedded SQLite. The database runs in this process and thread: a statement that runs cannot be
 * interrupted, so waiting for a lock is done here, where it can be.
 */
import { Effect, type Scope } from "effect"
import {
  type Driver,
  type DriverConnection,
  type DriverResult,
  executeEach,
  type ManyRequest,
  type Request,
  type ResultSetEnd,
  type RowStream,
  type ServerInfo,
  type SessionStatus,
  streamOf,
  type Warning
} from "../Driver.js"
import {
  type ConnectError,
  DataError,
  type DriverError,
  InternalError,
  NotSupportedError,
  OperationalError,
  ProgrammingError
} from "../Errors.js"
import { withoutParameters } from "../ErrorClass.js"
import { leadingWords, type Token, tokens } from "../Lexer.js"
import type { Column, ValueOptions } from "../Value.js"
import { dataErrorOf } from "../ValueReader.js"
import { dialect } from "./SqliteDialect.js"
import { classify, isBusy, isSqliteError } from "./SqliteErrors.js"
import {
  loadNative,
  type Native,
  type NativeColumn,
  type NativeDatabase,
  type NativeParameter,
  type NativeRow,
  type NativeStatement
} from "./SqliteNative.js"
import { makeShape, readRow, type SqliteShape, toNative } from "./SqliteValues.js"

/** What a driver for one database is made of. */
export interface SqliteSettings {
  /** A path, or `:memory:`. */
  readonly location: string
  /** Milliseconds to wait for a lock that another connection holds. */
  readonly lockTimeout: number
  /** Prepared statements kept for each connection. */
  readonly statementCacheSize: number
}

const firstLockDelay = 1
const longestLockDelay = 25

/** Rows that a stream reads in one go. */
const streamChunk = 256

let databases = 0
let connections = 0

/**
 * Makes a driver. `:memory:` is one database for all connections of the driver, under a name of its own, and lives until
 * the scope ends: a connection that nobody uses holds it.
 */
export const make = (settings: SqliteSettings): Effect.Effect<Driver, ConnectError, Scope.Scope> =>
  Effect.gen(function* () {
    if (settings.location !== ":memory:") return driverOf(settings.location, settings)
    const location = `file:effect-sa-${process.pid}-${++databases}?mode=memory&cache=shared`
    yield* open(location, settings)
    return driverOf(location, settings)
  })

const driverOf = (location: string, settings: SqliteSettings): Driver => ({
  name: "sqlite",
  connect: open(location, settings)
})

const open = (location: string, settings: SqliteSettings): Effect.Effect<SqliteConnection, ConnectError, Scope.Scope> =>
  Effect.flatMap(loadNative, (native) =>
    Effect.flatMap(
      Effect.acquireRelease(
        Effect.try({
          try: () => new SqliteConnection(native, location, settings),
          catch: (thrown) => openError(thrown, settings.location)
        }),
        (connection) => Effect.sync(() => connection.destroy())
      ),
      (connection) =>
        Effect.as(
          Effect.mapError(connection.setUp, (error) => openError(error, settings.location)),
          connection
        )
    )
  )

/** libsql says of most failures to open only that there was one, and none says which file. */
const openError = (thrown: unknown, location: string): ConnectError => {
  const classified = thrown instanceof Error && "_tag" in thrown ? (thrown as DriverError) : classify(thrown, undefined)
  const message = `${location} could not be opened: ${classified.message}`
  if (classified._tag === "InternalError") return new InternalError({ reason: classified.reason, message })
  const reason = classified._tag === "OperationalError" ? classified.reason : "CannotOpen"
  return new OperationalError({ reason, message, errno: classified.errno })
}

interface Prepared {
  readonly statement: NativeStatement
  readonly verb: string
  columnCount: number
  shape: SqliteShape | undefined
  values: ValueOptions | undefined
}

class SqliteConnection implements DriverConnection {
  readonly id = `sqlite-${++connections}`
  readonly server: ServerInfo
  private database: NativeDatabase
  private statements = new Map<string, Prepared>()
  private isDestroyed = false
  private lastUse = performance.now()

  constructor(
    private readonly native: Native,
    private readonly location: string,
    private readonly settings: SqliteSettings
  ) {
    this.database = native.open(location)
    this.server = {
      product: "SQLite",
      version: String(this.database.prepare("SELECT sqlite_version()").all([])[0]?.[0])
    }
  }

  status(): SessionStatus {
    return { inTransaction: !this.isDestroyed && this.database.inTransaction(), autocommit: true, changed: false }
  }

  /** Nothing is ever under way when anybody can ask. */
  waitingFor(): number {
    return 0
  }

  lastAnswerAt(): number {
    return this.lastUse
  }

  isBusy(): boolean {
    return false
  }

  isRetired(): boolean {
    return false
  }

  closed(): "destroyed" | undefined {
    return this.isDestroyed ? "destroyed" : undefined
  }

  destroy(): void {
    if (this.isDestroyed) return
    this.closeDatabase()
    this.isDestroyed = true
  }

  /** libsql does not close before its statements are collected: a transaction that is open would keep its locks so long. */
  private closeDatabase(): void {
    this.statements.clear()
    if (this.database.inTransaction()) {
      try {
        this.database.prepare("ROLLBACK").run([])
      } catch {
        // There is no more that can be done for it: the database ends it with the connection.
      }
    }
    this.database.close()
  }

  /** Waiting for locks is ours, foreign keys hold, and readers of a file do not hold up its writers. */
  get setUp(): Effect.Effect<void, DriverError> {
    const isMemory = this.location.includes("mode=memory")
    const query = (sql: string) => this.locked({ sql, parameters: [] }, () => this.database.prepare(sql).all([]))
    return Effect.gen(function* () {
      yield* query("PRAGMA busy_timeout = 0")
      yield* query("PRAGMA foreign_keys = ON")
      if (!isMemory) yield* query("PRAGMA journal_mode = WAL")
    })
  }

  selectDatabase(): Effect.Effect<void, DriverError> {
    return Effect.fail(
      new NotSupportedError({ reason: "NotSupported", message: "SQLite has one database for each connection" })
    )
  }

  get warnings(): Effect.Effect<ReadonlyArray<Warning>> {
    return Effect.succeed([])
  }

  ping(): Effect.Effect<void, DriverError> {
    return Effect.suspend(() => (this.isDestroyed ? Effect.fail(closedError()) : Effect.void))
  }

  /** There is no way to make a SQLite session new but to open another. */
  reset(): Effect.Effect<void, DriverError> {
    return Effect.suspend(() => {
      if (this.isDestroyed) return Effect.fail(closedError())
      this.closeDatabase()
      this.database = this.native.open(this.location)
      return this.setUp
    })
  }

  execute(request: Request): Effect.Effect<DriverResult, DriverError> {
    const refused = refusal(request)
    if (refused !== undefined) return Effect.fail(refused)
    return Effect.zipRight(
      this.runBefore(request),
      this.locked(request, () => this.run(request), request.timeout)
    )
  }

  executeMany(request: ManyRequest): Effect.Effect<DriverResult, DriverError> {
    const refused = refusal(request)
    if (refused !== undefined) return Effect.fail(refused)
    return executeEach((each) => this.execute(each), request)
  }

  private runBefore({ before }: Request): Effect.Effect<void, DriverError> {
    return before.length === 0
      ? Effect.void
      : Effect.forEach(
          before,
          (sql) =>
            this.locked({ sql, parameters: [] }, () =>
              letGoIfBusy(this.prepared(sql).statement, [], (statement) => statement.run([]))
            ),
          { discard: true }
        )
  }

  stream(request: Request): Effect.Effect<RowStream, DriverError> {
    const refused = refusal(request)
    if (refused !== undefined) return Effect.fail(refused)
    const stream = this.locked(request, () => {
      // A statement of its own: one statement cannot be in two iterations.
      const prepared = this.prepare(request.sql)
      if (prepared.columnCount === 0) return streamOf(this.run(request))
      const parameters = this.parametersOf(request)
      const { statement } = prepared
      const [iterator, first] = letGoIfBusy(statement, parameters, () => {
        const iterator = statement.iterate(parameters)
        try {
          return [iterator, iterator.next()] as const
        } catch (thrown) {
          iterator.return?.()
          throw thrown
        }
      })
      const shape = makeShape(statement.columns(), request.values)
      return new SqliteRowStream(iterator, first, statement, shape, request, (rows) => ({
        ...this.resultOf(prepared, shape.columns, [], returnsChanged(prepared.verb) ? rows : 0),
        hasNext: false
      }))
    })
    return Effect.zipRight(this.runBefore(request), stream)
  }

  /** Runs what may meet a lock of another connection, and runs it again until the lock is gone or time is out. */
  private locked<A>(
    { sql, parameters }: Pick<Request, "sql" | "parameters">,
    run: () => A,
    timeout = 0
  ): Effect.Effect<A, DriverError> {
    const { lockTimeout } = this.settings
    const patience = timeout === 0 ? lockTimeout : Math.min(timeout, lockTimeout)
    return Effect.suspend(() => {
      const attempt = (deadline: number | undefined, delay: number): Effect.Effect<A, DriverError> => {
        if (this.isDestroyed) return Effect.fail(closedError())
        this.lastUse = performance.now()
        try {
          return Effect.succeed(run())
        } catch (thrown) {
          if (!isBusy(thrown)) return Effect.fail(withoutParameters(errorOf(thrown, sql), parameters))
          return Effect.clockWith((clock) => {
            // A clock that nobody sets.
            const now = Math.trunc(Number(clock.unsafeCurrentTimeNanos()) / 1e6)
            const end = deadline ?? now + patience
            if (now >= end) return Effect.fail(lockError(sql, patience))
            return Effect.flatMap(Effect.sleep(Math.min(delay, end - now)), () =>
              attempt(end, Math.min(longestLockDelay, delay * 2))
            )
          })
        }
      }
      return attempt(undefined, firstLockDelay)
    })
  }

  private parametersOf({ parameters }: Request): ReadonlyArray<NativeParameter> {
    return parameters.map((parameter) => {
      const value = toNative(parameter, this.native.keepsNul)
      if (value instanceof DataError || value instanceof NotSupportedError) throw value
      return value
    })
  }

  private run(request: Request): DriverResult {
    const parameters = this.parametersOf(request)
    const prepared = this.prepared(request.sql)
    if (prepared.columnCount === 0) {
      const changes = letGoIfBusy(prepared.statement, parameters, (statement) => statement.run(parameters))
      return this.resultOf(prepared, undefined, [], changesData(prepared.verb) ? changes : 0)
    }
    const stored = letGoIfBusy(prepared.statement, parameters, (statement) => statement.all(parameters))
    const shape = this.shapeOf(prepared, request.values)
    const rows = stored.map((row) => readRow(shape, row))
    return this.resultOf(prepared, shape.columns, rows, returnsChanged(prepared.verb) ? rows.length : 0)
  }

  private resultOf(
    { verb }: Prepared,
    columns: ReadonlyArray<Column> | undefined,
    rows: ReadonlyArray<ReadonlyArray<unknown>>,
    affectedRows: number
  ): DriverResult {
    return {
      columns,
      rows,
      affectedRows,
      // SQLite does not tell rows that were matched from rows that are different now.
      changedRows: verb === "UPDATE" ? undefined : affectedRows,
      lastInsertId: affectedRows > 0 && (verb === "INSERT" || verb === "REPLACE") ? this.lastInsertId() : undefined,
      warningCount: 0,
      elapsed: 0,
      next: undefined
    }
  }

  private lastInsertId(): number | bigint | undefined {
    const id = this.prepared("SELECT last_insert_rowid()").statement.all([])[0]?.[0]
    if (typeof id !== "bigint") return undefined
    return Number.isSafeInteger(Number(id)) ? Number(id) : id
  }

  private shapeOf(prepared: Prepared, values: ValueOptions): SqliteShape {
    const columns = prepared.statement.columns()
    const known = prepared.shape
    if (known !== undefined && prepared.values === values && sameColumns(known, columns)) return known
    const shape = makeShape(columns, values)
    prepared.shape = shape
    prepared.values = values
    return shape
  }

  /** The statement from the cache, or prepared. The cache is bounded: the one put in first goes first. */
  private prepared(sql: string): Prepared {
    const known = this.statements.get(sql)
    if (known !== undefined) return known
    const prepared = this.prepare(sql)
    if (this.statements.size >= this.settings.statementCacheSize) {
      const oldest = this.statements.keys().next()
      if (oldest.done !== true) this.statements.delete(oldest.value)
    }
    this.statements.set(sql, prepared)
    return prepared
  }

  private prepare(sql: string): Prepared {
    const lexed = tokens(sql, dialect.lexicon)
    const words = leadingWords(sql, lexed, 4)
    // What is after the first semicolon would be passed over silently. The body of a trigger has semicolons of its own.
    const isTrigger = words[0] === "CREATE" && words.includes("TRIGGER")
    const end = isTrigger ? -1 : lexed.findIndex((token) => token.kind === "symbol" && sql[token.start] === ";")
    if (end >= 0 && lexed.slice(end).some((token) => token.kind !== "comment" && sql[token.start] !== ";")) {
      throw new ProgrammingError({ reason: "Syntax", message: "more than one statement in one text", statement: sql })
    }
    if (lexed.some((token, i) => isOtherMarker(sql, token, lexed[i + 1]))) {
      throw new ProgrammingError({ reason: "Syntax", message: "a marker that is neither ? nor :name", statement: sql })
    }
    const statement = this.database.prepare(sql)
    return {
      statement,
      verb: words[0] ?? "",
      columnCount: statement.columns().length,
      shape: undefined,
      values: undefined
    }
  }
}

class SqliteRowStream implements RowStream {
  readonly columns: ReadonlyArray<Column>
  private finished = false
  private rows = 0
  private known: ResultSetEnd | undefined

  constructor(
    private readonly iterator: Iterator<NativeRow>,
    private first: IteratorResult<NativeRow> | undefined,
    private readonly statement: NativeStatement,
    private readonly shape: SqliteShape,
    private readonly request: Pick<Request, "sql" | "parameters">,
    private readonly endOf: (rows: number) => ResultSetEnd
  ) {
    this.columns = shape.columns
  }

  end(): ResultSetEnd | undefined {
    return this.known
  }

  /** A statement has one result set. */
  get next(): RowStream["next"] {
    return Effect.as(this.close, undefined)
  }

  get pull(): RowStream["pull"] {
    return Effect.suspend(() => {
      if (this.finished) return Effect.succeed(undefined)
      try {
        const rows: Array<ReadonlyArray<unknown>> = []
        while (rows.length < streamChunk) {
          const next = this.first ?? this.iterator.next()
          this.first = undefined
          if (next.done === true) {
            this.finished = true
            this.known = this.endOf(this.rows + rows.length)
            break
          }
          rows.push(readRow(this.shape, next.value))
        }
        this.rows += rows.length
        return Effect.succeed(rows.length === 0 ? undefined : rows)
      } catch (thrown) {
        const { sql, parameters } = this.request
        return Effect.fail(withoutParameters(errorOf(thrown, sql), parameters))
      }
    })
  }

  get close(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.finished) return
      this.finished = true
      this.statement.cut(this.iterator)
    })
  }
}

/** Runs a statement; when it meets a lock it lets go of what it holds, before it is tried again or given up. */
const letGoIfBusy = <A>(
  statement: NativeStatement,
  parameters: ReadonlyArray<NativeParameter>,
  run: (statement: NativeStatement) => A
): A => {
  try {
    return run(statement)
  } catch (thrown) {
    if (isBusy(thrown)) statement.letGo(parameters)
    throw thrown
  }
}

const changesData = (verb: string): boolean => /^(?:INSERT|UPDATE|DELETE|REPLACE|WITH)$/.test(verb)

/** Statements whose rows, with RETURNING, are those that they changed. */
const returnsChanged = (verb: string): boolean => verb !== "WITH" && changesData(verb)

const sameColumns = ({ native }: SqliteShape, columns: ReadonlyArray<NativeColumn>): boolean =>
  native.length === columns.length &&
  columns.every((column, i) => column.name === native[i]?.name && column.type === native[i]?.type)

/** SQLite's `?1`, `@name` and `$name`, which would be NULL: no value is ever bound to them. */
const isOtherMarker = (sql: string, token: Token, next: Token | undefined): boolean =>
  token.kind === "variable" ||
  (token.kind === "word" && sql[token.start] === "$") ||
  (token.kind === "qmark" && next?.kind === "number" && next.start === token.end)

/** What SQLite does not have. */
const refusal = ({ sql, stopAfter, data }: Partial<Request> & Pick<Request, "sql">): NotSupportedError | undefined => {
  if (data !== undefined) return loadsNoData(sql)
  return stopAfter !== undefined && stopAfter > 0
    ? new NotSupportedError({
        reason: "NotSupported",
        message: "SQLite runs a statement in this process, which nothing stops in the meantime: it has no timeout",
        statement: sql
      })
    : undefined
}

const loadsNoData = (statement: string): NotSupportedError =>
  new NotSupportedError({ reason: "NotSupported", message: "SQLite has no statement that loads data", statement })

const closedError = (): OperationalError =>
  new OperationalError({ reason: "ConnectionLost", message: "the connection was closed" })

const lockError = (statement: string, timeout: number): OperationalError =>
  new OperationalError({
    reason: "LockTimeout",
    message: `another connection held a lock for longer than ${timeout} ms`,
    statement
  })

/** A typed error that the codecs threw, or the typed form of what the database threw. */
const errorOf = (thrown: unknown, sql: string): DriverError => {
  if (thrown instanceof NotSupportedError || thrown instanceof ProgrammingError) return thrown
  const data = dataErrorOf(thrown, sql)
  if (data !== undefined) return data
  // What is no error of the database is a bug of this file, and stays one.
  if (!isSqliteError(thrown)) throw thrown
  return classify(thrown, sql)
}

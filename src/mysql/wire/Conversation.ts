/**
 * The conversation of the command phase as one state machine: commands go out, and what comes in is given to them in
 * order. It knows no socket: bytes are pushed in, and written through a function.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
 */
import type { DriverResult } from "../../Driver.js"
import { type DriverError, OperationalError, ProgrammingError } from "../../Errors.js"
import type { Column, ValueOptions } from "../../Value.js"
import { dataErrorOf } from "../../ValueReader.js"
import {
  type ColumnDefinition,
  type Err,
  type Ok,
  type Prepared,
  readColumnDefinition,
  readEof,
  readErr,
  readOk,
  readPrepared
} from "./Answer.js"
import { Bytes, protocolError } from "./Bytes.js"
import { packetsOf } from "./Commands.js"
import { Header, maxPayload, Status } from "./Constants.js"
import { Framing } from "./Framing.js"
import { readBinaryRow, readTextRow, type Shape, type Shapes } from "./Shape.js"

/** Columns as a server sends them. */
export interface SentColumns {
  readonly definitions: ReadonlyArray<ColumnDefinition>
  /** Byte for byte. */
  readonly metadata: Buffer
}

/**
 * What a statement's last answer looked like: the same metadata again need not be read again, or is not even sent
 * (https://mariadb.com/kb/en/result-set-packets/).
 */
export interface Plan {
  shape: Shape | undefined
  columns: SentColumns | undefined
}

const State = {
  /** OK or ERR ends it. */
  Simple: 0,
  /** OK, ERR or a number of columns. */
  Head: 1,
  Columns: 2,
  ColumnsEnd: 3,
  Rows: 4,
  /** The answer to COM_STMT_PREPARE, then the definitions of parameters and columns. */
  Prepare: 5,
  Definitions: 6,
  /** The server has asked for a file, and it is being sent. */
  Upload: 7
} as const

type State = (typeof State)[keyof typeof State]

/** A stream stops reading from the socket when it holds so many bytes of rows that nobody has taken. */
const streamBuffer = 128 * 1024

/** What is read on of a stream that nobody wants any more, before closing the connection is cheaper. */
export const drainBudget = 256 * 1024

/** What nothing is put into. */
const noDefinitions: Array<ColumnDefinition> = []
const noMetadata: Array<Buffer> = []

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** One command and its answer. */
export class Exchange {
  state: State
  /** The number that the next packet must have. */
  sequence = 0
  /** Of what is awaited: definitions, or columns. */
  left = 0
  total = 0
  /** Of columns that are not known yet; most commands have none. */
  definitions: Array<ColumnDefinition> = noDefinitions
  metadata: Array<Buffer> = noMetadata
  /** Status flags of the EOF packet after the columns, where there is one. */
  columnsStatus = 0
  shape: Shape | undefined
  /** The shape of rows whose columns were left out, until they begin. */
  known: Shape | undefined
  rows: Array<ReadonlyArray<unknown>> = []
  /** Bytes of `rows`, for streams. */
  bytes = 0
  first: Mutable<DriverResult> | undefined
  last: Mutable<DriverResult> | undefined
  prepared: Prepared | undefined
  /** The columns that came with `prepared`, where the server may leave them out later. */
  columns: SentColumns | undefined
  /** The types that the server expects of a prepared statement's parameters, where somebody wants to know. */
  parameterTypes: Array<number> | undefined
  error: DriverError | undefined
  finished = false
  /** A stream's consumer is told when there are rows to take, or the end. */
  onRows: (() => void) | undefined
  streaming = false
  /** Of a stream: it stops at the end of each result set until it is told to go on. Otherwise it passes over all but the first. */
  setBySet = false
  /** It stands there, and nothing is read. */
  isBetween = false
  /** Result sets that were read to their end. */
  endedSets = 0
  /** What is read is not kept: to the end of the result set, or of the answer. */
  discarding: "set" | "answer" | undefined
  /** What is sent when the server asks for a file of just this name, once. Whoever sends it is told by `asked`. */
  file: { readonly name: string; readonly asked: () => void } | undefined
  wasAsked = false
  /** What it changes of the session is undone by who sends it: it is no change. */
  isOwn = false
  /** Bytes that are read and thrown away before closing the connection is cheaper. */
  drainBudget = Number.POSITIVE_INFINITY

  constructor(
    kind: "simple" | "text" | "binary" | "prepare",
    /** The statement, for errors. */
    readonly sql: string | undefined,
    readonly plan: Plan | undefined,
    readonly values: ValueOptions | undefined,
    readonly settle: (exchange: Exchange) => void
  ) {
    this.binary = kind === "binary"
    this.state = kind === "simple" ? State.Simple : kind === "prepare" ? State.Prepare : State.Head
  }

  readonly binary: boolean
}

export interface ConversationOptions {
  readonly deprecateEof: boolean
  readonly extendedMetadata: boolean
  /** A byte after the number of columns says whether they are sent: not those of a prepared statement that are as before. */
  readonly cachesMetadata?: boolean
  /** Shared by the connections of one driver. */
  readonly shapes: Shapes
  /** The error for what the server answered. */
  readonly classify: (err: Err, statement: string | undefined) => DriverError
  readonly write: (packet: Buffer) => void
  /** Stops or goes on reading from the socket. */
  readonly pause: () => void
  readonly resume: () => void
  /** The conversation is over: nothing more is read or written. */
  readonly end: () => void
}

export class Conversation {
  /** Status flags of the last packet that had them. */
  status: number = Status.AUTOCOMMIT
  /** How often something was changed, by the server's word. */
  changes = 0
  /** Something was changed since `forgetChanges`. */
  changed = false
  schemaChanged = false
  /** When the turn of the exchange at the head began: it was sent then, or the one before it was answered. */
  headSince = 0
  /** Commands that were answered. */
  answered = 0
  /** Why it is over. */
  failure: DriverError | undefined

  private readonly framing = new Framing()
  private readonly bytes = new Bytes()
  private queue: Array<Exchange> = []
  private head = 0
  private paused = false
  private receiving = false

  constructor(private readonly options: ConversationOptions) {}

  get outstanding(): number {
    return this.queue.length - this.head
  }

  forgetChanges(): void {
    this.changed = false
    this.schemaChanged = false
  }

  /** Sends a command, whose answer settles the exchange. */
  begin(exchange: Exchange, packet: Buffer): void {
    if (this.failure !== undefined) {
      exchange.error = this.failure
      this.settle(exchange)
      return
    }
    exchange.sequence = packetsOf(packet) & 0xff
    if (this.outstanding === 0) this.headSince = performance.now()
    else if (this.isLoading) {
      exchange.error = loadingError(exchange.sql)
      this.settle(exchange)
      return
    }
    this.queue.push(exchange)
    this.options.write(packet)
  }

  /**
   * Sends a command that has no answer. While a file may be asked for it is left out: the server would take it for the
   * file's content, and what it would close ends with the session too.
   */
  tell(packet: Buffer): void {
    if (this.failure === undefined && !this.isLoading) this.options.write(packet)
  }

  /** Whether what is sent next may be read as a file's content: nothing is sent behind a statement that loads one. */
  private get isLoading(): boolean {
    return this.queue.length > 0 && this.queue[this.queue.length - 1]!.file !== undefined
  }

  /** Sends a piece of the file that was asked for, with room for its header; an empty one is the file's end. */
  upload(exchange: Exchange, packet: Buffer): void {
    if (exchange.state !== State.Upload || this.failure !== undefined) return
    const length = packet.length - 4
    packet.writeUInt32LE(length + exchange.sequence * 0x1000000, 0)
    exchange.sequence = (exchange.sequence + 1) & 0xff
    if (length === 0) exchange.state = State.Head
    this.options.write(packet)
  }

  /** Ends the conversation: whoever awaits an answer gets this error. */
  fail(failure: DriverError): void {
    if (this.failure !== undefined) return
    this.failure = failure
    this.options.end()
    const queue = this.queue
    const from = this.head
    this.queue = []
    this.head = 0
    for (let i = from; i < queue.length; i++) {
      const exchange = queue[i]!
      exchange.error = failure
      this.settle(exchange)
    }
  }

  /** Takes what came from the socket, which may read into the same memory again afterwards. */
  receive(chunk: Buffer): void {
    if (this.failure !== undefined) return
    this.framing.push(chunk)
    this.advance()
    this.framing.keep()
  }

  /** Takes the rows that a stream has read, and lets it read on. */
  take(exchange: Exchange): Array<ReadonlyArray<unknown>> {
    const rows = exchange.rows
    exchange.rows = []
    exchange.bytes = 0
    return rows
  }

  readOn(): void {
    if (!this.paused || this.queue[this.head]?.isBetween === true) return
    this.paused = false
    this.options.resume()
    this.advance()
  }

  /** Reads the rest of a stream without keeping it, if the rest is short; fails the conversation if not. */
  discard(exchange: Exchange, budget: number): void {
    exchange.isBetween = false
    exchange.drainBudget = budget
    this.passOver(exchange, "answer")
  }

  /** Reads a stream's result set to its end without keeping it. */
  skipSet(exchange: Exchange): void {
    this.passOver(exchange, "set")
  }

  private passOver(exchange: Exchange, what: "set" | "answer"): void {
    exchange.discarding = what
    exchange.rows = []
    exchange.bytes = 0
    this.readOn()
  }

  /** Lets a stream that stands between two result sets read the next. */
  enterNextSet(exchange: Exchange): void {
    exchange.isBetween = false
    exchange.shape = undefined
    // What was not taken of the one before is not part of the next.
    this.take(exchange)
    this.readOn()
  }

  private advance(): void {
    if (this.receiving) return
    this.receiving = true
    try {
      while (!this.paused && this.failure === undefined) {
        const exchange = this.queue[this.head]
        if (exchange?.state === State.Columns && this.knowsMetadata(exchange)) continue
        if (exchange?.state === State.Rows) this.rows(exchange)
        if (this.paused || !this.framing.next()) break
        this.packet(exchange)
      }
    } catch (thrown) {
      // Codecs throw an InterfaceError for what is outside the protocol. Anything else is a bug, and stays one.
      if (thrown instanceof Error && "_tag" in thrown && thrown._tag === "InterfaceError")
        this.fail(thrown as unknown as DriverError)
      else throw thrown
    } finally {
      this.receiving = false
    }
    const exchange = this.queue[this.head]
    if (exchange?.onRows !== undefined && exchange.rows.length > 0) this.wake(exchange)
  }

  private wake(exchange: Exchange): void {
    const onRows = exchange.onRows
    exchange.onRows = undefined
    onRows?.()
  }

  private settle(exchange: Exchange): void {
    exchange.finished = true
    exchange.settle(exchange)
    this.wake(exchange)
  }

  private finish(exchange: Exchange): void {
    const now = performance.now()
    if (exchange.first !== undefined) exchange.first.elapsed = now - this.headSince
    this.headSince = now
    this.answered++
    this.head++
    if (this.head === this.queue.length) {
      this.queue.length = 0
      this.head = 0
    } else if (this.head > 1024) {
      this.queue.splice(0, this.head)
      this.head = 0
    }
    this.settle(exchange)
  }

  private packet(exchange: Exchange | undefined): void {
    const { buffer, start, end, sequence } = this.framing
    const first = end > start ? buffer[start]! : -1
    if (exchange === undefined || sequence !== exchange.sequence) {
      // Before it closes a session that was idle for too long, or shuts down, the server says so unasked.
      if (first === Header.ERR) return this.fail(this.options.classify(readErr(buffer, start, end), undefined))
      throw protocolError(exchange === undefined ? "a packet that nobody asked for" : "a packet out of order")
    }
    exchange.sequence = (exchange.sequence + this.framing.pieces) & 0xff
    if (first < 0) throw protocolError("an empty packet")
    this.bytes.open(buffer, start)
    switch (exchange.state) {
      case State.Rows:
        return this.row(exchange, first, buffer, start, end)
      case State.Head:
        return this.headOf(exchange, first, buffer, start, end)
      case State.Columns:
        return this.column(exchange, buffer, start, end)
      case State.ColumnsEnd:
        if (first !== Header.EOF) throw protocolError("no EOF packet after the columns")
        exchange.columnsStatus = readEof(this.bytes, start, end).status
        if (exchange.known !== undefined) return this.beginRows(exchange, exchange.known)
        return this.startRows(exchange, buffer.subarray(start - 4, end))
      case State.Simple:
        if (first === Header.ERR) return this.error(exchange, buffer, start, end)
        if (first !== Header.OK && first !== Header.EOF) throw protocolError("neither OK nor ERR")
        this.note(
          exchange,
          first === Header.OK || this.options.deprecateEof
            ? readOk(this.bytes, start, end)
            : readEof(this.bytes, start, end)
        )
        return this.finish(exchange)
      case State.Prepare:
        if (first === Header.ERR) return this.error(exchange, buffer, start, end)
        if (first !== Header.OK) throw protocolError("neither OK nor ERR")
        return this.prepare(exchange, readPrepared(buffer, start, end))
      case State.Definitions:
        this.definition(exchange, buffer, start, end)
        if (--exchange.left === 0) this.finish(exchange)
        return
      case State.Upload:
        // A server reads a file to its end before it answers. Whatever made it stop, it is in the middle of one.
        if (first === Header.ERR) return this.fail(this.options.classify(readErr(buffer, start, end), exchange.sql))
        throw protocolError("an answer in the middle of a file")
    }
  }

  private note({ isOwn }: Exchange, ok: Ok): void {
    this.status = ok.status
    if (ok.stateChanged && !isOwn) {
      this.changed = true
      this.changes++
    }
    if (ok.schemaChanged) this.schemaChanged = true
  }

  private error(exchange: Exchange, buffer: Buffer, start: number, end: number): void {
    // An error of our own, such as a value that cannot be read, came before; the answer is over either way.
    exchange.error ??= this.options.classify(readErr(buffer, start, end), exchange.sql)
    this.finish(exchange)
  }

  private prepare(exchange: Exchange, prepared: Prepared): void {
    exchange.prepared = prepared
    const eof = this.options.deprecateEof ? 0 : 1
    const { columnCount, parameterCount } = prepared
    exchange.left = (parameterCount > 0 ? parameterCount + eof : 0) + (columnCount > 0 ? columnCount + eof : 0)
    if (exchange.left === 0) this.finish(exchange)
    else exchange.state = State.Definitions
  }

  /** The definitions of the parameters come first. */
  private definition(exchange: Exchange, buffer: Buffer, start: number, end: number): void {
    const { parameterTypes, prepared } = exchange
    if (parameterTypes !== undefined && parameterTypes.length < (prepared?.parameterCount ?? 0))
      parameterTypes.push(readColumnDefinition(this.bytes, end, this.options.extendedMetadata).type)
    const columns = prepared?.columnCount ?? 0
    // An EOF packet may be the last.
    const left = exchange.left - (this.options.deprecateEof ? 0 : 1)
    if (this.options.cachesMetadata !== true || left > columns || left < 1) return
    this.keepColumn(exchange, buffer, start, end, left === columns)
    if (left === 1) exchange.columns = sentColumns(exchange)
  }

  private headOf(exchange: Exchange, first: number, buffer: Buffer, start: number, end: number): void {
    if (first === Header.ERR) return this.error(exchange, buffer, start, end)
    if (first === Header.OK) return this.endOfResult(exchange, readOk(this.bytes, start, end), undefined)
    if (first === Header.LOCAL_INFILE) return this.askedFor(exchange, buffer.utf8Slice(start + 1, end))
    const count = this.bytes.lengthEncoded()
    const areSent = this.options.cachesMetadata !== true || this.bytes.uint8() !== 0
    if (typeof count !== "number" || count < 1 || count > 0xffff || this.bytes.at !== end)
      throw protocolError("an impossible number of columns")
    if (!areSent) return this.startKnownRows(exchange, count)
    exchange.left = exchange.total = count
    exchange.definitions = noDefinitions
    exchange.metadata = noMetadata
    exchange.state = State.Columns
  }

  /**
   * Nothing is sent but what was offered for this statement, whatever file the server names.
   * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_local_infile_request.html
   */
  private askedFor(exchange: Exchange, name: string): void {
    const { file } = exchange
    if (file === undefined) throw protocolError("a file was asked for, and none was offered")
    if (file.name !== name || exchange.wasAsked) throw protocolError("another file was asked for than was offered")
    exchange.wasAsked = true
    exchange.state = State.Upload
    file.asked()
  }

  /** Whether the metadata that comes next is byte for byte what the statement had last time. */
  private knowsMetadata(exchange: Exchange): boolean {
    const plan = exchange.plan
    if (plan?.columns === undefined || plan.shape === undefined || exchange.left !== exchange.total) return false
    if (plan.shape.columns.length !== exchange.total || plan.shape.values !== exchange.values) return false
    const { metadata } = plan.columns
    if (!this.framing.skip(metadata)) return false
    exchange.sequence = (exchange.sequence + exchange.total + (this.options.deprecateEof ? 0 : 1)) & 0xff
    exchange.shape = plan.shape
    if (!this.options.deprecateEof) exchange.columnsStatus = metadata.readUInt16LE(metadata.length - 2)
    exchange.state = State.Rows
    return true
  }

  private column(exchange: Exchange, buffer: Buffer, start: number, end: number): void {
    this.keepColumn(exchange, buffer, start, end, exchange.left === exchange.total)
    if (--exchange.left > 0) return
    if (this.options.deprecateEof) this.startRows(exchange, undefined)
    else exchange.state = State.ColumnsEnd
  }

  private keepColumn(exchange: Exchange, buffer: Buffer, start: number, end: number, isFirst: boolean): void {
    if (isFirst) {
      exchange.definitions = []
      exchange.metadata = []
    }
    exchange.definitions.push(readColumnDefinition(this.bytes, end, this.options.extendedMetadata))
    // One that came in several packets has no header before it here; no server has names that long.
    if (end - start >= maxPayload) throw protocolError("a column definition over 16 MiB")
    exchange.metadata.push(Buffer.from(buffer.subarray(start - 4, end)))
  }

  /** Rows of columns that the server has sent before, with the statement or with an earlier answer. */
  private startKnownRows(exchange: Exchange, count: number): void {
    const { plan, values } = exchange
    if (plan?.columns === undefined || values === undefined || plan.columns.definitions.length !== count)
      throw protocolError("rows whose columns were never sent")
    if (plan.shape === undefined || plan.shape.values !== values)
      plan.shape = this.options.shapes.of(plan.columns.definitions, plan.columns.metadata, values)
    if (this.options.deprecateEof) return this.beginRows(exchange, plan.shape)
    exchange.known = plan.shape
    exchange.state = State.ColumnsEnd
  }

  private beginRows(exchange: Exchange, shape: Shape): void {
    exchange.known = undefined
    exchange.shape = shape
    exchange.state = State.Rows
    if (exchange.streaming && exchange.discarding === undefined) this.wake(exchange)
  }

  private startRows(exchange: Exchange, eof: Buffer | undefined): void {
    const values = exchange.values
    if (values === undefined) throw protocolError("rows for a command that has none")
    if (eof !== undefined) exchange.metadata.push(eof)
    const columns = sentColumns(exchange)
    const shape = this.options.shapes.of(columns.definitions, columns.metadata, values)
    // Only a statement's first result is remembered: of several, each would push out the one before.
    if (exchange.plan !== undefined && exchange.first === undefined) {
      exchange.plan.shape = shape
      exchange.plan.columns = columns
    }
    this.beginRows(exchange, shape)
  }

  /** Reads the rows that are there, as long as nothing else is to be done with them. */
  private rows(exchange: Exchange): void {
    if (!exchange.binary || exchange.discarding !== undefined) return
    if (exchange.error !== undefined || exchange.bytes >= streamBuffer) return
    const { bytes } = this
    const { readRows } = exchange.shape!
    const { rows } = exchange
    const before = rows.length
    this.framing.read((buffer, at) => {
      bytes.open(buffer, at)
      let end = at
      try {
        end = readRows(bytes, at, buffer.length, exchange.sequence, rows)
      } catch {
        // Read once more on its own, it throws again, and there what it throws is judged.
        end = bytes.packet
      }
      if (exchange.streaming) exchange.bytes += end - at
      return end
    })
    exchange.sequence = (exchange.sequence + rows.length - before) & 0xff
    if (exchange.streaming && exchange.bytes >= streamBuffer) this.hold(exchange)
  }

  /** A stream has more than its consumer took: nothing more is read until it takes that. */
  private hold(exchange: Exchange): void {
    if (!this.paused) {
      this.paused = true
      this.options.pause()
    }
    this.wake(exchange)
  }

  private row(exchange: Exchange, first: number, buffer: Buffer, start: number, end: number): void {
    const shape = exchange.shape!
    if (first === Header.EOF && end - start < maxPayload && (this.options.deprecateEof || end - start < 9)) {
      const ok = this.options.deprecateEof ? readOk(this.bytes, start, end) : readEof(this.bytes, start, end)
      return this.endOfResult(exchange, ok, shape.columns)
    }
    if (first === Header.ERR) return this.error(exchange, buffer, start, end)
    if (exchange.discarding !== undefined) {
      exchange.bytes += end - start
      if (exchange.bytes > exchange.drainBudget) this.fail(cutError())
      return
    }
    if (exchange.binary && first !== Header.OK) throw protocolError("a binary row that does not begin as one")
    if (exchange.error !== undefined) return
    try {
      exchange.rows.push(
        exchange.binary ? readBinaryRow(this.bytes, shape, start, end) : readTextRow(this.bytes, shape, start, end)
      )
    } catch (thrown) {
      // A value that the options cannot express fails its statement; the rest of the rows is passed over.
      const error = dataErrorOf(thrown, exchange.sql)
      if (error === undefined) throw thrown
      exchange.error = error
      exchange.rows = []
      return
    }
    if (exchange.streaming) {
      exchange.bytes += end - start
      if (exchange.bytes >= streamBuffer) this.hold(exchange)
    }
  }

  private endOfResult(exchange: Exchange, ok: Ok, columns: ReadonlyArray<Column> | undefined): void {
    this.note(exchange, ok)
    const result: Mutable<DriverResult> = resultOf(ok, columns, exchange.streaming ? [] : exchange.rows)
    if (columns !== undefined) result.isOutParameters = isOutParameters(ok.status | exchange.columnsStatus)
    if (exchange.last === undefined) exchange.first = result
    // A stream that is read set by set may have any number of them, and holds one.
    else if (!exchange.setBySet) exchange.last.next = result
    exchange.last = result
    exchange.endedSets++
    exchange.columnsStatus = 0
    if ((ok.status & Status.MORE_RESULTS_EXISTS) === 0) return this.finish(exchange)
    exchange.state = State.Head
    if (!exchange.streaming) exchange.rows = []
    else if (!exchange.setBySet) exchange.discarding = "answer"
    else if (exchange.discarding !== "answer") this.stopBetween(exchange)
  }

  /** A stream's consumer says when it goes to the next result set. */
  private stopBetween(exchange: Exchange): void {
    exchange.discarding = undefined
    exchange.isBetween = true
    this.hold(exchange)
  }
}

/** What was kept of columns, which is kept no longer. */
const sentColumns = (exchange: Exchange): SentColumns => {
  const { definitions, metadata } = exchange
  exchange.definitions = noDefinitions
  exchange.metadata = noMetadata
  return { definitions, metadata: Buffer.concat(metadata) }
}

const loadingError = (statement: string | undefined): ProgrammingError =>
  new ProgrammingError({
    reason: "Other",
    message: "data is being loaded on this connection: until that ends it takes no other statement",
    statement
  })

const cutError = (): OperationalError =>
  new OperationalError({ reason: "ConnectionLost", message: "the connection was closed to end a stream early" })

const isOutParameters = (status: number): boolean => (status & Status.PS_OUT_PARAMS) !== 0

const changedRows = (info: string): number | undefined => {
  const found = info === "" ? null : /Changed: (\d+)/.exec(info)
  return found === null ? undefined : Number(found[1])
}

const resultOf = (
  ok: Ok,
  columns: ReadonlyArray<Column> | undefined,
  rows: ReadonlyArray<ReadonlyArray<unknown>>
): Mutable<DriverResult> => ({
  columns,
  rows,
  affectedRows: ok.affectedRows,
  changedRows: columns === undefined ? (changedRows(ok.info) ?? ok.affectedRows) : undefined,
  lastInsertId: ok.lastInsertId === 0 ? undefined : ok.lastInsertId,
  warningCount: ok.warningCount,
  isOutParameters: false,
  info: ok.info,
  serverStatus: ok.status,
  elapsed: 0,
  next: undefined
})

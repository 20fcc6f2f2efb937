// One session at random: what the client asks, what a server answers, which bytes of it arrive and how they are cut, and
// what the program does meanwhile. Whatever arrives, the conversation keeps its promises; `run` says which one it broke.
import { isDeepStrictEqual } from "node:util"
import { BigDecimal, DateTime } from "effect"
import { type Driver, Errors, Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command, maxPayload } from "effect-sa/mysql/wire/Constants"
import {
  Conversation,
  type ConversationOptions,
  drainBudget,
  Exchange,
  type Plan
} from "effect-sa/mysql/wire/Conversation"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import {
  type Answer,
  type ExpectedResult,
  type Kind,
  kinds,
  randomAnswer,
  randomColumns,
  randomOptions
} from "./Answers.js"
import { longColumn, type RandomColumn } from "./Columns.js"
import { asBytes, asPackets, mutate, type Packet } from "./Mutations.js"
import { fileRequest, type Modes, modes, packets } from "./Packets.js"
import { Random } from "./Random.js"

/** How the program reads a stream. */
interface StreamUse {
  /** It takes rows as soon as there are any; else now and then. */
  readonly eager: boolean
  /** It has enough after so many rows, and lets the rest go. */
  readonly enoughAfter: number | undefined
  /** It reads every result set, not the first only. */
  readonly setBySet: boolean
  /** Of each it wants so many rows. */
  readonly wanted: number
  /** What may be read of the rest. */
  readonly budget: number
}

interface Turn {
  readonly kind: Kind
  readonly options: Value.ValueOptions
  /** Turns with the same number execute the same prepared statement. */
  readonly statement: number | undefined
  readonly stream: StreamUse | undefined
  /** The command takes two packets. */
  readonly longCommand: boolean
  readonly answer: Answer | undefined
}

export interface Session {
  readonly modes: Modes
  readonly turns: ReadonlyArray<Turn>
  /** All commands go out at once, or each when the one before it is answered: within its callback, or later. */
  readonly order: "pipelined" | "chained" | "later"
  /** What was done to the answers, by name; nothing where they are right. */
  readonly done: ReadonlyArray<string>
  readonly bytes: Buffer
  readonly packets: number
  /** Where each answer ends, in a session that is right, and where the server waits for a file. */
  readonly ends: ReadonlyArray<number>
  readonly waits: ReadonlyArray<number>
  /** Files are sent at once; or a little later, before the server says more. */
  readonly promptly: boolean
  /** Where the bytes are cut into chunks. */
  readonly cuts: ReadonlyArray<number>
  /** The socket ends after so many bytes. */
  readonly stop: number
  /** The program closes the connection after so many chunks. */
  readonly closeAfter: number | undefined
  /** For what the program does between chunks. */
  readonly seed: number
}

/** Answers that a real server gave, for what is done to them. */
export interface Captured {
  readonly modes: Modes
  readonly turns: ReadonlyArray<{ readonly kind: Kind; readonly payloads: ReadonlyArray<Buffer> }>
}

/** As much as a socket reads at once. */
const socketMemory = Buffer.allocUnsafeSlow(64 * 1024)

// ---------------------------------------------------------------------------------------------------------------------
// making one

/** A command of two packets, of which the second is short: its answer begins with the number 2. */
const longCommand = Commands.simple(Command.QUERY, "x".repeat(maxPayload + 5))
const shortCommand = Commands.simple(Command.QUERY, "SELECT 1")

const randomStream = (random: Random): StreamUse => ({
  eager: random.chance(0.5),
  enoughAfter: random.chance(0.5) ? undefined : random.pick([0, 0, 1, 2, 5]),
  setBySet: random.chance(0.5),
  wanted: random.chance(0.7) ? Number.POSITIVE_INFINITY : random.below(4),
  budget: random.pick([drainBudget, Number.POSITIVE_INFINITY, 200])
})

interface Statement {
  readonly columns: ReadonlyArray<RandomColumn>
  readonly options: Value.ValueOptions
}

const randomTurns = (random: Random, modes: Modes, order: Session["order"]): ReadonlyArray<Turn> => {
  const statements: Array<Statement> = []
  const longTurn = random.chance(1 / 300) ? 0 : undefined
  // Now and then so many that the conversation forgets those that are answered, before the last one is.
  const many = order === "pipelined" && random.chance(1 / 1_000)
  // Or one statement again and again, with so many rows that a reader is made for their shape.
  const hot = !many && random.chance(0.02)
  const count = many ? random.between(1_100, 1_300) : random.between(1, 5)
  return Array.from({ length: count }, (_, i) => {
    const kind =
      i === longTurn ? random.pick(["text", "binary"] as const) : many ? "simple" : hot ? "binary" : random.pick(kinds)
    const longRow = i === longTurn
    const columns = randomColumns(random, modes).slice(0, hot ? 4 : undefined)
    const stream = (kind === "text" || kind === "binary") && random.chance(0.3) ? randomStream(random) : undefined
    const long = longRow || (stream !== undefined && !hot && random.chance(0.2))
    const fresh: Statement = { columns: long ? [...columns, longColumn] : columns, options: randomOptions(random) }
    let statement: number | undefined
    if (kind === "binary" && (hot || random.chance(0.8))) {
      statement = hot ? 0 : random.below(statements.length + 1)
      statements[statement] ??= fresh
    }
    const executed = statement === undefined ? fresh : statements[statement]!
    // Who executes it again may want other values of it.
    const options = random.chance(0.9) ? executed.options : fresh.options
    const rows = longRow ? 2 : hot && i === 0 ? random.between(200, 260) : undefined
    // Nothing may be sent behind a statement that loads a file.
    const mayLoad = order !== "pipelined" || i === count - 1
    // Now and then the table was altered since the statement was executed last.
    const answered = random.chance(0.85) ? executed.columns : fresh.columns
    return {
      kind,
      options,
      statement,
      stream,
      longCommand: random.chance(0.01),
      answer: randomAnswer(random, { kind, modes, options, columns: answered, longRow, rows, mayLoad })
    }
  })
}

/** Where bytes are cut: at a few places, at none, or at all. */
const randomCuts = (random: Random, length: number, packets: number): ReadonlyArray<number> => {
  if (random.chance(0.25)) return []
  if (length < 3_000 && random.chance(0.1)) return Array.from({ length }, (_, i) => i)
  const count = random.chance(0.7) ? random.between(1, 6) : random.between(1, Math.min(packets, 60))
  return Array.from({ length: count }, () => random.below(length + 1))
}

const firstOf = (turn: Turn | undefined): number => (turn?.longCommand === true ? 2 : 1)

type Sent = Pick<Session, "bytes" | "packets" | "done" | "ends" | "waits">

/** The bytes of a session whose answers are right, as they are or with something done to them. */
const sent = (
  random: Random,
  modes: Modes,
  answers: ReadonlyArray<Pick<Answer, "payloads" | "file">>,
  first: (answer: number) => number,
  right: boolean
): Sent => {
  const each = answers.map(({ payloads, file }, i) =>
    asPackets(payloads, i, first(i), file === undefined ? 0 : file.pieces.length + 1)
  )
  const all: ReadonlyArray<Packet> = each.flat()
  if (!right) return { ...mutate(random, all, modes, first), ends: [], waits: [] }
  const parts = each.map(asBytes)
  const waits: Array<number> = []
  let end = 0
  const ends = parts.map((part, i) => {
    if (answers[i]?.file !== undefined) waits.push(end + 4 + answers[i].payloads[0]!.length)
    end += part.length
    return end
  })
  return { bytes: Buffer.concat(parts), packets: all.length, done: [], ends, waits }
}

/** Nothing that a server would say: any bytes, or any bytes in packets that are whole. */
const noise = (random: Random): Sent => {
  const right = { ends: [], waits: [] }
  if (random.chance(0.3)) return { ...right, bytes: random.bytes(random.below(200)), packets: 1, done: ["noise"] }
  const payloads = Array.from({ length: random.between(1, 8) }, () => random.bytes(random.below(40)))
  return { ...right, bytes: packets(payloads, 1), packets: payloads.length, done: ["noise in packets"] }
}

const turnsOf = ({ turns }: Captured, random: Random): ReadonlyArray<Turn> =>
  turns.map(({ kind }) => ({
    kind,
    options: randomOptions(random),
    statement: undefined,
    stream: (kind === "text" || kind === "binary") && random.chance(0.3) ? randomStream(random) : undefined,
    longCommand: false,
    answer: undefined
  }))

/** The session that this seed and number bring back, always the same one. */
export const randomSession = (seed: number, number: number, captured: ReadonlyArray<Captured>): Session => {
  const random = new Random(seed, number)
  const source = captured.length > 0 && random.chance(0.08) ? random.pick(captured) : undefined
  const chosen = source?.modes ?? random.pick(modes)
  const order = random.pick(["pipelined", "pipelined", "pipelined", "chained", "chained", "later"] as const)
  const turns = source === undefined ? randomTurns(random, chosen, order) : turnsOf(source, random)
  const first = (answer: number): number => firstOf(turns[answer])
  const bytes =
    source !== undefined
      ? sent(
          random,
          chosen,
          source.turns.map(({ payloads }) => ({ payloads, file: undefined })),
          first,
          false
        )
      : random.chance(0.04)
        ? noise(random)
        : sent(
            random,
            chosen,
            turns.flatMap(({ answer }) => answer ?? []),
            first,
            random.chance(0.35)
          )
  const promptly = random.chance(0.5)
  const { length } = bytes.bytes
  const reads = Math.floor(length / socketMemory.length)
  const cuts = [
    ...Array.from({ length: reads }, (_, i) => i * socketMemory.length),
    ...randomCuts(random, length, bytes.packets),
    ...(order === "later" ? bytes.ends : []),
    ...(promptly ? [] : bytes.waits)
  ]
  return {
    ...bytes,
    modes: chosen,
    turns,
    order,
    promptly,
    cuts: [...new Set([0, ...cuts, length])].sort((a, b) => a - b),
    stop: random.chance(0.2) ? random.below(length + 1) : length,
    closeAfter: random.chance(0.04) ? random.below(4) : undefined,
    seed: random.uint32()
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// comparing

/** Values by what they are; decimals and times by what they mean. */
const same = (actual: unknown, expected: unknown): boolean => {
  if (Object.is(actual, expected)) return true
  if (BigDecimal.isBigDecimal(expected)) {
    return BigDecimal.isBigDecimal(actual) && actual.value === expected.value && actual.scale === expected.scale
  }
  if (DateTime.isDateTime(expected)) return DateTime.isDateTime(actual) && DateTime.Equivalence(actual, expected)
  return isDeepStrictEqual(actual, expected)
}

const show = (value: unknown): string => {
  const written = JSON.stringify(value, (_, each) => (typeof each === "bigint" ? `${each}n` : each)) ?? String(value)
  return written.length > 200 ? `${written.slice(0, 200)}…` : written
}

const differentRows = (
  actual: ReadonlyArray<ReadonlyArray<unknown>>,
  expected: ReadonlyArray<ReadonlyArray<unknown>>,
  columns: ReadonlyArray<Value.Column> | undefined
): string | undefined => {
  if (actual.length !== expected.length) return `${actual.length} rows instead of ${expected.length}`
  for (const [i, row] of expected.entries()) {
    if (actual[i]?.length !== row.length) return `row ${i} has ${actual[i]?.length} values instead of ${row.length}`
    for (const [j, value] of row.entries()) {
      const got = actual[i]?.[j]
      if (!same(got, value))
        return `row ${i}, column ${j} (${columns?.[j]?.typeName}): ${show(got)} instead of ${show(value)}`
    }
  }
  return undefined
}

const differentResult = (actual: ExpectedResult | undefined, expected: ExpectedResult): string | undefined => {
  if (actual === undefined) return "a result is missing"
  if (!isDeepStrictEqual(actual.columns, expected.columns))
    return `columns ${show(actual.columns)} instead of ${show(expected.columns)}`
  for (const key of ["affectedRows", "changedRows", "lastInsertId", "warningCount", "isOutParameters"] as const) {
    if (actual[key] !== expected[key]) return `${key} is ${show(actual[key])} instead of ${show(expected[key])}`
  }
  return differentRows(actual.rows, expected.rows, expected.columns)
}

/** What a turn got that it should not have got; undefined when all is as it must be. */
const different = ({ answer, stream }: Turn, exchange: Exchange, reader: Reader | undefined): string | undefined => {
  if (answer === undefined) return undefined
  const { expected } = answer
  const { error } = exchange
  if (expected.end === "refused") {
    // Who does not read a stream to its end may not come to the value that is refused.
    if (stream !== undefined && error?._tag !== "InterfaceError") return undefined
    return error?._tag === "DataError" && error.reason === expected.reason
      ? undefined
      : `${error?._tag ?? "no error"} instead of DataError ${expected.reason}`
  }
  if (expected.end === "error") {
    if (error === undefined) return `no error instead of ${expected.errno}`
    return error._tag !== "InterfaceError" && error.errno === expected.errno && error.sqlState === expected.sqlState
      ? undefined
      : `${error._tag} instead of ${expected.errno}`
  }
  if (error !== undefined) return `${error._tag}: ${error.message}`
  if (expected.end === "done") return undefined
  if (expected.end === "prepared") {
    const { end: _, ...prepared } = expected
    return isDeepStrictEqual(exchange.prepared, prepared) ? undefined : `prepared as ${show(exchange.prepared)}`
  }
  return reader === undefined
    ? differentResults(exchange.first, expected.results)
    : differentStream(reader, exchange, expected.results)
}

const differentResults = (first: Exchange["first"], expected: ReadonlyArray<ExpectedResult>): string | undefined => {
  let actual: Driver.DriverResult | undefined = first
  for (const [i, result] of expected.entries()) {
    const found = differentResult(actual, result)
    if (found !== undefined) return `result ${i}: ${found}`
    actual = actual?.next
  }
  return actual === undefined ? undefined : "a result too many"
}

const differentStream = (
  { sets, enough, use }: Reader,
  { first }: Exchange,
  expected: ReadonlyArray<ExpectedResult>
): string | undefined => {
  const withoutRows = expected.map((result) => ({ ...result, rows: [] }))
  // Unless it is asked for them, a stream passes over later result sets.
  const found = use.setBySet ? undefined : differentResults(first, withoutRows)
  if (found !== undefined) return found
  const read = use.setBySet ? expected : expected.slice(0, 1)
  if (!enough && sets.length !== read.length) return `a stream of ${sets.length} result sets instead of ${read.length}`
  for (const [i, { columns, rows, end, isCut }] of sets.entries()) {
    const result = read[i]
    if (result === undefined) return "a stream with a result set too many"
    if (use.setBySet && !isDeepStrictEqual(columns, result.columns))
      return `result set ${i} of a stream has columns ${show(columns)} instead of ${show(result.columns)}`
    const isWhole = !isCut && !(enough && i === sets.length - 1)
    const other =
      differentRows(rows, isWhole ? result.rows : result.rows.slice(0, rows.length), result.columns) ??
      (use.setBySet && end !== undefined ? differentResult(end, withoutRows[i]!) : undefined)
    if (other !== undefined) return `result set ${i} of a stream: ${other}`
  }
  return undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// running one

/** A promise that was broken. */
export class Fault extends Error {}

/** What a stream gave of a result set. */
interface TakenSet {
  /** Those that it had when it began; none where it has no rows. */
  readonly columns: ReadonlyArray<Value.Column> | undefined
  readonly rows: Array<ReadonlyArray<unknown>>
  /** What came with its end. */
  end: ExpectedResult | undefined
  /** The program wanted no more of it. */
  isCut: boolean
}

const newSet = ({ shape }: Exchange): TakenSet => ({ columns: shape?.columns, rows: [], end: undefined, isCut: false })

/** A program that reads a stream, as the driver does it: told once of its beginning, then asking for more. */
class Reader {
  readonly sets: Array<TakenSet> = []
  /** The program closed the stream before its end. */
  enough = false
  private doing: "waiting" | "reading" | "leaving" | "entering" | "nothing" = "waiting"

  constructor(
    private readonly exchange: Exchange,
    private readonly conversation: Conversation,
    readonly use: StreamUse
  ) {
    exchange.streaming = true
    exchange.setBySet = use.setBySet
    exchange.onRows = () => {
      if (this.doing !== "waiting" || !this.isIn(0)) return
      this.begin()
      if (use.eager) this.pull()
    }
  }

  /** Goes on as far as it can, or one step. Gives whether it did anything for a socket that pauses. */
  pull(): boolean {
    let any = false
    while (this.step()) {
      any = true
      if (!this.use.eager) return true
    }
    return any
  }

  private get set(): TakenSet {
    const set = this.sets[this.sets.length - 1]
    if (set === undefined) throw new Fault("a stream was read before it began")
    return set
  }

  /** Whether the result set of this place has begun, or was over at once because it has no rows. */
  private isIn(place: number): boolean {
    const { shape, endedSets, error } = this.exchange
    return shape !== undefined || (endedSets > place && error === undefined)
  }

  private step(): boolean {
    const { exchange, conversation, use } = this
    switch (this.doing) {
      case "waiting":
      case "nothing":
        return false
      case "reading":
        if (use.enoughAfter !== undefined && this.taken >= use.enoughAfter) return this.close()
        if (exchange.rows.length > 0) {
          if (use.setBySet && this.set.rows.length >= use.wanted) return this.leave()
          if (exchange.bytes > mostHeld) throw new Fault(`a stream held ${exchange.bytes} bytes of rows`)
          for (const row of conversation.take(exchange)) this.set.rows.push(row)
          conversation.readOn()
          return true
        }
        return this.goOn()
      case "leaving":
        return this.goOn()
      case "entering":
        if (exchange.error !== undefined) return this.close()
        if (!this.isIn(this.sets.length)) return this.wait()
        this.begin()
        return true
    }
  }

  private begin(): void {
    this.sets.push(newSet(this.exchange))
    this.doing = "reading"
  }

  private get taken(): number {
    return this.sets.reduce((sum, { rows }) => sum + rows.length, 0)
  }

  /** After the last row that is wanted of a result set. */
  private goOn(): boolean {
    const { exchange, conversation, set } = this
    if (exchange.error !== undefined) return this.close()
    if (!exchange.finished && !exchange.isBetween) return this.wait()
    set.end = exchange.last
    if (exchange.finished) {
      this.doing = "nothing"
      return false
    }
    this.doing = "entering"
    conversation.enterNextSet(exchange)
    return true
  }

  /** Goes to the next result set, past the rest of this one. */
  private leave(): boolean {
    const { exchange } = this
    this.doing = "leaving"
    this.set.isCut = true
    if (!exchange.finished && !exchange.isBetween) this.conversation.skipSet(exchange)
    return true
  }

  private wait(): boolean {
    this.exchange.onRows = () => {
      if (this.use.eager) this.pull()
    }
    this.conversation.readOn()
    return false
  }

  /** Lets the rest go. */
  private close(): boolean {
    this.enough = true
    this.doing = "nothing"
    if (this.exchange.finished) return false
    this.exchange.onRows = undefined
    this.conversation.discard(this.exchange, this.use.budget)
    return true
  }
}

/** A stream may hold the 128 KiB after which it pauses, and the row with which it came over them. */
const mostHeld = 128 * 1024 + 2 * maxPayload

export interface Outcome {
  /** The promise that was broken. */
  readonly fault: string | undefined
  /** How the conversation ended, if it did so by itself. */
  readonly failure: Errors.DriverError | undefined
  readonly exchanges: ReadonlyArray<Exchange>
}

/** A command that is not of the session, and that no server answers. */
const extraTurn: Turn = {
  kind: "simple",
  options: Value.defaultValueOptions,
  statement: undefined,
  stream: undefined,
  longCommand: false,
  answer: undefined
}

class Run {
  readonly conversation: Conversation
  readonly exchanges: Array<Exchange> = []
  readonly readers: Array<Reader | undefined> = []
  failure: Errors.DriverError | undefined
  private readonly plans: Array<Plan> = []
  private readonly settled = new Map<Exchange, number>()
  private readonly random: Random
  private asked: (() => void) | undefined
  private written = 0
  private paused = false
  private ended = false
  /** It has ended, and whoever waited was told. */
  private over = false
  private beginning = false

  constructor(
    private readonly session: Session,
    make: (options: ConversationOptions) => Conversation
  ) {
    this.random = new Random(session.seed)
    this.conversation = make({
      ...session.modes,
      shapes: new Shapes(),
      classify: (error, statement) => classify(error, "MySQL", statement),
      write: () => {
        this.written++
        if (this.ended) throw new Fault("something was written after the end")
      },
      pause: () => {
        if (this.paused) throw new Fault("paused twice")
        this.paused = true
      },
      resume: () => {
        this.paused = false
      },
      end: () => {
        if (this.ended) throw new Fault("ended twice")
        this.ended = true
      }
    })
  }

  drive(): void {
    const { session, conversation } = this
    const { turns, order, bytes, cuts, stop, closeAfter } = session
    for (let i = 0; i < (order === "pipelined" ? turns.length : 1); i++) this.beginNext()
    for (let i = 0; i + 1 < cuts.length && cuts[i]! < stop; i++) {
      if (i === closeAfter) conversation.fail(closed())
      this.untilReading()
      this.upload()
      if (order === "later" && conversation.outstanding === 0) this.beginNext()
      this.deliver(bytes.subarray(cuts[i]!, Math.min(stop, cuts[i + 1]!)))
      this.look()
      for (const reader of this.readers) if (this.random.chance(0.5)) reader?.pull()
    }
    this.untilReading()
    this.upload()
    this.failure = conversation.failure
    if (this.failure === undefined) conversation.fail(lost())
    if (conversation.failure === undefined) throw new Fault("the end of the socket was not its end")
    this.look()
    for (const reader of this.readers) while (reader?.pull() === true);
    this.compare()
    this.afterTheEnd()
  }

  /** Gives a chunk as a socket does that reads into the same memory again. */
  private deliver(chunk: Buffer): void {
    const memory = chunk.length <= socketMemory.length ? socketMemory : Buffer.allocUnsafe(chunk.length)
    chunk.copy(memory)
    this.conversation.receive(memory.subarray(0, chunk.length))
    memory.fill(0xa5, 0, chunk.length)
  }

  private beginNext(): void {
    const turn = this.session.turns[this.exchanges.length]
    if (turn === undefined) return
    this.begin(turn)
  }

  private begin({ kind, options, statement, stream, longCommand: long, answer }: Turn): Exchange {
    const plan =
      statement === undefined ? undefined : (this.plans[statement] ??= { shape: undefined, metadata: undefined })
    const rows = kind === "text" || kind === "binary"
    const exchange = new Exchange(kind, "SELECT 1", plan, rows ? options : undefined, (settled) => this.settle(settled))
    if (answer?.file !== undefined) {
      const { name, pieces } = answer.file
      const asked = (): void => {
        if (!this.session.bytes.includes(fileRequest(name))) throw new Fault("a file was sent that nobody asked for")
        this.asked = () => {
          for (const piece of [...pieces, Buffer.alloc(0)])
            this.conversation.upload(exchange, Buffer.concat([Buffer.alloc(4), piece]))
        }
        if (this.session.promptly) this.upload()
        else if (this.exchanges.length === this.session.turns.length) this.intrude()
      }
      exchange.file = { name, asked }
    }
    this.exchanges.push(exchange)
    this.readers.push(stream === undefined ? undefined : new Reader(exchange, this.conversation, stream))
    const before = this.beginning
    this.beginning = true
    this.conversation.begin(exchange, long ? longCommand : shortCommand)
    this.beginning = before
    return exchange
  }

  /** Sends the file that was asked for. */
  private upload(): void {
    const { asked } = this
    this.asked = undefined
    asked?.()
  }

  /** What is sent while the server waits for a file would be taken for its content. */
  private intrude(): void {
    const before = this.written
    const early = this.begin(extraTurn)
    if (!early.finished || early.error?._tag !== "ProgrammingError")
      throw new Fault("an exchange was begun in the middle of a file")
    this.conversation.tell(shortCommand)
    if (this.written !== before) throw new Fault("something was written in the middle of a file")
  }

  private settle(exchange: Exchange): void {
    const times = (this.settled.get(exchange) ?? 0) + 1
    this.settled.set(exchange, times)
    if (times > 1) throw new Fault("an exchange was settled twice")
    if (!exchange.finished) throw new Fault("an exchange was settled that has not finished")
    if (this.over && !this.beginning) throw new Fault("an exchange was settled after the end")
    if (exchange.error !== undefined && !Errors.isDriverError(exchange.error))
      throw new Fault(`an exchange got ${String(exchange.error)}, which is no error of a driver`)
    if (this.session.order === "chained") this.beginNext()
  }

  /** A paused socket gives nothing: the program reads until it is not. */
  private untilReading(): void {
    for (let rounds = 0; this.paused && this.conversation.failure === undefined; rounds++) {
      if (rounds > 10_000) throw new Fault("paused for good")
      if (!this.readers.map((reader) => reader?.pull() ?? false).includes(true) && this.paused)
        throw new Fault("paused with nothing to take")
    }
  }

  private look(): void {
    const { failure } = this.conversation
    if ((failure !== undefined) !== this.ended) throw new Fault("the socket's end and the conversation's are not one")
    if (failure === undefined) return
    if (!Errors.isDriverError(failure)) throw new Fault(`ended by ${String(failure)}, which is no error of a driver`)
    this.over = true
    for (const exchange of this.exchanges) if (!exchange.finished) throw new Fault("an exchange never settled")
  }

  /** Answers that came as a whole, and were right, must have been read as what they are. */
  private compare(): void {
    const { session, failure, conversation } = this
    const { turns, done, stop, closeAfter } = session
    if (done.length > 0) return
    const ownEnd =
      closeAfter !== undefined ||
      turns.some(({ stream, answer }) => stream !== undefined && (answer?.rowBytes ?? 0) > stream.budget)
    if (failure !== undefined && (!ownEnd || !Errors.isConnectionLoss(failure) || failure._tag === "InterfaceError"))
      throw new Fault(`a session that was right ended by ${failure._tag}: ${failure.message}`)
    for (const [i, turn] of turns.entries()) {
      const exchange = this.exchanges[i]
      const lostIt = exchange === undefined || (exchange.error !== undefined && exchange.error === conversation.failure)
      if (lostIt) {
        if (session.ends[i]! <= stop && failure === undefined) throw new Fault(`turn ${i} was not answered`)
        continue
      }
      const found = different(turn, exchange, this.readers[i])
      if (found !== undefined) throw new Fault(`turn ${i} (${turn.kind}): ${found}`)
    }
    if (failure !== undefined || stop < session.bytes.length) return
    const answers = turns.flatMap(({ answer }) => answer ?? [])
    const status = answers.findLast((answer) => answer.status !== undefined)?.status
    if (status !== undefined && conversation.status !== status)
      throw new Fault(`status ${conversation.status} instead of ${status}`)
    if (conversation.changed !== answers.some(({ changed }) => changed))
      throw new Fault("a change was missed or made up")
    if (conversation.schemaChanged !== answers.some(({ schemaChanged }) => schemaChanged))
      throw new Fault("a change of the schema was missed or made up")
  }

  /** After the end nothing is written, nothing settles again, and who comes late is told so. */
  private afterTheEnd(): void {
    const { conversation } = this
    conversation.receive(packets([Buffer.from([0, 0, 0, 2, 0, 0, 0])]))
    const late = this.begin(extraTurn)
    if (!late.finished || late.error !== conversation.failure)
      throw new Fault("a late exchange was not told of the end")
    conversation.tell(shortCommand)
    conversation.fail(closed())
    conversation.receive(this.random.bytes(9))
    for (const exchange of this.exchanges) {
      if (this.settled.get(exchange) !== 1)
        throw new Fault(`an exchange settled ${this.settled.get(exchange) ?? 0} times`)
    }
  }
}

const lost = (): Errors.OperationalError =>
  new Errors.OperationalError({ reason: "ConnectionLost", message: "the server closed the connection" })
const closed = (): Errors.OperationalError =>
  new Errors.OperationalError({ reason: "ConnectionLost", message: "the connection was closed" })

/** Plays a session against a conversation. */
export const run = (
  session: Session,
  make: (options: ConversationOptions) => Conversation = (options) => new Conversation(options)
): Outcome => {
  const playing = new Run(session, make)
  let fault: string | undefined
  try {
    playing.drive()
  } catch (thrown) {
    fault =
      thrown instanceof Fault ? thrown.message : `thrown: ${thrown instanceof Error ? thrown.stack : String(thrown)}`
  }
  return { fault, failure: playing.failure, exchanges: playing.exchanges }
}

/** A session in words, for a report. */
export const describe = ({ modes, turns, order, done, bytes, cuts, stop, closeAfter }: Session): string => {
  const each = turns.map(
    ({ kind, statement, stream, longCommand }) =>
      `${kind}${statement === undefined ? "" : ` #${statement}`}${longCommand ? " (long command)" : ""}${stream === undefined ? "" : ` (stream ${JSON.stringify(stream)})`}`
  )
  return [
    `deprecateEof ${modes.deprecateEof}, extendedMetadata ${modes.extendedMetadata}, ${order}: ${each.join(", ")}`,
    `${done.length === 0 ? "right answers" : `answers changed by: ${done.join(", ")}`}; ${bytes.length} bytes${stop < bytes.length ? `, cut off after ${stop}` : ""}, in ${cuts.length - 1} chunks${closeAfter === undefined ? "" : `, closed by the program after ${closeAfter}`}`
  ].join("\n")
}

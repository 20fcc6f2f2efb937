// One session at random: what the client asks, what a server answers, which bytes of it arrive and how they are cut, and
// what the program does meanwhile. Whatever arrives, the conversation keeps its promises; `run` says which one it broke.
import { isDeepStrictEqual } from "node:util"
import { BigDecimal, DateTime } from "effect"
import { Errors, Value } from "effect-sa"
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
import { type Modes, modes, packets } from "./Packets.js"
import { Random } from "./Random.js"

/** How the program reads a stream. */
interface StreamUse {
  /** It takes rows as soon as there are any; else now and then. */
  readonly eager: boolean
  /** It has enough after so many rows, and lets the rest go. */
  readonly enoughAfter: number | undefined
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

// ---------------------------------------------------------------------------------------------------------------------
// making one

/** A command of two packets, of which the second is short: its answer begins with the number 2. */
const longCommand = Commands.simple(Command.QUERY, "x".repeat(maxPayload + 5))
const shortCommand = Commands.simple(Command.QUERY, "SELECT 1")

const randomStream = (random: Random): StreamUse => ({
  eager: random.chance(0.5),
  enoughAfter: random.chance(0.5) ? undefined : random.pick([0, 0, 1, 2, 5]),
  budget: random.pick([drainBudget, Number.POSITIVE_INFINITY, 200])
})

interface Statement {
  readonly columns: ReadonlyArray<RandomColumn>
  readonly options: Value.ValueOptions
}

const randomTurns = (random: Random, modes: Modes, order: Session["order"]): ReadonlyArray<Turn> => {
  const statements: Array<Statement> = []
  const longTurn = random.chance(1 / 2_000) ? 0 : undefined
  // Now and then so many that the conversation forgets those that are answered, before the last one is.
  const many = order === "pipelined" && random.chance(1 / 1_000)
  const count = many ? random.between(1_100, 1_300) : random.between(1, 5)
  return Array.from({ length: count }, (_, i) => {
    const kind = i === longTurn ? random.pick(["text", "binary"] as const) : many ? "simple" : random.pick(kinds)
    const longRow = i === longTurn
    const columns = randomColumns(random, modes)
    const stream = (kind === "text" || kind === "binary") && random.chance(0.3) ? randomStream(random) : undefined
    const long = longRow || (stream !== undefined && random.chance(0.1))
    const fresh: Statement = { columns: long ? [...columns, longColumn] : columns, options: randomOptions(random) }
    let statement: number | undefined
    if (kind === "binary" && random.chance(0.8)) {
      statement = random.below(statements.length + 1)
      statements[statement] ??= fresh
    }
    const { columns: known, options } = statement === undefined ? fresh : statements[statement]!
    // Nothing may be sent behind a statement that loads a file.
    const mayLoad = order !== "pipelined" || i === count - 1
    // Now and then the table was altered since the statement was executed last.
    const answered = random.chance(0.85) ? known : fresh.columns
    return {
      kind,
      options,
      statement,
      stream,
      longCommand: random.chance(0.01),
      answer: randomAnswer(random, { kind, modes, options, columns: answered, longRow, mayLoad })
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
  const cuts = [
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
  for (const key of ["affectedRows", "changedRows", "lastInsertId", "warningCount"] as const) {
    if (actual[key] !== expected[key]) return `${key} is ${show(actual[key])} instead of ${show(expected[key])}`
  }
  return differentRows(actual.rows, expected.rows, expected.columns)
}

/** What a turn got that it should not have got; undefined when all is as it must be. */
const different = ({ answer, stream }: Turn, exchange: Exchange, taken: Taken | undefined): string | undefined => {
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
  let actual: ExpectedResult | undefined = exchange.first
  let next = exchange.first
  for (const [i, result] of expected.results.entries()) {
    // Of a stream, rows are taken as they come, and those of later results are passed over.
    const found = differentResult(actual, stream === undefined ? result : { ...result, rows: [] })
    if (found !== undefined) return `result ${i}: ${found}`
    next = next?.next
    actual = next
  }
  if (actual !== undefined) return "a result too many"
  if (taken === undefined) return undefined
  const rows = expected.results[0]?.rows ?? []
  const awaited = taken.enough ? rows.slice(0, taken.rows.length) : rows
  const found = differentRows(taken.rows, awaited, expected.results[0]?.columns)
  return found === undefined ? undefined : `stream: ${found}`
}

// ---------------------------------------------------------------------------------------------------------------------
// running one

/** A promise that was broken. */
export class Fault extends Error {}

interface Taken {
  readonly rows: Array<ReadonlyArray<unknown>>
  /** The program had enough before the end. */
  enough: boolean
}

/** A program that reads a stream, as the driver does it: told once of its beginning, then pulling. */
class Reader {
  readonly taken: Taken = { rows: [], enough: false }
  private begun = false

  constructor(
    private readonly exchange: Exchange,
    private readonly conversation: Conversation,
    private readonly use: StreamUse
  ) {
    exchange.streaming = true
    exchange.onRows = () => {
      if (exchange.shape === undefined) return
      this.begun = true
      if (use.eager) this.pull()
    }
  }

  /** Takes what is there, or asks to be told, or has enough. Gives whether it did anything about a socket that pauses. */
  pull(): boolean {
    const { exchange, conversation, taken, use } = this
    if (!this.begun || taken.enough) return false
    let any = false
    while (exchange.rows.length > 0) {
      if (taken.rows.length >= (use.enoughAfter ?? Number.POSITIVE_INFINITY)) return this.leave()
      any = true
      if (exchange.bytes > mostHeld) throw new Fault(`a stream held ${exchange.bytes} bytes of rows`)
      for (const row of conversation.take(exchange)) taken.rows.push(row)
      conversation.readOn()
      if (!use.eager) return true
    }
    if (exchange.finished) return any
    if (exchange.error !== undefined || use.enoughAfter === 0) return this.leave()
    exchange.onRows = () => {
      if (use.eager) this.pull()
    }
    conversation.readOn()
    return any
  }

  /** Lets the rest go. */
  private leave(): boolean {
    this.taken.enough = true
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
      conversation.receive(bytes.subarray(cuts[i]!, Math.min(stop, cuts[i + 1]!)))
      this.look()
      for (const reader of this.readers) if (this.random.chance(0.5)) reader?.pull()
    }
    this.untilReading()
    this.upload()
    this.failure = conversation.failure
    if (this.failure === undefined) conversation.fail(lost())
    if (conversation.failure === undefined) throw new Fault("the end of the socket was not its end")
    this.look()
    for (const reader of this.readers) reader?.pull()
    this.compare()
    this.afterTheEnd()
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
      const found = different(turn, exchange, this.readers[i]?.taken)
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

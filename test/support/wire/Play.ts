// Plays a session against a conversation. Whatever arrives, the conversation keeps its promises: nothing is thrown, every
// exchange settles once, with what was sent or with a typed error, and after its end there is nothing more.
import { Errors, Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command, maxPayload } from "effect-sa/mysql/wire/Constants"
import { Conversation, type ConversationOptions, Exchange, type Plan } from "effect-sa/mysql/wire/Conversation"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import { different } from "./Difference.js"
import { fileRequest, packets } from "./Packets.js"
import { Random } from "./Random.js"
import { Fault, Reader } from "./Reader.js"
import { readSize, type Session, type Turn } from "./Session.js"

/** A command of two packets, of which the second is short: its answer begins with the number 2. */
const longCommand = Commands.simple(Command.QUERY, "x".repeat(maxPayload + 5))
const shortCommand = Commands.simple(Command.QUERY, "SELECT 1")

/** A socket reads into the same memory again and again. */
const socketMemory = Buffer.allocUnsafeSlow(readSize)

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
      for (const reader of this.lazy()) if (this.random.chance(0.5)) reader.pull()
    }
    this.untilReading()
    this.upload()
    this.failure = conversation.failure
    if (this.failure === undefined) conversation.fail(lost())
    if (conversation.failure === undefined) throw new Fault("the end of the socket was not its end")
    this.look()
    for (const reader of this.lazy()) while (reader.pull());
    this.compare()
    this.afterTheEnd()
  }

  /** Readers that are not eager. Those that are must be told of everything. */
  private lazy(): ReadonlyArray<Reader> {
    return this.readers.flatMap((reader) => (reader === undefined || reader.use.eager ? [] : [reader]))
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
      statement === undefined ? undefined : (this.plans[statement] ??= { shape: undefined, columns: undefined })
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
      if (
        !this.lazy()
          .map((reader) => reader.pull())
          .includes(true) &&
        this.paused
      )
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

// A program that reads a stream, with every way to do so: at once or late, to its end or not, one result set or all.
import type { Value } from "effect-sa"
import { maxPayload } from "effect-sa/mysql/wire/Constants"
import type { Conversation, Exchange } from "effect-sa/mysql/wire/Conversation"
import type { ExpectedResult } from "./Answers.js"
import type { StreamUse } from "./Session.js"

/** A promise that was broken. */
export class Fault extends Error {}

/** What a stream gave of a result set. */
export interface TakenSet {
  /** Those that it had when it began; none where it has no rows. */
  readonly columns: ReadonlyArray<Value.Column> | undefined
  readonly rows: Array<ReadonlyArray<unknown>>
  /** What came with its end. */
  end: ExpectedResult | undefined
  /** The program wanted no more of it. */
  isCut: boolean
}

const newSet = ({ shape }: Exchange): TakenSet => ({ columns: shape?.columns, rows: [], end: undefined, isCut: false })

/** A stream may hold the 128 KiB after which it pauses, and the row with which it came over them. */
const mostHeld = 128 * 1024 + 2 * maxPayload

/** A program that reads a stream, as the driver does it: told once of its beginning, then asking for more. */
export class Reader {
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

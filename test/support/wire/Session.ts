// One session at random: what the client asks, what a server answers, which bytes of it arrive and how they are cut, and
// what the program does meanwhile.
import type { Value } from "effect-sa"
import { drainBudget } from "effect-sa/mysql/wire/Conversation"
import { type Answer, type Kind, kinds, randomAnswer, randomColumns, randomOptions } from "./Answers.js"
import { longColumn, type RandomColumn } from "./Columns.js"
import { asBytes, asPackets, mutate, type Packet } from "./Mutations.js"
import { type Modes, modes, packets } from "./Packets.js"
import { Random } from "./Random.js"

/** How the program reads a stream. */
export interface StreamUse {
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

export interface Turn {
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
export const readSize = 64 * 1024

// ---------------------------------------------------------------------------------------------------------------------
// making one

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
  const reads = Math.floor(length / readSize)
  const cuts = [
    ...Array.from({ length: reads }, (_, i) => i * readSize),
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

// Sessions that real servers had: every command and every answer as bytes, without the login, and what each came to.
// test/fuzz/capture.ts writes them; tests play them again, and the fuzz test changes them.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { BigDecimal, DateTime } from "effect"
import { Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command } from "effect-sa/mysql/wire/Constants"
import { Conversation, type ConversationOptions, Exchange, type Plan } from "effect-sa/mysql/wire/Conversation"
import { Framing } from "effect-sa/mysql/wire/Framing"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import type { Kind } from "./Answers.js"
import type { Modes } from "./Packets.js"
import type { Captured } from "./Session.js"

/** Where the vectors are, a file for each server. */
export const folder = fileURLToPath(new URL("../../pure/mysql/vectors", import.meta.url))

/** What the client sends. Statements are named by the number that the server gave them. */
export type Sending =
  | { readonly send: "query" | "prepare" | "database"; readonly text: string }
  | { readonly send: "execute"; readonly id: number; readonly parameters: ReadonlyArray<Encoded> }
  | { readonly send: "reset" | "ping" }

/** One command and its answer. */
export interface VectorTurn {
  readonly sending: Sending
  readonly kind: Kind
  readonly stream?: boolean
  /** Value options that are not the default. */
  readonly options?: Partial<Value.ValueOptions>
  /** The file that the server asks for. */
  readonly file?: { readonly name: string; readonly content: string }
  /** The packets of both, in hexadecimal digits, each with its header. */
  readonly client: ReadonlyArray<string>
  readonly server: ReadonlyArray<string>
  readonly seen: Seen
}

export interface Vector extends Modes {
  readonly title: string
  readonly turns: ReadonlyArray<VectorTurn>
}

export interface VectorFile {
  /** As the server says it. */
  readonly server: string
  readonly product: "MySQL" | "MariaDB"
  readonly sessions: ReadonlyArray<Vector>
}

// ---------------------------------------------------------------------------------------------------------------------
// values

/** A value as JSON holds it: what JSON does not have is an object that names its type. */
export type Encoded = null | boolean | number | string | { readonly [type: string]: unknown }

export const encode = (value: unknown): Encoded => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value
  if (typeof value === "number") return Object.is(value, -0) ? { number: "-0" } : value
  if (typeof value === "bigint") return { bigint: String(value) }
  if (value instanceof Date) return { date: value.toISOString() }
  // Bytes are a Uint8Array, and a Buffer would be something else.
  if (Object.getPrototypeOf(value) === Uint8Array.prototype && value instanceof Uint8Array)
    return { bytes: Buffer.from(value).toString("hex") }
  if (BigDecimal.isBigDecimal(value)) return { decimal: Value.formatDecimal(value) }
  if (DateTime.isDateTime(value)) return { dateTime: DateTime.formatIso(value) }
  if (Array.isArray(value) || Value.isPlainObject(value)) return { json: value }
  throw new Error(`a value of another type: ${String(value)}`)
}

/** The parameter that an encoded one stands for. */
export const decode = (value: Encoded): Value.BoundValue => {
  if (value === null || typeof value === "string" || typeof value === "number") return value
  if (typeof value === "object") {
    const text = String(Object.values(value)[0])
    if ("number" in value) return -0
    if ("bigint" in value) return BigInt(text)
    if ("date" in value) return new Date(text)
    if ("bytes" in value) return new Uint8Array(Buffer.from(text, "hex"))
    if ("decimal" in value) return BigDecimal.unsafeFromString(text)
  }
  throw new Error(`no parameter: ${JSON.stringify(value)}`)
}

// ---------------------------------------------------------------------------------------------------------------------
// what a command came to

export type SeenColumn = readonly [
  name: string,
  table: string,
  typeName: string,
  nullable: boolean | null,
  length: number | null,
  scale: number | null
]

export interface SeenResult {
  readonly columns?: ReadonlyArray<SeenColumn>
  readonly rows: ReadonlyArray<ReadonlyArray<Encoded>>
  readonly affectedRows: number
  readonly changedRows?: number
  readonly lastInsertId?: Encoded
  readonly warningCount: number
}

/** What a program gets of a turn, and what the conversation knows after it. */
export interface Seen {
  readonly error?: {
    readonly tag: string
    readonly reason: string
    readonly errno?: number
    readonly sqlState?: string
    readonly message: string
  }
  readonly prepared?: { readonly id: number; readonly columnCount: number; readonly parameterCount: number }
  readonly results?: ReadonlyArray<SeenResult>
  readonly status: number
  readonly changed: boolean
  readonly schemaChanged: boolean
}

const seenError = ({ error }: Exchange): Pick<Seen, "error"> => {
  if (error === undefined) return {}
  const { _tag: tag, reason, message } = error
  const { errno, sqlState } = error._tag === "InterfaceError" ? {} : error
  return {
    error: {
      tag,
      reason,
      ...(errno === undefined ? {} : { errno }),
      ...(sqlState === undefined ? {} : { sqlState }),
      message
    }
  }
}

const seenColumn = ({ name, table, typeName, nullable, length, scale }: Value.Column): SeenColumn => [
  name,
  table,
  typeName,
  nullable ?? null,
  length ?? null,
  scale ?? null
]

const seenResults = (exchange: Exchange, taken: ReadonlyArray<ReadonlyArray<unknown>>): ReadonlyArray<SeenResult> => {
  const found: Array<SeenResult> = []
  for (let result = exchange.first; result !== undefined; result = result.next) {
    const { columns, affectedRows, changedRows, lastInsertId, warningCount } = result
    const rows = exchange.streaming && found.length === 0 ? taken : result.rows
    found.push({
      ...(columns === undefined ? {} : { columns: columns.map(seenColumn) }),
      rows: rows.map((row) => row.map(encode)),
      affectedRows,
      ...(changedRows === undefined ? {} : { changedRows }),
      ...(lastInsertId === undefined ? {} : { lastInsertId: encode(lastInsertId) }),
      warningCount
    })
  }
  return found
}

// ---------------------------------------------------------------------------------------------------------------------
// the client

/** The command as the driver makes it. */
export const packetOf = (sending: Sending): Buffer => {
  switch (sending.send) {
    case "query":
      return Commands.simple(Command.QUERY, sending.text)
    case "prepare":
      return Commands.simple(Command.STMT_PREPARE, sending.text)
    case "database":
      return Commands.simple(Command.INIT_DB, sending.text)
    case "execute":
      return Commands.execute(sending.id, sending.parameters.map(decode))
    case "reset":
      return Commands.simple(Command.RESET_CONNECTION)
    case "ping":
      return Commands.simple(Command.PING)
  }
}

export type Asked = Pick<VectorTurn, "sending" | "kind" | "stream" | "options" | "file">

/** A client that sends one command after the other and remembers what went by. */
export class Client {
  readonly conversation: Conversation
  private readonly plans = new Map<number, Plan>()
  private readonly values = new Map<string, Value.ValueOptions>()

  constructor(
    modes: Modes,
    product: VectorFile["product"],
    io: Pick<ConversationOptions, "write" | "pause" | "resume" | "end">
  ) {
    this.conversation = new Conversation({
      ...modes,
      ...io,
      shapes: new Shapes(),
      classify: (error, statement) => classify(error, product, statement)
    })
  }

  /** Sends a command. `done` is told what it came to. */
  send({ sending, kind, stream, options = {}, file }: Asked, done: (seen: Seen) => void): void {
    const { conversation } = this
    const taken: Array<ReadonlyArray<unknown>> = []
    const rows = kind === "text" || kind === "binary"
    const exchange = new Exchange(
      kind,
      "text" in sending ? sending.text : undefined,
      sending.send === "execute" ? this.planOf(sending.id) : undefined,
      rows ? this.optionsOf(options) : undefined,
      (settled) => {
        taken.push(...conversation.take(settled))
        const { status, changed, schemaChanged } = conversation
        done({
          ...seenError(settled),
          ...(settled.prepared === undefined ? {} : { prepared: settled.prepared }),
          ...(rows && settled.error === undefined ? { results: seenResults(settled, taken) } : {}),
          status,
          changed,
          schemaChanged
        })
      }
    )
    if (stream === true) {
      exchange.streaming = true
      const pull = (): void => {
        taken.push(...conversation.take(exchange))
        if (!exchange.finished) exchange.onRows = pull
        conversation.readOn()
      }
      exchange.onRows = pull
    }
    if (file !== undefined) {
      const asked = (): void => {
        const content = Buffer.from(file.content)
        conversation.upload(exchange, Buffer.concat([Buffer.alloc(4), content]))
        conversation.upload(exchange, Buffer.alloc(4))
      }
      exchange.file = { name: file.name, asked }
    }
    conversation.begin(exchange, packetOf(sending))
  }

  /** A statement that is executed again is read by what is known of it. */
  private planOf(id: number): Plan {
    const known = this.plans.get(id) ?? { shape: undefined, columns: undefined }
    this.plans.set(id, known)
    return known
  }

  /** Metadata is known again only for the same options, which are the same object. */
  private optionsOf(options: Partial<Value.ValueOptions>): Value.ValueOptions {
    const key = JSON.stringify(options)
    const known = this.values.get(key) ?? { ...Value.defaultValueOptions, ...options }
    this.values.set(key, known)
    return known
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// files

/** Bytes as their packets, in hexadecimal digits. */
export const packetsIn = (bytes: Buffer): ReadonlyArray<string> => {
  const framing = new Framing()
  framing.push(bytes)
  const found: Array<string> = []
  while (framing.next()) found.push(framing.buffer.subarray(framing.start - 4, framing.end).toString("hex"))
  return found
}

export const bytesOf = (packets: ReadonlyArray<string>): Buffer => Buffer.from(packets.join(""), "hex")

/** A file's lines: the server, then for each session a line that says what it is and a line for each of its turns. */
type Line = Omit<VectorFile, "sessions"> | Omit<Vector, "turns"> | VectorTurn

export const written = ({ sessions, ...server }: VectorFile): string => {
  const lines: ReadonlyArray<Line> = [server, ...sessions.flatMap(({ turns, ...session }) => [session, ...turns])]
  return `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`
}

const read = (text: string): VectorFile => {
  const [server = "", ...lines] = text.trimEnd().split("\n")
  const sessions: Array<Omit<Vector, "turns"> & { readonly turns: Array<VectorTurn> }> = []
  for (const line of lines) {
    const parsed: Omit<Vector, "turns"> | VectorTurn = JSON.parse(line)
    if ("title" in parsed) sessions.push({ ...parsed, turns: [] })
    else sessions.at(-1)?.turns.push(parsed)
  }
  return { ...JSON.parse(server), sessions }
}

export const readVectors = (): ReadonlyArray<VectorFile> =>
  readdirSync(folder)
    .sort()
    .map((name) => read(readFileSync(join(folder, name), "utf8")))

/** The sessions as the fuzz test takes them. */
export const capturedSessions = (): ReadonlyArray<Captured> =>
  readVectors().flatMap(({ sessions }) =>
    sessions.map(({ turns, deprecateEof, extendedMetadata }) => ({
      modes: { deprecateEof, extendedMetadata },
      turns: turns.map(({ kind, server }) => ({
        kind,
        payloads: server.map((packet) => Buffer.from(packet, "hex").subarray(4))
      }))
    }))
  )

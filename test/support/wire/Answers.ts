// Answers of a server that are right, made at random, with what the program must get of each.
import { Value } from "effect-sa"
import { maxPayload, SessionTrack, Status } from "effect-sa/mysql/wire/Constants"
import { type RandomColumn, Refused, randomColumn, randomText, randomValue } from "./Columns.js"
import {
  binaryRow,
  type ColumnFields,
  column,
  eof,
  err,
  fileRequest,
  lengthEncoded,
  type Modes,
  ok,
  prepared,
  record,
  resultSet,
  text,
  textRow
} from "./Packets.js"
import type { Random } from "./Random.js"

export type Kind = "simple" | "text" | "binary" | "prepare"
export const kinds: ReadonlyArray<Kind> = ["simple", "text", "binary", "prepare"]

/** What the program must get of a result. */
export interface ExpectedResult {
  readonly columns: ReadonlyArray<Value.Column> | undefined
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
  readonly affectedRows: number
  readonly changedRows: number | undefined
  readonly lastInsertId: number | bigint | undefined
  readonly warningCount: number
  readonly isOutParameters?: boolean | undefined
}

/** What an exchange must end with. */
export type Expected =
  | { readonly end: "done" }
  | { readonly end: "prepared"; readonly id: number; readonly columnCount: number; readonly parameterCount: number }
  | { readonly end: "results"; readonly results: ReadonlyArray<ExpectedResult> }
  | { readonly end: "refused"; readonly reason: string }
  | { readonly end: "error"; readonly errno: number; readonly sqlState: string }

/** A file that a statement loads: its name, and the pieces in which it is sent, before the empty one at its end. */
export interface RandomFile {
  readonly name: string
  readonly pieces: ReadonlyArray<Buffer>
}

export interface Answer {
  readonly payloads: ReadonlyArray<Buffer>
  readonly expected: Expected
  /** The server asks for this file with its first packet, and goes on when it has it. */
  readonly file: RandomFile | undefined
  /** Bytes of the rows of all results. */
  readonly rowBytes: number
  /** What the conversation knows afterwards: the last status flags, and whether anything was said to have changed. */
  readonly status: number | undefined
  readonly changed: boolean
  readonly schemaChanged: boolean
}

const allOptions: { readonly [Key in keyof Value.ValueOptions]: ReadonlyArray<Value.ValueOptions[Key]> } = {
  integers: ["number", "bigint", "string"],
  decimals: ["string", "BigDecimal"],
  dateTimes: ["Date", "DateTime", "string"],
  json: ["parsed", "text"],
  booleans: ["number", "boolean"],
  zeroDates: ["fail", "string"]
}

export const randomOptions = (random: Random): Value.ValueOptions =>
  random.chance(0.3)
    ? Value.defaultValueOptions
    : {
        integers: random.pick(allOptions.integers),
        decimals: random.pick(allOptions.decimals),
        dateTimes: random.pick(allOptions.dateTimes),
        json: random.pick(allOptions.json),
        booleans: random.pick(allOptions.booleans),
        zeroDates: random.chance(0.7) ? "string" : "fail"
      }

const randomStatus = (random: Random): number =>
  Status.AUTOCOMMIT | (random.chance(0.3) ? Status.IN_TRANS : 0) | (random.chance(0.1) ? 0x0400 : 0)

const randomCount = (random: Random): number =>
  random.chance(0.8) ? random.below(300) : random.pick([250, 251, 0xffff, 0x10000, 0x1000000, 2 ** 40])

// ---------------------------------------------------------------------------------------------------------------------
// OK and ERR

interface RandomOk {
  readonly payload: Buffer
  readonly result: ExpectedResult
  readonly status: number
  readonly changed: boolean
  readonly schemaChanged: boolean
}

/** Session-state records, of the types that tell of a change and of those that do not. */
const randomRecords = (random: Random): Pick<RandomOk, "changed" | "schemaChanged"> & { readonly bytes: Buffer } => {
  const types = Array.from({ length: random.below(4) }, () => random.below(6))
  const records = types.map((type) =>
    type === SessionTrack.SYSTEM_VARIABLES
      ? record(type, Buffer.concat([text("sql_mode"), text(randomText(random, 10))]))
      : record(type, text(randomText(random, random.below(12))))
  )
  return {
    bytes: Buffer.concat(records),
    changed: types.some((type) => type <= SessionTrack.STATE_CHANGE),
    schemaChanged: types.includes(SessionTrack.SCHEMA)
  }
}

/** An OK packet. As the end of rows it has a header of its own, and nothing to say of ids and changed rows. */
const randomOk = (random: Random, more: boolean, columns?: ExpectedResult["columns"]): RandomOk => {
  const affectedRows = randomCount(random)
  const lastInsertId = random.chance(0.7) ? 0 : random.chance(0.7) ? random.between(1, 70_000) : random.bits(64) | 1n
  const changedRows = random.below(affectedRows + 1)
  const info = random.chance(0.5)
    ? undefined
    : random.chance(0.5)
      ? `Rows matched: ${affectedRows}  Changed: ${changedRows}  Warnings: 0`
      : randomText(random)
  const tracked = random.chance(0.2) ? randomRecords(random) : undefined
  const isOutParameters = columns !== undefined && random.chance(0.05)
  const status =
    randomStatus(random) |
    (more ? Status.MORE_RESULTS_EXISTS : 0) |
    (tracked === undefined ? 0 : Status.SESSION_STATE_CHANGED) |
    (isOutParameters ? Status.PS_OUT_PARAMS : 0)
  const warnings = random.chance(0.8) ? 0 : random.below(0x10000)
  return {
    payload: ok({
      header: columns === undefined ? 0 : 0xfe,
      affectedRows,
      lastInsertId,
      status,
      warnings,
      ...(info === undefined ? {} : { info }),
      ...(tracked === undefined ? {} : { tracked: tracked.bytes })
    }),
    result: {
      columns,
      rows: [],
      affectedRows,
      changedRows: columns !== undefined ? undefined : info?.startsWith("Rows matched") ? changedRows : affectedRows,
      lastInsertId:
        lastInsertId === 0 ? undefined : lastInsertId <= Number.MAX_SAFE_INTEGER ? Number(lastInsertId) : lastInsertId,
      warningCount: warnings,
      isOutParameters
    },
    status,
    changed: tracked?.changed ?? false,
    schemaChanged: tracked?.schemaChanged ?? false
  }
}

const errors: ReadonlyArray<readonly [errno: number, sqlState: string, message: string]> = [
  [1064, "42000", "You have an error in your SQL syntax"],
  [1062, "23000", "Duplicate entry 'it's' for key 't.email'"],
  [1146, "42S02", "Table 't.x' doesn't exist"],
  [1048, "23000", "Column 'name' cannot be null"],
  [1213, "40001", "Deadlock found"],
  [1317, "70100", "Query execution was interrupted"],
  [1366, "22007", "Incorrect integer value: 'x' for column `t`.`t`.`n` at row 1"],
  [
    1452,
    "23000",
    "Cannot add or update a child row: a foreign key constraint fails (CONSTRAINT `fk` FOREIGN KEY (`a`))"
  ],
  [3819, "HY000", "Check constraint 'positive' is violated."],
  [4031, "HY000", "The client was disconnected by the server because of inactivity."]
]

const randomErr = (random: Random): { readonly payload: Buffer; readonly expected: Expected } => {
  const [errno, sqlState, message] = random.chance(0.7)
    ? random.pick(errors)
    : [random.between(1, 0xffff), random.pick(["HY000", "01000", "99999"]), randomText(random)]
  return { payload: err(errno, message, sqlState), expected: { end: "error", errno, sqlState } }
}

const quiet = { file: undefined, rowBytes: 0, status: undefined, changed: false, schemaChanged: false }

const failed = (random: Random): Answer => {
  const { payload, expected } = randomErr(random)
  return { ...quiet, payloads: [payload], expected }
}

const simple = (random: Random): Answer => {
  const { payload, status, changed, schemaChanged } = randomOk(random, false)
  return { ...quiet, payloads: [payload], expected: { end: "done" }, status, changed, schemaChanged }
}

// ---------------------------------------------------------------------------------------------------------------------
// COM_STMT_PREPARE

const prepare = (random: Random, modes: Modes): Answer => {
  const id = random.uint32()
  const [columnCount, parameterCount] = [random.below(5), random.below(5)]
  const definitions = (count: number): ReadonlyArray<Buffer> =>
    count === 0
      ? []
      : [
          ...Array.from({ length: count }, () =>
            column(randomColumn(random, modes.extendedMetadata).fields, modes.extendedMetadata)
          ),
          ...(modes.deprecateEof ? [] : [eof()])
        ]
  return {
    ...quiet,
    payloads: [prepared(id, columnCount, parameterCount), ...definitions(parameterCount), ...definitions(columnCount)],
    expected: { end: "prepared", id, columnCount, parameterCount }
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// results

/** One result set: what is sent before and between its rows and its end, and what becomes of it. */
interface RandomResultSet {
  readonly head: ReadonlyArray<Buffer>
  readonly rows: ReadonlyArray<Buffer>
  readonly columns: ReadonlyArray<Value.Column>
  readonly values: ReadonlyArray<ReadonlyArray<unknown>>
  readonly refused: Refused | undefined
}

/** Of a row whose last value is so long that it takes several packets. It is expensive, and so it is rare. */
const longText = "long ".repeat(Math.ceil((maxPayload + 1_000) / 5))
const longLengths: ReadonlyArray<number> = [
  maxPayload - 4,
  maxPayload - 5,
  maxPayload - 9,
  maxPayload,
  maxPayload + 900
]

const seenColumn = ({ fields, typeName, nullable, scale }: RandomColumn): Value.Column => ({
  name: fields.name,
  table: "t",
  typeName,
  nullable,
  length: fields.length ?? 20,
  scale
})

/** Columns of a result set: mostly a few, sometimes so many that their number takes three bytes. */
export const randomColumns = (random: Random, modes: Modes): ReadonlyArray<RandomColumn> =>
  Array.from({ length: random.chance(0.99) ? random.between(1, 9) : random.between(240, 260) }, () =>
    randomColumn(random, modes.extendedMetadata)
  )

const rowCount = (random: Random, columns: number): number =>
  columns > 100 ? 2 : random.chance(0.97) ? random.below(6) : random.below(60)

const randomResultSet = (
  random: Random,
  modes: Modes,
  columns: ReadonlyArray<RandomColumn>,
  kind: "text" | "binary",
  options: Value.ValueOptions,
  longRow: boolean,
  rowsWanted: number | undefined
): RandomResultSet => {
  const fields: ReadonlyArray<ColumnFields> = columns.map((each) => each.fields)
  const rows: Array<Buffer> = []
  const values: Array<ReadonlyArray<unknown>> = []
  let refused: Refused | undefined
  const length = rowsWanted ?? rowCount(random, columns.length)
  for (let i = 0; i < length; i++) {
    const sent = columns.map((each) => randomValue(each, random, options))
    if (longRow && i === 0) {
      const long = longText.slice(0, random.pick(longLengths))
      sent[sent.length - 1] = { text: long, binary: text(long), value: long }
    }
    const seen = sent.map(({ value, valueInText = value }) => (kind === "text" ? valueInText : value))
    rows.push(kind === "text" ? textRow(sent.map((each) => each.text)) : binaryRow(sent.map((each) => each.binary)))
    values.push(seen)
    refused ??= seen.find((value) => value instanceof Refused)
  }
  return {
    // Without its end, which says whether more results come.
    head: resultSet(fields, [], modes).slice(0, -1),
    rows,
    columns: columns.map(seenColumn),
    values,
    refused
  }
}

const results = (
  random: Random,
  modes: Modes,
  columns: ReadonlyArray<RandomColumn>,
  kind: "text" | "binary",
  options: Value.ValueOptions,
  longRow: boolean,
  rowsWanted: number | undefined
): Answer => {
  const count = random.chance(0.8) ? 1 : random.between(2, 4)
  const payloads: Array<Buffer> = []
  const found: Array<ExpectedResult> = []
  let rowBytes = 0
  let refused: Refused | undefined
  let status: number | undefined
  let changed = false
  let schemaChanged = false
  const note = (end: Pick<RandomOk, "status" | "changed" | "schemaChanged">): void => {
    status = end.status
    changed ||= end.changed
    schemaChanged ||= end.schemaChanged
  }
  for (let i = 0; i < count; i++) {
    const more = i + 1 < count
    if (random.chance(0.25)) {
      const end = randomOk(random, more)
      payloads.push(end.payload)
      found.push(end.result)
      note(end)
      continue
    }
    const set =
      i === 0
        ? randomResultSet(random, modes, columns, kind, options, longRow, rowsWanted)
        : randomResultSet(random, modes, randomColumns(random, modes), kind, options, false, undefined)
    payloads.push(...set.head, ...set.rows)
    for (const row of set.rows) rowBytes += row.length
    refused ??= set.refused
    if (random.chance(0.03)) {
      const { payload, expected } = randomErr(random)
      payloads.push(payload)
      const end: Expected = refused === undefined ? expected : { end: "refused", reason: refused.reason }
      return { ...quiet, payloads, expected: end, rowBytes, status, changed, schemaChanged }
    }
    const end = randomOk(random, more, set.columns)
    if (modes.deprecateEof) {
      payloads.push(end.payload)
      found.push({ ...end.result, rows: set.values })
      note(end)
    } else {
      const { warningCount } = end.result
      payloads.push(eof(end.status, warningCount))
      found.push({ ...end.result, rows: set.values, affectedRows: 0, lastInsertId: undefined })
      note({ status: end.status, changed: false, schemaChanged: false })
    }
  }
  const expected: Expected =
    refused === undefined ? { end: "results", results: found } : { end: "refused", reason: refused.reason }
  return { ...quiet, payloads, expected, rowBytes, status, changed, schemaChanged }
}

// ---------------------------------------------------------------------------------------------------------------------
// LOAD DATA LOCAL INFILE

const load = (random: Random): Answer => {
  const end = randomOk(random, false)
  const refused = random.chance(0.2) ? randomErr(random) : undefined
  const name = randomText(random, random.between(1, 12))
  const file = { name, pieces: Array.from({ length: random.below(4) }, () => random.bytes(random.between(1, 50))) }
  const request = fileRequest(name)
  return refused === undefined
    ? {
        ...end,
        payloads: [request, end.payload],
        expected: { end: "results", results: [end.result] },
        file,
        rowBytes: 0
      }
    : { ...quiet, payloads: [request, refused.payload], expected: refused.expected, file }
}

export interface AnswerTo {
  readonly kind: Kind
  readonly modes: Modes
  readonly options: Value.ValueOptions
  /** Of the first result set. */
  readonly columns: ReadonlyArray<RandomColumn>
  readonly longRow: boolean
  /** How many rows the first result set has, where that matters. */
  readonly rows: number | undefined
  /** The statement may load a file. */
  readonly mayLoad: boolean
}

/** A right answer to a command of this kind. */
export const randomAnswer = (
  random: Random,
  { kind, modes, options, columns, longRow, rows, mayLoad }: AnswerTo
): Answer => {
  if (random.chance(0.1)) return failed(random)
  switch (kind) {
    case "simple":
      return simple(random)
    case "prepare":
      return prepare(random, modes)
    case "text":
      if (mayLoad && random.chance(0.1)) return load(random)
      return results(random, modes, columns, kind, options, longRow, rows)
    case "binary":
      return results(random, modes, columns, kind, options, longRow, rows)
  }
}

/** Any payload that a server may send at some time, for where nobody asked for it. */
export const randomPayload = (random: Random, modes: Modes): Buffer => {
  switch (random.below(9)) {
    case 0:
      return randomOk(random, random.chance(0.3)).payload
    case 1:
      return randomErr(random).payload
    case 2:
      return eof(randomStatus(random), random.below(3))
    case 3:
      return fileRequest(randomText(random, random.below(20)))
    case 4:
      return lengthEncoded(randomCount(random))
    case 5:
      return column(randomColumn(random, modes.extendedMetadata).fields, modes.extendedMetadata)
    case 6:
      return textRow(Array.from({ length: random.below(9) }, () => (random.chance(0.2) ? null : randomText(random))))
    case 7:
      return Buffer.alloc(0)
    default:
      return random.bytes(random.below(40))
  }
}

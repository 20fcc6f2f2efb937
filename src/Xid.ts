/**
 * The names of two-phase transactions: what programs give, what statements say, and what servers list.
 *
 * @since 0.1.0
 */
import type { XidBytes } from "./Dialect.js"
import type { ServerInfo } from "./Driver.js"
import { ArgumentError, kindOf } from "./Errors.js"

/**
 * The name of a two-phase transaction. A text is its global id; in parts it has a branch as well, which
 * tells apart what several databases do for one global transaction, and the number of a format, 1 unless it is given, which
 * tells nothing apart: no server has two of the same ids. Each id is at most 64 bytes, a text in UTF-8.
 *
 * https://dev.mysql.com/doc/refman/9.7/en/xa-statements.html
 *
 * @since 0.1.0
 * @category models
 */
export type Xid = string | XidParts

/**
 * A name in parts.
 *
 * @since 0.1.0
 * @category models
 */
export interface XidParts {
  readonly globalId: string | Uint8Array
  readonly branch?: string | Uint8Array | undefined
  readonly formatId?: number | undefined
}

const maxLength = 64
const nothing = new Uint8Array(0)

/** What MySQL takes for a format; MariaDB takes half of it. */
const maxFormatId = { MySQL: 2 ** 32 - 1, MariaDB: 2 ** 31 - 1, SQLite: 0 } as const

/** The bytes of a name, or why it is none. The product is asked because MariaDB takes less than MySQL. */
export const bytesOf = (xid: Xid, product: ServerInfo["product"]): XidBytes | ArgumentError => {
  const given: unknown = xid
  const parts: unknown = typeof given === "string" ? { globalId: given } : given
  if (typeof parts !== "object" || parts === null || parts instanceof Uint8Array) {
    return refused("xid", kindOf(given), "a text, or an object with globalId")
  }
  const globalId = partOf("xid.globalId", Reflect.get(parts, "globalId"))
  if (globalId instanceof ArgumentError) return globalId
  // MariaDB has no transaction without a global id.
  if (globalId.length === 0 && product === "MariaDB") return refused("xid.globalId", "nothing", "1 to 64 bytes")
  const branch = partOf("xid.branch", Reflect.get(parts, "branch") ?? nothing)
  if (branch instanceof ArgumentError) return branch
  const formatId: unknown = Reflect.get(parts, "formatId") ?? 1
  const max = maxFormatId[product]
  if (typeof formatId !== "number" || !Number.isInteger(formatId) || formatId < 0 || formatId > max) {
    return refused("xid.formatId", kindOf(formatId), `an integer from 0 to ${max}`)
  }
  return { globalId, branch, formatId }
}

/** Half of a surrogate pair would become another character in UTF-8, and two names one. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

const partOf = (argument: string, given: unknown): Uint8Array | ArgumentError => {
  if (typeof given === "string" && !isWellFormed(given)) {
    return refused(argument, "a text with half a surrogate pair", "text that is Unicode, or bytes")
  }
  const bytes = typeof given === "string" ? new TextEncoder().encode(given) : given
  if (!(bytes instanceof Uint8Array)) return refused(argument, kindOf(given), "text or bytes")
  return bytes.length <= maxLength
    ? bytes
    : refused(argument, `${bytes.length} bytes`, `${maxLength} bytes at the most`)
}

const refused = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const asText = (bytes: Uint8Array): string | Uint8Array => {
  try {
    return decoder.decode(bytes)
  } catch {
    return bytes
  }
}

/**
 * The name in a row of XA RECOVER, as a program would give it: formatID, gtrid_length, bqual_length, and the bytes of both
 * parts behind each other, which MariaDB gives as they are and MySQL as `0x…`; undefined for any other row.
 */
export const ofRecovered = ([formatId, globalLength, branchLength, data]: ReadonlyArray<unknown>): Xid | undefined => {
  const bytes = typeof data === "string" ? bytesOfHex(data) : data
  if (!(bytes instanceof Uint8Array)) return undefined
  const [format, end, more] = [Number(formatId), Number(globalLength), Number(branchLength)]
  if (!Number.isInteger(format) || end + more !== bytes.length) return undefined
  const globalId = asText(bytes.slice(0, end))
  return format === 1 && more === 0 && typeof globalId === "string"
    ? globalId
    : { globalId, branch: asText(bytes.slice(end)), formatId: format }
}

const bytesOfHex = (text: string): Uint8Array | undefined =>
  /^0x(?:[0-9a-f]{2})*$/i.test(text) ? new Uint8Array(Buffer.from(text.slice(2), "hex")) : undefined

/**
 * The option files of MySQL's and MariaDB's clients, my.cnf, as text: groups, options, comments, quotes, escapes, and
 * which other files they include.
 *
 * https://dev.mysql.com/doc/refman/9.7/en/option-files.html
 * https://mariadb.com/docs/server/server-management/install-and-upgrade-mariadb/configuring-mariadb/configuring-mariadb-with-option-files
 */
import { Either } from "effect"
import { ArgumentError } from "../Errors.js"

/** Where something stands, for messages. */
export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
}

/** A line that says something. */
export type Line =
  | {
      readonly kind: "option"
      readonly group: string
      /** In small letters, and with `-` for `_`. */
      readonly name: string
      /** Undefined where there is no `=`. */
      readonly value: string | undefined
      readonly place: Place
    }
  | { readonly kind: "include" | "includeDir"; readonly path: string; readonly place: Place }

export const showPlace = ({ file, line }: Place): string => `${file}, line ${line}`

const refuse = (place: Place, given: string, expected: string): Either.Either<never, ArgumentError> =>
  Either.left(new ArgumentError({ argument: showPlace(place), given, expected }))

/** The lines of a file, in order, or the first one that is wrong. What is wrong is not shown: it may be a password. */
export const parse = (text: string, file: string): Either.Either<ReadonlyArray<Line>, ArgumentError> => {
  const found: Array<Line> = []
  let group: string | undefined
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = raw.trim()
    const place: Place = { file, line: index + 1 }
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue
    if (line.startsWith("!")) {
      const [, directive, path = ""] = /^!(includedir|include)\s+(.*)$/.exec(line) ?? []
      // The clients pass over directives that they do not know.
      if (directive !== undefined) found.push({ kind: directive === "include" ? "include" : "includeDir", path, place })
    } else if (line.startsWith("[")) {
      const end = line.indexOf("]")
      if (end < 0) return refuse(place, "a group without its end", "[group]")
      group = line.slice(1, end).trimEnd()
    } else if (group === undefined) {
      return refuse(place, "an option before any group", "[client] or another group first")
    } else {
      found.push({ kind: "option", group, ...readOption(withoutComment(line)), place })
    }
  }
  return Either.right(found)
}

/** A `#` ends the line, but for one in quotes. */
const withoutComment = (line: string): string => {
  let quote: string | undefined
  for (let i = 0; i < line.length; i++) {
    const char = line[i]
    if (quote === undefined) {
      if (char === "#") return line.slice(0, i)
      if (char === "'" || char === '"') quote = char
    } else if (char === "\\") i++
    else if (char === quote) quote = undefined
  }
  return line
}

const readOption = (line: string): { readonly name: string; readonly value: string | undefined } => {
  const equals = line.indexOf("=")
  const name = (equals < 0 ? line : line.slice(0, equals)).trim().toLowerCase().replaceAll("_", "-")
  return { name, value: equals < 0 ? undefined : unescaped(unquoted(line.slice(equals + 1).trim())) }
}

const unquoted = (value: string): string => {
  const first = value[0]
  return value.length > 1 && (first === "'" || first === '"') && value.endsWith(first) ? value.slice(1, -1) : value
}

const escapes: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  r: "\r",
  s: " ",
  "\\": "\\",
  "'": "'",
  '"': '"'
}

/** A backslash before anything else stays where it is. */
const unescaped = (value: string): string =>
  value.replaceAll(/\\(.)/g, (whole, char: string) => (Object.hasOwn(escapes, char) ? (escapes[char] ?? whole) : whole))

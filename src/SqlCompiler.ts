/**
 * How the statements of the client for `@effect/sql` are written in a dialect.
 *
 * @since 0.1.0
 */
import * as Sql from "@effect/sql/Statement"
import { identity } from "effect"
import type { Dialect } from "./Dialect.js"

type Returning = readonly [sql: string, params: ReadonlyArray<unknown>] | undefined

/** A table of the rows, by selects: the one way to write it that every version of every database here has. */
const selects = (
  columns: string,
  alias: string,
  rows: ReadonlyArray<ReadonlyArray<unknown>>,
  quote: string,
  returning: Returning
): readonly [string, ReadonlyArray<unknown>] => {
  const names =
    columns.match(
      new RegExp(
        `${quote}(?:[^${quote}]|${quote}${quote})*${quote}(?:\\.${quote}(?:[^${quote}]|${quote}${quote})*${quote})*`,
        "g"
      )
    ) ?? []
  const first = `SELECT ${names.map((name) => `? AS ${name}`).join(", ")}`
  const others = `UNION ALL SELECT ${names.map(() => "?").join(", ")}`
  const table = `(${rows.map((_, i) => (i === 0 ? first : others)).join(" ")}) AS ${alias}`
  return returning === undefined
    ? [table, rows.flat()]
    : [`${table} RETURNING ${returning[0]}`, [...rows.flat(), ...returning[1]]]
}

/** A segment without the text that a compiler may have kept with the fragment in its `returning`. */
const freshSegment = (segment: Sql.Segment): Sql.Segment => {
  switch (segment._tag) {
    case "RecordInsertHelper":
    case "RecordUpdateHelper":
    case "RecordUpdateHelperSingle": {
      // It is there, but not in its type.
      const returning: unknown = Reflect.get(segment, "returningIdentifier")
      return Sql.isFragment(returning) ? segment.returning(fresh(returning)) : segment
    }
    default:
      return segment
  }
}

const fresh = ({ segments }: Sql.Fragment): Sql.Fragment => ({
  segments: segments.map(freshSegment),
  [Sql.FragmentId]: identity
})

/** The compilers of `@effect/sql` keep a text with its fragment, and take one that another dialect's has kept: not this. */
const keepingNothing = (compiler: Sql.Compiler): Sql.Compiler => ({
  dialect: compiler.dialect,
  compile: (fragment, withoutTransform) => compiler.compile(fresh(fragment), withoutTransform),
  get withoutTransform() {
    return keepingNothing(compiler.withoutTransform)
  }
})

/**
 * The compiler of a client. `sql.updateValues` is a table here too, which the ones of `@effect/sql` leave out; and a fragment
 * that several dialects share, in `returning` too, is compiled for each.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (dialect: Dialect, transform: ((name: string) => string) | undefined): Sql.Compiler => {
  const quote = dialect.name === "mysql" ? "`" : '"'
  const escape = Sql.defaultEscape(quote)
  return keepingNothing(
    Sql.makeCompiler({
      dialect: dialect.name,
      placeholder: () => "?",
      onIdentifier: (name, withoutTransform) =>
        escape(transform === undefined || withoutTransform ? name : transform(name)),
      onRecordUpdate: (_placeholders, alias, columns, rows, returning) =>
        selects(columns, alias, rows, quote, returning),
      onCustom: () => ["", []]
    })
  )
}

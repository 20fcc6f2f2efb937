/**
 * How the catalogs of databases are read.
 *
 * @since 0.1.0
 */
import type { Engine } from "./Engine.js"
import type { ReferentialAction } from "./TableDefinition.js"
import type { Reading } from "./TypeText.js"
import { decodableTypes, type ValueOptions } from "./Value.js"

/** The types of a catalog's values, whatever the engine's options are. */
export const catalogValues: Partial<ValueOptions> = {
  integers: "number",
  decimals: "string",
  dateTimes: "string",
  json: "text",
  booleans: "number",
  zeroDates: "string",
  decoders: Object.fromEntries(decodableTypes.map((type) => [type, undefined]))
}

/** How a database writes what it says. Servers write strings with backslashes, whatever the session's mode is. */
export const readingOf = ({ dialect }: Engine): Reading => ({
  lexicon: { ...dialect.lexicon, backslashEscapes: dialect.name === "mysql" },
  session: dialect.lexicon,
  quoteText: (text) => {
    const written = dialect.literal(text, dialect.lexicon.backslashEscapes)
    return typeof written === "string" ? written : text
  }
})

/** An order that no collation has a part in. */
export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

/** Rows by what they have in common, in order. */
export const groups = <A, K>(rows: ReadonlyArray<A>, key: (row: A) => K): ReadonlyMap<K, ReadonlyArray<A>> => {
  const found = new Map<K, Array<A>>()
  for (const row of rows) {
    const group = found.get(key(row))
    if (group === undefined) found.set(key(row), [row])
    else group.push(row)
  }
  return found
}

/** The rows of each table, by just its name: servers compare names of tables in ways of their own. */
export const rowsByTable = <A extends { readonly ofTable: string }>(
  rows: ReadonlyArray<A>
): ((table: string) => ReadonlyArray<A>) => {
  const found = groups(rows, (row) => row.ofTable)
  return (table) => found.get(table) ?? []
}

/** The action of this name; what has none does nothing. */
export const actionOf = (rule: string | undefined): ReferentialAction => {
  switch (rule?.toUpperCase()) {
    case "RESTRICT":
      return "restrict"
    case "CASCADE":
      return "cascade"
    case "SET NULL":
      return "set null"
    case "SET DEFAULT":
      return "set default"
    default:
      return "no action"
  }
}

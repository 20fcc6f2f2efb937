// docs/values.md says of each type what it is in a program: each has a case in the contract tests that shows it.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { casesOf } from "../contract/ValueCases.js"
import type { Backend } from "../support/Backend.js"

const page = readFileSync(join(fileURLToPath(new URL("../..", import.meta.url)), "docs/values.md"), "utf8")

/** The rows of the table under a heading, without its head. */
const rowsUnder = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const [, section = ""] = page.split(`\n${heading}\n`)
  const [table = ""] = /^\|[\s\S]*?(?=\n\n)/m.exec(section) ?? []
  return table
    .split("\n")
    .slice(2)
    .map((row) => row.split("|").map((cell) => cell.trim()))
}

/** The names of types in the first column. */
const typesOf = (heading: string): ReadonlyArray<string> =>
  rowsUnder(heading).flatMap(([, cell = ""]) => cell.match(/\b[A-Z][A-Z0-9]+\b(?:\(\d+\))?/g) ?? [])

const backend = (name: Backend["name"]): Backend => ({
  name,
  url: "",
  isServer: name !== "sqlite",
  transactionalDdl: false,
  returning: false,
  autoIncrement: ""
})

const server = [...casesOf(backend("mysql")), ...casesOf(backend("mariadb"))].map(({ type }) => type)
const sqlite = casesOf(backend("sqlite")).map(({ type }) => type)

/** What is the same type by another name. */
const sameAs: Readonly<Record<string, string>> = { INT: "INTEGER", NUMERIC: "DECIMAL" }

/** Words in the column that are parts of declared types, and no types. */
const parts = new Set(["CLOB", "FLOA", "DOUB", "BINARY", "BOOL"])

describe("docs/values.md", () => {
  it("names types of servers that all have a case", () => {
    const types = typesOf("### MySQL and MariaDB")
    expect(types.length).toBeGreaterThan(40)
    for (const type of types.filter((each) => each !== "SQL")) {
      const named = (sameAs[type] ?? type)
        .replace("BIT(2)", "BIT(10)")
        .replace("BIT(54)", "BIT(64)")
        .replace("TIMESTAMP(4)", "TIMESTAMP(6)")
      expect([type, server.some((each) => each.includes(named))]).toEqual([type, true])
    }
  })

  it("names types of SQLite that all have a case", () => {
    const types = typesOf("### SQLite").filter((each) => !parts.has(each))
    expect(types.length).toBeGreaterThan(15)
    for (const type of types) {
      const named = type.replace("DATETIME(4)", "DATETIME(6)")
      expect([type, sqlite.some((each) => each.includes(named)) || named === "SQLITE"]).toEqual([type, true])
    }
  })

  it("names an option for every one that there is", () => {
    for (const option of ["integers", "decimals", "dateTimes", "json", "booleans", "zeroDates", "decoders"])
      expect([option, page.includes(`\`${option}`)]).toEqual([option, true])
  })
})

// docs/parity.md against the test runner's reports: which rows are shown by tests that passed, and on which backends.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Row {
  readonly id: string
  readonly status: "works" | "differs" | "not yet" | "left out" | undefined
  /** Titles of tests, without the backend that a run adds in brackets. */
  readonly tests: ReadonlyArray<string>
}

const statuses = ["works", "differs", "not yet", "left out"] as const

export const parityRows = (): ReadonlyArray<Row> =>
  readFileSync(join(root, "docs/parity.md"), "utf8")
    .split("\n")
    .filter((line) => /^\| *[A-Z]-\d\d *\|/.test(line))
    .map((line) => {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
      const named = cells.filter((cell) => cell.includes("›")).flatMap((cell) => cell.split("<br>"))
      return {
        id: cells[1] ?? "",
        status: statuses.find((status) => cells.includes(status)),
        tests: named.map((each) =>
          each
            .slice(each.indexOf("›") + 1)
            .replaceAll("\\|", "|")
            .trim()
        )
      }
    })

/** The titles of the tests that a report says have passed. */
export const passedIn = (report: unknown): ReadonlyArray<string> => {
  const list = (of: unknown, key: string): ReadonlyArray<unknown> => {
    const found: unknown = Reflect.get(Object(of), key)
    return Array.isArray(found) ? found : []
  }
  return list(report, "testResults")
    .flatMap((file) => list(file, "assertionResults"))
    .filter((test) => Reflect.get(Object(test), "status") === "passed")
    .map((test) => String(Reflect.get(Object(test), "title")))
}

/** The rows whose tests did not all pass anywhere, and a line that says how many passed on each backend. */
export const checkParity = (
  passed: ReadonlyArray<string>
): { readonly missing: ReadonlyArray<string>; readonly summary: string } => {
  const backends = new Map<string, Set<string>>()
  for (const title of passed) {
    const [, bare = title, backend = "without a database"] = /^(.*?)(?: \[(\w+)\])?$/s.exec(title) ?? []
    const on = backends.get(bare) ?? new Set()
    backends.set(bare, on.add(backend))
  }
  const rows = parityRows().filter(({ status }) => status === "works" || status === "differs")
  const missing = rows.flatMap(({ id, tests }) =>
    tests.filter((test) => !backends.has(test)).map((test) => `${id}: ${test}`)
  )
  const on = (backend: string): number =>
    rows.filter(({ tests }) => tests.length > 0 && tests.some((test) => backends.get(test)?.has(backend))).length
  const counted = [...new Set([...backends.values()].flatMap((set) => [...set]))].map((name) => `${name} ${on(name)}`)
  return { missing, summary: `${rows.length} rows of docs/parity.md work or differ; shown on ${counted.join(", ")}` }
}

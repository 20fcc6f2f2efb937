// The test command: `npm test` tests SQLite and MariaDB, `npm test -- sqlite`, mariadb or mysql one backend,
// `npm test -- all` the three. It starts what the tests need, runs them, stops everything, and ends with the numbers that
// the test runner counted.
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hasNodeSqlite, otherNode } from "./servers/node.js"
import { type Server, startMariadb } from "./servers/mariadb.js"
import { startMysql } from "./servers/mysql.js"
import { checkParity, passedIn } from "./parity.js"
import { log } from "./servers/process.js"

type Backend = "sqlite" | "mariadb" | "mysql"

const backends: ReadonlyArray<Backend> = ["sqlite", "mariadb", "mysql"]
const byDefault: ReadonlyArray<Backend> = ["sqlite", "mariadb"]

const [first, ...rest] = process.argv.slice(2)
const chosen: ReadonlyArray<Backend> =
  first === undefined || first.startsWith("-")
    ? byDefault
    : first === "all"
      ? backends
      : backends.filter((each) => each === first)
if (chosen.length === 0) {
  process.stderr.write(`unknown backend ${first}: one of ${[...backends, "all"].join(", ")}\n`)
  process.exit(2)
}
const passedOn = first === undefined || first.startsWith("-") ? process.argv.slice(2) : rest

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** Titles of the tests that passed. */
const passed: Array<string> = []
const reports = mkdtempSync(join(tmpdir(), "effect-sa-report-"))

/** Runs vitest with this Node.js over these folders, and adds what it counted. */
const vitest = (
  node: string,
  name: string,
  folders: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv,
  counts: Counts
): Promise<void> =>
  new Promise((resolve) => {
    log(`${name}: ${folders.join(", ")}`)
    const report = join(reports, `${name.replace(/\W+/g, "-")}.json`)
    const args = [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile=${report}`,
      ...passedOn,
      ...folders
    ]
    const child = spawn(node, args, { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...env } })
    child.on("exit", (code) => {
      if (existsSync(report)) {
        const read: unknown = JSON.parse(readFileSync(report, "utf8"))
        const number = (key: string): number => Number(Reflect.get(Object(read), key) ?? 0)
        passed.push(...passedIn(read))
        counts.passed += number("numPassedTests")
        counts.failed += number("numFailedTests")
        counts.skipped += number("numPendingTests")
        // A file that cannot be loaded fails without having tests to count.
        if (code !== 0 && number("numFailedTests") === 0) counts.failed++
      } else counts.failed++
      resolve()
    })
  })

const main = async (): Promise<number> => {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const servers: Array<Server> = []
  try {
    const env: NodeJS.ProcessEnv = {}
    const folders = ["test/pure/", "test/scripted/", "test/types/", "test/docs/"]
    if (chosen.includes("sqlite")) folders.push("test/sqlite/")
    if (chosen.includes("mariadb")) {
      const server = await startMariadb()
      servers.push(server)
      env.EFFECT_SA_TEST_MARIADB_URL = server.url
      folders.push("test/mariadb/", "test/faults/")
    }
    if (chosen.includes("mysql")) {
      const server = await startMysql()
      servers.push(server)
      env.EFFECT_SA_TEST_MYSQL_URL = server.url
      folders.push("test/mysql/", "test/faults/")
    }
    await vitest(process.execPath, chosen.join(" and "), [...new Set(folders)], env, counts)
    if (chosen.includes("sqlite")) {
      const other = otherNode()
      await vitest(other, `sqlite with ${hasNodeSqlite ? "libsql" : "node:sqlite"}`, ["test/sqlite/"], env, counts)
    }
    // Only a run of everything that parity speaks of can say that something is missing.
    const { missing, summary } = checkParity(passed)
    log(summary)
    if (passedOn.length === 0 && byDefault.every((each) => chosen.includes(each))) {
      for (const each of missing) process.stderr.write(`docs/parity.md names a test that did not pass: ${each}\n`)
      counts.failed += missing.length
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    counts.failed++
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(reports, { recursive: true, force: true })
  }
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

process.exitCode = await main()

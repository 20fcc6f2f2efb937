// The quickstart as its readers run it: a process of its own that ends by itself and says the same on every database.
import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../../", import.meta.url))
const tsx = createRequire(import.meta.url).resolve("tsx/cli")

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const quickstart = (url: string | undefined): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const { DATABASE_URL: _, ...inherited } = process.env
    const child = spawn(process.execPath, [tsx, "--tsconfig", "tsconfig.json", "examples/quickstart.ts"], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      // Newer versions of Node.js say on stderr that their own SQLite is experimental.
      env: {
        ...inherited,
        NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
        ...(url === undefined ? {} : { DATABASE_URL: url })
      }
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

/** What is said after the line that names the database. */
const afterFirstLine = (text: string): string => text.slice(text.indexOf("\n") + 1)

describe("examples/quickstart.ts", () => {
  let onSqlite: Ended

  beforeAll(async () => {
    onSqlite = await quickstart(undefined)
  })

  it("runs on the embedded database without being told of any", () => {
    expect(onSqlite.stderr).toBe("")
    expect(onSqlite.code).toBe(0)
    expect(onSqlite.stdout).toMatch(/^The elements in sqlite at :memory:\n/)
    expect(onSqlite.stdout).toMatch(/^ +loaded +118 elements$/m)
  })

  it("shows that a refused transaction changed nothing", () => {
    const stock = (when: string) => new RegExp(`^ +${when} +(cabinet .*)$`, "m").exec(onSqlite.stdout)?.[1]
    expect(stock("before")).toBe("cabinet 80 g, bench 5 g")
    expect(stock("after")).toBe("cabinet 50 g, bench 35 g")
    expect(stock("still")).toBe(stock("after"))
  })

  // The test command names the server's URL whenever it tests MariaDB; it is no test of other runs.
  const mariadb = process.env.EFFECT_SA_TEST_MARIADB_URL
  if (mariadb !== undefined && mariadb !== "") {
    it("says the same on MariaDB", async () => {
      const onMariadb = await quickstart(mariadb)
      expect(onMariadb.stderr).toBe("")
      expect(onMariadb.code).toBe(0)
      expect(onMariadb.stdout).toMatch(/^The elements in mysql at /)
      expect(afterFirstLine(onMariadb.stdout)).toBe(afterFirstLine(onSqlite.stdout))
    })
  }
})

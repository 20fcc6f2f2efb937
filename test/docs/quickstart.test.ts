// The quickstart as its readers run it: a process of its own that ends by itself and says the same on every database.
import { beforeAll, describe, expect, it } from "vitest"
import { type Ended, runExample } from "../support/example.js"

const quickstart = (url: string | undefined): Promise<Ended> => runExample("quickstart.ts", url)

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

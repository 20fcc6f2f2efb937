// The inventory says the same on every database, and its books add up.
import { beforeAll, describe, expect, it } from "vitest"
import { type Ended, runExample } from "../support/example.js"

describe("examples/inventory.ts", () => {
  let onSqlite: Ended

  beforeAll(async () => {
    onSqlite = await runExample("inventory.ts", undefined)
  })

  it("runs on the embedded database without being told of any", () => {
    expect(onSqlite.stderr).toBe("")
    expect(onSqlite.code).toBe(0)
    expect(onSqlite.stdout).toMatch(/^delivered +500 × Bolt M8, 800 × Nut M8, 5 × Spanner 13$/m)
  })

  it("shows that a refused order took nothing, and that ten at once take what there is and no more", () => {
    expect(onSqlite.stdout).toMatch(/^order 002 +refused, not enough of SP-010$/m)
    expect(/^order 001 +(.*)$/m.exec(onSqlite.stdout)?.[1]).toBe(/^still +(.*)$/m.exec(onSqlite.stdout)?.[1])
    expect(onSqlite.stdout).toMatch(/^at once +5 of 10 orders got a spanner$/m)
    expect(onSqlite.stdout).not.toContain("(!)")
  })

  // The test command names the URL of each server that it tests; there is nothing to run on others.
  for (const name of ["MARIADB", "MYSQL"]) {
    const url = process.env[`EFFECT_SA_TEST_${name}_URL`]
    if (url === undefined || url === "") continue
    it(`says the same on ${name}`, async () => {
      const ended = await runExample("inventory.ts", url)
      expect([ended.stderr, ended.code]).toEqual(["", 0])
      expect(ended.stdout).toBe(onSqlite.stdout)
    })
  }
})

// The form of docs/parity.md. Whether the tests that it names have passed, the test command says at its end.
import { expect, it } from "vitest"
import { parityRows } from "../support/parity.js"

const rows = parityRows()

it("docs/parity.md answers every row once", () => {
  const ids = rows.map((row) => row.id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.length).toBeGreaterThan(100)
})

it("docs/parity.md names a test for every row that works", () => {
  expect(rows.filter((row) => row.status === undefined).map((row) => row.id)).toEqual([])
  expect(rows.filter((row) => row.status === "works" && row.tests.length === 0).map((row) => row.id)).toEqual([])
})

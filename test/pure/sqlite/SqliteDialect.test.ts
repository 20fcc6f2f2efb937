// Literals of SQLite.
import { BigDecimal } from "effect"
import { describe, expect, it } from "vitest"
import { dialect } from "effect-sa/sqlite/SqliteDialect"

describe("A statement with literals", () => {
  it("has one of the parameter's storage class for each marker", () => {
    const values = [
      null,
      1,
      -1.5,
      1e21,
      1,
      -0,
      2n ** 62n,
      "o'clock \\ ?",
      new Date(0),
      BigDecimal.unsafeFromString("1.50")
    ]
    expect(dialect.inline(values.map(() => "?").join(), values, true)).toBe(
      "NULL,1,-1.5e0,1e+21,1,-0e0,4611686018427387904,'o''clock \\ ?','1970-01-01 00:00:00.000','1.50'"
    )
    expect(dialect.inline("SELECT ?", [Uint8Array.of(0, 255)], true)).toBe("SELECT x'00ff'")
    // A string literal would end at it.
    expect(dialect.inline("SELECT ?", ["a\0b"], true)).toBe("SELECT CAST(x'610062' AS TEXT)")
  })

  it("leaves strings, quoted names and comments as they are", () => {
    expect(dialect.inline(`SELECT '?', "?", [?], ? -- ?`, [7], true)).toBe(`SELECT '?', "?", [?], 7 -- ?`)
  })
})

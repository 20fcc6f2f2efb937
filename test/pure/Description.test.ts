// Columns as PEP 249 describes them.
import { describe, expect, it } from "vitest"
import { describe as description } from "effect-sa/Description"

const column = (typeName: string, length?: number, scale?: number) =>
  description({ name: "c", table: "t", typeName, nullable: true, length, scale }, true)

describe("The description of a column", () => {
  it("has the type code of PEP 249 for every type of a server", () => {
    const byCode = {
      NUMBER:
        "TINYINT SMALLINT MEDIUMINT INT BIGINT INT_UNSIGNED BIGINT_UNSIGNED DECIMAL DECIMAL_UNSIGNED FLOAT DOUBLE YEAR BIT",
      STRING: "CHAR VARCHAR TEXT ENUM SET JSON UUID INET4 INET6",
      BINARY: "BINARY VARBINARY BLOB GEOMETRY POINT LINESTRING POLYGON MULTIPOINT GEOMETRYCOLLECTION VECTOR",
      DATETIME: "DATE TIME DATETIME TIMESTAMP"
    }
    for (const [code, names] of Object.entries(byCode)) {
      for (const name of names.split(" ")) {
        const typeName = name.replace("_", " ")
        expect([typeName, column(typeName).typeCode]).toEqual([typeName, code])
      }
    }
    expect([column("NULL").typeCode, column("").typeCode]).toEqual([undefined, undefined])
  })

  it("has the type code of what SQLite's tables declare", () => {
    for (const [typeName, code] of [
      ["INTEGER", "NUMBER"],
      ["UNSIGNED BIG INT", "NUMBER"],
      ["DOUBLE PRECISION", "NUMBER"],
      ["NUMERIC", "NUMBER"],
      ["BOOLEAN", "NUMBER"],
      ["NATIVE CHARACTER", "STRING"],
      ["CLOB", "STRING"]
    ] as const)
      expect([typeName, column(typeName).typeCode]).toEqual([typeName, code])
  })

  it("has the digits of a decimal, whose length has a sign and a point", () => {
    expect(column("DECIMAL", 12, 2)).toMatchObject({ precision: 10, scale: 2 })
    expect(column("DECIMAL UNSIGNED", 11, 2)).toMatchObject({ precision: 10, scale: 2 })
    expect(column("DECIMAL", 6, 0)).toMatchObject({ precision: 5, scale: 0 })
    expect(column("INT", 11)).toMatchObject({ precision: undefined })
  })

  it("counts characters of texts and bytes of the rest", () => {
    expect(column("VARCHAR", 80)).toMatchObject({ displaySize: 20, internalSize: 80 })
    expect(column("VARBINARY", 80)).toMatchObject({ displaySize: 80, internalSize: 80 })
    expect(column("INT", 11)).toMatchObject({ displaySize: 11, internalSize: undefined })
    const declared = { name: "c", table: "t", typeName: "VARCHAR", nullable: undefined, length: 20, scale: undefined }
    expect(description(declared, false)).toMatchObject({ displaySize: 20, internalSize: undefined, nullOk: undefined })
  })
})

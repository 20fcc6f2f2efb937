// Calls of procedures as statements.
import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { Errors } from "effect-sa"
import { dialect } from "effect-sa/mysql/MysqlDialect"
import { compile } from "effect-sa/Procedure"
import { tokens } from "effect-sa/Lexer"

const textOf = (name: string, parameters: ReadonlyArray<unknown> = []): string => {
  const call = compile(name, parameters, dialect)
  return call instanceof Errors.ArgumentError ? call.argument : call.compiled.sql
}

describe("A call", () => {
  it("is CALL, one name or two in quotes, and markers, whatever the name is", () => {
    const quote = (name: string): string => `\`${name.replaceAll("`", "``")}\``
    const name = FastCheck.string({ unit: "binary", minLength: 1 })
    FastCheck.assert(
      FastCheck.property(name, name, FastCheck.boolean(), FastCheck.nat(5), (first, second, isQualified, count) => {
        const given = isQualified ? `${quote(first)}.${quote(second)}` : quote(first)
        const sql = textOf(given, Array(count).fill(1))
        const kinds = tokens(sql, dialect.lexicon).map(({ kind }) => kind)
        const names = isQualified ? ["quoted", "symbol", "quoted"] : ["quoted"]
        const markers = Array.from({ length: count }, (_, i) => (i === 0 ? ["qmark"] : ["symbol", "qmark"])).flat()
        expect(kinds).toEqual(["word", ...names, "symbol", ...markers, "symbol"])
        // A name without a dot and a backtick needs no quotes.
        if (!/[.`]/.test(first + second))
          expect(textOf(isQualified ? `${first}.${second}` : first, Array(count).fill(1))).toBe(sql)
      }),
      { numRuns: 2_000 }
    )
  })

  it("quotes as the examples show", () => {
    expect(textOf("p")).toBe("CALL `p`()")
    expect(textOf("shop.p", [1, 2])).toBe("CALL `shop`.`p`(?, ?)")
    expect(textOf("`a.b`.`c``d`")).toBe("CALL `a.b`.`c``d`()")
    expect(textOf("p(); DROP TABLE t; --")).toBe("CALL `p(); DROP TABLE t; --`()")
  })

  it("refuses what is no name, and parameters that cannot be bound", () => {
    for (const name of ["", ".", "a.", ".a", "a..b", "a.b.c", "`", "``", "`a", "a`b", "a`.b"])
      expect(textOf(name)).toBe("name")
    expect(textOf("p", [1, undefined])).toBe("parameters[1]")
    expect(textOf("p", [[1], [2]])).toBe("CALL `p`(?, ?)")
  })
})

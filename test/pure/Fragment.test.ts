// What the segments of @effect/sql become, without a database: the contract tests execute them.
import * as Sql from "@effect/sql/Statement"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Dialect, Errors, Statement } from "effect-sa"
import { type FragmentText, isFragment, text } from "effect-sa/Fragment"
import { dialect as mysql } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"

const client = Effect.die("nothing is executed here")
const sql = Sql.make(client, Sql.makeCompilerSqlite(), [], undefined)

const made = (fragment: Sql.Fragment, dialect: Dialect.Dialect = mysql): FragmentText => {
  const found = text(fragment, dialect)
  if (found instanceof Error) throw found
  return found
}

const refused = (fragment: Sql.Fragment, dialect: Dialect.Dialect = mysql): Errors.ArgumentError => {
  const found = text(fragment, dialect)
  if (!(found instanceof Errors.ArgumentError)) throw new Error("not an ArgumentError")
  return found
}

describe("A fragment of @effect/sql", () => {
  it("is known by its symbol", () => {
    expect([sql`SELECT 1`, sql.in("a", [1]), sql.literal("1")].map(isFragment)).toEqual([true, true, true])
    expect([null, "SELECT 1", {}, { segments: [] }, sql("a")].map(isFragment)).toEqual([
      false,
      false,
      false,
      false,
      false
    ])
  })

  it("has its names in the quotes of the dialect, whatever its client's are, and a dot between their parts", () => {
    const fragment = sql`SELECT ${sql("p.first`name")} FROM ${sql('per"son')} AS p`
    expect(made(fragment).sql).toBe('SELECT `p`.`first``name` FROM `per"son` AS p')
    expect(made(fragment, sqlite).sql).toBe('SELECT "p"."first`name" FROM "per""son" AS p')
  })

  it("has a ? and a parameter for each value", () => {
    const fragment = sql`SELECT * FROM t WHERE ${sql.and([sql.in("a", [1, 2]), sql`b = ${"x"}`, sql.unsafe("c = ?", [3])])}`
    expect(made(fragment)).toEqual({
      sql: "SELECT * FROM t WHERE (`a` IN (?,?) AND b = ? AND c = ?)",
      parameters: [1, 2, "x", 3]
    })
  })

  it("inserts records with the same keys in any order, and returns what is asked for", () => {
    const rows = [
      { a: 1, b: "x" },
      { b: "y", a: null }
    ]
    expect(made(sql`INSERT INTO t ${sql.insert(rows)}`)).toEqual({
      sql: "INSERT INTO t (`a`,`b`) VALUES (?,?),(?,?)",
      parameters: [1, "x", null, "y"]
    })
    expect(made(sql`INSERT INTO t ${sql.insert({ a: 1 }).returning("*")}`, sqlite).sql).toBe(
      'INSERT INTO t ("a") VALUES (?) RETURNING *'
    )
    expect(made(sql`INSERT INTO t ${sql.insert({ a: 1 }).returning(sql`a + ${2}`)}`, sqlite)).toEqual({
      sql: 'INSERT INTO t ("a") VALUES (?) RETURNING a + ?',
      parameters: [1, 2]
    })
    expect(made(sql`INSERT INTO t ${sql.insert({ a: 1 }).returning(sql("a"))}`, sqlite).sql).toContain('RETURNING "a"')
    expect(made(sql`INSERT INTO t ${sql.insert({})}`).sql).toBe("INSERT INTO t () VALUES ()")
    expect(made(sql`INSERT INTO t ${sql.insert({})}`, sqlite).sql).toBe("INSERT INTO t DEFAULT VALUES")
    expect(text(sql`INSERT INTO t ${sql.insert([{}, {}])}`, sqlite)).toMatchObject({ _tag: "NotSupportedError" })
  })

  it("refuses records of which @effect/sql would lose something, and names row and key", () => {
    const argumentOf = (rows: ReadonlyArray<Record<string, unknown>>): string =>
      refused(sql`INSERT INTO t ${sql.insert(rows as never)}`).argument
    expect(argumentOf([{ a: 1 }, { a: 1, b: 2 }])).toBe("values[1].b")
    expect(argumentOf([{ a: 1, b: 2 }, { a: 1 }])).toBe("values[1].b")
    expect(argumentOf([{ a: 1 }, { a: 2 }, { a: undefined }])).toBe("values[2].a")
    expect(argumentOf([{ a: sql`now()` }])).toBe("values[0].a")
    expect(argumentOf([{ a: sql`${1} + 1` }])).toBe("values[0].a")
    expect(argumentOf([])).toBe("values")
    expect(refused(sql`UPDATE t SET ${sql.update({ a: undefined })}`).argument).toBe("values.a")
    expect(refused(sql`UPDATE t SET ${sql.update({ a: 1 }, ["a"])}`).argument).toBe("values")
    // A parameter by itself is a value.
    expect(made(sql`INSERT INTO t ${sql.insert({ a: sql`${7}` })}`).parameters).toEqual([7])
  })

  it("updates a record without what is left out", () => {
    expect(made(sql`UPDATE t SET ${sql.update({ id: 1, a: 2, b: null }, ["id"])}`)).toEqual({
      sql: "UPDATE t SET `a` = ?, `b` = ?",
      parameters: [2, null]
    })
    const returning = sql`UPDATE t SET ${sql.update({ a: 2 }).returning("a")}`
    expect(made(returning, sqlite).sql).toBe('UPDATE t SET "a" = ? RETURNING a')
    expect(text(returning, mysql)).toMatchObject({ _tag: "NotSupportedError" })
  })

  it("refuses what only other clients can say, by its name", () => {
    for (const dialect of [mysql, sqlite]) {
      expect(text(sql`UPDATE t ${sql.updateValues([{ a: 1 }], "v")}`, dialect)).toMatchObject({
        _tag: "NotSupportedError"
      })
      const custom = Sql.custom<Sql.Custom<"PgJson", unknown, void, void>>("PgJson")({ a: 1 }, undefined, undefined)
      const found = text(sql`SELECT ${custom}`, dialect)
      expect(found).toMatchObject({ _tag: "NotSupportedError" })
      if (found instanceof Error) expect(found.message).toContain("PgJson")
    }
    const later = { ...sql`SELECT 1`, segments: [{ _tag: "Hologram" }] }
    expect(text(Object.assign(Object.create(null), later, { [Sql.FragmentId]: later }), mysql)).toMatchObject({
      _tag: "ArgumentError"
    })
  })

  it("refuses an empty list, but for sql.in with a column, which is then false", () => {
    expect(refused(sql`SELECT 1 WHERE 1 IN ${sql.in([])}`)).toMatchObject({
      argument: "statement",
      given: "an empty list"
    })
    expect(made(sql`SELECT 1 WHERE ${sql.in("a", [])}`).sql).toBe("SELECT 1 WHERE 1=0")
  })

  it("refuses undefined as a parameter when it is executed", () => {
    const compiled = Statement.compile(sql`SELECT ${1}, ${undefined}`, undefined, mysql)
    expect(compiled).toMatchObject({ _tag: "ArgumentError", argument: "parameters[1]" })
    expect(Statement.compile(sql`SELECT ${sql.in([1, undefined])}`, undefined, mysql)).toMatchObject({
      argument: "parameters[1]"
    })
    expect(Statement.compile(sql.unsafe("SELECT ?", [undefined]), undefined, mysql)).toMatchObject({
      argument: "parameters[0]"
    })
  })

  it("refuses names that no database has, and such as would be changed", () => {
    for (const name of ["", "a..b", ".", "a\0"]) {
      expect(refused(sql`SELECT ${sql(name)}`).argument).toBe("statement")
      expect(refused(sql`SELECT ${sql(name)}`, sqlite).argument).toBe("statement")
    }
    expect(refused(sql`SELECT 1 AS ${sql("😀")}`).argument).toBe("statement")
    expect(made(sql`SELECT 1 AS ${sql("😀")}`, sqlite).sql).toBe('SELECT 1 AS "😀"')
  })

  it("is refused when its client renames identifiers or columns, and not for being of such a client", () => {
    const upper = Sql.make(
      Effect.die("a third client"),
      Sql.makeCompilerSqlite((name) => name.toUpperCase()),
      [],
      undefined
    )
    expect(refused(upper`SELECT ${upper("a")}`)).toMatchObject({ argument: "statement" })
    expect(made(upper`SELECT ${1}`).sql).toBe("SELECT ?")
    const rows = Sql.make(Effect.die("another client"), Sql.makeCompilerSqlite(), [], (rows) => rows)
    expect(refused(rows`SELECT 1`)).toMatchObject({ argument: "statement" })
  })

  it("has as many values as there are, more than a call has arguments too", () => {
    const ids = Array.from({ length: 300_000 }, (_, i) => i)
    expect(made(sql.in("id", ids)).parameters.length).toBe(300_000)
  })

  it("has chosen by its client already what it says on a dialect", () => {
    const fragment = sql`SELECT ${sql.onDialectOrElse({ sqlite: () => sql`'sqlite'`, orElse: () => sql`'other'` })}`
    expect(made(fragment, mysql).sql).toBe("SELECT 'sqlite'")
  })
})

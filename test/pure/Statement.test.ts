import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck, Option, Stream } from "effect"
import { type Dialect, Errors, Statement } from "effect-sa"
import { dialect as mysql } from "effect-sa/mysql/MysqlDialect"
import { withParamstyle } from "effect-sa/SqlText"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"

const dialects: ReadonlyArray<Dialect.Dialect> = [mysql, sqlite]

const compiling = (statement: unknown, parameters: unknown, dialect: Dialect.Dialect) =>
  Statement.compileWith(statement, parameters, dialect, Effect.succeed)

const compiled = (statement: unknown, parameters?: unknown, dialect: Dialect.Dialect = mysql): Statement.Compiled =>
  Effect.runSync(compiling(statement, parameters, dialect))

const refused = (statement: unknown, parameters?: unknown, dialect: Dialect.Dialect = mysql): Errors.ArgumentError => {
  const found = Effect.runSync(Effect.flip(compiling(statement, parameters, dialect)))
  if (!(found instanceof Errors.ArgumentError)) throw found
  return found
}

/** Text without markers that looks as if it had some. */
const filler = FastCheck.constantFrom(
  "SELECT",
  "'?'",
  "':a'",
  "'it''s ?'",
  '"?"',
  "`?`",
  "/* ? :a */",
  "-- ? :a\n",
  "a::b",
  "12:30",
  "(",
  ")",
  "größe",
  "😀"
)
const names = FastCheck.constantFrom("a", "b", "c1", "_d", "name", "toString", "constructor", "__proto__")
const value = FastCheck.oneof(FastCheck.integer(), FastCheck.string(), FastCheck.constant(null))

describe("Statement.compile", () => {
  it("leaves a text with ? as it is, and takes just as many parameters as it has markers", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(FastCheck.oneof(filler, FastCheck.constant("?")), { maxLength: 12 }),
        FastCheck.array(value, { minLength: 14, maxLength: 14 }),
        FastCheck.constantFrom(...dialects),
        (parts, values, dialect) => {
          const sql = `SELECT ${parts.join(" ")}`
          const count = parts.filter((part) => part === "?").length
          const parameters = values.slice(0, count)
          const found = compiled(sql, parameters.length === 0 ? undefined : parameters, dialect)
          expect([found.sql, found.parameters, found.sets]).toEqual([sql, parameters, undefined])
          expect(refused(sql, values.slice(0, count + 1), dialect).argument).toBe("parameters")
          if (count > 0) {
            expect(refused(sql, undefined, dialect).argument).toBe("parameters")
            if (count > 1) expect(refused(sql, values.slice(0, count - 1), dialect).argument).toBe("parameters")
            const sets = compiled(sql, [parameters, parameters], dialect)
            expect([sets.parameters, sets.sets]).toEqual([[], [parameters, parameters]])
          }
        }
      ),
      { numRuns: 500 }
    )
  })

  it("puts ? for each name, and the values in the order of the names", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(
          FastCheck.oneof(
            filler,
            names.map((name) => ({ name }))
          ),
          { maxLength: 12 }
        ),
        FastCheck.constantFrom(...dialects),
        (parts, dialect) => {
          const used = parts.flatMap((part) => (typeof part === "string" ? [] : [part.name]))
          if (used.length === 0) return
          const sql = `SELECT ${parts.map((part) => (typeof part === "string" ? part : `:${part.name}`)).join(" ")}`
          const parameters = Object.fromEntries(used.map((name, i) => [name, i]))
          const found = compiled(sql, parameters, dialect)
          expect(found.sql).toBe(`SELECT ${parts.map((part) => (typeof part === "string" ? part : "?")).join(" ")}`)
          expect(found.parameters).toEqual(used.map((name) => Object.getOwnPropertyDescriptor(parameters, name)?.value))
          const many = compiled(sql, [parameters, parameters], dialect)
          expect(many.sets).toEqual([found.parameters, found.parameters])
          expect(refused(sql, { ...parameters, unused: 1 }, dialect).argument).toBe("parameters.unused")
          const missing = used[0] ?? ""
          const rest = Object.fromEntries(Object.entries(parameters).filter(([name]) => name !== missing))
          expect(refused(sql, rest, dialect).argument).toBe(`parameters.${missing}`)
        }
      ),
      { numRuns: 500 }
    )
  })

  it("with a paramstyle puts ? for % markers, and halves %% in a text that has some, but not in comments", () => {
    const percents = FastCheck.constantFrom(
      "'a%'",
      "'a%%'",
      "7 %% 2",
      "7 % 2",
      "`%%`",
      "'%s'",
      "/* %% %s */",
      "'%(a)s'"
    )
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(
          FastCheck.oneof(
            filler.filter((part) => part !== "::" && !part.includes("?")),
            percents,
            FastCheck.constant({})
          ),
          { maxLength: 12 }
        ),
        FastCheck.constantFrom(...dialects),
        FastCheck.constantFrom("%s", "%(a)s"),
        (parts, plain, marker) => {
          const dialect = withParamstyle(plain, "pyformat")
          const count = parts.filter((part) => typeof part !== "string").length
          const sql = `SELECT ${parts.map((part) => (typeof part === "string" ? part : marker)).join(" ")}`
          if (count === 0) {
            expect(compiled(sql, undefined, dialect).sql).toBe(sql)
            return
          }
          const halved = (part: string): string => (part.startsWith("/*") ? part : part.replaceAll("%%", "%"))
          const expected = `SELECT ${parts.map((part) => (typeof part === "string" ? halved(part) : "?")).join(" ")}`
          const found = compiled(
            sql,
            marker === "%s" ? parts.flatMap((part, i) => (typeof part === "string" ? [] : [i])) : { a: 7 },
            dialect
          )
          expect(found.sql).toBe(expected)
          expect(found.parameters).toHaveLength(count)
          expect(refused(sql, undefined, dialect).argument).toBe("parameters")
          // Without the option these are no markers.
          expect(refused(sql, marker === "%s" ? [1] : { a: 7 }, plain).argument).toMatch(/^parameters/)
        }
      ),
      { numRuns: 500 }
    )
  })

  it("with the paramstyle format has no %(name)s, and the same dialect for the same style", () => {
    const format = withParamstyle(mysql, "format")
    expect(compiled("SELECT %(a)s", undefined, format).parameters).toEqual([])
    expect(compiled("SELECT %s, '%(a)s'", [1], format).sql).toBe("SELECT ?, '%(a)s'")
    expect(withParamstyle(mysql, "format")).toBe(format)
    expect(withParamstyle(mysql, "pyformat")).not.toBe(format)
    expect([undefined, "qmark" as const, "named" as const].map((style) => withParamstyle(mysql, style))).toEqual([
      mysql,
      mysql,
      mysql
    ])
  })

  it("takes no inherited property for a parameter", () => {
    expect(refused("SELECT :toString", {}).argument).toBe("parameters.toString")
    expect(refused("SELECT :constructor", Object.create(null)).argument).toBe("parameters.constructor")
    expect(compiled("SELECT :a", Object.assign(Object.create(null), { a: 1 })).parameters).toEqual([1])
  })

  it("takes an array of arrays or of objects for several sets only where the markers are of that style", () => {
    expect(compiled("SELECT ?", [{ a: 1 }]).parameters).toEqual(['{"a":1}'])
    expect(compiled("SELECT ?, ?", [{ a: 1 }, { b: 2 }]).parameters).toEqual(['{"a":1}', '{"b":2}'])
    expect(compiled("SELECT ?, ?", [[1], 2]).parameters).toEqual(["[1]", 2])
    expect(compiled("SELECT ?", [[1], [2]]).sets).toEqual([[1], [2]])
    expect(compiled("SELECT :a", [{ a: 1 }, { a: 2 }]).sets).toEqual([[1], [2]])
    expect(compiled("SELECT ?", []).sets).toEqual([])
    expect(compiled("SELECT :a", []).sets).toEqual([])
    expect(compiled("SELECT 1", []).sets).toBeUndefined()
    expect(compiled("SELECT 1", {}).parameters).toEqual([])
    expect(refused("SELECT ?", [[1], [1, 2]]).argument).toBe("parameters[1]")
    expect(refused("SELECT :a", [{ a: 1 }, { b: 2 }]).argument).toBe("parameters[1].a")
    expect(refused("SELECT :a", [{ a: 1 }, [2]]).argument).toBe("parameters")
    expect(refused("SELECT ?", [[1], [Number.NaN]]).argument).toBe("parameters[1][0]")
  })

  it("refuses holes and undefined, and names the place", () => {
    const holes = new Array<unknown>(2)
    holes[0] = 1
    expect(refused("SELECT ?, ?", holes).argument).toBe("parameters[1]")
    expect(refused("SELECT :a", { a: undefined }).argument).toBe("parameters.a")
    expect(refused("SELECT ?", [Option.some(undefined)]).argument).toBe("parameters[0]")
  })

  it("refuses a text with markers of both styles, an empty text and what is no statement", () => {
    expect(refused("SELECT ? + :a", [1]).argument).toBe("statement")
    for (const sql of ["", "  ", ";", " ;; ", "-- nothing", "/* nothing */ ;"])
      expect(refused(sql).argument).toBe("statement")
    for (const statement of [undefined, null, 42, {}, [], () => "SELECT 1", Symbol("x")])
      expect(refused(statement).argument).toBe("statement")
    expect(refused("SELECT '\ud800'").argument).toBe("statement")
  })

  it("refuses parameters that are neither an array nor an object", () => {
    for (const parameters of [1, "a", true, null, new Map(), new Set([1]), new Uint8Array(1), () => [1]]) {
      expect(refused("SELECT ?", parameters).argument).toBe("parameters")
      expect(refused("SELECT :a", parameters).argument).toBe("parameters")
      expect(refused("SELECT 1", parameters).argument).toBe("parameters")
    }
  })

  it("shows no value in what it refuses", () => {
    const secret = "s3cret"
    const shown = [
      refused("SELECT ?", [secret, secret]),
      refused("SELECT ?", { [`x${1}`]: secret }),
      refused("SELECT :a", { a: secret, b: secret }),
      refused("SELECT :a", [secret]),
      refused("SELECT ?", [`${secret}\ud800`]),
      refused("SELECT ?", [{ a: () => secret, toJSON: () => 1n }]),
      refused("SELECT ?", secret)
    ]
    for (const error of shown) expect(error.message + JSON.stringify(error)).not.toContain(secret)
  })

  it("takes a statement's own parameters, and then no others", () => {
    const own: Statement.Statement = {
      [Statement.TypeId]: {
        text: (dialect) => ({ sql: `SELECT ? -- ${dialect.name}`, parameters: [7] }),
        _A: (_: never) => _
      }
    }
    expect([compiled(own).sql, compiled(own).parameters]).toEqual(["SELECT ? -- mysql", [7]])
    expect(compiled(own, undefined, sqlite).sql).toBe("SELECT ? -- sqlite")
    expect(refused(own, [8]).argument).toBe("parameters")
    const wrong: Statement.Statement = {
      [Statement.TypeId]: {
        text: () => new Errors.ArgumentError({ argument: "x", given: "y", expected: "z" }),
        _A: (_: never) => _
      }
    }
    expect(refused(wrong)).toMatchObject({ argument: "x" })
    expect(compiled(Statement.text("SELECT :id"), { id: 1 }).parameters).toEqual([1])
    expect([Statement.isStatement(own), Statement.isStatement("SELECT 1"), Statement.isStatement(null)]).toEqual([
      true,
      false,
      false
    ])
  })

  it("reads a text for the dialect that it is for", () => {
    expect(compiled("SELECT '\\' , ?'", undefined, mysql).parameters).toEqual([])
    expect(compiled("SELECT '\\' , ?", [1], sqlite).parameters).toEqual([1])
    expect(compiled("SELECT 1 # ?", undefined, mysql).parameters).toEqual([])
    expect(compiled("SELECT [?], ?", [1], sqlite).parameters).toEqual([1])
    // The same text again, now from what is kept of it.
    expect(refused("SELECT '\\' , ?", [1], mysql).argument).toBe("parameters")
    expect(compiled("SELECT '\\' , ?", [1], sqlite).parameters).toEqual([1])
  })

  it("says the same of a text that was pushed out of what is kept", () => {
    const sql = "SELECT ? AS first_of_many"
    expect(compiled(sql, [1]).parameters).toEqual([1])
    for (let i = 0; i < 3_000; i++) expect(compiled(`SELECT ${i}`).sql).toBe(`SELECT ${i}`)
    expect(compiled(sql, [2]).parameters).toEqual([2])
    expect(refused(sql, [1, 2]).argument).toBe("parameters")
  })

  it("knows what defines data", () => {
    for (const sql of [
      "CREATE TABLE t (a INT)",
      "/* x */ drop table t",
      "ALTER TABLE t ADD b INT",
      "TRUNCATE t",
      "RENAME TABLE a TO b"
    ])
      expect([sql, compiled(sql).isDdl]).toEqual([sql, true])
    for (const sql of ["SELECT 'CREATE'", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "-- DROP\nSELECT 1"])
      expect([sql, compiled(sql).isDdl]).toEqual([sql, false])
  })
})

describe("Statement.loadData", () => {
  const data = Stream.make("1,Ada\n")
  const into = "INTO TABLE person FIELDS TERMINATED BY ','"

  it("is a statement with its data, and the name that the server will ask for", () => {
    for (const [sql, name] of [
      [`LOAD DATA LOCAL INFILE 'people' ${into}`, "people"],
      [`load data local infile "people.csv" replace ${into}`, "people.csv"],
      [`-- all of them\nLOAD DATA CONCURRENT /* soon */ LOCAL INFILE '/tmp/größe' ${into}`, "/tmp/größe"],
      [`LOAD DATA LOW_PRIORITY LOCAL INFILE 'people' ${into}`, "people"],
      ["LOAD XML LOCAL INFILE 'people' INTO TABLE person", "people"]
    ] as const) {
      const found = compiled(Statement.loadData(sql, data))
      expect([found.sql, found.data]).toEqual([sql, { name, stream: data }])
      // The same text again, with other data.
      const other = Stream.make("2,Grace\n")
      expect(compiled(Statement.loadData(sql, other)).data?.stream).toBe(other)
    }
  })

  it("takes parameters of its own or those of the execution, one set", () => {
    const sql = `LOAD DATA LOCAL INFILE 'people' ${into} (id, @n) SET name = CONCAT(@n, :suffix)`
    expect(compiled(Statement.loadData(sql, data, { suffix: "!" })).parameters).toEqual(["!"])
    expect(compiled(Statement.loadData(sql, data), { suffix: "!" }).parameters).toEqual(["!"])
    expect(refused(Statement.loadData(sql, data, { suffix: "!" }), { suffix: "!" }).argument).toBe("parameters")
    expect(refused(Statement.loadData(sql, data)).argument).toBe("parameters")
    expect(refused(Statement.loadData(sql, data), [{ suffix: "!" }, { suffix: "?" }]).argument).toBe("parameters")
  })

  it("refuses any other statement, and a name whose meaning depends on the session", () => {
    for (const sql of [
      "SELECT 1",
      `LOAD DATA INFILE 'people' ${into}`,
      `LOAD DATA LOCAL INFILE 'it''s' ${into}`,
      `LOAD DATA LOCAL INFILE 'C:\\people' ${into}`,
      `LOAD DATA LOCAL INFILE '' ${into}`,
      `LOAD DATA LOCAL INFILE people ${into}`,
      "LOAD DATA LOCAL INFILE",
      "INSERT INTO t VALUES ('LOAD DATA LOCAL INFILE', 'people')",
      "LOAD INDEX INTO CACHE t"
    ])
      expect([sql, refused(Statement.loadData(sql, data)).argument]).toEqual([sql, "statement"])
    expect(refused(Statement.loadData(`LOAD DATA LOCAL INFILE :name ${into}`, data), { name: "people" }).argument).toBe(
      "statement"
    )
  })

  it("refuses what fails when it is read, without what it throws", () => {
    const secret = "s3cret"
    const throwing = (): never => {
      throw new Error(secret)
    }
    const traps: ProxyHandler<object> = { has: throwing, get: throwing, getPrototypeOf: throwing, ownKeys: throwing }
    const given: ReadonlyArray<readonly [unknown, unknown]> = [
      [
        "SELECT :a",
        {
          get a() {
            return throwing()
          }
        }
      ],
      ["SELECT :a", new Proxy({}, traps)],
      ["SELECT ?", [new Proxy({}, traps)]],
      [new Proxy({}, traps), undefined],
      [{ [Statement.TypeId]: { text: throwing } }, undefined],
      [{ [Statement.TypeId]: null }, undefined],
      [{ [Statement.TypeId]: {} }, undefined]
    ]
    for (const [statement, parameters] of given) {
      const error = refused(statement, parameters)
      expect(error.argument).toBe("statement")
      expect(JSON.stringify(error)).not.toContain(secret)
    }
  })

  it("refuses data that is no stream", () => {
    for (const given of ["1,Ada", [1], null, Buffer.from("1"), async function* () {}])
      expect(refused(Statement.loadData(`LOAD DATA LOCAL INFILE 'a' ${into}`, given as never)).argument).toBe("data")
  })

  it("is the only way to load from this side: text without data is refused", () => {
    const sql = `LOAD DATA LOCAL INFILE '/etc/passwd' ${into}`
    for (const statement of [sql, Statement.text(sql), Statement.loadData(sql, undefined as never)])
      expect(refused(statement)).toMatchObject({ argument: "statement", given: "LOAD DATA LOCAL without data" })
    // A file of the server's is the server's business.
    expect(compiled(`LOAD DATA INFILE '/srv/people' ${into}`).data).toBeUndefined()
  })
})

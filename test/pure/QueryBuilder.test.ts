// What a query builder makes, without a database.
import { inspect } from "node:util"
import { describe, expect, it } from "@effect/vitest"
import { Statement } from "effect-sa"
import { CamelCasePlugin, type KyselyPlugin, QueryBuilder, sql } from "effect-sa/kysely"
import { dialect as mysql, withModes } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"

interface Tables {
  readonly person: { readonly id: number; readonly firstName: string }
}

const sqlOf = (query: unknown): unknown => {
  const compiled = Statement.compile(query, undefined, sqlite)
  return "sql" in compiled ? compiled.sql : compiled
}

const counting = (): KyselyPlugin & { readonly seen: () => number } => {
  let seen = 0
  return {
    seen: () => seen,
    transformQuery: ({ node }) => {
      seen++
      return node
    },
    transformResult: async ({ result }) => result
  }
}

describe("QueryBuilder.make", () => {
  it("keeps track of plugins, however they are added and taken away", () => {
    const db = QueryBuilder.make<Tables>()
    const camel = db.withPlugin(new CamelCasePlugin())
    const plain = 'select "firstName" from "person"'
    const snake = 'select "first_name" from "person"'
    expect(sqlOf(db.selectFrom("person").select("firstName"))).toBe(plain)
    expect(sqlOf(camel.selectFrom("person").select("firstName"))).toBe(snake)
    expect(sqlOf(camel.withoutPlugins().selectFrom("person").select("firstName"))).toBe(plain)
    expect(sqlOf(db.selectFrom("person").select("firstName").withPlugin(new CamelCasePlugin()))).toBe(snake)
    expect(sqlOf(camel.withSchema("ourSchema").selectFrom("person").select("firstName"))).toBe(
      'select "first_name" from "our_schema"."person"'
    )
    expect(sqlOf(sql`select ${sql.ref("firstName")}`.compile(camel))).toBe('select "first_name"')
  })

  it("shows a query to its plugins once, for all dialects", () => {
    const plugin = counting()
    const query = QueryBuilder.make<Tables>({ plugins: [plugin] })
      .selectFrom("person")
      .select("id")
    for (const dialect of [mysql, sqlite, withModes("ANSI_QUOTES"), mysql, sqlite])
      Statement.compile(query, undefined, dialect)
    expect(plugin.seen()).toBe(1)
    const raw = counting()
    const statement = QueryBuilder.statement(sql`select 1`, { plugins: [raw] })
    for (const dialect of [mysql, sqlite, mysql]) Statement.compile(statement, undefined, dialect)
    expect(raw.seen()).toBe(1)
  })

  it("makes compiled queries that can be looked at, but for their SQL, which depends on the database", () => {
    const compiled = QueryBuilder.make<Tables>().selectFrom("person").select("id").compile()
    expect(inspect(compiled)).toContain("SelectQueryNode")
    expect(JSON.stringify(compiled)).toContain("SelectQueryNode")
    expect(() => compiled.sql).toThrow("for the database")
    expect(compiled.parameters).toEqual([])
    expect(Statement.isStatement(compiled)).toBe(true)
  })
})

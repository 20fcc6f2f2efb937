// What the nodes of Kysely become in the SQL of each dialect, without a database: the contract tests execute them.
import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { type Dialect, Errors, Statement } from "effect-sa"
import { compile } from "effect-sa/KyselyCompiler"
import { type Generated, QueryBuilder, sql } from "effect-sa/kysely"
import { dialect as mysql, withModes } from "effect-sa/mysql/MysqlDialect"
import { ofBuilt } from "effect-sa/SqlText"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"
import {
  BinaryOperationNode,
  JSONPathLegNode,
  JSONPathNode,
  OPERATORS,
  type OperationNode,
  OperatorNode,
  type RootOperationNode,
  sql as raw,
  ValueNode
} from "kysely"
import { cases } from "../contract/KyselyCases.js"

interface Tables {
  readonly person: { readonly id: Generated<number>; readonly name: string; readonly age: number | null }
}

const db = QueryBuilder.make<Tables>()

interface Compilable {
  readonly toOperationNode: () => RootOperationNode
}

const textOf = (query: Compilable, dialect: Dialect.Dialect): Statement.Text => {
  const found = compile(query.toOperationNode(), dialect)
  if (found instanceof Error) throw found
  return found
}

const refused = (query: Compilable, dialect: Dialect.Dialect): Statement.Refusal => {
  const found = compile(query.toOperationNode(), dialect)
  if (!(found instanceof Error)) throw new Error(`not refused: ${found.sql}`)
  return found
}

const withNode = (node: OperationNode) => ({ expressionType: undefined, toOperationNode: () => node })

describe("A node of Kysely", () => {
  it("is the SQL of the dialect, with ? for its values", () => {
    const query = db.selectFrom("person").select("id").where("name", "=", "Ada").where("age", "in", [1, 2])
    const parameters = ["Ada", 1, 2]
    expect(textOf(query, mysql)).toEqual({
      sql: "select `id` from `person` where `name` = ? and `age` in (?, ?)",
      parameters
    })
    expect(textOf(query, sqlite)).toEqual({
      sql: 'select "id" from "person" where "name" = ? and "age" in (?, ?)',
      parameters
    })
    expect(textOf(query, withModes("ANSI_QUOTES"))).toEqual(textOf(query, mysql))
  })

  it("keeps what param left open among its values", () => {
    const id = Statement.param<number>("id")
    const query = db
      .updateTable("person")
      .set({ age: Statement.param<number>("age") })
      .where("id", "in", [1, id])
    expect(textOf(query, mysql).parameters).toEqual([Statement.param("age"), 1, id])
  })

  const sayings: ReadonlyArray<readonly [title: string, query: Compilable, mysql: string, sqlite: string]> = [
    [
      "an empty list",
      db.selectFrom("person").select("id").where("id", "not in", []),
      "select `id` from `person` where `id` not in (select null from dual where false)",
      'select "id" from "person" where "id" not in ()'
    ],
    [
      "offset without limit",
      db.selectFrom("person").select("id").offset(3),
      "select `id` from `person` limit 18446744073709551615 offset ?",
      'select "id" from "person" limit -1 offset ?'
    ],
    [
      "an insert of defaults",
      db.insertInto("person").defaultValues(),
      "insert into `person` () values ()",
      'insert into "person" default values'
    ],
    [
      "an insert of nothing",
      db.insertInto("person").values({} as never),
      "insert into `person` () values ()",
      'insert into "person" default values'
    ],
    [
      "a member of a union with an end of its own",
      db.selectFrom("person").select("id").union(db.selectFrom("person").select("id").limit(1)),
      "select `id` from `person` union (select `id` from `person` limit ?)",
      'select "id" from "person" union select * from (select "id" from "person" limit ?)'
    ],
    [
      "a comparison that knows NULL",
      db.selectFrom("person").select("id").where("age", "is distinct from", 1),
      "select `id` from `person` where (not (`age` <=> ?))",
      'select "id" from "person" where "age" is distinct from ?'
    ],
    [
      "a literal with a backslash and quotes",
      db.selectNoFrom(sql`${sql.lit("\\'\"`")}`.as("a")),
      "select '\\\\''\"`' as `a`",
      `select '\\''"\`' as "a"`
    ],
    [
      "true, false and null",
      db.selectNoFrom((eb) => [eb.lit(true).as("a"), eb.lit(false).as("b"), eb.lit(null).as("c")]),
      "select true as `a`, false as `b`, NULL as `c`",
      'select true as "a", false as "b", NULL as "c"'
    ],
    [
      "quotes in names",
      db.selectFrom(sql.table('a`b"c').as("x")).selectAll(),
      'select * from `a``b"c` as `x`',
      'select * from "a`b""c" as "x"'
    ],
    [
      "the last element of an array in JSON",
      db.selectFrom("person").select((eb) =>
        eb
          .ref("name", "->$")
          .key("a" as never)
          .at("#-2" as never)
          .as("x")
      ),
      "select `name`->'$.\"a\"[last-1]' as `x` from `person`",
      `select "name"->'$."a"[#-2]' as "x" from "person"`
    ],
    [
      "a foreign key in a column",
      db.schema
        .createTable("pet")
        .addColumn("owner", "integer", (c) => c.notNull().references("person.id").onDelete("cascade")),
      "create table `pet` (`owner` integer not null, foreign key (`owner`) references `person` (`id`) on delete cascade)",
      'create table "pet" ("owner" integer not null references "person" ("id") on delete cascade)'
    ],
    [
      "a default with a NUL",
      db.schema.createTable("pet").addColumn("name", "text", (c) => c.defaultTo("a\0")),
      "create table `pet` (`name` text default 'a\\0')",
      'create table "pet" ("name" text default (CAST(x\'6100\' AS TEXT)))'
    ]
  ]

  it.each(sayings)("says %s in the words of each dialect", (_, query, onMysql, onSqlite) => {
    expect([textOf(query, mysql).sql, textOf(query, sqlite).sql]).toEqual([onMysql, onSqlite])
  })

  it("says locks that others may share so that MariaDB knows them too, where it can", () => {
    const query = db.selectFrom("person").select("id").forShare()
    expect(textOf(query, mysql).sql).toBe("select `id` from `person` lock in share mode")
    expect(textOf(query.skipLocked(), mysql).sql).toBe("select `id` from `person` for share skip locked")
  })

  it("puts RETURNING at the end of a delete, and WHERE before ON CONFLICT", () => {
    const gone = db.deleteFrom("person").orderBy("id").limit(1).returning("id")
    expect(textOf(gone, mysql).sql).toBe("delete from `person` order by `id` limit ? returning `id`")
    const copy = db
      .insertInto("person")
      .columns(["name"])
      .expression(db.selectFrom("person").select("name"))
      .onConflict((oc) => oc.doNothing())
    expect(textOf(copy, sqlite).sql).toBe(
      'insert into "person" ("name") select "name" from "person" where true on conflict do nothing'
    )
  })

  it("has a backslash in its literals as the session reads it", () => {
    const query = db.selectNoFrom(sql`${sql.lit("\\")}`.as("a"))
    expect(textOf(query, withModes("NO_BACKSLASH_ESCAPES")).sql).toBe("select '\\' as `a`")
    expect(textOf(query, mysql).sql).toBe("select '\\\\' as `a`")
  })

  it("has as many ? as it has parameters, whatever the query, and none that is anything else", () => {
    let compiled = 0
    for (const { query } of cases) {
      const made: unknown = query("t").compile()
      if (!Statement.isStatement(made)) throw new Error("a query of QueryBuilder.make compiles to a statement")
      const definition = made[Statement.TypeId]
      if (!("text" in definition)) throw new Error("a query has a text")
      for (const dialect of [mysql, sqlite, withModes("ANSI_QUOTES,NO_BACKSLASH_ESCAPES")]) {
        const text = definition.text(dialect)
        if (text instanceof Error) continue
        const parsed = ofBuilt(text.sql, dialect)
        if (parsed instanceof Error) throw parsed
        expect([text.sql, parsed.count]).toEqual([
          text.sql,
          Array.isArray(text.parameters) ? text.parameters.length : 0
        ])
        compiled++
      }
    }
    expect(compiled).toBeGreaterThan(150)
  })

  it("with an operator that the dialect reads as something else, or not at all, is refused", () => {
    for (const dialect of [mysql, sqlite]) {
      const refusals: Array<string> = []
      for (const operator of OPERATORS) {
        const node = BinaryOperationNode.create(
          ValueNode.createImmediate(1),
          OperatorNode.create(operator),
          ValueNode.createImmediate(null)
        )
        const found = compile(raw`select ${withNode(node)}`.toOperationNode(), dialect)
        if (found instanceof Errors.NotSupportedError) refusals.push(operator)
        else expect([operator, found instanceof Error]).toEqual([operator, false])
      }
      expect(refusals).toEqual(expect.arrayContaining(["#", "?", "&&", "@@", "!!", "ilike", "~", "@>"]))
      expect(refusals.includes("||")).toBe(dialect === mysql)
    }
  })

  it("of a kind that is not known is refused", () => {
    const node = { kind: "HologramNode" } as never
    expect(compile(node, mysql)).toMatchObject({ _tag: "NotSupportedError" })
    expect(compile({ kind: "RawNode", sqlFragments: ["", ""], parameters: [node] }, sqlite)).toMatchObject({
      _tag: "NotSupportedError"
    })
    expect(compile(null as never, sqlite)).toMatchObject({ _tag: "ArgumentError" })
  })

  it("that is no whole query is refused, and no value is shown", () => {
    const secret = "s3cret"
    const path = JSONPathNode.cloneWithLeg(JSONPathNode.create(), JSONPathLegNode.create("ArrayLocation", `${secret}'`))
    const queries: ReadonlyArray<Compilable> = [
      db.insertInto("person"),
      db.updateTable("person").set({}).where("name", "=", secret),
      db.updateTable("person").innerJoin("person as b", "b.id", "person.id").set({ name: secret }),
      raw`select ${sql.lit(new Map([[secret, 1]]))}`,
      raw`select ${sql.lit(Statement.param(secret))}`,
      raw`select ${sql.lit(Number.NaN)}`,
      raw`select ${sql.id("")}`,
      raw`select ${sql.id(`${secret}\0`)}`,
      db.selectFrom("person").select((eb) => eb.fn(`${secret}(1); --`, []).as("a")),
      db.selectFrom("person").select((eb) => eb.fn.agg(`${secret}(1); --`, []).as("a")),
      raw`select ${withNode(path)}`,
      db.schema.createTable("pet").addColumn("name", "text", (c) => c.defaultTo(sql`${secret}`))
    ]
    for (const query of queries) {
      for (const dialect of [mysql, sqlite]) {
        const error = refused(query, dialect)
        expect(error._tag === "ArgumentError" || error._tag === "NotSupportedError").toBe(true)
        expect(error.message + JSON.stringify(error)).not.toContain(secret)
      }
    }
  })

  it("that makes an index of a kind that is no word is refused", () => {
    const index = db.schema.createIndex("i").on("person").column("name")
    expect(textOf(index.using("btree"), mysql).sql).toContain("using btree")
    expect(refused(index.using("btree) ; drop table person; --"), mysql)).toMatchObject({ argument: "statement" })
  })

  it("may be as large as a query gets", () => {
    let query = db.selectFrom("person").select("id")
    for (let i = 0; i < 500; i++) query = query.where("id", "!=", i)
    expect(textOf(query, mysql).parameters).toHaveLength(500)
    const deep = Array.from({ length: 200_000 }).reduce<unknown>(
      (node) => ({ kind: "ParensNode", node }),
      ValueNode.create(1)
    )
    expect(compile({ kind: "RawNode", sqlFragments: ["", ""], parameters: [deep as never] }, mysql)).toMatchObject({
      _tag: "ArgumentError"
    })
  })

  it("has every name in quotes that end where the name ends", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.string({ unit: "binary" }),
        FastCheck.constantFrom(mysql, sqlite),
        (name, dialect) => {
          const found = compile(raw`select ${sql.id(name)}`.toOperationNode(), dialect)
          if (found instanceof Error) return
          const quote = dialect === mysql ? "`" : '"'
          expect(found.sql.startsWith(`select ${quote}`) && found.sql.endsWith(quote)).toBe(true)
          expect(found.sql.slice(8, -1).replaceAll(quote + quote, "")).not.toContain(quote)
          expect(found.sql.slice(8, -1).replaceAll(quote + quote, quote)).toBe(name)
        }
      ),
      { numRuns: 500 }
    )
  })
})

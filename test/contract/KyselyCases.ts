// What Kysely can say, and where that runs: on MySQL, MariaDB and SQLite, one case for each kind of thing.
import type { Statement } from "effect-sa"
import { type Generated, QueryBuilder, sql } from "effect-sa/kysely"

export interface Person {
  readonly id: Generated<number>
  readonly name: string
  readonly age: number | null
}

export type Tables = Record<string, Person>

export const db = QueryBuilder.make<Tables>()

export type Outcome = "runs" | "refused" | "answered"

/** What becomes of a query: `answered` is what the server itself says no to, because the dialect is that of both servers. */
export interface Case {
  readonly title: string
  readonly query: (t: string) => Statement.Query<unknown>
  readonly mysql: Outcome
  readonly mariadb: Outcome
  readonly sqlite: Outcome
}

const everywhere = { mysql: "runs", mariadb: "runs", sqlite: "runs" } as const
const onServers = { mysql: "runs", mariadb: "runs", sqlite: "refused" } as const
const onSqlite = { mysql: "refused", mariadb: "refused", sqlite: "runs" } as const
const nowhere = { mysql: "refused", mariadb: "refused", sqlite: "refused" } as const
const onMysql = { mysql: "runs", mariadb: "answered", sqlite: "refused" } as const

export const cases: ReadonlyArray<Case> = [
  { title: "select distinct", query: (t) => db.selectFrom(t).select("name").distinct(), ...everywhere },
  { title: "distinct on", query: (t) => db.selectFrom(t).selectAll().distinctOn("name"), ...nowhere },
  { title: "top", query: (t) => db.selectFrom(t).selectAll().top(1), ...nowhere },
  { title: "fetch", query: (t) => db.selectFrom(t).selectAll().orderBy("id").fetch(1), ...nowhere },
  { title: "limit and offset", query: (t) => db.selectFrom(t).selectAll().limit(1).offset(1), ...everywhere },
  { title: "offset alone", query: (t) => db.selectFrom(t).selectAll().offset(1), ...everywhere },
  { title: "for update", query: (t) => db.selectFrom(t).selectAll().forUpdate(), ...onServers },
  { title: "for share", query: (t) => db.selectFrom(t).selectAll().forShare(), ...onServers },
  {
    title: "for update skip locked",
    query: (t) => db.selectFrom(t).selectAll().forUpdate().skipLocked(),
    ...onServers
  },
  { title: "for update nowait", query: (t) => db.selectFrom(t).selectAll().forUpdate().noWait(), ...onServers },
  { title: "for share of", query: (t) => db.selectFrom(t).selectAll().forShare(t), ...onMysql },
  { title: "for share skip locked", query: (t) => db.selectFrom(t).selectAll().forShare().skipLocked(), ...onMysql },
  { title: "for key share", query: (t) => db.selectFrom(t).selectAll().forKeyShare(), ...nowhere },
  { title: "for no key update", query: (t) => db.selectFrom(t).selectAll().forNoKeyUpdate(), ...nowhere },
  {
    title: "inner, left, right and cross joins",
    query: (t) =>
      db
        .selectFrom(`${t} as a`)
        .innerJoin(`${t} as b`, "a.id", "b.id")
        .leftJoin(`${t} as c`, (join) => join.onRef("a.id", "=", "c.id").on("c.age", ">", 1))
        .rightJoin(`${t} as d`, "a.id", "d.id")
        .crossJoin(`${t} as e`)
        .select(["a.id", "e.name"]),
    ...everywhere
  },
  {
    title: "full join",
    query: (t) => db.selectFrom(`${t} as a`).fullJoin(`${t} as b`, "a.id", "b.id").select("a.id"),
    ...onSqlite
  },
  {
    title: "lateral join",
    query: (t) =>
      db
        .selectFrom(`${t} as a`)
        .innerJoinLateral(
          (eb) => eb.selectFrom(`${t} as b`).select("b.id as other").whereRef("b.id", "=", "a.id").as("c"),
          (join) => join.onTrue()
        )
        .select("a.id"),
    ...onMysql
  },
  {
    title: "outer apply",
    query: (t) =>
      db
        .selectFrom(`${t} as a`)
        .outerApply((eb) => eb.selectFrom(t).select("id").as("b"))
        .select("a.id"),
    ...nowhere
  },
  {
    title: "union all, intersect and except",
    query: (t) =>
      db
        .selectFrom(t)
        .select("id")
        .unionAll(db.selectFrom(t).select("id"))
        .except(db.selectFrom(t).select("id").where("id", "=", 2)),
    ...everywhere
  },
  {
    title: "a union of selects with ends of their own",
    query: (t) =>
      db
        .selectFrom(t)
        .select("id")
        .union(db.selectFrom(t).select("id").orderBy("id", "desc").limit(1))
        .orderBy("id")
        .limit(5),
    ...everywhere
  },
  {
    title: "intersect all",
    query: (t) => db.selectFrom(t).select("id").intersectAll(db.selectFrom(t).select("id")),
    ...onServers
  },
  {
    title: "intersect after union",
    query: (t) =>
      db.selectFrom(t).select("id").union(db.selectFrom(t).select("id")).intersect(db.selectFrom(t).select("id")),
    ...onServers
  },
  {
    title: "with",
    query: (t) =>
      db
        .with("adults", (db) => db.selectFrom(t).select("id"))
        .selectFrom("adults")
        .selectAll(),
    ...everywhere
  },
  {
    title: "with recursive",
    query: () =>
      db
        .withRecursive("counter(n)", (db) =>
          db.selectNoFrom(sql<number>`1`.as("n")).unionAll(
            db
              .selectFrom("counter" as never)
              .select(sql<number>`n + 1`.as("n"))
              .where(sql<boolean>`n < 3`)
          )
        )
        .selectFrom("counter" as never)
        .selectAll(),
    ...everywhere
  },
  {
    title: "with as materialized",
    query: (t) =>
      db
        .with(
          (cte) => cte("adults").materialized(),
          (db) => db.selectFrom(t).select("id")
        )
        .selectFrom("adults")
        .selectAll(),
    ...onSqlite
  },
  {
    title: "an insert in with",
    query: (t) =>
      db
        .with("made", (db) => db.insertInto(t).values({ name: "x" }).returning("id"))
        .selectFrom("made")
        .selectAll(),
    ...nowhere
  },
  {
    title: "group by and having",
    query: (t) =>
      db
        .selectFrom(t)
        .select(({ fn }) => ["name", fn.countAll<number>().as("count"), fn.sum<number>("age").distinct().as("sum")])
        .groupBy("name")
        .having(({ fn }) => fn.countAll(), ">", 0),
    ...everywhere
  },
  {
    title: "window functions",
    query: (t) =>
      db.selectFrom(t).select(({ fn }) =>
        fn
          .agg<number>("row_number")
          .over((over) => over.partitionBy("name").orderBy("id"))
          .as("n")
      ),
    ...everywhere
  },
  {
    title: "filter of an aggregate",
    query: (t) => db.selectFrom(t).select(({ fn }) => fn.countAll().filterWhere("age", ">", 40).as("n")),
    ...onSqlite
  },
  {
    title: "within group",
    query: (t) => db.selectFrom(t).select(({ fn }) => fn.agg("mode").withinGroupOrderBy("age").as("n")),
    ...nowhere
  },
  {
    title: "nulls last",
    query: (t) =>
      db
        .selectFrom(t)
        .selectAll()
        .orderBy("age", (o) => o.desc().nullsLast()),
    ...onSqlite
  },
  {
    title: "order by a collation",
    query: (t) =>
      db
        .selectFrom(t)
        .selectAll()
        .orderBy("name", (o) => o.collate("nocase")),
    mysql: "answered",
    mariadb: "answered",
    sqlite: "runs"
  },
  {
    title: "case",
    query: (t) =>
      db.selectFrom(t).select((eb) => eb.case().when("age", ">", 40).then("old").else("young").end().as("kind")),
    ...everywhere
  },
  {
    title: "in, between, like, is, exists",
    query: (t) =>
      db
        .selectFrom(t)
        .selectAll()
        .where("id", "in", [1, 2])
        .where((eb) => eb.between("age", 1, 100))
        .where("name", "like", "%a%")
        .where("name", "is not", null)
        .where((eb) => eb.exists(eb.selectFrom(t).select("id")))
        .where((eb) => eb.not(eb("id", "=", 7))),
    ...everywhere
  },
  { title: "is true", query: (t) => db.selectFrom(t).selectAll().where(sql`age > 1`, "is", true), ...everywhere },
  { title: "is with a value", query: (t) => db.selectFrom(t).selectAll().where("age", "is", 36), ...onSqlite },
  { title: "in an empty list", query: (t) => db.selectFrom(t).selectAll().where("id", "in", []), ...everywhere },
  {
    title: "not in an empty list",
    query: (t) => db.selectFrom(t).selectAll().where("id", "not in", []),
    ...everywhere
  },
  {
    title: "tuples in tuples",
    query: (t) =>
      db
        .selectFrom(t)
        .selectAll()
        .where(({ eb, refTuple, tuple }) => eb(refTuple("id", "name"), "in", [tuple(1, "Ada"), tuple(2, "x")])),
    ...everywhere
  },
  {
    title: "is distinct from",
    query: (t) =>
      db.selectFrom(t).selectAll().where("age", "is distinct from", 1).where("age", "is not distinct from", 36),
    ...everywhere
  },
  { title: "<=>", query: (t) => db.selectFrom(t).selectAll().where("age", "<=>", 1), ...onServers },
  { title: "==", query: (t) => db.selectFrom(t).selectAll().where("age", "==", 1), ...onSqlite },
  { title: "ilike", query: (t) => db.selectFrom(t).selectAll().where("name", "ilike", "a%"), ...nowhere },
  { title: "regexp", query: (t) => db.selectFrom(t).selectAll().where("name", "regexp", "^A"), ...onServers },
  { title: "||", query: (t) => db.selectFrom(t).select((eb) => eb("name", "||", "x").as("n")), ...onSqlite },
  { title: "#", query: (t) => db.selectFrom(t).select((eb) => eb("age", "#", 1).as("n")), ...nowhere },
  { title: "&&", query: (t) => db.selectFrom(t).select((eb) => eb("age", "&&", 1).as("n")), ...nowhere },
  { title: "^", query: (t) => db.selectFrom(t).select((eb) => eb("age", "^", 1).as("n")), ...onServers },
  {
    title: "between symmetric",
    query: (t) =>
      db
        .selectFrom(t)
        .selectAll()
        .where((eb) => eb.betweenSymmetric("age", 100, 1)),
    ...nowhere
  },
  {
    title: "casts to text and numbers",
    query: (t) =>
      db
        .selectFrom(t)
        .select((eb) => [
          eb.cast("age", "char").as("a"),
          eb.cast("age", "text").as("b"),
          eb.cast("age", "real").as("c"),
          eb.cast("age", "double precision").as("d"),
          eb.cast("age", "decimal").as("e")
        ]),
    ...everywhere
  },
  {
    title: "cast to a length",
    query: (t) => db.selectFrom(t).select((eb) => eb.cast("name", "char(2)").as("a")),
    ...onServers
  },
  {
    title: "cast to bytes",
    query: (t) => db.selectFrom(t).select((eb) => eb.cast("name", "binary").as("a")),
    ...onServers
  },
  {
    title: "cast to integer",
    query: (t) => db.selectFrom(t).select((eb) => eb.cast("name", "integer").as("a")),
    ...onSqlite
  },
  {
    title: "cast to date",
    query: (t) => db.selectFrom(t).select((eb) => eb.cast("age", "date").as("a")),
    ...onServers
  },
  {
    title: "a JSON path",
    query: (t) =>
      db
        .selectFrom(t)
        .select((eb) =>
          eb.fn<unknown>("json_extract", [eb.val("[1,2]"), eb.jsonPath<"name">().at("last" as never)]).as("last")
        ),
    ...everywhere
  },
  {
    title: "a place in JSON by a path",
    query: (t) =>
      db
        .selectFrom(t)
        .select((eb) =>
          eb
            .ref("name", "->$")
            .key("length" as never)
            .as("found")
        )
        .where("id", "=", 0),
    mysql: "runs",
    mariadb: "answered",
    sqlite: "runs"
  },
  {
    title: "a place in JSON by keys",
    query: (t) =>
      db
        .selectFrom(t)
        .select((eb) =>
          eb
            .ref("name", "->")
            .key("length" as never)
            .as("found")
        )
        .where("id", "=", 0),
    ...onSqlite
  },
  {
    title: "end case",
    query: (t) => db.selectFrom(t).select((eb) => eb.case().when("age", ">", 1).then(1).endCase().as("a")),
    ...nowhere
  },
  // inserts
  { title: "insert", query: (t) => db.insertInto(t).values({ name: "x", age: 1 }), ...everywhere },
  {
    title: "insert of several rows",
    query: (t) => db.insertInto(t).values([{ name: "x" }, { name: "y" }]),
    ...everywhere
  },
  {
    title: "insert of rows with other columns",
    query: (t) => db.insertInto(t).values([{ name: "x", age: 1 }, { name: "y" }]),
    ...onServers
  },
  { title: "insert of defaults", query: (t) => db.insertInto(t).defaultValues(), ...everywhere },
  { title: "insert of nothing", query: (t) => db.insertInto(t).values({} as never), ...everywhere },
  { title: "insert of several nothings", query: (t) => db.insertInto(t).values([{}, {}] as never), ...onServers },
  {
    title: "insert of a select",
    query: (t) =>
      db
        .insertInto(t)
        .columns(["name", "age"])
        .expression(db.selectFrom(t).select(["name", "age"])),
    ...everywhere
  },
  {
    title: "insert returning",
    query: (t) => db.insertInto(t).values({ name: "x" }).returning("id"),
    mysql: "answered",
    mariadb: "runs",
    sqlite: "runs"
  },
  { title: "insert ignore", query: (t) => db.insertInto(t).ignore().values({ id: 1, name: "x" }), ...everywhere },
  { title: "insert or replace", query: (t) => db.insertInto(t).orReplace().values({ id: 1, name: "x" }), ...onSqlite },
  { title: "replace", query: (t) => db.replaceInto(t).values({ id: 1, name: "x" }), ...everywhere },
  {
    title: "on duplicate key update",
    query: (t) => db.insertInto(t).values({ id: 1, name: "x" }).onDuplicateKeyUpdate({ name: "y" }),
    ...onServers
  },
  {
    title: "on conflict do update",
    query: (t) =>
      db
        .insertInto(t)
        .values({ id: 1, name: "x" })
        .onConflict((oc) => oc.column("id").doUpdateSet({ name: "y" }).where("age", ">", 1)),
    ...onSqlite
  },
  {
    title: "a select on conflict do nothing",
    query: (t) =>
      db
        .insertInto(t)
        .columns(["id", "name"])
        .expression(db.selectFrom(t).select(["id", "name"]))
        .onConflict((oc) => oc.doNothing()),
    ...onSqlite
  },
  {
    title: "on conflict on constraint",
    query: (t) =>
      db
        .insertInto(t)
        .values({ name: "x" })
        .onConflict((oc) => oc.constraint("x").doNothing()),
    ...nowhere
  },
  { title: "output", query: (t) => db.insertInto(t).values({ name: "x" }).output("inserted.id"), ...nowhere },
  {
    title: "merge",
    query: (t) => db.mergeInto(t).using(`${t} as o`, `${t}.id`, "o.id").whenMatched().thenDelete(),
    ...nowhere
  },
  {
    title: "insert after with",
    query: (t) =>
      db
        .with("x", (db) => db.selectFrom(t).select("id"))
        .insertInto(t)
        .values({ name: "x" }),
    ...onSqlite
  },
  // updates and deletes
  {
    title: "update after with",
    query: (t) =>
      db
        .with("x", (db) => db.selectFrom(t).select("id"))
        .updateTable(t)
        .set({ age: 1 })
        .where("id", "in", (eb) => eb.selectFrom("x").select("id")),
    mysql: "runs",
    mariadb: "answered",
    sqlite: "runs"
  },
  {
    title: "update with a table before its column",
    query: (t) => db.updateTable(`${t} as p`).set("p.name", "x"),
    ...onServers
  },
  { title: "update", query: (t) => db.updateTable(t).set({ name: "x" }).where("id", "=", 1), ...everywhere },
  {
    title: "update of an alias",
    query: (t) => db.updateTable(`${t} as p`).set("name", "x").where("p.id", "=", 1),
    ...everywhere
  },
  {
    title: "update from",
    query: (t) => db.updateTable(t).from(`${t} as o`).set({ name: "x" }).whereRef("o.id", "=", `${t}.id`),
    ...onSqlite
  },
  {
    title: "update of several tables",
    query: (t) =>
      db
        .updateTable([`${t} as a`, `${t} as b`])
        .set("a.name", "x")
        .whereRef("a.id", "=", "b.id"),
    ...onServers
  },
  {
    title: "update with a limit",
    query: (t) => db.updateTable(t).set({ age: 1 }).orderBy("id").limit(1),
    ...onServers
  },
  {
    title: "update returning",
    query: (t) => db.updateTable(t).set({ age: 1 }).returning("id"),
    ...onSqlite
  },
  { title: "update of nothing", query: (t) => db.updateTable(t).set({}), ...nowhere },
  { title: "delete", query: (t) => db.deleteFrom(t).where("id", "=", 1), ...everywhere },
  { title: "delete with a limit", query: (t) => db.deleteFrom(t).orderBy("id").limit(1), ...onServers },
  {
    title: "delete returning",
    query: (t) => db.deleteFrom(t).where("id", "=", 1).returning(["id"]),
    mysql: "answered",
    mariadb: "runs",
    sqlite: "runs"
  },
  {
    title: "delete with a limit, returning",
    query: (t) => db.deleteFrom(t).orderBy("id").limit(1).returning(["id"]),
    mysql: "answered",
    mariadb: "runs",
    sqlite: "refused"
  },
  {
    title: "delete using",
    query: (t) =>
      db
        .deleteFrom(t)
        .using([t, `${t} as b`])
        .whereRef("b.id", "=", `${t}.id`),
    ...onServers
  },
  // definitions
  {
    title: "create table",
    query: (t) =>
      db.schema
        .createTable(`${t}_made`)
        .ifNotExists()
        .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
        .addColumn("word", "varchar(20)", (c) => c.notNull().unique().defaultTo("it's \\ 'x'"))
        .addColumn("parent", "integer", (c) => c.references(`${t}.id`).onDelete("cascade"))
        .addColumn("twice", "integer", (c) => c.generatedAlwaysAs(sql`other * 2`).stored())
        .addColumn("other", "integer")
        .addCheckConstraint(`${t}_check`, sql`word <> ''`)
        .addUniqueConstraint(`${t}_unique`, ["word", "parent"])
        .addForeignKeyConstraint(`${t}_key`, ["other"], t, ["id"]),
    ...everywhere
  },
  {
    title: "create temporary table",
    query: (t) =>
      db.schema.createTable(`${t}_temporary`).temporary().addColumn("at", "datetime").addColumn("on", "boolean"),
    ...everywhere
  },
  {
    title: "create table on commit",
    query: (t) => db.schema.createTable(`${t}_made`).temporary().onCommit("drop").addColumn("a", "integer"),
    ...nowhere
  },
  {
    title: "types of others",
    query: (t) => db.schema.createTable(`${t}_made`).addColumn("a", "jsonb"),
    ...nowhere
  },
  {
    title: "unsigned columns",
    query: (t) =>
      db.schema
        .createTable(`${t}_temporary`)
        .temporary()
        .addColumn("a", "integer", (c) => c.unsigned()),
    ...onServers
  },
  {
    title: "autoincrement of what is no key",
    query: (t) =>
      db.schema
        .createTable(`${t}_temporary`)
        .temporary()
        .addColumn("a", "integer", (c) => c.autoIncrement().unique()),
    ...onServers
  },
  {
    title: "create table with parameters",
    query: (t) => db.schema.createTable(`${t}_made`).addColumn("a", "integer", (c) => c.defaultTo(sql`${1}`)),
    ...nowhere
  },
  {
    title: "add a column",
    query: (t) => db.schema.alterTable(t).addColumn("more", "integer"),
    ...everywhere
  },
  {
    title: "add a column if it is not there",
    query: (t) => db.schema.alterTable(t).addColumn("more", "integer", (c) => c.ifNotExists()),
    mysql: "answered",
    mariadb: "runs",
    sqlite: "refused"
  },
  { title: "rename a column", query: (t) => db.schema.alterTable(t).renameColumn("age", "years"), ...everywhere },
  { title: "drop a column", query: (t) => db.schema.alterTable(t).dropColumn("age"), ...everywhere },
  {
    title: "several alterations",
    query: (t) => db.schema.alterTable(t).addColumn("a", "integer").addColumn("b", "integer"),
    ...onServers
  },
  {
    title: "modify a column",
    query: (t) => db.schema.alterTable(t).modifyColumn("age", "bigint"),
    ...onServers
  },
  {
    title: "the default of a column",
    query: (t) => db.schema.alterTable(t).alterColumn("age", (c) => c.setDefault(7)),
    ...onServers
  },
  {
    title: "the type of a column",
    query: (t) => db.schema.alterTable(t).alterColumn("age", (c) => c.setDataType("bigint")),
    ...nowhere
  },
  {
    title: "add a constraint",
    query: (t) => db.schema.alterTable(t).addUniqueConstraint(`${t}_u`, ["name", "age"]),
    ...onServers
  },
  {
    title: "add a column with a foreign key",
    query: (t) => db.schema.alterTable(t).addColumn("parent", "integer", (c) => c.references(`${t}.id`)),
    ...onSqlite
  },
  {
    title: "create index",
    query: (t) => db.schema.createIndex(`${t}_i`).on(t).columns(["name", "age desc"]),
    ...everywhere
  },
  {
    title: "create unique index where",
    query: (t) => db.schema.createIndex(`${t}_i`).on(t).column("name").unique().where(sql<boolean>`age > 1`),
    ...onSqlite
  },
  { title: "drop index by name", query: (t) => db.schema.dropIndex(`${t}_i`).ifExists(), ...onSqlite },
  {
    title: "create view",
    query: (t) => db.schema.createView(`${t}_view`).as(db.selectFrom(t).select("id").where("name", "=", "it's \\")),
    ...everywhere
  },
  {
    title: "create or replace view",
    query: (t) => db.schema.createView(`${t}_view`).orReplace().as(db.selectFrom(t).select("id")),
    ...onServers
  },
  {
    title: "materialized views",
    query: (t) => db.schema.createView(`${t}_view`).materialized().as(db.selectFrom(t).select("id")),
    ...nowhere
  },
  { title: "drop view", query: (t) => db.schema.dropView(`${t}_none`).ifExists(), ...everywhere },
  { title: "drop table", query: (t) => db.schema.dropTable(`${t}_none`).ifExists(), ...everywhere },
  { title: "drop table cascade", query: (t) => db.schema.dropTable(`${t}_none`).ifExists().cascade(), ...nowhere },
  { title: "create type", query: (t) => db.schema.createType(`${t}_type`).asEnum(["a"]), ...nowhere },
  { title: "create schema", query: (t) => db.schema.createSchema(`${t}_schema`).ifNotExists(), ...onServers }
]

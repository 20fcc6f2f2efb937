// Cases for Ddl and Inspector: what a definition makes is what the database says of it.
import { describe, expect, it } from "@effect/vitest"
import { Effect, Either, Option } from "effect"
import { Engine, type Errors } from "effect-sa"
import * as Inspector from "effect-sa/Inspector"
import type {
  CheckDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  ServerDefault,
  SqlType
} from "effect-sa/TableDefinition"
import { type Backend, tableName, withEngine } from "../support/Backend.js"
import {
  actionsOf,
  column,
  create,
  drop,
  expectInspected,
  id,
  inOwnDatabase,
  inspected,
  int,
  made,
  quiet,
  quoted,
  tableOf,
  types,
  value,
  varchar
} from "../support/tables.js"

// ---------------------------------------------------------------------------------------------------------------------
// what every database keeps

/** Defaults, with the columns that they are of. */
const defaults: ReadonlyArray<readonly [SqlType, ServerDefault]> = [
  [int, value(0)],
  [int, value(-5)],
  [{ _tag: "Integer", size: "BIGINT", unsigned: false }, value(-9223372036854775808n)],
  [{ _tag: "Integer", size: "BIGINT", unsigned: false }, value(9007199254740993n)],
  [{ _tag: "Boolean" }, value(1)],
  [{ _tag: "Decimal", precision: 10, scale: 2, unsigned: false }, value("1.50")],
  [{ _tag: "Decimal", precision: 10, scale: 2, unsigned: false }, value("-0.25")],
  [{ _tag: "Double" }, value(1e100)],
  [{ _tag: "Double" }, value(-1.5)],
  [{ _tag: "Double" }, value(3)],
  [varchar(60), value("")],
  [varchar(60), value("NULL")],
  [varchar(60), value("current_timestamp()")],
  [varchar(60), value("1.5")],
  [varchar(60), value("'quoted'")],
  [varchar(60), value("0x41")],
  [varchar(60), value("b'1'")],
  [varchar(60), value('it\'s \\ "x" `y` \n\r\t % _ \\% ? ?? :a ö 你 😀 -- /* */ ;')],
  [{ _tag: "Char", length: 4 }, value("😀?")],
  [{ _tag: "Text", size: "NORMAL" }, value("it's \\ ö")],
  [{ _tag: "Json" }, value('{"a": "it\'s \\" \\\\"}')],
  [{ _tag: "Varbinary", length: 10 }, value("a'ö?")],
  [{ _tag: "Date" }, value("2024-02-29")],
  [{ _tag: "Time", fraction: 2 }, value("01:02:03.25")],
  [{ _tag: "DateTime", fraction: 0 }, value("2024-02-29 01:02:03")],
  [{ _tag: "Year" }, value(2024)],
  [{ _tag: "Enum", values: ["a", "it's", "back\\slash"] }, value("it's")],
  [{ _tag: "Enum", values: ["a", "it's", "back\\slash"] }, value("back\\slash")],
  [
    { _tag: "DateTime", fraction: 0 },
    { _tag: "CurrentTimestamp", fraction: 0 }
  ],
  [
    { _tag: "DateTime", fraction: 3 },
    { _tag: "CurrentTimestamp", fraction: 3 }
  ],
  [
    { _tag: "Timestamp", fraction: 6 },
    { _tag: "CurrentTimestamp", fraction: 6 }
  ],
  [int, { _tag: "Expression", sql: "1 + 2" }],
  [varchar(60), { _tag: "Expression", sql: "replace('it''s ö', 'x', 'y')" }]
]

/** Names that mean something to somebody on the way. */
const hostileNames = [
  "a b",
  "it's",
  'say "x"',
  "back`tick",
  "back\\slash",
  "a.b",
  "a,b",
  "close)",
  "(open",
  "[x]",
  "select",
  "primary",
  "constraint",
  "check",
  "key",
  "日本語",
  "Ärger",
  "semi;colon",
  "-- dash",
  "/* c */",
  "#hash",
  "que?ry",
  ":name",
  "@x",
  "%s",
  "$1",
  "new\nline",
  " leading"
]

export const inspectorContract = (backend: Backend): void => {
  const quote = (name: string): string => quoted(backend, name)

  describe("Ddl and Inspector", () => {
    withEngine(
      backend,
      "a table of every type comes back with its types",
      () =>
        Effect.gen(function* () {
          const columns = types.map((type, place) => column(`c${place}`, type))
          // Long columns have a table for each kind: a row of a server has 64 KB.
          const [wide, rest] = [
            columns.filter(({ type }) => type._tag === "Varchar"),
            columns.filter(({ type }) => type._tag !== "Varchar")
          ]
          for (const each of [tableOf(tableName(), wide), tableOf(tableName(), rest)]) {
            yield* made(each)
            yield* expectInspected(each, backend)
            const strict = {
              ...each,
              name: tableName(),
              columns: each.columns
                .filter(({ type }) => type._tag !== "Timestamp")
                .map((every) => ({ ...every, nullable: false }))
            }
            yield* made(strict)
            yield* expectInspected(strict, backend)
          }
        }),
      quiet(backend)
    )

    withEngine(backend, "every kind of default comes back as it was given", () =>
      Effect.gen(function* () {
        const definition = tableOf(
          tableName(),
          defaults.map(([type, fallback], place) => column(`c${place}`, type, { default: fallback }))
        )
        yield* made(definition)
        const found = yield* expectInspected(definition, backend)
        // The database fills them in.
        yield* Engine.execute(`INSERT INTO ${definition.name} (c0) VALUES (1)`)
        const row = Option.getOrThrow(
          (yield* Engine.execute(`SELECT * FROM ${definition.name}`, undefined, { integers: "bigint" })).first
        )
        const text = defaults.findIndex(([, fallback]) => fallback._tag === "Value" && fallback.value === "NULL")
        expect(row[text]).toBe("NULL")
        const all = defaults.findIndex(([, fallback]) => fallback._tag === "Value" && /你/.test(`${fallback.value}`))
        expect(found.columns[all]?.default).toEqual(value(String(row[all])))
      })
    )

    withEngine(backend, "a default of NULL is none", () =>
      Effect.gen(function* () {
        const definition = tableOf(tableName(), [
          column("a", varchar(5), { default: { _tag: "Value", value: null } }),
          column("b", { _tag: "Text", size: "NORMAL" }, { default: { _tag: "Value", value: null } })
        ])
        yield* made(definition)
        const found = yield* Inspector.columns(definition.name)
        expect(found.map((each) => each.default)).toEqual([undefined, undefined])
      })
    )

    withEngine(backend, "a key that counts up by itself comes back as one, and counts", () =>
      Effect.gen(function* () {
        const definition = tableOf(
          tableName(),
          [
            column("id", { _tag: "Integer", size: "BIGINT", unsigned: true }, { nullable: false, autoIncrement: true }),
            column("x", int)
          ],
          { primaryKey: ["id"] }
        )
        yield* made(definition)
        yield* expectInspected(definition, backend)
        expect((yield* Engine.execute(`INSERT INTO ${definition.name} (x) VALUES (1)`)).lastInsertId).toBe(1)
        expect((yield* Engine.execute(`INSERT INTO ${definition.name} (x) VALUES (1)`)).lastInsertId).toBe(2)
      })
    )

    withEngine(backend, "keys, unique constraints and indexes come back with their columns in order", () =>
      Effect.gen(function* () {
        const name = tableName()
        const definition = tableOf(
          name,
          ["a", "b", "c", "d"].map((each) => column(each, int, { nullable: each === "d" })),
          {
            primaryKey: ["c", "a"],
            indexes: [
              { name: `${name}_1`, columns: ["b", "a"], unique: true },
              { name: `${name}_2`, columns: ["d"], unique: true },
              { name: `${name}_3`, columns: ["d", "b", "c"], unique: false },
              { name: `${name}_4`, columns: ["a"], unique: false }
            ]
          }
        )
        yield* made(definition)
        yield* expectInspected(definition, backend)
        expect(yield* Inspector.primaryKey(name)).toEqual(["c", "a"])
        expect(yield* Inspector.indexes(name)).toEqual(definition.indexes)
      })
    )

    withEngine(backend, "foreign keys come back with their columns and what becomes of their rows", () =>
      Effect.gen(function* () {
        const [parent, child] = [tableName(), tableName()]
        const columns = [
          column("x", int, { nullable: false }),
          column("y", varchar(20), { nullable: false }),
          column("z", int)
        ]
        const other = tableOf(parent, columns, {
          primaryKey: ["x"],
          indexes: [{ name: `${parent}_yx`, columns: ["y", "x"], unique: true }]
        })
        const actions = actionsOf(backend)
        const foreignKeys = actions.flatMap((onDelete, i) =>
          actions.map(
            (onUpdate, j): ForeignKeyDefinition => ({
              name: `${child}_${i}${j}`,
              columns: [`c${i}${j}`],
              referencedTable: parent,
              referencedColumns: ["x"],
              onDelete,
              onUpdate
            })
          )
        )
        const definition = tableOf(
          child,
          [
            id,
            ...foreignKeys.map((key) => column(key.columns[0] ?? "", int)),
            column("own", int),
            column("q", int),
            column("p", varchar(20))
          ],
          {
            primaryKey: ["id"],
            indexes: [{ name: `${child}_mine`, columns: ["own"], unique: false }],
            foreignKeys: [
              ...foreignKeys,
              {
                name: `${child}_self`,
                columns: ["own"],
                referencedTable: child,
                referencedColumns: ["id"],
                onDelete: "cascade",
                onUpdate: "no action"
              },
              {
                name: `${child}_two`,
                columns: ["p", "q"],
                referencedTable: parent,
                referencedColumns: ["y", "x"],
                onDelete: "restrict",
                onUpdate: "cascade"
              }
            ]
          }
        )
        yield* made(other, definition)
        // Those that InnoDB made for the foreign keys are not among the indexes; the program's own is.
        yield* expectInspected(definition, backend)
        expect(yield* Inspector.foreignKeys(child)).toHaveLength(actions.length ** 2 + 2)
      })
    )

    withEngine(backend, "checks come back by name, and mean what they meant", () =>
      Effect.gen(function* () {
        const name = tableName()
        const definition = tableOf(name, [column("a b", int), column("t", varchar(40)), column("json", varchar(40))], {
          checks: [
            { name: `${name}_1`, expression: `${quote("a b")} > -10 and ${quote("a b")} < 10` },
            { name: `${name}_2`, expression: `${quote("t")} <> 'it''s ) ö, ( -- '` },
            { name: `${name}_3`, expression: `length(${quote("t")}) > 1 or (${quote("t")} is null)` }
          ]
        })
        yield* made(definition)
        const found = yield* expectInspected(definition, backend)
        const again = { ...found, name: tableName(), checks: found.checks.map(renamed) }
        yield* made(again)
        expect((yield* inspected(again.name)).checks).toEqual(again.checks)
        for (const table of [name, again.name]) {
          const insert = (t: string) => Engine.execute(`INSERT INTO ${table} (${quote("a b")}, t) VALUES (1, ?)`, [t])
          expect(yield* Effect.flip(insert("it's ) ö, ( -- "))).toMatchObject({ reason: "CheckViolation" })
          expect((yield* insert("it''s")).rowCount).toBe(1)
        }
      })
    )

    withEngine(backend, "a table whose names are hostile is made and found by them", () =>
      Effect.gen(function* () {
        yield* inOwnDatabase(
          backend,
          Effect.gen(function* () {
            const names = backend.isServer ? hostileNames : [...hostileNames, "😀", "trailing "]
            for (const name of names) {
              const other = `${name}2`
              const definition = tableOf(
                name,
                [
                  { ...id, name },
                  column(other, varchar(50), { comment: name, default: value(name) }),
                  column("e", { _tag: "Enum", values: [name.trimEnd(), "x"] }),
                  column("f", int)
                ],
                {
                  primaryKey: [name],
                  indexes: [
                    { name: `u${name}`, columns: [other], unique: true },
                    // MySQL has an index of this name for the primary key.
                    { name: `i${name}`, columns: ["f", name], unique: false }
                  ],
                  foreignKeys: [
                    {
                      name: `f${name}`,
                      columns: ["f"],
                      referencedTable: name,
                      referencedColumns: [name],
                      onDelete: "cascade",
                      onUpdate: "no action"
                    }
                  ],
                  checks: [{ name: `c${name}`, expression: `${quote(other)} <> ${quote("e")}` }],
                  comment: name
                }
              )
              yield* create(definition)
              yield* expectInspected(definition, backend)
              expect(yield* Inspector.tableNames).toEqual([name])
              expect(yield* Inspector.hasTable(name)).toBe(true)
              const { dialect } = yield* Engine.Engine
              const insert = `INSERT INTO ${dialect.quoteIdentifier(name)} (${dialect.quoteIdentifier(name)}) VALUES (1)`
              yield* Engine.execute(insert)
              yield* drop(name)
              expect(yield* Inspector.hasTable(name)).toBe(false)
            }
          })
        )
      })
    )

    withEngine(backend, "a column with hostile enum values takes them and no others", () =>
      Effect.gen(function* () {
        const values = ["it's", "x', 'y", "\\", "\\'", "a)", "?", ":a", "new\nline", "日本", "%"]
        const definition = tableOf(tableName(), [column("e", { _tag: "Enum", values })])
        yield* made(definition)
        yield* expectInspected(definition, backend)
        for (const each of values) yield* Engine.execute(`INSERT INTO ${definition.name} VALUES (?)`, [each])
        const rows = yield* Engine.execute(`SELECT e FROM ${definition.name}`)
        expect(rows.rows.map((row) => row[0])).toEqual(values)
        yield* Effect.flip(Engine.execute(`INSERT INTO ${definition.name} VALUES ('other')`))
      })
    )

    withEngine(backend, "a table that is not there is none, and what is of it a typed error", () =>
      Effect.gen(function* () {
        const name = tableName()
        expect(yield* Inspector.table(name)).toEqual(Option.none())
        expect(yield* Inspector.hasTable(name)).toBe(false)
        const looks = [
          Inspector.columns(name),
          Inspector.primaryKey(name),
          Inspector.indexes(name),
          Inspector.foreignKeys(name),
          Inspector.checks(name),
          Inspector.tables([name])
        ]
        for (const look of looks)
          expect(yield* Effect.flip(look as Effect.Effect<unknown, Errors.ExecuteError, Engine.Engine>)).toMatchObject({
            _tag: "ProgrammingError",
            reason: "NoSuchTable",
            message: `there is no table "${name}"`
          })
      })
    )

    withEngine(backend, "a table is found by its own name, and by none that is like it", () =>
      inOwnDatabase(
        backend,
        Effect.gen(function* () {
          for (const name of ["é", "straße", "A_b", "x%"]) yield* create(tableOf(name, [id]))
          expect(yield* Inspector.tableNames).toEqual(["A_b", "straße", "x%", "é"])
          for (const like of ["e", "strasse", "axb", "xyz", "x%%", "", "é "]) {
            expect([like, yield* Inspector.hasTable(like)]).toEqual([like, false])
            expect([like, yield* Inspector.table(like)]).toEqual([like, Option.none()])
          }
          // Where the database takes a_B for A_b, so does the inspector.
          const { dialect } = yield* Engine.Engine
          const answer = yield* Effect.either(Engine.execute(`SELECT 1 FROM ${dialect.quoteIdentifier("a_B")}`))
          const found = yield* Inspector.table("a_B")
          expect(Option.isSome(found)).toBe(Either.isRight(answer))
          expect(yield* Inspector.hasTable("a_B")).toBe(Either.isRight(answer))
        })
      )
    )

    withEngine(backend, "looks on the connection of the transaction that it is in", () =>
      Effect.gen(function* () {
        const [before, within] = [tableName(), tableName()]
        yield* made(tableOf(before, [id]))
        const seen = yield* Engine.transaction(
          Effect.gen(function* () {
            if (backend.transactionalDdl) yield* create(tableOf(within, [id, column("a", int)]))
            return [
              yield* Inspector.hasTable(before),
              (yield* Inspector.tables([before])).length,
              yield* Inspector.hasTable(within),
              yield* Effect.flatMap(Engine.Engine, (engine) => Effect.map(engine.pool.numbers, ({ size }) => size))
            ]
          }).pipe(Effect.flatMap((answers) => Effect.fail(answers)))
        ).pipe(Effect.flip)
        expect(seen).toEqual([true, 1, backend.transactionalDdl, 1])
        expect(yield* Inspector.hasTable(within)).toBe(false)
      })
    )

    withEngine(backend, "views are no tables", () =>
      inOwnDatabase(
        backend,
        Effect.gen(function* () {
          yield* create(tableOf("t", [id]))
          yield* Engine.execute("CREATE VIEW v AS SELECT id FROM t")
          expect(yield* Inspector.tableNames).toEqual(["t"])
          expect(yield* Inspector.viewNames).toEqual(["v"])
          expect(yield* Inspector.hasTable("v")).toBe(false)
          expect((yield* Inspector.tables()).map(({ name }) => name)).toEqual(["t"])
        })
      )
    )

    withEngine(backend, "a table that is there already is left alone with ifNotExists, and a typed error without", () =>
      Effect.gen(function* () {
        const name = tableName()
        const definition = tableOf(name, [id, column("a", int)], {
          primaryKey: ["id"],
          indexes: [{ name: `${name}_a`, columns: ["a"], unique: false }]
        })
        yield* made(definition)
        yield* create(definition, true)
        expect(yield* Effect.flip(create(definition))).toMatchObject({ reason: "TableExists" })
        yield* expectInspected(definition, backend)
      })
    )

    withEngine(
      backend,
      "reads catalogs the same whatever the engine's options for values are",
      () =>
        Effect.gen(function* () {
          const name = tableName()
          const definition = tableOf(name, [id, column("a", { _tag: "Boolean" }, { default: value(1) })], {
            primaryKey: ["id"],
            indexes: [{ name: `${name}_a`, columns: ["a"], unique: true }]
          })
          yield* made(definition)
          yield* expectInspected(definition, backend)
        }),
      {
        integers: "bigint",
        booleans: "boolean",
        decoders: { VARCHAR: () => "decoded", TEXT: () => "decoded", INT: () => "decoded", BIGINT: () => "decoded" }
      }
    )
  })

  if (backend.isServer) serverContract(backend)
  else embeddedContract(backend)
}

const renamed = (check: CheckDefinition): CheckDefinition => ({ ...check, name: `${check.name}_again` })

// ---------------------------------------------------------------------------------------------------------------------
// what only servers have

const serverContract = (backend: Backend): void => {
  describe("Ddl and Inspector on a server", () => {
    withEngine(backend, "comments and ON UPDATE CURRENT_TIMESTAMP come back", () =>
      Effect.gen(function* () {
        const comment = 'it\'s \\ "x" ö \n `y` ?'
        const definition = tableOf(
          tableName(),
          [
            column("a", int, { comment }),
            column("b", { _tag: "DateTime", fraction: 3 }, { onUpdateCurrentTimestamp: true }),
            column(
              "c",
              { _tag: "Timestamp", fraction: 0 },
              {
                nullable: false,
                onUpdateCurrentTimestamp: true,
                default: { _tag: "CurrentTimestamp", fraction: 0 },
                comment: "NULL"
              }
            )
          ],
          { comment }
        )
        yield* made(definition)
        yield* expectInspected(definition, backend)
      })
    )

    withEngine(backend, "a default that the server shows with a question mark is given as it is", () =>
      Effect.gen(function* () {
        const given = ["😀", "?", "a😀?b"]
        const definition = tableOf(tableName(), [
          id,
          ...given.map((each, place) => column(`c${place}`, varchar(9), { nullable: false, default: value(each) })),
          ...given.map((each, place) => column(`n${place}`, { _tag: "Char", length: 9 }, { default: value(each) }))
        ])
        yield* made(definition)
        // MariaDB says what a column's default is by a row, where the column is NOT NULL.
        yield* Engine.execute(`INSERT INTO ${definition.name} (id) VALUES (1)`)
        yield* expectInspected(definition, backend)
      })
    )

    withEngine(
      backend,
      "indexes that are more than columns come back with their definitions, and can be made by them",
      () =>
        Effect.gen(function* () {
          const name = tableName()
          const lower = backend.name === "mysql" ? ", KEY functional ((lower(t))), KEY mixed (id, (id + 1))" : ""
          yield* Effect.acquireRelease(
            Engine.execute(
              `CREATE TABLE ${name} (id INT PRIMARY KEY, t VARCHAR(200), FULLTEXT KEY ft (t), KEY prefix (t(10), id), KEY down (id DESC), KEY plain (id)${lower})`
            ),
            () => Effect.orDie(drop(name))
          )
          const found = yield* inspected(name)
          const details = found.indexes.filter((index) => index.definition !== undefined).map((index) => index.name)
          // MariaDB 10.8 and later have descending indexes.
          expect(details).toEqual(["down", "ft", ...(lower === "" ? [] : ["functional", "mixed"]), "prefix"])
          expect(found.indexes.find((index) => index.name === "prefix")).toEqual({
            name: "prefix",
            columns: ["t", "id"],
            unique: false,
            definition: "KEY `prefix` (`t`(10),`id`)"
          })
          const again = { ...found, name: tableName() }
          yield* made(again)
          expect((yield* inspected(again.name)).indexes).toEqual(found.indexes)
        })
    )

    withEngine(backend, "generated columns come back with their expressions, and can be made by them", () =>
      Effect.gen(function* () {
        const name = tableName()
        yield* Effect.acquireRelease(
          Engine.execute(
            `CREATE TABLE ${name} (a INT, t VARCHAR(20), b INT AS (a + 1) STORED, c VARCHAR(50) AS (concat(t, 'it''s ö')) VIRTUAL)`
          ),
          () => Effect.orDie(drop(name))
        )
        const found = yield* inspected(name)
        expect(found.columns.map((each) => each.generated?.stored)).toEqual([undefined, undefined, true, false])
        expect(found.columns[3]?.generated?.sql).toContain("'it''s ö'")
        const again = { ...found, name: tableName() }
        yield* made(again)
        expect(yield* inspected(again.name)).toEqual(again)
        yield* Engine.execute(`INSERT INTO ${again.name} (a, t) VALUES (1, 'x')`)
        const row = (yield* Engine.execute(`SELECT b, c FROM ${again.name}`)).rows[0]
        expect([row?.[0], row?.[1]]).toEqual([2, "xit's ö"])
      })
    )

    withEngine(backend, "tables that others have made come back, foreign keys without names among them", () =>
      Effect.gen(function* () {
        const [parent, child] = [tableName(), tableName()]
        yield* Engine.execute(
          `CREATE TABLE ${parent} (id INT(7) ZEROFILL PRIMARY KEY, s SET('a','b'), b BIT(5) DEFAULT b'101', f FLOAT(7,3))`
        )
        yield* Engine.execute(
          `CREATE TABLE ${child} (id INT UNSIGNED ZEROFILL, n INT(5) UNSIGNED ZEROFILL, x VARBINARY(3) DEFAULT x'00ff', FOREIGN KEY (id) REFERENCES ${parent} (id), KEY n (n)) COMMENT 'c'`
        )
        yield* Effect.addFinalizer(() => Effect.orDie(Effect.zipRight(drop(child), drop(parent))))
        const found = yield* inspected(parent)
        expect(found.columns.map(({ type }) => type)).toMatchObject([
          { _tag: "Other", name: expect.stringMatching(/^int(?:\(7\))? unsigned zerofill$/) },
          { _tag: "Other", name: "set('a','b')" },
          { _tag: "Other", name: "bit(5)" },
          { _tag: "Other", name: "float(7,3)" }
        ])
        expect(found.columns[2]?.default).toEqual({ _tag: "Expression", sql: "b'101'" })
        const other = yield* inspected(child)
        expect(other.foreignKeys).toMatchObject([
          { columns: ["id"], referencedTable: parent, referencedColumns: ["id"] }
        ])
        // The index that InnoDB made for the foreign key has the name of its column.
        expect(other.indexes).toEqual([{ name: "n", columns: ["n"], unique: false }])
        expect(other.columns[2]?.default).toEqual({ _tag: "Expression", sql: "x'00ff'" })
      })
    )

    it.live(`what is read is the same in a session with ANSI_QUOTES and NO_BACKSLASH_ESCAPES [${backend.name}]`, () =>
      Effect.gen(function* () {
        const definition = tableOf(
          tableName(),
          [
            column("a", varchar(30), { default: value('it\'s \\ "x"?') }),
            column("e", { _tag: "Enum", values: ["back\\slash", "it's", 'say "x"'] }),
            column("n", int, { default: { _tag: "Expression", sql: "1 + 1" } }),
            column("j", { _tag: "Json" })
          ],
          { checks: [{ name: tableName("chk"), expression: "`a` <> 'x'" }] }
        )
        const strict = {
          ...definition,
          name: tableName(),
          checks: [{ name: tableName("chk"), expression: "a <> 'x'" }]
        }
        yield* Effect.gen(function* () {
          yield* made(definition)
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* made(strict)
              yield* expectInspected(strict, backend)
              yield* expectInspected(definition, backend)
            })
          ).pipe(Effect.provide(Engine.layer({ url: backend.url, sqlMode: "ANSI_QUOTES,NO_BACKSLASH_ESCAPES" })))
        }).pipe(Effect.scoped, Effect.provide(Engine.layer({ url: backend.url })))
      })
    )
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// what only an embedded database has

const embeddedContract = (backend: Backend): void => {
  describe("Ddl and Inspector on SQLite", () => {
    withEngine(
      backend,
      "tables that others have made come back: without names, with options of columns, in any case",
      () =>
        Effect.gen(function* () {
          yield* Engine.execute(
            `CREATE TABLE Other (
             Id integer primary key, -- a comment, with (
             [a b] text not null default 'it''s, (' collate nocase unique,
             n numeric(8,3) check (n > 0) references parent,
             d datetime default current_timestamp, untyped,
             g int generated always as (ID + 1) stored,
             check (length("a b") > 1), unique (N, id)
             constraint named foreign key (id, n) references parent (x, y) on delete set default on update restrict
           )`
          )
          yield* Engine.execute(
            "CREATE TABLE parent (x int, y int, z int, primary key (z), unique (x, y)) without rowid"
          )
          yield* Engine.execute(`CREATE INDEX down ON Other (n desc)`)
          yield* Engine.execute(`CREATE UNIQUE INDEX partly ON Other (n, lower([a b])) WHERE n > 1`)
          const found = yield* inspected("OTHER")
          expect(found).toEqual({
            name: "Other",
            columns: [
              { ...id, name: "Id" },
              column("a b", { _tag: "Text", size: "NORMAL" }, { nullable: false, default: value("it's, (") }),
              column("n", { _tag: "Decimal", precision: 8, scale: 3, unsigned: false }),
              column("d", { _tag: "DateTime", fraction: 0 }, { default: { _tag: "CurrentTimestamp", fraction: 0 } }),
              column("untyped", { _tag: "Other", name: "" }),
              { ...column("g", int), generated: { sql: "ID + 1", stored: true } }
            ],
            primaryKey: ["Id"],
            indexes: [
              { name: "Other_uq_1", columns: ["a b"], unique: true },
              { name: "Other_uq_2", columns: ["n", "Id"], unique: true },
              { name: "down", columns: ["n"], unique: false, definition: "CREATE INDEX down ON Other (n desc)" },
              {
                name: "partly",
                columns: ["n"],
                unique: true,
                definition: "CREATE UNIQUE INDEX partly ON Other (n, lower([a b])) WHERE n > 1"
              }
            ] satisfies ReadonlyArray<IndexDefinition>,
            foreignKeys: [
              {
                name: "Other_ibfk_1",
                columns: ["n"],
                referencedTable: "parent",
                referencedColumns: ["z"],
                onDelete: "no action",
                onUpdate: "no action"
              },
              {
                name: "named",
                columns: ["Id", "n"],
                referencedTable: "parent",
                referencedColumns: ["x", "y"],
                onDelete: "set default",
                onUpdate: "restrict"
              }
            ] satisfies ReadonlyArray<ForeignKeyDefinition>,
            checks: [
              { name: "Other_chk_1", expression: "n > 0" },
              { name: "Other_chk_2", expression: 'length("a b") > 1' }
            ],
            comment: undefined
          })
          expect((yield* inspected("parent")).primaryKey).toEqual(["z"])
          expect(yield* Inspector.tableNames).toEqual(["Other", "parent"])
          // What was found can be made.
          const again = yield* inOwnDatabase(
            backend,
            Effect.gen(function* () {
              yield* create({ ...found, foreignKeys: [] })
              return yield* inspected("Other")
            })
          )
          expect(again).toEqual({ ...found, foreignKeys: [] })
        })
    )

    withEngine(backend, "a table that was altered comes back as it is now", () =>
      Effect.gen(function* () {
        const name = tableName()
        const enumOf = column("e", { _tag: "Enum", values: ["a", "b"] })
        yield* made(tableOf(name, [id, enumOf], { primaryKey: ["id"] }))
        yield* Engine.execute(`ALTER TABLE ${name} ADD COLUMN "x ) y" INT NOT NULL DEFAULT -5 CHECK ("x ) y" < 10)`)
        yield* Engine.execute(`ALTER TABLE ${name} ADD COLUMN other REFERENCES ${name}`)
        yield* Engine.execute(`ALTER TABLE ${name} RENAME COLUMN id TO number`)
        expect(yield* inspected(name)).toEqual(
          tableOf(
            name,
            [
              { ...id, name: "number" },
              enumOf,
              column("x ) y", int, { nullable: false, default: value(-5) }),
              column("other", { _tag: "Other", name: "" })
            ],
            {
              primaryKey: ["number"],
              foreignKeys: [
                {
                  name: `${name}_ibfk_1`,
                  columns: ["other"],
                  referencedTable: name,
                  referencedColumns: ["number"],
                  onDelete: "no action",
                  onUpdate: "no action"
                }
              ],
              checks: [{ name: `${name}_chk_1`, expression: '"x ) y" < 10' }]
            }
          )
        )
      })
    )

    withEngine(
      backend,
      "the time of now has as many digits as its column, and on SQLite milliseconds, as a Date that is bound",
      () =>
        Effect.gen(function* () {
          const columns = [0, 1, 3, 6].map((fraction) =>
            column(`c${fraction}`, { _tag: "DateTime", fraction }, { default: { _tag: "CurrentTimestamp", fraction } })
          )
          const definition = tableOf(tableName(), [id, ...columns], { primaryKey: ["id"] })
          yield* made(definition)
          yield* Engine.execute(`INSERT INTO ${definition.name} (id) VALUES (1)`)
          const row = (yield* Engine.execute(`SELECT * FROM ${definition.name}`, undefined, { dateTimes: "string" }))
            .rows[0]
          expect([1, 2, 3, 4].map((place) => String(row?.[place]).length)).toEqual(
            backend.isServer ? [19, 21, 23, 26] : [23, 23, 23, 26]
          )
          expect(String(row?.[4])).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}000$/)
        })
    )

    withEngine(backend, "an unsigned decimal refuses what is below zero", () =>
      Effect.gen(function* () {
        const definition = tableOf(tableName(), [
          column("d", { _tag: "Decimal", precision: 5, scale: 2, unsigned: true })
        ])
        yield* made(definition)
        yield* expectInspected(definition, backend)
        yield* Engine.execute(`INSERT INTO ${definition.name} VALUES (1.5)`)
        expect(yield* Effect.flip(Engine.execute(`INSERT INTO ${definition.name} VALUES (-1.5)`))).toMatchObject({
          reason: "CheckViolation"
        })
      })
    )
  })
}

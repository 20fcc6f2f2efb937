import { ArgumentError, NotSupportedError } from "effect-sa/Errors"
import * as Ddl from "effect-sa/Ddl"
import type { Dialect } from "effect-sa/Dialect"
import type {
  ColumnDefinition,
  ForeignKeyDefinition,
  ServerDefault,
  SqlType,
  TableDefinition
} from "effect-sa/TableDefinition"
import { dialect as mysql, withModes } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"
import { describe, expect, it } from "vitest"
import { column, id, int, tableOf, types, value, varchar } from "../support/tables.js"

const made = (definition: TableDefinition, dialect: Dialect, ifNotExists = false): ReadonlyArray<string> => {
  const statements = Ddl.createTable(definition, dialect, { ifNotExists })
  if (statements instanceof Error) throw statements
  return statements
}

const refused = (definition: TableDefinition, dialect: Dialect): string => {
  const answer = Ddl.createTable(definition, dialect)
  expect(answer).toBeInstanceOf(ArgumentError)
  return answer instanceof Error ? answer.message : ""
}

const reference = (name: string, referencedTable: string, columns = ["id"]): ForeignKeyDefinition => ({
  name,
  columns,
  referencedTable,
  referencedColumns: columns,
  onDelete: "no action",
  onUpdate: "no action"
})

const person = tableOf(
  "person",
  [
    column("id", int, { nullable: false, autoIncrement: true }),
    column("name", varchar(50), { nullable: false, comment: "it's" }),
    column("kind", { _tag: "Enum", values: ["a", "it's"] }, { default: value("it's") }),
    column(
      "at",
      { _tag: "DateTime", fraction: 3 },
      {
        default: { _tag: "CurrentTimestamp", fraction: 3 },
        onUpdateCurrentTimestamp: true
      }
    ),
    column("boss", int)
  ],
  {
    primaryKey: ["id"],
    indexes: [
      { name: "by_name", columns: ["name"], unique: true },
      { name: "by_kind", columns: ["kind", "name"], unique: false }
    ],
    foreignKeys: [{ ...reference("to_boss", "person", ["boss"]), referencedColumns: ["id"], onDelete: "set null" }],
    checks: [{ name: "named", expression: "name <> ''" }],
    comment: "people"
  }
)

describe("Ddl.createTable", () => {
  it("makes a table of MySQL by one statement, with its indexes and comments", () => {
    expect(made(person, mysql)).toEqual([
      "create table `person` (`id` INT not null auto_increment, `name` VARCHAR(50) not null comment 'it''s', " +
        "`kind` ENUM('a', 'it''s') default 'it''s', " +
        "`at` DATETIME(3) default current_timestamp(3) on update current_timestamp(3), `boss` INT , " +
        "index `by_kind` (`kind`, `name`), primary key (`id`), constraint `by_name` unique (`name`), " +
        "constraint `to_boss` foreign key (`boss`) references `person` (`id`) on delete set null on update no action, " +
        "constraint `named` check (name <> '')) default character set utf8mb4 comment 'people'"
    ])
  })

  it("makes a table of SQLite with checks for what it has no types for, and its indexes after it", () => {
    expect(made(person, sqlite, true)).toEqual([
      'create table if not exists "person" ("id" INTEGER not null primary key autoincrement, "name" VARCHAR(50) not null, ' +
        "\"kind\" VARCHAR(4) default 'it''s', " +
        "\"at\" DATETIME(3) default (substr(strftime('%Y-%m-%d %H:%M:%f', 'now'), 1, 23) || ''), \"boss\" INT, " +
        'constraint "by_name" unique ("name"), ' +
        'constraint "to_boss" foreign key ("boss") references "person" ("id") on delete set null on update no action, ' +
        "constraint \"enum_kind\" check (\"kind\" in ('a', 'it''s')), constraint \"named\" check (name <> ''))",
      'create index if not exists "by_kind" on "person" ("kind", "name")'
    ])
  })

  it("takes a name with dots for one name", () => {
    const definition = tableOf("a.b.c as d", [column("e.f", int)], {
      foreignKeys: [reference("g.h", "i.j", ["e.f"])]
    })
    expect(made(definition, mysql)[0]).toContain("create table `a.b.c as d` (`e.f` INT, constraint `g.h` foreign key")
    expect(made(definition, sqlite)[0]).toContain('references "i.j" ("e.f")')
    expect(Ddl.dropTable("a.b", sqlite, { ifExists: true })).toBe('drop table if exists "a.b"')
    expect(Ddl.dropTable("a.`b", mysql)).toBe("drop table `a.``b`")
  })

  it("writes strings as the session reads them", () => {
    const definition = tableOf("t", [column("a", varchar(9), { default: value("a\\'b") })])
    expect(made(definition, mysql)[0]).toContain("default 'a\\\\''b'")
    expect(made(definition, withModes("NO_BACKSLASH_ESCAPES"))[0]).toContain("default 'a\\''b'")
    expect(made(definition, sqlite)[0]).toContain("default 'a\\''b'")
  })

  it("gives a literal default of TEXT, BLOB and JSON to MySQL as an expression", () => {
    const definition = tableOf("t", [
      column("a", { _tag: "Text", size: "LONG" }, { default: value("x") }),
      column("b", { _tag: "Json" }, { default: value("[]") }),
      column("c", varchar(1), { default: value("x") }),
      column("d", { _tag: "Text", size: "TINY" }, { default: { _tag: "Value", value: null } })
    ])
    expect(made(definition, mysql)[0]).toBe(
      "create table `t` (`a` LONGTEXT default ('x'), `b` JSON default ('[]'), `c` VARCHAR(1) default 'x', " +
        "`d` TINYTEXT default NULL) default character set utf8mb4"
    )
  })

  it("makes the columns of a primary key NOT NULL, and says of a TIMESTAMP of MySQL that it can be NULL", () => {
    const definition = tableOf("t", [column("a", int), column("b", { _tag: "Timestamp", fraction: 0 })], {
      primaryKey: ["a"]
    })
    expect(made(definition, mysql)[0]).toContain("`a` INT not null, `b` TIMESTAMP null")
    expect(made(definition, sqlite)[0]).toContain('"a" INT not null, "b" TIMESTAMP, primary key ("a")')
  })

  it("refuses on SQLite to count up by a column that is not the whole key", () => {
    const definition = tableOf("t", [column("a", int, { nullable: false, autoIncrement: true }), column("b", int)], {
      primaryKey: ["a", "b"]
    })
    expect(Ddl.createTable(definition, sqlite)).toBeInstanceOf(NotSupportedError)
    expect(made(definition, mysql)[0]).toContain("auto_increment")
  })
})

/** One wrong thing each: what is said of it, and the dialects that it is wrong for. */
const wrong: ReadonlyArray<readonly [said: string, definition: TableDefinition, dialects?: ReadonlyArray<Dialect>]> = [
  ["table name", tableOf("", [id])],
  ["table name: expected a name without", tableOf("a\0b", [id])],
  ["table name: expected 64 at the most", tableOf("x".repeat(65), [id])],
  ["table name: expected well-formed", tableOf("x\ud800", [id])],
  ["table name", tableOf("x ", [id]), [mysql]],
  ["beyond U+FFFF", tableOf("x😀", [id]), [mysql]],
  ["sqlite_", tableOf("SQLite_x", [id]), [sqlite]],
  ['table "t": expected one at the least, got no columns', tableOf("t", [])],
  ['column name of table "t"', tableOf("t", [{ ...id, name: "" }])],
  ['column "ID" of table "t": expected names of their own', tableOf("t", [id, { ...id, name: "ID" }])],
  [
    'index "X" of table "t": expected names',
    tableOf("t", [id], {
      indexes: [
        { name: "x", columns: ["id"], unique: false },
        { name: "X", columns: ["id"], unique: true }
      ]
    })
  ],
  [
    'foreign key "x" of table "t": expected names',
    tableOf("t", [id], { foreignKeys: [reference("x", "t"), reference("x", "t")] })
  ],
  [
    'check "x" of table "t": expected names',
    tableOf("t", [id], {
      checks: [
        { name: "x", expression: "id > 1" },
        { name: "x", expression: "id > 2" }
      ]
    })
  ],
  [
    'check "enum_e" of table "t": expected names',
    tableOf("t", [column("e", { _tag: "Enum", values: ["a"] })], {
      checks: [{ name: "enum_e", expression: "1 = 1" }]
    }),
    [sqlite]
  ],
  ['primary key of table "t": expected columns of the table', tableOf("t", [id], { primaryKey: ["x"] })],
  ['primary key of table "t": expected each column once', tableOf("t", [id], { primaryKey: ["id", "id"] })],
  [
    'index "x" of table "t": expected columns of the table',
    tableOf("t", [id], { indexes: [{ name: "x", columns: ["Id"], unique: false }] })
  ],
  [
    'index "x" of table "t": expected one at the least',
    tableOf("t", [id], { indexes: [{ name: "x", columns: [], unique: false }] })
  ],
  [
    "the name of the primary key",
    tableOf("t", [id], { indexes: [{ name: "primary", columns: ["id"], unique: false }] }),
    [mysql]
  ],
  [
    'foreign key "f" of table "t": expected as many as they refer to, got 1 columns that refer to 2',
    tableOf("t", [id], { foreignKeys: [{ ...reference("f", "u"), referencedColumns: ["a", "b"] }] })
  ],
  [
    'foreign key "f" of table "t": expected columns of the table',
    tableOf("t", [id], { foreignKeys: [reference("f", "u", ["x"])] })
  ],
  [
    'columns that foreign key "f" of table "t" refers to',
    tableOf("t", [id], { foreignKeys: [{ ...reference("f", "t"), referencedColumns: ["x"] }] })
  ],
  ["that is NOT NULL", tableOf("t", [id], { foreignKeys: [{ ...reference("f", "u"), onDelete: "set null" }] })],
  ["a definition that cannot be read", tableOf("t", [column("a", { _tag: "Enum", values: [1, null] as never })])],
  ["a definition that cannot be read", tableOf("t", [id], { checks: [{ name: "c", expression: 5 as never }] })],
  ["a definition that cannot be read", tableOf("t", [id], { primaryKey: "id" as never })],
  ["a definition that cannot be read", tableOf("t", [column("a", int, { default: value(Symbol("x") as never) })])],
  [
    "an action that is not known",
    tableOf("t", [id], { foreignKeys: [{ ...reference("f", "u"), onDelete: "cascade, x int" as never }] })
  ],
  [
    "an action that is not known",
    tableOf("t", [id], { foreignKeys: [{ ...reference("f", "u"), onUpdate: "cascade) , (x" as never }] })
  ],
  [
    "a size that is not known",
    tableOf("t", [column("a", { _tag: "Integer", size: "INT, x INT" as never, unsigned: false })])
  ],
  ["a size that is not known", tableOf("t", [column("a", { _tag: "Text", size: "x INT, a " as never })])],
  ["a size that is not known", tableOf("t", [column("a", { _tag: "Blob", size: "x INT, a " as never })])],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: "1) , (x" }] })],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: "(1" }] })],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: "id = 'x" }] })],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: "1; drop table t" }] })],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: "id = 'x''" }] })],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: '"id' }] })],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: "[id" }] }), [sqlite]],
  ["a part of an expression", tableOf("t", [id], { checks: [{ name: "c", expression: "id > 1\\) or (1" }] })],
  ["with a comment", tableOf("t", [id], { checks: [{ name: "c", expression: "1 /* x" }] })],
  ["with a comment", tableOf("t", [id], { checks: [{ name: "c", expression: "1 -- x" }] })],
  ["empty expression", tableOf("t", [id], { checks: [{ name: "c", expression: " " }] })],
  ["marker", tableOf("t", [id], { checks: [{ name: "c", expression: "id > ?" }] })],
  [
    'column "b" of table "t": expected one, got a second auto-increment column',
    tableOf("t", [{ ...id, autoIncrement: true }, column("b", int, { autoIncrement: true })], { primaryKey: ["id"] })
  ],
  ["no key's first", tableOf("t", [{ ...id, autoIncrement: true }, column("b", int)], { primaryKey: ["b", "id"] })],
  [
    "expected an Integer, got auto-increment of a Varchar",
    tableOf("t", [column("a", varchar(3), { autoIncrement: true })], { primaryKey: ["a"] })
  ],
  [
    'default of column "a" of table "t": expected a DateTime or Timestamp with as many digits',
    tableOf("t", [column("a", int, { default: { _tag: "CurrentTimestamp", fraction: 0 } })])
  ],
  [
    "with as many digits",
    tableOf("t", [
      column("a", { _tag: "DateTime", fraction: 3 }, { default: { _tag: "CurrentTimestamp", fraction: 0 } })
    ])
  ],
  ["ON UPDATE CURRENT_TIMESTAMP of a Integer", tableOf("t", [column("a", int, { onUpdateCurrentTimestamp: true })])],
  [
    "the column is NOT NULL",
    tableOf("t", [column("a", int, { nullable: false, default: { _tag: "Value", value: null } })])
  ],
  ["beyond 64 bits", tableOf("t", [column("a", int, { default: value(2n ** 64n) })])],
  [
    "a definition of another database",
    tableOf("t", [id], {
      indexes: [{ name: "x", columns: ["id"], unique: false, definition: "CREATE INDEX x ON t (id DESC)" }]
    }),
    [mysql]
  ],
  [
    "a definition of another database",
    tableOf("t", [id], {
      indexes: [{ name: "x", columns: ["id"], unique: false, definition: "KEY x (id DESC)" }]
    }),
    [sqlite]
  ],
  [
    "that is NOT NULL",
    tableOf("t", [column("id", int)], {
      primaryKey: ["id"],
      foreignKeys: [{ ...reference("f", "u"), onUpdate: "set null" }]
    })
  ],
  ["finite number", tableOf("t", [column("a", int, { default: value(Number.NaN) })])],
  ["one of its values", tableOf("t", [column("a", { _tag: "Enum", values: ["x"] }, { default: value("y") })])],
  ["got 3 characters", tableOf("t", [column("a", varchar(2), { default: value("abc") })])],
  ["above 2^63-1", tableOf("t", [column("a", int, { default: value(2n ** 63n) })]), [sqlite]],
  ["characters beyond U+FFFF", tableOf("t", [column("a", int, { comment: "😀" })]), [mysql]],
  ["expected 1024 at the most", tableOf("t", [column("a", int, { comment: "x".repeat(1025) })]), [mysql]],
  ['comment of table "t": expected 2048', tableOf("t", [id], { comment: "x".repeat(2049) }), [mysql]],
  [
    "generated column with another value",
    tableOf("t", [column("a", int, { generated: { sql: "1", stored: true }, default: value(1) })])
  ]
]

/** Types that no server has, or that it changes. */
const wrongTypes: ReadonlyArray<readonly [said: string, type: SqlType, dialects?: ReadonlyArray<Dialect>]> = [
  ["from 0 to 255", { _tag: "Char", length: 256 }, [mysql]],
  ["length -1", { _tag: "Char", length: -1 }],
  ["length 1.5", { _tag: "Binary", length: 1.5 }],
  ["length NaN", { _tag: "Varchar", length: Number.NaN }],
  ["from 0 to 16383", { _tag: "Varchar", length: 16_384 }, [mysql]],
  ["from 0 to 65535", { _tag: "Varbinary", length: 65_536 }, [mysql]],
  ["from 1 to 65", { _tag: "Decimal", precision: 66, scale: 0, unsigned: false }],
  ["precision 0", { _tag: "Decimal", precision: 0, scale: 0, unsigned: false }],
  ["scale 3", { _tag: "Decimal", precision: 2, scale: 3, unsigned: false }],
  ["scale 39", { _tag: "Decimal", precision: 60, scale: 39, unsigned: false }],
  ["from 0 to 6", { _tag: "Time", fraction: 7 }],
  ["fraction -1", { _tag: "DateTime", fraction: -1 }],
  ["fraction 0.5", { _tag: "Timestamp", fraction: 0.5 }],
  ["no values", { _tag: "Enum", values: [] }],
  ["a value twice", { _tag: "Enum", values: ["a", "b", "a"] }],
  ["NUL character", { _tag: "Enum", values: ["a\0"] }],
  ["ends with a space", { _tag: "Enum", values: ["a "] }, [mysql]],
  ["beyond U+FFFF", { _tag: "Enum", values: ["😀"] }, [mysql]],
  ["over 255 characters", { _tag: "Enum", values: ["x".repeat(256)] }, [mysql]],
  ["a part of an expression", { _tag: "Other", name: "int, x int" }],
  ["a part of an expression", { _tag: "Other", name: "int) x (" }],
  ["a type without a name", { _tag: "Other", name: " " }, [mysql]]
]

describe("Ddl refuses before anything is sent", () => {
  for (const [place, [said, definition, dialects = [mysql, sqlite]]] of wrong.entries()) {
    it(`what is wrong, by its name: ${said} (${place})`, () => {
      for (const dialect of [mysql, sqlite]) {
        if (dialects.includes(dialect)) expect(refused(definition, dialect)).toContain(said)
        else expect(made(definition, dialect)).not.toEqual([])
      }
    })
  }

  for (const [said, type, dialects = [mysql, sqlite]] of wrongTypes) {
    it(`the type of a column: ${said} of ${type._tag}`, () => {
      for (const dialect of [mysql, sqlite]) {
        const definition = tableOf("t", [column("a", type)])
        const text = Ddl.typeText(type, dialect)
        if (dialects.includes(dialect)) {
          expect(refused(definition, dialect)).toContain(said)
          expect(refused(definition, dialect)).toContain('column "a" of table "t"')
          expect(text).toBeInstanceOf(ArgumentError)
        } else expect(typeof text).toBe("string")
      }
    })
  }

  it("never with a value in what it says", () => {
    const secret = "s3cret"
    const columns: ReadonlyArray<Partial<ColumnDefinition>> = [
      { default: value(`${secret}\ud800`) },
      { comment: `${secret}😀` },
      { type: { _tag: "Enum", values: [secret, secret] } },
      { type: { _tag: "Enum", values: ["a"] }, default: value(secret) }
    ]
    for (const rest of columns)
      expect(refused(tableOf("t", [{ ...column("a", varchar(99)), ...rest }]), mysql)).not.toContain(secret)
  })
})

describe("Ddl.typeText", () => {
  it("has a name for every type in every dialect, the same but for what SQLite does not have", () => {
    for (const type of types) {
      const [there, here] = [Ddl.typeText(type, mysql), Ddl.typeText(type, sqlite)]
      if (type._tag === "Enum") expect(here).toMatch(/^VARCHAR\(\d+\)$/)
      else expect(here).toBe(type._tag === "Decimal" ? String(there).replace(" UNSIGNED", "") : there)
    }
  })

  it("makes room for the longest value of an enum, in characters", () => {
    expect(Ddl.typeText({ _tag: "Enum", values: ["a", "😀😀😀"] }, sqlite)).toBe("VARCHAR(3)")
    expect(Ddl.typeText({ _tag: "Enum", values: [""] }, sqlite)).toBe("VARCHAR(1)")
  })
})

describe("Ddl.sortTables", () => {
  const table = (name: string, ...to: ReadonlyArray<string>): TableDefinition =>
    tableOf(name, [id], { foreignKeys: to.map((other) => reference(`${name}_${other}`, other)) })

  const order = (...tables: ReadonlyArray<TableDefinition>): ReadonlyArray<string> | string => {
    const answer = Ddl.sortTables(tables)
    return answer instanceof ArgumentError ? answer.message : answer.map(({ name }) => name)
  }

  it("puts what is referred to first, and leaves the rest as it was given", () => {
    expect(order(table("c", "b"), table("x"), table("b", "a"), table("a"), table("y", "a"))).toEqual([
      "a",
      "b",
      "c",
      "x",
      "y"
    ])
    expect(order(table("b"), table("a"))).toEqual(["b", "a"])
    expect(order()).toEqual([])
  })

  it("takes a table that refers to itself, or to one that is not among them", () => {
    expect(order(table("a", "a", "elsewhere"))).toEqual(["a"])
  })

  it("names the circle of those that refer to one another", () => {
    expect(order(table("x"), table("a", "b"), table("b", "c"), table("c", "b"))).toContain(
      'a circle: "b" refers to "c" refers to "b"'
    )
  })

  it("knows a table by a name in another case where no other has it", () => {
    expect(order(table("child", "PARENT"), table("parent"))).toEqual(["parent", "child"])
    expect(order(table("child", "PARENT"), table("parent"), table("PARENT"))).toEqual(["PARENT", "child", "parent"])
  })

  it("takes many tables in a row without recursing too deep", () => {
    const many = Array.from({ length: 3000 }, (_, place) =>
      table(`t${place}`, ...(place < 2999 ? [`t${place + 1}`] : []))
    )
    expect(order(...many)).toEqual(many.map(({ name }) => name).toReversed())
  })
})

describe("Ddl and defaults", () => {
  const text = (type: SqlType, fallback: ServerDefault, dialect: Dialect): string =>
    /"?`?a`?"? \S+(?: UNSIGNED)? default (.*?)\)(?: default character set utf8mb4)?$/s.exec(
      made(tableOf("t", [column("a", type, { default: fallback })]), dialect)[0] ?? ""
    )?.[1] ?? ""

  it("are literals of the dialect, and expressions in parentheses", () => {
    for (const dialect of [mysql, sqlite]) {
      expect(text(int, value(-5), dialect)).toBe("-5")
      expect(text(int, value(9007199254740993n), dialect)).toBe("9007199254740993")
      expect(text({ _tag: "Double" }, value(1.5), dialect)).toBe("1.5e0")
      expect(text(varchar(20), value("'); drop table t; --"), dialect)).toBe("'''); drop table t; --'")
      expect(text(int, { _tag: "Expression", sql: "1 + 2" }, dialect)).toBe("(1 + 2)")
    }
  })
})

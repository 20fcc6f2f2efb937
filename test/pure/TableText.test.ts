import { dialect as mysql } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"
import { unquotedName, unquotedText } from "effect-sa/SqlWords"
import { tableText } from "effect-sa/TableText"
import type { SqlType } from "effect-sa/TableDefinition"
import { expressionOf, type Reading, sqlDefault, typeOf, valueDefault, valuesIn } from "effect-sa/TypeText"
import { describe, expect, it } from "vitest"
import { int, types, varchar } from "../support/tables.js"
import * as Ddl from "effect-sa/Ddl"

const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`
const server: Reading = { lexicon: mysql.lexicon, session: mysql.lexicon, quoteText }
const embedded: Reading = { lexicon: sqlite.lexicon, session: sqlite.lexicon, quoteText }

describe("tableText", () => {
  it("reads columns and constraints in order, with quotes of every kind and without commas", () => {
    const text = tableText(
      `CREATE TABLE "t (x)" ( -- a, b (
        [a ] b] INT DEFAULT -1.5e-3 CONSTRAINT n1 CHECK ([a ] b] <> 'x), (' ) UNIQUE,
        "check" TEXT DEFAULT 'it''s, (' /* , */ COLLATE NOCASE REFERENCES other(x) ON DELETE SET NULL,
        'lit' DEFAULT (1 + (2)) NOT NULL, key VARCHAR(10) DEFAULT "dq" PRIMARY KEY AUTOINCREMENT,
        g GENERATED ALWAYS AS (a || ')') STORED,
        CONSTRAINT "n ""2" UNIQUE ("check", lit COLLATE NOCASE DESC)
        CONSTRAINT n3 FOREIGN KEY (a, lit) REFERENCES other CHECK (1)
      )`.replaceAll("[a ] b]", "[a b]"),
      sqlite.lexicon
    )
    expect(text.columns).toEqual([
      { name: "a b", autoIncrement: false, default: "-1.5e-3", generated: undefined },
      { name: "check", autoIncrement: false, default: "'it''s, ('", generated: undefined },
      { name: "lit", autoIncrement: false, default: "(1 + (2))", generated: undefined },
      { name: "key", autoIncrement: true, default: '"dq"', generated: undefined },
      { name: "g", autoIncrement: false, default: undefined, generated: { sql: "a || ')'", stored: true } }
    ])
    expect(text.uniques).toEqual([
      { name: undefined, columns: ["a b"] },
      { name: 'n "2', columns: ["check", "lit"] }
    ])
    expect(text.foreignKeys).toEqual([{ name: undefined }, { name: "n3" }])
    expect(text.checks).toEqual([
      { name: "n1", expression: "[a b] <> 'x), ('" },
      { name: undefined, expression: "1" }
    ])
  })

  it("reads what a server shows, its indexes as they stand", () => {
    const text = tableText(
      "CREATE TABLE `t` (\n  `a``b` varchar(3) DEFAULT 0x41,\n  `e` enum('x'',','\\\\') DEFAULT '\\\\',\n  `b` bit(3) DEFAULT b'101',\n" +
        "  `c` int DEFAULT (json_extract(_utf8mb4'a,)',_utf8mb4'$')) COMMENT 'CHECK (1)',\n  `d` datetime DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),\n" +
        "  PRIMARY KEY (`b`),\n  UNIQUE KEY `u` (`e`),\n  KEY `k (` (`e`(1),`b` DESC),\n  FULLTEXT KEY `f` (`e`) /*!50100 WITH PARSER `ngram` */ ,\n" +
        "  CONSTRAINT `fk` FOREIGN KEY (`b`) REFERENCES `o` (`x`) ON DELETE CASCADE,\n  CONSTRAINT `c` CHECK ((`b` <> _utf8mb4'it\\'s')) /*!80016 NOT ENFORCED */\n) ENGINE=InnoDB COMMENT='KEY x (y)'",
      mysql.lexicon
    )
    expect(text.columns.map(({ name, default: fallback }) => [name, fallback])).toEqual([
      ["a`b", "0x41"],
      ["e", "'\\\\'"],
      ["b", "b'101'"],
      ["c", "(json_extract(_utf8mb4'a,)',_utf8mb4'$'))"],
      ["d", "CURRENT_TIMESTAMP(3)"]
    ])
    expect(text.indexes).toEqual([
      { name: "u", definition: "UNIQUE KEY `u` (`e`)" },
      { name: "k (", definition: "KEY `k (` (`e`(1),`b` DESC)" },
      { name: "f", definition: "FULLTEXT KEY `f` (`e`) /*!50100 WITH PARSER `ngram` */" }
    ])
    expect(text.foreignKeys).toEqual([{ name: "fk" }])
    expect(text.checks).toEqual([{ name: "c", expression: "(`b` <> _utf8mb4'it\\'s')" }])
    expect(text.uniques).toEqual([])
  })

  it("finds nothing in a virtual table, nor in a text that is cut", () => {
    const none = { columns: [], uniques: [], foreignKeys: [], checks: [], indexes: [] }
    expect(tableText("CREATE VIRTUAL TABLE f USING fts5(a, b)", sqlite.lexicon)).toEqual(none)
    expect(tableText("CREATE TABLE t", sqlite.lexicon)).toEqual(none)
    expect(tableText("", sqlite.lexicon)).toEqual(none)
    for (const whole of ["CREATE TABLE t (a INT DEFAULT -1, CHECK (a > (1)), CONSTRAINT x UNIQUE (a, b))"])
      for (let end = 0; end < whole.length; end++)
        expect(tableText(whole.slice(0, end), sqlite.lexicon).columns.length).toBeLessThan(3)
  })
})

describe("typeOf", () => {
  it("reads what Ddl writes", () => {
    for (const dialect of [mysql, sqlite])
      for (const type of types) {
        const text = Ddl.typeText(type, dialect)
        // SQLite says by a check what an enum and an unsigned decimal are.
        if (dialect === sqlite && (type._tag === "Enum" || (type._tag === "Decimal" && type.unsigned))) continue
        expect(typeOf(String(text), dialect.lexicon)).toEqual(type)
      }
  })

  it("reads types by their other names, and display widths", () => {
    const read: ReadonlyArray<readonly [string, SqlType]> = [
      ["int(11)", int],
      ["integer", int],
      ["bigint(20) unsigned", { _tag: "Integer", size: "BIGINT", unsigned: true }],
      ["tinyint(4)", { _tag: "Integer", size: "TINYINT", unsigned: false }],
      ["tinyint(1)", { _tag: "Boolean" }],
      ["tinyint(1) unsigned", { _tag: "Integer", size: "TINYINT", unsigned: true }],
      ["bool", { _tag: "Boolean" }],
      ["numeric(8)", { _tag: "Decimal", precision: 8, scale: 0, unsigned: false }],
      ["decimal(8,3) unsigned", { _tag: "Decimal", precision: 8, scale: 3, unsigned: true }],
      ["double precision", { _tag: "Double" }],
      ["REAL", { _tag: "Double" }],
      ["year(4)", { _tag: "Year" }],
      ["char", { _tag: "Char", length: 1 }]
    ]
    for (const [text, type] of read) expect([text, typeOf(text, mysql.lexicon)]).toEqual([text, type])
  })

  it("leaves what it does not know as it is", () => {
    const others = [
      "",
      "int(11) zerofill",
      "float(7,3)",
      "float unsigned",
      "decimal",
      "set('a','b')",
      "uuid",
      "vector(3)"
    ]
    for (const text of [...others, "varchar", "varchar(max)", "bit(5)", "int(1,2)", "text(9)", "constructor"])
      expect([text, typeOf(text, mysql.lexicon)]).toEqual([text, { _tag: "Other", name: text }])
  })
})

describe("defaults and expressions", () => {
  it("are values where they are literals, in the type of their column", () => {
    const read: ReadonlyArray<readonly [string, SqlType, unknown]> = [
      ["NULL", int, undefined],
      ["(null)", int, undefined],
      ["'NULL'", varchar(9), { _tag: "Value", value: "NULL" }],
      ["-5", int, { _tag: "Value", value: -5 }],
      ["9007199254740993", int, { _tag: "Value", value: 9007199254740993n }],
      ["'5'", int, { _tag: "Value", value: 5 }],
      ["1.50", { _tag: "Decimal", precision: 5, scale: 2, unsigned: false }, { _tag: "Value", value: "1.50" }],
      ["1.5e0", { _tag: "Decimal", precision: 5, scale: 2, unsigned: false }, { _tag: "Value", value: "1.5" }],
      ["1e100", { _tag: "Double" }, { _tag: "Value", value: 1e100 }],
      ["5", varchar(9), { _tag: "Value", value: 5 }],
      ["true", { _tag: "Boolean" }, { _tag: "Value", value: 1 }],
      ["true", varchar(9), { _tag: "Expression", sql: "true" }],
      ["(_utf8mb4'it''s')", varchar(9), { _tag: "Value", value: "it's" }],
      ["(1 + 2)", int, { _tag: "Expression", sql: "1 + 2" }],
      ["(1) + (2)", int, { _tag: "Expression", sql: "(1) + (2)" }],
      ["current_timestamp()", { _tag: "DateTime", fraction: 0 }, { _tag: "CurrentTimestamp", fraction: 0 }],
      ["CURRENT_TIMESTAMP(6)", { _tag: "Timestamp", fraction: 6 }, { _tag: "CurrentTimestamp", fraction: 6 }],
      ["now", { _tag: "DateTime", fraction: 0 }, { _tag: "CurrentTimestamp", fraction: 0 }],
      ["current_timestamp()", varchar(30), { _tag: "Expression", sql: "current_timestamp()" }],
      ["current_timestamp(3)", { _tag: "DateTime", fraction: 6 }, { _tag: "Expression", sql: "current_timestamp(3)" }],
      [
        "current_timestamp() + 1",
        { _tag: "DateTime", fraction: 0 },
        { _tag: "Expression", sql: "current_timestamp() + 1" }
      ]
    ]
    for (const [text, type, fallback] of read) expect([text, sqlDefault(text, type, server)]).toEqual([text, fallback])
    expect(valueDefault("text", int)).toEqual({ _tag: "Value", value: "text" })
  })

  it("keep what stands in strings and names, whatever it looks like", () => {
    expect(expressionOf("((`_utf8mb4` <> _utf8mb4'_utf8mb4\\'x)'))", server)).toBe("`_utf8mb4` <> '_utf8mb4''x)'")
    expect(expressionOf("a = 'x\\\\y'", server)).toBe("a = 'x\\y'")
    expect(expressionOf("a = 'x\\y' and \"b\" = 1", embedded)).toBe("a = 'x\\y' and \"b\" = 1")
    expect(expressionOf("", server)).toBe("")
  })

  it("gives the values that a column is in, and nothing for any other expression", () => {
    expect(valuesIn("\"a b\" in ('x', 'it''s', ', )')", "a b", sqlite.lexicon)).toEqual(["x", "it's", ", )"])
    for (const other of ["b in ('x')", "a in ('x') or 1", "a in (1)", "a in ('x' || 'y')", "a = 'x'", "a not in ('x')"])
      expect([other, valuesIn(other, "a", sqlite.lexicon)]).toEqual([other, undefined])
  })
})

describe("quotes", () => {
  it("are taken off names and texts", () => {
    for (const name of ['"a""b"', "`a``b`", "[a]", "a", "'a''b'"])
      expect(unquotedName(name).replaceAll(/["`']b/g, "")).toBe("a")
    expect(unquotedText("'it''s \\'\\n\\r\\t\\0\\Z\\b\\q\\%\\_\\\\'", mysql.lexicon)).toBe(
      "it's '\n\r\t\0\x1a\bq\\%\\_\\"
    )
    expect(unquotedText("'it''s \\'", sqlite.lexicon)).toBe("it's \\")
  })
})

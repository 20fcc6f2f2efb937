import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, FastCheck } from "effect"
import { tokens } from "effect-sa/Lexer"
import { dialect, inline, lexicon, literal, withModes } from "effect-sa/mysql/MysqlDialect"

const leaves = (sql: string): boolean => dialect.mayLeaveState(sql, tokens(sql, lexicon))

describe("mayLeaveState", () => {
  const harmless = [
    "SELECT 1",
    "select a, b from t where a in (1, 2) and (b = ? or c is null)",
    "SELECT COUNT(*), SUM(a), COALESCE(b, 'x') FROM t GROUP BY b HAVING COUNT(*) > 1",
    "SELECT COUNT(DISTINCT a) FROM t",
    "SELECT CAST(a AS DECIMAL(10, 2)), CAST(b AS CHAR(3)) FROM t",
    "SELECT EXTRACT(DAY FROM a), TRIM(LEADING 'x' FROM b) FROM t",
    "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t",
    "SELECT * FROM t JOIN u USING (id) WHERE EXISTS (SELECT 1 FROM v)",
    "SELECT * FROM (SELECT 1 AS a) AS d",
    "SELECT * FROM t WHERE a IN (SELECT a FROM u) AND NOT (b) AND c BETWEEN (1) AND (2)",
    "SELECT @@version, @@session.sql_mode",
    "SELECT 'GET_LOCK(1)', \"@a := 1\", `get_lock` FROM t -- GET_LOCK('a', 1)\n",
    "SELECT JSON_EXTRACT(a, '$.b'), IF(a, 1, 2), NOW(3) FROM t FOR UPDATE",
    "(SELECT 1) UNION (SELECT 2) ORDER BY 1 LIMIT 5",
    "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)",
    "INSERT INTO `db`.`t` (`a`) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
    "INSERT INTO db.t(a) SELECT a FROM u",
    "INSERT IGNORE t (a) VALUES (1)",
    "REPLACE INTO t (a) VALUES (1)",
    "UPDATE t SET a = a + 1, b = CONCAT(b, ?) WHERE id = ?",
    "DELETE FROM t WHERE id IN (?, ?)",
    "WITH x AS (SELECT 1 AS a) SELECT * FROM x",
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n",
    "WITH `x` (`a`, b) AS (SELECT 1, 2) SELECT COUNT(*) FROM x",
    "SHOW TABLES",
    "EXPLAIN SELECT * FROM t",
    "DESCRIBE t",
    "VALUES ROW(1), ROW(2)",
    "TABLE t",
    "BEGIN",
    "START TRANSACTION READ ONLY",
    "COMMIT",
    "ROLLBACK TO SAVEPOINT a",
    "SAVEPOINT `a`",
    "RELEASE SAVEPOINT a"
  ]
  for (const sql of harmless) {
    it(`lets pass: ${sql.trim()}`, () => {
      expect(leaves(sql)).toBe(false)
      expect(leaves(sql.toLowerCase())).toBe(false)
    })
  }

  const harmful = [
    "SET @a = 1",
    "SET SESSION sql_mode = ''",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "USE other",
    "SELECT GET_LOCK('a', 1)",
    "select get_lock ('a', 1)",
    "SELECT GET_LOCK/* x */('a', 1)",
    "SELECT GET_LOCK -- x\n ('a', 1)",
    "SELECT `GET_LOCK`('a', 1)",
    "SELECT IS_FREE_LOCK('a'), RELEASE_LOCK('a')",
    "SELECT 1 WHERE GET_LOCK(?, 1) = 1",
    "SELECT CONCAT(GET_LOCK('a', 1), 'x')",
    "SELECT TRIM('x' FROM GET_LOCK('a', 1))",
    "SELECT EXTRACT(DAY FROM my_function(1))",
    "SELECT SUBSTRING(my_function(1) FROM my_function(2))",
    "SELECT @a := 1",
    "SELECT a INTO @a FROM t",
    "SELECT @`a b` := 1",
    "SELECT /*!50000 @a := */ 1",
    "SELECT /*! GET_LOCK('a', 1) */",
    "/*! SET @a = 1 */",
    "SELECT my_function(1)",
    "SELECT db.my_function(1)",
    "SELECT `my_function`(1)",
    "SELECT `db`.`my_function`(1)",
    "INSERT INTO t (a) VALUES (my_function(1))",
    "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = my_function(a)",
    "UPDATE t SET a = my_function(a)",
    "DELETE FROM t WHERE a = (@x := 1)",
    "WITH x AS (SELECT GET_LOCK('a', 1) AS l) SELECT * FROM x",
    "WITH x AS (SELECT GET_LOCK(name, seconds) AS l FROM t) SELECT * FROM x",
    "WITH x AS (SELECT 1) SELECT `my_function`(1) FROM x",
    "WITH x AS (SELECT 1) SELECT my_function(1) FROM x",
    "CALL p()",
    "DO GET_LOCK('a', 1)",
    "LOCK TABLES t WRITE",
    "UNLOCK TABLES",
    "FLUSH TABLES WITH READ LOCK",
    "HANDLER t OPEN",
    "PREPARE s FROM 'SELECT 1'",
    "EXECUTE s",
    "XA START 'a'",
    "CREATE TEMPORARY TABLE t (a INT)",
    "LOAD DATA INFILE 'x' INTO TABLE t",
    "BEGIN NOT ATOMIC SET TRANSACTION READ ONLY; END",
    "CREATE TABLE t (a INT)",
    "KILL 5",
    "",
    "?"
  ]
  for (const sql of harmful) {
    it(`holds back: ${JSON.stringify(sql)}`, () => {
      expect(leaves(sql)).toBe(true)
      expect(leaves(sql.toLowerCase())).toBe(true)
    })
  }
})

describe("quoteIdentifier", () => {
  it("gives one identifier, whatever is in the name", () => {
    expect(dialect.quoteIdentifier("a")).toBe("`a`")
    expect(dialect.quoteIdentifier("a`b")).toBe("`a``b`")
    FastCheck.assert(
      FastCheck.property(
        FastCheck.oneof(
          FastCheck.string(),
          FastCheck.string({ unit: FastCheck.constantFrom("`", "\\", "'", '"', "?", "a", "--", "/*") })
        ),
        (name) => {
          const quoted = dialect.quoteIdentifier(name)
          expect(tokens(quoted, lexicon)).toEqual([{ kind: "quoted", start: 0, end: quoted.length }])
          expect(quoted.slice(1, -1).replaceAll("``", "`")).toBe(name)
        }
      )
    )
  })

  it("is what savepoints are named by", () => {
    expect(dialect.savepoint("a`b")).toBe("SAVEPOINT `a``b`")
    expect(dialect.rollbackToSavepoint("a")).toBe("ROLLBACK TO SAVEPOINT `a`")
    expect(dialect.releaseSavepoint("a")).toBe("RELEASE SAVEPOINT `a`")
  })
})

describe("begin", () => {
  it("gives the statements that begin a transaction so", () => {
    expect(dialect.begin({})).toEqual(["BEGIN"])
    expect(dialect.begin({ readOnly: false, consistentSnapshot: false })).toEqual(["BEGIN"])
    expect(dialect.begin({ readOnly: true })).toEqual(["START TRANSACTION READ ONLY"])
    expect(dialect.begin({ consistentSnapshot: true, readOnly: true })).toEqual([
      "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
    ])
    expect(dialect.begin({ isolationLevel: "read committed" })).toEqual([
      "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
      "START TRANSACTION"
    ])
    expect(dialect.sessionIsolation("serializable")).toBe("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
  })
})

/** What a server reads in a string literal. */
const meaning = (text: string, backslashes: boolean): string => {
  const escapes: Readonly<Record<string, string>> = { "0": "\0", n: "\n", r: "\r", t: "\t", b: "\b", Z: "\x1a" }
  let read = ""
  for (let i = 1; i < text.length - 1; i++) {
    const char = text[i] ?? ""
    if (char === "'") i++
    if (char === "\\" && backslashes) {
      const next = text[++i] ?? ""
      read += escapes[next] ?? next
    } else read += char
  }
  return read
}

const delicate = FastCheck.string({
  unit: FastCheck.constantFrom("'", "\\", '"', "\0", "\n", "?", "a", "0", "%", "😀", "-", " ", ";")
})

describe("literal", () => {
  it("is one string that means the text, with and without escapes by backslash", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.oneof(delicate, FastCheck.string({ unit: "binary" })),
        FastCheck.boolean(),
        (text, backslashes) => {
          const sql = literal(text, backslashes)
          expect(tokens(sql, { ...lexicon, backslashEscapes: backslashes })).toEqual([
            { kind: "string", start: 0, end: sql.length }
          ])
          expect(meaning(sql, backslashes)).toBe(text)
        }
      ),
      { numRuns: 1_000 }
    )
  })

  it("says what kind of value it is", () => {
    const cases: ReadonlyArray<readonly [Parameters<typeof literal>[0], string]> = [
      [null, "NULL"],
      [0, "0"],
      [-5, "-5"],
      [Number.MAX_SAFE_INTEGER, "9007199254740991"],
      [-0, "-0e0"],
      [0.5, "0.5e0"],
      [1e300, "1e+300"],
      [2 ** 53, "9007199254740992e0"],
      [5e-324, "5e-324"],
      [2n ** 64n - 1n, "18446744073709551615"],
      [-(2n ** 63n), "-9223372036854775808"],
      [new Date("2024-02-29T12:34:56.789Z"), "'2024-02-29 12:34:56.789'"],
      [BigDecimal.unsafeFromString("-1.50"), "-1.50"],
      [BigDecimal.make(12n, -3), "12000."],
      [new Uint8Array([0, 255, 39]), "_binary x'00ff27'"],
      [new Uint8Array(0), "_binary x''"]
    ]
    for (const [value, sql] of cases) {
      expect(literal(value, true)).toBe(sql)
      expect(literal(value, false)).toBe(sql)
    }
  })

  it("of bytes shows only the bytes of the view", () => {
    expect(literal(new Uint8Array([1, 2, 3, 4]).subarray(1, 3), true)).toBe("_binary x'0203'")
  })
})

describe("several statements in one text", () => {
  it("may leave anything, because only the first is looked at", () => {
    for (const sql of ["SELECT 1; LOCK TABLES t READ", "SELECT 1;SET @a = 1", "SELECT 1; SELECT 2"])
      expect([sql, leaves(sql)]).toEqual([sql, true])
    for (const sql of ["SELECT 1;", "SELECT 1 ; -- done", "SELECT ';', 1"])
      expect([sql, leaves(sql)]).toEqual([sql, false])
  })

  it("and a name in double quotes may be a function, where the session has ANSI_QUOTES", () => {
    expect(leaves('SELECT "f"(1)')).toBe(true)
    expect(leaves('SELECT "a", ("b")')).toBe(false)
  })
})

describe("inline", () => {
  it("puts each parameter in the place of its marker, and leaves all else as it is", () => {
    const sql = "SELECT ?, '?', `?`, /* ? */ ? -- ?\n, ?"
    expect(inline(sql, ["a?", 2, null], true)).toBe("SELECT 'a?', '?', `?`, /* ? */ 2 -- ?\n, NULL")
    expect(inline("SELECT 1", [], true)).toBe("SELECT 1")
    expect(inline("SELECT '\\'?', ?", [1], true)).toBe("SELECT '\\'?', 1")
    expect(inline("SELECT '\\', ?", [1], false)).toBe("SELECT '\\', 1")
  })

  it("gives a text in which no parameter has become anything but a value", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(delicate, { minLength: 1, maxLength: 5 }),
        FastCheck.boolean(),
        (texts, backslashes) => {
          const sql = inline(`SELECT ${texts.map(() => "?").join(", ")} FROM t`, texts, backslashes)
          const found = tokens(sql, { ...lexicon, backslashEscapes: backslashes })
          const strings = found
            .filter(({ kind }) => kind === "string")
            .map(({ start, end }) => meaning(sql.slice(start, end), backslashes))
          expect(strings).toEqual(texts)
          expect(found.length).toBe(3 + texts.length + texts.length - 1)
        }
      ),
      { numRuns: 500 }
    )
  })
})

describe("withModes", () => {
  const markers = (sql: string, modes: string | undefined): number =>
    tokens(sql, withModes(modes).lexicon).filter(({ kind }) => kind === "qmark").length

  it("reads backslashes and double quotes as the modes have it", () => {
    for (const [sql, plain, ansi, noBackslashes, both] of [
      [String.raw`SELECT '\', ?`, 0, 0, 1, 1],
      [String.raw`SELECT '\'', ?`, 1, 1, 0, 0],
      [String.raw`SELECT "\", ?`, 0, 1, 1, 1],
      [String.raw`SELECT "\"", ?`, 1, 0, 0, 0],
      ['SELECT "x?", ?', 1, 1, 1, 1],
      ["SELECT `\\`, ?", 1, 1, 1, 1]
    ] as const)
      expect([
        sql,
        markers(sql, undefined),
        markers(sql, "ANSI_QUOTES"),
        markers(sql, "NO_BACKSLASH_ESCAPES"),
        markers(sql, "ansi_quotes , no_backslash_escapes")
      ]).toEqual([sql, plain, ansi, noBackslashes, both])
  })

  it("knows the modes that stand for ANSI_QUOTES, and gives one dialect for all that read alike", () => {
    for (const modes of ["ANSI", "STRICT_ALL_TABLES,ANSI_QUOTES", "DB2", "MAXDB", "MSSQL", "POSTGRESQL"])
      expect([modes, withModes(modes)]).toEqual([modes, withModes("ANSI_QUOTES")])
    for (const modes of [undefined, "", "TRADITIONAL", "NO_ZERO_DATE,PIPES_AS_CONCAT"])
      expect(withModes(modes)).toBe(dialect)
    expect(withModes("ANSI")).not.toBe(withModes("ANSI,NO_BACKSLASH_ESCAPES"))
  })

  it("puts literals in the places of markers as the modes have it", () => {
    const sql = String.raw`SELECT "\", ?`
    expect(withModes("ANSI_QUOTES").inline(sql, ["x"], true)).toBe(String.raw`SELECT "\", 'x'`)
    expect(dialect.inline(sql, ["x"], true)).toBe(sql)
  })
})

import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import type { Lexicon } from "effect-sa/Lexer"
import { lexicon as mysql } from "effect-sa/mysql/MysqlDialect"
import { type Piece, piecesOf } from "effect-sa/SqlPieces"
import { Summaries, type SqlSummary, summaryOf, summaryOfPieces } from "effect-sa/SqlSummary"
import { dialect } from "effect-sa/sqlite/SqliteDialect"

const sqlite: Lexicon = { ...dialect.lexicon, ansiQuotes: true }
const ansi: Lexicon = { ...mysql, ansiQuotes: true }

const summary = (sql: string, lexicon: Lexicon = mysql): string | undefined => summaryOf(sql, lexicon).summary
const text = (sql: string, lexicon: Lexicon = mysql): string => summaryOf(sql, lexicon).text

/** Statements with their operations and summaries. */
const told = (
  cases: ReadonlyArray<readonly [string, string | undefined, string | undefined]>,
  lexicon = mysql
): void => {
  for (const [sql, operation, summary] of cases)
    expect([sql, summaryOf(sql, lexicon)]).toMatchObject([sql, { operation, summary } satisfies Partial<SqlSummary>])
}

describe("the summary of a text", () => {
  it("has each operation in capitals, and what it is on as it is written", () => {
    told([
      ["SELECT * FROM person", "SELECT", "SELECT person"],
      ["select `p`.`id` from `shop`.`Person` as `p`", "SELECT", "SELECT `shop`.`Person`"],
      ["SELECT * FROM orders o, person p JOIN address ON 1 = 1", "SELECT", "SELECT orders person address"],
      ["INSERT INTO audit SELECT * FROM orders", "INSERT", "INSERT audit SELECT orders"],
      ["INSERT IGNORE audit VALUES (1)", "INSERT", "INSERT audit"],
      ["INSERT INTO a (b) VALUES (1) ON DUPLICATE KEY UPDATE b = 2", "INSERT", "INSERT a"],
      ["REPLACE INTO a SET b = REPLACE('x', 'y', 'z')", "REPLACE", "REPLACE a"],
      ["UPDATE LOW_PRIORITY person SET name = ? WHERE id = ?", "UPDATE", "UPDATE person"],
      ["UPDATE person p, address a SET p.id = a.id", "UPDATE", "UPDATE person address"],
      ["DELETE FROM person WHERE id IN (SELECT id FROM gone)", "DELETE", "DELETE person SELECT gone"],
      ["CALL shop.move(?, ?)", "CALL", "CALL shop.move"],
      ["LOAD DATA LOCAL INFILE 'people' INTO TABLE person", "LOAD", "LOAD person"],
      ["(SELECT a FROM b) UNION (SELECT c FROM d)", "SELECT", "SELECT b SELECT d"],
      ["SELECT a FROM (SELECT * FROM orders o JOIN customers c) x, d", "SELECT", "SELECT SELECT orders customers d"],
      ["SELECT a FROM (b JOIN c) JOIN d", "SELECT", "SELECT b c d"],
      ["EXPLAIN SELECT * FROM person", "EXPLAIN", "EXPLAIN SELECT person"],
      ["SELECT 1", "SELECT", "SELECT"]
    ])
  })

  it("has what a transaction begins and ends with, and no name of a savepoint, of which there are many", () => {
    told([
      ["BEGIN", "BEGIN", "BEGIN"],
      ["START TRANSACTION READ ONLY", "START TRANSACTION", "START TRANSACTION"],
      ["COMMIT AND CHAIN", "COMMIT", "COMMIT"],
      ["ROLLBACK TO SAVEPOINT `effect_1`", "ROLLBACK", "ROLLBACK"],
      ["SAVEPOINT `effect_1`", "SAVEPOINT", "SAVEPOINT"],
      ["RELEASE SAVEPOINT `effect_1`", "RELEASE", "RELEASE"],
      ["XA COMMIT X'ab',X'',1", "XA COMMIT", "XA COMMIT"]
    ])
  })

  it("has the kind and the name of what is defined, and nothing of a program's own statements", () => {
    told([
      ["CREATE TEMPORARY TABLE IF NOT EXISTS shop.person (id INT)", "CREATE", "CREATE TABLE shop.person"],
      ["CREATE OR REPLACE VIEW adult AS SELECT * FROM person", "CREATE", "CREATE VIEW adult SELECT person"],
      ["DROP TABLE IF EXISTS a, b", "DROP", "DROP TABLE a b"],
      ["ALTER TABLE a ADD COLUMN b INT", "ALTER", "ALTER TABLE a"],
      ["TRUNCATE a", "TRUNCATE", "TRUNCATE a"],
      ["TRUNCATE TABLE a", "TRUNCATE", "TRUNCATE TABLE a"],
      ["CREATE USER 'ada'@'%' IDENTIFIED BY 'secret'", "CREATE", "CREATE USER"],
      [
        "CREATE DEFINER=`a`@`%` TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN UPDATE y SET z = 1; DELETE FROM w; END",
        "CREATE",
        "CREATE TRIGGER t"
      ]
    ])
  })

  it("takes no argument of a function and no common table expression for a table", () => {
    told([
      ["SELECT EXTRACT(YEAR FROM born), TRIM(BOTH FROM name) FROM person", "SELECT", "SELECT person"],
      ["SELECT * FROM a WHERE b IS NOT DISTINCT FROM c", "SELECT", "SELECT a"],
      ["WITH x AS (SELECT * FROM orders) SELECT * FROM x JOIN y", "SELECT", "SELECT orders SELECT y"],
      ["WITH RECURSIVE x (n) AS (SELECT 1) UPDATE person JOIN x SET id = n", "UPDATE", "SELECT UPDATE person"],
      ["SHOW TABLES FROM shop", "SHOW", "SHOW"],
      ["PREPARE p FROM 'SELECT 1'", "PREPARE", "PREPARE"]
    ])
  })

  it("has no operation where there is none that is known, or several that differ", () => {
    told([
      ["hunter2", undefined, undefined],
      ["", undefined, undefined],
      ["/* SELECT */", undefined, undefined],
      ["INSERT INTO a VALUES (1); SELECT * FROM a", undefined, "INSERT a SELECT a"],
      ["DELETE FROM a; DELETE FROM b;", "DELETE", "DELETE a DELETE b"]
    ])
  })

  it("has no second word but those that are known, so that operations are few", () => {
    told([
      ["START w1", "START", "START"],
      ["START REPLICA", "START REPLICA", "START REPLICA"],
      ["start slave", "START SLAVE", "START SLAVE"],
      ["XA w1", "XA", "XA"],
      ["XA PREPARE 'x'", "XA PREPARE", "XA PREPARE"],
      ["SHOW w1", "SHOW", "SHOW"],
      ["w1 TRANSACTION", undefined, undefined]
    ])
    const words = FastCheck.stringMatching(/^w[a-z]{3,9}$/)
    const firsts = FastCheck.constantFrom("START", "XA", "SHOW", "CREATE", "ALTER", "DROP", "RELEASE", "FLUSH", "")
    FastCheck.assert(
      FastCheck.property(firsts, words, words, (first, second, third) => {
        const { operation = "" } = summaryOf(`${first} ${second} ${third}`, mysql)
        expect([operation, operation === first]).toEqual([operation, true])
      })
    )
  })

  it("is no longer than 255 characters, and ends with a whole name", () => {
    const names = Array.from({ length: 60 }, (_, i) => `table_${i}`)
    const long = summary(`SELECT * FROM ${names.join(", ")}`) ?? ""
    expect(long.length).toBeLessThanOrEqual(255)
    expect(long.length).toBeGreaterThan(240)
    expect(["SELECT", ...names].slice(0, long.split(" ").length).join(" ")).toBe(long)
  })

  it("has names in the quotes of the database", () => {
    expect(summary('SELECT * FROM "person"', sqlite)).toBe('SELECT "person"')
    expect(summary("SELECT * FROM [a b], `c`", sqlite)).toBe("SELECT [a b] `c`")
    expect(summary('INSERT INTO "person" VALUES (1)', ansi)).toBe('INSERT "person"')
    // There it is a text, and no table.
    expect(summary('SELECT * FROM "person"')).toBe("SELECT")
  })
})

describe("a text without values", () => {
  it("has a mark for every literal, with its sign and its prefix", () => {
    expect(
      text(
        "SELECT 'a', \"b\", 1, -2, 1.5e-3, 1.e5, .5, 0x0f, x'0f', b'01', n'c', TRUE, NULL FROM t WHERE d = DATE'2020-01-01'"
      )
    ).toBe("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL FROM t WHERE d = DATE?")
    expect(text("SELECT a-1, t.b FROM t LIMIT 5, 6")).toBe("SELECT a-?, t.b FROM t LIMIT ?, ?")
  })

  it("keeps markers, and has neither comments nor more white space than it needs", () => {
    expect(text("SELECT  a /* who */ FROM t -- secret\n  WHERE b = ?  AND c = :c # secret")).toBe(
      "SELECT a FROM t WHERE b = ? AND c = :c"
    )
    expect(text("SELECT /*!40001 SQL_NO_CACHE */ a /*+ HINT */ FROM t")).toBe("SELECT a FROM t")
  })

  it("is the same however many values a list has", () => {
    expect(text("SELECT * FROM t WHERE a IN (?, 2, -3) AND b NOT IN ('x')")).toBe(
      "SELECT * FROM t WHERE a IN (?) AND b NOT IN (?)"
    )
    expect(text("SELECT * FROM t WHERE a IN (SELECT 1, 2)")).toBe("SELECT * FROM t WHERE a IN (SELECT ?, ?)")
    expect(text("INSERT INTO t VALUES (1, 'a'), (2, NOW()), (3, NOW()), (?, ?)")).toBe(
      "INSERT INTO t VALUES (?, ?), (?, NOW()), (?, ?)"
    )
  })

  it("ends where a session could read it otherwise", () => {
    // With NO_BACKSLASH_ESCAPES the first text ends at its first quote.
    expect(text("SELECT 'a\\', 'secret'")).toBe("SELECT ?")
    expect(text("SELECT b FROM t WHERE a = 'it\\'s' AND secret = 1")).toBe("SELECT b FROM t WHERE a = ?")
    expect(text("SELECT 'a\\\\', b")).toBe("SELECT ?, b")
    expect(text('SELECT "a\\", b, "secret"', ansi)).toBe("SELECT ?")
    expect(text("SELECT /*!99999 it's */ 'secret'")).toBe("SELECT ?")
    expect(text("SELECT $$secret$$, secret")).toBe("SELECT ?")
    expect(text("SELECT $tag$secret$tag$, secret")).toBe("SELECT ?")
    expect(text("SELECT “secret words”")).toBe("SELECT ?")
    expect(text("SELECT a FROM `secret")).toBe("SELECT a FROM ?")
    expect(text("SELECT a FROM [secret", sqlite)).toBe("SELECT a FROM ?")
  })

  it("of SQLite, which reads every text in one way, goes on behind a backslash", () => {
    expect(text("SELECT 'a\\', b FROM t", sqlite)).toBe("SELECT ?, b FROM t")
  })

  it("has variables and named markers that are plain names, and no others", () => {
    expect(text("SELECT @name, @@sql_mode, @@global.max_connections, @a$b, :name FROM t")).toBe(
      "SELECT @name, @@sql_mode, @@global.max_connections, @a$b, :name FROM t"
    )
    for (const sql of ["@“s3cr3t words”", "@@“s3cr3t words”", "@‘s3cr3t’, a", "@$$s3cr3t$$", "@é", ":“s3cr3t words”"])
      expect([sql, text(`SELECT ${sql}`)]).toEqual([sql, "SELECT ?"])
    expect(text("CREATE USER 'ada'@'%'")).toBe("CREATE USER ?@?")
  })

  it("is cut where it is long, in the middle of a value too", () => {
    const long = text(`SELECT '${"secret ".repeat(5_000)}' FROM t`)
    expect(long).toBe("SELECT ? …")
    expect(text(`SELECT ${"a, ".repeat(20_000)} b`).length).toBeLessThan(8_300)
  })
})

/** A value that stands nowhere else, and literals of it. */
const secret = FastCheck.stringMatching(/^zq[a-f]{6}$/)

const between = FastCheck.constantFrom(
  "",
  " ",
  "'",
  "''",
  "\\",
  "\\\\",
  "--",
  "-- ",
  "#",
  "/*",
  "*/",
  "/*!",
  "`",
  "?",
  "$$",
  "\n",
  '"'
)

/** A text of a secret among what may confuse who reads it, as the database wants it quoted. */
const planted = (secret: string, before: string, after: string, kind: number, lexicon: Lexicon): string => {
  const content = `${before}${secret}${after}`
  const escaped = (quote: string): string => {
    const doubled = content.replaceAll(quote, quote + quote)
    return `${quote}${lexicon.backslashEscapes ? doubled.replaceAll("\\", "\\\\") : doubled}${quote}`
  }
  switch (kind) {
    case 0:
      return escaped("'")
    case 1:
      return lexicon.ansiQuotes === true ? escaped("'") : escaped('"')
    case 2:
      return `x'${Buffer.from(content).toString("hex")}'`
    case 3:
      return lexicon.backslashEscapes ? `_utf8mb4${escaped("'")}` : escaped("'")
    default:
      return `/* ${content.replaceAll("*", "").replaceAll("/", "")} */ 1`
  }
}

/** Statements with places for values. */
const frames = FastCheck.constantFrom(
  (a: string, b: string) => `SELECT ${a} AS x, ${b} FROM person WHERE id = ${a}`,
  (a: string, b: string) => `INSERT INTO person (name, mail) VALUES (${a}, ${b}), (${b}, ${a})`,
  (a: string, b: string) => `UPDATE person SET name = ${a} WHERE mail IN (${b}, ${a}, ${b})`,
  (a: string, b: string) => `SELECT * FROM (SELECT ${a} FROM t) x JOIN u ON x.a = ${b}`,
  (a: string, b: string) => `CREATE TABLE t (a VARCHAR(9) DEFAULT ${a} COMMENT ${b})`,
  (a: string, b: string) => `SELECT * FROM ${a}, ${b}`,
  (a: string, b: string) => `SET @x = ${a}; SELECT ${b}`
)

/** Whether anything that is told has the secret in it. */
const shows = (sql: string, lexicon: Lexicon, secret: string): boolean => {
  const { operation = "", summary = "", text } = summaryOf(sql, lexicon)
  const hex = Buffer.from(secret).toString("hex")
  return [operation, summary, text].some((told) => told.includes(secret) || told.includes(hex))
}

describe("what is told of a text", () => {
  for (const [name, lexicon] of [
    ["MySQL", mysql],
    ["MySQL with ANSI_QUOTES", ansi],
    ["MySQL with NO_BACKSLASH_ESCAPES", { ...mysql, backslashEscapes: false }],
    ["SQLite", sqlite]
  ] as const)
    it(`has no literal in it, on ${name}`, () => {
      const kinds = FastCheck.integer({ min: 0, max: 4 })
      FastCheck.assert(
        FastCheck.property(
          frames,
          secret,
          between,
          between,
          kinds,
          kinds,
          (frame, secret, before, after, one, other) => {
            const sql = frame(
              planted(secret, before, after, one, lexicon),
              planted(secret, after, before, other, lexicon)
            )
            expect(sql).toMatch(new RegExp(`${secret}|${Buffer.from(secret).toString("hex")}`))
            expect([sql, shows(sql, lexicon, secret)]).toEqual([sql, false])
          }
        ),
        { numRuns: 2_000 }
      )
    })

  it("has no literal in it, whichever modes the session has that reads it", () => {
    // Quoted for a session with other modes than those that the program has told.
    const modes = FastCheck.constantFrom<Lexicon>(mysql, ansi, { ...mysql, backslashEscapes: false })
    FastCheck.assert(
      FastCheck.property(
        frames,
        secret,
        between,
        between,
        modes,
        modes,
        (frame, secret, before, after, told, session) => {
          const sql = frame(planted(secret, before, after, 0, session), planted(secret, after, before, 0, session))
          expect([sql, shows(sql, told, secret)]).toEqual([sql, false])
        }
      ),
      { numRuns: 2_000 }
    )
  })

  it("has no number in it", () => {
    const numbers = FastCheck.oneof(
      FastCheck.bigInt({ min: 10n ** 9n, max: 10n ** 20n }).map(String),
      FastCheck.double({ min: 1e9, max: 1e300, noNaN: true, noDefaultInfinity: true }).map(String),
      FastCheck.bigInt({ min: 16n ** 9n, max: 16n ** 20n }).map((n) => `0x${n.toString(16)}`)
    )
    FastCheck.assert(
      FastCheck.property(
        frames,
        numbers,
        numbers,
        FastCheck.constantFrom("", "-", "+", "- ", "."),
        (frame, a, b, sign) => {
          const sql = frame(`${sign}${a}`, `${sign}${b}`)
          for (const lexicon of [mysql, sqlite])
            expect([sql, /\d/.test(JSON.stringify(summaryOf(sql, lexicon)).replace("VARCHAR(9)", ""))]).toEqual([
              sql,
              false
            ])
        }
      ),
      { numRuns: 1_500 }
    )
  })

  it("is told of anything at all, and never fails", () => {
    const pieces = FastCheck.constantFrom(
      ..."SELECT FROM JOIN WITH AS INSERT INTO UPDATE DELETE CREATE TABLE DROP VALUES IN ( ) , ; . ' \" ` [ ] a b ? 1 -- /* */ /*! \\ @ @@ $".split(
        " "
      )
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(pieces, { maxLength: 30 }), (parts) => {
        for (const sql of [parts.join(" "), parts.join("")])
          for (const lexicon of [mysql, ansi, sqlite]) {
            const { summary = "", text } = summaryOf(sql, lexicon)
            expect(summary.length).toBeLessThanOrEqual(255)
            expect(text.length).toBeLessThanOrEqual(sql.length + 1)
          }
      }),
      { numRuns: 1_500 }
    )
  })
})

/** How often what is told of a text has looked at its pieces. */
const steps = (sql: string): number => {
  let looked = 0
  const counting = <A extends object>(target: A): A =>
    new Proxy(target, {
      get: (of, name, receiver) => {
        looked++
        return Reflect.get(of, name, receiver)
      }
    })
  const pieces: ReadonlyArray<Piece> = piecesOf(sql, mysql).map(counting)
  summaryOfPieces(counting(pieces))
  return looked
}

describe("the work for a text", () => {
  it("grows as the text does, whatever is in it", () => {
    for (const [begin, part] of [
      ["WITH ", "a("],
      ["WITH ", "a() AS ("],
      ["SELECT ", "IN("],
      ["SELECT ", "IN(?,"],
      ["SELECT ", "VALUES("],
      ["INSERT INTO a VALUES ", "(1), "],
      ["INSERT INTO a VALUES ", "(VALUES (1), "],
      ["SELECT a FROM ", "a, "],
      ["WITH FROM AS (SELECT 1) SELECT a FROM a", ", FROM b"],
      ["SELECT a ", "FROM (a, "],
      ["SELECT ", "FROM a JOIN b "],
      ["WITH ", "a AS NOT "],
      ["", "DROP TABLE a;"],
      ["EXPLAIN ", "WITH "]
    ] as const) {
      for (const isClosed of [false, true]) {
        const of = (characters: number): number => {
          const text = begin + part.repeat(Math.floor(characters / part.length / (isClosed ? 2 : 1)))
          const open = text.split("(").length - text.split(")").length
          return steps(text + (isClosed ? ")".repeat(Math.max(open, 0)) : ""))
        }
        const [small, large] = [of(2_000), of(8_000)]
        expect([begin, part, isClosed, large <= 5 * small ? "as the text" : large / small]).toEqual([
          begin,
          part,
          isClosed,
          "as the text"
        ])
      }
    }
  })
})

describe("Summaries", () => {
  it("keep what they have made, and not without end", () => {
    const summaries = new Summaries(mysql)
    const first = summaries.of("SELECT 1 FROM a")
    expect(summaries.of("SELECT 1 FROM a")).toBe(first)
    for (let i = 0; i < 1_024; i++) summaries.of(`SELECT ${i} FROM b`)
    const again = summaries.of("SELECT 1 FROM a")
    expect(again).not.toBe(first)
    expect(again).toEqual(first)
  })

  it("do not keep what is long", () => {
    const summaries = new Summaries(mysql)
    const long = `SELECT ${"a, ".repeat(2_000)} b FROM t`
    expect(summaries.of(long)).not.toBe(summaries.of(long))
  })
})

import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { tokens } from "effect-sa/Lexer"
import { batches, type Grammar, type MultiRow, recognise, statementOf } from "effect-sa/MultiRow"
import { dialect as mysql } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"
import { multiRowContract } from "../contract/MultiRow.js"
import { sqlite as sqliteBackend } from "../support/Backend.js"

const dialects: ReadonlyArray<Grammar> = [mysql, sqlite]

const partsOf = (sql: string, dialect: Grammar): MultiRow => {
  const parts = recognise(sql, dialect)
  if (parts === undefined) throw new Error(`not recognised: ${sql}`)
  return parts
}

const rowsOf = (statements: ReadonlyArray<readonly [sql: string, row: string]>, dialect: Grammar): void => {
  for (const [sql, row] of statements) {
    const parts = recognise(sql, dialect)
    expect([sql, parts?.row]).toEqual([sql, row])
    expect([sql, parts && statementOf(parts, 1)]).toEqual([sql, sql])
    const markers = tokens(row, dialect.lexicon).filter(({ kind }) => kind === "qmark").length
    expect([sql, parts?.parametersPerRow]).toEqual([sql, markers])
  }
}

const refuses = (statements: ReadonlyArray<string>, dialect: Grammar): void => {
  for (const sql of statements) expect([sql, recognise(sql, dialect)]).toEqual([sql, undefined])
}

/** Expressions in the place of a row's value. */
const withValue = (expressions: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> =>
  expressions.map((each) => [`INSERT INTO t VALUES (?, ${each})`, `(?, ${each})`])

/** What follows a row. */
const withTail = (tails: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> =>
  tails.map((each) => [`INSERT INTO t (a, b) VALUES (?, ?) ${each}`, "(?, ?)"])

const sqlOf = (statements: ReadonlyArray<readonly [sql: string, row: string]>): ReadonlyArray<string> =>
  statements.map(([sql]) => sql)

describe("MultiRow.recognise", () => {
  it("finds the row of an INSERT or REPLACE as every database writes it", () => {
    for (const dialect of dialects) {
      rowsOf(
        [
          ["INSERT INTO t VALUES (?)", "(?)"],
          ["insert into t(a) values(?)", "(?)"],
          ["REPLACE INTO t (a, b) VALUES (?, ?)", "(?, ?)"],
          ["INSERT INTO db.t (a) VALUES (?)", "(?)"],
          ['INSERT INTO "t" ("a") VALUES (?)', "(?)"],
          ["INSERT INTO `t` (`a`) VALUES (?)", "(?)"],
          ["INSERT INTO t (t.a) VALUES (?)", "(?)"],
          ["\n  INSERT\tINTO t\r\nVALUES\n(?)\n", "(?)"],
          ["INSERT INTO größe (höhe) VALUES (?)", "(?)"],
          ["INSERT INTO t () VALUES (?)", "(?)"]
        ],
        dialect
      )
    }
  })

  it("finds the row among MySQL's modifiers, partitions and aliases", () => {
    rowsOf(
      [
        ["INSERT t VALUES (?)", "(?)"],
        ["REPLACE t VALUE (?)", "(?)"],
        ["INSERT IGNORE t (a) VALUES (?)", "(?)"],
        ["INSERT LOW_PRIORITY IGNORE INTO t VALUES (?)", "(?)"],
        ["INSERT HIGH_PRIORITY INTO t VALUES (?)", "(?)"],
        ["INSERT DELAYED INTO t VALUES (?)", "(?)"],
        ["REPLACE LOW_PRIORITY t VALUES (?)", "(?)"],
        ["INSERT INTO t PARTITION (p0, p1) VALUES (?)", "(?)"],
        ["INSERT INTO t PARTITION (p0) (a, b) VALUES (?, ?)", "(?, ?)"],
        ["INSERT INTO value (value) VALUE (?)", "(?)"],
        ["INSERT INTO 2024_log (2nd) VALUES (?)", "(?)"],
        ["INSERT INTO t VALUES (?) AS new ON DUPLICATE KEY UPDATE a = new.a", "(?)"],
        ["INSERT INTO t VALUES (?) AS new(x) ON DUPLICATE KEY UPDATE a = x + 1", "(?)"]
      ],
      mysql
    )
  })

  it("finds the row among SQLite's conflict clauses, aliases and names in brackets", () => {
    rowsOf(
      [
        ...["REPLACE", "IGNORE", "ABORT", "FAIL", "ROLLBACK"].map((each): readonly [string, string] => [
          `INSERT OR ${each} INTO t VALUES (?)`,
          "(?)"
        ]),
        ["INSERT INTO [a ) VALUES (?)] ([b?]) VALUES (?)", "(?)"],
        ["INSERT INTO t AS x (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET a = x.a + 1", "(?)"]
      ],
      sqlite
    )
  })

  it("is not fooled by parentheses, markers and keywords in strings, names and comments", () => {
    for (const dialect of dialects) {
      rowsOf(
        [
          ["INSERT INTO t VALUES (')', ?)", "(')', ?)"],
          ["INSERT INTO t VALUES (?, '(?')", "(?, '(?')"],
          ["INSERT INTO t VALUES (?, 'it''s )?')", "(?, 'it''s )?')"],
          ['INSERT INTO t VALUES (?, "a ) ON DUPLICATE KEY UPDATE")', '(?, "a ) ON DUPLICATE KEY UPDATE")'],
          ["INSERT INTO `values (?)` (`)`) VALUES (?)", "(?)"],
          ['INSERT INTO "VALUES" ("values") VALUES (?)', "(?)"],
          ["INSERT INTO t VALUES (? /* ), (? */)", "(? /* ), (? */)"],
          ["INSERT INTO t VALUES (? -- ) it's\n)", "(? -- ) it's\n)"],
          ["INSERT INTO t /* VALUES (1) */ VALUES (?) -- VALUES (2)", "(?)"],
          ["/* INSERT */ INSERT /**/ INTO/* t */t-- a\n VALUES -- b\n(?)", "(?)"],
          ["INSERT INTO t VALUES (((?)), ((?) + 1))", "(((?)), ((?) + 1))"],
          [
            "INSERT INTO t VALUES (?, 'VALUES (SELECT LAST_INSERT_ID() @x := ?')",
            "(?, 'VALUES (SELECT LAST_INSERT_ID() @x := ?')"
          ]
        ],
        dialect
      )
    }
    rowsOf(
      [
        ["INSERT INTO t VALUES (?, 'it\\\\')", "(?, 'it\\\\')"],
        ["INSERT INTO t VALUES (? # ) it's\n)", "(? # ) it's\n)"],
        ["INSERT INTO t VALUES (?, 5--1)", "(?, 5--1)"]
      ],
      mysql
    )
    rowsOf(
      [
        ["INSERT INTO t VALUES (?, '\\')", "(?, '\\')"],
        ["INSERT INTO t VALUES (?, 5--1)\n)", "(?, 5--1)\n)"],
        ["INSERT INTO t VALUES (? /*! ) */)", "(? /*! ) */)"]
      ],
      sqlite
    )
  })

  it("takes a row of literals, operators and functions that look at nothing but their arguments", () => {
    for (const dialect of dialects) {
      rowsOf(
        withValue([
          "NULL",
          "TRUE",
          "-1.5e-3",
          ".5",
          "0x1F",
          "x'29'",
          "CURRENT_TIMESTAMP",
          "COALESCE(?, 'a)', (1))",
          "upper(lower(?))",
          "CAST(? AS DECIMAL(10, 2))",
          "CASE WHEN ? > 3 THEN '(' WHEN ? IS NULL THEN NULL ELSE ? END",
          "CASE ? WHEN 1 THEN CASE ? WHEN 2 THEN 3 ELSE 4 END END",
          "? BETWEEN 1 AND 2 OR NOT (? IN (1, ?))",
          "? NOT LIKE '%)' ESCAPE '!'",
          "REPLACE(?, '(', ')')",
          "(? + ?) * (? - 1) / 2 % 3 << 1",
          "? || ')'"
        ]),
        dialect
      )
    }
    rowsOf(
      withValue([
        "DEFAULT",
        "NOW()",
        "NOW(6)",
        "CURRENT_TIMESTAMP(3)",
        "UTC_TIMESTAMP()",
        "UUID()",
        "UUID_TO_BIN(UUID(), 1)",
        "RAND()",
        "b'01'",
        "N'a)'",
        "_utf8mb4 'a)'",
        "_binary ?",
        "? COLLATE utf8mb4_bin",
        "DATE '2024-02-29'",
        "DATE_ADD(?, INTERVAL ? DAY)",
        "? + INTERVAL (? + 1) DAY_HOUR",
        "CONVERT(? USING utf8mb4)",
        "CAST(? AS CHAR CHARACTER SET utf8mb4)",
        "CAST(? AS SIGNED INTEGER)",
        "CAST(? AS DATETIME(6))",
        "TRIM(BOTH ')' FROM ?)",
        "SUBSTRING(? FROM 2 FOR 3)",
        "JSON_OBJECT('a)', ?, 'b', JSON_ARRAY(?, ?))",
        "ST_GeomFromText(?, 4326)",
        "IF(? DIV 2 = 0, '(', ?)",
        "? REGEXP '^[(]'",
        "AES_ENCRYPT(?, UNHEX(SHA2(?, 512)))"
      ]),
      mysql
    )
    rowsOf(
      withValue([
        "json(?)",
        "json_object('a)', ?)",
        "datetime('now')",
        "strftime('%s', ?, 'unixepoch')",
        "hex(randomblob(16))",
        "random()",
        "iif(?, '(', ')')",
        "? ->> '$.a'",
        "? IS NOT DISTINCT FROM ?",
        "? GLOB 'a*'",
        "? COLLATE NOCASE"
      ]),
      sqlite
    )
  })

  it("keeps what follows the row where it is the same for each row", () => {
    for (const dialect of dialects) {
      rowsOf(
        withTail(["", ";", " ; ; ", "-- ?", "/* ? */ ; -- it's\n", "RETURNING *", "RETURNING a, b + 1 AS c;"]),
        dialect
      )
    }
    rowsOf(
      withTail([
        "ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "ON DUPLICATE KEY UPDATE a = VALUES (`a`), b = VALUES(t.b) + 1",
        "ON DUPLICATE KEY UPDATE a = IF(VALUES(a) > a, VALUES(a), a), b = b + 1",
        "ON DUPLICATE KEY UPDATE a = (VALUES(a) + 1)",
        "ON DUPLICATE KEY UPDATE id = VALUES(id), b = NOW()",
        "ON DUPLICATE KEY UPDATE a = NULL, b = DEFAULT, c = CURRENT_TIMESTAMP",
        "AS new ON DUPLICATE KEY UPDATE a = new.a, `b` = `new`.`b`",
        "AS `New`(x, y) ON DUPLICATE KEY UPDATE a = x, b = new.y RETURNING a",
        "AS new(a, b) ON DUPLICATE KEY UPDATE a = new.a",
        "ON DUPLICATE KEY UPDATE before = a, a = a + 1, b = IF(a = b, a, b)",
        "ON DUPLICATE KEY UPDATE a = CASE WHEN b IN (1, 2) THEN a ELSE ')' END",
        "ON DUPLICATE KEY UPDATE `select` = 1",
        "ON DUPLICATE KEY UPDATE a = VALUES(a) RETURNING id, a"
      ]),
      mysql
    )
    rowsOf(
      withTail([
        "ON CONFLICT DO NOTHING",
        "ON CONFLICT (a) DO NOTHING",
        "ON CONFLICT(a, b) WHERE (a > 0) DO UPDATE SET a = excluded.a, (b, c) = (1, max(c, excluded.c)) WHERE t.a <> ')'",
        "ON CONFLICT (a) DO NOTHING ON CONFLICT (b) DO UPDATE SET b = coalesce(excluded.b, b)",
        "ON CONFLICT (a) DO UPDATE SET a = excluded.a RETURNING rowid, *",
        "RETURNING json_object('a', a)"
      ]),
      sqlite
    )
  })

  it("keeps a text that ends in a comment in a state in which rows can be put before it", () => {
    const parts = partsOf("INSERT INTO t VALUES (?) -- the end", mysql)
    expect(statementOf(parts, 2)).toBe("INSERT INTO t VALUES (?),(?) -- the end")
  })

  it("refuses what does not insert one row of values with markers", () => {
    for (const dialect of dialects) {
      refuses(
        [
          "",
          ";",
          "-- INSERT INTO t VALUES (?)",
          "SELECT ?",
          "UPDATE t SET a = (?)",
          "INSERT INTO t",
          "INSERT INTO t VALUES",
          "INSERT INTO t VALUES ?",
          "INSERT INTO t VALUES (?",
          "INSERT INTO t VALUES (')', ?",
          "INSERT INTO t VALUES (1)",
          "INSERT INTO t VALUES ('?')",
          "INSERT INTO t VALUES ()",
          "INSERT INTO t DEFAULT VALUES",
          "INSERT INTO t VALUES (?), (?)",
          "INSERT INTO t VALUES (?), (1)",
          "INSERT INTO t VALUES (1), (?)",
          "INSERT INTO t SET a = ?",
          "INSERT INTO t SET a = (?)",
          "INSERT INTO t SELECT ?",
          "INSERT INTO t (a) SELECT (?)",
          "INSERT INTO t (SELECT ?)",
          "INSERT INTO t (a) (SELECT a FROM b WHERE c IN (?))",
          "INSERT INTO t VALUES (?) UNION ALL SELECT 1",
          "INSERT INTO t VALUES (?) (?)",
          "INSERT INTO t VALUES (?))",
          "INSERT INTO t VALUES ROW(?)",
          "(INSERT INTO t VALUES (?))",
          "WITH c AS (SELECT 1) INSERT INTO t VALUES (?)",
          "EXPLAIN INSERT INTO t VALUES (?)",
          "INSERT INTO t VALUES (?); DELETE FROM t",
          "INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)",
          "INSERT INTO t (?) VALUES (?)",
          "INSERT INTO ? VALUES (?)",
          "VALUES (?)",
          "REPLACE(a, ?)"
        ],
        dialect
      )
    }
  })

  it("refuses markers of any kind outside of the row, and all but ? in it", () => {
    for (const dialect of dialects) {
      refuses(
        [
          ...sqlOf(withTail(["RETURNING ?", "RETURNING a + ?"])),
          ...sqlOf(withValue([":name", "@name", "$name", "?1"]))
        ],
        dialect
      )
    }
    refuses(sqlOf(withTail(["ON DUPLICATE KEY UPDATE a = ?", "AS new(a, ?) ON DUPLICATE KEY UPDATE a = 1"])), mysql)
    refuses(
      sqlOf(
        withTail(["ON CONFLICT (a) DO UPDATE SET b = ?", "ON CONFLICT (a) WHERE a > ? DO NOTHING", "RETURNING $a"])
      ),
      sqlite
    )
  })

  it("refuses what reads the table, a variable, a column or the outcome of the statement before", () => {
    for (const dialect of dialects) {
      refuses(
        sqlOf(
          withValue([
            "(SELECT MAX(a) FROM t)",
            "(SELECT ?)",
            "EXISTS (SELECT 1)",
            "COALESCE((SELECT 1), ?)",
            "(WITH c AS (SELECT 1) SELECT 1)",
            "(VALUES (1))",
            "(TABLE t)",
            "a",
            "a + ?",
            "t.a",
            "`a`",
            "max(a, ?)",
            "my_function(?)",
            "db.upper(?)",
            "db.in(?)",
            "`upper`(?)",
            '"upper"(?)',
            "db.`f`(?)",
            "2f(?)",
            "upper (?)",
            "upper/**/(?)",
            "ROWNUM",
            "ROWNUM()",
            "COUNT(*)",
            "row_number() OVER (ORDER BY ?)"
          ])
        ),
        dialect
      )
    }
    refuses(
      sqlOf(
        withValue([
          "LAST_INSERT_ID()",
          "LAST_INSERT_ID(?)",
          "last_insert_id ()",
          "ROW_COUNT()",
          "FOUND_ROWS()",
          "@x",
          "@x := ?",
          "@x := @x + 1",
          "@@last_insert_id",
          "NEXT VALUE FOR s",
          "? + NEXT VALUE FOR s",
          "NEXTVAL(s)",
          "s.nextval",
          "PREVIOUS VALUE FOR s",
          "VALUES(a)",
          "DEFAULT(a)",
          "SLEEP(?)",
          "GET_LOCK(?, 1)",
          "json(?)",
          "{d '2024-01-01'}"
        ])
      ),
      mysql
    )
    refuses(
      sqlOf(
        withValue(["last_insert_rowid()", "changes()", "total_changes()", "load_extension(?)", "NOW()", '"changes"()'])
      ),
      sqlite
    )
  })

  it("refuses what follows the row where it would not be the same for each row", () => {
    refuses(
      sqlOf(
        withTail([
          "ON DUPLICATE KEY UPDATE a = LAST_INSERT_ID()",
          "ON DUPLICATE KEY UPDATE a = LAST_INSERT_ID() + 1",
          "ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)",
          "ON DUPLICATE KEY UPDATE id = id",
          "ON DUPLICATE KEY UPDATE a = VALUES(a), t.`id` = `id`;",
          "ON DUPLICATE KEY UPDATE id = t.id, a = VALUES(a)",
          "AS new ON DUPLICATE KEY UPDATE id = t.id, a = new.a",
          "ON DUPLICATE KEY UPDATE a = b, ID = `t`.`id`",
          "ON DUPLICATE KEY UPDATE id = id RETURNING id",
          "ON DUPLICATE KEY UPDATE a = (SELECT MAX(a) FROM t)",
          "ON DUPLICATE KEY UPDATE a = (VALUES ROW(1))",
          "ON DUPLICATE KEY UPDATE a = (TABLE t)",
          "ON DUPLICATE KEY UPDATE a = (VALUES (b + 1))",
          "ON DUPLICATE KEY UPDATE a = (VALUES ('a', 1))",
          "AS new ON DUPLICATE KEY UPDATE new = new",
          "ON DUPLICATE KEY UPDATE a = @x := 1",
          "ON DUPLICATE KEY UPDATE a = @x",
          "ON DUPLICATE KEY UPDATE a = ROW_COUNT()",
          "ON DUPLICATE KEY UPDATE a = UUID()",
          "ON DUPLICATE KEY UPDATE a = RAND(5)",
          "ON DUPLICATE KEY UPDATE a = my_function(a)",
          "ON DUPLICATE KEY UPDATE a = `my_function`(a)",
          "ON DUPLICATE KEY UPDATE a = db.upper(a)",
          "ON DUPLICATE KEY UPDATE a = NEXT VALUE FOR s",
          "ON DUPLICATE KEY UPDATE a = s.nextval",
          "RETURNING LAST_INSERT_ID()",
          "RETURNING (SELECT COUNT(*) FROM t)",
          "RETURNING ROWNUM()",
          "AS new ON DUPLICATE KEY UPDATE a = (SELECT 1)",
          "AS",
          "AS new(a",
          "LIMIT 1",
          "/*! ON DUPLICATE KEY UPDATE a = 1 */"
        ])
      ),
      mysql
    )
    refuses(
      sqlOf(
        withTail([
          "ON CONFLICT (a) DO UPDATE SET b = (SELECT COUNT(*) FROM t)",
          "ON CONFLICT (a) DO UPDATE SET b = random()",
          "ON CONFLICT (a) DO UPDATE SET b = changes()",
          "RETURNING last_insert_rowid()",
          'RETURNING "last_insert_rowid"()',
          "ORDER BY 1",
          "LIMIT 1"
        ])
      ),
      sqlite
    )
  })

  it("refuses executable comments, which are no comments", () => {
    refuses(
      [
        "INSERT /*! IGNORE */ INTO t VALUES (?)",
        "INSERT INTO t VALUES (? /*!50110 + 1 */)",
        "INSERT INTO t VALUES (?) /*M!100100 , (1) */",
        "/*! INSERT INTO t VALUES (?) */",
        "INSERT INTO t VALUES (?) /*!99999 */"
      ],
      mysql
    )
  })

  it("refuses a text whose strings end elsewhere when a session takes backslashes for characters", () => {
    refuses(
      [
        "INSERT INTO t VALUES (?, 'it\\'s')",
        "INSERT INTO t VALUES (?, '\\', ')')",
        "INSERT INTO t VALUES (?) -- '\\'\n;'"
      ],
      mysql
    )
    rowsOf([["INSERT INTO t VALUES (?, 'a\\nb')", "(?, 'a\\nb')"]], mysql)
  })
})

/** What may confuse, in any order: most of these texts are no statements, and some are recognised. */
const confusing = FastCheck.array(
  FastCheck.constantFrom(
    ...[
      "?",
      "(",
      ")",
      ",",
      "'",
      '"',
      "`",
      "--",
      "-- ",
      "#",
      "/*",
      "*/",
      "/*!",
      "\n",
      " ",
      ";",
      "\\",
      "[",
      "]",
      "a",
      "1"
    ],
    ...[
      "(?)",
      "VALUES",
      "NULL",
      "')'",
      "/* ) */",
      "-- )\n",
      "AS",
      "COALESCE(?,1)",
      "ON",
      "SELECT",
      "@x",
      "$a",
      ".",
      "\u0000"
    ]
  ),
  { maxLength: 10 }
).map((parts) => parts.join(""))

const soup = FastCheck.oneof(FastCheck.constantFrom("", " ", ";", "-- ?)"), confusing)

describe("MultiRow.statementOf", () => {
  for (const dialect of dialects) {
    it(`makes a text of ${dialect.name} whose tokens are those of its parts, as often as there are rows`, () => {
      let recognised = 0
      const kindsOf = (sql: string): ReadonlyArray<string> =>
        tokens(sql, dialect.lexicon).map(({ kind, start, end }) => `${kind} ${sql.slice(start, end)}`)
      FastCheck.assert(
        FastCheck.property(soup, soup, soup, FastCheck.integer({ min: 1, max: 5 }), (before, inside, behind, rows) => {
          const sql = `INSERT INTO t ${before} VALUES (?${inside})${behind}`
          const parts = recognise(sql, dialect)
          if (parts === undefined) return
          recognised++
          expect(parts.head + parts.row + parts.tail).toBe(sql)
          const row = kindsOf(parts.row)
          const repeated = Array.from({ length: rows }, (_, i) => (i === 0 ? row : ["symbol ,", ...row])).flat()
          expect(kindsOf(statementOf(parts, rows))).toEqual([
            ...kindsOf(parts.head),
            ...repeated,
            ...kindsOf(parts.tail)
          ])
          expect(row.filter((each) => each === "qmark ?").length).toBe(parts.parametersPerRow)
        }),
        { numRuns: 20_000 }
      )
      expect(recognised).toBeGreaterThan(500)
    })
  }
})

describe("MultiRow.batches", () => {
  const parts = partsOf("INSERT INTO t VALUES (?, ?)", mysql)
  const bytesOf = (batch: ReadonlyArray<ReadonlyArray<number>>, of: MultiRow): number =>
    statementOf(of, batch.length).length + batch.flat().reduce((sum, size) => sum + size, 0)
  const sizesOf = (count: number, limits: { maxRows?: number; maxParameters?: number; maxBytes?: number }) =>
    batches(
      parts,
      Array.from({ length: count }, () => [1, 1]),
      {
        maxRows: Number.POSITIVE_INFINITY,
        maxParameters: Number.POSITIVE_INFINITY,
        maxBytes: Number.POSITIVE_INFINITY,
        sizeOf: (size) => size,
        ...limits
      }
    ).map((batch) => batch.length)

  it("cuts full batches as long as there are rows for them, and the rest in powers of two", () => {
    expect(sizesOf(0, { maxRows: 10 })).toEqual([])
    expect(sizesOf(1, { maxRows: 10 })).toEqual([1])
    expect(sizesOf(10, { maxRows: 10 })).toEqual([10])
    expect(sizesOf(37, { maxRows: 10 })).toEqual([10, 10, 10, 4, 2, 1])
    expect(sizesOf(7, {})).toEqual([4, 2, 1])
  })

  it("keeps within the number of parameters", () => {
    expect(sizesOf(70_000, { maxParameters: 65_535 })).toEqual([32_767, 32_767, 4_096, 256, 64, 32, 16, 2])
    expect(sizesOf(5, { maxParameters: 4 })).toEqual([2, 2, 1])
    expect(sizesOf(2, { maxParameters: 1 })).toEqual([1, 1])
  })

  it("keeps within the bytes of text and values, by a power of two", () => {
    const bytes = bytesOf(
      Array.from({ length: 7 }, () => [1, 1]),
      parts
    )
    expect(sizesOf(14, { maxBytes: bytes })).toEqual([4, 4, 4, 2])
    expect(sizesOf(14, { maxBytes: bytes, maxRows: 7 })).toEqual([7, 7])
    expect(sizesOf(14, { maxBytes: bytes - 1, maxRows: 7 })).toEqual([4, 4, 4, 2])
    expect(sizesOf(2, { maxBytes: 1 })).toEqual([1, 1])
  })

  it("counts the bytes of a text and not its characters", () => {
    const accented = partsOf("INSERT INTO größe VALUES (?, 'é😀')", sqlite)
    const limits = { maxRows: 100, maxParameters: 100, sizeOf: () => 0 }
    const bytes = Buffer.byteLength(statementOf(accented, 4))
    const sets = [[1], [1], [1], [1]]
    expect(batches(accented, sets, { ...limits, maxBytes: bytes }).length).toBe(1)
    expect(batches(accented, sets, { ...limits, maxBytes: bytes - 1 }).length).toBe(2)
  })

  it("gives every set once and in order, within the limits but for a row that is over them by itself, in few sizes", () => {
    const sets = FastCheck.array(FastCheck.tuple(FastCheck.nat(40), FastCheck.nat(400)), { maxLength: 200 })
    const limits = FastCheck.record({
      maxRows: FastCheck.integer({ min: 1, max: 100 }),
      maxParameters: FastCheck.integer({ min: 1, max: 150 }),
      maxBytes: FastCheck.integer({ min: 1, max: 8_000 })
    })
    FastCheck.assert(
      FastCheck.property(sets, limits, (sets, limits) => {
        const cut = batches(parts, sets, { ...limits, sizeOf: (size: number) => size })
        expect(cut.flat()).toEqual(sets)
        const full = Math.max(1, Math.min(limits.maxRows, Math.floor(limits.maxParameters / 2)))
        for (const [i, batch] of cut.entries()) {
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length === full || Number.isInteger(Math.log2(batch.length))).toBe(true)
          if (batch.length > 1) {
            expect(batch.length).toBeLessThanOrEqual(full)
            expect(bytesOf(batch, parts)).toBeLessThanOrEqual(limits.maxBytes)
          }
          // No batch is smaller than it must be: twice as many rows are not there, or are too many.
          const more = cut
            .slice(i)
            .flat()
            .slice(0, batch.length * 2)
          const fits = more.length <= full && bytesOf(more, parts) <= limits.maxBytes
          if (batch.length < full && more.length === batch.length * 2) expect(fits).toBe(false)
        }
      }),
      { numRuns: 1_000 }
    )
  })
})

multiRowContract(sqliteBackend(), 500)

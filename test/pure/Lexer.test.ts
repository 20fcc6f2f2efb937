import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { type Lexicon, leadingWords, type TokenKind, tokens } from "effect-sa/Lexer"
import { lexicon as mysql } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqliteDialect } from "effect-sa/sqlite/SqliteDialect"

const sqlite = sqliteDialect.lexicon

const kinds = (sql: string, lexicon: Lexicon): ReadonlyArray<readonly [TokenKind, string]> =>
  tokens(sql, lexicon).map(({ kind, start, end }) => [kind, sql.slice(start, end)] as const)

const markers = (sql: string, lexicon: Lexicon): number =>
  tokens(sql, lexicon).filter(({ kind }) => kind === "qmark" || kind === "named").length

/** A piece of SQL, and how many markers are in it. */
type Piece = readonly [sql: string, markers: number]

/** What may confuse a scanner inside of strings, identifiers and comments. */
const inside = FastCheck.array(
  FastCheck.constantFrom(
    "?",
    ":a",
    ":b1",
    "'",
    '"',
    "`",
    "[",
    "]",
    "\\",
    "--",
    "-- ",
    "#",
    "/*",
    "*/",
    "/*!",
    "\n",
    " ",
    ";",
    "@x",
    "é",
    "😀",
    "a",
    "1"
  ),
  { maxLength: 8 }
).map((parts) => parts.join(""))

const none = (arbitrary: FastCheck.Arbitrary<string>): FastCheck.Arbitrary<Piece> =>
  arbitrary.map((sql) => [sql, 0] as const)

const quoted = (quote: string, escapes: boolean): FastCheck.Arbitrary<Piece> =>
  none(
    inside.map((text) => {
      const doubled = text.replaceAll(quote, quote + quote)
      return quote + (escapes ? text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`) : doubled) + quote
    })
  )

const comment = none(inside.map((text) => `/* ${text.replaceAll("*/", "").replaceAll("*", "")}*/`))
const lineOf = (start: string) => none(inside.map((text) => `${start}${text.replaceAll("\n", "")}\n`))

const plain = FastCheck.constantFrom<Piece>(
  ["SELECT", 0],
  ["größe", 0],
  ["t.a", 0],
  ["12.5e3", 0],
  ["0x3f", 0],
  ["(", 0],
  [")", 0],
  [",", 0],
  ["=", 0],
  ["a::text", 0],
  ["@@version", 0],
  ["5 - 3", 0],
  ["a*b", 0],
  ["a/b", 0],
  [":=", 0],
  ["12:30", 0]
)

const piecesOf = (lexicon: Lexicon): FastCheck.Arbitrary<Piece> => {
  const { backslashEscapes } = lexicon
  const both = [
    plain,
    FastCheck.constantFrom<Piece>(
      ["?", 1],
      [":name", 1],
      [":n2", 1],
      ["?,?", 2],
      ["(?)", 1],
      [":é", 1],
      ["=:x", 1],
      ["LIMIT ?", 1]
    ),
    quoted("'", false).map(([sql]): Piece => [backslashEscapes ? sql.replaceAll("\\", "") : sql, 0]),
    quoted('"', false).map(([sql]): Piece => [backslashEscapes ? sql.replaceAll("\\", "") : sql, 0]),
    quoted("`", false),
    comment,
    lineOf("-- ")
  ]
  return backslashEscapes
    ? FastCheck.oneof(
        ...both,
        quoted("'", true),
        quoted('"', true),
        lineOf("#"),
        FastCheck.constantFrom<Piece>(
          ["/*! ? */", 1],
          ["/*!50110 STRAIGHT_JOIN */", 0],
          ["/*M!100100 :a */", 1],
          ["5--?", 1],
          ["5--3", 0]
        )
      )
    : FastCheck.oneof(
        ...both,
        lineOf("--"),
        none(inside.map((text) => `[${text.replaceAll("]", "")}]`)),
        FastCheck.constantFrom<Piece>(["a # ?", 1], ["'\\'", 0], ["/*! ? */", 0])
      )
}

const lexicons: ReadonlyArray<readonly [string, Lexicon]> = [
  ["mysql", mysql],
  ["mysql without backslash escapes", { ...mysql, backslashEscapes: false }],
  ["sqlite", sqlite]
]

describe("Lexer.tokens", () => {
  for (const [name, lexicon] of lexicons) {
    const texts =
      name === "mysql without backslash escapes"
        ? FastCheck.array(
            FastCheck.oneof(
              plain,
              quoted("'", false),
              quoted('"', false),
              quoted("`", false),
              comment,
              lineOf("#"),
              FastCheck.constant<Piece>(["?", 1])
            ),
            { maxLength: 12 }
          )
        : FastCheck.array(piecesOf(lexicon), { maxLength: 12 })

    it(`finds just the markers of a text of ${name}, whatever stands around them`, () => {
      FastCheck.assert(
        FastCheck.property(texts, FastCheck.constantFrom(" ", "\n", "\t ", "\r\n"), (pieces, space) => {
          const sql = pieces.map(([text]) => text).join(space)
          expect(markers(sql, lexicon)).toBe(pieces.reduce((sum, [, count]) => sum + count, 0))
        }),
        { numRuns: 1_000 }
      )
    })

    it(`covers every character of any text of ${name} that is not white space, once and in order`, () => {
      const anything = FastCheck.oneof(
        texts.map((pieces) => pieces.map(([text]) => text).join(" ")),
        inside,
        FastCheck.string({ unit: "binary", maxLength: 40 })
      )
      FastCheck.assert(
        FastCheck.property(anything, (sql) => {
          let at = 0
          for (const { start, end } of tokens(sql, lexicon)) {
            expect(sql.slice(at, start).trim()).toBe("")
            expect(end).toBeGreaterThan(start)
            expect(end).toBeLessThanOrEqual(sql.length)
            at = end
          }
          expect(sql.slice(at).trim()).toBe("")
        }),
        { numRuns: 1_000 }
      )
    })
  }

  it("ends a string, an identifier or a comment that is not closed with the text", () => {
    for (const open of ["'a ?", '"a ?', "`a ?", "/* a ?", "-- a ?", "'a\\", "'a ''", "'"])
      expect([open, kinds(open, mysql).length, markers(open, mysql)]).toEqual([open, 1, 0])
    expect(kinds("[a ?", sqlite)).toEqual([["quoted", "[a ?"]])
  })

  it("takes a doubled quote for one that is meant", () => {
    expect(kinds("'it''s ?' ?", mysql).map(([kind]) => kind)).toEqual(["string", "qmark"])
    expect(kinds('"say ""?""" ?', sqlite).map(([kind]) => kind)).toEqual(["string", "qmark"])
    expect(kinds("`a``?` ?", mysql).map(([kind]) => kind)).toEqual(["quoted", "qmark"])
    expect(kinds("'' ?", mysql).map(([kind]) => kind)).toEqual(["string", "qmark"])
  })

  it("takes a backslash for what the database takes it for", () => {
    expect(markers("'\\' ?' ?", mysql)).toBe(1)
    expect(markers("'\\\\' ?", mysql)).toBe(1)
    expect(markers("'\\' ?", sqlite)).toBe(1)
    // In backticks it is a character like others.
    expect(markers("`\\` ?", mysql)).toBe(1)
  })

  it("begins a comment with two dashes where the database does", () => {
    expect(markers("SELECT 5--?", mysql)).toBe(1)
    expect(markers("SELECT 5-- ?", mysql)).toBe(0)
    expect(markers("SELECT 5--\t?", mysql)).toBe(0)
    expect(markers("SELECT 5 --\u007f?", mysql)).toBe(0)
    expect(markers("SELECT 5 --\n?", mysql)).toBe(1)
    expect(kinds("SELECT 5--", mysql).map(([kind]) => kind)).toEqual(["word", "number", "comment"])
    expect(markers("SELECT 5--?", sqlite)).toBe(0)
  })

  it("does not nest comments, nor begin and end one with the same star", () => {
    expect(markers("/* /* */ ?", mysql)).toBe(1)
    expect(markers("/*/ ? */ ?", sqlite)).toBe(1)
    expect(markers("/**/ ?", sqlite)).toBe(1)
  })

  it("reads what MySQL executes in a comment", () => {
    expect(markers("SELECT /*!40001 ? */ ?", mysql)).toBe(2)
    expect(markers("SELECT /*! '?' */ ?", mysql)).toBe(1)
    expect(markers("SELECT /*+ MAX_EXECUTION_TIME(?) */ ?", mysql)).toBe(1)
  })

  it("takes a colon for a marker only where a name follows that belongs to nothing else", () => {
    expect(kinds(":a :_b :c1d", mysql)).toEqual([
      ["named", ":a"],
      ["named", ":_b"],
      ["named", ":c1d"]
    ])
    for (const sql of ["a::int", "'12:30:00'", "@a := 1", "12:30", ": a", ":"])
      expect([sql, markers(sql, mysql)]).toEqual([sql, 0])
  })

  it("takes no label of a stored program for a marker", () => {
    // SQLAlchemy's text() looks in front of the colon too.
    expect(markers("CREATE PROCEDURE p() done:LOOP LEAVE done; END LOOP", mysql)).toBe(0)
  })

  it("tells user variables and system variables from all else", () => {
    expect(kinds("@a @@b @'c d' @`e`", mysql)).toEqual([
      ["variable", "@a"],
      ["variable", "@@b"],
      ["variable", "@"],
      ["string", "'c d'"],
      ["variable", "@"],
      ["quoted", "`e`"]
    ])
  })
})

describe("Lexer.leadingWords", () => {
  const words = (sql: string, most = 2): ReadonlyArray<string> => leadingWords(sql, tokens(sql, mysql), most)

  it("gives the first words in capitals, past comments and parentheses", () => {
    expect(words("select a from t")).toEqual(["SELECT", "A"])
    expect(words("/* x */ -- y\n (select 1)")).toEqual(["SELECT"])
    expect(words("/*!40000 set */ @a = 1", 1)).toEqual(["SET"])
    expect(words("create temporary table t (a int)", 3)).toEqual(["CREATE", "TEMPORARY", "TABLE"])
  })

  it("gives none for a text without a word in front", () => {
    for (const sql of ["", " ", "-- select", "'select'", "`select`", "?"]) expect([sql, words(sql)]).toEqual([sql, []])
  })
})

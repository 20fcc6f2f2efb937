// What is captured of real servers, and what must come back: written by hand from what the statements say.
import type { Value } from "effect-sa"
import type { Asked, Encoded, Seen, VectorFile } from "../support/wire/Vector.js"

type ExpectedResult =
  | { readonly affectedRows: number; readonly changedRows: number | undefined; readonly lastInsertId?: Encoded }
  | { readonly types: ReadonlyArray<string>; readonly rows: ReadonlyArray<ReadonlyArray<Encoded>> }

/** Of an error, of a prepared statement, of a simple command, or of results. */
type Expected =
  | { readonly errno: number | undefined; readonly reason: string }
  | { readonly columns: number; readonly parameters: number }
  | Pick<Seen, "changed" | "schemaChanged">
  | ReadonlyArray<ExpectedResult>

export interface Step extends Asked {
  readonly expected: Expected
  /** Of the statement that was prepared last, which this executes. */
  readonly parameters?: ReadonlyArray<Encoded>
}

export interface Scenario {
  readonly title: string
  /** With EOF packets, as before MySQL 5.7 and MariaDB 10.2. */
  readonly eof?: boolean
  readonly steps: ReadonlyArray<Step>
}

type Product = VectorFile["product"]

// ---------------------------------------------------------------------------------------------------------------------
// steps

type More = Pick<Step, "stream" | "options" | "file">

const query = (text: string, expected: Expected, more: More = {}): Step => ({
  sending: { send: "query", text },
  kind: "text",
  ...more,
  expected
})

const prepare = (text: string, columns: number, parameters: number): Step => ({
  sending: { send: "prepare", text },
  kind: "prepare",
  expected: { columns, parameters }
})

const execute = (parameters: ReadonlyArray<Encoded>, expected: Expected, more: More = {}): Step => ({
  sending: { send: "execute", id: 0, parameters },
  kind: "binary",
  ...more,
  parameters,
  expected
})

const simple = (sending: Step["sending"], changed = false, schemaChanged = false): Step => ({
  sending,
  kind: "simple",
  expected: { changed, schemaChanged }
})

const affected = (affectedRows: number, changedRows = affectedRows): ExpectedResult => ({ affectedRows, changedRows })
const nothing = [affected(0)]

const setUp = simple(
  { send: "query", text: "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1, session_track_state_change = 1" },
  true
)

// ---------------------------------------------------------------------------------------------------------------------
// every type

const date = (iso: string): Encoded => ({ date: iso })
const bytes = (hex: string): Encoded => ({ bytes: hex })
const bigint = (digits: string): Encoded => ({ bigint: digits })

/** A column of the table of types, its name in results, and its values in two rows, under the options of `readings`. */
type TypeColumn = readonly [
  sql: string,
  typeName: string,
  literals: readonly [string, string],
  values: readonly [Encoded, Encoded],
  exactly?: readonly [Encoded, Encoded]
]

const typeColumns = (product: Product): ReadonlyArray<TypeColumn> => [
  ["INT NOT NULL", "INT", ["1", "2"], [1, 2]],
  ["TINYINT", "TINYINT", ["127", "-128"], [127, -128]],
  ["TINYINT UNSIGNED", "TINYINT UNSIGNED", ["0", "255"], [0, 255]],
  ["TINYINT(1)", "TINYINT", ["1", "0"], [1, 0], [true, false]],
  ["SMALLINT", "SMALLINT", ["32767", "-32768"], [32767, -32768]],
  ["SMALLINT UNSIGNED", "SMALLINT UNSIGNED", ["1", "65535"], [1, 65535]],
  ["MEDIUMINT", "MEDIUMINT", ["8388607", "-8388608"], [8388607, -8388608]],
  ["MEDIUMINT UNSIGNED", "MEDIUMINT UNSIGNED", ["1", "16777215"], [1, 16777215]],
  ["INT", "INT", ["2147483647", "-2147483648"], [2147483647, -2147483648]],
  ["INT UNSIGNED", "INT UNSIGNED", ["1", "4294967295"], [1, 4294967295]],
  [
    "BIGINT",
    "BIGINT",
    ["9007199254740991", "-9007199254740991"],
    [9007199254740991, -9007199254740991],
    [bigint("9007199254740991"), bigint("-9007199254740991")]
  ],
  [
    "BIGINT UNSIGNED",
    "BIGINT UNSIGNED",
    ["1", "9007199254740991"],
    [1, 9007199254740991],
    [bigint("1"), bigint("9007199254740991")]
  ],
  ["YEAR", "YEAR", ["1901", "2155"], [1901, 2155]],
  ["FLOAT", "FLOAT", ["0.1", "-2.5"], [0.1, -2.5]],
  ["DOUBLE", "DOUBLE", ["0.1", "-1.5e300"], [0.1, -1.5e300]],
  [
    "DECIMAL(20,4)",
    "DECIMAL",
    ["1234567890123456.7890", "-0.5"],
    ["1234567890123456.7890", "-0.5000"],
    [{ decimal: "1234567890123456.7890" }, { decimal: "-0.5000" }]
  ],
  ["BIT(1)", "BIT", ["b'1'", "b'0'"], [1, 0], [true, false]],
  ["BIT(12)", "BIT", ["b'101'", "b'111111111111'"], [5, 4095]],
  ["DATE", "DATE", ["'2024-02-29'", "'1000-01-01'"], ["2024-02-29", "1000-01-01"]],
  [
    "DATETIME",
    "DATETIME",
    ["'2024-02-29 12:34:56'", "'2024-03-01 00:00:00'"],
    [date("2024-02-29T12:34:56.000Z"), date("2024-03-01T00:00:00.000Z")],
    ["2024-02-29 12:34:56", "2024-03-01 00:00:00"]
  ],
  [
    "DATETIME(3)",
    "DATETIME",
    ["'2024-02-29 12:34:56.789'", "'9999-12-31 23:59:59.999'"],
    [date("2024-02-29T12:34:56.789Z"), date("9999-12-31T23:59:59.999Z")],
    ["2024-02-29 12:34:56.789", "9999-12-31 23:59:59.999"]
  ],
  [
    "DATETIME(6)",
    "DATETIME",
    ["'2024-02-29 12:34:56.000009'", "'2024-02-29 00:00:00'"],
    ["2024-02-29 12:34:56.000009", "2024-02-29 00:00:00.000000"]
  ],
  [
    "TIMESTAMP NULL",
    "TIMESTAMP",
    ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"],
    [date("1970-01-01T00:00:01.000Z"), date("2038-01-19T03:14:07.000Z")],
    ["1970-01-01 00:00:01", "2038-01-19 03:14:07"]
  ],
  ["TIME", "TIME", ["'00:00:00'", "'-838:59:59'"], ["00:00:00", "-838:59:59"]],
  ["TIME(6)", "TIME", ["'01:02:03.000004'", "'26:00:00'"], ["01:02:03.000004", "26:00:00.000000"]],
  ["CHAR(5)", "CHAR", ["'a'", "''"], ["a", ""]],
  ["VARCHAR(300)", "VARCHAR", ["'größe 😀'", "REPEAT('é', 260)"], ["größe 😀", "é".repeat(260)]],
  ["BINARY(4)", "BINARY", ["x'00ff'", "x'01020304'"], [bytes("00ff0000"), bytes("01020304")]],
  ["VARBINARY(10)", "VARBINARY", ["x'00ff'", "''"], [bytes("00ff"), bytes("")]],
  ["TEXT", "TEXT", ["'text'", "''"], ["text", ""]],
  ["BLOB", "BLOB", ["x'fffe00'", "''"], [bytes("fffe00"), bytes("")]],
  ["ENUM('a','b')", "ENUM", ["'b'", "'a'"], ["b", "a"]],
  ["SET('x','y','z')", "SET", ["'x,z'", "''"], ["x,z", ""]],
  [
    "JSON",
    "JSON",
    [`'{"a": [1, null]}'`, "'\"text\"'"],
    [{ json: { a: [1, null] } }, "text"],
    ['{"a": [1, null]}', '"text"']
  ],
  ...(product === "MariaDB" ? mariadbTypes : mysqlTypes)
]

const mariadbTypes: ReadonlyArray<TypeColumn> = [
  [
    "UUID",
    "UUID",
    ["'6ccd780c-baba-1026-9564-5b8c656024db'", "'00000000-0000-0000-0000-000000000000'"],
    ["6ccd780c-baba-1026-9564-5b8c656024db", "00000000-0000-0000-0000-000000000000"]
  ],
  ["INET6", "INET6", ["'2001:db8::ff00:42:8329'", "'::'"], ["2001:db8::ff00:42:8329", "::"]],
  ["INET4", "INET4", ["'192.0.2.1'", "'0.0.0.0'"], ["192.0.2.1", "0.0.0.0"]],
  [
    "POINT",
    "POINT",
    ["POINT(1, 2)", "POINT(0, 0)"],
    [
      bytes("000000000101000000000000000000f03f0000000000000040"),
      bytes("00000000010100000000000000000000000000000000000000")
    ]
  ]
]

const mysqlTypes: ReadonlyArray<TypeColumn> = [
  [
    "POINT",
    "GEOMETRY",
    ["POINT(1, 2)", "POINT(0, 0)"],
    [
      bytes("000000000101000000000000000000f03f0000000000000040"),
      bytes("00000000010100000000000000000000000000000000000000")
    ]
  ],
  [
    "VECTOR(2)",
    "VECTOR",
    ["STRING_TO_VECTOR('[1, 2]')", "STRING_TO_VECTOR('[0, 0]')"],
    [bytes("0000803f00000040"), bytes("0000000000000000")]
  ]
]

const exact: Partial<Value.ValueOptions> = {
  integers: "bigint",
  decimals: "BigDecimal",
  dateTimes: "string",
  json: "text",
  booleans: "boolean"
}

const everyType = (product: Product): Scenario => {
  const columns = typeColumns(product)
  const name = (i: number): string => `c${i}`
  const insert = (literals: ReadonlyArray<string>): string => `(${literals.join(", ")})`
  const rows = (options: Partial<Value.ValueOptions>): ReadonlyArray<ReadonlyArray<Encoded>> => [
    columns.map(([, , , values, exactly = values]) => (options === exact ? exactly : values)[0]),
    columns.map(([, , , values, exactly = values]) => (options === exact ? exactly : values)[1]),
    columns.map((_, i) => (i === 0 ? 3 : null))
  ]
  const types = columns.map(([, typeName]) => typeName)
  const select = `SELECT * FROM wire_types ORDER BY ${name(0)}`
  // The text protocol has not all digits of a FLOAT.
  const float = types.indexOf("FLOAT")
  const inText = columns.map((_, i) => name(i)).filter((_, i) => i !== float)
  const asText = [
    {
      types: types.filter((_, i) => i !== float),
      rows: rows({}).map((row) => row.filter((_, i) => i !== float))
    }
  ]
  const asDefault = [{ types, rows: rows({}) }]
  const asExact = [{ types, rows: rows(exact) }]
  return {
    title: "every type, in both protocols",
    steps: [
      setUp,
      query(
        `CREATE TEMPORARY TABLE wire_types (${columns.map(([sql], i) => `${name(i)} ${sql}`).join(", ")})`,
        nothing
      ),
      query(
        `INSERT INTO wire_types VALUES ${[
          columns.map(([, , literals]) => literals[0]),
          columns.map(([, , literals]) => literals[1]),
          columns.map((_, i) => (i === 0 ? "3" : "NULL"))
        ]
          .map(insert)
          .join(", ")}`,
        [affected(3)]
      ),
      query(`SELECT ${inText.join(", ")} FROM wire_types ORDER BY ${name(0)}`, asText),
      query(`SELECT ${name(float)} FROM wire_types`, { errno: undefined, reason: "InvalidValue" }),
      prepare(select, columns.length, 0),
      execute([], asDefault),
      execute([], asExact, { options: exact })
    ]
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// the rest

const statements = (product: Product, eof: boolean): Scenario => ({
  title: `statements that change rows, a simple query, errors${eof ? ", with EOF packets" : ""}`,
  eof,
  steps: [
    setUp,
    query("DROP TABLE IF EXISTS wire_members", nothing),
    query(
      "CREATE TABLE wire_members (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL UNIQUE, n INT)",
      nothing
    ),
    query("INSERT INTO wire_members (name, n) VALUES ('ada', 1), ('größe', 2)", [{ ...affected(2), lastInsertId: 1 }]),
    query("UPDATE wire_members SET n = 2", [affected(2, 1)]),
    query("SELECT id, name, n FROM wire_members ORDER BY id", [
      {
        types: ["INT", "VARCHAR", "INT"],
        rows: [
          [1, "ada", 2],
          [2, "größe", 2]
        ]
      }
    ]),
    query("SELECT id FROM wire_members WHERE id > 2", [{ types: ["INT"], rows: [] }]),
    query("INSERT INTO wire_members (name) VALUES ('ada')", { errno: 1062, reason: "UniqueViolation" }),
    query("SELEC 1", { errno: 1064, reason: "Syntax" }),
    query("SELECT * FROM wire_missing", { errno: 1146, reason: "NoSuchTable" }),
    prepare("UPDATE wire_members SET n = ? WHERE name = ?", 0, 2),
    execute([7, "ada"], [affected(1)]),
    // The row is found and is as it would be.
    execute([7, "ada"], [affected(1, 0)]),
    prepare("SELECT name FROM wire_members WHERE n = ?", 1, 1),
    execute([7], [{ types: ["VARCHAR"], rows: [["ada"]] }]),
    // The same metadata again, which is not read again.
    execute([8], [{ types: ["VARCHAR"], rows: [] }]),
    query("DELETE FROM wire_members", [affected(2)]),
    ...(product === "MariaDB"
      ? [
          query("INSERT INTO wire_members (id, name) VALUES (9, 'x') RETURNING id, name", [
            { types: ["INT", "VARCHAR"], rows: [[9, "x"]] }
          ])
        ]
      : []),
    query("DROP TABLE wire_members", nothing)
  ]
})

const parameters = (product: Product): Scenario => {
  const sent: ReadonlyArray<Encoded> = [
    7,
    -1,
    { bigint: "9007199254740993" },
    0.1,
    "größe 😀",
    "",
    bytes("00ff"),
    date("2024-02-29T12:34:56.789Z"),
    { decimal: "-1234567890.50" },
    null
  ]
  // What the server makes of a marker's type is its own affair; the values must come back as they went.
  const back: ReadonlyArray<Encoded> = [
    bigint("7"),
    bigint("-1"),
    bigint("9007199254740993"),
    0.1,
    "größe 😀",
    "",
    bytes("00ff"),
    "2024-02-29 12:34:56.789000",
    "-1234567890.50",
    null
  ]
  const types = ["BIGINT", "BIGINT", "BIGINT", "DOUBLE", "VARCHAR", "VARCHAR"]
  const rest =
    product === "MariaDB" ? ["BLOB", "DATETIME", "DECIMAL", "NULL"] : ["VARBINARY", "DATETIME", "DECIMAL", "VARCHAR"]
  const options = { integers: "bigint" } as const
  return {
    title: "parameters of every type, sent and read back",
    steps: [
      setUp,
      prepare(`SELECT ${sent.map(() => "?").join(", ")}`, sent.length, sent.length),
      execute(sent, [{ types: [...types, ...rest], rows: [back] }], { options }),
      execute(sent, [{ types: [...types, ...rest], rows: [back] }], { options })
    ]
  }
}

/** The type of a literal such as 1. */
const literal = (product: Product): string => (product === "MariaDB" ? "INT" : "BIGINT")

const severalResults = (product: Product, eof: boolean): Scenario => {
  const first = { types: [literal(product)], rows: [[1]] }
  const second = {
    types: [literal(product), "VARCHAR"],
    rows: [
      [2, "x"],
      [3, "y"]
    ]
  }
  return {
    title: `several results of one statement${eof ? ", with EOF packets" : ""}`,
    eof,
    steps: [
      setUp,
      query("DROP PROCEDURE IF EXISTS wire_results", nothing),
      query(
        "CREATE PROCEDURE wire_results(IN n INT) BEGIN SELECT 1 AS a; SELECT 2 AS b, 'x' AS c UNION ALL SELECT 3, 'y'; SELECT n AS n; END",
        nothing
      ),
      query("CALL wire_results(4)", [first, second, { types: ["INT"], rows: [[4]] }, affected(0)]),
      prepare("CALL wire_results(?)", 0, 1),
      execute([5], [first, second, { types: ["INT"], rows: [[5]] }, affected(0)]),
      query("DROP PROCEDURE wire_results", nothing)
    ]
  }
}

const sessionState = (product: Product): Scenario => ({
  title: "changes of the session's state, and its reset",
  steps: [
    setUp,
    simple({ send: "query", text: "SET sql_mode = 'ANSI'" }, true),
    simple({ send: "query", text: "SET @wire = 1" }, true),
    simple({ send: "query", text: "DO 1" }),
    simple({ send: "query", text: "USE information_schema" }, true, true),
    simple({ send: "database", text: "effect_sa" }, true, true),
    simple({ send: "query", text: "BEGIN" }),
    query("SELECT 1 AS one", [{ types: [literal(product)], rows: [[1]] }]),
    simple({ send: "query", text: "ROLLBACK" }),
    simple({ send: "ping" }),
    simple({ send: "reset" }),
    query("SELECT @wire AS wire", [{ types: [product === "MariaDB" ? "BLOB" : "VARBINARY"], rows: [[null]] }]),
    setUp
  ]
})

const numbers = (most: number): string =>
  `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${most})`

const streams = (product: Product): Scenario => {
  const rows = Array.from({ length: 40 }, (_, i) => [i + 1, `row ${i + 1}`])
  const sql = `${numbers(40)} SELECT i, CONCAT('row ', i) AS name FROM numbers`
  const expected = [{ types: [literal(product), "VARCHAR"], rows }]
  return {
    title: "streams, and an error in the midst of rows",
    steps: [
      setUp,
      query(sql, expected, { stream: true }),
      prepare(sql, 2, 0),
      execute([], expected, { stream: true }),
      execute([], expected, { stream: true }),
      query(`${numbers(5)} SELECT i, (SELECT 1 UNION ALL SELECT 2 FROM DUAL WHERE i = 3) FROM numbers`, {
        errno: 1242,
        reason: "Other"
      })
    ]
  }
}

const files: Scenario = {
  title: "data loaded from the client",
  steps: [
    setUp,
    query("CREATE TEMPORARY TABLE wire_loaded (id INT, name VARCHAR(20))", nothing),
    query("LOAD DATA LOCAL INFILE 'members.tsv' INTO TABLE wire_loaded CHARACTER SET utf8mb4", [affected(2)], {
      file: { name: "members.tsv", content: "1\tada\n2\tgröße\n" }
    }),
    query(
      "LOAD DATA LOCAL INFILE 'members.tsv' INTO TABLE wire_missing",
      { errno: 1146, reason: "NoSuchTable" },
      {
        file: { name: "members.tsv", content: "1\tada\n" }
      }
    ),
    query("SELECT COUNT(*) AS n FROM wire_loaded", [{ types: ["BIGINT"], rows: [[2]] }])
  ]
}

export const scenarios = (product: Product): ReadonlyArray<Scenario> => [
  statements(product, false),
  statements(product, true),
  everyType(product),
  parameters(product),
  severalResults(product, false),
  severalResults(product, true),
  sessionState(product),
  streams(product),
  files
]

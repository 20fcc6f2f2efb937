import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { Errors } from "effect-sa"
import { classify, classifyConnect } from "effect-sa/mysql/MysqlErrors"

type Product = "MySQL" | "MariaDB"
const products: ReadonlyArray<Product> = ["MySQL", "MariaDB"]

const classified = (errno: number, message = "", sqlState = "HY000", product: Product = "MySQL") =>
  classify({ errno, sqlState, message }, product, "SELECT 1")

const kind = (error: { readonly _tag: string; readonly reason: string }): string => `${error._tag} ${error.reason}`

describe("classify", () => {
  const same: ReadonlyArray<readonly [errno: number, kind: string]> = [
    [1040, "OperationalError TooManyConnections"],
    [1203, "OperationalError TooManyConnections"],
    [1045, "OperationalError Authentication"],
    [1049, "OperationalError UnknownDatabase"],
    [1044, "OperationalError AccessDenied"],
    [1142, "OperationalError AccessDenied"],
    [1227, "OperationalError AccessDenied"],
    [1053, "OperationalError ServerShutdown"],
    [1159, "OperationalError ConnectionLost"],
    [1153, "OperationalError PacketTooLarge"],
    [1317, "OperationalError Interrupted"],
    [1205, "OperationalError LockTimeout"],
    [3572, "OperationalError LockTimeout"],
    [1213, "OperationalError Deadlock"],
    [1020, "OperationalError SerializationFailure"],
    [1290, "OperationalError ReadOnly"],
    [1792, "OperationalError ReadOnly"],
    [1114, "OperationalError DiskFull"],
    [1062, "IntegrityError UniqueViolation"],
    [1586, "IntegrityError UniqueViolation"],
    [1048, "IntegrityError NotNullViolation"],
    [1364, "IntegrityError NotNullViolation"],
    [1216, "IntegrityError ForeignKeyViolation"],
    [1217, "IntegrityError ForeignKeyViolation"],
    [1451, "IntegrityError ForeignKeyViolation"],
    [1452, "IntegrityError ForeignKeyViolation"],
    [1264, "DataError OutOfRange"],
    [1690, "DataError OutOfRange"],
    [1406, "DataError TooLong"],
    [1265, "DataError InvalidValue"],
    [1292, "DataError InvalidValue"],
    [1366, "DataError InvalidValue"],
    [3140, "DataError InvalidValue"],
    [1365, "DataError DivisionByZero"],
    [1064, "ProgrammingError Syntax"],
    [1065, "ProgrammingError Syntax"],
    [1051, "ProgrammingError NoSuchTable"],
    [1146, "ProgrammingError NoSuchTable"],
    [1054, "ProgrammingError NoSuchColumn"],
    [1305, "ProgrammingError NoSuchFunction"],
    [1050, "ProgrammingError TableExists"],
    [1007, "ProgrammingError DatabaseExists"],
    [1397, "ProgrammingError NoSuchXid"],
    [1398, "ProgrammingError Other"],
    [1399, "ProgrammingError Other"],
    [1400, "ProgrammingError Other"],
    [1401, "OperationalError Other"],
    [1402, "OperationalError RolledBack"],
    [1440, "ProgrammingError XidExists"],
    [1613, "OperationalError LockTimeout"],
    [1614, "OperationalError Deadlock"],
    [1235, "NotSupportedError NotSupported"],
    [1148, "NotSupportedError NotSupported"],
    [1295, "NotSupportedError NotSupported"],
    [1037, "InternalError OutOfMemory"],
    [1194, "InternalError Corrupt"]
  ]

  it("knows what both servers mean by a number, whatever SQLSTATE comes with it", () => {
    for (const [errno, expected] of same) {
      for (const product of products)
        expect([errno, kind(classified(errno, "m", "HY000", product))]).toEqual([errno, expected])
    }
  })

  it("knows the numbers that mean something else on the other server", () => {
    const cases: ReadonlyArray<readonly [Product, number, string]> = [
      ["MySQL", 3819, "IntegrityError CheckViolation"],
      ["MySQL", 3948, "NotSupportedError NotSupported"],
      ["MySQL", 3024, "OperationalError StatementTimeout"],
      ["MySQL", 3101, "OperationalError SerializationFailure"],
      ["MySQL", 3118, "OperationalError Authentication"],
      ["MySQL", 3169, "OperationalError ConnectionLost"],
      ["MySQL", 4031, "OperationalError ConnectionLost"],
      ["MariaDB", 4025, "IntegrityError CheckViolation"],
      ["MariaDB", 4166, "NotSupportedError NotSupported"],
      ["MariaDB", 1969, "OperationalError StatementTimeout"],
      ["MariaDB", 1927, "OperationalError ConnectionLost"],
      ["MariaDB", 4151, "OperationalError Authentication"]
    ]
    for (const [product, errno, expected] of cases) {
      const other: Product = product === "MySQL" ? "MariaDB" : "MySQL"
      expect([errno, kind(classified(errno, "m", "HY000", product))]).toEqual([errno, expected])
      expect([errno, kind(classified(errno, "m", "HY000", other))]).toEqual([errno, "OperationalError Other"])
    }
  })

  it("goes by SQLSTATE where it does not know the number", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["25006", "OperationalError ReadOnly"],
      ["70100", "OperationalError Interrupted"],
      ["08S01", "OperationalError ConnectionLost"],
      ["0A000", "NotSupportedError NotSupported"],
      ["21S01", "ProgrammingError Other"],
      ["22003", "DataError InvalidValue"],
      ["23000", "IntegrityError Other"],
      ["28000", "OperationalError Authentication"],
      ["40001", "OperationalError SerializationFailure"],
      ["42000", "ProgrammingError Other"],
      ["45000", "OperationalError Other"],
      ["HY000", "OperationalError Other"],
      ["", "OperationalError Other"]
    ]
    for (const [sqlState, expected] of cases)
      expect([sqlState, kind(classified(65_000, "m", sqlState))]).toEqual([sqlState, expected])
  })

  it("tells a savepoint that is not there from a procedure", () => {
    expect(kind(classified(1305, "SAVEPOINT sp_1 does not exist", "42000"))).toBe("ProgrammingError NoSuchSavepoint")
    expect(kind(classified(1305, "PROCEDURE t.sp_1 does not exist", "42000"))).toBe("ProgrammingError NoSuchFunction")
    expect(kind(classified(1305, "FUNCTION t.SAVEPOINT does not exist", "42000"))).toBe(
      "ProgrammingError NoSuchFunction"
    )
  })

  it("tells a server that takes no writes from one that another option keeps from a statement", () => {
    const running = (option: string) =>
      `The MySQL server is running with the --${option} option so it cannot execute this statement`
    expect(classified(1290, running("read-only"))).toMatchObject({ reason: "ReadOnly" })
    expect(classified(1290, running("super-read-only"))).toMatchObject({ reason: "ReadOnly" })
    expect(classified(1290, running("secure-file-priv"))).toMatchObject({ _tag: "OperationalError", reason: "Other" })
  })

  it("gives the number, the SQLSTATE, the message and the statement with it", () => {
    expect(classified(1146, "Table 't.nowhere' doesn't exist", "42S02")).toMatchObject({
      errno: 1146,
      sqlState: "42S02",
      message: "Table 't.nowhere' doesn't exist",
      statement: "SELECT 1",
      constraint: undefined
    })
  })

  it("names the constraint that refused, on both servers", () => {
    const cases: ReadonlyArray<readonly [errno: number, sqlState: string, message: string, constraint: string]> = [
      [1062, "23000", "Duplicate entry 'ada' for key 'person.email'", "email"],
      [1062, "23000", "Duplicate entry 'ada' for key 'email'", "email"],
      [1062, "23000", "Duplicate entry '1' for key 'PRIMARY'", "PRIMARY"],
      [1062, "23000", "Duplicate entry 'a.b' for key 'person.PRIMARY'", "PRIMARY"],
      [1062, "23000", "Duplicate entry 'it's for key 'x'' for key 'email'", "email"],
      [1586, "23000", "Duplicate entry 'ada' for key 'email'", "email"],
      [1048, "23000", "Column 'email' cannot be null", "email"],
      [1364, "HY000", "Field 'email' doesn't have a default value", "email"],
      [
        1452,
        "23000",
        "Cannot add or update a child row: a foreign key constraint fails (`t`.`child`, CONSTRAINT `child_fk` FOREIGN KEY (`parent`) REFERENCES `parent` (`id`))",
        "child_fk"
      ],
      [
        1451,
        "23000",
        "Cannot delete or update a parent row: a foreign key constraint fails (`t`.`child`, CONSTRAINT `child_fk` FOREIGN KEY (`parent`) REFERENCES `parent` (`id`) ON DELETE RESTRICT)",
        "child_fk"
      ],
      [3819, "HY000", "Check constraint 'age_is_positive' is violated.", "age_is_positive"],
      [4025, "23000", "CONSTRAINT `age_is_positive` failed for `t`.`person`", "age_is_positive"]
    ]
    for (const [errno, sqlState, message, constraint] of cases) {
      const product = errno === 4025 ? "MariaDB" : "MySQL"
      expect([message, classified(errno, message, sqlState, product)]).toMatchObject([
        message,
        { _tag: "IntegrityError", constraint }
      ])
    }
    expect(classified(1064, "near 'x' for key 'y'", "42000").constraint).toBeUndefined()
  })
})

describe("The message of an error", () => {
  /** What the servers say, with the value that was sent in the place of ‹V›. */
  const templates: ReadonlyArray<readonly [errno: number, sqlState: string, template: string]> = [
    [1062, "23000", "Duplicate entry '‹V›' for key 'person.email'"],
    [1062, "23000", "Duplicate entry '‹V›' for key 'email'"],
    [1062, "23000", "Duplicate entry 'a-‹V›' for key 'two_columns'"],
    [1586, "23000", "Duplicate entry '‹V›' for key 'email'"],
    [1292, "22007", "Incorrect datetime value: '‹V›' for column 'at' at row 1"],
    [1292, "22007", "Incorrect datetime value: '‹V›' for column `t`.`person`.`at` at row 1"],
    [1292, "22007", "Truncated incorrect DOUBLE value: '‹V›'"],
    [1292, "22007", "Incorrect DATETIME value: '‹V›'"],
    [1366, "HY000", "Incorrect integer value: '‹V›' for column 'age' at row 1"],
    [1366, "22007", "Incorrect integer value: '‹V›' for column `t`.`person`.`age` at row 1"],
    [1366, "HY000", "Incorrect string value: '‹V›' for column 'name' at row 1"],
    [1300, "HY000", "Invalid utf8mb4 character string: '‹V›'"],
    [1367, "22007", "Illegal double '‹V›' value found during parsing"],
    [1411, "HY000", "Incorrect datetime value: '‹V›' for function str_to_date"],
    [1525, "HY000", "Incorrect DATETIME value: '‹V›'"],
    [1690, "22003", "BIGINT value is out of range in '(9223372036854775807 + ‹V›)'"],
    [1690, "22003", "BIGINT UNSIGNED value is out of range in '(`t`.`person`.`age` - '‹V›')'"],
    [
      1761,
      "23000",
      "Foreign key constraint for table 'parent', record '‹V›' would lead to a duplicate entry in table 'child', key 'child_fk'"
    ],
    [
      1762,
      "23000",
      "Foreign key constraint for table 'parent', record '‹V›' would lead to a duplicate entry in a child table"
    ],
    [1526, "HY000", "Table has no partition for value ‹V›"],
    [1918, "22007", "Encountered illegal value '‹V›' when converting to DOUBLE"],
    [1231, "42000", "Variable 'sql_mode' can't be set to the value of '‹V›'"]
  ]

  for (const [errno, sqlState, template] of templates) {
    it(`has no value in it: ${errno} ${template}`, () => {
      const values = FastCheck.oneof(
        FastCheck.constantFrom(
          "s3cret",
          "it's s3cret",
          "s3cret' for key 'x",
          "s3cret' at row 1",
          "s3cret\nline",
          "'s3cret'",
          "s3cret for column",
          "s3cret$&"
        ),
        FastCheck.string({ maxLength: 20 }).map((text) => `${text}s3cret${text}`)
      )
      FastCheck.assert(
        FastCheck.property(values, FastCheck.constantFrom(...products), (value, product) => {
          const error = classified(
            errno,
            template.replace("‹V›", () => value),
            sqlState,
            product
          )
          expect(`${error.message} ${error.constraint ?? ""}`).not.toContain("s3cret")
        })
      )
    })
  }

  it("has the names in it still", () => {
    expect(classified(1062, "Duplicate entry 'ada' for key 'person.email'", "23000").message).toBe(
      "Duplicate entry '…' for key 'person.email'"
    )
    expect(classified(1366, "Incorrect integer value: 'x' for column 'age' at row 1").message).toBe(
      "Incorrect integer value: '…' for column 'age' at row 1"
    )
    expect(classified(1054, "Unknown column 'nme' in 'field list'", "42S22").message).toBe(
      "Unknown column 'nme' in 'field list'"
    )
    expect(classified(1048, "Column 'email' cannot be null", "23000").message).toBe("Column 'email' cannot be null")
  })

  it("of any error is classified, whatever the server says", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.integer({ min: 0, max: 65_535 }),
        FastCheck.string({ maxLength: 5 }),
        FastCheck.string({ maxLength: 80 }),
        FastCheck.constantFrom(...products),
        (errno, sqlState, message, product) => {
          const error = classify({ errno, sqlState, message }, product, undefined)
          expect(Errors.isDatabaseError(error)).toBe(true)
          expect([error.errno, error.sqlState]).toEqual([errno, sqlState])
        }
      ),
      { numRuns: 1_000 }
    )
  })
})

describe("classifyConnect", () => {
  const thrown = (fields: object, message = "said so"): Error => Object.assign(new Error(message), fields)

  it("tells what a socket reports from what a server answers", () => {
    const cases: ReadonlyArray<readonly [object, string]> = [
      [{ code: "ECONNREFUSED", errno: -111 }, "OperationalError ConnectionRefused"],
      [{ code: "ENOENT", errno: -2 }, "OperationalError ConnectionRefused"],
      [{ code: "EHOSTUNREACH" }, "OperationalError ConnectionRefused"],
      [{ code: "ENOTFOUND", errno: -3008 }, "OperationalError HostNotFound"],
      [{ code: "EAI_AGAIN" }, "OperationalError HostNotFound"],
      [{ code: "ETIMEDOUT" }, "OperationalError ConnectTimeout"],
      [{ code: "ECONNRESET" }, "OperationalError ConnectionLost"],
      [{ code: "EPIPE" }, "OperationalError ConnectionLost"],
      [{ code: "PROTOCOL_CONNECTION_LOST" }, "OperationalError ConnectionLost"],
      [{ code: "HANDSHAKE_SSL_ERROR" }, "OperationalError Tls"],
      [{ code: "HANDSHAKE_NO_SSL_SUPPORT" }, "OperationalError Tls"],
      [{ code: "AUTH_SWITCH_PLUGIN_ERROR" }, "OperationalError Authentication"],
      [{ code: "PROTOCOL_UNEXPECTED_PACKET" }, "InterfaceError Protocol"],
      [{ code: "ER_ACCESS_DENIED_ERROR", errno: 1045, sqlState: "28000" }, "OperationalError Authentication"],
      [{ code: "ER_BAD_DB_ERROR", errno: 1049, sqlState: "42000" }, "OperationalError UnknownDatabase"],
      [{ errno: 1040, sqlState: "08004" }, "OperationalError TooManyConnections"],
      [{ errno: 1053, sqlState: "08S01" }, "OperationalError ServerShutdown"],
      [{}, "OperationalError Other"]
    ]
    for (const [fields, expected] of cases)
      expect([fields, kind(classifyConnect(thrown(fields), "h:3306"))]).toEqual([fields, expected])
  })

  it("says where, for what a socket reports", () => {
    expect(classifyConnect(thrown({ code: "ECONNREFUSED" }), "db.internal:3306").message).toContain("db.internal:3306")
  })

  it("takes anything that can be thrown", () => {
    for (const value of [
      undefined,
      null,
      "text",
      5,
      {},
      new Error(""),
      new RangeError("x"),
      thrown({ errno: "1045" }),
      thrown({ code: 4031 })
    ]) {
      const error = classifyConnect(value, "h:3306")
      expect(["OperationalError", "InterfaceError"]).toContain(error._tag)
    }
  })
})

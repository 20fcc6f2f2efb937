/**
 * What MySQL's and MariaDB's error numbers mean here: one table, by number first and by SQLSTATE second.
 *
 * https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
 * https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference
 */
import type { ServerInfo } from "../Driver.js"
import {
  data,
  type ErrorClass,
  integrity,
  internal,
  notSupported,
  operational,
  programming,
  toError
} from "../ErrorClass.js"
import {
  type ConnectError,
  type DatabaseError,
  type DriverError,
  InterfaceError,
  OperationalError,
  type OperationalReason,
  ProgrammingError
} from "../Errors.js"

/** What the server answered. */
export interface ServerError {
  readonly errno: number
  readonly sqlState: string
  readonly message: string
}

/** Numbers that mean the same on both servers. */
const byNumber: ReadonlyMap<number, ErrorClass> = new Map<number, ErrorClass>([
  // connecting
  [1040, operational("TooManyConnections")], // ER_CON_COUNT_ERROR
  [1203, operational("TooManyConnections")], // ER_TOO_MANY_USER_CONNECTIONS
  [1226, operational("TooManyConnections")], // ER_USER_LIMIT_REACHED
  [1045, operational("Authentication")], // ER_ACCESS_DENIED_ERROR
  [1251, operational("Authentication")], // ER_NOT_SUPPORTED_AUTH_MODE
  [1524, operational("Authentication")], // ER_PLUGIN_IS_NOT_LOADED
  [1698, operational("Authentication")], // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
  [1820, operational("Authentication")], // ER_MUST_CHANGE_PASSWORD
  [1862, operational("Authentication")], // ER_MUST_CHANGE_PASSWORD_LOGIN
  [1049, operational("UnknownDatabase")], // ER_BAD_DB_ERROR
  [1044, operational("AccessDenied")], // ER_DBACCESS_DENIED_ERROR
  [1142, operational("AccessDenied")], // ER_TABLEACCESS_DENIED_ERROR
  [1143, operational("AccessDenied")], // ER_COLUMNACCESS_DENIED_ERROR
  [1227, operational("AccessDenied")], // ER_SPECIFIC_ACCESS_DENIED_ERROR
  [1370, operational("AccessDenied")], // ER_PROCACCESS_DENIED_ERROR
  // the connection's and the server's end
  [1053, operational("ServerShutdown")], // ER_SERVER_SHUTDOWN
  [1077, operational("ServerShutdown")], // ER_NORMAL_SHUTDOWN
  [1079, operational("ServerShutdown")], // ER_SHUTDOWN_COMPLETE
  [1080, operational("ConnectionLost")], // ER_FORCING_CLOSE
  [1152, operational("ConnectionLost")], // ER_ABORTING_CONNECTION
  [1158, operational("ConnectionLost")], // ER_NET_READ_ERROR
  [1159, operational("ConnectionLost")], // ER_NET_READ_INTERRUPTED
  [1160, operational("ConnectionLost")], // ER_NET_ERROR_ON_WRITE
  [1161, operational("ConnectionLost")], // ER_NET_WRITE_INTERRUPTED
  [1184, operational("ConnectionLost")], // ER_NEW_ABORTING_CONNECTION
  [1153, operational("PacketTooLarge")], // ER_NET_PACKET_TOO_LARGE
  [1317, operational("Interrupted")], // ER_QUERY_INTERRUPTED
  // locks and transactions
  [1205, operational("LockTimeout")], // ER_LOCK_WAIT_TIMEOUT
  [3572, operational("LockTimeout")], // ER_LOCK_NOWAIT
  [1213, operational("Deadlock")], // ER_LOCK_DEADLOCK
  [1613, operational("LockTimeout")], // ER_XA_RBTIMEOUT
  [1614, operational("Deadlock")], // ER_XA_RBDEADLOCK
  [1402, operational("RolledBack")], // ER_XA_RBROLLBACK
  [1401, operational("Other")], // ER_XAER_RMERR: also XA RECOVER without the privilege on MySQL
  [1020, operational("SerializationFailure")], // ER_CHECKREAD
  [1290, operational("ReadOnly")], // ER_OPTION_PREVENTS_STATEMENT
  [1792, operational("ReadOnly")], // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
  [1836, operational("ReadOnly")], // ER_READ_ONLY_MODE
  [1021, operational("DiskFull")], // ER_DISK_FULL
  [1114, operational("DiskFull")], // ER_RECORD_FILE_FULL
  // constraints
  [1022, integrity("UniqueViolation")], // ER_DUP_KEY
  [1062, integrity("UniqueViolation")], // ER_DUP_ENTRY
  [1169, integrity("UniqueViolation")], // ER_DUP_UNIQUE
  [1586, integrity("UniqueViolation")], // ER_DUP_ENTRY_WITH_KEY_NAME
  [1859, integrity("UniqueViolation")], // ER_DUP_UNKNOWN_IN_INDEX
  [1048, integrity("NotNullViolation")], // ER_BAD_NULL_ERROR
  [1364, integrity("NotNullViolation")], // ER_NO_DEFAULT_FOR_FIELD
  [1216, integrity("ForeignKeyViolation")], // ER_NO_REFERENCED_ROW
  [1217, integrity("ForeignKeyViolation")], // ER_ROW_IS_REFERENCED
  [1451, integrity("ForeignKeyViolation")], // ER_ROW_IS_REFERENCED_2
  [1452, integrity("ForeignKeyViolation")], // ER_NO_REFERENCED_ROW_2
  [1761, integrity("ForeignKeyViolation")], // ER_FOREIGN_DUPLICATE_KEY_WITH_CHILD_INFO
  [1762, integrity("ForeignKeyViolation")], // ER_FOREIGN_DUPLICATE_KEY_WITHOUT_CHILD_INFO
  [1215, integrity("Other")], // ER_CANNOT_ADD_FOREIGN
  // values
  [1264, data("OutOfRange")], // ER_WARN_DATA_OUT_OF_RANGE
  [1690, data("OutOfRange")], // ER_DATA_OUT_OF_RANGE
  [1406, data("TooLong")], // ER_DATA_TOO_LONG
  [1265, data("InvalidValue")], // WARN_DATA_TRUNCATED
  [1292, data("InvalidValue")], // ER_TRUNCATED_WRONG_VALUE
  [1300, data("InvalidValue")], // ER_INVALID_CHARACTER_STRING
  [1366, data("InvalidValue")], // ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
  [1367, data("InvalidValue")], // ER_ILLEGAL_VALUE_FOR_TYPE
  [1411, data("InvalidValue")], // ER_WRONG_VALUE_FOR_TYPE
  [1441, data("InvalidValue")], // ER_DATETIME_FUNCTION_OVERFLOW
  [1525, data("InvalidValue")], // ER_WRONG_VALUE
  [3140, data("InvalidValue")], // ER_INVALID_JSON_TEXT
  [1365, data("DivisionByZero")], // ER_DIVISION_BY_ZERO
  // the program's statement
  [1064, programming("Syntax")], // ER_PARSE_ERROR
  [1065, programming("Syntax")], // ER_EMPTY_QUERY
  [1149, programming("Syntax")], // ER_SYNTAX_ERROR
  [1051, programming("NoSuchTable")], // ER_BAD_TABLE_ERROR
  [1146, programming("NoSuchTable")], // ER_NO_SUCH_TABLE
  [1054, programming("NoSuchColumn")], // ER_BAD_FIELD_ERROR
  [1305, programming("NoSuchFunction")], // ER_SP_DOES_NOT_EXIST
  [1630, programming("NoSuchFunction")], // ER_FUNC_INEXISTENT_NAME_COLLISION
  [1050, programming("TableExists")], // ER_TABLE_EXISTS_ERROR
  [1007, programming("DatabaseExists")], // ER_DB_CREATE_EXISTS
  [1008, programming("Other")], // ER_DB_DROP_EXISTS
  [1046, programming("Other")], // ER_NO_DB_ERROR
  [1397, programming("NoSuchXid")], // ER_XAER_NOTA
  [1440, programming("XidExists")], // ER_XAER_DUPID
  [1398, programming("Other")], // ER_XAER_INVAL
  [1399, programming("Other")], // ER_XAER_RMFAIL
  [1400, programming("Other")], // ER_XAER_OUTSIDE
  [1568, programming("Other")], // ER_CANT_CHANGE_TX_CHARACTERISTICS
  [1235, notSupported], // ER_NOT_SUPPORTED_YET
  [1148, notSupported], // ER_NOT_ALLOWED_COMMAND
  [1178, notSupported], // ER_CHECK_NOT_IMPLEMENTED
  [1286, notSupported], // ER_UNKNOWN_STORAGE_ENGINE
  [1289, notSupported], // ER_FEATURE_DISABLED
  [1295, notSupported], // ER_UNSUPPORTED_PS
  // the server's trouble
  [1037, internal("OutOfMemory")], // ER_OUTOFMEMORY
  [1038, internal("OutOfMemory")], // ER_OUT_OF_SORTMEMORY
  [1041, internal("OutOfMemory")], // ER_OUT_OF_RESOURCES
  [1034, internal("Corrupt")], // ER_NOT_KEYFILE
  [1035, internal("Corrupt")], // ER_OLD_KEYFILE
  [1194, internal("Corrupt")], // ER_CRASHED_ON_USAGE
  [1195, internal("Corrupt")] // ER_CRASHED_ON_REPAIR
])

/** From 1900 on the two servers number differently. */
const byProduct: Readonly<Record<ServerInfo["product"], ReadonlyMap<number, ErrorClass>>> = {
  MySQL: new Map<number, ErrorClass>([
    [3024, operational("StatementTimeout")], // ER_QUERY_TIMEOUT
    [3101, operational("SerializationFailure")], // ER_TRANSACTION_ROLLBACK_DURING_COMMIT (Group Replication)
    [3118, operational("Authentication")], // ER_ACCOUNT_HAS_BEEN_LOCKED
    [3169, operational("ConnectionLost")], // ER_SESSION_WAS_KILLED
    [4031, operational("ConnectionLost")], // ER_CLIENT_INTERACTION_TIMEOUT
    [3819, integrity("CheckViolation")], // ER_CHECK_CONSTRAINT_VIOLATED
    [3948, notSupported], // ER_CLIENT_LOCAL_FILES_DISABLED
    [3959, programming("Other")] // ER_CHECK_CONSTRAINT_REFERS_UNKNOWN_COLUMN
  ]),
  MariaDB: new Map<number, ErrorClass>([
    [1927, operational("ConnectionLost")], // ER_CONNECTION_KILLED
    [1969, operational("StatementTimeout")], // ER_STATEMENT_TIMEOUT
    [4025, integrity("CheckViolation")], // ER_CONSTRAINT_FAILED
    [4151, operational("Authentication")], // ER_ACCOUNT_HAS_BEEN_LOCKED
    [4166, notSupported] // ER_LOAD_INFILE_CAPABILITY_DISABLED
  ]),
  SQLite: new Map()
}

/** By the whole SQLSTATE, or by its class, the first two characters. */
const byState: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ["25006", operational("ReadOnly")],
  ["70100", operational("Interrupted")],
  ["08", operational("ConnectionLost")],
  ["0A", notSupported],
  ["21", programming("Other")],
  ["22", data("InvalidValue")],
  ["23", integrity("Other")],
  ["28", operational("Authentication")],
  ["40", operational("SerializationFailure")],
  ["42", programming("Other")]
])

/** The error class and reason of an answer. */
export const classOf = (error: ServerError, product: ServerInfo["product"]): ErrorClass => {
  // SAVEPOINT … does not exist has the number of a missing procedure.
  if (error.errno === 1305 && error.message.startsWith("SAVEPOINT")) return programming("NoSuchSavepoint")
  // A long parameter, sent in pieces, is refused with the number of what has none.
  if (error.errno === 1105 && /longer than 'max_\w+' bytes/.test(error.message)) return operational("PacketTooLarge")
  // Of the options that prevent statements --read-only is one; --secure-file-priv is another.
  if (error.errno === 1290 && / --(?!\S*read.only)/i.test(error.message)) return operational("Other")
  return (
    byProduct[product].get(error.errno) ??
    byNumber.get(error.errno) ??
    byState.get(error.sqlState) ??
    byState.get(error.sqlState.slice(0, 2)) ??
    operational("Other")
  )
}

/** The typed error for what the server answered to a statement. */
export const classify = (
  error: ServerError,
  product: ServerInfo["product"],
  statement: string | undefined
): DatabaseError => {
  const found = classOf(error, product)
  const { errno, sqlState } = error
  const fields = { errno, sqlState, statement, message: withoutValues(error), constraint: constraintOf(error) }
  return toError(found, fields)
}

/** Numbers whose message quotes a value that the program sent: `Duplicate entry 'ada@example.org' for key 'email'`. */
const quotesValue: ReadonlySet<number> = new Set([
  1062, 1231, 1292, 1300, 1366, 1367, 1411, 1525, 1526, 1586, 1690, 1761, 1762, 1859, 1918, 3140
])

/** The server's message without the value in it: parameters do not belong into messages and logs. */
const withoutValues = ({ errno, message }: ServerError): string => {
  if (!quotesValue.has(errno)) return message
  // The value is the first quoted part and may have quotes itself; what comes after it is known.
  if (errno === 1526) return message.replace(/for value .*/s, "for value …")
  const known = /'.*'(?= for (?:key|column|function) )|'.*'(?= at row )/s
  return known.test(message) ? message.replace(known, "'…'") : message.replace(/'.*'/s, "'…'")
}

/** The server quotes the place of a syntax error, where literals may stand that were parameters. */
export const withoutLiterals = (error: DriverError): DriverError =>
  error._tag === "ProgrammingError" && error.reason === "Syntax"
    ? new ProgrammingError({
        reason: "Syntax",
        message: "the statement has a syntax error",
        errno: error.errno,
        sqlState: error.sqlState,
        statement: error.statement
      })
    : error

const constraintPatterns: ReadonlyArray<RegExp> = [
  / for key '(?:[^']*\.)?([^'.]+)'$/, // 1062: the key, which MySQL 8 and later prefix with the table
  /CONSTRAINT `((?:[^`]|``)+)`/, // foreign keys, and MariaDB's checks
  /[Cc]onstraint '([^']+)'/, // MySQL's checks
  /^Column '([^']+)'/, // 1048
  /^Field '([^']+)'/ // 1364
]

const constraintOf = ({ errno, sqlState, message }: ServerError): string | undefined => {
  if (!sqlState.startsWith("23") && errno !== 3819 && errno !== 4025 && errno !== 1364) return undefined
  for (const pattern of constraintPatterns) {
    const found = pattern.exec(message)
    if (found !== null) return found[1]
  }
  return undefined
}

const socketReasons: Readonly<Record<string, OperationalReason>> = {
  ECONNREFUSED: "ConnectionRefused",
  ENOENT: "ConnectionRefused",
  EACCES: "ConnectionRefused",
  ECONNRESET: "ConnectionLost",
  EPIPE: "ConnectionLost",
  PROTOCOL_CONNECTION_LOST: "ConnectionLost",
  EHOSTUNREACH: "ConnectionRefused",
  ENETUNREACH: "ConnectionRefused",
  ENOTFOUND: "HostNotFound",
  EAI_AGAIN: "HostNotFound",
  ETIMEDOUT: "ConnectTimeout",
  HANDSHAKE_SSL_ERROR: "Tls",
  HANDSHAKE_NO_SSL_SUPPORT: "Tls"
}

/** The typed error for what went wrong while connecting: the server's answer, or the socket's error. */
export const classifyConnect = (thrown: unknown, where: string): ConnectError => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const errno = "errno" in error && typeof error.errno === "number" && error.errno > 0 ? error.errno : undefined
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  if (errno !== undefined) {
    const sqlState = "sqlState" in error && typeof error.sqlState === "string" ? error.sqlState : "HY000"
    const classified = classify(
      { errno, sqlState, message: error.message },
      // Which server it is may not be known yet; their numbers from 1900 on do not meet.
      byProduct.MariaDB.has(errno) ? "MariaDB" : "MySQL",
      undefined
    )
    if (classified._tag !== "DataError" && classified._tag !== "IntegrityError") return classified
  }
  if (code.startsWith("AUTH_SWITCH")) {
    return new OperationalError({ reason: "Authentication", message: `${where}: ${error.message}` })
  }
  const reason = socketReasons[code]
  if (reason === undefined && (code.startsWith("PROTOCOL") || error instanceof RangeError)) {
    return new InterfaceError({ reason: "Protocol", message: `${where}: ${error.message}` })
  }
  return new OperationalError({ reason: reason ?? "Other", message: `${where}: ${error.message || code}` })
}

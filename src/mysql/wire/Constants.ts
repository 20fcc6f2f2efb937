/**
 * The numbers of the MySQL client/server protocol that this driver uses, by their names in the protocol manual.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
 * https://mariadb.com/docs/server/reference/clientserver-protocol
 */

/** Capability flags. */
export const Capability = {
  FOUND_ROWS: 0x2,
  PS_MULTI_RESULTS: 0x40000,
  SESSION_TRACK: 0x800000,
  DEPRECATE_EOF: 0x1000000
} as const

/** MariaDB's extended capability flags. */
export const ExtendedCapability = {
  STMT_BULK_OPERATIONS: 0x4,
  CACHE_METADATA: 0x10
} as const

/** Command bytes. */
export const Command = {
  QUIT: 0x01,
  INIT_DB: 0x02,
  QUERY: 0x03,
  PING: 0x0e,
  STMT_PREPARE: 0x16,
  STMT_EXECUTE: 0x17,
  STMT_SEND_LONG_DATA: 0x18,
  STMT_CLOSE: 0x19,
  RESET_CONNECTION: 0x1f,
  /** MariaDB's. */
  STMT_BULK_EXECUTE: 0xfa
} as const

/** Server status flags (SERVER_STATUS_flags_enum). */
export const Status = {
  IN_TRANS: 0x1,
  AUTOCOMMIT: 0x2,
  MORE_RESULTS_EXISTS: 0x8,
  NO_BACKSLASH_ESCAPES: 0x200,
  PS_OUT_PARAMS: 0x1000,
  SESSION_STATE_CHANGED: 0x4000
} as const

/** Types of session-state records (enum_session_state_type). */
export const SessionTrack = {
  SYSTEM_VARIABLES: 0,
  SCHEMA: 1,
  STATE_CHANGE: 2
} as const

/** Column types (enum_field_types). */
export const FieldType = {
  DECIMAL: 0,
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  FLOAT: 4,
  DOUBLE: 5,
  NULL: 6,
  TIMESTAMP: 7,
  LONGLONG: 8,
  INT24: 9,
  DATE: 10,
  TIME: 11,
  DATETIME: 12,
  YEAR: 13,
  VARCHAR: 15,
  BIT: 16,
  VECTOR: 242,
  JSON: 245,
  NEWDECIMAL: 246,
  ENUM: 247,
  SET: 248,
  TINY_BLOB: 249,
  MEDIUM_BLOB: 250,
  LONG_BLOB: 251,
  BLOB: 252,
  VAR_STRING: 253,
  STRING: 254,
  GEOMETRY: 255
} as const

/** Column flags. */
export const FieldFlag = {
  NOT_NULL: 0x1,
  UNSIGNED: 0x20,
  ENUM: 0x100,
  SET: 0x800
} as const

/** The pseudo character set of bytes. */
export const binaryCharset = 63

/** The longest payload of one packet; a longer one goes on in the next packet. */
export const maxPayload = 0xffffff

/** First bytes of a payload. */
export const Header = { OK: 0x00, LOCAL_INFILE: 0xfb, EOF: 0xfe, ERR: 0xff } as const

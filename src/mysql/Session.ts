/**
 * What a session is made to be after the login, and again after each reset: the statements for that, and what must be so
 * after the program's own ones.
 */
import type { IsolationLevel } from "../Dialect.js"
import { autocommit } from "./MysqlDialect.js"

/** What the options say of sessions. */
export interface SessionSettings {
  readonly collation: string | undefined
  /** The modes of `sql_mode`, with commas between them; the server's own where it is undefined. */
  readonly sqlMode: string | undefined
  readonly isolationLevel: IsolationLevel | undefined
  /** Statements of the program. */
  readonly initCommands: ReadonlyArray<string>
  /** Whose way the session is: this package's, or that of programs which were written for mysql2. */
  readonly manner: Manner
}

/**
 * What differs for programs that were written for mysql2: the session has the time zone that the server gives it, and
 * white space may stand between a function and its parenthesis.
 */
export type Manner = "own" | "mysql2"

/** Whether a statement is one by which this package switches a session and back: what it changes is undone by itself. */
export const isOwn = (sql: string): boolean => sql === autocommit.off || sql === autocommit.on

/** The session of a control connection. */
export const plainSession: SessionSettings = {
  collation: undefined,
  sqlMode: undefined,
  isolationLevel: undefined,
  initCommands: [],
  manner: "own"
}

/**
 * The session is in UTC, so that dates are what they say, its messages are in English, which says how many rows changed and
 * which constraint failed, and it tells of changes to itself, so that a reset is made only where there is something to reset. The statements of the program come last: they find the session as it will be.
 */
export const setup = (settings: SessionSettings): ReadonlyArray<string> => {
  const { collation, sqlMode, isolationLevel, initCommands, manner } = settings
  const collate = collation === undefined ? "" : ` COLLATE ${collation}`
  const differs = manner === "own" ? "time_zone = '+00:00'" : "sql_mode = CONCAT(@@sql_mode, ',IGNORE_SPACE')"
  return [
    `SET NAMES utf8mb4${collate}, ${differs}, lc_messages = 'en_US', autocommit = 1, completion_type = 0, session_track_state_change = 1`,
    ...(sqlMode === undefined ? [] : [`SET sql_mode = '${sqlMode}'`]),
    ...(isolationLevel === undefined
      ? []
      : [`SET SESSION TRANSACTION ISOLATION LEVEL ${isolationLevel.toUpperCase()}`]),
    ...initCommands,
    ...(initCommands.length === 0 ? [] : [whatIsReliedOn])
  ]
}

const reliedOn = [
  ["time_zone", /^(?:\+00:00|UTC)$/i],
  ["character_set_client", /^utf8mb4$/],
  ["character_set_results", /^utf8mb4$/],
  ["autocommit", /^(?:1|ON)$/i],
  // COMMIT and ROLLBACK begin nothing, and do not end the connection.
  ["completion_type", /^(?:NO_CHAIN|0)$/i],
  ["session_track_state_change", /^(?:1|ON)$/i]
] as const

/** Asks for the variables that must be as they were set; as bytes, which come whatever the session's character set is now. */
const whatIsReliedOn = `SELECT ${reliedOn.map(([name]) => `CAST(@@SESSION.${name} AS BINARY)`).join(", ")}`

const textOf = (value: unknown): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)

/** The variables that the program's statements have changed and must not, by the answer to the last statement. */
export const changed = (row: ReadonlyArray<unknown>, manner: Manner): ReadonlyArray<string> =>
  reliedOn.flatMap(([name, expected], i) =>
    expected.test(textOf(row[i])) || (name === "time_zone" && manner === "mysql2") ? [] : [name]
  )

/**
 * Statements that may take so long and no longer: the server stops those that it can stop by itself, and goes on with the
 * session; of the others the connection is given up, which kills them.
 *
 * https://mariadb.com/kb/en/aborting-statements/, https://dev.mysql.com/doc/refman/9.7/en/optimizer-hints.html
 */
import { Effect } from "effect"
import type { ManyRequest, Request, ServerInfo } from "../Driver.js"
import { type DriverError, ofStatement, OperationalError } from "../Errors.js"

/** How much later than the server this side gives up, in milliseconds, so that the server's word comes first. */
const grace = 500

/** White space and comments that stand before a statement; a hint or an executable comment is none. */
const before = /^(?:\s+|\/\*(?![!+M])[\s\S]*?\*\/|--\s[^\n]*\n|#[^\n]*\n)*/

/** Statements that MariaDB takes behind SET STATEMENT. */
const stoppable = /^(?:select|insert|update|delete|replace)\b/i

/** The statement as the server stops it after so many milliseconds; undefined where it would not. */
export const limited = (sql: string, milliseconds: number, product: ServerInfo["product"]): string | undefined => {
  // A limit is for one statement, and this may be several.
  if (sql.includes(";")) return undefined
  const start = before.exec(sql)?.[0].length ?? 0
  if (product === "MariaDB") {
    return stoppable.test(sql.slice(start, start + 8))
      ? `${sql.slice(0, start)}SET STATEMENT max_statement_time=${milliseconds / 1000} FOR ${sql.slice(start)}`
      : undefined
  }
  // MySQL stops only what reads. A hint of the program's own stays as it is.
  if (!/^select\s(?!\s*\/\*\+)/i.test(sql.slice(start, start + 24))) return undefined
  const behind = start + "select".length
  return `${sql.slice(0, behind)} /*+ MAX_EXECUTION_TIME(${Math.ceil(milliseconds)}) */${sql.slice(behind)}`
}

/** The prefix that `limited` writes. */
export const limit = "(?:SET STATEMENT max_statement_time=[\\d.e-]+ FOR )?"

const tooLong = (milliseconds: number, statement: string): OperationalError =>
  new OperationalError({
    reason: "StatementTimeout",
    message: `the statement took longer than ${milliseconds} ms and was killed`,
    statement
  })

/**
 * Runs a request within so many milliseconds: with a text that the server stops, where it would, and else as long as this side
 * waits.
 */
export const within = <A, R>(
  request: Request,
  milliseconds: number,
  product: ServerInfo["product"],
  run: (request: Request) => Effect.Effect<A, DriverError, R>
): Effect.Effect<A, DriverError, R> => {
  const text = limited(request.sql, milliseconds, product)
  const timeout = text === undefined ? milliseconds : milliseconds + grace
  const sql = text ?? request.sql
  return Effect.mapError(run({ ...request, sql, timeout, stopAfter: 0 }), (error) => {
    if (isOurs(error)) return tooLong(milliseconds, request.sql)
    return text !== undefined && error.statement === text ? ofStatement(error, request.sql) : error
  })
}

/** Runs something that is interrupted when it takes longer, which kills the statement under way. */
export const all = <A, R>(
  { sql }: ManyRequest,
  milliseconds: number,
  run: Effect.Effect<A, DriverError, R>
): Effect.Effect<A, DriverError, R> =>
  Effect.timeoutFail(run, { duration: milliseconds, onTimeout: () => tooLong(milliseconds, sql) })

/** Given up by this side: the server's own word has a number. */
const isOurs = (error: DriverError): boolean =>
  error._tag === "OperationalError" && error.reason === "StatementTimeout" && error.errno === undefined

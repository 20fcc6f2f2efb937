/**
 * Calls of stored procedures, and the values of their OUT parameters.
 *
 * A prepared CALL gives the values of OUT and INOUT parameters as a result set of one row after those of the procedure, under
 * the parameters' names and with their types.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase_sp.html
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import type { Connection } from "./Connection.js"
import type { Dialect } from "./Dialect.js"
import type { DriverResult } from "./Driver.js"
import { ArgumentError, kindOf, NotSupportedError, ProgrammingError, type StatementError } from "./Errors.js"
import * as Statement from "./Statement.js"
import { bind, type BoundValue, type Column } from "./Value.js"

/**
 * The name of a procedure, in the connection's database unless it says which.
 *
 * @since 0.1.0
 * @category models
 */
export interface Name {
  readonly database: string | undefined
  readonly procedure: string
}

/** A name as it is, or in backticks, where a backtick is doubled. */
const part = "(?:([^`.]+)|`((?:[^`]|``)+)`)"
const namePattern = new RegExp(`^${part}(?:\\.${part})?$`)

const nameOf = (given: unknown): Name | ArgumentError => {
  const found = typeof given === "string" ? namePattern.exec(given) : null
  if (found === null)
    return new ArgumentError({
      argument: "name",
      given: typeof given === "string" ? "a text that is no name" : kindOf(given),
      expected: "the name of a procedure, or database.name; a name with a dot or a backtick in it stands in backticks"
    })
  const [, plain, quoted, plainSecond, quotedSecond] = found
  const first = plain ?? quoted?.replaceAll("``", "`") ?? ""
  const second = plainSecond ?? quotedSecond?.replaceAll("``", "`")
  return second === undefined ? { database: undefined, procedure: first } : { database: first, procedure: second }
}

/**
 * A call as connections execute it: names are quoted, whatever they are, and parameters go apart from the statement.
 *
 * @since 0.1.0
 * @category compiling
 */
export const compile = (
  given: unknown,
  parameters: unknown,
  dialect: Dialect
): { readonly compiled: Statement.Compiled; readonly name: Name } | ArgumentError => {
  const name = nameOf(given)
  if (name instanceof ArgumentError) return name
  if (!Array.isArray(parameters))
    return new ArgumentError({ argument: "parameters", given: kindOf(parameters), expected: "an array" })
  const bound: Array<BoundValue> = []
  for (const [i, parameter] of parameters.entries()) {
    const value = bind(parameter, `parameters[${i}]`)
    if (value instanceof ArgumentError) return value
    bound.push(value)
  }
  const quoted = [name.database, name.procedure].flatMap((each) =>
    each === undefined ? [] : [dialect.quoteIdentifier(each)]
  )
  const sql = `CALL ${quoted.join(".")}(${bound.map(() => "?").join(", ")})`
  const compiled = Statement.compileText(sql, bound, dialect)
  return compiled instanceof ArgumentError ? compiled : { compiled, name }
}

/**
 * The values of OUT and INOUT parameters, as a server has sent them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Out {
  readonly columns: ReadonlyArray<Column>
  readonly values: ReadonlyArray<unknown>
}

/**
 * The values of OUT and INOUT parameters in the answer to a call, where there are any.
 *
 * @since 0.1.0
 * @category reading
 */
export const outOf = (result: DriverResult): Out | undefined => {
  for (let each: DriverResult | undefined = result; each !== undefined; each = each.next) {
    if (each.isOutParameters === true) return { columns: each.columns ?? [], values: each.rows[0] ?? [] }
  }
  return undefined
}

/**
 * The values of OUT and INOUT parameters by their names. MySQL sends texts as bytes, in the character set of the parameter:
 * which that is, only its information schema says.
 *
 * *Fails with* `NotSupportedError` for BIT, of which servers send the digits and call them bits.
 *
 * @since 0.1.0
 * @category reading
 */
export const readOut = (
  connection: Connection,
  name: Name,
  { columns, values }: Out
): Effect.Effect<{ readonly [parameter: string]: unknown }, StatementError> => {
  const bits = columns.find((column, place) => column.typeName === "BIT" && values[place] !== null)
  if (bits !== undefined)
    return Effect.fail(
      new NotSupportedError({
        reason: "NotSupported",
        message: `the server sends the parameter ${JSON.stringify(bits.name)} wrongly, because it is a BIT: declare it as BIGINT UNSIGNED`
      })
    )
  const isUnclear = ({ typeName }: Column, value: unknown): value is Uint8Array =>
    value instanceof Uint8Array && /^(?:CHAR|VARCHAR|TEXT|BINARY|VARBINARY|BLOB|ENUM|SET)$/.test(typeName)
  const byName = columns.map((column, place) => [column.name, values[place]] as const)
  if (connection.server.product !== "MySQL" || !columns.some((column, place) => isUnclear(column, values[place])))
    return Effect.succeed(Object.fromEntries(byName))
  return Effect.gen(function* () {
    const charsets = yield* charsetsOf(connection, name)
    const read: Array<readonly [string, unknown]> = []
    for (const [place, [parameter, value]] of byName.entries()) {
      const column = columns[place]
      if (column === undefined || !isUnclear(column, value)) read.push([parameter, value])
      else read.push([parameter, yield* textOf(connection, charsets.get(parameter.toLowerCase()), value)])
    }
    return Object.fromEntries(read)
  })
}

const run = (
  connection: Connection,
  sql: string,
  parameters: ReadonlyArray<BoundValue>
): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, StatementError> => {
  const compiled = Statement.compileText(sql, parameters, connection.dialect)
  return compiled instanceof ArgumentError
    ? Effect.fail(compiled)
    : Effect.map(connection.execute(compiled, connection.values), ({ rows }) => rows)
}

/** The character set of each parameter that has values for the caller; null for one of bytes. */
const charsetsOf = (
  connection: Connection,
  { database, procedure }: Name
): Effect.Effect<ReadonlyMap<string, string | null>, StatementError> =>
  Effect.flatMap(
    run(
      connection,
      "SELECT PARAMETER_NAME, CHARACTER_SET_NAME FROM information_schema.PARAMETERS " +
        `WHERE SPECIFIC_SCHEMA = ${database === undefined ? "DATABASE()" : "?"} AND SPECIFIC_NAME = ? ` +
        "AND ROUTINE_TYPE = 'PROCEDURE' AND PARAMETER_MODE IN ('OUT', 'INOUT')",
      database === undefined ? [procedure] : [database, procedure]
    ),
    (rows) =>
      rows.length === 0
        ? Effect.fail(
            new ProgrammingError({
              reason: "NoSuchFunction",
              message: "the procedure's parameters are not in the information schema: it was dropped after the call"
            })
          )
        : Effect.succeed(
            new Map(
              rows.map(([parameter, charset]) => [
                String(parameter).toLowerCase(),
                charset === null ? null : String(charset)
              ])
            )
          )
  )

const isUtf8 = (charset: string): boolean => /^(?:utf8(?:mb[34])?|ascii)$/.test(charset)

/** Text in a character set that is not known here, the server reads. */
const textOf = (
  connection: Connection,
  charset: string | null | undefined,
  value: Uint8Array
): Effect.Effect<string | Uint8Array, StatementError> => {
  if (charset === null || charset === undefined) return Effect.succeed(value)
  if (isUtf8(charset)) return Effect.succeed(Buffer.from(value).toString("utf8"))
  return Effect.map(run(connection, `SELECT CONVERT(? USING ${charset})`, [value]), ([row]) => String(row?.[0]))
}

/**
 * Names of tables, columns and the like, as they stand in statements that are built.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Dialect.js"
import { ArgumentError, kindOf } from "./Errors.js"

/**
 * Names that MySQL and MariaDB would change without a word where they name a column of a result: white space and control
 * characters at the beginning are left out, what is beyond the Basic Multilingual Plane becomes `?`, and the 257th character
 * is cut off. https://dev.mysql.com/doc/refman/9.7/en/identifiers.html
 */
const changed = /^[\x01-\x20]|[\u{10000}-\u{10FFFF}]|^[\s\S]{257}/u

/**
 * A name in the dialect's quotes. One that the database could not have, or would change, is refused: a NUL would end the
 * statement.
 *
 * @since 0.1.0
 * @category quoting
 */
export const quote = (name: unknown, { name: dialect, quoteIdentifier }: Dialect): string | ArgumentError => {
  const refused = (given: string): ArgumentError =>
    new ArgumentError({ argument: "statement", given, expected: "the name of a table, a column or the like" })
  if (typeof name !== "string") return refused(kindOf(name))
  if (name === "" || name.includes("\0")) return refused("an empty name, or one with a NUL")
  if (dialect === "mysql" && changed.test(name)) return refused("a name that MySQL and MariaDB would change")
  return quoteIdentifier(name)
}

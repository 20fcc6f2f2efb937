/**
 * What the definition of a table must keep to be made: what a database would refuse, or would change without a word.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Dialect.js"
import { ArgumentError, kindOf } from "./Errors.js"
import { tokens } from "./Lexer.js"
import type {
  ColumnDefinition,
  IntegerSize,
  LobSize,
  ReferentialAction,
  SqlType,
  TableDefinition
} from "./TableDefinition.js"

/** A name as it stands in messages. */
const shown = (name: unknown): string => (typeof name === "string" ? JSON.stringify(name) : kindOf(name))

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const hasBeyondBmp = (text: string): boolean => /[\u{10000}-\u{10ffff}]/u.test(text)

/**
 * What is wrong with a name, if anything. MySQL and MariaDB have no names with characters beyond U+FFFF: they refuse them,
 * or keep `?` instead. https://dev.mysql.com/doc/refman/9.7/en/identifiers.html
 *
 * @since 0.1.0
 * @category checks
 */
export const checkName = (argument: string, name: string, dialect: Dialect): ArgumentError | undefined => {
  if (typeof name !== "string" || name === "") return refuse(argument, name === "" ? '""' : kindOf(name), "a name")
  if (name.includes("\0")) return refuse(argument, "a name with a NUL character", "a name without")
  if (!name.isWellFormed()) return refuse(argument, "a name with a lone surrogate", "well-formed Unicode text")
  if ([...name].length > 64) return refuse(argument, `a name of ${[...name].length} characters`, "64 at the most")
  if (dialect.name === "mysql") {
    if (name.endsWith(" ")) return refuse(argument, "a name that ends with a space", "a name that does not")
    if (hasBeyondBmp(name))
      return refuse(argument, "a name with characters beyond U+FFFF", "a name without: MySQL and MariaDB have none")
  } else if (argument.startsWith("table") && /^sqlite_/i.test(name))
    return refuse(argument, 'a name that begins with "sqlite_"', "another: those are SQLite's own")
  return undefined
}

/**
 * What is wrong with a definition, if anything: the first that is found.
 *
 * @since 0.1.0
 * @category checks
 */
export const checkTable = (definition: TableDefinition, dialect: Dialect): ArgumentError | undefined => {
  for (const problem of problems(definition, dialect)) if (problem !== undefined) return problem
  return undefined
}

type Problems = Generator<ArgumentError | undefined>

function* problems(definition: TableDefinition, dialect: Dialect): Problems {
  const { name, columns, comment } = definition
  const table = `table ${shown(name)}`
  yield checkName("table name", name, dialect)
  if (columns.length === 0) yield refuse(table, "no columns", "one at the least")
  for (const column of columns) {
    yield checkName(`column name of ${table}`, column.name, dialect)
    yield* columnProblems(column, `column ${shown(column.name)} of ${table}`, definition, dialect)
  }
  yield duplicate("column", columns, table)
  yield* keyProblems(definition, table, dialect)
  yield* foreignKeyProblems(definition, table, dialect)
  yield* checkProblems(definition, table, dialect)
  yield* autoIncrementProblems(definition, table)
  yield commentProblem(table, comment, 2048, dialect)
}

/** Databases compare these names without regard to case. */
const duplicate = (
  kind: string,
  named: ReadonlyArray<{ readonly name: string }>,
  table: string
): ArgumentError | undefined => {
  const seen = new Set<string>()
  for (const { name } of named) {
    const key = name.toLowerCase()
    if (seen.has(key))
      return refuse(`${kind} ${shown(name)} of ${table}`, "the name a second time", "names of their own")
    seen.add(key)
  }
  return undefined
}

const unknownColumn = (
  argument: string,
  names: ReadonlyArray<string>,
  definition: TableDefinition
): ArgumentError | undefined => {
  if (names.length === 0) return refuse(argument, "no columns", "one at the least")
  const known = new Set(definition.columns.map((column) => column.name))
  const unknown = names.find((name) => !known.has(name))
  if (unknown !== undefined) return refuse(argument, `a column ${shown(unknown)}`, "columns of the table")
  return new Set(names).size < names.length ? refuse(argument, "a column twice", "each column once") : undefined
}

function* keyProblems(definition: TableDefinition, table: string, dialect: Dialect): Problems {
  const { primaryKey, indexes } = definition
  if (primaryKey.length > 0) yield unknownColumn(`primary key of ${table}`, primaryKey, definition)
  for (const index of indexes) {
    const argument = `index ${shown(index.name)} of ${table}`
    yield checkName(`index name of ${table}`, index.name, dialect)
    if (index.definition === undefined) yield unknownColumn(argument, index.columns, definition)
    else if (/^\s*create\b/i.test(index.definition) !== (dialect.name === "sqlite"))
      yield refuse(argument, "a definition of another database", `one of ${dialect.name}`)
    if (dialect.name === "mysql" && /^primary$/i.test(index.name))
      yield refuse(argument, "the name of the primary key", "another")
  }
  yield duplicate("index", indexes, table)
}

/** They stand in the statement as they are, and a program without types may have anything there. */
const actions: ReadonlySet<string> = new Set<ReferentialAction>([
  "no action",
  "restrict",
  "cascade",
  "set null",
  "set default"
])

function* foreignKeyProblems(definition: TableDefinition, table: string, dialect: Dialect): Problems {
  for (const key of definition.foreignKeys) {
    const argument = `foreign key ${shown(key.name)} of ${table}`
    yield checkName(`foreign key name of ${table}`, key.name, dialect)
    yield unknownColumn(argument, key.columns, definition)
    yield checkName(`table that ${argument} refers to`, key.referencedTable, dialect)
    for (const column of key.referencedColumns) yield checkName(`column that ${argument} refers to`, column, dialect)
    if (key.referencedColumns.length !== key.columns.length)
      yield refuse(
        argument,
        `${key.columns.length} columns that refer to ${key.referencedColumns.length}`,
        "as many as they refer to"
      )
    if (key.referencedTable === definition.name)
      yield unknownColumn(`columns that ${argument} refers to`, key.referencedColumns, definition)
    if (!actions.has(key.onDelete) || !actions.has(key.onUpdate))
      yield refuse(argument, "an action that is not known", [...actions].join(", "))
    const setsNull = key.onDelete === "set null" || key.onUpdate === "set null"
    const strict = definition.columns.find(
      ({ name, nullable }) => key.columns.includes(name) && (!nullable || definition.primaryKey.includes(name))
    )
    if (setsNull && strict !== undefined)
      yield refuse(
        argument,
        `SET NULL, with a column ${shown(strict.name)} that is NOT NULL`,
        "columns that can be NULL"
      )
  }
  yield duplicate("foreign key", definition.foreignKeys, table)
}

function* checkProblems(definition: TableDefinition, table: string, dialect: Dialect): Problems {
  for (const { name, expression } of definition.checks) {
    yield checkName(`check name of ${table}`, name, dialect)
    yield expressionProblem(`check ${shown(name)} of ${table}`, expression, dialect)
  }
  yield duplicate("check", [...definition.checks, ...ownChecks(definition, dialect)], table)
}

/**
 * The names of the checks that SQLite gets for types that it does not have.
 *
 * @since 0.1.0
 * @category checks
 */
export const ownCheckName = ({ name, type }: ColumnDefinition): string | undefined => {
  if (type._tag === "Enum") return `enum_${name}`
  return type._tag === "Decimal" && type.unsigned ? `unsigned_${name}` : undefined
}

const ownChecks = (definition: TableDefinition, dialect: Dialect): ReadonlyArray<{ readonly name: string }> =>
  dialect.name === "mysql"
    ? []
    : definition.columns.flatMap((column) => {
        const name = ownCheckName(column)
        return name === undefined ? [] : [{ name }]
      })

/** Only whole expressions: one that closes more than it opens would end the statement's own parentheses. */
const expressionProblem = (argument: string, sql: string, dialect: Dialect): ArgumentError | undefined => {
  if (sql.trim() === "") return refuse(argument, "an empty expression", "an expression in SQL")
  // What follows the expression must be read as it is: it stands in no string that was left open.
  const lexed = tokens(`${sql})`, dialect.lexicon)
  let depth = 1
  for (const [place, { kind, start, end }] of lexed.entries()) {
    const symbol = kind === "symbol" ? `${sql})`.slice(start, end) : ""
    if (kind === "comment") return refuse(argument, "an expression with a comment", "one without")
    if (kind === "qmark" || kind === "named")
      return refuse(argument, "an expression with a marker for a parameter", "one without")
    if (symbol === "(") depth++
    if (symbol === ")") depth--
    const isLast = place === lexed.length - 1
    const ends = symbol === ";" || (symbol === "," && depth === 1)
    if (ends || (depth === 0) !== isLast) return refuse(argument, "a part of an expression", "a whole one")
  }
  return undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// columns

function* columnProblems(
  column: ColumnDefinition,
  argument: string,
  { primaryKey }: TableDefinition,
  dialect: Dialect
): Problems {
  const { type, default: fallback, generated, autoIncrement } = column
  yield typeProblem(argument, type, dialect)
  yield commentProblem(argument, column.comment, 1024, dialect)
  const isDateTime = type._tag === "DateTime" || type._tag === "Timestamp"
  if (column.onUpdateCurrentTimestamp && !isDateTime)
    yield refuse(argument, `ON UPDATE CURRENT_TIMESTAMP of a ${type._tag}`, "a DateTime or Timestamp")
  if (generated !== undefined) {
    yield expressionProblem(argument, generated.sql, dialect)
    if (fallback !== undefined || autoIncrement)
      yield refuse(argument, "a generated column with another value", "one without default and auto-increment")
  }
  if (fallback === undefined) return
  if (autoIncrement) yield refuse(argument, "a default of an auto-increment column", "one of them")
  switch (fallback._tag) {
    case "Expression":
      return yield expressionProblem(`default of ${argument}`, fallback.sql, dialect)
    case "CurrentTimestamp":
      if (!isDateTime || type.fraction !== fallback.fraction)
        yield refuse(
          `default of ${argument}`,
          `CURRENT_TIMESTAMP(${fallback.fraction})`,
          "a DateTime or Timestamp with as many digits"
        )
      return
    case "Value": {
      const { value } = fallback
      if (value === null && (!column.nullable || primaryKey.includes(column.name)))
        yield refuse(`default of ${argument}`, "null", "a value: the column is NOT NULL")
      if (typeof value === "number" && !Number.isFinite(value))
        yield refuse(`default of ${argument}`, kindOf(value), "a finite number")
      if (typeof value === "bigint" && (value < -(2n ** 63n) || value >= 2n ** 64n))
        yield refuse(`default of ${argument}`, "a bigint beyond 64 bits", "one of 64 bits")
      if (typeof value === "string") yield* defaultTextProblems(`default of ${argument}`, value, type)
    }
  }
}

function* defaultTextProblems(argument: string, value: string, type: SqlType): Problems {
  if (!value.isWellFormed()) yield refuse(argument, "a string with a lone surrogate", "well-formed Unicode text")
  if (type._tag === "Enum" && !type.values.includes(value)) yield refuse(argument, "another text", "one of its values")
  if ((type._tag === "Char" || type._tag === "Varchar") && [...value].length > type.length)
    yield refuse(argument, `${[...value].length} characters`, `${type.length} at the most`)
}

/** MySQL and MariaDB keep comments in three bytes for a character, and `?` for those that need four. */
const commentProblem = (
  argument: string,
  comment: string | undefined,
  most: number,
  dialect: Dialect
): ArgumentError | undefined => {
  if (comment === undefined || dialect.name === "sqlite") return undefined
  const name = `comment of ${argument}`
  if (!comment.isWellFormed()) return refuse(name, "a lone surrogate", "well-formed Unicode text")
  if (hasBeyondBmp(comment))
    return refuse(name, "characters beyond U+FFFF", "none: MySQL and MariaDB would keep a question mark instead")
  return comment.length > most ? refuse(name, `${comment.length} characters`, `${most} at the most`) : undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// types

const integerSizes: ReadonlySet<string> = new Set<IntegerSize>(["TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"])
const lobSizes: ReadonlySet<string> = new Set<LobSize>(["TINY", "NORMAL", "MEDIUM", "LONG"])

/**
 * What is wrong with a type, if anything. The bounds are those of MySQL and MariaDB; SQLite has none.
 *
 * @since 0.1.0
 * @category checks
 */
export const typeProblem = (argument: string, type: SqlType, dialect: Dialect): ArgumentError | undefined => {
  const isMysql = dialect.name === "mysql"
  const within = (what: string, value: number, min: number, max: number): ArgumentError | undefined =>
    Number.isInteger(value) && value >= min && value <= max
      ? undefined
      : refuse(argument, `${what} ${value}`, `a whole number from ${min} to ${max}`)
  const length = (value: number, most: number): ArgumentError | undefined =>
    within("length", value, 0, isMysql ? most : 2 ** 31 - 1)
  const size = (sizes: ReadonlySet<string>, value: string): ArgumentError | undefined =>
    sizes.has(value) ? undefined : refuse(argument, "a size that is not known", [...sizes].join(", "))
  switch (type._tag) {
    case "Integer":
      return size(integerSizes, type.size)
    case "Text":
    case "Blob":
      return size(lobSizes, type.size)
    case "Char":
    case "Binary":
      return length(type.length, 255)
    case "Varchar":
      return length(type.length, 16_383)
    case "Varbinary":
      return length(type.length, 65_535)
    case "Decimal":
      return within("precision", type.precision, 1, 65) ?? within("scale", type.scale, 0, Math.min(38, type.precision))
    case "Time":
    case "DateTime":
    case "Timestamp":
      return within("fraction", type.fraction, 0, 6)
    case "Enum":
      return enumProblem(argument, type.values, isMysql)
    case "Other":
      if (type.name.trim() !== "") return expressionProblem(argument, type.name, dialect)
      // A column of SQLite needs no type.
      return isMysql ? refuse(argument, "a type without a name", "a type") : undefined
    default:
      return undefined
  }
}

const enumProblem = (argument: string, values: ReadonlyArray<string>, isMysql: boolean): ArgumentError | undefined => {
  const given = (what: string, expected: string): ArgumentError => refuse(`enum of ${argument}`, what, expected)
  if (values.length === 0) return given("no values", "one at the least")
  if (new Set(values).size < values.length) return given("a value twice", "each value once")
  if (values.some((value) => value.includes("\0") || !value.isWellFormed()))
    return given("a value with a NUL character or a lone surrogate", "well-formed text without")
  if (!isMysql) return undefined
  if (values.some((value) => value.endsWith(" ")))
    return given("a value that ends with a space", "values that do not: MySQL takes the spaces away")
  if (values.some(hasBeyondBmp))
    return given("a value with characters beyond U+FFFF", "none: MySQL and MariaDB show a question mark instead")
  return values.some((value) => value.length > 255) ? given("a value over 255 characters", "shorter ones") : undefined
}

function* autoIncrementProblems(definition: TableDefinition, table: string): Problems {
  const [column, another] = definition.columns.filter((each) => each.autoIncrement)
  if (column === undefined) return
  if (another !== undefined)
    yield refuse(`column ${shown(another.name)} of ${table}`, "a second auto-increment column", "one")
  const argument = `column ${shown(column.name)} of ${table}`
  if (column.type._tag !== "Integer") yield refuse(argument, `auto-increment of a ${column.type._tag}`, "an Integer")
  const keys = [definition.primaryKey, ...definition.indexes.map((index) => index.columns)]
  if (!keys.some(([first]) => first === column.name))
    yield refuse(argument, "auto-increment of a column that is no key's first", "the first column of a key")
  if (column.nullable && !definition.primaryKey.includes(column.name))
    yield refuse(argument, "auto-increment of a column that can be NULL", "one that is NOT NULL")
}

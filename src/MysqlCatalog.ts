/**
 * What MySQL and MariaDB say of their tables: information_schema, and SHOW CREATE TABLE for what that does not say exactly.
 *
 * MySQL's information_schema writes expressions with escapes and in the wrong character set; and information_schema has no
 * characters beyond U+FFFF on either server, and a question mark for each. So expressions of MySQL come from SHOW CREATE
 * TABLE, and so does a default that has a question mark, which MariaDB is asked for by DEFAULT().
 *
 * https://dev.mysql.com/doc/refman/9.7/en/information-schema.html, https://mariadb.com/kb/en/information-schema-tables/
 *
 * @since 0.1.0
 */
import { Effect, Option } from "effect"
import { actionOf, byName, catalogValues, groups, readingOf, rowsByTable } from "./Catalog.js"
import type { Engine } from "./Engine.js"
import type { ExecuteError } from "./Errors.js"
import { Row } from "./Result.js"
import type {
  CheckDefinition,
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  ServerDefault,
  SqlType,
  TableDefinition
} from "./TableDefinition.js"
import { unquotedName } from "./SqlWords.js"
import { type TableText, tableText } from "./TableText.js"
import { expressionOf, type Reading, sqlDefault, typeOf, valueDefault } from "./TypeText.js"

const tableTypes = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
const viewTypes = "TABLE_TYPE IN ('VIEW', 'SYSTEM VIEW')"

/** The names of the tables, or of the views, of the current database; only this name, where one is given. */
export const mysqlNames = (
  engine: Engine,
  kind: "tables" | "views",
  name: string | undefined
): Effect.Effect<ReadonlyArray<string>, ExecuteError> =>
  engine
    .execute<{ readonly name: string }>(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND ${
        kind === "tables" ? tableTypes : viewTypes
      }${name === undefined ? "" : " AND TABLE_NAME = ?"}`,
      name === undefined ? undefined : [name],
      catalogValues
    )
    .pipe(Effect.map(({ rows }) => rows.toSorted(byName).map((row) => row.name)))

interface TableRow {
  readonly name: string
  readonly comment: string
  readonly version: string
}

interface ColumnRow {
  readonly ofTable: string
  readonly name: string
  readonly fallback: string | null
  readonly nullable: string
  readonly type: string
  readonly extra: string
  readonly comment: string
  readonly generation: string | null
}

interface IndexRow {
  readonly ofTable: string
  readonly name: string
  readonly notUnique: number
  readonly column: string | null
  readonly isPlain: boolean
}

interface ForeignKeyRow {
  readonly ofTable: string
  readonly name: string
  readonly column: string
  readonly schema: string
  readonly here: string
  readonly referencedTable: string
  readonly referencedColumn: string
}

interface RuleRow {
  readonly ofTable: string
  readonly name: string
  readonly onUpdate: string
  readonly onDelete: string
}

interface CheckRow {
  readonly ofTable: string
  readonly name: string
  readonly clause: string
}

/** What information_schema says of one table. */
interface Facts {
  readonly columns: ReadonlyArray<ColumnRow>
  readonly indexes: ReadonlyArray<IndexRow>
  readonly foreignKeys: ReadonlyArray<ForeignKeyRow>
  readonly rules: ReadonlyArray<RuleRow>
  readonly checks: ReadonlyArray<CheckRow>
}

const noText: TableText = { columns: [], uniques: [], foreignKeys: [], checks: [], indexes: [] }

/**
 * The tables of the current database, by name; only the table of this name, where one is given. Names are compared as the
 * server compares names of tables.
 */
export const mysqlTables = (
  engine: Engine,
  name: string | undefined
): Effect.Effect<ReadonlyArray<TableDefinition>, ExecuteError> =>
  Effect.gen(function* () {
    const ask = <A extends object>(select: string, from: string, rest: string) =>
      engine.execute<A>(
        `SELECT ${select} FROM information_schema.${from} WHERE ${rest}${name === undefined ? "" : " AND TABLE_NAME = ?"}`,
        name === undefined ? undefined : [name],
        catalogValues
      )
    const here = "TABLE_SCHEMA = DATABASE()"

    const found = yield* ask<TableRow>(
      "TABLE_NAME AS name, TABLE_COMMENT AS comment, VERSION() AS version",
      "TABLES",
      `${here} AND ${tableTypes}`
    )
    // A table of just this name comes before one that the server only takes for the same.
    const exact = found.rows.filter((row) => row.name === name)
    const tables = exact.length > 0 ? exact : found.rows
    if (tables.length === 0) return []
    const isMariadb = /mariadb/i.test(tables[0]?.version ?? "")

    const columns = yield* ask<ColumnRow & { readonly place: number }>(
      "TABLE_NAME AS ofTable, COLUMN_NAME AS name, COLUMN_DEFAULT AS fallback, IS_NULLABLE AS nullable, COLUMN_TYPE AS type, EXTRA AS extra, COLUMN_COMMENT AS comment, GENERATION_EXPRESSION AS generation, ORDINAL_POSITION AS place",
      "COLUMNS",
      here
    )
    // All columns: one of them is only there on MySQL.
    const indexes = yield* ask("*", "STATISTICS", here)
    const keys = yield* ask<ForeignKeyRow & { readonly place: number }>(
      "TABLE_NAME AS ofTable, CONSTRAINT_NAME AS name, COLUMN_NAME AS `column`, REFERENCED_TABLE_SCHEMA AS `schema`, TABLE_SCHEMA AS here, REFERENCED_TABLE_NAME AS referencedTable, REFERENCED_COLUMN_NAME AS referencedColumn, ORDINAL_POSITION AS place",
      "KEY_COLUMN_USAGE",
      `${here} AND REFERENCED_TABLE_NAME IS NOT NULL`
    )
    const rules = yield* ask<RuleRow>(
      "TABLE_NAME AS ofTable, CONSTRAINT_NAME AS name, UPDATE_RULE AS onUpdate, DELETE_RULE AS onDelete",
      "REFERENTIAL_CONSTRAINTS",
      "CONSTRAINT_SCHEMA = DATABASE()"
    )
    const checks = yield* isMariadb
      ? ask<CheckRow>(
          "TABLE_NAME AS ofTable, CONSTRAINT_NAME AS name, CHECK_CLAUSE AS clause",
          "CHECK_CONSTRAINTS",
          "CONSTRAINT_SCHEMA = DATABASE()"
        )
      : ask<CheckRow>(
          "TABLE_NAME AS ofTable, CONSTRAINT_NAME AS name, '' AS clause",
          "TABLE_CONSTRAINTS",
          `${here} AND CONSTRAINT_TYPE = 'CHECK'`
        )

    const columnsOf = rowsByTable(columns.rows.toSorted((a, b) => a.place - b.place))
    const indexesOf = rowsByTable(indexRows(indexes.rows.map((row) => Row.toRecord(row))))
    const keysOf = rowsByTable(keys.rows.toSorted((a, b) => a.place - b.place))
    const rulesOf = rowsByTable(rules.rows)
    const checksOf = rowsByTable(checks.rows)
    const definitions = yield* Effect.forEach(tables, (table) =>
      tableOf(engine, isMariadb, table, {
        columns: columnsOf(table.name),
        indexes: indexesOf(table.name),
        foreignKeys: keysOf(table.name),
        rules: rulesOf(table.name),
        checks: checksOf(table.name)
      })
    )
    return definitions.toSorted(byName)
  })

/** The columns of indexes, in order. */
const indexRows = (rows: ReadonlyArray<Record<string, unknown>>): ReadonlyArray<IndexRow> =>
  rows
    .toSorted((a, b) => Number(a.SEQ_IN_INDEX) - Number(b.SEQ_IN_INDEX))
    .map((row) => ({
      ofTable: String(row.TABLE_NAME),
      name: String(row.INDEX_NAME),
      notUnique: Number(row.NON_UNIQUE),
      column: typeof row.COLUMN_NAME === "string" ? row.COLUMN_NAME : null,
      isPlain:
        typeof row.COLUMN_NAME === "string" &&
        row.SUB_PART === null &&
        row.COLLATION !== "D" &&
        /^(?:BTREE|HASH)$/.test(String(row.INDEX_TYPE))
    }))

// ---------------------------------------------------------------------------------------------------------------------
// one table

const tableOf = (
  engine: Engine,
  isMariadb: boolean,
  { name, comment }: TableRow,
  facts: Facts
): Effect.Effect<TableDefinition, ExecuteError> =>
  Effect.gen(function* () {
    const reading = readingOf(engine)
    const ofColumns = facts.columns.map((row) => ({ row, type: columnType(row, facts, reading) }))
    const indexes = groups(facts.indexes, (row) => row.name)

    const needsText =
      (!isMariadb &&
        (facts.checks.length > 0 ||
          ofColumns.some(({ row, type }) => isGenerated(row) || isExpression(row) || isInexact(row, type)))) ||
      facts.indexes.some((index) => !index.isPlain)
    const text = needsText ? yield* shown(engine, name, reading) : noText

    const inexact = ofColumns.filter(({ row, type }) => isMariadb && isInexact(row, type))
    const exactDefaults = yield* readDefaults(
      engine,
      name,
      inexact.map(({ row }) => row.name)
    )
    const columns = ofColumns.map(({ row, type }): ColumnDefinition => {
      const columnText = text.columns.find((column) => column.name === row.name)
      const generated = isGenerated(row)
        ? {
            sql: expressionOf(columnText?.generated?.sql ?? row.generation ?? "", reading),
            stored: /STORED|PERSISTENT/i.test(row.extra)
          }
        : undefined
      return {
        name: row.name,
        type,
        nullable: row.nullable === "YES",
        autoIncrement: /auto_increment/i.test(row.extra),
        default:
          generated === undefined
            ? (exactDefaults.get(row.name) ??
              (isMariadb
                ? mariadbDefault(row.fallback, type, reading)
                : mysqlDefault(row, type, columnText?.default, reading)))
            : undefined,
        onUpdateCurrentTimestamp: /on update current_timestamp/i.test(row.extra),
        comment: row.comment === "" ? undefined : row.comment,
        ...(generated === undefined ? {} : { generated })
      }
    })

    const foreignKeys = [...groups(facts.foreignKeys, (row) => row.name)].map(([key, rows]) =>
      foreignKeyOf(
        key,
        rows,
        facts.rules.find((rule) => rule.name === key)
      )
    )
    const checks = isMariadb
      ? facts.checks.filter((check) => !isJsonCheck(check, facts))
      : facts.checks.map((check) => ({
          ...check,
          clause: text.checks.find((each) => each.name === check.name)?.expression ?? check.clause
        }))
    return {
      name,
      columns,
      primaryKey: (indexes.get("PRIMARY") ?? []).flatMap(({ column }) => (column === null ? [] : [column])),
      indexes: [...indexes]
        .filter(([index, rows]) => index !== "PRIMARY" && !isOfForeignKey(name, index, rows, foreignKeys))
        .map(([index, rows]) => indexOf(index, rows, text))
        .toSorted(byName),
      foreignKeys: foreignKeys.toSorted(byName),
      checks: checks
        .map((check): CheckDefinition => ({ name: check.name, expression: expressionOf(check.clause, reading) }))
        .toSorted(byName),
      comment: comment === "" ? undefined : comment
    }
  })

const shown = (engine: Engine, name: string, reading: Reading): Effect.Effect<TableText, ExecuteError> =>
  engine
    .execute(`SHOW CREATE TABLE ${engine.dialect.quoteIdentifier(name)}`, undefined, catalogValues)
    .pipe(
      Effect.map(({ first }) =>
        Option.match(first, { onNone: () => noText, onSome: (row) => tableText(String(row[1]), reading.lexicon) })
      )
    )

// ---------------------------------------------------------------------------------------------------------------------
// columns

const isGenerated = ({ extra }: ColumnRow): boolean => /\b(?:STORED|VIRTUAL|PERSISTENT) GENERATED\b/i.test(extra)

const isExpression = ({ extra, fallback }: ColumnRow): boolean =>
  fallback !== null && /\bDEFAULT_GENERATED\b/.test(extra) && !/^(?:CURRENT_TIMESTAMP|NOW)\b/i.test(fallback)

/** MariaDB's JSON is a LONGTEXT with a check of its own. */
const columnType = (row: ColumnRow, facts: Facts, { lexicon }: Reading): SqlType =>
  row.type === "longtext" && facts.checks.some((check) => check.name === row.name && isJsonCheck(check, facts))
    ? { _tag: "Json" }
    : typeOf(row.type, lexicon)

const isJsonCheck = ({ name, clause }: CheckRow, { columns }: Facts): boolean =>
  unquotedName(/^json_valid\((.*)\)$/s.exec(clause)?.[1] ?? "") === name &&
  columns.some((column) => column.name === name && column.type === "longtext")

/** Whether information_schema may not have all of a default: a question mark may stand for another character. */
const isInexact = (row: ColumnRow, type: SqlType): boolean => {
  if (row.fallback === null || row.fallback === "NULL" || isGenerated(row) || isExpression(row)) return false
  switch (type._tag) {
    case "Char":
    case "Varchar":
      return /[?\0]/.test(row.fallback) || row.fallback.includes("\\0")
    case "Binary":
    case "Varbinary":
      return true
    default:
      return false
  }
}

/**
 * Defaults as values, exactly, by the table's first row, or by none, where a column that is NOT NULL gives NULL instead: then
 * what information_schema has is all that there is.
 */
const readDefaults = (
  engine: Engine,
  table: string,
  columns: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, ServerDefault>, ExecuteError> => {
  if (columns.length === 0) return Effect.succeed(new Map())
  const quote = engine.dialect.quoteIdentifier
  const values = columns.map((column) => `DEFAULT(t.${quote(column)})`).join(", ")
  return engine
    .execute(
      `SELECT ${values} FROM ${quote(table)} t RIGHT JOIN (SELECT 1 AS one) o ON TRUE LIMIT 1`,
      undefined,
      catalogValues
    )
    .pipe(
      Effect.map(({ first }) => {
        const found = new Map<string, ServerDefault>()
        if (Option.isNone(first)) return found
        columns.forEach((column, place) => {
          const value = first.value[place]
          if (typeof value === "string") found.set(column, { _tag: "Value", value })
          else if (value instanceof Uint8Array) found.set(column, bytesDefault(value))
        })
        return found
      })
    )
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Bytes that are a text are that text, as a program would write them; others are a literal of bytes. */
const bytesDefault = (bytes: Uint8Array): ServerDefault => {
  try {
    return { _tag: "Value", value: utf8.decode(bytes) }
  } catch {
    return { _tag: "Expression", sql: `x'${Buffer.from(bytes).toString("hex")}'` }
  }
}

/** MariaDB writes defaults as SQL, NULL among them. */
const mariadbDefault = (fallback: string | null, type: SqlType, reading: Reading): ServerDefault | undefined =>
  fallback === null ? undefined : sqlDefault(fallback, type, reading)

/** MySQL writes literals without quotes, and says of the rest that they are expressions. */
const mysqlDefault = (
  row: ColumnRow,
  type: SqlType,
  written: string | undefined,
  reading: Reading
): ServerDefault | undefined => {
  const { fallback } = row
  if (fallback === null) return undefined
  if (written !== undefined && /^0x[0-9A-F]*$/.test(written) && isInexact(row, type))
    return bytesDefault(Buffer.from(written.slice(2), "hex"))
  if (isExpression(row) || isInexact(row, type)) return sqlDefault(written ?? fallback, type, reading)
  const isTime = type._tag === "DateTime" || type._tag === "Timestamp"
  if (isTime && /^(?:CURRENT_TIMESTAMP|NOW)\b/i.test(fallback)) return sqlDefault(fallback, type, reading)
  if (/^b'[01]*'$/.test(fallback) && type._tag === "Other") return { _tag: "Expression", sql: fallback }
  return valueDefault(fallback, type)
}

// ---------------------------------------------------------------------------------------------------------------------
// keys

const indexOf = (name: string, rows: ReadonlyArray<IndexRow>, text: TableText): IndexDefinition => {
  const definition = rows.every((row) => row.isPlain)
    ? undefined
    : text.indexes.find((index) => index.name === name)?.definition
  return {
    name,
    columns: rows.flatMap(({ column }) => (column === null ? [] : [column])),
    unique: rows.every((row) => row.notUnique === 0),
    ...(definition === undefined ? {} : { definition })
  }
}

/**
 * Whether InnoDB has made this index itself: it is over just the columns of a foreign key, and has its name; or, where the
 * foreign key was given no name, that of its first column.
 */
const isOfForeignKey = (
  table: string,
  name: string,
  rows: ReadonlyArray<IndexRow>,
  foreignKeys: ReadonlyArray<ForeignKeyDefinition>
): boolean =>
  rows.every((row) => row.isPlain && row.notUnique === 1) &&
  foreignKeys.some(
    (key) =>
      (key.name === name || (key.columns[0] === name && key.name.startsWith(`${table}_ibfk_`))) &&
      key.columns.length === rows.length &&
      key.columns.every((column, place) => column === rows[place]?.column)
  )

const foreignKeyOf = (
  name: string,
  rows: ReadonlyArray<ForeignKeyRow>,
  rule: RuleRow | undefined
): ForeignKeyDefinition => {
  const [first] = rows
  const isHere = first === undefined || first.schema === first.here
  return {
    name,
    columns: rows.map(({ column }) => column),
    referencedTable: `${isHere ? "" : `${first.schema}.`}${first?.referencedTable ?? ""}`,
    referencedColumns: rows.map(({ referencedColumn }) => referencedColumn),
    onDelete: actionOf(rule?.onDelete),
    onUpdate: actionOf(rule?.onUpdate)
  }
}

/**
 * Definitions of tables, made statements: CREATE TABLE, DROP TABLE. Pure functions; Kysely's compilers write the SQL.
 *
 * A table is made by one statement wherever its database can: on MySQL and MariaDB always, on SQLite but for indexes that are
 * not unique, which are made after it (in a transaction nothing half-made is left).
 *
 * @since 0.1.0
 */
import {
  CheckConstraintNode,
  ColumnDefinitionNode,
  ColumnNode,
  CreateIndexNode,
  CreateTableNode,
  createQueryId,
  DefaultValueNode,
  DropTableNode,
  ForeignKeyConstraintNode,
  MysqlQueryCompiler,
  PrimaryKeyConstraintNode,
  RawNode,
  type RootOperationNode,
  SqliteQueryCompiler,
  TableNode,
  UniqueConstraintNode
} from "kysely"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, type DataError, NotSupportedError } from "./Errors.js"
import type {
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  LobSize,
  SqlType,
  TableDefinition
} from "./TableDefinition.js"
import { checkName, checkTable, ownCheckName, typeProblem } from "./TableRules.js"
import { sqliteTimestamp } from "./TypeText.js"
import type { BoundValue } from "./Value.js"

const mysqlCompiler = new MysqlQueryCompiler()
const sqliteCompiler = new SqliteQueryCompiler()

const compile = (node: RootOperationNode, dialect: Dialect): string =>
  (dialect.name === "mysql" ? mysqlCompiler : sqliteCompiler).compileQuery(node, createQueryId()).sql

const raw = (sql: string): RawNode => RawNode.createWithSql(sql)

/** A literal as the session of this dialect reads it. The rules have refused the values that have none. */
const literal = (value: BoundValue, dialect: Dialect): string | DataError =>
  dialect.literal(value, dialect.lexicon.backslashEscapes)

const text = (value: string, dialect: Dialect): string => {
  const written = literal(value, dialect)
  return typeof written === "string" ? written : "NULL"
}

const names = (columns: ReadonlyArray<string>, dialect: Dialect): string =>
  columns.map(dialect.quoteIdentifier).join(", ")

/**
 * The statements that make a table, in order: CREATE TABLE with its keys and checks, and CREATE INDEX for what cannot stand
 * in it. The columns of the primary key are NOT NULL whatever their definitions say. Texts are utf8mb4 on MySQL and MariaDB.
 *
 * SQLite has no comments and no ON UPDATE CURRENT_TIMESTAMP: they are left out there. (A trigger in its place would make what
 * UPDATE … RETURNING gives untrue, and would also set a column that the program has set.) Its types keep the names that they
 * have on MySQL; an Enum is a VARCHAR with a check `enum_<column>`, an unsigned Decimal has a check `unsigned_<column>`, and
 * a primary key that counts up by itself is INTEGER, of 64 bits. Names of indexes are the database's there, not the table's.
 *
 * What only the server knows it says itself: how long a row can be, which types an index takes. MariaDB takes SET DEFAULT for
 * RESTRICT, and gives a DATETIME that is NOT NULL with ON UPDATE CURRENT_TIMESTAMP a default of zeros.
 *
 * Gives an `ArgumentError` for a definition that no database would take, or that one would change without a word, and
 * `NotSupportedError` for what this dialect does not have.
 *
 * https://dev.mysql.com/doc/refman/9.7/en/create-table.html, https://sqlite.org/lang_createtable.html
 *
 * @since 0.1.0
 * @category statements
 */
export const createTable = (
  definition: TableDefinition,
  dialect: Dialect,
  options: { readonly ifNotExists?: boolean | undefined } = {}
): ReadonlyArray<string> | ArgumentError | NotSupportedError => {
  try {
    return textsOf(definition, dialect, options.ifNotExists === true)
  } catch {
    // A program without types may have anything in the place of a name, a value or an expression.
    const given = "a definition that cannot be read"
    return new ArgumentError({ argument: "table", given, expected: "names, values and expressions of their kinds" })
  }
}

const textsOf = (
  definition: TableDefinition,
  dialect: Dialect,
  ifNotExists: boolean
): ReadonlyArray<string> | ArgumentError | NotSupportedError => {
  const problem = checkTable(definition, dialect)
  if (problem !== undefined) return problem
  const table = TableNode.create(definition.name)
  const [inside, after] = indexesOf(definition, dialect)

  const columns: Array<ColumnDefinitionNode> = []
  for (const [place, column] of definition.columns.entries()) {
    const node = columnNode(column, definition, dialect)
    if (node instanceof NotSupportedError || node instanceof ArgumentError) return node
    const isLast = place === definition.columns.length - 1
    columns.push(isLast ? inside.reduce(withIndex, node) : node)
  }

  let create = CreateTableNode.cloneWith(CreateTableNode.create(table), { ifNotExists })
  create = columns.reduce(CreateTableNode.cloneWithColumn, create)
  const { primaryKey } = definition
  if (primaryKey.length > 0 && !hasRowId(definition, dialect))
    create = CreateTableNode.cloneWithConstraint(create, PrimaryKeyConstraintNode.create([...primaryKey]))
  for (const index of definition.indexes)
    if (index.unique && index.definition === undefined)
      create = CreateTableNode.cloneWithConstraint(create, UniqueConstraintNode.create([...index.columns], index.name))
  for (const key of definition.foreignKeys) create = CreateTableNode.cloneWithConstraint(create, foreignKeyNode(key))
  for (const { name, expression } of checksOf(definition, dialect))
    create = CreateTableNode.cloneWithConstraint(create, CheckConstraintNode.create(raw(expression), name))
  if (dialect.name === "mysql") {
    create = CreateTableNode.cloneWithEndModifier(create, raw("default character set utf8mb4"))
    if (definition.comment !== undefined)
      create = CreateTableNode.cloneWithEndModifier(create, raw(`comment ${text(definition.comment, dialect)}`))
  }

  return [compile(create, dialect), ...after.map((index) => createIndex(index, table, dialect, ifNotExists))]
}

/**
 * Indexes that stand inside of CREATE TABLE, as texts, and those that come after it. Kysely has no word for the first, so
 * they are written behind the last column.
 */
const indexesOf = (
  { indexes }: TableDefinition,
  dialect: Dialect
): readonly [inside: ReadonlyArray<string>, after: ReadonlyArray<IndexDefinition>] => {
  const plain = indexes.filter((index) => !index.unique || index.definition !== undefined)
  return dialect.name === "sqlite"
    ? [[], plain]
    : [
        plain.map(
          ({ name, columns, definition }) =>
            definition ?? `index ${dialect.quoteIdentifier(name)} (${names(columns, dialect)})`
        ),
        []
      ]
}

const withIndex = (column: ColumnDefinitionNode, index: string): ColumnDefinitionNode =>
  ColumnDefinitionNode.cloneWithEndModifier(column, raw(`, ${index}`))

const createIndex = (
  { name, columns, definition }: IndexDefinition,
  table: TableNode,
  dialect: Dialect,
  ifNotExists: boolean
): string =>
  definition ??
  compile(
    CreateIndexNode.cloneWith(CreateIndexNode.create(name), {
      table,
      columns: columns.map(ColumnNode.create),
      ifNotExists
    }),
    dialect
  )

const foreignKeyNode = (key: ForeignKeyDefinition): ForeignKeyConstraintNode =>
  ForeignKeyConstraintNode.cloneWith(
    ForeignKeyConstraintNode.create(
      key.columns.map(ColumnNode.create),
      TableNode.create(key.referencedTable),
      key.referencedColumns.map(ColumnNode.create),
      key.name
    ),
    { onDelete: key.onDelete, onUpdate: key.onUpdate }
  )

/** The program's checks, and those that SQLite gets for types that it does not have. */
const checksOf = (definition: TableDefinition, dialect: Dialect): TableDefinition["checks"] => {
  if (dialect.name === "mysql") return definition.checks
  const own = definition.columns.flatMap((column) => {
    const name = ownCheckName(column)
    if (name === undefined) return []
    const quoted = dialect.quoteIdentifier(column.name)
    const expression =
      column.type._tag === "Enum"
        ? `${quoted} in (${column.type.values.map((value) => text(value, dialect)).join(", ")})`
        : `${quoted} >= 0`
    return [{ name, expression }]
  })
  return [...own, ...definition.checks]
}

// ---------------------------------------------------------------------------------------------------------------------
// columns

/** Whether the table's key is SQLite's own number of a row, which counts up by itself. */
const hasRowId = ({ columns, primaryKey }: TableDefinition, dialect: Dialect): boolean =>
  dialect.name === "sqlite" &&
  primaryKey.length === 1 &&
  columns.some((column) => column.autoIncrement && column.name === primaryKey[0])

const columnNode = (
  column: ColumnDefinition,
  definition: TableDefinition,
  dialect: Dialect
): ColumnDefinitionNode | ArgumentError | NotSupportedError => {
  const { name, type, autoIncrement, generated } = column
  const isMysql = dialect.name === "mysql"
  const isRowId = autoIncrement && hasRowId(definition, dialect)
  if (autoIncrement && !isMysql && !isRowId)
    return new NotSupportedError({
      reason: "NotSupported",
      message: `SQLite counts up by itself only where the column is the primary key: ${JSON.stringify(name)} is not`
    })
  const defaultTo = defaultText(column, dialect)
  if (defaultTo instanceof ArgumentError) return defaultTo
  const notNull = !column.nullable || definition.primaryKey.includes(name)
  const front = [
    ...(generated === undefined ? [] : [generatedText(generated)]),
    // Without a word a TIMESTAMP is NOT NULL for servers without explicit_defaults_for_timestamp.
    ...(isMysql && type._tag === "Timestamp" && !notNull && generated === undefined ? ["null"] : [])
  ]
  const end = isMysql
    ? [
        ...(column.onUpdateCurrentTimestamp && (type._tag === "DateTime" || type._tag === "Timestamp")
          ? [`on update ${currentTimestamp(type.fraction)}`]
          : []),
        ...(column.comment === undefined ? [] : [`comment ${text(column.comment, dialect)}`])
      ]
    : []
  const dataType = raw(isRowId ? "INTEGER" : writtenType(type, dialect))
  const node = ColumnDefinitionNode.cloneWith(ColumnDefinitionNode.create(name, dataType), {
    notNull,
    ...(defaultTo === undefined ? {} : { defaultTo: DefaultValueNode.create(raw(defaultTo)) }),
    ...(autoIncrement ? { autoIncrement, primaryKey: isRowId } : {})
  })
  const fronted = front.reduce((all, each) => ColumnDefinitionNode.cloneWithFrontModifier(all, raw(each)), node)
  return end.reduce((all, each) => ColumnDefinitionNode.cloneWithEndModifier(all, raw(each)), fronted)
}

const generatedText = ({ sql, stored }: NonNullable<ColumnDefinition["generated"]>): string =>
  `generated always as (${sql}) ${stored ? "stored" : "virtual"}`

const defaultText = (
  { name, type, default: fallback }: ColumnDefinition,
  dialect: Dialect
): string | undefined | ArgumentError => {
  if (fallback === undefined) return undefined
  switch (fallback._tag) {
    case "CurrentTimestamp":
      return dialect.name === "mysql" ? currentTimestamp(fallback.fraction) : sqliteTimestamp(fallback.fraction)
    case "Expression":
      return `(${fallback.sql})`
    case "Value": {
      const written = literal(fallback.value, dialect)
      if (typeof written !== "string")
        return new ArgumentError({
          argument: `default of column ${JSON.stringify(name)}`,
          given: written.message,
          expected: "a value that the database has"
        })
      return needsParentheses(fallback.value, type, dialect) ? `(${written})` : written
    }
  }
}

/**
 * On MySQL a literal is no default of some types, but an expression that is a literal is; on SQLite a text with a NUL is an
 * expression.
 */
const needsParentheses = (value: BoundValue, type: SqlType, dialect: Dialect): boolean => {
  if (dialect.name === "sqlite") return typeof value === "string" && value.includes("\0")
  return value !== null && /^(?:Text|Blob|Json|Other)$/.test(type._tag)
}

const digits = (fraction: number): string => (fraction === 0 ? "" : `(${fraction})`)

const currentTimestamp = (fraction: number): string => `current_timestamp${digits(fraction)}`

// ---------------------------------------------------------------------------------------------------------------------
// types

const lobPrefix = (size: LobSize): string => (size === "NORMAL" ? "" : size)

/**
 * The name of a type in this dialect. SQLite gets MySQL's, which say how its values are read; an Enum there is as long as its
 * longest value.
 *
 * @since 0.1.0
 * @category types
 */
export const typeText = (type: SqlType, dialect: Dialect): string | ArgumentError =>
  typeProblem("type", type, dialect) ?? writtenType(type, dialect)

const writtenType = (type: SqlType, dialect: Dialect): string => {
  switch (type._tag) {
    case "Integer":
      return type.unsigned ? `${type.size} UNSIGNED` : type.size
    case "Decimal":
      return `DECIMAL(${type.precision}, ${type.scale})${type.unsigned && dialect.name === "mysql" ? " UNSIGNED" : ""}`
    case "Char":
    case "Varchar":
    case "Binary":
    case "Varbinary":
      return `${type._tag.toUpperCase()}(${type.length})`
    case "Text":
    case "Blob":
      return `${lobPrefix(type.size)}${type._tag.toUpperCase()}`
    case "Time":
    case "DateTime":
    case "Timestamp":
      return `${type._tag.toUpperCase()}${digits(type.fraction)}`
    case "Enum":
      return dialect.name === "mysql"
        ? `ENUM(${type.values.map((value) => text(value, dialect)).join(", ")})`
        : `VARCHAR(${Math.max(1, ...type.values.map((value) => [...value].length))})`
    case "Other":
      return type.name
    case "Boolean":
    case "Float":
    case "Double":
    case "Date":
    case "Year":
    case "Json":
      return type._tag.toUpperCase()
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// several tables

/**
 * The statement that drops a table, with its indexes.
 *
 * @since 0.1.0
 * @category statements
 */
export const dropTable = (
  name: string,
  dialect: Dialect,
  options: { readonly ifExists?: boolean | undefined } = {}
): string | ArgumentError =>
  checkName("table name", name, dialect) ??
  compile(DropTableNode.create(TableNode.create(name), { ifExists: options.ifExists === true }), dialect)

/**
 * The tables in an order in which they can be made: those that others refer to first, and else as they were given. Tables
 * that are not among them are taken to be there. An `ArgumentError` names the circle where tables refer to one another; a
 * table that refers to itself is none.
 *
 * @since 0.1.0
 * @category statements
 */
export const sortTables = (
  definitions: ReadonlyArray<TableDefinition>
): ReadonlyArray<TableDefinition> | ArgumentError => {
  const byName = new Map<string, TableDefinition>()
  for (const definition of definitions) byName.set(definition.name.toLowerCase(), definition)
  for (const definition of definitions) byName.set(definition.name, definition)
  const sorted = new Set<TableDefinition>()
  /** Adds a table after those that it refers to; `path` is how it was come to. Gives a circle, if there is one. */
  const add = (
    table: TableDefinition,
    path: ReadonlyArray<TableDefinition>
  ): ReadonlyArray<TableDefinition> | undefined => {
    if (sorted.has(table)) return undefined
    const seen = path.indexOf(table)
    if (seen >= 0) return [...path.slice(seen), table]
    for (const { referencedTable } of table.foreignKeys) {
      const referenced = byName.get(referencedTable) ?? byName.get(referencedTable.toLowerCase())
      if (referenced === undefined || referenced === table) continue
      const circle = add(referenced, [...path, table])
      if (circle !== undefined) return circle
    }
    sorted.add(table)
    return undefined
  }
  for (const table of definitions) {
    const circle = add(table, [])
    if (circle !== undefined)
      return new ArgumentError({
        argument: "foreign keys",
        given: `a circle: ${circle.map(({ name }) => JSON.stringify(name)).join(" refers to ")}`,
        expected: "tables of which each refers to those before it, or to itself"
      })
  }
  return [...sorted]
}

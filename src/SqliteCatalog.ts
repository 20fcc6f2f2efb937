/**
 * What SQLite says of its tables: its schema table and pragmas, and the text of CREATE TABLE for what they do not say.
 *
 * https://sqlite.org/schematab.html, https://sqlite.org/pragma.html
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import { actionOf, byName, catalogValues, groups, readingOf, rowsByTable } from "./Catalog.js"
import type { Engine } from "./Engine.js"
import type { ExecuteError } from "./Errors.js"
import type {
  CheckDefinition,
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  ServerDefault,
  SqlType,
  TableDefinition
} from "./TableDefinition.js"
import { type TableText, tableText } from "./TableText.js"
import { expressionOf, type Reading, sqlDefault, sqliteTimestamp, typeOf, valuesIn } from "./TypeText.js"

const notOwn = "lower(substr(m.name, 1, 7)) <> 'sqlite_'"

/** The names of the tables, or of the views, of the main database, without SQLite's own; only this name, if it is given. */
export const sqliteNames = (
  engine: Engine,
  kind: "tables" | "views",
  name: string | undefined
): Effect.Effect<ReadonlyArray<string>, ExecuteError> =>
  engine
    .execute<{ readonly name: string }>(
      `SELECT m.name AS name FROM sqlite_schema m WHERE m.type = ? AND ${notOwn}${
        name === undefined ? "" : " AND m.name = ? COLLATE NOCASE"
      }`,
      [kind === "tables" ? "table" : "view", ...(name === undefined ? [] : [name])],
      catalogValues
    )
    .pipe(Effect.map(({ rows }) => rows.toSorted(byName).map((row) => row.name)))

interface TableRow {
  readonly name: string
  readonly sql: string
}

interface ColumnRow {
  readonly ofTable: string
  readonly name: string
  readonly type: string
  readonly isRequired: number
  readonly fallback: string | null
  readonly key: number
  readonly hidden: number
}

interface IndexRow {
  readonly ofTable: string
  readonly name: string
  readonly isUnique: number
  readonly isPartial: number
  readonly column: string | null
  readonly isDescending: number
  readonly collation: string
  readonly sql: string | null
}

interface ForeignKeyRow {
  readonly ofTable: string
  readonly id: number
  readonly referencedTable: string
  readonly column: string
  readonly referencedColumn: string | null
  readonly onUpdate: string
  readonly onDelete: string
}

interface KeyRow {
  readonly ofTable: string
  readonly name: string
}

/** What pragmas say of one table. */
interface Facts {
  readonly columns: ReadonlyArray<ColumnRow>
  readonly indexes: ReadonlyArray<IndexRow>
  readonly foreignKeys: ReadonlyArray<ForeignKeyRow>
  /** The columns of a table's primary key, in order. */
  readonly keyOf: (table: string) => ReadonlyArray<string>
}

/** The tables of the main database, by name; only the table of this name, where one is given. */
export const sqliteTables = (
  engine: Engine,
  name: string | undefined
): Effect.Effect<ReadonlyArray<TableDefinition>, ExecuteError> =>
  Effect.gen(function* () {
    const ask = <A extends object>(select: string, from: string, rest: string) =>
      engine.execute<A>(
        `SELECT ${select} FROM sqlite_schema m${from} WHERE m.type = 'table' AND ${notOwn}${
          name === undefined ? "" : " AND m.name = ? COLLATE NOCASE"
        } ${rest}`,
        name === undefined ? undefined : [name],
        catalogValues
      )
    const tables = yield* ask<TableRow>("m.name AS name, m.sql AS sql", "", "")
    if (tables.rows.length === 0) return []
    const columns = yield* ask<ColumnRow>(
      'm.name AS ofTable, c.name AS name, c.type AS type, c."notnull" AS isRequired, c.dflt_value AS fallback, c.pk AS "key", c.hidden AS hidden',
      ", pragma_table_xinfo(m.name, 'main') c",
      "ORDER BY m.name, c.cid"
    )
    const indexes = yield* ask<IndexRow>(
      'm.name AS ofTable, l.name AS name, l."unique" AS isUnique, l.partial AS isPartial, x.name AS "column", x."desc" AS isDescending, x.coll AS collation, s.sql AS sql',
      ", pragma_index_list(m.name, 'main') l, pragma_index_xinfo(l.name, 'main') x LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = l.name",
      "AND l.origin = 'c' AND x.key = 1 ORDER BY m.name, l.name, x.seqno"
    )
    const foreignKeys = yield* ask<ForeignKeyRow>(
      'm.name AS ofTable, f.id AS id, f."table" AS referencedTable, f.[from] AS "column", f."to" AS referencedColumn, f.on_update AS onUpdate, f.on_delete AS onDelete',
      ", pragma_foreign_key_list(m.name, 'main') f",
      "ORDER BY m.name, f.id DESC, f.seq"
    )
    // A foreign key that names no columns means the primary key of its table, which may be one that was not asked for.
    const keys = foreignKeys.rows.some((row) => row.referencedColumn === null)
      ? yield* engine.execute<KeyRow>(
          "SELECT m.name AS ofTable, c.name AS name FROM sqlite_schema m, pragma_table_xinfo(m.name, 'main') c WHERE m.type = 'table' AND c.pk > 0 ORDER BY m.name, c.pk",
          undefined,
          catalogValues
        )
      : { rows: [] }

    const columnsOf = rowsByTable(columns.rows)
    const indexesOf = rowsByTable(indexes.rows)
    const foreignKeysOf = rowsByTable(foreignKeys.rows)
    const keysOf = rowsByTable(keys.rows.map((row) => ({ ofTable: row.ofTable.toLowerCase(), name: row.name })))
    const reading = readingOf(engine)
    return tables.rows
      .map((table) =>
        tableOf(
          table,
          {
            columns: columnsOf(table.name),
            indexes: indexesOf(table.name),
            foreignKeys: foreignKeysOf(table.name),
            keyOf: (of) => keysOf(of.toLowerCase()).map((column) => column.name)
          },
          reading
        )
      )
      .toSorted(byName)
  })

const tableOf = ({ name, sql }: TableRow, facts: Facts, reading: Reading): TableDefinition => {
  const text = tableText(sql, reading.lexicon)
  const names = nameMaker(name)
  const rows = facts.columns.filter(({ hidden }) => hidden !== 1)
  const keyRows = rows.filter(({ key }) => key > 0).toSorted((a, b) => a.key - b.key)
  const primaryKey = keyRows.map((row) => row.name)
  /** SQLite compares names without regard to case, and keeps them as they were written. */
  const declared = (column: string): string =>
    rows.find((row) => row.name.toLowerCase() === column.toLowerCase())?.name ?? column

  const ownChecks = new Set<object>()
  const columns = rows.map((row): ColumnDefinition => {
    const plain = typeOf(row.type, reading.lexicon)
    const own = text.checks.find((check) => typeByCheck(row.name, plain, check, reading) !== undefined)
    const type = own === undefined ? plain : (typeByCheck(row.name, plain, own, reading) ?? plain)
    if (own !== undefined) ownChecks.add(own)
    const columnText = text.columns.find((column) => declared(column.name) === row.name)
    const generated = row.hidden > 1 ? columnText?.generated : undefined
    return {
      name: row.name,
      type,
      // The key of a WITHOUT ROWID table, and a number of a row, cannot be NULL; nor should any other key.
      nullable: row.isRequired === 0 && row.key === 0,
      autoIncrement: columnText?.autoIncrement ?? false,
      default: row.fallback === null || generated !== undefined ? undefined : defaultOf(row.fallback, type, reading),
      onUpdateCurrentTimestamp: false,
      comment: undefined,
      ...(generated === undefined
        ? {}
        : { generated: { sql: expressionOf(generated.sql, reading), stored: row.hidden === 3 } })
    }
  })

  return {
    name,
    columns,
    primaryKey,
    indexes: [
      ...text.uniques.map(
        ({ name, columns }): IndexDefinition => ({
          name: name ?? names("uq"),
          columns: columns.map(declared),
          unique: true
        })
      ),
      ...indexesOf(facts.indexes)
    ].toSorted(byName),
    foreignKeys: foreignKeysOf(facts, text, names, declared).toSorted(byName),
    checks: text.checks
      .filter((check) => !ownChecks.has(check))
      .map(
        (check): CheckDefinition => ({
          name: check.name ?? names("chk"),
          expression: expressionOf(check.expression, reading)
        })
      )
      .toSorted(byName),
    comment: undefined
  }
}

/** Names for constraints that have none, as servers make them: the table, the kind, and a number. */
const nameMaker = (table: string): ((kind: "uq" | "ibfk" | "chk") => string) => {
  const counts = new Map<string, number>()
  return (kind) => {
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    return `${[...table].slice(0, 52).join("")}_${kind}_${count}`
  }
}

/** The type that a check makes of a column, where it is one of those that stand for types that SQLite does not have. */
const typeByCheck = (
  column: string,
  type: SqlType,
  { name, expression }: TableText["checks"][number],
  { lexicon }: Reading
): SqlType | undefined => {
  if (type._tag === "Varchar" && name === `enum_${column}`) {
    const values = valuesIn(expression, column, lexicon)
    return values === undefined ? undefined : { _tag: "Enum", values }
  }
  const isUnsigned = name === `unsigned_${column}` && expression === `"${column.replaceAll('"', '""')}" >= 0`
  return type._tag === "Decimal" && isUnsigned ? { ...type, unsigned: true } : undefined
}

const defaultOf = (fallback: string, type: SqlType, reading: Reading): ServerDefault | undefined => {
  if (type._tag === "DateTime" || type._tag === "Timestamp") {
    const written = sqliteTimestamp(type.fraction)
    if (fallback === written || `(${fallback})` === written)
      return { _tag: "CurrentTimestamp", fraction: type.fraction }
  }
  return sqlDefault(fallback, type, reading)
}

const indexesOf = (rows: ReadonlyArray<IndexRow>): ReadonlyArray<IndexDefinition> =>
  [...groups(rows, (row) => row.name)].map(([name, parts]) => {
    const isPlain = parts.every(
      (part) => part.column !== null && part.isPartial === 0 && part.isDescending === 0 && part.collation === "BINARY"
    )
    const sql = parts[0]?.sql ?? null
    return {
      name,
      columns: parts.flatMap(({ column }) => (column === null ? [] : [column])),
      unique: parts.every((part) => part.isUnique === 1),
      ...(isPlain || sql === null ? {} : { definition: sql })
    }
  })

/** Pragmas give foreign keys from the last to the first, and the text their names, in order. */
const foreignKeysOf = (
  { foreignKeys, keyOf }: Facts,
  text: TableText,
  names: ReturnType<typeof nameMaker>,
  declared: (column: string) => string
): ReadonlyArray<ForeignKeyDefinition> =>
  [...groups(foreignKeys, (row) => row.id).values()].map((rows, place): ForeignKeyDefinition => {
    const referencedTable = rows[0]?.referencedTable ?? ""
    const named = rows.flatMap(({ referencedColumn }) => (referencedColumn === null ? [] : [referencedColumn]))
    return {
      name: text.foreignKeys[place]?.name ?? names("ibfk"),
      columns: rows.map(({ column }) => declared(column)),
      referencedTable,
      referencedColumns: named.length === rows.length ? named : keyOf(referencedTable),
      onDelete: actionOf(rows[0]?.onDelete),
      onUpdate: actionOf(rows[0]?.onUpdate)
    }
  })

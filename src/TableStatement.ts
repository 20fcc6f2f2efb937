/**
 * The statements of a table: rows inserted, updated, deleted and selected by its columns, encoded and decoded by their
 * schemas.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import { ColumnNode, RawNode, ReferenceNode, TableNode } from "kysely"
import type { Properties } from "./Column.js"
import { type ColumnCodec, valueOptions } from "./ColumnCodec.js"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, DataError, kindOf } from "./Errors.js"
import { Param } from "./Param.js"
import * as QueryBuilder from "./QueryBuilder.js"
import type { RowTransform } from "./RowTransform.js"
import * as Statement from "./Statement.js"
import type { Column } from "./Value.js"

/**
 * A column of a table, with its name and its codec.
 *
 * @since 0.1.0
 * @category models
 */
export interface Field {
  readonly name: string
  readonly properties: Properties
  readonly codec: ColumnCodec
}

/**
 * A table, as its statements are made of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Source {
  readonly name: string
  /** In order. */
  readonly fields: ReadonlyMap<string, Field>
  readonly primaryKey: ReadonlyArray<string>
  /** Its integers are read as bigints, because one of its columns has them so. */
  readonly exact: boolean
}

/**
 * What becomes of a row whose key another row has: it is left out, or the columns named are set in the row that is there.
 *
 * @since 0.1.0
 * @category models
 */
export type OnConflict<Name extends string = string> = "ignore" | { readonly update: ReadonlyArray<Name> }

/**
 * How rows are inserted.
 *
 * @since 0.1.0
 * @category models
 */
export interface InsertOptions<Name extends string = string> {
  /** Default: the statement fails with `UniqueViolation`. */
  readonly onConflict?: OnConflict<Name> | undefined
  /** The columns of the rows that the statement gives back, where the database can (MariaDB, SQLite). Default none. */
  readonly returning?: ReadonlyArray<Name> | undefined
}

type Rec = Readonly<Record<string, unknown>>

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

const isRecord = (u: unknown): u is Rec => typeof u === "object" && u !== null && !Array.isArray(u)

const unknownColumn = (source: Source, argument: string): ArgumentError =>
  refuse(argument, "a value", `only columns of table ${JSON.stringify(source.name)}`)

const never = (_: never) => _

const db = QueryBuilder.make<Record<string, Record<string, unknown>>>()

/** The table by its whole name: Kysely takes what stands before a dot in a string for a schema. */
const tableOf = ({ name }: Source): string =>
  // Kysely's types know tables by strings; it takes for a table whatever has these three.
  ({ table: name, alias: name, toOperationNode: () => TableNode.create(name) }) as never

/**
 * A column of a table by its whole name, for the queries that statements refine: Kysely would look for dots in a string.
 *
 * @since 0.1.0
 * @category statements
 */
export const columnOf = (source: Source, column: string): string =>
  // As with tables: a reference is what has these two.
  ({
    dynamicReference: column,
    toOperationNode: () => referenceOf(source, column)
  }) as never

const referenceOf = ({ name }: Source, column: string): ReferenceNode =>
  ReferenceNode.create(ColumnNode.create(column), TableNode.create(name))

/**
 * A column of date and time of SQLite as a text with milliseconds, which is how a Date is bound. What others have written
 * there, `CURRENT_TIMESTAMP` for one, may have none.
 *
 * @since 0.1.0
 * @category statements
 */
export const millisecondsOf = (source: Source, column: string): string =>
  ({
    expressionType: undefined,
    toOperationNode: () => RawNode.create(["strftime('%Y-%m-%d %H:%M:%f', ", ")"], [referenceOf(source, column)])
    // As with columns: an expression is what has these two.
  }) as never

/** Its columns by their whole names. */
const columnsOf = (source: Source): ReadonlyArray<string> =>
  [...source.fields.keys()].map((column) => columnOf(source, column))

// ---------------------------------------------------------------------------------------------------------------------
// insert

/**
 * Inserts rows: these, or those that are given at execution, as an object, an array of values in the order of the columns,
 * or an array of either.
 *
 * @since 0.1.0
 * @category statements
 */
export const insert = (source: Source, values: unknown, options: InsertOptions): Statement.Statement<never> => ({
  [Statement.TypeId]: {
    given: (parameters) =>
      Effect.gen(function* () {
        if (!isRecord(options)) return yield* refuse("options", kindOf(options), "an object")
        const { records, many, argument } = yield* readable(() => recordsOf(source, values, parameters))
        const completed = yield* withDefaults(source, records)
        const { names, rows } = yield* readable(() => encoded(source, completed, many, argument))
        return { statement: insertOf(source, names, rows, many, options), parameters: undefined }
      }),
    _A: never
  }
})

/** Getters and proxies are the program's. What they throw may have a value in it. */
const readable = <A>(read: () => Effect.Effect<A, ArgumentError>): Effect.Effect<A, ArgumentError> =>
  Effect.catchAllDefect(Effect.suspend(read), () =>
    Effect.fail(refuse("values", "values that failed when they were read", "what can be read"))
  )

interface Records {
  readonly records: ReadonlyArray<Rec>
  readonly many: boolean
  readonly argument: string
}

/** The rows that are meant, as records. */
const recordsOf = (source: Source, values: unknown, parameters: unknown): Effect.Effect<Records, ArgumentError> => {
  if (values === undefined) return asRecords(source, parameters ?? {}, "parameters")
  return Effect.flatMap(asRecords(source, values, "values"), (own) => {
    if (!own.records.some(hasParam)) {
      return parameters === undefined
        ? Effect.succeed(own)
        : Effect.fail(refuse("parameters", kindOf(parameters), "none, because the statement has its values"))
    }
    const [record = {}, ...others] = own.records
    if (others.length > 0)
      return Effect.fail(
        refuse("values", "several rows with parameters left open", "one row, which is executed for each")
      )
    return filled(record, parameters)
  })
}

const hasParam = (record: Rec): boolean => Object.values(record).some((value) => value instanceof Param)

/** The record with what is given for its open parameters, once or for each set. */
const filled = (record: Rec, parameters: unknown): Effect.Effect<Records, ArgumentError> => {
  const many = Array.isArray(parameters)
  const sets: ReadonlyArray<unknown> = many ? parameters : [parameters]
  const names = new Set(Object.values(record).flatMap((value) => (value instanceof Param ? [value.name] : [])))
  return Effect.map(
    Effect.forEach(sets, (set, i) => {
      const argument = many ? `parameters[${i}]` : "parameters"
      if (!isRecord(set)) return Effect.fail(refuse(argument, kindOf(set), `an object with ${[...names].join(", ")}`))
      for (const name of names)
        if (!Object.hasOwn(set, name)) return Effect.fail(refuse(`${argument}.${name}`, "nothing", "a value"))
      const surplus = Object.keys(set).find((name) => !names.has(name))
      if (surplus !== undefined)
        return Effect.fail(refuse(`${argument}.${surplus}`, "a value", `only ${[...names].join(", ")}`))
      return Effect.succeed(
        Object.fromEntries(
          Object.entries(record).map(([key, value]) => [key, value instanceof Param ? set[value.name] : value])
        )
      )
    }),
    (records) => ({ records, many, argument: "parameters" })
  )
}

const asRecords = (source: Source, given: unknown, argument: string): Effect.Effect<Records, ArgumentError> => {
  if (isRecord(given)) return Effect.succeed({ records: [given], many: false, argument })
  if (!Array.isArray(given)) return Effect.fail(refuse(argument, kindOf(given), "an object, or an array"))
  const values: ReadonlyArray<unknown> = given
  if (values.every(isRecord)) return Effect.succeed({ records: values, many: true, argument })
  const many = values.every((each) => Array.isArray(each) || isRecord(each))
  const rows = many ? values : [values]
  const names = [...source.fields.keys()]
  return Effect.map(
    Effect.forEach(rows, (row, i) => {
      if (isRecord(row)) return Effect.succeed(row)
      const place = many ? `${argument}[${i}]` : argument
      return Array.isArray(row) && row.length === names.length
        ? Effect.succeed(Object.fromEntries(names.map((name, at) => [name, row[at]])))
        : Effect.fail(
            refuse(
              place,
              Array.isArray(row) ? `${row.length} values` : kindOf(row),
              `${names.length} values, in the order of the columns`
            )
          )
    }),
    (records) => ({ records, many, argument })
  )
}

/** The records with what the program fills in, made anew for each. */
const withDefaults = (source: Source, records: ReadonlyArray<Rec>): Effect.Effect<ReadonlyArray<Rec>> => {
  const fields = [...source.fields.values()].filter(({ properties }) => properties.insertDefault !== undefined)
  return fields.length === 0
    ? Effect.succeed(records)
    : Effect.forEach(records, (record) => completed(record, fields, "insertDefault"))
}

const completed = (
  record: Rec,
  fields: ReadonlyArray<Field>,
  kind: "insertDefault" | "updateDefault"
): Effect.Effect<Rec> => {
  const missing = fields.filter(({ name }) => !Object.hasOwn(record, name))
  return missing.length === 0
    ? Effect.succeed(record)
    : Effect.map(
        Effect.forEach(missing, ({ name, properties }) =>
          Effect.map(properties[kind] ?? Effect.succeed(undefined), (value) => [name, value] as const)
        ),
        (entries) => ({ ...record, ...Object.fromEntries(entries) })
      )
}

interface Encoded {
  readonly names: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
}

/**
 * The records as values of the columns that any of them has. A record without one of those gets what the database would fill
 * in; where only the database knows that, the record is refused.
 */
const encoded = (
  source: Source,
  records: ReadonlyArray<Rec>,
  many: boolean,
  argument: string
): Effect.Effect<Encoded, ArgumentError> =>
  Effect.suspend(() => {
    const placeOf = (i: number): string => (many ? `${argument}[${i}]` : argument)
    const used = new Set<string>()
    for (let i = 0; i < records.length; i++) {
      for (const name of Object.keys(records[i]!)) {
        if (used.has(name)) continue
        if (!source.fields.has(name)) return Effect.fail(unknownColumn(source, `${placeOf(i)}.${name}`))
        used.add(name)
      }
    }
    const fields: Array<Field> = []
    for (const field of source.fields.values()) {
      if (used.has(field.name)) fields.push(field)
      else if (isRequired(field) && records.length > 0)
        return Effect.fail(refuse(`${placeOf(0)}.${field.name}`, "nothing", "a value"))
    }
    const rows = new Array<ReadonlyArray<unknown>>(records.length)
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      const row = new Array<unknown>(fields.length)
      for (let at = 0; at < fields.length; at++) {
        const field = fields[at]!
        const value = Object.hasOwn(record, field.name)
          ? field.codec.encode(record[field.name], `${placeOf(i)}.${field.name}`)
          : absent(field, `${placeOf(i)}.${field.name}`)
        if (value instanceof ArgumentError) return Effect.fail(value)
        row[at] = value
      }
      rows[i] = row
    }
    return Effect.succeed({ names: fields.map(({ name }) => name), rows })
  })

const isRequired = ({ properties }: Field): boolean =>
  !properties.nullable && !properties.autoIncrement && properties.serverDefault === undefined

/** What the database makes of a column that a row does not have, beside rows that have it. */
const absent = ({ properties }: Field, argument: string): unknown => {
  const { serverDefault } = properties
  if (serverDefault?._tag === "Value") return serverDefault.value
  if (serverDefault === undefined && (properties.nullable || properties.autoIncrement)) return null
  return refuse(
    argument,
    "nothing",
    serverDefault === undefined ? "a value" : "a value, because other rows of the statement have one"
  )
}

const insertOf = (
  source: Source,
  names: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<unknown>>,
  many: boolean,
  options: InsertOptions
): Statement.Statement<never> => {
  const { returning } = options
  return {
    [Statement.TypeId]: {
      text: (dialect) => {
        const sql = insertText(source, names, options, dialect)
        if (typeof sql !== "string") return sql
        return many ? { sql, sets: rows } : { sql, parameters: rows[0] ?? [] }
      },
      ...(returning === undefined ? {} : reading(source)),
      _A: never
    }
  }
}

const insertText = (
  source: Source,
  names: ReadonlyArray<string>,
  { onConflict, returning = [] }: InsertOptions,
  dialect: Dialect
): string | ArgumentError => {
  const quoted = (name: string): string => dialect.quoteIdentifier(name)
  const updated = onConflict === undefined || onConflict === "ignore" ? [] : onConflict.update
  if (!Array.isArray(updated)) return refuse("onConflict", kindOf(onConflict), '"ignore", or { update: [columns] }')
  if (!Array.isArray(returning)) return refuse("returning", kindOf(returning), "an array of columns")
  for (const [argument, name] of [
    ...updated.map((name) => ["onConflict.update", name] as const),
    ...returning.map((name) => ["returning", name] as const)
  ]) {
    if (!source.fields.has(name)) return unknownColumn(source, `${argument}, ${JSON.stringify(name)}`)
  }
  if (onConflict !== undefined && onConflict !== "ignore" && updated.length === 0)
    return refuse("onConflict.update", "no columns", "the columns that are set")
  // It would be set to its default, or to NULL.
  const lacking = updated.find((name) => !names.includes(name))
  if (lacking !== undefined)
    return refuse(
      `onConflict.update, ${JSON.stringify(lacking)}`,
      "a column that no row has a value for",
      "one that has"
    )
  const values =
    names.length > 0
      ? `(${names.map(quoted).join(", ")}) VALUES (${names.map(() => "?").join(", ")})`
      : dialect.name === "sqlite"
        ? "DEFAULT VALUES"
        : "() VALUES ()"
  const parts = [`INSERT INTO ${quoted(source.name)} ${values}`]
  if (onConflict !== undefined) parts.push(conflictText(source, updated, dialect))
  if (returning.length > 0) parts.push(`RETURNING ${returning.map(quoted).join(", ")}`)
  return parts.join(" ")
}

/**
 * MySQL and MariaDB have no clause that leaves a row out and nothing else: INSERT IGNORE makes warnings of other errors too.
 * There the row is set to what it is.
 */
const conflictText = (source: Source, updated: ReadonlyArray<string>, dialect: Dialect): string => {
  const quoted = (name: string): string => dialect.quoteIdentifier(name)
  if (dialect.name === "sqlite") {
    const sets = updated.map((name) => `${quoted(name)} = excluded.${quoted(name)}`).join(", ")
    return `ON CONFLICT DO ${updated.length === 0 ? "NOTHING" : `UPDATE SET ${sets}`}`
  }
  const key = quoted(source.primaryKey[0] ?? [...source.fields.keys()][0] ?? "")
  const sets = updated.map((name) => `${quoted(name)} = VALUES(${quoted(name)})`).join(", ")
  return `ON DUPLICATE KEY UPDATE ${updated.length === 0 ? `${key} = ${key}` : sets}`
}

// ---------------------------------------------------------------------------------------------------------------------
// update, delete, select

/** A query that can be compiled, whatever its type. */
interface Compilable {
  readonly compile: () => unknown
}

/**
 * The text of a query of the builder. What refines it is the program's: where that fails, or gives no query, the statement is
 * refused when it is executed.
 */
const textOf = (query: () => Compilable): Statement.Fixed["text"] => {
  try {
    const compiled = query().compile()
    const definition = Statement.isStatement(compiled) ? compiled[Statement.TypeId] : undefined
    if (definition !== undefined && "text" in definition) return definition.text
  } catch {
    // What it says may have a value in it.
  }
  return () => refuse("statement", "a function that gives no query", "one that refines the query that it gets")
}

/**
 * Sets columns of the rows that a condition chooses: to these values, or to those that are given at execution under the
 * names of columns.
 *
 * @since 0.1.0
 * @category statements
 */
export const update = (
  source: Source,
  values: unknown,
  where: (query: UpdateQuery) => UpdateQuery
): Statement.Statement<never> => {
  const defaults = [...source.fields.values()].filter(({ properties }) => properties.updateDefault !== undefined)
  const made = new Map<string, Statement.Statement<never>>()

  const statementOf = (set: Rec, argument: string): Statement.Statement<never> | ArgumentError => {
    const encoded: Array<readonly [string, unknown]> = []
    for (const [name, value] of Object.entries(set)) {
      const field = source.fields.get(name)
      if (field === undefined) return unknownColumn(source, `${argument}.${name}`)
      const { encode } = field.codec
      const bound = value instanceof Param ? new Param(value.name, encode) : encode(value, `${argument}.${name}`)
      if (bound instanceof ArgumentError) return bound
      encoded.push([name, bound])
    }
    if (encoded.length === 0) return refuse(argument, "no columns", "the columns that are set")
    const text = textOf(() => where(db.updateTable(tableOf(source))).set(Object.fromEntries(encoded)))
    return { [Statement.TypeId]: { text, _A: never } }
  }

  /** The columns among the names that are given, as parameters; made once for the same names. */
  const ofNames = (names: ReadonlyArray<string>): Statement.Statement<never> | ArgumentError => {
    const key = JSON.stringify(names)
    const known = made.get(key)
    if (known !== undefined) return known
    const statement = statementOf(Object.fromEntries(names.map((name) => [name, new Param(name)])), "parameters")
    if (!(statement instanceof ArgumentError) && defaults.length === 0) made.set(key, statement)
    return statement
  }

  const namesIn = (parameters: unknown): ReadonlyArray<string> => {
    const set: unknown = Array.isArray(parameters) ? parameters[0] : parameters
    return isRecord(set) ? Object.keys(set).filter((name) => source.fields.has(name)) : []
  }

  return {
    [Statement.TypeId]: {
      given: (parameters) =>
        Effect.gen(function* () {
          if (Array.isArray(parameters) && parameters.length === 0) return { statement: nothing, parameters }
          if (values !== undefined && !isRecord(values))
            return yield* refuse("values", kindOf(values), "an object with the columns that are set")
          const open = values === undefined ? namesIn(parameters) : []
          if (values === undefined && defaults.length === 0)
            return { statement: yield* orFail(ofNames(open)), parameters }
          const own = yield* readable(() =>
            Effect.succeed(
              values === undefined ? Object.fromEntries(open.map((name) => [name, new Param(name)])) : { ...values }
            )
          )
          const set = yield* completed(own, defaults, "updateDefault")
          return { statement: yield* readable(() => orFail(statementOf(set, "values"))), parameters }
        }),
      _A: never
    }
  }
}

/** A statement that is executed for no sets of parameters: not at all. */
const nothing: Statement.Statement<never> = {
  [Statement.TypeId]: { text: () => ({ sql: "SELECT 1", sets: [] }), _A: never }
}

const orFail = <A>(made: A | ArgumentError): Effect.Effect<A, ArgumentError> =>
  made instanceof ArgumentError ? Effect.fail(made) : Effect.succeed(made)

/** A query as `update` refines it. */
export type UpdateQuery = ReturnType<typeof db.updateTable<string>>

/** A query as `remove` refines it. */
export type DeleteQuery = ReturnType<typeof db.deleteFrom<string>>

/** A query as `select` refines it. */
export type SelectQuery = ReturnType<typeof db.selectFrom<string>>

/**
 * Deletes the rows that a condition chooses.
 *
 * @since 0.1.0
 * @category statements
 */
export const remove = (source: Source, where: (query: DeleteQuery) => DeleteQuery): Statement.Statement<never> => {
  const text = textOf(() => where(db.deleteFrom(tableOf(source))))
  return { [Statement.TypeId]: { text, _A: never } }
}

/**
 * Selects all columns of the rows that a condition chooses, decoded.
 *
 * @since 0.1.0
 * @category statements
 */
export const select = (source: Source, refine: (query: SelectQuery) => SelectQuery): Statement.Statement<never> => {
  const text = textOf(() => refine(db.selectFrom(tableOf(source))).select(columnsOf(source)))
  return { [Statement.TypeId]: { text, ...reading(source), _A: never } }
}

// ---------------------------------------------------------------------------------------------------------------------
// rows

/**
 * How rows of a table are read, and decoded by its columns.
 *
 * @since 0.1.0
 * @category rows
 */
export const reading = (source: Source): Pick<Statement.Fixed, "values" | "rows"> => ({
  values: valueOptions(source.exact),
  rows: decoding(source)
})

/** What decodes the rows of a table; undefined where they are what they should be. */
const decoding = (source: Source): RowTransform | undefined => {
  if ([...source.fields.values()].every(({ codec }) => codec.decode === undefined)) return undefined
  const byColumns = new WeakMap<ReadonlyArray<Column>, ReadonlyArray<ColumnCodec["decode"]>>()
  const decodersOf = (columns: ReadonlyArray<Column>): ReadonlyArray<ColumnCodec["decode"]> => {
    let decoders = byColumns.get(columns)
    if (decoders === undefined) {
      decoders = columns.map(({ name }) => source.fields.get(name)?.codec.decode)
      byColumns.set(columns, decoders)
    }
    return decoders
  }
  return {
    columns: Effect.succeed,
    rows: ({ columns, rows }) =>
      Effect.suspend(() => {
        const decoders = decodersOf(columns)
        try {
          return Effect.succeed(
            rows.map((row) =>
              row.map((value, at) => {
                const decode = decoders[at]
                return decode === undefined ? value : decode(value)
              })
            )
          )
        } catch (thrown) {
          if (thrown instanceof DataError) return Effect.fail(thrown)
          throw thrown
        }
      })
  }
}

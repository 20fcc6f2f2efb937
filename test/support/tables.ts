// Tables as definitions: made by what Ddl says, found by Inspector, compared.
import { expect } from "@effect/vitest"
import { Effect, Option } from "effect"
import { Engine, type Errors } from "effect-sa"
import * as Ddl from "effect-sa/Ddl"
import * as Inspector from "effect-sa/Inspector"
import type {
  ColumnDefinition,
  ReferentialAction,
  ServerDefault,
  SqlType,
  TableDefinition
} from "effect-sa/TableDefinition"
import type { Backend, EngineOptions } from "./Backend.js"

// ---------------------------------------------------------------------------------------------------------------------
// definitions

export const column = (name: string, type: SqlType, rest: Partial<ColumnDefinition> = {}): ColumnDefinition => ({
  name,
  type,
  nullable: true,
  autoIncrement: false,
  default: undefined,
  onUpdateCurrentTimestamp: false,
  comment: undefined,
  ...rest
})

export const tableOf = (
  name: string,
  columns: ReadonlyArray<ColumnDefinition>,
  rest: Partial<TableDefinition> = {}
): TableDefinition => ({
  name,
  columns,
  primaryKey: [],
  indexes: [],
  foreignKeys: [],
  checks: [],
  comment: undefined,
  ...rest
})

export const value = (given: string | number | bigint): ServerDefault => ({ _tag: "Value", value: given })

export const int: SqlType = { _tag: "Integer", size: "INT", unsigned: false }
export const varchar = (length: number): SqlType => ({ _tag: "Varchar", length })

export const id = column("id", int, { nullable: false })

export const quoted = (backend: Backend, name: string): string =>
  backend.isServer ? `\`${name.replaceAll("`", "``")}\`` : `"${name.replaceAll('"', '""')}"`

// ---------------------------------------------------------------------------------------------------------------------
// making and looking

/** Makes a table by what Ddl says; what it refuses is a failure. */
export const create = (definition: TableDefinition, ifNotExists = false) =>
  Effect.gen(function* () {
    const { dialect } = yield* Engine.Engine
    const statements = Ddl.createTable(definition, dialect, { ifNotExists })
    if (statements instanceof Error) return yield* Effect.fail(statements)
    yield* Effect.forEach(statements, (sql) => Engine.execute(sql), { discard: true })
  })

export const drop = (name: string) =>
  Effect.gen(function* () {
    const { dialect } = yield* Engine.Engine
    const statement = Ddl.dropTable(name, dialect, { ifExists: true })
    if (typeof statement !== "string") return yield* Effect.fail(statement)
    yield* Engine.execute(statement)
  })

/** Makes tables that are there while the scope lives. */
export const made = (...definitions: ReadonlyArray<TableDefinition>) =>
  Effect.forEach(definitions, (definition) =>
    Effect.acquireRelease(create(definition), () => Effect.orDie(drop(definition.name)))
  )

export const inspected = (name: string) => Effect.map(Inspector.table(name), Option.getOrThrow)

export const sorted = <A extends { readonly name: string }>(named: ReadonlyArray<A>): ReadonlyArray<A> =>
  named.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

/** What a definition comes back as: SQLite has less, and servers write expressions in their own way. */
export const expected = (definition: TableDefinition, backend: Backend): TableDefinition => ({
  ...definition,
  columns: definition.columns.map((each) => {
    const isKey = definition.primaryKey.includes(each.name)
    return {
      ...each,
      nullable: each.nullable && !isKey,
      ...(backend.isServer
        ? {}
        : {
            comment: undefined,
            onUpdateCurrentTimestamp: false,
            ...(each.autoIncrement ? { type: int } : {})
          })
    }
  }),
  indexes: sorted(definition.indexes),
  foreignKeys: sorted(definition.foreignKeys),
  checks: sorted(definition.checks),
  comment: backend.isServer ? definition.comment : undefined
})

/** Without what servers write in their own way. */
export const withoutExpressions = (definition: TableDefinition): TableDefinition => ({
  ...definition,
  columns: definition.columns.map((each) => ({
    ...each,
    default: each.default?._tag === "Expression" ? { _tag: "Expression", sql: "" } : each.default
  })),
  checks: definition.checks.map(({ name }) => ({ name, expression: "" }))
})

export const expectInspected = (definition: TableDefinition, backend: Backend) =>
  Effect.gen(function* () {
    const found = yield* inspected(definition.name)
    const wanted = expected(definition, backend)
    if (backend.isServer) expect(withoutExpressions(found)).toEqual(withoutExpressions(wanted))
    else expect(found).toEqual(wanted)
    return found
  })

/** Servers warn of what tests make on purpose. */
export const quiet = (backend: Backend): EngineOptions => (backend.isServer ? { warnings: "ignore" } : {})

let schemas = 0

/** Runs with an engine on a database of its own, which nothing else makes tables in. */
export const inOwnDatabase = <A, E>(
  backend: Backend,
  body: Effect.Effect<A, E, Engine.Engine>
): Effect.Effect<A, E | Errors.ExecuteError, Engine.Engine> => {
  if (!backend.isServer) return Effect.provide(body, Engine.layer({ url: backend.url }))
  const name = `effect_sa_inspector_${process.pid}_${++schemas}`
  const url = new URL(backend.url)
  url.pathname = `/${name}`
  return Effect.acquireUseRelease(
    Engine.execute(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`),
    () => Effect.provide(body, Engine.layer({ url: url.href, ...quiet(backend) })),
    () => Effect.orDie(Engine.execute(`DROP DATABASE ${name}`))
  )
}

const integerSizes = ["TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"] as const
const lobSizes = ["TINY", "NORMAL", "MEDIUM", "LONG"] as const

/** Every type, with the bounds of those that have some. */
export const types: ReadonlyArray<SqlType> = [
  ...integerSizes.flatMap((size) => [
    { _tag: "Integer", size, unsigned: false } as const,
    { _tag: "Integer", size, unsigned: true } as const
  ]),
  { _tag: "Boolean" },
  { _tag: "Decimal", precision: 1, scale: 0, unsigned: false },
  { _tag: "Decimal", precision: 10, scale: 2, unsigned: true },
  { _tag: "Decimal", precision: 65, scale: 30, unsigned: false },
  { _tag: "Float" },
  { _tag: "Double" },
  { _tag: "Char", length: 0 },
  { _tag: "Char", length: 255 },
  { _tag: "Varchar", length: 0 },
  { _tag: "Varchar", length: 5000 },
  ...lobSizes.map((size) => ({ _tag: "Text", size }) as const),
  { _tag: "Binary", length: 255 },
  { _tag: "Varbinary", length: 300 },
  ...lobSizes.map((size) => ({ _tag: "Blob", size }) as const),
  { _tag: "Date" },
  ...[0, 3, 6].flatMap((fraction) => [
    { _tag: "Time", fraction } as const,
    { _tag: "DateTime", fraction } as const,
    { _tag: "Timestamp", fraction } as const
  ]),
  { _tag: "Year" },
  { _tag: "Json" },
  { _tag: "Enum", values: ["a"] },
  { _tag: "Enum", values: ["", "it's", 'say "x"', "back\\slash", "a,b", "c)", "new\nline", "ö", "null"] },
  { _tag: "Other", name: "point" }
]

/** What can become of rows that refer to others. MariaDB takes SET DEFAULT for RESTRICT. */
export const actionsOf = (backend: Backend): ReadonlyArray<ReferentialAction> => [
  "no action",
  "restrict",
  "cascade",
  "set null",
  ...(backend.name === "mariadb" ? [] : ["set default" as const])
]

// Random tables, made, looked at, made again of what was seen.
import { describe, expect } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import { Engine } from "effect-sa"
import * as Ddl from "effect-sa/Ddl"
import * as Inspector from "effect-sa/Inspector"
import type {
  CheckDefinition,
  ColumnDefinition,
  ForeignKeyDefinition,
  IndexDefinition,
  ReferentialAction,
  ServerDefault,
  SqlType,
  TableDefinition
} from "effect-sa/TableDefinition"
import { type Backend, withEngine } from "../support/Backend.js"
import {
  actionsOf,
  column,
  create,
  drop,
  expected,
  inOwnDatabase,
  int,
  quoted,
  sorted,
  tableOf,
  types,
  value,
  varchar,
  withoutExpressions
} from "../support/tables.js"

// ---------------------------------------------------------------------------------------------------------------------
// random tables

const textUnits = [
  "a",
  "B",
  "_",
  " ",
  "'",
  '"',
  "`",
  "\\",
  ".",
  ",",
  "(",
  ")",
  "ö",
  "日",
  "?",
  ";",
  "%",
  "-- ",
  "\n",
  "[",
  "]"
]

const text = (units: ReadonlyArray<string>, maxLength: number): FastCheck.Arbitrary<string> =>
  FastCheck.array(FastCheck.constantFrom(...units), { minLength: 1, maxLength }).map((parts) => parts.join(""))

/** Names that differ also for those who take é for e and A for a: each has its place in it. */
const names = (backend: Backend): FastCheck.Arbitrary<string> =>
  FastCheck.oneof(
    { weight: 2, arbitrary: text(backend.isServer ? textUnits : [...textUnits, "😀"], 8) },
    { weight: 1, arbitrary: FastCheck.constantFrom("select", "order", "KEY", "check", "Primary", "table", "x") }
  )

const aType = (backend: Backend): FastCheck.Arbitrary<SqlType> =>
  FastCheck.oneof(
    FastCheck.constantFrom(
      ...types.filter(
        (type) => type._tag !== "Other" && !(type._tag === "Char" && type.length === 0) && type._tag !== "Enum"
      )
    ).map((type): SqlType => (type._tag === "Varchar" ? varchar(40) : type)),
    FastCheck.uniqueArray(text(textUnits, 5), {
      minLength: 1,
      maxLength: 4,
      selector: (each) => each.toLowerCase().trim()
    }).map(
      (values): SqlType => ({
        _tag: "Enum",
        // Values that are the same for a server are none that it takes.
        values: values.map((each, place) => `${each}${place}`)
      })
    ),
    FastCheck.nat({ max: backend.isServer ? 30 : 30 }).map(
      (scale): SqlType => ({
        _tag: "Decimal",
        precision: 40,
        scale,
        unsigned: false
      })
    )
  )

const aDefault = (type: SqlType): FastCheck.Arbitrary<ServerDefault | undefined> => {
  const none = FastCheck.constant(undefined)
  const values = (
    given: FastCheck.Arbitrary<string | number | bigint>
  ): FastCheck.Arbitrary<ServerDefault | undefined> => FastCheck.oneof(none, given.map(value))
  switch (type._tag) {
    case "Integer":
    case "Boolean":
      return values(FastCheck.nat({ max: 100 }))
    case "Double":
      return values(
        FastCheck.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((each) => each + 0)
      )
    case "Varchar":
      return values(text([...textUnits, "😀", "NULL", "0x1", "1", "\t", "\r", "%", "\\n"], 10))
    case "Enum":
      return values(FastCheck.constantFrom(...type.values))
    case "Json":
      return values(
        FastCheck.jsonValue({ maxDepth: 1, noUnicodeString: true } as FastCheck.JsonSharedConstraints).map((each) =>
          JSON.stringify([each]).replaceAll(/[^\x20-\x7e]/g, "x")
        )
      )
    case "DateTime":
    case "Timestamp":
      return FastCheck.oneof(none, FastCheck.constant({ _tag: "CurrentTimestamp", fraction: type.fraction } as const))
    case "Date":
      return values(FastCheck.constantFrom("2024-02-29", "1999-12-31"))
    default:
      return none
  }
}

/** Whether a column of this type can be in a key of any database, whole. */
const canBeKey = ({ type }: ColumnDefinition): boolean =>
  ["Integer", "Varchar", "Date", "DateTime", "Enum"].includes(type._tag)

interface Draft {
  readonly name: string
  readonly columns: ReadonlyArray<ColumnDefinition>
  readonly keyLength: number
  readonly counts: boolean
  readonly indexes: ReadonlyArray<{
    readonly name: string
    readonly first: number
    readonly count: number
    readonly unique: boolean
  }>
  readonly refers: ReadonlyArray<{
    readonly name: string
    readonly to: number
    readonly onDelete: ReferentialAction
    readonly onUpdate: ReferentialAction
  }>
  readonly checks: ReadonlyArray<{ readonly name: string; readonly text: string }>
  readonly comment: string | undefined
}

const aColumn = (backend: Backend): FastCheck.Arbitrary<ColumnDefinition> =>
  aType(backend).chain((type) =>
    FastCheck.record({
      name: names(backend),
      nullable: FastCheck.boolean(),
      fallback: aDefault(type),
      comment: FastCheck.option(text(textUnits, 12), { nil: undefined }),
      onUpdate: FastCheck.boolean()
    }).map(({ name, nullable, fallback, comment, onUpdate }) => {
      const isTime = type._tag === "DateTime" || type._tag === "Timestamp"
      return column(name, type, {
        // One that is NOT NULL and has no default may get one of a server; and MariaDB cannot say what 😀 was there.
        nullable: nullable || (isTime && fallback === undefined) || JSON.stringify(fallback)?.includes("😀") === true,
        default: fallback,
        comment,
        onUpdateCurrentTimestamp: isTime && onUpdate && fallback !== undefined
      })
    })
  )

const aDraft = (backend: Backend): FastCheck.Arbitrary<Draft> =>
  FastCheck.record({
    name: names(backend),
    columns: FastCheck.array(aColumn(backend), { minLength: 1, maxLength: 6 }),
    keyLength: FastCheck.nat({ max: 2 }),
    counts: FastCheck.boolean(),
    indexes: FastCheck.array(
      FastCheck.record({
        name: names(backend),
        first: FastCheck.nat({ max: 5 }),
        count: FastCheck.integer({ min: 1, max: 3 }),
        unique: FastCheck.boolean()
      }),
      { maxLength: 3 }
    ),
    refers: FastCheck.array(
      FastCheck.record({
        name: names(backend),
        to: FastCheck.nat({ max: 5 }),
        onDelete: FastCheck.constantFrom(...actionsOf(backend)),
        onUpdate: FastCheck.constantFrom(...actionsOf(backend))
      }),
      { maxLength: 2 }
    ),
    checks: FastCheck.array(FastCheck.record({ name: names(backend), text: text(textUnits, 8) }), { maxLength: 2 }),
    comment: FastCheck.option(text(textUnits, 20), { nil: undefined })
  })

/** Makes what drafts say whole: names of their own, keys over columns that can be in one, references to what is there. */
const wholeTables = (drafts: ReadonlyArray<Draft>, backend: Backend): ReadonlyArray<TableDefinition> => {
  const found: Array<TableDefinition> = []
  drafts.forEach((draft, at) => {
    const own = (name: string, kind: string, place: number): string => `${name}_${kind}${at}_${place}`
    const columns = draft.columns.map((each, place) => ({ ...each, name: own(each.name, "", place) }))
    const keys = columns.filter(canBeKey)
    const key = draft.counts ? column(own("id", "", 99), int, { nullable: false, autoIncrement: true }) : undefined
    const primaryKey = key === undefined ? keys.slice(0, draft.keyLength).map(({ name }) => name) : [key.name]
    const indexes = draft.indexes.flatMap(({ name, first, count, unique }, place): ReadonlyArray<IndexDefinition> => {
      const over = keys.slice(first % Math.max(1, keys.length)).slice(0, count)
      return over.length === 0 ? [] : [{ name: own(name, "i", place), columns: over.map((each) => each.name), unique }]
    })
    const self = {
      name: own(draft.name, "t", 0),
      columns: [...(key === undefined ? [] : [key]), ...columns],
      primaryKey
    }
    const referring: Array<ColumnDefinition> = []
    const foreignKeys = draft.refers.flatMap(
      ({ name, to, onDelete, onUpdate }, place): ReadonlyArray<ForeignKeyDefinition> => {
        const other = [...found, self][to % (found.length + 1)]
        if (other === undefined || other.primaryKey.length === 0) return []
        const theirs = other.primaryKey.flatMap((each) => other.columns.filter((every) => every.name === each))
        const ours = theirs.map((each, i) =>
          column(own(name, "r", place * 10 + i), backend.isServer || !each.autoIncrement ? each.type : int)
        )
        referring.push(...ours)
        return [
          {
            name: own(name, "f", place),
            columns: ours.map((each) => each.name),
            referencedTable: other.name,
            referencedColumns: other.primaryKey,
            onDelete,
            onUpdate
          }
        ]
      }
    )
    const checks = draft.checks.flatMap(({ name, text }, place): ReadonlyArray<CheckDefinition> => {
      const over = columns.find(({ type }) => type._tag === "Varchar")
      return over === undefined
        ? []
        : [
            {
              name: own(name, "c", place),
              expression: `${quoted(backend, over.name)} <> '${text.replaceAll("'", "''").replaceAll("\\", backend.isServer ? "\\\\" : "\\")}'`
            }
          ]
    })
    found.push({
      ...self,
      columns: [...self.columns, ...referring],
      indexes,
      foreignKeys,
      checks,
      comment: draft.comment
    })
  })
  return found
}

const someTables = (backend: Backend): FastCheck.Arbitrary<ReadonlyArray<TableDefinition>> =>
  FastCheck.array(aDraft(backend), { minLength: 1, maxLength: 3 }).map((drafts) => wholeTables(drafts, backend))

/** Makes tables, looks, drops them, makes what was seen, and looks again. */
const survives = (definitions: ReadonlyArray<TableDefinition>, backend: Backend) =>
  Effect.gen(function* () {
    const once = yield* throughDatabase(definitions)
    for (const [place, found] of once.entries()) {
      const wanted = expected(definitions[place] ?? tableOf("", []), backend)
      if (backend.isServer) expect(withoutExpressions(found)).toEqual(withoutExpressions(wanted))
      else expect(found).toEqual(wanted)
    }
    const twice = yield* backend.isServer
      ? throughDatabase(once)
      : Effect.provide(throughDatabase(once), Engine.layer({ url: backend.url }))
    expect(twice).toEqual(once)
  })

const throughDatabase = (definitions: ReadonlyArray<TableDefinition>) =>
  Effect.gen(function* () {
    const order = Ddl.sortTables(definitions)
    if (order instanceof Error) return yield* Effect.fail(order)
    const dropped = Effect.forEach(order.toReversed(), ({ name }) => drop(name), { discard: true })
    return yield* Effect.gen(function* () {
      yield* Effect.forEach(order, (each) => create(each), { discard: true })
      const named = yield* Inspector.tables(definitions.map(({ name }) => name))
      expect(yield* Inspector.tables()).toEqual(sorted(named))
      return named
    }).pipe(Effect.ensuring(Effect.orDie(dropped)))
  })

export const inspectorPropertiesContract = (backend: Backend): void => {
  describe("Ddl and Inspector by random tables", () => {
    withEngine(
      backend,
      "what was made is what is found, and what is made of that is the same",
      () =>
        inOwnDatabase(
          backend,
          Effect.flatMap(Effect.runtime<Engine.Engine>(), (runtime) =>
            Effect.promise(() =>
              // What fails is printed with its seed.
              FastCheck.assert(
                FastCheck.asyncProperty(someTables(backend), (definitions) =>
                  Effect.runPromise(Effect.provide(survives(definitions, backend), runtime))
                ),
                { numRuns: 40 }
              )
            )
          )
        ),
      {},
      120_000
    )
  })
}

// What the paths cost that every statement takes, without a server: rows that are decoded, a statement that was compiled
// before, a connection taken from the pool and given back, and what a transaction adds to its statements.
// npm run bench:hotpath; each figure is the best of many runs: what else the machine does is no part of it.
import { Effect, Layer } from "effect"
import { Driver, Engine, LeasePool, Options, Pool, Result, Statement, Value } from "effect-sa"
import { classify } from "effect-sa/mysql/MysqlErrors"
import * as Commands from "effect-sa/mysql/wire/Commands"
import { Command, FieldType } from "effect-sa/mysql/wire/Constants"
import { Conversation, Exchange, type Plan } from "effect-sa/mysql/wire/Conversation"
import { Shapes } from "effect-sa/mysql/wire/Shape"
import { ordinary } from "../test/support/leasePool.js"
import {
  binaryRow,
  type ColumnFields,
  lengthEncoded,
  modern,
  packets,
  resultSet,
  text,
  u8,
  u16,
  u32
} from "../test/support/wire/Packets.js"
import { check } from "./workload.js"

const runs = 61

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const nanoseconds = (value: number): string => `${value.toFixed(0)} ns`
const microseconds = (value: number): string => `${(value / 1_000).toFixed(2)} µs`

/** Nanoseconds of one of each, the best of many runs of so many. They take turns: what holds up one holds up the others. */
const bestOf = <Name extends string>(
  count: number,
  each: Readonly<Record<Name, () => unknown>>
): Readonly<Record<Name, number>> => {
  const found = startOf(each)
  for (let run = 0; run < runs; run++) {
    for (const name of namesOf(each)) {
      const once = each[name]
      const start = performance.now()
      for (let i = 0; i < count; i++) once()
      note(found, name, performance.now() - start, count)
    }
  }
  return found
}

/** The same for effects, in one fiber that does nothing else. */
const bestOfEffects = <Name extends string, E, R>(
  count: number,
  each: Readonly<Record<Name, () => Effect.Effect<unknown, E, R>>>
): Effect.Effect<Readonly<Record<Name, number>>, E, R> => {
  const found = startOf(each)
  const turn = (name: Name): Effect.Effect<void, E, R> =>
    Effect.suspend(() => {
      let left = count
      const start = performance.now()
      return Effect.map(Effect.whileLoop({ while: () => left > 0, body: each[name], step: () => left-- }), () =>
        note(found, name, performance.now() - start, count)
      )
    })
  const turns = Effect.forEach(namesOf(each), turn, { discard: true })
  return Effect.as(Effect.replicateEffect(turns, runs, { discard: true }), found)
}

const namesOf = <Name extends string>(each: Readonly<Record<Name, unknown>>): ReadonlyArray<Name> => {
  const names: Array<Name> = []
  for (const name in each) names.push(name)
  return names
}

const startOf = <Name extends string>(each: Readonly<Record<Name, unknown>>): Record<Name, number> =>
  Object.fromEntries(namesOf(each).map((name) => [name, Number.POSITIVE_INFINITY])) as Record<Name, number>

const note = <Name extends string>(found: Record<Name, number>, name: Name, elapsed: number, count: number): void => {
  found[name] = Math.min(found[name], (elapsed * 1e6) / count)
}

// ---------------------------------------------------------------------------------------------------------------------
// rows: the five columns of the table that bench/run.ts reads, as a server sends them to a prepared statement

const columns: ReadonlyArray<ColumnFields> = [
  { name: "id", type: FieldType.LONG, length: 11 },
  { name: "name", type: FieldType.VAR_STRING, charset: 255, length: 160 },
  { name: "n", type: FieldType.LONG, length: 11 },
  { name: "big", type: FieldType.LONGLONG },
  { name: "at", type: FieldType.DATETIME, length: 19 }
]

const rowCount = 1_000

const bigInteger = (value: number): Buffer => {
  const eight = Buffer.alloc(8)
  eight.writeBigInt64LE(BigInt(value))
  return eight
}

const dateTime = Buffer.concat([lengthEncoded(7), u16(2024), u8(1), u8(2), u8(3), u8(4), u8(5)])

const answer = packets(
  resultSet(
    columns,
    Array.from({ length: rowCount }, (_, i) =>
      binaryRow([u32(i), text(`name of number ${i}`), u32(i), bigInteger(i * 1_000_000), dateTime])
    ),
    modern
  )
)

const resultOf = (answered: Driver.DriverResult) => Result.make<{ readonly id: number }>(answered)

const decoding = (): void => {
  const conversation = new Conversation({
    ...modern,
    shapes: new Shapes(),
    classify: (error, statement) => classify(error, "MariaDB", statement),
    write: () => {},
    pause: () => {},
    resume: () => {},
    end: () => {}
  })
  const plan: Plan = { shape: undefined, columns: undefined }
  const command = Commands.simple(Command.QUERY, "SELECT 1")
  const read = (): Driver.DriverResult => {
    let settled: Exchange | undefined
    const exchange = new Exchange("binary", "SELECT 1", plan, Value.defaultValueOptions, (ended) => {
      settled = ended
    })
    conversation.begin(exchange, command)
    conversation.receive(answer)
    const result = settled?.first
    if (result?.rows.length !== rowCount || result.rows.at(-1)?.[0] !== rowCount - 1) throw new Error("wrong answer")
    return result
  }
  const { decoded, result } = bestOf(50, {
    decoded: read,
    result: () => check(resultOf(read()).rows.at(-1)?.id === rowCount - 1)
  })
  const row = decoded / rowCount
  say(
    `row decoding: ${nanoseconds(row)} for a row of ${columns.length} values, ${nanoseconds(row / columns.length)} for a value; ${nanoseconds(result / rowCount)} for a row of a Result`
  )
}

// ---------------------------------------------------------------------------------------------------------------------
// statements

const point = "SELECT id, name, n, big, at FROM person WHERE id = ?"

/** The driver's part of the cache, a look into a Map by the text, cannot be reached without a server. */
const statements = Effect.map(Engine.Engine, ({ dialect }) => {
  const compile = () => Statement.compileText(point, [7], dialect)
  const compiled = compile()
  check("sql" in compiled && compiled.parameters.length === 1)
  let number = 0
  const { first } = bestOf(500, {
    first: () => Statement.compileText(`${point} /* ${number++} */`, [7], dialect)
  })
  const { again, command } = bestOf(50_000, {
    again: compile,
    command: () => Commands.execute(1, "parameters" in compiled ? compiled.parameters : [])
  })
  say(
    `statement cache: ${nanoseconds(again)} to compile a text that is known, ${nanoseconds(first)} the first time; ${nanoseconds(command)} to write its command`
  )
})

// ---------------------------------------------------------------------------------------------------------------------
// the pool

const leasing = Effect.scoped(
  Effect.gen(function* () {
    const pool = yield* LeasePool.make<object, never, never>({
      ...ordinary,
      open: Effect.sync(() => ({})),
      terminate: () => {},
      isBroken: () => false,
      validate: () => Effect.succeed(true),
      recycle: () => "keep",
      verdict: () => "fail"
    })
    const item = {}
    const { bare, used } = yield* bestOfEffects(10_000, {
      bare: () =>
        Effect.acquireUseRelease(
          Effect.succeed(item),
          () => Effect.void,
          () => Effect.void
        ),
      used: () => pool.use(() => Effect.void)
    })
    say(
      `pool fast path: ${nanoseconds(used)} to take and give back, ${nanoseconds(bare)} for a bare acquireUseRelease, ${nanoseconds(used - bare)} apart`
    )
  })
)

// ---------------------------------------------------------------------------------------------------------------------
// transactions

const empty: Driver.DriverResult = {
  columns: undefined,
  rows: [],
  affectedRows: 0,
  changedRows: 0,
  lastInsertId: undefined,
  warningCount: 0,
  elapsed: 0,
  next: undefined
}

/** A connection that answers everything at once, and knows whether it is in a transaction. */
const prompt = (): Driver.DriverConnection => {
  let inTransaction = false
  const note = (sql: string): void => {
    if (/^(BEGIN|START)/.test(sql)) inTransaction = true
    else if (/^(COMMIT|ROLLBACK)/.test(sql)) inTransaction = sql.endsWith("CHAIN")
  }
  return {
    id: "1",
    server: { product: "MariaDB", version: "10.11" },
    status: () => ({ inTransaction, autocommit: true, changed: false }),
    waitingFor: () => 0,
    lastAnswerAt: () => 0,
    isBusy: () => false,
    isRetired: () => false,
    closed: () => undefined,
    execute: ({ before, sql }) =>
      Effect.sync(() => {
        for (const each of before) note(each)
        note(sql)
        return empty
      }),
    executeMany: () => Effect.succeed(empty),
    stream: () => Effect.succeed(Driver.streamOf(empty)),
    selectDatabase: () => Effect.void,
    warnings: Effect.succeed([]),
    ping: () => Effect.void,
    reset: () => Effect.void,
    destroy: () => {}
  }
}

const promptPool = Pool.makeWith({ url: "mysql://nobody@127.0.0.1/nothing" }, (options) =>
  Effect.map(Options.settings(options), (settings) => ({
    ...settings,
    driver: Effect.succeed({ name: "prompt", connect: Effect.sync(prompt) })
  }))
)
const promptEngine = Layer.provide(Layer.effect(Engine.Engine, Engine.fromPool), Layer.scoped(Pool.Pool, promptPool))

const transactions = Effect.gen(function* () {
  const statements = Effect.zipRight(
    Engine.execute("UPDATE person SET n = n + 1 WHERE id = ?", [7]),
    Engine.execute(point, [7])
  )
  const { alone, within } = yield* bestOfEffects(2_000, {
    alone: () => statements,
    within: () => Engine.transaction(statements)
  })
  say(
    `transaction bracket: ${microseconds(within)} with its two statements, ${microseconds(alone)} for them alone, ${microseconds(within - alone)} apart`
  )
})

decoding()
await Effect.runPromise(
  Effect.zipRight(
    Effect.provide(statements, Engine.layer()),
    Effect.zipRight(leasing, Effect.provide(transactions, promptEngine))
  )
)

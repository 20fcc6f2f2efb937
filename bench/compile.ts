// What it costs to compile a statement that was compiled before: a Kysely query with three
// parameters of its own, one with three that are given, and the same as text.
// npm run -s build && npx tsx --tsconfig bench/tsconfig.json bench/compile.ts
import { Effect } from "effect"
import { Engine, Statement } from "effect-sa"
import { QueryBuilder } from "effect-sa/kysely"

interface Tables {
  readonly person: { readonly id: number; readonly name: string; readonly age: number }
}

const people = QueryBuilder.make<Tables>().selectFrom("person").select(["id", "name"])
const query = people.where("id", "=", 1).where("name", "=", "Ada").where("age", ">", 18)
const open = people
  .where("id", "=", Statement.param<number>("id"))
  .where("name", "=", Statement.param<string>("name"))
  .where("age", ">", Statement.param<number>("age"))
const written = "select id, name from person where id = ? and name = ? and age > ?"

const rounds = 50_000

/** Microseconds for one, the best of many runs: what else the machine does is no part of it. */
const measured = (compile: () => unknown): number => {
  const times = Array.from({ length: 61 }, () => {
    const start = performance.now()
    for (let i = 0; i < rounds; i++) compile()
    return ((performance.now() - start) / rounds) * 1_000
  })
  return Math.min(...times)
}

const program = Effect.map(Engine.Engine, ({ dialect }) => ({
  query: measured(() => Statement.compile(query, undefined, dialect)),
  open: measured(() => Statement.compile(open, { id: 1, name: "Ada", age: 18 }, dialect)),
  text: measured(() => Statement.compile(written, [1, "Ada", 18], dialect))
}))

Effect.runPromise(Effect.provide(program, Engine.layer())).then(({ query, open, text }) => {
  process.stdout.write(
    `Statement.compile again: a Kysely query ${query.toFixed(2)} µs, one with three of param ${open.toFixed(2)} µs, a text ${text.toFixed(2)} µs (the best of 61 runs)\n`
  )
})

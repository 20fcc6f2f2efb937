// Binds `true` to a statement on embedded SQLite: a process that a trap looks at from outside.
import { Effect, Option } from "effect"
import { Engine } from "effect-sa"

const program = Effect.map(Engine.scalar("SELECT ?", [true]), (value) => {
  if (Number(Option.getOrNull(value)) !== 1) process.exitCode = 2
})

await Effect.runPromise(program.pipe(Effect.provide(Engine.layer({ url: "sqlite::memory:" }))))

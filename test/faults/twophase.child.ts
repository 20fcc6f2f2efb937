// A process that prepares a two-phase transaction and is killed: it ends in no other way.
import { Effect } from "effect"
import { Engine } from "effect-sa"

const [url = "", xid = "", table = ""] = process.argv.slice(2)

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const engine = yield* Engine.make({ url })
      const connection = yield* engine.acquire
      const trans = yield* connection.beginTwophase(xid)
      yield* connection.execute(`INSERT INTO ${table} VALUES (1, 0)`)
      yield* trans.prepare
      process.kill(process.pid, "SIGKILL")
      yield* Effect.never
    })
  )
)

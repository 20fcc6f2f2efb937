import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "effect-sa"
import { servers } from "../support/Backend.js"
import { type Session, type TransactionSubject, transactionTraps } from "../traps/transactions.js"

const make: TransactionSubject["make"] = (url) =>
  Effect.gen(function* () {
    const engine = yield* Engine.make({ url, maxSize: 1 })
    const connection = yield* engine.acquire
    const session: Session = {
      execute: (sql) => connection.execute(sql),
      begin: connection.begin(),
      beginNested: connection.beginNested,
      beginTwophase: connection.beginTwophase,
      recover: connection.recoverTwophase,
      close: connection.close
    }
    return session
  })

for (const { name, url } of servers()) {
  describe(`transactions of an engine on ${name} fall into no trap:`, () => {
    for (const { id, title, run } of transactionTraps) it.scopedLive(`${title} (${id})`, () => run({ url, make }))
  })
}

// Values that are sent ahead of their statement, to a server that goes away in the middle.
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "effect-sa"
import { command, scriptedServer } from "../traps/ScriptedServer.js"

/** The answer to COM_STMT_PREPARE for a statement with one parameter, without the definition of that. */
const prepared = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

describe("a value that is sent ahead of its statement", () => {
  for (const last of [1, 3]) {
    it.scopedLive(`to a server that hangs up at piece ${last} is a typed failure`, () =>
      Effect.gen(function* () {
        let pieces = 0
        const server = yield* scriptedServer((payload) => {
          if (payload[0] === command.prepare) return { send: prepared }
          return payload[0] === command.sendLongData && ++pieces < last ? "nothing" : "hang up"
        })
        const engine = yield* Engine.make({ url: server.url, maxSize: 1 })
        const value = Buffer.alloc(20 * 1024 * 1024)
        const error = yield* Effect.flip(engine.execute("INSERT INTO t VALUES (?)", [value]))
        expect(error).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
        expect(pieces).toBe(last)
        expect((yield* engine.pool.numbers).size).toBe(0)
      })
    )
  }
})

// A server that keeps few prepared statements, which is a setting for all of a real one's sessions.
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "effect-sa"
import { type Answer, command, ok, scriptedServer } from "../traps/ScriptedServer.js"

const closeStatement = 25

/** The answer to COM_STMT_PREPARE for a statement with parameters, without the definitions of those. */
const prepared = (id: number): Buffer => Buffer.from([0, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

const tooMany = Buffer.concat([
  Buffer.from([0xff, 1461 & 0xff, 1461 >> 8]),
  Buffer.from("#42000Can't create more than max_prepared_stmt_count statements")
])

/** What a server that keeps so many has done. */
class Statements {
  private ids = 0
  readonly kept = new Set<number>()
  readonly executed: Array<number> = []
  readonly queries: Array<string> = []

  constructor(private readonly most: number) {}

  answerTo(payload: Buffer): Answer {
    switch (payload[0]) {
      case command.prepare:
        if (this.kept.size >= this.most) return { send: tooMany }
        this.kept.add(++this.ids)
        return { send: prepared(this.ids) }
      case closeStatement:
        this.kept.delete(payload.readUInt32LE(1))
        return "nothing"
      case command.execute:
        this.executed.push(payload.readUInt32LE(1))
        return this.kept.has(payload.readUInt32LE(1)) ? { send: ok } : "hang up"
      default:
        this.queries.push(payload.toString("utf8", 1))
        return { send: ok }
    }
  }
}

const engineOn = (statements: Statements) =>
  Effect.flatMap(
    scriptedServer((payload) => statements.answerTo(payload)),
    ({ url }) => Engine.make({ url, maxSize: 1 })
  )

describe("a server that holds all the prepared statements it may", () => {
  it.scopedLive("has room again when the connection closes its oldest one", () =>
    Effect.gen(function* () {
      const statements = new Statements(2)
      const engine = yield* engineOn(statements)
      for (const table of ["a", "b", "c", "a", "d", "d"]) yield* engine.execute(`INSERT INTO ${table} VALUES (?)`, [1])
      // The first a and then b made room for c and the second a, and c for d.
      expect(statements.executed).toEqual([1, 2, 3, 4, 5, 5])
      expect([...statements.kept]).toEqual([4, 5])
      expect(statements.queries).toEqual([])
    })
  )

  it.scopedLive("gets literals from a connection that has none to close", () =>
    Effect.gen(function* () {
      const statements = new Statements(0)
      const engine = yield* engineOn(statements)
      yield* engine.execute("INSERT INTO t VALUES (?, ?)", [1.5, "it's"])
      expect(statements.executed).toEqual([])
      expect(statements.queries).toEqual(["INSERT INTO t VALUES (1.5e0, 'it''s')"])
    })
  )
})

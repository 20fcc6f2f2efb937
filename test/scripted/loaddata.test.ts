// A server that asks for files: it gets what a statement has brought along for it, and nothing else.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { Engine, Statement } from "effect-sa"
import { rogueServer } from "../traps/ScriptedServer.js"

/** A file that the server would like to have. */
const secretFile = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "effect-sa-rogue-"))
      writeFileSync(join(folder, "secret"), "the secret")
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ),
  (folder) => join(folder, "secret")
)

const loading = "LOAD DATA LOCAL INFILE 'a label' INTO TABLE t"

/** The capability to send files, CLIENT_LOCAL_FILES. */
const localFiles = 0x80

const refused = { _tag: "InterfaceError", reason: "Protocol", message: expect.stringContaining("a file was asked for") }

describe("a server that asks for a file", () => {
  for (const localInfile of [false, true]) {
    for (const [what, statement, parameters] of [
      ["a statement", "DELETE FROM t", undefined],
      ["a statement with parameters", "DELETE FROM t WHERE id = ?", [1]],
      ["a select", "SELECT 1", undefined],
      ["what looks like a load", "LOAD DATA /*! LOCAL */ INFILE '/etc/passwd' INTO TABLE t", undefined]
    ] as const) {
      it.scopedLive(`gets nothing by ${what}, with localInfile ${localInfile}, and is left`, () =>
        Effect.gen(function* () {
          const server = yield* rogueServer(yield* secretFile)
          const engine = yield* Engine.make({ url: server.url, localInfile, maxSize: 1, acquireTimeout: 2_000 })
          const error = yield* Effect.flip(engine.execute(statement, parameters))
          expect(error).toMatchObject({ _tag: "InterfaceError", reason: "Protocol" })
          expect(server.hasAsked()).toBe(true)
          expect((server.capabilities() & localFiles) !== 0).toBe(localInfile)
          yield* Effect.sleep("20 millis")
          expect(server.unanswered()).toBe("")
          expect((yield* engine.pool.numbers).size).toBe(0)
        })
      )
    }
  }

  it.scopedLive("gets nothing by a stream, and is left", () =>
    Effect.gen(function* () {
      const server = yield* rogueServer(yield* secretFile)
      const engine = yield* Engine.make({ url: server.url, localInfile: true })
      const rows = Stream.runDrain(engine.stream("DELETE FROM t"))
      expect(yield* Effect.flip(rows)).toMatchObject({
        ...refused,
        message: expect.stringContaining("none was offered")
      })
      yield* Effect.sleep("20 millis")
      expect(server.unanswered()).toBe("")
    })
  )

  it.scopedLive("by another name than the statement has gets nothing, and the stream does not run", () =>
    Effect.gen(function* () {
      const server = yield* rogueServer(yield* secretFile)
      const engine = yield* Engine.make({ url: server.url, localInfile: true })
      let ran = false
      const data = Stream.suspend(() => {
        ran = true
        return Stream.make("1\n")
      })
      const error = yield* Effect.flip(engine.execute(Statement.loadData(loading, data)))
      expect(error).toMatchObject({ ...refused, message: expect.stringContaining("another file") })
      yield* Effect.sleep("20 millis")
      expect([server.unanswered(), ran]).toEqual(["", false])
    })
  )

  it.scopedLive("by the statement's own name gets the stream, whatever else has that name", () =>
    Effect.gen(function* () {
      const path = yield* secretFile
      const server = yield* rogueServer(path)
      const engine = yield* Engine.make({ url: server.url, localInfile: true })
      const statement = Statement.loadData(
        `LOAD DATA LOCAL INFILE '${path}' INTO TABLE t`,
        Stream.make("of the stream")
      )
      const fiber = yield* Effect.fork(engine.execute(statement))
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => server.unanswered().length >= 21, times: 200 })
      // The piece, and the empty packet that ends it.
      expect(server.unanswered()).toBe("\r\0\0\x02of the stream\0\0\0\x03")
      yield* Fiber.interrupt(fiber)
    })
  )
})

// Streams of many rows: what they keep in memory, what they read of the network, and what they leave behind.
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { Engine } from "effect-sa"
import { servers } from "../support/Backend.js"
import { millionRows, rowCount } from "../support/millionRows.js"
import { proxy } from "../traps/Proxy.js"

/** Runs the streaming program with so many megabytes for its objects, and gives what it printed. */
const child = (url: string, megabytes: number): Effect.Effect<string, Error> =>
  Effect.async((resume) => {
    const script = fileURLToPath(new URL("../support/millionRows.ts", import.meta.url))
    execFile(
      process.execPath,
      [`--max-old-space-size=${megabytes}`, "--import", "tsx", script, url],
      (error, stdout, stderr) => {
        resume(error === null ? Effect.succeed(stdout) : Effect.fail(new Error(stderr, { cause: error })))
      }
    )
  })

for (const { name, url } of servers()) {
  describe(`a stream of a million rows on ${name}`, () => {
    it.live(
      "passes whole through a process that has 64 MiB for its objects",
      () =>
        Effect.gen(function* () {
          const { count, sum } = JSON.parse(yield* child(url, 64))
          expect(count).toBe(rowCount)
          const filling = "what stands here makes the row as long as rows of tables are, about a hundred bytes in all"
          expect(sum).toBe((rowCount * (rowCount - 1)) / 2 + rowCount * filling.length)
        }),
      60_000
    )

    it.scopedLive("of which one row is taken has read less than 2 MiB, and its connection serves the next", () =>
      Effect.gen(function* () {
        const through = yield* proxy(url, () => "pass", "unix")
        const engine = yield* Engine.make({ url: through.url, maxSize: 1 })
        yield* engine.scalar("SELECT 1")
        const before = through.received()
        const taken = yield* engine.stream<{ id: number }>(millionRows).pipe(
          Stream.map((row) => row.id),
          Stream.take(1),
          Stream.runCollect
        )
        expect([...taken]).toHaveLength(1)
        expect(yield* engine.scalar("SELECT 2")).toEqual(Option.some(2))
        expect(through.received() - before).toBeLessThan(2 * 2 ** 20)
      })
    )

    it.scopedLive("reads no more from the network than a slow consumer takes", () =>
      Effect.gen(function* () {
        const through = yield* proxy(url, () => "pass", "unix")
        const engine = yield* Engine.make({ url: through.url, maxSize: 1 })
        const seen = yield* engine.stream(millionRows).pipe(
          Stream.mapEffect(() => Effect.delay(Effect.sync(through.received), "20 millis")),
          Stream.take(15),
          Stream.runCollect
        )
        const received = [...seen]
        // What the sockets on the way hold is read once; after that nothing moves, however long the consumer takes.
        expect(received.at(-1)).toBe(received.at(-5))
        expect(received.at(-1)).toBeLessThan(2 * 2 ** 20)
      })
    )
  })
}

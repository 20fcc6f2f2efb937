// Values too long for one packet: sent in pieces, read whole, and what a server says to those that it does not take.
import { describe, expect } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, type Scope, Stream } from "effect"
import { Engine, type Errors } from "effect-sa"
import { type Backend, table, withEngine } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"

const mebibyte = 1024 * 1024

/** No two pieces of it are equal. */
const bytesOf = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  const numbers = new DataView(bytes.buffer)
  for (let at = 0; at + 4 <= length; at += 1_000) numbers.setUint32(at, at)
  return bytes
}

/** Characters of one to four bytes, so that a cut at any place would be seen. */
const textOf = (length: number): string => "aä€\u{1d11e}".repeat(length / 5)

/** Lets new connections have packets of this length, until the scope ends. */
const allowPackets = (backend: Backend, length: number): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const admin = yield* observer(backend)
    const allowed = Option.getOrThrow(yield* admin.scalar("SELECT @@GLOBAL.max_allowed_packet"))
    if (Number(allowed) >= length) return
    yield* Effect.acquireRelease(admin.execute(`SET GLOBAL max_allowed_packet = ${length}`), () =>
      Effect.ignore(admin.execute(`SET GLOBAL max_allowed_packet = ${allowed}`))
    )
  })

const allowed: Effect.Effect<number, Errors.ExecuteError, Engine.Engine> = Effect.map(
  Engine.scalar("SELECT @@max_allowed_packet"),
  (value) => Number(Option.getOrThrow(value))
)

const connection: Effect.Effect<unknown, Errors.ExecuteError, Engine.Engine> = Engine.scalar("SELECT CONNECTION_ID()")

const columns = "id INTEGER PRIMARY KEY, bytes LONGBLOB, text LONGTEXT CHARACTER SET utf8mb4"

export const longValuesContract = (backend: Backend): void => {
  describe("long values", () => {
    withEngine(
      backend,
      "of 20 MB go in and come out exactly",
      () =>
        Effect.gen(function* () {
          yield* allowPackets(backend, 64 * mebibyte)
          const bytes = bytesOf(20_000_001)
          const text = textOf(7_000_000)
          // Not stored: how much a transaction may store is another limit.
          const result = yield* Engine.execute("SELECT ? AS bytes, ? AS text, ? AS id, ? AS nothing", [
            bytes,
            text,
            7,
            null
          ])
          const row = [...(result.rows[0] ?? [])]
          expect(Buffer.from(bytes).equals(Buffer.from(row[0] as unknown as Uint8Array))).toBe(true)
          expect((row[1] as unknown) === text).toBe(true)
          expect(row.slice(2)).toEqual([7, null])
        }),
      {},
      60_000
    )

    withEngine(backend, "are parameters as others are, in any statement and any place", () =>
      Effect.gen(function* () {
        const t = yield* table(columns)
        const bytes = bytesOf(mebibyte + 1)
        const text = textOf(1_100_000)
        const insert = `INSERT INTO ${t} VALUES (?, ?, ?)`
        yield* Engine.execute(insert, [
          [1, bytes, text],
          [2, bytes, "short"],
          [3, null, text],
          [4, bytesOf(mebibyte), null]
        ])
        yield* Engine.transaction(Engine.execute(insert, [5, bytes, text]))
        const whole = `bytes = ? AND SHA2(text, 256) = SHA2(?, 256)`
        const found = Engine.stream(`SELECT id FROM ${t} WHERE ${whole} AND id > ? ORDER BY id`, [bytes, text, 0])
        expect([...(yield* Stream.runCollect(found))].map((row) => row[0] as unknown)).toEqual([1, 5])
        const lengths = yield* Engine.execute(`SELECT id, LENGTH(bytes), CHAR_LENGTH(text) FROM ${t} ORDER BY id`)
        // A character outside of the first plane has two places in a string here, and one there.
        const characters = (text.length / 5) * 4
        expect(lengths.rows.map((row) => [...row])).toEqual([
          [1, mebibyte + 1, characters],
          [2, mebibyte + 1, 5],
          [3, null, characters],
          [4, mebibyte, null],
          [5, mebibyte + 1, characters]
        ])
        // The same statement with short ones, which is another one on the server.
        yield* Engine.execute(insert, [6, Buffer.from("short"), "short"])
        expect((yield* Engine.execute(`SELECT text FROM ${t} WHERE bytes = ?`, [Buffer.from("short")])).rowCount).toBe(
          1
        )
      })
    )

    withEngine(backend, "leave no prepared statements behind", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const open = Effect.map(admin.execute("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'"), (result) =>
          Number(result.rows[0]?.[1])
        )
        const before = yield* open
        const rounds = 40
        for (let i = 0; i < rounds; i++) yield* Engine.execute("SELECT LENGTH(?)", [bytesOf(mebibyte + 1)])
        // Others work on the same server.
        expect((yield* open) - before).toBeLessThan(rounds / 2)
      })
    )

    withEngine(
      backend,
      "may together be longer than one packet",
      () =>
        Effect.gen(function* () {
          const most = yield* allowed
          const count = Math.ceil(most / (12 * mebibyte)) + 1
          const markers = Array.from({ length: count }, () => "LENGTH(?)").join(", ")
          const bytes = bytesOf(12 * mebibyte)
          const result = yield* Engine.execute(
            `SELECT ${markers}`,
            Array.from({ length: count }, () => bytes)
          )
          expect([...(result.rows[0] ?? [])]).toEqual(Array.from({ length: count }, () => bytes.length))
        }),
      {},
      60_000
    )

    withEngine(
      backend,
      "longer than the server takes are refused by it, and the connection is as good as before",
      () =>
        Effect.gen(function* () {
          const id = yield* connection
          const bytes = bytesOf((yield* allowed) + mebibyte)
          expect(yield* Effect.flip(Engine.execute("SELECT LENGTH(?)", [bytes]))).toMatchObject({
            _tag: "OperationalError",
            reason: "PacketTooLarge",
            message: expect.stringContaining("max_allowed_packet")
          })
          expect(yield* connection).toEqual(id)
        }),
      { maxSize: 1 },
      60_000
    )

    withEngine(
      backend,
      "written into a statement that is too long are refused, and the next statement has another connection",
      () =>
        Effect.gen(function* () {
          const statement = `SELECT LENGTH('${"x".repeat(yield* allowed)}')`
          for (let round = 0; round < 3; round++) {
            const id = yield* connection
            const error = yield* Effect.flip(Engine.execute(statement))
            expect(error).toMatchObject({ _tag: "OperationalError", reason: "PacketTooLarge" })
            expect(yield* connection).not.toEqual(id)
          }
        }),
      { maxSize: 1 },
      60_000
    )

    withEngine(
      backend,
      "are interrupted at once, and nothing of their transaction is kept",
      () =>
        Effect.gen(function* () {
          const t = yield* table(columns)
          const admin = yield* observer(backend)
          const insert = Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, [1, bytesOf(15 * mebibyte), null])
          // While it is being prepared, and while the pieces are on their way.
          for (const delay of [0, 2, 4, 6]) {
            const fiber = yield* Effect.fork(Engine.transaction(Effect.zipRight(insert, Effect.never)))
            yield* Effect.sleep(delay)
            expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
          }
          yield* eventually(
            Effect.map(
              admin.execute(
                "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND ID <> CONNECTION_ID()",
                [`%INSERT INTO ${t}%`]
              ),
              (running) => running.rowCount === 0
            )
          )
          expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(0))
        }),
      { maxSize: 1 }
    )
  })
}

// Sessions that real servers had, played again without them: the same commands, the same answers, the same results.
import { describe, expect, it } from "@effect/vitest"
import { Random } from "../../support/wire/Random.js"
import {
  bytesOf,
  Client,
  packetOf,
  readVectors,
  type Seen,
  type Vector,
  type VectorFile
} from "../../support/wire/Vector.js"

/** Cuts bytes at these places, and at their ends. */
const cutAt = (bytes: Buffer, places: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const at = [...new Set([0, ...places, bytes.length])].sort((a, b) => a - b)
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

/** Ways in which a server's bytes may arrive. */
const arrivals: ReadonlyArray<
  readonly [title: string, chunks: (packets: ReadonlyArray<string>) => ReadonlyArray<Buffer>]
> = [
  ["at once", (packets) => [bytesOf(packets)]],
  ["packet by packet", (packets) => packets.map((packet) => bytesOf([packet]))],
  ["byte by byte", (packets) => Array.from(bytesOf(packets), (byte) => Buffer.from([byte]))],
  [
    "cut anywhere",
    (packets) => {
      const bytes = bytesOf(packets)
      const random = new Random(bytes.length)
      return cutAt(
        bytes,
        Array.from({ length: 20 }, () => random.below(bytes.length + 1))
      )
    }
  ]
]

const play = (
  { turns, ...modes }: Vector,
  product: VectorFile["product"],
  chunks: (typeof arrivals)[number][1]
): void => {
  const written: Array<Buffer> = []
  let ends = 0
  const client = new Client(modes, product, {
    write: (packet) => written.push(Buffer.from(packet)),
    pause: () => {},
    resume: () => {},
    end: () => ends++
  })
  for (const turn of turns) {
    const { server, seen } = turn
    let came: Seen | undefined
    written.length = 0
    client.conversation.forgetChanges()
    client.send(turn, (each) => {
      came = each
    })
    for (const chunk of chunks(server)) {
      expect(came).toBeUndefined()
      // A socket reads into the same memory again.
      const memory = Buffer.from(chunk)
      client.conversation.receive(memory)
      memory.fill(0xa5)
    }
    const what = JSON.stringify(turn.sending)
    expect(JSON.parse(JSON.stringify(came ?? null)), what).toEqual(seen)
    expect(Buffer.concat(written).toString("hex"), what).toBe(turn.client.join(""))
  }
  expect([ends, client.conversation.failure, client.conversation.outstanding]).toEqual([0, undefined, 0])
}

describe("sessions of real servers", () => {
  const files = readVectors()

  it("are of MariaDB and of MySQL, and have every kind of exchange", () => {
    expect(files.map(({ product }) => product).sort()).toEqual(["MariaDB", "MySQL"])
    for (const { sessions } of files) {
      const turns = sessions.flatMap((session) => session.turns)
      expect(new Set(turns.map(({ kind }) => kind))).toEqual(new Set(["simple", "text", "prepare", "binary"]))
      expect(new Set(turns.map(({ sending }) => sending.send))).toEqual(
        new Set(["query", "prepare", "execute", "database", "ping", "reset"])
      )
      expect(turns.some(({ seen }) => seen.error !== undefined)).toBe(true)
      expect(turns.some(({ seen }) => (seen.results?.length ?? 0) > 1)).toBe(true)
      expect(turns.some(({ stream }) => stream)).toBe(true)
      expect(turns.some(({ file }) => file !== undefined)).toBe(true)
      expect(new Set(sessions.map(({ deprecateEof }) => deprecateEof))).toEqual(new Set([true, false]))
    }
  })

  it("hold no login, which would have a password in it", () => {
    for (const { sessions } of files) {
      for (const { client } of sessions.flatMap((session) => session.turns)) {
        // A command is the first packet of its exchange. What a client says at the login is not.
        expect(client[0]?.slice(6, 8)).toBe("00")
      }
    }
  })

  for (const { product, server, sessions } of files) {
    for (const session of sessions) {
      it(`are read as they were: ${product} ${server}, ${session.title}`, () => {
        for (const [, chunks] of arrivals) play(session, product, chunks)
      })

      it(`have the commands that are made today: ${product} ${server}, ${session.title}`, () => {
        for (const { sending, client } of session.turns) expect(packetOf(sending).toString("hex")).toBe(client[0])
      })
    }
  }
})

// What can be wrong with the bytes of a server: answers that were right are changed packet by packet, then byte by byte.
import { fileRequest, header, lengthEncoded, type Modes, pieces } from "./Packets.js"
import { randomPayload } from "./Answers.js"
import type { Random } from "./Random.js"

/** A packet on its way. */
export interface Packet {
  /** Which answer it belongs to: numbers begin anew with each. */
  readonly answer: number
  readonly payload: Buffer
  readonly sequence: number
  /** What the header says of the length, where that is not true. */
  readonly claimed?: number
  /** Numbers after this one that the client uses, for packets of a file. */
  readonly uploads?: number
}

/** The packets of an answer. `uploads` is how many packets the client sends after the first of them. */
export const asPackets = (
  payloads: ReadonlyArray<Buffer>,
  answer: number,
  first: number,
  uploads = 0
): ReadonlyArray<Packet> =>
  payloads.flatMap(pieces).map((payload, i) => ({
    answer,
    payload,
    sequence: (first + i + (i > 0 ? uploads : 0)) & 0xff,
    ...(i === 0 && uploads > 0 ? { uploads } : {})
  }))

export const asBytes = (packets: ReadonlyArray<Packet>): Buffer =>
  Buffer.concat(
    packets.flatMap(({ payload, sequence, claimed }) => [header(claimed ?? payload.length, sequence), payload])
  )

/** Bytes that mean something at the beginning of a packet or of a length. */
const markedBytes = [0, 1, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff]

const randomByte = (random: Random): number => (random.chance(0.6) ? random.pick(markedBytes) : random.below(256))

/** Changes a few bytes, at one place. */
const changeBytes = (random: Random, bytes: Buffer): Buffer => {
  const at = random.below(bytes.length + 1)
  const before = bytes.subarray(0, at)
  const rest = bytes.subarray(at)
  switch (random.below(6)) {
    case 0: {
      const flipped = Buffer.from(rest.subarray(0, 1))
      if (flipped.length === 1) flipped[0]! ^= 1 << random.below(8)
      return Buffer.concat([before, flipped, rest.subarray(1)])
    }
    case 1:
      return Buffer.concat([before, Buffer.from([randomByte(random)]), rest.subarray(1)])
    case 2:
      return Buffer.concat([before, Buffer.from([randomByte(random)]), rest])
    case 3:
      return Buffer.concat([before, rest.subarray(random.between(1, 4))])
    case 4:
      return Buffer.concat([before, random.bytes(random.between(1, 9)), rest])
    default:
      return Buffer.from(before)
  }
}

/** A value that is far too long for its type comes in place of a packet's beginning. */
const swell = (random: Random, payload: Buffer): Buffer => {
  const length = random.pick([300, 10_000, 10_000, 500_000])
  const filling = Buffer.alloc(length, random.pick(["1", "9", "-", "'", "[", "{", "0", "\xff", "a.b", "1e9", " "]))
  return Buffer.concat([payload.subarray(0, random.pick([0, 1, 2, 9])), lengthEncoded(length), filling, payload])
}

/** Bytes of what repeats without an end, before the end of the socket comes after all. */
const longestEndless = 4 * 2 ** 20

type Mutation = (packets: ReadonlyArray<Packet>, at: number, random: Random, modes: Modes) => ReadonlyArray<Packet>

const replaced =
  (change: (packet: Packet, random: Random, modes: Modes) => Packet): Mutation =>
  (packets, at, random, modes) =>
    packets.with(at, change(packets[at]!, random, modes))

/** What can become of the packet at one place, and by its name in the report. */
const mutations: ReadonlyArray<readonly [name: string, mutation: Mutation]> = [
  ["bytes", replaced((packet, random) => ({ ...packet, payload: changeBytes(random, packet.payload) }))],
  ["bytes", replaced((packet, random) => ({ ...packet, payload: changeBytes(random, packet.payload) }))],
  ["bytes", replaced((packet, random) => ({ ...packet, payload: changeBytes(random, packet.payload) }))],
  ["sequence", replaced((packet, random) => ({ ...packet, sequence: random.below(256) }))],
  [
    "length",
    replaced((packet, random) => ({
      ...packet,
      claimed: Math.max(0, random.pick([packet.payload.length + random.between(-3, 3), 0, 0xffffff, random.below(300)]))
    }))
  ],
  ["replaced", replaced((packet, random, modes) => ({ ...packet, payload: randomPayload(random, modes) }))],
  [
    "count",
    replaced((packet, random) => ({ ...packet, payload: lengthEncoded(random.pick([0, 1, 2, 3, 250, 0xffff])) }))
  ],
  ["file", replaced((packet) => ({ ...packet, payload: fileRequest("/etc/passwd") }))],
  ["long", replaced((packet, random) => ({ ...packet, payload: swell(random, packet.payload) }))],
  ["duplicate", (packets, at) => packets.toSpliced(at, 0, packets[at]!)],
  ["missing", (packets, at) => packets.toSpliced(at, 1)],
  ["cut", (packets, at) => packets.slice(0, at)],
  [
    "swapped",
    (packets, at, random) => {
      const other = random.below(packets.length)
      return packets.with(at, packets[other]!).with(other, packets[at]!)
    }
  ],
  [
    "inserted",
    (packets, at, random, modes) => packets.toSpliced(at, 0, { ...packets[at]!, payload: randomPayload(random, modes) })
  ],
  [
    "unasked",
    (packets, _at, random, modes) => [
      ...packets,
      ...asPackets(
        Array.from({ length: random.between(1, 4) }, () => randomPayload(random, modes)),
        (packets.at(-1)?.answer ?? 0) + random.below(2),
        (packets.at(-1)?.sequence ?? 0) + 1
      )
    ]
  ],
  [
    "endless",
    (packets, at, random) => {
      const most = Math.ceil(longestEndless / (packets[at]!.payload.length + 1))
      const count = Math.min(most, random.chance(0.9) ? random.between(2, 60) : random.between(300, 3_000))
      return [...packets.slice(0, at), ...Array.from({ length: count }, () => packets[at]!)]
    }
  ]
]

/**
 * Gives packets the numbers that they would have if they were meant; `impatient` is a server that says more before it has
 * the file that it asked for.
 */
const renumbered = (
  packets: ReadonlyArray<Packet>,
  first: (answer: number) => number,
  impatient: boolean
): ReadonlyArray<Packet> => {
  const next = new Map<number, number>()
  return packets.map((packet) => {
    const sequence = next.get(packet.answer) ?? first(packet.answer)
    next.set(packet.answer, (sequence + 1 + (impatient ? 0 : (packet.uploads ?? 0))) & 0xff)
    return { ...packet, sequence }
  })
}

export interface Mutated {
  readonly bytes: Buffer
  readonly packets: number
  /** By their names: what was done. */
  readonly done: ReadonlyArray<string>
}

/** `first` is the number with which an answer begins. */
export const mutate = (
  random: Random,
  right: ReadonlyArray<Packet>,
  modes: Modes,
  first: (answer: number) => number
): Mutated => {
  const done: Array<string> = []
  let packets = right
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0 && packets.length > 0; left--) {
    const [name, mutation] = random.pick(mutations)
    done.push(name)
    packets = mutation(packets, random.below(packets.length), random, modes)
  }
  // Numbers that are right bring what else is wrong further in.
  if (random.chance(0.85) && !done.includes("sequence")) {
    packets = renumbered(packets, first, random.chance(0.3))
    done.push("renumbered")
  }
  let bytes = asBytes(packets)
  if (random.chance(0.15)) {
    done.push("stream")
    bytes = changeBytes(random, bytes)
  }
  return { bytes, packets: packets.length, done }
}

// `npm run fuzz`: plays random sessions of servers, right and wrong ones, against the conversation of the wire protocol,
// without a server and without a socket. `--packets N` of them (a million), `--seed S` for those of an earlier run,
// `--only I` for one session of it.
import { randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import { type Counts, fuzz } from "../support/wire/Fuzz.js"
import { held } from "../support/wire/Memory.js"
import { capturedSessions } from "../support/wire/Vector.js"

const { values } = parseArgs({
  options: {
    packets: { type: "string", default: "1000000" },
    seed: { type: "string" },
    only: { type: "string" }
  }
})

const whole = (name: string, value: string): number => {
  if (/^\d+$/.test(value)) return Number(value)
  process.stderr.write(`--${name} must be a whole number, and is ${value}\n`)
  process.exit(2)
}

const packets = whole("packets", values.packets)
const seed = values.seed === undefined ? randomInt(2 ** 32) : whole("seed", values.seed)
const only = values.only === undefined ? undefined : whole("only", values.only)

/** Megabytes that a run may hold more than at its beginning, when sessions are over. */
const growth = 32

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const table = (title: string, counts: ReadonlyMap<string, number>): void => {
  print(title)
  for (const [what, times] of [...counts].sort((a, b) => b[1] - a[1]).slice(0, 40))
    print(`${String(times).padStart(9)}  ${what.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 100)}`)
}

const start = performance.now()
let atFirst: number | undefined
let most = 0

const progress = (counts: Counts): void => {
  const megabytes = held()
  atFirst ??= megabytes
  most = Math.max(most, megabytes)
  const seconds = (performance.now() - start) / 1_000
  print(
    `${String(counts.packets).padStart(9)} packets, ${counts.sessions} sessions, ${seconds.toFixed(0)} s, ${megabytes.toFixed(0)} MB held, longest session ${counts.slowest.toFixed(0)} ms`
  )
}

print(`seed ${seed}: ${only === undefined ? `${packets} packets` : `session ${only}`}`)
const { counts, finding } = fuzz({ seed, packets, only, captured: capturedSessions(), progress })
if (finding === undefined) {
  progress(counts)
  table("conversations ended with", counts.ends)
  table("exchanges ended with", counts.settled)
}
const grown = most - (atFirst ?? most)
const fault =
  finding?.report ??
  (counts.sessions === 0
    ? "nothing was sent"
    : grown > growth
      ? `${grown.toFixed(0)} MB more were held than at first`
      : undefined)
print(
  fault === undefined
    ? `${counts.packets} packets in ${counts.sessions} sessions (${counts.right} right ones) kept every promise`
    : `FAULT with seed ${seed}\n${fault}`
)
process.exitCode = fault === undefined ? 0 : 1

// Whatever can go wrong between an engine and its server, done to them at random.
import { Effect, Random } from "effect"
import type { Engine } from "effect-sa"
import type { Proxy } from "../support/Proxy.js"
import type { OwnServer } from "../support/servers/mariadb.js"

export const deeds = [
  "kill a connection",
  "kill a statement",
  "cut all connections",
  "cut within an answer",
  "delay",
  "swallow",
  "drop",
  "restart with kill -9"
] as const

export type Deed = (typeof deeds)[number]

export type Done = Record<Deed, number>

export const nothingDone = (): Done => ({
  "kill a connection": 0,
  "kill a statement": 0,
  "cut all connections": 0,
  "cut within an answer": 0,
  delay: 0,
  swallow: 0,
  drop: 0,
  "restart with kill -9": 0
})

/** How often each is done, of all; restarts have a time of their own. */
const weights: ReadonlyArray<readonly [Deed, number]> = [
  ["kill a connection", 12],
  ["kill a statement", 8],
  ["cut all connections", 2],
  ["cut within an answer", 2],
  ["delay", 2],
  ["swallow", 1],
  ["drop", 1]
]

const total = weights.reduce((sum, [, weight]) => sum + weight, 0)

export interface Setting {
  readonly server: OwnServer
  readonly proxy: Proxy
  /** Goes to the server by itself, not by the proxy. */
  readonly admin: Engine.Engine
  readonly secondsBetweenRestarts: number
}

/** Goes on until it is interrupted, which leaves the server up and the proxy passing. */
export const chaos = ({ server, proxy, admin, secondsBetweenRestarts }: Setting, done: Done): Effect.Effect<never> => {
  const pass = proxy.become({ _tag: "pass" })

  /** A connection of the server by chance, which may be busy or idle, and is not the one that looks. */
  const victim = Effect.gen(function* () {
    const { rows } = yield* admin.execute(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'tester' AND ID <> CONNECTION_ID()"
    )
    return rows.length === 0 ? undefined : Number(rows[yield* Random.nextIntBetween(0, rows.length)]?.[0])
  })

  const kill = (what: "CONNECTION" | "QUERY") =>
    Effect.flatMap(victim, (id) => (id === undefined ? Effect.void : admin.execute(`KILL ${what} ${id}`)))

  const meanwhile = (least: number, most: number) => Effect.flatMap(Random.nextIntBetween(least, most), Effect.sleep)

  const restart = Effect.uninterruptible(
    Effect.gen(function* () {
      server.kill()
      yield* Effect.sleep("200 millis")
      yield* Effect.promise(server.startAgain)
    })
  )

  const act = (deed: Deed): Effect.Effect<unknown, unknown> => {
    switch (deed) {
      case "kill a connection":
        return kill("CONNECTION")
      case "kill a statement":
        return kill("QUERY")
      case "cut all connections":
        return proxy.cut
      case "cut within an answer":
        return Effect.flatMap(Random.nextIntBetween(0, 40), (bytes) =>
          Effect.zipRight(proxy.become({ _tag: "cutAfter", bytes }), meanwhile(5, 40))
        )
      case "delay":
        return Effect.zipRight(proxy.become({ _tag: "delay", millis: 30 }), meanwhile(100, 400))
      case "swallow":
        // Only the end of the connections ends the waiting for what was swallowed.
        return Effect.zipRight(Effect.zipRight(proxy.become({ _tag: "swallow" }), meanwhile(100, 800)), proxy.cut)
      case "drop":
        return Effect.zipRight(proxy.become({ _tag: "drop" }), meanwhile(50, 500))
      case "restart with kill -9":
        return restart
    }
  }

  const perform = (deed: Deed) =>
    Effect.ensuring(Effect.ignore(act(deed)), pass).pipe(Effect.tap(Effect.sync(() => done[deed]++)))

  const chosen = Effect.map(Random.nextIntBetween(0, total), (number): Deed => {
    let left = number
    for (const [deed, weight] of weights) {
      left -= weight
      if (left < 0) return deed
    }
    return "kill a connection"
  })

  let restarted = performance.now()
  return Effect.forever(
    Effect.gen(function* () {
      yield* meanwhile(40, 300)
      if (performance.now() - restarted > secondsBetweenRestarts * 1_000) {
        yield* perform("restart with kill -9")
        restarted = performance.now()
      } else yield* Effect.flatMap(chosen, perform)
    })
  )
}

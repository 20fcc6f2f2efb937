// The certificates of the server under test: its authority and a client's, which lie where the server has its own.
import { readFileSync } from "node:fs"
import { dirname, isAbsolute, join } from "node:path"
import { Effect } from "effect"
import { Engine } from "effect-sa"
import type { Backend } from "./Backend.js"

export interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export const certificatesOf = (backend: Backend): Effect.Effect<Certificates, unknown> =>
  Effect.scoped(
    Effect.gen(function* () {
      const engine = yield* Engine.make({ url: backend.url })
      const { rows } = yield* engine.execute("SELECT @@ssl_ca, @@datadir")
      const [ca, data] = [...(rows[0] ?? [])].map((value) => String(value ?? ""))
      if (ca === undefined || ca === "" || data === undefined)
        return yield* Effect.fail(`${backend.name} has no TLS: npm test starts a server that has`)
      const path = isAbsolute(ca) ? ca : join(data, ca)
      const read = (name: string) => readFileSync(join(dirname(path), name), "utf8")
      return yield* Effect.try(() => ({
        ca: readFileSync(path, "utf8"),
        cert: read("client-cert.pem"),
        key: read("client-key.pem")
      }))
    })
  )

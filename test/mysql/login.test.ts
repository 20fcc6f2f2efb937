// How MySQL's accounts are logged in to: caching_sha2_password and sha256_password by each of their ways.
import { generateKeyPairSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "effect-sa"
import { account, ask, targetOf, tlsContract } from "../contract/Login.js"
import { mysql } from "../support/Backend.js"
import { certificatesOf } from "../support/certificates.js"
import { observer } from "../support/observer.js"

const backend = mysql()
const { host, port } = targetOf(backend)
const noAccess = { _tag: "OperationalError", reason: "Authentication", errno: 1045 }
const refused = { _tag: "OperationalError", reason: "Authentication" }

tlsContract(backend)

const passwords = [
  ["plain", "a password"],
  ["text", "pässwörd €\u{1d11e}"],
  ["long", "0123456789".repeat(8)]
] as const

/** The server's public key, as a status variable has it. */
const publicKey = (name: string) =>
  Effect.flatMap(observer(backend), (admin) =>
    Effect.map(admin.execute(`SHOW STATUS LIKE '${name}'`), (found) => String(found.rows[0]?.[1]))
  )

for (const [plugin, keyName] of [
  ["caching_sha2_password", "Caching_sha2_password_rsa_public_key"],
  ["sha256_password", "Rsa_public_key"]
] as const) {
  describe(`login by ${plugin}`, () => {
    /** An account that the server has in no cache. */
    const fresh = (password: string) => account(backend, `IDENTIFIED WITH ${plugin} BY '${password}'`)
    const asking = { host, port }

    for (const [name, password] of passwords) {
      it.scopedLive(`sends the password over TLS: ${name}`, () =>
        Effect.gen(function* () {
          const user = yield* fresh(password)
          const { ca } = yield* certificatesOf(backend)
          const own = { ...asking, user, tls: { ca }, allowPublicKeyRetrieval: false }
          expect(yield* Effect.flip(ask({ ...own, password: `${password}.` }))).toMatchObject(noAccess)
          expect(yield* ask({ ...own, password })).toBe(`${user}@%`)
        })
      )

      it.scopedLive(`encrypts the password by the key that a server of this machine sends: ${name}`, () =>
        Effect.gen(function* () {
          const user = yield* fresh(password)
          const own = { ...asking, user }
          expect(yield* Effect.flip(ask({ ...own, password: `${password}.` }))).toMatchObject(noAccess)
          expect(yield* ask({ ...own, password })).toBe(`${user}@%`)
        })
      )

      it.scopedLive(`encrypts the password by the given key, and asks for none: ${name}`, () =>
        Effect.gen(function* () {
          const user = yield* fresh(password)
          const serverPublicKey = yield* publicKey(keyName)
          const own = { ...asking, user, serverPublicKey, allowPublicKeyRetrieval: false }
          expect(yield* Effect.flip(ask({ ...own, password: `${password}.` }))).toMatchObject(noAccess)
          expect(yield* ask({ ...own, password })).toBe(`${user}@%`)
        })
      )
    }

    it.scopedLive("asks for no key where that is not allowed, and says what to do", () =>
      Effect.gen(function* () {
        const user = yield* fresh("pw")
        const error = yield* Effect.flip(ask({ ...asking, user, password: "pw", allowPublicKeyRetrieval: false }))
        expect(error).toMatchObject(refused)
        expect(error.message).toMatch(/TLS.*serverPublicKey.*allowPublicKeyRetrieval/)
      })
    )

    it.scopedLive("fails with a typed error for a key that is not the server's, or none", () =>
      Effect.gen(function* () {
        const user = yield* fresh("pw")
        const nonsense = "-----BEGIN PUBLIC KEY-----\nbm90aGluZw==\n-----END PUBLIC KEY-----\n"
        const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
        const others = publicKey.export({ type: "spki", format: "pem" }).toString()
        for (const serverPublicKey of [nonsense, others]) {
          const error = yield* Effect.flip(ask({ ...asking, user, password: "pw", serverPublicKey }))
          expect(error).toMatchObject(refused)
        }
      })
    )

    it.scopedLive("over a Unix domain socket needs neither TLS nor a key", () =>
      Effect.gen(function* () {
        const user = yield* fresh("pw")
        const unixSocket = String(yield* ask({ url: backend.url }, "SELECT @@socket"))
        const own = { unixSocket, user, allowPublicKeyRetrieval: false }
        expect(yield* ask({ ...own, password: "pw" })).toBe(`${user}@%`)
        expect(yield* Effect.flip(ask({ ...own, password: "other" }))).toMatchObject(noAccess)
      })
    )

    it.scopedLive("lets in to an account without a password who gives none", () =>
      Effect.gen(function* () {
        const user = yield* account(backend, `IDENTIFIED WITH ${plugin}`)
        expect(yield* ask({ ...asking, user, allowPublicKeyRetrieval: false })).toBe(`${user}@%`)
        expect(yield* Effect.flip(ask({ ...asking, user, password: "pw" }))).toMatchObject(noAccess)
      })
    )
  })
}

describe("login by caching_sha2_password", () => {
  it.scopedLive("once the server has the password in its cache needs no key", () =>
    Effect.gen(function* () {
      const user = yield* account(backend, "IDENTIFIED WITH caching_sha2_password BY 'pw'")
      const own = { host, port, user, password: "pw" }
      const strictly = { ...own, allowPublicKeyRetrieval: false }
      expect(yield* Effect.flip(ask(strictly))).toMatchObject(refused)
      yield* ask(own)
      expect(yield* ask(strictly)).toBe(`${user}@%`)
    })
  )

  it.scopedLive("opens many connections at once, which all encrypt", () =>
    Effect.gen(function* () {
      const user = yield* account(backend, "IDENTIFIED WITH caching_sha2_password BY 'pw'")
      const engine = yield* Engine.make({ host, port, user, password: "pw", minSize: 8 })
      expect((yield* engine.pool.numbers).idle).toBe(8)
    })
  )
})

describe("accounts that are closed", () => {
  for (const [title, how, errno] of [
    ["locked", "IDENTIFIED BY 'pw' ACCOUNT LOCK", 3118],
    ["with a password that is over", "IDENTIFIED BY 'pw' PASSWORD EXPIRE", 1862]
  ] as const) {
    it.scopedLive(`fail with a typed error: ${title}`, () =>
      Effect.gen(function* () {
        const user = yield* account(backend, how)
        const error = yield* Effect.flip(ask({ host, port, user, password: "pw" }))
        expect(error).toMatchObject({ ...refused, errno })
      })
    )
  }
})

describe("what the server is told of the program", () => {
  const attributesOf = (options: object) =>
    Effect.scoped(
      Effect.gen(function* () {
        const engine = yield* Engine.make({ url: backend.url, ...options })
        const { rows } = yield* engine.execute(
          "SELECT ATTR_NAME, ATTR_VALUE FROM performance_schema.session_connect_attrs WHERE PROCESSLIST_ID = CONNECTION_ID()"
        )
        return Object.fromEntries(rows.map(([name, value]) => [String(name), value]))
      })
    )
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  const client = {
    _client_name: "effect-sa",
    _client_version: Reflect.get(Object(manifest), "version"),
    _pid: String(process.pid)
  }

  it.live("is this package, its version and the process", () =>
    Effect.gen(function* () {
      expect(yield* attributesOf({})).toEqual(client)
    })
  )

  it.live("is programName and connectAttributes besides", () =>
    Effect.gen(function* () {
      const given = { programName: "shop", connectAttributes: { team: "payments", città: "Zürich €" } }
      const found = yield* attributesOf(given)
      expect(found).toEqual({ ...client, program_name: "shop", ...given.connectAttributes })
      const { url } = backend
      expect(yield* attributesOf({ url: `${url}?programName=from%20the%20URL` })).toMatchObject({
        program_name: "from the URL"
      })
    })
  )
})

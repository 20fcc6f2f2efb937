// Who is let in and how, on a real server: TLS in all its forms, and accounts that ask for it.
import { X509Certificate } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, type Scope } from "effect"
import { Engine, type Errors, type Options } from "effect-sa"
import type { Backend } from "../support/Backend.js"
import { type Certificates, certificatesOf } from "../support/certificates.js"
import { eventually, observer } from "../support/observer.js"
import { makeAuthority } from "../support/servers/certificates.js"

type Failure = Errors.ExecuteError

export const targetOf = (backend: Backend) => {
  const url = new URL(backend.url)
  return {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password)
  }
}

/** Logs in and asks for one value. */
export const ask = (options: Options.Options, sql = "SELECT CURRENT_USER()"): Effect.Effect<unknown, Failure> =>
  Effect.scoped(Effect.flatMap(Engine.make(options), (engine) => Effect.map(engine.scalar(sql), Option.getOrUndefined)))

let accounts = 0

/** An account that is there while the scope lives; `how` is what comes after its name. */
export const account = (backend: Backend, how: string, host = "%"): Effect.Effect<string, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const admin = yield* observer(backend)
    const user = `login_${process.pid}_${++accounts}`
    yield* Effect.acquireRelease(admin.execute(`CREATE USER ${user}@'${host}' ${how}`), () =>
      Effect.ignore(admin.execute(`DROP USER ${user}@'${host}'`))
    )
    return user
  })

const noAccess = { _tag: "OperationalError", reason: "Authentication", errno: 1045 }
const noTls = { _tag: "OperationalError", reason: "Tls" }

export const tlsContract = (backend: Backend): void => {
  const target = targetOf(backend)
  const cipher = "SELECT VARIABLE_VALUE FROM {status} WHERE VARIABLE_NAME = 'Ssl_cipher'".replace(
    "{status}",
    backend.name === "mysql" ? "performance_schema.session_status" : "information_schema.SESSION_STATUS"
  )
  const other = makeAuthority("another authority")

  const test = (title: string, body: (certificates: Certificates) => Effect.Effect<void, unknown, Scope.Scope>): void =>
    it.scopedLive(`${title} [${backend.name}]`, () => Effect.flatMap(certificatesOf(backend), body))

  describe("tls", () => {
    test("encrypts, where the server's certificate is of the given authority and for its name or address", ({ ca }) =>
      Effect.gen(function* () {
        expect(yield* ask({ ...target, tls: false }, cipher)).toBe("")
        for (const options of [
          { ...target, tls: { ca } },
          { ...target, host: "localhost", tls: { ca } },
          { ...target, tls: { ca, serverName: "localhost" } }
        ])
          expect(String(yield* ask(options, cipher))).toMatch(/AES|CHACHA/)
      }))

    test("carries large statements and results unchanged, for many fibers at once", ({ ca }) =>
      Effect.scoped(
        Effect.gen(function* () {
          const engine = yield* Engine.make({ ...target, tls: { ca }, maxSize: 2 })
          const long = "0123456789abcdef".repeat(20_000)
          const read = (i: number) => engine.scalar("SELECT CONCAT(?, ?)", [i, long])
          const all = yield* Effect.forEach(Array.from({ length: 20 }).keys(), read, { concurrency: "unbounded" })
          expect(all.map(Option.getOrUndefined)).toEqual(all.map((_, i) => `${i}${long}`))
        })
      ))

    test("refuses a server that no authority vouches for, at once, and leaves nothing open there", () =>
      Effect.gen(function* () {
        const admin = yield* observer(backend)
        const started = Date.now()
        for (const tls of [true, { ca: other.ca }, { ca: other.ca, verify: "ca" }] as const) {
          const error = yield* Effect.flip(ask({ ...target, tls }))
          expect(error).toMatchObject(noTls)
          expect(error.message).toContain("certificate")
        }
        expect(Date.now() - started).toBeLessThan(2_000)
        yield* eventually(
          Effect.map(
            admin.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = 'unauthenticated user'"),
            (found) => found.rowCount === 0
          )
        )
      }))

    test("refuses a certificate for another name, unless only the authority is asked for", ({ ca }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(ask({ ...target, tls: { ca, serverName: "db.example.org" } }))
        expect(error).toMatchObject(noTls)
        expect(error.message).toContain("db.example.org")
        expect(
          String(yield* ask({ ...target, tls: { ca, verify: "ca", serverName: "db.example.org" } }, cipher))
        ).not.toBe("")
      }))

    test("takes any certificate with verify: false", () =>
      Effect.gen(function* () {
        for (const tls of [{ verify: false }, { ca: other.ca, verify: false }])
          expect(String(yield* ask({ ...target, tls }, cipher))).not.toBe("")
      }))

    test("fails with a typed error where a certificate or key cannot be read", ({ ca, cert, key }) =>
      Effect.gen(function* () {
        const broken = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
        const noKey = "-----BEGIN PRIVATE KEY-----\nbm90aGluZw==\n-----END PRIVATE KEY-----\n"
        for (const tls of [
          { ca, cert: broken, key },
          { ca, cert, key: noKey }
        ]) {
          const error = yield* Effect.flip(ask({ ...target, tls }))
          expect(error).toMatchObject(noTls)
          expect(error.message).not.toContain("bm90aGluZw==")
        }
      }))

    test("is what an account may require", ({ ca }) =>
      Effect.gen(function* () {
        const user = yield* account(backend, "IDENTIFIED BY 'pw' REQUIRE SSL")
        const own = { ...target, user, password: "pw" }
        expect(yield* Effect.flip(ask(own))).toMatchObject(noAccess)
        expect(yield* ask({ ...own, tls: { ca } })).toBe(`${user}@%`)
        expect(yield* Effect.flip(ask({ ...own, tls: { ca }, password: "other" }))).toMatchObject(noAccess)
      }))

    test("shows a client's certificate to an account that requires one", ({ ca, cert, key }) =>
      Effect.gen(function* () {
        const user = yield* account(backend, "IDENTIFIED BY 'pw' REQUIRE X509")
        const name = `/${new X509Certificate(cert).subject.split("\n").join("/")}`
        const subject = yield* account(backend, `IDENTIFIED BY 'pw' REQUIRE SUBJECT '${name}'`)
        const own = { ...target, user, password: "pw" }
        expect(yield* Effect.flip(ask({ ...own, tls: { ca } }))).toMatchObject(noAccess)
        expect(yield* ask({ ...own, tls: { ca, cert, key } })).toBe(`${user}@%`)
        expect(yield* ask({ ...own, user: subject, tls: { ca, cert, key } })).toBe(`${subject}@%`)
      }))

    test("fails at once where the server does not take the client's certificate", ({ ca }) =>
      Effect.gen(function* () {
        const client = other.issue("somebody else")
        const started = Date.now()
        expect(yield* Effect.flip(ask({ ...target, tls: { ca, ...client } }))).toMatchObject(noTls)
        expect(Date.now() - started).toBeLessThan(2_000)
      }))
  })
}

// What is used of mysql2 beyond its documented surface: an upgrade that changes any of it fails here first. And the login
// that mysql2 leaves to a plug-in. And how MariaDB's accounts are logged in to.
import { readFileSync } from "node:fs"
import { userInfo } from "node:os"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { Engine, type Errors } from "effect-sa"
import mysql2 from "mysql2"
import { account, ask, targetOf, tlsContract } from "../contract/Login.js"
import { mariadb } from "../support/Backend.js"
import { observer } from "../support/observer.js"

it("mysql2 has the internals that logging in and taking over rest on", async () => {
  const url = new URL(mariadb().url)
  const connection = mysql2.createConnection({
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password)
  })
  const at = (path: string): unknown =>
    path.split(".").reduce<unknown>((value, key) => Reflect.get(Object(value), key), connection)
  expect(typeof at("_command.clientFlags")).toBe("number")
  expect(typeof at("startTLS")).toBe("function")
  expect(typeof at("packetParser.execute")).toBe("function")
  expect(typeof at("stream.write")).toBe("function")
  await new Promise<void>((resolve, reject) =>
    connection.connect((error) => (error === null ? resolve() : reject(error)))
  )
  expect(typeof at("threadId")).toBe("number")
  expect(typeof at("_handshakePacket.serverVersion")).toBe("string")
  expect(typeof at("serverCapabilityFlags")).toBe("number")
  expect(at("_mariadbExtendedMetadata")).toBe(true)
  expect(typeof at("config")).toBe("object")
  // Everything that mysql2 reads comes by this one listener, which is taken off.
  expect(Reflect.get(Object(at("stream")), "listenerCount").call(at("stream"), "data")).toBe(1)
  connection.destroy()
})

it("mysql2 is pinned to one version", () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  expect(Reflect.get(Reflect.get(Object(manifest), "dependencies"), "mysql2")).toMatch(/^\d+\.\d+\.\d+$/)
})

tlsContract(mariadb())

describe("login by mysql_native_password", () => {
  const { host, port } = targetOf(mariadb())
  const refused = { _tag: "OperationalError", reason: "Authentication", errno: 1045 }

  for (const [name, password] of [
    ["plain", "a password"],
    ["text", "pässwörd €\u{1d11e}"],
    ["long", "0123456789".repeat(30)],
    ["empty", ""]
  ] as const) {
    it.scopedLive(`lets in who has the right password, and nobody else: ${name}`, () =>
      Effect.gen(function* () {
        const user = yield* account(mariadb(), `IDENTIFIED VIA mysql_native_password USING PASSWORD('${password}')`)
        expect(yield* ask({ host, port, user, password })).toBe(`${user}@%`)
        expect(yield* Effect.flip(ask({ host, port, user, password: `${password}.` }))).toMatchObject(refused)
      })
    )
  }
})

describe("login by unix_socket", () => {
  const { username } = userInfo()
  const socket = Effect.map(ask({ url: mariadb().url }, "SELECT @@socket"), String)

  /** The account of the operating system's user. One that is there becomes what it was when the scope ends. */
  const ownAccount = Effect.gen(function* () {
    const admin = yield* observer(mariadb())
    const name = `'${username}'@localhost`
    const found = yield* Effect.option(admin.scalar(`SHOW CREATE USER ${name}`))
    const before = Option.getOrUndefined(Option.flatten(found))
    yield* Effect.acquireRelease(
      admin.execute(`${before === undefined ? "CREATE" : "ALTER"} USER ${name} IDENTIFIED VIA unix_socket`),
      () =>
        Effect.ignore(
          admin.execute(before === undefined ? `DROP USER ${name}` : String(before).replace(/^CREATE/, "ALTER"))
        )
    )
  })

  it.scopedLive("lets in the user of the operating system, without a password", () =>
    Effect.gen(function* () {
      const unixSocket = yield* socket
      yield* ownAccount
      expect(yield* ask({ unixSocket })).toBe(`${username}@localhost`)
      expect(yield* ask({ url: `mysql:///?unixSocket=${encodeURIComponent(unixSocket)}`, user: username })).toBe(
        `${username}@localhost`
      )
    })
  )

  it.scopedLive("refuses whoever the account is not for, and whoever comes over TCP", () =>
    Effect.gen(function* () {
      const refused = { _tag: "OperationalError", reason: "Authentication" }
      const user = yield* account(mariadb(), "IDENTIFIED VIA unix_socket")
      expect(yield* Effect.flip(ask({ unixSocket: yield* socket, user }))).toMatchObject(refused)
      const { host, port } = targetOf(mariadb())
      expect(yield* Effect.flip(ask({ host, port, user }))).toMatchObject(refused)
    })
  )
})

describe("login by ed25519", () => {
  const url = new URL(mariadb().url)

  /** An account with this password, as long as the scope lives. */
  const account = (name: string, password: string) =>
    Effect.gen(function* () {
      const admin = yield* observer(mariadb())
      const user = `ed_${name}_${process.pid}`
      yield* admin.execute("INSTALL PLUGIN IF NOT EXISTS ed25519 SONAME 'auth_ed25519'")
      yield* Effect.acquireRelease(
        admin.execute(`CREATE USER ${user}@'%' IDENTIFIED VIA ed25519 USING PASSWORD('${password}')`),
        () => Effect.ignore(admin.execute(`DROP USER ${user}@'%'`))
      )
      return user
    })

  const login = (user: string, password: string): Effect.Effect<Option.Option<unknown>, Errors.ExecuteError> =>
    Effect.scoped(
      Effect.flatMap(Engine.make({ host: url.hostname, port: Number(url.port), user, password }), (engine) =>
        engine.scalar("SELECT CURRENT_USER()")
      )
    )

  const refused = { _tag: "OperationalError", reason: "Authentication", errno: 1045 }

  for (const [name, password] of [
    ["plain", "a password"],
    ["text", "pässwörd €\u{1d11e}"],
    ["long", "0123456789".repeat(300)]
  ] as const) {
    it.scopedLive(`lets in who has the right password, and nobody else: ${name}`, () =>
      Effect.gen(function* () {
        const user = yield* account(name, password)
        expect(yield* login(user, password)).toEqual(Option.some(`${user}@%`))
        expect(yield* Effect.flip(login(user, password.slice(0, -1)))).toMatchObject(refused)
        expect(yield* Effect.flip(login(user, ""))).toMatchObject(refused)
      })
    )
  }

  it.scopedLive("lets nobody into an account with an empty password, as the server has it", () =>
    Effect.gen(function* () {
      const user = yield* account("empty", "")
      expect(yield* Effect.flip(login(user, ""))).toMatchObject(refused)
    })
  )
})

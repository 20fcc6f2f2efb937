// What is used of mysql2 beyond its documented surface: an upgrade that changes any of it fails here first.
import { readFileSync } from "node:fs"
import mysql2 from "mysql2"
import { expect, it } from "vitest"
import { mariadb } from "../support/Backend.js"

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
  // Everything that mysql2 reads comes by this one listener, which is taken off.
  expect(Reflect.get(Object(at("stream")), "listenerCount").call(at("stream"), "data")).toBe(1)
  connection.destroy()
})

it("mysql2 is pinned to one version", () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  expect(Reflect.get(Reflect.get(Object(manifest), "dependencies"), "mysql2")).toMatch(/^\d+\.\d+\.\d+$/)
})

// MariaDB's signature is that of RFC 8032 with a password in the place of the seed: where the password has the seed's
// length, Node.js can make it too.
import { createPrivateKey, sign as signByNode } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { plugin, sign } from "effect-sa/mysql/Ed25519"

/** PKCS #8 before a seed of 32 bytes. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")

const byNode = (seed: string, message: Buffer): string =>
  signByNode(
    null,
    message,
    createPrivateKey({ key: Buffer.concat([pkcs8, Buffer.from(seed)]), format: "der", type: "pkcs8" })
  ).toString("hex")

describe("ed25519", () => {
  it("signs as Node.js does", () => {
    const ascii = FastCheck.string({ minLength: 32, maxLength: 32, unit: "binary-ascii" })
    const message = FastCheck.uint8Array({ minLength: 32, maxLength: 32 })
    FastCheck.assert(
      FastCheck.property(ascii, message, (seed, bytes) => {
        const scramble = Buffer.from(bytes)
        expect(sign(seed, scramble).toString("hex")).toBe(byNode(seed, scramble))
      }),
      { numRuns: 100 }
    )
  })

  it("takes passwords as UTF-8, of any length", () => {
    const scramble = Buffer.alloc(32, 7)
    // 32 bytes of UTF-8, which are 16 characters.
    expect(sign("ä".repeat(16), scramble).toString("hex")).toBe(byNode("ä".repeat(16), scramble))
    const signatures = ["", "x", "x".repeat(2_000), "\u{1d11e}"].map((password) => sign(password, scramble))
    expect(signatures.map(({ length }) => length)).toEqual([64, 64, 64, 64])
    expect(new Set(signatures.map((signature) => signature.toString("hex"))).size).toBe(4)
  })

  it("signs the 32 bytes of the server's scramble, and nothing shorter", () => {
    const answer = plugin("password")()
    const scramble = Buffer.from("0123456789abcdef0123456789abcdef")
    const withEnd = Buffer.concat([scramble, Buffer.from([0])])
    expect(answer(withEnd).toString("hex")).toBe(sign("password", scramble).toString("hex"))
    expect(() => answer(scramble.subarray(1))).toThrow("too short")
  })
})

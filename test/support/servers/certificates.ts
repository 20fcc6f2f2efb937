// Certificates for the tests, made anew for each server: an authority, and what it signs for a server and for a client.
// They are written byte by byte (X.509 in DER), because Node.js makes keys and signatures, and no certificates.
// https://www.rfc-editor.org/rfc/rfc5280#section-4.1
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { isIPv4 } from "node:net"
import { join } from "node:path"

/** A certificate and its key, in PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

interface Issuer {
  readonly name: string
  readonly key: KeyObject
}

export interface Authority {
  /** The authority's own certificate, in PEM. */
  readonly ca: string
  /** A certificate for this name. A server's names and addresses are in `hosts`. */
  readonly issue: (name: string, hosts?: ReadonlyArray<string>) => Identity
}

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x17,
  sequence: 0x30,
  set: 0x31,
  dnsName: 0x82,
  address: 0x87,
  version: 0xa0,
  extensions: 0xa3
} as const

const der = (kind: number, ...content: ReadonlyArray<Buffer>): Buffer => {
  const body = Buffer.concat(content)
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([kind, ...length]), body])
}

const oid = (text: string): Buffer => {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number)
  const bytes = rest.flatMap((part) => {
    const digits = [part & 0x7f]
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return der(tag.oid, Buffer.from([first * 40 + second, ...bytes]))
}

const nameOf = (commonName: string): Buffer =>
  der(tag.sequence, der(tag.set, der(tag.sequence, oid("2.5.4.3"), der(tag.utf8, Buffer.from(commonName)))))

const time = (at: number): Buffer => {
  const digits = new Date(at).toISOString().replace(/\D/g, "")
  return der(tag.time, Buffer.from(`${digits.slice(2, 14)}Z`))
}

const ecdsaWithSha256 = der(tag.sequence, oid("1.2.840.10045.4.3.2"))
const yes = der(tag.boolean, Buffer.from([0xff]))
const isAuthority = der(tag.sequence, oid("2.5.29.19"), yes, der(tag.octets, der(tag.sequence, yes)))

const hostsOf = (hosts: ReadonlyArray<string>): Buffer =>
  der(
    tag.sequence,
    oid("2.5.29.17"),
    der(
      tag.octets,
      der(
        tag.sequence,
        ...hosts.map((host) =>
          isIPv4(host)
            ? der(tag.address, Buffer.from(host.split(".").map(Number)))
            : der(tag.dnsName, Buffer.from(host))
        )
      )
    )
  )

const day = 24 * 60 * 60 * 1000

const certificate = (subject: string, publicKey: KeyObject, extension: Buffer | undefined, issuer: Issuer): string => {
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)])
  const signed = der(
    tag.sequence,
    der(tag.version, der(tag.integer, Buffer.from([2]))),
    der(tag.integer, serial),
    ecdsaWithSha256,
    nameOf(issuer.name),
    der(tag.sequence, time(Date.now() - day), time(Date.now() + 30 * day)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    ...(extension === undefined ? [] : [der(tag.extensions, der(tag.sequence, extension))])
  )
  const signature = der(tag.bits, Buffer.from([0]), sign("sha256", signed, issuer.key))
  const lines = der(tag.sequence, signed, ecdsaWithSha256, signature)
    .toString("base64")
    .match(/.{1,64}/g)
  return ["-----BEGIN CERTIFICATE-----", ...(lines ?? []), "-----END CERTIFICATE-----", ""].join("\n")
}

const keyPair = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" })

export const makeAuthority = (name: string): Authority => {
  const { publicKey, privateKey } = keyPair()
  const issuer: Issuer = { name, key: privateKey }
  return {
    ca: certificate(name, publicKey, isAuthority, issuer),
    issue: (subject, hosts = []) => {
      const own = keyPair()
      return {
        cert: certificate(subject, own.publicKey, hosts.length === 0 ? undefined : hostsOf(hosts), issuer),
        key: own.privateKey.export({ type: "pkcs8", format: "pem" }).toString()
      }
    }
  }
}

/**
 * Writes an authority, a server's certificate for `localhost` and 127.0.0.1 and a client's into the folder, under the names
 * that MySQL gives to those that it makes by itself, and gives the flags that make a server use them.
 */
export const writeCertificates = (folder: string): ReadonlyArray<string> => {
  mkdirSync(folder, { recursive: true })
  const authority = makeAuthority("effect-sa tests")
  const server = authority.issue("effect-sa test server", ["localhost", "127.0.0.1"])
  const client = authority.issue("effect-sa test client")
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  write("client-cert.pem", client.cert)
  write("client-key.pem", client.key)
  return [
    `--ssl-ca=${write("ca.pem", authority.ca)}`,
    `--ssl-cert=${write("server-cert.pem", server.cert)}`,
    `--ssl-key=${write("server-key.pem", server.key)}`
  ]
}

/**
 * MariaDB's login by ed25519 (`client_ed25519`), which mysql2 leaves to plug-ins: the answer to the server's scramble is
 * an EdDSA signature of it, and the server knows the public key only.
 *
 * https://mariadb.com/docs/server/reference/plugins/authentication-plugins/authentication-plugin-ed25519
 * https://www.rfc-editor.org/rfc/rfc8032#section-5.1
 *
 * RFC 8032 hashes a seed of 32 bytes to the two secrets, which is all that Node.js signs with; MariaDB hashes the
 * password, of any length. So the curve is here: ninety lines rather than a dependency, of which no more would be used.
 *
 * Timing: BigInt has no constant time. What depends on a secret is therefore one sequence of additions, the same for
 * every secret: each bit adds to the sum or to another that is thrown away. Only how long single multiplications take
 * is left to be seen, by who can time one login from the scramble to its answer. Nothing secret decides a branch.
 */
import { createHash } from "node:crypto"

/** The field's prime, and the order of the base point. */
const prime = 2n ** 255n - 19n
const order = 2n ** 252n + 27742317777372353535851937790883648493n

const modulo = (value: bigint, by: bigint): bigint => {
  const rest = value % by
  return rest < 0n ? rest + by : rest
}

const field = (value: bigint): bigint => modulo(value, prime)

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  let square = field(base)
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % prime
    square = (square * square) % prime
  }
  return result
}

/** By Fermat. The exponent is no secret. */
const inverse = (value: bigint): bigint => power(value, prime - 2n)

/** A point in extended coordinates: x = X/Z, y = Y/Z, xy = T/Z. */
interface Point {
  readonly X: bigint
  readonly Y: bigint
  readonly Z: bigint
  readonly T: bigint
}

const pointOf = (x: bigint, y: bigint): Point => ({ X: x, Y: y, Z: 1n, T: field(x * y) })

/** Of the curve -x² + y² = 1 + dx²y², twice. */
const twiceD = field(2n * -121665n * inverse(121666n))

/** Its y is 4/5; its x is the even one of the two. */
const basePoint = pointOf(
  15112221349535400772501151409588531511454012693041857206046113283949847762202n,
  field(4n * inverse(5n))
)

/** RFC 8032, section 5.1.4. It holds for every two points, equal ones and the neutral one included. */
const add = (p: Point, q: Point): Point => {
  const a = field((p.Y - p.X) * (q.Y - q.X))
  const b = field((p.Y + p.X) * (q.Y + q.X))
  const c = field(p.T * twiceD * q.T)
  const d = field(2n * p.Z * q.Z)
  const e = b - a
  const f = d - c
  const g = d + c
  const h = b + a
  return { X: field(e * f), Y: field(g * h), Z: field(f * g), T: field(e * h) }
}

const bits = 256

/** The base point times 1, 2, 4, …: made at the first login of a process that needs it. */
let doubled: ReadonlyArray<Point> | undefined

const doublings = (): ReadonlyArray<Point> => {
  if (doubled !== undefined) return doubled
  const points = [basePoint]
  for (let point = basePoint; points.length < bits; points.push(point)) point = add(point, point)
  doubled = points
  return points
}

/** The base point times a secret. Each of its bits costs one addition, to one of two sums. */
const multiplyBase = (secret: bigint): Point => {
  // What is not wanted is added up too. Both begin with a point, because additions to the neutral one are faster.
  const sums = [basePoint, basePoint]
  let left = secret
  for (const point of doublings()) {
    const bit = Number(left & 1n)
    sums[bit] = add(sums[bit]!, point)
    left >>= 1n
  }
  // Takes away what the sum began with.
  return add(sums[1]!, pointOf(prime - basePoint.X, basePoint.Y))
}

const littleEndian = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse()

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`)

/** y, and the lowest bit of x in the place of its highest. */
const encode = ({ X, Y, Z }: Point): Buffer => {
  const overZ = inverse(Z)
  const x = field(X * overZ)
  const y = field(Y * overZ)
  return littleEndian(y | ((x & 1n) << 255n))
}

const sha512 = (...parts: ReadonlyArray<Buffer>): Buffer => {
  const hash = createHash("sha512")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** RFC 8032, section 5.1.6, with the password in the place of the seed. */
export const sign = (password: string, message: Buffer): Buffer => {
  const secrets = sha512(Buffer.from(password))
  secrets[0]! &= 0b1111_1000
  secrets[31]! &= 0b0111_1111
  secrets[31]! |= 0b0100_0000
  const secret = numberOf(secrets.subarray(0, 32))
  const publicKey = encode(multiplyBase(secret))
  const nonce = modulo(numberOf(sha512(secrets.subarray(32), message)), order)
  const commitment = encode(multiplyBase(nonce))
  const challenge = modulo(numberOf(sha512(commitment, publicKey, message)), order)
  return Buffer.concat([commitment, littleEndian(modulo(nonce + challenge * secret, order))])
}

const scrambleLength = 32

/** The plug-in as mysql2 takes it: it is given the server's scramble, and what it returns is sent. */
export const plugin =
  (password: string) =>
  () =>
  (scramble: Buffer): Buffer => {
    if (scramble.length < scrambleLength) throw new Error("the server's scramble for ed25519 is too short")
    return sign(password, scramble.subarray(0, scrambleLength))
  }

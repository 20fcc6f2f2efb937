/** Random numbers that their seed brings back: the generator xoshiro128**, begun from a seed and the number of a case. */
export class Random {
  private a: number
  private b: number
  private c: number
  private d: number

  constructor(seed: number, number = 0) {
    // Neighbouring seeds must not give neighbouring numbers, so each word of the state is mixed from both.
    let mixed = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)
    const word = (): number => {
      mixed = (mixed + 0x6d2b79f5) | 0
      const once = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
      const twice = Math.imul(once ^ (once >>> 15), 0x735a2d97)
      return twice ^ (twice >>> 15)
    }
    this.a = word()
    this.b = word()
    this.c = word()
    this.d = word() | 1
  }

  uint32(): number {
    const product = Math.imul(this.b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b ^= this.c
    this.a ^= this.d
    this.c ^= shifted
    this.d = (this.d << 11) | (this.d >>> 21)
    return result >>> 0
  }

  /** A whole number from 0 up to, and without, `limit`. */
  below(limit: number): number {
    return Math.floor((this.uint32() / 0x100000000) * limit)
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  chance(probability: number): boolean {
    return this.uint32() < probability * 0x100000000
  }

  pick<A>(list: ReadonlyArray<A>): A {
    const picked = list[this.below(list.length)]
    if (picked === undefined) throw new Error("nothing to pick from")
    return picked
  }

  bits(count: number): bigint {
    let value = 0n
    for (let left = count; left > 0; left -= 32) value = (value << 32n) | BigInt(this.uint32())
    return BigInt.asUintN(count, value)
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let i = 0; i < length; i++) bytes[i] = this.below(256)
    return bytes
  }
}

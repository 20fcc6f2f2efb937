// How statements are taken for fast or quick, by how fast they have been.
import { describe, expect, it } from "@effect/vitest"
import { Pace } from "../../src/Pace.js"

const paceAfter = (...times: ReadonlyArray<readonly [times: number, milliseconds: number]>): Pace => {
  const pace = new Pace()
  for (const [often, milliseconds] of times) for (let i = 0; i < often; i++) pace.note(milliseconds)
  return pace
}

describe("Pace", () => {
  it("knows nothing of what was executed a few times", () => {
    const pace = paceAfter([7, 0.1])
    expect([pace.isFast, pace.isQuick]).toEqual([false, false])
  })

  it("takes for fast what takes less than two milliseconds, until it does not", () => {
    expect(paceAfter([8, 1.9])).toMatchObject({ isFast: true, isQuick: false })
    expect(paceAfter([100, 1.9], [1, 5]).isFast).toBe(false)
    expect(paceAfter([100, 1.9], [1, 5], [40, 0.2]).isFast).toBe(true)
  })

  it("takes for quick what takes less than half a millisecond", () => {
    expect(paceAfter([8, 0.3])).toMatchObject({ isFast: true, isQuick: true })
    expect(paceAfter([1_000, 0.3]).isQuick).toBe(true)
  })

  it("tries what is promising, and gives it up for a while where it is not quick", () => {
    expect(paceAfter([8, 0.8]).isQuick).toBe(true)
    expect(paceAfter([40, 0.8]).isQuick).toBe(false)
    expect(paceAfter([40, 0.8], [200, 0.8]).isQuick).toBe(false)
    expect(paceAfter([40, 0.8], [245, 0.8]).isQuick).toBe(true)
    // One behind the other they took less.
    expect(paceAfter([8, 0.8], [1_000, 0.2]).isQuick).toBe(true)
  })

  it("gives up at once what has become slow", () => {
    expect(paceAfter([100, 0.1], [1, 20])).toMatchObject({ isFast: false, isQuick: false })
  })
})

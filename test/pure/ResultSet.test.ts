// Result sets that are read in steps, without a database.
import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import { Driver, Errors, type Value } from "effect-sa"
import { ResultSet, toDict } from "effect-sa/ResultSet"

const column = (name: string, table = ""): Value.Column => ({
  name,
  table,
  typeName: "INT",
  nullable: undefined,
  length: undefined,
  scale: undefined
})

const result = (rows: number, next?: Driver.DriverResult): Driver.DriverResult => ({
  ...Driver.emptyResult,
  columns: [column("n")],
  rows: Array.from({ length: rows }, (_, i) => [i]),
  next
})

/** A stream that gives its rows in such pieces, and then this, over and over. */
const streamOf = (
  pieces: ReadonlyArray<number>,
  last: Effect.Effect<undefined, Errors.DriverError> = Effect.succeed(undefined)
): Driver.RowStream => {
  let given = 0
  let rows = 0
  return {
    columns: [column("n")],
    pull: Effect.suspend((): Driver.RowStream["pull"] => {
      const size = pieces[given++]
      return size === undefined ? last : Effect.sync(() => Array.from({ length: size }, () => [rows++]))
    }),
    end: () => (given > pieces.length ? { ...Driver.emptyResult, affectedRows: rows, hasNext: false } : undefined),
    next: Effect.succeed(undefined),
    close: Effect.void
  }
}

describe("A row as a dict", () => {
  it("has every value of the row, and the first column of a name by that name", () => {
    const name = FastCheck.constantFrom("id", "name", "id_1", "a.id", "__proto__", "toString", "7", "")
    const columns = FastCheck.array(FastCheck.tuple(name, FastCheck.constantFrom("", "a", "b")), { maxLength: 12 })
    FastCheck.assert(
      FastCheck.property(columns, (found) => {
        const row = found.map((_, place) => place)
        const dict = toDict(found.map(([each, table]) => column(each, table)))(row)
        expect(Object.values(dict).sort((a, b) => Number(a) - Number(b))).toEqual(row)
        for (const [place, [each]] of found.entries()) {
          if (found.findIndex(([other]) => other === each) === place && !/[._]/.test(each))
            expect(Reflect.getOwnPropertyDescriptor(dict, each)?.value).toBe(place)
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it("has the table before the second of a name, and a number behind a further one", () => {
    const names = (...columns: ReadonlyArray<Value.Column>) => Object.keys(toDict(columns)(columns.map(() => 0)))
    expect(names(column("id", "a"), column("id", "b"))).toEqual(["id", "b.id"])
    expect(names(column("id", "a"), column("id", "b"), column("id", "b"))).toEqual(["id", "b.id", "id_1"])
    expect(names(column("id"), column("id"), column("id_1"))).toEqual(["id", "id_1", "id_1_1"])
  })
})

describe("A result set", () => {
  it.effect("gives the same rows streamed in any pieces as it does buffered", () =>
    Effect.gen(function* () {
      const pieces = FastCheck.sample(FastCheck.array(FastCheck.integer({ min: 1, max: 9 }), { maxLength: 9 }), 200)
      for (const each of pieces) {
        const count = each.reduce((sum, size) => sum + size, 0)
        const [streamed, buffered] = [ResultSet.of(streamOf(each)), ResultSet.of(result(count))]
        const found: Array<unknown> = []
        for (let most = 1; found.length < count; most = (most % 4) + 1) {
          while (streamed.ready < most && streamed.end === undefined) yield* streamed.readMore
          const taken = streamed.take(most)
          expect(taken).toEqual(buffered.take(most))
          expect(streamed.place).toBe(buffered.place)
          for (const row of taken) found.push(row)
        }
        yield* streamed.readMore
        expect([streamed.ready, streamed.isOver, buffered.ready, buffered.isOver]).toEqual([0, true, 0, true])
      }
    })
  )

  it.effect("goes to any row that is there, forward when it is streamed", () =>
    Effect.gen(function* () {
      for (let target = 0; target < 9; target++) {
        for (const set of [ResultSet.of(streamOf([3, 1, 5])), ResultSet.of(result(9))]) {
          yield* set.goTo(target)
          expect([set.place, set.current]).toEqual([target, [target]])
        }
      }
      for (const target of [9, 10, 1e9]) {
        const streamed = ResultSet.of(streamOf([3, 1, 5]))
        expect(yield* Effect.flip(streamed.goTo(target))).toMatchObject({ _tag: "ArgumentError" })
        expect([streamed.place, streamed.ready]).toEqual([9, 0])
      }
    })
  )

  it.effect("fails again with what it has failed with, and is over", () =>
    Effect.gen(function* () {
      const failure = new Errors.OperationalError({ reason: "ConnectionLost", message: "gone" })
      const set = ResultSet.of(streamOf([2], Effect.fail(failure)))
      yield* set.readMore
      expect(set.isOver).toBe(false)
      expect(yield* Effect.flip(set.readMore)).toBe(failure)
      expect(set.isOver).toBe(true)
      for (const again of [set.readMore, set.next, set.drain, set.goTo(5)])
        expect(yield* Effect.flip(again)).toBe(failure)
    })
  )

  it.effect("has those after it, and passes over what was not taken", () =>
    Effect.gen(function* () {
      const chain = () => result(3, result(1, { ...Driver.emptyResult, affectedRows: 4 }))
      for (const source of [chain(), Driver.streamOf(chain())]) {
        const first = ResultSet.of(source)
        const second = yield* first.next
        const third = yield* second?.next ?? Effect.succeed(undefined)
        expect([first.ready, second?.returnsRows, third?.returnsRows, third?.count]).toEqual([0, true, false, 4])
        expect(yield* third?.next ?? Effect.succeed(first)).toBeUndefined()
        expect([first.isOver, third?.isOver]).toEqual([false, true])
      }
    })
  )
})

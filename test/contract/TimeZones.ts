// Dates in a process whose time zone is not UTC, and has gaps: no date is shifted on its way.
import { describe, expect, it } from "@effect/vitest"
import { DateTime, Effect, FastCheck } from "effect"
import { Engine } from "effect-sa"
import { type Backend, table, withEngine } from "../support/Backend.js"
import { property } from "./ValueProperties.js"
import { waysOf } from "./ValueWays.js"

/** An hour is left out in the night of one day, and there twice in that of another; half hours besides. */
export const zones = ["America/St_Johns", "Europe/Berlin", "Australia/Lord_Howe"] as const

/** Moments around the changes of all these zones, in their first and in other years. */
const changes = [
  "2024-03-10T05:30:00.000Z",
  "2024-11-03T04:30:00.000Z",
  "2024-03-31T01:00:00.000Z",
  "2024-10-27T01:00:00.000Z",
  "2024-04-06T15:00:00.000Z",
  "2024-10-05T15:30:00.000Z",
  "1999-12-31T23:59:59.999Z",
  "1970-01-01T00:00:00.001Z"
]

const hour = 3_600_000

const aroundChanges: ReadonlyArray<Date> = changes.flatMap((change) =>
  [-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3].map((hours) => new Date(Date.parse(change) + hours * hour))
)

const sqlOf = (date: Date): string => date.toISOString().slice(0, 23).replace("T", " ")

/** Runs the cases in a time zone of its own: the process is that of the test file. */
export const timeZonesContract = (backend: Backend, zone: (typeof zones)[number]): void => {
  process.env.TZ = zone

  describe(`In the time zone ${zone}`, () => {
    it(`the clock of the process is the zone's [${backend.name}]`, () => {
      expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(zone)
      const offsets = [new Date("2024-01-01T00:00:00Z"), new Date("2024-07-01T00:00:00Z")].map((date) =>
        date.getTimezoneOffset()
      )
      expect(offsets[0]).not.toBe(offsets[1])
    })

    withEngine(
      backend,
      "no date is shifted, by whichever way it comes and goes",
      () =>
        Effect.gen(function* () {
          const types = ["DATETIME(3)", ...(backend.isServer ? ["TIMESTAMP(3) NULL"] : [])]
          for (const type of types) {
            const t = yield* table(`id INTEGER PRIMARY KEY, v ${type}`)
            const dates = aroundChanges.filter((date) => type.startsWith("DATETIME") || date.getTime() >= 1_000)
            yield* Engine.execute(
              `INSERT INTO ${t} VALUES (?, ?)`,
              dates.map((date, id) => [id, date])
            )
            for (const { name, read } of waysOf(backend, t, undefined))
              expect([type, name, yield* read]).toStrictEqual([type, name, dates])
            for (const { name, read } of waysOf(backend, t, { dateTimes: "string" }))
              expect([type, name, yield* read]).toStrictEqual([type, name, dates.map(sqlOf)])
            for (const { name, read } of waysOf(backend, t, { dateTimes: "DateTime" }))
              expect([type, name, (yield* read).map(String)]).toStrictEqual([
                type,
                name,
                dates.map((date) => String(DateTime.unsafeMake(date)))
              ])
            // What was written as text, by the hand of a person, is the same moment in UTC.
            yield* Engine.execute(`DELETE FROM ${t}`)
            for (const [id, date] of dates.entries())
              yield* Engine.execute(`INSERT INTO ${t} VALUES (${id}, '${sqlOf(date)}')`)
            for (const { name, read } of waysOf(backend, t, undefined))
              expect([type, name, yield* read]).toStrictEqual([type, name, dates])
          }
        }),
      { maxSize: 2 }
    )

    withEngine(backend, "any date comes back as it was, from the first year to the last", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, v DATETIME(3)")
        const dates = FastCheck.date({
          min: new Date("0001-01-01T00:00:00Z"),
          max: new Date("9999-12-31T23:59:59.999Z"),
          noInvalidDate: true
        })
        const ways = waysOf(backend, t, undefined)
        yield* property(
          FastCheck.array(dates, { minLength: 1, maxLength: 30 }),
          (all) =>
            Effect.gen(function* () {
              yield* Engine.execute(`DELETE FROM ${t}`)
              yield* Engine.execute(
                `INSERT INTO ${t} VALUES (?, ?)`,
                all.map((date, id) => [id, date])
              )
              for (const { name, read } of ways) expect([name, yield* read]).toStrictEqual([name, all])
            }),
          6
        )
      })
    )

    withEngine(backend, "days and times of the clock stay the text that they are", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, v DATE, w TIME")
        const days = ["2024-03-10", "2024-03-31", "2024-10-06", "1000-01-01", "9999-12-31"]
        for (const [id, day] of days.entries())
          yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, [id, day, "02:30:00"])
        for (const { name, read } of waysOf(backend, t, undefined)) expect([name, yield* read]).toEqual([name, days])
        const times = (yield* Engine.execute(`SELECT w FROM ${t}`)).rows.map((row) => row[0])
        expect(times).toEqual(days.map(() => "02:30:00"))
      })
    )

    withEngine(backend, "a date before the first year or after the last is refused before anything is sent", () =>
      Effect.gen(function* () {
        for (const text of ["-000001-12-31T23:59:59.999Z", "+010000-01-01T00:00:00.000Z"]) {
          const error = yield* Effect.flip(Engine.execute("SELECT ?", [new Date(text)]))
          expect(error).toMatchObject({ _tag: "ArgumentError", argument: "parameters[0]" })
        }
      })
    )

    if (backend.isServer) {
      withEngine(backend, "the clock of the server is read as it is", () =>
        Effect.gen(function* () {
          for (const sql of [
            "SELECT NOW(3)",
            "SELECT CURRENT_TIMESTAMP(3)",
            "SELECT UTC_TIMESTAMP(3)",
            "SELECT FROM_UNIXTIME(UNIX_TIMESTAMP(NOW(3)))"
          ]) {
            const [now] = (yield* Engine.execute(sql)).rows.map((row) => row[0])
            expect(now).toBeInstanceOf(Date)
            expect([sql, Math.abs(Date.now() - (now instanceof Date ? now.getTime() : 0)) < 60_000]).toEqual([
              sql,
              true
            ])
          }
        })
      )
    }
  })
}

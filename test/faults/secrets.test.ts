// Parameters in what databases say of them: each quotes what it was given in ways of its own.
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Errors } from "effect-sa"
import { maskParameters } from "../../src/ErrorClass.js"
import { servers, sqlite, withEngine } from "../support/Backend.js"
import { Engine } from "effect-sa"

const secret = "s3cr3t-of-ada"
const long = `${secret}${"x".repeat(300)}`

const onServers = ["SELECT EXTRACTVALUE('<a/>', ?)", "SET time_zone = ?", "SET lc_time_names = ?"]

const statements = {
  sqlite: [
    "SELECT JSON_EXTRACT('{}', ?)",
    "SELECT * FROM json_each('{}', ?)",
    "ATTACH DATABASE '/nowhere/' || ? AS other"
  ],
  mariadb: [...onServers, "SELECT GET_LOCK(?, 1)", "EXECUTE IMMEDIATE ?"],
  mysql: [
    ...onServers,
    "SELECT STRING_TO_VECTOR(?)",
    "SELECT GET_LOCK(?, 1)",
    "SELECT ST_GeomFromText('POINT(1 1)', 4326, ?)"
  ]
} as const

describe("parameters in errors", () => {
  it("are left out of a message, whole or cut off", () => {
    expect(maskParameters(`bad path: '${secret}'`, [secret])).toBe("bad path: '…'")
    expect(maskParameters(`${long.slice(0, 64)} is too long`, [long])).toBe("…")
    expect(maskParameters("12345678 and 12", [12345678, 12])).toBe("… and 12")
    expect(maskParameters(`no '${secret}'`, [new TextEncoder().encode(secret)])).toBe("no '…'")
    expect(maskParameters("nothing of it", [secret, null, true])).toBe("nothing of it")
  })

  for (const backend of [sqlite(), ...servers()])
    withEngine(backend, `are in no message of ${backend.name}`, () =>
      Effect.gen(function* () {
        let failed = 0
        for (const sql of statements[backend.name])
          for (const value of [secret, long]) {
            const outcome = yield* Effect.either(Engine.execute(sql, [value]))
            if (outcome._tag === "Right") continue
            failed++
            const error: Errors.ExecuteError = outcome.left
            expect(`${error.message} ${JSON.stringify(error)} ${String(error)}`).not.toContain("s3cr3t")
          }
        expect(failed).toBeGreaterThan(3)
      })
    )
})

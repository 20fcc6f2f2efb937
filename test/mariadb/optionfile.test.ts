// Option files as MariaDB's own program reads them, and a login by one.
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Either, FastCheck, Option, type Scope } from "effect"
import { Engine, Options } from "effect-sa"
import { parse } from "effect-sa/mysql/OptionFile"
import { targetOf } from "../contract/Login.js"
import { mariadb } from "../support/Backend.js"
import { realFiles } from "../support/fileSystem.js"
import { which } from "../support/servers/process.js"

const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-sa-cnf-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("an option file", () => {
  const program = which("my_print_defaults") ?? which("mariadb-print-defaults")
  const pieces = FastCheck.constantFrom(
    "a",
    "b c",
    "'",
    '"',
    "\\",
    "\\s",
    "\\'",
    '\\"',
    "\\\\",
    "#",
    " # ",
    "=",
    ";",
    " "
  )
  const value = FastCheck.array(pieces, { maxLength: 8 }).map((parts) => parts.join(""))
  const line = FastCheck.oneof(
    {
      weight: 6,
      arbitrary: FastCheck.tuple(FastCheck.constantFrom("=", " = ", "= "), value).map(
        (parts) => `name${parts.join("")}`
      )
    },
    {
      weight: 1,
      arbitrary: FastCheck.constantFrom("[client]", "[other]", "[client  ]", "# c", "; c", "", "flag", "!other x")
    }
  )

  it.scoped("means what it means to MariaDB's clients, whatever stands in it", () =>
    Effect.gen(function* () {
      if (program === undefined)
        throw new Error("my_print_defaults is missing: it comes with MariaDB's server or client")
      const path = join(yield* folder, "my.cnf")
      const check = (lines: ReadonlyArray<string>): void => {
        const text = `[client]\n${lines.join("\n")}\n`
        writeFileSync(path, text)
        const printed = execFileSync(program, [`--defaults-file=${path}`, "client"], { encoding: "utf8" })
        const read = Either.getOrThrow(parse(text, path)).flatMap((each) =>
          each.kind === "option" && each.group === "client"
            ? [`--${each.name}${each.value === undefined ? "" : `=${each.value}`}`]
            : []
        )
        expect(read.join("\n")).toBe(printed.replace(/\n$/, ""))
      }
      FastCheck.assert(FastCheck.property(FastCheck.array(line, { maxLength: 10 }), check), { numRuns: 150 })
    })
  )

  it.scopedLive("is enough to log in", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "my.cnf")
      const { host, port, user, password } = targetOf(mariadb())
      writeFileSync(
        path,
        `[client]\nuser=${user}\npassword="${password}"\nhost=${host}\nport=${port}\n[shop]\ninit-command=SET @greeting = 'hello'\n`
      )
      const options = yield* Options.fromFile({ readDefaultFile: path, readDefaultGroup: "shop" }).pipe(
        Effect.provide(realFiles)
      )
      const engine = yield* Engine.make(options)
      expect(yield* engine.scalar("SELECT @greeting")).toEqual(Option.some("hello"))
    })
  )
})

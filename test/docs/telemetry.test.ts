// The program of docs/telemetry.md runs, and prints what is said there.
import { execFile } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const generated = join(root, "test/docs/generated/telemetry")
const run = promisify(execFile)

afterAll(() => rmSync(generated, { recursive: true, force: true }))

it("the program of docs/telemetry.md prints what is said there", async () => {
  const text = readFileSync(join(root, "docs/telemetry.md"), "utf8")
  const [, program = "", printed = ""] = /```ts\n([\s\S]*?)```\n+It prints\n+```text\n([\s\S]*?)```/.exec(text) ?? []
  mkdirSync(generated, { recursive: true })
  const file = join(generated, "program.ts")
  writeFileSync(file, program)
  const tsx = join(root, "node_modules/tsx/dist/cli.mjs")
  const { stdout } = await run(process.execPath, [tsx, "--tsconfig", "tsconfig.json", file], { cwd: root })
  expect(stdout).toBe(printed)
  expect(stdout).not.toMatch(/Ada|Grace/)
}, 60_000)

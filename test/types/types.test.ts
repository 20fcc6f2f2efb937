import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

it("the types promise what test/types/api.ts asks of them, and the whole project compiles", async () => {
  const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url))
  const run = promisify(execFile)(process.execPath, [tsc, "-p", "tsconfig.json"], { cwd: root })
  const { stdout } = await run.catch((error: { readonly stdout: string }) => error)
  expect(stdout).toBe("")
}, 120_000)

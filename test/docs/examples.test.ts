// Every piece of TypeScript in the README, in docs/ and in doc comments compiles as it stands; the README's first program
// also runs.
import { execFile } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const generated = join(root, "test/docs/generated")
const run = promisify(execFile)

interface Example {
  readonly where: string
  readonly code: string
}

const blocks = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = ""]) => code)

const listed = (folder: string, ending: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))

/** The text of doc comments, without their asterisks. */
const comments = (source: string): string =>
  [...source.matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([comment]) => comment.replaceAll(/^[ \t]*\* ?/gm, "")).join("\n")

const read = (file: string): string => readFileSync(join(root, file), "utf8")

const examples: ReadonlyArray<Example> = [
  ...["README.md", ...listed("docs", ".md")].flatMap((file) =>
    blocks(read(file)).map((code, i) => ({ where: `${file} ${i + 1}`, code }))
  ),
  ...listed("src", ".ts").flatMap((file) =>
    blocks(comments(read(file))).map((code, i) => ({ where: `${file} ${i + 1}`, code }))
  )
]

const fileOf = ({ where }: Example): string => `${where.replaceAll(/\W+/g, "_")}.ts`

describe("documentation", () => {
  beforeAll(() => {
    rmSync(generated, { recursive: true, force: true })
    mkdirSync(generated, { recursive: true })
    for (const example of examples) {
      // A file is a module of its own only when it imports or exports something.
      writeFileSync(join(generated, fileOf(example)), `${example.code}\nexport {}\n`)
    }
    const config = {
      extends: "../../../tsconfig.json",
      compilerOptions: { rootDir: "../../..", noUnusedLocals: false },
      include: ["."],
      exclude: []
    }
    writeFileSync(join(generated, "tsconfig.json"), JSON.stringify(config))
  })
  afterAll(() => rmSync(generated, { recursive: true, force: true }))

  it("has examples in the README and in doc comments", () => {
    expect(examples.some(({ where }) => where.startsWith("README"))).toBe(true)
    expect(examples.filter(({ where }) => where.startsWith("src")).length).toBeGreaterThan(5)
  })

  it("has no example that does not compile", async () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    const { stdout } = await run(process.execPath, [tsc, "-p", join(generated, "tsconfig.json")]).catch(
      (error: { readonly stdout: string }) => error
    )
    expect(stdout).toBe("")
  }, 120_000)

  it("has a first program in the README that runs", async () => {
    const first = examples.find(({ where }) => where === "README.md 1")
    expect(first).toBeDefined()
    if (first === undefined) return
    const tsx = join(root, "node_modules/tsx/dist/cli.mjs")
    const { stdout } = await run(
      process.execPath,
      [tsx, "--tsconfig", "tsconfig.json", join(generated, fileOf(first))],
      { cwd: root }
    )
    const claimed = /```text\n([\s\S]*?)```/.exec(read("README.md"))?.[1]
    expect(stdout).toBe(claimed)
  }, 60_000)
})

// Packs the package, installs it into an empty project, and holds it to what a user does first: import it, run a
// statement, and compile a program against its types.
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "effect-sa-package-"))
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" })

const program = `
import { Effect, Option } from "effect"
import { Engine } from "effect-sa"
import { OperationalError } from "effect-sa/Errors"

const answer: Effect.Effect<Option.Option<unknown>, unknown> = Engine.scalar("SELECT ? + 1", [41]).pipe(
  Effect.provide(Engine.layer())
)
const value = Option.getOrNull(await Effect.runPromise(answer))
if (value !== 42 || typeof OperationalError !== "function") throw new Error("wrong answer")
console.log("the packed package answers", value)
`

try {
  run("npm", ["pack", "--silent", "--pack-destination", folder], root)
  const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz"))
  if (tarball === undefined) throw new Error("npm pack made no package")
  const files = run("tar", ["-tzf", tarball], folder)
  for (const wanted of ["package/dist/index.js", "package/dist/index.d.ts", "package/LICENSE", "package/README.md"]) {
    if (!files.split("\n").includes(wanted)) throw new Error(`the package has no ${wanted}`)
  }
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const version = (name) => manifest.devDependencies[name]
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }))
  const peers = Object.keys(manifest.peerDependencies).map((name) => `${name}@${manifest.peerDependencies[name]}`)
  run(
    "npm",
    [
      "install",
      "--silent",
      `./${tarball}`,
      ...peers,
      `typescript@${version("typescript")}`,
      `@types/node@${version("@types/node")}`
    ],
    folder
  )
  writeFileSync(join(folder, "program.ts"), program)
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2022",
        module: "NodeNext",
        strict: true,
        exactOptionalPropertyTypes: true,
        types: ["node"],
        skipLibCheck: false
      },
      files: ["program.ts"]
    })
  )
  run("npx", ["tsc"], folder)
  process.stdout.write(run(process.execPath, ["program.js"], folder))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// Another Node.js beside the one that runs the tests: one has node:sqlite and the other has not, and both drivers are to
// be tested. It comes from the npm registry, into the user's cache folder.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { log } from "./process.js"

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

/** Whether this Node.js has node:sqlite with what the driver needs. */
export const hasNodeSqlite = major > 22 || (major === 22 && minor >= 16)

export const otherNode = (): string => {
  const given = process.env.EFFECT_SA_TEST_OTHER_NODE
  if (given !== undefined && given !== "") return given
  const wanted = hasNodeSqlite ? "20" : "24"
  const name = `node-${process.platform}-${process.arch}`
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "effect-sa", `node-${wanted}`)
  const binary = join(cache, "node_modules", name, "bin", "node")
  if (existsSync(binary)) return binary
  log(`fetching Node.js ${wanted} (${name}) to test the other SQLite driver with`)
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, "package.json"), "{}")
  execFileSync("npm", ["install", "--no-save", "--prefix", cache, `${name}@${wanted}`], {
    cwd: cache,
    stdio: ["ignore", "ignore", "inherit"]
  })
  if (!existsSync(binary)) {
    throw new Error(
      `no Node.js ${wanted} for ${process.platform} ${process.arch}: set EFFECT_SA_TEST_OTHER_NODE to one`
    )
  }
  return binary
}

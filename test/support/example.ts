// Examples as their readers run them: a process of its own that ends by itself.
import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))
const tsx = createRequire(import.meta.url).resolve("tsx/cli")

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a file of `examples/` on a database, or on the one that it has without being told of any. */
export const runExample = (file: string, url: string | undefined): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const { DATABASE_URL: _, ...inherited } = process.env
    const child = spawn(process.execPath, [tsx, "--tsconfig", "tsconfig.json", `examples/${file}`], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      // Newer versions of Node.js say on stderr that their own SQLite is experimental.
      env: {
        ...inherited,
        NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
        ...(url === undefined ? {} : { DATABASE_URL: url })
      }
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

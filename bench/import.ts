// What importing effect-sa costs a program that imports effect: in fresh processes, one after the other.
import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const program = `
  const start = performance.now(); await import("effect")
  const between = performance.now(); await import("effect-sa")
  console.log(JSON.stringify([between - start, performance.now() - between]))`

const measured = Array.from({ length: 15 }, (): ReadonlyArray<number> => {
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: root,
    encoding: "utf8"
  })
  const times: unknown = JSON.parse(output)
  return Array.isArray(times) ? times.map(Number) : []
})
const median = (of: number): number =>
  measured.map((times) => times[of] ?? Number.NaN).sort((a, b) => a - b)[measured.length >> 1] ?? Number.NaN

const added = median(1)
process.stdout.write(
  `import "effect" ${median(0).toFixed(0)} ms; import "effect-sa" adds ${added.toFixed(0)} ms (medians of ${measured.length})\n`
)
process.exitCode = added < 60 ? 0 : 1

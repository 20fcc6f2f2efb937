// What importing effect-sa costs a program that imports effect: in fresh processes, one after the other.
import { importOnce } from "./imports.js"
import { quantile } from "./statistics.js"

const times = 15

const median = (contender: string): number => {
  const measured = Array.from({ length: times }, () => (importOnce(contender)?.seconds ?? Number.NaN) * 1_000)
  return quantile(measured, 0.5)
}

const added = median("effect-sa")
process.stdout.write(
  `import "effect" ${median("effect").toFixed(0)} ms; import "effect-sa" adds ${added.toFixed(0)} ms (medians of ${times})\n`
)
process.exitCode = added < 60 ? 0 : 1

// How much memory is held, after what is not held was collected.
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

/** Megabytes of objects and of buffers. */
export const held = (): number => {
  // Memory of buffers that were found to be free in one go is given back in the next.
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

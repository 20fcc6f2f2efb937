// Removes the folders it is given: what a build no longer makes must not stay in the package.
import { rmSync } from "node:fs"

for (const folder of process.argv.slice(2)) rmSync(folder, { recursive: true, force: true })

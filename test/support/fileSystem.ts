// A FileSystem of @effect/platform for the tests: the real one's package is not needed for two functions.
import { readdirSync, readFileSync } from "node:fs"
import { FileSystem, Error as PlatformError } from "@effect/platform"
import { Effect, type Layer } from "effect"

const notThere = (method: string, path: string, description: string): PlatformError.SystemError =>
  new PlatformError.SystemError({
    reason: "NotFound",
    module: "FileSystem",
    method,
    pathOrDescriptor: path,
    description
  })

const attempt = <A>(method: string, path: string, run: () => A): Effect.Effect<A, PlatformError.PlatformError> =>
  Effect.try({ try: run, catch: (thrown) => notThere(method, path, thrown instanceof Error ? thrown.message : "") })

/** The files of this machine. */
export const realFiles: Layer.Layer<FileSystem.FileSystem> = FileSystem.layerNoop({
  readFileString: (path) => attempt("readFile", path, () => readFileSync(path, "utf8")),
  readDirectory: (path) => attempt("readDirectory", path, () => readdirSync(path))
})

/** These files, and no others. */
export const files = (content: Readonly<Record<string, string>>): Layer.Layer<FileSystem.FileSystem> =>
  FileSystem.layerNoop({
    readFileString: (path) => {
      const text = content[path]
      return text === undefined ? Effect.fail(notThere("readFile", path, "no such file")) : Effect.succeed(text)
    },
    readDirectory: (path) => {
      const names = Object.keys(content).flatMap((name) =>
        name.startsWith(`${path}/`) ? [name.slice(path.length + 1)] : []
      )
      return names.length === 0
        ? Effect.fail(notThere("readDirectory", path, "no such folder"))
        : Effect.succeed(names.reverse())
    }
  })

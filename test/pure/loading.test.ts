// What is loaded when: an import must not pay for databases that a program does not use.
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { beforeAll, describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const run = promisify(execFile)

/** The modules that a program has loaded from node_modules and Node.js, seen from inside of it. */
const loadedBy = async (program: string): Promise<ReadonlyArray<string>> => {
  const script = `
    import Module from "node:module"
    import { Session } from "node:inspector"
    // Modules that are not CommonJS are in no cache that can be read.
    const parsed = []
    const session = new Session()
    session.connect()
    session.on("Debugger.scriptParsed", ({ params }) => parsed.push(params.url))
    session.post("Debugger.enable")
    ${program}
    const cached = Object.keys(Module.createRequire(import.meta.url).cache ?? {})
    const native = process.report ? process.report.getReport().sharedObjects : []
    console.log(JSON.stringify([...parsed, ...cached, ...native, ...(process.moduleLoadList ?? [])]))
  `
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: root })
  const lines = stdout.trim().split("\n")
  const loaded: unknown = JSON.parse(lines.at(-1) ?? "[]")
  return Array.isArray(loaded) ? loaded.map(String) : []
}

const has = (loaded: ReadonlyArray<string>, pattern: RegExp): boolean => loaded.some((name) => pattern.test(name))

const mysql2 = /node_modules\/mysql2\//
const kysely = /node_modules\/kysely\//
const sqlite = /libsql|node:sqlite|NativeModule sqlite$/

describe("the built package", () => {
  beforeAll(() => run("npm", ["run", "-s", "build"], { cwd: root }), 60_000)

  it("loads no database driver when it is imported", async () => {
    const loaded = await loadedBy(`await import("effect-sa")`)
    expect([has(loaded, mysql2), has(loaded, sqlite)]).toEqual([false, false])
  })

  it("loads @effect/sql for its client only, and sql-mysql2 not even for that", async () => {
    const main = await loadedBy(`await import("effect-sa")`)
    const client = await loadedBy(`await import("effect-sa/SqlClient")`)
    const sql = /node_modules\/@effect\/sql\//
    expect([has(main, sql), has(client, sql), has(client, /sql-mysql2/), has(client, mysql2)]).toEqual([
      false,
      true,
      false,
      false
    ])
  })

  it("loads Kysely for its query builder only", async () => {
    const engine = await loadedBy(`
      const { Engine } = await import("effect-sa"); const { Effect } = await import("effect")
      await Effect.runPromise(Engine.execute("SELECT 1").pipe(Effect.provide(Engine.layer())))`)
    const builder = await loadedBy(`
      const { QueryBuilder } = await import("effect-sa/kysely"); QueryBuilder.make()`)
    expect([has(engine, kysely), has(builder, kysely), has(builder, mysql2), has(builder, sqlite)]).toEqual([
      false,
      true,
      false,
      false
    ])
  })

  it("loads only SQLite for an engine on SQLite", async () => {
    const loaded = await loadedBy(`
      const { Engine } = await import("effect-sa"); const { Effect } = await import("effect")
      await Effect.runPromise(Engine.execute("SELECT 1").pipe(Effect.provide(Engine.layer())))`)
    expect([has(loaded, mysql2), has(loaded, sqlite)]).toEqual([false, true])
  })

  it("loads only mysql2 for an engine on a server", async () => {
    const loaded = await loadedBy(`
      const { Engine } = await import("effect-sa"); const { Effect } = await import("effect")
      await Effect.runPromise(Effect.exit(Engine.execute("SELECT 1").pipe(
        Effect.provide(Engine.layer({ url: "mysql://nobody@127.0.0.1:1/none", acquireTimeout: 200 })))))`)
    expect([has(loaded, mysql2), has(loaded, sqlite)]).toEqual([true, false])
  })
})

import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const source = join(root, "src")

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replaceAll("\\", "/"))
  .sort()

const document = readFileSync(join(root, "docs/architecture.md"), "utf8")

/** The tier of each file, by the tables of docs/architecture.md. */
const tiers = new Map<string, number>()
for (const [, tier, file] of document.matchAll(/^\| *([\d.]+) *\| *`([^`]+)` *\|/gm)) {
  if (file !== undefined && !file.endsWith("/*")) tiers.set(file, Number(tier))
}

const importsOf = (file: string): ReadonlyArray<string> => {
  const text = readFileSync(join(source, file), "utf8")
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier = ""]) => specifier)
}

const resolved = (file: string, specifier: string): string =>
  posix.normalize(posix.join(dirname(file), specifier)).replace(/\.js$/, ".ts")

describe("the house", () => {
  it("has every file in the table, and every file of the table", () => {
    expect([...tiers.keys()].sort()).toEqual(files)
  })

  it("imports only from lower tiers, type imports included", () => {
    const breaches: Array<string> = []
    for (const file of files) {
      for (const specifier of importsOf(file)) {
        // What is in a doc comment's example imports the package, and is compiled by another test.
        if (!specifier.startsWith(".")) continue
        const target = resolved(file, specifier)
        const [from, to] = [tiers.get(file), tiers.get(target)]
        if (from === undefined || to === undefined || to >= from)
          breaches.push(`${file} (${from}) imports ${target} (${to})`)
      }
    }
    expect(breaches).toEqual([])
  })

  it("imports a native client in one file each, and nothing else that is not effect or Node.js", () => {
    // FileSystem, sql-mysql2 and what Statement.ts and Fragment.ts import are types only.
    const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
      "Ddl.ts": ["kysely"],
      "KyselyRules.ts": ["kysely"],
      "KyselyCompiler.ts": ["kysely"],
      "QueryBuilder.ts": ["kysely"],
      "kysely.ts": ["kysely"],
      "Statement.ts": ["@effect/sql/Statement", "kysely"],
      "Fragment.ts": ["@effect/sql/Statement"],
      "Table.ts": ["kysely"],
      "TableStatement.ts": ["kysely"],
      "mysql/Login.ts": ["mysql2"],
      "mysql/OptionFiles.ts": ["@effect/platform/FileSystem"],
      "Options.ts": ["@effect/platform/FileSystem"],
      "SqlFailure.ts": ["@effect/sql/SqlError"],
      "SqlClientConfig.ts": ["@effect/sql-mysql2/MysqlClient"],
      "SqlCompiler.ts": ["@effect/sql/Statement"],
      "SqlExecutor.ts": ["@effect/sql/SqlClient", "@effect/sql/SqlConnection"],
      "SqlStatement.ts": ["@effect/sql/SqlConnection", "@effect/sql/SqlError", "@effect/sql/Statement"],
      "SqlClient.ts": [
        "@effect/experimental/Reactivity",
        "@effect/sql/SqlClient",
        "@effect/sql/SqlConnection",
        "@effect/sql/SqlError",
        "@effect/sql/Statement",
        "@effect/sql-mysql2/MysqlClient"
      ]
    }
    const breaches: Array<string> = []
    for (const file of files) {
      const text = readFileSync(join(source, file), "utf8").replaceAll(/\/\*\*[\s\S]*?\*\//g, "")
      for (const [, specifier = ""] of text.matchAll(/(?:from|import|require)(?:\s+|\s*\(\s*)"([^"]+)"/g)) {
        if (/^(?:\.|node:|effect$|effect\/)/.test(specifier) || allowed[file]?.includes(specifier)) continue
        if (file === "sqlite/SqliteNative.ts" && specifier === "libsql") continue
        breaches.push(`${file} imports ${specifier}`)
      }
    }
    expect(breaches).toEqual([])
  })

  it("has a reason in docs/architecture.md for every file over 400 lines", () => {
    const section = document.slice(document.indexOf("## Files over 400 lines"))
    const long = files.filter((file) => readFileSync(join(source, file), "utf8").split("\n").length > 400)
    const unexplained = long.filter((file) => !section.includes(`\`${file}\``))
    expect(unexplained).toEqual([])
  })

  it("is exported module by module as package.json says", () => {
    const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    const exported = Object.keys(Reflect.get(Object(manifest), "exports")).filter((name) => /^\.\/[A-Z]/.test(name))
    const modules = [...readFileSync(join(source, "index.ts"), "utf8").matchAll(/export \* as (\w+) from/g)].map(
      ([, name]) => `./${name}`
    )
    // Loading @effect/sql is for who asks for it.
    expect(exported.sort()).toEqual([...modules, "./SqlClient"].sort())
    expect(relative(root, source)).toBe("src")
  })
})

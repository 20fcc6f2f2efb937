// Cases for everything that can be executed besides plain text: queries of Kysely, fragments of @effect/sql, markers of all
// styles. What a query cannot say on a database is refused before anything is sent.
import * as Sql from "@effect/sql/Statement"
import { describe, expect, it, vi } from "@effect/vitest"
import { Chunk, Effect, FastCheck, Option, Runtime, type Scope, Stream } from "effect"
import { Connection, Cursor, Engine, type Errors, type Options, type Result, Statement } from "effect-sa"
import {
  CamelCasePlugin,
  DeduplicateJoinsPlugin,
  type KyselyPlugin,
  ParseJSONResultsPlugin,
  QueryBuilder,
  sql
} from "effect-sa/kysely"
import { Kysely, MysqlQueryCompiler, SqliteAdapter, DummyDriver, SqliteIntrospector, SqliteQueryCompiler } from "kysely"
import { type Backend, engineLayer, table, tableName, withEngine } from "../support/Backend.js"
import { cases, db } from "./KyselyCases.js"

type Rows = ReadonlyArray<ReadonlyArray<unknown>>
type Env = Engine.Engine | Scope.Scope

const rowsOf = (result: Result.Result<object>): Rows => result.rows.map((row) => [...row])

const executed = (statement: Statement.Executable, parameters?: Statement.Parameters) =>
  Effect.map(Engine.execute(statement, parameters), rowsOf)

/** A table with two people in it. */
const people = (backend: Backend): Effect.Effect<string, Errors.ExecuteError, Env> =>
  Effect.gen(function* () {
    const t = yield* table(`id ${backend.autoIncrement}, name VARCHAR(100) NOT NULL DEFAULT 'nobody', age INTEGER`)
    yield* Engine.execute(`INSERT INTO ${t} VALUES (?, ?, ?)`, [
      [1, "Ada", 36],
      [2, "Grace", 85]
    ])
    return t
  })

const refusal = (error: Errors.ExecuteError): boolean =>
  error._tag === "NotSupportedError" || error._tag === "ArgumentError"

/** A plugin that counts what it sees. */
const counting = (): KyselyPlugin & { queries: number; results: number } => ({
  queries: 0,
  results: 0,
  transformQuery({ node }) {
    this.queries++
    return node
  },
  async transformResult({ result }) {
    this.results++
    return result
  }
})

/** A plugin that makes other rows. */
const making = (
  make: (row: Record<string, unknown>) => Record<string, unknown> | ReadonlyArray<Record<string, unknown>>
): KyselyPlugin => ({
  transformQuery: ({ node }) => node,
  transformResult: async ({ result }) => ({ ...result, rows: result.rows.flatMap(make) })
})

/** Strings that mean something to somebody. */
const hostile = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }),
  FastCheck.array(
    FastCheck.constantFrom(
      "'",
      '"',
      "`",
      "\\",
      "''",
      "\\'",
      "\0",
      "%",
      "%s",
      "%%",
      "?",
      ":a",
      "$1",
      ";",
      "--",
      "#",
      "/*",
      "*/",
      "\n",
      "\x1a",
      "a",
      "[",
      "]",
      " ",
      "😀",
      "é",
      "."
    ),
    { maxLength: 12 }
  ).map((parts) => parts.join(""))
)

/** libsql cuts texts at a NUL, and says so. */
const hostileOn = ({ isServer }: Backend): FastCheck.Arbitrary<string> =>
  isServer ? hostile : hostile.filter((text) => !text.includes("\0"))

/** Strings that all databases can have for a name. */
const nameable = hostile.filter(
  (text) => !/^[\x01-\x20]|[\0.\u{10000}-\u{10FFFF}]|\s$|^$/u.test(text) && text.length < 60
)

const inProperty = <A>(
  arbitrary: FastCheck.Arbitrary<A>,
  numRuns: number,
  body: (value: A) => Effect.Effect<void, unknown, Engine.Engine>
): Effect.Effect<void, unknown, Engine.Engine> =>
  Effect.flatMap(Effect.runtime<Engine.Engine>(), (runtime) =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(arbitrary, (value) => Runtime.runPromise(runtime)(body(value))),
        { numRuns }
      )
    )
  )

/** A client's tag of @effect/sql that never executes anything itself. */
const tagOf = (backend: Backend, transform?: (name: string) => string, renamesRows = false) =>
  Sql.make(
    Effect.die("nothing is executed by this client"),
    backend.isServer
      ? Sql.makeCompiler({
          dialect: "mysql",
          placeholder: () => "?",
          onIdentifier: (name, withoutTransform) =>
            Sql.defaultEscape("`")(withoutTransform || transform === undefined ? name : transform(name)),
          onCustom: () => ["", []],
          onRecordUpdate: () => ["", []]
        })
      : Sql.makeCompilerSqlite(transform),
    [],
    renamesRows ? (rows) => rows : undefined
  )

export const statementsContract = (backend: Backend): void => {
  kyselyContract(backend)
  pluginsContract(backend)
  fragmentContract(backend)
  paramstyleContract(backend)
  formsContract(backend)
}

const kyselyContract = (backend: Backend): void => {
  describe("A query of Kysely", () => {
    withEngine(backend, "runs, or is refused for what it says that the database does not have", () =>
      Effect.gen(function* () {
        for (const { title, query, [backend.name]: expected } of cases) {
          const t = yield* people(backend)
          const found = yield* Effect.flip(Engine.execute(query(t))).pipe(
            Effect.map((error) => (refusal(error) ? "refused" : "answered")),
            Effect.orElseSucceed(() => "runs")
          )
          expect([title, found]).toEqual([title, expected])
          for (const what of ["TABLE", "VIEW"])
            for (const suffix of ["made", "temporary", "view"])
              yield* Effect.ignore(Engine.execute(`DROP ${what} IF EXISTS ${t}_${suffix}`))
        }
        if (backend.isServer) {
          const schemas = yield* executed(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 't\\_%\\_schema'"
          )
          for (const [schema] of schemas) yield* Engine.execute(`DROP SCHEMA ${String(schema)}`)
        }
      })
    )

    withEngine(backend, "has rows of its type, and none where it changes rows without returning any", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const result = yield* Engine.execute(db.selectFrom(t).select(["id", "name as who"]).orderBy("id"))
        const who: ReadonlyArray<string> = result.rows.map((row) => row.who)
        expect([who, result.rows[0]?.id, result.keys]).toEqual([["Ada", "Grace"], 1, ["id", "who"]])
        const updated = yield* Engine.execute(db.updateTable(t).set({ age: 1 }).where("id", "<", 10))
        expect([updated.rowCount, updated.rows.length]).toEqual([2, 0])
        const inserted = yield* Engine.execute(db.insertInto(t).values({ name: "Alan" }))
        expect([inserted.rowCount, inserted.lastInsertId]).toEqual([1, 3])
        expect(yield* Engine.scalar(db.selectFrom(t).select(({ fn }) => fn.countAll<number>().as("n")))).toEqual(
          Option.some(3)
        )
        const streamed = yield* Stream.runCollect(Engine.stream(db.selectFrom(t).select("name").orderBy("id")))
        expect(Chunk.toArray(streamed).map(({ name }) => name)).toEqual(["Ada", "Grace", "Alan"])
      })
    )

    withEngine(backend, "takes what param left open wherever a value can stand, for one set or for many", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const { param } = Statement
        const rename = db
          .updateTable(t)
          .set({ name: param<string>("name") })
          .where("id", "=", param<number>("id"))
        const renamed = yield* Engine.execute(rename, [
          { id: 1, name: "Ada L." },
          { id: 2, name: "Grace H." }
        ])
        expect(renamed.rowCount).toBe(2)
        yield* Engine.execute(db.insertInto(t).values({ name: param<string>("name"), age: param<number>("age") }), {
          name: "Alan",
          age: 41
        })
        const found = db
          .selectFrom(t)
          .select(["name", (eb) => eb.fn<string>("upper", [eb.val(param<string>("word"))]).as("word")])
          .where("id", "in", [1, param<number>("id"), 7])
          .where((eb) => eb.between("age", param<number>("low"), param<number>("high")))
          .orderBy("id")
          .limit(param<number>("id"))
        expect(rowsOf(yield* Engine.execute(found, { word: "x", id: 3, low: 1, high: 50 }))).toEqual([
          ["Ada L.", "X"],
          ["Alan", "X"]
        ])
        const missing = yield* Effect.flip(Engine.execute(found, { word: "x", id: 3, low: 1 }))
        expect(missing).toMatchObject({ _tag: "ArgumentError", argument: "parameters.high" })
        const surplus = yield* Effect.flip(Engine.execute(db.selectFrom(t).selectAll(), { id: 1 }))
        expect(surplus).toMatchObject({ _tag: "ArgumentError", argument: "parameters" })
        const positional = yield* Effect.flip(Engine.execute(rename, [1, "x"]))
        expect(positional).toMatchObject({ _tag: "ArgumentError", argument: "parameters[0]" })
      })
    )

    withEngine(backend, "is compiled once, and its plugins see it once, however often it is executed", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const compilers = [MysqlQueryCompiler, SqliteQueryCompiler].map(({ prototype }) =>
          vi.spyOn(prototype, "compileQuery")
        )
        const plugin = counting()
        const query = QueryBuilder.make<Record<string, { readonly id: number }>>({ plugins: [plugin] })
          .selectFrom(t)
          .select("id")
          .where("id", "=", Statement.param<number>("id"))
        for (const id of [1, 2, 1]) expect(rowsOf(yield* Engine.execute(query, { id }))).toEqual([[id]])
        yield* Stream.runDrain(Engine.stream(query, { id: 1 }))
        const calls = compilers.map((compiler) => compiler.mock.calls.length)
        for (const compiler of compilers) compiler.mockRestore()
        expect(calls).toEqual(backend.isServer ? [1, 0] : [0, 1])
        expect(plugin.queries).toBe(1)
      })
    )

    withEngine(backend, "means the same on every database where it is said in other words", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const ids = (query: Statement.Query<{ id: number }>) => Effect.map(Engine.execute(query), rowsOf)
        const all = db.selectFrom(t).select("id")
        expect(yield* ids(all.where("id", "in", []))).toEqual([])
        expect(yield* ids(all.where("id", "not in", []).orderBy("id"))).toEqual([[1], [2]])
        expect(yield* ids(all.orderBy("id").offset(1))).toEqual([[2]])
        expect(yield* ids(all.union(all.orderBy("id", "desc").limit(1)).orderBy("id"))).toEqual([[1], [2]])
        expect(yield* ids(all.where("id", "=", 1).unionAll(all.orderBy("id", "desc").limit(1)))).toEqual([[1], [2]])
        expect(
          yield* ids(
            all.where(({ eb, refTuple, tuple }) => eb(refTuple("id", "name"), "in", [tuple(1, "Ada"), tuple(2, "x")]))
          )
        ).toEqual([[1]])
        yield* Engine.execute(db.insertInto(t).defaultValues())
        yield* Engine.execute(db.insertInto(t).values({} as never))
        yield* Engine.execute(db.updateTable(t).set({ age: 1 }).where("name", "=", "Ada"))
        expect(rowsOf(yield* Engine.execute(db.selectFrom(t).select(["name", "age"]).orderBy("id")))).toEqual([
          ["Ada", 1],
          ["Grace", 85],
          ["nobody", null],
          ["nobody", null]
        ])
        expect(yield* ids(all.where("age", "is not distinct from", null).orderBy("id"))).toEqual([[3], [4]])
        expect(yield* ids(all.where("age", "is distinct from", 1).orderBy("id"))).toEqual([[2], [3], [4]])
      })
    )

    withEngine(backend, "makes foreign keys of the references of columns", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const child = `${t}_child`
        if (!backend.isServer) yield* Engine.execute("PRAGMA foreign_keys = ON")
        yield* Engine.execute(
          db.schema
            .createTable(child)
            .addColumn("id", "integer", (c) => c.primaryKey())
            .addColumn("parent", "integer", (c) => c.references(`${t}.id`).onDelete("cascade"))
        )
        yield* Effect.addFinalizer(() => Effect.ignore(Engine.execute(`DROP TABLE ${child}`)))
        yield* Engine.execute(`INSERT INTO ${child} VALUES (1, 1)`)
        const orphan = yield* Effect.flip(Engine.execute(`INSERT INTO ${child} VALUES (2, 77)`))
        expect(orphan).toMatchObject({ _tag: "IntegrityError", reason: "ForeignKeyViolation" })
        yield* Engine.execute(`DELETE FROM ${t} WHERE id = 1`)
        expect(yield* Engine.scalar(`SELECT count(*) FROM ${child}`)).toEqual(Option.some(0))
      })
    )

    withEngine(backend, "with undefined for a value is refused, and the place is named", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const nothing = undefined as never
        const places: ReadonlyArray<readonly [place: string, query: Statement.Query<unknown>]> = [
          ["name", db.selectFrom(t).selectAll().where("name", "=", nothing)],
          ["id", db.selectFrom(t).selectAll().where(`${t}.id`, "in", [1, nothing])],
          [
            "age",
            db
              .selectFrom(t)
              .selectAll()
              .where((eb) => eb.between("age", 1, nothing))
          ],
          ["age", db.selectFrom(t).selectAll().having("age", ">", nothing)],
          ["age", db.updateTable(t).set("age", nothing)],
          ["limit", db.selectFrom(t).selectAll().limit(nothing)],
          ["age", db.insertInto(t).values({ name: "x", age: sql`${nothing} + 1` })],
          ["parameters", db.selectFrom(t).select(sql`${nothing}`.as("x"))]
        ]
        for (const [place, query] of places) {
          const error = yield* Effect.flip(Engine.execute(query))
          expect([place, error]).toMatchObject([place, { _tag: "ArgumentError", argument: place, given: "undefined" }])
        }
        expect(yield* Engine.scalar(`SELECT count(*) FROM ${t}`)).toEqual(Option.some(2))
      })
    )

    withEngine(
      backend,
      "of a Kysely of its own is refused, or is a statement with the plugins that it is said to have",
      () =>
        Effect.gen(function* () {
          const t = yield* people(backend)
          const foreign = (plugins: ReadonlyArray<KyselyPlugin>) =>
            new Kysely<Record<string, { readonly id: number; readonly theName: string; readonly name: string }>>({
              dialect: {
                createAdapter: () => new SqliteAdapter(),
                createDriver: () => new DummyDriver(),
                createIntrospector: (db) => new SqliteIntrospector(db),
                createQueryCompiler: () => new SqliteQueryCompiler()
              },
              plugins: [...plugins]
            })
          const query = foreign([]).selectFrom(t).select("name").orderBy("id")
          expect(yield* Effect.flip(Engine.execute(query))).toMatchObject({
            _tag: "ArgumentError",
            argument: "statement",
            given: "a query of a Kysely of its own, whose plugins cannot be seen"
          })
          expect(yield* executed(QueryBuilder.statement(query, { plugins: [] }))).toEqual([["Ada"], ["Grace"]])
          const plugins = [new CamelCasePlugin()]
          const camel = foreign(plugins).selectFrom(t).select("name as theName").orderBy("id")
          const result = yield* Engine.execute(QueryBuilder.statement(camel, { plugins }))
          const names: ReadonlyArray<string> = result.rows.map((row) => row.theName)
          expect([names, result.keys]).toEqual([["Ada", "Grace"], ["theName"]])
        })
    )

    withEngine(backend, "can be raw SQL with values and names in it", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const raw = sql<{
          readonly n: string
        }>`select ${sql.ref("name")} as ${sql.id("n")} from ${sql.table(t)} where id = ${2}`
        const result = yield* Engine.execute(QueryBuilder.statement(raw))
        const [n]: ReadonlyArray<string> = result.rows.map((row) => row.n)
        expect(n).toBe("Grace")
        const alone = yield* Effect.flip(Engine.execute(raw as never))
        expect(alone).toMatchObject({ _tag: "ArgumentError", argument: "statement" })
        const open = QueryBuilder.statement(sql`select name from ${sql.table(t)} where id = ${Statement.param("id")}`)
        expect(yield* executed(open, { id: 1 })).toEqual([["Ada"]])
      })
    )

    it.effect(`has no connection of its own [${backend.name}]`, () =>
      Effect.gen(function* () {
        const query = db.selectFrom("person").selectAll()
        const attempts: ReadonlyArray<() => Promise<unknown>> = [
          () => query.execute(),
          () => db.transaction().execute(async () => {}),
          () => db.connection().execute(async () => {}),
          () => sql`select 1`.execute(db),
          () => db.introspection.getTables(),
          async () => {
            for await (const _ of query.stream()) void _
          }
        ]
        for (const attempt of attempts) {
          const error = yield* Effect.flip(Effect.tryPromise(attempt))
          expect(String(error.cause)).toContain("Engine.execute")
        }
        yield* Effect.promise(() => db.destroy())
      })
    )

    withEngine(
      backend,
      "takes any string for a value, a literal, a name or a path as just that",
      () =>
        inProperty(FastCheck.tuple(hostileOn(backend), nameable), 150, ([text, name]) =>
          Effect.gen(function* () {
            const value = yield* Engine.execute(
              db
                .selectNoFrom((eb) => [
                  eb.val(text).as("value"),
                  sql<string>`${sql.lit(text)}`.as("literal"),
                  sql`1`.as(name)
                ])
                .where(sql<boolean>`${sql.lit(text)} = ${text}`)
            )
            expect([rowsOf(value), value.keys]).toEqual([[[text, text, 1]], ["value", "literal", name]])
            const inside = QueryBuilder.statement(
              sql`with ${sql.table(name)} as (select ${text} as ${sql.id(name)}) select ${sql.id(name, name)}, ${sql.ref(name)} as ${sql.id("v")} from ${sql.table(name)}`
            )
            const named = yield* Engine.execute(inside)
            expect([rowsOf(named), named.keys]).toEqual([[[text, text]], [name, "v"]])
            const path = Engine.execute(
              db
                .selectFrom(sql<{ id: number }>`(select 1 as id)`.as("t"))
                .select((eb) => [
                  eb
                    .fn<unknown>("json_extract", [
                      eb.val(JSON.stringify({ other: 1, [text]: 7 })),
                      eb.jsonPath<"id">().key(text as never)
                    ])
                    .as("found")
                ])
            )
            const unknown = backend.isServer ? text.startsWith("-") : text.includes('"')
            if (unknown) expect((yield* Effect.flip(path))._tag).toBe("ArgumentError")
            else expect(rowsOf(yield* path).map(([found]) => Number(found))).toEqual([7])
          })
        ),
      {},
      60_000
    )

    withEngine(
      backend,
      "has any string for the default of a column",
      () =>
        inProperty(
          hostileOn(backend).filter((text) => text.length < 50),
          15,
          (text) =>
            Effect.gen(function* () {
              const t = tableName()
              const create = db.schema
                .createTable(t)
                .addColumn("id", "integer", (c) => c.primaryKey())
                .addColumn("word", "varchar(200)", (c) => c.defaultTo(text))
              yield* Engine.execute(create)
              yield* Engine.execute(`INSERT INTO ${t} (id) VALUES (1)`)
              const found = yield* Engine.scalar(`SELECT word FROM ${t}`)
              yield* Engine.execute(`DROP TABLE ${t}`)
              expect(found).toEqual(Option.some(text))
            })
        ),
      {},
      60_000
    )

    if (backend.isServer) {
      for (const sqlMode of ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]) {
        withEngine(
          backend,
          `takes any string as just that where the session's sql_mode is ${sqlMode}`,
          () =>
            inProperty(FastCheck.tuple(hostileOn(backend), nameable), 60, ([text, name]) =>
              Effect.gen(function* () {
                const query = db.selectNoFrom((eb) => [eb.val(text).as("v"), sql`${sql.lit(text)}`.as(name)])
                const result = yield* Engine.execute(query)
                expect([rowsOf(result), result.keys]).toEqual([[[text, text]], ["v", name]])
                const tag = tagOf(backend)
                const fragment = yield* Engine.execute(tag`SELECT ${text} AS ${tag(name)}`)
                expect([rowsOf(fragment), fragment.keys]).toEqual([[[text]], [name]])
              })
            ),
          { sqlMode },
          60_000
        )
      }

      withEngine(backend, "whose name the server would change is refused", () =>
        Effect.gen(function* () {
          for (const name of [" a", "\ta", "\x1aa", "a😀", "x".repeat(257), "", "a\0b"]) {
            const error = yield* Effect.flip(Engine.execute(db.selectNoFrom(sql`1`.as(name))))
            expect([name, error._tag]).toEqual([name, "ArgumentError"])
          }
        })
      )
    }
  })
}

const pluginsContract = (backend: Backend): void => {
  describe("Plugins of Kysely", () => {
    const camel = QueryBuilder.make<Record<string, { id: number; firstName: string; bornIn: number | null }>>({
      plugins: [new CamelCasePlugin()]
    })

    const named = (): Effect.Effect<string, Errors.ExecuteError, Env> =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, first_name VARCHAR(20), born_in INTEGER")
        yield* Engine.execute(
          camel.insertInto(t).values([
            { id: 1, firstName: "Ada", bornIn: 1815 },
            { id: 2, firstName: "Grace", bornIn: null }
          ])
        )
        return t
      })

    withEngine(
      backend,
      "rename columns in queries and rows, in results and streams, also where there are no rows",
      () =>
        Effect.gen(function* () {
          const t = yield* named()
          const query = camel.selectFrom(t).select(["id", "firstName", "bornIn"]).orderBy("id")
          const result = yield* Engine.execute(query)
          const names: ReadonlyArray<string> = result.rows.map((row) => row.firstName)
          expect([names, result.keys, rowsOf(result)]).toEqual([
            ["Ada", "Grace"],
            ["id", "firstName", "bornIn"],
            [
              [1, "Ada", 1815],
              [2, "Grace", null]
            ]
          ])
          const streamed = yield* Stream.runCollect(Engine.stream(query))
          expect(Chunk.toArray(streamed).map((row) => [row.id, row.firstName, row.bornIn])).toEqual(rowsOf(result))
          const none = yield* Engine.execute(query.where("id", ">", 100))
          expect([none.keys, none.rows.length]).toEqual([["id", "firstName", "bornIn"], 0])
          expect(Chunk.size(yield* Stream.runCollect(Engine.stream(query.where("id", ">", 100))))).toBe(0)
          // Rows of one shape are of one class, in one result as in the next.
          const again = yield* Engine.execute(query)
          expect(Object.getPrototypeOf(again.rows[0])).toBe(Object.getPrototypeOf(result.rows[0]))
        })
    )

    withEngine(backend, "rename what a cursor gives, buffered or not", () =>
      Effect.gen(function* () {
        const connection = yield* Connection.make({ url: backend.url })
        const query = camel
          .selectFrom(sql<{ firstName: string }>`(select 'Ada' as first_name union all select 'Grace')`.as("t"))
          .select("firstName")
        for (const buffered of [true, false]) {
          const cursor = yield* Cursor.make(connection, { rows: "dict", buffered })
          yield* cursor.execute(QueryBuilder.statement(query, { plugins: [new CamelCasePlugin()] }))
          expect((yield* cursor.fetchAll).map((row) => ({ ...row }))).toEqual([
            { firstName: "Ada" },
            { firstName: "Grace" }
          ])
          yield* cursor.close
        }
      })
    )

    withEngine(backend, "rename the rows of a stream that has many pieces", () =>
      Effect.gen(function* () {
        const t = yield* table("id INTEGER PRIMARY KEY, first_name VARCHAR(20), born_in INTEGER")
        yield* Engine.execute(
          `INSERT INTO ${t} VALUES (?, 'x', 1)`,
          Array.from({ length: 5_000 }, (_, id) => [id])
        )
        const ids = yield* Stream.runFold(
          Engine.stream(camel.selectFrom(t).select(["id", "bornIn"]).orderBy("id")),
          0,
          (sum, row) => sum + row.id + (row.bornIn ?? 0)
        )
        expect(ids).toBe((5_000 * 4_999) / 2 + 5_000)
        const some = yield* Stream.runCollect(Stream.take(Engine.stream(camel.selectFrom(t).select("id")), 3))
        expect(Chunk.size(some)).toBe(3)
      })
    )

    withEngine(backend, "parse JSON, leave joins out that are there twice, and put schemas before tables", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const parsing = QueryBuilder.make<Record<string, { id: number; name: string }>>({
          plugins: [new ParseJSONResultsPlugin(), new DeduplicateJoinsPlugin()]
        })
        const json = yield* Engine.execute(
          parsing
            .selectFrom(t)
            .select(sql<{ a: ReadonlyArray<number> }>`concat('{"a":', '[1]}')`.as("j"))
            .where("id", "=", 1)
        )
        expect(rowsOf(json)).toEqual([[{ a: [1] }]])
        const joined = parsing
          .selectFrom(`${t} as a`)
          .innerJoin(`${t} as b`, "a.id", "b.id")
          .innerJoin(`${t} as b`, "a.id", "b.id")
          .select("b.name")
          .orderBy("b.id")
        expect(rowsOf(yield* Engine.execute(joined))).toEqual([["Ada"], ["Grace"]])
        const [[schema] = []] = backend.isServer ? yield* executed("SELECT database()") : [["main"]]
        const within = db.withSchema(String(schema)).selectFrom(`${t} as a`).innerJoin(`${t} as b`, "a.id", "b.id")
        // No plugin of these sees rows, so two columns may have one name.
        const twice = yield* Engine.execute(within.selectAll("a").selectAll("b").where("a.id", "=", 1))
        expect(rowsOf(twice)).toEqual([[1, "Ada", 36, 1, "Ada", 36]])
        const nowhere = yield* Effect.flip(Engine.execute(db.withSchema("no_such_schema").selectFrom(t).selectAll()))
        expect(nowhere._tag === "ProgrammingError" || nowhere._tag === "OperationalError").toBe(true)
      })
    )

    withEngine(backend, "get no rows in which a column would be lost", () =>
      Effect.gen(function* () {
        const t = yield* named()
        const both = camel.selectFrom(`${t} as a`).innerJoin(`${t} as b`, "a.id", "b.id").select(["a.id", "b.id"])
        const error = yield* Effect.flip(Engine.execute(both))
        expect(error).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
        expect(error.message).toContain('"id"')
      })
    )

    withEngine(backend, "that fail, or make of rows what are none, are typed errors", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const cause = new Error("on purpose")
        const failing = making(() => {
          throw cause
        })
        const wrong: KyselyPlugin = {
          transformQuery: ({ node }) => node,
          transformResult: async ({ result }) => ({ ...result, rows: [1] as never })
        }
        const refusing: KyselyPlugin = {
          transformQuery: () => {
            throw cause
          },
          transformResult: async ({ result }) => result
        }
        const query = (plugin: KyselyPlugin) => db.withPlugin(plugin).selectFrom(t).select("name").orderBy("id")
        for (const run of [
          (plugin: KyselyPlugin) => Effect.asVoid(Engine.execute(query(plugin))),
          (plugin: KyselyPlugin) => Stream.runDrain(Engine.stream(query(plugin)))
        ]) {
          const failed = yield* Effect.flip(run(failing))
          expect(failed).toMatchObject({ _tag: "DataError", reason: "InvalidValue", cause })
          expect(yield* Effect.flip(run(wrong))).toMatchObject({ _tag: "DataError", reason: "InvalidValue" })
          expect(yield* Effect.flip(run(refusing))).toMatchObject({ _tag: "ArgumentError", argument: "statement" })
        }
        expect(rowsOf(yield* Engine.execute(db.selectFrom(t).select("name").orderBy("id")))).toEqual([
          ["Ada"],
          ["Grace"]
        ])
      })
    )

    withEngine(backend, "may give rows other columns, more of them and fewer rows", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const query = (plugin: KyselyPlugin) =>
          db.withPlugin(plugin).selectFrom(t).select(["name", "age"]).orderBy("id")
        const longer = yield* Engine.execute(query(making((row) => ({ ...row, length: String(row.name).length }))))
        expect([longer.keys, rowsOf(longer)]).toEqual([
          ["name", "age", "length"],
          [
            ["Ada", 36, 3],
            ["Grace", 85, 5]
          ]
        ])
        const fewer = making((row) => (row.name === "Ada" ? [] : row))
        expect(rowsOf(yield* Engine.execute(query(fewer)))).toEqual([["Grace", 85]])
        expect(Chunk.size(yield* Stream.runCollect(Engine.stream(query(fewer))))).toBe(1)
        expect(rowsOf(yield* Engine.execute(query(making(() => []))))).toEqual([])
        // A column that only some rows have is one of all.
        const ages = making(({ name, age }) => (name === "Ada" ? { name } : { name, age }))
        expect(rowsOf(yield* Engine.execute(query(ages)))).toEqual([
          ["Ada", undefined],
          ["Grace", 85]
        ])
      })
    )

    withEngine(backend, "make no difference where there are none: rows are not touched", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const compiled: unknown = db.selectFrom(t).selectAll().compile()
        const definition = Statement.isStatement(compiled) ? compiled[Statement.TypeId] : undefined
        expect(definition !== undefined && "rows" in definition && definition.rows === undefined).toBe(true)
      })
    )
  })
}

const fragmentContract = (backend: Backend): void => {
  describe("A statement of @effect/sql", () => {
    const tag = tagOf(backend)

    withEngine(backend, "runs with its parameters, names, lists and records", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        yield* Engine.execute(
          tag`INSERT INTO ${tag(t)} ${tag.insert([
            { name: "Alan", age: 41 },
            { age: 26, name: "Joan" }
          ])}`
        )
        yield* Engine.execute(
          tag`UPDATE ${tag(t)} SET ${tag.update({ id: 1, name: "Ada L." }, ["id"])} WHERE id = ${1}`
        )
        const found = yield* Engine.execute(
          tag`SELECT ${tag("p.name")} FROM ${tag(t)} AS p WHERE ${tag.and([tag.in("id", [1, 3, 4]), tag`age > ${1}`])} ORDER BY id`
        )
        expect(rowsOf(found)).toEqual([["Ada L."], ["Alan"], ["Joan"]])
        const none = yield* Engine.execute(tag`SELECT name FROM ${tag(t)} WHERE ${tag.in("id", [])}`)
        expect(rowsOf(none)).toEqual([])
        const open = tag`SELECT name FROM ${tag(t)} WHERE id = ${Statement.param("id") as never}`
        expect(yield* executed(open, { id: 2 })).toEqual([["Grace"]])
        expect(rowsOf(yield* Engine.execute(tag.unsafe("SELECT ? + 1 AS n", [41])))).toEqual([[42]])
      })
    )

    withEngine(backend, "may return what it inserts, where the database has that, and none where it has not", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        const inserted = Engine.execute(tag`INSERT INTO ${tag(t)} ${tag.insert({ name: "Alan" }).returning("id")}`)
        if (backend.returning) expect(rowsOf(yield* inserted)).toEqual([[3]])
        else expect(yield* Effect.flip(inserted)).toMatchObject({ _tag: "ProgrammingError", reason: "Syntax" })
        const updated = Engine.execute(tag`UPDATE ${tag(t)} SET ${tag.update({ age: 1 }).returning("id")}`)
        if (backend.isServer) expect(yield* Effect.flip(updated)).toMatchObject({ _tag: "NotSupportedError" })
        else expect(rowsOf(yield* updated).length).toBe(3)
      })
    )

    withEngine(backend, "whose client renames is refused, because it would not be renamed here", () =>
      Effect.gen(function* () {
        const upper = tagOf(backend, (name) => name.toUpperCase())
        const renamed = yield* Effect.flip(Engine.execute(upper`SELECT 1 AS ${upper("x")}`))
        expect(renamed).toMatchObject({ _tag: "ArgumentError", argument: "statement" })
        const rows = tagOf(backend, undefined, true)
        expect(yield* Effect.flip(Engine.execute(rows`SELECT 1`))).toMatchObject({ _tag: "ArgumentError" })
        expect(rowsOf(yield* Engine.execute(upper`SELECT 1 AS one`))).toEqual([[1]])
      })
    )

    withEngine(
      backend,
      "takes any string for a value or a name as just that",
      () =>
        inProperty(FastCheck.tuple(hostileOn(backend), nameable), 100, ([text, name]) =>
          Effect.gen(function* () {
            const result = yield* Engine.execute(tag`SELECT ${text} AS ${tag(name)} WHERE ${text} IN ${tag.in([text])}`)
            expect([rowsOf(result), result.keys]).toEqual([[[text]], [name]])
          })
        ),
      {},
      60_000
    )
  })
}

const paramstyleContract = (backend: Backend): void => {
  const withStyle = (
    paramstyle: NonNullable<Options.Options["paramstyle"]>,
    title: string,
    body: () => Effect.Effect<void, unknown, Env>
  ): void => withEngine(backend, title, body, { paramstyle })

  describe("The option paramstyle", () => {
    withStyle("format", "adds %s to the markers, for one set or for many", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        expect(yield* executed(`SELECT name FROM ${t} WHERE id = %s AND age=%s`, [1, 36])).toEqual([["Ada"]])
        const many = yield* Engine.execute(`INSERT INTO ${t} (name, age) VALUES (%s, %s)`, [
          ["Alan", 41],
          ["Joan", 26]
        ])
        expect(many.rowCount).toBe(2)
        // The others are markers as ever.
        expect(yield* executed("SELECT ? + 1", [1])).toEqual([[2]])
        expect(yield* executed("SELECT :a + 1", { a: 1 })).toEqual([[2]])
        expect((yield* Effect.flip(Engine.execute("SELECT %(a)s", { a: 1 })))._tag).not.toBe("DataError")
      })
    )

    withStyle("pyformat", "adds %s and %(name)s, for one set or for many", () =>
      Effect.gen(function* () {
        const t = yield* people(backend)
        expect(yield* executed(`SELECT name FROM ${t} WHERE id = %(id)s OR id = %(id)s`, { id: 2 })).toEqual([
          ["Grace"]
        ])
        expect(yield* executed(`SELECT name FROM ${t} WHERE id = %s`, [2])).toEqual([["Grace"]])
        const many = yield* Engine.execute(`UPDATE ${t} SET age = %(age)s WHERE id = %(id)s`, [
          { id: 1, age: 1 },
          { id: 2, age: 2 }
        ])
        expect(many.rowCount).toBe(2)
        expect(yield* Effect.flip(Engine.execute("SELECT %(a)s, %(b)s", { a: 1 }))).toMatchObject({
          argument: "parameters.b"
        })
      })
    )

    for (const paramstyle of ["format", "pyformat"] as const) {
      withStyle(
        paramstyle,
        `leaves % alone in a text without such markers, and halves %% in one with them (${paramstyle})`,
        () =>
          Effect.gen(function* () {
            const t = yield* people(backend)
            expect(yield* executed(`SELECT name FROM ${t} WHERE name LIKE 'A%'`)).toEqual([["Ada"]])
            expect(yield* executed("SELECT '%%', '%s', 7 % 4")).toEqual([["%%", "%s", 3]])
            expect(yield* executed(`SELECT name FROM ${t} WHERE name LIKE 'A%' AND id = ?`, [1])).toEqual([["Ada"]])
            expect(yield* executed(`SELECT name FROM ${t} WHERE name LIKE 'A%%' AND id = %s`, [1])).toEqual([["Ada"]])
            expect(yield* executed("SELECT 7 %% 4, %s", [1])).toEqual([[3, 1]])
            expect(yield* executed("SELECT '%s' AS a, %s AS b /* %s */ -- %s\n", [1])).toEqual([["%s", 1]])
          })
      )
    }

    withStyle("pyformat", "refuses markers of two styles in one text", () =>
      Effect.gen(function* () {
        for (const [text, parameters] of [
          ["SELECT %s, ?", [1, 2]],
          ["SELECT %s, %(a)s", [1, 2]],
          ["SELECT %(a)s, :a", { a: 1 }]
        ] as const) {
          const error = yield* Effect.flip(Engine.execute(text, parameters))
          expect([text, error]).toMatchObject([text, { _tag: "ArgumentError", argument: "statement" }])
        }
      })
    )

    withEngine(backend, "is off where it is not given", () =>
      Effect.gen(function* () {
        expect(yield* Effect.flip(Engine.execute("SELECT %s", [1]))).toMatchObject({
          _tag: "ArgumentError",
          argument: "parameters"
        })
        const first = yield* Effect.map(Engine.Engine, ({ dialect }) => dialect)
        const second = yield* Effect.provide(
          Effect.map(Engine.Engine, ({ dialect }) => dialect),
          engineLayer(backend, { paramstyle: "named" })
        )
        expect(second).toBe(first)
        const variant = Effect.provide(
          Effect.map(Engine.Engine, ({ dialect }) => dialect),
          engineLayer(backend, { paramstyle: "format" })
        )
        // What is known of a text is known once for all engines with the same options.
        expect(yield* variant).toBe(yield* variant)
        expect(yield* variant).not.toBe(first)
      })
    )
  })
}

const formsContract = (backend: Backend): void => {
  describe("The forms of parameters that aiomysql takes", () => {
    withEngine(
      backend,
      "are one array or object for a set, and an array of them for several",
      () =>
        Effect.gen(function* () {
          const t = yield* table("a INTEGER, b INTEGER")
          const all = Effect.zipLeft(executed(`SELECT a, b FROM ${t} ORDER BY a`), Engine.execute(`DELETE FROM ${t}`))
          const positional = `INSERT INTO ${t} VALUES (%s, %s)`
          const named = `INSERT INTO ${t} VALUES (%(a)s, %(b)s)`
          const one = [[1, 2]]
          const two = [
            [1, 2],
            [3, 4]
          ]
          // execute(query)
          expect(yield* executed("SELECT 1")).toEqual([[1]])
          // execute(query, (1, 2)) and execute(query, [1, 2])
          yield* Engine.execute(positional, [1, 2])
          expect(yield* all).toEqual(one)
          // execute(query, [(1, 2), (3, 4)]), and execute(query, (1, 2), (3, 4))
          yield* Engine.execute(positional, two)
          expect(yield* all).toEqual(two)
          // execute(query, {"a": 1, "b": 2}) and execute(query, a=1, b=2)
          yield* Engine.execute(named, { a: 1, b: 2 })
          expect(yield* all).toEqual(one)
          // execute(query, [{"a": 1, "b": 2}, {"a": 3, "b": 4}]), and with the two as arguments
          yield* Engine.execute(named, [
            { a: 1, b: 2 },
            { a: 3, b: 4 }
          ])
          expect(yield* all).toEqual(two)
          // execute(query, 1, 2): values are an array here, and one by itself is refused
          for (const value of [1, "1", true, new Date(0)]) {
            const error = yield* Effect.flip(Engine.execute(`SELECT %s`, value as never))
            expect(error).toMatchObject({ _tag: "ArgumentError", argument: "parameters" })
          }
          // execute(query, []) executes without parameters there; here an empty list of sets does nothing
          expect((yield* Engine.execute(positional, [])).rowCount).toBe(0)
          expect(yield* all).toEqual([])
          expect(yield* executed("SELECT 1", [])).toEqual([[1]])
        }),
      { paramstyle: "pyformat" }
    )
  })
}

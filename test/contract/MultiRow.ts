// Cases for multi-row statements: one statement with many rows does what it does executed for each row by itself.
import { describe, expect } from "@effect/vitest"
import { Effect, Either, FastCheck, Runtime, type Scope } from "effect"
import { Engine, type Errors, type Value } from "effect-sa"
import { type MultiRow, recognise, statementOf } from "effect-sa/MultiRow"
import { dialect as mysql } from "effect-sa/mysql/MysqlDialect"
import { dialect as sqlite } from "effect-sa/sqlite/SqliteDialect"
import { type Backend, table, withEngine } from "../support/Backend.js"

type Set = ReadonlyArray<Value.Parameter>

/** A statement of the generator's, for a table called NAME, and sets of parameters for it. */
interface Case {
  readonly sql: string
  readonly sets: ReadonlyArray<Set>
}

/** SQL in which `~` is a place where white space and comments may stand, and what is bound to its markers. */
interface Expression {
  readonly sql: string
  readonly binds: ReadonlyArray<"text" | "integer">
}

const of = (sql: string, ...binds: Expression["binds"]): Expression => ({ sql, binds })

const nasty = FastCheck.array(
  FastCheck.constantFrom(
    "?",
    ")",
    "(",
    "'",
    '"',
    "`",
    "\\",
    ",",
    "--",
    "#",
    "/*",
    "*/",
    ";",
    "é😀",
    "a",
    "B",
    "\n",
    "%s"
  ),
  { maxLength: 8 }
).map((parts) => parts.join(""))

const grammarOf = (backend: Backend) => (backend.name === "sqlite" ? sqlite : mysql)

const casesOf = (backend: Backend) => {
  const isSqlite = backend.name === "sqlite"
  const quote = isSqlite ? '"' : "`"
  const gaps = FastCheck.constantFrom(
    " ",
    "\n",
    "\t ",
    " /* ) ? ' */ ",
    " -- it's ) ?, (\n",
    "/**/",
    " /* -- */ ",
    ...(isSqlite ? [" --'\n"] : [' # "?) \n'])
  )
  const literal = nasty.map((text) => {
    // Where a backslash escapes, an even number of them stands for itself whatever the session's mode is.
    const escaped = isSqlite ? text : text.replaceAll("\\", "\\\\")
    return of(`'${escaped.replaceAll("~", "").replaceAll("'", "''")}'`)
  })
  const marker = (bind: "text" | "integer") => FastCheck.constant(of("?", bind))
  const joined = (
    make: (...parts: ReadonlyArray<string>) => string,
    ...parts: ReadonlyArray<FastCheck.Arbitrary<Expression>>
  ): FastCheck.Arbitrary<Expression> =>
    FastCheck.tuple(...parts).map((expressions) =>
      of(make(...expressions.map(({ sql }) => sql)), ...expressions.flatMap(({ binds }) => binds))
    )
  const { text, integer } = FastCheck.letrec<{ text: Expression; integer: Expression }>((tie) => {
    const text = tie("text")
    const integer = tie("integer")
    return {
      text: FastCheck.oneof(
        { maxDepth: 3 },
        marker("text"),
        literal,
        FastCheck.constantFrom(of("NULL"), of("x'29'"), of("X'273f'")),
        joined((a) => `(~${a}~)`, text),
        joined((a, b) => `COALESCE(~${a}~,~${b})`, text, text),
        joined((a, b) => (isSqlite ? `(${a}~||~${b})` : `concat(${a}~,~${b}~)`), text, text),
        joined((a, b, c) => `CASE~WHEN~${a}~>~3~THEN~${b}~ELSE~${c}~END`, integer, text, text),
        joined((a) => `CAST(${a}~AS~${isSqlite ? "TEXT" : "CHAR(100)"})`, text),
        joined((a, b) => `Replace(${a},~${b},~'(')`, text, literal),
        joined((a) => `SUBSTR(~${a}~,~1,~3~)`, text),
        joined((a) => `NULLIF(${a},~')')`, text),
        joined((a) => `TRIM(${a})`, text)
      ),
      integer: FastCheck.oneof(
        { maxDepth: 3 },
        marker("integer"),
        FastCheck.constantFrom(of("1"), of("-~12"), of("NULL"), of("0x1F"), of("1.5e1")),
        joined((a) => `(~${a}~)`, integer),
        joined((a, b) => `(${a}~+~${b})`, integer, integer),
        joined((a) => `LENGTH(${a})`, text),
        joined((a, b) => `COALESCE(${a},~${b})`, integer, integer),
        joined((a, b) => `(${a}~IN~(~${b}~,~3~))`, integer, integer),
        joined((a) => `(${a}~IS~NOT~NULL)`, text),
        joined((a) => `ABS(${a})`, integer)
      )
    }
  })

  const collide = {
    heads: isSqlite
      ? ["INSERT~OR~REPLACE~INTO", "INSERT~OR~IGNORE~INTO", "REPLACE~INTO"]
      : ["INSERT~IGNORE~INTO", "insert~low_priority~ignore", "REPLACE~INTO", "REPLACE"],
    tails: ["", ";", "~;~-- the end; ?)", "~/* ) */"]
  }
  const update = isSqlite
    ? [
        "ON~CONFLICT~(k)~DO~UPDATE~SET~n~=~excluded.n~,~q_values_q~=~Coalesce(excluded.q_values_q,~'),(?')~||~'.'",
        "ON~CONFLICT~DO~NOTHING",
        "ON~CONFLICT(k)~DO~UPDATE~SET~n~=~coalesce(n,~0)~+~1~WHERE~(excluded.n~>~2)"
      ]
    : [
        "ON~DUPLICATE~KEY~UPDATE~n~=~VALUES(n)~,~q_values_q~=~LEFT(CONCAT(q_values_q,~VALUES(q_values_q),~'),('),~100)",
        "on~duplicate~key~update~n~=~IF(~VALUES(~n~)~>~n,~values~(n),~n)",
        "ON~DUPLICATE~KEY~UPDATE~n~=~COALESCE(n,~0)~+~1"
      ]
  const returning = backend.returning ? "RETURNING~k,~n~,~q_values_q~AS~v" : ""
  const shape = FastCheck.oneof(
    FastCheck.record({
      head: FastCheck.constantFrom("INSERT~INTO", isSqlite ? "INSERT~OR~ABORT~INTO" : "INSERT~HIGH_PRIORITY~INTO"),
      tail: FastCheck.constantFrom(...collide.tails, `~${returning}`, `~${returning}~;`),
      collides: FastCheck.constant(false)
    }),
    FastCheck.record({
      head: FastCheck.constantFrom(...collide.heads),
      tail: FastCheck.constantFrom(...collide.tails, `~${returning}`),
      collides: FastCheck.constant(true)
    }),
    FastCheck.record({
      head: FastCheck.constantFrom("INSERT~INTO", "insert~into"),
      tail: FastCheck.tuple(FastCheck.constantFrom(...update), FastCheck.constantFrom("", ";", `~${returning}`)).map(
        ([first, last]) => `~${first}~${last}`
      ),
      collides: FastCheck.constant(true)
    })
  )
  const parameter = {
    text: FastCheck.oneof(nasty, FastCheck.constant(null)),
    integer: FastCheck.oneof(FastCheck.integer({ min: -5, max: 9 }), FastCheck.constant(null))
  }
  const cases: FastCheck.Arbitrary<Case> = FastCheck.tuple(
    shape,
    text,
    integer,
    FastCheck.array(gaps, { minLength: 1, maxLength: 7 }),
    FastCheck.constantFrom("NAME", `${quote}NAME${quote}`, ...(isSqlite ? ["`NAME`", "[NAME]", "main.NAME"] : [])),
    FastCheck.constantFrom("VALUES", "values", ...(isSqlite ? [] : ["VALUE"]))
  ).chain(([{ head, tail, collides }, a, n, between, name, values]) => {
    const template = `${head}~NAME_~(k,~q_values_q~,~n)~${values}~(~?~,~${a.sql}~,~${n.sql}~)${tail}`
    let gap = 0
    const sql = template
      .replace("NAME_", name)
      .replaceAll("q_values_q", `${quote}values${quote}`)
      .replaceAll("~", () => between[gap++ % between.length]!)
    const key = collides
      ? FastCheck.array(FastCheck.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 })
      : FastCheck.uniqueArray(FastCheck.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 12 })
    return key.chain((keys) => {
      const rest = FastCheck.tuple(...[...a.binds, ...n.binds].map((bind) => parameter[bind]))
      return FastCheck.tuple(...keys.map((k) => rest.map((values) => [k, ...values]))).map((sets) => ({ sql, sets }))
    })
  })
  return cases
}

type Body = Effect.Effect<void, unknown, Engine.Engine | Scope.Scope>

/** What the statement must say to be what this test is about. */
const recognised = (sql: string, backend: Backend): MultiRow => {
  const parts = recognise(sql, grammarOf(backend))
  if (parts === undefined) throw new Error(`not recognised: ${sql}`)
  return parts
}

interface Outcome {
  readonly count: number
  readonly returned: ReadonlyArray<ReadonlyArray<unknown>>
}

const inOne = (sql: string, sets: ReadonlyArray<Set>, backend: Backend) =>
  Effect.map(
    Engine.execute(statementOf(recognised(sql, backend), sets.length), sets.flat()),
    (result): Outcome => ({ count: result.rowCount, returned: result.rows.map((row) => [...row]) })
  )

const oneByOne = (sql: string, sets: ReadonlyArray<Set>) =>
  Effect.map(
    Effect.forEach(sets, (set) => Engine.execute(sql, set)),
    (results): Outcome => ({
      count: results.reduce((sum, { rowCount }) => sum + rowCount, 0),
      returned: results.flatMap(({ rows }) => rows.map((row) => [...row]))
    })
  )

const tagOf = (error: Errors.ExecuteError): string => error._tag

const contents = (
  name: string,
  columns: string
): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(Engine.execute(`SELECT ${columns} FROM ${name} ORDER BY id`), ({ rows }) => rows.map((row) => [...row]))

export const multiRowContract = (backend: Backend, runs: number): void => {
  const isSqlite = backend.name === "sqlite"
  const withTest = (title: string, body: () => Body): void => withEngine(backend, title, body, {}, 120_000)
  const charset = isSqlite ? "" : " CHARACTER SET utf8mb4"

  describe("a multi-row statement", () => {
    withTest("leaves and returns what the statement for each of its rows does, however it is written", () =>
      Effect.gen(function* () {
        const values = isSqlite ? '"values"' : "`values`"
        const columns = `id ${backend.autoIncrement}, k INTEGER UNIQUE, ${values} VARCHAR(400)${charset}, n INTEGER`
        const one = yield* table(columns)
        const many = yield* table(columns)
        const runtime = yield* Effect.runtime<Engine.Engine>()
        const cases = casesOf(backend)
        const seen = { executed: 0, returned: 0, fewer: 0 }
        const body = ({ sql, sets }: Case) =>
          Effect.gen(function* () {
            yield* Engine.execute(`DELETE FROM ${one}`)
            yield* Engine.execute(`DELETE FROM ${many}`)
            expect(statementOf(recognised(sql, backend), 1)).toBe(sql)
            const expected = yield* Effect.either(oneByOne(sql.replace("NAME", one), sets))
            const found = yield* Effect.either(inOne(sql.replace("NAME", many), sets, backend))
            if (Either.isLeft(expected)) {
              // What a row cannot hold, many rows cannot hold either.
              expect(Either.mapLeft(found, tagOf)).toEqual(Either.mapLeft(expected, tagOf))
              return
            }
            expect(found).toEqual(expected)
            const left = yield* contents(one, `k, ${values}, n`)
            expect(yield* contents(many, `k, ${values}, n`)).toEqual(left)
            seen.executed++
            if (expected.right.returned.length > 0) seen.returned++
            if (left.length < sets.length) seen.fewer++
          })
        yield* Effect.promise(() =>
          FastCheck.assert(
            FastCheck.asyncProperty(cases, (each) => Runtime.runPromise(runtime)(body(each))),
            { numRuns: runs }
          )
        )
        // The generator makes what this is about: statements that run, keys that collide, and rows that come back.
        expect(seen.executed).toBeGreaterThan(runs / 2)
        expect(seen.fewer).toBeGreaterThan(runs / 20)
        if (backend.returning) expect(seen.returned).toBeGreaterThan(runs / 20)
      })
    )

    withTest("numbers its rows in their order", () =>
      Effect.gen(function* () {
        const name = yield* table(`id ${backend.autoIncrement}, n INTEGER`)
        const sets = Array.from({ length: 500 }, (_, i) => [i * 7])
        yield* inOne(`INSERT INTO ${name} (n) VALUES (?)`, sets, backend)
        expect(yield* contents(name, "n")).toEqual(sets)
      })
    )

    withTest("updates a row that it has inserted itself", () =>
      Effect.gen(function* () {
        const name = yield* table("id INTEGER PRIMARY KEY, n INTEGER")
        const update = isSqlite
          ? `ON CONFLICT (id) DO UPDATE SET n = ${name}.n * 10 + excluded.n`
          : `ON DUPLICATE KEY UPDATE n = n * 10 + VALUES(n)`
        const sets = [
          [1, 1],
          [1, 2],
          [2, 5],
          [1, 3]
        ]
        yield* inOne(`INSERT INTO ${name} VALUES (?, ?) ${update}`, sets, backend)
        expect(yield* contents(name, "id, n")).toEqual([
          [1, 123],
          [2, 5]
        ])
      })
    )

    withTest("makes up a value for each of its rows where the statement does", () =>
      Effect.gen(function* () {
        const name = yield* table(`id ${backend.autoIncrement}, n INTEGER, u VARCHAR(40)`)
        const made = isSqlite ? "hex(randomblob(16))" : "UUID()"
        const sets = Array.from({ length: 20 }, (_, i) => [i])
        yield* inOne(`INSERT INTO ${name} (n, u) VALUES (?, ${made})`, sets, backend)
        const { rows } = yield* Engine.execute(`SELECT COUNT(DISTINCT u) FROM ${name}`)
        expect(rows.map((row) => [...row])).toEqual([[20]])
      })
    )

    withTest("leaves nothing of its rows behind when one of them fails", () =>
      Effect.gen(function* () {
        const name = yield* table("id INTEGER PRIMARY KEY")
        const error = yield* Effect.flip(inOne(`INSERT INTO ${name} VALUES (?)`, [[1], [2], [1], [3]], backend))
        expect(error._tag).toBe("IntegrityError")
        expect(yield* contents(name, "id")).toEqual([])
      })
    )

    if (!isSqlite) {
      withTest("updates rows that it has inserted itself, numbers and all", () =>
        Effect.gen(function* () {
          const columns = `id ${backend.autoIncrement}, k INTEGER UNIQUE, n INTEGER DEFAULT 0`
          const [one, many] = [yield* table(columns), yield* table(columns)]
          const sql = (name: string) =>
            `INSERT INTO ${name} (k) VALUES (?) ON DUPLICATE KEY UPDATE id = VALUES(id), n = n + 1`
          const sets = [[1], [2], [1], [1], [3], [2]]
          yield* oneByOne(sql(one), sets)
          yield* inOne(sql(many), sets, backend)
          expect(yield* contents(many, "k, n")).toEqual(yield* contents(one, "k, n"))
        })
      )
    }
  })
}

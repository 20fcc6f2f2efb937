// The chemical elements in a database, and a small laboratory that keeps some of them.
//
// It needs nothing installed: without DATABASE_URL the database is an embedded SQLite in memory. The same program runs
// on a server:
//
//   DATABASE_URL=mysql://user:password@localhost:3306/test npm run quickstart
//
// It makes two tables, lab_element and lab_shelf, and drops them at its end.
import { readFileSync } from "node:fs"
import { Chunk, Config, Console, Data, Effect, Option, Redacted, Schema, Stream } from "effect"
import { Engine, Errors, Result, Statement } from "effect-sa"

// The engine: a pool of connections and what is particular to the database. Only this line knows which database it is.
const EngineLive = Engine.layerConfig({
  url: Config.redacted("DATABASE_URL").pipe(Config.withDefault(Redacted.make("sqlite::memory:")))
})

const dropTables = Effect.gen(function* () {
  yield* Engine.execute("DROP TABLE IF EXISTS lab_shelf")
  yield* Engine.execute("DROP TABLE IF EXISTS lab_element")
})

// "group" is a reserved word of MySQL, so the group of the periodic table is a family here.
const createTables = Effect.gen(function* () {
  yield* dropTables
  yield* Engine.execute(`
    CREATE TABLE lab_element (
      number INT NOT NULL PRIMARY KEY,
      symbol VARCHAR(3) NOT NULL UNIQUE,
      name VARCHAR(20) NOT NULL,
      mass DECIMAL(12, 9) NOT NULL,
      family INT,
      period INT NOT NULL,
      discovered INT,
      state VARCHAR(10) NOT NULL
    )`)
  yield* Engine.execute(`
    CREATE TABLE lab_shelf (
      label VARCHAR(10) NOT NULL PRIMARY KEY,
      element INT NOT NULL,
      grams INT NOT NULL,
      FOREIGN KEY (element) REFERENCES lab_element (number),
      CONSTRAINT enough_grams CHECK (grams >= 0)
    )`)
})

const NumberOrNull = Schema.Union(Schema.transformLiteral("", null), Schema.NumberFromString)

// The mass stays text on its way in: a DECIMAL holds every digit of it, a JavaScript number might not.
const Element = Schema.Struct({
  number: Schema.NumberFromString,
  symbol: Schema.String,
  name: Schema.String,
  mass: Schema.String,
  family: NumberOrNull,
  period: Schema.NumberFromString,
  discovered: NumberOrNull,
  state: Schema.Literal("solid", "liquid", "gas", "unknown")
})

const readElements = Effect.gen(function* () {
  const csv = yield* Effect.try(() => readFileSync(new URL("./data/elements.csv", import.meta.url), "utf8"))
  const [, ...lines] = csv.trim().split(/\r?\n/) // the first is the header
  const rows = lines.map((line) => {
    const [number, symbol, name, mass, family, period, discovered, state] = line.split(",")
    return { number, symbol, name, mass, family, period, discovered, state }
  })
  return yield* Schema.decodeUnknown(Schema.Array(Element))(rows)
})

// An array of parameter sets executes its statement for each of them; the transaction makes it all of them or none.
const load = Effect.gen(function* () {
  const elements = yield* readElements
  const { rowCount } = yield* Engine.transaction(
    Engine.execute(
      `INSERT INTO lab_element (number, symbol, name, mass, family, period, discovered, state)
       VALUES (:number, :symbol, :name, :mass, :family, :period, :discovered, :state)`,
      elements
    )
  )
  yield* say("loaded", `${rowCount} elements`)
})

// A statement can carry the type of its rows, as the program's word for what the database returns …
const byState = Statement.text<{ readonly name: string; readonly symbol: string }>(
  "SELECT name, symbol FROM lab_element WHERE state = :state ORDER BY number"
)

// … and a schema checks it. DECIMAL arrives as text, so that no digit is lost; the schema makes it a number.
const Weighed = Schema.Struct({ name: Schema.String, mass: Schema.NumberFromString })

const ask = Effect.gen(function* () {
  // The one value of the one row; None if there were no row.
  const ancient = yield* Engine.scalar<{ n: number }>(
    "SELECT COUNT(*) AS n FROM lab_element WHERE discovered IS NULL"
  ).pipe(Effect.map(Option.getOrElse(() => 0)))
  yield* say("known since antiquity", `${ancient} elements`)

  const liquids = yield* Engine.execute(byState, { state: "liquid" })
  yield* say("liquid", liquids.rows.map((row) => `${row.name} (${row.symbol})`).join(", "))

  const heaviest = yield* Engine.execute(
    "SELECT name, mass FROM lab_element WHERE state = ? ORDER BY mass DESC LIMIT 3",
    ["gas"]
  ).pipe(Effect.flatMap(Result.decode(Weighed)))
  yield* say("heaviest gases", heaviest.map(({ name, mass }) => `${name} ${mass.toFixed(1)}`).join(", "))
})

// A transaction: both updates, or neither when it fails or is interrupted.
const move = (grams: number, from: string, to: string) =>
  Engine.transaction(
    Effect.gen(function* () {
      yield* Engine.execute("UPDATE lab_shelf SET grams = grams + :grams WHERE label = :to", { grams, to })
      yield* Engine.execute("UPDATE lab_shelf SET grams = grams - :grams WHERE label = :from", { grams, from })
      return `${grams} g from ${from} to ${to}`
    })
  )

// A type can be given in place, too.
const stock = Engine.execute<{ label: string; grams: number }>(
  "SELECT label, grams FROM lab_shelf ORDER BY label DESC"
).pipe(Effect.map((result) => result.rows.map((row) => `${row.label} ${row.grams} g`).join(", ")))

const moveGold = Effect.gen(function* () {
  const gold = 79
  yield* Engine.execute("INSERT INTO lab_shelf (label, element, grams) VALUES (?, ?, ?)", [
    ["cabinet", gold, 80],
    ["bench", gold, 5]
  ])
  yield* say("before", yield* stock)
  yield* say("moved", yield* move(30, "cabinet", "bench"))
  yield* say("after", yield* stock)

  // The bench has its 500 g already when the cabinet turns out not to have them. The rollback takes them back.
  const outcome = yield* move(500, "cabinet", "bench").pipe(
    Errors.catchReason("CheckViolation", (error) => Effect.succeed(`refused by the constraint ${error.constraint}`))
  )
  yield* say("500 g more", outcome)
  yield* say("still", yield* stock)
})

class SymbolTaken extends Data.TaggedError("SymbolTaken")<{ readonly symbol: string }> {}

// What is left in the error channel after this says SymbolTaken, and UniqueViolation no more.
const discover = (number: number, symbol: string, name: string) =>
  Engine.execute(
    "INSERT INTO lab_element (number, symbol, name, mass, period, state) VALUES (?, ?, ?, 299, 8, 'unknown')",
    [number, symbol, name]
  ).pipe(
    Effect.as(`${name} is new`),
    Errors.catchReason("UniqueViolation", () => Effect.fail(new SymbolTaken({ symbol })))
  )

const nameAnother = discover(119, "Au", "Aurorium").pipe(
  Effect.catchTag("SymbolTaken", ({ symbol }) => Effect.succeed(`${symbol} is taken`)),
  Effect.flatMap((outcome) => say("Aurorium", outcome))
)

// The whole table row by row, in bounded memory: drawn a period at a time, and counted.
const drawTable = Engine.stream<{ symbol: string; family: number | null; period: number }>(
  "SELECT symbol, family, period FROM lab_element ORDER BY number"
).pipe(
  Stream.groupAdjacentBy((row) => row.period),
  Stream.tap(([period, rows]) => {
    const cells = Array.from({ length: 18 }, () => "  ")
    for (const { family, symbol } of rows) if (family !== null) cells[family - 1] = symbol.padEnd(2)
    // The lanthanides and actinides have no family: a wall chart has them below the table, this one counts them beside.
    const others = Chunk.filter(rows, (row) => row.family === null).length
    const beside = others === 0 ? "" : ` + ${others} more`
    return Console.log(`  ${period}  ${cells.join(" ")}${beside}`.trimEnd())
  }),
  Stream.runFold(0, (total, [, rows]) => total + rows.length),
  Effect.flatMap((total) => say("streamed", `${total} rows`))
)

const bold = (text: string) => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text)
const section = (title: string) => Console.log(`\n${bold(title)}`)
const say = (what: string, text: string) => Console.log(`  ${what.padEnd(22)} ${text}`)

const program = Effect.gen(function* () {
  const { address, dialect } = yield* Engine.Engine
  yield* Console.log(`${bold("The elements")} in ${dialect.name} at ${address}`)
  yield* section("Loading the table")
  yield* load
  yield* section("Asking")
  yield* ask
  yield* section("Moving gold")
  yield* moveGold
  yield* section("Naming a new element")
  yield* nameAnother
  yield* section("The periodic table, streamed")
  yield* drawTable
})

// Whatever becomes of the program, the tables are dropped, and the layer's end closes the connections. An error that is
// left is shown in one line, without the values that were sent.
const main = Effect.acquireUseRelease(
  createTables,
  () => program,
  () => Effect.orDie(dropTables)
).pipe(
  Effect.provide(EngineLive),
  Effect.catchAll((error) => {
    process.exitCode = 1
    return Console.error(Errors.render(error))
  })
)

await Effect.runPromise(main)

// What the types promise, held by the compiler: test/types/types.test.ts compiles this file.
import type { FileSystem } from "@effect/platform"
import { type Cause, type Context, Data, Effect, type Layer, type Option, type Scope, Stream } from "effect"
import {
  Connection,
  Cursor,
  Engine,
  Errors,
  Options,
  Pool,
  Result,
  type SAConnection,
  Statement,
  Transaction,
  type Value
} from "effect-sa"

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>(): void => {}

type ErrorOf<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never
type RequirementOf<T> = T extends Effect.Effect<unknown, unknown, infer R> ? R : never
type ValueOf<T> = T extends Effect.Effect<infer A, unknown, unknown> ? A : never

// ---- statements name just what they can fail with -------------------------------------------------------------------

const select = Engine.execute<{ readonly id: number; readonly name: string }>("SELECT id, name FROM person")
holds<Equal<ErrorOf<typeof select>, Errors.ExecuteError>>()
holds<Equal<RequirementOf<typeof select>, Engine.Engine>>()
holds<Equal<ValueOf<typeof select>, Result.Result<{ readonly id: number; readonly name: string }>>>()

holds<
  Equal<
    Errors.ExecuteError["_tag"],
    | "InterfaceError"
    | "DataError"
    | "OperationalError"
    | "IntegrityError"
    | "InternalError"
    | "ProgrammingError"
    | "NotSupportedError"
    | "ArgumentError"
    | "InvalidRequestError"
    | "PoolTimeoutError"
    | "PoolClosedError"
  >
>()

// ---- rows ------------------------------------------------------------------------------------------------------------

const first = Effect.map(select, (result) => result.first)
type Person = ValueOf<typeof first> extends Option.Option<infer R> ? R : never
declare const person: Person
holds<Equal<typeof person.name, string>>()
holds<Equal<(typeof person)[0], unknown>>()
// @ts-expect-error a row is read only
person.name = "Bob"
// @ts-expect-error a row of a typed statement has the columns of its type, and no others
person.age

const name = Result.Row.get(person, "name")
holds<Equal<ValueOf<typeof name>, string>>()
const anything = Result.Row.get(person, "whatever it is")
holds<Equal<ValueOf<typeof anything>, unknown>>()
holds<Equal<ErrorOf<typeof anything>, Errors.NoSuchColumnError | Errors.InvalidRequestError>>()

const typed = Statement.text<{ readonly n: bigint }>("SELECT n FROM t WHERE id = :id")
const typedResult = Engine.execute(typed, { id: 1 })
holds<Equal<ValueOf<typeof typedResult>, Result.Result<{ readonly n: bigint }>>>()
const scalar = Engine.scalar(typed, { id: 1 })
holds<Equal<ValueOf<typeof scalar>, Option.Option<bigint>>>()
const streamed = Engine.stream(typed, { id: 1 })
holds<Equal<typeof streamed, Stream.Stream<Result.Row<{ readonly n: bigint }>, Errors.ExecuteError, Engine.Engine>>>()

// ---- parameters --------------------------------------------------------------------------------------------------------

Engine.execute("SELECT ?", [1, "a", null, true, 1n, new Date(), new Uint8Array(), { json: [1, { a: null }] }])
Engine.execute("SELECT :a", { a: 1 })
Engine.execute("SELECT ?", [[1], [2]])
Engine.execute("SELECT :a", [{ a: 1 }, { a: 2 }])
// @ts-expect-error undefined cannot be bound
Engine.execute("SELECT ?", [undefined])
// @ts-expect-error a function cannot be bound
Engine.execute("SELECT ?", [() => 1])
// @ts-expect-error a number is no statement
Engine.execute(1)
// @ts-expect-error an option that is not known
Engine.execute("SELECT 1", [], { integer: "bigint" })
const parameter: Value.Parameter = [1, "two", { three: 3 }]
void parameter

declare const data: Stream.Stream<Uint8Array | string, Error>
declare const dataThatNeeds: Stream.Stream<string, never, Value.ValueOptions>
const loaded = Engine.execute(Statement.loadData("LOAD DATA LOCAL INFILE 'a' INTO TABLE t", data, { a: 1 }))
holds<Equal<ErrorOf<typeof loaded>, Errors.ExecuteError>>()
// @ts-expect-error what the stream needs has to be provided before
Statement.loadData("LOAD DATA LOCAL INFILE 'a' INTO TABLE t", dataThatNeeds)
// @ts-expect-error numbers are neither bytes nor text
Statement.loadData("LOAD DATA LOCAL INFILE 'a' INTO TABLE t", Stream.make(1))

// ---- transactions --------------------------------------------------------------------------------------------------------

class Broke extends Data.TaggedError("Broke")<{ readonly cents: number }> {}

const inTransaction = Effect.flatMap(Transaction.Transaction, () => Effect.fail(new Broke({ cents: 1 })))
holds<Equal<RequirementOf<typeof inTransaction>, Transaction.Transaction>>()
const transaction = Engine.transaction(inTransaction, { retry: Transaction.retryDeadlocks({ times: 3 }) })
holds<Equal<RequirementOf<typeof transaction>, Engine.Engine>>()
holds<Equal<ErrorOf<typeof transaction>, Broke | Errors.ExecuteError>>()
// @ts-expect-error there is no such level
Engine.transaction(Effect.void, { isolationLevel: "chaos" })

// ---- catching by reason ----------------------------------------------------------------------------------------------------

const caught = select.pipe(
  Errors.catchReason("UniqueViolation", (error) => {
    holds<Equal<typeof error._tag, "IntegrityError">>()
    holds<Equal<typeof error.reason, "UniqueViolation">>()
    return Effect.fail(new Broke({ cents: 2 }))
  })
)
type AfterCatch = Extract<ErrorOf<typeof caught>, { readonly _tag: "IntegrityError" }>["reason"]
holds<Equal<AfterCatch, Exclude<Errors.IntegrityReason, "UniqueViolation">>>()
holds<Equal<Extract<ErrorOf<typeof caught>, Broke>, Broke>>()
// @ts-expect-error no error has this reason
Errors.catchReason(select, "NoSuchReason", () => Effect.void)

const byTag = select.pipe(Effect.catchTag("IntegrityError", () => Effect.succeed("taken" as const)))
holds<Equal<Extract<ErrorOf<typeof byTag>, { readonly _tag: "IntegrityError" }>, never>>()

declare const notSupported: Effect.Effect<number, Errors.NotSupportedError>
const allReasonsCaught = notSupported.pipe(Errors.catchReason("NotSupported", () => Effect.succeed("no")))
holds<Equal<ErrorOf<typeof allReasonsCaught>, never>>()

// ---- layers -----------------------------------------------------------------------------------------------------------------

const live = Engine.layer({ url: "sqlite::memory:" })
holds<Equal<typeof live, Layer.Layer<Engine.Engine, Errors.ConnectError | Errors.ArgumentError>>>()
const poolLive = Pool.layer({})
holds<Equal<typeof poolLive, Layer.Layer<Pool.Pool, Errors.ConnectError | Errors.ArgumentError>>>()
holds<
  Equal<typeof Engine.connectionLayer, Layer.Layer<SAConnection.SAConnection, Errors.AcquireError, Engine.Engine>>
>()

class Orders extends Engine.Service<Orders>()("app/Orders") {}
const orders = Orders.execute("SELECT 1")
holds<Equal<RequirementOf<typeof orders>, Orders>>()
holds<Equal<Context.Tag.Service<typeof Orders>, Engine.Engine>>()

const connection = Connection.make({})
holds<Equal<RequirementOf<typeof connection>, Scope.Scope>>()
// @ts-expect-error an option that is not known
Connection.make({ hots: "localhost" })

// ---- cursors ----------------------------------------------------------------------------------------------------------------

declare const handle: Connection.Connection
const tuples = Cursor.make(handle)
holds<Equal<typeof tuples, Effect.Effect<Cursor.Cursor<Cursor.Tuple>, Errors.ArgumentError, Scope.Scope>>>()
const unbuffered = Cursor.make(handle, { buffered: false, arraySize: 100, integers: "bigint", json: "text" })
holds<Equal<ValueOf<typeof unbuffered>, Cursor.Cursor<Cursor.Tuple>>>()
const alsoTuples = Cursor.make(handle, { rows: "tuple" })
holds<Equal<ValueOf<typeof alsoTuples>, Cursor.Cursor<Cursor.Tuple>>>()
const dicts = Cursor.make(handle, { rows: "dict", buffered: false })
holds<Equal<ValueOf<typeof dicts>, Cursor.Cursor<Cursor.Dict>>>()
declare const either: Cursor.Options
const rowsOfEither = Cursor.make(handle, either)
holds<Equal<ValueOf<typeof rowsOfEither>, Cursor.Cursor<Cursor.Tuple | Cursor.Dict>>>()
// @ts-expect-error rows are tuples or dicts
Cursor.make(handle, { rows: "list" })
// @ts-expect-error an option that is not known
Cursor.make(handle, { bufferd: true })

declare const tupleCursor: ValueOf<typeof tuples>
declare const dictCursor: ValueOf<typeof dicts>
holds<Equal<typeof tupleCursor.fetchOne, Effect.Effect<Option.Option<ReadonlyArray<unknown>>, Errors.StatementError>>>()
holds<Equal<ValueOf<typeof dictCursor.fetchOne>, Option.Option<{ readonly [column: string]: unknown }>>>()
holds<Equal<ValueOf<ReturnType<typeof dictCursor.fetchMany>>, ReadonlyArray<Cursor.Dict>>>()
holds<Equal<typeof dictCursor.stream, Stream.Stream<Cursor.Dict, Errors.StatementError>>>()
// Whatever reads any row takes both.
const anyCursor: Cursor.Cursor<Cursor.Tuple | Cursor.Dict> = Math.random() < 0.5 ? tupleCursor : dictCursor
void anyCursor

tupleCursor.execute("SELECT ?", 1)
tupleCursor.execute("SELECT ?", new Date())
tupleCursor.execute("SELECT ?", null)
tupleCursor.execute("SELECT ?, ?", [1, { json: [1] }])
tupleCursor.execute("SELECT :a", { a: 1 })
tupleCursor.executeMany("SELECT ?", [1, [2], null])
tupleCursor.callProc("p", [1, null, { json: 1 }])
// @ts-expect-error a function cannot be bound
tupleCursor.execute("SELECT ?", () => 1)
// @ts-expect-error a procedure takes its parameters in an array
tupleCursor.callProc("p", 1)
// @ts-expect-error there is no such way to scroll
tupleCursor.scroll(1, "sideways")
holds<Equal<ErrorOf<ReturnType<typeof tupleCursor.mogrify>>, Statement.Refusal | Errors.ProgrammingError>>()
holds<Equal<ErrorOf<typeof tupleCursor.close>, never>>()
holds<Equal<ValueOf<typeof handle.warnings>, ReadonlyArray<Connection.Warning>>>()
const typeCodes: ReadonlyArray<Cursor.TypeCode> = ["STRING", "BINARY", "NUMBER", "DATETIME"]
void typeCodes

export type Unused = Cause.Cause<never>

// ---- options ---------------------------------------------------------------------------------------------------------

const fromFile = Options.fromFile({ readDefaultFile: "~/.my.cnf", maxSize: 5 })
holds<Equal<RequirementOf<typeof fromFile>, FileSystem.FileSystem>>()
holds<Equal<ErrorOf<typeof fromFile>, Errors.ArgumentError | Errors.OperationalError>>()
holds<Equal<ValueOf<typeof fromFile>, Options.Options>>()
Engine.layer({ isolationLevel: "read committed", initCommand: ["SET @a = 1"], tls: { verify: "ca" } })
// @ts-expect-error an isolation level is one of four
Engine.layer({ isolationLevel: "snapshot" })
// @ts-expect-error a file is read by Options.fromFile, which requires a FileSystem
Engine.layer({ readDefaultFile: "~/.my.cnf" })

// ---- values ----------------------------------------------------------------------------------------------------------

const decoders: Value.Decoders = {
  DECIMAL: (text, column) => (column.scale === 0 ? BigInt(text) : Number(text)),
  "BIGINT UNSIGNED": BigInt,
  BLOB: (bytes) => bytes.byteLength
}
Engine.layer({ decoders })
Engine.execute("SELECT 1", undefined, { decoders })
// @ts-expect-error a type has one of these names
Engine.layer({ decoders: { DECIMALS: Number } })
// @ts-expect-error bytes are no text
Engine.layer({ decoders: { BLOB: (text: string) => text } })
declare const money: Value.Bindable
declare const perhaps: Option.Option<Value.Bindable>
Engine.execute("SELECT ?, ?", [money, perhaps])
tupleCursor.execute("SELECT ?", money)
// @ts-expect-error an object of a class says what it is bound as, or is refused
Engine.execute("SELECT ?", [new Map()])
declare const aConnection: Connection.Connection
holds<Equal<ErrorOf<ReturnType<typeof aConnection.literal>>, Errors.ArgumentError | Errors.DataError>>()

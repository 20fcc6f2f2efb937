// Traps for clients of a MySQL or MariaDB server, with a pool of their own.
import { Effect, Either, Exit, Fiber, type Scope, Stream } from "effect"
import { type Admin, admin, type Rows } from "./Admin.js"
import { type Proxy, proxy } from "./Proxy.js"
import { must, mustFailTyped, told, type Trap, within } from "./Trap.js"

export type Execute = (sql: string, parameters?: ReadonlyArray<unknown>) => Effect.Effect<Rows, unknown>

/** A client under test. */
export interface Client {
  /** Executes a statement, in the transaction that it is called in, else on any connection. */
  readonly execute: Execute
  /** Every way that a client has to execute a statement with parameters. */
  readonly ways: Readonly<Record<string, Execute>>
  readonly stream: (sql: string) => Stream.Stream<unknown, unknown>
  readonly transaction: <A>(body: Effect.Effect<A, unknown>) => Effect.Effect<A, unknown>
  /** Lends one connection to a body, without a transaction. */
  readonly session: <A>(body: (execute: Execute) => Effect.Effect<A, unknown>) => Effect.Effect<A, unknown>
}

export interface ClientSubject {
  /** A server that the traps may use. */
  readonly url: string
  readonly make: (url: string, connections: number) => Effect.Effect<Client, unknown, Scope.Scope>
}

const valueOf = (rows: Rows): unknown => rows[0]?.[0]

const connectionId = ({ execute }: Client): Effect.Effect<number, unknown> =>
  Effect.map(execute("SELECT CONNECTION_ID()"), (rows) => Number(valueOf(rows)))

const ids = (look: Admin, table: string): Effect.Effect<string, Error> =>
  Effect.map(look.query(`SELECT id FROM ${table} ORDER BY id`), (rows) => rows.join(",") || "none")

const isBegin = (statement: string): boolean => /^(BEGIN|START TRANSACTION)/.test(statement)

/** Else the proxy has done nothing, and whatever was seen says nothing. */
const mustHaveBegun = ({ statements }: Proxy): Effect.Effect<void, string> =>
  statements.some(isBegin) ? Effect.void : Effect.fail("no BEGIN came by: the trap has shown nothing")

const sleepSeconds = 5
const sleeping = (marker: string): string => `SELECT SLEEP(${sleepSeconds}) AS ${marker}`

const inTime = within("4 seconds", "it had not ended after 4 s")

export const clientTraps: ReadonlyArray<Trap<ClientSubject>> = [
  {
    id: "T-01",
    title: "of nested transactions that run at the same time, one that succeeds keeps what it wrote",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const client = yield* make(url, 1)
        const insert = (id: number) => client.execute(`INSERT INTO ${t} VALUES (${id})`)
        const succeeds = client.transaction(Effect.zipRight(insert(1), Effect.sleep("200 millis")))
        const fails = client.transaction(
          Effect.sleep("50 millis").pipe(Effect.zipRight(insert(2)), Effect.zipRight(Effect.fail("on purpose")))
        )
        const [first, second] = yield* client
          .transaction(Effect.all([Effect.exit(succeeds), Effect.exit(fails)], { concurrency: "unbounded" }))
          .pipe(inTime)
        if (first._tag === "Failure" || second._tag === "Success")
          return yield* Effect.fail(`they ended with ${told(first)} and ${told(second)}: the trap has shown nothing`)
        const kept = yield* ids(look, t)
        yield* must(kept === "1", `rows after the commit: ${kept}; the one that succeeded had written 1`)
      })
  },
  {
    id: "T-02",
    title: "a connection that is killed inside a transaction is a typed failure",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const client = yield* make(url, 1)
        const body = Effect.gen(function* () {
          yield* client.execute(`INSERT INTO ${t} VALUES (1)`)
          yield* look.kill(yield* connectionId(client))
          yield* client.execute("SELECT 1")
        })
        yield* mustFailTyped(yield* Effect.exit(client.transaction(body)).pipe(inTime))
      })
  },
  {
    id: "T-02",
    title: "a COMMIT that fails is a typed failure",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const client = yield* make(url, 1)
        const body = Effect.gen(function* () {
          yield* client.execute(`INSERT INTO ${t} VALUES (1)`)
          yield* look.kill(yield* connectionId(client))
        })
        yield* mustFailTyped(yield* Effect.exit(client.transaction(body)).pipe(inTime))
      })
  },
  {
    id: "T-03",
    title: "a connection that is lost at BEGIN is a typed failure",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const between = yield* proxy(url, (statement) => (isBegin(statement) ? "cut" : "pass"))
        const client = yield* make(between.url, 1)
        const exit = yield* Effect.exit(client.transaction(client.execute(`INSERT INTO ${t} VALUES (1)`))).pipe(inTime)
        yield* mustHaveBegun(between)
        yield* mustFailTyped(exit)
      })
  },
  {
    id: "T-03",
    title: "a BEGIN that the server refuses is a typed failure without a ROLLBACK after it",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const between = yield* proxy(url, (statement) => (isBegin(statement) ? "refuse" : "pass"))
        const client = yield* make(between.url, 1)
        const exit = yield* Effect.exit(client.transaction(client.execute(`INSERT INTO ${t} VALUES (1)`))).pipe(inTime)
        yield* mustHaveBegun(between)
        yield* mustFailTyped(exit)
        const after = between.statements.filter((statement) => /^ROLLBACK/.test(statement))
        yield* must(after.length === 0, `${after[0]} was sent, though nothing had begun`)
      })
  },
  {
    id: "T-04",
    title: "a statement of one client does not run in another client's transaction",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const a = yield* make(url, 1)
        const b = yield* make(url, 1)
        const outside = yield* connectionId(b)
        const inside = yield* a.transaction(Effect.zip(connectionId(a), connectionId(b))).pipe(inTime)
        yield* must(inside[0] !== inside[1], "B's statement ran on the connection of A's transaction")
        yield* must(inside[1] === outside, "B's statement did not run on B's connection")
      })
  },
  {
    id: "T-05",
    title: "an interrupted statement returns at once, and who is next need not wait for it",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const client = yield* make(url, 1)
        const fiber = yield* Effect.fork(client.execute(sleeping("trap_interrupted")))
        yield* look.runs("trap_interrupted")
        yield* Fiber.interrupt(fiber).pipe(within("1 seconds", "the interruption had not returned after 1 s"))
        yield* client
          .execute("SELECT 1")
          .pipe(within("2 seconds", `the next statement still waited after 2 s for the sleep of ${sleepSeconds} s`))
      })
  },
  {
    id: "T-05",
    title: "a time-out inside a transaction returns when it is over",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const client = yield* make(url, 1)
        yield* Effect.timeoutOption(client.transaction(client.execute(sleeping("trap_timed_out"))), "200 millis").pipe(
          within("2 seconds", `a time-out of 200 ms had not returned after 2 s of a sleep of ${sleepSeconds} s`)
        )
      })
  },
  {
    id: "T-09",
    title: "a session variable that one borrower sets does not reach the next",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const client = yield* make(url, 1)
        const look = "SELECT @@sort_buffer_size"
        const before = yield* client.execute(look)
        yield* client.session((execute) => execute("SET SESSION sort_buffer_size = 77824"))
        const after = yield* client.execute(look).pipe(inTime)
        yield* must(
          String(valueOf(before)) === String(valueOf(after)),
          `sort_buffer_size is ${valueOf(after)} for the next borrower, it was ${valueOf(before)}`
        )
      })
  },
  ...(
    [
      ["objects as parameters are one thing", "HEX(?)", { a: 1 }, Buffer.from('{"a":1}').toString("hex").toUpperCase()],
      ["undefined parameters are one thing", "HEX(?)", undefined, undefined],
      ["bytes as parameters are not taken for text", "HEX(CONVERT(? USING latin1))", new Uint8Array([0, 255]), "00FF"],
      ["bytes as parameters arrive as they are", "HEX(?)", new Uint8Array([0, 255]), "00FF"]
    ] as const
  ).map(
    ([what, expression, value, right]): Trap<ClientSubject> => ({
      id: "T-10",
      title: `${what}, or are refused, whichever way the statement goes`,
      run: ({ url, make }) =>
        Effect.gen(function* () {
          const client = yield* make(url, 1)
          const seen: Array<readonly [way: string, what: string, isRight: boolean]> = []
          for (const [way, execute] of Object.entries(client.ways)) {
            const outcome = yield* Effect.either(execute(`SELECT ${expression}`, [value])).pipe(inTime)
            if (Either.isLeft(outcome)) seen.push([way, "refused", true])
            else {
              const found = valueOf(outcome.right)
              seen.push([way, JSON.stringify(found), right === undefined || found === right])
            }
          }
          const isOne = new Set(seen.map(([, found]) => found)).size === 1
          yield* must(
            isOne && seen.every(([, , isRight]) => isRight),
            seen.map(([way, found]) => `${way}: ${found}`).join("; ")
          )
        })
    })
  ),
  {
    id: "T-11",
    title: "a stream of which one row is taken is not read to its end",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const rows = 200_000
        const width = 200
        const digit = `(SELECT 0 UNION ALL ${Array.from({ length: 9 }, (_, i) => `SELECT ${i + 1}`).join(" UNION ALL ")})`
        const cross = ["a", "b", "c", "d", "e", "f"].map((name) => `${digit} ${name}`).join(", ")
        const between = yield* proxy(url, () => "pass")
        const client = yield* make(between.url, 1)
        yield* client.execute("SELECT 1")
        const before = between.received()
        yield* client
          .stream(`SELECT REPEAT('x', ${width}) AS v FROM ${cross} LIMIT ${rows}`)
          .pipe(Stream.take(1), Stream.runDrain)
        yield* client.execute("SELECT 2").pipe(within("5 seconds", "the connection was not free after 5 s"))
        const megabytes = (bytes: number) => Math.round(bytes / 1e6)
        const [came, all] = [between.received() - before, rows * width]
        // What stands in the buffers between both is more than a row, and far from half.
        yield* must(
          came < all / 2,
          `${megabytes(came)} of ${megabytes(all)} MB were read before the connection was free`
        )
      })
  },
  {
    id: "T-51",
    title: "a session without autocommit and its snapshot do not reach the next borrower",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const client = yield* make(url, 1)
        yield* client.session((execute) =>
          Effect.zipRight(execute("SET autocommit = 0"), execute(`SELECT count(*) FROM ${t}`))
        )
        yield* look.query(`INSERT INTO ${t} VALUES (1)`)
        const next = yield* client.execute(`SELECT @@autocommit, (SELECT count(*) FROM ${t})`).pipe(inTime)
        const [autocommit, rows] = (next[0] ?? []).map(Number)
        yield* must(
          autocommit === 1 && rows === 1,
          `the next borrower has autocommit ${autocommit} and sees ${rows} of 1 row`
        )
      })
  }
]

/** What a client does that sends the first statement of a transaction along with BEGIN. */
export const pipeliningTraps: ReadonlyArray<Trap<ClientSubject>> = [
  {
    id: "T-47",
    title: "of a transaction whose BEGIN the server refuses nothing is stored",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const between = yield* proxy(url, (statement) => (isBegin(statement) ? "refuse" : "pass"))
        const client = yield* make(between.url, 1)
        const exit = yield* Effect.exit(client.transaction(client.execute(`INSERT INTO ${t} VALUES (1)`))).pipe(inTime)
        yield* mustHaveBegun(between)
        const stored = yield* ids(look, t)
        yield* must(stored === "none", `it ended with ${told(exit)}, and stored rows: ${stored}`)
      })
  }
]

/** What a client does that knows only the logins of MySQL. */
export const mariadbTraps: ReadonlyArray<Trap<ClientSubject>> = [
  {
    id: "T-31",
    title: "an account that logs in by ed25519 is let in",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const [user, password] = [`trap_ed25519_${process.pid}`, "a password"]
        yield* look.query("INSTALL PLUGIN IF NOT EXISTS ed25519 SONAME 'auth_ed25519'")
        const via = (method: string) => `${user}@'%' IDENTIFIED VIA ${method} USING PASSWORD('${password}')`
        yield* Effect.acquireRelease(look.query(`CREATE USER ${via("mysql_native_password")}`), () =>
          Effect.ignore(look.query(`DROP USER ${user}@'%'`))
        )
        const asUser = new URL(url)
        asUser.username = user
        asUser.password = encodeURIComponent(password)
        asUser.pathname = ""
        const login = Effect.flatMap(make(asUser.href, 1), (client) => client.execute("SELECT CURRENT_USER()"))
        // Else it is not the method that keeps it out.
        yield* Effect.scoped(login)
        yield* look.query(`ALTER USER ${via("ed25519")}`)
        const exit = yield* Effect.exit(login).pipe(inTime)
        yield* must(Exit.isSuccess(exit), `it was not, and by mysql_native_password it was: ${told(exit)}`)
      })
  }
]

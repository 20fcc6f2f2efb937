// Traps for clients of a server that refuses, conflicts, ends connections, and goes away.
import { Deferred, Effect, Exit } from "effect"
import { proxy as network } from "../support/Proxy.js"
import { admin } from "./Admin.js"
import type { Client, ClientSubject } from "./client.js"
import { proxy } from "./Proxy.js"
import { must, mustFailTyped, told, type Trap, within } from "./Trap.js"

const inTime = within("4 seconds", "it had not ended after 4 s")

const firstOf = ({ execute }: Pick<Client, "execute">, sql: string) => Effect.map(execute(sql), (rows) => rows[0]?.[0])

const connectionId = (client: Client) => Effect.map(firstOf(client, "SELECT CONNECTION_ID()"), Number)

const isWrite = (statement: string) => /^INSERT/.test(statement)

/** What clients of the pool of mysql2 do. */
export const faultTraps: ReadonlyArray<Trap<ClientSubject>> = [
  {
    id: "T-08",
    title: "a text with two statements is refused, where nobody asked for such",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER")
        const client = yield* make(url, 1)
        for (const [way, execute] of Object.entries(client.ways)) {
          const exit = yield* Effect.exit(execute(`DO 0; INSERT INTO ${t} VALUES (1)`)).pipe(inTime)
          const stored = (yield* look.query(`SELECT id FROM ${t}`)).length
          yield* must(
            Exit.isFailure(exit) && stored === 0,
            `${way}: it ended with ${told(exit)}, and stored ${stored} rows`
          )
        }
      })
  },
  {
    id: "T-42",
    title: "a conflict at COMMIT is a typed failure that says so",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER")
        const between = yield* proxy(url, (statement) => (/^COMMIT/i.test(statement) ? "conflict" : "pass"))
        const client = yield* make(between.url, 1)
        const exit = yield* Effect.exit(client.transaction(client.execute(`INSERT INTO ${t} VALUES (1)`))).pipe(inTime)
        if (!between.statements.some((statement) => /^COMMIT/i.test(statement)))
          return yield* Effect.fail("no COMMIT came by: the trap has shown nothing")
        yield* mustFailTyped(exit)
        yield* must(/deadlock/i.test(told(exit)), `it ended with ${told(exit)}`)
      })
  },
  {
    id: "T-77",
    title: "whoever has the only connection can execute what asks for one",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const client = yield* make(url, 1)
        yield* client
          .session((execute) => Effect.zipRight(execute("SELECT 1"), client.execute("SELECT 2")))
          .pipe(within("2 seconds", "it waited for itself"))
      })
  },
  {
    id: "T-83",
    title: "a transaction that was the victim of a deadlock fails, even if its body goes on",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY, n INTEGER")
        yield* look.query(`INSERT INTO ${t} VALUES (1, 0), (2, 0)`)
        const client = yield* make(url, 2)
        const add = (id: number) => client.execute(`UPDATE ${t} SET n = n + 1 WHERE id = ${id}`)
        let victims = 0
        const work = (first: number, second: number) =>
          client.transaction(
            Effect.gen(function* () {
              yield* add(first)
              yield* Effect.sleep("100 millis")
              if (Exit.isSuccess(yield* Effect.exit(add(second)))) return
              victims++
              yield* Effect.ignore(add(second))
            })
          )
        const exits = yield* Effect.all([Effect.exit(work(1, 2)), Effect.exit(work(2, 1))], { concurrency: 2 }).pipe(
          inTime
        )
        if (victims !== 1) return yield* Effect.fail("there was no deadlock: the trap has shown nothing")
        const kept = (yield* look.query(`SELECT n FROM ${t} ORDER BY id`)).join(" and ")
        yield* must(exits.some(Exit.isFailure), `both were committed, and what is kept is ${kept} of 2 and 2`)
      })
  },
  {
    id: "T-84",
    title: "after DDL has committed a transaction it stores nothing that could not be undone",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const client = yield* make(url, 1)
        const insert = (id: number) => client.execute(`INSERT INTO ${t} (id) VALUES (${id})`)
        const body = Effect.gen(function* () {
          yield* insert(1)
          yield* client.execute(`ALTER TABLE ${t} ADD COLUMN n INTEGER`)
          yield* insert(2)
          return yield* Effect.fail("on purpose")
        })
        const exit = yield* Effect.exit(client.transaction(body)).pipe(inTime)
        const stored = (yield* look.query(`SELECT id FROM ${t} ORDER BY id`)).join(",")
        yield* must(!stored.includes("2"), `it ended with ${told(exit)}, and the rows ${stored} are stored`)
      })
  },
  {
    id: "T-85",
    title: "a fiber that outlives its transaction does not execute in somebody else's",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY")
        const client = yield* make(url, 1)
        const gate = yield* Deferred.make<void>()
        const forked = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
        const late = Deferred.await(gate).pipe(
          Effect.zipRight(Effect.exit(client.execute(`INSERT INTO ${t} VALUES (1)`))),
          Effect.flatMap((exit) => Deferred.succeed(forked, exit))
        )
        yield* client.transaction(Effect.zipRight(client.execute("SELECT 1"), Effect.forkDaemon(late)))
        const other = Effect.gen(function* () {
          yield* client.execute("SELECT 1")
          yield* Deferred.succeed(gate, undefined)
          yield* Effect.timeoutOption(Deferred.await(forked), "500 millis")
          return yield* Effect.fail("on purpose")
        })
        yield* Effect.exit(client.transaction(other)).pipe(inTime)
        const exit = yield* Deferred.await(forked).pipe(inTime)
        const stored = (yield* look.query(`SELECT id FROM ${t}`)).length
        yield* must(
          Exit.isFailure(exit) || stored === 1,
          `its statement was a success, and was rolled back with somebody else's transaction`
        )
      })
  },
  {
    id: "T-87",
    title: "a time with microseconds that was read finds its row, and a FLOAT is the same however it is read",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER PRIMARY KEY, at DATETIME(6), part FLOAT")
        yield* look.query(`INSERT INTO ${t} VALUES (1, '2020-01-02 03:04:05.123456', 0.1)`)
        const client = yield* make(url, 1)
        const parts = new Set<unknown>()
        for (const [way, execute] of Object.entries(client.ways)) {
          const [row = []] = yield* execute(`SELECT at, part FROM ${t} WHERE id = ?`, [1])
          const [found] = yield* execute(`SELECT count(*) FROM ${t} WHERE at = ?`, [row[0]])
          yield* must(Number(found?.[0]) === 1, `${way}: ${String(row[0])} was read, and finds ${found?.[0]} rows`)
          parts.add(row[1])
        }
        const [text] = yield* client.execute(`SELECT part FROM ${t}`)
        parts.add(text?.[0])
        yield* must(parts.size === 1, `it is ${[...parts].join(" and ")}`)
      })
  }
]

/** What clients know that know only MySQL. */
export const mariadbFaultTraps: ReadonlyArray<Trap<ClientSubject>> = [
  {
    id: "T-43",
    title: "JSON is read as what it says, also where it is a text with a type beside it",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER, data JSON")
        yield* look.query(`INSERT INTO ${t} VALUES (1, '{"a": [1, 2]}')`)
        const client = yield* make(url, 1)
        const data = yield* firstOf(client, `SELECT data FROM ${t}`)
        yield* must(typeof data === "object", `it is ${typeof data}`)
      })
  }
]

/** What becomes of options that are given beside a URL. */
export const optionTraps: ReadonlyArray<Trap<ClientSubject>> = [
  {
    id: "T-07",
    title: "a limit of connections that is given beside a URL is kept",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const client = yield* make(url, 1)
        const look = firstOf(client, "SELECT CONNECTION_ID() + SLEEP(0.1)")
        const ids = yield* Effect.all([look, look, look], { concurrency: "unbounded" }).pipe(inTime)
        yield* must(new Set(ids).size === 1, `there were ${new Set(ids).size} connections, and the limit was 1`)
      })
  }
]

/** What a client does that kills late, rolls back always, tries again whatever failed, and never looks at its connection. */
export const clumsyTraps: ReadonlyArray<Trap<ClientSubject>> = [
  {
    id: "T-06",
    title: "the kill of an interrupted statement does not hit who has the connection next",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const client = yield* make(url, 1)
        yield* client.execute("SELECT 1")
        yield* Effect.timeoutOption(client.execute("SELECT SLEEP(0.1)"), "50 millis")
        const next = yield* Effect.exit(firstOf(client, "SELECT SLEEP(0.6)")).pipe(inTime)
        yield* must(Exit.isSuccess(next) && Number(next.value) === 0, `the next statement ended with ${told(next)}`)
      })
  },
  {
    id: "T-41",
    title: "a connection that the server ended while it was idle is not lent",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const client = yield* make(url, 1)
        yield* look.kill(yield* connectionId(client))
        yield* Effect.sleep("50 millis")
        const exit = yield* Effect.exit(client.execute("SELECT 1")).pipe(inTime)
        yield* must(Exit.isSuccess(exit), `whoever came next got ${told(exit)}`)
      })
  },
  {
    id: "T-44",
    title: "a connection to a server that has become read-only is not lent again",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER")
        const between = yield* proxy(url, (statement) => (isWrite(statement) ? "read-only" : "pass"))
        const client = yield* make(between.url, 1)
        const before = yield* connectionId(client)
        yield* mustFailTyped(yield* Effect.exit(client.execute(`INSERT INTO ${t} VALUES (1)`)).pipe(inTime))
        if ((yield* look.query(`SELECT id FROM ${t}`)).length > 0)
          return yield* Effect.fail("it was written: the trap has shown nothing")
        const after = yield* connectionId(client).pipe(inTime)
        yield* must(after !== before, "the next statement was executed on it")
      })
  },
  {
    id: "T-73",
    title: "after a failover whoever writes is served by the next try",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER")
        // Who was connected before the failover stays with the server that was demoted.
        const demoted = new Set<number>()
        const between = yield* proxy(url, (statement, connection) =>
          isWrite(statement) && demoted.has(connection) ? "read-only" : "pass"
        )
        const client = yield* make(between.url, 1)
        yield* client.execute("SELECT 1")
        for (let connection = 1; connection <= between.connections(); connection++) demoted.add(connection)
        const write = client.execute(`INSERT INTO ${t} VALUES (1)`)
        const first = yield* Effect.exit(write)
        if (Exit.isSuccess(first)) return yield* Effect.fail("it was not demoted: the trap has shown nothing")
        const second = yield* Effect.exit(write).pipe(inTime)
        yield* must(Exit.isSuccess(second), `the next try ended with ${told(second)}`)
      })
  },
  {
    id: "T-76",
    title: "a transaction of which COMMIT was not answered is not run again",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const look = yield* admin(url)
        const t = yield* look.table("id INTEGER")
        const between = yield* network(url)
        const client = yield* make(between.url, 1)
        let bodies = 0
        const body = Effect.gen(function* () {
          yield* client.execute(`INSERT INTO ${t} VALUES (1)`)
          if (++bodies > 1) return
          yield* between.become({ _tag: "cutAfter", bytes: 0 })
          yield* Effect.forkDaemon(Effect.delay(between.become({ _tag: "pass" }), "100 millis"))
        })
        const exit = yield* Effect.exit(client.transaction(body)).pipe(inTime)
        const stored = (yield* look.query(`SELECT id FROM ${t}`)).length
        yield* must(
          bodies === 1 && stored === 1,
          `it was run ${bodies} times, stored ${stored} rows, and ended with ${told(exit)}`
        )
        yield* mustFailTyped(exit)
      })
  },
  {
    id: "T-82",
    title: "a plain statement costs one way to the server, whatever is done when its connection comes back",
    run: ({ url, make }) =>
      Effect.gen(function* () {
        const between = yield* proxy(url, () => "pass")
        const client = yield* make(between.url, 1)
        yield* client.execute("SELECT 1")
        const before = between.statements.length
        for (let i = 0; i < 10; i++) yield* client.execute("SELECT 1")
        const sent = between.statements.slice(before)
        yield* must(sent.length <= 10, `for 10 statements ${sent.length} were sent, ${sent.at(-1)} among them`)
      })
  }
]

// What LOAD DATA from a stream promises on every server.
import { describe, expect, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Stream } from "effect"
import { Connection, Cursor, Engine, type Errors, Statement } from "effect-sa"
import { type Backend, type EngineOptions, table, tableName, withEngine } from "../support/Backend.js"
import { eventually, observer } from "../support/observer.js"

type Data = Stream.Stream<Uint8Array | string, unknown>

const loading = (into: string): string =>
  `LOAD DATA LOCAL INFILE 'a label' INTO TABLE ${into} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ','`

const load = (into: string, data: Data): Effect.Effect<number, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(Engine.execute(Statement.loadData(loading(into), data)), (result) => result.rowCount)

const rowsOf = (from: string): Effect.Effect<ReadonlyArray<unknown>, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(Engine.execute(`SELECT id, name FROM ${from} ORDER BY id`), (result) => result.rows.map((row) => [...row]))

const count = (from: string): Effect.Effect<unknown, Errors.ExecuteError, Engine.Engine> =>
  Effect.map(Engine.scalar(`SELECT count(*) FROM ${from}`), Option.getOrNull)

const people = "id INTEGER, name VARCHAR(40)"

const lineLength = 32

/** Rows with this id in chunks of 64 KiB, which is more than the server's buffers hold: it has stored some of them. */
const rows = (kibibytes: number, id = 1): Stream.Stream<Uint8Array> => {
  const line = `${id},`.padEnd(lineLength - 1, "x")
  return Stream.take(Stream.repeatValue(Buffer.from(`${line}\n`.repeat((64 * 1024) / lineLength))), kibibytes / 64)
}

/** Other tests look whether there are transactions on the server: one that lasts would be in their way. */
const noTransaction = "ENGINE = MyISAM"

export const loadDataContract = (backend: Backend): void => {
  const withLoading = (
    title: string,
    body: () => Effect.Effect<void, unknown, Engine.Engine>,
    options: EngineOptions = {},
    timeout?: number
  ): void => withEngine(backend, title, body, { localInfile: true, maxSize: 1, ...options }, timeout)

  const withTable = (
    title: string,
    body: (name: string) => Effect.Effect<void, unknown, Engine.Engine>,
    options?: EngineOptions
  ): void => withLoading(title, () => Effect.scoped(Effect.flatMap(table(people), body)), options)

  describe("loading data", () => {
    withTable("takes bytes and text in chunks of any size, empty ones too", (t) =>
      Effect.gen(function* () {
        const chunks: ReadonlyArray<Uint8Array | string> = [
          "",
          new Uint8Array(0),
          "1,A",
          "da\n2,\u{1d11e}".slice(0, -1),
          // The other half of the character.
          "\u{1d11e}\n".slice(1),
          new Uint8Array(0),
          "",
          Buffer.from("3,größe"),
          Buffer.from("\n")
        ]
        expect(yield* load(t, Stream.fromIterable(chunks))).toBe(3)
        expect(yield* rowsOf(t)).toEqual([
          [1, "Ada"],
          [2, "\u{1d11e}"],
          [3, "größe"]
        ])
      })
    )

    withLoading(
      "reads its statement as the session does: with ANSI_QUOTES a backslash in an identifier is just that",
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const t = yield* table('id INTEGER, "a\\" INTEGER')
            const statement = `LOAD DATA LOCAL INFILE 'a label' INTO TABLE ${t} (id) SET "a\\" = id + ?`
            yield* Engine.execute(Statement.loadData(statement, Stream.make("1\n"), [41]))
            expect(yield* Engine.scalar(`SELECT "a\\" FROM ${t}`)).toEqual(Option.some(42))
          })
        ),
      { sqlMode: "ANSI_QUOTES,STRICT_TRANS_TABLES" }
    )

    withTable("takes a stream without anything in it", (t) =>
      Effect.gen(function* () {
        expect(yield* load(t, Stream.empty)).toBe(0)
        expect(yield* load(t, Stream.make("", "", ""))).toBe(0)
        expect(yield* count(t)).toBe(0)
      })
    )

    withTable("takes a chunk of more than 16 MiB", (t) =>
      Effect.gen(function* () {
        yield* Engine.execute(`ALTER TABLE ${t} MODIFY name VARCHAR(2000), ${noTransaction}`)
        const lines = Array.from({ length: 17_000 }, (_, id) => `${id},${"x".repeat(1_000)}`)
        const chunk = Buffer.from(lines.join("\n"))
        expect(chunk.length).toBeGreaterThan(16 * 1024 * 1024)
        expect(yield* load(t, Stream.make(chunk))).toBe(lines.length)
        const read = yield* Engine.execute(
          `SELECT count(DISTINCT id), min(LENGTH(name)), max(LENGTH(name)), min(id), max(id) FROM ${t}`
        )
        expect([...(read.rows[0] ?? [])]).toEqual([lines.length, 1_000, 1_000, 0, lines.length - 1])
      })
    )

    withLoading(
      "passes 200 MB on in flat memory",
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const t = yield* table("id INTEGER")
            yield* Engine.execute(`ALTER TABLE ${t} ${noTransaction}`)
            const chunk = Buffer.from(`7,${"x".repeat(1024 * 1024 - 3)}\n`)
            const inUse = (): number => {
              const { arrayBuffers, heapUsed } = process.memoryUsage()
              return arrayBuffers + heapUsed
            }
            const before = inUse()
            let most = before
            const lines = Stream.tap(Stream.take(Stream.repeatValue(chunk), 200), () =>
              Effect.sync(() => {
                most = Math.max(most, inUse())
              })
            )
            const loaded = yield* Engine.execute(Statement.loadData(`${loading(t)} (id, @rest)`, lines))
            expect(loaded.rowCount).toBe(200)
            expect((most - before) / 2 ** 20).toBeLessThan(100)
          })
        ),
      {},
      60_000
    )

    withTable("takes parameters, by place and by name", (t) =>
      Effect.gen(function* () {
        const sql = (marker: string) => `${loading(t)} (id, @name) SET name = CONCAT(${marker}, @name)`
        const awkward = 'it\'s \\ "?" '
        yield* Engine.execute(Statement.loadData(sql("?"), Stream.make("1,Ada\n"), [awkward]))
        yield* Engine.execute(Statement.loadData(sql(":before"), Stream.make("2,Ada\n"), { before: awkward }))
        yield* Engine.execute(Statement.loadData(sql("?"), Stream.make("3,Ada\n")), [awkward])
        expect(yield* rowsOf(t)).toEqual([1, 2, 3].map((id) => [id, `${awkward}Ada`]))
      })
    )

    withTable("takes a stream again each time, and gives no rows", (t) =>
      Effect.gen(function* () {
        const twice = Statement.loadData(loading(t), Stream.make("1,Ada\n"))
        yield* Engine.execute(twice)
        expect((yield* Stream.runCollect(Engine.stream(twice))).length).toBe(0)
        expect(yield* count(t)).toBe(2)
      })
    )

    withTable("passes over lines that do not fit, as the server has it, and says how many were stored", (t) =>
      Effect.gen(function* () {
        yield* Engine.execute(`ALTER TABLE ${t} ADD PRIMARY KEY (id)`)
        const data = Stream.make("1,Ada\n1,Ada again\n2,Grace\n")
        const result = yield* Engine.execute(Statement.loadData(loading(t), data))
        expect([result.rowCount, result.warningCount]).toEqual([2, 1])
        expect(yield* rowsOf(t)).toEqual([
          [1, "Ada"],
          [2, "Grace"]
        ])
      })
    )

    withTable("is part of the transaction that it is in", (t) =>
      Effect.gen(function* () {
        const undone = yield* Effect.exit(
          Engine.transaction(Effect.zipRight(load(t, Stream.make("1,Ada\n")), Effect.fail("on purpose")))
        )
        expect(Exit.isFailure(undone)).toBe(true)
        expect(yield* count(t)).toBe(0)
        yield* Engine.transaction(
          Effect.zipRight(load(t, Stream.make("1,Ada\n")), Engine.execute(`INSERT INTO ${t} VALUES (2, 'Grace')`))
        )
        expect(yield* rowsOf(t)).toEqual([
          [1, "Ada"],
          [2, "Grace"]
        ])
      })
    )

    for (const [title, rest, error] of [
      [
        "fails with the stream's error, and nothing is kept",
        Stream.fail({ _tag: "NoDisk" }),
        { _tag: "OperationalError", reason: "SourceFailed", cause: { _tag: "NoDisk" } }
      ],
      [
        "fails for text that ends within a character, and nothing is kept",
        Stream.make("2,\u{1d11e}".slice(0, -1)),
        { _tag: "DataError", reason: "InvalidValue" }
      ],
      [
        "fails for what is neither bytes nor text, and nothing is kept",
        Stream.make(7) as unknown as Data,
        { _tag: "DataError", reason: "InvalidValue" }
      ]
    ] as const) {
      withTable(title, (t) =>
        Effect.gen(function* () {
          const id = yield* Engine.scalar("SELECT CONNECTION_ID()")
          expect(yield* Effect.flip(load(t, Stream.concat(rows(512), rest)))).toMatchObject(error)
          // The pool's only connection is another one now.
          expect(yield* Engine.scalar("SELECT CONNECTION_ID()")).not.toEqual(id)
          yield* unheld(backend, t)
          expect(yield* count(t)).toBe(0)
          expect(yield* load(t, Stream.make("1,Ada\n"))).toBe(1)
        })
      )
    }

    withTable("dies with a stream that dies, and nothing is kept", (t) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(load(t, Stream.concat(rows(256), Stream.die("a bug"))))
        expect(Exit.isFailure(exit) && Option.getOrNull(Cause.dieOption(exit.cause))).toBe("a bug")
        yield* unheld(backend, t)
        expect(yield* count(t)).toBe(0)
      })
    )

    withTable("is interrupted at once, also while the stream waits, and nothing is kept", (t) =>
      Effect.gen(function* () {
        const waits = yield* Deferred.make<void>()
        let ended = false
        const never = Stream.fromEffect(Effect.zipRight(Deferred.succeed(waits, undefined), Effect.never)).pipe(
          Stream.ensuring(
            Effect.sync(() => {
              ended = true
            })
          )
        )
        const fiber = yield* Effect.fork(load(t, Stream.concat(rows(512), Stream.drain(never))))
        yield* Deferred.await(waits)
        expect(Exit.isInterrupted(yield* Fiber.interrupt(fiber))).toBe(true)
        expect(ended).toBe(true)
        yield* unheld(backend, t)
        expect(yield* count(t)).toBe(0)
      })
    )

    withTable("that fails in a transaction is the end of it, and nothing is kept", (t) =>
      Effect.gen(function* () {
        const body = Effect.gen(function* () {
          yield* Engine.execute(`INSERT INTO ${t} VALUES (1, 'Ada')`)
          yield* Effect.ignore(load(t, Stream.concat(rows(256), Stream.fail("on purpose"))))
        })
        expect(yield* Effect.flip(Engine.transaction(body))).toMatchObject({ reason: "SourceFailed" })
        yield* unheld(backend, t)
        expect(yield* count(t)).toBe(0)
      })
    )

    withTable("leaves the connection usable when the server stops in the middle", (t) =>
      Effect.gen(function* () {
        yield* Engine.execute(
          `CREATE TRIGGER ${t}_five BEFORE INSERT ON ${t} FOR EACH ROW ` +
            "IF NEW.id = 5 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no five'; END IF"
        )
        const id = yield* Engine.scalar("SELECT CONNECTION_ID()")
        const data = Stream.concat(Stream.concat(rows(256), Stream.make("5,five\n")), rows(512))
        expect(yield* Effect.flip(load(t, data))).toMatchObject({ _tag: "OperationalError", message: "no five" })
        expect(yield* count(t)).toBe(0)
        expect(yield* Engine.scalar("SELECT CONNECTION_ID()")).toEqual(id)
      })
    )

    withTable("does not run its stream when the server refuses the statement", (t) =>
      Effect.gen(function* () {
        let ran = false
        const data = Stream.suspend(() => {
          ran = true
          return Stream.make("1,Ada\n")
        })
        expect(yield* Effect.flip(load(`${t}_not_there`, data))).toMatchObject({ reason: "NoSuchTable" })
        expect(ran).toBe(false)
      })
    )

    withTable("ends with its connection, though its stream waits", (t) =>
      Effect.gen(function* () {
        const engine = yield* Engine.Engine
        const waits = yield* Deferred.make<void>()
        const never = Stream.fromEffect(Effect.zipRight(Deferred.succeed(waits, undefined), Effect.never))
        yield* engine.withConnection(
          Effect.gen(function* () {
            const id = Option.getOrNull(yield* engine.scalar("SELECT CONNECTION_ID()"))
            const data = Stream.concat(Stream.make("1,Ada\n"), Stream.drain(never))
            const fiber = yield* Effect.fork(Effect.flip(load(t, data)))
            yield* Deferred.await(waits)
            yield* Effect.scoped(Effect.flatMap(observer(backend), (admin) => admin.execute(`KILL ${id}`)))
            expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "OperationalError", reason: "ConnectionLost" })
          })
        )
        expect(yield* count(t)).toBe(0)
      })
    )

    withEngine(
      backend,
      "is refused without the option localInfile, before anything is sent",
      () =>
        Effect.gen(function* () {
          const t = tableName()
          const id = yield* Engine.scalar("SELECT CONNECTION_ID()")
          const data = Stream.die("it is not to be run")
          // The server would say that there is no such table.
          expect(yield* Effect.flip(load(t, data))).toMatchObject({
            _tag: "NotSupportedError",
            message: expect.stringContaining("localInfile")
          })
          expect(yield* Engine.scalar("SELECT CONNECTION_ID()")).toEqual(id)
        }),
      { maxSize: 1 }
    )

    withEngine(backend, "is refused by the server too, which was told that it gets no files", () =>
      Effect.gen(function* () {
        const t = yield* table(people)
        // Not seen as what it is, so the server gets to say so.
        const hidden = `LOAD DATA /*!50000 LOCAL */ INFILE '/etc/passwd' INTO TABLE ${t}`
        expect(yield* Effect.flip(Engine.execute(hidden))).toMatchObject({ _tag: "NotSupportedError" })
      })
    )

    withTable("asks for what was not brought along in vain", (t) =>
      Effect.gen(function* () {
        // Not seen as what it is, so the server gets to ask.
        const hidden = `LOAD DATA /*!50000 LOCAL */ INFILE '/etc/passwd' INTO TABLE ${t}`
        expect(yield* Effect.flip(Engine.execute(hidden))).toMatchObject({
          _tag: "InterfaceError",
          reason: "Protocol",
          message: expect.stringContaining("none was offered")
        })
        expect(yield* count(t)).toBe(0)
      })
    )

    it.scopedLive(
      `on a connection of one's own goes through a cursor, and nothing goes between [${backend.name}]`,
      () =>
        Effect.gen(function* () {
          const connection = yield* Connection.make({ url: backend.url, localInfile: true })
          const cursor = yield* Cursor.make(connection)
          const t = tableName()
          yield* cursor.execute(`CREATE TEMPORARY TABLE ${t} (${people})`)
          const begun = yield* Deferred.make<void>()
          const go = yield* Deferred.make<void>()
          const second = Stream.fromEffect(
            Deferred.succeed(begun, undefined).pipe(Effect.zipRight(Deferred.await(go)), Effect.as("2,Grace\n"))
          )
          const data = Stream.concat(Stream.make("1,Ada\n"), second)
          const fiber = yield* Effect.fork(cursor.execute(Statement.loadData(loading(t), data)))
          yield* Deferred.await(begun)
          // What is sent now would be a part of the data.
          const other = yield* Cursor.make(connection)
          expect(yield* Effect.flip(other.execute("SELECT 1"))).toMatchObject({
            _tag: "ProgrammingError",
            message: expect.stringContaining("being loaded")
          })
          yield* Deferred.succeed(go, undefined)
          expect(yield* Fiber.join(fiber)).toBe(2)
          yield* other.execute(`SELECT name FROM ${t} ORDER BY id`)
          expect(yield* other.fetchAll).toEqual([["Ada"], ["Grace"]])
        })
    )
  })
}

/** Waits until nobody holds locks on a table: a server may need a moment to undo what it has stored. */
const unheld = (backend: Backend, t: string): Effect.Effect<void, unknown> =>
  Effect.scoped(
    Effect.flatMap(observer(backend), (admin) =>
      eventually(
        Effect.map(
          admin.execute("SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND ID <> CONNECTION_ID()", [
            `%LOAD DATA%${t}%`
          ]),
          (found) => found.rowCount === 0
        )
      )
    )
  )

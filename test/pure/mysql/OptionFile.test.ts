// Option files as MySQL's and MariaDB's clients read them. What the clients make of each form was asked of
// `my_print_defaults`; test/mariadb/optionfile.test.ts asks it again.
import { homedir } from "node:os"
import { FileSystem } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { Config, ConfigProvider, Duration, Effect, Either, Redacted } from "effect"
import { Options } from "effect-sa"
import { parse } from "effect-sa/mysql/OptionFile"
import { FileSystemTag } from "effect-sa/mysql/OptionFiles"
import { files } from "../../support/fileSystem.js"

/** The options of a text, as pairs: one without a value alone. */
const optionsOf = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  Either.getOrThrow(parse(text, "f")).flatMap((line) =>
    line.kind === "option" ? [line.value === undefined ? [line.name] : [line.name, line.value]] : []
  )

const valueOf = (text: string): string | undefined => optionsOf(`[client]\na=${text}`)[0]?.[1]

describe("an option file", () => {
  it("has groups, options, comments and empty lines", () => {
    const text = [
      "# comment",
      "; another",
      "",
      "[client]",
      "user = ada   # trailing",
      "  host=db.internal",
      "skip-ssl",
      "empty =",
      "",
      "[other  ] what follows is nothing",
      "user=grace"
    ]
    expect(Either.getOrThrow(parse(text.join("\n"), "my.cnf"))).toEqual([
      { kind: "option", group: "client", name: "user", value: "ada", place: { file: "my.cnf", line: 5 } },
      { kind: "option", group: "client", name: "host", value: "db.internal", place: { file: "my.cnf", line: 6 } },
      { kind: "option", group: "client", name: "skip-ssl", value: undefined, place: { file: "my.cnf", line: 7 } },
      { kind: "option", group: "client", name: "empty", value: "", place: { file: "my.cnf", line: 8 } },
      { kind: "option", group: "other", name: "user", value: "grace", place: { file: "my.cnf", line: 11 } }
    ])
    expect(optionsOf(text.join("\r\n"))).toEqual(optionsOf(text.join("\n")))
    expect(optionsOf(`\ufeff${text.join("\n")}`)).toEqual(optionsOf(text.join("\n")))
  })

  it("has values with and without quotes", () => {
    for (const [written, value] of [
      ["plain text", "plain text"],
      ['"p # w"', "p # w"],
      ["'p # w' # comment", "p # w"],
      ["it''s", "it''s"],
      ["it's # still a quote", "it's # still a quote"],
      ["'x\"", "'x\""],
      ['"a\'b"', "a'b"],
      ["'a' 'b'", "a' 'b"],
      ['"', '"'],
      ["''", ""],
      ["a=b", "a=b"],
      ["'  spaces  '", "  spaces  "],
      ["p#w", "p"]
    ] as const)
      expect([written, valueOf(written)]).toEqual([written, value])
  })

  it("has escapes in values, and leaves a backslash before anything else", () => {
    for (const [written, value] of [
      [String.raw`a\tb\nc\rd\be`, "a\tb\nc\rd\be"],
      [String.raw`a\sb`, "a b"],
      [String.raw`C:\\data\new`, "C:\\data\new"],
      [String.raw`\q\w`, "\\q\\w"],
      [String.raw`'a\'b # c'`, "a'b # c"],
      [String.raw`"a\"b"`, 'a"b'],
      ["\\", "\\"]
    ] as const)
      expect([written, valueOf(written)]).toEqual([written, value])
  })

  it("has names with - or _, in letters of any case", () => {
    expect(optionsOf("[client]\nSsl_CA=x\nssl-ca=y\nssl_ca=z")).toEqual([
      ["ssl-ca", "x"],
      ["ssl-ca", "y"],
      ["ssl-ca", "z"]
    ])
  })

  it("includes others, and passes over directives that it does not know", () => {
    expect(Either.getOrThrow(parse("!include /a/b.cnf\n[g]\n!includedir /etc/my.cnf.d\n!other x", "f"))).toEqual([
      { kind: "include", path: "/a/b.cnf", place: { file: "f", line: 1 } },
      { kind: "includeDir", path: "/etc/my.cnf.d", place: { file: "f", line: 3 } }
    ])
  })

  it("that is wrong is refused with its name and the line, and without what stands there", () => {
    for (const [text, line] of [
      ["password=s3cret", 1],
      ["\n\npassword=s3cret\n[client]", 3],
      ["[client]\n[s3cret", 2]
    ] as const) {
      const refused = parse(text, "/etc/my.cnf")
      expect(refused).toMatchObject({ _tag: "Left", left: { argument: `/etc/my.cnf, line ${line}` } })
      expect(String(Either.isLeft(refused) && refused.left.message)).not.toContain("s3cret")
    }
  })
})

// ---------------------------------------------------------------------------------------------------------------------

const main = "/etc/my.cnf"

const load = (content: Readonly<Record<string, string>>, options: Partial<Options.FileOptions> = {}) =>
  Effect.provide(Options.fromFile({ readDefaultFile: main, ...options }), files(content))

/** What the groups of one file come to. */
const loadText = (lines: string, options?: Partial<Options.FileOptions>) => load({ [main]: lines }, options)

const client = (...lines: ReadonlyArray<string>): string => ["[client]", ...lines].join("\n")

const pem = (kind: string): string => `-----BEGIN ${kind}-----\nAAAA\n-----END ${kind}-----\n`

describe("Options.fromFile", () => {
  it("asks for the FileSystem of @effect/platform by its key", () => {
    expect(FileSystemTag.key).toBe(FileSystem.FileSystem.key)
  })

  it.effect("reads what the clients call as it is called there", () =>
    Effect.gen(function* () {
      const options = yield* loadText(
        client(
          "user = ada",
          'password = "p # w"',
          "host = db.internal",
          "port = 3307",
          "database = shop",
          "default_character_set = utf8mb4",
          "connect-timeout = 5",
          "init-command = SET @a = 1",
          "init_command = 'SET @b = 2'",
          "local-infile",
          "get-server-public-key = 1"
        )
      )
      expect({ ...options, password: Redacted.value(options.password as Redacted.Redacted) }).toEqual({
        user: "ada",
        password: "p # w",
        host: "db.internal",
        port: 3307,
        database: "shop",
        charset: "utf8mb4",
        connectTimeout: Duration.seconds(5),
        initCommand: ["SET @a = 1", "SET @b = 2"],
        localInfile: true,
        allowPublicKeyRetrieval: true
      })
      expect((yield* Options.settings(options)).address).toBe("db.internal:3307/shop")
    })
  )

  it.effect("reads [client] and the groups that are named, of which the last word holds", () =>
    Effect.gen(function* () {
      const text = "[shop]\nuser=s1\nport=1\n[client]\nuser=c\nhost=h\n[other]\nuser=o\n[shop]\nport=2"
      expect(yield* loadText(text)).toMatchObject({ user: "c", host: "h" })
      expect(yield* loadText(text, { readDefaultGroup: "shop" })).toEqual({ user: "c", host: "h", port: 2 })
      expect(yield* loadText(text, { readDefaultGroup: ["shop", "other"] })).toMatchObject({ user: "o" })
      expect(yield* loadText(text, { readDefaultGroup: "none" })).toEqual({ user: "c", host: "h" })
    })
  )

  it.effect("reads the files that are included, at their place", () =>
    Effect.gen(function* () {
      const options = yield* load({
        [main]: "[client]\nuser=first\n!include /etc/one.cnf\nhost=h\n!includedir /etc/d/\n",
        "/etc/one.cnf": "[client]\nuser=one\nport=1",
        "/etc/d/b.cnf": "[client]\nport=2",
        "/etc/d/a.cnf": "[client]\nport=3\ndatabase=a",
        "/etc/d/c.txt": "[client]\nport=4"
      })
      expect(options).toEqual({ user: "one", host: "h", port: 2, database: "a" })
    })
  )

  it.effect("lets the options hold over the file, in the URL too", () =>
    Effect.gen(function* () {
      const text = client("user=file", "password=file", "host=file", "port=1", "database=file", "connect-timeout=1")
      const explicit = yield* loadText(text, {
        url: "mysql://url@db/shop?connectTimeout=2000",
        port: 5,
        user: undefined,
        maxSize: 20
      })
      expect(explicit).toMatchObject({ url: "mysql://url@db/shop?connectTimeout=2000", port: 5, maxSize: 20 })
      expect(Redacted.value(explicit.password as Redacted.Redacted)).toBe("file")
      const { address, user, pool } = yield* Options.settings(explicit)
      expect([address, user, pool.maxSize]).toEqual(["db:5/shop", "url", 20])
      expect(yield* loadText(text, { user: "own", host: "own" })).toMatchObject({ user: "own", host: "own", port: 1 })
    })
  )

  it.effect("goes to a socket where the clients do, unless the program says otherwise", () =>
    Effect.gen(function* () {
      const socket = { unixSocket: "/run/s.sock" }
      for (const [lines, explicit, expected] of [
        [["socket=/run/s.sock"], {}, socket],
        [["socket=/run/s.sock", "host=localhost", "port=3307"], {}, socket],
        [["socket=/run/s.sock", "host=db"], {}, { host: "db" }],
        [["socket=/run/s.sock", "protocol=tcp"], {}, { host: "localhost" }],
        [["socket=/run/s.sock", "host=db", "protocol=SOCKET"], {}, socket],
        [["socket=/run/s.sock", "host=localhost", "port=3307"], { host: "db" }, { host: "db", port: 3307 }],
        [["socket=/run/s.sock"], { port: 3307 }, { host: "localhost", port: 3307 }],
        [["socket=/run/s.sock", "host=db", "port=1"], { unixSocket: "/own.sock" }, { unixSocket: "/own.sock" }],
        [["socket=/run/s.sock"], { url: "mysql://db/shop" }, { url: "mysql://db/shop" }],
        [["port=0"], {}, { host: "localhost" }],
        [["user=u"], {}, { host: "localhost", user: "u" }]
      ] as const) {
        expect([lines, explicit, yield* loadText(client(...lines), explicit)]).toEqual([lines, explicit, expected])
      }
    })
  )

  it.effect("reads the files that TLS needs, and verifies unless the file says otherwise", () =>
    Effect.gen(function* () {
      const ca = pem("CERTIFICATE")
      const key = pem("PRIVATE KEY")
      const content = { "/ca.pem": ca, "/cert.pem": ca, "/key.pem": key }
      for (const [lines, expected] of [
        [["ssl"], { verify: true }],
        [["ssl-ca=/ca.pem"], { verify: true, ca }],
        [["ssl_ca=/ca.pem", "ssl_cert=/cert.pem", "ssl_key=/key.pem"], { verify: true, ca, cert: ca, key }],
        [["ssl-ca=/ca.pem", "ssl-mode=VERIFY_CA"], { verify: "ca", ca }],
        [["ssl-ca=/ca.pem", "ssl-mode=verify_identity"], { verify: true, ca }],
        [["ssl-ca=/ca.pem", "ssl-mode=PREFERRED"], { verify: true, ca }],
        [["ssl-mode=REQUIRED"], { verify: false }],
        [["ssl-verify-server-cert"], { verify: true }],
        [["ssl", "skip-ssl-verify-server-cert"], { verify: false }],
        [["ssl", "disable-ssl-verify-server-cert"], { verify: false }],
        [["ssl", "loose-ssl-verify-server-cert=OFF"], { verify: false }],
        [["ssl-ca=/ca.pem", "ssl-mode=DISABLED"], false],
        [["ssl-ca=/ca.pem", "skip-ssl"], false],
        [["ssl=0"], false],
        [["ssl-mode=PREFERRED"], undefined],
        [["user=u"], undefined]
      ] as const) {
        const found = yield* load({ ...content, [main]: client(...lines) })
        const shown = ([name, value]: readonly [string, unknown]) =>
          value === undefined ? [] : [[name, Redacted.isRedacted(value) ? Redacted.value(value) : value] as const]
        const tls =
          typeof found.tls === "object" ? Object.fromEntries(Object.entries(found.tls).flatMap(shown)) : found.tls
        expect([lines, tls]).toEqual([lines, expected])
        yield* Options.settings(found)
      }
      const own = yield* loadText(client("ssl-ca=/nowhere.pem"), { tls: false })
      expect(own.tls).toBe(false)
    })
  )

  it.effect("reads the server's public key from its file", () =>
    Effect.gen(function* () {
      const content = { [main]: client("server-public-key-path=/key.pem"), "/key.pem": pem("PUBLIC KEY") }
      expect(yield* load(content)).toMatchObject({ serverPublicKey: pem("PUBLIC KEY") })
    })
  )

  it.effect("passes over what is for other programs", () =>
    Effect.gen(function* () {
      const options = yield* loadText(
        client("prompt = '\\u> '", "no-auto-rehash", "max_allowed_packet=1G", "default-auth=x", "user=u", "foo")
      )
      expect(options).toEqual({ host: "localhost", user: "u" })
    })
  )

  it.effect("fails with a typed error that names the file which cannot be read", () =>
    Effect.gen(function* () {
      for (const [content, named] of [
        [{}, main],
        [{ [main]: "!include /etc/none.cnf" }, "/etc/none.cnf"],
        [{ [main]: "!includedir /etc/none.d" }, "/etc/none.d"],
        [{ [main]: client("ssl-ca=/none.pem") }, "/none.pem"],
        [{ [main]: client("server-public-key-path=/none.pem") }, "/none.pem"]
      ] as const) {
        const error = yield* Effect.flip(load(content))
        expect(error).toMatchObject({ _tag: "OperationalError", reason: "CannotOpen" })
        expect(error.message).toContain(`${named} cannot be read`)
      }
    })
  )

  it.effect("fails with an ArgumentError that names file and line, and shows no value", () =>
    Effect.gen(function* () {
      for (const [lines, argument] of [
        [["password"], `password in ${main}, line 2`],
        [["port=s3cret"], `port in ${main}, line 2`],
        [["user=u", "port=70000"], `port in ${main}, line 3`],
        [["default-character-set=latin1"], `default-character-set in ${main}, line 2`],
        [["connect-timeout=soon"], `connect-timeout in ${main}, line 2`],
        [["protocol=PIPE"], `protocol in ${main}, line 2`],
        [["protocol=SOCKET"], `protocol in ${main}, line 2`],
        [["ssl-mode=MAYBE"], `ssl-mode in ${main}, line 2`],
        [["ssl-capath=/etc/ssl"], `ssl-capath in ${main}, line 2`],
        [["tls-version=TLSv1.3"], `tls-version in ${main}, line 2`]
      ] as const) {
        const error = yield* Effect.flip(loadText(client(...lines)))
        expect(error).toMatchObject({ _tag: "ArgumentError", argument })
        expect(error.message).not.toContain("s3cret")
      }
      expect(yield* Effect.flip(loadText("user=u"))).toMatchObject({ argument: `${main}, line 1` })
      const circle = yield* Effect.flip(load({ [main]: `[client]\n!include ${main}` }))
      expect(circle).toMatchObject({ _tag: "ArgumentError", argument: `${main}, line 2` })
    })
  )

  it.effect("refuses what makes no sense with a file", () =>
    Effect.gen(function* () {
      for (const [options, argument] of [
        [{ readDefaultFile: "" }, "readDefaultFile"],
        [{ readDefaultGroup: ["a", ""] }, "readDefaultGroup"],
        [{ url: "sqlite::memory:" }, "readDefaultFile"],
        [{ url: "mysql://h:port/" }, "url"]
      ] as const)
        expect(yield* Effect.flip(loadText(client(), options))).toMatchObject({ _tag: "ArgumentError", argument })
    })
  )

  it.effect("looks for ~ in the user's folder", () =>
    Effect.gen(function* () {
      const content = { [`${homedir()}/.my.cnf`]: client("user=home") }
      expect(yield* load(content, { readDefaultFile: "~/.my.cnf" })).toMatchObject({ user: "home" })
      expect((yield* Effect.flip(load({}, { readDefaultFile: "~/.my.cnf" }))).message).toContain("~/.my.cnf")
    })
  )

  it.effect("takes its options from Config", () =>
    Effect.gen(function* () {
      const config = Config.unwrap({ readDefaultFile: Config.string("FILE"), user: Config.string("USER") })
      const options = yield* Effect.flatMap(config, Options.fromFile).pipe(
        Effect.provide(files({ "/c.cnf": client("host=h", "user=file") })),
        Effect.withConfigProvider(
          ConfigProvider.fromMap(
            new Map([
              ["FILE", "/c.cnf"],
              ["USER", "own"]
            ])
          )
        )
      )
      expect(options).toEqual({ host: "h", user: "own" })
    })
  )
})

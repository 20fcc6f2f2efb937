import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Either, FastCheck, Redacted } from "effect"
import { type Errors, Options } from "effect-sa"

const read = (options: object): Either.Either<Options.Settings, Errors.ArgumentError> =>
  Effect.runSync(Effect.either(Options.settings(options as Options.Options)))

const settings = (options: object): Options.Settings => {
  const found = read(options)
  if (Either.isLeft(found)) throw found.left
  return found.right
}

const refused = (options: object): Errors.ArgumentError => {
  const found = read(options)
  if (Either.isRight(found)) throw new Error(`not refused: ${JSON.stringify(options)} (${found.right.address})`)
  return found.left
}

const address = (url: string): readonly [string, string] => {
  const { dialect, address } = settings({ url })
  return [dialect.name, address]
}

describe("URLs of MySQL and MariaDB", () => {
  it("have all the schemes of their kind, in any case of letters", () => {
    for (const scheme of [
      "mysql",
      "mariadb",
      "mysql+aiomysql",
      "mysql+asyncmy",
      "mysql+pymysql",
      "mariadb+aiomysql",
      "MySQL",
      "MARIADB"
    ])
      expect(address(`${scheme}://app:pw@db.internal:3307/shop`)).toEqual(["mysql", "db.internal:3307/shop"])
  })

  it("have defaults for all that is left out", () => {
    expect(address("mysql://")).toEqual(["mysql", "localhost:3306"])
    expect(address("mysql:///shop")).toEqual(["mysql", "localhost:3306/shop"])
    expect(address("mysql://db")).toEqual(["mysql", "db:3306"])
    expect(address("mysql://db/")).toEqual(["mysql", "db:3306"])
    expect(address("mysql://app@db")).toEqual(["mysql", "db:3306"])
    expect(address("mysql://app:@db/shop?")).toEqual(["mysql", "db:3306/shop"])
    expect(address("mysql://:pw@db:1")).toEqual(["mysql", "db:1"])
  })

  it("are percent-encoded in all their parts", () => {
    expect(address("mysql://a%40b:p%2Fw%3F%23@db%2Einternal/my%20shop%2F2")).toEqual([
      "mysql",
      "db.internal:3306/my shop/2"
    ])
    expect(address("mysql://u@h/gr%C3%B6%C3%9Fe")).toEqual(["mysql", "h:3306/größe"])
    for (const url of ["mysql://u:%@h/db", "mysql://%zz@h/db", "mysql://u@h/%E0%A4%A", "mysql://u@h%/db"])
      expect([url, refused({ url }).argument]).toEqual([url, "url"])
  })

  it("take IPv6 addresses in brackets", () => {
    expect(address("mysql://app:pw@[::1]:3307/shop")[1]).toBe("[::1]:3307/shop")
    expect(address("mysql://[fe80::1]")[1]).toBe("[fe80::1]:3306")
    expect(address("mysql://[fe80::1%25eth0]:1")[1]).toBe("[fe80::1%eth0]:1")
    for (const url of ["mysql://::1/db", "mysql://[::1/db", "mysql://[host]/db", "mysql://[]/db"])
      expect([url, refused({ url }).argument]).toEqual([url, "url"])
  })

  it("give texts markers by their paramstyle, whatever the database", () => {
    for (const url of ["mysql://h/db?sqlMode=ANSI_QUOTES", "mysql://h/db", "sqlite::memory:"]) {
      const plain = settings({ url }).dialect
      expect(plain.lexicon.percents).toBeUndefined()
      expect(settings({ url, paramstyle: "qmark" }).dialect).toBe(plain)
      const { dialect } = settings({ url, paramstyle: "pyformat" })
      expect(dialect).toEqual({ ...plain, lexicon: { ...plain.lexicon, percents: "pyformat" } })
      expect(settings({ url: `${url}${url.includes("?") ? "&" : "?"}paramstyle=pyformat` }).dialect).toBe(dialect)
    }
  })

  it("take options in the query, by the names and with the checks that they have elsewhere", () => {
    const { pool, values } = settings({
      url: "mysql://h/db?maxSize=20&minSize=2&acquireTimeout=5%20seconds&recycle=infinity&idleTimeout=infinity&maxWaiters=7&integers=bigint&booleans=boolean&json=text&closeTimeout=1500"
    })
    expect(pool).toMatchObject({
      maxSize: 20,
      minSize: 2,
      acquireTimeout: 5_000,
      recycle: 0,
      idleTimeout: 0,
      maxWaiters: 7,
      closeTimeout: 1_500
    })
    expect(values).toMatchObject({ integers: "bigint", booleans: "boolean", json: "text", decimals: "string" })
    for (const [query, argument] of [
      ["maxSize=many", "maxSize"],
      ["localInfile=/etc/passwd", "localInfile"],
      ["maxSize=-1", "maxSize"],
      ["maxSize=", "maxSize"],
      ["maxSize=1.5", "maxSize"],
      ["integers=float", "integers"],
      ["acquireTimeout=soon", "acquireTimeout"],
      ["acquireTimeout=0", "acquireTimeout"],
      ["statementCacheSize=0", "statementCacheSize"],
      ["maxSize=1&maxSize=2", "maxSize"],
      ["charset=latin1", "charset"],
      ["MAXSIZE=1", "MAXSIZE"],
      ["toString=1", "toString"],
      ["__proto__=1", "__proto__"]
    ] as const)
      expect([query, refused({ url: `mysql://h/db?${query}` }).argument]).toEqual([query, argument])
  })

  it("take -1 for never in the query, as SQLAlchemy's pool_recycle has it", () => {
    expect(settings({ url: "mysql://h/db?recycle=-1" }).pool.recycle).toBe(0)
    expect(refused({ url: "mysql://h/db?recycle=-2" }).argument).toBe("recycle")
  })

  it("take host, port, user and database from the query, where they do not stand before it", () => {
    expect(address("mysql:///shop?host=db.internal&port=3307")).toEqual(["mysql", "db.internal:3307/shop"])
    expect(address("mysql://db.internal?database=shop")).toEqual(["mysql", "db.internal:3306/shop"])
    expect(address("mysql:///shop?unixSocket=%2Frun%2Fmysqld.sock")).toEqual(["mysql", "/run/mysqld.sock/shop"])
    // Nothing is passed over: a wrong one shows that it was read.
    expect(refused({ url: "mysql://db/shop?user=" }).argument).toBe("user")
    expect(refused({ url: "mysql://db/shop?host=" }).argument).toBe("host")
  })

  it("with an option both before the query and in it are refused rather than one of the two passed over", () => {
    for (const [url, argument] of [
      ["mysql://one/db?host=two", "host"],
      ["mysql://h:1/db?port=2", "port"],
      ["mysql://ada@h/db?user=bob", "user"],
      ["mysql://ada:a@h/db?password=b", "password"],
      ["mysql://h/one?database=two", "database"]
    ] as const)
      expect([url, refused({ url }).argument]).toEqual([url, argument])
  })

  it("of another form are refused", () => {
    for (const url of [
      "mysql:",
      "mysql:h/db",
      "mysql:/h/db",
      "mysql://h:port/db",
      "mysql://a@b@h/db",
      "mysql://h/db/more",
      "mysql://h db:x/"
    ])
      expect([url, refused({ url }).argument]).toEqual([url, "url"])
    for (const url of ["mysql://h:0/db", "mysql://h:65536/db", "mysql://h:99999999999999999999/db"])
      expect([url, refused({ url }).argument]).toEqual([url, "port"])
  })
})

describe("URLs of SQLite", () => {
  it("have a path, or are a database in memory", () => {
    for (const [url, location] of [
      ["sqlite::memory:", ":memory:"],
      ["sqlite://", ":memory:"],
      ["sqlite:///", ":memory:"],
      ["sqlite:", ":memory:"],
      ["sqlite:///:memory:", ":memory:"],
      ["SQLite::memory:", ":memory:"],
      ["sqlite+aiosqlite:///:memory:", ":memory:"],
      ["sqlite:///relative.db", "relative.db"],
      ["sqlite:///folder/relative.db", "folder/relative.db"],
      ["sqlite:////absolute/file.db", "/absolute/file.db"],
      ["sqlite:relative.db", "relative.db"],
      ["sqlite:/absolute.db", "/absolute.db"],
      ["sqlite:///a%20b%3F%23%25.db", "a b?#%.db"],
      ["sqlite:///gr%C3%B6%C3%9Fe.db?maxSize=2", "größe.db"]
    ] as const)
      expect([url, ...address(url)]).toEqual([url, "sqlite", location])
  })

  it("take options in the query", () => {
    expect(settings({ url: "sqlite:///x.db?maxSize=2&cache=shared&lockTimeout=1%20second" }).pool.maxSize).toBe(2)
    expect(refused({ url: "sqlite:///x.db?mode=ro" }).argument).toBe("mode")
    expect(refused({ url: "sqlite::memory:?cache=private" }).argument).toBe("cache")
    expect(refused({ url: "sqlite::memory:?lockTimeout=-5" }).argument).toBe("lockTimeout")
  })

  it("with a host, or with a path that is none, are refused", () => {
    for (const url of [
      "sqlite://host/file.db",
      "sqlite://file.db",
      "sqlite:///a%00b.db",
      "sqlite:///%",
      "sqlite:///%zz"
    ])
      expect([url, refused({ url }).argument]).toEqual([url, "url"])
  })
})

describe("Options", () => {
  it("without any are a database in memory", () => {
    const { dialect, address, pool, values } = settings({})
    expect([dialect.name, address]).toEqual(["sqlite", ":memory:"])
    expect(pool).toMatchObject({
      minSize: 0,
      maxSize: 10,
      maxWaiters: 0,
      acquireTimeout: 30_000,
      idleTimeout: 600_000,
      recycle: 1_800_000,
      validateAfter: 5_000,
      closeTimeout: 30_000
    })
    expect(values).toEqual({
      integers: "number",
      decimals: "string",
      dateTimes: "Date",
      json: "parsed",
      booleans: "number",
      zeroDates: "fail"
    })
  })

  it("of a server are a server's, without an URL too", () => {
    for (const [given, shown] of [
      [{ host: "db" }, "db:3306"],
      [{ port: 3307 }, "localhost:3307"],
      [{ database: "shop" }, "localhost:3306/shop"],
      [{ user: "app" }, "localhost:3306"],
      [{ password: "pw" }, "localhost:3306"],
      [{ password: Redacted.make("pw") }, "localhost:3306"],
      [{ unixSocket: "/run/s.sock" }, "/run/s.sock"],
      [{ tls: true }, "localhost:3306"]
    ] as const)
      expect([settings(given).dialect.name, settings(given).address]).toEqual(["mysql", shown])
  })

  it("given beside an URL hold instead of the URL's own", () => {
    const url = "mysql://app:pw@h:1/db?maxSize=20&integers=bigint"
    const own = settings({ url, host: "other", port: 2, database: "else", maxSize: 3, integers: "string" })
    expect([own.address, own.pool.maxSize, own.values.integers]).toEqual(["other:2/else", 3, "string"])
    const same = settings({ url, host: undefined, port: undefined, maxSize: undefined, integers: undefined })
    expect([same.address, same.pool.maxSize, same.values.integers]).toEqual(["h:1/db", 20, "bigint"])
    expect(settings({ url: Redacted.make(url) }).address).toBe("h:1/db")
  })

  it("of the other database are refused by their names", () => {
    for (const [given, argument] of [
      [{ url: "mysql://h/db", lockTimeout: 1 }, "lockTimeout"],
      [{ url: "mysql://h/db?lockTimeout=1" }, "lockTimeout"],
      [{ url: "mysql://h/db", cache: "shared" }, "cache"],
      [{ url: "sqlite::memory:", host: "h" }, "host"],
      [{ url: "sqlite::memory:", user: "u" }, "user"],
      [{ url: "sqlite::memory:", password: "s3cret" }, "password"],
      [{ url: "sqlite::memory:", tls: true }, "tls"],
      [{ url: "sqlite::memory:", connectTimeout: 5 }, "connectTimeout"],
      [{ url: "sqlite::memory:", localInfile: true }, "localInfile"],
      [{ url: "sqlite::memory:?database=x" }, "database"],
      [{ host: "h", lockTimeout: 5 }, "lockTimeout"],
      [{ connectTimeout: 5 }, "connectTimeout"]
    ] as const) {
      const error = refused(given)
      expect([given, error.argument]).toEqual([given, argument])
      expect(error.message).not.toContain("s3cret")
    }
  })

  it("that are not known, or not what they are to be, are refused by their names", () => {
    for (const [given, argument] of [
      [{ maxsize: 5 }, "maxsize"],
      [{ pool_recycle: 5 }, "pool_recycle"],
      [{ maxSize: -1 }, "maxSize"],
      [{ maxSize: 1.5 }, "maxSize"],
      [{ maxSize: Number.NaN }, "maxSize"],
      [{ maxSize: Number.POSITIVE_INFINITY }, "maxSize"],
      [{ maxSize: null }, "maxSize"],
      [{ maxSize: "" }, "maxSize"],
      [{ maxSize: true }, "maxSize"],
      [{ minSize: 5, maxSize: 4 }, "minSize"],
      [{ minSize: 11 }, "minSize"],
      [{ acquireTimeout: 0 }, "acquireTimeout"],
      [{ acquireTimeout: -5 }, "acquireTimeout"],
      [{ acquireTimeout: Number.NaN }, "acquireTimeout"],
      [{ acquireTimeout: "soon" }, "acquireTimeout"],
      [{ acquireTimeout: {} }, "acquireTimeout"],
      [{ idleTimeout: -2 }, "idleTimeout"],
      [{ endTimeout: 0 }, "endTimeout"],
      [{ statementCacheSize: 0 }, "statementCacheSize"],
      [{ paramstyle: "numeric" }, "paramstyle"],
      [{ paramstyle: true }, "paramstyle"],
      [{ statementCacheSize: 16_383 }, "statementCacheSize"],
      [{ dateTimes: "date" }, "dateTimes"],
      [{ booleans: true }, "booleans"],
      [{ host: "" }, "host"],
      [{ host: 5 }, "host"],
      [{ host: "a\0b" }, "host"],
      [{ port: 0 }, "port"],
      [{ port: 65_536 }, "port"],
      [{ host: "h", tls: "yes" }, "tls"],
      [{ host: "h", tls: { verify: "no" } }, "tls"],
      [{ host: "h", tls: { cert: 5 } }, "tls"],
      [{ host: "h", tls: { unknown: 1 } }, "tls"],
      [{ host: "h", password: 5 }, "password"],
      [{ host: "h", password: Redacted.make(5) }, "password"],
      [{ url: 42 }, "url"],
      [{ url: null }, "url"],
      [{ url: "" }, "url"],
      [{ url: "no url" }, "url"],
      [{ url: "postgres://h/db" }, "url"],
      [{ url: "constructor://h/db" }, "url"],
      [{ url: "file:///x.db" }, "url"],
      [{ url: new URL("mysql://h/db") }, "url"]
    ] as const)
      expect([given, refused(given).argument]).toEqual([given, argument])
  })

  it("take durations as numbers, texts and Durations, infinity for never, and -1 only where SQLAlchemy has it", () => {
    const pool = (given: object) => settings(given).pool
    expect(pool({ acquireTimeout: 5 }).acquireTimeout).toBe(5)
    expect(pool({ acquireTimeout: "5 seconds" }).acquireTimeout).toBe(5_000)
    expect(pool({ acquireTimeout: Duration.minutes(2) }).acquireTimeout).toBe(120_000)
    expect(pool({ acquireTimeout: Duration.infinity }).acquireTimeout).toBe(Number.POSITIVE_INFINITY)
    expect(refused({ acquireTimeout: -1 }).argument).toBe("acquireTimeout")
    expect(refused({ idleTimeout: -1 }).argument).toBe("idleTimeout")
    expect(pool({ recycle: -1 }).recycle).toBe(0)
    expect(pool({ idleTimeout: "infinity" }).idleTimeout).toBe(0)
    expect(pool({ validateAfter: 0 }).validateAfter).toBe(0)
    expect(pool({ validateAfter: Duration.infinity }).validateAfter).toBe(Number.POSITIVE_INFINITY)
  })

  it("by the names that they have elsewhere are refused, and the name here is said", () => {
    for (const [name, here] of [
      // aiomysql and PyMySQL
      ["db", "database"],
      ["passwd", "password"],
      ["unix_socket", "unixSocket"],
      ["connect_timeout", "connectTimeout"],
      ["sql_mode", "sqlMode"],
      ["init_command", "initCommand"],
      ["local_infile", "localInfile"],
      ["program_name", "programName"],
      ["server_public_key", "serverPublicKey"],
      ["read_default_file", "Options.fromFile"],
      ["read_default_group", "Options.fromFile"],
      ["readDefaultFile", "Options.fromFile"],
      ["ssl", "tls"],
      ["client_flag", "multiStatements"],
      ["conv", "integers"],
      ["cursorclass", "nothing"],
      ["use_unicode", "nothing"],
      ["auth_plugin", "nothing"],
      ["loop", "nothing"],
      ["minsize", "minSize"],
      ["maxsize", "maxSize"],
      ["pool_recycle", "recycle"],
      // SQLAlchemy
      ["pool_size", "maxSize"],
      ["max_overflow", "maxSize"],
      ["pool_timeout", "acquireTimeout"],
      ["pool_pre_ping", "validateAfter"],
      ["isolation_level", "isolationLevel"],
      ["ssl_ca", "tls"],
      // mysql2, @effect/sql-mysql2, and option files
      ["connectionLimit", "maxSize"],
      ["socketPath", "unixSocket"],
      ["multipleStatements", "multiStatements"],
      ["username", "user"],
      ["connectionTTL", "recycle"],
      ["timezone", "UTC"],
      ["default-character-set", "charset"],
      ["ssl-mode", "tls"]
    ] as const) {
      for (const given of [
        { host: "h", [name]: "s3cret" },
        { [name]: "s3cret" },
        { url: `mysql://h/db?${name}=s3cret` }
      ]) {
        const error = refused(given)
        expect([given, error.argument, error.expected]).toEqual([given, name, expect.stringContaining(here)])
        expect(error.message).not.toContain("s3cret")
      }
    }
  })

  it("of a server are taken from values and from URLs", () => {
    for (const query of [
      "charset=utf8mb4",
      "charset=UTF8MB4",
      "collation=utf8mb4_unicode_ci",
      "sqlMode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES",
      "sqlMode=",
      "initCommand=SET%20@a%20=%201",
      "isolationLevel=read%20committed",
      "isolationLevel=READ-COMMITTED",
      "autocommit=true",
      "autocommit=1",
      "programName=shop",
      "multiStatements=true",
      "allowPublicKeyRetrieval=true",
      "tls=1&allowClearPassword=true",
      "echo=true&logParameters=true"
    ])
      expect([query, settings({ url: `mysql://h/db?${query}` }).dialect.name]).toEqual([query, "mysql"])
    const given = {
      initCommand: ["SET @a = 1", "SET @b = 2"],
      connectAttributes: { team: "payments" },
      serverPublicKey: "-----BEGIN PUBLIC KEY-----\n…",
      unixSocket: "/run/s.sock",
      allowClearPassword: true
    }
    expect(settings(given).address).toBe("/run/s.sock")
  })

  it("of a server that cannot be are refused, and it is said why", () => {
    for (const [given, argument, why] of [
      [{ charset: "latin1" }, "charset", "no text is lost"],
      [{ charset: "utf8" }, "charset", "utf8mb4"],
      [{ charset: "utf8mb3" }, "charset", "utf8mb4"],
      [{ collation: "utf8mb4_bin; DROP TABLE t" }, "collation", "name of a collation"],
      [{ sqlMode: "ANSI'" }, "sqlMode", "names of modes"],
      [{ sqlMode: "ANSI,,TRADITIONAL" }, "sqlMode", "names of modes"],
      [{ sqlMode: "ORACLE" }, "sqlMode", "not ORACLE"],
      [{ sqlMode: "ANSI, oracle" }, "sqlMode", "not ORACLE"],
      [{ initCommand: "" }, "initCommand", "a statement"],
      [{ initCommand: ["SET @a = 1", 5] }, "initCommand", "an array of statements"],
      [{ isolationLevel: "snapshot" }, "isolationLevel", "serializable"],
      [{ isolationLevel: "AUTOCOMMIT" }, "isolationLevel", "serializable"],
      [{ autocommit: false }, "autocommit", "Engine.transaction"],
      [{ programName: "" }, "programName", "not empty"],
      [{ connectAttributes: "team=payments" }, "connectAttributes", "an object of texts"],
      [{ connectAttributes: { _os: "x" } }, "connectAttributes", "do not begin with"],
      [{ connectAttributes: { "": "x" } }, "connectAttributes", "do not begin with"],
      [{ connectAttributes: { team: 5 } }, "connectAttributes", "an object of texts"],
      [{ connectAttributes: { team: "x".repeat(70_000) } }, "connectAttributes", "65536"],
      [{ serverPublicKey: "/etc/mysql/public_key.pem" }, "serverPublicKey", "not the path"],
      [{ allowClearPassword: true }, "allowClearPassword", "tls"],
      [{ allowClearPassword: true, tls: false }, "allowClearPassword", "tls"],
      [{ tls: { ca: "/etc/ssl/ca.pem" } }, "tls", "PEM"],
      [{ tls: { cert: "-----BEGIN CERTIFICATE-----" } }, "tls", "together"],
      [{ tls: { key: "-----BEGIN PRIVATE KEY-----" } }, "tls", "together"],
      [{ tls: { verify: "name" } }, "tls", "verify"],
      [{ logParameters: true }, "logParameters", "echo"],
      [{ warnings: "fail", pipelining: 4 }, "pipelining", 'warnings: "fail"'],
      [{ echo: "yes" }, "echo", "true or false"]
    ] as const) {
      const error = refused({ host: "h", ...given })
      expect([given, error.argument, error.expected]).toEqual([given, argument, expect.stringContaining(why)])
    }
    expect(settings({ url: "sqlite::memory:", isolationLevel: "serializable" }).dialect.name).toBe("sqlite")
    expect(refused({ url: "sqlite::memory:", isolationLevel: "read committed" }).argument).toBe("isolationLevel")
    expect(refused({ url: "sqlite::memory:", sqlMode: "ANSI" }).argument).toBe("sqlMode")
  })

  it("may have any minSize where maxSize is unlimited", () => {
    expect(settings({ minSize: 500, maxSize: 0 }).pool).toMatchObject({ minSize: 500, maxSize: 0 })
    expect(settings({ minSize: 4, maxSize: 4 }).pool).toMatchObject({ minSize: 4, maxSize: 4 })
  })

  it("never show a password, whatever is wrong with them", () => {
    const secret = "s3cret-pässwörd"
    const encoded = encodeURIComponent(secret)
    const wrong: ReadonlyArray<object> = [
      { url: `mysql://app:${encoded}@h:port/db` },
      { url: `mysql://app:${encoded}@h/db?unknown=1` },
      { url: `mysql://app:${encoded}@h:0/db` },
      { url: `mysql://app:${encoded}@h/db/more` },
      { url: `mysql://app:${secret}%@h/db` },
      { url: `mysql://app:${secret}@@h/db` },
      { url: `mysql://app:1?${secret}@h/db` },
      { url: `mysql://app:1/${secret}@h/db` },
      { url: `mysql://app:1?a=1&${secret}@h/db` },
      { url: `postgres://app:${secret}@h/db` },
      { url: `mysql://app:${encoded}@h/db`, lockTimeout: 1 },
      { url: `mysql://app:${encoded}@h/db`, minSize: 50 },
      { url: `mysql://h/db?password=${encoded}&nope=1` },
      { url: "sqlite::memory:", password: secret },
      { url: "sqlite::memory:", password: Redacted.make(secret) },
      { host: "h", password: secret, maxSize: -1 },
      { host: "h", tls: { key: secret, cert: 5 } },
      { host: "h", password: [secret] }
    ]
    for (const options of wrong) {
      const error = refused(options)
      const shown = `${error.message}${JSON.stringify(error)}${String(error)}`
      expect([options, shown.includes(secret) || shown.includes(encoded)]).toEqual([options, false])
    }
    const { address } = settings({ url: `mysql://app:${encoded}@h/db` })
    expect(address).not.toContain(secret)
  })

  it("read any user, password, host and database that an URL can carry", () => {
    const part = FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter(
      (text) => text.isWellFormed() && !text.includes("\0")
    )
    FastCheck.assert(
      FastCheck.property(
        part,
        part,
        part,
        FastCheck.integer({ min: 1, max: 65_535 }),
        (user, password, database, port) => {
          const url = `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@h:${port}/${encodeURIComponent(database)}`
          expect(settings({ url }).address).toBe(`h:${port}/${database}`)
          const path = settings({ url: `sqlite:///${encodeURIComponent(database)}` }).address
          expect(path).toBe(database)
        }
      )
    )
  })

  it("end any text that is given as URL in settings or in an ArgumentError", () => {
    const texts = FastCheck.oneof(
      FastCheck.string({ maxLength: 40 }),
      FastCheck.tuple(
        FastCheck.constantFrom("mysql:", "sqlite:", "mysql://", "sqlite:///", "mariadb://u:p@"),
        FastCheck.string({ maxLength: 30 })
      ).map((parts) => parts.join("")),
      FastCheck.webUrl().map((url) => url.replace(/^https?/, "mysql"))
    )
    FastCheck.assert(
      FastCheck.property(texts, (url) => {
        const found = read({ url })
        if (Either.isLeft(found)) expect(found.left._tag).toBe("ArgumentError")
        else expect(["mysql", "sqlite"]).toContain(found.right.dialect.name)
      }),
      { numRuns: 2_000 }
    )
  })
})

describe("Options.withValues", () => {
  it("gives the same object where there are none, and puts the given ones over the others", () => {
    const { values } = settings({ integers: "bigint" })
    expect(Either.getOrThrow(Options.withValues(values, undefined))).toBe(values)
    expect(Either.getOrThrow(Options.withValues(values, { json: "text", decimals: undefined } as never))).toEqual({
      ...values,
      json: "text"
    })
    for (const given of [{ integers: "x" }, { nope: 1 }, { maxSize: 1 }])
      expect(Either.isLeft(Options.withValues(values, given as never))).toBe(true)
  })
})

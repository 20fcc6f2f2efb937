/**
 * URLs of databases, as SQLAlchemy writes them: which database they mean, and the options in them, as they are written.
 *
 * @since 0.1.0
 */
import { Either } from "effect"
import type { ArgumentError } from "./Errors.js"
import { refuse } from "./OptionField.js"

/**
 * What an URL is of, and the options that it gives, unread.
 *
 * @since 0.1.0
 * @category models
 */
export type Target =
  | { readonly database: "mysql"; readonly given: Readonly<Record<string, unknown>> }
  | { readonly database: "sqlite"; readonly location: string; readonly given: Readonly<Record<string, unknown>> }

const schemes: Readonly<Record<string, Target["database"]>> = {
  mysql: "mysql",
  mariadb: "mysql",
  "mysql+aiomysql": "mysql",
  "mysql+asyncmy": "mysql",
  "mysql+pymysql": "mysql",
  "mariadb+aiomysql": "mysql",
  sqlite: "sqlite",
  "sqlite+aiosqlite": "sqlite"
}

/** Says what is wrong without showing the URL, which may hold a password. */
const refuseUrl = (given: string, expected: string): Either.Either<never, ArgumentError> =>
  Either.left(refuse("url", given, expected))

/**
 * Reads an URL. What is wrong with it is said without showing it, because it may hold a password.
 *
 * @since 0.1.0
 * @category reading
 */
export const readUrl = (url: string): Either.Either<Target, ArgumentError> => {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined)
    return refuseUrl(
      url === "" ? "an empty text" : "a text that is no URL",
      "an URL such as mysql://user@host/database or sqlite::memory:"
    )
  const database = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined
  if (database === undefined) {
    return refuseUrl(`an URL with the scheme ${scheme}`, `one of the schemes ${Object.keys(schemes).join(", ")}`)
  }
  const rest = url.slice(scheme.length + 1)
  return database === "sqlite" ? readSqliteUrl(rest) : readMysqlUrl(rest)
}

const decode = (encoded: string): string | undefined => {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}

const readQuery = (query: string): Either.Either<Readonly<Record<string, string>>, ArgumentError> => {
  const given: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(query)) {
    if (name in given) return Either.left(refuse(name, "two values in the URL", "one"))
    given[name] = value
  }
  return Either.right(given)
}

/** As SQLAlchemy: three slashes and a relative path, or four and an absolute one; nothing is a database in memory. */
const readSqliteUrl = (rest: string): Either.Either<Target, ArgumentError> => {
  const [, path = "", query = ""] = /^([^?]*)\??(.*)$/s.exec(rest) ?? []
  if (/^\/\/[^/]/.test(path))
    return refuseUrl("a SQLite URL with a host", "sqlite::memory:, sqlite:///relative.db or sqlite:////absolute.db")
  const location = decode(path.startsWith("//") ? path.slice(3) : path)
  if (location === undefined || location.includes("\0"))
    return refuseUrl("a path that is not percent-encoded", "a percent-encoded path")
  return Either.map(
    readQuery(query),
    (given): Target => ({
      database: "sqlite",
      location: location === "" ? ":memory:" : location,
      given
    })
  )
}

const readMysqlUrl = (rest: string): Either.Either<Target, ArgumentError> => {
  const parts =
    /^\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?(\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]|[^:/?@[\]]*)(?::(\d+))?(?:\/([^?/]*))?(?:\?(.*))?$/s.exec(
      rest
    )
  if (parts === null)
    return refuseUrl("an URL of another form", "mysql://user:password@host:port/database, percent-encoded")
  const [, user, password, host = "", port, database, query = ""] = parts
  const decoded = [user, password, host.replace(/^\[|\]$/g, ""), database].map((part) =>
    part === undefined || part === "" ? part : (decode(part) ?? null)
  )
  if (decoded.includes(null)) return refuseUrl("a part that is not percent-encoded", "percent-encoded parts")
  const [decodedUser, decodedPassword, decodedHost, decodedDatabase] = decoded
  const named = Object.entries({
    user: decodedUser || undefined,
    password: decodedPassword,
    host: decodedHost || undefined,
    port,
    database: decodedDatabase || undefined
  }).filter(([, value]) => value !== undefined)
  return Either.flatMap(readQuery(query), (given): Either.Either<Target, ArgumentError> => {
    const twice = named.find(([name]) => name in given)
    return twice === undefined
      ? Either.right({ database: "mysql", given: { ...given, ...Object.fromEntries(named) } })
      : Either.left(refuse(twice[0], "two values in the URL", "one"))
  })
}

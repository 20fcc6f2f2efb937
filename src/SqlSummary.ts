/**
 * What may be told of a statement's text where values are not to be seen: its operation, a summary of few kinds, and the
 * text with `?` in the place of every value. What is in doubt is left out.
 *
 * https://opentelemetry.io/docs/specs/semconv/database/database-spans/
 *
 * @since 0.1.0
 */
import type { Lexicon } from "./Lexer.js"
import { type Closings, closingsOf, type Piece, piecesOf, textOf } from "./SqlPieces.js"

/**
 * What may be told of a text.
 *
 * @since 0.1.0
 * @category models
 */
export interface SqlSummary {
  /** What it does, in capitals: `SELECT`. Undefined where that is not known, or the text does several things. */
  readonly operation: string | undefined
  /** Each operation and what it is on, as far as 255 characters: `INSERT audit SELECT orders`. */
  readonly summary: string | undefined
  /** The text without comments and values. */
  readonly text: string
}

/** Longer texts are summed up anew each time: they are seldom the same again. */
const keptCharacters = 4_096

/** Texts whose summaries are kept. */
const keptTexts = 1_024

/** The most that a summary may have, by the convention. */
const summaryCharacters = 255

// ---------------------------------------------------------------------------------------------------------------------
// the summary

const wordSet = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/))

/** Words that statements begin with. Any other is no operation: so there are few. */
const verbs: ReadonlySet<string> = wordSet(`
  ALTER ANALYZE ATTACH BEGIN BINLOG CALL CHANGE CHECK CHECKSUM COMMIT CREATE DEALLOCATE DELETE DESC DESCRIBE DETACH DO DROP
  END EXECUTE EXPLAIN FLUSH GRANT HANDLER INSERT INSTALL KILL LOAD LOCK OPTIMIZE PRAGMA PREPARE PURGE REINDEX RELEASE
  RENAME REPAIR REPLACE RESET REVOKE ROLLBACK SAVEPOINT SELECT SET SHOW SHUTDOWN SIGNAL START STOP TABLE TRUNCATE
  UNINSTALL UNLOCK UPDATE USE VACUUM VALUES XA
`)

/** Words that a statement goes on with behind WITH or EXPLAIN. */
const innerVerbs: ReadonlySet<string> = wordSet("DELETE INSERT REPLACE SELECT TABLE UPDATE VALUES")

/** Verbs that are told with the word behind them. Any other word is not told: a program can write any. */
const pairs: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["START", wordSet("ALL GROUP_REPLICATION REPLICA SLAVE TRANSACTION")],
  ["XA", wordSet("BEGIN COMMIT END PREPARE RECOVER ROLLBACK START")]
])

/** Verbs that are followed by the statement that they tell of. */
const explains: ReadonlySet<string> = wordSet("ANALYZE DESC DESCRIBE EXPLAIN")

const definitions: ReadonlySet<string> = wordSet("ALTER CREATE DROP RENAME TRUNCATE")

const kinds: ReadonlySet<string> = wordSet(
  "DATABASE EVENT FUNCTION INDEX PACKAGE PROCEDURE ROLE SCHEMA SEQUENCE SERVER TABLE TABLESPACE TRIGGER USER VIEW"
)

/** Definitions whose texts have statements of their own. */
const programs: ReadonlySet<string> = wordSet("EVENT FUNCTION PACKAGE PROCEDURE TRIGGER")

/** Words between a verb and its table. */
const modifiers: ReadonlySet<string> = wordSet(
  "ABORT DELAYED FAIL HIGH_PRIORITY IGNORE INTO LOW_PRIORITY OR QUICK REPLACE ROLLBACK TABLE"
)

const existence: ReadonlySet<string> = wordSet("IF NOT EXISTS")

/** Words that no table is called by without quotes. */
const noTables: ReadonlySet<string> = wordSet("DUAL SELECT SET TABLE VALUES WHERE WITH")

/** What a statement does between two parentheses. */
interface Level {
  /** FROM and JOIN are followed by tables, and not parts of a function's arguments. */
  reads: boolean
  /** It stands in the place of a table. */
  readonly isTable: boolean
}

/** The operations of a text and what they are on, in the order in which they stand. */
class Operations {
  private readonly parts: Array<string> = []
  private length = 0
  private readonly levels: Array<Level> = [{ reads: false, isTable: false }]
  /** Names of common table expressions, which are no tables. */
  private readonly own: ReadonlySet<string>
  /** What each statement of the text does. */
  private readonly verbs: Array<string> = []
  private awaits: "verb" | "inner verb" | undefined = "verb"
  /** The parenthesis that stands in the place of a table. */
  private tableAt = -1
  /** Tables are read up to here. What stands among them is a name, also where it looks like FROM. */
  private tablesEnd = 0
  private verb = ""

  constructor(
    private readonly pieces: ReadonlyArray<Piece>,
    private readonly closings: Closings
  ) {
    this.own = this.commonTables()
    for (let at = 0; at < pieces.length && this.readAt(at); at++) {}
  }

  get summary(): string | undefined {
    return this.parts.length === 0 ? undefined : this.parts.join(" ")
  }

  get operation(): string | undefined {
    const first = this.verbs[0]
    return this.verbs.every((verb) => verb === first) ? first : undefined
  }

  private get level(): Level {
    return this.levels.at(-1) ?? { reads: false, isTable: false }
  }

  private word(at: number): string {
    const piece = this.pieces[at]
    return piece?.kind === "word" ? piece.text.toUpperCase() : ""
  }

  private symbol(at: number): string {
    const piece = this.pieces[at]
    return piece?.kind === "symbol" ? piece.text : ""
  }

  private addPart(part: string): void {
    this.length += part.length + 1
    if (this.length <= summaryCharacters + 1) this.parts.push(part)
    // What comes after one that has no room would seem to stand beside the one before it.
    else this.length = Number.POSITIVE_INFINITY
  }

  /** `name AS (…)` and `name (a, b) AS (…)`. */
  private commonTables(): ReadonlySet<string> {
    const names = new Set<string>()
    if (!this.pieces.some((_, at) => this.word(at) === "WITH")) return names
    this.pieces.forEach((piece, at) => {
      if (piece.kind !== "word" && piece.kind !== "name") return
      let next = at + 1
      if (this.symbol(next) === "(") next = (this.closings.get(next) ?? this.pieces.length) + 1
      if (this.word(next) !== "AS") return
      do next++
      while (this.word(next) === "NOT" || this.word(next) === "MATERIALIZED")
      if (this.symbol(next) === "(") names.add(piece.text.toUpperCase())
    })
    return names
  }

  /** Reads one piece. Whether anything behind it counts. */
  private readAt(at: number): boolean {
    switch (this.symbol(at)) {
      case "(": {
        const isTable = at === this.tableAt
        this.levels.push({ reads: isTable, isTable })
        if (isTable) this.readTables(at + 1)
        return true
      }
      case ")": {
        const closed = this.levels.length > 1 ? this.levels.pop() : undefined
        if (closed?.isTable === true) this.readMoreTables(at + 1)
        return true
      }
      case ";":
        this.levels.splice(0, this.levels.length, { reads: false, isTable: false })
        this.awaits = "verb"
        return true
    }
    const word = this.word(at)
    return word === "" || this.readWord(at, word)
  }

  private readWord(at: number, word: string): boolean {
    if (this.awaits !== undefined && this.levels.length === 1) {
      if (this.awaits === "verb" && word === "WITH") this.awaits = "inner verb"
      else if (this.awaits === "verb" || innerVerbs.has(word)) return this.readVerb(at, word)
      return true
    }
    switch (word) {
      case "SELECT":
        if (this.verbs.length === 0 && this.awaits === "verb") {
          this.verbs.push(word)
          this.awaits = undefined
        }
        this.addPart(word)
        this.level.reads = true
        break
      case "FROM":
        // IS DISTINCT FROM compares.
        if (this.level.reads && this.word(at - 1) !== "DISTINCT") this.readTables(at + 1)
        break
      case "JOIN":
      case "STRAIGHT_JOIN":
        if (this.level.reads) this.readTables(at + 1)
        break
      case "TABLE":
        if (this.verb === "LOAD") this.readTable(at + 1)
        break
    }
    return true
  }

  private readVerb(at: number, word: string): boolean {
    const isInner = this.awaits === "inner verb"
    this.awaits = undefined
    this.verb = word
    if (!verbs.has(word)) return true
    const second = this.word(at + 1)
    const verb = pairs.get(word)?.has(second) === true ? `${word} ${second}` : word
    if (!isInner || this.verbs.length === 0 || !explains.has(this.verbs.at(-1) ?? "")) this.verbs.push(verb)
    this.addPart(verb)
    if (definitions.has(word)) return this.readDefinition(at, word)
    switch (word) {
      case "SELECT":
      case "DELETE":
        this.level.reads = true
        break
      case "INSERT":
      case "REPLACE":
      case "CALL":
      case "TABLE":
        this.readTable(this.afterModifiers(at + 1))
        break
      case "UPDATE":
        this.level.reads = true
        this.readTables(this.afterModifiers(at + 1))
        break
      case "BEGIN":
        // BEGIN NOT ATOMIC is a program.
        return this.word(at + 1) !== "NOT"
      default:
        if (explains.has(word)) this.awaits = "inner verb"
    }
    return true
  }

  private afterModifiers(from: number): number {
    let at = from
    while (modifiers.has(this.word(at))) at++
    return at
  }

  /** `CREATE TEMPORARY TABLE IF NOT EXISTS person`: the kind of thing, and its name. */
  private readDefinition(at: number, verb: string): boolean {
    let next = at + 1
    while (next < at + 16 && !kinds.has(this.word(next)) && !"(;".includes(this.symbol(next) || " ")) next++
    const kind = this.word(next)
    if (kinds.has(kind)) {
      this.addPart(kind)
      next++
    } else if (verb === "TRUNCATE") next = at + 1
    else return true
    while (existence.has(this.word(next))) next++
    if (verb === "DROP") this.readTables(next)
    else this.readTable(next)
    return !programs.has(kind)
  }

  /** The name of a table, as it is written; gives the place behind it. */
  private readTable(at: number): number | undefined {
    if (!this.isName(at)) return undefined
    let name = this.pieces[at]!.text
    let next = at + 1
    while (this.symbol(next) === "." && this.isNamePart(next + 1)) {
      name += `.${this.pieces[next + 1]!.text}`
      next += 2
    }
    if (!this.own.has(name.toUpperCase())) this.addPart(name)
    return next
  }

  private isNamePart(at: number): boolean {
    const piece = this.pieces[at]
    return piece !== undefined && (piece.kind === "word" || (piece.kind === "name" && piece.text[0] !== "@"))
  }

  private isName(at: number): boolean {
    return this.isNamePart(at) && !noTables.has(this.word(at))
  }

  /** Tables with commas between them. */
  private readTables(from: number): void {
    if (from < this.tablesEnd) return
    let next: number | undefined = from
    while (next !== undefined) {
      const at: number = this.word(next) === "LATERAL" ? next + 1 : next
      if (this.symbol(at) === "(") this.tableAt = at
      const end = this.readTable(at)
      next = end === undefined ? undefined : this.afterComma(end)
    }
  }

  /** Behind a table in parentheses. */
  private readMoreTables(from: number): void {
    const next = this.afterComma(from)
    if (next !== undefined) this.readTables(next)
  }

  /** Behind a table, its other name and a comma; undefined where none follows. */
  private afterComma(from: number): number | undefined {
    let at = from
    if (this.word(at) === "AS") at++
    if (this.symbol(at) !== "," && this.isNamePart(at)) at++
    this.tablesEnd = at
    return this.symbol(at) === "," ? at + 1 : undefined
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// summaries

/**
 * What may be told of a text.
 *
 * @since 0.1.0
 * @category reading
 */
export const summaryOf = (sql: string, lexicon: Lexicon): SqlSummary => summaryOfPieces(piecesOf(sql, lexicon))

/**
 * What may be told of the pieces of a text.
 *
 * @since 0.1.0
 * @category reading
 */
export const summaryOfPieces = (pieces: ReadonlyArray<Piece>): SqlSummary => {
  const closings = closingsOf(pieces)
  const { operation, summary } = new Operations(pieces, closings)
  return { operation, summary, text: textOf(pieces, closings) }
}

/**
 * Summaries of the texts of one lexicon, so many of which are kept.
 *
 * @since 0.1.0
 * @category reading
 */
export class Summaries {
  private readonly kept = new Map<string, SqlSummary>()

  constructor(private readonly lexicon: Lexicon) {}

  of(sql: string): SqlSummary {
    const kept = this.kept.get(sql)
    if (kept !== undefined) return kept
    const summary = summaryOf(sql, this.lexicon)
    if (sql.length > keptCharacters) return summary
    if (this.kept.size >= keptTexts) {
      const oldest = this.kept.keys().next()
      if (oldest.done !== true) this.kept.delete(oldest.value)
    }
    this.kept.set(sql, summary)
    return summary
  }
}

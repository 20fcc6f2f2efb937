/**
 * The two embedded databases behind one contract: `node:sqlite` where Node has it with all that is needed, else the
 * synchronous package `libsql`. This is the only file that loads either.
 *
 * Integers come as bigint from both, rows as arrays, and every call gets its parameters in an array: `libsql` ends the
 * process for some values that come otherwise.
 */
import { createRequire } from "node:module"
import { Effect } from "effect"
import { InterfaceError } from "../Errors.js"

/** A parameter that both databases bind without a loss. */
export type NativeParameter = null | number | bigint | string | Uint8Array

export type NativeRow = ReadonlyArray<null | number | bigint | string | Uint8Array>

export interface NativeColumn {
  readonly name: string
  readonly table: string | null
  /** The declared type; null for an expression. */
  readonly type: string | null
}

export interface NativeStatement {
  /** True only after the statement ran: before, it may describe a table that has changed since. */
  readonly columns: () => ReadonlyArray<NativeColumn>
  readonly all: (parameters: ReadonlyArray<NativeParameter>) => ReadonlyArray<NativeRow>
  readonly run: (parameters: ReadonlyArray<NativeParameter>) => number
  readonly iterate: (parameters: ReadonlyArray<NativeParameter>) => Iterator<NativeRow>
  /** After it met a lock: makes it let go of what it holds, so that its connection sees what others commit meanwhile. */
  readonly letGo: (parameters: ReadonlyArray<NativeParameter>) => void
  /** Ends an iteration that was not read to its end. */
  readonly cut: (iterator: Iterator<NativeRow>) => void
}

export interface NativeDatabase {
  readonly prepare: (sql: string) => NativeStatement
  readonly inTransaction: () => boolean
  readonly close: () => void
}

export interface Native {
  readonly name: "node:sqlite" | "libsql"
  readonly open: (location: string) => NativeDatabase
  /** Text with a NUL character comes back as it was bound. */
  readonly keepsNul: boolean
}

/** What `node:sqlite` has from Node 22.16 on, as far as it is used. */
interface NodeSqlite {
  readonly DatabaseSync: new (
    location: string
  ) => {
    prepare(sql: string): {
      columns(): ReadonlyArray<NativeColumn>
      all(...parameters: ReadonlyArray<NativeParameter>): ReadonlyArray<unknown>
      run(...parameters: ReadonlyArray<NativeParameter>): { readonly changes: number | bigint }
      iterate(...parameters: ReadonlyArray<NativeParameter>): Iterator<unknown>
      setReadBigInts(on: boolean): void
      setReturnArrays(on: boolean): void
    }
    readonly isTransaction: boolean
    close(): void
  }
  readonly StatementSync: { readonly prototype: object }
}

interface Libsql {
  new (
    location: string
  ): {
    prepare(sql: string): {
      readonly reader: boolean
      raw(on: boolean): unknown
      safeIntegers(on: boolean): unknown
      columns(): ReadonlyArray<NativeColumn>
      all(parameters: ReadonlyArray<NativeParameter>): ReadonlyArray<NativeRow>
      run(parameters: ReadonlyArray<NativeParameter>): { readonly changes: number }
      iterate(parameters: ReadonlyArray<NativeParameter>): Iterator<NativeRow>
      interrupt(): void
    }
    readonly inTransaction: boolean
    exec(sql: string): void
    close(): void
  }
}

const require = createRequire(import.meta.url)

const nodeSqlite = (): Native | undefined => {
  if (!process.versions.node || process.getBuiltinModule === undefined) return undefined
  const module = process.getBuiltinModule("node:sqlite") as NodeSqlite | undefined
  if (module === undefined || !("setReturnArrays" in module.StatementSync.prototype)) return undefined
  return {
    name: "node:sqlite",
    keepsNul: true,
    open: (location) => {
      const database = new module.DatabaseSync(location)
      return {
        prepare: (sql) => {
          const statement = database.prepare(sql)
          statement.setReadBigInts(true)
          statement.setReturnArrays(true)
          return {
            columns: () => statement.columns(),
            all: (parameters) => statement.all(...parameters) as ReadonlyArray<NativeRow>,
            run: (parameters) => Number(statement.run(...parameters).changes),
            iterate: (parameters) => statement.iterate(...parameters) as Iterator<NativeRow>,
            letGo: () => {},
            cut: (iterator) => {
              iterator.return?.()
            }
          }
        },
        inTransaction: () => database.isTransaction,
        close: () => database.close()
      }
    }
  }
}

const libsql = (): Native => {
  const Database = require("libsql") as Libsql
  return {
    name: "libsql",
    keepsNul: false,
    open: (location) => {
      const database = new Database(location)
      let open = true
      return {
        prepare: (sql) => {
          const statement = database.prepare(sql)
          statement.safeIntegers(true)
          if (statement.reader) statement.raw(true)
          return {
            columns: () => (statement.reader ? statement.columns() : []),
            all: (parameters) => statement.all(parameters.map(forLibsql)),
            run: (parameters) => statement.run(parameters.map(forLibsql)).changes,
            iterate: (parameters) => statement.iterate(parameters.map(forLibsql)),
            // It resets no statement that met a lock, and there is no call for it. One that may not write is refused at its
            // next step, and that ends it.
            letGo: (parameters) => {
              database.exec("PRAGMA query_only = ON")
              try {
                statement.run(parameters.map(forLibsql))
              } catch {
                // This is the refusal.
              }
              database.exec("PRAGMA query_only = OFF")
            },
            cut: (iterator) => {
              // It has no way to end an iteration but an error.
              statement.interrupt()
              try {
                while (iterator.next().done !== true) {}
              } catch {}
            }
          }
        },
        // Asking a closed database ends the process.
        inTransaction: () => open && database.inTransaction,
        close: () => {
          open = false
          database.close()
        }
      }
    }
  }
}

/** It takes bytes as a Buffer only. */
const forLibsql = (value: NativeParameter): NativeParameter =>
  value instanceof Uint8Array && !Buffer.isBuffer(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : value

/** Loads the embedded database when the first connection is opened: programs on a server never pay for it. */
export const loadNative: Effect.Effect<Native, InterfaceError> = Effect.try({
  try: () => nodeSqlite() ?? libsql(),
  catch: (cause) =>
    new InterfaceError({
      reason: "DriverUnavailable",
      message: "no embedded SQLite: use Node 22.16 or later, which has it, or install the package libsql",
      cause
    })
})

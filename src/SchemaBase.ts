/**
 * Columns that many tables begin with (devsetgo_lib's `SchemaBase`): a key that is unique everywhere, and when a row was made
 * and last changed.
 *
 * @since 0.1.0
 */
import { DateTime, Effect } from "effect"
import * as Column from "./Column.js"

const now = Effect.map(DateTime.now, DateTime.toDateUtc)

/**
 * `pkid`, a UUID; `date_created`, which is set when a row is inserted; `date_updated`, which is set then and with every
 * update. They are set by the program, in UTC and by Effect's `Clock`, so they are the same on every database.
 *
 * @example
 * ```ts
 * import { Column, SchemaBase, Table } from "effect-sa/schema"
 *
 * export const person = Table.make("person", {
 *   ...SchemaBase.columns,
 *   name: Column.varchar(50)
 * })
 * ```
 *
 * @since 0.1.0
 * @category columns
 */
export const columns = {
  pkid: Column.uuid.pipe(
    Column.primaryKey,
    Column.withDefault(() => crypto.randomUUID())
  ),
  date_created: Column.datetime(3).pipe(Column.index, Column.withDefault(now)),
  date_updated: Column.datetime(3).pipe(Column.index, Column.withDefault(now), Column.onUpdate(now))
}

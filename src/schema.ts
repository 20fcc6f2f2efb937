/**
 * Tables, what is in a database, and operations on both. It loads Kysely, which `effect-sa` does not.
 *
 * @since 0.1.0
 */
export * as Column from "./Column.js"
export * as Database from "./Database.js"
export * as Inspector from "./Inspector.js"
export * as MetaData from "./MetaData.js"
export * as Operations from "./Operations.js"
export * as SchemaBase from "./SchemaBase.js"
export * as Table from "./Table.js"

/**
 * aiomysql for Effect: every module is a namespace, as in Effect.
 *
 * @since 0.1.0
 */
export * as Connection from "./Connection.js"
export * as Cursor from "./Cursor.js"
export * as Dialect from "./Dialect.js"
export * as Driver from "./Driver.js"
export * as Engine from "./Engine.js"
export * as Errors from "./Errors.js"
export * as LeasePool from "./LeasePool.js"
export * as Options from "./Options.js"
export * as Pool from "./Pool.js"
export * as Result from "./Result.js"
export * as SAConnection from "./SAConnection.js"
export * as SATransaction from "./SATransaction.js"
export * as Statement from "./Statement.js"
export * as Transaction from "./Transaction.js"
export * as Value from "./Value.js"

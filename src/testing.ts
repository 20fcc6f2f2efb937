/**
 * What tests of programs need.
 *
 * @since 0.1.0
 */
export * as Sandbox from "./Sandbox.js"

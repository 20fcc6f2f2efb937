/**
 * A place for a value in a statement that is built: the value is given, by its name, when the statement is executed.
 *
 * @since 0.1.0
 */

/**
 * A value that is given when the statement is executed (SQLAlchemy's `bindparam`). It stands wherever the value could
 * stand in a Kysely query or a statement of a Table.
 *
 * @since 0.1.0
 * @category models
 */
export class Param<out A = unknown> {
  constructor(
    readonly name: string,
    /** What becomes of a value that is given: a column encodes it. */
    readonly encode?: ((value: unknown, argument: string) => unknown) | undefined
  ) {}
  /** Kysely takes for an expression what has this and `toOperationNode`. */
  get expressionType(): A | undefined {
    return undefined
  }
  toOperationNode(): { readonly kind: "ValueNode"; readonly value: unknown } {
    return { kind: "ValueNode", value: this }
  }
}

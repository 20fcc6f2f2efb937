/**
 * Whether a value is one that a schema takes and leaves as it is, found out without Schema's machinery, which costs several
 * times as much as sending the value does (`Operations.createMany` of 100,000 rows, `npm run bench`).
 *
 * @since 0.1.0
 */
import { Option, type Schema, type SchemaAST } from "effect"

/** How refinements of schemas are asked; what they see of it is nothing. */
const options: SchemaAST.ParseOptions = {}

/**
 * A check for a schema that is a primitive, or a primitive with refinements (a brand is one): whether a value passes it.
 * Undefined for any other schema. It never says yes where the schema says no; a schema that says no also says why.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ ast }: Schema.Schema.AnyNoContext): ((value: unknown) => boolean) | undefined => of(ast)

const of = (ast: SchemaAST.AST): ((value: unknown) => boolean) | undefined => {
  switch (ast._tag) {
    case "StringKeyword":
      return (value) => typeof value === "string"
    case "NumberKeyword":
      return (value) => typeof value === "number"
    case "BooleanKeyword":
      return (value) => typeof value === "boolean"
    case "BigIntKeyword":
      return (value) => typeof value === "bigint"
    case "Literal":
      return (value) => value === ast.literal
    case "Refinement": {
      const from = of(ast.from)
      return from && ((value) => from(value) && Option.isNone(ast.filter(value, options, ast)))
    }
    case "Transformation": {
      // What is composed of two schemas that change nothing changes nothing.
      if (ast.transformation._tag !== "ComposeTransformation") return undefined
      const from = of(ast.from)
      const to = of(ast.to)
      return from && to && ((value) => from(value) && to(value))
    }
    case "Union": {
      const members = ast.types.flatMap((type) => of(type) ?? [])
      return members.length === ast.types.length ? (value) => members.some((is) => is(value)) : undefined
    }
    default:
      return undefined
  }
}

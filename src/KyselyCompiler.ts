/**
 * Trees of Kysely's nodes, turned into the SQL of a dialect by Kysely's own compilers. What has no meaning there is refused;
 * what is only said in other words is said in those.
 *
 * @since 0.1.0
 */
import {
  type BinaryOperationNode,
  type CastNode,
  type ColumnNode,
  type CreateTableNode,
  createQueryId,
  type DefaultValueNode,
  type DeleteQueryNode,
  ForeignKeyConstraintNode,
  type IdentifierNode,
  InsertQueryNode,
  type JSONPathNode,
  MysqlQueryCompiler,
  type OffsetNode,
  type OperationNode,
  PrimitiveValueListNode,
  type ReferencesNode,
  type RootOperationNode,
  type SelectModifierNode,
  SelectQueryNode,
  type SetOperationNode,
  SqliteQueryCompiler,
  ValueNode,
  type ValueListNode,
  ValuesNode,
  WhereNode
} from "kysely"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, kindOf } from "./Errors.js"
import { quote } from "./Identifier.js"
import { refusalOf } from "./KyselyRules.js"
import { Param } from "./Param.js"
import type { Refusal, Text } from "./Statement.js"
import { bind } from "./Value.js"

/** What is wrong, on its way out of a compiler of Kysely. */
class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message)
  }
}

const refuse = (argument: string, given: string, expected: string): Refused =>
  new Refused(new ArgumentError({ argument, given, expected }))

const identifier = ({ name }: IdentifierNode, dialect: Dialect): string => {
  const quoted = quote(name, dialect)
  if (typeof quoted !== "string") throw new Refused(quoted)
  return quoted
}

/** A value that stands in the text. */
const immediate = (value: unknown, dialect: Dialect): string => {
  if (typeof value === "boolean") return String(value)
  if (value instanceof Param) throw refuse("statement", "a parameter", "a value: what is given later has no literal")
  const bound = bind(value, "statement")
  if (bound instanceof ArgumentError) throw new Refused(bound)
  const literal = dialect.literal(bound, dialect.lexicon.backslashEscapes)
  if (typeof literal === "string") return literal
  throw refuse("statement", kindOf(value), `a value with a literal: ${literal.message}`)
}

/** The last element is `last` on MySQL and `#-1` on SQLite, the one before it `last-1` and `#-2`. */
const fromTheEnd = (place: string, dialect: Dialect["name"]): string => {
  const [, before = "0"] = /^last(?:-(\d+))?$/.exec(place) ?? [undefined, undefined]
  const [, number] = /^#-([1-9]\d*)$/.exec(place) ?? []
  if (dialect === "sqlite" && place.startsWith("last")) return `#-${Number(before) + 1}`
  if (dialect === "mysql" && number !== undefined) return number === "1" ? "last" : `last-${Number(number) - 1}`
  return place
}

/** In JSON paths MariaDB knows no name that begins with a minus, and SQLite none with a quote in it: they would find nothing. */
const jsonName = (member: string, dialect: Dialect["name"]): string => {
  if (dialect === "mysql" ? member.startsWith("-") : member.includes('"'))
    throw refuse("statement", "a name that cannot stand in a JSON path here", "another")
  return JSON.stringify(member)
}

/** The text of a JSON path. The names in it are JSON themselves. */
const jsonPath = ({ pathLegs }: JSONPathNode, { name }: Dialect): string =>
  pathLegs.reduce((path, { type, value }) => {
    if (type === "Member") return `${path}.${jsonName(String(value), name)}`
    const place = fromTheEnd(String(value), name)
    if (/^(?:\d+|last(?:-\d+)?|#-\d+)$/.test(place)) return `${path}[${place}]`
    throw refuse("statement", "a text", "the place of an element of a JSON array")
  }, "$")

/** In a member of a set operation these would be read as the whole's. */
const hasEnd = (node: OperationNode): boolean =>
  SelectQueryNode.is(node) &&
  (node.setOperations ?? node.orderBy ?? node.limit ?? node.offset ?? node.with ?? node.endModifiers) !== undefined

const isEmptyListOf = (values: ReadonlyArray<unknown>, parent: OperationNode | undefined): boolean =>
  values.length === 0 && parent?.kind === "BinaryOperationNode"

const foreignKey = (
  column: ColumnNode,
  { table, columns, onDelete, onUpdate }: ReferencesNode
): ForeignKeyConstraintNode => {
  const key = ForeignKeyConstraintNode.create([column], table, [...columns])
  return { ...key, ...(onDelete && { onDelete }), ...(onUpdate && { onUpdate }) }
}

const noRow = ValuesNode.create([PrimitiveValueListNode.create([])])

const castWords: ReadonlyMap<unknown, string> = new Map([
  ["text", "char"],
  ["real", "double"],
  ["double precision", "double"]
])

class MysqlCompiler extends MysqlQueryCompiler {
  constructor(private readonly dialect: Dialect) {
    super()
  }
  protected override visitIdentifier(node: IdentifierNode): void {
    this.append(identifier(node, this.dialect))
  }
  protected override appendImmediateValue(value: unknown): void {
    this.append(immediate(value, this.dialect))
  }
  protected override visitJSONPath(node: JSONPathNode): void {
    if (node.inOperator) this.visitNode(node.inOperator)
    this.append(immediate(jsonPath(node, this.dialect), this.dialect))
  }
  protected override visitOffset(node: OffsetNode): void {
    if (this.parentNode && SelectQueryNode.is(this.parentNode) && !this.parentNode.limit)
      this.append("limit 18446744073709551615 ")
    super.visitOffset(node)
  }
  protected override visitInsertQuery(node: InsertQueryNode): void {
    const { defaultValues, ...rest } = node
    super.visitInsertQuery(defaultValues ? { ...rest, columns: [], values: noRow } : node)
  }
  /** MariaDB has RETURNING at the end. */
  protected override visitDeleteQuery(node: DeleteQueryNode): void {
    const { returning, ...rest } = node
    super.visitDeleteQuery(rest)
    if (returning === undefined) return
    this.append(" ")
    this.visitNode(returning)
  }
  /** Locks that others may share, in the words that MariaDB knows too; with `of` or `skip locked` MySQL has only its own. */
  protected override visitSelectModifier(node: SelectModifierNode): void {
    const alone =
      node.of === undefined && this.parentNode && SelectQueryNode.is(this.parentNode)
        ? this.parentNode.endModifiers?.every(({ modifier }) => modifier !== "NoWait" && modifier !== "SkipLocked")
        : false
    if (node.modifier === "ForShare" && alone) this.append("lock in share mode")
    else super.visitSelectModifier(node)
  }
  protected override visitSetOperation(node: SetOperationNode): void {
    if (!hasEnd(node.expression)) return super.visitSetOperation(node)
    this.append(`${node.operator} ${node.all ? "all " : ""}(`)
    this.visitNode(node.expression)
    this.append(")")
  }
  protected override visitBinaryOperation(node: BinaryOperationNode): void {
    const operator = "operator" in node.operator ? node.operator.operator : undefined
    if (operator !== "is distinct from" && operator !== "is not distinct from") return super.visitBinaryOperation(node)
    this.append(operator === "is distinct from" ? "(not (" : "((")
    this.visitNode(node.leftOperand)
    this.append(" <=> ")
    this.visitNode(node.rightOperand)
    this.append("))")
  }
  /** CAST has other words for some types than columns have. */
  protected override visitCast(node: CastNode): void {
    const word = "dataType" in node.dataType ? castWords.get(node.dataType.dataType) : undefined
    if (word === undefined) return super.visitCast(node)
    this.append("cast(")
    this.visitNode(node.expression)
    this.append(` as ${word})`)
  }
  /** Nothing is in an empty list, which only SQLite can write. */
  protected override visitPrimitiveValueList(node: PrimitiveValueListNode): void {
    if (isEmptyListOf(node.values, this.parentNode)) this.append("(select null from dual where false)")
    else super.visitPrimitiveValueList(node)
  }
  /** MySQL before 9 reads over REFERENCES in a column. */
  protected override visitCreateTable(node: CreateTableNode): void {
    const keys = node.columns.flatMap(({ column, references }) => (references ? [foreignKey(column, references)] : []))
    if (keys.length === 0) return super.visitCreateTable(node)
    super.visitCreateTable({
      ...node,
      columns: node.columns.map(({ references: _, ...column }) => column),
      constraints: [...(node.constraints ?? []), ...keys]
    })
  }
}

class SqliteCompiler extends SqliteQueryCompiler {
  constructor(private readonly dialect: Dialect) {
    super()
  }
  protected override visitIdentifier(node: IdentifierNode): void {
    this.append(identifier(node, this.dialect))
  }
  protected override appendImmediateValue(value: unknown): void {
    this.append(immediate(value, this.dialect))
  }
  protected override visitJSONPath(node: JSONPathNode): void {
    if (node.inOperator) this.visitNode(node.inOperator)
    this.append(immediate(jsonPath(node, this.dialect), this.dialect))
  }
  protected override visitOffset(node: OffsetNode): void {
    if (this.parentNode && SelectQueryNode.is(this.parentNode) && !this.parentNode.limit) this.append("limit -1 ")
    super.visitOffset(node)
  }
  protected override visitInsertQuery(node: InsertQueryNode): void {
    const { columns, values, ...rest } = node
    if (columns?.length === 0 && values !== undefined && ValuesNode.is(values))
      return super.visitInsertQuery({ ...rest, defaultValues: true })
    if (node.onConflict === undefined || values === undefined || !isOpen(values)) return super.visitInsertQuery(node)
    const closed = { ...values, where: WhereNode.create(ValueNode.createImmediate(true)) }
    super.visitInsertQuery(InsertQueryNode.cloneWith(node, { values: closed }))
  }
  /** The literal of a text with a NUL is an expression, which stands in parentheses here. */
  protected override visitDefaultValue(node: DefaultValueNode): void {
    const { defaultValue } = node
    const isExpression = ValueNode.is(defaultValue) && String(defaultValue.value).includes("\0")
    this.append("default ")
    if (isExpression) this.append("(")
    this.visitNode(defaultValue)
    if (isExpression) this.append(")")
  }
  /** A member of a set operation stands in no parentheses, but its FROM does. */
  protected override visitSetOperation(node: SetOperationNode): void {
    const inParens = node.expression.kind === "ParensNode"
    if (!inParens && !hasEnd(node.expression)) return super.visitSetOperation(node)
    this.append(`${node.operator} ${node.all ? "all " : ""}select * from `)
    if (!inParens) this.append("(")
    this.visitNode(node.expression)
    if (!inParens) this.append(")")
  }
  /** `(a, b) in ((1, 2))` is `(a, b) in (values (1, 2))` here. */
  protected override visitValueList(node: ValueListNode): void {
    if (this.parentNode?.kind !== "BinaryOperationNode" || node.values[0]?.kind !== "TupleNode")
      return super.visitValueList(node)
    this.append("(values ")
    this.compileList(node.values)
    this.append(")")
  }
}

/** After its table `on conflict` would be read as the ON of a join. */
const isOpen = (node: OperationNode): node is SelectQueryNode =>
  SelectQueryNode.is(node) && node.from !== undefined && node.where === undefined

const definitions = /^(?:Create|Drop|Alter|Refresh)/

/**
 * The SQL of a tree of nodes, with `?` for its values, and those.
 *
 * @since 0.1.0
 * @category compiling
 */
export const compile = (node: RootOperationNode, dialect: Dialect): Text | Refusal => {
  try {
    const refused = refusalOf(node, dialect)
    if (refused !== undefined) return refused
    const compiler = dialect.name === "mysql" ? new MysqlCompiler(dialect) : new SqliteCompiler(dialect)
    const { sql, parameters } = compiler.compileQuery(node, createQueryId())
    return definitions.test(node.kind) && parameters.length > 0
      ? new ArgumentError({
          argument: "statement",
          given: "a definition with parameters",
          expected: "literals in it, by sql.lit"
        })
      : { sql, parameters }
  } catch (error) {
    if (error instanceof Refused) return error.refusal
    // What Kysely says may have a value in it.
    return new ArgumentError({
      argument: "statement",
      given: "a query that Kysely cannot compile",
      expected: "a whole query"
    })
  }
}

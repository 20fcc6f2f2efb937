/**
 * What Kysely can say that a database cannot be told: for each kind of its nodes, whether it has a meaning there.
 *
 * @since 0.1.0
 */
import type {
  AddColumnNode,
  AddConstraintNode,
  AggregateFunctionNode,
  AlterColumnNode,
  AlterTableNode,
  BinaryOperationNode,
  CaseNode,
  CastNode,
  ColumnDefinitionNode,
  ColumnUpdateNode,
  CommonTableExpressionNode,
  CreateIndexNode,
  CreateTableNode,
  CreateViewNode,
  DataTypeNode,
  DeleteQueryNode,
  DropConstraintNode,
  DropIndexNode,
  DropTableNode,
  DropViewNode,
  ExplainNode,
  ForeignKeyConstraintNode,
  FunctionNode,
  GeneratedNode,
  InsertQueryNode,
  JoinNode,
  OnConflictNode,
  OperationNode,
  OperationNodeKind,
  OperatorNode,
  OrActionNode,
  OrderByItemNode,
  PrimaryKeyConstraintNode,
  PrimitiveValueListNode,
  SelectModifierNode,
  SelectQueryNode,
  SetOperationNode,
  UniqueConstraintNode,
  UpdateQueryNode,
  ValueNode
} from "kysely"
import type { Dialect } from "./Dialect.js"
import { ArgumentError, NotSupportedError } from "./Errors.js"

/** Nodes that have to be looked into. */
type Inspected =
  | AddColumnNode
  | AddConstraintNode
  | AggregateFunctionNode
  | AlterColumnNode
  | AlterTableNode
  | BinaryOperationNode
  | CaseNode
  | CastNode
  | ColumnDefinitionNode
  | ColumnUpdateNode
  | CommonTableExpressionNode
  | CreateIndexNode
  | CreateTableNode
  | CreateViewNode
  | DataTypeNode
  | DeleteQueryNode
  | DropConstraintNode
  | DropIndexNode
  | DropTableNode
  | DropViewNode
  | ExplainNode
  | ForeignKeyConstraintNode
  | FunctionNode
  | GeneratedNode
  | InsertQueryNode
  | JoinNode
  | OnConflictNode
  | OperatorNode
  | OrActionNode
  | OrderByItemNode
  | PrimaryKeyConstraintNode
  | PrimitiveValueListNode
  | SelectModifierNode
  | SelectQueryNode
  | SetOperationNode
  | UniqueConstraintNode
  | UpdateQueryNode
  | ValueNode

/** A node of Kysely: one of the kind has the members of the kind. */
type Node = Inspected | { readonly kind: Exclude<OperationNodeKind, Inspected["kind"]> }

const wordSet = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/))

const inBoth = ["=", "!=", "<>", ">", ">=", "<", "<=", "in", "not in", "is", "is not", "like", "not like", "between"]
const arithmetic = ["+", "-", "*", "/", "%", "&", "|", "<<", ">>", "->", "->>", "not", "exists", "not exists"]

/**
 * Operators by dialect. Some of the others would be read as something else: `||` is OR on MySQL, and `#` begins a comment
 * there.
 */
const operators: Readonly<Record<Dialect["name"], ReadonlySet<string>>> = {
  mysql: new Set([...inBoth, ...arithmetic, "<=>", "^", "regexp", "is distinct from", "is not distinct from"]),
  sqlite: new Set([...inBoth, ...arithmetic, "==", "||", "match", "is distinct from", "is not distinct from"])
}

/** Types of PostgreSQL; SQLite would take the words and store anything under them. */
const foreignTypes = wordSet(`
  bigserial bytea daterange datemultirange int4range int4multirange int8range int8multirange jsonb nummultirange numrange
  timestamptz timetz tsmultirange tsrange tstzmultirange tstzrange
`)

/** Types that MySQL has only with a length. */
const bareTypes = wordSet("varchar varbinary")

/** What CAST makes. Of the other types SQLite would make numbers, and MySQL an error; lengths SQLite reads over. */
const castTypes: Readonly<Record<Dialect["name"], ReadonlySet<string>>> = {
  mysql: new Set([...wordSet("binary char date datetime decimal json real text time"), "double precision"]),
  sqlite: new Set([
    ...wordSet("bigint blob char decimal float4 float8 int2 int4 int8 integer numeric real smallint text varchar"),
    "double precision"
  ])
}

const withoutLength = (type: string): string => type.replace(/\(.*/, "")

const actions = wordSet("ignore abort fail replace rollback")

const joins: Readonly<Record<Dialect["name"], ReadonlySet<string>>> = {
  mysql: wordSet("InnerJoin LeftJoin RightJoin CrossJoin LateralInnerJoin LateralLeftJoin LateralCrossJoin"),
  sqlite: wordSet("InnerJoin LeftJoin RightJoin FullJoin CrossJoin")
}

type Found = string | ArgumentError | undefined

/** The first of what was found. */
const first = (...found: ReadonlyArray<Found | false>): Found =>
  found.find((each) => each !== false && each !== undefined && each !== "") || undefined

const refuse = (argument: string, given: string, expected: string): ArgumentError =>
  new ArgumentError({ argument, given, expected })

/** A function's name is written as it is. */
const checkName = (name: string): Found =>
  /^[\p{L}\p{N}_$.]+$/u.test(name) ? undefined : refuse("statement", "another text", "the name of a function")

const isImmediate = (node: OperationNode): boolean =>
  node.kind !== "ValueNode" || ("immediate" in node && node.immediate === true)

/** What a node says that the dialect does not have; undefined where it has everything. Its children are not looked at. */
const missing = (node: Node, parents: ReadonlyArray<Node>, dialect: Dialect["name"]): Found => {
  const mysql = dialect === "mysql"
  const sqlite = dialect === "sqlite"
  switch (node.kind) {
    // nowhere but in other databases
    case "MergeQueryNode":
    case "MatchedNode":
      return "merge"
    case "TopNode":
      return "top"
    case "FetchNode":
      return "fetch next"
    case "OutputNode":
      return "output"
    case "CreateTypeNode":
    case "DropTypeNode":
      return "types of one's own"
    case "RefreshMaterializedViewNode":
      return "materialized views"
    case "RenameConstraintNode":
      return "rename constraint"

    // in one of them
    case "OnDuplicateKeyNode":
      return first(sqlite && "on duplicate key update")
    case "DefaultInsertValueNode":
      return first(sqlite && "the default of a column as a value: rows of one insert must have the same columns")
    case "CreateSchemaNode":
    case "DropSchemaNode":
      return first(sqlite && "schemas to create and drop", "cascade" in node && node.cascade === true && "cascade")
    case "ModifyColumnNode":
      return first(sqlite && "modify column")
    case "AddIndexNode":
      return first(sqlite && "indexes in alter table")
    case "JSONOperatorChainNode":
      return first(mysql && "-> with a key: it takes a path, ->$")
    case "UsingNode":
      return first(sqlite && "using")

    // queries
    case "SelectQueryNode":
      return first(node.distinctOn && "distinct on")
    case "InsertQueryNode":
      return first(
        node.ignore && sqlite && "insert ignore",
        node.with && mysql && "with before insert",
        node.onConflict && mysql && "on conflict",
        node.into === undefined && refuse("statement", "an insert without a table", "a whole query"),
        node.values === undefined &&
          node.defaultValues !== true &&
          refuse("statement", "an insert without values", "a whole query"),
        sqlite && isRowsOfNothing(node) && "several rows without columns"
      )
    case "UpdateQueryNode":
      return first(
        (node.updates ?? []).length === 0 && refuse("statement", "an update that sets nothing", "a whole query"),
        node.table?.kind === "ListNode" && sqlite && "updates of several tables",
        node.from && mysql && "update … from: it has several tables, updateTable([…])",
        node.joins && (mysql || !node.from) && "joins in update",
        node.returning && mysql && "returning in update",
        node.orderBy && sqlite && "order by in update",
        node.limit && sqlite && "limit in update"
      )
    case "DeleteQueryNode":
      return first(
        node.from.froms.length > 1 && sqlite && "deletes from several tables",
        node.joins && (sqlite || !node.using) && "joins in delete",
        node.orderBy && sqlite && "order by in delete",
        node.limit && sqlite && "limit in delete"
      )
    case "OrActionNode":
      return first((mysql ? node.action !== "ignore" : !actions.has(node.action)) && `or ${node.action}`)
    case "OnConflictNode":
      return first(node.constraint && "on conflict on constraint")
    case "ColumnUpdateNode":
      return first(
        sqlite &&
          node.column.kind === "ReferenceNode" &&
          "table" in node.column &&
          node.column.table !== undefined &&
          "a table before a column to set"
      )
    case "CommonTableExpressionNode":
      return first(
        node.materialized !== undefined && mysql && "with … as materialized",
        /^(?:Insert|Update|Delete|Merge)QueryNode$/.test(node.expression.kind) && "changes in with"
      )
    case "SetOperationNode":
      return first(
        !/^(?:union|intersect|except)$/.test(node.operator) && "that set operation",
        sqlite && node.all && node.operator !== "union" && `${node.operator} all`,
        sqlite && isReadFromTheLeft(node, parents.at(-1)) && "intersect after another set operation"
      )
    case "SelectModifierNode":
      return first(
        node.modifier === "ForKeyShare" && "for key share",
        node.modifier === "ForNoKeyUpdate" && "for no key update",
        sqlite && node.modifier !== undefined && node.modifier !== "Distinct" && "locks of rows, such as for update"
      )
    case "JoinNode":
      return first(
        !joins[dialect].has(node.joinType) && node.joinType.replaceAll(/(?<=\w)(?=[A-Z])/g, " ").toLowerCase()
      )
    case "OrderByItemNode":
      return first(mysql && node.nulls && `nulls ${node.nulls}`)
    case "ExplainNode":
      return first(sqlite && node.format && "formats of explain")

    // expressions
    case "OperatorNode":
      return first(!operators[dialect].has(node.operator) && `the operator ${node.operator}`)
    case "BinaryOperationNode":
      return first(
        mysql &&
          node.operator.kind === "OperatorNode" &&
          "operator" in node.operator &&
          (node.operator.operator === "is" || node.operator.operator === "is not") &&
          !isImmediate(node.rightOperand) &&
          "is with a value: it takes null, true and false",
        isEmptyList(node.rightOperand) &&
          node.leftOperand.kind === "TupleNode" &&
          refuse("statement", "an empty list of tuples", "at least one")
      )
    case "FunctionNode":
      return checkName(node.func)
    case "AggregateFunctionNode":
      return first(
        checkName(node.func),
        node.filter && mysql && "filter of an aggregate",
        node.withinGroup && "within group"
      )
    case "CaseNode":
      return first(node.isStatement && "end case")
    case "CastNode":
      return first(
        node.dataType.kind === "DataTypeNode" &&
          "dataType" in node.dataType &&
          !castTypes[dialect].has(
            sqlite ? String(node.dataType.dataType) : withoutLength(String(node.dataType.dataType))
          ) &&
          `cast to ${String(node.dataType.dataType)}`
      )
    case "ValueNode":
      return first(node.value === undefined && undefinedAt(placeOf(node, parents)))
    case "PrimitiveValueListNode": {
      const place = node.values.indexOf(undefined)
      return first(place >= 0 && undefinedAt(placeOf(node, parents, place)))
    }

    // definitions
    case "DataTypeNode": {
      if (parents.at(-1)?.kind === "CastNode") return undefined
      const type = withoutLength(node.dataType)
      return first(
        foreignTypes.has(type) && `the type ${type}`,
        sqlite && type === "serial" && "the type serial",
        mysql && bareTypes.has(node.dataType) && `the type ${type} without a length`
      )
    }
    case "CreateTableNode":
      return first(node.onCommit && "on commit")
    case "ColumnDefinitionNode":
      return first(
        node.identity && "identity columns",
        node.nullsNotDistinct && "nulls not distinct",
        node.unsigned && sqlite && "unsigned integers",
        node.ifNotExists && sqlite && "add column if not exists",
        node.autoIncrement &&
          sqlite &&
          !(node.primaryKey && isInteger(node.dataType)) &&
          "autoincrement but of an integer primary key"
      )
    case "GeneratedNode":
      return first(node.identity && "identity columns", node.byDefault && "generated by default")
    case "AddColumnNode":
      return first(
        // MySQL before 9 reads over it.
        node.column.references && mysql && "references of an added column: add a foreign key constraint"
      )
    case "PrimaryKeyConstraintNode":
    case "UniqueConstraintNode":
      return first(
        "nullsNotDistinct" in node && node.nullsNotDistinct && "nulls not distinct",
        isDeferrable(node) && "a deferrable key"
      )
    case "ForeignKeyConstraintNode":
      return first(isDeferrable(node) && mysql && "deferrable constraints")
    case "CreateIndexNode":
      return first(
        node.where && mysql && "partial indexes, with where",
        node.using && sqlite && "kinds of indexes, with using",
        // Its text is written as it is.
        node.using &&
          "sqlFragments" in node.using &&
          !/^\w+$/.test(String(node.using.sqlFragments)) &&
          refuse("statement", "another text", "a kind of indexes"),
        node.nullsNotDistinct && "nulls not distinct"
      )
    case "DropIndexNode": {
      const inAlterTable = parents.at(-1)?.kind === "AlterTableNode"
      return first(
        node.cascade && "cascade",
        node.table && sqlite && "the table of an index to drop",
        !node.table && mysql && !inAlterTable && "indexes without a table: name it by on",
        sqlite && inAlterTable && "indexes in alter table"
      )
    }
    case "DropTableNode":
      // MySQL reads over it.
      return first(node.cascade && "cascade")
    case "CreateViewNode":
      return first(
        node.materialized && "materialized views",
        node.orReplace && sqlite && "create or replace view",
        node.temporary && mysql && "temporary views"
      )
    case "DropViewNode":
      return first(node.materialized && "materialized views", node.cascade && "cascade")
    case "AlterTableNode":
      return first(
        node.setSchema && "set schema",
        sqlite && (node.columnAlterations ?? []).length > 1 && "several alterations in one statement"
      )
    case "AlterColumnNode":
      return first(
        sqlite && "alter column",
        (node.dataType || node.setNotNull || node.dropNotNull) && "types and nulls in alter column: modify it"
      )
    case "AddConstraintNode":
      return first(sqlite && "constraints in alter table")
    case "DropConstraintNode":
      return first(sqlite && "constraints in alter table", node.modifier && node.modifier)

    // everywhere; what is in them is looked at by itself
    case "AliasNode":
    case "AndNode":
    case "CheckConstraintNode":
    case "CollateNode":
    case "ColumnNode":
    case "CommonTableExpressionNameNode":
    case "DefaultValueNode":
    case "DropColumnNode":
    case "FromNode":
    case "GroupByItemNode":
    case "GroupByNode":
    case "HavingNode":
    case "IdentifierNode":
    case "JSONPathLegNode":
    case "JSONPathNode":
    case "JSONReferenceNode":
    case "LimitNode":
    case "ListNode":
    case "OffsetNode":
    case "OnNode":
    case "OrNode":
    case "OrderByNode":
    case "OverNode":
    case "ParensNode":
    case "PartitionByItemNode":
    case "PartitionByNode":
    case "RawNode":
    case "ReferenceNode":
    case "ReferencesNode":
    case "RenameColumnNode":
    case "ReturningNode":
    case "SchemableIdentifierNode":
    case "SelectAllNode":
    case "SelectionNode":
    case "TableNode":
    case "TupleNode":
    case "UnaryOperationNode":
    case "ValueListNode":
    case "ValuesNode":
    case "WhenNode":
    case "WhereNode":
    case "WithNode":
      return undefined
    default:
      return unknownKind(node)
  }
}

/** A kind of a later Kysely. */
const unknownKind = (_node: never): string => "a node of a kind that is not known"

const isDeferrable = (node: PrimaryKeyConstraintNode | UniqueConstraintNode | ForeignKeyConstraintNode): boolean =>
  node.deferrable !== undefined || node.initiallyDeferred !== undefined

const isInteger = (type: OperationNode): boolean =>
  type.kind !== "DataTypeNode" || ("dataType" in type && type.dataType === "integer")

const isRowsOfNothing = ({ columns, values }: InsertQueryNode): boolean =>
  columns?.length === 0 &&
  values !== undefined &&
  "values" in values &&
  Array.isArray(values.values) &&
  values.values.length > 1

const isEmptyList = (node: OperationNode): boolean =>
  (node.kind === "PrimitiveValueListNode" || node.kind === "ValueListNode") &&
  "values" in node &&
  Array.isArray(node.values) &&
  node.values.length === 0

/** Servers read INTERSECT before what stands to its left, SQLite after it. */
const isReadFromTheLeft = (node: SetOperationNode, parent: Node | undefined): boolean =>
  node.operator === "intersect" && parent?.kind === "SelectQueryNode" && (parent.setOperations?.indexOf(node) ?? 0) > 0

// ---------------------------------------------------------------------------------------------------------------------
// undefined

const undefinedAt = (argument: string): ArgumentError => refuse(argument, "undefined", "a value; null is NULL")

/** The name of what a value stands for, as far as it has one: the column that it is compared with, set or inserted into. */
const placeOf = (node: Node, parents: ReadonlyArray<Node>, place?: number): string => {
  let child: OperationNode = node
  let at = place
  for (const parent of parents.toReversed()) {
    switch (parent.kind) {
      case "ColumnUpdateNode":
        return nameOf(parent.column) ?? "set"
      case "BinaryOperationNode":
        return nameOf(parent.leftOperand) ?? "where"
      case "LimitNode":
        return "limit"
      case "OffsetNode":
        return "offset"
      case "InsertQueryNode": {
        const column = at === undefined ? undefined : parent.columns?.[at]
        return (column === undefined ? undefined : nameOf(column)) ?? "values"
      }
      case "ValueListNode":
        if ("values" in parent && Array.isArray(parent.values)) at = parent.values.indexOf(child)
    }
    child = parent
  }
  return "parameters"
}

/** The name of a column. */
const nameOf = (node: OperationNode): string | undefined => {
  if (node.kind === "IdentifierNode") return "name" in node && typeof node.name === "string" ? node.name : undefined
  return "column" in node && isNode(node.column) ? nameOf(node.column) : undefined
}

// ---------------------------------------------------------------------------------------------------------------------
// the tree

const isNode = (u: unknown): u is Node =>
  typeof u === "object" && u !== null && "kind" in u && typeof u.kind === "string"

/** The nodes in a node; values of the program are none, whatever they look like. */
const children = (node: Node): ReadonlyArray<Node> =>
  node.kind === "ValueNode" || node.kind === "PrimitiveValueListNode"
    ? []
    : Object.values(node)
        .flatMap((member: unknown) => (Array.isArray(member) ? member : [member]))
        .filter(isNode)

const databases: Readonly<Record<Dialect["name"], string>> = { mysql: "MySQL and MariaDB have", sqlite: "SQLite has" }

/**
 * Why a tree of nodes cannot be said in a dialect; undefined where it can.
 *
 * @since 0.1.0
 * @category compiling
 */
export const refusalOf = (root: OperationNode, dialect: Dialect): ArgumentError | NotSupportedError | undefined =>
  isNode(root) ? refusalIn(root, [], dialect.name) : refuse("statement", "no node of Kysely", "a query")

const refusalIn = (
  node: Node,
  parents: ReadonlyArray<Node>,
  dialect: Dialect["name"]
): ArgumentError | NotSupportedError | undefined => {
  const found = missing(node, parents, dialect)
  if (found instanceof ArgumentError) return found
  if (found !== undefined)
    return new NotSupportedError({ reason: "NotSupported", message: `${databases[dialect]} no such thing: ${found}` })
  const within = [...parents, node]
  for (const child of children(node)) {
    const refused = refusalIn(child, within, dialect)
    if (refused !== undefined) return refused
  }
  return undefined
}

/**
 * Kysely's query builder for engines of effect-sa, with what programs use of Kysely itself.
 *
 * @since 0.1.0
 */
export * as QueryBuilder from "./QueryBuilder.js"
export {
  CamelCasePlugin,
  DeduplicateJoinsPlugin,
  expressionBuilder,
  HandleEmptyInListsPlugin,
  ParseJSONResultsPlugin,
  sql
} from "kysely"
export type {
  ColumnType,
  Compilable,
  Expression,
  ExpressionBuilder,
  Generated,
  GeneratedAlways,
  Insertable,
  JSONColumnType,
  Kysely,
  KyselyPlugin,
  RawBuilder,
  Selectable,
  SelectQueryBuilder,
  SqlBool,
  Updateable
} from "kysely"

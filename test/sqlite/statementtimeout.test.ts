import { noStatementTimeout } from "../contract/StatementTimeout.js"
import { sqlite } from "../support/Backend.js"

noStatementTimeout(sqlite())

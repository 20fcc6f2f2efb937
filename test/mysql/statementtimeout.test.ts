import { statementTimeoutContract } from "../contract/StatementTimeout.js"
import { mysql } from "../support/Backend.js"

statementTimeoutContract(mysql())

import { statementTimeoutContract } from "../contract/StatementTimeout.js"
import { mariadb } from "../support/Backend.js"

statementTimeoutContract(mariadb())

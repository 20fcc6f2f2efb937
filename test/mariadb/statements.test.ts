import { statementsContract } from "../contract/Statements.js"
import { mariadb } from "../support/Backend.js"

statementsContract(mariadb())

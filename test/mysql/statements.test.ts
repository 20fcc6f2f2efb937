import { statementsContract } from "../contract/Statements.js"
import { mysql } from "../support/Backend.js"

statementsContract(mysql())

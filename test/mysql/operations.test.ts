import { operationsContract } from "../contract/Operations.js"
import { mysql } from "../support/Backend.js"

operationsContract(mysql())

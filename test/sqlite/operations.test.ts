import { operationsContract } from "../contract/Operations.js"
import { sqlite } from "../support/Backend.js"

operationsContract(sqlite())

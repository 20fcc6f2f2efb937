import { databaseContract } from "../contract/Database.js"
import { operationsContract } from "../contract/Operations.js"
import { sqlite } from "../support/Backend.js"

const backend = sqlite()
databaseContract(backend)
operationsContract(backend)

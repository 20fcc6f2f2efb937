import { databaseContract } from "../contract/Database.js"
import { operationsContract } from "../contract/Operations.js"
import { mysql } from "../support/Backend.js"

const backend = mysql()
databaseContract(backend)
operationsContract(backend)

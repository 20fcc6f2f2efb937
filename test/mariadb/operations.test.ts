import { databaseContract } from "../contract/Database.js"
import { operationsContract } from "../contract/Operations.js"
import { mariadb } from "../support/Backend.js"

const backend = mariadb()
databaseContract(backend)
operationsContract(backend)

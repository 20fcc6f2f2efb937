import { operationsContract } from "../contract/Operations.js"
import { mariadb } from "../support/Backend.js"

operationsContract(mariadb())

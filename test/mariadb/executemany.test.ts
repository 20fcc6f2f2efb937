import { executeManyContract } from "../contract/ExecuteMany.js"
import { mariadb } from "../support/Backend.js"

executeManyContract(mariadb(), 150)

import { executeManyContract } from "../contract/ExecuteMany.js"
import { mysql } from "../support/Backend.js"

executeManyContract(mysql(), 150)

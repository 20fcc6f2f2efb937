import { executeManyContract } from "../contract/ExecuteMany.js"
import { sqlite } from "../support/Backend.js"

executeManyContract(sqlite(), 60)

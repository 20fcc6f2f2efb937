import { loadDataContract } from "../contract/LoadData.js"
import { mysql } from "../support/Backend.js"

loadDataContract(mysql())

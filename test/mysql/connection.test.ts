import { connectionContract } from "../contract/Connection.js"
import { mysql } from "../support/Backend.js"

connectionContract(mysql())

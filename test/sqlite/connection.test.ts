import { connectionContract } from "../contract/Connection.js"
import { sqlite } from "../support/Backend.js"

connectionContract(sqlite())

import { sessionContract } from "../contract/Session.js"
import { mysql } from "../support/Backend.js"

sessionContract(mysql())

import { warningsContract } from "../contract/Warnings.js"
import { mysql } from "../support/Backend.js"

warningsContract(mysql())

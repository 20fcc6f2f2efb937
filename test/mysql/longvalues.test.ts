import { longValuesContract } from "../contract/LongValues.js"
import { mysql } from "../support/Backend.js"

longValuesContract(mysql())

import { valuePropertiesContract } from "../contract/ValueProperties.js"
import { valuesContract } from "../contract/Values.js"
import { mysql } from "../support/Backend.js"

valuesContract(mysql())
valuePropertiesContract(mysql())

import { valuePropertiesContract } from "../contract/ValueProperties.js"
import { valuesContract } from "../contract/Values.js"
import { mariadb } from "../support/Backend.js"

valuesContract(mariadb())
valuePropertiesContract(mariadb())

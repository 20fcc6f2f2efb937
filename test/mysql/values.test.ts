import { decodersContract } from "../contract/Decoders.js"
import { literalsContract } from "../contract/Literals.js"
import { valuePropertiesContract } from "../contract/ValueProperties.js"
import { valuesContract } from "../contract/Values.js"
import { mysql } from "../support/Backend.js"

valuesContract(mysql())
valuePropertiesContract(mysql())
literalsContract(mysql())
decodersContract(mysql())

import { decodersContract } from "../contract/Decoders.js"
import { literalsContract } from "../contract/Literals.js"
import { valuePropertiesContract } from "../contract/ValueProperties.js"
import { valuesContract } from "../contract/Values.js"
import { sqlite } from "../support/Backend.js"

valuesContract(sqlite())
valuePropertiesContract(sqlite())
literalsContract(sqlite())
decodersContract(sqlite())

import { decodersContract } from "../contract/Decoders.js"
import { literalsContract } from "../contract/Literals.js"
import { valuePropertiesContract } from "../contract/ValueProperties.js"
import { valuesContract } from "../contract/Values.js"
import { mariadb } from "../support/Backend.js"

valuesContract(mariadb())
valuePropertiesContract(mariadb())
literalsContract(mariadb())
decodersContract(mariadb())

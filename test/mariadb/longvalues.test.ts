import { longValuesContract } from "../contract/LongValues.js"
import { mariadb } from "../support/Backend.js"

longValuesContract(mariadb())

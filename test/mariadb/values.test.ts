import { valuesContract } from "../contract/Values.js"
import { mariadb } from "../support/Backend.js"

valuesContract(mariadb())

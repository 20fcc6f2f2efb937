import { warningsContract } from "../contract/Warnings.js"
import { mariadb } from "../support/Backend.js"

warningsContract(mariadb())

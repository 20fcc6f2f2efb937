import { multiRowContract } from "../contract/MultiRow.js"
import { mariadb } from "../support/Backend.js"

multiRowContract(mariadb(), 150)

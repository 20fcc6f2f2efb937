import { loadDataContract } from "../contract/LoadData.js"
import { mariadb } from "../support/Backend.js"

loadDataContract(mariadb())

import { connectionContract } from "../contract/Connection.js"
import { mariadb } from "../support/Backend.js"

connectionContract(mariadb())

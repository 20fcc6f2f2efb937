import { sessionContract } from "../contract/Session.js"
import { mariadb } from "../support/Backend.js"

sessionContract(mariadb())

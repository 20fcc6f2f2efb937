import { engineContract } from "../contract/Engine.js"
import { transactionContract } from "../contract/Transaction.js"
import { mariadb } from "../support/Backend.js"

const backend = mariadb()
engineContract(backend)
transactionContract(backend)

import { engineContract } from "../contract/Engine.js"
import { transactionContract } from "../contract/Transaction.js"
import { mysql } from "../support/Backend.js"

const backend = mysql()
engineContract(backend)
transactionContract(backend)

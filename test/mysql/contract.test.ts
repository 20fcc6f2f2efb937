import { cursorContract } from "../contract/Cursor.js"
import { engineContract } from "../contract/Engine.js"
import { transactionContract } from "../contract/Transaction.js"
import { mysql } from "../support/Backend.js"

const backend = mysql()
cursorContract(backend)
engineContract(backend)
transactionContract(backend)

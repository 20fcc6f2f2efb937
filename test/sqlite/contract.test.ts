import { cursorContract } from "../contract/Cursor.js"
import { engineContract } from "../contract/Engine.js"
import { transactionContract } from "../contract/Transaction.js"
import { sqlite } from "../support/Backend.js"

const backend = sqlite()
cursorContract(backend)
engineContract(backend)
transactionContract(backend)

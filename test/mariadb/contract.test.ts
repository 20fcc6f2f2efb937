import { cursorContract } from "../contract/Cursor.js"
import { engineContract } from "../contract/Engine.js"
import { transactionContract } from "../contract/Transaction.js"
import { mariadb } from "../support/Backend.js"

const backend = mariadb()
cursorContract(backend)
engineContract(backend)
transactionContract(backend)

import { tablesContract } from "../contract/Tables.js"
import { mysql } from "../support/Backend.js"

tablesContract(mysql())

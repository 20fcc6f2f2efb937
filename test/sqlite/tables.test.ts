import { tablesContract } from "../contract/Tables.js"
import { sqlite } from "../support/Backend.js"

tablesContract(sqlite())

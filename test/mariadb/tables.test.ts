import { tablesContract } from "../contract/Tables.js"
import { mariadb } from "../support/Backend.js"

tablesContract(mariadb())

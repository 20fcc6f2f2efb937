import { serverCursorContract } from "../contract/ServerCursor.js"
import { mariadb } from "../support/Backend.js"

serverCursorContract(mariadb())

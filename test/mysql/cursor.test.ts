import { serverCursorContract } from "../contract/ServerCursor.js"
import { mysql } from "../support/Backend.js"

serverCursorContract(mysql())

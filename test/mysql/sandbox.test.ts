import { sandboxContract } from "../contract/Sandbox.js"
import { mysql } from "../support/Backend.js"

sandboxContract(mysql())

import { sandboxContract } from "../contract/Sandbox.js"
import { mariadb } from "../support/Backend.js"

sandboxContract(mariadb())

import { sandboxContract } from "../contract/Sandbox.js"
import { sqlite } from "../support/Backend.js"

sandboxContract(sqlite())

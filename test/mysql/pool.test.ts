import { poolHooksContract } from "../contract/PoolHooks.js"
import { mysql } from "../support/Backend.js"

poolHooksContract(mysql())

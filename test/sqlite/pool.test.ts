import { poolHooksContract } from "../contract/PoolHooks.js"
import { sqlite } from "../support/Backend.js"

poolHooksContract(sqlite())

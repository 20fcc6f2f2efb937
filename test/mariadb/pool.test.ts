import { poolHooksContract } from "../contract/PoolHooks.js"
import { mariadb } from "../support/Backend.js"

poolHooksContract(mariadb())

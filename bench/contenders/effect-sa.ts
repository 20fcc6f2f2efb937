import { serve } from "../contender.js"
import { contender, operationsOf } from "../engine.js"

await serve((url, poolSize) => contender(url, poolSize, (pool) => operationsOf(url, pool)))

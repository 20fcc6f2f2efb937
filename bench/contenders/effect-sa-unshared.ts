// effect-sa whose statements share no connections: what sharing does to the fast ones where slow ones run beside them.
import { serve } from "../contender.js"
import { contender, operationsOf } from "../engine.js"

await serve((url, poolSize) =>
  contender(url, poolSize, (pool) => ({ mixed: operationsOf(url, pool).mixed }), { pipelining: 1 })
)

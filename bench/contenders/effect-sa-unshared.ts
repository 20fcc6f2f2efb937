// effect-sa whose statements share no connections: what sharing does to the fast ones where slow ones run beside them.
import { serve } from "../contender.js"
import { contender, operations } from "../engine.js"

await serve((url) => contender(url, { mixed: operations.mixed }, { pipelining: 1 }))

import { serve } from "../contender.js"
import { contender, operations } from "../engine.js"

await serve((url) => contender(url, operations))

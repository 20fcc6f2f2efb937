import { serve } from "../contender.js"
import { pythonContender } from "../python.js"

await serve((url, poolSize) => pythonContender(url, poolSize, []))

import { serve } from "../contender.js"
import { mysql2Contender } from "../mysql2.js"

await serve((url, poolSize) => mysql2Contender(url, poolSize, true, (operations) => operations))

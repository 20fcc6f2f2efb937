import { layer } from "effect-sa/SqlClient"
import { serve } from "../contender.js"
import { sqlContender } from "../sql.js"

await serve((url, poolSize) => sqlContender(url, poolSize, layer))

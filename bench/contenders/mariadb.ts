import { serve } from "../contender.js"
import { mariadbContender } from "../mariadb.js"

await serve((url, poolSize) => mariadbContender(url, poolSize, true, (operations) => operations))

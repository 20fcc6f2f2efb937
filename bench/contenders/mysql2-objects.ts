// mysql2 with rows as objects, which it gives by default: where there are so many that it shows.
import { serve } from "../contender.js"
import { mysql2Contender } from "../mysql2.js"

await serve((url, poolSize) => mysql2Contender(url, poolSize, false, ({ rows, stream }) => ({ rows, stream })))

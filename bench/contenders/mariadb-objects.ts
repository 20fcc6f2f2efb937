// The `mariadb` connector with rows as objects, which it gives by default: where there are so many that it shows.
import { serve } from "../contender.js"
import { mariadbContender } from "../mariadb.js"

await serve((url, poolSize) => mariadbContender(url, poolSize, false, ({ rows, stream }) => ({ rows, stream })))

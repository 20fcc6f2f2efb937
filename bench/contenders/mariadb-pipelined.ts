// The `mariadb` connector in a program whose second statement needs nothing of the first one's answer: that is what its
// pipelining is for. The other contenders' programs wait for each answer, as those do that decide by it.
import { serve } from "../contender.js"
import { mariadbContender } from "../mariadb.js"

await serve((url, poolSize) => mariadbContender(url, poolSize, true, ({ transaction }) => ({ transaction }), true))

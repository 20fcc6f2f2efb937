import { MysqlClient } from "@effect/sql-mysql2"
import { serve } from "../contender.js"
import { sqlContender } from "../sql.js"

await serve((url, poolSize) =>
  sqlContender(url, poolSize, (config) =>
    // Without it the pool closes every connection that is idle for a moment.
    MysqlClient.layer({ ...config, poolConfig: { maxIdle: poolSize } })
  )
)

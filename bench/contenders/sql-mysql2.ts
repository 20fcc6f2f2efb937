import { MysqlClient } from "@effect/sql-mysql2"
import { serve } from "../contender.js"
import { sqlContender } from "../sql.js"
import { poolSize } from "../workload.js"

await serve((url) =>
  sqlContender(url, (config) =>
    // Without it the pool closes every connection that is idle for a moment.
    MysqlClient.layer({ ...config, poolConfig: { maxIdle: poolSize } })
  )
)

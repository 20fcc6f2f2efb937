import { sqlClientContract } from "../contract/SqlClient.js"
import { sqlClientComparison } from "../contract/SqlClientComparison.js"
import { sqlClientEcosystemContract } from "../contract/SqlClientEcosystem.js"
import { mariadb } from "../support/Backend.js"

const backend = mariadb()
sqlClientContract(backend)
sqlClientEcosystemContract(backend)
sqlClientComparison(backend)

import { sqlClientContract } from "../contract/SqlClient.js"
import { sqlClientComparison } from "../contract/SqlClientComparison.js"
import { sqlClientEcosystemContract } from "../contract/SqlClientEcosystem.js"
import { mysql } from "../support/Backend.js"

const backend = mysql()
sqlClientContract(backend)
sqlClientEcosystemContract(backend)
sqlClientComparison(backend)

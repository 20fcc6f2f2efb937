import { sqlClientContract } from "../contract/SqlClient.js"
import { sqlClientEcosystemContract } from "../contract/SqlClientEcosystem.js"
import { sqlite } from "../support/Backend.js"

const backend = sqlite()
sqlClientContract(backend)
sqlClientEcosystemContract(backend)

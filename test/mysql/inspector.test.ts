import { inspectorContract } from "../contract/Inspector.js"
import { inspectorPropertiesContract } from "../contract/InspectorProperties.js"
import { mysql } from "../support/Backend.js"

const backend = mysql()
inspectorContract(backend)
inspectorPropertiesContract(backend)

import { inspectorContract } from "../contract/Inspector.js"
import { inspectorPropertiesContract } from "../contract/InspectorProperties.js"
import { sqlite } from "../support/Backend.js"

const backend = sqlite()
inspectorContract(backend)
inspectorPropertiesContract(backend)

import { inspectorContract } from "../contract/Inspector.js"
import { inspectorPropertiesContract } from "../contract/InspectorProperties.js"
import { mariadb } from "../support/Backend.js"

const backend = mariadb()
inspectorContract(backend)
inspectorPropertiesContract(backend)

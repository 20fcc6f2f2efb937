import { telemetryContract } from "../contract/Telemetry.js"
import { mysql } from "../support/Backend.js"

telemetryContract(mysql())

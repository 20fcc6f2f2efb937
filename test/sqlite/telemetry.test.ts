import { telemetryContract } from "../contract/Telemetry.js"
import { sqlite } from "../support/Backend.js"

telemetryContract(sqlite())

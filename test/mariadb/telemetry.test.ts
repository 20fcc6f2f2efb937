import { telemetryContract } from "../contract/Telemetry.js"
import { mariadb } from "../support/Backend.js"

telemetryContract(mariadb())

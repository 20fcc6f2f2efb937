import { timeZonesContract } from "../contract/TimeZones.js"
import { sqlite } from "../support/Backend.js"

timeZonesContract(sqlite(), "Europe/Berlin")

import { timeZonesContract } from "../contract/TimeZones.js"
import { mariadb } from "../support/Backend.js"

timeZonesContract(mariadb(), "America/St_Johns")

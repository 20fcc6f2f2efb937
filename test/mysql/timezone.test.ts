import { timeZonesContract } from "../contract/TimeZones.js"
import { mysql } from "../support/Backend.js"

timeZonesContract(mysql(), "Australia/Lord_Howe")

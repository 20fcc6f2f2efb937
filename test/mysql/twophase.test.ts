import { twoPhaseContract } from "../contract/TwoPhase.js"
import { mysql } from "../support/Backend.js"

twoPhaseContract(mysql())

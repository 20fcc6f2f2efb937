import { twoPhaseContract } from "../contract/TwoPhase.js"
import { mariadb } from "../support/Backend.js"

twoPhaseContract(mariadb())

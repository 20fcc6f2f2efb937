import { noTwoPhaseContract } from "../contract/TwoPhase.js"
import { sqlite } from "../support/Backend.js"

noTwoPhaseContract(sqlite())

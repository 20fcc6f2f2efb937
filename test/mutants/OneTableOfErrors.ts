// Reasons of errors by the numbers of MySQL, whichever server it is: MariaDB has others for what it had first or alone.
import { Effect } from "effect"
import { Engine } from "effect-sa"
import type { ErrorsSubject } from "../traps/errors.js"

const reasons = new Map([
  [1062, "UniqueViolation"],
  [1452, "ForeignKeyViolation"],
  [3819, "CheckViolation"]
])

export const oneTableOfErrors: Pick<ErrorsSubject, "reasonOf"> = {
  reasonOf: (url, sql) =>
    Effect.flatMap(Engine.make({ url, maxSize: 1 }), (engine) =>
      Effect.map(Effect.flip(engine.execute(sql)), (error) =>
        "errno" in error ? (reasons.get(error.errno ?? 0) ?? "Other") : "none"
      )
    )
}

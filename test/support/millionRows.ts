// A million rows of about a hundred bytes without a table, on MySQL and MariaDB; and the program of a child process that
// streams them: `node --max-old-space-size=64 --import tsx test/support/millionRows.ts <url>` prints how many came, and the
// sum of their numbers.
import { Console, Effect, Stream } from "effect"
import { Engine } from "effect-sa"
import { fileURLToPath } from "node:url"

export const rowCount = 1_000_000

const digits =
  "SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9"

export const millionRows = `WITH d AS (${digits})
  SELECT a.n + 10 * b.n + 100 * c.n + 1000 * e.n + 10000 * f.n + 100000 * g.n AS id,
    'what stands here makes the row as long as rows of tables are, about a hundred bytes in all' AS filling
  FROM d a, d b, d c, d e, d f, d g`

const program = (url: string) =>
  Engine.stream<{ id: number; filling: string }>(millionRows).pipe(
    Stream.runFold({ count: 0, sum: 0 }, ({ count, sum }, { id, filling }) => ({
      count: count + 1,
      sum: sum + id + filling.length
    })),
    Effect.flatMap((counted) => Console.log(JSON.stringify(counted))),
    Effect.provide(Engine.layer({ url, maxSize: 1 }))
  )

const [, file, url] = process.argv
if (file === fileURLToPath(import.meta.url) && url !== undefined) await Effect.runPromise(program(url))

import { describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { Engine, Statement, type Value } from "effect-sa"
import { servers } from "../support/Backend.js"
import {
  type Client,
  type ClientSubject,
  clientTraps,
  type Execute,
  mariadbTraps,
  pipeliningTraps
} from "../traps/client.js"
import { type ErrorsSubject, errorTraps } from "../traps/errors.js"
import { clumsyTraps, faultTraps, mariadbFaultTraps, optionTraps } from "../traps/faults.js"
import { type LoadSubject, loadTraps } from "../traps/load.js"
import { type PoolingSubject, poolingTraps } from "../traps/pooling.js"

/** What a program in JavaScript may pass, whatever the types say. */
const anything = (parameters: ReadonlyArray<unknown> | undefined) => parameters as ReadonlyArray<Value.Parameter>

const clientOf = (engine: Engine.Engine): Client => {
  const execute: Execute = (sql, parameters) =>
    Effect.map(engine.execute(sql, anything(parameters)), (result) => result.rows.map((row) => [...row]))
  return {
    execute,
    ways: {
      execute,
      "in a transaction": (sql, parameters) => engine.transaction(execute(sql, parameters)),
      stream: (sql, parameters) =>
        Effect.map(Stream.runCollect(engine.stream(sql, anything(parameters))), (rows) =>
          [...rows].map((row) => [...row])
        )
    },
    stream: engine.stream,
    transaction: engine.transaction,
    session: (body) => engine.withConnection(body(execute))
  }
}

for (const { name, url } of servers()) {
  const engine: ClientSubject = {
    url,
    make: (url, maxSize) => Effect.map(Engine.make({ url, maxSize }), clientOf)
  }
  const loader: LoadSubject = {
    url,
    make: (url) =>
      Effect.map(Engine.make({ url, localInfile: true }), ({ execute }) => ({
        execute: (sql) => execute(sql),
        load: (sql, data) => execute(Statement.loadData(sql, data))
      }))
  }
  const pool: PoolingSubject = {
    url,
    make: (url, { maxSize, idleTimeout = 0, lifetime = 0, acquireTimeout = 30_000 }) =>
      Effect.map(Engine.make({ url, maxSize, idleTimeout, recycle: lifetime, acquireTimeout }), ({ acquire }) => ({
        acquire: Effect.map(acquire, ({ id }) => Number(id))
      }))
  }
  const errors: ErrorsSubject = {
    url,
    reasonOf: (url, sql) =>
      Effect.flatMap(Engine.make({ url, maxSize: 1 }), (engine) =>
        Effect.map(Effect.flip(engine.execute(sql)), (error) => ("reason" in error ? error.reason : error._tag))
      )
  }
  describe(`an engine on ${name} falls into no trap:`, () => {
    const traps = [
      ...clientTraps,
      ...pipeliningTraps,
      ...faultTraps,
      ...optionTraps,
      ...clumsyTraps,
      ...(name === "mariadb" ? [...mariadbTraps, ...mariadbFaultTraps] : [])
    ]
    for (const { id, title, run } of traps) it.scopedLive(`${title} (${id})`, () => run(engine))
    for (const { id, title, run } of errorTraps) it.scopedLive(`${title} (${id})`, () => run(errors))
    for (const { id, title, run } of poolingTraps) it.scopedLive(`${title} (${id})`, () => run(pool))
    for (const { id, title, run } of loadTraps) it.scopedLive(`${title} (${id})`, () => run(loader))
  })
}

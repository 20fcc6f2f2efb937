// Captures sessions of real servers as vectors: `npx tsx --tsconfig tsconfig.json test/fuzz/capture.ts`. It starts the
// servers as the tests do, plays each session below against them, holds what comes back to what is written here, and
// only then writes test/pure/mysql/vectors/. What is recorded begins after the login: no password is in it.
import { deepStrictEqual } from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Redacted } from "effect"
import { type LoggedIn, loadMysql2, login, type Mysql2 } from "effect-sa/mysql/Login"
import { Capability } from "effect-sa/mysql/wire/Constants"
import { type Server, startMariadb } from "../support/servers/mariadb.js"
import { startMysql } from "../support/servers/mysql.js"
import {
  type Asked,
  Client,
  folder,
  packetsIn,
  type Seen,
  type Vector,
  type VectorFile,
  written
} from "../support/wire/Vector.js"
import type { Driver } from "effect-sa"
import { type Scenario, type Step, scenarios } from "./scenarios.js"

/** What was seen, reduced to what the scenario speaks of. */
const reduced = (seen: Seen): Step["expected"] => {
  const { error, prepared, results, changed, schemaChanged } = seen
  if (error !== undefined) return { errno: error.errno, reason: error.reason }
  if (prepared !== undefined) return { columns: prepared.columnCount, parameters: prepared.parameterCount }
  if (results === undefined) return { changed, schemaChanged }
  return results.map(({ columns, rows, affectedRows, changedRows, lastInsertId }) =>
    columns === undefined
      ? { affectedRows, changedRows, ...(lastInsertId === undefined ? {} : { lastInsertId }) }
      : { types: columns.map(([, , typeName]) => typeName), rows }
  )
}

/** mysql2 asks for DEPRECATE_EOF because the driver does; here it is kept from it, as for a server that cannot. */
const withEof = (mysql2: Mysql2): Mysql2 => ({
  createConnection: (options) => {
    const connection = mysql2.createConnection(options)
    const command = connection._command
    let flags = command.clientFlags
    Object.defineProperty(command, "clientFlags", {
      get: () => flags,
      set: (value: number) => {
        flags = value & ~Capability.DEPRECATE_EOF
      }
    })
    return connection
  }
})

const connect = (url: URL, mysql2: Mysql2) =>
  login(mysql2, {
    host: url.hostname,
    port: Number(url.port),
    socketPath: undefined,
    user: decodeURIComponent(url.username),
    password: Redacted.make(decodeURIComponent(url.password)),
    database: url.pathname.slice(1),
    tls: undefined,
    serverPublicKey: undefined,
    allowPublicKeyRetrieval: undefined,
    allowClearPassword: false,
    localInfile: true,
    multiStatements: false,
    connectAttributes: {}
  })

const productOf = ({ product }: Driver.ServerInfo): VectorFile["product"] => (product === "MariaDB" ? product : "MySQL")

/** Plays a scenario on a socket that has logged in, and records it. */
const record = async (
  { socket, receive, server, deprecateEof, extendedMetadata }: LoggedIn,
  { title, eof, steps }: Scenario
): Promise<Vector> => {
  const modes = { deprecateEof: deprecateEof && eof !== true, extendedMetadata }
  let sent: Array<Buffer> = []
  let received: Array<Buffer> = []
  const client = new Client(modes, productOf(server), {
    write: (packet) => {
      sent.push(Buffer.from(packet))
      socket.write(packet)
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.destroy()
  })
  receive((chunk) => {
    received.push(Buffer.from(chunk))
    client.conversation.receive(chunk)
  })
  const turns: Array<Vector["turns"][number]> = []
  let statement = 0
  for (const { expected, parameters, ...step } of steps) {
    const asked: Asked =
      parameters === undefined ? step : { ...step, sending: { send: "execute", id: statement, parameters } }
    sent = []
    received = []
    client.conversation.forgetChanges()
    const seen = await new Promise<Seen>((resolve) => client.send(asked, resolve))
    statement = seen.prepared?.id ?? statement
    deepStrictEqual(reduced(seen), expected, `${title}: ${JSON.stringify(asked.sending)}`)
    turns.push({ ...asked, client: packetsIn(Buffer.concat(sent)), server: packetsIn(Buffer.concat(received)), seen })
  }
  return { title, ...modes, turns }
}

const capture = (url: URL): Promise<VectorFile> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const mysql2 = yield* loadMysql2
      const { server } = yield* Effect.scoped(connect(url, mysql2))
      const sessions: Array<Vector> = []
      for (const scenario of scenarios(productOf(server))) {
        const socket = connect(url, scenario.eof === true ? withEof(mysql2) : mysql2)
        sessions.push(
          yield* Effect.scoped(Effect.flatMap(socket, (each) => Effect.promise(() => record(each, scenario))))
        )
      }
      // Some versions of MariaDB say 5.5.5 first, for old replicas.
      return { server: server.version.replace(/^5\.5\.5-/, ""), product: productOf(server), sessions }
    })
  )

const main = async (): Promise<void> => {
  mkdirSync(folder, { recursive: true })
  for (const start of [startMariadb, startMysql]) {
    const server: Server = await start()
    try {
      const file = await capture(new URL(server.url))
      const name = `${file.product.toLowerCase()}-${file.server.split(".").slice(0, 2).join(".")}.jsonl`
      writeFileSync(join(folder, name), written(file))
      process.stdout.write(`${name}: ${file.sessions.length} sessions of ${file.server}\n`)
    } finally {
      await server.stop()
    }
  }
}

await main()

// Servers that one test file has to itself, so that it can kill them and set what is global in them.
import { afterAll, beforeAll } from "vitest"
import type { Backend } from "../Backend.js"
import { type OwnServer, startOwnMariadb } from "./mariadb.js"
import { startOwnMysql } from "./mysql.js"

/** To be called where tests are described: the server is there while they run. */
export const ownServer = ({ name }: Backend): (() => OwnServer) => {
  let server: OwnServer | undefined
  beforeAll(async () => {
    server = await (name === "mysql" ? startOwnMysql() : startOwnMariadb())
  }, 120_000)
  afterAll(() => server?.stop())
  return () => {
    if (server === undefined) throw new Error("the server is there when the tests run, and not before")
    return server
  }
}

// A private MariaDB for the tests: on a free port of 127.0.0.1, in a folder of its own, gone when the tests are.
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import mysql2 from "mysql2"
import { writeCertificates } from "./certificates.js"
import { freePort, isAlive, log, startGuarded, which } from "./process.js"

export interface Server {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** A server that nobody else uses: it can be shut down and killed. */
export interface OwnServer extends Server {
  /** The number of its first process. */
  readonly pid: number
  /** Ends it as a crash would, by kill -9. */
  readonly kill: () => void
  /** Starts it again on the same data and the same port, and waits until it lets clients in. */
  readonly startAgain: () => Promise<void>
}

const hint =
  "MariaDB is needed for these tests. Install it (Debian: apt-get install mariadb-server; macOS: brew install mariadb), " +
  "or set EFFECT_SA_TEST_MARIADB_URL=mysql://user:password@host:port/database to a server where the user may create databases and users, " +
  "or test without it: npm test -- sqlite"

const isDebian = (): boolean => existsSync("/etc/debian_version")

/** Installs the server without starting the system's service. */
const install = (): void => {
  log("MariaDB is not installed: installing it with apt-get (this takes a minute)")
  const policy = "/usr/sbin/policy-rc.d"
  const own = !existsSync(policy)
  if (own) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 })
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  const apt = (...words: ReadonlyArray<string>): void => {
    log(`apt-get ${words.join(" ")}`)
    execFileSync("apt-get", ["-q", ...words], { stdio: ["ignore", "ignore", "inherit"], env })
  }
  try {
    apt("update")
    apt("install", "-y", "--no-install-recommends", "mariadb-server")
  } finally {
    if (own) execFileSync("rm", ["-f", policy])
  }
}

/** Fast, yet what was committed is there after kill -9: the log is handed to the operating system at each commit. */
const flags: ReadonlyArray<string> = [
  "--bind-address=127.0.0.1",
  "--innodb-flush-log-at-trx-commit=2",
  "--innodb-flush-method=nosync",
  "--innodb-buffer-pool-size=64M",
  "--innodb-log-file-size=16M",
  "--innodb-fast-shutdown=2",
  "--sync-binlog=0",
  "--skip-name-resolve",
  "--character-set-server=utf8mb4",
  "--max-connections=200",
  "--local-infile=1"
]

const asUser = (): ReadonlyArray<string> => (process.getuid?.() === 0 ? ["--user=root"] : [])

const waitUntilReady = async (port: number, pid: number, folder: string): Promise<void> => {
  for (let attempt = 0; attempt < 300; attempt++) {
    const ready = await new Promise<boolean>((resolve) => {
      const connection = mysql2.createConnection({ host: "127.0.0.1", port, user: "root" })
      connection.on("error", () => resolve(false))
      connection.connect((error) => {
        connection.destroy()
        resolve(error === null)
      })
    })
    if (ready) return
    if (!isAlive(pid)) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`MariaDB did not start:\n${readFileSync(join(folder, "error.log"), "utf8").slice(-2000)}`)
}

const setUp = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const connection = mysql2.createConnection({ host: "127.0.0.1", port, user: "root", multipleStatements: true })
    connection.query(
      "CREATE DATABASE effect_sa; CREATE USER tester@'%' IDENTIFIED BY 'tester''s pass@word'; GRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION",
      (error) => {
        connection.destroy()
        if (error === null) resolve()
        else reject(error)
      }
    )
  })

export const startMariadb = async (): Promise<Server> => {
  const given = process.env.EFFECT_SA_TEST_MARIADB_URL
  return given !== undefined && given !== "" ? { url: given, stop: () => Promise.resolve() } : startOwnMariadb()
}

export const startOwnMariadb = async (): Promise<OwnServer> => {
  if (which("mariadbd") === undefined || which("mariadb-install-db") === undefined) {
    if (!isDebian() || process.getuid?.() !== 0) throw new Error(hint)
    install()
  }
  const server = which("mariadbd")
  const installDb = which("mariadb-install-db")
  if (server === undefined || installDb === undefined) throw new Error(hint)
  const folder = mkdtempSync(join(tmpdir(), "effect-sa-mariadb-"))
  const data = join(folder, "data")
  log("starting a private MariaDB")
  execFileSync(
    installDb,
    ["--no-defaults", ...asUser(), `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"],
    {
      stdio: "ignore"
    }
  )
  const port = await freePort()
  const running = await startGuarded(
    [
      server,
      "--no-defaults",
      ...asUser(),
      `--datadir=${data}`,
      `--socket=${join(folder, "s.sock")}`,
      `--pid-file=${join(folder, "pid")}`,
      `--port=${port}`,
      `--log-error=${join(folder, "error.log")}`,
      `--tmpdir=${folder}`,
      ...writeCertificates(join(folder, "certificates")),
      ...flags
    ],
    folder
  )
  try {
    await waitUntilReady(port, running.pid, folder)
    await setUp(port)
  } catch (error) {
    await running.stop()
    throw error
  }
  log(`MariaDB is ready on 127.0.0.1:${port}`)
  let { pid } = running
  return {
    url: `mysql://tester:tester's%20pass%40word@127.0.0.1:${port}/effect_sa`,
    stop: running.stop,
    pid,
    kill: () => {
      process.kill(pid, "SIGKILL")
    },
    startAgain: async () => {
      pid = await running.startAgain()
      await waitUntilReady(port, pid, folder)
    }
  }
}

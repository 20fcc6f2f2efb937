// A private MySQL for the tests: on a free port of 127.0.0.1, in a folder of its own, gone when the tests are. Stable
// Debian has no MySQL, so where none is installed the server comes from Debian's unstable suite into the user's cache
// folder, and runs from there with the C library that comes with it: nothing is installed, and root is not needed.
import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { homedir, tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import mysql2 from "mysql2"
import { writeCertificates } from "./certificates.js"
import type { OwnServer, Server } from "./mariadb.js"
import { freePort, isAlive, log, startGuarded, which } from "./process.js"

const hint =
  "MySQL 8.4 or later is needed for these tests. Install it (macOS: brew install mysql; Linux: the server package of MySQL's own site), " +
  "or set EFFECT_SA_TEST_MYSQL_URL=mysql://user:password@host:port/database to a server where the user may create databases and users, " +
  "or test without it: npm test -- sqlite. On Debian for amd64 it is fetched from the mirror that /etc/apt names."

/** The words that start a server: its own program and what tells it where its files are. */
type Program = ReadonlyArray<string>

/** The installed server; undefined where there is none, or where it is MariaDB, which also calls itself mysqld, or old. */
const installed = (): Program | undefined => {
  const server = which("mysqld")
  if (server === undefined) return undefined
  try {
    const version = execFileSync(server, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    const [, major = 0, minor = 0] = (/ Ver (\d+)\.(\d+)\./.exec(version) ?? []).map(Number)
    const recent = major > 8 || (major === 8 && minor >= 4)
    return recent && !version.includes("MariaDB") ? [server, "--no-defaults"] : undefined
  } catch {
    return undefined
  }
}

/** The server in the fetched tree, through the tree's own dynamic linker: its C library is newer than the machine's. */
const fetched = (tree: string): Program => {
  const usr = join(tree, "usr")
  return [
    join(usr, "lib64", "ld-linux-x86-64.so.2"),
    "--library-path",
    join(usr, "lib", "x86_64-linux-gnu"),
    join(usr, "sbin", "mysqld"),
    "--no-defaults",
    `--basedir=${usr}`,
    `--lc-messages-dir=${join(usr, "share", "mysql")}`,
    `--character-sets-dir=${join(usr, "share", "mysql", "charsets")}`,
    `--plugin-dir=${join(usr, "lib", "mysql", "plugin")}`
  ]
}

const read = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "")

/** The Debian mirror that this machine uses. Debian's own files come first: others may have paths that end alike. */
const mirror = (): string | undefined => {
  const folder = "/etc/apt/sources.list.d"
  const others = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(sources|list)$/.test(name)) : []
  const files = [join(folder, "debian.sources"), "/etc/apt/sources.list", ...others.map((name) => join(folder, name))]
  return files
    .flatMap((file) => read(file).split("\n"))
    .filter((line) => !line.trimStart().startsWith("#"))
    .flatMap((line) => line.split(/\s+/))
    .find((word) => /^https?:\/\/.*\/debian\/?$|^mirror\+file:.*\/debian\.list$/.test(word))
}

/** Downloads the server and what it needs into the folder, with lists, state and cache of its own in there. */
const download = (uri: string, folder: string): ReadonlyArray<string> => {
  const sources = join(folder, "sources.list")
  const keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
  const signedBy = existsSync(keys) ? ` signed-by=${keys}` : ""
  writeFileSync(sources, `deb [arch=amd64 target=Packages${signedBy}] ${uri} sid main\n`)
  // As if nothing were installed: so all that the server needs is named, also what the machine has in an older version.
  writeFileSync(join(folder, "status"), "")
  mkdirSync(join(folder, "lists"))
  mkdirSync(join(folder, "cache"))
  // Options rather than a configuration file: the machine's own files would win over that.
  const options = [
    `Dir::Etc::sourcelist=${sources}`,
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::Etc::preferences=/dev/null",
    "Dir::Etc::preferencesparts=/dev/null",
    `Dir::State::lists=${join(folder, "lists")}`,
    `Dir::State::status=${join(folder, "status")}`,
    `Dir::State::extended_states=${join(folder, "extended_states")}`,
    `Dir::Cache=${join(folder, "cache")}`,
    `APT::Sandbox::User=${userInfo().username}`,
    "APT::Install-Recommends=false"
  ].flatMap((option) => ["-o", option])
  const apt = (...words: ReadonlyArray<string>): string => {
    try {
      return execFileSync("apt-get", [...options, "-qq", ...words], {
        cwd: folder,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"]
      })
    } catch {
      // What apt-get said of it is above; the command itself, with all the options, would only hide that.
      throw new Error(`apt-get ${words[0]} failed`)
    }
  }
  log("apt-get update, for the unstable suite only")
  apt("update")
  // Each line: 'uri' name_version_architecture.deb bytes checksum. Perl is for scripts that are not run here.
  const wanted = apt("install", "--yes", "--print-uris", "mysql-server-core")
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([, file, bytes]) => (file === undefined || file.includes("perl") ? [] : [{ file, bytes: Number(bytes) }]))
  const megabytes = Math.round(wanted.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6)
  log(`apt-get download, ${wanted.length} packages of ${megabytes} MB`)
  apt("download", ...wanted.map(({ file }) => file.replace(/_.*/, "")))
  return readdirSync(folder).filter((name) => name.endsWith(".deb"))
}

/** What a fetch leaves that was ended in its midst carries the number of its process. */
const removeLeftovers = (parent: string): void => {
  for (const name of readdirSync(parent)) {
    const pid = /^mysql-9\.(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(parent, name), { recursive: true, force: true })
  }
}

const fetch = (): Program => {
  const parent = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "effect-sa")
  const cache = join(parent, "mysql-9")
  if (existsSync(cache)) return fetched(cache)
  const able = process.platform === "linux" && process.arch === "x64" && which("apt-get") && which("dpkg-deb")
  const uri = able ? mirror() : undefined
  if (uri === undefined) throw new Error(hint)
  log("MySQL is not installed: fetching it into the cache folder (this takes a minute)")
  mkdirSync(parent, { recursive: true })
  removeLeftovers(parent)
  const temporary = join(parent, `mysql-9.${process.pid}`)
  const tree = join(temporary, "tree")
  mkdirSync(tree, { recursive: true })
  try {
    const packages = download(uri, temporary)
    log(`unpacking ${packages.length} packages`)
    for (const file of packages) {
      execFileSync("dpkg-deb", ["--extract", join(temporary, file), tree], { stdio: ["ignore", "ignore", "inherit"] })
    }
    // Of all the documentation and data only the server's own is needed, and no other program.
    rmSync(join(tree, "usr", "bin"), { recursive: true, force: true })
    for (const name of readdirSync(join(tree, "usr", "share"))) {
      if (name !== "mysql") rmSync(join(tree, "usr", "share", name), { recursive: true, force: true })
    }
    const [program = "", ...words] = fetched(tree)
    log(
      `fetched ${execFileSync(program, [...words, "--version"], { encoding: "utf8" })
        .trim()
        .replace(/^.* Ver /, "")}`
    )
    // Only what is complete and runs gets the name. Another test run may have been first: then its tree serves as well.
    if (!existsSync(cache)) renameSync(tree, cache)
  } catch (error) {
    if (!existsSync(cache))
      throw new Error(`MySQL was not fetched: ${error instanceof Error ? error.message : String(error)}\n${hint}`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return fetched(cache)
}

/** Fast, yet what was committed is there after kill -9: the log is handed to the operating system at each commit. */
const flags: ReadonlyArray<string> = [
  "--bind-address=127.0.0.1",
  "--innodb-flush-log-at-trx-commit=2",
  "--innodb-flush-method=nosync",
  "--innodb-buffer-pool-size=64M",
  "--innodb-redo-log-capacity=32M",
  "--innodb-buffer-pool-dump-at-shutdown=OFF",
  "--innodb-buffer-pool-load-at-startup=OFF",
  "--innodb-use-native-aio=OFF",
  "--innodb-fast-shutdown=2",
  "--skip-log-bin",
  "--skip-name-resolve",
  "--mysqlx=OFF",
  "--max-connections=200",
  "--local-infile=ON",
  "--secure-file-priv="
]

const asUser = (): ReadonlyArray<string> => (process.getuid?.() === 0 ? ["--user=root"] : [])

// One after the other under one guard, so that nothing is left either when the tests end while the data is being made.
// The fast shutdown is for what ends with the tests: the server does not start on data that was made and left that way.
// $0 is a file that says that the data was made, for when the server is started again.
const initialiseAndRun =
  'trap \'kill $! 2>/dev/null; wait $!; exit 1\' TERM; if [ ! -e "$0" ]; then "$@" --initialize-insecure --innodb-fast-shutdown=1 & wait $! || exit 1; touch "$0"; fi; exec "$@"'

// root has no password and is root@localhost, which a server that resolves no names matches over the socket only.
const setUp = (socketPath: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const connection = mysql2.createConnection({ socketPath, user: "root", multipleStatements: true })
    connection.on("error", reject)
    connection.query(
      "CREATE DATABASE effect_sa; CREATE USER tester@'%' IDENTIFIED WITH caching_sha2_password BY 'tester''s pass@word'; GRANT ALL ON *.* TO tester@'%' WITH GRANT OPTION",
      (error) => {
        connection.destroy()
        if (error === null) resolve()
        else reject(error)
      }
    )
  })

const waitUntilReady = async (socketPath: string, pid: number, folder: string): Promise<void> => {
  for (let attempt = 0; attempt < 1200; attempt++) {
    const ready = await new Promise<boolean>((resolve) => {
      const connection = mysql2.createConnection({ socketPath, user: "root" })
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
  const said = read(join(folder, "error.log")) + read(join(folder, "stdout.log"))
  throw new Error(`MySQL did not start:\n${said.slice(-2000)}\n${hint}`)
}

export const startMysql = async (): Promise<Server> => {
  const given = process.env.EFFECT_SA_TEST_MYSQL_URL
  return given !== undefined && given !== "" ? { url: given, stop: () => Promise.resolve() } : startOwnMysql()
}

export const startOwnMysql = async (): Promise<OwnServer> => {
  const program = installed() ?? fetch()
  const folder = mkdtempSync(join(tmpdir(), "effect-sa-mysql-"))
  const socket = join(folder, "s.sock")
  log("starting a private MySQL")
  const port = await freePort()
  const running = await startGuarded(
    [
      "sh",
      "-c",
      initialiseAndRun,
      join(folder, "data-is-made"),
      ...program,
      ...asUser(),
      `--datadir=${join(folder, "data")}`,
      `--socket=${socket}`,
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
    await waitUntilReady(socket, running.pid, folder)
    await setUp(socket)
  } catch (error) {
    await running.stop()
    throw error
  }
  log(`MySQL is ready on 127.0.0.1:${port}`)
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
      await waitUntilReady(socket, pid, folder)
    }
  }
}

// Starting a server that ends with whoever started it, however that ends.
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { createServer } from "node:net"

export const log = (line: string): void => {
  process.stderr.write(`  ${line}\n`)
}

/** A free port of the loopback address. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      if (typeof address !== "object" || address === null) return reject(new Error("no port"))
      server.close(() => resolve(address.port))
    })
  })

/** The path of a program, also of those that only root has in its PATH; undefined where there is none. */
export const which = (name: string): string | undefined => {
  try {
    const PATH = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/libexec:/opt/homebrew/bin`
    return execFileSync("sh", ["-c", 'command -v "$0"', name], {
      env: { ...process.env, PATH },
      encoding: "utf8"
    }).trim()
  } catch {
    return undefined
  }
}

export interface Running {
  readonly pid: number
  readonly stop: () => Promise<void>
  /** Waits until the server has ended, starts it again, and gives its new number. */
  readonly startAgain: () => Promise<number>
}

/**
 * Runs a server under a shell that waits for its own standard input to end. That is a pipe from here: when this process
 * ends, by Ctrl-C or kill -9 or a crash, the pipe ends, and the shell stops the server and removes its folder. A line in the
 * pipe starts the server again, once it has ended.
 */
export const startGuarded = (command: ReadonlyArray<string>, folder: string): Promise<Running> =>
  new Promise((resolve, reject) => {
    const guard =
      'd=$1; shift; run() { "$@" >>"$d/stdout.log" 2>&1 </dev/null & p=$!; echo $p; }; run "$@"; while read -r again; do wait $p 2>/dev/null; run "$@"; done; kill -TERM $p 2>/dev/null; (sleep 20; kill -KILL $p 2>/dev/null) >/dev/null 2>&1 & wait $p; kill $! 2>/dev/null; rm -rf "$d"'
    const child: ChildProcess = spawn("sh", ["-c", guard, "sh", folder, ...command], {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true
    })
    const ended = new Promise<void>((done) => child.on("exit", () => done()))
    child.on("error", reject)
    const nextPid = (): Promise<number> =>
      new Promise((said) => child.stdout?.once("data", (data: Buffer) => said(Number(String(data).trim()))))
    nextPid().then(
      (pid) =>
        resolve({
          pid,
          stop: () => {
            child.stdout?.destroy()
            child.stdin?.end()
            return ended
          },
          startAgain: () => {
            const started = nextPid()
            child.stdin?.write("again\n")
            return started
          }
        }),
      reject
    )
  })

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

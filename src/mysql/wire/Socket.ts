/**
 * Puts a conversation on a socket that has logged in: what is written in one turn of the event loop goes out in one
 * write, and the socket's end is the conversation's.
 */
import type { Socket } from "node:net"
import { OperationalError } from "../../Errors.js"
import { Conversation, type ConversationOptions } from "./Conversation.js"

export interface Attached {
  readonly conversation: Conversation
  /** Closes the socket at once. */
  readonly destroy: () => void
  /** Sends what is waiting, then the end of the stream; calls back when the socket is closed. */
  readonly end: (closed: () => void) => void
  /** Sends what a function writes at once, in one write: for commands that nobody else's could join. */
  readonly atOnce: (write: () => void) => void
  /** Sends what is waiting, and calls back when the socket takes more, at once or when enough is sent, or is closed. */
  readonly drain: (ready: () => void) => void
}

const lost = (message: string, cause?: unknown): OperationalError =>
  new OperationalError({ reason: "ConnectionLost", message, cause })

export const attach = (
  socket: Socket,
  /** Has what comes from the socket given to a function, which is done with the bytes when it returns. */
  receive: (receiver: (chunk: Buffer) => void) => void,
  options: Omit<ConversationOptions, "write" | "pause" | "resume" | "end">
): Attached => {
  let waiting: Array<Buffer> = []
  let scheduled = false
  const flush = (): void => {
    scheduled = false
    if (socket.destroyed || waiting.length === 0) return
    const packets = waiting
    waiting = []
    socket.write(packets.length === 1 ? packets[0]! : Buffer.concat(packets))
  }
  const destroy = (): void => {
    waiting = []
    socket.destroy()
  }
  const conversation = new Conversation({
    ...options,
    write: (packet) => {
      waiting.push(packet)
      if (scheduled) return
      scheduled = true
      setImmediate(flush)
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: destroy
  })
  receive((chunk) => conversation.receive(chunk))
  // The listener stays after the end: a socket that was destroyed may still report an error, which must have a taker.
  socket.on("error", (error) => conversation.fail(lost(`the connection was lost: ${error.message}`, error)))
  socket.on("end", () => conversation.fail(lost("the server closed the connection")))
  socket.on("close", () => conversation.fail(lost("the connection was closed")))
  return {
    conversation,
    destroy,
    end: (closed) => {
      if (socket.destroyed) return closed()
      socket.once("close", closed)
      flush()
      socket.end()
    },
    atOnce: (write) => {
      if (scheduled) return write()
      scheduled = true
      write()
      flush()
    },
    drain: (ready) => {
      flush()
      if (socket.destroyed || !socket.writableNeedDrain) return ready()
      const once = (): void => {
        socket.off("drain", once)
        socket.off("close", once)
        ready()
      }
      socket.on("drain", once)
      socket.on("close", once)
    }
  }
}

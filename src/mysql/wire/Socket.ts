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
}

const lost = (message: string, cause?: unknown): OperationalError =>
  new OperationalError({ reason: "ConnectionLost", message, cause })

export const attach = (
  socket: Socket,
  options: Omit<ConversationOptions, "write" | "pause" | "resume" | "end">
): Attached => {
  let waiting: Array<Buffer> = []
  let scheduled = false
  const flush = (): void => {
    scheduled = false
    if (socket.destroyed) return
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
  socket.on("data", (chunk: Buffer) => conversation.receive(chunk))
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
      if (waiting.length > 0) flush()
      socket.end()
    }
  }
}

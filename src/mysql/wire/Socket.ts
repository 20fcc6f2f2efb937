/**
 * Puts a conversation on a socket that has logged in: what is written in one turn of the event loop goes out in one
 * write, at once where nothing has joined it for some time, and the socket's end is the conversation's.
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
  /** Sends what a function writes with what comes behind it in this turn of the event loop. */
  readonly together: (write: () => void) => void
  /** Sends what is waiting, and calls back when the socket takes more, at once or when enough is sent, or is closed. */
  readonly drain: (ready: () => void) => void
}

/** Commands that went out alone, one after the other, after which the next does not wait for company. */
const alone = 4

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
  let joins = false
  /** Writes in a row of one command, while no other was awaited. */
  let lonely = 0
  const flush = (): void => {
    scheduled = false
    if (socket.destroyed || waiting.length === 0) return
    const packets = waiting
    waiting = []
    lonely = packets.length === 1 && conversation.outstanding <= 1 ? lonely + 1 : 0
    socket.write(packets.length === 1 ? packets[0]! : Buffer.concat(packets))
  }
  const destroy = (): void => {
    waiting = []
    socket.destroy()
  }
  const conversation = new Conversation({
    ...options,
    write: (packet) => {
      if (lonely >= alone && !scheduled && !joins) {
        if (conversation.outstanding <= 1) {
          if (!socket.destroyed) socket.write(packet)
          return
        }
        lonely = 0
      }
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
    together: (write) => {
      joins = true
      write()
      joins = false
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

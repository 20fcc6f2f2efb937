/**
 * LOAD DATA LOCAL: a statement whose data comes from a stream of the program.
 *
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_local_infile_request.html
 */
import { Chunk, Deferred, Effect, FiberId, Stream } from "effect"
import { type DriverResult, emptyResult, type LocalData, type Request } from "../Driver.js"
import { DataError, type DriverError, NotSupportedError, OperationalError } from "../Errors.js"
import { withoutLiterals } from "./MysqlErrors.js"
import * as Commands from "./wire/Commands.js"
import { Command } from "./wire/Constants.js"
import { Exchange } from "./wire/Conversation.js"
import type { Attached } from "./wire/Socket.js"
import { Upload } from "./wire/Upload.js"

/** What a connection is told of a statement that loads. */
export interface Listener {
  readonly begun: () => void
  /** The statement was answered, or cannot be any more. */
  readonly settled: () => void
  /** It ends in the middle: the connection must too, on both sides. */
  readonly abandoned: () => void
}

/**
 * Executes the statement of a request, and sends the data when the server asks for it: the stream runs in this fiber, no
 * faster than the server reads. What ends early, by failure or interruption, is abandoned: the end of a file is all that a
 * server understands, and so far as a file came it would be stored.
 */
export const load = (
  { conversation, drain }: Attached,
  { sql, values }: Request,
  /** The statement with literals in place of its markers: no server prepares it. */
  text: string,
  { name, stream }: LocalData,
  { begun, settled, abandoned }: Listener
): Effect.Effect<DriverResult, DriverError> =>
  // What has begun is settled or abandoned: between its beginning and the wait for it nothing comes.
  Effect.uninterruptibleMask((restore) => {
    const asked = Deferred.unsafeMake<void>(FiberId.none)
    const answer = Deferred.unsafeMake<DriverResult, DriverError>(FiberId.none)
    const exchange = new Exchange("text", sql, undefined, values, ({ error, first }) => {
      settled()
      const exit = error === undefined ? Effect.succeed(first ?? emptyResult) : Effect.fail(withoutLiterals(error))
      Deferred.unsafeDone(answer, exit)
      Deferred.unsafeDone(asked, Effect.void)
    })
    exchange.file = { name, asked: () => Deferred.unsafeDone(asked, Effect.void) }
    const send = (packet: Buffer): Effect.Effect<void> =>
      Effect.async((resume) => {
        conversation.upload(exchange, packet)
        drain(() => resume(Effect.void))
      })
    begun()
    conversation.begin(exchange, Commands.simple(Command.QUERY, text))
    // A stream may wait long for a source of its own: the connection's end does not wait for it.
    const sent = Effect.suspend(() =>
      exchange.finished ? Effect.void : Effect.raceFirst(upload(stream, sql, send), Deferred.await(answer))
    )
    return restore(Deferred.await(asked).pipe(Effect.zipRight(sent), Effect.zipRight(Deferred.await(answer)))).pipe(
      Effect.onError(() =>
        Effect.sync(() => {
          if (!exchange.finished) abandoned()
        })
      )
    )
  })

const upload = (
  stream: LocalData["stream"],
  sql: string,
  send: (packet: Buffer) => Effect.Effect<void>
): Effect.Effect<void, DriverError> => {
  const file = new Upload(sql)
  const sendWhole: Effect.Effect<void, DataError> = Effect.suspend(() => {
    const packet = file.next()
    if (packet === undefined) return Effect.void
    return packet instanceof DataError ? Effect.fail(packet) : Effect.zipRight(send(packet), sendWhole)
  })
  const sendEnd = Effect.suspend((): Effect.Effect<void, DataError> => {
    const packets = file.end()
    return packets instanceof DataError ? Effect.fail(packets) : Effect.forEach(packets, send, { discard: true })
  })
  return stream.pipe(
    Stream.mapError((cause) => sourceFailed(sql, cause)),
    Stream.runForEachChunk((elements) => {
      file.give(Chunk.toReadonlyArray(elements))
      return sendWhole
    }),
    Effect.zipRight(sendEnd)
  )
}

/** The server was told that it will get no files. */
export const isOff = (statement: string): NotSupportedError =>
  new NotSupportedError({
    reason: "NotSupported",
    message: "data is loaded from this side only with the option localInfile, which is off",
    statement
  })

const sourceFailed = (statement: string, cause: unknown): OperationalError =>
  new OperationalError({
    reason: "SourceFailed",
    message: "the stream of the data to load failed, so the connection was ended",
    statement,
    cause
  })

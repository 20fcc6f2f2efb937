// A tracer that keeps what it is asked for, for tests to look at.
import { Cause, type Exit, Option, Tracer } from "effect"

export interface SeenSpan {
  readonly name: string
  readonly kind: Tracer.SpanKind
  /** The name of the span that it was made in. */
  readonly parent: string | undefined
  readonly attributes: ReadonlyMap<string, unknown>
  /** How it ended; undefined as long as it has not. */
  readonly exit: () => Exit.Exit<unknown, unknown> | undefined
}

export const listening = () => {
  const spans: Array<SeenSpan> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      let exit: Exit.Exit<unknown, unknown> | undefined
      let status: Tracer.SpanStatus = { _tag: "Started", startTime }
      const above = Option.getOrUndefined(parent)
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: `${spans.length}`,
        traceId: "trace",
        parent,
        context,
        links,
        kind,
        attributes,
        get status() {
          return status
        },
        sampled: true,
        attribute: (key, value) => {
          attributes.set(key, value)
        },
        event: () => {},
        addLinks: () => {},
        end: (endTime, ended) => {
          // A span that ends twice tells of the second time.
          if (exit !== undefined) attributes.set("ended twice", true)
          exit = ended
          status = { _tag: "Ended", startTime, endTime, exit: ended }
        }
      }
      spans.push({
        name,
        kind,
        attributes,
        parent: above?._tag === "Span" ? above.name : undefined,
        exit: () => exit
      })
      return span
    },
    context: (run) => run()
  })
  return { spans, tracer }
}

/** How a span ended, in a word. */
export const endOf = ({ exit }: SeenSpan): "success" | "failure" | "interrupted" | "open" => {
  const ended = exit()
  if (ended === undefined) return "open"
  if (ended._tag === "Success") return "success"
  return Cause.isInterruptedOnly(ended.cause) ? "interrupted" : "failure"
}

/** Everything that a span says to whoever gets it, as one text. */
export const saidBy = (span: SeenSpan): string => {
  const exit = span.exit()
  const ended = exit?._tag === "Failure" ? Cause.pretty(exit.cause, { renderErrorCause: true }) : String(exit?.value)
  return JSON.stringify([span.name, [...span.attributes], ended])
}

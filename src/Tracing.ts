/**
 * Whether anybody sees the spans of a fiber: spans that nobody sees are not made.
 *
 * @since 0.1.0
 */
import { Context, DefaultServices, type Fiber, FiberRef, Tracer } from "effect"

const nativeTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/**
 * Whether anybody sees spans. Effect's own tracer, which is there when none is given, keeps them for nobody.
 *
 * @since 0.1.0
 * @category guards
 */
export const isTraced = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean =>
  fiber.currentTracer !== nativeTracer && fiber.getFiberRef(FiberRef.currentTracerEnabled)

/**
 * The span of a call to a database. Where in the program it was made its parent says; a stack would cost more than the span.
 *
 * @since 0.1.0
 * @category models
 */
export const clientSpan = { kind: "client", captureStackTrace: false } as const satisfies Tracer.SpanOptions

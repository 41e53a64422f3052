import { yieldToEventLoop } from './pacer.ts'

/** The same values, each requested while the one before it is being used. */
export async function* readAhead<T>(values: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let next = values.next()
  try {
    for (;;) {
      const { done, value } = await next
      if (done === true) return
      next = values.next()
      // A failure is reported when this value is awaited. Until then it must not count as unhandled.
      next.catch(() => undefined)
      // The driver sends a statement only in a later step of the event loop: without this, after the use of the value.
      await yieldToEventLoop()
      yield value
    }
  } finally {
    await values.return()
  }
}

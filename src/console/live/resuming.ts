import type { Client } from 'graphql-ws'

export type Subscribe = Client['subscribe']

/**
 * `subscribe` of graphql-ws or graphql-sse, for subscriptions. Whenever it has to subscribe again it asks for what
 * came after the last event, also where the service said that it could not go on for the moment.
 */
export function resuming(subscribe: Subscribe): Subscribe {
  return (payload, sink) => {
    // The client sends these anew with every connection.
    const variables = { ...payload.variables }
    let failures = 0
    let left = false
    let stop = () => {}

    const untilItEnds = () =>
      new Promise<unknown>((resolve) => {
        let ended = false
        const end = (errors?: unknown) => {
          ended = true
          resolve(errors)
        }
        const resumed: typeof sink = {
          next(result) {
            if (ended || left) return
            if (passes(result.errors)) return end(result.errors)
            failures = 0
            const [event] = Object.values(result.data ?? {}) as ({ cursor?: string } | null)[]
            if (event?.cursor !== undefined) variables['after'] = event.cursor
            sink.next(result)
          },
          error: end,
          complete: end,
        }
        stop = subscribe({ ...payload, variables }, resumed)
      })

    const run = async () => {
      while (!left) {
        const errors = await untilItEnds()
        if (left) return
        stop()
        if (errors === undefined) return sink.complete()
        if (!passes(errors)) return sink.error(errors)
        await pause(failures++)
      }
    }
    void run()

    return () => {
      left = true
      // Not within `next`: graphql-ws would count the operation's end twice if it has come with the same packet.
      queueMicrotask(stop)
    }
  }
}

/** Waits: longer with each failure, half a minute at most, and not just as long as every other client. */
export function pause(failures: number): Promise<void> {
  const maxMs = Math.min(30_000, 500 * 2 ** failures)
  return new Promise((resolve) => setTimeout(resolve, maxMs * Math.random()))
}

/** Whether the service cannot go on for the moment. Then try again. */
export const passes = (errors: unknown) => haveCode(errors, ['UNAVAILABLE', 'SUBSCRIBER_TOO_SLOW'])

/** Whether the service cannot go on from the cursor. Then read the state afresh, and go on from its eventCursor. */
export const placeIsLost = (errors: unknown) => haveCode(errors, ['CURSOR_EXPIRED', 'CURSOR_INVALID'])

function haveCode(errors: unknown, codes: string[]): boolean {
  return Array.isArray(errors) && errors.some(({ extensions }) => codes.includes(extensions?.code))
}

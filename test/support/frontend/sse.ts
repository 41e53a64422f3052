import { createClient } from 'graphql-sse'
import { pause } from '../../../src/console/live/resuming.ts'
import type { PlainClient } from './plain.ts'

/** Event streams that reconnect after every failure, and when the server stops responding. */
export function connectStreams(url: string, key: string, patienceMs = 30_000): PlainClient {
  return createClient({
    url,
    headers: { authorization: `Bearer ${key}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    retry: pause,
    fetchFn: (input: string, init: RequestInit) => attentiveFetch(input, init, patienceMs),
  }) as PlainClient
}

async function attentiveFetch(input: string, init: RequestInit, patienceMs: number): Promise<Response> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), patienceMs)
  const signals = [silence.signal, ...(init.signal ? [init.signal] : [])]
  const response = await fetch(input, { ...init, signal: AbortSignal.any(signals) })
  // The service says something at least every twelve seconds.
  const heard = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), patienceMs)
      controller.enqueue(chunk)
    },
    flush: () => clearTimeout(timer),
  })
  const body = response.body?.pipeThrough(heard)
  // A refusal has its errors in the stream. By its status alone graphql-sse would only try again, for ever.
  const explained = response.status < 500 && response.headers.get('content-type') === 'text/event-stream'
  return new Response(body, { status: explained ? 200 : response.status, headers: response.headers })
}

import type { Client } from './client.ts'

/** One result of an operation over server-sent events. */
export interface StreamResult<Data> {
  data?: Data | null
  errors?: {
    message: string
    path?: (string | number)[]
    extensions: Record<string, unknown> & { code: string }
  }[]
}

/** An operation over server-sent events. Its iterator closes the connection when it ends. */
export interface EventStream<Data> extends AsyncIterable<StreamResult<Data>> {
  status: number
  headers: Headers
}

/** Sends an operation over HTTP, and reads the answer as server-sent events. */
export async function openStream<Data>(
  service: { url: string },
  client: Client,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<EventStream<Data>> {
  const leaving = new AbortController()
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...client.authorization() },
    body: JSON.stringify({ query, variables }),
    signal: leaving.signal,
  })
  return {
    status: response.status,
    headers: response.headers,
    async *[Symbol.asyncIterator]() {
      try {
        let text = ''
        const decoder = new TextDecoder()
        for await (const chunk of response.body ?? []) {
          text += decoder.decode(chunk, { stream: true })
          const events = text.split('\n\n')
          text = events.pop() ?? ''
          for (const event of events) {
            if (event.includes('event: complete')) return
            const data = /^data: (.*)$/m.exec(event)?.[1]
            if (event.includes('event: next') && data !== undefined) yield JSON.parse(data)
          }
        }
        throw new Error('The stream was cut before it completed.')
      } finally {
        leaving.abort()
      }
    },
  }
}

/** All results of an operation that completes. */
export async function streamed<Data>(
  service: { url: string },
  client: Client,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<StreamResult<Data>[]> {
  const results: StreamResult<Data>[] = []
  for await (const result of await openStream<Data>(service, client, query, variables)) results.push(result)
  return results
}

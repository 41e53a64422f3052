import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Client } from './client.ts'

export interface Answered {
  status: number | undefined
  cookies: string[]
  headers: Record<string, string | string[] | undefined>
  text: string
}

export interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** Sends a request with any headers, also those that `fetch` sets itself, such as Host. */
export async function ask(
  service: { url: string },
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const sent = request(`${service.url}${path}`, { method, agent: false, headers })
  sent.once('error', reject)
  sent.once('response', (response) => {
    text(response).then(
      (body) =>
        resolve({
          status: response.statusCode,
          cookies: response.headers['set-cookie'] ?? [],
          headers: response.headers,
          text: body,
        }),
      reject,
    )
  })
  sent.end(body)
  return await promise
}

/** The headers of a request of the service's own page. */
export const ownPage = (service: { url: string }) => ({ origin: service.url })

/** Signs in with the key of a client, from the service's own page. Resolves to the Cookie header of the browser from then on. */
export async function signIn(
  service: { url: string },
  client: Pick<Client, 'authorization'>,
): Promise<string> {
  const { status, cookies, text } = await ask(service, '/session', {
    method: 'POST',
    headers: { ...client.authorization(), ...ownPage(service) },
  })
  if (status !== 204) throw new Error(`The service answered ${status}: ${text}`)
  return cookieOf(cookies)
}

/** The Cookie header of a browser that has got these values of Set-Cookie. */
export function cookieOf(cookies: readonly string[]): string {
  return cookies.map((cookie) => cookie.split(';', 1)[0] ?? '').join('; ')
}

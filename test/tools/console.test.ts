import { createClient } from 'graphql-ws'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { loadFile } from '../support/load-file.ts'
import { Program } from '../support/process.ts'
import { useService } from '../support/service.ts'
import { shared } from '../support/shared.ts'

describe('npm run console', () => {
  const service = useService({ embedded: true })
  const vite = shared(async () => {
    const program = new Program('tools/console.ts', { environment: { SERVICE: service.url } })
    const [, url = ''] = await program.prints(/Local: +(http\S+)/)
    return { url, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
  })

  /** What a browser sends with the request for a page whose address is typed. */
  const typed = { 'sec-fetch-site': 'none', 'sec-fetch-dest': 'document', accept: 'text/html' }
  const load = (path: string, headers: Record<string, string>, method?: string) =>
    loadFile(new URL(path, vite.url), headers, method)

  const sessionCookie = async () => {
    const [cookie = ''] = (await load('/pools/a', typed)).headers['set-cookie'] ?? []
    return cookie.split(';')[0] ?? ''
  }

  test('serves the console from its sources at all of its addresses', async () => {
    for (const path of ['/', '/pools/a/promo-codes', '/sign-in'])
      expect(String((await load(path, typed)).body), path).toContain('src="/main.tsx')
  })

  test('signs in a browser on this machine, but not at /sign-in, nor one that another site leads here', async () => {
    expect(await sessionCookie()).toMatch(/^session/)
    expect((await load('/sign-in', typed)).headers).not.toHaveProperty('set-cookie')
    const led = await load('/', { ...typed, 'sec-fetch-site': 'cross-site' })
    expect(led.headers).not.toHaveProperty('set-cookie')
  })

  test('leads to the service, which takes its pages for its own', async () => {
    const cookie = await sessionCookie()
    const path = `/graphql?query=${encodeURIComponent('{ apiKey { scopes } }')}`
    const own = await load(path, { cookie, 'sec-fetch-site': 'same-origin' })
    expect(JSON.parse(String(own.body))).toHaveProperty('data.apiKey.scopes')
    const foreign = await load(path, { cookie, 'sec-fetch-site': 'same-site' })
    expect(JSON.parse(String(foreign.body))).toHaveProperty('errors')

    const client = createClient({
      url: `${vite.url.replace('http', 'ws')}graphql`,
      webSocketImpl: class extends WebSocket {
        constructor(address: string, protocols: string) {
          super(address, protocols, { headers: { cookie, origin: new URL(vite.url).origin } })
        }
      },
      retryAttempts: 0,
    })
    for await (const { data } of client.iterate({ query: '{ apiKey { name } }' }))
      expect(data).toHaveProperty('apiKey.name')
    await client.dispose()

    expect((await load('/session', { cookie, 'sec-fetch-site': 'same-origin' }, 'DELETE')).status).toBe(204)
    expect((await load('/pools/a/codes.csv?status=ALL', {})).status).toBe(401)
    expect((await load('/tasks/a/rejected.csv', {})).status).toBe(401)
    expect((await load('/graphql', typed)).headers['content-security-policy']).toContain('worker-src')
  })
})

import { beforeAll, describe, expect, test } from 'vitest'
import { loadFile, unpacked } from '../../support/load-file.ts'
import { useService } from '../../support/service.ts'

const service = useService()
const load = (path: string, headers?: Record<string, string>, method?: string) =>
  loadFile(new URL(path, service.url), headers, method)

describe('the page of the console', () => {
  test.each([
    '/',
    '/sign-in',
    '/pools/nothing',
    '/pools/%/promo-codes',
    '/tasks/a',
    '/formats?search=a',
    '/keys',
    '/webhooks/a',
  ])('is at %s, whatever the address names', async (path) => {
    const { status, headers, body } = await load(path)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(String(body)).toContain('<title>Promo codes</title>')
  })

  test.each(['/nope', '/tasks', '/formats/', '/pools/a/b/c', '/favicon.ico'])(
    'says that nothing is at %s to a browser; a program gets an error',
    async (path) => {
      const page = await load(path, { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
      expect(page).toMatchObject({ status: 404, headers: { 'cache-control': 'no-store' } })
      expect(String(page.body)).toContain('<title>Promo codes</title>')
      const error = await load(path, { accept: '*/*' })
      expect(error.status).toBe(404)
      expect(JSON.parse(String(error.body))).toMatchObject({
        errors: [{ extensions: { code: 'NOT_FOUND' } }],
      })
    },
  )

  test('has a policy that lets it run only files of the service, and a new nonce in each answer', async () => {
    const nonces = new Set<string>()
    for (const _ of ['first', 'second']) {
      const { headers, body } = await load('/')
      const [, nonce = ''] = /<meta property="csp-nonce" nonce="([^"]+)">/.exec(String(body)) ?? []
      expect(Buffer.from(nonce, 'base64')).toHaveLength(16)
      nonces.add(nonce)
      expect(String(headers['content-security-policy']).split('; ')).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        `style-src 'self' 'nonce-${nonce}'`,
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        'trusted-types default',
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ])
    }
    expect(nonces.size).toBe(2)
  })

  test('is never stored, framed or read by pages of other origins', async () => {
    const { headers } = await load('/', { origin: 'https://evil.example' })
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('has no script or style of its own in it', async () => {
    const html = String((await load('/')).body)
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/)
  })

  test('answers HEAD with the headers alone, and changes nothing', async () => {
    const head = await load('/', {}, 'HEAD')
    expect(head).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(head.body).toHaveLength(0)
    expect(await load('/', {}, 'POST')).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, OPTIONS' },
    })
  })

  test('sets no cookie where nobody is signed in without a key', async () => {
    for (const path of ['/', '/sign-in']) {
      const { headers, body } = await load(path)
      expect(headers).not.toHaveProperty('set-cookie')
      expect(String(body)).not.toContain('local-key')
    }
  })
})

describe('with the service’s own database, in a browser on this machine', () => {
  const local = useService({ embedded: true })
  const visit = (path: string, method?: string) =>
    loadFile(new URL(path, local.url), { 'sec-fetch-site': 'none' }, method)

  test('the page signs the browser in', async () => {
    const [cookie = ''] = (await visit('/pools/a')).headers['set-cookie'] ?? []
    expect(cookie).toMatch(/HttpOnly/)
    const [pair = ''] = cookie.split(';')
    const again = await loadFile(new URL('/', local.url), { 'sec-fetch-site': 'none', cookie: pair })
    expect(again.headers).not.toHaveProperty('set-cookie')
  })

  test('the page at /sign-in does not: there, another key is chosen', async () => {
    expect((await visit('/sign-in')).headers).not.toHaveProperty('set-cookie')
    expect((await visit('/', 'HEAD')).headers).not.toHaveProperty('set-cookie')
  })

  test('the page says that it needs no key, but not to a page of another site', async () => {
    for (const path of ['/', '/sign-in']) expect(String((await visit(path)).body)).toContain('"local-key"')
    const led = await loadFile(new URL('/sign-in', local.url), { 'sec-fetch-site': 'cross-site' })
    expect(String(led.body)).not.toContain('local-key')
  })
})

describe('the files of the console', () => {
  let paths: string[]
  beforeAll(async () => {
    const html = String((await load('/')).body)
    paths = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
  })

  test('are those that the page names, and their names change with their content', () => {
    const kinds = new Set(paths.map((path) => path.split('.').at(-1)))
    expect(kinds).toEqual(new Set(['css', 'js', 'svg']))
    for (const path of paths) expect(path).toMatch(/^\/console\/[\w-]+-[\w-]{8}\.\w+$/)
  })

  test('are sent in each coding, and are cached forever', async () => {
    for (const path of paths) {
      const plain = await load(path)
      const sizes: number[] = []
      for (const coding of ['br', 'gzip']) {
        const packed = await load(path, { 'accept-encoding': coding })
        expect(packed.headers).toMatchObject({
          'content-encoding': coding,
          'content-length': `${packed.body.length}`,
          'cache-control': 'public, max-age=31536000, immutable',
          'content-type': plain.headers['content-type'],
          'x-content-type-options': 'nosniff',
          vary: 'Accept-Encoding',
        })
        expect(unpacked(packed).equals(plain.body), `${path} in ${coding}`).toBe(true)
        sizes.push(packed.body.length)
      }
      expect([...sizes, plain.body.length], path).toEqual(
        [...sizes, plain.body.length].toSorted((one, other) => one - other),
      )
    }
  })

  test('are not sent again to a browser that has them', async () => {
    for (const path of paths) {
      const accepted = { 'accept-encoding': 'gzip, br' }
      const { etag = '' } = (await load(path, accepted)).headers
      const again = await load(path, { ...accepted, 'if-none-match': etag })
      expect(again).toMatchObject({ status: 304, headers: { etag } })
      expect(again.body).toHaveLength(0)
      expect(await load(path, { 'if-none-match': etag })).toMatchObject({ status: 200 })
    }
  })

  test('answer HEAD with the headers alone', async () => {
    const [path = ''] = paths
    const [whole, head] = [await load(path), await load(path, {}, 'HEAD')]
    expect(head.body).toHaveLength(0)
    expect(head.headers).toMatchObject({
      etag: whole.headers.etag,
      'content-length': whole.headers['content-length'],
    })
  })

  test.each([
    '/console/index.html',
    '/console/../index.html',
    '/console/fingerprint.txt',
    '/console/nothing.js',
    '/console/%2e%2e/index.html',
    '/index.html',
  ])('are all that can be read: %s is nothing', async (path) => {
    expect(await load(path)).toMatchObject({
      status: 404,
      headers: { 'content-type': expect.stringContaining('json') },
    })
  })

  test('have no other address: those of their codings are nothing', async () => {
    for (const path of paths)
      for (const end of ['.br', '.gz']) expect((await load(path + end)).status).toBe(404)
  })
})

import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isLocalBrowser } from '../../../src/server/http/local-browser.ts'

let server: Server
let port: number

beforeAll(async () => {
  server = createServer((request, response) => {
    response.writeHead(200, { Connection: 'close' }).end(String(isLocalBrowser(request)))
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  port = (server.address() as AddressInfo).port
})

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
})

interface Asked {
  line?: string
  host?: string
  /** Names of the browser's headers to leave out. */
  without?: readonly string[]
  headers?: readonly string[]
  from?: string
}

/** Requests the page as Chrome does, with the given differences. */
async function isOwn({
  line,
  host,
  without = [],
  headers = [],
  from = '127.0.0.1',
}: Asked): Promise<boolean> {
  const lines = [
    `Host: ${host ?? `127.0.0.1:${port}`}`,
    'Connection: keep-alive',
    'Cache-Control: max-age=0',
    'sec-ch-ua: "Chromium";v="153", "Not?A_Brand";v="24"',
    'sec-ch-ua-mobile: ?0',
    'sec-ch-ua-platform: "Linux"',
    'Upgrade-Insecure-Requests: 1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0.0.0 Safari/537.36',
    'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'Sec-Fetch-Site: none',
    'Sec-Fetch-Mode: navigate',
    'Sec-Fetch-User: ?1',
    'Sec-Fetch-Dest: document',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: de-DE,de;q=0.9,en;q=0.8',
  ].filter((each) => !without.includes(each.split(':', 1)[0] ?? ''))
  const socket = connect(port, from)
  socket.write(`${[line ?? 'GET /graphql HTTP/1.1', ...lines, ...headers].join('\r\n')}\r\n\r\n`)
  return /^true\r\n/m.test(await text(socket))
}

test.each<[string, Asked]>([
  ['requested from the address bar', {}],
  ['reloaded', { headers: ['If-None-Match: "x"', 'Pragma: no-cache'] }],
  [
    'opened from itself',
    { without: ['Sec-Fetch-Site'], headers: ['Sec-Fetch-Site: same-origin', 'Referer: /'] },
  ],
  [
    'requested by a browser that sends fewer headers',
    { without: ['Sec-Fetch-Site', 'Sec-Fetch-Mode', 'sec-ch-ua'] },
  ],
  [
    'requested with cookies of this machine',
    { headers: ['Cookie: a=b', 'DNT: 1', 'Sec-GPC: 1', 'Priority: u=0, i'] },
  ],
])('a page that is %s may contain the key', async (_how, asked) => {
  expect(await isOwn(asked)).toBe(true)
})

test('so may one that is requested under any name of the loopback interface', async () => {
  for (const name of ['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '[::1]'])
    expect([name, await isOwn({ host: `${name}:${port}` })]).toEqual([name, true])
})

test.each<[string, Asked]>([
  ['HTTP/1.0, as a plain proxy_pass of nginx speaks it', { line: 'GET /graphql HTTP/1.0' }],
  ['no header Connection', { without: ['Connection'] }],
  ['a connection that is closed', { without: ['Connection'], headers: ['Connection: close'] }],
  ['another method', { line: 'POST /graphql HTTP/1.1' }],
  ['another host', { host: 'shop.example' }],
  ['a host that ends like this one', { host: '127.0.0.1.shop.example' }],
  ['another port', { host: 'localhost:1' }],
  ['no port', { host: 'localhost' }],
  ['no host', { line: 'GET /graphql HTTP/1.0', without: ['Host'] }],
  ['the name of no machine', { host: '0.0.0.0' }],
  ['a page of another site', { without: ['Sec-Fetch-Site'], headers: ['Sec-Fetch-Site: cross-site'] }],
  ['a page of the same site', { without: ['Sec-Fetch-Site'], headers: ['Sec-Fetch-Site: same-site'] }],
  ['a page that says so twice', { headers: ['Sec-Fetch-Site: none'] }],
  ['an origin', { headers: ['Origin: https://shop.example'] }],
  ['no origin', { headers: ['Origin: null'] }],
])('a page that is requested with %s may not', async (_how, asked) => {
  expect(await isOwn(asked)).toBe(false)
})

test.each([
  'X-Real-IP: 203.0.113.9',
  'X-Forwarded-For: 203.0.113.9',
  'X-Forwarded-Host: shop.example',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Server: proxy',
  'X-Forwarded-Prefix: /promo',
  'X-Scheme: https',
  'X-Original-URI: /graphql',
  'X-Original-Forwarded-For: 203.0.113.9',
  'X-Client-IP: 203.0.113.9',
  'X-Cluster-Client-IP: 203.0.113.9',
  'X-Request-ID: 1',
  'X-Envoy-External-Address: 203.0.113.9',
  'X-Amzn-Trace-Id: Root=1',
  'X-Cloud-Trace-Context: 1',
  'X-ARR-SSL: true',
  'Forwarded: for=203.0.113.9',
  'Via: 1.1 proxy',
  'CF-Connecting-IP: 203.0.113.9',
  'CF-Ray: 1',
  'CDN-Loop: cloudflare',
  'True-Client-IP: 203.0.113.9',
  'Fastly-Client-IP: 203.0.113.9',
  'Fly-Client-IP: 203.0.113.9',
  'Front-End-Https: on',
  'Proxy-Connection: keep-alive',
  'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'Tailscale-User-Login: ada@shop.example',
  'Ngrok-Auth-User-Email: ada@shop.example',
  'A-Header-That-Nobody-Knows: 1',
])('a page that is requested with the header %s may not', async (header) => {
  expect(await isOwn({ headers: [header] })).toBe(false)
})

test('a page that is requested from another machine may not', async () => {
  const elsewhere = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  // A machine without a network has no other address.
  if (elsewhere !== undefined) expect(await isOwn({ from: elsewhere.address })).toBe(false)
})

import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  type Answer,
  maxAnswerBytes,
  OutgoingClient,
  type OutgoingOptions,
} from '../../src/outgoing/client.ts'
import { OutgoingError, type OutgoingFailure } from '../../src/outgoing/errors.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { authority, Receiver } from '../support/receiver.ts'

const loopback = Networks.parse('127.0.0.0/8')
const never = new AbortController().signal
const hurried = { maxConnectMs: 300, maxAnswerMs: 300, maxBodyMs: 100 }

async function openReceiver(options?: { tls?: boolean }): Promise<Receiver> {
  const receiver = await Receiver.open(options)
  onTestFinished(() => receiver[Symbol.asyncDispose]())
  return receiver
}

/** Sends one request. */
async function post(url: string, options: Partial<OutgoingOptions> = {}, signal = never): Promise<Answer> {
  using connection = new OutgoingClient({ allowed: loopback, ...options }).open()
  return await connection.post({ url: new URL(url), headers: { 'x-test': 'yes' }, body: '{"a":"ä"}', signal })
}

/** How a request fails. */
async function failureOf(url: string, options?: Partial<OutgoingOptions>): Promise<OutgoingFailure> {
  const error: unknown = await post(url, options).then(
    () => undefined,
    (failed: unknown) => failed,
  )
  if (!(error instanceof OutgoingError)) throw new Error('It has not failed as expected.', { cause: error })
  return error.failure
}

/** A server that treats each connection in its own way. */
async function openRaw(serve: (socket: net.Socket) => void): Promise<string> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`
}

test('sends a body and headers, and returns the answer, whatever its status', async () => {
  const receiver = await openReceiver()
  receiver.answering = (response) => response.writeHead(429, { 'retry-after': '17' }).end('slow down')
  const answer = await post(`${receiver.url}/hook?a=1`)
  expect({ ...answer, body: answer.body.toString() }).toEqual({
    status: 429,
    retryAfter: '17',
    body: 'slow down',
  })
  expect(receiver.received).toMatchObject([
    { path: '/hook?a=1', headers: { 'x-test': 'yes' }, body: '{"a":"ä"}' },
  ])
})

test.each([
  'http://127.0.0.1:1/',
  'http://2130706433:1/',
  'http://0177.0.0.1:1/',
  'http://0x7f.1:1/',
  'http://127.0.0.1.:1/',
  'http://[::1]:1/',
  'http://[::ffff:127.0.0.1]:1/',
  'https://[::ffff:127.0.0.1]:1/',
  'https://[64:ff9b::127.0.0.1]:1/',
  'https://localhost:1/',
  'https://some.localhost.:1/',
  'https://169.254.169.254/latest/meta-data',
])('nothing is sent to %s unless its network is allowed', async (url) => {
  const client = new OutgoingClient({ allowed: Networks.none })
  await expect(client.check(new URL(url))).rejects.toMatchObject({ failure: 'FORBIDDEN' })
  expect(await failureOf(url, { allowed: Networks.none })).toBe('FORBIDDEN')
})

test('nothing is sent to a public address by http', async () => {
  const resolve = async () => ['1.1.1.1']
  expect(await failureOf('http://a.example/', { resolve })).toBe('FORBIDDEN')
  await expect(
    new OutgoingClient({ allowed: Networks.none, resolve }).check(new URL('https://a.example/')),
  ).resolves.toBeUndefined()
})

test('of several addresses of a name, only those that are allowed are connected to', async () => {
  const receiver = await openReceiver()
  const other = `http://two.example:${receiver.port}/`
  // 127.0.0.2 would answer just as well.
  const resolve = async () => ['127.0.0.2', '127.0.0.1', '10.0.0.1']
  const addresses: (string | undefined)[] = []
  receiver.answering = (response) => {
    addresses.push(response.socket?.localAddress)
    response.end()
  }
  await post(other, { allowed: Networks.parse('127.0.0.1'), resolve })
  expect(addresses).toEqual(['127.0.0.1'])
  expect(await failureOf(other, { allowed: Networks.parse('127.0.0.9'), resolve })).toBe('FORBIDDEN')
})

test('a name that leads elsewhere after it was checked is not connected to', async () => {
  const receiver = await openReceiver()
  let questions = 0
  const resolve = async () => {
    questions += 1
    return questions === 1 ? ['1.1.1.1'] : ['127.0.0.1']
  }
  const client = new OutgoingClient({ allowed: Networks.none, resolve })
  const url = new URL(`https://rebinding.example:${receiver.port}/`)
  await client.check(url)
  using connection = client.open()
  await expect(connection.post({ url, headers: {}, body: '', signal: never })).rejects.toMatchObject({
    failure: 'FORBIDDEN',
  })
  expect(receiver.connections).toBe(0)
})

test('a redirect is an answer, and is not followed', async () => {
  const inside = await openReceiver()
  const receiver = await openReceiver()
  receiver.answerWith(301, { location: inside.url })
  expect((await post(receiver.url)).status).toBe(301)
  expect(inside.received).toEqual([])
})

test('certificates are verified, for the name of the host', async () => {
  const receiver = await openReceiver({ tls: true })
  const authorities = await authority()
  const resolve = async () => ['127.0.0.1']
  expect((await post(receiver.url, { authorities })).status).toBe(200)
  expect(await failureOf(receiver.url)).toBe('TLS')
  const byAnotherName = `https://other.example:${receiver.port}/`
  expect(await failureOf(byAnotherName, { authorities, resolve })).toBe('TLS')
})

test('the proxies of the environment are not used', async () => {
  const receiver = await openReceiver()
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  for (const name of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, 'http://127.0.0.1:1')
  expect((await post(receiver.url)).status).toBe(200)
})

test('a receiver that never answers is given up', async () => {
  const receiver = await openReceiver()
  receiver.answering = () => {}
  expect(await failureOf(receiver.url, { limits: hurried })).toBe('TOO_SLOW')
})

test('a receiver that accepts a connection and does not begin to encrypt is given up', async () => {
  const url = (await openRaw(() => {})).replace('http:', 'https:')
  expect(await failureOf(url, { limits: { maxConnectMs: 300 } })).toBe('TOO_SLOW')
})

test('a name whose servers do not answer is given up', async () => {
  const resolve = (_name: string, signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const client = new OutgoingClient({ allowed: loopback, resolve, limits: hurried })
  await expect(client.check(new URL('https://slow.example'))).rejects.toMatchObject({ failure: 'TOO_SLOW' })
  expect(await failureOf('https://slow.example', { resolve, limits: hurried })).toBe('TOO_SLOW')
})

test('headers that arrive byte by byte end when the time is over', async () => {
  const url = await openRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-slow: ')
    const drip = setInterval(() => socket.write('x'), 20)
    socket.on('close', () => clearInterval(drip))
  })
  expect(await failureOf(url, { limits: hurried })).toBe('TOO_SLOW')
})

test('once the status is there, a body that arrives byte by byte is cut', async () => {
  const receiver = await openReceiver()
  const cut = Promise.withResolvers<void>()
  receiver.answering = (response) => {
    const drip = setInterval(() => response.write('x'), 20)
    response.on('close', () => {
      clearInterval(drip)
      cut.resolve()
    })
  }
  const answer = await post(receiver.url, { limits: { maxBodyMs: 100 } })
  expect(answer.status).toBe(200)
  expect(answer.body.toString()).toMatch(/^x+$/)
  await cut.promise
})

test('of a body without end, a few kilobytes are read', async () => {
  const receiver = await openReceiver()
  const sent = Promise.withResolvers<number>()
  receiver.answering = (response) => {
    let bytes = 0
    const chunk = Buffer.alloc(65_536, 'x')
    const fill = () => {
      while (response.write(chunk)) bytes += chunk.length
    }
    response.on('drain', fill)
    response.on('close', () => sent.resolve(bytes))
    fill()
  }
  const answer = await post(receiver.url)
  expect(answer.body.length).toBe(maxAnswerBytes)
  // The rest was in the buffers of the network.
  expect(await sent.promise).toBeLessThan(2 ** 26)
})

test.each<[what: string, answer: string, failure: OutgoingFailure]>([
  ['endless headers', `HTTP/1.1 200 OK\r\n${'x-long: y\r\n'.repeat(10_000)}\r\n`, 'NOT_HTTP'],
  ['something else', 'SSH-2.0-OpenSSH_9.6\r\n', 'NOT_HTTP'],
  ['provisional answers alone', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000), 'NOT_HTTP'],
  [
    'an upgrade',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    'UNREACHABLE',
  ],
  ['nothing', '', 'UNREACHABLE'],
])('a receiver that answers with %s has failed', async (_, answer, failure) => {
  const url = await openRaw((socket) => {
    socket.once('data', () => socket.end(answer))
  })
  expect(await failureOf(url)).toBe(failure)
})

test('a receiver that is not there has failed', async () => {
  expect(await failureOf('http://127.0.0.1:1/')).toBe('UNREACHABLE')
})

test('requests that follow each other share a connection, and a connection that was lost is made again', async () => {
  const receiver = await openReceiver()
  using connection = new OutgoingClient({ allowed: loopback }).open()
  const request = { url: new URL(receiver.url), headers: {}, body: '{}', signal: never }
  await connection.post(request)
  await connection.post(request)
  expect(receiver.connections).toBe(1)
  // What an idle server does at any time: it closes the connection just when the next request is sent.
  receiver.answering = (response) => {
    receiver.answering = (again) => again.end()
    response.socket?.destroy()
  }
  expect((await connection.post(request)).status).toBe(200)
  expect(receiver.connections).toBe(2)
})

test('a request is given up when its signal is aborted', async () => {
  const receiver = await openReceiver()
  receiver.answering = () => {}
  const controller = new AbortController()
  const sending = post(receiver.url, {}, controller.signal)
  await receiver.receives(1)
  controller.abort()
  await expect(sending).rejects.toBe(controller.signal.reason)
})

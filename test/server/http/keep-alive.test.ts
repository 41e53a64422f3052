import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { listen } from '../../../src/listen.ts'
import { maxRequestBytes } from '../../../src/server/api/operation-request.ts'
import { HttpServer } from '../../../src/server/http/server.ts'
import { openBooks, silent } from '../../support/books.ts'
import { startService } from '../../support/service.ts'

/** A client that asks on one connection as long as that stays open. */
class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #url: string
  /** Resolves when the connection of the first answer is closed. */
  ended: Promise<unknown> | undefined

  constructor(url: string) {
    this.#url = url
    onTestFinished(() => this.close())
  }

  begin({ path, ...options }: RequestOptions & { path: string }): ClientRequest {
    return request(`${this.#url}${path}`, { ...options, agent: this.#agent })
  }

  async ask(): Promise<{ headers: IncomingMessage['headers']; reused: boolean }> {
    const asking = this.begin({ path: '/health' }).end()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    this.ended ??= once(answer.socket, 'close')
    await text(answer)
    return { headers: answer.headers, reused: asking.reusedSocket }
  }

  close(): void {
    this.#agent.destroy()
  }
}

test('a connection stays open for as long as is configured', async () => {
  await using service = await startService({ keepAliveSeconds: 620 })
  const connection = new Connection(service.url)
  expect((await connection.ask()).headers).toMatchObject({ 'keep-alive': 'timeout=620' })
  expect((await connection.ask()).reused).toBe(true)
})

test('an idle connection is closed after its time', async () => {
  const connection = new Connection(await open({ keepAliveMs: 1 }))
  await connection.ask()
  await connection.ended
})

test('only so many connections stay open: the answers on others say that they close', async () => {
  const url = await open({ maxKept: 2 })
  const [first, second, third] = [new Connection(url), new Connection(url), new Connection(url)]
  for (const kept of [first, second]) expect((await kept.ask()).headers.connection).toBe('keep-alive')
  expect((await third.ask()).headers.connection).toBe('close')
  expect(await third.ask()).toMatchObject({ headers: { connection: 'close' }, reused: false })
  expect(await first.ask()).toMatchObject({ headers: { connection: 'keep-alive' }, reused: true })
  second.close()
  await expect.poll(async () => (await third.ask()).headers.connection).toBe('keep-alive')
})

const part = (name: string) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`

test.each([
  [
    'a form whose map names another file than it has',
    400,
    'multipart/form-data; boundary=x',
    `${part('operations')}{}\r\n${part('map')}{"a":[]}\r\n--x\r\n` +
      'Content-Disposition: form-data; name="b"; filename="b.csv"\r\n\r\ncode',
  ],
  ['JSON that turns out too long', 413, 'application/json', ' '.repeat(maxRequestBytes + 1)],
])(
  'a connection outlives the answer to %s, once the rest of the request has arrived',
  async (_what, status, type, beginning) => {
    await using service = await startService()
    const connection = new Connection(service.url)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const asking = connection.begin({
      method: 'POST',
      path: '/graphql',
      headers: { authorization: `Bearer ${service.key}`, 'content-type': type },
    })
    asking.write(beginning)
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(status)
    await text(answer)
    // More than a connection holds while nobody reads it.
    asking.end(' '.repeat(10_000_000))
    await once(asking, 'close')
    expect((await connection.ask()).reused).toBe(true)
    // By then, what is left of a request is no longer awaited.
    vi.advanceTimersByTime(5_000)
    expect((await connection.ask()).reused).toBe(true)
  },
)

test('a shutdown does not wait for connections on which nothing was sent, as browsers open them', async () => {
  await using service = await startService()
  const { hostname, port } = new URL(service.url)
  const unused = connect(Number(port), hostname)
  await once(unused, 'connect')
  // It has accepted the earlier connection, too.
  await new Connection(service.url).ask()
  const ended = once(unused.resume(), 'end').then(() => 'ended')
  // Far less than the ten seconds for which it waits for requests in flight.
  const patience = new Promise((resolve) => setTimeout(resolve, 8_000, 'still open').unref())
  const closed = service.close()
  expect(await Promise.race([ended, patience])).toBe('ended')
  await closed
})

async function open(limits: { keepAliveMs?: number; maxKept?: number }): Promise<string> {
  const { books, close } = await openBooks()
  const server = new HttpServer({ books, log: silent, routes: {}, ...limits })
  onTestFinished(async () => {
    await server.close()
    await close()
  })
  return `http://127.0.0.1:${await listen(server.server, { port: 0, host: '127.0.0.1' })}`
}

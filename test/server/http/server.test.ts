import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { listen } from '../../../src/listen.ts'
import { codesPath, graphiqlPath, graphqlPath, rejectedRowsPath } from '../../../src/routes.ts'
import { HttpServer, type Routes, UnreadAnswers } from '../../../src/server/http/server.ts'
import { openBooks, silent } from '../../support/books.ts'

const unread = new UnreadAnswers()
const server = createServer()

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterAll(async () => {
  unread.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Both ends of an answer of 16 KiB pieces, none of which has been read. */
async function answer(pieces: number): Promise<{ received: IncomingMessage; response: ServerResponse }> {
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>
  const asking = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).end()
  const [, response] = await asked
  unread.add(response, 1)
  Readable.from(Array<Buffer>(pieces).fill(Buffer.alloc(16_384))).pipe(response)
  const [received] = (await once(asking, 'response')) as [IncomingMessage]
  received.on('error', () => undefined)
  return { received, response }
}

const many = 4_000

describe('an answer', () => {
  test('is cut if the client reads nothing of it between two beats', async () => {
    const { received, response } = await answer(many)
    await expect.poll(() => response.writableNeedDrain).toBe(true)
    unread.beat()
    expect(response.destroyed).toBe(false)
    unread.beat()
    expect(response.destroyed).toBe(true)
    received.resume()
    await new Promise((resolve) => received.once('close', resolve))
    expect(received.complete).toBe(false)
  })

  test('arrives completely if it is read slowly, however many beats it takes', async () => {
    const { received, response } = await answer(many)
    const passedOn = () => (response.socket?.bytesWritten ?? 0) - response.writableLength
    let length = 0
    for (let beat = 0; beat < 4; beat++) {
      await expect.poll(() => response.writableNeedDrain).toBe(true)
      unread.beat()
      const before = passedOn()
      while (passedOn() === before) {
        const chunk = received.read() as Buffer | null
        if (chunk === null) await once(received, 'readable')
        else length += chunk.length
      }
    }
    for await (const chunk of received) length += chunk.length
    expect(length).toBe(many * 16_384)
  })

  test('is not cut before it has begun', async () => {
    const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>
    const asking = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }).end()
    const [, response] = await asked
    unread.add(response, 1)
    for (const _beat of [1, 2, 3]) unread.beat()
    response.end('late')
    const [received] = (await once(asking, 'response')) as [IncomingMessage]
    expect(await received.setEncoding('utf8').toArray()).toEqual(['late'])
  })
})

test('every answer is cut if the client reads nothing of it: an operation after half a minute, a file after five', async () => {
  await using test = await openBooks()
  const responses: ServerResponse[] = []
  const endless = {
    methods: 'GET',
    answer(_request: IncomingMessage, response: ServerResponse) {
      responses.push(response)
      Readable.from(Array<Buffer>(many).fill(Buffer.alloc(16_384))).pipe(response)
    },
  }
  const routes: Routes = {
    graphql: endless,
    codesFile: endless,
    rejectedRowsFile: endless,
    graphiqlFile: endless,
    nothing: endless,
  }
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const http = new HttpServer({ books: test.books, log: silent, routes })
  onTestFinished(() => http.close())
  const port = await listen(http.server, { port: 0, host: '127.0.0.1' })
  const paths = [graphqlPath, codesPath('1', {}), rejectedRowsPath('1'), graphiqlPath('a.js'), '/nothing']
  for (const path of paths) {
    const asking = request({ port, host: '127.0.0.1', path, headers: { accept: 'text/html' } }).end()
    const [received] = (await once(asking, 'response')) as [IncomingMessage]
    received.on('error', () => undefined)
  }
  for (const response of responses) await vi.waitUntil(() => response.writableNeedDrain)
  const cut = () => responses.filter(({ destroyed }) => destroyed).map(({ req }) => req.url)
  vi.advanceTimersByTime(30_000)
  expect(cut()).toEqual([graphqlPath])
  vi.advanceTimersByTime(4 * 60_000)
  expect(cut()).toEqual([graphqlPath])
  vi.advanceTimersByTime(60_000)
  expect(cut()).toEqual(paths)
})

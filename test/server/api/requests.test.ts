import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { Scheduler, TooMuchWaitingError } from '../../../src/async/scheduler.ts'
import { ArrivingBodies } from '../../../src/server/api/arriving-bodies.ts'
import { Requests } from '../../../src/server/api/requests.ts'
import { RequestRecord } from '../../../src/telemetry/request-record.ts'
import { useClient, useService } from '../../support/service.ts'

const service = useService()
const client = useClient(service)

/** Begins a request that will not arrive completely. */
function begin(type: string, part: string): Socket {
  const { hostname, port } = new URL(service.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => socket.destroy())
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${service.key}\r\nContent-Type: ${type}\r\n` +
      `Content-Length: 999999\r\nConnection: close\r\n\r\n${part}`,
  )
  return socket
}

const filling = ' '.repeat(990_000)

describe('bodies that do not arrive completely', () => {
  test.each([
    ['JSON', 'application/json', filling],
    [
      'forms',
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${filling}`,
    ],
  ])(
    'as %s are kept up to 32 MB per key; beyond that, requests are refused until some have ended',
    async (_what, type, part) => {
      const sockets = Array.from({ length: 40 }, () => begin(type, part))
      const refused: string[] = []
      const enough = Promise.withResolvers<void>()
      for (const socket of sockets)
        text(socket).then(
          (answer) => {
            if (refused.push(answer) === 8) enough.resolve()
          },
          () => undefined,
        )
      await enough.promise
      for (const answer of refused.slice(0, 8)) {
        expect(answer).toMatch(/^HTTP\/1\.1 429 /)
        expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
          errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: 1_000 } }],
        })
      }
      for (const socket of sockets) socket.destroy()
      const ask = () =>
        fetch(`${service.url}/graphql`, {
          method: 'POST',
          headers: { ...client.authorization(), 'content-type': 'application/json' },
          body: `${JSON.stringify({ query: '{ account { name } }' })}${filling}`,
        })
      await expect.poll(async () => (await ask()).status).toBe(200)
    },
  )

  test('of one key do not count for another', () => {
    const arrivingBodies = new ArrivingBodies()
    const [one, more, other] = [
      arrivingBodies.begin('a'),
      arrivingBodies.begin('a'),
      arrivingBodies.begin('b'),
    ]
    one.keep(20_000_000)
    more.keep(12_000_000)
    other.keep(32_000_000)
    expect(() => more.keep(1)).toThrow(TooMuchWaitingError)
    more.end()
    more.end()
    more.keep(30_000_000)
    one.keep(12_000_000)
    expect(() => one.keep(1)).toThrow(TooMuchWaitingError)
  })
})

test('a piece of a body counts with more than its bytes, so that a client cannot send many tiny ones', async () => {
  const authentication = { authenticateRequest: async () => ({ keyId: 'key' }) } as never
  const requests = new Requests({ operations: {} as never, authentication, scheduler: new Scheduler() })
  const pieces = Array.from({ length: 200_000 }, () => Buffer.from(' '))
  const request = Object.assign(Readable.from(pieces, { objectMode: false }), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  const arriving = requests.arrive({
    request: request as unknown as IncomingMessage,
    response: {} as ServerResponse,
    record: new RequestRecord(),
    onStream: () => {},
    isWanted: () => true,
  })
  await expect(arriving).rejects.toThrow(TooMuchWaitingError)
})

test('a waiting operation counts with its length, whatever its media type', async () => {
  const counted: (number | undefined)[] = []
  class Watched extends Scheduler {
    override run<T>(...[key, work, options]: Parameters<Scheduler['run']>): Promise<T | undefined> {
      counted.push(options?.bytes)
      return super.run(key, work as () => T, options)
    }
  }
  const authentication = { authenticateRequest: async () => ({ keyId: 'key' }) } as never
  const requests = new Requests({ operations: {} as never, authentication, scheduler: new Watched() })
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const record = new RequestRecord()
    await requests.arrive({ request, response, record, onStream: () => {}, isWanted: () => true })
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
  const operation = JSON.stringify({
    query: '{ account { name } }',
    variables: { long: 'x'.repeat(100_000) },
  })
  const form = new FormData()
  form.append('operations', operation)
  form.append('map', '{}')
  await fetch(url, { method: 'POST', body: operation, headers: { 'content-type': 'application/json' } })
  await fetch(url, { method: 'POST', body: form })
  expect(counted).toEqual([operation.length, operation.length + '{}'.length])
  await new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
})

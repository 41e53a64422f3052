import { randomBytes, randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { Keyring, MasterKey } from '../../src/keys/keyring.ts'
import { newStock } from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'
import { Socket } from '../support/socket.ts'

/** A client that leaves early is not a failure of the service. */

/** The log, without the starts and ends of tasks. */
const logged: string[] = []

const write = (line: string) => {
  if (JSON.parse(line).taskId === undefined) logged.push(line)
}
// Without a master key, the start would be logged.
const keyring = new Keyring({ current: new MasterKey(randomBytes(32)) })
const service = useService({ log: pino({}, { write }), keyring })
const client = useClient(service)

afterAll(() => expect(logged).toEqual([]))

/** Sends bytes and leaves, by closing or resetting the connection. Resolves when the service has closed it as well. */
async function leave(bytes: string, how: 'reset' | 'end', after?: RegExp): Promise<void> {
  const { hostname, port } = new URL(service.url)
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connect(Number(port), hostname)
  const go = () => (how === 'reset' ? socket.resetAndDestroy() : socket.destroy())
  socket.on('error', () => undefined)
  socket.on('close', () => resolve())
  if (after !== undefined) socket.on('data', (data) => after.test(String(data)) && go())
  socket.write(bytes, () => {
    if (after === undefined) go()
  })
  await promise
}

const head = (path: string, headers: string, method = 'POST') =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${service.key}\r\n${headers}\r\n`
const json = (length: number) => `Content-Type: application/json\r\nContent-Length: ${length}\r\n`
const operation = '{"query":"{ pools(first: 100) { edges { node { name } } } }"}'

describe.each(['reset', 'end'] as const)('a client that leaves (%s) is not logged', (how) => {
  test('before its operation has arrived', async () => {
    await leave(head('/graphql', json(1_000)) + operation, how)
    await leave(
      `${head('/graphql', 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n')}5\r\n{"que`,
      how,
    )
  })

  test('before it is answered', async () => {
    for (let i = 0; i < 20; i++) await leave(head('/graphql', json(operation.length)) + operation, how)
  })

  test('while it sends a file, in a form or as the body', async () => {
    const { poolId } = await newStock(client, 1)
    await leave(`${head(`/pools/${poolId}/codes`, 'Content-Length: 1000\r\n')}code\nA\n`, how)
    const operations = JSON.stringify({
      query: `mutation ($file: File!) { uploadCodes(input: { poolId: "${poolId}", file: $file }) { __typename } }`,
      variables: { file: null },
    })
    const form =
      `--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${operations}\r\n` +
      '--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n{"0":["variables.file"]}\r\n' +
      '--x\r\nContent-Disposition: form-data; name="0"; filename="a.csv"\r\n\r\ncode\r\nA'
    await leave(
      head('/graphql', 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n') + form,
      how,
    )
  })

  test('during a download', async () => {
    const { poolId } = await newStock(client, 1_000_000)
    await leave(head(`/pools/${poolId}/codes.csv?status=ALL`, '', 'GET'), how, /code/)
    await leave(
      head(`/pools/${poolId}/codes.csv?status=ALL`, 'Accept-Encoding: gzip\r\n', 'GET'),
      how,
      /gzip/i,
    )
  })

  test('from a WebSocket', async () => {
    const socket = await Socket.connect(service, client.authorization())
    for (let i = 0; i < 50; i++) socket.subscribe(`${i}`, '{ pools { totalCount } }')
    socket.subscribe('live', 'subscription { poolEvents { cursor } }')
    await socket.next('0')
    socket.socket.terminate()
    await socket.closed
  })

  // When these are answered, everything that it left has been cleaned up.
  test('and others are served', async () => {
    for (let i = 0; i < 5; i++) await client.ask('{ account { name } }')
    expect((await fetch(`${service.url}/graphql?${randomUUID()}`)).status).toBe(401)
    expect(logged).toEqual([])
  })
})

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { ClientSocket } from '../../../src/server/websocket/client-socket.ts'

let server: WebSocketServer

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
})

afterAll(async () => {
  for (const socket of server.clients) socket.terminate()
  await new Promise((resolve) => server.close(resolve))
})

/** Both ends of a connection. */
async function connect(options: { autoPong?: boolean } = {}) {
  const accepted = once(server, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options)
  await once(client, 'open')
  const [socket, { socket: connection }] = (await accepted) as [WebSocket, IncomingMessage]
  return { client, socket, served: new ClientSocket(socket, connection) }
}

const megabyte = 'x'.repeat(1_000_000)

describe('a client that sends many operations and reads nothing', () => {
  test('gets no more answers than its buffers hold, and the rest when it reads', async () => {
    const { client, socket, served } = await connect()
    let begun = 0
    socket.on('message', () => {
      const answer = () => {
        begun += 1
        return megabyte
      }
      void served.enqueue(answer).then((text) => served.send(text))
    })
    let answers = 0
    client.on('message', () => {
      answers += 1
    })
    client.pause()
    for (let i = 0; i < 200; i++) client.send('more')
    await expect.poll(() => socket.isPaused).toBe(true)
    expect(socket.bufferedAmount).toBeLessThan(20 * megabyte.length)
    expect(begun).toBeLessThan(100)
    client.resume()
    await expect.poll(() => answers, { timeout: 20_000 }).toBe(200)
    expect(begun).toBe(200)
    await expect.poll(() => socket.isPaused).toBe(false)
    client.close()
  })

  test('gets long answers one at a time, each after it has read the previous one', async () => {
    const { client, socket, served } = await connect()
    let running = 0
    let begun = 0
    let maxUnread = 0
    const answer = async () => {
      begun += 1
      running += 1
      expect(running).toBe(1)
      expect(socket.bufferedAmount).toBeLessThanOrEqual(megabyte.length)
      await nextIteration()
      running -= 1
      return megabyte.repeat(20)
    }
    socket.on('message', () => {
      void served
        .enqueue(() => served.enqueueLong(answer))
        .then(async (text = '') => {
          const sent = served.send(text)
          maxUnread = Math.max(maxUnread, socket.bufferedAmount)
          await sent
        })
    })
    let answers = 0
    client.on('message', () => {
      answers += 1
    })
    client.pause()
    for (let i = 0; i < 8; i++) client.send('more')
    await expect.poll(() => socket.bufferedAmount).toBeGreaterThan(megabyte.length)
    await nextIteration()
    expect(begun).toBeLessThan(3)
    client.resume()
    await expect.poll(() => answers, { timeout: 20_000 }).toBe(8)
    expect(maxUnread).toBeLessThan(22 * megabyte.length)
    client.close()
  })

  test('has only a few of its long messages in memory', async () => {
    const { client, socket, served } = await connect()
    const end = Promise.withResolvers<void>()
    let delivered = 0
    socket.on('message', (message) => {
      delivered += 1
      void served.enqueue(() => end.promise, String(message).length)
    })
    for (let i = 0; i < 20; i++) client.send('x'.repeat(400_000))
    await expect.poll(() => socket.isPaused).toBe(true)
    await nextIteration()
    expect(delivered).toBe(3)
    end.resolve()
    await expect.poll(() => delivered).toBe(20)
    await expect.poll(() => socket.isPaused).toBe(false)
    client.close()
  })

  test('and leaves releases everything that waited', async () => {
    const { client, served } = await connect()
    const never = Promise.withResolvers<void>()
    const running = Array.from({ length: 16 }, () => served.enqueue(() => never.promise))
    let ran = 0
    const waiting = Array.from({ length: 50 }, () =>
      served.enqueue(() => {
        ran += 1
      }),
    )
    await Promise.resolve()
    expect(ran).toBe(0)
    client.terminate()
    await Promise.all(waiting)
    const long = await Promise.all([1, 2, 3].map((i) => served.enqueueLong(async () => i)))
    expect(long).toEqual([undefined, undefined, undefined])
    await served.send('nobody reads this')
    never.resolve()
    await Promise.all(running)
  })
})

test('operations run in order of arrival, sixteen at a time', async () => {
  const { client, served } = await connect()
  const begun: number[] = []
  const ends = Array.from({ length: 40 }, () => Promise.withResolvers<void>())
  const all = ends.map((end, i) =>
    served.enqueue(async () => {
      begun.push(i)
      await end.promise
    }),
  )
  await expect.poll(() => begun.length).toBe(16)
  ends[3]?.resolve()
  await all[3]
  await expect.poll(() => begun.length).toBe(17)
  for (const end of ends) end.resolve()
  await Promise.all(all)
  expect(begun).toEqual(ends.map((_, i) => i))
  client.close()
})

describe('a client', () => {
  test('that does not answer between two beats is disconnected', async () => {
    const { client, socket, served } = await connect({ autoPong: false })
    const pinged = once(client, 'ping')
    served.beat()
    await pinged
    expect(socket.readyState).toBe(WebSocket.OPEN)
    const closed = once(client, 'close')
    served.beat()
    await closed
  })

  test('that answers stays connected', async () => {
    const { client, socket, served } = await connect()
    for (let i = 0; i < 3; i++) {
      const ponged = once(socket, 'pong')
      served.beat()
      await ponged
    }
    expect(socket.readyState).toBe(WebSocket.OPEN)
    client.close()
  })

  test('that reads slowly stays connected even if its pong is late', async () => {
    const { client, socket, served } = await connect({ autoPong: false })
    for (let beat = 0; beat < 3; beat++) {
      client.pause()
      // More than the system accepts, so that the last message waits for the client.
      const sent = Array.from({ length: 20 }, () => served.send(megabyte))
      await nextIteration()
      expect(socket.bufferedAmount).toBeGreaterThan(0)
      sent.push(served.send('one more'))
      client.resume()
      await Promise.all(sent)
      served.beat()
    }
    expect(socket.readyState).toBe(WebSocket.OPEN)
    client.close()
  })

  test('that reads nothing is disconnected, even if the system accepts messages for it', async () => {
    const { client, socket, served } = await connect({ autoPong: false })
    client.pause()
    const closed = once(socket, 'close')
    for (let beat = 0; beat < 2; beat++) {
      await served.send('a message that the system takes')
      served.beat()
    }
    await closed
  })
})

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { resolveByDns } from '../../src/outgoing/resolve.ts'

const never = new AbortController().signal
const failures = { NXDOMAIN: 3, SERVFAIL: 2 }

/** A name server that gives every name these IPv4 addresses, or fails in this way; without either, it never answers. */
async function openNameServer(answer?: readonly string[] | keyof typeof failures): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    if (answer === undefined) return
    const questionEnd = query.indexOf(0, 12) + 5
    const isIpv4 = query.readUInt16BE(questionEnd - 4) === 1
    const addresses = typeof answer === 'string' || !isIpv4 ? [] : answer
    const header = Buffer.alloc(12)
    header.writeUInt16BE(query.readUInt16BE(0), 0)
    header.writeUInt16BE(0x8180 + (typeof answer === 'string' ? failures[answer] : 0), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(addresses.length, 6)
    // The name of the question, of type A, class IN, for a minute, with four bytes.
    const records = addresses.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([header, query.subarray(12, questionEnd), ...records]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  return `127.0.0.1:${socket.address().port}`
}

test('a name has the addresses that its name server says, at most eight', async () => {
  const servers = [await openNameServer(['1.1.1.1', '10.0.0.1'])]
  expect(await resolveByDns('two.example', never, servers)).toEqual(['1.1.1.1', '10.0.0.1'])
  const crowd = Array.from({ length: 20 }, (_, i) => `10.0.0.${i}`)
  expect(await resolveByDns('many.example', never, [await openNameServer(crowd)])).toHaveLength(8)
})

test.each<[keyof typeof failures | 'nothing', string]>([
  ['NXDOMAIN', 'NO_SUCH_NAME'],
  ['nothing', 'NO_SUCH_NAME'],
  ['SERVFAIL', 'UNREACHABLE'],
])('a name whose server answers with %s has no address: %s', async (answer, failure) => {
  const servers = [await openNameServer(answer === 'nothing' ? [] : answer)]
  await expect(resolveByDns('none.example', never, servers)).rejects.toMatchObject({ failure })
})

test('a question that no server answers ends when its signal is aborted', async () => {
  const controller = new AbortController()
  const servers = [await openNameServer()]
  const asking = resolveByDns('silent.example', controller.signal, servers)
  controller.abort()
  await expect(asking).rejects.toBe(controller.signal.reason)
})

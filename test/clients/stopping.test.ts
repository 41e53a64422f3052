import { expect, test } from 'vitest'
import { connectSocket } from '../../src/console/live/socket.ts'
import { generate, newStock } from '../support/api.ts'
import { openBalancer } from '../support/balancer.ts'
import { watchPool } from '../support/frontend/plain.ts'
import { connectStreams } from '../support/frontend/sse.ts'
import { MainProcess } from '../support/process.ts'
import { useClient, useService } from '../support/service.ts'
import { Watched } from '../support/watched.ts'

const service = useService()
const client = useClient(service)

test('a process that is stopped ends by itself while frontends watch a pool, and they go on elsewhere', async () => {
  const { poolId, formatId } = await newStock(client, 1)
  await using stopping = new MainProcess({ DATABASE_URL: service.databaseUrl })
  await using balancer = await openBalancer(await stopping.ready())
  const url = `${balancer.url}/graphql`
  const views = [connectSocket(url, { key: service.key }), connectStreams(url, service.key)].map(
    (frontend) => {
      const watched = new Watched()
      return { watched, leave: watchPool(frontend, poolId, watched) }
    },
  )
  for (const { watched } of views) await watched.until(({ states }) => states.length === 1)
  balancer.leadTo(service)
  expect((await stopping.end('SIGTERM')).code).toBe(0)
  await generate(client, { poolId, formatId, quantity: 1 })
  for (const { watched, leave } of views) {
    await watched.until(({ applied }) => applied.length === 4)
    expect(watched.states).toHaveLength(1)
    leave()
  }
})

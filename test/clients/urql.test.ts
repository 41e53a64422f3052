import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '@urql/core'
import { buildSchema } from 'graphql'
import { describe, expect, test } from 'vitest'
import { done, generate, newStock } from '../support/api.ts'
import { Client as TestClient } from '../support/client.ts'
import { graphcacheOptions } from '../support/frontend/schema-facts.ts'
import { connectUrql, watchPool } from '../support/frontend/urql.ts'
import type { Frontend } from '../support/promises.ts'
import { keepsPromises } from '../support/promises.ts'
import { startService } from '../support/service.ts'
import { Watched } from '../support/watched.ts'

const schema = buildSchema(await readFile(join(import.meta.dirname, '../../schema.graphql'), 'utf8'))

describe('with urql', () => {
  keepsPromises((url, key) => urqlFrontend(connectUrql(url, key, graphcacheOptions(schema))))

  test('events keep what was queried up to date in Graphcache, without warnings', async () => {
    const complaints: string[] = []
    await using service = await startService()
    await using there = new TestClient(service)
    const { poolId, formatId } = await newStock(there, 1)
    const settings = { poolId, method: 'GENERATE', formatId }
    await done(there, 'saveReplenishment', settings, 'pool { id }')
    const client = connectUrql(`${service.url}/graphql`, service.key, {
      ...graphcacheOptions(schema),
      logger: (_severity, message) => complaints.push(message),
    })
    const counts = Promise.withResolvers<void>()
    const seen: unknown[] = []
    const query = client.query<{ pool: { availableCount: string } }>(poolWithSettings, { id: poolId })
    const { unsubscribe } = query.subscribe(({ data }) => {
      seen.push(data?.pool.availableCount)
      if (data?.pool.availableCount === '3') counts.resolve()
    })
    const watched = new Watched()
    const leave = watchPool(client, poolId, watched)
    await watched.until(({ states }) => states.length === 1)
    await generate(there, { poolId, formatId, quantity: 2 })
    await counts.promise
    expect(seen[0]).toBe('1')
    const claiming = `mutation ($input: ClaimCodesInput!) {
      claimCodes(input: $input) { ... on ClaimCodesPayload { codes { id code } } ... on UserError { message } }
    }`
    const { data } = await client.mutation(claiming, { input: { poolId, count: 100 } })
    expect(data?.claimCodes.message).toContain('3')
    expect(complaints).toEqual([])
    leave()
    unsubscribe()
  })
})

const poolWithSettings = `query ($id: ID!) {
  pool(id: $id) {
    id
    availableCount
    replenishment { method format { id } }
    tasks(first: 10) { edges { node { id status } } pageInfo { hasNextPage } }
  }
}`

function urqlFrontend(client: Client): Frontend {
  return {
    watchPool: (poolId, view) => watchPool(client, poolId, view),
    async ask<Data>(document: string, variables: Record<string, unknown>) {
      const mutates = document.startsWith('mutation')
      const { data, error } = await (mutates
        ? client.mutation<Data>(document, variables)
        : client.query<Data>(document, variables))
      if (data == null) throw error
      return data
    },
    subscribe<Data>(
      document: string,
      variables: Record<string, unknown>,
      results: Parameters<Frontend['subscribe']>[2],
    ) {
      return client.subscription<Data>(document, variables).subscribe(({ data, error, hasNext }) => {
        if (error) results.error(error)
        else if (hasNext) results.next(data as never)
        else results.complete()
      }).unsubscribe
    },
    // Its socket closes with the last subscription.
    close: () => {},
  }
}

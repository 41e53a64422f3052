import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { buildSchema } from 'graphql'
import { describe, expect, test, vi } from 'vitest'
import { generate, newPool, newStock } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { connectApollo, watchPool } from '../support/frontend/apollo.ts'
import type { PoolState } from '../support/frontend/operations.ts'
import { possibleTypesOf } from '../support/frontend/schema-facts.ts'
import type { Frontend } from '../support/promises.ts'
import { keepsPromises } from '../support/promises.ts'
import { startService } from '../support/service.ts'
import { Watched } from '../support/watched.ts'

const schema = buildSchema(await readFile(join(import.meta.dirname, '../../schema.graphql'), 'utf8'))

describe('with Apollo Client', () => {
  keepsPromises((url, key) => apolloFrontend(connectApollo(url, key, possibleTypesOf(schema))))

  test('events keep what was queried up to date in the cache, without warnings', async () => {
    const complaints = ['warn', 'error'].map((level) => vi.spyOn(console, level as 'warn' | 'error'))
    await using service = await startService()
    await using there = new Client(service)
    const { poolId, formatId } = await newStock(there, 1)
    const client = connectApollo(`${service.url}/graphql`, service.key, possibleTypesOf(schema))
    const counts = Promise.withResolvers<void>()
    const seen: unknown[] = []
    const query = gql`query ($id: ID!) { pool(id: $id) { id availableCount } }`
    const queried = client.watchQuery<PoolState>({ query, variables: { id: poolId } })
    const showing = queried.subscribe(({ data }) => {
      if (data?.pool == null) return
      seen.push(data.pool.availableCount)
      if (data.pool.availableCount === '3') counts.resolve()
    })
    const watched = new Watched()
    const leave = watchPool(client, poolId, watched)
    await watched.until(({ states }) => states.length === 1)
    await generate(there, { poolId, formatId, quantity: 2 })
    await counts.promise
    expect(seen[0]).toBe('1')
    for (const complaint of complaints) {
      expect(complaint.mock.calls).toEqual([])
      complaint.mockRestore()
    }
    leave()
    showing.unsubscribe()
    client.stop()
  })

  test('its link for persisted queries falls back to the whole query, by POST and by GET', async () => {
    await using service = await startService()
    const sent: string[] = []
    const noting: typeof fetch = (input, init) => {
      sent.push(`${init?.method} ${String(input)} ${String(init?.body)}`)
      return fetch(input, init)
    }
    for (const useGETForHashedQueries of [false, true]) {
      sent.length = 0
      const http = new HttpLink({
        uri: `${service.url}/graphql`,
        headers: { authorization: `Bearer ${service.key}` },
        fetch: noting,
      })
      const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
      const client = new ApolloClient({
        link: new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(http),
        cache: new InMemoryCache(),
      })
      const { data } = await client.query({ query: gql`query { account { id name } }` })
      expect(data).toMatchObject({ account: { name: 'First account' } })
      expect(sent).toHaveLength(2)
      expect(sent[0]).toContain('persistedQuery')
      expect(sent[0]).not.toContain('account')
      client.stop()
    }
  })

  test('queries of different fields of the Promo Codes section do not replace each other in the cache', async () => {
    await using service = await startService()
    await using there = new Client(service)
    const id = await newPool(there)
    const client = connectApollo(`${service.url}/graphql`, service.key, possibleTypesOf(schema))
    const method = gql`query ($id: ID!) { pool(id: $id) { id replenishment { method } } }`
    const threshold = gql`query ($id: ID!) { pool(id: $id) { id replenishment { refillThreshold } } }`
    for (const query of [method, threshold]) await client.query({ query, variables: { id } })
    expect(client.readQuery({ query: method, variables: { id } })).toMatchObject({
      pool: { id, replenishment: { method: 'GENERATE' } },
    })
    client.stop()
  })
})

function apolloFrontend(client: ApolloClient): Frontend {
  return {
    watchPool: (poolId, view) => watchPool(client, poolId, view),
    async ask<Data>(document: string, variables: Record<string, unknown>) {
      const { data } = await (document.startsWith('mutation')
        ? client.mutate<Data>({ mutation: gql(document), variables })
        : client.query<Data>({ query: gql(document), variables }))
      if (data == null) throw new Error('The operation was refused.')
      return data
    },
    subscribe<Data>(
      document: string,
      variables: Record<string, unknown>,
      results: Parameters<Frontend['subscribe']>[2],
    ) {
      const subscription = client.subscribe<Data>({ query: gql(document), variables }).subscribe({
        next({ data, error }) {
          if (error) results.error(error)
          else results.next(data as never)
        },
        complete: () => results.complete(),
      })
      return () => subscription.unsubscribe()
    },
    close: () => client.stop(),
  }
}

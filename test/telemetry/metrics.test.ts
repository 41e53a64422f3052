import { glob, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OperatorError } from '../../src/operator-error.ts'
import { facts, workPurposes } from '../../src/telemetry/facts.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { claim, done, finished, generate, mutate, newFormat, newPool, newStock } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { runSql } from '../support/database.ts'
import { Scrape } from '../support/metrics.ts'
import { Program } from '../support/process.ts'
import { startService, useClient, useService } from '../support/service.ts'
import { Socket } from '../support/socket.ts'
import { upload } from '../support/upload-api.ts'

const service = useService({ metricsPort: 0, overviewEveryMs: 0, failedLookUpsPerMinute: 1 })
const client = useClient(service)

/** Expects the sums of series to change so much while `work` is done. */
async function changes(
  work: () => Promise<unknown>,
  expected: readonly [name: string, labels: Record<string, string>, change: number][],
): Promise<void> {
  const read = async () => {
    const scrape = await Scrape.of(service)
    return expected.map(([name, labels]) => scrape.sum(`promo_codes_${name}`, labels) ?? 0)
  }
  // What is read may be half a second old.
  const { text } = await Scrape.of(service)
  await expect.poll(async () => (await Scrape.of(service)).text).not.toBe(text)
  const before = await read()
  await work()
  await expect
    .poll(async () => (await read()).map((value, i) => value - (before[i] ?? 0)))
    .toEqual(expected.map(([, , change]) => change))
}

describe('the metrics', () => {
  test('are in the text format of Prometheus', async () => {
    const scrape = await Scrape.of(service)
    expect(scrape.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(scrape.sum('promo_codes_process_info', { role: 'all' })).toBe(1)
    expect(scrape.sum('promo_codes_database_connections_max')).toBe(16)
    expect([...scrape.names]).toEqual(
      expect.arrayContaining(['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']),
    )
  })

  test('count claims, their codes, and the groups that serve them', async () => {
    const { poolId } = await newStock(client, 100)
    const recipients = ['a', 'b', 'a']
    const work = async () => {
      await claim(client, poolId, 7)
      await mutate(client, 'claimForRecipients', { poolId, recipients })
      await mutate(client, 'claimCodes', { poolId, count: 1_000 })
    }
    await changes(work, [
      ['claims_total', {}, 4],
      ['claimed_codes_total', {}, 10],
      ['group_items_count', { of: 'claims' }, 3],
      ['group_wait_seconds_count', { of: 'claims' }, 3],
      ['operations_total', { field: 'claimCodes', kind: 'mutation', transport: 'http', outcome: 'OK' }, 1],
      ['operations_total', { field: 'claimCodes', outcome: 'NOT_ENOUGH_CODES' }, 1],
      ['short_claims_total', {}, 1],
      ['operation_duration_seconds_count', { field: 'claimCodes' }, 2],
    ])
  })

  test('count a claim that is sent again only once', async () => {
    const { poolId } = await newStock(client, 10)
    const work = async () => {
      for (const _ of [1, 2]) await mutate(client, 'claimCodes', { poolId, count: 2, idempotencyKey: 'x' })
    }
    await changes(work, [
      ['claims_total', {}, 1],
      ['claimed_codes_total', {}, 2],
      ['operations_total', { field: 'claimCodes', outcome: 'OK' }, 2],
    ])
  })

  test('count refills, and pools that run low and empty', async () => {
    const [poolId, formatId] = await Promise.all([
      newPool(client),
      newFormat(client, { body: { length: 1 } }),
    ])
    const work = async () => {
      await done(
        client,
        'saveReplenishment',
        { poolId, method: 'GENERATE', formatId, quantity: 10, autoGenerate: true, refillThreshold: 5 },
        '__typename',
      )
      // The format has 24 codes.
      for (const count of [10, 10, 4]) await claim(client, poolId, count)
    }
    await changes(work, [
      ['refilled_codes_total', {}, 24],
      ['pool_events_total', { kind: 'POOL_EMPTY' }, 1],
      ['pool_events_total', { kind: 'POOL_REFILL_FAILED' }, 1],
      ['tasks_total', { kind: 'GENERATION', trigger: 'AUTO_GENERATE', status: 'COMPLETED' }, 3],
    ])
  })

  test('count tasks and the rows of uploads', async () => {
    const poolId = await newPool(client)
    const formatId = await newFormat(client)
    const work = async () => {
      await generate(client, { poolId, formatId, quantity: 5 })
      await finished(client, await upload(service, client, poolId, 'UP-1\nUP-2\nUP-2\n'))
    }
    await changes(work, [
      ['tasks_total', { kind: 'GENERATION', trigger: 'MANUAL', status: 'AWAITING_EXECUTION' }, 1],
      ['tasks_total', { kind: 'GENERATION', trigger: 'MANUAL', status: 'RUNNING' }, 1],
      ['tasks_total', { kind: 'GENERATION', trigger: 'MANUAL', status: 'COMPLETED' }, 1],
      ['task_duration_seconds_count', { kind: 'UPLOAD', status: 'COMPLETED' }, 1],
      ['task_wait_seconds_count', { kind: 'UPLOAD' }, 1],
      ['added_codes_total', { kind: 'GENERATION', trigger: 'MANUAL' }, 5],
      ['added_codes_total', { kind: 'UPLOAD', trigger: 'MANUAL' }, 2],
      ['upload_rows_total', { outcome: 'accepted' }, 2],
      ['upload_rows_total', { outcome: 'duplicate_in_file' }, 1],
      ['tasks_waiting', {}, 0],
      ['oldest_waiting_task_seconds', {}, 0],
    ])
  })

  test('count redemptions by their outcome', async () => {
    const { poolId } = await newStock(client, 2)
    const [{ code } = { code: '' }] = await claim(client, poolId)
    const work = async () => {
      const payload = 'redemption { id }'
      const redeem = { code, reference: 'one' }
      const { redemption } = await done<{ redemption: { id: string } }>(client, 'redeemCode', redeem, payload)
      await mutate(client, 'redeemCode', { code, reference: 'one' })
      await mutate(client, 'redeemCode', { code, reference: 'two' })
      for (const _ of [1, 2]) await mutate(client, 'rollBackRedemption', { redemptionId: redemption.id })
    }
    await changes(work, [
      ['redemptions_total', { outcome: 'redeemed' }, 1],
      ['redemptions_total', { outcome: 'repeated' }, 1],
      ['redemptions_total', { outcome: 'refused' }, 1],
      ['redemptions_total', { outcome: 'rolled_back' }, 1],
      ['look_ups_total', { outcome: 'found' }, 3],
      ['operations_total', { field: 'redeemCode', outcome: 'CODE_REDEEMED' }, 1],
    ])
  })

  test('count look-ups that find nothing, and those that are refused', async () => {
    const look = () => client.send('{ code(code: "NO-SUCH") { id } }')
    const work = async () => {
      await look()
      await look()
    }
    await changes(work, [
      ['look_ups_total', { outcome: 'nothing' }, 1],
      ['look_ups_total', { outcome: 'refused' }, 1],
      ['operations_total', { field: 'code', kind: 'query', outcome: 'RATE_LIMITED' }, 1],
    ])
  })

  test('count keys that do not work', async () => {
    const wrong = new Client({ url: service.url, key: 'x'.repeat(40) })
    await changes(
      () => wrong.send('{ account { name } }'),
      [
        ['credentials_refused_total', { of: 'key' }, 1],
        ['operations_total', { kind: 'unknown', field: 'other', outcome: 'UNAUTHENTICATED' }, 1],
      ],
    )
  })

  test('have no label that a client chooses', async () => {
    const work = async () => {
      await client.send('query Chosen { chosen: account { name } }')
      await client.send('{ chosen }')
      await client.send('{ chosen: __typename }')
      await client.send('query ($x: Chosen) { account { name } }')
      await client.send(
        '{ account { name } pools { edges { node { id } } } ...F } fragment F on Query { chosen: account { id } }',
      )
      await (await fetch(`${service.url}/chosen`)).text()
      await (await fetch(`${service.url}/console/chosen`, { method: 'DELETE' })).text()
    }
    await changes(work, [
      ['operations_total', { field: 'account', kind: 'query' }, 1],
      ['operations_total', { field: 'other', kind: 'query', outcome: 'OK' }, 1],
      ['operations_total', { field: 'several' }, 1],
      ['operations_total', { field: 'other', kind: 'unknown', outcome: 'GRAPHQL_VALIDATION_FAILED' }, 2],
      ['http_requests_total', { route: 'none', status: '404' }, 1],
      ['http_requests_total', { route: 'consoleFile' }, 1],
    ])
    const { text } = await Scrape.of(service)
    expect(text.toLowerCase()).not.toContain('chosen')
  })

  test('count the pools of all accounts by status, without those that are archived', async () => {
    const archived = await newPool(client)
    const work = async () => {
      await newPool(client)
      await newStock(client, 1)
      await mutate(client, 'archivePool', { poolId: archived })
    }
    await changes(work, [
      ['pools', { status: 'READY' }, 1],
      ['pools', { status: 'EMPTY' }, 0],
      ['pools_used_up', {}, 0],
    ])
  })

  test('count empty pools that have had codes', async () => {
    const work = async () => {
      await newPool(client)
      await claim(client, (await newStock(client, 2)).poolId, 2)
    }
    await changes(work, [
      ['pools', { status: 'EMPTY' }, 2],
      ['pools_used_up', {}, 1],
    ])
  })

  test('say that the database may have lost commits, until somebody has followed that up', async () => {
    await using other = await startService({ metricsPort: 0, overviewEveryMs: 0 })
    const rewound = async () => (await Scrape.of(other)).sum('promo_codes_rewound')
    expect(await rewound()).toBe(0)
    await runSql(other.databaseUrl, `UPDATE incarnation SET identity = 'another'`)
    await expect.poll(rewound).toBe(1)
    const restored = new Program('src/cli/restored.ts', {
      args: ['--nothing-lost'],
      environment: { DATABASE_URL: other.databaseUrl },
    })
    expect(await restored.ended).toMatchObject({ code: 0 })
    await expect.poll(rewound).toBe(0)
  })

  test('count the nodes that are away, and leave out what could not be read', async () => {
    const metrics = new Metrics('all')
    metrics.watch({
      connections: { totalCount: 0, idleCount: 0, waitingCount: 0 },
      maxConnections: 1,
      readOverview: () => Promise.reject(new Error('unreadable')),
      countNodesAway: () => 2,
      onError: () => {},
    })
    const text = await metrics.text()
    metrics.close()
    expect(text).toContain('\npromo_codes_nodes_away 2\n')
    expect(text).not.toMatch(/^promo_codes_(rewound|pools|pools_used_up) /m)
  })

  test('count subscriptions and sockets while they are open, and tell how late events are read', async () => {
    const poolId = await newPool(client)
    const rename = async (name: string) => {
      await mutate(client, 'renamePool', { poolId, name })
      await socket.next('1')
    }
    const socket = await Socket.connect(service, client.authorization())
    const subscribe = async () => {
      socket.subscribe('1', 'subscription { poolEvents { cursor } }')
      await expect.poll(async () => (await Scrape.of(service)).sum('promo_codes_subscriptions')).toBe(1)
      await rename('Now it is followed')
    }
    await changes(subscribe, [
      ['subscriptions', {}, 1],
      ['operations_total', { kind: 'subscription', field: 'poolEvents', transport: 'websocket' }, 1],
    ])
    await changes(() => rename('And this is read'), [['event_delay_seconds_count', {}, 1]])
    await changes(
      () => socket[Symbol.asyncDispose](),
      [
        ['subscriptions', {}, -1],
        ['sockets', {}, -1],
      ],
    )
  })

  test('count work in the background that fails', () =>
    changes(
      async () => facts.workFailed.tell({ purpose: 'read an event log', reason: 'unavailable' }),
      [['work_failures_total', { purpose: 'read an event log', reason: 'unavailable' }, 1]],
    ))

  test('begin at 0 for all work in the background, so that its first failure is an increase', async () => {
    const { text } = await Scrape.of(service)
    const begun = [...text.matchAll(/^promo_codes_work_failures_total\{purpose="(.+)",reason="error"\}/gm)]
    expect(begun.map(([, purpose]) => purpose)).toEqual(workPurposes)
    const named = new Set<string>()
    for await (const file of glob(join(import.meta.dirname, '../../src/**/*.ts'))) {
      const source = await readFile(file, 'utf8')
      for (const [, purpose = ''] of source.matchAll(
        /\b(?:purpose(?:: |\b.* = )|logRetry\(.*?, )'([a-z][^'.]+)'/gi,
      ))
        named.add(purpose)
    }
    expect(named.size).toBeGreaterThan(10)
    expect([...named].filter((purpose) => !workPurposes.includes(purpose))).toEqual([])
  })

  test('count tasks that fail through a fault of the service', () =>
    changes(async () => {
      const failed = { kind: 'UPLOAD', trigger: 'MANUAL', status: 'FAILED', added: undefined }
      for (const failureCode of ['INTERNAL', 'FORMAT_EXHAUSTED'])
        facts.task.tell({ ...failed, waitedMs: undefined, durationMs: 1, failureCode })
    }, [['internal_task_failures_total', {}, 1]]))

  test('are all in docs/monitoring.md, and it names no others', async () => {
    const docs = await readFile(join(import.meta.dirname, '../../docs/monitoring.md'), 'utf8')
    const { text } = await Scrape.of(service)
    const own = [...text.matchAll(/^# TYPE (promo_codes_\S+)/gm)].map(([, name]) => name)
    const table = docs.slice(docs.indexOf('\n## Metrics'), docs.indexOf('\n## Alerts'))
    const named = [...table.matchAll(/^\| `(promo_codes_[a-z_]+)`/gm)].map(([, name]) => name)
    expect(named.sort()).toEqual(own.sort())
  })
})

describe('the port of the metrics', () => {
  test('serves nothing else', async () => {
    const { origin } = new URL(service.metricsUrl ?? '')
    const status = async (path: string, method: string) => (await fetch(origin + path, { method })).status
    expect(await status('/', 'GET')).toBe(404)
    expect(await status('/graphql', 'POST')).toBe(404)
    expect(await status('/metrics', 'POST')).toBe(405)
    expect(await status('/metrics', 'HEAD')).toBe(200)
    expect(await status('/metrics?x=1', 'GET')).toBe(200)
  })

  test('is not that of the service, which has no metrics', async () => {
    expect((await fetch(`${service.url}/metrics`)).status).toBe(404)
  })

  test('is also that of a worker', async () => {
    await using worker = await startService({
      databaseUrl: service.databaseUrl,
      role: 'worker',
      metricsPort: 0,
    })
    expect((await Scrape.of(worker)).sum('promo_codes_process_info', { role: 'worker' })).toBe(1)
  })

  test('that is in use ends the start with an error that says so', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const started = startService({ databaseUrl: service.databaseUrl, metricsPort: port ?? 0 })
    await expect(started).rejects.toThrow(
      new OperatorError(
        `METRICS_PORT ${port} of 127.0.0.1 is already in use. Set METRICS_PORT to another one.`,
      ),
    )
    await new Promise<void>((resolve) => other.close(() => resolve()))
  })

  test('is at an address of its own if there is one', async () => {
    const options = { databaseUrl: service.databaseUrl, metricsPort: 0 }
    await using other = await startService({ ...options, metricsHost: '127.0.0.2' })
    expect(new URL(other.metricsUrl ?? '').hostname).toBe('127.0.0.2')
    expect((await Scrape.of(other)).contentType).not.toBeNull()
    await expect(startService({ ...options, metricsHost: '192.0.2.1' })).rejects.toThrow(
      new OperatorError('METRICS_HOST 192.0.2.1 is not an address of this machine.'),
    )
  })

  test('is closed with the service', async () => {
    const other = await startService({ databaseUrl: service.databaseUrl, metricsPort: 0 })
    const { metricsUrl } = other
    await other.close()
    await expect(Scrape.of({ metricsUrl })).rejects.toThrow('fetch failed')
  })
})

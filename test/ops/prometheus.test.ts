import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { claim, done, mutate, newFormat, newPool } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { runSql } from '../support/database.ts'
import { Scrape } from '../support/metrics.ts'
import { hasPrometheus, Prometheus } from '../support/prometheus.ts'
import { startService, useClient, useService } from '../support/service.ts'

const root = join(import.meta.dirname, '../..')
const rules = join(root, 'ops/alerts.yaml')

interface Panel {
  title: string
  type: string
  datasource?: { uid: string }
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string; refId: string }[]
}

interface Dashboard {
  panels: Panel[]
  templating: { list: { name: string; type: string; definition?: string }[] }
}

const dashboard: Dashboard = JSON.parse(await readFile(join(root, 'ops/dashboard.json'), 'utf8'))
const alerts = await readFile(rules, 'utf8')

/** The queries of the dashboard, with values in place of Grafana's variables. */
const queries = dashboard.panels
  .flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, refId }) => [`${title} ${refId}`, expr] as const),
  )
  .map(
    ([name, expr]) =>
      [name, expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(job|instance)/g, '.*')] as const,
  )

/** The names of the metrics in a query. */
const metricsIn = (query: string) =>
  [...query.matchAll(/\b(?:promo_codes|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name)

const service = useService({ metricsPort: 0, overviewEveryMs: 0 })
const client = useClient(service)

describe('the dashboard', () => {
  test('asks only for metrics that there are', async () => {
    await using worker = await startService({
      databaseUrl: service.databaseUrl,
      role: 'worker',
      metricsPort: 0,
    })
    const names = new Set([...(await Scrape.of(service)).names, ...(await Scrape.of(worker)).names])
    const unknown = queries.flatMap(([, query]) => metricsIn(query)).filter((name) => !names.has(name))
    expect(unknown).toEqual([])
    expect(queries.length).toBeGreaterThan(30)
  })

  test('shows every metric of the service', async () => {
    const shown = new Set(queries.flatMap(([, query]) => metricsIn(query)))
    const { text } = await Scrape.of(service)
    const own = [...text.matchAll(/^# TYPE (promo_codes_\S+)/gm)].map(([, name = '']) => name)
    const missing = own.filter(
      (name) => ![name, `${name}_bucket`, `${name}_count`].some((each) => shown.has(each)),
    )
    // One selects the processes, the others are parts of what is shown.
    expect(missing).toEqual([
      'promo_codes_process_info',
      'promo_codes_failed_operations_total',
      'promo_codes_http_request_duration_seconds',
    ])
  })

  test('lets people choose the data source, and has no panel over another', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance'])
    const others = dashboard.panels.filter(
      ({ type, datasource }) => type !== 'row' && !datasource?.uid.endsWith('{datasource}'),
    )
    expect(others.map(({ title }) => title)).toEqual([])
    const places = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
    )
    expect(new Set(places).size).toBe(places.length)
  })
})

describe('the alert rules', () => {
  test('ask only for metrics that there are', async () => {
    const { names } = await Scrape.of(service)
    expect(metricsIn(alerts.replaceAll(/^ *#.*$/gm, '')).filter((name) => !names.has(name))).toEqual([])
  })

  test('each say how serious it is, what to do, and where to read more', async () => {
    const docs = await readFile(join(root, 'docs/monitoring.md'), 'utf8')
    const entries = alerts.split(/^ {6}- alert: /m).slice(1)
    expect(entries.length).toBeGreaterThan(10)
    for (const entry of entries) {
      const [name = ''] = entry.split('\n')
      expect(entry).toMatch(/severity: (critical|warning)\n/)
      expect(entry).toMatch(/summary: .+\n/)
      expect(entry).toMatch(/description: /)
      expect(entry).toContain(`runbook_url: docs/monitoring.md#${name.toLowerCase()}\n`)
      expect(docs).toContain(`\n### ${name}\n`)
    }
  })
})

if (!hasPrometheus)
  console.info('Prometheus is not on this machine, so it is not tested with: apt-get install prometheus')

describe.skipIf(!hasPrometheus)('with a real Prometheus', () => {
  test('the rules and the sample of its configuration are valid', async () => {
    const promtool = (...args: string[]) => promisify(execFile)('promtool', args)
    expect((await promtool('check', 'rules', rules)).stdout).toContain('SUCCESS')
    expect((await promtool('check', 'config', join(root, 'ops/prometheus.yaml'))).stdout).toContain('SUCCESS')
  })

  test('the queries of the dashboard work, and an alert fires when a pool runs low', async () => {
    const { metricsUrl = '' } = service
    await using prometheus = await Prometheus.start({ metricsUrl, rules })
    const [poolId, formatId] = await Promise.all([
      newPool(client),
      newFormat(client, { body: { length: 1 } }),
    ])
    await done(
      client,
      'saveReplenishment',
      { poolId, method: 'GENERATE', formatId, quantity: 24, autoGenerate: true, refillThreshold: 5 },
      '__typename',
    )
    const low = 'promo_codes_pool_events_total{kind="POOL_LOW"}'
    // It increases only if it was seen before.
    await expect.poll(() => prometheus.query(low)).toMatchObject([{ value: [expect.any(Number), '0'] }])
    await expect.poll(() => prometheus.alerts()).toEqual([])

    await claim(client, poolId, 20)
    const firing = async () => (await prometheus.alerts()).filter(({ state }) => state === 'firing')
    await expect
      .poll(async () => (await firing()).map(({ labels }) => labels['alertname']).sort())
      .toEqual(['PromoCodesPoolLow', 'PromoCodesRefillsFail'])
    const [alert] = await firing()
    expect(alert).toMatchObject({
      labels: { severity: 'warning' },
      annotations: {
        summary: expect.any(String),
        runbook_url: expect.stringContaining('docs/monitoring.md#'),
      },
    })

    const answered = await Promise.all(
      queries.map(async ([name, query]) => [name, (await prometheus.query(query)).length > 0] as const),
    )
    expect(answered.filter(([, found]) => found).map(([name]) => name)).toEqual(
      expect.arrayContaining(['Claims a second A', 'Low pools A', 'Operations by root field A', 'Memory A']),
    )
  })

  test('an alert fires when claims find a pool empty that never had codes, and when the database has lost commits', async () => {
    await using other = await startService({ metricsPort: 0, overviewEveryMs: 0 })
    await using buyer = new Client(other)
    const { metricsUrl = '' } = other
    await using prometheus = await Prometheus.start({ metricsUrl, rules })
    const short = 'promo_codes_short_claims_total'
    await expect.poll(() => prometheus.query(short)).toMatchObject([{ value: [expect.any(Number), '0'] }])
    await expect.poll(() => prometheus.alerts()).toEqual([])
    await mutate(buyer, 'claimCodes', { poolId: await newPool(buyer) })
    await runSql(other.databaseUrl, `UPDATE incarnation SET identity = 'another'`)
    await expect
      .poll(async () => (await prometheus.alerts()).map(({ labels }) => labels['alertname']).sort())
      .toEqual(['PromoCodesPoolEmpty', 'PromoCodesRewound'])
  })

  test('an alert fires when the only process has ended', async () => {
    const other = await startService({ databaseUrl: service.databaseUrl, metricsPort: 0 })
    const { metricsUrl = '' } = other
    await using prometheus = await Prometheus.start({ metricsUrl, rules })
    await expect.poll(async () => (await prometheus.query('up == 1')).length).toBe(1)
    await other.close()
    await expect
      .poll(async () => (await prometheus.alerts()).map(({ labels }) => labels['alertname']).sort())
      .toEqual(['PromoCodesDown', 'PromoCodesNoWorker'])
  })
})

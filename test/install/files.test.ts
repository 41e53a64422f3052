import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { project } from '../../src/build/build.ts'
import { readConfig } from '../../src/config.ts'

const read = (file: string) => readFile(join(project, file), 'utf8')

test('compose.yaml names only variables that the service reads, and secrets, volumes and services that are there', async () => {
  const { services, secrets, volumes } = parse(await read('compose.yaml'), { merge: true })
  expect(Object.keys(services)).toEqual(['promo-codes', 'worker', 'postgres'])
  for (const name of ['promo-codes', 'worker']) {
    const service = services[name]
    for (const variable of Object.keys(service.environment))
      expect(() => readConfig({ [variable]: '\0' })).toThrow(variable)
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], depends_on: { postgres: {} } })
  }
  for (const service of Object.values<{ secrets: string[]; environment: object }>(services)) {
    for (const secret of service.secrets) expect(secrets).toHaveProperty(secret)
    const paths = Object.values<string>({ ...service.environment }).filter((value) =>
      value.startsWith('/run/secrets/'),
    )
    expect(paths.map((path) => path.replace('/run/secrets/', '')).toSorted()).toEqual(
      service.secrets.toSorted(),
    )
  }
  expect(services.postgres.volumes).toEqual([`${Object.keys(volumes)[0]}:/var/lib/postgresql`])
})

test('compose.yaml passes on what .env may set, and the previous master key once its lines are uncommented', async () => {
  const text = await read('compose.yaml')
  const optional = ['METRICS_PORT', 'LOG_LEVEL', 'WEBHOOK_ALLOWED_NETWORKS', 'OTEL_EXPORTER_OTLP_ENDPOINT']
  const uncommented = text.replaceAll(/# (?=(?:PREVIOUS_MASTER_KEY_FILE:|- previous_|previous_))/g, '')
  const { services, secrets } = parse(uncommented, { merge: true })
  for (const { environment, secrets: given } of [services['promo-codes'], services.worker]) {
    for (const name of optional) expect(environment[name]).toBe(`\${${name}:-}`)
    expect(environment.PREVIOUS_MASTER_KEY_FILE).toBe('/run/secrets/previous_master_key')
    expect(given).toContain('previous_master_key')
  }
  expect(secrets.previous_master_key).toEqual({ file: 'secrets/previous_master_key' })
  // As compose passes them on without .env.
  expect(() => readConfig(Object.fromEntries(optional.map((name) => [name, ''])))).not.toThrow()
})

test('the image, compose.yaml and the unit start the service in the same way, and let it take as long to stop', async () => {
  const [dockerfile, unit, compose] = await Promise.all(
    ['Dockerfile', 'ops/promo-codes.service', 'compose.yaml'].map(read),
  )
  const { scripts } = JSON.parse(await read('package.json'))
  const [, container = ''] = /^CMD (\[.*\])$/m.exec(dockerfile ?? '') ?? []
  expect(JSON.parse(container).join(' ')).toBe(scripts.start)
  expect(unit).toContain(`\nExecStart=/usr/bin/${scripts.start}\n`)
  expect(unit).toContain('\nTimeoutStopSec=60\n')
  expect(parse(compose ?? '', { merge: true }).services['promo-codes'].stop_grace_period).toBe('60s')
})

test('the unit is one that systemd accepts', async ({ skip }) => {
  const unit = join(project, 'ops/promo-codes.service')
  const verifying = promisify(execFile)('systemd-analyze', ['verify', '--recursive-errors=no', unit])
  const outcome = await verifying.catch((error: NodeJS.ErrnoException & { stderr?: string }) => error)
  if ('code' in outcome && outcome.code === 'ENOENT') return skip('There is no systemd-analyze.')
  // It also says so if Node.js is not where the unit expects it.
  const complaints = (outcome.stderr ?? '').split('\n').filter((line) => !/is not executable|^$/.test(line))
  expect(complaints).toEqual([])
})

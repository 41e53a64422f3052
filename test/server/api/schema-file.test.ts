import { buildSchema } from 'graphql'
import { expect, test } from 'vitest'
import { printSorted } from '../../../src/graphql/schema.ts'
import { loadFile, unpacked } from '../../support/load-file.ts'
import { useService } from '../../support/service.ts'

const service = useService()

const load = (headers?: Record<string, string>, method?: string) =>
  loadFile(new URL('/schema.graphql', service.url), headers, method)

test('the schema can be had from a running service as text, without a key', async () => {
  const { status, headers, body } = await load()
  expect(status).toBe(200)
  expect(headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(body.length),
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff',
  })
  expect(String(body)).toBe(printSorted())
  expect(buildSchema(String(body)).getQueryType()?.name).toBe('Query')
})

test('the schema is compressed for those who accept it', async () => {
  const packed = await load({ 'accept-encoding': 'br, gzip' })
  expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
  expect(String(unpacked(packed))).toBe(printSorted())
})

test('a tool can ask whether the schema has changed, and read only its headers', async () => {
  const { headers } = await load()
  expect(headers).toMatchObject({ etag: expect.stringMatching(/^"[^"]+"$/), 'cache-control': 'no-cache' })
  const again = await load({ 'if-none-match': String(headers.etag) })
  expect([again.status, again.body.length]).toEqual([304, 0])
  expect((await load({ 'if-none-match': '"another"' })).status).toBe(200)
  const head = await load({}, 'HEAD')
  expect([head.status, head.headers.etag, head.body.length]).toEqual([200, headers.etag, 0])
})

test('the schema can only be read', async () => {
  const { status, headers } = await load({}, 'POST')
  expect([status, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS'])
})

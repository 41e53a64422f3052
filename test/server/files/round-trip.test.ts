import { randomUUID } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCell } from '../../../src/codefile/code.ts'
import { readCodeFile } from '../../../src/codefile/read.ts'
import { identityOf } from '../../../src/domain/format/identity.ts'
import { claim, done, generate, newFormat, newPool, stranger } from '../../support/api.ts'
import type { Client } from '../../support/client.ts'
import { Source } from '../../support/code-file.ts'
import { useClient, useService } from '../../support/service.ts'
import { ended, upload } from '../../support/upload-api.ts'

// Characters that a code can contain and that files and spreadsheets treat specially.
const pieces = [...'AB01a\'"=+-@,;|#.\\ é漢＝−🎁', "'=", "''", ';-', ', +', 'code', '="', 'CLAIMED', 'sep=;']
const anyCode = fc
  .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join('').trim())
  .filter((code) => isOne(code))
const anyCodes = fc.uniqueArray(anyCode, { minLength: 1, maxLength: 60 })
const forms = fc.record({
  raw: fc.constantFrom('true', 'false'),
  bom: fc.constantFrom('true', 'false'),
  delimiter: fc.constantFrom('comma', 'semicolon', 'tab'),
  status: fc.constantFrom('ALL', 'AVAILABLE'),
})

/** Whether a text can be uploaded unchanged. */
function isOne(text: string): boolean {
  const reading = readCell(Buffer.from(text).toString('latin1'))
  return 'code' in reading && reading.code === text && text !== ''
}

const service = useService()
const client = useClient(service)
let other: Client

beforeAll(async () => {
  other = await stranger(service)
})

afterAll(async () => {
  await Promise.all([client[Symbol.asyncDispose](), other[Symbol.asyncDispose]()])
})

/** Uploads any codes, as a file that any program could have written. */
async function put(poolId: string, codes: readonly string[], caseSensitive: boolean) {
  const cells = codes.map((code) => `"${code.replaceAll('"', '""')}",x\n`)
  const search = { header: 'false', column: '1', caseSensitive: String(caseSensitive) }
  return await ended(client, await upload(service, client, poolId, cells.join(''), search))
}

async function download(from: Client, poolId: string, form: Record<string, string>, compressed = false) {
  const response = await fetch(`${service.url}/pools/${poolId}/codes.csv?${new URLSearchParams(form)}`, {
    headers: { ...from.authorization(), 'accept-encoding': compressed ? 'gzip' : 'identity' },
  })
  expect([response.status, response.headers.get('content-encoding')]).toEqual([
    200,
    compressed ? 'gzip' : null,
  ])
  return Buffer.from(await response.arrayBuffer())
}

/** The codes that the upload of a file adds. */
async function codesIn(file: Buffer): Promise<string[]> {
  const codes: string[] = []
  for await (const { rows, rejected } of readCodeFile(Source.of(file), { maxBytes: 2 ** 30 })) {
    expect(rejected).toEqual([])
    codes.push(...rows.map(({ code }) => code))
  }
  return codes
}

test('codes that are uploaded, downloaded in any form and uploaded again stay the same', async () => {
  await fc.assert(
    fc.asyncProperty(anyCodes, fc.boolean(), async (codes, caseSensitive) => {
      const poolId = await newPool(client)
      const unlike = new Map(codes.map((code) => [identityOf(code, caseSensitive), code]))
      // No code of an earlier run is a duplicate of another.
      const own = [...unlike.values()].map((code) => `${code}${randomUUID().slice(0, 8)}`)
      expect(await put(poolId, own, caseSensitive)).toMatchObject({ addedCount: String(own.length) })
      for (const raw of ['true', 'false'])
        for (const bom of ['true', 'false'])
          for (const delimiter of ['comma', 'semicolon', 'tab'])
            for (const status of ['ALL', 'AVAILABLE']) {
              const file = await download(client, poolId, { raw, bom, delimiter, status })
              expect([raw, bom, delimiter, await codesIn(file)]).toEqual([raw, bom, delimiter, own])
            }
    }),
    { numRuns: 10 },
  )
})

test('a download is all duplicates in its own account, and the same pool in another', async () => {
  await fc.assert(
    fc.asyncProperty(anyCodes, forms, fc.boolean(), async (codes, form, compressed) => {
      const prefix = randomUUID().slice(0, 8)
      const poolId = await newPool(client)
      const own = codes.map((code) => `${code}${prefix}`)
      await put(poolId, own, true)
      await generate(client, {
        poolId,
        formatId: await newFormat(client, { prefix: `=${prefix}`, body: { length: 3 } }),
        quantity: 5,
      })
      const file = await download(client, poolId, form)
      const again = await ended(client, await upload(service, client, poolId, file))
      expect(again).toMatchObject({
        status: 'COMPLETED',
        addedCount: '0',
        upload: { duplicatesInAccount: String(own.length + 5), duplicatesInFile: '0', refused: '0' },
      })
      const elsewhere = await newPool(other)
      const sent = compressed ? gzipSync(file) : file
      const task = await ended(
        other,
        await upload(service, other, elsewhere, new Uint8Array(sent), { caseSensitive: 'true' }),
      )
      expect(task).toMatchObject({ addedCount: String(own.length + 5) })
      const back = await download(other, elsewhere, form)
      expect(await codesIn(back)).toEqual(await codesIn(file))
    }),
    { numRuns: 4 },
  )
})

test('claimed and withdrawn codes are rejected in another account with the reason, even in a compressed file', async () => {
  const poolId = await newPool(client)
  const prefix = randomUUID()
  await put(poolId, [`=${prefix}1`, `-${prefix}2`, `${prefix}3`], false)
  await claim(client, poolId, 2)
  await done(client, 'withdrawCodes', { poolId }, 'withdrawnCount')
  await generate(client, { poolId, formatId: await newFormat(client), quantity: 1 })
  const elsewhere = await newPool(other)
  const file = await download(client, poolId, { status: 'ALL' }, true)
  expect(gunzipSync(gzipSync(file)).equals(file)).toBe(true)
  const id = await upload(service, other, elsewhere, new Uint8Array(file))
  expect(await ended(other, id)).toMatchObject({ addedCount: '1', upload: { refused: '3', accepted: '1' } })
  const rejected = await fetch(`${service.url}/tasks/${id}/rejected.csv?delimiter=semicolon&bom=true`, {
    headers: other.authorization(),
  })
  const text = Buffer.from(await rejected.arrayBuffer()).toString()
  expect(text).toMatch(/^\ufeffrow;code;reason\r\n2;'=/)
  expect(text.match(/The code has been claimed/g)).toHaveLength(2)
  expect(text.match(/The code has been withdrawn/g)).toHaveLength(1)
})

test('codes are found as a file shows them', async () => {
  const poolId = await newPool(client)
  const prefix = randomUUID()
  const codes = [`=${prefix}`, `'=${prefix}`, `-${prefix};+1`, `'A${prefix}`]
  await put(poolId, codes, true)
  const file = (await download(client, poolId, { status: 'ALL' })).toString()
  const cells = file
    .split('\r\n')
    .slice(1, -1)
    .map((row) => /^"?(.*?)"?,AVAILABLE/.exec(row)?.[1] ?? '')
  expect(cells).toEqual([`'=${prefix}`, `''=${prefix}`, `'-${prefix};'+1`, `'A${prefix}`])
  const found = async (code: string) =>
    (
      await client.ask<{ code: { code: string } | null }>(
        'query ($code: String!) { code(code: $code) { code } }',
        { code },
      )
    ).code?.code
  // As both =X and '=X are codes, the latter is the code itself.
  expect(await found(cells[0] ?? '')).toBe(codes[1])
  for (const at of [1, 2, 3]) expect(await found(cells[at] ?? '')).toBe(codes[at])
})

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { yieldToEventLoop } from '../../../src/async/pacer.ts'
import { typedKey } from '../../../src/codespace/typed-form.ts'
import { RejectedRowsForgottenError } from '../../../src/domain/books/errors.ts'
import { readRejectedRows } from '../../../src/domain/upload/rejected-rows.ts'
import {
  claim,
  done,
  generate,
  newFormat,
  newPool,
  newStock,
  stranger,
  withScopes,
} from '../../support/api.ts'
import { useBooks } from '../../support/books.ts'
import { Client } from '../../support/client.ts'
import { csvRows, firstDifference, readCsv } from '../../support/csv.ts'
import { codesHeader as header, pathOf, type Status, signOf, useFiles } from '../../support/files.ts'
import { startService, useClient, useService } from '../../support/service.ts'

const service = useService()
const client = useClient(service)
/** The database of the service, for changes that the API does not offer. */
const place = useBooks(service)

const { get, download, refusal } = useFiles(service, client)

const uuid = (globalId: string) => Buffer.from(globalId, 'base64').toString().split(':')[1] ?? ''
const taskIdOf = (id: string) => Buffer.from(`Task:${id}`).toString('base64')

/** Adds codes to the end of a pool's line, as an upload does. Resolves to the id of its task. */
async function upload(poolId: string, codes: readonly string[]): Promise<string> {
  const [pool, task] = [uuid(poolId), randomUUID()]
  await place.books.write(place.accountId, async (tx) => {
    await tx.execute({
      text: `
        INSERT INTO task (account_id, id, kind, trigger, pool_id, status, added, created_at)
        SELECT account_id, $2, 'UPLOAD', 'MANUAL', id, 'COMPLETED', $3, '2026-11-25T14:03:22.125Z'
        FROM pool WHERE id = $1`,
      values: [pool, task, codes.length],
    })
    await tx.execute({
      text: `
        INSERT INTO uploaded_code (account_id, task_id, row, code, typed)
        SELECT account_id, $2, codes.row - 1, codes.code, codes.typed
        FROM pool, unnest($3::text[], $4::text[]) WITH ORDINALITY AS codes (code, typed, row) WHERE id = $1`,
      values: [pool, task, codes, codes.map(typedKey)],
    })
    await tx.execute({
      text: `
        INSERT INTO batch (account_id, pool_id, start, count, task_id)
        SELECT account_id, id, total, $3, $2 FROM pool WHERE id = $1`,
      values: [pool, task, codes.length],
    })
    await tx.execute({
      text: 'UPDATE pool SET total = total + $2 WHERE id = $1',
      values: [pool, codes.length],
    })
  })
  return task
}

/** Removes an upload from its pool's line, as undoing it does. */
async function undo(poolId: string, task: string): Promise<void> {
  const pool = uuid(poolId)
  await place.books.write(place.accountId, async (tx) => {
    const [batch] = await tx.rows<{ start: string; count: string }>({
      text: 'DELETE FROM batch WHERE pool_id = $1 AND task_id = $2 RETURNING start, count',
      values: [pool, task],
    })
    await tx.execute({
      text: 'UPDATE batch SET start = start - $3 WHERE pool_id = $1 AND start > $2',
      values: [pool, batch?.start, batch?.count],
    })
    await tx.execute({
      text: 'UPDATE pool SET total = total - $2, line_version = line_version + 1 WHERE id = $1',
      values: [pool, batch?.count],
    })
    await tx.execute({ text: 'DELETE FROM uploaded_code WHERE task_id = $1', values: [task] })
  })
}

async function claimFor(poolId: string, recipient: string | null, count = 1) {
  const { codes } = await done<{ codes: { code: string; claimedAt: string }[] }>(
    client,
    'claimCodes',
    { poolId, count, recipient },
    'codes { code claimedAt }',
  )
  return codes
}

const wild = [
  'Ada, Countess',
  'the "Enchantress"',
  'two\r\nlines',
  '=cmd|" /C calc"!A0',
  '+49 30 1234',
  '👩‍🚀 Zoë',
  '',
]

/** Marks some indices of a format, every third one, as taken, as if their codes had been uploaded. */
async function leaveOut(formatId: string, count: number): Promise<void> {
  await place.books.write(place.accountId, async (tx) => {
    await tx.execute({
      text: 'UPDATE format SET taken_ahead = $2 WHERE id = $1',
      values: [uuid(formatId), count],
    })
    await tx.execute({
      text: `
        INSERT INTO taken (account_id, format_id, index)
        SELECT account_id, id, 3 * n FROM format, generate_series(0, $2::integer - 1) AS n WHERE id = $1`,
      values: [uuid(formatId), count],
    })
  })
}

/**
 * A pool with codes of two formats, one of which needs quotes and guards, and of an upload between them. By default there are
 * more codes of each format than are read at once.
 */
async function mixedPool(quantity = 5_000) {
  const poolId = await newPool(client)
  const prefix = randomUUID().slice(0, 8)
  const plain = await newFormat(client, { prefix: `${prefix}-`, body: { length: 6 } })
  const careful = await newFormat(client, {
    prefix: `,${prefix}"`,
    body: { length: 6 },
    characters: { list: 'AB"=é漢' },
  })
  const uploaded = [`-${prefix}`, `=1+1 ${prefix}`, `"${prefix}"`, `${prefix};x`, `${prefix} ü`]
  await leaveOut(plain, 0.4 * quantity)
  await generate(client, { poolId, formatId: plain, quantity })
  const uploadId = await upload(poolId, uploaded)
  const taskId = await generate(client, { poolId, formatId: careful, quantity })
  return { poolId, prefix, uploaded, uploadId, taskId }
}

interface Listed {
  pool: {
    codes: {
      edges: { node: { code: string } }[]
      pageInfo: { hasNextPage: boolean; endCursor: string | null }
    }
  }
}

/** All codes of a pool in the order of its line, as the API lists them. */
async function line(poolId: string): Promise<string[]> {
  const codes: string[] = []
  for (const status of ['CLAIMED', 'AVAILABLE']) {
    const listed: string[] = []
    for (let after: string | null = null, more = true; more; ) {
      const { pool }: Listed = await client.ask<Listed>(
        `query ($id: ID!, $status: CodeStatus!, $after: String) {
          pool(id: $id) { codes(status: $status, first: 100, after: $after) {
            edges { node { code } } pageInfo { hasNextPage endCursor }
          } }
        }`,
        { id: poolId, status, after },
      )
      listed.push(...pool.codes.edges.map((edge) => edge.node.code))
      after = pool.codes.pageInfo.endCursor
      more = pool.codes.pageInfo.hasNextPage
    }
    codes.push(...(status === 'CLAIMED' ? listed.reverse() : listed))
  }
  return codes
}

describe('the file of', () => {
  test('a pool has all its codes in the order of the line, whatever their origin', async () => {
    const { poolId, prefix, uploaded } = await mixedPool()
    const claimed: { claimedAt: string }[] = []
    for (const recipient of wild)
      claimed.push(...(await claimFor(poolId, recipient === '' ? null : recipient)))
    claimed.push(...(await claimFor(poolId, 'many', 4_991)), ...(await claimFor(poolId, '-5', 4_000)))
    const codes = await line(poolId)
    expect(codes).toHaveLength(10_005)
    const recipients = [...wild, ...Array(4_991).fill('many'), ...Array(4_000).fill('-5')]
    const origins = codes.map((_code, i) =>
      i < 5_000
        ? `format ${prefix}-######`
        : i < 5_005
          ? 'upload of 2026-11-25T14:03:22.125Z'
          : `format ,${prefix}"######`,
    )
    const row = (code: string, i: number) => {
      const holder = claimed[i]
      return holder === undefined
        ? [code, 'AVAILABLE', '', '', '', 'NOT_CLAIMED', '', '', origins[i]]
        : [code, 'CLAIMED', recipients[i], holder.claimedAt, '', 'VALID', '', '', origins[i]]
    }
    const expected = codes.map(row)
    expect(codes.slice(5_000, 5_005)).toEqual(uploaded)
    const all = await download(poolId, 'ALL', { raw: 'true' })
    expect(firstDifference(all.rows, [header, ...expected])).toBeUndefined()
    const ofClaimed = await download(poolId, 'CLAIMED', { raw: 'true' })
    expect(firstDifference(ofClaimed.rows, [header, ...expected.slice(0, claimed.length)])).toBeUndefined()
    const ofAvailable = await download(poolId, 'AVAILABLE', { raw: 'true' })
    expect(firstDifference(ofAvailable.rows, [header, ...expected.slice(claimed.length)])).toBeUndefined()
    // Without raw, nothing in it is run as a formula.
    const safe = await download(poolId, 'ALL')
    const made = safe.rows.flatMap((cells, i) =>
      cells.flatMap((text, column) =>
        text === all.rows[i]?.[column] ? [] : [[text, all.rows[i]?.[column]]],
      ),
    )
    expect(made.slice(0, 2)).toEqual([
      ['\'=cmd|" /C calc"!A0', '=cmd|" /C calc"!A0'],
      ["'+49 30 1234", '+49 30 1234'],
    ])
    expect(new Set(made.slice(2).map((pair) => JSON.stringify(pair)))).toEqual(
      new Set(['-5', `-${prefix}`, `=1+1 ${prefix}`].map((text) => JSON.stringify([`'${text}`, text]))),
    )
  })

  test('an empty pool has only its header', async () => {
    const poolId = await newPool(client)
    for (const status of ['AVAILABLE', 'CLAIMED', 'ALL'] as const)
      expect((await download(poolId, status)).text).toBe(`${header.join()}\r\n`)
  })

  test('a file does not begin after its codes, and says how many it has', async () => {
    const poolId = await newPool(client)
    const messageFor = async (parameters: Record<string, string>, headers = {}) =>
      (await refusal(pathOf(poolId, 'CLAIMED', parameters), { headers })).message
    expect(await messageFor({ from: '1' })).toBe('from is 1, but the file has no codes.')
    await generate(client, { poolId, formatId: await newFormat(client), quantity: 1 })
    await claimFor(poolId, 'x', 1)
    expect(await messageFor({ from: '2' })).toBe('from is 2, but the file has only 1 code.')
    expect(
      await messageFor({ from: '1', snapshot: await snapshotOf(poolId, 'CLAIMED') }, { range: 'bytes=0-' }),
    ).toBe('The range begins at byte 0, but the file is empty.')
  })

  test('an unknown parameter is answered with those that there are, without former names', async () => {
    const { message } = await refusal(pathOf(await newPool(client), 'CLAIMED', { foo: '1' }))
    expect(message).toBe(
      'There is no parameter "foo": there are status, task, claim, from, snapshot, raw, bom, delimiter.',
    )
  })

  test('a task has the codes that it has added, and no others', async () => {
    const { poolId, uploaded, uploadId, taskId } = await mixedPool()
    await claimFor(poolId, 'x', 5_002)
    const codes = (await download(poolId, 'ALL', { raw: 'true' })).rows.slice(1).map(([code]) => code)
    const codesOf = async (task: string, status: Status) =>
      (await download(poolId, status, { task, raw: 'true' })).rows.slice(1).map(([code]) => code)
    expect(await codesOf(taskIdOf(uploadId), 'ALL')).toEqual(uploaded)
    expect(await codesOf(taskIdOf(uploadId), 'CLAIMED')).toEqual(uploaded.slice(0, 2))
    expect(await codesOf(taskIdOf(uploadId), 'AVAILABLE')).toEqual(uploaded.slice(2))
    expect(await codesOf(taskId, 'ALL')).toEqual(codes.slice(5_005))
    expect(await codesOf(taskId, 'CLAIMED')).toEqual([])
    const other = await newStock(client, 1)
    expect((await refusal(pathOf(poolId, 'ALL', { task: other.taskId }))).status).toBe(404)
    const { formatId } = await newStock(client, 1)
    const waiting = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 1 },
      'task { id }',
    )
    expect((await codesOf(waiting.task.id, 'ALL')).length).toBeLessThanOrEqual(1)
  })

  test('a large pool has each code once', async () => {
    const { poolId } = await newStock(client, 200_000)
    const { text } = await download(poolId, 'AVAILABLE')
    const rows = text.split('\r\n')
    expect(rows.pop()).toBe('')
    expect(rows).toHaveLength(200_001)
    expect(new Set(rows.map((row) => row.slice(0, row.indexOf(',')))).size).toBe(200_001)
  })
})

describe('a file shows the pool as it was when the download began', () => {
  test('whatever is claimed and added while it is read', async () => {
    const { poolId, formatId } = await newStock(client, 300_000)
    await claimFor(poolId, 'before', 1_000)
    const before = await get(pathOf(poolId, 'ALL'))
    const response = await fetch(`${service.url}${pathOf(poolId, 'ALL')}`, {
      headers: { ...client.authorization(), 'accept-encoding': 'identity' },
    })
    const reader = response.body?.getReader()
    const pieces = [Buffer.from((await reader?.read())?.value ?? [])]
    await claimFor(poolId, 'meanwhile', 10_000)
    await generate(client, { poolId, formatId, quantity: 7 })
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
      pieces.push(Buffer.from(piece.value))
    expect(Buffer.concat(pieces).equals(before.bytes)).toBe(true)
    // The earlier snapshot can still be requested; a request without it gets a new one.
    const again = before.headers.get('content-location') ?? ''
    expect((await get(again)).bytes.equals(before.bytes)).toBe(true)
    const now = await get(pathOf(poolId, 'ALL'))
    expect(now.text.match(/,CLAIMED,/g)).toHaveLength(11_000)
    expect(now.text.match(/\r\n/g)).toHaveLength(300_008)
    expect(now.headers.get('etag')).not.toBe(before.headers.get('etag'))
  })

  test('and is cut off if an upload in it is undone, rather than show wrong rows', async () => {
    const { poolId, formatId } = await newStock(client, 10)
    const first = await upload(
      poolId,
      ['a', 'b', 'c'].map((code) => `${code}-${randomUUID()}`),
    )
    await generate(client, { poolId, formatId, quantity: 300_000 })
    const last = await upload(
      poolId,
      ['d', 'e'].map((code) => `${code}-${randomUUID()}`),
    )
    const whole = await get(pathOf(poolId, 'AVAILABLE'))
    const response = await fetch(`${service.url}${pathOf(poolId, 'AVAILABLE')}`, {
      headers: { ...client.authorization(), 'accept-encoding': 'identity' },
    })
    const reader = response.body?.getReader()
    const pieces = [Buffer.from((await reader?.read())?.value ?? [])]
    await undo(poolId, last)
    const rest = async () => {
      for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
        pieces.push(Buffer.from(piece.value))
    }
    await expect(rest()).rejects.toThrow()
    const got = Buffer.concat(pieces)
    expect(got.equals(whole.bytes.subarray(0, got.length))).toBe(true)
    expect(got.length).toBeLessThan(whole.bytes.length)
    // A client that resumes gets an error, and one that sends If-Range the whole new file.
    const path = whole.headers.get('content-location') ?? ''
    expect(await refusal(path, { headers: { range: `bytes=${got.length}-` } })).toMatchObject({
      status: 410,
      code: 'NOT_FOUND',
    })
    const conditional = { range: 'bytes=100-', 'if-range': whole.headers.get('etag') ?? '' }
    const anew = await get(pathOf(poolId, 'AVAILABLE'), { headers: conditional })
    expect([anew.status, anew.text.match(/\r\n/g)?.length]).toEqual([200, 300_014])
    // A line of the same length that ends with the same task is still a different one.
    await undo(poolId, first)
    await upload(
      poolId,
      ['f', 'g', 'h'].map((code) => `${code}-${randomUUID()}`),
    )
    expect((await refusal(anew.headers.get('content-location') ?? '')).status).toBe(410)
  })

  test('even if the rows of an upload are removed while they are read', async () => {
    const poolId = await newPool(client)
    const codes = Array.from({ length: 100_000 }, (_, i) => `${'x'.repeat(60)}${i}-${poolId}`)
    const uploadId = await upload(poolId, codes)
    const response = await fetch(`${service.url}${pathOf(poolId, 'AVAILABLE')}`, {
      headers: { ...client.authorization(), 'accept-encoding': 'identity' },
    })
    await undo(poolId, uploadId)
    await expect(response.text()).rejects.toThrow()
  })
})

describe('a download that was cut off is resumed', () => {
  let poolId: string
  const files = new Map<string, Awaited<ReturnType<typeof download>>>()
  const kinds: [Status, Record<string, string>][] = [
    ['AVAILABLE', {}],
    ['CLAIMED', {}],
    ['ALL', {}],
    ['ALL', { raw: 'true' }],
    ['ALL', { bom: 'true', delimiter: 'semicolon' }],
  ]

  beforeAll(async () => {
    const { poolId: mixed, prefix } = await mixedPool()
    poolId = mixed
    // More than are read at once, like those of the formats.
    const ofManyLengths = Array.from({ length: 5_000 }, (_, i) => `${prefix}${'x'.repeat(i % 30)}.${i}`)
    await upload(poolId, [...ofManyLengths.slice(0, 4_500), `+${prefix}`, ...ofManyLengths.slice(4_500)])
    for (const recipient of wild) await claimFor(poolId, recipient === '' ? null : recipient, 700)
    for (let i = 0; i < 50; i++) await claimFor(poolId, `single ${i}`)
    await claimFor(poolId, '漢字', 1_000)
    for (const [status, more] of kinds)
      files.set(status + JSON.stringify(more), await download(poolId, status, more))
  })

  const fileOf = (status: Status, more: Record<string, string>) => {
    const file = files.get(status + JSON.stringify(more))
    if (file === undefined) throw new Error('There is no such file.')
    return { ...file, etag: file.headers.get('etag') ?? '', path: file.headers.get('content-location') ?? '' }
  }

  /** Offsets of all kinds: in the header, at the ends of rows and within them, near the end. */
  const places = (length: number) => [
    0,
    1,
    header.join().length,
    header.join().length + 2,
    header.join().length + 5,
    ...Array.from({ length: 15 }, (_, i) => Math.floor((length * (i + 0.37)) / 15)),
    length - 2,
    length - 1,
  ]

  test.each(kinds)('at any byte, with the snapshot in the address: %s %j', async (status, more) => {
    const { bytes, path, etag } = fileOf(status, more)
    for (const place of places(bytes.length)) {
      const rest = await get(path, { headers: { range: `bytes=${place}-` } })
      expect([place, rest.status]).toEqual([place, 206])
      expect([place, rest.bytes.equals(bytes.subarray(place))]).toEqual([place, true])
      expect(rest.headers.get('content-range')).toBe(`bytes ${place}-${bytes.length - 1}/${bytes.length}`)
      expect(rest.headers.get('content-length')).toBe(String(bytes.length - place))
      expect(rest.headers.get('etag')).toBe(etag)
    }
  })

  test.each(kinds)('with If-Range, although the pool has changed: %s %j', async (status, more) => {
    const { bytes, etag } = fileOf(status, more)
    await claimFor(poolId, 'later')
    for (const place of places(bytes.length)) {
      const headers = { range: `bytes=${place}-`, 'if-range': etag }
      const rest = await get(pathOf(poolId, status, more), { headers })
      expect([place, rest.status, rest.bytes.equals(bytes.subarray(place))]).toEqual([place, 206, true])
    }
  })

  test.each(kinds)('after any of its rows: %s %j', async (status, more) => {
    const { rows, text, path } = fileOf(status, more)
    const starts = Array.from(csvRows(text, signOf(more)), ({ start }) => start)
    for (const from of [0, 1, 2, 99, 4_095, 4_096, rows.length - 2, rows.length - 1]) {
      if (from >= rows.length) continue
      const rest = await get(`${path}&from=${from}`)
      expect([from, rest.status]).toEqual([from, 200])
      const expected = from === 0 ? text : text.slice(starts[from + 1] ?? text.length)
      expect([from, rest.text === expected]).toEqual([from, true])
    }
    expect(await refusal(`${path}&from=${rows.length}`)).toMatchObject({
      status: 400,
      code: 'BAD_USER_INPUT',
    })
  })

  test('but with a range alone it is sent whole, since any of its rows may have changed', async () => {
    for (const status of ['AVAILABLE', 'CLAIMED', 'ALL'] as const) {
      const whole = await get(pathOf(poolId, status), { headers: { range: 'bytes=1000-' } })
      expect([whole.status, whole.headers.get('content-range')]).toEqual([200, null])
      expect(whole.text.startsWith('code,')).toBe(true)
    }
  })

  test('without a snapshot only after rows of claimed codes, which follow each other for ever', async () => {
    const before = await download(poolId, 'CLAIMED')
    await claimFor(poolId, 'one more', 3)
    const added = await get(pathOf(poolId, 'CLAIMED', { from: String(before.rows.length - 1) }))
    expect(readCsv(added.text).map((cells) => cells[2])).toEqual(['one more', 'one more', 'one more'])
    for (const status of ['AVAILABLE', 'WITHDRAWN', 'ALL'] as const)
      expect(await refusal(pathOf(poolId, status, { from: '5' }))).toMatchObject({
        status: 400,
        code: 'BAD_USER_INPUT',
      })
  })

  test('in parts, and from its end', async () => {
    const { bytes, path } = fileOf('ALL', {})
    const { length } = bytes
    const part = async (range: string) => {
      const { status, headers, bytes: got } = await get(path, { headers: { range } })
      return { status, range: headers.get('content-range'), got }
    }
    const expectPart = async (range: string, first: number, last: number) => {
      const { status, range: told, got } = await part(range)
      expect([range, status, told]).toEqual([range, 206, `bytes ${first}-${last}/${length}`])
      expect([range, got.equals(bytes.subarray(first, last + 1))]).toEqual([range, true])
    }
    await expectPart('bytes=0-0', 0, 0)
    await expectPart('bytes=10-60', 10, 60)
    await expectPart('bytes=200000-300000', 200_000, 300_000)
    await expectPart('BYTES=7-7', 7, 7)
    await expectPart(`bytes=5-${length * 10}`, 5, length - 1)
    await expectPart('bytes=-1', length - 1, length - 1)
    await expectPart('bytes=-70000', length - 70_000, length - 1)
    await expectPart(`bytes=-${length * 2}`, 0, length - 1)
  })

  test.each(['bytes=-', 'bytes=5-2', 'bytes=a-', 'bytes=1', 'bytes=--5', 'bytes=1-2-3'])(
    'but not with the range %s',
    async (range) => {
      expect(await refusal(fileOf('ALL', {}).path, { headers: { range } })).toMatchObject({
        status: 400,
        code: 'BAD_USER_INPUT',
      })
    },
  )

  test.each(['rows=1-2', 'bytes=0-1,5-6'])('and whole for the range %s', async (range) => {
    const { path, bytes } = fileOf('ALL', {})
    const whole = await get(path, { headers: { range } })
    expect([whole.status, whole.bytes.equals(bytes)]).toEqual([200, true])
  })

  test('unless the range is after its end', async () => {
    const { path, bytes } = fileOf('ALL', {})
    for (const range of [`bytes=${bytes.length}-`, `bytes=${'9'.repeat(40)}-`, 'bytes=-0']) {
      const { status, code, headers } = await refusal(path, { headers: { range } })
      expect([range, status, code]).toEqual([range, 416, 'BAD_USER_INPUT'])
      expect(headers.get('content-range')).toBe(`bytes */${bytes.length}`)
    }
  })

  test.each([
    ['another', '"AVAILABLE-1-5-10-00000000-0000-0000-0000-000000000000"'],
    ['a weak one', 'W/"ALL-1-5"'],
    ['no tag', 'Wed, 25 Nov 2026 07:00:00 GMT'],
    ['one that was made up', '"ALL-1-999999"'],
    ['one of another layout', '"ALL-9-0"'],
  ])('and on a condition that is %s it is the whole', async (_what, condition) => {
    const headers = { range: 'bytes=5-', 'if-range': condition }
    const whole = await get(pathOf(poolId, 'ALL'), { headers })
    expect([whole.status, whole.text.startsWith('code,')]).toEqual([200, true])
    const { path, bytes } = fileOf('ALL', {})
    expect((await get(path, { headers })).bytes.equals(bytes)).toBe(true)
  })
})

test('the bytes of a file are counted exactly, even above the range of safe integers', async () => {
  const quantity = 10n ** 20n
  const { poolId } = await newStock(client, String(quantity), { body: { length: 20 } })
  const beginning = await get(
    pathOf(poolId, 'AVAILABLE', { snapshot: await snapshotOf(poolId, 'AVAILABLE') }),
    {
      headers: { range: 'bytes=0-199' },
    },
  )
  const [, row = ''] = beginning.text.split('\r\n')
  const bytes = BigInt(header.join().length + 2) + quantity * BigInt(row.length + 2)
  expect(beginning.headers.get('content-range')).toBe(`bytes 0-199/${bytes}`)
  const end = await get(beginning.headers.get('content-location') ?? '', {
    headers: { range: `bytes=-${row.length + 2}` },
  })
  const { pool } = await client.ask<{ pool: { codes: { edges: { node: { code: string } }[] } } }>(
    'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE, last: 1) { edges { node { code } } } } }',
    { id: poolId },
  )
  expect(readCsv(end.text)[0]?.[0]).toBe(pool.codes.edges[0]?.node.code)
})

async function snapshotOf(poolId: string, status: Status): Promise<string> {
  const { headers } = await get(pathOf(poolId, status), { method: 'HEAD' })
  return new URLSearchParams(headers.get('content-location')?.split('?')[1]).get('snapshot') ?? ''
}

describe('a snapshot', () => {
  test('may be requested as picture, its old name, and is returned as snapshot', async () => {
    const { poolId } = await newStock(client, 100)
    const then = await snapshotOf(poolId, 'AVAILABLE')
    const file = await get(pathOf(poolId, 'AVAILABLE', { snapshot: then }))
    await claimFor(poolId, 'x', 10)
    const old = await get(pathOf(poolId, 'AVAILABLE', { picture: then }))
    expect(old.status).toBe(200)
    expect(old.bytes.equals(file.bytes)).toBe(true)
    expect(old.headers.get('content-location')).toBe(file.headers.get('content-location'))
    expect(old.headers.get('content-location')).toContain(`&snapshot=${then}`)
    expect(old.headers.get('content-location')).not.toContain('picture')
    const both = await get(pathOf(poolId, 'AVAILABLE', { snapshot: then, picture: then }))
    expect(both.status).toBe(400)
    expect(both.text).toContain('picture is the old name of snapshot. Give one of them.')
  })

  test('is accepted only if the pool was ever in that state', async () => {
    const { poolId } = await newStock(client, 100)
    await claimFor(poolId, 'x', 10)
    const then = await snapshotOf(poolId, 'ALL')
    const [version, usage, at, ...line] = then.split('-')
    expect([usage, line]).toEqual(['0', ['10', '100', '0', '0']])
    const told = async (status: Status, numbers: string, more: { usage?: string; version?: string } = {}) => {
      const snapshot = `${more.version ?? version}-${more.usage ?? usage}-${at}-${numbers}`
      return (await get(pathOf(poolId, status, { snapshot }))).status
    }
    expect(await told('CLAIMED', '10')).toBe(200)
    expect(await told('CLAIMED', '4')).toBe(200)
    // Available codes cannot be read as claimed ones.
    expect(await told('CLAIMED', '11')).toBe(410)
    expect(await told('CLAIMED', '11-100-0-0')).toBe(410)
    expect(await told('ALL', '10-101-0-0')).toBe(410)
    expect(await told('ALL', '10-100-1-0')).toBe(410)
    expect(await told('ALL', '10-100-0-1')).toBe(410)
    expect(await told('ALL', '100-10-0-0')).toBe(410)
    expect(await told('ALL', '10-100-0-0', { usage: '1' })).toBe(410)
    expect(await told('ALL', '10-100-0-0', { version: String(Number(version) + 1) })).toBe(410)
    // As earlier releases wrote them.
    for (const old of ['2-10', `2-10-100-${randomUUID()}`])
      expect((await get(pathOf(poolId, 'ALL', { snapshot: old }))).status).toBe(410)
    for (const snapshot of [
      '',
      'x',
      '3',
      '3-',
      '3--5',
      '3-0-5',
      '3-0-5-',
      '3-0-5-10-100',
      '3-0-5-10-100-0',
      '3-0-5-10-100-0-0-0',
      `3-0-${'9'.repeat(16)}-10`,
      `3-0-5-${'9'.repeat(41)}`,
      `${then} `,
    ])
      expect([snapshot, (await get(pathOf(poolId, 'ALL', { snapshot }))).status]).toEqual([snapshot, 400])
  })
})

describe('a request for a file', () => {
  let poolId: string
  beforeAll(async () => {
    poolId = (await newStock(client, 10)).poolId
    await claimFor(poolId, 'Ada', 3)
  })

  test.each([
    '',
    '?status=',
    '?status=available',
    '?status=SOLD',
    '?status=ALL&status=ALL',
    '?status=ALL&limit=5',
    '?staus=ALL',
    '?status=ALL&raw=yes',
    '?status=ALL&bom=1',
    '?status=ALL&delimiter=;',
    '?status=ALL&delimiter=toString',
    '?status=ALL&delimiter=tab&delimiter=tab',
    '?status=CLAIMED&from=-1',
    '?status=CLAIMED&from=1.5',
    '?status=CLAIMED&from=x',
    '?status=CLAIMED&from=4',
    `?status=CLAIMED&from=${'9'.repeat(41)}`,
  ])('with the parameters "%s" is told what is wrong', async (query) => {
    const { status, code, message } = await refusal(`/pools/${poolId}/codes.csv${query}`)
    expect([status, code]).toEqual([400, 'BAD_USER_INPUT'])
    expect(message.length).toBeGreaterThan(20)
  })

  test('needs a valid key', async () => {
    for (const path of [pathOf(poolId, 'ALL'), pathOf('nothing', 'ALL'), `/pools/${poolId}/codes.csv`])
      for (const key of [undefined, 'wrong']) {
        const { status, code, headers } = await refusal(path, { from: new Client({ ...service, key }) })
        expect([status, code, headers.get('www-authenticate')]).toEqual([401, 'UNAUTHENTICATED', 'Bearer'])
      }
  })

  test('needs READ for claimed codes, MANAGE for available ones, and both for all', async () => {
    const allowed = async (scopes: string[]) => {
      const from = await withScopes(service, client, scopes)
      const answers: string[] = []
      for (const status of ['CLAIMED', 'AVAILABLE', 'ALL'] as const) {
        const reply = await get(pathOf(poolId, status), { from })
        if (reply.status === 200) answers.push(status)
        else
          expect(await refusal(pathOf(poolId, status), { from })).toMatchObject({
            status: 403,
            code: 'FORBIDDEN',
          })
      }
      return answers
    }
    expect(await allowed(['READ'])).toEqual(['CLAIMED'])
    expect(await allowed(['MANAGE'])).toEqual(['AVAILABLE'])
    expect(await allowed(['READ', 'MANAGE'])).toEqual(['CLAIMED', 'AVAILABLE', 'ALL'])
    expect(await allowed(['CLAIM', 'ADMIN'])).toEqual([])
  })

  test("for another account's pool is answered as if the pool did not exist", async () => {
    const other = await stranger(service)
    const taskId = await generate(client, { poolId, formatId: await newFormat(client), quantity: 1 })
    const asked = async (id: string, more: Record<string, string> = {}) => {
      const { status, code, message } = await refusal(pathOf(id, 'ALL', more), { from: other })
      return { status, code, message }
    }
    const nobodys = Buffer.from(`Pool:${randomUUID()}`).toString('base64')
    expect(await asked(poolId)).toEqual(await asked(nobodys))
    expect(await asked(nobodys)).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    for (const id of ['x', '%', '%00', taskId, uuid(poolId), `${poolId}%20`])
      expect(await asked(id)).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    // Nor does a pool of the account lead to another account's tasks.
    const own = await newPool(other)
    expect(await asked(own, { task: taskId })).toEqual(
      await asked(own, { task: Buffer.from(`Task:${randomUUID()}`).toString('base64') }),
    )
    expect((await get(pathOf(encodeURIComponent(poolId), 'ALL'))).status).toBe(200)
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('by %s is refused', async (method) => {
    const { status, code, headers } = await refusal(pathOf(poolId, 'ALL'), { method })
    expect([status, code, headers.get('allow')]).toEqual([405, 'BAD_USER_INPUT', 'GET, HEAD, OPTIONS'])
    const anonymous = new Client({ url: service.url })
    expect((await refusal(pathOf(poolId, 'ALL'), { method, from: anonymous })).status).toBe(401)
  })

  test('can select the form that spreadsheets open on a double click, and links keep it', async () => {
    const plain = await download(poolId, 'ALL')
    for (const delimiter of ['comma', 'semicolon', 'tab'] as const) {
      const file = await get(pathOf(poolId, 'ALL', { bom: 'true', delimiter }))
      const sign = { comma: ',', semicolon: ';', tab: '\t' }[delimiter]
      // Nothing in this file has a comma.
      expect(file.text).toBe(`\ufeff${plain.text.replaceAll(',', sign)}`)
      const location = file.headers.get('content-location') ?? ''
      expect(new URL(location, service.url).searchParams.get('bom')).toBe('true')
      expect((await get(location)).bytes.equals(file.bytes)).toBe(true)
      expect((await get(`${location}&from=2`)).text).toBe(file.text.split('\r\n').slice(3).join('\r\n'))
      expect(file.headers.get('etag')).not.toBe(plain.headers.get('etag'))
    }
    const { status, code } = await refusal('/tasks/none/rejected.csv?delimiter=pipe')
    expect([status, code]).toEqual([400, 'BAD_USER_INPUT'])
  })

  test('by HEAD is answered as by GET, without the file', async () => {
    const [head, whole] = [
      await get(pathOf(poolId, 'ALL'), { method: 'HEAD' }),
      await get(pathOf(poolId, 'ALL')),
    ]
    expect([head.status, head.text]).toEqual([200, ''])
    for (const name of ['content-type', 'content-disposition', 'accept-ranges'])
      expect([name, head.headers.get(name)]).toEqual([name, whole.headers.get(name)])
    const file = await get(head.headers.get('content-location') ?? '')
    expect(file.bytes.equals(whole.bytes)).toBe(true)
    expect(file.headers.get('etag')).toBe(head.headers.get('etag'))
    expect(head.headers.get('accept-ranges')).toBe('bytes')
    const missing = await get(pathOf('x', 'ALL'), { method: 'HEAD' })
    expect([missing.status, missing.text]).toEqual([404, ''])
  })

  test('is answered with the same bytes, compressed if the client accepts that', async () => {
    const plain = await get(pathOf(poolId, 'ALL'))
    const path = plain.headers.get('content-location') ?? ''
    const wire = async (accept: string) => {
      const sending = httpRequest(`${service.url}${path}`, {
        headers: { ...client.authorization(), 'accept-encoding': accept },
      })
      sending.end()
      const [response] = (await once(sending, 'response')) as [IncomingMessage]
      const bytes = Buffer.concat(await response.toArray())
      return { headers: response.headers, bytes }
    }
    for (const accept of ['gzip', 'deflate, gzip;q=0.5, br', '*', 'GZIP;q=1.0']) {
      const { headers, bytes } = await wire(accept)
      expect([headers['content-encoding'], headers['accept-ranges']]).toEqual(['gzip', 'none'])
      expect(headers.etag).toBe(`W/${plain.headers.get('etag')}`)
      expect(gunzipSync(bytes).equals(plain.bytes)).toBe(true)
    }
    for (const accept of ['identity', 'gzip;q=0', 'br', '*;q=0', 'gzip;q=0, *']) {
      const { headers, bytes } = await wire(accept)
      expect([accept, headers['content-encoding']]).toEqual([accept, undefined])
      expect([headers.vary, bytes.equals(plain.bytes)]).toEqual(['Accept-Encoding', true])
    }
    const part = await get(path, {
      headers: { range: 'bytes=5-', 'accept-encoding': 'gzip' },
    })
    expect([part.status, part.headers.get('content-encoding')]).toEqual([206, null])
  })

  test('may come from a page of another origin, which can read the headers that resuming needs', async () => {
    const preflight = await fetch(`${service.url}${pathOf(poolId, 'ALL')}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization,range',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('GET')
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization.*range/)
    const { headers } = await get(pathOf(poolId, 'ALL'), { headers: { origin: 'https://shop.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-expose-headers')).toMatch(/Content-Location.*ETag/)
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('gets a file that is named after the pool and that no cache keeps', async () => {
    const named = await newPool(client, `Été "2027" (*) ${randomUUID()}`)
    const { headers } = await get(pathOf(named, 'AVAILABLE'))
    expect(headers.get('content-disposition')).toMatch(
      /^attachment; filename=codes\.csv; filename\*=UTF-8''%C3%89t%C3%A9%20%222027%22%20%28%2A%29%20[\w-]+%20available\.csv$/,
    )
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('is not found where there is no file', async () => {
    for (const path of [`/pools/${poolId}/codes.csv/`, '/pools//codes.csv', '/tasks/x/codes.csv'])
      expect((await get(path)).status).toBe(404)
    await using worker = await startService({ role: 'worker', databaseUrl: service.databaseUrl })
    const response = await fetch(`${worker.url}${pathOf(poolId, 'ALL')}`, { headers: client.authorization() })
    expect(response.status).toBe(404)
  })
})

describe('the API links to the files', () => {
  test('of a pool, of a task, and of the rejected rows of an upload', async () => {
    const { poolId, uploadId, taskId } = await mixedPool(50)
    await claim(client, poolId, 2)
    interface Links {
      all: string
      claimed: string
      rejectedRowsUrl: string | null
    }
    const {
      pool,
      upload: uploaded,
      task,
    } = await client.ask<{ pool: Links; upload: Links; task: Links }>(
      `query ($pool: ID!, $upload: ID!, $task: ID!) {
        pool(id: $pool) { all: codesUrl claimed: codesUrl(status: CLAIMED) }
        upload: task(id: $upload) { all: codesUrl claimed: codesUrl(status: CLAIMED) rejectedRowsUrl }
        task(id: $task) { all: codesUrl claimed: codesUrl(status: CLAIMED) rejectedRowsUrl }
      }`,
      { pool: poolId, upload: taskIdOf(uploadId), task: taskId },
    )
    const rows = async (path: string) => readCsv((await get(path)).text).length - 1
    expect([await rows(pool.all), await rows(pool.claimed)]).toEqual([105, 2])
    expect([await rows(uploaded.all), await rows(uploaded.claimed)]).toEqual([5, 0])
    expect([await rows(task.all), await rows(task.claimed)]).toEqual([50, 0])
    expect(task.rejectedRowsUrl).toBeNull()
    expect(await rows(uploaded.rejectedRowsUrl ?? '')).toBe(0)
  })
})

describe('the rejected rows of an upload', () => {
  let poolId: string
  let uploadId: string
  const path = (id: string) => `/tasks/${id}/rejected.csv`

  beforeAll(async () => {
    poolId = await newPool(client)
    uploadId = await upload(poolId, [`rejected-${randomUUID()}`])
  })

  test('are a file with row numbers and reasons', async () => {
    expect((await get(path(taskIdOf(uploadId)))).text).toBe('row,code,reason\r\n')
    await place.books.rows({
      text: `
        INSERT INTO rejected_row (account_id, task_id, number, code, reason)
        SELECT account_id, id, n, CASE n WHEN 1 THEN '=1+1' WHEN 2 THEN 'a,"b"' ELSE 'code ' || n END, $2
        FROM task, generate_series(1, 5001) AS n WHERE id = $1 AND n <> 3`,
      values: [uploadId, 'It is there, twice.'],
    })
    const rows = Array.from({ length: 5_001 }, (_, i) => [
      String(i + 1),
      `code ${i + 1}`,
      'It is there, twice.',
    ])
    rows[0] = ['1', "'=1+1", 'It is there, twice.']
    rows[1] = ['2', 'a,"b"', 'It is there, twice.']
    rows.splice(2, 1)
    const reply = await get(path(taskIdOf(uploadId)))
    expect(firstDifference(readCsv(reply.text), [['row', 'code', 'reason'], ...rows])).toBeUndefined()
    expect([reply.headers.get('accept-ranges'), reply.headers.get('etag')]).toEqual(['none', null])
    expect(readCsv((await get(`${path(taskIdOf(uploadId))}?raw=true`)).text)[1]?.[1]).toBe('=1+1')
  })

  test('are refused with the reason when they are no longer kept, and never incomplete', async () => {
    const id = await upload(poolId, [`forgotten-${randomUUID()}`])
    const url = async () =>
      (
        await client.ask<{ task: { rejectedRowsUrl: string | null } }>(
          'query ($id: ID!) { task(id: $id) { rejectedRowsUrl } }',
          { id: taskIdOf(id) },
        )
      ).task.rejectedRowsUrl
    const [row] = await place.books.rows<{ account_id: string }>({
      text: `
        INSERT INTO rejected_row (account_id, task_id, number, code, reason)
        SELECT account_id, id, n, 'code ' || n, 'reason' FROM task, generate_series(1, 5000) AS n WHERE id = $1
        RETURNING account_id`,
      values: [id],
    })
    expect(await url()).not.toBeNull()
    const pages = await readRejectedRows(place.books, row?.account_id ?? '', id)
    expect((await pages?.next())?.value).toHaveLength(2_000)
    await place.books.rows({
      text: `UPDATE task SET rejected_forgotten = true, finished_at = '2026-01-31T12:00:00Z' WHERE id = $1`,
      values: [id],
    })
    await expect(pages?.next()).rejects.toThrow(RejectedRowsForgottenError)
    expect(await url()).toBeNull()
    const refused = await refusal(path(taskIdOf(id)))
    expect(refused).toMatchObject({ status: 410, code: 'NOT_FOUND' })
    expect(refused.message).toMatch(/finished on 2026-01-31.*dry run/)
  })

  test('are only for those of the account who may read available codes', async () => {
    const [reader, manager] = [
      await withScopes(service, client, ['READ']),
      await withScopes(service, client, ['MANAGE']),
    ]
    expect((await get(path(taskIdOf(uploadId)), { from: manager })).status).toBe(200)
    expect(await refusal(path(taskIdOf(uploadId)), { from: reader })).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
    })
    const other = await stranger(service)
    const { taskId } = await newStock(client, 1)
    for (const [id, from] of [
      [taskIdOf(uploadId), other],
      [taskIdOf(randomUUID()), client],
      [taskId, client],
      [poolId, client],
      ['%', client],
    ] as const)
      expect(await refusal(path(id), { from })).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect((await refusal(path(taskIdOf(uploadId)), { from: new Client({ url: service.url }) })).status).toBe(
      401,
    )
    expect((await refusal(`${path(taskIdOf(uploadId))}?status=ALL`)).status).toBe(400)
  })
})

test('a client that reads nothing causes back-pressure, and memory does not grow', async () => {
  const { poolId } = await newStock(client, 20_000_000)
  const sending = httpRequest(`${service.url}${pathOf(poolId, 'AVAILABLE')}`, {
    headers: client.authorization(),
  })
  sending.end()
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  const before = process.memoryUsage().arrayBuffers
  let maxBytes = 0
  // Enough iterations for the whole file without back-pressure.
  for (let iteration = 0; iteration < 20_000; iteration++) {
    await yieldToEventLoop()
    maxBytes = Math.max(maxBytes, process.memoryUsage().arrayBuffers - before)
  }
  response.destroy()
  expect(maxBytes).toBeLessThan(50_000_000)
})

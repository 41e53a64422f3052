import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { claim, done, generate, mutate, newPool, newStock, stranger, withScopes } from '../../support/api.ts'
import { useBooks } from '../../support/books.ts'
import { readCsv } from '../../support/csv.ts'
import { codesHeader, pathOf, type Status, useFiles } from '../../support/files.ts'
import { useClient, useService } from '../../support/service.ts'
import { redeem, rollBack, unvoidCodes, voidCodes } from '../../support/usage.ts'

const service = useService()
const client = useClient(service)
const place = useBooks(service)
const { get, download, refusal } = useFiles(service, client)

const keyOf = (globalId: string) => Buffer.from(globalId, 'base64').toString().replace(/^\w+:/, '')
const idOf = (type: string, key: string) => Buffer.from(`${type}:${key}`).toString('base64')

/** A pool with its account, for changes that are made in the database. */
async function placeOf(poolId: string) {
  const [pool] = await place.books.rows<{ account_id: string }>({
    text: 'SELECT account_id FROM pool WHERE id = $1',
    values: [keyOf(poolId)],
  })
  return { at: { books: place.books, accountId: pool?.account_id ?? '' }, pool: keyOf(poolId) }
}

/** Lets the codes of the claim at a position expire at a time, as if it had been made so. */
async function expire(poolId: string, first: number, at: Date): Promise<void> {
  await place.books.rows({
    text: 'UPDATE claim SET expires_at = $3 WHERE pool_id = $1 AND first = $2',
    values: [keyOf(poolId), first, at],
  })
}

/** Columns of rows by their names. */
function columns(rows: readonly string[][], ...names: string[]): (string | undefined)[][] {
  return rows.slice(1).map((cells) => names.map((name) => cells[codesHeader.indexOf(name)]))
}

describe('a file of claimed codes shows what has become of each', () => {
  test('redeemed before void, void before expired, and otherwise valid', async () => {
    const { poolId } = await newStock(client, 20)
    const { at, pool } = await placeOf(poolId)
    await claim(client, poolId, 10)
    await claim(client, poolId, 8)
    const past = new Date('2026-01-01T00:00:00.000Z')
    const future = new Date('2126-01-01T00:00:00.000Z')
    await expire(poolId, 0, past)
    await expire(poolId, 10, future)
    const redeemedAt = new Date('2026-02-03T04:05:06.007Z')
    await voidCodes(at, pool, { first: 3n, count: 4n }, { first: 9n, count: 2n })
    await redeem(at, pool, [0n, 4n, 11n], { reference: '=order "7"', at: redeemedAt })
    await redeem(at, pool, [12n])
    await rollBack(at, pool, [12n])
    const { rows, text } = await download(poolId, 'ALL')
    expect(rows[0]).toEqual(codesHeader)
    const validities = columns(rows, 'validity').flat()
    expect(validities).toEqual([
      ...['REDEEMED', 'EXPIRED', 'EXPIRED', 'VOIDED', 'REDEEMED', 'VOIDED', 'VOIDED', 'EXPIRED', 'EXPIRED'],
      ...['VOIDED', 'VOIDED', 'REDEEMED', 'VALID', 'VALID', 'VALID', 'VALID', 'VALID', 'VALID'],
      ...['NOT_CLAIMED', 'NOT_CLAIMED'],
    ])
    const others = columns(rows, 'expires_at', 'redeemed_at', 'reference')
    expect(others[0]).toEqual([past.toISOString(), redeemedAt.toISOString(), `'=order "7"`])
    expect(others[3]).toEqual([past.toISOString(), '', ''])
    expect(others[12]).toEqual([future.toISOString(), '', ''])
    expect(others[19]).toEqual(['', '', ''])
    expect(columns((await download(poolId, 'CLAIMED', { raw: 'true' })).rows, 'reference')[4]).toEqual([
      '=order "7"',
    ])
    expect((await download(poolId, 'CLAIMED')).text).toBe(
      text.split('\r\n').slice(0, 19).join('\r\n').concat('\r\n'),
    )
  })

  test('until the last millisecond before it expires, it is valid', async () => {
    const { poolId } = await newStock(client, 1)
    await claim(client, poolId)
    const head = await get(pathOf(poolId, 'CLAIMED'), { method: 'HEAD' })
    const path = head.headers.get('content-location') ?? ''
    const [, at = ''] = /snapshot=3-0-(\d+)-1/.exec(path) ?? []
    const validity = async (expiresAt: number) => {
      await expire(poolId, 0, new Date(expiresAt))
      return columns(readCsv((await get(path)).text), 'validity')[0]
    }
    expect(await validity(Number(at) + 1)).toEqual(['VALID'])
    expect(await validity(Number(at))).toEqual(['EXPIRED'])
  })
})

describe('a link gives the same bytes for ever', () => {
  const stock = 30_500
  let poolId: string

  /** Redeems and voids all over the pool: more than a page of each. */
  async function use(): Promise<void> {
    const { at, pool } = await placeOf(poolId)
    const every = (step: number, offset: number, to: number) =>
      Array.from({ length: Math.floor((to - offset) / step) }, (_, n) => BigInt(offset + n * step))
    await redeem(at, pool, every(4, 1, 20_000))
    await rollBack(at, pool, every(8, 1, 20_000))
    await voidCodes(at, pool, ...every(10, 3, 25_000).map((first) => ({ first, count: 3n })))
    await voidCodes(at, pool, { first: 25_500n, count: 3_000n })
    await unvoidCodes(at, pool, { first: 26_000n, count: 1_000n })
  }

  beforeAll(async () => {
    poolId = (await newStock(client, stock)).poolId
    for (const count of [1, 9_999, 1, 1, 1, 9_997, 10_000]) await claim(client, poolId, count)
    await use()
  })

  test('whatever is redeemed, rolled back, void or expired since', async () => {
    const { at, pool } = await placeOf(poolId)
    const before = await download(poolId, 'ALL')
    expect(before.rows).toHaveLength(stock + 1)
    const counts = new Map<string, number>()
    for (const [validity = ''] of columns(before.rows, 'validity'))
      counts.set(validity, (counts.get(validity) ?? 0) + 1)
    // 2,500 of 5,000 are left; each void span of 3 has one or two redeemed ones, or none.
    expect(counts.get('REDEEMED')).toBe(2_500)
    expect(counts.get('NOT_CLAIMED')).toBe(500)
    const path = before.headers.get('content-location') ?? ''
    const etag = before.headers.get('etag') ?? ''

    const expiresAt = new Date(Date.now() + 1)
    const response = await fetch(`${service.url}${path}`, {
      headers: { ...client.authorization(), 'accept-encoding': 'identity' },
    })
    const reader = response.body?.getReader()
    const pieces = [Buffer.from((await reader?.read())?.value ?? [])]
    const free = [1n, 9n, 29_000n, 29_001n]
    await redeem(at, pool, free, { reference: 'afterwards' })
    await rollBack(at, pool, [5n, 13n, 21n])
    await redeem(at, pool, [5n], { reference: 'again' })
    await voidCodes(at, pool, { first: 26_100n, count: 800n })
    await unvoidCodes(at, pool, { first: 0n, count: 1_000n })
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
      pieces.push(Buffer.from(piece.value))
    expect(Buffer.concat(pieces).equals(before.bytes)).toBe(true)

    expect((await get(path)).bytes.equals(before.bytes)).toBe(true)
    const { length } = before.bytes
    for (let n = 0; n < 20; n++) {
      const first = Math.floor((length * (n + 0.37)) / 20)
      const rest = await get(path, { headers: { range: `bytes=${first}-` } })
      expect([rest.status, rest.headers.get('content-range')]).toEqual([
        206,
        `bytes ${first}-${length - 1}/${length}`,
      ])
      expect([first, rest.bytes.equals(before.bytes.subarray(first))]).toEqual([first, true])
      const headers = { range: `bytes=${first}-${first + 999}`, 'if-range': etag }
      const part = await get(pathOf(poolId, 'ALL'), { headers })
      expect([first, part.bytes.equals(before.bytes.subarray(first, first + 1_000))]).toEqual([first, true])
    }
    for (const from of [1, 6, 25_501, 26_050, 29_999, 30_000, 30_499])
      expect(before.text.endsWith((await get(`${path}&from=${from}`)).text)).toBe(true)

    // It is later now, which the old file does not show, and a new one does.
    await expire(poolId, 20_000, expiresAt)
    expect((await get(path)).text.split('\r\n')[29_500]).toContain(`,${expiresAt.toISOString()},VALID,`)
    const now = columns((await download(poolId, 'ALL')).rows, 'validity', 'reference')
    expect(now[1]).toEqual(['REDEEMED', 'afterwards'])
    expect(now[5]).toEqual(['REDEEMED', 'again'])
    expect(now[3]).toEqual(['VALID', ''])
    expect([now[26_100], now[26_900], now[29_500]]).toEqual([
      ['VOIDED', ''],
      ['EXPIRED', ''],
      ['EXPIRED', ''],
    ])
  })

  test('and with a range alone it is the new file as a whole', async () => {
    const { status, headers } = await get(pathOf(poolId, 'CLAIMED'), { headers: { range: 'bytes=100-' } })
    expect([status, headers.get('content-range')]).toEqual([200, null])
  })
})

describe('a file of a claim', () => {
  let poolId: string
  let codes: string[]
  const claimId = (pool: string, first: number | string) => idOf('Claim', `${keyOf(pool)}:${first}`)

  beforeAll(async () => {
    poolId = (await newStock(client, 10_000)).poolId
    await claim(client, poolId, 3)
    codes = (await claim(client, poolId, 5_000)).map(({ code }) => code)
    await claim(client, poolId, 2)
  })

  test('has its codes and no others, and can be resumed', async () => {
    const { at, pool } = await placeOf(poolId)
    await redeem(at, pool, [2n, 5n, 5_003n])
    const file = await download(poolId, 'CLAIMED', { claim: claimId(poolId, 3) })
    expect(columns(file.rows, 'code').flat()).toEqual(codes)
    expect(columns(file.rows, 'validity')[2]).toEqual(['REDEEMED'])
    const path = file.headers.get('content-location') ?? ''
    await redeem(at, pool, [3n, 4n])
    expect((await get(path)).bytes.equals(file.bytes)).toBe(true)
    for (const first of [0, 100, 200_000, file.bytes.length - 1]) {
      const rest = await get(path, { headers: { range: `bytes=${first}-` } })
      expect([rest.status, rest.bytes.equals(file.bytes.subarray(first))]).toEqual([206, true])
    }
    expect(file.text.endsWith((await get(`${path}&from=4999`)).text)).toBe(true)
    expect((await refusal(`${path}&from=5001`)).status).toBe(400)
    expect((await download(poolId, 'CLAIMED', { claim: claimId(poolId, 0) })).rows).toHaveLength(4)
  })

  test('has a name of its own, which says the day and which of the claimed codes of the pool it has', async () => {
    const names: string[] = []
    for (const first of [0, 3, 5_003]) {
      const { headers } = await download(poolId, 'CLAIMED', { claim: claimId(poolId, first) })
      const [, name] =
        /filename\*=UTF-8''\S* claimed (.*)$/.exec(
          decodeURIComponent(headers.get('content-disposition') ?? ''),
        ) ?? []
      names.push(name ?? '')
    }
    const day = expect.stringMatching(/^\d{4}-\d\d-\d\d$/)
    expect(names.map((name) => [name.slice(0, 10), name.slice(11)])).toEqual([
      [day, 'codes 1-3.csv'],
      [day, 'codes 4-5003.csv'],
      [day, 'codes 5004-5005.csv'],
    ])
  })

  test('needs READ, and the status CLAIMED', async () => {
    const [reader, manager] = [
      await withScopes(service, client, ['READ']),
      await withScopes(service, client, ['MANAGE', 'CLAIM']),
    ]
    const path = pathOf(poolId, 'CLAIMED', { claim: claimId(poolId, 3) })
    expect((await get(path, { from: reader })).status).toBe(200)
    expect(await refusal(path, { from: manager })).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    for (const status of ['AVAILABLE', 'WITHDRAWN', 'ALL'] as const) {
      const { message, ...refused } = await refusal(pathOf(poolId, status, { claim: claimId(poolId, 3) }))
      expect(refused).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' })
      expect(message).toContain('status is CLAIMED')
    }
    const task = idOf('Task', keyOf(poolId))
    expect(await refusal(pathOf(poolId, 'CLAIMED', { claim: claimId(poolId, 3), task }))).toMatchObject({
      status: 400,
      message: 'Give task or claim, not both.',
    })
  })

  test('is not found unless the pool of the account has the claim', async () => {
    const other = await newStock(client, 10)
    await claim(client, other.poolId, 10)
    const asked = async (claimed: string, pool = poolId, from = client) =>
      (await refusal(pathOf(pool, 'CLAIMED', { claim: claimed }), { from })).status
    for (const first of [1, 4, 5_005, 9_999, '9'.repeat(40)])
      expect([first, await asked(claimId(poolId, first))]).toEqual([first, 404])
    expect(await asked(claimId(other.poolId, 0))).toBe(404)
    for (const text of [
      '',
      'x',
      '0',
      poolId,
      claimId(poolId, '03'),
      claimId(poolId, -1),
      `${claimId(poolId, 3)} `,
    ])
      expect([text, await asked(text)]).toEqual([text, 404])
    const foreign = await stranger(service)
    const own = await newPool(foreign)
    expect(await asked(claimId(poolId, 3), own, foreign)).toBe(404)
    expect(await asked(claimId(poolId, 3), poolId, foreign)).toBe(404)
  })

  test('of more codes than a computer could count begins and ends at once', async () => {
    const quantity = 10n ** 20n
    const large = await newStock(client, String(quantity), { body: { length: 20 } })
    const { at, pool } = await placeOf(large.poolId)
    await at.books.rows({
      text: `
        INSERT INTO claim (account_id, pool_id, first, count, at, nonce) VALUES ($1, $2, 0, $3, now(), 0)`,
      values: [at.accountId, pool, quantity],
    })
    await at.books.rows({ text: 'UPDATE pool SET claimed = $2 WHERE id = $1', values: [pool, quantity] })
    await redeem(at, pool, [7n, quantity - 2n])
    const head = await get(pathOf(large.poolId, 'CLAIMED', { claim: claimId(large.poolId, 0) }), {
      method: 'HEAD',
    })
    const path = head.headers.get('content-location') ?? ''
    const end = await get(path, { headers: { range: 'bytes=-500' } })
    expect(end.status).toBe(206)
    const validities = readCsv(end.text.slice(end.text.indexOf('\r\n') + 2)).map((cells) => cells[5])
    expect(validities.slice(-3)).toEqual(['VALID', 'REDEEMED', 'VALID'])
    const start = await get(path, { headers: { range: 'bytes=0-1999' } })
    expect(
      columns(readCsv(start.text.slice(0, start.text.lastIndexOf('\r\n') + 2)), 'validity').slice(6, 9),
    ).toEqual([['VALID'], ['REDEEMED'], ['VALID']])
  })
})

describe('a file with withdrawn codes', () => {
  async function moved(mutation: 'withdrawCodes' | 'restoreCodes', input: Record<string, unknown>) {
    const field = mutation === 'withdrawCodes' ? 'withdrawnCount' : 'restoredCount'
    return (await done<Record<string, string>>(client, mutation, input, field))[field]
  }

  /** A pool with two tasks, of which the first was withdrawn and restored around claims, and the second withdrawn. */
  async function patchwork() {
    const { poolId, formatId, taskId } = await newStock(client, 1_000)
    const second = await generate(client, { poolId, formatId, quantity: 500 })
    await claim(client, poolId, 100)
    expect(await moved('withdrawCodes', { poolId, taskId })).toBe('900')
    await claim(client, poolId, 10)
    expect(await moved('restoreCodes', { poolId, taskId })).toBe('900')
    expect(await moved('withdrawCodes', { poolId, taskId: second })).toBe('490')
    await claim(client, poolId, 300)
    expect(await moved('withdrawCodes', { poolId, taskId })).toBe('600')
    await generate(client, { poolId, formatId, quantity: 7 })
    return { poolId, taskId, second }
  }

  test('of the pool has them after the line, and of a task too, wherever its codes are', async () => {
    const { poolId, taskId, second } = await patchwork()
    const all = await download(poolId, 'ALL')
    const statuses = columns(all.rows, 'status', 'validity').map((cells) => cells.join())
    expect(statuses).toEqual([
      ...Array(410).fill('CLAIMED,VALID'),
      ...Array(7).fill('AVAILABLE,NOT_CLAIMED'),
      ...Array(1_090).fill('WITHDRAWN,WITHDRAWN'),
    ])
    const codes = columns(all.rows, 'code').flat()
    expect(new Set(codes).size).toBe(1_507)
    const codesOf = async (status: Status, more: Record<string, string> = {}) =>
      columns((await download(poolId, status, more)).rows, 'code').flat()
    expect(await codesOf('WITHDRAWN')).toEqual(codes.slice(417))
    expect(await codesOf('AVAILABLE')).toEqual(codes.slice(410, 417))
    const [ofFirst, ofSecond] = [
      await codesOf('ALL', { task: taskId }),
      await codesOf('ALL', { task: second }),
    ]
    expect([ofFirst.length, ofSecond.length]).toEqual([1_000, 500])
    expect(new Set([...ofFirst, ...ofSecond, ...codes.slice(410, 417)])).toEqual(new Set(codes))
    expect(await codesOf('CLAIMED', { task: taskId })).toEqual([
      ...codes.slice(0, 100),
      ...codes.slice(110, 410),
    ])
    expect(await codesOf('CLAIMED', { task: second })).toEqual(codes.slice(100, 110))
    expect(await codesOf('WITHDRAWN', { task: taskId })).toHaveLength(600)
  })

  test('can be resumed anywhere, and from counts its codes over all places', async () => {
    const { poolId, taskId } = await patchwork()
    for (const more of [{}, { task: taskId }]) {
      const file = await download(poolId, 'ALL', more)
      const path = file.headers.get('content-location') ?? ''
      await claim(client, poolId, 1)
      for (let first = 0; first < file.bytes.length; first += 7_919) {
        const rest = await get(path, { headers: { range: `bytes=${first}-` } })
        expect([first, rest.status, rest.bytes.equals(file.bytes.subarray(first))]).toEqual([
          first,
          206,
          true,
        ])
      }
      for (const from of [1, 99, 100, 101, 399, 400, 401, 999]) {
        const rest = await get(`${path}&from=${from}`)
        expect([from, readCsv(rest.text)]).toEqual([from, file.rows.slice(from + 1)])
      }
    }
  })

  test('ends when codes are withdrawn or restored, but not that of claimed codes', async () => {
    const { poolId, taskId } = await newStock(client, 300_000)
    await claim(client, poolId, 10)
    const ofTask = await download(poolId, 'CLAIMED', { task: taskId })
    const claimed = await download(poolId, 'CLAIMED')
    const { headers } = await get(pathOf(poolId, 'AVAILABLE'), { method: 'HEAD' })
    const path = headers.get('content-location') ?? ''
    const response = await fetch(`${service.url}${path}`, {
      headers: { ...client.authorization(), 'accept-encoding': 'identity' },
    })
    expect(response.status).toBe(200)
    expect(await moved('withdrawCodes', { poolId })).toBe('299990')
    await expect(response.text()).rejects.toThrow()
    expect(await refusal(path, { headers: { range: 'bytes=1000-' } })).toMatchObject({ status: 410 })
    const whole = await get(pathOf(poolId, 'WITHDRAWN'), { method: 'HEAD' })
    const withdrawn = whole.headers.get('content-location') ?? ''
    await moved('restoreCodes', { poolId })
    expect((await refusal(withdrawn)).message).toContain('were withdrawn or restored')
    await claim(client, poolId, 10)
    for (const file of [ofTask, claimed]) {
      const again = await get(file.headers.get('content-location') ?? '')
      expect(again.bytes.equals(file.bytes)).toBe(true)
    }
  })

  test('needs MANAGE', async () => {
    const poolId = await newPool(client)
    const [reader, manager] = [
      await withScopes(service, client, ['READ']),
      await withScopes(service, client, ['MANAGE']),
    ]
    expect((await get(pathOf(poolId, 'WITHDRAWN'), { from: manager })).status).toBe(200)
    expect((await refusal(pathOf(poolId, 'WITHDRAWN'), { from: reader })).status).toBe(403)
  })
})

test('a file from before a recipient was forgotten has ended, rather than be resumed with other bytes', async () => {
  const { poolId } = await newStock(client, 100)
  const other = await newStock(client, 10)
  const claimFor = (pool: string, recipient: string) =>
    done(client, 'claimCodes', { poolId: pool, count: 3, recipient }, 'codes { id }')
  for (const recipient of ['Ada', 'Grace']) await claimFor(poolId, recipient)
  await claimFor(other.poolId, 'Grace')
  const [path, elsewhere] = await Promise.all(
    [poolId, other.poolId].map(
      async (pool) => (await download(pool, 'CLAIMED')).headers.get('content-location') ?? '',
    ),
  )
  const forget = (recipient: string) => done(client, 'forgetRecipient', { recipient }, 'claimCount')
  await forget('Nobody')
  expect((await get(path ?? '')).status).toBe(200)
  await forget('Ada')
  expect(await refusal(path ?? '')).toMatchObject({
    status: 410,
    message: expect.stringContaining('a recipient was forgotten'),
  })
  expect((await get(elsewhere ?? '')).status).toBe(200)
  const { rows, headers } = await download(poolId, 'CLAIMED')
  expect(columns(rows, 'recipient').flat()).toEqual(['', '', '', 'Grace', 'Grace', 'Grace'])
  expect((await get(headers.get('content-location') ?? '')).status).toBe(200)
})

describe('whatever the API does with codes', () => {
  const actions = fc.array(
    fc.record({
      what: fc.constantFrom('claim', 'redeem', 'redeem', 'roll back', 'void', 'void', 'unvoid', 'expire'),
      pick: fc.nat(1_000),
      count: fc.integer({ min: 1, max: 5 }),
    }),
    { minLength: 5, maxLength: 20 },
  )

  /** What the API says of a code, in columns of a file. */
  async function told(code: string) {
    const { code: found } = await client.ask<{ code: Record<string, string | null> | null }>(
      'query ($code: String!) { code(code: $code) { validity claimedAt expiresAt } }',
      { code },
    )
    return ['validity', 'claimedAt', 'expiresAt'].map((field) => found?.[field] ?? '')
  }

  test('a file says the same of each, and every earlier file stays as it was', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (all) => {
        const { poolId } = await newStock(client, 30)
        await claim(client, poolId, 4)
        const codes: { id: string; code: string }[] = []
        const redemptions: { id: string; code: string; reference: string }[] = []
        const references = new Map<string, string>()
        const files: { path: string; bytes: Buffer }[] = []
        for (const [n, { what, pick, count }] of all.entries()) {
          const at = codes.length === 0 ? 0 : pick % codes.length
          const some = codes.slice(at, at + count)
          const select = { codeIds: some.map(({ id }) => id) }
          if (what === 'claim') codes.push(...(await claimedNow(poolId, count)))
          else if (some.length === 0) continue
          else if (what === 'redeem') {
            const { code = '' } = some[0] ?? {}
            const reference = `=order ${n}`
            const input = { code, reference }
            const { redemption } = await mutate<{ redemption?: { id: string } }>(
              client,
              'redeemCode',
              input,
              'redemption { id }',
            )
            if (redemption === undefined) continue
            redemptions.push({ id: redemption.id, code, reference })
            references.set(code, reference)
          } else if (what === 'roll back') {
            const redemption = redemptions[pick % Math.max(1, redemptions.length)]
            if (redemption === undefined) continue
            await mutate(client, 'rollBackRedemption', { redemptionId: redemption.id })
            if (references.get(redemption.code) === redemption.reference) references.delete(redemption.code)
          } else if (what === 'void') await done(client, 'voidCodes', { select }, 'alreadyVoidCount')
          else if (what === 'unvoid') await done(client, 'unvoidCodes', { select }, 'pools { id }')
          else await expire(poolId, pick % 4 === 0 ? 0 : 4, new Date(Date.now() - 1))
          // Here expiry is set afterwards, which no mutation can: earlier files show it, too.
          if (what === 'expire') files.length = 0
          const { headers, bytes } = await download(poolId, 'CLAIMED', { raw: 'true' })
          files.push({ path: headers.get('content-location') ?? '', bytes })
        }
        const { rows } = await download(poolId, 'CLAIMED', { raw: 'true' })
        const shown = columns(rows, 'validity', 'claimed_at', 'expires_at')
        const listed = columns(rows, 'code').map(([code = '']) => code)
        expect(shown).toEqual(await Promise.all(listed.map(told)))
        expect(columns(rows, 'reference').flat()).toEqual(listed.map((code) => references.get(code) ?? ''))
        for (const { path, bytes } of files) expect((await get(path)).bytes.equals(bytes)).toBe(true)
      }),
      { numRuns: 8 },
    )
  })

  /** Claims as many as there are. */
  async function claimedNow(poolId: string, count: number) {
    const input = { poolId, count }
    const { codes = [] } = await mutate<{ codes?: { id: string; code: string }[] }>(
      client,
      'claimCodes',
      input,
      'codes { id code }',
    )
    return codes
  }
})

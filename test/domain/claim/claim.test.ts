import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { yieldToEventLoop } from '../../../src/async/pacer.ts'
import { IdempotencyConflictError, NotFoundError } from '../../../src/domain/books/errors.ts'
import { type PoolEvent, readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import type { ClaimCodesInput } from '../../../src/domain/claim/request.ts'
import type { Code } from '../../../src/domain/code/code.ts'
import { generateCodes } from '../../../src/domain/generation/generation.ts'
import { cancelTask } from '../../../src/domain/generation/task.ts'
import { NotEnoughCodesError } from '../../../src/domain/pool/pool.ts'
import { withdrawCodes } from '../../../src/domain/stock/withdraw.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  formatNow,
  newAccount,
  newFormat,
  newPlace,
  newPool,
  newSmallFormat,
  poolNow,
  useBooks,
} from '../../support/books.ts'
import { startUpload } from '../../support/uploads.ts'

const test = useBooks()
/** Each acts as a process of its own. */
let processes: [Claims, Claims, Claims]
let formatId: string
beforeAll(async () => {
  processes = [
    new Claims(test.books),
    new Claims(await test.another({ maxConnections: 3 })),
    new Claims(await test.another({ maxConnections: 1 })),
  ]
  formatId = await newFormat(test)
})

async function claim(
  input: Partial<ClaimCodesInput> & { poolId: string },
  claims = processes[0],
): Promise<Code[]> {
  return (await claims.claim(test.accountId, { count: 1, ...input })).codes
}

/** A pool of `quantity` codes of a format that has many more. */
async function pool(quantity: bigint): Promise<string> {
  const poolId = await newPool(test)
  await fill(test, poolId, formatId, quantity)
  return poolId
}

/** A pool that is refilled automatically from a format with `left` codes left. */
async function refillingPool(
  stock: number,
  left: number,
  settings: { quantity: bigint; threshold?: bigint },
) {
  const formatId = await newSmallFormat(test, stock + left)
  const poolId = await newPool(test)
  if (stock > 0) await fill(test, poolId, formatId, BigInt(stock))
  // Not saved through the API, which would refill the pool at once.
  await test.books.rows({
    text: `UPDATE pool SET format_id = $2, quantity = $3, auto_generate = true, refill_threshold = $4 WHERE id = $1`,
    values: [poolId, formatId, settings.quantity, settings.threshold ?? 0n],
  })
  return { poolId, formatId }
}

async function eventsOf(poolId: string): Promise<PoolEvent[]> {
  const events = await readHistory(test.books, test.accountId, { poolId, limit: 1_000, fromOldest: true })
  return events.reverse()
}

async function kindsOf(poolId: string): Promise<string[]> {
  return (await eventsOf(poolId)).map((event) => event.kind)
}

function texts(codes: readonly Code[]): string[] {
  return codes.map(({ code }) => code)
}

/** Divides the outcomes of claims into the codes of those that were served and the errors of the others. */
function sort(outcomes: PromiseSettledResult<Code[]>[]): { served: Code[][]; refused: unknown[] } {
  return {
    served: outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
    refused: outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])),
  }
}

describe('a claim', () => {
  it('gets the next codes of the pool, in order', async () => {
    const poolId = await pool(5n)
    const first = await claim({ poolId })
    const more = await claim({ poolId, count: 3, recipient: 'ann@example.com' })
    const space = await test.books.codeSpaces.get(test.books, test.accountId, formatId)
    const start = first[0]?.index ?? 0n
    expect(texts([...first, ...more])).toEqual(space.codesAt(start, 4))
    expect(first[0]).toMatchObject({ formatId, poolId, claim: { recipient: undefined } })
    for (const [i, code] of more.entries()) {
      expect(code).toMatchObject({ index: start + BigInt(i) + 1n, claim: { recipient: 'ann@example.com' } })
      expect(code.claim?.at).toBeInstanceOf(Date)
    }
    expect(await poolNow(test, poolId)).toMatchObject({ total: 5n, claimed: 4n })
  })

  it('gets up to 10,000 codes, across batches and formats', async () => {
    const small = await newSmallFormat(test, 10)
    const poolId = await pool(4_000n)
    await fill(test, poolId, small, 10n)
    await fill(test, poolId, formatId, 6_000n)
    const codes = await claim({ poolId, count: 10_000 })
    expect(new Set(texts(codes)).size).toBe(10_000)
    expect(codes.filter((code) => code.formatId === small)).toHaveLength(10)
    expect(codes[3_999]?.formatId).toBe(formatId)
    expect(codes[4_000]?.formatId).toBe(small)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 10_010n, claimed: 10_000n })
  })

  it.each([0, -1, 10_001, 2 ** 31])('of %d codes is refused', async (count) => {
    const poolId = await pool(1n)
    await expect(claim({ poolId, count })).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['count'] })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
  })

  it('is all or nothing', async () => {
    const poolId = await pool(3n)
    const refused = claim({ poolId, count: 4 })
    await expect(refused).rejects.toThrow(NotEnoughCodesError)
    await expect(refused).rejects.toMatchObject({ poolId, available: 3n, path: ['count'] })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
    expect(await claim({ poolId, count: 3 })).toHaveLength(3)
    await expect(claim({ poolId })).rejects.toMatchObject({ available: 0n })
  })

  it.each([
    ['empty', ''],
    ['longer than 1,000 characters', 'x'.repeat(1_001)],
    ['with a NUL', 'a\0b'],
    ['with half a surrogate pair', 'a\ud83c'],
  ])('cannot have a recipient that is %s', async (_what, recipient) => {
    const poolId = await pool(1n)
    await expect(claim({ poolId, recipient })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      path: ['recipient'],
    })
  })

  it('keeps its recipient unchanged', async () => {
    const poolId = await pool(1n)
    const recipient = `  Zoë\n<zoe@example.com> 🎁 ${'x'.repeat(900)}`
    const [code] = await claim({ poolId, recipient, idempotencyKey: randomUUID() })
    expect(code?.claim?.recipient).toBe(recipient)
  })

  it('needs a pool of the account', async () => {
    const poolId = await pool(1n)
    const other = await newAccount(test.books)
    const theirs = processes[0].claim(other, { poolId, count: 1 })
    await expect(theirs).rejects.toThrow(NotFoundError)
    await expect(claim({ poolId: randomUUID() })).rejects.toMatchObject({ path: ['poolId'] })
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 0n })
  })
})

describe('simultaneous claims', () => {
  it('from several processes get every code of a pool exactly once', async () => {
    const poolId = await pool(1_000n)
    const counts = Array.from({ length: 300 }, (_, i) => 1 + (i % 7))
    const outcomes = await Promise.allSettled(
      counts.map((count, i) => claim({ poolId, count }, processes[i % 3])),
    )
    const { served, refused } = sort(outcomes)
    for (const reason of refused) expect(reason).toBeInstanceOf(NotEnoughCodesError)
    for (const [i, outcome] of outcomes.entries())
      if (outcome.status === 'fulfilled') expect(outcome.value).toHaveLength(counts[i] ?? 0)
    const codes = served.flat()
    const { claimed } = await poolNow(test, poolId)
    expect(claimed).toBe(BigInt(codes.length))
    // A claim of 1 would have got any code that was left.
    expect(claimed).toBe(1_000n)
    expect(new Set(texts(codes)).size).toBe(codes.length)
    await expectBalance(test)
  })

  it('of many pools get every code exactly once', async () => {
    const small = await newSmallFormat(test, 600)
    const pools = await Promise.all(Array.from({ length: 8 }, () => newPool(test)))
    for (const [i, poolId] of pools.entries()) {
      await fill(test, poolId, small, 40n)
      await fill(test, pools[(i + 3) % 8] ?? '', small, 35n)
    }
    const { served, refused } = sort(
      await Promise.allSettled(
        Array.from({ length: 400 }, (_, i) =>
          claim({ poolId: pools[i % 8] ?? '', count: 1 + (Math.floor(i / 8) % 2) }, processes[i % 3]),
        ),
      ),
    )
    expect(refused).toEqual([])
    expect(served.flat()).toHaveLength(600)
    expect(new Set(texts(served.flat())).size).toBe(600)
    await expectBalance(test)
  })

  it('that refill their pools from one format get each of its codes exactly once and no others', async () => {
    const { formatId, poolId } = await refillingPool(0, 500, { quantity: 7n, threshold: 3n })
    const pools = [poolId]
    for (let i = 0; i < 3; i++) pools.push(await newPool(test))
    await test.books.rows({
      text: `UPDATE pool SET format_id = $2, quantity = 9, auto_generate = true WHERE id = ANY($1::uuid[])`,
      values: [pools.slice(1), formatId],
    })
    const { served, refused } = sort(
      await Promise.allSettled(
        Array.from({ length: 600 }, (_, i) => claim({ poolId: pools[i % 4] ?? '' }, processes[i % 3])),
      ),
    )
    expect(await formatNow(test, formatId)).toMatchObject({ next: 500n })
    for (const reason of refused) expect(reason).toBeInstanceOf(NotEnoughCodesError)
    const codes = texts(served.flat())
    expect(new Set(codes).size).toBe(codes.length)
    const left = await Promise.all(pools.map((id) => poolNow(test, id)))
    expect(left.reduce((sum, { total, claimed }) => sum + total - claimed, 0n)).toBe(
      500n - BigInt(codes.length),
    )
    await expectBalance(test)
  })

  it('do not fail because of each other', async () => {
    const poolId = await pool(10n)
    const key = randomUUID()
    await claim({ poolId, idempotencyKey: key })
    const outcomes = await Promise.allSettled([
      claim({ poolId, count: 2 }),
      claim({ poolId, count: 0 }),
      claim({ poolId, count: 3, idempotencyKey: key }),
      claim({ poolId, count: 100 }),
      claim({ poolId, idempotencyKey: '' }),
      claim({ poolId, recipient: 'a\0b' }),
      claim({ poolId, count: 7 }),
      claim({ poolId: randomUUID() }),
      claim({ poolId }),
    ])
    expect(
      outcomes.map((outcome) =>
        outcome.status === 'fulfilled' ? outcome.value.length : outcome.reason.code,
      ),
    ).toEqual([
      2,
      'INVALID_INPUT',
      'IDEMPOTENCY_CONFLICT',
      'NOT_ENOUGH_CODES',
      'INVALID_INPUT',
      'INVALID_INPUT',
      7,
      'NOT_FOUND',
      'NOT_ENOUGH_CODES',
    ])
    await expectBalance(test)
  })

  it('are served in one transaction if they wait for the same connection', async () => {
    const poolId = await pool(10n)
    const books = await test.another({ maxConnections: 1 })
    const claims = new Claims(books)
    const connection = await books.connections.connect()
    const waiting: Promise<Code[]>[] = []
    for (let i = 0; i < 5; i++) {
      waiting.push(claim({ poolId }, claims))
      await yieldToEventLoop()
    }
    connection.release()
    expect(new Set(texts((await Promise.all(waiting)).flat())).size).toBe(5)
    const transactions = await test.books.rows({
      text: 'SELECT DISTINCT nonce FROM claim WHERE pool_id = $1',
      values: [poolId],
    })
    expect(transactions).toHaveLength(1)
  })

  it('each report how many codes the pool had when they were rejected', async () => {
    const poolId = await pool(5n)
    const { refused } = sort(
      await Promise.allSettled([claim({ poolId, count: 3 }), claim({ poolId, count: 3 })]),
    )
    expect(refused).toEqual([expect.objectContaining({ available: 2n })])
  })
})

describe('the idempotency key of a claim', () => {
  it('gets the same codes again, unchanged, in every process', async () => {
    const poolId = await pool(30n)
    const input = { poolId, count: 10, recipient: 'ann', idempotencyKey: randomUUID() }
    const codes = await claim(input)
    await claim({ poolId, count: 5 })
    expect(await claim(input)).toEqual(codes)
    expect(await claim(input, processes[1])).toEqual(codes)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 15n })
  })

  it('gets them even if the pool is empty by then', async () => {
    const poolId = await pool(2n)
    const input = { poolId, count: 2, idempotencyKey: randomUUID() }
    const codes = await claim(input)
    await expect(claim({ poolId })).rejects.toThrow(NotEnoughCodesError)
    expect(await claim(input)).toEqual(codes)
  })

  it('changes nothing when it is used again, even if a refill is due', async () => {
    const { poolId, formatId } = await refillingPool(2, 10, { quantity: 5n, threshold: 0n })
    const input = { poolId, idempotencyKey: randomUUID() }
    const codes = await claim(input)
    await test.books.rows({ text: 'UPDATE pool SET refill_threshold = 1 WHERE id = $1', values: [poolId] })
    expect(await claim(input)).toEqual(codes)
    await expect(claim({ ...input, count: 2 })).rejects.toThrow(IdempotencyConflictError)
    expect(await formatNow(test, formatId)).toMatchObject({ next: 2n })
    await claim({ poolId })
    expect(await formatNow(test, formatId)).toMatchObject({ next: 7n })
  })

  it('conflicts with any other input', async () => {
    const poolId = await pool(10n)
    const other = await pool(10n)
    const input = { poolId, count: 2, recipient: 'ann', idempotencyKey: randomUUID() }
    await claim(input)
    for (const changed of [{ count: 3 }, { recipient: 'bob' }, { poolId: other }])
      await expect(claim({ ...input, ...changed })).rejects.toThrow(IdempotencyConflictError)
    const { recipient: _recipient, ...withoutRecipient } = input
    await expect(claim(withoutRecipient)).rejects.toThrow(IdempotencyConflictError)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 2n })
    expect(await poolNow(test, other)).toMatchObject({ claimed: 0n })
  })

  it('is not used up by an error', async () => {
    const poolId = await pool(1n)
    const idempotencyKey = randomUUID()
    await expect(claim({ poolId, count: 2, idempotencyKey })).rejects.toThrow(NotEnoughCodesError)
    expect(await claim({ poolId, count: 1, idempotencyKey })).toHaveLength(1)
  })

  it('is not used up by an error of a simultaneous claim', async () => {
    const poolId = await pool(1n)
    const idempotencyKey = randomUUID()
    const outcomes = await Promise.allSettled([
      claim({ poolId, count: 2, idempotencyKey }),
      claim({ poolId, count: 1, idempotencyKey }),
    ])
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'NOT_ENOUGH_CODES' } },
      { status: 'fulfilled', value: [{ poolId }] },
    ])
  })

  it('belongs to its account', async () => {
    const theirs = await newPlace(test)
    const idempotencyKey = randomUUID()
    const [ours] = await claim({ poolId: await pool(1n), idempotencyKey })
    const poolId = await newPool(theirs)
    await fill(theirs, poolId, await newFormat(theirs), 1n)
    const claimed = await processes[0].claim(theirs.accountId, { poolId, count: 1, idempotencyKey })
    const [code] = claimed.codes
    expect(code?.code).not.toBe(ours?.code)
  })

  it('claims once when it is used many times simultaneously', async () => {
    const poolId = await pool(100n)
    const input = { poolId, count: 3, idempotencyKey: randomUUID() }
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => claim(input, processes[i % 3])))
    for (const codes of answers) expect(codes).toEqual(answers[0])
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 3n })
  })

  it('claims once when it is used with several inputs simultaneously', async () => {
    const poolId = await pool(100n)
    const idempotencyKey = randomUUID()
    const { served, refused } = sort(
      await Promise.allSettled(
        Array.from({ length: 9 }, (_, i) =>
          claim({ poolId, count: 1 + i, idempotencyKey }, processes[i % 3]),
        ),
      ),
    )
    expect(served).toHaveLength(1)
    for (const reason of refused) expect(reason).toBeInstanceOf(IdempotencyConflictError)
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: BigInt(served[0]?.length ?? 0) })
  })

  it('claims from one pool when it is used for several simultaneously', async () => {
    const pools = await Promise.all(Array.from({ length: 6 }, () => pool(5n)))
    // They share some keys, in different orders, and have claims of their own.
    const keys = [randomUUID(), randomUUID(), randomUUID()]
    const outcomes = await Promise.allSettled(
      pools.flatMap((poolId, i) => [
        ...[0, 1, 2].map((n) => claim({ poolId, idempotencyKey: keys[(n + i) % 3] ?? '' }, processes[i % 3])),
        claim({ poolId, recipient: 'own' }, processes[i % 3]),
      ]),
    )
    const { served, refused } = sort(outcomes)
    expect(served).toHaveLength(3 + pools.length)
    expect(served.filter(([code]) => code?.claim?.recipient === 'own')).toHaveLength(pools.length)
    for (const reason of refused) expect(reason).toBeInstanceOf(IdempotencyConflictError)
    await expectBalance(test)
  })
})

describe('a claim that brings the stock down to the threshold', () => {
  it('refills the pool in its own transaction', async () => {
    const { poolId, formatId } = await refillingPool(3, 100, { quantity: 10n })
    await claim({ poolId, count: 2 })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 3n })
    await claim({ poolId })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 13n, claimed: 3n })
    expect(await formatNow(test, formatId)).toMatchObject({ next: 13n })
    const [status, refilled] = (await eventsOf(poolId)).slice(-2)
    expect(status).toMatchObject({
      kind: 'TASK_STATUS_CHANGED',
      payload: { status: 'COMPLETED', added: '10' },
    })
    expect(refilled).toMatchObject({ kind: 'POOL_REFILLED', payload: { added: '10' } })
    await expectBalance(test)
  })

  it('gets more than the pool has, which is refilled by the smallest multiple that suffices', async () => {
    const { poolId } = await refillingPool(3, 100, { quantity: 10n, threshold: 5n })
    expect(await claim({ poolId, count: 24 })).toHaveLength(24)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 33n, claimed: 24n })
    expect((await kindsOf(poolId)).filter((kind) => kind === 'POOL_LOW')).toEqual([])
  })

  it('refills once for all simultaneous claims', async () => {
    const { poolId } = await refillingPool(0, 100, { quantity: 10n })
    await Promise.all(Array.from({ length: 12 }, () => claim({ poolId })))
    expect((await kindsOf(poolId)).filter((kind) => kind === 'POOL_REFILLED')).toHaveLength(1)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 20n, claimed: 12n })
  })

  it('refills with what the format has left, records the failure once, and the pool is used to its last code', async () => {
    const { poolId, formatId } = await refillingPool(1, 4, { quantity: 10n })
    await claim({ poolId })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 5n })
    expect((await kindsOf(poolId)).slice(-3)).toEqual([
      'TASK_STATUS_CHANGED',
      'POOL_REFILLED',
      'POOL_REFILL_FAILED',
    ])
    for (let i = 0; i < 4; i++) await claim({ poolId })
    for (let i = 0; i < 3; i++)
      await expect(claim({ poolId })).rejects.toMatchObject({ code: 'NOT_ENOUGH_CODES', available: 0n })
    const kinds = await kindsOf(poolId)
    expect(kinds.filter((kind) => kind === 'POOL_REFILL_FAILED')).toHaveLength(1)
    expect(kinds.at(-1)).toBe('POOL_EMPTY')
    expect(kinds.filter((kind) => kind === 'POOL_EMPTY')).toHaveLength(1)
    expect((await eventsOf(poolId)).find(({ kind }) => kind === 'POOL_REFILL_FAILED')?.payload).toMatchObject(
      {
        code: 'FORMAT_EXHAUSTED',
        formatId,
      },
    )
    await expectBalance(test)
  })

  it('records together that the refill failed, that the pool is low, and that it is empty', async () => {
    const { poolId } = await refillingPool(2, 0, { quantity: 10n, threshold: 1n })
    await claim({ poolId, count: 2 })
    const kinds = await kindsOf(poolId)
    expect(kinds.slice(-3)).toEqual(['POOL_REFILL_FAILED', 'POOL_LOW', 'POOL_EMPTY'])
    await expect(claim({ poolId })).rejects.toThrow(NotEnoughCodesError)
    expect(await kindsOf(poolId)).toEqual(kinds)
  })

  describe('that cannot be served says why and what to do', () => {
    const generating = (poolId: string, format: string, quantity: bigint) =>
      generateCodes(test.books, test.accountId, { poolId, formatId: format, quantity })
    const cases: [what: string, make: () => Promise<string>, says: RegExp[], not?: RegExp][] = [
      [
        'of an empty pool without a format',
        () => newPool(test),
        [/has no codes available/, /Generate codes into the pool, or upload some/],
        /fewer|format "/,
      ],
      ['of a pool that has some of them', () => pool(2n), [/has 2 codes available/, /Or claim fewer/]],
      [
        'of a pool without auto-generation',
        async () => await newPool(test, { formatId, quantity: 5n }),
        [/Generate more codes into the pool, or turn on autoGenerate/],
        /fewer|no codes left/,
      ],
      [
        'of a pool without auto-generation whose format has none left',
        async () => {
          const small = await newSmallFormat(test, 3)
          await fill(test, await newPool(test), small, 3n)
          return await newPool(test, { formatId: small })
        },
        [/Its format ".+" has no codes left to generate\./, /Generate from another format with more room/],
        /more into/,
      ],
      [
        'of a pool that could not be refilled',
        async () => (await refillingPool(0, 2, { quantity: 2n })).poolId,
        [/has 2 codes available/, /Its format ".+" has no codes left/, /another format with more room/],
        /more into/,
      ],
      [
        'of a pool whose refill has failed before',
        async () => {
          const { poolId } = await refillingPool(2, 0, { quantity: 2n })
          await claim({ poolId, count: 2 })
          return poolId
        },
        [/has no codes available/, /Its format ".+" has no codes left to generate\./, /saveReplenishment/],
        /more into|fewer/,
      ],
      [
        'of a pool whose format is reserved for tasks of another',
        async () => {
          const { poolId, formatId } = await refillingPool(0, 3, { quantity: 2n })
          await generating(await newPool(test), formatId, 3n)
          return poolId
        },
        [/no codes left to generate but 3 codes that are reserved for unfinished tasks/, /another format/],
        /more into/,
      ],
      [
        'of a pool that a task is about to fill',
        async () => {
          const poolId = await newPool(test)
          await generating(poolId, formatId, 50n)
          return poolId
        },
        [/An unfinished task will add 50 codes to the pool: claim again once it is COMPLETED/],
        /more into/,
      ],
      [
        'of a pool whose codes were withdrawn',
        async () => {
          const poolId = await pool(3n)
          await withdrawCodes(test.books, test.accountId, { poolId })
          return poolId
        },
        [/has no codes available/, /Or restore the 3 codes that were withdrawn from it \(restoreCodes\)\.$/],
        /fewer/,
      ],
      [
        'of a pool of uploads',
        () => newPool(test, { method: 'UPLOAD' }),
        [/Upload more codes into the pool/],
        /[Gg]enerate/,
      ],
      [
        'of a pool that a file is being uploaded into',
        async () => {
          const poolId = await newPool(test, { method: 'UPLOAD' })
          await startUpload(test, poolId)
          return poolId
        },
        [/An upload into the pool has not finished: claim again once it is COMPLETED/],
        /more/,
      ],
      [
        'of a pool of which a file is being tried',
        async () => {
          const poolId = await newPool(test, { method: 'UPLOAD' })
          await startUpload(test, poolId, { dryRun: true })
          return poolId
        },
        [/Upload more codes/],
      ],
    ]

    it.each(cases)('%s', async (_what, make, says, not) => {
      const poolId = await make()
      const { message } = await claim({ poolId, count: 9 }).then(
        () => expect.fail('it was served'),
        (error: NotEnoughCodesError) => error,
      )
      expect(message).toContain('so nothing was claimed.')
      for (const part of says) expect(message).toMatch(part)
      if (not !== undefined) expect(message).not.toMatch(not)
    })
  })

  it('is served once the format has codes again, and the failure is recorded only once', async () => {
    const { poolId, formatId } = await refillingPool(1, 2, { quantity: 10n })
    const taskId = await generateCodes(test.books, test.accountId, {
      poolId: await newPool(test),
      formatId,
      quantity: 2n,
    })
    await claim({ poolId })
    await expect(claim({ poolId })).rejects.toThrow(NotEnoughCodesError)
    await cancelTask(test.books, test.accountId, taskId)
    expect(await claim({ poolId })).toHaveLength(1)
    expect(await formatNow(test, formatId)).toMatchObject({ next: 3n, reserved: 0n })
    expect((await kindsOf(poolId)).filter((kind) => kind === 'POOL_REFILL_FAILED')).toHaveLength(1)
    await expectBalance(test)
  })

  it('does not use what is reserved for tasks', async () => {
    const { poolId, formatId } = await refillingPool(1, 10, { quantity: 5n })
    await generateCodes(test.books, test.accountId, { poolId, formatId, quantity: 8n })
    expect(await claim({ poolId, count: 3 })).toHaveLength(3)
    await expect(claim({ poolId })).rejects.toThrow(NotEnoughCodesError)
    expect(await formatNow(test, formatId)).toMatchObject({ next: 3n, reserved: 8n })
    await expectBalance(test)
  })

  it('is still all or nothing, and generates nothing for a claim that cannot be served', async () => {
    const { poolId, formatId } = await refillingPool(3, 4, { quantity: 2n })
    await expect(claim({ poolId, count: 8 })).rejects.toMatchObject({ available: 3n })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 3n, claimed: 0n })
    expect(await formatNow(test, formatId)).toMatchObject({ next: 3n })
    expect(await claim({ poolId, count: 7 })).toHaveLength(7)
  })

  it('records a failed refill again after codes have been added manually', async () => {
    const { poolId } = await refillingPool(2, 0, { quantity: 2n })
    await claim({ poolId, count: 2 })
    await expect(claim({ poolId })).rejects.toThrow(NotEnoughCodesError)
    await fill(test, poolId, formatId, 1n)
    expect(await claim({ poolId })).toHaveLength(1)
    expect((await kindsOf(poolId)).filter((kind) => kind === 'POOL_REFILL_FAILED')).toHaveLength(2)
  })
})

describe('a pool without auto-generation', () => {
  it('records once that it is low and once that it is empty', async () => {
    const poolId = await newPool(test, { formatId, refillThreshold: 2n })
    await fill(test, poolId, formatId, 4n)
    const count = async () => (await kindsOf(poolId)).filter((kind) => /POOL_(LOW|EMPTY)/.test(kind))
    await claim({ poolId })
    expect(await count()).toEqual([])
    await claim({ poolId })
    expect((await eventsOf(poolId)).at(-1)).toMatchObject({ kind: 'POOL_LOW', payload: { available: '2' } })
    await claim({ poolId })
    expect(await count()).toEqual(['POOL_LOW'])
    await claim({ poolId })
    await expect(claim({ poolId })).rejects.toThrow(NotEnoughCodesError)
    expect(await count()).toEqual(['POOL_LOW', 'POOL_EMPTY'])
    await fill(test, poolId, formatId, 3n)
    await claim({ poolId, count: 3 })
    expect(await count()).toEqual(['POOL_LOW', 'POOL_EMPTY', 'POOL_LOW', 'POOL_EMPTY'])
  })

  it('with a threshold of 0 is never low', async () => {
    const poolId = await pool(2n)
    await claim({ poolId })
    await claim({ poolId })
    expect((await kindsOf(poolId)).filter((kind) => /POOL_(LOW|EMPTY)/.test(kind))).toEqual(['POOL_EMPTY'])
  })
})

import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { applyMigrations } from '../../../src/database/migrations.ts'
import { createAccount, findAccounts } from '../../../src/domain/account/account.ts'
import { InvalidInputError, NameTakenError, NotFoundError } from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { countRows, listIds } from '../../../src/domain/books/listing.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { archivePool } from '../../../src/domain/pool/archive.ts'
import {
  createPool,
  findPoolByExternalId,
  type PoolFilter,
  type PoolStatus,
  poolStatus,
  poolsMatching,
  readPool,
  renamePool,
  updatePool,
} from '../../../src/domain/pool/pool.ts'
import {
  fill,
  newAccount,
  newFormat,
  newPlace,
  newPool,
  openBooks,
  type Place,
  poolNow,
  silent,
  useBooks,
} from '../../support/books.ts'
import { testDatabase } from '../../support/database.ts'

const test = useBooks()

function create(name: string, accountId = test.accountId): Promise<string> {
  return createPool(test.books, accountId, { name })
}

describe('the name of a pool', () => {
  it.each(['', ' \u00a0', 'x'.repeat(10_000), 'NUL\0'])('is refused when it is %j', async (name) => {
    const poolId = await create(randomUUID())
    await expect(create(name)).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['name'] })
    await expect(renamePool(test.books, test.accountId, { poolId, name })).rejects.toThrow(InvalidInputError)
  })

  it('is unique within an account, and free in others', async () => {
    await create('Summer')
    await expect(create(' Summer')).rejects.toThrow(NameTakenError)
    await expect(create('Summer', await newAccount(test.books))).resolves.toBeTypeOf('string')
  })

  it('is given to one of several pools that are created at the same moment', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => create('Wanted by all')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NameTakenError)
  })

  it('can be changed only by its account', async () => {
    const poolId = await create('Old')
    await create('Occupied')
    const rename = (name: string, accountId = test.accountId) =>
      renamePool(test.books, accountId, { poolId, name })
    await rename('New 🎁')
    await rename('New 🎁')
    await expect(rename('Occupied')).rejects.toThrow(NameTakenError)
    await expect(rename('Theirs', await newAccount(test.books))).rejects.toThrow(NotFoundError)
    expect(await poolNow(test, poolId)).toMatchObject({ name: 'New 🎁' })
  })
})

describe('a new pool', () => {
  it('is empty, with the method GENERATE and no automatic refills', async () => {
    expect(await poolNow(test, await newPool(test))).toMatchObject({
      method: 'GENERATE',
      formatId: undefined,
      quantity: undefined,
      autoGenerate: false,
      refillThreshold: 0n,
      total: 0n,
      claimed: 0n,
    })
  })

  it('does not exist for another account', async () => {
    const poolId = await newPool(test)
    expect(await readPool(test.books, await newAccount(test.books), poolId)).toBeUndefined()
  })
})

describe('what an account says of a pool', () => {
  const update = (input: Parameters<typeof updatePool>[2], place: Place = test) =>
    updatePool(place.books, place.accountId, input)

  /** What the events say that has changed, oldest first. */
  async function changes(poolId: string): Promise<(readonly string[])[]> {
    const events = await readHistory(test.books, test.accountId, { poolId, limit: 100, fromOldest: true })
    return events.reverse().flatMap((event) => (event.kind === 'POOL_CHANGED' ? [event.payload.changed] : []))
  }

  it('can be given when it is created', async () => {
    const externalId = randomUUID()
    const input = { name: randomUUID(), description: '  For the summer\nof 2027 ', externalId }
    const poolId = await createPool(test.books, test.accountId, input)
    expect(await poolNow(test, poolId)).toMatchObject({ description: 'For the summer\nof 2027', externalId })
  })

  it('stays as it is where it is left out, and goes where it is null', async () => {
    const [name, externalId] = [randomUUID(), ` ${randomUUID()} ß🎁`]
    const poolId = await newPool(test)
    await update({ poolId, name, description: 'Kept', externalId })
    await update({ poolId })
    await update({ poolId, description: 'New' })
    expect(await poolNow(test, poolId)).toMatchObject({ name, description: 'New', externalId })
    await update({ poolId, description: null })
    expect(await poolNow(test, poolId)).toMatchObject({ name, description: undefined, externalId })
    await update({ poolId, externalId: null })
    expect(await poolNow(test, poolId)).toMatchObject({ name, externalId: undefined })
    expect(await changes(poolId)).toEqual([
      ['NAME', 'DESCRIPTION', 'EXTERNAL_ID'],
      ['DESCRIPTION'],
      ['DESCRIPTION'],
      ['EXTERNAL_ID'],
    ])
  })

  it('has not changed when it is the same again', async () => {
    const poolId = await newPool(test)
    const input = { poolId, name: randomUUID(), description: 'Same', externalId: randomUUID() }
    await update(input)
    await update({ ...input, name: ` ${input.name}`, description: 'Same ' })
    await update({ poolId })
    expect(await changes(poolId)).toHaveLength(1)
  })

  it('has no description when that is blank', async () => {
    const poolId = await newPool(test)
    await update({ poolId, description: 'Something' })
    await update({ poolId, description: ' \n ' })
    expect(await poolNow(test, poolId)).toMatchObject({ description: undefined })
  })

  it.each([
    ['name', null, /needs a name/],
    ['name', ' ', /empty/],
    ['name', '\u200b\u3164', /empty/],
    // Composing this would take minutes.
    ['name', `e${'\u0301\u0316'.repeat(225_000)}`, /450,001 characters.*100/],
    ['description', 'x'.repeat(1_001), /1,001 characters.*1,000/],
    ['description', 'NUL\0', /NUL/],
    ['description', 'half \ud800', /surrogate/],
    ['externalId', '', /empty/],
    ['externalId', 'x'.repeat(256), /256 characters.*255/],
    ['externalId', 'NUL\0', /NUL/],
  ])('is refused whole when its %s is wrong (%#)', async (field, value, message) => {
    const poolId = await newPool(test)
    const before = await poolNow(test, poolId)
    const input = { poolId, name: randomUUID(), description: 'Not this', externalId: randomUUID() }
    const refused = update({ ...input, [field]: value })
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: [field] })
    await expect(refused).rejects.toThrow(message)
    expect(await poolNow(test, poolId)).toEqual(before)
  })

  it('can be long', async () => {
    const input = { name: randomUUID(), description: '\u0001'.repeat(1_000), externalId: '🎁'.repeat(255) }
    const poolId = await createPool(test.books, test.accountId, input)
    expect(await poolNow(test, poolId)).toMatchObject(input)
  })

  it('can be changed only by its account', async () => {
    const poolId = await newPool(test)
    const stranger = await newPlace(test)
    await expect(update({ poolId, description: 'Theirs' }, stranger)).rejects.toThrow(NotFoundError)
  })
})

describe('an external id', () => {
  const find = (externalId: string, place: Place = test) =>
    findPoolByExternalId(place.books, place.accountId, externalId)

  it('finds its pool, exactly as it is written, and in its account alone', async () => {
    const externalId = `Ä-${randomUUID()}`
    const poolId = await createPool(test.books, test.accountId, { name: randomUUID(), externalId })
    expect(await find(externalId)).toBe(poolId)
    for (const other of [
      externalId.toLowerCase(),
      ` ${externalId}`,
      externalId.normalize('NFD'),
      `${externalId}%`,
    ])
      expect(await find(other)).toBeUndefined()
    expect(await find(externalId, await newPlace(test))).toBeUndefined()
    await updatePool(test.books, test.accountId, { poolId, externalId: null })
    expect(await find(externalId)).toBeUndefined()
  })

  it.each([[''], ['NUL\0'], ['half \ud800'], ['x'.repeat(1_000_000)], ["' OR true --"]])(
    'that nothing has finds nothing: %j',
    async (externalId) => {
      expect(await find(externalId)).toBeUndefined()
    },
  )

  it('belongs to one pool of an account: the error names it, also when it is archived', async () => {
    const externalId = randomUUID()
    const owner = await createPool(test.books, test.accountId, { name: randomUUID(), externalId })
    await archivePool(test.books, test.accountId, owner)
    const taken = { code: 'EXTERNAL_ID_TAKEN', path: ['externalId'], poolId: owner }
    const create = (place: Place) =>
      createPool(place.books, place.accountId, { name: randomUUID(), externalId })
    await expect(create(test)).rejects.toMatchObject(taken)
    const poolId = await newPool(test)
    const input = { poolId, description: 'Not this', externalId }
    await expect(updatePool(test.books, test.accountId, input)).rejects.toMatchObject(taken)
    expect(await poolNow(test, poolId)).toMatchObject({ description: undefined, externalId: undefined })
    await create(await newPlace(test))
  })

  it('goes to one of several pools for which two processes want it at the same moment', async () => {
    const elsewhere = await test.another()
    const externalId = randomUUID()
    const poolIds = await Promise.all(Array.from({ length: 4 }, () => newPool(test)))
    const outcomes = await Promise.allSettled([
      ...poolIds.map((poolId, at) =>
        updatePool(at % 2 === 0 ? test.books : elsewhere, test.accountId, { poolId, externalId }),
      ),
      createPool(elsewhere, test.accountId, { name: randomUUID(), externalId }),
    ])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const owner = await find(externalId)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'EXTERNAL_ID_TAKEN', poolId: owner })
  })
})

describe('the status of a pool', () => {
  it.each([
    [0n, 0n, 'EMPTY'],
    [0n, 5n, 'EMPTY'],
    [1n, 0n, 'READY'],
    [5n, 5n, 'LOW'],
    [6n, 5n, 'READY'],
    [2n ** 96n, 2n ** 96n, 'LOW'],
  ] satisfies [bigint, bigint, PoolStatus][])('with %s available and a threshold of %s is %s', (...row) => {
    const [available, refillThreshold, status] = row
    expect(poolStatus({ available, refillThreshold })).toBe(status)
  })
})

describe('names that differ only in case', () => {
  it.each([
    ['Spring sale', 'SPRING SALE'],
    ['Straße', 'STRASSE'],
    ['Élan', 'élan'],
    ['Весна', 'ВЕСНА'],
    ['Οδός', 'ΟΔΌΣ'],
  ])('are the same: %s and %s', async (name, again) => {
    const place = await newPlace(test)
    const poolId = await create(name, place.accountId)
    await expect(create(again, place.accountId)).rejects.toThrow(`named "${name}"`)
    const other = await create('Other', place.accountId)
    const rename = (id: string, to: string) =>
      renamePool(test.books, place.accountId, { poolId: id, name: to })
    await expect(rename(other, again)).rejects.toThrow(NameTakenError)
    // Its own name in another case is allowed.
    await rename(poolId, again)
    expect(await poolNow(place, poolId)).toMatchObject({ name: again })
  })

  it.each([
    ['Café', 'Cafe'],
    ['Spring', 'Spring 2'],
    ['ı', 'i'],
  ])('are not: %s and %s', async (name, other) => {
    const accountId = await newAccount(test.books)
    await create(name, accountId)
    await expect(create(other, accountId)).resolves.toBeTypeOf('string')
  })

  it('are given to one of several pools that are created or renamed at the same moment', async () => {
    const accountId = await newAccount(test.books)
    const renamed = await create('Renamed', accountId)
    const elsewhere = await test.another()
    const outcomes = await Promise.allSettled([
      ...['wanted', 'WANTED', 'Wanted', 'wAnTeD'].map((name) => createPool(elsewhere, accountId, { name })),
      renamePool(test.books, accountId, { poolId: renamed, name: 'wanteD' }),
    ])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NameTakenError)
  })

  it('are kept if pools already have them, and can be changed', async () => {
    const place = await newPlace(test)
    const ids = [randomUUID(), randomUUID()]
    for (const [at, name] of ['Spring', 'spring'].entries())
      await test.books.rows({
        text: 'INSERT INTO pool (account_id, id, name) VALUES ($1, $2, $3)',
        values: [place.accountId, ids[at], name],
      })
    const rename = (name: string) => renamePool(test.books, place.accountId, { poolId: ids[1] ?? '', name })
    await rename('spring')
    await expect(rename('SPRING')).rejects.toThrow(NameTakenError)
    expect(await countRows(test.books, place.accountId, poolsMatching({ search: 'SPRING' }))).toBe(2n)
    await rename('Summer')
    expect(await countRows(test.books, place.accountId, poolsMatching({ search: 'SPRING' }))).toBe(1n)
  })
})

describe('names in a database with any locale', () => {
  it.each(["LOCALE_PROVIDER libc LOCALE 'C'", "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'"])(
    'are one but for case, and found without it: %s',
    async (locale) => {
      await using database = await testDatabase({ empty: true, locale })
      await applyMigrations(database.url, silent)
      await using opened = await openBooks({ databaseUrl: database.url })
      const { books, accountId } = opened
      const found = (search: string) => countRows(books, accountId, poolsMatching({ search }))
      for (const [name, again, part] of [
        ['SPRING', 'spring', 'Rin'],
        ['ВЕСНА', 'весна', 'Есн'],
        ['Οδός', 'ΟΔΌΣ', 'δοΣ'],
        ['İndirim', 'indirim', 'NDİRI'],
        ['Straße', 'STRASSE', 'raẞe'],
        ['ǅungla', 'ǄUNGLA', 'dŽung'],
        ['Ærø', 'ÆRØ', 'ERO'],
        ['ԱԲԳ', 'աբգ', 'բԳ'],
        ['𐐀𐐁', '𐐨𐐩', '𐐩'],
        ['ᾈδης', 'ᾀδης', 'ΑΔΗ'],
        ['Ǿ2', 'ǿ2', 'O2'],
      ] as const) {
        await createPool(books, accountId, { name })
        expect([
          again,
          await createPool(books, accountId, { name: again }).catch(({ code }) => code),
        ]).toEqual([again, 'NAME_TAKEN'])
        expect([part, await found(part), await found(again)]).toEqual([part, 1n, 1n])
      }
      for (const name of ['SPRİNG 2', 'ıf', 'if']) await createPool(books, accountId, { name })
      await expect(createPool(books, accountId, { name: 'IF' })).rejects.toThrow(NameTakenError)
      expect(await found('spring')).toBe(2n)
      await createAccount(books.connections, 'ЛЕТО И')
      expect(await findAccounts(books, 'лето и')).toHaveLength(1)
    },
  )
})

describe('the list of pools', () => {
  async function list(place: Place, filter: PoolFilter = {}, page = {}): Promise<string[]> {
    const { books, accountId } = place
    const found = await listIds(books, accountId, poolsMatching(filter), {
      limit: 100,
      fromOldest: false,
      ...page,
    })
    if (Object.keys(page).length === 0)
      expect(await countRows(books, accountId, poolsMatching(filter))).toBe(BigInt(found.length))
    return found
  }

  it('has the pools of one account, newest first, in pages', async () => {
    const place = await newPlace(test)
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.unshift(await newPool(place))
    expect(await list(place)).toEqual(ids)
    expect(await list(place, {}, { limit: 2 })).toEqual(ids.slice(0, 2))
    expect(await list(place, {}, { limit: 2, after: ids[1] })).toEqual(ids.slice(2, 4))
    expect(await list(place, {}, { after: ids[0], before: ids[4] })).toEqual(ids.slice(1, 4))
    expect(await list(place, {}, { limit: 2, fromOldest: true })).toEqual(ids.slice(3).reverse())
    expect(await list(await newPlace(test))).toEqual([])
  })

  it('is searched by any part of the name, ignoring case, character by character', async () => {
    const place = await newPlace(test)
    const pools = ['Summer 50%', 'Wintersale', 'ÄPFEL_1', 'Cafe\u0301']
    const ids = new Map<string, string>()
    for (const name of pools) ids.set(name, await create(name, place.accountId))
    const names = async (search: string) => {
      const found = await list(place, { search })
      return pools.filter((name) => found.includes(ids.get(name) ?? ''))
    }
    expect(await names('MER')).toEqual(['Summer 50%'])
    expect(await names('s')).toEqual(['Summer 50%', 'Wintersale'])
    expect(await names('%')).toEqual(['Summer 50%'])
    expect(await names('_')).toEqual(['ÄPFEL_1'])
    expect(await names('äpfel')).toEqual(['ÄPFEL_1'])
    expect(await names('caf\u00e9')).toEqual(['Cafe\u0301'])
    expect(await names('')).toEqual(pools)
    expect(await names('\\')).toEqual([])
  })

  it('is searched ignoring accents and case', async () => {
    const place = await newPlace(test)
    const names = [
      'STRAßE',
      'Café Olé',
      'İndirim',
      'Łódź',
      'Ærø',
      'Ｆｕｌｌ Ｗｉｄｔｈ',
      'Ёлка',
      'Διακοπές',
      'ﬁnale',
      '夏のキャンペーン',
    ]
    const ids = new Map<string, string>()
    for (const name of names) ids.set(await create(name, place.accountId), name)
    for (const [search, expected] of [
      ['strasse', 'STRAßE'],
      ['Straße', 'STRAßE'],
      ['cafe ole', 'Café Olé'],
      ['CAFÉ', 'Café Olé'],
      ['indirim', 'İndirim'],
      ['INDIRIM', 'İndirim'],
      ['lodz', 'Łódź'],
      ['aero', 'Ærø'],
      ['full w', 'Ｆｕｌｌ Ｗｉｄｔｈ'],
      ['елка', 'Ёлка'],
      ['διακοπεσ', 'Διακοπές'],
      ['ΔΙΑΚΟΠΈΣ', 'Διακοπές'],
      ['FINAL', 'ﬁnale'],
      ['キャン', '夏のキャンペーン'],
    ])
      expect([search, (await list(place, { search })).map((id) => ids.get(id))]).toEqual([search, [expected]])
    expect(await list(place, { search: 'cafes' })).toEqual([])
  })

  it('is filtered by the status that the pools have', async () => {
    const place = await newPlace(test)
    const formatId = await newFormat(place)
    const claims = new Claims(place.books)
    const byStatus: Record<PoolStatus, string[]> = { EMPTY: [], LOW: [], READY: [] }
    for (const [quantity, claimed, refillThreshold] of [
      [0, 0, 3],
      [4, 0, 3],
      [4, 1, 3],
      [4, 4, 3],
      [2, 1, 0],
      [2, 2, 0],
    ] satisfies [number, number, number][]) {
      const poolId = await newPool(place, { formatId, refillThreshold: BigInt(refillThreshold) })
      if (quantity > 0) await fill(place, poolId, formatId, BigInt(quantity))
      if (claimed > 0) await claims.claim(place.accountId, { poolId, count: claimed })
      const available = BigInt(quantity - claimed)
      byStatus[poolStatus({ available, refillThreshold: BigInt(refillThreshold) })].unshift(poolId)
    }
    for (const status of ['EMPTY', 'LOW', 'READY'] as const) {
      expect(byStatus[status].length).toBeGreaterThan(0)
      expect(await list(place, { status: [status] })).toEqual(byStatus[status])
    }
    expect(await list(place, { status: ['EMPTY', 'LOW'] })).toHaveLength(4)
    expect(await list(place, { status: [] })).toEqual([])
  })
})

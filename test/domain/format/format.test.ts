import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CodeSpace } from '../../../src/codespace/codespace.ts'
import type { ShapeInput } from '../../../src/codespace/pattern.ts'
import { CodeSpaces } from '../../../src/domain/books/books.ts'
import {
  FormatOverlapError,
  InvalidInputError,
  NameTakenError,
  NotFoundError,
} from '../../../src/domain/books/errors.ts'
import { createFormat, previewFormat } from '../../../src/domain/format/create.ts'
import { availableForGeneration, renameFormat } from '../../../src/domain/format/format.ts'
import { formatNow, newAccount, newFormat, useBooks } from '../../support/books.ts'
import { waitUntilSomebodyWaitsFor } from '../../support/database.ts'

const test = useBooks()

/** A shape that overlaps with no other format of the account. */
function anyShape(): ShapeInput {
  return shape({ prefix: randomUUID() })
}

function shape(parts: Partial<ShapeInput>): ShapeInput {
  return { prefix: '', suffix: '', body: { length: 4 }, characters: { set: 'DIGITS' }, ...parts }
}

function create(name: string, made: ShapeInput = anyShape(), accountId = test.accountId): Promise<string> {
  return createFormat(test.books, accountId, { name, shape: made })
}

describe('the name of a format', () => {
  it.each([
    ['an empty one', ''],
    ['blanks', ' \t\u00a0\u3000 '],
    ['nothing that can be seen', '\u200d\u200c'],
    ['tags without a flag', '\u{e0067}\u{e007f}'],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['one character too many', 'x'.repeat(101)],
    ['a NUL', 'Summer\0'],
    ['a line break', 'Sum\nmer'],
    ['half a surrogate pair', 'Summer \ud83c'],
    ['a character that turns the direction', 'Summer \u202eelas'],
  ])('is refused with %s', async (_what, name) => {
    await expect(create(name)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      path: ['name'],
      issues: [{ path: ['name'], message: expect.stringContaining('name') }],
    })
  })

  it('is reported together with all other issues', async () => {
    const wrong = create('', shape({ body: { length: 0 }, characters: { list: 'AA' } }))
    await expect(wrong).rejects.toThrow(InvalidInputError)
    await expect(wrong).rejects.toMatchObject({ path: [] })
    await expect(
      wrong.catch((error: InvalidInputError) => error.issues.map(({ path }) => path)),
    ).resolves.toEqual(
      expect.arrayContaining([['name'], ['shape', 'body', 'length'], ['shape', 'characters', 'list']]),
    )
  })

  it.each([
    '🎄 Winter',
    'Familie 👩‍👩‍👧',
    '夏のセール',
    'می‌خواهم',
    'Rabatt für Äpfel',
    'x'.repeat(100),
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿 England',
  ])('can be %s', async (name) => {
    const id = await create(name)
    expect(await formatNow(test, id)).toMatchObject({ name: name.normalize('NFC') })
  })

  it('is stored without the spaces around it', async () => {
    const id = await create('  Trimmed\t')
    expect(await formatNow(test, id)).toMatchObject({ name: 'Trimmed' })
  })

  it('is refused if another format of the account has it, however it is encoded', async () => {
    await create('Café')
    await expect(create(' Cafe\u0301 ')).rejects.toThrow(NameTakenError)
    await expect(create('Café')).rejects.toMatchObject({ code: 'NAME_TAKEN', path: ['name'] })
    await expect(create('CAFÉ')).rejects.toThrow('named "Café"')
    await expect(create('Cafe')).resolves.toBeTypeOf('string')
  })

  it('can be the name of a format of another account', async () => {
    const other = await newAccount(test.books)
    await create('Everybody’s')
    await expect(create('Everybody’s', anyShape(), other)).resolves.toBeTypeOf('string')
  })

  it('can be changed, even to itself, but not to the name of another', async () => {
    const id = await create('Before')
    await create('Somebody else’s')
    const rename = (name: string, formatId = id) =>
      renameFormat(test.books, test.accountId, { formatId, name })
    await rename('After')
    await rename('After')
    expect(await formatNow(test, id)).toMatchObject({ name: 'After' })
    await expect(rename('Somebody else’s')).rejects.toThrow(NameTakenError)
    await expect(rename(' ')).rejects.toThrow(InvalidInputError)
    await expect(rename('After', randomUUID())).rejects.toThrow(NotFoundError)
  })

  it('cannot be changed by another account', async () => {
    const id = await create('Mine')
    const other = await newAccount(test.books)
    await expect(renameFormat(test.books, other, { formatId: id, name: 'Theirs' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      path: ['formatId'],
    })
    expect(await formatNow(test, id)).toMatchObject({ name: 'Mine' })
  })

  it('is given to one of two formats that are created at the same moment', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => create('Wanted by all')))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NameTakenError)
  })

  it('is refused if another format is renamed to it at the same moment', async () => {
    const id = await create('To be renamed')
    const renaming = await test.books.connections.connect()
    try {
      await renaming.query('BEGIN')
      await renaming.query('SELECT 1 FROM catalog WHERE account_id = $1 FOR NO KEY UPDATE', [test.accountId])
      await renaming.query('UPDATE format SET name = $2 WHERE id = $1', [id, 'Contested'])
      const refused = expect(create('Contested')).rejects.toThrow(NameTakenError)
      await waitUntilSomebodyWaitsFor(renaming)
      await renaming.query('COMMIT')
      await refused
    } finally {
      renaming.release()
    }
  })
})

describe('overlaps', () => {
  it.each([
    ['itself', { prefix: 'A-' }, { prefix: 'A-' }],
    ['a prefix that the other can make', { prefix: 'B1' }, { prefix: 'B', body: { length: 5 } }],
    ['a suffix beside a prefix', { prefix: 'C9' }, { suffix: '99', characters: { list: '9C' } }],
    [
      'characters that are only partly the same',
      { prefix: 'D-' },
      { prefix: 'D-', characters: { list: '9X' } },
    ],
    ['a pattern that spells the same', { prefix: 'E-' }, { body: { pattern: 'E\\-####' } }],
  ] satisfies [string, Partial<ShapeInput>, Partial<ShapeInput>][])(
    'with %s are refused, and the other is named',
    async (_what, first, second) => {
      const name = `The first: ${randomUUID()}`
      const id = await create(name, shape(first))
      const refused = create(randomUUID(), shape(second))
      await expect(refused).rejects.toThrow(FormatOverlapError)
      await expect(refused).rejects.toMatchObject({
        code: 'FORMAT_OVERLAP',
        path: ['shape'],
        formatId: id,
        message: expect.stringContaining(name),
      })
    },
  )

  it.each([
    ['another length', { prefix: 'P-' }, { prefix: 'P-', body: { length: 5 } }],
    ['other characters', { prefix: 'Q-' }, { prefix: 'Q-', characters: { set: 'UPPERCASE' } }],
    ['another case', { prefix: 'R-' }, { prefix: 'r-' }],
    [
      'a literal where the other has other characters',
      { prefix: 'S' },
      { prefix: 'S', body: { pattern: '###X' } },
    ],
    ['a "#" for a prefix', { prefix: '#-' }, { body: { pattern: 'T-####' } }],
  ] satisfies [string, Partial<ShapeInput>, Partial<ShapeInput>][])(
    'that only look so are accepted: %s',
    async (_what, first, second) => {
      await create(randomUUID(), shape(first))
      await expect(create(randomUUID(), shape(second))).resolves.toBeTypeOf('string')
    },
  )

  it('with a format of another account are allowed', async () => {
    const other = await newAccount(test.books)
    const same = anyShape()
    await create(randomUUID(), same)
    await expect(create(randomUUID(), same, other)).resolves.toBeTypeOf('string')
    expect((await previewFormat(test.books, other, anyShape())).overlaps).toEqual([])
  })

  it('let only one of two formats be created at the same moment', async () => {
    const elsewhere = await test.another()
    const prefix = randomUUID()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        createFormat(i % 2 === 0 ? test.books : elsewhere, test.accountId, {
          name: randomUUID(),
          shape: shape({ prefix, characters: { list: `ABCD${i}` } }),
        }),
      ),
    )
    const created = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(created).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'FORMAT_OVERLAP', formatId: created[0]?.value })
  })
})

describe('the preview of a format', () => {
  it('lists the formats that prevent its creation, ten at most', async () => {
    const accountId = await newAccount(test.books)
    const place = { books: test.books, accountId }
    const ids: string[] = []
    for (let digit = 0; digit < 10; digit++)
      ids.push(await create(`Digit ${digit}`, shape({ prefix: String(digit) }), accountId))
    await create('Letters', shape({ prefix: 'X' }), accountId)
    const wide = shape({ body: { length: 5 } })
    expect((await previewFormat(test.books, accountId, wide)).overlaps).toEqual(ids)
    await create('One more', shape({ prefix: '0', characters: { set: 'UPPERCASE' } }), accountId)
    const wider = shape({ body: { length: 5 }, characters: { set: 'UPPERCASE_DIGITS' } })
    expect((await previewFormat(test.books, accountId, wider)).overlaps).toHaveLength(10)
    expect(await formatNow(place, ids[0] ?? '')).toMatchObject({ next: 0n })
  })

  it('creates nothing', async () => {
    const made = anyShape()
    await previewFormat(test.books, test.accountId, made)
    expect((await previewFormat(test.books, test.accountId, made)).overlaps).toEqual([])
  })

  it('warns of codes that can be guessed, and of characters that people mix up', async () => {
    const warnings = async (parts: Partial<ShapeInput>) =>
      (await previewFormat(test.books, test.accountId, shape(parts))).warnings.map(({ code }) => code)
    expect(await warnings({})).toEqual(['GUESSABLE'])
    expect(await warnings({ body: { length: 20 }, characters: { list: 'O0X' } })).toContain('LOOK_ALIKES')
    expect(await warnings({ body: { length: 12 }, characters: { set: 'UNAMBIGUOUS' } })).toEqual([])
  })

  it('refuses what createFormat refuses, with paths into the shape', async () => {
    const preview = previewFormat(test.books, test.accountId, shape({ body: { length: 300 } }))
    await expect(preview).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['shape', 'body', 'length'] })
  })
})

describe('the capacity of a format', () => {
  it('is exact up to 2^96', async () => {
    const id = await newFormat(test, { length: 48, characters: { list: 'ABCD' } })
    const format = await formatNow(test, id)
    expect(format.capacity).toBe(2n ** 96n)
    expect(availableForGeneration(format)).toBe(2n ** 96n)
  })

  it('is refused above 2^96', async () => {
    await expect(
      create('Too large', shape({ body: { length: 49 }, characters: { list: 'ABCD' } })),
    ).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['shape', 'body', 'length'] })
  })
})

describe('the code space of a stored format', () => {
  it('is the same in every process', async () => {
    const id = await newFormat(test)
    const one = await new CodeSpaces().get(test.books, test.accountId, id)
    const two = await new CodeSpaces().get(await test.another(), test.accountId, id)
    expect(one).toBeInstanceOf(CodeSpace)
    expect(two.codesAt(0n, 100)).toEqual(one.codesAt(0n, 100))
  })

  it.each([
    ['key', `key = sha256(key)`],
    ['pattern', `pattern = replace(pattern, '-', '+')`],
    ['characters', `characters = reverse(characters)`],
  ])('is refused if its %s was changed in the database', async (_what, change) => {
    const id = await newFormat(test, { length: 20 })
    await test.books.rows({ text: `UPDATE format SET ${change} WHERE id = $1`, values: [id] })
    await expect(new CodeSpaces().get(test.books, test.accountId, id)).rejects.toThrow(/no longer yields/)
  })

  it('does not exist for another account', async () => {
    const id = await newFormat(test)
    const other = await newAccount(test.books)
    await expect(new CodeSpaces().get(test.books, other, id)).rejects.toThrow(/does not exist/)
  })
})

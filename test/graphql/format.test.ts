import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { done, generate, mutate, newFormat, newPool, type Shape } from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

interface Preview {
  __typename: string
  message?: string
  path?: string[]
  issues?: { path: string[]; message: string }[]
  pattern: string
  characters: string
  capacity: string
  examples: string[]
  overlaps: { id: string; name: string }[]
  warnings: { code: string; message: string }[]
}

async function preview(shape: Shape): Promise<Preview> {
  const { previewFormat } = await client.ask<{ previewFormat: Preview }>(
    `query ($shape: FormatShapeInput!) {
      previewFormat(shape: $shape) {
        __typename
        ... on FormatPreview {
          pattern characters capacity examples overlaps { id name } warnings { code message }
        }
        ... on InvalidInputError { message path issues { path message } }
      }
    }`,
    { shape },
  )
  return previewFormat
}

const digits = { set: 'DIGITS' }

describe('a preview', () => {
  test('shows pattern, characters, exact capacity, examples and warnings', async () => {
    const seen = await preview({
      prefix: `#${randomUUID()}\\`,
      suffix: '-X',
      body: { pattern: '###-\\#-###' },
      characters: { set: 'UNAMBIGUOUS' },
    })
    expect(seen.__typename).toBe('FormatPreview')
    expect(seen.pattern).toMatch(/^\\#.*\\\\###-\\#-###-X$/)
    expect(seen.characters).toBe('BCDFGHJKMPQRTVWXY2346789')
    expect(BigInt(seen.capacity)).toBe(24n ** 6n)
    expect(new Set(seen.examples).size).toBe(3)
    expect(seen.overlaps).toEqual([])
  })

  test('says how hard it would be to guess one of any number of codes', async () => {
    const asking = `query ($shape: FormatShapeInput!, $codes: BigInt!) {
      previewFormat(shape: $shape) { ... on FormatPreview { guessOdds(codes: $codes) } }
    }`
    const shape = { prefix: randomUUID(), body: { length: 6 }, characters: digits }
    const odds = async (codes: string) => {
      const { previewFormat } = await client.ask<{ previewFormat: { guessOdds: string | null } }>(asking, {
        shape,
        codes,
      })
      return previewFormat.guessOdds
    }
    expect(await Promise.all(['1', '3', '1000000', '1000001', String(10n ** 39n)].map(odds))).toEqual([
      '1000000',
      '333333',
      '1',
      null,
      null,
    ])
    for (const codes of ['0', '-1']) {
      const { errors } = await client.send(asking, { shape, codes })
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT'])
      expect(errors?.[0]?.message).toBe(`codes is ${codes}. It must be at least 1.`)
    }
  })

  test('warns of codes that can be guessed and of characters that people confuse', async () => {
    const { warnings } = await preview({
      prefix: randomUUID(),
      body: { length: 3 },
      characters: { set: 'MIXED_DIGITS' },
    })
    expect(warnings.map((warning) => warning.code).sort()).toEqual(['GUESSABLE', 'LOOK_ALIKES'])
    for (const { message } of warnings) expect(message.length).toBeGreaterThan(20)
  })

  test('gives the same warnings as creating the format', async () => {
    const shapes: Shape[] = [
      { body: { length: 3 }, characters: { set: 'MIXED_DIGITS' } },
      { body: { length: 12 }, characters: digits },
      { body: { pattern: '#####-#####-#####' }, characters: { set: 'UNAMBIGUOUS' } },
    ]
    const told: string[][] = []
    for (const shape of shapes.map((one) => ({ ...one, prefix: randomUUID() }))) {
      const { warnings } = await preview(shape)
      const created = await done<Pick<Preview, 'warnings'>>(
        client,
        'createFormat',
        { name: randomUUID(), shape },
        'warnings { code message }',
      )
      expect(created.warnings).toEqual(warnings)
      told.push(warnings.map(({ code }) => code))
    }
    expect(told).toEqual([['GUESSABLE', 'LOOK_ALIKES'], ['GUESSABLE'], []])
  })

  test('names the formats it would overlap with, and creates nothing', async () => {
    const prefix = randomUUID()
    const formatId = await newFormat(client, { prefix: `${prefix}-A` })
    const before = await client.ask<{ formats: { totalCount: string } }>('{ formats { totalCount } }')
    const overlapping = await preview({
      prefix: `${prefix}-`,
      body: { length: 11 },
      characters: { set: 'UPPERCASE' },
    })
    expect(overlapping.overlaps.map((format) => format.id)).toEqual([formatId])
    // Its first random character is never the A that the other begins with.
    const beside = await preview({
      prefix: `${prefix}-`,
      body: { length: 11 },
      characters: { set: 'UNAMBIGUOUS' },
    })
    expect(beside.overlaps).toEqual([])
    expect(await client.ask('{ formats { totalCount } }')).toEqual(before)
  })

  test('shows the same examples as the format that is created from it, at every read', async () => {
    const shape = { prefix: randomUUID(), body: { length: 8 }, characters: digits }
    const { examples } = await preview(shape)
    const formatId = await newFormat(client, shape)
    const read = () =>
      client.ask<{ format: { examples: string[]; few: string[]; none: string[]; many: string[] } }>(
        `query ($id: ID!) {
          format(id: $id) { examples few: examples(count: 1) none: examples(count: 0) many: examples(count: 20) }
        }`,
        { id: formatId },
      )
    const first = await read()
    expect(first.format).toMatchObject({ examples, few: examples.slice(0, 1), none: [] })
    expect(new Set(first.format.many).size).toBe(20)
    expect(await read()).toEqual(first)
  })

  test.each([-1, 21, 2 ** 31 - 1])('%d examples are BAD_USER_INPUT', async (count) => {
    const formatId = await newFormat(client)
    const { errors, data } = await client.send(
      'query ($id: ID!, $count: Int!) { format(id: $id) { examples(count: $count) } }',
      { id: formatId, count },
    )
    expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
    expect(data).toEqual({ format: null })
  })
})

describe('an invalid shape', () => {
  const length = (value: number) => ({ body: { length: value }, characters: digits })
  const list = (value: string) => ({ body: { length: 5 }, characters: { list: value } })
  const pattern = (value: string) => ({ body: { pattern: value }, characters: digits })
  const wrong: [what: string, shape: Shape, path: string, message: RegExp][] = [
    ['length 0', length(0), 'shape.body.length', /0/],
    ['length -1', length(-1), 'shape.body.length', /-1/],
    ['length 300', length(300), 'shape.body.length', /300/],
    ['length 2^31 - 1', length(2 ** 31 - 1), 'shape.body.length', /2147483647/],
    ['more codes than 2^96', length(29), 'shape.body.length', /2\^96/],
    ['no characters', list(''), 'shape.characters.list', /two|least/],
    ['one character', list('A'), 'shape.characters.list', /two|least/],
    ['a character twice', list('ABCA'), 'shape.characters.list', /A/],
    ['an emoji', list('AB😀'), 'shape.characters.list', /./],
    ['a combining mark', list('Ae\u0301'), 'shape.characters.list', /./],
    ['a space', list('A B'), 'shape.characters.list', /space/i],
    ['a control character', list('A\u0007B'), 'shape.characters.list', /./],
    ['NUL', list('A\0B'), 'shape.characters.list', /./],
    ['half a surrogate pair', list('A\ud800B'), 'shape.characters.list', /./],
    ['a zero-width joiner', list('A\u200dB'), 'shape.characters.list', /./],
    ['a pattern without #', pattern('SUMMER'), 'shape.body.pattern', /#/],
    ['an empty pattern', pattern(''), 'shape.body.pattern', /./],
    ['a pattern of escapes alone', pattern('\\#\\#'), 'shape.body.pattern', /#/],
    ['an escape at the end', pattern('####\\'), 'shape.body.pattern', /\\/],
    ['a pattern that is too long', pattern('#'.repeat(1_000)), 'shape.body.pattern', /./],
    ['an emoji in the prefix', { ...length(5), prefix: '🎁' }, 'shape.prefix', /./],
    ['a line break in the suffix', { ...length(5), suffix: 'A\nB' }, 'shape.suffix', /./],
    ['a prefix of 10,000 characters', { ...length(5), prefix: 'A'.repeat(10_000) }, 'shape.prefix', /./],
  ]

  test.each(wrong)(
    'with %s is reported by previewFormat and by createFormat',
    async (_what, shape, path, message) => {
      const seen = await preview(shape)
      expect(seen.__typename).toBe('InvalidInputError')
      expect(seen.issues?.map((issue) => issue.path.join('.'))).toContain(path)
      expect(seen.issues?.find((issue) => issue.path.join('.') === path)?.message).toMatch(message)
      expect(seen.message?.length).toBeGreaterThan(20)
      const created = await mutate(client, 'createFormat', { name: randomUUID(), shape })
      expect(created.issues).toEqual(seen.issues)
      expect(created).toMatchObject({
        __typename: 'InvalidInputError',
        code: 'INVALID_INPUT',
        path: seen.path,
      })
    },
  )

  test('reports all mistakes together, and then no single path', async () => {
    const created = await mutate(client, 'createFormat', {
      name: ' ',
      shape: { prefix: '\n', suffix: '🎁', body: { length: 0 }, characters: { list: 'AA' } },
    })
    expect(created.__typename).toBe('InvalidInputError')
    expect(created.path).toEqual([])
    const paths = created.issues?.map((issue) => issue.path.join('.'))
    expect(paths).toEqual(
      expect.arrayContaining([
        'name',
        'shape.prefix',
        'shape.suffix',
        'shape.body.length',
        'shape.characters.list',
      ]),
    )
  })
})

describe('a format', () => {
  test('has an exact capacity, up to 2^96', async () => {
    const list = Array.from({ length: 64 }, (_, i) => String.fromCharCode(0x4e00 + i)).join('')
    const { format } = await done<{ format: { capacity: string; availableForGeneration: string } }>(
      client,
      'createFormat',
      { name: randomUUID(), shape: { body: { length: 16 }, characters: { list } } },
      'format { capacity availableForGeneration }',
    )
    expect(format).toEqual({ capacity: String(2n ** 96n), availableForGeneration: String(2n ** 96n) })
  })

  test('can be used up to its very last code', async () => {
    const list = Array.from({ length: 64 }, (_, i) => String.fromCharCode(0x5000 + i)).join('')
    const formatId = await newFormat(client, { prefix: '', body: { length: 16 }, characters: { list } })
    const poolId = await newPool(client)
    await generate(client, { poolId, formatId, quantity: String(2n ** 96n) })
    const { pool, format } = await client.ask<{ pool: object; format: object }>(
      `query ($pool: ID!, $format: ID!) {
        pool(id: $pool) { availableCount codes(status: AVAILABLE, last: 1) { totalCount edges { node { status } } } }
        format(id: $format) { availableForGeneration generatedCount reservedCount guessOdds }
      }`,
      { pool: poolId, format: formatId },
    )
    const all = String(2n ** 96n)
    expect(pool).toEqual({
      availableCount: all,
      codes: { totalCount: all, edges: [{ node: { status: 'AVAILABLE' } }] },
    })
    expect(format).toEqual({
      availableForGeneration: '0',
      generatedCount: all,
      reservedCount: '0',
      guessOdds: '1',
    })
  })

  test('that could produce the codes of another is refused with the name of the other', async () => {
    const prefix = randomUUID()
    const formatId = await newFormat(client, { prefix, body: { length: 6 }, characters: digits })
    const refused = await mutate<{ format: { id: string; name: string } }>(
      client,
      'createFormat',
      { name: randomUUID(), shape: { prefix: `${prefix}7`, body: { length: 5 }, characters: digits } },
      '',
    )
    expect(refused).toMatchObject({
      __typename: 'FormatOverlapError',
      code: 'FORMAT_OVERLAP',
      path: ['shape'],
    })
    expect(refused.message).toContain(prefix)
    const { createFormat } = await client.ask<{ createFormat: object }>(
      `mutation ($input: CreateFormatInput!) {
        createFormat(input: $input) { ... on FormatOverlapError { format { id } } }
      }`,
      {
        input: {
          name: randomUUID(),
          shape: { prefix: `${prefix}7`, body: { length: 5 }, characters: digits },
        },
      },
    )
    expect(createFormat).toEqual({ format: { id: formatId } })
  })

  test.each([
    ['of another length', (prefix: string) => ({ prefix, body: { length: 7 } })],
    [
      'with a prefix that only looks alike',
      (prefix: string) => ({ prefix: `${prefix}A`, body: { length: 5 } }),
    ],
    [
      'in which a literal stands where the other has a digit',
      (prefix: string) => ({ prefix, body: { pattern: '###-##' } }),
    ],
  ])('%s is no overlap', async (_what, shape) => {
    const prefix = randomUUID()
    await newFormat(client, { prefix, body: { length: 6 }, characters: digits })
    await newFormat(client, { ...shape(prefix), characters: digits })
  })

  test('is renamed without any other change', async () => {
    const formatId = await newFormat(client)
    const fields = 'pattern characters capacity examples createdAt'
    const asking = `query ($id: ID!) { format(id: $id) { ${fields} } }`
    const before = await client.ask(asking, { id: formatId })
    const name = randomUUID()
    const renamed = await mutate<{ format: object }>(
      client,
      'renameFormat',
      { formatId, name },
      'format { id name }',
    )
    expect(renamed.format).toEqual({ id: formatId, name })
    expect(await client.ask(asking, { id: formatId })).toEqual(before)
    const again = await mutate<{ format: object }>(
      client,
      'renameFormat',
      { formatId, name },
      'format { id name }',
    )
    expect(again.format).toEqual({ id: formatId, name })
  })
})

describe('explicit nulls', () => {
  test('are refused where there is a default, and the message names the field', async () => {
    const shape = { body: { length: 5 }, characters: digits }
    for (const [name, value] of [
      ['prefix', null],
      ['suffix', null],
    ] as const) {
      const { errors } = await client.send(
        'query ($shape: FormatShapeInput!) { previewFormat(shape: $shape) { __typename } }',
        { shape: { ...shape, [name]: value } },
      )
      expect(errors?.map((error) => error.extensions.code)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
      expect(errors?.[0]?.message).toContain(name)
    }
  })
})

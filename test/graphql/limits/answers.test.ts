import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { Pacer } from '../../../src/async/pacer.ts'
import { AnswerRoom, type Reader } from '../../../src/graphql/limits/answer-room.ts'
import { Answers, jsonPieces } from '../../../src/graphql/limits/answers.ts'
import { newStock } from '../../support/api.ts'
import { streamed } from '../../support/event-stream.ts'
import { useClient, useService } from '../../support/service.ts'
import { Socket } from '../../support/socket.ts'

test('JSON in pieces is the same as in one piece', () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.string(), fc.option(fc.string(), { nil: undefined })),
  )
  fc.assert(
    fc.property(value, (any) => {
      expect([...jsonPieces(any)].join('')).toBe(JSON.stringify(any))
    }),
  )
  const long = { list: Array.from({ length: 10_000 }, (_, i) => ({ i, text: `"${i}"`, none: null })) }
  const pieces = [...jsonPieces(long)]
  expect(pieces.length).toBeGreaterThan(10)
  expect(pieces.join('')).toBe(JSON.stringify(long))
})

describe('an answer', () => {
  const answers = new Answers(new Pacer(), 1_000)

  test('of the maximum length is written unchanged', async () => {
    const data = { text: 'x'.repeat(1_000 - '{"text":""}'.length) }
    const result = await answers.written({ data, extensions: { a: 1 } })
    expect(answers.json(result).join('')).toBe(JSON.stringify({ data, extensions: { a: 1 } }))
  })

  test('that is longer is refused', async () => {
    for (const data of [{ text: 'x'.repeat(1_000) }, { list: Array.from({ length: 1e6 }, () => '€') }]) {
      const result = await answers.written({ data })
      expect(result).toMatchObject({ data: null, errors: [{ extensions: { code: 'ANSWER_TOO_LARGE' } }] })
      expect(JSON.parse(answers.json(result).join(''))).toMatchObject({ data: null })
    }
  })

  test('has at most five hundred errors', async () => {
    const error = (await answers.written({ data: { text: 'x'.repeat(1_000) } })).errors ?? []
    const { errors } = await answers.written({
      data: null,
      errors: Array.from({ length: 5_000 }, () => error).flat(),
    })
    expect(errors).toHaveLength(500)
  })
})

test('an answer that turns out long waits for its client like one that was weighed as long', async () => {
  const answers = new Answers(new Pacer())
  const room = new AnswerRoom(answers)
  let waited = 0
  const isWanted = () => true
  const enqueueLong = async <T>(run: () => Promise<T>) => {
    waited += 1
    return await run()
  }
  const execute = async (data: Record<string, unknown>, client: Reader) => {
    const work = () => ({ data })
    const result = await room.answer('key', { bytes: 10, values: 1 }, { ...client, execute: work })
    return answers.json(result).join('')
  }
  const [short, long] = [{ text: 'short' }, { text: 'x'.repeat(2_000_000) }]
  expect(await execute(short, { isWanted, enqueueLong })).toBe(JSON.stringify({ data: short }))
  expect(waited).toBe(0)
  expect(await execute(long, { isWanted, enqueueLong })).toBe(JSON.stringify({ data: long }))
  expect(waited).toBe(1)
  expect(await execute(long, { isWanted })).toBe(JSON.stringify({ data: long }))
})

describe('an answer that turns out too long', () => {
  const service = useService()
  const client = useClient(service)
  let query: string

  beforeAll(async () => {
    const { poolId } = await newStock(client, 100)
    const input = { poolId, count: 100, recipient: `x${'\u0001'.repeat(999)}` }
    await client.ask('mutation ($input: ClaimCodesInput!) { claimCodes(input: $input) { __typename } }', {
      input,
    })
    // Recipients are usually much shorter than these.
    const recipients = Array.from({ length: 60 }, (_, i) => `r${i}: recipient`).join(' ')
    query = `{ pool(id: "${poolId}") { codes(status: CLAIMED, first: 100) { edges { node { ${recipients} } } } } }`
  })

  const cutOff = { data: null, errors: [{ extensions: { code: 'ANSWER_TOO_LARGE' } }] }

  test('is cut off over HTTP', async () => {
    const answer = await client.send(query)
    expect(answer).toMatchObject({ status: 200, ...cutOff })
    expect(answer.errors?.[0]?.message).toMatch(/32,000,000 bytes.* fewer items/s)
  })

  test('is cut off over WebSocket', async () => {
    await using socket = await Socket.connect(service, client.authorization())
    socket.subscribe('only', query)
    expect(await socket.next('only')).toMatchObject({ type: 'next', payload: cutOff })
    expect(await socket.next('only')).toMatchObject({ type: 'complete' })
  })

  test('is the same over HTTP and WebSocket if it is long but within the limit', async () => {
    const long = query.replace(/ r[1-9]\d*: recipient/g, '')
    const { data } = await client.send<{ pool: { codes: { edges: object[] } } }>(long)
    expect(data.pool.codes.edges).toHaveLength(100)
    await using socket = await Socket.connect(service, client.authorization())
    for (const id of ['{"long":"1"}', 'b']) socket.subscribe(id, long)
    for (const id of ['b', '{"long":"1"}'])
      expect(await socket.next(id)).toEqual({ id, type: 'next', payload: { data } })
    const failing = long.replace(
      '{ pool(',
      '{ node(id: "x") { id } code(code: "x") { id } nothing: pools(first: 0) { totalCount } pool(',
    )
    socket.subscribe('c', failing)
    expect(await socket.next('c')).toMatchObject({ payload: { data: null, errors: [{ path: ['nothing'] }] } })
  })

  test('is cut off over server-sent events', async () => {
    expect(await streamed(service, client, query)).toMatchObject([cutOff])
  })
})

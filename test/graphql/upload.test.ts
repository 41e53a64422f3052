import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { beforeAll, describe, expect, test } from 'vitest'
import { transaction } from '../../src/database/transaction.ts'
import { encodeId, uuidOf } from '../../src/graphql/ids.ts'
import { generate, mutate, newFormat, newPool, stranger, withScopes } from '../support/api.ts'
import { openBooks } from '../support/books.ts'
import { runSql } from '../support/database.ts'
import { useClient, useService } from '../support/service.ts'
import { Socket } from '../support/socket.ts'
import {
  codesFile,
  ended,
  postCodes,
  sendForm,
  type UploadOutcome,
  uploadByForm,
  uploadDocument,
  uploadForm,
} from '../support/upload-api.ts'

const maxUploadBytes = 3_000_000

const service = useService({ maxUploadBytes })
const client = useClient(service)
let poolId: string

beforeAll(async () => {
  poolId = await newPool(client)
})

/** A prefix that no other test uses. */
const newName = () => randomUUID().slice(0, 13)

const count = async (from: string) =>
  Number((await runSql<{ count: string }>(service.databaseUrl, `SELECT count(*) FROM ${from}`))[0]?.count)

/** The number of files that are stored although no upload needs them. */
const remains = () => count('upload_piece WHERE task_id NOT IN (SELECT id FROM task WHERE has_work)')

const codesOf = (errors: readonly { extensions: { code: string } }[] | undefined) =>
  errors?.map((error) => error.extensions.code)

test('an upload reports its progress while its file is read, and each status once', async () => {
  await using place = await openBooks(service)
  const file = codesFile(newName(), 120_000)
  const { task } = await uploadByForm(service, client, { poolId }, file)
  const updates = client.subscribe<{
    taskUpdated: { status: string; progress: number; upload: { rowsRead: string } }
  }>('subscription ($id: ID!) { taskUpdated(id: $id) { status progress upload { rowsRead } } }', {
    id: task?.id,
  })
  const taskId = uuidOf('Task', task?.id ?? '')
  const rowsRead = async () =>
    (
      await runSql<{ rows_read: string }>(
        service.databaseUrl,
        `SELECT rows_read FROM task WHERE id = '${taskId}'`,
      )
    )[0]?.rows_read
  while ((await rowsRead()) === '0');
  const told: { status: string; progress: number; rowsRead: number }[] = []
  const next = async () => {
    const { value, done } = await updates.next()
    const update = value?.data?.taskUpdated
    if (done || update === undefined) return false
    told.push({ ...update, rowsRead: Number(update.upload.rowsRead) })
    return true
  }
  // While this locks the catalog, no chunk is added.
  await transaction(place.books.connections, async (tx) => {
    await tx.rows({ text: 'SELECT account_id FROM catalog FOR NO KEY UPDATE' })
    const stopped = Number(await rowsRead())
    expect(stopped).toBeLessThan(120_000)
    while (told.at(-1)?.rowsRead !== stopped) await next()
    expect(told.at(-1)).toMatchObject({ status: 'RUNNING' })
    expect(told.at(-1)?.progress).toBeCloseTo(stopped / 120_000, 1)
  })
  while (await next());
  expect(told.at(-1)).toMatchObject({ status: 'COMPLETED', progress: 1, rowsRead: 120_000 })
  expect(told.map((update) => update.rowsRead)).toEqual(
    told.map((update) => update.rowsRead).toSorted((a, b) => a - b),
  )
  expect([...new Set(told.map(({ status }) => status))].slice(-2)).toEqual(['RUNNING', 'COMPLETED'])
})

describe('a file that is sent as a form', () => {
  test('returns the task as it was created, and its codes are added to the pool', async () => {
    const outcome = await uploadByForm(service, client, { poolId }, codesFile(newName(), 1_200))
    expect(outcome).toMatchObject({
      __typename: 'UploadCodesPayload',
      task: {
        kind: 'UPLOAD',
        status: 'AWAITING_EXECUTION',
        progress: 0,
        upload: { rowsRead: '0', dryRun: false, column: null },
      },
    })
    expect(await ended(client, outcome.task?.id ?? '')).toMatchObject({
      status: 'COMPLETED',
      addedCount: '1200',
      generatedCount: '0',
      upload: { rowsRead: '1200', accepted: '1200' },
    })
  })

  test('may be larger than any other request, and is read while it arrives', async () => {
    const file = codesFile(newName().padEnd(200, '-'), 12_000)
    expect(file.length).toBeGreaterThan(2_000_000)
    const outcome = await uploadByForm(service, client, { poolId }, file)
    expect(await ended(client, outcome.task?.id ?? '')).toMatchObject({ addedCount: '12000' })
  })

  test('is read from the named column', async () => {
    const file = `code,voucher\n1,${newName()}\n2,${newName()}\n`
    const outcome = await uploadByForm(service, client, { poolId, column: 'voucher' }, file)
    expect(outcome.task?.upload).toMatchObject({ column: 'voucher' })
    expect(await ended(client, outcome.task?.id ?? '')).toMatchObject({ addedCount: '2' })
  })

  test('with an idempotencyKey is one upload with one answer, however often it is sent', async () => {
    const input = { poolId, idempotencyKey: randomUUID() }
    const file = codesFile(newName(), 5)
    const first = await uploadByForm(service, client, input, file)
    await ended(client, first.task?.id ?? '')
    expect(await uploadByForm(service, client, input, file)).toEqual(first)
    const other = await uploadByForm(service, client, input, `${file}more\n`)
    expect(other).toMatchObject({ __typename: 'IdempotencyConflictError', path: ['idempotencyKey'] })
    expect(await remains()).toBe(0)
  })

  test.each([
    ['an empty file', { file: '' }, ['file'], /empty/],
    ['a file above the limit', { file: 'a'.repeat(maxUploadBytes + 1) }, ['file'], /3,000,000 bytes/],
    ['an empty column', { column: '' }, ['column'], /empty/],
    ['a key that is too long', { idempotencyKey: 'k'.repeat(256) }, ['idempotencyKey'], /255/],
  ])('%s is an InvalidInputError', async (_what, given, path, message) => {
    const { file = 'code', ...input }: { file?: string; column?: string; idempotencyKey?: string } = given
    const outcome = await uploadByForm(service, client, { poolId, ...input }, file)
    expect(outcome).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT', path })
    expect(outcome.message).toMatch(message)
    expect(await remains()).toBe(0)
  })

  test("for another account's pool is refused as for one that does not exist", async () => {
    const theirs = await newPool(await stranger(service))
    for (const other of [theirs, encodeId('Pool', randomUUID())])
      expect(await uploadByForm(service, client, { poolId: other }, 'code')).toMatchObject({
        __typename: 'NotFoundError',
        message: 'There is no pool with this id in your account.',
        path: ['poolId'],
      })
  })

  test('needs a key, with the scope MANAGE', async () => {
    const form = uploadForm({ poolId }, 'code')
    const anonymous = await sendForm(service, undefined, form)
    expect([anonymous.status, codesOf(anonymous.errors)]).toEqual([401, ['UNAUTHENTICATED']])
    const others = await withScopes(service, client, ['READ', 'CLAIM', 'ADMIN'])
    const refused = await sendForm(service, others, form)
    expect(codesOf(refused.errors)).toEqual(['FORBIDDEN'])
    expect(refused.errors?.[0]?.message).toContain('MANAGE')
    const managing = await withScopes(service, client, ['MANAGE'])
    expect((await sendForm<{ result: UploadOutcome }>(service, managing, form)).data.result.__typename).toBe(
      'UploadCodesPayload',
    )
  })

  test('can be read by one field of its operation only, and the next one fails', async () => {
    const { data } = await sendForm<Record<'a' | 'b', UploadOutcome>>(
      service,
      client,
      uploadForm(
        { poolId },
        codesFile(newName(), 1),
        `mutation ($input: UploadCodesInput!) {
          a: uploadCodes(input: $input) { __typename }
          b: uploadCodes(input: $input) { __typename ... on UserError { message path } }
        }`,
      ),
    )
    expect(data.a.__typename).toBe('UploadCodesPayload')
    expect(data.b).toMatchObject({ __typename: 'InvalidInputError', path: ['file'] })
  })
})

describe('a form', () => {
  const input = () => ({ query: uploadDocument, variables: { input: { poolId, file: null } } })
  const operations = () => JSON.stringify(input())
  const map = JSON.stringify({ codes: ['variables.input.file'] })
  const file = new File(['code'], 'codes.csv')

  test('may have an operation without a file', async () => {
    const query = JSON.stringify({ query: '{ account { name } }' })
    const reply = await sendForm(service, client, [
      ['operations', query],
      ['map', '{}'],
    ])
    expect(reply).toEqual({ status: 200, data: { account: { name: 'First account' } } })
  })

  test.each<[string, () => [string, string | File][]]>([
    ['no parts', () => []],
    [
      'no operations',
      () => [
        ['map', map],
        ['codes', file],
      ],
    ],
    [
      'no map',
      () => [
        ['operations', operations()],
        ['codes', file],
      ],
    ],
    [
      'the file first',
      () => [
        ['codes', file],
        ['operations', operations()],
        ['map', map],
      ],
    ],
    [
      'the map behind the file',
      () => [
        ['operations', operations()],
        ['codes', file],
        ['map', map],
      ],
    ],
    [
      'operations that are not JSON',
      () => [
        ['operations', '{'],
        ['map', map],
        ['codes', file],
      ],
    ],
    [
      'operations that are null',
      () => [
        ['operations', 'null'],
        ['map', map],
        ['codes', file],
      ],
    ],
    [
      'several operations',
      () => [
        ['operations', `[${operations()}]`],
        ['map', map],
        ['codes', file],
      ],
    ],
    [
      'a map that is not JSON',
      () => [
        ['operations', operations()],
        ['map', '{'],
        ['codes', file],
      ],
    ],
    [
      'a map that is a list',
      () => [
        ['operations', operations()],
        ['map', '[]'],
        ['codes', file],
      ],
    ],
    [
      'a map of numbers',
      () => [
        ['operations', operations()],
        ['map', '{"codes":1}'],
        ['codes', file],
      ],
    ],
    [
      'a map to nowhere',
      () => [
        ['operations', operations()],
        ['map', '{"codes":[]}'],
        ['codes', file],
      ],
    ],
    [
      'a map to two places',
      () => [
        ['operations', operations()],
        ['map', '{"codes":["variables.input.file","variables.input.other"]}'],
        ['codes', file],
      ],
    ],
    [
      'a map to what is not null',
      () => [
        ['operations', operations()],
        ['map', '{"codes":["variables.input.poolId"]}'],
        ['codes', file],
      ],
    ],
    [
      'a map to what is not there',
      () => [
        ['operations', operations()],
        ['map', '{"codes":["variables.input.csv"]}'],
        ['codes', file],
      ],
    ],
    [
      'a map out of the variables',
      () => [
        ['operations', operations()],
        ['map', '{"codes":["query"]}'],
        ['codes', file],
      ],
    ],
    [
      'a map into the prototype',
      () => [
        ['operations', operations()],
        ['map', '{"codes":["variables.__proto__.file"]}'],
        ['codes', file],
      ],
    ],
    [
      'a map of two files',
      () => [
        ['operations', operations()],
        ['map', '{"codes":["variables.input.file"],"more":["variables.more"]}'],
        ['codes', file],
        ['more', file],
      ],
    ],
    [
      'a file that the map does not name',
      () => [
        ['operations', operations()],
        ['map', map],
        ['other', file],
      ],
    ],
    [
      'a map that names no file',
      () => [
        ['operations', operations()],
        ['map', map],
      ],
    ],
    [
      'a file that is sent as a field',
      () => [
        ['operations', operations()],
        ['map', map],
        ['codes', 'code'],
      ],
    ],
    [
      'an operation above the limit',
      () => [
        ['operations', JSON.stringify({ query: ' '.repeat(1_000_001) })],
        ['map', '{}'],
      ],
    ],
    ['very many parts', () => Array.from({ length: 100 }, (_, i): [string, string] => [`part${i}`, 'x'])],
  ])('with %s is BAD_USER_INPUT, and without a key UNAUTHENTICATED', async (_what, parts) => {
    const { status, errors } = await sendForm(service, client, parts())
    expect([status, codesOf(errors)]).toEqual([400, ['BAD_USER_INPUT']])
    expect(errors?.[0]?.message).toContain('multipart request specification')
    const anonymous = await sendForm(service, undefined, parts())
    expect([anonymous.status, codesOf(anonymous.errors)]).toEqual([401, ['UNAUTHENTICATED']])
  })

  test.each([
    ['without a boundary', 'multipart/form-data', 'x'],
    ['that has nothing to do with its boundary', 'multipart/form-data; boundary=x', operations],
    ['of no bytes', 'multipart/form-data; boundary=x', ''],
  ])('%s is BAD_USER_INPUT', async (_what, type, body) => {
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { ...client.authorization(), 'content-type': type },
      body: typeof body === 'string' ? body : body(),
    })
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] }
    expect([response.status, codesOf(errors)]).toEqual([400, ['BAD_USER_INPUT']])
  })

  describe('that is not sent to its end', () => {
    /** A form that ends in the middle of its file. */
    function begin(): ClientRequest {
      const sent = request(`${service.url}/graphql`, {
        method: 'POST',
        agent: false,
        headers: {
          ...client.authorization(),
          'content-type': 'multipart/form-data; boundary=x',
        },
      })
      const part = (name: string, value: string) =>
        `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
      sent.write(part('operations', operations()) + part('map', map))
      sent.write('--x\r\ncontent-disposition: form-data; name="codes"; filename="codes.csv"\r\n\r\n')
      sent.write('a'.repeat(1_500_000))
      return sent
    }

    test('because the connection is cut leaves nothing behind', async () => {
      const tasks = await count('task')
      const sent = begin()
      sent.on('error', () => undefined)
      await expect.poll(remains).toBeGreaterThan(0)
      sent.destroy()
      await expect.poll(remains).toBe(0)
      expect(await count('task')).toBe(tasks)
    })

    test('although the request ends is BAD_USER_INPUT and leaves nothing behind', async () => {
      const tasks = await count('task')
      const sent = begin()
      sent.end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      let text = ''
      for await (const chunk of response) text += chunk
      const { errors } = JSON.parse(text) as { errors: { message: string; extensions: { code: string } }[] }
      expect(codesOf(errors)).toEqual(['BAD_USER_INPUT'])
      expect(errors[0]?.message).toContain('send it again')
      expect(await remains()).toBe(0)
      expect(await count('task')).toBe(tasks)
    })

    test('is answered as soon as its file is known to be too large', async () => {
      const sent = begin()
      sent.write('a'.repeat(2_000_000))
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      let text = ''
      for await (const chunk of response) text += chunk
      expect(text).toContain('3,000,000 bytes')
      sent.destroy()
      expect(await remains()).toBe(0)
    })
  })
})

describe('a File that is not a file', () => {
  test.each([
    ['a string', 'code'],
    ['an object', {}],
    ['a list', []],
    ['a number', 1],
  ])('but %s in the variables is an error that says how to send one', async (_what, value) => {
    const variables = { input: { poolId, file: value } }
    for (const errors of [
      (await client.send(uploadDocument, variables)).errors,
      await overWebSocket(variables),
    ]) {
      expect(codesOf(errors)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
      expect(errors?.[0]?.message).toMatch(/multipart request specification.*\/pools\/<pool id>\/codes/)
    }
  })

  test('but text in the operation is an error that says how to send one', async () => {
    const { errors } = await client.send(
      `mutation { uploadCodes(input: { poolId: "${poolId}", file: "code" }) { __typename } }`,
    )
    expect(codesOf(errors)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
    expect(errors?.[0]?.message).toContain('multipart request specification')
  })

  test('but null is an error', async () => {
    const { errors } = await client.send(uploadDocument, { input: { poolId, file: null } })
    expect(codesOf(errors)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
  })

  async function overWebSocket(variables: Record<string, unknown>) {
    await using socket = await Socket.connect(service, client.authorization())
    socket.subscribe('1', uploadDocument, variables)
    const { payload } = await socket.next('1')
    return (payload as Awaited<ReturnType<typeof client.send>>).errors
  }
})

describe('the upload of a task', () => {
  test('is null for a generation', async () => {
    const taskId = await generate(client, { poolId, formatId: await newFormat(client), quantity: 1 })
    expect(await client.ask(`{ task(id: "${taskId}") { progress upload { rowsRead } } }`)).toEqual({
      task: { progress: 1, upload: null },
    })
  })

  test('counts every row once', async () => {
    const name = newName()
    await ended(client, (await uploadByForm(service, client, { poolId }, `${name}-old\n`)).task?.id ?? '')
    const file = `code\n${name}-a\n${name}-b\n${name}-old\n${name}-a\n${'x'.repeat(10_000)}\n\n${name}-c\n`
    const { task } = await uploadByForm(service, client, { poolId }, file)
    expect((await ended(client, task?.id ?? '')).upload).toMatchObject({
      rowsRead: '6',
      accepted: '3',
      duplicatesInFile: '1',
      duplicatesInAccount: '1',
      refused: '1',
    })
  })
})

interface HeaderTask {
  status: string
  failure: { code: string; message: string } | null
  upload: {
    header: boolean | null
    accepted: string
    waitingFor: string | null
    warnings: string[]
    layout: {
      headerRow: number | null
      header: string[] | null
      columnNumber: number
      delimiter: string | null
    } | null
  }
}

/** Uploads a file, and resolves to how that ended. */
async function run(file: string, input: object = {}): Promise<HeaderTask> {
  const { task } = await uploadByForm(service, client, { poolId, ...input }, file)
  await ended(client, task?.id ?? '')
  const answer = await client.ask<{ task: HeaderTask }>(
    `query ($id: ID!) { task(id: $id) { status failure { code message } upload {
      header accepted waitingFor warnings layout { headerRow header columnNumber delimiter }
    } } }`,
    { id: task?.id },
  )
  return answer.task
}

describe('the header of a file', () => {
  test('is shown by a dry run, with the column of the codes', async () => {
    const name = newName()
    expect(await run(`Report\n\nNr;Gutscheincode\n1;${name}\n`, { dryRun: true })).toMatchObject({
      status: 'COMPLETED',
      upload: {
        header: null,
        accepted: '1',
        waitingFor: null,
        warnings: [],
        layout: { headerRow: 3, header: ['Nr', 'Gutscheincode'], columnNumber: 2, delimiter: ';' },
      },
    })
    expect((await run(`${name}\n`, { dryRun: true })).upload.layout).toEqual({
      headerRow: null,
      header: null,
      columnNumber: 1,
      delimiter: null,
    })
  })

  test('is asked for if it is not clear, and can be given', async () => {
    // A letter, so that it never looks like a number.
    const name = `K${newName().toUpperCase()}`
    const file = `Zorgbon\n${name}1\n${name}2\n`
    const doubtful = await run(file)
    expect(doubtful).toMatchObject({ status: 'FAILED', failure: { code: 'HEADER_UNCLEAR' } })
    expect(doubtful.failure?.message).toContain(`"Zorgbon", "${name}1" and "${name}2"`)
    expect(doubtful.failure?.message).toMatch(/that it has a header .+ or that it has none/)
    expect((await run(file, { header: true, dryRun: true })).upload).toMatchObject({
      header: true,
      accepted: '2',
    })
    const replies = [true, false].map((header) =>
      postCodes(service, client, poolId, file, { search: { header: String(header), dryRun: 'true' } }),
    )
    const tasks = (await Promise.all(replies)).map(({ task }) => ended(client, task?.id ?? ''))
    expect((await Promise.all(tasks)).map(({ upload }) => upload.accepted)).toEqual(['2', '3'])
  })

  test('is pointed out if it was only recognised by its shape', async () => {
    const name = `K${newName().toUpperCase()}`
    const file = `Zorgbon\n${[1, 2, 3, 4, 5].map((at) => `${name}${at}\n`).join('')}`
    const { upload } = await run(file, { dryRun: true })
    expect(upload).toMatchObject({ accepted: '5', layout: { headerRow: 1 } })
    expect(upload.warnings).toEqual([expect.stringContaining('Row 1, "Zorgbon", was taken for the header')])
    expect((await run(file, { dryRun: true, header: true })).upload.warnings).toEqual([])
  })

  test('can be absent, and then the column is given by its number', async () => {
    const name = newName()
    const file = `1,${name}\n2,${name}x\n`
    const outcome = await uploadByForm(service, client, { poolId, header: false, column: 'code' }, file)
    expect(outcome).toMatchObject({ __typename: 'InvalidInputError', path: ['column'] })
    const { errors } = await postCodes(service, client, poolId, file, { search: { header: 'perhaps' } })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT', path: ['header'] })
    expect((await run(file, { header: false, column: '2' })).upload).toMatchObject({
      accepted: '2',
      layout: { headerRow: null, columnNumber: 2 },
    })
  })
})

interface Beginning {
  rows: { number: number; cells: string[] }[]
  codes: string[]
}

const beginningDocument =
  'query ($id: ID!) { task(id: $id) { id upload { beginning { rows { number cells } codes } } } }'

async function beginningOf(file: string, input: object = {}): Promise<Beginning | null> {
  const { task } = await uploadByForm(service, client, { poolId, ...input }, file)
  await ended(client, task?.id ?? '')
  const answer = await client.ask<{ task: { upload: { beginning: Beginning | null } } }>(beginningDocument, {
    id: task?.id,
  })
  return answer.task.upload.beginning
}

describe('the beginning of a file', () => {
  const cellsOf = (beginning: Beginning | null) => beginning?.rows.map(({ cells }) => cells)

  test('is shown by a dry run, with the first codes', async () => {
    const name = newName()
    const codes = [1, 2, 3, 4, 5, 6, 7].map((n) => `${name}-${n}`)
    const file = `Nr;Gutscheincode\n${codes.map((code, at) => `${at};${code}\n`).join('')}`
    const beginning = await beginningOf(file, { dryRun: true })
    expect(beginning?.rows.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
    expect(cellsOf(beginning)?.slice(0, 2)).toEqual([
      ['Nr', 'Gutscheincode'],
      ['0', codes[0]],
    ])
    expect(beginning?.codes).toEqual(codes.slice(0, 5))
  })

  test('is shown if the header or the column is not clear, so that a person can choose', async () => {
    const name = `K${newName().toUpperCase()}`
    expect(cellsOf(await beginningOf(`Zorgbon\n${name}1\n${name}2\n`))).toEqual([
      ['Zorgbon'],
      [`${name}1`],
      [`${name}2`],
    ])
    const file = `Nr,Bon,Wert\n1,${name}1,5\n2,${name}2,5\n`
    const beginning = await beginningOf(file)
    expect(beginning?.codes).toEqual([])
    const [first = []] = cellsOf(beginning) ?? []
    const column = String(first.indexOf('Bon') + 1)
    expect(await beginningOf(file, { header: true, column, dryRun: true })).toEqual({
      ...beginning,
      codes: [`${name}1`, `${name}2`],
    })
  })

  test('is kept if every row was refused, and missing if there are no rows', async () => {
    expect(cellsOf(await beginningOf('code,value\n,5\n'))).toEqual([
      ['code', 'value'],
      ['', '5'],
    ])
    expect(await beginningOf('PK\x03\x04')).toBeNull()
  })

  test('needs MANAGE, and READ alone leaves the rest of the upload readable', async () => {
    const { task } = await uploadByForm(service, client, { poolId, dryRun: true }, `${newName()}\n`)
    await ended(client, task?.id ?? '')
    const reader = await withScopes(service, client, ['READ'])
    const { data, errors } = await reader.send<{ task: object }>(
      'query ($id: ID!) { task(id: $id) { upload { accepted beginning { codes } } } }',
      { id: task?.id },
    )
    expect(data.task).toEqual({ upload: { accepted: '1', beginning: null } })
    expect(codesOf(errors)).toEqual(['FORBIDDEN'])
  })
})

describe('the rejected rows of an upload', () => {
  interface Page {
    totalCount: string
    edges: { cursor: string; node: { number: string; code: string; reason: string } }[]
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null }
  }
  const document = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    task(id: $id) { upload { rejectedRows(first: $first, after: $after, last: $last, before: $before) {
      totalCount edges { cursor node { number code reason } } pageInfo { hasNextPage hasPreviousPage endCursor }
    } } }
  }`
  let taskId: string
  const page = async (given: object = {}, id = taskId) => {
    const answer = await client.ask<{ task: { upload: { rejectedRows: Page | null } } }>(document, {
      id,
      ...given,
    })
    return answer.task.upload.rejectedRows
  }
  const numbersOf = (rows: Page | null) => rows?.edges.map(({ node }) => Number(node.number))

  beforeAll(async () => {
    const name = newName()
    // Row 1 is a code; of the others, every second one repeats it.
    const rows = Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? `${name}-${at}` : `${name}-0`))
    rows[59] = 'x'.repeat(10_000)
    taskId = (await uploadByForm(service, client, { poolId }, `${rows.join('\n')}\n`)).task?.id ?? ''
    await ended(client, taskId)
  })

  test('are in the order of the file, with the reasons', async () => {
    const rows = await page()
    expect(rows?.totalCount).toBe('30')
    expect(numbersOf(rows)).toEqual(Array.from({ length: 20 }, (_, at) => 2 * at + 2))
    expect(rows?.edges[0]?.node.reason).toBe('The code is already in row 1 of this file.')
    const last = await page({ last: 1 })
    expect(last?.edges[0]?.node).toMatchObject({ number: '60', code: expect.stringMatching(/^x{199}…$/) })
  })

  test('can be paged in both directions', async () => {
    const first = await page({ first: 12 })
    const second = await page({ first: 100, after: first?.pageInfo.endCursor })
    expect([numbersOf(first), numbersOf(second)].flat()).toEqual(
      Array.from({ length: 30 }, (_, at) => 2 * at + 2),
    )
    expect(first?.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    expect(second?.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    const before = await page({ last: 3, before: second?.edges[0]?.cursor })
    expect(numbersOf(before)).toEqual([20, 22, 24])
    expect(before?.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
    expect(numbersOf(await page({ first: 5, after: second?.pageInfo.endCursor }))).toEqual([])
  })

  test.each([
    [{ first: 0 }, /1 to 100/],
    [{ first: 101 }, /1 to 100/],
    [{ first: 1, last: 1 }, /not both/],
    ...['', '!', 'MA', 'LTE', 'MS41', Buffer.from('9'.repeat(30)).toString('base64url')].map(
      (after): [object, RegExp] => [{ after }, /not a cursor of this list/],
    ),
  ])('refuse %j', async (given, message) => {
    const { errors } = await client.send(document, { id: taskId, ...given })
    expect(codesOf(errors)).toEqual(['BAD_USER_INPUT'])
    expect(errors?.[0]?.message).toMatch(message)
  })

  test('need MANAGE, which is enough in the answer to a mutation', async () => {
    const reader = await withScopes(service, client, ['READ'])
    const { errors } = await reader.send(document, { id: taskId })
    expect(codesOf(errors)).toEqual(['FORBIDDEN'])
    expect(errors?.[0]?.message).toContain('MANAGE')
    const manager = await withScopes(service, client, ['MANAGE'])
    const { cancelTask } = await manager.ask<{ cancelTask: object }>(
      `mutation ($id: ID!) { cancelTask(input: { taskId: $id }) {
        ... on TaskFinishedError { task { upload { rejectedRows { edges { node { reason } } } } } }
      } }`,
      { id: taskId },
    )
    expect(cancelTask).toMatchObject({
      task: { upload: { rejectedRows: { edges: expect.arrayContaining([expect.anything()]) } } },
    })
  })

  test('are null when they are no longer kept', async () => {
    const { task } = await uploadByForm(service, client, { poolId }, 'twice\ntwice\n')
    await ended(client, task?.id ?? '')
    expect(numbersOf(await page({}, task?.id))).toEqual([2])
    await runSql(
      service.databaseUrl,
      `UPDATE task SET rejected_forgotten = true WHERE id = '${uuidOf('Task', task?.id ?? '')}'`,
    )
    expect(await page({}, task?.id)).toBeNull()
  })
})

describe('an upload that adds nothing', () => {
  test('fails with the reason if every row was refused, also as a dry run', async () => {
    for (const dryRun of [true, false]) {
      const { status, failure } = await run('code,value\n,5\n#REF!,6\n', { dryRun })
      expect([status, failure?.code]).toEqual(['FAILED', 'ALL_ROWS_REFUSED'])
      expect(failure?.message).toContain('All 2 rows of the file were refused')
      expect(failure?.message).toContain('Row 2: This row has no code')
      expect(failure?.message).toMatch(/The rejected rows have the reason for each\.$/)
    }
  })

  test('fails with the reason of its only row, and sends nobody to other rows', async () => {
    const { failure } = await run('code\n#REF!\n')
    expect(failure?.message).toMatch(/^The only row of the file was refused, .* Row 2: /)
    expect(failure?.message).not.toContain('The rejected rows')
  })

  test('is completed with a warning if the account has its codes already', async () => {
    const file = `code\n${newName()}\n`
    expect((await run(file)).upload.warnings).toEqual([])
    expect(await run(file)).toMatchObject({
      status: 'COMPLETED',
      upload: { warnings: ['Nothing was added: every code of the file is already in the account.'] },
    })
    expect((await run(`${file}#REF!\n${newName()}\n`)).upload.warnings).toEqual([
      'Of 3 rows, 1 was refused. The rejected rows have the reasons.',
    ])
  })
})

test('a subscription shows what an upload waits for', async () => {
  await using place = await openBooks(service)
  const told: (string | null)[] = []
  const watch = async (id: string, until: (wait: string | null) => boolean) => {
    const updates = client.subscribe<{
      taskUpdated: { status: string; upload: { waitingFor: string | null } }
    }>('subscription ($id: ID!) { taskUpdated(id: $id) { status upload { waitingFor } } }', { id })
    for await (const { data } of updates) {
      const wait = data?.taskUpdated.upload.waitingFor ?? null
      told.push(wait)
      if (until(wait)) break
    }
  }
  const send = async () =>
    (await uploadByForm(service, client, { poolId }, codesFile(newName(), 10))).task?.id ?? ''
  let waiting = ''
  // While this locks the catalog, no chunk is added.
  await transaction(place.books.connections, async (tx) => {
    await tx.rows({ text: 'SELECT account_id FROM catalog FOR NO KEY UPDATE' })
    await send()
    waiting = await send()
    await watch(waiting, (wait) => wait === 'EARLIER_UPLOAD')
  })
  await watch(waiting, () => false)
  expect(told).toContain('EARLIER_UPLOAD')
  expect(told.at(-1)).toBeNull()
})

describe('a dry run', () => {
  test('counts what would be added, and adds nothing', async () => {
    const name = newName()
    const file = `${codesFile(name, 20)}${name}-3\n`
    const { availableCount } = await poolNow()
    const dry = await uploadByForm(service, client, { poolId, dryRun: true }, file)
    expect(await ended(client, dry.task?.id ?? '')).toMatchObject({
      status: 'COMPLETED',
      addedCount: '0',
      progress: 1,
      upload: { dryRun: true, rowsRead: '21', accepted: '20', duplicatesInFile: '1' },
    })
    expect(await poolNow()).toEqual({ availableCount })
    const real = await uploadByForm(service, client, { poolId }, file)
    expect(await ended(client, real.task?.id ?? '')).toMatchObject({ addedCount: '20' })
  })
})

describe('undoUpload', () => {
  const undo = (taskId: string) =>
    mutate<{ task: { status: string; addedCount: string } }>(
      client,
      'undoUpload',
      { taskId },
      'task { status addedCount }',
    )

  test('removes the codes from the pool, once, and the file can be uploaded again', async () => {
    const { availableCount } = await poolNow()
    const file = codesFile(newName(), 30)
    const first = (await uploadByForm(service, client, { poolId }, file)).task?.id ?? ''
    await ended(client, first)
    for (let time = 0; time < 2; time++)
      expect(await undo(first)).toMatchObject({ task: { status: 'UNDONE', addedCount: '0' } })
    expect(await poolNow()).toEqual({ availableCount })
    const again = (await uploadByForm(service, client, { poolId }, file)).task?.id ?? ''
    expect(await ended(client, again)).toMatchObject({
      addedCount: '30',
      upload: { duplicatesInAccount: '0' },
    })
  })

  test('is refused if codes were claimed, and for dry runs, generations and failed uploads', async () => {
    const own = await newPool(client)
    const run = async (file: string, input: object = {}) => {
      const { task } = await uploadByForm(service, client, { poolId: own, ...input }, file)
      return (await ended(client, task?.id ?? '')).id
    }
    const claimed = await run(codesFile(newName(), 3))
    await mutate(client, 'claimCodes', { poolId: own })
    const tasks = [
      claimed,
      await run(codesFile(newName(), 3), { dryRun: true }),
      await run('code\n'),
      await generate(client, { poolId: own, formatId: await newFormat(client), quantity: 1 }),
    ]
    for (const taskId of tasks) {
      const outcome = await mutate(client, 'undoUpload', { taskId })
      expect(outcome).toMatchObject({ __typename: 'UploadNotUndoneError', code: 'UPLOAD_NOT_UNDONE' })
      expect(outcome.path).toEqual(['taskId'])
      expect(outcome.message?.length).toBeGreaterThan(20)
    }
  })

  test("is refused for another account's upload as for one that does not exist", async () => {
    const { task } = await uploadByForm(service, client, { poolId }, codesFile(newName(), 1))
    await ended(client, task?.id ?? '')
    const other = await stranger(service)
    for (const taskId of [task?.id, encodeId('Task', randomUUID()), poolId, 'x'])
      expect(await mutate(other, 'undoUpload', { taskId })).toMatchObject({ __typename: 'NotFoundError' })
  })
})

async function poolNow(): Promise<{ availableCount: string }> {
  const { pool } = await client.ask<{ pool: { availableCount: string } }>(
    `{ pool(id: "${poolId}") { availableCount } }`,
  )
  return pool
}

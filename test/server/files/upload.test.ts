import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../../src/domain/account/account.ts'
import { Uploads } from '../../../src/domain/upload/receive.ts'
import { encodeId } from '../../../src/graphql/ids.ts'
import { listen } from '../../../src/listen.ts'
import { Authentication } from '../../../src/server/authentication.ts'
import { uploadRoute } from '../../../src/server/files/upload.ts'
import { HttpServer } from '../../../src/server/http/server.ts'
import { SessionCookie } from '../../../src/server/session-cookie.ts'
import { newPool, stranger, withScopes } from '../../support/api.ts'
import { newPool as newPoolIn, openBooks, silent } from '../../support/books.ts'
import { Client } from '../../support/client.ts'
import { runSql } from '../../support/database.ts'
import { startService, useClient, useService } from '../../support/service.ts'
import {
  codesFile,
  ended,
  postCodes,
  readUploadTask,
  upload,
  uploadByForm,
} from '../../support/upload-api.ts'

const maxUploadBytes = 3_000_000
const mebibyte = Buffer.alloc(2 ** 20, 'a')

const service = useService({ maxUploadBytes })
const client = useClient(service)
let poolId: string

beforeAll(async () => {
  poolId = await newPool(client)
})

/** A prefix that no other test uses. */
const newName = () => randomUUID().slice(0, 13)

const post = (file: Parameters<typeof postCodes>[3], options?: Parameters<typeof postCodes>[4]) =>
  postCodes(service, client, poolId, file, options)

const count = async (from: string) =>
  Number((await runSql<{ count: string }>(service.databaseUrl, `SELECT count(*) FROM ${from}`))[0]?.count)

/** The number of stored files that no upload needs. */
const remains = () => count('upload_piece WHERE task_id NOT IN (SELECT id FROM task WHERE has_work)')

/** A request whose body the test writes itself. */
function open(headers: Record<string, string> = {}, to = service.url): ClientRequest {
  return request(`${to}/pools/${encodeURIComponent(poolId)}/codes`, {
    method: 'POST',
    agent: false,
    headers: { ...client.authorization(), ...headers },
  })
}

async function answerTo(sent: ClientRequest): Promise<{ status: number; codes: string[] }> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  const { errors = [] } = JSON.parse(text) as { errors?: { extensions: { code: string } }[] }
  return { status: response.statusCode ?? 0, codes: errors.map((error) => error.extensions.code) }
}

describe('a file that is posted', () => {
  test('returns the task that reads it, and its codes are added to the pool', async () => {
    const name = newName()
    const reply = await post(codesFile(name, 2_500))
    expect(reply).toMatchObject({ status: 202, task: { status: 'AWAITING_EXECUTION' } })
    const task = await ended(client, reply.task?.id ?? '')
    expect(task).toMatchObject({
      kind: 'UPLOAD',
      status: 'COMPLETED',
      progress: 1,
      addedCount: '2500',
      failure: null,
      upload: { dryRun: false, column: null, rowsRead: '2500', accepted: '2500', refused: '0' },
    })
    const { pool } = await client.ask<{ pool: { codes: { edges: { node: { code: string } }[] } } }>(
      `{ pool(id: "${poolId}") { codes(status: AVAILABLE, last: 1) { edges { node { code } } } } }`,
    )
    expect(pool.codes.edges.map(({ node }) => node.code)).toEqual([`${name}-2499`])
  })

  test.each([
    ['says that it is packed', { 'content-encoding': 'gzip' }],
    ['does not say that it is packed', { 'content-type': 'application/gzip' }],
  ])('may be packed with gzip if it %s', async (_what, headers) => {
    const reply = await post(gzipSync(codesFile(newName(), 1_500)), { headers })
    expect(await ended(client, reply.task?.id ?? '')).toMatchObject({
      addedCount: '1500',
      status: 'COMPLETED',
    })
  })

  test('may arrive in pieces of any size, and is removed when it has been read', async () => {
    // Few rows, of long codes: what counts is that the file is kept in several pieces.
    const name = newName().padEnd(200, '-')
    async function* file() {
      for (let from = 0; from < 9_000; from += 300) yield Buffer.from(codesFile(name, 300, from).slice(0, -1))
    }
    async function* lines() {
      for await (const chunk of file()) {
        yield chunk
        yield Buffer.from('\n')
      }
    }
    const id = await upload(service, client, poolId, lines())
    expect(await ended(client, id)).toMatchObject({ addedCount: '9000' })
    await expect.poll(() => count('upload_piece')).toBe(0)
  })

  test('is read from the named column, and fails if it has no such column', async () => {
    const file = `name,voucher\nAda,${newName()}\nBob,${newName()}\n`
    const good = await upload(service, client, poolId, file, { column: 'voucher' })
    expect(await ended(client, good)).toMatchObject({ addedCount: '2', upload: { column: 'voucher' } })
    const bad = await upload(service, client, poolId, file, { column: 'coupon' })
    const task = await ended(client, bad)
    expect(task).toMatchObject({ status: 'FAILED', addedCount: '0', failure: { code: 'UNREADABLE_FILE' } })
    expect(task.failure?.message).toContain('coupon')
  })

  test('has duplicates if codes differ only in case, unless it is case-sensitive', async () => {
    await using own = await stranger(service)
    const ownPool = await newPool(own)
    const file = 'Till7-a\nTill7-A\nTill7A\n'
    const counts = async (search: Record<string, string>) => {
      const { upload: told } = await ended(own, await upload(service, own, ownPool, file, search))
      return [told.accepted, told.duplicatesInFile, told.duplicatesInAccount]
    }
    expect(await counts({ dryRun: 'true' })).toEqual(['1', '2', '0'])
    expect(await counts({ dryRun: 'true', caseSensitive: 'true' })).toEqual(['3', '0', '0'])
    const idempotencyKey = newName()
    expect(await counts({ idempotencyKey })).toEqual(['1', '2', '0'])
    const search = { idempotencyKey, caseSensitive: 'true' }
    const { errors } = await postCodes(service, own, ownPool, file, { search })
    expect(errors?.[0]?.extensions.code).toBe('IDEMPOTENCY_CONFLICT')
    expect(await counts({ caseSensitive: 'true' })).toEqual(['2', '0', '1'])
    const input = { poolId: ownPool, caseSensitive: true, dryRun: true }
    const form = await uploadByForm(service, own, input, file.toUpperCase())
    const task = await ended(own, form.task?.id ?? '')
    expect(task.upload).toMatchObject({ accepted: '2', duplicatesInFile: '1' })
  })

  test.each([
    ['a header alone', 'code\n'],
    ['binary', Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * i) % 256))],
    ['a zip that is named csv', Buffer.from('PK\x03\x04codes.csv')],
    ['nothing that was packed', gzipSync('')],
    ['a gzip that breaks off', gzipSync(codesFile('x', 100)).subarray(0, 60)],
  ])('that is %s makes its task fail with the reason', async (_what, file) => {
    const task = await ended(client, await upload(service, client, poolId, file as string))
    expect(task).toMatchObject({ status: 'FAILED', failure: { code: 'UNREADABLE_FILE' }, addedCount: '0' })
    expect(task.failure?.message.length).toBeGreaterThan(20)
    await expect.poll(() => count(`upload_piece`)).toBe(0)
  })

  test('with an idempotencyKey is one upload, however often it is sent, even concurrently', async () => {
    const file = codesFile(newName(), 10)
    const search = { idempotencyKey: newName() }
    const replies = await Promise.all([1, 2, 3, 4].map(() => post(file, { search })))
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202, 202])
    expect(new Set(replies.map(({ task }) => task?.id)).size).toBe(1)
    for (const [other, otherSearch] of [
      [`${file}more\n`, search],
      [file, { ...search, dryRun: 'true' }],
      [file, { ...search, column: 'code' }],
    ] as const) {
      const conflict = await post(other, { search: otherSearch })
      expect([conflict.status, conflict.errors?.[0]?.extensions.code]).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
    }
    expect(await remains()).toBe(0)
    expect(await ended(client, replies[0]?.task?.id ?? '')).toMatchObject({ addedCount: '10' })
  })
})

describe('a post is refused', () => {
  test('without a valid key, before the file is requested', async () => {
    for (const key of [undefined, 'pk_nonsense']) {
      const reply = await postCodes(service, new Client({ ...service, key }), poolId, 'code')
      expect([reply.status, reply.errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED'])
      expect(reply.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  test('without the scope MANAGE', async () => {
    const others = await withScopes(service, client, ['READ', 'CLAIM', 'ADMIN'])
    const reply = await postCodes(service, others, poolId, 'code')
    expect([reply.status, reply.errors?.[0]?.extensions.code]).toEqual([403, 'FORBIDDEN'])
    expect(reply.errors?.[0]?.message).toContain('MANAGE')
  })

  test("for another account's pool as for one that does not exist", async () => {
    const theirs = await newPool(await stranger(service))
    const replies = await Promise.all(
      [theirs, encodeId('Pool', randomUUID())].map(async (id) => {
        const { status, errors } = await postCodes(service, client, id, 'code')
        return { status, errors }
      }),
    )
    for (const reply of replies)
      expect(reply).toEqual({
        status: 404,
        errors: [
          {
            message: 'There is no pool with this id in your account.',
            extensions: { code: 'NOT_FOUND', path: ['poolId'], requestId: expect.any(String) },
          },
        ],
      })
    const malformed = await fetch(`${service.url}/pools/%/codes`, {
      method: 'POST',
      headers: client.authorization(),
      body: 'code',
    })
    expect(malformed.status).toBe(404)
  })

  test.each([
    [{ dryrun: 'true' }, 'dryrun'],
    [{ dryRun: 'yes' }, 'dryRun'],
    [{ dryRun: '' }, 'dryRun'],
    [{ caseSensitive: '1' }, 'caseSensitive'],
    [{ column: '' }, 'column'],
    [{ column: 'c'.repeat(201) }, 'column'],
    [{ column: 'a\0b' }, 'column'],
    [{ idempotencyKey: '' }, 'idempotencyKey'],
    [{ idempotencyKey: 'k'.repeat(256) }, 'idempotencyKey'],
  ])('with the parameters %j', async (search, parameter) => {
    const { status, errors } = await post('code', { search: search as Record<string, string> })
    expect([status, errors?.[0]?.extensions.code]).toEqual([400, 'INVALID_INPUT'])
    expect(errors?.[0]?.extensions['path']).toEqual([parameter])
  })

  test('with a repeated parameter', async () => {
    const response = await fetch(
      `${service.url}/pools/${encodeURIComponent(poolId)}/codes?dryRun=true&dryRun=false`,
      { method: 'POST', headers: client.authorization(), body: 'code' },
    )
    expect(response.status).toBe(400)
  })

  test('as a form, or compressed with anything but gzip, and the message says what to send', async () => {
    for (const headers of [
      { 'content-type': 'multipart/form-data; boundary=x' },
      { 'content-encoding': 'br' },
    ]) {
      const { status, errors } = await post('code', { headers: headers as Record<string, string> })
      expect([status, errors?.[0]?.extensions.code]).toEqual([415, 'BAD_USER_INPUT'])
      expect(errors?.[0]?.message).toMatch(/curl -T|gzip/)
    }
  })

  test('with another method', async () => {
    const { status, headers, errors } = await post('code', { method: 'PUT' })
    expect([status, headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    expect(errors?.[0]?.message).toContain('POST')
  })

  test('without content', async () => {
    const { status, errors } = await post('')
    expect([status, errors?.[0]?.extensions.code]).toEqual([400, 'INVALID_INPUT'])
    expect(errors?.[0]?.message).toContain('empty')
    expect(await remains()).toBe(0)
  })

  test('by a process that does not serve the API', async () => {
    await using worker = await startService({ role: 'worker', databaseUrl: service.databaseUrl })
    const response = await fetch(`${worker.url}/pools/${encodeURIComponent(poolId)}/codes`, {
      method: 'POST',
      headers: client.authorization(),
      body: 'code',
    })
    expect(response.status).toBe(404)
  })
})

describe('a file above the limit', () => {
  test('is refused before a byte of it is read, if its length is given', async () => {
    const sent = open({ 'content-length': String(maxUploadBytes + 1) })
    // Only the headers are sent, so the answer cannot depend on the body.
    sent.flushHeaders()
    expect(await answerTo(sent)).toEqual({ status: 413, codes: ['INVALID_INPUT'] })
    sent.destroy()
    expect(await remains()).toBe(0)
  })

  test('is refused as soon as it is too large, if its length is not given, and leaves nothing behind', async () => {
    const sent = open()
    for (let i = 0; i < 4; i++) sent.write(mebibyte)
    // A file that never ends.
    expect(await answerTo(sent)).toEqual({ status: 413, codes: ['INVALID_INPUT'] })
    sent.destroy()
    expect(await remains()).toBe(0)
  })

  test('is refused with the limit and what to do, even if the client sends all of it first', async () => {
    const { status, errors } = await post(Buffer.concat([mebibyte, mebibyte, mebibyte]))
    expect(status).toBe(413)
    expect(errors?.[0]?.message).toMatch(/3,000,000 bytes.*Split it/)
  })

  test('is one byte larger than the limit', async () => {
    const line = `${'a'.repeat(63)}\n`
    const file = line.repeat(maxUploadBytes / 64)
    expect((await post(`${file}b`)).status).toBe(413)
    expect((await post(file)).status).toBe(202)
  })

  test('cannot hide in a small compressed file', async () => {
    const bomb = gzipSync(codesFile('bomb'.padEnd(200, '-'), 20_000))
    expect(bomb.length).toBeLessThan(maxUploadBytes)
    const task = await ended(client, await upload(service, client, poolId, bomb))
    expect(task).toMatchObject({ status: 'FAILED', failure: { code: 'UNREADABLE_FILE' }, addedCount: '0' })
    expect(task.failure?.message).toContain('3,000,000')
  })
})

describe('a client that sends Expect: 100-continue', () => {
  const expecting = { expect: '100-continue', 'content-type': 'text/csv' }

  test('is told to continue, and its file is read', async () => {
    const sent = open(expecting)
    sent.flushHeaders()
    await once(sent, 'continue')
    sent.end(codesFile(newName(), 3))
    expect(await answerTo(sent)).toEqual({ status: 202, codes: [] })
  })

  test('is not told to continue if its file is refused', async () => {
    const refused = open({ ...expecting, authorization: 'Bearer nonsense' })
    let told = false
    refused.once('continue', () => {
      told = true
    })
    refused.flushHeaders()
    expect(await answerTo(refused)).toEqual({ status: 401, codes: ['UNAUTHENTICATED'] })
    refused.destroy()
    expect(told).toBe(false)
  })

  test('is told to continue by the API as well', async () => {
    const body = JSON.stringify({ query: '{ account { name } }' })
    const sent = request(`${service.url}/graphql`, {
      method: 'POST',
      headers: { ...client.authorization(), 'content-type': 'application/json', expect: '100-continue' },
    })
    sent.flushHeaders()
    await once(sent, 'continue')
    sent.end(body)
    expect((await answerTo(sent)).status).toBe(200)
  })
})

describe('a client that does not send its whole file', () => {
  test('leaves nothing behind if its connection is cut', async () => {
    const tasks = await count('task')
    const sent = open({ 'content-length': String(2.5 * 2 ** 20) })
    sent.on('error', () => undefined)
    sent.write(mebibyte)
    sent.write(mebibyte)
    await expect.poll(remains).toBeGreaterThan(0)
    sent.destroy()
    await expect.poll(remains).toBe(0)
    expect(await count('task')).toBe(tasks)
  })

  test.each([
    ['falls silent', () => undefined],
    ['sends a byte now and then', (sent: ClientRequest) => setInterval(() => sent.write('a'), 5)],
  ])('is cut off if it %s, and leaves nothing behind', async (_what, go) => {
    await using test = await openBooks()
    const { books } = test
    const cookie = new SessionCookie(test.accountId)
    const authentication = new Authentication({ books, cookie, log: silent })
    const uploads = new Uploads(books, maxUploadBytes)
    const routes = { codesUpload: uploadRoute({ uploads, authentication, silenceMs: 50 }) }
    const server = new HttpServer({ books, log: silent, routes })
    const port = await listen(server.server, { port: 0, host: '127.0.0.1' })
    const { accountId, secret } = await createAccount(books.connections, newName())
    const pool = encodeId('Pool', await newPoolIn({ books, accountId }))
    const sent = request(`http://127.0.0.1:${port}/pools/${pool}/codes`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${secret}` },
    })
    sent.write(mebibyte)
    const trickle = go(sent)
    const [error] = await once(sent, 'error')
    clearInterval(trickle)
    expect(error).toMatchObject({ code: 'ECONNRESET' })
    const pieces = async () => (await books.rows({ text: 'SELECT 1 FROM upload_piece' })).length
    await expect.poll(pieces).toBe(0)
    await server.close()
    await authentication.close()
  })

  test('has to wait while the database is slow, so that its file does not fill the memory', async () => {
    await using test = await openBooks({ databaseUrl: service.databaseUrl })
    const sent = open()
    const sending = once(sent, 'socket').then(([socket]) => socket)
    let answer: Promise<{ status: number }> | undefined
    await test.books.write(test.accountId, async (tx) => {
      await tx.execute({ text: 'LOCK TABLE upload_piece IN SHARE MODE' })
      const socket = await sending
      let written = 0
      // Bytes that have left this process: the service reads no others.
      while (written < 64 && (socket.writableLength ?? 0) < 4 * 2 ** 20) {
        sent.write(mebibyte)
        written += 1
        await new Promise((resolve) => setImmediate(resolve))
      }
      answer = answerTo(sent)
      expect(written).toBeLessThan(32)
    })
    expect((await answer)?.status).toBe(413)
    sent.destroy()
  })
})

describe('a page of another origin', () => {
  const origin = 'https://shop.example'
  const address = () => `${service.url}/pools/${encodeURIComponent(poolId)}/codes`

  test('may upload, with a key', async () => {
    const preflight = await fetch(address(), {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type/)
  })

  test('can read every answer, including errors, but never with credentials', async () => {
    for (const reply of [
      await post(codesFile(newName(), 1), { headers: { origin } }),
      await post('', { headers: { origin } }),
      await postCodes(service, new Client({ url: service.url }), poolId, 'code', { headers: { origin } }),
    ]) {
      expect(reply.headers.get('access-control-allow-origin')).toBe('*')
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull()
    }
  })
})

test('an upload reports its progress while it runs', async () => {
  const id = await upload(service, client, poolId, codesFile(newName(), 20_000))
  const seen = new Set<number>()
  await expect
    .poll(
      async () => {
        const { progress, status, upload: counts } = await readUploadTask(client, id)
        expect(progress).toBeGreaterThanOrEqual(Math.max(0, ...seen))
        if (status === 'RUNNING' && progress > 0) expect(Number(counts.rowsRead)).toBeGreaterThan(0)
        seen.add(progress)
        return status
      },
      { timeout: 50_000, interval: 10 },
    )
    .toBe('COMPLETED')
  expect([...seen].some((progress) => progress > 0 && progress < 1)).toBe(true)
})

describe('a full disk', () => {
  /** Lets every write to a table fail while `meanwhile` runs. */
  async function full(table: string, meanwhile: () => Promise<void>): Promise<void> {
    await runSql(
      service.databaseUrl,
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
       CREATE TRIGGER full_disk BEFORE INSERT ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse()`,
    )
    try {
      await meanwhile()
    } finally {
      await runSql(service.databaseUrl, `DROP FUNCTION refuse CASCADE`)
    }
  }

  test('fails the request with an error, and nothing is left of its file', async () => {
    await full('upload_piece', async () => {
      const { status, headers, errors } = await post(codesFile(newName(), 10))
      expect([status, errors?.[0]?.extensions.code]).toEqual([503, 'UNAVAILABLE'])
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect(errors?.[0]?.extensions['retryAfterMs']).toBeGreaterThan(0)
    })
    expect(await remains()).toBe(0)
  })

  test('makes the codes of a file wait until there is space', async () => {
    let id = ''
    await full('uploaded_code', async () => {
      id = await upload(service, client, poolId, codesFile(newName(), 10))
      await expect
        .poll(async () => (await readUploadTask(client, id)).status, { timeout: 10_000 })
        .toBe('RUNNING')
    })
    expect(await ended(client, id)).toMatchObject({ status: 'COMPLETED', addedCount: '10' })
  })
})

import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../../src/domain/books/errors.ts'
import { createWebhook, deleteWebhook, updateWebhook } from '../../../src/domain/webhook/manage.ts'
import { OutgoingClient } from '../../../src/outgoing/client.ts'
import { OutgoingError } from '../../../src/outgoing/errors.ts'
import { Networks } from '../../../src/outgoing/networks.ts'
import { newAccount, newPool, useBooks } from '../../support/books.ts'
import { runSql } from '../../support/database.ts'
import { happen, newWebhook, outgoingClient, range, webhookNow } from '../../support/webhooks.ts'

const place = useBooks()

const names: Record<string, string[]> = {
  'public.example': ['192.0.43.8'],
  'private.example': ['10.0.0.1'],
  'both.example': ['10.0.0.1', '192.0.43.8'],
}

/** A client that knows these names alone. */
const outgoing = new OutgoingClient({
  allowed: Networks.parse('10.9.0.0/16'),
  resolve: async (name) => {
    const found = names[name]
    if (found === undefined) throw new OutgoingError('NO_SUCH_NAME', 'There is no host of this name.')
    return found
  },
})

async function create(url: string): Promise<string> {
  const { books, accountId } = place
  const input = { url, kinds: [], poolId: undefined, after: undefined }
  return (await createWebhook({ books, outgoing }, accountId, input)).webhookId
}

/** What is said about a URL. */
async function told(url: string): Promise<string> {
  const error = await create(url).catch((each: unknown) => each)
  if (!(error instanceof InvalidInputError)) throw new Error(`${url} is not refused.`)
  expect(error.path).toEqual(['url'])
  return error.message
}

describe('the URL of a webhook', () => {
  test('can have a name that leads to a public address, or to an allowed one', async () => {
    const shown = async (url: string) => (await webhookNow(place, await create(url))).url
    expect(await shown('https://public.example/hooks?a=b')).toBe('https://public.example/hooks?a=b')
    expect(await shown('HTTPS://PUBLIC.example:443')).toBe('https://public.example/')
    expect(await shown('https://10.9.1.1:8443/ä')).toBe('https://10.9.1.1:8443/%C3%A4')
    expect(await shown('http://10.9.1.1/')).toBe('http://10.9.1.1/')
    // Only its public address is used.
    expect(await shown('https://both.example/')).toBe('https://both.example/')
  })

  test('cannot have a name that leads elsewhere, and does not tell what names there are', async () => {
    const about = async (host: string) => (await told(`https://${host}/`)).replace(host, '…')
    expect(await about('private.example')).toBe(await about('nowhere.example'))
    expect(await told('https://private.example/')).not.toContain('10.0.0.1')
    const byHttp = (host: string) => told(`http://${host}/`)
    expect(await byHttp('public.example')).toBe(await byHttp('private.example'))
    expect(await byHttp('public.example')).toBe(await byHttp('nowhere.example'))
  })
})

describe('a change of a webhook', () => {
  const unchanged = {
    url: undefined,
    kinds: undefined,
    poolId: undefined,
    enabled: undefined,
    skipToNow: false,
  }

  test('starts it afresh: what waits is tried at once, and whoever delivers has lost it', async () => {
    const { books, accountId } = place
    const { webhookId } = await newWebhook(place, 'http://127.0.0.1:1/')
    await runSql(
      place.databaseUrl,
      `UPDATE webhook SET attempts = 3, failing_since = now(), next_attempt_at = now() + interval '1 hour',
         leased_by = id, leased_until = now() WHERE id = '${webhookId}'`,
    )
    await updateWebhook({ books, outgoing: outgoingClient() }, accountId, { ...unchanged, webhookId })
    expect(await webhookNow(place, webhookId)).toMatchObject({
      attempts: 0,
      failingSince: undefined,
      nextAttemptAt: undefined,
    })
    const [row] = await runSql(
      place.databaseUrl,
      `SELECT leased_by, leased_until FROM webhook WHERE id = '${webhookId}'`,
    )
    expect(row).toEqual({ leased_by: null, leased_until: null })
  })

  test('moves it to the end of the event log only if that is asked for', async () => {
    const { books } = place
    const accountId = await newAccount(books)
    const mine = { books, accountId }
    const poolId = await newPool(mine)
    const { webhookId } = await newWebhook(mine, 'http://127.0.0.1:1/')
    const { sequence } = await webhookNow(mine, webhookId)
    await happen(mine, poolId, range(1, 5))
    const change = (skipToNow: boolean) =>
      updateWebhook({ books, outgoing: outgoingClient() }, accountId, { ...unchanged, webhookId, skipToNow })
    await change(false)
    expect((await webhookNow(mine, webhookId)).sequence).toBe(sequence)
    await change(true)
    expect((await webhookNow(mine, webhookId)).sequence).toBe(sequence + 5n)
  })
})

test('a webhook that is deleted leaves nothing behind', async () => {
  const { books, accountId } = place
  const { webhookId } = await newWebhook(place, 'http://127.0.0.1:1/')
  await runSql(
    place.databaseUrl,
    `INSERT INTO webhook_delivery (account_id, webhook_id, id, message_id, type, attempt, at, duration_ms, status)
     VALUES ('${accountId}', '${webhookId}', gen_random_uuid(), 'x', 'webhook.test', 1, now(), 1, 200)`,
  )
  await deleteWebhook(books, accountId, webhookId)
  for (const table of ['webhook_secret', 'webhook_delivery'])
    expect(await runSql(place.databaseUrl, `SELECT FROM ${table} WHERE webhook_id = '${webhookId}'`)).toEqual(
      [],
    )
})

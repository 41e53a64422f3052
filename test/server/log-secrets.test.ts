import { expect, test } from 'vitest'
import { claim, done, finished, mutate, newStock, withScopes } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { LogLines } from '../support/log-lines.ts'
import { useClient, useService } from '../support/service.ts'
import { signIn } from '../support/session.ts'
import { Socket } from '../support/socket.ts'
import { postCodes, sendForm, upload, uploadDocument } from '../support/upload-api.ts'

const log = new LogLines('trace')
const service = useService({ log: log.log, failedLookUpsPerMinute: 3 })
const client = useClient(service)

const recipient = 'ada.lovelace@secret.example'
const reference = 'order-secret-4711'
const wrongKey = `pk_${'wrong'.repeat(8)}`
const wrongCode = 'NOSUCHCODE-XYZ'

test('no line of the log has a key, a session, a recipient or a code, whatever is requested', async () => {
  const secrets = new Set([service.key, recipient, reference, wrongKey, wrongCode])
  const { poolId } = await newStock(client, 20)

  // Claims of all kinds.
  for (const { code } of await claim(client, poolId, 2)) secrets.add(code)
  const claimed = await done<{ codes: { code: string }[] }>(
    client,
    'claimCodes',
    { poolId, recipient, idempotencyKey: 'claim-secret-key' },
    'codes { code }',
  )
  secrets.add('claim-secret-key')
  const [{ code } = { code: '' }] = claimed.codes
  secrets.add(code)
  await client.send(
    `mutation Inline { claimCodes(input: { poolId: "${poolId}", recipient: "${recipient}" }) { __typename } }`,
  )
  await client.send(`{ code(code: "${code}") { wrong } }`)
  await mutate(client, 'claimForRecipients', { poolId, recipients: [recipient, 'x'.repeat(10_000)] })
  await mutate(client, 'claimCodes', { poolId, count: 1_000, recipient })

  // Look-ups, redemptions, and one too many that finds nothing.
  await mutate(client, 'redeemCode', { code, reference, recipient })
  await mutate(client, 'redeemCode', { code, reference: `${reference}-2`, recipient: 'eve' })
  for (let i = 0; i < 5; i++)
    await client.send('query ($code: String!) { code(code: $code) { id } }', { code: wrongCode })
  await client.send('query Twice($code: Int!) { code(code: $code) { id } }', { code })

  // Files: in a body, in a form, with rows that are refused; downloads.
  const file = `code\n${code}\nFROMFILE-1\nFROMFILE-2\nFROMFILE-2\n`
  secrets.add('FROMFILE-1').add('FROMFILE-2')
  await finished(client, await upload(service, client, poolId, file))
  const broken = await upload(service, client, poolId, 'first,second\nBROKEN-1,x\n"BROKEN-2', {
    column: 'third',
  })
  secrets.add('BROKEN-1').add('BROKEN-2')
  await expect(finished(client, broken)).rejects.toThrow('FAILED')
  await sendForm(service, client, [
    ['operations', JSON.stringify({ query: uploadDocument, variables: { input: { poolId, file: null } } })],
    ['map', '{"0":["variables.input.file"]}'],
    ['0', new File(['INFORM-1\n'], 'INFORM-1.csv')],
  ])
  secrets.add('INFORM-1')
  await postCodes(service, client, poolId, 'x', {
    search: { idempotencyKey: 'upload-secret-key', nothing: code },
  })
  secrets.add('upload-secret-key')
  for (const status of ['ALL', 'CLAIMED'])
    await (
      await fetch(`${service.url}/pools/${encodeURIComponent(poolId)}/codes.csv?status=${status}&x=${code}`, {
        headers: client.authorization(),
      })
    ).text()

  // Keys: wrong, in the wrong place, revoked; sessions.
  await new Client({ url: service.url, key: wrongKey }).send('{ account { name } }')
  await fetch(`${service.url}/graphql?query={account{name}}&key=${wrongKey}`, {
    headers: { 'x-request-id': `${wrongKey} ` },
  })
  await fetch(`${service.url}/${code}`)
  await client.send(`query pk_${'A'.repeat(40)} { account { name } }`)
  secrets.add('A'.repeat(40))
  const limited = await withScopes(service, client, ['CLAIM'])
  await limited.send('{ pools { edges { node { id } } } }')
  const cookie = await signIn(service, client)
  secrets.add(cookie.split('=')[1] ?? '')
  await (await fetch(`${service.url}/`, { headers: { cookie, accept: 'text/html' } })).text()

  // The same over WebSocket.
  await using socket = await Socket.connect(service, { authorization: `Bearer ${wrongKey}` })
  socket.subscribe('1', '{ account { name } }')
  await socket.all('1')
  await using known = await Socket.connect(service, client.authorization())
  known.subscribe(code, 'query Look($code: String!) { code(code: $code) { id } }', { code })
  await known.all(code)
  known.send({ id: '2', type: recipient })
  await known.closed

  await client.send('query Last { account { name } }')
  await log.line((line) => line['operation'] === 'Last')
  expect(log.lines.length).toBeGreaterThan(30)
  expect([...secrets].filter((secret) => secret === '' || log.text.includes(secret))).toEqual([])
})

import { randomInt, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { allScopes, createApiKey } from '../src/domain/account/account.ts'
import { encodeId } from '../src/graphql/ids.ts'
import type { Outcome } from './support/api.ts'
import { expectBalance } from './support/audit.ts'
import { fill, newFormat, newPool, openBooks, poolNow } from './support/books.ts'
import { Crowd, Fleet } from './support/load.ts'
import { MainProcess } from './support/process.ts'
import { startService } from './support/service.ts'
import { setTerms } from './support/terms.ts'

const kills = 2
const patience = { timeout: 240_000 }

interface List {
  input: { idempotencyKey: string; recipients: readonly string[] }
  claims: { recipient: string; code: { code: string } }[]
}
interface File {
  input: { idempotencyKey: string; count: number }
  claim: { id: string; count: string }
}

test(
  'a service that is killed during claims for lists and files, and while it forgets, leaves nothing half done',
  patience,
  async () => {
    await using books = await openBooks()
    const { accountId } = books
    const { secret } = await createApiKey(books.books.connections, accountId, {
      name: 'Tests',
      scopes: allScopes,
    })
    const formatId = await newFormat(books)
    const [onePool, filePool] = [await newPool(books), await newPool(books)]
    // Filled before a service could do it.
    const pools = await Promise.all(Array.from({ length: kills }, () => newPool(books)))
    for (const poolId of [onePool, filePool, ...pools]) await fill(books, poolId, formatId, 1_000_000_000n)
    await setTerms(books, onePool, { onePerRecipient: true })

    await using fleet = new Fleet(secret)
    await using services = new AsyncDisposableStack()
    async function ask<Payload>(mutation: string, input: object, payload: string): Promise<Payload> {
      const name = mutation.slice(0, 1).toUpperCase() + mutation.slice(1)
      const { result } = await fleet.ask<{ result: Payload & Outcome }>(
        `mutation ($input: ${name}Input!) {
        result: ${mutation}(input: $input) { ... on UserError { message } ... on ${name}Payload { ${payload} } }
      }`,
        { input },
      )
      if (result.message !== undefined) throw new Error(result.message)
      return result
    }
    const claimList = async (input: List['input']) =>
      await ask<Pick<List, 'claims'>>(
        'claimForRecipients',
        { poolId: encodeId('Pool', onePool), ...input },
        'claims { recipient alreadyHeld code { code } }',
      )
    const claimFile = async (input: File['input']) =>
      await ask<Pick<File, 'claim'>>(
        'claimFile',
        { poolId: encodeId('Pool', filePool), ...input },
        'claim { id count at }',
      )

    const lists: List[] = []
    const files: File[] = []
    const forgotten = { count: 0n }
    const clients = [
      ...[1, 2, 3].map(() => async () => {
        const recipients = Array.from({ length: 300 }, () => `customer ${randomInt(20_000)}`)
        const input = { idempotencyKey: randomUUID(), recipients }
        lists.push({ input, ...(await claimList(input)) })
      }),
      ...[1, 2].map(() => async () => {
        const input = { idempotencyKey: randomUUID(), count: randomInt(1, 5_000) }
        files.push({ input, ...(await claimFile(input)) })
      }),
    ]
    const lasting = services.use(await startService({ databaseUrl: books.databaseUrl }))
    for (let kill = 1; kill <= kills; kill++) {
      const process = services.use(new MainProcess({ DATABASE_URL: books.databaseUrl }))
      const { url } = await process.ready()
      fleet.add(url)
      fleet.remove(lasting.url)
      const recipient = `forgotten ${kill}`
      const recipients = Array.from({ length: 3_000 }, () => recipient)
      const toForget = pools[kill - 1] ?? ''
      await ask(
        'claimForRecipients',
        { poolId: encodeId('Pool', toForget), recipients },
        'claims { alreadyHeld }',
      )
      const crowd = new Crowd(clients)
      await crowd.everyone(1)
      const forgetting = ask<{ claimCount: string }>('forgetRecipient', { recipient }, 'claimCount')
      // Until now, all requests are to the one that is killed.
      fleet.add(lasting.url)
      fleet.remove(url)
      await process.end('SIGKILL')
      forgotten.count += BigInt((await forgetting).claimCount)
      await crowd.stop()
    }
    // Each kill interrupted requests.
    expect(fleet.lost).toBeGreaterThanOrEqual(kills)

    // Every recipient has one code, the same in all answers, and in the books.
    const codes = new Map<string, string>()
    for (const { recipient, code } of lists.flatMap(({ claims }) => claims)) {
      expect(codes.get(recipient) ?? code.code).toBe(code.code)
      codes.set(recipient, code.code)
    }
    expect(new Set(codes.values()).size).toBe(codes.size)
    expect(await poolNow(books, onePool)).toMatchObject({ claimed: BigInt(codes.size) })
    // Every file is one claim, made once.
    expect(new Set(files.map(({ claim }) => claim.id)).size).toBe(files.length)
    const sum = files.reduce((total, { claim }) => total + BigInt(claim.count), 0n)
    expect(await poolNow(books, filePool)).toMatchObject({ claimed: sum })
    for (const { input, claims } of lists.slice(0, 10))
      expect((await claimList(input)).claims).toEqual(claims)
    for (const { input, claim } of files.slice(0, 10)) expect((await claimFile(input)).claim).toEqual(claim)
    // A repeated request forgets what the interrupted one has left.
    const left = await books.books.rows({
      text: `SELECT 1 FROM claim WHERE account_id = $1 AND recipient LIKE 'forgotten%'`,
      values: [accountId],
    })
    expect(left).toEqual([])
    expect(forgotten.count).toBeLessThanOrEqual(BigInt(kills * 3_000))
    await expectBalance(books)
  },
)

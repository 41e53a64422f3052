/**
 * Claims of 40 accounts whose rows are on two nodes against the same with all rows on one node, both on the machines of one
 * server with Citus, and on that server's coordinator alone. TEST_DATABASE_URL names it; its nodes must be two besides the
 * coordinator. Run it with `node bench/distributed.ts`.
 */

import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { distribute } from '../src/database/distribute.ts'
import { createAccount } from '../src/domain/account/account.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import {
  createOnNodes,
  databaseUrl,
  onEach,
  readNodeUrls,
  runSql,
  setNodeSettings,
} from '../test/support/nodes.ts'
import { measure, requestOf } from './load.ts'
import {
  type Bench,
  beginningOfClaim,
  claimDocument,
  claimInput,
  newPool,
  openBench,
  type Side,
  showComparison,
  startServer,
} from './support.ts'

const accounts = 40
const connections = 64
const milliseconds = 3_000

const server = process.env['TEST_DATABASE_URL']
const nodeUrls = server === undefined ? [] : await readNodeUrls(server)
if (server === undefined || nodeUrls.length < 3)
  console.log('Skipped: TEST_DATABASE_URL does not name a server with Citus and two nodes.')
else await main(server)

async function main(url: string): Promise<void> {
  await using lifecycle = new Lifecycle()
  await setNodeSettings(url)
  const two = await openSide(lifecycle, 'two nodes', { holding: 2 })
  const one = await openSide(lifecycle, 'one node', { holding: 1 })
  const alone = await openSide(lifecycle, 'the same tables, not distributed')
  console.log(`Claims of one code from ${accounts} accounts, ${connections} connections, two servers`)
  await showComparison({ rounds: 5, unit: 'a second', target: { atLeast: 1 } }, two.side, one.side)
  await showComparison({ rounds: 3, unit: 'a second' }, two.side, alone.side)
  for (const { check } of [two, one, alone]) await check()
  console.log('  The pools have handed out exactly the codes that were answered.')
}

interface OpenSide {
  side: Side
  /** Compares the pools with the answers. */
  check: () => Promise<void>
}

/** `holding`: over how many nodes the tables are distributed; undefined: not at all. */
async function openSide(
  lifecycle: Lifecycle,
  what: string,
  { holding }: { holding?: number } = {},
): Promise<OpenSide> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`
  const nodes = holding === undefined ? nodeUrls.slice(0, 1) : nodeUrls
  const url = await lifecycle.open(
    what,
    async () => {
      if (holding !== undefined) return await createOnNodes(nodes, name, { shards: 32, holding })
      await runSql(nodes[0] as string, `CREATE DATABASE ${name}`)
      return databaseUrl(nodes[0] as string, name)
    },
    () => onEach(nodes, `DROP DATABASE ${name} WITH (FORCE)`),
  )
  if (holding !== undefined) await distribute(url, pino({ level: 'error' }))
  const bench = await openBench(lifecycle, url)
  const requests: Buffer[] = []
  for (let i = 0; i < accounts; i++) {
    const { accountId, secret } = await createAccount(bench.books.connections, `Account ${i}`)
    const own: Bench = { ...bench, accountId, formats: new Map() }
    const variables = claimInput(await newPool(own, { quantity: 100_000_000n }), 1)
    requests.push(requestOf({ key: secret, query: claimDocument('claimCodes'), variables }))
  }
  const urls = [await startServer(bench), await startServer(bench)]
  let answers = 0
  const random = () => requests[Math.floor(Math.random() * accounts)] as Buffer
  return {
    side: {
      what,
      figure: async () => {
        const { rate, answered } = await measure(
          { urls, connections, milliseconds },
          random,
          beginningOfClaim,
        )
        answers += answered
        return rate
      },
    },
    check: async () => {
      const [row] = await bench.books.rows<{ claimed: string }>({
        text: 'SELECT sum(claimed) AS claimed FROM pool',
      })
      if (Number(row?.claimed) !== answers)
        throw new Error(
          `The pools of "${what}" have handed out ${row?.claimed} codes, and ${answers} were answered.`,
        )
    },
  }
}

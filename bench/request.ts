/**
 * What a request costs a server, whatever it does: the processor time for each request, and the rate, of a mutation that does
 * nothing, a claim and a look-up over HTTP, with a bare HTTP server that reads the same requests and sends the same answers.
 * From one connection, each answer wakes a client that waits for it, which takes longer than the bare server needs for the
 * rest. From 64, the client of a server as fast as that one never sleeps. Run it with `node bench/request.ts`.
 */

import { fork } from 'node:child_process'
import { join } from 'node:path'
import { Claims } from '../src/domain/claim/claim.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { measure, requestOf } from './load.ts'
import {
  addServer,
  beginningOfClaim,
  claimDocument,
  claimInput,
  cpuMsOf,
  newPool,
  openBench,
  showComparison,
  startServer,
  type Target,
} from './support.ts'

const rounds = 9
const milliseconds = 1_500
const many = 64

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId, key } = bench

const poolId = await newPool(bench)
const { codes } = await new Claims(books).claim(accountId, { poolId, count: 1 })
const beginningOfCode = '{"data":{"result":{"code":"'

interface Kind {
  what: string
  query: string
  variables: Record<string, unknown>
  /** How an answer begins. */
  begins: string
  target: Target
}

const lookUp = (field: string): Pick<Kind, 'query' | 'variables' | 'begins'> => ({
  query: `query ($code: String!) { result: ${field}(code: $code) { code status recipient claimedAt } }`,
  variables: { code: codes[0]?.code },
  begins: beginningOfCode,
})

const claim = (field: string): Pick<Kind, 'query' | 'variables' | 'begins'> => ({
  query: claimDocument(field),
  variables: claimInput(poolId, 1),
  begins: beginningOfClaim,
})

const kinds: Kind[] = [
  { what: 'a mutation that does nothing', ...claim('doNothing'), target: { atMost: 2.5 } },
  { what: 'a query that does nothing', ...lookUp('likeCode'), target: { atMost: 2.5 } },
  { what: 'a claim', ...claim('claimCodes'), target: { atMost: 3.5 } },
  { what: 'a look-up', ...lookUp('code'), target: { atMost: 3.5 } },
]

const url = await startServer(bench)
for (const kind of kinds) {
  const request = requestOf({ key, query: kind.query, variables: kind.variables })
  const bareUrl = await startBareServer(await answerOf(kind))
  const bare = 'a bare HTTP server, the same bytes'
  const run = (at: string, connections: number) =>
    measure({ urls: [at], connections, milliseconds }, () => request, kind.begins)
  for (const connections of [1, many]) {
    const cpuOf = (at: string) => async () => {
      const before = await cpuMsOf(at)
      const { answered } = await run(at, connections)
      return (1_000 * ((await cpuMsOf(at)) - before)) / answered
    }
    const from = connections === 1 ? 'one connection' : `${connections} connections`
    console.log(`${kind.what}, over HTTP, ${from}, median of ${rounds}`)
    await showComparison(
      { rounds, unit: 'µs of processor time', target: kind.target },
      { what: kind.what, figure: cpuOf(url) },
      { what: bare, figure: cpuOf(bareUrl) },
    )
  }
  const rateOf = (at: string) => async () => (await run(at, many)).rate
  await showComparison(
    { rounds, unit: 'a second' },
    { what: kind.what, figure: rateOf(url) },
    { what: bare, figure: rateOf(bareUrl) },
  )
}

/** An answer of the service, head and body. */
async function answerOf({ query, variables }: Kind): Promise<BareAnswer> {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  })
  return { headers: Object.fromEntries(answer.headers), body: await answer.text() }
}

interface BareAnswer {
  headers: Record<string, string>
  body: string
}

async function startBareServer(answer: BareAnswer): Promise<string> {
  const server = fork(join(import.meta.dirname, 'bare-http-server.ts'), [JSON.stringify(answer)])
  return await addServer(lifecycle, server)
}

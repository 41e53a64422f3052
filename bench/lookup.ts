/**
 * What a look-up itself costs: codes of an account with 200 formats and some uploads, claimed and available, typed in the
 * ways in which people type, over HTTP, from 64 connections, against a query of the same shape that does nothing, on the
 * same server. Run it with `node bench/lookup.ts`.
 */

import { Claims } from '../src/domain/claim/claim.ts'
import { createFormat } from '../src/domain/format/create.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { measure, requestOf } from './load.ts'
import { newPool, newUploadedPool, openBench, showComparison, startServer } from './support.ts'

const connections = 64
const rounds = 9
const roundMs = 3_000
const expected = '{"data":{"result":{"code":"'

const formats = 200
const codesOfEach = 1_000_000n
const uploadedCodes = 100_000
const texts = 20_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId, key } = bench

const typed = (await Promise.all([generatedCodes(), uploadedCodesOf()])).flat().map(asTyped)
await books.connections.query('VACUUM ANALYZE')
const load = { urls: [await startServer(bench)], connections, milliseconds: roundMs }

/** Texts of codes of every format. In half of the formats, the codes that are looked up have been claimed. */
async function generatedCodes(): Promise<string[]> {
  const claims = new Claims(books)
  const codes: string[] = []
  const fromEach = (texts / formats) * 0.9
  for (let i = 0; i < formats; i++) {
    const formatId = await createFormat(books, accountId, {
      name: `Format ${i}`,
      shape: {
        prefix: `${['SPRING', 'SUMMER', 'AUTUMN', 'WINTER'][i % 4]}${i}-`,
        suffix: '',
        body: { pattern: '#####-#####' },
        characters: { set: i % 3 === 0 ? 'UPPERCASE_DIGITS' : 'UNAMBIGUOUS' },
      },
    })
    const poolId = await newPool(bench, { name: `Pool ${i}`, formatId, quantity: codesOfEach })
    if (i % 2 === 0)
      for (let claim = 0; claim < 100; claim++)
        await claims.claim(accountId, {
          poolId,
          count: 1 + (claim % 3) * 100,
          recipient: `customer ${claim}`,
        })
    const space = await books.codeSpaces.get(books, accountId, formatId)
    codes.push(...space.codesAt(0n, fromEach))
  }
  return codes
}

/** Codes of an upload, in lower case with dashes. */
async function uploadedCodesOf(): Promise<string[]> {
  const codes = Array.from(
    { length: uploadedCodes },
    (_, i) => `gift-${(i * 7_919 + 1_000_003).toString(36)}-${i}`,
  )
  await newUploadedPool(bench, { name: 'Uploaded', codes })
  return codes.slice(0, texts * 0.1)
}

/** Unchanged, in lower case, without dashes, or with spaces in their place. */
function asTyped(code: string, i: number): string {
  if (i % 4 === 0) return code
  if (i % 4 === 1) return code.toLowerCase()
  return code.replaceAll('-', i % 4 === 2 ? '' : ' ')
}

function side(field: string): () => Promise<number> {
  const query = `query ($code: String!) { result: ${field}(code: $code) { code status recipient claimedAt } }`
  const requests = typed.map((code) => requestOf({ key, query, variables: { code } }))
  // Neighbours are of one format: a stride that shares no factor with their number mixes them.
  let at = 0
  const next = () => {
    at = (at + 7_919) % requests.length
    return requests[at] as Buffer
  }
  return async () => (await measure(load, next, expected)).rate
}

console.log(`Look-ups over HTTP, ${formats} formats, ${connections} connections, median of ${rounds}`)
await showComparison(
  { rounds, unit: 'a second', target: { atLeast: 0.85 } },
  { what: 'code(code:)', figure: side('code') },
  { what: 'a query of the same shape that does nothing', figure: side('likeCode') },
)

import { describe, expect, it, vi } from 'vitest'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { HolesAhead, readHoles } from '../../../src/domain/code/holes.ts'
import type { Batch } from '../../../src/domain/pool/batch.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, newFormat, newPool, useBooks } from '../../support/books.ts'
import { clearAway, upload } from '../../support/uploads.ts'

const test = useBooks()

/** How often holes have been read so far by these books. */
function reads(rows: { mock: { calls: unknown[][] } }): number {
  return rows.mock.calls.filter(([statement]) => /FROM taken/.test((statement as { text: string }).text))
    .length
}

/** A format whose `next` is a multiple of three, and in which each third index before it is taken. */
async function formatWithHoles(next: number): Promise<string> {
  const { books, accountId } = test
  const formatId = await newFormat(test, { length: 8, characters: { set: 'UNAMBIGUOUS' } })
  await books.rows({
    text: 'INSERT INTO taken (account_id, format_id, index) SELECT $1, $2, 3 * n FROM generate_series(0, $3 / 3 - 1) AS n',
    values: [accountId, formatId, next],
  })
  await books.rows({
    text: 'UPDATE format SET next = $3 WHERE account_id = $1 AND id = $2',
    values: [accountId, formatId, next],
  })
  return formatId
}

describe('holes that are read ahead', () => {
  it('are right whatever another process uploads, undoes and generates between two claims', async () => {
    const formatId = await newFormat(test, { length: 2, characters: { set: 'UNAMBIGUOUS' } })
    const codes = (await test.books.codeSpaces.get(test.books, test.accountId, formatId)).codesAt(0n, 400)
    const codesAt = (isMeant: (index: number) => boolean) => codes.filter((_, index) => isMeant(index))
    const uploads = await newPool(test)
    await upload(
      test,
      uploads,
      codesAt((index) => index < 300 && index % 3 === 0),
    )
    const undone = await upload(
      test,
      uploads,
      codesAt((index) => index % 30 === 1),
    )
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 60n)
    const claims = new Claims(test.books)
    const claim = async (count: number) =>
      (await claims.claim(test.accountId, { poolId, count })).codes.map(({ code }) => code)
    const rows = vi.spyOn(test.books, 'rows')
    const claimed = await claim(10)

    const other = { books: await test.another(), accountId: test.accountId }
    // Those that were generated are duplicates; the others are passed over from now on.
    await upload(
      other,
      uploads,
      codesAt((index) => index % 5 === 2),
    )
    await undoUpload(other.books, other.accountId, undone)
    await clearAway(other, undone)
    await fill(other, poolId, formatId, 60n)
    const before = reads(rows)
    claimed.push(...(await claim(20)), ...(await claim(20)))
    expect(reads(rows)).toBe(before)
    while (claimed.length < 120) claimed.push(...(await claim(14)))
    rows.mockRestore()

    // The first sixty were generated before the upload, and pass over what was undone later.
    const first = codesAt((index) => index % 3 !== 0 && index % 30 !== 1).slice(0, 60)
    const next = codes.indexOf(first.at(-1) as string) + 1
    const rest = codesAt((index) => index >= next && (index >= 300 || index % 3 !== 0) && index % 5 !== 2)
    expect(claimed).toEqual([...first, ...rest.slice(0, 60)])
    await expectBalance(test)
  })

  it('are those of each batch, however many there are, and are read for many batches at once', async () => {
    const { books, accountId } = test
    const formatId = await formatWithHoles(30_000)
    const batches = Array.from({ length: 100 }, (_, i): Batch => {
      const own = { formatId, start: 0n, first: 300n * BigInt(i) }
      // Some without holes.
      return i % 7 === 3
        ? { ...own, first: own.first + 1n, count: 2n, holes: 0 }
        : { ...own, count: 200n, holes: 100 }
    })
    const rows = vi.spyOn(books, 'rows')
    const ahead = new HolesAhead(books)
    const found: bigint[][] = []
    for (let at = 0; at < batches.length; at += 4)
      found.push(...(await ahead.read(accountId, batches.slice(at, at + 4))))
    expect(reads(rows)).toBeLessThan(5)
    rows.mockRestore()
    expect(found).toEqual(await readHoles(books, accountId, batches))
    expect(found[50]).toEqual(Array.from({ length: 100 }, (_, i) => 15_000n + 3n * BigInt(i)))
  })

  it('are read again where they do not fit a batch, as after a repair of the data', async () => {
    const { books, accountId } = test
    const formatId = await formatWithHoles(30)
    const ahead = new HolesAhead(books)
    const batch: Batch = { formatId, start: 0n, first: 0n, count: 6n, holes: 3 }
    expect(await ahead.read(accountId, [batch])).toEqual([[0n, 3n, 6n]])
    await books.rows({
      text: 'DELETE FROM taken WHERE account_id = $1 AND format_id = $2 AND index = 3',
      values: [accountId, formatId],
    })
    const repaired: Batch = { ...batch, count: 7n, holes: 2 }
    expect(await ahead.read(accountId, [repaired])).toEqual([[0n, 6n]])
  })
})

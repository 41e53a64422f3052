import { v7 as newId } from 'uuid'
import { describe, expect, it } from 'vitest'
import type { Claim } from '../../../src/domain/pool/claim-rows.ts'
import { readUsage, type Usage, unused, validityOf } from '../../../src/domain/usage/usage.ts'
import { useBooks } from '../../support/books.ts'

const shared = useBooks()

const at = new Date('2026-03-01T09:30:00.000Z')

describe('the validity of a code', () => {
  const claim: Claim = {
    poolId: newId(),
    first: 0n,
    count: 1n,
    recipient: undefined,
    at,
    expiresAt: undefined,
  }
  const redemption = {
    id: newId(),
    poolId: claim.poolId,
    position: 0n,
    reference: 'order 1',
    place: undefined,
    at,
    rolledBackAt: undefined,
  }
  const redeemed: Usage = { ...unused, redemption }
  const voided: Usage = { ...unused, void: { at, reason: undefined } }
  const validity = (expiresAt: Date | undefined, usage: Usage) =>
    validityOf({ lane: 'LINE', claim: { ...claim, expiresAt } }, usage, at)

  it('is NOT_CLAIMED while it is available, and WITHDRAWN when it has been withdrawn', () => {
    expect(validityOf({ lane: 'LINE', claim: undefined }, unused, at)).toBe('NOT_CLAIMED')
    expect(validityOf({ lane: 'WITHDRAWN', claim: undefined }, unused, at)).toBe('WITHDRAWN')
  })

  it('is VALID until the last millisecond before it expires, and EXPIRED from then on', () => {
    expect(validity(undefined, unused)).toBe('VALID')
    expect(validity(new Date(at.getTime() + 1), unused)).toBe('VALID')
    expect(validity(at, unused)).toBe('EXPIRED')
  })

  it('is REDEEMED before it is VOIDED, and VOIDED before it is EXPIRED', () => {
    expect(validity(at, { ...redeemed, ...voided, redemption })).toBe('REDEEMED')
    expect(validity(at, voided)).toBe('VOIDED')
    expect(validity(at, redeemed)).toBe('REDEEMED')
  })
})

describe('what has become of codes', () => {
  async function redeem(poolId: string, position: number, rolledBack = false): Promise<string> {
    const id = newId()
    await shared.books.rows({
      text: `
        INSERT INTO redemption
          (account_id, id, pool_id, position, reference, place, at, version, rolled_back_at, rolled_back_version)
        VALUES ($1, $2, $3, $4, $5, 'till', $6, 1, $7, $8)`,
      values: [
        shared.accountId,
        id,
        poolId,
        position,
        `order ${position}`,
        at,
        rolledBack ? at : null,
        rolledBack ? 2 : null,
      ],
    })
    return id
  }
  async function voidCodes(poolId: string, first: number, count: number, version: number, ended?: number) {
    await shared.books.rows({
      text: `
        INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version, unvoided_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      values: [shared.accountId, poolId, first, count, at, `leak ${version}`, version, ended ?? null],
    })
  }
  const read = (poolId: string, positions: bigint[]) =>
    readUsage(
      shared.books,
      shared.accountId,
      positions.map((position) => ({ poolId, position })),
    )

  it('is read in the order of the positions, with what stands now', async () => {
    const [poolId, other] = [newId(), newId()]
    const id = await redeem(poolId, 2)
    await redeem(poolId, 3, true)
    await redeem(other, 4)
    await voidCodes(poolId, 5, 2, 1)
    await voidCodes(poolId, 8, 2, 2, 3)
    await voidCodes(poolId, 8, 1, 4)
    const redemption = {
      id,
      poolId,
      position: 2n,
      reference: 'order 2',
      place: 'till',
      at,
      rolledBackAt: undefined,
    }
    const leaked = (version: number) => ({ ...unused, void: { at, reason: `leak ${version}` } })
    expect(await read(poolId, [9n, 8n, 7n, 6n, 5n, 4n, 3n, 2n, 2n])).toEqual([
      unused,
      leaked(4),
      unused,
      leaked(1),
      leaked(1),
      unused,
      unused,
      { ...unused, redemption },
      { ...unused, redemption },
    ])
  })

  it('is read of any number of codes', async () => {
    const poolId = newId()
    await voidCodes(poolId, 1_500, 1, 1)
    const usages = await read(
      poolId,
      Array.from({ length: 2_500 }, (_, i) => BigInt(i)),
    )
    expect(usages).toHaveLength(2_500)
    expect(usages.flatMap((usage, i) => (usage.void === undefined ? [] : [i]))).toEqual([1_500])
    expect(await read(poolId, [])).toEqual([])
  })
})

import { beforeAll, describe, expect, it } from 'vitest'
import {
  issuingEnds,
  PoolArchivedError,
  PoolNotIssuingError,
  refusalToIssue,
} from '../../../src/domain/pool/issuing.ts'
import type { PoolState, PoolTerms } from '../../../src/domain/pool/pool.ts'
import { newPool, poolNow, useBooks } from '../../support/books.ts'

const test = useBooks()
let pool: PoolState
beforeAll(async () => {
  pool = await poolNow(test, await newPool(test))
})

const at = (time: string) => new Date(`2027-05-${time}Z`)

function refusal(terms: Partial<PoolTerms>, time: string) {
  return refusalToIssue({ ...pool, terms: { ...pool.terms, ...terms } }, at(time))
}

describe('a pool', () => {
  it('hands out codes without terms, and while all of them allow it', () => {
    const terms = {
      issueFrom: at('01T00:00:00'),
      issueUntil: at('03T00:00:00'),
      validUntil: at('04T00:00:00'),
    }
    expect(refusal({}, '01T00:00:00')).toBeUndefined()
    expect(refusal(terms, '01T00:00:00.000')).toBeUndefined()
    expect(refusal(terms, '02T23:59:59.999')).toBeUndefined()
  })

  it('does not hand out codes before issueFrom', () => {
    const refused = refusal({ issueFrom: at('02T00:00:00') }, '01T23:59:59.999')
    expect(refused).toBeInstanceOf(PoolNotIssuingError)
    expect(refused?.message).toContain('from 2027-05-02T00:00:00.000Z on')
    expect(refused).toMatchObject({ issueFrom: at('02T00:00:00'), issueUntil: undefined })
  })

  it.each<[string, Partial<PoolTerms>]>([
    ['issueUntil', { issueUntil: at('02T00:00:00'), validUntil: at('03T00:00:00') }],
    [
      'validUntil, from when on no code would be good',
      { validUntil: at('02T00:00:00'), issueUntil: at('03T00:00:00') },
    ],
  ])('does not hand out codes from %s on', (_what, terms) => {
    expect(refusal(terms, '01T23:59:59.999')).toBeUndefined()
    const refused = refusal(terms, '02T00:00:00')
    expect(refused).toBeInstanceOf(PoolNotIssuingError)
    expect(refused?.message).toContain('until 2027-05-02T00:00:00.000Z')
    expect(refused).toMatchObject({ issueUntil: at('02T00:00:00') })
  })

  it('says that it is archived rather than when it hands out codes', () => {
    const archived = {
      ...pool,
      archivedAt: at('01T00:00:00'),
      terms: { ...pool.terms, issueFrom: at('03T00:00:00') },
    }
    expect(refusalToIssue(archived, at('02T00:00:00'))).toBeInstanceOf(PoolArchivedError)
  })

  it('has an end of issuing only if its terms have one', () => {
    expect(issuingEnds(pool.terms)).toBeUndefined()
  })
})

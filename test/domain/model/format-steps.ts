import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import { backfillFormat } from '../../../src/domain/format/backfill.ts'
import { createFormat } from '../../../src/domain/format/create.ts'
import * as model from '../../support/model.ts'
import { action, choice, outcomeOf, pick, Step } from './step.ts'

/** Sets of codes that a format can have, and that can be uploaded before it is created. */
export const families = [2, 5, 9, 14, 30, 200].map((size, at) => ({
  prefix: `${'ABCDEF'[at]}-`,
  characters: Array.from({ length: size }, (_, i) => String.fromCodePoint(0x4e00 + i)).join(''),
}))

// So few that most formats over uploaded codes are not ready at first.
const takenAtOnce = 1

export const makeFormat = fc.nat(families.length - 1).map(formatOf)

/** Makes the format of a family. */
export function formatOf(which: number): Step {
  return new Step(`make format ${families[which]?.prefix}`, ({ place: { books, accountId } }) => {
    const { prefix, characters } = families[which] as (typeof families)[number]
    const shape = { prefix, suffix: '', body: { length: 1 }, characters: { list: characters } }
    return action(
      () => outcomeOf(createCodes()),
      (now, { value, refused }) => {
        const exists = now.formats.some(({ codes }) => codes[0]?.startsWith(prefix))
        expect(refused).toBe(exists ? 'FORMAT_OVERLAP' : undefined)
        if (value !== undefined) model.addFormat(now, value.id, value.codes, takenAtOnce)
      },
    )

    async function createCodes() {
      const id = await createFormat(books, accountId, { name: randomUUID(), shape }, takenAtOnce)
      const space = await books.codeSpaces.get(books, accountId, id)
      return { id, codes: space.codesAt(0n, characters.length) }
    }
  })
}

/** A worker backfills a format that was created over uploaded codes, step by step. */
export const backfill = fc.tuple(choice, fc.integer({ min: 1, max: 3 })).map(
  ([which, limit]) =>
    new Step(
      `backfill format ${which} with the next ${limit} earlier codes`,
      ({ place: { books, accountId }, model: { formats } }) => {
        const unready = formats.filter(({ lookedAt }) => lookedAt !== undefined)
        const formatId = pick(unready.length > 0 ? unready : formats, which)?.id
        if (formatId === undefined) return undefined
        return action(
          () => backfillFormat(books, { accountId, formatId }, limit),
          (now, done) => {
            const format = model.the(now.formats, formatId)
            // One of two at the same moment may leave it to the other.
            if (format.lookedAt === undefined) expect(done).toBe(false)
            if (done) model.lookOn(now, format, limit)
          },
        )
      },
    ),
)

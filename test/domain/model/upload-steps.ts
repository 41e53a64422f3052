import fc from 'fast-check'
import { expect } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import type { TaskRef } from '../../../src/domain/books/task-ref.ts'
import { addChunk } from '../../../src/domain/upload/add-chunk.ts'
import { clearUpload } from '../../../src/domain/upload/clear.ts'
import { completeUpload, undoUpload } from '../../../src/domain/upload/finish.ts'
import type { Model } from '../../support/model.ts'
import * as model from '../../support/model.ts'
import { chunkOf, startUpload } from '../../support/uploads.ts'
import { families } from './format-steps.ts'
import { action, choice, outcomeOf, pick, pickUseful, Step, whichPool } from './step.ts'

export const startFile = fc.tuple(whichPool, fc.nat(3)).map(
  ([which, dry]) =>
    new Step(`upload ${dry === 0 ? 'a dry run ' : ''}into pool ${which}`, ({ place, model: { pools } }) => {
      const poolId = pick(pools, which)?.id
      if (poolId === undefined) return undefined
      const dryRun = dry === 0
      return action(
        () => startUpload(place, poolId, { dryRun }),
        (now, id) => model.addUpload(now, id, poolId, dryRun),
      )
    }),
)

/** Codes of the families, or of none. */
const fileCode = fc.tuple(fc.nat(families.length), fc.nat(29)).map(([which, at]) => {
  const family = families[which]
  return family ? family.prefix + family.characters[at % family.characters.length] : `other-${at}`
})

export const readFile = fc.tuple(choice, fc.array(fileCode, { minLength: 1, maxLength: 12 }), fc.nat(2)).map(
  ([which, codes, noCodes]) =>
    new Step(
      `read ${codes} and ${noCodes} rows without a code of upload ${which}`,
      ({ place: { books, accountId }, model: { uploads } }) => {
        const upload = pickUseful(uploads, which, isRunning)
        if (upload === undefined) return undefined
        const taskId = upload.id
        const from = BigInt(model.rowsRead(upload))
        const refused = Array.from({ length: noCodes }, () => ({ text: '?', reason: 'It is no code.' }))
        return action(
          () => addChunk(books, { accountId, taskId }, from, chunkOf(codes, from, refused)),
          (now, added) => {
            const upload = model.the(now.uploads, taskId)
            expect(added).toBe(upload.status === 'RUNNING' && BigInt(model.rowsRead(upload)) === from)
            if (!added) return
            upload.refused += noCodes
            model.readRows(now, upload, codes)
          },
        )
      },
    ),
)

function isRunning({ status }: model.UploadModel): boolean {
  return status === 'RUNNING'
}

/** A step with one of the uploads. */
function uploadStep<Result>(
  what: string,
  which: number,
  isUseful: (upload: model.UploadModel) => boolean,
  attempt: (books: Books, ref: TaskRef) => Promise<Result>,
  check: (now: Model, upload: model.UploadModel, result: Result) => void,
) {
  return new Step(`${what} of upload ${which}`, ({ place: { books, accountId }, model: { uploads } }) => {
    const taskId = pickUseful(uploads, which, isUseful)?.id
    if (taskId === undefined) return undefined
    return action(
      () => attempt(books, { accountId, taskId }),
      (now, result) => check(now, model.the(now.uploads, taskId), result),
    )
  })
}

export const completeFile = choice.map((which) =>
  uploadStep('completion', which, isRunning, completeUpload, (now, upload, done) => {
    expect(done).toBe(upload.status === 'RUNNING')
    if (done) model.complete(now, upload)
  }),
)

export const undoFile = choice.map((which) =>
  uploadStep(
    'undoing',
    which,
    ({ status, dryRun }) => status === 'COMPLETED' && !dryRun,
    (books, { accountId, taskId }) => outcomeOf(undoUpload(books, accountId, taskId)),
    (now, upload, { refused }) => {
      if (upload.status === 'UNDONE') return expect(refused).toBeUndefined()
      const can = model.canUndo(now, upload)
      expect(refused).toBe(can ? undefined : 'UPLOAD_NOT_UNDONE')
      if (can) model.undo(now, upload)
    },
  ),
)

export const clearFile = fc.tuple(choice, fc.integer({ min: 1, max: 8 })).map(([which, limit]) =>
  uploadStep(
    `clearing ${limit} rows`,
    which,
    ({ status, hasWork }) => status !== 'RUNNING' && hasWork,
    (books, ref) => clearUpload(books, ref, limit),
    (now, upload, more) => expect(more).toBe(model.clear(now, upload, limit)),
  ),
)

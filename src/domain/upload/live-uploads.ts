import type { Logger } from 'pino'
import type { Books } from '../books/books.ts'
import { readTasks, type Task } from '../generation/task.ts'
import { RowPoller, type RowRef } from '../subscription/row-poller.ts'
import { readUploadWaits, type UploadWait } from './queue.ts'

/** The task of an upload, and what it waits for, if it waits. */
export type LiveUpload = Task & { waitingFor: UploadWait | undefined }

/** Follows the progress of uploads and what they wait for, by polling: few are in progress. Status changes are events. */
export function followUploads(books: Books, log: Logger): RowPoller<LiveUpload> {
  const readOf = async (accountId: string, ids: readonly string[]) => {
    const tasks = await readTasks(books, accountId, ids)
    const waits = await readUploadWaits(books, accountId, ids)
    return tasks.map((task) => ({ ...task, waitingFor: waits.get(task.id) }))
  }
  const read = async (uploads: readonly RowRef[]) => {
    const found: LiveUpload[] = []
    for (const [accountId, own] of Map.groupBy(uploads, (upload) => upload.accountId)) {
      const ids = own.map(({ id }) => id)
      found.push(...(await readOf(accountId, ids)))
    }
    return found
  }
  const differs = (a: LiveUpload, b: LiveUpload) =>
    a.bytesRead !== b.bytesRead || a.rowsRead !== b.rowsRead || a.waitingFor !== b.waitingFor
  return new RowPoller({ what: 'uploads', read, differs, reach: books.reach, log })
}

import type { Logger } from 'pino'
import type { Books } from '../books/books.ts'
import { readTasks, type Task } from '../generation/task.ts'
import { RowPoller, type RowRef } from '../subscription/row-poller.ts'
import { readUploadWaits, type UploadWait } from './queue.ts'

/** The task of an upload, and what it waits for, if it waits. */
export type LiveUpload = Task & { waitingFor: UploadWait | undefined }

/** Follows the progress of uploads and what they wait for, by polling: few are in progress. Status changes are events. */
export function followUploads(books: Books, log: Logger): RowPoller<LiveUpload> {
  const read = async (refs: readonly RowRef[]) => {
    const tasks = await readTasks(books, refs)
    const waits = new Map<string, UploadWait>()
    for (const [accountId, ofAccount] of Map.groupBy(tasks, (task) => task.accountId)) {
      const ids = ofAccount.map(({ id }) => id)
      for (const [id, wait] of await readUploadWaits(books, accountId, ids)) waits.set(id, wait)
    }
    return tasks.map((task) => ({ ...task, waitingFor: waits.get(task.id) }))
  }
  const differs = (a: LiveUpload, b: LiveUpload) =>
    a.bytesRead !== b.bytesRead || a.rowsRead !== b.rowsRead || a.waitingFor !== b.waitingFor
  return new RowPoller({ what: 'uploads', read, differs, log })
}

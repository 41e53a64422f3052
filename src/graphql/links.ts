import type { StatusFilter } from '../domain/pool/snapshot.ts'
import { encodeId } from './ids.ts'

/** Where files can be downloaded, as paths on this service. */

/** The file of a pool's codes of a status; `more` are other parameters of it. */
export function codesPath(poolId: string, status: StatusFilter, more: Record<string, string> = {}): string {
  return `/pools/${encodeId('Pool', poolId)}/codes.csv?${new URLSearchParams({ status, ...more })}`
}

/** The file of the rows of an upload that were not added. */
export function rejectedRowsPath(taskId: string): string {
  return `/tasks/${encodeId('Task', taskId)}/rejected.csv`
}

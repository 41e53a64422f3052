import type { Problem } from '../api/read-problems.ts'
import { text } from '../text.ts'

/** How a file is to be read. */
export interface ReadingSettings {
  /** Whether the first row is a header; the service decides if left out. */
  header?: boolean
  /** The name of the column with the codes or, with `header`, its number from 1. */
  column?: string
  caseSensitive: boolean
}

/** A file for a pool, and what is to be done with it. */
export interface UploadRequest {
  poolId: string
  file: File
  settings: ReadingSettings
  /** Only counts what would be added. */
  dryRun: boolean
  /** Sending the same request again adds nothing more. */
  idempotencyKey: string
}

export type Sent = { taskId: string; problems?: never } | { taskId?: never; problems: Problem[] }

/**
 * Sends a file as it is: the browser streams it from the disk. Resolves to the task that reads it, or to why there is none.
 * By XMLHttpRequest, as `fetch` does not tell how much has been sent.
 *
 * @param onProgress told the number of bytes that have been sent
 */
export function sendFile(
  request: UploadRequest,
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<Sent> {
  const { promise, resolve } = Promise.withResolvers<Sent>()
  const xhr = new XMLHttpRequest()
  xhr.open('POST', addressOf(request))
  xhr.setRequestHeader('Content-Type', 'application/octet-stream')
  xhr.upload.onprogress = ({ loaded }) => onProgress(loaded)
  xhr.onload = () => resolve(answerOf(xhr))
  // The service may refuse a file while it is sent, and then reads no more of it.
  xhr.onerror = async () => resolve({ problems: [await faultOf(request.file)] })
  xhr.onabort = () => resolve({ problems: [] })
  signal.addEventListener('abort', () => xhr.abort())
  xhr.send(request.file)
  return promise
}

function addressOf({ poolId, settings, dryRun, idempotencyKey }: UploadRequest): string {
  const { header, column, caseSensitive } = settings
  const parameters = new URLSearchParams({
    idempotencyKey,
    ...(dryRun && { dryRun: 'true' }),
    ...(header !== undefined && { header: String(header) }),
    ...(column !== undefined && { column }),
    ...(caseSensitive && { caseSensitive: 'true' }),
  })
  return `/pools/${encodeURIComponent(poolId)}/codes?${parameters}`
}

interface Answer {
  task?: { id: string }
  errors?: readonly {
    message: string
    extensions: { code: string; path?: readonly string[]; issues?: readonly { message: string }[] }
  }[]
}

function answerOf({ responseText }: XMLHttpRequest): Sent {
  const { task, errors = [] } = parsed(responseText)
  if (task !== undefined) return { taskId: task.id }
  const problems = errors.flatMap(({ message, extensions: { code, issues = [{ message }] } }) =>
    issues.map((issue) => ({ code, message: issue.message, path: '' })),
  )
  return { problems: problems.length > 0 ? problems : [unreachable] }
}

function parsed(json: string): Answer {
  try {
    return JSON.parse(json) as Answer
  } catch {
    // Not an answer of the service, but of something between it and the browser.
    return {}
  }
}

const unreachable: Problem = { code: 'NETWORK', message: text.common.unreachable, path: '' }

/** Why a file was not sent: it may have been changed, moved or removed since it was chosen. */
async function faultOf(file: File): Promise<Problem> {
  const isReadable = await file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    )
  return isReadable ? unreachable : { code: 'FILE_CHANGED', message: text.uploads.fileChanged, path: '' }
}

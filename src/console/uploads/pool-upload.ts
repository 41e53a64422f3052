import type { Client } from 'urql'
import { graphql } from '../api/graphql.ts'
import { newIdempotencyKey } from '../api/idempotency.ts'
import { Observable } from '../api/observable.ts'
import type { Problem } from '../api/read-problems.ts'
import { Refusal } from '../api/submit.ts'
import { type ReadingSettings, sendFile, type UploadRequest } from './send-file.ts'

/** How far an upload to a pool has come. A file is first sent for a check (`dryRun`), and then to be added. */
export type UploadStep =
  | { name: 'choosing' }
  | { name: 'sending'; request: UploadRequest; sentBytes: number; beganAt: number; isCancelled: boolean }
  | { name: 'unsent'; request: UploadRequest; problems: readonly Problem[] }
  | { name: 'sent'; request: UploadRequest; taskId: string }

/** What the browser may have given to the network without the service having received it. */
const maxBytesUnderWay = 4 * 2 ** 20

export const CancelUploadMutation = graphql(
  `
    mutation CancelUpload($input: CancelTaskInput!) {
      cancelTask(input: $input) {
        __typename
        ... on CancelTaskPayload {
          task {
            id
            status
            finishedAt
          }
        }
        ... on UserError {
          ...Refusal
        }
      }
    }
  `,
  [Refusal],
)

/**
 * The upload of one file to one pool. It goes on while the person looks at other pages of the console, and warns before the
 * tab is closed while the file is being sent.
 */
export class PoolUpload {
  readonly step = new Observable<UploadStep>({ name: 'choosing' })
  readonly #client: Client
  readonly #poolId: string
  #sending = new AbortController()
  /** The last check, which cancelling the upload itself leads back to. */
  #checked: (UploadStep & { name: 'sent' }) | undefined

  constructor(client: Client, poolId: string) {
    this.#client = client
    this.#poolId = poolId
  }

  /** Sends a file to learn what it would add. Nothing is added. */
  async check(file: File, settings: ReadingSettings = { caseSensitive: false }): Promise<void> {
    await this.#send(this.#request(file, settings, true))
  }

  /** Adds the file that was checked, read in the same way. */
  async add({ file, settings }: UploadRequest): Promise<void> {
    await this.#send(this.#request(file, settings, false))
  }

  /** Sends a request again whose answer was lost: with the same key, so that nothing is added twice. */
  async sendAgain(request: UploadRequest): Promise<void> {
    await this.#send(request)
  }

  /** Stops sending. If the file may have arrived already, its task is cancelled instead. */
  cancelSending(): void {
    const step = this.step.get()
    if (step.name !== 'sending') return
    this.step.set({ ...step, isCancelled: true })
    if (step.request.file.size - step.sentBytes > maxBytesUnderWay) this.#sending.abort()
  }

  /** Begins anew, with another file. */
  reset(): void {
    this.#checked = undefined
    this.step.set({ name: 'choosing' })
  }

  #request(file: File, settings: ReadingSettings, dryRun: boolean): UploadRequest {
    return { poolId: this.#poolId, file, settings, dryRun, idempotencyKey: newIdempotencyKey() }
  }

  async #send(request: UploadRequest): Promise<void> {
    if (this.step.get().name === 'sending') return
    this.#sending = new AbortController()
    const isCancelled = () => {
      const step = this.step.get()
      return step.name === 'sending' && step.isCancelled
    }
    const progress = (sentBytes: number) => {
      const step = this.step.get()
      if (step.name === 'sending') this.step.set({ ...step, sentBytes })
    }
    this.step.set({ name: 'sending', request, sentBytes: 0, beganAt: Date.now(), isCancelled: false })
    window.addEventListener('beforeunload', warn)
    const { taskId, problems } = await sendFile(request, this.#sending.signal, progress).finally(() =>
      window.removeEventListener('beforeunload', warn),
    )
    if (taskId !== undefined) {
      const sent = { name: 'sent' as const, request, taskId }
      if (!isCancelled()) this.#arrived(sent)
      else if (await this.#cancel(taskId)) this.goBack()
      else this.#arrived(sent)
    } else if (isCancelled()) this.goBack()
    else this.step.set({ name: 'unsent', request, problems })
  }

  #arrived(sent: UploadStep & { name: 'sent' }): void {
    if (sent.request.dryRun) this.#checked = sent
    this.step.set(sent)
  }

  /** To the check of the file or, if that was cancelled, to the choice of one. */
  goBack(): void {
    this.step.set(this.#checked ?? { name: 'choosing' })
  }

  /** Whether the task is cancelled now. It is not if it has finished already. */
  async #cancel(taskId: string): Promise<boolean> {
    const { data } = await this.#client.mutation(CancelUploadMutation, { input: { taskId } }).toPromise()
    return data?.cancelTask?.__typename === 'CancelTaskPayload'
  }
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault()
}

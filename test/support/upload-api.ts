import { errorFields, type Outcome } from './api.ts'
import type { Answer, Client } from './client.ts'

/** The response to `POST /pools/<id>/codes`. */
export interface UploadReply {
  status: number
  headers: Headers
  task?: { id: string; status: string }
  errors?: { message: string; extensions: { code: string; [name: string]: unknown } }[]
}

type Body = string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array>

/** Uploads a file as the body of a request. `search` has the query parameters. */
export async function postCodes(
  service: { url: string },
  client: Client,
  poolId: string,
  file: Body,
  options: { search?: Record<string, string>; headers?: Record<string, string>; method?: string } = {},
): Promise<UploadReply> {
  const { search = {}, headers = {}, method = 'POST' } = options
  const address = `${service.url}/pools/${encodeURIComponent(poolId)}/codes?${new URLSearchParams(search)}`
  const response = await fetch(address, {
    method,
    headers: { ...client.authorization(), 'content-type': 'text/csv', ...headers },
    body: file,
    duplex: 'half',
    // Node accepts async iterables as bodies, but its types do not.
  } as unknown as RequestInit)
  return { status: response.status, headers: response.headers, ...((await response.json()) as object) }
}

/** Like `postCodes`, for a file that must be accepted. Resolves to the id of the task. */
export async function upload(
  service: { url: string },
  client: Client,
  poolId: string,
  file: Body,
  search: Record<string, string> = {},
): Promise<string> {
  const { task, errors } = await postCodes(service, client, poolId, file, { search })
  if (task === undefined) throw new Error(errors?.map(({ message }) => message).join('\n'))
  return task.id
}

export const uploadDocument = `mutation ($input: UploadCodesInput!) { result: uploadCodes(input: $input) {
  __typename ${errorFields}
  ... on UploadCodesPayload { task { id kind status progress upload { rowsRead dryRun column } } }
} }`

/** Sends a form of the GraphQL multipart request specification with these parts. */
export async function sendForm<Data>(
  service: { url: string },
  client: Client | undefined,
  parts: readonly [name: string, value: string | File][],
): Promise<Answer<Data>> {
  const form = new FormData()
  for (const [name, value] of parts) form.append(name, value)
  const response = await fetch(`${service.url}/graphql`, {
    method: 'POST',
    headers: client?.authorization() ?? {},
    body: form,
  })
  return { status: response.status, ...((await response.json()) as Omit<Answer<Data>, 'status'>) }
}

/** The parts of a form that uploads a file with the mutation uploadCodes. */
export function uploadForm(
  input: Record<string, unknown>,
  file: BlobPart,
  document = uploadDocument,
): [string, string | File][] {
  return [
    ['operations', JSON.stringify({ query: document, variables: { input: { ...input, file: null } } })],
    ['map', JSON.stringify({ codes: ['variables.input.file'] })],
    ['codes', new File([file], 'codes.csv')],
  ]
}

export interface UploadOutcome extends Outcome {
  task?: { id: string; kind: string; status: string; progress: number; upload: Record<string, unknown> }
}

/** Uploads a file with the mutation uploadCodes. */
export async function uploadByForm(
  service: { url: string },
  client: Client,
  input: Record<string, unknown>,
  file: BlobPart,
): Promise<UploadOutcome> {
  const { data, errors } = await sendForm<{ result: UploadOutcome }>(service, client, uploadForm(input, file))
  if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join('\n'))
  return data.result
}

/** The task of an upload. */
export interface UploadTask {
  id: string
  kind: string
  status: string
  progress: number
  addedCount: string
  generatedCount: string
  failure: { code: string; message: string } | null
  upload: {
    column: string | null
    dryRun: boolean
    rowsRead: string
    accepted: string
    duplicatesInFile: string
    duplicatesInAccount: string
    refused: string
  }
}

export async function readUploadTask(client: Client, id: string): Promise<UploadTask> {
  const { task } = await client.ask<{ task: UploadTask }>(
    `query ($id: ID!) { task(id: $id) {
      id kind status progress addedCount generatedCount failure { code message }
      upload { column dryRun rowsRead accepted duplicatesInFile duplicatesInAccount refused }
    } }`,
    { id },
  )
  return task
}

/** Resolves when an upload has ended in any way. */
export async function ended(client: Client, id: string): Promise<UploadTask> {
  const updates = client.subscribe<{ taskUpdated: { status: string } }>(
    'subscription ($id: ID!) { taskUpdated(id: $id) { status } }',
    { id },
  )
  for await (const _update of updates);
  return await readUploadTask(client, id)
}

/** A file with `count` codes that no other test has, one per line. */
export function codesFile(name: string, count: number, from = 0): string {
  let text = ''
  for (let i = from; i < from + count; i++) text += `${name}-${i}\n`
  return text
}

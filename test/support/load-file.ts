import { type IncomingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

/** An answer with its body as it was sent: fetch would decompress it. */
export interface LoadedFile {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: Buffer
}

export function loadFile(
  url: URL,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<LoadedFile> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadedFile>()
  request(url, { method, headers }, async (response) => {
    resolve({ status: response.statusCode, headers: response.headers, body: await buffer(response) })
  })
    .once('error', reject)
    .end()
  return promise
}

/** The body without its coding. */
export function unpacked({ headers, body }: LoadedFile): Buffer {
  if (headers['content-encoding'] === 'br') return brotliDecompressSync(body)
  return headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
}

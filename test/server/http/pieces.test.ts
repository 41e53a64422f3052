import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../../../src/listen.ts'
import { sendFile } from '../../../src/server/files/file-answer.ts'
import { Assets } from '../../../src/server/http/asset.ts'
import { inPieces, maxPieceBytes } from '../../../src/server/http/pieces.ts'
import { RequestRecord } from '../../../src/telemetry/request-record.ts'
import { silent } from '../../support/books.ts'
import { temporaryFolder } from '../../support/temporary.ts'

// More than is on the way between two programs, in all buffers.
const long = Buffer.alloc(64_000_000, 'code\n')

/** An answer of which nothing has been read. */
async function begin(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const server = createServer((request, response) => void answer(request, response))
  const port = await listen(server, { port: 0, host: '127.0.0.1' })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const asked = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>
  const asking = request({ port, host: '127.0.0.1' }).end()
  const [[, response], [received]] = (await Promise.all([asked, once(asking, 'response')])) as [
    [IncomingMessage, ServerResponse],
    [IncomingMessage],
  ]
  return { response, received }
}

async function sendAsset(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  await writeFile(join(folder.path, 'long.js'), long)
  const target = { id: 'long.js', search: '', onStream: () => {}, record: new RequestRecord() }
  await new Assets(folder.path).route.answer(request, response, target)
}

async function sendCodes(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces = (async function* () {
    yield long
  })()
  await sendFile(request, response, { status: 200, headers: {}, gzip: false, pieces }, silent)
}

test.each([
  ['a file of codes', sendCodes],
  ['a file of a page', sendAsset],
])('how far %s has been read can be told before it has been read completely', async (_what, send) => {
  const { response, received } = await begin(send)
  const passedOn = () => (response.socket?.bytesWritten ?? 0) - response.writableLength
  await expect.poll(passedOn).toBeGreaterThan(0)
  expect(response.writableLength).toBeLessThan(10 * maxPieceBytes)
  const chunks: Buffer[] = await received.toArray()
  expect(Buffer.concat(chunks).equals(long)).toBe(true)
})

test('no piece is longer than can be told, and none is lost', async () => {
  const parts = ['', 'short', 'x'.repeat(maxPieceBytes), 'y'.repeat(2 * maxPieceBytes + 1)].map((text) =>
    Buffer.from(text),
  )
  const pieces: Uint8Array[] = []
  for await (const piece of inPieces(parts)) pieces.push(piece)
  expect(pieces.map(({ length }) => length)).toEqual([5, maxPieceBytes, maxPieceBytes, maxPieceBytes, 1])
  expect(Buffer.concat(pieces).equals(Buffer.concat(parts))).toBe(true)
})

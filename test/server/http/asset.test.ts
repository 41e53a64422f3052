import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { Assets } from '../../../src/server/http/asset.ts'
import { answerError } from '../../../src/server/http/errors.ts'
import { RequestRecord } from '../../../src/telemetry/request-record.ts'
import { loadFile } from '../../support/load-file.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** A server with the files of a folder. */
async function serve(files: Record<string, string>) {
  const folder = await temporaryFolder()
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text)
  const { route } = new Assets(folder.path)
  const server = createServer(async (request, response) => {
    try {
      const id = request.url?.slice(1) ?? ''
      if (await route.exists?.(id))
        await route.answer(request, response, {
          id,
          search: '',
          onStream: () => {},
          record: new RequestRecord(),
        })
      else response.writeHead(404).end()
    } catch (error) {
      answerError(response, error, pino({ level: 'silent' }))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.close()
    await folder[Symbol.asyncDispose]()
  })
  const { port } = server.address() as AddressInfo
  const load = (name: string, headers?: Record<string, string>) =>
    loadFile(new URL(`http://127.0.0.1:${port}/${name}`), headers)
  return { load, path: folder.path }
}

test('a file without codings is sent as it is', async () => {
  const { load } = await serve({ 'photo.png': 'bytes' })
  const { status, headers, body } = await load('photo.png', { 'accept-encoding': 'br, gzip' })
  expect([status, headers['content-type'], String(body)]).toEqual([200, 'image/png', 'bytes'])
  expect(headers).not.toHaveProperty('content-encoding')
})

test('codings and notes of the build are no files of their own', async () => {
  const { load } = await serve({ 'a.js': '', 'a.js.br': '', 'fingerprint.txt': '' })
  for (const name of ['a.js.br', 'fingerprint.txt', 'A.js', ''])
    expect((await load(name)).status, name).toBe(404)
})

test('a file that was read once is kept; one that a newer build has replaced is an error that says so', async () => {
  const { load, path } = await serve({ 'a.js': 'first', 'b.js': 'second' })
  await load('a.js')
  for (const name of ['a.js', 'b.js']) await rm(join(path, name))
  expect(String((await load('a.js')).body)).toBe('first')
  const { status, body } = await load('b.js')
  expect([status, String(body)]).toEqual([404, expect.stringContaining('Restart the service')])
})

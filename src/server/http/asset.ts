import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { Lazy } from '../../async/lazy.ts'
import { errorCode } from '../../database/embedded/files.ts'
import { notFound } from './errors.ts'
import { inPieces, maxPieceBytes } from './pieces.ts'
import { acceptedCoding, type ContentCoding } from './request.ts'
import { type Route, readOnly } from './server.ts'

/** The codings that a client may prefer, the best first, and how their files end. */
const extensions: readonly (readonly [ContentCoding, string])[] = [
  ['br', '.br'],
  ['gzip', '.gz'],
  ['identity', ''],
]

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
}

/**
 * The files of a folder that was built, by their paths in it. A name changes with the content of its file, so browsers may
 * cache it forever. `x.js.br` and `x.js.gz` are codings of `x.js`. The folder is read on first use.
 */
export class Assets {
  readonly #assets: Lazy<ReadonlyMap<string, Asset>>

  /** Serves each file under its path in the folder, which the route gets as `*`. */
  readonly route: Route = {
    ...readOnly(async (request, response, { id }) => (await this.#find(id))?.answer(request, response)),
    exists: async (id) => (await this.#find(id)) !== undefined,
  }

  constructor(folder: string) {
    this.#assets = new Lazy(() => findAssets(folder))
  }

  async names(): Promise<string[]> {
    return [...(await this.#assets.get()).keys()]
  }

  async #find(name: string): Promise<Asset | undefined> {
    return (await this.#assets.get()).get(name)
  }
}

async function findAssets(folder: string): Promise<ReadonlyMap<string, Asset>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
  const all = new Set(names)
  const assets = new Map<string, Asset>()
  for (const name of names) {
    const type = mediaTypes[extname(name)]
    // The others are codings, and notes of the build.
    if (type === undefined) continue
    const codings = extensions.filter(([, extension]) => all.has(name + extension))
    const file = join(folder, name)
    const readers = codings.map(([coding, extension]) => [coding, () => readAsset(file + extension)] as const)
    assets.set(name, new Asset(readers, { ...fileHeaders, 'Content-Type': type }))
  }
  return assets
}

const fileHeaders = {
  'Cache-Control': 'public, max-age=31536000, immutable',
  // A worker has the policy it is loaded with, not the page's.
  'Content-Security-Policy': "default-src 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
}

interface Body {
  readonly bytes: Buffer
  readonly etag: string
}

/**
 * A file that does not change while the service runs, sent in the best coding that the client accepts. On the first request
 * for a coding it is read, and kept.
 */
export class Asset {
  readonly #bodies: ReadonlyMap<ContentCoding, Lazy<Body>>
  readonly #headers: Readonly<Record<string, string>>

  /** `codings` are those that there are, the best first, each with what reads the file in it. `headers` are those of the file. */
  constructor(
    codings: readonly (readonly [ContentCoding, () => Promise<Buffer>])[],
    headers: Readonly<Record<string, string>>,
  ) {
    this.#bodies = new Map(
      codings.map(([coding, read]) => [coding, new Lazy(async () => bodyOf(await read()))]),
    )
    this.#headers = headers
  }

  /** Answers GET and HEAD, with If-None-Match. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const codings = [...this.#bodies.keys()]
    const coding = acceptedCoding(request, codings)
    const body = coding && this.#bodies.get(coding)
    if (body === undefined) {
      response.writeHead(406, { 'Content-Type': 'text/plain; charset=utf-8', Vary: 'Accept-Encoding' })
      response.end(`This file is sent with the Content-Encoding ${codings.join(', ')}. Accept one of them.\n`)
      return
    }
    const { bytes, etag } = await body.get()
    const headers = { ...this.#headers, ETag: etag, Vary: 'Accept-Encoding' }
    if (matchesTag(request.headers['if-none-match'], etag)) {
      response.writeHead(304, headers).end()
      return
    }
    response.writeHead(200, {
      ...headers,
      ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
      'Content-Length': bytes.length,
    })
    if (request.method === 'HEAD') response.end()
    else if (bytes.length > maxPieceBytes) Readable.from(inPieces([bytes])).pipe(response)
    else response.end(bytes)
  }
}

async function readAsset(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
    throw notFound('This file was replaced by a newer build. Restart the service, then reload the page.')
  })
}

function bodyOf(bytes: Buffer): Body {
  return { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` }
}

/** Whether If-None-Match contains an entity tag, by weak comparison. RFC 9110, 13.1.2. */
function matchesTag(header: string | undefined, etag: string): boolean {
  if (header?.trim() === '*') return true
  return header?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false
}

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Lazy } from '../../async/lazy.ts'
import { graphiqlPath, graphqlPath } from '../../routes.ts'
import { Asset } from '../http/asset.ts'
import { type Route, readOnly } from '../http/server.ts'
import { type Guide, type GuideSample, guide } from './guide.ts'

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" aria-hidden="true">' +
  '<path fill="#d60590" d="M4 10h32v7a3 3 0 0 0 0 6v7H4v-7a3 3 0 0 0 0-6z"/>' +
  '<path stroke="#fff" stroke-width="2" stroke-dasharray="3 3" d="M25 11v18"/>' +
  '<path stroke="#fff" stroke-width="2.5" d="M10 17h10M10 23h7"/></svg>'

/**
 * The headers of the page. It may contain a key, so it loads nothing from other origins, sends nothing there, cannot be framed,
 * and is never stored. Monaco, GraphiQL's editor, creates style elements and needs 'unsafe-inline'.
 */
export const graphiqlPageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self' data:",
    'img-src data:',
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

export interface GraphiqlPageOptions {
  /** Filled into the headers of every tab. Everyone who can read the page can read the key. */
  readonly apiKey?: string | undefined
  /** Fills the guide's variables. Without it, they say where each id comes from. */
  readonly sample?: GuideSample | undefined
  /** Identifies the database; not secret. A browser discards tabs that it has stored for another one. */
  readonly database?: string | undefined
}

/** GraphiQL: its page, and the files that the page loads, which are read on the first request. */
export class Graphiql {
  readonly #files = new Lazy(readFiles)

  /** Serves the files. */
  readonly fileRoute: Route = {
    ...readOnly(async (request, response, { id }) => (await this.asset(id))?.answer(request, response)),
    exists: async (id) => (await this.asset(id)) !== undefined,
  }

  /** A file by the part of its path after /graphiql/: its folder and name. */
  async asset(name: string): Promise<Asset | undefined> {
    const { assets } = await this.#files.get()
    return assets.get(name)
  }

  /** The page, with the guide's steps as tabs. */
  async page(options: GraphiqlPageOptions): Promise<string> {
    const { folder } = await this.#files.get()
    return renderPage(graphiqlPath(`${folder}/`), options)
  }
}

/** The files by folder and name. The folder changes with their content, so that they can be cached forever. */
async function readFiles(): Promise<{ folder: string; assets: ReadonlyMap<string, Asset> }> {
  const graphqlWs = dirname(createRequire(import.meta.url).resolve('graphql-ws/package.json'))
  const [script, style, socket, bundle] = await Promise.all([
    readFile(new URL('./page.js', import.meta.url)),
    readFile(new URL('./page.css', import.meta.url)),
    readFile(join(graphqlWs, 'umd/graphql-ws.min.js')),
    readBundle(),
  ])
  const files = Object.entries({ 'page.js': script, 'page.css': style, 'graphql-ws.js': socket, ...bundle })
  const hash = createHash('sha256')
  for (const [name, body] of files) hash.update(`${name}\n`).update(body)
  const folder = hash.digest('hex').slice(0, 16)
  return {
    folder,
    assets: new Map(files.map(([name, body]) => [`${folder}/${name}`, new Asset(body, assetHeaders(name))])),
  }
}

/** The files of GraphiQL and of its editor, by name. */
function readBundle(): Promise<Record<string, Uint8Array>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, Uint8Array>>()
  const thread = new Worker(new URL('./bundle.ts', import.meta.url))
  thread.once('message', resolve)
  thread.once('error', reject)
  thread.once('exit', () => reject(new Error('The thread that reads GraphiQL exited before it had read it.')))
  return promise
}

function assetHeaders(name: string): Readonly<Record<string, string>> {
  return {
    'Content-Type': `text/${name.endsWith('.css') ? 'css' : 'javascript'}; charset=utf-8`,
    'Cache-Control': 'public, max-age=31536000, immutable',
    // A worker has the policy it is loaded with, not the page's.
    'Content-Security-Policy': "default-src 'none'",
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  }
}

function renderPage(folder: string, { apiKey, sample, database }: GraphiqlPageOptions): string {
  const steps = guide(sample)
  const config = {
    endpoint: graphqlPath,
    fingerprint: fingerprint(folder, steps, sample, database),
    authorization: apiKey === undefined ? null : `Bearer ${apiKey}`,
    guide: steps,
    graphiql: `${folder}graphiql.js`,
    workers: {
      editorWorkerService: `${folder}editor.worker.js`,
      json: `${folder}json.worker.js`,
      graphql: `${folder}graphql.worker.js`,
    },
  }
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Promo codes: GraphiQL</title>
    <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(LOGO)}">
    <link rel="stylesheet" href="${folder}graphiql.css">
    <link rel="stylesheet" href="${folder}page.css">
  </head>
  <body>
    <header id="bar">
      <h1>${LOGO} Promo codes</h1>
      <p id="notice" role="status"></p>
      <p id="hint">Follow the tabs from left to right. The Tab key leaves an editor; after <kbd id="indents">Ctrl+M</kbd> it indents there.</p>
      <div id="files"></div>
      <button id="restore" type="button" hidden>Restore the tour</button>
    </header>
    <noscript>GraphiQL needs JavaScript. The API works without: POST ${graphqlPath}</noscript>
    <main id="root"></main>
    <script type="application/json" id="config">${jsonInHtml(config)}</script>
    <script src="${folder}graphql-ws.js"></script>
    <script src="${folder}page.js"></script>
  </body>
</html>
`
}

/** Changes when tabs stored by a browser are out of date: another page, other samples, another database. */
function fingerprint(folder: string, steps: Guide, sample?: GuideSample, database?: string): string {
  const queries = steps.tabs.map(({ query }) => query)
  const parts = JSON.stringify([folder, queries, sample?.formatId, sample?.poolId, database])
  return createHash('sha256').update(parts).digest('base64url').slice(0, 16)
}

/** JSON for a script element: without '<' it can neither end the element nor open a comment. */
function jsonInHtml(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

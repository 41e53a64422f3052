import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Guide, type GuideSample, guide } from './graphiql/guide.ts'

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="32" height="32">' +
  '<path fill="#d60590" d="M4 10h32v7a3 3 0 0 0 0 6v7H4v-7a3 3 0 0 0 0-6z"/>' +
  '<path stroke="#fff" stroke-width="2" stroke-dasharray="3 3" d="M25 11v18"/>' +
  '<path stroke="#fff" stroke-width="2.5" d="M10 17h10M10 23h7"/></svg>'

/** GraphiQL's files are served under this path, each below a hash of all of them, so they can be cached for good. */
export const graphiqlAssetsPath = '/graphiql/'

/**
 * The headers of the page. Nothing is loaded from, sent to or framed by another origin; and the page is never
 * stored, because it may contain a key. (Monaco, GraphiQL's editor, writes style elements: hence
 * 'unsafe-inline' for styles, and for nothing else.)
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

export interface GraphiqlAsset {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface GraphiqlPageOptions {
  /** Filled into the headers editor of every tab. Whoever can read the page can read the key. */
  readonly apiKey?: string | undefined
  /** What the guide's variables start from. Without it they say in words where each id comes from. */
  readonly sample?: GuideSample | undefined
  /**
   * Differs from database to database, and is not secret. A browser that has kept tabs from another one
   * forgets them.
   */
  readonly database?: string | undefined
}

export interface Graphiql {
  /** The page, with the guide's steps as tabs. It asks its own origin for everything else. */
  page(options: GraphiqlPageOptions): string
  /** The file at a URL path, if it is one of the page's. */
  asset(path: string): GraphiqlAsset | undefined
}

/**
 * Reads GraphiQL (nine megabytes) into memory.
 *
 * @param endpoint the URL path of the API, for HTTP and WebSocket alike
 */
export async function loadGraphiql(endpoint: string): Promise<Graphiql> {
  const bundle = await import('@graphql-yoga/render-graphiql/graphiql')
  const graphqlWs = dirname(createRequire(import.meta.url).resolve('graphql-ws/package.json'))
  const files: Readonly<Record<string, string>> = {
    'page.js': await readFile(new URL('./graphiql/page.js', import.meta.url), 'utf8'),
    'graphql-ws.js': await readFile(join(graphqlWs, 'umd/graphql-ws.min.js'), 'utf8'),
    'graphiql.js': bundle.js,
    'graphiql.css': bundle.css,
    'editor.worker.js': bundle.editorWorkerService,
    'json.worker.js': bundle.jsonWorker,
    'graphql.worker.js': bundle.graphqlWorker,
  }
  const hash = createHash('sha256')
  for (const [name, body] of Object.entries(files)) hash.update(`${name}\n${body}\n`)
  const folder = `${graphiqlAssetsPath}${hash.digest('hex').slice(0, 16)}/`
  const assets = new Map(
    Object.entries(files).map(([name, body]) => [
      `${folder}${name}`,
      { body, headers: assetHeaders(name) } satisfies GraphiqlAsset,
    ]),
  )
  return {
    page: (options) => renderPage(endpoint, folder, options),
    asset: (path) => assets.get(path),
  }
}

function assetHeaders(name: string): Readonly<Record<string, string>> {
  return {
    'Content-Type': `text/${name.endsWith('.css') ? 'css' : 'javascript'}; charset=utf-8`,
    'Cache-Control': 'public, max-age=31536000, immutable',
    // A worker is held to the policy that it came with, not to the page's.
    'Content-Security-Policy': "default-src 'none'",
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  }
}

function renderPage(
  endpoint: string,
  folder: string,
  { apiKey, sample, database }: GraphiqlPageOptions,
): string {
  const steps = guide(sample)
  const config = {
    endpoint,
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
    <style>
      body { margin: 0 }
      #root { height: 100vh }
      /* GraphiQL moves a tab far away the moment it is pressed, so that the first click on it is lost. */
      .graphiql-tab { transform: none !important }
    </style>
  </head>
  <body>
    <noscript>GraphiQL needs JavaScript. The API works without: POST ${endpoint}</noscript>
    <div id="root"></div>
    <template id="logo">${LOGO}</template>
    <script type="application/json" id="config">${jsonInHtml(config)}</script>
    <script src="${folder}graphql-ws.js"></script>
    <script src="${folder}page.js"></script>
  </body>
</html>
`
}

/** Changes when tabs that a browser has kept would be wrong: another page, other samples, another database. */
function fingerprint(folder: string, steps: Guide, sample?: GuideSample, database?: string): string {
  const queries = steps.tabs.map(({ query }) => query)
  const parts = JSON.stringify([folder, queries, sample?.formatId, sample?.poolId, database])
  return createHash('sha256').update(parts).digest('base64url').slice(0, 16)
}

/** JSON that can stand in a script element: without '<' it can neither end it nor open a comment. */
function jsonInHtml(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

/**
 * Whether a Host header names this machine's loopback. A page may only be given a key when it does: the
 * browser of somebody who visits evil.example can be led to this service under that name (DNS rebinding),
 * and then counts the page as evil.example's own.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host)
}

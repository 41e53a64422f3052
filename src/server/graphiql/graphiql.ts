import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { graphiqlPath, graphqlPath } from '../../routes.ts'
import { Assets } from '../http/asset.ts'
import { pageHeaders } from '../http/page.ts'
import type { Route } from '../http/server.ts'
import { type Guide, type GuideSample, guide } from './guide.ts'

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" aria-hidden="true">' +
  '<path fill="#d60590" d="M4 10h32v7a3 3 0 0 0 0 6v7H4v-7a3 3 0 0 0 0-6z"/>' +
  '<path stroke="#fff" stroke-width="2" stroke-dasharray="3 3" d="M25 11v18"/>' +
  '<path stroke="#fff" stroke-width="2.5" d="M10 17h10M10 23h7"/></svg>'

/** The headers of the page. Monaco, GraphiQL's editor, creates style elements and needs 'unsafe-inline'. */
export const graphiqlPageHeaders = pageHeaders([
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  'img-src data:',
  "connect-src 'self'",
  "worker-src 'self'",
])

export interface GraphiqlPageOptions {
  /** Filled into the headers of every tab. Everyone who can read the page can read the key. */
  readonly apiKey?: string | undefined
  /** Fills the guide's variables. Without it, they say where each id comes from. */
  readonly sample?: GuideSample | undefined
  /** Identifies the database; not secret. A browser discards tabs that it has stored for another one. */
  readonly database?: string | undefined
}

/** GraphiQL: its page, and the files that the page loads, which src/build/graphiql.ts has built. */
export class Graphiql {
  readonly #assets = new Assets(join(import.meta.dirname, '../../../dist/graphiql'))

  /** Serves the files. Their names begin with the folder that they are in. */
  readonly fileRoute: Route = this.#assets.route

  /** The page, with the guide's steps as tabs. */
  async page(options: GraphiqlPageOptions): Promise<string> {
    const [name = ''] = await this.#assets.names()
    return renderPage(graphiqlPath(`${dirname(name)}/`), options)
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

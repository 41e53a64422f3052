import type { IncomingMessage } from 'node:http'
import { graphiqlPageHeaders } from '../graphiql/graphiql.ts'
import { limitArrival } from '../http/request.ts'
import { type Route, send } from '../http/server.ts'
import type { Api } from './api.ts'
import { isForm } from './multipart.ts'

/** The route of the API. Browsers are shown `page`, which may contain a key for whoever may see it. */
export function graphqlRoute(api: Api, page: (request: IncomingMessage) => Promise<string>): Route {
  return {
    methods: 'GET, POST, OPTIONS',
    readsBody: true,
    async answer(request, response, { search, onStream }) {
      if (wantsPage(request, search)) return send(response, 200, await page(request), graphiqlPageHeaders)
      // A form may bring a file, which has no limit but that it keeps coming.
      if (!isForm(request)) limitArrival(request)
      await api.answer(request, response, { search, onStream })
    },
  }
}

/** Whether a browser wants to show the page, and it is not a query. */
function wantsPage({ method, headers }: IncomingMessage, search: string): boolean {
  return method === 'GET' && headers.accept?.includes('text/html') === true && !search.includes('query=')
}

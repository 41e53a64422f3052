import { get } from 'node:http'
import { join } from 'node:path'
import { createServer, type Plugin, type ProxyOptions } from 'vite'

// Serves the console from its sources to whoever works on it, and shows each change immediately. Everything else comes from a
// running service: the one that `npm start` starts, or that at the address in the variable SERVICE.

const service = process.env['SERVICE'] ?? 'http://127.0.0.1:4000'

// Host stays as the browser sends it, so that the service takes these pages for its own.
const toService: ProxyOptions = { target: service, changeOrigin: false }
const proxy: Record<string, ProxyOptions> = {
  '^/graphql($|\\?)': { ...toService, ws: true },
  '^/graphiql/': toService,
  '^/schema\\.graphql$': toService,
  '^/session$': toService,
  '^/pools/[^/]+/codes(\\.csv)?($|\\?)': toService,
  '^/tasks/[^/]+/rejected\\.csv($|\\?)': toService,
}

/** Asks the service for the page, too, so that it signs in a browser on this machine. */
const localSignIn: Plugin = {
  name: 'local-sign-in',
  configureServer({ middlewares, config }) {
    middlewares.use(async (request, response, next) => {
      const { url = '/', method, headers } = request
      const isPage = method === 'GET' && headers['sec-fetch-dest'] === 'document'
      if (!isPage || Object.keys(proxy).some((path) => RegExp(path).test(url))) return next()
      try {
        const cookies = await cookiesOf(url, {
          cookie: headers.cookie ?? '',
          'sec-fetch-site': String(headers['sec-fetch-site']),
        })
        if (cookies !== undefined) response.setHeader('Set-Cookie', cookies)
        next()
      } catch (error) {
        config.logger.error(`There is no service at ${service}: ${error}. Start one with npm start.`)
        next()
      }
    })
  },
}

/** The cookies that the service sets with its page. */
function cookiesOf(path: string, headers: Record<string, string>): Promise<string[] | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string[] | undefined>()
  get(new URL(path, service), { headers }, (response) => {
    response.resume()
    resolve(response.headers['set-cookie'])
  }).once('error', reject)
  return promise
}

const server = await createServer({
  configFile: join(import.meta.dirname, '../src/console/vite.config.ts'),
  configLoader: 'native',
  plugins: [localSignIn],
  server: { proxy },
})
await server.listen()
server.printUrls()

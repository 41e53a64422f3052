import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Lazy } from '../../async/lazy.ts'
import { printSorted } from '../../graphql/schema.ts'
import { Asset } from '../http/asset.ts'
import { anyOrigin } from '../http/cross-origin.ts'
import { type Route, readOnly } from '../http/server.ts'

const compress = promisify(gzip)

/**
 * The route of the schema in SDL, for tools that generate code from it. It needs no key, as it is the same for everyone and says
 * nothing about an account.
 */
export function schemaRoute(): Route {
  const text = new Lazy(async () => Buffer.from(printSorted()))
  const file = new Asset(
    [
      ['gzip', async () => await compress(await text.get())],
      ['identity', () => text.get()],
    ],
    {
      ...anyOrigin,
      'Content-Type': 'text/plain; charset=utf-8',
      // Another release can have another schema at the same address.
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
    },
  )
  return readOnly((request, response) => file.answer(request, response))
}

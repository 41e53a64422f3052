import { matchPath } from 'react-router'
import type { Scope } from './viewer.tsx'

interface Place {
  /** As in routes: with "*" for all that is below it. */
  path: string
  /** Any of these scopes is enough to be there. */
  scopes: readonly Scope[]
}

/**
 * What a key needs for the screens, by their addresses. The first one, "/", has something for every key: the pools, or what
 * the key may do instead.
 */
export const places = {
  pools: { path: '/pools/*', scopes: ['READ'] },
  tasks: { path: '/tasks/*', scopes: ['READ'] },
  formats: { path: '/formats/*', scopes: ['READ'] },
  codes: { path: '/codes', scopes: ['READ', 'REDEEM'] },
  activity: { path: '/activity', scopes: ['READ'] },
  keys: { path: '/keys', scopes: ['ADMIN'] },
  webhooks: { path: '/webhooks/*', scopes: ['READ', 'ADMIN'] },
} as const satisfies Record<string, Place>

/** Which scopes an address needs, any of them, of which a key has none. Undefined if it may be there. */
export function missingAt(address: string, scopes: readonly Scope[]): readonly Scope[] | undefined {
  const all: readonly Place[] = Object.values(places)
  const place = all.find(({ path }) => matchPath(path, address) !== null)
  return place?.scopes.some((scope) => scopes.includes(scope)) === false ? place.scopes : undefined
}

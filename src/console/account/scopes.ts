import { list } from '../intl.ts'
import type { Scope } from '../shell/viewer.tsx'
import { text } from '../text.ts'

/** In the order in which people get to know them. */
export const allScopes: readonly Scope[] = ['READ', 'MANAGE', 'CLAIM', 'REDEEM', 'ADMIN']

/** "See, manage, and claim". */
export function scopeNames(scopes: readonly Scope[]): string {
  const names = allScopes
    .filter((scope) => scopes.includes(scope))
    .map((scope, i) => {
      const { name } = text.account.keys.scope[scope]
      return i === 0 ? name : name.toLowerCase()
    })
  return list(names)
}
